/*
 * Control protocols of PPP (RFC 1661 section 5): code, identifier and length, then options in the
 * messages that negotiate, data in the others. LCP (RFC 1661 section 6, RFC 1570, multilink
 * RFC 1990) has more codes than those of the networks (IPCP RFC 1332 and 1877, IPV6CP RFC 5072).
 */
#include "wire/ppp_control.h"

#include "wire/packet.h"
#include "wire/ppp.h"

#define CONTROL_LEN 4

static const struct value_name code_names[] = {
	{ 0, "vendor-specific" },
	{ 1, "configure request" },
	{ 2, "configure ack" },
	{ 3, "configure nak" },
	{ 4, "configure reject" },
	{ 5, "terminate request" },
	{ 6, "terminate ack" },
	{ 7, "code reject" },
	{ 8, "protocol reject" },
	{ 9, "echo request" },
	{ 10, "echo reply" },
	{ 11, "discard request" },
	{ 12, "identification" },
	{ 13, "time remaining" },
	{ 14, "reset request" },
	{ 15, "reset ack" },
	{ 0 },
};

static const struct field fields[] = {
	{ AS_UINT("ppp.code", 0, 8), .title = "Code", .preset = 1, .about = "Kind of message",
	  .values = code_names },
	{ AS_UINT("ppp.identifier", BYTE(1), 8), .title = "Identifier",
	  .about = "Matches an answer to its request" },
	{ AS_UINT("ppp.length", BYTE(2), 16), .title = "Length",
	  .about = "Bytes of the message, header included" },
};
enum { ROW_CODE, ROW_IDENTIFIER, ROW_LENGTH };

static const struct field data[] = {
	{ AS_BYTES("ppp.data", BYTE(4), 0), .title = "Data" },
};
static const struct field rejected[] = {
	{ AS_HEX("lcp.rej_proto", BYTE(4), 16, 4), .title = "Rejected protocol",
	  .values = ppp_protocol_names },
	{ AS_BYTES("ppp.data", BYTE(6), 0), .title = "Rejected packet" },
};
#define MAGIC_ROW                                                                    \
	{                                                                            \
		AS_HEX("lcp.magic_number", BYTE(4), 32, 8),                          \
			.title = "Magic number",                                     \
			.about = "Random; one's own that comes back tells of a loop" \
	}
static const struct field echo[] = {
	MAGIC_ROW,
	{ AS_BYTES("lcp.data", BYTE(8), 0), .title = "Data" },
};
static const struct field identification[] = {
	MAGIC_ROW,
	{ AS_TEXT("lcp.message", BYTE(8), 0), .title = "Message" },
};
static const struct field remaining[] = {
	MAGIC_ROW,
	{ AS_UINT("lcp.secs_remaining", BYTE(8), 32), .title = "Seconds remaining" },
	{ AS_TEXT("lcp.message", BYTE(12), 0), .title = "Message" },
};

#define NEGOTIATION(n, t, type)                                                              \
	{                                                                                    \
		.name = (n), .title = (t), .rfc = "RFC 1661 section 5", .has_options = true, \
		.min_len = CONTROL_LEN, .code = (type)                                       \
	}
#define MESSAGE(n, t, r, rows, len, type)                                            \
	{                                                                            \
		.name = (n), .title = (t), .rfc = (r), ROWS(rows), .min_len = (len), \
		.code = (type)                                                       \
	}

/* Those of all control protocols first. */
static const struct block bodies[] = {
	MESSAGE("other", "Other message", "RFC 2153", data, 4, 0),
	NEGOTIATION("request", "Configure request", 1),
	NEGOTIATION("ack", "Configure ack", 2),
	NEGOTIATION("nak", "Configure nak", 3),
	NEGOTIATION("reject", "Configure reject", 4),
	MESSAGE("terminate", "Terminate request", "RFC 1661 section 5.5", data, 4, 5),
	MESSAGE("terminate-ack", "Terminate ack", "RFC 1661 section 5.5", data, 4, 6),
	MESSAGE("code-reject", "Code reject", "RFC 1661 section 5.6", data, 4, 7),
	MESSAGE("protocol-reject", "Protocol reject", "RFC 1661 section 5.7", rejected, 6, 8),
	MESSAGE("echo", "Echo request", "RFC 1661 section 5.8", echo, 8, 9),
	MESSAGE("echo-reply", "Echo reply", "RFC 1661 section 5.8", echo, 8, 10),
	MESSAGE("discard", "Discard request", "RFC 1661 section 5.9", echo, 8, 11),
	MESSAGE("identification", "Identification", "RFC 1570 section 2.1", identification, 8, 12),
	MESSAGE("remaining", "Time remaining", "RFC 1570 section 2.2", remaining, 12, 13),
};
enum { N_NETWORK_BODIES = 8 };

