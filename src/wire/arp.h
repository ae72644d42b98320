/* The Address Resolution Protocol. */
#ifndef SONDE_WIRE_ARP_H
#define SONDE_WIRE_ARP_H

#include "wire/protocol.h"

extern const struct protocol protocol_arp;

#endif
