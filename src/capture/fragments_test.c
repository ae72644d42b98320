/*
 * Fragments in every order, doubled, overlapping and contradicting each other, against a naive twin
 * that keeps a datagram as bytes and a flag for each; and the bounds of memory and time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "capture/fragments.h"
#include "wire/numbers.h"

#define MAX_LEN 65535u

/* One fragment, before it is a packet. */
struct cut {
	int version;
	uint32_t id, off, len;
	bool more;
	uint8_t next;
	const uint8_t *bytes; /* @len of them */
};

static struct random rng;
static uint8_t memory[MAX_LEN + 100];

static size_t put_ip4(const struct cut *c)
{
	memset(memory, 0, IP4_HEADER_LEN);
	memory[0] = 0x45;
	store_be16(memory + 2, (uint16_t)(IP4_HEADER_LEN + c->len));
	store_be16(memory + 4, (uint16_t)c->id);
	store_be16(memory + 6, (uint16_t)(c->more << 13 | c->off / 8));
	memory[9] = c->next;
	return IP4_HEADER_LEN;
}

static size_t put_ip6(const struct cut *c)
{
	memset(memory, 0, IP6_HEADER_LEN + 8);
	memory[0] = 0x60;
	store_be16(memory + 4, (uint16_t)(8 + c->len));
	memory[6] = 44;
	memory[IP6_HEADER_LEN] = c->next;
	store_be16(memory + IP6_HEADER_LEN + 2, (uint16_t)(c->off | c->more));
	store_be32(memory + IP6_HEADER_LEN + 4, c->id);
	return IP6_HEADER_LEN + 8;
}

/* The packet that @c is, of which all but @missing bytes were captured. */
static void walk_cut(struct packet *p, const struct cut *c, uint32_t missing)
{
	size_t head = c->version == 4 ? put_ip4(c) : put_ip6(c);
	uint32_t len = (uint32_t)head + c->len;

	memcpy(memory + head, c->bytes, c->len);
	packet_walk(p, c->version == 4 ? PROTOCOL_IPV4 : PROTOCOL_IPV6, memory, len - missing, len);
}

static int add(struct fragments *f, const struct cut *c, int64_t time_ns, struct datagram *d)
{
	const struct frame frame = { .number = 1, .time_ns = time_ns };
	struct packet p;

	walk_cut(&p, c, 0);
	p.frame = &frame;
	return fragments_add(f, &p, d);
}

/* The twin. */

struct twin {
	bool begun, discarded;
	uint8_t bytes[MAX_LEN + 1];
	bool there[MAX_LEN + 1];
	uint32_t end, total, n_fragments;
	bool overlap, conflict, tails, beyond;
};

/* Whether the end of @c contradicts what is known of the end. */
static bool twin_ends_wrong(struct twin *t, const struct cut *c)
{
	uint32_t end = c->off + c->len;
	bool wrong = false;

	if (t->total && !c->more && end != t->total)
		t->tails = wrong = true;
	if (t->total ? end > t->total : !c->more && end < t->end)
		t->beyond = wrong = true;
	return wrong;
}

/* Return: as fragments_add(). */
static int twin_add(struct twin *t, const struct cut *c)
{
	uint32_t end = c->off + c->len, n_there = 0, n_differ = 0, n = 0;

	if (!c->len || (c->more && c->len % 8) ||
	    end > MAX_LEN - (c->version == 4 ? IP4_HEADER_LEN : 0))
		return -E_MALFORMED;
	t->begun = true;
	if (t->discarded)
		return 0;
	if (twin_ends_wrong(t, c)) {
		t->discarded = c->version == 6;
		return -E_MALFORMED;
	}
	for (uint32_t i = c->off; i < end; i++) {
		n_there += t->there[i];
		n_differ += t->there[i] && t->bytes[i] != c->bytes[i - c->off];
	}
	if (c->version == 6 && n_there && (n_there < c->len || n_differ)) {
		t->discarded = true;
		return -E_MALFORMED;
	}
	t->overlap |= n_there > 0;
	t->conflict |= n_differ > 0;
	t->n_fragments++;
	for (uint32_t i = c->off; i < end; i++) {
		if (!t->there[i])
			t->bytes[i] = c->bytes[i - c->off];
		t->there[i] = true;
	}
	t->end = MAX(t->end, end);
	if (!c->more)
		t->total = end;
	for (uint32_t i = 0; i < t->total; i++)
		n += t->there[i];
	return t->total && n == t->total;
}

