#include "host/route.h"

#include <linux/rtnetlink.h>

#include "host/array.h"

static int add_hop(struct host_routes *routes, const struct host_hop *hop)
{
	int err = array_room(&routes->hops, &routes->hops_cap, routes->n_hops,
			     sizeof(*routes->hops), HOST_MAX_ROUTES);

	if (!err)
		routes->hops[routes->n_hops++] = *hop;
	return err;
}

/* RTA_VIA: family, then the address. */
static struct addr read_via(const struct netlink_attr *a)
{
	struct netlink_attr value = *a;

	if (a->len < sizeof(struct rtvia))
		return (struct addr){ 0 };
	value.data += sizeof(struct rtvia);
	value.len -= sizeof(struct rtvia);
	return netlink_attr_addr(&value);
}

static int read_hop_attrs(struct cursor *c, struct host_hop *hop)
{
	struct netlink_attr a;

	while (netlink_attr_next(c, &a)) {
		if (a.type == RTA_GATEWAY)
			hop->gateway = netlink_attr_addr(&a);
		else if (a.type == RTA_VIA)
			hop->gateway = read_via(&a);
	}
	return c->err;
}

/* RTA_MULTIPATH: a row of struct rtnexthop, each followed by its attributes. */
static int read_multipath(const struct netlink_attr *multipath, struct host_routes *routes)
{
	struct cursor c = netlink_attr_nested(multipath);

	while (cursor_left(&c)) {
		const uint8_t *bytes = cursor_bytes(&c, sizeof(struct rtnexthop));
		struct cursor attrs;
		struct rtnexthop nh;
		struct host_hop hop;
		int err;

		if (!bytes)
			return -E_MALFORMED;
		memcpy(&nh, bytes, sizeof(nh));
		if (nh.rtnh_len < sizeof(nh))
			return -E_MALFORMED;
		attrs = cursor_sub(&c, nh.rtnh_len - sizeof(nh));
		hop = (struct host_hop){ .ifindex = (uint32_t)nh.rtnh_ifindex,
					 .weight = (uint16_t)(nh.rtnh_hops + 1),
					 .flags = nh.rtnh_flags };
		err = read_hop_attrs(&attrs, &hop);
		if (!err)
			err = add_hop(routes, &hop);
		if (err)
			return err;
		cursor_skip(&c,
			    MIN(RTNH_ALIGN(nh.rtnh_len) - (size_t)nh.rtnh_len, cursor_left(&c)));
	}
	return c.err;
}

static int read_metrics(const struct netlink_attr *metrics, struct host_route *route)
{
	struct cursor c = netlink_attr_nested(metrics);
	struct netlink_attr a;

	while (netlink_attr_next(&c, &a))
		if (a.type == RTAX_MTU)
			route->mtu = netlink_attr_u32(&a);
	return c.err;
}

/* Seconds from the kernel's clock ticks (USER_HZ, always 100 outside the kernel). */
static int32_t read_expires(const struct netlink_attr *a)
{
	struct rta_cacheinfo info;

	netlink_attr_copy(a, &info, sizeof(info));
	return info.rta_expires / 100;
}

static int read_attr(const struct netlink_attr *a, struct host_route *route, struct host_hop *hop,
		     struct host_routes *routes)
{
	switch (a->type) {
	case RTA_DST:
		route->to.addr = netlink_attr_addr(a);
		break;
	case RTA_SRC:
		route->from.addr = netlink_attr_addr(a);
		break;
	case RTA_PREFSRC:
		route->source = netlink_attr_addr(a);
		break;
	case RTA_TABLE:
		route->table = netlink_attr_u32(a);
		break;
	case RTA_PRIORITY:
		route->metric = netlink_attr_u32(a);
		break;
	case RTA_NH_ID:
		route->nexthop = netlink_attr_u32(a);
		break;
	case RTA_PREF:
		route->preference = netlink_attr_u8(a);
		break;
	case RTA_CACHEINFO:
		route->expires_s = read_expires(a);
		break;
	case RTA_METRICS:
		return read_metrics(a, route);
	case RTA_OIF:
		hop->ifindex = netlink_attr_u32(a);
		break;
	case RTA_GATEWAY:
		hop->gateway = netlink_attr_addr(a);
		break;
	case RTA_VIA:
		hop->gateway = read_via(a);
		break;
	case RTA_MULTIPATH:
		return read_multipath(a, routes);
	}
	return 0;
}

