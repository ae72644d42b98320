/*
 * A thousand random filters on random packets, against a naive evaluator: a tree is made at random,
 * written as text for the filter, and evaluated directly over the list of all items of a packet.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "wire/filter.h"
#include "wire/pick.h"

#define N_FILTERS   1500
#define MAX_PACKETS 400
#define MAX_ITEMS   400
#define MAX_BYTES   1600

typedef __int128 number_t;

/* One occurrence of a field, or what became of it. */
struct value {
	bool is_number;
	number_t number;
	size_t len;
	uint8_t bytes[MAX_BYTES];
};

struct seen {
	const struct field *field; /* NULL: a layer */
	const char *name;
	struct value value;
};

static struct random rng;
static struct packet packets[MAX_PACKETS];
static struct frame frames[MAX_PACKETS];
static struct seen *seen[MAX_PACKETS];
static size_t n_seen[MAX_PACKETS], n_packets;

/* Collecting. */

struct collector {
	struct sink sink;
	size_t packet;
};

static void keep_bytes(struct value *v, const void *bytes, size_t len)
{
	v->is_number = false;
	v->len = MIN(len, sizeof(v->bytes));
	memcpy(v->bytes, bytes, v->len);
}

static void keep_item(struct sink *sink, const struct item *item)
{
	size_t i = container_of(sink, struct collector, sink)->packet;
	const struct field *f = item->field;
	struct seen *s = &seen[i][n_seen[i]];
	char text[1200];
	struct buf b = buf_in(text, sizeof(text));

	if (n_seen[i] == MAX_ITEMS || f == &field_truncated || f == &field_malformed)
		return;
	n_seen[i]++;
	s->field = f;
	s->name = f->name;
	switch (f->type) {
	case FIELD_UINT:
	case FIELD_FLAG:
		s->value = (struct value){ .is_number = true, .number = item->value };
		break;
	case FIELD_INT:
	case FIELD_TIME:
	case FIELD_DURATION:
		s->value = (struct value){ .is_number = true, .number = (int64_t)item->value };
		break;
	case FIELD_NAME:
	case FIELD_OID:
		field_text(&b, f, item->value, item->bytes, item->len);
		keep_bytes(&s->value, text, b.len);
		break;
	case FIELD_TEXT:
		keep_bytes(&s->value, item->bytes, strnlen((const char *)item->bytes, item->len));
		break;
	default:
		keep_bytes(&s->value, item->bytes ?: (const uint8_t *)"",
			   item->bytes ? item->len : 0);
		/* Prefixes are addresses with zeros behind. */
		if (f->type == FIELD_IP6 && s->value.len < 16) {
			memset(s->value.bytes + s->value.len, 0, 16 - s->value.len);
			s->value.len = 16;
		}
	}
}

static void keep_layer(size_t i, const char *name, size_t off, size_t len)
{
	const struct packet *p = &packets[i];
	struct seen *s = &seen[i][n_seen[i]];

	if (n_seen[i] == MAX_ITEMS)
		return;
	n_seen[i]++;
	s->field = NULL;
	s->name = name;
	off = MIN(off, (size_t)p->cap_len);
	keep_bytes(&s->value, p->bytes + off, MIN(len, p->cap_len - off));
}

static void collect(size_t i)
{
	struct collector c = { .sink.item = keep_item, .packet = i };
	const struct packet *p = &packets[i];

	seen[i] = calloc(MAX_ITEMS, sizeof(struct seen));
	assert_non_null(seen[i]);
	packet_frame_items(p, &c.sink);
	keep_layer(i, "frame", 0, p->cap_len);
	for (size_t k = 0; k < p->n_layers; k++) {
		const struct layer *l = &p->layers[k];

		packet_items(p, k, &c.sink);
		keep_layer(i, protocols[l->proto]->name, l->off,
			   (size_t)l->header_len + l->payload_len);
	}
}

/* Random trees. */

enum kind { AND, OR, XOR, NOT, PRESENT, COMPARE, IN, CONTAINS, MATCHES, BITS, N_KINDS };
enum made { PLAIN, SLICE, LEN, COUNT, STRING, LOWER, UPPER };

