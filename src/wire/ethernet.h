/* Ethernet II and IEEE 802.3 frames, without preamble and frame check sequence. */
#ifndef SONDE_WIRE_ETHERNET_H
#define SONDE_WIRE_ETHERNET_H

#include "wire/packet.h"

extern const struct protocol protocol_ethernet;

/* For tags, which have the same two bytes of type or length, and the padding behind what they
 * carry. */

/* The step() of a layer whose type or length is at @off; @next: the protocol of the type. */
uint8_t ethernet_step_type(struct packet *p, struct layer *l, uint32_t off, uint8_t next);

extern const struct field ethernet_padding;

/*
 * Gives what the protocol inside leaves over, unless another tag is inside: ethernet_padding, the
 * rest in
 * @trailer, of this the last 4 bytes of a frame in @check_sequence unless it is NULL.
 */
void ethernet_walk_trailer(struct walk *w, const struct field *trailer,
			   const struct field *check_sequence);

/* " 0x0806 ARP" */
void ethernet_line_type(struct buf *b, uint16_t type);

#endif
