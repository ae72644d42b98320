/* BER in both directions: the examples of X.690, and random values that must come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "wire/ber.h"

static void assert_written(const struct ber_out *o, const char *hex)
{
	struct buf b = buf_of(4096);

	assert_int_equal(o->err, 0);
	buf_hex(&b, o->at, ber_out_len(o), 0);
	assert_string_equal(buf_cstr(&b), hex);
	buf_done(&b);
}

static void assert_int_is(int64_t value, const char *hex)
{
	uint8_t memory[16];
	struct ber_out o = ber_out_in(memory, sizeof(memory));
	struct cursor c;

	ber_put_int(&o, BER_INTEGER, value);
	assert_written(&o, hex);
	c = cursor_of(o.at, ber_out_len(&o));
	assert_int_equal(ber_int(&c, BER_INTEGER), value);
	assert_int_equal(c.err, 0);
	assert_int_equal(cursor_left(&c), 0);
}

/* X.690 section 8.3: the shortest two's complement. */
static void test_integers(void **state)
{
	(void)state;
	assert_int_is(0, "020100");
	assert_int_is(127, "02017f");
	assert_int_is(128, "02020080");
	assert_int_is(256, "02020100");
	assert_int_is(-1, "0201ff");
	assert_int_is(-128, "020180");
	assert_int_is(-129, "0202ff7f");
	assert_int_is(INT64_MAX, "02087fffffffffffffff");
	assert_int_is(INT64_MIN, "02088000000000000000");
}

