#include "cli/scan_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/probing.h"
#include "io/clock.h"
#include "wire/vendor.h"

#define LINE_WIDTH 80
#define MAC_WIDTH  (2 + 17 + 3)

enum { HOST, PORT, PROTOCOL, STATE, SERVICE, REASON, TTL, RTT, TRIES, BANNER, N_PORT };

static const struct out_column port_columns[] = {
	[HOST] = { "host", OUT_ADDR, .extra = true, .about = "the address asked" },
	[PORT] = { "port", OUT_UINT, .about = "the port" },
	[PROTOCOL] = { "protocol", OUT_TEXT, "PROTO", .about = "tcp or udp" },
	[STATE] = { "state", OUT_TEXT,
		    .about = "open, closed, filtered, open|filtered or unreachable" },
	[SERVICE] = { "service", OUT_TEXT,
		      .about =
			      "what usually listens on that port; with --banner, what speaks there "
			      "if that is known" },
	[REASON] = { "reason", OUT_TEXT, .about = "why the state is that" },
	[TTL] = { "ttl", OUT_UINT, .extra = true, .about = "time to live of the answer" },
	[RTT] = { "rtt_ms", OUT_MS, .extra = true, .about = "from the probe to its answer" },
	[TRIES] = { "tries", OUT_UINT, .extra = true,
		    .about = "which try was answered, or how many were not" },
	[BANNER] = { "banner", OUT_TEXT, .rare = true,
		     .about = "what speaks there, with --banner" },
};

const struct out_type scan_port_type = { "port", port_columns, N_PORT };

enum {
	H_HOST,
	H_STATE,
	H_EVIDENCE,
	H_RTT,
	H_MAC,
	H_VENDOR,
	H_NAME,
	H_OPEN,
	H_CLOSED,
	H_FILTERED,
	H_OPEN_FILTERED,
	H_UNREACHABLE,
	H_SILENT,
	N_HOST,
};

static const struct out_column host_columns[] = {
	[H_HOST] = { "host", OUT_ADDR, .about = "the address" },
	[H_STATE] = { "state", OUT_TEXT, .about = "up, or silent" },
	[H_EVIDENCE] = { "evidence", OUT_TEXT, .repeated = true,
			 .about = "how it was heard: self (this machine), arp, ns (IPv6 neighbour "
				  "solicitation), icmp, tcp, udp" },
	[H_RTT] = { "rtt_ms", OUT_MS, .about = "round-trip time" },
	[H_MAC] = { "mac", OUT_MAC, .about = "link-layer address, on a link of this machine" },
	[H_VENDOR] = { "vendor", OUT_TEXT, .about = "to whom the MAC address is registered" },
	[H_NAME] = { "name", OUT_TEXT, .about = "name of the address" },
	[H_OPEN] = { "open", OUT_UINT, .rare = true, .about = "open ports" },
	[H_CLOSED] = { "closed", OUT_UINT, .rare = true, .about = "closed ports" },
	[H_FILTERED] = { "filtered", OUT_UINT, .rare = true,
			 .about = "filtered ports, silent ones included" },
	[H_OPEN_FILTERED] = { "open_filtered", OUT_UINT, .rare = true,
			      .about = "UDP ports that are open or filtered: silent ones" },
	[H_UNREACHABLE] = { "unreachable", OUT_UINT, .rare = true,
			    .about = "ports that cannot be reached" },
	[H_SILENT] = { "silent", OUT_UINT, .rare = true,
		       .about = "ports without an answer; of a scan that is not complete, also "
				"those not asked, which no state counts then" },
};

const struct out_type scan_host_type = { "host", host_columns, N_HOST };

enum {
	TIME,
	SECONDS,
	ASKED,
	UP,
	LEFT_OUT,
	OPEN,
	COMPLETE,
	PROBES,
	N_ACCOUNT = PROBES + PROBING_N_COLUMNS
};

