/*
 * PPP (RFC 1661 section 2): a protocol number and what it names. The number has two bytes, or one
 * where both sides agreed on it: the last byte of a number is odd, all before it even. On serial
 * lines HDLC's address and control come first (RFC 1662 section 3.1), a layer of their own here.
 */
#include "wire/ppp.h"

#include "wire/packet.h"

#define HDLC_LEN     2
#define PROTOCOL_LEN 2

const struct value_name ppp_protocol_names[] = {
	{ 0x0001, "padding" },
	{ 0x0021, "IPv4" },
	{ 0x0023, "OSI network layer" },
	{ 0x0029, "AppleTalk" },
	{ 0x002b, "IPX" },
	{ 0x002d, "Van Jacobson compressed TCP/IP" },
	{ 0x002f, "Van Jacobson uncompressed TCP/IP" },
	{ 0x0031, "bridging" },
	{ 0x003d, "multilink" },
	{ 0x0053, "encryption" },
	{ 0x0057, "IPv6" },
	{ 0x0061, "IP header compression, full header" },
	{ 0x00fb, "compression of a single link" },
	{ 0x00fd, "compressed datagram" },
	{ 0x0281, "MPLS" },
	{ 0x0283, "MPLS multicast" },
	{ 0x8021, "IPCP" },
	{ 0x8023, "OSI network layer control" },
	{ 0x8029, "AppleTalk control" },
	{ 0x802b, "IPX control" },
	{ 0x8031, "bridging control" },
	{ 0x8053, "ECP" },
	{ 0x8057, "IPV6CP" },
	{ 0x80fb, "single link compression control" },
	{ 0x80fd, "CCP" },
	{ 0x8281, "MPLS control" },
	{ 0xc021, "LCP" },
	{ 0xc023, "PAP" },
	{ 0xc025, "LQR" },
	{ 0xc02b, "BACP" },
	{ 0xc02d, "BAP" },
	{ 0xc223, "CHAP" },
	{ 0xc227, "EAP" },
	{ 0 },
};

static const struct demux_row by_protocol[] = {
	{ 0x0021, PROTOCOL_IPV4 }, { 0x0057, PROTOCOL_IPV6 },	{ 0xc021, PROTOCOL_LCP },
	{ 0x8021, PROTOCOL_IPCP }, { 0x8057, PROTOCOL_IPV6CP }, { 0xc023, PROTOCOL_PAP },
	{ 0xc223, PROTOCOL_CHAP },
};
static const struct demux demux_ppp = { by_protocol, ARRAY_LEN(by_protocol) };

static const struct field fields_hdlc[] = {
	{ AS_HEX("ppp.address", 0, 8, 2), .title = "Address", .preset = 0xff,
	  .about = "0xff: all stations" },
	{ AS_HEX("ppp.control", BYTE(1), 8, 2), .title = "Control", .preset = 3,
	  .about = "3: unnumbered information" },
};

static const struct field fields[] = {
	{ AS_HEX("ppp.protocol", 0, 16, 4), .title = "Protocol", .preset = 0x0021,
	  .about = "What is inside: 0x00.. data, 0x80.. its control, 0xc0.. the link itself",
	  .values = ppp_protocol_names },
};
static const struct field fields_short[] = {
	{ AS_HEX("ppp.protocol", 0, 8, 4), .title = "Protocol", .preset = 0x21,
	  .about = "One byte, for both sides agreed to leave out the leading zeros",
	  .values = ppp_protocol_names },
};

static const struct block bodies[] = {
	{ .name = "protocol",
	  .title = "Protocol in two bytes",
	  .rfc = "RFC 1661 section 2",
	  ROWS(fields),
	  .min_len = PROTOCOL_LEN },
	{ .name = "compressed",
	  .title = "Protocol in one byte",
	  .rfc = "RFC 1661 section 6.5",
	  ROWS(fields_short),
	  .min_len = 1,
	  .code = 1 },
};

static const struct block *ppp_body(const uint8_t *header, size_t len)
{
	return len ? &bodies[header[0] & 1] : NULL;
}

static uint8_t ppp_step(struct packet *p, struct layer *l, uint8_t next)
{
	const uint8_t *header = p->bytes + l->off;

	return header[0] & 1 ? demux_find(&demux_ppp, header[0]) : next;
}

static uint8_t hdlc_step(struct packet *p, struct layer *l, uint8_t next)
{
	(void)p;
	(void)l;
	(void)next;
	return PROTOCOL_PPP;
}

static void ppp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;
	const char *name;
	uint16_t number;

	if (layer + 1 < p->n_layers && l[1].proto != PROTOCOL_DATA)
		return;
	buf_lit(b, "PPP");
	if (l->flags & LAYER_CUT)
		return;
	number = header[0] & 1 ? header[0] : load_be16(header);
	name = field_value_name(&fields[0], number);
	buf_lit(b, " 0x");
	buf_hex_u64(b, number, 4);
	if (name) {
		buf_char(b, ' ');
		buf_str(b, name);
	}
}

const struct protocol protocol_ppp_hdlc = {
	PROTOCOL_NAME("ppp_hdlc"),
	.short_name = "HDLC",
	.title = "PPP in HDLC-like Framing",
	.rfc = "RFC 1662 section 3.1",
	.about = "Address and control in front of PPP on serial lines; always the same.",
	ROWS(fields_hdlc),
	.min_len = HDLC_LEN,
	.step = hdlc_step,
};

const struct protocol protocol_ppp = {
	PROTOCOL_NAME("ppp"),
	.short_name = "PPP",
	.title = "Point-to-Point Protocol",
	.rfc = "RFC 1661 section 2",
	.about = "Names the protocol inside: packets of a network, or the control of the link.",
	.min_len = PROTOCOL_LEN,
	.select = fields,
	.next = fields,
	.demux = &demux_ppp,
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.body = ppp_body,
	.step = ppp_step,
	.line = ppp_line,
};
