/*
 * How much the interfaces carry: the counters of all of them, tick by tick, as differences. A tick
 * is one RTM_GETSTATS dump, which holds the counters and nothing else, and allocates nothing once
 * the arrays have grown.
 */
#ifndef SONDE_HOST_RATES_H
#define SONDE_HOST_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include "host/link.h"
#include "host/netlink.h"

struct host_rate {
	uint32_t ifindex;
	bool first;    /* not there at the tick before: nothing to compare with, @delta is zero */
	bool reset;    /* a counter went back: the driver began anew, @delta is from zero */
	uint32_t tick; /* when it was last seen */
	struct host_counters total; /* since the interface exists */
	struct host_counters delta; /* since the tick before */
};

/* Zeroed to begin with. */
struct host_rates {
	struct host_rate *items; /* as the kernel lists them, new ones last */
	size_t n, cap;
	size_t at;	  /* where the next interface is expected */
	uint32_t highest; /* index so far: a larger one is new without looking */
	uint32_t tick;
};

/**
 * host_rates_tick() - read all counters anew
 * The time between ticks is the caller's to measure.
 * Return: 0, -E_FULL beyond HOST_MAX_LINKS, -ENOMEM, or an error of netlink_dump(); after a failure
 * the next tick compares with the last that succeeded.
 */
MUST_CHECK int host_rates_tick(struct netlink *nl, struct host_rates *rates);
void host_rates_done(struct host_rates *rates);

/*
 * What a tick is made of, for those who hold the messages themselves: take each RTM_NEWSTATS
 * message, then end the tick, which drops what it did not see. Of the first: 0, -E_MALFORMED,
 * -E_TRUNCATED, -E_FULL, -ENOMEM.
 */
MUST_CHECK int host_rates_parse(const struct netlink_msg *msg, struct host_rates *rates);
void host_rates_end(struct host_rates *rates);

/* Adds one interface's difference to @sum. */
void host_counters_add(struct host_counters *sum, const struct host_counters *delta);

#endif