static const struct out_column account_columns[] = {
	[TIME] = { "time", OUT_TIME, .about = "end of the scan" },
	[SECONDS] = { "seconds", OUT_SECONDS, .about = "how long it took" },
	[ASKED] = { "asked", OUT_UINT, .about = "addresses given, without those excluded" },
	[UP] = { "up", OUT_UINT, .about = "hosts that answered anything" },
	[LEFT_OUT] = { "left_out", OUT_UINT,
		       .about =
			       "hosts that were silent first, so that their ports were not asked" },
	[OPEN] = { "open", OUT_UINT, .about = "open ports" },
	[COMPLETE] = { "complete", OUT_BOOL,
		       .about = "every port of every target was asked to the end: neither broken "
				"off nor one shard of several" },
	PROBING_COLUMNS(PROBES),
};

const struct out_type scan_account_type = { "scan", account_columns, N_ACCOUNT };

/* Counting */

/* What the ports said counts as evidence, too. */
static void join(struct scan_report *report, struct scan_host *host)
{
	const struct mac none = { 0 };
	int64_t rtt_ns = -1;

	for (uint32_t i = 0; i < host->n_details; i++)
		if (host->details[i].rtt_ns >= 0 &&
		    (rtt_ns < 0 || host->details[i].rtt_ns < rtt_ns))
			rtt_ns = host->details[i].rtt_ns;
	for (unsigned lane = 0; lane < report->plan->n_lanes; lane++) {
		const uint32_t *counts = host->counts[lane];
		bool tcp = report->plan->lanes[lane].module != &probe_udp;

		if (counts[PORT_OPEN] || counts[PORT_CLOSED])
			(void)found_heard(report->found, &host->addr,
					  tcp ? EVIDENCE_TCP : EVIDENCE_UDP, &none, rtt_ns);
	}
}

void scan_report_count(struct scan_report *report)
{
	report->n_up = 0;
	report->n_open = scan_results_n_open(report->results);
	for (size_t i = 0; i < scan_results_n(report->results); i++) {
		struct scan_host *host = scan_results_at(report->results, i);
		const struct found_host *found;

		join(report, host);
		found = found_get(report->found, &host->addr);
		host->alive |= found && found->evidence;
		report->n_up += host->alive;
	}
}

/* One host */

bool scan_report_row(const struct scan_report *report, const struct scan_row *row)
{
	return !report->options->open_only || row->state == PORT_OPEN ||
	       (row->state == PORT_OPEN_FILTERED && row->answer);
}

bool scan_report_host(const struct scan_report *report, const struct scan_host *host,
		      struct scan_view *view)
{
	if (!host->alive && !host->listed)
		return false;
	if (scan_results_view(report->results, host, report->complete, !report->cmd->common.verbose,
			      view) < 0)
		return false;
	return !report->options->open_only || view->counts[PORT_OPEN];
}

static void record_row(const struct scan_report *report, const struct scan_host *host,
		       const struct scan_row *row)
{
	static const enum out_style styles[PORT_N_STATES] = {
		[PORT_OPEN] = OUT_GOOD,	      [PORT_CLOSED] = OUT_DIM,
		[PORT_FILTERED] = OUT_WARN,   [PORT_OPEN_FILTERED] = OUT_WARN,
		[PORT_UNREACHABLE] = OUT_BAD,
	};
	struct out_value values[N_PORT] = {
		[HOST] = out_addr(&host->addr),
		[PORT] = out_uint(row->port),
		[PROTOCOL] = out_text(scan_protocol(report->plan, row->lane)),
		[STATE] = out_styled(out_text(port_state_name(row->state)), styles[row->state]),
		[SERVICE] = out_text(scan_service(report, row)),
	};
	char memory[200];
	struct buf reason = buf_in(memory, sizeof(memory));

	if (row->answer || row->state != PORT_OPEN) {
		scan_results_reason(report->results, host, row->lane, row->answer, report->n_tries,
				    &reason);
		values[REASON] = out_text_n(reason.data, reason.len);
	}
	if (row->answer && row->answer->event.ttl >= 0)
		values[TTL] = out_uint((uint64_t)row->answer->event.ttl);
	if (!row->answer && row->state != PORT_OPEN)
		values[TRIES] = out_uint(report->n_tries);
	values[BANNER] = out_text(scan_banner(row));
	if (row->detail) {
		values[TRIES] = out_uint(row->detail->try + 1);
		if (row->detail->rtt_ns >= 0)
			values[RTT] = out_ns(row->detail->rtt_ns);
	}
	out_record(report->cmd->out, &scan_port_type, values);
}

