/*
 * Presence: who is there, who fell silent, who came back. It knows no socket and no clock: the
 * caller says what was sent, what was heard and when, round after round, and takes events and host
 * states.
 *
 * A host is judged once a round. It is active when it answers by any means (ARP, neighbour
 * solicitation, ICMP, TCP); `down` silent rounds in a row make it inactive, `up` answered ones
 * active again. It is degraded when it answers but loses or is slow beyond the thresholds (left
 * only below half of them), or when it comes and goes: at least 30 % changes within the last 20
 * rounds, until they are below 25 %; it is then not called inactive at each change.
 *
 * A host that was found, and not named by the configuration, is forgotten when it is inactive and
 * has been silent for `forget`. Silence is counted in judged rounds, each as long as `every`, and
 * kept with the host: the wall clock has no part in it, so that a jump forgets nobody, and time in
 * which nobody asked (the monitor was not running, its own connection was down) does not count. A
 * new host for which there is no room takes the place of the inactive one that has been silent
 * longest.
 *
 * The guard: while the link of a network is down, or when all of at least three active hosts of a
 * network fall silent in the same round, the fault is taken to be ours. Nothing is counted against
 * those hosts, their states are frozen, and silence is counted from zero when the connection is
 * back.
 *
 * A host is one IPv4 address, with the IPv6 addresses of the same MAC beside it; or, without IPv4,
 * the IPv6 addresses of one MAC. Several IPv4 addresses behind one MAC (proxy ARP) stay several
 * hosts.
 */
#ifndef SONDE_MONITOR_PRESENCE_H
#define SONDE_MONITOR_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define PRESENCE_MAX_ADDRS     8
#define PRESENCE_MAX_NETWORKS  64
#define PRESENCE_MAX_BURST     20
#define PRESENCE_FLAP_ROUNDS   20
#define PRESENCE_MINUTE_ROUNDS 60

/* The numbers of states and evidence are stable: the store keeps them. */
enum presence_state {
	PRESENCE_UNKNOWN, /* not judged yet */
	PRESENCE_ACTIVE,
	PRESENCE_DEGRADED, /* answers, but loses, is slow, or comes and goes */
	PRESENCE_INACTIVE,
	PRESENCE_N_STATES,
};

/* How a host was heard; a bit each. */
enum presence_evidence {
	PRESENCE_ARP = 1 << 0,
	PRESENCE_NS = 1 << 1, /* IPv6 neighbour solicitation */
	PRESENCE_ICMP = 1 << 2,
	PRESENCE_TCP = 1 << 3,
};

enum presence_kind {
	PRESENCE_EVENT_NEW,
	PRESENCE_EVENT_ACTIVE,
	PRESENCE_EVENT_DEGRADED,
	PRESENCE_EVENT_INACTIVE,
	PRESENCE_EVENT_MAC_CHANGED,
	PRESENCE_EVENT_CONFLICT,
	PRESENCE_EVENT_SELF_DOWN,
	PRESENCE_EVENT_SELF_UP,
	PRESENCE_EVENT_STARTED,
	PRESENCE_EVENT_CLOCK_JUMP,
	PRESENCE_N_KINDS,
};

/* "inactive"; "mac-changed"; "arp" for one bit. Static text, "?" for what is no such value. */
const char *presence_state_text(enum presence_state state);
const char *presence_kind_text(enum presence_kind kind);
const char *presence_evidence_text(enum presence_evidence bit);

/* Monotonic time for intervals, wall clock for stamps. */
struct presence_now {
	uint64_t mono_ns;
	int64_t wall_ms; /* since 1970, UTC */
};

struct presence_network {
	const char *name; /* borrowed for the life of the presence */
	struct prefix prefix;
};

struct presence_config {
	const struct presence_network
		*networks;	  /* copied; an address belongs to the first that has it */
	unsigned n_networks;	  /* at most PRESENCE_MAX_NETWORKS */
	uint64_t every_ns;	  /* between rounds */
	unsigned up, down;	  /* rounds in a row, at least 1 */
	double degraded_loss;	  /* fraction over the last minute; 0: never */
	uint64_t degraded_rtt_ns; /* median; 0: never */
	uint64_t forget_ns;	  /* judged silence; 0: never */
	unsigned max_hosts;
	int64_t last_id; /* ids up to this one were used before; only presence_new() looks at it */
};

/* A host as others see it: borrowed, valid until the next call that may change the presence. */
struct presence_host {
	int64_t id;			       /* of the store: 1, 2, 3, ... never used twice */
	struct addr addrs[PRESENCE_MAX_ADDRS]; /* the first is the one shown */
	unsigned n_addrs;
	unsigned network; /* index; n_networks: in none of them, watched by address only */
	bool configured;  /* presence_watch() named it */
	struct mac mac;	  /* zero: unknown */
	char *names[2];	  /* from the configuration; from the DNS; each may be NULL */
	enum presence_state state;
	uint8_t evidence; /* presence_evidence bits by which it was heard last */
	int64_t first_seen_ms, last_seen_ms,
		last_change_ms;	   /* wall clock; last_seen 0: never heard */
	int64_t silent_ms;	   /* judged silence since it was heard last */
	int64_t rtt_ns, jitter_ns; /* of the last answered burst; -1: none yet */
	double loss; /* over the last minute, of what the figures tell of; -1: nothing was sent */
	uint32_t revision; /* grows with every change that is worth keeping: not with figures */
	/*
	 * Of the round judged last, for the history; n_sent 0 when it was not judged. The figures
	 * are those of echo requests, or, for a host that never answered one, of ARP or neighbour
	 * solicitation: one probe a round.
	 */
	uint16_t n_sent, n_rtts;
	uint64_t rtts_ns[PRESENCE_MAX_BURST]; /* in order of arrival */
};

