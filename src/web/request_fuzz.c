/*
 * What strangers send: a parameter's name and value (separated by the first '='), a Host header,
 * the body of a login. Numbers that are taken are within their bounds.
 */
#include <assert.h>
#include <stdlib.h>

#include "web/login.h"
#include "web/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct values {
	int64_t number, word;
};

static void try_param(const char *text, size_t size)
{
	static const char *const words[] = { "brief", "all", NULL };
	static const struct param table[] = {
		{ "limit", 1, 1000, .offset = offsetof(struct values, number) },
		{ "fields", .choices = words, .offset = offsetof(struct values, word) },
	};
	const char *equals = memchr(text, '=', size);
	size_t name_len = equals ? (size_t)(equals - text) : size;
	struct values v = { 1, 0 };
	struct fault fault = { 0 };
	int err = param_read(table, 2, text, name_len, equals ? equals + 1 : NULL,
			     equals ? size - name_len - 1 : 0, &v, &fault);

	assert(v.number >= 1 && v.number <= 1000 && v.word >= 0 && v.word <= 1);
	assert((err < 0) == (fault.text[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct monitor_config_web config = { 0 };
	const struct web_server s = { .config = &config };
	const struct addr none = { 0 };
	char token[16];
	size_t len = 0;
	char *text;

	try_param((const char *)data, size);
	if (login_read((const char *)data, size, token, sizeof(token), &len) == 0)
		assert(len <= sizeof(token));
	text = strndup((const char *)data, size);
	if (text && guard_host_text(&s, text, &none))
		assert(*text == '[' || *text == '1' || (*text | 0x20) == 'l');
	free(text);
	return 0;
}
