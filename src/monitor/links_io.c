/*
 * The links that lead to the networks: while one is down, presence is told so, and nobody behind it
 * is judged. And the kernel's neighbours on them: who speaks to this machine is worth a look.
 */
#include <errno.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/route.h"
#include "host/watch.h"
#include "monitor/monitor_private.h"

struct links {
	struct monitor *m;
	struct netlink *netlink;
	struct host_watch *watch;
	uv_poll_t *poll;
	uint32_t ifindex[PRESENCE_MAX_NETWORKS]; /* 0: no way there is known */
	bool down[PRESENCE_MAX_NETWORKS];
};

/* Which interface leads to a network. */
static uint32_t find_link(struct links *l, const struct monitor_config_network *network)
{
	struct addr first = prefix_first(&network->prefix);
	struct host_path path;
	struct host_link link;
	uint32_t index;

	if (network->iface) {
		if (host_link_by_name(l->netlink, network->iface, &link) < 0)
			return 0;
		index = link.index;
		host_link_done(&link);
		return index;
	}
	/* not the network's own address, to which no packet is sent */
	if (network->prefix.len < addr_bits(&first) - 1)
		first = addr_from_number(first.family, addr_number(&first) + 1);
	return host_route_get(l->netlink, &first, 0, &path) < 0 ? 0 : path.ifindex;
}

/* To presence: all networks that a link leads to at once, since it is one cable. */
static void tell_link(struct links *l, const struct host_link *link, bool gone)
{
	const char *why = gone ? "is gone" : !host_link_is_up(link) ? "is down" : "has no carrier";
	bool up = !gone && host_link_is_up(link) && link->carrier;
	uint64_t networks = 0;
	char text[64];

	snprintf(text, sizeof(text), "%s %s", link->name, why);
	for (unsigned i = 0; i < l->m->config->n_networks; i++) {
		if (l->ifindex[i] != link->index)
			continue;
		l->down[i] = !up;
		networks |= 1ULL << i;
	}
	if (!presence_link(l->m->presence, monitor_now(), networks, up, text))
		return;
	monitor_drain(l->m);
	if (up)
		rounds_now(l->m->rounds);
	else
		rounds_stop(l->m->rounds);
}

bool links_up(const struct links *l, unsigned network)
{
	return network >= PRESENCE_MAX_NETWORKS || !l->down[network];
}

uint32_t links_index(const struct links *l, unsigned network)
{
	return l->ifindex[network];
}

/* How all links are now; finds those whose route was not there before. */
static void look_at_links(struct links *l)
{
	for (unsigned i = 0; i < l->m->config->n_networks; i++) {
		uint32_t index = find_link(l, &l->m->config->networks[i]);

		if (index)
			l->ifindex[i] =
				index; /* a route goes with its link; the link is remembered */
	}
	for (unsigned i = 0; i < l->m->config->n_networks; i++) {
		struct host_link link;

		if (!l->ifindex[i] || host_link_by_index(l->netlink, l->ifindex[i], &link) < 0)
			continue;
		tell_link(l, &link, false);
		host_link_done(&link);
	}
}

static void link_changed(struct links *l, const struct host_link *link, bool gone)
{
	for (unsigned i = 0; i < l->m->config->n_networks; i++) {
		const char *iface = l->m->config->networks[i].iface;

		if (!gone && iface && !strcmp(iface, link->name))
			l->ifindex[i] = link->index; /* made anew */
	}
	tell_link(l, link, gone);
}

/* Somebody unknown, or silent so far, has spoken to this machine. */
static void neighbour_changed(struct links *l, const struct host_neighbour *neighbour)
{
	const uint16_t spoke = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;
	struct addr addr = neighbour->addr;
	const struct presence_host *host;
	unsigned i = 0;

	while (i < l->m->config->n_networks && l->ifindex[i] != neighbour->ifindex)
		i++;
	if (i == l->m->config->n_networks || !neighbour->address.len || !(neighbour->state & spoke))
		return;
	if (addr_is_link_local(&addr) && addr.family == AF_INET6)
		addr.scope = neighbour->ifindex;
	host = presence_by_addr(l->m->presence, &addr);
	if (!host || host->state == PRESENCE_INACTIVE || host->state == PRESENCE_UNKNOWN)
		rounds_hint(l->m->rounds, &addr);
}

static void look_at_neighbours(struct links *l)
{
	struct host_neighbours neighbours = { 0 };

	if (host_neighbours_list(l->netlink, 0, &neighbours) == 0) {
		for (size_t i = 0; i < neighbours.n; i++)
			neighbour_changed(l, &neighbours.items[i]);
	}
	host_neighbours_done(&neighbours);
}

static void on_change(const struct host_change *change, void *arg)
{
	struct links *l = arg;

	if (change->what == HOST_WATCH_LINKS) {
		link_changed(l, change->link, change->gone);
	} else if (change->what == HOST_WATCH_NEIGHBOURS) {
		if (!change->gone)
			neighbour_changed(l, change->neighbour);
	} else {
		look_at_links(l); /* routes or addresses changed, or something was missed */
	}
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct links *l = poll->data;
	int err = status < 0 ? status : host_watch_dispatch(l->watch);

	(void)events;
	if (err < 0)
		monitor_trouble(l->m, "changes of the links are not seen: %s", err_text(err));
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

void links_free(struct links *l)
{
	if (!l)
		return;
	if (l->poll)
		uv_close((uv_handle_t *)l->poll, on_closed);
	host_watch_free(l->watch);
	netlink_free(l->netlink);
	free(l);
}

static int open_links(struct links *l)
{
	int err = netlink_new(&l->netlink);

	if (err < 0)
		return err;
	err = host_watch_new(HOST_WATCH_ALL, on_change, l, &l->watch);
	if (err < 0)
		return err;
	l->poll = malloc(sizeof(*l->poll));
	if (!l->poll)
		return -ENOMEM;
	err = uv_poll_init(l->m->loop, l->poll, host_watch_fd(l->watch));
	if (err < 0) {
		free(l->poll);
		l->poll = NULL;
		return err;
	}
	l->poll->data = l;
	return 0;
}

int links_new(struct monitor *m, struct fault *fault, struct links **ret_links)
{
	struct links *l = calloc(1, sizeof(*l));
	int err = -ENOMEM;

	if (l) {
		l->m = m;
		err = open_links(l);
	}
	if (err < 0) {
		fault_set(fault, 0, "cannot watch this machine's links: %s", err_text(err));
		links_free(l);
		return err;
	}
	for (unsigned i = 0; i < m->config->n_networks; i++) {
		const struct monitor_config_network *network = &m->config->networks[i];

		l->ifindex[i] = find_link(l, network);
		if (l->ifindex[i] || !network->iface)
			continue;
		fault_set(fault, 0, "network %s: there is no interface %s; see: sonde ifaces",
			  network->name, network->iface);
		links_free(l);
		return -ENODEV;
	}
	*ret_links = l;
	return 0;
}

void links_start(struct links *l)
{
	look_at_links(l);
	look_at_neighbours(l);
	uv_poll_start(l->poll, UV_READABLE, on_readable);
}
