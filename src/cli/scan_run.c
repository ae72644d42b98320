/*
 * A scan in steps: who is there (unless -Pn, or where it would cost more than it saves), the ports,
 * what speaks on those that are open, the report.
 *
 * On a link of this machine a host is looked for by ARP or neighbour solicitation, always, because
 * the kernel would have to do it anyway. Elsewhere only when more than a few ports are to be asked.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/scan.h"
#include "cli/scan_banners.h"
#include "cli/sweep.h"
#include "host/address.h"
#include "host/link.h"
#include "io/clock.h"

#define SPACING_NS	(100 * NS_PER_MS)
#define CONNECTS	4096
#define PROGRESS_MS	200
#define LISTED_MAX	16	   /* so few targets are shown even when they are silent */
#define CHECKED_MAX	(1u << 20) /* on-link targets whose own routes are looked up */
#define DISCOVERY_PORTS 3

struct scan {
	struct probing probing;
	const struct scan_options *options;
	struct scan_plan *plan;
	struct scan_saved *saved;
	struct targets *asked, *on_link, *elsewhere;
	struct targets *looked_for; /* in discovery */
	bool sweeps_all;	    /* not only what is on-link */
	struct scan_results *results;
	struct found *found;
	struct sweep sweep;
	struct probe_run *run;
	struct scan_banners *banners;
	struct progress progress;
	struct scan_report report;
	uv_timer_t redraw;
	bool full, ports_done;
	int status, save_status;
};

struct probe_config scan_config(const struct command *cmd, const struct scan_plan *plan,
				const struct scan_saved *saved)
{
	const struct common *c = &cmd->common;

	return (struct probe_config){
		.targets = plan->targets,
		.lanes = plan->lanes,
		.n_lanes = plan->n_lanes,
		.timeout_ns = c->given & COMMON_TIMEOUT ? c->timeout_ns : PROBING_TIMEOUT_NS,
		.retries = c->given & COMMON_RETRIES ? (uint32_t)c->retries : SCAN_RETRIES_DEFAULT,
		.spacing_ns = SPACING_NS,
		.rate = probing_rate(cmd),
		.max_connects = CONNECTS,
		.shard = plan->shard,
		.n_shards = plan->n_shards,
		.first_place = saved->place,
		.again = saved->again,
		.n_again = saved->n_again,
		.last_pass = true,
		.seed = plan->seed,
	};
}

/* Who is there */

static int add_all(struct targets *to, const struct targets *from)
{
	struct addr first, last;
	int err = 0;

	for (size_t i = 0; !err && i < targets_n_ranges(from); i++) {
		targets_range(from, i, &first, &last);
		err = targets_add_range(to, &first, &last);
	}
	return err;
}

static struct targets *copy_of(const struct targets *t)
{
	struct targets *copy = targets_new();

	if (copy && (add_all(copy, t) < 0 || targets_seal(copy) < 0))
		copy = targets_free(copy);
	return copy;
}

/* Those whose ports are asked. */
static void take_targets(struct scan *s, struct targets *t)
{
	targets_free(s->plan->targets);
	s->plan->targets = t;
}

/* The networks of this machine's Ethernets. */
static int add_our_networks(struct targets *t, const char *iface)
{
	struct host_addresses ours = { 0 };
	struct netlink *nl = NULL;
	int err = netlink_new(&nl);

	if (!err)
		err = host_addresses_list(nl, 0, &ours);
	for (size_t i = 0; !err && i < ours.n; i++) {
		struct prefix prefix = ours.items[i].prefix;
		struct host_link link;
		bool takes;

		if (host_link_by_index(nl, ours.items[i].ifindex, &link) < 0)
			continue;
		takes = link.address.len == sizeof(struct mac) && link.type != ARPHRD_LOOPBACK &&
			(!iface || !strcmp(iface, link.name));
		host_link_done(&link);
		if (addr_is_link_local(&prefix.addr) && prefix.addr.family == AF_INET6)
			prefix.addr.scope = ours.items[i].ifindex;
		if (takes)
			err = targets_add_prefix(t, &prefix);
	}
	host_addresses_done(&ours);
	netlink_free(nl);
	return err ? err : targets_seal(t);
}

