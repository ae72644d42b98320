/* The table of hosts: who they are, and what was heard of them. presence.h tells the design. */
#include "monitor/presence.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "monitor/presence_private.h"

/* A wall clock may be slewed a little; more than this within one step is a jump. */
#define CLOCK_JUMP_MS 2000

/* Each takes the store a transaction: so many at the end of a round keep nobody waiting. */
#define FORGET_PER_ROUND 64

/* struct addr has padding, which a key must not have. */
struct addr_key {
	uint8_t bytes[16];
	uint32_t family, scope;
};

static struct addr_key key_of(const struct addr *a)
{
	struct addr_key key = { .family = a->family, .scope = a->scope };

	memcpy(key.bytes, a->bytes, sizeof(key.bytes));
	return key;
}

static struct host *find_addr(const struct presence *p, const struct addr *a)
{
	struct addr_key key = key_of(a);
	struct host **h = hash_get(p->by_addr, &key);

	return h ? *h : NULL;
}

static struct host *find_mac(const struct presence *p, const struct mac *mac)
{
	struct host **h = mac_is_zero(mac) ? NULL : hash_get(p->by_mac, mac);

	return h ? *h : NULL;
}

static unsigned addr_index(const struct host *h, const struct addr *a)
{
	unsigned i = 0;

	while (i < h->pub.n_addrs && !addr_eq(&h->pub.addrs[i], a))
		i++;
	return i;
}

static bool has_ip4(const struct host *h)
{
	return h->pub.addrs[0].family == AF_INET; /* which comes first when there is one */
}

static unsigned network_of(const struct presence *p, const struct addr *a)
{
	unsigned i = 0;

	while (i < p->config.n_networks && !prefix_contains(&p->networks[i].prefix, a))
		i++;
	return i;
}

static void take_config(struct presence *p, const struct presence_config *config)
{
	uint64_t every_ns = MAX(config->every_ns, (uint64_t)1);

	p->config = *config;
	p->config.n_networks = MIN(config->n_networks, (unsigned)PRESENCE_MAX_NETWORKS);
	for (unsigned i = 0; i < p->config.n_networks; i++)
		p->networks[i] = config->networks[i];
	p->config.networks = p->networks;
	p->minute_rounds = (unsigned)MIN(MAX(60 * NS_PER_S / every_ns, (uint64_t)1),
					 (uint64_t)PRESENCE_MINUTE_ROUNDS);
	memset(p->guards, 0, sizeof(p->guards));
}

struct presence *presence_new(const struct presence_config *config)
{
	struct presence *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	take_config(p, config);
	p->next_id = config->last_id + 1;
	p->by_id = hash_new(sizeof(int64_t), sizeof(struct host *), config->max_hosts);
	p->by_addr = hash_new(sizeof(struct addr_key), sizeof(struct host *),
			      (size_t)config->max_hosts * PRESENCE_MAX_ADDRS);
	p->by_mac = hash_new(sizeof(struct mac), sizeof(struct host *),
			     (size_t)config->max_hosts * PRESENCE_MAX_ADDRS);
	if (!p->by_id || !p->by_addr || !p->by_mac)
		return presence_free(p);
	return p;
}

static struct host *host_free(struct host *h)
{
	if (!h)
		return NULL;
	free(h->pub.names[0]);
	free(h->pub.names[1]);
	free(h);
	return NULL;
}

struct presence *presence_free(struct presence *p)
{
	if (!p)
		return NULL;
	for (unsigned i = 0; i < p->n_hosts; i++)
		host_free(p->hosts[i]);
	free(p->hosts);
	hash_free(p->by_id);
	hash_free(p->by_addr);
	hash_free(p->by_mac);
	free(p->events);
	free(p->gone);
	free(p);
	return NULL;
}

void presence_configure(struct presence *p, const struct presence_config *config)
{
	unsigned max_hosts = p->config.max_hosts;

	take_config(p, config);
	p->config.max_hosts = max_hosts; /* the tables were made for it */
	for (unsigned i = 0; i < p->n_hosts; i++) {
		struct host *h = p->hosts[i];

		h->pub.network = network_of(p, &h->pub.addrs[0]);
		h->n_minute = h->minute_at = 0;
	}
}

