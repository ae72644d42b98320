#include "cli/trace_path.h"

#include <math.h>
#include <stdio.h>

#include "probe/reason.h"

enum {
	HOP,
	HOST,
	NAME,
	SENT,
	RECEIVED,
	LOSS,
	BEST,
	AVG,
	WORST,
	LAST,
	MTU,
	ALSO,
	MPLS,
	REASON,
	N_HOP,
};

static const struct out_column hop_columns[] = {
	[HOP] = { "hop", OUT_UINT, .about = "how many routers may pass the probe on, and one" },
	[HOST] = { "host", OUT_ADDR, .about = "who answered, most often if there are several" },
	[NAME] = { "name", OUT_TEXT, .minor = 1, .about = "its name" },
	[LOSS] = { "loss_percent", OUT_REAL, .title = "LOSS %",
		   .about = "share of the probes that were not answered" },
	[SENT] = { "sent", OUT_UINT, .about = "probes whose fate is known" },
	[RECEIVED] = { "received", OUT_UINT, .title = "RECV", .extra = true,
		       .about = "of them, answered" },
	[BEST] = { "best_ms", OUT_MS, .about = "shortest round-trip time" },
	[AVG] = { "avg_ms", OUT_MS, .about = "mean round-trip time" },
	[WORST] = { "worst_ms", OUT_MS, .about = "longest round-trip time" },
	[LAST] = { "last_ms", OUT_MS, .extra = true,
		   .about = "round-trip time of the last answer" },
	[MTU] = { "mtu", OUT_UINT,
		  .about = "bytes of the largest packet that comes as far as here, with --mtu" },
	[ALSO] = { "also", OUT_ADDR, .repeated = true, .minor = 2,
		   .about = "others who answered there" },
	[MPLS] = { "mpls", OUT_TEXT, .repeated = true, .rare = true,
		   .about = "MPLS labels that the probe had there, as the router says: label L, "
			    "class E, bottom of stack S, TTL T" },
	[REASON] = { "reason", OUT_TEXT, .about = "why the way ends here" },
};

const struct out_type trace_hop_type = { "hop", hop_columns, N_HOP };

enum { TARGET, METHOD, REACHED, HOPS, PATH_MTU, N_RESULT };

static const struct out_column result_columns[] = {
	[TARGET] = { "target", OUT_ADDR, .about = "where to" },
	[METHOD] = { "method", OUT_TEXT, .about = "icmp, udp or tcp" },
	[REACHED] = { "reached", OUT_BOOL, .about = "the target answered" },
	[HOPS] = { "hops", OUT_UINT, .about = "the hop where the way ends; absent: not found" },
	[PATH_MTU] = { "path_mtu", OUT_UINT, .title = "MTU",
		       .about = "bytes of the largest packet that reaches the target" },
};

const struct out_type trace_result_type = { "trace", result_columns, N_RESULT };

/* What was heard */

static struct trace_responder *count_responder(struct trace_hop *hop,
					       const struct probe_event *event)
{
	struct trace_responder *r = hop->responders;

	for (unsigned i = 0; i < hop->n_responders; i++, r++) {
		if (addr_eq(&r->addr, &event->responder)) {
			r->n++;
			r->labels = event->labels;
			return NULL;
		}
	}
	if (hop->n_responders == TRACE_HOP_RESPONDERS)
		return NULL;
	hop->n_responders++;
	*r = (struct trace_responder){ .addr = event->responder, .n = 1, .labels = event->labels };
	return r;
}

static void measure(struct trace_hop *hop, int64_t rtt_ns)
{
	hop->best_ns = hop->n_times ? MIN(hop->best_ns, rtt_ns) : rtt_ns;
	hop->worst_ns = hop->n_times ? MAX(hop->worst_ns, rtt_ns) : rtt_ns;
	hop->last_ns = rtt_ns;
	hop->sum_ns += (double)rtt_ns;
	hop->n_times++;
}

/* The way ends at the first hop that says so: nothing behind it was passed on. */
static void judge_end(struct trace_path *p, unsigned ttl, const struct probe_event *event)
{
	bool target = event->kind == PROBE_REPLY || addr_eq(&event->responder, &p->target);

	if (event->kind == PROBE_EXCEEDED || (p->end && p->end < ttl))
		return;
	p->reached = target || (p->end == ttl && p->reached);
	p->end = ttl;
	if (!target)
		p->hops[ttl - 1].reason = probe_reason(event);
}

struct trace_responder *trace_path_add(struct trace_path *p, unsigned ttl,
				       const struct probe_event *event)
{
	struct trace_hop *hop = &p->hops[ttl - 1];

	switch (event->outcome) {
	case PROBE_FAILED:
		hop->reason = probe_reason(event);
		return NULL;
	case PROBE_DUPLICATE:
		return NULL;
	case PROBE_SILENT:
		hop->sent++;
		return NULL;
	case PROBE_ANSWERED:
		hop->sent++;
		break;
	case PROBE_LATE:
		break;
	}
	hop->received++;
	if (event->rtt_ns >= 0)
		measure(hop, event->rtt_ns);
	judge_end(p, ttl, event);
	return count_responder(hop, event);
}

