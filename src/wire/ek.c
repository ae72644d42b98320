/*
 * The keys of all fields are made when the object is made; a row's key is found by its address. The
 * values of one layer are written aside first, those of one key in a chain, because the same key
 * may come again later in the layer.
 */
#include "wire/ek.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "wire/registry.h"

#define MAX_VALUES   4096
#define MAX_NODES    1024
#define MAX_OTHERS   3	       /* names for several fields that one field has */
#define MAX_ASIDE    (1 << 24) /* text of one layer's values */
#define N_KEYS_BYTES (1 << 20)

/* A key, and where its values in the layer in hand are. */
struct key {
	const char *text; /* with its quotes and colon */
	uint16_t len;
	uint16_t first, last; /* in @values; valid when @round is the layer's */
	uint32_t n;
	uint64_t round;
};

/* What a row is written under. */
struct row {
	const struct field *field; /* NULL: free */
	uint16_t keys[1 + MAX_OTHERS];
	uint8_t n_keys;
	bool payload;
};

struct value {
	uint32_t at, len; /* in @aside */
	uint16_t key;
	uint16_t next;
};

/* A layer among others of its object; [0] is the root. */
struct node {
	const struct packet *packet;
	uint16_t layer;
	uint16_t first_child, last_child; /* of different protocols */
	uint16_t next;			  /* child, of another protocol */
	uint16_t same, last_same;	  /* of the same protocol, in the same object */
};

struct ek {
	struct sink sink;
	bool payload, malformed, truncated;
	struct key *keys;
	size_t n_keys;
	struct row *rows;
	size_t row_mask;
	struct buf key_text, aside;
	uint64_t round;
	size_t n_values, n_nodes;
	int64_t day; /* since 1970, of @date */
	char date[16];
	struct value values[MAX_VALUES];
	struct node nodes[MAX_NODES];
};

/* Keys. */

static struct row *row_of(const struct ek *e, const struct field *f)
{
	size_t i = ((uintptr_t)f / sizeof(uint64_t) * 0x9e3779b97f4a7c15ULL >> 32) & e->row_mask;

	while (e->rows[i].field && e->rows[i].field != f)
		i = (i + 1) & e->row_mask;
	return &e->rows[i];
}

/* The longest protocol's name that the field's begins with; else its first word. */
static size_t prefix_len(const char *name)
{
	size_t best = strcspn(name, ".");

	for (unsigned i = 1; i < N_PROTOCOLS; i++) {
		size_t n = protocols[i]->name_len;

		if (n > best && !strncmp(protocols[i]->name, name, n) && name[n] == '.')
			best = n;
	}
	return best;
}

static void put_key_text(struct buf *b, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_char(b, text[i] == '.' ? '_' : text[i]);
}

/* The key of a name among the fields of one protocol; those from @from on are of the same name. */
static uint16_t key_of(struct ek *e, size_t from, const char *name, const char *prefix, size_t len)
{
	size_t at = e->key_text.len;
	struct key *k = &e->keys[e->n_keys];

	buf_char(&e->key_text, '"');
	put_key_text(&e->key_text, prefix, len);
	buf_char(&e->key_text, '_');
	put_key_text(&e->key_text, name, strlen(name));
	buf_lit(&e->key_text, "\":");
	k->text = e->key_text.data + at;
	k->len = (uint16_t)(e->key_text.len - at);
	for (size_t i = from; i < e->n_keys; i++) {
		if (e->keys[i].len == k->len && !memcmp(e->keys[i].text, k->text, k->len)) {
			e->key_text.len = at;
			return (uint16_t)i;
		}
	}
	return (uint16_t)e->n_keys++;
}

static void add_row(struct ek *e, const struct registry_part *part, const struct field *f,
		    uint16_t key)
{
	struct row *row = row_of(e, f);

	row->field = f;
	row->payload = part->how == REGISTRY_PAYLOAD ||
		       (part->protocol == PROTOCOL_DATA && f->type == FIELD_BYTES);
	for (size_t i = 0; i < row->n_keys; i++)
		if (row->keys[i] == key)
			return;
	if (row->n_keys < ARRAY_LEN(row->keys))
		row->keys[row->n_keys++] = key;
}

static void add_name(struct ek *e, const struct registry_name *n)
{
	size_t from = e->n_keys;

	for (size_t i = 0; i < n->n_parts; i++) {
		for (size_t k = 0; k < n->parts[i].n_rows; k++) {
			const struct field *f = n->parts[i].rows[k];

			add_row(e, &n->parts[i], f,
				key_of(e, from, n->name, f->name, prefix_len(f->name)));
		}
	}
}

