/*
 * Any bytes as a packet: walked, printed in every way, and what is printed as JSON is checked to
 * have unique keys and matching brackets. The first byte says what the packet starts with and
 * whether more bytes were on the wire than were captured. The tables alone must find the same
 * layers.
 */
#include "wire/fuzz_json.h"
#include "wire/packet_usual.h"
#include "wire/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_layers(const struct packet *p, const struct packet *by_tables)
{
	if (p->n_layers != by_tables->n_layers || p->fault.err != by_tables->fault.err)
		abort();
	for (size_t i = 0; i < p->n_layers; i++) {
		const struct layer *a = &p->layers[i], *b = &by_tables->layers[i];

		if (a->proto != b->proto || a->flags != b->flags || a->off != b->off ||
		    a->header_len != b->header_len || a->payload_len != b->payload_len)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct json_config config = { .payload = true };
	const struct frame frame = { .number = 1 };
	struct buf b = buf_of(1 << 26);
	struct packet p, by_tables;
	uint32_t len;
	uint8_t first;

	if (!size)
		return 0;
	first = (data[0] & 0x7f) % N_PROTOCOLS;
	if (first <= PROTOCOL_FRAME) /* which is no layer */
		first = PROTOCOL_ETHERNET;
	len = (uint32_t)size - 1;
	packet_walk(&p, first, data + 1, len, data[0] & 0x80 ? len + 100 : len);
	packet_walk_tables(&by_tables, p.config, first, data + 1, len, p.wire_len);
	check_layers(&p, &by_tables);
	print_line(&b, &p);
	print_tree(&b, &p);
	if (b.err)
		abort();
	buf_reset(&b);
	p.frame = &frame;
	print_json(&b, &p, &config);
	if (b.err)
		abort();
	check_json(&b);
	buf_done(&b);
	return 0;
}
