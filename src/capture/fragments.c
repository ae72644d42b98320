/*
 * All fragments but the last end on 8 bytes (RFC 791, RFC 8200), so a datagram is a buffer and a
 * bit for each block of 8 bytes that is there: any order, overlap and repetition is a question of
 * bits, and costs no more than the bytes that came. Datagrams stand in a keyed hash table and, in
 * the order in which they began, in a list: the oldest is the next to time out, and to be evicted.
 *
 * An IPv6 datagram that is thrown away keeps its place without bytes until its time is over:
 * RFC 5722 wants the fragments that still come to be dropped, too.
 */
#include "capture/fragments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "wire/numbers.h"

#define DATAGRAM_MAX 65535u
#define BLOCK	     8u
#define BUFFER_MIN   2048u
#define MIN_BYTES    (1u << 18) /* so that the largest datagram always fits */
#define MAX_FRAMES   64		/* a datagram of 64 KiB in fragments of 1,500 has 45 */

/* What makes fragments belong together. No padding: compared bytewise. */
struct key {
	uint8_t src[16], dst[16];
	uint32_t id;
	uint8_t version, proto, zero[2];
};

struct pending {
	struct key key;
	struct pending *older, *newer;
	int64_t since_ns;
	uint8_t *bytes;
	uint32_t cap;
	uint32_t end;	   /* of the fragment that reaches farthest */
	uint32_t total;	   /* where the last fragment ends; 0: not seen yet */
	uint32_t n_blocks; /* that are there */
	uint8_t next;	   /* protocol number by the first fragment */
	bool discarded;
	struct fragment_facts facts;
	uint64_t frames[MAX_FRAMES];
	uint64_t there[(DATAGRAM_MAX / BLOCK + 1) / 64];
};

struct fragments {
	struct fragments_config config;
	struct fragments_counts counts;
	struct hash *by_key; /* struct pending * */
	struct pending *oldest, *newest;
	size_t bytes; /* that all pending ones hold */
	struct pending *done[FRAGMENTS_NESTED];
	unsigned next_done;
};

/* One fragment. */
struct piece {
	struct key key;
	uint32_t layer;
	uint32_t off, end;
	const uint8_t *bytes;
	bool last;
	uint8_t next;
	int64_t time_ns;
	uint64_t number;
};

const struct fragments_config fragments_default = {
	.max_bytes = 16u << 20,
	.max_datagrams = 1024,
	.timeout_ns = 30 * NS_PER_S,
};

struct fragments *fragments_new(const struct fragments_config *config)
{
	struct fragments *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->config = *(config ? config : &fragments_default);
	f->config.max_bytes = MAX(f->config.max_bytes, (size_t)MIN_BYTES);
	f->config.max_datagrams = MAX(f->config.max_datagrams, 1u);
	f->by_key = hash_new(sizeof(struct key), sizeof(struct pending *), f->config.max_datagrams);
	if (!f->by_key) {
		free(f);
		return NULL;
	}
	return f;
}

static void pending_free(struct pending *d)
{
	if (!d)
		return;
	free(d->bytes);
	free(d);
}

struct fragments *fragments_free(struct fragments *f)
{
	if (!f)
		return NULL;
	for (struct pending *d = f->oldest, *newer; d; d = newer) {
		newer = d->newer;
		pending_free(d);
	}
	for (unsigned i = 0; i < FRAGMENTS_NESTED; i++)
		pending_free(f->done[i]);
	hash_free(f->by_key);
	free(f);
	return NULL;
}

/* Takes @d out of the table and the list. */
static void detach(struct fragments *f, struct pending *d)
{
	*(d->older ? &d->older->newer : &f->oldest) = d->newer;
	*(d->newer ? &d->newer->older : &f->newest) = d->older;
	f->bytes -= sizeof(*d) + d->cap;
	(void)hash_remove(f->by_key, &d->key);
}

static void forget(struct fragments *f, struct pending *d)
{
	detach(f, d);
	pending_free(d);
}

static bool is_over(const struct fragments *f, const struct pending *d, int64_t now_ns)
{
	return now_ns > d->since_ns &&
	       (uint64_t)now_ns - (uint64_t)d->since_ns >= f->config.timeout_ns;
}

static void time_out(struct fragments *f, struct pending *d)
{
	f->counts.timed_out += !d->discarded;
	forget(f, d);
}

/* Makes room for @more bytes; @keep stays. */
static void evict(struct fragments *f, const struct pending *keep, size_t more)
{
	while (f->bytes + more > f->config.max_bytes) {
		struct pending *d = f->oldest;

		if (d && d == keep)
			d = d->newer;
		if (!d)
			return;
		f->counts.evicted += !d->discarded;
		forget(f, d);
	}
}

/* Begins a datagram; NULL when out of memory. */
static struct pending *begin(struct fragments *f, const struct piece *piece)
{
	struct pending *d = calloc(1, sizeof(*d));
	void *place;

