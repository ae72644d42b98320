/* SYN segments byte for byte, and what is read from answers and errors, whole and cut. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probe/module_test.h"

#define COOKIE 0x01020304

static struct probe_packet packet_in(uint8_t *bytes, const char *hex)
{
	return (struct probe_packet){
		.via = PROBE_VIA_IP, .data = bytes, .len = from_hex(hex, bytes), .ttl = -1
	};
}

/* Checked with tshark 4.0, as tests/test_probe_packets.py does again. */
static void test_golden_packets(void **state)
{
	struct probe_link link4 = { .source = addr_of("10.0.0.1") };
	struct probe_link link6 = { .source = addr_of("2001:db8::1") };
	struct probe_shot shot = {
		.target = addr_of("10.0.0.2"),
		.port = 80,
		.source_port = 40001,
		.link = &link4,
		.cookie = COOKIE,
		.mark = { .try = 1, .sent_ns = 0x11223344 * NS_PER_MS },
	};

	(void)state;
	check_written(&probe_syn, shot,
		      "4500003c 9c31 4000 40 06 8a88 0a000001 0a000002"
		      "9c41 0050 01020304 00000000 a002 faf0 540f 0000"
		      "020405b4 0402 080a 11223344 00000000 01 030307");
	shot.ttl = 3;
	shot.target = addr_of("2001:db8::2");
	shot.link = &link6;
	check_written(&probe_syn, shot,
		      "600c3acf 0028 06 03 20010db8000000000000000000000001"
		      "20010db8000000000000000000000002"
		      "9c41 0050 01020304 00000000 a002 fd20 0a81 0000"
		      "020405a0 0402 080a 11223344 00000000 01 030307");
}

static const char syn_ack4[] = "45000028 0000 4000 3f 06 0000 0a000002 0a000001"
			       "0050 9c41 55667788 01020305 5012 faf0 0000 0000";

static void test_segments4(void **state)
{
	uint8_t bytes[256];
	struct probe_packet packet = packet_in(bytes, syn_ack4);
	struct addr target = addr_of("10.0.0.2");
	struct probe_answer answer;
	static const uint8_t no_answers[] = { 0x02, 0x04, 0x10, 0x11, 0x13, 0x16, 0x00, 0x18 };

	(void)state;
	assert_int_equal(probe_syn.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_REPLY);
	assert_int_equal(answer.match, PROBE_BY_COOKIE);
	assert_int_equal(answer.error, 0);
	assert_int_equal(answer.cookie, COOKIE);
	assert_int_equal(answer.port, 80);
	assert_int_equal(answer.source_port, 40001);
	assert_true(addr_eq(&answer.target, &target));
	assert_true(addr_eq(&answer.responder, &target));
	check_cuts(&probe_syn, packet, packet.len);
	bytes[33] = 0x52; /* ECE: the target knows ECN */
	assert_int_equal(probe_syn.read(&packet, &answer), 1);
	bytes[33] = 0x14;
	assert_int_equal(probe_syn.read(&packet, &answer), 1);
	assert_int_equal(answer.error, ECONNREFUSED);
	for (size_t i = 0; i < ARRAY_LEN(no_answers); i++) {
		bytes[33] = no_answers[i];
		assert_int_equal(probe_syn.read(&packet, &answer), 0);
	}
}

static void test_headers4(void **state)
{
	uint8_t bytes[256];
	struct probe_packet packet = packet_in(bytes, syn_ack4);
	struct probe_answer answer;

	(void)state;
	bytes[3] = 39; /* shorter than what came: an Ethernet's padding does not count */
	assert_int_equal(probe_syn.read(&packet, &answer), 0);
	bytes[3] = 60; /* longer: cut off by who captured it */
	assert_int_equal(probe_syn.read(&packet, &answer), 1);
	bytes[0] = 0x44;
	assert_int_equal(probe_syn.read(&packet, &answer), 0);
	bytes[0] = 0x55;
	assert_int_equal(probe_syn.read(&packet, &answer), 0);
	bytes[0] = 0x45;
	bytes[7] = 1; /* a later fragment */
	assert_int_equal(probe_syn.read(&packet, &answer), 0);
	bytes[7] = 0;
	bytes[9] = IPPROTO_UDP;
	assert_int_equal(probe_syn.read(&packet, &answer), 0);
	packet = packet_in(bytes, "4600002c 0000 4000 3f 06 0000 0a000002 0a000001 01010101"
				  "0050 9c41 55667788 01020305 5014 faf0 0000 0000");
	assert_int_equal(probe_syn.read(&packet, &answer), 1);
	assert_int_equal(answer.error, ECONNREFUSED);
	assert_int_equal(answer.cookie, COOKIE);
}

