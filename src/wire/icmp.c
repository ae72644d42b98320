/*
 * ICMP (RFC 792; router discovery RFC 1256, address mask RFC 950, length of the quoted packet
 * RFC 4884). The type selects the body; errors end in the packet that caused them, cut by its
 * sender.
 */
#include "wire/icmp.h"

#include "wire/exchange.h"
#include "wire/numbers.h"
#include "wire/packet.h"

/* Of unreachable: fragmentation needed but not allowed. */
#define ICMP_CODE_TOO_BIG 4

static const struct value_name type_names[] = {
	{ 0, "echo reply" },
	{ 3, "destination unreachable" },
	{ 4, "source quench" },
	{ 5, "redirect" },
	{ 8, "echo request" },
	{ 9, "router advertisement" },
	{ 10, "router solicitation" },
	{ 11, "time exceeded" },
	{ 12, "parameter problem" },
	{ 13, "timestamp request" },
	{ 14, "timestamp reply" },
	{ 15, "information request" },
	{ 16, "information reply" },
	{ 17, "address mask request" },
	{ 18, "address mask reply" },
	{ 30, "traceroute" },
	{ 40, "Photuris" },
	{ 42, "extended echo request" },
	{ 43, "extended echo reply" },
	{ 0 },
};

static const struct value_name unreachable_names[] = {
	{ 0, "network unreachable" },
	{ 1, "host unreachable" },
	{ 2, "protocol unreachable" },
	{ 3, "port unreachable" },
	{ 4, "fragmentation needed" },
	{ 5, "source route failed" },
	{ 6, "network unknown" },
	{ 7, "host unknown" },
	{ 8, "source host isolated" },
	{ 9, "network prohibited" },
	{ 10, "host prohibited" },
	{ 11, "network unreachable for this service" },
	{ 12, "host unreachable for this service" },
	{ 13, "administratively prohibited" },
	{ 14, "host precedence violation" },
	{ 15, "precedence cutoff" },
	{ 0 },
};
static const struct value_name redirect_names[] = {
	{ 0, "redirect for network" },
	{ 1, "redirect for host" },
	{ 2, "redirect for network and service" },
	{ 3, "redirect for host and service" },
	{ 0 },
};
static const struct value_name exceeded_names[] = {
	{ 0, "TTL exceeded in transit" },
	{ 1, "reassembly time exceeded" },
	{ 0 },
};
static const struct value_name parameter_names[] = {
	{ 0, "bad header field" },
	{ 1, "required option missing" },
	{ 2, "bad length" },
	{ 0 },
};

static const struct field fields[] = {
	{ AS_UINT("icmp.type", 0, 8), .title = "Type", .preset = ICMP4_TYPE_ECHO,
	  .about = "What the message says", .values = type_names },
	{ AS_UINT("icmp.code", BYTE(1), 8), .title = "Code", .about = "What exactly, by type" },
	{ AS_HEX("icmp.checksum", BYTE(2), 16, 4), .title = "Checksum",
	  .about = "Ones' complement sum of the message (RFC 1071)" },
};

#define QUOTED "the header of the packet that caused it follows, with its first 8 bytes or more"
#define LENGTH_ROW                                                                      \
	{                                                                               \
		AS_UINT("icmp.length", BYTE(5), 8),                                     \
			.depth = 1, .title = "Length",                                  \
			.about = "Of the packet quoted, in words of 4 bytes (RFC 4884)" \
	}
#define UNUSED_ROW(byte, width)                                                          \
	{                                                                                \
		AS_BYTES("icmp.unused", BYTE(byte), (width)), .title = "Unused",         \
							      .about = "0; then " QUOTED \
	}

