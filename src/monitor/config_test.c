#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/config.h"

static char folder[] = "/tmp/sonde-config-XXXXXX";
static const char *example;

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int load(const char *text, struct monitor_config **ret_config, struct fault *fault)
{
	write_file("m.yaml", text, 0644);
	return monitor_config_load("m.yaml", ret_config, fault);
}

static void test_example(void **state)
{
	struct monitor_config *c;
	struct fault fault = { .text = "" };
	struct addr last = addr_ip4((uint8_t[]){ 10, 77, 0, 239 });
	struct addr excluded = addr_ip4((uint8_t[]){ 10, 77, 0, 240 });
	int err = monitor_config_load(example, &c, &fault);

	(void)state;
	assert_string_equal(fault.text, "");
	assert_int_equal(err, 0);
	assert_string_equal(c->name, "office");
	assert_int_equal(c->n_networks, 2);
	assert_string_equal(c->networks[0].name, "lan");
	assert_true(targets_contains(c->networks[0].targets, &last));
	assert_false(targets_contains(c->networks[0].targets, &excluded));
	assert_null(c->networks[1].targets);
	assert_int_equal(c->n_hosts, 1);
	assert_string_equal(c->hosts[0].name, "gateway");
	assert_int_equal(c->store.hours_days, 730);
	monitor_config_free(c);
}

/* What the example says are the defaults are the defaults. */
static void test_defaults(void **state)
{
	struct monitor_config *c, *e;

	(void)state;
	assert_int_equal(load("hosts: [{address: 192.0.2.1}]\n", &c, NULL), 0);
	assert_int_equal(monitor_config_load(example, &e, NULL), 0);
	assert_string_equal(c->name, "sonde");
	assert_true(c->every_ns == 10 * NS_PER_S && c->every_ns == e->every_ns);
	assert_true(c->timeout_ns == NS_PER_S && c->timeout_ns == e->timeout_ns);
	assert_true(c->spacing_ns == 200 * NS_PER_MS && c->spacing_ns == e->spacing_ns);
	assert_true(c->burst == 5 && e->burst == 5);
	assert_true(c->rate == 1000 && e->rate == 1000);
	assert_true(c->up == 2 && e->up == 2 && c->down == 3 && e->down == 3);
	assert_true(c->degraded_loss == e->degraded_loss && c->degraded_loss == 0.1);
	assert_true(c->degraded_rtt_ns == e->degraded_rtt_ns);
	assert_true(c->forget_ns == 30 * 86400 * NS_PER_S && c->forget_ns == e->forget_ns);
	assert_true(c->max_hosts == 4096 && e->max_hosts == 4096);
	assert_false(c->resolve_names || e->resolve_names);
	assert_string_equal(c->store.path, e->store.path);
	assert_true(c->web.enabled && e->web.enabled);
	assert_true(c->web.listen.port == 8080 && e->web.listen.port == 8080);
	assert_true(addr_eq(&c->web.listen.addr, &e->web.listen.addr));
	assert_null(c->web.token);
	monitor_config_free(c);
	monitor_config_free(e);
}

static const char hosts[] = "hosts: [{address: 192.0.2.1}]\n";

