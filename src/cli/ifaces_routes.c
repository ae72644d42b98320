/* sonde ifaces --routes and --neighbours. */
#include <linux/icmpv6.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "cli/ifaces.h"
#include "host/neighbour.h"
#include "host/route.h"

/* More ways out of one route are only counted. */
#define HOPS_SHOWN 64

enum {
	TO,
	GATEWAYS,
	INTERFACES,
	SOURCE,
	TYPE,
	TABLE,
	PROTOCOL,
	SCOPE,
	METRIC,
	FROM,
	WEIGHTS,
	N_HOPS,
	MTU,
	TOS,
	PREFERENCE,
	EXPIRES,
	NEXTHOP,
	FLAGS,
	N_ROUTE,
};

static const struct out_column route_columns[] = {
	[TO] = { "to", OUT_PREFIX, .about = "destination; a length of 0 is the default route" },
	[GATEWAYS] = { "gateways", OUT_ADDR, .title = "GATEWAY", .repeated = true, .width = 15,
		       .about = "next hop of each way out; absent: on-link" },
	[INTERFACES] = { "interfaces", OUT_TEXT, .title = "INTERFACE", .repeated = true,
			 .about = "interface of each way out" },
	[SOURCE] = { "source", OUT_ADDR, .minor = 1, .about = "address to send from" },
	[TYPE] = { "type", OUT_TEXT, .about = "unicast, local, broadcast, blackhole, ..." },
	[TABLE] = { "table", OUT_TEXT, .about = "routing table" },
	[PROTOCOL] = { "protocol", OUT_TEXT, .minor = 2, .about = "who made it" },
	[SCOPE] = { "scope", OUT_TEXT, .minor = 3, .about = "how far it reaches" },
	[METRIC] = { "metric", OUT_UINT, .about = "of several, the smallest wins" },
	[FROM] = { "from", OUT_PREFIX, .extra = true, .about = "only for packets from here" },
	[WEIGHTS] = { "weights", OUT_UINT, .repeated = true, .extra = true,
		      .about = "share of each way out" },
	[N_HOPS] = { "n_hops", OUT_UINT, .extra = true, .about = "number of ways out" },
	[MTU] = { "mtu", OUT_UINT, .extra = true,
		  .about = "largest packet, when not the interface's" },
	[TOS] = { "tos", OUT_UINT, .extra = true, .about = "only for packets with this TOS" },
	[PREFERENCE] = { "preference", OUT_TEXT, .extra = true,
			 .about = "of a router's advertisement: low, medium, high" },
	[EXPIRES] = { "expires_s", OUT_INT, .extra = true, .about = "seconds until it goes" },
	[NEXTHOP] = { "nexthop", OUT_UINT, .extra = true, .about = "id of a nexthop object" },
	[FLAGS] = { "flags", OUT_TEXT, .repeated = true, .extra = true,
		    .about = "dead, linkdown, onlink, offload, ..." },
};

const struct out_type ifaces_route_type = { "route", route_columns, N_ROUTE };

enum {
	N_ADDRESS,
	N_INTERFACE,
	N_MAC,
	N_STATE,
	N_ROUTER,
	N_LINK_ADDRESS,
	N_USED,
	N_CONFIRMED,
	N_UPDATED,
	N_PROBES,
	N_NEIGHBOUR,
};

