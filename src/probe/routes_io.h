/*
 * How targets are reached, asked of the kernel once for each stretch of addresses that it treats
 * alike, and again when it says that its routes, addresses or interfaces have changed.
 */
#ifndef SONDE_PROBE_ROUTES_IO_H
#define SONDE_PROBE_ROUTES_IO_H

#include "probe/module.h"
#include "probe/neighbours_io.h"

struct routes;

/* @ifindex: only through this interface; 0: any. Return: 0, -ENOMEM or an error of netlink_new().
 */
MUST_CHECK int routes_new(unsigned ifindex, struct routes **ret_routes);
struct routes *routes_free(struct routes *r);

/* Return: 0, or why it cannot be reached, as host_route_get(). @ret_link is without next_hop. */
MUST_CHECK int routes_get(struct routes *r, uint64_t now_ns, const struct addr *target,
			  struct probe_link *ret_link);

/* With next_hop, where the link has such. Return: as routes_get() and neighbours_get();
 * -EHOSTUNREACH for broadcast and multicast addresses. */
MUST_CHECK int routes_resolve(struct routes *r, struct neighbours *neighbours, uint64_t now_ns,
			      const struct addr *target, struct probe_link *ret_link);

/* The same, for who can do without: routers are asked for, neighbours must have been heard. Return:
 * false when the link has no such addresses, or it is not known now. */
bool routes_ready(struct routes *r, struct neighbours *neighbours, uint64_t now_ns,
		  const struct addr *target, struct probe_link *ret_link);

#endif
