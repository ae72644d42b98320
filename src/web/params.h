/* The parameters of a request's query: by table, with bounds, strictly. */
#ifndef SONDE_WEB_PARAMS_H
#define SONDE_WEB_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct param {
	const char *name;
	int64_t min, max; /* of a number */
	const char *const
		*choices; /* NULL-terminated: a word, its index is the value; NULL: a number */
	size_t offset;	  /* of an int64_t in the values */
};

/**
 * param_read() - take one parameter
 * @name, @value: decoded, untrusted; @value may be NULL ("?x")
 * @values: the structure that @table's offsets mean; the other members stay as they are
 * @fault: what is wrong and what is allowed
 * Return: 0, or -E_SYNTAX with @fault filled: an unknown name, no number, a number out of bounds.
 */
MUST_CHECK int param_read(const struct param *table, size_t n, const char *name, size_t name_len,
			  const char *value, size_t value_len, void *values, struct fault *fault);

#endif
