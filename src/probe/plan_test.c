/* Every value exactly once: counted, for small sizes and for those where bits change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/random.h"
#include "probe/plan.h"

static void check_exact(uint64_t n, uint64_t seed)
{
	struct plan p = plan_of(n, seed);
	uint8_t *seen = calloc(n, 1);

	assert_non_null(seen);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t v = plan_at(&p, i);

		assert_true(v < n);
		assert_int_equal(seen[v]++, 0);
	}
	free(seen);
}

static void test_in_order(void **state)
{
	struct plan p = plan_in_order(1000);

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(plan_at(&p, i), i);
}

static void test_every_value_once(void **state)
{
	struct random random = random_of(1);

	(void)state;
	for (uint64_t n = 1; n < 300; n++)
		check_exact(n, n * 7);
	for (unsigned bits = 9; bits < 21; bits++) {
		check_exact((1ull << bits) - 1, bits);
		check_exact(1ull << bits, bits);
		check_exact((1ull << bits) + 1, bits);
	}
	for (unsigned i = 0; i < 30; i++)
		check_exact(1 + random_below(&random, 50000), random_u64(&random));
}

/*
 * Too large to count: what comes out is below n, the same each time, and no two of a sample are
 * equal, at both ends of the range too.
 */
static void test_large(void **state)
{
	static const uint64_t sizes[] = { (1ull << 32) - 1, 1ull << 32,	      (1ull << 32) + 1,
					  1ull << 48,	    (1ull << 62) + 3, 1ull << 63 };
	enum { SAMPLE = 1000 };

	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		uint64_t n = sizes[s], values[SAMPLE];
		struct plan p = plan_of(n, 99), again = plan_of(n, 99);

		for (uint64_t i = 0; i < SAMPLE; i++) {
			uint64_t at = i < SAMPLE / 2 ? i : n - 1 - i;

			values[i] = plan_at(&p, at);
			assert_true(values[i] < n);
			assert_true(values[i] == plan_at(&again, at));
			for (uint64_t j = 0; j < i; j++)
				assert_true(values[j] != values[i]);
		}
	}
}

/* Neighbours do not stay neighbours: a network is not hammered address after address. */
static void test_scatters(void **state)
{
	struct plan p = plan_of(65536, 3);
	unsigned n_same_24 = 0;

	(void)state;
	for (uint64_t i = 1; i < 65536; i++)
		n_same_24 += plan_at(&p, i) >> 8 == plan_at(&p, i - 1) >> 8;
	assert_in_range(n_same_24, 100, 500); /* by chance 256 */
}

static void test_seed_matters(void **state)
{
	struct plan a = plan_of(10000, 1), b = plan_of(10000, 2);
	unsigned n_equal = 0;

	(void)state;
	for (uint64_t i = 0; i < 10000; i++)
		n_equal += plan_at(&a, i) == plan_at(&b, i);
	assert_in_range(n_equal, 0, 20); /* by chance 1 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),     cmocka_unit_test(test_every_value_once),
		cmocka_unit_test(test_large),	     cmocka_unit_test(test_scatters),
		cmocka_unit_test(test_seed_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
