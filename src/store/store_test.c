/* The store against naive computation, crashes, jumping clocks, foreign and damaged files. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/random.h"
#include "store/store.h"

#define START_MS 1700000100000 /* a quarter of an hour begins here */
#define MINUTE	 60000LL
#define HOUR	 (60 * MINUTE)

static char path[64];

static int new_path(void **state)
{
	(void)state;
	strcpy(path, "/tmp/store_test.XXXXXX");
	assert_non_null(mkdtemp(path));
	strcat(path, "/x.db");
	return 0;
}

static int remove_path(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	char name[96];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
	*strrchr(path, '/') = '\0';
	return rmdir(path);
}

static struct store *open_with(const struct store_config *more)
{
	struct store_config config = more ? *more : (struct store_config){ 0 };
	struct fault fault = { 0 };
	struct store *s = NULL;
	int err;

	config.path = path;
	err = store_open(&config, &s, &fault);
	if (err < 0)
		fail_msg("open: %s (%s)", fault.text, err_text(err));
	return s;
}

static int64_t put_host(struct store *s, int64_t id)
{
	static const uint8_t bytes[4] = { 10, 77, 0, 1 };
	struct store_host host = {
		.id = id,
		.addresses = { addr_ip4(bytes) },
		.n_addresses = 1,
		.network = "lan",
	};
	int64_t ret_id = 0;

	assert_int_equal(store_host_put(s, &host, &ret_id), 0);
	return ret_id;
}

static void tick(struct store *s, int64_t now_ms)
{
	int more;

	while ((more = store_tick(s, now_ms)) == 1)
		;
	assert_int_equal(more, 0);
}

/* --- the naive twin: keeps every burst --- */

struct twin_burst {
	int64_t host, time_ms;
	unsigned sent, n;
	uint64_t rtts_ns[20];
};

struct twin {
	struct twin_burst *all;
	size_t n, cap;
};

/* Makes one up and keeps it; adds it to @s unless that is NULL. */
static void twin_burst(struct twin *t, struct store *s, struct random *r, int64_t host,
		       int64_t time_ms)
{
	struct twin_burst *b;

	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 1024;
		t->all = realloc(t->all, t->cap * sizeof(*t->all));
		assert_non_null(t->all);
	}
	b = &t->all[t->n++];
	*b = (struct twin_burst){ host, time_ms, .sent = 1 + (unsigned)random_below(r, 10) };
	b->n = random_below(r, 4) ? b->sent : (unsigned)random_below(r, b->sent + 1);
	for (unsigned i = 0; i < b->n; i++)
		b->rtts_ns[i] = 100 * (1 + random_below(r, random_below(r, 9) ? 9999 : 99999999));
	if (s)
		assert_int_equal(store_burst_add(s, &(struct store_burst){ host, time_ms, b->sent,
									   b->n, b->rtts_ns }),
				 0);
}

static int double_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct twin_stats {
	unsigned sent, lost;
	double min, p10, p25, median, p75, p90, max, jitter;
};

static double at_rank(const double *v, size_t n, double p)
{
	double rank = p * (double)(n - 1), low = floor(rank);
	double next = rank > low ? v[(size_t)low + 1] : v[(size_t)low];

	return v[(size_t)low] * (1 - (rank - low)) + next * (rank - low);
}

/* Of one host from @from to below @to. */
static struct twin_stats twin_stats(const struct twin *t, int64_t host, int64_t from, int64_t to)
{
	struct twin_stats s = { 0 };
	double *v = malloc((t->n * 20 + 1) * sizeof(*v)), sum = 0;
	size_t n = 0, n_pairs = 0;

