/*
 * Linear probing over a power of two of slots, at most 3/4 full, doubled when needed. An array of
 * 32-bit tags (the low half of the hash, 0 for an empty slot) is searched first and an entry is
 * touched only when its tag agrees; tags also serve growing and removing, so that no key is hashed
 * twice. Removing shifts later entries back instead of leaving tombstones (Knuth volume 3, section
 * 6.4, algorithm R).
 */
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"

#define FIRST_SLOTS 16
#define MAX_ENTRIES (1u << 30) /* 32-bit tags must tell the slots apart */

struct hash {
	size_t key_size, value_at, entry_size; /* an entry is a key, padding, a value */
	size_t len, max, n_slots;
	uint32_t *tags;
	uint8_t *entries;
	uint64_t secret[2];
};

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

struct hash *hash_new(size_t key_size, size_t value_size, size_t max)
{
	struct hash *h = calloc(1, sizeof(*h));
	/* A C type whose alignment is 16 has a size that 16 divides. */
	size_t align = value_size % 16 ? 8 : 16;

	if (!h)
		return NULL;
	h->key_size = key_size;
	h->value_at = value_size ? round_up(key_size, align) : 0;
	h->entry_size = value_size ? round_up(h->value_at + value_size, align) : key_size;
	h->max = MIN(max, (size_t)MAX_ENTRIES);
	random_secret(h->secret, sizeof(h->secret));
	return h;
}

struct hash *hash_free(struct hash *h)
{
	if (!h)
		return NULL;
	free(h->tags);
	free(h->entries);
	free(h);
	return NULL;
}

size_t hash_len(const struct hash *h)
{
	return h->len;
}

static uint8_t *entry_at(const struct hash *h, size_t slot)
{
	return h->entries + slot * h->entry_size;
}

static uint32_t tag_of(const struct hash *h, const void *key)
{
	uint32_t tag = (uint32_t)siphash(h->secret, key, h->key_size);

	return tag ? tag : 1;
}

/* The slot of @key, or the empty one where it would go; there are slots, and one of them is empty.
 */
static size_t find_slot(const struct hash *h, const void *key, uint32_t tag)
{
	size_t mask = h->n_slots - 1, slot = tag & mask;

	while (h->tags[slot] &&
	       (h->tags[slot] != tag || memcmp(entry_at(h, slot), key, h->key_size) != 0))
		slot = (slot + 1) & mask;
	return slot;
}

void *hash_get(const struct hash *h, const void *key)
{
	size_t slot;

	if (!h->len)
		return NULL;
	slot = find_slot(h, key, tag_of(h, key));
	return h->tags[slot] ? entry_at(h, slot) + h->value_at : NULL;
}

/* Doubles the slots and moves every entry to its new place. Return: 0 or -ENOMEM, nothing changed.
 */
static int grow(struct hash *h)
{
	struct hash old = *h;

	h->n_slots = old.n_slots ? old.n_slots * 2 : FIRST_SLOTS;
	h->tags = calloc(h->n_slots, sizeof(*h->tags));
	h->entries = calloc(h->n_slots, h->entry_size);
	if (!h->tags || !h->entries) {
		free(h->tags);
		free(h->entries);
		*h = old;
		return -ENOMEM;
	}
	for (size_t i = 0; i < old.n_slots; i++) {
		size_t slot = old.tags[i] & (h->n_slots - 1);

		if (!old.tags[i])
			continue;
		while (h->tags[slot])
			slot = (slot + 1) & (h->n_slots - 1);
		h->tags[slot] = old.tags[i];
		memcpy(entry_at(h, slot), entry_at(&old, i), h->entry_size);
	}
	free(old.tags);
	free(old.entries);
	return 0;
}

int hash_put(struct hash *h, const void *key, void **ret_value)
{
	uint32_t tag = tag_of(h, key);
	size_t slot = 0;
	uint8_t *entry;

	if (h->n_slots) {
		slot = find_slot(h, key, tag);
		if (h->tags[slot]) {
			*ret_value = entry_at(h, slot) + h->value_at;
			return 0;
		}
	}
	if (h->len >= h->max)
		return -E_FULL;
	if (h->len + 1 > h->n_slots / 4 * 3) {
		if (grow(h) < 0)
			return -ENOMEM;
		slot = find_slot(h, key, tag);
	}
	entry = entry_at(h, slot);
	h->tags[slot] = tag;
	h->len++;
	memset(entry, 0, h->entry_size);
	memcpy(entry, key, h->key_size);
	*ret_value = entry + h->value_at;
	return 1;
}

bool hash_remove(struct hash *h, const void *key)
{
	size_t mask = h->n_slots - 1, hole, slot;

	if (!h->len)
		return false;
	hole = find_slot(h, key, tag_of(h, key));
	if (!h->tags[hole])
		return false;
	for (slot = (hole + 1) & mask; h->tags[slot]; slot = (slot + 1) & mask) {
		/* An entry moves back unless its home lies cyclically behind the hole. */
		size_t from_home = (slot - h->tags[slot]) & mask, from_hole = (slot - hole) & mask;

		if (from_home < from_hole)
			continue;
		h->tags[hole] = h->tags[slot];
		memcpy(entry_at(h, hole), entry_at(h, slot), h->entry_size);
		hole = slot;
	}
	h->tags[hole] = 0;
	h->len--;
	return true;
}

void hash_clear(struct hash *h)
{
	if (h->n_slots)
		memset(h->tags, 0, h->n_slots * sizeof(*h->tags));
	h->len = 0;
}

bool hash_next(const struct hash *h, size_t *at, const void **ret_key, void **ret_value)
{
	for (size_t slot = *at; slot < h->n_slots; slot++) {
		if (!h->tags[slot])
			continue;
		*ret_key = entry_at(h, slot);
		*ret_value = entry_at(h, slot) + h->value_at;
		*at = slot + 1;
		return true;
	}
	return false;
}

static uint64_t rotate_left(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

__attribute__((always_inline)) static inline void sip_round(uint64_t v[static 4])
{
	v[0] += v[1];
	v[1] = rotate_left(v[1], 13) ^ v[0];
	v[0] = rotate_left(v[0], 32);
	v[2] += v[3];
	v[3] = rotate_left(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate_left(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate_left(v[1], 17) ^ v[2];
	v[2] = rotate_left(v[2], 32);
}

__attribute__((always_inline)) static inline void sip_word(uint64_t v[static 4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, with 1 and 3 rounds. */
uint64_t siphash(const uint64_t key[static 2], const void *bytes, size_t n)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
			  key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };
	const uint8_t *at = bytes;
	uint64_t word;

	for (size_t i = 0; i + 8 <= n; i += 8) {
		memcpy(&word, at + i, 8);
		sip_word(v, word);
	}
	word = 0;
	if (n % 8)
		memcpy(&word, at + n / 8 * 8, n % 8);
	sip_word(v, word | (uint64_t)n << 56);
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
