#include "store/codec.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

void samples_done(struct samples *list)
{
	free(list->items);
	free(list->rtts);
	free(list->sorted);
	*list = (struct samples){ 0 };
}

/* Makes room for @n entries in all. */
static int reserve(void *array, size_t *cap, size_t n, size_t size)
{
	void **at = array, *bigger;
	size_t grown = MAX(n, *cap * 2);

	if (n <= *cap)
		return 0;
	bigger = reallocarray(*at, grown, size);
	if (!bigger)
		return -ENOMEM;
	*at = bigger;
	*cap = grown;
	return 0;
}

void varint_write(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_char(b, (char)(v | 0x80));
	buf_char(b, (char)v);
}

uint64_t varint_read(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_u8(c);

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			if (shift == 63 && byte > 1)
				break;
			return v;
		}
	}
	cursor_fail(c, -E_MALFORMED);
	return 0;
}

static uint64_t time_read(struct cursor *c)
{
	uint64_t units = varint_read(c);

	if (units > RTT_MAX_NS / RTT_UNIT_NS) {
		cursor_fail(c, -E_MALFORMED);
		return 0;
	}
	return units * RTT_UNIT_NS;
}

static uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ -(v & 1));
}

void burst_write(struct buf *b, int64_t start_ms, int64_t last_ms, int64_t time_ms, unsigned sent,
		 unsigned n_rtts, const uint64_t *rtts_ns)
{
	if (last_ms == NO_BURST)
		varint_write(b, (uint64_t)(time_ms - start_ms) << 1 | 1);
	else
		varint_write(b, zigzag(time_ms - last_ms) << 1);
	varint_write(b, sent);
	varint_write(b, n_rtts);
	for (unsigned i = 0; i < n_rtts; i++)
		varint_write(b, rtts_ns[i] / RTT_UNIT_NS);
}

int bursts_read(struct cursor c, int64_t start_ms, struct samples *list)
{
	size_t len = cursor_left(&c);
	int64_t time_ms = start_ms;

	/* A burst takes at least three bytes, an RTT at least one. */
	if (reserve(&list->items, &list->cap, list->n + len / 3 + 1, sizeof(*list->items)) < 0 ||
	    reserve(&list->rtts, &list->cap_rtts, list->n_rtts + len + 1, sizeof(*list->rtts)) < 0)
		return -ENOMEM;
	while (cursor_left(&c)) {
		struct sample *item = &list->items[list->n];
		uint64_t time = varint_read(&c), sent = varint_read(&c), n_rtts = varint_read(&c);

		if (c.err || time > STORE_SLOT_MS << 2 || !sent || sent > STORE_MAX_SENT ||
		    n_rtts > sent || n_rtts > cursor_left(&c))
			return -E_MALFORMED;
		time_ms = time & 1 ? start_ms + (int64_t)(time >> 1)
				   : time_ms + unzigzag(time >> 1);
		if (time_ms < start_ms || time_ms >= start_ms + STORE_SLOT_MS)
			return -E_MALFORMED;
		*item = (struct sample){ time_ms, (uint32_t)list->n_rtts, (uint16_t)sent,
					 (uint16_t)n_rtts };
		for (unsigned i = 0; i < n_rtts; i++)
			list->rtts[list->n_rtts + i] = time_read(&c);
		if (c.err)
			return -E_MALFORMED;
		list->n_rtts += n_rtts;
		list->n++;
	}
	return c.err ? -E_MALFORMED : 0;
}

