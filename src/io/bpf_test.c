#include "io/bpf.h"

#include <errno.h>
#include <linux/filter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#define ETHERNET 1
#define RAW	 101
#define SLL2	 276

/* A datagram from 10.9.0.1 port 4660 to 10.9.0.2 port 53, with what comes before IP in front. */
static const uint8_t ip_udp[] = {
	0x45, 0, 0, 32, 0,    1,    0, 0,  64, 17, 0, 0, 10,  9,   0,	1,
	10,   9, 0, 2,	0x12, 0x34, 0, 53, 0,  12, 0, 0, 'b', 'y', 't', 'e',
};
static const uint8_t ethernet[] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 };
static const uint8_t tagged[] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0x20, 7, 8, 0 };
static const uint8_t cooked[] = { 8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0 };

struct made {
	uint8_t bytes[64];
	struct capture_packet packet;
};

static void make(struct made *m, const void *head, size_t head_len)
{
	memcpy(m->bytes, head, head_len);
	memcpy(m->bytes + head_len, ip_udp, sizeof(ip_udp));
	m->packet = (struct capture_packet){
		.bytes = m->bytes,
		.cap_len = (uint32_t)(head_len + sizeof(ip_udp)),
		.wire_len = (uint32_t)(head_len + sizeof(ip_udp)),
	};
}

static bool passes(const char *filter, uint32_t link_type, const struct made *m)
{
	struct bpf *bpf;
	bool yes;

	assert_int_equal(bpf_compile(filter, link_type, BPF_NETMASK_UNKNOWN, &bpf, NULL), 0);
	assert_false(bpf_needs_kernel(bpf));
	yes = bpf_match(bpf, &m->packet);
	bpf_free(bpf);
	return yes;
}

static void test_every_link_type(void **state)
{
	struct made eth, raw, any;

	(void)state;
	make(&eth, ethernet, sizeof(ethernet));
	make(&raw, "", 0);
	make(&any, cooked, sizeof(cooked));
	for (unsigned i = 0; i < 3; i++) {
		static const uint32_t types[] = { ETHERNET, RAW, SLL2 };
		const struct made *m = (const struct made *[]){ &eth, &raw, &any }[i];

		assert_true(passes("", types[i], m));
		assert_true(passes("udp port 53 and dst host 10.9.0.2", types[i], m));
		assert_false(passes("tcp port 53", types[i], m));
		assert_false(passes("src port 53", types[i], m));
		assert_true(passes("ip[8] == 64", types[i], m));
		assert_true(passes("udp[8:4] == 0x62797465", types[i], m));
		assert_false(passes("less 31", types[i], m));
	}
	assert_true(passes("ether src 02:00:00:00:00:01", ETHERNET, &eth));
	assert_true(passes("outbound", SLL2, &any));
	assert_false(passes("inbound", SLL2, &any));
	assert_true(passes("ifindex 3", SLL2, &any));
}

static void test_vlan(void **state)
{
	static const char *const with[] = { "vlan", "not vlan 7", "(vlan and ip)",
					    "port 53 or vlan" };
	static const char *const without[] = { "", "port 53", "not ether host 2:0:0:0:0:1" };
	struct made m;
	struct bpf *bpf;

	(void)state;
	make(&m, tagged, sizeof(tagged));
	assert_true(passes("vlan 7 and udp port 53", ETHERNET, &m));
	assert_false(passes("vlan 8", ETHERNET, &m));
	assert_false(passes("udp port 53", ETHERNET, &m));
	for (size_t i = 0; i < ARRAY_LEN(with); i++) {
		assert_int_equal(bpf_compile(with[i], ETHERNET, 0, &bpf, NULL), 0);
		assert_true(bpf_has_vlan(bpf));
		bpf_free(bpf);
	}
	for (size_t i = 0; i < ARRAY_LEN(without); i++) {
		assert_int_equal(bpf_compile(without[i], ETHERNET, 0, &bpf, NULL), 0);
		assert_false(bpf_has_vlan(bpf));
		bpf_free(bpf);
	}
}

/* Whatever is cut off counts as not matching, and nothing beyond is read (the sanitizer looks). */
static void test_cut_anywhere(void **state)
{
	struct made m;
	struct bpf *bpf;

	(void)state;
	make(&m, ethernet, sizeof(ethernet));
	assert_int_equal(bpf_compile("udp dst port 53", ETHERNET, 0, &bpf, NULL), 0);
	for (uint32_t len = 0; len <= 46; len++) {
		uint8_t *exact = test_malloc(len + 1);
		struct capture_packet cut = { .bytes = exact + 1, .cap_len = len, .wire_len = 46 };

		memcpy(exact + 1, m.bytes, len);
		assert_int_equal(bpf_match(bpf, &cut), len >= 14 + 20 + 4);
		test_free(exact);
	}
	bpf_free(bpf);
}

static void test_broadcast(void **state)
{
	struct made m;
	struct bpf *bpf;

	(void)state;
	make(&m, ethernet, sizeof(ethernet));
	assert_int_equal(bpf_compile("ip broadcast", ETHERNET, 0xffffff00, &bpf, NULL), 0);
	assert_false(bpf_match(bpf, &m.packet));
	m.bytes[14 + 19] = 255;
	assert_true(bpf_match(bpf, &m.packet));
	m.bytes[14 + 19] = 127;
	assert_false(bpf_match(bpf, &m.packet));
	bpf_free(bpf);
	assert_int_equal(bpf_compile("ip broadcast", ETHERNET, 0xffffff80, &bpf, NULL), 0);
	assert_true(bpf_match(bpf, &m.packet));
	bpf_free(bpf);
}

static void test_faults(void **state)
{
	struct bpf *bpf = NULL;
	struct fault fault = { 0 };

	(void)state;
	assert_int_equal(bpf_compile("port 53 adn tcp", ETHERNET, 0, &bpf, &fault), -E_SYNTAX);
	assert_non_null(strstr(fault.text, "\"port 53 adn tcp\""));
	assert_non_null(strstr(fault.text, "syntax error"));
	assert_int_equal(bpf_compile("port 70000", ETHERNET, 0, &bpf, &fault), -E_SYNTAX);
	assert_non_null(strstr(fault.text, "70000"));
	assert_int_equal(bpf_compile("ip broadcast", ETHERNET, BPF_NETMASK_UNKNOWN, &bpf, NULL),
			 -E_SYNTAX);
	assert_null(bpf);
	assert_null(bpf_free(NULL));
}

static void test_what_only_the_kernel_knows(void **state)
{
	struct bpf *bpf;
	uint32_t n;

	(void)state;
	assert_int_equal(bpf_compile("outbound and udp", ETHERNET, 0, &bpf, NULL), 0);
	assert_true(bpf_needs_kernel(bpf));
	bpf_free(bpf);
	assert_int_equal(bpf_compile("udp", ETHERNET, 0, &bpf, NULL), 0);
	assert_false(bpf_needs_kernel(bpf));
	assert_int_equal(bpf_program(bpf, &n)[n - 1].code, BPF_RET | BPF_K);
	assert_true(n > 2);
	bpf_free(bpf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_link_type),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_what_only_the_kernel_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
