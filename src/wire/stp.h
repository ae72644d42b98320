/* The Spanning Tree Protocol: how bridges agree on a topology without loops. */
#ifndef SONDE_WIRE_STP_H
#define SONDE_WIRE_STP_H

#include "wire/protocol.h"

extern const struct protocol protocol_stp;

#endif
