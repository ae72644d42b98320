/* Scans in virtual time of which more is in flight than the table of slots holds. */
#include "probe/scan_world_test.h"

#include <errno.h>

#define N_PAIRS (1u << 16)
#define N_SLOTS 1000

/* What a scan of 2^14 targets with 4 ports has come to. */
struct result {
	struct truth truths[N_PAIRS];
	struct probe_account account;
	uint64_t took_ns;
};

struct how {
	uint32_t max_slots, retries, n_udp; /* so many of the ports */
	bool last_pass;
	struct world world; /* its habits */
	uint64_t rate;	    /* 0: 100,000 */
};

static struct result scan(const struct how *how)
{
	struct world *w = world_new("10.0.0.0", N_PAIRS / 4, 4);
	struct scan s = scan_of(w, &fake_syn);
	struct probe_engine *e;
	struct result r;

	w->there_every = how->world.there_every;
	w->loss = how->world.loss;
	w->bears = how->world.bears;
	w->queue = how->world.queue;
	w->narrow_prefix = how->world.narrow_prefix;
	w->prohibited_every = how->world.prohibited_every;
	w->unsent_every = how->world.unsent_every;
	w->unsent_err = how->world.unsent_err;
	w->no_hop_every = how->world.no_hop_every;
	w->hop_after_ns = how->world.hop_after_ns;
	s.config.max_slots = how->max_slots;
	s.config.rate = how->rate ? how->rate : 100000;
	s.config.retries = how->retries;
	s.config.last_pass = how->last_pass;
	s.lanes[0].n_ports -= how->n_udp;
	s.lanes[1] = (struct probe_lane){ .module = &fake_udp,
					  .ports = s.ports + s.lanes[0].n_ports,
					  .n_ports = how->n_udp };
	s.config.n_lanes = how->n_udp ? 2 : 1;
	e = scan_engine(&s);
	world_run(w, e);
	assert_int_equal(probe_engine_unresolved(e, NULL, 0), 0);
	memcpy(r.truths, w->truths, sizeof(r.truths));
	r.account = probe_engine_account(e);
	r.took_ns = w->now_ns - START_NS;
	probe_engine_free(e);
	scan_done(&s);
	return r;
}

/* Each pair is told once, as it is: of silent ones after all their tries and no more. */
static void check_truths(const struct how *how, const struct result *r)
{
	uint32_t n_tries = 1 + how->retries, n_answered = 0, n_silent = 0;

	for (unsigned i = 0; i < N_PAIRS; i++) {
		const struct truth *t = &r->truths[i];

		assert_int_equal(t->n_answered + t->n_silent + t->n_failed, 1);
		assert_int_equal(t->n_answered, t->n_delivered > 0);
		if (t->n_silent)
			assert_in_range(t->n_sent, n_tries, n_tries + how->last_pass);
		n_answered += t->n_answered;
		n_silent += t->n_silent;
	}
	assert_int_equal(r->account.answered + r->account.errors, n_answered);
	assert_int_equal(r->account.silent, n_silent);
}

/* Without losses the same is found as with slots for all, in hardly more time; not so by waiting.
 */
static void test_same_as_with_slots(void **state)
{
	struct how how = { .retries = 2, .last_pass = true, .world = { .there_every = 2 } };
	struct result twin = scan(&how), r;

	(void)state;
	how.max_slots = N_SLOTS;
	r = scan(&how);
	check_truths(&how, &r);
	for (unsigned i = 0; i < N_PAIRS; i++) {
		assert_int_equal(r.truths[i].n_answered, twin.truths[i].n_answered);
		assert_int_equal(r.truths[i].n_sent, twin.truths[i].n_sent);
	}
	assert_int_equal(twin.account.untracked, 0);
	assert_int_equal(r.account.sent, twin.account.sent);
	assert_true(r.account.untracked > r.account.sent / 2);
	assert_true(r.account.stateless > 0);
	assert_int_equal(r.account.brakes[PROBE_BRAKE_TABLE], 0);
	assert_true(r.account.recall == 1);
	assert_true(r.took_ns < twin.took_ns + 3 * NS_PER_S);
	/* Half of them hold a slot for three tries. */
	assert_true(r.took_ns * 10 < N_PAIRS / 2 * (2 * NS_PER_S / N_SLOTS));
}

static void test_losses(void **state)
{
	static const struct how hows[] = {
		{ 1, 2, 0, true, { .there_every = 2, .loss = 0.05 } },
		{ N_SLOTS, 2, 0, true, { .there_every = 2, .loss = 0.05 } },
		{ N_SLOTS, 1, 0, false, { .there_every = 1, .loss = 0.3 } },
		{ N_SLOTS, 3, 0, false, { .there_every = 3, .loss = 0.5 } },
		{ N_SLOTS, 0, 0, true, { .there_every = 2, .loss = 0.1 } },
		{ N_SLOTS, 0, 0, false, { .there_every = 2, .loss = 0.1 } },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(hows); i++) {
		struct result r = scan(&hows[i]);
		uint32_t n_there = 0, n_found = 0;
		double recall;

		check_truths(&hows[i], &r);
		for (unsigned p = 0; p < N_PAIRS; p++) {
			n_there += p / 4 % hows[i].world.there_every == 0;
			n_found += r.truths[p].n_answered;
		}
		recall = (double)n_found / n_there;
		assert_true(r.account.untracked > 0);
		if (!hows[i].retries)
			assert_true(r.account.recall == -1);
		else
			assert_true(r.account.recall > recall - 0.01 &&
				    r.account.recall < recall + 0.01);
	}
}