/* Parts the targets into those on a link of ours and those elsewhere. */
static int part_targets(struct scan *s)
{
	struct targets *networks = targets_new();
	int err = networks ? add_our_networks(networks, s->probing.cmd->common.iface) : -ENOMEM;

	s->on_link = copy_of(s->asked);
	s->elsewhere = copy_of(s->asked);
	if (!err && (!s->on_link || !s->elsewhere))
		err = -ENOMEM;
	if (!err)
		err = targets_exclude(s->elsewhere, networks);
	if (!err)
		err = targets_exclude(s->on_link, s->elsewhere);
	targets_free(networks);
	if (!err)
		return 0;
	return command_fails(s->probing.cmd, EXIT_CANNOT,
			     "cannot tell which targets are on a link of this machine: %s",
			     err_text(err));
}

/* A few of the ports, those first that most hosts answer on. */
static void choose_discovery_ports(struct scan *s)
{
	static const uint16_t usual[] = { 443, 80, 22 };
	const struct scan_plan *plan = s->plan;

	for (unsigned lane = 0; lane < plan->n_lanes; lane++) {
		if (plan->lanes[lane].module == &probe_udp)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(usual); i++)
			if (scan_plan_unit(plan, lane, usual[i]) >= 0)
				s->sweep.ports[s->sweep.n_ports++] = usual[i];
		for (uint32_t i = 0;
		     !s->sweep.n_ports && i < plan->lanes[lane].n_ports && i < DISCOVERY_PORTS; i++)
			s->sweep.ports[i] = plan->ports[lane][i];
	}
	if (s->sweep.n_ports)
		return;
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		s->sweep.ports[s->sweep.n_ports++] = usual[i];
}

/* Return: whether there is something to look for. */
static bool prepare_sweep(struct scan *s)
{
	const struct scan_plan *plan = s->plan;

	s->sweeps_all = !plan->n_lanes || scan_plan_n_units(plan) > SCAN_PORTS_UNASKED;
	s->looked_for = copy_of(s->sweeps_all ? s->asked : s->on_link);
	s->sweep = (struct sweep){
		.probing = &s->probing,
		.targets = s->looked_for,
		.found = s->found,
		.by_link = true,
		.by_icmp = s->sweeps_all,
		.by_tcp = s->sweeps_all,
		.done = NULL,
	};
	choose_discovery_ports(s);
	if (s->sweeps_all)
		return true;
	/* Without privileges the kernel looks for neighbours itself. */
	return targets_count(s->on_link) && !probe_io_open(s->probing.io, &probe_arp, AF_INET);
}

static int add_one(struct targets *t, const struct addr *a)
{
	return targets_add_range(t, a, a);
}

/* In a network of ours, but behind a router that has a longer prefix of it. */
static int add_routed(struct scan *s, struct targets *t)
{
	int err = 0;

	if (targets_count(s->looked_for) > CHECKED_MAX)
		return 0;
	for (uint128_t i = 0; !err && i < targets_count(s->looked_for); i++) {
		struct addr addr = targets_get(s->looked_for, i);
		const struct found_host *host = found_get(s->found, &addr);
		struct probe_link link;

		if ((!host || !host->evidence) &&
		    !probe_io_route(s->probing.io, &addr, PROBE_VIA_LINK, &link) && !link.on_link)
			err = add_one(t, &addr);
	}
	return err;
}

/* What discovery leaves to be asked for ports. */
static int take_alive(struct scan *s)
{
	struct targets *t = targets_new();
	int err = t ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < found_n(s->found); i++) {
		const struct found_host *host = found_at(s->found, i);

		if (host->evidence && targets_contains(s->asked, &host->addr))
			err = add_one(t, &host->addr);
	}
	if (!err && !s->sweeps_all)
		err = add_all(t, s->elsewhere);
	if (!err && !s->sweeps_all)
		err = add_routed(s, t);
	if (!err)
		err = targets_seal(t);
	if (err) {
		targets_free(t);
		return command_fails(s->probing.cmd, EXIT_CANNOT, "cannot keep the targets: %s",
				     err_text(err));
	}
	take_targets(s, t);
	return 0;
}

/* Ports */

static void on_event(void *ctx, const struct probe_event *event)
{
	struct scan *s = ctx;

	if (event->outcome == PROBE_FAILED)
		s->report.error = event->error;
	if (scan_results_take(s->results, event) < 0)
		s->full = true;
}

