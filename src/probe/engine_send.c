/*
 * From the plan to probes that leave: which pair comes next, its slot, how it is reached, what is
 * written.
 */
#include <errno.h>

#include "probe/engine_private.h"

#define STEPS_A_CALL   4096 /* places of the plan looked at in one output */
#define ROUTE_WAIT_MAX (200 * NS_PER_MS)
#define UNTRACKED      (UINT64_C(1) << 63) /* in an id: a pair, not a slot */

/* A slot about to be sent, with what is known of it already. */
struct draft {
	struct slot *slot; /* that of e->untracked: @pair has none */
	uint64_t pair;
	struct addr target;
	uint64_t hash; /* 0: not known */
	bool routed;   /* the link of its place is filled in */
};

enum source { NOWHERE, FROM_RETURNED, FROM_AGAIN, FROM_PLAN, FROM_ROUND, FROM_PASS };

/* Whether a lane must know how a target is reached to write a probe to it. */
static bool sends_frames(const struct probe_lane *lane)
{
	return lane->module->via == PROBE_VIA_LINK || lane->module->via == PROBE_VIA_IP;
}

static bool carries_cookie(const struct probe_lane *lane)
{
	return lane->module->via == PROBE_VIA_IP || lane->module->via == PROBE_VIA_UDP;
}

static bool blocked(const struct probe_engine *e, const struct probe_lane *lane)
{
	return engine_connects(lane) && e->n_connects >= e->config.max_connects;
}

/* The pair that comes next, if it is one: places of a round or the last pass may be none. */
static enum source next_pair(const struct probe_engine *e, uint64_t *ret_pair)
{
	if (e->untracked.n_returned) {
		*ret_pair = e->untracked.returned[e->untracked.n_returned - 1];
		return FROM_RETURNED;
	}
	if (e->n_again < e->config.n_again) {
		*ret_pair = e->config.again[e->n_again];
		return FROM_AGAIN;
	}
	if (e->at < e->n_pairs) {
		*ret_pair = plan_at(&e->plan, e->at);
		return FROM_PLAN;
	}
	if (engine_in_round(e)) {
		*ret_pair = plan_at(&e->plan, e->untracked.at);
		return FROM_ROUND;
	}
	if (engine_asks_again(e)) {
		*ret_pair = plan_at(&e->plan, e->last_pass.at);
		return FROM_PASS;
	}
	return NOWHERE;
}

/* Whether the last pass, or what follows it, asks a pair if it is marked. */
static bool asks_more(const struct probe_engine *e, uint64_t pair)
{
	struct addr target;

	if (!e->last_pass.n_more || e->last_pass.thorough)
		return true;
	if (!marks_has(e->last_pass.silent, pair))
		return false;
	target = engine_target(e, pair % e->n_targets);
	return engine_is_apart(e, &e->lanes[e->units[pair / e->n_targets].lane], &target);
}

/* Return: false when there is nothing to be done at that place. */
static bool begin_pair(struct probe_engine *e, enum source source, uint64_t pair)
{
	switch (source) {
	case FROM_RETURNED:
		e->untracked.n_returned--;
		return marks_clear(e->untracked.open, pair);
	case FROM_ROUND:
		e->untracked.at = engine_next_place(e, e->untracked.at);
		return marks_clear(e->untracked.open, pair);
	case FROM_PASS:
		e->last_pass.at = engine_next_place(e, e->last_pass.at);
		if (!asks_more(e, pair) || !marks_clear(e->last_pass.silent, pair))
			return false;
		e->account.again++;
		return true;
	case FROM_AGAIN:
		e->n_again++;
		break;
	default:
		e->at = engine_next_place(e, e->at);
	}
	e->n_begun++;
	return true;
}

bool engine_wants_to_send(const struct probe_engine *e)
{
	const struct slot *ready = slots_peek_ready(&e->slots);
	uint64_t pair;

	if (e->stopped)
		return false;
	if (ready)
		return !blocked(e, engine_lane(e, ready));
	if (!slots_left(&e->slots) && (!e->untracked.open || e->untracked.blocked))
		return false;
	return next_pair(e, &pair) != NOWHERE &&
	       (e->n_connects < e->config.max_connects ||
		!blocked(e, &e->lanes[e->units[pair / e->n_targets].lane]));
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
	for (unsigned a = 0; lane->after && a < e->config.n_lanes; a++)
		if (lane->after & 1u << a && applies(&e->lanes[a], target, link))
			return false;
	return applies(lane, target, link);
}

