/*
 * Hostile input made of capture files, for builds with sanitizers:
 *
 *   packets  cut at every byte (of the first 2,048), as a short capture and as a short packet, and
 *            with bits flipped: walked and printed as line, tree, JSON and for Elasticsearch
 *   streams  all packets of a file in order through dissection, flows, talkers, protocols, bodies
 *            and a followed stream: read with one snap length after another, cut, flipped and out
 *            of order
 *   files    the file itself cut and flipped, read
 *
 * A run is slow that takes ten times what is usual in processor time: for a packet, the longest of
 * the whole packets with the same layers; for a file, itself. Slow runs are printed, but are no
 * failure: they depend on the machine. Each is measured again before it counts.
 *
 *   hostile [-c N] [-f N] [-r N] [-s SEED] FILE...
 *
 *   -c N  take only the first N packets with the same layers apart; 0: all
 *   -f N  flip bits of each packet in N ways (4)
 *   -r N  runs of each kind over a file's streams and of the file itself (4); 0: read with every
 *         snap length, and 64 of the others
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "capture/dissect.h"
#include "capture/extract.h"
#include "capture/flows.h"
#include "capture/follow.h"
#include "capture/hierarchy.h"
#include "capture/talkers.h"
#include "io/capture_reader.h"
#include "wire/ek.h"
#include "wire/fuzz_json.h"
#include "wire/link_types.h"
#include "wire/print.h"

#define SLOW		10
#define FLOOR_PACKET	(100 * NS_PER_US) /* of what is usual: below, the machine's noise decides */
#define FLOOR_FILE	(5 * NS_PER_MS)
#define TEXT_MAX	(256u << 20)
#define CUT_EACH	2048 /* bytes of a packet that is cut at each */
#define CLASSES_MAX	4096
#define RANDOM_RUNS_ALL 64

/* The packets of a file, all in memory. */
struct sample {
	uint8_t *bytes;
	uint32_t cap_len, wire_len, link_type;
	int64_t time_ns;
};

/* Packets with the same layers. */
struct class
{
	uint64_t key;
	unsigned n;	   /* taken apart, */
	uint64_t usual_ns; /* the longest of them */
};

struct account {
	uint64_t runs, slow;
	double worst; /* times what is usual */
	char worst_at[256];
};

/* One way to read a file's packets. */
enum damage { WHOLE, SNAPPED, CUT, FLIPPED, SHUFFLED, N_DAMAGES };

static const char *const damage_names[N_DAMAGES] = {
	"whole", "snap length", "cut, seed", "flipped, seed", "shuffled, seed",
};

static struct {
	unsigned per_class, flips, rounds;
	uint64_t seed;
} options = { .flips = 4, .rounds = 4, .seed = 1 };

static struct class classes[CLASSES_MAX];
static size_t n_classes;
static struct account packets, streams, files;
static struct buf text;
static struct ek *ek;
static char doing[256]; /* told when a sanitizer stops the run */

const char *__asan_default_options(void);

/* So that on_abort() is called. */
const char *__asan_default_options(void)
{
	return "abort_on_error=1";
}

static void on_abort(int number)
{
	ssize_t n = write(STDERR_FILENO, doing, strlen(doing));

	n = write(STDERR_FILENO, "\n", 1);
	(void)n;
	signal(number, SIG_DFL);
	raise(number);
}

static void die(const char *what)
{
	fprintf(stderr, "hostile: %s: %s\n", doing, what);
	exit(1);
}

static void *take_memory(size_t n)
{
	void *memory = malloc(n ? n : 1);

	if (!memory)
		die("out of memory");
	return memory;
}

static uint64_t spent_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Everything a capture shows of a packet. */
static void show(const struct packet *p)
{
	static const struct json_config config = { .payload = true };

	buf_reset(&text);
	print_line(&text, p);
	print_tree(&text, p);
	ek_put(&text, ek, p);
	if (text.err)
		die("text fails");
	buf_reset(&text);
	print_json(&text, p, &config);
	if (text.err)
		die("JSON fails");
	check_json(&text);
}

