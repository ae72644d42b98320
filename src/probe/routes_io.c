#include "probe/routes_io.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "host/border.h"
#include "host/link.h"
#include "host/route.h"
#include "io/clock.h"

#define VIEWS	      64
#define INTERFACES    64
#define LOOK_EVERY_NS (100 * NS_PER_MS)
#define REST_NS	      NS_PER_S /* between two listings at least, */
#define REST_TIMES    10       /* and so many times as long as the last one took */

/* The kernel's answer for a stretch. */
struct way {
	struct probe_link link; /* without next_hop */
	struct addr gateway;
	uint8_t type; /* RTN_* */
	bool no_arp;
	bool own_source; /* each of this machine's addresses answers from itself */
	int err;
};

/* What has been asked through one interface, or without naming one. */
struct view {
	unsigned ifindex;
	int family;
	uint32_t *ways; /* of each stretch: its number in routes->ways; 0: not asked yet */
};

struct interface {
	unsigned ifindex;
	bool no_arp, bare_ip;
	struct mac mac; /* zero: not an Ethernet */
};

struct routes {
	struct netlink *netlink, *watch;
	unsigned ifindex;
	struct host_borders ip4, ip6;
	struct view views[VIEWS];
	unsigned n_views;
	struct way *ways; /* number 0 is none */
	uint32_t n_ways, ways_cap;
	struct interface interfaces[INTERFACES]; /* one place for each: another takes it over */
	bool stale;
	uint64_t looked_ns, rest_until_ns;
};

static int watch(struct netlink *nl)
{
	static const unsigned groups[] = { RTNLGRP_LINK,	RTNLGRP_IPV4_IFADDR,
					   RTNLGRP_IPV4_ROUTE,	RTNLGRP_IPV4_RULE,
					   RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,
					   RTNLGRP_IPV6_RULE };
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(groups) && !err; i++)
		err = netlink_join(nl, groups[i]);
	return err;
}

int routes_new(unsigned ifindex, struct routes **ret_routes)
{
	struct routes *r = calloc(1, sizeof(*r));
	int err = r ? netlink_new(&r->netlink) : -ENOMEM;

	if (!err)
		err = netlink_new(&r->watch);
	if (!err)
		err = watch(r->watch);
	if (err) {
		routes_free(r);
		return err;
	}
	r->ifindex = ifindex;
	r->stale = true;
	*ret_routes = r;
	return 0;
}

static void forget(struct routes *r)
{
	for (unsigned i = 0; i < r->n_views; i++)
		free(r->views[i].ways);
	r->n_views = 0;
	r->n_ways = 1;
	memset(r->interfaces, 0, sizeof(r->interfaces));
}

struct routes *routes_free(struct routes *r)
{
	if (!r)
		return NULL;
	forget(r);
	host_borders_done(&r->ip4);
	host_borders_done(&r->ip6);
	netlink_free(r->watch);
	netlink_free(r->netlink);
	free(r->ways);
	free(r);
	return NULL;
}

/* Changes */

static int on_change(const struct netlink_msg *msg UNUSED, void *arg)
{
	struct routes *r = arg;

	r->stale = true;
	return 0;
}

/* Lists the borders anew after changes: not all the time when there are many of both. */
static int look(struct routes *r, uint64_t now_ns)
{
	uint64_t took_ns;
	int err;

	if (now_ns >= r->looked_ns + LOOK_EVERY_NS) {
		r->looked_ns = now_ns;
		if (netlink_dispatch(r->watch, on_change, r) < 0)
			r->stale = true;
	}
	if (!r->stale || now_ns < r->rest_until_ns)
		return 0;
	forget(r);
	r->stale = false;
	r->rest_until_ns = 0;
	took_ns = clock_monotonic_ns();
	err = host_borders_list(r->netlink, AF_INET, &r->ip4);
	if (!err)
		err = host_borders_list(r->netlink, AF_INET6, &r->ip6);
	took_ns = clock_monotonic_ns() - took_ns;
	if (err)
		r->stale = true;
	else
		r->rest_until_ns = now_ns + MAX(REST_NS, REST_TIMES * took_ns);
	return err;
}

/* Asking */

/* Tunnels of other types are sent to as the kernel does it: their headers are their own. */
static bool takes_bare_ip(uint16_t type)
{
	return type == ARPHRD_NONE || type == ARPHRD_TUNNEL || type == ARPHRD_TUNNEL6 ||
	       type == ARPHRD_SIT;
}

static const struct interface *interface_of(struct routes *r, unsigned ifindex)
{
	struct interface *known = &r->interfaces[ifindex % INTERFACES];
	struct host_link link;

	if (known->ifindex == ifindex)
		return known;
	*known = (struct interface){ .ifindex = ifindex };
	if (!host_link_by_index(r->netlink, ifindex, &link)) {
		if (link.type == ARPHRD_ETHER)
			known->mac = host_hwaddr_mac(&link.address);
		known->no_arp = link.flags & IFF_NOARP;
		known->bare_ip = takes_bare_ip(link.type);
		host_link_done(&link);
	}
	return known;
}

