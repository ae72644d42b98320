#include "out/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "out/format.h"
#include "out/table.h"

#define PENDING_MAX   (256u << 20)
#define PENDING_FLUSH 65536 /* bytes after which collected text is written */

/* What --fields, or the absence of it, makes of one type. */
struct view {
	const struct out_type *type;
	size_t n;			   /* columns shown; 0: this type is not written */
	const struct out_column **columns; /* @n */
	size_t *index;			   /* @n: where each stands in the row */
	const struct out_value **row;	   /* @n: the row at hand */
	struct table *table;
};

struct out {
	struct out_config config;
	struct buf pending;
	int err;	      /* first failed write */
	struct view *current; /* the table at hand, or the type whose CSV head is written */
	struct view *main;    /* what CSV shows when nobody named fields */
	size_t n_views;
	bool wrote_table; /* which the next one is set apart from */
	bool wrote;	  /* anything for people */
	struct view views[];
};

/* Looks @name up among the columns of @type: its place, or the number of columns. */
static size_t find_column(const struct out_type *type, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < type->n_columns; i++) {
		const char *have = type->columns[i].name;

		if (strlen(have) == len && !memcmp(have, name, len))
			break;
	}
	return i;
}

static int view_init(struct view *view, const struct out_type *type, size_t max)
{
	max = MAX(max, (size_t)1);
	view->type = type;
	view->columns = calloc(max, sizeof(*view->columns));
	view->index = calloc(max, sizeof(*view->index));
	view->row = calloc(max, sizeof(*view->row));
	return view->columns && view->index && view->row ? 0 : -ENOMEM;
}

static void view_show(struct view *view, size_t column)
{
	view->columns[view->n] = &view->type->columns[column];
	view->index[view->n] = column;
	view->n++;
}

/* Chooses what is shown when nobody named fields: in tables, all but the extra ones. */
static void choose_usual(struct view *view, enum out_format format)
{
	for (size_t i = 0; i < view->type->n_columns; i++) {
		if (format != OUT_TABLE || !view->type->columns[i].extra)
			view_show(view, i);
	}
}

/* Chooses the fields named; a type that lacks one of them is not written. */
static void choose_named(struct view *view, const char *fields)
{
	while (*fields) {
		size_t len = strcspn(fields, ","), column = find_column(view->type, fields, len);

		if (column == view->type->n_columns) {
			view->n = 0;
			return;
		}
		view_show(view, column);
		fields += len + (fields[len] == ',');
	}
}

