/*
 * The engine in virtual time against a network that loses, delays, repeats and reorders, and that
 * knows what it did: what the engine says must be exactly that.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/random.h"
#include "probe/engine.h"

#define MAX_TARGETS 5000
#define MAX_FLYING  40000
#define FRAME_MAX   256
#define START_NS    (1000 * NS_PER_S)

struct flying {
	uint64_t at_ns;
	enum probe_via via;
	int family;
	struct addr from;
	uint32_t slot;
	uint64_t token;
	size_t len;
	uint8_t data[FRAME_MAX];
};

/* What happened to one target, as the network and as the engine saw it. */
struct truth {
	bool there;
	unsigned n_sent, n_delivered;
	unsigned n_answered, n_silent, n_late, n_duplicate, n_failed;
};

struct world {
	struct random random;
	uint64_t now_ns;
	double loss, duplication;
	uint64_t delay_ns, jitter_ns;
	struct addr first; /* targets are a run of addresses from here */
	unsigned n_targets;
	uint64_t refuse_until; /* sends up to this number fail for want of buffers */
	uint64_t n_sends;
	uint64_t first_send_ns, last_send_ns;
	struct truth truths[MAX_TARGETS];
	struct flying *flying; /* unordered */
	unsigned n_flying;
	struct probe_event last;
};

static struct world *world_new(const char *first, unsigned n_targets)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->flying = calloc(MAX_FLYING, sizeof(*w->flying));
	assert_non_null(w->flying);
	assert_int_equal(addr_parse(first, strlen(first), &w->first, NULL), 0);
	w->random = random_of(42);
	w->n_targets = n_targets;
	w->now_ns = START_NS;
	w->delay_ns = 10 * NS_PER_MS;
	for (unsigned i = 0; i < n_targets; i++)
		w->truths[i].there = true;
	return w;
}

static void world_free(struct world *w)
{
	free(w->flying);
	free(w);
}

static struct truth *truth_of(struct world *w, const struct addr *a)
{
	uint128_t index = addr_number(a) - addr_number(&w->first);

	assert_true(index < w->n_targets);
	return &w->truths[index];
}

static void fly(struct world *w, const struct flying *what, struct truth *truth)
{
	if (random_unit(&w->random) < w->loss)
		return;
	assert_true(w->n_flying < MAX_FLYING);
	w->flying[w->n_flying] = *what;
	w->flying[w->n_flying++].at_ns =
		w->now_ns + w->delay_ns +
		(w->jitter_ns ? random_below(&w->random, w->jitter_ns) : 0);
	truth->n_delivered++;
}

/* The far side: an echo reply, an ARP reply, an accepted connection. */
static void answer(struct world *w, const struct probe_send *send)
{
	struct truth *truth = truth_of(w, &send->target);
	struct flying f = { .via = send->via,
			    .family = send->target.family,
			    .from = send->target,
			    .slot = send->slot,
			    .token = send->token,
			    .len = send->len };

	truth->n_sent++;
	if (!truth->there)
		return;
	assert_true(send->len <= FRAME_MAX);
	if (send->len)
		memcpy(f.data, send->data, send->len);
	if (send->via == PROBE_VIA_ICMP) {
		f.data[0] = send->target.family == AF_INET ? 0 : 129;
	} else if (send->via == PROBE_VIA_LINK) {
		f.data[21] = 2;
		memcpy(f.data + 22, "\2\0\0\0\0\7", 6);
		memcpy(f.data + 28, send->target.bytes, 4);
	}
	fly(w, &f, truth);
	if (random_unit(&w->random) < w->duplication)
		fly(w, &f, truth);
}

static void note(struct world *w, const struct probe_event *event)
{
	struct truth *truth = truth_of(w, &event->target);

	w->last = *event;
	switch (event->outcome) {
	case PROBE_ANSWERED:
		truth->n_answered++;
		break;
	case PROBE_SILENT:
		truth->n_silent++;
		break;
	case PROBE_LATE:
		truth->n_late++;
		break;
	case PROBE_DUPLICATE:
		truth->n_duplicate++;
		break;
	case PROBE_FAILED:
		truth->n_failed++;
		break;
	}
}

