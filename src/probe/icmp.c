/*
 * ICMP echo: RFC 792 for IPv4, RFC 4443 for IPv6. The payload of a request begins with the mark and
 * goes on with a pattern. Replies bring the mark back. Errors quote the request: all of it, or from
 * old routers 8 bytes of the message (quote.c), which leaves address, id and sequence to know it
 * by.
 *
 * The checksum of ICMPv6 covers addresses that only the kernel knows: it is left to it (RFC 3542
 * section 3.1).
 */
#include "probe/mark.h"
#include "probe/module.h"
#include "probe/quote.h"
#include "wire/checksum.h"
#include "wire/numbers.h"

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
	store_be16(buf + 6, (uint16_t)(shot->sequence + 1));
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

/* An error about a request of ours. */
static int read_error(int family, struct cursor *c, struct probe_answer *answer)
{
	uint8_t protocol = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	uint8_t echo = family == AF_INET ? ICMP4_TYPE_ECHO : ICMP6_TYPE_ECHO;
	struct quote quote;

	if (!quote_read(family, c, &quote) || quote.protocol != protocol || cursor_u8(c) != echo)
		return 0;
	answer->kind = quote.kind;
	answer->icmp_type = quote.type;
	answer->icmp_code = quote.code;
	answer->mtu = quote.mtu;
	answer->labels = quote.labels;
	answer->target = quote.target;
	cursor_skip(c, 3);
	read_echo(c, answer);
	answer->size = 0;
	return !c->err;
}

static int icmp_read(const struct probe_packet *packet, struct probe_answer *ret_answer)
{
	bool ip4 = packet->family == AF_INET;
	struct cursor c = cursor_of(packet->data, packet->len);
	struct probe_answer a = { .responder = packet->from };

	if (!packet->len)
		return 0;
	if (*c.at == (ip4 ? ICMP4_TYPE_ECHO_REPLY : ICMP6_TYPE_ECHO_REPLY)) {
		cursor_skip(&c, 4);
		a.kind = PROBE_REPLY;
		a.target = packet->from;
		read_echo(&c, &a);
		if (packet->wire_len > packet->len)
			a.size += (uint16_t)(packet->wire_len - packet->len);
		if (c.err)
			return 0;
	} else if (!read_error(packet->family, &c, &a)) {
		return 0;
	}
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
