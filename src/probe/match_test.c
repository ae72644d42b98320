/* One probe in flight, and what comes back of it: the right answer, forged ones, errors of routers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probe/engine.h"

#define FRAME_MAX 256
#define START_NS  (1000 * NS_PER_S)

struct one {
	struct probe_engine *e;
	struct addr target;
	struct probe_send send;
	uint8_t frame[FRAME_MAX];
};

static void one_begin(struct one *o, uint16_t payload_len)
{
	static const struct probe_lane lane = { .module = &probe_icmp };
	struct probe_config config = {
		.list = &o->target,
		.n_list = 1,
		.lanes = &lane,
		.n_lanes = 1,
		.timeout_ns = 500 * NS_PER_MS,
		.rate = 10000,
		.payload_len = payload_len,
		.key = { 1, 2 },
	};

	o->target = addr_ip4((const uint8_t[]){ 10, 0, 0, 1 });
	assert_int_equal(probe_engine_new(&config, START_NS, &o->e), 0);
	assert_int_equal(probe_engine_output(o->e, START_NS, &o->send, 1), 1);
	memcpy(o->frame, o->send.data, o->send.len);
}

static int one_hears(struct one *o, const void *data, size_t len, const struct addr *from,
		     struct probe_event *event)
{
	struct probe_packet packet = { .via = PROBE_VIA_ICMP,
				       .family = AF_INET,
				       .data = data,
				       .len = len,
				       .from = *from,
				       .rx_ns = START_NS + NS_PER_MS };

	return probe_engine_input(o->e, START_NS + NS_PER_MS, &packet, event);
}

static void test_forgeries_are_refused(void **state)
{
	struct probe_event event;
	struct one o;

	(void)state;
	one_begin(&o, 56);
	o.frame[0] = 0;
	/* Any changed bit of the mark, and a reply without one. */
	for (size_t i = 8; i < 8 + PROBE_MARK_LEN; i++) {
		o.frame[i] ^= 0x10;
		assert_int_equal(one_hears(&o, o.frame, o.send.len, &o.target, &event), 0);
		o.frame[i] ^= 0x10;
	}
	assert_int_equal(one_hears(&o, o.frame, 8, &o.target, &event), 0);
	assert_int_equal(one_hears(&o, o.frame, o.send.len, &o.target, &event), 1);
	assert_int_equal(event.outcome, PROBE_ANSWERED);
	assert_int_equal(event.rtt_ns, NS_PER_MS);
	assert_int_equal(one_hears(&o, o.frame, o.send.len, &o.target, &event), 1);
	assert_int_equal(event.outcome, PROBE_DUPLICATE);
	probe_engine_free(o.e);
}

static void test_responder_may_be_another(void **state)
{
	struct addr other = addr_ip4((const uint8_t[]){ 192, 0, 2, 9 });
	struct probe_event event;
	struct one o;

	(void)state;
	one_begin(&o, 56);
	o.frame[0] = 0;
	assert_int_equal(one_hears(&o, o.frame, o.send.len, &other, &event), 1);
	assert_true(addr_eq(&event.target, &o.target));
	assert_true(addr_eq(&event.responder, &other));
	probe_engine_free(o.e);
}

/* An error from a router: with the whole request quoted, with 8 bytes of it, with a small probe. */
static void check_error(uint16_t payload_len, size_t quoted)
{
	struct addr router = addr_ip4((const uint8_t[]){ 192, 0, 2, 1 });
	uint8_t error[8 + 20 + FRAME_MAX] = { 11, 0 };
	struct probe_event event;
	struct one o;

	one_begin(&o, payload_len);
	error[8] = 0x45;
	error[8 + 9] = 1;
	memcpy(error + 8 + 16, o.target.bytes, 4);
	memcpy(error + 28, o.frame, quoted);
	error[8 + 19] ^= 1; /* to somebody else: not ours */
	assert_int_equal(one_hears(&o, error, 28 + quoted, &router, &event), quoted > 8 ? 1 : 0);
	error[8 + 19] ^= 1;
	if (quoted == 8)
		assert_int_equal(one_hears(&o, error, 28 + quoted, &router, &event), 1);
	assert_int_equal(event.outcome, PROBE_ANSWERED);
	assert_int_equal(event.kind, PROBE_EXCEEDED);
	assert_int_equal(event.icmp_type, 11);
	assert_true(addr_eq(&event.responder, &router));
	assert_true(addr_eq(&event.target, &o.target));
	for (unsigned i = 0; i < 3; i++) /* the same again says nothing new */
		assert_int_equal(one_hears(&o, error, 28 + quoted, &router, &event), 0);
	assert_int_equal(probe_engine_account(o.e).errors, 1);
	probe_engine_free(o.e);
}

