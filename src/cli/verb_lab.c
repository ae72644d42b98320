/* sonde lab: virtual networks of real kernels' stacks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/verbs.h"
#include "lab/enter.h"
#include "lab/keeper.h"
#include "lab/state.h"
#include "lab/topology.h"

enum { LISTEN_MAX = 16 };

struct lab_options {
	const char *name; /* of the lab */
	bool again, all;
	struct texts listen;
};

enum { LAB, HOST, IFACE, NETWORK, ADDRESSES, MAC, CABLE, N_COLUMNS };

static const struct out_column columns[] = {
	[LAB] = { "lab", OUT_TEXT, .about = "the lab's name" },
	[HOST] = { "host", OUT_TEXT, .about = "the host's name" },
	[IFACE] = { "interface", OUT_TEXT, .title = "IFACE", .about = "the interface there" },
	[NETWORK] = { "network", OUT_TEXT, .about = "where its cable goes" },
	[ADDRESSES] = { "addresses", OUT_PREFIX, .repeated = true, .width = 35,
			.about = "its addresses with their prefix lengths" },
	[MAC] = { "mac", OUT_MAC, .minor = 1, .about = "its MAC address" },
	[CABLE] = { "cable", OUT_TEXT, .about = "plugged or pulled" },
};
static const struct out_type link_type = { "lab_link", columns, N_COLUMNS };
static const struct out_type *const list_records[] = { &link_type, NULL };

static int state_status(int err)
{
	return err == -E_NOT_FOUND ? EXIT_NO : err == -E_SYNTAX ? EXIT_USAGE : EXIT_CANNOT;
}

/* The lab named, or the only one. Return: EXIT_YES, or the status after having said why not. */
static int find_lab(struct command *cmd, const char *name, struct lab_state **ret_state)
{
	struct fault fault = { 0 };
	int err = lab_state_read(name, ret_state, &fault);

	return err < 0 ? command_fails(cmd, state_status(err), "%s", fault.text) : EXIT_YES;
}

static int find_host(struct command *cmd, const struct lab_state *state, const char *name,
		     unsigned *ret_host)
{
	int host = lab_find_host(state, name);

	if (host < 0)
		return command_fails(cmd, EXIT_USAGE,
				     "lab '%s' has no host '%s' (see: sonde lab list)", state->name,
				     name);
	*ret_host = (unsigned)host;
	return EXIT_YES;
}

/* Ends the lab of that name if there is one. */
static int end_lab(struct command *cmd, const char *name)
{
	struct lab_state *state;
	struct fault fault = { 0 };
	int err = lab_state_read(name, &state, &fault);

	if (err == -E_NOT_FOUND)
		return EXIT_YES;
	if (!err) {
		err = lab_stop(state, &fault);
		lab_state_free(state);
	}
	return err < 0 ? command_fails(cmd, state_status(err), "%s", fault.text) : EXIT_YES;
}

