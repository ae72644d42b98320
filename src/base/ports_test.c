#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/ports.h"
#include "base/random.h"

/* The set as text, or the fault. */
static const char *listed(const char *text)
{
	static char memory[512];
	struct buf b = buf_in(memory, sizeof(memory));
	struct fault fault = { 0 };
	struct ports ports;

	if (ports_parse(text, "tcp", &ports, &fault) < 0) {
		buf_printf(&b, "%zu: %s", fault.offset, fault.text);
		return buf_cstr(&b);
	}
	buf_printf(&b, "%u:", ports.n);
	for (uint16_t p = ports_next(&ports, 0); p && b.len < 80; p = ports_next(&ports, p))
		buf_printf(&b, " %u", p);
	return buf_cstr(&b);
}

static void test_forms(void **state)
{
	(void)state;
	assert_string_equal(listed("22"), "1: 22");
	assert_string_equal(listed("80,22,80"), "2: 22 80");
	assert_string_equal(listed("8000-8003,8002"), "4: 8000 8001 8002 8003");
	assert_string_equal(listed("1,65535"), "2: 1 65535");
	assert_true(!strncmp(listed("-"), "65535: 1 2 3 4 ", 15));
	assert_true(!strncmp(listed("1-65535"), "65535: 1 2 3 4 ", 15));
}

static void test_names(void **state)
{
	(void)state;
	if (access("/etc/services", R_OK))
		skip();
	assert_string_equal(listed("ssh,domain"), "2: 22 53");
	assert_string_equal(listed("22,no-such-service"),
			    "3: no tcp service is called \"no-such-service\"");
}

static void test_faults(void **state)
{
	static const char range[] = "expected a port from 1 to 65535, or a range of them";
	static const struct {
		const char *text;
		size_t offset;
		const char *message;
	} cases[] = {
		{ "", 0, "expected a port or a service's name" },
		{ "80,", 3, "expected a port or a service's name" },
		{ ",80", 0, "expected a port or a service's name" },
		{ "0", 0, range },
		{ "80,65536", 3, range },
		{ "99999999999999999999", 0, range },
		{ "1-", 0, range },
		{ "1-2-3", 0, range },
		{ "80x", 0, range },
		{ "9-2", 0, "the range 9-2 runs backwards" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fault fault = { 0 };
		struct ports ports;

		assert_int_equal(ports_parse(cases[i].text, "tcp", &ports, &fault), -E_SYNTAX);
		assert_int_equal(fault.offset, cases[i].offset);
		assert_string_equal(fault.text, cases[i].message);
	}
}

/* "TCP's; UDP's", or the fault. */
static const char *both(const char *text)
{
	static char memory[512];
	struct buf b = buf_in(memory, sizeof(memory));
	struct fault fault = { 0 };
	struct ports sets[2];

	if (ports_parse_both(text, &sets[0], &sets[1], &fault) < 0) {
		buf_printf(&b, "%zu: %s", fault.offset, fault.text);
		return buf_cstr(&b);
	}
	for (size_t i = 0; i < 2; i++) {
		buf_printf(&b, "%s%u:", i ? "; " : "", sets[i].n);
		for (uint16_t p = 0; (p = ports_next(&sets[i], p)) && b.len < 80;)
			buf_printf(&b, " %u", p);
	}
	return buf_cstr(&b);
}

static void test_both(void **state)
{
	(void)state;
	assert_string_equal(both("22,80"), "2: 22 80; 2: 22 80");
	assert_string_equal(both("T:1-3,U:53,161"), "3: 1 2 3; 2: 53 161");
	assert_string_equal(both("7,U:53,T:80,81,U:9"), "3: 7 80 81; 3: 7 9 53");
	assert_string_equal(both("T:22"), "1: 22; 0:");
	assert_string_equal(both("U:53"), "0:; 1: 53");
	assert_true(!strncmp(both("T:-,U:53"), "65535: 1 2", 10));
	assert_string_equal(both("T:"), "2: expected a port or a service's name");
	assert_string_equal(both("T:22,U:"), "7: expected a port or a service's name");
	assert_string_equal(both("22,S:9"), "3: expected T: (TCP) or U: (UDP), or a port");
	assert_string_equal(both("T:0"), "2: expected a port from 1 to 65535, or a range of them");
	assert_string_equal(listed("T:22"), "0: no tcp service is called \"T:22\"");
	if (access("/etc/services", R_OK))
		skip();
	assert_string_equal(both("ssh,domain,U:ntp"), "2: 22 53; 2: 53 123");
	assert_string_equal(both("U:ssh"), "2: no udp service is called \"ssh\"");
	assert_string_equal(both("nobody-knows"),
			    "0: no tcp or udp service is called \"nobody-knows\"");
}

/* Random lists against an array of flags. */
static void test_twin(void **state)
{
	struct random r = random_of(11);

	(void)state;
	for (int round = 0; round < 300; round++) {
		static bool in[65536];
		char text[256];
		struct buf b = buf_in(text, sizeof(text));
		struct ports ports;
		uint32_t n = 0;

		memset(in, 0, sizeof(in));
		for (uint64_t k = 1 + random_below(&r, 8); k > 0; k--) {
			unsigned first = 1 + (unsigned)random_below(&r, 65535);
			unsigned last = first + (unsigned)random_below(&r, 65536 - first);

			buf_printf(&b, "%s%u-%u", b.len ? "," : "", first, last);
			for (unsigned p = first; p <= last; p++)
				in[p] = true;
		}
		assert_int_equal(ports_parse(buf_cstr(&b), "tcp", &ports, NULL), 0);
		for (unsigned p = 0; p < 65536; p++) {
			assert_int_equal(ports_have(&ports, (uint16_t)p), in[p]);
			n += in[p];
		}
		assert_int_equal(ports.n, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),  cmocka_unit_test(test_names),
		cmocka_unit_test(test_faults), cmocka_unit_test(test_both),
		cmocka_unit_test(test_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
