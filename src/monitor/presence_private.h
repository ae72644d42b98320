/* What the files of presence share among themselves; presence.h tells the design. */
#ifndef SONDE_MONITOR_PRESENCE_PRIVATE_H
#define SONDE_MONITOR_PRESENCE_PRIVATE_H

#include "base/hash.h"
#include "monitor/presence.h"

/* What is known of one address of a host. MACs heard are judged at the end of the round. */
struct host_addr {
	struct mac mac, previous;
	struct mac heard[2];
	uint8_t n_heard;
	uint8_t since_change; /* rounds since @mac replaced @previous, up to 255 */
	uint8_t conflict;     /* rounds of quiet left until a conflict would be told again */
};

struct host {
	struct presence_host pub;
	struct host_addr addrs[PRESENCE_MAX_ADDRS]; /* as in @pub.addrs */
	bool up;		    /* hard state; meaningless while @pub.state is unknown */
	bool lossy, slow, flapping; /* why degraded */
	bool echoes; /* has ever answered an ICMP echo: only then are echoes what figures tell of */
	bool changed; /* since it was asked last */
	uint16_t streak_up, streak_down, streak_slow, streak_fast;
	uint32_t history; /* a bit a round, the last is bit 0 */
	uint8_t n_history;
	uint8_t minute_sent[PRESENCE_MINUTE_ROUNDS], minute_got[PRESENCE_MINUTE_ROUNDS];
	uint8_t minute_at, n_minute;
	double told_loss;
	int64_t told_rtt_ns;
	/* Of the round that is going on. */
	uint8_t evidence;
	uint16_t n_echo, n_others, n_rtts;
	uint64_t rtts_ns[PRESENCE_MAX_BURST];
	uint64_t link_rtt_ns; /* of ARP or neighbour solicitation; 0: not asked, or not answered */
};

/* The guard's view of one network. */
struct guard {
	bool link_down;	 /* told by presence_link() */
	bool told;	 /* self-down was told and self-up not yet */
	unsigned silent; /* rounds in a row in which all were silent at once */
	uint64_t since_ns;
};

struct presence {
	struct presence_config config;
	struct presence_network networks[PRESENCE_MAX_NETWORKS];
	struct guard
		guards[PRESENCE_MAX_NETWORKS + 1]; /* the last: hosts in no network, never held */
	struct host **hosts;
	unsigned n_hosts, cap_hosts;
	struct hash *by_id;   /* int64_t -> struct host * */
	struct hash *by_addr; /* struct addr_key -> struct host * */
	struct hash *by_mac;  /* struct mac -> struct host *, the first that had it */
	int64_t next_id;
	unsigned counts[PRESENCE_N_STATES];
	unsigned minute_rounds; /* how many rounds make a minute */
	struct presence_now last;
	struct presence_event *events; /* a queue: [@first_event, @n_events) */
	size_t first_event, n_events, cap_events;
	uint64_t events_lost;
	struct presence_gone *gone;
	size_t n_gone, cap_gone;
};

/*
 * Appends an event; @h may be NULL. The text is printf's. Return: the event, for more to be said,
 * valid until the next; NULL when there is no room.
 */
struct presence_event *presence_tell(struct presence *p, struct presence_now now,
				     enum presence_kind kind, const struct host *h,
				     const char *format, ...) PRINTF(5, 6);

/* Notes time going by, and tells when the wall clock left the monotonic one behind. */
void presence_clock(struct presence *p, struct presence_now now);

/* Changes a host's state and the counts. */
void presence_set_state(struct presence *p, struct host *h, enum presence_state state,
			struct presence_now now);

/* Forgets hosts that have been silent for too long. */
void presence_forget(struct presence *p);

/* Remembers @mac as that of address @i; the first host that has a MAC is the one others join. */
void presence_learn_mac(struct presence *p, struct host *h, unsigned i, const struct mac *mac);

/* "10.0.0.7 (ws3)"; "ARP and ICMP"; "40 s", "3 min", "2 h", "5 d" */
void buf_host(struct buf *b, const struct host *h);
void buf_evidence(struct buf *b, unsigned evidence);
void buf_span(struct buf *b, uint64_t ms);

#endif
