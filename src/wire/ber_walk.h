/*
 * BER in packets that may be cut anywhere: elements are found by their place, and what is wrong
 * becomes a fault of the walk. Unlike the codec, an element is given although its contents are not
 * all there: it is shown as far as it goes.
 */
#ifndef SONDE_WIRE_BER_WALK_H
#define SONDE_WIRE_BER_WALK_H

#include "wire/ber.h"
#include "wire/packet.h"

struct ber_part {
	uint8_t tag;
	uint32_t off; /* of the identifier, from the packet's start */
	uint32_t at;  /* of the contents, */
	uint32_t end; /* and where they end */
};

/* The end that an outermost part is inside of: in a stream it may go on in other segments. */
static inline uint32_t ber_walk_end(const struct walk *w)
{
	return w->layer->flags & LAYER_STREAM ? UINT32_MAX : w->end;
}

/**
 * ber_walk() - the element at @*off, which is moved behind it
 * @end: of what it is in, as announced
 * Return: false with a fault of the walk, when there is none, or it goes beyond @end.
 */
bool ber_walk(struct walk *w, uint32_t *off, uint32_t end, struct ber_part *ret_part);

/* The same, where @tag is the only one allowed. */
bool ber_walk_tag(struct walk *w, uint32_t *off, uint32_t end, uint8_t tag,
		  struct ber_part *ret_part);

/*
 * Gives the contents as one field: numbers are decoded (what is longer than 64 bits is a fault),
 * all else is given as it is.
 */
bool ber_walk_give(struct walk *w, const struct ber_part *part, const struct field *f,
		   uint8_t depth);

#endif
