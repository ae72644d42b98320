#include "cli/found.h"

#include <stdlib.h>

#include "base/hash.h"
#include "io/clock.h"
#include "io/resolve.h"
#include "wire/vendor.h"

#define NAMES_MAX	65536
#define NAME_TIMEOUT_NS NS_PER_S

enum { HOST, STATE, EVIDENCE, RTT, MAC, VENDOR, NAME, CHANGE, N_HOST };

static const struct out_column host_columns[] = {
	[HOST] = { "host", OUT_ADDR, .about = "the address" },
	[STATE] = { "state", OUT_TEXT, .about = "alive or inactive" },
	[EVIDENCE] = { "evidence", OUT_TEXT, .repeated = true,
		       .about = "how it was heard: self (this machine), arp, ns (IPv6 neighbour "
				"solicitation), icmp, tcp" },
	[RTT] = { "rtt_ms", OUT_MS, .about = "round-trip time, of ICMP if it answered that" },
	[MAC] = { "mac", OUT_MAC, .about = "link-layer address, on a link of this machine" },
	[VENDOR] = { "vendor", OUT_TEXT, .minor = 1,
		     .about = "to whom the MAC address is registered" },
	[NAME] = { "name", OUT_TEXT, .about = "name of the address" },
	[CHANGE] = { "change", OUT_TEXT,
		     .about = "since the round before: new, back, gone or mac" },
};

const struct out_type found_host_type = { "host", host_columns, N_HOST };

enum { C_TIME, C_HOST, C_CHANGE, C_MAC, C_NAME, N_CHANGE };

static const struct out_column change_columns[] = {
	[C_TIME] = { "time", OUT_TIME, .about = "end of the round that showed it" },
	[C_HOST] = { "host", OUT_ADDR, .about = "the address" },
	[C_CHANGE] = { "change", OUT_TEXT,
		       .about = "new, back (active again), gone (inactive now), mac (answers with "
				"another MAC address)" },
	[C_MAC] = { "mac", OUT_MAC, .about = "its MAC address" },
	[C_NAME] = { "name", OUT_TEXT, .about = "its name" },
};

const struct out_type found_change_type = { "change", change_columns, N_CHANGE, .live = true };

static const char *const evidence_names[N_EVIDENCE] = {
	[EVIDENCE_SELF] = "self", [EVIDENCE_ARP] = "arp", [EVIDENCE_NS] = "ns",
	[EVIDENCE_ICMP] = "icmp", [EVIDENCE_TCP] = "tcp", [EVIDENCE_UDP] = "udp",
};

static const char *const change_names[] = {
	[FOUND_SAME] = NULL,   [FOUND_NEW] = "new",	[FOUND_BACK] = "back",
	[FOUND_GONE] = "gone", [FOUND_NEW_MAC] = "mac",
};

/* What identifies a host: a struct addr without its padding. */
struct key {
	uint8_t bytes[16];
	uint32_t family, scope;
};

struct found {
	struct hash *by_addr;	   /* struct key to index */
	struct found_host **hosts; /* in order of appearance until they are shown */
	size_t n, cap;
};

struct found *found_new(void)
{
	struct found *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->by_addr = hash_new(sizeof(struct key), sizeof(struct found_host *), FOUND_MAX);
	return f->by_addr ? f : found_free(f);
}

struct found *found_free(struct found *f)
{
	if (!f)
		return NULL;
	for (size_t i = 0; i < f->n; i++) {
		free(f->hosts[i]->name);
		free(f->hosts[i]);
	}
	free(f->hosts);
	hash_free(f->by_addr);
	free(f);
	return NULL;
}

static struct key key_of(const struct addr *a)
{
	struct key key = { .family = a->family, .scope = a->scope };

	memcpy(key.bytes, a->bytes, sizeof(key.bytes));
	return key;
}

const struct found_host *found_get(const struct found *f, const struct addr *addr)
{
	struct key key = key_of(addr);
	struct found_host **place = hash_get(f->by_addr, &key);

	return place ? *place : NULL;
}

static struct found_host *add(struct found *f, const struct addr *addr)
{
	struct key key = key_of(addr);
	struct found_host *host;
	void *place;

	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 64;
		struct found_host **hosts = realloc(f->hosts, cap * sizeof(struct found_host *));

		if (!hosts)
			return NULL;
		f->hosts = hosts;
		f->cap = cap;
	}
	host = calloc(1, sizeof(*host));
	if (!host || hash_put(f->by_addr, &key, &place) < 0) {
		free(host);
		return NULL;
	}
	*(struct found_host **)place = host;
	host->addr = *addr;
	host->rtt_ns = -1;
	f->hosts[f->n++] = host;
	return host;
}

struct found_host *found_host(struct found *f, const struct addr *addr)
{
	struct found_host *host = (struct found_host *)found_get(f, addr);

	return host ? host : add(f, addr);
}

int found_heard(struct found *f, const struct addr *addr, enum evidence by, const struct mac *mac,
		int64_t rtt_ns)
{
	struct found_host *host = found_host(f, addr);

	if (!host)
		return -E_FULL;
	if (rtt_ns >= 0 && (host->rtt_ns < 0 || by == EVIDENCE_ICMP))
		host->rtt_ns = rtt_ns;
	if (!mac_is_zero(mac)) {
		host->mac_changed |= !mac_is_zero(&host->mac) &&
				     memcmp(&host->mac, mac, sizeof(*mac));
		host->mac = *mac;
	}
	host->evidence |= 1u << by;
	return 0;
}

