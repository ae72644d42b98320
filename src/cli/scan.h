/* sonde scan: what its files share beyond plan, results and report. */
#ifndef SONDE_CLI_SCAN_H
#define SONDE_CLI_SCAN_H

#include "cli/scan_report.h"
#include "cli/scan_resume.h"

/* More ports than this at an address: its host is looked for first. */
#define SCAN_PORTS_UNASKED 8

#define SCAN_RETRIES_DEFAULT 2

/* Runs the scan, shows what it found. Return: an exit status. */
int scan_run(struct command *cmd, const struct scan_options *options, struct scan_plan *plan,
	     bool tcp_chosen, struct scan_saved *saved);

/* Writes a record for each probe that the plan would send. Return: an exit status. */
int scan_dry_run(struct command *cmd, const struct scan_plan *plan, const struct scan_saved *saved);

/* The engine's part of the plan; @saved may be of no scan (all zero). */
struct probe_config scan_config(const struct command *cmd, const struct scan_plan *plan,
				const struct scan_saved *saved);

extern const struct out_type scan_probe_type;

#endif
