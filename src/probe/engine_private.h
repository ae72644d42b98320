/* What the files of the engine share. */
#ifndef SONDE_PROBE_ENGINE_PRIVATE_H
#define SONDE_PROBE_ENGINE_PRIVATE_H

#include "probe/engine.h"
#include "probe/gate.h"
#include "probe/pace.h"
#include "probe/pass.h"
#include "probe/plan.h"
#include "probe/prefix.h"
#include "probe/slots.h"

/* Probes of one output at most. */
#define ENGINE_BATCH 64

/* A lane with one port. */
struct unit {
	uint16_t port;
	uint8_t lane;
};

struct probe_engine {
	struct probe_config config;
	struct probe_lane lanes[PROBE_MAX_LANES];
	uint8_t then[PROBE_MAX_LANES]; /* 1 + the lane that waits for this one's answer; 0: none */
	const struct probe_module *modules[PROBE_MAX_LANES]; /* without repetition */
	unsigned n_modules;

	/* Pair p is target p % n_targets of unit p / n_targets. */
	uint64_t n_targets, n_pairs;
	struct unit *units;
	uint32_t n_units;
	struct plan plan;
	uint64_t at;	   /* next place of the plan; n_pairs: it is through */
	size_t n_again;	   /* of config->again, begun */
	uint64_t n_begun;  /* pairs */
	uint64_t n_to_do;  /* pairs of this run in all */
	struct pass *pass; /* the last one; NULL: there is none */

	struct slots slots;
	struct pace pace;
	struct gates *gates;	       /* NULL without lanes of PROBE_VIA_UDP */
	struct prefix_gates *prefixes; /* NULL without tries to judge by */
	size_t n_asked; /* in this output: probes that must wait for their next hop */
	bool stopped;

	uint32_t n_in_flight, n_connects, n_failing;
	/* Answers without `each`: to any try, the first, the last, the one of the last pass. */
	uint64_t n_found, n_first, n_last, n_extra;
	uint64_t first_send_ns, last_send_ns;
	struct probe_account account;

	size_t frame_cap;
	uint8_t *frames; /* ENGINE_BATCH of them */
	struct probe_link links[ENGINE_BATCH];
};

static inline const struct unit *engine_unit(const struct probe_engine *e, const struct slot *slot)
{
	return &e->units[slot->unit];
}

static inline const struct probe_lane *engine_lane(const struct probe_engine *e,
						   const struct slot *slot)
{
	return &e->lanes[engine_unit(e, slot)->lane];
}

static inline bool engine_connects(const struct probe_lane *lane)
{
	return lane->module->via == PROBE_VIA_CONNECT;
}

/* Whether the answers to a lane's first tries tell if the pace is good. */
static inline bool engine_judges_by(const struct probe_lane *lane)
{
	return !lane->each && !lane->after;
}

static inline uint64_t engine_pair(const struct probe_engine *e, const struct slot *slot)
{
	return slot->unit * e->n_targets + slot->target;
}

/* ICMP's: the lanes' first tries lie as far apart as 16 bits allow. */
static inline uint16_t engine_sequence(unsigned lane, uint32_t try)
{
	return (uint16_t)(lane * (65536 / PROBE_MAX_LANES) + try);
}

/* Which try of which probe a connection is for. */
static inline uint64_t engine_token(const struct slot *slot)
{
	return (uint64_t)slot->generation << 32 | slot->try;
}

/* The address of target number @index. */
static inline struct addr engine_target(const struct probe_engine *e, uint64_t index)
{
	return e->config.list ? e->config.list[index] : targets_get(e->config.targets, index);
}

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

/* To be told as PROBE_FAILED at the next occasion. */
void engine_fail_slot(struct probe_engine *e, struct slot *slot, int err);

/* No longer in flight: set free; those in the queue to be sent leave it when their turn comes. */
void engine_release(struct probe_engine *e, uint64_t now_ns, struct slot *slot);

/* The next try of a burst in a slot of its own. Return: false when none is free. */
bool engine_continue_burst(struct probe_engine *e, uint64_t now_ns, const struct slot *slot,
			   uint64_t due_ns);

/* Whether something waits to be sent that neither slots nor connections hold back. */
bool engine_wants_to_send(const struct probe_engine *e);

/* Whether the plan is through: every pair of it was begun. */
static inline bool engine_all_begun(const struct probe_engine *e)
{
	return e->at == e->n_pairs && e->n_again == e->config.n_again;
}

/* The gate before a target; only of lanes of PROBE_VIA_UDP. */
static inline struct gate *engine_gate(const struct probe_engine *e, const struct addr *target)
{
	return gate_of(e->gates, engine_hash(e, target, 0));
}

/* What the tries of a lane to a target tell of and how its prefix slows them; NULL: nothing. */
static inline struct prefix_gate *engine_prefix(const struct probe_engine *e,
						const struct probe_lane *lane,
						const struct addr *target)
{
	return e->prefixes && engine_judges_by(lane) ? prefix_of(e->prefixes, target) : NULL;
}

/* Whether the last pass has places to look at. */
static inline bool engine_asks_again(const struct probe_engine *e)
{
	return e->pass && e->pass->asks && e->pass->at < e->n_pairs;
}

#endif
