/*
 * The bytes of one direction of a TCP connection, put in order from the segments that a capture
 * shows of it.
 *
 * What comes in order is handed on at once, from the packet's own memory; only what is not taken (a
 * message that is not complete) and what came too early is copied and kept. The first copy of a
 * byte counts: one that comes again is left out, and reported when it differs from one that is
 * still kept.
 *
 * Bytes that never come are not waited for without end. The hole before kept bytes is passed over
 *  - when the receiver acknowledged them all and REASSEMBLY_PATIENCE further segments of the
 *    connection, or 200 ms, brought nothing (a capture may show an ACK before its data; of a
 *    connection that is being closed, REASSEMBLY_HASTE segments);
 *  - when nothing is captured of the receiver, after one second;
 *  - when what is kept would exceed REASSEMBLY_MAX bytes or REASSEMBLY_RANGES pieces;
 *  - at once, where the bytes were cut off by the snap length;
 *  - at an RST, and at the end.
 * A segment that lies farther than REASSEMBLY_MAX from what is expected is left out, unless what is
 * between was acknowledged or a second one follows right behind it: a single forged segment does
 * not move the stream.
 *
 * All directions share one account of memory. When that is full, the one that was longest without a
 * segment loses what it keeps.
 */
#ifndef SONDE_CAPTURE_REASSEMBLY_H
#define SONDE_CAPTURE_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define REASSEMBLY_MAX	    (1u << 20) /* bytes that one direction keeps at most */
#define REASSEMBLY_RANGES   128	       /* pieces that came early, likewise */
#define REASSEMBLY_PATIENCE 8
#define REASSEMBLY_HASTE    2
#define REASSEMBLY_WAIT_NS  (200 * (int64_t)NS_PER_MS)
#define REASSEMBLY_BLIND_NS ((int64_t)NS_PER_S)

struct reassembly;
struct reassembly_pool;

/* Who gets the bytes of one direction. */
struct reassembly_user {
	/*
	 * Bytes in order, from the first that was not taken yet. @old: of them, already shown by
	 * the last call. @end: nothing that follows will be shown together with these.
	 * Return: bytes taken, at most @len; with @end all are.
	 */
	size_t (*take)(struct reassembly_pool *pool, struct reassembly *r, const uint8_t *bytes,
		       size_t len, size_t old, bool end);
	/* @len bytes are missing here. */
	void (*gap)(struct reassembly_pool *pool, struct reassembly *r, uint64_t len);
	/* What was shown and not taken is forgotten, for the bound on memory. */
	void (*lose)(struct reassembly_pool *pool, struct reassembly *r);
};

struct reassembly_counts {
	uint64_t gaps, gap_bytes;
	uint64_t dropped_bytes; /* captured, and not handed on */
	uint64_t conflicts;
};

/* Memory of all. */
struct reassembly_pool {
	const struct reassembly_user *user;
	size_t max, used;
	struct reassembly *oldest, *newest; /* those that keep something */
	struct retired *retired;	    /* memory that is shown until reassembly_settle() */
	struct reassembly_counts counts;
};

/* Bytes [start, end) that came early. */
struct reassembly_range {
	uint32_t start, end;
};

/* One direction. All zero at its start. */
struct reassembly {
	struct reassembly *older, *newer;
	uint8_t *memory;
	struct reassembly_range *ranges; /* in order, apart from each other */
	uint32_t cap;
	uint32_t head;	/* where in @memory what is not taken begins, */
	uint32_t ready; /* so many bytes */
	uint32_t n_ranges;
	uint32_t next; /* the sequence number behind them */
	uint32_t fin;  /* that of the end of the stream */
	uint32_t far;  /* behind the last segment that was too far away */
	uint32_t
		patience; /* segments since what is in the hole in hand was acknowledged, plus 1, */
	bool started, has_fin, ended, has_far;
	int64_t acked_ns; /* and when that was */
};

struct reassembly_segment {
	uint32_t seq;	  /* of the first byte */
	uint32_t len;	  /* on the wire, at most 2^30 */
	uint32_t cap_len; /* at most REASSEMBLY_MAX */
	const uint8_t *bytes;
	bool fin;
	bool acked;   /* @ack is known: */
	uint32_t ack; /* how far the receiver has confirmed to have everything */
};

enum reassembly_result {
	REASSEMBLY_NEW = 1 << 0,      /* some of its bytes were not there before */
	REASSEMBLY_OVERLAP = 1 << 1,  /* some are kept already, */
	REASSEMBLY_CONFLICT = 1 << 2, /* and different */
};

/* The stream begins at @seq: after a SYN, or in its middle. */
void reassembly_start(struct reassembly *r, uint32_t seq);

/* Takes a segment of a direction that was started. Returns enum reassembly_result. */
unsigned reassembly_segment(struct reassembly_pool *pool, struct reassembly *r,
			    const struct reassembly_segment *s);

/* What is known of the receiver. */
struct reassembly_ack {
	uint32_t ack;	   /* it has everything up to here, */
	int64_t since_ns;  /* as it said first then, */
	uint32_t age;	   /* so many segments ago */
	uint32_t patience; /* a hole is passed over after so many more, */
	int64_t wait_ns;   /* or so long */
};

/* With every segment of the connection while bytes are waiting. */
void reassembly_acked(struct reassembly_pool *pool, struct reassembly *r,
		      const struct reassembly_ack *a, int64_t now_ns);

/* Shows again what was not taken. */
void reassembly_resume(struct reassembly_pool *pool, struct reassembly *r);

/* Nothing will follow: everything that is kept is handed on, holes are passed over. */
void reassembly_end(struct reassembly_pool *pool, struct reassembly *r);

/* Frees what a direction keeps, without a word. */
void reassembly_done(struct reassembly_pool *pool, struct reassembly *r);

/* Frees the memory of which bytes were shown. */
void reassembly_settle(struct reassembly_pool *pool);

/* Whether bytes wait for others before them. */
static inline bool reassembly_waits(const struct reassembly *r)
{
	return r->n_ranges;
}

#endif