/* An allocation of its own, so that every read beyond it is seen. */
static uint8_t *copy_of(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = take_memory(len);

	memcpy(copy, bytes, len);
	return copy;
}

static void flip(struct random *r, uint8_t *bytes, size_t len)
{
	unsigned n = 1 + (unsigned)random_below(r, 4);

	for (unsigned i = 0; i < n && len; i++)
		bytes[random_below(r, len)] ^= (uint8_t)(1u << random_below(r, 8));
}

/* Processor time of one packet. @ret_key: tells its layers, unless NULL. */
static uint64_t run_packet(const struct sample *s, const uint8_t *bytes, uint32_t cap_len,
			   uint32_t wire_len, uint64_t *ret_key)
{
	const struct frame frame = { .number = 1, .link_type = s->link_type };
	uint8_t *copy = copy_of(bytes, cap_len);
	uint64_t start = spent_ns(), key = 14695981039346656037u;
	struct packet p;

	packet_walk(&p, link_type_protocol(s->link_type, copy, cap_len), copy, cap_len, wire_len);
	p.frame = &frame;
	show(&p);
	start = spent_ns() - start;
	for (uint32_t i = 0; i < p.n_layers; i++)
		key = (key ^ p.layers[i].proto) * 1099511628211u;
	if (ret_key)
		*ret_key = key;
	free(copy);
	return start;
}

/* Takes note of a run. Return: whether it may be slow and is to be measured again. */
static bool account_for(struct account *a, uint64_t took_ns, uint64_t usual_ns, bool again)
{
	double times = (double)took_ns / (double)usual_ns;

	a->runs += !again;
	if (times > SLOW && !again)
		return true;
	if (times > a->worst) {
		a->worst = times;
		snprintf(a->worst_at, sizeof(a->worst_at), "%s", doing);
	}
	if (times > SLOW) {
		a->slow++;
		printf("slow: %s: %.0f us, usual are %.0f us\n", doing, (double)took_ns / 1e3,
		       (double)usual_ns / 1e3);
	}
	return false;
}

static void hurt_packet(const struct sample *s, const uint8_t *bytes, uint32_t cap_len,
			uint32_t wire_len, uint64_t usual_ns)
{
	uint64_t took = run_packet(s, bytes, cap_len, wire_len, NULL);

	if (!account_for(&packets, took, usual_ns, false))
		return;
	for (int i = 0; i < 5; i++)
		took = MIN(took, run_packet(s, bytes, cap_len, wire_len, NULL));
	account_for(&packets, took, usual_ns, true);
}

static struct class *class_of(uint64_t key)
{
	for (size_t i = 0; i < n_classes; i++)
		if (classes[i].key == key)
			return &classes[i];
	if (n_classes == CLASSES_MAX)
		die("too many classes of packets");
	classes[n_classes].key = key;
	return &classes[n_classes++];
}

/* The place of the next cut: beyond what headers reach only some, as each is printed whole. */
static uint32_t next_cut(uint32_t cut, uint32_t cap_len)
{
	return cut < CUT_EACH ? cut + 1 : cut + 1 + cap_len / 256;
}

