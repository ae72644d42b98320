/* What a scan found, in every form that it leaves in. */
#ifndef SONDE_CLI_SCAN_REPORT_H
#define SONDE_CLI_SCAN_REPORT_H

#include "base/services.h"
#include "cli/found.h"
#include "cli/scan_results.h"

struct scan_report {
	struct command *cmd;
	const struct scan_options *options;
	const struct scan_plan *plan;
	struct scan_results *results; /* sorted */
	struct found *found;	      /* with names */
	struct services *services;
	struct probe_account account; /* of everything that was sent */
	const char *carriers;
	unsigned n_tries; /* of a silent port */
	bool complete;	  /* all ports of all targets were asked to the end */
	bool interrupted;
	bool before_ports;   /* and that while hosts were looked for */
	uint64_t n_asked;    /* addresses, before discovery */
	uint64_t n_left_out; /* of those: silent in discovery, so that their ports were not asked */
	int64_t started_ns;  /* wall clock */
	uint64_t took_ns;
	uint64_t n_up, n_open; /* scan_report_count() */
	int error;	       /* why a probe could not be sent */
};

/* Joins what was heard by ports with what discovery heard, and counts. */
void scan_report_count(struct scan_report *report);

/* Table, JSON or CSV, with the closing account. */
void scan_report_show(struct scan_report *report);

/* Is the host worth showing, as the options say? Takes its view. */
bool scan_report_host(const struct scan_report *report, const struct scan_host *host,
		      struct scan_view *view);

/* Whether a row is shown, as the options say. */
bool scan_report_row(const struct scan_report *report, const struct scan_row *row);

/* What speaks there, or usually listens on that port; NULL: not known. */
const char *scan_service(const struct scan_report *report, const struct scan_row *row);

/* What it says; NULL: nothing. */
const char *scan_banner(const struct scan_row *row);

/* Whether nmap's forms could be written to @path (NULL is fine), before a long scan: what is there
 * stays. Return: 0 or an exit status after a message. */
int scan_report_try(struct command *cmd, const char *path);

/* nmap's forms. Return: 0 or an exit status after a message. */
int scan_report_xml(const struct scan_report *report, const char *path);
int scan_report_greppable(const struct scan_report *report, const char *path);

extern const struct out_type scan_port_type, scan_host_type, scan_account_type;

#endif
