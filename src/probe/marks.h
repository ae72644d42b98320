/* A bit for each pair of a plan, bounded to what takes 32 MB. */
#ifndef SONDE_PROBE_MARKS_H
#define SONDE_PROBE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARKS_MAX (UINT64_C(1) << 28) /* pairs; beyond, a plan does without */

struct marks {
	uint64_t n_pairs, n_set;
	uint64_t bits[];
};

/* None is set. Return: NULL when out of memory. */
struct marks *marks_new(uint64_t n_pairs);

static inline bool marks_has(const struct marks *m, uint64_t pair)
{
	return m->bits[pair / 64] >> pair % 64 & 1;
}

static inline void marks_set(struct marks *m, uint64_t pair)
{
	m->n_set += !marks_has(m, pair);
	m->bits[pair / 64] |= UINT64_C(1) << pair % 64;
}

/* Return: whether it was set. */
static inline bool marks_clear(struct marks *m, uint64_t pair)
{
	bool had = marks_has(m, pair);

	m->n_set -= had;
	m->bits[pair / 64] &= ~(UINT64_C(1) << pair % 64);
	return had;
}

/* Moves all of @from to @m; both are of one plan, and no pair is set in both. */
void marks_move(struct marks *m, struct marks *from);

/* The first pair set from @from on; n_pairs when there is none. */
uint64_t marks_next(const struct marks *m, uint64_t from);

#endif
