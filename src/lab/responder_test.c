#include "lab/responder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/random.h"
#include "lab/impair.h"
#include "wire/numbers.h"

#define N 100000

static const struct addr near4 = { { 10, 0, 0, 1 }, AF_INET, 0 };
static const struct addr near6 = { { 0xfd, [15] = 1 }, AF_INET6, 0 };

static struct addr host(const struct addr *net, unsigned i)
{
	return addr_from_number(net->family, addr_number(net) + 65536 + i);
}

/* The Internet checksum as RFC 1071 section 4.1 writes it down. */
static uint16_t naive_sum(const uint8_t *bytes, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Over a whole IP packet's transport segment; 0 when it is right. */
static uint16_t naive_transport(const uint8_t *ip, size_t len)
{
	bool ip4 = ip[0] >> 4 == 4;
	size_t header_len = ip4 ? IP4_HEADER_LEN : IP6_HEADER_LEN;
	uint8_t protocol = ip4 ? ip[9] : ip[6], pseudo[40] = { 0 };
	uint32_t sum = protocol + (uint32_t)(len - header_len);

	memcpy(pseudo, ip + (ip4 ? 12 : 8), ip4 ? 8 : 32);
	if (protocol == IPPROTO_ICMP)
		return naive_sum(ip + header_len, len - header_len, 0);
	sum += (uint16_t)~naive_sum(pseudo, sizeof(pseudo), 0);
	return naive_sum(ip + header_len, len - header_len, sum);
}

/* A whole IP packet with right checksums. */
static size_t make(const struct addr *from, const struct addr *to, uint8_t protocol,
		   const void *segment, size_t len, uint8_t *ip)
{
	bool ip4 = to->family == AF_INET;
	size_t header_len = ip4 ? IP4_HEADER_LEN : IP6_HEADER_LEN, n = addr_len(to);
	size_t at = header_len + (protocol == IPPROTO_TCP ? 16 : protocol == IPPROTO_UDP ? 6 : 2);

	memset(ip, 0, header_len);
	ip[0] = ip4 ? 0x45 : 0x60;
	store_be16(ip + (ip4 ? 2 : 4), (uint16_t)(ip4 ? header_len + len : len));
	ip[ip4 ? 9 : 6] = protocol;
	ip[ip4 ? 8 : 7] = 64;
	memcpy(ip + (ip4 ? 12 : 8), from->bytes, n);
	memcpy(ip + (ip4 ? 12 : 8) + n, to->bytes, n);
	if (ip4)
		store_be16(ip + 10, naive_sum(ip, header_len, 0));
	memcpy(ip + header_len, segment, len);
	store_be16(ip + at, 0);
	store_be16(ip + at, naive_transport(ip, header_len + len));
	return header_len + len;
}

static size_t make_syn(const struct addr *from, const struct addr *to, uint16_t port, uint8_t *ip)
{
	uint8_t t[TCP_HEADER_LEN] = { 0x9c, 0x40, 0, 0, 1, 2, 3, 0xff, [12] = 0x50, 2, 4 };

	store_be16(t + 2, port);
	return make(from, to, IPPROTO_TCP, t, sizeof(t), ip);
}

static struct responder_config mixed(void)
{
	struct responder_config c = { .quote_len = 64, .error_burst = 1 };

	truth_init(&c.truth, 7);
	truth_set_alive(&c.truth, 50);
	assert_int_equal(truth_set_ports(&c.truth, IPPROTO_TCP,
					 "open=10,dropped=20,prohibited=5,unreachable=15"),
			 0);
	assert_int_equal(truth_set_ports(&c.truth, IPPROTO_UDP, "open=30,dropped=30"), 0);
	return c;
}

static void test_shares(void **state)
{
	static const int percent[] = { 25, 5, 10, 2, 7, 50 };
	unsigned counts[TRUTH_N_STATES] = { 0 };
	struct responder_config c = mixed();

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		struct addr a = host(&near4, i / 4);

		counts[truth_of(&c.truth, &a, IPPROTO_TCP, (uint16_t)(i % 4))]++;
	}
	for (int i = 0; i < TRUTH_N_STATES; i++) /* percent of N, within 1 percent of N */
		assert_in_range(counts[i] + N / 100, (unsigned)percent[i] * (N / 100),
				(unsigned)(percent[i] + 2) * (N / 100));
}

