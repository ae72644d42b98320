/* Bytes explained: which of them are which field, what it says, and whether checksums are right. */
#include "wire/checksum.h"
#include "wire/explain.h"
#include "wire/print.h"

#include <netinet/in.h>

#define HEX_WIDTH   23 /* eight bytes */
#define HEX_LINES   4
#define VALUE_WIDTH 17

struct teller {
	struct sink sink;
	struct buf *out;
	const struct packet *packet;
	size_t layer;
	int name_width;
};

/* The sum of IP's pseudo header for the layer; false when there is no IP header around it. */
static bool pseudo_sum(const struct packet *p, size_t layer, uint8_t protocol, uint32_t len,
		       uint64_t *ret_sum)
{
	while (layer--) {
		const struct layer *l = &p->layers[layer];
		const uint8_t *ip = p->bytes + l->off;

		if (l->proto == PROTOCOL_IPV4)
			*ret_sum = checksum_pseudo_ip4(ip + 12, ip + 16, protocol, (uint16_t)len);
		else if (l->proto == PROTOCOL_IPV6)
			*ret_sum = checksum_pseudo_ip6(ip + 8, ip + 24, protocol, len);
		else
			continue;
		return true;
	}
	return false;
}

static uint8_t protocol_number(uint8_t id)
{
	return id == PROTOCOL_TCP ? IPPROTO_TCP : id == PROTOCOL_UDP ? IPPROTO_UDP : IPPROTO_ICMPV6;
}

void explain_checksum(struct buf *b, const struct packet *p, size_t layer, const struct item *item)
{
	const struct layer *l = &p->layers[layer];
	const struct protocol *proto = protocols[l->proto];
	bool header = proto->checksum_kind == CHECKSUM_HEADER;
	bool pseudo = proto->checksum_kind == CHECKSUM_PSEUDO ||
		      proto->checksum_kind == CHECKSUM_PSEUDO_UDP;
	uint32_t len = l->header_len + (header ? 0 : l->payload_len);
	bool fragment = layer && p->layers[layer - 1].flags & (LAYER_MORE | LAYER_FRAGMENT);
	uint64_t sum = 0;
	uint16_t given = (uint16_t)item->value, right;

	if (item->field != proto->checksum || l->flags & LAYER_CUT || len > p->cap_len - l->off)
		return;
	if (proto->checksum_kind == CHECKSUM_PSEUDO_UDP && !given) {
		buf_lit(b, "none");
		return;
	}
	if ((!header && fragment) ||
	    (pseudo && !pseudo_sum(p, layer, protocol_number(l->proto), len, &sum)))
		return;
	right = checksum_finish(checksum_add(sum, p->bytes + l->off, len));
	/* The bytes held their own checksum: without it the sum is short by that much. */
	if (!right || (right == 0xffff && !given)) {
		buf_lit(b, "correct");
		return;
	}
	right = checksum_update(right, given, 0);
	buf_printf(b, "wrong, 0x%04x would be right", right);
}

/* The bytes of a field, the first eight; bits of those that share a byte. */
static void put_hex(struct teller *t, const struct item *item)
{
	struct buf *b = t->out;
	const uint8_t *bytes = t->packet->bytes + item->off;
	const struct field *f = item->field;
	size_t start = b->len;
	bool bits = field_is_number(f) && f->bits % 8 && f->bits && f->bits < 16;

	if (bits && item->span == 1) {
		buf_hex(b, bytes, 1, 0);
		buf_lit(b, "  ");
	}
	for (unsigned i = 0; bits && i < item->span * 8; i++) {
		bool in = i >= (f->bit & 7u) && i < (f->bit & 7u) + f->bits;

		if (i && i % 4 == 0)
			buf_char(b, ' ');
		buf_char(b, in ? (bytes[i / 8] >> (7 - i % 8) & 1 ? '1' : '0') : '.');
	}
	if (!bits && f->type != FIELD_GROUP)
		buf_hex(b, bytes, MIN(item->span, 8u), ' ');
	buf_fill(b, ' ', HEX_WIDTH - MIN(b->len - start, (size_t)HEX_WIDTH));
}

/* Further lines of eight bytes. */
static void put_more_hex(struct teller *t, const struct item *item)
{
	const uint8_t *bytes = t->packet->bytes + item->off;
	uint32_t at = 8;

	for (; at < item->span && at < 8 * HEX_LINES; at += 8) {
		buf_printf(t->out, "%5u  ", item->off + at);
		buf_hex(t->out, bytes + at, MIN(item->span - at, 8u), ' ');
		buf_char(t->out, '\n');
	}
	if (at < item->span)
		buf_printf(t->out, "%5u  … %u bytes more\n", item->off + at, item->span - at);
}