static const struct out_column neighbour_columns[] = {
	[N_ADDRESS] = { "address", OUT_ADDR, .about = "IP address" },
	[N_INTERFACE] = { "interface", OUT_TEXT, .about = "the link it is on" },
	[N_MAC] = { "mac", OUT_MAC, .about = "MAC address; absent: not resolved" },
	[N_STATE] = { "state", OUT_TEXT, .about = "reachable, stale, failed, ... (RFC 4861)" },
	[N_ROUTER] = { "router", OUT_BOOL, .about = "says it is a router (IPv6)" },
	[N_LINK_ADDRESS] = { "link_address", OUT_TEXT, .extra = true,
			     .about = "link-layer address of any length, in hexadecimal" },
	[N_USED] = { "used_s", OUT_UINT, .extra = true, .about = "seconds since it was used" },
	[N_CONFIRMED] = { "confirmed_s", OUT_UINT, .extra = true,
			  .about = "seconds since it was confirmed" },
	[N_UPDATED] = { "updated_s", OUT_UINT, .extra = true,
			.about = "seconds since its state changed" },
	[N_PROBES] = { "probes", OUT_UINT, .extra = true,
		       .about = "questions sent and not answered so far" },
};

const struct out_type ifaces_neighbour_type = { "neighbour", neighbour_columns, N_NEIGHBOUR };

const char *ifaces_table_name(uint32_t table, char *spare)
{
	const char *name = table == RT_TABLE_MAIN      ? "main"
			   : table == RT_TABLE_LOCAL   ? "local"
			   : table == RT_TABLE_DEFAULT ? "default"
						       : NULL;

	return ifaces_number_name(name, table, spare);
}

static const char *preference_name(const struct host_route *r)
{
	if (r->to.addr.family != AF_INET6)
		return NULL;
	switch (r->preference) {
	case ICMPV6_ROUTER_PREF_LOW:
		return "low";
	case ICMPV6_ROUTER_PREF_MEDIUM:
		return "medium";
	case ICMPV6_ROUTER_PREF_HIGH:
		return "high";
	default:
		return NULL;
	}
}

