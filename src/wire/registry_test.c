/*
 * The registry against the tables' own walk: every item that any packet of the corpus gives is
 * found by its name, and picking a name gives just the items that a walk over everything finds.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/pick.h"

#define MAX_ITEMS 8192

/* What an item is, without its decoded bytes, which live for the call only. */
struct seen {
	const struct field *field;
	const struct packet *packet;
	uint64_t value;
	uint32_t off, len;
	uint8_t protocol;
};

static struct seen all[MAX_ITEMS];
static size_t n_all;

struct collector {
	struct sink sink;
	const struct packet *packet;
	uint8_t protocol;
};

static void collect(struct sink *sink, const struct item *item)
{
	struct collector *c = container_of(sink, struct collector, sink);

	if (n_all < MAX_ITEMS)
		all[n_all++] = (struct seen){ item->field, c->packet, item->value,
					      item->off,   item->len, c->protocol };
}

static void collect_all(const struct packet *p)
{
	struct collector c = { .sink.item = collect };

	n_all = 0;
	c.packet = p;
	c.protocol = PROTOCOL_FRAME;
	packet_frame_items(p, &c.sink);
	for (; p; p = p->more) {
		c.packet = p;
		for (size_t i = 0; i < p->n_layers; i++) {
			c.protocol = p->layers[i].proto;
			packet_items(p, i, &c.sink);
		}
	}
}

static bool has_row(const struct registry_part *part, const struct field *f)
{
	for (size_t i = 0; part && i < part->n_rows; i++)
		if (part->rows[i] == f)
			return true;
	return false;
}

static void check_found(const struct seen *s)
{
	const struct registry_name *n = registry_find(s->field->name, s->field->name_len);

	if (!n)
		fail_msg("%s is not in the registry", s->field->name);
	if (!has_row(registry_part(n, s->protocol), s->field))
		fail_msg("%s of %s is another row", s->field->name, protocols[s->protocol]->name);
}

struct expecting {
	struct taker taker;
	const struct registry_name *name;
	size_t at; /* in all[] */
};

static bool expected(struct taker *t, const struct item *item)
{
	struct expecting *e = container_of(t, struct expecting, taker);
	const struct seen *s;

	while (e->at < n_all &&
	       !has_row(registry_part(e->name, all[e->at].protocol), all[e->at].field))
		e->at++;
	if (e->at == n_all)
		fail_msg("%s: more than the walk gives", e->name->name);
	s = &all[e->at];
	if (item->field != s->field || item->value != s->value || item->off != s->off ||
	    item->len != s->len)
		fail_msg("%s: another item than the walk's: %s at %u, not %s at %u", e->name->name,
			 item->field->name, item->off, s->field->name, s->off);
	e->at++;
	return false;
}

/* Names that the tables do not give as items. */
static bool is_made(const struct registry_name *n)
{
	return n->parts[0].how == REGISTRY_LAYER || n->parts[0].how == REGISTRY_PAYLOAD ||
	       n->parts[0].how == REGISTRY_FAULT || n->protocol;
}

static void check_packet(const struct packet *p)
{
	const struct registry_name *n;

	collect_all(p);
	if (n_all == MAX_ITEMS)
		return;
	for (size_t i = 0; i < n_all; i++)
		check_found(&all[i]);
	for (size_t i = 0; (n = registry_at(i)); i++) {
		struct expecting e = { .taker.take = expected, .name = n };

		if (is_made(n))
			continue;
		assert_false(pick(n, NULL, 0, p, &e.taker));
		for (; e.at < n_all; e.at++)
			if (has_row(registry_part(n, all[e.at].protocol), all[e.at].field))
				fail_msg("%s: less than the walk gives", n->name);
	}
}

static const char *corpus;

static void items_are_found(void **state)
{
	static uint8_t bytes[1 << 16];
	const struct frame frame = { .number = 7, .interface = "eth0", .comment = "c" };
	struct dirent *entry;
	size_t n = 0;
	DIR *dir = opendir(corpus);

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char path[4096];
		struct packet p, more;
		size_t len;
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", corpus, entry->d_name);
		f = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
		if (!f)
			continue;
		len = fread(bytes, 1, sizeof(bytes), f);
		fclose(f);
		if (len < 2)
			continue;
		/* The first byte is the fuzz target's. */
		packet_walk(&more, (bytes[0] & 0x7f) % N_PROTOCOLS ?: PROTOCOL_ETHERNET, bytes + 1,
			    (uint32_t)len - 1, (uint32_t)len + 99);
		packet_walk(&p, PROTOCOL_ETHERNET, bytes + 1, (uint32_t)len - 1, 0);
		p.frame = &frame;
		p.more = &more;
		check_packet(&p);
		n++;
	}
	closedir(dir);
	assert_true(n > 20);
}

static void names_are_sorted(void **state)
{
	size_t n = 0;

	(void)state;
	for (; registry_at(n + 1); n++)
		assert_true(strcmp(registry_at(n)->name, registry_at(n + 1)->name) < 0);
	assert_true(n > 300 && n < 12000);
	for (size_t i = 0; i <= n; i++)
		assert_ptr_equal(registry_find(registry_at(i)->name, strlen(registry_at(i)->name)),
				 registry_at(i));
}

static void aliases(void **state)
{
	const struct registry_name *n = registry_find("ip.addr", 7);

	(void)state;
	assert_non_null(n);
	assert_int_equal(n->protocols, 1ULL << PROTOCOL_IPV4);
	assert_int_equal(n->parts[0].how, REGISTRY_FIXED);
	assert_string_equal(n->parts[0].rows[0]->name, "ip.src");
	assert_string_equal(n->parts[0].rows[1]->name, "ip.dst");
	assert_true(registry_find("ip.host", 7)->text);
	assert_int_equal(registry_find("tcp", 3)->protocol, PROTOCOL_TCP);
	assert_null(registry_find("ip.add", 6));
	assert_null(registry_find("", 0));
	assert_null(registry_find("ssl.nothing", 11));
}

static void suggestions(void **state)
{
	char memory[128];
	struct buf b = buf_in(memory, sizeof(memory));

	(void)state;
	registry_suggest(&b, "frame.nmber", 11);
	assert_string_equal(buf_cstr(&b), "frame.number");
	buf_reset(&b);
	registry_suggest(&b, "zzzzzzzzzz", 10);
	assert_int_equal(b.len, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_found),
		cmocka_unit_test(names_are_sorted),
		cmocka_unit_test(aliases),
		cmocka_unit_test(suggestions),
	};

	corpus = argc > 1 ? argv[1] : "tests/corpus/packet";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
