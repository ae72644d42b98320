/*
 * A monitor without a network, for work on the page and for tests of the server: made-up hosts with
 * a plausible life behind monitor/monitor.h, written through the real store.
 */
#ifndef SONDE_WEB_DEMO_MONITOR_H
#define SONDE_WEB_DEMO_MONITOR_H

#include <uv.h>

#include "monitor/monitor.h"

struct demo_config {
	unsigned n_hosts;
	double hours;	 /* of history before now */
	double every_s;	 /* between rounds; 0: nothing happens any more */
	unsigned quirks; /* DEMO_* */
};

enum { DEMO_HOSTILE = 1 << 0 }; /* the first hosts have names that bite */

/**
 * demo_monitor_new() - make up hosts and, when @store is empty, their history
 * Return: NULL when it fails, with a message on standard error.
 */
struct monitor *demo_monitor_new(uv_loop_t *loop, struct store *store,
				 const struct demo_config *config);

#endif
