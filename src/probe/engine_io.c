/*
 * One descriptor for each socket and one timerfd for all runs are polled by the loop. Whatever
 * wakes it, service() then lets every run tell what time brought about and send what it may. A
 * timerfd instead of a uv_timer_t, because paces and bursts need finer steps than milliseconds.
 *
 * A run that ended is only marked; reap() takes it out when nothing walks the list any more, so
 * that callbacks may start and stop runs.
 */
#include "probe/engine_io.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/random.h"
#include "io/clock.h"
#include "io/softnet.h"
#include "probe/engine_io_private.h"

#define BATCHES_A_TURN	 8
#define DROPS_EVERY_NS	 (100 * NS_PER_MS)
#define CONNECTS_DEFAULT 256
#define DESCRIPTORS_FEW	 24
#define DRAIN_EVERY_NS	 NS_PER_MS
#define TURN_NS		 (200 * NS_PER_US) /* fast paces leave in groups, not one by one */
#define ROOM_WITHIN_NS	 (2 * NS_PER_MS)   /* when the pump should long have said so itself */

/* Time */

static void arm(struct probe_io *io, uint64_t deadline_ns)
{
	struct itimerspec when = { 0 };

	if (deadline_ns == io->armed_ns)
		return;
	io->armed_ns = deadline_ns;
	if (deadline_ns != UINT64_MAX) {
		/* Zero would disarm it. */
		deadline_ns = MAX(deadline_ns, (uint64_t)1);
		when.it_value.tv_sec = (time_t)(deadline_ns / NS_PER_S);
		when.it_value.tv_nsec = (long)(deadline_ns % NS_PER_S);
	}
	(void)timerfd_settime(io->carriers.of[CARRIER_TIMER].timer, TFD_TIMER_ABSTIME, &when, NULL);
}

void engine_io_tell(struct probe_run *run, const struct probe_event *event)
{
	if (!run->ended && run->callbacks.event)
		run->callbacks.event(run->callbacks.ctx, event);
}

static void count_drops(struct probe_io *io, uint64_t now_ns, bool at_once)
{
	uint64_t n;

	if (now_ns < io->drops_ns && !at_once)
		return;
	io->drops_ns = now_ns + DROPS_EVERY_NS;
	n = carriers_drops(&io->carriers);
	for (struct probe_run *run = io->runs; run; run = run->next)
		probe_engine_dropped(run->engine, now_ns, n);
}

static void free_run(struct probe_run *run)
{
	struct carriers *all = &run->io->carriers;

	if (carrier_if_open(all, CARRIER_CONNECT))
		connector_forget(all->of[CARRIER_CONNECT].connector, run);
	if (carrier_if_open(all, CARRIER_PUMP))
		frame_pump_forget(all->of[CARRIER_PUMP].pump, run);
	probe_engine_free(run->engine);
	free(run);
}

/*
 * With what the kernel lost before any ring or socket saw it. Who it was for is not known, so that
 * the pace is not judged by it, but answers of ours may be among it.
 */
static struct probe_account final_account(const struct probe_run *run)
{
	struct probe_account account = probe_engine_account(run->engine);
	uint64_t now = softnet_dropped();

	account.backlog = now - MIN(now, run->softnet);
	account.incomplete |= account.backlog && account.silent;
	return account;
}

/* Takes out what has ended and says so. */
static void reap(struct probe_io *io)
{
	struct probe_run **at = &io->runs;

	while (*at) {
		struct probe_run *run = *at;
		struct probe_account account;

		if (!run->ended) {
			at = &run->next;
			continue;
		}
		*at = run->next;
		account = final_account(run);
		if (run->callbacks.done)
			run->callbacks.done(run->callbacks.ctx, &account);
		free_run(run);
	}
}

static uint64_t serve_run(struct probe_run *run)
{
	struct probe_event event;
	bool full = false, more = true;
	uint64_t deadline_ns;

	while (!run->ended && probe_engine_next_event(run->engine, clock_monotonic_ns(), &event))
		engine_io_tell(run, &event);
	for (unsigned i = 0; i < BATCHES_A_TURN && more && !run->ended; i++) {
		more = engine_io_send(run, &full);
		if (more)
			run->sent_ns = clock_monotonic_ns();
	}
	if (probe_engine_done(run->engine)) {
		count_drops(run->io, clock_monotonic_ns(), true);
		run->ended = true;
	}
	if (run->ended)
		return 0;
	deadline_ns = probe_engine_deadline(run->engine);
	if (full)
		return MAX(deadline_ns, clock_monotonic_ns() + ROOM_WITHIN_NS);
	return more ? deadline_ns : MAX(deadline_ns, run->sent_ns + TURN_NS);
}

