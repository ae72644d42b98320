/* The Internet Control Message Protocol of IPv4. */
#ifndef SONDE_WIRE_ICMP_H
#define SONDE_WIRE_ICMP_H

#include "wire/protocol.h"

extern const struct protocol protocol_icmp;

/* What a neighbour that an extended echo asks about is in (RFC 8335 section 3), of both versions.
 */
extern const struct value_name icmp_extended_states[];

/* "echo request id 7 seq 1": both versions' echo. @ident: the four bytes after the checksum. */
void icmp_line_echo(struct buf *b, bool request, const uint8_t *ident);

/* " id 7 seq 1": both versions' extended echo (RFC 8335), whose numbers have 8 bits. */
void icmp_line_extended(struct buf *b, const uint8_t *ident);

/*
 * What a message says, of both versions: the name of its code, else of its type, else both as
 * numbers.
 * @codes: of that type, or NULL. @header: type and code.
 */
void icmp_line_message(struct buf *b, const struct field *types, const struct value_name *codes,
		       const uint8_t *header);

/* " for 10.0.0.1:80 > 10.0.0.2:99 TCP": follows the name of an error that quotes a packet. */
bool icmp_line_quotes(const struct packet *p, size_t layer);

/*
 * exchange_table.tell() of both versions. @pairs: @n_pairs times the type of a question and that of
 * its answer.
 */
struct exchange;
struct layer;
struct packet;
bool icmp_tell(const struct packet *p, const struct layer *l, const uint8_t *pairs, size_t n_pairs,
	       struct exchange *ret_exchange);

#endif
