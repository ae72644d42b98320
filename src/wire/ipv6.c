/*
 * IPv6 (RFC 8200). The payload length is 0 in jumbograms (RFC 2675), whose length is in a
 * hop-by-hop option: the packet then goes on to the end of what carries it.
 */
#include "wire/ipv6.h"

#include <netinet/in.h>

#include "wire/ip.h"
#include "wire/numbers.h"

static const struct field fields[] = {
	{ AS_UINT("ipv6.version", 0, 4), .title = "Version", .preset = 6, .about = "6" },
	{ AS_HEX("ipv6.tclass", 4, 8, 8), .title = "Traffic class",
	  .about = "How routers shall treat it" },
	{ AS_UINT("ipv6.tclass.dscp", 4, 6), .depth = 1, .title = "Code point", .label = "DSCP",
	  .about = "Class of treatment (RFC 2474)", .values = dscp_names },
	{ AS_UINT("ipv6.tclass.ecn", 10, 2), .depth = 1, .title = "Congestion notification",
	  .label = "ECN", .about = "Routers mark 3 instead of dropping (RFC 3168)",
	  .values = ecn_names },
	{ AS_HEX("ipv6.flow", 12, 20, 6), .title = "Flow label",
	  .about = "The same for all packets of one flow (RFC 6437)" },
	{ AS_UINT("ipv6.plen", BYTE(4), 16), .title = "Payload length",
	  .about = "Bytes after this header, extension headers included" },
	{ AS_UINT("ipv6.nxt", BYTE(6), 8), .title = "Next header", .preset = IPPROTO_NONE,
	  .about = "What follows: an extension header or the transport protocol",
	  .values = ip_protocol_names },
	{ AS_UINT("ipv6.hlim", BYTE(7), 8), .title = "Hop limit", .preset = 64,
	  .about = "Each router takes one off; at 0 it is dropped" },
	{ AS_IP6("ipv6.src", BYTE(8)), .title = "Source address" },
	{ AS_IP6("ipv6.dst", BYTE(24)), .title = "Destination address" },
};

enum { ROW_PLEN = 5, ROW_NXT = 6 };

static uint8_t ipv6_step(struct packet *p, struct layer *l, uint8_t next)
{
	const uint8_t *header = p->bytes + l->off;
	uint16_t len = load_be16(header + 4);

	if (header[0] >> 4 != 6)
		return packet_fails(p, l, -E_MALFORMED, l->off);
	if (len || header[6] != IPPROTO_HOPOPTS)
		(void)packet_announce(p, l, IP6_HEADER_LEN + (uint64_t)len); /* never too short */
	return next;
}

static void ipv6_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;
	const char *name;

	if (l->header_len < IP6_HEADER_LEN) {
		buf_lit(b, "IPv6");
		return;
	}
	ip_line_addresses(b, p, layer, header + 8, header + 24, 16);
	if (layer + 1 < p->n_layers && l[1].proto != PROTOCOL_DATA)
		return;
	name = field_value_name(&fields[ROW_NXT], header[6]);
	if (name) {
		buf_str(b, name);
	} else {
		buf_lit(b, "protocol ");
		buf_u64(b, header[6]);
	}
}

const struct protocol protocol_ipv6 = {
	PROTOCOL_NAME("ipv6"),
	.short_name = "IPv6",
	.title = "Internet Protocol Version 6",
	.rfc = "RFC 8200 section 3",
	.about = "Carries packets from host to host across networks, best effort. "
		 "Options are in extension headers that follow.",
	ROWS(fields),
	.min_len = IP6_HEADER_LEN,
	.total_len = &fields[ROW_PLEN],
	.total_add = IP6_HEADER_LEN,
	.step_measures = true,
	.next = &fields[ROW_NXT],
	.demux = &demux_ip,
	.step = ipv6_step,
	.line = ipv6_line,
};