	assert_non_null(v);
	for (size_t i = 0; i < t->n; i++) {
		const struct twin_burst *b = &t->all[i];

		if (b->host != host || b->time_ms < from || b->time_ms >= to)
			continue;
		s.sent += b->sent;
		s.lost += b->sent - b->n;
		for (unsigned j = 0; j < b->n; j++) {
			v[n++] = (double)b->rtts_ns[j];
			if (j) {
				sum += fabs((double)b->rtts_ns[j] - (double)b->rtts_ns[j - 1]);
				n_pairs++;
			}
		}
	}
	if (n) {
		qsort(v, n, sizeof(*v), double_cmp);
		s.min = v[0];
		s.p10 = at_rank(v, n, .1);
		s.p25 = at_rank(v, n, .25);
		s.median = at_rank(v, n, .5);
		s.p75 = at_rank(v, n, .75);
		s.p90 = at_rank(v, n, .9);
		s.max = v[n - 1];
		s.jitter = n_pairs ? sum / (double)n_pairs : 0;
	}
	free(v);
	return s;
}

/* What is stored is cut to 100 ns. */
static void assert_near(double expected, uint64_t is)
{
	if (fabs(expected - (double)is) > 101)
		fail_msg("expected %.0f, is %.0f", expected, (double)is);
}

static void assert_stats(const struct twin_stats *t, const struct store_stats *s)
{
	assert_int_equal(t->sent, s->sent);
	assert_int_equal(t->lost, s->lost);
	if (t->sent == t->lost)
		return;
	assert_near(t->min, s->min_ns);
	assert_near(t->p10, s->p10_ns);
	assert_near(t->p25, s->p25_ns);
	assert_near(t->median, s->median_ns);
	assert_near(t->p75, s->p75_ns);
	assert_near(t->p90, s->p90_ns);
	assert_near(t->max, s->max_ns);
	assert_near(t->jitter, s->jitter_ns);
}

/* Every bucket of a series that is no coarser than its source equals the twin's. */
static void compare_series(struct store *s, const struct twin *t, int64_t host, int64_t from,
			   int64_t to, unsigned points, enum store_source source, int64_t step)
{
	struct store_series series;
	unsigned sent = 0;

	assert_int_equal(store_series(s, host, from, to, points, &series), 0);
	assert_int_equal(series.source, source);
	assert_int_equal(series.step_ms, step);
	assert_true(series.n <= points);
	assert_true(series.from_ms < from + step && series.from_ms > from - step);
	assert_true(series.from_ms + (int64_t)series.n * step >= to);
	for (size_t i = 0; i < series.n; i++) {
		int64_t at = series.from_ms + (int64_t)i * step;
		struct twin_stats stats = twin_stats(t, host, at, at + step);

		assert_stats(&stats, &series.buckets[i]);
		sent += series.buckets[i].sent;
	}
	assert_true(sent > 0);
	store_series_done(&series);
}

static void run_history(struct store *s, struct twin *t, struct random *r, int64_t from, int64_t to,
			int64_t step)
{
	for (int64_t now = from; now < to; now += step) {
		for (int64_t host = 1; host <= 3; host++) {
			/* Host 2 has gaps, host 3 a phase of its own. */
			if (host != 2 || random_below(r, 50))
				twin_burst(t, s, r, host, now + host * 1111);
		}
		tick(s, now);
	}
}

static void test_roll_ups_equal_the_twins(void **state)
{
	struct random r = random_of(1);
	struct store *s = open_with(NULL);
	struct twin t = { 0 };
	int64_t end = START_MS + 5 * HOUR + 7 * MINUTE, hour = (START_MS / HOUR + 1) * HOUR;

	(void)state;
	for (int64_t id = 1; id <= 3; id++)
		assert_int_equal(put_host(s, id), id);
	run_history(s, &t, &r, START_MS, START_MS + 3 * HOUR + 200000, 10000);
	/* A restart in between changes nothing. */
	store_free(s);
	s = open_with(NULL);
	run_history(s, &t, &r, START_MS + 3 * HOUR + 200000, end, 10000);
	for (int64_t host = 1; host <= 3; host++) {
		compare_series(s, &t, host, START_MS, START_MS + HOUR, 600, STORE_SAMPLES, 10000);
		compare_series(s, &t, host, end - HOUR, end, 600, STORE_SAMPLES, 10000);
		compare_series(s, &t, host, end - 5 * HOUR, end, 600, STORE_SAMPLES, 30000);
		compare_series(s, &t, host, end - 5 * HOUR, end, 300, STORE_MINUTES, MINUTE);
		compare_series(s, &t, host, hour, hour + 4 * HOUR, 4, STORE_HOURS, HOUR);
	}
	store_free(s);
	free(t.all);
}

