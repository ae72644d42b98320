/*
 * IPv4 (RFC 791; differentiated services RFC 2474, ECN RFC 3168). The total length bounds what
 * follows: bytes behind it are the link's padding. A fragment other than the first holds bytes from
 * the middle of something, so nothing in it is taken for a header. Length 0 is what captures on the
 * sending host show where the card cuts the packet up (segmentation offload): it goes to the end.
 */
#include "wire/ipv4.h"

#include <netinet/in.h>

#include "wire/ip.h"
#include "wire/numbers.h"

static const struct value_name class_names[] = {
	{ 0, "control" },
	{ 1, "reserved" },
	{ 2, "debugging and measurement" },
	{ 3, "reserved" },
	{ 0 },
};

static const struct value_name option_names[] = {
	{ 0, "end of options" },
	{ 1, "no operation" },
	{ 7, "record route" },
	{ 11, "MTU probe" },
	{ 12, "MTU reply" },
	{ 25, "quick start" },
	{ 68, "timestamp" },
	{ 82, "traceroute" },
	{ 130, "security" },
	{ 131, "loose source route" },
	{ 133, "extended security" },
	{ 134, "commercial security" },
	{ 136, "stream identifier" },
	{ 137, "strict source route" },
	{ 145, "extended IP" },
	{ 147, "address extension" },
	{ 148, "router alert" },
	{ 149, "selective directed broadcast" },
	{ 151, "dynamic packet state" },
	{ 152, "upstream multicast" },
	{ 0 },
};

static const struct field fields[] = {
	{ AS_UINT("ip.version", 0, 4), .title = "Version", .preset = 4, .about = "4" },
	{ AS_UINT("ip.hdr_len", 4, 4), .title = "Header length", .label = "IHL", .scale = 4,
	  .preset = 5, .about = "Of header and options; on the wire in words of 4 bytes" },
	{ AS_HEX("ip.dsfield", BYTE(1), 8, 2), .title = "Differentiated services",
	  .about = "How routers shall treat it; formerly type of service" },
	{ AS_UINT("ip.dsfield.dscp", BYTE(1), 6), .depth = 1, .title = "Code point",
	  .label = "DSCP", .about = "Class of treatment (RFC 2474)", .values = dscp_names },
	{ AS_UINT("ip.dsfield.ecn", BYTE(1) + 6, 2), .depth = 1, .title = "Congestion notification",
	  .label = "ECN", .about = "Routers mark 3 instead of dropping (RFC 3168)",
	  .values = ecn_names },
	{ AS_UINT("ip.len", BYTE(2), 16), .title = "Total length",
	  .about = "Bytes of header and data" },
	{ AS_HEX("ip.id", BYTE(4), 16, 4), .title = "Identification",
	  .about = "The same in all fragments of one packet" },
	{ AS_HEX("ip.flags", BYTE(6), 3, 2), .title = "Flags" },
	{ AS_FLAG("ip.flags.rb", BYTE(6)), .depth = 1, .title = "Reserved", .label = "0",
	  .about = "0" },
	{ AS_FLAG("ip.flags.df", BYTE(6) + 1), .depth = 1, .title = "Don't fragment",
	  .label = "D F", .about = "Routers must drop it rather than split it" },
	{ AS_FLAG("ip.flags.mf", BYTE(6) + 2), .depth = 1, .title = "More fragments",
	  .label = "M F", .about = "Not the last fragment" },
	{ AS_UINT("ip.frag_offset", BYTE(6) + 3, 13), .title = "Fragment offset",
	  .about = "Where its data belongs, in units of 8 bytes" },
	{ AS_UINT("ip.ttl", BYTE(8), 8), .title = "Time to live", .preset = 64,
	  .about = "Each router takes one off; at 0 it is dropped" },
	{ AS_UINT("ip.proto", BYTE(9), 8), .title = "Protocol", .preset = 253,
	  .about = "What is inside", .values = ip_protocol_names },
	{ AS_HEX("ip.checksum", BYTE(10), 16, 4), .title = "Header checksum",
	  .about = "Ones' complement sum of the header (RFC 1071)" },
	{ AS_IP4("ip.src", BYTE(12)), .title = "Source address" },
	{ AS_IP4("ip.dst", BYTE(16)), .title = "Destination address" },
};

enum { ROW_HDR_LEN = 1, ROW_LEN = 5, ROW_PROTO = 13, ROW_CHECKSUM = 14 };

static const struct field option_group = {
	AS_GROUP("ip.opt", 0),
	.title = "Option",
	.repeats = true,
};

