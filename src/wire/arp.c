/*
 * ARP (RFC 826; probes and announcements RFC 5227). The header says how long the addresses after it
 * are; for Ethernet and IPv4 they have rows of their own, others are given as bytes.
 */
#include "wire/arp.h"

#include "wire/numbers.h"
#include "wire/packet.h"

static const struct value_name hardware_names[] = {
	{ 1, "Ethernet" }, { 6, "IEEE 802" },	    { 7, "ARCNET" }, { 15, "Frame Relay" },
	{ 16, "ATM" },	   { 18, "Fibre Channel" }, { 19, "ATM" },   { 24, "IEEE 1394" },
	{ 27, "EUI-64" },  { 32, "InfiniBand" },    { 0 },
};

static const struct value_name opcode_names[] = {
	{ ARP_OP_REQUEST, "request" },
	{ ARP_OP_REPLY, "reply" },
	{ 3, "reverse request" },
	{ 4, "reverse reply" },
	{ 5, "DRARP request" },
	{ 6, "DRARP reply" },
	{ 7, "DRARP error" },
	{ 8, "inverse request" },
	{ 9, "inverse reply" },
	{ 10, "NAK" },
	{ 0 },
};

static const struct field fields[] = {
	{ AS_UINT("arp.hw.type", BYTE(0), 16), .title = "Hardware type", .preset = 1,
	  .about = "The kind of link", .values = hardware_names },
	{ AS_HEX("arp.proto.type", BYTE(2), 16, 4), .title = "Protocol type",
	  .preset = ETH_TYPE_IP4, .about = "The protocol whose addresses are resolved",
	  .values = ethertype_names },
	{ AS_UINT("arp.hw.size", BYTE(4), 8), .title = "Hardware size", .label = "Hardware size",
	  .preset = 6, .about = "Bytes of a link address" },
	{ AS_UINT("arp.proto.size", BYTE(5), 8), .title = "Protocol size", .label = "Protocol size",
	  .preset = 4, .about = "Bytes of a protocol address" },
	{ AS_UINT("arp.opcode", BYTE(6), 16), .title = "Operation", .preset = ARP_OP_REQUEST,
	  .values = opcode_names },
};

static const struct field fields_eth_ip4[] = {
	{ AS_MAC("arp.src.hw_mac", BYTE(8)), .title = "Sender MAC address" },
	{ AS_IP4("arp.src.proto_ipv4", BYTE(14)), .title = "Sender IP address",
	  .about = "0.0.0.0 in a probe (RFC 5227)" },
	{ AS_MAC("arp.dst.hw_mac", BYTE(18)), .title = "Target MAC address",
	  .about = "Not known yet in a request: zero" },
	{ AS_IP4("arp.dst.proto_ipv4", BYTE(24)), .title = "Target IP address",
	  .about = "Whose MAC address is wanted" },
};

static const struct block bodies[] = {
	{ .name = "ethernet",
	  .title = "Ethernet and IPv4",
	  .rfc = "RFC 826",
	  ROWS(fields_eth_ip4),
	  .min_len = ARP_ETH_IP4_LEN,
	  .code = 1 },
};

/* Any other lengths: sender and target, link and protocol address. */
static const struct field other[] = {
	{ AS_BYTES("arp.src.hw", 0, 0), .title = "Sender hardware address" },
	{ AS_BYTES("arp.src.proto", 0, 0), .title = "Sender protocol address" },
	{ AS_BYTES("arp.dst.hw", 0, 0), .title = "Target hardware address" },
	{ AS_BYTES("arp.dst.proto", 0, 0), .title = "Target protocol address" },
};

static bool is_eth_ip4(const uint8_t *header)
{
	return load_be16(header) == 1 && load_be16(header + 2) == ETH_TYPE_IP4 && header[4] == 6 &&
	       header[5] == 4;
}

static const struct block *arp_body(const uint8_t *header, size_t len)
{
	return len >= 8 && is_eth_ip4(header) ? bodies : NULL;
}

static uint8_t arp_step(struct packet *p, struct layer *l, uint8_t next)
{
	const uint8_t *header = p->bytes + l->off;
	uint32_t len = 8 + 2u * (header[4] + header[5]);

	(void)next;
	if (len > p->end - l->off)
		return packet_fails(p, l, -E_MALFORMED, l->off + 4);
	p->end = l->off + len;
	if (len > p->have - l->off) {
		l->header_len = p->have - l->off;
		l->flags |= LAYER_CUT;
		return packet_fails(p, l, -E_TRUNCATED, p->have);
	}
	l->header_len = len;
	p->have = MIN(p->have, p->end);
	return PROTOCOL_NONE;
}

static void arp_walk(struct walk *w)
{
	const uint8_t *header = w->packet->bytes + w->layer->off;

	if (is_eth_ip4(header)) {
		walk_rows(w, fields_eth_ip4, ARRAY_LEN(fields_eth_ip4), w->layer->off, w->end, 0);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(other); i++) {
		uint8_t len = header[4 + i % 2];
		bool usual = i % 2 ? load_be16(header + 2) == ETH_TYPE_IP4 && len == 4
				   : load_be16(header) == 1 && len == 6;

		if (len && !walk_field(w, usual ? &fields_eth_ip4[i] : &other[i], w->at, len, 0))
			return;
		w->at += len;
	}
}

static void arp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *a = p->bytes + l->off;
	bool same;

	buf_lit(b, "ARP");
	if (l->header_len < ARP_ETH_IP4_LEN || !is_eth_ip4(a)) {
		if (l->header_len >= 8)
			buf_printf(b, " operation %u, hardware type %u, protocol 0x%04x",
				   load_be16(a + 6), load_be16(a), load_be16(a + 2));
		return;
	}
	same = !memcmp(a + 14, a + 24, 4);
	switch (load_be16(a + 6)) {
	case ARP_OP_REQUEST:
		if (same) {
			buf_lit(b, " announcement: ");
			buf_ip4(b, a + 14);
			buf_lit(b, " is at ");
			buf_mac(b, a + 8);
			return;
		}
		buf_lit(b, " who has ");
		buf_ip4(b, a + 24);
		if (!load_be32(a + 14)) {
			buf_lit(b, "? probe by ");
			buf_mac(b, a + 8);
			return;
		}
		buf_lit(b, "? tell ");
		buf_ip4(b, a + 14);
		buf_lit(b, " at ");
		buf_mac(b, a + 8);
		return;
	case ARP_OP_REPLY:
		buf_lit(b, " ");
		buf_ip4(b, a + 14);
		buf_lit(b, " is at ");
		buf_mac(b, a + 8);
		if (same)
			buf_lit(b, " (gratuitous)");
		return;
	default:
		buf_printf(b, " %s ",
			   field_value_name(&fields[4], load_be16(a + 6)) ?: "operation unknown");
		buf_ip4(b, a + 14);
		buf_lit(b, " > ");
		buf_ip4(b, a + 24);
	}
}

const struct protocol protocol_arp = {
	PROTOCOL_NAME("arp"),
	.short_name = "ARP",
	.title = "Address Resolution Protocol",
	.rfc = "RFC 826",
	.about = "Asks everybody on the link which MAC address has an IPv4 address, and answers.",
	ROWS(fields),
	.min_len = 8,
	.select = fields,
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.body = arp_body,
	.step = arp_step,
	.walk = arp_walk,
	.more_rows = &(const struct rows){ other, ARRAY_LEN(other) },
	.n_more_rows = 1,
	.line = arp_line,
};
