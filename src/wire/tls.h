/* Transport Layer Security: records and what of a handshake is not encrypted. */
#ifndef SONDE_WIRE_TLS_H
#define SONDE_WIRE_TLS_H

#include "wire/protocol.h"

extern const struct protocol protocol_tls;

#endif
