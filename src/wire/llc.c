/*
 * Logical link control (IEEE 802.2 section 3), what follows an 802.3 length: access points, a
 * control field of one or two bytes, and for access point 0xaa the SNAP header (RFC 1042), which
 * names an organization and a protocol of its own, for organization 0 an Ethernet type.
 */
#include "wire/llc.h"

#include "wire/packet.h"

#define LLC_UNNUMBERED_LEN 3
#define LLC_NUMBERED_LEN   4
#define LLC_SNAP_LEN	   8

enum { SAP_IP = 0x06, SAP_SPANNING_TREE = 0x42, SAP_SNAP = 0xaa };

#define UNNUMBERED_INFORMATION 0x03u
#define OUI_CISCO	       0x00000cu

static const struct value_name sap_names[] = {
	{ 0x00, "null" },
	{ 0x02, "LLC management" },
	{ 0x03, "LLC management, group" },
	{ 0x04, "SNA" },
	{ SAP_IP, "IP" },
	{ 0x0e, "PROWAY" },
	{ SAP_SPANNING_TREE, "Spanning tree" },
	{ 0x7e, "X.25" },
	{ 0x80, "XNS" },
	{ SAP_SNAP, "SNAP" },
	{ 0xbc, "Banyan VINES" },
	{ 0xe0, "IPX" },
	{ 0xf0, "NetBIOS" },
	{ 0xf4, "LAN management" },
	{ 0xfe, "ISO network layer" },
	{ 0xff, "global" },
	{ 0 },
};

static const struct value_name control_names[] = {
	{ 0x03, "unnumbered information" },
	{ 0x0f, "disconnected mode" },
	{ 0x43, "disconnect" },
	{ 0x53, "disconnect" },
	{ 0x63, "unnumbered acknowledgement" },
	{ 0x73, "unnumbered acknowledgement" },
	{ 0x6f, "set asynchronous balanced mode" },
	{ 0x7f, "set asynchronous balanced mode" },
	{ 0x87, "frame reject" },
	{ 0xaf, "exchange identification" },
	{ 0xbf, "exchange identification" },
	{ 0xe3, "test" },
	{ 0xf3, "test" },
	{ 0 },
};

static const struct value_name oui_names[] = {
	{ 0x000000, "encapsulated Ethernet" },
	{ 0x00000c, "Cisco" },
	{ 0x0000f8, "Cisco 90-compatible" },
	{ 0x00005e, "IANA" },
	{ 0x0080c2, "IEEE 802.1 bridged" },
	{ 0x080007, "Apple" },
	{ 0 },
};

/* Of Cisco's protocols, the commonest where there are organizations' numbers at all. */
static const struct value_name pid_names[] = {
	{ 0x010b, "PVST+" }, { 0x0111, "UDLD" }, { 0x2000, "CDP" },
	{ 0x2003, "VTP" },   { 0x2004, "DTP" },	 { 0 },
};

static const struct field fields[] = {
	{ AS_HEX("llc.dsap", BYTE(0), 8, 2), .title = "Destination access point", .label = "DSAP",
	  .about = "The protocol that shall receive it", .values = sap_names },
	{ AS_HEX("llc.ssap", BYTE(1), 8, 2), .title = "Source access point", .label = "SSAP",
	  .about = "The protocol that sent it; the last bit says response", .values = sap_names },
};

static const struct field fields_unnumbered[] = {
	{ AS_HEX("llc.control", BYTE(2), 8, 4), .title = "Control",
	  .about = "Kind of message; 3 is unnumbered information", .preset = 3,
	  .values = control_names },
};

static const struct field fields_numbered[] = {
	{ AS_HEX("llc.control", BYTE(2), 16, 4), .title = "Control",
	  .about = "Kind of message and sequence numbers" },
};

static const struct field fields_snap[] = {
	{ AS_HEX("llc.control", BYTE(2), 8, 4), .title = "Control", .preset = 3,
	  .values = control_names },
	{ AS_UINT("llc.oui", BYTE(3), 24), .title = "Organization",
	  .about = "Who defines the protocol number; 0: it is an Ethernet type",
	  .values = oui_names },
	{ AS_HEX("llc.type", BYTE(6), 16, 4), .title = "Type", .about = "The protocol inside",
	  .values = ethertype_names },
};

static const struct field fields_snap_other[] = {
	{ AS_HEX("llc.control", BYTE(2), 8, 4), .title = "Control", .preset = 3,
	  .values = control_names },
	{ AS_UINT("llc.oui", BYTE(3), 24), .title = "Organization", .preset = 0x0080c2,
	  .values = oui_names },
	{ AS_HEX("llc.pid", BYTE(6), 16, 4), .title = "Protocol",
	  .about = "The protocol inside, numbered by that organization" },
};

