/*
 * The grammar of filters, by recursive descent:
 *
 *   or      = xor { ("||" | "or") xor }            and so on for xor and "and"
 *   unary   = ("!" | "not") unary | test
 *   test    = ["any" | "all"] value [ comparison value | ["not"] "in" set | "matches" string ]
 *           | "(" or ")"
 *   value   = calculation of & + - * / % over terms
 *   term    = (field ["#" layers] | function "(" value, … ")" | literal | "{" value "}") { slice }
 *
 * Literals stay text until the other side says of which type they are.
 */
#include <ctype.h>

#include "wire/filter_internal.h"

static uint16_t parse_or(struct parser *p);
static uint16_t parse_value(struct parser *p, unsigned least);

static struct node *node_at(struct parser *p, uint16_t i)
{
	return &p->filter->nodes[i];
}

/* A new node at the token in hand; 0 with an error when there are too many. */
static uint16_t node_new(struct parser *p, unsigned kind, uint32_t at)
{
	struct filter *f = p->filter;

	if (p->err)
		return 0;
	if (f->n_nodes == FILTER_NODES_MAX) {
		filter_fails(p, at, "the filter is too long: at most %d parts", FILTER_NODES_MAX);
		return 0;
	}
	f->nodes[f->n_nodes] = (struct node){ .kind = (uint8_t)kind, .at = at };
	return (uint16_t)f->n_nodes++;
}

/* A value's part, behind the others. */
static void add_child(struct parser *p, uint16_t parent, uint16_t child)
{
	uint16_t *link = &node_at(p, parent)->first;
	uint8_t height = node_at(p, child)->height;

	while (*link)
		link = &node_at(p, *link)->next;
	*link = child;
	if (height == FILTER_DEPTH_MAX)
		filter_fails(p, node_at(p, parent)->at, "more than %d calculations in one another",
			     FILTER_DEPTH_MAX);
	else
		node_at(p, parent)->height = MAX(node_at(p, parent)->height, (uint8_t)(height + 1));
}

static bool is_sign(const struct parser *p, unsigned sign)
{
	return !p->err && p->token.sign == sign;
}

static bool take_sign(struct parser *p, unsigned sign)
{
	return is_sign(p, sign) && filter_next(p) == 0;
}

static void unexpected(struct parser *p, const char *wanted)
{
	if (p->token.kind == TOKEN_END)
		filter_fails(p, p->token.at, "the filter ends where %s should be", wanted);
	else
		filter_fails(p, p->token.at, "'%.*s' is not expected here, but %s",
			     (int)MIN(p->token.len, 40u), p->text + p->token.at, wanted);
}

static bool go_deeper(struct parser *p)
{
	if (++p->depth <= FILTER_DEPTH_MAX)
		return true;
	filter_fails(p, p->token.at, "more than %d parentheses and negations in one another",
		     FILTER_DEPTH_MAX);
	return false;
}

static uint16_t field_node(struct parser *p, const struct registry_name *name, uint32_t at)
{
	uint16_t i = node_new(p, NODE_FIELD, at);
	struct node *n = node_at(p, i);

	if (!i)
		return 0;
	n->name = name;
	n->type = (uint8_t)(name->text ? VALUE_TEXT : value_type_of(registry_row(name)));
	p->filter->needs |= filter_name_needs(name);
	if (is_sign(p, SIGN_HASH))
		filter_parse_layers(p, n);
	return i;
}

static const struct {
	char name[8];
	uint8_t function, n_max;
} functions[] = {
	{ "len", FUNCTION_LEN, 1 },	  { "count", FUNCTION_COUNT, 1 },
	{ "lower", FUNCTION_LOWER, 1 },	  { "upper", FUNCTION_UPPER, 1 },
	{ "string", FUNCTION_STRING, 1 }, { "abs", FUNCTION_ABS, 1 },
	{ "max", FUNCTION_MAX, 16 },	  { "min", FUNCTION_MIN, 16 },
};

