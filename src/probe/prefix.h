/*
 * Prefixes that bear less than the rest. The pace judges by the share of all first tries that are
 * answered, which hardly falls when one /24 (/64 of IPv6) of many lies behind a narrow line. But
 * that prefix's answers tell: far more of them come only to a retry than elsewhere at the same
 * time. So its probes then wait at a gate of its own, while the others go on:
 *
 *   - shut at a quarter of the prefix's rate, or at the rate of its answers if that is more;
 *   - from then on only what went through the gate counts, and only when what was sent before has
 *     had time: no more losses than elsewhere, and it goes faster (slower so above a rate that was
 *     too high); more, and it goes slower, below what came through;
 *   - as many losses as before at a quarter of the rate: they are not due to it. The gate opens,
 * and from now on so many are expected of this prefix.
 *
 * Tries that left before it was slowed do not count: they are made again.
 *
 * The line that all of them lie behind is judged in the same way, only that there are no others to
 * compare with: that one loses more than some is enough to try whether it does so when slower. For
 * the pace tells a rate that is too high by a slower one that was not, and so not the first of all.
 *
 * A loss that all have alike slows nothing, nor does a prefix where nobody answers. The table is
 * bounded: prefixes that share a place share a gate, which only makes them slower.
 */
#ifndef SONDE_PROBE_PREFIX_H
#define SONDE_PROBE_PREFIX_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"

#define PREFIX_BITS 12 /* of the table's places */

/* Answers of targets. */
struct prefix_answers {
	uint32_t n_found;
	uint32_t n_lost; /* of them, to a retry */
};

struct prefix_gate {
	uint64_t gap_ns;      /* between two probes through the gate; 0: it is open */
	uint64_t next_ns;     /* when the next may leave */
	uint64_t lost_ns;     /* and the next of those of which a try was lost */
	uint64_t slowed_ns;   /* last; 0: never */
	uint64_t too_fast_ns; /* what left before was lost for that; 0: that was not seen */
	uint32_t n_slowed;
	uint64_t soft_ns;  /* a gap that was too small; 0: none yet */
	uint32_t n_denied; /* their turn, for it was far */
	uint64_t since_ns;
	uint32_t n_sent; /* since then */
	/* Since then, and of all prefixes until then. */
	struct prefix_answers here, before;
	float elsewhere; /* share lost of other prefixes' answers; below 0: not known */
	float expected;	 /* share lost here at any rate */
	float bad;	 /* share lost through the gate before it became slower; 0: none */
	uint64_t bad_ns; /* the gap of then */
};

struct prefix_gates {
	uint64_t settle_ns; /* so long after a change losses may be older than it */
	struct prefix_answers all;
	struct prefix_gate
		line; /* all of them, behind one that bears less than the pace began at */
	struct prefix_gate places[1 << PREFIX_BITS];
};

/* @settle_ns: the time within which a lost try is followed by the next. NULL: out of memory. */
struct prefix_gates *prefixes_new(uint64_t settle_ns);

static inline struct prefix_gate *prefix_of(struct prefix_gates *p, const struct addr *a)
{
	uint64_t bits;

	memcpy(&bits, a->bytes, sizeof(bits));
	if (a->family == AF_INET)
		bits &= be64toh(UINT64_C(0xffffff) << 40);
	return &p->places[bits * UINT64_C(0x9e3779b97f4a7c15) >> (64 - PREFIX_BITS)];
}

/* It was slowed: what is answered there says nothing of the pace of the others. */
static inline bool prefix_is_apart(const struct prefix_gate *p)
{
	return p->gap_ns || p->expected > 0;
}

/* A probe leaves. */
static inline void prefix_sent(struct prefix_gate *p, uint64_t now_ns)
{
	if (!p->since_ns)
		p->since_ns = now_ns;
	p->n_sent++;
}

/**
 * prefix_enter() - a probe wants to leave and the gate is shut
 * @asked_ns: since when it does
 * @lost: a try of its went through the gate before: it passes the others, so that losses show soon
 * @ret_when_ns: when it may, or, if that is far, when to ask again
 * Return: whether that is its turn.
 */
bool prefix_enter(struct prefix_gate *p, uint64_t now_ns, uint64_t asked_ns, bool lost,
		  uint64_t *ret_when_ns);

/**
 * prefix_answered() - a target answered
 * @retried: not the first try
 * @lost: a try of its that went through the gate stayed without an answer
 * Return: whether the gate was shut just now.
 */
bool prefix_answered(struct prefix_gates *all, struct prefix_gate *p, uint64_t now_ns, bool retried,
		     bool lost);

#endif
