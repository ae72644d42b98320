/* The parts of sonde ifaces: what it lists once, and what it shows as time goes by. */
#ifndef SONDE_CLI_IFACES_H
#define SONDE_CLI_IFACES_H

#include "cli/verb.h"
#include "host/address.h"
#include "host/link.h"

struct ifaces_options {
	bool addr, up, mac, routes, neighbours, rates, watch;
};

/* One run: the socket, what was read, and which interfaces were named (none: all). */
struct ifaces {
	struct command *cmd;
	struct netlink *nl;
	struct host_links links;
	uint32_t *named; /* their indexes */
	size_t n_named;
};

extern const struct out_type ifaces_interface_type, ifaces_address_type, ifaces_route_type,
	ifaces_neighbour_type, ifaces_rate_type, ifaces_change_type;

/* The following give the exit status. */
int ifaces_show(struct ifaces *x);	 /* all, or those named in full */
int ifaces_addresses(struct ifaces *x);	 /* --addr */
int ifaces_up(struct ifaces *x);	 /* --up */
int ifaces_mac(struct ifaces *x);	 /* --mac */
int ifaces_routes(struct ifaces *x);	 /* --routes */
int ifaces_neighbours(struct ifaces *x); /* --neighbours */
int ifaces_rates(struct ifaces *x);	 /* --rates */
int ifaces_watch(struct ifaces *x);	 /* --watch */

/* "Cannot read the interfaces: ..." from a failed request; gives EXIT_CANNOT. */
int ifaces_cannot(const struct ifaces *x, const char *what, int err);

/* Whether the interface was named, or none was; whether -4 and -6 let the family through. */
bool ifaces_wants(const struct ifaces *x, uint32_t ifindex);
bool ifaces_wants_family(const struct ifaces *x, int family);

/* The interface's name; @spare (16 bytes) takes "#7" for one that is gone. NULL for index 0. */
const char *ifaces_name(const struct host_links *links, uint32_t ifindex, char *spare);

/* A name for a small number, or the number itself in @spare (16 bytes). */
const char *ifaces_number_name(const char *name, uint32_t number, char *spare);

/* "main", "local", "default" or the number, likewise. */
const char *ifaces_table_name(uint32_t table, char *spare);

#endif