static int read_attrs(struct cursor *c, struct host_route *route, struct host_routes *routes)
{
	struct host_hop hop = { .weight = 1, .flags = (uint8_t)route->flags };
	struct netlink_attr a;

	while (netlink_attr_next(c, &a)) {
		int err = read_attr(&a, route, &hop, routes);

		if (err)
			return err;
	}
	if (c->err)
		return c->err;
	if (routes->n_hops == route->first_hop && hop.ifindex)
		return add_hop(routes, &hop);
	return 0;
}

int host_route_parse(const struct netlink_msg *msg, struct host_routes *routes)
{
	struct host_route route = { .first_hop = (uint32_t)routes->n_hops };
	struct rtmsg head;
	struct cursor c = netlink_head(msg, &head, sizeof(head));
	int err;

	if (c.err)
		return c.err;
	if (head.rtm_family != AF_INET && head.rtm_family != AF_INET6)
		return 0;
	err = array_room(&routes->items, &routes->cap, routes->n, sizeof(*routes->items),
			 HOST_MAX_ROUTES);
	if (err)
		return err;
	route.to = (struct prefix){ { .family = head.rtm_family }, head.rtm_dst_len };
	route.from.len = head.rtm_src_len;
	route.table = head.rtm_table;
	route.flags = head.rtm_flags;
	route.type = head.rtm_type;
	route.protocol = head.rtm_protocol;
	route.scope = head.rtm_scope;
	route.tos = head.rtm_tos;
	err = read_attrs(&c, &route, routes);
	if (!err && route.to.len > addr_bits(&route.to.addr))
		err = -E_MALFORMED;
	if (err) {
		routes->n_hops = route.first_hop;
		return err;
	}
	route.n_hops = (uint32_t)(routes->n_hops - route.first_hop);
	routes->items[routes->n++] = route;
	return 1;
}

/* One family's part of a list; an inconsistent dump begins again behind what was there. */
struct listing {
	struct host_routes *routes;
	size_t n, n_hops;
	uint8_t family;
};

static int take_route(const struct netlink_msg *msg, void *arg)
{
	struct listing *l = arg;
	int added;

	if (!msg) {
		l->routes->n = l->n;
		l->routes->n_hops = l->n_hops;
		return 0;
	}
	/* A kernel without IPv6 answers with the routes of all families. */
	if (msg->type != RTM_NEWROUTE || !msg->len || msg->data[0] != l->family)
		return 0;
	added = host_route_parse(msg, l->routes);
	return MIN(added, 0);
}

int host_routes_list(struct netlink *nl, int family, struct host_routes *ret)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	char memory[64];
	struct buf req = buf_in(memory, sizeof(memory));

	ret->n = 0;
	ret->n_hops = 0;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct listing l = { ret, ret->n, ret->n_hops, families[i] };
		struct rtmsg head = { .rtm_family = families[i] };
		int err;

		if (family != AF_UNSPEC && family != families[i])
			continue;
		netlink_begin(&req, RTM_GETROUTE, 0, &head, sizeof(head));
		err = netlink_dump(nl, &req, take_route, &l);
		if (err < 0)
			return err;
	}
	return 0;
}

void host_routes_done(struct host_routes *routes)
{
	free(routes->items);
	free(routes->hops);
	*routes = (struct host_routes){ 0 };
}

struct path_answer {
	struct host_path path;
	bool found;
};

