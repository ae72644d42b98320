/* What a scan would send, without sending: the plan in its order, then its repetitions. */
#include <errno.h>

#include "cli/scan.h"

enum { HOST, PORT, PROTOCOL, TRY, N_PROBE };

static const struct out_column columns[] = {
	[HOST] = { "host", OUT_ADDR, .about = "the address asked" },
	[PORT] = { "port", OUT_UINT, .about = "the port" },
	[PROTOCOL] = { "protocol", OUT_TEXT, "PROTO", .about = "tcp or udp" },
	[TRY] = { "try", OUT_UINT,
		  .about = "1, and the further ones that an address gets which stays silent" },
};

const struct out_type scan_probe_type = { "probe", columns, N_PROBE, .live = true };

struct dry_run {
	struct command *cmd;
	const struct scan_plan *plan;
	const struct scan_saved *saved;
	struct probe_engine *engine;
	uint32_t try;
};

static void show(const struct dry_run *d, const struct addr *target, unsigned lane, uint16_t port)
{
	struct out_value row[N_PROBE] = {
		[HOST] = out_addr(target),
		[PORT] = out_uint(port),
		[PROTOCOL] = out_text(scan_protocol(d->plan, lane)),
		[TRY] = out_uint(d->try),
	};

	out_record(d->cmd->out, &scan_probe_type, row);
}

/* Pair p is target p % n of unit p / n. */
static void show_again(const struct dry_run *d)
{
	uint64_t n = (uint64_t)targets_count(d->plan->targets);

	for (size_t i = 0; i < d->saved->n_again; i++) {
		uint64_t pair = d->saved->again[i];
		struct addr target = targets_get(d->plan->targets, pair % n);
		uint16_t port;
		unsigned lane = scan_plan_unit_lane(d->plan, (uint32_t)(pair / n), &port);

		show(d, &target, lane, port);
	}
}

/* Return: 0, or -errno when nobody reads. */
static int show_try(const struct dry_run *d)
{
	uint64_t first = d->saved->place, step = d->plan->n_shards, shard = d->plan->shard;

	show_again(d);
	/* From there on, the first place of the shard. */
	first += (shard + step - first % step) % step;
	for (uint64_t at = first; at < probe_engine_n_places(d->engine); at += step) {
		struct probe_pair pair = probe_engine_planned(d->engine, at);
		int err;

		show(d, &pair.target, pair.lane, pair.port);
		err = at % 4096 < step ? out_flush(d->cmd->out) : 0;
		if (err < 0)
			return err;
	}
	return 0;
}

static int no_route(void *ctx UNUSED, const struct addr *target UNUSED, enum probe_via via UNUSED,
		    struct probe_link *ret_link UNUSED)
{
	return -ENETUNREACH;
}

int scan_dry_run(struct command *cmd, const struct scan_plan *plan, const struct scan_saved *saved)
{
	struct dry_run d = { .cmd = cmd, .plan = plan, .saved = saved };
	struct probe_config config = scan_config(cmd, plan, saved);
	int err;

	config.route = no_route;
	config.max_slots = 64;
	config.n_again = 0;
	config.source_port = config.n_source_ports = 1;
	err = probe_engine_new(&config, 0, &d.engine);
	if (err)
		return command_fails(cmd, err == -E_RANGE ? EXIT_USAGE : EXIT_CANNOT,
				     err == -E_RANGE
					     ? "too many targets for one run: give a smaller "
					       "network"
					     : "%s",
				     err_text(err));
	for (d.try = 1; d.try <= config.retries + 1 && !err; d.try++)
		err = show_try(&d);
	probe_engine_free(d.engine);
	if (!saved->begun)
		command_notes(cmd, "nothing was sent; without -Pn, hosts would be looked for first "
				   "and silent ones left out");
	return EXIT_YES;
}