/* The names of the bits that are set. Return: how many. */
static size_t route_flags(uint32_t flags, struct out_value names[static 8])
{
	static const struct {
		uint32_t bit;
		const char *name;
	} known[] = {
		{ RTNH_F_DEAD, "dead" },
		{ RTNH_F_ONLINK, "onlink" },
		{ RTNH_F_PERVASIVE, "pervasive" },
		{ RTNH_F_OFFLOAD, "offload" },
		{ RTNH_F_TRAP, "trap" },
		{ RTNH_F_LINKDOWN, "linkdown" },
		{ RTNH_F_UNRESOLVED, "unresolved" },
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (flags & known[i].bit)
			names[n++] = out_text(known[i].name);
	return n;
}

static void record_route(struct ifaces *x, const struct host_route *r, const struct host_hop *hops)
{
	struct out_value row[N_ROUTE] = { 0 };
	struct out_value gateways[HOPS_SHOWN], interfaces[HOPS_SHOWN], weights[HOPS_SHOWN],
		flags[8];
	char gone[HOPS_SHOWN][16], table[16], protocol[16], scope[16], type[16];
	size_t n = MIN(r->n_hops, (uint32_t)HOPS_SHOWN);
	bool any_gateway = false;

	for (size_t i = 0; i < n; i++) {
		gateways[i] = out_addr(&hops[i].gateway);
		any_gateway |= gateways[i].set;
		interfaces[i] = out_text(ifaces_name(&x->links, hops[i].ifindex, gone[i]));
		weights[i] = out_uint(hops[i].weight);
	}
	row[TO] = out_prefix(&r->to);
	if (any_gateway)
		row[GATEWAYS] = out_list(gateways, n);
	if (n) {
		row[INTERFACES] = out_list(interfaces, n);
		row[WEIGHTS] = out_list(weights, n);
	}
	row[N_HOPS] = out_uint(r->n_hops);
	row[SOURCE] = out_addr(&r->source);
	row[TYPE] = out_text(ifaces_number_name(host_route_type_name(r->type), r->type, type));
	row[TABLE] = out_text(ifaces_table_name(r->table, table));
	row[PROTOCOL] = out_text(
		ifaces_number_name(host_route_protocol_name(r->protocol), r->protocol, protocol));
	row[SCOPE] = out_text(ifaces_number_name(host_scope_name(r->scope), r->scope, scope));
	row[METRIC] = out_uint(r->metric);
	row[FROM] = out_prefix(&r->from);
	if (r->mtu)
		row[MTU] = out_uint(r->mtu);
	row[TOS] = out_uint(r->tos);
	row[PREFERENCE] = out_text(preference_name(r));
	if (r->expires_s)
		row[EXPIRES] = out_int(r->expires_s);
	if (r->nexthop)
		row[NEXTHOP] = out_uint(r->nexthop);
	row[FLAGS] = out_list(flags, route_flags(r->flags, flags));
	out_record(x->cmd->out, &ifaces_route_type, row);
}

static bool wants_route(const struct ifaces *x, const struct host_route *r,
			const struct host_hop *hops)
{
	if (!ifaces_wants_family(x, r->to.addr.family))
		return false;
	for (size_t i = 0; i < r->n_hops; i++)
		if (ifaces_wants(x, hops[i].ifindex))
			return true;
	return !x->n_named;
}

int ifaces_routes(struct ifaces *x)
{
	struct host_routes CLEANUP(host_routes_done) routes = { 0 };
	int err = host_routes_list(x->nl, AF_UNSPEC, &routes);
	size_t n = 0;

	if (err)
		return ifaces_cannot(x, "routes", err);
	for (size_t i = 0; i < routes.n; i++) {
		const struct host_route *r = &routes.items[i];
		const struct host_hop *hops = routes.hops + r->first_hop;

		if (!wants_route(x, r, hops))
			continue;
		record_route(x, r, hops);
		n++;
	}
	return n ? EXIT_YES : EXIT_NO;
}

static void record_neighbour(struct ifaces *x, const struct host_neighbour *n)
{
	struct out_value row[N_NEIGHBOUR] = { 0 };
	struct mac mac = host_hwaddr_mac(&n->address);
	char hex[3 * sizeof(n->address.bytes)], spare[16];
	struct buf b = buf_in(hex, sizeof(hex));
	bool failed = n->state & (NUD_FAILED | NUD_INCOMPLETE);

	buf_hex(&b, n->address.bytes, n->address.len, ':');
	row[N_ADDRESS] = out_addr(&n->addr);
	row[N_INTERFACE] = out_text(ifaces_name(&x->links, n->ifindex, spare));
	row[N_MAC] = out_mac(&mac);
	row[N_STATE] = out_styled(out_text(host_neighbour_state_name(n->state)),
				  failed		     ? OUT_BAD
				  : n->state & NUD_REACHABLE ? OUT_GOOD
							     : OUT_PLAIN);
	row[N_ROUTER] = out_bool(n->router);
	row[N_LINK_ADDRESS] = out_text_n(b.len ? hex : NULL, b.len);
	row[N_USED] = out_uint(n->used_s);
	row[N_CONFIRMED] = out_uint(n->confirmed_s);
	row[N_UPDATED] = out_uint(n->updated_s);
	row[N_PROBES] = out_uint(n->probes);
	out_record(x->cmd->out, &ifaces_neighbour_type, row);
}

/* Those that never are resolved (multicast, loopback) tell nothing and are left out, as ip does. */
int ifaces_neighbours(struct ifaces *x)
{
	struct host_neighbours CLEANUP(host_neighbours_done) list = { 0 };
	int err = host_neighbours_list(x->nl, x->n_named == 1 ? x->named[0] : 0, &list);
	size_t n = 0;

	if (err)
		return ifaces_cannot(x, "neighbours", err);
	for (size_t i = 0; i < list.n; i++) {
		const struct host_neighbour *one = &list.items[i];

		if (!ifaces_wants(x, one->ifindex) || !ifaces_wants_family(x, one->addr.family) ||
		    one->state == NUD_NONE || one->state & NUD_NOARP)
			continue;
		record_neighbour(x, one);
		n++;
	}
	return n ? EXIT_YES : EXIT_NO;
}
