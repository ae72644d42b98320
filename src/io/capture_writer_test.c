#include "io/capture_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "io/capture_reader.h"

#define N_PACKETS 3000

static const uint8_t bytes[CAPTURE_PACKET_MAX];
static char folder[] = "/tmp/capture_writer.XXXXXX";
static int folder_fd;

static struct capture_writer *writer(const char *path, enum capture_format format)
{
	struct capture_writer_config config = {
		.folder_fd = folder_fd, .path = path, .format = format, .application = "test"
	};
	struct capture_writer *w;

	assert_int_equal(capture_writer_new(&config, &w, NULL), 0);
	return w;
}

static void add(struct capture_writer *w, uint32_t link_type, int expected)
{
	struct capture_writer_interface i = { .name = "x", .link_type = link_type };

	assert_int_equal(capture_writer_add_interface(w, &i), expected);
}

static struct capture_reader *reader(const char *name)
{
	struct capture_reader *r;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(capture_reader_open(path, NULL, &r, NULL), 0);
	return r;
}

/* The i-th of a row of random packets, the same for writing and comparing. */
static struct capture_packet packet_of(struct random *rng, uint8_t *content, bool pcapng)
{
	static char comment[300];
	struct capture_packet p = { .bytes = content };

	p.cap_len = random_below(rng, 20) ? (uint32_t)random_below(rng, 1600)
					  : (uint32_t)random_below(rng, CAPTURE_PACKET_MAX + 1);
	p.wire_len = p.cap_len + (uint32_t)random_below(rng, 3);
	p.time_ns = (int64_t)random_below(rng, 1ULL << 62);
	if (!pcapng)
		p.time_ns %= (int64_t)UINT32_MAX * (int64_t)NS_PER_S;
	for (uint32_t i = 0; i < p.cap_len; i += 97)
		content[i] = (uint8_t)random_u64(rng);
	if (!pcapng)
		return p;
	p.interface = (uint32_t)random_below(rng, 2);
	p.flags = random_below(rng, 2) ? (uint32_t)random_u64(rng) : 0;
	if (!random_below(rng, 4)) {
		p.comment = memset(comment, 'c', sizeof(comment));
		p.comment_len = (uint32_t)random_below(rng, sizeof(comment));
	}
	return p;
}

static void come_back(enum capture_format format, const char *name)
{
	bool pcapng = format == CAPTURE_PCAPNG;
	uint8_t *content = calloc(1, CAPTURE_PACKET_MAX), *again = calloc(1, CAPTURE_PACKET_MAX);
	struct random rng = random_of(7), rng_again = random_of(7);
	struct capture_writer *w = writer(name, format);
	struct capture_reader *r;
	struct capture_packet p;

	add(w, 1, 0);
	add(w, 1, 1);
	assert_int_equal(capture_writer_begin(w), 0);
	for (int i = 0; i < N_PACKETS; i++) {
		p = packet_of(&rng, content, pcapng);
		assert_int_equal(capture_writer_packet(w, &p), 0);
	}
	assert_int_equal(capture_writer_finish(w), 0);
	assert_int_equal(capture_writer_counts(w).packets, N_PACKETS);
	assert_int_equal(capture_writer_counts(w).files, 1);
	r = reader(name);
	for (int i = 0; i < N_PACKETS; i++) {
		struct capture_packet e = packet_of(&rng_again, again, pcapng);

		if (format == CAPTURE_PCAP)
			e.time_ns -= e.time_ns % (int64_t)NS_PER_US;
		assert_int_equal(capture_reader_next(r, &p), 1);
		assert_int_equal(p.cap_len, e.cap_len);
		assert_int_equal(p.wire_len, e.wire_len);
		assert_int_equal(p.time_ns, e.time_ns);
		assert_int_equal(p.interface, e.interface);
		assert_int_equal(p.flags, e.flags);
		assert_memory_equal(p.bytes, e.bytes, e.cap_len);
		assert_int_equal(!p.comment, !e.comment);
		assert_int_equal(p.comment_len, e.comment_len);
		if (e.comment)
			assert_memory_equal(p.comment, e.comment, e.comment_len);
	}
	assert_int_equal(capture_reader_next(r, &p), 0);
	assert_int_equal(capture_writer_counts(w).bytes, capture_reader_offset(r));
	capture_reader_free(r);
	capture_writer_free(w);
	free(content);
	free(again);
}

static void random_packets_come_back(void **state UNUSED)
{
	come_back(CAPTURE_PCAPNG, "a");
	come_back(CAPTURE_PCAP, "b");
	come_back(CAPTURE_PCAP_NS, "c");
}

static void limits(void **state UNUSED)
{
	static char comment[70000];
	struct capture_writer *w = writer("d", CAPTURE_PCAPNG);
	struct capture_packet p = { .bytes = bytes, .cap_len = 1, .wire_len = 1 };
	struct capture_reader *r;

	assert_int_equal(capture_writer_begin(w), 0);
	assert_int_equal(capture_writer_packet(w, &p), -E_RANGE); /* no such interface */
	add(w, 1, 0);
	p.cap_len = CAPTURE_PACKET_MAX + 1;
	assert_int_equal(capture_writer_packet(w, &p), -E_RANGE);
	/* The longest packet with the longest comment, which is cut to what an option holds. */
	p.cap_len = p.wire_len = CAPTURE_PACKET_MAX;
	p.comment = memset(comment, 'x', sizeof(comment));
	p.comment_len = sizeof(comment);
	for (int i = 0; i < 20; i++)
		assert_int_equal(capture_writer_packet(w, &p), 0);
	assert_int_equal(capture_writer_finish(w), 0);
	capture_writer_free(w);
	r = reader("d");
	for (int i = 0; i < 20; i++) {
		assert_int_equal(capture_reader_next(r, &p), 1);
		assert_int_equal(p.cap_len, CAPTURE_PACKET_MAX);
		assert_int_equal(p.comment_len, UINT16_MAX);
	}
	assert_int_equal(capture_reader_next(r, &p), 0);
	capture_reader_free(r);
}

