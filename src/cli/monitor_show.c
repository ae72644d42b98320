#include "cli/monitor_show.h"

#include <math.h>

#include "cli/monitor_status.h"

enum { E_TIME, E_KIND, E_ADDRESS, E_TEXT, E_MAC, E_OLD_MAC, E_HOST, E_ID, N_EVENT };

static const struct out_column event_columns[] = {
	[E_TIME] = { "time", OUT_TIME, .about = "when it was noticed" },
	[E_KIND] = { "kind", OUT_TEXT, .width = 11, .about = "what happened, in one word" },
	[E_ADDRESS] = { "address", OUT_ADDR, .about = "the host concerned", .extra = true },
	[E_TEXT] = { "text", OUT_TEXT, .title = "WHAT HAPPENED",
		     .about = "the same as a sentence" },
	[E_MAC] = { "mac", OUT_MAC, .about = "the host's link-layer address", .extra = true },
	[E_OLD_MAC] = { "old_mac", OUT_MAC, .about = "the one it had before", .extra = true },
	[E_HOST] = { "host", OUT_UINT, .about = "the host's number", .extra = true },
	[E_ID] = { "id", OUT_UINT, .about = "the event's number, ascending", .extra = true },
};

const struct out_type monitor_event_type = { "event", event_columns, N_EVENT, .live = true };

enum {
	H_STATE,
	H_ADDRESS,
	H_NAMES,
	H_RTT,
	H_JITTER,
	H_LOSS,
	H_CHANGE,
	H_SEEN,
	H_MAC,
	H_VENDOR,
	H_EVIDENCE,
	H_OTHERS,
	H_NETWORK,
	H_FIRST,
	H_ID,
	N_HOST,
};

static const struct out_column host_columns[] = {
	[H_STATE] = { "state", OUT_TEXT,
		      .about =
			      "active, degraded (answers, but loses or is slow), inactive, unknown" },
	[H_ADDRESS] = { "address", OUT_ADDR, .about = "its first address" },
	[H_NAMES] = { "names", OUT_TEXT, .about = "as the configuration and the DNS call it",
		      .repeated = true },
	[H_RTT] = { "rtt_ms", OUT_MS, .about = "median of the last burst that was answered" },
	[H_JITTER] = { "jitter_ms", OUT_MS, .minor = 1,
		       .about = "mean difference of neighbours in that burst" },
	[H_LOSS] = { "loss_percent", OUT_REAL, .title = "LOSS %",
		     .about = "echo requests lost over the last minute, in percent" },
	[H_CHANGE] = { "last_change", OUT_TIME, .title = "SINCE",
		       .about = "when it came into this state" },
	[H_SEEN] = { "last_seen", OUT_TIME, .title = "SEEN", .about = "when it was heard last" },
	[H_MAC] = { "mac", OUT_MAC, .minor = 2, .about = "its link-layer address" },
	[H_VENDOR] = { "vendor", OUT_TEXT, .width = 12, .minor = 3,
		       .about = "who made its network card" },
	[H_EVIDENCE] = { "evidence", OUT_TEXT, .about = "by what it was heard last",
			 .repeated = true, .extra = true },
	[H_OTHERS] = { "other_addresses", OUT_ADDR, .about = "its further addresses",
		       .repeated = true, .extra = true },
	[H_NETWORK] = { "network", OUT_TEXT, .about = "the network of the configuration it is in",
			.extra = true },
	[H_FIRST] = { "first_seen", OUT_TIME, .about = "when it was new", .extra = true },
	[H_ID] = { "id", OUT_UINT, .about = "its number", .extra = true },
};

const struct out_type monitor_host_type = { "host", host_columns, N_HOST };

enum {
	S_NAME,
	S_SELF,
	S_ACTIVE,
	S_DEGRADED,
	S_INACTIVE,
	S_UNKNOWN,
	S_TOTAL,
	S_INTERVAL,
	S_STARTED,
	S_ROUNDS,
	S_SENT,
	S_ANSWERED,
	S_LAST_EVENT,
	N_SELF,
};

