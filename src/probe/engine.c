/*
 * A slot is one (target, lane) in flight with all of its tries, or, of a lane with `each`, one try.
 *
 *   plan ──> READY ──> SENT ──answer──> free     (kept as a ghost until the slot is needed again)
 *              ^         │
 *              └ WAITING ┴─time-out──> free      (try again after a pause; then silence)
 *
 * With `each`, sending a try puts the next one into WAITING in a slot of its own; when there is
 * none free the slot is marked and goes on itself once it is resolved, so that bursts never stall.
 *
 * A mark (slot, generation, try, time) is checked against its keyed tag before anything is
 * believed. An answer whose slot has been taken by another probe since is still known by its tag
 * or its cookie.
 *
 * engine_send.c decides what leaves, match.c what an answer means; here is what time brings.
 */
#include "probe/engine_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "probe/udp_payloads.h"

#define FRAME_OVERHEAD	 128
#define CONNECTS_DEFAULT 256
#define PAIRS_MAX	 (UINT64_C(1) << 63)
#define PORTS_MAX	 65536
#define GHOSTS_A_PROBE	 2
#define RATE_FASTEST	 UINT64_C(2000000) /* no more leave a second than this anyway */

uint64_t engine_hash(const struct probe_engine *e, const struct addr *a, uint16_t port)
{
	uint8_t bytes[20];

	memcpy(bytes, a->bytes, 16);
	memcpy(bytes + 16, &a->family, 2);
	memcpy(bytes + 18, &port, 2);
	return siphash(e->config.key, bytes, sizeof(bytes));
}

uint64_t engine_tag(const struct probe_engine *e, const struct addr *target,
		    const struct probe_mark *mark)
{
	struct {
		uint8_t addr[16];
		uint64_t sent_ns;
		uint32_t slot, generation, try, family;
	} what = { .sent_ns = mark->sent_ns,
		   .slot = mark->slot,
		   .generation = mark->generation,
		   .try = mark->try,
		   .family = target->family };

	memcpy(what.addr, target->bytes, sizeof(what.addr));
	return siphash(e->config.key, &what, sizeof(what));
}

static bool lane_needs_route(const struct probe_lane *lane)
{
	return lane->module->via == PROBE_VIA_LINK || lane->module->via == PROBE_VIA_IP ||
	       lane->after;
}

static uint32_t lane_n_ports(const struct probe_lane *lane)
{
	return lane->ports ? lane->n_ports : 1;
}

/* Which lane waits for which. */
static int take_order(struct probe_engine *e, unsigned i)
{
	for (unsigned a = 0; a < PROBE_MAX_LANES; a++) {
		if (!(e->lanes[i].after & 1u << a))
			continue;
		if (a >= e->config.n_lanes || a == i || e->config.lanes[a].each || e->then[a])
			return -E_RANGE;
		e->then[a] = (uint8_t)(i + 1);
	}
	return 0;
}

static int take_lanes(struct probe_engine *e)
{
	const struct probe_config *config = &e->config;

	if (!config->n_lanes || config->n_lanes > PROBE_MAX_LANES)
		return -E_RANGE;
	for (unsigned i = 0; i < config->n_lanes; i++) {
		const struct probe_lane *lane = &config->lanes[i];
		unsigned m = 0;
		int err;

		e->lanes[i] = *lane;
		if (lane_n_ports(lane) > PORTS_MAX || (lane_needs_route(lane) && !config->route))
			return -E_RANGE;
		e->n_units += lane_n_ports(lane);
		while (m < e->n_modules && e->modules[m] != lane->module)
			m++;
		if (m == e->n_modules)
			e->modules[e->n_modules++] = lane->module;
		err = take_order(e, i);
		if (err)
			return err;
	}
	e->config.lanes = e->lanes;
	return e->n_units ? 0 : -E_RANGE;
}

static int make_units(struct probe_engine *e)
{
	uint32_t n = 0;

	e->units = calloc(e->n_units, sizeof(*e->units));
	if (!e->units)
		return -ENOMEM;
	for (unsigned i = 0; i < e->config.n_lanes; i++) {
		e->first_units[i] = n;
		for (uint32_t p = 0; p < lane_n_ports(&e->lanes[i]); p++)
			e->units[n++] = (struct unit){
				.port = e->lanes[i].ports ? e->lanes[i].ports[p] : 0,
				.lane = (uint8_t)i,
			};
	}
	return 0;
}