/* The next hop is being asked: comes again soon at first, then more seldom. */
static void wait_for_route(struct probe_engine *e, uint64_t now_ns, struct slot *slot)
{
	uint64_t waited_ns;

	/* Of a retry, not what it waited for its turn. */
	if (slot->flags & SLOT_WAS_SENT && !(slot->flags & SLOT_ASKS))
		slot->sent_ns = now_ns;
	slot->flags |= SLOT_ASKS;
	waited_ns = now_ns - MIN(now_ns, slot->sent_ns);
	if (waited_ns >= e->config.timeout_ns) {
		engine_fail_slot(e, slot, -EHOSTUNREACH);
		return;
	}
	slot->state = SLOT_WAITING;
	waited_ns = MIN(MAX(waited_ns, (uint64_t)PROBE_ROUTE_WAIT_NS), (uint64_t)ROUTE_WAIT_MAX);
	slots_arm(&e->slots, slot, now_ns + waited_ns);
}

/* Where a gate is or was shut, earlier rounds may have left the pair out. */
static uint32_t try_of_round(const struct probe_engine *e, const struct prefix_gate *prefix)
{
	return prefix && prefix_is_apart(prefix) ? 0 : e->untracked.try;
}

/* Return: true when the pair has a slot that may be sent. */
static bool take_pair(struct probe_engine *e, uint64_t now_ns, enum source source, uint64_t pair,
		      struct probe_link *link, struct draft *ret_draft)
{
	uint32_t unit = (uint32_t)(pair / e->n_targets);
	uint64_t target = pair % e->n_targets;
	const struct probe_lane *lane = &e->lanes[e->units[unit].lane];
	struct draft d = { .target = engine_target(e, target) };
	bool needs_route = sends_frames(lane) || lane->after;
	int err = 0;

	if (needs_route) {
		err = e->config.route(e->config.route_ctx, &d.target, lane->module->via, link);
		d.routed = !err;
	}
	/* Of those begun before it is known. */
	if ((!err || err == -EAGAIN) && source == FROM_PLAN &&
	    !lane_begins(e, lane, &d.target, needs_route ? link : NULL)) {
		e->account.skipped++;
		return false;
	}
	d.hash = engine_hash(e, &d.target, e->units[unit].port);
	d.slot = slots_take(&e->slots, (uint32_t)d.hash);
	d.slot->target = target;
	d.slot->unit = unit;
	d.slot->sent_ns = now_ns;
	if (source == FROM_PASS) {
		d.slot->try = e->config.retries + 1;
		d.slot->flags = SLOT_LAST;
	} else if (source == FROM_ROUND || source == FROM_RETURNED) {
		d.slot->try = try_of_round(e, engine_prefix(e, lane, &d.target));
	}
	if (err == -EAGAIN) {
		e->n_asked++;
		wait_for_route(e, now_ns, d.slot);
	} else if (err) {
		engine_fail_slot(e, d.slot, err);
	}
	*ret_draft = d;
	return !err;
}

/*
 * The pair goes without a slot, or is left for a later round. Return: whether it can; otherwise it
 * was not begun. @ret_draft->slot is NULL when there is nothing to be sent.
 */
static bool take_untracked(struct probe_engine *e, uint64_t now_ns, enum source source,
			   uint64_t pair, struct probe_link *link, struct draft *ret_draft)
{
	uint32_t unit = (uint32_t)(pair / e->n_targets);
	const struct probe_lane *lane = &e->lanes[e->units[unit].lane];
	struct draft d = { .pair = pair, .routed = true };
	struct prefix_gate *prefix;
	bool gated;

	if (!engine_goes_untracked(e, e->units[unit].lane) || source == FROM_RETURNED)
		return false;
	*ret_draft = d;
	if ((source == FROM_ROUND && !marks_has(e->untracked.open, pair)) ||
	    (source == FROM_PASS &&
	     (!marks_has(e->last_pass.silent, pair) || !asks_more(e, pair)))) {
		(void)begin_pair(e, source, pair);
		return true;
	}
	d.target = engine_target(e, pair % e->n_targets);
	prefix = engine_prefix(e, lane, &d.target);
	gated = prefix && prefix->gap_ns;
	if (d.target.scope || (gated && e->untracked.try == e->config.retries) ||
	    e->config.route(e->config.route_ctx, &d.target, lane->module->via, link))
		return false;
	(void)begin_pair(e, source, pair);
	if (source == FROM_PLAN && !lane_begins(e, lane, &d.target, link)) {
		e->account.skipped++;
		return true;
	}
	if (gated) {
		marks_set(e->untracked.open, pair);
		return true;
	}
	d.hash = engine_hash(e, &d.target, e->units[unit].port);
	d.slot = &e->untracked.slot;
	*d.slot = (struct slot){ .target = pair % e->n_targets,
				 .unit = unit,
				 .hash = (uint32_t)d.hash,
				 .try = engine_untracked_try(e),
				 .sent_ns = now_ns };
	*ret_draft = d;
	return true;
}

