/* Packets byte for byte, and what is read back from them, whole and cut at every byte. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "probe/arp.h"
#include "probe/module_test.h"
#include "probe/udp_payloads.h"
#include "wire/checksum.h"

static const struct probe_mark mark = { 0x01020304, 0x05060708, 7, 0x1112131415161718,
					0x2122232425262728 };
static const struct mac our_mac = { { 0x02, 0, 0, 0, 0, 0x01 } };

/* Checked with tshark 4.0: names, values and checksums as meant. */
static void test_golden_packets(void **state)
{
	struct probe_link link4 = { .mac = our_mac, .source = addr_of("10.0.0.1") };
	struct probe_link link6 = { .mac = our_mac, .source = addr_of("fe80::1") };

	(void)state;
	check_written(&probe_icmp,
		      (struct probe_shot){ .target = addr_of("10.0.0.2"),
					   .id = 0xabcd,
					   .sequence = 7,
					   .size = 32,
					   .mark = mark },
		      "080010daabcd0008 01020304 05060708 00000007 1112131415161718"
		      "2122232425262728 24252627");
	check_written(&probe_icmp,
		      (struct probe_shot){ .target = addr_of("2001:db8::2"),
					   .id = 0xabcd,
					   .sequence = 7,
					   .mark = mark },
		      "80000000abcd0008");
	check_written(&probe_arp,
		      (struct probe_shot){ .target = addr_of("10.0.0.2"), .link = &link4 },
		      "ffffffffffff 020000000001 0806 0001 0800 06 04 0001"
		      "020000000001 0a000001 000000000000 0a000002");
	check_written(&probe_arp,
		      (struct probe_shot){
			      .target = addr_of("10.0.0.2"), .link = &link4, .no_source = true },
		      "ffffffffffff 020000000001 0806 0001 0800 06 04 0001"
		      "020000000001 00000000 000000000000 0a000002");
	check_written(&probe_ns,
		      (struct probe_shot){ .target = addr_of("fe80::aa:bbcc"), .link = &link6 },
		      "3333ffaabbcc 020000000001 86dd 60000000 0020 3a ff"
		      "fe800000000000000000000000000001 ff0200000000000000000001ffaabbcc"
		      "8700 01ae 00000000 fe8000000000000000000000 00aabbcc 0101 020000000001");
}

static void test_echo_reply(void **state)
{
	uint8_t bytes[256];
	struct probe_packet packet = {
		.via = PROBE_VIA_ICMP, .family = AF_INET, .data = bytes, .from = addr_of("10.0.0.2")
	};
	struct probe_answer answer;

	(void)state;
	packet.len = from_hex("0000 0000 abcd0007 01020304 05060708 00000007 1112131415161718"
			      "2122232425262728 24252627",
			      bytes);
	assert_int_equal(probe_icmp.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_REPLY);
	assert_int_equal(answer.match, PROBE_BY_MARK);
	assert_memory_equal(&answer.mark, &mark, sizeof(mark));
	assert_int_equal(answer.size, 32);
	check_cuts(&probe_icmp, packet, 8);
	bytes[0] = 8; /* somebody's request */
	assert_int_equal(probe_icmp.read(&packet, &answer), 0);
	bytes[0] = 129;
	packet.family = AF_INET6;
	assert_int_equal(probe_icmp.read(&packet, &answer), 1);
}