/* What has come before time says that it has not. */
static void drain_rings(struct probe_io *io, uint64_t now_ns)
{
	if (now_ns < io->drained_ns + DRAIN_EVERY_NS)
		return;
	io->drained_ns = now_ns;
	for (unsigned kind = CARRIER_RING4; kind <= CARRIER_RING6; kind++)
		if (carrier_if_open(&io->carriers, kind))
			engine_io_receive(io, &io->carriers.of[kind]);
}

static void service(struct probe_io *io)
{
	uint64_t now_ns = clock_monotonic_ns(), deadline_ns = UINT64_MAX;

	drain_rings(io, now_ns);
	count_drops(io, now_ns, false);
	for (struct probe_run *run = io->runs; run; run = run->next)
		deadline_ns = MIN(deadline_ns, serve_run(run));
	if (io->neighbours)
		neighbours_flush(io->neighbours);
	arm(io, deadline_ns);
	reap(io);
}

static void on_ready(void *ctx, struct carrier *c)
{
	struct probe_io *io = ctx;
	uint64_t expirations;

	if (c->kind != CARRIER_TIMER)
		engine_io_receive(io, c);
	else if (read(c->timer, &expirations, sizeof(expirations)) > 0)
		io->armed_ns = UINT64_MAX;
	service(io);
}

/* Runs */

static void families_of(const struct probe_config *config, bool *ret_ip4, bool *ret_ip6)
{
	uint128_t n;

	*ret_ip4 = *ret_ip6 = false;
	for (size_t i = 0; config->list && i < config->n_list; i++) {
		*ret_ip4 |= config->list[i].family == AF_INET;
		*ret_ip6 |= config->list[i].family == AF_INET6;
	}
	n = config->list ? 0 : targets_count(config->targets);
	if (n) {
		/* IPv4 comes first. */
		*ret_ip4 = targets_get(config->targets, 0).family == AF_INET;
		*ret_ip6 = targets_get(config->targets, n - 1).family == AF_INET6;
	}
}

/* Next hops are asked for by the packet sockets that are open. */
static int open_neighbours(struct probe_io *io)
{
	struct carrier *arp = carrier_if_open(&io->carriers, CARRIER_ARP);
	struct carrier *nd = carrier_if_open(&io->carriers, CARRIER_ND);
	int err = io->neighbours ? 0 : neighbours_new(clock_monotonic_ns(), &io->neighbours);

	if (!err)
		neighbours_use(io->neighbours, arp ? arp->link : NULL, nd ? nd->link : NULL);
	else
		snprintf(io->carriers.why, sizeof(io->carriers.why), "cannot ask neighbours: %s",
			 err_text(err));
	return err;
}

int probe_io_open(struct probe_io *io, const struct probe_module *module, int family)
{
	int err = carriers_open_for(&io->carriers, module, family);

	return err || module->via != PROBE_VIA_IP ? err : open_neighbours(io);
}

/*
 * Beside ARP or neighbour solicitation, ICMP can leave as frames as well; it need not, and where
 * descriptors are few others need them more.
 */
static void open_for_frames(struct probe_io *io, const struct probe_config *config)
{
	bool link = false, icmp = false;

	for (size_t i = 0; i < config->n_lanes; i++) {
		link |= config->lanes[i].module->via == PROBE_VIA_LINK;
		icmp |= config->lanes[i].module->via == PROBE_VIA_ICMP;
	}
	if (link && icmp && carriers_descriptors_left() >= DESCRIPTORS_FEW &&
	    !carriers_open(&io->carriers, CARRIER_PUMP))
		(void)!open_neighbours(io);
}