/* Which part of which plan this run has. */
static int take_plan(struct probe_engine *e)
{
	struct probe_config *c = &e->config;
	uint128_t n_targets = c->list ? c->n_list : targets_count(c->targets);
	uint64_t behind;

	if (n_targets > PAIRS_MAX / e->n_units)
		return -E_RANGE;
	e->n_targets = (uint64_t)n_targets;
	e->n_pairs = e->n_targets * e->n_units;
	e->plan = c->in_order ? plan_in_order(e->n_pairs) : plan_of(e->n_pairs, c->seed);
	c->n_shards = MAX(c->n_shards, (uint64_t)1);
	if (c->shard >= c->n_shards)
		return -E_RANGE;
	for (size_t i = 0; i < c->n_again; i++)
		if (c->again[i] >= e->n_pairs)
			return -E_RANGE;
	/* From first_place on, the first place of the shard. */
	e->at = MIN(c->first_place, e->n_pairs);
	behind = e->at % c->n_shards;
	behind = c->shard >= behind ? c->shard - behind : c->n_shards - (behind - c->shard);
	e->at = behind < e->n_pairs - e->at ? e->at + behind : e->n_pairs;
	e->n_to_do = c->n_again;
	if (e->at < e->n_pairs)
		e->n_to_do += (e->n_pairs - 1 - e->at) / c->n_shards + 1;
	return 0;
}

/*
 * As many as are in use at that rate when all are silent, and a quarter more. Their number at a
 * time is the rate, by the tries of a pair, times how long these take.
 */
static uint64_t slots_for_rate(const struct probe_config *c)
{
	double tries = 1 + (double)c->retries, rate = (double)MIN(c->rate, RATE_FASTEST);
	double pause_ns = (double)c->spacing_ns * tries * MAX(tries - 1, 0) / 2;
	double lasts_ns = (double)c->timeout_ns * (1 + (tries - 1) / 2) + pause_ns;
	double n = rate / tries * lasts_ns / NS_PER_S * 1.25;

	return n < PROBE_MIN_SLOTS ? PROBE_MIN_SLOTS : (uint64_t)MIN(n, PROBE_MAX_SLOTS);
}

static uint32_t slots_needed(const struct probe_engine *e)
{
	const struct probe_config *c = &e->config;
	uint64_t max = c->max_slots ? c->max_slots : slots_for_rate(c), a_pair = 1, n;

	/* Of a burst, as many tries at once as fit into a time-out. */
	for (size_t i = 0; i < c->n_lanes; i++)
		if (e->lanes[i].each)
			a_pair = 2 + c->timeout_ns / MAX(c->interval_ns, SLOT_TICK_NS);
	if (c->count)
		a_pair = MIN(a_pair, (uint64_t)c->count);
	max = MIN(max, UINT64_C(1) << 30);
	n = MIN(e->n_to_do, max) * MIN(a_pair, max);
	return (uint32_t)MIN(MAX(n * GHOSTS_A_PROBE, (uint64_t)64), max);
}

static size_t longest_payload(const struct probe_config *config)
{
	size_t longest = MAX(config->payload_len, (size_t)PROBE_MARK_LEN);

	for (size_t i = 0; i < config->n_lanes; i++) {
		if (config->lanes[i].module->via == PROBE_VIA_UDP)
			longest = MAX(longest, (size_t)UDP_PAYLOAD_MAX);
	}
	return longest;
}

/* Whether the pace can be judged: what comes in order is not the same at any time. */
static bool searches(const struct probe_engine *e)
{
	bool any = false;

	if (e->config.in_order)
		return false;
	for (unsigned i = 0; i < e->config.n_lanes; i++)
		any |= engine_judges_by(&e->lanes[i]);
	return any;
}

