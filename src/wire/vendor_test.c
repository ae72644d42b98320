#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "wire/vendor.h"

static void test_known(void **state)
{
	(void)state;
	assert_string_equal(vendor_of_mac(&(struct mac){ { 0x00, 0x00, 0x0c, 1, 2, 3 } }),
			    "Cisco Systems, Inc");
	/* 70:b3:d5 is cut into 36-bit blocks: the longer one is meant. */
	assert_string_not_equal(vendor_of_mac(&(struct mac){ { 0x70, 0xb3, 0xd5, 0, 0x10, 0 } }),
				"IEEE Registration Authority");
	assert_string_equal(vendor_of_mac(&(struct mac){ { 0x52, 0x54, 0, 1, 2, 3 } }),
			    "Locally administered");
}

/* A line of the registry: "MA-L,002272,American ..." with the name perhaps quoted. */
static bool registered(const char *line, const struct mac *mac, const char *name)
{
	char prefix[10];

	snprintf(prefix, sizeof(prefix), ",%02X%02X%02X,", mac->bytes[0], mac->bytes[1],
		 mac->bytes[2]);
	line += strcspn(line, ",");
	if (strncmp(line, prefix, 8))
		return false;
	line += 8;
	line += *line == '"';
	return !strncmp(line, name, MIN(strlen(name), strcspn(line, "\" \xc2")));
}

/* Names of random 24-bit blocks, against a walk through the registry's text. */
static void test_against_text(void **state)
{
	FILE *file = fopen("/usr/share/ieee-data/oui.csv", "re");
	struct random r = random_of(3);
	char *line = NULL;
	size_t cap = 0;
	int n_checked = 0;

	(void)state;
	if (!file)
		skip();
	while (getline(&line, &cap, file) >= 0) {
		struct mac mac = { 0 };
		unsigned prefix;

		if (random_below(&r, 100) || sscanf(line, "MA-L,%6X,", &prefix) != 1)
			continue;
		mac.bytes[0] = (uint8_t)(prefix >> 16);
		mac.bytes[1] = (uint8_t)(prefix >> 8);
		mac.bytes[2] = (uint8_t)prefix;
		const char *name = vendor_of_mac(&mac);

		if ((mac.bytes[0] & 2) || strstr(line, "IEEE Registration"))
			continue;
		assert_non_null(name);
		if (!registered(line, &mac, name))
			fail_msg("%s is not in %s", name, line);
		n_checked++;
	}
	free(line);
	fclose(file);
	assert_true(n_checked > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_against_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
