#include "wire/packet_copy.h"

#include <stdalign.h>

#include "wire/exchange.h"
#include "wire/ip.h"
#include "wire/tcp.h"
#include "wire/udp.h"

struct room {
	uint8_t *at;
	size_t left;
	bool full;
};

static size_t aligned(size_t len)
{
	return (len + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

/* @len bytes of room, NULL when there is not as much. */
static void *take(struct room *room, size_t len)
{
	void *at = room->at;

	len = aligned(len);
	if (room->full || len > room->left) {
		room->full = true;
		return NULL;
	}
	room->at += len;
	room->left -= len;
	return at;
}

/* A copy of @len bytes; NULL stays NULL. */
static void *keep(struct room *room, const void *bytes, size_t len)
{
	void *at = bytes ? take(room, len) : NULL;

	if (at)
		memcpy(at, bytes, len);
	return at;
}

static const struct frame *keep_frame(struct room *room, const struct frame *frame)
{
	struct frame *copy = keep(room, frame, sizeof(*frame));

	if (copy && copy->comment)
		copy->comment = keep(room, frame->comment, frame->comment_len);
	return copy;
}

static const struct fragment_facts *keep_fragments(struct room *room,
						   const struct fragment_facts *facts)
{
	struct fragment_facts *copy = keep(room, facts, sizeof(*facts));

	if (copy)
		copy->frames = keep(room, facts->frames, facts->n_frames * sizeof(*facts->frames));
	return copy;
}

static const struct exchange_facts *keep_exchange(struct room *room,
						  const struct exchange_facts *facts)
{
	struct exchange_facts *copy = keep(room, facts, sizeof(*facts));

	if (copy && copy->about.len)
		copy->about.at = keep(room, facts->about.at, facts->about.len);
	return copy;
}

/* One packet without its successors. The configuration of the last one is shared where it is the
 * same. */
static struct packet *keep_packet(struct room *room, const struct packet *p,
				  const struct packet *last, const struct packet *last_copy)
{
	struct packet *copy =
		keep(room, p, offsetof(struct packet, layers) + p->n_layers * sizeof(p->layers[0]));
	struct walk_config *config;

	if (!copy)
		return NULL;
	copy->more = NULL;
	copy->bytes = keep(room, p->bytes, p->cap_len);
	copy->tcp = keep(room, p->tcp, sizeof(*p->tcp));
	copy->udp = keep(room, p->udp, sizeof(*p->udp));
	copy->fragments = keep_fragments(room, p->fragments);
	copy->exchange = keep_exchange(room, p->exchange);
	if (last && last->config == p->config) {
		copy->config = last_copy->config;
	} else {
		config = keep(room, p->config, sizeof(*p->config));
		if (config)
			config->dialogue = keep(room, config->dialogue, sizeof(*config->dialogue));
		copy->config = config;
	}
	return copy;
}

const struct packet *packet_copy(const struct packet *p, void *memory, size_t cap, size_t *ret_used)
{
	struct room room = { .at = memory, .left = cap };
	const struct frame *frame = keep_frame(&room, p->frame);
	struct packet *first = NULL, *last_copy = NULL;
	const struct packet *last = NULL;

	for (; p && !room.full; p = p->more) {
		struct packet *copy = keep_packet(&room, p, last, last_copy);

		if (!copy)
			break;
		copy->frame = p->frame ? frame : NULL;
		if (last_copy)
			last_copy->more = copy;
		else
			first = copy;
		last = p;
		last_copy = copy;
	}
	*ret_used = cap - room.left;
	return room.full ? NULL : first;
}
