#include "probe/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

int slots_init(struct slots *s, uint32_t n)
{
	*s = (struct slots){
		.n = n,
		.n_buckets = 16,
		.free = { SLOT_NONE, SLOT_NONE },
		.ready = { SLOT_NONE, SLOT_NONE },
	};
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
	uint32_t generation, *bucket = &s->buckets[hash & (s->n_buckets - 1)];
	struct slot *slot;

	if (s->n_fresh < s->n) {
		slot = &s->slots[s->n_fresh++];
	} else {
		slot = queue_pop(s, &s->free);
		if (!slot)
			return NULL;
		unchain(s, slot);
	}
	generation = slot->generation + 1;
	*slot = (struct slot){ .hash = hash, .chain = *bucket, .generation = generation };
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
