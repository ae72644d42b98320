/*
 * What a scan found, in the forms that programs know from nmap: its XML, as
 * /usr/share/nmap/nmap.dtd of version 7.93 declares it, and its grepable lines. States that nmap
 * does not have become the nearest ones that it has; reasons are in its words.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/scan_report.h"
#include "wire/vendor.h"

#define TEXT_MAX  (1u << 30)
#define CHUNK	  65536
#define ARGS_MAX  65536
#define DATE_SIZE 40

struct writer {
	const struct scan_report *report;
	int fd, err;
	struct buf b;
};

static void flush_writer(struct writer *w)
{
	if (!w->err)
		w->err = command_write(w->fd, &w->b);
	buf_reset(&w->b);
}

static int cannot_write(struct command *cmd, const char *path, int err)
{
	return command_fails(cmd, EXIT_CANNOT, "cannot write %s: %s",
			     strcmp(path, "-") ? path : "standard output", err_text(err));
}

int scan_report_try(struct command *cmd, const char *path)
{
	struct stat st;
	int fd;

	if (!path || !strcmp(path, "-"))
		return 0;
	/* Whoever reads from a pipe would take its being closed for the end. */
	if (!stat(path, &st) && S_ISFIFO(st.st_mode))
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return cannot_write(cmd, path, errno);
	close(fd);
	return 0;
}

static int open_writer(struct writer *w, const struct scan_report *report, const char *path)
{
	*w = (struct writer){ .report = report, .fd = STDOUT_FILENO, .b = buf_of(TEXT_MAX) };
	if (strcmp(path, "-"))
		w->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (w->fd >= 0)
		return 0;
	return cannot_write(report->cmd, path, errno);
}

static int close_writer(struct writer *w, const char *path)
{
	flush_writer(w);
	if (w->fd != STDOUT_FILENO && close(w->fd) < 0 && !w->err)
		w->err = -errno;
	buf_done(&w->b);
	if (!w->err || w->err == -EPIPE)
		return 0;
	return cannot_write(w->report->cmd, path, w->err);
}

static const char *date(int64_t ns, char text[static DATE_SIZE])
{
	time_t seconds = (time_t)(ns / (int64_t)NS_PER_S);
	struct tm tm;

	strftime(text, DATE_SIZE, "%a %b %e %H:%M:%S %Y", localtime_r(&seconds, &tm));
	return text;
}

/* How this was called, words separated by blanks. */
static void put_args(struct buf *b)
{
	char args[ARGS_MAX];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, args, sizeof(args));

	if (fd >= 0)
		close(fd);
	for (ssize_t i = 0; i < n - 1; i++)
		buf_char(b, args[i] ? args[i] : ' ');
}

/* Text from anywhere as the value of an attribute. */
static void put_xml(struct buf *b, const char *text, size_t len)
{
	struct buf safe = buf_of(4 * ARGS_MAX);

	buf_safe(&safe, text, len);
	for (size_t i = 0; i < safe.len; i++) {
		switch (safe.data[i]) {
		case '&':
			buf_lit(b, "&amp;");
			break;
		case '<':
			buf_lit(b, "&lt;");
			break;
		case '>':
			buf_lit(b, "&gt;");
			break;
		case '"':
			buf_lit(b, "&quot;");
			break;
		default:
			buf_char(b, safe.data[i]);
		}
	}
	buf_done(&safe);
}

static void put_attribute(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, " %s=\"", name);
	put_xml(b, text, strlen(text));
	buf_char(b, '"');
}

/* nmap's words */

static const char *state_word(enum port_state state)
{
	return port_state_name(state == PORT_UNREACHABLE ? PORT_FILTERED : state);
}

static const char *error_word(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "conn-refused";
	case ECONNRESET:
		return "reset";
	case ENETUNREACH:
		return "net-unreach";
	case EACCES:
	case EPERM:
		return "admin-prohibited";
	case ENOPROTOOPT:
		return "proto-unreach";
	}
	return "host-unreach";
}

static const char *icmp_word(const struct probe_event *e)
{
	static const char *const codes4[] = {
		[0] = "net-unreach",	   [1] = "host-unreach",   [2] = "proto-unreach",
		[3] = "port-unreach",	   [9] = "net-prohibited", [10] = "host-prohibited",
		[13] = "admin-prohibited",
	};
	static const char *const codes6[] = { "no-route",     "admin-prohibited",
					      "beyond-scope", "addr-unreach",
					      "port-unreach", "admin-prohibited",
					      "no-route" };
	const char *word = NULL;

	if (e->kind == PROBE_EXCEEDED)
		return "time-exceeded";
	if (e->target.family == AF_INET && e->icmp_code < ARRAY_LEN(codes4))
		word = codes4[e->icmp_code];
	if (e->target.family == AF_INET6 && e->icmp_code < ARRAY_LEN(codes6))
		word = codes6[e->icmp_code];
	return word ? word : "dest-unreach";
}

