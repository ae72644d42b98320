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
 * believed. An answer whose slot has been taken by another probe since is still known by its tag.
 */
#include "probe/engine_private.h"
#include "probe/udp_payloads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define TICK_NS		 NS_PER_MS
#define FRAME_OVERHEAD	 128
#define SKIPS_A_CALL	 4096
#define CONNECTS_DEFAULT 256
#define PAIRS_MAX	 (UINT64_C(1) << 63)
#define GHOSTS_A_PROBE	 2

struct addr engine_target(const struct probe_engine *e, uint64_t index)
{
	return e->config.list ? e->config.list[index] : targets_get(e->config.targets, index);
}

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

static bool lane_connects(const struct probe_lane *lane)
{
	return lane->module->via == PROBE_VIA_CONNECT;
}

/* Whether a lane must know how a target is reached to write a probe to it. */
static bool lane_sends_frames(const struct probe_lane *lane)
{
	return lane->module->via == PROBE_VIA_LINK || lane->module->via == PROBE_VIA_IP;
}

/* Whether a lane must know how its targets are reached before anything is sent. */
static bool lane_needs_route(const struct probe_lane *lane)
{
	return lane_sends_frames(lane) || lane->after;
}

static uint64_t lane_n_ports(const struct probe_lane *lane)
{
	return lane->ports ? lane->n_ports : 1;
}

static int take_lanes(struct probe_engine *e, const struct probe_config *config)
{
	if (!config->n_lanes || config->n_lanes > PROBE_MAX_LANES)
		return -E_RANGE;
	for (size_t i = 0; i < config->n_lanes; i++) {
		const struct probe_lane *lane = &config->lanes[i];
		unsigned m = 0;

		e->lanes[i] = *lane;
		e->first_unit[i + 1] = e->first_unit[i] + lane_n_ports(lane);
		while (m < e->n_modules && e->modules[m] != lane->module)
			m++;
		if (m == e->n_modules)
			e->modules[e->n_modules++] = lane->module;
		if (lane_needs_route(lane) && !config->route)
			return -E_RANGE;
		for (unsigned a = 0; a < PROBE_MAX_LANES; a++) {
			if (!(lane->after & 1u << a))
				continue;
			if (a >= config->n_lanes || a == i || config->lanes[a].each || e->then[a])
				return -E_RANGE;
			e->then[a] = (uint8_t)(i + 1);
		}
	}
	return 0;
}

