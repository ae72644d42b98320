/* The User Datagram Protocol. */
#ifndef SONDE_WIRE_UDP_H
#define SONDE_WIRE_UDP_H

#include "wire/protocol.h"

extern const struct protocol protocol_udp;

#endif
