#include "io/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct host {
	char *name;
	char **addresses;
	unsigned n_addresses;
	uint16_t mtu;
	int8_t level;
	bool nat;
	double factor;
	int kind;
};

struct top {
	struct host *hosts;
	unsigned n_hosts;
};

static const struct cyaml_strval kinds[] = { { "host", 0 }, { "router", 7 } };
static const struct cyaml_schema_value text_value = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char,
									 2, 8) };
static const struct cyaml_schema_field host_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct host, name, 1, 8),
	CYAML_FIELD_SEQUENCE_COUNT("addresses", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				   struct host, addresses, n_addresses, &text_value, 0, 2),
	CYAML_FIELD_UINT("mtu", CYAML_FLAG_OPTIONAL, struct host, mtu),
	CYAML_FIELD_INT("level", CYAML_FLAG_OPTIONAL, struct host, level),
	CYAML_FIELD_BOOL("nat", CYAML_FLAG_OPTIONAL, struct host, nat),
	CYAML_FIELD_FLOAT("factor", CYAML_FLAG_OPTIONAL, struct host, factor),
	CYAML_FIELD_ENUM("kind", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct host, kind, kinds,
			 ARRAY_LEN(kinds)),
	CYAML_FIELD_END
};
static const struct cyaml_schema_value host_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct host, host_fields) };
static const struct cyaml_schema_field top_fields[] = {
	CYAML_FIELD_SEQUENCE_COUNT("hosts", CYAML_FLAG_POINTER, struct top, hosts, n_hosts,
				   &host_value, 1, 2),
	CYAML_FIELD_END
};
static const struct cyaml_schema_value top_value = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER,
									 struct top, top_fields) };

#define GOOD                        \
	"# comment\n"               \
	"hosts:\n"                  \
	"  - name: a\n"             \
	"    addresses: [aa, bb]\n" \
	"    mtu: 65535\n"          \
	"    level: -127\n"         \
	"    nat: Yes\n"            \
	"    factor: 1.5e3\n"       \
	"    kind: router\n"        \
	"  - {name: b, addresses: []}\n"

static int load(const char *text, struct config **ret_config, struct fault *fault)
{
	return config_load_text("t.yaml", text, strlen(text), &top_value, ret_config, fault);
}

static void test_good(void **state)
{
	struct config *c;
	struct fault fault;
	const struct top *top;

	(void)state;
	assert_int_equal(load(GOOD, &c, &fault), 0);
	top = config_data(c);
	assert_int_equal(top->n_hosts, 2);
	assert_string_equal(top->hosts[0].name, "a");
	assert_int_equal(top->hosts[0].n_addresses, 2);
	assert_string_equal(top->hosts[0].addresses[1], "bb");
	assert_int_equal(top->hosts[0].mtu, 65535);
	assert_int_equal(top->hosts[0].level, -127);
	assert_true(top->hosts[0].nat);
	assert_true(top->hosts[0].factor == 1500);
	assert_int_equal(top->hosts[0].kind, 7);
	assert_int_equal(top->hosts[1].n_addresses, 0);
	assert_false(top->hosts[1].nat);
	config_free(c);
}

