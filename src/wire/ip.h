/* What IPv4 and IPv6 share: numbers of what they carry, traffic classes, how addresses are shown.
 */
#ifndef SONDE_WIRE_IP_H
#define SONDE_WIRE_IP_H

#include "wire/packet.h"

extern const struct value_name dscp_names[];
extern const struct value_name ecn_names[];

/*
 * What putting fragments together told about the packet that completed the datagram; named as
 * Wireshark does, "ip.fragment.…".
 */
struct fragment_facts {
	uint32_t layer;	      /* of the packet, whose fragment was the last one missing */
	uint32_t n_fragments; /* duplicates included */
	uint32_t len;	      /* of the datagram */
	uint32_t n_frames;
	const uint64_t *frames; /* numbers of the packets that the first of them were in */
	bool overlap;		/* some bytes came more than once, */
	bool conflict;		/* and were different: the first copy counts */
	bool multiple_tails;	/* last fragments disagreed about the end */
	bool too_long;		/* a fragment reached beyond the end */
};

/* The rows of a protocol called @name for them. */
#define FRAGMENT_ROWS(name)                                                                     \
	{ AS_COUNT(name ".fragment"), .repeats = true, .title = "Fragment in packet" },         \
		{ AS_FLAG_(name ".fragment.overlap"), .title = "Fragments overlap",             \
		  .about = "Some bytes came more than once" },                                  \
		{ AS_FLAG_(name ".fragment.overlap.conflict"), .title = "Fragments contradict", \
		  .about = "The same bytes came with different values: the first ones count" }, \
		{ AS_FLAG_(name ".fragment.multipletails"), .title = "Several ends",            \
		  .about = "Last fragments end at different places" },                          \
		{ AS_FLAG_(name ".fragment.toolongfragment"), .title = "Beyond the end",        \
		  .about = "A fragment reaches beyond the last one" },                          \
		{ AS_COUNT(name ".fragment.count"), .title = "Fragments" },                     \
	{                                                                                       \
		AS_COUNT(name ".reassembled.length"),                                           \
			.title = "Reassembled length",                                          \
			.about = "Bytes of the datagram that this fragment completed"           \
	}
#define AS_FLAG_(name) AS_(name, 0, 0, FIELD_FLAG), .computed = true

/* Gives what the packet's @fragments say, if they are about the layer in hand; @rows: those of
 * FRAGMENT_ROWS().
 */
void ip_walk_fragments(struct walk *w, const struct field *rows);

/*
 * "10.0.0.1:80 > 10.0.0.2:99 ", with ports when the transport layer of this packet is there.
 * @addr_len: 4 or 16.
 */
void ip_line_addresses(struct buf *b, const struct packet *p, size_t layer, const uint8_t *src,
		       const uint8_t *dst, size_t addr_len);

#endif
