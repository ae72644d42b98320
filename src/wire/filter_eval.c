/*
 * Asking a packet. Values are given one by one from where they are: a field's occurrences go
 * through slices and functions to the comparison, which says when it has seen enough. Nothing is
 * collected, so nothing is allocated.
 */
#include <ctype.h>

#include "wire/filter_internal.h"

/* Text that is put together for one value: names, addresses. */
#define TEXT_MAX 1100

/* Bytes that a slice of several parts, a change of case and "&" look at. */
#define COPY_MAX 2048

/* Gets values one by one. Return: true when it has seen enough. */
struct each {
	bool (*take)(struct each *e, const struct value *v);
	struct filter *filter;
	const struct packet *packet;
};

static bool each_value(uint16_t node, struct each *e);

unsigned value_type_of(const struct field *f)
{
	static const uint8_t types[] = {
		[FIELD_UINT] = VALUE_UINT,	   [FIELD_INT] = VALUE_INT,
		[FIELD_FLAG] = VALUE_FLAG,	   [FIELD_TIME] = VALUE_TIME,
		[FIELD_DURATION] = VALUE_DURATION, [FIELD_BYTES] = VALUE_BYTES,
		[FIELD_MAC] = VALUE_MAC,	   [FIELD_IP4] = VALUE_IP4,
		[FIELD_IP6] = VALUE_IP6,	   [FIELD_TEXT] = VALUE_TEXT,
		[FIELD_NAME] = VALUE_TEXT,	   [FIELD_OID] = VALUE_TEXT,
		[FIELD_GROUP] = VALUE_BYTES,
	};

	return types[f->type];
}

static void set_text(struct value *v, const struct buf *text)
{
	v->type = VALUE_TEXT;
	v->bytes = (const uint8_t *)text->data;
	v->len = (uint32_t)text->len;
}

void value_of_item(struct value *v, const struct item *item, struct buf *text)
{
	const struct field *f = item->field;

	*v = (struct value){ .type = (uint8_t)value_type_of(f), .len = item->len };
	switch (f->type) {
	case FIELD_UINT:
	case FIELD_FLAG:
		v->number = f->type == FIELD_FLAG ? item->value != 0 : item->value;
		v->len = f->bits ? (f->bits + 7u) / 8 : 4;
		return;
	case FIELD_INT:
	case FIELD_TIME:
	case FIELD_DURATION:
		v->number = (int64_t)item->value;
		v->len = f->bits ? (f->bits + 7u) / 8 : 4;
		return;
	case FIELD_NAME:
	case FIELD_OID:
		field_text(text, f, item->value, item->bytes, item->len);
		set_text(v, text);
		return;
	default:
		break;
	}
	v->bytes = item->bytes;
	if (!v->bytes)
		v->len = 0;
	if (f->type == FIELD_TEXT && v->len)
		v->len = (uint32_t)strnlen((const char *)v->bytes, v->len);
	if (f->type == FIELD_IP6 && v->len < 16) {
		buf_bytes(text, v->bytes, v->len);
		buf_fill(text, '\0', 16 - v->len);
		v->bytes = (const uint8_t *)text->data;
		v->len = 16;
	}
}

/* Fields. */

struct each_item {
	struct taker taker;
	struct each *to;
	bool text; /* the value is its text */
};

static bool item_taken(struct taker *taker, const struct item *item)
{
	struct each_item *e = container_of(taker, struct each_item, taker);
	char memory[TEXT_MAX];
	struct buf text = buf_in(memory, sizeof(memory));
	struct value v;

	if (!e->to->filter->budget)
		return true;
	e->to->filter->budget--;
	if (e->text) {
		field_text(&text, item->field, item->value, item->bytes, item->len);
		set_text(&v, &text);
	} else {
		value_of_item(&v, item, &text);
	}
	return e->to->take(e->to, &v);
}

static bool each_field(const struct node *n, struct each *to)
{
	struct filter *f = to->filter;
	struct each_item e = { .taker.take = item_taken, .to = to, .text = n->name->text };

	f->budget -= MIN(f->budget, (uint32_t)FILTER_PICK_COST);
	return f->budget && pick(n->name, n->layers, n->n_parts, to->packet, &e.taker);
}