static const struct field echo[] = {
	{ AS_UINT("icmp.ident", BYTE(4), 16), .title = "Identifier",
	  .about = "Tells the senders of one host apart" },
	{ AS_UINT("icmp.seq", BYTE(6), 16), .title = "Sequence number",
	  .about = "Counts the requests" },
};
static const struct field error[] = { UNUSED_ROW(4, 32), LENGTH_ROW };
static const struct field too_big[] = {
	UNUSED_ROW(4, 16),
	LENGTH_ROW,
	{ AS_UINT("icmp.mtu", BYTE(6), 16), .title = "MTU of the next hop",
	  .about = "RFC 1191; then " QUOTED },
};
static const struct field redirect[] = {
	{ AS_IP4("icmp.redir_gw", BYTE(4)), .title = "Gateway",
	  .about = "The better router; " QUOTED },
};
static const struct field parameter[] = {
	{ AS_UINT("icmp.pointer", BYTE(4), 8), .title = "Pointer",
	  .about = "The byte that is wrong" },
	UNUSED_ROW(5, 24),
	LENGTH_ROW,
};
static const struct field timestamp[] = {
	{ AS_UINT("icmp.ident", BYTE(4), 16), .title = "Identifier" },
	{ AS_UINT("icmp.seq", BYTE(6), 16), .title = "Sequence number" },
	{ AS_UINT("icmp.originate_timestamp", BYTE(8), 32), .title = "Originate time",
	  .about = "Milliseconds since midnight UT, when sent" },
	{ AS_UINT("icmp.receive_timestamp", BYTE(12), 32), .title = "Receive time",
	  .about = "When it arrived" },
	{ AS_UINT("icmp.transmit_timestamp", BYTE(16), 32), .title = "Transmit time",
	  .about = "When the reply left" },
};
static const struct field mask[] = {
	{ AS_UINT("icmp.ident", BYTE(4), 16), .title = "Identifier" },
	{ AS_UINT("icmp.seq", BYTE(6), 16), .title = "Sequence number" },
	{ AS_IP4("icmp.address_mask", BYTE(8)), .title = "Address mask" },
};
static const struct field solicitation[] = {
	{ AS_BYTES("icmp.reserved", BYTE(4), 32), .title = "Reserved", .about = "0" },
};
static const struct field router_fields[] = {
	{ AS_IP4("icmp.router_address", 0), .title = "Router address" },
	{ AS_UINT("icmp.pref_level", BYTE(4), 32), .title = "Preference" },
};
static const struct block router_block = {
	.name = "router",
	.title = "Router",
	.rfc = "RFC 1256",
	ROWS(router_fields),
	.min_len = 8,
};
static const struct field advertisement[] = {
	{ AS_UINT("icmp.num_addrs", BYTE(4), 8), .title = "Number of addresses" },
	{ AS_UINT("icmp.addr_entry_size", BYTE(5), 8), .title = "Entry size", .preset = 2,
	  .about = "Of each address, in words of 4 bytes" },
	{ AS_UINT("icmp.lifetime", BYTE(6), 16), .title = "Lifetime", .about = "Seconds" },
	{ AS_GROUP("icmp.router", BYTE(8)), .repeats = true, .title = "Router",
	  .about = "Address and preference of each", .block = &router_block },
};

const struct value_name icmp_extended_states[] = {
	{ 0, "reserved" }, { 1, "incomplete" }, { 2, "reachable" }, { 3, "stale" },
	{ 4, "delay" },	   { 5, "probe" },	{ 6, "failed" },    { 0 },
};
static const struct field extended[] = {
	{ AS_UINT("icmp.ident", BYTE(4), 16), .title = "Identifier" },
	{ AS_UINT("icmp.ext.echo.seq", BYTE(6), 8), .title = "Sequence number",
	  .about = "Counts the requests" },
	{ AS_HEX("icmp.ext.echo.req.res", BYTE(7), 7, 2), .title = "Reserved" },
	{ AS_FLAG("icmp.ext.echo.req.local", BYTE(7) + 7), .title = "Local",
	  .about = "The interface asked about is of the host that answers" },
};
static const struct field extended_reply[] = {
	{ AS_UINT("icmp.ident", BYTE(4), 16), .title = "Identifier" },
	{ AS_UINT("icmp.ext.echo.seq", BYTE(6), 8), .title = "Sequence number" },
	{ AS_UINT("icmp.ext.echo.rsp.state", BYTE(7), 3), .title = "State",
	  .about = "Of a neighbour that was asked about", .values = icmp_extended_states },
	{ AS_HEX("icmp.ext.echo.rsp.res", BYTE(7) + 3, 2, 2), .title = "Reserved" },
	{ AS_FLAG("icmp.ext.echo.rsp.active", BYTE(7) + 5), .title = "Active",
	  .about = "The interface is up" },
	{ AS_FLAG("icmp.ext.echo.rsp.ipv4", BYTE(7) + 6), .title = "IPv4 runs on it" },
	{ AS_FLAG("icmp.ext.echo.rsp.ipv6", BYTE(7) + 7), .title = "IPv6 runs on it" },
};

