#include "capture/tcp_analysis.h"

#include <stdlib.h>

#include "wire/numbers.h"

/* Segments that fill holes sooner than this after the hole was seen are out of order, not repeated,
 * when the time of the handshake is not known. */
#define REORDERING_NS (3 * (int64_t)NS_PER_MS)
/* A repetition sooner than this after duplicate ACKs is their consequence. */
#define FAST_NS (20 * (int64_t)NS_PER_MS)

#define OPENS_OR_ENDS (TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST)

static inline bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static int64_t since(int64_t now_ns, int64_t then_ns)
{
	return (int64_t)((uint64_t)now_ns - (uint64_t)then_ns);
}

/* One segment being judged. */
struct judging {
	const struct segment *s;
	struct tcp_history *h;
	struct tcp_direction *own, *other;
	uint32_t end; /* behind its last byte, SYN and FIN counted */
	uint32_t is;  /* enum tcp_analysis */
	struct tcp_facts *facts;
};

static struct tcp_sent *sent_at(struct tcp_direction *d, uint32_t i)
{
	return &d->sent[(d->sent_at + i) & (d->sent_cap - 1)];
}

/* Twice the room, if memory allows. */
static void sent_grow(struct tcp_direction *d, struct tcp_budget *budget)
{
	uint32_t cap = d->sent_cap * 2;
	size_t size = cap * sizeof(*d->sent);
	struct tcp_sent *larger;

	if (cap > TCP_SENT_MAX || budget->used + size > budget->max)
		return;
	larger = malloc(size);
	if (!larger)
		return;
	for (uint32_t i = 0; i < d->n_sent; i++)
		larger[i] = *sent_at(d, i);
	if (d->sent != d->first) {
		budget->used -= d->sent_cap * sizeof(*d->sent);
		free(d->sent);
	}
	budget->used += size;
	d->sent = larger;
	d->sent_at = 0;
	d->sent_cap = cap;
}

static void sent_add(struct tcp_direction *d, struct tcp_budget *budget, const struct judging *j)
{
	if (!d->sent) {
		d->sent = d->first;
		d->sent_cap = TCP_SENT_INLINE;
	}
	if (d->n_sent == d->sent_cap)
		sent_grow(d, budget);
	if (d->n_sent == d->sent_cap) {
		d->sent_at++;
		d->n_sent--;
	}
	*sent_at(d, d->n_sent++) = (struct tcp_sent){
		.seq = j->s->seq,
		.end = j->end,
		.frame = j->s->frame,
		.time_ns = j->s->time_ns,
	};
}

/* A segment without data of an open connection. */
static bool is_plain(const struct segment *s)
{
	return !s->len && !(s->flags & OPENS_OR_ENDS);
}

/* Repeats what its sender said last: nothing sent, nothing acknowledged since. */
static bool is_same(const struct judging *j)
{
	return is_plain(j->s) && j->own->sent_some && j->s->seq == j->own->next &&
	       j->own->acked_some && j->s->ack == j->own->last_ack;
}

/* Where the other side's window ends. */
static bool fills_window(const struct judging *j)
{
	const struct tcp_direction *o = j->other;

	return j->s->len && !(j->s->flags & OPENS_OR_ENDS) && o->acked_some &&
	       o->scale != TCP_SCALE_UNKNOWN &&
	       j->s->seq + j->s->len == o->last_ack + o->window_bytes;
}

/* What needs no data to be said. */
static void judge_window(struct judging *j)
{
	const struct segment *s = j->s;
	struct tcp_direction *own = j->own;

	if (s->len == 1 && own->sent_some && s->seq == own->next && j->other->acked_some &&
	    !j->other->window) {
		j->is |= TCP_ZERO_WINDOW_PROBE;
		return;
	}
	if (!s->window && !(s->flags & OPENS_OR_ENDS))
		j->is |= TCP_ZERO_WINDOW;
	if (own->sent_some && before(own->next, s->seq) && !(s->flags & TCP_FLAG_RST)) {
		j->is |= TCP_LOST_SEGMENT;
		own->flight_known = false;
		if (before(own->next, own->expected_ack))
			own->expected_ack = own->next;
	}
	if (s->len <= 1 && own->sent_some && s->seq == own->next - 1 && !(s->flags & OPENS_OR_ENDS))
		j->is |= TCP_KEEP_ALIVE;
	if (fills_window(j))
		j->is |= TCP_WINDOW_FULL;
	if (!is_same(j))
		return;
	if (s->window && s->window != own->window)
		j->is |= TCP_WINDOW_UPDATE;
	else if (s->window && j->other->kept_alive)
		j->is |= TCP_KEEP_ALIVE_ACK;
	else if (!s->window && !own->window && j->other->probed)
		j->is |= TCP_ZERO_WINDOW_PROBE_ACK;
	else if (s->window)
		j->is |= TCP_DUPLICATE_ACK;
}

