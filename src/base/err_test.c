#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void every_code_has_a_text(void **state)
{
	(void)state;
	for (int code = E_TRUNCATED; code < E_LAST_; code++) {
		assert_string_not_equal(err_text(-code), "unknown error");
		assert_ptr_equal(err_text(code), err_text(-code));
		for (int other = E_TRUNCATED; other < code; other++)
			assert_string_not_equal(err_text(code), err_text(other));
	}
}

static void errno_is_the_c_librarys(void **state)
{
	(void)state;
	for (int code = 1; code < 134; code++) {
		if (strerrordesc_np(code) && code != EMFILE)
			assert_string_equal(err_text(-code), strerror(code));
	}
	/* What can be done about it is said. */
	assert_non_null(strstr(err_text(-EMFILE), "ulimit -n"));
}

static void nonsense_is_unknown(void **state)
{
	static const int codes[] = { E_LAST_, -E_LAST_, 999, -999, 500, INT_MIN, INT_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		assert_string_equal(err_text(codes[i]), "unknown error");
}

static void fault_is_cut_and_optional(void **state)
{
	struct fault fault;
	char text[400];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(fault_set(NULL, 3, "%s", text), -E_SYNTAX);
	assert_int_equal(fault_set(&fault, 3, "%s", text), -E_SYNTAX);
	assert_int_equal(fault.offset, 3);
	assert_int_equal(strlen(fault.text), sizeof(fault.text) - 1);
	assert_int_equal(fault_set(&fault, 7, "want %d", 5), -E_SYNTAX);
	assert_int_equal(fault.offset, 7);
	assert_string_equal(fault.text, "want 5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_text),
		cmocka_unit_test(errno_is_the_c_librarys),
		cmocka_unit_test(nonsense_is_unknown),
		cmocka_unit_test(fault_is_cut_and_optional),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
