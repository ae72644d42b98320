/*
 * xoshiro256** 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021),
 * seeded through splitmix64 as its authors advise: no seed, not even 0, gives a bad state.
 */
#include "base/random.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/macros.h"

static uint64_t rotate_left(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

struct random random_of(uint64_t seed)
{
	struct random r;

	for (size_t i = 0; i < ARRAY_LEN(r.state); i++)
		r.state[i] = splitmix64(&seed);
	return r;
}

uint64_t random_u64(struct random *r)
{
	uint64_t *s = r->state, result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

/* Lemire, "Fast random integer generation in an interval", 2019: the high half of a product. */
uint64_t random_below(struct random *r, uint64_t n)
{
	unsigned __int128 product = (unsigned __int128)random_u64(r) * n;

	if ((uint64_t)product < n) {
		uint64_t uneven = -n % n;

		while ((uint64_t)product < uneven)
			product = (unsigned __int128)random_u64(r) * n;
	}
	return (uint64_t)(product >> 64);
}

double random_unit(struct random *r)
{
	return (double)(random_u64(r) >> 11) * 0x1p-53;
}

void random_bytes(struct random *r, void *bytes, size_t n)
{
	uint8_t *at = bytes;

	while (n) {
		uint64_t v = random_u64(r);
		size_t part = MIN(n, sizeof(v));

		memcpy(at, &v, part);
		at += part;
		n -= part;
	}
}

void random_secret(void *bytes, size_t n)
{
	uint8_t *at = bytes;

	while (n) {
		/* Up to 256 bytes come whole and uninterrupted, getrandom(2). */
		size_t part = MIN(n, (size_t)256);

		/* Running on with a key that everybody knows would be worse than stopping. */
		if (getrandom(at, part, 0) != (ssize_t)part)
			abort();
		at += part;
		n -= part;
	}
}
