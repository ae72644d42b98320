/* How the sides of a PPP link prove who they are: PAP with a password, CHAP without telling it. */
#ifndef SONDE_WIRE_PPP_AUTH_H
#define SONDE_WIRE_PPP_AUTH_H

#include "wire/protocol.h"

extern const struct protocol protocol_pap;
extern const struct protocol protocol_chap;

#endif
