/*
 * The file: opening it safely, its tables, hosts and events.
 *
 *   host     what the monitor knows of a host
 *   gone     hosts that were deleted, and whose history is still to be
 *   event    what happened; ids are never used twice
 *   tail     samples not sealed yet: (host, length, bursts)… of one slot a row
 *   slot     a quarter of an hour that was recorded: seq is the order of recording, kept how much
 * of it is left (enum kept), event the newest event's id when it began, heat a row of the heat map
 *   sample, minute, hour   blobs as codec.h describes; id is host << 32 | quarters (hour: hours)
 *            since 1970, so that one host's history lies together in one tree
 *
 * WAL with synchronous=NORMAL: what is committed survives the end of the process at any moment; a
 * power failure may undo the last commits, but never damages the file.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/private.h"

#define APPLICATION_ID 0x536f6e64 /* "Sond" */
#define USER_VERSION   2

static const char schema[] =
	"CREATE TABLE host (id INTEGER PRIMARY KEY AUTOINCREMENT, addresses TEXT NOT NULL,"
	" mac TEXT, names TEXT NOT NULL, network TEXT NOT NULL, state INTEGER NOT NULL,"
	" evidence INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,"
	" last_change INTEGER NOT NULL, silence INTEGER NOT NULL) STRICT;"
	"CREATE TABLE gone (id INTEGER PRIMARY KEY) STRICT;"
	"CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL,"
	" host INTEGER NOT NULL, address TEXT, kind TEXT NOT NULL, text TEXT NOT NULL, mac TEXT,"
	" old_mac TEXT) STRICT;"
	"CREATE INDEX event_host ON event (host, id);"
	"CREATE TABLE tail (seq INTEGER PRIMARY KEY AUTOINCREMENT, slot INTEGER NOT NULL,"
	" data BLOB NOT NULL) STRICT;"
	"CREATE TABLE slot (seq INTEGER PRIMARY KEY AUTOINCREMENT, slot INTEGER NOT NULL UNIQUE,"
	" kept INTEGER NOT NULL, event INTEGER NOT NULL, heat BLOB) STRICT;"
	"CREATE INDEX slot_kept ON slot (kept, seq);"
	"CREATE TABLE sample (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
	"CREATE TABLE minute (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
	"CREATE TABLE hour (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;";

/* What came with format 2. */
static const char upgrade[] =
	"BEGIN IMMEDIATE; ALTER TABLE host ADD COLUMN silence INTEGER NOT NULL DEFAULT 0;"
	" CREATE TABLE gone (id INTEGER PRIMARY KEY) STRICT; PRAGMA user_version = 2; COMMIT";

/* Deletes a part of a host's rows, keys ?1 to ?2. */
#define DELETE_SOME(table)                  \
	"DELETE FROM " table " WHERE id IN" \
	" (SELECT id FROM " table " WHERE id BETWEEN ? AND ? LIMIT 500)"

#define EVENT_COLUMNS "SELECT id, time, host, address, kind, text, mac, old_mac FROM event "

