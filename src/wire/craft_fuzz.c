/*
 * Any text as an expression: faults are inside the text, and what is made is walked and printed,
 * the first packet, the last, and one between.
 */
#include "wire/craft_text.h"
#include "wire/fuzz_json.h"
#include "wire/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[65536];

static void show(uint8_t first, const struct craft *c)
{
	struct buf b = buf_of(1 << 26);
	struct packet p;

	packet_walk(&p, first, c->bytes, c->len, c->len);
	print_line(&b, &p);
	buf_reset(&b);
	print_json(&b, &p, &(struct json_config){ .payload = true });
	if (b.err)
		abort();
	check_json(&b);
	buf_done(&b);
}

static void make(const struct craft_text *t, uint64_t i)
{
	struct fault fault = { 0 };
	struct craft c;

	craft_init(&c, memory, sizeof(memory));
	if (craft_text_make(t, i, &c, &fault) < 0)
		return;
	if (craft_finish(&c, &fault) >= 0)
		show(craft_text_first(t), &c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct fault fault = { 0 };
	struct craft_text *t;
	int err;

	if (!text)
		return 0;
	err = craft_text_parse(text, &t, &fault);
	if (err == -E_SYNTAX && (!*fault.text || fault.offset > strlen(text)))
		abort();
	if (!err) {
		make(t, 0);
		make(t, craft_text_count(t) / 2);
		make(t, craft_text_count(t) - 1);
		craft_text_free(t);
	}
	free(text);
	return 0;
}
