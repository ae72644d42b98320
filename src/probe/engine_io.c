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
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/random.h"
#include "io/clock.h"
#include "io/connector.h"
#include "io/icmp_socket.h"
#include "io/link_socket.h"
#include "probe/routes_io.h"

#define BATCHES_A_TURN	   8
#define RECEIVES_A_TURN	   32
#define DROPS_EVERY_NS	   (100 * NS_PER_MS)
#define CONNECTS_MAX	   4096
#define DESCRIPTORS_SPARED 40

enum carrier_kind { ICMP4, ICMP6, ARP, ND, CONNECT, TIMER, N_CARRIERS };

/* Anything that is polled. */
struct carrier {
	struct probe_io *io;
	uv_poll_t poll;
	enum carrier_kind kind;
	bool open;
	union {
		struct icmp_socket *icmp;
		struct link_socket *link;
		struct connector *connector;
		int timer;
	};
};

struct probe_run {
	struct probe_run *next;
	struct probe_io *io;
	struct probe_engine *engine;
	struct probe_run_callbacks callbacks;
	uint64_t timeout_ns;
	bool ended;
};

struct probe_io {
	uv_loop_t *loop;
	char iface[IF_NAMESIZE];
	unsigned ifindex;
	int ttl;
	struct routes *routes;
	struct carrier carriers[N_CARRIERS];
	unsigned n_closing;
	unsigned max_connects;
	struct probe_run *runs;
	uint64_t armed_ns, drops_ns;
	char why[320], names[96];
};

static const char *const carrier_names[] = {
	[ICMP4] = "ICMP socket", [ICMP6] = "ICMPv6 socket", [ARP] = "packet socket",
	[ND] = "packet socket",	 [CONNECT] = "connector",   [TIMER] = "timer",
};

static const char *iface_of(const struct probe_io *io)
{
	return io->iface[0] ? io->iface : NULL;
}

/* Carriers */

static void explain(struct probe_io *io, enum carrier_kind kind, int err)
{
	char path[200] = "sonde";
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	struct buf b = buf_in(io->why, sizeof(io->why));

	if (n > 0)
		path[n] = '\0';
	if (err == -EPERM || err == -EACCES)
		buf_printf(&b,
			   "cannot open %s %s: not permitted. Run as root, or: sudo setcap "
			   "cap_net_raw+ep %s",
			   carrier_names[kind][0] == 'I' ? "an" : "a", carrier_names[kind], path);
	else
		buf_printf(&b, "cannot open %s %s: %s", carrier_names[kind][0] == 'I' ? "an" : "a",
			   carrier_names[kind], err_text(err));
	(void)buf_cstr(&b);
}

static void name_carriers(struct probe_io *io)
{
	static const char *const names[] = { "raw ICMP", "ICMP datagrams", "packet socket",
					     "TCP connections" };
	const struct carrier *c = io->carriers;
	bool icmp = c[ICMP4].open || c[ICMP6].open;
	bool raw = icmp && icmp_socket_is_raw(c[ICMP4].open ? c[ICMP4].icmp : c[ICMP6].icmp);
	bool used[] = { raw, icmp && !raw, c[ARP].open || c[ND].open, c[CONNECT].open };
	struct buf b = buf_in(io->names, sizeof(io->names));

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (used[i]) {
			buf_str(&b, b.len ? ", " : "");
			buf_str(&b, names[i]);
		}
	}
	(void)buf_cstr(&b);
}

static int carrier_fd(const struct carrier *c)
{
	switch (c->kind) {
	case ICMP4:
	case ICMP6:
		return icmp_socket_fd(c->icmp);
	case ARP:
	case ND:
		return link_socket_fd(c->link);
	case CONNECT:
		return connector_fd(c->connector);
	default:
		return c->timer;
	}
}

/* As many connections as the limit of descriptors leaves room for. */
static unsigned connects_allowed(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 8;
	if (limit.rlim_cur < DESCRIPTORS_SPARED + 8)
		return 8;
	return (unsigned)MIN(limit.rlim_cur - DESCRIPTORS_SPARED, (rlim_t)CONNECTS_MAX);
}

