/*
 * Finding the row that a name means, in the header, its body or its options, and writing a value
 * there. A name is looked up from what is open to what is possible: the row may be in the header,
 * in the body in hand, in the option in hand; or it begins another element, another option, another
 * body.
 */
#include "wire/craft_internal.h"

#include <strings.h>

#include "wire/near.h"

/* Where a row was found, and what must be set up for it. */
struct place {
	const struct field *row, *rows; /* the table that it is in */
	uint64_t *given;		/* the rows of that table that were set */
	uint32_t off;			/* where the table's places count from */
};

/* "ttl" or "ip.ttl" for ip.ttl; "code" in pppoed for pppoe.code. */
static bool name_is(const struct protocol *p, const struct field *f, const char *name)
{
	const char *dot = strchr(f->name, '.');

	if (!strcmp(f->name, name))
		return true;
	if (!strncmp(f->name, p->name, p->name_len) && f->name[p->name_len] == '.')
		return !strcmp(f->name + p->name_len + 1, name);
	return dot && !strcmp(dot + 1, name);
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

/* An option's head and those of its rows that have a fixed width. */
static uint32_t option_len(const struct block *b)
{
	uint32_t len = b->min_len;

	for (size_t i = 0; i < b->n_fields; i++)
		if (b->fields[i].bits && !b->fields[i].repeats)
			len = MAX(len, b->fields[i].bit / 8u + field_span(&b->fields[i]));
	return len;
}

/* Begins an option with @code. */
static int open_option(struct craft *c, const struct block *block, unsigned code)
{
	struct craft_layer *l = &c->layers[c->n_layers - 1];
	int err = craft_close_option(c);

	if (err)
		return err;
	c->option_off = c->len;
	c->head_given = c->option_given = 0;
	err = craft_append(c, NULL, block->bare ? 1 : option_len(block));
	if (err)
		return err;
	c->option = block;
	l->ended = l->ended || (int)code == l->proto->options->end;
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
	/* Options of which code reads the value take it as that of an unknown one. */
	if (!b->n_fields && !b->bare)
		b = p->options->unknown;
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

	for (size_t i = 0; o && i < o->n_blocks; i++) {
		const struct block *b = &o->blocks[i];
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

/* @type_given: only one with the type that was set. */
static int find_new_body(struct craft *c, const char *name, bool type_given, struct place *ret)
{
	struct craft_layer *l = &c->layers[c->n_layers - 1];
	const struct protocol *p = l->proto;
	int err;

	for (size_t i = 0; i < p->n_bodies; i++) {
		const struct block *b = &p->bodies[i];

		if (!block_has(p, b, name) ||
		    (type_given &&
		     field_load(p->select, c->bytes + l->off + p->select->bit / 8) != b->code))
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
	type_given = rows_have(p->fields, p->n_fields, p->select) &&
		     craft_given(l->given, p->fields, p->select) && !p->header_len;
	if (err == -E_NOT_FOUND)
		err = find_new_body(c, name, type_given, ret);
	return err;
}

/* The row that begins an option by its type. */
static bool is_option_type(const struct protocol *p, const char *name)
{
	return p->options && name_is(p, &p->options->head[0], name);
}

int craft_check_number(const struct field *f, const struct craft_value *v, struct fault *fault)
{
	uint64_t scale = MAX(f->scale, 1u);
	int64_t limit = f->bits && f->bits < 64 ? 1LL << (f->bits - 1) : INT64_MAX;
	int64_t number = (int64_t)v->number;

	if (!f->bits)
		return 0;
	if (v->number % scale)
		return fault_set(fault, 0, "%s must be a multiple of %u", f->name, f->scale);
	if (f->type == FIELD_INT && (number < -limit || number >= limit))
		return fault_set(fault, 0, "%s must be from %lld to %lld", f->name,
				 (long long)-limit, (long long)limit - 1);
	if (f->type == FIELD_TIME && v->number / NS_PER_S > field_max(f))
		return fault_set(fault, 0, "%s is too late for its %u bits", f->name, f->bits);
	if (f->type <= FIELD_FLAG && f->type != FIELD_INT && v->number > field_max(f))
		return fault_set(fault, 0, "%s must be at most %llu", f->name,
				 (unsigned long long)field_max(f));
	return 0;
}

static int store_number(struct craft *c, const struct place *at, const struct craft_value *v,
			struct fault *fault)
{
	const struct field *f = at->row;
	uint32_t off = at->off + f->bit / 8;
	int err = craft_check_number(f, v, fault);

	if (err)
		return err;
	if (f->repeats) {
		off = c->len;
		err = craft_append(c, NULL, field_span(f));
		if (err)
			return err;
	}
	field_store(f, c->bytes + off, craft_value_wire(f, v->number));
	return 0;
}

/* Bytes, addresses, text. What has no width of its own goes to the end of the layer. */
static int store_bytes(struct craft *c, const struct place *at, const struct craft_value *v,
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
	bool in_body = l->body && p->select && at->rows == l->body->fields &&
		       !strcmp(at->row->name, p->select->name);

	if (!in_body &&
	    (at->rows != p->fields || !p->select || at->row < p->select || at->row > p->select + 1))
		return 0;
	body = protocol_body(p, c->bytes + l->off, l->len);
	if (in_body && body && body->fields == l->body->fields)
		l->body = body;
	if (body == l->body)
		return 0;
	return craft_body(c, l, body);
}

/* A row that only the protocol's code writes, or NULL. Of groups: their elements. */
static const struct field *find_composed(const struct protocol *p, const char *name)
{
	for (size_t i = 0; p->compose && i < p->n_more_rows; i++)
		for (size_t k = 0; k < p->more_rows[i].n; k++)
			if (name_is(p, &p->more_rows[i].fields[k], name))
				return &p->more_rows[i].fields[k];
	return p->craft_rows ? find_row(p, p->craft_rows->fields, p->craft_rows->n, name) : NULL;
}

/* Keeps a value for the protocol's code, in the end of the packet's memory. */
static int keep_setting(struct craft *c, const struct field *row, const struct craft_value *v,
			struct fault *fault)
{
	struct craft_layer *l = &c->layers[c->n_layers - 1];
	struct compose_setting *s = &c->settings[c->n_settings];
	size_t len = field_is_number(row) || !v ? 0 : v->len;

	if (row->type == FIELD_GROUP && v)
		return fault_set(fault, 0, "%s begins another element: it takes no value",
				 row->name);
	if (row->type != FIELD_GROUP && !v)
		return fault_set(fault, 0, "%s takes a value", row->name);
	if (v && field_is_number(row) && craft_check_number(row, v, fault))
		return -E_SYNTAX;
	if (v && !field_is_number(row) && row->bits && v->len != row->bits / 8u)
		return fault_set(fault, 0, "%s takes %u bytes, not %zu", row->name, row->bits / 8u,
				 v->len);
	if (c->n_settings == CRAFT_SETTINGS || len > c->cap - c->len)
		return -E_FULL;
	c->cap -= len;
	if (len)
		memcpy(c->bytes + c->cap, v->bytes, len);
	*s = (struct compose_setting){ .field = row,
				       .number = v ? v->number : 0,
				       .bytes = c->bytes + c->cap,
				       .len = (uint32_t)len,
				       .where = c->where };
	c->n_settings++;
	l->n_settings++;
	return 0;
}

bool craft_has_option(const struct craft *c, const char *name)
{
	const struct options *o = c->layers[c->n_layers - 1].proto->options;

	for (size_t i = 0; o && i < o->n_blocks; i++)
		if (!strcasecmp(o->blocks[i].name, name))
			return true;
	return false;
}

int craft_value(struct craft *c, const char *name, const struct craft_value *v, struct fault *fault)
{
	struct craft_layer *l = &c->layers[c->n_layers - 1];
	const struct field *composed;
	struct place at = { 0 };
	int err;

	if (v && is_option_type(l->proto, name)) {
		if (v->number > 255)
			return fault_set(fault, 0, "%s must be at most 255", name);
		err = open_option(c, options_block(l->proto->options, (unsigned)v->number),
				  (unsigned)v->number);
	} else if (!v && craft_has_option(c, name)) {
		err = find_new_option(c, name, &at);
	} else {
		err = find_place(c, name, &at);
		composed = err == -E_NOT_FOUND ? find_composed(l->proto, name) : NULL;
		if (composed)
			return keep_setting(c, composed, v, fault);
		if (!err && at.row && !v)
			return fault_set(fault, 0, "%s takes a value", at.row->name);
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

const struct field *craft_row(const struct craft *c, const char *name)
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
	return row ? row : find_composed(p, name);
}

/* The best name so far for one that is unknown. */
struct guess {
	const struct protocol *p;
	const char *typed, *best;
	unsigned distance;
};

static void guess_rows(struct guess *g, const struct field *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *full = rows[i].name;
		bool own = !strncmp(full, g->p->name, g->p->name_len) &&
			   full[g->p->name_len] == '.';
		const char *name = own ? full + g->p->name_len + 1 : full;
		unsigned d = MIN(near_distance(g->typed, name), near_distance(g->typed, full));

		if (d < g->distance) {
			g->distance = d;
			g->best = name;
		}
	}
}

int craft_unknown(const struct craft *c, const char *name, struct fault *fault)
{
	const struct protocol *p = c->layers[c->n_layers - 1].proto;
	const struct options *o = p->options;
	struct guess g = { .p = p, .typed = name, .distance = 4 };

	guess_rows(&g, p->fields, p->n_fields);
	for (size_t i = 0; i < p->n_bodies; i++)
		guess_rows(&g, p->bodies[i].fields, p->bodies[i].n_fields);
	for (size_t i = 0; o && i < o->n_blocks; i++)
		guess_rows(&g, o->blocks[i].fields, o->blocks[i].n_fields);
	for (size_t i = 0; p->compose && i < p->n_more_rows; i++)
		guess_rows(&g, p->more_rows[i].fields, p->more_rows[i].n);
	if (p->craft_rows)
		guess_rows(&g, p->craft_rows->fields, p->craft_rows->n);
	if (g.best)
		return fault_set(fault, 0, "%s has no field '%s'. Did you mean '%s'?", p->name,
				 name, g.best);
	return fault_set(fault, 0, "%s has no field '%s'", p->name, name);
}

int craft_text(struct craft *c, const char *name, const char *value, struct fault *fault)
{
	const struct field *f;
	struct craft_value v;
	int err;

	if (!c->n_layers)
		return fault_set(fault, 0, "a field needs a layer before it");
	f = craft_row(c, name);
	if (!f && (value || !craft_has_option(c, name)))
		return value && craft_has_option(c, name)
			       ? fault_set(fault, 0, "%s takes no value", name)
			       : craft_unknown(c, name, fault);
	if (!value)
		return craft_value(c, name, NULL, fault);
	err = craft_value_parse(f, value, strlen(value), false, &v, fault);
	return err ? err : craft_value(c, name, &v, fault);
}

int craft_uint(struct craft *c, const char *name, uint64_t value, struct fault *fault)
{
	struct craft_value v = { .number = value };
	const struct field *f = c->n_layers ? craft_row(c, name) : NULL;

	if (!f || !field_is_number(f))
		return fault_set(fault, 0, "no number is called '%s' here", name);
	return craft_value(c, name, &v, fault);
}

int craft_bytes(struct craft *c, const char *name, const void *bytes, size_t len,
		struct fault *fault)
{
	struct craft_value v = { .bytes = bytes, .len = len };
	const struct field *f = c->n_layers ? craft_row(c, name) : NULL;

	if (!f || field_is_number(f))
		return fault_set(fault, 0, "no bytes are called '%s' here", name);
	return craft_value(c, name, &v, fault);
}
