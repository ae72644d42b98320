/* sonde ping: echo requests to one or many hosts, each answer and, at the end, what they amount to.
 */
#include <math.h>
#include <stdlib.h>

#include "base/histogram.h"
#include "cli/probing.h"
#include "cli/verbs.h"
#include "io/clock.h"
#include "probe/reason.h"

#define HOSTS_MAX	65536
#define COUNT_FOR_MANY	5
#define PAYLOAD_DEFAULT 56
#define PAYLOAD_MAX	65507 /* what an IPv4 packet holds */

struct ping_options {
	uint64_t interval_ns, size, ttl;
	const char *iface;
};

static const struct ping_options defaults = { .interval_ns = NS_PER_S, .size = PAYLOAD_DEFAULT };

static const struct verb_option options[] = {
	{ 'i', "interval", "SECONDS", "between two requests to the same host; 1 if not given",
	  OPTION_SECONDS, offsetof(struct ping_options, interval_ns), NS_PER_MS, 3600 * NS_PER_S },
	{ 's', "size", "BYTES", "bytes behind the ICMP header; 56 if not given", OPTION_UINT,
	  offsetof(struct ping_options, size), 0, PAYLOAD_MAX },
	{ 0, "ttl", "N", "how many routers may pass a request on", OPTION_UINT,
	  offsetof(struct ping_options, ttl), 1, 255 },
	{ 'I', "interface", "IFACE", "use this network interface", OPTION_TEXT,
	  offsetof(struct ping_options, iface), .completes = COMPLETE_IFACE },
};

/* Records */

enum { R_TIME, R_HOST, R_SEQUENCE, R_RESULT, R_RTT, R_TTL, R_BYTES, R_FROM, R_REASON, N_REPLY };

static const struct out_column reply_columns[] = {
	[R_TIME] = { "time", OUT_TIME, .about = "when it was known", .extra = true },
	[R_HOST] = { "host", OUT_ADDR, .about = "the host asked" },
	[R_SEQUENCE] = { "seq", OUT_UINT, .about = "number of the request, from 1", .width = 4 },
	[R_RESULT] = { "result", OUT_TEXT, .width = 9,
		       .about = "reply, late (after the time-out), duplicate, lost, error (said by "
				"ICMP) or unsent" },
	[R_RTT] = { "rtt_ms", OUT_MS, .about = "round-trip time", .width = 10 },
	[R_TTL] = { "ttl", OUT_UINT, .about = "TTL or hop limit of the answer", .width = 3 },
	[R_BYTES] = { "bytes", OUT_UINT, .about = "payload of the answer", .width = 5 },
	[R_FROM] = { "from", OUT_ADDR, .about = "who answered, when it was not the host",
		     .width = 13 },
	[R_REASON] = { "reason", OUT_TEXT, .about = "what an error says" },
};

static const struct out_type reply_type = { "reply", reply_columns, N_REPLY, .live = true };

enum {
	S_HOST,
	S_SENT,
	S_RECEIVED,
	S_LOSS,
	S_MIN,
	S_AVG,
	S_MAX,
	S_MDEV,
	S_P50,
	S_P90,
	S_P99,
	S_JITTER,
	S_LATE,
	S_DUPLICATES,
	S_ERRORS,
	N_SUMMARY,
};

