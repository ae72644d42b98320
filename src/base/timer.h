/*
 * Timers: a hierarchical wheel (Varghese and Lauck 1987) of intrusive nodes. Setting, moving and
 * cancelling are O(1) whatever the number, so that a million probes in flight cost no more a probe
 * than ten. It knows no clock: the caller passes the time. A timer fires never early, and late by
 * at most one tick.
 */
#ifndef SONDE_BASE_TIMER_H
#define SONDE_BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

/* One timer, inside the caller's structure; zeroed when not set. */
struct timer {
	struct timer *next, **at; /* @at is NULL when the timer is not set */
	uint64_t deadline_ns;
};

struct timers;

/**
 * timers_new() - a wheel
 * @tick_ns: granularity, for instance 1 ms
 * @now_ns: where time starts; it never goes back
 * Return: NULL when out of memory.
 */
struct timers *timers_new(uint64_t tick_ns, uint64_t now_ns);

/* Frees the wheel; timers still set are forgotten, their memory is their owners'. */
struct timers *timers_free(struct timers *t);

/* Sets @timer, or moves it when it is set. A deadline in the past fires at the next expiry. */
void timer_set(struct timers *t, struct timer *timer, uint64_t deadline_ns);
void timer_cancel(struct timers *t, struct timer *timer);

static inline bool timer_is_set(const struct timer *timer)
{
	return timer->at != NULL;
}

/*
 * A time at which to call timers_expire(): no timer fires earlier; it may be earlier than the first
 * deadline (a cascade of the wheel). It may lie in the past: something is due now. UINT64_MAX when
 * none is set.
 */
uint64_t timers_deadline(const struct timers *t);

/*
 * Takes one timer that is due at @now_ns and unsets it; NULL when there is none. Called in a loop;
 * a handler may set and cancel any timer meanwhile; what it sets to @now_ns or earlier may still
 * come in the same loop. Timers of different ticks come in order.
 */
struct timer *timers_expire(struct timers *t, uint64_t now_ns);

#endif
