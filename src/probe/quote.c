/*
 * ICMP errors: RFC 792 for IPv4, RFC 4443 for IPv6. They quote the packet that they are about: all
 * of it nowadays (RFC 1812 section 4.3.2.3, RFC 4443 section 3.1), but only its header and 8 bytes
 * more from old routers (RFC 792).
 */
#include "probe/quote.h"

#include "wire/numbers.h"

#define FRAGMENT_NEEDED 4 /* code of ICMP4_TYPE_UNREACHABLE */

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

bool quote_read(int family, struct cursor *c, struct quote *ret_quote)
{
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
	*ret_quote = quote;
	return true;
}
