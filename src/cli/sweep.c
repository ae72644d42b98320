#include "cli/sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/address.h"
#include "host/link.h"
#include "io/clock.h"

#define RETRIES_DEFAULT 1
#define SPACING_NS	(100 * NS_PER_MS)
#define PAYLOAD_LEN	56
#define CONNECTS	1024
#define TCP_TARGETS_MAX (1u << 20)
#define SUBNET_LEN_MAX	30 /* longer prefixes have no network and broadcast address (RFC 3021) */

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
static int hear_ourselves(struct sweep *s, struct netlink *nl, const struct host_addresses *ours)
{
	for (size_t i = 0; i < ours->n; i++) {
		struct addr addr = ours->items[i].prefix.addr;
		struct host_link link;
		struct mac mac = { 0 };

		if (addr_is_link_local(&addr) && addr.family == AF_INET6)
			addr.scope = ours->items[i].ifindex;
		if (!targets_contains(s->targets, &addr))
			continue;
		if (!host_link_by_index(nl, ours->items[i].ifindex, &link)) {
			mac = host_hwaddr_mac(&link.address);
			host_link_done(&link);
		}
		if (found_heard(s->found, &addr, EVIDENCE_SELF, &mac, -1) < 0)
			return -ENOMEM;
	}
	return 0;
}

int sweep_ourselves(struct sweep *s, bool exclude_ends)
{
	struct host_addresses ours = { 0 };
	struct netlink *nl = NULL;
	int err = netlink_new(&nl);

	if (!err)
		err = host_addresses_list(nl, 0, &ours);
	if (!err && exclude_ends)
		err = exclude_subnet_ends(s->targets, &ours);
	if (!err)
		err = hear_ourselves(s, nl, &ours);
	host_addresses_done(&ours);
	netlink_free(nl);
	if (!err)
		return 0;
	return command_fails(s->probing->cmd, EXIT_CANNOT,
			     "cannot read this machine's addresses: %s", err_text(err));
}

/* What is sent */

static void add_lane(struct sweep *s, struct probe_lane lane, enum evidence evidence)
{
	s->evidence[s->n_lanes] = evidence;
	s->lanes[s->n_lanes++] = lane;
}

/* What is not permitted is left out and said, as long as something is left. */
static bool permitted(struct sweep *s, const struct probe_module *module)
{
	int family = targets_get(s->targets, 0).family;
	int err = probe_io_open(s->probing->io, module,
				module == &probe_arp  ? AF_INET
				: module == &probe_ns ? AF_INET6
						      : family);

	if (!err)
		return true;
	command_notes(s->probing->cmd, "without %s: %s",
		      module == &probe_icmp ? "ICMP" : "ARP and neighbour solicitation",
		      probe_io_why(s->probing->io));
	return false;
}

int sweep_permit(struct sweep *s)
{
	s->by_link = s->by_link && permitted(s, &probe_arp) && permitted(s, &probe_ns);
	s->by_icmp = s->by_icmp && permitted(s, &probe_icmp);
	if (!s->by_link && !s->by_icmp && !s->by_tcp)
		return command_fails(s->probing->cmd, EXIT_CANNOT, "nothing is left to probe with");
	return 0;
}

static struct probe_config config_of(const struct sweep *s)
{
	const struct common *c = &s->probing->cmd->common;

	return (struct probe_config){
		.lanes = s->lanes,
		.n_lanes = s->n_lanes,
		.timeout_ns = c->given & COMMON_TIMEOUT ? c->timeout_ns : PROBING_TIMEOUT_NS,
		.retries = c->given & COMMON_RETRIES ? (uint32_t)c->retries : RETRIES_DEFAULT,
		.spacing_ns = SPACING_NS,
		.rate = probing_rate(s->probing->cmd),
		.max_connects = CONNECTS,
		.payload_len = PAYLOAD_LEN,
		.seed = clock_monotonic_ns(),
	};
}

static void on_event(void *ctx, const struct probe_event *event)
{
	struct sweep *s = ctx;

	if (event->outcome == PROBE_FAILED)
		s->error = event->error;
	if (event->outcome == PROBE_SILENT || event->outcome == PROBE_FAILED ||
	    event->kind != PROBE_REPLY)
		return;
	if (found_heard(s->found, &event->target, s->evidence[event->lane], &event->mac,
			event->rtt_ns) < 0)
		s->full = true;
	s->n_answers += event->outcome != PROBE_DUPLICATE;
}

static void on_done(void *ctx, const struct probe_account *account);

static int start_run(struct sweep *s, const struct probe_config *config, const char *what)
{
	struct probe_run_callbacks callbacks = { on_event, on_done, s };
	int status = probing_run(s->probing, config, &callbacks, &s->run);

	if (status)
		return status;
	s->progress = progress_of(what, probe_run_account(s->run).total, clock_monotonic_ns(),
				  isatty(STDERR_FILENO) && !s->probing->cmd->common.quiet);
	return 0;
}

