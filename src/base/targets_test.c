#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/targets.h"

/* The set as text, address by address, for small sets. */
static const char *listed(const char *text)
{
	static char memory[4096];
	struct buf b = buf_in(memory, sizeof(memory));
	struct targets *t = targets_new();
	struct fault fault = { 0 };

	if (targets_parse(t, text, &fault) < 0) {
		buf_printf(&b, "%zu: %s", fault.offset, fault.text);
	} else {
		assert_int_equal(targets_seal(t), 0);
		for (uint128_t i = 0; i < targets_count(t); i++) {
			struct addr a = targets_get(t, i);

			assert_true(targets_contains(t, &a));
			buf_addr(&b, &a);
			buf_char(&b, ' ');
		}
		for (size_t i = 0; i < targets_n_names(t); i++)
			buf_printf(&b, "%s ", targets_name(t, i));
	}
	targets_free(t);
	return buf_cstr(&b);
}

static void test_forms(void **state)
{
	(void)state;
	assert_string_equal(listed("10.0.2.7"), "10.0.2.7 ");
	assert_string_equal(listed("10.0.2.2-4"), "10.0.2.2 10.0.2.3 10.0.2.4 ");
	assert_string_equal(listed("10.0.0-1.1-2"), "10.0.0.1 10.0.0.2 10.0.1.1 10.0.1.2 ");
	assert_string_equal(listed("10.0.0.254-10.0.1.1"),
			    "10.0.0.254 10.0.0.255 10.0.1.0 10.0.1.1 ");
	assert_string_equal(listed("10.0.2.7/30"), "10.0.2.4 10.0.2.5 10.0.2.6 10.0.2.7 ");
	assert_string_equal(listed("2001:db8::1-3"), "2001:db8::1 2001:db8::2 2001:db8::3 ");
	assert_string_equal(listed("2001:db8::fffe-2001:db8::1:1"),
			    "2001:db8::fffe 2001:db8::ffff 2001:db8::1:0 2001:db8::1:1 ");
	assert_string_equal(listed("2001:db8::/127"), "2001:db8:: 2001:db8::1 ");
	assert_string_equal(listed("www.example.com, 10.0.0.1\tns-1"),
			    "10.0.0.1 www.example.com ns-1 ");
	/* Overlaps count once; both families, IPv4 first. */
	assert_string_equal(listed("::1 10.0.0.2-3 10.0.0.1-2 ::1"),
			    "10.0.0.1 10.0.0.2 10.0.0.3 ::1 ");
	assert_string_equal(listed("255.255.255.255 0.0.0.0"), "0.0.0.0 255.255.255.255 ");
}

static void test_faults(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *part;
	} cases[] = {
		{ "", 0, "expected a target" },
		{ " , ", 0, "expected a target" },
		{ "10.0.0.1 10.0.0.300", 16, "an octet goes from 0 to 255" },
		{ "10.0.0", 6, "four octets" },
		{ "10.0.0.1.5", 8, "unexpected" },
		{ "10.0.0.9-2", 9, "backwards" },
		{ "10.0.0.9-10.0.0.1", 9, "backwards" },
		{ "10.0.0.0/33", 9, "0 to 32" },
		{ "10.0.0.0/", 9, "0 to 32" },
		{ "2001:db8::/129", 11, "0 to 128" },
		{ "2001:db8::9-1", 12, "backwards" },
		{ "2001:zz8::1", 0, "not an IPv4 or IPv6 address" },
		{ "a b!c", 2, "neither an address" },
		{ "@/nonexistent/file", 0, "cannot read /nonexistent/file" },
		{ "@/tmp", 0, "cannot read /tmp: Is a directory" },
		{ "10.0.0.1-", 9, "expected a number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct targets *t = targets_new();
		struct fault fault = { 0 };

		assert_int_equal(targets_parse(t, cases[i].text, &fault), -E_SYNTAX);
		if (fault.offset != cases[i].offset || !strstr(fault.text, cases[i].part))
			fail_msg("\"%s\" gave %zu: %s", cases[i].text, fault.offset, fault.text);
		targets_free(t);
	}
}