/* Checks the argument and sets the function's type by it. */
static void check_argument(struct parser *p, struct node *n, const char *name,
			   const struct node *argument)
{
	unsigned type = argument->type;

	if (type == VALUE_NONE) {
		filter_fails(p, argument->at, "%s() takes a field", name);
		return;
	}
	switch (n->op) {
	case FUNCTION_LEN:
	case FUNCTION_COUNT:
		n->type = VALUE_UINT;
		if (n->op == FUNCTION_COUNT && argument->kind != NODE_FIELD)
			filter_fails(p, argument->at, "%s() takes a field", name);
		break;
	case FUNCTION_LOWER:
	case FUNCTION_UPPER:
		n->type = VALUE_TEXT;
		if (type != VALUE_TEXT)
			filter_fails(p, argument->at, "%s() takes text, and this is %s", name,
				     value_type_title(type));
		break;
	case FUNCTION_STRING:
		n->type = VALUE_TEXT;
		break;
	case FUNCTION_ABS:
		n->type = (uint8_t)type;
		if (!value_is_number(type) || type == VALUE_FLAG)
			filter_fails(p, argument->at, "%s() takes a number, and this is %s", name,
				     value_type_title(type));
		break;
	default:
		if (n->type && n->type != type)
			filter_fails(p, argument->at,
				     "%s() takes values of one type: this is %s, not %s", name,
				     value_type_title(type), value_type_title(n->type));
		n->type = (uint8_t)type;
	}
}

/* The token in hand is the name, "(" follows. */
static uint16_t parse_function(struct parser *p)
{
	uint32_t at = p->token.at, len = p->token.len;
	uint16_t i = node_new(p, NODE_FUNCTION, at);
	const char *name = NULL;
	unsigned n_max = 0, n = 0;

	for (size_t k = 0; i && k < ARRAY_LEN(functions); k++) {
		if (strlen(functions[k].name) != len ||
		    strncmp(functions[k].name, p->text + at, len) != 0)
			continue;
		name = functions[k].name;
		n_max = functions[k].n_max;
		node_at(p, i)->op = functions[k].function;
	}
	if (!name) {
		filter_fails(p, at,
			     "there is no function %.*s(), but len, count, lower, upper, string, "
			     "abs, max and min",
			     (int)MIN(len, 40u), p->text + at);
		return 0;
	}
	filter_next(p); /* to the parenthesis */
	filter_next(p);
	do {
		uint16_t argument = go_deeper(p) ? parse_value(p, 0) : 0;

		p->depth--;
		if (p->err)
			return 0;
		if (n++ == n_max) {
			filter_fails(p, node_at(p, argument)->at, "%s() takes %u %s", name, n_max,
				     n_max == 1 ? "argument" : "arguments at most");
			return 0;
		}
		check_argument(p, node_at(p, i), name, node_at(p, argument));
		add_child(p, i, argument);
	} while (take_sign(p, SIGN_COMMA));
	if (!is_sign(p, SIGN_CLOSE))
		unexpected(p, "')'");
	filter_next(p);
	return i;
}

/* A literal of @len bytes; the token in hand is its last one and is passed. */
static uint16_t parse_literal(struct parser *p, uint32_t at, uint32_t len)
{
	uint16_t i = node_new(p, NODE_LITERAL, at);
	struct node *n = node_at(p, i);

	if (!i)
		return 0;
	n->form = p->token.kind == TOKEN_STRING ? LITERAL_STRING
		  : p->token.kind == TOKEN_CHAR ? LITERAL_CHAR
						: LITERAL_WORD;
	n->bytes = (const uint8_t *)p->text + at;
	n->len = len;
	filter_next(p);
	return i;
}

static uint16_t parse_word(struct parser *p)
{
	struct token t = p->token;
	bool dotted = t.len > 1 && p->text[t.at] == '.';
	const struct registry_name *name = registry_find(p->text + t.at + dotted, t.len - dotted);

	if (p->at < p->len && p->text[p->at] == '(')
		return parse_function(p);
	if (!name)
		return parse_literal(p, t.at, t.len);
	filter_next(p);
	return field_node(p, name, t.at);
}

/* "-" and a number without blank between. */
static uint16_t parse_negative(struct parser *p)
{
	uint32_t at = p->token.at;

	if (p->at >= p->len || !(isdigit((unsigned char)p->text[p->at]) || p->text[p->at] == '.'))
		return unexpected(p, "a field or a value"), 0;
	filter_next(p);
	return parse_literal(p, at, p->token.at + p->token.len - at);
}

static uint16_t parse_braces(struct parser *p)
{
	uint16_t i;

	filter_next(p);
	i = go_deeper(p) ? parse_value(p, 0) : 0;
	p->depth--;
	if (!take_sign(p, SIGN_CLOSE_BRACE))
		unexpected(p, "'}'");
	return i;
}

