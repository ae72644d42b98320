/* How targets are reached, asked of the kernel and remembered for some seconds. */
#ifndef SONDE_PROBE_ROUTES_IO_H
#define SONDE_PROBE_ROUTES_IO_H

#include "probe/module.h"

struct routes;

/* @ifindex: only through this interface; 0: any. Return: 0, -ENOMEM or an error of netlink_new().
 */
MUST_CHECK int routes_new(unsigned ifindex, struct routes **ret_routes);
struct routes *routes_free(struct routes *r);

/* Return: 0, or why it cannot be reached, as host_route_get(). */
MUST_CHECK int routes_get(struct routes *r, uint64_t now_ns, const struct addr *target,
			  struct probe_link *ret_link);

#endif
