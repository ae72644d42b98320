/* PPP over Ethernet: finding an access concentrator, and the session with it. */
#ifndef SONDE_WIRE_PPPOE_H
#define SONDE_WIRE_PPPOE_H

#include "wire/protocol.h"

extern const struct protocol protocol_pppoed;
extern const struct protocol protocol_pppoes;

#endif