static const char *const query_texts[N_QUERIES] = {
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_HOST_PUT] = "INSERT INTO host VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id)"
		       " DO UPDATE SET addresses = ?2, mac = ?3, names = ?4, network = ?5,"
		       " state = ?6, evidence = ?7, first_seen = ?8, last_seen = ?9,"
		       " last_change = ?10, silence = ?11",
	[Q_HOSTS] = "SELECT * FROM host ORDER BY id",
	[Q_HOST_LAST] = "SELECT seq FROM sqlite_sequence WHERE name = 'host'",
	[Q_HOST_DELETE] = "DELETE FROM host WHERE id = ?",
	[Q_GONE_ADD] = "INSERT OR IGNORE INTO gone VALUES (?)",
	[Q_GONE] = "SELECT id FROM gone LIMIT 1",
	[Q_GONE_SAMPLES] = DELETE_SOME("sample"),
	[Q_GONE_MINUTES] = DELETE_SOME("minute"),
	[Q_GONE_HOURS] = DELETE_SOME("hour"),
	[Q_GONE_DELETE] = "DELETE FROM gone WHERE id = ?",
	[Q_EVENT_ADD] = "INSERT INTO event VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
	[Q_EVENT_LAST] = "SELECT seq FROM sqlite_sequence WHERE name = 'event'",
	[Q_EVENTS_DOWN] = EVENT_COLUMNS "WHERE id < ? AND id > ? ORDER BY id DESC LIMIT ?",
	[Q_EVENTS_UP] = EVENT_COLUMNS "WHERE id < ? AND id > ? ORDER BY id LIMIT ?",
	[Q_EVENTS_DOWN_HOST] = EVENT_COLUMNS
	"WHERE id < ? AND id > ? AND host = ?4 ORDER BY id DESC LIMIT ?3",
	[Q_EVENTS_UP_HOST] = EVENT_COLUMNS
	"WHERE id < ? AND id > ? AND host = ?4 ORDER BY id LIMIT ?3",
	[Q_EVENTS_DELETE] = "DELETE FROM event WHERE id IN"
			    " (SELECT id FROM event WHERE id <= ? ORDER BY id LIMIT 1000)",
	[Q_TAIL_ADD] = "INSERT INTO tail VALUES (NULL, ?, ?)",
	[Q_TAILS] = "SELECT slot, data FROM tail ORDER BY seq",
	[Q_TAIL_DELETE] = "DELETE FROM tail WHERE slot NOT IN (?, ?)",
	/* A conflict would use up a number of the sequence, by whose gaps retention would count. */
	[Q_SLOT_ADD] = "INSERT INTO slot SELECT NULL, ?1, ?2, ?3, NULL"
		       " WHERE NOT EXISTS (SELECT 1 FROM slot WHERE slot = ?1)",
	[Q_SLOT_KEPT] = "SELECT min(kept) FROM slot WHERE slot BETWEEN ? AND ?",
	[Q_SLOT_HEAT] = "SELECT heat FROM slot WHERE slot = ?",
	[Q_SLOT_HEAT_PUT] = "UPDATE slot SET heat = ?2 WHERE slot = ?1",
	[Q_SLOTS_HEAT] = "SELECT slot, heat FROM slot WHERE slot BETWEEN ? AND ?"
			 " AND heat IS NOT NULL ORDER BY slot",
	[Q_SLOT_OLD] = "SELECT slot FROM slot WHERE kept = ?1 AND seq <="
		       " (SELECT max(seq) FROM slot) - ?2 ORDER BY seq LIMIT 1",
	[Q_SLOT_EVENT] = "SELECT event FROM slot WHERE seq <="
			 " (SELECT max(seq) FROM slot) - ? ORDER BY seq DESC LIMIT 1",
	[Q_SLOT_KEEP] = "UPDATE slot SET kept = ?2, heat = CASE ?2 WHEN 2 THEN heat END"
			" WHERE slot = ?1",
	[Q_SLOT_DELETE] = "DELETE FROM slot WHERE slot = ?",
	[Q_SAMPLES] = "SELECT id, data FROM sample WHERE id BETWEEN ? AND ? ORDER BY id",
	[Q_SAMPLE_PUT] = "INSERT OR REPLACE INTO sample VALUES (?, ?)",
	[Q_SAMPLES_DELETE] = "DELETE FROM sample WHERE id IN (SELECT id << 32 | ? FROM host)",
	[Q_MINUTES] = "SELECT id, data FROM minute WHERE id BETWEEN ? AND ? ORDER BY id",
	[Q_MINUTE_PUT] = "INSERT OR REPLACE INTO minute VALUES (?, ?)",
	[Q_MINUTES_DELETE] = "DELETE FROM minute WHERE id IN (SELECT id << 32 | ? FROM host)",
	[Q_HOURS] = "SELECT id, data FROM hour WHERE id BETWEEN ? AND ? ORDER BY id",
	[Q_HOUR_PUT] = "INSERT OR REPLACE INTO hour VALUES (?, ?)",
	[Q_HOURS_DELETE] = "DELETE FROM hour WHERE id IN (SELECT id << 32 | ? FROM host)",
};

static int store_fails(struct store *s, int rc)
{
	snprintf(s->error, sizeof(s->error), "%s: %s", s->path,
		 s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_NOTADB:
		return -E_FOREIGN;
	case SQLITE_CORRUPT:
	case SQLITE_CONSTRAINT:
	case SQLITE_ERROR: /* a table is missing, or not as it should be */
		return -E_MALFORMED;
	default:
		return -EIO;
	}
}

