/*
 * Any bytes as a packet: walked, printed in every way, and what is printed as JSON is checked to
 * have unique keys and matching brackets. The first byte says what the packet starts with and
 * whether more bytes were on the wire than were captured.
 */
#include <stdlib.h>

#include "wire/print.h"

#define MAX_DEPTH 16
#define MAX_KEYS  256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct json_config config = { .payload = true };
	const struct frame frame = { .number = 1 };
	struct buf b = buf_of(1 << 26);
	struct packet p;
	uint32_t len;
	uint8_t first;

	if (!size)
		return 0;
	first = (data[0] & 0x7f) % N_PROTOCOLS ?: PROTOCOL_ETHERNET;
	len = (uint32_t)size - 1;
	packet_walk(&p, first, data + 1, len, data[0] & 0x80 ? len + 100 : len);
	print_line(&b, &p);
	print_tree(&b, &p);
	if (b.err)
		abort();
	buf_reset(&b);
	p.frame = &frame;
	print_json(&b, &p, &config);
	if (b.err)
		abort();
	check_json(&b);
	buf_done(&b);
	return 0;
}
