/* STUN and TURN. */
#ifndef SONDE_WIRE_STUN_H
#define SONDE_WIRE_STUN_H

#include "wire/protocol.h"

extern const struct protocol protocol_stun;

#endif
