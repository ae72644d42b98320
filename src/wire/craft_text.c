/*
 * Reading and checking go together: while an expression is read, its first packet is built, because
 * what a name means depends on what is before it, and only the field it means says how its value is
 * read. What is kept are the names and the values as bytes and numbers, so that making a packet
 * parses nothing.
 */
#include "wire/craft_text.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/craft_internal.h"

#define NAME_LEN   64
#define POOL_LEN   (1u << 18)
#define MAX_FIELDS 256
#define MAX_VALUES 1024
#define PACKET_LEN 65536

/* Some values of a field that follow each other. */
struct values {
	uint64_t first, n; /* numbers: so many from @first on, @step apart */
	uint64_t step;
	struct targets *targets; /* addresses; NULL: not these, */
	uint32_t off, len;	 /* but bytes in the pool */
};

/* A layer that begins, or a field that is set. */
struct part {
	char name[NAME_LEN];
	uint32_t where;
	bool layer;
	bool number;	    /* its values are numbers */
	uint32_t first, n;  /* its values; none: the name alone */
	uint64_t n_choices; /* all of them together */
};

struct craft_text {
	struct part parts[MAX_FIELDS];
	struct values values[MAX_VALUES];
	uint32_t n_parts, n_values;
	uint64_t count;
	uint32_t pool_len;
	uint8_t pool[POOL_LEN];
};

struct reader {
	struct craft_text *t;
	const char *text, *at;
	struct craft craft; /* the first packet */
	struct fault *fault;
	char word[CRAFT_VALUE_MAX + 1]; /* the value in hand, without quotes and escapes */
	size_t word_len;
	bool quoted;
	uint8_t memory[PACKET_LEN];
};

static size_t place(const struct reader *r)
{
	return (size_t)(r->at - r->text);
}

static void skip_blanks(struct reader *r)
{
	r->at += strspn(r->at, " \t\r\n");
}

