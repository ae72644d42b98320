/* The monitor's configuration file (YAML, by schema); examples/monitor.yaml explains every key. */
#ifndef SONDE_MONITOR_CONFIG_H
#define SONDE_MONITOR_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/targets.h"
#include "monitor/presence.h"

struct monitor_config_network {
	char *name;
	struct prefix prefix;
	char *iface;		 /* NULL: as the routes say */
	struct targets *targets; /* what a sweep covers, sealed; NULL: no sweeps */
	uint64_t discover_ns;	 /* from the beginning of one sweep to the next */
};

/* A host to watch whether or not a sweep finds it. */
struct monitor_config_host {
	char *name;
	struct addr addr;
	char *note; /* may be NULL */
};

struct monitor_config_store {
	char *path;
	/* 0: the store's default */
	unsigned samples_days, minutes_days, hours_days, events_days; /* how long each is kept */
};

struct monitor_config_web {
	bool enabled;
	struct endpoint listen;	  /* 127.0.0.1:8080 by default */
	char *token;		  /* read from `token`, or from `token_file`; NULL: none */
	char *tls_cert, *tls_key; /* paths; both or neither */
	char **allowed_hosts;	  /* further values of the Host header */
	unsigned n_allowed_hosts;
	bool behind_proxy; /* a proxy that ends TLS is in front: a wider bind needs the token only
			    */
};

struct monitor_config {
	char *name;
	struct monitor_config_network *networks;
	unsigned n_networks;
	struct monitor_config_host *hosts;
	unsigned n_hosts;
	uint64_t every_ns, timeout_ns;
	unsigned burst;	      /* ICMP echo requests a host and round */
	uint64_t spacing_ns;  /* between the requests of a burst */
	uint64_t rate;	      /* packets a second at most */
	unsigned up, down;    /* rounds in a row */
	double degraded_loss; /* fraction */
	uint64_t degraded_rtt_ns;
	uint64_t forget_ns; /* silence after which a host that was found is forgotten; 0: never */
	unsigned max_hosts;
	bool resolve_names;
	struct monitor_config_store store;
	struct monitor_config_web web;
};

/**
 * monitor_config_load() - read and check a configuration file
 * @path: YAML; ${NAME} in a value is taken from the environment
 * @fault: "FILE:LINE: what is wrong and what was expected"
 * Return: 0, -errno of reading, -E_SYNTAX or -E_RANGE. All or nothing.
 */
MUST_CHECK int monitor_config_load(const char *path, struct monitor_config **ret_config,
				   struct fault *fault);
struct monitor_config *monitor_config_free(struct monitor_config *config);

#endif
