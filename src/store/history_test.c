/* Samples and roll-ups against the naive twin: jumping clocks, retention, crashes, a full disk. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/twin.h"

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

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, new_path, remove_path)
		TEST(test_roll_ups_equal_the_twins),
		TEST(test_heat_equals_the_twin),
		TEST(test_clock_going_back_merges),
		TEST(test_clock_ahead_deletes_nothing),
		TEST(test_retention),
		TEST(test_kill_loses_nothing),
		TEST(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
