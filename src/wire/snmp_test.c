/*
 * SNMP messages by hand: what the line and JSON say of them, what is made of them when they are cut
 * anywhere, when they lie about their lengths, and in a stream.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/print.h"
#include "wire/snmp.h"

/* sysDescr.0, asked for by version 2c. */
static const uint8_t get_next[] = {
	0x30, 0x26, 0x02, 0x01, 0x01, 0x04, 0x06, 'p',	'u',  'b',  'l',  'i',	'c',  0xa1,
	0x19, 0x02, 0x01, 0x07, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x0e, 0x30, 0x0c,
	0x06, 0x08, 0x2b, 0x06, 0x01, 0x02, 0x01, 0x01, 0x01, 0x00, 0x05, 0x00,
};

static void assert_line(const uint8_t *bytes, size_t len, const char *expected)
{
	struct buf b = buf_of(4096);
	struct packet p;

	packet_walk(&p, PROTOCOL_SNMP, bytes, (uint32_t)len, (uint32_t)len);
	print_line(&b, &p);
	assert_string_equal(buf_cstr(&b), expected);
	buf_done(&b);
}

static void assert_json(const uint8_t *bytes, size_t len, const char *expected)
{
	struct buf b = buf_of(4096);
	struct packet p;

	packet_walk(&p, PROTOCOL_SNMP, bytes, (uint32_t)len, (uint32_t)len);
	print_json(&b, &p, NULL);
	assert_non_null(strstr(buf_cstr(&b), expected));
	buf_done(&b);
}

static void test_request(void **state)
{
	(void)state;
	assert_line(get_next, sizeof(get_next), "SNMP v2c get-next public 1.3.6.1.2.1.1.1.0");
	assert_json(get_next, sizeof(get_next),
		    "\"snmp\":{\"version\":1,\"community\":\"public\",\"data\":1,\"request_id\":7,"
		    "\"error_status\":0,\"error_index\":0,\"variable_bindings\":1,"
		    "\"VarBind_element\":[{\"name\":\"1.3.6.1.2.1.1.1.0\",\"value.null\":true}]}}");
}

/* A body with one variable and whatever value, as an agent would send it. */
static size_t put_response(uint8_t memory[static 128], uint8_t tag, const void *value, size_t len,
			   int64_t status)
{
	struct ber_out o = ber_out_in(memory, 128);
	const uint8_t *end = o.at;

	ber_put_octets(&o, tag, value, len);
	ber_put_octets(&o, BER_OID, "\x2b\x06\x01", 3);
	ber_put_head(&o, BER_SEQUENCE, (size_t)(end - o.at));
	ber_put_head(&o, BER_SEQUENCE, (size_t)(end - o.at));
	ber_put_int(&o, BER_INTEGER, status ? 1 : 0);
	ber_put_int(&o, BER_INTEGER, status);
	ber_put_int(&o, BER_INTEGER, -5);
	ber_put_head(&o, SNMP_RESPONSE, (size_t)(end - o.at));
	ber_put_octets(&o, BER_OCTET_STRING, "public", 6);
	ber_put_int(&o, BER_INTEGER, SNMP_V2C);
	ber_put_head(&o, BER_SEQUENCE, (size_t)(end - o.at));
	assert_int_equal(o.err, 0);
	memmove(memory, o.at, ber_out_len(&o));
	return ber_out_len(&o);
}

