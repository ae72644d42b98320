/*
 * bench-wire FILE [WORK]: how many million packets of a capture (pcap, Ethernet) are walked,
 * printed in every way, and asked a filter in a second of processor time, by one thread. The file
 * is in memory before. "cached" works on packets where reading puts them, in the cache, without the
 * time that it took to get them there. WORK: only this one, by its name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "wire/columns.h"
#include "wire/ek.h"
#include "wire/filter.h"
#include "wire/print.h"

struct capture {
	uint8_t *bytes;
	size_t len;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint32_t load_le32(const uint8_t *p)
{
	return __builtin_bswap32(load_be32(p));
}

static int read_capture(const char *path, struct capture *ret)
{
	FILE *f = fopen(path, "rb");
	long len;

	if (!f)
		return -1;
	fseek(f, 0, SEEK_END);
	len = ftell(f);
	rewind(f);
	ret->len = (size_t)len;
	ret->bytes = malloc(ret->len);
	if (!ret->bytes || fread(ret->bytes, 1, ret->len, f) != ret->len || len < 24 ||
	    load_le32(ret->bytes) != 0xa1b2c3d4)
		return -1;
	fclose(f);
	return 0;
}

enum work_kind { WALK, LINE, JSON, EK, COLUMNS, FILTER };

static const struct work {
	const char *name;
	enum work_kind kind;
	bool cached;
} works[] = {
	{ "layer walk", WALK, false },	 { "layer walk, cached", WALK, true },
	{ "one line", LINE, false },	 { "one line, cached", LINE, true },
	{ "JSON", JSON, false },	 { "ek", EK, false },
	{ "3 columns", COLUMNS, false }, { "display filter", FILTER, false },
};

static struct columns columns;
static struct filter *filter;
static struct ek *ek;

#define BLOCK_LEN (1U << 17) /* what is read from a file at once */

static uint8_t cache[BLOCK_LEN + (1U << 18) + 16];

/* The whole records from @at on, a block full of them at least if there are as many. Return: bytes.
 */
static size_t block_len(const struct capture *c, size_t at)
{
	size_t len = 0;

	while (len < BLOCK_LEN && c->len - at - len >= 16) {
		uint32_t cap_len = load_le32(c->bytes + at + len + 8);

		if (cap_len > c->len - at - len - 16 || cap_len > sizeof(cache) - BLOCK_LEN - 16)
			break;
		len += 16 + cap_len;
	}
	return len;
}

/* *@n counts packets; *@ret_sum keeps the compiler from leaving work
 * out. */
static void pass_block(const uint8_t *block, size_t len, enum work_kind work, struct buf *out,
		       uint64_t *n, uint64_t *ret_sum)
{
	struct packet p;
	uint64_t sum = 0;

	for (size_t at = 0; at < len;) {
		const uint8_t *record = block + at;
		uint32_t cap_len = load_le32(record + 8);
		struct frame frame = {
			.number = ++*n,
			.time_ns = load_le32(record) * (int64_t)NS_PER_S +
				   load_le32(record + 4) * (int64_t)NS_PER_US,
		};

		packet_walk(&p, PROTOCOL_ETHERNET, record + 16, cap_len, load_le32(record + 12));
		p.frame = &frame;
		sum += p.n_layers + p.seen;
		if (work == LINE)
			print_line(out, &p);
		else if (work == JSON)
			print_json(out, &p, NULL);
		else if (work == EK)
			ek_put(out, ek, &p);
		else if (work == COLUMNS)
			columns_put(out, &columns, &p);
		else if (work == FILTER)
			sum += filter_matches(filter, &p);
		if (work != WALK && work != FILTER)
			buf_char(out, '\n');
		if (out->len > 1 << 16) {
			sum += out->len;
			buf_reset(out);
		}
		at += 16 + cap_len;
	}
	*ret_sum += sum;
}

/* One pass over the file. Return: ns that it took. */
static uint64_t pass(const struct capture *c, const struct work *work, struct buf *out,
		     uint64_t *ret_n, uint64_t *ret_sum)
{
	uint64_t took_ns = 0, n = 0, start;

	for (size_t at = 24, len; (len = block_len(c, at)); at += len) {
		const uint8_t *block = c->bytes + at;

		if (work->cached)
			block = memcpy(cache, block, len);
		start = now_ns();
		pass_block(block, len, work->kind, out, &n, ret_sum);
		took_ns += now_ns() - start;
	}
	*ret_n = n;
	return took_ns;
}

/* The columns and the filter that are measured. */
static bool set_up(void)
{
	static const char text[] = "tcp.port == 443 && ip.addr == 10.0.0.0/8";

	columns_init(&columns);
	return !columns_add(&columns, "ip.src", NULL) && !columns_add(&columns, "ip.dst", NULL) &&
	       !columns_add(&columns, "tcp.dstport", NULL) &&
	       !filter_new(text, sizeof(text) - 1, &filter, NULL) && !ek_new(false, &ek);
}

int main(int argc, char **argv)
{
	struct capture c;
	struct buf out = buf_of(1 << 18);
	uint64_t sum = 0;

	if (argc < 2 || read_capture(argv[1], &c) < 0 || !set_up()) {
		fprintf(stderr, "usage: bench-wire FILE [WORK] (pcap, microseconds, Ethernet)\n");
		return 2;
	}
	for (size_t i = 0; i < ARRAY_LEN(works); i++) {
		uint64_t best = UINT64_MAX, n = 0;

		if (argc > 2 && strcmp(argv[2], works[i].name) != 0)
			continue;
		for (int round = 0; round < 5; round++)
			best = MIN(best, pass(&c, &works[i], &out, &n, &sum));
		printf("%s\t%.3f\n", works[i].name, (double)n * 1e3 / (double)best);
	}
	buf_done(&out);
	filter_free(filter);
	ek_free(ek);
	free(c.bytes);
	return sum ? 0 : 1;
}
