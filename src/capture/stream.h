/*
 * What the two streams of bytes of a TCP connection say: messages of an application protocol, found
 * by the protocol's own code in bytes that are in order.
 *
 * The protocol is the one that a control connection announced for this one, else the one of the
 * port, else the one that the first bytes of either direction prove. Bytes that are not the
 * protocol's make the rest of their direction plain data; after a hole, messages are looked for
 * again in what follows.
 */
#ifndef SONDE_CAPTURE_STREAM_H
#define SONDE_CAPTURE_STREAM_H

#include "capture/exchanges.h"
#include "capture/reassembly.h"
#include "capture/segment.h"

struct connection;
struct streams;
struct stream_sink;

/* A run of one direction's bytes. */
struct stream_piece {
	const struct connection *connection;
	void **state;	/* the sink's own for this connection, NULL at first */
	uint64_t frame; /* that brought it, perhaps by filling a hole before it */
	int64_t time_ns;
	bool reply;	      /* from the side that was called */
	bool end;	      /* nothing follows in this direction */
	uint64_t gap;	      /* so many bytes are missing before these */
	const uint8_t *bytes; /* @len of them, valid during the call */
	size_t len;
};

/* Gets the bytes of all streams, in order in each direction; pieces may be empty. */
struct stream_sink {
	void (*piece)(struct stream_sink *sink, const struct stream_piece *piece);
	/* Nothing more comes of a connection whose @state is not NULL. May be NULL. */
	void (*over)(struct stream_sink *sink, void *state);
};

/* One direction. */
struct stream_side {
	struct reassembly bytes;
	bool acked;	  /* @ack is known */
	bool guessed;	  /* its first bytes were looked at */
	bool data;	  /* what follows is not the protocol's */
	bool lost;	  /* there was a hole: the next message has to be found */
	bool full;	  /* messages are left over for the next packet */
	uint32_t ack;	  /* the highest that it sent, */
	uint32_t ack_age; /* segments of the connection since then */
	int64_t ack_ns;	  /* and when that was */
};

/* Part of a connection. All zero at its start. */
struct stream {
	bool asked;    /* the ports were looked at */
	bool spoke;    /* there was a message */
	uint8_t proto; /* enum protocol_id, 0 while unknown */
	void *state;   /* the sink's */
	struct dialogue dialogue;
	struct stream_side side[2];
	struct exchange_turns turns;
};

/* A message that a packet completed. */
struct message {
	struct packet packet;
	struct walk_config config;
	struct dialogue dialogue; /* before it */
	struct exchange_facts exchange;
};

struct streams_config {
	const struct port_map *ports;
	size_t max_bytes;
	uint32_t max_messages;	     /* of one packet */
	struct stream_sink *sink;    /* or NULL */
	struct exchanges *exchanges; /* likewise */
};

struct streams *streams_new(const struct streams_config *config);
struct streams *streams_free(struct streams *t);

/* What one segment brought. */
struct stream_news {
	struct message *messages; /* @n_messages, linked by packet.more, without frame */
	size_t n_messages;
	bool data;	 /* the segment's payload is data of no known protocol */
	unsigned result; /* enum reassembly_result */
};

/**
 * streams_segment() - take a segment
 * @c: its connection, from which @side sent it
 * @ret_news: borrowed until the next call, as the bytes of @s
 */
void streams_segment(struct streams *t, struct connection *c, unsigned side,
		     const struct segment *s, struct stream_news *ret_news);

/* A connection is over: what is still held goes to the sink. */
void streams_end(struct streams *t, struct connection *c);

struct reassembly_counts streams_counts(const struct streams *t);

/* Bytes of memory that unfinished messages and early segments take now. */
size_t streams_held(const struct streams *t);

#endif
