/* The parts of sonde arp: arp_ask.c asks (resolve, sweep, check), arp_watch.c listens. */
#ifndef SONDE_CLI_ARP_H
#define SONDE_CLI_ARP_H

#include "cli/verb.h"

extern const struct verb verb_arp_resolve, verb_arp_sweep, verb_arp_check, verb_arp_watch;

#endif
