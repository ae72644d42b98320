#include "probe/carriers_io.h"

#include <dirent.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "io/privileges.h"

#define CONNECTS_MAX	   4096
#define CONNECTOR_OWN	   5  /* descriptors, beside those of the connections */
#define DESCRIPTORS_SPARED 12 /* for what else is opened, or half of those left */
#define FRAMES_OWN	   12 /* what IP packets need, beside the ports that they leave from */
#define RING_BYTES	   (64u << 20)
#define RING_BLOCK	   (64u << 10) /* 1,024 of them: no drops in 4 s without a look */
#define RING_BYTES_LEAST   (4u << 20)
#define RING_SNAP_LEN	   256 /* headers, options, and what an ICMP error quotes of them */
#define RING_RETIRE_MS	   4

static const char *const names[] = {
	[CARRIER_ICMP4] = "an ICMP socket", [CARRIER_ICMP6] = "an ICMPv6 socket",
	[CARRIER_ARP] = "a packet socket",  [CARRIER_ND] = "a packet socket",
	[CARRIER_UDP4] = "a UDP socket",    [CARRIER_UDP6] = "a UDP socket",
	[CARRIER_PUMP] = "a packet socket", [CARRIER_RING4] = "a packet ring",
	[CARRIER_RING6] = "a packet ring",  [CARRIER_CONNECT] = "TCP connections",
	[CARRIER_TIMER] = "a timer",
};

static const char *iface_of(const struct carriers *all)
{
	return all->iface[0] ? all->iface : NULL;
}

static void explain(struct carriers *all, const char *what, int err)
{
	struct buf b = buf_in(all->why, sizeof(all->why));

	buf_printf(&b, "cannot open %s: ", what);
	if (err == -EPERM || err == -EACCES)
		buf_printf(&b, "not permitted. %s", privileges_advice());
	else
		buf_str(&b, err_text(err));
	(void)buf_cstr(&b);
}

const char *carriers_names(struct carriers *all)
{
	static const char *const words[] = { "raw ICMP",       "ICMP datagrams", "packet socket",
					     "packet ring",    "AF_XDP ring",	 "UDP sockets",
					     "TCP connections" };
	const struct carrier *c = all->of;
	bool icmp = c[CARRIER_ICMP4].open || c[CARRIER_ICMP6].open;
	bool raw = icmp && icmp_socket_is_raw(c[CARRIER_ICMP4].open ? c[CARRIER_ICMP4].icmp
								    : c[CARRIER_ICMP6].icmp);
	bool used[] = { raw,
			icmp && !raw,
			c[CARRIER_ARP].open || c[CARRIER_ND].open,
			c[CARRIER_RING4].open || c[CARRIER_RING6].open,
			c[CARRIER_PUMP].open && frame_pump_used_xdp(c[CARRIER_PUMP].pump),
			c[CARRIER_UDP4].open || c[CARRIER_UDP6].open,
			c[CARRIER_CONNECT].open };
	struct buf b = buf_in(all->names, sizeof(all->names));

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (used[i]) {
			buf_str(&b, b.len ? ", " : "");
			buf_str(&b, words[i]);
		}
	}
	return buf_cstr(&b);
}

/* Descriptors */

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	if (!dir)
		return UINT16_MAX; /* none is left */
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - MIN(n, 3u); /* ".", ".." and that of the folder itself */
}

unsigned carriers_descriptors_left(void)
{
	unsigned used = count_descriptors(), wanted = used + CONNECTS_MAX + CONNECTOR_OWN;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	wanted += DESCRIPTORS_SPARED;
	if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
		rlim_t before = limit.rlim_cur;

		limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)wanted);
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			limit.rlim_cur = before;
	}
	return (unsigned)MIN(limit.rlim_cur - MIN(limit.rlim_cur, (rlim_t)used), (rlim_t)wanted);
}

/* As many connections at a time as the limit of descriptors leaves room for; 0: none. */
static unsigned connects_allowed(void)
{
	unsigned left = carriers_descriptors_left();

	left -= MIN(left, (unsigned)CONNECTOR_OWN);
	left -= MIN(left / 2, (unsigned)DESCRIPTORS_SPARED);
	return MIN(left, (unsigned)CONNECTS_MAX);
}

/* Rings */