static void test_errors4(void **state)
{
	uint8_t bytes[256];
	struct probe_packet packet = { .via = PROBE_VIA_ICMP,
				       .family = AF_INET,
				       .data = bytes,
				       .from = addr_of("192.0.2.1") };
	struct probe_answer answer;

	(void)state;
	/* Fragmentation needed, next hop's MTU 1400; a quoted header with 4 bytes of options. */
	packet.len = from_hex("0304 0000 0000 0578"
			      "46000040 00004000 3f01 0000 0a000001 0a000002 01010101"
			      "0800 f6c6 abcd0007",
			      bytes);
	assert_int_equal(probe_icmp.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_TOO_BIG);
	assert_int_equal(answer.mtu, 1400);
	assert_int_equal(answer.match, PROBE_BY_ID);
	assert_int_equal(answer.id, 0xabcd);
	assert_int_equal(answer.sequence, 6);
	assert_true(addr_eq(&answer.target,
			    &(struct addr){ .family = AF_INET, .bytes = { 10, 0, 0, 2 } }));
	check_cuts(&probe_icmp, packet, packet.len);
	bytes[1] = 1;
	assert_int_equal(probe_icmp.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_UNREACHABLE);
	bytes[8] = 0x44; /* a header that is too short */
	assert_int_equal(probe_icmp.read(&packet, &answer), 0);
	bytes[8] = 0x4f; /* one that is longer than the quotation */
	assert_int_equal(probe_icmp.read(&packet, &answer), 0);
	bytes[8] = 0x46;
	bytes[8 + 9] = IPPROTO_UDP;
	assert_int_equal(probe_icmp.read(&packet, &answer), 0);
	bytes[8 + 9] = IPPROTO_ICMP;
	bytes[8 + 7] = 1; /* a later fragment has no ICMP header */
	assert_int_equal(probe_icmp.read(&packet, &answer), 0);
}

/* Where labels are looked for (RFC 4884, RFC 4950), and where they are not. */
static void test_labels(void **state)
{
	/* 128 bytes of the quotation; extensions: labels 16001 and 24000, then one of class 2. */
	static const char extensions[] = "2000 0000 000c 0101 03e81301 05dc0002 0008 0201 00000000";
	uint8_t bytes[256] = { 0 };
	struct probe_packet packet = { .via = PROBE_VIA_ICMP,
				       .family = AF_INET,
				       .data = bytes,
				       .from = addr_of("192.0.2.1") };
	struct probe_answer answer;
	size_t len;

	(void)state;
	from_hex("0b00 0000 0020 0000 45000054 00004000 0101 0000 0a000001 0a000002"
		 "0800 f6c6 abcd0007",
		 bytes);
	len = 136 + from_hex(extensions, bytes + 136);
	packet.len = len;
	for (unsigned summed = 0; summed < 2; summed++) {
		if (summed)
			store_be16(bytes + 138, checksum_of(bytes + 136, len - 136));
		assert_int_equal(probe_icmp.read(&packet, &answer), 1);
		assert_int_equal(answer.kind, PROBE_EXCEEDED);
		assert_int_equal(answer.labels.n, 2);
		assert_int_equal(answer.labels.entries[0], 16001 << 12 | 1 << 9 | 1 << 8 | 1);
		assert_int_equal(answer.labels.entries[1], 24000 << 12 | 2);
	}
	/* Not said where they begin: the checksum proves it. */
	bytes[5] = 0;
	assert_int_equal(probe_icmp.read(&packet, &answer), 1);
	assert_int_equal(answer.labels.n, 2);
	bytes[len - 1] ^= 1;
	assert_int_equal(probe_icmp.read(&packet, &answer), 1);
	assert_int_equal(answer.labels.n, 0);
	bytes[len - 1] ^= 1;
	/* Cut anywhere it is an answer without labels, and nothing is read beyond. */
	bytes[5] = 32;
	memset(bytes + 138, 0, 2);
	for (packet.len = 36; packet.len < len; packet.len++) {
		uint8_t *exact = malloc(packet.len);

		assert_non_null(exact);
		memcpy(exact, bytes, packet.len);
		packet.data = exact;
		assert_int_equal(probe_icmp.read(&packet, &answer), 1);
		assert_int_equal(answer.labels.n, packet.len < 152 ? 0 : 2);
		free(exact);
	}
}

