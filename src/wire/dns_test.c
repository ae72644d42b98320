/*
 * Names with pointers (RFC 1035 section 4.1.4, with its example), names that are tricks, messages
 * in datagrams and in streams, and what a line says of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/dns.h"
#include "wire/dns_name.h"
#include "wire/ports.h"
#include "wire/print.h"

/* A message that begins with a name at 20, as in the RFC's example. */
static size_t rfc_example(uint8_t msg[static 128])
{
	static const char names[] = "\1F\3ISI\4ARPA\0";

	memset(msg, 0, 128);
	memcpy(msg + 20, names, sizeof(names) - 1);
	memcpy(msg + 40, "\3FOO\xc0\x14", 6);
	memcpy(msg + 64, "\xc0\x1a", 2);
	return 128;
}

static void text_of(char text[static 300], const struct dns_name *name)
{
	static const struct field f = { .type = FIELD_NAME };
	struct buf b = buf_in(text, 300);

	field_text(&b, &f, 0, name->bytes, name->len);
	assert_non_null(buf_cstr(&b));
}

static void check_name(const uint8_t *msg, size_t len, size_t at, int taken, const char *expected)
{
	struct dns_name name;
	char text[300];

	assert_int_equal(dns_name_read(msg, len, at, &name), taken);
	if (taken < 0)
		return;
	text_of(text, &name);
	assert_string_equal(text, expected);
}

static void names(void **state)
{
	uint8_t msg[128];
	size_t len = rfc_example(msg);

	(void)state;
	check_name(msg, len, 20, 12, "F.ISI.ARPA");
	check_name(msg, len, 40, 6, "FOO.F.ISI.ARPA");
	check_name(msg, len, 64, 2, "ARPA");
	check_name(msg, len, 92, 1, "<Root>");
	check_name(msg, 31, 20, -E_MALFORMED, NULL);
	check_name(msg, 45, 40, -E_MALFORMED, NULL);
}

static void tricks(void **state)
{
	static const uint8_t to_itself[] = "\xc0\x00";
	static const uint8_t in_a_circle[] = "\1a\xc0\x00";
	static const uint8_t forward[] = "\xc0\x02\0";
	static const uint8_t extended[] = "\x41x\0", reserved[] = "\x80x\0";
	uint8_t longest[300] = { 0 }, chain[600] = { 0 };

	(void)state;
	check_name(to_itself, 2, 0, -E_MALFORMED, NULL);
	check_name(in_a_circle, 4, 0, -E_MALFORMED, NULL);
	check_name(in_a_circle, 4, 2, -E_MALFORMED, NULL);
	check_name(forward, 3, 0, -E_MALFORMED, NULL);
	check_name(extended, 3, 0, -E_MALFORMED, NULL);
	check_name(reserved, 3, 0, -E_MALFORMED, NULL);
	/* 255 bytes with the root are a name, 256 are not. */
	for (size_t i = 0; i < 254; i += 2)
		memcpy(longest + i, "\1a", 2);
	check_name(longest, 255, 0, 255,
		   "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
		   "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
		   "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
		   "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
		   "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a");
	memcpy(longest + 252, "\2aa\0", 4);
	check_name(longest, 256, 0, -E_MALFORMED, NULL);
	/* Pointers to pointers: each points back, but there are too many. */
	for (size_t i = 2; i < 600; i += 2)
		store_be16(chain + i, (uint16_t)(0xc000 | (i - 2)));
	check_name(chain, 600, 200, 2, "<Root>");
	check_name(chain, 600, 598, -E_MALFORMED, NULL);
}

#define QUESTION "\7example\3com\0\0\1\0\1"
#define ANSWER	 "\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\x5d\xb8\xd8\x22"

