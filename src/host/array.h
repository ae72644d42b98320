/* Growing arrays with a bound, for the lists of this folder. */
#ifndef SONDE_HOST_ARRAY_H
#define SONDE_HOST_ARRAY_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/*
 * Makes room for one item more behind the @n there are. @items: address of the pointer to them.
 * Return: 0, -E_FULL when there are @max already, -ENOMEM.
 */
MUST_CHECK static inline int array_room(void *items, size_t *cap, size_t n, size_t item_size,
					size_t max)
{
	void *array, *grown;
	size_t wanted = *cap ? *cap * 2 : 16;

	if (n < *cap)
		return 0;
	if (n >= max)
		return -E_FULL;
	memcpy(&array, items, sizeof(array)); /* the pointer's own type is the caller's */
	grown = reallocarray(array, wanted, item_size);
	if (!grown)
		return -ENOMEM;
	memcpy(items, &grown, sizeof(grown));
	*cap = wanted;
	return 0;
}

#endif
