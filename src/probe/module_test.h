/* What the tests of probe modules share; after cmocka.h. */
#ifndef SONDE_PROBE_MODULE_TEST_H
#define SONDE_PROBE_MODULE_TEST_H

#include "probe/module.h"

static UNUSED struct addr addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, strlen(text), &a, NULL), 0);
	return a;
}

static UNUSED size_t from_hex(const char *hex, uint8_t *bytes)
{
	size_t n = 0;

	for (; *hex; hex += 2) {
		char digits[3] = { hex[0], hex[1], 0 };

		while (*hex == ' ')
			hex++;
		memcpy(digits, hex, 2);
		bytes[n++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

static UNUSED void check_written(const struct probe_module *module, struct probe_shot shot,
				 const char *expected_hex)
{
	uint8_t expected[256], written[256];
	size_t len = from_hex(expected_hex, expected);

	assert_int_equal(module->write(&shot, written, sizeof(written)), len);
	assert_memory_equal(written, expected, len);
	assert_int_equal(module->write(&shot, written, len - 1), 0);
}

/* A packet that is an answer, and none of its beginnings is: not before @least bytes of it. */
static UNUSED void check_cuts(const struct probe_module *module, struct probe_packet packet,
			      size_t least)
{
	const uint8_t *whole = packet.data;
	struct probe_answer answer;

	for (size_t len = 0; len <= packet.len; len++) {
		uint8_t *exact = malloc(len ? len : 1); /* so that reading further is noticed */
		struct probe_packet cut = packet;

		assert_non_null(exact);
		memcpy(exact, whole, len);
		cut.data = exact;
		cut.len = len;
		assert_int_equal(module->read(&cut, &answer), len >= least);
		free(exact);
	}
}

#endif
