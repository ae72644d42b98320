/* The Link Layer Discovery Protocol: a station tells its neighbours who and what it is. */
#ifndef SONDE_WIRE_LLDP_H
#define SONDE_WIRE_LLDP_H

#include "wire/protocol.h"

extern const struct protocol protocol_lldp;

#endif
