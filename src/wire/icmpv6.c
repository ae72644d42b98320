/*
 * ICMPv6 (RFC 4443; neighbour discovery RFC 4861, listener discovery RFC 2710 and RFC 3810). The
 * type selects the body; errors end in the packet that caused them, neighbour discovery in options.
 */
#include "wire/icmpv6.h"

#include "wire/exchange.h"
#include "wire/icmp.h"
#include "wire/multicast.h"
#include "wire/numbers.h"
#include "wire/packet.h"

static const struct value_name type_names[] = {
	{ 1, "destination unreachable" },
	{ 2, "packet too big" },
	{ 3, "time exceeded" },
	{ 4, "parameter problem" },
	{ 128, "echo request" },
	{ 129, "echo reply" },
	{ 130, "multicast listener query" },
	{ 131, "multicast listener report" },
	{ 132, "multicast listener done" },
	{ 133, "router solicitation" },
	{ 134, "router advertisement" },
	{ 135, "neighbour solicitation" },
	{ 136, "neighbour advertisement" },
	{ 137, "redirect" },
	{ 138, "router renumbering" },
	{ 139, "node information query" },
	{ 140, "node information reply" },
	{ 141, "inverse neighbour solicitation" },
	{ 142, "inverse neighbour advertisement" },
	{ 143, "multicast listener report v2" },
	{ 144, "home agent discovery request" },
	{ 145, "home agent discovery reply" },
	{ 146, "mobile prefix solicitation" },
	{ 147, "mobile prefix advertisement" },
	{ 148, "certification path solicitation" },
	{ 149, "certification path advertisement" },
	{ 151, "multicast router advertisement" },
	{ 152, "multicast router solicitation" },
	{ 153, "multicast router termination" },
	{ 155, "RPL control" },
	{ 157, "duplicate address request" },
	{ 158, "duplicate address confirmation" },
	{ 160, "extended echo request" },
	{ 161, "extended echo reply" },
	{ 0 },
};

static const struct value_name unreachable_names[] = {
	{ 0, "no route to destination" },
	{ 1, "administratively prohibited" },
	{ 2, "beyond scope of source address" },
	{ 3, "address unreachable" },
	{ 4, "port unreachable" },
	{ 5, "source address failed policy" },
	{ 6, "reject route to destination" },
	{ 7, "error in source routing header" },
	{ 8, "headers too long" },
	{ 0 },
};
static const struct value_name exceeded_names[] = {
	{ 0, "hop limit exceeded in transit" },
	{ 1, "reassembly time exceeded" },
	{ 0 },
};
static const struct value_name parameter_names[] = {
	{ 0, "erroneous header field" },
	{ 1, "unrecognized next header" },
	{ 2, "unrecognized option" },
	{ 3, "first fragment has incomplete header chain" },
	{ 4, "segment routing upper-layer error" },
	{ 0 },
};
static const struct value_name preference_names[] = {
	{ 0, "medium" }, { 1, "high" }, { 2, "reserved" }, { 3, "low" }, { 0 },
};
static const struct field fields[] = {
	{ AS_UINT("icmpv6.type", 0, 8), .title = "Type", .preset = ICMP6_TYPE_ECHO,
	  .about = "What the message says; below 128 an error", .values = type_names },
	{ AS_UINT("icmpv6.code", BYTE(1), 8), .title = "Code", .about = "What exactly, by type" },
	{ AS_HEX("icmpv6.checksum", BYTE(2), 16, 4), .title = "Checksum",
	  .about = "Over a pseudo header with the IPv6 addresses, and the message" },
};

#define QUOTED "the packet that caused it follows, as much as fits into 1280 bytes"
#define RESERVED_ROW(byte, width)                                                      \
	{                                                                              \
		AS_BYTES("icmpv6.reserved", BYTE(byte), (width)), .title = "Reserved", \
								  .about = "0"         \
	}

static const struct field error[] = {
	{ AS_UINT("icmpv6.length", BYTE(4), 8), .title = "Length",
	  .about = "Of the packet quoted, in units of 8 bytes (RFC 4884); " QUOTED },
	RESERVED_ROW(5, 24),
};
static const struct field too_big[] = {
	{ AS_UINT("icmpv6.mtu", BYTE(4), 32), .title = "MTU", .about = "Of the next hop; " QUOTED },
};
static const struct field parameter[] = {
	{ AS_UINT("icmpv6.pointer", BYTE(4), 32), .title = "Pointer",
	  .about = "The byte that is wrong; " QUOTED },
};
static const struct field echo[] = {
	{ AS_HEX("icmpv6.echo.identifier", BYTE(4), 16, 4), .title = "Identifier",
	  .about = "Tells the senders of one host apart" },
	{ AS_UINT("icmpv6.echo.sequence_number", BYTE(6), 16), .title = "Sequence number",
	  .about = "Counts the requests" },
};

