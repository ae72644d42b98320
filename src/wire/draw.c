/*
 * A header as the RFCs draw it: 32 bits a line, two characters a bit. Rows become cells, cells that
 * cross lines are drawn without the border between them, labels are wrapped to the width of their
 * cell.
 */
#include "wire/explain.h"

#define WORD	  32
#define MAX_CELLS 64
#define MAX_LINES 8

struct cell {
	uint32_t bit, bits;
	char label[80];
};

struct drawing {
	struct cell cells[MAX_CELLS];
	size_t n;
	size_t indent;
	struct buf *out;
};

static void add_cell(struct drawing *d, uint32_t bit, uint32_t bits, const char *label,
		     const char *suffix)
{
	struct cell *c = &d->cells[d->n];
	struct buf text = buf_in(c->label, sizeof(c->label) - 1);

	if (d->n == MAX_CELLS || !bits)
		return;
	d->n++;
	c->bit = bit;
	c->bits = bits;
	buf_str(&text, label);
	buf_str(&text, suffix);
	c->label[text.len] = '\0';
}

/* How many rows follow @i that are parts of it, and whether they cover it whole. */
static size_t parts(const struct field *rows, size_t n, size_t i, bool *ret_cover)
{
	uint32_t covered = 0;
	size_t k = i + 1;

	for (; k < n && rows[k].depth > rows[i].depth; k++)
		if (rows[k].depth == rows[i].depth + 1)
			covered += rows[k].bits;
	*ret_cover = covered == rows[i].bits;
	return k - i - 1;
}

/* What has no end of its own is drawn to the end of a line, with dots. */
static void add_rest(struct drawing *d, const struct field *f)
{
	uint32_t into = f->bit % WORD;

	if (f->repeats && f->bits > WORD)
		add_cell(d, f->bit, f->bits, f->title, ", repeated ...");
	else
		add_cell(d, f->bit, WORD - into, f->label ? f->label : f->title,
			 into > 8     ? ""
			 : f->repeats ? ", repeated ..."
				      : " ...");
}

static void add_rows(struct drawing *d, const struct field *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &rows[i];
		bool cover;
		size_t n_parts = parts(rows, n, i, &cover);

		if (f->computed)
			continue;
		if (!f->bits || f->repeats) {
			add_rest(d, f);
		} else if (!n_parts || !cover) {
			add_cell(d, f->bit, f->bits, f->label ? f->label : f->title, "");
			i += n_parts;
		}
	}
}

/* The cell at a bit, or NULL. */
static const struct cell *cell_at(const struct drawing *d, uint32_t bit)
{
	for (size_t i = 0; i < d->n; i++)
		if (bit >= d->cells[i].bit && bit < d->cells[i].bit + d->cells[i].bits)
			return &d->cells[i];
	return NULL;
}

/* Takes the next line of a label, at most @width long; words that are longer are cut. */
static size_t next_line(const char **label, size_t width)
{
	const char *at = *label;
	size_t len = 0, end = 0;

	while (at[len] && len < width) {
		len++;
		if (!at[len] || at[len] == ' ')
			end = len;
	}
	if (!end)
		end = len;
	*label = at + end + (at[end] == ' ');
	return end;
}

static size_t count_lines(const char *label, size_t width)
{
	size_t n = 0;

	for (; *label; n++)
		next_line(&label, width);
	return n ? n : 1;
}

/* Where a cell's part in line @word begins and ends, in bits of the line. */
static void extent(const struct cell *c, uint32_t word, uint32_t *ret_from, uint32_t *ret_to)
{
	uint32_t start = word * WORD, end = start + WORD;

	*ret_from = MAX(c->bit, start) - start;
	*ret_to = MIN(c->bit + c->bits, end) - start;
}

/* The line that carries the label: the middle one of the widest. */
static uint32_t label_word(const struct cell *c)
{
	uint32_t first = c->bit / WORD, last = (c->bit + c->bits - 1) / WORD, from, to;
	uint32_t widest = 0, n = 0, pick;

	for (uint32_t w = first; w <= last; w++) {
		extent(c, w, &from, &to);
		if (to - from > widest) {
			widest = to - from;
			n = 0;
		}
		n += to - from == widest;
	}
	pick = (n - 1) / 2;
	for (uint32_t w = first; w <= last; w++) {
		extent(c, w, &from, &to);
		if (to - from == widest && !pick--)
			return w;
	}
	return first;
}