/* One packet in all its shapes. */
static void take_apart(const char *path, size_t number, const struct sample *s)
{
	struct random r = random_of(options.seed + number);
	uint64_t key, took, usual;
	struct class *class;
	uint8_t *damaged;

	snprintf(doing, sizeof(doing), "%s: packet %zu", path, number);
	took = run_packet(s, s->bytes, s->cap_len, s->wire_len, &key);
	class = class_of(key);
	if (options.per_class && class->n >= options.per_class)
		return;
	class->n++;
	took = MIN(took, run_packet(s, s->bytes, s->cap_len, s->wire_len, NULL));
	class->usual_ns = MAX(class->usual_ns, took);
	usual = MAX(class->usual_ns, FLOOR_PACKET);
	for (uint32_t cut = 0; cut < s->cap_len; cut = next_cut(cut, s->cap_len)) {
		snprintf(doing, sizeof(doing), "%s: packet %zu captured to byte %u", path, number,
			 cut);
		hurt_packet(s, s->bytes, cut, s->wire_len, usual);
		snprintf(doing, sizeof(doing), "%s: packet %zu ended at byte %u", path, number,
			 cut);
		hurt_packet(s, s->bytes, cut, cut, usual);
	}
	damaged = take_memory(s->cap_len);
	for (unsigned i = 0; i < options.flips; i++) {
		snprintf(doing, sizeof(doing), "%s: packet %zu flipped, round %u of seed %llu",
			 path, number, i, (unsigned long long)options.seed);
		memcpy(damaged, s->bytes, s->cap_len);
		flip(&r, damaged, s->cap_len);
		hurt_packet(s, damaged, s->cap_len, s->wire_len, usual);
	}
	free(damaged);
}

static bool begin_object(void *arg UNUSED, struct extract_object *o UNUSED)
{
	return true;
}

static void object_bytes(void *arg UNUSED, struct extract_object *o UNUSED,
			 const uint8_t *bytes UNUSED, size_t len UNUSED)
{
}

static void object_gap(void *arg UNUSED, struct extract_object *o UNUSED, uint64_t len UNUSED)
{
}

static void object_end(void *arg UNUSED, struct extract_object *o UNUSED)
{
}

static void follow_piece(void *arg UNUSED, const struct follow_piece *piece UNUSED)
{
}

/* All that a capture may make of the packets of one file. */
struct run {
	struct stream_sink sink;
	struct dissect *dissect;
	struct extract *extract;
	struct follow *follow;
	struct flows *flows;
	struct talkers *talkers;
	struct hierarchy *hierarchy;
};

static void take_piece(struct stream_sink *sink, const struct stream_piece *piece)
{
	struct run *r = container_of(sink, struct run, sink);

	extract_sink(r->extract)->piece(extract_sink(r->extract), piece);
	follow_sink(r->follow)->piece(follow_sink(r->follow), piece);
}

static void take_over(struct stream_sink *sink, void *state)
{
	struct run *r = container_of(sink, struct run, sink);

	extract_sink(r->extract)->over(extract_sink(r->extract), state);
}

static void run_begin(struct run *r)
{
	const struct dissect_config config = {
		.needs = DISSECT_ALL,
		.sink = &r->sink,
	};
	const struct extract_config extract = {
		.begin = begin_object,
		.bytes = object_bytes,
		.gap = object_gap,
		.end = object_end,
	};
	const struct follow_config follow = { .http = true, .give = follow_piece };

	r->sink = (struct stream_sink){ take_piece, take_over };
	r->flows = flows_new(1000);
	r->talkers = talkers_new(1000);
	r->hierarchy = hierarchy_new();
	if (!r->flows || !r->talkers || !r->hierarchy || extract_new(&extract, &r->extract) < 0 ||
	    follow_new(&follow, &r->follow) < 0 || dissect_new(&config, &r->dissect) < 0)
		die("out of memory");
}

static void run_end(struct run *r)
{
	const struct flow **flows = NULL;
	const struct talker **talkers = NULL;
	struct hierarchy_node *nodes = NULL;

	dissect_end(r->dissect);
	if (flows_sorted(r->flows, &flows) < 0 || talkers_sorted(r->talkers, &talkers) < 0 ||
	    hierarchy_sorted(r->hierarchy, &nodes) < 0)
		die("out of memory");
	free(flows);
	free(talkers);
	free(nodes);
	dissect_free(r->dissect);
	extract_free(r->extract);
	follow_free(r->follow);
	flows_free(r->flows);
	talkers_free(r->talkers);
	hierarchy_free(r->hierarchy);
}

