/*
 * Sealing: the samples of a host's quarter of an hour become a blob, and from them come the minute
 * roll-ups, the host's place in the quarter's row of the heat map, and the hour's roll-up.
 *
 * A quarter may be sealed twice, after a crash or because the clock went back: what is there is
 * then read, joined (a burst is known by its millisecond) and everything computed again. Only when
 * the samples have been deleted already are the new ones added to the roll-ups as they stand.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "store/private.h"

#define BUDGET_NS (4 * NS_PER_MS)

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

int store_read_samples(struct store *s, int64_t host, int64_t from, int64_t to)
{
	int err;

	store_bind(s, Q_SAMPLES, 1, row_key(host, from));
	store_bind(s, Q_SAMPLES, 2, row_key(host, to));
	while ((err = store_step(s, Q_SAMPLES)) == 1) {
		int64_t slot = store_column(s, Q_SAMPLES, 0) & UINT32_MAX;

		err = bursts_read(store_column_blob(s, Q_SAMPLES, 1), slot * STORE_SLOT_MS,
				  &s->samples);
		if (err < 0)
			break;
	}
	store_reset(s, Q_SAMPLES);
	return err;
}

/* Puts what is in the scratch buffer. */
static int put_blob(struct store *s, enum query q, int64_t key)
{
	if (s->scratch.err)
		return s->scratch.err;
	store_bind(s, q, 1, key);
	store_bind_blob(s, q, 2, s->scratch.data, s->scratch.len);
	return store_run(s, q);
}

/* The one row of a key, if there is one: its bytes go to the scratch buffer. Return: 1, 0, error.
 */
static int get_blob(struct store *s, enum query q, int64_t key)
{
	int err;

	buf_reset(&s->scratch);
	store_bind(s, q, 1, key);
	store_bind(s, q, 2, key);
	err = store_step(s, q);
	if (err == 1) {
		struct cursor c = store_column_blob(s, q, 1);

		buf_bytes(&s->scratch, c.at, cursor_left(&c));
		store_reset(s, q);
	}
	return err < 0 ? err : s->scratch.err ? s->scratch.err : err;
}

static int read_minutes(struct cursor c, struct store_stats minutes[static MINUTES_A_SLOT])
{
	while (cursor_left(&c)) {
		uint64_t minute = varint_read(&c);
		struct store_stats stats;

		stats_read(&c, &stats);
		if (c.err || minute >= MINUTES_A_SLOT)
			return -E_MALFORMED;
		stats_combine(&minutes[minute], &stats);
	}
	return 0;
}

/* The minutes of the samples in the scratch list; @late: added to those that are there. */
static int seal_minutes(struct store *s, int64_t host, uint32_t slot, bool late)
{
	struct store_stats minutes[MINUTES_A_SLOT] = { 0 };
	int64_t start_ms = (int64_t)slot * STORE_SLOT_MS;
	struct samples *list = &s->samples;
	int err = late ? get_blob(s, Q_MINUTES, row_key(host, slot)) : 0;

	if (err == 1)
		err = read_minutes(cursor_of(s->scratch.data, s->scratch.len), minutes);
	for (size_t from = 0, to; !err && from < list->n; from = to) {
		int64_t minute = (list->items[from].time_ms - start_ms) / MINUTE_MS;
		struct store_stats stats;

		for (to = from + 1; to < list->n; to++) {
			if ((list->items[to].time_ms - start_ms) / MINUTE_MS != minute)
				break;
		}
		err = stats_of(list, from, to, &stats);
		if (!err)
			stats_combine(&minutes[minute], &stats);
	}
	if (err < 0)
		return err;
	buf_reset(&s->scratch);
	for (unsigned i = 0; i < MINUTES_A_SLOT; i++) {
		if (!minutes[i].sent)
			continue;
		varint_write(&s->scratch, i);
		stats_write(&s->scratch, &minutes[i]);
	}
	return put_blob(s, Q_MINUTE_PUT, row_key(host, slot));
}

static int seal_hour(struct store *s, int64_t host, uint32_t slot, bool late)
{
	int64_t hour = slot / SLOTS_A_HOUR;
	struct store_stats stats, before = { 0 };
	int err;

	if (late) {
		err = get_blob(s, Q_HOURS, row_key(host, hour));
		if (err == 1) {
			struct cursor c = cursor_of(s->scratch.data, s->scratch.len);

			stats_read(&c, &before);
			err = c.err ? -E_MALFORMED : 0;
		}
	} else {
		samples_clear(&s->samples);
		err = store_read_samples(s, host, hour * SLOTS_A_HOUR,
					 hour * SLOTS_A_HOUR + SLOTS_A_HOUR - 1);
	}
	if (!err)
		err = stats_of(&s->samples, 0, s->samples.n, &stats);
	if (err < 0)
		return err;
	stats_combine(&stats, &before);
	buf_reset(&s->scratch);
	stats_write(&s->scratch, &stats);
	return put_blob(s, Q_HOUR_PUT, row_key(host, hour));
}

