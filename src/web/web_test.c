/* The server's parts that read what strangers send, and those that write figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "web/login.h"
#include "web/private.h"

/* --- parameters --- */

struct values {
	int64_t number, word;
};

static const char *const words[] = { "red", "green", NULL };
static const struct param table[] = {
	{ "number", 5, 100, .offset = offsetof(struct values, number) },
	{ "word", .choices = words, .offset = offsetof(struct values, word) },
};

static void test_params(void **state)
{
	static const struct {
		const char *name, *value;
		int err;
		struct values expected;
	} cases[] = {
		{ "number", "5", 0, { 5, -1 } },
		{ "number", "100", 0, { 100, -1 } },
		{ "number", "0099", 0, { 99, -1 } },
		{ "number", "4", -E_SYNTAX, { -1, -1 } },
		{ "number", "101", -E_SYNTAX, { -1, -1 } },
		{ "number", "", -E_SYNTAX, { -1, -1 } },
		{ "number", NULL, -E_SYNTAX, { -1, -1 } },
		{ "number", " 7", -E_SYNTAX, { -1, -1 } },
		{ "number", "+7", -E_SYNTAX, { -1, -1 } },
		{ "number", "7.0", -E_SYNTAX, { -1, -1 } },
		{ "number", "0x7", -E_SYNTAX, { -1, -1 } },
		{ "number", "9223372036854775809", -E_SYNTAX, { -1, -1 } },
		{ "word", "red", 0, { -1, 0 } },
		{ "word", "green", 0, { -1, 1 } },
		{ "word", "gree", -E_SYNTAX, { -1, -1 } },
		{ "word", "greens", -E_SYNTAX, { -1, -1 } },
		{ "word", "", -E_SYNTAX, { -1, -1 } },
		{ "numbe", "5", -E_SYNTAX, { -1, -1 } },
		{ "", "5", -E_SYNTAX, { -1, -1 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *value = cases[i].value;
		struct values v = { -1, -1 };
		struct fault fault = { 0 };

		assert_int_equal(param_read(table, ARRAY_LEN(table), cases[i].name,
					    strlen(cases[i].name), value, value ? strlen(value) : 0,
					    &v, &fault),
				 cases[i].err);
		assert_memory_equal(&v, &cases[i].expected, sizeof(v));
		assert_int_equal(fault.text[0] != '\0', cases[i].err < 0);
	}
}

/* --- login --- */

static void test_login_body(void **state)
{
	static const struct {
		const char *body, *token; /* NULL: refused */
	} cases[] = {
		{ "{\"token\":\"abc\"}", "abc" },
		{ " {\n\"token\" :\t\"a\\\"b\\\\c\\/d\" } \r\n", "a\"b\\c/d" },
		{ "{\"token\":\"\"}", "" },
		{ "", NULL },
		{ "{", NULL },
		{ "{\"token\":\"abc\"", NULL },
		{ "{\"token\":\"abc", NULL },
		{ "{\"token\":\"abc\\", NULL },
		{ "{\"token\":\"a\\nb\"}", NULL },
		{ "{\"token\":\"a\nb\"}", NULL },
		{ "{\"token\":abc}", NULL },
		{ "{\"token\":\"abc\",\"x\":1}", NULL },
		{ "{\"token\":\"abc\"}}", NULL },
		{ "{\"tokens\":\"abc\"}", NULL },
		{ "{\"token\":\"123456789\"}", NULL }, /* longer than there is room for */
	};
	char token[8];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int err = login_read(cases[i].body, strlen(cases[i].body), token, sizeof(token),
				     &len);

		assert_int_equal(err < 0, !cases[i].token);
		if (!cases[i].token)
			continue;
		assert_int_equal(len, strlen(cases[i].token));
		assert_memory_equal(token, cases[i].token, len);
	}
	/* A NUL behind the end is not the end. */
	assert_true(login_read("{\"token\":\"abc\"}\0", 16, token, sizeof(token), &len) < 0);
}

/* --- guard --- */

static void test_hosts_that_are_ours(void **state)
{
	static const uint8_t bytes[4] = { 192, 0, 2, 7 };
	static const struct {
		const char *host;
		bool ours;
	} cases[] = {
		{ "localhost", true },
		{ "Localhost:1", true },
		{ "127.0.0.1:80", true },
		{ "127.9.9.9", true },
		{ "[::1]:80", true },
		{ "[::1]", true },
		{ "192.0.2.7:8080", true },
		{ "Monitor.Example", true },
		{ "monitor.example:1", true },
		{ "192.0.2.8", false },
		{ "", false },
		{ ":80", false },
		{ "localhos", false },
		{ "localhost.", false },
		{ "localhost:", true },
		{ "localhost:8a", false },
		{ "::1", false },
		{ "[::1", false },
		{ "[]", false },
		{ "[", false },
		{ "[::1]x", false },
		{ "[127.0.0.1]", true },
		{ "evil.example", false },
		{ "monitor.example.evil", false },
		{ "127.0.0.1.evil", false },
		{ "0.0.0.0", false },
		{ "[::]", false },
	};
	static char name[] = "monitor.example";
	static char *allowed[] = { name };
	const struct monitor_config_web config = { .allowed_hosts = allowed, .n_allowed_hosts = 1 };
	const struct web_server s = { .config = &config };
	struct addr local = addr_ip4(bytes);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (guard_host_text(&s, cases[i].host, &local) != cases[i].ours)
			fail_msg("%s", cases[i].host);
	}
}

