/* sonde arp resolve, sweep and check: ARP requests by the probe engine. */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "cli/arp.h"
#include "cli/probing.h"
#include "host/netlink.h"
#include "host/route.h"
#include "io/clock.h"
#include "out/progress.h"
#include "wire/vendor.h"

#define RETRIES_DEFAULT 1
#define SPACING_NS	(100 * NS_PER_MS)
#define PROGRESS_MS	200
#define PAIRS_MAX	(1u << 20)

/* RFC 5227 section 1.1: three probes, one to two seconds apart, and two seconds for the last. */
/* RFC 5227 section 1.1: three probes a second (PROBE_MIN) apart, half a time-out that is, and after
 * the last one two seconds (ANNOUNCE_WAIT). */
#define CHECK_PROBES	 3
#define CHECK_TIMEOUT_NS (2 * NS_PER_S)

enum { HOST, MAC, VENDOR, INTERFACE, RTT, CONFLICT, N_PAIR };

static const struct out_column pair_columns[] = {
	[HOST] = { "host", OUT_ADDR, .about = "the IPv4 address" },
	[MAC] = { "mac", OUT_MAC, .about = "the MAC address that answers for it" },
	[VENDOR] = { "vendor", OUT_TEXT, .about = "to whom the MAC address is registered" },
	[INTERFACE] = { "interface", OUT_TEXT, .about = "through which it was heard" },
	[RTT] = { "rtt_ms", OUT_MS, .about = "round-trip time, where one request was enough" },
	[CONFLICT] = { "conflict", OUT_BOOL,
		       .about = "another MAC address answers for the same address" },
};

static const struct out_type pair_type = { "pair", pair_columns, N_PAIR };

enum { C_HOST, C_IN_USE, C_BY_SELF, C_MAC, C_VENDOR, C_INTERFACE, N_CHECK };

static const struct out_column check_columns[] = {
	[C_HOST] = { "host", OUT_ADDR, .about = "the IPv4 address asked for" },
	[C_IN_USE] = { "in_use", OUT_BOOL, .about = "somebody has it" },
	[C_BY_SELF] = { "by_self", OUT_BOOL, .about = "this machine has it", .extra = true },
	[C_MAC] = { "mac", OUT_MAC, .about = "the MAC address that answered first" },
	[C_VENDOR] = { "vendor", OUT_TEXT, .about = "to whom the MAC address is registered" },
	[C_INTERFACE] = { "interface", OUT_TEXT, .about = "through which it was heard" },
};

static const struct out_type check_type = { "check", check_columns, N_CHECK };

#define CARRIER "packet socket"

enum { A_CONFLICTS, A_PROBES, N_ACCOUNT = A_PROBES + PROBING_N_COLUMNS };

static const struct out_column account_columns[] = {
	[A_CONFLICTS] = { "conflicts", OUT_UINT,
			  .about = "answers from a second MAC address for the same address" },
	PROBING_COLUMNS(A_PROBES),
};

static const struct out_type account_type = { "account", account_columns, N_ACCOUNT };

struct pair {
	struct addr addr;
	struct mac mac;
	unsigned ifindex;
	int64_t rtt_ns;
	bool conflict;
};

struct ask {
	struct probing probing;
	struct probe_run *run;
	struct addr addr; /* of resolve and check */
	struct pair *pairs;
	size_t n, cap, n_conflicts;
	struct hash *known; /* of struct pair_key: the pairs above */
	struct probe_account account;
	bool stop_at_first;
	bool full;
	uint64_t failed;
	int error; /* why the last one failed */
	uv_timer_t redraw;
	struct progress progress;
};

/* What makes a pair, without padding. */
struct pair_key {
	uint8_t addr[4], mac[6];
};

/* A pair not heard before. Return: false for one that was, or when there are too many. */
static bool add_pair(struct ask *ask, const struct pair *pair)
{
	struct pair_key key;
	void *value;
	int added;

	memcpy(key.addr, pair->addr.bytes, sizeof(key.addr));
	memcpy(key.mac, pair->mac.bytes, sizeof(key.mac));
	added = hash_put(ask->known, &key, &value);
	if (added > 0 && ask->n == ask->cap) {
		size_t cap = ask->cap ? 2 * ask->cap : 256;
		struct pair *pairs = realloc(ask->pairs, cap * sizeof(*pairs));

		if (pairs) {
			ask->pairs = pairs;
			ask->cap = cap;
		}
	}
	if (added < 0 || ask->n == ask->cap)
		ask->full |= added != 0;
	else if (added)
		ask->pairs[ask->n++] = *pair;
	return added > 0;
}

