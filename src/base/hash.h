/*
 * A keyed hash table with a bound: fixed-size keys to fixed-size values, open addressing, hashed by
 * SipHash-1-3 under a random key, so that whoever chooses the keys (a network) cannot make it slow.
 */
#ifndef SONDE_BASE_HASH_H
#define SONDE_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct hash;

/**
 * hash_new() - an empty table
 * @key_size: bytes of a key, compared bytewise: padding in key structs must be zero
 * @value_size: bytes of a value, may be 0 (a set); values are aligned for every C type
 * @max: entries it will hold at most (and never more than 2^30); memory grows with use
 * Return: NULL when out of memory.
 */
struct hash *hash_new(size_t key_size, size_t value_size, size_t max);
struct hash *hash_free(struct hash *h);

/* How many entries it holds. */
size_t hash_len(const struct hash *h);

/* The value of @key, borrowed until the next put or remove, or NULL. A set gives a non-NULL
 * pointer. */
void *hash_get(const struct hash *h, const void *key);

/**
 * hash_put() - find or add @key
 * @ret_value: the value, borrowed until the next put or remove; zeroed when the key is new
 * Return: 1 when added, 0 when it was there, -E_FULL at the bound, -ENOMEM.
 */
MUST_CHECK int hash_put(struct hash *h, const void *key, void **ret_value);

/* Return: true when @key was there. */
bool hash_remove(struct hash *h, const void *key);

/* Takes all entries out; the memory stays. */
void hash_clear(struct hash *h);

/*
 * Walks all entries in no particular order: start with *@at = 0. The table must not change
 * meanwhile. Return: false at the end.
 */
bool hash_next(const struct hash *h, size_t *at, const void **ret_key, void **ret_value);

/* SipHash-1-3 of @n bytes under a 16-byte key; for tags that a peer must not guess. */
uint64_t siphash(const uint64_t key[static 2], const void *bytes, size_t n);

#endif
