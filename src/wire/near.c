#include "wire/near.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"

#define NEAR_LEN 64

unsigned near_distance(const char *a, const char *b)
{
	size_t n_a = strlen(a), n_b = strlen(b);
	unsigned row[NEAR_LEN];

	if (n_a >= NEAR_LEN || n_b >= NEAR_LEN)
		return NEAR_LEN;
	for (size_t j = 0; j <= n_b; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= n_a; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n_b; j++) {
			unsigned same = tolower((unsigned char)a[i - 1]) ==
					tolower((unsigned char)b[j - 1]);
			unsigned best = MIN(MIN(row[j], row[j - 1]) + 1, diagonal + !same);

			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[n_b];
}

int near_enough(const char *typed, const char *name)
{
	size_t n = strlen(typed), n_name = strlen(name);

	if (n >= 2 && n_name >= 2 && !strncasecmp(typed, name, MIN(n, n_name)))
		return 1;
	return near_distance(typed, name) <= (n < 4 ? 1 : n < 8 ? 2 : 3);
}
