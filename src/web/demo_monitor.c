#include "web/demo_monitor.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "store/store.h"

#define N_BURST	      5
#define INTERVAL_MS   10000
#define MAX_LISTENERS 4
#define OUTAGE_MS     (20 * 60 * 1000LL)

struct demo_host {
	double base_ns, spread, loss; /* of round-trip times; their relative spread; a fraction */
	int64_t outage_ms;	      /* when an outage began last, 0: never */
	bool flaky;
	char name[64];
};

struct monitor {
	struct demo_config config;
	struct store *store;
	struct random random;
	struct presence_host *hosts; /* by id - 1 */
	struct demo_host *lives;
	struct monitor_host *sorted, *changed;
	struct monitor_summary summary;
	const struct monitor_listener *listeners[MAX_LISTENERS];
	uv_timer_t timer;
};

static int64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static const char *const vendors[] = { "Raspberry Pi Trading Ltd", "Hewlett Packard",
				       "Locally administered", "Intel Corporate", NULL };
static const char *const roles[] = { "ws", "printer", "srv", "phone", "cam", "ap", "switch" };
static const char *const hostile[] = {
	"<script>alert(1)</script>",
	"\"><img src=x onerror=alert(1)>",
	"a\x01\x02\x1b[31mred\x7f",
	"bad \xff\xfe\xc3( utf-8 \xed\xa0\x80",
	"line\nbreak\r\ndata: {}\n\nevent: event",
	"{host=\"x\"} 1 \\",
	"\xe2\x80\xae"
	"evil right-to-left",
};

static void make_host(struct monitor *m, unsigned i)
{
	struct presence_host *h = &m->hosts[i];
	struct demo_host *life = &m->lives[i];
	const uint8_t v4[4] = { 10, 77, (uint8_t)((i + 1) >> 8), (uint8_t)(i + 1) };
	const uint8_t v6[16] = { 0xfd, 0x77, [14] = v4[2], [15] = v4[3] };
	struct random *r = &m->random;

	life->base_ns = 1e5 * pow(10, 2.7 * pow(random_unit(r), 2));
	life->spread = 0.05 + random_unit(r) * 0.4;
	life->loss = random_below(r, 20) ? 0 : random_unit(r) * 0.2;
	life->flaky = !random_below(r, 50);
	snprintf(life->name, sizeof(life->name), "%s%u", roles[random_below(r, ARRAY_LEN(roles))],
		 i + 1);
	if ((m->config.quirks & DEMO_HOSTILE) && i < ARRAY_LEN(hostile))
		snprintf(life->name, sizeof(life->name), "%s", hostile[i]);
	*h = (struct presence_host){
		.id = i + 1,
		.addrs = { addr_ip4(v4), addr_ip6(v6) },
		.n_addrs = i % 3 ? 1 : 2,
		.mac = { { 2, 0, 0, 0, v4[2], v4[3] } },
		.names = { life->name },
		.state = PRESENCE_UNKNOWN,
		.evidence = PRESENCE_ARP | PRESENCE_ICMP,
		.rtt_ns = -1,
		.jitter_ns = -1,
		.loss = -1,
	};
}

/* --- one host's round --- */

static bool is_down(struct demo_host *life, struct random *r, int64_t now_ms)
{
	if (life->outage_ms && now_ms - life->outage_ms < OUTAGE_MS)
		return true;
	/* Outages some times a day for the flaky, some times a month for the others. */
	if (random_below(r, life->flaky ? 3000 : 100000))
		return false;
	life->outage_ms = now_ms;
	return true;
}

static unsigned make_rtts(struct demo_host *life, struct random *r, int64_t now_ms,
			  uint64_t rtts_ns[N_BURST])
{
	double day = (double)(now_ms % 86400000) / 86400000;
	double load = 1 + life->spread * (1 - cos(2 * M_PI * day)) * 0.5;
	unsigned n = 0;

	for (unsigned i = 0; i < N_BURST; i++) {
		double tail = -log(1 - random_unit(r)) * life->spread;

		if (random_unit(r) < life->loss)
			continue;
		rtts_ns[n++] = (uint64_t)(life->base_ns * load * (1 + tail));
	}
	return n;
}

static int u64_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void show_rtts(struct presence_host *h, const uint64_t *rtts_ns, unsigned n)
{
	uint64_t sorted[N_BURST], jitter = 0;

	h->loss = h->loss < 0 ? 1 - n / (double)N_BURST
			      : h->loss * 0.8 + (1 - n / (double)N_BURST) * 0.2;
	if (!n)
		return;
	memcpy(sorted, rtts_ns, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), u64_cmp);
	h->rtt_ns = (int64_t)sorted[n / 2];
	for (unsigned i = 1; i < n; i++)
		jitter += rtts_ns[i] > rtts_ns[i - 1] ? rtts_ns[i] - rtts_ns[i - 1]
						      : rtts_ns[i - 1] - rtts_ns[i];
	h->jitter_ns = n > 1 ? (int64_t)(jitter / (n - 1)) : 0;
}

