/* Only what needs no server: /etc/hosts, and names that are never sent (RFC 7686). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/resolve.h"

static void test_forward(void **state)
{
	struct targets *t = targets_new();
	struct addr loopback, got;

	(void)state;
	assert_int_equal(addr_parse("127.0.0.1", 9, &loopback, NULL), 0);
	assert_int_equal(targets_parse(t, "localhost", NULL), 0);
	assert_int_equal(resolve_targets(t, AF_INET, NULL), 0);
	assert_int_equal(targets_seal(t), 0);
	assert_int_equal((int)targets_count(t), 1);
	got = targets_get(t, 0);
	assert_true(addr_eq(&got, &loopback));
	targets_free(t);
}

static void test_unknown(void **state)
{
	struct targets *t = targets_new();
	struct fault fault;

	(void)state;
	assert_int_equal(targets_parse(t, "localhost no-such-host.onion", NULL), 0);
	assert_int_equal(resolve_targets(t, AF_UNSPEC, &fault), -E_SYNTAX);
	assert_non_null(strstr(fault.text, "cannot find an address of \"no-such-host.onion\""));
	targets_free(t);
}

static void test_reverse(void **state)
{
	struct addr addrs[300];
	char(*names)[RESOLVE_NAME_MAX] = calloc(ARRAY_LEN(addrs), sizeof(*names));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addrs); i++)
		assert_int_equal(addr_parse("127.0.0.1", 9, &addrs[i], NULL), 0);
	assert_int_equal(resolve_names(addrs, ARRAY_LEN(addrs), NS_PER_S, names), 0);
	for (size_t i = 0; i < ARRAY_LEN(addrs); i++)
		assert_string_equal(names[i], "localhost");
	free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forward),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_reverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
