/* The running monitor: its life, who listens, and what it shows. */
#include "monitor/monitor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/clock.h"
#include "monitor/monitor_private.h"
#include "store/store.h"
#include "wire/vendor.h"

struct presence_now monitor_now(void)
{
	return (struct presence_now){ clock_monotonic_ns(), clock_wall_ns() / (int64_t)NS_PER_MS };
}

void monitor_trouble(struct monitor *m, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (unsigned i = 0; i < m->n_listeners; i++) {
		if (m->listeners[i]->trouble)
			m->listeners[i]->trouble(m->listeners[i]->user, text);
	}
}

void monitor_tell_gone(struct monitor *m, const struct presence_gone *gone, size_t n)
{
	for (unsigned i = 0; i < m->n_listeners; i++) {
		if (m->listeners[i]->gone)
			m->listeners[i]->gone(m->listeners[i]->user, gone, n);
	}
}

/* What presence is told of the configuration. The networks' names are borrowed from it. */
static struct presence_config presence_config_of(struct monitor *m,
						 const struct monitor_config *config)
{
	for (unsigned i = 0; i < config->n_networks; i++)
		m->presence_networks[i] = (struct presence_network){ config->networks[i].name,
								     config->networks[i].prefix };
	return (struct presence_config){
		.networks = m->presence_networks,
		.n_networks = config->n_networks,
		.every_ns = config->every_ns,
		.up = config->up,
		.down = config->down,
		.degraded_loss = config->degraded_loss,
		.degraded_rtt_ns = config->degraded_rtt_ns,
		.forget_ns = config->forget_ns,
		.max_hosts = config->max_hosts,
		.last_id = store_last_host(m->store),
	};
}

/* Those of the configuration, and those found in its networks; others are not looked after. */
static int watch_hosts(struct monitor *m)
{
	struct presence_now now = monitor_now();
	int err = 0;

	presence_unwatch(m->presence);
	/* Those that are there first: or else a new one could take the place of one of them. */
	for (unsigned fresh = 0; fresh < 2 && !err; fresh++) {
		for (unsigned i = 0; i < m->config->n_hosts && !err; i++) {
			const struct monitor_config_host *host = &m->config->hosts[i];

			if (fresh || presence_by_addr(m->presence, &host->addr))
				err = presence_watch(m->presence, now, &host->addr, host->name);
		}
		presence_prune(m->presence);
	}
	return err;
}

/* The parts that hang on interfaces and sockets. All or nothing. */
static int make_parts(struct monitor *m, struct rounds **ret_rounds, struct links **ret_links,
		      struct names **ret_names, struct fault *fault)
{
	int err = rounds_new(m, fault, ret_rounds);

	if (err < 0)
		return err;
	err = links_new(m, fault, ret_links);
	if (err < 0) {
		rounds_free(*ret_rounds);
		return err;
	}
	*ret_names = NULL;
	err = m->config->resolve_names ? names_new(m, ret_names) : 0;
	if (err < 0) {
		fault_set(fault, 0, "cannot ask the DNS: %s", err_text(err));
		links_free(*ret_links);
		rounds_free(*ret_rounds);
	}
	return err;
}

int monitor_new(uv_loop_t *loop, const struct monitor_config *config, struct store *store,
		struct monitor **ret_monitor, struct fault *fault)
{
	struct monitor *m = calloc(1, sizeof(*m));
	struct presence_config presence_config;
	int err = -ENOMEM;

	if (!m) {
		fault_set(fault, 0, "out of memory");
		return -ENOMEM;
	}
	m->loop = loop;
	m->config = config;
	m->store = store;
	m->stale = true;
	presence_config = presence_config_of(m, config);
	m->presence = presence_new(&presence_config);
	if (m->presence)
		err = history_new(m, &m->history);
	if (!err)
		err = history_restore(m->history);
	if (!err)
		err = watch_hosts(m);
	if (err < 0)
		fault_set(fault, 0, "cannot take up the hosts of %s: %s%s%s", config->store.path,
			  err_text(err), err == -E_FULL ? "; raise `max_hosts`" : "",
			  store_error(store));
	else
		err = make_parts(m, &m->rounds, &m->links, &m->names, fault);
	if (err < 0) {
		monitor_free(m);
		return err;
	}
	*ret_monitor = m;
	return 0;
}

