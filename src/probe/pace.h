/*
 * When the next probe may leave: a token bucket with absolute deadlines, so that the mean rate is
 * exact. The rate given is a ceiling; below it the pace finds its own.
 *
 * The order of a run is random, so the share of first tries that are answered is the same at any
 * time, unless probes or answers are lost because there are too many of them. So the pace is held
 * for a trial, the answers to the probes of the trial are waited for, and their share is compared
 * with what it was at slower paces:
 *
 *   - as large: the next trial is faster, twice as fast until the first setback;
 *   - smaller by more than chance: what came through tells what the network bears, and the pace
 *     goes below that; but when the missing ones come late, it goes back to where it was;
 *   - no better although it went slower: the network changed, not we: this share counts from now
 *     on, and the pace goes back to where it was.
 *
 * A constant loss lessens the share at every pace alike, and so slows nothing.
 */
#ifndef SONDE_PROBE_PACE_H
#define SONDE_PROBE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace_trial {
	uint64_t start_ns, end_ns; /* probes sent then belong to it */
	uint64_t n_sent;	   /* of all kinds */
	uint64_t n_first, n_found; /* first tries, and their answers */
};

struct pace {
	uint64_t ceiling, rate; /* a second; UINT64_MAX: unlimited */
	uint64_t soft;	  /* there was trouble near it: above it the rate rises slowly at first */
	unsigned n_above; /* good trials above it */
	uint64_t start_ns;
	uint64_t next;	 /* when the next may leave, in 1/256 ns since @start_ns */
	uint64_t n_sent; /* since @counted_ns */
	uint64_t counted_ns;
	uint64_t slowed_ns; /* by this machine; 0: never */

	uint64_t held; /* not faster than this, and no trials; 0: it is not held */
	bool searches; /* there are first tries to judge by */
	bool doubles;  /* no setback yet */
	bool setback;  /* the last trial was one */
	struct pace_trial trial;
	uint64_t before;	     /* the rate before the setback */
	double known_n, known_found; /* of good trials */
	struct pace_trial bad;	     /* the trial that was the setback; end_ns 0: none */
	double bad_share, bad_needs; /* answered of it, and how many would have been good */
	uint64_t n_setbacks;
	uint64_t rtt_ns, rtt_var_ns; /* smoothed as in RFC 6298; 0: none seen */
};

/* @searches: it finds its rate below the ceiling; otherwise it begins there. */
struct pace pace_of(uint64_t ceiling, bool searches, uint64_t now_ns);

/* How many may leave now; UINT64_MAX without limit. */
uint64_t pace_budget(struct pace *p, uint64_t now_ns);

/* @n of them left. */
void pace_spend(struct pace *p, uint64_t n);

/* One of them was a first try. */
static inline void pace_first(struct pace *p, uint64_t now_ns)
{
	p->trial.n_first += now_ns >= p->trial.start_ns && now_ns < p->trial.end_ns;
}

/* A target answered the first try, which left at @sent_ns. */
void pace_found(struct pace *p, uint64_t sent_ns, uint64_t rtt_ns);

/* Judges the trial when its answers have had time. */
void pace_judge(struct pace *p, uint64_t now_ns);

/* The machine could not keep up: half the rate, at most twice a second. Return: whether it
 * fell.
 */
bool pace_slow(struct pace *p, uint64_t now_ns);

/* Whether it has a slower rate to compare with, of which it is known how many answer. */
bool pace_knows(const struct pace *p);

/* The line bears no more than one in @gap_ns, as others found out; 0: that is over. */
void pace_hold(struct pace *p, uint64_t now_ns, uint64_t gap_ns);

/* From now on at half the rate that was found to be good, or half of @share of it, and no trials.
 */
void pace_end(struct pace *p, double share);

/* When the budget is at least 1 again; 0: it is unlimited. */
uint64_t pace_deadline(const struct pace *p);

#endif
