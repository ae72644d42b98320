/*
 * From a packet to what it means: the slot that it answers, and whether that is an answer, a late
 * one or one more.
 */
#include <string.h>

#include "probe/engine_private.h"

static bool in_flight(const struct slot *slot)
{
	return slot->state == SLOT_SENT ||
	       ((slot->state == SLOT_WAITING || slot->state == SLOT_READY) &&
		(slot->flags & (SLOT_WAS_SENT | SLOT_ANSWERED | SLOT_SILENT)) == SLOT_WAS_SENT);
}

static struct slot *find_by_mark(struct probe_engine *e, const struct probe_module *module,
				 const struct probe_answer *answer)
{
	const struct probe_mark *mark = &answer->mark;
	struct slot *slot = slots_at(&e->slots, mark->slot);
	struct addr target;

	if (!slot || slot->generation != mark->generation ||
	    engine_lane(e, slot)->module != module || mark->try > slot->try)
		return NULL;
	target = engine_target(e, slot->target);
	return engine_tag(e, &target, mark) == mark->tag ? slot : NULL;
}

/* Is @slot what an answer with that sequence number is for? @ret_try: cut to 16 bits. */
static bool try_from_sequence(const struct probe_engine *e, const struct slot *slot,
			      uint16_t sequence, uint16_t *ret_try)
{
	uint16_t try = (uint16_t)(sequence - engine_sequence(engine_unit(e, slot)->lane, 0));

	*ret_try = try;
	if (engine_lane(e, slot)->each)
		return (uint16_t)slot->try == try;
	return try <= slot->try;
}

/* Is it one of the ports that probes leave from? */
static bool is_ours(const struct probe_engine *e, uint16_t source_port)
{
	return (uint16_t)(source_port - e->config.source_port) < e->config.n_source_ports;
}

/* The first of a pair's tries that leaves from one of our ports. */
static uint32_t try_from_port(const struct probe_engine *e, unsigned lane, uint16_t source_port)
{
	uint32_t n = e->config.n_source_ports;

	return ((uint16_t)(source_port - e->config.source_port) + n - lane % n) % n;
}

/* Of several for one target: what is in flight before ghosts; then the oldest, of ghosts the
 * newest. */
static bool better(const struct slot *a, const struct slot *b)
{
	if (!b || in_flight(a) != in_flight(b))
		return !b || in_flight(a);
	return in_flight(a) ? a->sent_ns < b->sent_ns : a->sent_ns > b->sent_ns;
}

static struct slot *find_by_target(struct probe_engine *e, const struct probe_module *module,
				   const struct probe_packet *packet,
				   const struct probe_answer *answer)
{
	uint64_t wide = engine_hash(e, &answer->target, answer->port);
	uint32_t hash = (uint32_t)wide;
	struct slot *found = NULL;

	if (answer->match == PROBE_BY_ID) {
		/* A reply to a probe with a mark has one too, or is made up. */
		if (answer->kind == PROBE_REPLY && e->config.payload_len >= PROBE_MARK_LEN)
			return NULL;
		if (!packet->id_is_foreign && answer->id != engine_hash_id(hash))
			return NULL;
	}
	for (struct slot *s = slots_first(&e->slots, hash); s; s = slots_next(&e->slots, s)) {
		struct addr target;
		uint16_t try;

		if (!(s->flags & SLOT_WAS_SENT) || engine_lane(e, s)->module != module)
			continue;
		if (answer->match == PROBE_BY_ID &&
		    !try_from_sequence(e, s, answer->sequence, &try))
			continue;
		if (answer->match == PROBE_BY_COOKIE &&
		    (answer->cookie != engine_cookie(wide, engine_unit(e, s)->lane) ||
		     !is_ours(e, answer->source_port)))
			continue;
		target = engine_target(e, s->target);
		if (engine_unit(e, s)->port == answer->port &&
		    !memcmp(target.bytes, answer->target.bytes, sizeof(target.bytes)) &&
		    better(s, found))
			found = s;
	}
	return found;
}

static struct slot *find_slot(struct probe_engine *e, const struct probe_module *module,
			      const struct probe_packet *packet, const struct probe_answer *answer)
{
	struct slot *slot;

	switch (answer->match) {
	case PROBE_BY_MARK:
		return find_by_mark(e, module, answer);
	case PROBE_BY_SLOT:
		slot = slots_at(&e->slots, packet->slot);
		return slot && slot->state == SLOT_SENT && engine_token(slot) == packet->token
			       ? slot
			       : NULL;
	case PROBE_BY_TARGET:
	case PROBE_BY_ID:
	case PROBE_BY_COOKIE:
		break;
	}
	return find_by_target(e, module, packet, answer);
}

