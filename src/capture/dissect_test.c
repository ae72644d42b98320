#include "capture/dissect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/flows.h"
#include "capture/hierarchy.h"
#include "capture/talkers.h"
#include "wire/exchange.h"
#include "wire/numbers.h"
#include "wire/print.h"
#include "wire/tcp.h"

#define SYN TCP_FLAG_SYN
#define ACK TCP_FLAG_ACK
#define FIN TCP_FLAG_FIN
#define RST TCP_FLAG_RST

/* A capture of 10.0.0.1:port and 10.0.0.2:service; relative sequence numbers as Wireshark has them.
 */
struct fixture {
	struct dissect *d;
	struct flows *flows;
	struct talkers *talkers;
	struct hierarchy *hierarchy;
	uint16_t port, service;
	int64_t now_ns;
	uint8_t bytes[70000];
	char line[4096];
};

static struct fixture *fixture_of(uint32_t max_streams)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct dissect_config config = { .needs = DISSECT_ALL, .max_streams = max_streams };

	assert_int_equal(dissect_new(&config, &f->d), 0);
	f->flows = flows_new(100);
	f->talkers = talkers_new(100);
	f->hierarchy = hierarchy_new();
	f->port = 40000;
	f->service = 80;
	return f;
}

static int setup(void **state)
{
	*state = fixture_of(0);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dissect_free(f->d);
	flows_free(f->flows);
	talkers_free(f->talkers);
	hierarchy_free(f->hierarchy);
	free(f);
	return 0;
}

/* Gives a packet to everything, keeps its line of text. */
static const struct packet *take(struct fixture *f, uint32_t len)
{
	const struct dissect_input in = {
		.bytes = f->bytes,
		.cap_len = len,
		.wire_len = len,
		.time_ns = f->now_ns += (int64_t)NS_PER_MS,
		.link_type = 1,
	};
	const struct packet *p = dissect_packet(f->d, &in);
	struct buf b = buf_in(f->line, sizeof(f->line) - 1);

	assert_int_equal(flows_add(f->flows, p), 0);
	assert_int_equal(talkers_add(f->talkers, p), 0);
	hierarchy_add(f->hierarchy, p);
	print_line(&b, p);
	f->line[b.len] = 0;
	return p;
}

static uint32_t write_ip(struct fixture *f, bool reply, uint32_t len, uint16_t fragment)
{
	uint8_t *ip = f->bytes + ETH_HEADER_LEN;

	memset(f->bytes, 0, ETH_HEADER_LEN + IP4_HEADER_LEN);
	store_be16(f->bytes + 12, 0x0800);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(IP4_HEADER_LEN + len));
	store_be16(ip + 4, 77);
	store_be16(ip + 6, fragment);
	ip[8] = 64;
	ip[9] = 6;
	store_be32(ip + 12, 0x0a000001 + reply);
	store_be32(ip + 16, 0x0a000002 - reply);
	return ETH_HEADER_LEN + IP4_HEADER_LEN;
}

static void write_tcp(struct fixture *f, uint8_t *tcp, bool reply, uint8_t flags, uint32_t seq,
		      uint32_t ack, const void *data, size_t len)
{
	memset(tcp, 0, TCP_HEADER_LEN);
	store_be16(tcp, reply ? f->service : f->port);
	store_be16(tcp + 2, reply ? f->port : f->service);
	store_be32(tcp + 4, (reply ? 5000 : -100u) + seq);
	store_be32(tcp + 8, flags & ACK ? (reply ? -100u : 5000) + ack : 0);
	tcp[12] = 0x50;
	tcp[13] = flags;
	store_be16(tcp + 14, 1000);
	memcpy(tcp + TCP_HEADER_LEN, data, len);
}

static const struct packet *say_bytes(struct fixture *f, bool reply, uint8_t flags, uint32_t seq,
				      uint32_t ack, const void *data, size_t len)
{
	uint32_t at = write_ip(f, reply, TCP_HEADER_LEN + (uint32_t)len, 0);

	write_tcp(f, f->bytes + at, reply, flags, seq, ack, data, len);
	return take(f, at + TCP_HEADER_LEN + (uint32_t)len);
}

