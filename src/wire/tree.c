#include "wire/print.h"

struct tree {
	struct sink sink;
	struct buf *out;
};

/* "..01 0..." for a field that does not fill its bytes: its bits among dots, in groups of four. */
static void bits_picture(struct buf *b, const struct field *f, const uint8_t *bytes)
{
	unsigned first = f->bit & 7u, total = field_span(f) * 8;

	for (unsigned i = 0; i < total; i++) {
		if (i && i % 4 == 0)
			buf_char(b, ' ');
		if (i < first || i >= first + f->bits)
			buf_char(b, '.');
		else
			buf_char(b, bytes[i / 8] >> (7 - i % 8) & 1 ? '1' : '0');
	}
	buf_lit(b, " = ");
}

static void tree_item(struct sink *sink, const struct item *item)
{
	struct buf *b = container_of(sink, struct tree, sink)->out;
	const struct field *f = item->field;

	buf_fill(b, ' ', 4 + 4u * item->depth);
	if (f == &field_truncated || f == &field_malformed) {
		buf_printf(b, "[%s, at byte %u]\n", f->title, item->off);
		return;
	}
	if (item->bytes && item->len >= field_span(f) && field_is_number(f) && f->bits % 8 &&
	    f->bits < 16)
		bits_picture(b, f, item->bytes);
	buf_str(b, f->title);
	if (f->type == FIELD_GROUP) {
		if (item->block && item->block->title != f->title) {
			buf_lit(b, ": ");
			buf_str(b, item->block->title);
		}
	} else {
		buf_lit(b, ": ");
		field_show(b, f, item->value, item->bytes, item->len);
	}
	buf_char(b, '\n');
}

static void tree_layers(struct tree *tree, const struct packet *p)
{
	struct buf *b = tree->out;

	for (size_t i = 0; i < p->n_layers; i++) {
		const struct layer *l = &p->layers[i];

		buf_str(b, protocols[l->proto]->title);
		buf_lit(b, ", ");
		buf_u64(b, l->proto == PROTOCOL_DATA ? l->payload_len : l->header_len);
		buf_lit(b, " bytes");
		if (l->flags & LAYER_QUOTED)
			buf_lit(b, ", quoted");
		buf_char(b, '\n');
		packet_items(p, i, &tree->sink);
	}
	if (p->fault.err)
		buf_printf(b, "[%s: %s at byte %u]\n",
			   p->fault.err == -E_TRUNCATED ? "Truncated" : "Malformed",
			   protocols[p->layers[p->fault.layer].proto]->title, p->fault.off);
}

void print_tree(struct buf *b, const struct packet *p)
{
	struct tree tree = { .sink.item = tree_item, .out = b };

	if (p->frame && p->frame->number) {
		buf_str(b, protocols[PROTOCOL_FRAME]->title);
		buf_char(b, '\n');
		packet_frame_items(p, &tree.sink);
	}
	tree_layers(&tree, p);
	for (const struct packet *more = p->more; more; more = more->more) {
		buf_printf(b, "[%s, %u bytes]\n",
			   more->config->stream ? "Message in the stream"
						: "Put together of fragments",
			   more->wire_len);
		tree_layers(&tree, more);
	}
}
