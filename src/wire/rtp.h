/* RTP and the protocol that controls it. */
#ifndef SONDE_WIRE_RTP_H
#define SONDE_WIRE_RTP_H

#include "wire/protocol.h"

extern const struct protocol protocol_rtp, protocol_rtcp;

#endif
