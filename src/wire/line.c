#include "wire/print.h"

/* The shares of all layers, or how much there is when none has one. */
static void line_layers(struct buf *b, const struct packet *p)
{
	size_t start = b->len;

	for (size_t i = 0; i < p->n_layers; i++) {
		const struct protocol *proto = protocols[p->layers[i].proto];

		if (proto->line)
			proto->line(b, p, i);
	}
	if (b->len > start)
		return;
	buf_lit(b, "data len ");
	buf_u64(b, p->wire_len);
}

static void line_fault(struct buf *b, const struct packet *p)
{
	if (!p->fault.err)
		return;
	/* Data cut by the snap length is what was asked for: the line says so only of headers. */
	if (p->fault.err == -E_TRUNCATED && !(p->layers[p->fault.layer].flags & LAYER_CUT))
		return;
	buf_str(b, p->fault.err == -E_TRUNCATED ? " [truncated " : " [malformed ");
	buf_str(b, protocols[p->layers[p->fault.layer].proto]->name);
	buf_lit(b, " at ");
	buf_u64(b, p->fault.off);
	buf_char(b, ']');
}

/* What stands before a datagram put together of fragments: its ports, for the addresses of the
 * fragment's line have none. */
static void line_whole(struct buf *b, const struct packet *whole)
{
	const struct layer *l = whole->layers;

	buf_lit(b, ", whole: ");
	if (!protocols[l->proto]->ports || l->header_len < 4)
		return;
	buf_u64(b, load_be16(whole->bytes));
	buf_lit(b, " > ");
	buf_u64(b, load_be16(whole->bytes + 2));
	buf_char(b, ' ');
}

void print_line(struct buf *b, const struct packet *p)
{
	line_layers(b, p);
	line_fault(b, p);
	for (const struct packet *more = p->more; more; more = more->more) {
		if (!more->config->stream)
			line_whole(b, more);
		else if (more != p->more)
			buf_lit(b, " | ");
		line_layers(b, more);
		line_fault(b, more);
	}
}
