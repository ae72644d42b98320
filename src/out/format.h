/* One value as text, in the three forms that a record takes. */
#ifndef SONDE_OUT_FORMAT_H
#define SONDE_OUT_FORMAT_H

#include "out/out.h"

/* JSON: numbers are numbers, absent is null, lists are arrays. */
void format_json(struct buf *b, const struct out_column *column, const struct out_value *v);

/* CSV (RFC 4180): quoted where needed, absent is empty, lists are joined by blanks. */
void format_csv(struct buf *b, const struct out_column *column, const struct out_value *v);

/* For people: with unit, control characters made visible, absent is "-". */
void format_table(struct buf *b, const struct out_column *column, const struct out_value *v);

/* Head of a column: its title, or its name in capitals without the unit that the values carry. */
void format_title(struct buf *b, const struct out_column *column);

/* Numbers stand to the right. */
bool format_is_number(enum out_kind kind);

#endif
