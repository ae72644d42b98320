/*
 * Protocols explained to people: a header drawn as the RFCs draw it, with what each field means,
 * and bytes taken apart field by field. All text goes to a buffer of the caller's.
 */
#ifndef SONDE_WIRE_EXPLAIN_H
#define SONDE_WIRE_EXPLAIN_H

#include "wire/packet.h"

struct explain_style {
	bool colour;	  /* headings in bold; never the only sign */
	unsigned columns; /* where text is wrapped */
};

/* The header, its fields, and the list of its messages and options. */
void explain_protocol(struct buf *b, const struct protocol *p, const struct explain_style *style);

/* One message or option of it. */
void explain_part(struct buf *b, const struct protocol *p, const struct block *part,
		  const struct explain_style *style);

/* A field by its full name, with all its values. Return: false: there is none. */
bool explain_field(struct buf *b, const char *name, const struct explain_style *style);

/* The values of the protocol's fields with that number or name ("404", "MX", "0x1301"), and the
 * fields called after them. Return: how many. */
size_t explain_values(struct buf *b, const struct protocol *p, const char *name,
		      const struct explain_style *style);

/* The message or option called @name or with that type's number, or NULL. */
const struct block *explain_find_part(const struct protocol *p, const char *name);

/* The packet in one line, then all bytes: offset, hex, field, value, meaning. */
void explain_packet(struct buf *b, const struct packet *p, const struct explain_style *style);

/* "correct", "wrong, 0x1234 would be right", or "" when @item is no checksum or it cannot be said.
 */
void explain_checksum(struct buf *b, const struct packet *p, size_t layer, const struct item *item);

/*
 * The header of a protocol, or of one of its parts, in the ASCII style of the RFCs (32 bits a
 * line),
 * @indent columns in.
 */
void draw_rows(struct buf *b, const struct field *const *tables, const size_t *n_rows,
	       size_t n_tables, size_t indent);

#endif
