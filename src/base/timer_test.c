/* The wheel against a list of timers that is searched from end to end, in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/timer.h"

#define N_TIMERS 300

/* What a timer should do, beside the timer itself. */
struct pair {
	struct timer timer;
	bool set;
	uint64_t deadline_ns, tick; /* @tick: when it fires */
};

struct twin {
	struct timers *timers;
	struct pair pairs[N_TIMERS];
	uint64_t tick_ns, now_ns, expired_tick; /* @expired_tick: of the last expiry */
};

static uint64_t earliest_tick(const struct twin *w)
{
	uint64_t tick = UINT64_MAX;

	for (size_t i = 0; i < N_TIMERS; i++) {
		if (w->pairs[i].set)
			tick = MIN(tick, w->pairs[i].tick);
	}
	return tick;
}

/* Fires all that is due: each must be due, none forgotten, and the ticks in order. */
static void expire(struct twin *w)
{
	uint64_t last = 0;
	struct timer *timer;

	while ((timer = timers_expire(w->timers, w->now_ns))) {
		struct pair *pair = container_of(timer, struct pair, timer);

		assert_true(pair->set);
		assert_false(timer_is_set(timer));
		assert_true(pair->deadline_ns <= w->now_ns);
		assert_true(pair->tick >= last);
		last = pair->tick;
		pair->set = false;
	}
	w->expired_tick = w->now_ns / w->tick_ns;
	assert_true(earliest_tick(w) > w->expired_tick);
}

static void set_both(struct twin *w, struct pair *pair, uint64_t deadline_ns)
{
	uint64_t tick = deadline_ns / w->tick_ns + (deadline_ns % w->tick_ns != 0);

	timer_set(w->timers, &pair->timer, deadline_ns);
	assert_true(timer_is_set(&pair->timer));
	pair->set = true;
	pair->deadline_ns = deadline_ns;
	pair->tick = MAX(tick, w->expired_tick);
}

/* Near, middling and absurdly far alike. */
static uint64_t random_span(struct random *r, unsigned max_bits)
{
	return random_u64(r) >> (64 - max_bits + random_below(r, max_bits));
}

/* A jump, now and then to the end of a block of slots. */
static void jump(struct twin *w, struct random *r, unsigned max_bits)
{
	w->now_ns += random_span(r, max_bits);
	if (random_below(r, 4) == 0)
		w->now_ns |= w->tick_ns * 64 - 1;
	expire(w);
}

static void one_run(struct random *r, uint64_t tick_ns, unsigned max_bits)
{
	/* Far from the end of time, even after all steps. */
	static struct twin w;
	uint64_t deadline_ns;

	memset(&w, 0, sizeof(w));
	w.tick_ns = tick_ns;
	w.now_ns = random_u64(r) >> 2;
	w.expired_tick = w.now_ns / tick_ns;
	w.timers = timers_new(tick_ns, w.now_ns);
	for (int step = 0; step < 2000; step++) {
		struct pair *pair = &w.pairs[random_below(r, N_TIMERS)];

		switch (random_below(r, 8)) {
		case 0:
			timer_cancel(w.timers, &pair->timer);
			pair->set = false;
			break;
		case 1:
			jump(&w, r, max_bits);
			break;
		case 2: /* exactly when the wheel wants it */
			deadline_ns = timers_deadline(w.timers);
			if (deadline_ns == UINT64_MAX)
				break;
			w.now_ns = MAX(w.now_ns, deadline_ns);
			expire(&w);
			break;
		case 3: /* in the past */
			set_both(&w, pair, w.now_ns - MIN(w.now_ns, random_span(r, max_bits)));
			break;
		default:
			set_both(&w, pair, w.now_ns + random_span(r, max_bits));
		}
		/* To wait until then misses nothing. */
		deadline_ns = timers_deadline(w.timers);
		if (earliest_tick(&w) == UINT64_MAX)
			assert_true(deadline_ns == UINT64_MAX);
		else
			assert_true(deadline_ns / tick_ns <= earliest_tick(&w));
	}
	timers_free(w.timers);
}