/*
 * The next of the plan. Return: false when there is none now. @ret_draft->slot is NULL when it
 * waits for its next hop, which is being asked for: that counts like a probe.
 */
static bool take_planned(struct probe_engine *e, uint64_t now_ns, struct probe_link *link,
			 struct draft *ret_draft)
{
	size_t n_asked = e->n_asked;

	for (unsigned i = 0; i < STEPS_A_CALL; i++) {
		uint64_t pair;
		enum source source = next_pair(e, &pair);

		if (source == NOWHERE || blocked(e, &e->lanes[e->units[pair / e->n_targets].lane]))
			return false;
		if (slots_left(&e->slots)) {
			e->untracked.blocked = false;
			if (!begin_pair(e, source, pair))
				continue;
			if (take_pair(e, now_ns, source, pair, link, ret_draft))
				return true;
			ret_draft->slot = NULL;
			if (e->n_asked != n_asked)
				return true;
		} else if (!take_untracked(e, now_ns, source, pair, link, ret_draft)) {
			e->untracked.blocked = true;
			e->account.brakes[PROBE_BRAKE_TABLE]++;
			return false;
		} else if (ret_draft->slot) {
			return true;
		}
	}
	return false;
}

/* What is to be sent next: first what waits for it, then the plan. */
static bool take(struct probe_engine *e, uint64_t now_ns, struct probe_link *link,
		 struct draft *ret_draft)
{
	struct slot *slot;

	while ((slot = slots_peek_ready(&e->slots))) {
		if (slot->flags & (SLOT_ANSWERED | SLOT_SILENT)) {
			slots_pop_ready(&e->slots);
			slots_free(&e->slots, slot);
			continue;
		}
		if (blocked(e, engine_lane(e, slot)))
			return false;
		slots_pop_ready(&e->slots);
		*ret_draft =
			(struct draft){ .slot = slot, .target = engine_target(e, slot->target) };
		return true;
	}
	return take_planned(e, now_ns, link, ret_draft);
}

static bool is_untracked(const struct probe_engine *e, const struct draft *d)
{
	return d->slot == &e->untracked.slot;
}

static uint16_t source_port(const struct probe_engine *e, unsigned lane, uint32_t try)
{
	uint16_t n = e->config.n_source_ports;

	return n ? (uint16_t)(e->config.source_port + (lane + try) % n) : 0;
}

/* Return: bytes, or 0 when it does not fit. */
static size_t write_shot(struct probe_engine *e, uint64_t now_ns, const struct draft *d,
			 const struct probe_link *link, uint8_t *frame)
{
	const struct slot *slot = d->slot;
	const struct unit *unit = engine_unit(e, slot);
	const struct probe_lane *lane = &e->lanes[unit->lane];
	struct probe_shot shot = {
		.target = d->target,
		.port = unit->port,
		.source_port = source_port(e, unit->lane, slot->try),
		.ttl = lane->ttl,
		.id = engine_hash_id(slot->hash),
		.sequence = engine_sequence(unit->lane, slot->try),
		.size = e->config.payload_len,
		.link = link,
		.no_source = e->config.no_source,
		.mark = { .generation = slot->generation, .try = slot->try, .sent_ns = now_ns },
	};

	if (carries_cookie(lane))
		shot.cookie = engine_cookie(
			d->hash ? d->hash : engine_hash(e, &d->target, unit->port), unit->lane);
	if (!is_untracked(e, d))
		shot.mark.slot = slots_index(&e->slots, slot);
	if (lane->module->via == PROBE_VIA_ICMP)
		shot.mark.tag = engine_tag(e, &d->target, &shot.mark);
	return lane->module->write(&shot, frame, e->frame_cap);
}

/*
 * How long a try is left alone. The last one has the whole time-out; an earlier one about half of
 * it, for its answer still counts when the next try has left. But a next try ends the connection of
 * the one before. It differs by a quarter between groups of slots, so that what was lost in one
 * burst is not sent in one burst again; single slots would do that better, but then those that are
 * due together lie all over the memory, which takes twice the time.
 */
