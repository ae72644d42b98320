/* The hash table against an array that is searched from end to end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/random.h"

#define MAX_NAIVE 600

/* 13 bytes: values behind it need padding. */
struct key {
	uint8_t bytes[13];
};

struct naive {
	struct key keys[MAX_NAIVE];
	uint64_t values[MAX_NAIVE];
	size_t len;
};

static size_t naive_find(const struct naive *n, const struct key *key)
{
	size_t i = 0;

	while (i < n->len && memcmp(&n->keys[i], key, sizeof(*key)) != 0)
		i++;
	return i;
}

static struct key key_of(uint64_t number)
{
	struct key key = { { 0 } };

	memcpy(key.bytes + number % 5, &number, sizeof(number));
	return key;
}

static void put_both(struct hash *h, struct naive *n, const struct key *key, size_t max, uint64_t v)
{
	size_t i = naive_find(n, key);
	void *value;
	int err = hash_put(h, key, &value);

	if (i == n->len && n->len == max) {
		assert_int_equal(err, -E_FULL);
		return;
	}
	assert_int_equal(err, i == n->len);
	assert_int_equal((uintptr_t)value % _Alignof(uint64_t), 0);
	assert_int_equal(*(uint64_t *)value, i == n->len ? 0 : n->values[i]);
	*(uint64_t *)value = v;
	n->keys[i] = *key;
	n->values[i] = v;
	n->len += i == n->len;
}

static void remove_both(struct hash *h, struct naive *n, const struct key *key)
{
	size_t i = naive_find(n, key);

	assert_int_equal(hash_remove(h, key), i < n->len);
	if (i == n->len)
		return;
	n->len--;
	n->keys[i] = n->keys[n->len];
	n->values[i] = n->values[n->len];
}

static void assert_same(const struct hash *h, const struct naive *n)
{
	size_t at = 0, seen = 0;
	const void *key;
	void *value;

	assert_int_equal(hash_len(h), n->len);
	for (size_t i = 0; i < n->len; i++) {
		value = hash_get(h, &n->keys[i]);
		assert_non_null(value);
		assert_int_equal(*(uint64_t *)value, n->values[i]);
	}
	while (hash_next(h, &at, &key, &value)) {
		size_t i = naive_find(n, key);

		assert_true(i < n->len);
		assert_int_equal(*(uint64_t *)value, n->values[i]);
		seen++;
	}
	assert_int_equal(seen, n->len);
}

/* Few keys, so that they are found, overwritten and removed often; the bound is reached often too.
 */
static void random_operations_equal_naive_ones(void **state)
{
	struct random r = random_of(1);

	(void)state;
	for (int round = 0; round < 30; round++) {
		size_t max = 1 + random_below(&r, MAX_NAIVE), n_keys = 1 + random_below(&r, 900);
		unsigned removing = (unsigned)random_below(&r, 60);
		struct hash *h = hash_new(sizeof(struct key), sizeof(uint64_t), max);
		static struct naive n;

		n.len = 0;
		for (int i = 0; i < 4000; i++) {
			struct key key = key_of(random_below(&r, n_keys));

			if (random_below(&r, 100) < removing)
				remove_both(h, &n, &key);
			else
				put_both(h, &n, &key, max, random_u64(&r));
			key = key_of(random_below(&r, n_keys));
			assert_int_equal(hash_get(h, &key) != NULL, naive_find(&n, &key) < n.len);
			if (i % 500 == 0)
				assert_same(h, &n);
		}
		assert_same(h, &n);
		hash_clear(h);
		n.len = 0;
		assert_same(h, &n);
		hash_free(h);
	}
}

static void empty_table_has_nothing(void **state)
{
	struct hash *h = hash_new(4, 4, 10);
	const void *found;
	size_t at = 0;
	void *value;

	(void)state;
	assert_null(hash_get(h, "abcd"));
	assert_false(hash_remove(h, "abcd"));
	assert_false(hash_next(h, &at, &found, &value));
	hash_clear(h);
	assert_int_equal(hash_len(h), 0);
	assert_null(hash_free(h));
	assert_null(hash_free(NULL));
}

static void set_needs_no_values(void **state)
{
	struct hash *h = hash_new(sizeof(uint32_t), 0, 100000);
	void *value;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(hash_put(h, &i, &value), 1);
	for (uint32_t i = 0; i < 200000; i++)
		assert_int_equal(hash_get(h, &i) != NULL, i < 100000);
	hash_free(h);
}

static void bound_of_zero_holds_nothing(void **state)
{
	struct hash *h = hash_new(4, 4, 0);
	void *value;

	(void)state;
	assert_int_equal(hash_put(h, "abcd", &value), -E_FULL);
	hash_free(h);
}

static void widest_values_are_aligned(void **state)
{
	struct hash *h = hash_new(1, sizeof(long double), 256);
	void *value;

	(void)state;
	for (int i = 0; i < 256; i++) {
		uint8_t key = (uint8_t)i;

		assert_int_equal(hash_put(h, &key, &value), 1);
		assert_int_equal((uintptr_t)value % _Alignof(long double), 0);
		*(long double *)value = i;
	}
	hash_free(h);
}

/*
 * The first is the authors' vector for SipHash-1-3 of nothing under the key 00 01 .. 0f; the others
 * are CPython's hash() of bytes 00 01 .., which is SipHash-1-3 under a zero key with
 * PYTHONHASHSEED=0.
 */
static void siphash_is_the_published_function(void **state)
{
	static const uint64_t counting[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	static const uint64_t zero[2];
	static const struct {
		size_t n;
		uint64_t want;
	} vectors[] = {
		{ 1, 0x68a914128e01e473 },  { 7, 0x2f098ab0c751325a },	{ 8, 0xead411e67ebe2eea },
		{ 9, 0x75927f9d95124362 },  { 15, 0xf30eb725bb91c9ea }, { 16, 0x8972188433a5c5b7 },
		{ 63, 0x385d3e39e5f37359 },
	};
	uint8_t bytes[63];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(siphash(counting, bytes, 0), 0xabac0158050fc4dc);
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
		assert_int_equal(siphash(zero, bytes, vectors[i].n), vectors[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_equal_naive_ones),
		cmocka_unit_test(empty_table_has_nothing),
		cmocka_unit_test(set_needs_no_values),
		cmocka_unit_test(bound_of_zero_holds_nothing),
		cmocka_unit_test(widest_values_are_aligned),
		cmocka_unit_test(siphash_is_the_published_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
