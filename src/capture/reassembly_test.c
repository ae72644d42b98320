#include "capture/reassembly.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/random.h"

#define STREAM_LEN 20000u
#define N_SEGMENTS 100u /* never more pieces than are kept */

/* What was handed on: a byte, or that it is missing. */
#define MISSING (-1)

struct log {
	struct reassembly r; /* first: the user is found by it */
	int16_t given[2 * REASSEMBLY_MAX];
	size_t n_given;	       /* shown so far */
	size_t kept;	       /* of them, not taken */
	struct random *random; /* NULL: takes everything */
	unsigned ends, loses;
};

static size_t take(struct reassembly_pool *pool UNUSED, struct reassembly *r, const uint8_t *bytes,
		   size_t len, size_t old, bool end)
{
	struct log *log = container_of(r, struct log, r);
	size_t taken = log->random && !end ? random_below(log->random, len + 1) : len;

	assert_int_equal(old, log->kept);
	for (size_t i = 0; i < old; i++)
		assert_int_equal(log->given[log->n_given - old + i], bytes[i]);
	for (size_t i = old; i < len; i++)
		log->given[log->n_given++] = bytes[i];
	log->kept = len - taken;
	log->ends += end;
	return taken;
}

static void gap(struct reassembly_pool *pool UNUSED, struct reassembly *r, uint64_t len)
{
	struct log *log = container_of(r, struct log, r);

	assert_int_equal(log->kept, 0);
	for (uint64_t i = 0; i < len; i++)
		log->given[log->n_given++] = MISSING;
}

static void lose(struct reassembly_pool *pool UNUSED, struct reassembly *r)
{
	struct log *log = container_of(r, struct log, r);

	assert_int_not_equal(log->kept, 0);
	log->kept = 0;
	log->loses++;
}

static const struct reassembly_user user = { take, gap, lose };

static struct log *log_new(struct random *random)
{
	struct log *log = calloc(1, sizeof(*log));

	assert_non_null(log);
	log->random = random;
	return log;
}

static void log_free(struct reassembly_pool *pool, struct log *log)
{
	reassembly_done(pool, &log->r);
	reassembly_settle(pool);
	free(log);
}

/* The naive one: a map of bytes, of which each is written once. */
struct twin {
	int16_t byte[STREAM_LEN];
	uint32_t end; /* behind the last byte seen */
};

static unsigned twin_add(struct twin *t, const struct log *log, uint32_t at, const uint8_t *bytes,
			 uint32_t len)
{
	size_t taken = log->n_given - log->kept;
	unsigned result = 0;

	for (uint32_t i = 0; i < len; i++) {
		int16_t *byte = &t->byte[at + i];

		if (*byte == MISSING) {
			*byte = bytes[i];
			result |= REASSEMBLY_NEW;
		} else if (at + i >= taken) {
			result |= REASSEMBLY_OVERLAP;
			result |= *byte != bytes[i] ? REASSEMBLY_CONFLICT : 0;
		}
	}
	t->end = MAX(t->end, at + len);
	return result;
}

static void compare(const struct twin *t, const struct log *log)
{
	assert_int_equal(log->n_given, t->end);
	assert_memory_equal(log->given, t->byte, t->end * sizeof(t->byte[0]));
}

/* One stream in random segments: in any order, twice, overlapping, with other bytes, some lost. */
static void random_round(uint64_t seed)
{
	struct random random = random_of(seed);
	struct reassembly_pool pool = { .user = &user, .max = 16u << 20 };
	struct log *log = log_new(&random);
	struct twin twin;
	uint32_t base = random_below(&random, 3) ? (uint32_t)random_u64(&random) : -5000u, at = 0;
	uint8_t bytes[2000];
	uint32_t spread = (uint32_t)random_below(&random, 4000);
	bool liar = !random_below(&random, 3);

	for (uint32_t i = 0; i < STREAM_LEN; i++)
		twin.byte[i] = MISSING;
	twin.end = 0;
	reassembly_start(&log->r, base);
	for (unsigned i = 0; i < N_SEGMENTS; i++) {
		uint32_t len = 1 + (uint32_t)random_below(&random, 1500), from = at;
		struct reassembly_segment s = { .len = len, .cap_len = len, .bytes = bytes };

		from += spread ? (uint32_t)random_below(&random, spread) : 0;
		from -= MIN(from, spread ? (uint32_t)random_below(&random, spread) : 0);
		if (from + len > STREAM_LEN)
			break;
		for (uint32_t j = 0; j < len; j++)
			bytes[j] = (uint8_t)((from + j) * 7 ^ (from + j) >> 8);
		if (liar && !random_below(&random, 4))
			random_bytes(&random, bytes, len);
		at += random_below(&random, 10) ? len : 0;
		if (!random_below(&random, 12))
			continue; /* lost */
		s.seq = base + from;
		unsigned expected = twin_add(&twin, log, from, bytes, len);

		assert_int_equal(reassembly_segment(&pool, &log->r, &s), expected);
	}
	reassembly_end(&pool, &log->r);
	compare(&twin, log);
	assert_int_equal(log->ends > 0, 1);
	assert_int_equal(pool.used, 0);
	assert_null(pool.oldest);
	log_free(&pool, log);
}