static void send_all(struct world *w, struct probe_engine *e)
{
	struct probe_send sends[64];
	size_t n;

	while ((n = probe_engine_output(e, w->now_ns, sends, 64)) > 0) {
		for (size_t i = 0; i < n; i++) {
			if (++w->n_sends <= w->refuse_until) {
				probe_engine_unsent(e, w->now_ns, sends[i].id, -ENOBUFS);
				continue;
			}
			if (!w->first_send_ns)
				w->first_send_ns = w->now_ns;
			w->last_send_ns = w->now_ns;
			answer(w, &sends[i]);
		}
	}
}

static struct flying *next_arrival(struct world *w)
{
	struct flying *next = NULL;

	for (unsigned i = 0; i < w->n_flying; i++)
		if (!next || w->flying[i].at_ns < next->at_ns)
			next = &w->flying[i];
	return next;
}

static void deliver(struct world *w, struct probe_engine *e, struct flying *f)
{
	struct probe_packet packet = {
		.via = f->via,
		.family = f->family,
		.data = f->data,
		.len = f->len,
		.from = f->from,
		.ttl = 64,
		.rx_ns = w->now_ns,
		.slot = f->slot,
		.token = f->token,
	};
	struct probe_event event;

	if (probe_engine_input(e, w->now_ns, &packet, &event))
		note(w, &event);
	*f = w->flying[--w->n_flying];
}

/* Until the engine is done, and what is still on its way has arrived. */
static void run(struct world *w, struct probe_engine *e)
{
	while (!probe_engine_done(e) || w->n_flying) {
		struct flying *f;
		struct probe_event event;
		uint64_t deadline_ns;

		while (probe_engine_next_event(e, w->now_ns, &event))
			note(w, &event);
		send_all(w, e);
		f = next_arrival(w);
		deadline_ns = probe_engine_deadline(e);
		if (f && f->at_ns <= deadline_ns) {
			w->now_ns = MAX(w->now_ns, f->at_ns);
			deliver(w, e, f);
			continue;
		}
		if (deadline_ns == UINT64_MAX) {
			assert_true(probe_engine_done(e));
			continue;
		}
		w->now_ns = MAX(w->now_ns + 1, deadline_ns);
	}
}

static int route(void *ctx, const struct addr *target, enum probe_via via UNUSED,
		 struct probe_link *ret_link)
{
	(void)ctx;
	*ret_link = (struct probe_link){
		.ifindex = 7,
		.mac = { { 2, 0, 0, 0, 0, 1 } },
		.source = addr_ip4((const uint8_t[]){ 10, 0, 0, 1 }),
		.on_link = true,
	};
	if (target->bytes[3] == 99)
		return -ENETUNREACH;
	return 0;
}

static const struct probe_lane icmp_lane = { .module = &probe_icmp };
static const struct probe_lane ping_lane = { .module = &probe_icmp, .each = true };

static struct probe_config config_of(const struct targets *targets)
{
	return (struct probe_config){
		.targets = targets,
		.lanes = &icmp_lane,
		.n_lanes = 1,
		.timeout_ns = 500 * NS_PER_MS,
		.retries = 1,
		.rate = 10000,
		.payload_len = 56,
		.seed = 5,
		.key = { 1, 2 },
		.route = route,
	};
}

static struct targets *targets_of(const char *text)
{
	struct targets *t = targets_new();

	assert_non_null(t);
	assert_int_equal(targets_parse(t, text, NULL), 0);
	assert_int_equal(targets_seal(t), 0);
	return t;
}

static struct probe_engine *engine_of(const struct probe_config *config)
{
	struct probe_engine *e = NULL;

	assert_int_equal(probe_engine_new(config, START_NS, &e), 0);
	return e;
}

