/*
 * What fuzz targets check of JSON: brackets match, strings end, commas are where they belong, and
 * no key comes twice in one object.
 */
#ifndef SONDE_WIRE_FUZZ_JSON_H
#define SONDE_WIRE_FUZZ_JSON_H

#include <stdlib.h>

#include "base/buf.h"

#define MAX_DEPTH 64 /* a packet of tunnels in tunnels has an object for each */
#define MAX_KEYS  256

/* The keys of one object, borrowed. */
struct keys {
	const char *at[MAX_KEYS];
	size_t len[MAX_KEYS];
	size_t n;
};

static void add_key(struct keys *k, const char *at, size_t len)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->len[i] == len && !memcmp(k->at[i], at, len))
			abort();
	if (k->n < MAX_KEYS) {
		k->at[k->n] = at;
		k->len[k->n++] = len;
	}
}

static size_t string_len(const char *at, const char *end)
{
	const char *p = at;

	while (p < end && *p != '"')
		p += *p == '\\' ? 2 : 1;
	if (p >= end)
		abort();
	return (size_t)(p - at);
}

/* Aborts where @b is not as it should be. */
static void check_json(const struct buf *b)
{
	static struct keys keys[MAX_DEPTH];
	char open[MAX_DEPTH];
	size_t depth = 0;
	const char *end = b->data + b->len;

	for (const char *p = b->data; p < end; p++) {
		if (*p == '{' || *p == '[') {
			if (depth == MAX_DEPTH)
				abort();
			keys[depth].n = 0;
			open[depth++] = *p;
		} else if (*p == '}' || *p == ']') {
			if (!depth || open[--depth] != (*p == '}' ? '{' : '['))
				abort();
		} else if (*p == '"') {
			size_t len = string_len(p + 1, end);

			if (depth && p[len + 2] == ':' && open[depth - 1] == '{')
				add_key(&keys[depth - 1], p + 1, len);
			p += len + 1;
		} else if (*p == ',' && (p[1] == ',' || p[1] == '}' || p[1] == ']' ||
					 p[-1] == '{' || p[-1] == '[')) {
			abort();
		}
	}
	if (depth)
		abort();
}

#endif
