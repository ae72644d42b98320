/* Reading history: one host over time, all hosts over time. What is not sealed yet comes from
 * memory. */
#include <errno.h>
#include <stdlib.h>

#include "store/private.h"

#define MAX_SPAN_MS	  (3660LL * 24 * HOUR_MS)
#define HEAT_SAMPLES_SPAN STORE_SLOT_MS
#define HEAT_MINUTES_SPAN (6 * HOUR_MS)

/* Buckets of equal length. */
struct grid {
	int64_t from_ms, step_ms;
	size_t n;
	struct store_stats *buckets;
};

static void grid_add(const struct grid *g, int64_t time_ms, const struct store_stats *stats)
{
	if (time_ms >= g->from_ms && (time_ms - g->from_ms) / g->step_ms < (int64_t)g->n)
		stats_combine(&g->buckets[(time_ms - g->from_ms) / g->step_ms], stats);
}

/*
 * Lays a grid of at most @points buckets over a span: the step is a multiple of @unit_ms, the start
 * congruent to @phase_ms. When the first bucket, of which only a part is asked for, makes one too
 * many, it is left out.
 */
static void grid_lay(struct grid *g, int64_t from_ms, int64_t to_ms, unsigned points,
		     int64_t unit_ms, int64_t phase_ms)
{
	int64_t step = (to_ms - from_ms + points - 1) / points, shift;

	step = (step + unit_ms - 1) / unit_ms * unit_ms;
	shift = (from_ms - phase_ms) % step;
	g->from_ms = from_ms - (shift < 0 ? shift + step : shift);
	g->step_ms = step;
	g->n = (size_t)((to_ms - g->from_ms + step - 1) / step);
	if (g->n > points) {
		g->from_ms += step;
		g->n = points;
	}
}

static int64_t grid_end(const struct grid *g)
{
	return g->from_ms + (int64_t)g->n * g->step_ms;
}

/* The last slot with a part below @to_ms. */
static int64_t last_slot(int64_t to_ms)
{
	return slot_of(to_ms - 1);
}

static int read_open(struct store *s, const struct open_host *host, int64_t from_ms, int64_t to_ms)
{
	int err = 0;

	for (unsigned i = 0; i < host->n_blocks && !err; i++) {
		const struct block *block = &host->blocks[i];

		if (block->slot < slot_of(from_ms) || block->slot > last_slot(to_ms))
			continue;
		err = bursts_read(cursor_of(block->data.data, block->data.len),
				  (int64_t)block->slot * STORE_SLOT_MS, &s->samples);
	}
	return err;
}

/* All samples of a span, sealed and open, sorted, into the scratch list. */
static int load_samples(struct store *s, const struct open_host *host, int64_t from_ms,
			int64_t to_ms)
{
	int err;

	samples_clear(&s->samples);
	err = store_read_samples(s, host->id, slot_of(from_ms), last_slot(to_ms));
	if (!err)
		err = read_open(s, host, from_ms, to_ms);
	samples_sort(&s->samples);
	return err;
}

/*
 * Adds the scratch list to the grid: one stats for each bucket, or for each @unit_ms (0: none)
 * within it, as if those had been rolled up already.
 */
static int grid_add_samples(struct store *s, const struct grid *g, int64_t unit_ms)
{
	const struct samples *list = &s->samples;
	int64_t unit = unit_ms ? unit_ms : g->step_ms, base = unit_ms ? 0 : g->from_ms;
	int err = 0;

	for (size_t from = 0, to; from < list->n && !err; from = to) {
		int64_t time_ms = list->items[from].time_ms;
		struct store_stats stats;

		to = from + 1;
		if (time_ms < g->from_ms)
			continue;
		while (to < list->n &&
		       (list->items[to].time_ms - base) / unit == (time_ms - base) / unit)
			to++;
		err = stats_of(&s->samples, from, to, &stats);
		if (!err)
			grid_add(g, time_ms, &stats);
	}
	return err;
}