/* An ICMP error is an answer, too. */
static void test_errors(void **state)
{
	struct how how = { N_SLOTS, 2, 0, true, { .there_every = 2, .prohibited_every = 4 } };
	struct result r = scan(&how);

	(void)state;
	check_truths(&how, &r);
	assert_int_equal(r.account.errors, N_PAIRS / 4);
	assert_int_equal(r.account.answered, N_PAIRS / 4);
}

/* What could not leave does so later, or is told as failed, with or without a slot. */
static void test_unsent(void **state)
{
	struct how how = {
		N_SLOTS, 2, 0, true, { .there_every = 2, .unsent_every = 7, .unsent_err = -ENOBUFS }
	};
	struct result r = scan(&how);

	(void)state;
	check_truths(&how, &r);
	assert_true(r.account.held > 0);
	assert_int_equal(r.account.answered, N_PAIRS / 2);
	how.world.unsent_err = -EPERM;
	how.world.unsent_every = 501;
	r = scan(&how);
	check_truths(&how, &r);
	/* Those that could not leave with a slot either, and they alone. */
	assert_in_range(r.account.failed, 1, r.account.sent / 501 + 1);
	assert_int_equal(r.account.answered + r.account.silent + r.account.failed, N_PAIRS);
}

/* What must wait for its next hop waits for a slot first. */
static void test_next_hops(void **state)
{
	struct how how = {
		N_SLOTS,
		1,
		0,
		true,
		{ .there_every = 1, .no_hop_every = 4, .hop_after_ns = 300 * NS_PER_MS }
	};
	struct result r = scan(&how);

	(void)state;
	check_truths(&how, &r);
	assert_int_equal(r.account.answered, N_PAIRS);
}

/* A narrow /24 is slowed alone; its pairs, left for later rounds, have all their tries. */
static void test_narrow_prefix(void **state)
{
	struct how how = {
		.max_slots = 8 * N_SLOTS,
		.retries = 2,
		.rate = 20000,
		.last_pass = true,
		.world = { .there_every = 2, .bears = 200, .queue = 4, .narrow_prefix = 20 }
	};
	struct result r = scan(&how);
	unsigned n_missed = 0, at = (how.world.narrow_prefix - 1) * 1024;

	(void)state;
	for (unsigned i = 0; i < N_PAIRS; i++) {
		if (i / 1024 != at / 1024)
			assert_int_equal(r.truths[i].n_answered, i / 4 % 2 == 0);
		else
			n_missed += i / 4 % 2 == 0 && !r.truths[i].n_answered;
	}
	assert_true(n_missed < 10);
	assert_int_equal(r.account.brakes[PROBE_BRAKE_PREFIX], 1);
	assert_true(r.took_ns < 30 * NS_PER_S);
}

/* UDP answers tell nothing of their probes: these wait for slots. */
static void test_beside_udp(void **state)
{
	struct how how = { 20 * N_SLOTS, 1, 1, true, { .there_every = 2 } };
	struct result r = scan(&how);

	(void)state;
	check_truths(&how, &r);
	assert_int_equal(r.account.answered, N_PAIRS / 2);
	assert_true(r.account.untracked > 0);
	assert_true(r.account.brakes[PROBE_BRAKE_TABLE] > 0);
}

/* Stopped and taken up again in parts, until nothing is left: every pair is told once. */
static void check_parts(struct random *random)
{
	struct world *w = world_new("10.0.0.0", 1 + (uint32_t)random_below(random, 400), 8);
	struct scan s = scan_of(w, &fake_syn);
	uint64_t n_pairs = w->n_targets * 8, *left = NULL, n_runs = 0, shard;

	w->there_every = 2;
	w->loss = random_below(random, 3) / 10.0;
	w->unsent_every = random_below(random, 2) ? 2 + (uint32_t)random_below(random, 30) : 0;
	w->unsent_err = -ENOBUFS;
	s.config.max_slots = 1 + (uint32_t)random_below(random, 100);
	s.config.retries = (uint32_t)random_below(random, 3);
	s.config.last_pass = random_below(random, 2);
	s.config.seed = random_u64(random);
	s.config.n_shards = 1 + random_below(random, 3);
	s.config.timeout_ns = 200 * NS_PER_MS;
	for (shard = 0; shard < s.config.n_shards; n_runs++) {
		struct probe_engine *e;
		uint64_t *now_left;
		size_t n;

		s.config.shard = shard;
		e = scan_engine(&s);
		w->stop_after = w->n_sends + 200 * (2 + n_runs);
		world_run(w, e);
		w->head = w->tail; /* what comes in between is lost */
		n = probe_engine_unresolved(e, NULL, 0);
		now_left = calloc(n + 1, sizeof(*left));
		assert_int_equal(probe_engine_unresolved(e, now_left, n), n);
		free(left);
		left = now_left;
		s.config.first_place = probe_engine_place(e);
		s.config.again = left;
		s.config.n_again = n;
		probe_engine_free(e);
		if (n || s.config.first_place < n_pairs)
			continue;
		shard++;
		s.config.first_place = 0;
	}
	free(left);
	for (unsigned i = 0; i < n_pairs; i++)
		assert_int_equal(w->truths[i].n_answered + w->truths[i].n_silent, 1);
	scan_done(&s);
}

static void test_parts(void **state)
{
	struct random random = random_of(5);

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		check_parts(&random);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_with_slots),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_unsent),
		cmocka_unit_test(test_next_hops),
		cmocka_unit_test(test_narrow_prefix),
		cmocka_unit_test(test_beside_udp),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