static void run_give(struct run *r, const struct sample *s, const uint8_t *bytes, uint32_t cap_len,
		     uint32_t wire_len)
{
	const struct dissect_input in = {
		.bytes = bytes,
		.cap_len = cap_len,
		.wire_len = wire_len,
		.time_ns = s->time_ns,
		.link_type = s->link_type,
	};
	const struct packet *p = dissect_packet(r->dissect, &in);

	if (flows_add(r->flows, p) < 0 || talkers_add(r->talkers, p) < 0)
		die("out of memory");
	hierarchy_add(r->hierarchy, p);
	show(p);
}

/* Processor time of all packets in order. @n: the snap length, or the seed of the damage. */
static uint64_t run_streams(const struct sample *samples, size_t count, enum damage damage,
			    uint64_t n)
{
	struct random r = random_of(options.seed * 1000 + n);
	struct run run = { 0 };
	uint64_t start = spent_ns();

	run_begin(&run);
	for (size_t i = 0; i < count; i++) {
		/* Late, early or once more: within eight packets of its place. */
		size_t from = MAX(i, (size_t)8) - 8;
		const struct sample *s = damage == SHUFFLED && !random_below(&r, 3)
						 ? &samples[from + random_below(&r, i - from + 1)]
						 : &samples[i];
		bool hurt = !random_below(&r, 3);
		uint32_t cap_len = s->cap_len, wire_len = s->wire_len;
		uint8_t *bytes;

		if (damage == SNAPPED)
			cap_len = MIN(cap_len, (uint32_t)n);
		if (damage == CUT && hurt)
			cap_len = wire_len = (uint32_t)random_below(&r, cap_len + 1u);
		bytes = copy_of(s->bytes, cap_len);
		if (damage == FLIPPED && hurt)
			flip(&r, bytes, cap_len);
		run_give(&run, s, bytes, cap_len, wire_len);
		free(bytes);
	}
	run_end(&run);
	return spent_ns() - start;
}

static void hurt_streams(const char *path, const struct sample *samples, size_t count,
			 enum damage damage, uint64_t n, uint64_t usual_ns)
{
	uint64_t took;

	snprintf(doing, sizeof(doing), "%s: streams, %s %llu", path, damage_names[damage],
		 (unsigned long long)n);
	took = run_streams(samples, count, damage, n);
	if (!account_for(&streams, took, usual_ns, false))
		return;
	took = MIN(took, run_streams(samples, count, damage, n));
	account_for(&streams, took, usual_ns, true);
}

static void take_streams(const char *path, const struct sample *samples, size_t count)
{
	unsigned rounds = options.rounds ?: RANDOM_RUNS_ALL;
	uint64_t usual;
	uint32_t longest = 0, step;

	snprintf(doing, sizeof(doing), "%s: streams", path);
	usual = run_streams(samples, count, WHOLE, 0);
	usual = MAX(MIN(usual, run_streams(samples, count, WHOLE, 0)), FLOOR_FILE);
	for (size_t i = 0; i < count; i++)
		longest = MAX(longest, samples[i].cap_len);
	step = options.rounds ? longest / options.rounds + 1 : 1;
	for (uint32_t snap = step / 2;
	     snap<longest; snap = step> 1 ? snap + step : next_cut(snap, longest))
		hurt_streams(path, samples, count, SNAPPED, snap, usual);
	for (enum damage damage = CUT; damage < N_DAMAGES; damage++)
		for (unsigned n = 0; n < rounds; n++)
			hurt_streams(path, samples, count, damage, n, usual);
}

