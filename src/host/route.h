/* The kernel's routes of both families and all tables, and which of them a packet would take. */
#ifndef SONDE_HOST_ROUTE_H
#define SONDE_HOST_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "host/netlink.h"

#define HOST_MAX_ROUTES (1u << 22)

/* One way out. */
struct host_hop {
	struct addr gateway; /* none: on-link. May be IPv6 for an IPv4 route (RFC 5549) */
	uint32_t ifindex;    /* 0: none (unreachable, blackhole) */
	uint16_t weight;     /* share among several, 1 to 256 */
	uint8_t flags;	     /* RTNH_F_*: dead, linkdown, onlink */
};

struct host_route {
	struct prefix to;   /* len 0: default */
	struct prefix from; /* source-specific routing (IPv6); family AF_UNSPEC: any */
	struct addr source; /* preferred source address, or none */
	uint32_t table;	    /* RT_TABLE_MAIN and so on */
	uint32_t metric;    /* smaller wins */
	uint32_t mtu;	    /* 0: the interface's */
	uint32_t nexthop;   /* id of a nexthop object, 0: none */
	uint32_t flags;	    /* RTM_F_*, RTNH_F_* */
	int32_t expires_s;  /* 0: never */
	uint8_t type;	    /* RTN_* */
	uint8_t protocol;   /* RTPROT_*: who made it */
	uint8_t scope;	    /* RT_SCOPE_* */
	uint8_t tos;
	uint8_t preference;	    /* ICMPV6_ROUTER_PREF_*, IPv6 */
	uint32_t first_hop, n_hops; /* in hops of the list; several: multipath */
};

struct host_routes {
	struct host_route *items;
	size_t n, cap;
	struct host_hop *hops;
	size_t n_hops, hops_cap;
};

/**
 * host_routes_list() - all routes of all tables
 * @family: AF_INET, AF_INET6 or AF_UNSPEC for both
 * @ret: zeroed by the caller or of an earlier call, whose memory is used again; in the kernel's
 * order, IPv4 first. Free with host_routes_done(). Return: 0, -E_FULL beyond HOST_MAX_ROUTES,
 * -ENOMEM, or an error of netlink_dump().
 */
MUST_CHECK int host_routes_list(struct netlink *nl, int family, struct host_routes *ret);
void host_routes_done(struct host_routes *routes);

/**
 * host_route_parse() - add what one RTM_NEWROUTE or RTM_DELROUTE message says to @routes
 * Return: 1 when added, 0 when it is not a route of IPv4 or IPv6, -E_MALFORMED, -E_TRUNCATED,
 * -E_FULL, -ENOMEM; nothing is then added.
 */
MUST_CHECK int host_route_parse(const struct netlink_msg *msg, struct host_routes *routes);

/* How this machine would send to an address. */
struct host_path {
	struct addr source;  /* the address it would send from */
	struct addr gateway; /* none: on-link, the destination itself is resolved */
	uint32_t ifindex;    /* where it leaves; loopback's for this machine's own addresses */
	uint32_t mtu;	     /* 0: the interface's */
	uint8_t type;	     /* RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST */
};

/**
 * host_route_get() - ask the kernel for the path to @to
 * @ifindex: only through this interface; 0: any, or the scope of @to when that is link-local
 * Return: 0, -ENETUNREACH or -EHOSTUNREACH (no route; prohibited: -EACCES), or an error of
 * netlink_request(). Some 10 us.
 */
MUST_CHECK int host_route_get(struct netlink *nl, const struct addr *to, uint32_t ifindex,
			      struct host_path *ret_path);

/* "unicast", "local", ...; "dhcp", "kernel", ...; "global", "link", ...; NULL when it has no name.
 */
const char *host_route_type_name(uint8_t type);
const char *host_route_protocol_name(uint8_t protocol);
const char *host_scope_name(uint8_t scope);

#endif
