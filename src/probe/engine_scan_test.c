/*
 * Scans in virtual time: that every pair is probed exactly as often as planned, in parts, resumed
 * and asked again; and that the engine finds the pace that a network bears. The modules are made
 * up: a probe says whom it is for, and its answer says the same.
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

#define START_NS  (1000 * NS_PER_S)
#define MAX_PAIRS (1u << 17)
#define RING	  (1u << 17) /* answers on their way */
#define BASE_PORT 40000
#define DELAY_NS  (4 * NS_PER_MS)
#define NEVER	  UINT64_MAX

struct wire {
	uint32_t target; /* IPv4 */
	uint16_t port, source_port;
	uint32_t cookie;
};

struct answer {
	struct wire wire;
	uint64_t at_ns;
	bool error; /* ICMP: port unreachable */
};

/* What happened to one pair. */
struct truth {
	uint8_t n_sent, n_delivered, n_answered, n_silent, n_late, n_failed;
};

struct world {
	struct random random;
	uint64_t now_ns;
	uint32_t first, n_targets, first_port, n_ports;
	struct truth *truths;

	double loss;			       /* of each probe */
	uint32_t there_every;		       /* each so many-th target answers; 0: none */
	uint32_t bears;			       /* a second; 0: any */
	uint32_t queue;			       /* so many wait where it is narrow */
	uint64_t narrow_ns;		       /* when the last of the queue leaves */
	uint32_t narrow_prefix;		       /* only that one: 1 + target / 256; 0: all */
	uint64_t others_ns;		       /* the last answer to another */
	double own_loss;		       /* of each probe to that one */
	uint64_t n_slowed, n_missed, n_narrow; /* /24s; pairs; probes to that one */
	uint32_t dead_every; /* in each so many-th /24 nobody is there; 0: in none */
	uint64_t n_dropped, n_sends;
	uint64_t still_ns, still_until_ns; /* what comes in between comes at its end */
	uint64_t block_ns;		   /* from then on every second host is silent; 0: never */
	bool udp_closed; /* each host sends an ICMP error a second, after a burst of 6 */
	double *tokens;
	uint64_t *tokens_ns;
	uint64_t stop_after; /* sends */
	uint32_t no_hop_every;
	uint64_t hop_after_ns;

	struct answer *ring;
	uint32_t head, tail;
};

static size_t fake_write(const struct probe_shot *shot, uint8_t *buf, size_t cap)
{
	struct wire w = { .port = shot->port,
			  .source_port = shot->source_port,
			  .cookie = shot->cookie };

	memcpy(&w.target, shot->target.bytes, 4);
	if (cap < sizeof(w))
		return 0;
	memcpy(buf, &w, sizeof(w));
	return sizeof(w);
}

static int syn_read(const struct probe_packet *packet, struct probe_answer *ret_answer)
{
	struct wire w;

	if (packet->len != sizeof(w))
		return 0;
	memcpy(&w, packet->data, sizeof(w));
	*ret_answer = (struct probe_answer){ .kind = PROBE_REPLY,
					     .match = PROBE_BY_COOKIE,
					     .target = addr_ip4((const uint8_t *)&w.target),
					     .port = w.port,
					     .source_port = w.source_port,
					     .cookie = w.cookie };
	return 1;
}

static int udp_read(const struct probe_packet *packet, struct probe_answer *ret_answer)
{
	*ret_answer = (struct probe_answer){ .kind = packet->reporter.family ? PROBE_UNREACHABLE
									     : PROBE_REPLY,
					     .match = PROBE_BY_TARGET,
					     .target = packet->from,
					     .responder = packet->reporter,
					     .port = packet->from_port };
	return 1;
}

static const struct probe_module fake_syn = {
	.name = "syn", .via = PROBE_VIA_IP, .write = fake_write, .read = syn_read
};
static const struct probe_module fake_udp = {
	.name = "udp", .via = PROBE_VIA_UDP, .write = fake_write, .read = udp_read
};

