#include "wire/protocol.h"

#include <strings.h>

#include "wire/arp.h"
#include "wire/cooked.h"
#include "wire/data.h"
#include "wire/dhcp.h"
#include "wire/dhcpv6.h"
#include "wire/dns.h"
#include "wire/ethernet.h"
#include "wire/frame.h"
#include "wire/ftp.h"
#include "wire/http.h"
#include "wire/icmp.h"
#include "wire/icmpv6.h"
#include "wire/igmp.h"
#include "wire/imap.h"
#include "wire/ipsec.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/llc.h"
#include "wire/lldp.h"
#include "wire/ntp.h"
#include "wire/rtp.h"
#include "wire/stun.h"
#include "wire/syslog.h"
#include "wire/ppp.h"
#include "wire/ppp_auth.h"
#include "wire/ppp_control.h"
#include "wire/pppoe.h"
#include "wire/snmp.h"
#include "wire/pop.h"
#include "wire/smtp.h"
#include "wire/stp.h"
#include "wire/tcp.h"
#include "wire/tls.h"
#include "wire/udp.h"
#include "wire/vlan.h"

/* One a line: */
/* clang-format off */
const struct protocol *const protocols[N_PROTOCOLS] = {
	[PROTOCOL_FRAME] = &protocol_frame,
	[PROTOCOL_ETHERNET] = &protocol_ethernet,
	[PROTOCOL_LLC] = &protocol_llc,
	[PROTOCOL_VLAN] = &protocol_vlan,
	[PROTOCOL_8021AD] = &protocol_8021ad,
	[PROTOCOL_PPPOED] = &protocol_pppoed,
	[PROTOCOL_PPPOES] = &protocol_pppoes,
	[PROTOCOL_PPP_HDLC] = &protocol_ppp_hdlc,
	[PROTOCOL_PPP] = &protocol_ppp,
	[PROTOCOL_LCP] = &protocol_lcp,
	[PROTOCOL_IPCP] = &protocol_ipcp,
	[PROTOCOL_IPV6CP] = &protocol_ipv6cp,
	[PROTOCOL_PAP] = &protocol_pap,
	[PROTOCOL_CHAP] = &protocol_chap,
	[PROTOCOL_SLL] = &protocol_sll,
	[PROTOCOL_SLL2] = &protocol_sll2,
	[PROTOCOL_NULL] = &protocol_null,
	[PROTOCOL_STP] = &protocol_stp,
	[PROTOCOL_LLDP] = &protocol_lldp,
	[PROTOCOL_ARP] = &protocol_arp,
	[PROTOCOL_IPV4] = &protocol_ipv4,
	[PROTOCOL_IPV6] = &protocol_ipv6,
	[PROTOCOL_HOPOPTS] = &protocol_hopopts,
	[PROTOCOL_ROUTING] = &protocol_routing,
	[PROTOCOL_FRAGMENT] = &protocol_fragment,
	[PROTOCOL_DSTOPTS] = &protocol_dstopts,
	[PROTOCOL_AH] = &protocol_ah,
	[PROTOCOL_ESP] = &protocol_esp,
	[PROTOCOL_ICMP] = &protocol_icmp,
	[PROTOCOL_ICMPV6] = &protocol_icmpv6,
	[PROTOCOL_IGMP] = &protocol_igmp,
	[PROTOCOL_UDP] = &protocol_udp,
	[PROTOCOL_TCP] = &protocol_tcp,
	[PROTOCOL_SNMP] = &protocol_snmp,
	[PROTOCOL_TLS] = &protocol_tls,
	[PROTOCOL_HTTP] = &protocol_http,
	[PROTOCOL_FTP] = &protocol_ftp,
	[PROTOCOL_FTP_DATA] = &protocol_ftp_data,
	[PROTOCOL_SMTP] = &protocol_smtp,
	[PROTOCOL_POP] = &protocol_pop,
	[PROTOCOL_IMAP] = &protocol_imap,
	[PROTOCOL_DNS] = &protocol_dns,
	[PROTOCOL_MDNS] = &protocol_mdns,
	[PROTOCOL_LLMNR] = &protocol_llmnr,
	[PROTOCOL_DHCP] = &protocol_dhcp,
	[PROTOCOL_DHCPV6] = &protocol_dhcpv6,
	[PROTOCOL_NTP] = &protocol_ntp,
	[PROTOCOL_STUN] = &protocol_stun,
	[PROTOCOL_RTP] = &protocol_rtp,
	[PROTOCOL_RTCP] = &protocol_rtcp,
	[PROTOCOL_SYSLOG] = &protocol_syslog,
	[PROTOCOL_DATA] = &protocol_data,
};
/* clang-format on */

