/*
 * TLS messages by hand and a certificate from RFC 8410: what the line and JSON say of them, where
 * messages end in a stream, what is taken for encrypted, and what is made of all that when it is
 * cut anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/ber.h"
#include "wire/print.h"
#include "wire/tls.h"
#include "wire/x509.h"

/* RFC 8410 section 10.2; errata 6936 reports that it says what is the default. */
static const uint8_t certificate[] = {
	0x30, 0x82, 0x01, 0x2c, 0x30, 0x81, 0xdf, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x08, 0x56,
	0x01, 0x47, 0x4a, 0x2a, 0x8d, 0xc3, 0x30, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x30,
	0x19, 0x31, 0x17, 0x30, 0x15, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0e, 0x49, 0x45, 0x54,
	0x46, 0x20, 0x54, 0x65, 0x73, 0x74, 0x20, 0x44, 0x65, 0x6d, 0x6f, 0x30, 0x1e, 0x17, 0x0d,
	0x31, 0x36, 0x30, 0x38, 0x30, 0x31, 0x31, 0x32, 0x31, 0x39, 0x32, 0x34, 0x5a, 0x17, 0x0d,
	0x34, 0x30, 0x31, 0x32, 0x33, 0x31, 0x32, 0x33, 0x35, 0x39, 0x35, 0x39, 0x5a, 0x30, 0x19,
	0x31, 0x17, 0x30, 0x15, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0e, 0x49, 0x45, 0x54, 0x46,
	0x20, 0x54, 0x65, 0x73, 0x74, 0x20, 0x44, 0x65, 0x6d, 0x6f, 0x30, 0x2a, 0x30, 0x05, 0x06,
	0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00, 0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54,
	0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a,
	0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a, 0xa3, 0x45, 0x30, 0x43, 0x30, 0x0f,
	0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04, 0x05, 0x30, 0x03, 0x01, 0x01, 0x00,
	0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01, 0x01, 0x00, 0x04, 0x04, 0x03, 0x02, 0x03,
	0x08, 0x30, 0x20, 0x06, 0x03, 0x55, 0x1d, 0x0e, 0x01, 0x01, 0x00, 0x04, 0x16, 0x04, 0x14,
	0x9b, 0x1f, 0x5e, 0xed, 0xed, 0x04, 0x33, 0x85, 0xe4, 0xf7, 0xbc, 0x62, 0x3c, 0x59, 0x75,
	0xb9, 0x0b, 0xc8, 0xbb, 0x3b, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x41, 0x00,
	0xaf, 0x23, 0x01, 0xfe, 0xdd, 0xc9, 0xe6, 0xff, 0xc1, 0xcc, 0xa7, 0x3d, 0x74, 0xd6, 0x48,
	0xa4, 0x39, 0x80, 0x82, 0xcd, 0xdb, 0x69, 0xb1, 0x4e, 0x4d, 0x06, 0xec, 0xf8, 0x1a, 0x25,
	0xce, 0x50, 0xd4, 0xc2, 0xc3, 0xeb, 0x74, 0x6c, 0x4e, 0xdd, 0x83, 0x46, 0x85, 0x6e, 0xc8,
	0x6f, 0x3d, 0xce, 0x1a, 0x18, 0x65, 0xc5, 0x7a, 0xc2, 0x7b, 0x50, 0xa0, 0xc3, 0x50, 0x07,
	0xf5, 0xe7, 0xd9, 0x07,
};

/* Bytes being put together; a structure's length is filled in at its end. */
struct out {
	uint8_t bytes[4096];
	size_t len;
};

static void put(struct out *o, uint64_t value, size_t n)
{
	while (n--)
		o->bytes[o->len++] = (uint8_t)(value >> 8 * n);
}

static void put_bytes(struct out *o, const void *bytes, size_t n)
{
	memcpy(o->bytes + o->len, bytes, n);
	o->len += n;
}

/* The place of a length of @n bytes; end() fills it in. */
static size_t begin(struct out *o, size_t n)
{
	put(o, 0, n);
	return o->len;
}

