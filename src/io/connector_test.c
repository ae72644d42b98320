/* Loopback: who accepts and who refuses, at once or later; no socket too many; no TIME_WAIT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/connector.h"

#define ROUNDS 1000

/* A port that accepts, or, after it was closed, one that refuses. */
static int listener(int family, struct endpoint *ret_name)
{
	static const uint8_t ip4[4] = { 127, 0, 0, 1 }, ip6[16] = { [15] = 1 };
	struct endpoint any = { family == AF_INET ? addr_ip4(ip4) : addr_ip6(ip6), 0 };
	struct sockaddr_storage name;
	socklen_t len = endpoint_to_sockaddr(&any, &name);
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, len) < 0)
		return -1;
	assert_int_equal(listen(fd, 4096), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	assert_int_equal(endpoint_from_sockaddr((struct sockaddr *)&name, ret_name), 0);
	return fd;
}

/* One connection to its end. */
static struct connector_result end_of(struct connector *c, const struct endpoint *to, uint32_t id)
{
	struct connector_result result = { 0 };
	struct pollfd poll_for = { .fd = connector_fd(c), .events = POLLIN };
	int started = connector_start(c, to, c, id, id + 7, UINT64_MAX, &result);

	assert_true(started == 0 || started == 1);
	if (!started) {
		assert_int_equal(poll(&poll_for, 1, 5000), 1);
		assert_int_equal(connector_next(c, &result), 1);
	}
	assert_ptr_equal(result.owner, c);
	assert_int_equal(result.id, id);
	assert_int_equal(result.token, id + 7);
	return result;
}

static void try_family(int family)
{
	struct endpoint open, closed;
	struct connector *c;
	struct connector_result none;
	int fd = listener(family, &open), gone = listener(family, &closed);

	if (fd < 0 || gone < 0)
		return;
	close(gone);
	assert_int_equal(connector_new(2, NULL, &c), 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		assert_int_equal(end_of(c, &closed, i).error, ECONNREFUSED);
		if (i % 10 == 0) {
			assert_int_equal(end_of(c, &open, i).error, 0);
			close(accept(fd, NULL, NULL));
		}
	}
	assert_int_equal(connector_next(c, &none), 0);
	connector_free(c);
	close(fd);
}

static void test_open_and_closed(void **state UNUSED)
{
	try_family(AF_INET);
	try_family(AF_INET6);
}

/* What nobody answers: a listener whose queue is full. */
static void test_silence(void **state UNUSED)
{
	struct connector_result result;
	struct connector *c;
	struct endpoint to;
	int fd = listener(AF_INET, &to), waiting = 0, started;

	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(connector_new(3, NULL, &c), 0);
	for (uint32_t i = 0; i < 10 && waiting < 3; i++) {
		started =
			connector_start(c, &to, i % 2 ? (void *)c : (void *)&to, i, 0, i, &result);
		if (started == 0)
			waiting++;
	}
	assert_int_equal(waiting, 3);
	/* No place is left until time is over for one, or its owner is gone. */
	assert_int_equal(connector_start(c, &to, c, 9, 0, 9, &result), -EAGAIN);
	connector_forget(c, c);
	connector_expire(c, UINT64_MAX);
	assert_int_equal(connector_next(c, &result), 0);
	assert_int_equal(connector_start(c, &to, c, 9, 0, 9, &result), 0);
	connector_free(c);
	close(fd);
}

/* Without a single descriptor left, everything is for later. */
static void test_no_descriptors(void **state UNUSED)
{
	struct rlimit limit, none = { 0 };
	struct connector_result result;
	struct endpoint to;
	struct connector *c;
	int fd = listener(AF_INET, &to);

	assert_int_equal(connector_new(3, NULL, &c), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none.rlim_max = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(connector_start(c, &to, c, 1, 0, 1, &result), -EAGAIN);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(end_of(c, &to, 2).error, 0);
	connector_free(c);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_and_closed),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_no_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
