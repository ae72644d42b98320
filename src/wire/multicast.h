/* What IGMPv3 and MLDv2 share: records of a report, who wants to hear whom in a group. */
#ifndef SONDE_WIRE_MULTICAST_H
#define SONDE_WIRE_MULTICAST_H

#include "wire/packet.h"

extern const struct value_name multicast_record_names[];

/* The rows of one of the two; places count from the record's start. */
struct multicast_record {
	const struct field *group; /* that each record appears under */
	const struct field *head;  /* type, auxiliary length, number of sources, group address */
	size_t n_head;
	const struct field *source; /* repeats */
	const struct field *auxiliary;
	uint32_t address_len; /* 4 or 16 */
};

/* Gives the records from @off to the layer's end, each with as many sources as it says. */
void multicast_walk_records(struct walk *w, const struct multicast_record *r, uint32_t off);

#endif
