/*
 * What is sent when. Every `every` a round: each host's first address by ARP or neighbour
 * solicitation and, once that is answered, by a burst of echo requests; its other addresses by the
 * former alone. All hosts at the same time: one that does not answer costs the others nothing.
 * Beside it sweeps for new hosts, at their own interval, and looks at those who spoke by
 * themselves.
 */
#include <errno.h>
#include <stdlib.h>

#include "monitor/monitor_private.h"
#include "probe/engine_io.h"

#define MAX_HINTS      256
#define HINT_PAUSE_MS  1000
#define PAYLOAD_LEN    56 /* as ping sends */
#define TELL_AGAIN_NS  (3600 * NS_PER_S)
#define MAX_RUNS_ROUND (2 * 2 * (PRESENCE_MAX_NETWORKS + 1))

enum run_kind {
	RUN_CHECK,  /* first addresses: with a burst */
	RUN_OTHERS, /* further addresses */
	RUN_SWEEP,  /* from here on: who may be there */
	RUN_HINT,
};

/* One run of the engine. */
struct run {
	struct run *next;
	struct rounds *rounds;
	struct probe_io *io;
	struct probe_run *run;
	enum run_kind kind;
	int family;
	bool stopped;
	unsigned network; /* of a sweep */
	struct addr *list;
	size_t n_list, cap_list;
};

struct rounds {
	struct monitor *m;
	struct probe_io
		*ios[PRESENCE_MAX_NETWORKS + 1]; /* by network; the last: as the routes say */
	struct run *runs;			 /* all that are under way */
	unsigned n_checks, n_hint_runs;		 /* under way */
	uv_timer_t *timer, *hint_timer;
	uint64_t started_ns; /* the present or last round */
	int64_t started_ms;
	bool in_round, again; /* another round right after this one */
	bool running; /* the first round began: what fails from then on is told as trouble */
	uint64_t late_told_ns, full_told_ns;
	bool sweeping[PRESENCE_MAX_NETWORKS];
	uint64_t sweep_ns[PRESENCE_MAX_NETWORKS]; /* when the next is due */
	struct addr hints[MAX_HINTS];
	unsigned n_hints;
	struct invite *invite;
};

static void begin_round(struct rounds *r);

static void run_free(struct run *run)
{
	struct run **at = &run->rounds->runs;

	while (*at && *at != run)
		at = &(*at)->next;
	if (*at)
		*at = run->next;
	free(run->list);
	free(run);
}

static struct run *run_new(struct rounds *r, enum run_kind kind, int family, struct probe_io *io)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->rounds = r;
	run->kind = kind;
	run->family = family;
	run->io = io;
	run->next = r->runs;
	r->runs = run;
	return run;
}

static int run_add(struct run *run, const struct addr *addr)
{
	size_t cap = MAX(run->cap_list * 2, (size_t)64);
	struct addr *list = run->list;

	if (run->n_list == run->cap_list) {
		list = realloc(list, cap * sizeof(*list));
		if (!list)
			return -ENOMEM;
		run->list = list;
		run->cap_list = cap;
	}
	run->list[run->n_list++] = *addr;
	return 0;
}

/* Lane 0 is ARP or neighbour solicitation, lane 1 ICMP. */
static enum presence_evidence evidence_of(const struct run *run, const struct probe_event *event)
{
	if (event->lane)
		return PRESENCE_ICMP;
	return run->family == AF_INET ? PRESENCE_ARP : PRESENCE_NS;
}

/* What left for a host in this round. */
static void count_sent(const struct run *run, const struct probe_event *event)
{
	struct monitor *m = run->rounds->m;

	if (event->outcome != PROBE_ANSWERED && event->outcome != PROBE_SILENT)
		return;
	if (event->lane)
		presence_sent(m->presence, &event->target, 1, 0);
	else if (event->outcome == PROBE_SILENT && run->kind == RUN_CHECK)
		/* Without a link-layer address no echo request could leave: they all count as lost.
		 */
		presence_sent(m->presence, &event->target, m->config->burst, 1);
	else
		presence_sent(m->presence, &event->target, 0, 1);
}

/* Whether something may be told again; notes that it is. */
static bool again_after_an_hour(uint64_t *told_ns)
{
	uint64_t now_ns = monitor_now().mono_ns;

	if (*told_ns && now_ns - *told_ns < TELL_AGAIN_NS)
		return false;
	*told_ns = now_ns;
	return true;
}