/* Silence everywhere: what is sent is exactly each target, each try, once. */
static void check_dry(const char *text, const char *first, unsigned n_targets, unsigned retries)
{
	struct targets *targets = targets_of(text);
	struct probe_config config = config_of(targets);
	struct world *w = world_new(first, n_targets);
	struct probe_engine *e;

	for (unsigned i = 0; i < n_targets; i++)
		w->truths[i].there = false;
	config.retries = retries;
	config.max_slots = 97;
	e = engine_of(&config);
	run(w, e);
	for (unsigned i = 0; i < n_targets; i++) {
		assert_int_equal(w->truths[i].n_sent, 1 + retries);
		assert_int_equal(w->truths[i].n_silent, 1);
	}
	assert_int_equal(probe_engine_account(e).sent, n_targets * (1 + retries));
	assert_int_equal(probe_engine_account(e).silent, n_targets);
	probe_engine_free(e);
	world_free(w);
	targets_free(targets);
}

static void test_dry_runs(void **state)
{
	(void)state;
	check_dry("10.0.0.7", "10.0.0.7", 1, 0);
	check_dry("10.0.0.0/20", "10.0.0.0", 4096, 2);
	check_dry("0.0.0.0/29", "0.0.0.0", 8, 3);
	check_dry("223.255.255.250-255", "223.255.255.250", 6, 1);
	check_dry("2001:db8::/119", "2001:db8::", 512, 1);
	check_dry("2001:db8::ffff:fff0-ffff", "2001:db8::ffff:fff0", 16, 1);
}

static void test_size_limits(void **state)
{
	struct targets *all = targets_of("2000::/65"), *too_many = targets_of("2000::/63");
	struct probe_config config = config_of(all);
	struct probe_send sends[64];
	struct probe_engine *e;

	(void)state;
	e = engine_of(&config);
	assert_int_equal(probe_engine_output(e, START_NS, sends, 64), 1);
	assert_true(probe_engine_account(e).total == UINT64_C(1) << 63);
	probe_engine_free(e);
	config.targets = too_many;
	assert_int_equal(probe_engine_new(&config, START_NS, &e), -E_RANGE);
	config.targets = all;
	config.n_lanes = 0;
	assert_int_equal(probe_engine_new(&config, START_NS, &e), -E_RANGE);
	targets_free(all);
	targets_free(too_many);
}

/* Every second address is there; loss, duplicates and reordering; truth is what was delivered. */
static void check_sweep(double loss, double duplication, uint64_t jitter_ns, uint32_t max_slots,
			unsigned retries)
{
	struct targets *targets = targets_of("10.0.0.0/20");
	struct probe_config config = config_of(targets);
	struct world *w = world_new("10.0.0.0", 4096);
	struct probe_account account;
	struct probe_engine *e;
	unsigned n_delivered = 0;

	for (unsigned i = 0; i < 4096; i++)
		w->truths[i].there = i % 2;
	w->loss = loss;
	w->duplication = duplication;
	w->jitter_ns = jitter_ns;
	config.max_slots = max_slots;
	config.retries = retries;
	e = engine_of(&config);
	run(w, e);
	for (unsigned i = 0; i < 4096; i++) {
		const struct truth *t = &w->truths[i];

		/* Found exactly when something was delivered, and everything delivered is told. */
		assert_int_equal(t->n_answered + t->n_silent, 1);
		assert_int_equal(t->n_answered + t->n_late > 0, t->n_delivered > 0);
		assert_int_equal(t->n_answered + t->n_late + t->n_duplicate, t->n_delivered);
		n_delivered += t->n_delivered;
	}
	account = probe_engine_account(e);
	assert_int_equal(account.answered + account.silent, 4096);
	assert_int_equal(account.answered + account.late + account.duplicate, n_delivered);
	assert_int_equal(account.targets, 4096);
	assert_false(account.incomplete);
	if (!loss && !jitter_ns && retries)
		assert_true(account.recall == 1);
	probe_engine_free(e);
	world_free(w);
	targets_free(targets);
}