static int start_first_phase(struct sweep *s)
{
	struct probe_config config;

	s->in_tcp_phase = false;
	s->n_lanes = 0;
	if (s->by_link) {
		add_lane(s, (struct probe_lane){ .module = &probe_arp }, EVIDENCE_ARP);
		add_lane(s, (struct probe_lane){ .module = &probe_ns }, EVIDENCE_NS);
	}
	if (s->by_icmp)
		add_lane(s,
			 (struct probe_lane){ .module = &probe_icmp,
					      .after = s->by_link ? 1 << 0 | 1 << 1 : 0 },
			 EVIDENCE_ICMP);
	config = config_of(s);
	config.targets = s->targets;
	return start_run(s, &config, "probes");
}

/* Silent, and neither on a link whose ARP or neighbour solicitation was asked already. */
static size_t collect_silent(struct sweep *s)
{
	uint128_t count = targets_count(s->targets);
	size_t n = 0;

	if (count - MIN(count, (uint128_t)found_n_alive(s->found)) > TCP_TARGETS_MAX) {
		command_notes(s->probing->cmd, "more than %u silent addresses: TCP is not tried",
			      TCP_TARGETS_MAX);
		return 0;
	}
	s->silent = calloc((size_t)count + 1, sizeof(*s->silent));
	for (uint128_t i = 0; s->silent && i < count; i++) {
		struct addr addr = targets_get(s->targets, i);
		const struct found_host *host = found_get(s->found, &addr);
		struct probe_link link;

		if (host && host->evidence)
			continue;
		if (s->by_link && !probe_io_route(s->probing->io, &addr, PROBE_VIA_LINK, &link) &&
		    link.on_link && !mac_is_zero(&link.mac))
			continue;
		s->silent[n++] = addr;
	}
	return n;
}

/* Return: false when there is nothing to do. */
static bool start_tcp_phase(struct sweep *s)
{
	struct probe_config config;
	size_t n = collect_silent(s);

	if (!n)
		return false;
	s->in_tcp_phase = true;
	s->n_lanes = 0;
	add_lane(s,
		 (struct probe_lane){
			 .module = &probe_tcp, .ports = s->ports, .n_ports = s->n_ports },
		 EVIDENCE_TCP);
	config = config_of(s);
	config.list = s->silent;
	config.n_list = n;
	config.retries = 0; /* the kernel itself sends a SYN again after a second */
	s->status = start_run(s, &config, "connections");
	return !s->status;
}

void sweep_add_account(struct probe_account *sum, const struct probe_account *a)
{
	double recall = sum->sent ? sum->recall : a->recall;

	sum->sent += a->sent;
	sum->answered += a->answered;
	sum->errors += a->errors;
	sum->silent += a->silent;
	sum->failed += a->failed;
	sum->late += a->late;
	sum->duplicate += a->duplicate;
	sum->stateless += a->stateless;
	sum->untracked += a->untracked;
	sum->again += a->again;
	sum->again_found += a->again_found;
	for (unsigned i = 0; i < PROBE_N_BRAKES; i++)
		sum->brakes[i] += a->brakes[i];
	sum->rate = MAX(sum->rate, a->rate);
	sum->dropped += a->dropped;
	sum->backlog += a->backlog;
	sum->incomplete |= a->incomplete;
	sum->recall = recall;
}

static void finish(struct sweep *s)
{
	free(s->silent);
	s->silent = NULL;
	s->done(s);
}

static void on_done(void *ctx, const struct probe_account *account)
{
	struct sweep *s = ctx;

	s->run = NULL;
	progress_clear(&s->progress);
	sweep_add_account(&s->account, account);
	if (!s->in_tcp_phase && s->by_tcp && !s->probing->stopping && start_tcp_phase(s))
		return;
	finish(s);
}

void sweep_start(struct sweep *s)
{
	s->account = (struct probe_account){ 0 };
	s->n_answers = 0;
	s->status = 0;
	if (s->by_link || s->by_icmp) {
		s->status = start_first_phase(s);
		if (s->status)
			finish(s);
	} else if (!start_tcp_phase(s)) {
		finish(s);
	}
}

void sweep_stop(struct sweep *s)
{
	if (s->run)
		probe_run_stop(s->run, true);
}

void sweep_redraw(struct sweep *s)
{
	char text[32];
	struct buf b = buf_in(text, sizeof(text));

	if (!s->run)
		return;
	buf_u64(&b, s->n_answers);
	buf_str(&b, " answers");
	progress_show(&s->progress, clock_monotonic_ns(), probe_run_account(s->run).targets,
		      buf_cstr(&b));
}
