/* ARP on Ethernet (RFC 826), for those who listen. */
#ifndef SONDE_PROBE_ARP_H
#define SONDE_PROBE_ARP_H

#include "base/addr.h"

struct arp_packet {
	uint16_t op; /* ARP_OP_REQUEST, ARP_OP_REPLY, others */
	struct mac sender_mac, target_mac;
	struct addr sender, target; /* 0.0.0.0 as sender: a probe (RFC 5227) */
};

/**
 * arp_parse() - decode an Ethernet frame that holds ARP for IPv4 (RFC 826)
 * @frame: @len bytes, untrusted, from the Ethernet header on
 * Return: 0, -E_TRUNCATED, -E_MALFORMED (another protocol or hardware).
 */
MUST_CHECK int arp_parse(const void *frame, size_t len, struct arp_packet *ret_arp);

#endif
