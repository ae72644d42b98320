/*
 * A histogram of durations with a bounded relative error (the log-linear layout of HdrHistogram):
 * each power of two is split into 64 equal buckets, so that a value is known to 1/64 of itself or
 * better from 1 ns to 2^40 ns (18 minutes). Minimum, maximum, count and sum are exact.
 */
#ifndef SONDE_BASE_HISTOGRAM_H
#define SONDE_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_MAX_BITS 40
#define HISTOGRAM_BUCKETS  ((HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t count, min, max;
	double sum, sum_squares;
	uint32_t buckets[HISTOGRAM_BUCKETS]; /* saturate at 2^32 - 1 */
};

/* An empty one: zero everything but @min. */
void histogram_init(struct histogram *h);

/* Adds one value; what exceeds the range is counted in the last bucket, @max stays exact. */
void histogram_add(struct histogram *h, uint64_t value);

/* Adds all of @from. */
void histogram_merge(struct histogram *h, const struct histogram *from);

/*
 * The value below or at which @percent (0 to 100) of all values lie: never below the exact one, and
 * above it by at most 1/64; 0 when empty. Above 2^40 ns it is @max.
 */
uint64_t histogram_percentile(const struct histogram *h, double percent);

double histogram_mean(const struct histogram *h);

/* Standard deviation of all values (not of a sample): what ping calls mdev. */
double histogram_deviation(const struct histogram *h);

#endif
