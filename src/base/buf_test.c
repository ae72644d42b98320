/* The write buffer against snprintf(), inet_ntop(), and a naive reader of JSON strings. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/utf8.h"

#define ROUNDS 20000

static char memory[8192];

static void assert_text(const struct buf *b, const char *want)
{
	assert_int_equal(b->err, 0);
	if (b->len != strlen(want) || memcmp(b->data, want, b->len) != 0)
		fail_msg("\"%.*s\" is not \"%s\"", (int)b->len, b->data, want);
}

/* Every magnitude is as likely as any other, and the edges come often. */
static uint64_t random_number(struct random *r)
{
	static const uint64_t edges[] = { 0, 1, 9, 10, 99, 100, UINT64_MAX, INT64_MAX, 1ull << 63 };

	if (random_below(r, 10) == 0)
		return edges[random_below(r, ARRAY_LEN(edges))];
	return random_u64(r) >> random_below(r, 64);
}

static void numbers_equal_printf(void **state)
{
	struct random r = random_of(1);
	char want[64];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct buf b = buf_in(memory, sizeof(memory));
		uint64_t v = random_number(&r);
		unsigned width = (unsigned)random_below(&r, 21);
		unsigned digits = 1 + (unsigned)random_below(&r, 16);

		buf_u64(&b, v);
		snprintf(want, sizeof(want), "%" PRIu64, v);
		assert_text(&b, want);
		buf_reset(&b);
		buf_i64(&b, (int64_t)v);
		snprintf(want, sizeof(want), "%" PRId64, (int64_t)v);
		assert_text(&b, want);
		buf_reset(&b);
		buf_u64_pad(&b, v, width);
		snprintf(want, sizeof(want), "%0*" PRIu64, (int)width, v);
		assert_text(&b, want);
		buf_reset(&b);
		buf_hex_u64(&b, v, digits);
		snprintf(want, sizeof(want), "%016" PRIx64, v);
		assert_text(&b, want + 16 - digits);
	}
}

/* The digits of the number with a point put among them. */
static void fixed_point_is_the_digits_with_a_point(void **state)
{
	struct random r = random_of(2);
	char digits[64], want[80];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct buf b = buf_in(memory, sizeof(memory));
		int64_t v = (int64_t)random_number(&r);
		unsigned decimals = (unsigned)random_below(&r, 19);
		uint64_t magnitude = v < 0 ? -(uint64_t)v : (uint64_t)v;
		int whole = snprintf(digits, sizeof(digits), "%0*" PRIu64, (int)decimals + 1,
				     magnitude) -
			    (int)decimals;

		snprintf(want, sizeof(want), "%s%.*s%s%s", v < 0 ? "-" : "", whole, digits,
			 decimals ? "." : "", digits + whole);
		buf_fixed(&b, v, decimals);
		assert_text(&b, want);
	}
}

static void doubles_are_shortest_and_exact(void **state)
{
	struct random r = random_of(3);
	char text[64];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct buf b = buf_in(memory, sizeof(memory));
		uint64_t bits = random_u64(&r);
		size_t shortest = 0;
		double v;

		memcpy(&v, &bits, sizeof(v));
		if (i % 2) /* few digits, as people's numbers have */
			v = (double)random_below(&r, 100000) / 1000;
		buf_f64(&b, v);
		if (!isfinite(v)) {
			assert_text(&b, "null");
			continue;
		}
		assert_true(strtod(buf_cstr(&b), NULL) == v);
		for (int precision = 1; precision <= 17 && !shortest; precision++) {
			int n = snprintf(text, sizeof(text), "%.*g", precision, v);

			shortest = strtod(text, NULL) == v ? (size_t)n : 0;
		}
		assert_int_equal(b.len, shortest);
	}
}

static void infinities_are_null(void **state)
{
	struct buf b = buf_in(memory, sizeof(memory));

	(void)state;
	buf_f64(&b, INFINITY);
	buf_f64(&b, -INFINITY);
	buf_f64(&b, NAN);
	assert_text(&b, "nullnullnull");
}

static void ip4_equals_inet_ntop(void **state)
{
	struct random r = random_of(4);
	char want[INET_ADDRSTRLEN];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct buf b = buf_in(memory, sizeof(memory));
		uint8_t bytes[4];

		random_bytes(&r, bytes, sizeof(bytes));
		bytes[random_below(&r, 4)] >>= random_below(&r, 8);
		buf_ip4(&b, bytes);
		assert_text(&b, inet_ntop(AF_INET, bytes, want, sizeof(want)));
	}
}

