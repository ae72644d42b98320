/*
 * The read cursor: the only way to read bytes that came from a network, a file or the kernel.
 * Reading past the end sets an error that sticks; from then on every read gives zero and the cursor
 * does not move. A parser so reads a whole structure and checks once.
 */
#ifndef SONDE_BASE_CURSOR_H
#define SONDE_BASE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct cursor {
	const uint8_t *start, *at, *end;
	int err; /* 0, or the first error: -E_TRUNCATED from reads, others from cursor_fail() */
};

static inline struct cursor cursor_of(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	return (struct cursor){ .start = p, .at = p, .end = p ? p + len : p };
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* Bytes read so far. */
static inline size_t cursor_pos(const struct cursor *c)
{
	return (size_t)(c->at - c->start);
}

/* Makes @err (negative) stick, unless an earlier one does; nothing is left to read afterwards. */
static inline void cursor_fail(struct cursor *c, int err)
{
	if (!c->err)
		c->err = err;
	c->end = c->at;
}

/* The next @n bytes, borrowed, or NULL and -E_TRUNCATED when there are fewer. */
static inline const uint8_t *cursor_bytes(struct cursor *c, size_t n)
{
	const uint8_t *p = c->at;

	if (unlikely(n > cursor_left(c))) {
		cursor_fail(c, -E_TRUNCATED);
		return NULL;
	}
	if (n) /* nothing may be added to NULL, not even 0 */
		c->at += n;
	return p;
}

static inline void cursor_skip(struct cursor *c, size_t n)
{
	(void)cursor_bytes(c, n);
}

/* A cursor over the next @n bytes, which are skipped here; it carries the error when there are
 * fewer. */
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
	const uint8_t *p = cursor_bytes(c, n);
	struct cursor sub = cursor_of(p ? p : c->at, p ? n : 0);

	sub.err = c->err;
	return sub;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 1);

	return p ? *p : 0;
}

/* Unaligned loads in network order; the caller has checked that the bytes are there. */
static inline uint16_t load_be16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap16(v);
}

static inline uint32_t load_be32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint64_t load_be64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

static inline void store_be16(void *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void store_be32(void *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void store_be64(void *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

static inline uint16_t cursor_be16(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 2);

	return p ? load_be16(p) : 0;
}

static inline uint32_t cursor_be24(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 3);

	return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t cursor_be32(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 4);

	return p ? load_be32(p) : 0;
}

static inline uint64_t cursor_be64(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 8);

	return p ? load_be64(p) : 0;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the loads above swap bytes");

#endif