static void interfaces_may_come_late(void **state UNUSED)
{
	struct capture_writer *w = writer("e", CAPTURE_PCAPNG);
	struct capture_packet p = { .bytes = bytes, .cap_len = 4, .wire_len = 4 };
	struct capture_reader *r;

	add(w, 1, 0);
	assert_int_equal(capture_writer_begin(w), 0);
	assert_int_equal(capture_writer_packet(w, &p), 0);
	add(w, 101, 1);
	p.interface = 1;
	assert_int_equal(capture_writer_packet(w, &p), 0);
	capture_writer_statistics(w, 1, 10, 2);
	capture_writer_statistics(w, 2, 10, 2); /* there is none: nothing happens */
	assert_int_equal(capture_writer_finish(w), 0);
	capture_writer_free(w);
	r = reader("e");
	assert_int_equal(capture_reader_next(r, &p), 1);
	assert_int_equal(capture_reader_n_interfaces(r), 1);
	assert_int_equal(capture_reader_next(r, &p), 1);
	assert_int_equal(p.link_type, 101);
	assert_int_equal(capture_reader_next(r, &p), 0);
	assert_int_equal(capture_reader_interface(r, 1)->received, 10);
	assert_int_equal(capture_reader_interface(r, 1)->dropped, 2);
	assert_null(capture_reader_interface(r, 2));
	capture_reader_free(r);
}

static void pcap_has_one_link_type(void **state UNUSED)
{
	struct capture_writer *w = writer("f", CAPTURE_PCAP);
	struct capture_reader *r;
	struct capture_packet p;

	assert_int_equal(capture_writer_begin(w), 0);
	add(w, 113, 0);
	add(w, 1, -E_UNSUPPORTED);
	add(w, 113, 1);
	assert_int_equal(capture_writer_finish(w), 0);
	capture_writer_free(w);
	r = reader("f");
	assert_int_equal(capture_reader_interface(r, 0)->link_type, 113);
	assert_int_equal(capture_reader_next(r, &p), 0);
	capture_reader_free(r);
}

/* Nobody sends on an idle network, and the files turn all the same. */
static void time_turns_files(void **state UNUSED)
{
	struct capture_writer_config config = { .folder_fd = folder_fd,
						.path = "idle-%s",
						.application = "test",
						.rotation = { .period_ns = NS_PER_S, .n_files = 3 },
						.now_ns = 100 * (int64_t)NS_PER_S };
	struct capture_packet p = { .bytes = bytes };
	struct capture_writer *w;

	assert_int_equal(capture_writer_new(&config, &w, NULL), 0);
	add(w, 1, 0);
	assert_int_equal(capture_writer_begin(w), 0);
	assert_string_equal(capture_writer_name(w), "idle-100");
	assert_int_equal(capture_writer_tick(w, config.now_ns + 1), 0);
	assert_int_equal(capture_writer_counts(w).files, 1);
	assert_int_equal(capture_writer_tick(w, config.now_ns + 2 * (int64_t)NS_PER_S), 0);
	assert_string_equal(capture_writer_name(w), "idle-102");
	assert_int_equal(capture_writer_tick(w, config.now_ns + 4 * (int64_t)NS_PER_S), 0);
	assert_int_equal(capture_writer_tick(w, config.now_ns + 6 * (int64_t)NS_PER_S), 1);
	assert_int_equal(capture_writer_packet(w, &p), 1);
	assert_int_equal(capture_writer_finish(w), 0);
	assert_int_equal(capture_writer_counts(w).files, 3);
	assert_int_equal(capture_writer_counts(w).packets, 0);
	capture_writer_free(w);
}

static void errors_stick(void **state UNUSED)
{
	struct capture_writer_config config = { .folder_fd = folder_fd,
						.path = "none/x",
						.application = "test" };
	struct capture_packet p = { .bytes = bytes, .cap_len = 1500, .wire_len = 1500 };
	struct fault fault = { 0 };
	struct capture_writer *w;
	int err = 0;

	assert_int_equal(capture_writer_new(&config, &w, &fault), -ENOENT);
	assert_string_equal(fault.text, "cannot create none/x: No such file or directory");
	w = writer("/dev/full", CAPTURE_PCAP);
	add(w, 1, 0);
	assert_int_equal(capture_writer_begin(w), 0);
	for (int i = 0; i < 1000 && !err; i++)
		err = capture_writer_packet(w, &p);
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(capture_writer_packet(w, &p), -ENOSPC);
	assert_int_equal(capture_writer_flush(w), -ENOSPC);
	assert_int_equal(capture_writer_finish(w), -ENOSPC);
	assert_string_equal(capture_writer_fault(w)->text,
			    "cannot write to /dev/full: No space left on device");
	capture_writer_free(w);
	assert_null(capture_writer_free(NULL));
}

static int make_folder(void **state UNUSED)
{
	if (!mkdtemp(folder))
		return -1;
	folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return folder_fd < 0 ? -1 : 0;
}

static int remove_folder(void **state UNUSED)
{
	static const char *const names[] = { "a", "b",	      "c",	  "d",	     "e",
					     "f", "idle-100", "idle-102", "idle-104" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlinkat(folder_fd, names[i], 0);
	close(folder_fd);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_packets_come_back),
		cmocka_unit_test(limits),
		cmocka_unit_test(interfaces_may_come_late),
		cmocka_unit_test(pcap_has_one_link_type),
		cmocka_unit_test(time_turns_files),
		cmocka_unit_test(errors_stick),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
