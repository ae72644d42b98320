/*
 * The Authentication Header (RFC 4302), whose length counts words of 4 bytes without the first two,
 * and Encapsulating Security Payload (RFC 4303), of which only the first 8 bytes are in clear.
 */
#include "wire/ipsec.h"

#include <netinet/in.h>

#include "wire/packet.h"

static const struct field ah_fields[] = {
	{ AS_UINT("ah.next_header", 0, 8), .title = "Next header", .preset = IPPROTO_NONE,
	  .about = "What follows this header", .values = ip_protocol_names },
	{ AS_UINT("ah.length", BYTE(1), 8), .title = "Length",
	  .about = "In words of 4 bytes, without the first two" },
	{ AS_BYTES("ah.reserved", BYTE(2), 16), .title = "Reserved", .about = "0" },
	{ AS_HEX("ah.spi", BYTE(4), 32, 8), .title = "Security parameters index",
	  .about = "With the destination names the security association" },
	{ AS_UINT("ah.sequence", BYTE(8), 32), .title = "Sequence number",
	  .about = "Against replays" },
	{ AS_BYTES("ah.icv", BYTE(12), 0), .title = "Integrity check value",
	  .about = "Over the packet, without what routers change" },
};

static void ipsec_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;
	const struct protocol *proto = protocols[l->proto];

	buf_str(b, proto->short_name);
	if (l->header_len >= proto->min_len) {
		buf_lit(b, " spi 0x");
		buf_hex_u64(b, load_be32(header + proto->min_len - 8), 8);
		buf_lit(b, " seq ");
		buf_u64(b, load_be32(header + proto->min_len - 4));
	}
	if (layer + 1 < p->n_layers && l[1].proto != PROTOCOL_DATA)
		buf_char(b, ' ');
}

const struct protocol protocol_ah = {
	PROTOCOL_NAME("ah"),
	.short_name = "AH",
	.title = "Authentication Header",
	.rfc = "RFC 4302 section 2",
	.about =
		"Proves who sent the packet and that it was not changed; what follows is in clear.",
	ROWS(ah_fields),
	.min_len = 12,
	.repeats = true,
	.header_len = &ah_fields[1],
	.header_unit = 4,
	.header_add = 8,
	.next = &ah_fields[0],
	.demux = &demux_ip,
	.line = ipsec_line,
};

static const struct field esp_fields[] = {
	{ AS_HEX("esp.spi", 0, 32, 8), .title = "Security parameters index",
	  .about = "With the destination names the security association" },
	{ AS_UINT("esp.sequence", BYTE(4), 32), .title = "Sequence number",
	  .about = "Against replays" },
};

const struct protocol protocol_esp = {
	PROTOCOL_NAME("esp"),
	.short_name = "ESP",
	.title = "Encapsulating Security Payload",
	.rfc = "RFC 4303 section 2",
	.about = "Carries an encrypted packet; what follows these 8 bytes needs the key.",
	ROWS(esp_fields),
	.min_len = 8,
	.line = ipsec_line,
};
