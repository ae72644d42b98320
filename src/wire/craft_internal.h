/* Between craft.c (layers, computed values) and craft_field.c (finding and setting fields). */
#ifndef SONDE_WIRE_CRAFT_INTERNAL_H
#define SONDE_WIRE_CRAFT_INTERNAL_H

#include "wire/craft.h"

/* Bit of row @f in a mask of the table @rows. */
static inline bool craft_given(uint64_t mask, const struct field *rows, const struct field *f)
{
	return mask >> (f - rows) & 1;
}

/* Whether @f is one of the @n rows of a table, which may have none. */
static inline bool rows_have(const struct field *rows, size_t n, const struct field *f)
{
	return n && f >= rows && f < rows + n;
}

/* Appends @len bytes, zeros when @bytes is NULL. Return: 0 or -E_FULL. */
int craft_append(struct craft *c, const void *bytes, size_t len);

/* Writes the presets of @rows, whose places count from @off. */
void craft_presets(struct craft *c, const struct field *rows, size_t n, uint32_t off);

/* Makes @body that of the layer, which is the last. Return: 0, -E_FULL, -E_RANGE when it is too
 * late. */
int craft_body(struct craft *c, struct craft_layer *l, const struct block *body);

/* Completes the option in hand, if any. Return: 0 or -E_FULL. */
int craft_close_option(struct craft *c);

/* Whether a number fits into a field of fixed width. Return: 0, -E_SYNTAX with @fault. */
int craft_check_number(const struct field *f, const struct craft_value *v, struct fault *fault);

/* The fault of a name that the layer in hand does not know, with one that may have been meant. */
int craft_unknown(const struct craft *c, const char *name, struct fault *fault);

/* Whether the layer in hand has an option of this name. */
bool craft_has_option(const struct craft *c, const char *name);

#endif
