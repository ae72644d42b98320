/* Targets as typed: whatever parses can be sealed, counted, looked up and excluded. */
#include <stdlib.h>
#include <string.h>

#include "base/targets.h"

#define MAX_INPUT_LEN 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Ranges in three octets at once make millions of ranges: right, but slow. */
static bool is_slow(const char *text)
{
	size_t n_dashes = 0;

	for (; *text; text++)
		n_dashes += *text == '-';
	return n_dashes > 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[MAX_INPUT_LEN + 1];
	struct targets *all = targets_new(), *none = targets_new();
	struct fault fault = { 0 };

	len = MIN(len, (size_t)MAX_INPUT_LEN);
	memcpy(text, data, len);
	text[len] = '\0';
	/* Files and standard input are not for a fuzzer. */
	if (strchr(text, '@') || is_slow(text))
		text[0] = '\0';
	for (char *p = text; *p; p++)
		*p = *p == '-' && (p == text || strchr(" ,\t\r\n", p[-1])) ? '.' : *p;
	if (!targets_parse(all, text, &fault)) {
		if (targets_seal(all))
			abort();
		for (uint128_t i = 0; i < MIN(targets_count(all), (uint128_t)16); i++) {
			struct addr a = targets_get(all, i);

			if (!targets_contains(all, &a) || targets_add_addr(none, &a))
				abort();
		}
		(void)targets_global_exceed(all, 256);
		uint128_t before = targets_count(all);

		if (targets_exclude(all, none))
			abort();
		if (before != ~(uint128_t)0 && targets_count(all) + targets_count(none) != before)
			abort();
	} else if (fault.offset > strlen(text)) {
		abort();
	}
	targets_free(all);
	targets_free(none);
	return 0;
}
