/* What IPv4 and IPv6 share: numbers of what they carry, traffic classes, how addresses are shown.
 */
#ifndef SONDE_WIRE_IP_H
#define SONDE_WIRE_IP_H

#include "wire/packet.h"

extern const struct value_name dscp_names[];
extern const struct value_name ecn_names[];

/*
 * "10.0.0.1:80 > 10.0.0.2:99 ", with ports when the transport layer of this packet is there.
 * @addr_len: 4 or 16.
 */
void ip_line_addresses(struct buf *b, const struct packet *p, size_t layer, const uint8_t *src,
		       const uint8_t *dst, size_t addr_len);

#endif
