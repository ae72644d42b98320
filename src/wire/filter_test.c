/* Filters by hand: what is refused and where, what the bounds are, and what packets made of parts
 * and layers in layers give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/craft.h"
#include "wire/exchange.h"
#include "wire/filter.h"
#include "wire/tcp.h"

static void refused(const char *text, size_t offset, const char *words)
{
	struct filter *f;
	struct fault fault = { 0 };

	if (filter_new(text, strlen(text), &f, &fault) != -E_SYNTAX)
		fail_msg("taken: %s", text);
	if (fault.offset != offset || !strstr(fault.text, words))
		fail_msg("%s: %zu, %s", text, fault.offset, fault.text);
}

static void refusals(void **state)
{
	(void)state;
	refused("tcp.prot == 80", 0, "perhaps tcp.port");
	refused("ip and tcp.port == web", 19, "web is not a number");
	refused("tcp.port == udp", 12, "udp is a protocol");
	refused("tcp.port == 65536", 12, "at most 65535");
	refused("ip.ttl == -1", 10, "negative");
	refused("ip.src == 10.0.0.256", 10, "is not an IPv4 address");
	refused("ip.src == 10.0.0.0/33", 10, "is not an IPv4 address");
	refused("ip.src == ::1", 10, "192.0.2.1");
	refused("ipv6.src == 10.0.0.1", 12, "2001:db8::1");
	refused("eth.src == 00:11", 11, "is not a MAC address");
	refused("frame contains 123", 15, "is not bytes");
	refused("ip.proto == \"UPD\"", 12, "perhaps \"UDP\"");
	refused("tcp.flags.syn == perhaps", 17, "True or False");
	refused("frame.time > yesterday", 13, "is not a time");
	refused("frame.time_delta > 1 and frame.time_delta > 5 parsecs", 46, "expected");
	refused("tcp.port ==", 11, "ends where");
	refused("tcp.port = 80", 9, "== compares");
	refused("(tcp.port == 80", 15, "')'");
	refused("tcp.port == 80)", 14, "not expected");
	refused("tcp | udp", 4, "||");
	refused("80", 0, "neither a field");
	refused("tcp or 80", 7, "neither a field");
	refused("\"a\" == frame.protocols", 0, "a field is wanted");
	refused("len(tcp)", 0, "compare");
	refused("tcp.port + 1", 9, "compare");
	refused("size(tcp) == 1", 0, "no function");
	refused("len() == 1", 4, "not expected");
	refused("len(udp, tcp) == 1", 9, "takes 1 argument");
	refused("lower(tcp.port) == \"a\"", 6, "takes text");
	refused("tcp.port matches \"4\"", 0, "string()");
	refused("frame matches abc", 14, "double quotes");
	refused("frame matches \"a(b\"", 18, "parenthesis");
	refused("frame matches \"a", 14, "no end");
	refused("frame contains \"\\q\"", 16, "escape");
	refused("udp.port == 'ab'", 12, "one character");
	refused("tcp.port in {}", 13, "not expected");
	refused("tcp.port in {80,}", 16, "not expected");
	refused("tcp.port in 80", 12, "a set");
	refused("tcp.port[0] == 1", 8, "bytes can be taken");
	refused("eth.src[0:0] == 1", 8, "1 or more");
	refused("eth.src[2-1] == 1", 8, "ends before");
	refused("eth.src[1 == 1", 10, "]");
	refused("ip.src#0 == 1.1.1.1", 7, "from 1");
	refused("ip.src == eth.src", 10, "cannot be compared");
	refused("tcp.flags.syn & 1", 0, "there is no '&'");
	refused("any tcp", 7, "comparison");
	refused("tcp $ udp", 4, "means nothing");
}

/* "(((…tcp…)))", and a filter of many parts. */
static void bounds(void **state)
{
	struct buf b = buf_of(1 << 20);
	struct filter *f;
	struct fault fault;

	(void)state;
	for (int n = 60; n <= 70; n += 10) {
		buf_reset(&b);
		buf_fill(&b, '(', (size_t)n);
		buf_str(&b, "tcp");
		buf_fill(&b, ')', (size_t)n);
		if (n == 60) {
			assert_int_equal(filter_new(b.data, b.len, &f, &fault), 0);
			filter_free(f);
		} else {
			assert_int_equal(filter_new(b.data, b.len, &f, &fault), -E_SYNTAX);
		}
	}
	buf_reset(&b);
	buf_fill(&b, '!', 5000);
	assert_int_equal(filter_new(b.data, b.len, &f, &fault), -E_SYNTAX);
	buf_reset(&b);
	buf_str(&b, "tcp.port in {1");
	for (int i = 2; i < 900; i++)
		buf_printf(&b, ",%d", i);
	buf_char(&b, '}');
	assert_int_equal(filter_new(b.data, b.len, &f, &fault), 0);
	filter_free(f);
	buf_reset(&b);
	buf_str(&b, "ip.ttl == 1");
	for (int i = 0; i < 2000; i++)
		buf_str(&b, "+1");
	assert_int_equal(filter_new(b.data, b.len, &f, &fault), -E_SYNTAX);
	buf_reset(&b);
	buf_fill(&b, ' ', 65537);
	assert_int_equal(filter_new(b.data, b.len, &f, &fault), -E_SYNTAX);
	buf_done(&b);
}