static const char *reason_word(const struct scan_plan *plan, unsigned lane,
			       const struct scan_answer *answer, enum port_state state)
{
	const struct probe_module *module = plan->lanes[lane].module;

	if (!answer)
		return state == PORT_OPEN ? "syn-ack" : "no-response";
	if (answer->event.outcome == PROBE_FAILED)
		return error_word(-answer->event.error);
	if (answer->event.kind != PROBE_REPLY)
		return answer->event.error ? error_word(answer->event.error)
					   : icmp_word(&answer->event);
	if (module == &probe_udp)
		return "udp-response";
	if (state == PORT_OPEN)
		return "syn-ack";
	return module == &probe_syn ? "reset" : error_word(answer->event.error);
}

static const char *up_word(const struct scan_host *host, const struct found_host *found)
{
	static const struct {
		enum evidence evidence;
		const char *word;
	} words[] = { { EVIDENCE_SELF, "localhost-response" },
		      { EVIDENCE_ARP, "arp-response" },
		      { EVIDENCE_NS, "nd-response" },
		      { EVIDENCE_ICMP, "echo-reply" },
		      { EVIDENCE_UDP, "udp-response" } };

	for (size_t i = 0; found && i < ARRAY_LEN(words); i++)
		if (found->evidence & 1u << words[i].evidence)
			return words[i].word;
	if (!host->alive)
		return "user-set";
	for (unsigned lane = 0; lane < SCAN_MAX_LANES; lane++)
		if (host->counts[lane][PORT_OPEN])
			return "syn-ack";
	return "reset";
}

/* XML */