void store_bind(struct store *s, enum query q, int at, int64_t v)
{
	s->bind_err |= sqlite3_bind_int64(s->queries[q], at, v);
}

void store_bind_text(struct store *s, enum query q, int at, const char *text, size_t len)
{
	s->bind_err |=
		sqlite3_bind_text64(s->queries[q], at, text, len, SQLITE_STATIC, SQLITE_UTF8);
}

void store_bind_blob(struct store *s, enum query q, int at, const void *bytes, size_t len)
{
	/* A NULL pointer would bind NULL. */
	s->bind_err |=
		sqlite3_bind_blob64(s->queries[q], at, bytes ? bytes : "", len, SQLITE_STATIC);
}

void store_reset(struct store *s, enum query q)
{
	sqlite3_reset(s->queries[q]);
	sqlite3_clear_bindings(s->queries[q]);
}

int store_step(struct store *s, enum query q)
{
	int rc = s->bind_err ? SQLITE_NOMEM : sqlite3_step(s->queries[q]);
	int err = 0;

	s->bind_err = 0;
	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		err = store_fails(s, rc);
	store_reset(s, q);
	return err;
}

int store_run(struct store *s, enum query q)
{
	int err = store_step(s, q);

	if (err == 1)
		store_reset(s, q);
	return MIN(err, 0);
}

int64_t store_column(struct store *s, enum query q, int at)
{
	return sqlite3_column_int64(s->queries[q], at);
}

struct cursor store_column_blob(struct store *s, enum query q, int at)
{
	const void *bytes = sqlite3_column_blob(s->queries[q], at);

	return cursor_of(bytes, (size_t)sqlite3_column_bytes(s->queries[q], at));
}

/* Never NULL. */
static const char *column_text(struct store *s, enum query q, int at)
{
	const unsigned char *text = sqlite3_column_text(s->queries[q], at);

	return text ? (const char *)text : "";
}

const char *store_error(const struct store *s)
{
	return s->error;
}

int store_begin(struct store *s)
{
	int err = store_run(s, Q_BEGIN);

	if (err < 0)
		return err;
	s->in_tx = true;
	s->tx_err = 0;
	s->tx_last_event = s->last_event;
	s->tx_n_hosts = s->n_hosts;
	return 0;
}

int store_commit(struct store *s)
{
	int err = store_tx_end(s, s->tx_err);

	s->in_tx = false;
	if (!err)
		return 0;
	s->last_event = s->tx_last_event;
	while (s->n_hosts > s->tx_n_hosts) {
		struct open_host *host = &s->hosts[--s->n_hosts];

		hash_remove(s->host_index, &host->id);
		store_blocks_done(host);
	}
	return err;
}

/* Keeps the first error of a transaction. */
static int in_tx(struct store *s, int err)
{
	if (err < 0 && !s->tx_err)
		s->tx_err = err;
	return err;
}

int store_tx_end(struct store *s, int err)
{
	if (!err)
		err = store_run(s, Q_COMMIT);
	if (err < 0 && !sqlite3_get_autocommit(s->db)) {
		int ignored = store_run(s, Q_ROLLBACK); /* what matters is the first error */

		(void)ignored;
	}
	return err;
}

/* --- opening --- */

static int open_fails(struct store *s, struct fault *fault, int err)
{
	if (err == -E_MALFORMED)
		fault_set(fault, 0, "%s is damaged (%s); move it away and a new one is made",
			  s->path, s->error[0] ? s->error : err_text(err));
	else if (err == -E_FOREIGN)
		fault_set(fault, 0, "%s is not an SQLite database; give another path", s->path);
	else if (err == -ENOMEM)
		fault_set(fault, 0, "out of memory");
	else
		fault_set(fault, 0, "%s", s->error[0] ? s->error : err_text(err));
	return err;
}

