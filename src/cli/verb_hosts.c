/* sonde hosts: who is there, in rounds. */
#include <stdlib.h>

#include "base/ports.h"
#include "cli/sweep.h"
#include "cli/verbs.h"
#include "io/clock.h"

#define PORTS_DEFAULT "443,80,22"
#define PROGRESS_MS   200

struct hosts_options {
	const char *by, *ports;
};

static const struct hosts_options defaults = { .by = "arp,icmp,tcp", .ports = PORTS_DEFAULT };

static const struct verb_option options[] = {
	{ 0, "by", "LIST",
	  "evidence to look for: arp (and its IPv6 kin), icmp, tcp; all if not given", OPTION_TEXT,
	  offsetof(struct hosts_options, by) },
	{ 0, "ports", "LIST",
	  "TCP ports to try where all else is silent, numbers or names; " PORTS_DEFAULT
	  " if not given",
	  OPTION_TEXT, offsetof(struct hosts_options, ports) },
};

enum {
	TIME,
	ROUND,
	SECONDS,
	ALIVE,
	INACTIVE,
	CHANGES,
	PROBES,
	N_ROUND = PROBES + PROBING_N_COLUMNS
};

static const struct out_column round_columns[] = {
	[TIME] = { "time", OUT_TIME, .about = "end of the round" },
	[ROUND] = { "round", OUT_UINT, .about = "its number, from 1" },
	[SECONDS] = { "seconds", OUT_SECONDS, .about = "how long it took" },
	[ALIVE] = { "alive", OUT_UINT, .about = "hosts that answered" },
	[INACTIVE] = { "inactive", OUT_UINT,
		       .about = "hosts that did not, but did before or were asked for one by one; "
				"absent: broken off" },
	[CHANGES] = { "changes", OUT_UINT, .about = "hosts that changed since the round before" },
	PROBING_COLUMNS(PROBES),
};

static const struct out_type round_type = { "round", round_columns, N_ROUND };

struct hosts {
	struct probing probing;
	struct targets *targets;
	struct found *found;
	struct sweep sweep;
	bool sweeping;
	uint64_t n_rounds, started_ns;
	int status;
	uv_timer_t next_round, redraw;
};

/* What was typed */

static int take_evidence(struct hosts *h, const char *text)
{
	static const struct {
		const char *name;
		size_t offset;
	} kinds[] = {
		{ "arp", offsetof(struct sweep, by_link) },
		{ "ns", offsetof(struct sweep, by_link) },
		{ "icmp", offsetof(struct sweep, by_icmp) },
		{ "tcp", offsetof(struct sweep, by_tcp) },
	};

	for (const char *p = text;; p++) {
		size_t len = strcspn(p, ","), k = 0;

		while (k < ARRAY_LEN(kinds) &&
		       (strlen(kinds[k].name) != len || memcmp(kinds[k].name, p, len)))
			k++;
		if (k == ARRAY_LEN(kinds)) {
			struct fault fault;

			fault_set(&fault, (size_t)(p - text), "expected arp, icmp or tcp here");
			return command_fault(h->probing.cmd, text, &fault);
		}
		*(bool *)((char *)&h->sweep + kinds[k].offset) = true;
		p += len;
		if (!*p)
			return 0;
	}
}

static int take_ports(struct hosts *h, const char *text)
{
	struct fault fault = { 0 };
	struct ports ports;

	if (ports_parse(text, "tcp", &ports, &fault) < 0)
		return command_fault(h->probing.cmd, text, &fault);
	if (ports.n > SWEEP_MAX_PORTS)
		return command_fails(
			h->probing.cmd, EXIT_USAGE,
			"--ports: %u ports are too many to try on silent hosts: at most %d",
			ports.n, SWEEP_MAX_PORTS);
	for (uint16_t port = ports_next(&ports, 0); port; port = ports_next(&ports, port))
		h->sweep.ports[h->sweep.n_ports++] = port;
	return 0;
}

/* Hosts typed one by one are inactive when they are silent; the rest of a network is just not
 * there. */
