/*
 * Finding the row that a name means, in the header, its body or its options, and writing a value
 * there. A name is looked up from what is open to what is possible: the row may be in the header,
 * in the body in hand, in the option in hand; or it begins another element, another option, another
 * body.
 */
#include "wire/craft_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/addr.h"
#include "wire/near.h"

#define VALUE_MAX 2048

/* A value on its way into a packet. */
struct value {
	uint64_t number; /* scaled */
	const uint8_t *bytes;
	size_t len;
	uint8_t memory[VALUE_MAX];
};

/* Where a row was found, and what must be set up for it. */
struct place {
	const struct field *row, *rows; /* the table that it is in */
	uint64_t *given;		/* the rows of that table that were set */
	uint32_t off;			/* where the table's places count from */
};

/* "ttl" or "ip.ttl" for ip.ttl. */
static bool name_is(const struct protocol *p, const struct field *f, const char *name)
{
	if (!strcmp(f->name, name))
		return true;
	return !strncmp(f->name, p->name, p->name_len) && f->name[p->name_len] == '.' &&
	       !strcmp(f->name + p->name_len + 1, name);
}

static const struct field *find_row(const struct protocol *p, const struct field *rows, size_t n,
				    const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].type != FIELD_GROUP && name_is(p, &rows[i], name))
			return &rows[i];
	return NULL;
}

/* The list among @rows whose elements have the field, or NULL. */
static const struct field *find_group(const struct protocol *p, const struct field *rows, size_t n,
				      const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].type == FIELD_GROUP && rows[i].block &&
		    find_row(p, rows[i].block->fields, rows[i].block->n_fields, name))
			return &rows[i];
	return NULL;
}

static bool block_has(const struct protocol *p, const struct block *b, const char *name)
{
	return find_row(p, b->fields, b->n_fields, name) ||
	       find_group(p, b->fields, b->n_fields, name);
}

/* Begins an option with @code. */
static int open_option(struct craft *c, const struct block *block, unsigned code)
{
	int err = craft_close_option(c);

	if (err)
		return err;
	c->option_off = c->len;
	c->head_given = c->option_given = 0;
	err = craft_append(c, NULL, block->bare ? 1 : block->min_len);
	if (err)
		return err;
	c->option = block;
	c->bytes[c->option_off] = (uint8_t)code;
	craft_presets(c, block->fields, block->n_fields, c->option_off);
	return 0;
}

/* Begins an element of the list @group, at the end. */
static int open_element(struct craft *c, const struct field *group)
{
	c->element_off = c->len;
	c->element = group->block;
	c->element_given = 0;
	return craft_append(c, NULL, group->block->min_len);
}

/* In a list that is part of @block: the element in hand, or another one. */
static int find_in_list(struct craft *c, const struct block *block, const char *name,
			struct place *ret)
{
	const struct protocol *p = c->layers[c->n_layers - 1].proto;
	const struct field *group = find_group(p, block->fields, block->n_fields, name);
	const struct field *row;
	int err;

	if (!group)
		return -E_NOT_FOUND;
	row = find_row(p, group->block->fields, group->block->n_fields, name);
	if (c->element != group->block ||
	    craft_given(c->element_given, group->block->fields, row)) {
		err = open_element(c, group);
		if (err)
			return err;
	}
	*ret = (struct place){ row, group->block->fields, &c->element_given, c->element_off };
	return 0;
}

/* In the option in hand, as long as it does not have the field yet. */
static int find_in_option(struct craft *c, const char *name, struct place *ret)
{
	const struct protocol *p = c->layers[c->n_layers - 1].proto;
	const struct block *b = c->option;
	const struct field *row;

	if (!b)
		return -E_NOT_FOUND;
	row = find_row(p, b->fields, b->n_fields, name);
	if (row && (row->repeats || !craft_given(c->option_given, b->fields, row))) {
		*ret = (struct place){ row, b->fields, &c->option_given, c->option_off };
		return 0;
	}
	/* The type opens another option; what else is in the head belongs to this one. */
	row = b->bare ? NULL : find_row(p, p->options->head, p->options->n_head, name);
	if (row && row->bit >= 8 && !craft_given(c->head_given, p->options->head, row)) {
		*ret = (struct place){ row, p->options->head, &c->head_given, c->option_off };
		return 0;
	}
	return find_in_list(c, b, name, ret);
}

