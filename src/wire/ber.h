/*
 * BER (X.690): elements of identifier, length and contents, as far as SNMP (RFC 3417 section 8) and
 * certificates (DER) use them. Tags have one octet. Lengths are definite, short or long, of up to
 * four octets; the indefinite form, which neither allows, is malformed.
 *
 * Reading takes what devices send, not only what they should: long lengths and numbers with more
 * octets than needed, and an integer without any, which is 0. Nothing recurses: a reader enters
 * what it expects, level by level.
 *
 * Writing goes backwards, so that a length is known when its place comes: the last element first,
 * the head of what holds them at the end. It gives the shortest form, DER.
 *
 *   struct ber_out o = ber_out_in(memory, sizeof(memory));
 *   const uint8_t *pdu = o.at;
 *   ber_put_octets(&o, BER_NULL, NULL, 0);
 *   ber_put_octets(&o, BER_OID, oid, oid_len);
 *   ber_put_head(&o, BER_SEQUENCE, (size_t)(pdu - o.at));
 *   if (!o.err)
 *           send(fd, o.at, ber_out_len(&o), 0);
 */
#ifndef SONDE_WIRE_BER_H
#define SONDE_WIRE_BER_H

#include "base/buf.h"
#include "base/cursor.h"

enum ber_tag {
	BER_BOOLEAN = 0x01,
	BER_INTEGER = 0x02,
	BER_BIT_STRING = 0x03,
	BER_OCTET_STRING = 0x04,
	BER_ENUMERATED = 0x0a,
	BER_NULL = 0x05,
	BER_OID = 0x06,
	BER_UTF8_STRING = 0x0c,
	BER_NUMERIC_STRING = 0x12,
	BER_PRINTABLE_STRING = 0x13,
	BER_TELETEX_STRING = 0x14,
	BER_IA5_STRING = 0x16,
	BER_UTC_TIME = 0x17,
	BER_GENERALIZED_TIME = 0x18,
	BER_UNIVERSAL_STRING = 0x1c,
	BER_BMP_STRING = 0x1e,
	BER_SEQUENCE = 0x30,
	BER_SET = 0x31,
};

/* The tag [@n] of a context, n to 30: around one value, or holding others. */
#define BER_CONTEXT(n)	   (0x80 | (n))
#define BER_CONSTRUCTED(n) (0xa0 | (n))
#define BER_APPLICATION(n) (0x40 | (n))

/* The most that the contents of an identifier need: 128 numbers (RFC 2578 section 3.5) of 32 bits.
 */
#define BER_OID_MAX 640

/**
 * ber_head() - read identifier and length of an element
 * @c: moved to its contents, which need not all be there
 * Return: 0; -E_TRUNCATED, or -E_MALFORMED (tag of several octets, indefinite or huge length),
 * which sticks in @c as well.
 */
int ber_head(struct cursor *c, uint8_t *ret_tag, uint32_t *ret_len);

/* The tag of the element that follows; 0 at the end. */
static inline uint8_t ber_peek(const struct cursor *c)
{
	return cursor_left(c) ? *c->at : 0;
}

/*
 * These read one element, whose tag must be @tag, or fail @c: a cursor over its contents; its
 * contents, borrowed; a number (-E_RANGE when it has more than 64 bits).
 */
struct cursor ber_enter(struct cursor *c, uint8_t tag);
const uint8_t *ber_octets(struct cursor *c, uint8_t tag, size_t *ret_len);
int64_t ber_int(struct cursor *c, uint8_t tag);
uint64_t ber_uint(struct cursor *c, uint8_t tag);

/* Steps over one element, whatever it is. */
void ber_skip(struct cursor *c);

/*
 * Numbers from contents: signed, and never negative (SNMP's counters, which some send with the
 * first bit set). Return: 0, or -E_RANGE when they need more than 64 bits.
 */
MUST_CHECK int ber_int_of(const uint8_t *bytes, size_t len, int64_t *ret_value);
MUST_CHECK int ber_uint_of(const uint8_t *bytes, size_t len, uint64_t *ret_value);

/* Elements being written into the end of the caller's memory. The first error, -E_FULL, sticks. */
struct ber_out {
	uint8_t *start, *at, *end; /* written so far: @at to @end */
	int err;
};

static inline struct ber_out ber_out_in(void *memory, size_t cap)
{
	uint8_t *p = memory;

	return (struct ber_out){ .start = p, .at = p + cap, .end = p + cap };
}

static inline size_t ber_out_len(const struct ber_out *o)
{
	return (size_t)(o->end - o->at);
}

/* Identifier and length before what was written last, @len octets. */
void ber_put_head(struct ber_out *o, uint8_t tag, size_t len);

/* An element of octets as they are: strings, null, identifiers. */
void ber_put_octets(struct ber_out *o, uint8_t tag, const void *bytes, size_t len);
void ber_put_int(struct ber_out *o, uint8_t tag, int64_t value);
void ber_put_uint(struct ber_out *o, uint8_t tag, uint64_t value);

/**
 * ber_oid_parse() - an object identifier as people type it: "1.3.6.1.2.1", ".1.3"
 * @text: @len bytes, need not end in NUL
 * @ret_oid: the contents in BER (X.690 section 8.19), @ret_len of them, at most BER_OID_MAX
 * Return: 0, or -E_SYNTAX with @fault: not numbers and dots, fewer than two or more than 128
 * numbers, one of more than 32 bits, or a beginning that does not exist (the first is at most 2;
 * the second below 40 unless the first is 2).
 */
MUST_CHECK int ber_oid_parse(const char *text, size_t len, uint8_t ret_oid[static BER_OID_MAX],
			     size_t *ret_len, struct fault *fault);

/*
 * The contents of an object identifier as text. What does not fit in 64 bits, and a number that the
 * bytes end in, is shown as "?".
 */
void ber_oid_text(struct buf *b, const uint8_t *bytes, size_t len);

#endif