static int carrier_make(struct probe_io *io, struct carrier *c)
{
	struct icmp_socket_config icmp = { .family = c->kind == ICMP4 ? AF_INET : AF_INET6,
					   .iface = iface_of(io),
					   .ttl = io->ttl };

	switch (c->kind) {
	case ICMP4:
	case ICMP6:
		return icmp_socket_open(&icmp, &c->icmp);
	case ARP:
		return link_socket_open(LINK_ARP, io->ifindex, &c->link);
	case ND:
		return link_socket_open(LINK_ND, io->ifindex, &c->link);
	case CONNECT:
		io->max_connects = connects_allowed();
		return connector_new(io->max_connects, iface_of(io), &c->connector);
	default:
		c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		return c->timer < 0 ? -errno : 0;
	}
}

static void carrier_unmake(struct carrier *c)
{
	switch (c->kind) {
	case ICMP4:
	case ICMP6:
		icmp_socket_free(c->icmp);
		break;
	case ARP:
	case ND:
		link_socket_free(c->link);
		break;
	case CONNECT:
		connector_free(c->connector);
		break;
	default:
		close(c->timer);
	}
}

static void on_poll(uv_poll_t *poll, int status, int events);

static int carrier_open(struct probe_io *io, enum carrier_kind kind)
{
	struct carrier *c = &io->carriers[kind];
	int err;

	if (c->open)
		return 0;
	*c = (struct carrier){ .io = io, .kind = kind };
	err = carrier_make(io, c);
	if (err) {
		explain(io, kind, err);
		return err;
	}
	err = uv_poll_init(io->loop, &c->poll, carrier_fd(c));
	if (err) {
		carrier_unmake(c);
		explain(io, kind, err);
		return err;
	}
	c->poll.data = c;
	c->open = true;
	name_carriers(io);
	/* Priority: the queue of ICMP errors of datagram sockets. */
	return uv_poll_start(&c->poll, UV_READABLE | UV_PRIORITIZED, on_poll);
}

static enum carrier_kind carrier_for(enum probe_via via, int family)
{
	switch (via) {
	case PROBE_VIA_ICMP:
		return family == AF_INET ? ICMP4 : ICMP6;
	case PROBE_VIA_LINK:
		return family == AF_INET ? ARP : ND;
	default:
		return CONNECT;
	}
}

int probe_io_open(struct probe_io *io, const struct probe_module *module, int family)
{
	return carrier_open(io, carrier_for(module->via, family));
}

/* Sending */

/* Sends what goes by one carrier; @which: their places in @sends. */
static void send_packets(struct probe_run *run, uint64_t now_ns, struct carrier *c,
			 const struct probe_send *sends, const uint8_t *which, size_t n)
{
	struct packet_out packets[PACKET_BATCH];
	size_t done = 0;

	for (size_t i = 0; i < n; i++) {
		const struct probe_send *s = &sends[which[i]];

		packets[i] = (struct packet_out){ s->target, s->link ? s->link->ifindex : 0,
						  s->data, s->len };
	}
	while (done < n) {
		int err = 0;

		if (c->kind == ICMP4 || c->kind == ICMP6)
			done += icmp_socket_send(c->icmp, packets + done, n - done, &err);
		else
			done += link_socket_send(c->link, packets + done, n - done, &err);
		if (done == n)
			break;
		/* Full queues stay full for the rest of the batch; other errors are the packet's.
		 */
		do
			probe_engine_unsent(run->engine, now_ns, sends[which[done++]].slot, err);
		while (done < n && (err == -ENOBUFS || err == -EAGAIN || err == -ENOMEM));
	}
}

static void start_connection(struct probe_run *run, uint64_t now_ns, const struct probe_send *s)
{
	struct endpoint to = { s->target, s->port };
	int err = connector_start(run->io->carriers[CONNECT].connector, &to, run, s->slot, s->token,
				  now_ns + run->timeout_ns);

	if (err)
		probe_engine_unsent(run->engine, now_ns, s->slot, err);
}

