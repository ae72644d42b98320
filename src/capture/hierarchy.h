/*
 * Which protocols are in a capture, each inside the one that carries it, with the packets that have
 * it there and their bytes. What an error message quotes does not count. At most HIERARCHY_MAX
 * places are told apart; packets beyond count for those they have.
 */
#ifndef SONDE_CAPTURE_HIERARCHY_H
#define SONDE_CAPTURE_HIERARCHY_H

#include "wire/packet.h"

#define HIERARCHY_MAX 4096

/* A protocol at one place. */
struct hierarchy_node {
	uint8_t proto;		 /* enum protocol_id; PROTOCOL_FRAME at the root */
	uint8_t depth;		 /* the root has 0 */
	uint64_t packets, bytes; /* bytes: of the whole packets, as on the wire */
};

struct hierarchy;

/* Return: NULL when out of memory. */
struct hierarchy *hierarchy_new(void);
struct hierarchy *hierarchy_free(struct hierarchy *h);

/* Counts a packet as dissect_packet() gives it. */
void hierarchy_add(struct hierarchy *h, const struct packet *p);

/* Packets of which some layer found no place. */
uint64_t hierarchy_incomplete(const struct hierarchy *h);

/**
 * hierarchy_sorted() - all places, each followed by those inside it, the ones with most packets
 * first
 * @ret_nodes: free() the array
 * Return: their number, at least 1 (the root), or -ENOMEM.
 */
MUST_CHECK int64_t hierarchy_sorted(const struct hierarchy *h, struct hierarchy_node **ret_nodes);

#endif