void presence_clock(struct presence *p, struct presence_now now)
{
	int64_t passed_ms = (int64_t)((now.mono_ns - p->last.mono_ns) / NS_PER_MS);
	int64_t jump_ms = now.wall_ms - p->last.wall_ms - passed_ms;
	bool first = !p->last.wall_ms;

	p->last = now;
	if (first || (jump_ms < CLOCK_JUMP_MS && jump_ms > -CLOCK_JUMP_MS))
		return;
	presence_tell(p, now, PRESENCE_EVENT_CLOCK_JUMP, NULL,
		      "the wall clock jumped %s by %lld.%03lld s", jump_ms < 0 ? "back" : "forward",
		      llabs(jump_ms) / 1000, llabs(jump_ms) % 1000);
}

/* The host's own entry in a table of pointers. Return: 0, -E_FULL, -ENOMEM; -EEXIST when taken. */
static int index_host(struct hash *table, const void *key, struct host *h)
{
	void *value;
	int err = hash_put(table, key, &value);

	if (err < 0)
		return err;
	if (!err)
		return -EEXIST;
	memcpy(value, &h, sizeof(h));
	return 0;
}

/* No address of @h has @mac any more: nobody joins @h by it. */
static void drop_mac(struct presence *p, const struct host *h, const struct mac *mac)
{
	if (find_mac(p, mac) != h)
		return;
	for (unsigned i = 0; i < h->pub.n_addrs; i++) {
		if (!memcmp(&h->addrs[i].mac, mac, sizeof(*mac)))
			return;
	}
	hash_remove(p->by_mac, mac);
}

void presence_learn_mac(struct presence *p, struct host *h, unsigned i, const struct mac *mac)
{
	struct host_addr *a = &h->addrs[i];
	int err;

	if (mac_is_zero(mac) || !memcmp(&a->mac, mac, sizeof(*mac)))
		return;
	a->previous = a->mac;
	a->since_change = 0;
	a->mac = *mac;
	drop_mac(p, h, &a->previous);
	if (!i) {
		h->pub.mac = *mac;
		h->pub.revision++;
	}
	err = index_host(p->by_mac, mac, h);
	(void)err; /* -EEXIST: another host keeps it; without memory nobody joins, no more */
}

/*
 * Adds an address to a host, IPv4 in front. Return: 0, -E_FULL, -ENOMEM, -EEXIST.
 */
static int add_addr(struct presence *p, struct host *h, const struct addr *addr)
{
	unsigned at = addr->family == AF_INET ? 0 : h->pub.n_addrs;
	struct addr_key key = key_of(addr);
	int err;

	if (h->pub.n_addrs == PRESENCE_MAX_ADDRS)
		return -E_FULL;
	err = index_host(p->by_addr, &key, h);
	if (err < 0)
		return err;
	memmove(&h->pub.addrs[at + 1], &h->pub.addrs[at],
		(h->pub.n_addrs - at) * sizeof(h->pub.addrs[0]));
	memmove(&h->addrs[at + 1], &h->addrs[at], (h->pub.n_addrs - at) * sizeof(h->addrs[0]));
	h->pub.addrs[at] = *addr;
	h->addrs[at] = (struct host_addr){ 0 };
	h->pub.n_addrs++;
	h->pub.network = network_of(p, &h->pub.addrs[0]);
	h->pub.revision++;
	return 0;
}

static int grow_hosts(struct presence *p)
{
	unsigned cap = MIN(MAX(p->cap_hosts * 2, 64u), p->config.max_hosts);
	struct host **hosts;

	if (p->n_hosts < p->cap_hosts)
		return 0;
	hosts = realloc(p->hosts, cap * sizeof(*hosts));
	if (!hosts)
		return -ENOMEM;
	p->hosts = hosts;
	p->cap_hosts = cap;
	return 0;
}

/*
 * Notes that a host will be gone. Return: 0, -ENOMEM, or -E_FULL while nobody takes what is noted
 * (the store cannot be written).
 */
static int note_gone(struct presence *p, const struct host *h, bool forgotten)
{
	size_t cap = MAX(p->cap_gone * 2, (size_t)64);
	struct presence_gone *gone;

	if (p->n_gone >= p->config.max_hosts)
		return -E_FULL;
	if (p->n_gone == p->cap_gone) {
		gone = realloc(p->gone, cap * sizeof(*gone));
		if (!gone)
			return -ENOMEM;
		p->gone = gone;
		p->cap_gone = cap;
	}
	p->gone[p->n_gone++] = (struct presence_gone){ h->pub.id, forgotten };
	return 0;
}