static void put_head(struct writer *w)
{
	const struct scan_report *r = w->report;
	struct buf *b = &w->b, args = buf_of(ARGS_MAX);
	char started[DATE_SIZE];

	buf_lit(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE nmaprun>\n");
	buf_lit(b, "<nmaprun scanner=\"nmap\"");
	put_args(&args);
	put_attribute(b, "args", buf_cstr(&args));
	buf_printf(b,
		   " start=\"%ld\" startstr=\"%s\" version=\"sonde %s\" "
		   "xmloutputversion=\"1.05\">\n",
		   (long)(r->started_ns / (int64_t)NS_PER_S), date(r->started_ns, started),
		   SONDE_VERSION);
	for (size_t i = 0; i < r->plan->n_lanes; i++) {
		const struct probe_lane *lane = &r->plan->lanes[i];

		buf_printf(b,
			   "<scaninfo type=\"%s\" protocol=\"%s\" numservices=\"%u\" services=\"",
			   lane->module == &probe_syn	? "syn"
			   : lane->module == &probe_tcp ? "connect"
							: "udp",
			   scan_protocol(r->plan, (unsigned)i), lane->n_ports);
		scan_write_ports(b, r->plan->ports[i], lane->n_ports);
		buf_lit(b, "\"/>\n");
	}
	buf_printf(b, "<verbose level=\"%u\"/>\n<debugging level=\"0\"/>\n",
		   r->cmd->common.verbose);
	buf_done(&args);
}

/* The ports that are counted together. */
static void put_fold_ports(struct buf *b, const struct scan_report *r, const struct scan_host *host,
			   const struct scan_fold *fold)
{
	uint16_t *ports = calloc(fold->n, sizeof(*ports)), port;
	uint32_t n_units = scan_plan_n_units(r->plan), n = 0;

	for (uint32_t unit = 0; ports && host->answers && unit < n_units && n < fold->n; unit++)
		if (scan_plan_unit_lane(r->plan, unit, &port) == fold->lane &&
		    scan_results_answer(r->results, host->answers[unit]) == fold->answer)
			ports[n++] = port;
	if (n) {
		buf_lit(b, " ports=\"");
		scan_write_ports(b, ports, n);
		buf_char(b, '"');
	}
	free(ports);
}

static void put_extra_ports(struct writer *w, const struct scan_host *host,
			    const struct scan_view *view)
{
	struct buf *b = &w->b;

	for (unsigned state = 0; state < PORT_N_STATES; state++) {
		uint32_t n = 0;

		for (size_t i = 0; i < view->n_folds; i++)
			n += view->folds[i].state == state ? view->folds[i].n : 0;
		if (!n)
			continue;
		buf_printf(b, "<extraports state=\"%s\" count=\"%u\">\n", state_word(state), n);
		for (size_t i = 0; i < view->n_folds; i++) {
			const struct scan_fold *fold = &view->folds[i];

			if (fold->state != state)
				continue;
			buf_printf(b, "<extrareasons reason=\"%s\" count=\"%u\" proto=\"%s\"",
				   reason_word(w->report->plan, fold->lane, fold->answer, state),
				   fold->n, scan_protocol(w->report->plan, fold->lane));
			if (i < SCAN_MAX_FOLDS)
				put_fold_ports(b, w->report, host, fold);
			buf_lit(b, "/>\n");
		}
		buf_lit(b, "</extraports>\n");
	}
}

static void put_port(struct writer *w, const struct scan_row *row)
{
	const struct scan_report *r = w->report;
	const char *service = scan_service(r, row);
	const char *banner = scan_banner(row);
	struct buf *b = &w->b;

	buf_printf(b,
		   "<port protocol=\"%s\" portid=\"%u\"><state state=\"%s\" reason=\"%s\" "
		   "reason_ttl=\"%d\"",
		   scan_protocol(r->plan, row->lane), row->port, state_word(row->state),
		   reason_word(r->plan, row->lane, row->answer, row->state),
		   row->answer ? MAX(row->answer->event.ttl, 0) : 0);
	if (row->answer && addr_len(&row->answer->event.responder)) {
		buf_lit(b, " reason_ip=\"");
		buf_addr(b, &row->answer->event.responder);
		buf_char(b, '"');
	}
	buf_lit(b, "/>");
	if (service) {
		buf_lit(b, "<service");
		put_attribute(b, "name", service);
		buf_lit(b, " method=\"table\" conf=\"3\"/>");
	}
	if (banner) {
		buf_lit(b, "<script id=\"banner\"");
		put_attribute(b, "output", banner);
		buf_lit(b, "/>");
	}
	buf_lit(b, "</port>\n");
}

static void put_ports(struct writer *w, const struct scan_host *host, const struct scan_view *view)
{
	buf_lit(&w->b, "<ports>");
	put_extra_ports(w, host, view);
	for (size_t i = 0; i < view->n_rows; i++) {
		if (scan_report_row(w->report, &view->rows[i]))
			put_port(w, &view->rows[i]);
		if (w->b.len > CHUNK)
			flush_writer(w);
	}
	buf_lit(&w->b, "</ports>\n");
}

static void put_host(struct writer *w, const struct scan_host *host, const struct scan_view *view)
{
	const struct scan_report *r = w->report;
	const struct found_host *found = found_get(r->found, &host->addr);
	long start = (long)(r->started_ns / (int64_t)NS_PER_S);
	struct buf *b = &w->b;

	buf_printf(b,
		   "<host starttime=\"%ld\" endtime=\"%ld\"><status state=\"up\" reason=\"%s\" "
		   "reason_ttl=\"0\"/>\n<address addr=\"",
		   start, start + (long)(r->took_ns / NS_PER_S), up_word(host, found));
	buf_addr(b, &host->addr);
	buf_printf(b, "\" addrtype=\"ipv%d\"/>\n", host->addr.family == AF_INET ? 4 : 6);
	if (found && !mac_is_zero(&found->mac) && !(found->evidence & 1u << EVIDENCE_SELF)) {
		const char *vendor = vendor_of_mac(&found->mac);

		buf_lit(b, "<address addr=\"");
		for (size_t i = 0; i < sizeof(found->mac.bytes); i++)
			buf_printf(b, "%s%02X", i ? ":" : "", found->mac.bytes[i]);
		buf_lit(b, "\" addrtype=\"mac\"");
		if (vendor)
			put_attribute(b, "vendor", vendor);
		buf_lit(b, "/>\n");
	}
	buf_lit(b, "<hostnames>\n");
	if (found && found->name) {
		buf_lit(b, "<hostname");
		put_attribute(b, "name", found->name);
		buf_lit(b, " type=\"PTR\"/>\n");
	}
	buf_lit(b, "</hostnames>\n");
	if (r->plan->n_lanes)
		put_ports(w, host, view);
	if (found && found->rtt_ns >= 0)
		buf_printf(b, "<times srtt=\"%ld\" rttvar=\"0\" to=\"1000000\"/>\n",
			   (long)(found->rtt_ns / (int64_t)NS_PER_US));
	buf_lit(b, "</host>\n");
	flush_writer(w);
}

static void summarise(const struct scan_report *r, struct buf *b)
{
	buf_printf(b, "%lu IP address%s (%lu host%s up) scanned in %.2f seconds", r->n_asked,
		   r->n_asked == 1 ? "" : "es", r->n_up, r->n_up == 1 ? "" : "s",
		   (double)r->took_ns / 1e9);
}

static void put_end(struct writer *w)
{
	const struct scan_report *r = w->report;
	int64_t end_ns = r->started_ns + (int64_t)r->took_ns;
	struct buf *b = &w->b;
	char ended[DATE_SIZE];

	date(end_ns, ended);
	buf_printf(b,
		   "<runstats><finished time=\"%ld\" timestr=\"%s\" summary=\"Sonde done at %s; ",
		   (long)(end_ns / (int64_t)NS_PER_S), ended, ended);
	summarise(r, b);
	buf_printf(b,
		   "\" elapsed=\"%.2f\" exit=\"success\"/><hosts up=\"%lu\" down=\"%lu\" "
		   "total=\"%lu\"/>\n</runstats>\n</nmaprun>\n",
		   (double)r->took_ns / 1e9, r->n_up, r->n_asked - MIN(r->n_asked, r->n_up),
		   r->n_asked);
}

/* Calls @put for each host that is shown. */
static void put_hosts(struct writer *w, void (*put)(struct writer *w, const struct scan_host *host,
						    const struct scan_view *view))
{
	struct scan_view view = { 0 };

	for (size_t i = 0; i < scan_results_n(w->report->results); i++) {
		const struct scan_host *host = scan_results_at(w->report->results, i);

		if (scan_report_host(w->report, host, &view))
			put(w, host, &view);
	}
	free(view.rows);
}

int scan_report_xml(const struct scan_report *report, const char *path)
{
	struct writer w;
	int status = open_writer(&w, report, path);

	if (status)
		return status;
	put_head(&w);
	put_hosts(&w, put_host);
	put_end(&w);
	return close_writer(&w, path);
}

/* Grepable */

/* Fields end with a slash, lists of them with a comma. */
static void put_field(struct buf *b, const char *text)
{
	size_t at = b->len;

	buf_safe(b, text, strlen(text));
	for (; !b->err && at < b->len; at++)
		if (strchr("/,\t", b->data[at]))
			b->data[at] = '|';
}

static void put_name(struct writer *w, const struct scan_host *host)
{
	const struct found_host *found = found_get(w->report->found, &host->addr);

	buf_lit(&w->b, "Host: ");
	buf_addr(&w->b, &host->addr);
	buf_lit(&w->b, " (");
	if (found && found->name)
		put_field(&w->b, found->name);
	buf_lit(&w->b, ")\t");
}

/* The state that most ports have which are not listed. */
static void put_ignored(struct buf *b, const struct scan_view *view)
{
	uint32_t counts[PORT_N_STATES] = { 0 };
	unsigned most = 0;

	for (size_t i = 0; i < view->n_folds; i++)
		counts[view->folds[i].state] += view->folds[i].n;
	for (unsigned state = 0; state < PORT_N_STATES; state++)
		most = counts[state] > counts[most] ? state : most;
	if (counts[most])
		buf_printf(b, "\tIgnored State: %s (%u)", state_word(most), counts[most]);
}

static void put_line(struct writer *w, const struct scan_host *host, const struct scan_view *view)
{
	const struct scan_plan *plan = w->report->plan;
	struct buf *b = &w->b;
	size_t n = 0;

	put_name(w, host);
	buf_lit(b, "Status: Up\n");
	if (plan->n_lanes) {
		put_name(w, host);
		buf_lit(b, "Ports: ");
	}
	for (size_t i = 0; i < view->n_rows; i++) {
		const struct scan_row *row = &view->rows[i];
		const char *service = scan_service(w->report, row);

		if (!scan_report_row(w->report, row))
			continue;
		buf_printf(b, "%s%u/%s/%s//", n++ ? ", " : "", row->port, state_word(row->state),
			   scan_protocol(plan, row->lane));
		if (service)
			put_field(b, service);
		buf_lit(b, "//");
		if (scan_banner(row))
			put_field(b, scan_banner(row));
		buf_char(b, '/');
	}
	if (plan->n_lanes) {
		put_ignored(b, view);
		buf_char(b, '\n');
	}
	flush_writer(w);
}

int scan_report_greppable(const struct scan_report *report, const char *path)
{
	struct buf args = buf_of(ARGS_MAX);
	char started[DATE_SIZE], ended[DATE_SIZE];
	struct writer w;
	int status = open_writer(&w, report, path);

	if (status)
		return status;
	put_args(&args);
	buf_printf(&w.b, "# Sonde %s scan initiated %s as: ", SONDE_VERSION,
		   date(report->started_ns, started));
	buf_safe(&w.b, args.data, args.len);
	buf_char(&w.b, '\n');
	put_hosts(&w, put_line);
	buf_printf(&w.b, "# Sonde done at %s -- ",
		   date(report->started_ns + (int64_t)report->took_ns, ended));
	summarise(report, &w.b);
	buf_char(&w.b, '\n');
	buf_done(&args);
	return close_writer(&w, path);
}
