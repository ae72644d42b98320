/*
 * Scans in virtual time: that every pair is probed exactly as often as planned, in parts, resumed
 * and asked again; and that the engine finds the pace that a network bears.
 */
#include "probe/scan_world_test.h"

/* Shards beside each other, silence everywhere: each pair as often as it has tries. */
static void check_coverage(struct random *random)
{
	uint32_t n_targets = 1 + (uint32_t)random_below(random, 300);
	uint32_t n_ports = 1 + (uint32_t)random_below(random, 20);
	struct world *w = world_new("255.255.254.0", n_targets, n_ports);
	struct scan s = scan_of(w, &fake_syn);
	uint64_t n_pairs = (uint64_t)n_targets * n_ports, n_planned = 0, total = 0;

	w->first_port = random_below(random, 2) ? 65536 - n_ports : 0;
	for (uint32_t i = 0; i < n_ports; i++)
		s.ports[i] = (uint16_t)(w->first_port + i);
	s.config.retries = (uint32_t)random_below(random, 4);
	s.config.n_shards = 1 + random_below(random, 7);
	s.config.seed = random_u64(random);
	s.config.max_slots = 1 + (uint32_t)random_below(random, 500);
	for (s.config.shard = 0; s.config.shard < s.config.n_shards; s.config.shard++) {
		struct probe_engine *e = scan_engine(&s);

		for (uint64_t p = s.config.shard; p < n_pairs; p += s.config.n_shards) {
			struct probe_pair pair = probe_engine_planned(e, p);

			/* Counted down again below. */
			world_truth(w, &pair.target, pair.port)->n_late++;
			n_planned++;
		}
		total += probe_engine_account(e).total;
		w->now_ns = START_NS;
		world_run(w, e);
		assert_int_equal(probe_engine_place(e), n_pairs);
		probe_engine_free(e);
	}
	assert_int_equal(n_planned, n_pairs);
	assert_int_equal(total, n_pairs);
	for (uint64_t i = 0; i < n_pairs; i++) {
		assert_int_equal(w->truths[i].n_sent, 1 + s.config.retries);
		assert_int_equal(w->truths[i].n_silent, 1);
		assert_int_equal(w->truths[i].n_late, 1);
	}
	scan_done(&s);
}

static void test_coverage(void **state)
{
	struct random random = random_of(11);

	(void)state;
	for (unsigned i = 0; i < 60; i++)
		check_coverage(&random);
}

/* Stopped and taken up again, until nothing is left: every pair is told once. */
static void check_resuming(double loss, bool last_pass)
{
	struct world *w = world_new("10.0.0.0", 256, 8);
	struct scan s = scan_of(w, &fake_syn);
	uint64_t *left = NULL, n_runs = 0;
	bool done;

	w->there_every = 2;
	w->loss = loss;
	s.config.last_pass = last_pass;
	s.config.rate = 500;
	s.config.timeout_ns = 200 * NS_PER_MS;
	do {
		struct probe_engine *e = scan_engine(&s);
		uint64_t *now_left;
		size_t n;

		w->stop_after = w->n_sends + 500 * (2 + n_runs);
		world_run(w, e);
		w->head = w->tail; /* what comes in between is lost */
		n = probe_engine_unresolved(e, NULL, 0);
		now_left = calloc(n + 1, sizeof(*left));
		assert_int_equal(probe_engine_unresolved(e, now_left, n), n);
		free(left);
		left = now_left;
		s.config.first_place = probe_engine_place(e);
		done = !n && s.config.first_place == probe_engine_n_places(e);
		probe_engine_free(e);
		s.config.again = left;
		s.config.n_again = n;
		assert_true(++n_runs < 100);
	} while (!done);
	free(left);
	assert_true(n_runs > 2);
	for (unsigned i = 0; i < 256 * 8; i++) {
		const struct truth *t = &w->truths[i];

		assert_int_equal(t->n_answered + t->n_silent, 1);
		if (!loss)
			assert_int_equal(t->n_answered, i / 8 % 2 == 0);
	}
	scan_done(&s);
}

