/* sonde arp: which MAC address has an IPv4 address, who has any, is it used, what changes. */
#include "cli/arp.h"
#include "cli/verbs.h"

static const struct verb *const subverbs[] = {
	&verb_arp_resolve, &verb_arp_sweep, &verb_arp_check, &verb_arp_watch, NULL,
};

const struct verb verb_arp = {
	.name = "arp",
	.summary = "MAC addresses on the links of this machine: resolve, sweep, check, watch",
	.about = "Asks and listens with ARP (RFC 826), for IPv4 on Ethernet. For IPv6, sonde hosts "
		 "uses neighbour solicitation.",
	.subverbs = subverbs,
};
