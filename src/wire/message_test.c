/*
 * Where messages end: random conversations are made here, so that it is known where each message
 * begins, and are cut into random pieces; every protocol must find the same ends, and what the
 * messages make of what follows. Bodies of HTTP are also decoded, piece by piece.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "wire/http_body.h"
#include "wire/http_coding.h"
#include "wire/packet.h"

#define MAX_TURNS 64
#define KEPT	  (1 << 20)

static struct random rng;

/* What one side says at once: messages one after another. */
struct turn {
	bool reply;
	size_t start, ends[32], n_ends;
};

struct talk {
	struct buf bytes, bodies;
	struct turn turns[MAX_TURNS];
	size_t n_turns;
};

static void begin(struct talk *t, bool reply)
{
	assert_true(t->n_turns < MAX_TURNS);
	t->turns[t->n_turns++] = (struct turn){ .reply = reply, .start = t->bytes.len };
}

/* A message ends here. */
static void mark(struct talk *t)
{
	struct turn *turn = &t->turns[t->n_turns - 1];

	assert_true(turn->n_ends < ARRAY_LEN(turn->ends));
	turn->ends[turn->n_ends++] = t->bytes.len;
}

static void put(struct talk *t, const char *format, ...) PRINTF(2, 3);
static void put(struct talk *t, const char *format, ...)
{
	char text[4096];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_bytes(&t->bytes, text, (size_t)n);
}

static uint64_t below(uint64_t n)
{
	return random_below(&rng, n);
}

/* Bytes of any kind; more often those that mean something to somebody. */
static void put_noise(struct talk *t, size_t n, bool is_body)
{
	static const char sharp[] = "\r\n\r\n.\r\nHTTP/1.1 200 OK\r\n0\r\n\r\na OK {3}";

	while (n--) {
		char c = below(3) ? sharp[below(sizeof(sharp) - 1)] : (char)below(256);

		buf_char(&t->bytes, c);
		if (is_body)
			buf_char(&t->bodies, c);
	}
}

static const char *line_end(void)
{
	return below(4) ? "\r\n" : "\n";
}

/* A body, with the fields that announce it, in one of the ways. */
static void put_body(struct talk *t, const char *e, unsigned way)
{
	size_t n = below(4) ? below(300) : below(70000);

	if (way == 0) {
		put(t, "Content-Length: %zu%s%s", n, e, e);
		put_noise(t, n, true);
		return;
	}
	put(t, "X: y%sTransfer-Encoding:%s%s%s", e, below(2) ? " gzip, Chunked" : " chunked", e, e);
	for (unsigned i = (unsigned)below(5); i; i--) {
		n = 1 + below(600);
		put(t, below(2) ? "%zx%s%s" : "00%zX%s%s", n, below(2) ? ";a=\"b\"" : "", e);
		put_noise(t, n, true);
		put(t, "%s", e);
	}
	put(t, "0%s%s%s", e, below(2) ? "Trailer: 1\n" : "", e);
}

/* Requests at once, then their responses. */
static void http_round(struct talk *t)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "OPTIONS" };
	size_t asked[8], n = 1 + below(8);

	begin(t, false);
	for (size_t i = 0; i < n; i++) {
		const char *e = line_end();

		asked[i] = below(4);
		put(t, "%s%s /%d HTTP/1.1%sHost: a%s", below(8) ? "" : "\r\n", methods[asked[i]],
		    (int)i, e, e);
		if (asked[i] == 2)
			put_body(t, e, (unsigned)below(2));
		else
			put(t, "%s", e);
		mark(t);
	}
	begin(t, true);
	for (size_t i = 0; i < n; i++) {
		const char *e = line_end();

		if (!below(6)) {
			put(t, "HTTP/1.1 100 Continue%s%s", e, e);
			mark(t);
		}
		if (!below(4)) {
			put(t, "HTTP/1.1 304 Not Modified%sContent-Length: 77%s%s", e, e, e);
		} else {
			put(t, "HTTP/1.1 200 OK%s", e);
			if (asked[i] == 1)
				put(t, "Content-Length: 123456789%s%s", e, e);
			else
				put_body(t, e, (unsigned)below(2));
		}
		mark(t);
	}
}

