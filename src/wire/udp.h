/* The User Datagram Protocol. */
#ifndef SONDE_WIRE_UDP_H
#define SONDE_WIRE_UDP_H

#include "wire/protocol.h"

extern const struct protocol protocol_udp;

/* What is known of a datagram from those before it. */
struct udp_facts {
	uint32_t layer;
	uint32_t stream; /* number of the conversation in this capture, from 0 */
};

/* Whether the row is one of those. */
bool udp_row_is_fact(const struct field *f);

#endif