static void test_sweeps(void **state)
{
	(void)state;
	check_sweep(0, 0, 0, 0, 1);
	check_sweep(0.3, 0, 0, 0, 1);
	check_sweep(0.3, 0.2, 300 * NS_PER_MS, 0, 2);
	check_sweep(0.1, 0.1, 2000 * NS_PER_MS, 0, 1); /* most of it late */
	check_sweep(0.1, 0.1, 100 * NS_PER_MS, 0, 0);
}

/* A table much smaller than what is in flight only makes it slower. */
static void test_few_slots(void **state)
{
	(void)state;
	check_sweep(0, 0, 0, 16, 1);
	check_sweep(0.3, 0, 20 * NS_PER_MS, 16, 2);
}

static void test_recall_estimate(void **state)
{
	struct targets *targets = targets_of("10.0.0.0/20");
	struct probe_config config = config_of(targets);
	struct world *w = world_new("10.0.0.0", 4096);
	struct probe_engine *e;
	unsigned n_found = 0;
	double recall;

	(void)state;
	w->loss = 0.4;
	config.retries = 2;
	e = engine_of(&config);
	run(w, e);
	for (unsigned i = 0; i < 4096; i++)
		n_found += w->truths[i].n_answered;
	recall = probe_engine_account(e).recall;
	assert_true(recall > n_found / 4096.0 - 0.02 && recall < n_found / 4096.0 + 0.02);
	probe_engine_free(e);
	world_free(w);
	targets_free(targets);
}

/* Bursts: each try is told once, in its own slot, whatever becomes of the others. */
static void check_bursts(double loss, uint64_t jitter_ns, uint32_t max_slots)
{
	struct targets *targets = targets_of("2001:db8::/120");
	struct probe_config config = config_of(targets);
	struct world *w = world_new("2001:db8::", 256);
	struct probe_engine *e;

	w->loss = loss;
	w->jitter_ns = jitter_ns;
	config.lanes = &ping_lane;
	config.count = 5;
	config.interval_ns = 50 * NS_PER_MS;
	config.max_slots = max_slots;
	e = engine_of(&config);
	run(w, e);
	for (unsigned i = 0; i < 256; i++) {
		const struct truth *t = &w->truths[i];

		assert_int_equal(t->n_sent, 5);
		assert_int_equal(t->n_answered + t->n_silent, 5);
		assert_int_equal(t->n_answered + t->n_late + t->n_duplicate, t->n_delivered);
	}
	probe_engine_free(e);
	world_free(w);
	targets_free(targets);
}

static void test_bursts(void **state)
{
	(void)state;
	check_bursts(0, 0, 0);
	check_bursts(0.2, 100 * NS_PER_MS, 0);
	check_bursts(0.2, 0, 40);
}

static void test_interval_is_kept(void **state)
{
	struct addr one = addr_ip4((const uint8_t[]){ 10, 0, 0, 1 });
	struct probe_config config = config_of(NULL);
	struct world *w = world_new("10.0.0.1", 1);
	struct probe_engine *e;

	(void)state;
	config.list = &one;
	config.n_list = 1;
	config.lanes = &ping_lane;
	config.count = 101;
	config.interval_ns = 20 * NS_PER_MS;
	e = engine_of(&config);
	run(w, e);
	assert_int_equal(w->truths[0].n_answered, 101);
	/* No drift: the last left 100 intervals after the first, to the tick. */
	assert_in_range(w->last_send_ns - w->first_send_ns, 2000 * NS_PER_MS, 2001 * NS_PER_MS);
	assert_int_equal(w->last.rtt_ns, 10 * NS_PER_MS);
	assert_int_equal(w->last.try, 100);
	probe_engine_free(e);
	world_free(w);
}

