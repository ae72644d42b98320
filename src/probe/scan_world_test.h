/*
 * A simulated network for scans in virtual time, with known truth. The modules are made up: a probe
 * says whom it is for, and its answer says the same.
 */
#ifndef SONDE_PROBE_SCAN_WORLD_TEST_H
#define SONDE_PROBE_SCAN_WORLD_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "probe/engine.h"

#define START_NS  (1000 * NS_PER_S)
#define MAX_PAIRS (1u << 17)
#define RING	  (1u << 17) /* answers on their way */
#define BASE_PORT 40000
#define DELAY_NS  (4 * NS_PER_MS)
#define NEVER	  UINT64_MAX

struct wire {
	uint32_t target; /* IPv4 */
	uint16_t port, source_port;
	uint32_t cookie;
	bool prohibited; /* an ICMP error of some router */
};

struct answer {
	struct wire wire;
	uint64_t at_ns;
	enum probe_via via;
};

/* What happened to one pair. */
struct truth {
	uint8_t n_sent, n_delivered, n_answered, n_silent, n_late, n_failed;
};

struct world {
	struct random random;
	uint64_t now_ns;
	uint32_t first, n_targets, first_port, n_ports;
	struct truth *truths;

	double loss;			       /* of each probe */
	uint32_t there_every;		       /* each so many-th target answers; 0: none */
	uint32_t bears;			       /* a second; 0: any */
	uint32_t queue;			       /* so many wait where it is narrow */
	uint64_t narrow_ns;		       /* when the last of the queue leaves */
	uint32_t narrow_prefix;		       /* only that one: 1 + target / 256; 0: all */
	uint64_t others_ns;		       /* the last answer to another */
	double own_loss;		       /* of each probe to that one */
	uint64_t n_slowed, n_missed, n_narrow; /* /24s; pairs; probes to that one */
	uint64_t n_missed_narrow;	       /* pairs of that one */
	uint32_t dead_every; /* in each so many-th /24 nobody is there; 0: in none */
	uint64_t n_dropped, n_sends;
	uint64_t still_ns, still_until_ns; /* what comes in between comes at its end */
	uint64_t block_ns;		   /* from then on every second host is silent; 0: never */
	bool udp_closed; /* each host sends an ICMP error a second, after a burst of 6 */
	double *tokens;
	uint64_t *tokens_ns;
	uint64_t stop_after;	   /* sends */
	uint32_t prohibited_every; /* of targets */
	uint32_t unsent_every;	   /* of sends: could not leave, for... */
	int unsent_err;
	uint32_t no_hop_every;
	uint64_t hop_after_ns;
	uint64_t gone_ns, back_ns; /* in between no next hop is known */

	struct answer *ring;
	uint32_t head, tail;
};

struct scan {
	struct world *world;
	struct targets *targets;
	uint16_t *ports;
	struct probe_lane lanes[2];
	struct probe_config config;
};

/* TCP, known by its cookie, and UDP, known by its target. */
extern const struct probe_module fake_syn, fake_udp;

/* @n_targets from @first on, with ports from 1 on. */
struct world *world_new(const char *first, uint32_t n_targets, uint32_t n_ports);
void world_free(struct world *w);

bool world_is_there(const struct world *w, uint32_t target);
struct truth *world_truth(struct world *w, const struct addr *target, uint16_t port);

/* Until the engine is done, or has sent enough. */
void world_run(struct world *w, struct probe_engine *e);

/* Of all of it, by one lane. */
struct scan scan_of(struct world *w, const struct probe_module *module);
struct probe_engine *scan_engine(struct scan *s);
void scan_done(struct scan *s);

#endif
