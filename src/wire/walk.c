#include "wire/exchange.h"
#include "wire/packet.h"

const struct field field_truncated = { AS_BYTES("_ws.short", 0, 0), .title = "Cut short here" };
const struct field field_malformed = { AS_BYTES("_ws.malformed", 0, 0), .title = "Malformed here" };

void walk_fault(struct walk *w, int err, uint32_t off)
{
	/* A header that is cut does not end where its own lengths say, but is not wrong for that.
	 */
	if (w->layer->flags & LAYER_CUT)
		err = w->layer->flags & LAYER_TRUNCATED ? -E_TRUNCATED : -E_MALFORMED;
	const struct item item = {
		.field = err == -E_TRUNCATED ? &field_truncated : &field_malformed,
		.bytes = w->packet->bytes + MIN(off, w->packet->cap_len),
		.off = off,
	};

	if (!w->over)
		w->sink->item(w->sink, &item);
	w->over = true;
}

/* Whether [@off, @off + @len) is inside the structure that ends at @end, and captured. */
static inline bool fits(struct walk *w, uint32_t off, uint32_t len, uint32_t end)
{
	if (likely(off <= end && len <= end - off && off + len <= w->packet->cap_len))
		return true;
	walk_fault(w, off <= end && len <= end - off ? -E_TRUNCATED : -E_MALFORMED, off);
	return false;
}

bool walk_fits(struct walk *w, uint32_t off, uint32_t len, uint32_t end)
{
	bool announced = off <= end && len <= end - off;

	if (w->over)
		return false;
	if (announced && off <= w->end && len <= w->end - off)
		return fits(w, off, len, w->end);
	walk_fault(w, announced && w->layer->flags & LAYER_STREAM ? -E_TRUNCATED : -E_MALFORMED,
		   off);
	return false;
}

static inline void give(struct walk *w, const struct field *f, uint32_t off, uint32_t len,
			uint8_t depth, const struct block *block)
{
	const uint8_t *bytes = w->packet->bytes + off;
	const struct item item = {
		.field = f,
		.bytes = bytes,
		.value = field_is_number(f) ? field_load(f, bytes) : 0,
		.off = off,
		.len = len,
		.span = len,
		.depth = (uint8_t)(depth + f->depth),
		.block = block,
	};

	w->sink->item(w->sink, &item);
}

bool walk_field(struct walk *w, const struct field *f, uint32_t off, uint32_t len, uint8_t depth)
{
	if (w->over || !fits(w, off, len, w->end))
		return false;
	if (field_is_number(f) && (!f->bits || len < field_span(f)))
		return false;
	give(w, f, off, len, depth, f->block);
	return true;
}

void walk_computed(struct walk *w, const struct field *f, uint64_t value)
{
	const struct item item = { .field = f, .value = value };

	w->sink->item(w->sink, &item);
}

/* What code made of @span bytes at @off. */
static bool give_decoded(struct walk *w, const struct item *item, uint8_t depth)
{
	struct item i = *item;

	if (w->over || !fits(w, i.off, i.span, w->end))
		return false;
	i.depth = (uint8_t)(depth + i.field->depth);
	if (!i.bytes)
		i.bytes = w->packet->bytes + i.off;
	w->sink->item(w->sink, &i);
	return true;
}

bool walk_number(struct walk *w, const struct field *f, uint32_t off, uint32_t span, uint64_t value,
		 uint8_t depth)
{
	return give_decoded(
		w,
		&(struct item){ .field = f, .value = value, .len = span, .off = off, .span = span },
		depth);
}

bool walk_decoded(struct walk *w, const struct field *f, uint32_t off, uint32_t span,
		  const void *bytes, size_t len, uint8_t depth)
{
	return give_decoded(w,
			    &(struct item){ .field = f,
					    .bytes = bytes,
					    .len = (uint32_t)len,
					    .off = off,
					    .span = span },
			    depth);
}

bool walk_group(struct walk *w, const struct field *f, uint32_t off, uint32_t span, uint8_t depth,
		const struct block *block)
{
	return give_decoded(
		w,
		&(struct item){ .field = f, .len = span, .off = off, .span = span, .block = block },
		depth);
}

/* Bytes of the domain name at @off, its root label included; 0 for padding and what is no name. */
static uint32_t name_span(const struct walk *w, uint32_t off, uint32_t end)
{
	const uint8_t *p = w->packet->bytes;
	uint32_t at = off;

	end = MIN(end, w->packet->cap_len);
	while (at < end && p[at] && p[at] < 64)
		at += 1u + p[at];
	return at < end && !p[at] && at > off ? at + 1 - off : 0;
}