static const struct block bodies[] = {
	{ .name = "echo-reply",
	  .title = "Echo reply",
	  .rfc = "RFC 792",
	  ROWS(echo),
	  .min_len = 8,
	  .code = ICMP4_TYPE_ECHO_REPLY },
	{ .name = "unreachable",
	  .title = "Destination unreachable",
	  .rfc = "RFC 792",
	  ROWS(error),
	  .min_len = 8,
	  .code = ICMP4_TYPE_UNREACHABLE,
	  .quotes = true },
	{ .name = "too-big",
	  .title = "Fragmentation needed",
	  .rfc = "RFC 1191 section 4",
	  ROWS(too_big),
	  .min_len = 8,
	  .code = ICMP4_TYPE_UNREACHABLE,
	  .subcode = ICMP_CODE_TOO_BIG,
	  .quotes = true },
	{ .name = "quench",
	  .title = "Source quench (deprecated)",
	  .rfc = "RFC 792, RFC 6633",
	  ROWS(error),
	  .min_len = 8,
	  .code = ICMP4_TYPE_SOURCE_QUENCH,
	  .quotes = true },
	{ .name = "redirect",
	  .title = "Redirect",
	  .rfc = "RFC 792",
	  ROWS(redirect),
	  .min_len = 8,
	  .code = ICMP4_TYPE_REDIRECT,
	  .quotes = true },
	{ .name = "echo",
	  .title = "Echo request",
	  .rfc = "RFC 792",
	  ROWS(echo),
	  .min_len = 8,
	  .code = ICMP4_TYPE_ECHO },
	{ .name = "router-advert",
	  .title = "Router advertisement",
	  .rfc = "RFC 1256 section 3",
	  ROWS(advertisement),
	  .min_len = 8,
	  .code = ICMP4_TYPE_ROUTER_ADVERT,
	  .has_options = true },
	{ .name = "router-solicit",
	  .title = "Router solicitation",
	  .rfc = "RFC 1256 section 3",
	  ROWS(solicitation),
	  .min_len = 8,
	  .code = ICMP4_TYPE_ROUTER_SOLICIT },
	{ .name = "exceeded",
	  .title = "Time exceeded",
	  .rfc = "RFC 792",
	  ROWS(error),
	  .min_len = 8,
	  .code = ICMP4_TYPE_TIME_EXCEEDED,
	  .quotes = true },
	{ .name = "parameter",
	  .title = "Parameter problem",
	  .rfc = "RFC 792",
	  ROWS(parameter),
	  .min_len = 8,
	  .code = ICMP4_TYPE_PARAMETER,
	  .quotes = true },
	{ .name = "timestamp",
	  .title = "Timestamp request",
	  .rfc = "RFC 792",
	  ROWS(timestamp),
	  .min_len = 20,
	  .code = ICMP4_TYPE_TIMESTAMP },
	{ .name = "timestamp-reply",
	  .title = "Timestamp reply",
	  .rfc = "RFC 792",
	  ROWS(timestamp),
	  .min_len = 20,
	  .code = ICMP4_TYPE_TIMESTAMP_REPLY },
	{ .name = "information",
	  .title = "Information request (obsolete)",
	  .rfc = "RFC 792, RFC 6918",
	  ROWS(echo),
	  .min_len = 8,
	  .code = ICMP4_TYPE_INFORMATION },
	{ .name = "information-reply",
	  .title = "Information reply (obsolete)",
	  .rfc = "RFC 792, RFC 6918",
	  ROWS(echo),
	  .min_len = 8,
	  .code = ICMP4_TYPE_INFORMATION_REPLY },
	{ .name = "mask",
	  .title = "Address mask request",
	  .rfc = "RFC 950",
	  ROWS(mask),
	  .min_len = 12,
	  .code = ICMP4_TYPE_MASK },
	{ .name = "mask-reply",
	  .title = "Address mask reply",
	  .rfc = "RFC 950",
	  ROWS(mask),
	  .min_len = 12,
	  .code = ICMP4_TYPE_MASK_REPLY },
	{ .name = "extended",
	  .title = "Extended echo request",
	  .rfc = "RFC 8335 section 2",
	  ROWS(extended),
	  .min_len = 8,
	  .code = ICMP4_TYPE_EXTENDED },
	{ .name = "extended-reply",
	  .title = "Extended echo reply",
	  .rfc = "RFC 8335 section 3",
	  ROWS(extended_reply),
	  .min_len = 8,
	  .code = ICMP4_TYPE_EXTENDED_REPLY },
};

static const struct block *icmp_body(const uint8_t *header, size_t len)
{
	for (size_t i = 0; len >= 2 && i < ARRAY_LEN(bodies); i++) {
		bool is_too_big = bodies[i].subcode == ICMP_CODE_TOO_BIG;

		if (bodies[i].code != header[0])
			continue;
		if (header[0] != ICMP4_TYPE_UNREACHABLE ||
		    is_too_big == (header[1] == ICMP_CODE_TOO_BIG))
			return &bodies[i];
	}
	return NULL;
}

void icmp_line_echo(struct buf *b, bool request, const uint8_t *ident)
{
	buf_str(b, request ? "echo request id " : "echo reply id ");
	buf_u64(b, load_be16(ident));
	buf_lit(b, " seq ");
	buf_u64(b, load_be16(ident + 2));
}