static int make_tables(struct probe_engine *e, uint64_t now_ns)
{
	int err = make_units(e);

	if (!err)
		err = slots_init(&e->slots, slots_needed(e), now_ns);
	if (err)
		return err;
	e->frame_cap = longest_payload(&e->config) + FRAME_OVERHEAD;
	e->frames = malloc(ENGINE_BATCH * e->frame_cap);
	if (!e->frames)
		return -ENOMEM;
	for (unsigned i = 0; i < e->config.n_lanes && !e->gates; i++) {
		if (e->lanes[i].module->via != PROBE_VIA_UDP)
			continue;
		e->gates = calloc(1, sizeof(*e->gates));
		if (!e->gates)
			return -ENOMEM;
	}
	if (searches(e) && e->config.retries) {
		e->prefixes = prefixes_new(e->config.timeout_ns +
					   e->config.spacing_ns * e->config.retries);
		if (!e->prefixes)
			return -ENOMEM;
	}
	if (e->config.last_pass && e->n_pairs <= MARKS_MAX) {
		e->last_pass.silent = marks_new(e->n_pairs);
		if (!e->last_pass.silent)
			return -ENOMEM;
	}
	return engine_make_untracked(e);
}

int probe_engine_new(const struct probe_config *config, uint64_t now_ns,
		     struct probe_engine **ret_engine)
{
	struct probe_engine *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->config = *config;
	if (!e->config.max_connects)
		e->config.max_connects = CONNECTS_DEFAULT;
	err = take_lanes(e);
	if (!err)
		err = take_plan(e);
	if (!err)
		err = make_tables(e, now_ns);
	if (err) {
		probe_engine_free(e);
		return err;
	}
	e->pace = pace_of(config->rate, searches(e), now_ns);
	*ret_engine = e;
	return 0;
}

struct probe_engine *probe_engine_free(struct probe_engine *e)
{
	if (!e)
		return NULL;
	slots_done(&e->slots);
	free(e->units);
	free(e->last_pass.silent);
	free(e->untracked.open);
	free(e->gates);
	free(e->prefixes);
	free(e->frames);
	free(e);
	return NULL;
}

void engine_describe_slot(const struct probe_engine *e, const struct slot *slot,
			  enum probe_outcome outcome, struct probe_event *ret)
{
	const struct unit *unit = engine_unit(e, slot);

	*ret = (struct probe_event){
		.outcome = outcome,
		.lane = unit->lane,
		.port = unit->port,
		.target_index = slot->target,
		.target = engine_target(e, slot->target),
		.try = slot->try,
		.rtt_ns = -1,
		.sent_ns = slot->flags & SLOT_WAS_SENT ? slot->sent_ns : 0,
		.ttl = -1,
	};
}

void engine_fail_slot(struct probe_engine *e, struct slot *slot, int err)
{
	slots_push_failing(&e->slots, slot, err);
	e->n_failing++;
}

bool engine_continue_burst(struct probe_engine *e, uint64_t now_ns, const struct slot *slot,
			   uint64_t due_ns)
{
	struct slot from = *slot, *next;

	if (e->stopped || (e->config.count && from.try + 1 >= e->config.count))
		return true;
	next = slots_take(&e->slots, from.hash);
	if (!next)
		return false;
	next->target = from.target;
	next->unit = from.unit;
	next->try = from.try + 1;
	next->sent_ns = MAX(due_ns, now_ns);
	if (next->sent_ns == now_ns) {
		slots_push_ready(&e->slots, next, false);
		return true;
	}
	next->state = SLOT_WAITING;
	slots_arm(&e->slots, next, due_ns);
	return true;
}

/* No longer counted as in flight; its timer is unset. */
static void land(struct probe_engine *e, struct slot *slot)
{
	slots_disarm(&e->slots, slot);
	if (slot->state != SLOT_SENT)
		return;
	e->n_in_flight--;
	e->n_connects -= engine_connects(engine_lane(e, slot));
}

void engine_release(struct probe_engine *e, uint64_t now_ns, struct slot *slot)
{
	bool continues = slot->flags & SLOT_CONTINUES;

	slot->flags &= (uint16_t)~SLOT_CONTINUES;
	if (slot->state == SLOT_READY)
		return;
	land(e, slot);
	slots_free(&e->slots, slot);
	if (continues)
		(void)engine_continue_burst(e, now_ns, slot, slot->sent_ns + e->config.interval_ns);
}

/* Time */

/* The next try follows, unless the run was stopped: then it is left for another run. */
static void try_again(struct probe_engine *e, uint64_t now_ns, struct slot *slot)
{
	uint64_t wait_ns = e->config.spacing_ns * slot->try;

	land(e, slot);
	slot->state = SLOT_WAITING;
	if (e->stopped)
		return;
	slot->try++;
	if (wait_ns)
		slots_arm(&e->slots, slot, now_ns + wait_ns);
	else
		slots_push_ready(&e->slots, slot, false);
}

