/* VLAN tags of Ethernet frames: 802.1Q, and 802.1ad, which providers put around the customer's. */
#ifndef SONDE_WIRE_VLAN_H
#define SONDE_WIRE_VLAN_H

#include "wire/protocol.h"

extern const struct protocol protocol_vlan;
extern const struct protocol protocol_8021ad;

#endif
