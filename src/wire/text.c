#include "wire/text.h"

#include <ctype.h>

#include "base/macros.h"

struct text_line text_line(const uint8_t *bytes, uint32_t len)
{
	const uint8_t *lf = len ? memchr(bytes, '\n', len) : NULL;
	uint32_t n = lf ? (uint32_t)(lf - bytes) : len;
	struct text_line line = { .text = text_of(bytes, n), .span = n, .ended = lf };

	if (lf) {
		line.span++;
		line.text.len -= n && bytes[n - 1] == '\r';
	}
	return line;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct text skip_blanks(struct text t)
{
	while (t.len && is_blank(*t.at)) {
		t.at++;
		t.len--;
	}
	return t;
}

struct text text_trim(struct text t)
{
	t = skip_blanks(t);
	while (t.len && is_blank(t.at[t.len - 1]))
		t.len--;
	return t;
}

struct text text_word(struct text *t)
{
	struct text rest = skip_blanks(*t), word;
	uint32_t n = 0;

	while (n < rest.len && !is_blank(rest.at[n]))
		n++;
	word = text_head(rest, n);
	*t = skip_blanks(text_tail(rest, n));
	return word;
}

uint32_t text_find(struct text t, char c)
{
	const uint8_t *at = t.len ? memchr(t.at, c, t.len) : NULL;

	return at ? (uint32_t)(at - t.at) : t.len;
}

bool text_number(struct text t, uint64_t *ret_value)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < t.len; i++) {
		if (!isdigit(t.at[i]) || v > (INT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (uint64_t)(t.at[i] - '0');
	}
	if (!t.len)
		return false;
	*ret_value = v;
	return true;
}

static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (isdigit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int text_base64(struct text t, uint8_t *out, uint32_t cap)
{
	uint32_t bits = 0, n_bits = 0, n = 0;

	while (t.len && t.at[t.len - 1] == '=')
		t.len--;
	for (uint32_t i = 0; i < t.len; i++) {
		int digit = base64_digit(t.at[i]);

		if (digit < 0)
			return -1;
		bits = bits << 6 | (uint32_t)digit;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		if (n < cap)
			out[n++] = (uint8_t)(bits >> n_bits);
	}
	return (int)n;
}

bool text_is_token(uint8_t c)
{
	static const bool is[256] = {
		['0' ... '9'] = true,  ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,
		['#' ... '\''] = true, ['*'] = true,	     ['+'] = true,	   ['-'] = true,
		['.'] = true,	       ['^' ... '`'] = true, ['|'] = true,	   ['~'] = true,
	};

	return is[c];
}