/* Slices. */

struct each_slice {
	struct each each;
	struct each *to;
	const struct node *node;
};

/* The place of a part in @len bytes. Returns false when it is not all there. */
static bool slice_place(const struct slice_part *part, uint32_t len, uint32_t *ret_off,
			uint32_t *ret_len)
{
	int64_t first = part->first < 0 ? (int64_t)len + part->first : part->first;
	int64_t n = part->len ? part->len : (int64_t)len - first;

	if (first < 0 || n <= 0 || first + n > len)
		return false;
	*ret_off = (uint32_t)first;
	*ret_len = (uint32_t)n;
	return true;
}

static bool slice_taken(struct each *each, const struct value *v)
{
	struct each_slice *e = container_of(each, struct each_slice, each);
	struct value part = { .type = VALUE_BYTES };
	char memory[COPY_MAX];
	struct buf joined = buf_in(memory, sizeof(memory));
	uint32_t off = 0, len = 0;

	for (size_t i = 0; i < e->node->n_parts; i++) {
		if (!slice_place(&e->node->slice[i], v->len, &off, &len))
			return false;
		if (e->node->n_parts > 1)
			buf_bytes(&joined, v->bytes + off, len);
	}
	if (joined.err)
		return false;
	part.bytes = e->node->n_parts > 1 ? (const uint8_t *)memory : v->bytes + off;
	part.len = e->node->n_parts > 1 ? (uint32_t)joined.len : len;
	return e->to->take(e->to, &part);
}

/* Functions of one value. */

struct each_mapped {
	struct each each;
	struct each *to;
	unsigned function;
};

/* "10.0.0.1", "80", "0a0b": what string() makes of a value. */
static void put_value(struct buf *b, const struct value *v)
{
	static const uint8_t fields[] = {
		[VALUE_INT] = FIELD_INT,
		[VALUE_TIME] = FIELD_TIME,
		[VALUE_DURATION] = FIELD_DURATION,
		[VALUE_IP6] = FIELD_IP6,
	};
	struct field f = { .type = FIELD_UINT };

	switch (v->type) {
	case VALUE_INT:
	case VALUE_TIME:
	case VALUE_DURATION:
	case VALUE_IP6:
		f.type = fields[v->type];
		break;
	case VALUE_MAC:
		f.type = v->len == 6 ? FIELD_MAC : FIELD_BYTES;
		break;
	case VALUE_IP4:
		f.type = v->len == 4 ? FIELD_IP4 : FIELD_BYTES;
		break;
	case VALUE_BYTES:
		f.type = FIELD_BYTES;
		break;
	case VALUE_TEXT:
		buf_bytes(b, v->bytes, MIN(v->len, (uint32_t)COPY_MAX));
		return;
	}
	field_text(b, &f, (uint64_t)v->number, v->bytes, MIN(v->len, COPY_MAX / 2u));
}

static bool mapped_taken(struct each *each, const struct value *v)
{
	struct each_mapped *e = container_of(each, struct each_mapped, each);
	char memory[COPY_MAX];
	struct buf text = buf_in(memory, sizeof(memory));
	struct value mapped = *v;

	switch (e->function) {
	case FUNCTION_LEN:
		mapped = (struct value){ .type = VALUE_UINT, .number = v->len };
		break;
	case FUNCTION_ABS:
		mapped.number = v->number < 0 ? -v->number : v->number;
		break;
	case FUNCTION_STRING:
		put_value(&text, v);
		set_text(&mapped, &text);
		break;
	default:
		for (uint32_t i = 0; i < MIN(v->len, (uint32_t)COPY_MAX); i++)
			memory[i] = (char)(e->function == FUNCTION_LOWER ? tolower(v->bytes[i])
									 : toupper(v->bytes[i]));
		text.len = MIN(v->len, (uint32_t)COPY_MAX);
		set_text(&mapped, &text);
	}
	return e->to->take(e->to, &mapped);
}

