/*
 * What is built is what is read: every field of every table, set to random values, comes back from
 * the walk of the packet. And what was not set is right: the checksums are checked by their
 * definition.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "wire/checksum.h"
#include "wire/craft.h"

#define MAX_WANTED 64

/* A field that was set, and what it must read as. */
struct wanted {
	const struct field *field;
	uint64_t value;
	uint8_t bytes[128];
	size_t len;
	bool found;
};

struct trip {
	struct sink sink;
	struct wanted wanted[MAX_WANTED];
	size_t n;
	unsigned faults;
};

static struct random rng;
static uint8_t memory[4096];

static void trip_item(struct sink *sink, const struct item *item)
{
	struct trip *t = container_of(sink, struct trip, sink);

	if (item->field == &field_truncated || item->field == &field_malformed) {
		t->faults++;
		return;
	}
	for (size_t i = 0; i < t->n; i++) {
		struct wanted *w = &t->wanted[i];

		if (strcmp(w->field->name, item->field->name) || w->found)
			continue;
		w->found = true;
		if (field_is_number(item->field)) {
			if (item->value != w->value)
				fail_msg("%s was set to %llu, but is read as %llu",
					 item->field->name, (unsigned long long)w->value,
					 (unsigned long long)item->value);
		} else {
			assert_true(item->len >= w->len);
			assert_memory_equal(item->bytes, w->bytes, w->len);
		}
		return;
	}
}

/* Rows whose value decides how the rest is read: they are set by the crafter, tested apart. */
static bool is_structure(const struct protocol *p, const struct field *f)
{
	/* By name, or how it begins. */
	static const char *const structure[] = {
		"dns.count.",	     "ip.frag",		  "ip.version",
		"ipv6.version",	     "arp.hw.size",	  "arp.proto.size",
		"arp.proto.type",    "ip.flags.mf",	  "ipv6.routing.srh.last_entry",
		"llc.dsap",	     "llc.control",	  "llc.oui",
		"igmp.max_resp",     "igmp.reserved",	  "igmp.num_src",
		"igmp.saddr",	     "dhcp.option.end",	  "dhcp.option.option_overload",
		"rtp.padding",	     "rtp.ext",		  "rtp.cc",
		"ntp.priv.numitems", "ntp.priv.itemsize", "ntp.priv.flags.r",
		"ntp.ctrl.count",    "stun.type",	  "stun.length",
		"stun.cookie",	     "rtcp.padding",	  "rtcp.rc",
		"rtcp.sc",	     "rtcp.length",	  "stun.channel",
		"ip.opt.flag",
	};

	for (size_t i = 0; i < ARRAY_LEN(structure); i++)
		if (!strncmp(f->name, structure[i], strlen(structure[i])))
			return true;
	return f == p->header_len || f == p->total_len || f == p->next ||
	       (p->select && !strcmp(f->name, p->select->name)) ||
	       (p->select && f == p->select + 1 && f->bits == 8 && !strcmp(f->title, "Code"));
}

/* Whether deeper rows follow that cover parts of this one. */
static bool has_parts(const struct field *rows, size_t n, size_t i)
{
	return i + 1 < n && rows[i + 1].depth > rows[i].depth;
}

static int set_random(struct craft *c, struct trip *t, const struct field *f)
{
	struct wanted *w = &t->wanted[t->n];
	int err;

	*w = (struct wanted){ .field = f };
	if (field_is_number(f)) {
		uint64_t scale = f->scale ? f->scale : 1;

		/* The greatest value more often than chance would have it. */
		w->value = random_below(&rng, 4)
				   ? random_below(&rng, field_max(f) / scale + 1) * scale
				   : field_max(f);
		if (f->type == FIELD_INT)
			w->value =
				(uint64_t)((int64_t)(w->value << (64 - f->bits)) >> (64 - f->bits));
		if (f->type == FIELD_TIME)
			w->value = (uint64_t)random_below(&rng, INT32_MAX) * NS_PER_S;
		err = craft_uint(c, f->name, w->value, NULL);
	} else {
		random_bytes(&rng, w->bytes, sizeof(w->bytes));
		w->len = f->bits ? f->bits / 8 : 16;
		if (f->type == FIELD_NAME) {
			memcpy(w->bytes, "\3abc\2de", 8);
			w->len = 8;
		}
		err = craft_bytes(c, f->name, w->bytes, w->len, NULL);
	}
	if (!err)
		t->n++;
	return err;
}