struct tree {
	enum kind kind;
	struct tree *left, *right;
	const char *name;
	unsigned type; /* enum field_type; of a layer FIELD_BYTES */
	enum made made;
	int first, len; /* of the slice */
	int quantifier; /* 0, 1 any, 2 all */
	unsigned op;
	size_t n;
	struct value value[3], high[3]; /* @high: of a range, where @range */
	bool range[3];
	int prefix; /* bits that count; -1: no prefix */
};

static const char *const op_texts[][3] = {
	{ "==", "eq", "any_eq" },   { "!=", "ne", "all_ne" },  { "<", "lt", "lt" },
	{ "<=", "le", "le" },	    { ">", "gt", "gt" },       { ">=", "ge", "ge" },
	{ "===", "all_eq", "===" }, { "!==", "any_ne", "~=" },
};
enum { EQ, NE, LT, LE, GT, GE, ALL_EQ, ANY_NE };

static unsigned below(unsigned n)
{
	return (unsigned)random_below(&rng, n);
}

static const struct seen *random_seen(void)
{
	size_t i = below((unsigned)n_packets);

	return &seen[i][below((unsigned)n_seen[i])];
}

static const char *const aliases[][3] = {
	{ "ip.addr", "ip.src", "ip.dst" },
	{ "eth.addr", "eth.dst", "eth.src" },
	{ "tcp.port", "tcp.srcport", "tcp.dstport" },
	{ "udp.port", "udp.srcport", "udp.dstport" },
	{ "ipv6.addr", "ipv6.src", "ipv6.dst" },
};

