#include "out/table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "out/format.h"

#define CELLS_MAX (64u << 20) /* bytes of text kept */
#define GAP	  2	      /* blanks between columns */
#define LEAST	  8	      /* a column is never cut below */

struct cell {
	uint32_t offset, len; /* in the text buffer */
	uint16_t columns;     /* on the terminal */
	uint8_t style;
};

struct table {
	const struct out_column *const *columns;
	size_t n, n_rows, cap_rows;
	unsigned width;
	bool colour;
	struct cell *cells; /* @n for each row */
	struct buf text;
	uint16_t widths[]; /* @n: of a live table, and while laying out */
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
			bool colour)
{
	struct table *t = calloc(1, sizeof(*t) + n * sizeof(t->widths[0]));

	if (!t)
		return NULL;
	t->columns = columns;
	t->n = n;
	t->width = width;
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

/* One cell of column @i, padded or cut to its width; the last column is not padded. */
static void put_cell(const struct table *t, struct buf *b, size_t i, const char *text, size_t len,
		     size_t columns, enum out_style style)
{
	bool right = format_is_number(t->columns[i]->kind) && !t->columns[i]->repeated;
	size_t width = t->widths[i], pad = columns < width ? width - columns : 0;
	bool cut = t->width && columns > width && width >= LEAST && !right;

	if (i)
		buf_fill(b, ' ', GAP);
	if (right)
		buf_fill(b, ' ', pad);
	if (t->colour)
		put_style(b, style);
	if (cut) {
		buf_bytes(b, text, fitting(text, len, width - 1));
		buf_lit(b, "…");
	} else {
		buf_bytes(b, text, len);
	}
	if (t->colour && style != OUT_PLAIN)
		buf_lit(b, "\33[0m");
	if (!right && i + 1 < t->n)
		buf_fill(b, ' ', pad);
}

void table_write_head(struct table *t, struct buf *b)
{
	if (t->colour)
		buf_lit(b, "\33[1m");
	for (size_t i = 0; i < t->n; i++) {
		char text[80];
		struct buf title = buf_in(text, sizeof(text));

		format_title(&title, t->columns[i]);
		put_cell(t, b, i, title.data, title.len, utf8_columns(title.data, title.len),
			 OUT_PLAIN);
	}
	if (t->colour)
		buf_lit(b, "\33[0m");
	buf_char(b, '\n');
}

void table_write_live(struct table *t, struct buf *b, const struct out_value *const *values)
{
	for (size_t i = 0; i < t->n; i++) {
		struct buf cell = buf_of(65536);

		format_table(&cell, t->columns[i], values[i]);
		/* A live row is never cut: its widths are guesses. */
		t->widths[i] =
			MAX(t->widths[i], (uint16_t)(t->columns[i]->kind == OUT_ADDR
							     ? utf8_columns(cell.data, cell.len)
							     : 0));
		put_cell(t, b, i, cell.data, cell.len, utf8_columns(cell.data, cell.len),
			 values[i]->style);
		buf_done(&cell);
	}
	buf_char(b, '\n');
}

/* Takes columns from the widest text column until the table fits the terminal, or nothing can give.
 */
static void fit_to_terminal(struct table *t)
{
	size_t total = (t->n - 1) * GAP;

	for (size_t i = 0; i < t->n; i++)
		total += t->widths[i];
	while (t->width && total > t->width) {
		size_t widest = t->n;

		for (size_t i = 0; i < t->n; i++) {
			bool text = t->columns[i]->kind == OUT_TEXT || t->columns[i]->repeated;

			if (text && t->widths[i] > LEAST &&
			    (widest == t->n || t->widths[i] > t->widths[widest]))
				widest = i;
		}
		if (widest == t->n)
			return;
		t->widths[widest]--;
		total--;
	}
}

void table_write(struct table *t, struct buf *b)
{
	if (!t->n_rows)
		return;
	for (size_t i = 0; i < t->n; i++) {
		t->widths[i] = title_columns(t->columns[i]);
		for (size_t row = 0; row < t->n_rows; row++)
			t->widths[i] = MAX(t->widths[i], t->cells[row * t->n + i].columns);
	}
	fit_to_terminal(t);
	table_write_head(t, b);
	for (size_t row = 0; row < t->n_rows; row++) {
		for (size_t i = 0; i < t->n; i++) {
			const struct cell *cell = &t->cells[row * t->n + i];

			put_cell(t, b, i, t->text.data + cell->offset, cell->len, cell->columns,
				 cell->style);
		}
		buf_char(b, '\n');
	}
	t->n_rows = 0;
	buf_reset(&t->text);
}
