/*
 * ARP requests, broadcast, and their replies (RFC 826; RFC 5227 for the sender address 0.0.0.0 when
 * only asking whether somebody uses an address). There is no room for a mark: an answer is known by
 * the address alone, and only from the link itself.
 */
#include "probe/arp.h"

#include "base/cursor.h"
#include "probe/module.h"
#include "wire/numbers.h"

#define ARP_HARDWARE_ETHERNET 1
#define ARP_FRAME_LEN	      (ETH_HEADER_LEN + ARP_ETH_IP4_LEN)

int arp_parse(const void *frame, size_t len, struct arp_packet *ret_arp)
{
	struct cursor c = cursor_of(frame, len);
	struct arp_packet arp = { 0 };
	const uint8_t *p;

	cursor_skip(&c, 12);
	if (cursor_be16(&c) != ETH_TYPE_ARP || cursor_be16(&c) != ARP_HARDWARE_ETHERNET ||
	    cursor_be16(&c) != ETH_TYPE_IP4 || cursor_u8(&c) != 6 || cursor_u8(&c) != 4)
		return c.err ? c.err : -E_MALFORMED;
	arp.op = cursor_be16(&c);
	p = cursor_bytes(&c, 20);
	if (!p)
		return c.err;
	memcpy(arp.sender_mac.bytes, p, 6);
	arp.sender = addr_ip4(p + 6);
	memcpy(arp.target_mac.bytes, p + 10, 6);
	arp.target = addr_ip4(p + 16);
	*ret_arp = arp;
	return 0;
}

static bool arp_applies(const struct addr *target, const struct probe_link *link)
{
	return target->family == AF_INET && link && link->on_link && !link->self &&
	       !mac_is_zero(&link->mac);
}

static size_t arp_write(const struct probe_shot *shot, uint8_t *buf, size_t cap)
{
	static const struct addr none;
	const struct addr *source = shot->no_source ? &none : &shot->link->source;

	if (cap < ARP_FRAME_LEN)
		return 0;
	memset(buf, 0xff, 6);
	memcpy(buf + 6, shot->link->mac.bytes, 6);
	store_be16(buf + 12, ETH_TYPE_ARP);
	store_be16(buf + 14, ARP_HARDWARE_ETHERNET);
	store_be16(buf + 16, ETH_TYPE_IP4);
	buf[18] = 6;
	buf[19] = 4;
	store_be16(buf + 20, ARP_OP_REQUEST);
	memcpy(buf + 22, shot->link->mac.bytes, 6);
	memcpy(buf + 28, source->bytes, 4);
	memset(buf + 32, 0, 6);
	memcpy(buf + 38, shot->target.bytes, 4);
	return ARP_FRAME_LEN;
}

static int arp_read(const struct probe_packet *packet, struct probe_answer *ret_answer)
{
	struct arp_packet arp;

	if (arp_parse(packet->data, packet->len, &arp) || arp.op != ARP_OP_REPLY ||
	    mac_is_zero(&arp.sender_mac))
		return 0;
	*ret_answer = (struct probe_answer){
		.kind = PROBE_REPLY,
		.match = PROBE_BY_TARGET,
		.target = arp.sender,
		.responder = arp.sender,
		.mac = arp.sender_mac,
	};
	return 1;
}

const struct probe_module probe_arp = {
	.name = "arp",
	.via = PROBE_VIA_LINK,
	.applies = arp_applies,
	.write = arp_write,
	.read = arp_read,
};
