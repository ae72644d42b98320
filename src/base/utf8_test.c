/* UTF-8 by definition: decode whatever the bytes may mean, encode it again, compare. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/utf8.h"

/* RFC 3629 section 3, the table. Return: length, 0 for what is no character. */
static size_t encode(uint32_t c, uint8_t ret_bytes[static 4])
{
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (c < 0x80) {
		ret_bytes[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		ret_bytes[0] = (uint8_t)(0xc0 | c >> 6);
		ret_bytes[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		ret_bytes[0] = (uint8_t)(0xe0 | c >> 12);
		ret_bytes[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		ret_bytes[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	ret_bytes[0] = (uint8_t)(0xf0 | c >> 18);
	ret_bytes[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	ret_bytes[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	ret_bytes[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

static size_t naive_len(const uint8_t *p, size_t n)
{
	uint8_t again[4];

	for (size_t len = 1; len <= n && len <= 4; len++) {
		uint32_t c = len == 1 ? p[0] : p[0] & (0x7fu >> len);

		for (size_t i = 1; i < len; i++)
			c = c << 6 | (p[i] & 0x3f);
		if (encode(c, again) == len && !memcmp(again, p, len))
			return len;
	}
	return 0;
}

static void check(const uint8_t *p, size_t n)
{
	for (size_t cut = 0; cut <= n; cut++) {
		if (utf8_char_len((const char *)p, cut) != naive_len(p, cut))
			fail_msg("%02x %02x %02x %02x cut at %zu", p[0], p[1], p[2], p[3], cut);
	}
}

static void every_start_is_judged_rightly(void **state)
{
	static const uint8_t edges[] = {
		0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff
	};

	(void)state;
	for (uint32_t first_two = 0; first_two < 0x10000; first_two++) {
		for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
			for (size_t k = 0; k < ARRAY_LEN(edges); k++) {
				uint8_t bytes[4] = { (uint8_t)(first_two >> 8), (uint8_t)first_two,
						     edges[i], edges[k] };

				check(bytes, 4);
			}
		}
	}
}

static void every_character_is_accepted(void **state)
{
	uint8_t bytes[4];

	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		size_t len = encode(c, bytes);

		if (len)
			assert_int_equal(utf8_char_len((const char *)bytes, len), len);
	}
}

static size_t columns(const char *text)
{
	return utf8_columns(text, strlen(text));
}

static void columns_are_the_terminals(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	assert_int_equal(columns(""), 0);
	assert_int_equal(columns("plain"), 5);
	assert_int_equal(columns("Gr\xc3\xbc\xc3\x9f"), 4);
	assert_int_equal(columns("\xe6\xbc\xa2\xe5\xad\x97"), 4); /* two wide ones */
	assert_int_equal(columns("e\xcc\x81"), 1);		  /* e, combining acute accent */
	assert_int_equal(columns("a\xff\xfe"), 3);		  /* each broken byte is one */
	assert_int_equal(columns("\xe6\xbc"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_start_is_judged_rightly),
		cmocka_unit_test(every_character_is_accepted),
		cmocka_unit_test(columns_are_the_terminals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
