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

/* Is @slot what an answer with that sequence number is for? */
static bool sequence_fits(const struct probe_engine *e, const struct slot *slot, uint16_t sequence)
{
	if (engine_lane(e, slot)->each)
		return (uint16_t)slot->try == sequence;
	return sequence <= slot->try;
}

/* The first of a slot's tries that left from @source_port. Return: false when none did. */
static bool try_from_port(const struct probe_engine *e, const struct slot *slot,
			  uint16_t source_port, uint32_t *ret_try)
{
	uint32_t try = (uint16_t)(source_port - e->config.source_port);

	*ret_try = try;
	return try < e->config.n_source_ports && try <= slot->try;
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
		uint32_t try;

		if (!(s->flags & SLOT_WAS_SENT) || engine_lane(e, s)->module != module)
			continue;
		if (answer->match == PROBE_BY_ID && !sequence_fits(e, s, answer->sequence))
			continue;
		if (answer->match == PROBE_BY_COOKIE &&
		    (answer->cookie != engine_cookie(wide, s->lane) ||
		     !try_from_port(e, s, answer->source_port, &try)))
			continue;
		target = engine_target(e, s->target);
		if (s->port == answer->port &&
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
	event->error = answer->error;
}

/* Which try was answered and how long it took, as far as the answer tells. */
static void measure(const struct probe_engine *e, const struct slot *slot,
		    const struct probe_packet *packet, const struct probe_answer *answer, bool each,
		    struct probe_event *event)
{
	bool last = answer->match == PROBE_BY_SLOT || each || !slot->try;

	if (answer->match == PROBE_BY_MARK) {
		event->try = answer->mark.try;
		event->sent_ns = answer->mark.sent_ns;
		last = true;
	} else if (answer->match == PROBE_BY_COOKIE &&
		   try_from_port(e, slot, answer->source_port, &event->try)) {
		/* Further tries may have left from the same port. */
		last = event->try == slot->try && slot->try < e->config.n_source_ports;
	} else if (answer->match == PROBE_BY_ID && !each) {
		event->try = answer->sequence;
		last = answer->sequence == slot->try;
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
	uint8_t lane = e->then[from->lane];
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
	slot->lane = lane - 1;
	slot->timer.deadline_ns = now_ns;
	slots_push_ready(&e->slots, slot, false);
	e->account.skipped--;
}

static int answer_in_flight(struct probe_engine *e, uint64_t now_ns, struct slot *slot,
			    struct probe_event *event)
{
	struct slot was = *slot;

	event->outcome = PROBE_ANSWERED;
	if (event->kind == PROBE_REPLY) {
		slot->flags |= SLOT_ANSWERED;
		e->account.answered++;
		if (!engine_lane(e, slot)->each) {
			e->n_found++;
			e->n_first += !event->try;
			e->n_last += event->try == e->config.retries;
		}
	} else {
		/* an answer of the target itself would come late */
		slot->flags |= SLOT_SILENT | SLOT_REFUSED;
		e->account.errors++;
	}
	engine_release(e, now_ns, slot);
	if (event->kind == PROBE_REPLY)
		begin_waiting_lane(e, now_ns, &was, &event->target);
	return 1;
}

static int answer_ghost(struct probe_engine *e, struct slot *slot, enum probe_match match,
			struct probe_event *event)
{
	bool reply = event->kind == PROBE_REPLY;

	if (slot->flags & SLOT_ANSWERED) {
		event->outcome = PROBE_DUPLICATE;
		/* One more ARP reply may be for a request of the kernel's own. */
		e->account.duplicate += reply && match != PROBE_BY_TARGET;
		return reply;
	}
	if (!(slot->flags & SLOT_SILENT) || (!reply && slot->flags & SLOT_REFUSED))
		return 0;
	event->outcome = PROBE_LATE;
	e->account.late += reply;
	slot->flags |= reply ? SLOT_ANSWERED : SLOT_REFUSED;
	return 1;
}

/* The slot serves another probe by now, but the tag proves that we asked. */
static int answer_forgotten(struct probe_engine *e, const struct probe_module *module,
			    const struct probe_packet *packet, const struct probe_answer *answer,
			    struct probe_event *ret_event)
{
	const struct probe_mark *mark = &answer->mark;
	uint64_t rtt_ns = packet->rx_ns - MIN(packet->rx_ns, mark->sent_ns);
	bool late = rtt_ns > e->config.timeout_ns;
	uint8_t lane = 0;

	if (answer->match != PROBE_BY_MARK || answer->kind != PROBE_REPLY ||
	    engine_tag(e, &answer->target, mark) != mark->tag)
		return 0;
	while (e->lanes[lane].module != module)
		lane++;
	*ret_event = (struct probe_event){
		.outcome = late ? PROBE_LATE : PROBE_DUPLICATE,
		.lane = lane,
		.target_index = UINT64_MAX,
		.target = answer->target,
		.try = mark->try,
		.rtt_ns = (int64_t)rtt_ns,
		.sent_ns = mark->sent_ns,
	};
	e->account.late += late;
	e->account.duplicate += !late;
	describe(packet, answer, ret_event);
	return 1;
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
	engine_describe_slot(e, slot, PROBE_ANSWERED, &event);
	describe(packet, &answer, &event);
	if (!event.responder.family && answer.kind == PROBE_REPLY)
		event.responder = event.target;
	measure(e, slot, packet, &answer, engine_lane(e, slot)->each, &event);
	if (in_flight(slot) ? !answer_in_flight(e, now_ns, slot, &event)
			    : !answer_ghost(e, slot, answer.match, &event))
		return 0;
	*ret_event = event;
	return 1;
}
