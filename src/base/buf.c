#include "base/buf.h"

#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/utf8.h"

static const char hex_digits[] = "0123456789abcdef";

/* "00" to "99", for two decimal digits at a time. */
static const char two_digits[] = "00010203040506070809"
				 "10111213141516171819"
				 "20212223242526272829"
				 "30313233343536373839"
				 "40414243444546474849"
				 "50515253545556575859"
				 "60616263646566676869"
				 "70717273747576777879"
				 "80818283848586878889"
				 "90919293949596979899";

void buf_done(struct buf *b)
{
	if (!b->borrowed)
		free(b->data);
	*b = buf_of(b->borrowed ? 0 : b->max);
}

int buf_grow(struct buf *b, size_t n)
{
	size_t cap;
	char *data;

	if (b->err)
		return b->err;
	if (b->borrowed || n > b->max - b->len)
		return b->err = -E_FULL;
	cap = MAX(b->len + n, b->cap + b->cap / 2);
	cap = MIN(MAX(cap, (size_t)64), b->max);
	data = realloc(b->data, cap);
	if (!data)
		return b->err = -ENOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

void buf_fill(struct buf *b, char c, size_t n)
{
	char *p = n ? buf_room(b, n) : NULL;

	if (!p)
		return;
	memset(p, c, n);
	b->len += n;
}

#define EIGHT_DIGITS 100000000U
#define ZEROS	     0x3030303030303030ULL /* "00000000" */

/*
 * Eight digits at once, the first in the lowest byte: each step halves groups of digits, by
 * multiplication with reciprocals that are exact for such small numbers.
 */
static inline uint64_t eight_digits(uint32_t v)
{
	uint64_t x = v / 10000 | (uint64_t)(v % 10000) << 32, high;

	high = (x * 10486 >> 20) & 0x0000007f0000007f; /* hundreds of each four */
	x = high | (x - high * 100) << 16;
	high = (x * 103 >> 10) & 0x000f000f000f000f; /* tens of each two */
	return high | (x - high * 10) << 8;
}

/* Writes @v in decimal so that it ends before @end, and returns where it begins. */
static char *decimal_before(char *end, uint64_t v)
{
	for (; v >= EIGHT_DIGITS; v /= EIGHT_DIGITS) {
		uint64_t digits = eight_digits((uint32_t)(v % EIGHT_DIGITS)) | ZEROS;

		end -= 8;
		memcpy(end, &digits, 8);
	}
	while (v >= 100) {
		end -= 2;
		memcpy(end, two_digits + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10) {
		end -= 2;
		memcpy(end, two_digits + v * 2, 2);
	} else {
		*--end = (char)('0' + v);
	}
	return end;
}

/* Bytes that append_short() copies, whatever the length. */
#define SHORT 24

/*
 * Appends @n bytes, at most SHORT, of @text, where SHORT can be read: one copy of fixed size where
 * there is room for it, without a call.
 */
static inline void append_short(struct buf *b, const char *text, size_t n)
{
	if (unlikely(b->err || b->cap - b->len < SHORT)) {
		buf_bytes(b, text, n);
		return;
	}
	memcpy(b->data + b->len, text, SHORT);
	b->len += n;
}

/* Numbers below 10^8, without leading zeros, in one store. */
static inline bool append_small(struct buf *b, uint32_t v)
{
	uint64_t digits = eight_digits(v);
	unsigned zeros = (unsigned)__builtin_ctzll(digits) / 8;

	if (unlikely(b->err || b->cap - b->len < 8))
		return false;
	digits = (digits | ZEROS) >> zeros * 8;
	memcpy(b->data + b->len, &digits, 8);
	b->len += 8 - zeros;
	return true;
}

void buf_u64(struct buf *b, uint64_t v)
{
	/* Most numbers in packets are small. */
	if (v < 10) {
		buf_char(b, (char)('0' + v));
		return;
	}
	if (v < EIGHT_DIGITS && append_small(b, (uint32_t)v))
		return;
	char text[20 + SHORT], *end = text + 20, *start = decimal_before(end, v);

	append_short(b, start, (size_t)(end - start));
}

void buf_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_char(b, '-');
	buf_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void buf_u64_pad(struct buf *b, uint64_t v, unsigned width)
{
	static const uint32_t limits[] = { 0,	   10,	    100,      1000,	10000,
					   100000, 1000000, 10000000, 100000000 };
	char text[20], *end = text + sizeof(text), *start;

	/* Decimals of seconds: as many digits as there may be. */
	if (width && width <= 8 && v < limits[width] && !b->err && b->cap - b->len >= 8) {
		uint64_t digits = (eight_digits((uint32_t)v) | ZEROS) >> (8 - width) * 8;

		memcpy(b->data + b->len, &digits, 8);
		b->len += width;
		return;
	}
	start = decimal_before(end, v);
	width = MIN(width, (unsigned)sizeof(text));
	while ((size_t)(end - start) < width)
		*--start = '0';
	buf_bytes(b, start, (size_t)(end - start));
}

void buf_hex_u64(struct buf *b, uint64_t v, unsigned digits)
{
	char text[16];

	digits = MIN(MAX(digits, 1u), 16u);
	for (unsigned i = digits; i-- > 0; v >>= 4)
		text[i] = hex_digits[v & 15];
	buf_bytes(b, text, digits);
}

void buf_fixed(struct buf *b, int64_t v, unsigned decimals)
{
	uint64_t magnitude = v < 0 ? -(uint64_t)v : (uint64_t)v, unit = 1;

	decimals = MIN(decimals, 18u);
	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;
	if (v < 0)
		buf_char(b, '-');
	buf_u64(b, magnitude / unit);
	if (!decimals)
		return;
	buf_char(b, '.');
	buf_u64_pad(b, magnitude % unit, decimals);
}

void buf_f64(struct buf *b, double v)
{
	char text[40];

	if (!isfinite(v)) {
		buf_lit(b, "null");
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*g", precision, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buf_str(b, text);
}

/* One octet in decimal at @p; returns the end. */
static char *octet_at(char *p, uint8_t v)
{
	if (v >= 100) {
		*p++ = (char)('0' + v / 100);
		v %= 100;
		memcpy(p, two_digits + v * 2, 2);
		return p + 2;
	}
	if (v >= 10) {
		memcpy(p, two_digits + v * 2, 2);
		return p + 2;
	}
	*p = (char)('0' + v);
	return p + 1;
}

void buf_ip4(struct buf *b, const uint8_t bytes[static 4])
{
	char text[SHORT], *p = text;

	for (int i = 0; i < 4; i++) {
		if (i)
			*p++ = '.';
		p = octet_at(p, bytes[i]);
	}
	append_short(b, text, (size_t)(p - text));
}

/* Finds the longest run of at least two zero groups, the first of equals (RFC 5952 section 4.2). */
static void longest_zero_run(const uint16_t groups[static 8], int *ret_start, int *ret_len)
{
	*ret_start = -1;
	*ret_len = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && !groups[i + n])
			n++;
		if (n > *ret_len) {
			*ret_start = i;
			*ret_len = n;
		}
		i += n;
	}
}

void buf_ip6(struct buf *b, const uint8_t bytes[static 16])
{
	char text[INET6_ADDRSTRLEN], *p = text;
	uint16_t groups[8];
	int zero, n_zero;

	for (int i = 0; i < 8; i++)
		groups[i] = load_be16(bytes + 2 * i);
	longest_zero_run(groups, &zero, &n_zero);
	/* ::ffff:a.b.c.d, RFC 5952 section 5 */
	bool mapped = zero == 0 && n_zero == 5 && groups[5] == 0xffff;

	for (int i = 0; i < (mapped ? 6 : 8); i++) {
		if (i == zero) {
			*p++ = ':';
			if (!i)
				*p++ = ':';
			i += n_zero - 1;
			continue;
		}
		for (int shift = 12, seen = 0; shift >= 0; shift -= 4) {
			int digit = groups[i] >> shift & 15;

			if (digit || seen || !shift) {
				*p++ = hex_digits[digit];
				seen = 1;
			}
		}
		if (i < 7)
			*p++ = ':';
	}
	for (int i = 0; mapped && i < 4; i++) {
		if (i)
			*p++ = '.';
		p = octet_at(p, bytes[12 + i]);
	}
	buf_bytes(b, text, (size_t)(p - text));
}

void buf_mac(struct buf *b, const uint8_t bytes[static 6])
{
	buf_hex(b, bytes, 6, ':');
}

void buf_hex(struct buf *b, const void *bytes, size_t n, char separator)
{
	const uint8_t *from = bytes;
	size_t n_separators = separator && n ? n - 1 : 0;
	char *p = buf_room(b, n > SIZE_MAX / 3 ? SIZE_MAX : 2 * n + n_separators);

	if (!p)
		return;
	for (size_t i = 0; i < n; i++) {
		if (i && separator)
			*p++ = separator;
		*p++ = hex_digits[from[i] >> 4];
		*p++ = hex_digits[from[i] & 15];
	}
	b->len += 2 * n + n_separators;
}

void buf_hexdump(struct buf *b, const void *bytes, size_t n, uint64_t offset, unsigned digits,
		 unsigned indent)
{
	const uint8_t *p = bytes;

	for (size_t at = 0; at < n; at += 16) {
		size_t row = MIN(n - at, (size_t)16);

		buf_fill(b, ' ', indent);
		buf_hex_u64(b, offset + at, digits);
		buf_lit(b, "  ");
		for (size_t i = 0; i < 16; i++) {
			if (i < row)
				buf_hex_u64(b, p[at + i], 2);
			else
				buf_lit(b, "  ");
			buf_str(b, i == 7 ? "  " : " ");
		}
		buf_char(b, ' ');
		for (size_t i = 0; i < row; i++)
			buf_char(b, p[at + i] >= ' ' && p[at + i] < 127 ? (char)p[at + i] : '.');
		buf_char(b, '\n');
	}
}

static void json_escape(struct buf *b, uint8_t c)
{
	switch (c) {
	case '"':
		buf_lit(b, "\\\"");
		break;
	case '\\':
		buf_lit(b, "\\\\");
		break;
	case '\n':
		buf_lit(b, "\\n");
		break;
	case '\r':
		buf_lit(b, "\\r");
		break;
	case '\t':
		buf_lit(b, "\\t");
		break;
	default:
		buf_lit(b, "\\u00");
		buf_hex_u64(b, c, 2);
	}
}

/* Length of the run of characters at the start that need no escape: ASCII without " \ and controls.
 */
static size_t plain_run(const char *text, size_t n)
{
	size_t i = 0;

	while (i < n && text[i] >= ' ' && text[i] < 0x7f && text[i] != '"' && text[i] != '\\')
		i++;
	return i;
}

void buf_json(struct buf *b, const char *text, size_t n)
{
	buf_char(b, '"');
	for (size_t i = 0; i < n;) {
		size_t len = plain_run(text + i, n - i);

		if (len) {
			buf_bytes(b, text + i, len);
		} else if ((uint8_t)text[i] < 0x80) {
			json_escape(b, (uint8_t)text[i]);
			len = 1;
		} else if ((len = utf8_char_len(text + i, n - i))) {
			buf_bytes(b, text + i, len);
		} else {
			buf_lit(b, "\xef\xbf\xbd");
			len = 1;
		}
		i += len;
	}
	buf_char(b, '"');
}

/* Length of the run of ASCII at the start that needs no care on a terminal. */
static size_t printable_run(const char *text, size_t n)
{
	size_t i = 0;

	while (i < n && text[i] >= ' ' && text[i] < 0x7f)
		i++;
	return i;
}

void buf_safe(struct buf *b, const char *text, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t plain = printable_run(text + i, n - i), len;
		uint8_t c;

		buf_bytes(b, text + i, plain);
		i += plain;
		if (i == n)
			return;
		c = (uint8_t)text[i];
		len = utf8_char_len(text + i, n - i);
		/* C1 controls, U+0080 to U+009F, move the cursor as well. */
		bool c1 = len == 2 && c == 0xc2 && (uint8_t)text[i + 1] < 0xa0;

		if (len && c >= ' ' && c != 0x7f && !c1) {
			buf_bytes(b, text + i, len);
		} else {
			len = MAX(len, (size_t)1);
			for (size_t k = 0; k < len; k++) {
				buf_lit(b, "\\x");
				buf_hex_u64(b, (uint8_t)text[i + k], 2);
			}
		}
		i += len;
	}
}

void buf_be16(struct buf *b, uint16_t v)
{
	char *p = buf_room(b, 2);

	if (!p)
		return;
	store_be16(p, v);
	b->len += 2;
}

void buf_be32(struct buf *b, uint32_t v)
{
	char *p = buf_room(b, 4);

	if (!p)
		return;
	store_be32(p, v);
	b->len += 4;
}

void buf_be64(struct buf *b, uint64_t v)
{
	char *p = buf_room(b, 8);

	if (!p)
		return;
	store_be64(p, v);
	b->len += 8;
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	int n;
	char *p;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	p = n < 0 ? NULL : buf_room(b, (size_t)n + 1);
	if (p) {
		vsnprintf(p, (size_t)n + 1, format, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

const char *buf_cstr(struct buf *b)
{
	char *p = buf_room(b, 1);

	if (!p)
		return "";
	*p = '\0';
	return b->data;
}
