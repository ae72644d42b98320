/* The Internet checksum against its definition, word by word, and RFC 1071's example. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "wire/checksum.h"

/* RFC 1071 section 4.1, in C as printed there: 16-bit words in network order, carries folded. */
static uint16_t naive(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void fill(uint8_t *p, size_t n, unsigned *seed)
{
	/* Runs of ff and 00 make carries that random bytes hardly ever make. */
	int kind = rand_r(seed) % 4;

	for (size_t i = 0; i < n; i++)
		p[i] = kind == 0 ? 0xff : kind == 1 ? 0 : (uint8_t)rand_r(seed);
}

static void rfc1071_example(void **state)
{
	const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(checksum_of(bytes, sizeof(bytes)), (uint16_t)~0xddf2);
}

static void equals_naive(void **state)
{
	uint8_t bytes[300];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)rand_r(&seed) % sizeof(bytes),
		       cut = (size_t)rand_r(&seed) % (n + 1);

		fill(bytes, n, &seed);
		cut &= ~(size_t)1;
		assert_int_equal(checksum_of(bytes, n), naive(bytes, n));
		assert_int_equal(checksum_finish(checksum_add(checksum_add(0, bytes, cut),
							      bytes + cut, n - cut)),
				 naive(bytes, n));
	}
}

static void pseudo_headers(void **state)
{
	uint8_t bytes[40], ip4[12], ip6[40];
	unsigned seed = 2;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		fill(bytes, sizeof(bytes), &seed);
		memset(ip4, 0, sizeof(ip4));
		memcpy(ip4, bytes, 8);
		ip4[9] = bytes[8];
		memcpy(ip4 + 10, bytes + 9, 2);
		assert_int_equal(checksum_finish(checksum_pseudo_ip4(ip4, ip4 + 4, bytes[8],
								     load_be16(bytes + 9))),
				 naive(ip4, sizeof(ip4)));
		memset(ip6, 0, sizeof(ip6));
		memcpy(ip6, bytes, 36);
		ip6[39] = bytes[36];
		assert_int_equal(checksum_finish(checksum_pseudo_ip6(ip6, ip6 + 16, bytes[36],
								     load_be32(ip6 + 32))),
				 naive(ip6, sizeof(ip6)));
	}
}

static void update_equals_new_sum(void **state)
{
	uint8_t bytes[20];
	unsigned seed = 3;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t at = (size_t)rand_r(&seed) % 10 * 2;
		uint16_t before, from, to = (uint16_t)rand_r(&seed), updated;

		fill(bytes, sizeof(bytes), &seed);
		bytes[19] |= 1; /* all zero is the one input that has two checksums */
		before = checksum_of(bytes, sizeof(bytes));
		from = load_be16(bytes + at);
		if (at == 18)
			to |= 1;
		store_be16(bytes + at, to);
		updated = checksum_update(before, from, to);
		assert_int_equal(updated, checksum_of(bytes, sizeof(bytes)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc1071_example),
		cmocka_unit_test(equals_naive),
		cmocka_unit_test(pseudo_headers),
		cmocka_unit_test(update_equals_new_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
