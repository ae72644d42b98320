/* Samples on their way in: open blocks in memory, the tail on file; what is due, and what is too
 * old. */
#include <assert.h>
#include <errno.h>

#include "store/private.h"

#define FLUSH_EVERY_MS 20000
#define LATE_MS	       60000 /* answers and bursts of a quarter that come after its end */

void store_blocks_done(struct open_host *host)
{
	for (unsigned i = 0; i < host->n_blocks; i++)
		buf_done(&host->blocks[i].data);
	host->n_blocks = 0;
}

/* The open block of that slot, made when there is none; when there are too many, they are sealed.
 */
static int get_block(struct store *s, struct open_host *host, uint32_t slot,
		     struct block **ret_block)
{
	for (unsigned i = 0; i < host->n_blocks; i++) {
		if (host->blocks[i].slot == slot) {
			*ret_block = &host->blocks[i];
			return 0;
		}
	}
	if (host->n_blocks == MAX_OPEN_BLOCKS) {
		size_t at = (size_t)(host - s->hosts);
		const uint32_t keep[2] = { slot, slot };
		ssize_t err = s->in_tx ? -E_FULL : store_seal(s, at, at + 1, keep);

		if (err < 0)
			return (int)err;
	}
	*ret_block = &host->blocks[host->n_blocks++];
	**ret_block = (struct block){
		.slot = slot,
		.last_ms = NO_BURST,
		.data = buf_of(MAX_BLOCK_LEN),
	};
	return 0;
}

int store_burst_add(struct store *s, const struct store_burst *burst)
{
	struct open_host *host = store_open_host(s, burst->host);
	uint32_t slot = slot_of(burst->time_ms);
	struct block *block;
	size_t len;
	int err;

	if (!host)
		return -E_NOT_FOUND;
	if (!burst->sent || burst->sent > STORE_MAX_SENT || burst->n_rtts > burst->sent ||
	    burst->time_ms < 0 || burst->time_ms >= MAX_TIME_MS)
		return -E_RANGE;
	for (unsigned i = 0; i < burst->n_rtts; i++) {
		if (burst->rtts_ns[i] > RTT_MAX_NS)
			return -E_RANGE;
	}
	err = get_block(s, host, slot, &block);
	if (err < 0)
		return err;
	len = block->data.len;
	burst_write(&block->data, (int64_t)slot * STORE_SLOT_MS, block->last_ms, burst->time_ms,
		    burst->sent, burst->n_rtts, burst->rtts_ns);
	err = block->data.err;
	if (err < 0) { /* nothing is written by half */
		block->data.len = len;
		block->data.err = 0;
		return err;
	}
	block->last_ms = burst->time_ms;
	return 0;
}

/* --- the tail --- */

/* The smallest slot at or above @from of which something is not on file. Return: false: none. */
static bool next_unwritten(const struct store *s, int64_t from, uint32_t *ret_slot)
{
	int64_t found = INT64_MAX;

	for (size_t i = 0; i < s->n_hosts; i++) {
		const struct open_host *host = &s->hosts[i];

		for (unsigned j = 0; j < host->n_blocks; j++) {
			const struct block *block = &host->blocks[j];

			if (block->n_written < block->data.len && block->slot >= from)
				found = MIN(found, (int64_t)block->slot);
		}
	}
	if (found == INT64_MAX)
		return false;
	*ret_slot = (uint32_t)found;
	return true;
}

static int write_tail(struct store *s, uint32_t slot)
{
	struct buf *b = &s->scratch;

	buf_reset(b);
	for (size_t i = 0; i < s->n_hosts; i++) {
		const struct open_host *host = &s->hosts[i];

		for (unsigned j = 0; j < host->n_blocks; j++) {
			const struct block *block = &host->blocks[j];
			size_t n = block->data.len - block->n_written;

			if (block->slot != slot || !n)
				continue;
			varint_write(b, (uint64_t)host->id);
			varint_write(b, n);
			buf_bytes(b, block->data.data + block->n_written, n);
		}
	}
	if (b->err)
		return b->err;
	store_bind(s, Q_TAIL_ADD, 1, slot);
	store_bind_blob(s, Q_TAIL_ADD, 2, b->data, b->len);
	return store_run(s, Q_TAIL_ADD);
}

