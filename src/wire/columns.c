#include "wire/columns.h"

#include <time.h>

#include "wire/filter.h"
#include "wire/pick.h"

/* Columns that are no field. */
enum special { SPECIAL_NONE, SPECIAL_PROTOCOL, SPECIAL_INFO };

void columns_init(struct columns *c)
{
	c->config = (struct columns_config){
		.separator = '\t',
		.aggregator = ',',
		.occurrence = 'a',
	};
	c->needs = 0;
	c->n = 0;
}

/* "/t", "/s", or a character. Returns 0 for nothing. */
static char separator_of(const char *text)
{
	if (*text == '/' && text[1])
		return text[1] == 't' ? '\t' : text[1] == 's' ? ' ' : text[1];
	return *text;
}

static int set_option(struct columns_config *c, const char *key, size_t len, const char *value)
{
	bool yes = *value == 'y' || *value == 'Y', no = *value == 'n' || *value == 'N';

	if (len == 9 && !memcmp(key, "separator", len) && separator_of(value))
		c->separator = separator_of(value);
	else if (len == 10 && !memcmp(key, "aggregator", len) && separator_of(value))
		c->aggregator = separator_of(value);
	else if (len == 10 && !memcmp(key, "occurrence", len) && *value && strchr("fla", *value))
		c->occurrence = *value;
	else if (len == 5 && !memcmp(key, "quote", len) && *value && strchr("dsn", *value))
		c->quote = *value == 'd' ? '"' : *value == 's' ? '\'' : '\0';
	else if (len == 6 && !memcmp(key, "header", len) && (yes || no))
		c->header = yes;
	else if (len == 3 && !memcmp(key, "bom", len) && (yes || no))
		c->bom = yes;
	else
		return -E_SYNTAX;
	return 0;
}

int columns_option(struct columns *c, const char *text, struct fault *fault)
{
	const char *equals = strchr(text, '=');

	if (equals && set_option(&c->config, text, (size_t)(equals - text), equals + 1) == 0)
		return 0;
	return fault_set(fault, 0,
			 "columns can be set by separator=/t|/s|CHARACTER, "
			 "aggregator=/s|CHARACTER, occurrence=f|l|a, quote=d|s|n, header=y|n, "
			 "bom=y|n");
}

int columns_add(struct columns *c, const char *name, struct fault *fault)
{
	struct column column = { .name = name };
	char near[160];
	struct buf b = buf_in(near, sizeof(near) - 1);

	if (!strcmp(name, "_ws.col.Protocol"))
		column.special = SPECIAL_PROTOCOL;
	else if (!strcmp(name, "_ws.col.Info"))
		column.special = SPECIAL_INFO;
	else
		column.field = registry_find(name, strlen(name));
	if (c->n == COLUMNS_MAX)
		return fault_set(fault, 0, "more than %d columns", COLUMNS_MAX);
	if (!column.special && !column.field) {
		registry_suggest(&b, name, strlen(name));
		near[b.len] = '\0';
		return fault_set(fault, 0, "'%.60s' is neither a field nor a protocol%s%s", name,
				 b.len ? "; perhaps " : "", near);
	}
	c->needs |= column.field ? filter_name_needs(column.field)
				 : FILTER_NEEDS_FRAGMENTS | FILTER_NEEDS_STREAMS;
	if (column.special == SPECIAL_INFO)
		c->needs |= FILTER_NEEDS_ANALYSIS;
	c->column[c->n++] = column;
	return 0;
}

void columns_header(struct buf *b, const struct columns *c)
{
	if (c->config.bom)
		buf_lit(b, "\xef\xbb\xbf");
	if (!c->config.header)
		return;
	for (size_t i = 0; i < c->n; i++) {
		if (i)
			buf_char(b, c->config.separator);
		buf_str(b, c->column[i].name);
	}
	buf_char(b, '\n');
}

/* Text with what would break lines and columns as \t, \n, \r. */
static void put_text(struct buf *b, const char *text, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\t' && text[i] != '\n' && text[i] != '\r')
			continue;
		buf_safe(b, text + from, i - from);
		buf_char(b, '\\');
		buf_char(b, text[i] == '\t' ? 't' : text[i] == '\n' ? 'n' : 'r');
		from = i + 1;
	}
	buf_safe(b, text + from, len - from);
}

