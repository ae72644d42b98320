/*
 * Options in unusual places: spread over several (RFC 3396), in the fields for file and server name
 * (RFC 2131 section 4.1), with lengths that do not fit; and what a line says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/dhcp.h"
#include "wire/print.h"

#define FIXED_LEN 240

static uint8_t message[1024];

/* A message with @options, and text in the fields for server and file name. */
static uint32_t make(const char *options, size_t len, const char *sname, const char *file)
{
	static const uint8_t head[] = { 2, 1, 6, 0, 0x39, 3, 0xf3, 0x26 };

	memset(message, 0, sizeof(message));
	memcpy(message, head, sizeof(head));
	memcpy(message + 16, "\x0a\x4d\0\x32", 4);
	memcpy(message + 28, "\2\0\0\0\0\1", 6);
	strncpy((char *)message + 44, sname, 64);
	strncpy((char *)message + 108, file, 128);
	store_be32(message + 236, 0x63825363);
	memcpy(message + FIXED_LEN, options, len);
	return (uint32_t)(FIXED_LEN + len);
}

struct finder {
	struct sink sink;
	const char *name;
	char text[400];
};

/* Values of the field, joined by blanks. */
static void find_item(struct sink *sink, const struct item *item)
{
	struct finder *f = container_of(sink, struct finder, sink);
	struct buf b = buf_in(f->text, sizeof(f->text));

	if (strcmp(item->field->name, f->name) != 0)
		return;
	b.len = strlen(f->text);
	if (b.len)
		buf_char(&b, ' ');
	field_text(&b, item->field, item->value, item->bytes, item->len);
	assert_non_null(buf_cstr(&b));
}

static void check(const char *options, size_t len, const char *sname, const char *file,
		  const char *name, const char *expected)
{
	struct finder f = { .sink.item = find_item, .name = name };
	uint32_t n = make(options, len, sname, file);
	struct packet p;

	packet_walk(&p, PROTOCOL_DHCP, message, n, n);
	packet_items(&p, 0, &f.sink);
	assert_string_equal(f.text, expected);
}

#define CHECK(options, sname, file, name, expected) \
	check(options, sizeof(options) - 1, sname, file, name, expected)

static void joined(void **state)
{
	(void)state;
	CHECK("\x77\5\7exam\x77\x08"
	      "ple\3com\0\x77\2\xc0\0\xff",
	      "", "", "dhcp.option.dhcp_dns_domain_search_list_fqdn", "example.com example.com");
	CHECK("\x79\3\x18\x0a\1\x79\5\2\x0a\x4d\0\1\xff", "", "", "dhcp.option.route",
	      "10.1.2.0/24 10.77.0.1");
	CHECK("\6\4\x0a\0\0\1\6\4\x0a\0\0\2\xff", "", "", "dhcp.option.domain_name_server",
	      "10.0.0.1 10.0.0.2");
	/* A value that goes on in the file name. */
	CHECK("\x34\1\1\x0c\2ab\xff", "", "\x0c\2cd\xff", "dhcp.option.hostname", "abcd");
}

static void overloaded(void **state)
{
	(void)state;
	CHECK("\x34\1\1\xff", "server", "\x0c\4file\xff", "dhcp.option.hostname", "file");
	CHECK("\x34\1\1\xff", "server", "\x0c\4file\xff", "dhcp.server", "server");
	CHECK("\x34\1\1\xff", "server", "\x0c\4file\xff", "dhcp.file", "");
	CHECK("\x34\1\2\xff", "\x0c\4name\xff", "boot", "dhcp.option.hostname", "name");
	CHECK("\x34\1\2\xff", "\x0c\4name\xff", "boot", "dhcp.file", "boot");
	CHECK("\x34\1\3\xff", "\x0f\4name\xff", "\x0c\4file\xff", "dhcp.option.hostname", "file");
	CHECK("\x34\1\3\xff", "\x0f\4name\xff", "\x0c\4file\xff", "dhcp.option.domain_name",
	      "name");
}

static void lengths(void **state)
{
	(void)state;
	CHECK("\x33\2\1\2\x0c\1x\xff", "", "", "dhcp.option.ip_address_lease_time", "");
	CHECK("\x33\2\1\2\x0c\1x\xff", "", "", "dhcp.bad_length", "1");
	CHECK("\x33\2\1\2\x0c\1x\xff", "", "", "dhcp.option.hostname", "x");
	CHECK("\x0c\1x\x0f\x09short", "", "", "dhcp.option.hostname", "x");
	CHECK("\x0c\1x\x0f\x09short", "", "", "dhcp.option.domain_name", "");
	CHECK("\x79\4\x21\1\2\3\xff", "", "", "dhcp.bad_length", "1");
	CHECK("\x52\6\1\1x\2\4y\xff", "", "", "dhcp.bad_length", "1");
}

static void line(void **state)
{
	uint32_t n = make("\x35\1\2\x36\4\x0a\x4d\0\1\x33\4\0\0\x0e\x10\x0c\3ws3\xff", 21, "", "");
	struct buf b = buf_of(1 << 12);
	struct packet p;

	(void)state;
	packet_walk(&p, PROTOCOL_DHCP, message, n, n);
	print_line(&b, &p);
	assert_string_equal(
		buf_cstr(&b),
		"DHCP Offer 10.77.0.50 to 02:00:00:00:00:01 (ws3) server 10.77.0.1 lease 3600 s");
	assert_int_equal(protocol_guess(message, n, false), PROTOCOL_DHCP);
	message[236]++;
	assert_int_equal(protocol_guess(message, n, false), PROTOCOL_DATA);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joined),
		cmocka_unit_test(overloaded),
		cmocka_unit_test(lengths),
		cmocka_unit_test(line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