static void compare(const struct twin *t, const struct datagram *d)
{
	assert_int_equal(d->len, t->total);
	assert_memory_equal(d->bytes, t->bytes, t->total);
	assert_int_equal(d->facts.n_fragments, t->n_fragments);
	assert_int_equal(d->facts.overlap, t->overlap);
	assert_int_equal(d->facts.conflict, t->conflict);
	assert_int_equal(d->facts.multiple_tails, t->tails);
	assert_int_equal(d->facts.too_long, t->beyond);
}

#define MAX_CUTS 64
#define N_TWINS	 4

/* Cuts @len bytes at multiples of 8, adds cuts that double and overlap, and mixes them. */
static size_t cut_up(struct cut *cuts, const uint8_t *whole, const uint8_t *other, uint32_t len,
		     int version)
{
	size_t n = 0;
	uint32_t step = 8 * (1 + (uint32_t)random_below(&rng, 8));

	for (uint32_t off = 0; off < len && n < MAX_CUTS / 2; off += step, n++)
		cuts[n] = (struct cut){ .off = off,
					.len = MIN(step, len - off),
					.more = off + step < len,
					.bytes = whole + off };
	for (size_t extra = random_below(&rng, 4); extra; extra--, n++) {
		uint32_t off = 8 * (uint32_t)random_below(&rng, len / 8 + 1);
		uint32_t l = (uint32_t)random_below(&rng, 40);
		const uint8_t *from = random_below(&rng, 2) ? whole : other;

		cuts[n] = random_below(&rng, 2) ? cuts[random_below(&rng, n)]
						: (struct cut){ .off = off,
								.len = l,
								.more = random_below(&rng, 4) != 0,
								.bytes = from + off };
	}
	for (size_t i = 0; i < n; i++) {
		size_t k = i + random_below(&rng, n - i);
		struct cut swap = cuts[i];

		cuts[i] = cuts[k];
		cuts[k] = swap;
		cuts[i].version = version;
		cuts[i].next = 17;
	}
	return n;
}

static void test_twin(void **state)
{
	static struct twin twins[N_TWINS];
	static uint8_t whole[N_TWINS][1024], other[1024];
	struct cut cuts[N_TWINS][MAX_CUTS];
	struct fragments *f = fragments_new(NULL);
	unsigned completed[2] = { 0 }, overlapped = 0, conflicts = 0, discarded = 0;

	(void)state;
	random_bytes(&rng, other, sizeof(other));
	for (uint32_t round = 0; round < 3000; round++) {
		int version = round % 2 ? 4 : 6;
		size_t n[N_TWINS], at[N_TWINS] = { 0 }, left = 0;

		memset(twins, 0, sizeof(twins));
		for (size_t i = 0; i < N_TWINS; i++) {
			random_bytes(&rng, whole[i], sizeof(whole[i]));
			n[i] = cut_up(cuts[i], whole[i], other,
				      1 + (uint32_t)random_below(&rng, 500), version);
			left += n[i];
		}
		while (left) {
			size_t i = random_below(&rng, N_TWINS);
			struct datagram d = { 0 };
			struct twin *t = &twins[i];
			struct cut *c;
			int expected;

			if (at[i] == n[i])
				continue;
			left--;
			c = &cuts[i][at[i]++];
			c->id = round * N_TWINS + (uint32_t)i;
			/* A datagram in one piece is none that was fragmented. */
			if (!c->off && !c->more)
				continue;
			expected = twin_add(t, c);
			assert_int_equal(add(f, c, round, &d), expected);
			if (expected == 1) {
				compare(t, &d);
				assert_int_equal(d.proto, PROTOCOL_UDP);
				completed[version == 6]++;
				overlapped += t->overlap;
				conflicts += t->conflict;
				memset(t, 0, sizeof(*t));
			}
			discarded += t->discarded;
		}
	}
	/* The random cuts did reach what they are for. */
	assert_true(completed[0] > 1000 && completed[1] > 1000);
	assert_true(overlapped > 100 && conflicts > 50 && discarded > 100);
	fragments_free(f);
}

