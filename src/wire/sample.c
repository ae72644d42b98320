/*
 * wire-sample: captures for tests and measurements, and what the tables read in them.
 *
 *   wire-sample mixed N SEED > FILE   N packets as they are seen on networks
 *   wire-sample fields N SEED > FILE  N packets in which every field has random values
 *   wire-sample tell FILE             per packet and field: number, name, value, tab-separated
 *
 * Captures are pcap, Ethernet.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "wire/craft.h"
#include "wire/link_types.h"
#include "wire/print.h"
#include "wire/sample_mixed.h"

#define PACKET_MAX 4096

static struct random rng;
static struct craft craft;
static uint8_t memory[PACKET_MAX];

static void must(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "wire-sample: %s: %s\n", what, err_text(err));
	exit(1);
}

static void layer(const char *name)
{
	must(craft_layer(&craft, name, NULL), name);
}

static void number(const char *name, uint64_t value)
{
	must(craft_uint(&craft, name, value, NULL), name);
}

static void text(const char *name, const char *value)
{
	must(craft_text(&craft, name, value, NULL), name);
}

static void put_le(uint32_t v, int n)
{
	for (int i = 0; i < n; i++, v >>= 8)
		putchar((int)(v & 0xff));
}

static void put_file_header(void)
{
	put_le(0xa1b2c3d4, 4);
	put_le(2, 2);
	put_le(4, 2);
	put_le(0, 4);
	put_le(0, 4);
	put_le(65535, 4);
	put_le(1, 4);
}

static void put_packet(uint64_t n)
{
	int len = craft_finish(&craft, NULL);

	must(len, "finish");
	put_le((uint32_t)(1700000000 + n / 1000), 4);
	put_le((uint32_t)(n % 1000 * 1000), 4);
	put_le((uint32_t)len, 4);
	put_le((uint32_t)len, 4);
	fwrite(memory, 1, (size_t)len, stdout);
}

/* Rows that decide how the rest is read; the crafter sets them. */
static bool is_structure(const struct protocol *p, const struct field *f)
{
	static const char *const names[] = {
		"ip.version",
		"ipv6.version",
		"ip.flags.mf",
		"ip.frag_offset",
		"arp.hw.size",
		"arp.proto.size",
		"arp.hw.type",
		"arp.proto.type",
		"ip.checksum",
		"tcp.checksum",
		"udp.checksum",
		"icmp.checksum",
		"icmpv6.checksum",
		"ipv6.routing.type",
		"ipv6.routing.segleft",
		"icmpv6.code",
		"icmp.code",
		"ipv6.fraghdr.offset",
		"ipv6.fraghdr.more",
		"ah.length",
		"icmp.length",
		"icmpv6.length",
		"icmp.num_addrs",
		"icmp.addr_entry_size",
		"icmpv6.mld.nb_sources",
		"icmpv6.mldr.nb_mcast_records",
		"ipv6.routing.srh.last_entry",
		"llc.control",
		"ip.opt.ptr",
		"ip.opt.flag",
		"ip.opt.overflow",
		"tcp.flags.syn",
		"tcp.flags.reset",
	};

	if (f == p->header_len || f == p->total_len || f == p->next || f == p->select)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], f->name))
			return true;
	return false;
}

static void random_field(const struct field *f)
{
	uint8_t bytes[32];
	uint64_t scale = f->scale ? f->scale : 1;

	random_bytes(&rng, bytes, sizeof(bytes));
	if (field_is_number(f))
		number(f->name, random_below(&rng, field_max(f) / scale + 1) * scale);
	else if (f->type == FIELD_NAME)
		text(f->name, "one.example");
	else if (f->type == FIELD_TEXT)
		text(f->name, "https://portal.example/");
	else
		must(craft_bytes(&craft, f->name, bytes, f->bits ? f->bits / 8 : 16, NULL),
		     f->name);
}

static void random_rows(const struct protocol *p, const struct field *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool whole = i + 1 < n && rows[i + 1].depth > rows[i].depth;

		if (is_structure(p, &rows[i]) || whole || rows[i].computed)
			continue;
		if (rows[i].type == FIELD_GROUP)
			random_rows(p, rows[i].block->fields, rows[i].block->n_fields);
		else
			random_field(&rows[i]);
	}
}

static void random_layer(const char *name)
{
	const struct protocol *p = protocols[protocol_find(name, strlen(name))];

	layer(name);
	random_rows(p, p->fields, p->n_fields);
}

/* An option of the layer, whichever; routes are full. */
static void random_option(const char *name)
{
	const struct protocol *p = protocols[protocol_find(name, strlen(name))];
	const struct options *o = p->options;
	const struct block *b = &o->blocks[random_below(&rng, o->n_blocks)];

	if (b->bare)
		return;
	if (options_block(o, b->code) == b)
		number(o->head[0].name, b->code);
	else
		text(b->name, NULL);
	random_rows(p, b->fields, b->n_fields);
	if (p == protocols[PROTOCOL_IPV4] && b->n_fields &&
	    !strcmp(b->fields[0].name, "ip.opt.ptr"))
		number("ip.opt.ptr", b->min_len + 5u);
	while (p == protocols[PROTOCOL_TCP] &&
	       (craft.len - craft.layers[craft.n_layers - 1].off) % 4)
		text("nop", NULL);
}