/*
 * How many further tries a pair has. Before a gate it has one more, because one may have been lost
 * before it was shut.
 */
static uint32_t retries_of(struct probe_engine *e, uint64_t now_ns, const struct addr *target,
			   const struct slot *slot)
{
	struct gate *gate;

	if (engine_lane(e, slot)->module->via != PROBE_VIA_UDP)
		return e->config.retries;
	gate = engine_gate(e, target);
	e->account.brakes[PROBE_BRAKE_ICMP] += gate_silent(gate, now_ns, slot->flags & SLOT_TURN);
	return e->config.retries + !!gate->gap_us;
}

/*
 * A try stayed without an answer. Return: whether another follows. One that left before its prefix,
 * or the line, was slowed does not count.
 */
static bool goes_on(struct probe_engine *e, uint64_t now_ns, struct slot *slot)
{
	const struct probe_lane *lane = engine_lane(e, slot);
	struct addr target = engine_target(e, slot->target);
	const struct prefix_gate *prefix = engine_prefix(e, lane, &target);
	uint32_t retries;
	bool too_fast;

	if (lane->each)
		return false;
	too_fast = prefix &&
		   slot->sent_ns < MAX(prefix->too_fast_ns, e->prefixes->line.too_fast_ns);
	retries = slot->flags & SLOT_LAST ? 0 : retries_of(e, now_ns, &target, slot);
	if (prefix && slot->flags & SLOT_TURN &&
	    slot->sent_ns >= MAX(prefix->slowed_ns, e->prefixes->line.slowed_ns)) {
		slot->flags &= (uint16_t)~SLOT_LOST_AT;
		slot->flags |= SLOT_LOST | engine_lost_at(e, prefix);
	}
	slot->flags &= (uint16_t)~SLOT_TURN;
	return too_fast || slot->try < retries;
}

/* Whether its silence is told now, for nobody will ask it again. */
static bool tells(const struct probe_engine *e, const struct slot *slot)
{
	const struct probe_lane *lane = engine_lane(e, slot);
	struct addr target;

	if (lane->each || !e->last_pass.silent)
		return true;
	if (!(slot->flags & SLOT_LAST))
		return false;
	target = engine_target(e, slot->target);
	return e->last_pass.n_more == LAST_PASS_MORE ||
	       !(e->last_pass.thorough || engine_is_apart(e, lane, &target));
}

/* Return: true when this was the last try and @ret_event says so. */
static bool give_up(struct probe_engine *e, uint64_t now_ns, struct slot *slot,
		    struct probe_event *ret_event)
{
	bool told = tells(e, slot);

	if (goes_on(e, now_ns, slot)) {
		try_again(e, now_ns, slot);
		return false;
	}
	slot->flags |= SLOT_SILENT;
	if (told) {
		e->account.silent++;
		engine_describe_slot(e, slot, PROBE_SILENT, ret_event);
	} else {
		marks_set(e->last_pass.silent, engine_pair(e, slot));
	}
	engine_release(e, now_ns, slot);
	return told;
}

static void tell_failure(struct probe_engine *e, uint64_t now_ns, struct slot *slot,
			 struct probe_event *ret_event)
{
	e->n_failing--;
	e->account.failed++;
	engine_describe_slot(e, slot, PROBE_FAILED, ret_event);
	ret_event->error = slot->error;
	/* The kernel may think otherwise a second later: a ping goes on. */
	if (engine_lane(e, slot)->each && !(slot->flags & SLOT_WAS_SENT)) {
		slot->flags |= SLOT_CONTINUES;
		slot->sent_ns = now_ns;
	}
	engine_release(e, now_ns, slot);
}

/*
 * Of targets that are there, a share p of tries is lost. When the tries answered are counted by
 * their number, each count is p times that of the number before; hence, whatever is not there,
 * p = (answered not at first) / (answered not at last). Return: p; -1: it cannot be told.
 */
static double estimate_loss(const struct probe_engine *e)
{
	bool extra = e->last_pass.began_asking;
	uint64_t n = e->n_found, n_last = extra ? e->n_extra : e->n_last;

	if (e->config.retries + extra == 0 || n <= n_last)
		return -1;
	return MIN((double)(n - e->n_first) / (double)(n - n_last), 1.0);
}