static void end(struct out *o, size_t at, size_t n)
{
	size_t len = o->len - at;

	for (size_t i = 0; i < n; i++)
		o->bytes[at - 1 - i] = (uint8_t)(len >> 8 * i);
}

static size_t begin_record(struct out *o, uint8_t type, uint16_t version)
{
	put(o, type, 1);
	put(o, version, 2);
	return begin(o, 2);
}

static void put_record(struct out *o, uint8_t type, uint16_t version, const void *bytes, size_t n)
{
	size_t record = begin_record(o, type, version);

	put_bytes(o, bytes, n);
	end(o, record, 2);
}

static const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static void put_client_hello(struct out *o)
{
	static const uint8_t name[] = "\0\0\0\x10\0\x0e\0\0\x0b"
				      "example.com";
	static const uint8_t alpn[] = "\0\x10\0\x0e\0\x0c\x02h2\x08http/1.1";
	static const uint8_t versions[] = "\0\x2b\0\7\6\x0a\x0a\3\4\3\3";
	static const uint8_t grease[] = "\x1a\x1a\0\0";
	size_t record = begin_record(o, 22, 0x0301), message, extensions;

	put(o, 1, 1);
	message = begin(o, 3);
	put(o, 0x0303, 2);
	put_bytes(o, (uint8_t[32]){ 0x65 }, 32);
	put(o, 0, 1);
	put(o, 4, 2);
	put(o, 0x2a2a1301, 4);
	put(o, 0x0100, 2);
	extensions = begin(o, 2);
	put_bytes(o, grease, sizeof(grease) - 1);
	put_bytes(o, name, sizeof(name) - 1);
	put_bytes(o, alpn, sizeof(alpn) - 1);
	put_bytes(o, versions, sizeof(versions) - 1);
	end(o, extensions, 2);
	end(o, message, 3);
	end(o, record, 2);
}

/* @v1_3: says so in an extension. */
static void put_server_hello(struct out *o, const uint8_t random[static 32], uint16_t cipher,
			     bool v1_3)
{
	size_t record = begin_record(o, 22, 0x0303), message;

	put(o, 2, 1);
	message = begin(o, 3);
	put(o, 0x0303, 2);
	put_bytes(o, random, 32);
	put(o, 0, 1);
	put(o, cipher, 2);
	put(o, 0, 1);
	if (v1_3)
		put_bytes(o, "\0\6\0\x2b\0\2\3\4", 8);
	end(o, message, 3);
	end(o, record, 2);
}

/* A handshake message with the certificate, without a record around it. */
static void put_certificate(struct out *o)
{
	put(o, 11, 1);
	put(o, sizeof(certificate) + 6, 3);
	put(o, sizeof(certificate) + 3, 3);
	put(o, sizeof(certificate), 3);
	put_bytes(o, certificate, sizeof(certificate));
}

/* In records of at most @max bytes. */
static void put_in_records(struct out *o, const struct out *message, size_t max)
{
	for (size_t at = 0; at < message->len; at += max)
		put_record(o, 22, 0x0303, message->bytes + at, MIN(max, message->len - at));
}

static const struct dialogue fresh = { 0 };

static void walk(struct packet *ret_packet, const void *bytes, size_t len, bool reply,
		 const struct dialogue *dialogue)
{
	static struct walk_config config;

	config = (struct walk_config){ .stream = true, .reply = reply, .dialogue = dialogue };
	packet_walk_as(ret_packet, &config, PROTOCOL_TLS, bytes, (uint32_t)len, (uint32_t)len);
}

static void assert_line(const void *bytes, size_t len, bool reply, const struct dialogue *dialogue,
			const char *expected)
{
	struct buf b = buf_of(1 << 16);
	struct packet p;

	walk(&p, bytes, len, reply, dialogue);
	print_line(&b, &p);
	assert_string_equal(buf_cstr(&b), expected);
	buf_done(&b);
}

