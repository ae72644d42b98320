/* Compound packets of RTCP, one of them padded; RTP with all that a header can have; times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/packet.h"
#include "wire/ports.h"
#include "wire/print.h"

#include "wire/ntp_time.h"
#include "wire/rtp.h"

#define RR   "\x81\xc9\0\7\0\0\0\1\0\0\0\2\x19\xff\xff\xfe\0\1\x12\x34\0\0\0\x37\0\0\0\0\0\1\0\0"
#define SDES "\x81\xca\0\3\0\0\0\1\1\3a@b\0\0\0"
#define BYE  "\xa1\xcb\0\2\0\0\0\1\0\0\0\4"

static const char compound[] = RR SDES BYE;
static const char media[] =
	"\xb1\xe0\0\7\0\0\0\xa0\xde\xad\xbe\xef\0\0\0\x09\xbe\xde\0\1\x10\xaa\0\0"
	"data\0\0\0\4";

static void check(uint8_t first, const char *bytes, size_t len, const char *line, const char *json)
{
	struct buf b = buf_of(1 << 14);
	struct packet p;

	packet_walk(&p, first, bytes, (uint32_t)len, (uint32_t)len);
	print_line(&b, &p);
	assert_string_equal(buf_cstr(&b), line);
	buf_reset(&b);
	print_json(&b, &p, NULL);
	assert_non_null(strstr(buf_cstr(&b), json));
	buf_done(&b);
}

static void packets(void **state)
{
	(void)state;
	check(PROTOCOL_RTCP, compound, sizeof(compound) - 1,
	      "RTCP receiver report from 0x00000001, description from 0x00000001, goodbye from "
	      "0x00000001",
	      "\"rtcp\":[{\"version\":2,\"padding\":false,\"pt\":201,\"length\":7,\"rc\":1,"
	      "\"senderssrc\":1,\"report\":[{\"ssrc.identifier\":2,\"ssrc.fraction\":25,"
	      "\"ssrc.cum_nr\":-2,\"ssrc.ext_high\":70196,\"ssrc.high_cycles\":1,"
	      "\"ssrc.high_seq\":4660,\"ssrc.jitter\":55,\"ssrc.lsr\":0,\"ssrc.dlsr\":65536}]},"
	      "{\"version\":2,\"padding\":false,\"pt\":202,\"length\":3,\"sc\":1,"
	      "\"chunk\":[{\"ssrc.identifier\":1,\"sdes\":[{\"sdes.type\":1,\"sdes.length\":3,"
	      "\"sdes.text\":\"a@b\"},{\"sdes.type\":0}]}]},"
	      "{\"version\":2,\"padding\":true,\"pt\":203,\"length\":2,\"sc\":1,"
	      "\"ssrc.identifier\":[1],\"padding.data\":\"000000\",\"padding.count\":4}]");
	check(PROTOCOL_RTP, media, sizeof(media) - 1,
	      "RTP type 96 seq 7 time 160 source 0xdeadbeef, marked",
	      "\"csrc.item\":[9],\"ext.profile\":48862,\"ext.len\":1,\"ext.rfc5285\":["
	      "{\"ext.rfc5285.id\":1,\"ext.rfc5285.len\":1,\"ext.rfc5285.data\":\"aa\"}],"
	      "\"payload\":\"64617461\",\"padding.data\":\"000000\",\"padding.count\":4}");
}

static void guessed(void **state)
{
	const uint8_t *bytes = (const uint8_t *)compound;

	(void)state;
	assert_int_equal(protocol_guess(bytes, sizeof(compound) - 1, false), PROTOCOL_RTCP);
	assert_int_equal(protocol_guess(bytes, sizeof(compound) - 2, false), PROTOCOL_DATA);
	assert_int_equal(protocol_guess(bytes + 32, sizeof(compound) - 33, false), PROTOCOL_DATA);
	assert_int_equal(protocol_guess((const uint8_t *)media, sizeof(media) - 1, false),
			 PROTOCOL_DATA);
}

static void times(void **state)
{
	(void)state;
	/* RFC 5905 figure 4: the first day of 1970 and of 2000; then the last second of the round.
	 */
	assert_true(ntp_time_ns((const uint8_t *)"\x83\xaa\x7e\x80\0\0\0\0") == 0);
	assert_true(ntp_time_ns((const uint8_t *)"\xbc\x17\xc2\0\x80\0\0\0") == 946684800500000000);
	assert_true(ntp_time_ns((const uint8_t *)"\xff\xff\xff\xff\0\0\0\0") + (int64_t)NS_PER_S ==
		    ntp_time_ns((const uint8_t *)"\0\0\0\0\0\0\0\0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets),
		cmocka_unit_test(guessed),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