static uint32_t number_of(const struct addr *a)
{
	return (uint32_t)addr_number(a);
}

static struct truth *truth_of(struct world *w, const struct addr *target, uint16_t port)
{
	uint32_t t = number_of(target) - w->first, p = port - w->first_port;

	assert_true(t < w->n_targets && p < w->n_ports);
	return &w->truths[t * w->n_ports + p];
}

static struct world *world_new(const char *first, uint32_t n_targets, uint32_t n_ports)
{
	struct world *w = calloc(1, sizeof(*w));
	struct addr a;

	assert_non_null(w);
	assert_int_equal(addr_parse(first, strlen(first), &a, NULL), 0);
	assert_true(n_targets * n_ports <= MAX_PAIRS);
	*w = (struct world){ .random = random_of(7),
			     .now_ns = START_NS,
			     .first = number_of(&a),
			     .n_targets = n_targets,
			     .first_port = 1,
			     .n_ports = n_ports,
			     .truths = calloc(n_targets * n_ports, sizeof(*w->truths)),
			     .ring = calloc(RING, sizeof(*w->ring)),
			     .tokens = calloc(n_targets, sizeof(*w->tokens)),
			     .tokens_ns = calloc(n_targets, sizeof(*w->tokens_ns)),
			     .stop_after = NEVER };
	assert_true(w->truths && w->ring && w->tokens && w->tokens_ns);
	return w;
}

static void world_free(struct world *w)
{
	free(w->truths);
	free(w->ring);
	free(w->tokens);
	free(w->tokens_ns);
	free(w);
}

/* Linux's limit of ICMP errors to one peer. */
static bool token(struct world *w, uint32_t target)
{
	double *tokens = &w->tokens[target];

	if (!w->tokens_ns[target])
		*tokens = 6;
	else
		*tokens += (double)(w->now_ns - w->tokens_ns[target]) / NS_PER_S;
	*tokens = MIN(*tokens, 6.0);
	w->tokens_ns[target] = w->now_ns;
	if (*tokens < 1)
		return false;
	*tokens -= 1;
	return true;
}

/* Return: when it has gone through where the network is narrow; NEVER: its queue is full. */
static uint64_t through(struct world *w, bool is_narrow)
{
	uint64_t each_ns;

	if (!w->bears || !is_narrow)
		return w->now_ns;
	each_ns = NS_PER_S / w->bears;
	w->narrow_ns = MAX(w->narrow_ns, w->now_ns);
	if (w->narrow_ns - w->now_ns > w->queue * each_ns) {
		w->n_dropped++;
		return NEVER;
	}
	return w->narrow_ns += each_ns;
}

static bool is_there(const struct world *w, uint32_t target)
{
	return w->there_every && target % w->there_every == 0 &&
	       (!w->dead_every || target / 256 % w->dead_every);
}

static void world_takes(struct world *w, const struct probe_send *send)
{
	uint32_t target = number_of(&send->target) - w->first;
	struct truth *truth = truth_of(w, &send->target, send->port);
	bool is_narrow = !w->narrow_prefix || target / 256 == w->narrow_prefix - 1;
	uint64_t at_ns = through(w, is_narrow);
	struct answer a = { .error = w->udp_closed };

	w->n_sends++;
	truth->n_sent++;
	if (at_ns == NEVER || !is_there(w, target) || random_unit(&w->random) < w->loss ||
	    (w->own_loss > 0 && is_narrow && random_unit(&w->random) < w->own_loss) ||
	    (w->udp_closed && !token(w, target)))
		return;
	if (w->block_ns && w->now_ns >= w->block_ns && target / 2 % 2)
		return;
	memcpy(&a.wire, send->data, sizeof(a.wire));
	a.at_ns = at_ns + DELAY_NS;
	if (a.at_ns >= w->still_ns)
		a.at_ns = MAX(a.at_ns, w->still_until_ns);
	truth->n_delivered++;
	assert_true(w->tail - w->head < RING);
	w->ring[w->tail++ % RING] = a;
}

