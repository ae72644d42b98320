/*
 * TCP SYN segments (RFC 9293 section 3.5) as whole IP packets, like those of Linux's connect():
 * MSS, SACK permitted, timestamps and window scale (RFC 7323), in that order, because firewalls
 * drop SYNs that no client would send. The sequence number is the cookie, so whoever answers with
 * the acknowledgment number that follows it has seen the SYN: SYN+ACK when open, RST+ACK when
 * closed. A RST without ACK and a SYN alone prove nothing and are left alone. ICMP errors quote
 * ports and sequence number.
 *
 * Checksums of answers are not checked: what this machine sends to itself, or a virtual machine
 * beside it, has none yet when it is captured.
 */
#include <errno.h>

#include "probe/quote.h"
#include "wire/checksum.h"
#include "wire/numbers.h"

#define OPTIONS_LEN	20
#define SYN_LEN		(TCP_HEADER_LEN + OPTIONS_LEN)
#define DEFAULT_TTL	64
#define DONT_FRAGMENT	0x4000
#define FRAGMENT_OFFSET 0x1fff
#define MAX_EXTENSIONS	8

/* By family: for an MTU of 1500, as Linux chooses them. */
#define MSS4	1460
#define MSS6	1440
#define WINDOW4 (44 * MSS4)
#define WINDOW6 (45 * MSS6)

/* Timestamps count milliseconds (RFC 7323 section 5.4). */
static uint32_t timestamp(const struct probe_shot *shot)
{
	return (uint32_t)(shot->mark.sent_ns / NS_PER_MS);
}

/* The segment, its checksum begun by @sum, that of the pseudo header. */
static void write_segment(const struct probe_shot *shot, uint16_t mss, uint16_t window,
			  uint64_t sum, uint8_t *tcp)
{
	/* MSS, SACK permitted (RFC 2018), timestamps, no operation, window scale */
	static const uint8_t options[OPTIONS_LEN] = { 2, 4, 0, 0, 4, 2, 8, 10, 0, 0,
						      0, 0, 0, 0, 0, 0, 1, 3,  3, 7 };

	memset(tcp, 0, TCP_HEADER_LEN);
	memcpy(tcp + TCP_HEADER_LEN, options, OPTIONS_LEN);
	store_be16(tcp, shot->source_port);
	store_be16(tcp + 2, shot->port);
	store_be32(tcp + 4, shot->cookie);
	tcp[12] = SYN_LEN / 4 << 4;
	tcp[13] = TCP_FLAG_SYN;
	store_be16(tcp + 14, window);
	store_be16(tcp + 22, mss);
	store_be32(tcp + 28, timestamp(shot));
	store_be16(tcp + 16, checksum_finish(checksum_add(sum, tcp, SYN_LEN)));
}

static size_t write4(const struct probe_shot *shot, uint8_t *ip, size_t cap)
{
	static const uint8_t constant[IP4_HEADER_LEN] = {
		[0] = 0x45,
		[3] = IP4_HEADER_LEN + SYN_LEN,
		[6] = DONT_FRAGMENT >> 8,
		[9] = IPPROTO_TCP,
	};
	uint64_t sum;

	if (cap < IP4_HEADER_LEN + SYN_LEN)
		return 0;
	memcpy(ip, constant, IP4_HEADER_LEN);
	/* Another in each packet, though nothing asks for it when fragments are not allowed (RFC
	 * 6864). */
	store_be16(ip + 4, (uint16_t)(shot->cookie ^ shot->cookie >> 16 ^ shot->mark.try * 0x9e37));
	ip[8] = shot->ttl ? shot->ttl : DEFAULT_TTL;
	memcpy(ip + 12, shot->link->source.bytes, 4);
	memcpy(ip + 16, shot->target.bytes, 4);
	store_be16(ip + 10, checksum_of(ip, IP4_HEADER_LEN));
	sum = checksum_pseudo_ip4(ip + 12, ip + 16, IPPROTO_TCP, SYN_LEN);
	write_segment(shot, MSS4, WINDOW4, sum, ip + IP4_HEADER_LEN);
	return IP4_HEADER_LEN + SYN_LEN;
}

static size_t write6(const struct probe_shot *shot, uint8_t *ip, size_t cap)
{
	uint64_t sum;

	if (cap < IP6_HEADER_LEN + SYN_LEN)
		return 0;
	/* A flow label of its own for each connection (RFC 6437). */
	store_be32(ip, 0x60000000 | (shot->cookie * 0x9e3779b1) >> 12);
	store_be16(ip + 4, SYN_LEN);
	ip[6] = IPPROTO_TCP;
	ip[7] = shot->ttl ? shot->ttl : DEFAULT_TTL;
	memcpy(ip + 8, shot->link->source.bytes, 16);
	memcpy(ip + 24, shot->target.bytes, 16);
	sum = checksum_pseudo_ip6(ip + 8, ip + 24, IPPROTO_TCP, SYN_LEN);
	write_segment(shot, MSS6, WINDOW6, sum, ip + IP6_HEADER_LEN);
	return IP6_HEADER_LEN + SYN_LEN;
}

static size_t syn_write(const struct probe_shot *shot, uint8_t *buf, size_t cap)
{
	return shot->target.family == AF_INET ? write4(shot, buf, cap) : write6(shot, buf, cap);
}

