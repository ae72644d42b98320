/* What is known of a packet beside its bytes: number, time, lengths. */
#ifndef SONDE_WIRE_FRAME_H
#define SONDE_WIRE_FRAME_H

#include "wire/protocol.h"

extern const struct protocol protocol_frame;

#endif