static void ask(struct routes *r, const struct addr *target, unsigned ifindex, struct way *way)
{
	const struct interface *interface;
	struct host_path path;

	*way = (struct way){ .err = host_route_get(r->netlink, target, ifindex, &path) };
	if (way->err)
		return;
	interface = interface_of(r, path.ifindex);
	way->type = path.type;
	way->gateway = path.gateway;
	way->no_arp = interface->no_arp;
	way->link = (struct probe_link){
		.ifindex = path.ifindex,
		.mac = interface->mac,
		.source = path.source,
		.self = path.type == RTN_LOCAL,
		.on_link = path.type == RTN_UNICAST && !path.gateway.family,
		.bare_ip = interface->bare_ip,
	};
	way->own_source = way->link.self &&
			  !memcmp(path.source.bytes, target->bytes, sizeof(target->bytes));
}

static struct view *view_of(struct routes *r, int family, unsigned ifindex)
{
	const struct host_borders *borders = family == AF_INET ? &r->ip4 : &r->ip6;
	struct view *view = r->views;

	for (; view < r->views + r->n_views; view++)
		if (view->ifindex == ifindex && view->family == family)
			return view;
	if (r->n_views == VIEWS) {
		forget(r);
		view = r->views;
	}
	*view = (struct view){ ifindex, family, calloc(borders->n, sizeof(*view->ways)) };
	if (!view->ways)
		return NULL;
	r->n_views++;
	return view;
}

/* The number of a new way; 0: no memory. */
static uint32_t add_way(struct routes *r)
{
	uint32_t cap = r->ways_cap ? r->ways_cap * 2 : 16;
	struct way *grown;

	if (r->n_ways == r->ways_cap || !r->ways) {
		grown = reallocarray(r->ways, cap, sizeof(*r->ways));
		if (!grown)
			return 0;
		r->ways = grown;
		r->ways_cap = cap;
	}
	return r->n_ways++;
}

static int find_way(struct routes *r, uint64_t now_ns, const struct addr *target, unsigned ifindex,
		    const struct way **ret_way)
{
	int err = addr_len(target) ? look(r, now_ns) : -E_RANGE;
	const struct host_borders *borders = target->family == AF_INET ? &r->ip4 : &r->ip6;
	struct view *view;
	uint32_t *number;

	if (err)
		return err;
	view = view_of(r, target->family, ifindex);
	if (!view)
		return -ENOMEM;
	number = &view->ways[host_borders_find(borders, addr_number(target))];
	if (!*number) {
		*number = add_way(r);
		if (!*number)
			return -ENOMEM;
		ask(r, target, ifindex, &r->ways[*number]);
	}
	*ret_way = &r->ways[*number];
	return (*ret_way)->err;
}

static unsigned through(const struct routes *r, const struct addr *target)
{
	return r->ifindex ? r->ifindex : target->scope;
}

static struct probe_link link_of(const struct way *way, const struct addr *target)
{
	struct probe_link link = way->link;

	if (way->own_source)
		link.source = *target;
	return link;
}

int routes_get(struct routes *r, uint64_t now_ns, const struct addr *target,
	       struct probe_link *ret_link)
{
	const struct way *way;
	int err = find_way(r, now_ns, target, through(r, target), &way);

	if (!err)
		*ret_link = link_of(way, target);
	return err;
}

int routes_resolve(struct routes *r, struct neighbours *neighbours, uint64_t now_ns,
		   const struct addr *target, struct probe_link *ret_link)
{
	const struct way *way;
	int err = find_way(r, now_ns, target, through(r, target), &way);
	struct probe_link link, asking;
	struct addr hop;

	if (err)
		return err;
	link = asking = link_of(way, target);
	hop = way->gateway.family ? way->gateway : *target;
	if (way->type == RTN_BROADCAST || way->type == RTN_MULTICAST)
		return -EHOSTUNREACH;
	if (link.self || mac_is_zero(&link.mac)) {
		*ret_link = link;
		return 0;
	}
	/* A router of the other family (RFC 5549) is asked from an address of that family. */
	if (hop.family != link.source.family) {
		err = find_way(r, now_ns, &hop, link.ifindex, &way);
		if (err)
			return err;
		asking.source = way->link.source;
	}
	if (way->no_arp)
		link.next_hop = link.mac;
	else
		err = neighbours_get(neighbours, now_ns, &asking, &hop, &link.next_hop);
	/* The rest of it is known while the next hop is being asked. */
	if (!err || err == -EAGAIN)
		*ret_link = link;
	return err;
}

bool routes_ready(struct routes *r, struct neighbours *neighbours, uint64_t now_ns,
		  const struct addr *target, struct probe_link *ret_link)
{
	struct probe_link link;

	if (routes_get(r, now_ns, target, &link))
		return false;
	if (!link.on_link)
		return !routes_resolve(r, neighbours, now_ns, target, ret_link) &&
		       !mac_is_zero(&ret_link->next_hop);
	if (!neighbours_peek(neighbours, now_ns, link.ifindex, target, &link.next_hop))
		return false;
	*ret_link = link;
	return true;
}
