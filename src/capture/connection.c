/*
 * Connections are found by both endpoints in an order of their own, so that both directions have
 * one key; IPv4 has a table of its own with shorter keys.
 *
 * Being moved in the list for every packet would touch three connections where one is enough. So it
 * is moved only when packets for an eighth of all connections came since it last was: the one that
 * is forgotten is among the oldest, which is all that matters.
 */
#include "capture/connection.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "wire/numbers.h"

#define CACHE_LINE 64

struct key4 {
	uint8_t addr[2][4];
	uint16_t port[2];
};

struct key6 {
	uint8_t addr[2][16];
	uint16_t port[2];
};

union key {
	struct key4 v4;
	struct key6 v6;
};

struct connections {
	struct connections_config config;
	struct hash *by4, *by6; /* of struct connection * */
	struct connection *oldest, *newest;
	uint64_t clock; /* packets */
	uint32_t n, seen;
	uint64_t forgotten;
};

struct connections *connections_new(const struct connections_config *config)
{
	struct connections *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->config = *config;
	t->by4 = hash_new(sizeof(struct key4), sizeof(struct connection *), config->max);
	t->by6 = hash_new(sizeof(struct key6), sizeof(struct connection *), config->max);
	return t->by4 && t->by6 ? t : connections_free(t);
}

/* The key of a segment. Returns the side that sent it: 0 is the end that is first in the key. */
static unsigned key_of(union key *k, const struct ends *e)
{
	unsigned side;
	int order;

	if (e->addr_len == 4)
		order = (load_be32(e->src) > load_be32(e->dst)) -
			(load_be32(e->src) < load_be32(e->dst));
	else
		order = memcmp(e->src, e->dst, e->addr_len);
	side = order ? order > 0 : e->src_port > e->dst_port;

	if (e->addr_len == 4) {
		memcpy(k->v4.addr[side], e->src, 4);
		memcpy(k->v4.addr[!side], e->dst, 4);
		k->v4.port[side] = e->src_port;
		k->v4.port[!side] = e->dst_port;
	} else {
		memcpy(k->v6.addr[side], e->src, 16);
		memcpy(k->v6.addr[!side], e->dst, 16);
		k->v6.port[side] = e->src_port;
		k->v6.port[!side] = e->dst_port;
	}
	return side;
}

static void unlist(struct connections *t, struct connection *c)
{
	*(c->older ? &c->older->newer : &t->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &t->newest) = c->older;
}

static void list_as_newest(struct connections *t, struct connection *c)
{
	c->touched = t->clock;
	c->newer = NULL;
	c->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = c;
	t->newest = c;
}

static void release(struct connections *t, struct connection *c)
{
	if (t->config.forget)
		t->config.forget(t->config.arg, c);
	unlist(t, c);
	t->n--;
	free(c);
}

static void forget_oldest(struct connections *t)
{
	struct connection *c = t->oldest;
	struct ends e = {
		.addr_len = c->addr_len,
		.src_port = c->ends[0].port,
		.dst_port = c->ends[1].port,
	};
	union key k;

	memcpy(e.src, c->ends[0].addr.bytes, e.addr_len);
	memcpy(e.dst, c->ends[1].addr.bytes, e.addr_len);
	key_of(&k, &e);
	hash_remove(e.addr_len == 4 ? t->by4 : t->by6, &k);
	release(t, c);
	t->forgotten++;
}

struct connections *connections_free(struct connections *t)
{
	if (!t)
		return NULL;
	while (t->oldest)
		release(t, t->oldest);
	hash_free(t->by4);
	hash_free(t->by6);
	free(t);
	return NULL;
}

static struct endpoint endpoint_of(const uint8_t *addr, uint8_t addr_len, uint16_t port)
{
	return (struct endpoint){
		.addr = addr_len == 4 ? addr_ip4(addr) : addr_ip6(addr),
		.port = port,
	};
}

