/*
 * sonde trace: which routers lie on the way to a host.
 *
 * A round is a run of the engine with a lane for each TTL: one probe for each hop, all of them in
 * flight at once. The first round finds where the way ends, in steps of a few hops, so that a near
 * target is not asked thirty times; the next ones follow at an interval and overlap. To find MTUs,
 * rounds of large packets follow, each as large as the one before was told that it may be.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/probing.h"
#include "cli/trace_path.h"
#include "cli/verbs.h"
#include "host/link.h"
#include "io/clock.h"
#include "out/progress.h"

#define MAX_HOPS_DEFAULT 30
#define COUNT_DEFAULT	 3
#define INTERVAL_DEFAULT (200 * NS_PER_MS)
#define STEP_HOPS	 8
#define STEP_MS		 100
#define REDRAW_MS	 200
#define NAMES_TIMEOUT_NS NS_PER_S
#define TCP_PORT_DEFAULT 80
#define UDP_PORT_FIRST	 33434 /* where traceroute begins: nobody listens there */
#define UDP_PORTS	 512   /* used in turn, so that an answer tells its probe */
#define MTU_ROUNDS_MAX	 16
#define MTU_LEAST	 68 /* RFC 791 */

struct trace_options {
	uint64_t port, first, max;
	bool icmp, udp, tcp, mtu;
};

static const struct trace_options defaults = { .first = 1, .max = MAX_HOPS_DEFAULT };

static const struct verb_option options[] = {
	{ 'I', "icmp", NULL, "by ICMP echo requests; the default where they are permitted",
	  OPTION_FLAG, offsetof(struct trace_options, icmp) },
	{ 'U', "udp", NULL, "by UDP datagrams to ports where nobody listens; needs no privileges",
	  OPTION_FLAG, offsetof(struct trace_options, udp) },
	{ 'T', "tcp", NULL, "by TCP SYN segments, as a client of the port would send", OPTION_FLAG,
	  offsetof(struct trace_options, tcp) },
	{ 'p', "port", "PORT", "of TCP, 80 if not given; the first one of UDP, 33434 if not given",
	  OPTION_UINT, offsetof(struct trace_options, port), 1, 65535 },
	{ 'f', "first", "HOP", "begin there; 1 if not given", OPTION_UINT,
	  offsetof(struct trace_options, first), 1, TRACE_MAX_HOPS },
	{ 'm', "max-hops", "N", "give up behind so many; 30 if not given", OPTION_UINT,
	  offsetof(struct trace_options, max), 1, TRACE_MAX_HOPS },
	{ 0, "mtu", NULL, "find how large a packet comes how far, by ICMP", OPTION_FLAG,
	  offsetof(struct trace_options, mtu) },
};

struct trace {
	struct probing probing; /* first: the callbacks get its address */
	struct trace_path path;
	const struct trace_options *options;
	const struct probe_module *module;
	struct resolver *resolver;
	uv_timer_t next, redraw;
	struct round *rounds; /* under way */
	struct progress progress;
	uint64_t n_rounds, n_probes;
	unsigned found_to; /* TTLs that the first round has sent so far */
	uint32_t mtu;	   /* what the next round of large packets tries; 0: none has begun */
	unsigned n_mtu_rounds;
	unsigned n_names; /* being looked up */
	bool stopping, ended;
	int status;
};

/* One run of the engine. */
struct round {
	struct trace *trace;
	struct round *next;
	struct probe_run *run;
	struct probe_lane lanes[TRACE_MAX_HOPS];
	uint16_t ports[TRACE_MAX_HOPS];
	unsigned n, first; /* lane i has TTL first + i */
	uint32_t mtu;	   /* of the packets; 0: small ones */
	uint32_t told_mtu; /* what is said to fit instead, the least; 0: nothing */
};

static void go_on(struct trace *t);

/* Names */

static void on_name(void *user, const struct addr *addr UNUSED, const char *name)
{
	struct trace_responder *responder = user;

	if (name)
		snprintf(responder->name, sizeof(responder->name), "%s", name);
	responder->trace->n_names--;
	go_on(responder->trace);
}

/* Rounds */

static void learn_mtu(struct round *round, unsigned ttl, const struct probe_event *event)
{
	struct trace_hop *hop = &round->trace->path.hops[ttl - 1];

	if (event->outcome == PROBE_FAILED && event->error == -EMSGSIZE)
		round->told_mtu = round->mtu - 1;
	if (event->outcome != PROBE_ANSWERED)
		return;
	if (event->kind != PROBE_TOO_BIG)
		hop->mtu = MAX(hop->mtu, round->mtu);
	else if (!round->told_mtu || event->mtu < round->told_mtu)
		round->told_mtu = event->mtu;
}

