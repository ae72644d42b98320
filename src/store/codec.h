/*
 * How samples and roll-ups are written in blobs. All numbers are LEB128 varints; times are
 * multiples of 100 ns.
 *
 *   burst   time, sent, answered, answered × RTT; the time is (ms since the slot's start) << 1 | 1,
 *           or zigzag(ms since the burst before) << 1. Bursts that begin with the former can be
 *           appended to any others of the slot.
 *   stats   sent, lost, and when something answered: min, p10 − min, p25 − p10, … max − p90, jitter
 *   minutes (minute within the slot, stats)…
 *   heat    (host − the host before, sent, lost, median)…
 */
#ifndef SONDE_STORE_CODEC_H
#define SONDE_STORE_CODEC_H

#include "base/buf.h"
#include "base/cursor.h"
#include "store/store.h"

#define RTT_UNIT_NS 100
#define RTT_MAX_NS  (1ULL << 40) /* 18 minutes: no answer takes longer */

struct sample {
	int64_t time_ms;
	uint32_t at; /* of its first RTT in the list's */
	uint16_t sent, n_rtts;
};

/* A growing list; zeroed is empty. */
struct samples {
	struct sample *items;
	size_t n, cap;
	uint64_t *rtts; /* ns */
	size_t n_rtts, cap_rtts;
	uint64_t *sorted; /* scratch of stats_of() */
	size_t cap_sorted;
};

void samples_done(struct samples *list);

static inline void samples_clear(struct samples *list)
{
	list->n = list->n_rtts = 0;
}

#define NO_BURST (-1)

/* Appends one burst. @last_ms: of the burst before, or NO_BURST. */
void burst_write(struct buf *b, int64_t start_ms, int64_t last_ms, int64_t time_ms, unsigned sent,
		 unsigned n_rtts, const uint64_t *rtts_ns);

/**
 * bursts_read() - append a blob's bursts to @list
 * @start_ms: the slot's start
 * Return: 0, -E_MALFORMED, -ENOMEM.
 */
MUST_CHECK int bursts_read(struct cursor c, int64_t start_ms, struct samples *list);

/* Sorts by time; of several in the same millisecond the first stays. */
void samples_sort(struct samples *list);

/* Writes all of @list, which is sorted. */
void samples_write(struct buf *b, const struct samples *list, int64_t start_ms);

/* The stats of @list's items @from to below @to. Return: 0 or -ENOMEM. */
MUST_CHECK int stats_of(struct samples *list, size_t from, size_t to,
			struct store_stats *ret_stats);

/* The same of what a heat map needs, without sorting. Return: 0 or -ENOMEM. */
MUST_CHECK int cell_of(struct samples *list, size_t from, size_t to,
		       struct store_heat_cell *ret_cell);

/* Adds @with to @to, as store_stats describes: percentiles weighted by answers. */
void stats_combine(struct store_stats *to, const struct store_stats *with);

/* Seven bits a byte, the lowest first, the top bit set where more follow. */
void varint_write(struct buf *b, uint64_t v);
uint64_t varint_read(struct cursor *c); /* -E_MALFORMED sticks when it is no 64-bit number */
void stats_write(struct buf *b, const struct store_stats *stats);
/* What is malformed sticks in @c. */
void stats_read(struct cursor *c, struct store_stats *ret_stats);

/* The next cell of a row of the heat map; *@host starts at 0. Return: false at the end, or c->err.
 */
bool heat_read(struct cursor *c, int64_t *host, struct store_heat_cell *ret_cell);
void heat_write(struct buf *b, int64_t last_host, int64_t host, const struct store_heat_cell *cell);

static inline uint32_t stats_answered(const struct store_stats *s)
{
	return s->sent - s->lost;
}

#endif