/* An option that has the field, or whose name it is: begun here. */
static int find_new_option(struct craft *c, const char *name, struct place *ret)
{
	const struct protocol *p = c->layers[c->n_layers - 1].proto;
	const struct options *o = p->options;
	int err;

	for (size_t i = 0; o && i <= o->n_blocks; i++) {
		const struct block *b = i < o->n_blocks ? &o->blocks[i] : o->unknown;
		bool named = !strcasecmp(b->name, name);

		if (!named && !block_has(p, b, name))
			continue;
		err = open_option(c, b, b->code);
		if (err)
			return err;
		if (!named)
			return find_in_option(c, name, ret);
		*ret = (struct place){ .off = c->option_off };
		if (b->n_fields && b->fields[0].type != FIELD_GROUP)
			*ret = (struct place){ b->fields, b->fields, &c->option_given,
					       c->option_off };
		return 0;
	}
	return -E_NOT_FOUND;
}

static int find_new_body(struct craft *c, const char *name, struct place *ret)
{
	struct craft_layer *l = &c->layers[c->n_layers - 1];
	const struct protocol *p = l->proto;
	int err;

	for (size_t i = 0; i < p->n_bodies; i++) {
		const struct block *b = &p->bodies[i];

		if (!block_has(p, b, name))
			continue;
		err = craft_body(c, l, b);
		if (err)
			return err;
		ret->row = find_row(p, b->fields, b->n_fields, name);
		if (!ret->row)
			return find_in_list(c, b, name, ret);
		*ret = (struct place){ ret->row, b->fields, &l->body_given, l->off };
		return 0;
	}
	return -E_NOT_FOUND;
}

static int find_place(struct craft *c, const char *name, struct place *ret)
{
	struct craft_layer *l = &c->layers[c->n_layers - 1];
	const struct protocol *p = l->proto;
	const struct field *row = find_row(p, p->fields, p->n_fields, name);
	bool type_given;
	int err;

	if (row) {
		*ret = (struct place){ row, p->fields, &l->given, l->off };
		return 0;
	}
	row = l->body ? find_row(p, l->body->fields, l->body->n_fields, name) : NULL;
	if (row) {
		*ret = (struct place){ row, l->body->fields, &l->body_given, l->off };
		return 0;
	}
	err = l->body ? find_in_list(c, l->body, name, ret) : -E_NOT_FOUND;
	if (err == -E_NOT_FOUND)
		err = find_in_option(c, name, ret);
	if (err == -E_NOT_FOUND)
		err = find_new_option(c, name, ret);
	type_given = p->select >= p->fields && p->select < p->fields + p->n_fields &&
		     craft_given(l->given, p->fields, p->select) && !p->header_len;
	if (err == -E_NOT_FOUND && !type_given)
		err = find_new_body(c, name, ret);
	return err;
}

/* The row that begins an option by its type. */
static bool is_option_type(const struct protocol *p, const char *name)
{
	return p->options && name_is(p, &p->options->head[0], name);
}

static int store_number(struct craft *c, const struct place *at, const struct value *v,
			struct fault *fault)
{
	const struct field *f = at->row;
	uint64_t scale = MAX(f->scale, 1u);
	uint32_t off = at->off + f->bit / 8;
	int err;

	if (v->number % scale)
		return fault_set(fault, 0, "%s must be a multiple of %u", f->name, f->scale);
	if (v->number > field_max(f))
		return fault_set(fault, 0, "%s must be at most %llu", f->name,
				 (unsigned long long)field_max(f));
	if (f->repeats) {
		off = c->len;
		err = craft_append(c, NULL, field_span(f));
		if (err)
			return err;
	}
	field_store(f, c->bytes + off, v->number / scale);
	return 0;
}

/* Bytes, addresses, text. What has no width of its own goes to the end of the layer. */
static int store_bytes(struct craft *c, const struct place *at, const struct value *v,
		       struct fault *fault)
{
	const struct field *f = at->row;
	uint32_t off = at->off + f->bit / 8;

	if (!v->bytes)
		return fault_set(fault, 0, "%s takes bytes, not a number", f->name);
	if (f->bits && v->len != f->bits / 8u)
		return fault_set(fault, 0, "%s takes %u bytes, not %zu", f->name, f->bits / 8u,
				 v->len);
	if (f->bits && !f->repeats) {
		memcpy(c->bytes + off, v->bytes, v->len);
		return 0;
	}
	if (!f->repeats && off != c->len)
		return fault_set(fault, 0, "%s must come before what follows it", f->name);
	return craft_append(c, v->bytes, v->len);
}

/* Setting the type of a message or of an option chooses what comes after it. */
static int choose_by_type(struct craft *c, const struct place *at)
{
	struct craft_layer *l = &c->layers[c->n_layers - 1];
	const struct protocol *p = l->proto;
	const struct block *body;

	if (at->rows != p->fields || !p->select || at->row < p->select || at->row > p->select + 1)
		return 0;
	body = protocol_body(p, c->bytes + l->off, l->len);
	return body == l->body ? 0 : craft_body(c, l, body);
}