static void test_router_errors(void **state)
{
	(void)state;
	check_error(56, 64);
	check_error(56, 8);
	check_error(0, 8);
}

/* Lanes of one target in order, told apart by 8 bytes of their requests. */
static void test_lanes_have_sequences_of_their_own(void **state)
{
	struct probe_lane lanes[PROBE_MAX_LANES];
	struct addr router = addr_ip4((const uint8_t[]){ 192, 0, 2, 1 });
	struct probe_send sends[PROBE_MAX_LANES];
	struct probe_event event;
	struct one o = { .target = addr_ip4((const uint8_t[]){ 10, 0, 0, 1 }) };
	struct probe_config config = { .list = &o.target,
				       .n_list = 1,
				       .lanes = lanes,
				       .n_lanes = PROBE_MAX_LANES,
				       .timeout_ns = 500 * NS_PER_MS,
				       .rate = PROBE_RATE_MAX,
				       .payload_len = 56,
				       .in_order = true,
				       .key = { 1, 2 } };
	unsigned n = 0;

	(void)state;
	for (uint8_t i = 0; i < PROBE_MAX_LANES; i++)
		lanes[i] = (struct probe_lane){ .module = &probe_icmp, .ttl = (uint8_t)(i + 1) };
	assert_int_equal(probe_engine_new(&config, START_NS, &o.e), 0);
	n = (unsigned)probe_engine_output(o.e, START_NS, sends, PROBE_MAX_LANES);
	assert_int_equal(n, PROBE_MAX_LANES);
	for (unsigned i = n; i--;) {
		uint8_t error[8 + 20 + 8] = { 11, [8] = 0x45, [17] = 1 };

		assert_int_equal(sends[i].ttl, i + 1);
		memcpy(error + 24, o.target.bytes, 4);
		memcpy(error + 28, sends[i].data, 8);
		assert_int_equal(one_hears(&o, error, sizeof(error), &router, &event), 1);
		assert_int_equal(event.lane, i);
		assert_int_equal(event.try, 0);
		assert_int_equal(event.rtt_ns, NS_PER_MS);
	}
	probe_engine_free(o.e);
}

static void test_small_probe(void **state)
{
	struct probe_event event;
	struct one o;

	(void)state;
	one_begin(&o, 0);
	assert_int_equal(o.send.len, 8);
	o.frame[0] = 0;
	o.frame[5] ^= 1;
	assert_int_equal(one_hears(&o, o.frame, 8, &o.target, &event), 0);
	o.frame[5] ^= 1;
	assert_int_equal(one_hears(&o, o.frame, 8, &o.target, &event), 1);
	assert_int_equal(event.rtt_ns, NS_PER_MS);
	probe_engine_free(o.e);
}

static void test_drops_are_told(void **state)
{
	struct probe_event event;
	struct one o;

	(void)state;
	one_begin(&o, 56);
	probe_engine_dropped(o.e, START_NS, 3);
	assert_false(probe_engine_account(o.e).incomplete);
	assert_int_equal(probe_engine_next_event(o.e, START_NS + NS_PER_S, &event), 1);
	assert_int_equal(event.outcome, PROBE_SILENT);
	assert_int_equal(probe_engine_account(o.e).dropped, 3);
	assert_true(probe_engine_account(o.e).incomplete);
	assert_true(probe_engine_done(o.e));
	probe_engine_free(o.e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forgeries_are_refused),
		cmocka_unit_test(test_responder_may_be_another),
		cmocka_unit_test(test_router_errors),
		cmocka_unit_test(test_lanes_have_sequences_of_their_own),
		cmocka_unit_test(test_small_probe),
		cmocka_unit_test(test_drops_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