static void assert_json(const void *bytes, size_t len, const char *expected)
{
	struct buf b = buf_of(1 << 16);
	struct packet p;

	walk(&p, bytes, len, false, &fresh);
	print_json(&b, &p, NULL);
	if (!strstr(buf_cstr(&b), expected))
		fail_msg("%s\nis not in\n%s", expected, buf_cstr(&b));
	buf_done(&b);
}

static void test_client_hello(void **state)
{
	struct out o = { 0 };

	(void)state;
	put_client_hello(&o);
	assert_line(o.bytes, o.len, false, &fresh,
		    "TLS Client Hello example.com TLS 1.3 h2,http/1.1");
	assert_json(o.bytes, o.len, "\"handshake.ciphersuite\":[10794,4865]");
	assert_json(o.bytes, o.len, "\"handshake.extensions_server_name\":[\"example.com\"]");
	assert_json(o.bytes, o.len,
		    "\"handshake.extensions_alpn_str_len\":[2,8],"
		    "\"handshake.extensions_alpn_str\":[\"h2\",\"http/1.1\"]");
	assert_json(o.bytes, o.len, "\"handshake.extensions.supported_version\":[2570,772,771]");
	assert_true(protocol_guess(o.bytes, o.len, true) == PROTOCOL_TLS);
}

static void test_server_hello(void **state)
{
	static const uint8_t random[32] = { 1 };
	struct out o = { 0 };

	(void)state;
	put_server_hello(&o, random, 0x1301, true);
	assert_line(o.bytes, o.len, true, &fresh,
		    "TLS Server Hello TLS_AES_128_GCM_SHA256 TLS 1.3");
	o.len = 0;
	put_server_hello(&o, retry_random, 0x1302, true);
	assert_line(o.bytes, o.len, true, &fresh,
		    "TLS Hello Retry Request TLS_AES_256_GCM_SHA384 TLS 1.3");
	o.len = 0;
	put_server_hello(&o, random, 0xfefe, false);
	assert_line(o.bytes, o.len, true, &fresh, "TLS Server Hello cipher 0xfefe TLS 1.2");
}

static void test_alerts_and_data(void **state)
{
	struct out o = { 0 };

	(void)state;
	put_record(&o, 21, 0x0303, "\2\x28", 2);
	assert_line(o.bytes, o.len, false, &fresh, "TLS Alert fatal handshake failure");
	assert_json(o.bytes, o.len, "\"alert_message.level\":2,\"alert_message.desc\":40");
	put_record(&o, 23, 0x0303, "abcd", 4);
	put_record(&o, 23, 0x0303, "efg", 3);
	put_record(&o, 21, 0x0303, "encrypted", 9);
	assert_line(o.bytes, o.len, false, &fresh,
		    "TLS Alert fatal handshake failure, Application Data 7 bytes, Encrypted Alert");
	assert_line("GET / HTTP/1.1", 14, false, &fresh, "TLS continuation 14 bytes");
}

static void test_certificate(void **state)
{
	static const char *const expected[] = {
		"\"x509af.version\":2,\"x509af.serialNumber\":\"5601474a2a8dc330\"",
		"\"x509.subject\":\"CN=IETF Test Demo\"",
		"\"x509.not_before\":\"2016-08-01T12:19:24.000000000Z\","
		"\"x509af.notBefore\":[{\"x509af.utcTime\":\"2016-08-01 12:19:24 (UTC)\"}]",
		"\"x509.not_after\":\"2040-12-31T23:59:59.000000000Z\"",
		"\"x509.key\":\"X25519\"",
		"\"x509af.extension.id\":\"2.5.29.19\",\"x509af.critical\":true,\"x509ce.cA\":false}",
		"\"x509af.critical\":false,\"x509ce.KeyUsage\":\"08\"",
		"\"x509ce.KeyUsage.keyAgreement\":true",
		"\"x509ce.SubjectKeyIdentifier\":\"9b1f5eeded043385e4f7bc623c5975b90bc8bb3b\"",
		"\"x509.algorithm\":\"Ed25519\"",
	};
	struct out message = { 0 }, o = { 0 };

	(void)state;
	put_certificate(&message);
	put_in_records(&o, &message, 16384);
	assert_line(o.bytes, o.len, true, &fresh,
		    "TLS Certificate CN=IETF Test Demo (until 2040-12-31)");
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_json(o.bytes, o.len, expected[i]);
}

