/*
 * Watching this machine's network change. Neutral to event loops: poll the descriptor for reading,
 * call host_watch_dispatch() when it is readable. To miss nothing, start the watch first, then
 * list.
 */
#ifndef SONDE_HOST_WATCH_H
#define SONDE_HOST_WATCH_H

#include <stdbool.h>

#include "host/address.h"
#include "host/link.h"
#include "host/neighbour.h"
#include "host/route.h"

enum {
	HOST_WATCH_LINKS = 1 << 0,
	HOST_WATCH_ADDRESSES = 1 << 1,
	HOST_WATCH_ROUTES = 1 << 2,
	HOST_WATCH_NEIGHBOURS = 1 << 3,
	HOST_WATCH_ALL = (1 << 4) - 1,
};

/* One change: of the pointers, the one for @what is set, borrowed for the call. */
struct host_change {
	unsigned
		what; /* one of HOST_WATCH_*, or 0: notifications were lost, list everything anew */
	bool gone;    /* removed; else new or changed */
	const struct host_link *link;
	const struct host_address *address;
	const struct host_neighbour *neighbour;
	const struct host_routes *route; /* exactly one route, with its hops */
};

struct host_watch;

typedef void host_watch_fn(const struct host_change *change, void *arg);

/* Watches what @what names in the current network namespace. Return: 0, -ENOMEM or -errno. */
MUST_CHECK int host_watch_new(unsigned what, host_watch_fn *fn, void *arg,
			      struct host_watch **ret_watch);
struct host_watch *host_watch_free(struct host_watch *w);

int host_watch_fd(const struct host_watch *w);

/* Calls the function for every change that is waiting. Return: 0, -E_MALFORMED or -errno. */
MUST_CHECK int host_watch_dispatch(struct host_watch *w);

#endif