/* @engine: of the ports; NULL: none was asked yet. */
static int save(struct scan *s, const struct probe_engine *engine)
{
	size_t n = engine ? probe_engine_unresolved(engine, NULL, 0) : 0;
	struct scan_saved saved = {
		.in_discovery = !engine,
		.place = engine ? probe_engine_place(engine) : 0,
		.again = calloc(n + 1, sizeof(*saved.again)),
		.plan = *s->plan,
		.asked = s->asked,
		.results = s->results,
		.found = s->found,
	};
	int status;

	if (!saved.again)
		return command_fails(s->probing.cmd, EXIT_CANNOT, "out of memory");
	if (n)
		saved.n_again = MIN(probe_engine_unresolved(engine, saved.again, n), n);
	status = scan_resume_write(s->probing.cmd, s->options->resume, &saved);
	free(saved.again);
	return status;
}

/* Told to stop: the file to go on from is written, if there is to be one. */
static void break_off(struct scan *s)
{
	if (s->options->resume && s->plan->n_lanes)
		s->save_status = save(s, s->run ? probe_run_engine(s->run) : NULL);
	else if (s->plan->n_lanes)
		command_notes(s->probing.cmd,
			      "broken off; with --resume FILE it could go on later");
}

static void on_banners(void *ctx)
{
	struct scan *s = ctx;

	probing_stop(&s->probing);
}

/* What speaks on the open ports. Return: whether there is something to wait for. */
static bool start_banners(struct scan *s)
{
	int err;

	scan_results_sort(s->results);
	err = scan_banners_new(&s->probing.loop, s->plan, s->results, on_banners, s, &s->banners);
	if (err < 0)
		command_notes(s->probing.cmd, "cannot ask what speaks on the open ports: %s",
			      err_text(err));
	if (err)
		return false;
	s->progress = progress_of("banners", scan_results_n_open(s->results), clock_monotonic_ns(),
				  isatty(STDERR_FILENO) && !s->probing.cmd->common.quiet);
	return true;
}

static void on_done(void *ctx, const struct probe_account *account)
{
	struct scan *s = ctx;

	progress_clear(&s->progress);
	sweep_add_account(&s->report.account, account);
	/* Of the ports; what was done before is beside the point. */
	s->report.account.recall = account->recall;
	s->report.account.rate = account->rate;
	s->report.complete = !s->probing.stopping && s->plan->n_shards == 1;
	if (s->probing.stopping)
		break_off(s);
	s->ports_done = !s->probing.stopping;
	s->run = NULL;
	if (s->probing.stopping || !s->options->banner || !start_banners(s))
		probing_stop(&s->probing);
}

/* Hosts that answered before their ports are asked are shown whatever these say. */
static void list_hosts(struct scan *s)
{
	uint128_t n = targets_count(s->plan->targets);

	for (size_t i = 0; i < found_n(s->found); i++) {
		const struct found_host *host = found_at(s->found, i);

		if (host->evidence && targets_contains(s->plan->targets, &host->addr) &&
		    !scan_results_host(s->results, &host->addr))
			s->full = true;
	}
	for (uint128_t i = 0; i < n && n <= LISTED_MAX; i++) {
		struct addr addr = targets_get(s->plan->targets, i);

		if (!scan_results_host(s->results, &addr))
			s->full = true;
	}
}

static void start_ports(struct scan *s)
{
	struct probe_run_callbacks callbacks = { on_event, on_done, s };
	struct probe_config config = scan_config(s->probing.cmd, s->plan, s->saved);

	list_hosts(s);
	if (!targets_count(s->plan->targets) || !s->plan->n_lanes) {
		s->report.complete = !s->probing.stopping;
		probing_stop(&s->probing);
		return;
	}
	s->status = probing_run(&s->probing, &config, &callbacks, &s->run);
	if (s->status) {
		probing_stop(&s->probing);
		return;
	}
	s->progress = progress_of("ports", probe_run_account(s->run).total, clock_monotonic_ns(),
				  isatty(STDERR_FILENO) && !s->probing.cmd->common.quiet);
}

