/*
 * Neighbour solicitation and advertisement (RFC 4861 sections 4.3, 4.4, 7.1.2 and 7.2.2): what ARP
 * is to IPv4. Frames are whole, checksum included. An advertisement is known by its target address;
 * a hop limit other than 255 means that it came from beyond the link and is not believed.
 */
#include "base/cursor.h"
#include "probe/module.h"
#include "wire/checksum.h"
#include "wire/numbers.h"

#define ND_LEN	      24 /* ICMPv6 header and target address */
#define ND_OPTION_LEN 8
#define ND_HOP_LIMIT  255
#define SOLICIT_LEN   (ND_LEN + ND_OPTION_LEN)
#define NS_FRAME_LEN  (ETH_HEADER_LEN + IP6_HEADER_LEN + SOLICIT_LEN)

static bool ns_applies(const struct addr *target, const struct probe_link *link)
{
	return target->family == AF_INET6 && !addr_is_multicast(target) && link && link->on_link &&
	       !link->self && !mac_is_zero(&link->mac);
}

/* ff02::1:ffXX:XXXX (RFC 4291 section 2.7.1), and its Ethernet address (RFC 2464 section 7). */
static void solicited_node(const struct addr *target, uint8_t group[static 16],
			   uint8_t mac[static 6])
{
	static const uint8_t prefix[13] = { 0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff };

	memcpy(group, prefix, sizeof(prefix));
	memcpy(group + 13, target->bytes + 13, 3);
	mac[0] = mac[1] = 0x33;
	memcpy(mac + 2, group + 12, 4);
}

static size_t ns_write(const struct probe_shot *shot, uint8_t *buf, size_t cap)
{
	uint8_t *ip = buf + ETH_HEADER_LEN, *icmp = ip + IP6_HEADER_LEN;
	uint64_t sum;

	if (cap < NS_FRAME_LEN)
		return 0;
	memset(buf, 0, NS_FRAME_LEN);
	ip[0] = 0x60;
	store_be16(ip + 4, SOLICIT_LEN);
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = ND_HOP_LIMIT;
	memcpy(ip + 8, shot->link->source.bytes, 16);
	solicited_node(&shot->target, ip + 24, buf);
	memcpy(buf + 6, shot->link->mac.bytes, 6);
	store_be16(buf + 12, ETH_TYPE_IP6);
	icmp[0] = ICMP6_TYPE_NEIGHBOUR_SOLICIT;
	memcpy(icmp + 8, shot->target.bytes, 16);
	icmp[ND_LEN] = ND_OPTION_SOURCE_LINK;
	icmp[ND_LEN + 1] = 1; /* in units of 8 bytes */
	memcpy(icmp + ND_LEN + 2, shot->link->mac.bytes, 6);
	sum = checksum_pseudo_ip6(ip + 8, ip + 24, IPPROTO_ICMPV6, SOLICIT_LEN);
	store_be16(icmp + 2, checksum_finish(checksum_add(sum, icmp, SOLICIT_LEN)));
	return NS_FRAME_LEN;
}

/* The target link-layer address among the options; without one, @mac stays. */
static void read_options(struct cursor *c, struct mac *mac)
{
	while (!c->err && cursor_left(c)) {
		uint8_t type = cursor_u8(c);
		size_t len = (size_t)cursor_u8(c) * 8;
		const uint8_t *value;

		/* RFC 4861 section 4.6: such a packet is to be discarded. */
		if (!len) {
			cursor_fail(c, -E_MALFORMED);
			return;
		}
		value = cursor_bytes(c, len - 2);
		if (value && type == ND_OPTION_TARGET_LINK && len == ND_OPTION_LEN)
			memcpy(mac->bytes, value, 6);
	}
}

static int ns_read(const struct probe_packet *packet, struct probe_answer *ret_answer)
{
	struct cursor c = cursor_of(packet->data, packet->len), body;
	struct probe_answer a = { .kind = PROBE_REPLY, .match = PROBE_BY_TARGET };
	const uint8_t *eth = cursor_bytes(&c, ETH_HEADER_LEN);
	const uint8_t *ip = cursor_bytes(&c, IP6_HEADER_LEN), *nd;
	size_t len;

	if (!eth || !ip || load_be16(eth + 12) != ETH_TYPE_IP6 || ip[0] >> 4 != 6 ||
	    ip[6] != IPPROTO_ICMPV6 || ip[7] != ND_HOP_LIMIT)
		return 0;
	len = load_be16(ip + 4);
	body = cursor_sub(&c, len);
	nd = body.at;
	if (body.err || len < ND_LEN || nd[0] != ICMP6_TYPE_NEIGHBOUR_ADVERT || nd[1] ||
	    checksum_finish(checksum_add(
		    checksum_pseudo_ip6(ip + 8, ip + 24, IPPROTO_ICMPV6, (uint32_t)len), nd, len)))
		return 0;
	a.target = addr_ip6(nd + 8);
	a.responder = addr_ip6(ip + 8);
	memcpy(a.mac.bytes, eth + 6, 6);
	cursor_skip(&body, ND_LEN);
	read_options(&body, &a.mac);
	if (body.err)
		return 0;
	*ret_answer = a;
	return 1;
}

const struct probe_module probe_ns = {
	.name = "ns",
	.via = PROBE_VIA_LINK,
	.applies = ns_applies,
	.write = ns_write,
	.read = ns_read,
};