/* What the tables know of a host, and the host. Its place among the hosts is the caller's. */
static void drop(struct presence *p, struct host *h)
{
	for (unsigned i = 0; i < h->pub.n_addrs; i++) {
		struct addr_key key = key_of(&h->pub.addrs[i]);

		hash_remove(p->by_addr, &key);
		if (find_mac(p, &h->addrs[i].mac) == h)
			hash_remove(p->by_mac, &h->addrs[i].mac);
	}
	hash_remove(p->by_id, &h->pub.id);
	p->counts[h->pub.state]--;
	host_free(h);
}

/* Takes away the hosts that @goes says, at most @max. Who cannot be noted stays. */
static void take_away(struct presence *p, unsigned max, bool forgotten,
		      bool (*goes)(const struct presence *p, const struct host *h))
{
	unsigned n_kept = 0, n_gone = 0;

	for (unsigned i = 0; i < p->n_hosts; i++) {
		struct host *h = p->hosts[i];

		if (n_gone < max && goes(p, h) && !note_gone(p, h, forgotten)) {
			drop(p, h);
			n_gone++;
		} else {
			p->hosts[n_kept++] = h;
		}
	}
	p->n_hosts = n_kept;
}

static bool may_be_forgotten(const struct host *h)
{
	return !h->pub.configured && h->pub.state == PRESENCE_INACTIVE;
}

static bool is_over(const struct presence *p, const struct host *h)
{
	return may_be_forgotten(h) && (uint64_t)h->pub.silent_ms >= p->config.forget_ns / NS_PER_MS;
}

void presence_forget(struct presence *p)
{
	if (p->config.forget_ns)
		take_away(p, FORGET_PER_ROUND, true, is_over);
}

/* A full table gives away one place. Return: 0, -E_FULL, -ENOMEM. */
static int make_room(struct presence *p)
{
	unsigned longest = p->n_hosts;
	int err;

	if (p->n_hosts < p->config.max_hosts)
		return 0;
	for (unsigned i = 0; i < p->n_hosts; i++) {
		if (may_be_forgotten(p->hosts[i]) &&
		    (longest == p->n_hosts ||
		     p->hosts[i]->pub.silent_ms > p->hosts[longest]->pub.silent_ms))
			longest = i;
	}
	if (longest == p->n_hosts)
		return -E_FULL;
	err = note_gone(p, p->hosts[longest], true);
	if (err < 0)
		return err;
	drop(p, p->hosts[longest]);
	p->n_hosts--;
	memmove(&p->hosts[longest], &p->hosts[longest + 1],
		(p->n_hosts - longest) * sizeof(struct host *));
	return 0;
}

size_t presence_gone(const struct presence *p, const struct presence_gone **ret_gone)
{
	*ret_gone = p->gone;
	return p->n_gone;
}

void presence_gone_clear(struct presence *p)
{
	p->n_gone = 0;
}

/* A new host in the table, which has room, with one address. Nothing is told. */
static int add_host(struct presence *p, int64_t id, const struct addr *addr, struct host **ret_host)
{
	int err = grow_hosts(p);
	struct host *h;

	if (err < 0)
		return err;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->pub.id = id;
	h->pub.rtt_ns = h->pub.jitter_ns = h->told_rtt_ns = -1;
	h->pub.loss = h->told_loss = -1;
	err = index_host(p->by_id, &id, h);
	if (err < 0) {
		host_free(h);
		return err;
	}
	err = add_addr(p, h, addr);
	if (err < 0) {
		hash_remove(p->by_id, &id);
		host_free(h);
		return err;
	}
	p->hosts[p->n_hosts++] = h;
	p->counts[PRESENCE_UNKNOWN]++;
	p->next_id = MAX(p->next_id, id + 1);
	*ret_host = h;
	return 0;
}

/* A host that nobody knows yet, in the place of another when all are taken. */
static int add_new_host(struct presence *p, const struct addr *addr, struct host **ret_host)
{
	int err = make_room(p);

	return err < 0 ? err : add_host(p, p->next_id, addr, ret_host);
}

void presence_set_state(struct presence *p, struct host *h, enum presence_state state,
			struct presence_now now)
{
	if (h->pub.state == state)
		return;
	p->counts[h->pub.state]--;
	p->counts[state]++;
	h->pub.state = state;
	h->pub.last_change_ms = now.wall_ms;
	h->pub.revision++;
	h->changed = true;
}

/* From 1970 to 2200: differences and nanoseconds of such times do not overflow. */
static bool is_wall_time(int64_t ms)
{
	return ms >= 0 && ms < 7258118400000;
}