/* However the records cut it, even in its header: the same fields, one message. */
static void test_fragments(void **state)
{
	struct out message = { 0 };

	(void)state;
	put_certificate(&message);
	for (size_t max = 6; max < message.len; max = max * 3 / 2) {
		struct dialogue d = { 0 };
		struct out o = { 0 };

		put_in_records(&o, &message, max);
		assert_line(o.bytes, o.len, true, &fresh,
			    "TLS Certificate CN=IETF Test Demo (until 2040-12-31)");
		assert_json(o.bytes, o.len, "\"x509af.encrypted\":\"af2301fe");
		for (size_t len = 1; len < o.len; len++)
			assert_int_equal(protocol_tls.message(&d, true, o.bytes, len, false), 0);
		put_record(&o, 23, 0x0303, "data", 4);
		assert_int_equal(protocol_tls.message(&d, true, o.bytes, o.len, false), o.len - 9);
	}
}

/* Cut by the capture anywhere: truncated, never malformed. */
static void test_cut(void **state)
{
	struct out message = { 0 }, o = { 0 };

	(void)state;
	put_client_hello(&o);
	put_certificate(&message);
	put_in_records(&o, &message, 100);
	for (size_t len = 1; len < o.len; len++) {
		uint8_t *bytes = malloc(len); /* where reading on would be noticed */
		struct buf b = buf_of(1 << 16);
		struct packet p;

		memcpy(bytes, o.bytes, len);
		walk(&p, bytes, len, false, &fresh);
		print_json(&b, &p, NULL);
		print_line(&b, &p);
		if (strstr(buf_cstr(&b), "malformed"))
			fail_msg("%zu bytes: %s", len, buf_cstr(&b));
		buf_done(&b);
		free(bytes);
	}
}

/* Takes the next message off a side's stream. */
static void take(struct dialogue *d, bool reply, const struct out *o, const char *line)
{
	struct dialogue before = *d;

	assert_int_equal(protocol_tls.message(d, reply, o->bytes, o->len, false), o->len);
	assert_line(o->bytes, o->len, reply, &before, line);
}

/* From Change Cipher Spec on, what looks like a Finished message is encrypted. */
static void test_encrypted(void **state)
{
	static const uint8_t random[32] = { 1 };
	static const uint8_t finished[16] = { 20, 0, 0, 12 };
	struct dialogue d = { 0 };
	struct out o = { 0 };

	(void)state;
	put_server_hello(&o, random, 0xc02f, false);
	take(&d, true, &o, "TLS Server Hello TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 TLS 1.2");
	o.len = 0;
	put_record(&o, 22, 0x0303, finished, sizeof(finished));
	take(&d, false, &o, "TLS Finished");
	o.len = 0;
	put_record(&o, 20, 0x0303, "\1", 1);
	take(&d, false, &o, "TLS Change Cipher Spec");
	o.len = 0;
	put_record(&o, 22, 0x0303, finished, sizeof(finished));
	take(&d, false, &o, "TLS Encrypted Handshake Message");
	take(&d, true, &o, "TLS Finished");
}

/* In 1.3 the same message means nothing: the second hello is as readable as the first. */
static void test_retry(void **state)
{
	struct dialogue d = { 0 };
	struct out o = { 0 };

	(void)state;
	put_client_hello(&o);
	take(&d, false, &o, "TLS Client Hello example.com TLS 1.3 h2,http/1.1");
	o.len = 0;
	put_server_hello(&o, retry_random, 0x1301, true);
	take(&d, true, &o, "TLS Hello Retry Request TLS_AES_128_GCM_SHA256 TLS 1.3");
	o.len = 0;
	put_record(&o, 20, 0x0303, "\1", 1);
	take(&d, false, &o, "TLS Change Cipher Spec");
	o.len = 0;
	put_client_hello(&o);
	take(&d, false, &o, "TLS Client Hello example.com TLS 1.3 h2,http/1.1");
	o.len = 0;
	put_record(&o, 23, 0x0303, "secret", 6);
	take(&d, false, &o, "TLS Application Data 6 bytes");
}