int monitor_start(struct monitor *m, struct fault *fault)
{
	struct presence_now now = monitor_now();
	char text[128];

	m->started_ms = now.wall_ms;
	snprintf(text, sizeof(text), "the monitor started, with %u known hosts",
		 presence_n_hosts(m->presence));
	presence_note(m->presence, now, PRESENCE_EVENT_STARTED, text);
	links_start(m->links);
	monitor_drain(m);
	return rounds_start(m->rounds, fault);
}

int monitor_reconfigure(struct monitor *m, const struct monitor_config *config, struct fault *fault)
{
	const struct monitor_config *old = m->config;
	struct presence_config presence_config;
	struct rounds *rounds;
	struct links *links;
	struct names *names;
	int err;

	m->config = config;
	err = make_parts(m, &rounds, &links, &names, fault);
	if (err < 0) {
		m->config = old;
		return err;
	}
	rounds_free(m->rounds);
	links_free(m->links);
	names_free(m->names);
	m->rounds = rounds;
	m->links = links;
	m->names = names;
	presence_config = presence_config_of(m, config);
	presence_configure(m->presence, &presence_config);
	err = watch_hosts(m);
	if (err < 0)
		monitor_trouble(m, "not all hosts of the configuration are watched: %s",
				err_text(err));
	m->stale = true;
	links_start(m->links);
	monitor_drain(m);
	/* The old one is gone: what cannot be sent now is tried again in the next round. */
	if (rounds_start(m->rounds, fault) < 0)
		monitor_trouble(m, "%s", fault->text);
	return 0;
}

struct monitor *monitor_free(struct monitor *m)
{
	if (!m)
		return NULL;
	names_free(m->names);
	links_free(m->links);
	rounds_free(m->rounds);
	history_free(m->history);
	presence_free(m->presence);
	free(m->sorted);
	free(m);
	return NULL;
}

static void tell_event(struct monitor *m, const struct monitor_event *event)
{
	m->n_events[event->event.kind]++;
	for (unsigned i = 0; i < m->n_listeners; i++) {
		if (m->listeners[i]->event)
			m->listeners[i]->event(m->listeners[i]->user, event);
	}
}

void monitor_drain(struct monitor *m)
{
	m->stale = true;
	if (history_keep(m->history, tell_event) < 0)
		monitor_trouble(m, "events cannot be kept, and are held back: %s",
				store_error(m->store));
	if (presence_events_lost(m->presence) > m->n_events_lost) {
		m->n_events_lost = presence_events_lost(m->presence);
		monitor_trouble(m, "%lu events were lost: out of memory", m->n_events_lost);
	}
}

static struct monitor_host show(const struct monitor *m, const struct presence_host *host)
{
	return (struct monitor_host){
		.host = host,
		.network = host->network < m->config->n_networks
				   ? m->config->networks[host->network].name
				   : NULL,
		.vendor = mac_is_zero(&host->mac) ? NULL : vendor_of_mac(&host->mac),
	};
}

void monitor_round_done(struct monitor *m, int64_t at_ms)
{
	unsigned n_hosts = presence_n_hosts(m->presence);
	struct monitor_host *changed;
	size_t n = 0;

	m->n_rounds++;
	if (history_round(m->history, at_ms) < 0)
		monitor_trouble(m, "samples cannot be kept: %s", store_error(m->store));
	monitor_drain(m);
	changed = calloc(n_hosts + 1, sizeof(*changed));
	if (!changed)
		return; /* nobody hears of this round's figures */
	for (unsigned i = 0; i < n_hosts; i++) {
		if (presence_take_changed(m->presence, i))
			changed[n++] = show(m, presence_host(m->presence, i));
	}
	for (unsigned i = 0; i < m->n_listeners; i++) {
		if (m->listeners[i]->round)
			m->listeners[i]->round(m->listeners[i]->user, changed, n);
	}
	free(changed);
	if (m->names)
		names_look(m->names);
}

