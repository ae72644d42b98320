/*
 * Which protocol speaks at which port. One array for each transport, so that looking up is one
 * load; the defaults are IANA's service names.
 */
#ifndef SONDE_WIRE_PORTS_H
#define SONDE_WIRE_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct port_map {
	uint8_t tcp[65536], udp[65536]; /* enum protocol_id; 0: no protocol that is known here */
};

extern const struct port_map port_map_default;

/**
 * port_map_find() - the protocol between two ports
 * @by_port: @tcp or @udp of a map
 * @ret_reply: the port that decided is the source's
 * Return: enum protocol_id, 0 when neither port says anything. The lower port is asked first: it
 * is the likelier one to be the server's.
 */
static inline uint8_t port_map_find(const uint8_t *by_port, uint16_t src, uint16_t dst,
				    bool *ret_reply)
{
	uint8_t by_src = by_port[src], by_dst = by_port[dst];

	*ret_reply = by_src && (src < dst || !by_dst);
	return *ret_reply ? by_src : by_dst;
}

/**
 * port_map_decode_as() - decide by hand, as Wireshark's "decode as"
 * @text: "tcp.port==8080,http", "udp.port==5000-5010,rtp"; the protocol "data" says that there
 * is none, whatever the bytes look like
 * Return: 0, -E_SYNTAX with @fault.
 */
MUST_CHECK int port_map_decode_as(struct port_map *map, const char *text, struct fault *fault);

#endif