static void record_host(const struct scan_report *report, const struct scan_host *host,
			const struct scan_view *view)
{
	const struct found_host *found = found_get(report->found, &host->addr);
	struct out_value evidence[N_EVIDENCE], values[N_HOST] = {
		[H_HOST] = out_addr(&host->addr),
		[H_STATE] = out_text(host->alive ? "up" : "silent"),
	};
	size_t n = found ? found_evidence(found, evidence) : 0;

	if (report->plan->n_lanes) {
		values[H_OPEN] = out_uint(view->counts[PORT_OPEN]);
		values[H_CLOSED] = out_uint(view->counts[PORT_CLOSED]);
		values[H_FILTERED] = out_uint(view->counts[PORT_FILTERED]);
		values[H_OPEN_FILTERED] = out_uint(view->counts[PORT_OPEN_FILTERED]);
		values[H_UNREACHABLE] = out_uint(view->counts[PORT_UNREACHABLE]);
		values[H_SILENT] = out_uint(view->n_silent);
	}

	if (n)
		values[H_EVIDENCE] = out_list(evidence, n);
	if (found) {
		values[H_NAME] = out_text(found->name);
		values[H_MAC] = out_mac(&found->mac);
		if (!mac_is_zero(&found->mac))
			values[H_VENDOR] = out_text(vendor_of_mac(&found->mac));
		if (found->rtt_ns >= 0)
			values[H_RTT] = out_ns(found->rtt_ns);
	}
	out_record(report->cmd->out, &scan_host_type, values);
}

/* For people */

static void head_host(const struct scan_report *report, const struct scan_host *host)
{
	const struct found_host *found = found_get(report->found, &host->addr);
	struct out_value evidence[N_EVIDENCE];
	struct buf b = buf_of(1024);
	size_t n = found ? found_evidence(found, evidence) : 0;

	buf_addr(&b, &host->addr);
	if (found && found->name) {
		buf_lit(&b, " (");
		buf_safe(&b, found->name, strlen(found->name));
		buf_char(&b, ')');
	}
	buf_str(&b, host->alive ? ": up" : ": silent");
	for (size_t i = 0; i < n; i++) {
		buf_str(&b, i ? ", " : " by ");
		buf_str(&b, evidence[i].text);
	}
	if (found && found->rtt_ns >= 0) {
		buf_lit(&b, ", ");
		buf_fixed(&b, found->rtt_ns / 1000, 3);
		buf_lit(&b, " ms");
	}
	if (found && !mac_is_zero(&found->mac)) {
		const char *vendor = vendor_of_mac(&found->mac);

		/* In a line of its own where both would be too long. */
		buf_str(&b, b.len + MAC_WIDTH + (vendor ? strlen(vendor) : 0) > LINE_WIDTH ? "\n  "
											   : ", ");
		buf_mac(&b, found->mac.bytes);
		if (vendor)
			buf_printf(&b, " (%s)", vendor);
	}
	out_heading(report->cmd->out, "%s", buf_cstr(&b));
	buf_done(&b);
}