/*
 * And p^tries of them were missed. When all were asked more than once at the end, because much was
 * lost before it went slowly, each time found a share of those before it, and so on.
 */
static double estimate_recall(const struct probe_engine *e)
{
	const struct last_pass *p = &e->last_pass;
	double loss = estimate_loss(e), missed = 1;

	if (p->n_more && p->thorough) {
		double last = (double)(e->account.again_found - p->n_found);
		double share = MIN((last + 1) / ((double)p->n_found_last + 2), 0.9);

		return (double)e->n_found / ((double)e->n_found + last * share / (1 - share));
	}
	if (loss < 0)
		return -1;
	for (uint32_t i = 0; i <= e->config.retries + p->began_asking; i++)
		missed *= loss;
	return 1 - missed;
}

/* Whether some that are there may have been missed: more than one in ten such runs would. */
static bool losses_matter(const struct probe_engine *e)
{
	double recall = estimate_recall(e);

	if (e->account.dropped || e->account.brakes[PROBE_BRAKE_ICMP] ||
	    e->account.brakes[PROBE_BRAKE_PREFIX])
		return true;
	if (recall <= 0)
		return e->n_first < e->n_found || e->account.late || e->pace.n_setbacks;
	return (double)e->n_found * (1 / recall - 1) > 0.1;
}

/* What part of the rate came through, by the losses seen. */
static double share_through(const struct probe_engine *e)
{
	double loss = estimate_loss(e);

	return loss < 0 ? 1 : MAX(1 - loss, 0.1);
}

/* The plan is through: those that stayed silent are asked once more, or are told. */
static void begin_last_pass(struct probe_engine *e)
{
	struct last_pass *p = &e->last_pass;
	uint64_t n_found;

	if (!p->began) {
		double recall = estimate_recall(e);

		p->began = true;
		p->asks = p->began_asking = losses_matter(e);
		p->at = p->asks ? e->config.shard : 0;
		p->thorough = e->n_found && (engine_was_slowed(e) || recall < 0.9);
		if (p->asks)
			pace_end(&e->pace, share_through(e));
	}
	if (!p->asks || p->at < e->n_pairs)
		return;
	/* What began late, after a lane before it, was not asked once more. */
	n_found = e->account.again_found - p->n_found;
	p->asks = p->n_more < LAST_PASS_MORE && (e->account.brakes[PROBE_BRAKE_PREFIX] ||
						 (p->thorough && n_found * 200 > e->n_found));
	p->at = p->asks ? e->config.shard : 0;
	if (!p->asks)
		return;
	p->n_more++;
	p->n_found += n_found;
	p->n_found_last = n_found;
	if (p->thorough)
		pace_end(&e->pace, 1);
}

/* The last pass without asking. */
static bool tell_marked(struct probe_engine *e, struct probe_event *ret_event)
{
	struct slot slot = { .try = e->config.retries, .flags = SLOT_SILENT };
	struct marks *silent = e->last_pass.silent;
	uint64_t pair;

	if (!silent || e->stopped || !engine_all_begun(e) || e->slots.n_used ||
	    engine_n_untracked(e))
		return false;
	begin_last_pass(e);
	if (e->last_pass.asks || !silent->n_set)
		return false;
	pair = marks_next(silent, e->last_pass.at);
	if (pair == e->n_pairs)
		pair = marks_next(silent, 0);
	e->last_pass.at = pair;
	(void)marks_clear(silent, pair);
	slot.unit = (uint32_t)(pair / e->n_targets);
	slot.target = pair % e->n_targets;
	e->account.silent++;
	engine_describe_slot(e, &slot, PROBE_SILENT, ret_event);
	return true;
}

int probe_engine_next_event(struct probe_engine *e, uint64_t now_ns, struct probe_event *ret_event)
{
	struct slot *slot = slots_pop_failing(&e->slots);

	if (slot) {
		tell_failure(e, now_ns, slot, ret_event);
		return 1;
	}
	while ((slot = slots_expire(&e->slots, now_ns))) {
		if (slot->state == SLOT_SENT) {
			if (give_up(e, now_ns, slot, ret_event))
				return 1;
		} else if (slot->state == SLOT_WAITING) {
			slots_push_ready(&e->slots, slot, false);
		}
	}
	engine_turn_untracked(e, now_ns);
	return tell_marked(e, ret_event);
}

