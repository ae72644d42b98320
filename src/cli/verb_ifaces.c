/* sonde ifaces: this machine's interfaces, addresses, routes and neighbours, once or as they
 * change. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/ifaces.h"
#include "cli/verbs.h"

static const struct verb_option options[] = {
	{ 0, "addr", NULL, "only the addresses", OPTION_FLAG,
	  offsetof(struct ifaces_options, addr) },
	{ 0, "up", NULL, "only whether it is up: exit status 0 or 1", OPTION_FLAG,
	  offsetof(struct ifaces_options, up) },
	{ 0, "mac", NULL, "only the MAC address", OPTION_FLAG,
	  offsetof(struct ifaces_options, mac) },
	{ 0, "routes", NULL, "the routes of all tables", OPTION_FLAG,
	  offsetof(struct ifaces_options, routes) },
	{ 0, "neighbours", NULL, "who on the links has which MAC address", OPTION_FLAG,
	  offsetof(struct ifaces_options, neighbours) },
	{ 0, "rates", NULL, "bytes and packets a second, every second or as --every says",
	  OPTION_FLAG, offsetof(struct ifaces_options, rates) },
	{ 0, "watch", NULL, "print changes as they happen", OPTION_FLAG,
	  offsetof(struct ifaces_options, watch) },
};

bool ifaces_wants(const struct ifaces *x, uint32_t ifindex)
{
	for (size_t i = 0; i < x->n_named; i++)
		if (x->named[i] == ifindex)
			return true;
	return !x->n_named;
}

bool ifaces_wants_family(const struct ifaces *x, int family)
{
	const struct common *common = &x->cmd->common;

	return family == AF_INET ? !common->ip6 : !common->ip4;
}

const char *ifaces_name(const struct host_links *links, uint32_t ifindex, char *spare)
{
	const struct host_link *link = host_links_at(links, ifindex);

	if (link)
		return link->name;
	snprintf(spare, 16, "#%u", ifindex);
	return ifindex ? spare : NULL;
}

const char *ifaces_number_name(const char *name, uint32_t number, char *spare)
{
	if (name)
		return name;
	snprintf(spare, 16, "%u", number);
	return spare;
}

int ifaces_cannot(const struct ifaces *x, const char *what, int err)
{
	const char *why = x->nl ? netlink_error(x->nl) : "";

	return command_fails(x->cmd, EXIT_CANNOT, "cannot read the %s: %s", what,
			     why[0] ? why : err_text(err));
}

/* The name or alternative name most like @name, or NULL. */
static const char *near_name(const struct host_links *links, const char *name)
{
	const char **names, *near = NULL;
	size_t n = links->n;

	for (size_t i = 0; i < links->n; i++)
		n += links->items[i].n_alt_names;
	names = calloc(n + 1, sizeof(*names));
	n = 0;
	for (size_t i = 0; names && i < links->n; i++) {
		names[n++] = links->items[i].name;
		for (const char *alt = NULL; (alt = host_link_alt_name(&links->items[i], alt));)
			names[n++] = alt;
	}
	if (names)
		near = nearest_name(name, names, n);
	free(names);
	return near;
}

static int unknown_name(const struct ifaces *x, const char *name)
{
	const char *near = near_name(&x->links, name);

	if (near)
		return command_fails(x->cmd, EXIT_USAGE,
				     "no interface \"%s\"; did you mean \"%s\"?", name, near);
	return command_fails(x->cmd, EXIT_USAGE, "no interface \"%s\"; see: sonde ifaces", name);
}

/* Finds the operands among the interfaces. Return: 0, or an exit status. */
static int find_named(struct ifaces *x)
{
	struct command *cmd = x->cmd;

	x->named = calloc(cmd->n_operands + 1, sizeof(*x->named));
	if (!x->named)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	for (size_t i = 0; i < cmd->n_operands; i++) {
		const struct host_link *link = host_links_named(&x->links, cmd->operands[i]);

		if (!link)
			return unknown_name(x, cmd->operands[i]);
		x->named[x->n_named++] = link->index;
	}
	return 0;
}