	if (!d)
		return NULL;
	evict(f, NULL, sizeof(*d));
	if (hash_len(f->by_key) >= f->config.max_datagrams) {
		f->counts.evicted += !f->oldest->discarded;
		forget(f, f->oldest);
	}
	if (hash_put(f->by_key, &piece->key, &place) < 0) {
		free(d);
		return NULL;
	}
	memcpy(place, &d, sizeof(d));
	d->key = piece->key;
	d->since_ns = piece->time_ns;
	d->next = piece->next;
	d->older = f->newest;
	*(f->newest ? &f->newest->newer : &f->oldest) = d;
	f->newest = d;
	f->bytes += sizeof(*d);
	return d;
}

/* The datagram that @piece is part of, perhaps a new one; NULL when out of memory. */
static struct pending *find(struct fragments *f, const struct piece *piece)
{
	struct pending **place;

	while (f->oldest && is_over(f, f->oldest, piece->time_ns))
		time_out(f, f->oldest);
	place = hash_get(f->by_key, &piece->key);
	if (place && !is_over(f, *place, piece->time_ns))
		return *place;
	if (place)
		time_out(f, *place);
	return begin(f, piece);
}

static int grow(struct fragments *f, struct pending *d, uint32_t end)
{
	uint32_t cap = MAX(d->cap, BUFFER_MIN);
	uint8_t *bytes;

	while (cap < end)
		cap *= 2;
	if (cap == d->cap)
		return 0;
	evict(f, d, cap - d->cap);
	bytes = realloc(d->bytes, cap);
	if (!bytes)
		return -ENOMEM;
	f->bytes += cap - d->cap;
	d->bytes = bytes;
	d->cap = cap;
	return 0;
}

/* The layer of the outermost fragment in @p, or NULL. */
static const struct layer *fragment_layer(const struct packet *p)
{
	if (!(p->seen & (1ULL << PROTOCOL_IPV4 | 1ULL << PROTOCOL_FRAGMENT)))
		return NULL;
	for (uint32_t i = 0; i < p->n_layers; i++) {
		const struct layer *l = &p->layers[i];

		if (l->flags & (LAYER_MORE | LAYER_FRAGMENT) && !(l->flags & LAYER_QUOTED))
			return l;
	}
	return NULL;
}

bool fragments_wants(const struct packet *p)
{
	return fragment_layer(p) != NULL;
}

/* Reads the rest of an IPv4 fragment. Return: the most bytes that its datagram can have. */
static uint32_t read_ipv4(const struct packet *p, const struct layer *l, struct piece *piece)
{
	const uint8_t *header = p->bytes + l->off;

	memcpy(piece->key.src, header + 12, 4);
	memcpy(piece->key.dst, header + 16, 4);
	piece->key.id = load_be16(header + 4);
	piece->key.version = 4;
	piece->key.proto = piece->next = header[9];
	piece->off = (load_be16(header + 6) & 0x1fffu) * BLOCK;
	return DATAGRAM_MAX - l->header_len;
}

/* Likewise for IPv6: 0 when the header is not inside an IPv6 packet. */
static uint32_t read_ipv6(const struct packet *p, const struct layer *l, struct piece *piece)
{
	const uint8_t *header = p->bytes + l->off;
	const struct layer *ip = l;

	do {
		if (ip == p->layers || ip->proto == PROTOCOL_IPV4)
			return 0;
		ip--;
	} while (ip->proto != PROTOCOL_IPV6);
	memcpy(piece->key.src, p->bytes + ip->off + 8, 16);
	memcpy(piece->key.dst, p->bytes + ip->off + 24, 16);
	piece->key.id = load_be32(header + 4);
	piece->key.version = 6;
	piece->next = header[0];
	piece->off = load_be16(header + 2) & ~7u;
	return DATAGRAM_MAX - (l->off - ip->off - IP6_HEADER_LEN);
}

/* What @p says of its fragment. Return: 0, -E_TRUNCATED, -E_MALFORMED. */
static int read_piece(const struct packet *p, const struct layer *l, struct piece *piece)
{
	uint32_t have, max;

	*piece = (struct piece){ .layer = (uint32_t)(l - p->layers) };
	max = l->proto == PROTOCOL_IPV4 ? read_ipv4(p, l, piece) : read_ipv6(p, l, piece);
	piece->bytes = packet_payload(p, l, &have);
	piece->last = !(l->flags & LAYER_MORE);
	piece->time_ns = p->frame ? p->frame->time_ns : 0;
	piece->number = p->frame ? p->frame->number : 0;
	if (!l->payload_len || (!piece->last && l->payload_len % BLOCK) ||
	    (uint64_t)piece->off + l->payload_len > max)
		return -E_MALFORMED;
	piece->end = piece->off + l->payload_len;
	return have < l->payload_len ? -E_TRUNCATED : 0;
}