/* Answers to the reserved ports, and ICMP errors: types 3, 11 and 12, and 1 to 4 of ICMPv6. */
static void write_filter(const struct port_reserve *ports, bool ip4, char *text, size_t cap)
{
	int last = ports->first + ports->n - 1;

	if (ip4)
		snprintf(text, cap,
			 "ip and ((tcp and dst portrange %d-%d) or (icmp and (icmp[0] == 3 or "
			 "icmp[0] == 11 or icmp[0] == 12)))",
			 ports->first, last);
	else
		snprintf(text, cap,
			 "ip6 and ((tcp and dst portrange %d-%d) or (ip6[6] == 58 and ip6[40] >= 1 "
			 "and ip6[40] <= 4))",
			 ports->first, last);
}

/* Less memory when so much is not to be had. */
static int open_ring(struct carriers *all, bool ip4, struct capture_ring **ret_ring)
{
	char filter[200];
	struct capture_ring_config config = {
		.iface = all->iface[0] ? all->iface : "any",
		.filter = filter,
		.snap_len = RING_SNAP_LEN,
		.buffer_bytes = RING_BYTES,
		.block_bytes = RING_BLOCK,
		.retire_ms = RING_RETIRE_MS,
		.protocol = ip4 ? ETH_P_IP : ETH_P_IPV6,
	};
	struct fault fault;
	int err;

	write_filter(&all->ports, ip4, filter, sizeof(filter));
	do
		err = capture_ring_open(&config, ret_ring, &fault);
	while (err == -ENOMEM && (config.buffer_bytes /= 4) >= RING_BYTES_LEAST);
	return err;
}

/* Opening and closing */

static int make(struct carriers *all, struct carrier *c)
{
	bool ip4 = c->kind == CARRIER_ICMP4;
	struct icmp_socket_config icmp = { .family = ip4 ? AF_INET : AF_INET6,
					   .iface = iface_of(all),
					   .ttl = all->ttl,
					   .whole = all->whole };

	switch (c->kind) {
	case CARRIER_ICMP4:
	case CARRIER_ICMP6:
		return icmp_socket_open(&icmp, &c->icmp);
	case CARRIER_ARP:
		return link_socket_open(LINK_ARP, all->ifindex, &c->link);
	case CARRIER_ND:
		return link_socket_open(LINK_ND, all->ifindex, &c->link);
	case CARRIER_UDP4:
	case CARRIER_UDP6:
		return udp_socket_open(c->kind == CARRIER_UDP4 ? AF_INET : AF_INET6, iface_of(all),
				       &c->udp);
	case CARRIER_PUMP:
		return frame_pump_new(all->xdp, &c->pump);
	case CARRIER_RING4:
	case CARRIER_RING6:
		return open_ring(all, c->kind == CARRIER_RING4, &c->ring);
	case CARRIER_CONNECT:
		all->max_connects = connects_allowed();
		return all->max_connects
			       ? connector_new(all->max_connects, iface_of(all), &c->connector)
			       : -EMFILE;
	default:
		c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		return c->timer < 0 ? -errno : 0;
	}
}

static void unmake(struct carrier *c)
{
	switch (c->kind) {
	case CARRIER_ICMP4:
	case CARRIER_ICMP6:
		icmp_socket_free(c->icmp);
		break;
	case CARRIER_ARP:
	case CARRIER_ND:
		link_socket_free(c->link);
		break;
	case CARRIER_UDP4:
	case CARRIER_UDP6:
		udp_socket_free(c->udp);
		break;
	case CARRIER_PUMP:
		frame_pump_free(c->pump);
		break;
	case CARRIER_RING4:
	case CARRIER_RING6:
		capture_ring_free(c->ring);
		break;
	case CARRIER_CONNECT:
		connector_free(c->connector);
		break;
	default:
		close(c->timer);
	}
}

static int descriptor(const struct carrier *c)
{
	switch (c->kind) {
	case CARRIER_ICMP4:
	case CARRIER_ICMP6:
		return icmp_socket_fd(c->icmp);
	case CARRIER_ARP:
	case CARRIER_ND:
		return link_socket_fd(c->link);
	case CARRIER_UDP4:
	case CARRIER_UDP6:
		return udp_socket_fd(c->udp);
	case CARRIER_PUMP:
		return frame_pump_fd(c->pump);
	case CARRIER_RING4:
	case CARRIER_RING6:
		return capture_ring_fd(c->ring);
	case CARRIER_CONNECT:
		return connector_fd(c->connector);
	default:
		return c->timer;
	}
}

static void on_poll(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	struct carrier *c = poll->data;

	c->all->ready(c->all->ctx, c);
}

