/*
 * What stands in for a link header where there is none: Linux's cooked captures, of "any" interface
 * or of those without Ethernet's header, and the BSDs' loopback.
 */
#ifndef SONDE_WIRE_COOKED_H
#define SONDE_WIRE_COOKED_H

#include "wire/protocol.h"

extern const struct protocol protocol_sll;
extern const struct protocol protocol_sll2;
extern const struct protocol protocol_null;

#endif