static const struct packet *say(struct fixture *f, bool reply, uint8_t flags, uint32_t seq,
				uint32_t ack, const char *text)
{
	return say_bytes(f, reply, flags, seq, ack, text, strlen(text));
}

static void shake_hands(struct fixture *f)
{
	say(f, false, SYN, 0, 0, "");
	say(f, true, SYN | ACK, 0, 1, "");
	say(f, false, ACK, 1, 1, "");
}

/* The protocols of what a packet completed: "http http"; "" for nothing. */
static void assert_more(const struct packet *p, const char *names)
{
	char got[256] = "";

	for (p = p->more; p; p = p->more) {
		strcat(got, *got ? " " : "");
		strcat(got, protocols[p->layers[p->n_layers - 1].proto]->name);
	}
	assert_string_equal(got, names);
}

static void messages_come_with_the_segment_that_completes_them(void **state)
{
	struct fixture *f = *state;
	const struct packet *p;

	shake_hands(f);
	assert_more(say(f, false, ACK, 1, 1, "GET / HT"), "");
	p = say(f, false, ACK, 9, 1, "TP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET");
	assert_more(p, "http http");
	assert_int_equal(p->more->wire_len, 18);
	assert_memory_equal(p->more->bytes, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_false(p->more->layers[0].flags & LAYER_REPLY);
	p = say(f, true, ACK, 1, 28, "HTTP/1.1 204 No Content\r\n\r\n");
	assert_more(p, "http");
	assert_true(p->more->layers[0].flags & LAYER_REPLY);
}

static void responses_know_their_requests(void **state)
{
	struct fixture *f = *state;
	const struct packet *p;

	shake_hands(f);
	p = say(f, false, ACK, 1, 1, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
	assert_more(p, "http http");
	assert_null(p->more->exchange);
	p = say(f, true, ACK, 1, 47, "HTTP/1.1 204 x\r\n\r\nHTTP/1.1 204 x\r\n\r\n");
	assert_more(p, "http http");
	assert_non_null(p->more->exchange);
	assert_int_equal(p->more->exchange->question, 4);
	assert_int_equal(p->more->exchange->elapsed_ns, NS_PER_MS);
	assert_memory_equal(p->more->exchange->about.at, "http://a/1", 10);
	assert_non_null(p->more->more->exchange);
	assert_int_equal(p->more->more->exchange->question, 4);
	assert_memory_equal(p->more->more->exchange->about.at, "/2", 2);
}

static void messages_come_after_reordering(void **state)
{
	struct fixture *f = *state;

	shake_hands(f);
	assert_more(say(f, false, ACK, 9, 1, "TP/1.1\r\n\r\n"), "");
	assert_more(say(f, true, ACK, 1, 19, ""), ""); /* ACK before data */
	assert_more(say(f, false, ACK, 1, 1, "GET / HT"), "http");
	assert_int_equal(dissect_counts(f->d).gaps, 0);
	assert_int_equal(dissect_counts(f->d).held_bytes, 0);
}

static void after_a_hole_messages_go_on(void **state)
{
	struct fixture *f = *state;
	const struct packet *p = NULL;

	shake_hands(f);
	say(f, false, ACK, 1, 1, "GET / HT"); /* and 10 bytes more, not captured */
	assert_more(say(f, false, ACK, 19, 1, "GET /2 HTTP/1.1\r\n\r\n"), "");
	for (unsigned i = 0; i < 7; i++)
		assert_more(say(f, true, ACK, 1, 38, ""), "");
	for (unsigned i = 0; !dissect_counts(f->d).gaps; i++) {
		assert_true(i < 5);
		p = say(f, true, ACK, 1, 38, "");
	}
	assert_non_null(p);
	assert_more(p, "http http");
	assert_int_equal(p->more->fault.err, -E_TRUNCATED);
	assert_int_equal(p->more->more->fault.err, 0);
	assert_int_equal(dissect_counts(f->d).gap_bytes, 10);
}

static void an_rst_ends_the_direction_of_its_sender(void **state)
{
	struct fixture *f = *state;
	const struct packet *p;

	shake_hands(f);
	assert_more(say(f, false, ACK, 1, 1, "GET / HTTP/1.1\r\n\r\nGET /cut"), "http");
	say(f, true, ACK, 1, 27, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
	p = say(f, false, RST, 27, 0, "");
	assert_more(p, "http");
	assert_int_equal(p->more->fault.err, -E_TRUNCATED);
	p = say(f, true, ACK, 41, 27, "cd");
	assert_more(p, "http");
	assert_int_equal(p->more->fault.err, 0);
}

static void a_handshake_that_comes_again_changes_nothing(void **state)
{
	struct fixture *f = *state;

	shake_hands(f);
	assert_more(say(f, false, ACK, 1, 1, "GET / HTTP/1.1\r\n\r\n"), "http");
	assert_more(say(f, true, ACK, 1, 19, "HTTP/1.1 204 No Content\r\n\r\n"), "http");
	shake_hands(f);
	assert_more(say(f, false, ACK, 1, 1, "GET / HTTP/1.1\r\n\r\n"), "");
	assert_more(say(f, true, ACK, 1, 19, "HTTP/1.1 204 No Content\r\n\r\n"), "");
}

static void the_protocol_changes_in_the_middle(void **state)
{
	static const uint8_t hello[] = { 22, 3, 1,	  0, 45, 1, 0, 0, 41,
					 3,  3, [43] = 0, 0, 2,	 0, 9, 1, 0 };
	struct fixture *f = *state;

	f->service = 25;
	shake_hands(f);
	assert_more(say(f, true, ACK, 1, 1, "220 mail ESMTP\r\n"), "smtp");
	assert_more(say(f, false, ACK, 1, 17, "STARTTLS\r\n"), "smtp");
	assert_more(say(f, true, ACK, 17, 11, "220 go\r\n"), "smtp");
	assert_more(say_bytes(f, false, ACK, 11, 25, hello, sizeof(hello)), "tls");
}

static void an_announced_connection_is_known(void **state)
{
	struct fixture *f = *state;

	f->service = 21;
	shake_hands(f);
	say(f, true, ACK, 1, 1, "227 Entering Passive Mode (10,0,0,2,200,10).\r\n");
	f->port++;
	f->service = 200 * 256 + 10;
	shake_hands(f);
	assert_more(say(f, true, ACK, 1, 1, "\x90\x91 file"), "ftp-data");
}

static void unknown_protocols_are_data(void **state)
{
	struct fixture *f = *state;
	const struct packet *p;

	f->service = 5555;
	shake_hands(f);
	p = say(f, false, ACK, 1, 1, "\x90\x91\x92\x93");
	assert_int_equal(p->layers[p->n_layers - 1].proto, PROTOCOL_DATA);
	assert_null(p->more);
	p = say(f, false, ACK, 1, 1, "\x90\x91\x92\x93"); /* again: nothing new */
	assert_int_equal(p->layers[p->n_layers - 1].proto, PROTOCOL_TCP);
	assert_true(p->tcp->analysis & TCP_RETRANSMISSION);
}

static void segments_in_fragments_are_segments(void **state)
{
	static const char text[] = "GET /in/fragments HTTP/1.1\r\n\r\n";
	struct fixture *f = *state;
	const struct packet *p;
	uint8_t tcp[TCP_HEADER_LEN + sizeof(text) - 1];
	uint32_t at;

	shake_hands(f);
	write_tcp(f, tcp, false, ACK, 1, 1, text, sizeof(text) - 1);
	at = write_ip(f, false, 24, 0x2000);
	memcpy(f->bytes + at, tcp, 24);
	assert_null(take(f, at + 24)->more);
	at = write_ip(f, false, sizeof(tcp) - 24, 3);
	memcpy(f->bytes + at, tcp + 24, sizeof(tcp) - 24);
	p = take(f, at + sizeof(tcp) - 24);
	assert_more(p, "tcp http");
	assert_int_equal(p->more->tcp->stream, 0);
	assert_int_equal(p->more->tcp->seq, 1);
}

static void more_messages_than_one_packet_may_have_come_with_the_next(void **state)
{
	struct fixture *f = *state;
	static char text[300 * 6 + 1];
	size_t n = 0;

	f->service = 110;
	shake_hands(f);
	for (unsigned i = 0; i < 300; i++)
		memcpy(text + i * 6, "NOOP\r\n", 6);
	for (const struct packet *p = say(f, false, ACK, 1, 1, text)->more; p; p = p->more)
		n++;
	assert_int_equal(n, DISSECT_MESSAGES);
	for (const struct packet *p = say(f, true, ACK, 1, 1801, "")->more; p; p = p->more)
		n++;
	assert_int_equal(n, 300);
}

static void ports_used_again_are_another_connection(void **state)
{
	struct fixture *f = *state;
	const struct packet *p;

	shake_hands(f);
	say(f, true, RST, 1, 0, "");
	p = say(f, false, SYN, 77, 0, "");
	assert_int_equal(p->tcp->stream, 1);
	assert_int_equal(p->tcp->seq, 0);
	assert_true(p->tcp->analysis & TCP_REUSED_PORTS);
}

static void connections_are_bounded(void **state UNUSED)
{
	struct fixture *f = fixture_of(16);
	void *as_state = f;

	for (unsigned i = 0; i < 100; i++, f->port++)
		shake_hands(f);
	assert_int_equal(dissect_counts(f->d).streams, 100);
	assert_int_equal(dissect_counts(f->d).forgotten, 84);
	f->port--;
	assert_int_equal(say(f, false, ACK, 1, 1, "")->tcp->stream, 99);
	f->port = 40000;
	assert_int_equal(say(f, false, ACK, 1, 1, "")->tcp->stream, 100);
	teardown(&as_state);
}

static void sums_tell_who_said_what(void **state)
{
	struct fixture *f = *state;
	const struct flow **flows;
	const struct talker **talkers;
	struct hierarchy_node *nodes;

	shake_hands(f);
	say(f, false, ACK, 1, 1, "GET / HTTP/1.1\r\n\r\n");
	say(f, true, ACK | FIN, 1, 19, "HTTP/1.1 204 No Content\r\n\r\n");
	say(f, false, ACK | FIN, 19, 29, "");
	assert_int_equal(flows_sorted(f->flows, &flows), 1);
	assert_int_equal(flows[0]->ends[0].port, 40000);
	assert_int_equal(flows[0]->state, FLOW_CLOSED);
	assert_int_equal(flows[0]->application, PROTOCOL_HTTP);
	assert_int_equal(flows[0]->packets[0], 4);
	assert_int_equal(flows[0]->packets[1], 2);
	assert_int_equal(flows[0]->bytes[0], 4 * 54 + 18);
	assert_int_equal(flows[0]->rtt_ns, 2 * NS_PER_MS);
	assert_int_equal(flows[0]->last_ns - flows[0]->first_ns, 5 * NS_PER_MS);
	assert_int_equal(talkers_sorted(f->talkers, &talkers), 2);
	assert_int_equal(talkers[0]->serves + talkers[1]->serves, 1);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(talkers[i]->port, 80);
		assert_int_equal(talkers[i]->packets_in, talkers[i]->serves ? 4 : 2);
		assert_int_equal(talkers[i]->packets_out, talkers[i]->serves ? 2 : 4);
	}
	assert_int_equal(hierarchy_sorted(f->hierarchy, &nodes), 5);
	assert_int_equal(nodes[4].proto, PROTOCOL_HTTP);
	assert_int_equal(nodes[4].depth, 4);
	assert_int_equal(nodes[4].packets, 2);
	assert_int_equal(nodes[3].packets, 6);
	free(flows);
	free(talkers);
	free(nodes);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(messages_come_with_the_segment_that_completes_them),
		CASE(responses_know_their_requests),
		CASE(messages_come_after_reordering),
		CASE(after_a_hole_messages_go_on),
		CASE(an_rst_ends_the_direction_of_its_sender),
		CASE(a_handshake_that_comes_again_changes_nothing),
		CASE(the_protocol_changes_in_the_middle),
		CASE(an_announced_connection_is_known),
		CASE(unknown_protocols_are_data),
		CASE(segments_in_fragments_are_segments),
		CASE(more_messages_than_one_packet_may_have_come_with_the_next),
		CASE(ports_used_again_are_another_connection),
		cmocka_unit_test(connections_are_bounded),
		CASE(sums_tell_who_said_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