static void note(struct world *w, const struct probe_event *event)
{
	struct truth *truth = truth_of(w, &event->target, event->port);

	truth->n_answered += event->outcome == PROBE_ANSWERED;
	truth->n_silent += event->outcome == PROBE_SILENT;
	truth->n_late += event->outcome == PROBE_LATE;
	truth->n_failed += event->outcome == PROBE_FAILED;
}

static void world_answers(struct world *w, struct probe_engine *e)
{
	const struct answer *a = &w->ring[w->head++ % RING];
	struct probe_packet packet = { .via = w->udp_closed ? PROBE_VIA_UDP : PROBE_VIA_IP,
				       .data = &a->wire,
				       .len = sizeof(a->wire),
				       .from = addr_ip4((const uint8_t *)&a->wire.target),
				       .from_port = a->wire.port,
				       .rx_ns = a->at_ns };
	struct probe_event event;

	if (a->error)
		packet.reporter = packet.from;
	if (number_of(&packet.from) / 256 - w->first / 256 + 1 != w->narrow_prefix)
		w->others_ns = w->now_ns;
	if (probe_engine_input(e, w->now_ns, &packet, &event))
		note(w, &event);
}

/* Until the engine is done, or has sent enough. */
static void run(struct world *w, struct probe_engine *e)
{
	struct probe_send sends[64];
	struct probe_event event;

	while (!probe_engine_done(e)) {
		uint64_t deadline_ns;
		size_t n;

		while (probe_engine_next_event(e, w->now_ns, &event))
			note(w, &event);
		while ((n = probe_engine_output(e, w->now_ns, sends, 64)) > 0)
			for (size_t i = 0; i < n; i++)
				world_takes(w, &sends[i]);
		if (w->n_sends >= w->stop_after)
			probe_engine_stop(e);
		deadline_ns = probe_engine_deadline(e);
		if (w->head != w->tail && w->ring[w->head % RING].at_ns <= deadline_ns) {
			w->now_ns = MAX(w->now_ns, w->ring[w->head % RING].at_ns);
			world_answers(w, e);
			continue;
		}
		if (deadline_ns != UINT64_MAX)
			w->now_ns = MAX(w->now_ns + 1, deadline_ns);
	}
}

static int route(void *ctx, const struct addr *target, enum probe_via via,
		 struct probe_link *ret_link)
{
	struct world *w = ctx;

	assert_int_equal(via, PROBE_VIA_IP);
	*ret_link = (struct probe_link){ .ifindex = 7, .on_link = true };
	if (w->no_hop_every && number_of(target) % w->no_hop_every == 0 &&
	    w->now_ns < START_NS + w->hop_after_ns)
		return -EAGAIN;
	return 0;
}

struct scan {
	struct world *world;
	struct targets *targets;
	uint16_t *ports;
	struct probe_lane lane;
	struct probe_config config;
};

static struct scan scan_of(struct world *w, const struct probe_module *module)
{
	struct scan s = { .world = w, .targets = targets_new() };

	s.ports = calloc(w->n_ports, sizeof(*s.ports));
	assert_true(s.targets && s.ports);
	for (uint32_t i = 0; i < w->n_targets; i++) {
		struct addr a = addr_from_number(AF_INET, w->first + i);

		assert_int_equal(targets_add_addr(s.targets, &a), 0);
	}
	assert_int_equal(targets_seal(s.targets), 0);
	for (uint32_t i = 0; i < w->n_ports; i++)
		s.ports[i] = (uint16_t)(w->first_port + i);
	s.lane = (struct probe_lane){ .module = module, .ports = s.ports, .n_ports = w->n_ports };
	s.config = (struct probe_config){ .targets = s.targets,
					  .n_lanes = 1,
					  .timeout_ns = NS_PER_S,
					  .retries = 2,
					  .rate = 100000,
					  .source_port = BASE_PORT,
					  .n_source_ports = 8,
					  .seed = 3,
					  .key = { 1, 2 },
					  .route = route,
					  .route_ctx = w };
	return s;
}