static void on_event(void *ctx, const struct probe_event *event)
{
	struct ask *ask = ctx;
	struct pair pair = { event->target, event->mac, event->ifindex, event->rtt_ns,
			     event->outcome == PROBE_DUPLICATE };

	if (event->outcome == PROBE_FAILED) {
		ask->failed++;
		ask->error = event->error;
	}
	if (event->outcome == PROBE_SILENT || event->outcome == PROBE_FAILED)
		return;
	/* The kernel may have asked, too: of further answers, only another MAC address is news. */
	if (add_pair(ask, &pair))
		ask->n_conflicts += pair.conflict;
	if (ask->stop_at_first)
		probe_run_stop(ask->run, true);
}

static void on_done(void *ctx, const struct probe_account *account)
{
	struct ask *ask = ctx;

	ask->run = NULL;
	ask->account = *account;
	probing_stop(&ask->probing);
}

static void on_interrupt(struct probing *p)
{
	struct ask *ask = container_of(p, struct ask, probing);

	if (ask->run)
		probe_run_stop(ask->run, true);
}

static void on_redraw(uv_timer_t *timer)
{
	struct ask *ask = timer->data;

	if (ask->run)
		progress_show(&ask->progress, clock_monotonic_ns(),
			      probe_run_account(ask->run).targets, NULL);
}

static int probe(struct ask *ask, struct probe_config *config)
{
	static const struct probe_lane lane = { .module = &probe_arp };
	struct probe_run_callbacks callbacks = { on_event, on_done, ask };
	struct command *cmd = ask->probing.cmd;
	const struct common *c = &cmd->common;
	int status;

	ask->known = hash_new(sizeof(struct pair_key), 0, PAIRS_MAX);
	if (!ask->known)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	status = probing_begin(&ask->probing, cmd, c->iface, 0);
	if (status)
		return status;
	config->lanes = &lane;
	config->n_lanes = 1;
	config->rate = probing_rate(cmd);
	config->seed = clock_monotonic_ns();
	if (c->given & COMMON_TIMEOUT)
		config->timeout_ns = c->timeout_ns;
	if (c->given & COMMON_RETRIES)
		config->retries = (uint32_t)c->retries;
	ask->probing.interrupted = on_interrupt;
	uv_timer_init(&ask->probing.loop, &ask->redraw);
	ask->redraw.data = ask;
	uv_timer_start(&ask->redraw, on_redraw, PROGRESS_MS, PROGRESS_MS);
	status = probing_run(&ask->probing, config, &callbacks, &ask->run);
	if (!status) {
		ask->progress = progress_of("addresses", probe_run_account(ask->run).total,
					    clock_monotonic_ns(),
					    isatty(STDERR_FILENO) && !c->quiet);
		probing_loop(&ask->probing);
		progress_clear(&ask->progress);
	}
	uv_close((uv_handle_t *)&ask->redraw, NULL);
	probing_end(&ask->probing);
	if (!status && ask->full)
		command_notes(cmd, "memory or the limit of %u pairs is exhausted", PAIRS_MAX);
	return status;
}

static void ask_done(struct ask *ask)
{
	hash_free(ask->known);
	free(ask->pairs);
}

static int by_address(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int order = addr_cmp(&x->addr, &y->addr);

	return order ? order : memcmp(&x->mac, &y->mac, sizeof(x->mac));
}

/* Both sides of a conflict are marked. */
static void show_pairs(struct ask *ask)
{
	struct pair *p = ask->pairs;

	if (ask->n)
		qsort(p, ask->n, sizeof(*p), by_address);
	for (size_t i = 1; i < ask->n; i++)
		if (addr_eq(&p[i].addr, &p[i - 1].addr))
			p[i].conflict = p[i - 1].conflict = true;
	for (size_t i = 0; i < ask->n; i++) {
		char name[IF_NAMESIZE];
		struct out_value row[N_PAIR] = {
			[HOST] = out_addr(&p[i].addr),
			[MAC] = out_mac(&p[i].mac),
			[VENDOR] = out_text(vendor_of_mac(&p[i].mac)),
			[INTERFACE] = out_text(if_indextoname(p[i].ifindex, name)),
			[CONFLICT] = out_styled(out_bool(p[i].conflict),
						p[i].conflict ? OUT_BAD : OUT_PLAIN),
		};

		if (p[i].rtt_ns >= 0)
			row[RTT] = out_ns(p[i].rtt_ns);
		out_record(ask->probing.cmd->out, &pair_type, row);
	}
}