int carriers_open(struct carriers *all, enum carrier_kind kind)
{
	struct carrier *c = &all->of[kind];
	int err;

	if (c->open)
		return 0;
	*c = (struct carrier){ .all = all, .kind = kind };
	err = make(all, c);
	if (err) {
		explain(all, names[kind], err);
		return err;
	}
	err = uv_poll_init(all->loop, &c->poll, descriptor(c));
	if (err) {
		unmake(c);
		explain(all, names[kind], err);
		return err;
	}
	c->poll.data = c;
	c->open = true;
	/* Priority: the queue of ICMP errors of datagram sockets. */
	return uv_poll_start(&c->poll, UV_READABLE | UV_PRIORITIZED, on_poll);
}

/* The ports that packets leave from: fewer where there are few descriptors. */
static int reserve_ports(struct carriers *all)
{
	unsigned left = carriers_descriptors_left();
	int err = -EMFILE;

	if (all->ports.n)
		return 0;
	if (left > FRAMES_OWN)
		err = port_reserve_take(
			(uint16_t)MIN(left - FRAMES_OWN, (unsigned)PORT_RESERVE_MAX), &all->ports);
	if (err)
		explain(all, "TCP ports to scan from", err);
	return err;
}

/* IP packets need a way out, a way in, ports to leave from, and next hops to be asked for. */
static int open_for_ip(struct carriers *all, int family)
{
	static const enum carrier_kind needed[] = { CARRIER_PUMP, CARRIER_ARP, CARRIER_ND };
	int err = reserve_ports(all);

	for (size_t i = 0; i < ARRAY_LEN(needed) && !err; i++)
		err = carriers_open(all, needed[i]);
	if (!err)
		err = carriers_open(all, family == AF_INET ? CARRIER_RING4 : CARRIER_RING6);
	if (err && !all->of[CARRIER_RING4].open && !all->of[CARRIER_RING6].open)
		port_reserve_done(&all->ports);
	return err;
}

enum carrier_kind carrier_for(enum probe_via via, int family)
{
	bool ip4 = family == AF_INET;

	switch (via) {
	case PROBE_VIA_ICMP:
		return ip4 ? CARRIER_ICMP4 : CARRIER_ICMP6;
	case PROBE_VIA_LINK:
		return ip4 ? CARRIER_ARP : CARRIER_ND;
	case PROBE_VIA_UDP:
		return ip4 ? CARRIER_UDP4 : CARRIER_UDP6;
	case PROBE_VIA_IP:
		return CARRIER_PUMP;
	default:
		return CARRIER_CONNECT;
	}
}

int carriers_open_for(struct carriers *all, const struct probe_module *module, int family)
{
	if (module->via == PROBE_VIA_IP)
		return open_for_ip(all, family);
	return carriers_open(all, carrier_for(module->via, family));
}

struct carrier *carrier_if_open(struct carriers *all, enum carrier_kind kind)
{
	return all->of[kind].open ? &all->of[kind] : NULL;
}

static uint64_t ring_drops(struct carrier *c)
{
	struct capture_counts counts;
	uint64_t n;

	capture_ring_counts(c->ring, &counts);
	n = counts.dropped - c->ring_dropped;
	c->ring_dropped = counts.dropped;
	return n;
}

uint64_t carriers_drops(struct carriers *all)
{
	uint64_t n = 0;

	for (struct carrier *c = all->of; c < all->of + CARRIER_N; c++) {
		if (!c->open)
			continue;
		if (c->kind == CARRIER_ICMP4 || c->kind == CARRIER_ICMP6)
			n += icmp_socket_drops(c->icmp);
		else if (c->kind == CARRIER_ARP || c->kind == CARRIER_ND)
			n += link_socket_drops(c->link);
		else if (c->kind == CARRIER_UDP4 || c->kind == CARRIER_UDP6)
			n += udp_socket_drops(c->udp);
		else if (c->kind == CARRIER_RING4 || c->kind == CARRIER_RING6)
			n += ring_drops(c);
	}
	return n;
}

static void on_closed(uv_handle_t *handle)
{
	struct carrier *c = handle->data;
	struct carriers *all = c->all;

	unmake(c);
	if (--all->n_closing)
		return;
	port_reserve_done(&all->ports);
	all->closed(all->ctx);
}

void carriers_close(struct carriers *all)
{
	for (unsigned kind = 0; kind < CARRIER_N; kind++)
		all->n_closing += all->of[kind].open;
	for (unsigned kind = 0; kind < CARRIER_N; kind++)
		if (all->of[kind].open)
			uv_close((uv_handle_t *)&all->of[kind].poll, on_closed);
}
