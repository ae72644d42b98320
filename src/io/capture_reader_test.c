#include "io/capture_reader.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/random.h"
#include "io/capture_encode.h"

#define FLIPS 20000

/* A pcapng file with an interface and packets of 0, 1, 2, ... bytes. */
static struct buf sample(uint32_t n_packets)
{
	static const struct capture_writer_config config = { .application = "test" };
	static const struct capture_writer_interface interface = { .name = "eth0", .link_type = 1 };
	static uint8_t bytes[1024];
	struct buf b = buf_of(4U << 20);

	capture_encode_section(&b, &config);
	capture_encode_interface(&b, &interface);
	for (uint32_t i = 0; i < n_packets; i++) {
		struct capture_packet p = { .bytes = bytes, .time_ns = i, .flags = i & 1 };

		p.cap_len = p.wire_len = i % sizeof(bytes);
		p.comment = i % 3 ? NULL : "a comment";
		p.comment_len = p.comment ? 9 : 0;
		capture_encode_packet(&b, &p);
	}
	assert_int_equal(b.err, 0);
	return b;
}

static struct capture_reader *open_bytes(const void *bytes, size_t len)
{
	struct capture_reader *r;

	assert_int_equal(capture_reader_open_bytes(bytes, len, &r, NULL), 0);
	return r;
}

/* Return: packets until the end or an error, which goes to @ret_err. */
static uint32_t count(struct capture_reader *r, int *ret_err)
{
	struct capture_packet p;
	uint32_t n = 0;

	while ((*ret_err = capture_reader_next(r, &p)) > 0)
		n++;
	return n;
}

static void cut_at_every_byte(void **state UNUSED)
{
	struct buf b = sample(40);
	uint32_t last = 0;

	for (size_t len = 0; len <= b.len; len++) {
		char *copy = memcpy(malloc(len + 1), b.data, len);
		struct capture_reader *r = NULL;
		struct fault fault;
		int err = capture_reader_open_bytes((uint8_t *)copy, len, &r, &fault);
		uint32_t n = r ? count(r, &err) : 0;

		assert_true(err == 0 || err == -E_TRUNCATED);
		assert_true(n == last || n == last + 1);
		if (n > last) /* a packet comes with its last byte */
			assert_int_equal(err, 0);
		last = n;
		capture_reader_free(r);
		free(copy);
	}
	assert_int_equal(last, 40);
	buf_done(&b);
}

static void bytes_changed_at_random(void **state UNUSED)
{
	struct random rng = random_of(3);
	struct buf b = sample(12);
	int n_errors = 0;

	for (int i = 0; i < FLIPS; i++) {
		uint8_t *copy = memcpy(malloc(b.len), b.data, b.len);
		struct capture_reader *r = NULL;
		int err;

		for (uint64_t k = random_below(&rng, 4) + 1; k; k--)
			copy[random_below(&rng, b.len)] = (uint8_t)random_u64(&rng);
		err = capture_reader_open_bytes(copy, b.len, &r, NULL);
		if (r)
			assert_in_range(count(r, &err), 0, b.len / 32);
		n_errors += err < 0;
		capture_reader_free(r);
		free(copy);
	}
	assert_in_range(n_errors, FLIPS / 10, FLIPS);
	buf_done(&b);
}

static void interfaces_are_bounded(void **state UNUSED)
{
	static const struct capture_writer_config config = { .application = "test" };
	static const struct capture_writer_interface interface = { .name = "eth0", .link_type = 1 };
	struct buf b = buf_of(4U << 20);
	struct capture_reader *r;
	int err;

	capture_encode_section(&b, &config);
	for (uint32_t i = 0; i <= CAPTURE_INTERFACES_MAX; i++)
		capture_encode_interface(&b, &interface);
	assert_int_equal(b.err, 0);
	r = open_bytes(b.data, b.len);
	assert_int_equal(count(r, &err), 0);
	assert_int_equal(err, -E_FULL);
	assert_int_equal(capture_reader_n_interfaces(r), CAPTURE_INTERFACES_MAX);
	capture_reader_free(r);
	buf_done(&b);
}

/* A pipe that is fed a block at a time, each when the reader waits for it. */
struct feed {
	int fd;
	const char *at, *end;
	int n_waits;
};

/* Writes up to the end of the next block: sections, interfaces and packets alike. */
static int feed_block(void *arg, int fd UNUSED)
{
	struct feed *f = arg;
	uint32_t len;

	f->n_waits++;
	if (f->at == f->end) {
		close(f->fd);
		f->fd = -1;
		return 0;
	}
	memcpy(&len, f->at + 4, sizeof(len));
	assert_int_equal(write(f->fd, f->at, len), len);
	f->at += len;
	return 0;
}

static int refuse(void *arg UNUSED, int fd UNUSED)
{
	return -ECANCELED;
}

/* /proc/self/fd/N, so that a pipe has a path. */
static struct capture_reader *open_pipe(int fd, const struct capture_wait *wait)
{
	struct capture_reader *r = NULL;
	struct fault fault;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (capture_reader_open(path, wait, &r, &fault) < 0)
		return NULL;
	return r;
}

static void waiting_is_the_callers(void **state UNUSED)
{
	struct buf b = sample(20);
	struct capture_reader *r;
	struct capture_packet p;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	struct feed feed = { .fd = fds[1], .at = b.data, .end = b.data + b.len };
	struct capture_wait wait = { .wait = feed_block, .arg = &feed };

	r = open_pipe(fds[0], &wait);
	assert_non_null(r);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(capture_reader_next(r, &p), 1);
		assert_int_equal(feed.n_waits, 3 + i); /* no more than that packet was needed */
	}
	close(fds[0]);
	assert_int_equal(capture_reader_next(r, &p), 0);
	capture_reader_free(r);
	buf_done(&b);
}

static void waiting_may_end(void **state UNUSED)
{
	struct buf b = sample(2);
	struct capture_wait wait = { .wait = refuse };
	struct capture_reader *r;
	struct capture_packet p;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_null(open_pipe(fds[0], &wait));
	assert_int_equal(write(fds[1], b.data, b.len - 1), b.len - 1);
	r = open_pipe(fds[0], &wait);
	assert_non_null(r);
	assert_int_equal(capture_reader_next(r, &p), 1);
	assert_int_equal(capture_reader_next(r, &p), -ECANCELED);
	assert_int_equal(capture_reader_next(r, &p), -ECANCELED);
	capture_reader_free(r);
	close(fds[0]);
	close(fds[1]);
	buf_done(&b);
}

static void faults_name_the_place(void **state UNUSED)
{
	struct buf b = sample(3);
	size_t bad = b.len;
	struct capture_reader *r;
	int err;

	buf_bytes(&b, (uint32_t[]){ 6, 16, 0, 16 }, 16); /* too short for a packet */
	r = open_bytes(b.data, b.len);
	assert_int_equal(count(r, &err), 3);
	assert_int_equal(err, -E_MALFORMED);
	assert_int_equal(capture_reader_fault(r)->offset, bad);
	assert_non_null(strstr(capture_reader_fault(r)->text, "a packet's block of 16 bytes"));
	capture_reader_free(r);
	buf_done(&b);
	assert_null(capture_reader_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_at_every_byte),	  cmocka_unit_test(bytes_changed_at_random),
		cmocka_unit_test(interfaces_are_bounded), cmocka_unit_test(waiting_is_the_callers),
		cmocka_unit_test(waiting_may_end),	  cmocka_unit_test(faults_name_the_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