static int set_rows(struct craft *c, struct trip *t, const struct protocol *p,
		    const struct field *rows, size_t n, bool backwards)
{
	for (size_t k = 0; k < n; k++) {
		size_t i = backwards ? n - 1 - k : k;
		const struct field *f = &rows[i];
		int err;

		if (is_structure(p, f) || has_parts(rows, n, i))
			continue;
		if (f->type == FIELD_GROUP)
			err = set_rows(c, t, p, f->block->fields, f->block->n_fields, false);
		else
			err = set_random(c, t, f);
		if (err)
			return err;
	}
	return 0;
}

/* Takes the packet apart again and sees that everything is found. */
static void check(struct craft *c, struct trip *t, uint8_t id)
{
	struct packet p;
	int len = craft_finish(c, NULL);
	uint8_t *exact;

	assert_true(len > 0);
	exact = malloc((size_t)len);
	assert_non_null(exact);
	memcpy(exact, c->bytes, (size_t)len);
	packet_walk(&p, id, exact, (uint32_t)len, (uint32_t)len);
	t->sink.item = trip_item;
	for (uint32_t i = 0; i < p.n_layers; i++)
		packet_items(&p, i, &t->sink);
	if (t->faults)
		fail_msg("%s is malformed", t->n ? t->wanted[t->n - 1].field->name : "");
	for (size_t i = 0; i < t->n; i++) {
		if (!t->wanted[i].found)
			fail_msg("%s was set, but is not read", t->wanted[i].field->name);
	}
	free(exact);
}

static void every_header(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		for (unsigned id = 1; id < N_PROTOCOLS; id++) {
			const struct protocol *p = protocols[id];
			struct trip t = { 0 };
			struct craft c;

			if (!p->n_fields)
				continue;
			craft_init(&c, memory, sizeof(memory));
			assert_int_equal(craft_layer(&c, p->name, NULL), 0);
			assert_int_equal(set_rows(&c, &t, p, p->fields, p->n_fields, false), 0);
			/* A list of segments that is empty is malformed. */
			if (id == PROTOCOL_ROUTING)
				assert_int_equal(craft_text(&c, "srh.addr", "fd00::1", NULL), 0);
			check(&c, &t, (uint8_t)id);
		}
	}
}

/* One body with all its fields. Return: whether the crafter can be brought to make it. */
static bool try_body(uint8_t id, const struct block *b, bool by_type)
{
	const struct protocol *p = protocols[id];
	const struct field *select = p->select;
	bool selectable = p->n_fields && select >= p->fields && select < p->fields + p->n_fields;
	struct trip t = { 0 };
	struct craft c;

	craft_init(&c, memory, sizeof(memory));
	assert_int_equal(craft_layer(&c, p->name, NULL), 0);
	if (by_type && (!selectable || craft_uint(&c, select->name, b->code, NULL) < 0 ||
			(b->subcode && craft_uint(&c, select[1].name, b->subcode, NULL) < 0)))
		return false;
	if (set_rows(&c, &t, p, b->fields, b->n_fields, !by_type) < 0 || c.layers[0].body != b)
		return false;
	check(&c, &t, id);
	return true;
}

static void every_body(void **state)
{
	/* These are told apart by values of other fields, which the names cannot say. */
	static const char *const unreachable[] = { "length",  "numbered",  "compressed",
						   "query1",  "server",	   "active",
						   "passive", "broadcast", "reserved",
						   "classic", "channel" };

	(void)state;
	for (unsigned id = 1; id < N_PROTOCOLS; id++) {
		for (size_t i = 0; i < protocols[id]->n_bodies; i++) {
			const struct block *b = &protocols[id]->bodies[i];
			bool expected = true, made = false;

			for (size_t k = 0; k < ARRAY_LEN(unreachable); k++)
				expected = expected && strcmp(unreachable[k], b->name) != 0;
			for (int round = 0; round < 200; round++)
				made = try_body((uint8_t)id, b, true) ||
				       try_body((uint8_t)id, b, false);
			if (made != expected)
				fail_msg("%s %s", protocols[id]->name, b->name);
		}
	}
}