static void on_swept(struct sweep *sweep)
{
	struct scan *s = container_of(sweep, struct scan, sweep);

	s->status = sweep->status;
	sweep_add_account(&s->report.account, &sweep->account);
	s->report.error = sweep->error;
	s->full |= sweep->full;
	if (!s->status)
		s->status = take_alive(s);
	if (!s->status && !s->probing.stopping) {
		start_ports(s);
		return;
	}
	if (!s->status) {
		list_hosts(s);
		s->report.before_ports = true;
		break_off(s);
	}
	probing_stop(&s->probing);
}

/* The whole */

static void on_interrupt(struct probing *p)
{
	struct scan *s = container_of(p, struct scan, probing);

	if (s->run)
		probe_run_stop(s->run, true);
	else if (s->sweep.run)
		sweep_stop(&s->sweep);
	else
		probing_stop(p);
}

static void on_redraw(uv_timer_t *timer)
{
	struct scan *s = timer->data;
	char text[48];
	struct buf b = buf_in(text, sizeof(text));

	sweep_redraw(&s->sweep);
	if (s->banners)
		progress_show(&s->progress, clock_monotonic_ns(), scan_banners_n_done(s->banners),
			      NULL);
	if (!s->run)
		return;
	buf_u64(&b, scan_results_n_open(s->results));
	buf_lit(&b, " open");
	progress_show(&s->progress, clock_monotonic_ns(), probe_run_account(s->run).targets,
		      buf_cstr(&b));
}

/* SYN where it is permitted, else connections, and says so. */
static int settle_tcp(struct scan *s, bool chosen)
{
	struct probe_lane *lane = &s->plan->lanes[0];
	uint128_t n = targets_count(s->asked);
	int err = 0;

	if (!s->plan->n_lanes || lane->module == &probe_udp)
		return 0;
	if (chosen && lane->module != &probe_syn)
		return 0;
	if (targets_get(s->asked, 0).family == AF_INET)
		err = probe_io_open(s->probing.io, &probe_syn, AF_INET);
	if (!err && targets_get(s->asked, n - 1).family == AF_INET6)
		err = probe_io_open(s->probing.io, &probe_syn, AF_INET6);
	if (!err) {
		lane->module = &probe_syn;
		return 0;
	}
	if (chosen)
		return command_fails(s->probing.cmd, EXIT_CANNOT, "%s. Without it: -sT",
				     probe_io_why(s->probing.io));
	if (err == -EPERM || err == -EACCES)
		command_notes(s->probing.cmd,
			      "by TCP connections (-sT), for SYN probes are not permitted");
	else
		command_notes(s->probing.cmd, "by TCP connections (-sT): %s",
			      probe_io_why(s->probing.io));
	return 0;
}

/* Without discovery. */
static int ask_all(struct scan *s)
{
	take_targets(s, copy_of(s->asked));
	if (!s->plan->targets)
		return command_fails(s->probing.cmd, EXIT_CANNOT, "out of memory");
	start_ports(s);
	return s->status;
}

/* Those that an earlier run has found need not be looked for again. */
static int leave_out_found(struct scan *s)
{
	struct targets *known = targets_new();
	int err = known && s->looked_for ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < found_n(s->found); i++)
		if (found_at(s->found, i)->evidence)
			err = add_one(known, &found_at(s->found, i)->addr);
	if (!err)
		err = targets_seal(known);
	if (!err)
		err = targets_exclude(s->looked_for, known);
	targets_free(known);
	return err ? command_fails(s->probing.cmd, EXIT_CANNOT, "out of memory") : 0;
}

static int look_for_hosts(struct scan *s)
{
	int status = part_targets(s);

	if (status)
		return status;
	if (!prepare_sweep(s))
		return ask_all(s);
	status = leave_out_found(s);
	if (status)
		return status;
	if (!targets_count(s->looked_for)) {
		on_swept(&s->sweep);
		return s->status;
	}
	status = sweep_permit(&s->sweep);
	if (!status)
		status = sweep_ourselves(&s->sweep, true);
	s->sweep.done = on_swept;
	if (!status)
		sweep_start(&s->sweep);
	return status ? status : s->status;
}

