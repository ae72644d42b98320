/* IPsec's headers: authentication in clear, and what is visible of encrypted payloads. */
#ifndef SONDE_WIRE_IPSEC_H
#define SONDE_WIRE_IPSEC_H

#include "wire/protocol.h"

extern const struct protocol protocol_ah;
extern const struct protocol protocol_esp;

#endif
