/* The Transmission Control Protocol: header and options, one segment at a time. */
#ifndef SONDE_WIRE_TCP_H
#define SONDE_WIRE_TCP_H

#include "wire/protocol.h"

extern const struct protocol protocol_tcp;

#endif