static bool can_be_sliced(unsigned type)
{
	return type >= VALUE_BYTES;
}

static uint16_t parse_slices(struct parser *p, uint16_t i)
{
	while (i && is_sign(p, SIGN_BRACKET)) {
		uint16_t slice = node_new(p, NODE_SLICE, p->token.at);

		if (!slice)
			return 0;
		if (!can_be_sliced(node_at(p, i)->type)) {
			filter_fails(p, p->token.at,
				     "bytes can be taken of bytes, addresses and "
				     "text only, and this is %s",
				     value_type_title(node_at(p, i)->type));
			return 0;
		}
		add_child(p, slice, i);
		node_at(p, slice)->type = VALUE_BYTES;
		filter_parse_slice(p, node_at(p, slice));
		i = slice;
	}
	return p->err ? 0 : i;
}

static uint16_t parse_term(struct parser *p)
{
	uint16_t i = 0;

	if (p->err)
		return 0;
	if (p->token.kind == TOKEN_WORD && !p->token.sign)
		i = parse_word(p);
	else if (p->token.kind == TOKEN_STRING || p->token.kind == TOKEN_CHAR)
		i = parse_literal(p, p->token.at, p->token.len);
	else if (is_sign(p, SIGN_OPEN_BRACE))
		i = parse_braces(p);
	else if (is_sign(p, SIGN_MINUS))
		i = parse_negative(p);
	else if (is_sign(p, SIGN_PLUS) && filter_next(p) == 0 && p->token.kind == TOKEN_WORD)
		i = parse_word(p);
	else
		unexpected(p, "a field or a value");
	return parse_slices(p, i);
}

/* How strongly a sign of calculation binds; 0: it is none. */
static unsigned strength(unsigned sign)
{
	switch (sign) {
	case SIGN_BITAND:
		return 1;
	case SIGN_PLUS:
	case SIGN_MINUS:
		return 2;
	case SIGN_TIMES:
	case SIGN_DIVIDE:
	case SIGN_MODULO:
		return 3;
	default:
		return 0;
	}
}

bool filter_can_calculate(unsigned type, unsigned sign)
{
	if (type == VALUE_NONE || type == VALUE_UINT || type == VALUE_INT)
		return true;
	if (sign == SIGN_BITAND)
		return type >= VALUE_BYTES && type <= VALUE_IP6;
	return type == VALUE_DURATION && (sign == SIGN_PLUS || sign == SIGN_MINUS);
}

/* Whether values of the two types can be compared. */
static bool compatible(unsigned a, unsigned b)
{
	bool bytes = (a == VALUE_BYTES || a == VALUE_MAC) && (b == VALUE_BYTES || b == VALUE_MAC);
	bool integers = (a == VALUE_UINT || a == VALUE_INT) && (b == VALUE_UINT || b == VALUE_INT);

	return a == b || bytes || integers;
}

/* Gives the literals on one side the type of the other. */
static int agree(struct parser *p, uint16_t left, uint16_t right)
{
	struct node *a = node_at(p, left), *b = node_at(p, right);

	if (a->type == VALUE_NONE && b->type != VALUE_NONE)
		return filter_resolve(p, left, right);
	if (a->type != VALUE_NONE && b->type == VALUE_NONE)
		return filter_resolve(p, right, left);
	if (a->type == VALUE_NONE || compatible(a->type, b->type))
		return 0;
	return filter_fails(p, b->at, "%s%s%s cannot be compared or calculated with %s",
			    b->kind == NODE_FIELD ? b->name->name : "",
			    b->kind != NODE_FIELD ? ""
			    : b->name->protocol	  ? " is a protocol: "
						  : " is ",
			    value_type_title(b->type), value_type_title(a->type));
}

static uint16_t make_binary(struct parser *p, struct token sign, uint16_t left, uint16_t right)
{
	uint16_t i = node_new(p, NODE_BINARY, sign.at), wrong = 0;
	struct node *n = node_at(p, i);

	if (!i || agree(p, left, right) < 0)
		return 0;
	if (!filter_can_calculate(node_at(p, left)->type, sign.sign))
		wrong = left;
	else if (!filter_can_calculate(node_at(p, right)->type, sign.sign))
		wrong = right;
	if (wrong) {
		filter_fails(p, node_at(p, wrong)->at, "there is no '%.*s' for %s", (int)sign.len,
			     p->text + sign.at, value_type_title(node_at(p, wrong)->type));
		return 0;
	}
	n->op = sign.sign;
	add_child(p, i, left);
	add_child(p, i, right);
	n->type = node_at(p, left)->type;
	return i;
}