/* Return: how many were there to send. */
static size_t send_batch(struct probe_run *run)
{
	struct probe_send sends[PACKET_BATCH];
	uint8_t which[N_CARRIERS][PACKET_BATCH];
	size_t counts[N_CARRIERS] = { 0 };
	uint64_t now_ns = clock_monotonic_ns();
	size_t n = probe_engine_output(run->engine, now_ns, sends, PACKET_BATCH);

	for (size_t i = 0; i < n; i++) {
		enum carrier_kind kind = carrier_for(sends[i].via, sends[i].target.family);

		if (kind == CONNECT)
			start_connection(run, now_ns, &sends[i]);
		else
			which[kind][counts[kind]++] = (uint8_t)i;
	}
	for (unsigned kind = 0; kind < CONNECT; kind++)
		if (counts[kind])
			send_packets(run, now_ns, &run->io->carriers[kind], sends, which[kind],
				     counts[kind]);
	return n;
}

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
	(void)timerfd_settime(io->carriers[TIMER].timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void tell(struct probe_run *run, const struct probe_event *event)
{
	if (!run->ended && run->callbacks.event)
		run->callbacks.event(run->callbacks.ctx, event);
}

static void count_drops(struct probe_io *io, uint64_t now_ns, bool at_once)
{
	uint64_t n = 0;

	if (now_ns < io->drops_ns && !at_once)
		return;
	io->drops_ns = now_ns + DROPS_EVERY_NS;
	for (unsigned kind = ICMP4; kind <= ICMP6; kind++)
		if (io->carriers[kind].open)
			n += icmp_socket_drops(io->carriers[kind].icmp);
	for (unsigned kind = ARP; kind <= ND; kind++)
		if (io->carriers[kind].open)
			n += link_socket_drops(io->carriers[kind].link);
	for (struct probe_run *run = io->runs; run; run = run->next)
		probe_engine_dropped(run->engine, now_ns, n);
}

static void free_run(struct probe_run *run)
{
	if (run->io->carriers[CONNECT].open)
		connector_forget(run->io->carriers[CONNECT].connector, run);
	probe_engine_free(run->engine);
	free(run);
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
		account = probe_engine_account(run->engine);
		if (run->callbacks.done)
			run->callbacks.done(run->callbacks.ctx, &account);
		free_run(run);
	}
}

static uint64_t serve_run(struct probe_run *run)
{
	struct probe_event event;

	while (!run->ended && probe_engine_next_event(run->engine, clock_monotonic_ns(), &event))
		tell(run, &event);
	for (unsigned i = 0; i < BATCHES_A_TURN && !run->ended; i++)
		if (!send_batch(run))
			break;
	if (probe_engine_done(run->engine)) {
		count_drops(run->io, clock_monotonic_ns(), true);
		run->ended = true;
	}
	return run->ended ? 0 : probe_engine_deadline(run->engine);
}

static void service(struct probe_io *io)
{
	uint64_t now_ns = clock_monotonic_ns(), deadline_ns = UINT64_MAX;

	if (io->carriers[CONNECT].open)
		connector_expire(io->carriers[CONNECT].connector, now_ns);
	count_drops(io, now_ns, false);
	for (struct probe_run *run = io->runs; run; run = run->next)
		deadline_ns = MIN(deadline_ns, serve_run(run));
	arm(io, deadline_ns);
	reap(io);
}

/* Receiving */

static void hear(struct probe_io *io, uint64_t now_ns, const struct probe_packet *packet)
{
	struct probe_event event;

	for (struct probe_run *run = io->runs; run; run = run->next)
		if (!run->ended && probe_engine_input(run->engine, now_ns, packet, &event))
			tell(run, &event);
}

static size_t receive_packets(struct carrier *c, struct packet_in *packets)
{
	if (c->kind == ICMP4 || c->kind == ICMP6)
		return icmp_socket_receive(c->icmp, packets);
	return link_socket_receive(c->link, packets);
}

