/*
 * Changing this machine's network through netlink: links, addresses, routes, queueing disciplines.
 * Each call is one request in the namespace of @nl and returns 0 or -errno; the kernel's own
 * sentence is then in netlink_error(@nl). Requests are exclusive: what exists already is -EEXIST.
 */
#ifndef SONDE_HOST_EDIT_H
#define SONDE_HOST_EDIT_H

#include "base/addr.h"
#include "host/netlink.h"

/* The index of an interface, or -ENODEV. */
MUST_CHECK int edit_link_find(struct netlink *nl, const char *name);

/* A link's IFF_* flags; IFF_LOWER_UP is the carrier. */
MUST_CHECK int edit_link_flags(struct netlink *nl, const char *name, unsigned *ret_flags);

/* A bridge without spanning tree and multicast snooping, up. */
MUST_CHECK int edit_bridge_add(struct netlink *nl, const char *name);

/* One end of a virtual cable. */
struct edit_veth {
	const char *name;
	const struct mac *mac; /* NULL: the kernel takes one at random */
	int master;	       /* index of a bridge, or 0 */
	int netns_fd;	       /* where this end goes, or -1: the namespace of the socket */
};

/* Both ends at once; @near is up, @far is not yet. */
MUST_CHECK int edit_veth_add(struct netlink *nl, const struct edit_veth *near,
			     const struct edit_veth *far);

MUST_CHECK int edit_link_up(struct netlink *nl, const char *name, bool up);

/* Addresses are usable at once: no duplicate address detection (IFA_F_NODAD). */
MUST_CHECK int edit_addr_add(struct netlink *nl, int ifindex, const struct prefix *p);

/* To @to through @gateway, in the main table. */
MUST_CHECK int edit_route_add(struct netlink *nl, const struct prefix *to,
			      const struct addr *gateway);

/* What a slow or bad line does to the packets that leave on it; zero: nothing. */
struct edit_shape {
	uint64_t rate_bits; /* bits a second */
	uint64_t delay_ns;
	double loss; /* 0 to 1 */
};

/**
 * edit_shape_set() - a root queueing discipline: tbf for a rate alone, else netem
 * Return: 0 (also when @shape is all zero: nothing is done); -E_UNSUPPORTED when it needs netem and
 * this kernel has none; -errno.
 */
MUST_CHECK int edit_shape_set(struct netlink *nl, int ifindex, const struct edit_shape *shape);

#endif