static void random_segments_agree_with_a_map_of_bytes(void **state UNUSED)
{
	for (uint64_t seed = 0; seed < 3000; seed++)
		random_round(seed);
}

/* One direction and its pool, for cases by hand; sequence numbers count from 1000. */
struct fixture {
	struct reassembly_pool pool;
	struct log *log;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->pool = (struct reassembly_pool){ .user = &user, .max = 8u << 20 };
	f->log = log_new(NULL);
	reassembly_start(&f->log->r, 1000);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	log_free(&f->pool, f->log);
	assert_int_equal(f->pool.used, 0);
	free(f);
	return 0;
}

static unsigned send(struct fixture *f, uint32_t at, const char *text)
{
	uint32_t len = (uint32_t)strlen(text);

	return reassembly_segment(&f->pool, &f->log->r,
				  &(struct reassembly_segment){
					  .seq = 1000 + at,
					  .len = len,
					  .cap_len = len,
					  .bytes = (const uint8_t *)text,
				  });
}

/* What was given, '_' for each byte that is missing. */
static void assert_given(const struct fixture *f, const char *text)
{
	char given[256] = "";

	for (size_t i = 0; i < f->log->n_given && i < 255; i++)
		given[i] = f->log->given[i] == MISSING ? '_' : (char)f->log->given[i];
	assert_string_equal(given, text);
}

/* A segment at @now_ns that acknowledges up to @at, as another did at 5 ns. */
static void acked(struct fixture *f, uint32_t at, int64_t now_ns, uint32_t patience)
{
	const struct reassembly_ack a = {
		.ack = 1000 + at,
		.since_ns = 5,
		.patience = patience,
		.wait_ns = REASSEMBLY_WAIT_NS,
	};

	if (reassembly_waits(&f->log->r))
		reassembly_acked(&f->pool, &f->log->r, &a, now_ns);
}

static void a_hole_waits_for_its_bytes(void **state)
{
	struct fixture *f = *state;

	send(f, 0, "one ");
	send(f, 8, "three");
	for (int i = 0; i < 100; i++)
		acked(f, 4, i * (int64_t)NS_PER_S, REASSEMBLY_PATIENCE);
	assert_given(f, "one ");
	send(f, 4, "two ");
	assert_given(f, "one two three");
}

static void an_acknowledged_hole_is_passed_over_with_patience(void **state)
{
	struct fixture *f = *state;

	send(f, 0, "one ");
	send(f, 8, "three");
	for (unsigned i = 0; i < REASSEMBLY_PATIENCE; i++)
		acked(f, 8, 5, REASSEMBLY_PATIENCE);
	assert_given(f, "one ");
	acked(f, 8, 5, REASSEMBLY_PATIENCE);
	assert_given(f, "one ____three");
	assert_int_equal(f->pool.counts.gaps, 1);
	assert_int_equal(f->pool.counts.gap_bytes, 4);
	assert_int_equal(send(f, 4, "two "), 0);
	assert_given(f, "one ____three");
}

static void an_acknowledged_hole_is_passed_over_after_a_while(void **state)
{
	struct fixture *f = *state;

	send(f, 4, "two");
	acked(f, 4, 5, UINT32_MAX);
	acked(f, 4, 5 + REASSEMBLY_WAIT_NS - 1, UINT32_MAX);
	assert_given(f, "");
	acked(f, 4, 5 + REASSEMBLY_WAIT_NS, UINT32_MAX);
	assert_given(f, "____two");
}

static void data_behind_its_acknowledgement_is_taken(void **state)
{
	struct fixture *f = *state;

	send(f, 0, "one ");
	send(f, 8, "three ");
	acked(f, 14, 5, REASSEMBLY_PATIENCE);
	assert_int_equal(send(f, 4, "two "), REASSEMBLY_NEW);
	acked(f, 18, 5, REASSEMBLY_PATIENCE);
	send(f, 14, "four");
	assert_given(f, "one two three four");
	assert_int_equal(f->pool.counts.gaps, 0);
}

static void the_first_copy_wins(void **state)
{
	struct fixture *f = *state;

	send(f, 4, "two ");
	assert_int_equal(send(f, 2, "xxxXXXxx"),
			 REASSEMBLY_NEW | REASSEMBLY_OVERLAP | REASSEMBLY_CONFLICT);
	assert_int_equal(send(f, 0, "oneZ"),
			 REASSEMBLY_NEW | REASSEMBLY_OVERLAP | REASSEMBLY_CONFLICT);
	assert_given(f, "onxxtwo xx");
	assert_int_equal(f->pool.counts.conflicts, 2);
}

static void one_segment_far_away_does_not_move_the_stream(void **state)
{
	struct fixture *f = *state;

	send(f, 0, "one ");
	send(f, 1u << 30, "forged");
	send(f, -(1u << 29), "forged");
	send(f, 4, "two");
	assert_given(f, "one two");
	assert_int_equal(f->pool.counts.gaps, 0);
	assert_int_equal(f->pool.counts.dropped_bytes, 12);
}