static int take_path(const struct netlink_msg *msg, void *arg)
{
	struct host_routes CLEANUP(host_routes_done) routes = { 0 };
	struct path_answer *answer = arg;
	const struct host_route *route;
	int added = msg->type == RTM_NEWROUTE ? host_route_parse(msg, &routes) : 0;

	if (added <= 0)
		return added;
	route = &routes.items[0];
	answer->path.source = route->source;
	answer->path.mtu = route->mtu;
	answer->path.type = route->type;
	if (route->n_hops) {
		answer->path.gateway = routes.hops[0].gateway;
		answer->path.ifindex = routes.hops[0].ifindex;
	}
	answer->found = true;
	return 0;
}

int host_route_get(struct netlink *nl, const struct addr *to, uint32_t ifindex,
		   struct host_path *ret_path)
{
	char memory[128];
	struct buf req = buf_in(memory, sizeof(memory));
	struct rtmsg head = { .rtm_family = (uint8_t)to->family,
			      .rtm_dst_len = (uint8_t)addr_bits(to) };
	struct path_answer answer = { 0 };
	int err;

	if (!addr_len(to))
		return -E_RANGE;
	if (!ifindex)
		ifindex = to->scope;
	netlink_begin(&req, RTM_GETROUTE, 0, &head, sizeof(head));
	netlink_put_addr(&req, RTA_DST, to);
	if (ifindex)
		netlink_put_u32(&req, RTA_OIF, ifindex);
	err = netlink_request(nl, &req, take_path, &answer);
	if (!err && !answer.found)
		err = -ENETUNREACH;
	if (!err)
		*ret_path = answer.path;
	return err;
}

const char *host_route_type_name(uint8_t type)
{
	static const char *const names[] = {
		[RTN_UNICAST] = "unicast",
		[RTN_LOCAL] = "local",
		[RTN_BROADCAST] = "broadcast",
		[RTN_ANYCAST] = "anycast",
		[RTN_MULTICAST] = "multicast",
		[RTN_BLACKHOLE] = "blackhole",
		[RTN_UNREACHABLE] = "unreachable",
		[RTN_PROHIBIT] = "prohibit",
		[RTN_THROW] = "throw",
		[RTN_NAT] = "nat",
	};

	return type < ARRAY_LEN(names) ? names[type] : NULL;
}

const char *host_route_protocol_name(uint8_t protocol)
{
	static const char *const names[256] = {
		[RTPROT_REDIRECT] = "redirect",
		[RTPROT_KERNEL] = "kernel",
		[RTPROT_BOOT] = "boot",
		[RTPROT_STATIC] = "static",
		[RTPROT_GATED] = "gated",
		[RTPROT_RA] = "ra",
		[RTPROT_MRT] = "mrt",
		[RTPROT_ZEBRA] = "zebra",
		[RTPROT_BIRD] = "bird",
		[RTPROT_DNROUTED] = "dnrouted",
		[RTPROT_XORP] = "xorp",
		[RTPROT_NTK] = "ntk",
		[RTPROT_DHCP] = "dhcp",
		[RTPROT_MROUTED] = "mrouted",
		[RTPROT_KEEPALIVED] = "keepalived",
		[RTPROT_BABEL] = "babel",
		[RTPROT_OPENR] = "openr",
		[RTPROT_BGP] = "bgp",
		[RTPROT_ISIS] = "isis",
		[RTPROT_OSPF] = "ospf",
		[RTPROT_RIP] = "rip",
		[RTPROT_EIGRP] = "eigrp",
	};

	return names[protocol];
}

const char *host_scope_name(uint8_t scope)
{
	switch (scope) {
	case RT_SCOPE_UNIVERSE:
		return "global";
	case RT_SCOPE_SITE:
		return "site";
	case RT_SCOPE_LINK:
		return "link";
	case RT_SCOPE_HOST:
		return "host";
	case RT_SCOPE_NOWHERE:
		return "nowhere";
	default:
		return NULL;
	}
}