static const struct block *lcp_body(const uint8_t *header, size_t len)
{
	return len && header[0] < ARRAY_LEN(bodies) ? &bodies[header[0]] : &bodies[0];
}

static const struct block *network_body(const uint8_t *header, size_t len)
{
	return len && header[0] < N_NETWORK_BODIES ? &bodies[header[0]] : &bodies[0];
}

#define OPTION(type, n, t, r, rows, len)                                             \
	{                                                                            \
		.name = (n), .title = (t), .rfc = (r), ROWS(rows), .min_len = (len), \
		.code = (type)                                                       \
	}
#define OPTION_EMPTY(type, n, t, r)                                                 \
	{                                                                           \
		.name = (n), .title = (t), .rfc = (r), .min_len = 2, .code = (type) \
	}

/* LCP's options. */

static const struct value_name lcp_option_names[] = {
	{ 0, "vendor-specific" },
	{ 1, "maximum receive unit" },
	{ 2, "async control character map" },
	{ 3, "authentication protocol" },
	{ 4, "quality protocol" },
	{ 5, "magic number" },
	{ 7, "protocol field compression" },
	{ 8, "address and control field compression" },
	{ 9, "FCS alternatives" },
	{ 10, "self-describing padding" },
	{ 11, "numbered mode" },
	{ 13, "callback" },
	{ 17, "multilink MRRU" },
	{ 18, "multilink short sequence numbers" },
	{ 19, "multilink endpoint" },
	{ 23, "link discriminator" },
	{ 24, "authentication" },
	{ 26, "prefix elision" },
	{ 27, "multilink header format" },
	{ 28, "internationalization" },
	{ 0 },
};
static const struct value_name algorithm_names[] = {
	{ 5, "MD5" },	    { 6, "SHA-1" },	  { 7, "SHA-256" },
	{ 128, "MS-CHAP" }, { 129, "MS-CHAPv2" }, { 0 },
};
static const struct value_name callback_names[] = {
	{ 0, "by the user's authentication" },
	{ 1, "dialling string" },
	{ 2, "location" },
	{ 3, "E.164 number" },
	{ 4, "distinguished name" },
	{ 6, "determined by CBCP" },
	{ 0 },
};
static const struct value_name endpoint_names[] = {
	{ 0, "null" },
	{ 1, "locally assigned" },
	{ 2, "IP address" },
	{ 3, "MAC address" },
	{ 4, "magic number block" },
	{ 5, "telephone number" },
	{ 0 },
};

