/* What the files of the engine share. */
#ifndef SONDE_PROBE_ENGINE_PRIVATE_H
#define SONDE_PROBE_ENGINE_PRIVATE_H

#include "base/timer.h"
#include "probe/engine.h"
#include "probe/pace.h"
#include "probe/plan.h"
#include "probe/slots.h"

/* Probes of one output at most. */
#define ENGINE_BATCH 64

struct probe_engine {
	struct probe_config config;
	struct probe_lane lanes[PROBE_MAX_LANES];
	uint8_t then[PROBE_MAX_LANES]; /* 1 + the lane that waits for this one's answer; 0: none */
	const struct probe_module *modules[PROBE_MAX_LANES]; /* without repetition */
	unsigned n_modules;

	/* Pair p is target p % n_targets of unit p / n_targets; a unit is a lane with one port. */
	uint64_t n_targets, n_pairs, at;	  /* @at: next place of the plan */
	uint64_t first_unit[PROBE_MAX_LANES + 1]; /* of each lane */
	struct plan plan;
	struct slots slots;
	struct timers *timers;
	struct pace pace;
	bool stopped;

	uint32_t n_in_flight, n_connects, n_failing;
	uint64_t n_found, n_first,
		n_last; /* answers without `each`: to any, the first, the last try */
	struct probe_account account;

	size_t frame_cap;
	uint8_t *frames; /* ENGINE_BATCH of them */
	struct probe_link links[ENGINE_BATCH];
};

static inline const struct probe_lane *engine_lane(const struct probe_engine *e,
						   const struct slot *slot)
{
	return &e->lanes[slot->lane];
}

/* Which try of which probe a connection is for. */
static inline uint64_t engine_token(const struct slot *slot)
{
	return (uint64_t)slot->generation << 32 | slot->try;
}

/* The address of target number @index. */
struct addr engine_target(const struct probe_engine *e, uint64_t index);

/*
 * Of an address and a port, keyed: the lower half finds slots, and engine_hash_id() of it is the
 * ICMP id; the upper half is what engine_cookie() is made from.
 */
uint64_t engine_hash(const struct probe_engine *e, const struct addr *a, uint16_t port);

static inline uint16_t engine_hash_id(uint32_t hash)
{
	return (uint16_t)(hash >> 16);
}

/* Lanes that probe the same port of a target differ (a trace with a lane for each TTL). */
static inline uint32_t engine_cookie(uint64_t hash, unsigned lane)
{
	return (uint32_t)(hash >> 32) + lane * 0x9e3779b1;
}

/*
 * The tag that proves a mark. An address's scope is not part of it, because not every carrier knows
 * it.
 */
uint64_t engine_tag(const struct probe_engine *e, const struct addr *target,
		    const struct probe_mark *mark);

/* What every event about @slot says. */
void engine_describe_slot(const struct probe_engine *e, const struct slot *slot,
			  enum probe_outcome outcome, struct probe_event *ret);

/* No longer in flight: set free; those in the queue to be sent leave it when their turn comes. */
void engine_release(struct probe_engine *e, uint64_t now_ns, struct slot *slot);

#endif
