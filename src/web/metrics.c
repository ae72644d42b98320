/* Figures for Prometheus and its kin, as OpenMetrics 1.0 text. */
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "web/private.h"

static void family(struct buf *b, const char *name, const char *type, const char *unit,
		   const char *help)
{
	buf_lit(b, "# TYPE ");
	buf_str(b, name);
	buf_char(b, ' ');
	buf_str(b, type);
	if (unit) {
		buf_lit(b, "\n# UNIT ");
		buf_str(b, name);
		buf_char(b, ' ');
		buf_str(b, unit);
	}
	buf_lit(b, "\n# HELP ");
	buf_str(b, name);
	buf_char(b, ' ');
	buf_str(b, help);
	buf_char(b, '\n');
}

/* A label's value: escaped as the format asks, control characters and what is not UTF-8 as U+FFFD.
 */
static void label_text(struct buf *b, const char *text, size_t len)
{
	while (len) {
		size_t n = utf8_char_len(text, len);

		if (*text == '"' || *text == '\\') {
			buf_char(b, '\\');
			buf_char(b, *text);
		} else if (!n || (unsigned char)*text < ' ' || *text == 0x7f) {
			buf_lit(b, "\xef\xbf\xbd");
			n = 1;
		} else {
			buf_bytes(b, text, n);
		}
		text += n;
		len -= n;
	}
}

static void host_sample(struct buf *b, const char *name, const struct monitor_host *host)
{
	char text[64];
	struct buf t = buf_in(text, sizeof(text));

	buf_addr(&t, &host->host->addrs[0]);
	buf_str(b, name);
	buf_lit(b, "{host=\"");
	label_text(b, text, t.len);
	if (host->network) {
		buf_lit(b, "\",network=\"");
		label_text(b, host->network, strlen(host->network));
	}
	buf_lit(b, "\"} ");
}

static void write_hosts(struct buf *b, const struct monitor_host *hosts, size_t n)
{
	family(b, "sonde_host_up", "gauge", NULL, "1 while the host is active or degraded.");
	for (size_t i = 0; i < n; i++) {
		enum presence_state state = hosts[i].host->state;

		host_sample(b, "sonde_host_up", &hosts[i]);
		buf_str(b, state == PRESENCE_ACTIVE || state == PRESENCE_DEGRADED ? "1\n" : "0\n");
	}
	family(b, "sonde_host_rtt_seconds", "gauge", "seconds",
	       "Median round-trip time of the last burst that was answered.");
	for (size_t i = 0; i < n; i++) {
		if (hosts[i].host->rtt_ns < 0)
			continue;
		host_sample(b, "sonde_host_rtt_seconds", &hosts[i]);
		buf_fixed(b, hosts[i].host->rtt_ns, 9);
		buf_char(b, '\n');
	}
	family(b, "sonde_host_loss_ratio", "gauge", "ratio",
	       "Echo requests lost over the last minute.");
	for (size_t i = 0; i < n; i++) {
		if (!(hosts[i].host->loss >= 0))
			continue;
		host_sample(b, "sonde_host_loss_ratio", &hosts[i]);
		buf_f64(b, hosts[i].host->loss);
		buf_char(b, '\n');
	}
}

static void counter(struct buf *b, const char *name, uint64_t v, const char *help)
{
	family(b, name, "counter", NULL, help);
	buf_str(b, name);
	buf_lit(b, "_total ");
	buf_u64(b, v);
	buf_char(b, '\n');
}

static void write_totals(struct buf *b, const struct monitor_summary *s)
{
	family(b, "sonde_hosts", "gauge", NULL, "Hosts by state.");
	for (int i = 0; i < PRESENCE_N_STATES; i++) {
		buf_lit(b, "sonde_hosts{state=\"");
		buf_str(b, presence_state_text((enum presence_state)i));
		buf_lit(b, "\"} ");
		buf_u64(b, s->counts[i]);
		buf_char(b, '\n');
	}
	family(b, "sonde_events", "counter", NULL, "Events since the start, by kind.");
	for (int i = 0; i < PRESENCE_N_KINDS; i++) {
		buf_lit(b, "sonde_events_total{kind=\"");
		buf_str(b, presence_kind_text((enum presence_kind)i));
		buf_lit(b, "\"} ");
		buf_u64(b, s->events[i]);
		buf_char(b, '\n');
	}
	counter(b, "sonde_probes_sent", s->probes_sent, "Probes sent since the start.");
	counter(b, "sonde_probes_answered", s->probes_answered, "Probes that were answered.");
	counter(b, "sonde_rounds", s->rounds, "Rounds of probes that ended.");
	family(b, "sonde_self_up", "gauge", NULL, "0 while the monitor's own link is down.");
	buf_str(b, s->self_up ? "sonde_self_up 1\n" : "sonde_self_up 0\n");
	family(b, "sonde_build", "info", NULL, "The program.");
	buf_lit(b, "sonde_build_info{version=\"" SONDE_VERSION "\"} 1\n");
}

static uint64_t resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t n_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n > 3 ? n - 3 : 0; /* ".", ".." and the one that reads */
}

static void write_process(struct buf *b, const struct monitor_summary *s)
{
	struct rusage usage = { 0 };

	getrusage(RUSAGE_SELF, &usage);
	family(b, "process_cpu_seconds", "counter", "seconds", "User and system CPU time.");
	buf_lit(b, "process_cpu_seconds_total ");
	buf_fixed(b,
		  (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
			  usage.ru_utime.tv_usec + usage.ru_stime.tv_usec,
		  6);
	buf_char(b, '\n');
	family(b, "process_resident_memory_bytes", "gauge", "bytes", "Memory in use.");
	buf_lit(b, "process_resident_memory_bytes ");
	buf_u64(b, resident_bytes());
	buf_char(b, '\n');
	family(b, "process_open_fds", "gauge", NULL, "Open descriptors.");
	buf_lit(b, "process_open_fds ");
	buf_u64(b, n_open_fds());
	buf_char(b, '\n');
	family(b, "process_start_time_seconds", "gauge", "seconds", "When it started, since 1970.");
	buf_lit(b, "process_start_time_seconds ");
	buf_fixed(b, s->started_ms, 3);
	buf_char(b, '\n');
}

unsigned api_metrics(struct request *r)
{
	const struct monitor_host *hosts;
	struct monitor_summary summary;
	size_t n;

	r->out.max = WEB_MAX_METRICS;
	r->type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
	monitor_summary(r->server->monitor, &summary);
	n = monitor_hosts(r->server->monitor, &hosts);
	write_totals(&r->out, &summary);
	write_process(&r->out, &summary);
	write_hosts(&r->out, hosts, n);
	buf_lit(&r->out, "# EOF\n");
	return 200;
}