static void put_line(struct talk *t, const char *text)
{
	put(t, "%s%s", text, line_end());
}

/* A command, its reply. */
static void exchange(struct talk *t, const char *command, const char *reply)
{
	begin(t, false);
	put_line(t, command);
	mark(t);
	begin(t, true);
	put_line(t, reply);
	mark(t);
}

static void put_reply(struct talk *t, const char *code)
{
	unsigned n = (unsigned)below(4);

	for (unsigned i = 0; i < n; i++) {
		put(t, "%s-", code);
		put_line(t, "more");
		if (!below(3))
			put_line(t, "999 not this");
	}
	put(t, "%s ", code);
	put_line(t, "text");
	mark(t);
}

static void ftp_round(struct talk *t)
{
	begin(t, false);
	for (unsigned i = 0; i < 3; i++) {
		put_line(t, i ? "RETR a file" : "PASV");
		mark(t);
	}
	begin(t, true);
	put_reply(t, "227");
	put_reply(t, "150");
	put_reply(t, "226");
}

/* Lines, some of them with dots, and the one that ends them. */
static void put_dotted(struct talk *t)
{
	for (unsigned i = (unsigned)below(20); i; i--)
		put_line(t, below(3) ? "some text" : below(2) ? "..dot" : "");
	put(t, below(2) ? ".\r\n" : ".\n");
	mark(t);
}

static void smtp_round(struct talk *t)
{
	size_t n = 1 + below(2000);

	begin(t, false);
	put_line(t, "MAIL FROM:<a@b>");
	mark(t);
	put_line(t, "RCPT TO:<c@d>");
	mark(t);
	put_line(t, "DATA");
	mark(t);
	begin(t, true);
	put_reply(t, "250");
	put_reply(t, below(2) ? "250" : "550");
	if (below(3)) {
		put_reply(t, "354");
		begin(t, false);
		put_dotted(t);
		begin(t, true);
		put_reply(t, "250");
	} else {
		put_reply(t, "554");
	}
	begin(t, false);
	put(t, "BDAT %zu LAST\r\n", n);
	mark(t);
	put_noise(t, n, false);
	mark(t);
	begin(t, true);
	put_reply(t, "250");
	exchange(t, "AUTH LOGIN", "334 VXNlcm5hbWU6");
	exchange(t, "ZGF0YQ==", "334 UGFzc3dvcmQ6");
	exchange(t, "REFUQQ==", "235 ok");
}

static void pop_round(struct talk *t)
{
	begin(t, false);
	put_line(t, "LIST");
	mark(t);
	put_line(t, "LIST 4");
	mark(t);
	put_line(t, "RETR 1");
	mark(t);
	begin(t, true);
	put_line(t, "+OK");
	mark(t);
	put_dotted(t);
	put_line(t, "+OK 4 100");
	mark(t);
	if (!below(3)) {
		put_line(t, "-ERR none");
		mark(t);
		return;
	}
	put_line(t, "+OK");
	mark(t);
	put_dotted(t);
}

static void put_literal(struct talk *t, bool plus)
{
	size_t n = 1 + below(500);

	put(t, "{%zu%s}", n, plus ? "+" : "");
	put_line(t, "");
	mark(t);
	put_noise(t, n, false);
	mark(t);
}

static void imap_round(struct talk *t)
{
	begin(t, false);
	put(t, "a APPEND x ");
	put_literal(t, true);
	put_line(t, " and");
	mark(t);
	begin(t, true);
	put_line(t, "* 3 EXISTS");
	mark(t);
	put(t, "* 1 FETCH (BODY[] ");
	put_literal(t, false);
	put(t, " BODY[1] ");
	put_literal(t, false);
	put_line(t, ")");
	mark(t);
	put_line(t, "a OK {done} {x}");
	mark(t);
}

/*
 * Feeds a turn in pieces. The buffer of a side is empty at the start and the end of each turn. Each
 * step copies what has come, so that pieces of a few bytes are for turns that are not long.
 */
