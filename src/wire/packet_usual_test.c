/*
 * The short way through usual headers against the tables: the same layers, lengths, flags and
 * faults, whatever is changed in packets that take it, and however they are cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "wire/craft_text.h"
#include "wire/packet_usual.h"
#include "wire/ports.h"

#define ROUNDS 40000

static const char *const packets[] = {
	"eth/ip(src=10.0.0.1,dst=10.0.0.2)/tcp(srcport=40000,dstport=5001)/data(data=\"some data\")",
	"eth/ip/tcp(srcport=40000,dstport=80,flags.syn=1)",
	"eth/ip/udp(srcport=40000,dstport=53)/dns(qry.name=example.com)",
	"eth/ipv6/udp(srcport=40000,dstport=4433)/data(data=\"<14>Jan  1 what is this\")",
	"eth/ipv6/tcp(srcport=80,dstport=40000)/http(response.code=404)",
};

static struct random rng;

static unsigned below(unsigned n)
{
	return (unsigned)random_below(&rng, n);
}

static void same_layers(const struct packet *a, const struct packet *b)
{
	assert_int_equal(a->n_layers, b->n_layers);
	for (size_t i = 0; i < a->n_layers; i++) {
		assert_int_equal(a->layers[i].proto, b->layers[i].proto);
		assert_int_equal(a->layers[i].flags, b->layers[i].flags);
		assert_int_equal(a->layers[i].off, b->layers[i].off);
		assert_int_equal(a->layers[i].header_len, b->layers[i].header_len);
		assert_int_equal(a->layers[i].payload_len, b->layers[i].payload_len);
	}
	assert_int_equal(a->seen, b->seen);
	assert_int_equal(a->fault.err, b->fault.err);
	if (a->fault.err) {
		assert_int_equal(a->fault.layer, b->fault.layer);
		assert_int_equal(a->fault.off, b->fault.off);
	}
	assert_int_equal(a->end, b->end);
	assert_int_equal(a->have, b->have);
	assert_int_equal(a->side, b->side);
}

/* One of them, perhaps with bytes changed, cut, or followed by others. */
static void change(const struct buf *packet, bool streams)
{
	const struct walk_config config = { .ports = &port_map_default, .streams = streams };
	uint32_t len = (uint32_t)packet->len, room = len + 8;
	uint8_t *bytes = calloc(1, room);
	struct packet a, b;

	assert_non_null(bytes);
	memcpy(bytes, packet->data, len);
	for (unsigned n = below(4); n; n--)
		bytes[below(MIN(len, 70u))] = (uint8_t)(below(2) ? below(256) : below(8));
	if (!below(3))
		len = below(room + 1);
	bytes = realloc(bytes, MAX(len, 1u)); /* so that a sanitizer sees reads behind the end */
	packet_walk_as(&a, &config, PROTOCOL_ETHERNET, bytes, len, len + below(2) * below(100));
	packet_walk_tables(&b, &config, PROTOCOL_ETHERNET, bytes, len, a.wire_len);
	same_layers(&a, &b);
	free(bytes);
}

static struct buf make(const char *text, uint8_t *memory, size_t cap)
{
	struct buf packet = buf_in(memory, cap);
	struct fault fault = { 0 };
	struct craft_text *t;
	struct craft c;
	int len;

	if (craft_text_parse(text, &t, &fault) < 0)
		fail_msg("%s: %s at %zu", text, fault.text, fault.offset);
	craft_init(&c, memory, cap);
	assert_int_equal(craft_text_make(t, 0, &c, &fault), 0);
	len = craft_finish(&c, &fault);
	assert_true(len > 0);
	packet.len = (size_t)len;
	craft_text_free(t);
	return packet;
}

static void test_same_as_tables(void **state)
{
	static uint8_t memory[65536];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
		struct buf packet = make(packets[i], memory, sizeof(memory));
		struct packet p = {
			.config = &(struct walk_config){ .ports = &port_map_default },
			.bytes = memory,
			.cap_len = (uint32_t)packet.len,
			.wire_len = (uint32_t)packet.len,
			.end = (uint32_t)packet.len,
			.have = (uint32_t)packet.len,
		};
		uint32_t off;

		assert_int_not_equal(packet_usual(&p, &off), PROTOCOL_ETHERNET);
		assert_int_equal(p.n_layers, 3);
		for (unsigned n = 0; n < ROUNDS; n++)
			change(&packet, n % 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_same_as_tables) };

	rng = random_of(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