size_t found_n_alive(const struct found *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->hosts[i]->evidence != 0;
	return n;
}

void found_begin(struct found *f)
{
	for (size_t i = 0; i < f->n; i++) {
		f->hosts[i]->evidence = 0;
		f->hosts[i]->rtt_ns = -1;
		f->hosts[i]->mac_changed = false;
	}
}

static enum found_change change_of(const struct found_host *h, bool active, bool first_round)
{
	if (first_round)
		return FOUND_SAME;
	if (!h->known)
		return active ? FOUND_NEW : FOUND_SAME;
	if (active != h->active)
		return active ? FOUND_BACK : FOUND_GONE;
	return h->mac_changed ? FOUND_NEW_MAC : FOUND_SAME;
}

struct found_counts found_judge(struct found *f)
{
	struct found_counts counts = { 0 };
	bool first_round = true;

	for (size_t i = 0; i < f->n; i++)
		first_round &= !f->hosts[i]->known;
	for (size_t i = 0; i < f->n; i++) {
		struct found_host *h = f->hosts[i];
		bool active = h->evidence != 0;

		h->change = change_of(h, active, first_round);
		h->known = true;
		h->active = active;
		counts.alive += active;
		counts.inactive += !active;
		counts.changes += h->change != FOUND_SAME;
	}
	return counts;
}

void found_look_up(struct found *f)
{
	struct found_host **hosts = calloc(f->n + 1, sizeof(struct found_host *));
	struct addr *addrs = calloc(f->n + 1, sizeof(*addrs));
	char(*names)[RESOLVE_NAME_MAX] = NULL;
	size_t n = 0;

	for (size_t i = 0; hosts && addrs && i < f->n && n < NAMES_MAX; i++) {
		if (f->hosts[i]->named || !f->hosts[i]->evidence)
			continue;
		hosts[n] = f->hosts[i];
		addrs[n++] = f->hosts[i]->addr;
	}
	if (n)
		names = calloc(n, sizeof(*names));
	if (names && !resolve_names(addrs, n, NAME_TIMEOUT_NS, names)) {
		for (size_t i = 0; i < n; i++) {
			hosts[i]->named = true;
			if (names[i][0])
				hosts[i]->name = strdup(names[i]);
		}
	}
	free(names);
	free(addrs);
	free(hosts);
}

static int by_address(const void *a, const void *b)
{
	const struct found_host *const *x = a, *const *y = b;

	return addr_cmp(&(*x)->addr, &(*y)->addr);
}

void found_sort(struct found *f)
{
	if (f->n)
		qsort(f->hosts, f->n, sizeof(*f->hosts), by_address);
}

size_t found_n(const struct found *f)
{
	return f->n;
}

const struct found_host *found_at(const struct found *f, size_t i)
{
	return f->hosts[i];
}

size_t found_evidence(const struct found_host *h, struct out_value ret_words[static N_EVIDENCE])
{
	size_t n = 0;

	for (unsigned i = 0; i < N_EVIDENCE; i++)
		if (h->evidence & 1u << i)
			ret_words[n++] = out_text(evidence_names[i]);
	return n;
}

static void show_host(struct command *cmd, const struct found_host *h)
{
	struct out_value evidence[N_EVIDENCE], row[N_HOST] = { 0 };
	enum out_style style = h->change == FOUND_SAME ? OUT_PLAIN : OUT_WARN;
	size_t n = found_evidence(h, evidence);

	row[HOST] = out_addr(&h->addr);
	row[STATE] = h->evidence ? out_styled(out_text("alive"), OUT_GOOD)
				 : out_styled(out_text("inactive"), OUT_BAD);
	if (n)
		row[EVIDENCE] = out_list(evidence, n);
	if (h->rtt_ns >= 0)
		row[RTT] = out_ns(h->rtt_ns);
	row[MAC] = out_mac(&h->mac);
	if (!mac_is_zero(&h->mac))
		row[VENDOR] = out_text(vendor_of_mac(&h->mac));
	row[NAME] = out_text(h->name);
	row[CHANGE] = out_styled(out_text(change_names[h->change]), style);
	out_record(cmd->out, &found_host_type, row);
}

void found_show(struct found *f, struct command *cmd, bool all)
{
	found_sort(f);
	for (size_t i = 0; i < f->n; i++)
		if (all || f->hosts[i]->evidence)
			show_host(cmd, f->hosts[i]);
}

void found_show_changes(struct found *f, struct command *cmd)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct found_host *h = f->hosts[i];
		struct out_value row[N_CHANGE] = {
			[C_TIME] = out_ns(clock_wall_ns()),
			[C_HOST] = out_addr(&h->addr),
			[C_CHANGE] = out_text(change_names[h->change]),
			[C_MAC] = out_mac(&h->mac),
			[C_NAME] = out_text(h->name),
		};

		if (h->change != FOUND_SAME)
			out_record(cmd->out, &found_change_type, row);
	}
}