void monitor_summary(const struct monitor *m, struct monitor_summary *ret_summary)
{
	struct monitor_summary s = {
		.now_ms = monitor_now().wall_ms,
		.started_ms = m->started_ms,
		.name = m->config->name,
		.interval_s = (double)m->config->every_ns / (double)NS_PER_S,
		.self_up = presence_connected(m->presence, m->config->n_networks),
		.total = presence_n_hosts(m->presence),
		.n_networks = m->config->n_networks,
		.last_event = store_last_event(m->store),
		.probes_sent = m->probes_sent,
		.probes_answered = m->probes_answered,
		.rounds = m->n_rounds,
	};

	for (unsigned i = 0; i < PRESENCE_N_STATES; i++)
		s.counts[i] = presence_count(m->presence, (enum presence_state)i);
	memcpy(s.events, m->n_events, sizeof(s.events));
	*ret_summary = s;
}

struct monitor_network monitor_network(const struct monitor *m, unsigned i)
{
	const struct monitor_config_network *n = &m->config->networks[i];

	return (struct monitor_network){ n->name, n->prefix, n->iface };
}

static int compare_hosts(const void *a, const void *b)
{
	/* inactive, degraded, unknown, active */
	static const uint8_t rank[] = { [PRESENCE_INACTIVE] = 0,
					[PRESENCE_DEGRADED] = 1,
					[PRESENCE_UNKNOWN] = 2,
					[PRESENCE_ACTIVE] = 3 };
	const struct presence_host *x = ((const struct monitor_host *)a)->host;
	const struct presence_host *y = ((const struct monitor_host *)b)->host;

	if (x->state != y->state)
		return rank[x->state] - rank[y->state];
	return addr_cmp(&x->addrs[0], &y->addrs[0]);
}

size_t monitor_hosts(struct monitor *m, const struct monitor_host **ret_hosts)
{
	unsigned n = presence_n_hosts(m->presence);
	struct monitor_host *sorted = m->sorted;

	*ret_hosts = m->sorted;
	if (!m->stale && m->n_sorted == n)
		return n;
	if (n > m->cap_sorted) {
		sorted = realloc(sorted, n * sizeof(*sorted));
		if (!sorted)
			return 0;
		m->sorted = sorted;
		m->cap_sorted = n;
	}
	for (unsigned i = 0; i < n; i++)
		sorted[i] = show(m, presence_host(m->presence, i));
	if (n)
		qsort(sorted, n, sizeof(*sorted), compare_hosts);
	m->n_sorted = n;
	m->stale = false;
	*ret_hosts = sorted;
	return n;
}

int monitor_host(const struct monitor *m, int64_t id, struct monitor_host *ret_host)
{
	const struct presence_host *host = presence_by_id(m->presence, id);

	if (!host)
		return -E_NOT_FOUND;
	*ret_host = show(m, host);
	return 0;
}

struct store *monitor_store(const struct monitor *m)
{
	return m->store;
}

int monitor_listen(struct monitor *m, const struct monitor_listener *listener)
{
	if (m->n_listeners == MONITOR_MAX_LISTENERS)
		return -E_FULL;
	m->listeners[m->n_listeners++] = listener;
	return 0;
}

void monitor_unlisten(struct monitor *m, const struct monitor_listener *listener)
{
	for (unsigned i = 0; i < m->n_listeners; i++) {
		if (m->listeners[i] == listener)
			m->listeners[i--] = m->listeners[--m->n_listeners];
	}
}