static int make_keys(struct ek *e)
{
	const struct registry_name *n;
	size_t n_names = 0, n_rows = 0, size = 64;

	for (; (n = registry_at(n_names)); n_names++)
		for (size_t i = 0; i < n->n_parts; i++)
			n_rows += n->parts[i].n_rows;
	while (size < 2 * n_rows)
		size *= 2;
	e->row_mask = size - 1;
	e->keys = calloc(n_rows + 1, sizeof(e->keys[0]));
	e->rows = calloc(size, sizeof(e->rows[0]));
	e->key_text = buf_of(N_KEYS_BYTES);
	/* Room for all at once: keys point into it. */
	if (!e->keys || !e->rows || !buf_room(&e->key_text, N_KEYS_BYTES))
		return -ENOMEM;
	/* A field's own key first, then the names that it shares. */
	for (int alias = 0; alias < 2; alias++)
		for (size_t i = 0; (n = registry_at(i)); i++)
			if (n->alias == alias && !n->protocol)
				add_name(e, n);
	return e->key_text.err;
}

int ek_new(bool payload, struct ek **ret_ek)
{
	struct ek *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->payload = payload;
	e->aside = buf_of(MAX_ASIDE);
	e->day = INT64_MIN;
	err = make_keys(e);
	if (err)
		ek_free(e);
	else
		*ret_ek = e;
	return err;
}

struct ek *ek_free(struct ek *e)
{
	if (!e)
		return NULL;
	buf_done(&e->key_text);
	buf_done(&e->aside);
	free(e->keys);
	free(e->rows);
	free(e);
	return NULL;
}

/* Values. */

static void put_value(struct buf *b, const struct item *item)
{
	const struct field *f = item->field;

	switch (f->type) {
	case FIELD_FLAG:
		buf_str(b, item->value ? "true" : "false");
		return;
	case FIELD_TEXT:
		buf_json(b, (const char *)item->bytes,
			 item->bytes ? strnlen((const char *)item->bytes, item->len) : 0);
		return;
	case FIELD_NAME:
		field_json(b, f, item->value, item->bytes, item->len);
		return;
	case FIELD_BYTES:
		buf_char(b, '"');
		buf_hex(b, item->bytes, item->bytes ? item->len : 0, ':');
		buf_char(b, '"');
		return;
	default:
		buf_char(b, '"');
		field_text(b, f, item->value, item->bytes, item->len);
		buf_char(b, '"');
	}
}

/* Adds the value at [@at, @at + @len) of @aside to the chain of its key. */
static void chain(struct ek *e, uint16_t key, size_t at, size_t len)
{
	struct key *k = &e->keys[key];
	uint16_t i = (uint16_t)e->n_values;

	if (e->n_values == MAX_VALUES)
		return;
	e->values[e->n_values++] = (struct value){ (uint32_t)at, (uint32_t)len, key, 0 };
	if (k->round != e->round) {
		k->round = e->round;
		k->first = i;
		k->n = 0;
	} else {
		e->values[k->last].next = i;
	}
	k->last = i;
	k->n++;
}

static void ek_item(struct sink *sink, const struct item *item)
{
	struct ek *e = container_of(sink, struct ek, sink);
	const struct row *row;
	size_t at = e->aside.len;

	if (unlikely(item->field == &field_truncated || item->field == &field_malformed)) {
		*(item->field == &field_truncated ? &e->truncated : &e->malformed) = true;
		return;
	}
	row = row_of(e, item->field);
	if (item->field->type == FIELD_GROUP || (row->payload && !e->payload))
		return;
	put_value(&e->aside, item);
	if (e->aside.err)
		return;
	for (size_t i = 0; i < row->n_keys; i++)
		chain(e, row->keys[i], at, e->aside.len - at);
}

/* What the layer carries, where that is a field of its own. */
static void put_payload(struct ek *e, const struct packet *p, const struct layer *l)
{
	const char *name = l->proto == PROTOCOL_TCP   ? "tcp.payload"
			   : l->proto == PROTOCOL_UDP ? "udp.payload"
						      : NULL;
	struct item item = { 0 };

	if (!name || !e->payload)
		return;
	item.field = registry_row(registry_find(name, strlen(name)));
	item.bytes = packet_payload(p, l, &item.len);
	if (item.len)
		ek_item(&e->sink, &item);
}

/* The values of the layer, each key once. Returns whether there were any. */
static bool put_values(struct buf *b, const struct ek *e)
{
	for (size_t i = 0; i < e->n_values; i++) {
		const struct value *v = &e->values[i];
		const struct key *k = &e->keys[v->key];

		if (k->first != i)
			continue;
		if (i)
			buf_char(b, ',');
		buf_bytes(b, k->text, k->len);
		if (k->n > 1)
			buf_char(b, '[');
		buf_bytes(b, e->aside.data + v->at, v->len);
		for (uint16_t next = v->next; next; next = e->values[next].next) {
			buf_char(b, ',');
			buf_bytes(b, e->aside.data + e->values[next].at, e->values[next].len);
		}
		if (k->n > 1)
			buf_char(b, ']');
	}
	return e->n_values;
}

static void begin_layer(struct ek *e)
{
	buf_reset(&e->aside);
	e->n_values = 0;
	e->round++;
}

static void put_node_name(struct buf *b, const struct node *n)
{
	const struct protocol *proto = protocols[n->packet->layers[n->layer].proto];

	buf_char(b, '"');
	put_key_text(b, proto->name, proto->name_len);
	buf_lit(b, "\":");
}

