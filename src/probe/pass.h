/*
 * The last pass: pairs that stayed silent are not told at once but marked, one bit each. When all
 * others are resolved and losses matter, each is asked once more, in the order of the plan; else
 * they are told as they are. A set beyond PASS_MAX_PAIRS has no last pass.
 */
#ifndef SONDE_PROBE_PASS_H
#define SONDE_PROBE_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PASS_MAX_PAIRS (UINT64_C(1) << 28) /* 32 MB of bits */

struct pass {
	uint64_t n_pairs, n_marked;
	uint64_t at; /* next place of the plan to be looked at, or next pair */
	bool began, asks;
	bool began_asking; /* and may be through with it */
	uint64_t bits[];
};

/* Return: NULL when out of memory. */
struct pass *pass_new(uint64_t n_pairs);

static inline bool pass_has(const struct pass *p, uint64_t pair)
{
	return p->bits[pair / 64] >> pair % 64 & 1;
}

static inline void pass_mark(struct pass *p, uint64_t pair)
{
	p->n_marked += !pass_has(p, pair);
	p->bits[pair / 64] |= UINT64_C(1) << pair % 64;
}

/* Return: whether it was marked. */
static inline bool pass_unmark(struct pass *p, uint64_t pair)
{
	bool had = pass_has(p, pair);

	p->n_marked -= had;
	p->bits[pair / 64] &= ~(UINT64_C(1) << pair % 64);
	return had;
}

/* The first marked pair from @from on; n_pairs when there is none. */
uint64_t pass_next(const struct pass *p, uint64_t from);

#endif
