/*
 * The table of probes in flight: a bounded array of slots, found by number (which the probe
 * carries) or by the hash of the target's address (for answers that carry nothing else). A slot
 * that is set free keeps its contents until it is needed again, oldest first, so that late and
 * repeated answers are still told apart.
 */
#ifndef SONDE_PROBE_SLOTS_H
#define SONDE_PROBE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/timer.h"

#define SLOT_NONE UINT32_MAX

enum slot_state {
	SLOT_FREE,    /* resolved, or never used */
	SLOT_WAITING, /* its timer says when it is due to be sent */
	SLOT_READY,   /* in the queue to be sent */
	SLOT_SENT,    /* its timer says when it is given up */
	SLOT_FAILING, /* could not be sent: to be told at the next occasion */
};

enum {
	SLOT_ANSWERED = 1 << 0,
	SLOT_SILENT = 1 << 1,
	SLOT_CONTINUES =
		1 << 2, /* there was no free slot for the next of its burst: it goes on itself */
	SLOT_WAS_SENT = 1 << 3,
	SLOT_REFUSED = 1 << 4, /* an error was told; more of them say nothing new */
};

struct slot {
	struct timer timer;
	uint64_t target;  /* index */
	uint64_t sent_ns; /* the last try */
	uint32_t hash;	  /* of the target's address */
	uint32_t chain;	  /* next slot of the same bucket */
	uint32_t next;	  /* in the queue of free or ready ones */
	uint32_t generation;
	uint32_t try;
	int error;
	uint16_t port;
	uint8_t lane, state, flags;
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
	struct slot_queue free, ready;
};

/* @n from 1 to 2^31. Return: 0 or -ENOMEM. */
int slots_init(struct slots *s, uint32_t n);
void slots_done(struct slots *s);

/* A slot for a target with that hash of its address, zeroed but for its generation; NULL: all in
 * use. */
struct slot *slots_take(struct slots *s, uint32_t hash);

/* Back; contents stay until it is taken again. */
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

#endif