/* "Nov 14, 2023 22:13:20.000000000 UTC" */
static void put_time(struct buf *b, int64_t ns)
{
	int64_t part = ns % (int64_t)NS_PER_S;
	time_t s = (time_t)(ns / (int64_t)NS_PER_S) - (part < 0);
	char text[48];
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(text, sizeof(text), "%b %e, %Y %H:%M:%S.", &tm))
		return;
	buf_str(b, text);
	buf_u64_pad(b, (uint64_t)(part < 0 ? part + (int64_t)NS_PER_S : part), 9);
	buf_lit(b, " UTC");
}

/* One column of one packet. */
struct putting {
	struct taker taker;
	struct buf *out;
	const struct columns_config *config;
	const struct registry_name *field;
	size_t start; /* of the column's text */
	bool some;
};

static void put_item(const struct putting *k, const struct item *item)
{
	const struct field *f = item->field;

	if (f->type == FIELD_IP4 && item->len == 4)
		buf_ip4(k->out, item->bytes);
	else if (unlikely(k->field->protocol))
		buf_str(k->out, protocols[k->field->protocol]->title);
	else if (f->type == FIELD_TEXT && item->bytes)
		put_text(k->out, (const char *)item->bytes,
			 strnlen((const char *)item->bytes, item->len));
	else if (f->type == FIELD_TIME)
		put_time(k->out, (int64_t)item->value);
	else if (f->type == FIELD_GROUP)
		buf_hex(k->out, item->bytes, item->bytes ? item->len : 0, 0);
	else if (unlikely(f == &field_truncated || f == &field_malformed))
		buf_str(k->out, f->title);
	else
		field_text(k->out, f, item->value, item->bytes, item->len);
}

static bool put_taken(struct taker *t, const struct item *item)
{
	struct putting *k = container_of(t, struct putting, taker);

	if (k->some && k->config->occurrence == 'l')
		k->out->len = k->start;
	else if (k->some)
		buf_char(k->out, k->config->aggregator);
	k->some = true;
	put_item(k, item);
	return k->config->occurrence == 'f';
}

static void put_field(struct buf *b, const struct columns *c, const struct registry_name *field,
		      const struct packet *p)
{
	struct putting k = {
		.taker.take = put_taken,
		.out = b,
		.config = &c->config,
		.field = field,
		.start = b->len,
	};

	(void)pick(field, NULL, 0, p, &k.taker);
}

/* The last layer that says something, in the packet and what it completed. */
static void put_protocol(struct buf *b, const struct packet *p)
{
	const char *name = "";

	for (; p; p = p->more)
		for (size_t i = 0; i < p->n_layers && !(p->layers[i].flags & LAYER_QUOTED); i++)
			if (p->layers[i].proto != PROTOCOL_DATA || !*name)
				name = protocols[p->layers[i].proto]->short_name;
	buf_str(b, name);
}

/* The line of text without addresses: what the layers behind IP say. */
static void put_info(struct buf *b, const struct packet *p)
{
	for (; p; p = p->more) {
		size_t from = 0;

		for (size_t i = 0; i < p->n_layers && !(p->layers[i].flags & LAYER_QUOTED); i++)
			if (p->layers[i].proto == PROTOCOL_IPV4 ||
			    p->layers[i].proto == PROTOCOL_IPV6)
				from = i + 1;
		for (size_t i = from; i < p->n_layers; i++)
			if (protocols[p->layers[i].proto]->line)
				protocols[p->layers[i].proto]->line(b, p, i);
		if (p->more)
			buf_lit(b, " | ");
	}
}

void columns_put(struct buf *b, const struct columns *c, const struct packet *p)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct column *column = &c->column[i];
		size_t start;

		if (i)
			buf_char(b, c->config.separator);
		start = b->len;
		if (c->config.quote)
			buf_char(b, c->config.quote);
		if (column->special == SPECIAL_PROTOCOL)
			put_protocol(b, p);
		else if (column->special == SPECIAL_INFO)
			put_info(b, p);
		else
			put_field(b, c, column->field, p);
		/* A column without value has no quotes. */
		if (c->config.quote && b->len == start + 1)
			b->len = start;
		else if (c->config.quote)
			buf_char(b, c->config.quote);
	}
}