static void test_resuming(void **state)
{
	(void)state;
	check_resuming(0, false);
	check_resuming(0.1, false);
	check_resuming(0.1, true);
}

/* What was silent is asked once more when losses were seen, and only then. */
static void check_last_pass(double loss)
{
	struct world *w = world_new("10.0.0.0", 1024, 4);
	struct scan s = scan_of(w, &fake_syn);
	struct probe_account a;
	struct probe_engine *e;

	w->there_every = 2;
	w->loss = loss;
	s.config.retries = 1;
	s.config.last_pass = true;
	e = scan_engine(&s);
	world_run(w, e);
	for (unsigned i = 0; i < 4096; i++) {
		const struct truth *t = &w->truths[i];

		assert_int_equal(t->n_answered + t->n_silent, 1);
		assert_int_equal(t->n_answered, t->n_delivered > 0);
		if (!(i / 4 % 2 == 0))
			assert_int_equal(t->n_sent, loss > 0 ? 3 : 2);
	}
	a = probe_engine_account(e);
	assert_int_equal(a.answered + a.silent, 4096);
	assert_int_equal(a.again > 0, loss > 0);
	if (loss > 0) {
		assert_in_range(a.again, 2048, 2048 + 300);
		assert_in_range(a.again_found, 1, a.again - 2048);
		assert_true(a.recall > a.answered / 2048.0 - 0.02 &&
			    a.recall < a.answered / 2048.0 + 0.02);
	} else {
		assert_true(a.recall == 1);
	}
	probe_engine_free(e);
	scan_done(&s);
}

static void test_last_pass(void **state)
{
	(void)state;
	check_last_pass(0);
	check_last_pass(0.3);
}

/* A network that bears less than is allowed: the pace comes down to it, and nobody is missed. */
static void check_narrow(uint32_t bears, uint32_t there_every, uint64_t rate)
{
	struct world *w = world_new("10.0.0.0", 1u << 16, 2);
	struct scan s = scan_of(w, &fake_syn);
	unsigned n_answered = 0;
	struct probe_account a;
	struct probe_engine *e;

	w->there_every = there_every;
	w->bears = bears;
	w->queue = bears / 50;
	s.config.rate = rate;
	s.config.last_pass = true;
	e = scan_engine(&s);
	world_run(w, e);
	for (unsigned i = 0; i < 1u << 17; i++)
		n_answered += w->truths[i].n_answered;
	a = probe_engine_account(e);
	assert_int_equal(n_answered, (1u << 17) / there_every);
	/* Not many were lost on the way to that, and none when it had been found. */
	assert_true(w->n_dropped < w->n_sends / 8);
	assert_true(a.rate > bears / 2);
	assert_true(a.brakes[PROBE_BRAKE_LOSS] > 0);
	probe_engine_free(e);
	scan_done(&s);
}

static void test_narrow_network(void **state)
{
	(void)state;
	check_narrow(60000, 2, 1000000);
	check_narrow(30000, 2, PROBE_RATE_MAX);
	check_narrow(60000, 1, 1000000);
}

struct line {
	uint32_t bears, queue;
	double loss;
	uint64_t rate;
	uint64_t limit_s;
};

/* All hosts behind a line that bears less than the pace begins at; half of them are there. */
static void check_line(const struct line *line)
{
	struct world *w = world_new("10.0.0.0", 1024, 4);
	struct scan s = scan_of(w, &fake_syn);
	unsigned n_missed = 0;
	struct probe_account a;
	struct probe_engine *e;

	w->there_every = 2;
	w->bears = line->bears;
	w->queue = line->queue;
	w->loss = line->loss;
	s.config.rate = line->rate;
	s.config.spacing_ns = 100 * NS_PER_MS;
	s.config.last_pass = true;
	e = scan_engine(&s);
	world_run(w, e);
	for (unsigned i = 0; i < 4096; i++)
		n_missed += i / 4 % 2 == 0 && !w->truths[i].n_answered;
	a = probe_engine_account(e);
	assert_true(n_missed <= 4); /* of 2,048 */
	assert_true(a.recall > 0.9);
	assert_true(a.brakes[PROBE_BRAKE_LOSS] > 0);
	assert_true(w->now_ns - START_NS < line->limit_s * NS_PER_S);
	probe_engine_free(e);
	scan_done(&s);
}

