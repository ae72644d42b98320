/* Ethernet II and IEEE 802.3 frames, without preamble and frame check sequence. */
#ifndef SONDE_WIRE_ETHERNET_H
#define SONDE_WIRE_ETHERNET_H

#include "wire/protocol.h"

extern const struct protocol protocol_ethernet;

#endif
