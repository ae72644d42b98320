/*
 * An alternating Feistel network over the smallest number of bits that holds n: a bijection
 * whatever its round function is. What falls beyond n (less than half of all) is put in again until
 * it does not (cycle walking: Black and Rogaway, 'Ciphers with arbitrary finite domains', 2002), so
 * that no value comes twice or is missed. Nothing is multiplied or divided by n: nothing can
 * overflow.
 */
#include "probe/plan.h"

#include "base/random.h"

static uint64_t mask(unsigned bits)
{
	return (UINT64_C(1) << bits) - 1;
}

struct plan plan_of(uint64_t n, uint64_t seed)
{
	struct random random = random_of(seed);
	struct plan p = { .n = n };
	unsigned bits = 2;

	while (bits < 63 && n > UINT64_C(1) << bits)
		bits++;
	p.low_bits = bits / 2;
	p.high_bits = bits - p.low_bits;
	for (unsigned i = 0; i < PLAN_ROUNDS; i++)
		p.keys[i] = random_u64(&random);
	return p;
}

struct plan plan_in_order(uint64_t n)
{
	return (struct plan){ .n = n };
}

/* Spreads the bits of @v (the finaliser of MurmurHash3). */
static uint64_t mix(uint64_t v)
{
	v ^= v >> 33;
	v *= UINT64_C(0xff51afd7ed558ccd);
	v ^= v >> 33;
	v *= UINT64_C(0xc4ceb9fe1a85ec53);
	return v ^ v >> 33;
}

static uint64_t permute(const struct plan *p, uint64_t v)
{
	uint64_t low = v & mask(p->low_bits), high = v >> p->low_bits;

	for (unsigned i = 0; i < PLAN_ROUNDS; i += 2) {
		low ^= mix(high ^ p->keys[i]) & mask(p->low_bits);
		high ^= mix(low ^ p->keys[i + 1]) & mask(p->high_bits);
	}
	return high << p->low_bits | low;
}

uint64_t plan_at(const struct plan *p, uint64_t i)
{
	if (!p->high_bits)
		return i;
	do
		i = permute(p, i);
	while (i >= p->n);
	return i;
}
