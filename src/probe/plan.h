/*
 * The order of a run: a permutation of 0 … n-1 that a seed chooses and that needs no memory. The
 * same seed and index give the same value, so that shards, resuming and an exact rest come for
 * free.
 */
#ifndef SONDE_PROBE_PLAN_H
#define SONDE_PROBE_PLAN_H

#include <stdint.h>

#define PLAN_ROUNDS 6

struct plan {
	uint64_t n;
	unsigned low_bits, high_bits;
	uint64_t keys[PLAN_ROUNDS];
};

/* Of 0 … @n-1; @n at most 2^63. */
struct plan plan_of(uint64_t n, uint64_t seed);

/* Not permuted: i comes at place i. */
struct plan plan_in_order(uint64_t n);

/* Which value comes at place @i, @i < n: each of them exactly once. */
uint64_t plan_at(const struct plan *p, uint64_t i);

#endif