/* Functions of all values. */

/* <0, 0, >0; false when the two have no order. Of bytes the longer are greater, as in Wireshark. */
static bool value_order(const struct value *a, const struct value *b, int *ret)
{
	int order;

	if (value_is_number(a->type) != value_is_number(b->type))
		return false;
	if (value_is_number(a->type)) {
		*ret = a->number < b->number ? -1 : a->number > b->number;
		return true;
	}
	if (a->type != VALUE_TEXT && a->len != b->len) {
		*ret = a->len < b->len ? -1 : 1;
		return true;
	}
	order = MIN(a->len, b->len) ? memcmp(a->bytes, b->bytes, MIN(a->len, b->len)) : 0;
	*ret = order ? order : a->len < b->len ? -1 : a->len > b->len;
	return true;
}

struct each_all {
	struct each each;
	unsigned function;
	uint64_t n;
	struct value best; /* its bytes in @memory */
	uint8_t memory[COPY_MAX];
};

static bool all_taken(struct each *each, const struct value *v)
{
	struct each_all *e = container_of(each, struct each_all, each);
	int order = 0;

	e->n++;
	if (e->function == FUNCTION_COUNT || (e->n > 1 && !value_order(v, &e->best, &order)) ||
	    (e->n > 1 && (e->function == FUNCTION_MAX ? order <= 0 : order >= 0)))
		return false;
	e->best = *v;
	if (value_is_number(v->type))
		return false;
	e->best.len = MIN(v->len, (uint32_t)sizeof(e->memory));
	memcpy(e->memory, v->bytes, e->best.len);
	e->best.bytes = e->memory;
	return false;
}

static bool each_aggregate(const struct node *n, struct each *to)
{
	struct each_all e = {
		.each = { all_taken, to->filter, to->packet },
		.function = n->op,
	};

	for (uint16_t i = n->first; i; i = to->filter->nodes[i].next)
		each_value(i, &e.each);
	if (!e.n)
		return false;
	if (n->op == FUNCTION_COUNT)
		e.best = (struct value){ .type = VALUE_UINT, .number = e.n };
	return to->take(to, &e.best);
}

static bool each_function(const struct node *n, struct each *to)
{
	struct each_mapped e = {
		.each = { mapped_taken, to->filter, to->packet },
		.to = to,
		.function = n->op,
	};

	if (n->op == FUNCTION_COUNT || n->op == FUNCTION_MAX || n->op == FUNCTION_MIN)
		return each_aggregate(n, to);
	return each_value(n->first, &e.each);
}

/* Calculations: each value on the left with each on the right. */

struct each_pair {
	struct each left, right;
	struct each *to;
	const struct node *node;
	const struct value *first;
};

/* Returns false where there is no result. */
static bool calculate(unsigned op, number_t a, number_t b, number_t *ret)
{
	switch (op) {
	case SIGN_BITAND:
		*ret = a & b;
		return true;
	case SIGN_PLUS:
		return !__builtin_add_overflow(a, b, ret);
	case SIGN_MINUS:
		return !__builtin_sub_overflow(a, b, ret);
	case SIGN_TIMES:
		return !__builtin_mul_overflow(a, b, ret);
	case SIGN_DIVIDE:
	case SIGN_MODULO:
		if (!b || b == -1)
			return b &&
			       !__builtin_sub_overflow((number_t)0, op == SIGN_DIVIDE ? a : 0, ret);
		*ret = op == SIGN_DIVIDE ? a / b : a % b;
		return true;
	default:
		return false;
	}
}

static bool right_taken(struct each *each, const struct value *b)
{
	struct each_pair *e = container_of(each, struct each_pair, right);
	const struct value *a = e->first;
	struct value result = *a;
	uint8_t memory[COPY_MAX];

	if (!e->to->filter->budget)
		return true;
	e->to->filter->budget--;
	if (value_is_number(a->type) != value_is_number(b->type))
		return false;
	if (value_is_number(a->type))
		return calculate(e->node->op, a->number, b->number, &result.number) &&
		       e->to->take(e->to, &result);
	result.len = MIN(MIN(a->len, b->len), (uint32_t)sizeof(memory));
	for (uint32_t i = 0; i < result.len; i++)
		memory[i] = a->bytes[i] & b->bytes[i];
	result.bytes = memory;
	return e->to->take(e->to, &result);
}

