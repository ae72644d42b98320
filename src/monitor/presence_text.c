/* Words for states, kinds and events. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "monitor/presence_private.h"

static const char *const state_texts[] = {
	[PRESENCE_UNKNOWN] = "unknown",
	[PRESENCE_ACTIVE] = "active",
	[PRESENCE_DEGRADED] = "degraded",
	[PRESENCE_INACTIVE] = "inactive",
};

static const char *const kind_texts[] = {
	[PRESENCE_EVENT_NEW] = "new",
	[PRESENCE_EVENT_ACTIVE] = "active",
	[PRESENCE_EVENT_DEGRADED] = "degraded",
	[PRESENCE_EVENT_INACTIVE] = "inactive",
	[PRESENCE_EVENT_MAC_CHANGED] = "mac-changed",
	[PRESENCE_EVENT_CONFLICT] = "conflict",
	[PRESENCE_EVENT_SELF_DOWN] = "self-down",
	[PRESENCE_EVENT_SELF_UP] = "self-up",
	[PRESENCE_EVENT_STARTED] = "started",
	[PRESENCE_EVENT_CLOCK_JUMP] = "clock-jump",
};

const char *presence_state_text(enum presence_state state)
{
	return (size_t)state < ARRAY_LEN(state_texts) ? state_texts[state] : "?";
}

const char *presence_kind_text(enum presence_kind kind)
{
	return (size_t)kind < ARRAY_LEN(kind_texts) ? kind_texts[kind] : "?";
}

const char *presence_evidence_text(enum presence_evidence bit)
{
	switch (bit) {
	case PRESENCE_ARP:
		return "arp";
	case PRESENCE_NS:
		return "ns";
	case PRESENCE_ICMP:
		return "icmp";
	case PRESENCE_TCP:
		return "tcp";
	}
	return "?";
}

void buf_host(struct buf *b, const struct host *h)
{
	const char *name = h->pub.names[0] ? h->pub.names[0] : h->pub.names[1];

	buf_addr(b, &h->pub.addrs[0]);
	if (!name)
		return;
	buf_lit(b, " (");
	buf_bytes(b, name, MIN(strlen(name), (size_t)63)); /* so that the sentence fits */
	buf_char(b, ')');
}

void buf_evidence(struct buf *b, unsigned evidence)
{
	static const char *const names[] = { "ARP", "neighbour solicitation", "ICMP", "TCP" };
	unsigned left = (unsigned)__builtin_popcount(evidence);

	if (!left)
		buf_lit(b, "anything");
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (!(evidence & 1u << i))
			continue;
		buf_str(b, names[i]);
		left--;
		buf_str(b, left > 1 ? ", " : left ? " and " : "");
	}
}

void buf_span(struct buf *b, uint64_t ms)
{
	if (ms < 120 * 1000)
		buf_printf(b, "%llu s", (unsigned long long)ms / 1000);
	else if (ms < 120 * 60000)
		buf_printf(b, "%llu min", (unsigned long long)ms / 60000);
	else if (ms < 48 * 3600000ULL)
		buf_printf(b, "%llu h", (unsigned long long)ms / 3600000);
	else
		buf_printf(b, "%llu d", (unsigned long long)ms / 86400000);
}

/* Room for one more event behind the others. Return: NULL when there is none. */
static struct presence_event *event_room(struct presence *p)
{
	size_t max = 4096 + 2 * (size_t)p->config.max_hosts, cap;
	struct presence_event *events;

	if (p->first_event == p->n_events)
		p->first_event = p->n_events = 0;
	if (p->n_events < p->cap_events)
		return &p->events[p->n_events++];
	cap = MIN(MAX(p->cap_events * 2, (size_t)16), max);
	events = cap > p->cap_events ? realloc(p->events, cap * sizeof(*events)) : NULL;
	if (!events)
		return NULL;
	p->events = events;
	p->cap_events = cap;
	return &p->events[p->n_events++];
}

struct presence_event *presence_tell(struct presence *p, struct presence_now now,
				     enum presence_kind kind, const struct host *h,
				     const char *format, ...)
{
	struct presence_event *event = event_room(p);
	va_list args;

	if (!event) {
		p->events_lost++;
		return NULL;
	}
	*event = (struct presence_event){ .kind = kind, .time_ms = now.wall_ms };
	if (h) {
		event->host = h->pub.id;
		event->addr = h->pub.addrs[0];
		event->mac = h->pub.mac;
	}
	va_start(args, format);
	vsnprintf(event->text, sizeof(event->text), format, args);
	va_end(args);
	return event;
}

int presence_next_event(struct presence *p, struct presence_event *ret_event)
{
	if (p->first_event == p->n_events)
		return 0;
	*ret_event = p->events[p->first_event++];
	return 1;
}

uint64_t presence_events_lost(const struct presence *p)
{
	return p->events_lost;
}

void presence_note(struct presence *p, struct presence_now now, enum presence_kind kind,
		   const char *text)
{
	presence_clock(p, now);
	presence_tell(p, now, kind, NULL, "%s", text);
}