static void put_children(struct buf *b, struct ek *e, uint16_t node, bool some);

static void put_node(struct buf *b, struct ek *e, uint16_t node)
{
	const struct node *n = &e->nodes[node];
	bool some;

	begin_layer(e);
	packet_items(n->packet, n->layer, &e->sink);
	put_payload(e, n->packet, &n->packet->layers[n->layer]);
	buf_char(b, '{');
	some = put_values(b, e);
	put_children(b, e, node, some);
	buf_char(b, '}');
}

/* The layers within; several of a protocol in an array. @some: a key comes before. */
static void put_children(struct buf *b, struct ek *e, uint16_t node, bool some)
{
	for (uint16_t i = e->nodes[node].first_child; i; i = e->nodes[i].next) {
		bool several = e->nodes[i].same;

		if (some)
			buf_char(b, ',');
		some = true;
		put_node_name(b, &e->nodes[i]);
		if (several)
			buf_char(b, '[');
		for (uint16_t k = i; k; k = e->nodes[k].same) {
			if (k != i)
				buf_char(b, ',');
			put_node(b, e, k);
		}
		if (several)
			buf_char(b, ']');
	}
}

/* Layers within layers. */

static bool is_extension(uint8_t proto)
{
	return proto == PROTOCOL_HOPOPTS || proto == PROTOCOL_ROUTING ||
	       proto == PROTOCOL_FRAGMENT || proto == PROTOCOL_DSTOPTS || proto == PROTOCOL_AH;
}

static uint8_t proto_of(const struct node *n)
{
	return n->packet->layers[n->layer].proto;
}

static uint16_t add_node(struct ek *e, uint16_t parent, const struct packet *p, size_t layer)
{
	uint16_t i = (uint16_t)e->n_nodes++, like = e->nodes[parent].first_child;
	struct node *n = &e->nodes[i];

	*n = (struct node){ .packet = p, .layer = (uint16_t)layer, .last_same = i };
	while (like && proto_of(&e->nodes[like]) != proto_of(n))
		like = e->nodes[like].next;
	if (like) {
		e->nodes[e->nodes[like].last_same].same = i;
		e->nodes[like].last_same = i;
		return i;
	}
	if (e->nodes[parent].first_child)
		e->nodes[e->nodes[parent].last_child].next = i;
	else
		e->nodes[parent].first_child = i;
	e->nodes[parent].last_child = i;
	return i;
}

static void arrange(struct ek *e, const struct packet *p)
{
	e->nodes[0] = (struct node){ 0 };
	e->n_nodes = 1;
	for (; p; p = p->more) {
		uint16_t outer = 0, ipv6 = 0; /* what quoted packets and extensions go into */

		for (size_t i = 0; i < p->n_layers && e->n_nodes < MAX_NODES; i++) {
			const struct layer *l = &p->layers[i];
			bool quoted = l->flags & LAYER_QUOTED;
			uint16_t parent = is_extension(l->proto) && ipv6 ? ipv6
					  : quoted			 ? outer
									 : 0;
			uint16_t node = add_node(e, parent, p, i);

			if (!quoted)
				outer = node;
			if (!is_extension(l->proto))
				ipv6 = l->proto == PROTOCOL_IPV6 ? node : 0;
		}
		if (p->fault.err)
			*(p->fault.err == -E_TRUNCATED ? &e->truncated : &e->malformed) = true;
	}
}

static void put_index(struct buf *b, struct ek *e, int64_t time_ns)
{
	int64_t s = time_ns / (int64_t)NS_PER_S - (time_ns % (int64_t)NS_PER_S < 0);
	int64_t day = s / 86400 - (s % 86400 < 0);
	time_t t = (time_t)s;
	struct tm tm;

	if (day != e->day && gmtime_r(&t, &tm)) {
		strftime(e->date, sizeof(e->date), "%Y-%m-%d", &tm);
		e->day = day;
	}
	buf_lit(b, "{\"index\":{\"_index\":\"packets-");
	buf_str(b, e->date);
	buf_lit(b, "\",\"_type\":\"doc\"}}\n");
}

void ek_put(struct buf *b, struct ek *e, const struct packet *p)
{
	int64_t time_ns = p->frame ? p->frame->time_ns : 0;

	e->sink.item = ek_item;
	e->truncated = e->malformed = false;
	put_index(b, e, time_ns);
	buf_lit(b, "{\"timestamp\":\"");
	buf_i64(b, time_ns / (int64_t)NS_PER_MS);
	buf_lit(b, "\",\"layers\":{\"frame\":{");
	begin_layer(e);
	packet_frame_items(p, &e->sink);
	put_values(b, e);
	buf_char(b, '}');
	arrange(e, p);
	put_children(b, e, 0, true);
	if (e->truncated)
		buf_lit(b, ",\"_ws_short\":null");
	if (e->malformed)
		buf_lit(b, ",\"_ws_malformed\":null");
	buf_lit(b, "}}\n");
}