/* A fragment of zeros. */
static struct cut zeros(int version, uint32_t id, uint32_t off, uint32_t len, bool more)
{
	static const uint8_t bytes[MAX_LEN];

	return (struct cut){ version, id, off, len, more, 17, bytes };
}

static void test_limits(void **state)
{
	struct fragments *f = fragments_new(NULL);
	struct datagram d;
	struct cut c;

	(void)state;
	c = zeros(4, 1, 65512, 4, false); /* 20 + 65516 = 65536 */
	assert_int_equal(add(f, &c, 0, &d), -E_MALFORMED);
	c = zeros(4, 1, 65512, 3, false);
	assert_int_equal(add(f, &c, 0, &d), 0);
	c = zeros(4, 1, 0, 32752, true);
	assert_int_equal(add(f, &c, 0, &d), 0);
	c = zeros(4, 1, 32752, 32760, true);
	assert_int_equal(add(f, &c, 0, &d), 1);
	assert_int_equal(d.len, 65515);
	c = zeros(6, 1, 65528, 7, false); /* the fragment header is not part of the whole */
	assert_int_equal(add(f, &c, 0, &d), 0);
	c = zeros(6, 1, 65528, 8, false);
	assert_int_equal(add(f, &c, 0, &d), -E_MALFORMED);
	c = zeros(4, 2, 0, 12, true);
	assert_int_equal(add(f, &c, 0, &d), -E_MALFORMED);
	c = zeros(6, 2, 8, 0, false);
	assert_int_equal(add(f, &c, 0, &d), -E_MALFORMED);
	assert_int_equal(fragments_counts(f).refused, 4);
	fragments_free(f);
}

static void test_time(void **state)
{
	struct fragments *f = fragments_new(NULL);
	struct cut first = zeros(4, 1, 0, 8, true), last = zeros(4, 1, 8, 8, false);
	struct datagram d;

	(void)state;
	assert_int_equal(add(f, &first, 0, &d), 0);
	assert_int_equal(add(f, &last, 30 * (int64_t)NS_PER_S, &d), 0);
	assert_int_equal(fragments_counts(f).timed_out, 1);
	assert_int_equal(add(f, &first, 60 * (int64_t)NS_PER_S - 1, &d), 1);
	/* Time that goes back, and jumps as far as it can, loses nothing but what is old. */
	assert_int_equal(add(f, &first, INT64_MAX, &d), 0);
	assert_int_equal(add(f, &last, INT64_MIN, &d), 1);
	assert_int_equal(add(f, &first, INT64_MIN, &d), 0);
	assert_int_equal(add(f, &last, INT64_MAX, &d), 0);
	assert_int_equal(fragments_counts(f).timed_out, 2);
	fragments_free(f);
}

static void test_bounds(void **state)
{
	const struct fragments_config few = { .max_datagrams = 8, .timeout_ns = NS_PER_S };
	const struct fragments_config small = { .max_datagrams = 1000,
						.max_bytes = 1 << 20,
						.timeout_ns = NS_PER_S };
	struct fragments *f = fragments_new(&few), *g = fragments_new(&small);
	struct datagram d;
	size_t bytes;

	(void)state;
	for (uint32_t id = 0; id < 20; id++) {
		struct cut c = zeros(4, id, 0, 8, true);

		assert_int_equal(add(f, &c, 0, &d), 0);
		assert_true(fragments_pending(f, &bytes) <= 8);
	}
	assert_int_equal(fragments_counts(f).evicted, 12);
	for (uint32_t id = 0; id < 20; id++) {
		struct cut c = zeros(4, id, 8, 8, false);

		/* The oldest are gone; their last fragments push out others. */
		assert_int_equal(add(f, &c, 0, &d) == 1, false);
	}
	for (uint32_t id = 0; id < 100; id++) {
		struct cut c = zeros(6, id, 60000, 8, true);

		assert_int_equal(add(g, &c, 0, &d), 0);
		fragments_pending(g, &bytes);
		assert_true(bytes <= small.max_bytes);
	}
	assert_true(fragments_counts(g).evicted > 80);
	/* The newest is still there. */
	struct cut first = zeros(6, 99, 0, 60000, true), last = zeros(6, 99, 60008, 8, false);

	assert_int_equal(add(g, &first, 0, &d), 0);
	assert_int_equal(add(g, &last, 0, &d), 1);
	fragments_free(f);
	fragments_free(g);
}