static const struct field fields_snap_cisco[] = {
	{ AS_HEX("llc.control", BYTE(2), 8, 4), .title = "Control", .preset = 3,
	  .values = control_names },
	{ AS_UINT("llc.oui", BYTE(3), 24), .title = "Organization", .preset = OUI_CISCO,
	  .values = oui_names },
	{ AS_HEX("llc.cisco_pid", BYTE(6), 16, 4), .title = "Protocol", .preset = 0x2000,
	  .about = "The protocol inside, numbered by Cisco", .values = pid_names },
};

static const struct block bodies[] = {
	{ .name = "unnumbered",
	  .title = "Unnumbered format",
	  .rfc = "IEEE 802.2 section 5.4",
	  ROWS(fields_unnumbered),
	  .min_len = LLC_UNNUMBERED_LEN },
	{ .name = "numbered",
	  .title = "Information and supervisory format",
	  .rfc = "IEEE 802.2 section 5.4",
	  ROWS(fields_numbered),
	  .min_len = LLC_NUMBERED_LEN },
	{ .name = "snap",
	  .title = "SNAP with Ethernet type",
	  .rfc = "RFC 1042",
	  ROWS(fields_snap),
	  .min_len = LLC_SNAP_LEN,
	  .code = SAP_SNAP,
	  .subcode = SAP_SNAP },
	{ .name = "snap-other",
	  .title = "SNAP of an organization",
	  .rfc = "IEEE 802 section 9.5",
	  ROWS(fields_snap_other),
	  .min_len = LLC_SNAP_LEN,
	  .code = SAP_SNAP,
	  .subcode = SAP_SNAP },
	{ .name = "snap-cisco",
	  .title = "SNAP of Cisco",
	  .rfc = "IEEE 802 section 9.5",
	  ROWS(fields_snap_cisco),
	  .min_len = LLC_SNAP_LEN,
	  .code = SAP_SNAP,
	  .subcode = SAP_SNAP },
};
enum { BODY_UNNUMBERED, BODY_NUMBERED, BODY_SNAP, BODY_SNAP_OTHER, BODY_SNAP_CISCO };

static const struct block *llc_body(const uint8_t *header, size_t len)
{
	uint32_t oui;

	if (len < LLC_UNNUMBERED_LEN)
		return &bodies[BODY_UNNUMBERED];
	if (header[0] != SAP_SNAP || header[1] != SAP_SNAP || header[2] != UNNUMBERED_INFORMATION)
		return &bodies[(header[2] & 3) == 3 ? BODY_UNNUMBERED : BODY_NUMBERED];
	oui = len < 6 ? 0 : load_be32(header + 2) & 0xffffff;
	return &bodies[!oui ? BODY_SNAP : oui == OUI_CISCO ? BODY_SNAP_CISCO : BODY_SNAP_OTHER];
}

static uint8_t llc_step(struct packet *p, struct layer *l, uint8_t next)
{
	const uint8_t *header = p->bytes + l->off;

	(void)next;
	if (header[2] != UNNUMBERED_INFORMATION)
		return PROTOCOL_DATA;
	if (header[0] == SAP_SPANNING_TREE)
		return PROTOCOL_STP;
	if (header[0] == SAP_IP)
		return PROTOCOL_IPV4;
	if (l->header_len < LLC_SNAP_LEN)
		return PROTOCOL_DATA;
	if (load_be32(header + 2) == (UNNUMBERED_INFORMATION << 24 | OUI_CISCO))
		return load_be16(header + 6) == 0x010b ? PROTOCOL_STP : PROTOCOL_DATA;
	if (header[3] | header[4] | header[5])
		return PROTOCOL_DATA;
	return demux_find(&demux_ethertype, load_be16(header + 6));
}

static void llc_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;
	const char *name = NULL;

	if (layer + 1 < p->n_layers && l[1].proto != PROTOCOL_DATA)
		return;
	buf_lit(b, "LLC");
	if (l->header_len >= LLC_SNAP_LEN && header[0] == SAP_SNAP) {
		buf_lit(b, " SNAP ");
		buf_hex(b, header + 3, 3, ':');
		buf_lit(b, " 0x");
		buf_hex_u64(b, load_be16(header + 6), 4);
		if (load_be32(header + 2) == (UNNUMBERED_INFORMATION << 24 | OUI_CISCO))
			name = field_value_name(&fields_snap_cisco[2], load_be16(header + 6));
	} else if (l->header_len >= LLC_UNNUMBERED_LEN) {
		name = field_value_name(&fields[0], header[0]);
		buf_lit(b, " 0x");
		buf_hex_u64(b, header[0], 2);
	}
	if (name) {
		buf_char(b, ' ');
		buf_str(b, name);
	}
}

const struct protocol protocol_llc = {
	PROTOCOL_NAME("llc"),
	.short_name = "LLC",
	.title = "Logical Link Control",
	.rfc = "IEEE 802.2, RFC 1042",
	.about = "What follows an 802.3 length: which protocol is inside.",
	ROWS(fields),
	.min_len = LLC_UNNUMBERED_LEN,
	.select = fields,
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.body = llc_body,
	.step = llc_step,
	.line = llc_line,
};