static void test_counters(void **state)
{
	static const struct {
		uint64_t value;
		const char *hex;
	} cases[] = {
		{ 0, "460100" },
		{ 255, "460200ff" },
		{ UINT32_MAX, "460500ffffffff" },
		{ UINT64_MAX, "460900ffffffffffffffff" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t memory[16];
		struct ber_out o = ber_out_in(memory, sizeof(memory));
		struct cursor c;

		ber_put_uint(&o, BER_APPLICATION(6), cases[i].value);
		assert_written(&o, cases[i].hex);
		c = cursor_of(o.at, ber_out_len(&o));
		assert_true(ber_uint(&c, BER_APPLICATION(6)) == cases[i].value);
		assert_int_equal(c.err, 0);
	}
}

/* What devices send: no octets, more than needed, counters with the first bit set. */
static void test_odd_numbers(void **state)
{
	static const uint8_t empty[] = { 0x02, 0x00 };
	static const uint8_t padded[] = { 0x02, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5 };
	static const uint8_t minus[] = { 0x02, 0x09, 0xff, 0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff, 0xfe };
	static const uint8_t wide[] = { 0x02, 0x09, 0, 0x80, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t bare[] = { 0x41, 0x04, 0xff, 0xff, 0xff, 0xff };
	struct cursor c = cursor_of(empty, sizeof(empty));

	(void)state;
	assert_int_equal(ber_int(&c, BER_INTEGER), 0);
	assert_int_equal(c.err, 0);
	c = cursor_of(padded, sizeof(padded));
	assert_int_equal(ber_int(&c, BER_INTEGER), 5);
	c = cursor_of(minus, sizeof(minus));
	assert_int_equal(ber_int(&c, BER_INTEGER), -2);
	c = cursor_of(wide, sizeof(wide));
	(void)ber_int(&c, BER_INTEGER);
	assert_int_equal(c.err, -E_RANGE);
	c = cursor_of(wide, sizeof(wide));
	assert_true(ber_uint(&c, BER_INTEGER) == 1ULL << 63);
	c = cursor_of(bare, sizeof(bare));
	assert_true(ber_uint(&c, BER_APPLICATION(1)) == UINT32_MAX);
}

/* X.690 section 8.1.3: 201 octets are announced as 81 c9; other forms are taken or refused. */
static void test_lengths(void **state)
{
	static const struct {
		uint8_t bytes[6];
		size_t n;
		int err;
		uint32_t len;
	} cases[] = {
		{ { 0x04, 0x26 }, 2, 0, 38 },
		{ { 0x04, 0x81, 0xc9 }, 3, 0, 201 },
		{ { 0x04, 0x82, 0x00, 0x05 }, 4, 0, 5 },
		{ { 0x04, 0x84, 0xff, 0xff, 0xff, 0xff }, 6, 0, UINT32_MAX },
		{ { 0x30, 0x80 }, 2, -E_MALFORMED, 0 },
		{ { 0x04, 0x85, 0, 0, 0, 0 }, 6, -E_MALFORMED, 0 },
		{ { 0x04, 0xff }, 2, -E_MALFORMED, 0 },
		{ { 0x1f, 0x01, 0x00 }, 3, -E_MALFORMED, 0 },
		{ { 0x04 }, 1, -E_TRUNCATED, 0 },
		{ { 0x04, 0x83, 0x01 }, 3, -E_TRUNCATED, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cursor c = cursor_of(cases[i].bytes, cases[i].n);
		uint32_t len = 0;
		uint8_t tag;

		assert_int_equal(ber_head(&c, &tag, &len), cases[i].err);
		assert_int_equal(len, cases[i].len);
		assert_int_equal(c.err, cases[i].err);
	}
}

static void test_long_heads_are_written(void **state)
{
	static const struct {
		size_t len;
		const char *hex;
	} cases[] = { { 127, "307f" },	   { 128, "308180" },	    { 201, "3081c9" },
		      { 256, "30820100" }, { 70000, "3083011170" }, { 1 << 24, "308401000000" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t memory[8];
		struct ber_out o = ber_out_in(memory, sizeof(memory));

		ber_put_head(&o, BER_SEQUENCE, cases[i].len);
		assert_written(&o, cases[i].hex);
	}
}

/* The example of X.690 section 8.9 with its components, and back. */
static void test_nested(void **state)
{
	uint8_t memory[32];
	struct ber_out o = ber_out_in(memory, sizeof(memory));
	const uint8_t *end = o.at;
	const uint8_t truth = 0xff, *name;
	struct cursor c, in;
	size_t len;

	(void)state;
	ber_put_octets(&o, BER_BOOLEAN, &truth, 1);
	ber_put_octets(&o, BER_IA5_STRING, "Smith", 5);
	ber_put_head(&o, BER_SEQUENCE, (size_t)(end - o.at));
	assert_written(&o, "300a1605536d6974680101ff");

	c = cursor_of(o.at, ber_out_len(&o));
	in = ber_enter(&c, BER_SEQUENCE);
	assert_int_equal(ber_peek(&in), BER_IA5_STRING);
	name = ber_octets(&in, BER_IA5_STRING, &len);
	assert_int_equal(len, 5);
	assert_memory_equal(name, "Smith", 5);
	ber_skip(&in);
	assert_int_equal(ber_peek(&in), 0);
	assert_int_equal(in.err, 0);
	(void)ber_int(&in, BER_INTEGER);
	assert_int_equal(in.err, -E_TRUNCATED);
	c = cursor_of(o.at, ber_out_len(&o));
	(void)ber_enter(&c, BER_SET);
	assert_int_equal(c.err, -E_MALFORMED);
}

static void test_full_memory_sticks(void **state)
{
	uint8_t memory[4];
	struct ber_out o = ber_out_in(memory, sizeof(memory));

	(void)state;
	ber_put_octets(&o, BER_OCTET_STRING, "abc", 3);
	assert_int_equal(o.err, -E_FULL);
	ber_put_int(&o, BER_INTEGER, 1);
	assert_int_equal(o.err, -E_FULL);
}

static void assert_oid_is(const char *text, const char *hex, const char *back)
{
	uint8_t oid[BER_OID_MAX];
	struct fault fault;
	struct buf b = buf_of(8192);
	size_t len;

	assert_int_equal(ber_oid_parse(text, strlen(text), oid, &len, &fault), 0);
	buf_hex(&b, oid, len, 0);
	assert_string_equal(buf_cstr(&b), hex);
	buf_reset(&b);
	ber_oid_text(&b, oid, len);
	assert_string_equal(buf_cstr(&b), back);
	buf_done(&b);
}

/* X.690 section 8.19.5 has 2.100.3; the others are known from certificates and from RFC 3418. */
static void test_identifiers(void **state)
{
	(void)state;
	assert_oid_is("2.100.3", "813403", "2.100.3");
	assert_oid_is("2.999.3", "883703", "2.999.3");
	assert_oid_is("1.2.840.113549", "2a864886f70d", "1.2.840.113549");
	assert_oid_is(".1.3.6.1.2.1.1.1.0", "2b06010201010100", "1.3.6.1.2.1.1.1.0");
	assert_oid_is("0.0", "00", "0.0");
	assert_oid_is("1.3.4294967295", "2b8fffffff7f", "1.3.4294967295");
	assert_oid_is("2.4294967295", "908080804f", "2.4294967295");
}

static void assert_refused(const char *text, size_t offset)
{
	uint8_t oid[BER_OID_MAX];
	struct fault fault;
	size_t len;

	assert_int_equal(ber_oid_parse(text, strlen(text), oid, &len, &fault), -E_SYNTAX);
	assert_int_equal(fault.offset, offset);
}

static void test_identifiers_refused(void **state)
{
	char many[600] = "1.3";

	(void)state;
	assert_refused("", 0);
	assert_refused(".", 1);
	assert_refused("1", 1);
	assert_refused("1.", 2);
	assert_refused("1.3.x", 4);
	assert_refused("1.3 ", 3);
	assert_refused("1.3..6", 4);
	assert_refused("3.1", 0);
	assert_refused("1.40", 2);
	assert_refused("1.3.4294967296", 4);
	assert_refused("1.3.99999999999999999999", 4);
	for (size_t i = 2; i < 129; i++)
		strcat(many, ".1");
	assert_refused(many, 256);
}

static void test_broken_identifiers_are_shown(void **state)
{
	static const uint8_t endless[] = { 0x2b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					   0xff, 0xff, 0xff, 0xff, 0x7f, 0x05, 0x86 };
	struct buf b = buf_of(100);

	(void)state;
	ber_oid_text(&b, endless, sizeof(endless));
	assert_string_equal(buf_cstr(&b), "1.3.?.5.?");
	buf_done(&b);
}

/* Random messages, read back as they were written. */
static void test_round_trip(void **state)
{
	struct random rng = random_of(7);
	uint8_t memory[512], octets[200];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct ber_out o = ber_out_in(memory, sizeof(memory));
		const uint8_t *end = o.at, *found;
		uint64_t u = random_u64(&rng) >> random_below(&rng, 64);
		int64_t s = (int64_t)random_u64(&rng) >> random_below(&rng, 64);
		size_t n = random_below(&rng, sizeof(octets)), n_found;
		struct cursor c, in;

		random_bytes(&rng, octets, n);
		ber_put_octets(&o, BER_OCTET_STRING, octets, n);
		ber_put_uint(&o, BER_APPLICATION(1), u);
		ber_put_int(&o, BER_INTEGER, s);
		ber_put_head(&o, BER_SEQUENCE, (size_t)(end - o.at));
		assert_int_equal(o.err, 0);
		c = cursor_of(o.at, ber_out_len(&o));
		in = ber_enter(&c, BER_SEQUENCE);
		assert_true(ber_int(&in, BER_INTEGER) == s);
		assert_true(ber_uint(&in, BER_APPLICATION(1)) == u);
		found = ber_octets(&in, BER_OCTET_STRING, &n_found);
		assert_int_equal(in.err, 0);
		assert_int_equal(n_found, n);
		assert_memory_equal(found, octets, n);
		assert_int_equal(cursor_left(&in) + cursor_left(&c), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_odd_numbers),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_long_heads_are_written),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_full_memory_sticks),
		cmocka_unit_test(test_identifiers),
		cmocka_unit_test(test_identifiers_refused),
		cmocka_unit_test(test_broken_identifiers_are_shown),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