static void receive(struct carrier *c)
{
	bool icmp = c->kind == ICMP4 || c->kind == ICMP6;
	struct packet_in packets[PACKET_BATCH];
	size_t n;

	for (unsigned turn = 0; turn < RECEIVES_A_TURN; turn++) {
		uint64_t now_ns = clock_monotonic_ns();

		n = receive_packets(c, packets);
		for (size_t i = 0; i < n; i++) {
			struct probe_packet packet = {
				.via = icmp ? PROBE_VIA_ICMP : PROBE_VIA_LINK,
				.family = c->kind == ICMP4 || c->kind == ARP ? AF_INET : AF_INET6,
				.data = packets[i].data,
				.len = packets[i].len,
				.wire_len = packets[i].wire_len,
				.from = packets[i].from,
				.ttl = packets[i].ttl,
				.ifindex = packets[i].ifindex,
				.rx_ns = packets[i].rx_ns,
				.id_is_foreign = icmp && !icmp_socket_is_raw(c->icmp),
			};

			hear(c->io, now_ns, &packet);
		}
		if (n < PACKET_BATCH)
			break;
	}
}

static void receive_connections(struct carrier *c)
{
	struct connector_result result;

	while (connector_next(c->connector, &result)) {
		struct probe_run *run = result.owner;
		uint64_t now_ns = clock_monotonic_ns();
		struct probe_packet packet = { .via = PROBE_VIA_CONNECT,
					       .ttl = -1,
					       .rx_ns = now_ns,
					       .slot = result.id,
					       .token = result.token,
					       .error = result.error };
		struct probe_event event;

		if (!run->ended && probe_engine_input(run->engine, now_ns, &packet, &event))
			tell(run, &event);
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct carrier *c = poll->data;
	uint64_t expirations;

	(void)status;
	(void)events;
	if (c->kind == TIMER) {
		if (read(c->timer, &expirations, sizeof(expirations)) > 0)
			c->io->armed_ns = UINT64_MAX;
	} else if (c->kind == CONNECT) {
		receive_connections(c);
	} else {
		receive(c);
	}
	service(c->io);
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
	if (!c.route) {
		c.route = probe_io_route;
		c.route_ctx = io;
	}
	if (!c.key[0] && !c.key[1])
		random_secret(c.key, sizeof(c.key));
	if (io->carriers[CONNECT].open)
		c.max_connects = MIN(c.max_connects ? c.max_connects : 256, io->max_connects);
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

int probe_io_new(uv_loop_t *loop, const struct probe_io_config *config, struct probe_io **ret_io)
{
	struct probe_io *io = calloc(1, sizeof(*io));
	int err = 0;

	if (!io)
		return -ENOMEM;
	io->loop = loop;
	io->ttl = config->ttl;
	io->armed_ns = UINT64_MAX;
	if (config->iface) {
		io->ifindex = if_nametoindex(config->iface);
		if (!io->ifindex || !if_indextoname(io->ifindex, io->iface))
			err = -E_NOT_FOUND;
	}
	if (!err)
		err = routes_new(io->ifindex, &io->routes);
	if (!err)
		err = carrier_open(io, TIMER);
	if (err) {
		routes_free(io->routes);
		free(io);
		return err;
	}
	*ret_io = io;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct carrier *c = handle->data;
	struct probe_io *io = c->io;

	carrier_unmake(c);
	if (--io->n_closing)
		return;
	routes_free(io->routes);
	free(io);
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
	for (unsigned kind = 0; kind < N_CARRIERS; kind++)
		io->n_closing += io->carriers[kind].open;
	for (unsigned kind = 0; kind < N_CARRIERS; kind++)
		if (io->carriers[kind].open)
			uv_close((uv_handle_t *)&io->carriers[kind].poll, on_closed);
}

int probe_io_route(void *ctx, const struct addr *target, enum probe_via via UNUSED,
		   struct probe_link *ret_link)
{
	struct probe_io *io = ctx;

	return routes_get(io->routes, clock_monotonic_ns(), target, ret_link);
}

const char *probe_io_why(const struct probe_io *io)
{
	return io->why;
}

const char *probe_io_carriers(const struct probe_io *io)
{
	return io->names;
}