/* Whether @piece ends where it can, given where the datagram does; notes what it contradicts. */
static bool ends_agree(struct pending *d, const struct piece *piece)
{
	bool tails = d->total && piece->last && piece->end != d->total;
	bool beyond = d->total ? piece->end > d->total : piece->last && piece->end < d->end;

	d->facts.multiple_tails |= tails;
	d->facts.too_long |= beyond;
	return !tails && !beyond;
}

static bool is_there(const struct pending *d, uint32_t block)
{
	return d->there[block / 64] >> block % 64 & 1;
}

/* Counts the blocks of @piece that are there, and those of them that are different. */
static uint32_t compare(const struct pending *d, const struct piece *piece, uint32_t *ret_differ)
{
	uint32_t n = 0;

	*ret_differ = 0;
	for (uint32_t at = piece->off; at < piece->end; at += BLOCK) {
		uint32_t len = MIN(BLOCK, piece->end - at);

		if (!is_there(d, at / BLOCK))
			continue;
		n++;
		*ret_differ += memcmp(d->bytes + at, piece->bytes + (at - piece->off), len) != 0;
	}
	return n;
}

/* Copies the blocks of @piece that are not there. */
static void copy(struct pending *d, const struct piece *piece)
{
	if (!piece->off && !is_there(d, 0))
		d->next = piece->next;
	for (uint32_t at = piece->off; at < piece->end; at += BLOCK) {
		uint32_t block = at / BLOCK;

		if (is_there(d, block))
			continue;
		memcpy(d->bytes + at, piece->bytes + (at - piece->off),
		       MIN(BLOCK, piece->end - at));
		d->there[block / 64] |= 1ULL << block % 64;
		d->n_blocks++;
	}
	d->end = MAX(d->end, piece->end);
	if (piece->last)
		d->total = piece->end;
}

/* Throws an IPv6 datagram away, with whatever still comes of it. */
static int discard(struct fragments *f, struct pending *d)
{
	f->counts.discarded++;
	f->bytes -= d->cap;
	free(d->bytes);
	d->bytes = NULL;
	d->cap = 0;
	d->discarded = true;
	return -E_MALFORMED;
}

static void note(struct pending *d, const struct piece *piece)
{
	d->facts.n_fragments++;
	if (d->facts.n_frames < MAX_FRAMES && piece->number)
		d->frames[d->facts.n_frames++] = piece->number;
}

/* Adds @piece to its datagram. Return: 0, -E_MALFORMED, -ENOMEM. */
static int add(struct fragments *f, struct pending *d, const struct piece *piece)
{
	uint32_t n_blocks = (piece->end - piece->off + BLOCK - 1) / BLOCK, n_there, n_differ;
	int err;

	if (!ends_agree(d, piece)) {
		f->counts.conflicts += piece->key.version == 4;
		return piece->key.version == 6 ? discard(f, d) : -E_MALFORMED;
	}
	n_there = compare(d, piece, &n_differ);
	if (piece->key.version == 6 && n_there && (n_there < n_blocks || n_differ))
		return discard(f, d);
	err = grow(f, d, piece->end);
	if (err)
		return err;
	f->counts.conflicts += n_differ > 0;
	d->facts.overlap |= n_there > 0;
	d->facts.conflict |= n_differ > 0;
	note(d, piece);
	copy(d, piece);
	return 0;
}

/* Hands the complete @d out; it stays until FRAGMENTS_NESTED others are complete. */
static void complete(struct fragments *f, struct pending *d, struct datagram *ret_datagram)
{
	detach(f, d);
	pending_free(f->done[f->next_done]);
	f->done[f->next_done] = d;
	f->next_done = (f->next_done + 1) % FRAGMENTS_NESTED;
	f->counts.completed++;
	d->facts.len = d->total;
	d->facts.frames = d->frames;
	*ret_datagram = (struct datagram){
		.bytes = d->bytes,
		.len = d->total,
		.proto = demux_find(&demux_ip, d->next),
		.facts = d->facts,
	};
}

int fragments_add(struct fragments *f, const struct packet *p, struct datagram *ret_datagram)
{
	const struct layer *l = fragment_layer(p);
	struct pending *d;
	struct piece piece;
	int err;

	if (!l)
		return 0;
	f->counts.fragments++;
	err = read_piece(p, l, &piece);
	if (err) {
		*(err == -E_TRUNCATED ? &f->counts.cut : &f->counts.refused) += 1;
		return err;
	}
	d = find(f, &piece);
	if (!d)
		return -ENOMEM;
	if (d->discarded)
		return 0;
	err = add(f, d, &piece);
	if (err)
		return err;
	d->facts.layer = piece.layer;
	if (!d->total || d->n_blocks < (d->total + BLOCK - 1) / BLOCK)
		return 0;
	complete(f, d, ret_datagram);
	return 1;
}

struct fragments_counts fragments_counts(const struct fragments *f)
{
	return f->counts;
}

uint32_t fragments_pending(const struct fragments *f, size_t *ret_bytes)
{
	*ret_bytes = f->bytes;
	return (uint32_t)hash_len(f->by_key);
}