static uint32_t slots_needed(const struct probe_engine *e)
{
	const struct probe_config *c = &e->config;
	uint64_t max = c->max_slots ? c->max_slots : PROBE_MAX_SLOTS, a_pair = 1, n;

	/* Of a burst, as many tries at once as fit into a time-out. */
	for (size_t i = 0; i < c->n_lanes; i++)
		if (e->lanes[i].each)
			a_pair = 2 + c->timeout_ns / MAX(c->interval_ns, TICK_NS);
	if (c->count)
		a_pair = MIN(a_pair, (uint64_t)c->count);
	max = MIN(max, UINT64_C(1) << 30);
	n = MIN(e->n_pairs, max) * MIN(a_pair, max);
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

int probe_engine_new(const struct probe_config *config, uint64_t now_ns,
		     struct probe_engine **ret_engine)
{
	struct probe_engine *e = calloc(1, sizeof(*e));
	uint128_t n_targets = config->list ? config->n_list : targets_count(config->targets);
	uint64_t n_units;
	int err;

	if (!e)
		return -ENOMEM;
	e->config = *config;
	e->config.lanes = e->lanes;
	if (!e->config.max_connects)
		e->config.max_connects = CONNECTS_DEFAULT;
	err = take_lanes(e, config);
	n_units = e->first_unit[config->n_lanes];
	if (!err && (!n_units || n_targets > PAIRS_MAX / n_units))
		err = -E_RANGE;
	if (err)
		goto fail;
	e->n_targets = (uint64_t)n_targets;
	e->n_pairs = e->n_targets * n_units;
	e->plan = plan_of(e->n_pairs, config->seed);
	e->pace = pace_of(config->rate, now_ns);
	e->frame_cap = longest_payload(config) + FRAME_OVERHEAD;
	e->frames = malloc(ENGINE_BATCH * e->frame_cap);
	e->timers = timers_new(TICK_NS, now_ns);
	err = slots_init(&e->slots, slots_needed(e));
	if (!e->frames || !e->timers)
		err = -ENOMEM;
	if (err)
		goto fail;
	*ret_engine = e;
	return 0;
fail:
	probe_engine_free(e);
	return err;
}

struct probe_engine *probe_engine_free(struct probe_engine *e)
{
	if (!e)
		return NULL;
	slots_done(&e->slots);
	timers_free(e->timers);
	free(e->frames);
	free(e);
	return NULL;
}

void engine_describe_slot(const struct probe_engine *e, const struct slot *slot,
			  enum probe_outcome outcome, struct probe_event *ret)
{
	*ret = (struct probe_event){
		.outcome = outcome,
		.lane = slot->lane,
		.port = slot->port,
		.target_index = slot->target,
		.target = engine_target(e, slot->target),
		.try = slot->try,
		.rtt_ns = -1,
		.sent_ns = slot->sent_ns,
		.ttl = -1,
		.error = slot->error,
	};
}

/* To be told as PROBE_FAILED at the next occasion. */
static void fail_slot(struct probe_engine *e, uint64_t now_ns, struct slot *slot, int err)
{
	slot->state = SLOT_FAILING;
	slot->error = err;
	e->n_failing++;
	timer_set(e->timers, &slot->timer, now_ns);
}

/* The next try of a burst in a slot of its own. Return: false when none is free. */
static bool continue_burst(struct probe_engine *e, uint64_t now_ns, const struct slot *slot,
			   uint64_t due_ns)
{
	struct slot from = *slot, *next;

	if (e->stopped || (e->config.count && from.try + 1 >= e->config.count))
		return true;
	next = slots_take(&e->slots, from.hash);
	if (!next)
		return false;
	next->target = from.target;
	next->port = from.port;
	next->lane = from.lane;
	next->try = from.try + 1;
	next->state = SLOT_WAITING;
	timer_set(e->timers, &next->timer, MAX(due_ns, now_ns));
	return true;
}

void engine_release(struct probe_engine *e, uint64_t now_ns, struct slot *slot)
{
	bool continues = slot->flags & SLOT_CONTINUES;

	if (timer_is_set(&slot->timer))
		timer_cancel(e->timers, &slot->timer);
	if (slot->state == SLOT_SENT) {
		e->n_in_flight--;
		e->n_connects -= lane_connects(engine_lane(e, slot));
	}
	if (slot->state == SLOT_FAILING)
		e->n_failing--;
	slot->flags &= (uint8_t)~SLOT_CONTINUES;
	if (slot->state == SLOT_READY)
		return;
	slots_free(&e->slots, slot);
	if (continues)
		(void)continue_burst(e, now_ns, slot, slot->sent_ns + e->config.interval_ns);
}

/* Sending */

static bool blocked(const struct probe_engine *e, const struct probe_lane *lane)
{
	return lane_connects(lane) && e->n_connects >= e->config.max_connects;
}

static const struct probe_lane *unit_lane(const struct probe_engine *e, uint64_t unit,
					  uint16_t *ret_port)
{
	const struct probe_lane *lane = e->lanes;

	while (unit >= e->first_unit[lane - e->lanes + 1])
		lane++;
	*ret_port = lane->ports ? lane->ports[unit - e->first_unit[lane - e->lanes]] : 0;
	return lane;
}

static const struct probe_lane *planned_lane(const struct probe_engine *e, uint64_t at)
{
	uint16_t port;

	return unit_lane(e, plan_at(&e->plan, at) / e->n_targets, &port);
}

/* Whether something waits to be sent that neither slots nor connections hold back. */
static bool wants_to_send(const struct probe_engine *e)
{
	const struct slot *ready = slots_peek_ready(&e->slots);

	if (e->stopped)
		return false;
	if (ready)
		return !blocked(e, engine_lane(e, ready));
	return e->at < e->n_pairs && slots_left(&e->slots) &&
	       (e->n_connects < e->config.max_connects || !blocked(e, planned_lane(e, e->at)));
}

static bool applies(const struct probe_lane *lane, const struct addr *target,
		    const struct probe_link *link)
{
	return !lane->module->applies || lane->module->applies(target, link);
}

/* Does the lane probe this target now? Otherwise the pair is skipped. */
static bool lane_begins(const struct probe_engine *e, const struct probe_lane *lane,
			const struct addr *target, const struct probe_link *link)
{
	for (unsigned a = 0; a < e->config.n_lanes; a++)
		if (lane->after & 1u << a && applies(&e->lanes[a], target, link))
			return false;
	return applies(lane, target, link);
}

/* The next pair of the plan, in a slot ready to be sent; NULL when there is none now. */
static struct slot *take_planned(struct probe_engine *e, uint64_t now_ns)
{
	for (unsigned i = 0; i < SKIPS_A_CALL && e->at < e->n_pairs; i++) {
		uint64_t pair = plan_at(&e->plan, e->at), target = pair % e->n_targets;
		uint16_t port;
		const struct probe_lane *lane = unit_lane(e, pair / e->n_targets, &port);
		struct probe_link link = { 0 };
		struct slot *slot;
		struct addr addr;
		int err = 0;

		if (!slots_left(&e->slots) || blocked(e, lane))
			return NULL;
		e->at++;
		addr = engine_target(e, target);
		if (lane_needs_route(lane))
			err = e->config.route(e->config.route_ctx, &addr, lane->module->via, &link);
		if (!err && !lane_begins(e, lane, &addr, lane_needs_route(lane) ? &link : NULL)) {
			e->account.skipped++;
			continue;
		}
		slot = slots_take(&e->slots, (uint32_t)engine_hash(e, &addr, port));
		slot->target = target;
		slot->port = port;
		slot->lane = (uint8_t)(lane - e->lanes);
		slot->timer.deadline_ns = now_ns;
		if (!err)
			return slot;
		fail_slot(e, now_ns, slot, err);
	}
	return NULL;
}

static struct slot *take_ready(struct probe_engine *e, uint64_t now_ns)
{
	struct slot *slot;

	while ((slot = slots_peek_ready(&e->slots))) {
		if (slot->flags & SLOT_ANSWERED || slot->flags & SLOT_SILENT) {
			slots_pop_ready(&e->slots);
			slots_free(&e->slots, slot);
			continue;
		}
		if (blocked(e, engine_lane(e, slot)))
			return NULL;
		slots_pop_ready(&e->slots);
		return slot;
	}
	return take_planned(e, now_ns);
}

static uint16_t source_port(const struct probe_engine *e, uint32_t try)
{
	uint16_t n = e->config.n_source_ports;

	return n ? (uint16_t)(e->config.source_port + try % n) : 0;
}

/* Return: bytes, 0 for a connection, or negative. */
static ssize_t write_shot(struct probe_engine *e, uint64_t now_ns, const struct slot *slot,
			  const struct addr *target, struct probe_link *link, uint8_t *frame)
{
	const struct probe_lane *lane = engine_lane(e, slot);
	struct probe_shot shot = {
		.target = *target,
		.port = slot->port,
		.source_port = source_port(e, slot->try),
		.ttl = lane->ttl,
		.id = engine_hash_id(slot->hash),
		.size = e->config.payload_len,
		.link = link,
		.no_source = e->config.no_source,
		.mark = { .slot = slots_index(&e->slots, slot),
			  .generation = slot->generation,
			  .try = slot->try,
			  .sent_ns = now_ns },
	};
	size_t len;
	int err;

	if (!lane->module->write)
		return 0;
	if (lane_sends_frames(lane)) {
		err = e->config.route(e->config.route_ctx, target, lane->module->via, link);
		if (err)
			return err;
	}
	if (lane->module->via == PROBE_VIA_IP || lane->module->via == PROBE_VIA_UDP)
		shot.cookie = engine_cookie(engine_hash(e, target, slot->port), slot->lane);
	else
		shot.mark.tag = engine_tag(e, target, &shot.mark);
	len = lane->module->write(&shot, frame, e->frame_cap);
	if (!len)
		return -EMSGSIZE;
	return (ssize_t)len;
}

/*
 * How long a try is left alone. The last one has the whole time-out; an earlier one half of it, for
 * its answer still counts when the next try has left. But a next try ends the connection of the one
 * before.
 */
static uint64_t patience_ns(const struct probe_engine *e, const struct slot *slot)
{
	const struct probe_lane *lane = engine_lane(e, slot);
	bool last = lane->each || slot->try >= e->config.retries;

	return last || lane_connects(lane) ? e->config.timeout_ns : e->config.timeout_ns / 2;
}

/* Return: true when @ret_send was filled. */
static bool send_slot(struct probe_engine *e, uint64_t now_ns, struct slot *slot, size_t place,
		      struct probe_send *ret_send)
{
	const struct probe_lane *lane = engine_lane(e, slot);
	struct addr target = engine_target(e, slot->target);
	uint64_t due_ns = slot->timer.deadline_ns;
	uint8_t *frame = e->frames + place * e->frame_cap;
	struct probe_link *link = &e->links[place];
	bool begins;
	ssize_t len = write_shot(e, now_ns, slot, &target, link, frame);

	if (len < 0) {
		fail_slot(e, now_ns, slot, (int)len);
		return false;
	}
	*ret_send = (struct probe_send){
		.via = lane->module->via,
		.slot = slots_index(&e->slots, slot),
		.token = engine_token(slot),
		.target = target,
		.port = slot->port,
		.ttl = lane->ttl,
		.link = lane_sends_frames(lane) ? link : NULL,
		.data = frame,
		.len = (size_t)len,
	};
	/* The next of a burst follows once, even when this one has to be sent again. */
	begins = lane->each && !(slot->flags & SLOT_WAS_SENT);
	slot->state = SLOT_SENT;
	slot->flags |= SLOT_WAS_SENT;
	slot->sent_ns = now_ns;
	timer_set(e->timers, &slot->timer, now_ns + patience_ns(e, slot));
	e->n_in_flight++;
	e->n_connects += lane_connects(lane);
	e->account.sent++;
	if (begins && !continue_burst(e, now_ns, slot, due_ns + e->config.interval_ns))
		slot->flags |= SLOT_CONTINUES;
	return true;
}

size_t probe_engine_output(struct probe_engine *e, uint64_t now_ns, struct probe_send *ret_sends,
			   size_t max)
{
	uint64_t budget = e->stopped ? 0 : pace_budget(&e->pace, now_ns);
	size_t n = 0;

	if (max > ENGINE_BATCH)
		max = ENGINE_BATCH;
	if (max > budget)
		max = (size_t)budget;
	while (n < max) {
		struct slot *slot = take_ready(e, now_ns);

		if (!slot)
			break;
		n += send_slot(e, now_ns, slot, n, &ret_sends[n]);
	}
	pace_spend(&e->pace, n);
	return n;
}

void probe_engine_unsent(struct probe_engine *e, uint64_t now_ns, uint32_t index, int err)
{
	struct slot *slot = slots_at(&e->slots, index);

	if (!slot || slot->state != SLOT_SENT)
		return;
	timer_cancel(e->timers, &slot->timer);
	e->account.sent--;
	e->n_in_flight--;
	e->n_connects -= lane_connects(engine_lane(e, slot));
	if (err != -ENOBUFS && err != -EAGAIN && err != -ENOMEM) {
		fail_slot(e, now_ns, slot, err);
		return;
	}
	e->account.held++;
	slot->timer.deadline_ns = now_ns;
	slots_push_ready(&e->slots, slot, true);
	pace_slow(&e->pace, now_ns);
}

/* Time */

/* Return: true when this was the last try and @ret_event says so. */
static bool give_up(struct probe_engine *e, uint64_t now_ns, struct slot *slot,
		    struct probe_event *ret_event)
{
	const struct probe_lane *lane = engine_lane(e, slot);

	if (!lane->each && slot->try < e->config.retries && !e->stopped) {
		e->n_in_flight--;
		e->n_connects -= lane_connects(lane);
		slot->state = SLOT_WAITING;
		timer_set(e->timers, &slot->timer, now_ns + e->config.spacing_ns * slot->try++);
		return false;
	}
	slot->flags |= SLOT_SILENT;
	e->account.silent++;
	engine_describe_slot(e, slot, PROBE_SILENT, ret_event);
	engine_release(e, now_ns, slot);
	return true;
}

int probe_engine_next_event(struct probe_engine *e, uint64_t now_ns, struct probe_event *ret_event)
{
	struct timer *timer;

	while ((timer = timers_expire(e->timers, now_ns))) {
		struct slot *slot = container_of(timer, struct slot, timer);

		switch (slot->state) {
		case SLOT_WAITING:
			slots_push_ready(&e->slots, slot, false);
			break;
		case SLOT_SENT:
			if (give_up(e, now_ns, slot, ret_event))
				return 1;
			break;
		case SLOT_FAILING:
			e->account.failed++;
			engine_describe_slot(e, slot, PROBE_FAILED, ret_event);
			/* The kernel may think otherwise a second later: a ping goes on. */
			if (engine_lane(e, slot)->each && !(slot->flags & SLOT_WAS_SENT)) {
				slot->flags |= SLOT_CONTINUES;
				slot->sent_ns = now_ns;
			}
			engine_release(e, now_ns, slot);
			return 1;
		}
	}
	return 0;
}

uint64_t probe_engine_deadline(const struct probe_engine *e)
{
	uint64_t deadline_ns = probe_engine_done(e) ? UINT64_MAX : timers_deadline(e->timers);

	return wants_to_send(e) ? MIN(deadline_ns, pace_deadline(&e->pace)) : deadline_ns;
}

void probe_engine_dropped(struct probe_engine *e, uint64_t now_ns, uint64_t n)
{
	e->account.dropped += n;
	if (n)
		pace_slow(&e->pace, now_ns);
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
	return e->at == e->n_pairs && !e->slots.n_used;
}

/*
 * Of targets that are there, a share p of tries is lost. When the tries answered are counted by
 * their number, each count is p times that of the number before; hence, whatever is not there,
 * p = (answered not at first) / (answered not at last), and p^tries of them were missed.
 */
static double estimate_recall(const struct probe_engine *e)
{
	uint64_t n = e->n_found;
	double loss, missed = 1;

	if (!e->config.retries || n <= e->n_last)
		return -1;
	loss = (double)(n - e->n_first) / (double)(n - e->n_last);
	for (uint32_t i = 0; i <= e->config.retries; i++)
		missed *= MIN(loss, 1.0);
	return 1 - missed;
}

struct probe_account probe_engine_account(const struct probe_engine *e)
{
	struct probe_account account = e->account;

	account.targets = e->at;
	account.total = e->n_pairs;
	account.incomplete = account.dropped && account.silent;
	account.recall = estimate_recall(e);
	return account;
}
