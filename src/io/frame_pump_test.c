/*
 * In a namespace of its own with a pair of interfaces: what is added leaves, once, in order; what
 * cannot leave is told with its owner and number; the ring is never overrun.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "io/frame_pump.h"

#define ETHERTYPE 0x88b5 /* for experiments (IEEE 802) */
#define FRAME_LEN 60
#define MTU	  200
#define FRAMES	  20000
#define AT_A_TIME 100

static char owner;

static void wait_for_news(struct frame_pump *p)
{
	struct pollfd poll_for = { .fd = frame_pump_fd(p), .events = POLLIN };

	assert_int_equal(poll(&poll_for, 1, 5000), 1);
	frame_pump_heard(p);
}

static struct frame_failure wait_for_failure(struct frame_pump *p)
{
	struct frame_failure failure;

	while (!frame_pump_failed(p, &failure))
		wait_for_news(p);
	return failure;
}

static void add(struct frame_pump *p, unsigned ifindex, size_t len, uint32_t number)
{
	uint8_t *frame = frame_pump_add(p, FRAME_LINK, ifindex, len, &owner, number);

	memset(frame, 0xff, len);
	frame[12] = ETHERTYPE >> 8;
	frame[13] = ETHERTYPE & 0xff;
	memcpy(frame + 14, &number, sizeof(number));
}

static void make_links(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		skip();
	if (system("ip link add p0 mtu 200 type veth peer name p1 mtu 200 && ip link set p0 up && "
		   "ip link set p1 up && ip link set lo up"))
		fail();
}

/* What comes out at the other end. */
static int listener(const char *iface)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(ETHERTYPE),
				    .sll_ifindex = (int)if_nametoindex(iface) };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETHERTYPE)), bytes = 4 << 20;

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	return fd;
}

static void expect(int fd, uint32_t number)
{
	struct pollfd poll_for = { .fd = fd, .events = POLLIN };
	uint8_t frame[FRAME_PUMP_FRAME_MAX];
	uint32_t got;

	assert_int_equal(poll(&poll_for, 1, 5000), 1);
	assert_int_equal(recv(fd, frame, sizeof(frame), 0), FRAME_LEN);
	memcpy(&got, frame + 14, sizeof(got));
	assert_int_equal(got, number);
}

static void test_all_leave_in_order(void **state UNUSED)
{
	struct frame_failure failure;
	struct frame_pump *p;
	unsigned ifindex;
	int fd;

	make_links();
	fd = listener("p1");
	ifindex = if_nametoindex("p0");
	assert_int_equal(frame_pump_new(false, &p), 0);
	assert_int_equal(frame_pump_room(p), FRAME_PUMP_CELLS);
	for (uint32_t i = 0; i < FRAMES; i++) {
		add(p, ifindex, FRAME_LEN, i);
		/* Alone and many at a time. */
		if (i % AT_A_TIME && i > AT_A_TIME)
			continue;
		frame_pump_push(p);
		for (uint32_t k = i > AT_A_TIME ? i + 1 - AT_A_TIME : i; k <= i; k++)
			expect(fd, k);
	}
	assert_false(frame_pump_failed(p, &failure));
	frame_pump_free(p);
	close(fd);
}

static void test_failures(void **state UNUSED)
{
	struct frame_failure failure;
	struct frame_pump *p;
	unsigned ifindex;
	int fd;

	make_links();
	fd = listener("p1");
	ifindex = if_nametoindex("p0");
	assert_int_equal(frame_pump_new(false, &p), 0);
	add(p, ifindex, FRAME_LEN, 1);
	add(p, ifindex, FRAME_PUMP_FRAME_MAX, 2); /* beyond the MTU */
	add(p, 4711, FRAME_LEN, 3);
	add(p, ifindex, FRAME_LEN, 4);
	frame_pump_push(p);
	failure = wait_for_failure(p);
	assert_ptr_equal(failure.owner, &owner);
	assert_int_equal(failure.id, 2);
	assert_int_equal(failure.err, -EMSGSIZE);
	failure = wait_for_failure(p);
	assert_int_equal(failure.id, 3);
	assert_int_equal(failure.err, -ENODEV);
	expect(fd, 1);
	expect(fd, 4);

	/* Who is gone is not named. */
	add(p, 4711, FRAME_LEN, 5);
	frame_pump_push(p);
	frame_pump_forget(p, &owner);
	assert_null(wait_for_failure(p).owner);

	assert_int_equal(system("ip link set p0 down"), 0);
	add(p, ifindex, FRAME_LEN, 6);
	frame_pump_push(p);
	assert_int_equal(wait_for_failure(p).err, -ENETDOWN);
	frame_pump_free(p);
	close(fd);
}

/* As fast as it goes: the caller waits for room, and nobody counts wrong. */
static void test_room(void **state UNUSED)
{
	struct frame_failure failure;
	struct frame_pump *p;
	unsigned ifindex, waited = 0;

	make_links();
	ifindex = if_nametoindex("p0");
	assert_int_equal(frame_pump_new(false, &p), 0);
	for (uint32_t i = 0; i < FRAMES; i++) {
		if (!frame_pump_room(p)) {
			frame_pump_push(p);
			frame_pump_await_room(p);
			wait_for_news(p);
			assert_true(frame_pump_room(p) >= FRAME_PUMP_CELLS / 2);
			waited++;
		}
		add(p, ifindex, FRAME_LEN, i);
	}
	frame_pump_push(p);
	assert_true(waited > 0);
	while (frame_pump_room(p) < FRAME_PUMP_CELLS)
		usleep(1000);
	assert_false(frame_pump_failed(p, &failure));
	frame_pump_free(p);
	assert_null(frame_pump_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_leave_in_order),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
