/*
 * The Transmission Control Protocol: header and options, one segment at a time, and what is known
 * of a segment from those before it.
 */
#ifndef SONDE_WIRE_TCP_H
#define SONDE_WIRE_TCP_H

#include "wire/protocol.h"

extern const struct protocol protocol_tcp;

/* What a segment is among those before it; named as Wireshark does, "tcp.analysis.…". */
enum tcp_analysis {
	TCP_RETRANSMISSION = 1 << 0,
	TCP_FAST_RETRANSMISSION = 1 << 1,
	TCP_SPURIOUS_RETRANSMISSION = 1 << 2, /* of bytes that were acknowledged */
	TCP_OUT_OF_ORDER = 1 << 3,
	TCP_LOST_SEGMENT = 1 << 4,     /* bytes before it were not captured */
	TCP_ACK_LOST_SEGMENT = 1 << 5, /* acknowledges bytes that were not captured */
	TCP_DUPLICATE_ACK = 1 << 6,
	TCP_WINDOW_UPDATE = 1 << 7,
	TCP_WINDOW_FULL = 1 << 8,
	TCP_ZERO_WINDOW = 1 << 9,
	TCP_ZERO_WINDOW_PROBE = 1 << 10,
	TCP_ZERO_WINDOW_PROBE_ACK = 1 << 11,
	TCP_KEEP_ALIVE = 1 << 12,
	TCP_KEEP_ALIVE_ACK = 1 << 13,
	TCP_REUSED_PORTS = 1 << 14,	/* a new connection between the same endpoints */
	TCP_OVERLAP = 1 << 15,		/* carries bytes that were there before, */
	TCP_OVERLAP_CONFLICT = 1 << 16, /* and they are different: the first copy counts */
	TCP_CONNECTION_SYN = 1 << 17,	/* the handshake's segments */
	TCP_CONNECTION_SYNACK = 1 << 18,
	TCP_CONNECTION_FIN = 1 << 19,
	TCP_CONNECTION_RST = 1 << 20,
};

#define TCP_SCALE_UNKNOWN (-1)
#define TCP_SCALE_NONE	  (-2)

struct tcp_facts {
	uint32_t stream;	  /* number of the connection in this capture, from 0 */
	uint32_t seq, ack;	  /* from 0 at the first segment of their direction */
	uint32_t analysis;	  /* enum tcp_analysis */
	uint32_t window;	  /* scaled where the factor is known */
	int16_t scale;		  /* factor as a shift, or TCP_SCALE_… */
	uint8_t completeness;	  /* Wireshark's bits: SYN, SYN-ACK, ACK, data, FIN, RST */
	uint32_t duplicate_ack;	  /* the how manieth; 0: none */
	uint64_t duplicate_of;	  /* frame */
	uint32_t bytes_in_flight; /* 0: unknown */
	uint64_t acks_frame;	  /* the last one that this acknowledges; 0: none or unknown */
	int64_t ack_rtt_ns;
	int64_t initial_rtt_ns;			   /* of the handshake; 0: unknown */
	uint64_t rto_frame;			   /* of the lost original; 0: none */
	int64_t rto_ns;				   /* since then */
	int64_t since_first_ns, since_previous_ns; /* in this connection */
};

/* The notes of @analysis in a few words each, joined by ", ": "retransmission". Nothing for the
 * usual. */
void tcp_analysis_text(struct buf *b, const struct tcp_facts *facts);

/* Whether the row is on the wire, but given relative to the connection's start where that is known.
 */
bool tcp_row_is_relative(const struct field *f);

#endif