int store_flush(struct store *s)
{
	uint32_t slot;
	int err;

	assert(!s->in_tx);
	if (!next_unwritten(s, 0, &slot))
		return 0;
	err = store_run(s, Q_BEGIN);
	if (err < 0)
		return err;
	do
		err = write_tail(s, slot);
	while (!err && next_unwritten(s, (int64_t)slot + 1, &slot));
	err = store_tx_end(s, err);
	if (err < 0)
		return err;
	for (size_t i = 0; i < s->n_hosts; i++) {
		struct open_host *host = &s->hosts[i];

		for (unsigned j = 0; j < host->n_blocks; j++) {
			host->blocks[j].n_written = host->blocks[j].data.len;
			host->blocks[j].last_ms = NO_BURST; /* the next part stands alone */
		}
	}
	return 0;
}

/* One row of the tail: its bursts are checked here, so that sealing can rely on them. */
static int load_tail(struct store *s, uint32_t slot, struct cursor c)
{
	while (cursor_left(&c)) {
		int64_t id = (int64_t)varint_read(&c);
		struct cursor bursts = cursor_sub(&c, varint_read(&c));
		struct open_host *host;
		struct block *block;
		int err;

		samples_clear(&s->samples);
		err = c.err ? -E_MALFORMED
			    : bursts_read(bursts, (int64_t)slot * STORE_SLOT_MS, &s->samples);
		if (err < 0)
			return err;
		host = store_open_host(s, id);
		if (!host)
			continue; /* it was deleted since */
		err = get_block(s, host, slot, &block);
		if (err < 0)
			return err;
		buf_bytes(&block->data, bursts.at, cursor_left(&bursts));
		if (block->data.err)
			return block->data.err;
		block->n_written = block->data.len;
	}
	return 0;
}

int store_tail_load(struct store *s)
{
	int err;

	while ((err = store_step(s, Q_TAILS)) == 1) {
		err = load_tail(s, (uint32_t)store_column(s, Q_TAILS, 0),
				store_column_blob(s, Q_TAILS, 1));
		if (err < 0)
			break;
	}
	store_reset(s, Q_TAILS);
	return err;
}

/* --- retention --- */

/* Takes the oldest slot that is kept as @kept and is @days of recorded time back. Return: 1, 0,
 * error. */
static int old_slot(struct store *s, enum kept kept, unsigned days, int64_t *ret_slot)
{
	int err;

	store_bind(s, Q_SLOT_OLD, 1, kept);
	store_bind(s, Q_SLOT_OLD, 2, (int64_t)days * SLOTS_A_DAY);
	err = store_step(s, Q_SLOT_OLD);
	if (err == 1) {
		*ret_slot = store_column(s, Q_SLOT_OLD, 0);
		store_reset(s, Q_SLOT_OLD);
	}
	return err;
}

/* Deletes what @slot has of the level @kept, by @q, whose key is @key beside the host. */
static int lower_slot(struct store *s, int64_t slot, enum kept kept, enum query q, int64_t key)
{
	int err = store_run(s, Q_BEGIN);

	if (err < 0)
		return err;
	store_bind(s, q, 1, key);
	err = store_run(s, q);
	if (!err && kept == KEPT_HOURS) {
		store_bind(s, Q_SLOT_DELETE, 1, slot);
		err = store_run(s, Q_SLOT_DELETE);
	} else if (!err) {
		store_bind(s, Q_SLOT_KEEP, 1, slot);
		store_bind(s, Q_SLOT_KEEP, 2, kept - 1);
		err = store_run(s, Q_SLOT_KEEP);
	}
	err = store_tx_end(s, err);
	return err < 0 ? err : 1;
}

static int expire_events(struct store *s)
{
	int64_t last = s->last_event - (int64_t)MIN(s->config.max_events, (uint64_t)INT64_MAX);
	int err;

	store_bind(s, Q_SLOT_EVENT, 1, (int64_t)s->config.events_days * SLOTS_A_DAY);
	err = store_step(s, Q_SLOT_EVENT);
	if (err < 0)
		return err;
	if (err == 1) {
		last = MAX(last, store_column(s, Q_SLOT_EVENT, 0));
		store_reset(s, Q_SLOT_EVENT);
	}
	if (last <= 0)
		return 0;
	store_bind(s, Q_EVENTS_DELETE, 1, last);
	err = store_run(s, Q_EVENTS_DELETE);
	return err < 0 ? err : sqlite3_changes(s->db) > 0;
}