int presence_restore(struct presence *p, const struct presence_host *saved)
{
	struct host *h;
	int err;

	if (!saved->n_addrs || saved->n_addrs > PRESENCE_MAX_ADDRS || saved->id < 1 ||
	    (unsigned)saved->state >= PRESENCE_N_STATES || !is_wall_time(saved->first_seen_ms) ||
	    !is_wall_time(saved->last_seen_ms) || !is_wall_time(saved->last_change_ms))
		return -E_MALFORMED;
	if (p->n_hosts == p->config.max_hosts)
		return -E_FULL;
	for (unsigned i = 0; i < saved->n_addrs; i++) {
		if (find_addr(p, &saved->addrs[i]))
			return -E_MALFORMED;
	}
	err = add_host(p, saved->id, &saved->addrs[0], &h);
	if (err < 0)
		return err == -EEXIST ? -E_MALFORMED : err;
	for (unsigned i = 1; i < saved->n_addrs; i++) {
		err = add_addr(p, h, &saved->addrs[i]);
		if (err < 0 && err != -EEXIST) /* twice in the same host does no harm */
			return err;
	}
	presence_learn_mac(p, h, 0, &saved->mac);
	presence_set_state(p, h, saved->state, (struct presence_now){ 0 });
	h->up = saved->state == PRESENCE_ACTIVE || saved->state == PRESENCE_DEGRADED;
	h->lossy = saved->state == PRESENCE_DEGRADED;
	h->pub.evidence = saved->evidence;
	h->echoes = saved->evidence & PRESENCE_ICMP;
	h->pub.first_seen_ms = saved->first_seen_ms;
	h->pub.last_seen_ms = saved->last_seen_ms;
	h->pub.last_change_ms = saved->last_change_ms;
	h->pub.silent_ms = MAX(saved->silent_ms, (int64_t)0);
	for (unsigned i = 0; i < 2; i++) {
		err = presence_set_name(p, saved->id, i, saved->names[i]);
		if (err < 0)
			return err;
	}
	h->changed = false;
	return 0;
}

/* Replaces a name; the caller's copy is taken. */
static void put_name(struct host *h, unsigned which, char *name)
{
	if (h->pub.names[which] || name)
		h->pub.revision++;
	free(h->pub.names[which]);
	h->pub.names[which] = name;
}

int presence_watch(struct presence *p, struct presence_now now, const struct addr *addr,
		   const char *name)
{
	struct host *h = find_addr(p, addr);
	int err = 0;

	presence_clock(p, now);
	if (!h) {
		err = add_new_host(p, addr, &h);
		if (err < 0)
			return err;
		h->pub.first_seen_ms = h->pub.last_change_ms = now.wall_ms;
	}
	h->pub.configured = true;
	return presence_set_name(p, h->pub.id, 0, name);
}

void presence_unwatch(struct presence *p)
{
	for (unsigned i = 0; i < p->n_hosts; i++) {
		p->hosts[i]->pub.configured = false;
		put_name(p->hosts[i], 0, NULL);
	}
}

static bool is_outside(const struct presence *p, const struct host *h)
{
	return !h->pub.configured && h->pub.network == p->config.n_networks;
}

void presence_prune(struct presence *p)
{
	take_away(p, UINT_MAX, false, is_outside);
}

int presence_set_name(struct presence *p, int64_t id, unsigned which, const char *name)
{
	struct host **found = hash_get(p->by_id, &id), *h;
	char *copy = NULL;

	if (!found || which > 1)
		return -E_NOT_FOUND;
	h = *found;
	if (name && h->pub.names[which] && !strcmp(name, h->pub.names[which]))
		return 0;
	if (which == 1 && name && h->pub.names[0] && !strcmp(name, h->pub.names[0]))
		name = NULL; /* the same twice says no more */
	if (name) {
		copy = strdup(name);
		if (!copy)
			return -ENOMEM;
	}
	put_name(h, which, copy);
	if (which == 0 && copy && h->pub.names[1] && !strcmp(copy, h->pub.names[1]))
		put_name(h, 1, NULL);
	return 0;
}

/* May an address without host join the one that has its MAC? */
static bool may_join(const struct host *h, const struct addr *addr)
{
	if (h->pub.n_addrs == PRESENCE_MAX_ADDRS)
		return false;
	return addr->family == AF_INET6 || !has_ip4(h);
}

