/*
 * Lines, trees and JSON of packets made by hand, and what JSON's keys rely on: in every table names
 * begin with the protocol's name exactly where a dot stands behind its length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/craft.h"
#include "wire/print.h"

static uint8_t memory[2048];

/* Other protocols' names of the same length, whose fields these use: cut alike, they stay unique.
 */
static bool is_borrowed(const char *name)
{
	return !strncmp(name, "ieee8021ah.", 11) || !strncmp(name, "ppp.", 4);
}

static void check_names(const struct protocol *p, const struct field *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &rows[i];
		bool dot = f->name_len > p->name_len + 1 && f->name[p->name_len] == '.';
		bool own = f->name_len > p->name_len + 1 &&
			   !strncmp(f->name, p->name, p->name_len) && f->name[p->name_len] == '.';

		assert_int_equal(strlen(f->name), f->name_len);
		if (dot != own && !is_borrowed(f->name))
			fail_msg("%s in %s", f->name, p->name);
		if (f->block)
			check_names(p, f->block->fields, f->block->n_fields);
	}
}

static void names(void **state)
{
	(void)state;
	for (unsigned id = 1; id < N_PROTOCOLS; id++) {
		const struct protocol *p = protocols[id];
		const struct options *o = p->options;

		check_names(p, p->fields, p->n_fields);
		for (size_t i = 0; i < p->n_bodies; i++)
			check_names(p, p->bodies[i].fields, p->bodies[i].n_fields);
		for (size_t i = 0; o && i < o->n_blocks; i++)
			check_names(p, o->blocks[i].fields, o->blocks[i].n_fields);
		if (o) {
			check_names(p, o->head, o->n_head);
			check_names(p, o->group, 1);
		}
	}
}

/* Layers and fields: "/ip" begins a layer, "ttl=3" sets a field, "+4" adds bytes of payload. */
static uint32_t craft(const char *const *words)
{
	struct craft c;
	int len;

	craft_init(&c, memory, sizeof(memory));
	for (; *words; words++) {
		char name[64] = "";
		const char *value = strchr(*words, '=');
		size_t n = value ? (size_t)(value - *words) : strlen(*words);

		memcpy(name, *words, n);
		if (**words == '/')
			assert_int_equal(craft_layer(&c, *words + 1, NULL), 0);
		else if (**words == '+')
			assert_int_equal(craft_payload(&c, "abcdefgh", (size_t)atoi(*words + 1)),
					 0);
		else
			assert_int_equal(craft_text(&c, name, value ? value + 1 : NULL, NULL), 0);
	}
	len = craft_finish(&c, NULL);
	assert_true(len > 0);
	return (uint32_t)len;
}

struct example {
	const char *words[24];
	uint8_t first;
	int cut; /* bytes that the capture leaves out */
	const char *line, *json;
};

#define IP4 "/ip", "src=10.0.0.1", "dst=10.0.0.2"
#define IP4_JSON(len, more, proto, sum)                                          \
	"\"ip\":{\"version\":4,\"hdr_len\":20,\"dsfield\":0,\"dsfield.dscp\":0," \
	"\"dsfield.ecn\":0,\"len\":" len ",\"id\":0,\"flags\":" more             \
	",\"ttl\":64,\"proto\":" proto ",\"checksum\":" sum                      \
	",\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\"}"
#define NO_FLAGS "0,\"flags.rb\":false,\"flags.df\":false,\"flags.mf\":false,\"frag_offset\":0"