/* @type does not have all the fields: says which one is unknown, and what there is. */
static int fields_fault(const struct out_type *type, const char *fields, struct fault *fault)
{
	char known[160];
	struct buf b = buf_in(known, sizeof(known));
	const char *at = fields;

	while (*at) {
		size_t len = strcspn(at, ",");

		if (!len || find_column(type, at, len) == type->n_columns)
			break;
		at += len + (at[len] == ',');
	}
	for (size_t i = 0; i < type->n_columns; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", type->columns[i].name);
	return fault_set(fault, (size_t)(at - fields), "no field \"%.*s\"; there are %.*s%s",
			 (int)strcspn(at, ","), at, (int)b.len, known,
			 b.err ? " and more: see --help" : "");
}

static int choose_fields(struct out *out, struct fault *fault)
{
	const char *fields = out->config.fields;
	bool any = false;

	for (size_t i = 0; i < out->n_views; i++) {
		struct view *view = &out->views[i];

		if (fields)
			choose_named(view, fields);
		else
			choose_usual(view, out->config.format);
		any |= view->n > 0;
	}
	return any ? 0 : fields_fault(out->views[0].type, fields ? fields : "", fault);
}

static int make_tables(struct out *out)
{
	for (size_t i = 0; i < out->n_views; i++) {
		struct view *view = &out->views[i];

		if (!view->n)
			continue;
		view->table = table_new(view->columns, view->n, out->config.columns,
					out->config.fields != NULL, out->config.colour);
		if (!view->table)
			return -ENOMEM;
	}
	return 0;
}

int out_new(const struct out_config *config, const struct out_type *const *types, size_t n_types,
	    struct out **ret_out, struct fault *fault)
{
	struct out *out = calloc(1, sizeof(*out) + n_types * sizeof(out->views[0]));
	size_t n_fields = 1;
	int err = 0;

	if (!out)
		return -ENOMEM;
	out->config = *config;
	out->pending = buf_of(PENDING_MAX);
	out->n_views = n_types;
	out->main = out->views;
	for (const char *at = config->fields; at && *at; at++)
		n_fields += *at == ',';
	for (size_t i = 0; i < n_types && !err; i++)
		err = view_init(&out->views[i], types[i], MAX(n_fields, types[i]->n_columns));
	if (!err && n_types)
		err = choose_fields(out, fault);
	if (!err && config->format == OUT_TABLE)
		err = make_tables(out);
	if (err < 0) {
		out_free(out);
		return err;
	}
	*ret_out = out;
	return 0;
}

static void write_pending(struct out *out)
{
	size_t at = 0;

	if (out->pending.err && !out->err)
		out->err = out->pending.err;
	while (at < out->pending.len && !out->err) {
		ssize_t n = write(out->config.fd, out->pending.data + at, out->pending.len - at);

		if (n >= 0)
			at += (size_t)n;
		else if (errno != EINTR)
			out->err = -errno;
	}
	buf_reset(&out->pending);
}

static void record_json(struct out *out, const struct view *view)
{
	struct buf *b = &out->pending;

	buf_lit(b, "{\"record\":");
	buf_json(b, view->type->name, strlen(view->type->name));
	for (size_t i = 0; i < view->n; i++) {
		buf_lit(b, ",\"");
		buf_str(b, view->columns[i]->name);
		buf_lit(b, "\":");
		format_json(b, view->columns[i], view->row[i]);
	}
	buf_lit(b, "}\n");
}

static void csv_head(struct buf *b, const struct view *view)
{
	for (size_t i = 0; i < view->n; i++) {
		if (i)
			buf_char(b, ',');
		buf_str(b, view->columns[i]->name);
	}
	buf_char(b, '\n');
}

static void record_csv(struct out *out, struct view *view)
{
	struct buf *b = &out->pending;

	if (out->current != view)
		csv_head(b, view);
	out->current = view;
	for (size_t i = 0; i < view->n; i++) {
		if (i)
			buf_char(b, ',');
		format_csv(b, view->columns[i], view->row[i]);
	}
	buf_char(b, '\n');
}

/* Lays out the rows kept, with a blank line between one table and the next. */
static void finish_table(struct out *out)
{
	if (!out->current || !out->current->table || !table_n_rows(out->current->table))
		return;
	if (out->config.columns_of)
		table_resize(out->current->table, out->config.columns_of(out->config.fd));
	table_write(out->current->table, &out->pending);
}

static void record_table(struct out *out, struct view *view)
{
	if (out->current != view) {
		finish_table(out);
		if (out->wrote_table)
			buf_char(&out->pending, '\n');
		out->wrote_table = out->wrote = true;
		out->current = view;
		if (view->type->live)
			table_begin_live(view->table, &out->pending);
	}
	if (view->type->live) {
		table_write_live(view->table, &out->pending, view->row);
	} else if (table_add(view->table, view->row) == -E_FULL) {
		table_write(view->table, &out->pending);
		if (table_add(view->table, view->row) < 0)
			out->err = -ENOMEM;
	}
}

static struct view *view_of(struct out *out, const struct out_type *type)
{
	for (size_t i = 0; i < out->n_views; i++) {
		if (out->views[i].type == type)
			return &out->views[i];
	}
	return NULL;
}

int out_main(struct out *out, const struct out_type *type, struct fault *fault)
{
	out->main = view_of(out, type);
	return out->main->n ? 0 : fields_fault(type, out->config.fields, fault);
}

void out_record(struct out *out, const struct out_type *type, const struct out_value *row)
{
	struct view *view = view_of(out, type);

	if (!view || !view->n || out->err)
		return;
	if (out->config.format == OUT_CSV && !out->config.fields && view != out->main)
		return;
	for (size_t i = 0; i < view->n; i++)
		view->row[i] = &row[view->index[i]];
	if (out->config.format == OUT_JSON)
		record_json(out, view);
	else if (out->config.format == OUT_CSV)
		record_csv(out, view);
	else
		record_table(out, view);
	if (type->live || out->pending.len >= PENDING_FLUSH)
		write_pending(out);
}

static void put_line(struct out *out, bool heading, const char *format, va_list args)
{
	char *text;
	int n;

	if (out->config.format != OUT_TABLE)
		return;
	/* A live table goes on below the line. */
	if (out->current && !out->current->type->live) {
		finish_table(out);
		out->current = NULL;
	}
	n = vasprintf(&text, format, args);
	if (n < 0)
		return;
	if (heading && out->wrote)
		buf_char(&out->pending, '\n');
	buf_bytes(&out->pending, text, (size_t)n);
	buf_char(&out->pending, '\n');
	free(text);
	out->wrote = true;
	if (heading)
		out->wrote_table = false;
	write_pending(out);
}

void out_line(struct out *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_line(out, false, format, args);
	va_end(args);
}

void out_heading(struct out *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_line(out, true, format, args);
	va_end(args);
}

int out_flush(struct out *out)
{
	/* A live table goes on after a flush; the rows of another end here. */
	if (out->current && !out->current->type->live && out->config.format == OUT_TABLE) {
		finish_table(out);
		out->current = NULL;
	}
	write_pending(out);
	return out->err;
}

struct out *out_free(struct out *out)
{
	if (!out)
		return NULL;
	if (out->n_views)
		out_flush(out);
	for (size_t i = 0; i < out->n_views; i++) {
		free(out->views[i].columns);
		free(out->views[i].index);
		free(out->views[i].row);
		table_free(out->views[i].table);
	}
	buf_done(&out->pending);
	free(out);
	return NULL;
}
