/*
 * The engine that all probes share: plan, module, match, retry, pace, account.
 *
 * The plan is targets × lanes × ports (a lane is a module with its ports), walked in an order that
 * a seed permutes. A probe in flight has a slot with a timer on a wheel; its answer finds the slot
 * by what the probe carried. A probe is sent until it is answered, at most 1 + retries times, or,
 * for bursts and pings, `count` times at an interval, each with a result of its own.
 *
 * No I/O, clock or randomness in here: the caller passes time and packets, and fetches probes to
 * send and events. engine_io.h is such a caller for a libuv loop.
 *
 *   while (!probe_engine_done(e)) {
 *           while (probe_engine_next_event(e, now, &event))
 *                   ...
 *           n = probe_engine_output(e, now, sends, 64);  // send them; probe_engine_unsent() if not
 *           wait for packets, or for probe_engine_deadline(e);
 *           probe_engine_input(e, now, &packet, &event); // each
 *   }
 */
#ifndef SONDE_PROBE_ENGINE_H
#define SONDE_PROBE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/targets.h"
#include "probe/module.h"

#define PROBE_MAX_LANES	    32
#define PROBE_RATE_DEFAULT  1000
#define PROBE_RATE_MAX	    UINT64_MAX
#define PROBE_MIN_SLOTS	    (1u << 20) /* where there is so much to probe; 56 bytes each */
#define PROBE_MAX_SLOTS	    (1u << 22)
#define PROBE_COUNT_ENDLESS 0
#define PROBE_ROUTE_WAIT_NS (10 * NS_PER_MS)

/* One way of probing each target. */
struct probe_lane {
	const struct probe_module *module;
	const uint16_t *ports; /* each is probed at each target; borrowed. NULL: no port, or 0 */
	uint32_t n_ports;
	uint8_t ttl; /* or hop limit; 0: the system's */

	/*
	 * A bit for each lane whose answer must have come first, if it applies to the target (at
	 * most one of them does): so the kernel need not look for a neighbour that is not there. 0:
	 * at once. Those lanes and this one are without ports, they without `each`, and no other
	 * lane waits for them.
	 */
	uint32_t after;

	/*
	 * Every try has a result of its own: config->count tries at config->interval_ns, for pings
	 * and bursts. Otherwise tries end with the first answer, at most 1 + config->retries.
	 */
	bool each;
};

struct probe_config {
	/* Exactly one of the two; borrowed while the engine lives. Events give the index. */
	const struct targets *targets; /* sealed */
	const struct addr *list;
	size_t n_list;

	const struct probe_lane *lanes; /* copied */
	size_t n_lanes;

	uint64_t timeout_ns; /* how long an answer is waited for */
	uint32_t retries;    /* further tries, half a time-out apart; without `each` */
	uint64_t spacing_ns; /* by so much each further retry waits longer than the one before */

	bool each;	      /* every try has a result of its own: ping, bursts */
	uint32_t count;	      /* tries of each target with `each`, or PROBE_COUNT_ENDLESS */
	uint64_t interval_ns; /* between the tries of one target, with `each` */

	uint64_t rate;	       /* ceiling, probes a second; PROBE_RATE_MAX: as fast as it goes */
	uint32_t max_slots;    /* pairs in flight at most, but those without a slot; 0: as many as
				  the rate needs, between PROBE_MIN_SLOTS and PROBE_MAX_SLOTS */
	uint32_t max_connects; /* connections at a time; 0: 256 */

	uint16_t source_port;	 /* of PROBE_VIA_IP: the first of n_source_ports, reserved by the
				    caller; at least 1 for modules known by their cookie */
	uint16_t n_source_ports; /* try i of lane l leaves from the (l + i) % n_source_ports-th */

	/*
	 * A part of the plan: places shard, shard + n_shards, ... of it. n_shards 0 means 1. All
	 * shards with the same seed make the whole, without overlap.
	 */
	uint64_t shard, n_shards;

	/* Resuming: begin at this place (probe_engine_place() of then), after the pairs of @again,
	 * which were under way (probe_engine_unresolved()); borrowed. */
	uint64_t first_place;
	const uint64_t *again;
	size_t n_again;

