/*
 * ICMP echo: RFC 792 for IPv4, RFC 4443 for IPv6. The payload of a request begins with the mark and
 * goes on with a pattern. Replies bring the mark back. Errors quote the request: all of it nowadays
 * (RFC 1812 section 4.3.2.3, RFC 4443 section 3.1), but only 8 bytes of the message from old
 * routers (RFC 792), which leaves address, id and sequence to know it by.
 *
 * The checksum of ICMPv6 covers addresses that only the kernel knows: it is left to it (RFC 3542
 * section 3.1).
 */
#include "probe/mark.h"
#include "probe/module.h"
#include "wire/checksum.h"
#include "wire/numbers.h"

#define FRAGMENT_NEEDED 4 /* code of ICMP4_TYPE_UNREACHABLE */

static size_t icmp_write(const struct probe_shot *shot, uint8_t *buf, size_t cap)
{
	bool ip4 = shot->target.family == AF_INET;
	size_t len = ICMP_HEADER_LEN + (size_t)shot->size, at = ICMP_HEADER_LEN;

	if (len > cap)
		return 0;
	buf[0] = ip4 ? ICMP4_TYPE_ECHO : ICMP6_TYPE_ECHO;
	buf[1] = 0;
	store_be16(buf + 2, 0);
	store_be16(buf + 4, shot->id);
	store_be16(buf + 6, (uint16_t)(shot->mark.try + 1)); /* people count from 1 */
	if (shot->size >= PROBE_MARK_LEN) {
		mark_write(&shot->mark, buf + at);
		at += PROBE_MARK_LEN;
	}
	for (; at < len; at++)
		buf[at] = (uint8_t)at;
	if (ip4)
		store_be16(buf + 2, checksum_of(buf, len));
	return len;
}

/* Id, sequence and mark of an echo message from behind its checksum on. */
static void read_echo(struct cursor *c, struct probe_answer *answer)
{
	answer->id = cursor_be16(c);
	answer->sequence = (uint16_t)(cursor_be16(c) - 1);
	answer->size = (uint16_t)cursor_left(c);
	answer->match = PROBE_BY_ID;
	if (cursor_left(c) >= PROBE_MARK_LEN) {
		answer->mark = mark_read(c);
		answer->match = PROBE_BY_MARK;
	}
}

/* The IPv4 packet that an error quotes. */
static void read_quote4(struct cursor *c, struct probe_answer *answer)
{
	uint8_t first = cursor_u8(c), protocol;
	size_t header_len = (size_t)(first & 0xf) * 4;
	const uint8_t *to;
	uint16_t fragment;

	cursor_skip(c, 5);
	fragment = cursor_be16(c);
	cursor_skip(c, 1);
	protocol = cursor_u8(c);
	cursor_skip(c, 6);
	to = cursor_bytes(c, 4);
	if (first >> 4 != 4 || header_len < IP4_HEADER_LEN || protocol != IPPROTO_ICMP ||
	    fragment & 0x1fff || !to) {
		cursor_fail(c, -E_MALFORMED);
		return;
	}
	answer->target = addr_ip4(to);
	cursor_skip(c, header_len - IP4_HEADER_LEN);
	if (cursor_u8(c) != ICMP4_TYPE_ECHO)
		cursor_fail(c, -E_MALFORMED);
	cursor_skip(c, 3);
	read_echo(c, answer);
}

/* The IPv6 packet that an error quotes; our requests have no extension headers. */
static void read_quote6(struct cursor *c, struct probe_answer *answer)
{
	uint8_t first = cursor_u8(c), next;
	const uint8_t *to;

	cursor_skip(c, 5);
	next = cursor_u8(c);
	cursor_skip(c, 17);
	to = cursor_bytes(c, 16);
	if (first >> 4 != 6 || next != IPPROTO_ICMPV6 || !to) {
		cursor_fail(c, -E_MALFORMED);
		return;
	}
	answer->target = addr_ip6(to);
	if (cursor_u8(c) != ICMP6_TYPE_ECHO)
		cursor_fail(c, -E_MALFORMED);
	cursor_skip(c, 3);
	read_echo(c, answer);
}

static bool classify4(uint8_t type, uint8_t code, enum probe_kind *ret_kind)
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

static bool classify6(uint8_t type, enum probe_kind *ret_kind)
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

static int icmp_read(const struct probe_packet *packet, struct probe_answer *ret_answer)
{
	bool ip4 = packet->family == AF_INET;
	struct cursor c = cursor_of(packet->data, packet->len);
	struct probe_answer a = { .responder = packet->from };
	uint8_t type = cursor_u8(&c), code = cursor_u8(&c);

	cursor_skip(&c, 2);
	if (type == (ip4 ? ICMP4_TYPE_ECHO_REPLY : ICMP6_TYPE_ECHO_REPLY)) {
		a.kind = PROBE_REPLY;
		a.target = packet->from;
		read_echo(&c, &a);
		if (packet->wire_len > packet->len)
			a.size += (uint16_t)(packet->wire_len - packet->len);
	} else if (ip4 ? classify4(type, code, &a.kind) : classify6(type, &a.kind)) {
		uint32_t rest = cursor_be32(&c);

		a.icmp_type = type;
		a.icmp_code = code;
		if (a.kind == PROBE_TOO_BIG)
			a.mtu = ip4 ? rest & 0xffff : rest;
		if (ip4)
			read_quote4(&c, &a);
		else
			read_quote6(&c, &a);
		a.size = 0;
	} else {
		return 0;
	}
	if (c.err)
		return 0;
	*ret_answer = a;
	return 1;
}

static bool icmp_applies(const struct addr *target, const struct probe_link *link)
{
	(void)link;
	return !addr_is_multicast(target);
}

const struct probe_module probe_icmp = {
	.name = "icmp",
	.via = PROBE_VIA_ICMP,
	.applies = icmp_applies,
	.write = icmp_write,
	.read = icmp_read,
};