void icmp_line_message(struct buf *b, const struct field *types, const struct value_name *codes,
		       const uint8_t *header)
{
	const struct field by_code = { .values = codes };
	const char *name = field_value_name(&by_code, header[1])
				   ?: field_value_name(types, header[0]);

	if (name)
		buf_str(b, name);
	else
		buf_printf(b, "type %u code %u", header[0], header[1]);
}

void icmp_line_extended(struct buf *b, const uint8_t *ident)
{
	buf_lit(b, " id ");
	buf_u64(b, load_be16(ident));
	buf_lit(b, " seq ");
	buf_u64(b, ident[2]);
}

bool icmp_line_quotes(const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];

	return layer + 1 < p->n_layers && l[1].flags & LAYER_QUOTED && !(l->flags & LAYER_QUOTED);
}

/* The names of the codes of a type, or NULL. */
static const struct value_name *codes_of(uint8_t type)
{
	return type == ICMP4_TYPE_UNREACHABLE	  ? unreachable_names
	       : type == ICMP4_TYPE_REDIRECT	  ? redirect_names
	       : type == ICMP4_TYPE_TIME_EXCEEDED ? exceeded_names
	       : type == ICMP4_TYPE_PARAMETER	  ? parameter_names
						  : NULL;
}

static const struct field exchange_rows[] = {
	{ AS_COUNT("icmp.resp_to"), .title = "Answer to packet" },
	{ AS_DURATION("icmp.resptime"), .milli = true, .title = "Time since the request",
	  .about = "Milliseconds" },
};

bool icmp_tell(const struct packet *p, const struct layer *l, const uint8_t *pairs, size_t n_pairs,
	       struct exchange *ret_exchange)
{
	const uint8_t *header = p->bytes + l->off;
	struct exchange e = { .id_len = 5 };

	if (l->header_len < 8)
		return false;
	for (size_t i = 0; i < n_pairs; i++) {
		if (header[0] != pairs[2 * i] && header[0] != pairs[2 * i + 1])
			continue;
		e.answer = header[0] == pairs[2 * i + 1];
		e.id[0] = pairs[2 * i];
		memcpy(e.id + 1, header + 4, 4);
		*ret_exchange = e;
		return true;
	}
	return false;
}

static bool tell(const struct packet *p, const struct layer *l, struct exchange *ret_exchange)
{
	static const uint8_t pairs[] = { ICMP4_TYPE_ECHO,	 ICMP4_TYPE_ECHO_REPLY,
					 ICMP4_TYPE_TIMESTAMP,	 ICMP4_TYPE_TIMESTAMP_REPLY,
					 ICMP4_TYPE_INFORMATION, ICMP4_TYPE_INFORMATION_REPLY,
					 ICMP4_TYPE_MASK,	 ICMP4_TYPE_MASK_REPLY };

	return icmp_tell(p, l, pairs, ARRAY_LEN(pairs) / 2, ret_exchange);
}

static const struct exchange_table exchange = { .tell = tell, ROWS(exchange_rows) };

static void icmp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;

	buf_lit(b, "ICMP ");
	if (l->flags & LAYER_CUT)
		return;
	if (header[0] == ICMP4_TYPE_ECHO || header[0] == ICMP4_TYPE_ECHO_REPLY) {
		icmp_line_echo(b, header[0] == ICMP4_TYPE_ECHO, header + 4);
		return;
	}
	icmp_line_message(b, &fields[0], codes_of(header[0]), header);
	if (header[0] == ICMP4_TYPE_UNREACHABLE && header[1] == ICMP_CODE_TOO_BIG)
		buf_printf(b, ", MTU %u", load_be16(header + 6));
	if ((header[0] == ICMP4_TYPE_EXTENDED || header[0] == ICMP4_TYPE_EXTENDED_REPLY) &&
	    l->header_len >= 8)
		icmp_line_extended(b, header + 4);
	if (header[0] == ICMP4_TYPE_REDIRECT) {
		buf_lit(b, " to ");
		buf_ip4(b, header + 4);
	}
	if (icmp_line_quotes(p, layer))
		buf_lit(b, " for ");
}

const struct protocol protocol_icmp = {
	PROTOCOL_NAME("icmp"),
	.short_name = "ICMP",
	.title = "Internet Control Message Protocol",
	.rfc = "RFC 792",
	.about = "Errors and questions about IPv4 itself: unreachable, time exceeded, echo.",
	ROWS(fields),
	.min_len = 4,
	.select = &fields[0],
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.body = icmp_body,
	.checksum = &fields[2],
	.checksum_kind = CHECKSUM_MESSAGE,
	.line = icmp_line,
	.exchange = &exchange,
};
