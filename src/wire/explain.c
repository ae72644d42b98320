#include "wire/explain_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#define INDENT 2

void explain_bold(struct buf *b, const struct explain_style *style, const char *text)
{
	if (style->colour)
		buf_lit(b, "\033[1m");
	buf_str(b, text);
	if (style->colour)
		buf_lit(b, "\033[0m");
}

void explain_words(struct buf *b, const struct explain_style *style, const char *text, size_t *at,
		   size_t indent)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (*at > indent && *at + 1 + len > style->columns) {
			buf_char(b, '\n');
			buf_fill(b, ' ', indent);
			*at = indent;
		} else if (*at > indent) {
			buf_char(b, ' ');
			++*at;
		}
		buf_bytes(b, text, len);
		*at += len;
		text += len + (text[len] == ' ');
	}
}

void explain_value_number(struct buf *b, const struct field *f, const struct value_name *v)
{
	if (f->type == FIELD_TEXT)
		return;
	if (f->hex)
		buf_printf(b, "0x%0*x ", f->hex, v->value);
	else
		buf_printf(b, "%u ", v->value);
}

/* The names of a field's values, those that fit in a few lines. */
#define SHOWN_VALUES 10

static void put_values(struct buf *b, const struct explain_style *style, const struct field *f,
		       size_t indent)
{
	size_t at = indent, n = 0;
	char text[96];

	if (!f->values)
		return;
	buf_char(b, '\n');
	buf_fill(b, ' ', indent);
	for (const struct value_name *v = f->values; v->name; v++, n++) {
		struct buf t = buf_in(text, sizeof(text) - 1);

		if (n == SHOWN_VALUES) {
			explain_words(b, style, "…", &at, indent);
			return;
		}
		explain_value_number(&t, f, v);
		buf_printf(&t, "%s%s", v->name, v[1].name ? ";" : "");
		text[t.len] = '\0';
		explain_words(b, style, text, &at, indent);
	}
}

static size_t longest_name(const struct field *rows, size_t n, size_t least)
{
	for (size_t i = 0; i < n; i++)
		least = MAX(least, (size_t)rows[i].name_len + 2u * rows[i].depth);
	return least;
}

static void put_width(struct buf *b, const struct field *f)
{
	size_t start = b->len;

	if (f->type == FIELD_GROUP)
		buf_lit(b, "list");
	else if (!f->bits)
		buf_str(b, f->repeats		   ? "list"
			   : f->computed	   ? ""
			   : field_is_number(f)	   ? "varies"
			   : f->type == FIELD_TEXT ? "text"
						   : "rest");
	else if (f->bits % 8)
		buf_printf(b, f->bits == 1 ? "%u bit" : "%u bits", f->bits);
	else
		buf_printf(b, f->bits == 8 ? "%u byte" : "%u bytes", f->bits / 8);
	buf_fill(b, ' ', 10 - MIN(b->len - start, (size_t)9));
}

void explain_fields(struct buf *b, const struct explain_style *style, const struct field *rows,
		    size_t n, size_t name_width, size_t deeper)
{
	size_t indent = INDENT + name_width + 2 + 10;

	for (size_t i = 0; i < n; i++) {
		const struct field *f = &rows[i];
		size_t in = 2u * f->depth + deeper, at = indent;

		buf_fill(b, ' ', INDENT + in);
		buf_str(b, f->name);
		buf_fill(b, ' ', name_width - MIN(f->name_len + in, name_width) + 2);
		put_width(b, f);
		explain_words(b, style, f->title, &at, indent);
		if (f->about) {
			buf_char(b, '.');
			at++;
			explain_words(b, style, f->about, &at, indent);
		}
		put_values(b, style, f, indent);
		buf_char(b, '\n');
		if (f->block)
			explain_fields(b, style, f->block->fields, f->block->n_fields, name_width,
				       deeper + 2);
	}
}

static void put_parts(struct buf *b, const struct explain_style *style, const char *title,
		      const char *what, const struct block *blocks, size_t n)
{
	size_t width = 0, title_width = 0;

	for (size_t i = 0; i < n; i++) {
		width = MAX(width, strlen(blocks[i].name));
		title_width = MAX(title_width, strlen(blocks[i].title));
	}
	buf_char(b, '\n');
	explain_bold(b, style, title);
	buf_char(b, '\n');
	for (size_t i = 0; i < n; i++) {
		const struct block *k = &blocks[i];

		buf_printf(b, "  %-*s  ", (int)width, k->name);
		if (*what)
			buf_printf(b, "%s %3u  ", what, k->code);
		buf_printf(b, "%-*s  %s\n", (int)title_width, k->title, k->rfc);
	}
}

/* Fields that have no place of their own: found on the way, or computed. */
static void put_more(struct buf *b, const struct explain_style *style, const struct protocol *p)
{
	size_t width = 0;

	if (p->n_fields)
		buf_char(b, '\n');
	explain_bold(b, style, p->n_fields ? "Further fields" : "Fields");
	buf_char(b, '\n');
	for (size_t i = 0; i < p->n_more_rows; i++)
		width = longest_name(p->more_rows[i].fields, p->more_rows[i].n, width);
	for (size_t i = 0; i < p->n_more_rows; i++)
		explain_fields(b, style, p->more_rows[i].fields, p->more_rows[i].n, width, 0);
}