static int set_value(struct craft *c, const char *name, const struct value *v, struct fault *fault)
{
	struct craft_layer *l = &c->layers[c->n_layers - 1];
	struct place at;
	int err;

	if (is_option_type(l->proto, name)) {
		if (v->number > 255)
			return fault_set(fault, 0, "%s must be at most 255", name);
		err = open_option(c, options_block(l->proto->options, (unsigned)v->number),
				  (unsigned)v->number);
	} else {
		err = find_place(c, name, &at);
		if (!err && at.row)
			err = field_is_number(at.row) ? store_number(c, &at, v, fault)
						      : store_bytes(c, &at, v, fault);
		if (!err && at.row) {
			*at.given |= 1ULL << (at.row - at.rows);
			err = choose_by_type(c, &at);
		}
	}
	if (!err && !c->option)
		l->len = MAX(l->len, c->len - l->off);
	if (err == -E_RANGE)
		return fault_set(fault, 0, "%s cannot be set behind options or data", name);
	if (err == -E_NOT_FOUND)
		return fault_set(fault, 0, "%s is not in this kind of message", name);
	return err;
}

/* Finds out what kind of value @name takes, without changing the packet. */
static const struct field *peek_row(const struct craft *c, const char *name)
{
	const struct craft_layer *l = &c->layers[c->n_layers - 1];
	const struct protocol *p = l->proto;
	const struct options *o = p->options;
	const struct field *row = find_row(p, p->fields, p->n_fields, name), *group;

	if (!row && l->body)
		row = find_row(p, l->body->fields, l->body->n_fields, name);
	if (!row && c->option)
		row = find_row(p, c->option->fields, c->option->n_fields, name);
	for (size_t i = 0; !row && i < p->n_bodies; i++) {
		row = find_row(p, p->bodies[i].fields, p->bodies[i].n_fields, name);
		group = find_group(p, p->bodies[i].fields, p->bodies[i].n_fields, name);
		if (!row && group)
			row = find_row(p, group->block->fields, group->block->n_fields, name);
	}
	if (!row && o)
		row = find_row(p, o->head, o->n_head, name);
	for (size_t i = 0; !row && o && i <= o->n_blocks; i++) {
		const struct block *b = i < o->n_blocks ? &o->blocks[i] : o->unknown;

		row = find_row(p, b->fields, b->n_fields, name);
		group = find_group(p, b->fields, b->n_fields, name);
		if (!row && group)
			row = find_row(p, group->block->fields, group->block->n_fields, name);
		if (!row && !strcasecmp(b->name, name) && b->n_fields)
			row = b->fields;
	}
	return row;
}

/* The names nearest to one that is unknown, for the message. */
static int fault_unknown(const struct craft *c, const char *name, struct fault *fault)
{
	const struct craft_layer *l = &c->layers[c->n_layers - 1];
	const struct protocol *p = l->proto;
	const char *best = NULL;
	unsigned best_distance = 4;

	for (size_t i = 0; i < p->n_fields; i++) {
		const char *short_name = p->fields[i].name + p->name_len + 1;
		unsigned d = MIN(near_distance(name, short_name),
				 near_distance(name, p->fields[i].name));

		if (d < best_distance) {
			best_distance = d;
			best = short_name;
		}
	}
	if (best)
		return fault_set(fault, 0, "%s has no field '%s'. Did you mean '%s'?", p->name,
				 name, best);
	return fault_set(fault, 0, "%s has no field '%s'", p->name, name);
}

static bool is_option_name(const struct craft *c, const char *name)
{
	const struct options *o = c->layers[c->n_layers - 1].proto->options;

	for (size_t i = 0; o && i < o->n_blocks; i++)
		if (!strcasecmp(o->blocks[i].name, name))
			return true;
	return false;
}

static int hex_digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch = (char)tolower((unsigned char)ch);
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* Bytes in hex; ':' and blanks between them are skipped. */
static int parse_hex(const char *text, struct value *v, struct fault *fault)
{
	const char *at = text;

	if (!strncmp(at, "0x", 2))
		at += 2;
	for (v->len = 0; *at;) {
		if (*at == ':' || *at == ' ') {
			at++;
			continue;
		}
		if (hex_digit(at[0]) < 0 || hex_digit(at[1]) < 0)
			return fault_set(fault, (size_t)(at - text),
					 "bytes are pairs of hex digits");
		if (v->len == sizeof(v->memory))
			return fault_set(fault, (size_t)(at - text), "at most %d bytes", VALUE_MAX);
		v->memory[v->len++] =
			(uint8_t)((unsigned)hex_digit(at[0]) << 4 | (unsigned)hex_digit(at[1]));
		at += 2;
	}
	return 0;
}

