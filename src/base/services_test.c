/* Names of ports, from a file and our own; the order of the top ports. */
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "base/ports.h"
#include "base/services.h"

static struct services *services_of(const char *text)
{
	char path[] = "/tmp/services-test-XXXXXX";
	int fd = mkstemp(path);
	struct services *s;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(services_new(path, &s), 0);
	unlink(path);
	return s;
}

static void test_file(void **state)
{
	struct services *s = services_of("# a comment 80/tcp\n"
					 "first\t\t80/tcp\talias # x\n"
					 "second 80/tcp\n"
					 "both 443/udp\n"
					 "odd 80/sctp\n"
					 "\n 70000/tcp\nnull 0/tcp\nbig 70000/tcp\nname\n");

	(void)state;
	assert_string_equal(services_name(s, 80, "tcp"), "first");
	assert_string_equal(services_name(s, 443, "udp"), "both");
	assert_string_equal(services_name(s, 27017, "tcp"), "mongodb");
	assert_string_equal(services_name(s, 51820, "udp"), "wireguard");
	assert_null(services_name(s, 51820, "tcp"));
	assert_null(services_name(s, 0, "tcp"));
	services_free(s);
	assert_int_equal(services_new("/nonexistent", &s), 0);
	assert_string_equal(services_name(s, 5985, "tcp"), "wsman");
	assert_null(services_free(s));
	assert_null(services_free(NULL));
}

/* Of the ports of one protocol, those that the C library finds in /etc/services. */
static void list_ports(const char *protocol, bool ret_listed[static UINT16_MAX + 1])
{
	struct servent *e;

	memset(ret_listed, 0, UINT16_MAX + 1);
	setservent(1);
	while ((e = getservent()))
		if (!strcmp(e->s_proto, protocol))
			ret_listed[ntohs((uint16_t)e->s_port)] = true;
	endservent();
}

/* All that the C library reads in /etc/services is the same here. */
static void test_as_the_c_library(void **state)
{
	static const char *const protocols[] = { "tcp", "udp" };
	struct services *s;

	(void)state;
	assert_int_equal(services_new("/etc/services", &s), 0);
	for (unsigned i = 0; i < 2; i++) {
		bool listed[UINT16_MAX + 1];
		unsigned n = 0;

		list_ports(protocols[i], listed);
		for (unsigned port = 1; port <= UINT16_MAX; port++) {
			struct servent *e;

			if (!listed[port])
				continue;
			n++;
			e = getservbyport(htons((uint16_t)port), protocols[i]);
			assert_non_null(e);
			assert_string_equal(services_name(s, (uint16_t)port, protocols[i]),
					    e->s_name);
		}
		assert_in_range(n, 50, UINT16_MAX);
	}
	services_free(s);
}

static void test_top(void **state)
{
	static const char *const protocols[] = { "tcp", "udp" };
	static const unsigned least[] = { 1000, 200 };
	struct ports ports, smaller;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		unsigned all;

		ports_top(UINT16_MAX, protocols[i], &ports);
		all = ports.n;
		assert_true(all >= least[i]);
		for (unsigned n = 0; n <= all; n++) {
			unsigned found = 0;

			ports_top(n, protocols[i], &ports);
			for (unsigned p = 0; (p = ports_next(&ports, (uint16_t)p));)
				found++;
			assert_int_equal(ports.n, n);
			assert_int_equal(found, n); /* none is named twice, none is 0 */
			for (unsigned p = 0; n && (p = ports_next(&smaller, (uint16_t)p));)
				assert_true(ports_have(&ports, (uint16_t)p));
			smaller = ports;
			n += n > 20 ? 50 : 0;
		}
	}
	ports_top(3, "tcp", &ports);
	assert_true(ports_have(&ports, 80) && ports_have(&ports, 443) && ports_have(&ports, 22));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_as_the_c_library),
		cmocka_unit_test(test_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
