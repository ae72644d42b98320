#include "wire/pick.h"

/* One name in one packet. */
struct picking {
	struct sink sink;
	struct taker *taker;
	const struct packet *whole; /* the captured one; others are what it completed */
	const struct registry_part *part;
	bool done;
};

static void take(struct picking *k, const struct item *item)
{
	if (!k->done)
		k->done = k->taker->take(k->taker, item);
}

/* An item of a walk: taken if it is of one of the rows. */
static void pick_item(struct sink *sink, const struct item *item)
{
	struct picking *k = container_of(sink, struct picking, sink);

	for (size_t i = 0; i < k->part->n_rows; i++) {
		if (k->part->rows[i] == item->field) {
			take(k, item);
			return;
		}
	}
}

/* A row at its place in a layer whose header is all there. */
static inline void fixed_item(struct item *ret, const struct field *f, const struct packet *p,
			      const struct layer *l)
{
	uint32_t off = l->off + f->bit / 8, span = field_span(f);
	const uint8_t *bytes = p->bytes + off;

	*ret = (struct item){
		.field = f,
		.bytes = bytes,
		.value = field_is_number(f) ? field_load(f, bytes) : 0,
		.off = off,
		.len = span,
		.span = span,
		.depth = f->depth,
	};
}

static void pick_fixed(struct picking *k, const struct packet *p, const struct layer *l)
{
	for (size_t i = 0; i < k->part->n_rows; i++) {
		struct item item;

		fixed_item(&item, k->part->rows[i], p, l);
		take(k, &item);
	}
}

static void pick_frame(struct picking *k)
{
	for (size_t i = 0; i < k->part->n_rows; i++) {
		char memory[512];
		struct buf text = buf_in(memory, sizeof(memory));
		struct item item;

		if (packet_frame_item(k->whole, k->part->rows[i], &text, &item))
			take(k, &item);
	}
}

static void pick_bytes(struct picking *k, const struct packet *p, const struct field *f,
		       uint32_t off, uint64_t len)
{
	uint32_t from = MIN(off, p->cap_len);
	uint32_t n = (uint32_t)MIN(len, (uint64_t)p->cap_len - from);

	take(k, &(struct item){
			.field = f, .bytes = p->bytes + from, .off = off, .len = n, .span = n });
}

static void pick_payload(struct picking *k, const struct packet *p, const struct layer *l)
{
	uint32_t len;

	(void)packet_payload(p, l, &len);
	if (len)
		pick_bytes(k, p, k->part->rows[0], l->off + l->header_len, len);
}

/* A fault that the walk of the layers met, or one among the layer's items. */
static void pick_fault(struct picking *k, const struct packet *p, size_t layer)
{
	const struct field *f = k->part->rows[0];
	int err = f == &field_truncated ? -E_TRUNCATED : -E_MALFORMED;

	if (p->fault.err == err && p->fault.layer == layer)
		pick_bytes(k, p, f, p->fault.off, 0);
	else
		packet_items(p, layer, &k->sink);
}

static void pick_layer(struct picking *k, const struct registry_name *name, const struct packet *p,
		       size_t layer)
{
	const struct layer *l = &p->layers[layer];

	switch (k->part->how) {
	case REGISTRY_FIXED:
		if (l->flags & LAYER_CUT)
			packet_items(p, layer, &k->sink);
		else
			pick_fixed(k, p, l);
		break;
	case REGISTRY_WALK:
		packet_items(p, layer, &k->sink);
		break;
	case REGISTRY_PAYLOAD:
		pick_payload(k, p, l);
		break;
	case REGISTRY_FAULT:
		pick_fault(k, p, layer);
		break;
	case REGISTRY_LAYER:
		pick_bytes(k, p, registry_row(name), l->off,
			   (uint64_t)l->header_len + l->payload_len);
		break;
	}
}

/* How many layers of the protocol come before this one. */
static int layers_before(const struct packet *whole, const struct packet *p, size_t layer)
{
	uint8_t proto = p->layers[layer].proto;
	int n = 0;

	for (const struct packet *q = whole;; q = q->more)
		for (size_t i = 0; i < q->n_layers; i++) {
			if (q == p && i == layer)
				return n;
			n += q->layers[i].proto == proto;
		}
}

static int layers_of(const struct packet *p, uint8_t proto)
{
	int n = 0;

	for (; p; p = p->more)
		for (size_t i = 0; i < p->n_layers; i++)
			n += p->layers[i].proto == proto;
	return n;
}

static bool in_ranges(const struct layer_range *ranges, size_t n, const struct packet *whole,
		      const struct packet *p, size_t layer)
{
	int at = layers_before(whole, p, layer) + 1,
	    total = layers_of(whole, p->layers[layer].proto) + 1;

	for (size_t i = 0; i < n; i++) {
		int first = ranges[i].first < 0 ? total + ranges[i].first : ranges[i].first;
		int last = ranges[i].last < 0 ? total + ranges[i].last : ranges[i].last;

		if (at >= first && at <= last)
			return true;
	}
	return false;
}

/*
 * The usual case without anything else: a field at fixed places in one protocol. Returns false
 * where that is not enough, before anything is given.
 */
static bool pick_simple(const struct registry_part *part, const struct packet *p, struct taker *t,
			bool *ret_done)
{
	if (part->how != REGISTRY_FIXED || p->more)
		return false;
	*ret_done = false;
	if (!(p->seen >> part->protocol & 1))
		return true;
	/* Only the last header can be cut. */
	if (p->layers[p->n_layers - 1].flags & LAYER_CUT)
		return false;
	for (const struct layer *l = p->layers, *end = l + p->n_layers; l < end; l++) {
		if (l->proto != part->protocol)
			continue;
		for (size_t i = 0; i < part->n_rows; i++) {
			struct item item;

			fixed_item(&item, part->rows[i], p, l);
			*ret_done = t->take(t, &item);
			if (*ret_done)
				return true;
		}
	}
	return true;
}

bool pick(const struct registry_name *name, const struct layer_range *ranges, size_t n_ranges,
	  const struct packet *p, struct taker *t)
{
	struct picking k = { .sink.item = pick_item, .taker = t, .whole = p };

	if (name->n_parts == 1 && !n_ranges && pick_simple(name->parts, p, t, &k.done))
		return k.done;

	k.part = registry_part(name, PROTOCOL_FRAME);
	if (k.part && k.part->how == REGISTRY_FRAME)
		pick_frame(&k);
	else if (k.part && k.part->how == REGISTRY_LAYER)
		pick_bytes(&k, p, registry_row(name), 0, p->cap_len);
	for (; p && !k.done; p = p->more) {
		if (!(p->seen & name->protocols))
			continue;
		for (size_t i = 0; i < p->n_layers && !k.done; i++) {
			k.part = registry_part(name, p->layers[i].proto);
			if (k.part && (!n_ranges || in_ranges(ranges, n_ranges, k.whole, p, i)))
				pick_layer(&k, name, p, i);
		}
	}
	return k.done;
}