static int list_single_hosts(struct hosts *h)
{
	for (size_t i = 0; i < targets_n_single(h->targets); i++) {
		struct addr addr = targets_single(h->targets, i);
		struct found_host *host;

		if (!targets_contains(h->targets, &addr))
			continue;
		host = found_host(h->found, &addr);
		if (!host)
			return command_fails(h->probing.cmd, EXIT_CANNOT,
					     "out of memory, or more than %u hosts", FOUND_MAX);
		host->listed = true;
	}
	return 0;
}

/* Rounds */

static void record_round(struct hosts *h, const struct found_counts *counts, uint64_t took_ns)
{
	struct out_value row[N_ROUND] = {
		[TIME] = out_ns(clock_wall_ns()),      [ROUND] = out_uint(h->n_rounds),
		[SECONDS] = out_ns((int64_t)took_ns),  [ALIVE] = out_uint(counts->alive),
		[CHANGES] = out_uint(counts->changes),
	};

	if (!h->probing.stopping)
		row[INACTIVE] = out_uint(counts->inactive);
	probing_values(&h->sweep.account, probe_io_carriers(h->probing.io), row + PROBES);
	out_record(h->probing.cmd->out, &round_type, row);
}

static void show_account(struct hosts *h)
{
	probing_account(h->probing.cmd, &h->sweep.account, probe_io_carriers(h->probing.io),
			h->sweep.error);
}

static void show_round(struct hosts *h)
{
	struct command *cmd = h->probing.cmd;
	uint64_t took_ns = clock_monotonic_ns() - h->started_ns;
	struct found_counts counts;

	counts = found_judge(h->found);
	if (!cmd->common.no_names)
		found_look_up(h->found);
	/* Who was not asked yet is not inactive. */
	found_show(h->found, cmd, !h->probing.stopping);
	if (h->probing.stopping)
		out_line(cmd->out, "%zu alive; round %lu broken off after %.2f s", counts.alive,
			 h->n_rounds, (double)took_ns / 1e9);
	else
		out_line(cmd->out, "%zu alive, %zu inactive; round %lu took %.2f s", counts.alive,
			 counts.inactive, h->n_rounds, (double)took_ns / 1e9);
	show_account(h);
	/* People see it in the table and the lines. */
	if (cmd->common.json) {
		found_show_changes(h->found, cmd);
		record_round(h, &counts, took_ns);
	}
	if (h->sweep.full)
		command_notes(cmd, "memory or the limit of %u hosts is exhausted", FOUND_MAX);
	h->status = counts.alive ? EXIT_YES : EXIT_NO;
	if (out_flush(cmd->out) < 0)
		h->probing.stopping = true;
}

static void start_round(struct hosts *h)
{
	h->n_rounds++;
	h->started_ns = clock_monotonic_ns();
	found_begin(h->found);
	h->status = sweep_ourselves(&h->sweep, h->n_rounds == 1);
	if (h->status) {
		probing_stop(&h->probing);
		return;
	}
	h->sweeping = true;
	sweep_start(&h->sweep);
}

static void on_next_round(uv_timer_t *timer)
{
	start_round(timer->data);
}

static void on_swept(struct sweep *sweep)
{
	struct hosts *h = container_of(sweep, struct hosts, sweep);
	const struct common *c = &h->probing.cmd->common;
	uint64_t passed_ns;

	h->sweeping = false;
	if (sweep->status) {
		h->status = sweep->status;
		probing_stop(&h->probing);
		return;
	}
	/* A repeated round that was broken off would call hosts inactive that were not asked. */
	if (!h->probing.stopping || !c->every_ns) {
		show_round(h);
	} else {
		out_line(h->probing.cmd->out, "round %lu broken off", h->n_rounds);
		show_account(h);
	}
	if (h->probing.stopping || !c->every_ns ||
	    (c->given & COMMON_COUNT && h->n_rounds >= c->count)) {
		probing_stop(&h->probing);
		return;
	}
	passed_ns = clock_monotonic_ns() - h->started_ns;
	uv_update_time(&h->probing.loop);
	uv_timer_start(&h->next_round, on_next_round,
		       passed_ns < c->every_ns ? (c->every_ns - passed_ns) / NS_PER_MS : 0, 0);
}

static void on_interrupt(struct probing *p)
{
	struct hosts *h = container_of(p, struct hosts, probing);

	if (h->sweeping)
		sweep_stop(&h->sweep);
	else
		probing_stop(p);
}