static int parse_number(const struct field *f, const char *text, struct value *v,
			struct fault *fault)
{
	char *end;

	for (const struct value_name *n = f->values; n && n->name; n++) {
		if (!strcasecmp(n->name, text)) {
			v->number = n->value;
			return 0;
		}
	}
	if (f->type == FIELD_FLAG && (!strcasecmp(text, "true") || !strcasecmp(text, "false"))) {
		v->number = !strcasecmp(text, "true");
		return 0;
	}
	errno = 0;
	v->number = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)*text) || *end || errno)
		return fault_set(fault, 0,
				 f->type == FIELD_FLAG ? "%s is a flag: 0, 1, true or false"
						       : "%s is a number: decimal or 0x…",
				 f->name);
	return 0;
}

static int parse_address(const struct field *f, const char *text, struct value *v,
			 struct fault *fault)
{
	struct addr a;
	struct mac m;
	int err;

	if (f->type == FIELD_MAC) {
		err = mac_parse(text, strlen(text), &m, fault);
		if (err)
			return err;
		memcpy(v->memory, m.bytes, v->len = 6);
		return 0;
	}
	err = addr_parse(text, strlen(text), &a, fault);
	if (err)
		return err;
	if (a.family != (f->type == FIELD_IP4 ? AF_INET : AF_INET6))
		return fault_set(fault, 0, "%s is an IPv%d address", f->name,
				 f->type == FIELD_IP4 ? 4 : 6);
	v->len = addr_len(&a);
	if (f->bits && f->bits / 8u < v->len)
		v->len = f->bits / 8u;
	memcpy(v->memory, a.bytes, v->len);
	return 0;
}

/* "example.com" in labels, ended by the root. */
static int parse_name(const char *text, struct value *v, struct fault *fault)
{
	const char *at = text;

	v->len = 0;
	while (*at) {
		size_t n = strcspn(at, ".");

		if (!n || n > 63 || v->len + n + 2 > 255)
			return fault_set(fault, (size_t)(at - text), "labels have 1 to 63 letters");
		v->memory[v->len++] = (uint8_t)n;
		memcpy(v->memory + v->len, at, n);
		v->len += n;
		at += n;
		if (*at == '.')
			at++;
	}
	v->memory[v->len++] = 0;
	return 0;
}

static int parse_value(const struct field *f, const char *text, struct value *v,
		       struct fault *fault)
{
	switch (f->type) {
	case FIELD_UINT:
	case FIELD_FLAG:
		return parse_number(f, text, v, fault);
	case FIELD_MAC:
	case FIELD_IP4:
	case FIELD_IP6:
		return parse_address(f, text, v, fault);
	case FIELD_NAME:
		return parse_name(text, v, fault);
	case FIELD_TEXT:
		v->len = strnlen(text, sizeof(v->memory));
		memcpy(v->memory, text, v->len);
		return 0;
	default:
		return parse_hex(text, v, fault);
	}
}

int craft_text(struct craft *c, const char *name, const char *value, struct fault *fault)
{
	const struct field *f;
	struct value v = { 0 };
	struct place at;
	int err;

	if (!c->n_layers)
		return fault_set(fault, 0, "a field needs a layer before it");
	f = peek_row(c, name);
	if (!f && !is_option_name(c, name))
		return fault_unknown(c, name, fault);
	if (!value || !f)
		return value ? fault_set(fault, 0, "%s takes no value", name)
			     : find_new_option(c, name, &at);
	err = parse_value(f, value, &v, fault);
	if (err)
		return err;
	v.bytes = v.memory;
	return set_value(c, name, &v, fault);
}

int craft_uint(struct craft *c, const char *name, uint64_t value, struct fault *fault)
{
	struct value v = { .number = value };
	const struct field *f = c->n_layers ? peek_row(c, name) : NULL;

	if (!f || !field_is_number(f))
		return fault_set(fault, 0, "no number is called '%s' here", name);
	return set_value(c, name, &v, fault);
}

int craft_bytes(struct craft *c, const char *name, const void *bytes, size_t len,
		struct fault *fault)
{
	struct value v = { .bytes = bytes, .len = len };
	const struct field *f = c->n_layers ? peek_row(c, name) : NULL;

	if (!f || field_is_number(f))
		return fault_set(fault, 0, "no bytes are called '%s' here", name);
	return set_value(c, name, &v, fault);
}
