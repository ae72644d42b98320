/* Options in options and messages in messages: what is given of them, how deep, and in one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/dhcpv6.h"
#include "wire/print.h"

#define ADDRESS "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\5"
#define LEASE	"\0\5\0\x18" ADDRESS "\0\0\x0e\x10\0\0\x1c\x20"
#define REPLY	"\7\x12\x34\x56\0\3\0\x28\0\0\0\1\0\0\0\0\0\0\0\0" LEASE

static const struct {
	const char *bytes;
	size_t len;
	const char *line;
} lines[] = {
#define MESSAGE(bytes, line)                     \
	{                                        \
		(bytes), sizeof(bytes) - 1, line \
	}
	MESSAGE("\1\x12\x34\x56\0\x0e\0\0", "DHCPv6 Solicit xid 123456"),
	MESSAGE(REPLY, "DHCPv6 Reply xid 123456 2001:db8::5"),
	MESSAGE("\x0d\0" ADDRESS ADDRESS "\0\x09\0\x30" REPLY,
		"DHCPv6 Relay Reply Reply xid 123456 2001:db8::5"),
	MESSAGE("\x0c\0" ADDRESS, "DHCPv6 Relay Forward"),
	MESSAGE("\xc8\0", "DHCPv6 unknown message"),
};

static void said(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct buf b = buf_of(1 << 12);
		struct packet p;

		packet_walk(&p, PROTOCOL_DHCPV6, lines[i].bytes, (uint32_t)lines[i].len,
			    (uint32_t)lines[i].len);
		print_line(&b, &p);
		assert_string_equal(buf_cstr(&b), lines[i].line);
		buf_done(&b);
	}
}

static void nested(void **state)
{
	struct buf b = buf_of(1 << 14);
	struct packet p;

	(void)state;
	packet_walk(&p, PROTOCOL_DHCPV6, REPLY, sizeof(REPLY) - 1, sizeof(REPLY) - 1);
	print_json(&b, &p, NULL);
	assert_string_equal(
		buf_cstr(&b),
		"{\"frame\":{\"len\":48,\"cap_len\":48},\"dhcpv6\":{\"msgtype\":7,\"xid\":1193046,"
		"\"option\":[{\"option.type\":3,\"option.length\":40,\"iaid\":\"00000001\","
		"\"iaid.t1\":0,\"iaid.t2\":0,\"option\":[{\"option.type\":5,\"option.length\":24,"
		"\"iaaddr.ip\":\"2001:db8::5\",\"iaaddr.pref_lifetime\":3600,"
		"\"iaaddr.valid_lifetime\":7200}]}]}}");
	buf_done(&b);
}

/* Containers without end: the inner ones stay bytes. */
static void bounded(void **state)
{
	uint8_t bytes[4 + 4 * 100] = { 1 };
	struct buf b = buf_of(1 << 16);
	struct packet p;
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		store_be16(bytes + 4 + 4 * (size_t)i, 45);
		store_be16(bytes + 6 + 4 * (size_t)i, (uint16_t)(4 * (99 - i)));
	}
	packet_walk(&p, PROTOCOL_DHCPV6, bytes, sizeof(bytes), sizeof(bytes));
	print_json(&b, &p, NULL);
	for (const char *at = buf_cstr(&b); (at = strstr(at, "option.type")); at++)
		n++;
	assert_int_equal(n, DHCPV6_DEPTH + 1);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(said),
		cmocka_unit_test(nested),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
