/* Packets that stay: a copy of one with all that it points to, for another thread or a later time.
 */
#ifndef SONDE_WIRE_PACKET_COPY_H
#define SONDE_WIRE_PACKET_COPY_H

#include "wire/packet.h"

/**
 * packet_copy() - copy a packet, its bytes, what is known of it, and what it completed
 * @memory: @cap bytes, aligned for every type
 * @ret_used: bytes of @memory that the copy takes, likewise aligned
 * Return: the copy, in @memory; NULL when it does not fit. Ports, names and the interface's name
 * are not copied.
 */
const struct packet *packet_copy(const struct packet *p, void *memory, size_t cap,
				 size_t *ret_used);

#endif
