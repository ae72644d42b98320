#include "lab/topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NETWORKS                                       \
	"name: t\n"                                    \
	"networks:\n"                                  \
	"  - name: lan\n"                              \
	"    prefixes: [10.0.0.0/24, \"fd00::/64\"]\n" \
	"    gateways: [10.0.0.1, \"fd00::1\"]\n"      \
	"  - {name: wan, prefixes: [192.0.2.0/24]}\n"  \
	"hosts:\n"

#define GOOD                                                                                  \
	NETWORKS                                                                              \
	"  - name: r\n"                                                                       \
	"    router: true\n"                                                                  \
	"    nat: wan\n"                                                                      \
	"    links:\n"                                                                        \
	"      - {network: lan, addresses: [10.0.0.1, \"fd00::1\"]}\n"                        \
	"      - {network: wan, mac: 00-1B-21-01-02-03, addresses: [192.0.2.1], rate: 1.5M, " \
	"delay_ms: 2.5, loss_percent: 10}\n"                                                  \
	"  - name: a\n"                                                                       \
	"    ping: false\n"                                                                   \
	"    listen: [22, 65535]\n"                                                           \
	"    sysctls: [net.ipv4.tcp_sack=0]\n"                                                \
	"    run: [\"sleep 1\"]\n"                                                            \
	"    routes: [192.0.2.128/25 via 10.0.0.1]\n"                                         \
	"    links: [{network: lan, addresses: [10.0.0.2, 172.16.0.1/12]}]\n"                 \
	"  - {name: alone}\n"

static int parse(const char *text, struct topology **ret_t, struct fault *fault)
{
	return topology_parse("t.yaml", text, strlen(text), ret_t, fault);
}

static const char *prefix_text(const struct prefix *p)
{
	static char text[64];
	struct buf b = buf_in(text, sizeof(text));

	buf_prefix(&b, p);
	return buf_cstr(&b);
}

static void test_good(void **state)
{
	static const struct mac intel = { { 0x00, 0x1b, 0x21, 0x01, 0x02, 0x03 } };
	static const struct mac made = { { 0x02, 0, 0, 0, 0, 2 } };
	struct topology *t;
	struct fault fault = { 0 };
	const struct lab_host *r, *a;

	(void)state;
	if (parse(GOOD, &t, &fault) < 0)
		fail_msg("%s", fault.text);
	assert_string_equal(t->name, "t");
	assert_int_equal(t->n_hosts, 3);
	r = &t->hosts[0];
	assert_true(r->router);
	assert_int_equal(r->nat_link, 1);
	assert_int_equal(r->n_routes, 0); /* it is its network's gateway itself */
	assert_string_equal(r->links[1].iface, "eth1");
	assert_string_equal(r->links[1].port, "r-1");
	assert_memory_equal(&r->links[1].mac, &intel, sizeof(intel));
	assert_int_equal(r->links[1].shape.rate_bits, 1500000);
	assert_int_equal(r->links[1].shape.delay_ns, 2500000);
	assert_true(r->links[1].shape.loss > 0.0999 && r->links[1].shape.loss < 0.1001);
	assert_string_equal(prefix_text(&r->links[0].addresses[1]), "fd00::1/64");
	a = &t->hosts[1];
	assert_int_equal(a->nat_link, -1);
	assert_true(a->no_ping);
	assert_int_equal(a->listen[1], 65535);
	assert_memory_equal(&a->links[0].mac, &made, sizeof(made));
	assert_string_equal(prefix_text(&a->links[0].addresses[1]), "172.16.0.1/12");
	assert_int_equal(a->n_routes, 2); /* no IPv6 address: none through fd00::1 */
	assert_string_equal(prefix_text(&a->routes[0].to), "192.0.2.128/25");
	assert_string_equal(prefix_text(&a->routes[1].to), "0.0.0.0/0");
	assert_string_equal(a->run[0], "sleep 1");
	assert_int_equal(t->hosts[2].n_links, 0);
	topology_free(t);
}