/*
 * Groups are often 0 or small. The C library also writes the dotted form behind 96 zero bits, which
 * RFC 5952 does not ask for ("::1.2.3.4" for "::102:304"): there reading back has to do.
 */
static void ip6_equals_inet_ntop(void **state)
{
	static const uint8_t zeros[12];
	struct random r = random_of(5);
	char want[INET6_ADDRSTRLEN];

	(void)state;
	for (int i = 0; i < 5 * ROUNDS; i++) {
		struct buf b = buf_in(memory, sizeof(memory));
		uint8_t bytes[16], again[16];

		random_bytes(&r, bytes, sizeof(bytes));
		for (int group = 0; group < 8; group++) {
			if (random_below(&r, 3))
				bytes[2 * group] = 0;
			if (random_below(&r, 2))
				bytes[2 * group] = bytes[2 * group + 1] = 0;
		}
		if (random_below(&r, 10) == 0) {
			memset(bytes, 0, 10);
			memset(bytes + 10, 0xff, 2);
		}
		buf_ip6(&b, bytes);
		if (memcmp(bytes, zeros, sizeof(zeros)) != 0)
			assert_text(&b, inet_ntop(AF_INET6, bytes, want, sizeof(want)));
		assert_int_equal(inet_pton(AF_INET6, buf_cstr(&b), again), 1);
		assert_memory_equal(bytes, again, sizeof(again));
	}
}

/* RFC 5952 section 4. */
static void ip6_is_as_the_rfc_recommends(void **state)
{
	static const char *const texts[] = {
		"::",
		"::1",
		"2001:db8::1",
		"2001:db8:0:1:1:1:1:1",
		"2001:0:0:1::1",
		"2001:db8::1:0:0:1",
		"::ffff:192.0.2.1",
		"::2:0:0:0:1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct buf b = buf_in(memory, sizeof(memory));
		uint8_t bytes[16];

		assert_int_equal(inet_pton(AF_INET6, texts[i], bytes), 1);
		buf_ip6(&b, bytes);
		assert_text(&b, texts[i]);
	}
}

static void hex_equals_printf(void **state)
{
	struct random r = random_of(6);

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct buf b = buf_in(memory, sizeof(memory));
		uint8_t bytes[40];
		size_t n = random_below(&r, sizeof(bytes) + 1);
		char separator = "\0: "[random_below(&r, 3)], want[3 * sizeof(bytes) + 1] = "";

		random_bytes(&r, bytes, sizeof(bytes));
		for (size_t k = 0, at = 0; k < n; k++) {
			if (k && separator)
				want[at++] = separator;
			at += (size_t)sprintf(want + at, "%02x", bytes[k]);
		}
		buf_hex(&b, bytes, n, separator);
		assert_text(&b, want);
		buf_reset(&b);
		buf_mac(&b, bytes);
		snprintf(want, sizeof(want), "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1],
			 bytes[2], bytes[3], bytes[4], bytes[5]);
		assert_text(&b, want);
	}
}

static void hexdump_equals_printf(void **state)
{
	struct random r = random_of(7);

	(void)state;
	for (int i = 0; i < 500; i++) {
		struct buf b = buf_in(memory, sizeof(memory));
		uint8_t bytes[70];
		size_t n = random_below(&r, sizeof(bytes) + 1), len = 0;
		unsigned indent = (unsigned)random_below(&r, 6);
		char want[1024] = "";

		random_bytes(&r, bytes, sizeof(bytes));
		for (size_t at = 0; at < n; at += 16) {
			char hex[64] = "", chars[17] = "";

			for (size_t k = at; k < MIN(n, at + 16); k++) {
				sprintf(hex + strlen(hex), k == at + 8 ? "  %02x" : " %02x",
					bytes[k]);
				chars[k - at] = isprint(bytes[k]) ? (char)bytes[k] : '.';
			}
			len += (size_t)sprintf(want + len, "%*s%06zx %-49s  %s\n", (int)indent, "",
					       0xabc0 + at, hex, chars);
		}
		buf_hexdump(&b, bytes, n, 0xabc0, 6, indent);
		assert_text(&b, want);
	}
}