/* How an operand that must be a neighbour is reached; says so when it is not one. */
static int find_path(struct command *cmd, const struct addr *addr, struct host_path *ret_path)
{
	unsigned ifindex = cmd->common.iface ? if_nametoindex(cmd->common.iface) : 0;
	struct netlink *nl = NULL;
	int err;

	if (cmd->common.iface && !ifindex)
		return command_fails(cmd, EXIT_USAGE, "no interface \"%s\"; see: sonde ifaces",
				     cmd->common.iface);
	err = netlink_new(&nl);
	if (!err)
		err = host_route_get(nl, addr, ifindex, ret_path);
	netlink_free(nl);
	if (err)
		return command_fails(cmd, EXIT_CANNOT, "cannot reach \"%s\": %s", cmd->operands[0],
				     err_text(err));
	if (ret_path->type != RTN_LOCAL &&
	    (ret_path->type != RTN_UNICAST || ret_path->gateway.family))
		return command_fails(cmd, EXIT_USAGE,
				     "\"%s\" is not on a link of this machine: ARP does not reach "
				     "beyond routers",
				     cmd->operands[0]);
	return 0;
}

/* Whether the operand is our own address: then nobody else is asked. */
static int ask_one(struct ask *ask, struct probe_config *config, bool *ret_self)
{
	struct command *cmd = ask->probing.cmd;
	struct host_path path = { 0 };
	int status = probing_addr(cmd, cmd->operands[0], AF_INET, &ask->addr);

	if (!status)
		status = find_path(cmd, &ask->addr, &path);
	if (status)
		return status;
	*ret_self = path.type == RTN_LOCAL;
	if (*ret_self)
		return 0;
	config->list = &ask->addr;
	config->n_list = 1;
	status = probe(ask, config);
	if (!status && ask->failed)
		status = command_fails(cmd, EXIT_CANNOT, "cannot ask for \"%s\": %s",
				       cmd->operands[0], err_text(ask->error));
	if (!status && !ask->account.sent)
		status = command_fails(cmd, EXIT_USAGE, "\"%s\" is not on an Ethernet",
				       cmd->operands[0]);
	return status;
}

static int run_resolve(struct command *cmd, void *opaque UNUSED)
{
	struct ask ask = { .probing.cmd = cmd };
	struct probe_config config = { .timeout_ns = PROBING_TIMEOUT_NS,
				       .retries = RETRIES_DEFAULT,
				       .spacing_ns = SPACING_NS };
	bool self;
	int status = ask_one(&ask, &config, &self);

	if (!status && self) {
		out_line(cmd->out, "%s is an address of this machine; see: sonde ifaces",
			 cmd->operands[0]);
	} else if (!status) {
		show_pairs(&ask);
		status = ask.n ? EXIT_YES : EXIT_NO;
		if (!ask.n)
			command_notes(cmd, "%s does not answer", cmd->operands[0]);
	}
	ask_done(&ask);
	return status;
}

static void show_check(struct ask *ask, bool self)
{
	const struct pair *p = ask->n ? ask->pairs : NULL;
	struct command *cmd = ask->probing.cmd;
	char name[IF_NAMESIZE];
	struct out_value row[N_CHECK] = {
		[C_HOST] = out_addr(&ask->addr),
		[C_IN_USE] = out_bool(self || p),
		[C_BY_SELF] = out_bool(self),
	};

	if (p) {
		row[C_MAC] = out_mac(&p->mac);
		row[C_VENDOR] = out_text(vendor_of_mac(&p->mac));
		row[C_INTERFACE] = out_text(if_indextoname(p->ifindex, name));
	}
	out_record(cmd->out, &check_type, row);
	if (self)
		out_line(cmd->out, "%s is in use by this machine; see: sonde ifaces",
			 cmd->operands[0]);
	else
		out_line(cmd->out, p ? "%s is in use" : "nobody uses %s", cmd->operands[0]);
}

