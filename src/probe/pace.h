/*
 * When the next probe may leave: a token bucket with absolute deadlines, so that the mean rate is
 * exact, whose rate falls when this machine cannot keep up and rises again slowly. The rate given
 * is a ceiling.
 */
#ifndef SONDE_PROBE_PACE_H
#define SONDE_PROBE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
	uint64_t ceiling, rate; /* a second; UINT64_MAX: unlimited */
	uint64_t start_ns;
	uint64_t next;	    /* when the next may leave, in 1/256 ns since @start_ns */
	uint64_t window_ns; /* start of the window in which @n_window probes left */
	uint64_t n_window;
	uint64_t slowed_ns; /* 0: never */
};

struct pace pace_of(uint64_t ceiling, uint64_t now_ns);

/* How many may leave now; UINT64_MAX without limit. */
uint64_t pace_budget(struct pace *p, uint64_t now_ns);

/* @n of them left. */
void pace_spend(struct pace *p, uint64_t n);

/* The machine could not keep up: half the rate, at most ten times a second. Return: whether it
 * fell.
 */
bool pace_slow(struct pace *p, uint64_t now_ns);

/* From now on at half the rate that was found to be good, at most. */
void pace_end(struct pace *p);

/* When the budget is at least 1 again; 0: it is unlimited. */
uint64_t pace_deadline(const struct pace *p);

#endif
