#include "out/table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "out/format.h"

#define CELLS_MAX (64u << 20) /* bytes of text kept */
#define GAP	  2	      /* blanks between columns */
#define LEAST	  8	      /* a column is never cut below, unless it declares another width */

struct cell {
	uint32_t offset, len; /* in the text buffer */
	uint16_t columns;     /* on the terminal */
	uint8_t style;
};

struct table {
	const struct out_column *const *columns;
	size_t n, n_rows, cap_rows;
	unsigned width;
	bool colour, whole;
	struct cell *cells; /* @n for each row */
	struct buf text;
	size_t last;	   /* column shown */
	uint16_t widths[]; /* @n: of a live table, and while laying out; 0: left out */
};

/* Least width of a live column by its kind. */
static uint16_t live_width(const struct out_column *column)
{
	static const uint8_t widths[] = {
		[OUT_TEXT] = 8,	 [OUT_UINT] = 6,  [OUT_INT] = 6,      [OUT_REAL] = 8,
		[OUT_BOOL] = 3,	 [OUT_ADDR] = 15, [OUT_PREFIX] = 18,  [OUT_ENDPOINT] = 21,
		[OUT_MAC] = 17,	 [OUT_MS] = 11,	  [OUT_SECONDS] = 10, [OUT_TIME] = 8,
		[OUT_BYTES] = 9,
	};

	return column->width ? column->width : widths[column->kind];
}

static uint16_t title_columns(const struct out_column *column)
{
	char text[80];
	struct buf b = buf_in(text, sizeof(text));

	format_title(&b, column);
	return (uint16_t)utf8_columns(b.data, b.len);
}

struct table *table_new(const struct out_column *const *columns, size_t n, unsigned width,
			bool whole, bool colour)
{
	struct table *t = calloc(1, sizeof(*t) + n * sizeof(t->widths[0]));

	if (!t)
		return NULL;
	t->columns = columns;
	t->n = n;
	t->last = n - 1;
	t->width = width;
	t->whole = whole;
	t->colour = colour;
	t->text = buf_of(CELLS_MAX);
	for (size_t i = 0; i < n; i++)
		t->widths[i] = MAX(live_width(columns[i]), title_columns(columns[i]));
	return t;
}

struct table *table_free(struct table *t)
{
	if (!t)
		return NULL;
	buf_done(&t->text);
	free(t->cells);
	free(t);
	return NULL;
}

void table_resize(struct table *t, unsigned width)
{
	t->width = width;
}

size_t table_n_rows(const struct table *t)
{
	return t->n_rows;
}

static int grow_rows(struct table *t)
{
	size_t cap = t->cap_rows ? 2 * t->cap_rows : 64;
	struct cell *cells;

	if (t->n_rows < t->cap_rows)
		return 0;
	if (t->n_rows >= TABLE_MAX_ROWS)
		return -E_FULL;
	cells = reallocarray(t->cells, cap * t->n, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	t->cells = cells;
	t->cap_rows = cap;
	return 0;
}

int table_add(struct table *t, const struct out_value *const *values)
{
	size_t start = t->text.len;
	struct cell *cells;
	int err = grow_rows(t);

	if (err < 0)
		return err;
	cells = t->cells + t->n_rows * t->n;
	for (size_t i = 0; i < t->n; i++) {
		size_t offset = t->text.len;

		format_table(&t->text, t->columns[i], values[i]);
		if (t->text.err) {
			err = t->text.err;
			t->text.err = 0;
			t->text.len = start;
			return err;
		}
		size_t len = t->text.len - offset;
		size_t columns = len ? utf8_columns(t->text.data + offset, len) : 0;

		cells[i] = (struct cell){ (uint32_t)offset, (uint32_t)len,
					  (uint16_t)MIN(columns, (size_t)UINT16_MAX),
					  values[i]->style };
	}
	t->n_rows++;
	return 0;
}

/* Bytes of @text that fit in @columns. */
static size_t fitting(const char *text, size_t len, size_t columns)
{
	size_t at = 0, used = 0;

	while (at < len) {
		size_t n = MAX(utf8_char_len(text + at, len - at), (size_t)1);
		size_t takes = utf8_columns(text + at, n);

		if (used + takes > columns)
			break;
		used += takes;
		at += n;
	}
	return at;
}

static void put_style(struct buf *b, enum out_style style)
{
	static const char *const codes[] = {
		[OUT_PLAIN] = "",      [OUT_GOOD] = "\33[32m", [OUT_WARN] = "\33[33m",
		[OUT_BAD] = "\33[31m", [OUT_DIM] = "\33[2m",
	};

	buf_str(b, codes[style]);
}

/* One cell of column @i, padded, or cut where it is too wide; the last column is not padded. */
static void put_cell(const struct table *t, struct buf *b, size_t i, const char *text, size_t len,
		     size_t columns, enum out_style style, bool cut)
{
	bool right = format_is_number(t->columns[i]->kind) && !t->columns[i]->repeated;
	size_t width = t->widths[i], pad = columns < width ? width - columns : 0;

	if (!width)
		return;
	if (i)
		buf_fill(b, ' ', GAP);
	if (right)
		buf_fill(b, ' ', pad);
	if (t->colour)
		put_style(b, style);
	if (cut && columns > width) {
		buf_bytes(b, text, fitting(text, len, width - 1));
		buf_lit(b, "…");
	} else {
		buf_bytes(b, text, len);
	}
	if (t->colour && style != OUT_PLAIN)
		buf_lit(b, "\33[0m");
	if (!right && i < t->last)
		buf_fill(b, ' ', pad);
}

static void write_head(struct table *t, struct buf *b)
{
	if (t->colour)
		buf_lit(b, "\33[1m");
	for (size_t i = 0; i < t->n; i++) {
		char text[80];
		struct buf title = buf_in(text, sizeof(text));

		format_title(&title, t->columns[i]);
		put_cell(t, b, i, title.data, title.len, utf8_columns(title.data, title.len),
			 OUT_PLAIN, false);
	}
	if (t->colour)
		buf_lit(b, "\33[0m");
	buf_char(b, '\n');
}

static bool is_text(const struct out_column *column)
{
	return column->kind == OUT_TEXT || column->repeated;
}

/* What column @i is cut to at most. */
static uint16_t least_width(const struct table *t, size_t i)
{
	uint16_t least = t->columns[i]->width ? t->columns[i]->width : LEAST;

	least = MAX(least, title_columns(t->columns[i]));
	return is_text(t->columns[i]) ? MIN(t->widths[i], least) : t->widths[i];
}

/* The width of the whole table, @least: with every column cut as far as it may be. */
static size_t total_width(const struct table *t, bool least)
{
	size_t total = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->widths[i])
			total += (i ? GAP : 0) + (least ? least_width(t, i) : t->widths[i]);
	}
	return total;
}

