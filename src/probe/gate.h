/*
 * Gates before hosts that limit their ICMP errors. A closed UDP port says so by an ICMP error, and
 * hosts send only so many: Linux one a second to each peer after six at once (icmp_ratelimit), BSD
 * 200 a second. Asked faster, a closed port looks like an open one that does not answer. So when a
 * host that did send such an error leaves a probe without an answer, its probes queue before a gate
 * that opens once a second; each error through it makes the gap smaller, each silence larger, and
 * below a gap that was too small it does not go again.
 *
 * The table is bounded: hosts that share a place share a gate, which only makes them slower.
 */
#ifndef SONDE_PROBE_GATE_H
#define SONDE_PROBE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#define GATES 16384 /* a power of two */

struct gate {
	uint64_t next_ns; /* when it opens again */
	uint32_t gap_us;  /* 0: no gate */
	uint32_t floor_us;
	bool answers; /* ICMP errors came from there */
};

struct gates {
	struct gate gates[GATES];
};

static inline struct gate *gate_of(struct gates *g, uint64_t host_hash)
{
	return &g->gates[host_hash % GATES];
}

/* The host sent an ICMP error. */
void gate_answered(struct gate *g);

/**
 * gate_silent() - a probe stayed without an answer
 * @through: it had waited at the gate
 * Return: whether the gate was shut just now.
 */
bool gate_silent(struct gate *g, uint64_t now_ns, bool through);

/**
 * gate_enter() - a probe wants to leave
 * @ret_when_ns: when it may, or, if that is far, when to ask again
 * Return: whether that is its turn.
 */
bool gate_enter(struct gate *g, uint64_t now_ns, uint64_t *ret_when_ns);

#endif
