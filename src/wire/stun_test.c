/* The example of RFC 5769 section 2.2, the first version's messages, channel data, streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/packet.h"
#include "wire/ports.h"
#include "wire/print.h"

#include "wire/stun.h"

#define RFC_RESPONSE                                                                           \
	"\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"     \
	"\x80\x22\x00\x0btest vector \x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"         \
	"\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0" \
	"\x6b\xe7\xd7\x80\x28\x00\x04\xc0\x7d\x4c\x96"
#define ID "\0\1\2\3\4\5\6\7\x08\x09\x0a\x0b"

static const struct {
	const char *bytes;
	size_t len;
	bool stream;
	const char *line;
} lines[] = {
#define MESSAGE(bytes, stream, line)                       \
	{                                                  \
		(bytes), sizeof(bytes) - 1, (stream), line \
	}
	MESSAGE(RFC_RESPONSE, false, "STUN Binding success 192.0.2.1:32853"),
	MESSAGE("\0\1\0\0\x21\x12\xa4\x42" ID, false, "STUN Binding request"),
	MESSAGE("\1\x13\0\x0c\x21\x12\xa4\x42" ID "\0\x09\0\x08\0\0\4\1Stop", false,
		"STUN Allocate error 401 Stop"),
	MESSAGE("\0\1\0\0\1\2\3\4" ID, false, "STUN Binding request"),
	MESSAGE("\x40\1\0\2hi", false, "STUN channel 0x4001 len 2"),
	MESSAGE("\x40\1\0\2hi\0\0\0\1\0\0\x21\x12\xa4\x42" ID, true,
		"STUN channel 0x4001 len 2 | STUN Binding request"),
	MESSAGE("\0\1\0\x08\x21\x12\xa4\x42" ID, true,
		"STUN Binding request [truncated stun at 20]"),
	MESSAGE("\0\1\0\x08\x21\x12\xa4\x42" ID, false,
		"STUN Binding request [malformed stun at 20]"),
};

static void said(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct walk_config config = { .ports = &port_map_default,
					      .stream = lines[i].stream };
		struct buf b = buf_of(1 << 16);
		struct packet p;

		packet_walk_as(&p, &config, PROTOCOL_STUN, lines[i].bytes, (uint32_t)lines[i].len,
			       (uint32_t)lines[i].len);
		print_line(&b, &p);
		assert_string_equal(buf_cstr(&b), lines[i].line);
		buf_done(&b);
	}
}

static void guessed(void **state)
{
	static const uint8_t rfc[] = RFC_RESPONSE;
	uint8_t other[sizeof(rfc)];
	struct dialogue d = { 0 };

	(void)state;
	assert_int_equal(protocol_guess(rfc, sizeof(rfc) - 1, false), PROTOCOL_STUN);
	assert_int_equal(protocol_guess(rfc, sizeof(rfc) - 2, false), PROTOCOL_DATA);
	assert_int_equal(protocol_guess(rfc, sizeof(rfc) - 2, true), PROTOCOL_STUN);
	memcpy(other, rfc, sizeof(rfc));
	other[4] = 0x22;
	assert_int_equal(protocol_guess(other, sizeof(rfc) - 1, false), PROTOCOL_DATA);
	assert_int_equal(protocol_stun.message(&d, true, rfc, 19, false), 0);
	assert_int_equal(protocol_stun.message(&d, true, rfc, sizeof(rfc), false), sizeof(rfc) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(said), cmocka_unit_test(guessed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