static const struct out_column self_columns[] = {
	[S_NAME] = { "name", OUT_TEXT, .about = "what the configuration calls this monitor" },
	[S_SELF] = { "self_up", OUT_BOOL,
		     .about = "false while the monitor's own connection is down" },
	[S_ACTIVE] = { "active", OUT_UINT, .about = "hosts that are well" },
	[S_DEGRADED] = { "degraded", OUT_UINT, .about = "hosts that lose or are slow" },
	[S_INACTIVE] = { "inactive", OUT_UINT, .about = "hosts that do not answer" },
	[S_UNKNOWN] = { "unknown", OUT_UINT, .about = "hosts not judged yet" },
	[S_TOTAL] = { "total", OUT_UINT, .about = "all hosts" },
	[S_INTERVAL] = { "interval_s", OUT_REAL, .about = "from one round to the next" },
	[S_STARTED] = { "started", OUT_TIME, .about = "when the monitor started" },
	[S_ROUNDS] = { "rounds", OUT_UINT, .about = "rounds judged since" },
	[S_SENT] = { "probes_sent", OUT_UINT, .about = "packets sent since" },
	[S_ANSWERED] = { "probes_answered", OUT_UINT, .about = "of these answered" },
	[S_LAST_EVENT] = { "last_event", OUT_UINT, .about = "the number of the newest event" },
};

const struct out_type monitor_self_type = { "monitor", self_columns, N_SELF };

static struct out_value time_value(int64_t ms)
{
	return ms ? out_ns(ms * (int64_t)NS_PER_MS) : (struct out_value){ 0 };
}

static struct out_value duration_value(int64_t ns)
{
	return ns >= 0 ? out_ns(ns) : (struct out_value){ 0 };
}

static struct out_value text_value(const char *text)
{
	return out_text(*text ? text : NULL);
}

static enum out_style style_of_kind(enum presence_kind kind)
{
	switch (kind) {
	case PRESENCE_EVENT_ACTIVE:
	case PRESENCE_EVENT_SELF_UP:
		return OUT_GOOD;
	case PRESENCE_EVENT_DEGRADED:
	case PRESENCE_EVENT_MAC_CHANGED:
	case PRESENCE_EVENT_CLOCK_JUMP:
		return OUT_WARN;
	case PRESENCE_EVENT_INACTIVE:
	case PRESENCE_EVENT_CONFLICT:
	case PRESENCE_EVENT_SELF_DOWN:
		return OUT_BAD;
	default:
		return OUT_PLAIN;
	}
}

static enum out_style style_of_state(enum presence_state state)
{
	static const enum out_style styles[] = { [PRESENCE_UNKNOWN] = OUT_DIM,
						 [PRESENCE_ACTIVE] = OUT_GOOD,
						 [PRESENCE_DEGRADED] = OUT_WARN,
						 [PRESENCE_INACTIVE] = OUT_BAD };

	return styles[state];
}

void monitor_show_event(struct out *out, const struct monitor_event *event)
{
	const struct presence_event *e = &event->event;
	struct out_value row[N_EVENT] = {
		[E_TIME] = time_value(e->time_ms),
		[E_KIND] =
			out_styled(out_text(presence_kind_text(e->kind)), style_of_kind(e->kind)),
		[E_ADDRESS] = out_addr(&e->addr),
		[E_TEXT] = out_text(e->text),
		[E_MAC] = out_mac(&e->mac),
		[E_OLD_MAC] = out_mac(&e->old_mac),
		[E_ID] = out_uint((uint64_t)event->id),
	};

	if (e->host)
		row[E_HOST] = out_uint((uint64_t)e->host);
	out_record(out, &monitor_event_type, row);
}

