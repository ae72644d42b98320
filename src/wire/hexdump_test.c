/* The same bytes in every form in which tools print them, and what bytes look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "wire/craft.h"
#include "wire/hexdump.h"

/* An echo request, as several tools wrote it. */
static const uint8_t echo[] = { 0x45, 0x00, 0x00, 0x1c, 0x00, 0x01, 0x00, 0x00, 0x40, 0x01,
				0x66, 0xde, 0x0a, 0x00, 0x00, 0x01, 0x0a, 0x00, 0x00, 0x02,
				0x08, 0x00, 0xf7, 0xfd, 0x00, 0x01, 0x00, 0x01 };

static const char *const forms[] = {
	"45 00 00 1c 00 01 00 00 40 01 66 de 0a 00 00 01 0a 00 00 02 08 00 f7 fd 00 01 00 01",
	"4500001C00010000400166DE0A0000010A0000020800F7FD00010001",
	"45:00:00:1c:00:01:00:00:40:01:66:de:0a:00:00:01:0a:00:00:02:08:00:f7:fd:00:01:00:01\n",
	"{ 0x45, 0x00, 0x00, 0x1c, 0x00, 0x01, 0x00, 0x00, 0x40, 0x01, 0x66, 0xde, 0x0a, 0x00,\n"
	"  0x00, 0x01, 0x0a, 0x00, 0x00, 0x02, 0x08, 0x00, 0xf7, 0xfd, 0x00, 0x01, 0x00, 0x01 };",
	"\"\\x45\\x00\\x00\\x1c\\x00\\x01\\x00\\x00\\x40\\x01\\x66\\xde\\x0a\\x00\\x00\\x01\"\n"
	"\"\\x0a\\x00\\x00\\x02\\x08\\x00\\xf7\\xfd\\x00\\x01\\x00\\x01\"",
	"0x4500001c 0x00010000 0x400166de 0x0a000001 0x0a000002 0x0800f7fd 0x00010001",
	/* tcpdump -x, with the line of the packet, and the next packet */
	"10:00:00.000000 IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 1, length 8\n"
	"\t0x0000:  4500 001c 0001 0000 4001 66de 0a00 0001\n"
	"\t0x0010:  0a00 0002 0800 f7fd 0001 0001\n"
	"10:00:01.000000 IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 2, length 8\n"
	"\t0x0000:  4500 001c 0001 0000 4001 66de 0a00 0001\n",
	/* tcpdump -X */
	"\t0x0000:  4500 001c 0001 0000 4001 66de 0a00 0001  E.......@.f.....\n"
	"\t0x0010:  0a00 0002 0800 f7fd 0001 0001            ............\n",
	/* xxd */
	"00000000: 4500 001c 0001 0000 4001 66de 0a00 0001  E.......@.f.....\n"
	"00000010: 0a00 0002 0800 f7fd 0001 0001            ............\n",
	/* hexdump -C */
	"00000000  45 00 00 1c 00 01 00 00  40 01 66 de 0a 00 00 01  |E.......@.f.....|\n"
	"00000010  0a 00 00 02 08 00 f7 fd  00 01 00 01              |............|\n"
	"0000001c\n",
	/* Wireshark, copied as hex dump */
	"0000   45 00 00 1c 00 01 00 00 40 01 66 de 0a 00 00 01   E.......@.f.....\r\n"
	"0010   0a 00 00 02 08 00 f7 fd 00 01 00 01               ............\r\n",
	/* the same with characters that look like bytes */
	"0000   45 00 00 1c 00 01 00 00 40 01 66 de 0a 00 00 01   45 ab cd\n"
	"0010   0a 00 00 02 08 00 f7 fd 00 01 00 01               12 34\n",
};

static void every_form(void **state)
{
	uint8_t bytes[64];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct fault fault = { 0 };

		if (hexdump_parse(forms[i], strlen(forms[i]), bytes, sizeof(bytes), &len, &fault) <
		    0)
			fail_msg("form %zu: %s at %zu", i, fault.text, fault.offset);
		if (len != sizeof(echo) || memcmp(bytes, echo, len))
			fail_msg("form %zu: %zu bytes", i, len);
	}
}

static void refusals(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *message;
	} cases[] = {
		{ "", 0, "no bytes are given" },
		{ " :, ", 0, "no bytes are given" },
		{ "45 0g", 4, "this is not hexadecimal" },
		{ "45 xyz", 3, "this is not hexadecimal" },
		{ "45 0", 3, "half a byte: every byte is two hex digits" },
		{ "45 123 00", 3, "half a byte: every byte is two hex digits" },
		{ "01 02 03 04 05", 12, "more than 4 bytes" },
	};
	uint8_t bytes[4];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fault fault = { 0 };

		assert_int_equal(
			hexdump_parse(cases[i].text, strlen(cases[i].text), bytes, 4, &len, &fault),
			-E_SYNTAX);
		assert_string_equal(fault.text, cases[i].message);
		assert_int_equal(fault.offset, cases[i].offset);
	}
}

/* Any text: nothing is read or written beyond the ends. */
static void any_text(void **state)
{
	static const char letters[] = "0123456789abcdefx: \n\t|,.0000  ";
	struct random rng = random_of(7);

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t n = random_below(&rng, 80), len = 0;
		char *text = malloc(n ? n : 1);
		uint8_t *bytes = malloc(16);

		assert_true(text && bytes);
		for (size_t i = 0; i < n; i++)
			text[i] = letters[random_below(&rng, sizeof(letters) - 1)];
		if (!hexdump_parse(text, n, bytes, 16, &len, NULL))
			assert_in_range(len, 1, 16);
		free(text);
		free(bytes);
	}
}

static uint8_t guess(const char *const *layers)
{
	uint8_t memory[200];
	struct craft c;
	int len;

	craft_init(&c, memory, sizeof(memory));
	for (; *layers; layers++)
		assert_int_equal(craft_layer(&c, *layers, NULL), 0);
	len = craft_finish(&c, NULL);
	assert_true(len > 0);
	return hexdump_guess(memory, (size_t)len);
}

static void guesses(void **state)
{
	const uint8_t noise[20] = { 0xff, 0xff, 0xff };

	(void)state;
	assert_int_equal(guess((const char *[]){ "ip", "tcp", NULL }), PROTOCOL_IPV4);
	assert_int_equal(guess((const char *[]){ "ipv6", "udp", NULL }), PROTOCOL_IPV6);
	assert_int_equal(guess((const char *[]){ "eth", "ip", "tcp", NULL }), PROTOCOL_ETHERNET);
	assert_int_equal(guess((const char *[]){ "eth", "ipv6", "tcp", NULL }), PROTOCOL_ETHERNET);
	assert_int_equal(guess((const char *[]){ "eth", "arp", NULL }), PROTOCOL_ETHERNET);
	assert_int_equal(guess((const char *[]){ "eth", "llc", NULL }), PROTOCOL_ETHERNET);
	assert_int_equal(hexdump_guess(noise, sizeof(noise)), PROTOCOL_NONE);
	assert_int_equal(hexdump_guess(echo, 10), PROTOCOL_IPV4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form),
		cmocka_unit_test(refusals),
		cmocka_unit_test(any_text),
		cmocka_unit_test(guesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