#define GROUP_ROW                                                                 \
	{                                                                         \
		AS_IP6("icmpv6.mld.multicast_address", BYTE(8)),                  \
			.title = "Multicast address",                             \
			.about = "The group asked for or listened to; :: for all" \
	}

static const struct field listener[] = {
	{ AS_UINT("icmpv6.mld.maximum_response_delay", BYTE(4), 16),
	  .title = "Maximum response delay", .label = "Max response delay",
	  .about = "Milliseconds" },
	RESERVED_ROW(6, 16),
	GROUP_ROW,
};
static const struct field query2[] = {
	{ AS_UINT("icmpv6.mld.maximum_response_code", BYTE(4), 16),
	  .title = "Maximum response code", .label = "Max response code",
	  .about = "Milliseconds; from 32768 in floating point" },
	RESERVED_ROW(6, 16),
	GROUP_ROW,
	{ AS_HEX("icmpv6.mld.flag", BYTE(24), 8, 2), .title = "Flags" },
	{ AS_UINT("icmpv6.mld.flag.reserved", BYTE(24), 4), .depth = 1, .title = "Reserved",
	  .label = "Resv" },
	{ AS_FLAG("icmpv6.mld.flag.s", BYTE(24) + 4), .depth = 1,
	  .title = "Suppress router-side processing", .label = "S" },
	{ AS_UINT("icmpv6.mld.flag.qrv", BYTE(24) + 5, 3), .depth = 1,
	  .title = "Querier's robustness", .label = "QRV" },
	{ AS_UINT("icmpv6.mld.qqi", BYTE(25), 8), .title = "Querier's query interval",
	  .label = "QQIC", .about = "Seconds; from 128 in floating point" },
	{ AS_UINT("icmpv6.mld.nb_sources", BYTE(26), 16), .title = "Number of sources" },
	{ AS_IP6("icmpv6.mld.source_address", BYTE(28)), .repeats = true,
	  .title = "Source address" },
};
static const struct field router_solicit[] = { RESERVED_ROW(4, 32) };
static const struct field router_advert[] = {
	{ AS_UINT("icmpv6.nd.ra.cur_hop_limit", BYTE(4), 8), .title = "Current hop limit",
	  .label = "Cur hop limit", .about = "What hosts shall put into packets; 0: not said" },
	{ AS_HEX("icmpv6.nd.ra.flag", BYTE(5), 8, 2), .title = "Flags" },
	{ AS_FLAG("icmpv6.nd.ra.flag.m", BYTE(5)), .depth = 1, .title = "Managed addresses",
	  .label = "M", .about = "Addresses from DHCPv6" },
	{ AS_FLAG("icmpv6.nd.ra.flag.o", BYTE(5) + 1), .depth = 1, .title = "Other configuration",
	  .label = "O", .about = "DNS and others from DHCPv6" },
	{ AS_FLAG("icmpv6.nd.ra.flag.h", BYTE(5) + 2), .depth = 1, .title = "Home agent",
	  .label = "H" },
	{ AS_UINT("icmpv6.nd.ra.flag.prf", BYTE(5) + 3, 2), .depth = 1,
	  .title = "Default router preference", .label = "Prf", .about = "RFC 4191",
	  .values = preference_names },
	{ AS_FLAG("icmpv6.nd.ra.flag.p", BYTE(5) + 5), .depth = 1, .title = "Proxy", .label = "P" },
	{ AS_UINT("icmpv6.nd.ra.flag.rsv", BYTE(5) + 6, 2), .depth = 1, .title = "Reserved",
	  .label = "Rsv" },
	{ AS_UINT("icmpv6.nd.ra.router_lifetime", BYTE(6), 16), .title = "Router lifetime",
	  .preset = 1800, .about = "Seconds; 0: not a default router" },
	{ AS_UINT("icmpv6.nd.ra.reachable_time", BYTE(8), 32), .title = "Reachable time",
	  .about = "Milliseconds that a neighbour counts as reachable; 0: not said" },
	{ AS_UINT("icmpv6.nd.ra.retrans_timer", BYTE(12), 32), .title = "Retransmission timer",
	  .about = "Milliseconds between solicitations; 0: not said" },
};
static const struct field neighbour_solicit[] = {
	RESERVED_ROW(4, 32),
	{ AS_IP6("icmpv6.nd.ns.target_address", BYTE(8)), .title = "Target address",
	  .about = "Whose MAC address is wanted" },
};
static const struct field neighbour_advert[] = {
	{ AS_HEX("icmpv6.nd.na.flag", BYTE(4), 32, 8), .title = "Flags" },
	{ AS_FLAG("icmpv6.nd.na.flag.r", BYTE(4)), .depth = 1, .title = "Router", .label = "R",
	  .about = "The sender is a router" },
	{ AS_FLAG("icmpv6.nd.na.flag.s", BYTE(4) + 1), .depth = 1, .title = "Solicited",
	  .label = "S", .about = "An answer to a solicitation" },
	{ AS_FLAG("icmpv6.nd.na.flag.o", BYTE(4) + 2), .depth = 1, .title = "Override",
	  .label = "O", .about = "Replaces what is in caches" },
	{ AS_UINT("icmpv6.nd.na.flag.rsv", BYTE(4) + 3, 29), .depth = 1, .title = "Reserved" },
	{ AS_IP6("icmpv6.nd.na.target_address", BYTE(8)), .title = "Target address",
	  .about = "Whose MAC address is told" },
};
static const struct field redirect[] = {
	RESERVED_ROW(4, 32),
	{ AS_IP6("icmpv6.nd.rd.target_address", BYTE(8)), .title = "Target address",
	  .about = "The better next hop" },
	{ AS_IP6("icmpv6.rd.na.destination_address", BYTE(24)), .title = "Destination address",
	  .about = "For packets to this address" },
};
static const struct field report2[] = {
	RESERVED_ROW(4, 16),
	{ AS_UINT("icmpv6.mldr.nb_mcast_records", BYTE(6), 16), .title = "Number of records" },
};

