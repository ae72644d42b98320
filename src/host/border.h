/*
 * Where the kernel's choice of a path may change along the addresses: at the edges of the prefixes
 * of all routes of all tables, of the rules that choose among tables, and, for IPv6, of what the
 * source address depends on (RFC 6724: the labels, and how many bits a target has in common with
 * each of our addresses). What holds for one address holds up to the next border.
 */
#ifndef SONDE_HOST_BORDER_H
#define SONDE_HOST_BORDER_H

#include "base/addr.h"
#include "host/netlink.h"

#define HOST_MAX_BORDERS (1u << 22)

/* The first addresses of all stretches as numbers, ascending; the first is 0. */
struct host_borders {
	uint128_t *items;
	size_t n, cap;
};

/**
 * host_borders_list() - the borders of one family
 * @ret: zeroed by the caller or of an earlier call, whose memory is used again. Free with
 * host_borders_done(). Return: 0, -E_FULL beyond HOST_MAX_BORDERS, -ENOMEM, or an error of
 * netlink_dump().
 */
MUST_CHECK int host_borders_list(struct netlink *nl, int family, struct host_borders *ret);
void host_borders_done(struct host_borders *borders);

/* The stretch that holds an address: its index. Of a list that is not empty. */
size_t host_borders_find(const struct host_borders *borders, uint128_t number);

#endif
