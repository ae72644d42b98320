#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/twin.h"

char path[64];

int new_path(void **state)
{
	(void)state;
	strcpy(path, "/tmp/store_test.XXXXXX");
	assert_non_null(mkdtemp(path));
	strcat(path, "/x.db");
	return 0;
}

int remove_path(void **state)
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

struct store *open_with(const struct store_config *more)
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

int64_t put_host(struct store *s, int64_t id)
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

void tick(struct store *s, int64_t now_ms)
{
	int more;

	while ((more = store_tick(s, now_ms)) == 1)
		;
	assert_int_equal(more, 0);
}

/* Makes one up and keeps it; adds it to @s unless that is NULL. */
void twin_burst(struct twin *t, struct store *s, struct random *r, int64_t host, int64_t time_ms)
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

static double at_rank(const double *v, size_t n, double p)
{
	double rank = p * (double)(n - 1), low = floor(rank);
	double next = rank > low ? v[(size_t)low + 1] : v[(size_t)low];

	return v[(size_t)low] * (1 - (rank - low)) + next * (rank - low);
}

/* Of one host from @from to below @to. */
struct twin_stats twin_stats(const struct twin *t, int64_t host, int64_t from, int64_t to)
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
void assert_near(double expected, uint64_t is)
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
void compare_series(struct store *s, const struct twin *t, int64_t host, int64_t from, int64_t to,
		    unsigned points, enum store_source source, int64_t step)
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

void run_history(struct store *s, struct twin *t, struct random *r, int64_t from, int64_t to,
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

int64_t count(const char *table)
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

int64_t add_event(struct store *s, int64_t time_ms, int64_t host)
{
	struct store_event event = {
		.time_ms = time_ms, .host = host, .kind = "inactive", .text = "it fell silent"
	};
	int64_t id = 0;

	assert_int_equal(store_event_add(s, &event, &id), 0);
	return id;
}
