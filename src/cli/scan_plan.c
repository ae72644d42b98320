#include "cli/scan_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "base/random.h"

#define TOP_DEFAULT 1000
#define SHARDS_MAX  (1u << 20)

/* The letters of -s, as a set. */
struct kinds {
	bool syn, connect, udp, hosts;
};

static int take_kinds(struct command *cmd, const struct texts *typed, struct kinds *ret_kinds)
{
	struct kinds k = { 0 };

	for (size_t i = 0; i < typed->n; i++) {
		const char *text = typed->items[i];

		for (size_t at = 0; text[at]; at++) {
			struct fault fault;
			bool *kind = text[at] == 'S'   ? &k.syn
				     : text[at] == 'T' ? &k.connect
				     : text[at] == 'U' ? &k.udp
				     : text[at] == 'n' ? &k.hosts
						       : NULL;

			if (!kind) {
				fault_set(&fault, at,
					  "-s takes S (TCP SYN), T (TCP connections), U (UDP) or n "
					  "(hosts only)%s",
					  text[at] == 'V' ? "; what speaks there: --banner" : "");
				return command_fault(cmd, text, &fault);
			}
			*kind = true;
		}
	}
	if (k.syn && k.connect)
		return command_fails(cmd, EXIT_USAGE,
				     "-sS and -sT both ask the same TCP ports; choose one");
	if (k.hosts && (k.syn || k.connect || k.udp))
		return command_fails(cmd, EXIT_USAGE, "-sn asks no ports; leave out the others");
	*ret_kinds = k;
	return 0;
}

static int take_shard(struct command *cmd, const char *text, struct scan_plan *plan)
{
	unsigned long long shard, n;
	int end = 0;

	plan->n_shards = 1;
	if (!text)
		return 0;
	if (text[strspn(text, "0123456789/")] ||
	    sscanf(text, "%20llu/%20llu%n", &shard, &n, &end) != 2 || text[end] || !n ||
	    n > SHARDS_MAX || !shard || shard > n)
		return command_fails(cmd, EXIT_USAGE,
				     "--shard: \"%s\" is not like 1/4, the first of four parts (at "
				     "most %u)",
				     text, SHARDS_MAX);
	plan->shard = shard - 1;
	plan->n_shards = n;
	return 0;
}

/* What -p says of a protocol that is not asked: nobody shall believe that it was. */
static int check_letters(struct command *cmd, const char *text, const struct kinds *kinds)
{
	bool tcp = !kinds->udp || kinds->syn || kinds->connect;
	const char *at = !kinds->udp ? strstr(text, "U:") : tcp ? NULL : strstr(text, "T:");
	struct fault fault;

	if (!at)
		return 0;
	fault_set(&fault, (size_t)(at - text),
		  tcp ? "UDP ports are asked with -sU; add it"
		      : "TCP ports are asked with -sS or -sT; add one of them");
	return command_fault(cmd, text, &fault);
}

/* The ports of both protocols, as typed, or the most usual ones. */
static int take_ports(struct command *cmd, const struct scan_options *o, const struct kinds *kinds,
		      struct ports *ret_tcp, struct ports *ret_udp)
{
	struct fault fault = { 0 };
	unsigned n = (unsigned)(o->top ? o->top : TOP_DEFAULT);

	if (!o->ports) {
		ports_top(n, "tcp", ret_tcp);
		ports_top(n, "udp", ret_udp);
		return 0;
	}
	if (ports_parse_both(o->ports, ret_tcp, ret_udp, &fault) < 0)
		return command_fault(cmd, o->ports, &fault);
	return check_letters(cmd, o->ports, kinds);
}

static int add_lane(struct command *cmd, const struct probe_module *module,
		    const struct ports *ports, struct scan_plan *plan)
{
	if (!ports->n)
		return command_fails(cmd, EXIT_USAGE, "-p names no %s ports; leave out %s",
				     module == &probe_udp ? "UDP" : "TCP",
				     module == &probe_udp ? "-sU" : "-sS and -sT, give -sU");
	if (scan_plan_add(plan, module, ports) < 0)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	return 0;
}