static bool left_taken(struct each *each, const struct value *a)
{
	struct each_pair *e = container_of(each, struct each_pair, left);

	e->first = a;
	return each_value(e->to->filter->nodes[e->node->first].next, &e->right);
}

static bool each_binary(const struct node *n, struct each *to)
{
	struct each_pair e = {
		.left = { left_taken, to->filter, to->packet },
		.right = { right_taken, to->filter, to->packet },
		.to = to,
		.node = n,
	};

	return each_value(n->first, &e.left);
}

static void constant(const struct node *n, struct value *v)
{
	*v = (struct value){
		.type = n->type,
		.prefix = n->prefix,
		.masked = n->type == VALUE_IP4 || n->type == VALUE_IP6,
		.len = n->len,
		.bytes = n->bytes,
		.number = n->number,
	};
}

/* Gives the values of @node. Return: whether @e had seen enough. */
static bool each_value(uint16_t node, struct each *e)
{
	const struct node *n = &e->filter->nodes[node];
	struct value v;

	switch (n->kind) {
	case NODE_FIELD:
		return each_field(n, e);
	case NODE_SLICE: {
		struct each_slice slice = {
			.each = { slice_taken, e->filter, e->packet },
			.to = e,
			.node = n,
		};

		return each_value(n->first, &slice.each);
	}
	case NODE_FUNCTION:
		return each_function(n, e);
	case NODE_BINARY:
		return each_binary(n, e);
	default:
		constant(n, &v);
		return e->take(e, &v);
	}
}

/* Tests. */

static int prefix_order(const struct value *a, const struct value *b)
{
	for (unsigned i = 0, bits = b->prefix; bits; i++) {
		uint8_t mask = bits >= 8 ? 0xff : (uint8_t)(0xff00 >> bits);
		int order = (a->bytes[i] & mask) - (b->bytes[i] & mask);

		if (order)
			return order;
		bits -= MIN(bits, 8u);
	}
	return 0;
}

