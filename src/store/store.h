/*
 * The monitor's history in one SQLite file: hosts, events, samples, roll-ups. The only user of
 * sqlite3.h.
 *
 * Events and hosts are committed when the call returns. Samples are collected in memory, written
 * once in 20 s as a tail (one row for all hosts), and sealed when their quarter of an hour is over:
 * one blob a host and quarter. Sealing computes the minute roll-ups, the row of the heat map, and
 * the hour roll-ups, all from the raw samples. So `kill -9` loses no event and at most 20 s of
 * samples.
 *
 * Times are wall-clock milliseconds since 1970. The clock may jump either way: keys are not taken
 * from it alone, a quarter that comes twice is merged, and retention counts recorded quarters in
 * the order of their recording, so that a clock that ran ahead for a while deletes nothing.
 *
 * One object belongs to one thread (the loop's). Nothing here blocks longer than some milliseconds
 * with 1,000 hosts; store_tick() splits long work. Other programs may read the file meanwhile.
 */
#ifndef SONDE_STORE_STORE_H
#define SONDE_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

#define STORE_MAX_HOSTS	    65536
#define STORE_MAX_ADDRESSES 16
#define STORE_MAX_NAMES	    8
#define STORE_MAX_NAME_LEN  255
#define STORE_MAX_TEXT_LEN  1000 /* of an event; what is longer is cut */
#define STORE_MAX_SENT	    64	 /* probes in one burst */
#define STORE_MAX_POINTS    2000 /* of one series */
#define STORE_MAX_BUCKETS   96	 /* of one heat map */
#define STORE_SLOT_MS	    (15 * 60 * 1000)

struct store;

struct store_config {
	const char *path;    /* created when missing; "PATH.lock" appears beside it */
	int64_t interval_ms; /* between two bursts of a host, the finest step of a series; 0: 10 s
			      */
	/* Days of recorded time to keep; 0: the default. */
	unsigned samples_days; /* 2 */
	unsigned minutes_days; /* 30; the heat map too */
	unsigned hours_days;   /* 730 */
	unsigned events_days;  /* 365 */
	uint64_t max_events;   /* and the newest so many; 0: 500,000 */
};

/**
 * store_open() - open or create the file, take it for writing, and take up the unsealed tail
 * @fault: may be NULL; what is wrong and what to do
 * Return: 0, -E_FOREIGN (not SQLite, another program's, or a newer version's), -EBUSY (another
 * process writes it), -E_MALFORMED (damaged), -errno, -ENOMEM.
 */
MUST_CHECK int store_open(const struct store_config *config, struct store **ret_store,
			  struct fault *fault);

/* Writes the tail, closes, frees. NULL is fine. */
struct store *store_free(struct store *s);

/* The last error in words, for a log: "/var/lib/sonde/x.db: disk I/O error"; "" without any. */
const char *store_error(const struct store *s);

/*
 * Joins what is written until store_commit() into one transaction, so that an event and the host's
 * new state are there together or not at all. Does not nest. store_commit() returns 0 or the first
 * error since store_begin(), and then nothing was written.
 */
MUST_CHECK int store_begin(struct store *s);
MUST_CHECK int store_commit(struct store *s);

/* A host as the file knows it. @state and @evidence are the monitor's numbers. */
struct store_host {
	int64_t id;				    /* 1 to 2^31 - 1; 0: new, the store gives one */
	struct addr addresses[STORE_MAX_ADDRESSES]; /* the main one first */
	unsigned n_addresses;
	struct mac mac;			    /* all zero: not known */
	const char *names[STORE_MAX_NAMES]; /* from the network: any bytes but NUL */
	unsigned n_names;
	const char *network;
	unsigned state;
	uint32_t evidence;
	int64_t first_seen_ms, last_seen_ms, last_change_ms; /* 0: never */
	int64_t silent_ms;				     /* as the monitor counts it */
};

/**
 * store_host_put() - add a host, or replace what is known of the one with that id
 * @ret_id: may be NULL
 * Return: 0, -E_FULL (STORE_MAX_HOSTS), -E_RANGE (the id, or too many addresses or names), or an
 * error as store_error() tells.
 */
MUST_CHECK int store_host_put(struct store *s, const struct store_host *host, int64_t *ret_id);

/*
 * Takes a host and its history away; its events stay, and its id is not given again. The history's
 * rows go in the ticks that follow. Not within store_begin(). Return: 0, also when there is no such
 * host, or an error as store_error() tells.
 */
MUST_CHECK int store_host_delete(struct store *s, int64_t id);

/* The highest id that a host ever had, 0 when there was none. */
int64_t store_last_host(const struct store *s);

/**
 * store_hosts() - every host, by id; the texts are borrowed for the call
 * @each: a negative return ends the walk and is returned
 */
MUST_CHECK int store_hosts(struct store *s, int (*each)(void *arg, const struct store_host *host),
			   void *arg);

