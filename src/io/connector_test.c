/* Loopback: who accepts and who refuses; each result once; no socket too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/macros.h"
#include "io/clock.h"
#include "io/connector.h"

#define ROUNDS 1000
#define MANY   5000

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

/* The next result; fails when none comes for five seconds. */
static struct connector_result next_result(struct connector *c)
{
	struct connector_result result = { 0 };
	struct pollfd poll_for = { .fd = connector_fd(c), .events = POLLIN };

	while (!connector_next(c, &result))
		assert_int_equal(poll(&poll_for, 1, 5000), 1);
	return result;
}

/* One connection to its end. */
static struct connector_result end_of(struct connector *c, const struct endpoint *to, uint32_t id)
{
	struct connector_result result;

	connector_start(c, to, c, id, id + 7, UINT64_MAX);
	result = next_result(c);
	assert_ptr_equal(result.owner, c);
	assert_int_equal(result.id, id);
	assert_int_equal(result.token, id + 7);
	return result;
}

static void try_family(int family)
{
	struct endpoint open, closed;
	struct connector *c;
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
	assert_false(connector_next(c, &(struct connector_result){ 0 }));
	connector_free(c);
	close(fd);
}

static void test_open_and_closed(void **state UNUSED)
{
	try_family(AF_INET);
	try_family(AF_INET6);
}

/* Many at a time, of both kinds and families: each result once, and the right one. */
static void test_many(void **state UNUSED)
{
	static uint8_t seen[MANY];
	struct endpoint open[2], closed[2];
	int fds[] = { listener(AF_INET, &open[0]), listener(AF_INET6, &open[1]) };
	int gone[] = { listener(AF_INET, &closed[0]), listener(AF_INET6, &closed[1]) };
	uint32_t n_begun = 0, n_ended = 0;
	struct connector *c;

	if (fds[1] < 0 || gone[1] < 0)
		skip();
	close(gone[0]);
	close(gone[1]);
	assert_int_equal(connector_new(50, NULL, &c), 0);
	while (n_ended < MANY) {
		struct connector_result result;

		for (; n_begun < MANY && connector_room(c); n_begun++)
			connector_start(c, &(n_begun % 10 ? closed : open)[n_begun / 3 % 2], c,
					n_begun, 0, UINT64_MAX);
		result = next_result(c);
		assert_true(result.id < n_begun);
		assert_int_equal(seen[result.id]++, 0);
		assert_int_equal(result.error, result.id % 10 ? ECONNREFUSED : 0);
		if (!result.error)
			close(accept(fds[result.id / 3 % 2], NULL, NULL));
		n_ended++;
	}
	assert_false(connector_next(c, &(struct connector_result){ 0 }));
	connector_free(c);
	close(fds[0]);
	close(fds[1]);
}

/* A listener whose queue is full, so that nobody answers any more. */
static int mute(struct endpoint *ret_name)
{
	int fd = listener(AF_INET, ret_name);

	assert_int_equal(listen(fd, 0), 0);
	for (unsigned i = 0; i < 4; i++) {
		struct sockaddr_storage name;
		socklen_t len = endpoint_to_sockaddr(ret_name, &name);
		int filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		assert_true(filler >= 0);
		(void)!connect(filler, (struct sockaddr *)&name, len);
	}
	return fd;
}

/* Silence: no result, and a place again when time is over or the owner is gone. */
static void test_silence(void **state UNUSED)
{
	struct endpoint silent, closed;
	struct connector *c;
	int fd = mute(&silent), gone = listener(AF_INET, &closed);
	char other;

	close(gone);
	assert_int_equal(connector_new(3, NULL, &c), 0);
	for (uint32_t i = 0; i < 3; i++)
		connector_start(c, &silent, c, i, 0, clock_monotonic_ns() + 100 * NS_PER_MS);
	/* Waits for one of the three places. */
	assert_int_equal(end_of(c, &closed, 9).error, ECONNREFUSED);
	for (uint32_t i = 0; i < 3; i++)
		connector_start(c, &silent, &other, i, 0, UINT64_MAX);
	connector_start(c, &closed, &other, 4, 0, UINT64_MAX);
	connector_start(c, &closed, c, 5, 12, UINT64_MAX);
	connector_forget(c, &other);
	assert_int_equal(next_result(c).id, 5);
	assert_false(connector_next(c, &(struct connector_result){ 0 }));
	connector_free(c);
	close(fd);
}

/* The queue ends somewhere; the descriptor says when there is room again. */
static void test_room(void **state UNUSED)
{
	struct pollfd poll_for = { .events = POLLIN };
	struct endpoint silent;
	struct connector *c;
	int fd = mute(&silent);

	assert_int_equal(connector_new(1, NULL, &c), 0);
	poll_for.fd = connector_fd(c);
	assert_int_equal(connector_room(c), CONNECTOR_QUEUE);
	for (uint32_t i = 0; connector_room(c); i++)
		connector_start(c, &silent, c, i, 0, clock_monotonic_ns() + 50 * NS_PER_MS);
	connector_await_room(c);
	assert_int_equal(poll(&poll_for, 1, 5000), 1);
	assert_true(connector_room(c) > 0);
	connector_free(c);
	close(fd);
}

/*
 * Asked for its own port, which must be one of these, TCP connects a socket to itself: nobody
 * listens there.
 */
static void test_meeting_itself(void **state UNUSED)
{
	static const uint8_t loopback[4] = { 127, 0, 0, 1 };
	struct endpoint to = { addr_ip4(loopback), 0 };
	uint32_t n_begun = 0, n_ended = 0;
	struct connector *c;

	if (unshare(CLONE_NEWNET) < 0 || system("ip link set lo up"))
		skip();
	assert_int_equal(connector_new(1, NULL, &c), 0);
	while (n_ended < 32768) {
		for (; n_begun < 32768 && connector_room(c); n_begun++) {
			to.port = (uint16_t)(32768 + n_begun);
			connector_start(c, &to, c, n_begun, 0, UINT64_MAX);
		}
		assert_int_equal(next_result(c).error, ECONNREFUSED);
		n_ended++;
	}
	connector_free(c);
}

/* Without a single descriptor left, everything is for later. */
static void test_no_descriptors(void **state UNUSED)
{
	struct rlimit limit, none;
	struct endpoint to;
	struct connector *c;
	int fd = listener(AF_INET, &to), next;

	assert_int_equal(connector_new(3, NULL, &c), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	next = dup(fd);
	close(next);
	none = (struct rlimit){ (rlim_t)next, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(end_of(c, &to, 1).error, -EAGAIN);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(end_of(c, &to, 2).error, 0);
	connector_free(c);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_and_closed), cmocka_unit_test(test_many),
		cmocka_unit_test(test_silence),		cmocka_unit_test(test_room),
		cmocka_unit_test(test_no_descriptors),	cmocka_unit_test(test_meeting_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
