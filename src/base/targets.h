/*
 * Sets of addresses as people type them, the same in every verb:
 *
 *   10.0.2.7   10.0.2.2-4   10.0.0-3.1-254   10.0.0.0/16   2001:db8::/120   2001:db8::1-ff
 *   names, @file, - (standard input); several separated by blanks or commas
 *
 * A set holds ranges, not addresses: a /8 costs as much as one host. Address i is found without
 * listing the set, which is what permuting, sharding and resuming need. Names are kept aside until
 * somebody (io/resolve.h) says what they stand for. In @file and on standard input, # starts a
 * comment.
 */
#ifndef SONDE_BASE_TARGETS_H
#define SONDE_BASE_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define TARGETS_MAX_RANGES (1u << 20)
#define TARGETS_MAX_NAMES  65536

struct targets;

/* An empty set; NULL: out of memory. */
struct targets *targets_new(void);
struct targets *targets_free(struct targets *t);

/**
 * targets_parse() - add what @text says
 * @fault: what is wrong, with the offset in @text; for a @file, the message names file and line
 * Return: 0, -E_SYNTAX, -E_FULL (too many ranges), -ENOMEM.
 */
MUST_CHECK int targets_parse(struct targets *t, const char *text, struct fault *fault);

/* Return: 0, -E_FULL, -ENOMEM. */
MUST_CHECK int targets_add_prefix(struct targets *t, const struct prefix *p);
MUST_CHECK int targets_add_addr(struct targets *t, const struct addr *a);

/* Both ends within; of one family and scope, not backwards, else -E_RANGE. */
MUST_CHECK int targets_add_range(struct targets *t, const struct addr *first,
				 const struct addr *last);

/* Takes every address of @without out of @t. Both are sealed afterwards. */
MUST_CHECK int targets_exclude(struct targets *t, struct targets *without);

/* The names among the targets, in the order typed; resolved ones are added as addresses by the
 * caller. */
size_t targets_n_names(const struct targets *t);
const char *targets_name(const struct targets *t, size_t i);

/* The addresses that were given one by one, also as names, in the order added; -E_FULL beyond
 * TARGETS_MAX_RANGES. Excluding does not take them out of this list. */
size_t targets_n_single(const struct targets *t);
struct addr targets_single(const struct targets *t, size_t i);

/**
 * targets_seal() - sort, join what overlaps, count
 * Every address then counts once. Adding more unseals. Return: 0 or -ENOMEM.
 */
MUST_CHECK int targets_seal(struct targets *t);

/* Of a sealed set. The count saturates at 2^128 - 1. */
uint128_t targets_count(const struct targets *t);

/* Whether more than @limit of them are globally routable (addr_is_global()). */
bool targets_global_exceed(const struct targets *t, uint64_t limit);

/* Address number @i, 0 <= @i < count; IPv4 first, ascending. O(log ranges). */
struct addr targets_get(const struct targets *t, uint128_t i);

/* In a sealed set. */
bool targets_contains(const struct targets *t, const struct addr *a);

/* The number of @a in a sealed set, so that targets_get() gives it. Return: whether it is there. */
bool targets_index(const struct targets *t, const struct addr *a, uint128_t *ret_index);

/* The ranges of a sealed set, both ends within, in the order of targets_get(); none touches the
 * next. */
size_t targets_n_ranges(const struct targets *t);
void targets_range(const struct targets *t, size_t i, struct addr *ret_first,
		   struct addr *ret_last);

#endif
