/* The Internet Protocol, version 6, and its extension headers, each a layer of its own. */
#ifndef SONDE_WIRE_IPV6_H
#define SONDE_WIRE_IPV6_H

#include "wire/protocol.h"

extern const struct protocol protocol_ipv6;
extern const struct protocol protocol_hopopts;
extern const struct protocol protocol_routing;
extern const struct protocol protocol_fragment;
extern const struct protocol protocol_dstopts;

#endif