static bool is_named(const struct seen *s, const char *name)
{
	if (!strcmp(s->name, name))
		return true;
	/* Wireshark's name for both versions. */
	if (!strcmp(name, "ip.version") && !strcmp(s->name, "ipv6.version"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (!strcmp(aliases[i][0], name))
			return !strcmp(aliases[i][1], s->name) || !strcmp(aliases[i][2], s->name);
	return false;
}

/* Whether all rows of the name are of one type: others are not compared here. */
static bool one_type(const char *name, unsigned type)
{
	const struct registry_name *n = registry_find(name, strlen(name));

	assert_non_null(n);
	for (size_t i = 0; i < n->n_parts; i++)
		for (size_t k = 0; k < n->parts[i].n_rows; k++)
			if (n->parts[i].rows[k]->type != type)
				return false;
	return true;
}

static struct tree *new_tree(enum kind kind)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->kind = kind;
	t->prefix = -1;
	return t;
}

static void free_tree(struct tree *t)
{
	if (!t)
		return;
	free_tree(t->left);
	free_tree(t->right);
	free(t);
}

static bool is_bytes(unsigned type)
{
	return type == FIELD_BYTES || type == FIELD_MAC || type == FIELD_GROUP;
}

static bool is_text(unsigned type)
{
	return type == FIELD_TEXT || type == FIELD_NAME || type == FIELD_OID;
}

static bool is_numeric(unsigned type)
{
	return type <= FIELD_DURATION;
}

/* A value of the kind that the tree's field has, often one that occurs. */
static void random_value(struct tree *t, struct value *v, const struct value *near)
{
	*v = *near;
	if (v->is_number && !below(4) && t->type != FIELD_FLAG && v->number > 0)
		v->number -= 1;
	if (!v->is_number && v->len && !below(4))
		v->bytes[below((unsigned)v->len)] ^= 1;
}

static void set_slice(struct tree *t, size_t len)
{
	int first = (int)below((unsigned)len);

	t->made = SLICE;
	t->len = (int)below((unsigned)len - (unsigned)first) + 1;
	t->len = MIN(t->len, 12);
	if (t->len + first == (int)len && below(2))
		t->len = 0;
	t->first = below(2) ? first : first - (int)len;
}

static bool made_of(const struct tree *t, const struct value *in, struct value *out);

/* Says what is compared: the field itself or something made of it. */
static void choose_made(struct tree *t, const struct seen *s)
{
	unsigned choice = below(8);
	bool addressed = t->type == FIELD_IP4 || t->type == FIELD_IP6;

	if (choice == 0 && (is_bytes(t->type) || is_text(t->type)))
		t->made = LEN;
	else if (choice == 1)
		t->made = COUNT;
	else if (choice == 2 && (addressed || t->type == FIELD_UINT))
		t->made = STRING;
	else if (choice <= 3 && is_text(t->type))
		t->made = below(2) ? LOWER : UPPER;
	else if (choice <= 4 && !is_numeric(t->type) && s->value.len)
		set_slice(t, MIN(s->value.len, (size_t)100));
}

static struct tree *random_leaf(void)
{
	const struct seen *s = random_seen();
	struct tree *t = new_tree(PRESENT);
	struct value example;

	t->name = s->name;
	t->type = s->field ? s->field->type : FIELD_BYTES;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (is_named(s, aliases[i][0]) && below(2))
			t->name = aliases[i][0];
	if (!below(6) || (s->field && !one_type(t->name, t->type)))
		return t;
	t->quantifier = below(4) ? 0 : 1 + (int)below(2);
	t->kind = COMPARE + below(N_KINDS - COMPARE);
	choose_made(t, s);
	if (t->made == COUNT)
		example = (struct value){ .is_number = true, .number = 1 };
	else if (!made_of(t, &s->value, &example))
		example = s->value;
	bool number = example.is_number, text = !number && (is_text(t->type) || t->made > COUNT);
	bool bytes = !number && (t->made == SLICE || (t->made == PLAIN && is_bytes(t->type)));

	if ((t->kind == CONTAINS || t->kind == MATCHES) && !(bytes || (text && t->made != SLICE)))
		t->kind = COMPARE;
	if (t->kind == BITS &&
	    !((number && t->type == FIELD_UINT && t->made == PLAIN) || (bytes && example.len)))
		t->kind = IN;
	t->n = t->kind == IN ? 1 + below(3) : 1;
	t->op = below(ARRAY_LEN(op_texts));
	for (size_t i = 0; i < t->n; i++) {
		random_value(t, &t->value[i], &example);
		random_value(t, &t->high[i], &example);
		t->range[i] = t->kind == IN && !below(3);
	}
	if (t->kind == CONTAINS || t->kind == MATCHES) {
		size_t off = example.len ? below((unsigned)example.len) : 0;

		keep_bytes(&t->value[0], example.bytes + off, MIN(example.len - off, (size_t)6));
	}
	if (t->kind == COMPARE && t->made == PLAIN &&
	    (t->type == FIELD_IP4 || t->type == FIELD_IP6) && below(2))
		t->prefix = (int)below((unsigned)example.len * 8 + 1);
	if (t->kind == BITS && bytes)
		t->value[0].len = MIN(t->value[0].len, (size_t)8);
	/* An empty constant cannot be written as bytes, nor can a MAC address of other length. */
	for (size_t i = 0; i < t->n; i++)
		if ((bytes && !t->value[i].len) || (t->type == FIELD_MAC && t->made == PLAIN &&
						    t->value[i].len != 6 && t->kind != CONTAINS))
			t->kind = PRESENT;
	if (t->kind == PRESENT || t->kind == BITS)
		t->quantifier = 0;
	if (t->kind == PRESENT)
		t->made = PLAIN;
	return t;
}

static struct tree *random_tree(unsigned depth)
{
	struct tree *t;

	if (!depth || below(3) == 0)
		return random_leaf();
	t = new_tree((enum kind)below(4));
	t->left = random_tree(depth - 1);
	t->right = t->kind == NOT ? NULL : random_tree(depth - 1);
	return t;
}

/* Text of trees. */

static void put_string(struct buf *b, const struct value *v, const char *escape)
{
	buf_char(b, '"');
	for (size_t i = 0; i < v->len; i++) {
		if (isalnum(v->bytes[i]) || v->bytes[i] == '.')
			buf_char(b, (char)v->bytes[i]);
		else
			buf_printf(b, escape, v->bytes[i]);
	}
	buf_char(b, '"');
}

static void put_number(struct buf *b, const struct tree *t, number_t number)
{
	static const char *const forms[] = { "%llu", "0x%llx", "0%llo", "+%llu" };
	const struct field time = { .type = FIELD_TIME }, duration = { .type = FIELD_DURATION };

	if (t->made == PLAIN && t->type == FIELD_TIME) {
		buf_char(b, '"');
		field_text(b, &time, (uint64_t)number, NULL, 0);
		buf_char(b, '"');
	} else if (t->made == PLAIN && t->type == FIELD_DURATION) {
		field_text(b, &duration, (uint64_t)number, NULL, 0);
	} else if (t->made == PLAIN && t->type == FIELD_FLAG && below(2)) {
		buf_str(b, number ? "True" : "False");
	} else if (number < 0) {
		buf_printf(b, "%lld", (long long)number);
	} else {
		buf_printf(b, forms[below(4)], (unsigned long long)number);
	}
}

static void put_value(struct buf *b, const struct tree *t, const struct value *v)
{
	bool plain = t->made == PLAIN;

	if (v->is_number)
		put_number(b, t, v->number);
	else if (plain && t->type == FIELD_IP4)
		buf_ip4(b, v->bytes);
	else if (plain && t->type == FIELD_IP6)
		buf_ip6(b, v->bytes);
	else if (t->made > COUNT || (plain && is_text(t->type)))
		put_string(b, v, "\\x%02x");
	else if (plain && t->type == FIELD_MAC)
		buf_hex(b, v->bytes, v->len, below(2) ? ':' : '-');
	else if (below(4))
		buf_hex(b, v->bytes, v->len, below(2) ? ':' : 0);
	else
		put_string(b, v, "\\x%02x");
	if (t->prefix >= 0)
		buf_printf(b, "/%d", t->prefix);
}

static void put_left(struct buf *b, const struct tree *t)
{
	static const char *const functions[] = {
		[LEN] = "len",	   [COUNT] = "count", [STRING] = "string",
		[LOWER] = "lower", [UPPER] = "upper",
	};

	if (t->made > SLICE) {
		buf_printf(b, "%s(%s)", functions[t->made], t->name);
		return;
	}
	buf_str(b, t->name);
	if (t->made != SLICE)
		return;
	if (!t->len)
		buf_printf(b, "[%d:]", t->first);
	else if (t->len == 1)
		buf_printf(b, "[%d]", t->first);
	else if (t->first >= 0 && below(2))
		buf_printf(b, "[%d-%d]", t->first, t->first + t->len - 1);
	else
		buf_printf(b, "[%d:%d]", t->first, t->len);
}

static void put_tree(struct buf *b, const struct tree *t);

static void put_joined(struct buf *b, const struct tree *t)
{
	static const char *const signs[][2] = {
		[AND] = { "&&", "and" }, [OR] = { "||", "or" }, [XOR] = { "^^", "xor" }
	};

	buf_char(b, '(');
	put_tree(b, t->left);
	buf_printf(b, " %s ", signs[t->kind][below(2)]);
	put_tree(b, t->right);
	buf_char(b, ')');
}

static void put_tree(struct buf *b, const struct tree *t)
{
	static const char *const quantifiers[] = { "", "any ", "all " };

	if (t->kind <= XOR) {
		put_joined(b, t);
		return;
	}
	if (t->kind == NOT) {
		buf_str(b, below(2) ? "!(" : "not (");
		put_tree(b, t->left);
		buf_char(b, ')');
		return;
	}
	buf_str(b, quantifiers[t->quantifier]);
	put_left(b, t);
	switch (t->kind) {
	case COMPARE:
		buf_printf(b, " %s ", op_texts[t->op][below(3)]);
		break;
	case CONTAINS:
		buf_str(b, " contains ");
		break;
	case MATCHES:
		buf_str(b, below(2) ? " matches " : " ~ ");
		put_string(b, &t->value[0], "\\\\x%02x");
		return;
	case BITS:
		buf_str(b, " & ");
		break;
	case IN:
		buf_str(b, " in {");
		for (size_t i = 0; i < t->n; i++) {
			if (i)
				buf_str(b, ", ");
			put_value(b, t, &t->value[i]);
			if (t->range[i]) {
				buf_str(b, "..");
				put_value(b, t, &t->high[i]);
			}
		}
		buf_char(b, '}');
		return;
	default:
		return;
	}
	put_value(b, t, &t->value[0]);
}

/* The naive evaluator. */

static void make_value(const struct tree *t, const struct value *in, struct value *out)
{
	struct field f = { .type = (uint8_t)t->type };
	struct buf b = buf_in(out->bytes, sizeof(out->bytes));

	*out = *in;
	switch (t->made) {
	case LEN:
		*out = (struct value){ .is_number = true, .number = (number_t)in->len };
		break;
	case STRING:
		field_text(&b, &f, (uint64_t)in->number, in->bytes, in->len);
		out->is_number = false;
		out->len = b.len;
		break;
	case LOWER:
	case UPPER:
		for (size_t i = 0; i < in->len; i++)
			out->bytes[i] = (uint8_t)(t->made == LOWER ? tolower(in->bytes[i])
								   : toupper(in->bytes[i]));
		break;
	default:
		break;
	}
}

/* Returns false where there is no such slice. */
static bool made_of(const struct tree *t, const struct value *in, struct value *out)
{
	int first = t->first < 0 ? (int)in->len + t->first : t->first;
	int len = t->len ? t->len : (int)in->len - first;

	if (t->made != SLICE) {
		make_value(t, in, out);
		return true;
	}
	if (first < 0 || len <= 0 || first + len > (int)in->len)
		return false;
	keep_bytes(out, in->bytes + first, (size_t)len);
	return true;
}

/* Text as in a dictionary; of bytes the longer are greater. */
static int order(const struct tree *t, const struct value *a, const struct value *b)
{
	size_t n = MIN(a->len, b->len);
	bool text = t->made > COUNT || (t->made == PLAIN && is_text(t->type));

	if (a->is_number)
		return a->number < b->number ? -1 : a->number > b->number;
	if (!text && a->len != b->len)
		return a->len < b->len ? -1 : 1;
	for (size_t i = 0; i < n; i++)
		if (a->bytes[i] != b->bytes[i])
			return a->bytes[i] < b->bytes[i] ? -1 : 1;
	return a->len < b->len ? -1 : a->len > b->len;
}

static void mask(struct value *v, int prefix)
{
	for (int bit = prefix; bit < (int)v->len * 8; bit++)
		v->bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static bool found_in(const struct value *a, const struct value *b)
{
	for (size_t i = 0; i + b->len <= a->len; i++)
		if (!memcmp(a->bytes + i, b->bytes, b->len))
			return true;
	return false;
}

/* A regular expression of letters, digits, dots and escaped bytes. */
static bool dotted_in(const struct value *a, const struct value *b)
{
	for (size_t i = 0; i + b->len <= a->len; i++) {
		size_t k = 0;

		while (k < b->len &&
		       (b->bytes[k] == '.' ? a->bytes[i + k] != '\n'
					   : tolower(a->bytes[i + k]) == tolower(b->bytes[k])))
			k++;
		if (k == b->len)
			return true;
	}
	return false;
}

static bool one_holds(const struct tree *t, struct value a)
{
	struct value b = t->value[0];
	int o;

	switch (t->kind) {
	case CONTAINS:
		return found_in(&a, &b);
	case MATCHES:
		return dotted_in(&a, &b);
	case BITS:
		if (a.is_number)
			return a.number & b.number;
		for (size_t i = 0; i < MIN(a.len, b.len); i++)
			if (a.bytes[i] & b.bytes[i])
				return true;
		return false;
	case IN:
		for (size_t i = 0; i < t->n; i++)
			if (t->range[i] ? order(t, &a, &t->value[i]) >= 0 &&
						  order(t, &a, &t->high[i]) <= 0
					: !order(t, &a, &t->value[i]))
				return true;
		return false;
	default:
		break;
	}
	if (t->prefix >= 0) {
		mask(&a, t->prefix);
		mask(&b, t->prefix);
	}
	o = order(t, &a, &b);
	return t->op == EQ || t->op == ALL_EQ	? !o
	       : t->op == NE || t->op == ANY_NE ? o
	       : t->op == LT			? o < 0
	       : t->op == LE			? o <= 0
	       : t->op == GT			? o > 0
						: o >= 0;
}

static bool leaf_holds(const struct tree *t, size_t packet)
{
	size_t n = 0, yes = 0, n_named = 0;
	bool all = t->quantifier == 2 ||
		   (!t->quantifier && t->kind == COMPARE && (t->op == NE || t->op == ALL_EQ));
	struct value made;

	for (size_t i = 0; i < n_seen[packet]; i++) {
		const struct seen *s = &seen[packet][i];

		if (!is_named(s, t->name))
			continue;
		n_named++;
		if (t->kind == PRESENT || t->made == COUNT || !made_of(t, &s->value, &made))
			continue;
		n++;
		yes += one_holds(t, made);
	}
	if (t->kind == PRESENT)
		return n_named;
	if (t->made == COUNT && n_named) {
		made = (struct value){ .is_number = true, .number = (number_t)n_named };
		n = 1;
		yes = one_holds(t, made);
	}
	return all ? n && yes == n : yes;
}

static bool tree_holds(const struct tree *t, size_t packet)
{
	switch (t->kind) {
	case AND:
		return tree_holds(t->left, packet) && tree_holds(t->right, packet);
	case OR:
		return tree_holds(t->left, packet) || tree_holds(t->right, packet);
	case XOR:
		return tree_holds(t->left, packet) != tree_holds(t->right, packet);
	case NOT:
		return !tree_holds(t->left, packet);
	default:
		return leaf_holds(t, packet);
	}
}

/* The test. */

static uint8_t capture[1 << 20];

static uint32_t load_le32(const uint8_t *p)
{
	return __builtin_bswap32(load_be32(p));
}

static void read_packets(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t len;

	assert_non_null(f);
	len = fread(capture, 1, sizeof(capture), f);
	fclose(f);
	for (size_t at = 24; len - at >= 16 && n_packets < MAX_PACKETS;) {
		uint32_t n = load_le32(capture + at + 8);
		size_t i = n_packets++;

		/* Some are cut. */
		packet_walk(&packets[i], PROTOCOL_ETHERNET, capture + at + 16,
			    i % 7 ? n : n - below(n / 2), n);
		frames[i] = (struct frame){
			.number = i + 1,
			.time_ns = 1700000000123456789 + (int64_t)i * 1000003,
			.since_first_ns = (int64_t)i * 1000003,
			.since_previous_ns = 1000003,
			.interface = "eth0",
			.link_type = 1,
		};
		packets[i].frame = &frames[i];
		collect(i);
		at += 16 + n;
	}
}

static void filters_agree(void **state)
{
	struct buf text = buf_of(1 << 20);
	size_t n_matched = 0, n_mixed = 0;

	(void)state;
	for (size_t i = 0; i < N_FILTERS; i++) {
		struct tree *t = random_tree(1 + below(4));
		struct filter *filter;
		struct fault fault;
		size_t matched = 0;

		buf_reset(&text);
		put_tree(&text, t);
		if (filter_new(text.data, text.len, &filter, &fault) < 0)
			fail_msg("refused at %zu, %s: %s", fault.offset, fault.text,
				 buf_cstr(&text));
		for (size_t k = 0; k < n_packets; k++) {
			bool ours = filter_matches(filter, &packets[k]);

			if (ours != tree_holds(t, k))
				fail_msg("packet %zu %s: %s", k,
					 ours ? "matches" : "does not match", buf_cstr(&text));
			matched += ours;
		}
		n_matched += matched;
		n_mixed += matched && matched < n_packets;
		filter_free(filter);
		free_tree(t);
	}
	/* Most filters let some packets through and not others. */
	assert_true(n_mixed > N_FILTERS / 2);
	assert_true(n_matched > N_FILTERS);
	buf_done(&text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(filters_agree) };
	int failed;

	if (argc < 2)
		return 2;
	rng = random_of(argc > 2 ? strtoull(argv[2], NULL, 10) : 1);
	read_packets(argv[1]);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < n_packets; i++)
		free(seen[i]);
	return failed;
}