static const struct field option_head[] = {
	{ AS_UINT("ip.opt.type", 0, 8), .title = "Type", .values = option_names },
	{ AS_FLAG("ip.opt.type.copy", 0), .depth = 1, .title = "Copied", .label = "C",
	  .about = "Into all fragments" },
	{ AS_UINT("ip.opt.type.class", 1, 2), .depth = 1, .title = "Class", .values = class_names },
	{ AS_UINT("ip.opt.type.number", 3, 5), .depth = 1, .title = "Number" },
	{ AS_UINT("ip.opt.len", BYTE(1), 8), .title = "Length",
	  .about = "Bytes of the option, type and length included" },
};

#define POINTER_ROW                                                          \
	{                                                                    \
		AS_UINT("ip.opt.ptr", BYTE(2), 8),                           \
			.title = "Pointer", .preset = 4,                     \
			.about = "The next place to be used, counted from 1" \
	}

static const struct field record_route[] = {
	POINTER_ROW,
	{ AS_IP4("ip.rec_rt", BYTE(3)), .repeats = true, .title = "Recorded address" },
};
static const struct field source_route[] = {
	POINTER_ROW,
	{ AS_IP4("ip.src_rt", BYTE(3)), .repeats = true, .title = "Address of the route" },
};
#define TIMESTAMP_ROWS(flag)                                                            \
	{ AS_UINT("ip.opt.ptr", BYTE(2), 8), .title = "Pointer", .preset = 5 },         \
		{ AS_UINT("ip.opt.overflow", BYTE(3), 4), .title = "Overflow",          \
		  .about = "Routers that found no room" },                              \
	{                                                                               \
		AS_HEX("ip.opt.flag", BYTE(3) + 4, 4, 2),                               \
			.title = "Flag",                                                \
			.about = "0: times only, 1: addresses and times, 3: addresses " \
				 "given before",                                        \
			.preset = (flag)                                                \
	}

static const struct field timestamp[] = {
	TIMESTAMP_ROWS(0),
	{ AS_UINT("ip.opt.time_stamp", BYTE(4), 32), .repeats = true, .title = "Time",
	  .about = "Milliseconds since midnight UT" },
};
static const struct field timestamp_place_rows[] = {
	{ AS_IP4("ip.opt.time_stamp_addr", 0), .title = "Address" },
	{ AS_UINT("ip.opt.time_stamp", BYTE(4), 32), .title = "Time",
	  .about = "Milliseconds since midnight UT" },
};
static const struct block timestamp_place = {
	.name = "place",
	.title = "Place",
	.rfc = "RFC 791 section 3.1",
	ROWS(timestamp_place_rows),
	.min_len = 8,
};
static const struct field timestamp_addresses[] = {
	TIMESTAMP_ROWS(1),
	{ AS_GROUP("ip.opt.place", BYTE(4)), .repeats = true, .title = "Place",
	  .about = "A router's address and time", .block = &timestamp_place },
};
static const struct field stream_id[] = {
	{ AS_UINT("ip.opt.sid", BYTE(2), 16), .title = "Stream identifier" },
};
static const struct field mtu[] = { { AS_UINT("ip.opt.mtu", BYTE(2), 16), .title = "MTU" } };
static const struct field traceroute[] = {
	{ AS_UINT("ip.opt.id_number", BYTE(2), 16), .title = "Identification" },
	{ AS_UINT("ip.opt.ohc", BYTE(4), 16), .title = "Outbound hops" },
	{ AS_UINT("ip.opt.rhc", BYTE(6), 16), .title = "Return hops" },
	{ AS_IP4("ip.opt.originator", BYTE(8)), .title = "Originator" },
};
static const struct field router_alert[] = {
	{ AS_UINT("ip.opt.ra", BYTE(2), 16), .title = "Router alert",
	  .about = "0: routers shall examine the packet" },
};
static const struct field opaque[] = {
	{ AS_BYTES("ip.opt.data", BYTE(2), 0), .title = "Data" },
};

static const struct block option_blocks[] = {
	{ .name = "eol", .title = "End of options", .rfc = "RFC 791", .bare = true, .code = 0 },
	{ .name = "nop", .title = "No operation", .rfc = "RFC 791", .bare = true, .code = 1 },
	{ .name = "rr",
	  .title = "Record route",
	  .rfc = "RFC 791 section 3.1",
	  ROWS(record_route),
	  .min_len = 3,
	  .code = 7 },
	{ .name = "mtu-probe",
	  .title = "MTU probe",
	  .rfc = "RFC 1063",
	  ROWS(mtu),
	  .min_len = 4,
	  .code = 11 },
	{ .name = "mtu-reply",
	  .title = "MTU reply",
	  .rfc = "RFC 1063",
	  ROWS(mtu),
	  .min_len = 4,
	  .code = 12 },
	{ .name = "ts",
	  .title = "Timestamp",
	  .rfc = "RFC 791 section 3.1",
	  ROWS(timestamp),
	  .min_len = 4,
	  .code = 68 },
	{ .name = "ts-addr",
	  .title = "Timestamp with addresses",
	  .rfc = "RFC 791 section 3.1",
	  ROWS(timestamp_addresses),
	  .min_len = 4,
	  .code = 68 },
	{ .name = "traceroute",
	  .title = "Traceroute",
	  .rfc = "RFC 1393",
	  ROWS(traceroute),
	  .min_len = 12,
	  .code = 82 },
	{ .name = "lsrr",
	  .title = "Loose source route",
	  .rfc = "RFC 791 section 3.1",
	  ROWS(source_route),
	  .min_len = 3,
	  .code = 131 },
	{ .name = "sid",
	  .title = "Stream identifier",
	  .rfc = "RFC 791 section 3.1",
	  ROWS(stream_id),
	  .min_len = 4,
	  .code = 136 },
	{ .name = "ssrr",
	  .title = "Strict source route",
	  .rfc = "RFC 791 section 3.1",
	  ROWS(source_route),
	  .min_len = 3,
	  .code = 137 },
	{ .name = "ra",
	  .title = "Router alert",
	  .rfc = "RFC 2113",
	  ROWS(router_alert),
	  .min_len = 4,
	  .code = 148 },
};
static const struct block option_unknown = {
	.name = "opt",
	.title = "Option",
	.rfc = "RFC 791",
	ROWS(opaque),
	.min_len = 2,
};