/* What is shown */

unsigned trace_path_last(const struct trace_path *p)
{
	unsigned last = p->max;

	if (p->end)
		return p->end;
	while (last > p->first && !p->hops[last - 1].n_responders)
		last--;
	return last;
}

static const struct trace_responder *most_frequent(const struct trace_hop *hop)
{
	const struct trace_responder *most = hop->responders;

	for (unsigned i = 1; i < hop->n_responders; i++)
		if (hop->responders[i].n > most->n)
			most = &hop->responders[i];
	return hop->n_responders ? most : NULL;
}

/* As traceroute -e writes them. @texts: for the list, whose values go to @ret_list. */
static size_t list_labels(const struct probe_labels *labels, char texts[][40],
			  struct out_value *ret_list)
{
	for (unsigned i = 0; i < labels->n; i++) {
		uint32_t entry = labels->entries[i];

		snprintf(texts[i], sizeof(texts[i]), "L=%u,E=%u,S=%u,T=%u", entry >> 12,
			 entry >> 9 & 7, entry >> 8 & 1, entry & 0xff);
		ret_list[i] = out_text(texts[i]);
	}
	return labels->n;
}

static void show_hop(const struct trace_hop *hop, unsigned number, struct command *cmd)
{
	const struct trace_responder *most = most_frequent(hop);
	struct out_value row[N_HOP] = { [HOP] = out_uint(number),
					[SENT] = out_uint(hop->sent),
					[RECEIVED] = out_uint(hop->received) };
	struct out_value also[TRACE_HOP_RESPONDERS], labels[PROBE_MAX_LABELS];
	char texts[PROBE_MAX_LABELS][40];
	double loss = hop->sent ? 100 - 100 * (double)hop->received / (double)hop->sent : 0;
	size_t n_also = 0;

	for (unsigned i = 0; i < hop->n_responders; i++)
		if (&hop->responders[i] != most)
			also[n_also++] = out_addr(&hop->responders[i].addr);
	if (most)
		row[HOST] = out_addr(&most->addr);
	if (most && most->labels.n)
		row[MPLS] = out_list(labels, list_labels(&most->labels, texts, labels));
	if (most && most->name[0])
		row[NAME] = out_text(most->name);
	if (hop->sent)
		row[LOSS] = out_styled(out_real(MAX(round(loss * 10) / 10, 0.0)),
				       loss > 0 ? OUT_BAD : OUT_PLAIN);
	if (hop->n_times) {
		row[BEST] = out_ns(hop->best_ns);
		row[AVG] = out_ns((int64_t)(hop->sum_ns / (double)hop->n_times));
		row[WORST] = out_ns(hop->worst_ns);
		row[LAST] = out_ns(hop->last_ns);
	}
	if (hop->mtu)
		row[MTU] = out_uint(hop->mtu);
	if (n_also)
		row[ALSO] = out_list(also, n_also);
	row[REASON] = out_text(hop->reason);
	out_record(cmd->out, &trace_hop_type, row);
}

static void show_result(const struct trace_path *p, struct command *cmd, const char *method)
{
	struct out_value row[N_RESULT] = { [TARGET] = out_addr(&p->target),
					   [METHOD] = out_text(method),
					   [REACHED] = out_bool(p->reached) };
	char text[64];
	struct buf b = buf_in(text, sizeof(text));
	uint32_t mtu = p->reached ? p->hops[p->end - 1].mtu : 0;

	buf_addr(&b, &p->target);
	if (p->end)
		row[HOPS] = out_uint(p->end);
	if (mtu)
		row[PATH_MTU] = out_uint(mtu);
	if (cmd->common.json)
		out_record(cmd->out, &trace_result_type, row);
	else if (mtu)
		out_line(cmd->out, "%s answered at hop %u, by %s; packets up to %u bytes reach it",
			 buf_cstr(&b), p->end, method, mtu);
	else if (p->reached)
		out_line(cmd->out, "%s answered at hop %u, by %s", buf_cstr(&b), p->end, method);
	else if (p->end)
		out_line(cmd->out, "%s is not reached: the way ends at hop %u, by %s", buf_cstr(&b),
			 p->end, method);
	else
		out_line(cmd->out, "%s did not answer within %u hops, by %s", buf_cstr(&b), p->max,
			 method);
}

void trace_path_show(const struct trace_path *p, struct command *cmd, const char *method)
{
	unsigned last = trace_path_last(p);

	for (unsigned number = p->first; number <= last; number++)
		show_hop(&p->hops[number - 1], number, cmd);
	show_result(p, cmd, method);
}