static void feed(const struct talk *t, const struct turn *turn, struct dialogue *d)
{
	size_t end = turn->ends[turn->n_ends - 1], have = turn->start, at = turn->start;
	size_t n_found = 0, piece_max = below(2) && end - have < 8192 ? 3 : 3000;

	while (have < end || at < have) {
		const struct protocol *p = protocols[d->proto];
		size_t len = MIN(have - at, (size_t)KEPT);
		uint8_t *copy = malloc(len + !len);
		int64_t n;

		memcpy(copy, t->bytes.data + at, len);
		n = p->message(d, turn->reply, copy, len, len == KEPT);
		free(copy);
		assert_in_range(n + 1, 1, len + 1);
		if (!n) {
			assert_true(have < end);
			have += MIN(1 + below(piece_max), end - have);
			continue;
		}
		at += (size_t)n;
		d->scanned[turn->reply] = 0;
		assert_int_equal(at, turn->ends[n_found++]);
	}
	assert_int_equal(n_found, turn->n_ends);
}

static void check(const struct talk *t, const char *name)
{
	struct dialogue d = { .proto = protocol_find(name, strlen(name)) };

	assert_int_equal(t->bytes.err, 0);
	for (size_t i = 0; i < t->n_turns; i++)
		feed(t, &t->turns[i], &d);
}

/* All bodies in their order, decoded in pieces from the messages that the test marked. */
static void check_bodies(const struct talk *t)
{
	struct buf got = buf_of(1 << 26);

	for (size_t i = 0; i < t->n_turns; i++) {
		const struct turn *turn = &t->turns[i];
		const uint8_t *bytes = (const uint8_t *)t->bytes.data;
		size_t at = turn->start;

		for (size_t m = 0; m < turn->n_ends; m++) {
			/* Only a response to HEAD says 123456789 here: nothing follows it. */
			bool head = memmem(bytes + at, turn->ends[m] - at, ": 123456789", 11);
			struct http_body b;
			int64_t n = http_body_begin(&b, bytes + at, turn->ends[m] - at,
						    head ? HTTP_ASKED_HEAD : HTTP_ASKED_OTHER);

			assert_true(n > 0);
			at += (size_t)n;
			while (at < turn->ends[m]) {
				size_t piece = MIN(1 + below(40), turn->ends[m] - at), body_len;
				const uint8_t *body;

				n = http_body_take(&b, bytes + at, piece, &body, &body_len);
				assert_in_range(n, 1, piece);
				buf_bytes(&got, body, body_len);
				at += (size_t)n;
			}
			assert_true(http_body_is_done(&b));
		}
	}
	assert_int_equal(got.len, t->bodies.len);
	if (got.len)
		assert_memory_equal(got.data, t->bodies.data, got.len);
	buf_done(&got);
}

static void run(const char *name, void (*round)(struct talk *), unsigned n_talks, unsigned n_rounds)
{
	struct talk t = { .bytes = buf_of(1 << 26), .bodies = buf_of(1 << 26) };

	for (unsigned i = 0; i < n_talks; i++) {
		buf_reset(&t.bytes);
		buf_reset(&t.bodies);
		t.n_turns = 0;
		for (unsigned k = 0; k < n_rounds; k++)
			round(&t);
		for (unsigned cut = 0; cut < 3; cut++)
			check(&t, name);
		if (!strcmp(name, "http"))
			check_bodies(&t);
	}
	buf_done(&t.bytes);
	buf_done(&t.bodies);
}

static void http(void **state)
{
	(void)state;
	run("http", http_round, 60, 4);
}

static void lines(void **state)
{
	(void)state;
	run("ftp", ftp_round, 100, 4);
	run("smtp", smtp_round, 100, 3);
	run("pop", pop_round, 100, 4);
	run("imap", imap_round, 100, 4);
}

