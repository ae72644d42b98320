/*
 * A bad line in front of a simulated network: loss, duplicates, delays that change the order, and a
 * bottleneck with a queue. Time is the caller's.
 */
#ifndef SONDE_LAB_IMPAIR_H
#define SONDE_LAB_IMPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct impair_config {
	uint64_t seed;
	double loss, duplicate;		     /* shares of the packets, 0 to 1 */
	uint64_t delay_min_ns, delay_max_ns; /* uniform in between, so that packets overtake */
	uint64_t bottleneck;		     /* packets a second; 0: none */
	uint32_t queue;	   /* packets that wait before it; further ones are dropped */
	uint32_t held_max; /* answers that wait for their time; further ones are dropped */
	size_t len_max;	   /* bytes of an answer */
};

struct impair_account {
	uint64_t lost, overrun, duplicated; /* by chance, at the bottleneck's queue */
	uint64_t overheld; /* no room to keep it: the simulation failed, not the network */
};

struct impair;

/* Return: NULL when out of memory. */
struct impair *impair_new(const struct impair_config *config, uint64_t now_ns);
struct impair *impair_free(struct impair *m);

/**
 * impair_pass() - a packet comes in
 * @ret_due_ns: when what it brings about may leave; now at the earliest
 * @ret_copies: how often: 1 or 2
 * Return: false when it is lost.
 */
bool impair_pass(struct impair *m, uint64_t now_ns, uint64_t *ret_due_ns, unsigned *ret_copies);

/* Keeps a copy of an answer until @due_ns. */
void impair_hold(struct impair *m, uint64_t due_ns, const void *bytes, size_t len);

/* An answer that is due, in memory of @m valid until the next call; NULL: none. */
const uint8_t *impair_release(struct impair *m, uint64_t now_ns, size_t *ret_len);

/* When to release again; UINT64_MAX: nothing waits. */
uint64_t impair_deadline(const struct impair *m);

struct impair_account impair_account(const struct impair *m);

#endif