static void describe(const struct probe_packet *packet, const struct probe_answer *answer,
		     struct probe_event *event)
{
	event->kind = answer->kind;
	event->responder = answer->responder;
	event->mac = answer->mac;
	event->ttl = packet->ttl;
	event->ifindex = packet->ifindex;
	event->size = answer->size;
	event->icmp_type = answer->icmp_type;
	event->icmp_code = answer->icmp_code;
	event->mtu = answer->mtu;
	event->labels = answer->labels;
	event->error = answer->error;
}

/* Which try was answered and how long it took, as far as the answer tells. */
static void measure(const struct probe_engine *e, const struct slot *slot,
		    const struct probe_packet *packet, const struct probe_answer *answer, bool each,
		    struct probe_event *event)
{
	bool last = answer->match == PROBE_BY_SLOT || each || !slot->try;
	uint16_t try;

	if (answer->match == PROBE_BY_MARK) {
		event->try = answer->mark.try;
		event->sent_ns = answer->mark.sent_ns;
		last = true;
	} else if (answer->match == PROBE_BY_COOKIE) {
		/* Further tries may have left from the same port. */
		event->try = MIN(try_from_port(e, engine_unit(e, slot)->lane, answer->source_port),
				 slot->try);
		last = event->try == slot->try && slot->try < e->config.n_source_ports;
	} else if (answer->match == PROBE_BY_ID && !each &&
		   try_from_sequence(e, slot, answer->sequence, &try)) {
		event->try = try;
		last = try == slot->try;
	}
	if (last)
		event->rtt_ns = packet->rx_ns > event->sent_ns
					? (int64_t)(packet->rx_ns - event->sent_ns)
					: 0;
}

/* A lane that waited for this answer begins. */
static void begin_waiting_lane(struct probe_engine *e, uint64_t now_ns, const struct slot *from,
			       const struct addr *target)
{
	uint8_t lane = e->then[engine_unit(e, from)->lane];
	struct probe_link link = { 0 };
	struct slot *slot;

	if (!lane || e->stopped ||
	    e->config.route(e->config.route_ctx, target, e->lanes[lane - 1].module->via, &link))
		return;
	if (e->lanes[lane - 1].module->applies &&
	    !e->lanes[lane - 1].module->applies(target, &link))
		return;
	/* One is always free: that of the lane that was answered. */
	slot = slots_take(&e->slots, from->hash);
	if (!slot)
		return;
	slot->target = from->target;
	while (e->units[slot->unit].lane != lane - 1)
		slot->unit++;
	slot->sent_ns = now_ns;
	slots_push_ready(&e->slots, slot, false);
	e->account.skipped--;
}

/*
 * What an answer tells of the pace, and of its prefix's. When the plan is through, only what waits
 * at gates still has first tries; in the last pass nothing has. What went without a slot has no
 * time, and is retried too late to be compared.
 */
static void judge(struct probe_engine *e, uint64_t now_ns, const struct slot *slot,
		  const struct probe_event *event)
{
	const struct probe_lane *lane = engine_lane(e, slot);
	struct prefix_gate *prefix = engine_prefix(e, lane, &event->target);
	struct prefix_gate *line = engine_line(e, lane);
	bool lost;

	if (!(slot->flags & SLOT_WAS_SENT))
		return;
	if (!event->try && event->rtt_ns >= 0 && engine_judges_by(lane) &&
	    !(prefix && prefix_is_apart(prefix)))
		pace_found(&e->pace, event->sent_ns, (uint64_t)event->rtt_ns);
	if (!prefix || slot->flags & SLOT_LAST)
		return;
	lost = slot->flags & SLOT_LOST && (slot->flags & SLOT_LOST_AT) == engine_lost_at(e, prefix);
	if (line->gap_ns || (!engine_all_begun(e) && !pace_knows(&e->pace))) {
		e->account.brakes[PROBE_BRAKE_LOSS] +=
			prefix_answered(e->prefixes, line, now_ns, event->try, lost);
		pace_hold(&e->pace, now_ns, line->gap_ns);
	}
	if (!line->gap_ns && (prefix->gap_ns || !engine_all_begun(e)))
		e->account.brakes[PROBE_BRAKE_PREFIX] +=
			prefix_answered(e->prefixes, prefix, now_ns, event->try, lost);
}