static void random_use_equals_the_naive_list(void **state)
{
	static const uint64_t ticks[] = { 1, 1000, NS_PER_MS, 7 * NS_PER_S };
	struct random r = random_of(1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ticks); i++) {
		for (unsigned max_bits = 8; max_bits <= 48; max_bits += 5)
			one_run(&r, ticks[i], max_bits);
	}
}

static void following_the_deadline_ends(void **state)
{
	struct timers *t = timers_new(NS_PER_MS, 0);
	struct timer timer = { 0 };
	uint64_t now_ns = 0;
	int n = 0;

	(void)state;
	timer_set(t, &timer, 30ull * 86400 * NS_PER_S + 1);
	while (timer_is_set(&timer)) {
		uint64_t next_ns = timers_deadline(t);

		assert_true(next_ns > now_ns);
		now_ns = next_ns;
		n += !timers_expire(t, now_ns);
	}
	/* Never early, late by at most a tick, and at most one cascade a level on the way. */
	assert_int_equal(now_ns, 30ull * 86400 * NS_PER_S + NS_PER_MS);
	assert_true(n <= 10);
	timers_free(t);
}

/* The wheel has moved on although nothing was due; so a near deadline needs no cascade. */
static void near_deadlines_are_exact_after_a_rest(void **state)
{
	struct timers *t = timers_new(NS_PER_MS, 0);
	struct timer timer = { 0 };

	(void)state;
	assert_null(timers_expire(t, 3600 * NS_PER_S));
	timer_set(t, &timer, 3600 * NS_PER_S + 3 * NS_PER_MS);
	assert_int_equal(timers_deadline(t), 3600 * NS_PER_S + 3 * NS_PER_MS);
	timers_free(t);
}

static void end_of_time_is_reached(void **state)
{
	struct timers *t = timers_new(1, 0);
	struct timer a = { 0 }, b = { 0 };

	(void)state;
	timer_set(t, &b, UINT64_MAX);
	timer_set(t, &a, UINT64_MAX - 1);
	assert_null(timers_expire(t, UINT64_MAX - 2));
	assert_ptr_equal(timers_expire(t, UINT64_MAX), &a);
	assert_ptr_equal(timers_expire(t, UINT64_MAX), &b);
	assert_null(timers_expire(t, UINT64_MAX));
	timers_free(t);
	/* With a coarse tick the last deadline lies beyond the last tick that can begin. */
	t = timers_new(NS_PER_MS, 0);
	timer_set(t, &a, UINT64_MAX);
	assert_true(timers_deadline(t) <= UINT64_MAX);
	assert_null(timers_expire(t, UINT64_MAX));
	timers_free(t);
}

/* A handler cancels one that is due at the same moment, and sets others. */
static void handlers_may_set_and_cancel(void **state)
{
	struct timers *t = timers_new(1, 0);
	struct timer due[3] = { 0 }, later = { 0 }, *first;
	int n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(due); i++)
		timer_set(t, &due[i], 100);
	first = timers_expire(t, 100);
	assert_non_null(first);
	for (size_t i = 0; i < ARRAY_LEN(due); i++)
		timer_cancel(t, &due[i]);
	timer_set(t, &later, 50);
	timer_set(t, first, 200);
	assert_ptr_equal(timers_expire(t, 100), &later);
	assert_null(timers_expire(t, 100));
	while (timers_expire(t, 1000))
		n++;
	assert_int_equal(n, 1);
	assert_true(timers_deadline(t) == UINT64_MAX);
	timers_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_use_equals_the_naive_list),
		cmocka_unit_test(following_the_deadline_ends),
		cmocka_unit_test(near_deadlines_are_exact_after_a_rest),
		cmocka_unit_test(end_of_time_is_reached),
		cmocka_unit_test(handlers_may_set_and_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