static bool matches(const char *text, const struct packet *p)
{
	struct filter *f;
	struct fault fault = { 0 };
	bool yes;

	if (filter_new(text, strlen(text), &f, &fault) < 0)
		fail_msg("%s: %zu, %s", text, fault.offset, fault.text);
	yes = filter_matches(f, p);
	filter_free(f);
	return yes;
}

static uint32_t craft(uint8_t *memory, size_t cap, const char *const *words)
{
	struct craft c;
	int len;

	craft_init(&c, memory, cap);
	for (; *words; words += 2) {
		if (words[1] && !strcmp(words[0], "layer"))
			assert_int_equal(craft_layer(&c, words[1], NULL), 0);
		else if (!strcmp(words[0], "payload"))
			assert_int_equal(craft_payload(&c, words[1], strlen(words[1])), 0);
		else
			assert_int_equal(craft_text(&c, words[0], words[1], NULL), 0);
	}
	len = craft_finish(&c, NULL);
	assert_true(len > 0);
	return (uint32_t)len;
}

/* An error that quotes a packet: a layer in another. */
static void layers(void **state)
{
	static const char *const words[] = {
		"layer", "eth",		 "layer", "ip",	 "src",	    "10.0.0.1", "dst", "10.0.0.2",
		"layer", "icmp",	 "type",  "3",	 "layer",   "ip",	"src", "192.0.2.1",
		"dst",	 "198.51.100.1", "layer", "udp", "dstport", "53",	NULL,
	};
	uint8_t memory[256];
	uint32_t len = craft(memory, sizeof(memory), words);
	struct packet p;

	(void)state;
	packet_walk(&p, PROTOCOL_ETHERNET, memory, len, len);
	assert_true(matches("ip.src == 192.0.2.1", &p));
	assert_true(matches("ip.src#1 == 10.0.0.1 && ip.src#2 == 192.0.2.1", &p));
	assert_false(matches("ip.src#1 == 192.0.2.1", &p));
	assert_true(matches("ip.src#[-1] == 192.0.2.1", &p));
	assert_true(matches("ip.addr#[1-2] == 198.51.100.1", &p));
	assert_false(matches("ip.src#3", &p));
	assert_true(matches("count(ip.addr) == 4 and count(ip) == 2", &p));
	assert_true(matches("all ip.src in {10.0.0.0/8, 192.0.2.0..192.0.2.9}", &p));
	assert_false(matches("ip.src != 10.0.0.1", &p));
	assert_true(matches("ip.src !== 10.0.0.1", &p));
	assert_false(matches("ip.src === 10.0.0.1", &p));
	assert_true(matches("udp.port == 53 && icmp", &p));
	assert_false(matches("tcp.port != 53", &p));
	assert_true(matches("!(tcp.port == 53)", &p));
	assert_true(matches("", &p));
}

static void text_is_bounded(void **state)
{
	static const char *const words[] = {
		"layer",   "eth",
		"layer",   "ip",
		"layer",   "udp",
		"dstport", "40000",
		"payload", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
		NULL,
	};
	uint8_t memory[256];
	uint32_t len = craft(memory, sizeof(memory), words);
	struct packet p;

	(void)state;
	packet_walk(&p, PROTOCOL_ETHERNET, memory, len, len);
	assert_true(matches("udp.payload matches \"^A+b$\"", &p));
	assert_true(matches("udp contains \"aab\" and udp[8:2] == \"aa\" and udp[-1] == 'b'", &p));
	/* Would take for ever. */
	assert_false(matches("udp.payload matches \"^(a|a)*(a|a)*(a|a)*c$\"", &p));
	assert_true(matches("ip.ttl / 0 == 1 or ip.ttl % 63 == 1", &p));
	assert_true(matches("(ip.ttl & 0x40) == 64 and {ip.ttl + 1} * 2 - 1 == 129", &p));
}