/* The timestamp's flag says whether addresses are among the times. */
static const struct block *option_variant(const struct block *block, const uint8_t *option,
					  uint32_t len)
{
	bool addresses = len > 3 && ((option[3] & 0xf) == 1 || (option[3] & 0xf) == 3);

	return block->fields == timestamp && addresses ? block + 1 : block;
}

static const struct options options = {
	.group = &option_group,
	.variant = option_variant,
	.head = option_head,
	.n_head = ARRAY_LEN(option_head),
	.blocks = option_blocks,
	.n_blocks = ARRAY_LEN(option_blocks),
	.unknown = &option_unknown,
	.unit = 1,
	.align = 4,
	.end = 0,
	.pad = 0,
};

static const struct field fragment_rows[] = { FRAGMENT_ROWS("ip") };

static void ipv4_walk(struct walk *w)
{
	walk_options(w, &options, w->at, w->end);
	ip_walk_fragments(w, fragment_rows);
}

static uint8_t ipv4_step(struct packet *p, struct layer *l, uint8_t next)
{
	const uint8_t *header = p->bytes + l->off;
	uint16_t frag = load_be16(header + 6), len = load_be16(header + 2);

	if (header[0] >> 4 != 4)
		return packet_fails(p, l, -E_MALFORMED, l->off);
	if (len && packet_announce(p, l, len) < 0)
		return packet_fails(p, l, -E_MALFORMED, l->off + 2);
	if (frag & 0x2000)
		l->flags |= LAYER_MORE;
	if (!(frag & 0x1fff))
		return next;
	l->flags |= LAYER_FRAGMENT;
	return PROTOCOL_DATA;
}

static void ipv4_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;
	const char *name;

	if (l->header_len < IP4_HEADER_LEN) {
		buf_lit(b, "IPv4");
		return;
	}
	ip_line_addresses(b, p, layer, header + 12, header + 16, 4);
	if (l->flags & (LAYER_FRAGMENT | LAYER_MORE)) {
		buf_lit(b, "fragment 0x");
		buf_hex_u64(b, load_be16(header + 4), 4);
		buf_lit(b, " at ");
		buf_u64(b, (load_be16(header + 6) & 0x1fffu) * 8);
		buf_str(b, l->flags & LAYER_MORE ? "+ " : " last ");
	}
	if (l->header_len > IP4_HEADER_LEN)
		buf_lit(b, "options ");
	if (layer + 1 < p->n_layers && l[1].proto != PROTOCOL_DATA)
		return;
	name = field_value_name(&fields[ROW_PROTO], header[9]);
	if (name) {
		buf_str(b, name);
	} else {
		buf_lit(b, "protocol ");
		buf_u64(b, header[9]);
	}
}

const struct protocol protocol_ipv4 = {
	PROTOCOL_NAME("ip"),
	.short_name = "IPv4",
	.title = "Internet Protocol Version 4",
	.rfc = "RFC 791 section 3.1",
	.about = "Carries packets from host to host across networks, best effort.",
	ROWS(fields),
	.min_len = IP4_HEADER_LEN,
	.header_len = &fields[ROW_HDR_LEN],
	.header_unit = 1,
	.total_len = &fields[ROW_LEN],
	.step_measures = true,
	.next = &fields[ROW_PROTO],
	.demux = &demux_ip,
	.checksum = &fields[ROW_CHECKSUM],
	.checksum_kind = CHECKSUM_HEADER,
	.options = &options,
	.step = ipv4_step,
	.walk = ipv4_walk,
	.more_rows = &(const struct rows){ fragment_rows, ARRAY_LEN(fragment_rows) },
	.n_more_rows = 1,
	.line = ipv4_line,
};