static const struct field extended[] = {
	{ AS_HEX("icmpv6.echo.identifier", BYTE(4), 16, 4), .title = "Identifier" },
	{ AS_UINT("icmpv6.ext.echo.seq", BYTE(6), 8), .title = "Sequence number",
	  .about = "Counts the requests" },
	{ AS_HEX("icmpv6.ext.echo.req.res", BYTE(7), 7, 2), .title = "Reserved" },
	{ AS_FLAG("icmpv6.ext.echo.req.local", BYTE(7) + 7), .title = "Local",
	  .about = "The interface asked about is of the host that answers" },
};
static const struct field extended_reply[] = {
	{ AS_HEX("icmpv6.echo.identifier", BYTE(4), 16, 4), .title = "Identifier" },
	{ AS_UINT("icmpv6.ext.echo.seq", BYTE(6), 8), .title = "Sequence number" },
	{ AS_UINT("icmpv6.ext.echo.rsp.state", BYTE(7), 3), .title = "State",
	  .about = "Of a neighbour that was asked about", .values = icmp_extended_states },
	{ AS_HEX("icmpv6.ext.echo.rsp.res", BYTE(7) + 3, 2, 2), .title = "Reserved" },
	{ AS_FLAG("icmpv6.ext.echo.rsp.active", BYTE(7) + 5), .title = "Active",
	  .about = "The interface is up" },
	{ AS_FLAG("icmpv6.ext.echo.rsp.ipv4", BYTE(7) + 6), .title = "IPv4 runs on it" },
	{ AS_FLAG("icmpv6.ext.echo.rsp.ipv6", BYTE(7) + 7), .title = "IPv6 runs on it" },
};

#define BODY(n, t, r, rows, len, type) \
	.name = (n), .title = (t), .rfc = (r), ROWS(rows), .min_len = (len), .code = (type)