static void tell(struct monitor *m, struct presence_host *h, enum presence_kind kind,
		 int64_t now_ms, const char *what)
{
	struct monitor_event event = { .event = { kind, now_ms, h->id, h->addrs[0], h->mac } };
	struct store_event row;

	snprintf(event.event.text, sizeof(event.event.text), "10.77.%u.%u (%s) %s",
		 h->addrs[0].bytes[2], h->addrs[0].bytes[3], h->names[0], what);
	row = (struct store_event){ .time_ms = now_ms,
				    .host = h->id,
				    .address = h->addrs[0],
				    .kind = presence_kind_text(kind),
				    .text = event.event.text,
				    .mac = h->mac };
	if (store_event_add(m->store, &row, &event.id) < 0)
		return;
	m->summary.events[kind]++;
	for (unsigned i = 0; i < MAX_LISTENERS; i++) {
		if (m->listeners[i] && m->listeners[i]->event)
			m->listeners[i]->event(m->listeners[i]->user, &event);
	}
}

static void judge(struct monitor *m, struct presence_host *h, unsigned n, int64_t now_ms)
{
	enum presence_state state = !n		    ? PRESENCE_INACTIVE
				    : h->loss > 0.1 ? PRESENCE_DEGRADED
						    : PRESENCE_ACTIVE;

	if (n)
		h->last_seen_ms = now_ms;
	if (state == h->state)
		return;
	if (h->state == PRESENCE_UNKNOWN) {
		h->first_seen_ms = now_ms;
		tell(m, h, PRESENCE_EVENT_NEW, now_ms, "was found by ARP");
	} else {
		tell(m, h,
		     state == PRESENCE_INACTIVE	  ? PRESENCE_EVENT_INACTIVE
		     : state == PRESENCE_DEGRADED ? PRESENCE_EVENT_DEGRADED
						  : PRESENCE_EVENT_ACTIVE,
		     now_ms,
		     state == PRESENCE_INACTIVE	  ? "stopped answering ARP and ICMP"
		     : state == PRESENCE_DEGRADED ? "loses packets"
						  : "answers again");
	}
	h->state = state;
	h->last_change_ms = now_ms;
}

/* Return: 0 or the store's error. */
static int live(struct monitor *m, unsigned i, int64_t now_ms)
{
	uint64_t rtts_ns[N_BURST];
	struct demo_host *life = &m->lives[i];
	unsigned n = is_down(life, &m->random, now_ms)
			     ? 0
			     : make_rtts(life, &m->random, now_ms, rtts_ns);
	struct store_burst burst = { i + 1, now_ms + i % 1000, N_BURST, n, rtts_ns };

	m->summary.probes_sent += N_BURST;
	m->summary.probes_answered += n;
	show_rtts(&m->hosts[i], rtts_ns, n);
	judge(m, &m->hosts[i], n, now_ms);
	return store_burst_add(m->store, &burst);
}

/* --- rounds --- */

static int worst_first(const void *a, const void *b)
{
	static const int rank[] = { [PRESENCE_INACTIVE] = 0,
				    [PRESENCE_DEGRADED] = 1,
				    [PRESENCE_UNKNOWN] = 2,
				    [PRESENCE_ACTIVE] = 3 };
	const struct presence_host *x = ((const struct monitor_host *)a)->host;
	const struct presence_host *y = ((const struct monitor_host *)b)->host;

	if (x->state != y->state)
		return rank[x->state] - rank[y->state];
	return addr_cmp(&x->addrs[0], &y->addrs[0]);
}

static void sum_up(struct monitor *m)
{
	struct monitor_summary *s = &m->summary;

	memset(s->counts, 0, sizeof(s->counts));
	for (unsigned i = 0; i < m->config.n_hosts; i++) {
		const struct presence_host *h = &m->hosts[i];

		s->counts[h->state]++;
		m->sorted[i] = (struct monitor_host){ h, "lan", vendors[i % ARRAY_LEN(vendors)] };
		m->changed[i] = m->sorted[i];
	}
	qsort(m->sorted, m->config.n_hosts, sizeof(*m->sorted), worst_first);
	s->total = m->config.n_hosts;
	s->rounds++;
}

static void on_round(uv_timer_t *timer)
{
	struct monitor *m = timer->data;
	int64_t now_ms = wall_ms();
	int err = 0, more;

	/* Something to look at: one host goes or comes in every round. */
	m->lives[random_below(&m->random, m->config.n_hosts)].outage_ms =
		random_below(&m->random, 2) ? now_ms : 0;
	for (unsigned i = 0; i < m->config.n_hosts && !err; i++)
		err = live(m, i, now_ms);
	while ((more = store_tick(m->store, now_ms)) == 1)
		;
	if (err < 0 || more < 0)
		fprintf(stderr, "store: %s\n", store_error(m->store));
	sum_up(m);
	for (unsigned i = 0; i < MAX_LISTENERS; i++) {
		if (m->listeners[i] && m->listeners[i]->round)
			m->listeners[i]->round(m->listeners[i]->user, m->changed,
					       m->config.n_hosts);
	}
}

