#include "wire/ber.h"

#include <ctype.h>

int ber_head(struct cursor *c, uint8_t *ret_tag, uint32_t *ret_len)
{
	uint8_t tag = cursor_u8(c), first = cursor_u8(c);
	uint32_t len = first & 0x7f;

	if (c->err)
		return c->err;
	if ((tag & 0x1f) == 0x1f || first == 0x80 || first > 0x84) {
		cursor_fail(c, -E_MALFORMED);
		return c->err;
	}
	if (first > 0x80) {
		len = 0;
		for (unsigned i = 0; i < (first & 0x7f); i++)
			len = len << 8 | cursor_u8(c);
	}
	if (c->err)
		return c->err;
	*ret_tag = tag;
	*ret_len = len;
	return 0;
}

struct cursor ber_enter(struct cursor *c, uint8_t tag)
{
	uint8_t found = tag;
	uint32_t len = 0;

	if (ber_head(c, &found, &len) == 0 && found != tag)
		cursor_fail(c, -E_MALFORMED);
	return cursor_sub(c, len);
}

const uint8_t *ber_octets(struct cursor *c, uint8_t tag, size_t *ret_len)
{
	struct cursor in = ber_enter(c, tag);

	*ret_len = cursor_left(&in);
	return in.at;
}

void ber_skip(struct cursor *c)
{
	uint8_t tag;
	uint32_t len = 0;

	if (ber_head(c, &tag, &len) == 0)
		cursor_skip(c, len);
}

int ber_int_of(const uint8_t *bytes, size_t len, int64_t *ret_value)
{
	uint64_t v = len && bytes[0] & 0x80 ? UINT64_MAX : 0;

	for (; len > 8; bytes++, len--)
		if (bytes[0] != (uint8_t)v || (bytes[1] ^ (uint8_t)v) & 0x80)
			return -E_RANGE;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | bytes[i];
	*ret_value = (int64_t)v;
	return 0;
}

int ber_uint_of(const uint8_t *bytes, size_t len, uint64_t *ret_value)
{
	uint64_t v = 0;

	for (; len > 8; bytes++, len--)
		if (bytes[0])
			return -E_RANGE;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | bytes[i];
	*ret_value = v;
	return 0;
}

int64_t ber_int(struct cursor *c, uint8_t tag)
{
	struct cursor in = ber_enter(c, tag);
	int64_t v = 0;

	if (!c->err && ber_int_of(in.at, cursor_left(&in), &v) < 0)
		cursor_fail(c, -E_RANGE);
	return v;
}

uint64_t ber_uint(struct cursor *c, uint8_t tag)
{
	struct cursor in = ber_enter(c, tag);
	uint64_t v = 0;

	if (!c->err && ber_uint_of(in.at, cursor_left(&in), &v) < 0)
		cursor_fail(c, -E_RANGE);
	return v;
}

/* Room for @n octets before those that are there, or NULL. */
static uint8_t *put_room(struct ber_out *o, size_t n)
{
	if (!o->err && n > (size_t)(o->at - o->start))
		o->err = -E_FULL;
	if (o->err)
		return NULL;
	o->at -= n;
	return o->at;
}

static void put_u8(struct ber_out *o, uint8_t v)
{
	uint8_t *p = put_room(o, 1);

	if (p)
		*p = v;
}

void ber_put_head(struct ber_out *o, uint8_t tag, size_t len)
{
	unsigned n = 0;

	if (len > UINT32_MAX)
		o->err = o->err ?: -E_FULL;
	if (len < 0x80) {
		put_u8(o, (uint8_t)len);
	} else {
		for (; len && n < 4; len >>= 8, n++)
			put_u8(o, (uint8_t)len);
		put_u8(o, (uint8_t)(0x80 | n));
	}
	put_u8(o, tag);
}

void ber_put_octets(struct ber_out *o, uint8_t tag, const void *bytes, size_t len)
{
	uint8_t *p = put_room(o, len);

	if (p && len)
		memcpy(p, bytes, len);
	ber_put_head(o, tag, len);
}

