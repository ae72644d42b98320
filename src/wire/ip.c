#include "wire/ip.h"

#include <netinet/in.h>

const struct value_name ip_protocol_names[] = {
	{ 0, "IPv6 hop-by-hop options" },
	{ 1, "ICMP" },
	{ 2, "IGMP" },
	{ 3, "GGP" },
	{ 4, "IPv4 encapsulation" },
	{ 5, "Stream" },
	{ 6, "TCP" },
	{ 7, "CBT" },
	{ 8, "EGP" },
	{ 9, "IGP" },
	{ 12, "PUP" },
	{ 16, "Chaos" },
	{ 17, "UDP" },
	{ 22, "XNS IDP" },
	{ 27, "RDP" },
	{ 29, "ISO TP4" },
	{ 33, "DCCP" },
	{ 36, "XTP" },
	{ 41, "IPv6 encapsulation" },
	{ 43, "IPv6 routing" },
	{ 44, "IPv6 fragment" },
	{ 45, "IDRP" },
	{ 46, "RSVP" },
	{ 47, "GRE" },
	{ 48, "DSR" },
	{ 50, "ESP" },
	{ 51, "AH" },
	{ 54, "NARP" },
	{ 55, "Minimal IPv4" },
	{ 58, "ICMPv6" },
	{ 59, "IPv6 no next header" },
	{ 60, "IPv6 destination options" },
	{ 80, "ISO IP" },
	{ 84, "IPTM" },
	{ 88, "EIGRP" },
	{ 89, "OSPF" },
	{ 92, "MTP" },
	{ 93, "AX.25" },
	{ 94, "IPIP" },
	{ 97, "EtherIP" },
	{ 98, "ENCAP" },
	{ 103, "PIM" },
	{ 108, "IPComp" },
	{ 111, "IPX in IP" },
	{ 112, "VRRP" },
	{ 113, "PGM" },
	{ 115, "L2TP" },
	{ 124, "IS-IS over IPv4" },
	{ 132, "SCTP" },
	{ 133, "Fibre Channel" },
	{ 134, "RSVP-E2E-IGNORE" },
	{ 135, "Mobility" },
	{ 136, "UDP-Lite" },
	{ 137, "MPLS in IP" },
	{ 138, "MANET" },
	{ 139, "HIP" },
	{ 140, "Shim6" },
	{ 141, "WESP" },
	{ 142, "ROHC" },
	{ 143, "Ethernet" },
	{ 144, "AGGFRAG" },
	{ 145, "NSH" },
	{ 253, "experiment" },
	{ 254, "experiment" },
	{ 0 },
};

static const struct demux_row by_protocol[] = {
	{ IPPROTO_TCP, PROTOCOL_TCP },	       { IPPROTO_UDP, PROTOCOL_UDP },
	{ IPPROTO_ICMP, PROTOCOL_ICMP },       { IPPROTO_ICMPV6, PROTOCOL_ICMPV6 },
	{ IPPROTO_IGMP, PROTOCOL_IGMP },       { IPPROTO_HOPOPTS, PROTOCOL_HOPOPTS },
	{ IPPROTO_ROUTING, PROTOCOL_ROUTING }, { IPPROTO_FRAGMENT, PROTOCOL_FRAGMENT },
	{ IPPROTO_DSTOPTS, PROTOCOL_DSTOPTS }, { IPPROTO_AH, PROTOCOL_AH },
	{ IPPROTO_ESP, PROTOCOL_ESP },	       { IPPROTO_IPIP, PROTOCOL_IPV4 },
	{ IPPROTO_IPV6, PROTOCOL_IPV6 },       { IPPROTO_NONE, PROTOCOL_DATA },
};
const struct demux demux_ip = { by_protocol, ARRAY_LEN(by_protocol) };

const struct value_name dscp_names[] = {
	{ 0, "default" }, { 1, "lower effort" }, { 8, "CS1" },	{ 10, "AF11" },
	{ 12, "AF12" },	  { 14, "AF13" },	 { 16, "CS2" }, { 18, "AF21" },
	{ 20, "AF22" },	  { 22, "AF23" },	 { 24, "CS3" }, { 26, "AF31" },
	{ 28, "AF32" },	  { 30, "AF33" },	 { 32, "CS4" }, { 34, "AF41" },
	{ 36, "AF42" },	  { 38, "AF43" },	 { 40, "CS5" }, { 44, "voice admit" },
	{ 46, "EF" },	  { 48, "CS6" },	 { 56, "CS7" }, { 0 },
};

const struct value_name ecn_names[] = {
	{ 0, "not ECN-capable" },
	{ 1, "ECN-capable, ECT(1)" },
	{ 2, "ECN-capable, ECT(0)" },
	{ 3, "congestion experienced" },
	{ 0 },
};

/* The header whose ports belong to the addresses of @layer, or NULL. */
static const uint8_t *ports_of(const struct packet *p, size_t layer)
{
	for (size_t i = layer + 1; i < p->n_layers; i++) {
		const struct layer *l = &p->layers[i];

		if (protocols[l->proto]->ports)
			return l->header_len >= 4 ? p->bytes + l->off : NULL;
		if (l->proto < PROTOCOL_HOPOPTS || l->proto > PROTOCOL_AH)
			return NULL;
	}
	return NULL;
}

static void line_address(struct buf *b, const struct name_source *names, const uint8_t *addr,
			 size_t addr_len, const uint8_t *port)
{
	size_t len;
	const char *name = names ? names->find(names, addr, addr_len, &len) : NULL;

	if (name) {
		buf_bytes(b, name, len);
	} else if (addr_len == 4) {
		buf_ip4(b, addr);
	} else {
		if (port)
			buf_char(b, '[');
		buf_ip6(b, addr);
		if (port)
			buf_char(b, ']');
	}
	if (port) {
		buf_char(b, ':');
		buf_u64(b, load_be16(port));
	}
}

void ip_line_addresses(struct buf *b, const struct packet *p, size_t layer, const uint8_t *src,
		       const uint8_t *dst, size_t addr_len)
{
	const uint8_t *ports = ports_of(p, layer);

	line_address(b, p->config->names, src, addr_len, ports);
	buf_lit(b, " > ");
	line_address(b, p->config->names, dst, addr_len, ports ? ports + 2 : NULL);
	buf_char(b, ' ');
	if (layer + 1 < p->n_layers && (p->layers[layer + 1].proto == PROTOCOL_IPV4 ||
					p->layers[layer + 1].proto == PROTOCOL_IPV6))
		buf_lit(b, "carries ");
}

void ip_walk_fragments(struct walk *w, const struct field *rows)
{
	const struct fragment_facts *facts = w->packet->fragments;
	const struct field *flag = rows + 1;

	if (!facts || w->layer != &w->packet->layers[facts->layer])
		return;
	for (uint32_t i = 0; i < facts->n_frames; i++)
		walk_computed(w, rows, facts->frames[i]);
	const bool flags[] = { facts->overlap, facts->conflict, facts->multiple_tails,
			       facts->too_long };

	for (size_t i = 0; i < ARRAY_LEN(flags); i++, flag++)
		if (flags[i])
			walk_computed(w, flag, true);
	walk_computed(w, flag, facts->n_fragments);
	walk_computed(w, flag + 1, facts->len);
}
