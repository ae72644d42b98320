/*
 * What a TCP segment is among those before it: retransmission, out of order, duplicate ACK, zero
 * window and so on, by the definitions of the Wireshark User's Guide, section "TCP Analysis". They
 * are rules of thumb for whoever watches in the middle: it is not known what the hosts received.
 *
 * tshark 4.0 agrees in all but a few of ten thousand segments. Where it does not: a segment without
 * the ACK flag acknowledges nothing here; sequence numbers that jump backwards by gigabytes are
 * compared modulo 2^32; the same ACK of data that was not captured is reported once.
 *
 * Sequence numbers are those on the wire and wrap around; comparisons are modulo 2^32.
 */
#ifndef SONDE_CAPTURE_TCP_ANALYSIS_H
#define SONDE_CAPTURE_TCP_ANALYSIS_H

#include "capture/segment.h"
#include "wire/tcp.h"

/* Segments of one direction that are remembered until they are acknowledged; more: the oldest are
 * forgotten. */
#define TCP_SENT_MAX 1024

/* A segment that was sent and not yet acknowledged. */
struct tcp_sent {
	uint32_t seq, end;
	uint64_t frame;
	int64_t time_ns;
};

/* Memory for those beyond the first few of each direction, of all connections together. */
struct tcp_budget {
	size_t used, max;
};

#define TCP_SENT_INLINE 4

/* What one end sent. */
struct tcp_direction {
	bool sent_some;	 /* @next is */
	bool acked_some; /* @last_ack is */
	bool in_order;	 /* @expected_ack is */
	bool flight_known;
	bool probing;		 /* a zero window probe was the last data that it sent */
	bool probed, kept_alive; /* its last segment was a zero window probe, a keep-alive */
	int16_t scale;		 /* TCP_SCALE_… */
	uint16_t window;	 /* of its last segment, as on the wire */
	uint32_t window_bytes;	 /* and as it is meant */
	uint32_t next;		 /* behind the highest byte sent, */
	uint64_t next_frame;	 /* by this frame */
	int64_t next_ns;
	uint32_t expected_ack; /* behind the highest byte up to which nothing is missing */
	uint32_t last_ack;     /* that it sent */
	uint32_t sacked;       /* bytes that the other side has beyond a hole */
	int64_t last_ack_ns;
	uint32_t n_duplicates;
	uint64_t duplicated; /* the frame that they repeat */
	uint32_t sent_at, n_sent, sent_cap;
	struct tcp_sent *sent; /* a ring of @sent_cap, oldest at @sent_at */
	struct tcp_sent first[TCP_SENT_INLINE];
};

/* What is remembered of a connection. Must not be moved. */
struct tcp_history {
	struct tcp_direction dir[2];
	bool has_time, syn_known;
	int64_t first_ns, previous_ns;
	int64_t syn_ns;		/* the last SYN */
	int64_t initial_rtt_ns; /* 0: unknown */
};

/* Nothing is known yet. Whoever makes it has to end it with tcp_history_done(). */
void tcp_history_init(struct tcp_history *h);

/**
 * tcp_analyse() - judge one segment and remember it
 * @side: who sent it, 0 or 1
 * @ret_facts: all but @stream, @seq, @ack, @completeness and what reassembly knows
 */
void tcp_analyse(struct tcp_history *h, struct tcp_budget *budget, const struct segment *s,
		 unsigned side, struct tcp_facts *ret_facts);

/* Gives what it holds of @budget back. */
void tcp_history_done(struct tcp_history *h, struct tcp_budget *budget);

#endif
