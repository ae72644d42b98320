/*
 * Ethernet (IEEE 802.3 section 3.1.1). The same two bytes are a type (Ethernet II, 1536 and more)
 * or the length of what follows (802.3, then an LLC header). A frame shorter than 60 bytes is
 * padded by the sender, so what the inner protocol leaves over belongs to this layer again.
 */
#include "wire/ethernet.h"

#include "wire/numbers.h"
#include "wire/packet.h"

const struct value_name ethertype_names[] = {
	{ ETH_TYPE_IP4, "IPv4" },
	{ ETH_TYPE_IP6, "IPv6" },
	{ ETH_TYPE_ARP, "ARP" },
	{ 0x0842, "Wake-on-LAN" },
	{ 0x22f0, "AVTP" },
	{ 0x22f3, "TRILL" },
	{ 0x6003, "DECnet" },
	{ 0x6558, "Transparent Ethernet bridging" },
	{ 0x8035, "RARP" },
	{ 0x809b, "AppleTalk" },
	{ 0x80f3, "AppleTalk ARP" },
	{ ETH_TYPE_VLAN, "802.1Q VLAN" },
	{ 0x8137, "IPX" },
	{ 0x8808, "Ethernet flow control" },
	{ 0x8809, "Slow protocols (LACP)" },
	{ 0x8847, "MPLS" },
	{ 0x8848, "MPLS multicast" },
	{ 0x8863, "PPPoE discovery" },
	{ 0x8864, "PPPoE session" },
	{ 0x887b, "HomePlug" },
	{ 0x888e, "802.1X authentication" },
	{ 0x8892, "PROFINET" },
	{ 0x88a2, "ATA over Ethernet" },
	{ 0x88a4, "EtherCAT" },
	{ 0x88a8, "802.1ad QinQ" },
	{ 0x88b5, "Local experiment 1" },
	{ 0x88b6, "Local experiment 2" },
	{ 0x88cc, "LLDP" },
	{ 0x88e1, "HomePlug AV" },
	{ 0x88e5, "MACsec" },
	{ 0x88e7, "Provider backbone bridge" },
	{ 0x88f7, "PTP" },
	{ 0x8902, "802.1ag connectivity fault management" },
	{ 0x8906, "FCoE" },
	{ 0x8914, "FCoE initialization" },
	{ 0x8915, "RoCE" },
	{ 0x893f, "802.1BR E-tag" },
	{ 0x894f, "Network service header" },
	{ 0x9000, "Loopback test" },
	{ 0 },
};

static const struct demux_row by_type[] = {
	{ ETH_TYPE_IP4, PROTOCOL_IPV4 },
	{ ETH_TYPE_IP6, PROTOCOL_IPV6 },
	{ ETH_TYPE_ARP, PROTOCOL_ARP },
};
const struct demux demux_ethertype = { by_type, ARRAY_LEN(by_type) };

#define GROUP_BIT "1: a group of stations (multicast, broadcast), 0: one station"
#define LOCAL_BIT "1: assigned locally, 0: globally unique, assigned by the maker"

static const struct field fields[] = {
	{ AS_MAC("eth.dst", BYTE(0)), .title = "Destination",
	  .about = "Who shall receive the frame" },
	{ AS_FLAG("eth.dst.lg", 6), .depth = 1, .title = "Locally administered",
	  .about = LOCAL_BIT },
	{ AS_FLAG("eth.dst.ig", 7), .depth = 1, .title = "Group address", .about = GROUP_BIT },
	{ AS_MAC("eth.src", BYTE(6)), .title = "Source", .about = "Who sent the frame" },
	{ AS_FLAG("eth.src.lg", BYTE(6) + 6), .depth = 1, .title = "Locally administered",
	  .about = LOCAL_BIT },
	{ AS_FLAG("eth.src.ig", BYTE(6) + 7), .depth = 1, .title = "Group address",
	  .about = GROUP_BIT },
};

static const struct field fields_type[] = {
	{ AS_HEX("eth.type", BYTE(12), 16, 4), .title = "Type", .preset = 0x88b5,
	  .about = "The protocol that the frame carries; 0x0600 and more",
	  .values = ethertype_names },
};

static const struct field fields_len[] = {
	{ AS_UINT("eth.len", BYTE(12), 16), .title = "Length",
	  .about = "Bytes that follow, without padding; less than 0x0600, and LLC follows" },
};

