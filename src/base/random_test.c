#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/random.h"

/* Outputs of the authors' splitmix64.c for seed 1234567; they become the state. */
static void seed_is_spread_by_splitmix64(void **state)
{
	struct random r = random_of(1234567);
	static const uint64_t want[] = { 6457827717110365317u, 3203168211198807973u,
					 9817491932198370423u, 4593380528125082431u };

	(void)state;
	assert_memory_equal(r.state, want, sizeof(want));
}

/* Outputs of the authors' xoshiro256starstar.c for the state 1, 2, 3, 4. */
static void sequence_is_xoshiro256starstar(void **state)
{
	struct random r = { { 1, 2, 3, 4 } };
	static const uint64_t want[] = {
		11520,
		0,
		1509978240,
		1215971899390074240u,
		1216172134540287360u,
		607988272756665600u,
		16172922978634559625u,
		8476171486693032832u,
		10595114339597558777u,
		2904607092377533576u,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_int_equal(random_u64(&r), want[i]);
}

/* Chi-squared with n - 1 degrees of freedom; the seeds are fixed, so that it holds always or never.
 */
static void below_is_uniform(void **state)
{
	static const struct {
		uint64_t n;
		double limit; /* exceeded by chance once in 10,000 */
	} cases[] = { { 2, 15.2 }, { 7, 27.9 }, { 10, 33.8 }, { 64, 112.4 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t n = cases[i].n, counts[64] = { 0 };
		struct random r = random_of(i);
		double expected = 100000.0 / (double)n, chi = 0;

		for (int round = 0; round < 100000; round++) {
			uint64_t v = random_below(&r, n);

			assert_true(v < n);
			counts[v]++;
		}
		for (uint64_t v = 0; v < n; v++)
			chi += ((double)counts[v] - expected) * ((double)counts[v] - expected) /
			       expected;
		assert_true(chi < cases[i].limit);
	}
}

/*
 * With n = 3/4 of 2^64 there are four numbers for three values: the high half of the product alone
 * would give every third value, and a remainder the lowest third, twice as often.
 */
static void below_has_no_bias_for_large_bounds(void **state)
{
	struct random r = random_of(9);
	uint64_t n = 3ull << 62;
	int low = 0, residues[3] = { 0 };

	(void)state;
	for (int i = 0; i < 30000; i++) {
		uint64_t v = random_below(&r, n);

		low += v < n / 3;
		residues[v % 3]++;
	}
	assert_in_range(low, 9600, 10400);
	for (size_t i = 0; i < ARRAY_LEN(residues); i++)
		assert_in_range(residues[i], 9600, 10400);
	assert_int_equal(random_below(&r, 1), 0);
}

static void unit_is_below_one_and_centred(void **state)
{
	struct random r = random_of(3);
	double sum = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		double v = random_unit(&r);

		assert_true(v >= 0 && v < 1);
		sum += v;
	}
	assert_true(sum > 49500 && sum < 50500);
}

static void bytes_are_the_sequence_cut(void **state)
{
	struct random r = random_of(5);
	uint64_t words[4];
	uint8_t bytes[32] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		words[i] = random_u64(&r);
	for (size_t n = 0; n < sizeof(bytes); n++) {
		r = random_of(5);
		memset(bytes, 0xaa, sizeof(bytes));
		random_bytes(&r, bytes, n);
		assert_memory_equal(bytes, words, n);
		assert_int_equal(bytes[n], 0xaa);
	}
}

static void secrets_differ_and_fill_everything(void **state)
{
	uint8_t a[600], b[600], seen[600] = { 0 };

	(void)state;
	for (int round = 0; round < 20; round++) {
		random_secret(a, sizeof(a));
		random_secret(b, sizeof(b));
		assert_memory_not_equal(a, b, sizeof(a));
		for (size_t i = 0; i < sizeof(a); i++)
			seen[i] |= a[i] | b[i];
	}
	assert_null(memchr(seen, 0, sizeof(seen)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seed_is_spread_by_splitmix64),
		cmocka_unit_test(sequence_is_xoshiro256starstar),
		cmocka_unit_test(below_is_uniform),
		cmocka_unit_test(below_has_no_bias_for_large_bounds),
		cmocka_unit_test(unit_is_below_one_and_centred),
		cmocka_unit_test(bytes_are_the_sequence_cut),
		cmocka_unit_test(secrets_differ_and_fill_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
