/* What a scan probes: two scans with the same plan probe the same. */
#ifndef SONDE_CLI_SCAN_PLAN_H
#define SONDE_CLI_SCAN_PLAN_H

#include "base/ports.h"
#include "cli/verb.h"
#include "probe/engine.h"

#define SCAN_MAX_LANES 2

/* As typed. */
struct scan_options {
	struct texts kinds; /* "S", "SU", "n" */
	const char *ports, *shard, *resume, *xml, *greppable;
	uint64_t top, seed, max_time_ns;
	bool no_discovery, open_only, dry_run, xdp, banner;
};

#define SCAN_ANY_SEED UINT64_MAX /* scan_options.seed: not given */

struct scan_plan {
	struct targets *targets; /* sealed */
	struct probe_lane lanes[SCAN_MAX_LANES];
	size_t n_lanes; /* 0: hosts only */
	uint64_t seed;
	uint64_t shard, n_shards;	 /* the first is 0 */
	uint16_t *ports[SCAN_MAX_LANES]; /* of the lanes, ascending */
};

/**
 * scan_plan_of() - what was typed, but for the targets
 * The way to probe TCP is the caller's to settle when nobody chose one: @ret_plan's lane then has
 * probe_tcp.
 * @ret_tcp_chosen: -sS or -sT was typed
 * Return: 0, or an exit status after a message. Free with scan_plan_done().
 */
int scan_plan_of(struct command *cmd, const struct scan_options *options,
		 struct scan_plan *ret_plan, bool *ret_tcp_chosen);
void scan_plan_done(struct scan_plan *plan);

/* Takes all of @ports for a lane of its own. Return: 0 or -ENOMEM. */
MUST_CHECK int scan_plan_add(struct scan_plan *plan, const struct probe_module *module,
			     const struct ports *ports);

/* Ports of all lanes, a number each: lane after lane, ascending. */
uint32_t scan_plan_n_units(const struct scan_plan *plan);

/* The number of a port of a lane, or -1. */
int64_t scan_plan_unit(const struct scan_plan *plan, unsigned lane, uint16_t port);
unsigned scan_plan_unit_lane(const struct scan_plan *plan, uint32_t unit, uint16_t *ret_port);

/* "tcp" or "udp" */
const char *scan_protocol(const struct scan_plan *plan, unsigned lane);

/* "22,80,8000-8100" */
void scan_write_ports(struct buf *b, const uint16_t *ports, size_t n);

#endif