static void test_errors6(void **state)
{
	uint8_t bytes[256];
	struct probe_packet packet = { .via = PROBE_VIA_ICMP,
				       .family = AF_INET6,
				       .data = bytes,
				       .from = addr_of("2001:db8::1") };
	struct probe_answer answer;
	struct addr target = addr_of("2001:db8:1::2");

	(void)state;
	packet.len = from_hex("0200 0000 00000500 60000000 0008 3a 40"
			      "20010db8000000000000000000000009"
			      "20010db8000100000000000000000002 8000 1234 abcd0007",
			      bytes);
	assert_int_equal(probe_icmp.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_TOO_BIG);
	assert_int_equal(answer.mtu, 1280);
	assert_true(addr_eq(&answer.target, &target));
	check_cuts(&probe_icmp, packet, packet.len);
	bytes[0] = 3;
	assert_int_equal(probe_icmp.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_EXCEEDED);
	bytes[0] = 135;
	assert_int_equal(probe_icmp.read(&packet, &answer), 0);
}

static void test_arp_reply(void **state)
{
	uint8_t bytes[256];
	struct probe_packet packet = { .via = PROBE_VIA_LINK, .data = bytes };
	struct mac mac = { { 2, 0, 0, 0, 0, 9 } };
	struct probe_answer answer;
	struct arp_packet arp;

	(void)state;
	packet.len = from_hex("020000000001 020000000009 0806 0001 0800 06 04 0002"
			      "020000000009 0a000002 020000000001 0a000001",
			      bytes);
	assert_int_equal(probe_arp.read(&packet, &answer), 1);
	assert_int_equal(answer.match, PROBE_BY_TARGET);
	assert_memory_equal(&answer.mac, &mac, sizeof(mac));
	assert_int_equal(answer.responder.bytes[3], 2);
	check_cuts(&probe_arp, packet, packet.len);
	assert_int_equal(arp_parse(bytes, packet.len, &arp), 0);
	assert_int_equal(arp.target.bytes[3], 1);
	bytes[21] = 1; /* a request */
	assert_int_equal(probe_arp.read(&packet, &answer), 0);
	bytes[21] = 2;
	bytes[18] = 8; /* addresses of another length */
	assert_int_equal(arp_parse(bytes, packet.len, &arp), -E_MALFORMED);
}

static void test_advertisement(void **state)
{
	uint8_t bytes[256];
	struct probe_packet packet = { .via = PROBE_VIA_LINK, .data = bytes };
	struct mac mac = { { 2, 0, 0, 0, 0, 9 } };
	struct probe_answer answer;

	(void)state;
	packet.len = from_hex("020000000001 020000000008 86dd 60000000 0020 3a ff"
			      "fe80000000000000000000000000000a fe800000000000000000000000000001"
			      "8800 1803 60000000 fe80000000000000000000000000000a"
			      "0201 020000000009",
			      bytes);
	assert_int_equal(probe_ns.read(&packet, &answer), 1);
	assert_memory_equal(&answer.mac, &mac, sizeof(mac));
	assert_int_equal(answer.target.bytes[15], 10);
	check_cuts(&probe_ns, packet, packet.len);
	bytes[14 + 7] = 254; /* forwarded by a router */
	assert_int_equal(probe_ns.read(&packet, &answer), 0);
	bytes[14 + 7] = 255;
	bytes[packet.len - 1] ^= 1; /* a wrong checksum */
	assert_int_equal(probe_ns.read(&packet, &answer), 0);
	bytes[packet.len - 1] ^= 1;
	bytes[packet.len - 7] = 0; /* an option of no length, checksum mended */
	bytes[14 + 40 + 3]++;
	assert_int_equal(probe_ns.read(&packet, &answer), 0);
}

static void test_connections(void **state)
{
	struct probe_packet packet = { .via = PROBE_VIA_CONNECT };
	struct probe_answer answer;

	(void)state;
	assert_int_equal(probe_tcp.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_REPLY);
	packet.error = ECONNREFUSED;
	assert_int_equal(probe_tcp.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_REPLY);
	packet.error = EHOSTUNREACH;
	assert_int_equal(probe_tcp.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_UNREACHABLE);
	packet.error = ETIMEDOUT;
	assert_int_equal(probe_tcp.read(&packet, &answer), 0);
}

