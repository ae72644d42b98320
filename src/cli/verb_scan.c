/* sonde scan: which ports are open, and how sure that is. */
#include <stdlib.h>

#include "cli/scan.h"
#include "cli/probing.h"
#include "cli/verbs.h"

#define DAY_NS (86400 * NS_PER_S)

static const struct scan_options defaults = { .seed = SCAN_ANY_SEED };

#define AT(member) offsetof(struct scan_options, member)

static const struct verb_option options[] = {
	{ 's', NULL, "LETTERS",
	  "how to ask: S (TCP SYN, the default where it is permitted), T (TCP connections, the "
	  "default where not), U (UDP), n (hosts only, no ports); together as in -sSU",
	  OPTION_TEXTS, AT(kinds) },
	{ 'p', "ports", "PORTS",
	  "these ports: 22,80,8000-8100, names, - for all; T: and U: before those of TCP or UDP "
	  "alone: T:22,80,U:53",
	  OPTION_TEXT, AT(ports) },
	{ 0, "top", "N", "the N ports most often open; 1000 if neither is given", OPTION_UINT,
	  AT(top), 1, 65535 },
	{ 0, "Pn", NULL, "ask the ports of silent hosts, too", OPTION_FLAG, AT(no_discovery),
	  .one_dash = true },
	{ 0, "open", NULL, "show open ports only", OPTION_FLAG, AT(open_only) },
	{ 0, "banner", NULL, "connect to open TCP ports and tell what speaks there", OPTION_FLAG,
	  AT(banner) },
	{ 0, "shard", "I/N", "only part I of N; all parts with the same --seed make the whole",
	  OPTION_TEXT, AT(shard) },
	{ 0, "seed", "N", "of the order in which targets and ports are asked", OPTION_UINT,
	  AT(seed) },
	{ 0, "max-time", "DURATION", "break off after this time", OPTION_SECONDS, AT(max_time_ns),
	  NS_PER_MS, 365 * DAY_NS },
	{ 0, "resume", "FILE", "go on from FILE, if it exists; Ctrl-C and --max-time write it",
	  OPTION_TEXT, AT(resume), .completes = COMPLETE_FILE },
	{ 0, "xdp", NULL,
	  "send SYN probes by AF_XDP rings where the kernel has them: more a second", OPTION_FLAG,
	  AT(xdp) },
	{ 0, "dry-run", NULL, "send nothing, show what would be sent", OPTION_FLAG, AT(dry_run) },
	{ 0, "oX", "FILE", "also write nmap's XML; - for standard output, in place of the rest",
	  OPTION_TEXT, AT(xml), .completes = COMPLETE_FILE, .one_dash = true },
	{ 0, "oG", "FILE", "also write nmap's grepable form; - likewise", OPTION_TEXT,
	  AT(greppable), .completes = COMPLETE_FILE, .one_dash = true },
};

/* Options that cannot go together. */
static int check(struct command *cmd, const struct scan_options *o)
{
	const char *const forms[] = { o->xml, o->greppable };
	const char *output = cmd->common.output;
	unsigned n_standard = 0;

	if (output && (!strcmp(output, "N") || !strcmp(output, "A")))
		return command_fails(cmd, EXIT_USAGE,
				     "-o%s is nmap's: here -o FILE writes the table, -oX and -oG "
				     "nmap's other forms. A file of that name: -o ./%s",
				     output, output);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		n_standard += forms[i] && !strcmp(forms[i], "-");
	if (n_standard > 1)
		return command_fails(cmd, EXIT_USAGE, "-oX - and -oG - both want standard output");
	if (n_standard && (cmd->common.json || cmd->common.csv) && !cmd->common.output)
		return command_fails(cmd, EXIT_USAGE,
				     "-oX - and -oG - want standard output; give the other form a "
				     "file: -o FILE");
	if (!cmd->n_operands && !o->resume)
		return command_fails(cmd, EXIT_USAGE, "expected TARGETS; see: %s --help",
				     cmd->path);
	return 0;
}

