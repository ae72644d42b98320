/* Domain names as messages hold them (RFC 1035 section 3.1 and 4.1.4). */
#ifndef SONDE_WIRE_DNS_NAME_H
#define SONDE_WIRE_DNS_NAME_H

#include "wire/packet.h"

/* RFC 1035 section 2.3.4. */
#define DNS_NAME_MAX 255

/* A name in labels up to the root label, nothing compressed: what a FIELD_NAME holds. */
struct dns_name {
	uint8_t bytes[DNS_NAME_MAX];
	uint8_t len;
};

/**
 * dns_name_read() - the name at @at, decompressed
 * @msg: @len bytes, untrusted; pointers count from its start
 * @ret_name: set only on success
 * Return: how many bytes the name takes at @at; -E_MALFORMED: a pointer that does not point
 * further back than what was read (RFC 1035 section 4.1.4: a prior occurrence; so there are no
 * loops), a label of an unknown kind, more than 255 bytes, or the end of @msg inside. Takes time
 * bounded by a constant.
 */
MUST_CHECK int dns_name_read(const uint8_t *msg, size_t len, size_t at, struct dns_name *ret_name);

/* Labels of a name, the root not counted. */
unsigned dns_name_labels(const struct dns_name *name);

/* Characters of a name as field_text() writes plain ones, with the dots; "<Root>" has 6. */
unsigned dns_name_text_len(const struct dns_name *name);

/**
 * walk_name() - gives the name at @off of a message that begins at @start, both in the packet
 * @end: the name's own bytes end before it
 * Return: where it ends; 0 with a fault reported.
 */
uint32_t walk_name(struct walk *w, const struct field *f, uint32_t start, uint32_t off,
		   uint32_t end, uint8_t depth);

#endif
