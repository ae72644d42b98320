/*
 * ICMP errors: RFC 792 for IPv4, RFC 4443 for IPv6. They quote the packet that they are about: all
 * of it nowadays (RFC 1812 section 4.3.2.3, RFC 4443 section 3.1), but only its header and 8 bytes
 * more from old routers (RFC 792). Behind the quotation routers may add extensions (RFC 4884), so
 * the MPLS labels that the packet had (RFC 4950). Those from before RFC 4884 put them behind 128
 * bytes without saying so; then the checksum must prove that they are no part of the quotation.
 */
#include "probe/quote.h"

#include "wire/checksum.h"
#include "wire/numbers.h"

#define FRAGMENT_NEEDED 4 /* code of ICMP4_TYPE_UNREACHABLE */

#define ERROR_HEADER_LEN   8
#define QUOTATION_MIN_LEN  128 /* when extensions follow */
#define EXTENSIONS_VERSION 2
#define CLASS_MPLS	   1
#define MPLS_INCOMING	   1 /* the only type of that class */

static bool kind4(uint8_t type, uint8_t code, enum probe_kind *ret_kind)
{
	switch (type) {
	case ICMP4_TYPE_UNREACHABLE:
		*ret_kind = code == FRAGMENT_NEEDED ? PROBE_TOO_BIG : PROBE_UNREACHABLE;
		return true;
	case ICMP4_TYPE_TIME_EXCEEDED:
		*ret_kind = PROBE_EXCEEDED;
		return true;
	case ICMP4_TYPE_PARAMETER:
		*ret_kind = PROBE_OTHER_ERROR;
		return true;
	}
	return false;
}

static bool kind6(uint8_t type, enum probe_kind *ret_kind)
{
	switch (type) {
	case ICMP6_TYPE_UNREACHABLE:
		*ret_kind = PROBE_UNREACHABLE;
		return true;
	case ICMP6_TYPE_TOO_BIG:
		*ret_kind = PROBE_TOO_BIG;
		return true;
	case ICMP6_TYPE_TIME_EXCEEDED:
		*ret_kind = PROBE_EXCEEDED;
		return true;
	case ICMP6_TYPE_PARAMETER:
		*ret_kind = PROBE_OTHER_ERROR;
		return true;
	}
	return false;
}

bool quote_kind(int family, uint8_t type, uint8_t code, enum probe_kind *ret_kind)
{
	return family == AF_INET ? kind4(type, code, ret_kind) : kind6(type, ret_kind);
}

static void read_header4(struct cursor *c, struct quote *quote)
{
	uint8_t first = cursor_u8(c);
	size_t header_len = (size_t)(first & 0xf) * 4;
	const uint8_t *to;
	uint16_t fragment;

	cursor_skip(c, 5);
	fragment = cursor_be16(c);
	cursor_skip(c, 1);
	quote->protocol = cursor_u8(c);
	cursor_skip(c, 6);
	to = cursor_bytes(c, 4);
	if (first >> 4 != 4 || header_len < IP4_HEADER_LEN || fragment & 0x1fff || !to) {
		cursor_fail(c, -E_MALFORMED);
		return;
	}
	quote->target = addr_ip4(to);
	cursor_skip(c, header_len - IP4_HEADER_LEN);
}

static void read_header6(struct cursor *c, struct quote *quote)
{
	uint8_t first = cursor_u8(c);
	const uint8_t *to;

	cursor_skip(c, 5);
	quote->protocol = cursor_u8(c);
	cursor_skip(c, 17);
	to = cursor_bytes(c, 16);
	if (first >> 4 != 6 || !to) {
		cursor_fail(c, -E_MALFORMED);
		return;
	}
	quote->target = addr_ip6(to);
}

static void read_label_stack(struct cursor *object, struct probe_labels *ret_labels)
{
	while (cursor_left(object) >= 4 && ret_labels->n < PROBE_MAX_LABELS)
		ret_labels->entries[ret_labels->n++] = cursor_be32(object);
}

/* The extension structure (RFC 4884 section 7). @told: the error said where it begins. */
static void read_extensions(const uint8_t *data, size_t len, bool told,
			    struct probe_labels *ret_labels)
{
	struct cursor c = cursor_of(data, len);
	bool summed = len >= 4 && load_be16(data + 2);

	if (len < 4 || data[0] >> 4 != EXTENSIONS_VERSION || (!summed && !told) ||
	    (summed && checksum_of(data, len)))
		return;
	cursor_skip(&c, 4);
	while (cursor_left(&c) >= 4) {
		uint16_t object_len = cursor_be16(&c);
		uint8_t class = cursor_u8(&c), type = cursor_u8(&c);
		struct cursor object;

		if (object_len < 4 || object_len - 4u > cursor_left(&c))
			return;
		object = cursor_sub(&c, object_len - 4u);
		if (class == CLASS_MPLS && type == MPLS_INCOMING)
			read_label_stack(&object, ret_labels);
	}
}

/* @data: the error from its type on */
static void read_labels(int family, const uint8_t *data, size_t len,
			struct probe_labels *ret_labels)
{
	/* In words of 32 bits; of ICMPv6 of 64, and elsewhere (RFC 4884 section 4). */
	size_t quoted_len = family == AF_INET ? data[5] * 4u : data[4] * 8u;
	bool told = quoted_len >= QUOTATION_MIN_LEN;

	quoted_len = ERROR_HEADER_LEN + (told ? quoted_len : (size_t)QUOTATION_MIN_LEN);
	if (quoted_len < len)
		read_extensions(data + quoted_len, len - quoted_len, told, ret_labels);
}

bool quote_read(int family, struct cursor *c, struct quote *ret_quote)
{
	const uint8_t *data = c->at;
	size_t len = cursor_left(c);
	struct quote quote = { .type = cursor_u8(c) };
	uint32_t rest;

	quote.code = cursor_u8(c);
	cursor_skip(c, 2);
	rest = cursor_be32(c);
	if (c->err || !quote_kind(family, quote.type, quote.code, &quote.kind))
		return false;
	if (quote.kind == PROBE_TOO_BIG)
		quote.mtu = family == AF_INET ? rest & 0xffff : rest;
	if (family == AF_INET)
		read_header4(c, &quote);
	else
		read_header6(c, &quote);
	if (c->err)
		return false;
	if (quote.kind == PROBE_EXCEEDED || quote.kind == PROBE_UNREACHABLE)
		read_labels(family, data, len, &quote.labels);
	*ret_quote = quote;
	return true;
}
