/* The table of verbs. A new one is a file verb_NAME.c and a row here. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/verbs.h"

/* One a line: */
/* clang-format off */
static const struct verb *const verbs[] = {
	&verb_arp, &verb_capture, &verb_craft, &verb_explain, &verb_help, &verb_hosts, &verb_ifaces,
	&verb_lab, &verb_monitor, &verb_ping, &verb_scan, &verb_trace, NULL,
};
/* clang-format on */

struct sonde_options {
	bool version;
};

static const struct verb_option options[] = {
	{ 0, "version", NULL, "the version of this program", OPTION_FLAG,
	  offsetof(struct sonde_options, version) },
};

static int run(struct command *cmd, void *opaque)
{
	const struct sonde_options *o = opaque;

	if (o->version) {
		printf("sonde %s\n", SONDE_VERSION);
		return EXIT_YES;
	}
	help_print(cmd->verb, cmd->path);
	return EXIT_USAGE;
}

const struct verb sonde_verb = {
	.name = "sonde",
	.summary = "see, probe and watch IP networks",
	.about = "One command for IP networks: this machine's interfaces, who is on a network and "
		 "who went silent, what packets mean, virtual networks to try things in, and a "
		 "monitor with a page.\n\n"
		 "Targets mean the same everywhere: 10.0.2.7, 10.0.2.2-4, 10.0.0-3.1-254, "
		 "10.0.0.0/16, 2001:db8::/120, 2001:db8::1-ff, names, @file, - for standard input; "
		 "several separated by blanks or commas.\n\n"
		 "Exit status: 0 yes or done; 1 no (unreachable, nothing found); 2 wrong usage; "
		 "3 could not (privilege, device, file).",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.options_size = sizeof(struct sonde_options),
	.subverbs = verbs,
	.run = run,
};

int main(int argc, char **argv)
{
	return command_run(argc, argv);
}