static int grid_add_minutes(struct store *s, const struct open_host *host, const struct grid *g)
{
	int err;

	store_bind(s, Q_MINUTES, 1, row_key(host->id, slot_of(g->from_ms)));
	store_bind(s, Q_MINUTES, 2, row_key(host->id, last_slot(grid_end(g))));
	while ((err = store_step(s, Q_MINUTES)) == 1) {
		int64_t slot = store_column(s, Q_MINUTES, 0) & UINT32_MAX;
		struct cursor c = store_column_blob(s, Q_MINUTES, 1);

		while (cursor_left(&c)) {
			int64_t minute = (int64_t)(varint_read(&c) % MINUTES_A_SLOT);
			struct store_stats stats;

			stats_read(&c, &stats);
			if (!c.err)
				grid_add(g, slot * STORE_SLOT_MS + minute * MINUTE_MS, &stats);
		}
		if (c.err) {
			err = -E_MALFORMED;
			break;
		}
	}
	store_reset(s, Q_MINUTES);
	return err;
}

static int grid_add_hours(struct store *s, const struct open_host *host, const struct grid *g)
{
	int err;

	store_bind(s, Q_HOURS, 1, row_key(host->id, g->from_ms / HOUR_MS));
	store_bind(s, Q_HOURS, 2, row_key(host->id, (grid_end(g) - 1) / HOUR_MS));
	while ((err = store_step(s, Q_HOURS)) == 1) {
		int64_t hour = store_column(s, Q_HOURS, 0) & UINT32_MAX;
		struct cursor c = store_column_blob(s, Q_HOURS, 1);
		struct store_stats stats;

		stats_read(&c, &stats);
		if (c.err) {
			err = -E_MALFORMED;
			break;
		}
		grid_add(g, hour * HOUR_MS, &stats);
	}
	store_reset(s, Q_HOURS);
	return err;
}

/* Fills a grid that has been laid. */
static int grid_fill(struct store *s, const struct open_host *host, enum store_source source,
		     const struct grid *g)
{
	static const int64_t unit_ms[] = { [STORE_MINUTES] = MINUTE_MS, [STORE_HOURS] = HOUR_MS };
	int err;

	if (source == STORE_SAMPLES) {
		err = load_samples(s, host, g->from_ms, grid_end(g));
		return err < 0 ? err : grid_add_samples(s, g, 0);
	}
	err = source == STORE_MINUTES ? grid_add_minutes(s, host, g) : grid_add_hours(s, host, g);
	samples_clear(&s->samples);
	if (!err)
		err = read_open(s, host, g->from_ms, grid_end(g));
	samples_sort(&s->samples);
	return err < 0 ? err : grid_add_samples(s, g, unit_ms[source]);
}

/* How much is kept of a whole span, where something was recorded. */
static int kept_of(struct store *s, int64_t from_ms, int64_t to_ms, enum kept *ret_kept)
{
	int err;

	store_bind(s, Q_SLOT_KEPT, 1, slot_of(from_ms));
	store_bind(s, Q_SLOT_KEPT, 2, last_slot(to_ms));
	err = store_step(s, Q_SLOT_KEPT);
	if (err < 0)
		return err;
	*ret_kept = (enum kept)store_column(s, Q_SLOT_KEPT, 0);
	if (*ret_kept == KEPT_NOTHING) /* NULL: no row */
		*ret_kept = KEPT_SAMPLES;
	store_reset(s, Q_SLOT_KEPT);
	return 0;
}

static bool span_ok(int64_t from_ms, int64_t to_ms)
{
	return from_ms >= 0 && from_ms < to_ms && to_ms <= MAX_TIME_MS &&
	       to_ms - from_ms <= MAX_SPAN_MS;
}

/* With one burst in the middle of each bucket, none falls now into the one, now into the other. */
static int64_t burst_phase(const struct store *s, int64_t from_ms)
{
	int64_t interval = s->config.interval_ms;

	for (size_t i = 0; i < s->samples.n; i++) {
		if (s->samples.items[i].time_ms >= from_ms)
			return s->samples.items[i].time_ms - interval / 2;
	}
	return 0;
}