static struct connection *connection_new(struct connections *t, const struct segment *s,
					 unsigned side)
{
	struct connection *c = calloc(1, sizeof(*c));
	const struct ends *e = &s->ends;
	bool calls = (s->flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN;

	if (!c)
		return NULL;
	c->addr_len = e->addr_len;
	c->ends[side] = endpoint_of(e->src, e->addr_len, e->src_port);
	c->ends[!side] = endpoint_of(e->dst, e->addr_len, e->dst_port);
	c->caller_known = s->flags & TCP_FLAG_SYN;
	if (c->caller_known)
		c->caller = (uint8_t)(calls ? side : !side);
	else
		c->caller = c->ends[1].port > c->ends[0].port;
	tcp_history_init(&c->history);
	c->number = t->seen++;
	c->first_frame = s->frame;
	t->n++;
	list_as_newest(t, c);
	return c;
}

/* Whether a segment opens another connection between the same endpoints. */
static bool opens_anew(const struct connection *c, const struct segment *s, unsigned side)
{
	return (s->flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN && c->based[side] &&
	       (s->seq != c->base[side] || c->completeness & (SEEN_FIN | SEEN_RST));
}

/* Where relative numbers begin: at a SYN, or as if one had been just before. */
static void set_bases(struct connection *c, const struct segment *s, unsigned side)
{
	if (!c->based[side]) {
		c->based[side] = true;
		c->base[side] = s->flags & TCP_FLAG_SYN ? s->seq : s->seq - 1;
	} else if (s->flags & TCP_FLAG_SYN && s->seq != c->base[side]) {
		/* Only an answer: a SYN alone would have begun another connection. */
		c->base[side] = s->seq;
		c->reused_by = s->frame;
	}
	if (s->flags & TCP_FLAG_ACK && !c->based[!side]) {
		c->based[!side] = true;
		c->base[!side] = s->ack - 1;
	}
}

/* Of a hundred thousand connections hardly one is in the cache: all of it is fetched at once. */
static void fetch(const struct connection *c)
{
	for (size_t at = 0; at < sizeof(*c); at += CACHE_LINE)
		__builtin_prefetch((const char *)c + at, 1);
}

/* The connection in the tables, or a new one. */
static struct connection *find(struct connections *t, const struct segment *s, unsigned *ret_side)
{
	struct hash *h = s->ends.addr_len == 4 ? t->by4 : t->by6;
	struct connection **slot, *c, *old = NULL;
	union key k;
	void *value;

	*ret_side = key_of(&k, &s->ends);
	t->clock++;
	slot = hash_get(h, &k);
	if (slot)
		fetch(*slot);
	if (likely(slot && !opens_anew(*slot, s, *ret_side))) {
		c = *slot;
		if (t->clock - c->touched > t->config.max / 8) {
			unlist(t, c);
			list_as_newest(t, c);
		}
		return c;
	}
	if (slot)
		old = *slot;
	else if (t->n >= t->config.max)
		forget_oldest(t);
	c = connection_new(t, s, *ret_side);
	if (!c || hash_put(h, &k, &value) < 0) {
		if (c)
			release(t, c);
		return NULL;
	}
	*(struct connection **)value = c;
	if (old) {
		c->reused_by = s->frame;
		c->completeness = SEEN_SYN;
		release(t, old);
	}
	return c;
}

void connection_see(struct connection *c, const struct segment *s)
{
	bool syn = s->flags & TCP_FLAG_SYN, ack = s->flags & TCP_FLAG_ACK;

	if (c->first_frame == s->frame && (!syn || ack))
		return; /* as Wireshark: what a connection begins with counts only if it is a SYN */
	if (syn)
		c->completeness |= ack ? SEEN_SYNACK : c->first_frame == s->frame ? SEEN_SYN : 0;
	else if (s->len)
		c->completeness |= SEEN_DATA;
	else if (ack)
		c->completeness |= SEEN_ACK;
	if (s->flags & TCP_FLAG_FIN)
		c->completeness |= SEEN_FIN;
	if (s->flags & TCP_FLAG_RST)
		c->completeness |= SEEN_RST;
}

struct connection *connections_find(struct connections *t, const struct segment *s,
				    unsigned *ret_side)
{
	struct connection *c = find(t, s, ret_side);

	if (c && unlikely(!c->based[0] || !c->based[1] || s->flags & TCP_FLAG_SYN))
		set_bases(c, s, *ret_side);
	return c;
}

struct connection *connections_next(const struct connections *t, const struct connection *at)
{
	return at ? at->newer : t->oldest;
}

uint32_t connections_seen(const struct connections *t)
{
	return t->seen;
}

uint64_t connections_forgotten(const struct connections *t)
{
	return t->forgotten;
}