static const struct example examples[] = {
	{ { "/eth", "src=02:00:00:00:00:01", "dst=ff:ff:ff:ff:ff:ff", "/arp",
	    "src.proto_ipv4=10.0.0.1", "src.hw_mac=02:00:00:00:00:01", "dst.proto_ipv4=10.0.0.2" },
	  PROTOCOL_ETHERNET,
	  0,
	  "ARP who has 10.0.0.2? tell 10.0.0.1 at 02:00:00:00:00:01",
	  "{\"frame\":{\"len\":42,\"cap_len\":42},\"eth\":{\"dst\":\"ff:ff:ff:ff:ff:ff\","
	  "\"dst.lg\":true,\"dst.ig\":true,\"src\":\"02:00:00:00:00:01\",\"src.lg\":true,"
	  "\"src.ig\":false,\"type\":2054},\"arp\":{\"hw.type\":1,\"proto.type\":2048,\"hw.size\":6,"
	  "\"proto.size\":4,\"opcode\":1,\"src.hw_mac\":\"02:00:00:00:00:01\","
	  "\"src.proto_ipv4\":\"10.0.0.1\",\"dst.hw_mac\":\"00:00:00:00:00:00\","
	  "\"dst.proto_ipv4\":\"10.0.0.2\"}}" },
	{ { IP4, "/udp", "srcport=5", "dstport=7", "checksum=0", "+4" },
	  PROTOCOL_IPV4,
	  0,
	  "10.0.0.1:5 > 10.0.0.2:7 UDP len 4",
	  "{\"frame\":{\"len\":32,\"cap_len\":32}," IP4_JSON(
		  "32", NO_FLAGS, "17",
		  "26315") ",\"udp\":{"
			   "\"srcport\":5,\"dstport\":7,\"length\":12,\"checksum\":0},\"data\":{\"len\":4}}" },
	/* A list in a list, and the snap length in the middle of the options. */
	{ { "/tcp", "srcport=1", "dstport=2", "checksum=0", "options.sack_le=1",
	    "options.sack_re=2", "options.sack_le=3", "options.sack_re=4", "mss=1460" },
	  PROTOCOL_TCP,
	  0,
	  "TCP no flags seq 0 win 65535 sack 1-2 sack 3-4 mss 1460",
	  "{\"frame\":{\"len\":44,\"cap_len\":44},\"tcp\":{\"srcport\":1,\"dstport\":2,\"seq_raw\":0,"
	  "\"ack_raw\":0,\"hdr_len\":44,\"flags\":0,\"flags.res\":0,\"flags.ae\":false,"
	  "\"flags.cwr\":false,\"flags.ece\":false,\"flags.urg\":false,\"flags.ack\":false,"
	  "\"flags.push\":false,\"flags.reset\":false,\"flags.syn\":false,\"flags.fin\":false,"
	  "\"window_size_value\":65535,\"checksum\":0,\"urgent_pointer\":0,\"len\":0,\"options\":["
	  "{\"option_kind\":5,\"option_len\":18,\"options.sack\":[{\"options.sack_le\":1,"
	  "\"options.sack_re\":2},{\"options.sack_le\":3,\"options.sack_re\":4}]},"
	  "{\"option_kind\":2,\"option_len\":4,\"options.mss_val\":1460},{\"option_kind\":0}]}}" },
	{ { IP4, "/udp", "srcport=5", "dstport=7", "checksum=0" },
	  PROTOCOL_IPV4,
	  2,
	  "10.0.0.1:5 > 10.0.0.2:7 UDP [truncated udp at 26]",
	  "{\"frame\":{\"len\":28,\"cap_len\":26}," IP4_JSON(
		  "28", NO_FLAGS, "17",
		  "26319") ",\"udp\":{"
			   "\"srcport\":5,\"dstport\":7,\"length\":8},\"truncated\":{\"layer\":\"udp\",\"offset\":26}}" },
	{ { IP4, "/udp", "srcport=5", "dstport=7", "length=6", "checksum=0" },
	  PROTOCOL_IPV4,
	  0,
	  "10.0.0.1:5 > 10.0.0.2:7 UDP len 0 [malformed udp at 24]",
	  "{\"frame\":{\"len\":28,\"cap_len\":28}," IP4_JSON(
		  "28", NO_FLAGS, "17",
		  "26319") ",\"udp\":{"
			   "\"srcport\":5,\"dstport\":7,\"length\":6,\"checksum\":0},"
			   "\"malformed\":{\"layer\":\"udp\",\"offset\":24}}" },
	{ { IP4, "/udp", "srcport=5", "dstport=7", "length=900", "checksum=0", "+3" },
	  PROTOCOL_IPV4,
	  0,
	  "10.0.0.1:5 > 10.0.0.2:7 UDP len 3 [malformed udp at 24]",
	  "{\"frame\":{\"len\":31,\"cap_len\":31}," IP4_JSON(
		  "31", NO_FLAGS, "17",
		  "26316") ",\"udp\":{"
			   "\"srcport\":5,\"dstport\":7,\"length\":900,\"checksum\":0},"
			   "\"data\":{\"len\":3},\"malformed\":{\"layer\":\"udp\",\"offset\":24}}" },
	/* Not the first fragment: its bytes are no UDP header. */
	{ { IP4, "proto=17", "frag_offset=1", "+8" },
	  PROTOCOL_IPV4,
	  0,
	  "10.0.0.1 > 10.0.0.2 fragment 0x0000 at 8 last UDP",
	  "{\"frame\":{\"len\":28,\"cap_len\":28}," IP4_JSON(
		  "28",
		  "0,\"flags.rb\":false,\"flags.df\":false,\"flags.mf\":false,\"frag_offset\":1",
		  "17", "26318") ",\"data\":{\"len\":8}}" },
	/* A packet in an error message, and one in a tunnel. */
	{ { IP4, "/icmp", "type=3", "code=1", "checksum=0", IP4, "/udp", "checksum=0" },
	  PROTOCOL_IPV4,
	  0,
	  "10.0.0.1 > 10.0.0.2 ICMP host unreachable for 10.0.0.1:0 > 10.0.0.2:0 UDP len 0",
	  "{\"frame\":{\"len\":56,\"cap_len\":56}," IP4_JSON(
		  "56", NO_FLAGS, "1",
		  "26307") ",\"icmp\":{"
			   "\"type\":3,\"code\":1,\"checksum\":0,\"unused\":\"00000000\",\"length\":0},\"quoted\":{" IP4_JSON(
				   "28", NO_FLAGS, "17",
				   "26319") ",\"udp\":{\"srcport\":0,\"dstport\":0,\"length\":8,"
					    "\"checksum\":0}}}" },
	{ { IP4, IP4, "/udp", "checksum=0" },
	  PROTOCOL_IPV4,
	  0,
	  "10.0.0.1 > 10.0.0.2 carries 10.0.0.1:0 > 10.0.0.2:0 UDP len 0",
	  "{\"frame\":{\"len\":48,\"cap_len\":48}," IP4_JSON(
		  "48", NO_FLAGS, "4",
		  "26312") ",\"inner\":{" IP4_JSON("28", NO_FLAGS, "17",
						   "26319") ",\"udp\":{\"srcport\":0,\"dstport\":0,\"length\":8,"
							    "\"checksum\":0}}}" },
};

