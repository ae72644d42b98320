/*
 * What a packet holds under one name: all items of a field, in the order of the packet, from its
 * layers and from what it completed. Fields at fixed places are loaded where they are; layers that
 * cannot hold the field are not looked at.
 */
#ifndef SONDE_WIRE_PICK_H
#define SONDE_WIRE_PICK_H

#include "wire/registry.h"

/* Gets the items one by one; valid during the call. Return: true when it has seen enough. */
struct taker {
	bool (*take)(struct taker *t, const struct item *item);
};

/* Which layers of a protocol are looked at, counted from 1, from the last where negative. */
struct layer_range {
	int16_t first, last; /* both included */
};

/**
 * pick() - give every item of a name
 * @ranges: @n_ranges of them, the layers that are looked at; none: all
 * A protocol's name gives one item a layer: bytes, header and all that it carries, as far as
 * captured. Allocates nothing.
 * Return: whether @t had seen enough.
 */
bool pick(const struct registry_name *name, const struct layer_range *ranges, size_t n_ranges,
	  const struct packet *p, struct taker *t);

/* Whether the packet, or what it completed, has a layer of one of the protocols (@bits). */
static inline bool pick_has(const struct packet *p, uint64_t bits)
{
	if (bits & (1ULL << PROTOCOL_FRAME))
		return true;
	for (; p; p = p->more)
		if (p->seen & bits)
			return true;
	return false;
}

#endif
