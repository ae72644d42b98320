/* What the files of the store share. The tables are described in store.c. */
#ifndef SONDE_STORE_PRIVATE_H
#define SONDE_STORE_PRIVATE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/hash.h"
#include "store/codec.h"
#include "store/store.h"

#define MINUTE_MS	(60 * 1000)
#define HOUR_MS		(60 * MINUTE_MS)
#define SLOTS_A_HOUR	(HOUR_MS / STORE_SLOT_MS)
#define SLOTS_A_DAY	(24 * SLOTS_A_HOUR)
#define MINUTES_A_SLOT	(STORE_SLOT_MS / MINUTE_MS)
#define MAX_TIME_MS	7258118400000 /* the year 2200 */
#define HOST_ID_MAX	INT32_MAX     /* rows are keyed by host << 32 | slot */
#define SEAL_MAX	256	      /* blocks in one transaction */
#define MAX_OPEN_BLOCKS 4	      /* of a host; only clock jumps make more than two */
#define MAX_BLOCK_LEN	(1 << 20)     /* bytes of one open block */
#define MAX_TAIL_LEN	(64 << 20)    /* bytes of one tail row */

enum query {
	Q_BEGIN,
	Q_COMMIT,
	Q_ROLLBACK,
	Q_HOST_PUT,
	Q_HOSTS,
	Q_HOST_LAST,
	Q_HOST_DELETE,
	Q_GONE_ADD,
	Q_GONE,
	Q_GONE_SAMPLES,
	Q_GONE_MINUTES,
	Q_GONE_HOURS,
	Q_GONE_DELETE,
	Q_EVENT_ADD,
	Q_EVENT_LAST,
	Q_EVENTS_DOWN,
	Q_EVENTS_UP,
	Q_EVENTS_DOWN_HOST,
	Q_EVENTS_UP_HOST,
	Q_EVENTS_DELETE,
	Q_TAIL_ADD,
	Q_TAILS,
	Q_TAIL_DELETE,
	Q_SLOT_ADD,
	Q_SLOT_KEPT,
	Q_SLOT_HEAT,
	Q_SLOT_HEAT_PUT,
	Q_SLOTS_HEAT,
	Q_SLOT_OLD,
	Q_SLOT_EVENT,
	Q_SLOT_KEEP,
	Q_SLOT_DELETE,
	Q_SAMPLES,
	Q_SAMPLE_PUT,
	Q_SAMPLES_DELETE,
	Q_MINUTES,
	Q_MINUTE_PUT,
	Q_MINUTES_DELETE,
	Q_HOURS,
	Q_HOUR_PUT,
	Q_HOURS_DELETE,
	N_QUERIES
};

/* How much of a slot is still kept. */
enum kept { KEPT_NOTHING, KEPT_HOURS, KEPT_MINUTES, KEPT_SAMPLES };

/* Samples of one host and quarter on their way to be sealed; @data is what bursts_append() writes.
 */
struct block {
	uint32_t slot;
	int64_t last_ms;  /* of the last burst since the last flush, or NO_BURST */
	size_t n_written; /* bytes of @data that the tail table has */
	struct buf data;
};

struct open_host {
	int64_t id;
	unsigned n_blocks;
	struct block blocks[MAX_OPEN_BLOCKS];
};

struct heat_cell {
	uint32_t slot;
	int64_t host;
	struct store_heat_cell cell;
};

struct store {
	struct store_config config;
	char *path;
	int lock_fd;
	sqlite3 *db;
	sqlite3_stmt *queries[N_QUERIES];
	int bind_err; /* sticks until the next step */
	char error[320];

	bool in_tx;
	int tx_err;
	int64_t tx_last_event;
	size_t tx_n_hosts;

	int64_t last_event, last_host;
	struct open_host *hosts;
	size_t n_hosts, cap_hosts;
	struct hash *host_index; /* id → index in @hosts */

	int64_t flushed_ms;	/* wall clock of the last flush */
	size_t seal_at;		/* where the walk over @hosts goes on */
	bool sealed;		/* something in this walk: then the tail is shortened at its end */
	struct samples samples; /* scratch */
	struct buf scratch;
	struct heat_cell *cells; /* of what is being sealed */
	size_t n_cells;
};

/* --- store.c --- */

/* Binding counts from 1, as SQLite does. Texts and blobs are borrowed until the step. */
void store_bind(struct store *s, enum query q, int at, int64_t v);
void store_bind_text(struct store *s, enum query q, int at, const char *text, size_t len);
void store_bind_blob(struct store *s, enum query q, int at, const void *bytes, size_t len);

/* Return: 1 a row is there, 0 done, or an error; after 0 and errors the statement is reset. */
MUST_CHECK int store_step(struct store *s, enum query q);

/* Runs a statement that gives no rows. */
MUST_CHECK int store_run(struct store *s, enum query q);
void store_reset(struct store *s, enum query q);

/* Column @at, from 0, of the row that is there; a blob is borrowed until the next step. */
int64_t store_column(struct store *s, enum query q, int at);
struct cursor store_column_blob(struct store *s, enum query q, int at);

/* Ends a transaction that store_run(s, Q_BEGIN) began: commits, or rolls back when @err is set. */
MUST_CHECK int store_tx_end(struct store *s, int err);

/* A host with what is not sealed of it yet, borrowed; NULL: it is not known. */
struct open_host *store_open_host(struct store *s, int64_t id);

static inline int64_t row_key(int64_t host, int64_t slot)
{
	return host << 32 | slot;
}

static inline uint32_t slot_of(int64_t time_ms)
{
	return (uint32_t)(time_ms / STORE_SLOT_MS);
}

/* --- seal.c --- */

/*
 * Seals the blocks of hosts @from to below @to, except those of the slots @keep, in one transaction
 * of at most SEAL_MAX blocks and some milliseconds. Return: the host to go on with, or an error,
 * after which everything is as before.
 */
MUST_CHECK ssize_t store_seal(struct store *s, size_t from, size_t to, const uint32_t keep[2]);

/* Appends the sealed samples of slots @from to @to, both included, to the scratch list. Return: 0,
 * -E_MALFORMED or an error of SQLite. */
MUST_CHECK int store_read_samples(struct store *s, int64_t host, int64_t from, int64_t to);

/* --- history.c --- */

/* Takes up what the tail table holds, at the start. */
MUST_CHECK int store_tail_load(struct store *s);
void store_blocks_done(struct open_host *host);

#endif