static const struct block bodies[] = {
	{ .name = "type",
	  .title = "Ethernet II",
	  .rfc = "RFC 894",
	  ROWS(fields_type),
	  .min_len = ETH_HEADER_LEN,
	  .code = ETH_TYPE_MIN },
	{ .name = "length",
	  .title = "IEEE 802.3",
	  .rfc = "IEEE 802.3 section 3.2.6",
	  ROWS(fields_len),
	  .carries = PROTOCOL_LLC,
	  .min_len = ETH_HEADER_LEN },
};

static const struct block *ethernet_body(const uint8_t *header, size_t len)
{
	if (len < ETH_HEADER_LEN)
		return NULL;
	return load_be16(header + 12) < ETH_TYPE_MIN ? &bodies[1] : &bodies[0];
}

static uint8_t ethernet_step(struct packet *p, struct layer *l, uint8_t next)
{
	uint16_t len = load_be16(p->bytes + l->off + 12);

	if (len >= ETH_TYPE_MIN)
		return next;
	if (len > p->end - l->off - l->header_len)
		return packet_fails(p, l, -E_MALFORMED, l->off + 12);
	p->end = l->off + l->header_len + len;
	p->have = MIN(p->have, p->end);
	return PROTOCOL_LLC;
}

static const struct field field_trailer = {
	AS_BYTES("eth.trailer", 0, 0),
	.title = "Trailer",
	.about = "What the inner protocol does not use: padding to 60 bytes, or a check sequence",
};
static const struct field field_padding = {
	AS_BYTES("eth.padding", 0, 0),
	.title = "Padding",
	.about = "Zeros that fill the frame up to 60 bytes",
};

/* The frame's least length without its check sequence. */
#define FRAME_MIN 60

/* Emits what is left behind the inner protocol. */
static void walk_trailer(struct walk *w)
{
	const struct packet *p = w->packet;
	const struct layer *in = w->layer + 1;
	uint32_t off,
		end = MIN(w->layer->off + w->layer->header_len + w->layer->payload_len, p->cap_len);
	uint32_t pad;

	if (in == p->layers + p->n_layers || in->flags & (LAYER_TRUNCATED | LAYER_MALFORMED))
		return;
	off = in->off + in->header_len + in->payload_len;
	if (off >= end)
		return;
	w->end = end;
	pad = end <= w->layer->off + FRAME_MIN ? end - off : 0;
	for (uint32_t i = 0; i < pad; i++)
		if (p->bytes[off + i])
			pad = 0;
	walk_field(w, pad ? &field_padding : &field_trailer, off, end - off, 0);
}

static void ethernet_walk(struct walk *w)
{
	const uint8_t *header = w->packet->bytes + w->layer->off;
	const struct block *body = ethernet_body(header, w->layer->header_len);

	if (body && walk_rows(w, body->fields, body->n_fields, w->layer->off, w->end, 0))
		walk_trailer(w);
}

static void ethernet_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;
	bool last = layer + 1 == p->n_layers;
	const char *name;

	if (!last && l[1].proto != PROTOCOL_DATA && l[1].proto != PROTOCOL_LLC)
		return;
	if (l->header_len < ETH_HEADER_LEN) {
		buf_lit(b, "Ethernet");
		return;
	}
	buf_mac(b, header + 6);
	buf_lit(b, " > ");
	buf_mac(b, header);
	if (load_be16(header + 12) < ETH_TYPE_MIN)
		return;
	name = field_value_name(&fields_type[0], load_be16(header + 12));
	buf_lit(b, " 0x");
	buf_hex_u64(b, load_be16(header + 12), 4);
	if (name) {
		buf_char(b, ' ');
		buf_str(b, name);
	}
}

const struct protocol protocol_ethernet = {
	PROTOCOL_NAME("eth"),
	.short_name = "Ethernet",
	.title = "Ethernet",
	.rfc = "IEEE 802.3, RFC 894",
	.about = "The frame of local networks: who sends to whom on this link, and what is inside.",
	ROWS(fields),
	.min_len = ETH_HEADER_LEN,
	.select = fields_type,
	.total_len = fields_len,
	.total_add = ETH_HEADER_LEN,
	.step_measures = true,
	.next = fields_type,
	.demux = &demux_ethertype,
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.body = ethernet_body,
	.step = ethernet_step,
	.walk = ethernet_walk,
	.line = ethernet_line,
};
