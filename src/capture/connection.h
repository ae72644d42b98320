/*
 * The TCP connections of a capture: found by their endpoints, numbered in the order in which they
 * appear, as Wireshark's tcp.stream. Their number is bounded: the one that was silent longest is
 * forgotten for a new one.
 *
 * A SYN begins a new connection between endpoints that were connected before when its sequence
 * number is another, or when the old connection was closed or aborted.
 */
#ifndef SONDE_CAPTURE_CONNECTION_H
#define SONDE_CAPTURE_CONNECTION_H

#include "capture/segment.h"
#include "capture/stream.h"
#include "capture/tcp_analysis.h"

/* Bits of completeness: what of a connection was seen, as Wireshark counts. */
enum {
	SEEN_SYN = 1,
	SEEN_SYNACK = 2,
	SEEN_ACK = 4,
	SEEN_DATA = 8,
	SEEN_FIN = 16,
	SEEN_RST = 32,
};

struct connection {
	struct connection *older, *newer;
	uint64_t touched; /* by which packet it was last moved to the new end */
	struct endpoint ends[2];
	uint32_t base[2]; /* relative sequence numbers of each end count from here, */
	bool based[2];	  /* if it is known */
	uint8_t addr_len;
	uint8_t caller;	   /* which end called */
	bool caller_known; /* by the handshake; else the end with the higher port is taken for it */
	uint8_t completeness;
	uint64_t first_frame;
	uint64_t reused_by; /* the frame that began it between the endpoints of an older one */
	uint32_t number;
	struct tcp_history history;
	struct stream stream;
};

struct connections;

struct connections_config {
	uint32_t max;
	/* Called before a connection is forgotten or replaced. */
	void (*forget)(void *arg, struct connection *c);
	void *arg;
};

struct connections *connections_new(const struct connections_config *config);
struct connections *connections_free(struct connections *t);

/**
 * connections_find() - the connection of a segment, a new one where there is none
 * @ret_side: which of its ends sent the segment
 * Return: borrowed until the next call; NULL when out of memory.
 */
struct connection *connections_find(struct connections *t, const struct segment *s,
				    unsigned *ret_side);

/* Remembers what @s says of the connection as a whole. */
void connection_see(struct connection *c, const struct segment *s);

/* From the one that was silent longest, *@at = NULL at first. NULL at the end. */
struct connection *connections_next(const struct connections *t, const struct connection *at);

/* Seen since the start; of them, forgotten for the bound. */
uint32_t connections_seen(const struct connections *t);
uint64_t connections_forgotten(const struct connections *t);

#endif
