/*
 * Building packets from the tables. Layers are added from the outside in, their fields set by name;
 * whatever is not set is computed at the end, last layer first: next protocols, lengths, padding,
 * checksums. What was set stays, even if it is wrong, for wrong packets are worth sending, too.
 *
 *   craft_init(&c, memory, sizeof(memory));
 *   craft_layer(&c, "eth", &fault);
 *   craft_layer(&c, "ip", &fault);
 *   craft_text(&c, "dst", "10.77.0.5", &fault);
 *   craft_layer(&c, "tcp", &fault);
 *   craft_text(&c, "options.mss_val", "1460", &fault);
 *   len = craft_finish(&c, &fault);
 *
 * Messages whose structure depends on what is in them are written at the end by their protocol
 * (wire/compose.h), from the fields that were set, in order, and what they carry.
 */
#ifndef SONDE_WIRE_CRAFT_H
#define SONDE_WIRE_CRAFT_H

#include "wire/compose.h"
#include "wire/craft_value.h"
#include "wire/packet.h"

#define CRAFT_LAYERS   16
#define CRAFT_SETTINGS 128 /* fields of composed messages in one packet */

struct craft_layer {
	const struct protocol *proto;
	const struct block *body;
	uint32_t off, len;   /* of the header, options included, so far */
	uint64_t given;	     /* rows of @proto->fields that were set */
	uint64_t body_given; /* and of @body's */
	uint8_t id;	     /* enum protocol_id */
	bool ended;	     /* the option that ends the list is there */
	bool prefixed;	     /* its length is before it */
	bool reply;	     /* struct compose's */
	uint16_t port, other_port;
	uint32_t settings, n_settings; /* of composed messages: in struct craft */
	uint32_t where;
};

struct craft {
	uint8_t *bytes;
	size_t cap;
	uint32_t len;
	uint32_t n_layers;
	struct craft_layer layers[CRAFT_LAYERS];

	/* The option, and the element of a list, that fields go into at present. */
	const struct block *option;
	const struct block *element;
	uint32_t option_off, element_off;
	uint64_t head_given, option_given, element_given; /* rows that were set */

	/* The caller's: where in an expression the next layer or field is. Faults that come to
	 * light in craft_finish() have the place of what caused them as their offset. */
	uint32_t where;
	struct compose_setting settings[CRAFT_SETTINGS];
	uint32_t n_settings;
};

/* Starts a packet in @memory, at most @cap bytes; values wait at the end of it. */
void craft_init(struct craft *c, void *memory, size_t cap);

/**
 * craft_layer() - add a header inside what there is
 * @name: of the protocol, as protocol_find() knows it
 * Return: 0, -E_SYNTAX with @fault (unknown protocol, or one that the layer before cannot carry),
 * -E_FULL.
 */
MUST_CHECK int craft_layer(struct craft *c, const char *name, struct fault *fault);

/**
 * craft_text() - set a field of the layer last added
 * @name: Wireshark's, with or without the protocol's in front ("ip.ttl", "ttl"). Fields of a
 * message body select that body when the type was not set; those of an option add the option,
 * unless it is the last one and does not have the field yet. The name of an option ("nop", "mss")
 * adds it, too; @value then goes into its first field.
 * @value: numbers decimal, 0x… or by the registry's name; flags 0, 1, true, false; bytes in hex;
 * addresses as usual. NULL: for options that hold nothing.
 * Return: 0, -E_SYNTAX with @fault (its offset is in @value, 0 when the name is at fault), -E_FULL.
 */
MUST_CHECK int craft_text(struct craft *c, const char *name, const char *value,
			  struct fault *fault);

/* The row that craft_text() would set, or NULL: how its value is read. */
const struct field *craft_row(const struct craft *c, const char *name);

/* As craft_text(), of a value that was read before; NULL: none. */
MUST_CHECK int craft_value(struct craft *c, const char *name, const struct craft_value *value,
			   struct fault *fault);

/* The same from values. Numbers as they are shown: scaled. */
MUST_CHECK int craft_uint(struct craft *c, const char *name, uint64_t value, struct fault *fault);
MUST_CHECK int craft_bytes(struct craft *c, const char *name, const void *bytes, size_t len,
			   struct fault *fault);

/* Data behind the last layer. */
MUST_CHECK int craft_payload(struct craft *c, const void *bytes, size_t len);

/* Computes what was not set, writes composed messages. Return: the packet's length, -E_FULL, or
 * -E_SYNTAX with @fault: fields that cannot be together. */
int craft_finish(struct craft *c, struct fault *fault);

#endif