static void put_value(struct buf *b, const struct item *item)
{
	size_t start = b->len;

	if (item->field->type == FIELD_BYTES && item->len > 8)
		buf_printf(b, "%u bytes", item->len);
	else
		field_text(b, item->field, item->value, item->bytes, item->len);
	buf_fill(b, ' ', VALUE_WIDTH - MIN(b->len - start, (size_t)VALUE_WIDTH));
}

static void put_meaning(struct teller *t, const struct item *item)
{
	const struct field *f = item->field;
	const char *name = field_value_name(f, item->value);
	size_t start;

	buf_str(t->out, f->title);
	if (f->type == FIELD_FLAG)
		buf_str(t->out, item->value ? ": set" : ": not set");
	else if (f->type <= FIELD_INT && name)
		buf_printf(t->out, ": %s", name);
	start = t->out->len;
	explain_checksum(t->out, t->packet, t->layer, item);
	if (t->out->len > start) {
		char text[64];
		size_t len = MIN(t->out->len - start, sizeof(text));

		memcpy(text, t->out->data + start, len);
		t->out->len = start;
		buf_lit(t->out, ": ");
		buf_bytes(t->out, text, len);
	}
}

static void tell_item(struct sink *sink, const struct item *item)
{
	struct teller *t = container_of(sink, struct teller, sink);
	const struct field *f = item->field;
	struct buf *b = t->out;

	if (f->computed)
		return;
	buf_printf(b, "%5u  ", item->off);
	if (f == &field_truncated || f == &field_malformed) {
		buf_printf(b, "── %s\n",
			   f == &field_truncated
				   ? "the bytes end here, but the header goes on"
				   : "this cannot be right: a length says something else");
		return;
	}
	put_hex(t, item);
	buf_printf(b, "  %*s%-*s  ", 2 * item->depth, "", t->name_width - 2 * item->depth, f->name);
	if (f->type == FIELD_GROUP) {
		buf_printf(b, "%s%s%s\n", f->title, item->block ? ": " : "",
			   item->block ? item->block->title : "");
		return;
	}
	put_value(b, item);
	buf_lit(b, "  ");
	put_meaning(t, item);
	buf_char(b, '\n');
	put_more_hex(t, item);
}

/* The first pass: how long names are. */
static void measure_item(struct sink *sink, const struct item *item)
{
	struct teller *t = container_of(sink, struct teller, sink);

	if (!item->field->computed)
		t->name_width = MAX(t->name_width, item->field->name_len + 2 * item->depth);
}

static void put_heading(struct buf *b, const struct packet *p, const struct layer *l,
			const struct explain_style *style)
{
	const struct protocol *proto = protocols[l->proto];
	uint32_t len = l->proto == PROTOCOL_DATA ? l->payload_len : l->header_len;

	if (style->colour)
		buf_lit(b, "\033[1m");
	buf_printf(b, "\n%s%s", l->flags & LAYER_QUOTED ? "Quoted: " : "", proto->title);
	if (style->colour)
		buf_lit(b, "\033[0m");
	if (proto->rfc)
		buf_printf(b, " — %s", proto->rfc);
	if (len)
		buf_printf(b, " — bytes %u to %u", l->off, MIN(l->off + len, p->cap_len) - 1);
	buf_char(b, '\n');
}

void explain_packet(struct buf *b, const struct packet *p, const struct explain_style *style)
{
	struct teller t = { .sink.item = measure_item, .out = b, .packet = p };

	for (size_t i = 0; i < p->n_layers; i++)
		packet_items(p, i, &t.sink);
	t.sink.item = tell_item;
	print_line(b, p);
	buf_char(b, '\n');
	for (size_t i = 0; i < p->n_layers; i++) {
		put_heading(b, p, &p->layers[i], style);
		t.layer = i;
		packet_items(p, i, &t.sink);
	}
	if (p->fault.err)
		buf_printf(b, "\n%s at byte %u, in %s: %s\n",
			   p->fault.err == -E_TRUNCATED ? "Truncated" : "Malformed", p->fault.off,
			   protocols[p->layers[p->fault.layer].proto]->title,
			   p->fault.err == -E_TRUNCATED
				   ? "the headers announce more bytes than are here"
				   : "a length or a version contradicts what is around it");
}
