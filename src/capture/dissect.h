/*
 * Captured packets, one after another in the order of their capture, each given completely
 * dissected: its layers, the datagram that it completed as the last of some fragments, what the
 * packets before it say of its TCP segment, and the messages that it completed in its stream.
 *
 * Memory is bounded by what the configuration says, whatever the packets are; time is that of the
 * packets.
 */
#ifndef SONDE_CAPTURE_DISSECT_H
#define SONDE_CAPTURE_DISSECT_H

#include "wire/packet.h"

struct stream_sink;

/* What the caller wants; only that is paid for. */
enum dissect_needs {
	DISSECT_FRAGMENTS = 1 << 0, /* datagrams put together of fragments, in packet.more */
	DISSECT_ANALYSIS = 1 << 1,  /* packet.tcp */
	/*
	 * Messages in the streams of TCP, in packet.more. Without this the payload of each segment
	 * is taken for a message of its own, in the packet's layers.
	 */
	DISSECT_STREAMS = 1 << 2,
	/* packet.exchange: which answer belongs to which question. */
	DISSECT_EXCHANGES = 1 << 3,
	DISSECT_DATAGRAMS = 1 << 4, /* packet.udp */
	DISSECT_ALL = (1 << 5) - 1,
};

struct dissect_config {
	const struct port_map *ports;	 /* must outlive the object; NULL: port_map_default */
	const struct name_source *names; /* for lines of text; NULL: nobody */
	uint32_t needs;			 /* enum dissect_needs */
	size_t stream_bytes;	  /* held of all streams: unfinished messages and what came out of
				     order; 0: 64 MiB */
	uint32_t max_streams;	  /* connections known at a time; the one that was silent longest is
				     forgotten for a new one; 0: 65,536 */
	struct stream_sink *sink; /* gets the bytes of all streams in order; NULL: nobody.
				     Implies DISSECT_STREAMS */
};

/* One captured packet. What it points to must stay for the result's life. */
struct dissect_input {
	const uint8_t *bytes; /* @cap_len of @wire_len, untrusted */
	uint32_t cap_len, wire_len;
	int64_t time_ns;    /* since 1970 */
	uint32_t link_type; /* LINKTYPE_ */
	uint32_t interface_id;
	const char *interface; /* NULL: unknown */
	const char *comment;   /* @comment_len bytes; NULL: none */
	uint32_t comment_len;
};

/* Since the start. */
struct dissect_counts {
	uint64_t packets;
	uint64_t streams;   /* TCP connections seen */
	uint64_t forgotten; /* of them, for the bound on their number */
	uint64_t gaps;	    /* holes in streams that were passed over */
	uint64_t gap_bytes;
	uint64_t dropped_bytes; /* of streams, for the bound on memory */
	uint64_t conflicts;	/* segments that repeat bytes otherwise than they were */
	size_t held_bytes;	/* of all streams, now */
	uint64_t datagrams;	/* in fragments, forgotten for the bounds on them */
};

/* Messages that one packet may complete at most; the rest comes with the connection's next one. */
#define DISSECT_MESSAGES 256

struct dissect;

/* Return: 0 or -ENOMEM. */
MUST_CHECK int dissect_new(const struct dissect_config *config, struct dissect **ret_dissect);
struct dissect *dissect_free(struct dissect *d);

/**
 * dissect_packet() - walk a packet and keep track of what it belongs to
 * @in: packets come in the order of their capture; their time may jump in both directions
 * Return: valid until the next call. Never fails: out of memory is like a packet that was not
 * captured, for its stream.
 */
const struct packet *dissect_packet(struct dissect *d, const struct dissect_input *in);

/* The capture is over: what is still held of the streams goes to the sink. */
void dissect_end(struct dissect *d);

struct dissect_counts dissect_counts(const struct dissect *d);

#endif
