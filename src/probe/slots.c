#include "probe/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEAD  (1u << 31) /* in `before`: it is the first of that place on the wheel */
#define DUE   SLOT_N_TICKS
#define AHEAD INT32_MAX

int slots_init(struct slots *s, uint32_t n, uint64_t now_ns)
{
	*s = (struct slots){
		.n = n,
		.n_buckets = 16,
		.free = { SLOT_NONE, SLOT_NONE },
		.ready = { SLOT_NONE, SLOT_NONE },
		.failing = { SLOT_NONE, SLOT_NONE },
		.tick = now_ns / SLOT_TICK_NS,
	};
	memset(s->wheel, 0xff, sizeof(s->wheel));
	while (s->n_buckets < n)
		s->n_buckets *= 2;
	s->slots = calloc(n, sizeof(*s->slots));
	s->buckets = malloc(s->n_buckets * sizeof(*s->buckets));
	if (!s->slots || !s->buckets) {
		slots_done(s);
		return -ENOMEM;
	}
	memset(s->buckets, 0xff, s->n_buckets * sizeof(*s->buckets));
	return 0;
}

void slots_done(struct slots *s)
{
	free(s->slots);
	free(s->buckets);
	*s = (struct slots){ 0 };
}

static void queue_push(struct slots *s, struct slot_queue *q, struct slot *slot)
{
	uint32_t index = slots_index(s, slot);

	slot->next = SLOT_NONE;
	if (q->tail == SLOT_NONE)
		q->head = index;
	else
		s->slots[q->tail].next = index;
	q->tail = index;
}

static struct slot *queue_pop(struct slots *s, struct slot_queue *q)
{
	struct slot *slot;

	if (q->head == SLOT_NONE)
		return NULL;
	slot = &s->slots[q->head];
	q->head = slot->next;
	if (q->head == SLOT_NONE)
		q->tail = SLOT_NONE;
	return slot;
}

static void unchain(struct slots *s, const struct slot *slot)
{
	uint32_t index = slots_index(s, slot);
	uint32_t *at = &s->buckets[slot->hash & (s->n_buckets - 1)];

	while (*at != index)
		at = &s->slots[*at].chain;
	*at = slot->chain;
}

struct slot *slots_take(struct slots *s, uint32_t hash)
{
	uint32_t *bucket = &s->buckets[hash & (s->n_buckets - 1)];
	struct slot *slot;

	if (s->n_fresh < s->n) {
		slot = &s->slots[s->n_fresh++];
	} else {
		slot = queue_pop(s, &s->free);
		if (!slot)
			return NULL;
		unchain(s, slot);
	}
	*slot = (struct slot){
		.hash = hash,
		.chain = *bucket,
		.before = SLOT_NONE,
		.generation = (uint16_t)(slot->generation + 1),
	};
	*bucket = slots_index(s, slot);
	s->n_used++;
	return slot;
}

void slots_free(struct slots *s, struct slot *slot)
{
	slot->state = SLOT_FREE;
	queue_push(s, &s->free, slot);
	s->n_used--;
}

struct slot *slots_at(const struct slots *s, uint32_t index)
{
	return index < s->n_fresh ? &s->slots[index] : NULL;
}

static struct slot *with_hash(const struct slots *s, uint32_t at, uint32_t hash)
{
	while (at != SLOT_NONE && s->slots[at].hash != hash)
		at = s->slots[at].chain;
	return at == SLOT_NONE ? NULL : &s->slots[at];
}

struct slot *slots_first(const struct slots *s, uint32_t hash)
{
	return with_hash(s, s->buckets[hash & (s->n_buckets - 1)], hash);
}

struct slot *slots_next(const struct slots *s, const struct slot *slot)
{
	return with_hash(s, slot->chain, slot->hash);
}

void slots_push_ready(struct slots *s, struct slot *slot, bool front)
{
	slot->state = SLOT_READY;
	if (!front || s->ready.head == SLOT_NONE) {
		queue_push(s, &s->ready, slot);
		return;
	}
	slot->next = s->ready.head;
	s->ready.head = slots_index(s, slot);
}

struct slot *slots_peek_ready(const struct slots *s)
{
	return s->ready.head == SLOT_NONE ? NULL : &s->slots[s->ready.head];
}

