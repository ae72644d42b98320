#include "probe/pass.h"

#include <stdlib.h>

struct pass *pass_new(uint64_t n_pairs)
{
	struct pass *p = calloc(1, sizeof(*p) + (n_pairs / 64 + 1) * sizeof(p->bits[0]));

	if (p)
		p->n_pairs = n_pairs;
	return p;
}

uint64_t pass_next(const struct pass *p, uint64_t from)
{
	uint64_t word = from / 64, bits;

	if (from >= p->n_pairs)
		return p->n_pairs;
	bits = p->bits[word] & UINT64_MAX << from % 64;
	while (!bits && ++word <= p->n_pairs / 64)
		bits = p->bits[word];
	return bits ? word * 64 + (uint64_t)__builtin_ctzll(bits) : p->n_pairs;
}
