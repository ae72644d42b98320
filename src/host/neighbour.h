/* The neighbours the kernel knows: who on a link has which link-layer address (ARP, RFC 4861). */
#ifndef SONDE_HOST_NEIGHBOUR_H
#define SONDE_HOST_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "host/link.h"
#include "host/netlink.h"

#define HOST_MAX_NEIGHBOURS (1u << 22)

struct host_neighbour {
	struct addr addr;	    /* scope always 0 */
	struct host_hwaddr address; /* len 0: not resolved */
	uint32_t ifindex;
	uint32_t used_s, confirmed_s, updated_s; /* seconds since then */
	uint32_t probes;			 /* sent and not answered so far */
	uint16_t state;				 /* one of NUD_*, 0: none */
	uint8_t flags;				 /* NTF_* */
	bool router;				 /* says it is one (IPv6) */
};

struct host_neighbours {
	struct host_neighbour *items;
	size_t n, cap;
};

/**
 * host_neighbours_list() - all neighbours of both families, also those without protocol (NUD_NOARP)
 * @ifindex: only on this interface; 0: all
 * @ret: zeroed by the caller or of an earlier call, whose memory is used again; in the kernel's
 * order. Free with host_neighbours_done(). Return: 0, -E_FULL beyond HOST_MAX_NEIGHBOURS, -ENOMEM,
 * or an error of netlink_dump().
 */
MUST_CHECK int host_neighbours_list(struct netlink *nl, uint32_t ifindex,
				    struct host_neighbours *ret);
void host_neighbours_done(struct host_neighbours *neighbours);

/**
 * host_neighbour_get() - what the kernel knows of one neighbour; sends nothing
 * Return: 0, -ENOENT when it knows none, or an error of netlink_request().
 */
MUST_CHECK int host_neighbour_get(struct netlink *nl, const struct addr *addr, uint32_t ifindex,
				  struct host_neighbour *ret_neighbour);

/**
 * host_neighbour_resolve() - let the kernel ask for a neighbour, as if something were sent there
 * Return: 0 when it has begun; host_neighbour_get() tells what comes of it. Needs CAP_NET_ADMIN.
 */
MUST_CHECK int host_neighbour_resolve(struct netlink *nl, const struct addr *addr,
				      uint32_t ifindex);

/**
 * host_neighbour_parse() - read one RTM_NEWNEIGH or RTM_DELNEIGH message
 * Return: 1, 0 when it is not of IPv4 or IPv6 (a bridge's table), -E_MALFORMED, -E_TRUNCATED.
 * @ret_neighbour is set only when 1.
 */
MUST_CHECK int host_neighbour_parse(const struct netlink_msg *msg,
				    struct host_neighbour *ret_neighbour);

/* "reachable", "stale", "failed", ...; never NULL. */
const char *host_neighbour_state_name(uint16_t state);

#endif