static struct probe_engine *engine_of(struct scan *s)
{
	struct probe_engine *e = NULL;

	s->config.lanes = &s->lane;
	assert_int_equal(probe_engine_new(&s->config, s->world->now_ns, &e), 0);
	return e;
}

static void scan_done(struct scan *s)
{
	targets_free(s->targets);
	free(s->ports);
	world_free(s->world);
}

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
		struct probe_engine *e = engine_of(&s);

		for (uint64_t p = s.config.shard; p < n_pairs; p += s.config.n_shards) {
			struct probe_pair pair = probe_engine_planned(e, p);

			/* Counted down again below. */
			truth_of(w, &pair.target, pair.port)->n_late++;
			n_planned++;
		}
		total += probe_engine_account(e).total;
		w->now_ns = START_NS;
		run(w, e);
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
		struct probe_engine *e = engine_of(&s);
		size_t n;

		w->stop_after = w->n_sends + 500 * (2 + n_runs);
		run(w, e);
		w->head = w->tail; /* what comes in between is lost */
		n = probe_engine_unresolved(e, NULL, 0);
		free(left);
		left = calloc(n + 1, sizeof(*left));
		assert_int_equal(probe_engine_unresolved(e, left, n), n);
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
	e = engine_of(&s);
	run(w, e);
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
	e = engine_of(&s);
	run(w, e);
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
	e = engine_of(&s);
	run(w, e);
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
	e = engine_of(&s);
	run(w, e);
	result = *w;
	for (unsigned i = 0; i < MAX_PAIRS; i++) {
		result.n_missed += is_there(w, i / 8) && !w->truths[i].n_answered;
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
	for (unsigned i = 0; i < 3; i++) {
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

/* Losses everywhere, or nobody there, slow none; losses of its own do not for long. */
static void test_prefixes_not_slowed(void **state)
{
	(void)state;
	assert_false(scan_prefixes((struct world){ .there_every = 2, .loss = 0.05 }).n_slowed);
	assert_false(scan_prefixes((struct world){ .there_every = 2, .loss = 0.3 }).n_slowed);
	assert_false(scan_prefixes((struct world){ .there_every = 2, .dead_every = 2 }).n_slowed);
	assert_true(scan_prefixes((struct world){ .there_every = 2, .own_loss = 0.3 }).now_ns <
		    START_NS + 20 * NS_PER_S);
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
	e = engine_of(&s);
	run(w, e);
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
	e = engine_of(&s);
	run(w, e);
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
	e = engine_of(&s);
	run(w, e);
	for (unsigned i = 0; i < 512; i++) {
		bool waits = i / 2 % 4 == 0;

		assert_int_equal(w->truths[i].n_answered, !waits || come);
		assert_int_equal(w->truths[i].n_failed, waits && !come);
		assert_int_equal(w->truths[i].n_sent, !waits || come);
	}
	probe_engine_free(e);
	scan_done(&s);
}

static void test_next_hops(void **state)
{
	(void)state;
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
	e = engine_of(&s);
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
	run(w, e); /* the others, all silent */
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
		cmocka_unit_test(test_coverage),      cmocka_unit_test(test_resuming),
		cmocka_unit_test(test_last_pass),     cmocka_unit_test(test_narrow_network),
		cmocka_unit_test(test_narrow_prefix), cmocka_unit_test(test_prefixes_not_slowed),
		cmocka_unit_test(test_constant_loss), cmocka_unit_test(test_no_setback),
		cmocka_unit_test(test_icmp_limit),    cmocka_unit_test(test_next_hops),
		cmocka_unit_test(test_cookies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