static const struct out_column summary_columns[] = {
	[S_HOST] = { "host", OUT_ADDR, .about = "the host asked" },
	[S_SENT] = { "sent", OUT_UINT, .about = "requests whose fate is known" },
	[S_RECEIVED] = { "received", OUT_UINT, .title = "RECV",
			 .about = "requests answered, late ones included" },
	[S_LOSS] = { "loss_percent", OUT_REAL, .title = "LOSS %",
		     .about = "share of the requests that were not answered" },
	[S_MIN] = { "min_ms", OUT_MS, .about = "shortest round-trip time" },
	[S_AVG] = { "avg_ms", OUT_MS, .about = "mean round-trip time" },
	[S_MAX] = { "max_ms", OUT_MS, .about = "longest round-trip time" },
	[S_MDEV] = { "mdev_ms", OUT_MS, .minor = 1,
		     .about = "standard deviation of the round-trip time" },
	[S_P50] = { "p50_ms", OUT_MS, .minor = 4,
		    .about = "half of the answers were as fast as this" },
	[S_P90] = { "p90_ms", OUT_MS, .minor = 5,
		    .about = "90 % of the answers were as fast as this" },
	[S_P99] = { "p99_ms", OUT_MS, .minor = 3,
		    .about = "99 % of the answers were as fast as this" },
	[S_JITTER] = { "jitter_ms", OUT_MS, .minor = 2,
		       .about = "mean difference between the times of neighbouring answers" },
	[S_LATE] = { "late", OUT_UINT, .minor = 7,
		     .about = "of those received, after the time-out" },
	[S_DUPLICATES] = { "duplicates", OUT_UINT, .title = "DUP", .minor = 6,
			   .about = "answers beyond the first to a request" },
	[S_ERRORS] = { "errors", OUT_UINT, .about = "ICMP errors instead of an answer" },
};

static const struct out_type summary_type = { "summary", summary_columns, N_SUMMARY };

/* The work */

struct ping_host {
	struct addr addr;
	uint64_t sent, received, late, duplicates, errors;
	struct histogram *times; /* NULL: no answer yet */
	int64_t last_rtt_ns;
	double jitter_sum;
};

struct ping {
	struct probing probing; /* first: the callbacks get its address */
	struct probe_run *run;
	struct addr *addrs;
	struct ping_host *hosts;
	size_t n_hosts;
	bool out_of_memory;
};

static void measure(struct ping *ping, struct ping_host *host, int64_t rtt_ns)
{
	if (!host->times) {
		host->times = malloc(sizeof(*host->times));
		if (!host->times) {
			ping->out_of_memory = true;
			return;
		}
		histogram_init(host->times);
	} else {
		host->jitter_sum += fabs((double)(rtt_ns - host->last_rtt_ns));
	}
	histogram_add(host->times, (uint64_t)rtt_ns);
	host->last_rtt_ns = rtt_ns;
}

/* Counts an event and says what it is called. */
static const char *count(struct ping *ping, struct ping_host *host, const struct probe_event *event)
{
	bool reply = event->kind == PROBE_REPLY;

	switch (event->outcome) {
	case PROBE_ANSWERED:
		host->sent++;
		host->received += reply;
		host->errors += !reply;
		break;
	case PROBE_SILENT:
		host->sent++;
		return "lost";
	case PROBE_FAILED:
		host->sent++;
		return "unsent";
	case PROBE_LATE:
		host->received += reply;
		host->late += reply;
		host->errors += !reply;
		break;
	case PROBE_DUPLICATE:
		host->duplicates++;
		return "duplicate";
	}
	if (!reply)
		return "error";
	if (event->rtt_ns >= 0)
		measure(ping, host, event->rtt_ns);
	return event->outcome == PROBE_LATE ? "late" : "reply";
}

