/*
 * A seeded random source (xoshiro256**): the same seed gives the same run. For schedules,
 * permutations and tests; not for secrets, for which random_secret() asks the kernel.
 */
#ifndef SONDE_BASE_RANDOM_H
#define SONDE_BASE_RANDOM_H

#include <stdint.h>
#include <stddef.h>

struct random {
	uint64_t state[4];
};

/* The same seed gives the same numbers everywhere. Not for secrets. */
struct random random_of(uint64_t seed);
uint64_t random_u64(struct random *r);

/* Uniform in [0, @n), without bias; @n is at least 1. */
uint64_t random_below(struct random *r, uint64_t n);

/* Uniform in [0, 1). */
double random_unit(struct random *r);

void random_bytes(struct random *r, void *bytes, size_t n);

/* Unpredictable bytes from the kernel (getrandom(2)): keys, seeds, tokens. Never fails on
 * Linux 5.6+. */
void random_secret(void *bytes, size_t n);

#endif