static void count_answer(struct probe_engine *e, uint64_t now_ns, struct slot *slot,
			 struct probe_event *event)
{
	event->outcome = PROBE_ANSWERED;
	if (event->kind != PROBE_REPLY) {
		/* an answer of the target itself would come late */
		slot->flags |= SLOT_SILENT | SLOT_REFUSED;
		e->account.errors++;
		return;
	}
	slot->flags |= SLOT_ANSWERED;
	e->account.answered++;
	if (engine_lane(e, slot)->each)
		return;
	judge(e, now_ns, slot, event);
	e->n_found++;
	e->n_first += !event->try;
	e->n_last += event->try == e->config.retries;
	e->n_extra += event->try > e->config.retries;
	e->account.again_found += !!(slot->flags & SLOT_LAST);
}

static int answer_in_flight(struct probe_engine *e, uint64_t now_ns, struct slot *slot,
			    struct probe_event *event)
{
	struct slot was = *slot;

	count_answer(e, now_ns, slot, event);
	engine_release(e, now_ns, slot);
	if (event->kind == PROBE_REPLY)
		begin_waiting_lane(e, now_ns, &was, &event->target);
	return 1;
}

/* A late answer of one whose silence was not told, because it waits for the last pass. */
static bool answer_untold(struct probe_engine *e, uint64_t now_ns, struct slot *slot,
			  struct probe_event *event)
{
	struct slot was = *slot;

	if (!e->last_pass.silent || !(slot->flags & SLOT_SILENT) || slot->flags & SLOT_REFUSED ||
	    engine_lane(e, slot)->each || !marks_clear(e->last_pass.silent, engine_pair(e, slot)))
		return false;
	count_answer(e, now_ns, slot, event);
	if (event->kind == PROBE_REPLY)
		begin_waiting_lane(e, now_ns, &was, &event->target);
	return true;
}

static int answer_ghost(struct probe_engine *e, uint64_t now_ns, struct slot *slot,
			enum probe_match match, struct probe_event *event)
{
	bool reply = event->kind == PROBE_REPLY;

	if (slot->flags & SLOT_ANSWERED) {
		event->outcome = PROBE_DUPLICATE;
		/* One more ARP reply may be for a request of the kernel's own. */
		e->account.duplicate += reply && match != PROBE_BY_TARGET;
		return reply;
	}
	if (answer_untold(e, now_ns, slot, event))
		return 1;
	if (!(slot->flags & SLOT_SILENT) || (!reply && slot->flags & SLOT_REFUSED))
		return 0;
	event->outcome = PROBE_LATE;
	e->account.late += reply;
	slot->flags |= reply ? SLOT_ANSWERED : SLOT_REFUSED;
	return 1;
}

/* Whether the answer's mark or cookie proves that its target was asked by a lane of @module. */
static bool was_asked(const struct probe_engine *e, const struct probe_module *module,
		      const struct probe_answer *answer, uint8_t *ret_lane)
{
	uint64_t hash = 0;

	if (answer->match == PROBE_BY_COOKIE && is_ours(e, answer->source_port))
		hash = engine_hash(e, &answer->target, answer->port);
	else if (answer->match != PROBE_BY_MARK ||
		 engine_tag(e, &answer->target, &answer->mark) != answer->mark.tag)
		return false;
	for (uint8_t lane = 0; lane < e->config.n_lanes; lane++) {
		if (e->lanes[lane].module != module ||
		    (answer->match == PROBE_BY_COOKIE &&
		     answer->cookie != engine_cookie(hash, lane)))
			continue;
		*ret_lane = lane;
		return true;
	}
	return false;
}

/*
 * A pair without a slot, or whose slot serves another by now, that is still asked, or silent so far
 * and not told: its cookie was proved. What is found in a round tells nothing of the pace.
 */
