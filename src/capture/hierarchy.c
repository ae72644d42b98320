#include "capture/hierarchy.h"

#include <errno.h>
#include <stdlib.h>

#define NONE 0u /* the root, which is nobody's child */

struct place {
	struct hierarchy_node node;
	uint32_t child, sibling; /* the first one inside; the next one beside */
	uint64_t last;		 /* packet that it was counted for */
};

struct hierarchy {
	struct place places[HIERARCHY_MAX];
	uint32_t n;
	uint64_t incomplete;
};

struct hierarchy *hierarchy_new(void)
{
	struct hierarchy *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->n = 1;
	h->places[0].node.proto = PROTOCOL_FRAME;
	return h;
}

struct hierarchy *hierarchy_free(struct hierarchy *h)
{
	free(h);
	return NULL;
}

/* @proto inside @parent; NONE when there is no place left. */
static uint32_t find(struct hierarchy *h, uint32_t parent, uint8_t proto)
{
	uint32_t *link = &h->places[parent].child;

	while (*link) {
		if (h->places[*link].node.proto == proto)
			return *link;
		link = &h->places[*link].sibling;
	}
	if (h->n == HIERARCHY_MAX)
		return NONE;
	h->places[h->n].node.proto = proto;
	h->places[h->n].node.depth = (uint8_t)(h->places[parent].node.depth + 1);
	*link = h->n;
	return h->n++;
}

/* A packet counts once at a place, however many messages it completed there. */
static void count(struct hierarchy *h, uint32_t at, uint32_t bytes)
{
	struct place *place = &h->places[at];
	uint64_t number = h->places[0].node.packets;

	if (at && place->last == number)
		return;
	place->last = number;
	place->node.bytes += bytes;
	place->node.packets += at ? 1 : 0;
}

/* The layers of @p below @at. Returns the last one's place, NONE where there was no more. */
static uint32_t count_layers(struct hierarchy *h, const struct packet *p, uint32_t at,
			     uint32_t bytes)
{
	for (uint32_t i = 0; i < p->n_layers && !(p->layers[i].flags & LAYER_QUOTED); i++) {
		at = find(h, at, p->layers[i].proto);
		if (at == NONE)
			return NONE;
		count(h, at, bytes);
	}
	return at;
}

void hierarchy_add(struct hierarchy *h, const struct packet *p)
{
	uint32_t bytes = p->wire_len, around = 0, last;
	bool complete = true;

	h->places[0].node.packets++;
	count(h, 0, bytes);
	for (; p; p = p->more) {
		last = count_layers(h, p, around, bytes);
		complete &= last != NONE;
		/* Messages are beside each other, a datagram is inside the packet. */
		if (!p->config->stream)
			around = last;
	}
	h->incomplete += !complete;
}

uint64_t hierarchy_incomplete(const struct hierarchy *h)
{
	return h->incomplete;
}

static int compare(const void *a, const void *b)
{
	const struct place *x = *(const struct place *const *)a;
	const struct place *y = *(const struct place *const *)b;

	if (x->node.packets != y->node.packets)
		return x->node.packets < y->node.packets ? 1 : -1;
	return (int)x->node.proto - (int)y->node.proto;
}

/* Writes @at and what is inside; returns the nodes written. Its depth is that of a packet. */
static size_t write_nodes(const struct hierarchy *h, const struct place *at,
			  struct hierarchy_node *nodes)
{
	const struct place *children[N_PROTOCOLS];
	size_t n = 1, n_children = 0;

	nodes[0] = at->node;
	for (uint32_t i = at->child; i; i = h->places[i].sibling)
		children[n_children++] = &h->places[i];
	qsort(children, n_children, sizeof(children[0]), compare);
	for (size_t i = 0; i < n_children; i++)
		n += write_nodes(h, children[i], nodes + n);
	return n;
}

int64_t hierarchy_sorted(const struct hierarchy *h, struct hierarchy_node **ret_nodes)
{
	struct hierarchy_node *nodes = malloc(h->n * sizeof(*nodes));

	if (!nodes)
		return -ENOMEM;
	*ret_nodes = nodes;
	return (int64_t)write_nodes(h, &h->places[0], nodes);
}
