/* The file: hosts, events, transactions; foreign, damaged and locked ones. */ #include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/twin.h"

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
		    host->last_seen_ms == 2 && host->last_change_ms == 3 && host->silent_ms == 4);
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
				   .last_change_ms = 3,
				   .silent_ms = 4 };
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

/* Its history goes, also what was not sealed yet; others keep theirs, and its id is not given
 * again.
 */
static void test_deleted_host(void **state)
{
	struct random r = random_of(6);
	struct store *s = open_with(NULL);
	struct store_series series;
	struct twin t = { 0 };
	int64_t end = START_MS + 3 * HOUR + 7 * MINUTE;

	(void)state;
	for (int64_t id = 1; id <= 3; id++)
		put_host(s, id);
	run_history(s, &t, &r, START_MS, end, 10000);
	add_event(s, end, 3);
	assert_int_equal(store_flush(s), 0);
	assert_true(count("sample WHERE id >> 32 = 1") > 0);
	assert_int_equal(store_host_delete(s, 1), 0);
	assert_int_equal(store_host_delete(s, 3), 0);
	assert_int_equal(store_series(s, 1, START_MS, end, 10, &series), -E_NOT_FOUND);
	store_free(s); /* amid the deletion: the tail still has them */
	s = open_with(NULL);
	tick(s, end);
	for (size_t i = 0; i < 3; i++) {
		static const char *const tables[][2] = {
			{ "sample WHERE id >> 32 != 2", "sample WHERE id >> 32 = 2" },
			{ "minute WHERE id >> 32 != 2", "minute WHERE id >> 32 = 2" },
			{ "hour WHERE id >> 32 != 2", "hour WHERE id >> 32 = 2" },
		};

		assert_int_equal(count(tables[i][0]), 0);
		assert_true(count(tables[i][1]) > 0);
	}
	assert_int_equal(count("host"), 1);
	assert_int_equal(count("gone"), 0);
	assert_int_equal(count("event WHERE host = 3"), 1);
	compare_series(s, &t, 2, end - HOUR, end, 600, STORE_SAMPLES, 10000);
	assert_int_equal(store_last_host(s), 3);
	assert_int_equal(put_host(s, 0), 4);
	assert_int_equal(store_host_delete(s, 9), 0); /* there never was one */
	store_free(s);
	free(t.all);
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

static void test_older_format_is_taken_up(void **state)
{
	struct store *s = open_with(NULL);

	(void)state;
	assert_int_equal(put_host(s, 3), 3);
	store_free(s);
	execute("ALTER TABLE host DROP COLUMN silence; DROP TABLE gone; PRAGMA user_version = 1");
	s = open_with(NULL);
	assert_int_equal(put_host(s, 3), 3);
	assert_int_equal(put_host(s, 0), 4);
	assert_int_equal(store_host_delete(s, 4), 0);
	store_free(s);
	assert_int_equal(count("host WHERE silence = 0"), 1);
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
		TEST(test_event_queries),
		TEST(test_hosts_come_back),
		TEST(test_transaction_is_all_or_nothing),
		TEST(test_bad_bursts),
		TEST(test_deleted_host),
		TEST(test_older_format_is_taken_up),
		TEST(test_foreign_files_are_refused),
		TEST(test_second_writer_is_refused),
		TEST(test_unreachable_paths_are_refused),
		TEST(test_damaged_files_do_no_harm),
		TEST(test_only_the_owner_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
