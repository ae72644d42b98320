/* The Point-to-Point Protocol: which protocol is inside, on serial lines behind HDLC's address. */
#ifndef SONDE_WIRE_PPP_H
#define SONDE_WIRE_PPP_H

#include "wire/protocol.h"

extern const struct protocol protocol_ppp_hdlc;
extern const struct protocol protocol_ppp;

extern const struct value_name ppp_protocol_names[];

#endif