static void judge_ack(struct judging *j)
{
	const struct segment *s = j->s;
	struct tcp_direction *own = j->own, *other = j->other;

	if (j->is & TCP_DUPLICATE_ACK) {
		own->n_duplicates++;
		j->facts->duplicate_ack = own->n_duplicates;
		j->facts->duplicate_of = own->duplicated;
	}
	if (!own->acked_some || s->ack != own->last_ack) {
		own->n_duplicates = 0;
		own->duplicated = s->frame;
	}
	if (s->flags & TCP_FLAG_ACK && other->in_order && before(other->expected_ack, s->ack)) {
		j->is |= TCP_ACK_LOST_SEGMENT;
		/* Said once. */
		other->expected_ack = before(s->ack, other->next) ? other->next : s->ack;
	}
}

/* Of segments that do not begin where the last one ended. */
static uint32_t judge_repetition(struct judging *j)
{
	const struct segment *s = j->s;
	struct tcp_direction *own = j->own, *other = j->other;
	int64_t reordering = j->h->initial_rtt_ns ? j->h->initial_rtt_ns : REORDERING_NS;

	if (other->n_duplicates >= 2 && other->last_ack == s->seq &&
	    since(s->time_ns, other->last_ack_ns) < FAST_NS)
		return TCP_FAST_RETRANSMISSION | TCP_RETRANSMISSION;
	if (since(s->time_ns, own->next_ns) < reordering && own->next != j->end)
		return TCP_OUT_OF_ORDER;
	j->facts->rto_frame = own->n_sent ? sent_at(own, 0)->frame : own->next_frame;
	j->facts->rto_ns = since(s->time_ns, own->n_sent ? sent_at(own, 0)->time_ns : own->next_ns);
	return TCP_RETRANSMISSION;
}

static void judge_data(struct judging *j)
{
	const struct segment *s = j->s;
	struct tcp_direction *own = j->own;
	bool repeats = own->sent_some && before(s->seq, own->next);

	if ((!s->len && !(s->flags & (TCP_FLAG_SYN | TCP_FLAG_FIN))) || j->is & TCP_KEEP_ALIVE)
		return;
	/* One byte before the end: the byte of a zero window probe again, with more behind it. */
	if (s->len > 1 && s->seq == own->next - 1)
		repeats = false;
	if (s->len && j->other->acked_some && !before(j->other->last_ack, s->seq + s->len))
		j->is |= TCP_SPURIOUS_RETRANSMISSION | TCP_RETRANSMISSION;
	else if (repeats)
		j->is |= judge_repetition(j);
}

/* Which segment this acknowledges; it and those before it need not be remembered any more. */
static void take_ack(struct judging *j)
{
	struct tcp_direction *other = j->other;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < other->n_sent; i++) {
		struct tcp_sent *sent = sent_at(other, i);

		if (sent->end == j->s->ack && !j->facts->acks_frame) {
			j->facts->acks_frame = sent->frame;
			j->facts->ack_rtt_ns = since(j->s->time_ns, sent->time_ns);
		}
		if (before(j->s->ack, sent->end))
			*sent_at(other, kept++) = *sent;
	}
	other->n_sent = kept;
}

/* Sent and not acknowledged, this segment included; its SYN or FIN does not count. */
static void count_flight(struct judging *j)
{
	struct tcp_direction *own = j->own;
	uint32_t first = j->s->seq, last = j->end;

	if (!own->flight_known || !j->s->len)
		return;
	for (uint32_t i = 0; i < own->n_sent; i++) {
		const struct tcp_sent *sent = sent_at(own, i);

		if (before(sent->seq, first))
			first = sent->seq;
		if (before(last, sent->end))
			last = sent->end;
	}
	last -= j->s->flags & (TCP_FLAG_SYN | TCP_FLAG_FIN) ? 1 : 0;
	if (last - first < 1u << 31 && last - first > own->sacked)
		j->facts->bytes_in_flight = last - first - own->sacked;
}

/* Bytes beyond a hole that @s says to have. */
static uint32_t sacked_bytes(const struct segment *s)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < s->n_sacks; i++) {
		uint32_t left = load_be32(s->sacks + i * 8),
			 right = load_be32(s->sacks + i * 8 + 4);

		/* What was acknowledged anyway is said to have come twice (RFC 2883). */
		if (before(s->ack, left) && before(left, right))
			sum += right - left;
	}
	return sum;
}