static void two_segments_far_away_that_follow_each_other_do(void **state)
{
	struct fixture *f = *state;

	send(f, 0, "one ");
	send(f, 0u - (1u << 28), "not here");
	send(f, 0u - (1u << 28) + 8, "but here");
	assert_given(f, "one but here"); /* how much is missing cannot be said */
	assert_int_equal(f->pool.counts.gaps, 1);
}

static void bytes_cut_off_are_a_hole_at_once(void **state)
{
	struct fixture *f = *state;
	struct reassembly_segment s = {
		.seq = 1000, .len = 10, .cap_len = 4, .bytes = (const uint8_t *)"head"
	};

	reassembly_segment(&f->pool, &f->log->r, &s);
	send(f, 10, "tail");
	assert_given(f, "head______tail");
}

static void fin_ends_when_everything_before_is_there(void **state)
{
	struct fixture *f = *state;
	struct reassembly_segment s = {
		.seq = 1004, .len = 3, .cap_len = 3, .bytes = (const uint8_t *)"end", .fin = true
	};

	reassembly_segment(&f->pool, &f->log->r, &s);
	assert_int_equal(f->log->ends, 0);
	send(f, 0, "the ");
	assert_int_equal(f->log->ends, 1);
	send(f, 7, "and more");
	send(f, 4, "end");
	assert_given(f, "the end");
	assert_int_equal(f->log->ends, 1);
}

/* Takes nothing of its own will. */
static size_t take_nothing(struct reassembly_pool *pool UNUSED, struct reassembly *r,
			   const uint8_t *bytes UNUSED, size_t len, size_t old UNUSED, bool end)
{
	struct log *log = container_of(r, struct log, r);

	assert_in_range(len, 0, REASSEMBLY_MAX);
	log->ends += end;
	log->kept = end ? 0 : len;
	return end ? len : 0;
}

static void what_is_not_taken_is_bounded(void **state UNUSED)
{
	static const struct reassembly_user nobody = { take_nothing, gap, lose };
	static uint8_t bytes[60000];
	struct reassembly_pool pool = { .user = &nobody, .max = 64u << 20 };
	struct log *log = log_new(NULL);
	struct reassembly_segment s = { .len = 60000, .cap_len = 60000, .bytes = bytes };

	reassembly_start(&log->r, 0);
	for (unsigned i = 0; i < 100; i++, s.seq += 60000) {
		reassembly_segment(&pool, &log->r, &s);
		reassembly_settle(&pool);
		assert_in_range(pool.used, 1, 2 * REASSEMBLY_MAX);
	}
	assert_int_equal(log->ends, 100 * 60000 / (REASSEMBLY_MAX / 60000 * 60000));
	log_free(&pool, log);
}

static void memory_of_all_is_bounded_and_the_oldest_goes(void **state UNUSED)
{
	enum { N = 40 };
	struct reassembly_pool pool = { .user = &user, .max = 256 << 10 };
	struct log *logs[N];
	uint8_t bytes[8] = { 0 };

	for (unsigned i = 0; i < N; i++) {
		struct reassembly_segment s = {
			.seq = 16000, .len = 8, .cap_len = 8, .bytes = bytes
		};

		logs[i] = log_new(NULL);
		reassembly_start(&logs[i]->r, 0);
		assert_int_equal(reassembly_segment(&pool, &logs[i]->r, &s), REASSEMBLY_NEW);
		assert_in_range(pool.used, 1, pool.max);
	}
	assert_false(reassembly_waits(&logs[0]->r));
	assert_true(reassembly_waits(&logs[N - 1]->r));
	assert_true(pool.counts.dropped_bytes > 0);
	for (unsigned i = 0; i < N; i++)
		log_free(&pool, logs[i]);
	assert_int_equal(pool.used, 0);
}

static void pieces_are_bounded(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 4 * REASSEMBLY_RANGES; i++)
		send(f, 2 * i + 1, "x");
	assert_int_equal(f->pool.counts.gaps, 3 * REASSEMBLY_RANGES);
	assert_in_range(f->pool.used, 1, 64 << 10);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_segments_agree_with_a_map_of_bytes),
		CASE(a_hole_waits_for_its_bytes),
		CASE(an_acknowledged_hole_is_passed_over_with_patience),
		CASE(an_acknowledged_hole_is_passed_over_after_a_while),
		CASE(data_behind_its_acknowledgement_is_taken),
		CASE(the_first_copy_wins),
		CASE(one_segment_far_away_does_not_move_the_stream),
		CASE(two_segments_far_away_that_follow_each_other_do),
		CASE(bytes_cut_off_are_a_hole_at_once),
		CASE(fin_ends_when_everything_before_is_there),
		cmocka_unit_test(what_is_not_taken_is_bounded),
		cmocka_unit_test(memory_of_all_is_bounded_and_the_oldest_goes),
		CASE(pieces_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
