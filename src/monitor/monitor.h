/*
 * The running monitor: rounds of probes on a libuv loop, judged by monitor/presence.h, kept by
 * store/store.h, told to whoever listens. Everything happens on the loop's thread: call it only
 * from there, and expect listeners to be called there. Nothing here knows who listens.
 */
#ifndef SONDE_MONITOR_MONITOR_H
#define SONDE_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/addr.h"
#include "monitor/config.h"
#include "monitor/presence.h"

struct monitor;
struct store;

/* One host as shown. @host is borrowed: valid until the loop runs again. */
struct monitor_host {
	const struct presence_host *host;
	const char *network; /* its name; NULL when it is in none of the networks */
	const char *vendor;  /* of the MAC; NULL when unknown */
};

/* An event that has been committed to the store. */
struct monitor_event {
	int64_t id; /* the store's row: grows */
	struct presence_event event;
};

struct monitor_network {
	const char *name;
	struct prefix prefix;
	const char *iface; /* NULL: none is on-link, the network is reached through routers */
};

struct monitor_summary {
	int64_t now_ms, started_ms;
	const char *name; /* from the configuration; "sonde" by default */
	double interval_s;
	bool self_up;
	unsigned counts[PRESENCE_N_STATES], total;
	unsigned n_networks;
	int64_t last_event; /* id; 0 when there is none */
	/* Since the start, for /metrics. */
	uint64_t probes_sent, probes_answered, rounds;
	uint64_t events[PRESENCE_N_KINDS];
};

/* What a listener gets; NULL members are not called. They must not free the monitor. */
struct monitor_listener {
	/* An event, after its commit: what is shown survives a crash. */
	void (*event)(void *user, const struct monitor_event *event);
	/* A round ended: @n hosts changed state or figures, at @hosts (borrowed for the call). */
	void (*round)(void *user, const struct monitor_host *hosts, size_t n);
	/* These are no longer there; of those forgotten nothing but events is left. */
	void (*gone)(void *user, const struct presence_gone *gone, size_t n);
	/* Something that people should know, but that is no event: the disk is full, a round is
	 * late. */
	void (*trouble)(void *user, const char *text);
	void *user;
};

/**
 * monitor_new() - prepare to watch what @config says; hosts and states that @store knows are taken
 * over
 * @loop: outlives the monitor; @config and @store likewise
 * @fault: for people, when it fails: which socket, interface or permission
 * Return: 0, -ENOMEM, -EPERM, -ENODEV, ... Nothing is sent before monitor_start().
 */
MUST_CHECK int monitor_new(uv_loop_t *loop, const struct monitor_config *config,
			   struct store *store, struct monitor **ret_monitor, struct fault *fault);

/*
 * Begins the rounds, with a `started` event. Return: 0, -EPERM, -EACCES and others of the sockets
 * with
 * @fault filled.
 */
MUST_CHECK int monitor_start(struct monitor *m, struct fault *fault);

/**
 * monitor_reconfigure() - take a new configuration while running: all or nothing
 * @config: outlives the monitor; the old one may be freed after success
 * Return: like monitor_new(). The store's path and the web section are not looked at.
 */
MUST_CHECK int monitor_reconfigure(struct monitor *m, const struct monitor_config *config,
				   struct fault *fault);

/*
 * Stops, seals what is open in the store, frees. Handles on the loop are closed: the caller runs
 * the loop until it is empty. NULL is fine.
 */
struct monitor *monitor_free(struct monitor *m);

void monitor_summary(const struct monitor *m, struct monitor_summary *ret_summary);

/* Network @i of summary.n_networks; borrowed. */
struct monitor_network monitor_network(const struct monitor *m, unsigned i);

/*
 * All hosts, worst first (inactive, degraded, unknown, active), then by address. The array is the
 * monitor's, valid until the loop runs again. Return: how many, at *@ret_hosts.
 */
size_t monitor_hosts(struct monitor *m, const struct monitor_host **ret_hosts);

/* One host by id. Return: 0 or -E_NOT_FOUND. */
MUST_CHECK int monitor_host(const struct monitor *m, int64_t id, struct monitor_host *ret_host);

/* The store, for history: events, samples, roll-ups. Events and samples told so far are in it. */
struct store *monitor_store(const struct monitor *m);

#define MONITOR_MAX_LISTENERS 8

/* @listener is borrowed until monitor_unlisten(). Return: 0 or -E_FULL. */
MUST_CHECK int monitor_listen(struct monitor *m, const struct monitor_listener *listener);
void monitor_unlisten(struct monitor *m, const struct monitor_listener *listener);

#endif