/* A host for an address that nobody has yet. Return: 1 when it is new, 0 when the address joined
 * one. */
static int meet(struct presence *p, struct presence_now now, const struct addr *addr,
		const struct mac *mac, struct host **ret_host)
{
	struct host *h = find_mac(p, mac);
	char mac_text[24];
	struct buf b = buf_in(mac_text, sizeof(mac_text)), who = buf_of(256);
	int err;

	if (h && may_join(h, addr)) {
		err = add_addr(p, h, addr);
		if (err < 0)
			return err;
		presence_learn_mac(p, h, addr_index(h, addr), mac);
		h->changed = true;
		*ret_host = h;
		return 0;
	}
	/* A link-local address says nothing about which network its owner is in. */
	if (network_of(p, addr) == p->config.n_networks)
		return -E_NOT_FOUND;
	err = add_new_host(p, addr, &h);
	if (err < 0)
		return err;
	presence_learn_mac(p, h, 0, mac);
	h->up = true;
	h->pub.first_seen_ms = now.wall_ms;
	presence_set_state(p, h, PRESENCE_ACTIVE, now);
	buf_mac(&b, mac->bytes);
	buf_addr(&who, addr);
	presence_tell(p, now, PRESENCE_EVENT_NEW, h, "%s is new%s%s", buf_cstr(&who),
		      mac_is_zero(mac) ? "" : ", MAC ", mac_is_zero(mac) ? "" : buf_cstr(&b));
	buf_done(&who);
	*ret_host = h;
	return 1;
}

static void hear_mac(struct host_addr *a, const struct mac *mac)
{
	for (unsigned i = 0; i < a->n_heard; i++) {
		if (!memcmp(&a->heard[i], mac, sizeof(*mac)))
			return;
	}
	if (!mac_is_zero(mac) && a->n_heard < ARRAY_LEN(a->heard))
		a->heard[a->n_heard++] = *mac;
}

int presence_heard(struct presence *p, struct presence_now now, const struct addr *addr,
		   const struct mac *mac, enum presence_evidence by, uint64_t rtt_ns)
{
	struct host *h = find_addr(p, addr);
	unsigned i;
	int met = 0;

	presence_clock(p, now);
	if (!h) {
		met = meet(p, now, addr, mac, &h);
		if (met < 0)
			return met;
	}
	i = addr_index(h, addr);
	if (mac_is_zero(&h->addrs[i].mac))
		presence_learn_mac(p, h, i, mac);
	hear_mac(&h->addrs[i], mac);
	h->evidence |= by;
	h->pub.last_seen_ms = now.wall_ms;
	h->pub.silent_ms = 0;
	if (by == PRESENCE_ICMP)
		h->echoes = true;
	else
		h->link_rtt_ns = rtt_ns;
	if (by == PRESENCE_ICMP && rtt_ns && h->n_rtts < PRESENCE_MAX_BURST)
		h->rtts_ns[h->n_rtts++] = rtt_ns;
	return met;
}

void presence_sent(struct presence *p, const struct addr *addr, unsigned n_echo, unsigned others)
{
	struct host *h = find_addr(p, addr);

	if (!h)
		return;
	h->n_echo = (uint16_t)MIN(h->n_echo + n_echo, 255u);
	h->n_others = (uint16_t)MIN(h->n_others + others, 255u);
}

unsigned presence_n_hosts(const struct presence *p)
{
	return p->n_hosts;
}

const struct presence_host *presence_host(const struct presence *p, unsigned i)
{
	return &p->hosts[i]->pub;
}

const struct presence_host *presence_by_id(const struct presence *p, int64_t id)
{
	struct host **h = hash_get(p->by_id, &id);

	return h ? &(*h)->pub : NULL;
}

const struct presence_host *presence_by_addr(const struct presence *p, const struct addr *addr)
{
	struct host *h = find_addr(p, addr);

	return h ? &h->pub : NULL;
}

unsigned presence_count(const struct presence *p, enum presence_state state)
{
	return p->counts[state];
}

bool presence_take_changed(struct presence *p, unsigned i)
{
	bool changed = p->hosts[i]->changed;

	p->hosts[i]->changed = false;
	return changed;
}

bool presence_connected(const struct presence *p, unsigned network)
{
	if (network < p->config.n_networks)
		return !p->guards[network].told;
	for (unsigned i = 0; i < p->config.n_networks; i++) {
		if (p->guards[i].told)
			return false;
	}
	return true;
}