/* One line of text of one cell, centred. */
static void put_cell(struct drawing *d, const struct cell *c, uint32_t word, size_t line,
		     size_t height)
{
	uint32_t from, to;
	size_t width, n_lines, first, len;
	const char *label = c->label, *text;

	extent(c, word, &from, &to);
	width = 2 * (to - from) - 1;
	n_lines = count_lines(label, width);
	first = (height - MIN(n_lines, height)) / 2;
	if (word != label_word(c) || line < first || line >= first + n_lines) {
		buf_fill(d->out, ' ', width);
		return;
	}
	for (text = label; line-- >= first; text = label) {
		len = next_line(&label, width);
		if (line + 1 == first)
			break;
	}
	buf_fill(d->out, ' ', (width - len + 1) / 2);
	buf_bytes(d->out, text, len);
	buf_fill(d->out, ' ', (width - len) / 2);
}

static uint32_t word_end(const struct drawing *d, uint32_t word)
{
	uint32_t end = WORD;

	while (end && !cell_at(d, word * WORD + end - 1))
		end--;
	return end;
}

static void put_word(struct drawing *d, uint32_t word)
{
	size_t height = 1;
	uint32_t end = word_end(d, word), from, to;

	for (uint32_t bit = 0; bit < end; bit++) {
		const struct cell *c = cell_at(d, word * WORD + bit);

		if (!c || word != label_word(c))
			continue;
		extent(c, word, &from, &to);
		height = MAX(height, count_lines(c->label, 2 * (to - from) - 1));
	}
	height = MIN(height, (size_t)MAX_LINES);
	for (size_t line = 0; line < height; line++) {
		buf_fill(d->out, ' ', d->indent);
		for (uint32_t bit = 0; bit < end;) {
			const struct cell *c = cell_at(d, word * WORD + bit);

			buf_char(d->out, '|');
			if (!c) {
				buf_char(d->out, ' ');
				bit++;
				continue;
			}
			put_cell(d, c, word, line, height);
			extent(c, word, &from, &to);
			bit = to;
		}
		buf_lit(d->out, "|\n");
	}
}

/* The border below line @word: open where a cell goes on. */
static void put_border(struct drawing *d, uint32_t word)
{
	uint32_t end = MAX(word_end(d, word), word_end(d, word + 1));
	bool was_open = false;

	buf_fill(d->out, ' ', d->indent);
	for (uint32_t bit = 0; bit < end; bit++) {
		const struct cell *above = cell_at(d, word * WORD + bit);
		bool open = above && above == cell_at(d, (word + 1) * WORD + bit);

		buf_char(d->out, open && was_open ? ' ' : '+');
		buf_char(d->out, open ? ' ' : '-');
		was_open = open;
	}
	buf_lit(d->out, "+\n");
}

void draw_rows(struct buf *b, const struct field *const *tables, const size_t *n_rows,
	       size_t n_tables, size_t indent)
{
	struct drawing d = { .indent = indent, .out = b };
	uint32_t end = 0;

	for (size_t i = 0; i < n_tables; i++)
		add_rows(&d, tables[i], n_rows[i]);
	for (size_t i = 0; i < d.n; i++)
		end = MAX(end, d.cells[i].bit + d.cells[i].bits);
	if (!end)
		return;
	buf_fill(b, ' ', indent);
	for (unsigned bit = 0; bit < MIN(end, (uint32_t)WORD); bit += 10) {
		buf_fill(b, ' ', bit ? 19 : 1);
		buf_u64(b, bit / 10);
	}
	buf_char(b, '\n');
	buf_fill(b, ' ', indent);
	for (unsigned bit = 0; bit < MIN(end, (uint32_t)WORD); bit++)
		buf_printf(b, " %u", bit % 10);
	buf_char(b, '\n');
	buf_fill(b, ' ', indent);
	for (unsigned bit = 0; bit < MIN(end, (uint32_t)WORD); bit++)
		buf_lit(b, "+-");
	buf_lit(b, "+\n");
	for (uint32_t word = 0; word * WORD < end; word++) {
		put_word(&d, word);
		put_border(&d, word);
	}
}