static void test_values(void **state)
{
	static const struct {
		uint8_t tag;
		const char *bytes;
		size_t len;
		const char *line, *json;
	} cases[] = {
		{ BER_INTEGER, "\xff", 1, "-1", "\"value.int\":-1" },
		{ BER_INTEGER, "", 0, "0", "\"value.int\":0" },
		{ BER_OCTET_STRING, "lo", 2, "\"lo\"", "\"value.octets\":\"6c6f\"" },
		{ BER_OCTET_STRING, "\0\1", 2, "0x0001", "\"value.octets\":\"0001\"" },
		{ BER_OID, "\x2b\x06", 2, "1.3.6", "\"value.oid\":\"1.3.6\"" },
		{ SNMP_IP_ADDRESS, "\x0a\0\0\1", 4, "10.0.0.1", "\"value.ipv4\":\"10.0.0.1\"" },
		{ SNMP_COUNTER32, "\xff\xff\xff\xff", 4, "4294967295",
		  "\"value.counter\":4294967295" },
		{ SNMP_COUNTER64, "\0\xff\xff\xff\xff\xff\xff\xff\xff", 9, "18446744073709551615",
		  "\"value.counter\":18446744073709551615" },
		{ SNMP_COUNTER64, "\1\xff\xff\xff\xff\xff\xff\xff\xff", 9, "0x01ffffffffffffffff",
		  "\"value.unk\":\"01ffffffffffffffff\"" },
		{ SNMP_TIME_TICKS, "\x01\x00", 2, "256", "\"value.timeticks\":256" },
		{ SNMP_NO_SUCH_OBJECT, "", 0, "noSuchObject", "\"noSuchObject\":true" },
		{ SNMP_END_OF_MIB_VIEW, "", 0, "endOfMibView", "\"endOfMibView\":true" },
		{ 0x55, "\1", 1, "0x01", "\"value.unk\":\"01\"" },
	};
	uint8_t memory[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = put_response(memory, cases[i].tag, cases[i].bytes, cases[i].len, 0);
		char line[100];

		snprintf(line, sizeof(line), "SNMP v2c response 1.3.6.1=%s", cases[i].line);
		assert_line(memory, len, line);
		assert_json(memory, len, cases[i].json);
		assert_json(memory, len, "\"request_id\":-5");
	}
}

static void test_errors_have_names(void **state)
{
	uint8_t memory[128];
	size_t len = put_response(memory, BER_NULL, NULL, 0, 17);

	(void)state;
	assert_line(memory, len, "SNMP v2c response notWritable at 1 1.3.6.1=null");
}

/* Cut by the capture anywhere: truncated, and nothing that the bytes do not say. */
static void test_cut(void **state)
{
	(void)state;
	for (uint32_t len = 0; len < sizeof(get_next); len++) {
		uint8_t *bytes = malloc(len ? len : 1); /* where reading on would be noticed */
		struct buf b = buf_of(4096);
		struct packet p;

		memcpy(bytes, get_next, len);
		packet_walk(&p, PROTOCOL_SNMP, bytes, len, sizeof(get_next));
		print_json(&b, &p, NULL);
		print_line(&b, &p);
		assert_non_null(strstr(buf_cstr(&b), "\"truncated\":{"));
		assert_null(strstr(buf_cstr(&b), "\"malformed\":{"));
		buf_done(&b);
		free(bytes);
	}
}

/* Each length in turn says one more than there is. */
static void test_lengths_that_lie(void **state)
{
	static const size_t places[] = { 1, 3, 6, 14, 16, 19, 22, 25, 27, 29 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		uint8_t bytes[sizeof(get_next)];

		memcpy(bytes, get_next, sizeof(bytes));
		bytes[places[i]] += 40;
		assert_json(bytes, sizeof(bytes), "\"malformed\":{\"layer\":\"snmp\"");
	}
}

static void test_guess(void **state)
{
	uint8_t bytes[sizeof(get_next) + 1] = { 0 };

	(void)state;
	memcpy(bytes, get_next, sizeof(get_next));
	assert_int_equal(protocol_guess(bytes, sizeof(get_next), false), PROTOCOL_SNMP);
	assert_int_not_equal(protocol_guess(bytes, sizeof(get_next) + 1, false), PROTOCOL_SNMP);
	bytes[4] = 7;
	assert_int_not_equal(protocol_guess(bytes, sizeof(get_next), false), PROTOCOL_SNMP);
}

/* RFC 3430: one after the other, however they arrive. */
static void test_stream(void **state)
{
	uint8_t bytes[2 * sizeof(get_next)];
	struct dialogue d = { 0 };

	(void)state;
	memcpy(bytes, get_next, sizeof(get_next));
	memcpy(bytes + sizeof(get_next), get_next, sizeof(get_next));
	for (size_t len = 1; len < sizeof(get_next); len++)
		assert_int_equal(protocol_snmp.message(&d, false, bytes, len, false), 0);
	for (size_t len = sizeof(get_next); len <= sizeof(bytes); len++)
		assert_int_equal(protocol_snmp.message(&d, false, bytes, len, false),
				 sizeof(get_next));
	assert_int_equal(protocol_snmp.message(&d, false, bytes, 5, true), 5);
	bytes[0] = 'G';
	assert_int_equal(protocol_snmp.message(&d, false, bytes, 5, false), -E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors_have_names),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_lengths_that_lie),
		cmocka_unit_test(test_guess),
		cmocka_unit_test(test_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