static void test_shares_as_typed(void **state)
{
	struct truth t;

	(void)state;
	truth_init(&t, 1);
	assert_int_equal(truth_set_ports(&t, IPPROTO_TCP, "open"), -E_SYNTAX);
	assert_int_equal(truth_set_ports(&t, IPPROTO_TCP, "opened=1"), -E_SYNTAX);
	assert_int_equal(truth_set_ports(&t, IPPROTO_TCP, "open=1;dropped=2"), -E_SYNTAX);
	assert_int_equal(truth_set_ports(&t, IPPROTO_TCP, "open=60,dropped=41"), -E_RANGE);
	assert_int_equal(truth_set_ports(&t, IPPROTO_TCP, "open=-1"), -E_RANGE);
	assert_int_equal(truth_set_ports(&t, IPPROTO_TCP, "open=100"), 0);
	assert_int_equal(truth_of(&t, &near4, IPPROTO_TCP, 1), TRUTH_OPEN);
	assert_int_equal(truth_of(&t, &near4, IPPROTO_UDP, 1), TRUTH_CLOSED);
}

/* What an answer says about a SYN's port. */
static enum truth_state judge(const uint8_t *ip, size_t len, bool ip4)
{
	const uint8_t *t = ip + (ip4 ? IP4_HEADER_LEN : IP6_HEADER_LEN);

	if (!len)
		return TRUTH_DROPPED;
	assert_int_equal(naive_transport(ip, len), 0);
	if (ip4)
		assert_int_equal(naive_sum(ip, IP4_HEADER_LEN, 0), 0);
	if (ip[ip4 ? 9 : 6] != IPPROTO_TCP) {
		assert_int_equal(t[0], ip4 ? 3 : 1);
		return t[1] == (ip4 ? 3 : 4) ? TRUTH_UNREACHABLE : TRUTH_PROHIBITED;
	}
	assert_int_equal(load_be32(t + 8), 0x01020400);
	assert_int_equal(load_be16(t + 2), 0x9c40);
	return t[13] == (TCP_FLAG_SYN | TCP_FLAG_ACK) ? TRUTH_OPEN : TRUTH_CLOSED;
}

static void answers_are_the_truth(const struct addr *from)
{
	uint8_t probe[128], reply[RESPONDER_REPLY_MAX];
	struct responder_config c = mixed();
	struct responder *r = responder_new(&c);

	for (unsigned i = 0; i < 20000; i++) {
		struct addr to = host(from, i / 8);
		uint16_t port = (uint16_t)(i % 8 * 1000 + 1);
		enum truth_state truth = truth_of(&c.truth, &to, IPPROTO_TCP, port);
		size_t len = make_syn(from, &to, port, probe);

		len = responder_answer(r, 0, probe, len, false, reply);
		assert_int_equal(judge(reply, len, from->family == AF_INET),
				 truth == TRUTH_DEAD ? TRUTH_DROPPED : truth);
	}
	assert_int_equal(responder_account(r).malformed, 0);
	responder_free(r);
}

static void test_tcp(void **state)
{
	(void)state;
	answers_are_the_truth(&near4);
	answers_are_the_truth(&near6);
}

static void test_udp_and_its_limit(void **state)
{
	uint8_t datagram[13] = { 0x9c, 0x40, 0, 53, 0, 13 }, probe[128];
	uint8_t reply[RESPONDER_REPLY_MAX];
	struct responder_config c = { .quote_len = 64,
				      .error_burst = 6,
				      .error_interval_ns = NS_PER_S };
	struct addr to = host(&near4, 0);
	struct responder *r;
	unsigned errors = 0;
	size_t len = make(&near4, &to, IPPROTO_UDP, datagram, sizeof(datagram), probe);

	(void)state;
	truth_init(&c.truth, 1);
	r = responder_new(&c);
	for (unsigned i = 0; i < 100; i++) /* in 2.475 s: six at once, then one a second */
		errors += responder_answer(r, i * 25 * NS_PER_MS, probe, len, false, reply) > 0;
	assert_int_equal(errors, 6 + 2);
	assert_int_equal(responder_account(r).withheld, 92);
	responder_free(r);
	assert_int_equal(truth_set_ports(&c.truth, IPPROTO_UDP, "open=100"), 0);
	r = responder_new(&c);
	assert_int_equal(responder_answer(r, 0, probe, len, false, reply), len);
	assert_int_equal(naive_transport(reply, len), 0);
	assert_int_equal(reply[IP4_HEADER_LEN + UDP_HEADER_LEN + 2], 0x80);
	responder_free(r);
}

/* Changed, cut off or made up: no crash, and no answer to a wrong checksum. */
static void test_hostile(void **state)
{
	uint8_t probe[128], copy[128], reply[RESPONDER_REPLY_MAX];
	struct responder_config c = mixed();
	struct responder *r = responder_new(&c);
	struct random random = random_of(3);
	struct addr to = host(&near4, 0);
	size_t len = make_syn(&near4, &to, 80, probe);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		uint8_t *part = malloc(i + 1);

		memcpy(part, probe, i);
		assert_int_equal(responder_answer(r, 0, part, i, false, reply), 0);
		free(part);
		memcpy(copy, probe, len);
		copy[i] ^= 1;
		assert_int_equal(responder_answer(r, 0, copy, len, false, reply), 0);
	}
	for (unsigned i = 0; i < N; i++) {
		random_bytes(&random, copy, sizeof(copy));
		copy[0] = i % 2 ? 0x45 : 0x60;
		copy[6] = copy[9] = i % 3 ? IPPROTO_TCP : i % 5 ? IPPROTO_UDP : IPPROTO_ICMPV6;
		store_be16(copy + (i % 2 ? 2 : 4), (uint16_t)random_below(&random, 128));
		responder_answer(r, 0, copy, sizeof(copy), true, reply);
	}
	responder_free(r);
}