/* The plan as typed, or as the file of --resume says, which must then be the same. */
static int take_plan(struct command *cmd, const struct scan_options *o, struct scan_plan *plan,
		     bool *tcp_chosen, struct scan_saved *saved)
{
	int status = 0;

	if (o->resume)
		status = scan_resume_read(cmd, o->resume, saved);
	if (!status && !cmd->n_operands && !saved->begun)
		return command_fails(cmd, EXIT_USAGE, "there is no %s to go on from: give TARGETS",
				     o->resume);
	if (status || !cmd->n_operands)
		return status;
	status = scan_plan_of(cmd, o, plan, tcp_chosen);
	if (!status && o->resume && !plan->n_lanes)
		status = command_fails(cmd, EXIT_USAGE,
				       "--resume is for scans of ports, not for -sn");
	if (!status)
		status = probing_targets(cmd, 0, &plan->targets);
	if (!status && saved->begun)
		status = scan_resume_check(cmd, o->resume, saved, plan, *tcp_chosen,
					   o->seed != SCAN_ANY_SEED);
	return status;
}

static int run(struct command *cmd, void *opaque)
{
	const struct scan_options *o = opaque;
	struct scan_plan typed = { 0 }, *plan = &typed;
	struct scan_saved saved = { 0 };
	bool tcp_chosen = false;
	int status = check(cmd, o);

	if (!status)
		status = take_plan(cmd, o, &typed, &tcp_chosen, &saved);
	if (!status && saved.begun) {
		plan = &saved.plan;
		tcp_chosen = true;
	}
	cmd->common.for_ns = o->max_time_ns;
	if (!status && !o->dry_run && o->resume)
		status = scan_resume_try(cmd, o->resume);
	if (!status && o->dry_run && !plan->n_lanes)
		status = command_fails(cmd, EXIT_USAGE, "--dry-run shows ports; -sn asks none");
	else if (!status && o->dry_run)
		status = scan_dry_run(cmd, plan, &saved);
	else if (!status)
		status = scan_run(cmd, o, plan, tcp_chosen, &saved);
	scan_plan_done(&typed);
	scan_saved_done(&saved);
	return status;
}

static const struct out_type *const records[] = { &scan_port_type, &scan_host_type,
						  &scan_account_type, &scan_probe_type, NULL };

static const struct example examples[] = {
	{ "sonde scan 10.0.2.0/24",
	  "the 1,000 ports most often open, of every host that is there" },
	{ "sonde scan -p- --banner 10.0.2.7", "all ports of one host, and what speaks there" },
	{ "sonde scan -sSU -p T:1-1000,U:53,161 10.0.0.0/24",
	  "by TCP and by UDP, each its own ports" },
	{ "sonde scan --resume night.scan --rate 200 -p- 10.0.0.0/16",
	  "slowly; after Ctrl-C, the same command goes on where it was" },
	{ "sonde scan -oX - 10.0.2.0/24 > scan.xml", "for a program that reads nmap's results" },
};

const struct verb verb_scan = {
	.name = "scan",
	.operands = "TARGETS",
	.summary = "which ports are open: by SYN, connections or UDP, and how sure that is",
	.about =
		"Asks ports of hosts, in a random order that spreads over all of them. A TCP port is open "
		"(it accepts), closed (it refuses) or filtered (silent, or somebody forbids it); a silent "
		"UDP port may be open or filtered. Every state comes with its reason.\n\n"
		"Hosts on a link of this machine are looked for by ARP or neighbour solicitation first, "
		"others by ICMP and a few of the ports when more than 8 ports are to be asked. Of those "
		"that stay silent no ports are asked, unless -Pn is given; the closing lines tell how "
		"many. The kernel answers a SYN+ACK that it does not expect with a RST, so no "
		"half-open connection stays behind; to more than the 1,024 neighbours that its table "
		"holds it may send none, which hides no open port.\n\n"
		"A silent port is asked --retries times more (2 if not given), and when losses were seen "
		"once again at the end, or more often behind a line that turned out to be narrow. -W is how "
		"long an answer is waited for (1 second). At most --rate packets a second leave, 1,000 if "
		"not given. The closing lines tell what was sent, what came late or twice, what this "
		"machine lost, and the estimated share that was found.\n\n"
		"--resume goes on with what was neither answered nor given up; when it was broken off while "
		"hosts were looked for, those not found yet are looked for again.\n\n"
		"Ports of a host that are in the same state and more than 25 are counted, not listed; -v "
		"lists them all.\n\n"
		"Exit status: 0 when a port (with -sn a host) was found, 1 when none was.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.options_size = sizeof(struct scan_options),
	.defaults = &defaults,
	.common = COMMON_OUTPUT | COMMON_IFACE | COMMON_FAMILY | COMMON_NAMES | COMMON_EXCLUDE |
		  COMMON_TIMEOUT | COMMON_RATE | COMMON_RETRIES,
	.completes = COMPLETE_HOST,
	.records = records,
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.run = run,
};