/* A message of any type with all its fields. Routes and sources are one entry long. */
static void random_message(const char *name)
{
	const struct protocol *p = protocols[protocol_find(name, strlen(name))];
	const struct block *b = &p->bodies[random_below(&rng, p->n_bodies)];

	random_layer(name);
	number(p->select->name, b->code);
	if (b->subcode)
		number(p->select[1].name, b->subcode);
	b = craft.layers[craft.n_layers - 1].body;
	random_rows(p, b->fields, b->n_fields);
	if (p == protocols[PROTOCOL_ICMP] && b->code == 9)
		number("num_addrs", 1);
	if (p->options && b->has_options && b->code != 143)
		random_option(name);
	if (b->quotes) {
		random_layer(p->checksum_kind == CHECKSUM_PSEUDO ? "ipv6" : "ip");
		layer("udp");
	}
}

static void random_transport(bool six)
{
	switch (random_below(&rng, 3)) {
	case 0:
		random_layer("udp");
		break;
	case 1:
		random_layer("tcp");
		random_option("tcp");
		break;
	default:
		random_message(six ? "icmpv6" : "icmp");
	}
}

static void random_extension(const char *name)
{
	const struct protocol *p = protocols[protocol_find(name, strlen(name))];

	if (p->n_bodies) {
		random_message(name);
		return;
	}
	random_layer(name);
	if (p->options)
		random_option(name);
}

static void fields_packet(void)
{
	static const char *const extensions[] = { "ipv6.hopopts", "ipv6.dstopts", "ipv6.routing",
						  "ah" };

	random_layer("eth");
	switch (random_below(&rng, 6)) {
	case 0:
		random_message("arp");
		break;
	case 1:
	case 2:
		random_layer("ip");
		if (!random_below(&rng, 8))
			number("frag_offset", 1 + random_below(&rng, 8000));
		if (random_below(&rng, 2))
			random_option("ip");
		random_transport(false);
		break;
	case 3:
		random_layer("ipv6");
		random_extension(extensions[random_below(&rng, ARRAY_LEN(extensions))]);
		random_transport(true);
		break;
	default:
		random_layer("ipv6");
		random_transport(true);
	}
}

struct teller {
	struct sink sink;
	struct buf *out;
	uint64_t n;
};

static void tell_item(struct sink *sink, const struct item *item)
{
	struct teller *t = container_of(sink, struct teller, sink);

	if (item->field->type == FIELD_GROUP)
		return;
	buf_u64(t->out, t->n);
	buf_char(t->out, '\t');
	buf_str(t->out, item->field->name);
	buf_char(t->out, '\t');
	if (item->bytes || item->field->computed)
		field_text(t->out, item->field, item->value, item->bytes, item->len);
	buf_char(t->out, '\n');
}

static uint32_t read_number(const uint8_t *p, bool swapped)
{
	return swapped ? load_be32(p) : __builtin_bswap32(load_be32(p));
}

static int tell(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct buf out = buf_of(1 << 22);
	struct teller t = { .sink.item = tell_item, .out = &out };
	static uint8_t bytes[1 << 18];
	uint8_t header[24], record[16];
	bool swapped;

	if (!f)
		return 1;
	if (fread(header, 1, 24, f) != 24 || read_number(header, header[0] == 0xa1) != 0xa1b2c3d4) {
		fclose(f);
		return 1;
	}
	swapped = header[0] == 0xa1;
	while (fread(record, 1, 16, f) == 16) {
		uint32_t len = read_number(record + 8, swapped);
		struct packet p;

		if (len > sizeof(bytes) || fread(bytes, 1, len, f) != len)
			break;
		t.n++;
		packet_walk(&p, link_type_protocol(read_number(header + 20, swapped), bytes, len),
			    bytes, len, read_number(record + 12, swapped));
		for (uint32_t i = 0; i < p.n_layers; i++)
			packet_items(&p, i, &t.sink);
		print_line(&out, &p);
		buf_char(&out, '\n');
		fwrite(out.data, 1, out.len, stdout);
		buf_reset(&out);
	}
	buf_done(&out);
	fclose(f);
	return 0;
}

int main(int argc, char **argv)
{
	struct sample_mixed *m;
	bool mixed = argc == 4 && !strcmp(argv[1], "mixed");

	if (argc == 3 && !strcmp(argv[1], "tell"))
		return tell(argv[2]);
	if (argc != 4 || (!mixed && strcmp(argv[1], "fields") != 0)) {
		fprintf(stderr,
			"usage: wire-sample mixed|fields N SEED, or wire-sample tell FILE\n");
		return 2;
	}
	rng = random_of(strtoull(argv[3], NULL, 10));
	m = sample_mixed_new(strtoull(argv[3], NULL, 10));
	if (!m)
		must(-ENOMEM, "memory");
	put_file_header();
	for (uint64_t i = 0, n = strtoull(argv[2], NULL, 10); i < n; i++) {
		craft_init(&craft, memory, sizeof(memory));
		if (mixed)
			must(sample_mixed_next(m, &craft), "mixed");
		else
			fields_packet();
		put_packet(i);
	}
	sample_mixed_free(m);
	return 0;
}