static void test_heat_equals_the_twin(void **state)
{
	struct random r = random_of(2);
	struct store *s = open_with(NULL);
	struct twin t = { 0 };
	int64_t end = START_MS + 8 * HOUR + 7 * MINUTE;
	struct {
		int64_t span, step;
		unsigned buckets;
	} const cases[] = {
		{ 8 * HOUR, 15 * MINUTE, 48 },
		{ HOUR, 2 * MINUTE, 48 },
		{ 10 * MINUTE, 20000, 48 },
	};

	(void)state;
	for (int64_t id = 1; id <= 3; id++)
		put_host(s, id);
	run_history(s, &t, &r, START_MS, end, 10000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store_heat_query query = { end - cases[i].span, end, cases[i].buckets, 1,
						  5 };
		struct store_heat heat;

		assert_int_equal(store_heat(s, &query, &heat), 0);
		assert_int_equal(heat.n_hosts, 2); /* of three, the first is skipped */
		assert_int_equal(heat.n_total, 3);
		assert_int_equal(heat.step_ms, cases[i].step);
		for (size_t row = 0; row < heat.n_hosts; row++) {
			assert_int_equal(heat.hosts[row], row + 2);
			for (size_t j = 0; j < heat.n_buckets; j++) {
				int64_t at = heat.from_ms + (int64_t)j * heat.step_ms;
				struct store_heat_cell *c = &heat.cells[row * heat.n_buckets + j];
				struct twin_stats e =
					twin_stats(&t, heat.hosts[row], at, at + heat.step_ms);

				assert_int_equal(e.sent, c->sent);
				assert_int_equal(e.lost, c->lost);
				if (cases[i].step != 2 * MINUTE) /* joins two minutes */
					assert_near(e.median, c->median_ns);
			}
		}
		store_heat_done(&heat);
	}
	store_free(s);
	free(t.all);
}

/* --- clocks --- */

static unsigned sent_between(struct store *s, int64_t host, int64_t from, int64_t to)
{
	struct store_series series;
	unsigned sent = 0;

	assert_int_equal(store_series(s, host, from, to, 2000, &series), 0);
	for (size_t i = 0; i < series.n; i++)
		sent += series.buckets[i].sent;
	store_series_done(&series);
	return sent;
}

static void test_clock_going_back_merges(void **state)
{
	struct random r = random_of(3);
	struct store *s = open_with(NULL);
	struct twin t = { 0 };
	int64_t end = START_MS + 2 * HOUR;

	(void)state;
	for (int64_t id = 1; id <= 3; id++)
		put_host(s, id);
	run_history(s, &t, &r, START_MS, end, 10000);
	/* An hour again, 3 s beside the first time, and then on. */
	run_history(s, &t, &r, end - HOUR + 3000, end + HOUR, 10000);
	run_history(s, &t, &r, end + HOUR, end + 2 * HOUR, 10000);
	for (int64_t host = 1; host <= 3; host++) {
		compare_series(s, &t, host, START_MS, START_MS + 4 * HOUR, 1600, STORE_SAMPLES,
			       10000);
		compare_series(s, &t, host, START_MS, START_MS + 4 * HOUR, 240, STORE_MINUTES,
			       MINUTE);
	}
	store_free(s);
	free(t.all);
}