static void show_host(struct out *out, const struct status_host *shown)
{
	const struct presence_host *h = &shown->host;
	struct out_value names[2], others[PRESENCE_MAX_ADDRS], evidence[4];
	size_t n_names = 0, n_evidence = 0, n_others = 0;

	for (unsigned i = 0; i < 2; i++) {
		if (*shown->names[i])
			names[n_names++] = out_text(shown->names[i]);
	}
	for (unsigned i = 1; i < h->n_addrs; i++)
		others[n_others++] = out_addr(&h->addrs[i]);
	for (unsigned i = 0; i < ARRAY_LEN(evidence); i++) {
		if (h->evidence & 1u << i)
			evidence[n_evidence++] =
				out_text(presence_evidence_text((enum presence_evidence)(1u << i)));
	}
	struct out_value row[N_HOST] = {
		[H_STATE] = out_styled(out_text(presence_state_text(h->state)),
				       style_of_state(h->state)),
		[H_ADDRESS] = out_addr(&h->addrs[0]),
		[H_NAMES] = out_list(names, n_names),
		[H_RTT] = duration_value(h->rtt_ns),
		[H_JITTER] = duration_value(h->jitter_ns),
		[H_LOSS] = { .set = h->loss >= 0, .f = round(h->loss * 1000) / 10 },
		[H_CHANGE] = time_value(h->last_change_ms),
		[H_SEEN] = time_value(h->last_seen_ms),
		[H_MAC] = out_mac(&h->mac),
		[H_VENDOR] = text_value(shown->vendor),
		[H_EVIDENCE] = out_list(evidence, n_evidence),
		[H_OTHERS] = out_list(others, n_others),
		[H_NETWORK] = text_value(shown->network),
		[H_FIRST] = time_value(h->first_seen_ms),
		[H_ID] = out_uint((uint64_t)h->id),
	};

	out_record(out, &monitor_host_type, row);
}

void buf_counts(struct buf *b, const struct monitor_summary *summary)
{
	static const enum presence_state order[] = { PRESENCE_INACTIVE, PRESENCE_DEGRADED,
						     PRESENCE_UNKNOWN, PRESENCE_ACTIVE };

	buf_printf(b, "%u host%s", summary->total, summary->total == 1 ? "" : "s");
	for (unsigned i = 0, n = 0; i < ARRAY_LEN(order); i++) {
		unsigned count = summary->counts[order[i]];

		if (count)
			buf_printf(b, "%s%u %s", n++ ? ", " : ": ", count,
				   presence_state_text(order[i]));
	}
}

void monitor_show_status(struct out *out, const struct status *status, bool with_self)
{
	const struct monitor_summary *s = &status->summary;
	struct out_value row[N_SELF] = {
		[S_NAME] = text_value(status->name),
		[S_SELF] = out_bool(s->self_up),
		[S_ACTIVE] = out_uint(s->counts[PRESENCE_ACTIVE]),
		[S_DEGRADED] = out_uint(s->counts[PRESENCE_DEGRADED]),
		[S_INACTIVE] = out_uint(s->counts[PRESENCE_INACTIVE]),
		[S_UNKNOWN] = out_uint(s->counts[PRESENCE_UNKNOWN]),
		[S_TOTAL] = out_uint(s->total),
		[S_INTERVAL] = out_real(s->interval_s),
		[S_STARTED] = time_value(s->started_ms),
		[S_ROUNDS] = out_uint(s->rounds),
		[S_SENT] = out_uint(s->probes_sent),
		[S_ANSWERED] = out_uint(s->probes_answered),
		[S_LAST_EVENT] = out_uint((uint64_t)s->last_event),
	};
	char text[160];
	struct buf b = buf_in(text, sizeof(text));

	for (uint32_t i = 0; i < status->n_hosts; i++)
		show_host(out, &status->hosts[i]);
	if (with_self)
		out_record(out, &monitor_self_type, row);
	buf_counts(&b, s);
	out_line(out, "%s%s", buf_cstr(&b),
		 s->self_up ? "" : "; the monitor's own connection is down, and states are frozen");
}