static void test_endless_until_stopped(void **state)
{
	struct addr one = addr_ip4((const uint8_t[]){ 10, 0, 0, 1 });
	struct probe_config config = config_of(NULL);
	struct world *w = world_new("10.0.0.1", 1);
	struct probe_event event;
	struct probe_engine *e;

	(void)state;
	config.list = &one;
	config.n_list = 1;
	config.lanes = &ping_lane;
	config.count = PROBE_COUNT_ENDLESS;
	config.interval_ns = 100 * NS_PER_MS;
	e = engine_of(&config);
	for (unsigned i = 0; i < 1000; i++) {
		while (probe_engine_next_event(e, w->now_ns, &event))
			note(w, &event);
		send_all(w, e);
		if (w->n_flying)
			deliver(w, e, w->flying);
		assert_false(probe_engine_done(e));
		w->now_ns = probe_engine_deadline(e);
	}
	assert_true(w->truths[0].n_answered > 300);
	probe_engine_stop(e);
	run(w, e);
	assert_int_equal(w->truths[0].n_answered, w->truths[0].n_sent);
	probe_engine_free(e);
	world_free(w);
}

static void test_rate_is_a_ceiling(void **state)
{
	struct targets *targets = targets_of("10.0.0.0/22");
	struct probe_config config = config_of(targets);
	struct world *w = world_new("10.0.0.0", 1024);
	struct probe_engine *e;

	(void)state;
	config.rate = 1000;
	config.retries = 0;
	e = engine_of(&config);
	run(w, e);
	assert_in_range(w->last_send_ns - w->first_send_ns, 1018 * NS_PER_MS, 1024 * NS_PER_MS);
	probe_engine_free(e);
	world_free(w);
	targets_free(targets);
}

/* Full queues: nothing is lost or sent twice, and it becomes slower. */
static void test_full_queues(void **state)
{
	struct targets *targets = targets_of("10.0.0.0/22");
	struct probe_config config = config_of(targets);
	struct world *w = world_new("10.0.0.0", 1024);
	struct probe_engine *e;

	(void)state;
	config.rate = 100000;
	w->refuse_until = 500;
	e = engine_of(&config);
	run(w, e);
	for (unsigned i = 0; i < 1024; i++) {
		assert_int_equal(w->truths[i].n_sent, 1);
		assert_int_equal(w->truths[i].n_answered, 1);
	}
	assert_int_equal(probe_engine_account(e).held, 500);
	assert_int_equal(probe_engine_account(e).sent, 1024);
	assert_true(w->last_send_ns - w->first_send_ns > 11 * NS_PER_MS);
	probe_engine_free(e);
	world_free(w);
	targets_free(targets);
}

static void test_full_queues_in_bursts(void **state)
{
	struct targets *targets = targets_of("10.0.0.0/28");
	struct probe_config config = config_of(targets);
	struct world *w = world_new("10.0.0.0", 16);
	struct probe_engine *e;

	(void)state;
	config.lanes = &ping_lane;
	config.count = 4;
	config.interval_ns = 10 * NS_PER_MS;
	w->refuse_until = 30;
	e = engine_of(&config);
	run(w, e);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(w->truths[i].n_answered, 4);
	assert_int_equal(probe_engine_account(e).sent, 64);
	probe_engine_free(e);
	world_free(w);
	targets_free(targets);
}

/* ARP first; ICMP only to those that answered it; what has no route fails. */
static void test_lane_after_another(void **state)
{
	static const struct probe_lane lanes[] = { { .module = &probe_ns },
						   { .module = &probe_arp },
						   { .module = &probe_icmp, .after = 3 } };
	struct targets *targets = targets_of("10.0.0.0/24");
	struct probe_config config = config_of(targets);
	struct world *w = world_new("10.0.0.0", 256);
	struct probe_engine *e;

	(void)state;
	config.lanes = lanes;
	config.n_lanes = 3;
	for (unsigned i = 0; i < 256; i++)
		w->truths[i].there = i % 4 == 0;
	e = engine_of(&config);
	run(w, e);
	for (unsigned i = 0; i < 256; i++) {
		const struct truth *t = &w->truths[i];

		if (i == 99) {
			assert_int_equal(t->n_failed, 3);
			continue;
		}
		assert_int_equal(t->n_sent, 2);
		assert_int_equal(t->n_answered, t->there ? 2 : 0);
		assert_int_equal(t->n_silent, t->there ? 0 : 1);
	}
	assert_int_equal(probe_engine_account(e).skipped, 255 + 256 - 64 - 1);
	probe_engine_free(e);
	world_free(w);
	targets_free(targets);
}