	/*
	 * Pairs that stayed silent are asked once more, at half the rate, when losses were such
	 * that some are likely to have been missed; only at the end are they told as silent. Not
	 * for more than 2^28 pairs (MARKS_MAX).
	 */
	bool last_pass;

	uint16_t payload_len; /* of echo requests; below PROBE_MARK_LEN answers are known by id only
			       */
	bool no_source;	      /* ARP: sender address 0.0.0.0 (RFC 5227) */
	uint64_t seed;	      /* of the order */
	bool in_order;	 /* not permuted: lane after lane, port after port, target after target */
	uint64_t key[2]; /* of the tags: from random_secret() unless it is a test */

	/*
	 * How @target is reached: called only when a lane needs it, at each try. For PROBE_VIA_IP
	 * the next hop's MAC address must be filled in where the link has such; other lanes need
	 * none, and nobody is to be asked for it. Return: 0; -EAGAIN: the next hop is being asked
	 * (@ret_link is filled in but for it): the engine comes again after PROBE_ROUTE_WAIT_NS,
	 * then more seldom, until the time-out is over, when it fails with -EHOSTUNREACH; other
	 * -errno: it cannot be reached, and the probe fails with it. May be NULL without lanes of
	 * PROBE_VIA_LINK, PROBE_VIA_IP or with `after`.
	 */
	int (*route)(void *ctx, const struct addr *target, enum probe_via via,
		     struct probe_link *ret_link);
	void *route_ctx;
};

enum probe_outcome {
	PROBE_ANSWERED,	 /* kind PROBE_REPLY or an ICMP error; resolved */
	PROBE_SILENT,	 /* nothing in time, in all tries; with `each`, in this one; resolved */
	PROBE_FAILED,	 /* could not be sent: @error; resolved */
	PROBE_LATE,	 /* answered after PROBE_SILENT was said of it; may be one more answer
			    of one forgotten already */
	PROBE_DUPLICATE, /* answered once more */
};

struct probe_event {
	enum probe_outcome outcome;
	enum probe_kind kind; /* of ANSWERED, LATE, DUPLICATE */
	uint8_t lane;
	uint16_t port;	       /* of the target; 0: the lane has none */
	uint64_t target_index; /* in `list` or `targets`; UINT64_MAX: forgotten already, only of
				  LATE and DUPLICATE */
	struct addr target, responder;
	struct mac mac; /* of the responder, from ARP and neighbour advertisements; zero: unknown */
	uint32_t try;	/* the one answered; with `each` the sequence number; 0 is the first */
	int64_t rtt_ns; /* -1: not known, because two tries may be meant */
	uint64_t sent_ns;	      /* of the try answered or last sent; 0: never */
	int ttl;		      /* of the answer; -1: unknown */
	unsigned ifindex;	      /* 0: unknown */
	uint16_t size;		      /* payload bytes of the answer */
	uint8_t icmp_type, icmp_code; /* of ICMP errors */
	uint32_t mtu;
	struct probe_labels labels; /* of ICMP errors */
	int error; /* FAILED: negative code; connections: errno of the answer, else 0 */
};

/* Why the engine went slower than it was allowed to. */
enum probe_brake {
	PROBE_BRAKE_LOCAL,  /* this machine: queues full, answers dropped on the way in */
	PROBE_BRAKE_LOSS,   /* answers came to later tries only */
	PROBE_BRAKE_PREFIX, /* answers from a /24 (/64 of IPv6) came to later tries only */
	PROBE_BRAKE_ICMP,   /* a network's or host's limit of ICMP errors */
	PROBE_BRAKE_TABLE,  /* all slots in use: a probe that cannot go without waited for one */
	PROBE_N_BRAKES,
};

/* What was done, for the closing account. */
struct probe_account {
	uint64_t targets;   /* pairs that this run has begun so far */
	uint64_t total;	    /* of those, when finished; skipped ones count as begun */
	uint64_t skipped;   /* where the lane does not apply */
	uint64_t sent;	    /* probes, retries included */
	uint64_t untracked; /* of them, without a slot: more were in flight than it has */
	uint64_t answered;  /* by the target, in time */
	uint64_t errors;    /* answered by an ICMP error */
	uint64_t silent, failed;
	uint64_t late, duplicate;
	uint64_t stateless;   /* of all answers: known by what they carried alone, their probes
				 without a slot, or their slots serving others by then */
	uint64_t again;	      /* pairs asked once more in the last pass */
	uint64_t again_found; /* of them */
	uint64_t brakes[PROBE_N_BRAKES]; /* how often each took effect */
	uint64_t rate;			 /* probes a second, from the first to the last */
	uint64_t dropped;		 /* on this machine, on the way in */
	uint64_t backlog; /* lost by the kernel meanwhile before that, perhaps not ours; filled in
			     at the end by those who run the engine */
	uint64_t held;	  /* could not leave at once (queues full) and were sent again */
	double recall;	  /* estimated share of those there that were found; -1: cannot be told */
	bool incomplete;  /* answers were lost on this machine */
};