static uint64_t patience_ns(const struct probe_engine *e, const struct slot *slot)
{
	const struct probe_lane *lane = engine_lane(e, slot);
	uint64_t timeout_ns = e->config.timeout_ns;
	uint32_t group = slots_index(&e->slots, slot) / 64;

	if (lane->each || slot->try >= e->config.retries || engine_connects(lane))
		return timeout_ns;
	return timeout_ns / 8 * 3 + timeout_ns / 64 * (group * 0x9e3779b1 >> 28);
}

/* The host's gate, or else its prefix's. Return: whether it was shut: then @ret_when_ns is set. */
static bool ask_gates(struct probe_engine *e, uint64_t now_ns, const struct draft *d,
		      struct prefix_gate *prefix, uint64_t *ret_when_ns)
{
	struct slot *slot = d->slot;
	struct gate *gate = NULL;
	bool turn;

	if (engine_lane(e, slot)->module->via == PROBE_VIA_UDP)
		gate = engine_gate(e, &d->target);
	if (gate && gate->gap_us)
		turn = gate_enter(gate, now_ns, ret_when_ns);
	else if (prefix && prefix->gap_ns)
		turn = prefix_enter(prefix, now_ns, slot->sent_ns, slot->flags & SLOT_LOST,
				    ret_when_ns);
	else
		return false;
	if (!turn)
		return true;
	slot->flags |= SLOT_TURN;
	/* What it waited here is not waiting for its next hop. */
	if (!engine_lane(e, slot)->each && !(slot->flags & SLOT_WAS_SENT))
		slot->sent_ns = *ret_when_ns;
	return true;
}

/* Return: whether the probe must wait for its turn at a gate. */
static bool waits_at_gate(struct probe_engine *e, uint64_t now_ns, const struct draft *d,
			  struct prefix_gate *prefix)
{
	struct slot *slot = d->slot;
	uint64_t when_ns;

	if (slot->flags & SLOT_TURN || !ask_gates(e, now_ns, d, prefix, &when_ns) ||
	    when_ns == now_ns)
		return false;
	slot->state = SLOT_WAITING;
	slots_arm(&e->slots, slot, when_ns);
	return true;
}

static void count_send(struct probe_engine *e, uint64_t now_ns, struct prefix_gate *prefix)
{
	e->account.sent++;
	if (prefix) {
		prefix_sent(prefix, now_ns);
		prefix_sent(&e->prefixes->line, now_ns);
	}
	if (!e->first_send_ns)
		e->first_send_ns = now_ns;
	e->last_send_ns = now_ns;
}

/* It is in flight now, and waits for its answer. */
static void follow_send(struct probe_engine *e, uint64_t now_ns, struct slot *slot,
			const struct prefix_gate *prefix)
{
	const struct probe_lane *lane = engine_lane(e, slot);
	uint64_t due_ns = slot->sent_ns;
	/* The next of a burst follows once, even when this one has to be sent again. */
	bool begins = lane->each && !(slot->flags & SLOT_WAS_SENT);

	slot->state = SLOT_SENT;
	slot->flags &= (uint16_t)~SLOT_ASKS;
	slot->flags |= SLOT_WAS_SENT;
	if (prefix && e->prefixes->line.gap_ns)
		slot->flags |= SLOT_TURN;
	slot->sent_ns = now_ns;
	slots_arm(&e->slots, slot, now_ns + patience_ns(e, slot));
	e->n_in_flight++;
	e->n_connects += engine_connects(lane);
	if (!slot->try && engine_judges_by(lane) && !(prefix && prefix_is_apart(prefix)))
		pace_first(&e->pace, now_ns);
	if (begins && !engine_continue_burst(e, now_ns, slot, due_ns + e->config.interval_ns))
		slot->flags |= SLOT_CONTINUES;
}

/* How it is reached and what it says. Return: 0, or -errno as config->route. */
static int prepare(struct probe_engine *e, uint64_t now_ns, const struct draft *d, size_t place,
		   struct probe_send *ret_send)
{
	const struct probe_lane *lane = engine_lane(e, d->slot);
	uint8_t *frame = e->frames + place * e->frame_cap;
	struct probe_link *link = sends_frames(lane) ? &e->links[place] : NULL, *named = link;
	size_t len = 0;
	int err = 0;