void ber_put_int(struct ber_out *o, uint8_t tag, int64_t value)
{
	size_t len = 0;

	do {
		put_u8(o, (uint8_t)value);
		len++;
		value >>= 7; /* the sign bit of this octet stays in */
		if (value == 0 || value == -1)
			break;
		value >>= 1;
	} while (true);
	ber_put_head(o, tag, len);
}

void ber_put_uint(struct ber_out *o, uint8_t tag, uint64_t value)
{
	if (value > INT64_MAX) {
		uint8_t octets[9] = { 0 };

		store_be64(octets + 1, value);
		ber_put_octets(o, tag, octets, sizeof(octets));
		return;
	}
	ber_put_int(o, tag, (int64_t)value);
}

/* Decimal digits at @*at, which is moved behind them. Return: the number; -1 when there is none,
 * or more than 32 bits. */
static int64_t read_arc(const char **at, const char *end)
{
	const char *start = *at;
	uint64_t v = 0;

	for (; *at < end && isdigit((unsigned char)**at) && v <= UINT32_MAX; (*at)++)
		v = v * 10 + (uint64_t)(**at - '0');
	return *at > start && v <= UINT32_MAX ? (int64_t)v : -1;
}

/* One number in groups of seven bits. Return: octets. */
static size_t put_arc(uint8_t *to, uint64_t v)
{
	size_t n = 1;

	for (uint64_t rest = v >> 7; rest; rest >>= 7)
		n++;
	for (size_t i = n; i-- > 0; v >>= 7)
		to[i] = (uint8_t)((v & 0x7f) | (i + 1 < n ? 0x80 : 0));
	return n;
}

int ber_oid_parse(const char *text, size_t len, uint8_t ret_oid[static BER_OID_MAX],
		  size_t *ret_len, struct fault *fault)
{
	const char *at = text, *end = text + len;
	uint8_t oid[BER_OID_MAX];
	size_t n_arcs = 0, n = 0;
	int64_t top = 0;

	at += len && *at == '.';
	for (;; at++) {
		const char *start = at;
		int64_t arc = read_arc(&at, end);

		if (arc < 0)
			return fault_set(fault, (size_t)(start - text),
					 "expected a number up to 4294967295");
		if (n_arcs == 128)
			return fault_set(fault, (size_t)(start - text),
					 "an object identifier has at most 128 numbers");
		if ((!n_arcs && arc > 2) || (n_arcs == 1 && top < 2 && arc > 39))
			return fault_set(fault, (size_t)(start - text),
					 "no object identifier begins so: the first number is 0 to "
					 "2, the second below 40 unless the first is 2");
		if (!n_arcs)
			top = arc;
		else
			n += put_arc(oid + n, (uint64_t)(n_arcs == 1 ? top * 40 + arc : arc));
		n_arcs++;
		if (at == end || *at != '.')
			break;
	}
	if (at < end || n_arcs < 2)
		return fault_set(fault, (size_t)(at - text),
				 "expected a dot and a number, as in 1.3.6.1.2.1.1.1.0");
	memcpy(ret_oid, oid, n);
	*ret_len = n;
	return 0;
}

void ber_oid_text(struct buf *b, const uint8_t *bytes, size_t len)
{
	bool first = true, fits = true;
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++) {
		fits = fits && v < 1ULL << 57;
		v = v << 7 | (bytes[i] & 0x7f);
		if (bytes[i] & 0x80 && i + 1 < len)
			continue;
		if (first) {
			unsigned top = v < 40 ? 0 : v < 80 ? 1 : 2;

			buf_u64(b, top);
			v -= 40ULL * top;
		}
		buf_char(b, '.');
		if (fits && !(bytes[i] & 0x80))
			buf_u64(b, v);
		else
			buf_char(b, '?');
		first = false;
		fits = true;
		v = 0;
	}
}