void slots_pop_ready(struct slots *s)
{
	(void)queue_pop(s, &s->ready);
}

void slots_push_failing(struct slots *s, struct slot *slot, int err)
{
	slot->state = SLOT_FAILING;
	slot->error = err;
	queue_push(s, &s->failing, slot);
}

struct slot *slots_pop_failing(struct slots *s)
{
	return queue_pop(s, &s->failing);
}

static void link_timer(struct slots *s, struct slot *slot, uint32_t place)
{
	uint32_t index = slots_index(s, slot);

	slot->next = s->wheel[place];
	slot->before = HEAD | place;
	if (slot->next != SLOT_NONE)
		s->slots[slot->next].before = index;
	s->wheel[place] = index;
	if (place != DUE)
		s->used_ticks[place / 64] |= UINT64_C(1) << place % 64;
}

void slots_disarm(struct slots *s, struct slot *slot)
{
	uint32_t before = slot->before, place = before & ~HEAD;

	if (before == SLOT_NONE)
		return;
	slot->before = SLOT_NONE;
	if (slot->next != SLOT_NONE)
		s->slots[slot->next].before = before;
	if (!(before & HEAD)) {
		s->slots[before].next = slot->next;
		return;
	}
	s->wheel[place] = slot->next;
	if (slot->next == SLOT_NONE && place != DUE)
		s->used_ticks[place / 64] &= ~(UINT64_C(1) << place % 64);
}

void slots_arm(struct slots *s, struct slot *slot, uint64_t deadline_ns)
{
	uint64_t tick = deadline_ns / SLOT_TICK_NS + (deadline_ns % SLOT_TICK_NS != 0);

	slots_disarm(s, slot);
	tick = MAX(tick, s->tick + 1);
	tick = MIN(tick, s->tick + AHEAD);
	slot->due = (uint32_t)tick;
	link_timer(s, slot, tick % SLOT_N_TICKS);
}

/* How many ticks after the present one something lies on the wheel, perhaps for a later round; 0:
 * nothing does. */
static unsigned next_used(const struct slots *s)
{
	unsigned from = (unsigned)((s->tick + 1) % SLOT_N_TICKS), n = SLOT_N_TICKS / 64;

	for (unsigned i = 0; i <= n; i++) {
		unsigned word = (from / 64 + i) % n, at;
		uint64_t bits = s->used_ticks[word];

		if (i == 0)
			bits &= UINT64_MAX << from % 64;
		if (i == n)
			bits &= (UINT64_C(1) << from % 64) - 1;
		if (!bits)
			continue;
		at = word * 64 + (unsigned)__builtin_ctzll(bits);
		return (at + SLOT_N_TICKS - from) % SLOT_N_TICKS + 1;
	}
	return 0;
}

/* Those of the present tick become due; those of later rounds stay. */
static void turn_wheel(struct slots *s)
{
	uint32_t at = s->wheel[s->tick % SLOT_N_TICKS];

	while (at != SLOT_NONE) {
		struct slot *slot = &s->slots[at];

		at = slot->next;
		if ((int32_t)(slot->due - (uint32_t)s->tick) > 0)
			continue;
		slots_disarm(s, slot);
		link_timer(s, slot, DUE);
	}
}

struct slot *slots_expire(struct slots *s, uint64_t now_ns)
{
	uint64_t now = now_ns / SLOT_TICK_NS;
	struct slot *slot;

	/* After a long sleep every place is looked at once. */
	if (now > s->tick + SLOT_N_TICKS)
		s->tick = now - SLOT_N_TICKS;
	while (s->wheel[DUE] == SLOT_NONE && s->tick < now) {
		unsigned ahead = next_used(s);

		s->tick = ahead ? MIN(s->tick + ahead, now) : now;
		turn_wheel(s);
	}
	if (s->wheel[DUE] == SLOT_NONE)
		return NULL;
	slot = &s->slots[s->wheel[DUE]];
	slots_disarm(s, slot);
	return slot;
}

uint64_t slots_deadline(const struct slots *s)
{
	unsigned ahead = next_used(s);

	if (s->wheel[DUE] != SLOT_NONE)
		return s->tick * SLOT_TICK_NS;
	return ahead ? (s->tick + ahead) * SLOT_TICK_NS : UINT64_MAX;
}