static int add_lanes(struct command *cmd, const struct scan_options *o, const struct kinds *kinds,
		     struct scan_plan *plan)
{
	struct ports tcp, udp;
	int status = take_ports(cmd, o, kinds, &tcp, &udp);

	if (!status && (kinds->syn || kinds->connect || !kinds->udp))
		status = add_lane(cmd, kinds->syn ? &probe_syn : &probe_tcp, &tcp, plan);
	if (!status && kinds->udp)
		status = add_lane(cmd, &probe_udp, &udp, plan);
	return status;
}

int scan_plan_of(struct command *cmd, const struct scan_options *o, struct scan_plan *ret_plan,
		 bool *ret_tcp_chosen)
{
	struct scan_plan plan = { .seed = o->seed };
	struct kinds kinds = { 0 };
	int status = take_kinds(cmd, &o->kinds, &kinds);

	if (!status && o->ports && o->top)
		status = command_fails(cmd, EXIT_USAGE, "-p and --top both say which ports");
	if (!status && kinds.hosts && (o->ports || o->top))
		status =
			command_fails(cmd, EXIT_USAGE, "-sn asks no ports; leave out -p and --top");
	if (!status)
		status = take_shard(cmd, o->shard, &plan);
	if (!status && !kinds.hosts)
		status = add_lanes(cmd, o, &kinds, &plan);
	if (status) {
		scan_plan_done(&plan);
		return status;
	}
	if (o->seed == SCAN_ANY_SEED)
		random_secret(&plan.seed, sizeof(plan.seed));
	*ret_plan = plan;
	*ret_tcp_chosen = kinds.syn || kinds.connect;
	return 0;
}

void scan_plan_done(struct scan_plan *plan)
{
	targets_free(plan->targets);
	for (size_t i = 0; i < plan->n_lanes; i++)
		free(plan->ports[i]);
	*plan = (struct scan_plan){ 0 };
}

int scan_plan_add(struct scan_plan *plan, const struct probe_module *module,
		  const struct ports *ports)
{
	uint16_t *list = calloc(ports->n, sizeof(*list));
	uint32_t n = 0;

	if (!list)
		return -ENOMEM;
	for (uint16_t port = 0; (port = ports_next(ports, port));)
		list[n++] = port;
	plan->ports[plan->n_lanes] = list;
	plan->lanes[plan->n_lanes++] =
		(struct probe_lane){ .module = module, .ports = list, .n_ports = n };
	return 0;
}

uint32_t scan_plan_n_units(const struct scan_plan *plan)
{
	uint32_t n = 0;

	for (size_t i = 0; i < plan->n_lanes; i++)
		n += plan->lanes[i].n_ports;
	return n;
}

int64_t scan_plan_unit(const struct scan_plan *plan, unsigned lane, uint16_t port)
{
	const uint16_t *ports = plan->ports[lane];
	uint32_t low = 0, high = plan->lanes[lane].n_ports, before = 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ports[middle] < port)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == plan->lanes[lane].n_ports || ports[low] != port)
		return -1;
	for (unsigned i = 0; i < lane; i++)
		before += plan->lanes[i].n_ports;
	return before + low;
}

unsigned scan_plan_unit_lane(const struct scan_plan *plan, uint32_t unit, uint16_t *ret_port)
{
	unsigned lane = 0;

	while (unit >= plan->lanes[lane].n_ports)
		unit -= plan->lanes[lane++].n_ports;
	*ret_port = plan->ports[lane][unit];
	return lane;
}

const char *scan_protocol(const struct scan_plan *plan, unsigned lane)
{
	return plan->lanes[lane].module == &probe_udp ? "udp" : "tcp";
}

void scan_write_ports(struct buf *b, const uint16_t *ports, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && ports[end] == ports[end - 1] + 1; end++)
			;
		if (i)
			buf_char(b, ',');
		buf_u64(b, ports[i]);
		if (end > i + 1)
			buf_printf(b, "-%u", ports[end - 1]);
	}
}