static bool holds(unsigned op, int order)
{
	switch (op) {
	case OP_EQ:
		return order == 0;
	case OP_NE:
		return order != 0;
	case OP_LT:
		return order < 0;
	case OP_LE:
		return order <= 0;
	case OP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static bool value_compare(unsigned op, const struct value *a, const struct value *b)
{
	int order;

	if (op == OP_CONTAINS)
		return !value_is_number(a->type) &&
		       (!b->len || (a->len && memmem(a->bytes, a->len, b->bytes, b->len)));
	if (b->masked && a->type == b->type && a->len == b->len)
		return holds(op, prefix_order(a, b));
	return value_order(a, b, &order) && holds(op, order);
}

/* One test of all values on the left, and of those on the right or the elements of the set. */
struct test {
	struct each left, right;
	const struct node *node;
	const struct value *first;
	bool some;   /* there was something to be tested */
	bool result; /* once decided */
};

/* Takes one answer. Returns whether that decides the test. */
static bool decide(struct test *t, bool yes)
{
	t->some = true;
	if (yes == t->node->all)
		return false;
	t->result = yes;
	return true;
}

static bool compared_with(struct each *each, const struct value *b)
{
	struct test *t = container_of(each, struct test, right);

	if (!each->filter->budget)
		return true;
	each->filter->budget--;
	return decide(t, value_compare(t->node->op, t->first, b));
}

static bool compare_taken(struct each *each, const struct value *a)
{
	struct test *t = container_of(each, struct test, left);

	t->first = a;
	return each_value(each->filter->nodes[t->node->first].next, &t->right);
}

/* Whether the value is, or is between the ends of, one element of the set. */
static bool in_taken(struct each *each, const struct value *a)
{
	struct test *t = container_of(each, struct test, left);
	const struct node *nodes = each->filter->nodes;
	bool found = false;

	for (uint16_t i = nodes[t->node->first].next; i && !found; i = nodes[i].next) {
		const struct node *low = &nodes[nodes[i].kind == NODE_RANGE ? nodes[i].first : i];
		struct value v;

		constant(low, &v);
		if (nodes[i].kind != NODE_RANGE) {
			found = value_compare(OP_EQ, a, &v);
			continue;
		}
		found = value_compare(OP_GE, a, &v);
		constant(&nodes[low->next], &v);
		found = found && value_compare(OP_LE, a, &v);
	}
	return decide(t, found);
}

static bool matches_taken(struct each *each, const struct value *a)
{
	struct test *t = container_of(each, struct test, left);
	const struct pattern *r = t->node->pattern;
	PCRE2_SPTR bytes = a->len ? a->bytes : (PCRE2_SPTR) "";

	return decide(t, pcre2_match(r->code, bytes, a->len, 0, 0, r->data, r->limits) >= 0);
}

/* There, and if it was calculated not zero. */
static bool truth_taken(struct each *each, const struct value *a)
{
	struct test *t = container_of(each, struct test, left);
	bool yes = true;

	if (each->filter->nodes[t->node->first].kind == NODE_BINARY) {
		yes = value_is_number(a->type) && a->number;
		for (uint32_t i = 0; !value_is_number(a->type) && i < a->len && !yes; i++)
			yes = a->bytes[i];
	}
	return decide(t, yes);
}

static bool test_values(struct filter *f, const struct node *n, const struct packet *p,
			bool (*take)(struct each *, const struct value *))
{
	struct test t = {
		.left = { take, f, p },
		.right = { compared_with, f, p },
		.node = n,
	};

	if (each_value(n->first, &t.left))
		return t.result;
	return n->all && t.some && f->budget;
}

/* Numbers and addresses where the header has them. */
static bool test_direct(struct filter *f, const struct node *n, const struct packet *p)
{
	const struct registry_name *name = f->nodes[n->first].name;
	bool some = false;

	for (const struct packet *q = p; q; q = q->more) {
		if (!(q->seen & name->protocols))
			continue;
		for (size_t i = 0; i < q->n_layers; i++) {
			const struct layer *l = &q->layers[i];
			const struct registry_part *part = registry_part(name, l->proto);

			if (!part)
				continue;
			if (unlikely(l->flags & LAYER_CUT))
				return test_values(f, n, p, compare_taken);
			for (size_t k = 0; k < part->n_rows; k++) {
				const struct field *row = part->rows[k];
				uint64_t v = field_load(row, q->bytes + l->off + row->bit / 8) &
					     n->mask;

				some = true;
				if (holds(n->op, v < n->direct ? -1 : v > n->direct) != n->all)
					return !n->all;
			}
		}
	}
	return some && n->all;
}

static bool test_joined(struct filter *f, const struct node *n, const struct packet *p)
{
	bool odd = false;

	for (uint16_t i = n->first; i; i = f->nodes[i].next) {
		bool yes = filter_test(f, i, p);

		if (n->kind != NODE_XOR && yes == (n->kind == NODE_OR))
			return yes;
		odd ^= yes;
	}
	return n->kind == NODE_XOR ? odd : n->kind == NODE_AND;
}

bool filter_test(struct filter *f, uint16_t node, const struct packet *p)
{
	const struct node *n = &f->nodes[node];

	switch (n->kind) {
	case NODE_NOT:
		return !filter_test(f, n->first, p);
	case NODE_PRESENT:
		return pick_has(p, n->name->protocols);
	case NODE_DIRECT:
		return test_direct(f, n, p);
	case NODE_COMPARE:
		return test_values(f, n, p, compare_taken);
	case NODE_IN:
		return test_values(f, n, p, in_taken);
	case NODE_MATCHES:
		return test_values(f, n, p, matches_taken);
	case NODE_TRUTH:
		return test_values(f, n, p, truth_taken);
	default:
		return test_joined(f, n, p);
	}
}
