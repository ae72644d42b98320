#include "capture/udp_streams.h"

#include <stdlib.h>

#include "capture/lru.h"
#include "wire/numbers.h"

/* Both ends in an order of their own. Compared bytewise: without padding. */
struct key {
	uint8_t addr[2][16];
	uint16_t port[2];
	uint32_t addr_len;
};
_Static_assert(sizeof(struct key) == 40, "no padding");

struct udp_streams {
	struct lru *table; /* of the number, uint64_t */
	uint32_t seen;
};

struct udp_streams *udp_streams_new(uint32_t max)
{
	struct udp_streams *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->table = lru_new(sizeof(struct key), sizeof(uint64_t), max);
	return t->table ? t : udp_streams_free(t);
}

struct udp_streams *udp_streams_free(struct udp_streams *t)
{
	if (!t)
		return NULL;
	lru_free(t->table);
	free(t);
	return NULL;
}

static struct key key_of(const struct ends *e)
{
	int order = memcmp(e->src, e->dst, e->addr_len);
	unsigned side = order ? order > 0 : e->src_port > e->dst_port;
	struct key key = { .addr_len = e->addr_len };

	memcpy(key.addr[side], e->src, e->addr_len);
	memcpy(key.addr[!side], e->dst, e->addr_len);
	key.port[side] = e->src_port;
	key.port[!side] = e->dst_port;
	return key;
}

bool udp_streams_number(struct udp_streams *t, const struct packet *p, const struct packet *outer,
			struct udp_facts *ret_facts)
{
	const struct layer *l = packet_layer(p, PROTOCOL_UDP);
	struct ends ends = { 0 };
	struct key key;
	uint64_t *number;
	bool new;

	if (!l || l->flags & (LAYER_CUT | LAYER_QUOTED) || !ends_of(p, l, outer, &ends))
		return false;
	for (const struct layer *before = p->layers; before < l; before++)
		if (before->flags & LAYER_MORE)
			return false; /* the beginning of something that other fragments complete */
	ends.src_port = load_be16(p->bytes + l->off);
	ends.dst_port = load_be16(p->bytes + l->off + 2);
	key = key_of(&ends);
	number = lru_add(t->table, &key, &new);
	if (!number)
		return false;
	if (new)
		*number = t->seen++;
	*ret_facts = (struct udp_facts){
		.layer = (uint32_t)(l - p->layers),
		.stream = (uint32_t)*number,
	};
	return true;
}