static void try_option(uint8_t id, const struct block *b, unsigned code)
{
	const struct protocol *p = protocols[id];
	struct trip t = { 0 };
	struct craft c;

	craft_init(&c, memory, sizeof(memory));
	assert_int_equal(craft_layer(&c, p->name, NULL), 0);
	if (id == PROTOCOL_ICMPV6)
		assert_int_equal(craft_text(&c, "type", "router solicitation", NULL), 0);
	/* Variants of an option have names only. */
	if (b == p->options->unknown || b == options_block(p->options, code))
		assert_int_equal(craft_uint(&c, p->options->head[0].name, code, NULL), 0);
	else
		assert_int_equal(craft_text(&c, b->name, NULL, NULL), 0);
	t.wanted[t.n++] = (struct wanted){ .field = &p->options->head[0], .value = code };
	if (set_rows(&c, &t, p, b->fields, b->n_fields, false) < 0)
		fail_msg("%s option %s", p->name, b->name);
	check(&c, &t, id);
}

static void every_option(void **state)
{
	(void)state;
	for (unsigned id = 1; id < N_PROTOCOLS; id++) {
		const struct options *o = protocols[id]->options;

		for (int round = 0; o && round < 100; round++) {
			for (size_t i = 0; i < o->n_blocks; i++)
				try_option((uint8_t)id, &o->blocks[i], o->blocks[i].code);
			try_option((uint8_t)id, o->unknown, 250);
		}
	}
}

static size_t craft(const char *const *words)
{
	struct fault fault = { 0 };
	struct craft c;
	int len;

	craft_init(&c, memory, sizeof(memory));
	for (; *words; words++) {
		char name[64];
		const char *value = strchr(*words, '=');
		int err;

		if (**words == '/') {
			err = craft_layer(&c, *words + 1, &fault);
		} else {
			snprintf(name, sizeof(name), "%.*s",
				 (int)(value ? (size_t)(value - *words) : strlen(*words)), *words);
			err = craft_text(&c, name, value ? value + 1 : NULL, &fault);
		}
		if (err)
			fail_msg("%s: %s (%d)", *words, fault.text, err);
	}
	len = craft_finish(&c, NULL);
	assert_true(len > 0);
	return (size_t)len;
}

/* A SYN as Linux sends it, put together by hand from RFC 791, RFC 9293 and RFC 7323. */
static void tcp_syn(void **state)
{
	static const char *const words[] = { "/eth",
					     "dst=02:00:00:00:00:02",
					     "src=02:00:00:00:00:01",
					     "/ip",
					     "src=10.0.0.1",
					     "dst=10.0.0.2",
					     "id=0x1234",
					     "flags.df=1",
					     "/tcp",
					     "srcport=40000",
					     "tcp.dstport=80",
					     "seq_raw=1",
					     "flags.syn=true",
					     "window_size_value=64240",
					     "mss=1460",
					     "sack_perm",
					     "options.timestamp.tsval=5",
					     "options.timestamp.tsecr=0",
					     "nop",
					     "wscale=7",
					     NULL };
	static const uint8_t expected[] = {
		0x02, 0,    0,	  0,	0,    2,    0x02, 0,	0,    0,    0,	  1,	0x08,
		0x00, 0x45, 0x00, 0x00, 0x3c, 0x12, 0x34, 0x40, 0x00, 0x40, 0x06, 0x14, 0x86,
		10,   0,    0,	  1,	10,   0,    0,	  2,	0x9c, 0x40, 0x00, 0x50, 0,
		0,    0,    1,	  0,	0,    0,    0,	  0xa0, 0x02, 0xfa, 0xf0, 0x9c, 0x76,
		0,    0,    2,	  4,	0x05, 0xb4, 4,	  2,	8,    10,   0,	  0,	0,
		5,    0,    0,	  0,	0,    1,    3,	  3,	7,
	};
	size_t len = craft(words);

	(void)state;
	assert_int_equal(len, sizeof(expected));
	assert_int_equal(checksum_of(memory + 14, 20), 0);
	assert_int_equal(
		checksum_finish(checksum_add(checksum_pseudo_ip4(memory + 26, memory + 30, 6, 40),
					     memory + 34, 40)),
		0);
	assert_memory_equal(memory, expected, sizeof(expected));
}

