/*
 * All fields by name: every row that a protocol's tables can give, Wireshark's names for several
 * fields at once ("ip.addr"), and the protocols' own names. Built on first use, in static memory;
 * safe from any thread.
 */
#ifndef SONDE_WIRE_REGISTRY_H
#define SONDE_WIRE_REGISTRY_H

#include "wire/packet.h"

/* How the rows of one name are found in a layer of one protocol. */
enum registry_how {
	REGISTRY_FIXED,	  /* all at their places in the fixed header: loaded without a walk */
	REGISTRY_WALK,	  /* by walking the layer */
	REGISTRY_FRAME,	  /* known beside the bytes */
	REGISTRY_PAYLOAD, /* what the layer carries */
	REGISTRY_FAULT,	  /* a fault of the walk, in any layer */
	REGISTRY_LAYER,	  /* the layer itself */
};

/* The rows that a name has in one protocol, in the order in which they are in a header. */
struct registry_part {
	const struct field *const *rows;
	uint16_t n_rows;
	uint8_t protocol; /* enum protocol_id */
	uint8_t how;	  /* enum registry_how */
};

struct registry_name {
	const char *name;
	const struct registry_part *parts; /* by protocol, ascending */
	uint16_t n_parts;
	bool alias;	    /* a name for several fields, or another one for a field */
	bool text;	    /* the value is its text: "ip.host" */
	uint8_t protocol;   /* when the name is a protocol's; 0: it is a field's */
	uint64_t protocols; /* bit of each one that can hold it */
};

/* Return: NULL when there is no such field or protocol. Names are as Wireshark has them, lower case
 * included. */
const struct registry_name *registry_find(const char *name, size_t len);

/* The how manieth name, sorted; NULL behind the last. */
const struct registry_name *registry_at(size_t i);

/* The row that stands for all of the name's; of a protocol's name: bytes with its title. */
const struct field *registry_row(const struct registry_name *n);

/* The part for layers of @protocol, or NULL. */
static inline const struct registry_part *registry_part(const struct registry_name *n,
							uint8_t protocol)
{
	for (size_t i = 0; i < n->n_parts; i++)
		if (n->parts[i].protocol == protocol)
			return &n->parts[i];
	return NULL;
}

/* Appends up to three names that somebody may have meant by @typed, with commas; nothing if none is
 * near. */
void registry_suggest(struct buf *b, const char *typed, size_t len);

#endif
