/* What a packet of each link type starts with, where its first bytes decide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/link_types.h"
#include "wire/packet.h"

static void test_first_bytes(void **state)
{
	static const uint8_t ip4 = 0x45, ip6 = 0x60, hdlc = 0xff, ppp = 0xc0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		static const uint32_t raw[] = { 12, 14, 101 };

		assert_int_equal(link_type_protocol(raw[i], &ip4, 1), PROTOCOL_IPV4);
		assert_int_equal(link_type_protocol(raw[i], &ip6, 1), PROTOCOL_IPV6);
		assert_int_equal(link_type_protocol(raw[i], &hdlc, 1), PROTOCOL_DATA);
		assert_int_equal(link_type_protocol(raw[i], NULL, 0), PROTOCOL_DATA);
	}
	/* These say which version it is, whatever the bytes are. */
	assert_int_equal(link_type_protocol(228, &ip6, 1), PROTOCOL_IPV4);
	assert_int_equal(link_type_protocol(229, &ip4, 1), PROTOCOL_IPV6);
	assert_int_equal(link_type_protocol(9, &hdlc, 1), PROTOCOL_PPP_HDLC);
	assert_int_equal(link_type_protocol(50, &ppp, 1), PROTOCOL_PPP);
	assert_int_equal(link_type_protocol(9, NULL, 0), PROTOCOL_PPP);
	assert_int_equal(link_type_protocol(77777, &ip4, 1), PROTOCOL_DATA);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(link_type_name(1), "ETHERNET");
	assert_string_equal(link_type_name(276), "LINUX_SLL2");
	assert_null(link_type_name(77777));
	assert_int_equal(link_type_encap(108), 174);
	assert_int_equal(link_type_encap(77777), 0);
}

/* The family of BSD loopback is in the order of whoever captured. */
static void test_loopback_orders(void **state)
{
	static const struct {
		uint8_t bytes[4], protocol;
	} cases[] = {
		{ { 2, 0, 0, 0 }, PROTOCOL_IPV4 },  { { 0, 0, 0, 2 }, PROTOCOL_IPV4 },
		{ { 30, 0, 0, 0 }, PROTOCOL_IPV6 }, { { 0, 0, 0, 24 }, PROTOCOL_IPV6 },
		{ { 0, 0, 8, 0 }, PROTOCOL_IPV4 },  { { 7, 0, 0, 0 }, PROTOCOL_DATA },
		{ { 1, 2, 3, 4 }, PROTOCOL_DATA },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t bytes[44];
		struct packet p;

		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, cases[i].bytes, 4);
		packet_walk(&p, PROTOCOL_NULL, bytes, sizeof(bytes), sizeof(bytes));
		assert_int_equal(p.layers[1].proto, cases[i].protocol);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_bytes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_loopback_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
