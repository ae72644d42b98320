/* DHCP for IPv4. */
#ifndef SONDE_WIRE_DHCP_H
#define SONDE_WIRE_DHCP_H

#include "wire/packet.h"

extern const struct protocol protocol_dhcp;

/* For the protocol's own files. */

/* Pieces that one value may be spread over (RFC 3396), and bytes of it that are put together. */
#define DHCP_PIECES    16
#define DHCP_VALUE_MAX 2048

/* An option's value: in the packet, or put together of several options with the same code. */
struct dhcp_value {
	struct walk *w;
	const uint8_t *bytes;
	uint32_t len;
	uint32_t n_pieces;
	struct dhcp_piece {
		uint32_t at, off; /* from the value's start, from the packet's start */
	} pieces[DHCP_PIECES];
};

/* Gives a field of @len bytes at @at of the value, which are there. */
void dhcp_give(const struct dhcp_value *v, const struct field *f, uint32_t at, uint32_t len,
	       uint8_t depth);

/* The same of text or bytes that code made. */
void dhcp_give_decoded(const struct dhcp_value *v, const struct field *f, uint32_t at, uint32_t len,
		       const void *bytes, size_t bytes_len);

/* What the rows of an option with a meaning of its own say. Return: false: the code has none. */
bool dhcp_walk_special(const struct dhcp_value *v, unsigned code);

/* Says that the option's length does not fit its code: its value stays bytes. */
void dhcp_bad_length(const struct dhcp_value *v, uint8_t depth);

extern const struct options dhcp_options;
extern const struct value_name dhcp_type_names[], dhcp_option_names[], dhcp_hw_names[];

#define N_DHCP_SPECIAL_FIELDS 72
extern const struct field dhcp_special_fields[N_DHCP_SPECIAL_FIELDS];

#endif
