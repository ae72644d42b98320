/*
 * What a lab consists of: networks (bridges), hosts (network namespaces), and the cables between
 * them. It is written in YAML, by the schema in topology.c; docs/lab.md tells it to people.
 */
#ifndef SONDE_LAB_TOPOLOGY_H
#define SONDE_LAB_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "host/edit.h"

enum {
	LAB_NAME_MAX = 11, /* bytes of a name: with "-15" behind it an interface's, with its NUL */
	LAB_NETWORKS_MAX = 64,
	LAB_HOSTS_MAX = 1000, /* a bridge takes 1,023 */
	LAB_LINKS_MAX = 16,   /* of a host */
	LAB_ITEMS_MAX = 16,   /* addresses of a link, routes of a host, and so on */
};

struct lab_network {
	char name[LAB_NAME_MAX + 1];
	struct prefix prefixes[2]; /* none, one or two; unused: AF_UNSPEC */
	struct addr gateways[2];   /* for its hosts that name none */
};

/* A cable from a host to a network. */
struct lab_link {
	unsigned network; /* number in the topology */
	char iface[16];	  /* in the host: eth0, eth1, ... */
	char port[16];	  /* at the bridge: the host's name, "NAME-1", ... */
	struct mac mac;	  /* given, or made from the place in the topology */
	struct prefix addresses[LAB_ITEMS_MAX];
	unsigned n_addresses;
	struct edit_shape shape; /* both ways */
};

struct lab_route {
	struct prefix to;
	struct addr gateway;
};

struct lab_host {
	char name[LAB_NAME_MAX + 1];
	struct lab_link *links;
	unsigned n_links;
	struct lab_route routes[LAB_ITEMS_MAX + 4]; /* default routes included */
	unsigned n_routes;
	bool router;			/* forwards */
	int nat_link;			/* number of the link on which IPv4 is masqueraded, or -1 */
	bool no_ping;			/* answers no echo requests */
	uint16_t listen[LAB_ITEMS_MAX]; /* TCP ports where connections are taken and closed */
	unsigned n_listen;
	char **sysctls; /* "net.ipv4.conf.all.rp_filter=0" */
	unsigned n_sysctls;
	char **run; /* for the shell, once everything is up */
	unsigned n_run;
};

struct topology {
	char name[LAB_NAME_MAX + 1];
	struct lab_network *networks;
	unsigned n_networks;
	struct lab_host *hosts;
	unsigned n_hosts;
	struct config *config; /* owns the texts */
};

/**
 * topology_load() - read and check a file
 * @path: NULL: the built-in office
 * @fault: a sentence with file and line
 * Return: 0, -E_SYNTAX for what is wrong in it, -errno of reading it; @fault is filled for all.
 */
MUST_CHECK int topology_load(const char *path, struct topology **ret_topology, struct fault *fault);

/* The same from memory. */
MUST_CHECK int topology_parse(const char *name, const char *text, size_t len,
			      struct topology **ret_topology, struct fault *fault);

struct topology *topology_free(struct topology *t);

/* A lab's name, also a host's and a network's: letters, digits and '-', not first or last. */
bool lab_name_ok(const char *name);

#endif