/* Goes on behind @left with what binds at least as strongly as @least. */
static uint16_t parse_binary(struct parser *p, uint16_t left, unsigned least)
{
	while (left && !p->err && strength(p->token.sign) > least) {
		struct token sign = p->token;
		uint16_t right;

		filter_next(p);
		right = parse_value(p, strength(sign.sign));
		if (p->err)
			return 0;
		left = make_binary(p, sign, left, right);
	}
	return p->err ? 0 : left;
}

static uint16_t parse_value(struct parser *p, unsigned least)
{
	return parse_binary(p, parse_term(p), least);
}

/* The left side of a comparison, which gives the type. */
static int check_left(struct parser *p, uint16_t left)
{
	const struct node *n = node_at(p, left);
	char near[160] = "";
	struct buf b = buf_in(near, sizeof(near) - 1);

	if (n->type != VALUE_NONE)
		return 0;
	if (n->kind != NODE_LITERAL || n->form != LITERAL_WORD)
		return filter_fails(p, n->at, "this is a value: a field is wanted here");
	registry_suggest(&b, (const char *)n->bytes, n->len);
	near[b.len] = '\0';
	return filter_fails(p, n->at, "'%.*s' is neither a field nor a protocol%s%s",
			    (int)MIN(n->len, 60u), n->bytes, b.len ? "; perhaps " : "", near);
}