static const struct {
	const char *bytes;
	size_t len;
	bool stream;
	const char *line;
} lines[] = {
#define MESSAGE(bytes, stream, line)                       \
	{                                                  \
		(bytes), sizeof(bytes) - 1, (stream), line \
	}
	MESSAGE("\0\1\1\0\0\1\0\0\0\0\0\0" QUESTION, false, "DNS A? example.com"),
	MESSAGE("\0\1\x81\x80\0\1\0\1\0\0\0\0" QUESTION ANSWER, false,
		"DNS A example.com 93.184.216.34 ttl 300"),
	MESSAGE("\0\1\x81\x83\0\1\0\0\0\0\0\0" QUESTION, false, "DNS A? example.com NXDOMAIN"),
	MESSAGE("\0\1\x83\x80\0\1\0\0\0\0\0\0" QUESTION, false,
		"DNS A? example.com no answer, truncated"),
	MESSAGE("\0\x1d\0\1\1\0\0\1\0\0\0\0\0\0" QUESTION, true, "DNS A? example.com"),
	/* Two messages in a segment, and one that goes on in the next. */
	MESSAGE("\0\x1d\0\1\1\0\0\1\0\0\0\0\0\0" QUESTION "\0\x1d\0\1\1\0\0\1\0\0\0\0\0\0" QUESTION,
		true, "DNS A? example.com | DNS A? example.com"),
	MESSAGE("\0\x40\0\1\1\0\0\1\0\0\0\0\0\0" QUESTION, true,
		"DNS A? example.com [truncated dns at 31]"),
	MESSAGE("\0", true, "DNS [truncated dns at 2]"),
	MESSAGE("\0\5\0\1\1\0\0\1\0\0\0\0\0\0", true, "DNS [malformed dns at 7]"),
};

static void said(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct walk_config config = { .ports = &port_map_default,
					      .stream = lines[i].stream };
		struct buf b = buf_of(1 << 16);
		struct packet p;

		packet_walk_as(&p, &config, PROTOCOL_DNS, lines[i].bytes, (uint32_t)lines[i].len,
			       (uint32_t)lines[i].len);
		print_line(&b, &p);
		assert_string_equal(buf_cstr(&b), lines[i].line);
		buf_done(&b);
	}
}

static void json(void **state)
{
	static const char message[] = "\0\1\x81\x80\0\1\0\1\0\0\0\1" QUESTION ANSWER
				      "\0\0\x29\4\xd0\0\0\x80\0\0\6\0\x0f\0\2\0\6";
	struct buf b = buf_of(1 << 16);
	struct packet p;

	(void)state;
	packet_walk(&p, PROTOCOL_DNS, message, sizeof(message) - 1, sizeof(message) - 1);
	print_json(&b, &p, NULL);
	assert_string_equal(
		buf_cstr(&b),
		"{\"frame\":{\"len\":62,\"cap_len\":62},\"dns\":{\"id\":1,\"flags\":33152,"
		"\"flags.response\":true,\"flags.opcode\":0,\"flags.authoritative\":false,"
		"\"flags.truncated\":false,\"flags.recdesired\":true,\"flags.recavail\":true,"
		"\"flags.z\":false,\"flags.authenticated\":false,\"flags.checkdisable\":false,"
		"\"flags.rcode\":0,\"count.queries\":1,\"count.answers\":1,\"count.auth_rr\":0,"
		"\"count.add_rr\":1,\"queries\":[{\"qry.name\":\"example.com\",\"qry.name.len\":11,"
		"\"count.labels\":2,\"qry.type\":1,\"qry.class\":1}],"
		"\"answers\":[{\"resp.name\":\"example.com\",\"resp.type\":1,\"resp.class\":1,"
		"\"resp.ttl\":300,\"resp.len\":4,\"a\":\"93.184.216.34\"}],"
		"\"additionals\":[{\"resp.name\":\"<Root>\",\"resp.type\":41,"
		"\"rr.udp_payload_size\":1232,\"resp.ext_rcode\":0,\"resp.edns0_version\":0,"
		"\"resp.z\":32768,\"resp.z.do\":true,\"resp.z.reserved\":0,\"resp.len\":6,"
		"\"opt\":[{\"opt.code\":15,\"opt.len\":2,\"opt.data\":\"0006\","
		"\"opt.ext_error.info_code\":6}]}]}}");
	buf_done(&b);
}

static void streams(void **state)
{
	static const uint8_t bytes[] = "\0\x0d\0\1\1\0\0\0\0\0\0\0\0\0\0more";
	struct dialogue d = { 0 };

	(void)state;
	assert_int_equal(protocol_dns.message(&d, false, bytes, 1, false), 0);
	assert_int_equal(protocol_dns.message(&d, false, bytes, 14, false), 0);
	assert_int_equal(protocol_dns.message(&d, false, bytes, 14, true), 14);
	assert_int_equal(protocol_dns.message(&d, false, bytes, 15, false), 15);
	assert_int_equal(protocol_dns.message(&d, false, bytes, 19, false), 15);
	assert_int_equal(protocol_dns.message(&d, false, (const uint8_t *)"\0\3abc", 5, false),
			 -E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names), cmocka_unit_test(tricks),  cmocka_unit_test(said),
		cmocka_unit_test(json),	 cmocka_unit_test(streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