/* A row that goes on to the end: bytes, a list of equal fields, or of elements. */
static bool walk_rest(struct walk *w, const struct field *f, uint32_t off, uint32_t end,
		      uint8_t depth)
{
	uint32_t each = f->block ? f->block->min_len : field_span(f);

	if (!f->repeats) {
		if (off < end && fits(w, off, end - off, end))
			give(w, f, off, end - off, depth, NULL);
		return !w->over;
	}
	for (; off < end; off += each) {
		if (f->type == FIELD_NAME) {
			each = name_span(w, off, end);
			if (!each)
				break;
		}
		if (!fits(w, off, each, end))
			return false;
		give(w, f, off, each, depth, f->block);
		if (f->block)
			walk_rows(w, f->block->fields, f->block->n_fields, off, off + each,
				  (uint8_t)(depth + f->depth + 1));
	}
	return true;
}

bool walk_rows(struct walk *w, const struct field *rows, size_t n, uint32_t off, uint32_t end,
	       uint8_t depth)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &rows[i];
		uint32_t at = off + f->bit / 8, span;

		if (w->over)
			return false;
		if (f->repeats || !f->bits) {
			if (!walk_rest(w, f, at, end, depth))
				return false;
			continue;
		}
		span = field_span(f);
		if (unlikely(!fits(w, at, span, end)))
			return false;
		give(w, f, at, span, depth, NULL);
	}
	return true;
}

const struct block *options_block(const struct options *o, unsigned code)
{
	/* The commonest have small codes, and stand where these say. */
	if (code < o->n_blocks && o->blocks[code].code == code)
		return &o->blocks[code];
	for (size_t i = 0; i < o->n_blocks; i++)
		if (o->blocks[i].code == code)
			return &o->blocks[i];
	return o->unknown;
}

/* Length of the option at @off, its type and length included; 0 when it cannot be. */
static uint32_t option_len(const struct walk *w, const struct options *o, uint32_t off,
			   uint32_t end)
{
	uint32_t len;

	if (end - off < 2)
		return 0;
	len = (uint32_t)w->packet->bytes[off + 1] * o->unit + o->add;
	return len >= 2 && len <= end - off ? len : 0;
}

/* The rows of @o's head that a bare option has: those in the first byte. */
static size_t rows_of_type(const struct options *o)
{
	size_t n = 0;

	while (n < o->n_head && o->head[n].bit < 8)
		n++;
	return n;
}

static void walk_option(struct walk *w, const struct options *o, const struct block *block,
			uint32_t off, uint32_t len)
{
	size_t n_head = block->bare ? rows_of_type(o) : o->n_head;

	give(w, o->group, off, len, 0, block);
	if (!walk_rows(w, o->head, n_head, off, off + len, 1))
		return;
	if (off + len > w->packet->cap_len || len < block->min_len)
		walk_fault(w, len < block->min_len ? -E_MALFORMED : -E_TRUNCATED, off);
	else
		walk_rows(w, block->fields, block->n_fields, off, off + len, 1);
}

void walk_options(struct walk *w, const struct options *o, uint32_t off, uint32_t end)
{
	uint32_t cap = MIN(end, w->packet->cap_len);

	while (off < cap && !w->over) {
		unsigned code = w->packet->bytes[off];
		const struct block *block = options_block(o, code);
		uint32_t len = block->bare ? 1 : 0;

		if (!len && off + 2 > cap && cap < end) {
			walk_fault(w, -E_TRUNCATED, off);
			return;
		}
		if (!len)
			len = option_len(w, o, off, end);
		if (!len) {
			walk_fault(w, -E_MALFORMED, off);
			return;
		}
		if (o->variant && len > 2 && off + len <= cap)
			block = o->variant(block, w->packet->bytes + off, len);
		walk_option(w, o, block, off, len);
		if ((int)code == o->end)
			return;
		off += len;
	}
	if (off < end && !w->over)
		walk_fault(w, -E_TRUNCATED, cap);
}

/* Body and options, as the tables say. */
static void walk_tables(struct walk *w)
{
	const struct protocol *proto = w->proto;
	const uint8_t *header = w->packet->bytes + w->layer->off;
	const struct block *body =
		proto->select ? protocol_body(proto, header, w->end - w->layer->off) : NULL;
	uint32_t off = w->at;

	if (body) {
		if (!walk_rows(w, body->fields, body->n_fields, w->layer->off, w->end, 0))
			return;
		off = w->layer->off + body->min_len;
	}
	if (proto->options && (!body || body->has_options))
		walk_options(w, proto->options, off, w->end);
}

void packet_items(const struct packet *p, size_t layer, struct sink *sink)
{
	const struct layer *l = &p->layers[layer];
	const struct protocol *proto = protocols[l->proto];
	struct walk w = { .packet = p, .layer = l, .proto = proto, .sink = sink };

	w.at = l->off + proto->min_len;
	w.end = l->off + l->header_len;
	if (layer_prefix(l))
		walk_field(&w, proto->prefix, l->off - layer_prefix(l), layer_prefix(l), 0);
	if (!walk_rows(&w, proto->fields, proto->n_fields, l->off, w.end, 0))
		return;
	if (proto->walk)
		proto->walk(&w);
	else
		walk_tables(&w);
	if (unlikely(p->exchange && p->exchange->layer == layer))
		exchange_walk(&w);
}
