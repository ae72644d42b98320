/*
 * Ethernet, then IPv4 without options (RFC 791) or IPv6 (RFC 8200), whole and in one piece, then
 * TCP (RFC 9293) or UDP (RFC 768) with a whole header: what the tables in wire/packet.c find in
 * such a packet stands here once more, as code. Whatever is cut, fragmented, optional or wrong is
 * left to the tables, so that this says nothing that they do not say. What comes behind the ports
 * is theirs anyway.
 */
#include "wire/packet_usual.h"

#include <netinet/in.h>

#include "wire/numbers.h"

static struct layer *add(struct packet *p, uint8_t proto, uint32_t off, uint32_t header_len)
{
	struct layer *l = &p->layers[p->n_layers++];

	*l = (struct layer){
		.proto = proto,
		.flags = p->side,
		.off = off,
		.header_len = header_len,
		.payload_len = p->end - off - header_len,
	};
	p->seen |= 1ULL << proto;
	return l;
}

/* The header of IPv4 or IPv6 behind that of Ethernet. Returns its length, 0 when it is unusual. */
static uint32_t ip_len(const uint8_t *eth, uint32_t have, uint8_t *ret_proto, uint8_t *ret_next,
		       uint32_t *ret_total)
{
	const uint8_t *ip = eth + ETH_HEADER_LEN;

	if (have < ETH_HEADER_LEN + IP4_HEADER_LEN)
		return 0;
	if (load_be16(eth + 12) == ETH_TYPE_IP4 && ip[0] == 0x45 && !(load_be16(ip + 6) & 0x3fff)) {
		*ret_proto = PROTOCOL_IPV4;
		*ret_next = ip[9];
		*ret_total = load_be16(ip + 2);
		return IP4_HEADER_LEN;
	}
	if (load_be16(eth + 12) == ETH_TYPE_IP6 && ip[0] >> 4 == 6) {
		*ret_proto = PROTOCOL_IPV6;
		*ret_next = ip[6];
		*ret_total = IP6_HEADER_LEN + load_be16(ip + 4);
		return IP6_HEADER_LEN;
	}
	return 0;
}

/* Of TCP or UDP at @off; 0: what is there is not a whole header. */
static uint32_t transport_len(const struct packet *p, uint8_t next, uint32_t off)
{
	uint32_t left = p->end - off, len;

	if (next == IPPROTO_UDP)
		return left >= UDP_HEADER_LEN ? UDP_HEADER_LEN : 0;
	if (left < TCP_HEADER_LEN)
		return 0;
	len = (p->bytes[off + 12] >> 4) * 4u;
	return len >= TCP_HEADER_LEN && len <= left ? len : 0;
}

uint8_t packet_usual(struct packet *p, uint32_t *ret_off)
{
	uint32_t ip, total, off, len;
	uint8_t proto, id, next;
	struct layer *l;

	*ret_off = 0;
	ip = ip_len(p->bytes, p->have, &proto, &next, &total);
	if (!ip || total <= ip || total > p->have - ETH_HEADER_LEN ||
	    (next != IPPROTO_TCP && next != IPPROTO_UDP))
		return PROTOCOL_ETHERNET;
	add(p, PROTOCOL_ETHERNET, 0, ETH_HEADER_LEN);
	p->end = p->have = ETH_HEADER_LEN + total;
	add(p, proto, ETH_HEADER_LEN, ip);

	off = *ret_off = ETH_HEADER_LEN + ip;
	id = next == IPPROTO_TCP ? PROTOCOL_TCP : PROTOCOL_UDP;
	len = transport_len(p, next, off);
	if (!len)
		return id;
	l = add(p, id, off, len);
	*ret_off = off + len;
	id = protocols[id]->step(p, l, PROTOCOL_DATA);
	l->payload_len = p->end - MIN(off + len, p->end);
	return l->payload_len ? id : PROTOCOL_NONE;
}