uint64_t probe_engine_deadline(const struct probe_engine *e)
{
	uint64_t deadline_ns;

	if (probe_engine_done(e))
		return UINT64_MAX;
	/* To be told at once: what could not be sent, and what the last pass has or leaves. */
	if (e->n_failing || (!e->slots.n_used && !e->stopped && engine_all_begun(e) &&
			     !engine_asks_again(e) && !engine_n_untracked(e)))
		return 0;
	deadline_ns = MIN(slots_deadline(&e->slots), engine_untracked_deadline(e));
	return engine_wants_to_send(e) ? MIN(deadline_ns, pace_deadline(&e->pace)) : deadline_ns;
}

void probe_engine_dropped(struct probe_engine *e, uint64_t now_ns, uint64_t n)
{
	e->account.dropped += n;
	if (n)
		e->account.brakes[PROBE_BRAKE_LOCAL] += pace_slow(&e->pace, now_ns);
}

/* The plan, seen from outside */

uint64_t probe_engine_place(const struct probe_engine *e)
{
	return e->at;
}

uint64_t probe_engine_n_places(const struct probe_engine *e)
{
	return e->n_pairs;
}

struct probe_pair probe_engine_planned(const struct probe_engine *e, uint64_t place)
{
	uint64_t pair = plan_at(&e->plan, place);
	const struct unit *unit = &e->units[pair / e->n_targets];

	return (struct probe_pair){
		.target_index = pair % e->n_targets,
		.target = engine_target(e, pair % e->n_targets),
		.lane = unit->lane,
		.port = unit->port,
	};
}

static bool is_unresolved(const struct probe_engine *e, const struct slot *slot)
{
	return slot->state != SLOT_FREE && !engine_lane(e, slot)->each &&
	       !(slot->flags & (SLOT_ANSWERED | SLOT_SILENT));
}

/* Adds what is marked to @n pairs. Return: how many there are then. */
static size_t add_marked(const struct marks *m, uint64_t *ret_pairs, size_t n, size_t max)
{
	if (!m)
		return n;
	for (uint64_t i = n, pair = marks_next(m, 0); pair < m->n_pairs && i < max;
	     pair = marks_next(m, pair + 1))
		ret_pairs[i++] = pair;
	return n + m->n_set;
}

size_t probe_engine_unresolved(const struct probe_engine *e, uint64_t *ret_pairs, size_t max)
{
	size_t n = 0;

	for (size_t i = e->n_again; i < e->config.n_again; i++, n++)
		if (n < max)
			ret_pairs[n] = e->config.again[i];
	for (uint32_t i = 0; i < e->slots.n_fresh; i++) {
		const struct slot *slot = &e->slots.slots[i];

		if (!is_unresolved(e, slot))
			continue;
		if (n < max)
			ret_pairs[n] = engine_pair(e, slot);
		n++;
	}
	n = add_marked(e->untracked.open, ret_pairs, n, max);
	return add_marked(e->last_pass.silent, ret_pairs, n, max);
}

/* The end */

void probe_engine_stop(struct probe_engine *e)
{
	e->stopped = true;
}

bool probe_engine_done(const struct probe_engine *e)
{
	if (e->stopped)
		return !e->n_in_flight && !e->n_failing;
	return engine_all_begun(e) && !e->slots.n_used && !engine_n_untracked(e) &&
	       (!e->last_pass.silent || !e->last_pass.silent->n_set);
}

static uint64_t sending_rate(const struct probe_engine *e)
{
	uint64_t took_ns = e->last_send_ns - e->first_send_ns;

	if (!took_ns || !e->account.sent) /* none stays, when none could leave */
		return 0;
	return (uint64_t)((double)(e->account.sent - 1) * NS_PER_S / (double)took_ns);
}

struct probe_account probe_engine_account(const struct probe_engine *e)
{
	struct probe_account account = e->account;

	account.targets = e->n_begun;
	account.total = e->n_to_do;
	account.rate = sending_rate(e);
	account.incomplete = account.dropped && account.silent;
	account.brakes[PROBE_BRAKE_LOSS] += e->pace.n_setbacks;
	account.recall = estimate_recall(e);
	return account;
}
