/* ICMP of IPv6, with neighbour discovery and its options, and multicast listener discovery. */
#ifndef SONDE_WIRE_ICMPV6_H
#define SONDE_WIRE_ICMPV6_H

#include "wire/protocol.h"

extern const struct protocol protocol_icmpv6;

/* The options of neighbour discovery messages; in a file of their own. */
extern const struct options nd_options;

#endif