static const struct field lcp_group = {
	AS_GROUP("lcp.opt", 0),
	.repeats = true,
	.title = "Option",
};
static const struct field lcp_head[] = {
	{ AS_UINT("lcp.opt.type", 0, 8), .title = "Type", .values = lcp_option_names },
	{ AS_UINT("lcp.opt.length", BYTE(1), 8), .title = "Length" },
};
static const struct field vendor[] = {
	{ AS_UINT("lcp.opt.oui", BYTE(2), 24), .title = "Vendor" },
	{ AS_UINT("lcp.opt.kind", BYTE(5), 8), .title = "Kind" },
	{ AS_BYTES("lcp.opt.data", BYTE(6), 0), .title = "Data" },
};
static const struct field mru[] = {
	{ AS_UINT("lcp.opt.mru", BYTE(2), 16), .title = "Maximum receive unit", .preset = 1492,
	  .about = "Bytes of a packet that the sender of the option can take" },
};
static const struct field asyncmap[] = {
	{ AS_HEX("lcp.opt.asyncmap", BYTE(2), 32, 8), .title = "Control character map",
	  .about = "A bit for each character below 32 that must be escaped on the line" },
};
static const struct field auth[] = {
	{ AS_HEX("lcp.opt.auth_protocol", BYTE(2), 16, 4), .title = "Authentication protocol",
	  .preset = 0xc023, .values = ppp_protocol_names },
	{ AS_UINT("lcp.opt.algorithm", BYTE(4), 8), .repeats = true, .title = "Algorithm",
	  .about = "Of CHAP", .values = algorithm_names },
};
static const struct field quality[] = {
	{ AS_HEX("lcp.opt.quality_protocol", BYTE(2), 16, 4), .title = "Quality protocol",
	  .preset = 0xc025, .values = ppp_protocol_names },
	{ AS_UINT("lcp.opt.reporting_period", BYTE(4), 32), .repeats = true,
	  .title = "Reporting period", .about = "Hundredths of a second" },
};
static const struct field magic[] = {
	{ AS_HEX("lcp.opt.magic_number", BYTE(2), 32, 8), .title = "Magic number",
	  .about = "Random; one's own that comes back tells of a loop" },
};
static const struct field fcs[] = {
	{ AS_HEX("lcp.opt.fcs_alternatives", BYTE(2), 8, 2), .title = "FCS alternatives" },
	{ AS_FLAG("lcp.opt.fcs_alternatives.ccitt32", BYTE(2) + 5), .depth = 1,
	  .title = "32 bits" },
	{ AS_FLAG("lcp.opt.fcs_alternatives.ccitt16", BYTE(2) + 6), .depth = 1,
	  .title = "16 bits" },
	{ AS_FLAG("lcp.opt.fcs_alternatives.null", BYTE(2) + 7), .depth = 1, .title = "None" },
};
static const struct field padding[] = {
	{ AS_UINT("lcp.opt.maximum", BYTE(2), 8), .title = "Most padding" },
};
static const struct field callback[] = {
	{ AS_UINT("lcp.opt.operation", BYTE(2), 8), .title = "Operation",
	  .values = callback_names },
	{ AS_BYTES("lcp.opt.message", BYTE(3), 0), .title = "Message" },
};
static const struct field mrru[] = {
	{ AS_UINT("lcp.opt.mrru", BYTE(2), 16), .title = "Maximum receive unit",
	  .about = "Of packets put together from several links" },
};
static const struct field endpoint[] = {
	{ AS_UINT("lcp.opt.ep_disc_class", BYTE(2), 8), .title = "Class",
	  .values = endpoint_names },
	{ AS_BYTES("lcp.opt.data", BYTE(3), 0), .title = "Address" },
};
static const struct field discriminator[] = {
	{ AS_UINT("lcp.opt.link_discrim", BYTE(2), 16), .title = "Link discriminator" },
};
static const struct field opaque[] = {
	{ AS_BYTES("lcp.opt.data", BYTE(2), 0), .title = "Data" },
};

static const struct block lcp_blocks[] = {
	OPTION(0, "vendor", "Vendor-specific", "RFC 2153", vendor, 6),
	OPTION(1, "mru", "Maximum receive unit", "RFC 1661 section 6.1", mru, 4),
	OPTION(2, "asyncmap", "Async control character map", "RFC 1662 section 7.1", asyncmap, 6),
	OPTION(3, "auth", "Authentication protocol", "RFC 1661 section 6.2", auth, 4),
	OPTION(4, "quality", "Quality protocol", "RFC 1661 section 6.3", quality, 4),
	OPTION(5, "magic", "Magic number", "RFC 1661 section 6.4", magic, 6),
	OPTION_EMPTY(7, "pfc", "Protocol field compression", "RFC 1661 section 6.5"),
	OPTION_EMPTY(8, "acfc", "Address and control field compression", "RFC 1661 section 6.6"),
	OPTION(9, "fcs", "FCS alternatives", "RFC 1570 section 3.2", fcs, 3),
	OPTION(10, "padding", "Self-describing padding", "RFC 1570 section 3.3", padding, 3),
	OPTION(13, "callback", "Callback", "RFC 1570 section 3.4", callback, 3),
	OPTION(17, "mrru", "Multilink MRRU", "RFC 1990 section 5.1.1", mrru, 4),
	OPTION_EMPTY(18, "short-sequence", "Short sequence numbers", "RFC 1990 section 5.1.2"),
	OPTION(19, "endpoint", "Endpoint discriminator", "RFC 1990 section 5.1.3", endpoint, 3),
	OPTION(23, "discriminator", "Link discriminator", "RFC 2125 section 7.2", discriminator, 4),
};
static const struct block lcp_unknown = OPTION(0, "opt", "Option", "RFC 1661 section 6", opaque, 2);

static const struct options lcp_options = {
	.group = &lcp_group,
	.head = lcp_head,
	.n_head = ARRAY_LEN(lcp_head),
	.blocks = lcp_blocks,
	.n_blocks = ARRAY_LEN(lcp_blocks),
	.unknown = &lcp_unknown,
	.unit = 1,
	.align = 1,
	.end = -1,
	.pad = -1,
};

