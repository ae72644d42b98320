/* The Internet Protocol, version 4, with its options. */
#ifndef SONDE_WIRE_IPV4_H
#define SONDE_WIRE_IPV4_H

#include "wire/protocol.h"

extern const struct protocol protocol_ipv4;

#endif