/* A client key exchange can be read when the server's choice of cipher suite was seen. */
static void test_key_exchange(void **state)
{
	static const uint8_t random[32] = { 1 };
	static const uint8_t exchange[] = { 16, 0, 0, 4, 3, 'k', 'e', 'y' };
	struct dialogue d = { 0 };
	struct out o = { 0 };
	struct buf b = buf_of(1 << 16);
	struct packet p;

	(void)state;
	put_server_hello(&o, random, 0xc02f, false);
	take(&d, true, &o, "TLS Server Hello TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 TLS 1.2");
	o.len = 0;
	put_record(&o, 22, 0x0303, exchange, sizeof(exchange));
	walk(&p, o.bytes, o.len, false, &d);
	print_json(&b, &p, NULL);
	assert_non_null(strstr(buf_cstr(&b), "\"handshake.client_point_len\":3,"
					     "\"handshake.client_point\":\"6b6579\""));
	buf_done(&b);
}

static void test_not_tls(void **state)
{
	struct dialogue d = { 0 };
	const uint8_t *text = (const uint8_t *)"SSH-2.0-x\r\n";

	(void)state;
	assert_int_equal(protocol_tls.message(&d, false, text, 11, false), -E_MALFORMED);
	assert_int_equal(protocol_tls.message(&d, false, (const uint8_t *)"\x16\3\1", 3, true), 3);
	assert_true(protocol_guess(text, 11, true) != PROTOCOL_TLS);
}

/* RFC 5280 section 4.1.2.5.1: years of two digits are 1950 to 2049. */
static void test_years(void **state)
{
	static const struct {
		uint8_t tag;
		const char *text;
		int64_t s;
		int err;
	} cases[] = {
		{ BER_UTC_TIME, "491231235959Z", 2524607999, 0 },
		{ BER_UTC_TIME, "500101000000Z", -631152000, 0 },
		{ BER_UTC_TIME, "700101000001Z", 1, 0 },
		{ BER_GENERALIZED_TIME, "20500101000000Z", 2524608000, 0 },
		{ BER_UTC_TIME, "4912312359Z", 0, -E_MALFORMED },
		{ BER_UTC_TIME, "491331235959Z", 0, -E_MALFORMED },
		{ BER_UTC_TIME, "4912312359x9Z", 0, -E_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t memory[128];
		struct ber_out o = ber_out_in(memory, sizeof(memory));
		const uint8_t *all = o.at, *dates;
		struct x509_summary summary;

		ber_put_octets(&o, BER_SEQUENCE, NULL, 0); /* subject */
		dates = o.at;
		ber_put_octets(&o, cases[i].tag, cases[i].text, strlen(cases[i].text));
		ber_put_octets(&o, BER_UTC_TIME, "000101000000Z", 13);
		ber_put_head(&o, BER_SEQUENCE, (size_t)(dates - o.at));
		ber_put_octets(&o, BER_SEQUENCE, NULL, 0); /* issuer */
		ber_put_octets(&o, BER_SEQUENCE, NULL, 0); /* algorithm */
		ber_put_int(&o, BER_INTEGER, 1);
		ber_put_head(&o, BER_SEQUENCE, (size_t)(all - o.at));
		ber_put_head(&o, BER_SEQUENCE, (size_t)(all - o.at));
		assert_int_equal(o.err, 0);
		assert_int_equal(x509_read_summary(o.at, ber_out_len(&o), &summary), cases[i].err);
		if (!cases[i].err)
			assert_true(summary.not_after_s == cases[i].s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_hello),	cmocka_unit_test(test_server_hello),
		cmocka_unit_test(test_alerts_and_data), cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_fragments),	cmocka_unit_test(test_cut),
		cmocka_unit_test(test_encrypted),	cmocka_unit_test(test_retry),
		cmocka_unit_test(test_key_exchange),	cmocka_unit_test(test_not_tls),
		cmocka_unit_test(test_years),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
