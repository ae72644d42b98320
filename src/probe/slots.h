/*
 * The table of probes in flight: a bounded array of slots, found by number (which the probe
 * carries) or by the hash of the target's address (for answers that carry nothing else). A slot
 * that is set free keeps its contents until it is needed again, oldest first, so that late and
 * repeated answers are still told apart.
 *
 * A million of them are in flight at a million probes a second, so a slot is small and points to
 * others by number. Each lies in one list at most: a queue, or those of a tick on the timer wheel.
 */
#ifndef SONDE_PROBE_SLOTS_H
#define SONDE_PROBE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

#define SLOT_NONE    UINT32_MAX
#define SLOT_TICK_NS NS_PER_MS
#define SLOT_N_TICKS 4096 /* of the wheel */

enum slot_state {
	SLOT_FREE,    /* resolved, or never used */
	SLOT_WAITING, /* its timer says when it is due to be sent */
	SLOT_READY,   /* in the queue to be sent */
	SLOT_SENT,    /* its timer says when it is given up */
	SLOT_FAILING, /* could not be sent: in the queue of those to be told */
};

enum {
	SLOT_ANSWERED = 1 << 0,
	SLOT_SILENT = 1 << 1,
	SLOT_CONTINUES =
		1 << 2, /* there was no free slot for the next of its burst: it goes on itself */
	SLOT_WAS_SENT = 1 << 3,
	SLOT_REFUSED = 1 << 4, /* an error was told; more of them say nothing new */
	SLOT_LAST = 1 << 5,    /* asked once more in the last pass */
	SLOT_TURN = 1 << 6,    /* has waited for its turn at a gate */
	SLOT_LOST = 1 << 7,    /* a try that had its turn stayed without an answer... */
	SLOT_LOST_AT = 3 << 8, /* ...when gates had been slowed so often, modulo 4 */
	SLOT_ASKS = 1 << 10,   /* its next hop is being asked for, since sent_ns */
};

struct slot {
	uint64_t target;  /* index */
	uint64_t sent_ns; /* the last try; before the first: since when it may leave */
	uint32_t hash;	  /* of the target's address and port */
	uint32_t chain;	  /* next slot of the same bucket */
	uint32_t next;	  /* in its queue, or on the timer wheel */
	uint32_t before;  /* on the timer wheel; SLOT_NONE: no timer is set */
	uint32_t try;
	union {
		uint32_t due; /* of the timer, in ticks, cut */
		int error;    /* of FAILING */
	};
	uint32_t unit;
	uint16_t generation;
	uint16_t state : 4, flags : 12;
};

struct slot_queue {
	uint32_t head, tail;
};

struct slots {
	struct slot *slots;
	uint32_t *buckets;
	uint32_t n, n_buckets; /* the latter a power of two */
	uint32_t n_fresh;      /* from here on never used */
	uint32_t n_used;       /* neither free nor fresh */
	struct slot_queue free, ready, failing;

	uint64_t tick; /* until then all has expired */
	uint64_t used_ticks[SLOT_N_TICKS / 64];
	uint32_t wheel[SLOT_N_TICKS + 1]; /* the last: those that are due */
};

/* @n from 1 to 2^30. Return: 0 or -ENOMEM. */
int slots_init(struct slots *s, uint32_t n, uint64_t now_ns);
void slots_done(struct slots *s);

/* A slot for a target with that hash of its address, zeroed but for its generation; NULL: all in
 * use. */
struct slot *slots_take(struct slots *s, uint32_t hash);

/* Back, without a timer; contents stay until it is taken again. */
void slots_free(struct slots *s, struct slot *slot);

static inline bool slots_left(const struct slots *s)
{
	return s->n_used < s->n;
}

static inline uint32_t slots_index(const struct slots *s, const struct slot *slot)
{
	return (uint32_t)(slot - s->slots);
}

/* NULL when there is no such slot or it was never used. */
struct slot *slots_at(const struct slots *s, uint32_t index);

/* Used and kept slots with that hash: the first, and the next after @slot. NULL at the end. */
struct slot *slots_first(const struct slots *s, uint32_t hash);
struct slot *slots_next(const struct slots *s, const struct slot *slot);

/* The queue of those that may be sent. @front: before all others. */
void slots_push_ready(struct slots *s, struct slot *slot, bool front);
struct slot *slots_peek_ready(const struct slots *s);
void slots_pop_ready(struct slots *s);

/* The queue of those that could not be sent. Popping: NULL when it is empty. */
void slots_push_failing(struct slots *s, struct slot *slot, int err);
struct slot *slots_pop_failing(struct slots *s);

/*
 * Timers: a hashed wheel (Varghese and Lauck 1987). A slot's timer fires never early, and late by
 * at most two ticks; one that lies farther than 2^31 ticks ahead fires at that distance.
 */
void slots_arm(struct slots *s, struct slot *slot, uint64_t deadline_ns);
void slots_disarm(struct slots *s, struct slot *slot);

/* Takes one slot whose timer is due and unsets it; NULL: no more. Others may be set meanwhile. */
struct slot *slots_expire(struct slots *s, uint64_t now_ns);

/* When to call slots_expire(): not later than the first timer; UINT64_MAX: none is set. */
uint64_t slots_deadline(const struct slots *s);

#endif
