/*
 * What is kept lies in one piece of memory: first the bytes that are in order and not taken, behind
 * them, each at its place, those that came early; the ranges say which places are filled. So no
 * byte is copied twice, and a message is always in one piece.
 *
 * Whoever is shown bytes may use them until reassembly_settle(). Therefore memory is never moved or
 * reused, only replaced; the old one is retired until then.
 */
#include "capture/reassembly.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define MEMORY_FIRST 4096u

/* Before each piece of memory. */
struct retired {
	struct retired *next;
	uint64_t align;
};

static inline bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static bool is_listed(const struct reassembly_pool *pool, const struct reassembly *r)
{
	return r->older || r->newer || pool->oldest == r;
}

static void unlist(struct reassembly_pool *pool, struct reassembly *r)
{
	if (!is_listed(pool, r))
		return;
	*(r->older ? &r->older->newer : &pool->oldest) = r->newer;
	*(r->newer ? &r->newer->older : &pool->newest) = r->older;
	r->older = r->newer = NULL;
}

static void list_as_newest(struct reassembly_pool *pool, struct reassembly *r)
{
	if (pool->newest == r)
		return;
	unlist(pool, r);
	r->older = pool->newest;
	*(pool->newest ? &pool->newest->newer : &pool->oldest) = r;
	pool->newest = r;
}

static void retire(struct reassembly_pool *pool, struct reassembly *r)
{
	struct retired *old;

	if (!r->memory)
		return;
	old = (struct retired *)r->memory - 1;
	old->next = pool->retired;
	pool->retired = old;
	pool->used -= r->cap;
	r->memory = NULL;
	r->cap = r->head = 0;
}

void reassembly_settle(struct reassembly_pool *pool)
{
	while (pool->retired) {
		struct retired *old = pool->retired;

		pool->retired = old->next;
		free(old);
	}
}

void reassembly_done(struct reassembly_pool *pool, struct reassembly *r)
{
	retire(pool, r);
	if (r->ranges) {
		pool->used -= REASSEMBLY_RANGES * sizeof(*r->ranges);
		free(r->ranges);
		r->ranges = NULL;
	}
	r->n_ranges = r->ready = 0;
	unlist(pool, r);
}

/* Makes another one forget what it keeps. */
static void drop(struct reassembly_pool *pool, struct reassembly *r)
{
	pool->counts.dropped_bytes += r->ready;
	for (uint32_t i = 0; i < r->n_ranges; i++)
		pool->counts.dropped_bytes += r->ranges[i].end - r->ranges[i].start;
	if (r->ready)
		pool->user->lose(pool, r);
	reassembly_done(pool, r);
}

/* Books @size bytes for @r. */
static bool afford(struct reassembly_pool *pool, struct reassembly *r, size_t size)
{
	list_as_newest(pool, r);
	while (pool->used + size > pool->max && pool->oldest != r)
		drop(pool, pool->oldest);
	if (pool->used + size > pool->max)
		return false;
	pool->used += size;
	return true;
}

/* Room for @len bytes from the first that is kept. */
static bool reserve(struct reassembly_pool *pool, struct reassembly *r, uint32_t len)
{
	struct retired *piece;
	uint32_t cap = MEMORY_FIRST, used;
	uint8_t *memory;

	if (r->memory && r->cap - r->head >= len)
		return true;
	while (cap < len)
		cap *= 2;
	if (!afford(pool, r, cap))
		return false;
	piece = malloc(sizeof(*piece) + cap);
	if (!piece) {
		pool->used -= cap;
		return false;
	}
	memory = (uint8_t *)(piece + 1);
	used = r->n_ranges ? r->ready + r->ranges[r->n_ranges - 1].end - r->next : r->ready;
	if (used)
		memcpy(memory, r->memory + r->head, used);
	retire(pool, r);
	r->memory = memory;
	r->cap = cap;
	return true;
}

/* Shows what is in order; @old bytes of it are known. */
static void show(struct reassembly_pool *pool, struct reassembly *r, uint32_t old, bool end)
{
	uint32_t taken;

	if (r->has_fin && r->next == r->fin && !r->ended)
		end = r->ended = true;
	if (!r->ready && !end)
		return;
	taken = (uint32_t)pool->user->take(pool, r, r->ready ? r->memory + r->head : NULL, r->ready,
					   old, end);
	r->head += taken;
	r->ready -= taken;
	if (!r->ready && !r->n_ranges)
		reassembly_done(pool, r);
}

/* The first range follows directly: what is in order becomes longer. */
static void join(struct reassembly_pool *pool, struct reassembly *r)
{
	uint32_t old = r->ready, len = r->ranges[0].end - r->ranges[0].start;

	r->ready += len;
	r->next += len;
	r->n_ranges--;
	r->patience = 0;
	memmove(r->ranges, r->ranges + 1, r->n_ranges * sizeof(*r->ranges));
	show(pool, r, old, false);
}

