/*
 * What leaves as JSON or on a terminal is well-formed UTF-8 without control characters, and a JSON
 * string ends at its last quote only, whatever came in.
 */
#include <assert.h>

#include "base/buf.h"
#include "base/utf8.h"

#define MAX_TEXT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_printable(const struct buf *b)
{
	for (size_t i = 0; i < b->len;) {
		size_t len = utf8_char_len(b->data + i, b->len - i);

		assert(len);
		assert((uint8_t)b->data[i] >= ' ');
		i += len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = buf_of(6 * MAX_TEXT + 2);

	if (size > MAX_TEXT)
		return 0;
	buf_json(&b, (const char *)data, size);
	assert(!b.err && b.len >= 2 && b.data[0] == '"' && b.data[b.len - 1] == '"');
	check_printable(&b);
	for (size_t i = 1; i < b.len - 1; i++) {
		assert(b.data[i] != '"');
		i += b.data[i] == '\\';
		assert(i < b.len - 1);
	}
	buf_reset(&b);
	buf_safe(&b, (const char *)data, size);
	assert(!b.err);
	check_printable(&b);
	buf_done(&b);
	(void)utf8_columns((const char *)data, size);
	return 0;
}