static bool answer_marked(struct probe_engine *e, uint8_t lane, const struct probe_packet *packet,
			  const struct probe_answer *answer, struct probe_event *ret_event)
{
	struct marks *open = e->untracked.open, *silent = e->last_pass.silent;
	struct slot slot = { .try = e->config.retries };
	uint64_t pair;

	if ((!open && !silent) || !engine_find_pair(e, &answer->target, lane, answer->port, &pair))
		return false;
	if (open && marks_clear(open, pair)) {
		slot.try = engine_untracked_try(e);
		slot.flags = e->last_pass.began_asking ? SLOT_LAST : 0;
	} else if (!silent || !marks_clear(silent, pair)) {
		return false;
	}
	slot.target = pair % e->n_targets;
	slot.unit = (uint32_t)(pair / e->n_targets);
	slot.try = MIN(slot.try, try_from_port(e, lane, answer->source_port));
	engine_describe_slot(e, &slot, PROBE_ANSWERED, ret_event);
	describe(packet, answer, ret_event);
	if (!ret_event->responder.family && answer->kind == PROBE_REPLY)
		ret_event->responder = ret_event->target;
	count_answer(e, packet->rx_ns, &slot, ret_event);
	e->account.stateless++;
	return true;
}

/*
 * No slot is that of the probe, but what the answer carries proves that we asked. Of one that was
 * told already, a cookie does not say when it was asked: such an answer is called late, so that
 * nobody is missed.
 */
static int answer_forgotten(struct probe_engine *e, const struct probe_module *module,
			    const struct probe_packet *packet, const struct probe_answer *answer,
			    struct probe_event *ret_event)
{
	const struct probe_mark *mark = &answer->mark;
	uint64_t rtt_ns = packet->rx_ns - MIN(packet->rx_ns, mark->sent_ns);
	bool dated = answer->match == PROBE_BY_MARK;
	bool late = !dated || rtt_ns > e->config.timeout_ns;
	uint8_t lane;

	if (!was_asked(e, module, answer, &lane))
		return 0;
	if (!dated && answer_marked(e, lane, packet, answer, ret_event))
		return 1;
	if (answer->kind != PROBE_REPLY)
		return 0;
	*ret_event = (struct probe_event){
		.outcome = late ? PROBE_LATE : PROBE_DUPLICATE,
		.lane = lane,
		.port = answer->port,
		.target_index = UINT64_MAX,
		.target = answer->target,
		.try = mark->try,
		.rtt_ns = dated ? (int64_t)rtt_ns : -1,
		.sent_ns = mark->sent_ns,
	};
	e->account.stateless++;
	e->account.late += late;
	e->account.duplicate += !late;
	describe(packet, answer, ret_event);
	return 1;
}

/* The pair's slot of the last pass, if @slot is that of an earlier try of it. */
static struct slot *latest(struct probe_engine *e, struct slot *slot)
{
	if (!e->last_pass.began_asking || in_flight(slot) || slot->flags & SLOT_LAST)
		return slot;
	for (struct slot *s = slots_first(&e->slots, slot->hash); s; s = slots_next(&e->slots, s))
		if (s->target == slot->target && s->unit == slot->unit && s->flags & SLOT_LAST)
			return s;
	return slot;
}

int probe_engine_input(struct probe_engine *e, uint64_t now_ns, const struct probe_packet *packet,
		       struct probe_event *ret_event)
{
	const struct probe_module *module = NULL;
	struct probe_answer answer;
	struct probe_event event;
	struct slot *slot;

	for (unsigned i = 0; i < e->n_modules && !module; i++) {
		answer = (struct probe_answer){ 0 };
		if (e->modules[i]->via == packet->via && e->modules[i]->read(packet, &answer))
			module = e->modules[i];
	}
	if (!module)
		return 0;
	slot = find_slot(e, module, packet, &answer);
	if (!slot)
		return answer_forgotten(e, module, packet, &answer, ret_event);
	slot = latest(e, slot);
	engine_describe_slot(e, slot, PROBE_ANSWERED, &event);
	describe(packet, &answer, &event);
	if (!event.responder.family && answer.kind == PROBE_REPLY)
		event.responder = event.target;
	measure(e, slot, packet, &answer, engine_lane(e, slot)->each, &event);
	if (packet->via == PROBE_VIA_UDP && answer.kind == PROBE_UNREACHABLE &&
	    addr_eq(&answer.responder, &event.target))
		gate_answered(engine_gate(e, &event.target));
	if (in_flight(slot) ? !answer_in_flight(e, now_ns, slot, &event)
			    : !answer_ghost(e, now_ns, slot, answer.match, &event))
		return 0;
	*ret_event = event;
	return 1;
}
