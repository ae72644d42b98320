#include "probe/marks.h"

#include <stdlib.h>

static uint64_t n_words(uint64_t n_pairs)
{
	return n_pairs / 64 + 1;
}

struct marks *marks_new(uint64_t n_pairs)
{
	struct marks *m = calloc(1, sizeof(*m) + n_words(n_pairs) * sizeof(m->bits[0]));

	if (m)
		m->n_pairs = n_pairs;
	return m;
}

void marks_move(struct marks *m, struct marks *from)
{
	for (uint64_t word = 0; word < n_words(m->n_pairs); word++) {
		m->bits[word] |= from->bits[word];
		from->bits[word] = 0;
	}
	m->n_set += from->n_set;
	from->n_set = 0;
}

uint64_t marks_next(const struct marks *m, uint64_t from)
{
	uint64_t word = from / 64, bits;

	if (from >= m->n_pairs)
		return m->n_pairs;
	bits = m->bits[word] & UINT64_MAX << from % 64;
	while (!bits && ++word < n_words(m->n_pairs))
		bits = m->bits[word];
	return bits ? word * 64 + (uint64_t)__builtin_ctzll(bits) : m->n_pairs;
}