static bool compare_sign(unsigned sign, uint8_t *ret_op, bool *ret_all)
{
	static const struct {
		uint8_t sign, op;
		bool all;
	} comparisons[] = {
		{ SIGN_ANY_EQ, OP_EQ, false },
		{ SIGN_ALL_EQ, OP_EQ, true },
		{ SIGN_ANY_NE, OP_NE, false },
		{ SIGN_ALL_NE, OP_NE, true },
		{ SIGN_LT, OP_LT, false },
		{ SIGN_LE, OP_LE, false },
		{ SIGN_GT, OP_GT, false },
		{ SIGN_GE, OP_GE, false },
		{ SIGN_CONTAINS, OP_CONTAINS, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(comparisons); i++) {
		if (comparisons[i].sign != sign)
			continue;
		*ret_op = comparisons[i].op;
		*ret_all = comparisons[i].all;
		return true;
	}
	return false;
}

/* A field at fixed places with a constant number: needs no values made. */
static void make_direct(struct parser *p, struct node *n)
{
	struct node *left = node_at(p, n->first), *right = node_at(p, left->next);
	uint64_t mask = UINT64_MAX;

	if (left->kind != NODE_FIELD || left->n_parts || left->name->text ||
	    right->kind != NODE_CONST || n->op == OP_CONTAINS)
		return;
	for (size_t i = 0; i < left->name->n_parts; i++) {
		const struct registry_part *part = &left->name->parts[i];

		if (part->how != REGISTRY_FIXED)
			return;
		for (size_t k = 0; k < part->n_rows; k++)
			if (value_type_of(part->rows[k]) != left->type)
				return;
	}
	if (left->type == VALUE_UINT || left->type == VALUE_FLAG) {
		n->direct = (uint64_t)right->number;
	} else if (left->type == VALUE_IP4 && right->type == VALUE_IP4) {
		mask = right->prefix ? UINT32_MAX << (32 - right->prefix) & UINT32_MAX : 0;
		n->direct = load_be32(right->bytes) & mask;
	} else {
		return;
	}
	n->mask = mask;
	n->kind = NODE_DIRECT;
}

static uint16_t make_compare(struct parser *p, uint16_t left, bool any, bool all)
{
	uint16_t i = node_new(p, NODE_COMPARE, p->token.at), right;
	struct node *n = node_at(p, i);
	struct token sign = p->token;
	bool by_sign = false;

	if (!i)
		return 0;
	compare_sign(sign.sign, &n->op, &by_sign);
	n->all = any ? false : all || by_sign;
	if (check_left(p, left) < 0)
		return 0;
	if (n->op == OP_CONTAINS && node_at(p, left)->type != VALUE_BYTES &&
	    node_at(p, left)->type != VALUE_MAC && node_at(p, left)->type != VALUE_TEXT) {
		filter_fails(p, node_at(p, left)->at,
			     "'contains' searches bytes and text, and this is %s",
			     value_type_title(node_at(p, left)->type));
		return 0;
	}
	filter_next(p);
	right = parse_value(p, 0);
	if (p->err)
		return 0;
	n->first = left;
	/* A part of a MAC address need not be one. */
	if (n->op == OP_CONTAINS && node_at(p, left)->type == VALUE_MAC)
		node_at(p, left)->type = VALUE_BYTES;
	if (agree(p, left, right) < 0)
		return 0;
	node_at(p, left)->next = right;
	make_direct(p, n);
	return i;
}

static uint16_t make_matches(struct parser *p, uint16_t left, bool all)
{
	uint16_t i = node_new(p, NODE_MATCHES, p->token.at), pattern;
	unsigned type;

	if (!i || check_left(p, left) < 0)
		return 0;
	type = node_at(p, left)->type;
	if (type != VALUE_BYTES && type != VALUE_MAC && type != VALUE_TEXT) {
		filter_fails(p, node_at(p, left)->at,
			     "'matches' searches bytes and text, and this is %s; string() makes "
			     "text of it",
			     value_type_title(type));
		return 0;
	}
	filter_next(p);
	if (p->token.kind != TOKEN_STRING) {
		unexpected(p, "a regular expression in double quotes");
		return 0;
	}
	pattern = parse_literal(p, p->token.at, p->token.len);
	if (p->err)
		return 0;
	node_at(p, i)->all = all;
	node_at(p, i)->first = left;
	filter_compile_pattern(p, node_at(p, i), node_at(p, pattern));
	return p->err ? 0 : i;
}

static uint16_t parse_element(struct parser *p, uint16_t left)
{
	uint16_t low = parse_value(p, 0), high, range;

	if (p->err || agree(p, left, low) < 0)
		return 0;
	if (!take_sign(p, SIGN_DOTS))
		return low;
	high = parse_value(p, 0);
	range = node_new(p, NODE_RANGE, node_at(p, low)->at);
	if (p->err || agree(p, left, high) < 0)
		return 0;
	if (node_at(p, low)->kind != NODE_CONST || node_at(p, high)->kind != NODE_CONST) {
		filter_fails(p, node_at(p, low)->at, "a range has values at both ends");
		return 0;
	}
	node_at(p, range)->first = low;
	node_at(p, low)->next = high;
	return range;
}

/* The token in hand is "in". */
static uint16_t make_in(struct parser *p, uint16_t left, bool all)
{
	uint16_t i = node_new(p, NODE_IN, p->token.at);

	if (!i || check_left(p, left) < 0)
		return 0;
	filter_next(p);
	if (!take_sign(p, SIGN_OPEN_BRACE)) {
		unexpected(p, "a set: {80, 443, 8000..8100}");
		return 0;
	}
	node_at(p, i)->all = all;
	node_at(p, i)->first = left;
	uint16_t *link = &node_at(p, left)->next;

	do {
		uint16_t element = parse_element(p, left);

		if (p->err)
			return 0;
		*link = element;
		link = &node_at(p, element)->next;
	} while (take_sign(p, SIGN_COMMA));
	if (!take_sign(p, SIGN_CLOSE_BRACE))
		unexpected(p, "',' or '}'");
	return i;
}

static uint16_t make_not(struct parser *p, uint16_t child, uint32_t at)
{
	uint16_t i = node_new(p, NODE_NOT, at);

	if (i)
		node_at(p, i)->first = child;
	return i;
}

/* A value alone: it is there. */
static uint16_t make_truth(struct parser *p, uint16_t value)
{
	const struct node *n = node_at(p, value);
	bool protocol = n->kind == NODE_FIELD && n->name->protocol && !n->n_parts;
	uint16_t i = node_new(p, protocol ? NODE_PRESENT : NODE_TRUTH, n->at);

	if (!i)
		return 0;
	if (protocol)
		node_at(p, i)->name = node_at(p, value)->name;
	node_at(p, i)->first = value;
	return i;
}

/* What may follow a value. */
static uint16_t parse_relation(struct parser *p, uint16_t left, bool any, bool all)
{
	uint8_t op;
	bool by_sign;

	if (p->err)
		return 0;
	if (compare_sign(p->token.sign, &op, &by_sign))
		return make_compare(p, left, any, all);
	if (is_sign(p, SIGN_MATCHES))
		return make_matches(p, left, all);
	if (is_sign(p, SIGN_IN))
		return make_in(p, left, all);
	if (is_sign(p, SIGN_NOT)) {
		uint32_t at = p->token.at;

		filter_next(p);
		if (!is_sign(p, SIGN_IN)) {
			unexpected(p, "'in'");
			return 0;
		}
		return make_not(p, make_in(p, left, all), at);
	}
	if (any || all) {
		unexpected(p, "a comparison");
		return 0;
	}
	return make_truth(p, left);
}

/* "(": of tests, or of a value that is compared or calculated with. */
static uint16_t parse_parentheses(struct parser *p)
{
	uint16_t i, value;
	bool goes_on;

	filter_next(p);
	i = go_deeper(p) ? parse_or(p) : 0;
	p->depth--;
	if (!take_sign(p, SIGN_CLOSE))
		unexpected(p, "')'");
	if (p->err)
		return 0;
	goes_on = p->token.sign >= SIGN_ANY_EQ && p->token.sign <= SIGN_MODULO;
	if (!goes_on || (node_at(p, i)->kind != NODE_TRUTH && node_at(p, i)->kind != NODE_PRESENT))
		return i;
	value = node_at(p, i)->first;
	node_at(p, i)->kind = NODE_CONST; /* nobody's child any more */
	return parse_relation(p, parse_binary(p, value, 0), false, false);
}

static uint16_t parse_unary(struct parser *p)
{
	uint32_t at = p->token.at;
	uint16_t i;

	if (take_sign(p, SIGN_NOT)) {
		i = go_deeper(p) ? parse_unary(p) : 0;
		p->depth--;
		return p->err ? 0 : make_not(p, i, at);
	}
	if (is_sign(p, SIGN_OPEN))
		return parse_parentheses(p);
	bool any = take_sign(p, SIGN_ANY), all = !any && take_sign(p, SIGN_ALL);

	return parse_relation(p, parse_value(p, 0), any, all);
}

/* Tests of @below joined by @sign become children of one node. */
static uint16_t parse_joined(struct parser *p, unsigned sign, unsigned kind,
			     uint16_t (*below)(struct parser *))
{
	uint16_t i = below(p), joined;
	uint16_t *link;

	if (p->err || !is_sign(p, sign))
		return i;
	joined = node_new(p, kind, node_at(p, i)->at);
	if (!joined)
		return 0;
	node_at(p, joined)->first = i;
	link = &node_at(p, i)->next;
	while (take_sign(p, sign)) {
		*link = below(p);
		if (p->err)
			return 0;
		link = &node_at(p, *link)->next;
	}
	return p->err ? 0 : joined;
}

static uint16_t parse_and(struct parser *p)
{
	return parse_joined(p, SIGN_AND, NODE_AND, parse_unary);
}

static uint16_t parse_xor(struct parser *p)
{
	return parse_joined(p, SIGN_XOR, NODE_XOR, parse_and);
}

static uint16_t parse_or(struct parser *p)
{
	return parse_joined(p, SIGN_OR, NODE_OR, parse_xor);
}

/* Values that stand alone must be fields, or bits of them. */
static void check_truths(struct parser *p)
{
	for (uint16_t i = 1; i < p->filter->n_nodes && !p->err; i++) {
		const struct node *value = node_at(p, node_at(p, i)->first);
		uint16_t child = node_at(p, i)->first;

		if (node_at(p, i)->kind != NODE_TRUTH || check_left(p, child) < 0)
			continue;
		if (value->kind == NODE_FUNCTION)
			filter_fails(p, value->at,
				     "compare this with something: a function's "
				     "value is always there");
		else if (value->kind == NODE_BINARY && value->op != SIGN_BITAND)
			filter_fails(p, value->at, "compare this with something");
	}
}

int filter_parse(struct parser *p)
{
	uint16_t root;

	if (filter_next(p) < 0 || p->token.kind == TOKEN_END)
		return p->err;
	root = parse_or(p);
	if (!p->err && p->token.kind != TOKEN_END)
		unexpected(p, "'and', 'or' or the end");
	check_truths(p);
	if (!p->err)
		p->filter->root = root;
	return p->err;
}