static void put_fold(struct buf *b, const struct scan_report *report, const struct scan_host *host,
		     const struct scan_view *view, size_t i)
{
	const struct scan_fold *fold = &view->folds[i];

	if (i)
		buf_lit(b, ", ");
	buf_u64(b, fold->n);
	if (i == SCAN_MAX_FOLDS) {
		buf_lit(b, " others");
		return;
	}
	buf_char(b, ' ');
	if (report->plan->n_lanes > 1)
		buf_printf(b, "%s ", scan_protocol(report->plan, fold->lane));
	buf_printf(b, "%s (", port_state_name(fold->state));
	scan_results_reason(report->results, host, fold->lane, fold->answer, report->n_tries, b);
	buf_char(b, ')');
}

static void show_folds(const struct scan_report *report, const struct scan_host *host,
		       const struct scan_view *view, bool rows)
{
	struct buf b = buf_of(4096);

	for (size_t i = 0; i < view->n_folds; i++)
		put_fold(&b, report, host, view, i);
	if (!report->complete && view->n_silent)
		buf_printf(&b, "%s%u without an answer so far, or not asked", b.len ? ", " : "",
			   view->n_silent);
	if (b.len)
		out_line(report->cmd->out, "%s: %s", rows ? "not shown" : "ports", buf_cstr(&b));
	buf_done(&b);
}

static void show_host(const struct scan_report *report, const struct scan_host *host,
		      const struct scan_view *view)
{
	const struct common *common = &report->cmd->common;
	bool people = !common->json && !common->csv && !common->fields && report->plan->n_lanes;
	bool rows = false;

	if (people)
		head_host(report, host);
	for (size_t i = 0; i < view->n_rows; i++) {
		if (!scan_report_row(report, &view->rows[i]))
			continue;
		record_row(report, host, &view->rows[i]);
		rows = true;
	}
	if (!people)
		record_host(report, host, view);
	else if (!report->options->open_only)
		show_folds(report, host, view, rows);
}

static void record_account(const struct scan_report *report)
{
	struct out_value row[N_ACCOUNT] = {
		[TIME] = out_ns(clock_wall_ns()),
		[SECONDS] = out_ns((int64_t)report->took_ns),
		[ASKED] = out_uint(report->n_asked),
		[UP] = out_uint(report->n_up),
		[LEFT_OUT] = out_uint(report->n_left_out),
		[OPEN] = out_uint(report->n_open),
		[COMPLETE] = out_bool(report->complete),
	};

	probing_values(&report->account, report->carriers, row + PROBES);
	out_record(report->cmd->out, &scan_account_type, row);
}

static void show_account(const struct scan_report *report)
{
	struct command *cmd = report->cmd;
	char open[40] = "";

	if (report->plan->n_lanes)
		snprintf(open, sizeof(open), ", %lu port%s open", report->n_open,
			 report->n_open == 1 ? "" : "s");
	out_heading(cmd->out, "%lu address%s, %lu up%s; %s %.2f s", report->n_asked,
		    report->n_asked == 1 ? "" : "es", report->n_up, open,
		    report->interrupted ? "broken off after" : "took",
		    (double)report->took_ns / 1e9);
	if (report->n_left_out && report->plan->n_lanes)
		out_line(cmd->out, "%lu silent, their ports not asked: -Pn asks them too",
			 report->n_left_out);
	probing_account(cmd, &report->account, report->carriers, report->error);
	if (cmd->common.json || cmd->common.fields)
		record_account(report);
}

void scan_report_show(struct scan_report *report)
{
	struct scan_view view = { 0 };

	for (size_t i = 0; i < scan_results_n(report->results); i++) {
		const struct scan_host *host = scan_results_at(report->results, i);

		if (scan_report_host(report, host, &view))
			show_host(report, host, &view);
	}
	free(view.rows);
	show_account(report);
}

const char *scan_service(const struct scan_report *report, const struct scan_row *row)
{
	if (row->detail && row->detail->banner && row->detail->banner->service[0])
		return row->detail->banner->service;
	return services_name(report->services, row->port, scan_protocol(report->plan, row->lane));
}

const char *scan_banner(const struct scan_row *row)
{
	const struct scan_banner *banner = row->detail ? row->detail->banner : NULL;

	return banner && banner->text[0] ? banner->text : NULL;
}