static void on_event(void *ctx, const struct probe_event *event)
{
	struct ping *ping = ctx;
	struct out_value row[N_REPLY] = { 0 };
	enum out_style style = OUT_BAD;
	const char *result;

	if (event->target_index >= ping->n_hosts) /* so late that it is forgotten whose it was */
		return;
	result = count(ping, &ping->hosts[event->target_index], event);
	if (event->kind == PROBE_REPLY && event->outcome == PROBE_ANSWERED)
		style = OUT_PLAIN;
	else if (event->outcome == PROBE_LATE || event->outcome == PROBE_DUPLICATE)
		style = OUT_WARN;
	if (event->outcome == PROBE_SILENT || event->outcome == PROBE_FAILED)
		style = OUT_BAD;
	row[R_TIME] = out_ns(clock_wall_ns());
	row[R_HOST] = out_addr(&event->target);
	row[R_SEQUENCE] = out_uint((uint64_t)event->try + 1);
	row[R_RESULT] = out_styled(out_text(result), style);
	if (event->rtt_ns >= 0)
		row[R_RTT] = out_ns(event->rtt_ns);
	if (event->ttl >= 0)
		row[R_TTL] = out_uint((uint64_t)event->ttl);
	if (event->responder.family && event->kind == PROBE_REPLY)
		row[R_BYTES] = out_uint(event->size);
	if (event->responder.family && !addr_eq(&event->responder, &event->target))
		row[R_FROM] = out_addr(&event->responder);
	row[R_REASON] = out_text(probe_reason(event));
	if (!ping->probing.cmd->common.quiet)
		out_record(ping->probing.cmd->out, &reply_type, row);
	if (out_flush(ping->probing.cmd->out) < 0)
		probing_stop(&ping->probing);
}

static void on_done(void *ctx, const struct probe_account *account UNUSED)
{
	struct ping *ping = ctx;

	ping->run = NULL;
	probing_stop(&ping->probing);
}

static void on_interrupt(struct probing *p)
{
	struct ping *ping = container_of(p, struct ping, probing);

	if (ping->run)
		probe_run_stop(ping->run, true);
}

static void summarise(struct command *cmd, const struct ping_host *h)
{
	struct out_value row[N_SUMMARY] = {
		[S_HOST] = out_addr(&h->addr),
		[S_SENT] = out_uint(h->sent),
		[S_RECEIVED] = out_uint(h->received),
		[S_LATE] = out_uint(h->late),
		[S_DUPLICATES] = out_uint(h->duplicates),
		[S_ERRORS] = out_uint(h->errors),
	};
	double loss = h->sent ? 100.0 * (1.0 - (double)h->received / (double)h->sent) : 0;
	const struct histogram *t = h->times;

	if (h->sent)
		row[S_LOSS] = out_styled(out_real(MAX(round(loss * 10) / 10, 0.0)),
					 loss > 0 ? OUT_BAD : OUT_PLAIN);
	if (t) {
		row[S_MIN] = out_ns((int64_t)t->min);
		row[S_AVG] = out_ns((int64_t)histogram_mean(t));
		row[S_MAX] = out_ns((int64_t)t->max);
		row[S_MDEV] = out_ns((int64_t)histogram_deviation(t));
		row[S_P50] = out_ns((int64_t)histogram_percentile(t, 50));
		row[S_P90] = out_ns((int64_t)histogram_percentile(t, 90));
		row[S_P99] = out_ns((int64_t)histogram_percentile(t, 99));
		if (t->count > 1)
			row[S_JITTER] = out_ns((int64_t)(h->jitter_sum / (double)(t->count - 1)));
	}
	out_record(cmd->out, &summary_type, row);
}

static int refuse_multicast(struct command *cmd, const struct addr *addr)
{
	char text[64];
	struct buf b = buf_in(text, sizeof(text));

	buf_addr(&b, addr);
	return command_fails(cmd, EXIT_USAGE,
			     "%s is a multicast address: many would answer; give a host's own",
			     buf_cstr(&b));
}

static int take_targets(struct ping *ping, struct command *cmd)
{
	struct targets *targets;
	int status = probing_targets(cmd, 0, &targets);
	size_t n;

	if (status)
		return status;
	if (targets_count(targets) > HOSTS_MAX) {
		targets_free(targets);
		return command_fails(cmd, EXIT_USAGE,
				     "at most %d hosts at a time; to see who is there: sonde hosts",
				     HOSTS_MAX);
	}
	n = (size_t)targets_count(targets);
	ping->addrs = calloc(n, sizeof(*ping->addrs));
	ping->hosts = calloc(n, sizeof(*ping->hosts));
	if (!ping->addrs || !ping->hosts) {
		targets_free(targets);
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	}
	for (size_t i = 0; !status && i < n; i++) {
		ping->addrs[i] = ping->hosts[i].addr = targets_get(targets, i);
		if (addr_is_multicast(&ping->addrs[i]))
			status = refuse_multicast(cmd, &ping->addrs[i]);
	}
	ping->n_hosts = n;
	targets_free(targets);
	return status;
}