static int open_carriers(struct probe_io *io, const struct probe_config *config)
{
	bool ip4, ip6;
	int err = 0;

	families_of(config, &ip4, &ip6);
	for (size_t i = 0; i < config->n_lanes && !err; i++) {
		const struct probe_module *module = config->lanes[i].module;

		/* ARP is for IPv4 only, neighbour solicitation for IPv6 only. */
		if (ip4 && module != &probe_ns)
			err = probe_io_open(io, module, AF_INET);
		if (ip6 && module != &probe_arp && !err)
			err = probe_io_open(io, module, AF_INET6);
	}
	return err;
}

int probe_io_run(struct probe_io *io, const struct probe_config *config,
		 const struct probe_run_callbacks *callbacks, struct probe_run **ret_run)
{
	struct probe_config c = *config;
	struct probe_run *run, **at = &io->runs;
	int err = open_carriers(io, config);

	if (err)
		return err;
	open_for_frames(io, config);
	if (!c.route) {
		c.route = probe_io_route;
		c.route_ctx = io;
	}
	if (!c.key[0] && !c.key[1])
		random_secret(c.key, sizeof(c.key));
	if (carrier_if_open(&io->carriers, CARRIER_CONNECT))
		c.max_connects = MIN(c.max_connects ? c.max_connects : CONNECTS_DEFAULT,
				     io->carriers.max_connects);
	if (!c.n_source_ports) {
		c.source_port = io->carriers.ports.first;
		c.n_source_ports = io->carriers.ports.n;
	}
	run = calloc(1, sizeof(*run));
	if (!run)
		return -ENOMEM;
	err = probe_engine_new(&c, clock_monotonic_ns(), &run->engine);
	if (err) {
		free(run);
		return err;
	}
	run->io = io;
	run->callbacks = *callbacks;
	run->timeout_ns = c.timeout_ns;
	run->softnet = softnet_dropped();
	while (*at)
		at = &(*at)->next;
	*at = run;
	arm(io, 0);
	*ret_run = run;
	return 0;
}

void probe_run_stop(struct probe_run *run, bool now)
{
	probe_engine_stop(run->engine);
	run->ended |= now;
	arm(run->io, 0);
}

const struct probe_engine *probe_run_engine(const struct probe_run *run)
{
	return run->engine;
}

struct probe_account probe_run_account(const struct probe_run *run)
{
	return probe_engine_account(run->engine);
}

/* The whole */

static void on_closed(void *ctx)
{
	struct probe_io *io = ctx;

	neighbours_free(io->neighbours);
	routes_free(io->routes);
	free(io);
}

int probe_io_new(uv_loop_t *loop, const struct probe_io_config *config, struct probe_io **ret_io)
{
	struct probe_io *io = calloc(1, sizeof(*io));
	int err = 0;

	if (!io)
		return -ENOMEM;
	io->armed_ns = UINT64_MAX;
	io->carriers = (struct carriers){ .loop = loop,
					  .ttl = config->ttl,
					  .xdp = config->xdp,
					  .whole = config->whole,
					  .ready = on_ready,
					  .closed = on_closed,
					  .ctx = io };
	if (config->iface) {
		unsigned ifindex = if_nametoindex(config->iface);

		io->carriers.ifindex = ifindex;
		if (!ifindex || !if_indextoname(ifindex, io->carriers.iface))
			err = errno == ENODEV || errno == ENXIO ? -E_NOT_FOUND : -errno;
	}
	if (!err)
		err = routes_new(io->carriers.ifindex, &io->routes);
	if (!err)
		err = carriers_open(&io->carriers, CARRIER_TIMER);
	if (err) {
		routes_free(io->routes);
		free(io);
		return err;
	}
	*ret_io = io;
	return 0;
}

void probe_io_free(struct probe_io *io)
{
	if (!io)
		return;
	while (io->runs) {
		struct probe_run *run = io->runs;

		io->runs = run->next;
		free_run(run);
	}
	carriers_close(&io->carriers);
}

int probe_io_route(void *ctx, const struct addr *target, enum probe_via via,
		   struct probe_link *ret_link)
{
	struct probe_io *io = ctx;
	uint64_t now_ns = clock_monotonic_ns();

	if (via == PROBE_VIA_IP && io->neighbours)
		return routes_resolve(io->routes, io->neighbours, now_ns, target, ret_link);
	return routes_get(io->routes, now_ns, target, ret_link);
}

const char *probe_io_why(const struct probe_io *io)
{
	return io->carriers.why;
}

const char *probe_io_carriers(struct probe_io *io)
{
	return carriers_names(&io->carriers);
}
