/*
 * Between presence and the store: hosts are taken up at the start, events are committed together
 * with the rows of the hosts that changed, samples follow each round.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "monitor/monitor_private.h"
#include "store/store.h"

/* In how many rounds each host's row is written once, for its time of being seen last. */
#define ROW_EVERY_ROUNDS 6

/* Events that wait for a store which cannot be written; more stay with presence. */
#define PENDING_MAX 65536

/* So long events are gathered into one transaction. */
#define DRAIN_AFTER_MS 100

struct history {
	struct monitor *m;
	struct hash *kept;	       /* int64_t id -> uint32_t revision in the store */
	struct monitor_event *pending; /* committed not yet */
	size_t n_pending, cap_pending;
	uv_timer_t *tick, *drain;
};

static int restore_one(void *arg, const struct store_host *saved)
{
	struct history *h = arg;
	struct presence_host host = {
		.id = saved->id,
		.mac = saved->mac,
		.state = (enum presence_state)saved->state,
		.evidence = (uint8_t)saved->evidence,
		.first_seen_ms = saved->first_seen_ms,
		.last_seen_ms = saved->last_seen_ms,
		.last_change_ms = saved->last_change_ms,
		.silent_ms = saved->silent_ms,
		.n_addrs = MIN(saved->n_addresses, (unsigned)PRESENCE_MAX_ADDRS),
	};
	void *revision;
	int err;

	for (unsigned i = 0; i < host.n_addrs; i++)
		host.addrs[i] = saved->addresses[i];
	host.names[1] = (char *)(saved->n_names ? saved->names[0] : NULL); /* copied */
	err = presence_restore(h->m->presence, &host);
	if (err < 0)
		return err == -E_MALFORMED ? 0
					   : err; /* a row that was tampered with is passed over */
	err = hash_put(h->kept, &host.id, &revision);
	if (err < 0)
		return err;
	*(uint32_t *)revision = presence_by_id(h->m->presence, host.id)->revision;
	return 0;
}

int history_restore(struct history *h)
{
	return store_hosts(h->m->store, restore_one, h);
}

/* Does what is due in the store, and comes again at once while there is more. */
static void on_tick(uv_timer_t *timer)
{
	struct history *h = timer->data;
	int err = store_tick(h->m->store, monitor_now().wall_ms);

	if (err < 0)
		monitor_trouble(h->m, "the history cannot be written: %s",
				store_error(h->m->store));
	uv_timer_start(timer, on_tick, err > 0 ? 10 : 1000, 0);
}

static void on_drain(uv_timer_t *timer)
{
	struct history *h = timer->data;

	monitor_drain(h->m);
}

void monitor_drain_soon(struct monitor *m)
{
	m->stale = true; /* a host may have gone to make room */
	if (!uv_is_active((uv_handle_t *)m->history->drain))
		uv_timer_start(m->history->drain, on_drain, DRAIN_AFTER_MS, 0);
}

