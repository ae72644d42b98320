/*
 * sonde hosts: who is there. A round first asks all targets by ARP or neighbour solicitation where
 * they are on a link of this machine, and by ICMP; then those that stayed silent and are not
 * on-link by TCP connections. An on-link host that does not answer ARP cannot answer anything else.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ports.h"
#include "cli/found.h"
#include "cli/probing.h"
#include "cli/verbs.h"
#include "host/address.h"
#include "host/link.h"
#include "io/clock.h"
#include "out/progress.h"

#define RETRIES_DEFAULT 1
#define SPACING_NS	(100 * NS_PER_MS)
#define PAYLOAD_LEN	56
#define PORTS_MAX	16
#define PORTS_DEFAULT	"443,80,22"
#define CONNECTS	1024
#define TCP_TARGETS_MAX (1u << 20)
#define PROGRESS_MS	200
#define SUBNET_LEN_MAX	30 /* longer prefixes have no network and broadcast address (RFC 3021) */

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
	SENT,
	ANSWERED,
	ERRORS,
	SILENT,
	UNSENT,
	LATE,
	DUPLICATES,
	DROPPED,
	RECALL,
	INCOMPLETE,
	CARRIERS,
	N_ROUND,
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
	[SENT] = { "sent", OUT_UINT, .about = "probes sent" },
	[ANSWERED] = { "answered", OUT_UINT, .about = "probes answered in time" },
	[ERRORS] = { "errors", OUT_UINT, .about = "probes answered by an ICMP error" },
	[SILENT] = { "silent", OUT_UINT, .about = "probes not answered in time" },
	[UNSENT] = { "unsent", OUT_UINT, .about = "probes that could not be sent" },
	[LATE] = { "late", OUT_UINT, .about = "of the silent ones, answered after the time-out" },
	[DUPLICATES] = { "duplicates", OUT_UINT, .about = "answers beyond the first" },
	[DROPPED] = { "dropped", OUT_UINT, .about = "incoming packets that this machine lost" },
	[RECALL] = { "recall", OUT_REAL,
		     .about =
			     "estimated share of those there that were found, by the losses seen" },
	[INCOMPLETE] = { "incomplete", OUT_BOOL, .about = "answers were lost on this machine" },
	[CARRIERS] = { "carriers", OUT_TEXT, .about = "sockets used" },
};

static const struct out_type round_type = { "round", round_columns, N_ROUND };

enum phase { FIRST_PHASE, TCP_PHASE };

struct hosts {
	struct probing probing;
	struct probe_run *run;
	struct targets *targets;
	struct found *found;

	bool by_link, by_icmp, by_tcp;
	uint16_t ports[PORTS_MAX];
	unsigned n_ports;
	struct probe_lane lanes[PORTS_MAX + 3];
	enum evidence evidence[PORTS_MAX + 3]; /* of each lane */
	size_t n_lanes;
	struct addr *silent; /* targets of the second phase */

	enum phase phase;
	uint64_t n_rounds, started_ns;
	struct probe_account account; /* of the first phase */
	int error;		      /* why a probe could not be sent */
	bool full;
	int status;
	uv_timer_t next_round, redraw;
	struct progress progress;
	size_t n_alive;
};

/* What was typed */