struct presence_event {
	enum presence_kind kind;
	int64_t time_ms;
	int64_t host; /* id, or 0 */
	struct addr addr;
	struct mac mac, old_mac;
	char text[240]; /* one sentence without full stop; may hold hostile bytes of names */
};

struct presence;

/* Return: NULL when out of memory. The configuration has been checked. */
struct presence *presence_new(const struct presence_config *config);
struct presence *presence_free(struct presence *p);

/*
 * Takes changed counts, thresholds and networks; hosts and states stay. The guard is lifted: tell
 * the links anew. @max_hosts is not looked at.
 */
void presence_configure(struct presence *p, const struct presence_config *config);

/**
 * presence_restore() - put back a host that the store knows, before the first round
 * @saved: id, addresses, MAC, state, evidence and times count; names are copied
 * Return: 0, -E_FULL, -ENOMEM, or -E_MALFORMED when an id or address is there twice, or a state or
 * time cannot be.
 */
MUST_CHECK int presence_restore(struct presence *p, const struct presence_host *saved);

/**
 * presence_watch() - a host to watch whether or not it was ever heard
 * @name: from the configuration, copied; may be NULL
 * Return: 0, -E_FULL, -ENOMEM. No event.
 */
MUST_CHECK int presence_watch(struct presence *p, struct presence_now now, const struct addr *addr,
			      const char *name);

/* No host is one of the configuration any more, nor has its name; presence_watch() follows. */
void presence_unwatch(struct presence *p);

/* Drops the hosts that are neither in a network nor of the configuration. No event. */
void presence_prune(struct presence *p);

/*
 * What the host is called; @which 0 or 1 as in names; NULL forgets it. What the DNS says is not
 * kept when it is what the configuration says. Return: 0, -E_NOT_FOUND, -ENOMEM.
 */
MUST_CHECK int presence_set_name(struct presence *p, int64_t id, unsigned which, const char *name);

/* A round begins: what is said to be sent and heard from here on is judged at its end. */
void presence_round_begin(struct presence *p, struct presence_now now);

/*
 * What was sent to a known address in this round: @n_echo ICMP echo requests, and @others by any
 * other means. Only what has left counts: not what failed on this machine.
 */
void presence_sent(struct presence *p, const struct addr *addr, unsigned n_echo, unsigned others);

/**
 * presence_heard() - @addr answered, or spoke by itself
 * @mac: the link-layer address that it gave; zero: unknown
 * @rtt_ns: of an ICMP answer that came in time, else 0: it then counts as a sign of life only
 * An unknown address within a network becomes a host. Outside of a round this counts as heard in
 * the next one. Return: 0, -E_NOT_FOUND (neither known nor in a network), -E_FULL, -ENOMEM.
 */
int presence_heard(struct presence *p, struct presence_now now, const struct addr *addr,
		   const struct mac *mac, enum presence_evidence by, uint64_t rtt_ns);

/*
 * The round is over: every host that something was sent to is judged. Then those that have been
 * silent for too long are forgotten, a bounded number in a round.
 */
void presence_round_end(struct presence *p, struct presence_now now);

/**
 * presence_link() - a link went down or came back
 * @networks: those that it leads to, a bit each; they are told in one event
 * @why: for people, "eth0 has no carrier"
 * Return: true when this changed the guard's state and hosts should be checked now.
 */
bool presence_link(struct presence *p, struct presence_now now, uint64_t networks, bool up,
		   const char *why);

/* An event of the caller's own: started. */
void presence_note(struct presence *p, struct presence_now now, enum presence_kind kind,
		   const char *text);

/* Takes the oldest event. Return: 1, or 0 when there is none. */
int presence_next_event(struct presence *p, struct presence_event *ret_event);

/* How many events were lost because memory for them was short. */
uint64_t presence_events_lost(const struct presence *p);

/* All hosts, in order of appearance: 0 <= @i < count. */
unsigned presence_n_hosts(const struct presence *p);
const struct presence_host *presence_host(const struct presence *p, unsigned i);

/* NULL when there is no such host. */
const struct presence_host *presence_by_id(const struct presence *p, int64_t id);
const struct presence_host *presence_by_addr(const struct presence *p, const struct addr *addr);

/* A host that was there and is no more. */
struct presence_gone {
	int64_t id;
	bool forgotten; /* was silent for too long; else the configuration does not want it now */
};

/* Those gone since presence_gone_clear(), borrowed until the next call. Return: how many. */
size_t presence_gone(const struct presence *p, const struct presence_gone **ret_gone);
void presence_gone_clear(struct presence *p);

/* Hosts of that state. */
unsigned presence_count(const struct presence *p, enum presence_state state);

/*
 * Changed since this was asked last: state, addresses, or figures by more than a tenth. For @i as
 * in presence_host().
 */
bool presence_take_changed(struct presence *p, unsigned i);

/* False while the guard holds for that network; for @network n_networks: for any of them. */
bool presence_connected(const struct presence *p, unsigned network);

#endif
