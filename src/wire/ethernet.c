/*
 * Ethernet (IEEE 802.3 section 3.1.1). The same two bytes are a type (Ethernet II, 1536 and more)
 * or the length of what follows (802.3, then an LLC header). A frame shorter than 60 bytes is
 * padded by the sender, so what the inner protocol leaves over belongs to this layer again.
 */
#include "wire/ethernet.h"

#include "wire/numbers.h"

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
	{ 0x9100, "802.1Q VLAN, old number of QinQ" },
	{ 0 },
};

/* One a line: */
/* clang-format off */
static const struct demux_row by_type[] = {
	{ ETH_TYPE_IP4, PROTOCOL_IPV4 },
	{ ETH_TYPE_IP6, PROTOCOL_IPV6 },
	{ ETH_TYPE_ARP, PROTOCOL_ARP },
	{ ETH_TYPE_VLAN, PROTOCOL_VLAN },
	{ 0x88a8, PROTOCOL_8021AD },
	{ 0x8863, PROTOCOL_PPPOED },
	{ 0x8864, PROTOCOL_PPPOES },
	{ 0x88cc, PROTOCOL_LLDP },
	{ 0x9100, PROTOCOL_VLAN },
};
/* clang-format on */
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

uint8_t ethernet_step_type(struct packet *p, struct layer *l, uint32_t off, uint8_t next)
{
	uint16_t len = load_be16(p->bytes + off);

	if (len >= ETH_TYPE_MIN)
		return next;
	if (len > p->end - l->off - l->header_len)
		return packet_fails(p, l, -E_MALFORMED, off);
	p->end = l->off + l->header_len + len;
	p->have = MIN(p->have, p->end);
	return PROTOCOL_LLC;
}

static uint8_t ethernet_step(struct packet *p, struct layer *l, uint8_t next)
{
	return ethernet_step_type(p, l, l->off + 12, next);
}

static const struct field field_trailer = {
	AS_BYTES("eth.trailer", 0, 0),
	.title = "Trailer",
	.about = "What the inner protocol does not use",
};
const struct field ethernet_padding = {
	AS_BYTES("eth.padding", 0, 0),
	.title = "Padding",
	.about = "Zeros that fill the frame up to 60 bytes",
};
static const struct field field_check_sequence = {
	AS_HEX("eth.fcs", 0, 32, 8),
	.title = "Frame check sequence",
	.about =
		"The last 4 bytes of a frame that is longer than it has to be: most likely its CRC",
};

/* The frame's least length without its check sequence, which has 4 bytes. */
#define FRAME_MIN 60
#define CHECK_LEN 4

static bool all_zero(const uint8_t *bytes, uint32_t len)
{
	while (len && !bytes[len - 1])
		len--;
	return !len;
}

void ethernet_walk_trailer(struct walk *w, const struct field *trailer,
			   const struct field *check_sequence)
{
	const struct packet *p = w->packet;
	const struct layer *in = w->layer + 1;
	const struct layer *out = w->layer - (w->layer > p->layers);
	uint32_t end = out == w->layer ? p->wire_len
				       : out->off + out->header_len + out->payload_len;
	uint32_t off, least = p->layers[0].off + FRAME_MIN;

	if (in == p->layers + p->n_layers || in->flags & (LAYER_TRUNCATED | LAYER_MALFORMED) ||
	    in->proto == PROTOCOL_VLAN || in->proto == PROTOCOL_8021AD)
		return;
	off = in->off + in->header_len + in->payload_len;
	end = MIN(end, p->cap_len);
	if (off >= end)
		return;
	w->end = end;
	if (off < least && end >= least && all_zero(p->bytes + off, least - off)) {
		walk_field(w, &ethernet_padding, off, least - off, 0);
		off = least;
	}
	if (check_sequence && end >= least + CHECK_LEN && end - off >= CHECK_LEN)
		end -= CHECK_LEN;
	else
		check_sequence = NULL;
	if (off < end)
		walk_field(w, trailer, off, end - off, 0);
	if (check_sequence)
		walk_field(w, check_sequence, end, CHECK_LEN, 0);
}

static void ethernet_walk(struct walk *w)
{
	const uint8_t *header = w->packet->bytes + w->layer->off;
	const struct block *body = ethernet_body(header, w->layer->header_len);

	if (body && walk_rows(w, body->fields, body->n_fields, w->layer->off, w->end, 0))
		ethernet_walk_trailer(w, &field_trailer, &field_check_sequence);
}

void ethernet_line_type(struct buf *b, uint16_t type)
{
	const char *name;

	if (type < ETH_TYPE_MIN)
		return;
	name = field_value_name(&fields_type[0], type);
	buf_lit(b, " 0x");
	buf_hex_u64(b, type, 4);
	if (name) {
		buf_char(b, ' ');
		buf_str(b, name);
	}
}

/* Addresses of the frame where no protocol inside has addresses of its own. */
static void ethernet_line(struct buf *b, const struct packet *p, size_t layer)
{
	const uint64_t addressed = 1ULL << PROTOCOL_ARP | 1ULL << PROTOCOL_IPV4 |
				   1ULL << PROTOCOL_IPV6;
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;

	if (p->seen & addressed)
		return;
	if (l->header_len < ETH_HEADER_LEN) {
		buf_lit(b, "Ethernet");
		return;
	}
	buf_mac(b, header + 6);
	buf_lit(b, " > ");
	buf_mac(b, header);
	if (layer + 1 == p->n_layers || l[1].proto == PROTOCOL_DATA)
		ethernet_line_type(b, load_be16(header + 12));
	else
		buf_char(b, ' ');
}

static const struct rows rows[] = {
	{ &ethernet_padding, 1 },
	{ &field_trailer, 1 },
	{ &field_check_sequence, 1 },
};

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
	.bodies_fit = true,
	.body = ethernet_body,
	.more_rows = rows,
	.n_more_rows = ARRAY_LEN(rows),
	.step = ethernet_step,
	.walk = ethernet_walk,
	.line = ethernet_line,
};
