/* What the files of the engine share. */
#ifndef SONDE_PROBE_ENGINE_PRIVATE_H
#define SONDE_PROBE_ENGINE_PRIVATE_H

#include "probe/engine.h"
#include "probe/gate.h"
#include "probe/marks.h"
#include "probe/pace.h"
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

/*
 * The last pass: pairs that stayed silent are not told at once but marked. When all others are
 * resolved and losses matter, each is asked once more, in the order of the plan; else they are told
 * as they are. Those of a prefix that had to be slowed, where more is lost, are asked up to
 * LAST_PASS_MORE times again; when all had to be, or much was lost, all are, while that finds one
 * in 200.
 */
struct last_pass {
	struct marks *silent; /* NULL: silence is told at once */
	uint64_t at;	      /* next place of the plan to be looked at, or next pair */
	bool began, asks;
	bool began_asking;     /* and may be through with it */
	bool thorough;	       /* so much was lost that all are asked again, not only those... */
	unsigned n_more;       /* ...of slowed prefixes: how often */
	uint64_t n_found;      /* in the passes before this one */
	uint64_t n_found_last; /* in the one before */
};

#define LAST_PASS_MORE 2

/* More than the carrier holds back at a time. */
#define UNTRACKED_RETURNED 2048

/* Pairs asked without a slot; engine_untracked.c tells about them. */
struct untracked {
	struct marks *open; /* those without an answer so far; NULL: every pair needs a slot */
	uint32_t lanes;	    /* a bit for each whose pairs may go without */
	uint32_t try;	    /* of this round; 0: while the plan is begun */
	uint64_t at;	    /* next place of the round; n_pairs: it is through, or not begun */
	uint64_t until_ns;  /* the last of them has had its time */
	bool blocked;	    /* the pair that comes next needs a slot */
	struct slot slot;   /* of the one being written; not of the table */
	uint32_t n_returned;
	uint64_t returned[UNTRACKED_RETURNED]; /* could not leave; they wait for a slot */
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
	uint32_t first_units[PROBE_MAX_LANES];
	uint32_t n_units;
	struct plan plan;
	uint64_t at;	  /* next place of the plan; n_pairs: it is through */
	size_t n_again;	  /* of config->again, begun */
	uint64_t n_begun; /* pairs */
	uint64_t n_to_do; /* pairs of this run in all */
	struct last_pass last_pass;
	struct untracked untracked;

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

/* Of the same: the line that all lie behind; NULL: it is not judged. */
static inline struct prefix_gate *engine_line(const struct probe_engine *e,
					      const struct probe_lane *lane)
{
	return e->prefixes && engine_judges_by(lane) ? &e->prefixes->line : NULL;
}

/* Changes when a prefix or all are slowed. */
static inline uint16_t engine_lost_at(const struct probe_engine *e,
				      const struct prefix_gate *prefix)
{
	return (uint16_t)((prefix->n_slowed + e->prefixes->line.n_slowed) << 8 & SLOT_LOST_AT);
}

/* Whether the line that all lie behind was found to bear less than the pace began at. */
static inline bool engine_was_slowed(const struct probe_engine *e)
{
	return e->prefixes && e->prefixes->line.too_fast_ns;
}

/* Whether the prefix of a target is or was slowed. */
static inline bool engine_is_apart(const struct probe_engine *e, const struct probe_lane *lane,
				   const struct addr *target)
{
	const struct prefix_gate *prefix = engine_prefix(e, lane, target);

	return prefix && prefix_is_apart(prefix);
}

/* Whether the last pass has places to look at. */
static inline bool engine_asks_again(const struct probe_engine *e)
{
	return e->last_pass.asks && e->last_pass.at < e->n_pairs;
}

/* Prepares for pairs without a slot, where the table may become full. Return: 0 or -ENOMEM. */
int engine_make_untracked(struct probe_engine *e);

/* Whether the pairs of a lane may go without a slot. */
static inline bool engine_goes_untracked(const struct probe_engine *e, unsigned lane)
{
	return e->untracked.lanes >> lane & 1;
}

/* A probe without a slot left. */
void engine_sent_untracked(struct probe_engine *e, uint64_t now_ns, uint64_t pair);

/* It could not; it will with a slot. */
void engine_return_untracked(struct probe_engine *e, uint64_t pair);

/* When the last of a round has had its time: the next round, or, after the last, silence. */
void engine_turn_untracked(struct probe_engine *e, uint64_t now_ns);

/* When to call that; UINT64_MAX: nothing is to be waited for. */
uint64_t engine_untracked_deadline(const struct probe_engine *e);

/* How many of them have no answer so far. */
static inline uint64_t engine_n_untracked(const struct probe_engine *e)
{
	return e->untracked.open ? e->untracked.open->n_set : 0;
}

/* Which of their tries is under way. */
static inline uint32_t engine_untracked_try(const struct probe_engine *e)
{
	return e->last_pass.began_asking ? e->config.retries + 1 : e->untracked.try;
}

/* Whether a round has places to look at. */
static inline bool engine_in_round(const struct probe_engine *e)
{
	return e->untracked.open && e->untracked.at < e->n_pairs;
}

/* The next place of this run behind @place; n_pairs when there is none. */
static inline uint64_t engine_next_place(const struct probe_engine *e, uint64_t place)
{
	uint64_t step = e->config.n_shards;

	return step < e->n_pairs - place ? place + step : e->n_pairs;
}

/* The pair of a target with a port of a lane. Return: whether there is one and it can be told. */
bool engine_find_pair(const struct probe_engine *e, const struct addr *target, uint8_t lane,
		      uint16_t port, uint64_t *ret_pair);

#endif