static void test_faults(void **state)
{
	static const struct {
		const char *text, *fault;
	} cases[] = {
		{ "name: -t\nnetworks: [{name: n}]\nhosts: [{name: h}]\n", "t.yaml:1: a name" },
		{ "name: t\nnetworks: [{name: n}]\nhosts: [{name: h_1}]\n", "t.yaml:3: a name" },
		{ "name: toolongforaname\nnetworks: [{name: n}]\nhosts: [{name: h}]\n",
		  "t.yaml:1: 'toolongforaname' is too long" },
		{ "name: t\nhosts: [{name: h}]\n", "t.yaml:1: 'networks' is missing" },
		{ "name: t\nnetworks:\n  - name: n\n  - name: n\nhosts: [{name: h}]\n",
		  "t.yaml:4: a second network 'n'" },
		{ "name: t\nnetworks: [{name: n, prefixes: [10.0.0.0/33]}]\nhosts: [{name: h}]\n",
		  "t.yaml:2: '10.0.0.0/33'" },
		{ "name: t\nnetworks:\n  - name: n\n    gateways: [10.0.0]\nhosts: [{name: h}]\n",
		  "t.yaml:4: '10.0.0'" },
		{ NETWORKS "  - name: h\n    link: []\n", "t.yaml:9: unknown key 'link'" },
		{ NETWORKS "  - name: h\n  - name: h\n", "t.yaml:9: a second host 'h'" },
		{ NETWORKS "  - {name: h-1, links: [{network: lan}]}\n"
			   "  - {name: h, links: [{network: lan}, {network: lan}]}\n",
		  "t.yaml:8: 'h-1' would name two links" },
		{ NETWORKS "  - name: h\n    links:\n      - network: x\n",
		  "t.yaml:10: there is no network 'x'" },
		{ NETWORKS "  - name: h\n    links:\n      - network: lan\n        addresses:\n"
			   "          - 10.0.0.2\n          - 10.0.1.2\n",
		  "t.yaml:13: 10.0.1.2 is in no prefix of network 'lan'" },
		{ NETWORKS
		  "  - name: h\n    links:\n      - network: lan\n        mac: 01:00:5e:0:0:1\n",
		  "t.yaml:11: " },
		{ NETWORKS
		  "  - name: h\n    links:\n      - network: lan\n        mac: 01:00:5e:00:00:01\n",
		  "t.yaml:11: 01:00:5e:00:00:01 is no address of a single" },
		{ NETWORKS "  - name: h\n    links:\n      - {network: lan, rate: fast}\n",
		  "t.yaml:10: 'fast' is not a rate" },
		{ NETWORKS "  - name: h\n    links:\n      - {network: lan, rate: 1T}\n",
		  "t.yaml:10: '1T' is not a rate" },
		{ NETWORKS "  - name: h\n    links:\n      - {network: lan, rate: 1Mbit}\n",
		  "t.yaml:10: '1Mbit' is not a rate" },
		{ NETWORKS "  - name: h\n    links:\n      - {network: lan, rate: 100}\n",
		  "t.yaml:10: '100' is not a rate" },
		{ NETWORKS "  - name: h\n    links:\n      - {network: lan, rate: -1M}\n",
		  "t.yaml:10: '-1M' is not a rate" },
		{ NETWORKS "  - name: h\n    links:\n      - {network: lan, loss_percent: 101}\n",
		  "t.yaml:10: a loss is" },
		{ NETWORKS "  - name: h\n    links:\n      - {network: lan, delay_ms: -1}\n",
		  "t.yaml:10: a delay is" },
		{ NETWORKS "  - name: h\n    listen: [80, 0]\n", "t.yaml:9: 0 is not a port" },
		{ NETWORKS "  - name: h\n    listen: [65536]\n",
		  "t.yaml:9: '65536' is not a whole" },
		{ NETWORKS "  - name: h\n    nat: wan\n", "t.yaml:9: 'wan' is none of the host's" },
		{ NETWORKS "  - name: h\n    nat: wan\n    links: [{network: wan}]\n",
		  "t.yaml:9: only a host with 'router: true'" },
		{ NETWORKS "  - name: h\n    sysctls: [kernel.panic=1]\n",
		  "t.yaml:9: 'kernel.panic=1'" },
		{ NETWORKS "  - name: h\n    sysctls: [net.ipv4.tcp_sack]\n",
		  "t.yaml:9: 'net.ipv4" },
		{ NETWORKS "  - name: h\n    sysctls: [net.../../kernel/panic=1]\n",
		  "t.yaml:9: 'net." },
		{ NETWORKS "  - name: h\n    sysctls: [net./x=1]\n", "t.yaml:9: 'net." },
		{ NETWORKS "  - name: h\n    gateways: [10.0.0.1]\n",
		  "t.yaml:9: 10.0.0.1 is on none" },
		{ NETWORKS "  - name: h\n    routes: [10.0.0.0/8]\n",
		  "t.yaml:9: '10.0.0.0/8' is not" },
		{ NETWORKS "  - name: h\n    links: [{network: lan, addresses: [10.0.0.2]}]\n"
			   "    routes: [\"fd01::/64 via 10.0.0.1\"]\n",
		  "t.yaml:10: 'fd01::/64 via 10.0.0.1': prefix and gateway" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct topology *t = NULL;
		struct fault fault = { 0 };

		if (parse(cases[i].text, &t, &fault) != -E_SYNTAX || t ||
		    strncmp(fault.text, cases[i].fault, strlen(cases[i].fault)) != 0)
			fail_msg("%s\ngave: %s\nnot:  %s", cases[i].text, fault.text,
				 cases[i].fault);
	}
}

/* Cut at every byte, and with every byte changed: no crash, nothing lost. */
static void test_hostile(void **state)
{
	char text[] = GOOD;
	struct topology *t;
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char kept = text[i];

		if (!topology_parse("t", text, i, &t, &fault))
			topology_free(t);
		for (size_t k = 0; k < 8; k++) {
			text[i] = "\0\n:-9/ \xff"[k];
			if (!topology_parse("t", text, sizeof(text) - 1, &t, &fault))
				topology_free(t);
		}
		text[i] = kept;
	}
}

static void test_office(void **state)
{
	struct topology *t;
	struct fault fault = { 0 };
	unsigned slow = 0;

	(void)state;
	if (topology_load(NULL, &t, &fault) < 0)
		fail_msg("%s", fault.text);
	assert_string_equal(t->name, "office");
	assert_true(t->n_hosts >= 11);
	for (unsigned i = 0; i < t->n_hosts; i++)
		slow += t->hosts[i].links[0].shape.rate_bits > 0;
	assert_int_equal(slow, 1);
	topology_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_office),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