/* Text in which broken and whole characters, controls and what needs escapes are all frequent. */
static size_t random_text(struct random *r, char *text, size_t max)
{
	static const char *const parts[] = { "\"",
					     "\\",
					     "/",
					     "\n",
					     "\t",
					     "\xc3\xbc",
					     "\xe6\xbc\xa2",
					     "\xf0\x9f\x98\x80",
					     "\x7f",
					     "\xc2\x9b",
					     "\xed\xa0\x80",
					     "\xc0\xaf",
					     "\x1b",
					     "\xf4\x90\x80",
					     "plain and longer",
					     "\xef\xbf\xbd" };
	size_t len = 0;

	while (len + 20 < max && random_below(r, 12)) {
		if (random_below(r, 3)) {
			const char *part = parts[random_below(r, ARRAY_LEN(parts))];
			size_t n = strlen(part) - (random_below(r, 4) == 0);

			memcpy(text + len, part, n);
			len += n;
		} else {
			text[len++] = (char)random_u64(r);
		}
	}
	return len;
}

/* The text behind a JSON string that is known to be one: RFC 8259 section 7, backwards. */
static size_t naive_unescape(const char *json, size_t n, char *ret_text)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t len = 0;

	assert_true(n >= 2 && json[0] == '"' && json[n - 1] == '"');
	for (size_t i = 1; i < n - 1; i++) {
		unsigned code;

		assert_true((uint8_t)json[i] >= ' ' && json[i] != '"');
		if (json[i] != '\\') {
			ret_text[len++] = json[i];
			continue;
		}
		i++;
		if (json[i] == 'u') {
			assert_int_equal(sscanf(json + i + 1, "%4x", &code), 1);
			assert_true(code < 0x80);
			ret_text[len++] = (char)code;
			i += 4;
		} else {
			assert_non_null(strchr(from, json[i]));
			ret_text[len++] = to[strchr(from, json[i]) - from];
		}
	}
	return len;
}

static void json_strings_read_back(void **state)
{
	struct random r = random_of(7);
	char text[256], want[3 * sizeof(text)], got[sizeof(memory)];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct buf b = buf_in(memory, sizeof(memory));
		size_t n = random_text(&r, text, sizeof(text)), want_len = 0;

		for (size_t i = 0; i < n;) {
			size_t len = utf8_char_len(text + i, n - i);

			memcpy(want + want_len, len ? text + i : "\xef\xbf\xbd", len ? len : 3);
			want_len += len ? len : 3;
			i += len ? len : 1;
		}
		buf_json(&b, text, n);
		assert_int_equal(b.err, 0);
		assert_int_equal(naive_unescape(b.data, b.len, got), want_len);
		assert_memory_equal(got, want, want_len);
	}
}

static void safe_text_moves_no_cursor(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f" },
		{ "a\x1b[2Jb\r\n\x7f", "a\\x1b[2Jb\\x0d\\x0a\\x7f" },
		{ "c1 \xc2\x9b"
		  "31m",
		  "c1 \\xc2\\x9b31m" },
		{ "\xff\xc3", "\\xff\\xc3" },
		{ "\xc2\xa0", "\xc2\xa0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = buf_in(memory, sizeof(memory));

		buf_safe(&b, cases[i].text, strlen(cases[i].text));
		assert_text(&b, cases[i].want);
	}
}

/* One writer after the other, all with fixed arguments; @which < N_WRITERS. */
#define N_WRITERS 19
static void write_one(struct buf *b, int which)
{
	static const uint8_t bytes[16] = { 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7 };

	switch (which) {
	case 0:
		buf_bytes(b, "bytes", 5);
		break;
	case 1:
		buf_char(b, 'c');
		break;
	case 2:
		buf_str(b, "string");
		break;
	case 3:
		buf_lit(b, "literal");
		break;
	case 4:
		buf_fill(b, ' ', 11);
		break;
	case 5:
		buf_u64(b, 12345);
		break;
	case 6:
		buf_i64(b, -12345);
		break;
	case 7:
		buf_u64_pad(b, 12, 9);
		break;
	case 8:
		buf_hex_u64(b, 0xabc, 6);
		break;
	case 9:
		buf_fixed(b, -1234567, 6);
		break;
	case 10:
		buf_f64(b, 0.25);
		break;
	case 11:
		buf_ip4(b, bytes);
		break;
	case 12:
		buf_ip6(b, bytes);
		break;
	case 13:
		buf_mac(b, bytes);
		break;
	case 14:
		buf_json(b, "q\"\xc3\xbc\xff", 5);
		break;
	case 15:
		buf_safe(b, "s\x1b\xff", 3);
		break;
	case 16:
		buf_be16(b, 0x0102);
		break;
	case 17:
		buf_be32(b, 0x01020304);
		break;
	case 18:
		buf_be64(b, 0x0102030405060708);
		break;
	}
}

