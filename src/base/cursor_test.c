/* The cursor against a naive reader: an index, a failure flag, and bytes put together one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/random.h"

struct naive {
	const uint8_t *bytes;
	size_t at, len;
	bool failed;
};

static uint64_t naive_read(struct naive *n, size_t size)
{
	uint64_t v = 0;

	if (n->failed || size > n->len - n->at) {
		n->failed = true;
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		v = v * 256 + n->bytes[n->at++];
	return v;
}

static uint64_t cursor_read(struct cursor *c, size_t size)
{
	switch (size) {
	case 1:
		return cursor_u8(c);
	case 2:
		return cursor_be16(c);
	case 3:
		return cursor_be24(c);
	case 4:
		return cursor_be32(c);
	case 8:
		return cursor_be64(c);
	default:
		cursor_skip(c, size);
		return 0;
	}
}

static void random_reads_equal_naive_ones(void **state)
{
	struct random r = random_of(1);

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len = random_below(&r, 40);
		/* Exactly as long as said, so that the sanitizer sees a read beyond. */
		uint8_t *bytes = malloc(len ? len : 1);
		struct cursor c = cursor_of(bytes, len);
		struct naive n = { .bytes = bytes, .len = len };

		random_bytes(&r, bytes, len);
		for (int i = 0; i < 12; i++) {
			size_t size = random_below(&r, 10);
			uint64_t want = naive_read(&n, size);
			bool fixed = size == 8 || (size >= 1 && size <= 4);

			assert_int_equal(cursor_read(&c, size), fixed ? want : 0);
			assert_int_equal(c.err, n.failed ? -E_TRUNCATED : 0);
			assert_int_equal(cursor_pos(&c), n.at);
			assert_int_equal(cursor_left(&c), n.failed ? 0 : n.len - n.at);
		}
		free(bytes);
	}
}

static void bytes_are_borrowed_or_null(void **state)
{
	uint8_t bytes[4] = { 1, 2, 3, 4 };
	struct cursor c = cursor_of(bytes, 4);

	(void)state;
	assert_ptr_equal(cursor_bytes(&c, 3), bytes);
	assert_ptr_equal(cursor_bytes(&c, 0), bytes + 3);
	assert_null(cursor_bytes(&c, 2));
	assert_int_equal(c.err, -E_TRUNCATED);
	assert_null(cursor_bytes(&c, SIZE_MAX));
}

static void first_error_sticks(void **state)
{
	uint8_t bytes[4] = { 0 };
	struct cursor c = cursor_of(bytes, 4);

	(void)state;
	cursor_fail(&c, -E_MALFORMED);
	cursor_skip(&c, 5);
	cursor_fail(&c, -E_RANGE);
	assert_int_equal(c.err, -E_MALFORMED);
	assert_int_equal(cursor_left(&c), 0);
}

static void sub_is_fenced_and_inherits_the_error(void **state)
{
	uint8_t bytes[6] = { 1, 2, 3, 4, 5, 6 };
	struct cursor c = cursor_of(bytes, 6), sub = cursor_sub(&c, 4);

	(void)state;
	assert_int_equal(cursor_be32(&sub), 0x01020304);
	assert_int_equal(cursor_u8(&sub), 0);
	assert_int_equal(sub.err, -E_TRUNCATED);
	assert_int_equal(c.err, 0);
	assert_int_equal(cursor_be16(&c), 0x0506);
	sub = cursor_sub(&c, 1);
	assert_int_equal(sub.err, -E_TRUNCATED);
	assert_int_equal(c.err, -E_TRUNCATED);
	assert_int_equal(cursor_left(&sub), 0);
}

static void nothing_can_be_read_from_null(void **state)
{
	struct cursor c = cursor_of(NULL, 0);

	(void)state;
	assert_int_equal(cursor_left(&c), 0);
	assert_int_equal(cursor_be64(&c), 0);
	assert_int_equal(c.err, -E_TRUNCATED);
}

static void stores_are_what_loads_read(void **state)
{
	struct random r = random_of(2);
	uint8_t bytes[9];

	(void)state;
	for (int round = 0; round < 1000; round++) {
		uint64_t v = random_u64(&r);
		struct naive n = { .bytes = bytes + 1, .len = 8 };

		store_be64(bytes + 1, v); /* unaligned */
		assert_int_equal(naive_read(&n, 8), v);
		store_be32(bytes + 1, (uint32_t)v);
		assert_int_equal(load_be32(bytes + 1), (uint32_t)v);
		store_be16(bytes + 1, (uint16_t)v);
		assert_int_equal(load_be16(bytes + 1), (uint16_t)v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_reads_equal_naive_ones),
		cmocka_unit_test(bytes_are_borrowed_or_null),
		cmocka_unit_test(first_error_sticks),
		cmocka_unit_test(sub_is_fenced_and_inherits_the_error),
		cmocka_unit_test(nothing_can_be_read_from_null),
		cmocka_unit_test(stores_are_what_loads_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