/* IPCP's options. */

static const struct value_name ipcp_option_names[] = {
	{ 1, "IP addresses" },
	{ 2, "IP compression protocol" },
	{ 3, "IP address" },
	{ 4, "mobile IPv4" },
	{ 129, "primary DNS server" },
	{ 130, "primary NBNS server" },
	{ 131, "secondary DNS server" },
	{ 132, "secondary NBNS server" },
	{ 0 },
};

static const struct field ipcp_group = {
	AS_GROUP("ipcp.opt", 0),
	.repeats = true,
	.title = "Option",
};
static const struct field ipcp_head[] = {
	{ AS_UINT("ipcp.opt.type", 0, 8), .title = "Type", .values = ipcp_option_names },
	{ AS_UINT("ipcp.opt.length", BYTE(1), 8), .title = "Length" },
};
static const struct field addresses[] = {
	{ AS_IP4("ipcp.opt.src_address", BYTE(2)), .title = "Source address" },
	{ AS_IP4("ipcp.opt.dst_address", BYTE(6)), .title = "Destination address" },
};
static const struct field compression[] = {
	{ AS_HEX("ipcp.opt.compress_proto", BYTE(2), 16, 4), .title = "Compression protocol",
	  .values = ppp_protocol_names },
	{ AS_BYTES("ipcp.data", BYTE(4), 0), .title = "Parameters" },
};
static const struct field address[] = {
	{ AS_IP4("ipcp.opt.ip_address", BYTE(2)), .title = "IP address",
	  .about = "0.0.0.0 asks for one" },
};
static const struct field mobile[] = {
	{ AS_IP4("ipcp.opt.mobilenodehomeaddress", BYTE(2)), .title = "Home address" },
};
static const struct field dns1[] = {
	{ AS_IP4("ipcp.opt.pri_dns_address", BYTE(2)), .title = "Primary DNS server" },
};
static const struct field nbns1[] = {
	{ AS_IP4("ipcp.opt.pri_nbns_address", BYTE(2)), .title = "Primary NBNS server" },
};
static const struct field dns2[] = {
	{ AS_IP4("ipcp.opt.sec_dns_address", BYTE(2)), .title = "Secondary DNS server" },
};
static const struct field nbns2[] = {
	{ AS_IP4("ipcp.opt.sec_nbns_address", BYTE(2)), .title = "Secondary NBNS server" },
};
static const struct field ipcp_opaque[] = {
	{ AS_BYTES("ipcp.data", BYTE(2), 0), .title = "Data" },
};

static const struct block ipcp_blocks[] = {
	OPTION(1, "addresses", "IP addresses", "RFC 1172 section 5.1", addresses, 10),
	OPTION(2, "compression", "IP compression protocol", "RFC 1332 section 3.2", compression, 4),
	OPTION(3, "address", "IP address", "RFC 1332 section 3.3", address, 6),
	OPTION(4, "mobile", "Mobile IPv4", "RFC 2290 section 2", mobile, 6),
	OPTION(129, "dns1", "Primary DNS server", "RFC 1877 section 1.1", dns1, 6),
	OPTION(130, "nbns1", "Primary NBNS server", "RFC 1877 section 1.2", nbns1, 6),
	OPTION(131, "dns2", "Secondary DNS server", "RFC 1877 section 1.3", dns2, 6),
	OPTION(132, "nbns2", "Secondary NBNS server", "RFC 1877 section 1.4", nbns2, 6),
};
static const struct block ipcp_unknown =
	OPTION(0, "opt", "Option", "RFC 1332 section 3", ipcp_opaque, 2);

static const struct options ipcp_options = {
	.group = &ipcp_group,
	.head = ipcp_head,
	.n_head = ARRAY_LEN(ipcp_head),
	.blocks = ipcp_blocks,
	.n_blocks = ARRAY_LEN(ipcp_blocks),
	.unknown = &ipcp_unknown,
	.unit = 1,
	.align = 1,
	.end = -1,
	.pad = -1,
};

/* IPV6CP's options. */

static const struct value_name ipv6cp_option_names[] = {
	{ 1, "interface identifier" },
	{ 2, "IPv6 compression protocol" },
	{ 0 },
};

