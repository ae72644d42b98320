#include "wire/compose.h"

#include <stdarg.h>
#include <stdio.h>

#include "wire/craft_value.h"

int compose_fails(struct compose *m, const struct compose_setting *s, struct fault *fault,
		  const char *format, ...)
{
	char text[sizeof(fault->text)];
	va_list args;

	m->at = s;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return fault_set(fault, 0, "%s", text);
}

struct compose_setting *compose_take(struct compose *m, const struct field *row, size_t first,
				     size_t end)
{
	for (size_t i = end; i-- > first;) {
		if (m->settings[i].field == row && !m->settings[i].used) {
			m->settings[i].used = true;
			return &m->settings[i];
		}
	}
	return NULL;
}

void compose_text(struct compose *m, const struct compose_setting *s, const char *otherwise)
{
	if (s)
		buf_bytes(&m->out, s->bytes, s->len);
	else
		buf_str(&m->out, otherwise);
}

void compose_put(struct compose *m, const struct field *f, const struct compose_setting *s,
		 size_t base)
{
	size_t end = base + f->bit / 8 + field_span(f);
	uint8_t *at;

	if (end > m->out.len)
		buf_fill(&m->out, 0, end - m->out.len);
	if (m->out.err)
		return;
	at = (uint8_t *)m->out.data + base + f->bit / 8;
	if (!field_is_number(f) && s)
		memcpy(at, s->bytes, MIN((size_t)s->len, (size_t)f->bits / 8));
	else if (field_is_number(f))
		field_store(f, at, s ? craft_value_wire(f, s->number) : f->preset);
}

static bool given_in(const struct field *rows, size_t n, uint64_t given, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (given >> i & 1 && !strcmp(rows[i].name, name))
			return true;
	return false;
}

bool compose_given(const struct compose *m, const char *name)
{
	return given_in(m->proto->fields, m->proto->n_fields, m->given, name) ||
	       (m->body && given_in(m->body->fields, m->body->n_fields, m->body_given, name));
}

/* The element of a list in hand. */
struct element {
	const struct block *block;
	size_t start;
	uint64_t given;
	bool len_given;
};

static void close_element(struct compose *m, const struct compose_tlvs *t, struct element *e)
{
	const struct field *len_row = &t->head[1];

	if (!e->block || m->out.err)
		return;
	if (!e->len_given)
		field_store(len_row, (uint8_t *)m->out.data + e->start + len_row->bit / 8,
			    m->out.len - e->start - t->uncounted);
	if (t->align > 1)
		buf_fill(&m->out, 0, (t->align - (m->out.len - e->start) % t->align) % t->align);
	e->block = NULL;
}

static void open_element(struct compose *m, const struct compose_tlvs *t, struct element *e,
			 const struct block *block, const struct compose_setting *type)
{
	struct compose_setting code = { .number = block->code };
	size_t len = (t->head[1].bit + t->head[1].bits) / 8u;

	close_element(m, t, e);
	*e = (struct element){ .block = block, .start = m->out.len };
	for (size_t i = 0; i < block->n_fields; i++)
		if (block->fields[i].bits && !block->fields[i].repeats)
			len = MAX(len, block->fields[i].bit / 8u + field_span(&block->fields[i]));
	buf_fill(&m->out, 0, len);
	compose_put(m, &t->head[0], type ? type : &code, e->start);
}

static const struct block *block_with(const struct compose_tlvs *t, const struct field *f)
{
	for (size_t i = 0; i <= t->n_blocks; i++) {
		const struct block *b = i < t->n_blocks ? &t->blocks[i] : t->unknown;

		if (b && b->n_fields && f >= b->fields && f < b->fields + b->n_fields)
			return b;
	}
	return NULL;
}

static const struct block *block_of(const struct compose_tlvs *t, uint64_t code)
{
	for (size_t i = 0; i < t->n_blocks; i++)
		if (t->blocks[i].code == code)
			return &t->blocks[i];
	return t->unknown;
}

static void put_field(struct compose *m, struct element *e, const struct compose_setting *s)
{
	const struct field *f = s->field;

	e->given |= 1ULL << (f - e->block->fields);
	if (f->bits && !f->repeats)
		compose_put(m, f, s, e->start);
	else if (field_is_number(f))
		compose_put(m, f, s, m->out.len - f->bit / 8);
	else
		buf_bytes(&m->out, s->bytes, s->len);
}

void compose_list(struct compose *m, const struct compose_tlvs *t)
{
	struct element e = { 0 };

	for (size_t i = 0; i < m->n; i++) {
		struct compose_setting *s = &m->settings[i];
		const struct block *block = block_with(t, s->field);

		if (s->field == &t->head[0]) {
			open_element(m, t, &e, block_of(t, s->number), s);
		} else if (s->field == &t->head[1] && e.block) {
			compose_put(m, s->field, s, e.start);
			e.len_given = true;
		} else if (block) {
			if (e.block != block ||
			    (e.given >> (s->field - block->fields) & 1 && !s->field->repeats))
				open_element(m, t, &e, block, NULL);
			put_field(m, &e, s);
		} else {
			continue;
		}
		s->used = true;
	}
	close_element(m, t, &e);
}

/* The number or text of a setting as a word. */
static void put_word(struct compose *m, const struct compose_setting *s)
{
	if (field_is_number(s->field))
		buf_u64(&m->out, s->number);
	else
		buf_bytes(&m->out, s->bytes, s->len);
}

void compose_lines(struct compose *m, const struct field *rows, uint32_t first, uint32_t words,
		   uint32_t replies, const struct field *code)
{
	const struct compose_setting *reply = NULL;
	size_t after_code = 0;
	bool in_line = false;

	for (size_t i = 0; i < m->n; i++) {
		struct compose_setting *s = &m->settings[i];
		uint32_t bit = 1u << (s->field - rows);

		if (!((first | words | replies) & bit))
			continue;
		s->used = true;
		m->reply = m->reply || replies & bit;
		if (in_line && reply && after_code != m->out.len && s->field != code) {
			m->out.data[after_code] = '-';
			buf_lit(&m->out, "\r\n");
			put_word(m, reply);
			in_line = true;
			after_code = m->out.len;
		} else if (in_line && first & bit) {
			buf_lit(&m->out, "\r\n");
			in_line = false;
		}
		if (in_line)
			buf_char(&m->out, ' ');
		put_word(m, s);
		if (s->field == code) {
			reply = s;
			after_code = m->out.len;
		} else if (first & bit) {
			reply = NULL;
		}
		in_line = true;
	}
	if (in_line)
		buf_lit(&m->out, "\r\n");
}