/* Up to the transport header. Return: IPPROTO_*, -1 for what cannot be an answer. */
static int read_ip4(struct cursor *c, struct addr *ret_from)
{
	size_t header_len = (size_t)(cursor_u8(c) & 0xf) * 4, total_len;
	uint16_t fragment;
	uint8_t protocol;
	const uint8_t *from;

	cursor_skip(c, 1);
	total_len = cursor_be16(c);
	cursor_skip(c, 2);
	fragment = cursor_be16(c);
	cursor_skip(c, 1);
	protocol = cursor_u8(c);
	cursor_skip(c, 2);
	from = cursor_bytes(c, 4);
	cursor_skip(c, 4);
	if (!from || c->err || header_len < IP4_HEADER_LEN || total_len < header_len ||
	    fragment & FRAGMENT_OFFSET)
		return -1;
	*ret_from = addr_ip4(from);
	cursor_skip(c, header_len - IP4_HEADER_LEN);
	*c = cursor_sub(c, MIN(total_len - header_len, cursor_left(c)));
	return c->err ? -1 : protocol;
}

/* Extension headers (RFC 8200 section 4, RFC 4302). Return: what follows them, or -1. */
static int skip_extensions(struct cursor *c, uint8_t next)
{
	for (unsigned i = 0; i < MAX_EXTENSIONS; i++) {
		uint8_t this = next, len;

		if (this != IPPROTO_HOPOPTS && this != IPPROTO_ROUTING &&
		    this != IPPROTO_FRAGMENT && this != IPPROTO_DSTOPTS && this != IPPROTO_AH)
			return this;
		next = cursor_u8(c);
		len = cursor_u8(c);
		if (this == IPPROTO_FRAGMENT) {
			if (cursor_be16(c) & 0xfff8)
				return -1;
			cursor_skip(c, 4);
		} else {
			cursor_skip(c, this == IPPROTO_AH ? len * 4u + 6 : len * 8u + 6);
		}
		if (c->err)
			return -1;
	}
	return -1;
}

static int read_ip6(struct cursor *c, struct addr *ret_from)
{
	const uint8_t *from;
	size_t payload_len;
	uint8_t next;

	cursor_skip(c, 4);
	payload_len = cursor_be16(c);
	next = cursor_u8(c);
	cursor_skip(c, 1);
	from = cursor_bytes(c, 16);
	cursor_skip(c, 16);
	if (!from || c->err)
		return -1;
	*ret_from = addr_ip6(from);
	*c = cursor_sub(c, MIN(payload_len, cursor_left(c)));
	return skip_extensions(c, next);
}

static int read_segment(struct cursor *c, struct probe_answer *answer)
{
	uint8_t flags;

	answer->port = cursor_be16(c);
	answer->source_port = cursor_be16(c);
	cursor_skip(c, 4);
	answer->cookie = cursor_be32(c) - 1;
	cursor_skip(c, 1);
	flags = cursor_u8(c) &
		(TCP_FLAG_SYN | TCP_FLAG_ACK | TCP_FLAG_RST | TCP_FLAG_FIN | TCP_FLAG_URG);
	cursor_skip(c, 6);
	if (c->err ||
	    (flags != (TCP_FLAG_SYN | TCP_FLAG_ACK) && flags != (TCP_FLAG_RST | TCP_FLAG_ACK)))
		return 0;
	answer->kind = PROBE_REPLY;
	answer->error = flags & TCP_FLAG_RST ? ECONNREFUSED : 0;
	answer->target = answer->responder;
	return 1;
}

static int read_error(int family, struct cursor *c, struct probe_answer *answer)
{
	struct quote quote;

	if (!quote_read(family, c, &quote) || quote.protocol != IPPROTO_TCP)
		return 0;
	answer->source_port = cursor_be16(c);
	answer->port = cursor_be16(c);
	answer->cookie = cursor_be32(c);
	answer->kind = quote.kind;
	answer->icmp_type = quote.type;
	answer->icmp_code = quote.code;
	answer->mtu = quote.mtu;
	answer->labels = quote.labels;
	answer->target = quote.target;
	return !c->err;
}

static int syn_read(const struct probe_packet *packet, struct probe_answer *ret_answer)
{
	struct cursor c = cursor_of(packet->data, packet->len);
	struct probe_answer a = { .match = PROBE_BY_COOKIE };
	int version = packet->len ? *c.at >> 4 : 0, protocol;
	bool answers = false;

	if (version != 4 && version != 6)
		return 0;
	protocol = version == 4 ? read_ip4(&c, &a.responder) : read_ip6(&c, &a.responder);
	if (protocol == IPPROTO_TCP)
		answers = read_segment(&c, &a);
	else if (protocol == (version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		answers = read_error(version == 4 ? AF_INET : AF_INET6, &c, &a);
	if (!answers)
		return 0;
	*ret_answer = a;
	return 1;
}

static bool syn_applies(const struct addr *target, const struct probe_link *link)
{
	return !addr_is_multicast(target) && (!link || link->source.family == target->family);
}

const struct probe_module probe_syn = {
	.name = "syn",
	.via = PROBE_VIA_IP,
	.applies = syn_applies,
	.write = syn_write,
	.read = syn_read,
};