static void test_cut_capture(void **state)
{
	struct fragments *f = fragments_new(NULL);
	struct cut c = zeros(4, 1, 0, 80, true);
	struct datagram d;
	struct packet p;

	(void)state;
	walk_cut(&p, &c, 1);
	assert_int_equal(fragments_add(f, &p, &d), -E_TRUNCATED);
	assert_int_equal(fragments_counts(f).cut, 1);
	fragments_free(f);
}

/* Of IPv6 the first fragment says what is inside; what is discarded stays so until its time is
 * over. */
static void test_ip6(void **state)
{
	struct fragments *f = fragments_new(NULL);
	struct cut first = zeros(6, 1, 0, 16, true), last = zeros(6, 1, 16, 8, false);
	struct cut wrong = zeros(6, 1, 8, 16, true);
	struct datagram d;

	(void)state;
	last.next = 6;
	assert_int_equal(add(f, &last, 0, &d), 0);
	assert_int_equal(add(f, &first, 0, &d), 1);
	assert_int_equal(d.proto, PROTOCOL_UDP);

	assert_int_equal(add(f, &first, 0, &d), 0);
	assert_int_equal(add(f, &wrong, 0, &d), -E_MALFORMED);
	assert_int_equal(add(f, &first, 0, &d), 0);
	assert_int_equal(add(f, &last, 0, &d), 0);
	assert_int_equal(fragments_counts(f).discarded, 1);
	assert_int_equal(add(f, &first, 31 * (int64_t)NS_PER_S, &d), 0);
	assert_int_equal(add(f, &last, 31 * (int64_t)NS_PER_S, &d), 1);
	fragments_free(f);
}

/* A fragment header that is not in an IPv6 packet belongs to nobody. */
static void test_strange_header(void **state)
{
	struct fragments *f = fragments_new(NULL);
	struct cut c = zeros(4, 1, 0, 16, false);
	uint8_t inside[16] = { 17, 0, 0, 1 };
	struct datagram d;
	struct packet p;

	(void)state;
	c.next = 44;
	c.bytes = inside;
	walk_cut(&p, &c, 0);
	assert_true(fragments_wants(&p));
	assert_int_equal(fragments_add(f, &p, &d), -E_MALFORMED);
	fragments_free(f);
}

/* Datagrams stay valid while others, perhaps inside them, are completed. */
static void test_nested(void **state)
{
	struct fragments *f = fragments_new(NULL);
	struct datagram d[FRAGMENTS_NESTED];

	(void)state;
	for (uint32_t i = 0; i < FRAGMENTS_NESTED; i++) {
		uint8_t bytes[16];
		struct cut first = { 4, i, 0, 8, true, 4, bytes };
		struct cut last = { 4, i, 8, 8, false, 4, bytes + 8 };

		memset(bytes, (int)i, sizeof(bytes));
		assert_int_equal(add(f, &first, 0, &d[i]), 0);
		assert_int_equal(add(f, &last, 0, &d[i]), 1);
		assert_int_equal(d[i].proto, PROTOCOL_IPV4);
	}
	for (uint32_t i = 0; i < FRAGMENTS_NESTED; i++)
		assert_int_equal(d[i].bytes[15], i);
	fragments_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twin),   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_time),   cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_ip6),    cmocka_unit_test(test_cut_capture),
		cmocka_unit_test(test_nested), cmocka_unit_test(test_strange_header),
	};

	rng = random_of(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