static bool take(struct reader *r, char c)
{
	skip_blanks(r);
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

static struct part *add_part(struct reader *r, const char *start, size_t len)
{
	struct part *p = &r->t->parts[r->t->n_parts];

	if (r->t->n_parts == MAX_FIELDS)
		return NULL;
	r->t->n_parts++;
	memcpy(p->name, start, len);
	p->name[len] = '\0';
	p->where = (uint32_t)(start - r->text);
	p->first = r->t->n_values;
	p->n_choices = 1;
	r->craft.where = p->where;
	return p;
}

/* A name of letters, digits and what else names of protocols and fields have. */
static int read_name(struct reader *r, const char *what, struct part **ret_part)
{
	size_t len;

	skip_blanks(r);
	len = strspn(r->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
	if (!len || len >= NAME_LEN)
		return fault_set(r->fault, place(r), "expected the name of a %s", what);
	*ret_part = add_part(r, r->at, len);
	r->at += len;
	return *ret_part ? 0 : -E_FULL;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* What follows a backslash. */
static int read_escape(struct reader *r, char *ret)
{
	static const char named[][2] = {
		{ 'n', '\n' }, { 'r', '\r' }, { 't', '\t' }, { '0', '\0' }
	};
	char c = *r->at;

	if (!c)
		return fault_set(r->fault, place(r), "nothing follows the backslash");
	r->at++;
	*ret = c;
	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		if (named[i][0] == c)
			*ret = named[i][1];
	if (c != 'x')
		return 0;
	if (hex_value(r->at[0]) < 0 || hex_value(r->at[1]) < 0)
		return fault_set(r->fault, place(r), "\\x takes two hex digits");
	*ret = (char)(hex_value(r->at[0]) << 4 | hex_value(r->at[1]));
	r->at += 2;
	return 0;
}

/* One value into r->word. */
static int read_word(struct reader *r)
{
	size_t start, blanks = 0;
	char c;
	int err;

	skip_blanks(r);
	start = place(r);
	r->quoted = *r->at == '"';
	r->at += r->quoted;
	for (r->word_len = 0;;) {
		c = *r->at;
		if (r->quoted ? c == '"' : !c || strchr(",(){}", c))
			break;
		if (!c)
			return fault_set(r->fault, start, "the quotes are not closed");
		r->at++;
		blanks = !r->quoted && (c == ' ' || c == '\t') ? blanks + 1 : 0;
		err = c == '\\' ? read_escape(r, &c) : 0;
		if (err)
			return err;
		if (r->word_len == CRAFT_VALUE_MAX)
			return fault_set(r->fault, start, "a value has at most %d bytes",
					 CRAFT_VALUE_MAX);
		r->word[r->word_len++] = c;
	}
	r->at += r->quoted;
	r->word_len -= blanks;
	r->word[r->word_len] = '\0';
	return 0;
}

static int add_values(struct reader *r, struct part *p, struct values v)
{
	struct craft_text *t = r->t;

	if (t->n_values == MAX_VALUES)
		return -E_FULL;
	t->values[t->n_values++] = v;
	p->n_choices = p->n++ ? p->n_choices + v.n : v.n;
	return 0;
}

/* "1-5": two numbers of the field @f. Return: false when it is not that. */
static bool read_range(struct reader *r, const struct field *f, struct craft_value *first,
		       struct craft_value *last)
{
	char *dash = strchr(r->word + 1, '-');
	bool is;

	if (r->quoted || !r->word_len || !dash || memchr(r->word, '\0', r->word_len) ||
	    strspn(r->word, "0123456789xXabcdefABCDEF-") != r->word_len)
		return false;
	*dash = '\0';
	is = !craft_value_parse(f, r->word, strlen(r->word), false, first, NULL) &&
	     !craft_value_parse(f, dash + 1, strlen(dash + 1), false, last, NULL);
	*dash = '-';
	return is;
}

static int add_numbers(struct reader *r, struct part *p, const struct field *f, size_t where)
{
	struct craft_value first, last;
	uint64_t step = MAX(f->scale, 1u);
	int err;

	if (f->type == FIELD_UINT && read_range(r, f, &first, &last)) {
		if (last.number < first.number)
			return fault_set(r->fault, where, "the range ends before it begins");
		if ((last.number - first.number) / step >= CRAFT_TEXT_PACKETS)
			return fault_set(r->fault, where, "the range is too long");
		err = craft_check_number(f, &last, r->fault);
		if (err)
			return err;
		return add_values(r, p,
				  (struct values){ .first = first.number,
						   .n = (last.number - first.number) / step + 1,
						   .step = step });
	}
	err = craft_value_parse(f, r->word, r->word_len, r->quoted, &first, r->fault);
	if (!err)
		err = craft_check_number(f, &first, r->fault);
	return err ? err : add_values(r, p, (struct values){ .first = first.number, .n = 1 });
}

/* Addresses as targets, but of one family, and no names. */
static int add_addresses(struct reader *r, struct part *p, const struct field *f)
{
	struct targets *targets = targets_new();
	int family = f->type == FIELD_IP4 ? AF_INET : AF_INET6;
	struct addr a, b;
	uint128_t n;
	int err;

	if (!targets)
		return -ENOMEM;
	/* No names, no files. */
	err = strspn(r->word, "0123456789abcdefABCDEF.:-/") != r->word_len || r->word_len < 2
		      ? fault_set(r->fault, 0, "'%s' is not an address", r->word)
		      : targets_parse(targets, r->word, r->fault);
	if (!err)
		err = targets_seal(targets);
	n = err ? 0 : targets_count(targets);
	if (!err && (!n || targets_n_names(targets)))
		err = fault_set(r->fault, 0, "'%s' is not an address", r->word);
	if (!err && n > CRAFT_TEXT_PACKETS)
		err = fault_set(r->fault, 0, "these are too many addresses");
	if (!err) {
		a = targets_get(targets, 0);
		b = targets_get(targets, n - 1);
		if (a.family != family || b.family != family)
			err = fault_set(r->fault, 0, "%s is an IPv%d address", f->name,
					family == AF_INET ? 4 : 6);
	}
	if (!err)
		err = add_values(r, p, (struct values){ .n = (uint64_t)n, .targets = targets });
	if (err)
		targets_free(targets);
	return err;
}

static int add_bytes(struct reader *r, struct part *p, const struct field *f)
{
	struct craft_text *t = r->t;
	struct craft_value v;
	int err = craft_value_parse(f, r->word, r->word_len, r->quoted, &v, r->fault);

	if (err)
		return err;
	if (v.len > POOL_LEN - t->pool_len)
		return -E_FULL;
	memcpy(t->pool + t->pool_len, v.bytes, v.len);
	err = add_values(r, p,
			 (struct values){ .n = 1, .off = t->pool_len, .len = (uint32_t)v.len });
	t->pool_len += (uint32_t)v.len;
	return err;
}

static int read_value(struct reader *r, struct part *p, const struct field *f)
{
	size_t where;
	bool whole_addr;
	int err;

	skip_blanks(r);
	where = place(r);
	err = read_word(r);
	if (err)
		return err;
	whole_addr = (f->type == FIELD_IP4 && f->bits == 32) ||
		     (f->type == FIELD_IP6 && f->bits == 128);
	r->fault->offset = 0;
	if (p->number)
		err = add_numbers(r, p, f, where);
	else if (whole_addr)
		err = add_addresses(r, p, f);
	else
		err = add_bytes(r, p, f);
	/* Offsets count from the value; behind an escape they would mislead. */
	if (err == -E_SYNTAX && r->fault->offset < where)
		r->fault->offset = where + (memchr(r->text + where, '\\', place(r) - where)
						    ? 0
						    : r->quoted + r->fault->offset);
	return err;
}

static void get_value(const struct craft_text *t, const struct part *p, uint64_t i,
		      struct craft_value *ret)
{
	const struct values *v = &t->values[p->first];
	struct addr a;

	for (; i >= v->n; v++)
		i -= v->n;
	ret->number = v->first + i * v->step;
	ret->bytes = t->pool + v->off;
	ret->len = v->len;
	if (v->targets) {
		a = targets_get(v->targets, i);
		ret->len = addr_len(&a);
		memcpy(ret->memory, a.bytes, ret->len);
		ret->bytes = ret->memory;
	}
}

/* Gives the field its value in a packet. */
static int set_part(const struct craft_text *t, const struct part *p, uint64_t i, struct craft *c,
		    struct fault *fault)
{
	struct craft_value v;

	c->where = p->where;
	if (p->layer)
		return craft_layer(c, p->name, fault);
	if (!p->n)
		return craft_value(c, p->name, NULL, fault);
	get_value(t, p, i, &v);
	return craft_value(c, p->name, &v, fault);
}

static int read_values(struct reader *r, struct part *p, const struct field *f)
{
	bool list = take(r, '{');
	int err;

	p->number = field_is_number(f);
	do {
		err = read_value(r, p, f);
	} while (!err && list && take(r, ','));
	if (!err && list && !take(r, '}'))
		return fault_set(r->fault, place(r), "expected a comma or }");
	return err;
}

static int read_field(struct reader *r)
{
	const struct field *f;
	struct part *p;
	size_t value;
	int err = read_name(r, "field", &p);

	if (err)
		return err;
	f = craft_row(&r->craft, p->name);
	if (!f && !craft_has_option(&r->craft, p->name)) {
		err = craft_unknown(&r->craft, p->name, r->fault);
	} else if (take(r, '=')) {
		skip_blanks(r);
		value = place(r);
		if (!f)
			return fault_set(r->fault, value, "%s takes no value", p->name);
		err = read_values(r, p, f);
		if (err)
			return err;
		r->fault->offset = 0;
		err = set_part(r->t, p, 0, &r->craft, r->fault);
	} else {
		err = set_part(r->t, p, 0, &r->craft, r->fault);
	}
	r->fault->offset = p->where;
	return err;
}

static int read_layer(struct reader *r)
{
	struct part *p;
	int err = read_name(r, "protocol", &p);

	if (err)
		return err;
	p->layer = true;
	err = set_part(r->t, p, 0, &r->craft, r->fault);
	if (err) {
		r->fault->offset = p->where;
		return err;
	}
	if (!take(r, '(') || take(r, ')'))
		return 0;
	do {
		err = read_field(r);
	} while (!err && take(r, ','));
	if (!err && !take(r, ')'))
		return fault_set(r->fault, place(r), "expected a comma or )");
	return err;
}

/* How many packets there will be. */
static int count(struct reader *r)
{
	struct craft_text *t = r->t;

	t->count = 1;
	for (uint32_t i = 0; i < t->n_parts; i++) {
		if (t->parts[i].n_choices > CRAFT_TEXT_PACKETS / t->count)
			return fault_set(r->fault, t->parts[i].where,
					 "with this field there are more than 2^32 packets");
		t->count *= t->parts[i].n_choices;
	}
	return 0;
}

static int read_all(struct reader *r)
{
	int err;

	do {
		err = read_layer(r);
	} while (!err && take(r, '/'));
	skip_blanks(r);
	if (!err && *r->at)
		return fault_set(r->fault, place(r), "expected / and another layer");
	if (!err)
		err = count(r);
	if (!err)
		err = craft_finish(&r->craft, r->fault);
	return MIN(err, 0);
}

int craft_text_parse(const char *text, struct craft_text **ret_text, struct fault *fault)
{
	struct fault unwanted;
	struct reader *r = calloc(1, sizeof(*r));
	struct craft_text *t = calloc(1, sizeof(*t));
	int err = -ENOMEM;

	if (r && t) {
		r->t = t;
		r->text = r->at = text;
		r->fault = fault ? fault : &unwanted;
		craft_init(&r->craft, r->memory, sizeof(r->memory));
		err = read_all(r);
	}
	free(r);
	if (err) {
		craft_text_free(t);
		return err;
	}
	*ret_text = t;
	return 0;
}

struct craft_text *craft_text_free(struct craft_text *t)
{
	for (uint32_t i = 0; t && i < t->n_values; i++)
		targets_free(t->values[i].targets);
	free(t);
	return NULL;
}

uint64_t craft_text_count(const struct craft_text *t)
{
	return t->count;
}

uint8_t craft_text_first(const struct craft_text *t)
{
	return protocol_find(t->parts[0].name, strlen(t->parts[0].name));
}

/* The setting of a field in the first layer of @protocol, the last one of several; or NULL. */
static const struct part *find_part(const struct craft_text *t, uint8_t protocol, const char *name)
{
	const struct protocol *p = protocols[protocol];
	const struct part *found = NULL;
	bool in = false;

	for (uint32_t i = 0; i < t->n_parts; i++) {
		const struct part *part = &t->parts[i];
		const char *n = part->name;

		if (part->layer && in)
			break;
		if (part->layer)
			in = protocol_find(n, strlen(n)) == protocol;
		else if (in && (!strcmp(n, name) ||
				(!strncmp(n, p->name, p->name_len) && n[p->name_len] == '.' &&
				 !strcmp(n + p->name_len + 1, name))))
			found = part;
	}
	return found;
}

bool craft_text_sets(const struct craft_text *t, uint8_t protocol, const char *name)
{
	return find_part(t, protocol, name);
}

const struct targets *craft_text_addresses(const struct craft_text *t, uint8_t protocol,
					   const char *name, size_t i)
{
	const struct part *p = find_part(t, protocol, name);

	return p && i < p->n ? t->values[p->first + i].targets : NULL;
}

int craft_text_make(const struct craft_text *t, uint64_t i, struct craft *craft,
		    struct fault *fault)
{
	uint64_t below = t->count;
	int err = 0;

	for (uint32_t k = 0; !err && k < t->n_parts; k++) {
		const struct part *p = &t->parts[k];

		below /= p->n_choices;
		err = set_part(t, p, i / below % p->n_choices, craft, fault);
		if (err == -E_SYNTAX && fault)
			fault->offset = p->where;
	}
	return err;
}