static int run_check(struct command *cmd, void *opaque UNUSED)
{
	struct ask ask = { .probing.cmd = cmd, .stop_at_first = true };
	struct probe_config config = { .timeout_ns = CHECK_TIMEOUT_NS,
				       .retries = CHECK_PROBES - 1,
				       .no_source = true };
	bool self;
	int status = ask_one(&ask, &config, &self);

	if (!status) {
		show_check(&ask, self);
		status = self || ask.n ? EXIT_YES : EXIT_NO;
	}
	ask_done(&ask);
	return status;
}

static void show_account(struct ask *ask)
{
	struct command *cmd = ask->probing.cmd;
	const struct probe_account *a = &ask->account;
	struct out_value row[N_ACCOUNT] = { [A_CONFLICTS] = out_uint(ask->n_conflicts) };

	probing_values(a, CARRIER, row + A_PROBES);
	if (cmd->common.json)
		out_record(cmd->out, &account_type, row);
	out_line(cmd->out, "%lu of %lu addresses answered, %zu conflicts", a->answered + a->late,
		 a->total - a->skipped, ask->n_conflicts);
	probing_account(cmd, a, CARRIER, ask->error);
}

static int run_sweep(struct command *cmd, void *opaque UNUSED)
{
	struct ask ask = { .probing.cmd = cmd };
	struct probe_config config = { .timeout_ns = PROBING_TIMEOUT_NS,
				       .retries = RETRIES_DEFAULT,
				       .spacing_ns = SPACING_NS };
	struct targets *targets;
	int status = probing_targets(cmd, 0, &targets);

	if (status)
		return status;
	config.targets = targets;
	status = probe(&ask, &config);
	if (!status && !ask.account.sent && !ask.failed && !ask.probing.stopping)
		status = command_fails(
			cmd, EXIT_USAGE,
			"none of these addresses is an IPv4 neighbour of this machine");
	if (!status) {
		show_pairs(&ask);
		show_account(&ask);
		status = ask.n ? EXIT_YES : EXIT_NO;
	}
	ask_done(&ask);
	targets_free(targets);
	return status;
}

static const struct out_type *const pair_records[] = { &pair_type, NULL };
static const struct out_type *const check_records[] = { &check_type, NULL };
static const struct out_type *const sweep_records[] = { &pair_type, &account_type, NULL };

const struct verb verb_arp_resolve = {
	.name = "resolve",
	.operands = "ADDRESS",
	.summary = "the MAC address that answers for an IPv4 address",
	.about = "Exit status: 0 when somebody answers, 1 when nobody does.",
	.common = COMMON_OUTPUT | COMMON_IFACE | COMMON_TIMEOUT | COMMON_RETRIES,
	.min_operands = 1,
	.max_operands = 1,
	.completes = COMPLETE_HOST,
	.records = pair_records,
	.run = run_resolve,
};

const struct verb verb_arp_sweep = {
	.name = "sweep",
	.operands = "TARGETS",
	.summary = "who on the links has which MAC address, and who shares one",
	.about =
		"Asks every target once and, when it is silent, again (--retries, 1 if not given). "
		"Addresses that are not on a link of this machine are left out. An address for "
		"which two MAC addresses answer is shown with both, as a conflict.\n\n"
		"Exit status: 0 when somebody answers, 1 when nobody does.",
	.common = COMMON_OUTPUT | COMMON_IFACE | COMMON_EXCLUDE | COMMON_TIMEOUT | COMMON_RATE |
		  COMMON_RETRIES,
	.min_operands = 1,
	.completes = COMPLETE_HOST,
	.records = sweep_records,
	.run = run_sweep,
};

const struct verb verb_arp_check = {
	.name = "check",
	.operands = "ADDRESS",
	.summary = "does somebody use this IPv4 address?",
	.about =
		"Asks as RFC 5227 wants it before an address is taken: three requests with the "
		"sender address 0.0.0.0, which change nobody's tables, two seconds apart unless -W "
		"says otherwise.\n\n"
		"Exit status: 0 when it is in use, 1 when nobody answers.",
	.common = COMMON_OUTPUT | COMMON_IFACE | COMMON_TIMEOUT | COMMON_RETRIES,
	.min_operands = 1,
	.max_operands = 1,
	.completes = COMPLETE_HOST,
	.records = check_records,
	.run = run_check,
};