static void test_connections_are_bounded(void **state)
{
	static const uint16_t ports[] = { 80, 443 };
	static const struct probe_lane lane = { .module = &probe_tcp,
						.ports = ports,
						.n_ports = 2 };
	struct targets *targets = targets_of("10.0.0.0/24");
	struct probe_config config = config_of(targets);
	struct probe_send sends[64];
	struct world *w = world_new("10.0.0.0", 256);
	struct probe_engine *e;

	(void)state;
	config.lanes = &lane;
	config.rate = PROBE_RATE_MAX;
	config.max_connects = 10;
	e = engine_of(&config);
	assert_int_equal(probe_engine_output(e, w->now_ns, sends, 64), 10);
	assert_int_equal(probe_engine_output(e, w->now_ns, sends + 10, 54), 0);
	for (unsigned i = 0; i < 10; i++)
		answer(w, &sends[i]);
	run(w, e);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(w->truths[i].n_answered, 2);
	probe_engine_free(e);
	world_free(w);
	targets_free(targets);
}

/* 2^48 probes: their number, their ends, and a run at the far end of a shard. */
static void test_all_of_ipv4(void **state)
{
	static uint16_t ports[65536];
	struct probe_lane lane = { .module = &probe_syn, .ports = ports, .n_ports = 65536 };
	struct probe_config config = { .lanes = &lane,
				       .n_lanes = 1,
				       .timeout_ns = NS_PER_MS,
				       .rate = PROBE_RATE_MAX,
				       .n_source_ports = 1,
				       .route = route,
				       .max_slots = 64,
				       .last_pass = true };
	struct probe_engine *e;
	struct probe_send send;

	(void)state;
	for (unsigned i = 0; i < 65536; i++)
		ports[i] = (uint16_t)i;
	config.targets = targets_new();
	assert_int_equal(targets_parse((struct targets *)config.targets, "0.0.0.0/0", NULL), 0);
	assert_int_equal(targets_seal((struct targets *)config.targets), 0);
	config.n_shards = 1000;
	config.shard = 655;
	config.first_place = (UINT64_C(1) << 48) - 1500;
	assert_int_equal(probe_engine_new(&config, START_NS, &e), 0);
	assert_true(probe_engine_n_places(e) == UINT64_C(1) << 48);
	/* 2^48 = 656 modulo 1000: the last place is of shard 655, and the one before it. */
	assert_int_equal(probe_engine_account(e).total, 2);
	assert_true(probe_engine_place(e) == (UINT64_C(1) << 48) - 1001);
	for (unsigned i = 0; i < 2; i++) {
		struct probe_pair pair = probe_engine_planned(e, probe_engine_place(e));

		assert_int_equal(probe_engine_output(e, START_NS + i * NS_PER_MS, &send, 1), 1);
		assert_true(addr_eq(&send.target, &pair.target));
		assert_int_equal(send.port, pair.port);
	}
	assert_int_equal(probe_engine_output(e, START_NS + NS_PER_S, &send, 1), 0);
	probe_engine_free(e);
	targets_free((struct targets *)config.targets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dry_runs),
		cmocka_unit_test(test_size_limits),
		cmocka_unit_test(test_all_of_ipv4),
		cmocka_unit_test(test_sweeps),
		cmocka_unit_test(test_few_slots),
		cmocka_unit_test(test_recall_estimate),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_interval_is_kept),
		cmocka_unit_test(test_endless_until_stopped),
		cmocka_unit_test(test_rate_is_a_ceiling),
		cmocka_unit_test(test_full_queues),
		cmocka_unit_test(test_full_queues_in_bursts),
		cmocka_unit_test(test_lane_after_another),
		cmocka_unit_test(test_connections_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