static void lines_and_json(void **state)
{
	struct buf b = buf_of(1 << 16);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		const struct example *e = &examples[i];
		uint32_t len = craft(e->words);
		struct packet p;

		packet_walk(&p, e->first, memory, len - (uint32_t)e->cut, len);
		buf_reset(&b);
		print_line(&b, &p);
		assert_string_equal(buf_cstr(&b), e->line);
		buf_reset(&b);
		print_json(&b, &p, NULL);
		assert_string_equal(buf_cstr(&b), e->json);
	}
	buf_done(&b);
}

/* Of several messages in one segment each says something, be it how long it is. */
static void line_of_messages(void **state)
{
	struct walk_config config = { .stream = true };
	struct packet p, greeting, rest;
	struct buf b = buf_of(1 << 16);

	(void)state;
	packet_walk_as(&p, &config, PROTOCOL_POP, "+OK\r\n", 5, 5);
	packet_walk_as(&greeting, &config, PROTOCOL_POP, "+OK\r\n", 5, 5);
	packet_walk_as(&rest, &config, PROTOCOL_DATA, "\x14\xff", 2, 2);
	p.more = &greeting;
	greeting.more = &rest;
	print_line(&b, &p);
	assert_non_null(strstr(buf_cstr(&b), " | data len 2"));
	buf_done(&b);
}

static void tree(void **state)
{
	static const char *const words[] = { "/ip",	   "src=10.0.0.1", "dst=10.0.0.2",
					     "flags.df=1", "/udp",	   "srcport=0",
					     "dstport=7",  "checksum=0",   "+3",
					     NULL };
	struct buf b = buf_of(1 << 16);
	uint32_t len = craft(words);
	struct packet p;

	(void)state;
	packet_walk(&p, PROTOCOL_IPV4, memory, len, len);
	print_tree(&b, &p);
	assert_string_equal(buf_cstr(&b),
			    "Internet Protocol Version 4, 20 bytes\n"
			    "    0100 .... = Version: 4\n"
			    "    .... 0101 = Header length: 20\n"
			    "    Differentiated services: 0x00\n"
			    "        0000 00.. = Code point: 0 (default)\n"
			    "        .... ..00 = Congestion notification: 0 (not ECN-capable)\n"
			    "    Total length: 31\n"
			    "    Identification: 0x0000\n"
			    "    010. .... = Flags: 0x02\n"
			    "        0... .... = Reserved: not set\n"
			    "        .1.. .... = Don't fragment: set\n"
			    "        ..0. .... = More fragments: not set\n"
			    "    ...0 0000 0000 0000 = Fragment offset: 0\n"
			    "    Time to live: 64\n"
			    "    Protocol: 17 (UDP)\n"
			    "    Header checksum: 0x26cc\n"
			    "    Source address: 10.0.0.1\n"
			    "    Destination address: 10.0.0.2\n"
			    "User Datagram Protocol, 8 bytes\n"
			    "    Source port: 0\n"
			    "    Destination port: 7\n"
			    "    Length: 11\n"
			    "    Checksum: 0x0000\n"
			    "Data, 3 bytes\n"
			    "    Length: 3\n"
			    "    Data: 616263\n");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(lines_and_json),
		cmocka_unit_test(line_of_messages),
		cmocka_unit_test(tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
