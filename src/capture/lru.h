/*
 * A bounded table of rows by key, for what a capture is summed up by. When it is full, the row that
 * was longest unused makes room for a new one, and is counted.
 */
#ifndef SONDE_CAPTURE_LRU_H
#define SONDE_CAPTURE_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct lru;

/**
 * lru_new() - an empty table
 * @key_size: bytes of a key, compared bytewise: padding must be zero
 * @row_size: bytes of a row; rows are aligned for every type of 8 bytes
 * @max: rows at most, at least 1
 * Return: NULL when out of memory.
 */
struct lru *lru_new(size_t key_size, size_t row_size, uint32_t max);
struct lru *lru_free(struct lru *t);

/* The row of @key, borrowed until the next lru_add(), or NULL. Using it does not count as use. */
void *lru_find(const struct lru *t, const void *key);

/* The same, which is used now; a new one, all zero, where there is none. NULL when out of memory.
 */
void *lru_add(struct lru *t, const void *key, bool *ret_new);

/* Rows that made room for others since the start. */
uint64_t lru_evicted(const struct lru *t);

/**
 * lru_sorted() - all rows in an order
 * @compare: as for qsort(); what it gets are pointers to pointers to rows
 * @ret_rows: borrowed pointers, valid until the next lru_add(); free() the array. NULL for none.
 * Return: how many, or -ENOMEM.
 */
MUST_CHECK int64_t lru_sorted(const struct lru *t, int (*compare)(const void *a, const void *b),
			      const void ***ret_rows);

#endif