static int begin(struct scan *s, bool tcp_chosen)
{
	int status = settle_tcp(s, tcp_chosen);

	if (status)
		return status;
	s->results = s->saved->begun ? s->saved->results : scan_results_new(s->plan);
	s->found = s->saved->begun ? s->saved->found : found_new();
	s->saved->results = NULL;
	s->saved->found = NULL;
	if (!s->results || !s->found)
		return command_fails(s->probing.cmd, EXIT_CANNOT, "out of memory");
	if (s->saved->begun && !s->saved->in_discovery) {
		start_ports(s);
		return s->status;
	}
	if (s->options->no_discovery && s->plan->n_lanes)
		return ask_all(s);
	return look_for_hosts(s);
}

static bool takes_standard_output(const struct scan_options *o)
{
	return (o->xml && !strcmp(o->xml, "-")) || (o->greppable && !strcmp(o->greppable, "-"));
}

static int report(struct scan *s, uint64_t took_ns)
{
	struct command *cmd = s->probing.cmd;
	struct scan_report *r = &s->report;
	int status = 0;

	r->cmd = cmd;
	r->options = s->options;
	r->plan = s->plan;
	r->results = s->results;
	r->found = s->found;
	r->carriers = probe_io_carriers(s->probing.io);
	r->n_tries = scan_config(cmd, s->plan, s->saved).retries + 1;
	r->interrupted = s->probing.stopping;
	r->took_ns = took_ns;
	r->n_left_out =
		s->plan->targets && !r->before_ports
			? (uint64_t)(targets_count(s->asked) - targets_count(s->plan->targets))
			: 0;
	scan_results_sort(s->results);
	scan_report_count(r);
	if (!cmd->common.no_names)
		found_look_up(s->found);
	if (!takes_standard_output(s->options) || cmd->common.output)
		scan_report_show(r);
	if (s->full)
		command_notes(cmd, "not everything is kept: memory or a limit is exhausted; scan "
				   "fewer hosts at a time");
	if (s->options->xml)
		status = scan_report_xml(r, s->options->xml);
	if (!status && s->options->greppable)
		status = scan_report_greppable(r, s->options->greppable);
	if (!status && s->options->resume && (s->ports_done || !s->probing.stopping))
		(void)unlink(s->options->resume);
	if (!status)
		status = s->save_status;
	if (status)
		return status;
	if (s->plan->n_lanes ? r->n_open : r->n_up)
		return EXIT_YES;
	return r->account.failed && !r->account.sent ? EXIT_CANNOT : EXIT_NO;
}

int scan_run(struct command *cmd, const struct scan_options *options, struct scan_plan *plan,
	     bool tcp_chosen, struct scan_saved *saved)
{
	struct scan s = {
		.options = options, .plan = plan, .saved = saved, .probing.xdp = options->xdp
	};
	uint64_t started_ns = clock_monotonic_ns();
	int status = scan_report_try(cmd, options->xml);

	if (!status)
		status = scan_report_try(cmd, options->greppable);
	if (!status)
		status = probing_begin(&s.probing, cmd, cmd->common.iface, 0);
	if (status)
		return status;
	s.asked = saved->begun ? saved->asked : plan->targets;
	if (!saved->begun)
		plan->targets = NULL;
	s.report.n_asked = (uint64_t)MIN(targets_count(s.asked), (uint128_t)UINT64_MAX);
	s.report.started_ns = clock_wall_ns();
	s.report.account.recall = -1;
	s.probing.interrupted = on_interrupt;
	uv_timer_init(&s.probing.loop, &s.redraw);
	s.redraw.data = &s;
	uv_timer_start(&s.redraw, on_redraw, PROGRESS_MS, PROGRESS_MS);
	if (services_new("/etc/services", &s.report.services) < 0)
		status = command_fails(cmd, EXIT_CANNOT, "out of memory");
	if (!status)
		status = begin(&s, tcp_chosen);
	if (!status)
		probing_loop(&s.probing);
	if (!status)
		status = s.status;
	progress_clear(&s.progress);
	if (!status)
		status = report(&s, clock_monotonic_ns() - started_ns);
	scan_banners_free(s.banners);
	uv_close((uv_handle_t *)&s.redraw, NULL);
	probing_end(&s.probing);
	scan_results_free(s.results);
	found_free(s.found);
	services_free(s.report.services);
	targets_free(s.on_link);
	targets_free(s.elsewhere);
	targets_free(s.looked_for);
	if (!saved->begun)
		targets_free(s.asked);
	return status;
}