/* Goes on at @to, not behind the first range. */
static void pass_over(struct reassembly_pool *pool, struct reassembly *r, uint32_t to)
{
	uint32_t gap = to - r->next;

	if (r->ready)
		show(pool, r, r->ready, true);
	pool->counts.gaps++;
	pool->counts.gap_bytes += gap;
	pool->user->gap(pool, r, gap);
	r->next = to;
	r->patience = 0;
	if (r->n_ranges) {
		r->head += gap;
		if (r->ranges[0].start == to)
			join(pool, r);
	} else if (r->has_fin && to == r->fin) {
		show(pool, r, 0, true);
	}
}

static void pass_hole(struct reassembly_pool *pool, struct reassembly *r)
{
	pass_over(pool, r, r->ranges[0].start);
}

/* The stream goes on somewhere else. */
static void jump(struct reassembly_pool *pool, struct reassembly *r, uint32_t to)
{
	while (r->n_ranges)
		pass_hole(pool, r);
	if (r->ready)
		show(pool, r, r->ready, true);
	pool->counts.gaps++;
	pool->counts.gap_bytes += before(r->next, to) ? to - r->next : 0;
	pool->user->gap(pool, r, before(r->next, to) ? to - r->next : 0);
	reassembly_done(pool, r);
	r->next = to;
	r->has_fin = r->ended = r->has_far = false;
}

/* What of a segment is not placed yet. */
struct part {
	uint32_t seq, len;
	const uint8_t *bytes;
	unsigned result; /* enum reassembly_result */
};

static void part_advance(struct part *p, uint32_t n)
{
	p->seq += n;
	p->bytes += n;
	p->len -= n;
}

/* The first @n bytes are kept already at @kept. */
static void part_repeats(struct part *p, const uint8_t *kept, uint32_t n)
{
	p->result |= REASSEMBLY_OVERLAP;
	if (memcmp(kept, p->bytes, n) != 0)
		p->result |= REASSEMBLY_CONFLICT;
	part_advance(p, n);
}

/* Leaves out what is before the place that was reached. */
static void part_trim(struct reassembly *r, struct part *p)
{
	uint32_t behind = r->next - p->seq;

	if (!before(p->seq, r->next))
		return;
	if (behind > r->ready)
		part_advance(p, MIN(behind - r->ready, p->len));
	behind = r->next - p->seq;
	if (p->len && before(p->seq, r->next))
		part_repeats(p, r->memory + r->head + r->ready - behind, MIN(behind, p->len));
}

/* Where the byte with number @seq has its place, not before what is in order. */
static uint8_t *place_of(struct reassembly *r, uint32_t seq)
{
	return r->memory + r->head + r->ready + (seq - r->next);
}

/* Makes [@start, @end) one range with all that it touches. */
static void range_add(struct reassembly *r, uint32_t start, uint32_t end)
{
	uint32_t first = 0, last;

	while (first < r->n_ranges && before(r->ranges[first].end, start))
		first++;
	for (last = first; last < r->n_ranges && !before(end, r->ranges[last].start); last++) {
		if (before(r->ranges[last].start, start))
			start = r->ranges[last].start;
		if (before(end, r->ranges[last].end))
			end = r->ranges[last].end;
	}
	memmove(r->ranges + first + 1, r->ranges + last, (r->n_ranges - last) * sizeof(*r->ranges));
	r->n_ranges = r->n_ranges - (last - first) + 1;
	r->ranges[first] = (struct reassembly_range){ start, end };
}

/* Copies a part to its place, except what is there already. */
static void part_place(struct reassembly *r, struct part *p)
{
	uint32_t start = p->seq, end = p->seq + p->len;

	for (uint32_t i = 0; i < r->n_ranges && p->len; i++) {
		const struct reassembly_range *range = &r->ranges[i];
		uint32_t n;

		if (!before(p->seq, range->end))
			continue;
		n = before(p->seq, range->start) ? MIN(range->start - p->seq, p->len) : 0;
		if (n) {
			memcpy(place_of(r, p->seq), p->bytes, n);
			p->result |= REASSEMBLY_NEW;
			part_advance(p, n);
		}
		if (p->len)
			part_repeats(p, place_of(r, p->seq), MIN(range->end - p->seq, p->len));
	}
	if (p->len) {
		memcpy(place_of(r, p->seq), p->bytes, p->len);
		p->result |= REASSEMBLY_NEW;
	}
	range_add(r, start, end);
}

static bool reserve_ranges(struct reassembly_pool *pool, struct reassembly *r)
{
	size_t size = REASSEMBLY_RANGES * sizeof(*r->ranges);

	if (r->ranges)
		return true;
	if (!afford(pool, r, size))
		return false;
	r->ranges = malloc(size);
	if (!r->ranges)
		pool->used -= size;
	return r->ranges;
}

/* Leaves only what is not there yet, and passes over so many holes that there is room for it. */
static bool make_room(struct reassembly_pool *pool, struct reassembly *r, struct part *p)
{
	for (;;) {
		part_trim(r, p);
		if (!p->len)
			return false;
		if (r->ready + (p->seq - r->next) + p->len <= REASSEMBLY_MAX &&
		    r->n_ranges < REASSEMBLY_RANGES)
			return true;
		if (r->n_ranges)
			pass_hole(pool, r);
		else if (r->ready)
			show(pool, r, r->ready, true);
		else
			jump(pool, r, p->seq);
	}
}

