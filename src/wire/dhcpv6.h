/* DHCP for IPv6. */
#ifndef SONDE_WIRE_DHCPV6_H
#define SONDE_WIRE_DHCPV6_H

#include "wire/packet.h"

extern const struct protocol protocol_dhcpv6;

/* For the protocol's own files. */

/* Options in options, and messages in relays' messages: deeper ones stay bytes. */
#define DHCPV6_DEPTH 6

/* Gives the options in [@at, @end). */
void dhcpv6_walk_options(struct walk *w, uint32_t at, uint32_t end, uint8_t depth);

/* Writes options, when crafting. */
void dhcpv6_compose_options(struct compose *m);

/* Gives a message, as far as its header says, and its options. */
void dhcpv6_walk_message(struct walk *w, uint32_t at, uint32_t end, uint8_t depth);

extern const struct value_name dhcpv6_type_names[], dhcpv6_option_names[];

#define N_DHCPV6_OPTION_ROWS 27
extern const struct rows dhcpv6_option_rows[N_DHCPV6_OPTION_ROWS];

#endif