/* Both versions of the listener query have one type; the first row of the type is the default. */
static const struct block bodies[] = {
	{ BODY("unreachable", "Destination unreachable", "RFC 4443 section 3.1", error, 8,
	       ICMP6_TYPE_UNREACHABLE),
	  .quotes = true },
	{ BODY("too-big", "Packet too big", "RFC 4443 section 3.2", too_big, 8, ICMP6_TYPE_TOO_BIG),
	  .quotes = true },
	{ BODY("exceeded", "Time exceeded", "RFC 4443 section 3.3", error, 8,
	       ICMP6_TYPE_TIME_EXCEEDED),
	  .quotes = true },
	{ BODY("parameter", "Parameter problem", "RFC 4443 section 3.4", parameter, 8,
	       ICMP6_TYPE_PARAMETER),
	  .quotes = true },
	{ BODY("echo", "Echo request", "RFC 4443 section 4.1", echo, 8, ICMP6_TYPE_ECHO) },
	{ BODY("echo-reply", "Echo reply", "RFC 4443 section 4.2", echo, 8,
	       ICMP6_TYPE_ECHO_REPLY) },
	{ BODY("mld-query", "Multicast listener query", "RFC 2710 section 3", listener, 24,
	       ICMP6_TYPE_MLD_QUERY) },
	{ BODY("mld-query2", "Multicast listener query, version 2", "RFC 3810 section 5.1", query2,
	       28, ICMP6_TYPE_MLD_QUERY),
	  .has_options = true },
	{ BODY("mld-report", "Multicast listener report", "RFC 2710 section 3", listener, 24,
	       ICMP6_TYPE_MLD_REPORT) },
	{ BODY("mld-done", "Multicast listener done", "RFC 2710 section 3", listener, 24,
	       ICMP6_TYPE_MLD_DONE) },
	{ BODY("rs", "Router solicitation", "RFC 4861 section 4.1", router_solicit, 8,
	       ICMP6_TYPE_ROUTER_SOLICIT),
	  .has_options = true },
	{ BODY("ra", "Router advertisement", "RFC 4861 section 4.2", router_advert, 16,
	       ICMP6_TYPE_ROUTER_ADVERT),
	  .has_options = true },
	{ BODY("ns", "Neighbour solicitation", "RFC 4861 section 4.3", neighbour_solicit, 24,
	       ICMP6_TYPE_NEIGHBOUR_SOLICIT),
	  .has_options = true },
	{ BODY("na", "Neighbour advertisement", "RFC 4861 section 4.4", neighbour_advert, 24,
	       ICMP6_TYPE_NEIGHBOUR_ADVERT),
	  .has_options = true },
	{ BODY("redirect", "Redirect", "RFC 4861 section 4.5", redirect, 40, ICMP6_TYPE_REDIRECT),
	  .has_options = true },
	{ BODY("mld-report2", "Multicast listener report, version 2", "RFC 3810 section 5.2",
	       report2, 8, ICMP6_TYPE_MLD2_REPORT),
	  .has_options = true },
	{ BODY("extended", "Extended echo request", "RFC 8335 section 2", extended, 8,
	       ICMP6_TYPE_EXTENDED) },
	{ BODY("extended-reply", "Extended echo reply", "RFC 8335 section 3", extended_reply, 8,
	       ICMP6_TYPE_EXTENDED_REPLY) },
};
enum { BODY_QUERY2 = 7 };

static const struct block *icmpv6_body(const uint8_t *header, size_t len)
{
	if (len >= 28 && header[0] == ICMP6_TYPE_MLD_QUERY)
		return &bodies[BODY_QUERY2];
	for (size_t i = 0; len && i < ARRAY_LEN(bodies); i++)
		if (bodies[i].code == header[0])
			return &bodies[i];
	return NULL;
}

static const struct field record_group = {
	AS_GROUP("icmpv6.mldr.mar", 0),
	.repeats = true,
	.title = "Record",
};
static const struct field record_fields[] = {
	{ AS_UINT("icmpv6.mldr.mar.record_type", 0, 8), .title = "Type",
	  .values = multicast_record_names },
	{ AS_UINT("icmpv6.mldr.mar.aux_data_len", BYTE(1), 8), .title = "Auxiliary data length",
	  .about = "In words of 4 bytes" },
	{ AS_UINT("icmpv6.mldr.mar.nb_sources", BYTE(2), 16), .title = "Number of sources" },
	{ AS_IP6("icmpv6.mldr.mar.multicast_address", BYTE(4)), .title = "Multicast address" },
};
static const struct field record_source = {
	AS_IP6("icmpv6.mldr.mar.source_address", BYTE(20)),
	.repeats = true,
	.title = "Source address",
};
static const struct field record_auxiliary = {
	AS_BYTES("icmpv6.mldr.mar.auxiliary_data", 0, 0),
	.title = "Auxiliary data",
};
static const struct rows more_rows[] = {
	{ &record_group, 1 },
	{ record_fields, ARRAY_LEN(record_fields) },
	{ &record_source, 1 },
	{ &record_auxiliary, 1 },
};

static const struct multicast_record record = {
	.group = &record_group,
	.head = record_fields,
	.n_head = ARRAY_LEN(record_fields),
	.source = &record_source,
	.auxiliary = &record_auxiliary,
	.address_len = 16,
};

