/* Who made a network card: the IEEE's registries of MAC address blocks (MA-L, MA-M, MA-S, IAB). */
#ifndef SONDE_WIRE_VENDOR_H
#define SONDE_WIRE_VENDOR_H

#include "base/addr.h"

/**
 * vendor_of_mac() - the organisation that a MAC address is registered to
 * Return: static text; "Locally administered" when bit 1 of the first octet says that nobody
 * registered it (IEEE 802 section 8.4), NULL when the block is unknown.
 */
const char *vendor_of_mac(const struct mac *mac);

#endif
