/* NTP. */
#ifndef SONDE_WIRE_NTP_H
#define SONDE_WIRE_NTP_H

#include "wire/protocol.h"

extern const struct protocol protocol_ntp;

#endif
