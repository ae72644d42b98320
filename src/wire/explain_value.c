/* Single fields explained, and values that a registry names. */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "wire/explain_internal.h"
#include "wire/registry.h"

#define INDENT 2

/* Calls @fn with every row of the protocol. */
struct visit {
	void (*row)(struct visit *v, const struct field *f);
	const struct protocol *p;
	struct buf *b;
	const struct explain_style *style;
	const char *word;
	bool begins;
	bool number; /* @word is this value: */
	uint64_t value;
	size_t n; /* found */
	const struct value_name *last;
	char text[96];
};

static void visit_rows(struct visit *v, const struct field *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		v->row(v, &rows[i]);
		if (rows[i].block)
			visit_rows(v, rows[i].block->fields, rows[i].block->n_fields);
	}
}

static void visit_all(struct visit *v)
{
	const struct protocol *p = v->p;
	const struct options *o = p->options;

	visit_rows(v, p->fields, p->n_fields);
	for (size_t i = 0; i < p->n_bodies; i++)
		visit_rows(v, p->bodies[i].fields, p->bodies[i].n_fields);
	if (o)
		visit_rows(v, o->head, o->n_head);
	for (size_t i = 0; o && i < o->n_blocks; i++)
		visit_rows(v, o->blocks[i].fields, o->blocks[i].n_fields);
	for (size_t i = 0; i < p->n_more_rows; i++)
		visit_rows(v, p->more_rows[i].fields, p->more_rows[i].n);
}

static void put_value(struct visit *v, const struct field *f, const struct value_name *value)
{
	struct buf *b = v->b;

	if (!v->n++)
		buf_printf(b, "%s%s%s\n", v->p->title, v->p->rfc ? " — " : "",
			   v->p->rfc ? v->p->rfc : "");
	buf_lit(b, "  ");
	explain_value_number(b, f, value);
	explain_bold(b, v->style, value->name);
	buf_printf(b, " — %s, %s\n", f->name, f->title);
}

/* Whether it is asked for: by its number or its name, of text by its word. */
static bool is_asked(const struct visit *v, const struct field *f, const struct value_name *value)
{
	size_t len = strcspn(value->name, " ");

	if (f->type == FIELD_TEXT)
		return len == strlen(v->word) && !strncasecmp(value->name, v->word, len);
	return v->number ? value->value == v->value : !strcasecmp(value->name, v->word);
}

/* Rows that share a list of values, and follow each other, say it once. */
static void find_value(struct visit *v, const struct field *f)
{
	for (const struct value_name *n = f->values; n && n->name; n++) {
		if (n == v->last || !is_asked(v, f, n))
			continue;
		v->last = n;
		put_value(v, f, n);
		if (strlen(n->name) < sizeof(v->text))
			strcpy(v->text, n->name);
	}
}

size_t explain_values(struct buf *b, const struct protocol *p, const char *name,
		      const struct explain_style *style)
{
	struct visit v = { .row = find_value, .p = p, .b = b, .style = style, .word = name };
	char *end;

	v.value = strtoull(name, &end, 0);
	v.number = isdigit((unsigned char)*name) && !*end;
	visit_all(&v);
	if (v.n)
		explain_related(b, p, v.text, false, style);
	return v.n;
}

/* Whether @word is between two dots of the name, or the end, behind the protocol's. */
static bool has_word(const struct visit *v, const char *name)
{
	size_t len = strlen(v->word);

	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
		if (!strncasecmp(dot + 1, v->word, len) &&
		    (v->begins || !dot[1 + len] || dot[1 + len] == '.'))
			return true;
	return false;
}

static void put_related(struct visit *v, const struct field *f)
{
	if (!has_word(v, f->name))
		return;
	if (!v->n++) {
		buf_char(v->b, '\n');
		explain_bold(v->b, v->style, "Its fields");
		buf_char(v->b, '\n');
	}
	explain_fields(v->b, v->style,
		       &(struct field){ .name = f->name,
					.name_len = f->name_len,
					.type = f->type,
					.hex = f->hex,
					.bits = f->bits,
					.repeats = f->repeats,
					.computed = f->computed,
					.title = f->title,
					.about = f->about,
					.values = f->values },
		       1, v->value, 0);
}

static void measure_related(struct visit *v, const struct field *f)
{
	if (has_word(v, f->name))
		v->value = MAX(v->value, f->name_len);
}

void explain_related(struct buf *b, const struct protocol *p, const char *word, bool begins,
		     const struct explain_style *style)
{
	struct visit v = { .p = p, .b = b, .style = style, .word = word, .begins = begins };

	for (int pass = 0; pass < 2; pass++) {
		v.row = pass ? put_related : measure_related;
		for (size_t i = 0; i < p->n_more_rows; i++)
			visit_rows(&v, p->more_rows[i].fields, p->more_rows[i].n);
	}
}

static const char *kind_of(const struct field *f)
{
	static const char *const kinds[] = {
		[FIELD_UINT] = "A number",
		[FIELD_INT] = "A number, perhaps negative",
		[FIELD_FLAG] = "A flag",
		[FIELD_TIME] = "A time",
		[FIELD_DURATION] = "A duration",
		[FIELD_BYTES] = "Bytes",
		[FIELD_MAC] = "A MAC address",
		[FIELD_IP4] = "An IPv4 address",
		[FIELD_IP6] = "An IPv6 address",
		[FIELD_TEXT] = "Text",
		[FIELD_NAME] = "A domain name",
		[FIELD_OID] = "An object identifier",
		[FIELD_GROUP] = "A group of fields",
	};

	return kinds[f->type];
}

/* All names, a line each in columns where they are short. */
static void put_all_values(struct buf *b, const struct explain_style *style, const struct field *f)
{
	size_t n = 0;

	for (const struct value_name *v = f->values; v && v->name; v++, n++) {
		if (!n) {
			buf_char(b, '\n');
			explain_bold(b, style, "Values");
			buf_char(b, '\n');
		}
		if (f->type == FIELD_TEXT)
			buf_printf(b, "  %s\n", v->name);
		else if (f->hex)
			buf_printf(b, "  0x%0*x  %s\n", f->hex, v->value, v->name);
		else
			buf_printf(b, "  %5u  %s\n", v->value, v->name);
	}
}

static void put_width(struct buf *b, const struct field *f)
{
	bool bytes = f->bits % 8 == 0;
	unsigned n = bytes ? f->bits / 8 : f->bits;

	if (n)
		buf_printf(b, " of %u %s%s", n, bytes ? "byte" : "bit", n == 1 ? "" : "s");
}

static void put_field(struct buf *b, const struct explain_style *style, const struct protocol *p,
		      const struct field *f)
{
	explain_bold(b, style, f->name);
	buf_printf(b, " — %s, %s\n%s", f->title, p->title, kind_of(f));
	put_width(b, f);
	buf_str(b, f->computed ? ", computed" : "");
	buf_str(b, f->repeats ? ", perhaps several" : "");
	if (f->about)
		buf_printf(b, ". %s", f->about);
	buf_lit(b, ".\n");
	put_all_values(b, style, f);
}

bool explain_field(struct buf *b, const char *name, const struct explain_style *style)
{
	const struct registry_name *n = registry_find(name, strlen(name));
	size_t shown = 0;

	if (!n || n->protocol)
		return false;
	for (size_t i = 0; i < n->n_parts; i++)
		for (size_t k = 0; k < n->parts[i].n_rows; k++) {
			if (shown++)
				buf_char(b, '\n');
			put_field(b, style, protocols[n->parts[i].protocol], n->parts[i].rows[k]);
		}
	return true;
}