static int take_evidence(struct hosts *h, const char *text)
{
	static const struct {
		const char *name;
		size_t offset;
	} kinds[] = {
		{ "arp", offsetof(struct hosts, by_link) },
		{ "ns", offsetof(struct hosts, by_link) },
		{ "icmp", offsetof(struct hosts, by_icmp) },
		{ "tcp", offsetof(struct hosts, by_tcp) },
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
		*(bool *)((char *)h + kinds[k].offset) = true;
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
	if (ports.n > PORTS_MAX)
		return command_fails(
			h->probing.cmd, EXIT_USAGE,
			"--ports: %u ports are too many to try on silent hosts: at most %d",
			ports.n, PORTS_MAX);
	for (uint16_t port = ports_next(&ports, 0); port; port = ports_next(&ports, port))
		h->ports[h->n_ports++] = port;
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

/* This machine */

static int exclude_addr(struct targets *t, const struct addr *a)
{
	struct targets *one = targets_new();
	int err = one ? targets_add_addr(one, a) : -ENOMEM;

	if (!err)
		err = targets_exclude(t, one);
	targets_free(one);
	return err;
}

/* Nobody has the network's and the broadcast address of a network that we are on. */
static int exclude_subnet_ends(struct targets *t, const struct host_addresses *ours)
{
	int err = 0;

	for (size_t i = 0; !err && i < ours->n; i++) {
		const struct prefix *p = &ours->items[i].prefix;
		struct addr ends[] = { prefix_first(p), prefix_last(p) };

		if (p->addr.family != AF_INET || p->len > SUBNET_LEN_MAX ||
		    addr_is_loopback(&p->addr))
			continue;
		for (size_t k = 0; !err && k < ARRAY_LEN(ends); k++)
			if (targets_count(t) > 1 && targets_contains(t, &ends[k]))
				err = exclude_addr(t, &ends[k]);
	}
	return err;
}

/* Our own addresses among the targets are alive, whether or not they answer. */
static int hear_ourselves(struct hosts *h, struct netlink *nl, const struct host_addresses *ours)
{
	for (size_t i = 0; i < ours->n; i++) {
		struct addr addr = ours->items[i].prefix.addr;
		struct host_link link;
		struct mac mac = { 0 };

		if (addr_is_link_local(&addr) && addr.family == AF_INET6)
			addr.scope = ours->items[i].ifindex;
		if (!targets_contains(h->targets, &addr))
			continue;
		if (!host_link_by_index(nl, ours->items[i].ifindex, &link)) {
			mac = host_hwaddr_mac(&link.address);
			host_link_done(&link);
		}
		if (found_heard(h->found, &addr, EVIDENCE_SELF, &mac, -1) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int look_at_ourselves(struct hosts *h, bool first)
{
	struct host_addresses ours = { 0 };
	struct netlink *nl = NULL;
	int err = netlink_new(&nl);

	if (!err)
		err = host_addresses_list(nl, 0, &ours);
	if (!err && first)
		err = exclude_subnet_ends(h->targets, &ours);
	if (!err)
		err = hear_ourselves(h, nl, &ours);
	host_addresses_done(&ours);
	netlink_free(nl);
	if (err)
		h->status = command_fails(h->probing.cmd, EXIT_CANNOT,
					  "cannot read this machine's addresses: %s",
					  err_text(err));
	return err;
}

/* Rounds */

static void add_lane(struct hosts *h, struct probe_lane lane, enum evidence evidence)
{
	h->evidence[h->n_lanes] = evidence;
	h->lanes[h->n_lanes++] = lane;
}

/* What is not permitted is left out and said, as long as something is left. */
static bool permitted(struct hosts *h, const struct probe_module *module)
{
	int family = targets_get(h->targets, 0).family;
	int err = probe_io_open(h->probing.io, module,
				module == &probe_arp  ? AF_INET
				: module == &probe_ns ? AF_INET6
						      : family);

	if (!err)
		return true;
	command_notes(h->probing.cmd, "without %s: %s",
		      module == &probe_icmp ? "ICMP" : "ARP and neighbour solicitation",
		      probe_io_why(h->probing.io));
	return false;
}

static int choose_lanes(struct hosts *h)
{
	h->by_link = h->by_link && permitted(h, &probe_arp) && permitted(h, &probe_ns);
	h->by_icmp = h->by_icmp && permitted(h, &probe_icmp);
	if (!h->by_link && !h->by_icmp && !h->by_tcp)
		return command_fails(h->probing.cmd, EXIT_CANNOT, "nothing is left to probe with");
	return 0;
}

static struct probe_config config_of(const struct hosts *h)
{
	const struct common *c = &h->probing.cmd->common;

	return (struct probe_config){
		.lanes = h->lanes,
		.n_lanes = h->n_lanes,
		.timeout_ns = c->given & COMMON_TIMEOUT ? c->timeout_ns : PROBING_TIMEOUT_NS,
		.retries = c->given & COMMON_RETRIES ? (uint32_t)c->retries : RETRIES_DEFAULT,
		.spacing_ns = SPACING_NS,
		.rate = probing_rate(h->probing.cmd),
		.max_connects = CONNECTS,
		.payload_len = PAYLOAD_LEN,
		.seed = clock_monotonic_ns(),
	};
}

static void on_event(void *ctx, const struct probe_event *event)
{
	struct hosts *h = ctx;

	if (event->outcome == PROBE_FAILED)
		h->error = event->error;
	if (event->outcome == PROBE_SILENT || event->outcome == PROBE_FAILED ||
	    event->kind != PROBE_REPLY)
		return;
	if (found_heard(h->found, &event->target, h->evidence[event->lane], &event->mac,
			event->rtt_ns) < 0)
		h->full = true;
	h->n_alive += event->outcome != PROBE_DUPLICATE;
}

static void on_done(void *ctx, const struct probe_account *account);

static int start_run(struct hosts *h, const struct probe_config *config, const char *what)
{
	struct probe_run_callbacks callbacks = { on_event, on_done, h };
	int status = probing_run(&h->probing, config, &callbacks, &h->run);

	if (status)
		return status;
	h->progress = progress_of(what, probe_run_account(h->run).total, clock_monotonic_ns(),
				  isatty(STDERR_FILENO) && !h->probing.cmd->common.quiet);
	return 0;
}

static int start_first_phase(struct hosts *h)
{
	struct probe_config config;

	h->phase = FIRST_PHASE;
	h->n_lanes = 0;
	if (h->by_link) {
		add_lane(h, (struct probe_lane){ .module = &probe_arp }, EVIDENCE_ARP);
		add_lane(h, (struct probe_lane){ .module = &probe_ns }, EVIDENCE_NS);
	}
	if (h->by_icmp)
		add_lane(h,
			 (struct probe_lane){ .module = &probe_icmp,
					      .after = h->by_link ? 1 << 0 | 1 << 1 : 0 },
			 EVIDENCE_ICMP);
	config = config_of(h);
	config.targets = h->targets;
	return start_run(h, &config, "probes");
}

/* Silent, and neither on a link whose ARP or neighbour solicitation was asked already. */
static size_t collect_silent(struct hosts *h)
{
	uint128_t count = targets_count(h->targets);
	size_t n = 0;

	if (count - MIN(count, (uint128_t)found_n_alive(h->found)) > TCP_TARGETS_MAX) {
		command_notes(h->probing.cmd, "more than %u silent addresses: TCP is not tried",
			      TCP_TARGETS_MAX);
		return 0;
	}
	h->silent = calloc((size_t)count + 1, sizeof(*h->silent));
	for (uint128_t i = 0; h->silent && i < count; i++) {
		struct addr addr = targets_get(h->targets, i);
		const struct found_host *host = found_get(h->found, &addr);
		struct probe_link link;

		if (host && host->evidence)
			continue;
		if (h->by_link && !probe_io_route(h->probing.io, &addr, PROBE_VIA_LINK, &link) &&
		    link.on_link && !mac_is_zero(&link.mac))
			continue;
		h->silent[n++] = addr;
	}
	return n;
}

/* Return: false when there is nothing to do. */
static bool start_tcp_phase(struct hosts *h)
{
	struct probe_config config;
	size_t n = collect_silent(h);

	if (!n)
		return false;
	h->phase = TCP_PHASE;
	h->n_lanes = 0;
	for (unsigned i = 0; i < h->n_ports; i++)
		add_lane(h,
			 (struct probe_lane){
				 .module = &probe_tcp, .ports = &h->ports[i], .n_ports = 1 },
			 EVIDENCE_TCP);
	config = config_of(h);
	config.list = h->silent;
	config.n_list = n;
	config.retries = 0; /* the kernel itself sends a SYN again after a second */
	h->status = start_run(h, &config, "connections");
	return !h->status;
}

static void record_round(struct hosts *h, const struct found_counts *counts, uint64_t took_ns)
{
	const struct probe_account *a = &h->account;
	struct out_value row[N_ROUND] = {
		[TIME] = out_ns(clock_wall_ns()),
		[ROUND] = out_uint(h->n_rounds),
		[SECONDS] = out_ns((int64_t)took_ns),
		[ALIVE] = out_uint(counts->alive),
		[CHANGES] = out_uint(counts->changes),
		[SENT] = out_uint(a->sent),
		[ANSWERED] = out_uint(a->answered),
		[ERRORS] = out_uint(a->errors),
		[SILENT] = out_uint(probing_unanswered(a)),
		[UNSENT] = out_uint(a->failed),
		[LATE] = out_uint(a->late),
		[DUPLICATES] = out_uint(a->duplicate),
		[DROPPED] = out_uint(a->dropped),
		[INCOMPLETE] = out_bool(a->incomplete),
		[CARRIERS] = out_text(probe_io_carriers(h->probing.io)),
	};

	if (!h->probing.stopping)
		row[INACTIVE] = out_uint(counts->inactive);
	if (a->recall >= 0)
		row[RECALL] = out_real(a->recall);
	out_record(h->probing.cmd->out, &round_type, row);
}

static void show_account(struct hosts *h)
{
	struct command *cmd = h->probing.cmd;

	probing_account(cmd, &h->account, probe_io_carriers(h->probing.io));
	if (h->account.failed)
		command_notes(cmd, "%lu probes could not be sent: %s", h->account.failed,
			      err_text(h->error));
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
	if (h->full)
		command_notes(cmd, "memory or the limit of %u hosts is exhausted", FOUND_MAX);
	h->status = counts.alive ? EXIT_YES : EXIT_NO;
	if (out_flush(cmd->out) < 0)
		h->probing.stopping = true;
}

static void start_round(struct hosts *h)
{
	h->n_rounds++;
	h->started_ns = clock_monotonic_ns();
	h->account = (struct probe_account){ 0 };
	h->n_alive = 0;
	found_begin(h->found);
	if (look_at_ourselves(h, h->n_rounds == 1)) {
		probing_stop(&h->probing);
		return;
	}
	if (h->by_link || h->by_icmp) {
		h->status = start_first_phase(h);
		if (h->status)
			probing_stop(&h->probing);
		return;
	}
	if (!start_tcp_phase(h)) {
		show_round(h);
		probing_stop(&h->probing);
	}
}

static void on_next_round(uv_timer_t *timer)
{
	start_round(timer->data);
}

static void finish_round(struct hosts *h)
{
	const struct common *c = &h->probing.cmd->common;
	uint64_t passed_ns;

	free(h->silent);
	h->silent = NULL;
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

static void add_account(struct probe_account *sum, const struct probe_account *a)
{
	double recall = sum->sent ? sum->recall : a->recall;

	sum->sent += a->sent;
	sum->answered += a->answered;
	sum->errors += a->errors;
	sum->silent += a->silent;
	sum->failed += a->failed;
	sum->late += a->late;
	sum->duplicate += a->duplicate;
	sum->dropped += a->dropped;
	sum->incomplete |= a->incomplete;
	sum->recall = recall;
}

static void on_done(void *ctx, const struct probe_account *account)
{
	struct hosts *h = ctx;

	h->run = NULL;
	progress_clear(&h->progress);
	add_account(&h->account, account);
	if (h->phase == FIRST_PHASE && h->by_tcp && !h->probing.stopping && start_tcp_phase(h))
		return;
	finish_round(h);
}

static void on_interrupt(struct probing *p)
{
	struct hosts *h = container_of(p, struct hosts, probing);

	if (h->run)
		probe_run_stop(h->run, true);
	else
		probing_stop(p);
}

static void on_redraw(uv_timer_t *timer)
{
	struct hosts *h = timer->data;
	char text[32];
	struct buf b = buf_in(text, sizeof(text));

	if (!h->run)
		return;
	buf_u64(&b, h->n_alive);
	buf_str(&b, " answers");
	progress_show(&h->progress, clock_monotonic_ns(), probe_run_account(h->run).targets,
		      buf_cstr(&b));
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
	h->status = choose_lanes(h);
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
	free(h.silent);
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
