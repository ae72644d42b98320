/*
 * For the tests of the store: a fresh path for each, and a naive twin that keeps every burst and
 * computes from all of them.
 */
#ifndef SONDE_STORE_TWIN_H
#define SONDE_STORE_TWIN_H

#include "base/random.h"
#include "store/store.h"

#define START_MS 1700000100000 /* a quarter of an hour begins here */
#define MINUTE	 60000LL
#define HOUR	 (60 * MINUTE)

extern char path[64]; /* of the test that runs; there is nothing yet */

/* Setup and teardown of a test. */
int new_path(void **state);
int remove_path(void **state);

/* Opens @path, with defaults when @more is NULL; fails the test when that fails. */
struct store *open_with(const struct store_config *more);

/* Return: its id. */
int64_t put_host(struct store *s, int64_t id);
int64_t add_event(struct store *s, int64_t time_ms, int64_t host);

/* Ticks until all that is due is done. */
void tick(struct store *s, int64_t now_ms);

/* Rows of a table of the file. */
int64_t count(const char *table);

struct twin_burst {
	int64_t host, time_ms;
	unsigned sent, n;
	uint64_t rtts_ns[20];
};

struct twin {
	struct twin_burst *all;
	size_t n, cap;
};

struct twin_stats {
	unsigned sent, lost;
	double min, p10, p25, median, p75, p90, max, jitter;
};

/* Makes a burst up and keeps it; adds it to @s unless that is NULL. */
void twin_burst(struct twin *t, struct store *s, struct random *r, int64_t host, int64_t time_ms);

/* Of one host from @from to below @to. */
struct twin_stats twin_stats(const struct twin *t, int64_t host, int64_t from, int64_t to);

/* Equal but for what is cut when stored, 100 ns. */
void assert_near(double expected, uint64_t is);

/* Every bucket of a series that is no coarser than its source equals the twin's. */
void compare_series(struct store *s, const struct twin *t, int64_t host, int64_t from, int64_t to,
		    unsigned points, enum store_source source, int64_t step);

/* Bursts to hosts 1 to 3 and ticks, every @step. Host 2 has gaps, each has a phase of its own. */
void run_history(struct store *s, struct twin *t, struct random *r, int64_t from, int64_t to,
		 int64_t step);

#endif