int store_series(struct store *s, int64_t host_id, int64_t from_ms, int64_t to_ms, unsigned points,
		 struct store_series *ret_series)
{
	const struct open_host *host = store_open_host(s, host_id);
	enum store_source source = STORE_HOURS;
	struct grid g;
	enum kept kept;
	int64_t step;
	int err;

	if (!span_ok(from_ms, to_ms) || !points || points > STORE_MAX_POINTS)
		return -E_RANGE;
	if (!host)
		return -E_NOT_FOUND;
	err = kept_of(s, from_ms, to_ms, &kept);
	if (err < 0)
		return err;
	step = (to_ms - from_ms) / points;
	if (kept == KEPT_SAMPLES && step < MINUTE_MS)
		source = STORE_SAMPLES;
	else if (kept >= KEPT_MINUTES && step < HOUR_MS)
		source = STORE_MINUTES;
	if (source == STORE_SAMPLES) {
		err = load_samples(s, host, from_ms, to_ms);
		if (err < 0)
			return err;
		grid_lay(&g, from_ms, to_ms, points, s->config.interval_ms,
			 burst_phase(s, from_ms));
	} else {
		grid_lay(&g, from_ms, to_ms, points, source == STORE_MINUTES ? MINUTE_MS : HOUR_MS,
			 0);
	}
	g.buckets = calloc(g.n, sizeof(*g.buckets));
	if (!g.buckets)
		return -ENOMEM;
	err = grid_fill(s, host, source, &g);
	if (err < 0) {
		free(g.buckets);
		return err;
	}
	*ret_series = (struct store_series){ g.from_ms, g.step_ms, source, g.n, g.buckets };
	return 0;
}

void store_series_done(struct store_series *series)
{
	free(series->buckets);
	series->buckets = NULL;
}

/* --- heat --- */

static void cell_add(struct store_heat_cell *cell, const struct store_heat_cell *with)
{
	struct store_stats to = { cell->sent, cell->lost, .median_ns = cell->median_ns };
	const struct store_stats from = { with->sent, with->lost, .median_ns = with->median_ns };

	stats_combine(&to, &from);
	*cell = (struct store_heat_cell){ to.sent, to.lost, to.median_ns };
}

/* Quarters come from the slots' rows, which are by host as the map is. */
static int heat_add_slots(struct store *s, struct store_heat *heat)
{
	int err;

	store_bind(s, Q_SLOTS_HEAT, 1, slot_of(heat->from_ms));
	store_bind(s, Q_SLOTS_HEAT, 2,
		   last_slot(heat->from_ms + (int64_t)heat->n_buckets * heat->step_ms));
	while ((err = store_step(s, Q_SLOTS_HEAT)) == 1) {
		int64_t start_ms = store_column(s, Q_SLOTS_HEAT, 0) * STORE_SLOT_MS;
		size_t bucket = (size_t)((start_ms - heat->from_ms) / heat->step_ms);
		struct cursor c = store_column_blob(s, Q_SLOTS_HEAT, 1);
		struct store_heat_cell cell;
		int64_t host = 0;
		size_t row = 0;

		while (heat_read(&c, &host, &cell)) {
			while (row < heat->n_hosts && heat->hosts[row] < host)
				row++;
			if (row == heat->n_hosts)
				break;
			if (heat->hosts[row] == host)
				cell_add(&heat->cells[row * heat->n_buckets + bucket], &cell);
		}
		if (c.err) {
			err = -E_MALFORMED;
			break;
		}
	}
	store_reset(s, Q_SLOTS_HEAT);
	return err;
}

