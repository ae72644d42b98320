/*
 * Conversations: who exchanged what with whom, both ways. TCP's and UDP's are told apart by ports,
 * those of other protocols by addresses. Their number is bounded; the one that was silent longest
 * goes for a new one, and is counted.
 */
#ifndef SONDE_CAPTURE_FLOWS_H
#define SONDE_CAPTURE_FLOWS_H

#include "capture/segment.h"

/* How a TCP connection stands, as far as it was seen. */
enum flow_state {
	FLOW_NONE,	  /* not TCP */
	FLOW_ASKED,	  /* SYN, no answer */
	FLOW_ANSWERED,	  /* SYN-ACK, not confirmed */
	FLOW_REFUSED,	  /* RST as answer to the SYN */
	FLOW_ESTABLISHED, /* whole handshake seen */
	FLOW_OPEN,	  /* in its middle when the capture began */
	FLOW_CLOSING,	  /* one direction was ended */
	FLOW_CLOSED,	  /* both were */
	FLOW_RESET,
};

struct flow {
	struct endpoint ends[2]; /* who called first, who was called second; else who was seen
				    first */
	uint8_t proto;		 /* enum protocol_id: TCP, UDP, ICMP, ... */
	uint8_t application;	 /* the last one recognised; 0: none */
	uint8_t state;		 /* enum flow_state */
	uint8_t closed;		 /* bit 0: by ends[0] with FIN, bit 1 by ends[1] */
	bool has_stream;	 /* @stream is known */
	uint32_t stream;	 /* as tcp.stream */
	int64_t first_ns, last_ns;
	uint64_t packets[2], bytes[2]; /* sent by each end; bytes as on the wire */
	int64_t syn_ns;		       /* of the last SYN */
	int64_t rtt_ns;		       /* from SYN to the ACK that completed the handshake; 0:
					  unknown */
};

struct flows;

/* Return: NULL when out of memory. */
struct flows *flows_new(uint32_t max);
struct flows *flows_free(struct flows *f);

/* Counts a packet with its frame, as dissect_packet() gives it. Return: 0 or -ENOMEM. */
MUST_CHECK int flows_add(struct flows *f, const struct packet *p);

/* Those forgotten for the bound, and packets that belong to none: no IP. */
uint64_t flows_evicted(const struct flows *f);
uint64_t flows_others(const struct flows *f);

/**
 * flows_sorted() - all, those with the most bytes first
 * @ret_flows: borrowed until the next flows_add(); free() the array
 * Return: their number, or -ENOMEM.
 */
MUST_CHECK int64_t flows_sorted(const struct flows *f, const struct flow ***ret_flows);

/* "established" */
const char *flow_state_name(uint8_t state);

#endif
