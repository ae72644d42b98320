/* Every state with its reason. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "probe/module_test.h"
#include "probe/port_state.h"

static const struct probe_module *const syn = &probe_syn, *const tcp = &probe_tcp;
static const struct probe_module udp = { .name = "udp", .via = PROBE_VIA_UDP };

static void check(const struct probe_module *module, struct probe_event event,
		  enum port_state state, const char *reason)
{
	char memory[128];
	struct buf text = buf_in(memory, sizeof(memory));

	if (!event.target.family)
		event.target = addr_of("10.0.0.2");
	if (!event.responder.family)
		event.responder = event.target;
	assert_string_equal(port_state_name(port_state_of(module, &event)), port_state_name(state));
	port_state_reason(module, &event, 3, &text);
	assert_string_equal(buf_cstr(&text), reason);
}

static void test_replies(void **state)
{
	struct probe_event event = { .outcome = PROBE_ANSWERED, .kind = PROBE_REPLY, .ttl = 63 };

	(void)state;
	check(syn, event, PORT_OPEN, "syn-ack ttl 63");
	check(&udp, event, PORT_OPEN, "udp answer ttl 63");
	check(tcp, event, PORT_OPEN, "connected");
	event.outcome = PROBE_LATE;
	check(syn, event, PORT_OPEN, "syn-ack ttl 63");
	event.error = ECONNREFUSED;
	check(syn, event, PORT_CLOSED, "rst ttl 63");
	check(tcp, event, PORT_CLOSED, "refused");
	event.ttl = -1;
	check(syn, event, PORT_CLOSED, "rst");
	event.error = ECONNRESET;
	check(tcp, event, PORT_CLOSED, "reset");
}

static void test_silence_and_failure(void **state)
{
	struct probe_event event = { .outcome = PROBE_SILENT };
	char memory[32];
	struct buf text = buf_in(memory, sizeof(memory));

	(void)state;
	check(syn, event, PORT_FILTERED, "no answer to 3 tries");
	check(tcp, event, PORT_FILTERED, "no answer to 3 tries");
	check(&udp, event, PORT_OPEN_FILTERED, "no answer to 3 tries");
	port_state_reason(syn, &event, 1, &text);
	assert_string_equal(buf_cstr(&text), "no answer to 1 try");
	event.outcome = PROBE_FAILED;
	event.error = -ENETUNREACH;
	check(syn, event, PORT_UNREACHABLE, "no route");
	event.error = -EHOSTUNREACH;
	check(&udp, event, PORT_UNREACHABLE, "host unreachable");
	event.error = -EPERM;
	check(&udp, event, PORT_FILTERED, "not permitted");
}

/* What IPv4's codes mean for SYNs; 3 alone is another matter for UDP. */
static const struct {
	enum port_state state;
	const char *reason;
} codes4[] = {
	{ PORT_UNREACHABLE, "icmp network-unreachable" },
	{ PORT_UNREACHABLE, "icmp host-unreachable" },
	{ PORT_FILTERED, "icmp protocol-unreachable" },
	{ PORT_FILTERED, "icmp port-unreachable" },
	{ PORT_UNREACHABLE, "icmp fragmentation-needed" },
	{ PORT_UNREACHABLE, "icmp source-route-failed" },
	{ PORT_UNREACHABLE, "icmp network-unknown" },
	{ PORT_UNREACHABLE, "icmp host-unknown" },
	{ PORT_UNREACHABLE, "icmp host-isolated" },
	{ PORT_FILTERED, "icmp network-prohibited" },
	{ PORT_FILTERED, "icmp host-prohibited" },
	{ PORT_UNREACHABLE, "icmp network-unreachable-for-this-type-of-service" },
	{ PORT_UNREACHABLE, "icmp host-unreachable-for-this-type-of-service" },
	{ PORT_FILTERED, "icmp administratively-prohibited" },
	{ PORT_FILTERED, "icmp host-precedence-violation" },
	{ PORT_FILTERED, "icmp precedence-cut-off" },
	{ PORT_UNREACHABLE, "icmp unreachable" },
}, codes6[] = {
	{ PORT_UNREACHABLE, "icmp no-route" },
	{ PORT_FILTERED, "icmp administratively-prohibited" },
	{ PORT_UNREACHABLE, "icmp beyond-scope-of-source-address" },
	{ PORT_UNREACHABLE, "icmp address-unreachable" },
	{ PORT_FILTERED, "icmp port-unreachable" },
	{ PORT_FILTERED, "icmp source-address-failed-policy" },
	{ PORT_FILTERED, "icmp route-rejected" },
	{ PORT_UNREACHABLE, "icmp unreachable" },
};

static void test_codes(void **state)
{
	struct probe_event event = { .outcome = PROBE_ANSWERED, .kind = PROBE_UNREACHABLE };

	(void)state;
	for (uint8_t i = 0; i < ARRAY_LEN(codes4); i++) {
		event.icmp_code = i;
		check(syn, event, codes4[i].state, codes4[i].reason);
		check(&udp, event, i == 3 ? PORT_CLOSED : codes4[i].state, codes4[i].reason);
	}
	event.target = addr_of("2001:db8::2");
	for (uint8_t i = 0; i < ARRAY_LEN(codes6); i++) {
		event.icmp_code = i;
		check(syn, event, codes6[i].state, codes6[i].reason);
		check(&udp, event, i == 4 ? PORT_CLOSED : codes6[i].state, codes6[i].reason);
	}
}

static void test_other_errors(void **state)
{
	struct probe_event event = { .outcome = PROBE_ANSWERED,
				     .kind = PROBE_UNREACHABLE,
				     .icmp_code = 3,
				     .responder = addr_of("10.0.0.1") };

	(void)state;
	check(&udp, event, PORT_FILTERED, "icmp port-unreachable from 10.0.0.1");
	check(syn, event, PORT_FILTERED, "icmp port-unreachable from 10.0.0.1");
	event.icmp_code = 1;
	check(syn, event, PORT_UNREACHABLE, "icmp host-unreachable from 10.0.0.1");
	event.kind = PROBE_EXCEEDED;
	event.icmp_code = 0;
	check(syn, event, PORT_UNREACHABLE, "icmp TTL-exceeded from 10.0.0.1");
	event.kind = PROBE_TOO_BIG;
	check(&udp, event, PORT_UNREACHABLE, "icmp packet-too-big from 10.0.0.1");
	event.kind = PROBE_OTHER_ERROR;
	check(syn, event, PORT_FILTERED, "icmp parameter-problem from 10.0.0.1");
	/* What the kernel tells of them to a connection. */
	event.kind = PROBE_UNREACHABLE;
	event.error = EHOSTUNREACH;
	check(tcp, event, PORT_UNREACHABLE, "host unreachable");
	event.error = ENETUNREACH;
	check(tcp, event, PORT_UNREACHABLE, "no route");
	event.error = EACCES;
	check(tcp, event, PORT_FILTERED, "not permitted");
	event.error = ENOPROTOOPT;
	check(tcp, event, PORT_FILTERED, "Protocol not available");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_silence_and_failure),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_other_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