static void test_narrow_line(void **state)
{
	/* Three tries of each, and a last pass, would take some 14,000 probes at what it bears. */
	static const struct line lines[] = { { 100, 2, 0.05, 1000, 200 },
					     { 100, 20, 0, 1000, 200 },
					     { 200, 20, 0.05, 1000, 100 },
					     { 500, 20, 0.05, 1000, 50 },
					     { 500, 20, 0.05, 2000, 100 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
		check_line(&lines[i]);
}

/* A loss that does not depend on the pace does not slow it; default retries find nearly all. */
static void test_constant_loss(void **state)
{
	struct world *w = world_new("10.0.0.0", 1u << 16, 2);
	struct scan s = scan_of(w, &fake_syn);
	unsigned n_answered = 0;
	struct probe_account a;
	struct probe_engine *e;

	(void)state;
	w->there_every = 2;
	w->loss = 0.05;
	s.config.rate = 100000;
	s.config.last_pass = true;
	e = scan_engine(&s);
	world_run(w, e);
	for (unsigned i = 0; i < 1u << 17; i++)
		n_answered += w->truths[i].n_answered;
	a = probe_engine_account(e);
	assert_true(n_answered >= (1u << 16) * 0.999);
	assert_int_equal(a.brakes[PROBE_BRAKE_LOSS], 0);
	assert_true(a.recall > 0.999);
	probe_engine_free(e);
	scan_done(&s);
}

/*
 * 64 /24s, of which one bears less (@how->bears), or loses more (@how->own_loss). Return: @how with
 * what came of it, without tables.
 */
static struct world scan_prefixes(struct world how)
{
	struct world *w = world_new("10.0.0.0", 64 * 256, 8), result;
	struct scan s = scan_of(w, &fake_syn);
	struct probe_engine *e;

	w->there_every = how.there_every;
	w->dead_every = how.dead_every;
	w->loss = how.loss;
	w->own_loss = how.own_loss;
	w->bears = how.bears;
	w->queue = how.bears / 50;
	w->narrow_prefix = 20;
	s.config.rate = 50000;
	s.config.last_pass = true;
	e = scan_engine(&s);
	world_run(w, e);
	result = *w;
	for (unsigned i = 0; i < MAX_PAIRS; i++) {
		result.n_missed += world_is_there(w, i / 8) && !w->truths[i].n_answered;
		result.n_missed_narrow += i / 2048 + 1 == w->narrow_prefix &&
					  world_is_there(w, i / 8) && !w->truths[i].n_answered;
		result.n_narrow += i / 2048 + 1 == w->narrow_prefix ? w->truths[i].n_sent : 0;
	}
	result.n_slowed = probe_engine_account(e).brakes[PROBE_BRAKE_PREFIX];
	probe_engine_free(e);
	scan_done(&s);
	return result;
}

/* It is slowed to what it bears, nobody is missed, and the others go on as without it. */
static void test_narrow_prefix(void **state)
{
	static const struct world how[] = { { .there_every = 1, .bears = 200 },
					    { .there_every = 2, .bears = 200 },
					    { .there_every = 8, .bears = 400 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(how); i++) {
		struct world is = scan_prefixes(how[i]), wide;
		uint64_t needs_ns = is.n_narrow * NS_PER_S / is.bears;

		wide = scan_prefixes((struct world){ .there_every = how[i].there_every });
		assert_int_equal(is.n_slowed, 1);
		assert_int_equal(wide.n_slowed + wide.n_missed, 0);
		assert_true(is.n_missed * 10000 <= MAX_PAIRS / is.there_every);
		assert_true(is.n_dropped < is.n_narrow / 3);
		assert_true(is.now_ns - START_NS < needs_ns / 2 * 3 + 6 * NS_PER_S);
		assert_true(is.others_ns - START_NS < (wide.others_ns - START_NS) / 20 * 21);
	}
}

/* A line of a few packets a second that loses some besides: nobody behind it is missed. */
static void test_narrow_and_lossy_prefix(void **state)
{
	static const struct world how[] = { { .there_every = 1, .bears = 100, .loss = 0.05 },
					    { .there_every = 2, .bears = 100, .loss = 0.05 },
					    { .there_every = 2, .bears = 200, .loss = 0.05 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(how); i++) {
		struct world is = scan_prefixes(how[i]);

		assert_int_equal(is.n_missed_narrow, 0);
		assert_true(is.n_missed * 10000 <= MAX_PAIRS / how[i].there_every);
		assert_true(is.now_ns - START_NS < 2 * is.n_narrow * NS_PER_S / is.bears);
	}
}

/* Losses everywhere, or nobody there, slow none; losses of its own do not for long. */
static void test_prefixes_not_slowed(void **state)
{
	(void)state;
	assert_false(scan_prefixes((struct world){ .there_every = 2, .loss = 0.05 }).n_slowed);
	assert_false(scan_prefixes((struct world){ .there_every = 2, .loss = 0.3 }).n_slowed);
	assert_false(scan_prefixes((struct world){ .there_every = 2, .dead_every = 2 }).n_slowed);
	assert_true(scan_prefixes((struct world){ .there_every = 2, .own_loss = 0.3 }).now_ns <
		    START_NS + 40 * NS_PER_S);
}

/*
 * What looks like a setback but is none: this machine stands still for a while, so that answers are
 * late; a firewall begins to drop all from some. The pace comes back at once.
 */
static void check_no_setback(uint64_t still_ns, bool blocks)
{
	struct world *w = world_new("10.0.0.0", 1u << 16, 2);
	struct scan s = scan_of(w, &fake_syn);
	struct probe_account a;
	struct probe_engine *e;

	w->there_every = 2;
	w->still_ns = START_NS + 400 * NS_PER_MS;
	w->still_until_ns = w->still_ns + still_ns;
	w->block_ns = blocks ? START_NS + 400 * NS_PER_MS : 0;
	s.config.rate = 100000;
	e = scan_engine(&s);
	world_run(w, e);
	a = probe_engine_account(e);
	assert_int_equal(a.brakes[PROBE_BRAKE_LOSS], blocks ? 1 : 0);
	assert_true(a.rate > 70000);
	if (!blocks)
		assert_int_equal(a.answered, 1u << 16);
	probe_engine_free(e);
	scan_done(&s);
}

static void test_no_setback(void **state)
{
	(void)state;
	check_no_setback(0, false);
	check_no_setback(250 * NS_PER_MS, false);
	check_no_setback(0, true);
}

/* Closed UDP ports of hosts that send one ICMP error a second: all are told closed. */
static void test_icmp_limit(void **state)
{
	struct world *w = world_new("10.0.0.0", 4, 100);
	struct scan s = scan_of(w, &fake_udp);
	struct probe_account a;
	struct probe_engine *e;

	(void)state;
	w->there_every = 2; /* the others are silent, and soon done with */
	w->udp_closed = true;
	s.config.rate = 1000;
	s.config.last_pass = true;
	e = scan_engine(&s);
	world_run(w, e);
	for (unsigned i = 0; i < 400; i++) {
		bool there = i / 100 % 2 == 0;

		assert_int_equal(w->truths[i].n_answered, there);
		assert_int_equal(w->truths[i].n_silent, !there);
		assert_in_range(w->truths[i].n_sent, 1, 5);
	}
	a = probe_engine_account(e);
	assert_int_equal(a.errors, 200);
	assert_int_equal(a.brakes[PROBE_BRAKE_ICMP], 2);
	/* Not slower than the hosts are. */
	assert_true(w->now_ns - START_NS < 150 * NS_PER_S);
	probe_engine_free(e);
	scan_done(&s);
}

/* Next hops that are asked first: probes wait, and fail when the time-out is over. */
static void check_next_hops(uint64_t after_ns, bool come)
{
	struct world *w = world_new("10.0.0.0", 256, 2);
	struct scan s = scan_of(w, &fake_syn);
	struct probe_engine *e;

	w->there_every = 1;
	w->no_hop_every = 4;
	w->hop_after_ns = after_ns;
	e = scan_engine(&s);
	world_run(w, e);
	for (unsigned i = 0; i < 512; i++) {
		bool waits = i / 2 % 4 == 0;

		assert_int_equal(w->truths[i].n_answered, !waits || come);
		assert_int_equal(w->truths[i].n_failed, waits && !come);
		assert_int_equal(w->truths[i].n_sent, !waits || come);
	}
	probe_engine_free(e);
	scan_done(&s);
}

/*
 * Next hops that have to be asked for again in the middle of a slow run: no probe fails, and those
 * that ask take no more turns than they have.
 */
static void check_lost_hops(void)
{
	struct world *w = world_new("10.0.0.0", 1024, 2);
	struct scan s = scan_of(w, &fake_syn);
	struct probe_engine *e;

	w->there_every = 2;
	w->bears = 100;
	w->queue = 20;
	w->gone_ns = START_NS + 6 * NS_PER_S;
	w->back_ns = w->gone_ns + 300 * NS_PER_MS;
	s.config.rate = 1000;
	e = scan_engine(&s);
	world_run(w, e);
	assert_in_range(w->now_ns, w->back_ns, START_NS + 40 * NS_PER_S);
	assert_int_equal(probe_engine_account(e).failed, 0);
	probe_engine_free(e);
	scan_done(&s);
}

static void test_next_hops(void **state)
{
	(void)state;
	check_lost_hops();
	check_next_hops(300 * NS_PER_MS, true);
	check_next_hops(60 * NS_PER_S, false);
}

/* A cookie proves its own probe only; and is known when its slot serves another. */
static void test_cookies(void **state)
{
	struct world *w = world_new("10.0.0.0", 512, 1);
	struct scan s = scan_of(w, &fake_syn);
	struct probe_packet packet = { .via = PROBE_VIA_IP, .len = sizeof(struct wire) };
	struct wire wires[2];
	struct probe_send sends[2];
	struct probe_event event;
	struct probe_engine *e;

	(void)state;
	s.config.max_slots = 2;
	e = scan_engine(&s);
	w->now_ns += NS_PER_S;
	assert_int_equal(probe_engine_output(e, w->now_ns, sends, 2), 2);
	for (unsigned i = 0; i < 2; i++)
		memcpy(&wires[i], sends[i].data, sizeof(wires[i]));
	packet.data = &wires[0];
	packet.rx_ns = w->now_ns;
	wires[0].cookie ^= 1;
	assert_int_equal(probe_engine_input(e, w->now_ns, &packet, &event), 0);
	wires[0].cookie ^= 1;
	wires[0].source_port--; /* from where no try leaves */
	assert_int_equal(probe_engine_input(e, w->now_ns, &packet, &event), 0);
	wires[0].source_port++;
	assert_int_equal(probe_engine_input(e, w->now_ns, &packet, &event), 1);
	assert_int_equal(event.outcome, PROBE_ANSWERED);
	assert_int_equal(event.try, 0);
	packet.data = &wires[1];
	world_run(w, e); /* the others, all silent */
	packet.rx_ns = w->now_ns;
	assert_int_equal(probe_engine_input(e, w->now_ns, &packet, &event), 1);
	assert_int_equal(event.outcome, PROBE_LATE);
	assert_true(event.target_index == UINT64_MAX);
	assert_int_equal(probe_engine_account(e).stateless, 1);
	probe_engine_free(e);
	scan_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_resuming),
		cmocka_unit_test(test_last_pass),
		cmocka_unit_test(test_narrow_network),
		cmocka_unit_test(test_narrow_prefix),
		cmocka_unit_test(test_prefixes_not_slowed),
		cmocka_unit_test(test_narrow_line),
		cmocka_unit_test(test_narrow_and_lossy_prefix),
		cmocka_unit_test(test_constant_loss),
		cmocka_unit_test(test_no_setback),
		cmocka_unit_test(test_icmp_limit),
		cmocka_unit_test(test_next_hops),
		cmocka_unit_test(test_cookies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