/* One process writes: the lock goes with the process, whatever its end. */
static int take_lock(struct store *s, struct fault *fault)
{
	char name[4200];
	int err;

	if (snprintf(name, sizeof(name), "%s.lock", s->path) >= (int)sizeof(name)) {
		fault_set(fault, 0, "the path of the database is too long");
		return -ENAMETOOLONG;
	}
	s->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0) {
		err = -errno;
		fault_set(fault, 0, "cannot create %s: %s", name, err_text(err));
		return err;
	}
	if (!flock(s->lock_fd, LOCK_EX | LOCK_NB))
		return 0;
	err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (err == -EBUSY)
		fault_set(fault, 0,
			  "%s is in use by another monitor; stop that one, or give another path",
			  s->path);
	else
		fault_set(fault, 0, "cannot lock %s: %s", name, err_text(err));
	return err;
}

/* A number that a statement gives: PRAGMA user_version. */
static int ask(struct store *s, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return store_fails(s, rc);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : store_fails(s, rc);
}

static int execute(struct store *s, const char *sql)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : store_fails(s, rc);
}

/* Whose file is it? An empty one becomes ours, all at once. */
static int identify(struct store *s, struct fault *fault)
{
	int64_t application = 0, version = 0, n_tables = 0;
	char stamp[96];
	int err;

	if ((err = ask(s, "PRAGMA application_id", &application)) < 0 ||
	    (err = ask(s, "PRAGMA user_version", &version)) < 0 ||
	    (err = ask(s, "SELECT count(*) FROM sqlite_schema", &n_tables)) < 0)
		return open_fails(s, fault, err);
	if (application == APPLICATION_ID && version > USER_VERSION) {
		fault_set(
			fault, 0,
			"%s was made by a newer version (format %d, this one knows %d); update, or give another path",
			s->path, (int)version, USER_VERSION);
		return -E_FOREIGN;
	}
	if (application != APPLICATION_ID && (application || version || n_tables)) {
		fault_set(fault, 0, "%s is another program's database; give another path", s->path);
		return -E_FOREIGN;
	}
	if (application == APPLICATION_ID && n_tables) {
		err = version < USER_VERSION ? execute(s, upgrade) : 0;
		return err < 0 ? open_fails(s, fault, err) : 0;
	}
	snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 APPLICATION_ID, USER_VERSION);
	if ((err = execute(s, "BEGIN IMMEDIATE")) < 0 || (err = execute(s, schema)) < 0 ||
	    (err = execute(s, stamp)) < 0 || (err = execute(s, "COMMIT")) < 0)
		return open_fails(s, fault, err);
	return 0;
}

static int open_file(struct store *s, struct fault *fault)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_EXRESCODE;
	/* Who was there and when is its owner's alone; SQLite would let everybody read a new file.
	 */
	int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int rc, err;

	if (fd >= 0)
		close(fd);
	rc = sqlite3_open_v2(s->path, &s->db, flags, NULL);
	if (rc != SQLITE_OK) {
		int reason = s->db ? sqlite3_system_errno(s->db) : 0;

		err = reason ? -reason : -EIO;
		fault_set(fault, 0, "cannot open %s: %s", s->path, err_text(err));
		return err;
	}
	sqlite3_busy_timeout(s->db, 200);
	err = identify(s, fault);
	if (err < 0)
		return err;
	err = execute(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
			 " PRAGMA cache_size = -16000; PRAGMA trusted_schema = OFF");
	for (unsigned i = 0; !err && i < N_QUERIES; i++) {
		rc = sqlite3_prepare_v3(s->db, query_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
					&s->queries[i], NULL);
		err = rc == SQLITE_OK ? 0 : store_fails(s, rc);
	}
	return err < 0 ? open_fails(s, fault, err) : 0;
}

