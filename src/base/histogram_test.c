/* The histogram against the sorted list of all values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/histogram.h"
#include "base/macros.h"
#include "base/random.h"

#define N_VALUES 5000

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Every magnitude is as likely as any other. */
static uint64_t random_value(struct random *r)
{
	return random_u64(r) >> (64 - HISTOGRAM_MAX_BITS + random_below(r, HISTOGRAM_MAX_BITS));
}

/* The smallest value that at least p percent of all do not exceed (nearest rank); p in thousandths.
 */
static uint64_t exact_percentile(const uint64_t *sorted, size_t n, uint64_t p)
{
	size_t rank = (n * p + 99999) / 100000;

	return sorted[rank ? rank - 1 : 0];
}

static void percentiles_are_within_a_64th(void **state)
{
	static uint64_t values[N_VALUES];
	static struct histogram h;
	struct random r = random_of(1);

	(void)state;
	for (int round = 0; round < 40; round++) {
		size_t n = 1 + random_below(&r, N_VALUES);

		histogram_init(&h);
		for (size_t i = 0; i < n; i++) {
			values[i] = random_value(&r);
			histogram_add(&h, values[i]);
		}
		qsort(values, n, sizeof(*values), compare);
		assert_int_equal(h.min, values[0]);
		assert_int_equal(h.max, values[n - 1]);
		for (uint64_t p = 0; p <= 100000; p += 100) {
			uint64_t exact = exact_percentile(values, n, p);
			uint64_t got = histogram_percentile(&h, (double)p / 1000);

			assert_true(got >= exact);
			assert_true(got - exact <= exact / 64);
		}
	}
}

static void small_values_are_exact(void **state)
{
	static struct histogram h;

	(void)state;
	for (uint64_t v = 0; v < 128; v++) {
		histogram_init(&h);
		histogram_add(&h, 0);
		histogram_add(&h, v);
		histogram_add(&h, 1000);
		assert_int_equal(histogram_percentile(&h, 50), v);
	}
}

/* 8.8 percent of 375 is 33, but as doubles 33.000000000000004. */
static void percentages_without_exact_double(void **state)
{
	static struct histogram h;

	(void)state;
	histogram_init(&h);
	for (uint64_t v = 1; v <= 375; v++)
		histogram_add(&h, v);
	assert_int_equal(histogram_percentile(&h, 8.8), 33);
}

static void mean_and_deviation_are_the_naive_ones(void **state)
{
	static double values[N_VALUES];
	static struct histogram h;
	struct random r = random_of(2);
	double sum = 0, squares = 0, mean;

	(void)state;
	histogram_init(&h);
	for (size_t i = 0; i < N_VALUES; i++) {
		uint64_t v = 20000000 + random_below(&r, 5000000);

		values[i] = (double)v;
		sum += values[i];
		histogram_add(&h, v);
	}
	mean = sum / N_VALUES;
	for (size_t i = 0; i < N_VALUES; i++)
		squares += (values[i] - mean) * (values[i] - mean);
	assert_true(fabs(histogram_mean(&h) - mean) < 1e-6 * mean);
	assert_true(fabs(histogram_deviation(&h) - sqrt(squares / N_VALUES)) < 1);
}

static void merging_equals_adding_all(void **state)
{
	static struct histogram all, parts[3];
	struct random r = random_of(3);

	(void)state;
	histogram_init(&all);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		histogram_init(&parts[i]);
	for (int i = 0; i < N_VALUES; i++) {
		/* Up to 2^20, so that the sums are exact in any order. */
		uint64_t v = random_below(&r, 1 << 20);

		histogram_add(&all, v);
		histogram_add(&parts[random_below(&r, 2)], v); /* the third stays empty */
	}
	histogram_merge(&parts[0], &parts[1]);
	histogram_merge(&parts[0], &parts[2]);
	assert_memory_equal(&parts[0], &all, sizeof(all));
	histogram_merge(&parts[2], &all);
	assert_memory_equal(&parts[2], &all, sizeof(all));
}

static void empty_gives_zero(void **state)
{
	static struct histogram h;

	(void)state;
	histogram_init(&h);
	assert_int_equal(histogram_percentile(&h, 50), 0);
	assert_true(histogram_mean(&h) == 0);
	assert_true(histogram_deviation(&h) == 0);
}

static void beyond_the_range_counts(void **state)
{
	static struct histogram h;

	(void)state;
	histogram_init(&h);
	histogram_add(&h, 5);
	histogram_add(&h, 1ull << HISTOGRAM_MAX_BITS);
	histogram_add(&h, UINT64_MAX);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.max, UINT64_MAX);
	assert_int_equal(histogram_percentile(&h, 1), 5);
	assert_int_equal(histogram_percentile(&h, 100), UINT64_MAX);
}

static void buckets_saturate(void **state)
{
	static struct histogram h, more;

	(void)state;
	histogram_init(&h);
	histogram_init(&more);
	h.buckets[7] = UINT32_MAX - 1;
	h.count = UINT32_MAX - 1;
	for (int i = 0; i < 3; i++)
		histogram_add(&h, 7);
	assert_int_equal(h.buckets[7], UINT32_MAX);
	histogram_add(&more, 7);
	histogram_merge(&h, &more);
	assert_int_equal(h.buckets[7], UINT32_MAX);
	assert_int_equal(h.count, UINT32_MAX + 3ull);
	assert_int_equal(histogram_percentile(&h, 99), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_within_a_64th),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(percentages_without_exact_double),
		cmocka_unit_test(mean_and_deviation_are_the_naive_ones),
		cmocka_unit_test(merging_equals_adding_all),
		cmocka_unit_test(empty_gives_zero),
		cmocka_unit_test(beyond_the_range_counts),
		cmocka_unit_test(buckets_saturate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