static const struct field ipv6cp_group = {
	AS_GROUP("ipv6cp.opt", 0),
	.repeats = true,
	.title = "Option",
};
static const struct field ipv6cp_head[] = {
	{ AS_UINT("ipv6cp.opt.type", 0, 8), .title = "Type", .values = ipv6cp_option_names },
	{ AS_UINT("ipv6cp.opt.length", BYTE(1), 8), .title = "Length" },
};
static const struct field interface_id[] = {
	{ AS_BYTES("ipv6cp.interface_identifier", BYTE(2), 64), .title = "Interface identifier",
	  .about = "The lower half of the link-local address" },
};

static const struct block ipv6cp_blocks[] = {
	OPTION(1, "interface", "Interface identifier", "RFC 5072 section 4.1", interface_id, 10),
	OPTION(2, "compression", "IPv6 compression protocol", "RFC 5172", compression, 4),
};

static const struct options ipv6cp_options = {
	.group = &ipv6cp_group,
	.head = ipv6cp_head,
	.n_head = ARRAY_LEN(ipv6cp_head),
	.blocks = ipv6cp_blocks,
	.n_blocks = ARRAY_LEN(ipv6cp_blocks),
	.unknown = &ipcp_unknown,
	.unit = 1,
	.align = 1,
	.end = -1,
	.pad = -1,
};

static void line_value(struct buf *b, const struct field *f, uint64_t value, const uint8_t *bytes)
{
	const char *name = field_value_name(f, value);

	if (name)
		buf_str(b, name);
	else
		field_text(b, f, value, bytes, field_span(f));
}

/* " mru 1492" of each option: its name, and its first field's value. */
static void line_options(struct buf *b, const struct options *o, const uint8_t *at,
			 const uint8_t *end)
{
	while (end - at >= 2 && at[1] >= 2 && at[1] <= end - at) {
		const struct block *block = options_block(o, at[0]);
		const struct field *f = block->fields;

		buf_char(b, ' ');
		if (block == o->unknown) {
			buf_lit(b, "option ");
			buf_u64(b, at[0]);
		} else {
			buf_str(b, block->name);
		}
		if (block != o->unknown && at[1] >= block->min_len && block->n_fields && f->bits) {
			const uint8_t *value = at + f->bit / 8;

			buf_char(b, ' ');
			line_value(b, f, field_is_number(f) ? field_load(f, value) : 0, value);
		}
		at += at[1];
	}
}

static void control_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const struct protocol *proto = protocols[l->proto];
	const uint8_t *header = p->bytes + l->off;
	const struct block *body;
	const char *name;

	buf_str(b, proto->short_name);
	if (l->header_len < CONTROL_LEN)
		return;
	name = field_value_name(&fields[ROW_CODE], header[0]);
	buf_char(b, ' ');
	if (name) {
		buf_str(b, name);
	} else {
		buf_lit(b, "code ");
		buf_u64(b, header[0]);
	}
	buf_lit(b, " id ");
	buf_u64(b, header[1]);
	body = proto->body(header, l->header_len);
	if (body->has_options)
		line_options(b, proto->options, header + CONTROL_LEN, header + l->header_len);
}

#define CONTROL                                                                                \
	ROWS(fields), .min_len = CONTROL_LEN, .whole = true, .total_len = &fields[ROW_LENGTH], \
		      .select = &fields[ROW_CODE], .bodies = bodies, .line = control_line

const struct protocol protocol_lcp = {
	PROTOCOL_NAME("lcp"),
	.short_name = "LCP",
	.title = "PPP Link Control Protocol",
	.rfc = "RFC 1661 section 5",
	.about = "Both sides of a link agree on its parameters, watch it and end it.",
	CONTROL,
	.n_bodies = ARRAY_LEN(bodies),
	.body = lcp_body,
	.options = &lcp_options,
};

const struct protocol protocol_ipcp = {
	PROTOCOL_NAME("ipcp"),
	.short_name = "IPCP",
	.title = "PPP IP Control Protocol",
	.rfc = "RFC 1332 section 2",
	.about = "Both sides of a link agree on their IPv4 addresses.",
	CONTROL,
	.n_bodies = N_NETWORK_BODIES,
	.body = network_body,
	.options = &ipcp_options,
};

const struct protocol protocol_ipv6cp = {
	PROTOCOL_NAME("ipv6cp"),
	.short_name = "IPV6CP",
	.title = "PPP IPv6 Control Protocol",
	.rfc = "RFC 5072 section 4",
	.about = "Both sides of a link agree on the lower halves of their IPv6 addresses.",
	CONTROL,
	.n_bodies = N_NETWORK_BODIES,
	.body = network_body,
	.options = &ipv6cp_options,
};