/* One side's bytes at once; the messages' lengths in @ends, 0 after the last. */
static void ends(struct dialogue *d, bool reply, const char *text, size_t len, bool end,
		 const size_t *expected)
{
	size_t at = 0;

	for (; at < len; expected++) {
		int64_t n = protocols[d->proto]->message(d, reply, (const uint8_t *)text + at,
							 len - at, end);

		assert_int_equal(n, *expected);
		d->scanned[reply] = 0;
		at += (size_t)n;
		if (!n || d->proto == PROTOCOL_NONE || d->proto == PROTOCOL_TLS)
			return;
	}
	assert_int_equal(*expected, 0);
}

#define ENDS(d, reply, end, text, ...) \
	ends(d, reply, text, sizeof(text) - 1, end, (const size_t[]){ __VA_ARGS__, 0 })

/* RFC 9112 section 6.3, and what is not in conversations above. */
static void http_ends(void **state)
{
	struct dialogue d = { .proto = PROTOCOL_HTTP };

	(void)state;
	/* Coding and length both: the coding counts. */
	ENDS(&d, false, false,
	     "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	     "GET /b HTTP/1.1\r\n\r\n",
	     71, 19);
	/* A folded line; equal lengths twice. */
	ENDS(&d, true, false,
	     "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"
	     "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nab",
	     54, 62);
	/* Up to the end. */
	ENDS(&d, false, false, "GET / HTTP/1.0\r\n\r\n", 18);
	ENDS(&d, true, false, "HTTP/1.0 200 OK\r\n\r\nabc", 0);
	ENDS(&d, true, true, "HTTP/1.0 200 OK\r\n\r\nabc", 22);
	d = (struct dialogue){ .proto = PROTOCOL_HTTP };
	/* A tunnel. */
	ENDS(&d, false, false, "CONNECT a:1 HTTP/1.1\r\n\r\n", 24);
	ENDS(&d, true, false, "HTTP/1.1 200 OK\r\n\r\n\x16\x03\x01", 19);
	assert_int_equal(d.proto, PROTOCOL_NONE);
	/* Not HTTP at all; and other bytes before a message. */
	d = (struct dialogue){ .proto = PROTOCOL_HTTP };
	assert_int_equal(protocols[PROTOCOL_HTTP]->message(
				 &d, false, (const uint8_t *)"\x16\x03\x01", 3, false),
			 -E_MALFORMED);
	ENDS(&d, true, false, "<body>..HTTP/1.1 204 No Content\r\n\r\n", 8, 27);
	ENDS(&d, false, false, "x=1&y=2GET / HTTP/1.1\r\n\r\n", 7, 18);
}

/* Codings taken off in pieces, as zlib put them on; more than the bound does not come out. */
static void codings(void **state)
{
	static const struct {
		enum http_coding coding;
		int bits;
	} ways[] = { { HTTP_GZIP, 31 }, { HTTP_DEFLATE, 15 }, { HTTP_DEFLATE, -15 } };
	static uint8_t plain[200000], coded[400000], got[200000];

	(void)state;
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(i / 5000 % 2 ? below(256) : i / 100);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		z_stream z = { .next_in = plain,
			       .avail_in = sizeof(plain),
			       .next_out = coded,
			       .avail_out = sizeof(coded) };
		struct http_decoder d;
		const uint8_t *in = coded, *end;
		size_t at = 0;

		assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, ways[i].bits, 8, 0), Z_OK);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		end = z.next_out;
		deflateEnd(&z);
		http_decoder_init(&d, ways[i].coding, sizeof(plain));
		while (in < end) {
			size_t piece = MIN(1 + below(3000), (uint64_t)(end - in));
			int64_t n = http_decoder_take(&d, &in, &piece, got + at,
						      MIN(1 + below(9000), sizeof(got) - at));

			assert_true(n >= 0);
			at += (size_t)n;
			if (d.over)
				break;
		}
		assert_int_equal(at, sizeof(plain));
		assert_memory_equal(got, plain, at);
		assert_int_equal(
			http_decode(ways[i].coding, coded, (size_t)(end - coded), got, 1000), 1000);
		assert_int_equal(http_decode(HTTP_GZIP, plain, 1000, got, sizeof(got)),
				 -E_MALFORMED);
	}
}

