/* The Internet Group Management Protocol, all three versions. */
#ifndef SONDE_WIRE_IGMP_H
#define SONDE_WIRE_IGMP_H

#include "wire/protocol.h"

extern const struct protocol protocol_igmp;

#endif