static void test_clock_ahead_deletes_nothing(void **state)
{
	struct random r = random_of(4);
	struct store *s = open_with(&(struct store_config){ .samples_days = 1, .hours_days = 2 });
	struct twin t = { 0 };
	int64_t later = START_MS + 20LL * 365 * 24 * HOUR;

	(void)state;
	for (int64_t id = 1; id <= 3; id++)
		put_host(s, id);
	run_history(s, &t, &r, START_MS, START_MS + 2 * HOUR, 10000);
	run_history(s, &t, &r, later, later + 2 * HOUR, 10000);
	run_history(s, &t, &r, START_MS + 2 * HOUR, START_MS + 3 * HOUR, 10000);
	compare_series(s, &t, 1, START_MS, START_MS + 3 * HOUR, 1100, STORE_SAMPLES, 10000);
	compare_series(s, &t, 1, later, later + 2 * HOUR, 800, STORE_SAMPLES, 10000);
	/* The same burst twice counts once; a clock that hops about between quarters loses nothing.
	 */
	for (int64_t i = 0; i < 100; i++) {
		int64_t time_ms = START_MS + 10 * HOUR + (i * 7 % 20) * STORE_SLOT_MS + i * 1000;
		uint64_t rtt_ns = 1000;

		for (int twice = 0; twice < 2; twice++)
			assert_int_equal(store_burst_add(s, &(struct store_burst){ 1, time_ms, 1, 1,
										   &rtt_ns }),
					 0);
		tick(s, time_ms);
	}
	assert_int_equal(sent_between(s, 1, START_MS + 10 * HOUR, START_MS + 15 * HOUR), 100);
	store_free(s);
	free(t.all);
}

/* --- retention --- */