static int seal_block(struct store *s, int64_t host, const struct block *block)
{
	uint32_t slot = block->slot;
	int64_t first = slot / SLOTS_A_HOUR * SLOTS_A_HOUR,
		start_ms = (int64_t)slot * STORE_SLOT_MS;
	enum kept kept = KEPT_SAMPLES;
	struct store_stats stats;
	bool late;
	int err;

	store_bind(s, Q_SLOT_ADD, 1, slot);
	store_bind(s, Q_SLOT_ADD, 2, KEPT_SAMPLES);
	store_bind(s, Q_SLOT_ADD, 3, s->last_event);
	err = store_run(s, Q_SLOT_ADD);
	if (err < 0)
		return err;
	store_bind(s, Q_SLOT_KEPT, 1, first);
	store_bind(s, Q_SLOT_KEPT, 2, first + SLOTS_A_HOUR - 1);
	err = store_step(s, Q_SLOT_KEPT);
	if (err < 0)
		return err;
	kept = (enum kept)store_column(s, Q_SLOT_KEPT, 0);
	store_reset(s, Q_SLOT_KEPT);
	late = kept < KEPT_SAMPLES;

	samples_clear(&s->samples);
	err = late ? 0 : store_read_samples(s, host, slot, slot);
	if (!err)
		err = bursts_read(cursor_of(block->data.data, block->data.len), start_ms,
				  &s->samples);
	if (err < 0)
		return err;
	samples_sort(&s->samples);
	if (!late) {
		buf_reset(&s->scratch);
		samples_write(&s->scratch, &s->samples, start_ms);
		err = put_blob(s, Q_SAMPLE_PUT, row_key(host, slot));
		if (!err)
			err = stats_of(&s->samples, 0, s->samples.n, &stats);
		if (err < 0)
			return err;
		s->cells[s->n_cells++] = (struct heat_cell){
			slot, host, { stats.sent, stats.lost, stats.median_ns }
		};
	}
	err = kept >= KEPT_MINUTES ? seal_minutes(s, host, slot, late) : 0;
	return err < 0 ? err : seal_hour(s, host, slot, late);
}

static int cell_cmp(const void *a, const void *b)
{
	const struct heat_cell *x = a, *y = b;

	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	return x->host < y->host ? -1 : x->host > y->host;
}

static void write_cell(struct buf *b, int64_t *last, int64_t host, const struct store_heat_cell *c)
{
	heat_write(b, *last, host, c);
	*last = host;
}

/* Joins cells @from to below @to, all of one slot, with the row that is there: both are by host. */
static int seal_heat(struct store *s, size_t from, size_t to)
{
	uint32_t slot = s->cells[from].slot;
	int64_t last = 0, host = 0;
	struct store_heat_cell cell;
	struct cursor c;
	int err;

	store_bind(s, Q_SLOT_HEAT, 1, slot);
	err = store_step(s, Q_SLOT_HEAT);
	if (err != 1)
		return err;
	c = store_column_blob(s, Q_SLOT_HEAT, 0);
	buf_reset(&s->scratch);
	while (heat_read(&c, &host, &cell)) {
		for (; from < to && s->cells[from].host < host; from++)
			write_cell(&s->scratch, &last, s->cells[from].host, &s->cells[from].cell);
		if (from == to || s->cells[from].host != host)
			write_cell(&s->scratch, &last, host, &cell);
	}
	for (; from < to; from++)
		write_cell(&s->scratch, &last, s->cells[from].host, &s->cells[from].cell);
	store_reset(s, Q_SLOT_HEAT);
	return c.err ? -E_MALFORMED : put_blob(s, Q_SLOT_HEAT_PUT, slot);
}

static bool is_kept(uint32_t slot, const uint32_t keep[2])
{
	return slot == keep[0] || slot == keep[1];
}

/* Seals what @store_seal() says, within a transaction. Return: the host to go on with, or an error.
 */
static ssize_t seal_hosts(struct store *s, size_t from, size_t to, const uint32_t keep[2])
{
	uint64_t until = clock_ns() + BUDGET_NS;
	size_t at;

	s->n_cells = 0;
	for (at = from; at < to; at++) {
		const struct open_host *host = &s->hosts[at];

		if (s->n_cells + MAX_OPEN_BLOCKS > SEAL_MAX || (at > from && clock_ns() > until))
			break;
		for (unsigned i = 0; i < host->n_blocks; i++) {
			int err = is_kept(host->blocks[i].slot, keep)
					  ? 0
					  : seal_block(s, host->id, &host->blocks[i]);

			if (err < 0)
				return err;
		}
	}
	qsort(s->cells, s->n_cells, sizeof(*s->cells), cell_cmp);
	for (size_t i = 0, end; i < s->n_cells; i = end) {
		int err;

		for (end = i + 1; end < s->n_cells; end++) {
			if (s->cells[end].slot != s->cells[i].slot)
				break;
		}
		err = seal_heat(s, i, end);
		if (err < 0)
			return err;
	}
	return (ssize_t)at;
}

static void drop_sealed(struct open_host *host, const uint32_t keep[2])
{
	unsigned n = 0;

	for (unsigned i = 0; i < host->n_blocks; i++) {
		if (is_kept(host->blocks[i].slot, keep))
			host->blocks[n++] = host->blocks[i];
		else
			buf_done(&host->blocks[i].data);
	}
	host->n_blocks = n;
}

ssize_t store_seal(struct store *s, size_t from, size_t to, const uint32_t keep[2])
{
	ssize_t at;
	int err = store_run(s, Q_BEGIN);

	if (err < 0)
		return err;
	at = seal_hosts(s, from, to, keep);
	err = store_tx_end(s, at < 0 ? (int)at : 0);
	if (err < 0)
		return err;
	for (size_t i = from; i < (size_t)at; i++)
		drop_sealed(&s->hosts[i], keep);
	s->sealed = true;
	return at;
}
