/*
 * The write buffer: text and bytes on their way out, with a hard cap. It grows up to its maximum,
 * or works in memory that the caller gave. Errors stick: after the first one nothing is appended
 * any more, so that a writer appends everything and checks once. No stdio on the hot path.
 */
#ifndef SONDE_BASE_BUF_H
#define SONDE_BASE_BUF_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct addr;
struct mac;

struct buf {
	char *data; /* @len bytes are valid; not NUL-terminated, see buf_cstr() */
	size_t len;
	size_t cap;
	size_t max;    /* never grows beyond */
	int err;       /* 0, -E_FULL or -ENOMEM; sticks until buf_reset() */
	bool borrowed; /* @data is the caller's: not grown, not freed */
};

/* An empty buffer that grows to at most @max bytes. Nothing is allocated yet. */
static inline struct buf buf_of(size_t max)
{
	return (struct buf){ .max = max };
}

/* A buffer in the caller's memory. */
static inline struct buf buf_in(void *memory, size_t cap)
{
	return (struct buf){ .data = memory, .cap = cap, .max = cap, .borrowed = true };
}

/* Frees what the buffer owns and leaves it empty with the same maximum. */
void buf_done(struct buf *b);

/* Forgets contents and error, keeps the memory. */
static inline void buf_reset(struct buf *b)
{
	b->len = 0;
	b->err = 0;
}

/* Makes room for @n more bytes, off the fast path. Return: 0 or the sticking error. */
int buf_grow(struct buf *b, size_t n);

/* Room for @n bytes at the end, not yet counted in @len: NULL and a sticking error when there is
 * none. */
static inline char *buf_room(struct buf *b, size_t n)
{
	if (unlikely(b->err || n > b->cap - b->len) && buf_grow(b, n) < 0)
		return NULL;
	return b->data + b->len;
}

static inline void buf_bytes(struct buf *b, const void *bytes, size_t n)
{
	char *p = n ? buf_room(b, n) : NULL;

	if (!p)
		return;
	memcpy(p, bytes, n);
	b->len += n;
}

static inline void buf_char(struct buf *b, char c)
{
	char *p = buf_room(b, 1);

	if (!p)
		return;
	*p = c;
	b->len++;
}

static inline void buf_str(struct buf *b, const char *text)
{
	buf_bytes(b, text, strlen(text));
}

/* A string literal, whose length the compiler knows. */
#define buf_lit(b, literal) buf_bytes((b), "" literal, sizeof(literal) - 1)

/* @n times @c. */
void buf_fill(struct buf *b, char c, size_t n);

/* Decimal. */
void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);

/* Decimal with leading zeros to at least @width digits (at most 20). */
void buf_u64_pad(struct buf *b, uint64_t v, unsigned width);

/* Hexadecimal, lower case, exactly @digits digits (1 to 16), without "0x". */
void buf_hex_u64(struct buf *b, uint64_t v, unsigned digits);

/*
 * @v / 10^@decimals with exactly @decimals digits after the point (0 to 18): 1234567 ns with 6 is
 * "1.234567". To print fewer decimals, divide first.
 */
void buf_fixed(struct buf *b, int64_t v, unsigned decimals);

/* The shortest text that reads back as @v; "null" for what is not finite, as JSON needs it. */
void buf_f64(struct buf *b, double v);

/* Addresses: dotted quad; RFC 5952; "aa:bb:cc:dd:ee:ff". @bytes are in network order. */
void buf_ip4(struct buf *b, const uint8_t bytes[static 4]);
void buf_ip6(struct buf *b, const uint8_t bytes[static 16]);
void buf_mac(struct buf *b, const uint8_t bytes[static 6]);

/* Bytes as two hexadecimal digits each, with @separator between them unless it is 0. */
void buf_hex(struct buf *b, const void *bytes, size_t n, char separator);

/*
 * Lines of sixteen bytes for people: @indent blanks, the offset from @offset on in @digits digits,
 * hexadecimal, characters where they are printable ASCII.
 */
void buf_hexdump(struct buf *b, const void *bytes, size_t n, uint64_t offset, unsigned digits,
		 unsigned indent);

/*
 * A JSON string with its quotes (RFC 8259 section 7). What is not UTF-8 (RFC 3629) becomes U+FFFD,
 * one for each byte that cannot be part of a character.
 */
void buf_json(struct buf *b, const char *text, size_t n);

/*
 * Text for a terminal or a log: like buf_bytes(), but control characters and what is not UTF-8
 * become "\xNN", so that a name from the network cannot move the cursor.
 */
void buf_safe(struct buf *b, const char *text, size_t n);

/* Bytes in network order. */
static inline void buf_u8(struct buf *b, uint8_t v)
{
	buf_char(b, (char)v);
}
void buf_be16(struct buf *b, uint16_t v);
void buf_be32(struct buf *b, uint32_t v);
void buf_be64(struct buf *b, uint64_t v);

/* For everything that is not hot. Needs room for a NUL behind the text. */
void buf_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);

/*
 * The contents with a NUL behind them, borrowed until the next append; "" when there is no room for
 * it, with the error sticking.
 */
const char *buf_cstr(struct buf *b);

#endif
