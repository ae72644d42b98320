/* IEEE 802.2 logical link control and SNAP, far enough to name what is inside. */
#ifndef SONDE_WIRE_LLC_H
#define SONDE_WIRE_LLC_H

#include "wire/protocol.h"

extern const struct protocol protocol_llc;

#endif