static void on_event(void *ctx, const struct probe_event *event)
{
	struct round *round = ctx;
	struct trace *t = round->trace;
	unsigned ttl = round->first + event->lane;
	struct trace_responder *fresh;

	if (event->target_index) /* so late that it is forgotten which hop it was */
		return;
	if (round->mtu) {
		learn_mtu(round, ttl, event);
		return;
	}
	fresh = trace_path_add(&t->path, ttl, event);
	if (fresh && t->resolver) {
		fresh->trace = t;
		t->n_names++;
		resolver_name_of(t->resolver, &fresh->addr, on_name, fresh);
	}
}

/* Sizes that old routers, which do not tell theirs, are likely to have (RFC 1191 section 7). */
static uint32_t next_plateau(uint32_t mtu)
{
	static const uint16_t plateaus[] = { 17914, 8166, 4352, 2002, 1500, 1492,     1480,
					     1420,  1280, 1006, 508,  296,  MTU_LEAST };

	for (size_t i = 0; i < ARRAY_LEN(plateaus); i++)
		if (plateaus[i] < mtu)
			return plateaus[i];
	return 0;
}

static void on_done(void *ctx, const struct probe_account *account UNUSED)
{
	struct round *round = ctx, **at;
	struct trace *t = round->trace;

	for (at = &t->rounds; *at != round; at = &(*at)->next)
		;
	*at = round->next;
	if (round->mtu) {
		bool smaller = round->told_mtu >= MTU_LEAST && round->told_mtu < round->mtu;

		t->mtu = !round->told_mtu ? 0
			 : smaller	  ? round->told_mtu
					  : next_plateau(round->mtu);
	}
	free(round);
	go_on(t);
}

static uint16_t lane_port(struct trace *t)
{
	uint64_t port = t->options->port;

	if (t->module == &probe_syn)
		return (uint16_t)(port ? port : TCP_PORT_DEFAULT);
	if (!port)
		port = UDP_PORT_FIRST;
	return (uint16_t)MAX((port + t->n_probes % UDP_PORTS) & 0xffff, 1u);
}

static size_t header_len(const struct trace *t)
{
	return (t->path.target.family == AF_INET ? 20 : 40) + 8;
}

/* Starts one with TTLs @first to @last; of packets of @mtu bytes unless it is 0. */
static void start_round(struct trace *t, unsigned first, unsigned last, uint32_t mtu)
{
	const struct common *c = &t->probing.cmd->common;
	struct round *round = calloc(1, sizeof(*round));
	struct probe_run_callbacks callbacks = { on_event, on_done, round };
	struct probe_config config = {
		.list = &t->path.target,
		.n_list = 1,
		.n_lanes = last - first + 1,
		.timeout_ns = c->given & COMMON_TIMEOUT ? c->timeout_ns : PROBING_TIMEOUT_NS,
		.rate = PROBE_RATE_DEFAULT,
		.payload_len = mtu ? (uint16_t)(mtu - header_len(t)) : 32,
		.in_order = true, /* where limits cut answers off, those of near hops come */
	};

	if (!round) {
		t->status = command_fails(t->probing.cmd, EXIT_CANNOT, "out of memory");
		probing_stop(&t->probing);
		return;
	}
	*round = (struct round){ .trace = t, .first = first, .n = last - first + 1, .mtu = mtu };
	for (unsigned i = 0; i < round->n; i++, t->n_probes++) {
		round->ports[i] = lane_port(t);
		round->lanes[i] =
			(struct probe_lane){ .module = t->module, .ttl = (uint8_t)(first + i) };
		if (t->module != &probe_icmp) {
			round->lanes[i].ports = &round->ports[i];
			round->lanes[i].n_ports = 1;
		}
	}
	config.lanes = round->lanes;
	t->status = probing_run(&t->probing, &config, &callbacks, &round->run);
	if (t->status) {
		free(round);
		probing_stop(&t->probing);
		return;
	}
	round->next = t->rounds;
	t->rounds = round;
}

/* Of the first hop's link, where it is known. */
static uint32_t link_mtu(struct trace *t)
{
	struct probe_link way = { 0 };
	struct host_link link;
	struct netlink *nl;
	uint32_t mtu = 1500;

	if (probe_io_route(t->probing.io, &t->path.target, PROBE_VIA_ICMP, &way) < 0 ||
	    netlink_new(&nl) < 0)
		return mtu;
	if (!host_link_by_index(nl, way.ifindex, &link)) {
		mtu = MIN(MAX(link.mtu, (uint32_t)MTU_LEAST), 65535u);
		host_link_done(&link);
	}
	netlink_free(nl);
	return mtu;
}

