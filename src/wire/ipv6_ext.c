/*
 * IPv6 extension headers (RFC 8200 section 4; segment routing RFC 8754, mobility RFC 6275). Each is
 * a layer: next header, its own length in units of 8 bytes without the first 8, then options or a
 * body.
 */
#include "wire/ipv6.h"

#include <netinet/in.h>

#include "wire/ip.h"

#define NEXT_ROW(n)                                                                                \
	{                                                                                          \
		AS_UINT(n, 0, 8), .title = "Next header", .preset = IPPROTO_NONE,                  \
				  .about = "What follows this header", .values = ip_protocol_names \
	}
#define LEN_ROW(n)                                                                          \
	{                                                                                   \
		AS_UINT(n, BYTE(1), 8), .title = "Header length", .label = "Hdr ext len",   \
					.about = "In units of 8 bytes, without the first 8" \
	}

static const struct value_name action_names[] = {
	{ 0, "skip" },
	{ 1, "discard" },
	{ 2, "discard, send ICMP" },
	{ 3, "discard, send ICMP if unicast" },
	{ 0 },
};

static const struct value_name option_names[] = {
	{ 0x00, "Pad1" },
	{ 0x01, "PadN" },
	{ 0x04, "tunnel encapsulation limit" },
	{ 0x05, "router alert" },
	{ 0x07, "CALIPSO" },
	{ 0x0f, "performance and diagnostic metrics" },
	{ 0x26, "quick start" },
	{ 0x30, "minimum path MTU" },
	{ 0x31, "in-situ OAM" },
	{ 0x63, "RPL" },
	{ 0x6d, "MPL" },
	{ 0x8b, "ILNP nonce" },
	{ 0x8c, "line identification" },
	{ 0xc2, "jumbo payload" },
	{ 0xc9, "home address" },
	{ 0 },
};

static const struct value_name alert_names[] = {
	{ 0, "multicast listener discovery" },
	{ 1, "RSVP" },
	{ 2, "active networks" },
	{ 0 },
};

static const struct value_name routing_names[] = {
	{ 0, "source route, deprecated" },
	{ 2, "mobile IPv6" },
	{ 3, "RPL source route" },
	{ 4, "segment routing" },
	{ 5, "compact, 16 bits" },
	{ 6, "compact, 32 bits" },
	{ 0 },
};

static const struct field option_group = {
	AS_GROUP("ipv6.opt", 0),
	.title = "Option",
	.repeats = true,
};

static const struct field option_head[] = {
	{ AS_HEX("ipv6.opt.type", 0, 8, 2), .title = "Type", .values = option_names },
	{ AS_UINT("ipv6.opt.type.action", 0, 2), .depth = 1, .title = "Action", .label = "Act",
	  .about = "What to do with the packet when the option is unknown",
	  .values = action_names },
	{ AS_FLAG("ipv6.opt.type.change", 2), .depth = 1, .title = "May change", .label = "C",
	  .about = "On the way" },
	{ AS_HEX("ipv6.opt.type.rest", 3, 5, 2), .depth = 1, .title = "Low bits" },
	{ AS_UINT("ipv6.opt.length", BYTE(1), 8), .title = "Length",
	  .about = "Bytes after this one" },
};

static const struct field padn[] = {
	{ AS_BYTES("ipv6.opt.padn", BYTE(2), 0), .title = "Padding" },
};
static const struct field tunnel[] = {
	{ AS_UINT("ipv6.opt.tel", BYTE(2), 8), .title = "Tunnel encapsulation limit" },
};
static const struct field router_alert[] = {
	{ AS_UINT("ipv6.opt.router_alert", BYTE(2), 16), .title = "Router alert",
	  .values = alert_names },
};
static const struct field jumbo[] = {
	{ AS_UINT("ipv6.opt.jumbo", BYTE(2), 32), .title = "Jumbo payload length",
	  .about = "Bytes after the IPv6 header" },
};
static const struct field home_address[] = {
	{ AS_IP6("ipv6.opt.mipv6.home_address", BYTE(2)), .title = "Home address" },
};
static const struct field opaque[] = {
	{ AS_BYTES("ipv6.opt.unknown", BYTE(2), 0), .title = "Data" },
};

static const struct block option_blocks[] = {
	{ .name = "pad1", .title = "Pad1", .rfc = "RFC 8200 section 4.2", .bare = true, .code = 0 },
	{ .name = "padn",
	  .title = "PadN",
	  .rfc = "RFC 8200 section 4.2",
	  ROWS(padn),
	  .min_len = 2,
	  .code = 1 },
	{ .name = "tunnel",
	  .title = "Tunnel encapsulation limit",
	  .rfc = "RFC 2473 section 4.1",
	  ROWS(tunnel),
	  .min_len = 3,
	  .code = 0x04 },
	{ .name = "ra",
	  .title = "Router alert",
	  .rfc = "RFC 2711",
	  ROWS(router_alert),
	  .min_len = 4,
	  .code = 0x05 },
	{ .name = "jumbo",
	  .title = "Jumbo payload",
	  .rfc = "RFC 2675",
	  ROWS(jumbo),
	  .min_len = 6,
	  .code = 0xc2 },
	{ .name = "home",
	  .title = "Home address",
	  .rfc = "RFC 6275 section 6.3",
	  ROWS(home_address),
	  .min_len = 18,
	  .code = 0xc9 },
};
static const struct block option_unknown = {
	.name = "opt",
	.title = "Option",
	.rfc = "RFC 8200 section 4.2",
	ROWS(opaque),
	.min_len = 2,
};

