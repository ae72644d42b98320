/* What first bytes say, whole and cut at every byte; conversations in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probe/banner_private.h"

/* The verdict on a copy without a byte beyond it, so that reading further is noticed. */
static enum banner_verdict read_exactly(const char *bytes, size_t len, enum banner_request request,
					uint16_t port, struct banner_finding *ret_finding)
{
	uint8_t *exact = malloc(len ? len : 1);
	enum banner_verdict verdict;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	memset(ret_finding, 0, sizeof(*ret_finding));
	verdict = banner_read(exact, len, request, port, ret_finding);
	free(exact);
	return verdict;
}

#define CASE(text) .bytes = (text), .len = sizeof(text) - 1

static const struct {
	const char *bytes;
	size_t len;
	uint16_t port;
	enum banner_request request;
	const char *service, *product;
} cases[] = {
	{ CASE("SSH-2.0-dropbear_2022.83\r\n"), 22, 0, "ssh", "dropbear_2022.83" },
	{ CASE("SSH-1.99-old\n"), 22, 0, "ssh", "1.99-old" },
	{ CASE("220-first\r\n"), 21, 0, "ftp", "first" },
	{ CASE("220 first\r\n"), 587, 0, "smtp", "first" },
	{ CASE("220 first\r\n"), 1000, 0, "", "first" },
	{ CASE("220 ProFTPD\r\n"), 25, 0, "ftp", "ProFTPD" },
	{ CASE("200 news\r\n"), 119, 0, "nntp", "news" },
	{ CASE(":irc.example NOTICE * :hi\r\n"), 6667, 0, "irc", "irc.example NOTICE * :hi" },
	{ CASE("\x05\0\0\0\xff\x6a\x04no"), 3306, 0, "", "" }, /* shorter than any error */
	{ CASE("\x09\0\0\0\xff\x6a\x04not me"), 3306, 0, "mysql", "not me" },
	{ CASE("\x0a\0\0\0\x0a"
	       "8.0\0abcde"),
	  3306, 0, "mysql", "8.0" },
	{ CASE("-NOAUTH wanted\r\n"), 6379, BANNER_REDIS, "redis", "NOAUTH wanted" },
	{ CASE("S"), 5432, BANNER_POSTGRESQL, "postgresql", "TLS offered" },
	{ CASE("\x20\x02\0\0"), 1883, BANNER_MQTT, "mqtt", "accepts all" },
	{ CASE("RTSP/1.0 401 Unauthorized\r\nserver:  cam \r\n\r\n"), 554, BANNER_RTSP, "rtsp",
	  "cam" },
	{ CASE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: a\x01\xff\r\n\r\n"), 80,
	  BANNER_HTTP, "http", "a\\x01\\xff" },
};

static void test_first_bytes(void **state)
{
	struct banner_finding f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum banner_verdict verdict = read_exactly(cases[i].bytes, cases[i].len,
							   cases[i].request, cases[i].port, &f);

		assert_string_equal(f.service, cases[i].service);
		if (*cases[i].product)
			assert_string_equal(f.product, cases[i].product);
		assert_true(verdict == BANNER_CLEAR || !*cases[i].product);
		for (size_t n = 0; n < cases[i].len; n++)
			assert_int_not_equal(read_exactly(cases[i].bytes, n, cases[i].request,
							  cases[i].port, &f),
					     BANNER_WANTS_TLS);
	}
	assert_int_equal(read_exactly("\x15\x03\x01", 3, BANNER_HTTP, 80, &f), BANNER_WANTS_TLS);
	assert_int_equal(read_exactly("HTTP/1.1 400 Bad\r\n\r\n<p>The plain HTTP request was sent",
				      52, BANNER_HTTP, 80, &f),
			 BANNER_WANTS_TLS);
}

/* Cut where it fits, never inside a character. */
static void test_take(void **state)
{
	char text[8];

	(void)state;
	banner_take(text, sizeof(text), " \r\n abc \n", 9);
	assert_string_equal(text, "abc");
	banner_take(text, sizeof(text), "abcdefghij", 10);
	assert_string_equal(text, "abcdefg");
	banner_take(text, sizeof(text), "abcdef\xc3\xa4", 8);
	assert_string_equal(text, "abcdef");
	banner_take(text, sizeof(text), "abcde\xc3\xa4", 7);
	assert_string_equal(text, "abcde\xc3\xa4");
	banner_take(text, sizeof(text), "", 0);
	assert_string_equal(text, "");
}

static const char *asked(struct banner *b)
{
	size_t len;
	const uint8_t *out = banner_output(b, &len);
	static char text[512];

	assert_true(len < sizeof(text));
	if (len)
		memcpy(text, out, len);
	text[len] = '\0';
	return text;
}

/* Without TLS: a greeting is waited for, then a web page is asked for; then it is enough. */
static void test_silence(void **state)
{
	uint64_t now_ns = NS_PER_S;
	struct banner *b;

	(void)state;
	assert_int_equal(banner_new(NULL, 4000, "host.example", &b), 0);
	banner_connected(b, now_ns);
	assert_string_equal(asked(b), "");
	banner_time(b, now_ns); /* too early */
	assert_string_equal(asked(b), "");
	now_ns = banner_deadline(b);
	assert_in_range(now_ns - NS_PER_S, 1, NS_PER_S);
	banner_time(b, now_ns);
	assert_non_null(strstr(asked(b), "GET / HTTP/1.1\r\nHost: host.example\r\n"));
	now_ns = banner_deadline(b);
	banner_time(b, now_ns);
	assert_int_equal(banner_state(b), BANNER_DONE);
	assert_string_equal(banner_finding(b)->service, "");
	assert_null(banner_free(b));
}

/* With TLS it is tried, too, and back again; each of them once. */
static void test_both_ways(void **state)
{
	static const uint16_t ports[] = { 4000, 443 };
	struct banner_tls *tls;
	struct banner *b;

	(void)state;
	assert_int_equal(banner_tls_new(&tls), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(banner_new(tls, ports[i], NULL, &b), 0);
		for (unsigned turn = 0; turn < 2; turn++) {
			bool hello = turn ^ (ports[i] == 443);

			banner_connected(b, NS_PER_S);
			assert_int_equal(*asked(b) == 0x16, hello);
			banner_closed(b, NS_PER_S);
			assert_int_equal(banner_state(b), turn ? BANNER_DONE : BANNER_AGAIN);
		}
		banner_free(b);
	}
	assert_null(banner_tls_free(tls));
}

/* Bytes without end, in pieces of any size, are not kept without end. */
static void test_endless(void **state)
{
	uint8_t noise[1500];
	size_t given = 0;
	struct banner *b;

	(void)state;
	memset(noise, 'x', sizeof(noise));
	assert_int_equal(banner_new(NULL, 4000, NULL, &b), 0);
	banner_connected(b, 0);
	for (; banner_state(b) == BANNER_TALKING; given += sizeof(noise))
		banner_input(b, 0, noise, sizeof(noise));
	assert_in_range(given, BANNER_INPUT_MAX, BANNER_INPUT_MAX + sizeof(noise));
	assert_int_equal(strlen(banner_finding(b)->product), 127);
	banner_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_bytes), cmocka_unit_test(test_take),
		cmocka_unit_test(test_silence),	    cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