static void remember(struct judging *j, struct tcp_budget *budget)
{
	const struct segment *s = j->s;
	struct tcp_direction *own = j->own;
	bool probe = j->is & TCP_ZERO_WINDOW_PROBE;
	/* An RST that answers a SYN has no number of its own. */
	bool placed = !probe && !(s->flags & TCP_FLAG_RST && !s->seq);

	if (j->end != s->seq)
		sent_add(own, budget, j);
	if (placed && (!own->sent_some || before(own->next, j->end))) {
		own->next = j->end;
		own->next_frame = s->frame;
		own->next_ns = s->time_ns;
		own->sent_some = true;
	}
	if (placed && (!own->in_order || s->seq == own->expected_ack)) {
		own->expected_ack = own->next;
		own->in_order = true;
	}
	own->window = s->window;
	own->window_bytes = j->facts->window;
	if (s->flags & TCP_FLAG_ACK) {
		own->last_ack = s->ack;
		own->acked_some = true;
		own->last_ack_ns = s->time_ns;
	}
	own->probed = probe;
	own->kept_alive = j->is & TCP_KEEP_ALIVE;
	if (s->flags & TCP_FLAG_ACK) {
		take_ack(j);
		j->other->flight_known = true;
		j->other->sacked = s->n_sacks ? sacked_bytes(s) : 0;
	}
	count_flight(j);
}

/* What only the handshake tells. */
static void take_handshake(struct judging *j)
{
	const struct segment *s = j->s;
	struct tcp_history *h = j->h;
	struct tcp_direction *own = j->own;
	bool syn = s->flags & TCP_FLAG_SYN;

	if (syn)
		own->scale = s->scale == SEGMENT_NO_SCALE ? TCP_SCALE_NONE
							  : (int16_t)MIN(s->scale, 14);
	/* Scaled by both or by none (RFC 7323 section 2.2). */
	if (syn && own->scale == TCP_SCALE_NONE)
		j->other->scale = TCP_SCALE_NONE;
	else if (syn && j->other->scale == TCP_SCALE_NONE)
		own->scale = TCP_SCALE_NONE;
	if (syn && !(s->flags & TCP_FLAG_ACK)) {
		h->syn_ns = s->time_ns;
		h->syn_known = true;
	}
}

/* The ACK that completes the handshake, judged without knowing how long that took. */
static void take_initial_rtt(struct judging *j)
{
	const struct segment *s = j->s;
	struct tcp_history *h = j->h;

	if (!(s->flags & TCP_FLAG_SYN) && s->flags & TCP_FLAG_ACK && h->syn_known &&
	    !h->initial_rtt_ns)
		h->initial_rtt_ns = since(s->time_ns, h->syn_ns);
}

static void take_time(struct judging *j)
{
	struct tcp_history *h = j->h;
	int64_t now_ns = j->s->time_ns;

	if (!h->has_time)
		h->first_ns = h->previous_ns = now_ns;
	h->has_time = true;
	j->facts->since_first_ns = since(now_ns, h->first_ns);
	j->facts->since_previous_ns = since(now_ns, h->previous_ns);
	h->previous_ns = now_ns;
}

void tcp_history_init(struct tcp_history *h)
{
	*h = (struct tcp_history){ 0 };
	for (unsigned i = 0; i < 2; i++) {
		h->dir[i].scale = TCP_SCALE_UNKNOWN;
		h->dir[i].flight_known = true;
	}
}

void tcp_analyse(struct tcp_history *h, struct tcp_budget *budget, const struct segment *s,
		 unsigned side, struct tcp_facts *ret_facts)
{
	struct judging j = {
		.s = s,
		.h = h,
		.own = &h->dir[side],
		.other = &h->dir[!side],
		.end = s->seq + s->len + (s->flags & (TCP_FLAG_SYN | TCP_FLAG_FIN) ? 1 : 0),
		.facts = ret_facts,
	};
	int16_t scale;

	*ret_facts = (struct tcp_facts){ 0 };
	take_time(&j);
	take_handshake(&j);
	scale = s->flags & TCP_FLAG_SYN ? TCP_SCALE_NONE : j.own->scale;
	ret_facts->window = (uint32_t)s->window << (scale > 0 ? scale : 0);
	judge_window(&j);
	judge_ack(&j);
	judge_data(&j);
	remember(&j, budget);
	take_initial_rtt(&j);
	ret_facts->analysis = j.is;
	ret_facts->scale = j.own->scale;
	if (j.is || ret_facts->acks_frame || (s->len && j.own->flight_known))
		ret_facts->initial_rtt_ns = h->initial_rtt_ns;
}

void tcp_history_done(struct tcp_history *h, struct tcp_budget *budget)
{
	for (unsigned i = 0; i < 2; i++) {
		struct tcp_direction *d = &h->dir[i];

		if (d->sent && d->sent != d->first) {
			budget->used -= d->sent_cap * sizeof(*d->sent);
			free(d->sent);
		}
	}
}