	if (link && !d->routed)
		err = e->config.route(e->config.route_ctx, &d->target, lane->module->via, link);
	if (!link && lane->module->names_us &&
	    lane->module->names_us(engine_unit(e, d->slot)->port) && e->config.route &&
	    !e->config.route(e->config.route_ctx, &d->target, lane->module->via, &e->links[place]))
		named = &e->links[place];
	if (!err && lane->module->write) {
		len = write_shot(e, now_ns, d, named, frame);
		err = len ? 0 : -EMSGSIZE;
	}
	if (err)
		return err;
	*ret_send = (struct probe_send){
		.via = lane->module->via,
		.target = d->target,
		.port = engine_unit(e, d->slot)->port,
		.ttl = lane->ttl,
		.link = link,
		.data = frame,
		.len = len,
	};
	return 0;
}

static bool send_untracked(struct probe_engine *e, uint64_t now_ns, const struct draft *d,
			   size_t place, struct probe_send *ret_send)
{
	if (prepare(e, now_ns, d, place, ret_send)) {
		marks_set(e->untracked.open, d->pair);
		engine_return_untracked(e, d->pair);
		return false;
	}
	ret_send->id = UNTRACKED | d->pair;
	engine_sent_untracked(e, now_ns, d->pair);
	count_send(e, now_ns, engine_prefix(e, engine_lane(e, d->slot), &d->target));
	return true;
}

/* Return: true when @ret_send was filled. */
static bool send_draft(struct probe_engine *e, uint64_t now_ns, const struct draft *d, size_t place,
		       struct probe_send *ret_send)
{
	struct slot *slot = d->slot;
	struct prefix_gate *prefix;
	int err;

	if (is_untracked(e, d))
		return send_untracked(e, now_ns, d, place, ret_send);
	prefix = engine_prefix(e, engine_lane(e, slot), &d->target);
	if (waits_at_gate(e, now_ns, d, prefix))
		return false;
	err = prepare(e, now_ns, d, place, ret_send);
	if (err == -EAGAIN) {
		wait_for_route(e, now_ns, slot);
		return false;
	}
	if (err) {
		engine_fail_slot(e, slot, err);
		return false;
	}
	ret_send->id = ret_send->slot = slots_index(&e->slots, slot);
	ret_send->token = engine_token(slot);
	count_send(e, now_ns, prefix);
	follow_send(e, now_ns, slot, prefix);
	return true;
}

size_t probe_engine_output(struct probe_engine *e, uint64_t now_ns, struct probe_send *ret_sends,
			   size_t max)
{
	uint64_t budget;
	size_t n = 0;

	pace_judge(&e->pace, now_ns);
	budget = e->stopped ? 0 : pace_budget(&e->pace, now_ns);

	e->n_asked = 0;
	max = MIN(max, (size_t)ENGINE_BATCH);
	if (max > budget)
		max = (size_t)budget;
	for (unsigned i = 0; i < STEPS_A_CALL && n + e->n_asked < max; i++) {
		struct draft d;

		if (!take(e, now_ns, &e->links[n], &d))
			break;
		if (d.slot)
			n += send_draft(e, now_ns, &d, n, &ret_sends[n]);
	}
	pace_spend(&e->pace, n + e->n_asked);
	return n;
}

/* The machine's queues are full: slower. Return: false when it is the probe that cannot leave. */
static bool hold(struct probe_engine *e, uint64_t now_ns, int err)
{
	if (err != -ENOBUFS && err != -EAGAIN && err != -ENOMEM)
		return false;
	e->account.held++;
	e->account.brakes[PROBE_BRAKE_LOCAL] += pace_slow(&e->pace, now_ns);
	return true;
}

/* With a slot it will be known what became of it. */
static void unsent_untracked(struct probe_engine *e, uint64_t now_ns, uint64_t pair, int err)
{
	if (!e->untracked.open || pair >= e->n_pairs || !marks_has(e->untracked.open, pair))
		return;
	e->account.sent--;
	e->account.untracked--;
	(void)hold(e, now_ns, err);
	engine_return_untracked(e, pair);
}

void probe_engine_unsent(struct probe_engine *e, uint64_t now_ns, uint64_t id, int err)
{
	struct slot *slot;

	if (id & UNTRACKED) {
		unsent_untracked(e, now_ns, id & ~UNTRACKED, err);
		return;
	}
	slot = slots_at(&e->slots, (uint32_t)id);
	if (!slot || slot->state != SLOT_SENT)
		return;
	slots_disarm(&e->slots, slot);
	e->account.sent--;
	e->n_in_flight--;
	e->n_connects -= engine_connects(engine_lane(e, slot));
	if (hold(e, now_ns, err))
		slots_push_ready(&e->slots, slot, true);
	else
		engine_fail_slot(e, slot, err);
}