/* Of an empty buffer that has no memory yet (seen by the sanitizer of undefined behaviour). */
static void nothing_is_appended_to_nothing(void **state)
{
	struct buf b = buf_of(8);

	(void)state;
	buf_bytes(&b, NULL, 0);
	buf_fill(&b, ' ', 0);
	buf_str(&b, "");
	assert_int_equal(b.len, 0);
	assert_int_equal(b.err, 0);
	assert_null(b.data);
}

/* Every writer fits exactly into what it needs, and writes nothing outside. */
static void writers_stop_at_the_bound(void **state)
{
	(void)state;
	for (int which = 0; which < N_WRITERS; which++) {
		struct buf whole = buf_in(memory, sizeof(memory));

		write_one(&whole, which);
		assert_true(whole.len > 0);
		for (size_t cap = 0; cap <= whole.len; cap++) {
			char *exact = malloc(cap ? cap : 1);
			struct buf b = buf_in(exact, cap), grown = buf_of(cap);

			write_one(&b, which);
			write_one(&grown, which);
			assert_int_equal(b.err, cap < whole.len ? -E_FULL : 0);
			assert_int_equal(grown.err, b.err);
			assert_true(b.len <= cap && grown.cap <= cap);
			assert_memory_equal(exact, whole.data, b.len);
			if (b.err) {
				size_t len = b.len;

				write_one(&b, 1);
				assert_int_equal(b.len, len);
				assert_int_equal(b.err, -E_FULL);
			}
			buf_done(&grown);
			free(exact);
		}
	}
}

static void growing_keeps_the_contents(void **state)
{
	struct random r = random_of(8);
	static char naive[100000], chunk[300];

	(void)state;
	for (int round = 0; round < 50; round++) {
		size_t max = random_below(&r, sizeof(naive)), len = 0;
		struct buf b = buf_of(max);

		for (;;) {
			size_t n = random_below(&r, sizeof(chunk));

			random_bytes(&r, chunk, n);
			buf_bytes(&b, chunk, n);
			if (len + n > max)
				break;
			memcpy(naive + len, chunk, n);
			len += n;
			assert_int_equal(b.err, 0);
			assert_true(b.cap <= max);
		}
		assert_int_equal(b.err, -E_FULL);
		assert_int_equal(b.len, len);
		assert_memory_equal(b.data, naive, len);
		buf_reset(&b);
		buf_bytes(&b, naive, max);
		assert_int_equal(b.err, 0);
		buf_done(&b);
		assert_int_equal(b.max, max);
		assert_null(b.data);
	}
}

static void printf_and_cstr(void **state)
{
	struct buf b = buf_of(100);
	char small[4];

	(void)state;
	assert_string_equal(buf_cstr(&b), "");
	buf_printf(&b, "%d %s", 42, "answers");
	assert_text(&b, "42 answers");
	assert_string_equal(buf_cstr(&b), "42 answers");
	assert_text(&b, "42 answers");
	buf_printf(&b, "%0100d", 1);
	assert_int_equal(b.err, -E_FULL);
	assert_string_equal(buf_cstr(&b), "");
	buf_done(&b);
	b = buf_in(small, sizeof(small));
	buf_printf(&b, "%s", "abc");
	assert_text(&b, "abc");
	buf_char(&b, 'd');
	assert_string_equal(buf_cstr(&b), "");
	assert_int_equal(b.err, -E_FULL);
}

static void network_order_is_most_significant_first(void **state)
{
	static const char want[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f";
	struct buf b = buf_in(memory, sizeof(memory));

	(void)state;
	buf_u8(&b, 1);
	buf_be16(&b, 0x0203);
	buf_be32(&b, 0x04050607);
	buf_be64(&b, 0x08090a0b0c0d0e0f);
	assert_text(&b, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_appended_to_nothing),
		cmocka_unit_test(numbers_equal_printf),
		cmocka_unit_test(fixed_point_is_the_digits_with_a_point),
		cmocka_unit_test(doubles_are_shortest_and_exact),
		cmocka_unit_test(infinities_are_null),
		cmocka_unit_test(ip4_equals_inet_ntop),
		cmocka_unit_test(ip6_equals_inet_ntop),
		cmocka_unit_test(ip6_is_as_the_rfc_recommends),
		cmocka_unit_test(hex_equals_printf),
		cmocka_unit_test(hexdump_equals_printf),
		cmocka_unit_test(json_strings_read_back),
		cmocka_unit_test(safe_text_moves_no_cursor),
		cmocka_unit_test(writers_stop_at_the_bound),
		cmocka_unit_test(growing_keeps_the_contents),
		cmocka_unit_test(printf_and_cstr),
		cmocka_unit_test(network_order_is_most_significant_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
