/* Who talks to whom in a packet, for what sums captures up. */
#ifndef SONDE_CAPTURE_TRANSPORT_H
#define SONDE_CAPTURE_TRANSPORT_H

#include "capture/segment.h"

struct transport {
	struct ends ends;    /* ports 0 where the protocol has none, or they are not there */
	uint8_t proto;	     /* enum protocol_id of what IP carries */
	uint8_t application; /* of what that carries, here or in what the packet completed; 0: none
				or unknown */
	uint8_t tcp_flags;
	uint32_t tcp_seq; /* as on the wire */
};

/* Return: false when the packet has no IP, or only a header that is cut. */
bool transport_of(const struct packet *p, struct transport *ret_transport);

/*
 * Whether the source is the side that serves, as far as one packet tells: by the flags of a TCP
 * handshake, the application's own word, then as port_map_find(): the known or the lower port.
 */
bool transport_is_reply(const struct packet *p, const struct transport *t);

#endif