static void neighbour_advertisement(void **state)
{
	static const char *const words[] = { "/ipv6",
					     "src=fe80::1",
					     "dst=ff02::1",
					     "hlim=255",
					     "/icmpv6",
					     "nd.na.target_address=fe80::1",
					     "nd.na.flag.o=1",
					     "tlla=02:00:00:00:00:07",
					     NULL };
	static const uint8_t icmp[] = { 136, 0, 0, 0, 0x20, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0,
					0,   0, 0, 0, 0,    0, 0, 1, 2,	   1,	 2, 0, 0, 0, 0, 7 };
	size_t len = craft(words);

	(void)state;
	assert_int_equal(len, 40 + sizeof(icmp));
	assert_int_equal(load_be16(memory + 4), sizeof(icmp));
	assert_int_equal(memory[6], 58);
	assert_memory_equal(memory + 44, icmp + 4, sizeof(icmp) - 4);
	assert_int_equal(checksum_finish(checksum_add(
				 checksum_pseudo_ip6(memory + 8, memory + 24, 58, sizeof(icmp)),
				 memory + 40, sizeof(icmp))),
			 0);
}

/* UDP's checksum of 0 means none, so a sum that is 0 is sent as ffff (RFC 768). */
static void udp_zero_sum(void **state)
{
	struct craft c;
	uint8_t data[2];
	unsigned seen = 0;

	(void)state;
	for (unsigned v = 0; v < 65536; v++) {
		craft_init(&c, memory, sizeof(memory));
		assert_int_equal(craft_layer(&c, "ip", NULL), 0);
		assert_int_equal(craft_layer(&c, "udp", NULL), 0);
		store_be16(data, (uint16_t)v);
		assert_int_equal(craft_payload(&c, data, 2), 0);
		assert_int_equal(craft_finish(&c, NULL), 30);
		assert_int_not_equal(load_be16(memory + 26), 0);
		seen += load_be16(memory + 26) == 0xffff;
	}
	assert_int_equal(seen, 1);
}

static void length_before_llc(void **state)
{
	static const char *const words[] = { "/eth", "/llc", "dsap=0x42", "ssap=0x42", NULL };

	(void)state;
	assert_int_equal(craft(words), 17);
	assert_int_equal(load_be16(memory + 12), 3);
	assert_int_equal(load_be16(memory + 14), 0x4242);
	assert_int_equal(memory[16], 3);
}

static void given_values_stay(void **state)
{
	static const char *const words[] = { "/ip",	  "len=9",	"checksum=0xdead",
					     "proto=200", "hdr_len=24", "/udp",
					     "length=3",  "checksum=0", NULL };

	(void)state;
	craft(words);
	assert_int_equal(load_be16(memory + 2), 9);
	assert_int_equal(load_be16(memory + 10), 0xdead);
	assert_int_equal(memory[9], 200);
	assert_int_equal(memory[0], 0x46);
	assert_int_equal(load_be16(memory + 24), 3);
	assert_int_equal(load_be16(memory + 26), 0);
}

static void refusals(void **state)
{
	static const struct {
		const char *layer, *name, *value, *message;
	} cases[] = {
		{ "ip", "ttl", "300", "ip.ttl must be at most 255" },
		{ "ip", "tll", "3", "ip has no field 'tll'. Did you mean 'ttl'?" },
		{ "ip", "hdr_len", "21", "ip.hdr_len must be a multiple of 4" },
		{ "ip", "src", "fe80::1", "ip.src is an IPv4 address" },
		{ "ip", "ttl", "many", "ip.ttl is a number: decimal or 0x…" },
		{ "ip", "flags.df", "yes", "ip.flags.df is a flag: 0, 1, true or false" },
		{ "tcp", "nop", "1", "nop takes no value" },
		{ "tcp", "options.md5.digest", "0102",
		  "tcp.options.md5.digest takes 16 bytes, not 2" },
		{ "data", "data", "0g", "bytes are pairs of hex digits" },
	};
	struct craft c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fault fault = { 0 };

		craft_init(&c, memory, sizeof(memory));
		assert_int_equal(craft_layer(&c, cases[i].layer, NULL), 0);
		assert_int_equal(craft_text(&c, cases[i].name, cases[i].value, &fault), -E_SYNTAX);
		assert_string_equal(fault.text, cases[i].message);
	}
	craft_init(&c, memory, 30);
	assert_int_equal(craft_layer(&c, "ip", NULL), 0);
	assert_int_equal(craft_layer(&c, "tcp", NULL), -E_FULL);
	assert_int_equal(craft_layer(&c, "nonsense", NULL), -E_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_header),
		cmocka_unit_test(every_body),
		cmocka_unit_test(every_option),
		cmocka_unit_test(tcp_syn),
		cmocka_unit_test(neighbour_advertisement),
		cmocka_unit_test(udp_zero_sum),
		cmocka_unit_test(length_before_llc),
		cmocka_unit_test(given_values_stay),
		cmocka_unit_test(refusals),
	};

	rng = random_of(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
