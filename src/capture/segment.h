/* One TCP segment as the engines of this folder need it: where from, where to, what it says. */
#ifndef SONDE_CAPTURE_SEGMENT_H
#define SONDE_CAPTURE_SEGMENT_H

#include "wire/packet.h"

#define SEGMENT_NO_SCALE 255

/* Both ends of what travels between hosts: addresses in network order, IPv4 in the first 4 bytes.
 */
struct ends {
	uint8_t addr_len; /* 4 or 16 */
	uint8_t src[16], dst[16];
	uint16_t src_port, dst_port;
};

struct segment {
	struct ends ends;
	uint64_t frame;
	int64_t time_ns;
	uint32_t seq, ack; /* as on the wire */
	uint16_t window;
	uint8_t flags;	      /* of the header, TCP_FLAG_ */
	uint8_t scale;	      /* of its window scale option, or SEGMENT_NO_SCALE */
	uint32_t len;	      /* bytes of data that it announces */
	uint32_t cap_len;     /* and that were captured, */
	const uint8_t *bytes; /* here */
	uint32_t n_sacks;
	const uint8_t *sacks; /* pairs of edges, in network order */
};

/**
 * ends_of() - the addresses around the layer @l
 * @p: the packet that has it, as dissected
 * @outer: what @p was put together of, when it is a datagram of fragments; else NULL
 * Return: false when no IP layer is around it, or one that is cut. The ports are not filled.
 */
bool ends_of(const struct packet *p, const struct layer *l, const struct packet *outer,
	     struct ends *ret_ends);

/**
 * segment_of() - the first TCP segment in a packet that is not quoted in an error message
 * @outer: as in ends_of()
 * Return: false when there is none, or its header is not whole. Frame and time are not filled.
 */
bool segment_of(const struct packet *p, const struct packet *outer, struct segment *ret_segment);

#endif