uv_timer_t *monitor_timer(struct monitor *m, void *data)
{
	uv_timer_t *timer = malloc(sizeof(*timer));

	if (!timer)
		return NULL;
	uv_timer_init(m->loop, timer);
	timer->data = data;
	return timer;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

void monitor_timer_free(uv_timer_t *timer)
{
	if (timer)
		uv_close((uv_handle_t *)timer, on_closed);
}

int history_new(struct monitor *m, struct history **ret_history)
{
	struct history *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->m = m;
	h->kept = hash_new(sizeof(int64_t), sizeof(uint32_t), m->config->max_hosts);
	h->tick = monitor_timer(m, h);
	h->drain = monitor_timer(m, h);
	if (!h->kept || !h->tick || !h->drain) {
		history_free(h);
		return -ENOMEM;
	}
	uv_timer_start(h->tick, on_tick, 1000, 0);
	*ret_history = h;
	return 0;
}

struct history *history_free(struct history *h)
{
	if (!h)
		return NULL;
	if (h->n_pending)
		monitor_trouble(h->m, "%zu events could not be kept", h->n_pending);
	monitor_timer_free(h->tick);
	monitor_timer_free(h->drain);
	hash_free(h->kept);
	free(h->pending);
	free(h);
	return NULL;
}

static int put_host(struct history *h, const struct presence_host *host)
{
	const char *network = host->network < h->m->config->n_networks
				      ? h->m->config->networks[host->network].name
				      : NULL;
	struct store_host row = {
		.id = host->id,
		.n_addresses = host->n_addrs,
		.mac = host->mac,
		.names = { host->names[1] }, /* the other one is in the configuration */
		.n_names = host->names[1] != NULL,
		.network = network,
		.state = host->state,
		.evidence = host->evidence,
		.first_seen_ms = host->first_seen_ms,
		.last_seen_ms = host->last_seen_ms,
		.last_change_ms = host->last_change_ms,
		.silent_ms = host->silent_ms,
	};
	void *revision;
	int err;

	memcpy(row.addresses, host->addrs, host->n_addrs * sizeof(host->addrs[0]));
	err = store_host_put(h->m->store, &row, NULL);
	if (err < 0)
		return err;
	err = hash_put(h->kept, &host->id, &revision);
	if (err < 0)
		return err;
	*(uint32_t *)revision = host->revision;
	return 0;
}

/* The rows of hosts that changed; and of one in ROW_EVERY_ROUNDS of all, unless @turn is negative.
 */
static int put_hosts(struct history *h, int64_t turn)
{
	for (unsigned i = 0; i < presence_n_hosts(h->m->presence); i++) {
		const struct presence_host *host = presence_host(h->m->presence, i);
		const uint32_t *kept = hash_get(h->kept, &host->id);
		int err;

		if (kept && *kept == host->revision &&
		    (turn < 0 || i % ROW_EVERY_ROUNDS != (uint64_t)turn % ROW_EVERY_ROUNDS))
			continue;
		err = put_host(h, host);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Moves events from presence to @pending. Return: 0 or -ENOMEM; those left come at the next call.
 */
static int collect(struct history *h)
{
	struct monitor_event *pending;
	size_t cap;

	for (;;) {
		if (h->n_pending == h->cap_pending) {
			cap = MAX(h->cap_pending * 2, (size_t)64);
			pending = realloc(h->pending, cap * sizeof(*pending));
			if (!pending)
				return -ENOMEM;
			h->pending = pending;
			h->cap_pending = cap;
		}
		if (!presence_next_event(h->m->presence, &h->pending[h->n_pending].event))
			return 0;
		h->n_pending++;
	}
}

static int put_events(struct history *h)
{
	for (size_t i = 0; i < h->n_pending; i++) {
		const struct presence_event *e = &h->pending[i].event;
		struct store_event row = {
			.time_ms = e->time_ms,
			.host = e->host,
			.address = e->addr,
			.kind = presence_kind_text(e->kind),
			.text = e->text,
			.mac = e->mac,
			.old_mac = e->old_mac,
		};
		int err = store_event_add(h->m->store, &row, &h->pending[i].id);

		if (err < 0)
			return err;
	}
	return 0;
}

/* Before others take their places: at a restart there must not be more than there is room for. */
static int drop_gone(struct history *h)
{
	const struct presence_gone *gone;
	size_t n = presence_gone(h->m->presence, &gone);

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		int err = gone[i].forgotten ? store_host_delete(h->m->store, gone[i].id) : 0;

		if (err < 0)
			return err; /* all are tried again */
		hash_remove(h->kept, &gone[i].id);
	}
	monitor_tell_gone(h->m, gone, n);
	presence_gone_clear(h->m->presence);
	return 0;
}

int history_keep(struct history *h,
		 void (*tell)(struct monitor *m, const struct monitor_event *event))
{
	int err = drop_gone(h), committed;

	if (!err && h->n_pending < PENDING_MAX)
		err = collect(h);
	if (err < 0 || !h->n_pending)
		return err;
	err = store_begin(h->m->store);
	if (err < 0)
		return err;
	err = put_hosts(h, -1);
	if (!err)
		err = put_events(h);
	committed = store_commit(h->m->store);
	if (committed < 0)
		hash_clear(h->kept); /* the rows are as they were */
	if (err < 0 || committed < 0)
		return err < 0 ? err : committed;
	for (size_t i = 0; i < h->n_pending; i++)
		tell(h->m, &h->pending[i]);
	h->n_pending = 0;
	return 0;
}

static int put_samples(struct history *h, int64_t at_ms)
{
	for (unsigned i = 0; i < presence_n_hosts(h->m->presence); i++) {
		const struct presence_host *host = presence_host(h->m->presence, i);
		struct store_burst burst = {
			.host = host->id,
			.time_ms = at_ms,
			.sent = host->n_sent,
			.n_rtts = host->n_rtts,
			.rtts_ns = host->rtts_ns,
		};
		int err;

		if (!host->n_sent)
			continue;
		err = store_burst_add(h->m->store, &burst);
		if (err < 0)
			return err;
	}
	return 0;
}

int history_round(struct history *h, int64_t at_ms)
{
	int err = drop_gone(h), committed;

	if (!err)
		err = store_begin(h->m->store);
	if (err < 0)
		return err;
	err = put_hosts(h, (int64_t)h->m->n_rounds);
	committed = store_commit(h->m->store);
	if (committed < 0)
		hash_clear(h->kept);
	if (!err)
		err = committed;
	return err < 0 ? err : put_samples(h, at_ms);
}