/* What people type beside Wireshark's names. */
static const struct {
	const char *name;
	uint8_t protocol;
} other_names[] = {
	{ "ssl", PROTOCOL_TLS },
	{ "ethernet", PROTOCOL_ETHERNET },
	{ "ipv4", PROTOCOL_IPV4 },
	{ "ip4", PROTOCOL_IPV4 },
	{ "ip6", PROTOCOL_IPV6 },
	{ "hopopts", PROTOCOL_HOPOPTS },
	{ "hop-by-hop", PROTOCOL_HOPOPTS },
	{ "routing", PROTOCOL_ROUTING },
	{ "fragment", PROTOCOL_FRAGMENT },
	{ "fraghdr", PROTOCOL_FRAGMENT },
	{ "dstopts", PROTOCOL_DSTOPTS },
	{ "icmp4", PROTOCOL_ICMP },
	{ "icmpv4", PROTOCOL_ICMP },
	{ "icmp6", PROTOCOL_ICMPV6 },
	{ "ndp", PROTOCOL_ICMPV6 },
	{ "mld", PROTOCOL_ICMPV6 },
	{ "802.1q", PROTOCOL_VLAN },
	{ "802.1ad", PROTOCOL_8021AD },
	{ "qinq", PROTOCOL_8021AD },
	{ "pop3", PROTOCOL_POP },
	{ "imap4", PROTOCOL_IMAP },
};

static bool same(const char *a, const char *name, size_t len)
{
	return strlen(a) == len && !strncasecmp(a, name, len);
}

uint8_t protocol_find(const char *name, size_t len)
{
	for (unsigned i = PROTOCOL_NONE + 1; i < N_PROTOCOLS; i++)
		if (same(protocols[i]->name, name, len))
			return (uint8_t)i;
	for (size_t i = 0; i < ARRAY_LEN(other_names); i++)
		if (same(other_names[i].name, name, len))
			return other_names[i].protocol;
	return PROTOCOL_NONE;
}

/*
 * Those whose content proves them, the surest first, and the first bytes that they can have: most
 * payloads begin otherwise.
 */
/* clang-format off */
static const struct {
	uint8_t protocol, first, last;
} guessable[] = {
	{ PROTOCOL_TLS, 0x16, 0x16 },
	{ PROTOCOL_HTTP, 'A', 'Z' },
	{ PROTOCOL_SMTP, '2', 'l' },
	{ PROTOCOL_FTP, '2', '2' },
	{ PROTOCOL_POP, '+', '+' },
	{ PROTOCOL_IMAP, '*', '*' },
	{ PROTOCOL_SNMP, 0x30, 0x30 },
	{ PROTOCOL_DHCP, 1, 2 },
	{ PROTOCOL_STUN, 0, 0x3f },
	{ PROTOCOL_RTCP, 0x80, 0xbf },
	{ PROTOCOL_SYSLOG, '0', '<' },
};
/* clang-format on */

uint8_t protocol_guess(const uint8_t *bytes, size_t len, bool stream)
{
	for (size_t i = 0; i < ARRAY_LEN(guessable) && len; i++)
		if (bytes[0] >= guessable[i].first && bytes[0] <= guessable[i].last &&
		    protocols[guessable[i].protocol]->guess(bytes, len, stream))
			return guessable[i].protocol;
	return PROTOCOL_DATA;
}

const struct block *protocol_body(const struct protocol *p, const uint8_t *header, size_t len)
{
	uint64_t code;

	if (p->body)
		return p->body(header, len);
	if (!p->select || len < p->min_len)
		return NULL;
	code = field_load(p->select, header + p->select->bit / 8);
	for (size_t i = 0; i < p->n_bodies; i++)
		if (p->bodies[i].code == code)
			return &p->bodies[i];
	return NULL;
}