static int probe(struct ping *ping, struct command *cmd, const struct ping_options *o)
{
	static const struct probe_lane lane = { .module = &probe_icmp, .each = true };
	const struct common *c = &cmd->common;
	struct probe_config config = {
		.list = ping->addrs,
		.n_list = ping->n_hosts,
		.lanes = &lane,
		.n_lanes = 1,
		.timeout_ns = c->given & COMMON_TIMEOUT ? c->timeout_ns : PROBING_TIMEOUT_NS,
		.interval_ns = o->interval_ns,
		.count = (uint32_t)MIN(c->count, (uint64_t)UINT32_MAX),
		.rate = probing_rate(cmd),
		.payload_len = (uint16_t)o->size,
	};
	struct probe_run_callbacks callbacks = { on_event, on_done, ping };
	int status;

	/* One host: until somebody ends it. */
	if (!(c->given & COMMON_COUNT) && ping->n_hosts > 1)
		config.count = COUNT_FOR_MANY;
	status = probing_begin(&ping->probing, cmd, o->iface, (int)o->ttl);
	if (status)
		return status;
	ping->probing.interrupted = on_interrupt;
	status = probing_run(&ping->probing, &config, &callbacks, &ping->run);
	if (!status)
		probing_loop(&ping->probing);
	probing_end(&ping->probing);
	return status;
}

static int run(struct command *cmd, void *opaque)
{
	struct ping ping = { 0 };
	int status = take_targets(&ping, cmd);

	if (!status)
		status = probe(&ping, cmd, opaque);
	for (size_t i = 0; !status && i < ping.n_hosts; i++)
		summarise(cmd, &ping.hosts[i]);
	if (!status && ping.out_of_memory)
		command_notes(cmd, "memory ran out: some times are missing");
	for (size_t i = 0; i < ping.n_hosts; i++) {
		if (!status && !ping.hosts[i].received)
			status = EXIT_NO;
		free(ping.hosts[i].times);
	}
	free(ping.hosts);
	free(ping.addrs);
	return status;
}

static const struct out_type *const records[] = { &reply_type, &summary_type, NULL };

static const struct example examples[] = {
	{ "sonde ping 10.0.0.1", "until Ctrl-C, then the summary" },
	{ "sonde ping -c 3 10.0.0.1 10.0.0.20-29", "three requests to each of eleven hosts" },
	{ "sonde ping -q -c 100 -i 0.05 gateway", "loss, percentiles and jitter only" },
	{ "sonde ping --ttl 2 -c 1 198.51.100.7", "which router is the second on the way?" },
};

const struct verb verb_ping = {
	.name = "ping",
	.operands = "TARGETS",
	.summary = "echo requests to one or many hosts, with loss, times and jitter",
	.about =
		"Sends ICMP echo requests, to all targets at the same time, and shows each answer; at "
		"the end what they amount to for each host. One target is asked until Ctrl-C, several "
		"five times, unless -c says otherwise. A name stands for all of its addresses; -4 and "
		"-6 choose.\n\n"
		"An answer after the time-out (-W, 1 second if not given) is shown as late and counts "
		"as received. ICMP errors are shown with who sent them.\n\n"
		"Exit status: 0 when every host answered at least once, 1 when one of them did not.\n\n"
		"Without privileges it works where net.ipv4.ping_group_range has your group.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.options_size = sizeof(struct ping_options),
	.defaults = &defaults,
	.common = COMMON_OUTPUT | COMMON_FAMILY | COMMON_EXCLUDE | COMMON_COUNT | COMMON_TIMEOUT |
		  COMMON_RATE | COMMON_FOR,
	.min_operands = 1,
	.completes = COMPLETE_HOST,
	.records = records,
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.run = run,
};
