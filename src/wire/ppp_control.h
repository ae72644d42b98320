/* PPP's control protocols: of the link (LCP) and of the networks on it (IPCP, IPV6CP). */
#ifndef SONDE_WIRE_PPP_CONTROL_H
#define SONDE_WIRE_PPP_CONTROL_H

#include "wire/protocol.h"

extern const struct protocol protocol_lcp;
extern const struct protocol protocol_ipcp;
extern const struct protocol protocol_ipv6cp;

#endif