static void parts_and_facts(void **state)
{
	static const char *const words[] = { "layer", "eth",	 "layer", "ip", "layer",
					     "tcp",   "dstport", "443",	  NULL };
	static const char *const inner[] = { "layer", "ip", "layer", "udp", "dstport", "53", NULL };
	const struct frame frame = { .number = 12,
				     .time_ns = 1720096496500000000,
				     .since_previous_ns = 10000000 };
	struct tcp_facts facts = { .stream = 7, .analysis = TCP_RETRANSMISSION, .scale = -1 };
	uint8_t memory[256], more_memory[256];
	uint32_t len = craft(memory, sizeof(memory), words),
		 more_len = craft(more_memory, sizeof(more_memory), inner);
	struct packet p, more;

	(void)state;
	packet_walk(&p, PROTOCOL_ETHERNET, memory, len, len);
	packet_walk(&more, PROTOCOL_IPV4, more_memory, more_len, more_len);
	assert_false(matches("tcp.analysis.retransmission or udp or frame.number", &p));
	p.frame = &frame;
	p.tcp = &facts;
	p.more = &more;
	assert_true(matches("tcp.analysis.retransmission && tcp.stream == 7", &p));
	assert_true(matches("tcp.window_size_scalefactor == -1", &p));
	assert_true(matches("udp.dstport == 53 and count(ip.src) == 2 and ip.src#2", &p));
	assert_true(matches("frame.number == 12 and frame.time_delta == 10ms", &p));
	assert_true(matches("frame.time == \"2024-07-04 12:34:56.5Z\"", &p));
	assert_true(matches("frame.time < \"2024-07-04T13:34:57+01:00\"", &p));
	assert_true(matches("frame.time > \"Jul 4, 2024 12:34:56.4 UTC\"", &p));
}

static void durations_have_the_unit_of_their_field(void **state)
{
	static const char *const words[] = { "layer", "ip", "layer", "icmp", "type", "0", NULL };
	const struct exchange_facts facts = {
		.layer = 1, .answer = true, .question = 3, .elapsed_ns = 2500000
	};
	uint8_t memory[256];
	uint32_t len = craft(memory, sizeof(memory), words);
	struct packet p;

	(void)state;
	packet_walk(&p, PROTOCOL_IPV4, memory, len, len);
	assert_false(matches("icmp.resptime", &p));
	p.exchange = &facts;
	assert_true(matches("icmp.resptime == 2.5 and icmp.resptime == 2500us", &p));
	assert_true(matches("icmp.resptime < 3 and icmp.resp_to == 3", &p));
}

static uint32_t needs_of(const char *text)
{
	struct filter *f;
	uint32_t needs;

	assert_int_equal(filter_new(text, strlen(text), &f, NULL), 0);
	needs = filter_needs(f);
	filter_free(f);
	return needs;
}

static void needs(void **state)
{
	(void)state;
	assert_int_equal(needs_of("eth.src == 02:00:00:00:00:01 or ip.ttl < 5 or arp"), 0);
	assert_int_equal(needs_of("tcp.port == 80"), FILTER_NEEDS_FRAGMENTS);
	assert_int_equal(needs_of("tcp.stream == 1"),
			 FILTER_NEEDS_FRAGMENTS | FILTER_NEEDS_ANALYSIS);
	assert_int_equal(needs_of("icmp.resptime > 3"),
			 FILTER_NEEDS_FRAGMENTS | FILTER_NEEDS_EXCHANGES);
	assert_int_equal(needs_of("data.len > 1"), FILTER_NEEDS_FRAGMENTS | FILTER_NEEDS_STREAMS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(bounds),
		cmocka_unit_test(durations_have_the_unit_of_their_field),
		cmocka_unit_test(layers),
		cmocka_unit_test(text_is_bounded),
		cmocka_unit_test(parts_and_facts),
		cmocka_unit_test(needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