static void icmpv6_walk(struct walk *w)
{
	const uint8_t *header = w->packet->bytes + w->layer->off;
	const struct block *body = icmpv6_body(header, w->end - w->layer->off);
	uint32_t off = w->layer->off;

	if (!body || !walk_rows(w, body->fields, body->n_fields, off, w->end, 0))
		return;
	if (header[0] == ICMP6_TYPE_MLD2_REPORT)
		multicast_walk_records(w, &record, off + body->min_len);
	else if (body->has_options && body != &bodies[BODY_QUERY2])
		walk_options(w, &nd_options, off + body->min_len, w->end);
}

/* The link-layer address among the options from @at, or NULL. */
static const uint8_t *link_address(const uint8_t *at, const uint8_t *end)
{
	while (end - at >= 8 && at[1] && at[1] * 8 <= end - at) {
		if (at[0] == ND_OPTION_SOURCE_LINK || at[0] == ND_OPTION_TARGET_LINK)
			return at + 2;
		at += at[1] * 8;
	}
	return NULL;
}

static void line_neighbour(struct buf *b, const uint8_t *header, uint32_t len)
{
	bool solicit = header[0] == ICMP6_TYPE_NEIGHBOUR_SOLICIT;
	const uint8_t *mac = link_address(header + 24, header + len);

	if (solicit)
		buf_lit(b, "who has ");
	buf_ip6(b, header + 8);
	buf_str(b, solicit ? "?" : " is");
	if (mac) {
		buf_str(b, solicit ? " tell " : " at ");
		buf_mac(b, mac);
	}
	if (!solicit && header[4] & 0x80)
		buf_lit(b, " router");
}

/* The names of the codes of a type, or NULL. */
static const struct value_name *codes_of(uint8_t type)
{
	return type == ICMP6_TYPE_UNREACHABLE	  ? unreachable_names
	       : type == ICMP6_TYPE_TIME_EXCEEDED ? exceeded_names
	       : type == ICMP6_TYPE_PARAMETER	  ? parameter_names
						  : NULL;
}

static void icmpv6_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;

	buf_lit(b, "ICMPv6 ");
	if (l->flags & LAYER_CUT)
		return;
	if (header[0] == ICMP6_TYPE_ECHO || header[0] == ICMP6_TYPE_ECHO_REPLY) {
		icmp_line_echo(b, header[0] == ICMP6_TYPE_ECHO, header + 4);
		return;
	}
	if ((header[0] == ICMP6_TYPE_NEIGHBOUR_SOLICIT ||
	     header[0] == ICMP6_TYPE_NEIGHBOUR_ADVERT) &&
	    l->header_len >= 24) {
		line_neighbour(b, header, l->header_len);
		return;
	}
	icmp_line_message(b, &fields[0], codes_of(header[0]), header);
	if ((header[0] == ICMP6_TYPE_EXTENDED || header[0] == ICMP6_TYPE_EXTENDED_REPLY) &&
	    l->header_len >= 8)
		icmp_line_extended(b, header + 4);
	if (header[0] == ICMP6_TYPE_TOO_BIG)
		buf_printf(b, ", MTU %u", load_be32(header + 4));
	if (icmp_line_quotes(p, layer))
		buf_lit(b, " for ");
}

static const struct field exchange_rows[] = {
	{ AS_COUNT("icmpv6.resp_to"), .title = "Answer to packet" },
	{ AS_DURATION("icmpv6.resptime"), .milli = true, .title = "Time since the request",
	  .about = "Milliseconds" },
};

static bool tell(const struct packet *p, const struct layer *l, struct exchange *ret_exchange)
{
	static const uint8_t pair[] = { ICMP6_TYPE_ECHO, ICMP6_TYPE_ECHO_REPLY };

	return icmp_tell(p, l, pair, 1, ret_exchange);
}

static const struct exchange_table exchange = { .tell = tell, ROWS(exchange_rows) };

const struct protocol protocol_icmpv6 = {
	PROTOCOL_NAME("icmpv6"),
	.short_name = "ICMPv6",
	.title = "Internet Control Message Protocol v6",
	.rfc = "RFC 4443 section 2.1",
	.about = "Errors and questions about IPv6, finding routers and neighbours, groups.",
	ROWS(fields),
	.min_len = 4,
	.select = &fields[0],
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.body = icmpv6_body,
	.options = &nd_options,
	.checksum = &fields[2],
	.checksum_kind = CHECKSUM_PSEUDO,
	.walk = icmpv6_walk,
	.more_rows = more_rows,
	.n_more_rows = ARRAY_LEN(more_rows),
	.line = icmpv6_line,
	.exchange = &exchange,
};
