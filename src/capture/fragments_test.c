#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "capture/fragments.h"
#include "wire/craft.h"

/* An IPv4 fragment of @len bytes at @off of a datagram, in @memory. */
static struct packet ip4(uint8_t *memory, uint16_t id, uint32_t off, uint32_t len, bool more,
			 const uint8_t *datagram)
{
	struct packet p;

	memset(memory, 0, 20);
	memory[0] = 0x45;
	store_be16(memory + 2, (uint16_t)(20 + len));
	store_be16(memory + 4, id);
	store_be16(memory + 6, (uint16_t)(more << 13 | off / 8));
	memory[9] = 17;
	memcpy(memory + 20, datagram + off, len);
	packet_walk(&p, PROTOCOL_IPV4, memory, 20 + len, 20 + len);
	return p;
}

static void test_two(void **state)
{
	struct fragments *f = fragments_new(NULL);
	uint8_t whole[100], memory[200];
	struct datagram d;
	struct packet p;

	(void)state;
	random_secret(whole, sizeof(whole));
	p = ip4(memory, 7, 64, 36, false, whole);
	assert_true(fragments_wants(&p));
	assert_int_equal(fragments_add(f, &p, &d), 0);
	p = ip4(memory, 7, 0, 64, true, whole);
	assert_int_equal(fragments_add(f, &p, &d), 1);
	assert_int_equal(d.len, 100);
	assert_int_equal(d.proto, PROTOCOL_UDP);
	assert_memory_equal(d.bytes, whole, 100);
	fragments_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
