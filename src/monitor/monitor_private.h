/* What the files of the running monitor share among themselves. */
#ifndef SONDE_MONITOR_MONITOR_PRIVATE_H
#define SONDE_MONITOR_MONITOR_PRIVATE_H

#include "monitor/monitor.h"

struct history;
struct invite;
struct links;
struct names;
struct rounds;

struct monitor {
	uv_loop_t *loop;
	const struct monitor_config *config;
	struct presence_network presence_networks[PRESENCE_MAX_NETWORKS];
	struct presence *presence;
	struct store *store;
	struct history *history;
	struct rounds *rounds;
	struct links *links;
	struct names *names; /* NULL: the DNS is not asked */
	const struct monitor_listener *listeners[MONITOR_MAX_LISTENERS];
	unsigned n_listeners;
	int64_t started_ms;
	uint64_t n_rounds, probes_sent, probes_answered;
	uint64_t n_events[PRESENCE_N_KINDS];
	uint64_t n_events_lost;	     /* as far as they were told */
	struct monitor_host *sorted; /* all hosts, worst first, unless @stale */
	size_t n_sorted, cap_sorted;
	bool stale;
};

/* The two clocks, now. */
struct presence_now monitor_now(void);

/* Keeps and tells the events that presence has made since; after everything that may make some. */
void monitor_drain(struct monitor *m);

/* The same a moment later, so that many events share a transaction. */
void monitor_drain_soon(struct monitor *m);

/* A timer on the heap, whose memory goes when the loop has closed it. NULL: out of memory; NULL is
 * fine. */
uv_timer_t *monitor_timer(struct monitor *m, void *data);
void monitor_timer_free(uv_timer_t *timer);

/* A round was judged: keeps the samples, drains, tells who changed. @at_ms: when it began. */
void monitor_round_done(struct monitor *m, int64_t at_ms);

/* To all listeners: @n hosts that are not watched any more; what goes wrong, in a sentence. */
void monitor_tell_gone(struct monitor *m, const struct presence_gone *gone, size_t n);
void monitor_trouble(struct monitor *m, const char *format, ...) PRINTF(2, 3);

/* history.c: between presence and the store */
MUST_CHECK int history_new(struct monitor *m, struct history **ret_history);
struct history *history_free(struct history *h);

/* Puts the hosts of the store into the presence. */
MUST_CHECK int history_restore(struct history *h);

/*
 * Commits what presence has told, with the hosts that changed; only then @tell is called for each.
 * What could not be committed is tried again at the next call. Return: 0 or the store's error.
 */
int history_keep(struct history *h,
		 void (*tell)(struct monitor *m, const struct monitor_event *event));

/* The samples of the round just judged, and what changed in the hosts' rows. Return: like above. */
int history_round(struct history *h, int64_t at_ms);

/* rounds_io.c: what is sent when */
MUST_CHECK int rounds_new(struct monitor *m, struct fault *fault, struct rounds **ret_rounds);
MUST_CHECK int rounds_start(struct rounds *r, struct fault *fault);

/* A round as soon as the present one is over. */
void rounds_now(struct rounds *r);

/* Ends the runs under way: a link went down, and what is queued for it would only wait. */
void rounds_stop(struct rounds *r);

/* Somebody unknown or silent has spoken: is checked soon. */
void rounds_hint(struct rounds *r, const struct addr *addr);

/* Its handles close while the loop runs on. */
void rounds_free(struct rounds *r);

/* links_io.c: the links that lead to the networks, and who speaks on them */
MUST_CHECK int links_new(struct monitor *m, struct fault *fault, struct links **ret_links);

/* False while the link that leads to the network is known to be down. */
bool links_up(const struct links *l, unsigned network);

/* The interface that leads to the network, 0 when none is known. */
uint32_t links_index(const struct links *l, unsigned network);

/* Tells presence how the links are now, and watches them from here on. */
void links_start(struct links *l);
void links_free(struct links *l);

/* invite_io.c: who is on IPv6 networks. NULL when it cannot be asked: no memory, no permission. */
struct invite *invite_new(struct monitor *m);

/* Asks everybody on the networks that are due. */
void invite_look(struct invite *i, uint64_t now_ns);

/* Its handle closes while the loop runs on. NULL is fine. */
void invite_free(struct invite *i);

/* names_io.c: what the DNS calls the hosts */
MUST_CHECK int names_new(struct monitor *m, struct names **ret_names);

/* Asks for some of the hosts that were not asked for yet, or not for an hour. */
void names_look(struct names *n);
void names_free(struct names *n);

#endif