/* What is open of a host's quarters. */
static int heat_add_open(struct store *s, struct store_heat *heat, size_t row)
{
	const struct open_host *host = store_open_host(s, heat->hosts[row]);
	int64_t end_ms = heat->from_ms + (int64_t)heat->n_buckets * heat->step_ms;
	struct samples *list = &s->samples;
	int err = 0;

	for (unsigned i = 0; i < host->n_blocks && !err; i++) {
		const struct block *block = &host->blocks[i];
		int64_t start_ms = (int64_t)block->slot * STORE_SLOT_MS;
		struct store_heat_cell cell;

		if (start_ms < heat->from_ms || start_ms >= end_ms)
			continue;
		samples_clear(list);
		err = bursts_read(cursor_of(block->data.data, block->data.len), start_ms, list);
		if (!err)
			err = cell_of(list, 0, list->n, &cell);
		if (!err)
			cell_add(&heat->cells[row * heat->n_buckets +
					      (size_t)((start_ms - heat->from_ms) / heat->step_ms)],
				 &cell);
	}
	return err;
}

/* All of a host, for a map finer than quarters. */
static int heat_add_fine(struct store *s, struct store_heat *heat, size_t row,
			 enum store_source source, const struct grid *g)
{
	const struct open_host *host = store_open_host(s, heat->hosts[row]);
	int err;

	memset(g->buckets, 0, g->n * sizeof(*g->buckets));
	err = grid_fill(s, host, source, g);
	for (size_t i = 0; i < g->n && !err; i++) {
		const struct store_stats *b = &g->buckets[i];

		heat->cells[row * heat->n_buckets + i] =
			(struct store_heat_cell){ b->sent, b->lost, b->median_ns };
	}
	return err;
}

static int id_cmp(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int heat_rows(struct store *s, const struct store_heat_query *query, struct store_heat *heat)
{
	size_t n = s->n_hosts, skipped = MIN(query->offset, n);

	heat->hosts = calloc(n + 1, sizeof(*heat->hosts));
	if (!heat->hosts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		heat->hosts[i] = s->hosts[i].id;
	qsort(heat->hosts, n, sizeof(*heat->hosts), id_cmp);
	heat->n_total = n;
	heat->n_hosts = MIN(n - skipped, query->limit);
	memmove(heat->hosts, heat->hosts + skipped, heat->n_hosts * sizeof(*heat->hosts));
	heat->cells = calloc(heat->n_hosts * heat->n_buckets + 1, sizeof(*heat->cells));
	return heat->cells ? 0 : -ENOMEM;
}

int store_heat(struct store *s, const struct store_heat_query *query, struct store_heat *ret_heat)
{
	int64_t span = query->to_ms - query->from_ms, unit = STORE_SLOT_MS;
	enum store_source source = STORE_MINUTES;
	struct store_heat heat = { 0 };
	struct grid g;
	bool only_open;
	int err;

	if (!span_ok(query->from_ms, query->to_ms) || !query->buckets ||
	    query->buckets > STORE_MAX_BUCKETS)
		return -E_RANGE;
	if (span <= HEAT_SAMPLES_SPAN && span / query->buckets < MINUTE_MS)
		source = STORE_SAMPLES, unit = s->config.interval_ms;
	else if (span <= HEAT_MINUTES_SPAN && span / query->buckets < STORE_SLOT_MS)
		unit = MINUTE_MS;
	only_open = unit == STORE_SLOT_MS;
	grid_lay(&g, query->from_ms, query->to_ms, query->buckets, unit, 0);
	heat.from_ms = g.from_ms;
	heat.step_ms = g.step_ms;
	heat.n_buckets = g.n;
	g.buckets = calloc(g.n, sizeof(*g.buckets));
	err = g.buckets ? heat_rows(s, query, &heat) : -ENOMEM;
	if (!err && only_open)
		err = heat_add_slots(s, &heat);
	for (size_t row = 0; row < heat.n_hosts && !err; row++)
		err = only_open ? heat_add_open(s, &heat, row)
				: heat_add_fine(s, &heat, row, source, &g);
	free(g.buckets);
	if (err < 0) {
		store_heat_done(&heat);
		return err;
	}
	*ret_heat = heat;
	return 0;
}

void store_heat_done(struct store_heat *heat)
{
	free(heat->hosts);
	free(heat->cells);
	heat->hosts = NULL;
	heat->cells = NULL;
}