/* The next round of large packets, as long as a smaller size may come further. */
static bool seek_mtu(struct trace *t)
{
	if (!t->options->mtu || t->stopping || t->n_mtu_rounds == MTU_ROUNDS_MAX)
		return false;
	if (!t->n_mtu_rounds)
		t->mtu = link_mtu(t);
	if (t->mtu < header_len(t))
		return false;
	t->n_mtu_rounds++;
	start_round(t, t->path.first, trace_path_last(&t->path), t->mtu);
	return true;
}

static bool rounds_left(const struct trace *t)
{
	const struct common *c = &t->probing.cmd->common;
	uint64_t count = c->given & COMMON_COUNT ? c->count : c->every_ns ? 0 : COUNT_DEFAULT;

	return !t->stopping && (!count || t->n_rounds < count);
}

/* A timer starts rounds; when none is left and all are through, it is over. */
static void go_on(struct trace *t)
{
	if (t->rounds || uv_is_active((uv_handle_t *)&t->next) || t->status || t->ended)
		return;
	if (!seek_mtu(t) && (!t->n_names || t->stopping))
		probing_stop(&t->probing);
}

static void on_next(uv_timer_t *timer)
{
	struct trace *t = timer->data;
	const struct common *c = &t->probing.cmd->common;
	uint64_t every_ns = c->every_ns ? c->every_ns : INTERVAL_DEFAULT;
	unsigned max = t->path.max;

	if (!t->path.end && t->found_to < max) {
		unsigned last = MIN(t->found_to + STEP_HOPS, max);

		start_round(t, t->found_to + 1, last, 0);
		t->found_to = last;
		uv_timer_start(timer, on_next, STEP_MS, 0);
		return;
	}
	if (t->n_rounds++)
		start_round(t, t->path.first, t->path.end ? t->path.end : max, 0);
	if (rounds_left(t))
		uv_timer_start(timer, on_next, MAX(every_ns / NS_PER_MS, (uint64_t)1), 0);
	go_on(t);
}

/* Showing */

static const char *method_name(const struct trace *t)
{
	return t->module == &probe_icmp ? "icmp" : t->module == &probe_syn ? "tcp" : "udp";
}

static bool is_live(const struct command *cmd)
{
	const struct common *c = &cmd->common;

	return c->every_ns && cmd->interactive && !c->json && !c->csv && !c->output && !c->quiet;
}

static void on_redraw(uv_timer_t *timer)
{
	static const char clear[] = "\033[H\033[2J";
	struct trace *t = timer->data;
	struct command *cmd = t->probing.cmd;

	if (!is_live(cmd)) {
		progress_show(&t->progress, clock_monotonic_ns(), t->n_probes, NULL);
		return;
	}
	if (write(cmd->fd, clear, sizeof(clear) - 1) < 0)
		return;
	trace_path_show(&t->path, cmd, method_name(t));
	if (out_flush(cmd->out) < 0)
		probing_stop(&t->probing);
}

static void finish(struct trace *t)
{
	static const char clear[] = "\033[H\033[2J";
	struct command *cmd = t->probing.cmd;

	progress_clear(&t->progress);
	if (is_live(cmd) && write(cmd->fd, clear, sizeof(clear) - 1) < 0)
		return;
	trace_path_show(&t->path, cmd, method_name(t));
	t->status = t->path.reached ? EXIT_YES : EXIT_NO;
}

static void on_interrupt(struct probing *p)
{
	struct trace *t = container_of(p, struct trace, probing);

	t->stopping = true;
	uv_timer_stop(&t->next);
	for (struct round *round = t->rounds; round; round = round->next)
		probe_run_stop(round->run, true);
	go_on(t);
}

/* What was typed */

static int choose_method(struct trace *t)
{
	const struct trace_options *o = t->options;
	struct command *cmd = t->probing.cmd;
	int family = t->path.target.family, err;

	t->module = o->udp ? &probe_udp : o->tcp ? &probe_syn : &probe_icmp;
	err = probe_io_open(t->probing.io, t->module, family);
	if ((err == -EPERM || err == -EACCES) && t->module == &probe_icmp && !o->icmp && !o->mtu) {
		t->module = &probe_udp;
		command_notes(cmd, "ICMP sockets are not permitted: UDP is used");
		err = probe_io_open(t->probing.io, t->module, family);
	}
	return err ? command_fails(cmd, EXIT_CANNOT, "%s", probe_io_why(t->probing.io)) : 0;
}

static int check(struct trace *t)
{
	const struct trace_options *o = t->options;
	struct command *cmd = t->probing.cmd;

	if (o->icmp + o->udp + o->tcp > 1)
		return command_fails(cmd, EXIT_USAGE, "choose one of --icmp, --udp and --tcp");
	if (o->mtu && (o->udp || o->tcp))
		return command_fails(cmd, EXIT_USAGE, "--mtu works by ICMP only: leave out %s",
				     o->udp ? "--udp" : "--tcp");
	if (o->port && !o->udp && !o->tcp)
		return command_fails(cmd, EXIT_USAGE, "--port is of --udp or --tcp: add one");
	if (o->first > o->max)
		return command_fails(cmd, EXIT_USAGE, "--first is behind --max-hops");
	if (addr_is_multicast(&t->path.target))
		return command_fails(cmd, EXIT_USAGE,
				     "a multicast address has no one way to it; give a host's own");
	return 0;
}

