/* What the files of explain share. */
#ifndef SONDE_WIRE_EXPLAIN_INTERNAL_H
#define SONDE_WIRE_EXPLAIN_INTERNAL_H

#include "wire/explain.h"

void explain_bold(struct buf *b, const struct explain_style *style, const char *text);

/* Words from column *@at on, wrapped with @indent. */
void explain_words(struct buf *b, const struct explain_style *style, const char *text, size_t *at,
		   size_t indent);

/* The number of a value before its name, none of text. */
void explain_value_number(struct buf *b, const struct field *f, const struct value_name *v);

/* A row for each field: name, width, what it means. */
void explain_fields(struct buf *b, const struct explain_style *style, const struct field *rows,
		    size_t n, size_t name_width, size_t deeper);

/* The fields that code finds and that have @word in their names, between dots; @begins: it is only
 * how a name between dots begins. */
void explain_related(struct buf *b, const struct protocol *p, const char *word, bool begins,
		     const struct explain_style *style);

#endif
