/*
 * Any packets, as a capture would show them: each with a length, a byte that says what it starts
 * with and how far its time is from the last one's. Whatever they are, the bounds hold, and what is
 * put together is as long as it says.
 */
#include <stdlib.h>

#include "capture/fragments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct fragments_config config = {
	.max_bytes = 1 << 18,
	.max_datagrams = 16,
	.timeout_ns = 30 * NS_PER_S,
};

/* Every byte of what was put together is there to be read. */
static void read_all(const struct datagram *d)
{
	volatile uint8_t sum = 0;

	if (!d->len || d->len > 65535 || !d->facts.n_fragments)
		abort();
	for (uint32_t i = 0; i < d->len; i++)
		sum = (uint8_t)(sum + d->bytes[i]);
}

static void give(struct fragments *f, struct packet *p)
{
	struct datagram datagrams[FRAGMENTS_NESTED];
	struct packet whole[FRAGMENTS_NESTED];
	unsigned n = 0;

	while (n < FRAGMENTS_NESTED && fragments_add(f, p, &datagrams[n]) == 1) {
		packet_walk(&whole[n], datagrams[n].proto, datagrams[n].bytes, datagrams[n].len,
			    datagrams[n].len);
		whole[n].frame = p->frame;
		p = &whole[n++];
	}
	while (n)
		read_all(&datagrams[--n]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fragments *f = fragments_new(&config);
	struct cursor c = cursor_of(data, size);
	struct frame frame = { 0 };

	if (!f)
		return 0;
	while (cursor_left(&c)) {
		uint16_t len = cursor_be16(&c);
		uint8_t kind = cursor_u8(&c);
		const uint8_t *bytes;
		struct packet p;
		size_t held;

		len = (uint16_t)MIN((size_t)len, cursor_left(&c));
		bytes = cursor_bytes(&c, len);
		if (!bytes)
			break;
		frame.number++;
		frame.time_ns += (kind >> 2) * (int64_t)NS_PER_S;
		packet_walk(&p,
			    kind & 1   ? packet_guess_ip(bytes, len)
			    : kind & 2 ? PROTOCOL_ETHERNET
				       : PROTOCOL_IPV4,
			    bytes, len, len);
		p.frame = &frame;
		give(f, &p);
		if (fragments_pending(f, &held) > config.max_datagrams || held > config.max_bytes)
			abort();
	}
	fragments_free(f);
	return 0;
}