/* One probe to send. */
struct probe_send {
	enum probe_via via;
	uint64_t id;	/* for probe_engine_unsent() */
	uint32_t slot;	/* of a connection: to be given back with its result */
	uint64_t token; /* of a connection: likewise */
	struct addr target;
	uint16_t port;
	uint8_t ttl;		       /* of PROBE_VIA_ICMP and PROBE_VIA_UDP; 0: the system's */
	const struct probe_link *link; /* PROBE_VIA_LINK, PROBE_VIA_IP: as config->route said; else
					  NULL */
	uint8_t *data; /* in the engine's memory, as @link, valid until the next output */
	size_t len;
};

struct probe_engine;

/* One pair of the plan. */
struct probe_pair {
	uint64_t target_index;
	struct addr target;
	uint8_t lane;
	uint16_t port;
};

/**
 * probe_engine_new() - prepare a run; nothing is sent yet
 * @now_ns: monotonic
 * Return: 0, -E_RANGE (more than 2^63 target × lane pairs, a wrong lane), -ENOMEM.
 */
MUST_CHECK int probe_engine_new(const struct probe_config *config, uint64_t now_ns,
				struct probe_engine **ret_engine);
struct probe_engine *probe_engine_free(struct probe_engine *e);

/**
 * probe_engine_output() - the probes that may leave now
 * @max: at most so many; also bounded by rate and slots
 * Return: their number. They count as sent at @now_ns.
 */
size_t probe_engine_output(struct probe_engine *e, uint64_t now_ns, struct probe_send *ret_sends,
			   size_t max);

/**
 * probe_engine_unsent() - a probe of the last output could not leave
 * @id: as it said
 * @err: -ENOBUFS, -EAGAIN, -ENOMEM: it is sent again and the engine slows down; any other: it fails
 */
void probe_engine_unsent(struct probe_engine *e, uint64_t now_ns, uint64_t id, int err);

/**
 * probe_engine_input() - take a packet
 * @ret_event: what it means
 * Return: 1 with an event, 0 when it is not this engine's or says nothing new.
 */
int probe_engine_input(struct probe_engine *e, uint64_t now_ns, const struct probe_packet *packet,
		       struct probe_event *ret_event);

/* The carrier lost @n packets that came in: counted, and the engine slows down. */
void probe_engine_dropped(struct probe_engine *e, uint64_t now_ns, uint64_t n);

/* What time alone brought about: silence and failures. Return: 1 with an event, 0 when no more. */
int probe_engine_next_event(struct probe_engine *e, uint64_t now_ns, struct probe_event *ret_event);

/* When to call output and next_event again; UINT64_MAX when done. */
uint64_t probe_engine_deadline(const struct probe_engine *e);

/* Sends nothing new any more; probes in flight are waited for. */
void probe_engine_stop(struct probe_engine *e);

/* The next place of the plan that was not begun; to be given as first_place later. */
uint64_t probe_engine_place(const struct probe_engine *e);

/* How many places the plan has (of all shards): targets × units. */
uint64_t probe_engine_n_places(const struct probe_engine *e);

/* What is planned at a place; it need not be this shard's. */
struct probe_pair probe_engine_planned(const struct probe_engine *e, uint64_t place);

/**
 * probe_engine_unresolved() - pairs that were begun and have no result yet
 * @ret_pairs: numbers for config->again
 * Return: how many there are, also beyond @max.
 */
size_t probe_engine_unresolved(const struct probe_engine *e, uint64_t *ret_pairs, size_t max);

bool probe_engine_done(const struct probe_engine *e);

/* Filled anew at each call. */
struct probe_account probe_engine_account(const struct probe_engine *e);

#endif
