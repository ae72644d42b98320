#include "capture/lru.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define NONE UINT32_MAX

/* Before each row; its key is behind the row. */
struct head {
	uint32_t older, newer;
};

struct lru {
	struct hash *places; /* uint32_t by key */
	uint8_t *rows;
	size_t key_size, row_size, each;
	uint32_t n, cap, max;
	uint32_t oldest, newest;
	uint64_t evicted;
};

struct lru *lru_new(size_t key_size, size_t row_size, uint32_t max)
{
	struct lru *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->key_size = key_size;
	t->row_size = (row_size + 7) / 8 * 8;
	t->each = sizeof(struct head) + t->row_size + (key_size + 7) / 8 * 8;
	t->max = max;
	t->oldest = t->newest = NONE;
	t->places = hash_new(key_size, sizeof(uint32_t), max);
	return t->places ? t : lru_free(t);
}

struct lru *lru_free(struct lru *t)
{
	if (!t)
		return NULL;
	hash_free(t->places);
	free(t->rows);
	free(t);
	return NULL;
}

static struct head *head_at(const struct lru *t, uint32_t i)
{
	return (struct head *)(t->rows + i * t->each);
}

static void *row_at(const struct lru *t, uint32_t i)
{
	return head_at(t, i) + 1;
}

static uint8_t *key_at(const struct lru *t, uint32_t i)
{
	return (uint8_t *)row_at(t, i) + t->row_size;
}

static void unlist(struct lru *t, uint32_t i)
{
	const struct head *h = head_at(t, i);

	*(h->older == NONE ? &t->oldest : &head_at(t, h->older)->newer) = h->newer;
	*(h->newer == NONE ? &t->newest : &head_at(t, h->newer)->older) = h->older;
}

static void list_as_newest(struct lru *t, uint32_t i)
{
	*head_at(t, i) = (struct head){ t->newest, NONE };
	*(t->newest == NONE ? &t->oldest : &head_at(t, t->newest)->newer) = i;
	t->newest = i;
}

/* A place for a new row; NONE when out of memory. */
static uint32_t make_place(struct lru *t)
{
	uint32_t cap = t->cap ? (uint32_t)MIN(t->cap * 2ULL, t->max) : MIN(64u, t->max);
	uint32_t i = t->oldest;
	uint8_t *rows;

	if (t->n == t->max) {
		hash_remove(t->places, key_at(t, i));
		unlist(t, i);
		t->evicted++;
		return i;
	}
	if (t->n < t->cap)
		return t->n++;
	rows = realloc(t->rows, cap * t->each);
	if (!rows)
		return NONE;
	t->rows = rows;
	t->cap = cap;
	return t->n++;
}

void *lru_find(const struct lru *t, const void *key)
{
	const uint32_t *place = hash_get(t->places, key);

	return place ? row_at(t, *place) : NULL;
}

void *lru_add(struct lru *t, const void *key, bool *ret_new)
{
	const uint32_t *place = hash_get(t->places, key);
	void *value;
	uint32_t i;

	if (place) {
		i = *place;
		if (t->newest != i) {
			unlist(t, i);
			list_as_newest(t, i);
		}
		*ret_new = false;
		return row_at(t, i);
	}
	i = make_place(t);
	if (i == NONE)
		return NULL;
	memset(row_at(t, i), 0, t->row_size);
	memcpy(key_at(t, i), key, t->key_size);
	list_as_newest(t, i);
	/* Out of memory: the row stays in the list without being found, and goes like all others.
	 */
	if (hash_put(t->places, key, &value) < 0)
		return NULL;
	*(uint32_t *)value = i;
	*ret_new = true;
	return row_at(t, i);
}

uint64_t lru_evicted(const struct lru *t)
{
	return t->evicted;
}

int64_t lru_sorted(const struct lru *t, int (*compare)(const void *a, const void *b),
		   const void ***ret_rows)
{
	const void **rows;

	*ret_rows = NULL;
	if (!t->n)
		return 0;
	rows = malloc(t->n * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->n; i++)
		rows[i] = row_at(t, i);
	qsort(rows, t->n, sizeof(*rows), compare);
	*ret_rows = rows;
	return t->n;
}
