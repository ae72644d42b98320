#include "base/histogram.h"

#include <math.h>
#include <string.h>

#include "base/macros.h"

#define SUB_BUCKETS (1u << HISTOGRAM_SUB_BITS)

void histogram_init(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

/* Values below SUB_BUCKETS have a bucket each; every power of two above shares SUB_BUCKETS. */
static size_t bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < SUB_BUCKETS)
		return value;
	if (value >> HISTOGRAM_MAX_BITS)
		return HISTOGRAM_BUCKETS - 1;
	shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	return ((size_t)shift << HISTOGRAM_SUB_BITS) + (value >> shift);
}

/* The largest value that falls into @bucket. */
static uint64_t bucket_top(size_t bucket)
{
	unsigned shift;

	if (bucket < SUB_BUCKETS)
		return bucket;
	shift = (unsigned)(bucket >> HISTOGRAM_SUB_BITS) - 1;
	return ((bucket - ((uint64_t)shift << HISTOGRAM_SUB_BITS) + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	uint32_t *bucket = &h->buckets[bucket_of(value)];

	h->count++;
	h->min = MIN(h->min, value);
	h->max = MAX(h->max, value);
	h->sum += (double)value;
	h->sum_squares += (double)value * (double)value;
	*bucket += *bucket < UINT32_MAX;
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
	h->count += from->count;
	h->min = MIN(h->min, from->min);
	h->max = MAX(h->max, from->max);
	h->sum += from->sum;
	h->sum_squares += from->sum_squares;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t sum = (uint64_t)h->buckets[i] + from->buckets[i];

		h->buckets[i] = (uint32_t)MIN(sum, (uint64_t)UINT32_MAX);
	}
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
	/* The small term undoes the rounding of percentages such as 99.9, which have no exact
	 * double. */
	double rank = ceil(percent * (double)h->count / 100 - 1e-6);
	uint64_t seen = 0;

	if (!h->count)
		return 0;
	if (rank < 1)
		return h->min;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += h->buckets[i];
		if ((double)seen >= rank)
			return MAX(h->min, MIN(bucket_top(i), h->max));
	}
	return h->max;
}

double histogram_mean(const struct histogram *h)
{
	return h->count ? h->sum / (double)h->count : 0;
}

double histogram_deviation(const struct histogram *h)
{
	double mean = histogram_mean(h), variance;

	if (!h->count)
		return 0;
	variance = h->sum_squares / (double)h->count - mean * mean;
	/* Rounding can take it below zero when all values are equal. */
	return variance > 0 ? sqrt(variance) : 0;
}
