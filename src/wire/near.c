#include "wire/near.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"

#define NEAR_LEN 64

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

unsigned near_distance(const char *a, const char *b)
{
	size_t n_a = strlen(a), n_b = strlen(b);
	unsigned rows[3][NEAR_LEN], *before = rows[0], *above = rows[1], *row = rows[2];

	if (n_a >= NEAR_LEN || n_b >= NEAR_LEN)
		return NEAR_LEN;
	for (size_t j = 0; j <= n_b; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= n_a; i++) {
		unsigned *oldest = before;

		before = above;
		above = row;
		row = oldest;
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n_b; j++) {
			bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
				       same(a[i - 2], b[j - 1]);

			row[j] = MIN(MIN(above[j], row[j - 1]) + 1,
				     above[j - 1] + !same(a[i - 1], b[j - 1]));
			if (swapped)
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
	}
	return row[n_b];
}

bool near_enough(const char *typed, const char *name)
{
	size_t n = strlen(typed), n_name = strlen(name);

	if (n >= 2 && n_name >= 2 && !strncasecmp(typed, name, MIN(n, n_name)))
		return true;
	return near_distance(typed, name) <= (n < 4 ? 1 : n < 8 ? 2 : 3);
}