static void on_event(void *ctx, const struct probe_event *event)
{
	struct run *run = ctx;
	struct monitor *m = run->rounds->m;
	uint64_t rtt_ns = 0;
	int met;

	if (run->kind == RUN_CHECK || run->kind == RUN_OTHERS)
		count_sent(run, event);
	if (event->kind != PROBE_REPLY || event->outcome == PROBE_SILENT ||
	    event->outcome == PROBE_FAILED)
		return;
	if (run->kind == RUN_CHECK && event->outcome == PROBE_ANSWERED)
		rtt_ns = (uint64_t)MAX(event->rtt_ns, (int64_t)1);
	met = presence_heard(m->presence, monitor_now(), &event->target, &event->mac,
			     evidence_of(run, event), rtt_ns);
	if (met > 0)
		monitor_drain_soon(m);
	else if (met == -E_FULL && again_after_an_hour(&run->rounds->full_told_ns))
		monitor_trouble(
			m, "there are more hosts than `max_hosts` (%u): new ones are not taken",
			m->config->max_hosts);
}

/* The next round is due `every` after the last began, whatever that one took. */
static void schedule(struct rounds *r);

static void on_timer(uv_timer_t *timer)
{
	begin_round(timer->data);
}

static void schedule(struct rounds *r)
{
	uint64_t now_ns = monitor_now().mono_ns, due_ns = r->started_ns + r->m->config->every_ns;

	if (r->again)
		due_ns = now_ns;
	r->again = false;
	uv_update_time(r->m->loop);
	uv_timer_start(r->timer, on_timer,
		       due_ns > now_ns ? (due_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS : 0, 0);
}

static void tell_late(struct rounds *r, uint64_t now_ns)
{
	uint64_t took_ns = now_ns - r->started_ns;

	if (took_ns > r->m->config->every_ns && again_after_an_hour(&r->late_told_ns))
		monitor_trouble(
			r->m,
			"checking %u hosts took %.1f s, longer than `every`: raise `rate` or "
			"`every`",
			presence_n_hosts(r->m->presence), (double)took_ns / (double)NS_PER_S);
}

static void end_round(struct rounds *r)
{
	struct presence_now now = monitor_now();

	r->in_round = false;
	tell_late(r, now.mono_ns);
	presence_round_end(r->m->presence, now);
	schedule(r);
	monitor_round_done(r->m, r->started_ms);
}

static void start_hints(struct rounds *r);

static void on_done(void *ctx, const struct probe_account *account)
{
	struct run *run = ctx;
	struct rounds *r = run->rounds;
	enum run_kind kind = run->kind;

	r->m->probes_sent += account->sent;
	r->m->probes_answered += account->answered;
	if (kind == RUN_SWEEP)
		r->sweeping[run->network] = false;
	run_free(run);
	if (kind == RUN_HINT && !--r->n_hint_runs)
		start_hints(r);
	if ((kind == RUN_CHECK || kind == RUN_OTHERS) && !--r->n_checks && r->in_round)
		end_round(r);
}

static int route(void *ctx, const struct addr *target, enum probe_via via,
		 struct probe_link *ret_link)
{
	struct run *run = ctx;
	struct probe_link link;
	int err = probe_io_route(run->io, target, via, &link);

	if (err < 0)
		return err;
	if (link.self && run->kind >= RUN_SWEEP && !addr_is_loopback(target))
		return -EADDRNOTAVAIL; /* this machine is not a host that it could lose */
	if (mac_is_zero(&link.mac))
		link.on_link = false; /* no Ethernet: nobody to wait for before ICMP */
	*ret_link = link;
	return 0;
}

/* Starts a run over @targets, or over the run's own list. On failure the run is freed. */
static int run_start(struct run *run, const struct targets *targets, uint64_t rate)
{
	const struct monitor_config *config = run->rounds->m->config;
	bool burst = run->kind == RUN_CHECK;
	const struct probe_lane lanes[] = {
		{ .module = run->family == AF_INET ? &probe_arp : &probe_ns },
		{ .module = &probe_icmp, .after = 1, .each = burst },
	};
	const struct probe_config probe = {
		.targets = targets,
		.list = targets ? NULL : run->list,
		.n_list = targets ? 0 : run->n_list,
		.lanes = lanes,
		.n_lanes = run->kind == RUN_OTHERS ? 1 : 2,
		.timeout_ns = config->timeout_ns,
		.retries = 1,
		.count = burst ? config->burst : 1,
		.interval_ns = config->spacing_ns,
		.rate = MAX(rate, (uint64_t)1),
		.payload_len = PAYLOAD_LEN,
		.seed = monitor_now().mono_ns,
		.route = route,
		.route_ctx = run,
	};
	const struct probe_run_callbacks callbacks = { on_event, on_done, run };
	int err = probe_io_run(run->io, &probe, &callbacks, &run->run);

	if (err < 0)
		run_free(run);
	return err;
}

static struct probe_io *io_of(const struct rounds *r, unsigned network)
{
	return r->ios[MIN(network, r->m->config->n_networks)];
}

/* The run among @runs that an address belongs to, made when it is missing. NULL: no memory. */
static struct run *run_for(struct rounds *r, struct run **runs, unsigned *n_runs,
			   enum run_kind kind, int family, struct probe_io *io)
{
	for (unsigned i = 0; i < *n_runs; i++) {
		if (runs[i]->kind == kind && runs[i]->family == family && runs[i]->io == io)
			return runs[i];
	}
	runs[*n_runs] = run_new(r, kind, family, io);
	return runs[*n_runs] ? runs[(*n_runs)++] : NULL;
}

/* Sorts the addresses of all hosts into runs. Return: how many runs, or -ENOMEM with none. */
static int plan_round(struct rounds *r, struct run *runs[MAX_RUNS_ROUND], size_t *ret_n_addrs)
{
	unsigned n_runs = 0;
	size_t n_addrs = 0;

	for (unsigned i = 0; i < presence_n_hosts(r->m->presence); i++) {
		const struct presence_host *host = presence_host(r->m->presence, i);

		if (!links_up(r->m->links, host->network))
			continue;
		for (unsigned k = 0; k < host->n_addrs; k++) {
			struct run *run = run_for(r, runs, &n_runs, k ? RUN_OTHERS : RUN_CHECK,
						  host->addrs[k].family, io_of(r, host->network));

			if (!run || run_add(run, &host->addrs[k]) < 0)
				goto no_memory;
			n_addrs++;
		}
	}
	*ret_n_addrs = n_addrs;
	return (int)n_runs;
no_memory:
	while (n_runs)
		run_free(runs[--n_runs]);
	return -ENOMEM;
}

static int start_checks(struct rounds *r)
{
	struct run *runs[MAX_RUNS_ROUND];
	size_t n_addrs = 0;
	int n = plan_round(r, runs, &n_addrs), err = MIN(n, 0);

	for (int i = 0; i < n; i++) {
		struct probe_io *io = runs[i]->io;
		int started =
			run_start(runs[i], NULL, r->m->config->rate * runs[i]->n_list / n_addrs);

		r->n_checks += !started;
		if (!started)
			continue;
		err = started;
		if (r->running)
			monitor_trouble(r->m, "cannot check hosts: %s", probe_io_why(io));
	}
	return err;
}

static int start_sweep(struct rounds *r, unsigned network, uint64_t now_ns)
{
	const struct monitor_config_network *config = &r->m->config->networks[network];
	struct run *run = run_new(r, RUN_SWEEP, config->prefix.addr.family, r->ios[network]);
	int err;

	if (!run)
		return -ENOMEM;
	run->network = network;
	r->sweep_ns[network] = now_ns + config->discover_ns;
	err = run_start(run, config->targets, r->m->config->rate);
	r->sweeping[network] = !err;
	return err;
}

static int start_sweeps(struct rounds *r, uint64_t now_ns)
{
	int err = 0, started;

	for (unsigned i = 0; i < r->m->config->n_networks; i++) {
		if (!r->m->config->networks[i].targets || r->sweeping[i] ||
		    now_ns < r->sweep_ns[i] || !links_up(r->m->links, i))
			continue;
		started = start_sweep(r, i, now_ns);
		if (!started)
			continue;
		err = started;
		if (r->running)
			monitor_trouble(r->m, "cannot sweep %s: %s", r->m->config->networks[i].name,
					probe_io_why(r->ios[i]));
	}
	return err;
}

/* Return: the first thing that could not be started; the others run. */
static int begin_round_now(struct rounds *r)
{
	struct presence_now now = monitor_now();
	int swept, err;

	r->started_ns = now.mono_ns;
	r->started_ms = now.wall_ms;
	r->in_round = true;
	presence_round_begin(r->m->presence, now);
	swept = start_sweeps(r, now.mono_ns);
	if (r->invite)
		invite_look(r->invite, now.mono_ns);
	err = start_checks(r);
	if (!r->n_checks)
		end_round(r);
	return err < 0 ? err : swept;
}

static void begin_round(struct rounds *r)
{
	begin_round_now(r);
}

void rounds_now(struct rounds *r)
{
	r->again = true;
	if (!r->in_round)
		schedule(r);
}

void rounds_stop(struct rounds *r)
{
	struct run *run = r->runs;

	while (run) {
		if (run->stopped || !run->run) {
			run = run->next;
			continue;
		}
		run->stopped = true;
		probe_run_stop(run->run, true);
		run = r->runs; /* it may be gone, and others with it */
	}
}

static void on_hint_timer(uv_timer_t *timer)
{
	struct rounds *r = timer->data;
	struct run *runs[2];
	int families[] = { AF_INET, AF_INET6 };

	if (r->n_hint_runs)
		return; /* they will come back here */
	for (unsigned f = 0; f < 2; f++) {
		runs[f] = run_new(r, RUN_HINT, families[f], io_of(r, r->m->config->n_networks));
		for (unsigned i = 0; i < r->n_hints && runs[f]; i++) {
			if (r->hints[i].family == families[f] && run_add(runs[f], &r->hints[i]) < 0)
				break;
		}
	}
	r->n_hints = 0;
	for (unsigned f = 0; f < 2; f++) {
		if (runs[f] && !runs[f]->n_list)
			run_free(runs[f]);
		else if (runs[f] && run_start(runs[f], NULL, r->m->config->rate) == 0)
			r->n_hint_runs++;
	}
}

static void start_hints(struct rounds *r)
{
	if (r->n_hints && !r->n_hint_runs && !uv_is_active((uv_handle_t *)r->hint_timer))
		uv_timer_start(r->hint_timer, on_hint_timer, HINT_PAUSE_MS, 0);
}

void rounds_hint(struct rounds *r, const struct addr *addr)
{
	for (unsigned i = 0; i < r->n_hints; i++) {
		if (addr_eq(&r->hints[i], addr))
			return;
	}
	if (r->n_hints == MAX_HINTS)
		return; /* a sweep will find it */
	r->hints[r->n_hints++] = *addr;
	start_hints(r);
}

/* One set of sockets for each interface that is named, and one for all else. */
static int open_ios(struct rounds *r, struct fault *fault)
{
	const struct monitor_config *config = r->m->config;
	struct probe_io_config io_config = { 0 };
	int err = probe_io_new(r->m->loop, &io_config, &r->ios[config->n_networks]);

	if (err < 0)
		return fault_set(fault, 0, "cannot prepare to probe: %s", err_text(err)), err;
	for (unsigned i = 0; i < config->n_networks; i++) {
		const char *iface = config->networks[i].iface;

		if (!iface)
			r->ios[i] = r->ios[config->n_networks];
		for (unsigned k = 0; k < i && iface && !r->ios[i]; k++) {
			if (config->networks[k].iface && !strcmp(config->networks[k].iface, iface))
				r->ios[i] = r->ios[k];
		}
		if (r->ios[i])
			continue;
		io_config.iface = iface;
		err = probe_io_new(r->m->loop, &io_config, &r->ios[i]);
		if (err == -E_NOT_FOUND || err == -ENODEV)
			return fault_set(fault, 0,
					 "network %s: there is no interface %s; see: sonde ifaces",
					 config->networks[i].name, iface),
			       err;
		if (err < 0)
			return fault_set(fault, 0, "cannot prepare to probe on %s: %s", iface,
					 err_text(err)),
			       err;
	}
	return 0;
}

int rounds_new(struct monitor *m, struct fault *fault, struct rounds **ret_rounds)
{
	struct rounds *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (!r)
		goto out;
	r->m = m;
	r->timer = monitor_timer(m, r);
	r->hint_timer = monitor_timer(m, r);
	r->invite = invite_new(m);
	if (r->timer && r->hint_timer)
		err = open_ios(r, fault);
out:
	if (err == -ENOMEM)
		fault_set(fault, 0, "out of memory");
	if (err < 0)
		rounds_free(r);
	else
		*ret_rounds = r;
	return err;
}

/* What the sockets that failed say. */
static const char *why(const struct rounds *r)
{
	const char *text = "";

	for (unsigned i = 0; i <= r->m->config->n_networks && !*text; i++)
		text = probe_io_why(r->ios[i]);
	return text;
}

int rounds_start(struct rounds *r, struct fault *fault)
{
	int err = begin_round_now(r);

	if (err < 0)
		fault_set(fault, 0, "%s", why(r));
	r->running = true;
	return err;
}

void rounds_free(struct rounds *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i <= PRESENCE_MAX_NETWORKS; i++) {
		bool shared = false;

		for (unsigned k = 0; k < i; k++)
			shared |= r->ios[k] == r->ios[i];
		if (r->ios[i] && !shared)
			probe_io_free(r->ios[i]);
	}
	while (r->runs)
		run_free(r->runs);
	invite_free(r->invite);
	monitor_timer_free(r->timer);
	monitor_timer_free(r->hint_timer);
	free(r);
}
