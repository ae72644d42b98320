/*
 * Engines on a libuv loop. One struct probe_io holds the sockets, chosen by what is permitted (raw
 * before datagram ICMP sockets; packet sockets for ARP and neighbour discovery), and any number of
 * runs at a time share them: a monitor's bursts and its sweep for new hosts, for instance.
 */
#ifndef SONDE_PROBE_ENGINE_IO_H
#define SONDE_PROBE_ENGINE_IO_H

#include <uv.h>

#include "probe/engine.h"

struct probe_io;
struct probe_run;

struct probe_io_config {
	const char *iface; /* only through this interface; NULL: as the routes say */
	bool xdp;	   /* IP packets leave by AF_XDP rings, where the kernel lets us */
	int ttl;	   /* of ICMP probes of lanes that say nothing of it; 0: the system's */
	bool whole;	   /* ICMP probes are never sent in fragments; the MTU is to be found */
};

/* Events come while the loop runs. A callback may start and stop runs, but not free the probe_io.
 */
struct probe_run_callbacks {
	void (*event)(void *ctx, const struct probe_event *event);

	/* The last call: all is resolved, or probe_run_stop() was called and is through. */
	void (*done)(void *ctx, const struct probe_account *account);
	void *ctx;
};

/**
 * probe_io_new() - sockets are opened by the first run that needs them
 * Return: 0, -E_NOT_FOUND (no such interface), -ENOMEM, -errno of timerfd or netlink.
 */
MUST_CHECK int probe_io_new(uv_loop_t *loop, const struct probe_io_config *config,
			    struct probe_io **ret_io);

/* Ends all runs without callbacks. The loop must still run for its handles to close. */
void probe_io_free(struct probe_io *io);

/**
 * probe_io_run() - start a run
 * @config: @route and @key may be left out: the kernel's routes and a random key are then taken
 * Return: 0; -EPERM, -EACCES: a socket is not permitted (probe_io_why() tells which and what to
 * do); -E_RANGE, -ENOMEM as probe_engine_new().
 */
MUST_CHECK int probe_io_run(struct probe_io *io, const struct probe_config *config,
			    const struct probe_run_callbacks *callbacks,
			    struct probe_run **ret_run);

/* Sends nothing new; @done comes when what is in flight is resolved, or at once with @now. */
void probe_run_stop(struct probe_run *run, bool now);

/* For its place in the plan and what is unresolved, to go on with later; also within @done, then
 * complete. */
const struct probe_engine *probe_run_engine(const struct probe_run *run);

/* So far. */
struct probe_account probe_run_account(const struct probe_run *run);

/**
 * probe_io_open() - open beforehand what a module needs for a family, to know whether it may be
 * used Return: 0; -EPERM or -EACCES when not permitted (probe_io_why() tells what to do); other
 * -errno.
 */
MUST_CHECK int probe_io_open(struct probe_io *io, const struct probe_module *module, int family);

/* How a target is reached, by the kernel's routes: for self, on-link and MAC. As config->route;
 * @ctx is the probe_io. */
int probe_io_route(void *ctx, const struct addr *target, enum probe_via via,
		   struct probe_link *ret_link);

/* Why the last call failed, as a sentence for people with what to do; io's memory, never NULL. */
const char *probe_io_why(const struct probe_io *io);

/* The carriers in use, "raw ICMP, packet socket": io's memory. */
const char *probe_io_carriers(struct probe_io *io);

#endif
