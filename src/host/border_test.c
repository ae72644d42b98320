/*
 * In a namespace of its own with many routes, rules and addresses: the kernel answers for any
 * address as for the first one of its stretch.
 */
#include "host/host_test.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "base/random.h"
#include "host/border.h"
#include "host/route.h"

#define ROUTES	  200
#define ADDRESSES 20000

static const char setup[] =
	"link set lo up\n"
	"link add d0 type veth peer name p0\nlink add d1 type veth peer name p1\n"
	"link set d0 up\nlink set d1 up\nlink set p0 up\nlink set p1 up\n"
	"addr add 10.0.0.1/24 dev d0\naddr add 10.0.0.130/26 dev d0\naddr add 10.9.0.1/16 dev d1\n"
	"addr add fd00::1/64 dev d0 nodad\naddr add 2001:db8:7::1/48 dev d0 nodad\n"
	"addr add 2001:db8:3000::1/40 dev d0 nodad\n"
	"addr add fd00:9::1/64 dev d1 nodad\n"
	"route add default via 10.0.0.7\nroute add local 10.77.0.0/16 dev lo\n"
	"route add default via fd00::7\nroute add 2001:db8::/32 via fd00::7\n"
	"route add table 7 10.200.0.0/13 via 10.9.0.9\n"
	"rule add to 10.201.0.0/17 lookup 7\nrule add to 10.202.3.0/24 prohibit\n"
	"route add table 7 fd77::/16 via fd00:9::9\nrule add to fd77:1::/32 lookup 7\n";

static struct addr random_addr(struct random *random, int family)
{
	struct addr a = { .family = (uint16_t)family };
	static const uint8_t near[] = { 0x20, 0x01, 0x0d, 0xb8 };
	static const uint8_t starts[] = { 0x20, 0xfd, 0xfe, 0xfc, 0x01 };

	for (size_t i = 0; i < addr_len(&a); i++)
		a.bytes[i] = (uint8_t)random_u64(random);
	if (family == AF_INET) {
		/* Near what is configured, mostly. */
		if (a.bytes[1] & 3)
			a.bytes[0] = 10;
		if (a.bytes[2] & 1)
			a.bytes[1] = a.bytes[3] & 1 ? 0 : 200 + (a.bytes[1] & 3);
		if (a.bytes[2] & 2)
			a.bytes[2] = 0;
	} else {
		a.bytes[0] = starts[a.bytes[0] % ARRAY_LEN(starts)];
		if (a.bytes[1] & 1)
			memset(a.bytes + 1, 0, 7);
		else if (a.bytes[2] & 1)
			memcpy(a.bytes, near, sizeof(near));
	}
	return a;
}

/* Routes of random lengths, also where others are already. */
static void make_network(struct random *random)
{
	FILE *ip = popen("ip -force -batch - >/dev/null 2>&1", "w");

	assert_non_null(ip);
	fputs(setup, ip);
	for (unsigned i = 0; i < ROUTES; i++) {
		struct addr a = random_addr(random, i & 1 ? AF_INET : AF_INET6);
		struct prefix p = { a, (uint8_t)(4 + random_u64(random) % (addr_bits(&a) - 3)) };
		char memory[128];
		struct buf b = buf_in(memory, sizeof(memory));

		p.addr = prefix_first(&p);
		buf_prefix(&b, &p);
		fprintf(ip, "route add %s%s via %s\n", i % 5 ? "" : "unreachable ", buf_cstr(&b),
			a.family == AF_INET ? (i % 4 ? "10.9.0.8" : "10.0.0.8")
					    : (i % 4 ? "fd00:9::8" : "fd00::8"));
	}
	pclose(ip);
}

static bool same_path(struct netlink *nl, const struct addr *a, const struct addr *b)
{
	struct host_path x, y;
	int x_err = host_route_get(nl, a, 0, &x), y_err = host_route_get(nl, b, 0, &y);

	if (x_err || y_err)
		return x_err == y_err;
	/* Its own address is the source of each of this machine's. */
	return x.type == y.type && x.ifindex == y.ifindex && addr_eq(&x.gateway, &y.gateway) &&
	       (addr_eq(&x.source, &y.source) || (addr_eq(a, &x.source) && addr_eq(b, &y.source)));
}

static void complain(const struct addr *a, const struct addr *first)
{
	char memory[128];
	struct buf b = buf_in(memory, sizeof(memory));

	buf_addr(&b, a);
	buf_str(&b, " is not reached as ");
	buf_addr(&b, first);
	fail_msg("%s", buf_cstr(&b));
}

static void test_stretches(void **state UNUSED)
{
	struct random random = random_of(1);
	struct host_borders borders = { 0 };
	struct netlink *nl;

	if (unshare(CLONE_NEWNET) < 0)
		skip();
	make_network(&random);
	assert_int_equal(netlink_new(&nl), 0);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		int family = i < ADDRESSES / 2 ? AF_INET : AF_INET6;
		struct addr a = random_addr(&random, family), first;
		size_t at;

		if (i % (ADDRESSES / 2) == 0) {
			assert_int_equal(host_borders_list(nl, family, &borders), 0);
			assert_true(borders.n > ROUTES / 2);
			assert_true(borders.items[0] == 0);
		}
		at = host_borders_find(&borders, addr_number(&a));
		assert_true(borders.items[at] <= addr_number(&a));
		assert_true(at + 1 == borders.n || borders.items[at + 1] > addr_number(&a));
		first = addr_from_number(family, borders.items[at]);
		if (!same_path(nl, &a, &first))
			complain(&a, &first);
	}
	host_borders_done(&borders);
	netlink_free(nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stretches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