static void test_faults(void **state)
{
	static const struct {
		const char *text, *fault;
	} cases[] = {
		{ "hosts:\n  - name: a\n    foo: 1\n",
		  "t.yaml:3: unknown key 'foo': expected one of: name, addresses, mtu, level, nat, "
		  "factor, kind" },
		{ "hosts:\n  - name: a\n\n    mtu: abc\n",
		  "t.yaml:4: 'abc' is not a whole number from 0 to 65535" },
		{ "hosts:\n  - name: a\n    mtu: -5\n", "t.yaml:3: '-5' is not a whole" },
		{ "hosts:\n  - name: a\n    mtu: 65536\n", "t.yaml:3: '65536' is not a whole" },
		{ "hosts:\n  - name: a\n    mtu: 18446744073709551617\n", "t.yaml:3: '1844" },
		{ "hosts:\n  - name: a\n    mtu: 010\n", "t.yaml:3: '010' is not a whole" },
		{ "hosts:\n  - name: a\n    mtu:\n", "t.yaml:3: '' is not a whole" },
		{ "hosts:\n  - name: a\n    mtu: 1 \n    level: 128\n",
		  "t.yaml:4: '128' is not a whole number from -127 to 127" },
		{ "hosts:\n  - name: a\n    nat: perhaps\n",
		  "t.yaml:3: 'perhaps' is neither 'true' nor 'false'" },
		{ "hosts:\n  - name: a\n    factor: 1x\n", "t.yaml:3: '1x' is not a number" },
		{ "hosts:\n  - name: a\n    factor: 1e999\n", "t.yaml:3: '1e999' is not a number" },
		{ "hosts:\n  - name: a\n    factor: inf\n", "t.yaml:3: 'inf' is not a number" },
		{ "hosts:\n  - name: a\n    kind: 7\n",
		  "t.yaml:3: '7' is not one of: host, router" },
		{ "hosts:\n  - name: a\n    addresses: foo\n",
		  "t.yaml:3: a single value where a list" },
		{ "hosts:\n  - name: a\n    addresses:\n", "t.yaml:3: nothing where a list" },
		{ "hosts:\n  - name: a\n    addresses: [aa, bb, cc]\n",
		  "t.yaml:3: a list of 3 where at most 2 are taken" },
		{ "hosts:\n  - name: a\n    addresses: [aa, b]\n", "t.yaml:3: 'b' is too short" },
		{ "hosts:\n  - name: a\n  - mtu: 4\n", "t.yaml:3: 'name' is missing here" },
		{ "hosts:\n  - name: abcdefghi\n", "t.yaml:2: 'abcdefghi' is too long" },
		{ "hosts:\n  - name:\n", "t.yaml:2: a value is missing: expected text" },
		{ "hosts:\n  - name: [a]\n", "t.yaml:2: a list where text is expected" },
		{ "hosts:\n  - name: {a: b}\n", "t.yaml:2: 'key: value' lines where text" },
		{ "hosts:\n  - name: \"a\\0b\"\n", "t.yaml:2: a NUL character" },
		{ "hosts:\n  - name: \"\\e[2J\"\n    mtu: \"\\e[2J\"\n",
		  "t.yaml:3: '\\x1b[2J' is not a whole" },
		{ "hosts:\n  - name: a\n    name: b\n", "t.yaml:2: 'name' is given twice" },
		{ "hosts: []\n", "t.yaml:1: a list of 0 where at least 1" },
		{ "hosts: 3\n", "t.yaml:1: a single value where a list" },
		{ "{}\n", "t.yaml:1: 'hosts' is missing here" },
		{ "? [a]\n: b\n", "t.yaml:1: a key must be a word" },
		{ "- a\n", "t.yaml:1: a list where 'key: value' lines" },
		{ "foo", "t.yaml:1: a single value where 'key: value' lines" },
		{ "", "t.yaml:1: the file is empty" },
		{ "# only this\n", "t.yaml:1: the file is empty" },
		{ "hosts:\n  - {name: &x a}\n  - {name: *x}\n", "t.yaml:2: aliases" },
		{ "hosts:\n  - {name: *x}\n", "t.yaml:2: not YAML: found undefined alias" },
		{ "hosts:\n  - name: a\n   mtu: [\n",
		  "t.yaml:3: not YAML: did not find expected '-'" },
		{ "hosts:\n  - name: \"a\n\n", "t.yaml:4: not YAML: found unexpected end" },
		{ "\thosts: 2", "t.yaml:1: not YAML: found character" },
		{ "hosts:\n - name: \xff\xfe\n", "t.yaml:2: not YAML: invalid leading UTF-8" },
		{ "hosts:\n  - {name: a}\n---\nfoo: bar\n", "t.yaml:3: a second document" },
		{ "hosts:\n  - {name: a}\n---\n[\n", "t.yaml:5: not YAML" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config *c = NULL;
		struct fault fault = { 0 };

		if (load(cases[i].text, &c, &fault) != -E_SYNTAX || c ||
		    strncmp(fault.text, cases[i].fault, strlen(cases[i].fault)) != 0)
			fail_msg("%s\ngave: %s\nnot:  %s", cases[i].text, fault.text,
				 cases[i].fault);
	}
}

/* The places of values that only the caller can judge. */
static void test_fault_at(void **state)
{
	static const struct {
		const char *at, *fault;
	} cases[] = {
		{ "hosts[0].addresses[1]", "t.yaml:4: bad" },
		{ "hosts[1].name", "t.yaml:10: bad" },
		{ "hosts[1].mtu", "t.yaml:10: bad" },
		{ "hosts[7].mtu", "t.yaml:3: bad" },
		{ "", "t.yaml:2: bad" },
		{ "nothing.here", "t.yaml:2: bad" },
		{ "hosts.name", "t.yaml:3: bad" },
		{ "hosts[", "t.yaml:3: bad" },
	};
	struct config *c;
	struct fault fault;

	(void)state;
	assert_int_equal(load(GOOD, &c, &fault), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(config_fault(c, &fault, cases[i].at, "bad"), -E_SYNTAX);
		assert_string_equal(fault.text, cases[i].fault);
	}
	config_free(c);
}

/* Cut at every byte, and every byte replaced by signs that mean something in YAML. */
static void test_hostile(void **state)
{
	static const char signs[] = "\0\t\n \"'#&*-:?[]{}|>!%@`,\x80\xff";
	char text[] = GOOD;
	struct config *c;
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char kept = text[i];

		if (!config_load_text("t", text, i, &top_value, &c, &fault))
			config_free(c);
		for (size_t k = 0; k < sizeof(signs) - 1; k++) {
			text[i] = signs[k];
			if (!config_load_text("t", text, sizeof(text) - 1, &top_value, &c, &fault))
				config_free(c);
		}
		text[i] = kept;
	}
}

/* Without end: libyaml alone would take minutes. */
static void test_deep(void **state)
{
	static const char *const openings[] = { "[", "{", "- ", "[{", "a: {", "? ", "[\n" };
	enum { LEN = 500000 };
	char *text = malloc(LEN);
	struct config *c;
	struct fault fault;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < ARRAY_LEN(openings); i++) {
		for (size_t at = 0, n = strlen(openings[i]); at < LEN; at++)
			text[at] = openings[i][at % n];
		assert_int_equal(config_load_text("t", text, LEN, &top_value, &c, &fault),
				 -E_SYNTAX);
		assert_string_equal(strchr(fault.text, ' '), " nested too deeply");
	}
	free(text);
}

static void test_files(void **state)
{
	char path[] = "/tmp/sonde-config-XXXXXX";
	struct config *c;
	struct fault fault;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, GOOD, strlen(GOOD)), strlen(GOOD));
	assert_int_equal(config_load(path, &top_value, &c, &fault), 0);
	config_free(c);
	assert_int_equal(ftruncate(fd, 2 << 20), 0);
	assert_int_equal(config_load(path, &top_value, &c, &fault), -EFBIG);
	close(fd);
	unlink(path);
	assert_int_equal(config_load(path, &top_value, &c, &fault), -ENOENT);
	assert_non_null(strstr(fault.text, "No such file"));
	assert_int_equal(config_load("/tmp", &top_value, &c, &fault), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	 cmocka_unit_test(test_faults),
		cmocka_unit_test(test_fault_at), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_deep),	 cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