/* What does not simply continue the stream. */
static void take_part(struct reassembly_pool *pool, struct reassembly *r, struct part *p)
{
	uint32_t old;

	if (!make_room(pool, r, p))
		return;
	if (!reserve(pool, r, r->ready + (p->seq - r->next) + p->len)) {
		pool->counts.dropped_bytes += p->len;
		return;
	}
	list_as_newest(pool, r);
	if (p->seq == r->next && !r->n_ranges) {
		memcpy(place_of(r, p->seq), p->bytes, p->len);
		p->result |= REASSEMBLY_NEW;
		old = r->ready;
		r->ready += p->len;
		r->next += p->len;
		show(pool, r, old, false);
		return;
	}
	if (!reserve_ranges(pool, r)) {
		pool->counts.dropped_bytes += p->len;
		return;
	}
	part_place(r, p);
	if (r->ranges[0].start == r->next)
		join(pool, r);
}

/* The usual case: nothing is kept, and these bytes are the next ones. */
static void take_directly(struct reassembly_pool *pool, struct reassembly *r, struct part *p)
{
	bool end;
	uint32_t taken;

	r->next += p->len;
	end = r->has_fin && r->next == r->fin && !r->ended;
	r->ended |= end;
	p->result |= REASSEMBLY_NEW;
	taken = (uint32_t)pool->user->take(pool, r, p->bytes, p->len, 0, end);
	if (taken == p->len)
		return;
	part_advance(p, taken);
	if (!reserve(pool, r, p->len)) {
		pool->counts.dropped_bytes += p->len;
		pool->user->lose(pool, r);
		return;
	}
	memcpy(r->memory, p->bytes, p->len);
	r->ready = p->len;
	list_as_newest(pool, r);
}

/* Whether a segment far away is to be believed. */
static bool far_is_true(struct reassembly *r, const struct reassembly_segment *s)
{
	bool goes_on = r->has_far && s->seq == r->far;

	r->far = s->seq + s->len;
	r->has_far = true;
	if (!s->acked)
		return goes_on;
	if (before(r->next, s->seq))
		return goes_on || !before(s->ack, s->seq);
	return goes_on && before(s->ack, r->far); /* else it is something old again */
}

/* The bytes between what was captured of a segment and its end will never come. */
static void pass_cut(struct reassembly_pool *pool, struct reassembly *r,
		     const struct reassembly_segment *s)
{
	uint32_t to = s->seq + s->len;

	if (before(r->next, s->seq + s->cap_len) || !before(r->next, to))
		return;
	if (r->n_ranges && before(r->ranges[0].start, to))
		to = r->ranges[0].start;
	pass_over(pool, r, to);
}

void reassembly_start(struct reassembly *r, uint32_t seq)
{
	r->started = true;
	r->next = seq;
}

unsigned reassembly_segment(struct reassembly_pool *pool, struct reassembly *r,
			    const struct reassembly_segment *s)
{
	struct part p = { s->seq, s->cap_len, s->bytes, 0 };
	uint32_t away = s->seq - r->next;

	if (away + REASSEMBLY_MAX > 2 * REASSEMBLY_MAX) {
		if (!far_is_true(r, s)) {
			pool->counts.dropped_bytes += s->cap_len;
			return 0;
		}
		jump(pool, r, s->seq);
	}
	if (s->fin && !r->has_fin && !before(s->seq + s->len, r->next)) {
		r->has_fin = true;
		r->fin = s->seq + s->len;
	}
	if (r->has_fin && before(r->fin, p.seq + p.len))
		p.len = before(p.seq, r->fin) ? r->fin - p.seq : 0;
	if (likely(p.len && p.seq == r->next && !r->ready && !r->n_ranges))
		take_directly(pool, r, &p);
	else if (p.len)
		take_part(pool, r, &p);
	else
		show(pool, r, r->ready, false);
	if (s->cap_len < s->len)
		pass_cut(pool, r, s);
	pool->counts.conflicts += p.result & REASSEMBLY_CONFLICT ? 1 : 0;
	return p.result;
}

void reassembly_acked(struct reassembly_pool *pool, struct reassembly *r,
		      const struct reassembly_ack *a, int64_t now_ns)
{
	uint64_t waited_ns;

	if (before(a->ack, r->ranges[0].start))
		return;
	if (!r->patience) {
		r->acked_ns = a->since_ns;
		r->patience = a->age;
	}
	waited_ns = (uint64_t)now_ns - (uint64_t)r->acked_ns;
	if (++r->patience > a->patience || waited_ns >= (uint64_t)a->wait_ns)
		pass_hole(pool, r);
}

void reassembly_resume(struct reassembly_pool *pool, struct reassembly *r)
{
	show(pool, r, r->ready, false);
}

void reassembly_end(struct reassembly_pool *pool, struct reassembly *r)
{
	while (r->n_ranges)
		pass_hole(pool, r);
	/* An RST ends it, and what came after all behind one, again. */
	if (!r->ended || r->ready) {
		r->ended = true;
		show(pool, r, r->ready, true);
	}
	reassembly_done(pool, r);
}