/* What is wrong, at which line, and a part of the sentence. */
static const struct {
	const char *text;
	unsigned line;
	const char *says;
} faults[] = {
	{ "", 1, "empty" },
	{ "name: x\n", 1, "expected `networks` or `hosts`" },
	{ "name: x\nhosts: [{address: 192.0.2.1}]\nevrey: 10s\n", 3, "evrey" },
	{ "hosts:\n  - {addres: 192.0.2.1}\n", 2, "addres" },
	{ "hosts:\n  - {address: 192.0.2.256}\n", 2, "not an IPv4 or IPv6 address" },
	{ "hosts:\n  - {name: x}\n", 2, "address" },
	{ "hosts:\n  - address: 192.0.2.1\n  - address: 192.0.2.1\n", 3, "twice" },
	{ "hosts: 7\n", 1, "list" },
	{ "networks:\n  - name: lan\n    prefix: 10.0.0.0/33\n", 3, "prefix length" },
	{ "networks:\n  - {name: a, prefix: 10.0.0.0/24}\n  - {name: a, prefix: 10.0.1.0/24}\n", 3,
	  "two networks 'a'" },
	{ "networks:\n  - {name: a, prefix: 10.0.0.0/8}\n", 2, "too large" },
	{ "networks:\n  - {name: a, prefix: 11.0.0.0/16}\n", 2, "authorized: true" },
	{ "networks:\n  - name: a\n    prefix: 10.0.0.0/24\n    exclude:\n      - 10.0.0.1\n"
	  "      - router\n",
	  6, "not a name" },
	{ "networks:\n  - {name: a, prefix: 10.0.0.0/24, exclude: ['@/etc/passwd']}\n", 2,
	  "expected addresses" },
	{ "networks:\n  - {name: a, prefix: 10.0.0.0/24, discover: 5}\n", 2, "duration" },
	{ "forget: 30\n%s", 1, "'30' is not a duration" },
	{ "every: 10\n%s", 1, "'10' is not a duration" },
	{ "every: 10ns\n%s", 1, "duration" },
	{ "every: 0\n%s", 1, "expected 1 s to 3600 s" },
	{ "every: 9999999999s\n%s", 1, "duration" },
	{ "every: 1s\n%s", 1, "longer than `every`" },
	{ "burst: 0\n%s", 1, "expected 1 to 20" },
	{ "burst: 21\n%s", 1, "expected 1 to 20" },
	{ "burst: many\n%s", 1, "whole number" },
	{ "down: 0\n%s", 1, "expected 1 to 1000" },
	{ "degraded:\n  loss: 10\n%s", 2, "share from 0% to 100%" },
	{ "degraded:\n  loss: 101%%\n%s", 2, "share" },
	{ "names: perhaps\n%s", 1, "true" },
	{ "store:\n  samples: 36h\n%s", 2, "whole days" },
	{ "store:\n  path: ${SONDE_TEST_UNSET}/x\n%s", 2, "SONDE_TEST_UNSET is not in the" },
	{ "store:\n  path: $HOME/x\n%s", 2, "${HOME}" },
	{ "web:\n  listen: 127.0.0.1\n%s", 2, "address with a port" },
	{ "web:\n  listen: ::1:80\n%s", 2, "address with a port" },
	{ "web:\n  listen: localhost:80\n%s", 2, "address with a port" },
	{ "web:\n  listen: 127.0.0.1:65536\n%s", 2, "address with a port" },
	{ "web:\n  listen: 0.0.0.0:80\n%s", 2, "set `token_file`" },
	{ "web:\n  listen: '[::]:80'\n%s", 2, "set `token_file`" },
	{ "web:\n  listen: 0.0.0.0:80\n  token: abcdefghijklmnopq\n%s", 2, "in the clear" },
	{ "web:\n  token: short\n%s", 2, "shorter" },
	{ "web:\n  token: abcdefghijklmnopq\n  token_file: secret\n%s", 3, "one of the two" },
	{ "web:\n  token_file: open\n%s", 2, "chmod 600 open" },
	{ "web:\n  token_file: missing\n%s", 2, "No such file" },
	{ "web:\n  token_file: /\n%s", 2, "not a file" },
	{ "web:\n  tls: {cert: a}\n%s", 2, "key" },
	{ "web: [a\n%s", 2, "YAML" },
};

static void test_faults(void **state)
{
	char text[1024], place[32];
	struct monitor_config *c;
	struct fault fault;

	(void)state;
	write_file("secret", "0123456789abcdef0123456789abcdef\n", 0600);
	write_file("open", "0123456789abcdef0123456789abcdef\n", 0644);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		if (strstr(faults[i].text, "%s"))
			snprintf(text, sizeof(text), faults[i].text, hosts);
		else
			snprintf(text, sizeof(text), "%s", faults[i].text);
		fault = (struct fault){ .text = "" };
		assert_int_equal(load(text, &c, &fault), -E_SYNTAX);
		snprintf(place, sizeof(place), "m.yaml:%u: ", faults[i].line);
		if (strncmp(fault.text, place, strlen(place)) != 0 ||
		    !strstr(fault.text, faults[i].says))
			fail_msg("%s\nis refused with \"%s\", not \"%s...%s\"", text, fault.text,
				 place, faults[i].says);
	}
	assert_int_equal(monitor_config_load("none.yaml", &c, &fault), -ENOENT);
	assert_non_null(strstr(fault.text, "none.yaml"));
}

static void test_secrets_and_environment(void **state)
{
	struct monitor_config *c;

	(void)state;
	write_file("secret", "0123456789abcdef0123456789abcdef\nnot this\n", 0600);
	setenv("SONDE_TEST", "some where", 1);
	assert_int_equal(load("store: {path: '/${SONDE_TEST}/$$x'}\n"
			      "web: {listen: '0.0.0.0:443', token_file: secret, "
			      "tls: {cert: c, key: k}}\n"
			      "hosts: [{address: 192.0.2.1}]\n",
			      &c, NULL),
			 0);
	assert_string_equal(c->store.path, "/some where/$x");
	assert_string_equal(c->web.token, "0123456789abcdef0123456789abcdef");
	assert_string_equal(c->web.tls_key, "k");
	assert_int_equal(c->web.listen.port, 443);
	monitor_config_free(c);
}

/* Every file cut anywhere is either taken or refused with a place, and nothing leaks. */
static void test_cut_anywhere(void **state)
{
	static char text[16384], cut[16384];
	FILE *f = fopen(example, "r");
	struct monitor_config *c;
	struct fault fault;
	size_t len;

	(void)state;
	assert_non_null(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	for (size_t n = 0; n < len; n += 19) {
		memcpy(cut, text, n);
		cut[n] = '\0';
		fault.text[0] = '\0';
		if (load(cut, &c, &fault) == 0)
			monitor_config_free(c);
		else
			assert_int_equal(strncmp(fault.text, "m.yaml:", 7), 0);
	}
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) ? chdir(folder) : -1;
}

static int tear_down(void **state)
{
	(void)state;
	unlink("m.yaml");
	unlink("secret");
	unlink("open");
	return rmdir(folder);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),	     cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_faults),	     cmocka_unit_test(test_secrets_and_environment),
		cmocka_unit_test(test_cut_anywhere),
	};

	example = realpath(argc > 1 ? argv[1] : "examples/monitor.yaml", NULL);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