static bool is_absent(const struct table *t, size_t column)
{
	for (size_t row = 0; row < t->n_rows; row++) {
		const struct cell *cell = &t->cells[row * t->n + column];

		if (cell->len != 1 || t->text.data[cell->offset] != '-')
			return false;
	}
	return t->n_rows > 0;
}

/* The column that can best be missed, or @n. */
static size_t most_minor(const struct table *t)
{
	size_t best = t->n;
	uint8_t rank = 0;

	for (size_t i = 1; i < t->n; i++) {
		if (t->widths[i] && t->columns[i]->minor >= MAX(rank, 1)) {
			rank = t->columns[i]->minor;
			best = i;
		}
	}
	return best;
}

/* Leaves out what a table can do without where the terminal is too narrow: first columns without
 * any value, then minor ones. @cut: text may be cut later on. */
static void leave_out(struct table *t, bool cut)
{
	size_t i;

	if (!t->width || t->whole)
		return;
	for (i = t->n - 1; i && total_width(t, false) > t->width; i--) {
		if (is_absent(t, i))
			t->widths[i] = 0;
	}
	while (total_width(t, cut) > t->width && (i = most_minor(t)) < t->n)
		t->widths[i] = 0;
	while (!t->widths[t->last])
		t->last--;
}

/* Takes columns from the widest text column until the table fits the terminal, or nothing can give.
 */
static void cut_text(struct table *t)
{
	for (size_t total = total_width(t, false); total > t->width; total--) {
		size_t widest = t->n;

		for (size_t i = 0; i < t->n; i++) {
			if (t->widths[i] > least_width(t, i) &&
			    (widest == t->n || t->widths[i] > t->widths[widest]))
				widest = i;
		}
		if (widest == t->n)
			return;
		t->widths[widest]--;
	}
}

static void lay_out(struct table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		t->widths[i] = title_columns(t->columns[i]);
		for (size_t row = 0; row < t->n_rows; row++)
			t->widths[i] = MAX(t->widths[i], t->cells[row * t->n + i].columns);
	}
	for (size_t i = 1; i < t->n && !t->whole; i++)
		if (t->columns[i]->rare && is_absent(t, i))
			t->widths[i] = 0;
	t->last = t->n - 1;
	while (!t->widths[t->last])
		t->last--;
	leave_out(t, true);
	if (t->width)
		cut_text(t);
}

/* Names the columns that hold something and are not shown. */
static void note_left_out(const struct table *t, struct buf *b)
{
	bool any = false;

	for (size_t i = 0; i < t->n; i++) {
		if (t->widths[i] || is_absent(t, i))
			continue;
		if (!any)
			buf_lit(b, "(--fields or a wider terminal for:");
		buf_char(b, ' ');
		format_title(b, t->columns[i]);
		any = true;
	}
	if (any)
		buf_lit(b, ")\n");
}

void table_write(struct table *t, struct buf *b)
{
	if (!t->n_rows)
		return;
	lay_out(t);
	write_head(t, b);
	for (size_t row = 0; row < t->n_rows; row++) {
		for (size_t i = 0; i < t->n; i++) {
			const struct cell *cell = &t->cells[row * t->n + i];

			put_cell(t, b, i, t->text.data + cell->offset, cell->len, cell->columns,
				 cell->style, is_text(t->columns[i]));
		}
		buf_char(b, '\n');
	}
	note_left_out(t, b);
	t->n_rows = 0;
	buf_reset(&t->text);
}

void table_begin_live(struct table *t, struct buf *b)
{
	leave_out(t, false);
	note_left_out(t, b);
	write_head(t, b);
}

void table_write_live(struct table *t, struct buf *b, const struct out_value *const *values)
{
	for (size_t i = 0; i < t->n; i++) {
		struct buf cell = buf_of(65536);

		format_table(&cell, t->columns[i], values[i]);
		/* A live row is never cut: its widths are guesses. */
		if (t->widths[i] && t->columns[i]->kind == OUT_ADDR)
			t->widths[i] =
				MAX(t->widths[i], (uint16_t)utf8_columns(cell.data, cell.len));
		put_cell(t, b, i, cell.data, cell.len, utf8_columns(cell.data, cell.len),
			 values[i]->style, false);
		buf_done(&cell);
	}
	buf_char(b, '\n');
}
