#include "host/watch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

struct host_watch {
	struct netlink *nl;
	host_watch_fn *fn;
	void *arg;
	struct host_routes route; /* its memory is used for every route that changes */
};

int host_watch_new(unsigned what, host_watch_fn *fn, void *arg, struct host_watch **ret_watch)
{
	static const struct {
		unsigned what, group;
	} groups[] = {
		{ HOST_WATCH_LINKS, RTNLGRP_LINK },
		{ HOST_WATCH_ADDRESSES, RTNLGRP_IPV4_IFADDR },
		{ HOST_WATCH_ADDRESSES, RTNLGRP_IPV6_IFADDR },
		{ HOST_WATCH_ROUTES, RTNLGRP_IPV4_ROUTE },
		{ HOST_WATCH_ROUTES, RTNLGRP_IPV6_ROUTE },
		{ HOST_WATCH_NEIGHBOURS, RTNLGRP_NEIGH },
	};
	struct host_watch *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->fn = fn;
	w->arg = arg;
	err = netlink_new(&w->nl);
	for (size_t i = 0; !err && i < ARRAY_LEN(groups); i++)
		if (what & groups[i].what)
			err = netlink_join(w->nl, groups[i].group);
	if (err)
		host_watch_free(w);
	else
		*ret_watch = w;
	return err;
}

struct host_watch *host_watch_free(struct host_watch *w)
{
	if (!w)
		return NULL;
	netlink_free(w->nl);
	host_routes_done(&w->route);
	free(w);
	return NULL;
}

int host_watch_fd(const struct host_watch *w)
{
	return netlink_fd(w->nl);
}

static int take_link(struct host_watch *w, const struct netlink_msg *msg)
{
	struct host_link link;
	struct host_change change = { HOST_WATCH_LINKS, msg->type == RTM_DELLINK, .link = &link };
	int err;

	/* A bridge tells of its ports in its own family: not a link that comes or goes. */
	if (msg->len && msg->data[0] != AF_UNSPEC)
		return 0;
	err = host_link_parse(msg, &link);
	if (err)
		return err;
	w->fn(&change, w->arg);
	host_link_done(&link);
	return 0;
}

static int take_address(struct host_watch *w, const struct netlink_msg *msg)
{
	struct host_address address;
	struct host_change change = { HOST_WATCH_ADDRESSES, msg->type == RTM_DELADDR,
				      .address = &address };
	int found = host_address_parse(msg, &address);

	if (found > 0)
		w->fn(&change, w->arg);
	return MIN(found, 0);
}

static int take_neighbour(struct host_watch *w, const struct netlink_msg *msg)
{
	struct host_neighbour neighbour;
	struct host_change change = { HOST_WATCH_NEIGHBOURS, msg->type == RTM_DELNEIGH,
				      .neighbour = &neighbour };
	int found = host_neighbour_parse(msg, &neighbour);

	if (found > 0)
		w->fn(&change, w->arg);
	return MIN(found, 0);
}

static int take_route(struct host_watch *w, const struct netlink_msg *msg)
{
	struct host_change change = { HOST_WATCH_ROUTES, msg->type == RTM_DELROUTE,
				      .route = &w->route };
	int found;

	w->route.n = 0;
	w->route.n_hops = 0;
	found = host_route_parse(msg, &w->route);
	if (found > 0)
		w->fn(&change, w->arg);
	return MIN(found, 0);
}

static int take_message(const struct netlink_msg *msg, void *arg)
{
	switch (msg->type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return take_link(arg, msg);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return take_address(arg, msg);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return take_route(arg, msg);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return take_neighbour(arg, msg);
	}
	return 0;
}

int host_watch_dispatch(struct host_watch *w)
{
	const struct host_change lost = { 0 };
	int n = netlink_dispatch(w->nl, take_message, w);

	while (n == -ENOBUFS) {
		w->fn(&lost, w->arg);
		n = netlink_dispatch(w->nl, take_message, w);
	}
	return MIN(n, 0);
}
