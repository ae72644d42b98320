#include "wire/registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "wire/exchange.h"
#include "wire/near.h"

/* More than all tables have together; the unit test says when they come near. */
#define MAX_ROWS 16384

/* One row under one name in one protocol, before they are grouped. */
struct entry {
	const char *name;
	const struct field *field;
	uint8_t protocol;
	uint8_t how;
	bool alias, text;
};

static struct entry entries[MAX_ROWS];
static const struct field *rows[MAX_ROWS];
static struct registry_part parts[MAX_ROWS];
static struct registry_name names[MAX_ROWS];
static size_t n_entries, n_parts, n_names;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct field tcp_payload = {
	AS_BYTES("tcp.payload", 0, 0),
	.title = "Data of the segment",
};
static const struct field udp_payload = {
	AS_BYTES("udp.payload", 0, 0),
	.title = "Data of the datagram",
};

/* Names for several fields, as Wireshark has them. @text: the value is its text. */
static const struct {
	const char *name, *fields[2];
	bool text;
} aliases[] = {
	{ "eth.addr", { "eth.dst", "eth.src" }, false },
	{ "eth.ig", { "eth.dst.ig", "eth.src.ig" }, false },
	{ "eth.lg", { "eth.dst.lg", "eth.src.lg" }, false },
	{ "ip.addr", { "ip.src", "ip.dst" }, false },
	{ "ip.host", { "ip.src", "ip.dst" }, true },
	{ "ip.src_host", { "ip.src" }, true },
	{ "ip.dst_host", { "ip.dst" }, true },
	{ "ip.version", { "ipv6.version" }, false },
	{ "ipv6.addr", { "ipv6.src", "ipv6.dst" }, false },
	{ "ipv6.host", { "ipv6.src", "ipv6.dst" }, true },
	{ "ipv6.src_host", { "ipv6.src" }, true },
	{ "ipv6.dst_host", { "ipv6.dst" }, true },
	{ "tcp.port", { "tcp.srcport", "tcp.dstport" }, false },
	{ "udp.port", { "udp.srcport", "udp.dstport" }, false },
};

/* Protocols under their former names. */
static const struct {
	const char *old, *now;
} renamed[] = { { "bootp", "dhcp" }, { "ssl", "tls" } };

/* Protocols that Wireshark has under one name with another. */
static const struct {
	const char *name;
	uint8_t protocol;
} shared[] = { { "sll", PROTOCOL_SLL2 } };

static void add(const struct entry *e)
{
	if (n_entries < MAX_ROWS)
		entries[n_entries++] = *e;
}

/* Whether the row is at its place in every whole header, once: messages may hold messages. */
static bool is_fixed(const struct protocol *p, const struct field *f)
{
	return !p->whole && f->bits && !f->repeats && !f->computed && f->type != FIELD_GROUP &&
	       f->bit + f->bits <= p->min_len * 8u;
}

static void add_rows(uint8_t id, const struct field *table, size_t n, bool fixed)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &table[i];

		add(&(struct entry){
			.name = f->name,
			.field = f,
			.protocol = id,
			.how = id == PROTOCOL_FRAME		     ? REGISTRY_FRAME
			       : fixed && is_fixed(protocols[id], f) ? REGISTRY_FIXED
								     : REGISTRY_WALK,
		});
		if (f->block)
			add_rows(id, f->block->fields, f->block->n_fields, false);
	}
}

static void add_blocks(uint8_t id, const struct block *blocks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_rows(id, blocks[i].fields, blocks[i].n_fields, false);
}

static void add_protocol(uint8_t id)
{
	const struct protocol *p = protocols[id];
	const struct options *o = p->options;

	add(&(struct entry){ .name = p->name, .protocol = id, .how = REGISTRY_LAYER });
	add_rows(id, p->fields, p->n_fields, true);
	add_blocks(id, p->bodies, p->n_bodies);
	if (o) {
		add_rows(id, o->group, 1, false);
		add_rows(id, o->head, o->n_head, false);
		add_blocks(id, o->blocks, o->n_blocks);
		add_blocks(id, o->unknown, 1);
	}
	for (size_t i = 0; i < p->n_more_rows; i++)
		add_rows(id, p->more_rows[i].fields, p->more_rows[i].n, false);
	if (p->exchange)
		add_rows(id, p->exchange->fields, p->exchange->n_fields, false);
	add(&(struct entry){ field_truncated.name, &field_truncated, id, REGISTRY_FAULT });
	add(&(struct entry){ field_malformed.name, &field_malformed, id, REGISTRY_FAULT });
}

static void add_alias(const char *alias, const char *name, bool text)
{
	for (size_t i = 0, n = n_entries; i < n; i++) {
		struct entry e = entries[i];

		if (strcmp(e.name, name) != 0)
			continue;
		e.name = alias;
		e.alias = true;
		e.text = text;
		add(&e);
	}
}

/* By name, then protocol, then place. */
static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	if (x->field && y->field && x->field->bit != y->field->bit)
		return x->field->bit < y->field->bit ? -1 : 1;
	return x->field < y->field ? -1 : x->field > y->field;
}