static int64_t count(const char *table)
{
	char sql[64];
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int64_t n;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static int64_t add_event(struct store *s, int64_t time_ms, int64_t host)
{
	struct store_event event = {
		.time_ms = time_ms, .host = host, .kind = "inactive", .text = "it fell silent"
	};
	int64_t id = 0;

	assert_int_equal(store_event_add(s, &event, &id), 0);
	return id;
}

static void test_retention(void **state)
{
	struct store *s = open_with(&(struct store_config){ .interval_ms = MINUTE,
							    .samples_days = 1,
							    .minutes_days = 2,
							    .hours_days = 3,
							    .events_days = 1,
							    .max_events = 1000 });
	int64_t end = START_MS + 5 * 24 * HOUR;
	struct store_series series;

	(void)state;
	for (int64_t id = 1; id <= 3; id++)
		put_host(s, id);
	for (int64_t now = START_MS; now < end; now += MINUTE) {
		uint64_t rtt_ns = 100000;

		for (int64_t id = 1; id <= 3; id++) {
			struct store_burst burst = { id, now, 1, 1, &rtt_ns };

			assert_int_equal(store_burst_add(s, &burst), 0);
		}
		add_event(s, now, 1);
		tick(s, now);
	}
	assert_in_range(count("sample"), 3 * 95, 3 * 97);
	assert_in_range(count("minute"), 3 * 191, 3 * 193);
	assert_in_range(count("hour"), 3 * 71, 3 * 74);
	assert_in_range(count("slot"), 287, 289);
	assert_int_equal(count("event"), 1000);
	/* The coarser source steps in where the finer is gone. */
	assert_int_equal(store_series(s, 1, end - HOUR, end, 60, &series), 0);
	assert_int_equal(series.source, STORE_MINUTES);
	store_series_done(&series);
	assert_int_equal(store_series(s, 1, end - HOUR, end, 600, &series), 0);
	assert_int_equal(series.source, STORE_SAMPLES);
	store_series_done(&series);
	assert_int_equal(store_series(s, 1, end - 37 * HOUR, end - 36 * HOUR, 600, &series), 0);
	assert_int_equal(series.source, STORE_MINUTES);
	store_series_done(&series);
	assert_int_equal(store_series(s, 1, end - 61 * HOUR, end - 60 * HOUR, 600, &series), 0);
	assert_int_equal(series.source, STORE_HOURS);
	assert_true(series.buckets[0].sent > 0);
	store_series_done(&series);
	/* What comes late, where samples are gone, is added to the roll-ups. */
	for (int i = 0; i < 3; i++) {
		int64_t late = end - 36 * HOUR + 500 + i;

		assert_int_equal(store_burst_add(s, &(struct store_burst){ 1, late, 4, 0, NULL }),
				 0);
	}
	tick(s, end);
	assert_int_equal(sent_between(s, 1, end - 36 * HOUR, end - 36 * HOUR + MINUTE), 1 + 12);
	store_free(s);
}

/* --- events and hosts --- */

static int collect_ids(void *arg, const struct store_event *event)
{
	int64_t **at = arg;

	*(*at)++ = event->id;
	return 0;
}

static void test_event_queries(void **state)
{
	struct store *s = open_with(NULL);
	int64_t ids[8], *at = ids;

	(void)state;
	for (int i = 1; i <= 10; i++)
		assert_int_equal(add_event(s, START_MS + i, i % 2), i);
	assert_int_equal(
		store_events(s, &(struct store_event_query){ .limit = 3 }, collect_ids, &at), 0);
	assert_int_equal(at - ids, 3);
	assert_true(ids[0] == 10 && ids[1] == 9 && ids[2] == 8);
	at = ids;
	assert_int_equal(store_events(s,
				      &(struct store_event_query){ .before = 8,
								   .after = 3,
								   .host = 1,
								   .limit = 8,
								   .oldest_first = true },
				      collect_ids, &at),
			 0);
	assert_int_equal(at - ids, 2);
	assert_true(ids[0] == 5 && ids[1] == 7);
	/* Ids go on after a restart. */
	store_free(s);
	s = open_with(NULL);
	assert_int_equal(store_last_event(s), 10);
	assert_int_equal(add_event(s, START_MS, 0), 11);
	store_free(s);
}

static int check_host(void *arg, const struct store_host *host)
{
	unsigned *n = arg;
	struct addr expected;

	(*n)++;
	if (host->id != 7)
		return 0;
	assert_int_equal(host->n_addresses, 2);
	assert_int_equal(addr_parse("fd77::23", 8, &expected, NULL), 0);
	assert_true(addr_eq(&host->addresses[1], &expected));
	assert_int_equal(host->mac.bytes[5], 0x17);
	assert_int_equal(host->n_names, 2);
	assert_string_equal(host->names[0], "<script>\x01 \xff\"'");
	assert_string_equal(host->names[1], "b c");
	assert_string_equal(host->network, "lan");
	assert_true(host->state == 3 && host->evidence == 5 && host->first_seen_ms == 1 &&
		    host->last_seen_ms == 2 && host->last_change_ms == 3);
	return 0;
}

static void test_hosts_come_back(void **state)
{
	struct store *s = open_with(NULL);
	struct store_host host = { .id = 7,
				   .n_addresses = 2,
				   .mac = { { 2, 0, 0, 0, 0, 0x17 } },
				   .names = { "<script>\x01 \xff\"'", "b\nc" },
				   .n_names = 2,
				   .network = "lan",
				   .state = 3,
				   .evidence = 5,
				   .first_seen_ms = 1,
				   .last_seen_ms = 2,
				   .last_change_ms = 3 };
	int64_t id;
	unsigned n = 0;

	(void)state;
	assert_int_equal(addr_parse("10.77.0.23", 10, &host.addresses[0], NULL), 0);
	assert_int_equal(addr_parse("fd77::23", 8, &host.addresses[1], NULL), 0);
	assert_int_equal(store_host_put(s, &host, NULL), 0);
	assert_int_equal(store_host_put(s, &host, NULL), 0); /* again: replaced */
	id = put_host(s, 0);
	assert_true(id > 7);
	host.id = 1LL << 31;
	assert_int_equal(store_host_put(s, &host, NULL), -E_RANGE);
	store_free(s);
	s = open_with(NULL);
	assert_int_equal(store_hosts(s, check_host, &n), 0);
	assert_int_equal(n, 2);
	store_free(s);
}

static void test_transaction_is_all_or_nothing(void **state)
{
	struct store *s = open_with(NULL);
	struct store_host bad = { .id = -1, .network = "" };
	uint64_t rtt_ns = 1;
	unsigned n = 0;

	(void)state;
	assert_int_equal(store_begin(s), 0);
	put_host(s, 3);
	add_event(s, START_MS, 3);
	assert_int_equal(store_host_put(s, &bad, NULL), -E_RANGE);
	assert_int_equal(store_commit(s), -E_RANGE);
	assert_int_equal(store_last_event(s), 0);
	assert_int_equal(store_hosts(s, check_host, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(store_burst_add(s, &(struct store_burst){ 3, START_MS, 1, 1, &rtt_ns }),
			 -E_NOT_FOUND);
	assert_int_equal(store_begin(s), 0);
	put_host(s, 3);
	assert_int_equal(add_event(s, START_MS, 3), 1);
	assert_int_equal(store_commit(s), 0);
	store_free(s);
	assert_int_equal(count("event"), 1);
}

static void test_bad_bursts(void **state)
{
	struct store *s = open_with(NULL);
	uint64_t rtts_ns[STORE_MAX_SENT + 1] = { 1ULL << 41 };
	const struct store_burst bad[] = {
		{ 1, START_MS, 0, 0, rtts_ns },
		{ 1, START_MS, STORE_MAX_SENT + 1, 0, rtts_ns },
		{ 1, START_MS, 1, 2, rtts_ns },
		{ 1, START_MS, 1, 1, rtts_ns }, /* no answer takes so long */
		{ 1, -1, 1, 0, rtts_ns },
		{ 1, INT64_MAX, 1, 0, rtts_ns },
	};
	struct store_series series;

	(void)state;
	put_host(s, 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(store_burst_add(s, &bad[i]), -E_RANGE);
	assert_int_equal(store_series(s, 1, 5, 5, 10, &series), -E_RANGE);
	assert_int_equal(store_series(s, 1, -5, 5, 10, &series), -E_RANGE);
	assert_int_equal(store_series(s, 1, 0, 5, 0, &series), -E_RANGE);
	assert_int_equal(store_series(s, 1, 0, 5, STORE_MAX_POINTS + 1, &series), -E_RANGE);
	assert_int_equal(store_series(s, 2, 0, 5, 10, &series), -E_NOT_FOUND);
	store_free(s);
}

/* --- whose file --- */

static void assert_refused(int expected, const char *word)
{
	struct store_config config = { .path = path };
	struct fault fault = { 0 };
	struct store *s = NULL;

	assert_int_equal(store_open(&config, &s, &fault), expected);
	assert_null(s);
	if (!strstr(fault.text, word) || !strstr(fault.text, path))
		fail_msg("expected \"%s\" in \"%s\"", word, fault.text);
}

static void execute(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void overwrite(off_t at, const char *bytes, size_t n)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

static void test_foreign_files_are_refused(void **state)
{
	(void)state;
	execute("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)");
	assert_refused(-E_FOREIGN, "another program");
	assert_int_equal(count("mine"), 1);
	execute("DROP TABLE mine; PRAGMA application_id = 7");
	assert_refused(-E_FOREIGN, "another program");
	execute("PRAGMA application_id = 0x536f6e64; PRAGMA user_version = 99");
	assert_refused(-E_FOREIGN, "newer version");
	unlink(path);
	overwrite(0, "root:x:0:0:root:/root:/bin/bash\n", 32);
	assert_refused(-E_FOREIGN, "not an SQLite database");
}

static void test_second_writer_is_refused(void **state)
{
	struct store *s = open_with(NULL);

	(void)state;
	assert_refused(-EBUSY, "in use");
	store_free(s);
	store_free(open_with(NULL));
}

static void test_unreachable_paths_are_refused(void **state)
{
	char kept[64];

	(void)state;
	strcpy(kept, path);
	strcat(path, "/no/x.db");
	assert_refused(-ENOENT, "No such file");
	strcpy(path, kept);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(-EISDIR, "cannot open");
	assert_int_equal(rmdir(path), 0);
}

/* Every page of a good file in turn is overwritten: opening and reading may fail, never crash. */
static void test_damaged_files_do_no_harm(void **state)
{
	struct random r = random_of(5);
	struct store *s = open_with(NULL);
	struct twin t = { 0 };
	unsigned n_found = 0;
	struct stat st;
	char *good, garbage[4096];
	int fd;

	(void)state;
	for (int64_t id = 1; id <= 3; id++)
		put_host(s, id);
	run_history(s, &t, &r, START_MS, START_MS + 2 * HOUR, 10000);
	add_event(s, START_MS, 1);
	store_free(s);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && !fstat(fd, &st));
	good = malloc((size_t)st.st_size);
	assert_non_null(good);
	assert_int_equal(read(fd, good, (size_t)st.st_size), st.st_size);
	close(fd);
	for (off_t at = 0; at < st.st_size; at += 4096) {
		struct store_config config = { .path = path };
		struct store_series series;
		struct store_heat heat;
		struct fault fault = { 0 };
		int err;

		random_bytes(&r, garbage, sizeof(garbage));
		overwrite(0, good, (size_t)st.st_size);
		/* The head of the first page says that it is a database. */
		overwrite(at ? at : 100, garbage, at ? sizeof(garbage) : sizeof(garbage) - 100);
		s = NULL;
		err = store_open(&config, &s, &fault);
		if (err < 0) {
			assert_true(fault.text[0] != '\0');
			n_found++;
			continue;
		}
		err = store_series(s, 1, START_MS, START_MS + 2 * HOUR, 2000, &series);
		if (!err)
			store_series_done(&series);
		else
			n_found++;
		err = store_heat(
			s, &(struct store_heat_query){ START_MS, START_MS + 2 * HOUR, 10, 0, 9 },
			&heat);
		if (!err)
			store_heat_done(&heat);
		err = store_tick(s, START_MS + 2 * HOUR);
		n_found += err < 0;
		store_free(s);
	}
	assert_true(n_found > 0);
	/* Cut in the middle. */
	overwrite(0, good, (size_t)st.st_size);
	assert_int_equal(truncate(path, st.st_size / 2), 0);
	assert_refused(-E_MALFORMED, "damaged");
	free(good);
	free(t.all);
}

/* --- crashes --- */

/* What the child reports when it is on file: the newest event, and the virtual time. */
struct report {
	int64_t event, now_ms;
};

static void write_until_killed(int fd, uint64_t seed, int64_t start_ms)
{
	struct store *s = open_with(NULL);
	struct random r = random_of(seed);
	struct twin t = { 0 };

	for (int64_t now = start_ms; now < start_ms + 4 * HOUR; now += 10000) {
		struct report report = { .now_ms = now };

		for (int64_t host = 1; host <= 3; host++)
			twin_burst(&t, s, &r, host, now);
		report.event = add_event(s, now, 1);
		tick(s, now);
		if (write(fd, &report, sizeof(report)) < 0)
			_exit(1);
	}
	for (;;) /* as many as a series has points: the rest of the time it only waits */
		pause();
}

static int count_event(void *arg, const struct store_event *event)
{
	unsigned *n = arg;

	(void)event;
	(*n)++;
	return 0;
}

static void test_kill_loses_nothing(void **state)
{
	struct random r = random_of(6);
	int64_t start_ms = START_MS;
	struct store *s = open_with(NULL);

	(void)state;
	for (int64_t id = 1; id <= 3; id++)
		put_host(s, id);
	store_free(s);
	for (unsigned round = 0; round < 12; round++) {
		struct report report = { 0 }, last = { 0 };
		struct twin t = { 0 };
		struct random again;
		unsigned n = 0;
		int fds[2];
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (!pid) {
			close(fds[0]);
			write_until_killed(fds[1], round, start_ms);
		}
		close(fds[1]);
		/* Killed at a random moment after some hundred virtual rounds. */
		for (uint64_t reports = 50 + random_below(&r, 300); reports; reports--)
			assert_int_equal(read(fds[0], &last, sizeof(last)), sizeof(last));
		usleep((useconds_t)random_below(&r, 2000));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		while (read(fds[0], &report, sizeof(report)) == sizeof(report))
			last = report;
		close(fds[0]);

		s = open_with(NULL);
		assert_true(store_last_event(s) >= last.event);
		assert_int_equal(store_events(s,
					      &(struct store_event_query){ .before = last.event + 1,
									   .limit = 1000000 },
					      count_event, &n),
				 0);
		assert_int_equal(n, last.event);
		/* What the child wrote is made up again: all but the last 20 s must be there. */
		again = random_of(round);
		for (int64_t now = start_ms; now <= last.now_ms - 20000; now += 10000) {
			for (int64_t host = 1; host <= 3; host++)
				twin_burst(&t, NULL, &again, host, now);
		}
		compare_series(s, &t, 2, start_ms, last.now_ms - 20000, 1500, STORE_SAMPLES, 10000);
		store_free(s);
		start_ms = last.now_ms + 100000;
		free(t.all);
	}
}

/* A full disk: errors meanwhile, nothing lost afterwards. In a child, for the limit stays. */
static void test_full_disk(void **state)
{
	struct store *s = open_with(NULL);
	int status;
	pid_t pid;

	(void)state;
	for (int64_t id = 1; id <= 3; id++)
		put_host(s, id);
	store_free(s);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct rlimit full = { 4096, RLIM_INFINITY },
			      room = { RLIM_INFINITY, RLIM_INFINITY };
		struct random r = random_of(7);
		struct twin t = { 0 };
		unsigned n_errors = 0;

		signal(SIGXFSZ, SIG_IGN);
		s = open_with(NULL);
		setrlimit(RLIMIT_FSIZE, &full);
		for (int64_t now = START_MS; now < START_MS + HOUR / 2; now += 10000) {
			for (int64_t host = 1; host <= 3; host++)
				twin_burst(&t, s, &r, host, now);
			n_errors += store_tick(s, now) < 0;
		}
		setrlimit(RLIMIT_FSIZE, &room);
		tick(s, START_MS + HOUR / 2);
		compare_series(s, &t, 2, START_MS, START_MS + HOUR / 2, 200, STORE_SAMPLES, 10000);
		_exit(n_errors ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_only_the_owner_reads(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	mode_t mask = umask(0);
	struct store *s = open_with(NULL);
	struct stat st;
	char name[96];

	(void)state;
	umask(mask);
	put_host(s, 0);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		assert_int_equal(stat(name, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	store_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, new_path, remove_path)
		TEST(test_roll_ups_equal_the_twins),
		TEST(test_heat_equals_the_twin),
		TEST(test_clock_going_back_merges),
		TEST(test_clock_ahead_deletes_nothing),
		TEST(test_retention),
		TEST(test_only_the_owner_reads),
		TEST(test_event_queries),
		TEST(test_hosts_come_back),
		TEST(test_transaction_is_all_or_nothing),
		TEST(test_bad_bursts),
		TEST(test_foreign_files_are_refused),
		TEST(test_second_writer_is_refused),
		TEST(test_unreachable_paths_are_refused),
		TEST(test_damaged_files_do_no_harm),
		TEST(test_kill_loses_nothing),
		TEST(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