static int sample_cmp(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	if (x->time_ms != y->time_ms)
		return x->time_ms < y->time_ms ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

void samples_sort(struct samples *list)
{
	size_t kept = 0;

	if (!list->n)
		return;
	qsort(list->items, list->n, sizeof(*list->items), sample_cmp);
	for (size_t i = 1; i < list->n; i++) {
		if (list->items[i].time_ms != list->items[kept].time_ms)
			list->items[++kept] = list->items[i];
	}
	list->n = kept + 1;
}

void samples_write(struct buf *b, const struct samples *list, int64_t start_ms)
{
	int64_t last_ms = NO_BURST;

	for (size_t i = 0; i < list->n; i++) {
		const struct sample *item = &list->items[i];

		burst_write(b, start_ms, last_ms, item->time_ms, item->sent, item->n_rtts,
			    list->rtts + item->at);
		last_ms = item->time_ms;
	}
}

/* Shell's sort with Ciura's gaps: lists are short, and qsort() calls a function to compare. */
static void sort_u64(uint64_t *v, size_t n)
{
	static const size_t gaps[] = { 4193, 1750, 701, 301, 132, 57, 23, 10, 4, 1 };

	for (size_t g = 0; g < ARRAY_LEN(gaps); g++) {
		size_t gap = gaps[g];

		for (size_t i = gap; i < n; i++) {
			uint64_t x = v[i];
			size_t at = i;

			for (; at >= gap && v[at - gap] > x; at -= gap)
				v[at] = v[at - gap];
			v[at] = x;
		}
	}
}

/* The value at @fraction of the ranks of @n sorted ones, between neighbours in proportion. */
static uint64_t percentile(const uint64_t *sorted, size_t n, double fraction)
{
	double rank = fraction * (double)(n - 1);
	size_t low = (size_t)rank;

	if (low + 1 >= n)
		return sorted[n - 1];
	return sorted[low] +
	       (uint64_t)llround((rank - (double)low) * (double)(sorted[low + 1] - sorted[low]));
}

int stats_of(struct samples *list, size_t from, size_t to, struct store_stats *ret_stats)
{
	struct store_stats stats = { 0 };
	double jitter_sum = 0;
	size_t n = 0, n_jitter = 0;

	if (reserve(&list->sorted, &list->cap_sorted, list->n_rtts + 1, sizeof(*list->sorted)) < 0)
		return -ENOMEM;
	for (size_t i = from; i < to; i++) {
		const struct sample *item = &list->items[i];
		const uint64_t *rtts = list->rtts + item->at;

		stats.sent += item->sent;
		stats.lost += item->sent - item->n_rtts;
		for (unsigned j = 0; j < item->n_rtts; j++) {
			list->sorted[n++] = rtts[j];
			if (j)
				jitter_sum += fabs((double)rtts[j] - (double)rtts[j - 1]);
		}
		n_jitter += item->n_rtts ? item->n_rtts - 1u : 0;
	}
	if (n) {
		const uint64_t *v = list->sorted;

		sort_u64(list->sorted, n);
		stats.min_ns = v[0];
		stats.p10_ns = percentile(v, n, 0.10);
		stats.p25_ns = percentile(v, n, 0.25);
		stats.median_ns = percentile(v, n, 0.50);
		stats.p75_ns = percentile(v, n, 0.75);
		stats.p90_ns = percentile(v, n, 0.90);
		stats.max_ns = v[n - 1];
		if (n_jitter)
			stats.jitter_ns = (uint64_t)llround(jitter_sum / (double)n_jitter);
	}
	*ret_stats = stats;
	return 0;
}

/* Hoare's selection: puts the @k-th smallest of @v at its place, none below it larger. */
static uint64_t select_u64(uint64_t *v, size_t n, size_t k)
{
	size_t low = 0, high = n - 1;

	while (low < high) {
		uint64_t pivot = v[low + (high - low) / 2];
		size_t i = low, j = high;

		for (;;) {
			while (v[i] < pivot)
				i++;
			while (v[j] > pivot)
				j--;
			if (i >= j)
				break;
			uint64_t x = v[i];

			v[i++] = v[j];
			v[j--] = x;
		}
		/* Now [low, j] <= pivot <= [j + 1, high]. */
		if (k <= j)
			high = j;
		else
			low = j + 1;
	}
	return v[k];
}

int cell_of(struct samples *list, size_t from, size_t to, struct store_heat_cell *ret_cell)
{
	struct store_heat_cell cell = { 0 };
	uint64_t *v;
	size_t n = 0;

	if (reserve(&list->sorted, &list->cap_sorted, list->n_rtts + 1, sizeof(*list->sorted)) < 0)
		return -ENOMEM;
	v = list->sorted;
	for (size_t i = from; i < to; i++) {
		const struct sample *item = &list->items[i];

		cell.sent += item->sent;
		cell.lost += item->sent - item->n_rtts;
		for (unsigned j = 0; j < item->n_rtts; j++)
			v[n++] = list->rtts[item->at + j];
	}
	if (n) {
		cell.median_ns = select_u64(v, n, n / 2);
		if (n % 2 == 0) { /* the mean of the middle two, as stats_of() has it */
			uint64_t below = select_u64(v, n, n / 2 - 1);

			cell.median_ns = below + (cell.median_ns - below + 1) / 2;
		}
	}
	*ret_cell = cell;
	return 0;
}

static uint64_t weigh(uint64_t a, double a_weight, uint64_t b, double b_weight)
{
	return (uint64_t)(((double)a * a_weight + (double)b * b_weight) / (a_weight + b_weight) +
			  0.5);
}

void stats_combine(struct store_stats *to, const struct store_stats *with)
{
	uint32_t n = stats_answered(to), m = stats_answered(with);

	if (!n || !m) {
		struct store_stats times = n ? *to : *with;

		times.sent = to->sent + with->sent;
		times.lost = to->lost + with->lost;
		*to = times;
		return;
	}
	to->sent += with->sent;
	to->lost += with->lost;
	to->min_ns = MIN(to->min_ns, with->min_ns);
	to->p10_ns = weigh(to->p10_ns, n, with->p10_ns, m);
	to->p25_ns = weigh(to->p25_ns, n, with->p25_ns, m);
	to->median_ns = weigh(to->median_ns, n, with->median_ns, m);
	to->p75_ns = weigh(to->p75_ns, n, with->p75_ns, m);
	to->p90_ns = weigh(to->p90_ns, n, with->p90_ns, m);
	to->max_ns = MAX(to->max_ns, with->max_ns);
	to->jitter_ns = weigh(to->jitter_ns, n, with->jitter_ns, m);
}

/* The ascending ones. */
#define N_RANKED 7

static uint64_t *ranked(struct store_stats *s, unsigned i)
{
	uint64_t *const all[N_RANKED] = { &s->min_ns, &s->p10_ns, &s->p25_ns, &s->median_ns,
					  &s->p75_ns, &s->p90_ns, &s->max_ns };

	return all[i];
}

void stats_write(struct buf *b, const struct store_stats *stats)
{
	struct store_stats s = *stats;
	uint64_t last = 0;

	varint_write(b, s.sent);
	varint_write(b, s.lost);
	if (!stats_answered(&s))
		return;
	for (unsigned i = 0; i < N_RANKED; i++) {
		uint64_t v = *ranked(&s, i) / RTT_UNIT_NS;

		varint_write(b, v - last);
		last = v;
	}
	varint_write(b, s.jitter_ns / RTT_UNIT_NS);
}

void stats_read(struct cursor *c, struct store_stats *ret_stats)
{
	struct store_stats s = { 0 };
	uint64_t last = 0;

	s.sent = (uint32_t)varint_read(c);
	s.lost = (uint32_t)varint_read(c);
	if (s.lost > s.sent)
		cursor_fail(c, -E_MALFORMED);
	if (!c->err && stats_answered(&s)) {
		for (unsigned i = 0; i < N_RANKED; i++) {
			last += time_read(c);
			*ranked(&s, i) = last;
		}
		s.jitter_ns = time_read(c);
	}
	*ret_stats = s;
}

bool heat_read(struct cursor *c, int64_t *host, struct store_heat_cell *ret_cell)
{
	struct store_heat_cell cell;
	uint64_t step;

	if (!cursor_left(c))
		return false;
	step = varint_read(c);
	cell.sent = (uint32_t)varint_read(c);
	cell.lost = (uint32_t)varint_read(c);
	cell.median_ns = time_read(c);
	if (!step || step > INT32_MAX || cell.lost > cell.sent)
		cursor_fail(c, -E_MALFORMED);
	if (c->err)
		return false;
	*host += (int64_t)step;
	*ret_cell = cell;
	return true;
}

void heat_write(struct buf *b, int64_t last_host, int64_t host, const struct store_heat_cell *cell)
{
	varint_write(b, (uint64_t)(host - last_host));
	varint_write(b, cell->sent);
	varint_write(b, cell->lost);
	varint_write(b, cell->median_ns / RTT_UNIT_NS);
}