/* Processor time of reading a file. @ret_samples: the packets, unless NULL. */
static uint64_t run_file(const uint8_t *bytes, size_t len, struct sample **ret_samples,
			 size_t *ret_count)
{
	uint64_t start = spent_ns();
	struct capture_reader *r;
	struct capture_packet p;
	struct fault fault;
	size_t n = 0, cap = 0;

	if (capture_reader_open_bytes(bytes, len, &r, &fault) < 0)
		return spent_ns() - start;
	while (capture_reader_next(r, &p) > 0) {
		if (!ret_samples)
			continue;
		if (n == cap) {
			cap = 2 * cap + 64;
			*ret_samples = realloc(*ret_samples, cap * sizeof(**ret_samples));
			if (!*ret_samples)
				die("out of memory");
		}
		(*ret_samples)[n++] = (struct sample){
			.bytes = copy_of(p.bytes, p.cap_len),
			.cap_len = p.cap_len,
			.wire_len = p.wire_len,
			.link_type = p.link_type,
			.time_ns = p.time_ns,
		};
	}
	if (ret_samples)
		*ret_count = n;
	capture_reader_free(r);
	return spent_ns() - start;
}

static void take_file_itself(const char *path, const uint8_t *bytes, size_t len)
{
	uint64_t usual = MAX(run_file(bytes, len, NULL, NULL), FLOOR_FILE), took;
	unsigned rounds = options.rounds ?: RANDOM_RUNS_ALL;

	for (unsigned n = 0; n < 2 * rounds; n++) {
		struct random r = random_of(options.seed * 1000 + n);
		size_t cut = n % 2 ? len : random_below(&r, len + 1);
		uint8_t *copy = copy_of(bytes, cut);

		snprintf(doing, sizeof(doing), "%s: file, damage %u of seed %llu", path, n,
			 (unsigned long long)options.seed);
		if (n % 2)
			flip(&r, copy, cut);
		took = run_file(copy, cut, NULL, NULL);
		if (account_for(&files, took, usual, false)) {
			took = MIN(took, run_file(copy, cut, NULL, NULL));
			account_for(&files, took, usual, true);
		}
		free(copy);
	}
}

static uint8_t *read_whole(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes;
	long len = 0;

	snprintf(doing, sizeof(doing), "%s", path);
	if (!f || fseek(f, 0, SEEK_END) || (len = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
		die(strerror(errno));
	bytes = take_memory((size_t)len);
	if (fread(bytes, 1, (size_t)len, f) != (size_t)len)
		die("cannot be read");
	fclose(f);
	*ret_len = (size_t)len;
	return bytes;
}

static void take_file(const char *path)
{
	struct sample *samples = NULL;
	size_t len, count = 0;
	uint8_t *bytes = read_whole(path, &len);

	run_file(bytes, len, &samples, &count);
	for (size_t i = 0; i < count; i++)
		take_apart(path, i + 1, &samples[i]);
	take_streams(path, samples, count);
	take_file_itself(path, bytes, len);
	for (size_t i = 0; i < count; i++)
		free(samples[i].bytes);
	free(samples);
	free(bytes);
}

static void report(const char *name, const struct account *a)
{
	printf("%-8s %9llu runs, %llu slow; the slowest took %.1f times the usual: %s\n", name,
	       (unsigned long long)a->runs, (unsigned long long)a->slow, a->worst, a->worst_at);
}

static bool read_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:f:r:s:")) != -1) {
		if (c == 'c')
			options.per_class = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'f')
			options.flips = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'r')
			options.rounds = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's')
			options.seed = strtoull(optarg, NULL, 10);
		else
			return false;
	}
	return optind < argc;
}

int main(int argc, char **argv)
{
	if (!read_options(argc, argv)) {
		fprintf(stderr, "usage: hostile [-c N] [-f N] [-r N] [-s SEED] FILE...\n");
		return 2;
	}
	signal(SIGABRT, on_abort);
	text = buf_of(TEXT_MAX);
	if (ek_new(true, &ek) < 0)
		die("out of memory");
	for (int i = optind; i < argc; i++)
		take_file(argv[i]);
	printf("%d files, %zu sorts of packets\n", argc - optind, n_classes);
	report("packets", &packets);
	report("streams", &streams);
	report("files", &files);
	buf_done(&text);
	ek_free(ek);
	return packets.runs && streams.runs && files.runs ? 0 : 1;
}