static void begin(struct trace *t)
{
	struct command *cmd = t->probing.cmd;

	t->progress = progress_of("probes", 0, clock_monotonic_ns(),
				  isatty(STDERR_FILENO) && !cmd->common.quiet && !is_live(cmd));
	t->probing.interrupted = on_interrupt;
	t->path.first = (unsigned)t->options->first;
	t->path.max = (unsigned)t->options->max;
	t->found_to = t->path.first - 1;
	if (!cmd->common.no_names &&
	    resolver_new(&t->probing.loop, NAMES_TIMEOUT_NS, &t->resolver) < 0)
		command_notes(cmd, "names cannot be looked up");
	uv_timer_start(&t->next, on_next, 0, 0);
	uv_timer_start(&t->redraw, on_redraw, REDRAW_MS, REDRAW_MS);
}

static int trace(struct trace *t, struct command *cmd)
{
	int status;

	t->probing.whole = t->options->mtu;
	status = probing_begin(&t->probing, cmd, cmd->common.iface, 0);

	if (status)
		return status;
	uv_timer_init(&t->probing.loop, &t->next);
	uv_timer_init(&t->probing.loop, &t->redraw);
	t->next.data = t->redraw.data = t;
	t->status = choose_method(t);
	if (!t->status) {
		begin(t);
		probing_loop(&t->probing);
	}
	t->ended = true;
	if (!t->status)
		finish(t);
	resolver_free(t->resolver);
	uv_close((uv_handle_t *)&t->next, NULL);
	uv_close((uv_handle_t *)&t->redraw, NULL);
	probing_end(&t->probing);
	while (t->rounds) {
		struct round *round = t->rounds;

		t->rounds = round->next;
		free(round);
	}
	return t->status;
}

static int run(struct command *cmd, void *opaque)
{
	int family = cmd->common.ip4 ? AF_INET : cmd->common.ip6 ? AF_INET6 : AF_UNSPEC;
	struct trace *t = calloc(1, sizeof(*t));
	int status;

	if (!t)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	t->probing.cmd = cmd;
	t->options = opaque;
	status = probing_addr(cmd, cmd->operands[0], family, &t->path.target);
	if (!status)
		status = check(t);
	if (!status)
		status = trace(t, cmd);
	free(t);
	return status;
}

static const struct out_type *const records[] = { &trace_hop_type, &trace_result_type, NULL };

static const struct example examples[] = {
	{ "sonde trace 198.51.100.80", "the routers on the way, three probes for each" },
	{ "sonde trace --every 1 198.51.100.80", "again and again until Ctrl-C, with the loss" },
	{ "sonde trace --mtu 198.51.100.80", "how large a packet comes how far" },
	{ "sonde trace -T -p 443 198.51.100.80", "as a connection to a web server would go" },
};

const struct verb verb_trace = {
	.name = "trace",
	.operands = "HOST",
	.summary = "the routers on the way to a host, with loss, times and MTU",
	.about =
		"Sends probes that may pass one router, two, three, and so on, all at the same time, "
		"and shows who answers at each hop. -c says how many probes each hop gets (3 if not "
		"given), --every how far apart they are (0.2 seconds); --every alone goes on until "
		"Ctrl-C and keeps the table on a terminal up to date.\n\n"
		"A hop without an address did not answer: many routers answer seldom or never, and a "
		"loss that the hops behind it do not have is the router's thrift, not a loss of "
		"traffic. Of a name the first address is taken; -4 and -6 choose.\n\n"
		"By ICMP echo requests, by UDP (-U) or by TCP SYN segments (-T): firewalls let through "
		"one or the other, and routers with several ways may choose by it. Without privileges, "
		"ICMP works where net.ipv4.ping_group_range has your group, and UDP always.\n\n"
		"With --mtu, packets that must not be fragmented follow, as large as the first link "
		"allows, then as large as the routers say.\n\n"
		"Exit status: 0 when the host answered, 1 when it did not.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.options_size = sizeof(struct trace_options),
	.defaults = &defaults,
	.common = COMMON_OUTPUT | COMMON_FAMILY | COMMON_IFACE | COMMON_NAMES | COMMON_COUNT |
		  COMMON_TIMEOUT | COMMON_EVERY | COMMON_FOR,
	.min_operands = 1,
	.max_operands = 1,
	.completes = COMPLETE_HOST,
	.records = records,
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.run = run,
};