/* Makes the in-memory place of a host; there is none yet. */
static int add_open_host(struct store *s, int64_t id)
{
	uint32_t *at;
	void *value;
	int err;

	if (!s->hosts || s->n_hosts == s->cap_hosts) {
		size_t cap = s->cap_hosts ? s->cap_hosts * 2 : 64;
		struct open_host *bigger = reallocarray(s->hosts, cap, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		s->hosts = bigger;
		s->cap_hosts = cap;
	}
	err = hash_put(s->host_index, &id, &value);
	if (err < 0)
		return err;
	at = value;
	*at = (uint32_t)s->n_hosts;
	s->hosts[s->n_hosts++] = (struct open_host){ .id = id };
	return 0;
}

/* The highest id that a table ever had; 0 when it had none. */
static int last_of(struct store *s, enum query q, int64_t *ret_id)
{
	int err = store_step(s, q);

	if (err == 1) {
		*ret_id = store_column(s, q, 0);
		store_reset(s, q);
	}
	return MIN(err, 0);
}

static int load(struct store *s)
{
	int err;

	while ((err = store_step(s, Q_HOSTS)) == 1) {
		int64_t id = store_column(s, Q_HOSTS, 0);

		err = id < 1 || id > HOST_ID_MAX ? -E_MALFORMED : add_open_host(s, id);
		if (err < 0) {
			store_reset(s, Q_HOSTS);
			return err;
		}
	}
	if (err < 0)
		return err;
	err = last_of(s, Q_EVENT_LAST, &s->last_event);
	if (!err)
		err = last_of(s, Q_HOST_LAST, &s->last_host);
	if (s->last_host < 0 || s->last_host > HOST_ID_MAX)
		err = -E_MALFORMED;
	return err < 0 ? err : store_tail_load(s);
}

static void set_config(struct store *s, const struct store_config *config)
{
	s->config = *config;
	s->config.path = s->path;
	if (s->config.interval_ms <= 0)
		s->config.interval_ms = 10000;
	if (!s->config.samples_days)
		s->config.samples_days = 2;
	if (!s->config.minutes_days)
		s->config.minutes_days = 30;
	if (!s->config.hours_days)
		s->config.hours_days = 730;
	if (!s->config.events_days)
		s->config.events_days = 365;
	if (!s->config.max_events)
		s->config.max_events = 500000;
	/* What is coarser is kept at least as long. */
	s->config.minutes_days = MAX(s->config.minutes_days, s->config.samples_days);
	s->config.hours_days = MAX(s->config.hours_days, s->config.minutes_days);
}

int store_open(const struct store_config *config, struct store **ret_store, struct fault *fault)
{
	struct store *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	if (!s)
		return open_fails(&(struct store){ 0 }, fault, err);
	s->lock_fd = -1;
	s->scratch = buf_of(MAX_TAIL_LEN);
	s->path = strdup(config->path);
	s->cells = calloc(SEAL_MAX, sizeof(*s->cells));
	s->host_index = hash_new(sizeof(int64_t), sizeof(uint32_t), STORE_MAX_HOSTS);
	if (!s->path || !s->cells || !s->host_index) {
		open_fails(s, fault, err);
		goto out;
	}
	set_config(s, config);
	err = take_lock(s, fault);
	if (err < 0)
		goto out;
	err = open_file(s, fault);
	if (err < 0)
		goto out;
	err = load(s);
	if (err < 0) {
		open_fails(s, fault, err);
		goto out;
	}
	*ret_store = s;
	return 0;
out:
	store_free(s);
	return err;
}

struct store *store_free(struct store *s)
{
	if (!s)
		return NULL;
	if (s->queries[N_QUERIES - 1]) { /* it was opened */
		int ignored = store_flush(s);

		(void)ignored;
	}
	for (unsigned i = 0; i < N_QUERIES; i++)
		sqlite3_finalize(s->queries[i]);
	sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	for (size_t i = 0; i < s->n_hosts; i++)
		store_blocks_done(&s->hosts[i]);
	free(s->hosts);
	hash_free(s->host_index);
	samples_done(&s->samples);
	buf_done(&s->scratch);
	free(s->cells);
	free(s->path);
	free(s);
	return NULL;
}

/* --- hosts --- */

struct open_host *store_open_host(struct store *s, int64_t id)
{
	const uint32_t *at = hash_get(s->host_index, &id);

	return at ? &s->hosts[*at] : NULL;
}

/* Names are kept one a line: a line's end within one becomes a blank, and nothing is too long. */
static void write_names(struct buf *b, const struct store_host *host)
{
	for (unsigned i = 0; i < host->n_names; i++) {
		size_t start = b->len;

		buf_bytes(b, host->names[i], strnlen(host->names[i], STORE_MAX_NAME_LEN));
		for (size_t j = start; j < b->len; j++)
			b->data[j] = b->data[j] == '\n' ? ' ' : b->data[j];
		buf_char(b, '\n');
	}
}

static void bind_mac(struct store *s, enum query q, int at, const struct mac *mac, char text[18])
{
	struct buf b = buf_in(text, 18);

	if (mac_is_zero(mac))
		return; /* NULL */
	buf_mac(&b, mac->bytes);
	store_bind_text(s, q, at, text, b.len);
}

int store_host_put(struct store *s, const struct store_host *host, int64_t *ret_id)
{
	struct buf addresses = buf_of(STORE_MAX_ADDRESSES * 64), names = buf_of(4096);
	const char *network = host->network ? host->network : "";
	bool is_new = !host->id || !store_open_host(s, host->id);
	int64_t id = host->id;
	char mac[18];
	int err;

	if (id < 0 || id > HOST_ID_MAX || host->n_addresses > STORE_MAX_ADDRESSES ||
	    host->n_names > STORE_MAX_NAMES)
		return in_tx(s, -E_RANGE);
	if (is_new && s->n_hosts >= STORE_MAX_HOSTS)
		return in_tx(s, -E_FULL);
	for (unsigned i = 0; i < host->n_addresses; i++) {
		buf_bytes(&addresses, " ", i ? 1 : 0);
		buf_addr(&addresses, &host->addresses[i]);
	}
	write_names(&names, host);
	err = addresses.err ? addresses.err : names.err;
	if (err < 0)
		goto out;
	if (id)
		store_bind(s, Q_HOST_PUT, 1, id);
	store_bind_text(s, Q_HOST_PUT, 2, buf_cstr(&addresses), addresses.len);
	bind_mac(s, Q_HOST_PUT, 3, &host->mac, mac);
	store_bind_text(s, Q_HOST_PUT, 4, buf_cstr(&names), names.len);
	store_bind_text(s, Q_HOST_PUT, 5, network, strlen(network));
	store_bind(s, Q_HOST_PUT, 6, host->state);
	store_bind(s, Q_HOST_PUT, 7, host->evidence);
	store_bind(s, Q_HOST_PUT, 8, host->first_seen_ms);
	store_bind(s, Q_HOST_PUT, 9, host->last_seen_ms);
	store_bind(s, Q_HOST_PUT, 10, host->last_change_ms);
	store_bind(s, Q_HOST_PUT, 11, host->silent_ms);
	err = store_run(s, Q_HOST_PUT);
	if (err < 0)
		goto out;
	if (!id)
		id = sqlite3_last_insert_rowid(s->db);
	if (is_new)
		err = add_open_host(s, id);
	s->last_host = MAX(s->last_host, id); /* also when it is not committed: no harm */
	if (!err && ret_id)
		*ret_id = id;
out:
	buf_done(&addresses);
	buf_done(&names);
	return in_tx(s, err);
}

/* Forgets what is in memory of a host. */
static void remove_open_host(struct store *s, int64_t id)
{
	uint32_t *at = hash_get(s->host_index, &id), *at_last;

	if (!at)
		return;
	store_blocks_done(&s->hosts[*at]);
	s->hosts[*at] = s->hosts[--s->n_hosts];
	at_last = hash_get(s->host_index, &s->hosts[*at].id);
	*at_last = *at;
	hash_remove(s->host_index, &id);
}

int store_host_delete(struct store *s, int64_t id)
{
	int err;

	assert(!s->in_tx);
	err = store_run(s, Q_BEGIN);
	if (err < 0)
		return err;
	store_bind(s, Q_HOST_DELETE, 1, id);
	err = store_run(s, Q_HOST_DELETE);
	if (!err) {
		store_bind(s, Q_GONE_ADD, 1, id);
		err = store_run(s, Q_GONE_ADD);
	}
	err = store_tx_end(s, err);
	if (!err)
		remove_open_host(s, id);
	return err;
}

int64_t store_last_host(const struct store *s)
{
	return s->last_host;
}

static void read_addresses(const char *text, struct store_host *host)
{
	while (*text && host->n_addresses < STORE_MAX_ADDRESSES) {
		size_t len = strcspn(text, " ");

		/* A link-local address of an interface that is gone cannot be read: left out. */
		if (!addr_parse(text, len, &host->addresses[host->n_addresses], NULL))
			host->n_addresses++;
		text += len + (text[len] == ' ');
	}
}

static void read_mac(struct store *s, enum query q, int at, struct mac *mac)
{
	const char *text = column_text(s, q, at);

	if (!*text || mac_parse(text, strlen(text), mac, NULL) < 0)
		*mac = (struct mac){ 0 };
}

/* Cuts @text into lines where it is; every name ends in a newline. */
static void read_names(char *text, struct store_host *host)
{
	char *end;

	for (; (end = strchr(text, '\n')) && host->n_names < STORE_MAX_NAMES; text = end + 1) {
		*end = '\0';
		host->names[host->n_names++] = text;
	}
}

int store_hosts(struct store *s, int (*each)(void *arg, const struct store_host *host), void *arg)
{
	int err;

	while ((err = store_step(s, Q_HOSTS)) == 1) {
		struct store_host host = {
			.id = store_column(s, Q_HOSTS, 0),
			.network = column_text(s, Q_HOSTS, 4),
			.state = (unsigned)store_column(s, Q_HOSTS, 5),
			.evidence = (uint32_t)store_column(s, Q_HOSTS, 6),
			.first_seen_ms = store_column(s, Q_HOSTS, 7),
			.last_seen_ms = store_column(s, Q_HOSTS, 8),
			.last_change_ms = store_column(s, Q_HOSTS, 9),
			.silent_ms = store_column(s, Q_HOSTS, 10),
		};
		char *names = strdup(column_text(s, Q_HOSTS, 3));

		err = -ENOMEM;
		if (names) {
			read_addresses(column_text(s, Q_HOSTS, 1), &host);
			read_mac(s, Q_HOSTS, 2, &host.mac);
			read_names(names, &host);
			err = each(arg, &host);
			free(names);
		}
		if (err < 0)
			break;
	}
	store_reset(s, Q_HOSTS);
	return err;
}

/* --- events --- */

int store_event_add(struct store *s, const struct store_event *event, int64_t *ret_id)
{
	char address[64], mac[18], old_mac[18];
	struct buf b = buf_in(address, sizeof(address));
	int err;

	store_bind(s, Q_EVENT_ADD, 1, event->time_ms);
	store_bind(s, Q_EVENT_ADD, 2, event->host);
	if (event->address.family != AF_UNSPEC) {
		buf_addr(&b, &event->address);
		store_bind_text(s, Q_EVENT_ADD, 3, address, b.len);
	}
	store_bind_text(s, Q_EVENT_ADD, 4, event->kind, strlen(event->kind));
	store_bind_text(s, Q_EVENT_ADD, 5, event->text, strnlen(event->text, STORE_MAX_TEXT_LEN));
	bind_mac(s, Q_EVENT_ADD, 6, &event->mac, mac);
	bind_mac(s, Q_EVENT_ADD, 7, &event->old_mac, old_mac);
	err = store_run(s, Q_EVENT_ADD);
	if (err < 0)
		return in_tx(s, err);
	s->last_event = sqlite3_last_insert_rowid(s->db);
	if (ret_id)
		*ret_id = s->last_event;
	return 0;
}

int store_events(struct store *s, const struct store_event_query *query,
		 int (*each)(void *arg, const struct store_event *event), void *arg)
{
	enum query q = query->oldest_first ? Q_EVENTS_UP : Q_EVENTS_DOWN;
	int err;

	if (query->host) {
		q = query->oldest_first ? Q_EVENTS_UP_HOST : Q_EVENTS_DOWN_HOST;
		store_bind(s, q, 4, query->host);
	}
	store_bind(s, q, 1, query->before ? query->before : INT64_MAX);
	store_bind(s, q, 2, query->after);
	store_bind(s, q, 3, query->limit);
	while ((err = store_step(s, q)) == 1) {
		struct store_event event = {
			.id = store_column(s, q, 0),
			.time_ms = store_column(s, q, 1),
			.host = store_column(s, q, 2),
			.kind = column_text(s, q, 4),
			.text = column_text(s, q, 5),
		};
		const char *address = column_text(s, q, 3);

		if (addr_parse(address, strlen(address), &event.address, NULL) < 0)
			event.address = (struct addr){ 0 };
		read_mac(s, q, 6, &event.mac);
		read_mac(s, q, 7, &event.old_mac);
		err = each(arg, &event);
		if (err < 0)
			break;
	}
	store_reset(s, q);
	return err;
}

int64_t store_last_event(const struct store *s)
{
	return s->last_event;
}
