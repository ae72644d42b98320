/* Rows of cells, kept until their widths are known, then laid out. */
#ifndef SONDE_OUT_TABLE_H
#define SONDE_OUT_TABLE_H

#include "out/out.h"

#define TABLE_MAX_ROWS 100000

struct table;

/*
 * A table of @n columns; they are borrowed. @width is the terminal's, 0 for any; @whole: no column
 * is left out for lack of it.
 */
struct table *table_new(const struct out_column *const *columns, size_t n, unsigned width,
			bool whole, bool colour);
struct table *table_free(struct table *t);

/* The terminal is @width columns wide from now on; not for live tables that began. */
void table_resize(struct table *t, unsigned width);

size_t table_n_rows(const struct table *t);

/* Keeps a row of @n values, formatted. Return: 0, -ENOMEM, -E_FULL. */
MUST_CHECK int table_add(struct table *t, const struct out_value *const *values);

/* Writes head and rows to @b, aligned and cut to the terminal, and forgets them. */
void table_write(struct table *t, struct buf *b);

/* For live tables: the head, then one row at once, with the least widths that the columns declare.
 */
void table_begin_live(struct table *t, struct buf *b);
void table_write_live(struct table *t, struct buf *b, const struct out_value *const *values);

#endif
