/* Bytes that no protocol here claims: shown, but not explained. */
#ifndef SONDE_WIRE_DATA_H
#define SONDE_WIRE_DATA_H

#include "wire/protocol.h"

extern const struct protocol protocol_data;

#endif