/* A body that is longer than what is kept comes in parts, and the next message is found. */
static void http_parts(void **state)
{
	static const char *const heads[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n493E0\r\n",
	};
	static const char next[] = "HTTP/1.1 204 No Content\r\n\r\n";

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct dialogue d = { .proto = PROTOCOL_HTTP };
		struct buf b = buf_of(1 << 20);
		size_t at = 0, n_messages = 0, last = 0;

		buf_str(&b, heads[i]);
		buf_fill(&b, 'x', 300000);
		buf_str(&b, i ? "\r\n0\r\n\r\n" : "");
		buf_lit(&b, "HTTP/1.1 204 No Content\r\n\r\n");
		while (at < b.len) {
			size_t len = MIN(b.len - at, (size_t)100000);
			int64_t n = protocols[d.proto]->message(&d, true, (uint8_t *)b.data + at,
								len, len == 100000);

			assert_in_range(n, 1, len);
			d.scanned[1] = 0;
			last = (size_t)n;
			at += last;
			n_messages++;
		}
		assert_int_equal(last, sizeof(next) - 1);
		assert_in_range(n_messages, 4, 8);
		buf_done(&b);
	}
}

/* What messages say of connections and protocols to come. */
static void announcements(void **state)
{
	struct dialogue d = { .proto = PROTOCOL_FTP };

	(void)state;
	ENDS(&d, true, false, "227 Entering Passive Mode (10,0,0,2,200,1).\r\n", 45);
	assert_int_equal(d.announces, PROTOCOL_FTP_DATA);
	assert_int_equal(d.port, 51201);
	assert_memory_equal(d.addr.bytes, "\x0a\0\0\2", 4);
	d.announces = 0;
	ENDS(&d, false, false, "EPRT |2|fe80::1|5001|\r\n", 23);
	assert_int_equal(d.announces, PROTOCOL_FTP_DATA);
	assert_int_equal(d.port, 5001);
	assert_int_equal(d.addr.family, AF_INET6);
	d.announces = 0;
	ENDS(&d, true, false, "229 Entering Extended Passive Mode (|||6446|)\r\n", 47);
	assert_int_equal(d.port, 6446);
	assert_int_equal(d.addr.family, 0);
	d = (struct dialogue){ .proto = PROTOCOL_FTP };
	ENDS(&d, false, false, "AUTH TLS\r\n", 10);
	ENDS(&d, true, false, "234 go\r\n", 8);
	assert_int_equal(d.proto, PROTOCOL_TLS);
	d = (struct dialogue){ .proto = PROTOCOL_SMTP };
	ENDS(&d, false, false, "EHLO a\r\nSTARTTLS\r\n", 8, 10);
	ENDS(&d, true, false, "220 hello\r\n", 11);
	ENDS(&d, true, false, "250 ready\r\n454 not now\r\n", 11, 13);
	assert_int_equal(d.proto, PROTOCOL_SMTP);
	ENDS(&d, false, false, "STARTTLS\r\n", 10);
	ENDS(&d, true, false, "220 go\r\n", 8);
	assert_int_equal(d.proto, PROTOCOL_TLS);
	d = (struct dialogue){ .proto = PROTOCOL_POP };
	ENDS(&d, false, false, "STLS\r\n", 6);
	ENDS(&d, true, false, "+OK hello\r\n-ERR no\r\n", 11, 9);
	assert_int_equal(d.proto, PROTOCOL_POP);
	ENDS(&d, false, false, "STLS\r\n", 6);
	ENDS(&d, true, false, "+OK go\r\n", 8);
	assert_int_equal(d.proto, PROTOCOL_TLS);
	d = (struct dialogue){ .proto = PROTOCOL_IMAP };
	ENDS(&d, false, false, "a1 STARTTLS\r\n", 13);
	ENDS(&d, true, false, "* OK x\r\na1 OK go\r\n", 8, 10);
	assert_int_equal(d.proto, PROTOCOL_TLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http),		 cmocka_unit_test(lines),
		cmocka_unit_test(http_ends),	 cmocka_unit_test(http_parts),
		cmocka_unit_test(announcements), cmocka_unit_test(codings),
	};

	rng = random_of(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