static void test_udp(void **state)
{
	uint8_t bytes[256] = { 0 };
	struct probe_packet packet = { .via = PROBE_VIA_UDP,
				       .data = bytes,
				       .len = 20,
				       .from = addr_of("10.0.0.2"),
				       .from_port = 53 };
	struct addr router = addr_of("192.0.2.1");
	struct probe_answer answer;

	(void)state;
	assert_int_equal(probe_udp.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_REPLY);
	assert_int_equal(answer.match, PROBE_BY_TARGET);
	assert_int_equal(answer.port, 53);
	assert_int_equal(answer.size, 20);
	assert_true(addr_eq(&answer.responder, &packet.from));
	packet.len = 0; /* an answer, too */
	assert_int_equal(probe_udp.read(&packet, &answer), 1);
	packet.from_port = 40000;
	packet.len = from_hex("0005 0001 6e6f00", bytes); /* TFTP's server has taken another port */
	assert_int_equal(probe_udp.read(&packet, &answer), 1);
	assert_int_equal(answer.port, 69);
	bytes[6] = 1;
	assert_int_equal(probe_udp.read(&packet, &answer), 1);
	assert_int_equal(answer.port, 40000);
	packet.reporter = router;
	packet.icmp_type = 3;
	packet.icmp_code = 3;
	assert_int_equal(probe_udp.read(&packet, &answer), 1);
	assert_int_equal(answer.kind, PROBE_UNREACHABLE);
	assert_int_equal(answer.icmp_code, 3);
	assert_int_equal(answer.port, 40000);
	assert_true(addr_eq(&answer.responder, &router));
	packet.icmp_type = 5;
	assert_int_equal(probe_udp.read(&packet, &answer), 0);
}

/* Several payloads of a port take turns; ids follow the cookie. */
static void test_udp_payloads(void **state)
{
	struct probe_shot shot = { .port = 53, .cookie = 0x01020304 };
	uint8_t first[2048], again[2048];
	size_t n;

	(void)state;
	check_written(&probe_udp, shot,
		      "0304 0100 0001 0000 0000 0000 00 0002 0001"); /* the root's NS */
	shot.mark.try = 1;
	check_written(&probe_udp, shot,
		      "0304 0100 0001 0000 0000 0000 07 76657273696f6e 04 62696e64 00 0010 0003");
	shot.mark.try = 2;
	shot.cookie = 0xff;
	check_written(&probe_udp, shot, "00ff 0100 0001 0000 0000 0000 00 0002 0001");
	for (unsigned port = 1; port <= UINT16_MAX; port++) {
		shot.port = (uint16_t)port;
		shot.mark.try = 0;
		n = probe_udp.write(&shot, first, sizeof(first));
		assert_in_range(n, 1, UDP_PAYLOAD_MAX);
		shot.mark.try = MAX(udp_payload_count(shot.port), 2u);
		if (udp_payload_count(shot.port) != 1)
			shot.mark.try += udp_payload_count(shot.port);
		assert_int_equal(probe_udp.write(&shot, again, sizeof(again)), n);
		assert_memory_equal(first, again, n);
	}
}

static void test_applies(void **state)
{
	struct probe_link near = { .mac = our_mac, .on_link = true };
	struct probe_link self = { .mac = our_mac, .on_link = true, .self = true };
	struct probe_link far = { .mac = our_mac };
	struct probe_link tunnel = { .on_link = true };
	struct addr a4 = addr_of("10.0.0.2"), a6 = addr_of("fe80::2"), group = addr_of("224.0.0.1");

	(void)state;
	assert_true(probe_arp.applies(&a4, &near));
	assert_false(probe_arp.applies(&a6, &near));
	assert_false(probe_arp.applies(&a4, &self));
	assert_false(probe_arp.applies(&a4, &far));
	assert_false(probe_arp.applies(&a4, &tunnel));
	assert_true(probe_ns.applies(&a6, &near));
	assert_false(probe_ns.applies(&a4, &near));
	assert_true(probe_icmp.applies(&a4, NULL));
	assert_false(probe_icmp.applies(&group, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_packets),
		cmocka_unit_test(test_echo_reply),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_errors4),
		cmocka_unit_test(test_errors6),
		cmocka_unit_test(test_arp_reply),
		cmocka_unit_test(test_advertisement),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_udp_payloads),
		cmocka_unit_test(test_applies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