static void on_redraw(uv_timer_t *timer)
{
	struct hosts *h = timer->data;

	sweep_redraw(&h->sweep);
}

static int probe(struct hosts *h, struct command *cmd)
{
	int status = probing_begin(&h->probing, cmd, cmd->common.iface, 0);

	if (status)
		return status;
	h->probing.interrupted = on_interrupt;
	uv_timer_init(&h->probing.loop, &h->next_round);
	uv_timer_init(&h->probing.loop, &h->redraw);
	h->next_round.data = h->redraw.data = h;
	uv_timer_start(&h->redraw, on_redraw, PROGRESS_MS, PROGRESS_MS);
	h->sweep.probing = &h->probing;
	h->sweep.targets = h->targets;
	h->sweep.found = h->found;
	h->sweep.done = on_swept;
	h->status = sweep_permit(&h->sweep);
	if (!h->status) {
		start_round(h);
		probing_loop(&h->probing);
	}
	uv_close((uv_handle_t *)&h->next_round, NULL);
	uv_close((uv_handle_t *)&h->redraw, NULL);
	probing_end(&h->probing);
	return h->status;
}

static int run(struct command *cmd, void *opaque)
{
	const struct hosts_options *o = opaque;
	struct hosts h = { .probing.cmd = cmd };
	int status = take_evidence(&h, o->by);

	if (!status && cmd->common.count > 1 && !cmd->common.every_ns)
		status = command_fails(cmd, EXIT_USAGE,
				       "-c counts the rounds of --every; add --every SECONDS");
	if (!status)
		status = take_ports(&h, o->ports);
	if (!status)
		status = probing_targets(cmd, 0, &h.targets);
	if (!status) {
		h.found = found_new();
		status = h.found ? list_single_hosts(&h)
				 : command_fails(cmd, EXIT_CANNOT, "out of memory");
	}
	if (!status)
		status = probe(&h, cmd);
	found_free(h.found);
	targets_free(h.targets);
	return status;
}

static const struct out_type *const records[] = { &found_host_type, &found_change_type, &round_type,
						  NULL };

static const struct example examples[] = {
	{ "sonde hosts 10.0.2.0/24", "who is on this network" },
	{ "sonde hosts --every 10 10.0.2.0/24", "and who goes and comes, every 10 seconds" },
	{ "sonde hosts --by icmp --rate max -W 0.5 10.0.0.0/16", "a large network, quickly" },
	{ "sonde hosts --json --every 60 @servers | jq 'select(.record == \"change\")'",
	  "changes only, for a program" },
};

const struct verb verb_hosts = {
	.name = "hosts",
	.operands = "TARGETS",
	.summary = "who is there: by ARP, ICMP and TCP, once or again and again",
	.about =
		"Asks each target on a link of this machine by ARP (IPv6: neighbour solicitation) and, "
		"when it answers, by ICMP; other targets by ICMP and, when they stay silent, by TCP "
		"connections: an open port and a refusal are both a sign of life. Network and "
		"broadcast addresses of this machine's networks are left out.\n\n"
		"With --every the round is repeated (-c times, or until Ctrl-C). A host that was there "
		"before, or that was given by its own address or name, is inactive when it is silent. The last "
		"column marks what changed: new, back, gone, mac. With --json each change is also a "
		"record, and each round ends with one.\n\n"
		"Every round closes with the account of packets; 'late' ones came after the time-out "
		"(-W, 1 second if not given). At most --rate packets a second leave, 1,000 if not "
		"given; 'max' goes as fast as this machine can and slows down when it loses packets.\n\n"
		"Exit status: 0 when somebody is there, 1 when nobody is.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.options_size = sizeof(struct hosts_options),
	.defaults = &defaults,
	.common = COMMON_OUTPUT | COMMON_IFACE | COMMON_FAMILY | COMMON_NAMES | COMMON_EXCLUDE |
		  COMMON_TIMEOUT | COMMON_RATE | COMMON_RETRIES | COMMON_COUNT | COMMON_EVERY |
		  COMMON_FOR,
	.min_operands = 1,
	.completes = COMPLETE_HOST,
	.records = records,
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.run = run,
};
