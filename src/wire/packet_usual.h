/* The headers that nine of ten packets begin with, found without asking tables. */
#ifndef SONDE_WIRE_PACKET_USUAL_H
#define SONDE_WIRE_PACKET_USUAL_H

#include "wire/packet.h"

/**
 * packet_usual() - the first layers of a packet in Ethernet, where nothing is unusual
 * @p: as packet_walk_as() begins it, no layer found yet
 * @ret_off: where the protocol that is returned begins; set in any case
 * Return: the protocol that follows, PROTOCOL_NONE when nothing does; PROTOCOL_ETHERNET, and @p as
 * it was, when the tables have to say it all.
 */
uint8_t packet_usual(struct packet *p, uint32_t *ret_off);

/* packet_walk_as() by the tables alone: slower, and what packet_usual() is tested against. */
void packet_walk_tables(struct packet *ret_packet, const struct walk_config *config, uint8_t first,
			const void *bytes, uint32_t cap_len, uint32_t wire_len);

#endif
