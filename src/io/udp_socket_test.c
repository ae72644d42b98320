/* Loopback: answers, ICMP errors about closed ports, TTLs; both families, without privileges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/udp_socket.h"

#define TTL 17

static struct endpoint loopback(int family, uint16_t port)
{
	static const uint8_t ip4[4] = { 127, 0, 0, 1 }, ip6[16] = { [15] = 1 };

	return (struct endpoint){ family == AF_INET ? addr_ip4(ip4) : addr_ip6(ip6), port };
}

/* A bound socket of another program. Return: descriptor; -1 where the family is missing. */
static int peer_of(int family, struct endpoint *ret_name)
{
	struct endpoint any = loopback(family, 0);
	struct sockaddr_storage name;
	socklen_t len = endpoint_to_sockaddr(&any, &name);
	int fd = socket(family, SOCK_DGRAM, 0), one = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, len) < 0)
		return -1;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	assert_int_equal(endpoint_from_sockaddr((struct sockaddr *)&name, ret_name), 0);
	if (family == AF_INET)
		assert_int_equal(setsockopt(fd, SOL_IP, IP_RECVTTL, &one, sizeof(one)), 0);
	else
		assert_int_equal(setsockopt(fd, SOL_IPV6, IPV6_RECVHOPLIMIT, &one, sizeof(one)), 0);
	return fd;
}

/* What the peer gets is sent back. Return: its TTL. */
static int echo(int fd)
{
	char bytes[100], control[100];
	struct sockaddr_storage name;
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr msg = { .msg_name = &name,
			      .msg_namelen = sizeof(name),
			      .msg_iov = &part,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, 0);

	assert_true(n >= 0);
	assert_int_equal(sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&name, msg.msg_namelen),
			 n);
	return packet_received_ttl(&msg);
}

static size_t wait_for(struct udp_socket *s, struct udp_in *ret)
{
	struct pollfd poll_for = { .fd = udp_socket_fd(s), .events = POLLIN | POLLPRI };

	assert_int_equal(poll(&poll_for, 1, 5000), 1);
	return udp_socket_receive(s, ret);
}

static void exchange(int family)
{
	struct udp_in in[PACKET_BATCH];
	struct udp_out out[2] = { { .ttl = TTL, .data = "hello", .len = 5 },
				  { .data = "there", .len = 5 } };
	struct udp_socket *s;
	int fd = peer_of(family, &out[0].to), err = 0;

	if (fd < 0)
		return;
	out[1].to = out[0].to;
	assert_int_equal(udp_socket_open(family, NULL, &s), 0);
	assert_int_equal(udp_socket_send(s, out, 2, &err), 2);
	assert_int_equal(echo(fd), TTL);
	assert_int_equal(echo(fd), 64);
	for (size_t i = 0, n = 0; i < 2; i += n) {
		n = wait_for(s, in);
		for (size_t k = 0; k < n; k++) {
			assert_true(addr_eq(&in[k].from.addr, &out[0].to.addr));
			assert_int_equal(in[k].from.port, out[0].to.port);
			assert_int_equal(in[k].reporter.family, AF_UNSPEC);
			assert_int_equal(in[k].len, 5);
			assert_memory_equal(in[k].data, out[i + k].data, 5);
			assert_int_equal(in[k].ttl, 64);
		}
	}

	/* Nobody listens any more: an error for each, and both still leave in one call. */
	close(fd);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(udp_socket_send(s, out, 2, &err), 2);
		for (size_t k = 0; k < 2;) {
			size_t n = wait_for(s, in);

			for (size_t j = 0; j < n; j++, k++) {
				assert_true(addr_eq(&in[j].from.addr, &out[0].to.addr));
				assert_int_equal(in[j].from.port, out[0].to.port);
				assert_true(addr_eq(&in[j].reporter, &out[0].to.addr));
				assert_int_equal(in[j].icmp_type, family == AF_INET ? 3 : 1);
				assert_int_equal(in[j].icmp_code, family == AF_INET ? 3 : 4);
				assert_int_equal(in[j].mtu, 0);
			}
		}
	}
	assert_int_equal(udp_socket_receive(s, in), 0);
	assert_int_equal(udp_socket_drops(s), 0);
	udp_socket_free(s);
}

static void test_exchange(void **state UNUSED)
{
	exchange(AF_INET);
	exchange(AF_INET6);
}

static void test_errors(void **state UNUSED)
{
	struct udp_out out = { .to = loopback(AF_INET, 9), .len = 70000 };
	static const char large[70000];
	struct udp_socket *s;
	int err = 0;

	assert_int_equal(udp_socket_open(AF_INET, "no-such-link", &s), -ENODEV);
	assert_int_equal(udp_socket_open(AF_INET, NULL, &s), 0);
	out.data = large;
	assert_int_equal(udp_socket_send(s, &out, 1, &err), 0);
	assert_int_equal(err, -EMSGSIZE);
	udp_socket_free(s);
	assert_null(udp_socket_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