static void test_file(void **state)
{
	char path[] = "/tmp/sonde-targets-XXXXXX", text[64];
	int fd = mkstemp(path);
	static const char good[] = "# comment\n10.0.0.1 # first\n\n10.0.0.2,10.0.0.3\n";
	static const char bad[] = "10.0.0.1\n10.0.0.256\n";
	static const char nested[] = "@other\n";

	(void)state;
	snprintf(text, sizeof(text), "@%s", path);
	assert_int_equal(write(fd, good, sizeof(good) - 1), sizeof(good) - 1);
	assert_string_equal(listed(text), "10.0.0.1 10.0.0.2 10.0.0.3 ");
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, bad, sizeof(bad) - 1, 0), sizeof(bad) - 1);
	assert_non_null(strstr(listed(text), ":2: an octet goes from 0 to 255"));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, nested, sizeof(nested) - 1, 0), sizeof(nested) - 1);
	assert_non_null(strstr(listed(text), "cannot name another"));
	close(fd);
	unlink(path);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint128_t count;
	} cases[] = {
		{ "0.0.0.0/0", (uint128_t)1 << 32 },
		{ "10.0.0.0/8 10.1.0.0/16", 1u << 24 },
		{ "1-2.0-255.0-255.0-255", 2u << 24 },
		{ "2001:db8::/64", (uint128_t)1 << 64 },
		{ "::/0", ~(uint128_t)0 },
		{ "::/1 8000::/1 0.0.0.0/0", ~(uint128_t)0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct targets *t = targets_new();
		struct addr last;

		assert_int_equal(targets_parse(t, cases[i].text, NULL), 0);
		assert_int_equal(targets_seal(t), 0);
		assert_true(targets_count(t) == cases[i].count);
		last = targets_get(t, targets_count(t) - 1);
		assert_true(targets_contains(t, &last));
		targets_free(t);
	}
}

static void test_global(void **state)
{
	static const struct {
		const char *text;
		uint64_t limit;
		bool exceeds;
	} cases[] = {
		{ "10.0.0.0/8 fd00::/8 198.51.100.0/24", 0, false },
		{ "8.8.8.0/24", 255, true },
		{ "8.8.8.0/24", 256, false },
		{ "0.0.0.0/0", 1u << 20, true },
		{ "9.255.255.0-10.0.0.255", 0, true },
		{ "9.255.255.250-10.0.0.255", 6, false },
		{ "::/0", 256, true },
		{ "fc00::/7 2a00::1-ff", 255, false },
		{ "fc00::/7 2a00::1-ff", 254, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct targets *t = targets_new();

		assert_int_equal(targets_parse(t, cases[i].text, NULL), 0);
		assert_int_equal(targets_seal(t), 0);
		if (targets_global_exceed(t, cases[i].limit) != cases[i].exceeds)
			fail_msg("%s", cases[i].text);
		targets_free(t);
	}
}

#define SPACE 200 /* addresses 10.0.0.0 up, in the naive twin */

/* The ranges, added to an empty set in any order, make the same set. */
static void assert_ranges_make(const struct targets *t)
{
	struct targets *again = targets_new();
	struct addr first, last;

	for (size_t i = targets_n_ranges(t); i-- > 0;) {
		targets_range(t, i, &first, &last);
		assert_int_equal(targets_add_range(again, &first, &last), 0);
		if (!addr_eq(&first, &last))
			assert_int_equal(targets_add_range(again, &last, &first), -E_RANGE);
	}
	assert_int_equal(targets_seal(again), 0);
	assert_int_equal(targets_n_ranges(again), targets_n_ranges(t));
	assert_true(targets_count(again) == targets_count(t));
	for (uint128_t i = 0; i < targets_count(t); i++) {
		struct addr a = targets_get(t, i), b = targets_get(again, i);

		assert_true(addr_eq(&a, &b));
	}
	targets_free(again);
}

/* Random ranges and exclusions in a small space, against an array of flags. */
static void test_twin(void **state)
{
	struct random r = random_of(7);

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct targets *sets[2] = { targets_new(), targets_new() };
		bool in[2][SPACE] = { 0 };
		uint128_t expected = 0;

		for (int s = 0; s < 2; s++) {
			for (uint64_t k = random_below(&r, 8); k > 0; k--) {
				unsigned low = (unsigned)random_below(&r, SPACE);
				unsigned high = low + (unsigned)random_below(&r, SPACE - low);
				char text[40];

				snprintf(text, sizeof(text), "10.0.0.%u-%u", low, high);
				assert_int_equal(targets_parse(sets[s], text, NULL), 0);
				for (unsigned i = low; i <= high; i++)
					in[s][i] = true;
			}
		}
		assert_int_equal(targets_exclude(sets[0], sets[1]), 0);
		for (unsigned i = 0; i < SPACE; i++) {
			struct addr a = addr_from_number(AF_INET, 10u << 24 | i);
			bool member = in[0][i] && !in[1][i];
			uint128_t index;

			assert_int_equal(targets_contains(sets[0], &a), member);
			assert_int_equal(targets_index(sets[0], &a, &index), member);
			if (member) {
				struct addr got = targets_get(sets[0], expected);

				assert_true(addr_eq(&got, &a));
				assert_true(index == expected++);
			}
		}
		assert_true(targets_count(sets[0]) == expected);
		assert_ranges_make(sets[0]);
		targets_free(sets[0]);
		targets_free(sets[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),  cmocka_unit_test(test_faults),
		cmocka_unit_test(test_file),   cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_global), cmocka_unit_test(test_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