/* The entries from @i on that are of one name and protocol become a part. Returns behind them. */
static size_t make_part(size_t i, struct registry_name *n)
{
	const struct entry *first = &entries[i];
	struct registry_part *part = &parts[n_parts++];

	*part = (struct registry_part){ .protocol = first->protocol, .how = first->how };
	part->rows = &rows[i];
	for (; i < n_entries && entries[i].protocol == first->protocol &&
	       !strcmp(entries[i].name, first->name);
	     i++) {
		n->alias = n->alias || entries[i].alias;
		n->text = n->text || entries[i].text;
		if (entries[i].how == REGISTRY_LAYER) {
			part->how = REGISTRY_LAYER;
			n->protocol = entries[i].protocol;
		} else if (part->how == REGISTRY_FIXED && entries[i].how == REGISTRY_WALK) {
			part->how = REGISTRY_WALK;
		}
		if (entries[i].field &&
		    (!part->n_rows || part->rows[part->n_rows - 1] != entries[i].field))
			rows[part->rows - rows + part->n_rows++] = entries[i].field;
	}
	n->protocols |= 1ULL << part->protocol;
	n->n_parts++;
	return i;
}

static void build(void)
{
	for (unsigned id = PROTOCOL_NONE + 1; id < N_PROTOCOLS; id++)
		add_protocol((uint8_t)id);
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		add(&(struct entry){ .name = shared[i].name,
				     .protocol = shared[i].protocol,
				     .how = REGISTRY_LAYER });
	add(&(struct entry){ tcp_payload.name, &tcp_payload, PROTOCOL_TCP, REGISTRY_PAYLOAD });
	add(&(struct entry){ udp_payload.name, &udp_payload, PROTOCOL_UDP, REGISTRY_PAYLOAD });
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		for (size_t k = 0; k < ARRAY_LEN(aliases[i].fields) && aliases[i].fields[k]; k++)
			add_alias(aliases[i].name, aliases[i].fields[k], aliases[i].text);
	qsort(entries, n_entries, sizeof(entries[0]), compare_entries);
	for (size_t i = 0; i < n_entries;) {
		struct registry_name *n = &names[n_names++];
		const char *name = entries[i].name;

		*n = (struct registry_name){ .name = name, .parts = &parts[n_parts] };
		while (i < n_entries && !strcmp(entries[i].name, name))
			i = make_part(i, n);
	}
}

static const struct registry_name *find(const char *name, size_t len)
{
	size_t low = 0, high = n_names;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = strncmp(name, names[mid].name, len);

		if (!order && !names[mid].name[len])
			return &names[mid];
		if (order > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct registry_name *registry_find(const char *name, size_t len)
{
	const struct registry_name *n;
	char now[128];

	pthread_once(&once, build);
	n = find(name, len);
	for (size_t i = 0; !n && i < ARRAY_LEN(renamed); i++) {
		size_t old = strlen(renamed[i].old), new = strlen(renamed[i].now);

		if (len < old || strncmp(name, renamed[i].old, old) != 0 ||
		    (len > old && name[old] != '.') || len - old + new >= sizeof(now))
			continue;
		memcpy(now, renamed[i].now, new);
		memcpy(now + new, name + old, len - old);
		n = find(now, len - old + new);
	}
	return n;
}

const struct registry_name *registry_at(size_t i)
{
	pthread_once(&once, build);
	return i < n_names ? &names[i] : NULL;
}

const struct field *registry_row(const struct registry_name *n)
{
	/* What a protocol's name stands for: its bytes. */
	static const struct field layer = { AS_BYTES("", 0, 0), .title = "Protocol" };

	return n->protocol ? &layer : n->parts[0].rows[0];
}

/* The three best so far, the nearest first. */
struct nearest {
	const char *name[3];
	unsigned distance[3];
};

static void nearest_take(struct nearest *best, const char *name, unsigned distance)
{
	for (size_t i = 0; i < ARRAY_LEN(best->name); i++) {
		if (best->name[i] && best->distance[i] <= distance)
			continue;
		for (size_t k = ARRAY_LEN(best->name) - 1; k > i; k--) {
			best->name[k] = best->name[k - 1];
			best->distance[k] = best->distance[k - 1];
		}
		best->name[i] = name;
		best->distance[i] = distance;
		return;
	}
}

void registry_suggest(struct buf *b, const char *typed, size_t len)
{
	struct nearest best = { 0 };
	char text[64];

	pthread_once(&once, build);
	if (!len || len >= sizeof(text))
		return;
	memcpy(text, typed, len);
	text[len] = '\0';
	for (size_t i = 0; i < n_names; i++) {
		size_t n = strlen(names[i].name);
		bool begins = n > len && !strncasecmp(text, names[i].name, len);
		unsigned distance;

		if (!begins && (n > len + 4 || len > n + 4))
			continue;
		distance = near_distance(text, names[i].name);
		/* A protocol is not meant because the name of a field begins with it. */
		if ((begins || distance < 5) && near_enough(text, names[i].name))
			nearest_take(&best, names[i].name, distance);
	}
	for (size_t i = 0; i < ARRAY_LEN(best.name) && best.name[i]; i++) {
		if (i)
			buf_lit(b, ", ");
		buf_str(b, best.name[i]);
	}
}