static const struct options options = {
	.group = &option_group,
	.head = option_head,
	.n_head = ARRAY_LEN(option_head),
	.blocks = option_blocks,
	.n_blocks = ARRAY_LEN(option_blocks),
	.unknown = &option_unknown,
	.unit = 1,
	.add = 2,
	.align = 8,
	.end = -1,
	.pad = 0,
};

/* Names the header in the line of text, and what it carries when nothing comes after it. */
static void ext_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];

	buf_str(b, protocols[l->proto]->short_name);
	if (layer + 1 < p->n_layers && l[1].proto != PROTOCOL_DATA)
		buf_char(b, ' ');
}

static const struct field hopopts_fields[] = {
	NEXT_ROW("ipv6.hopopts.nxt"),
	LEN_ROW("ipv6.hopopts.len"),
};

const struct protocol protocol_hopopts = {
	PROTOCOL_NAME("ipv6.hopopts"),
	.short_name = "hop-by-hop",
	.title = "IPv6 Hop-by-Hop Options",
	.rfc = "RFC 8200 section 4.3",
	.about = "Options for every router on the way.",
	ROWS(hopopts_fields),
	.min_len = 2,
	.repeats = true,
	.header_len = &hopopts_fields[1],
	.header_unit = 8,
	.header_add = 8,
	.next = &hopopts_fields[0],
	.demux = &demux_ip,
	.options = &options,
	.line = ext_line,
};

static const struct field dstopts_fields[] = {
	NEXT_ROW("ipv6.dstopts.nxt"),
	LEN_ROW("ipv6.dstopts.len"),
};

const struct protocol protocol_dstopts = {
	PROTOCOL_NAME("ipv6.dstopts"),
	.short_name = "destination options",
	.title = "IPv6 Destination Options",
	.rfc = "RFC 8200 section 4.6",
	.about = "Options for the destination alone.",
	ROWS(dstopts_fields),
	.min_len = 2,
	.repeats = true,
	.header_len = &dstopts_fields[1],
	.header_unit = 8,
	.header_add = 8,
	.next = &dstopts_fields[0],
	.demux = &demux_ip,
	.options = &options,
	.line = ext_line,
};

static const struct field routing_fields[] = {
	NEXT_ROW("ipv6.routing.nxt"),
	LEN_ROW("ipv6.routing.len"),
	{ AS_UINT("ipv6.routing.type", BYTE(2), 8), .title = "Type", .preset = 4,
	  .values = routing_names },
	{ AS_UINT("ipv6.routing.segleft", BYTE(3), 8), .title = "Segments left",
	  .about = "Stops still to be visited" },
};
static const struct field source_route[] = {
	{ AS_BYTES("ipv6.routing.src.reserved", BYTE(4), 32), .title = "Reserved" },
	{ AS_IP6("ipv6.routing.src.addr", BYTE(8)), .repeats = true, .title = "Address" },
};
static const struct field mobile[] = {
	{ AS_BYTES("ipv6.routing.mipv6.reserved", BYTE(4), 32), .title = "Reserved" },
	{ AS_IP6("ipv6.routing.mipv6.home_address", BYTE(8)), .title = "Home address" },
};
static const struct field segments[] = {
	{ AS_UINT("ipv6.routing.srh.last_entry", BYTE(4), 8), .title = "Last entry",
	  .about = "Index of the last address of the list" },
	{ AS_HEX("ipv6.routing.srh.flags", BYTE(5), 8, 2), .title = "Flags" },
	{ AS_BYTES("ipv6.routing.srh.tag", BYTE(6), 16), .title = "Tag",
	  .about = "The same for packets of one class" },
	{ AS_IP6("ipv6.routing.srh.addr", BYTE(8)), .repeats = true, .title = "Segment",
	  .about = "The first is the last to be visited" },
};

static const struct block routing_bodies[] = {
	{ .name = "source",
	  .title = "Source route",
	  .rfc = "RFC 2460 section 4.4, deprecated by RFC 5095",
	  ROWS(source_route),
	  .min_len = 8,
	  .code = 0 },
	{ .name = "mobile",
	  .title = "Mobile IPv6",
	  .rfc = "RFC 6275 section 6.4",
	  ROWS(mobile),
	  .min_len = 24,
	  .code = 2 },
	{ .name = "segments",
	  .title = "Segment routing",
	  .rfc = "RFC 8754 section 2",
	  ROWS(segments),
	  .min_len = 8,
	  .code = 4 },
};