/* Deletes a bounded part of what is too old. Return: 1 when there may be more, 0, or an error. */
static int expire(struct store *s)
{
	int64_t slot;
	int err;

	err = old_slot(s, KEPT_SAMPLES, s->config.samples_days, &slot);
	if (err == 1)
		return lower_slot(s, slot, KEPT_SAMPLES, Q_SAMPLES_DELETE, slot);
	if (!err)
		err = old_slot(s, KEPT_MINUTES, s->config.minutes_days, &slot);
	if (err == 1)
		return lower_slot(s, slot, KEPT_MINUTES, Q_MINUTES_DELETE, slot);
	if (!err)
		err = old_slot(s, KEPT_HOURS, s->config.hours_days, &slot);
	if (err == 1)
		return lower_slot(s, slot, KEPT_HOURS, Q_HOURS_DELETE, slot / SLOTS_A_HOUR);
	return err < 0 ? err : expire_events(s);
}

/* Deletes a bounded part of the history of a host that is gone. Return: 1 when there may be more,
 * 0, or an error. */
static int purge(struct store *s)
{
	static const enum query parts[] = { Q_GONE_SAMPLES, Q_GONE_MINUTES, Q_GONE_HOURS };
	int err = store_step(s, Q_GONE);
	int64_t id;

	if (err != 1)
		return err;
	id = store_column(s, Q_GONE, 0);
	store_reset(s, Q_GONE);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		store_bind(s, parts[i], 1, row_key(id, 0));
		store_bind(s, parts[i], 2, row_key(id, UINT32_MAX));
		err = store_run(s, parts[i]);
		if (err < 0)
			return err;
		if (sqlite3_changes(s->db) > 0)
			return 1;
	}
	store_bind(s, Q_GONE_DELETE, 1, id);
	err = store_run(s, Q_GONE_DELETE);
	return err < 0 ? err : 1;
}

/* --- what is due --- */

/* Walks on over the hosts. Return: 1 when the walk is not at its end, 0, or an error. */
static int seal_some(struct store *s, const uint32_t keep[2])
{
	bool left = false;
	int err;

	while (s->seal_at < s->n_hosts) {
		const struct open_host *host = &s->hosts[s->seal_at];
		bool due = false;

		for (unsigned i = 0; i < host->n_blocks; i++)
			due |= host->blocks[i].slot != keep[0] && host->blocks[i].slot != keep[1];
		if (due) {
			ssize_t at = store_seal(s, s->seal_at, s->n_hosts, keep);

			if (at < 0)
				return (int)at;
			s->seal_at = (size_t)at;
			return 1;
		}
		s->seal_at++;
	}
	s->seal_at = 0;
	if (!s->sealed)
		return 0;
	/* Blocks that came behind the walk, by a clock that jumped, still need the tail. */
	for (size_t i = 0; i < s->n_hosts; i++) {
		for (unsigned j = 0; j < s->hosts[i].n_blocks; j++) {
			uint32_t slot = s->hosts[i].blocks[j].slot;

			left |= slot != keep[0] && slot != keep[1];
		}
	}
	if (left)
		return 1;
	store_bind(s, Q_TAIL_DELETE, 1, keep[0]);
	store_bind(s, Q_TAIL_DELETE, 2, keep[1]);
	err = store_run(s, Q_TAIL_DELETE);
	s->sealed = err < 0;
	return err;
}

int store_tick(struct store *s, int64_t now_ms)
{
	const uint32_t keep[2] = { slot_of(now_ms), slot_of(now_ms - LATE_MS) };
	int err;

	assert(!s->in_tx);
	if (now_ms < s->flushed_ms || now_ms - s->flushed_ms >= FLUSH_EVERY_MS) {
		err = store_flush(s);
		if (err < 0)
			return err;
		s->flushed_ms = now_ms;
	}
	err = seal_some(s, keep);
	if (!err)
		err = expire(s);
	return err ? err : purge(s);
}