static void test_arp(void **state)
{
	uint8_t frame[60] = { 255, 255, 255, 255, 255, 255, 2, 0, 0,	     0, 0, 1,
			      8,   6,	0,   1,	  8,   0,   6, 4, 0,	     1, 2, 0,
			      0,   0,	0,   1,	  10,  0,   0, 1, [38] = 10, 0, 9, 9 };
	uint8_t reply[RESPONDER_REPLY_MAX];
	struct responder_config c = { .ethernet = true, .mac = { { 2, 0, 0, 0, 0, 2 } } };
	struct responder *r;

	(void)state;
	truth_init(&c.truth, 1);
	r = responder_new(&c);
	assert_int_equal(responder_answer(r, 0, frame, sizeof(frame), false, reply), 42);
	assert_memory_equal(reply,
			    "\2\0\0\0\0\1\2\0\0\0\0\2\10\6\0\1\10\0\6\4\0\2\2\0\0\0\0\2"
			    "\n\0\11\11\2\0\0\0\0\1\n\0\0\1",
			    42);
	responder_free(r);
	truth_set_alive(&c.truth, 0);
	r = responder_new(&c);
	assert_int_equal(responder_answer(r, 0, frame, sizeof(frame), false, reply), 0);
	responder_free(r);
}

static void test_line(void **state)
{
	struct impair_config c = {
		.seed = 1, .loss = 0.1, .duplicate = 0.2, .held_max = 1, .len_max = 8
	};
	struct impair *m = impair_new(&c, 0);
	unsigned lost = 0, doubled = 0, copies;
	uint64_t due_ns;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		if (!impair_pass(m, 0, &due_ns, &copies))
			lost++;
		else
			doubled += copies == 2;
	}
	assert_in_range(lost, N / 10 - N / 100, N / 10 + N / 100);
	assert_in_range(doubled, N * 18 / 100 - N / 100, N * 18 / 100 + N / 100);
	assert_int_equal(impair_account(m).lost, lost);
	impair_free(m);
}

static void test_bottleneck(void **state)
{
	struct impair_config c = { .bottleneck = 1000, .queue = 10, .held_max = 1, .len_max = 8 };
	struct impair *m = impair_new(&c, 0);
	unsigned passed = 0, copies;
	uint64_t due_ns = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		passed += impair_pass(m, 0, &due_ns, &copies);
	assert_int_equal(passed, 11); /* one on the line, ten behind it */
	assert_int_equal(due_ns, 11 * NS_PER_MS);
	assert_true(impair_pass(m, NS_PER_S, &due_ns, &copies));
	assert_int_equal(impair_account(m).overrun, 89);
	impair_free(m);
}

static void test_holding(void **state)
{
	struct impair_config c = { .seed = 5,
				   .delay_min_ns = NS_PER_MS,
				   .delay_max_ns = 50 * NS_PER_MS,
				   .held_max = 100,
				   .len_max = 8 };
	struct impair *m = impair_new(&c, 0);
	uint64_t due_ns[100], last_ns = 0;
	unsigned copies, out_of_order = 0;
	size_t len;

	(void)state;
	for (uint64_t i = 0; i < 101; i++) {
		uint64_t due = 0;

		assert_true(impair_pass(m, 0, &due, &copies));
		assert_in_range(due, NS_PER_MS, 50 * NS_PER_MS);
		impair_hold(m, due, &i, sizeof(i));
		if (i < 100)
			due_ns[i] = due;
	}
	assert_int_equal(impair_account(m).overheld, 1);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t now_ns = impair_deadline(m);
		const uint8_t *answer = NULL;
		uint64_t number;

		for (; !(answer = impair_release(m, now_ns, &len)); now_ns += 10 * NS_PER_US)
			assert_true(now_ns < NS_PER_S);
		memcpy(&number, answer, sizeof(number));
		assert_true(due_ns[number] <= now_ns);
		out_of_order += number != i;
		assert_true(now_ns >= last_ns);
		last_ns = now_ns;
	}
	assert_true(out_of_order > 50);
	assert_true(impair_deadline(m) == UINT64_MAX);
	impair_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),	cmocka_unit_test(test_shares_as_typed),
		cmocka_unit_test(test_tcp),	cmocka_unit_test(test_udp_and_its_limit),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_arp),
		cmocka_unit_test(test_line),	cmocka_unit_test(test_bottleneck),
		cmocka_unit_test(test_holding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