static void test_errors4(void **state)
{
	uint8_t bytes[256];
	struct addr target = addr_of("10.0.0.2"), router = addr_of("192.0.2.1");
	struct probe_answer answer;
	/* Prohibited by filtering; 8 bytes of the segment. */
	struct probe_packet packet = packet_in(
		bytes, "45000038 0000 0000 3f 01 0000 c0000201 0a000001 030d 0000 00000000"
		       "4500003c 9c31 4000 01 06 0000 0a000001 0a000002 9c41 0050 01020304");

	(void)state;
	assert_int_equal(probe_syn.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_UNREACHABLE);
	assert_int_equal(answer.match, PROBE_BY_COOKIE);
	assert_int_equal(answer.icmp_type, 3);
	assert_int_equal(answer.icmp_code, 13);
	assert_int_equal(answer.cookie, COOKIE);
	assert_int_equal(answer.port, 80);
	assert_int_equal(answer.source_port, 40001);
	assert_true(addr_eq(&answer.target, &target));
	assert_true(addr_eq(&answer.responder, &router));
	check_cuts(&probe_syn, packet, packet.len);
	bytes[20] = 11;
	bytes[21] = 0;
	assert_int_equal(probe_syn.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_EXCEEDED);
	bytes[20] = 5; /* a redirect */
	assert_int_equal(probe_syn.read(&packet, &answer), 0);
	bytes[20] = 3;
	bytes[28 + 9] = IPPROTO_UDP;
	assert_int_equal(probe_syn.read(&packet, &answer), 0);
}

/* Hop-by-hop, destination, routing, a first fragment's and an authentication header before it. */
static void test_segments6(void **state)
{
	uint8_t bytes[256];
	struct addr target = addr_of("2001:db8::2");
	struct probe_answer answer;
	struct probe_packet packet = packet_in(
		bytes, "60000000 004c 00 40 20010db8000000000000000000000002"
		       "20010db8000000000000000000000001"
		       "3c00 010400000000 2b00 010400000000 2c00 000000000000 3300 000100000009"
		       "0604 0000 00000001 00000002 000000000000000000000000"
		       "0050 9c41 55667788 01020305 5012 faf0 0000 0000");

	(void)state;
	assert_int_equal(probe_syn.read(&packet, &answer), 1);
	assert_int_equal(answer.cookie, COOKIE);
	assert_int_equal(answer.port, 80);
	assert_true(addr_eq(&answer.responder, &target));
	check_cuts(&probe_syn, packet, packet.len);
	bytes[40 + 24 + 3] = 9; /* a later fragment */
	assert_int_equal(probe_syn.read(&packet, &answer), 0);
	bytes[40 + 24 + 3] = 1;
	bytes[40 + 1] = 255; /* a header longer than the packet */
	assert_int_equal(probe_syn.read(&packet, &answer), 0);
	memset(bytes + 40, 0, sizeof(bytes) - 40); /* hop-by-hop options without end */
	packet.len = sizeof(bytes);
	bytes[5] = 200;
	assert_int_equal(probe_syn.read(&packet, &answer), 0);
}

static void test_errors6(void **state)
{
	uint8_t bytes[256];
	struct addr target = addr_of("2001:db8:1::2"), router = addr_of("fe80::1");
	struct probe_answer answer;
	struct probe_packet packet =
		packet_in(bytes, "60000000 0038 3a 40 fe800000000000000000000000000001"
				 "20010db8000000000000000000000001 0104 0000 00000000"
				 "60000000 0028 06 40 20010db8000000000000000000000001"
				 "20010db8000100000000000000000002 9c41 0050 01020304");

	(void)state;
	assert_int_equal(probe_syn.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_UNREACHABLE);
	assert_int_equal(answer.icmp_code, 4);
	assert_int_equal(answer.cookie, COOKIE);
	assert_true(addr_eq(&answer.target, &target));
	assert_true(addr_eq(&answer.responder, &router));
	check_cuts(&probe_syn, packet, packet.len);
	bytes[6] = IPPROTO_ICMP; /* the other family's */
	assert_int_equal(probe_syn.read(&packet, &answer), 0);
}

static void test_applies(void **state)
{
	struct probe_link link4 = { .source = addr_of("10.0.0.1") };
	struct addr a4 = addr_of("10.0.0.2"), a6 = addr_of("fe80::2"), group = addr_of("224.0.0.1");

	(void)state;
	assert_true(probe_syn.applies(&a4, &link4));
	assert_false(probe_syn.applies(&a6, &link4));
	assert_false(probe_syn.applies(&group, &link4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_packets), cmocka_unit_test(test_segments4),
		cmocka_unit_test(test_headers4),       cmocka_unit_test(test_errors4),
		cmocka_unit_test(test_segments6),      cmocka_unit_test(test_errors6),
		cmocka_unit_test(test_applies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