struct store_event {
	int64_t id; /* given by the store, ascending, never used twice */
	int64_t time_ms;
	int64_t host;		 /* 0: none */
	struct addr address;	 /* may be none */
	const char *kind;	 /* "inactive": as docs/api.md lists them */
	const char *text;	 /* a sentence; any bytes but NUL */
	struct mac mac, old_mac; /* all zero: none */
};

/* Adds one event; it is on file when this returns (or when store_commit() does). @event->id is
 * ignored. */
MUST_CHECK int store_event_add(struct store *s, const struct store_event *event, int64_t *ret_id);

struct store_event_query {
	int64_t before, after; /* ids, both excluded; 0: no bound */
	int64_t host;	       /* 0: all */
	unsigned limit;
	bool oldest_first; /* for replay; else newest first */
};

/* Events with their texts borrowed for the call of @each, whose negative return ends the walk. */
MUST_CHECK int store_events(struct store *s, const struct store_event_query *query,
			    int (*each)(void *arg, const struct store_event *event), void *arg);

/* The id of the newest event ever, 0 when there was none. Costs nothing. */
int64_t store_last_event(const struct store *s);

/* One burst of probes to one host. */
struct store_burst {
	int64_t host;
	int64_t time_ms; /* when the first left; at most one burst a host and millisecond counts */
	unsigned sent;	 /* 1 to STORE_MAX_SENT */
	unsigned n_rtts; /* answered, at most @sent; the rest is lost */
	const uint64_t *rtts_ns; /* in the order of sending; kept to 100 ns */
};

/*
 * Takes a burst into memory; nothing is written. Return: 0, -E_RANGE (@sent, @n_rtts, time before
 * 1970 or after 2200), -E_NOT_FOUND (no such host), -ENOMEM.
 */
MUST_CHECK int store_burst_add(struct store *s, const struct store_burst *burst);

/**
 * store_tick() - do what is due: write the tail, seal, roll up, delete what is too old
 * @now_ms: wall clock
 * To be called about once a second; one call does a bounded part of the work (some milliseconds).
 * Return: 0, 1 when there is more to do at once, or an error; what failed is tried again next time.
 */
MUST_CHECK int store_tick(struct store *s, int64_t now_ms);

/* Writes the tail now. */
MUST_CHECK int store_flush(struct store *s);

/*
 * What is told of the probes of one span. Percentiles are interpolated linearly between neighbours
 * in rank; those of a span that joins several minutes or hours are the means of theirs, weighted by
 * answers. Without any answer the times are 0 and mean nothing.
 */
struct store_stats {
	uint32_t sent, lost;
	uint64_t min_ns, p10_ns, p25_ns, median_ns, p75_ns, p90_ns, max_ns;
	uint64_t jitter_ns; /* mean difference of neighbours within a burst */
};

enum store_source { STORE_SAMPLES, STORE_MINUTES, STORE_HOURS };

struct store_series {
	int64_t from_ms, step_ms; /* bucket i begins at from_ms + i * step_ms */
	enum store_source source;
	size_t n;		     /* at most the points asked for */
	struct store_stats *buckets; /* @sent 0: no probe */
};

/**
 * store_series() - latency and loss of one host over time
 * @from_ms, @to_ms: 0 <= from < to, at most 10 years apart
 * @points: 1 to STORE_MAX_POINTS
 * @ret_series: to be ended with store_series_done()
 * Return: 0, -E_RANGE, -E_NOT_FOUND (no such host), or an error. Up to the last burst added.
 */
MUST_CHECK int store_series(struct store *s, int64_t host, int64_t from_ms, int64_t to_ms,
			    unsigned points, struct store_series *ret_series);
void store_series_done(struct store_series *series);

struct store_heat_cell {
	uint32_t sent, lost; /* @sent 0: no data */
	uint64_t median_ns;
};

struct store_heat_query {
	int64_t from_ms, to_ms;
	unsigned buckets;     /* 1 to STORE_MAX_BUCKETS */
	size_t offset, limit; /* of the hosts by id */
};

struct store_heat {
	int64_t from_ms, step_ms;
	size_t n_buckets, n_hosts;
	size_t n_total;		       /* hosts that there are */
	int64_t *hosts;		       /* ids, ascending */
	struct store_heat_cell *cells; /* n_hosts rows of n_buckets */
};

/**
 * store_heat() - hosts over time
 * There may be fewer buckets than asked for: a step is at least an interval, a minute (spans over
 * 15 minutes) or a quarter of an hour (spans over 6 hours). Return: 0, -E_RANGE (as
 * store_series()), or an error. To be ended with store_heat_done().
 */
MUST_CHECK int store_heat(struct store *s, const struct store_heat_query *query,
			  struct store_heat *ret_heat);
void store_heat_done(struct store_heat *heat);

#endif