static void test_equal(void **state)
{
	(void)state;
	assert_true(guard_equal("abc", 3, "abc", 3));
	assert_true(guard_equal("", 0, "", 0));
	assert_false(guard_equal("abd", 3, "abc", 3));
	assert_false(guard_equal("ab", 2, "abc", 3));
	assert_false(guard_equal("abcabc", 6, "abc", 3)); /* not even when it repeats */
	assert_false(guard_equal("", 0, "abc", 3));
	assert_false(guard_equal("abc", 3, "", 0));
}

static void test_where_it_may_listen(void **state)
{
	static char text[] = "something";
	static const struct {
		const char *address;
		struct monitor_config_web config;
		bool may;
	} cases[] = {
		{ "127.0.0.1", { 0 }, true },
		{ "127.1.2.3", { 0 }, true },
		{ "::1", { 0 }, true },
		{ "0.0.0.0", { 0 }, false },
		{ "::", { 0 }, false },
		{ "192.0.2.1", { .token = text }, false },
		{ "192.0.2.1", { .tls_cert = text, .tls_key = text }, false },
		{ "192.0.2.1", { .behind_proxy = true }, false },
		{ "192.0.2.1", { .token = text, .behind_proxy = true }, true },
		{ "192.0.2.1", { .token = text, .tls_cert = text, .tls_key = text }, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fault fault = { 0 };
		struct addr a;

		assert_int_equal(addr_parse(cases[i].address, strlen(cases[i].address), &a, NULL),
				 0);
		assert_int_equal(guard_listen(&cases[i].config, &a, &fault),
				 cases[i].may ? 0 : -E_RANGE);
		assert_int_equal(fault.text[0] == '\0', cases[i].may);
	}
}

/* --- figures --- */

static void test_figures(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ -1, "null" },
		{ 0, "0" },
		{ 49, "0" },
		{ 50, "0.0001" },
		{ 310000, "0.31" },
		{ 1000000, "1" },
		{ 1234567, "1.2346" },
		{ 99999949, "99.9999" },
		{ 100049999, "100" },
		{ 123456789, "123.5" },
		{ 1099511627776, "1099511.6" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = buf_in(text, sizeof(text));

		json_ms(&b, cases[i].ns);
		assert_string_equal(buf_cstr(&b), cases[i].text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_login_body),
		cmocka_unit_test(test_hosts_that_are_ours),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_where_it_may_listen),
		cmocka_unit_test(test_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
