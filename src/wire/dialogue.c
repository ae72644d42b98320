#include "wire/dialogue.h"

#include <ctype.h>

#define MAX_ASKED  28
#define ASKED_BITS (2 * MAX_ASKED)
#define ASKED_MASK ((1ULL << ASKED_BITS) - 1)

void dialogue_ask(struct dialogue *d, unsigned kind)
{
	uint64_t n = d->memory >> ASKED_BITS, kinds = d->memory & ASKED_MASK;

	if (n < MAX_ASKED)
		kinds |= (uint64_t)kind << 2 * n;
	if (n < UINT8_MAX)
		n++;
	d->memory = n << ASKED_BITS | kinds;
}

bool dialogue_waits(const struct dialogue *d)
{
	return d && d->memory >> ASKED_BITS;
}

unsigned dialogue_asked(const struct dialogue *d)
{
	return dialogue_waits(d) ? d->memory & 3 : 0;
}

void dialogue_answered(struct dialogue *d)
{
	uint64_t n = d->memory >> ASKED_BITS;

	if (n)
		d->memory = (n - 1) << ASKED_BITS | (d->memory & ASKED_MASK) >> 2;
}

int64_t line_message(const uint8_t *bytes, size_t len, bool end)
{
	struct text_line line = text_line(bytes, (uint32_t)MIN(len, (size_t)LINE_MAX_LEN));

	return line.ended || end || len >= LINE_MAX_LEN ? line.span : 0;
}

int64_t dotted_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t size, bool end,
		       bool *ret_over)
{
	uint32_t len = (uint32_t)MIN(size, (size_t)INT32_MAX), at = d->scanned[reply];
	struct text_line line;

	*ret_over = false;
	for (line = text_line(bytes + at, len - at); line.ended;
	     line = text_line(bytes + at, len - at)) {
		at += line.span;
		if (line.text.len == 1 && line.text.at[0] == '.') {
			*ret_over = true;
			return at;
		}
	}
	d->scanned[reply] = at;
	if (!end)
		return 0;
	return at ? at : len;
}

unsigned reply_code(struct text line)
{
	if (line.len < 3 || !isdigit(line.at[0]) || !isdigit(line.at[1]) || !isdigit(line.at[2]))
		return 0;
	if (line.len > 3 && line.at[3] != ' ' && line.at[3] != '-')
		return 0;
	return (unsigned)((line.at[0] - '0') * 100 + (line.at[1] - '0') * 10 + line.at[2] - '0');
}

bool reply_ends(struct text line, unsigned code)
{
	return reply_code(line) == code && (line.len == 3 || line.at[3] != '-');
}

#define REPLY_MAX_LEN 65536

int64_t reply_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t size, bool end)
{
	uint32_t len = (uint32_t)MIN(size, (size_t)REPLY_MAX_LEN), at = d->scanned[reply];
	struct text_line line = text_line(bytes, MIN(len, (uint32_t)LINE_MAX_LEN));
	unsigned code = reply_code(line.text);

	if (!line.ended || !code || reply_ends(line.text, code))
		return line_message(bytes, size, end);
	do {
		line = text_line(bytes + at, len - at);
		at += line.ended ? line.span : 0;
	} while (line.ended && !reply_ends(line.text, code));
	if (line.ended)
		return at;
	d->scanned[reply] = at;
	return end || len == REPLY_MAX_LEN ? at : 0;
}

uint8_t line_step(struct packet *p, struct layer *l, int64_t n, uint8_t next)
{
	uint32_t len = p->have - l->off;

	if (n <= 0 || n >= len || p->config->stream || p->n_layers >= SEGMENT_LAYERS)
		return PROTOCOL_NONE;
	l->header_len = (uint32_t)n;
	return next;
}

#define SHOWN_LEN 256

void line_put(struct buf *b, struct text t)
{
	if (!t.len)
		return;
	buf_char(b, ' ');
	buf_safe(b, (const char *)t.at, MIN(t.len, (uint32_t)SHOWN_LEN));
	if (t.len > SHOWN_LEN)
		buf_lit(b, "…");
}

void line_put_reply(struct buf *b, struct text all)
{
	struct text_line line = text_line(all.at, all.len);
	unsigned n = 1;

	if (!reply_code(line.text)) {
		line_put(b, line.text);
		return;
	}
	line_put(b, text_head(line.text, 3));
	line_put(b, text_tail(line.text, 4));
	for (all = text_tail(all, line.span); all.len; n++)
		all = text_tail(all, text_line(all.at, all.len).span);
	if (n > 1)
		buf_printf(b, " (%u lines)", n);
}

void line_put_bytes(struct buf *b, uint64_t n)
{
	buf_char(b, ' ');
	buf_u64(b, n);
	buf_str(b, n == 1 ? " byte" : " bytes");
}

struct text layer_text(const struct packet *p, const struct layer *l)
{
	uint32_t off = MIN(l->off, p->cap_len);

	return text_of(p->bytes + off, MIN(l->header_len, p->cap_len - off));
}

void walk_text(struct walk *w, const struct field *f, struct text t)
{
	walk_field(w, f, (uint32_t)(t.at - w->packet->bytes), t.len, 0);
}