static void tell_notes(const struct command *cmd, struct buf *notes)
{
	char *rest = NULL, *line;

	/* the text is ours and about to go */
	for (line = strtok_r((char *)buf_cstr(notes), "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		command_notes(cmd, "%s", line);
}

static int bring_up(struct command *cmd, const struct topology *t, const char *name)
{
	struct buf notes = buf_of(1 << 16);
	struct fault fault = { 0 };
	int err = lab_start(t, name, &notes, &fault);

	tell_notes(cmd, &notes);
	buf_done(&notes);
	if (err == -EBUSY)
		return command_fails(
			cmd, EXIT_USAGE,
			"%s; end it with 'sonde lab down %s', replace it with --again, or "
			"start another with --name",
			fault.text, name);
	if (err < 0)
		return command_fails(cmd, EXIT_CANNOT, "%s", fault.text);
	out_line(cmd->out, "lab '%s' is up: %u hosts on %u networks; see: sonde lab list %s", name,
		 t->n_hosts, t->n_networks, name);
	return EXIT_YES;
}

static int run_up(struct command *cmd, void *opaque)
{
	const struct lab_options *o = opaque;
	struct fault fault = { 0 };
	struct topology *t;
	const char *name;
	int status = EXIT_YES, err;

	if (o->name && !lab_name_ok(o->name))
		return command_fails(
			cmd, EXIT_USAGE,
			"--name: '%s' is not a name: expected at most %d letters, digits "
			"and '-', not first or last",
			o->name, LAB_NAME_MAX);
	err = topology_load(cmd->operands[0], &t, &fault);
	if (err < 0)
		return command_fails(cmd, EXIT_USAGE, "%s", fault.text);
	name = o->name ? o->name : t->name;
	if (o->again)
		status = end_lab(cmd, name);
	if (status == EXIT_YES)
		status = bring_up(cmd, t, name);
	topology_free(t);
	return status;
}

static void record_link(struct command *cmd, const struct lab_state *state,
			const struct lab_state_host *h, const struct lab_state_link *l, bool cut)
{
	struct out_value addresses[LAB_ITEMS_MAX], row[N_COLUMNS] = { 0 };

	row[LAB] = out_text(state->name);
	row[HOST] = out_text(h->name);
	if (l) {
		struct mac mac = { 0 };

		for (unsigned i = 0; i < l->n_addresses; i++) {
			struct prefix p = { 0 };

			if (prefix_parse(l->addresses[i], strlen(l->addresses[i]), &p, NULL) < 0)
				p = (struct prefix){ 0 };
			addresses[i] = out_prefix(&p);
		}
		if (mac_parse(l->mac, strlen(l->mac), &mac, NULL) < 0)
			mac = (struct mac){ 0 };
		row[IFACE] = out_text(l->iface);
		row[NETWORK] = out_text(l->network);
		row[ADDRESSES] = out_list(addresses, l->n_addresses);
		row[MAC] = out_mac(&mac);
		row[CABLE] =
			out_styled(out_text(cut ? "pulled" : "plugged"), cut ? OUT_BAD : OUT_GOOD);
	}
	out_record(cmd->out, &link_type, row);
}

static int list_lab(struct command *cmd, const struct lab_state *state)
{
	struct fault fault = { 0 };
	size_t n = 0;
	bool *cut;
	int err;

	for (unsigned i = 0; i < state->n_hosts; i++)
		n += state->hosts[i].n_links;
	cut = calloc(n + 1, sizeof(*cut));
	err = cut ? lab_cables(state, -1, LAB_CABLE_LOOK, cut, &fault) : -ENOMEM;
	n = 0;
	for (unsigned i = 0; i < state->n_hosts && !err; i++) {
		const struct lab_state_host *h = &state->hosts[i];

		if (!h->n_links)
			record_link(cmd, state, h, NULL, false);
		for (unsigned k = 0; k < h->n_links; k++)
			record_link(cmd, state, h, &h->links[k], cut[n++]);
	}
	free(cut);
	return err < 0 ? command_fails(cmd, EXIT_CANNOT, "%s", fault.text) : EXIT_YES;
}

/* One of several: those that come up or end at this moment are left out. */
static int list_any(struct command *cmd, const char *name)
{
	struct fault fault = { 0 };
	struct lab_state *state;
	int status = EXIT_YES;

	if (lab_state_read(name, &state, &fault) < 0)
		return EXIT_YES;
	if (state->ready)
		status = list_lab(cmd, state);
	lab_state_free(state);
	return status;
}

static int list_named(struct command *cmd, const char *name)
{
	struct lab_state *state;
	int status = find_lab(cmd, name, &state);

	if (status != EXIT_YES)
		return status;
	status = list_lab(cmd, state);
	lab_state_free(state);
	return status;
}

static int run_list(struct command *cmd, void *opaque)
{
	char(*names)[LAB_NAME_MAX + 1];
	int n, status = EXIT_YES;

	(void)opaque;
	if (cmd->n_operands)
		return list_named(cmd, cmd->operands[0]);
	n = lab_state_names(&names);
	if (n < 0)
		return command_fails(cmd, EXIT_CANNOT, "cannot list the labs: %s", err_text(n));
	for (int i = 0; i < n && status == EXIT_YES; i++)
		status = list_any(cmd, names[i]);
	free(names);
	if (!n)
		command_notes(cmd, "no lab is up; start one with: sonde lab up");
	return n ? status : EXIT_NO;
}

/* "127.0.0.1:8080", "[::1]:8080" */
static int read_endpoint(struct command *cmd, const char *text, struct endpoint *ret_endpoint)
{
	const char *colon = strrchr(text, ':'), *from = text;
	size_t len = colon ? (size_t)(colon - text) : 0;
	struct endpoint e = { 0 };
	unsigned long port = 0;
	struct fault fault;
	char *end = NULL;

	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		from++;
		len -= 2;
	}
	if (colon && colon[1] >= '0' && colon[1] <= '9')
		port = strtoul(colon + 1, &end, 10);
	if (!end || *end || port > 65535 || addr_parse(from, len, &e.addr, &fault) < 0)
		return command_fails(cmd, EXIT_USAGE,
				     "--listen: '%s' is not ADDRESS:PORT, as 127.0.0.1:8080", text);
	e.port = (uint16_t)port;
	*ret_endpoint = e;
	return EXIT_YES;
}

static int open_listener(struct command *cmd, const char *text, int *ret_fd)
{
	struct sockaddr_storage sa;
	struct endpoint e = { 0 };
	int fd, one = 1, err, status = read_endpoint(cmd, text, &e);

	if (status != EXIT_YES)
		return status;
	fd = socket(e.addr.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !bind(fd, (struct sockaddr *)&sa, endpoint_to_sockaddr(&e, &sa)) && !listen(fd, 128)) {
		*ret_fd = fd;
		return EXIT_YES;
	}
	err = errno;
	if (fd >= 0)
		close(fd);
	return command_fails(cmd, err == EADDRINUSE ? EXIT_USAGE : EXIT_CANNOT,
			     "cannot listen on %s: %s", text, err_text(err));
}

static int run_exec(struct command *cmd, void *opaque)
{
	const struct lab_options *o = opaque;
	int fds[LISTEN_MAX], command_status = EXIT_YES, status, err;
	struct lab_command command = { cmd->operands + 1, fds, (unsigned)o->listen.n };
	struct fault fault = { 0 };
	struct lab_state *state;
	unsigned host = 0, n = 0;

	if (o->listen.n > LISTEN_MAX)
		return command_fails(cmd, EXIT_USAGE, "at most %d times --listen", LISTEN_MAX);
	status = find_lab(cmd, o->name, &state);
	if (status != EXIT_YES)
		return status;
	status = find_host(cmd, state, cmd->operands[0], &host);
	for (; n < o->listen.n && status == EXIT_YES; n++)
		status = open_listener(cmd, o->listen.items[n], &fds[n]);
	if (status == EXIT_YES) {
		err = lab_exec(state, host, &command, &command_status, &fault);
		status = err < 0 ? EXIT_CANNOT : command_status;
		if (fault.text[0])
			command_fails(cmd, status, "%s", fault.text);
	}
	lab_state_free(state);
	return status;
}

static int do_cable(struct command *cmd, const char *name, enum lab_cable what)
{
	struct lab_state *state;
	struct fault fault = { 0 };
	bool cut[LAB_LINKS_MAX];
	unsigned host = 0;
	int status = find_lab(cmd, name, &state);

	if (status != EXIT_YES)
		return status;
	status = find_host(cmd, state, cmd->operands[0], &host);
	if (status == EXIT_YES && lab_cables(state, (int)host, what, cut, &fault) < 0)
		status = command_fails(cmd, EXIT_CANNOT, "%s", fault.text);
	for (unsigned k = 0; status == EXIT_YES && k < state->hosts[host].n_links; k++)
		record_link(cmd, state, &state->hosts[host], &state->hosts[host].links[k], cut[k]);
	lab_state_free(state);
	return status;
}

static int run_cut(struct command *cmd, void *opaque)
{
	return do_cable(cmd, ((const struct lab_options *)opaque)->name, LAB_CABLE_CUT);
}

static int run_join(struct command *cmd, void *opaque)
{
	return do_cable(cmd, ((const struct lab_options *)opaque)->name, LAB_CABLE_JOIN);
}

static int run_down(struct command *cmd, void *opaque)
{
	const struct lab_options *o = opaque;
	char(*names)[LAB_NAME_MAX + 1];
	struct lab_state *state;
	int n, status;

	if (!o->all) {
		status = find_lab(cmd, cmd->operands[0], &state);
		if (status != EXIT_YES)
			return status;
		status = end_lab(cmd, state->name);
		if (status == EXIT_YES)
			command_notes(cmd, "lab '%s' is down", state->name);
		lab_state_free(state);
		return status;
	}
	if (cmd->n_operands)
		return command_fails(cmd, EXIT_USAGE, "either a name or --all");
	n = lab_state_names(&names);
	if (n < 0)
		return command_fails(cmd, EXIT_CANNOT, "cannot list the labs: %s", err_text(n));
	status = EXIT_YES;
	for (int i = 0; i < n; i++)
		status = MAX(status, end_lab(cmd, names[i]));
	free(names);
	return status;
}

#define NAME_OPTION                                                                   \
	{                                                                             \
		0, "lab", "NAME", "which lab, when more than one is up", OPTION_TEXT, \
			offsetof(struct lab_options, name)                            \
	}

static const struct verb_option up_options[] = {
	{ 0, "name", "NAME", "what to call it, instead of the name in the file", OPTION_TEXT,
	  offsetof(struct lab_options, name) },
	{ 0, "again", NULL, "end a lab of that name first", OPTION_FLAG,
	  offsetof(struct lab_options, again) },
};

static const struct example up_examples[] = {
	{ "sonde lab up", "the built-in office" },
	{ "sonde lab up branch.yaml --name test", "a topology of your own, under another name" },
};

static const struct verb verb_lab_up = {
	.name = "up",
	.operands = "[FILE]",
	.summary = "bring a lab up",
	.about =
		"Builds the networks and hosts that FILE describes in YAML, or the built-in office: "
		"a LAN 10.77.0.0/24 behind a router that translates addresses, an outside network "
		"198.51.100.0/24 with two servers, IPv6 beside, one slow link. Returns when all is "
		"up.\n\nAs root, or as a user where user namespaces are allowed. A lab that is up "
		"already is not touched: exit status 2, unless --again is given.",
	.options = up_options,
	.n_options = ARRAY_LEN(up_options),
	.options_size = sizeof(struct lab_options),
	.common = COMMON_OUTPUT,
	.max_operands = 1,
	.completes = COMPLETE_FILE,
	.examples = up_examples,
	.n_examples = ARRAY_LEN(up_examples),
	.run = run_up,
};

static const struct verb verb_lab_list = {
	.name = "list",
	.operands = "[NAME]",
	.summary = "labs that are up, their hosts, addresses and cables",
	.options_size = sizeof(struct lab_options),
	.common = COMMON_OUTPUT,
	.max_operands = 1,
	.records = list_records,
	.run = run_list,
};

static const struct verb_option exec_options[] = {
	NAME_OPTION,
	{ 0, "listen", "ADDRESS:PORT",
	  "open this TCP port here, outside of the lab, and hand it to the command (LISTEN_FDS)",
	  OPTION_TEXTS, offsetof(struct lab_options, listen) },
};

static const struct example exec_examples[] = {
	{ "sonde lab exec ws1 ping -c 3 198.51.100.80", "ping an outside server from ws1" },
	{ "sonde lab exec ws1 bash", "a shell on ws1" },
	{ "sonde lab exec --listen 127.0.0.1:8077 admin sonde monitor office.yaml",
	  "a monitor inside whose page is reachable from outside" },
};

static const struct verb verb_lab_exec = {
	.name = "exec",
	.operands = "HOST COMMAND...",
	.summary = "run a command on a host",
	.about =
		"The command has this terminal, environment and folder, but the host's network, "
		"name and processes; the lab's names are in its /etc/hosts. The exit status is the "
		"command's; 126 and 127 when it cannot be run, 128 + N when signal N ended it.\n\n"
		"With --listen the command gets listening sockets as descriptors 3, 4, ... as "
		"systemd passes them (sd_listen_fds(3)).",
	.options = exec_options,
	.n_options = ARRAY_LEN(exec_options),
	.options_size = sizeof(struct lab_options),
	.min_operands = 2,
	.stop_at_operand = true,
	.completes = COMPLETE_HOST,
	.examples = exec_examples,
	.n_examples = ARRAY_LEN(exec_examples),
	.run = run_exec,
};

static const struct verb_option cable_options[] = { NAME_OPTION };

static const struct verb verb_lab_cut = {
	.name = "cut",
	.operands = "HOST",
	.summary = "pull the network cables of a host",
	.about =
		"Its interfaces lose their carrier, as with a real cable; addresses and routes stay.",
	.options = cable_options,
	.n_options = ARRAY_LEN(cable_options),
	.options_size = sizeof(struct lab_options),
	.common = COMMON_OUTPUT,
	.min_operands = 1,
	.max_operands = 1,
	.completes = COMPLETE_HOST,
	.records = list_records,
	.run = run_cut,
};

static const struct verb verb_lab_join = {
	.name = "join",
	.operands = "HOST",
	.summary = "plug the network cables of a host in again",
	.options = cable_options,
	.n_options = ARRAY_LEN(cable_options),
	.options_size = sizeof(struct lab_options),
	.common = COMMON_OUTPUT,
	.min_operands = 1,
	.max_operands = 1,
	.completes = COMPLETE_HOST,
	.records = list_records,
	.run = run_join,
};

static const struct verb_option down_options[] = {
	{ 0, "all", NULL, "every lab of this user", OPTION_FLAG,
	  offsetof(struct lab_options, all) },
};

static const struct verb verb_lab_down = {
	.name = "down",
	.operands = "[NAME]",
	.summary = "end a lab with all its processes",
	.about = "Without NAME, the only lab that is up. Nothing is left of a lab: no process, "
		 "namespace or link.",
	.options = down_options,
	.n_options = ARRAY_LEN(down_options),
	.options_size = sizeof(struct lab_options),
	.max_operands = 1,
	.run = run_down,
};

static const struct verb *const subverbs[] = {
	&verb_lab_up,	&verb_lab_list, &verb_lab_exec, &verb_lab_cut,
	&verb_lab_join, &verb_lab_down, NULL,
};

const struct verb verb_lab = {
	.name = "lab",
	.summary = "virtual networks to try things in",
	.about = "Makes networks whose hosts are network namespaces, with real kernels' stacks, "
		 "joined by bridges and virtual cables; nothing in it reaches a network outside of "
		 "it. One process keeps each lab; when it ends, however it ends, the whole lab is "
		 "gone.",
	.subverbs = subverbs,
};