/*
 * The body that is as good as part of the header: where there is only one, or where it is not the
 * header's fields that select it.
 */
static const struct block *usual_body(const struct protocol *p)
{
	bool selected = p->select >= p->fields && p->select < p->fields + p->n_fields;

	return p->n_bodies && (p->n_bodies == 1 || !selected) ? p->bodies : NULL;
}

static const struct field *longest_values(const struct field *rows, size_t n,
					  const struct field *best, size_t *best_n)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (rows[i].values && rows[i].type != FIELD_TEXT && rows[i].values[k].name)
			k++;
		if (k > *best_n) {
			*best_n = k;
			best = &rows[i];
		}
	}
	return best;
}

/* Where not all values of a field are shown: how to ask for one. */
static void put_example_of_values(struct buf *b, const struct protocol *p)
{
	size_t n = SHOWN_VALUES;
	const struct field *f = longest_values(p->fields, p->n_fields, NULL, &n);

	for (size_t i = 0; i < p->n_more_rows; i++)
		f = longest_values(p->more_rows[i].fields, p->more_rows[i].n, f, &n);
	if (f)
		buf_printf(b, "\nOne value, one field: sonde explain %s %u, sonde explain %s\n",
			   p->name, f->values[n / 3].value, p->fields ? p->fields->name : f->name);
}

void explain_protocol(struct buf *b, const struct protocol *p, const struct explain_style *style)
{
	const struct block *body = usual_body(p);
	/* Messages of one length are drawn with what the first of them has. */
	const struct block *drawn = !body && p->bodies_fit ? p->bodies : body;
	const struct field *more = drawn ? drawn->fields : NULL;
	const struct options *o = p->options;
	size_t at = 0, n_more = drawn ? drawn->n_fields : 0, width;
	bool coded = false;

	explain_bold(b, style, p->title);
	if (p->rfc)
		buf_printf(b, " — %s", p->rfc);
	buf_char(b, '\n');
	explain_words(b, style, p->about, &at, 0);
	buf_str(b, p->n_fields || n_more ? "\n\n" : "\n");
	if (p->n_fields || n_more)
		draw_rows(b, (const struct field *const[]){ p->fields, more },
			  (size_t[]){ p->n_fields, n_more }, 2, INDENT);
	buf_char(b, '\n');
	width = longest_name(more, n_more, longest_name(p->fields, p->n_fields, 0));
	explain_fields(b, style, p->fields, p->n_fields, width, 0);
	explain_fields(b, style, more, n_more, width, 0);
	for (size_t i = 0; p->bodies && i < p->n_bodies; i++)
		coded = coded || (p->bodies[i].code > 1 && !body);
	if (p->n_bodies > 1)
		put_parts(b, style, coded ? "Types" : "Forms", coded ? "type" : "", p->bodies,
			  p->n_bodies);
	if (o)
		put_parts(b, style, "Options", "type", o->blocks, o->n_blocks);
	if (p->n_more_rows)
		put_more(b, style, p);
	if (p->n_bodies > 1 || o)
		buf_printf(b, "\nOne of them in full: sonde explain %s %s\n", p->name,
			   p->n_bodies > 1 ? p->bodies[p->n_bodies / 2].name : o->blocks[2].name);
	put_example_of_values(b, p);
}

static bool is_option(const struct protocol *p, const struct block *part)
{
	return p->options &&
	       ((part >= p->options->blocks && part < p->options->blocks + p->options->n_blocks) ||
		part == p->options->unknown);
}

void explain_part(struct buf *b, const struct protocol *p, const struct block *part,
		  const struct explain_style *style)
{
	const struct options *o = is_option(p, part) ? p->options : NULL;
	const struct field *before = o ? o->head : p->fields;
	size_t n_before = o ? o->n_head : p->n_fields, width;

	while (o && part->bare && n_before && before[n_before - 1].bit >= 8)
		n_before--;
	explain_bold(b, style, part->title);
	buf_printf(b, " — %s, %s\n", part->rfc, p->title);
	if (o || (p->select && part->code))
		buf_printf(b, "Type %u%s\n", part->code, part->bare ? ", a single byte" : "");
	buf_char(b, '\n');
	draw_rows(b, (const struct field *const[]){ before, part->fields },
		  (size_t[]){ n_before, part->n_fields }, 2, INDENT);
	buf_char(b, '\n');
	width = longest_name(part->fields, part->n_fields, longest_name(before, n_before, 0));
	for (size_t i = 0; i < part->n_fields; i++)
		if (part->fields[i].block)
			width = longest_name(part->fields[i].block->fields,
					     part->fields[i].block->n_fields, width);
	explain_fields(b, style, before, n_before, width, 0);
	explain_fields(b, style, part->fields, part->n_fields, width, 0);
	if (!part->n_fields && !part->bare)
		explain_related(b, p, part->name, true, style);
}

static const struct block *find_block(const struct block *blocks, size_t n, const char *name)
{
	char *end;
	unsigned long code = strtoul(name, &end, 0);

	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(blocks[i].name, name) || (*name && !*end && blocks[i].code == code))
			return &blocks[i];
	return NULL;
}

const struct block *explain_find_part(const struct protocol *p, const char *name)
{
	const struct block *found = find_block(p->bodies, p->n_bodies, name);

	if (!found && p->options)
		found = find_block(p->options->blocks, p->options->n_blocks, name);
	return found;
}
