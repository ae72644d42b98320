/*
 * Eleven levels of 64 slots: a level holds six bits of the tick number, so that together they reach
 * every 64-bit tick and nothing ever overflows. A timer lies on the level of the highest bit in
 * which its tick differs from the current one, in the slot that its tick's digit on that level
 * names. So all timers of a level are later than all of the levels below, and within a level the
 * slots are in order of time: the next one to look at is the first occupied slot of the first
 * occupied level, which two bitmaps find at once, however long the jump.
 */
#include "base/timer.h"

#include <stdlib.h>

#define DIGIT_BITS 6
#define N_SLOTS	   (1u << DIGIT_BITS)
#define N_LEVELS   11

struct timers {
	uint64_t tick_ns, now; /* @now in ticks */
	struct timer *due;
	uint32_t used_levels;
	uint64_t used_slots[N_LEVELS];
	struct timer *slots[N_LEVELS][N_SLOTS];
};

struct timers *timers_new(uint64_t tick_ns, uint64_t now_ns)
{
	struct timers *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->tick_ns = tick_ns;
	t->now = now_ns / tick_ns;
	return t;
}

struct timers *timers_free(struct timers *t)
{
	free(t);
	return NULL;
}

static void link_timer(struct timer **head, struct timer *timer)
{
	timer->next = *head;
	timer->at = head;
	if (timer->next)
		timer->next->at = &timer->next;
	*head = timer;
}

static void unlink_timer(struct timer *timer)
{
	*timer->at = timer->next;
	if (timer->next)
		timer->next->at = timer->at;
	timer->next = NULL;
	timer->at = NULL;
}

/* Never early: the first tick that begins at or after the deadline. */
static uint64_t tick_of(const struct timers *t, const struct timer *timer)
{
	return timer->deadline_ns / t->tick_ns + (timer->deadline_ns % t->tick_ns != 0);
}

static void place(struct timers *t, struct timer *timer)
{
	uint64_t tick = tick_of(t, timer);
	unsigned level, slot;

	if (tick <= t->now) {
		link_timer(&t->due, timer);
		return;
	}
	level = (63 - (unsigned)__builtin_clzll(tick ^ t->now)) / DIGIT_BITS;
	slot = tick >> (level * DIGIT_BITS) & (N_SLOTS - 1);
	link_timer(&t->slots[level][slot], timer);
	t->used_levels |= 1u << level;
	t->used_slots[level] |= 1ull << slot;
}

static void mark_empty(struct timers *t, unsigned level, unsigned slot)
{
	t->used_slots[level] &= ~(1ull << slot);
	if (!t->used_slots[level])
		t->used_levels &= ~(1u << level);
}

void timer_cancel(struct timers *t, struct timer *timer)
{
	uintptr_t head = (uintptr_t)timer->at, first = (uintptr_t)t->slots;

	if (!timer_is_set(timer))
		return;
	unlink_timer(timer);
	/* Whether it hung on a slot itself, and so may have been the slot's last. */
	if (head >= first && head < first + sizeof(t->slots)) {
		unsigned i = (unsigned)((head - first) / sizeof(struct timer *));

		if (!t->slots[i / N_SLOTS][i % N_SLOTS])
			mark_empty(t, i / N_SLOTS, i % N_SLOTS);
	}
}

void timer_set(struct timers *t, struct timer *timer, uint64_t deadline_ns)
{
	timer_cancel(t, timer);
	timer->deadline_ns = deadline_ns;
	place(t, timer);
}

/* The first occupied slot in time, and the tick where it begins. Return: false when all are empty.
 */
static bool next_slot(const struct timers *t, unsigned *ret_level, unsigned *ret_slot,
		      uint64_t *ret_tick)
{
	unsigned level, slot, shift;
	uint64_t above;

	if (!t->used_levels)
		return false;
	level = (unsigned)__builtin_ctz(t->used_levels);
	slot = (unsigned)__builtin_ctzll(t->used_slots[level]);
	shift = level * DIGIT_BITS;
	above = level == N_LEVELS - 1 ? 0 : t->now >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS);
	*ret_level = level;
	*ret_slot = slot;
	*ret_tick = above | (uint64_t)slot << shift;
	return true;
}

uint64_t timers_deadline(const struct timers *t)
{
	unsigned level, slot;
	uint64_t tick, deadline_ns;

	if (t->due)
		tick = t->now;
	else if (!next_slot(t, &level, &slot, &tick))
		return UINT64_MAX;
	/* What lies beyond the end of time never comes. */
	return __builtin_mul_overflow(tick, t->tick_ns, &deadline_ns) ? UINT64_MAX : deadline_ns;
}

struct timer *timers_expire(struct timers *t, uint64_t now_ns)
{
	uint64_t now = now_ns / t->tick_ns, tick;
	unsigned level, slot;
	struct timer *timer;

	while (!t->due && next_slot(t, &level, &slot, &tick) && tick <= now) {
		t->now = tick;
		mark_empty(t, level, slot);
		/* On level 0 they are due; those of a higher level find their places below it. */
		while ((timer = t->slots[level][slot])) {
			unlink_timer(timer);
			place(t, timer);
		}
	}
	timer = t->due;
	if (timer)
		unlink_timer(timer);
	else if (now > t->now)
		t->now = now;
	return timer;
}