static const struct field routing_unknown = {
	AS_BYTES("ipv6.routing.unknown_data", 0, 0),
	.title = "Data of this type",
};

static const struct block *routing_body(const uint8_t *header, size_t len)
{
	if (len < 4)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(routing_bodies); i++)
		if (routing_bodies[i].code == header[2])
			return &routing_bodies[i];
	return NULL;
}

/* The list of segments ends where the last entry says; options (TLVs) may follow, left as they are.
 */
static void routing_walk(struct walk *w)
{
	const uint8_t *header = w->packet->bytes + w->layer->off;
	const struct block *body = routing_body(header, w->end - w->layer->off);
	uint32_t end = w->end;

	if (!body) {
		if (w->at < w->end)
			walk_field(w, &routing_unknown, w->at, w->end - w->at, 0);
		return;
	}
	if (body->code == 4 && w->end - w->layer->off >= body->min_len)
		end = w->layer->off + body->min_len + (header[4] + 1u) * 16;
	if (end > w->end) {
		walk_fault(w, -E_MALFORMED, w->layer->off + 4);
		return;
	}
	if (walk_rows(w, body->fields, body->n_fields, w->layer->off, end, 0) && end < w->end)
		walk_field(w, &routing_unknown, end, w->end - end, 0);
}

const struct protocol protocol_routing = {
	PROTOCOL_NAME("ipv6.routing"),
	.short_name = "routing",
	.title = "IPv6 Routing Header",
	.rfc = "RFC 8200 section 4.4",
	.about = "Lists stops that the packet shall visit on its way.",
	ROWS(routing_fields),
	.min_len = 4,
	.repeats = true,
	.header_len = &routing_fields[1],
	.header_unit = 8,
	.header_add = 8,
	.next = &routing_fields[0],
	.demux = &demux_ip,
	.select = &routing_fields[2],
	.bodies = routing_bodies,
	.n_bodies = ARRAY_LEN(routing_bodies),
	.walk = routing_walk,
	.more_rows = &(const struct rows){ &routing_unknown, 1 },
	.n_more_rows = 1,
	.line = ext_line,
};

static const struct field fragment_fields[] = {
	NEXT_ROW("ipv6.fraghdr.nxt"),
	{ AS_HEX("ipv6.fraghdr.reserved_octet", BYTE(1), 8, 2), .title = "Reserved", .about = "0" },
	{ AS_UINT("ipv6.fraghdr.offset", BYTE(2), 13), .title = "Fragment offset",
	  .about = "Where its data belongs, in units of 8 bytes" },
	{ AS_UINT("ipv6.fraghdr.reserved_bits", BYTE(3) + 5, 2), .title = "Reserved bits",
	  .label = "Res", .about = "0" },
	{ AS_FLAG("ipv6.fraghdr.more", BYTE(3) + 7), .title = "More fragments", .label = "M",
	  .about = "Not the last fragment" },
	{ AS_HEX("ipv6.fraghdr.ident", BYTE(4), 32, 8), .title = "Identification",
	  .about = "The same in all fragments of one packet" },
};

static const struct field fragment_more[] = { FRAGMENT_ROWS("ipv6") };

static void fragment_walk(struct walk *w)
{
	ip_walk_fragments(w, fragment_more);
}

static uint8_t fragment_step(struct packet *p, struct layer *l, uint8_t next)
{
	uint16_t word = load_be16(p->bytes + l->off + 2);

	if (word & 1)
		l->flags |= LAYER_MORE;
	if (!(word >> 3))
		return next;
	l->flags |= LAYER_FRAGMENT;
	return PROTOCOL_DATA;
}

static void fragment_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;

	buf_lit(b, "fragment ");
	if (l->header_len < 8)
		return;
	buf_lit(b, "0x");
	buf_hex_u64(b, load_be32(header + 4), 8);
	buf_lit(b, " at ");
	buf_u64(b, load_be16(header + 2) & ~7u);
	buf_str(b, l->flags & LAYER_MORE ? "+ " : " last ");
	if (l->flags & LAYER_FRAGMENT)
		buf_str(b, field_value_name(&fragment_fields[0], header[0]) ?: "protocol unknown");
}

const struct protocol protocol_fragment = {
	PROTOCOL_NAME("ipv6.fraghdr"),
	.short_name = "fragment",
	.title = "IPv6 Fragment Header",
	.rfc = "RFC 8200 section 4.5",
	.about = "Says which part of a packet that was too large this is.",
	ROWS(fragment_fields),
	.min_len = 8,
	.repeats = true,
	.next = &fragment_fields[0],
	.demux = &demux_ip,
	.step = fragment_step,
	.walk = fragment_walk,
	.more_rows = &(const struct rows){ fragment_more, ARRAY_LEN(fragment_more) },
	.n_more_rows = 1,
	.line = fragment_line,
};