static int run_mode(struct ifaces *x, const struct ifaces_options *o)
{
	const struct {
		bool chosen;
		int (*run)(struct ifaces *x);
		const struct out_type *main;
	} modes[] = {
		{ o->addr, ifaces_addresses, &ifaces_address_type },
		{ o->up, ifaces_up, &ifaces_interface_type },
		{ o->mac, ifaces_mac, &ifaces_interface_type },
		{ o->routes, ifaces_routes, &ifaces_route_type },
		{ o->neighbours, ifaces_neighbours, &ifaces_neighbour_type },
		{ o->rates, ifaces_rates, &ifaces_rate_type },
		{ o->watch, ifaces_watch, &ifaces_change_type },
	};
	struct fault fault = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (!modes[i].chosen)
			continue;
		if (out_main(x->cmd->out, modes[i].main, &fault) < 0)
			return command_fault(x->cmd, x->cmd->common.fields, &fault);
		return modes[i].run(x);
	}
	return ifaces_show(x);
}

static int run(struct command *cmd, void *opaque)
{
	const struct ifaces_options *o = opaque;
	struct ifaces x = { .cmd = cmd };
	int status = 0, err;

	if (o->addr + o->up + o->mac + o->routes + o->neighbours + o->rates + o->watch > 1)
		return command_fails(cmd, EXIT_USAGE,
				     "--addr, --up, --mac, --routes, --neighbours, --rates and "
				     "--watch exclude each other");
	if ((o->up || o->mac) && cmd->n_operands != 1)
		return command_fails(cmd, EXIT_USAGE, "--%s needs the name of one interface",
				     o->up ? "up" : "mac");
	if (cmd->common.given & COMMON_EVERY && !o->rates)
		return command_fails(cmd, EXIT_USAGE, "--every goes with --rates");
	if (cmd->common.given & (COMMON_COUNT | COMMON_FOR) && !o->rates && !o->watch)
		return command_fails(cmd, EXIT_USAGE, "--%s goes with --rates and --watch",
				     cmd->common.given & COMMON_COUNT ? "count" : "for");
	err = netlink_new(&x.nl);
	if (!err)
		err = host_links_list(x.nl, &x.links);
	if (err)
		status = ifaces_cannot(&x, "interfaces", err);
	if (!status)
		status = find_named(&x);
	if (!status)
		status = run_mode(&x, o);
	free(x.named);
	host_links_done(&x.links);
	netlink_free(x.nl);
	return status;
}

static const struct out_type *const records[] = {
	&ifaces_interface_type,
	&ifaces_address_type,
	&ifaces_route_type,
	&ifaces_neighbour_type,
	&ifaces_rate_type,
	&ifaces_change_type,
	NULL,
};

static const struct example examples[] = {
	{ "sonde ifaces", "all interfaces" },
	{ "sonde ifaces eth0", "everything about one" },
	{ "sonde ifaces --addr -4 eth0", "its IPv4 addresses, one a line, for scripts" },
	{ "sonde ifaces --up eth0 && ...", "only if it is up" },
	{ "sonde ifaces --rates --every 5 eth0", "what it carries, averaged over 5 seconds" },
	{ "sonde ifaces --watch --json", "changes as they happen, for a program" },
};

const struct verb verb_ifaces = {
	.name = "ifaces",
	.operands = "[NAME...]",
	.summary = "this machine's interfaces, addresses, routes and neighbours",
	.about =
		"Shows every interface with its kind, whether the administrator wants it up, "
		"whether it has a carrier (a cable), what it says of itself (operstate), MAC, MTU, "
		"counters and addresses. With a name, or an alternative name, everything about "
		"that one.\n\n"
		"--rates shows what each interface carries and, as the last row of each tick, what "
		"the whole machine does: the sum of its hardware interfaces or, where it has none "
		"(a container), of all that are not built upon another. The first tick comes after "
		"one interval; -c sets how many.\n\n"
		"--watch ends after -c changes, --for a time, or Ctrl-C.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.options_size = sizeof(struct ifaces_options),
	.common = COMMON_OUTPUT | COMMON_FAMILY | COMMON_COUNT | COMMON_EVERY | COMMON_FOR,
	.completes = COMPLETE_IFACE,
	.records = records,
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.run = run,
};