/* The store gets hosts; an empty one the history up to now. */
static int make_past(struct monitor *m, int64_t now_ms)
{
	int64_t from_ms = now_ms - (int64_t)(m->config.hours * 3600000) + INTERVAL_MS;
	bool is_new = !store_last_event(m->store);
	int err = store_begin(m->store);

	for (unsigned i = 0; i < m->config.n_hosts && !err; i++) {
		struct store_host host = { .id = i + 1,
					   .addresses = { m->hosts[i].addrs[0] },
					   .n_addresses = 1,
					   .network = "lan" };

		err = store_host_put(m->store, &host, NULL);
	}
	if (!err)
		err = store_commit(m->store);
	/* Even a reused store shows states: by one round of now. */
	for (int64_t t = is_new ? MIN(from_ms, now_ms) : now_ms; t <= now_ms && !err;
	     t += INTERVAL_MS) {
		err = store_begin(m->store); /* for speed: many events in one commit */
		for (unsigned i = 0; i < m->config.n_hosts && !err; i++)
			err = live(m, i, t);
		if (!err)
			err = store_commit(m->store);
		while (!err && (err = store_tick(m->store, t)) == 1)
			err = 0;
	}
	return err;
}

struct monitor *demo_monitor_new(uv_loop_t *loop, struct store *store,
				 const struct demo_config *config)
{
	struct monitor *m = calloc(1, sizeof(*m));
	size_t n = config->n_hosts;
	int err;

	if (!m)
		return NULL;
	*m = (struct monitor){ .config = *config, .store = store, .random = random_of(1) };
	m->hosts = calloc(n, sizeof(*m->hosts));
	m->lives = calloc(n, sizeof(*m->lives));
	m->sorted = calloc(n, sizeof(*m->sorted));
	m->changed = calloc(n, sizeof(*m->changed));
	uv_timer_init(loop, &m->timer);
	m->timer.data = m;
	if (!m->hosts || !m->lives || !m->sorted || !m->changed)
		return monitor_free(m);
	for (unsigned i = 0; i < n; i++)
		make_host(m, i);
	m->summary = (struct monitor_summary){ .started_ms = wall_ms(),
					       .name = "demo",
					       .interval_s = INTERVAL_MS / 1e3,
					       .self_up = true,
					       .n_networks = 1 };
	err = make_past(m, wall_ms());
	if (err < 0) {
		fprintf(stderr, "store: %s %s\n", err_text(err), store_error(store));
		return monitor_free(m);
	}
	sum_up(m);
	if (config->every_s > 0)
		uv_timer_start(&m->timer, on_round, (uint64_t)(config->every_s * 1000),
			       (uint64_t)(config->every_s * 1000));
	return m;
}

/* --- monitor/monitor.h --- */

static void on_closed(uv_handle_t *handle)
{
	struct monitor *m = handle->data;

	free(m->hosts);
	free(m->lives);
	free(m->sorted);
	free(m->changed);
	free(m);
}

struct monitor *monitor_free(struct monitor *m)
{
	if (m)
		uv_close((uv_handle_t *)&m->timer, on_closed);
	return NULL;
}

void monitor_summary(const struct monitor *m, struct monitor_summary *ret_summary)
{
	*ret_summary = m->summary;
	ret_summary->now_ms = wall_ms();
	ret_summary->last_event = store_last_event(m->store);
}

struct monitor_network monitor_network(const struct monitor *m, unsigned i)
{
	static const uint8_t bytes[4] = { 10, 77, 0, 0 };

	(void)m;
	(void)i;
	return (struct monitor_network){ "lan", { addr_ip4(bytes), 16 }, "eth0" };
}

size_t monitor_hosts(struct monitor *m, const struct monitor_host **ret_hosts)
{
	*ret_hosts = m->sorted;
	return m->config.n_hosts;
}

int monitor_host(const struct monitor *m, int64_t id, struct monitor_host *ret_host)
{
	if (id < 1 || id > m->config.n_hosts)
		return -E_NOT_FOUND;
	*ret_host = m->changed[id - 1];
	return 0;
}

struct store *monitor_store(const struct monitor *m)
{
	return m->store;
}

int monitor_listen(struct monitor *m, const struct monitor_listener *listener)
{
	for (unsigned i = 0; i < MAX_LISTENERS; i++) {
		if (m->listeners[i])
			continue;
		m->listeners[i] = listener;
		return 0;
	}
	return -ENOMEM;
}

void monitor_unlisten(struct monitor *m, const struct monitor_listener *listener)
{
	for (unsigned i = 0; i < MAX_LISTENERS; i++) {
		if (m->listeners[i] == listener)
			m->listeners[i] = NULL;
	}
}
