#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>

#include "base/macros.h"

static bool is_tail(char c)
{
	return ((uint8_t)c & 0xc0) == 0x80;
}

size_t utf8_char_len(const char *text, size_t n)
{
	const uint8_t *p = (const uint8_t *)text;

	if (!n)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n < 2 || !is_tail(text[1]))
		return 0;
	if (p[0] < 0xe0)
		return 2;
	if (n < 3 || !is_tail(text[2]))
		return 0;
	if (p[0] < 0xf0) {
		bool overlong = p[0] == 0xe0 && p[1] < 0xa0;
		bool surrogate = p[0] == 0xed && p[1] > 0x9f;

		return overlong || surrogate ? 0 : 3;
	}
	if (n < 4 || !is_tail(text[3]))
		return 0;
	/* Overlong below U+10000, or above U+10FFFF. */
	return (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ? 0 : 4;
}

static uint32_t code_point(const char *text, size_t len)
{
	static const uint8_t first_mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (uint8_t)text[0] & first_mask[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((uint8_t)text[i] & 0x3f);
	return c;
}

size_t utf8_columns(const char *text, size_t n)
{
	size_t columns = 0;

	for (size_t i = 0; i < n;) {
		size_t len = utf8_char_len(text + i, n - i);
		uint32_t c = len ? code_point(text + i, len) : 0xfffd;

		int width = wcwidth((wchar_t)c);

		columns += width < 0 ? 1 : (size_t)width;
		i += MAX(len, (size_t)1);
	}
	return columns;
}
