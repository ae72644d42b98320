/*
 * JSON from the stream of items: arrays and objects are opened and closed by what the items say of
 * themselves, depth and repetition, so the only state is which ones are open.
 */
#include "wire/print.h"

/* Lists in lists: TLS has records, messages, extensions, names; deeper does not happen. */
#define JSON_DEPTH 8

struct json {
	struct sink sink;
	struct buf *out;
	const struct packet *packet;
	const struct protocol *proto; /* of the layer in hand */
	size_t layer;
	bool first; /* nothing in the innermost object yet */

	/* Open lists, outermost first: the repeating field, and whether its elements are objects.
	 */
	struct {
		const struct field *field;
		uint8_t depth;
	} open[JSON_DEPTH];
	unsigned n_open;

	struct json_fault {
		bool is;
		uint8_t proto;
		uint32_t off;
	} truncated, malformed; /* the first of each */
};

static void json_comma(struct json *j)
{
	if (!j->first)
		buf_char(j->out, ',');
	j->first = false;
}

/* Short text in two copies of fixed size that overlap: no call, and no loop over bytes. */
static inline char *put_short(char *p, const char *text, size_t len)
{
	if (len > 32) {
		memcpy(p, text, len);
	} else if (len >= 16) {
		memcpy(p, text, 16);
		memcpy(p + len - 16, text + len - 16, 16);
	} else if (len >= 8) {
		memcpy(p, text, 8);
		memcpy(p + len - 8, text + len - 8, 8);
	} else if (len >= 4) {
		memcpy(p, text, 4);
		memcpy(p + len - 4, text + len - 4, 4);
	} else {
		for (size_t i = 0; i < len; i++)
			p[i] = text[i];
	}
	return p + len;
}

/* "name": without the protocol's name in front, if it is there. */
static void json_key(struct json *j, const struct field *f)
{
	size_t skip = j->proto->name_len + 1u;
	char *p = buf_room(j->out, f->name_len + 4u);

	if (!p)
		return;
	/* A layer has fields of its own tables only: a dot in the right place is proof enough. */
	if (f->name_len <= skip || f->name[skip - 1] != '.')
		skip = 0;
	*p = ',';
	p += !j->first;
	*p++ = '"';
	p = put_short(p, f->name + skip, f->name_len - skip);
	*p++ = '"';
	*p++ = ':';
	j->out->len = (size_t)(p - j->out->data);
	j->first = false;
}

static void json_close_list(struct json *j)
{
	j->n_open--;
	if (j->open[j->n_open].field->type == FIELD_GROUP)
		buf_lit(j->out, "}]");
	else
		buf_char(j->out, ']');
	j->first = false;
}

/* Closes what cannot go on with an item of @f at @depth. */
static void json_close_for(struct json *j, const struct field *f, uint8_t depth)
{
	while (j->n_open) {
		const struct field *list = j->open[j->n_open - 1].field;
		uint8_t at = j->open[j->n_open - 1].depth;

		if (depth > at && list->type == FIELD_GROUP)
			return;
		if (depth == at && list == f)
			return;
		json_close_list(j);
	}
}

/* An item of a repeating field: goes on with its list, or begins one. */
static void json_element(struct json *j, const struct item *item)
{
	const struct field *f = item->field;
	bool goes_on = j->n_open && j->open[j->n_open - 1].field == f &&
		       j->open[j->n_open - 1].depth == item->depth;

	if (!goes_on && j->n_open == JSON_DEPTH)
		return;
	if (goes_on) {
		if (f->type == FIELD_GROUP)
			buf_char(j->out, '}');
		buf_char(j->out, ',');
	} else {
		json_key(j, f);
		buf_char(j->out, '[');
		j->open[j->n_open].field = f;
		j->open[j->n_open++].depth = item->depth;
	}
	if (f->type == FIELD_GROUP) {
		buf_char(j->out, '{');
		j->first = true;
	} else {
		field_json(j->out, f, item->value, item->bytes, item->len);
	}
}

static void json_take(struct json_fault *f, const struct packet *p, size_t layer, uint32_t off)
{
	if (!f->is)
		*f = (struct json_fault){ true, p->layers[layer].proto, off };
}

static void json_fault(struct json *j, const struct item *item)
{
	bool truncated = item->field == &field_truncated;

	if (truncated && j->packet->layers[j->layer].flags & LAYER_QUOTED)
		return;
	json_take(truncated ? &j->truncated : &j->malformed, j->packet, j->layer, item->off);
}

static void json_item(struct sink *sink, const struct item *item)
{
	struct json *j = container_of(sink, struct json, sink);
	const struct field *f = item->field;

	if (unlikely(f == &field_truncated || f == &field_malformed)) {
		json_fault(j, item);
		return;
	}
	if (f->bulk && j->sink.light)
		return;
	if (j->n_open)
		json_close_for(j, f, item->depth);
	if (f->repeats) {
		json_element(j, item);
		return;
	}
	if (f->type == FIELD_GROUP)
		return;
	json_key(j, f);
	field_json(j->out, f, item->value, item->bytes, item->len);
}

static void json_layer(struct json *j, size_t layer)
{
	buf_char(j->out, '{');
	j->first = true;
	j->layer = layer;
	packet_items(j->packet, layer, &j->sink);
	while (j->n_open)
		json_close_list(j);
	buf_char(j->out, '}');
	j->first = false;
}

static void json_name(struct json *j, const char *name)
{
	json_comma(j);
	buf_char(j->out, '"');
	buf_str(j->out, name);
	buf_lit(j->out, "\":");
}

/* The layer's protocol is one that comes several times: all those before @end in an array. */
static void json_repeated(struct json *j, size_t layer, size_t end)
{
	bool first = true;

	json_name(j, j->proto->name);
	buf_char(j->out, '[');
	for (size_t i = layer; i < end; i++) {
		if (j->packet->layers[i].proto != j->packet->layers[layer].proto)
			continue;
		if (!first)
			buf_char(j->out, ',');
		first = false;
		json_layer(j, i);
	}
	buf_char(j->out, ']');
}

/* Where the object of layers that begins at @layer ends: at a quote, or where a protocol comes
 * again. */
static size_t json_level_end(const struct packet *p, size_t layer)
{
	uint64_t seen = 0;
	bool quoted = p->layers[layer].flags & LAYER_QUOTED;

	for (size_t i = layer; i < p->n_layers; i++) {
		uint64_t bit = 1ULL << p->layers[i].proto;
		bool now_quoted = p->layers[i].flags & LAYER_QUOTED;

		if (now_quoted != quoted || (seen & bit && !protocols[p->layers[i].proto]->repeats))
			return i;
		seen |= bit;
	}
	return p->n_layers;
}

static void json_layers(struct json *j)
{
	const struct packet *p = j->packet;
	unsigned n_braces = 0;

	for (size_t start = 0, end; start < p->n_layers; start = end) {
		uint64_t seen = 0;

		if (start) {
			bool quote = p->layers[start].flags & LAYER_QUOTED &&
				     !(p->layers[start - 1].flags & LAYER_QUOTED);

			json_name(j, quote ? "quoted" : "inner");
			buf_char(j->out, '{');
			j->first = true;
			n_braces++;
		}
		end = json_level_end(p, start);
		for (size_t i = start; i < end; i++) {
			uint8_t proto = p->layers[i].proto;

			j->proto = protocols[proto];
			if (!j->proto->repeats) {
				json_name(j, j->proto->name);
				json_layer(j, i);
			} else if (!(seen >> proto & 1)) {
				json_repeated(j, i, end);
			}
			seen |= 1ULL << proto;
		}
	}
	for (; n_braces; n_braces--)
		buf_char(j->out, '}');
}

static void json_frame(struct json *j)
{
	const struct frame *frame = j->packet->frame;

	buf_lit(j->out, "\"frame\":{");
	if (frame && frame->number) {
		buf_lit(j->out, "\"number\":");
		buf_u64(j->out, frame->number);
		buf_lit(j->out, ",\"time_epoch\":");
		buf_fixed(j->out, frame->time_ns, 9);
		buf_char(j->out, ',');
	}
	buf_lit(j->out, "\"len\":");
	buf_u64(j->out, j->packet->wire_len);
	buf_lit(j->out, ",\"cap_len\":");
	buf_u64(j->out, j->packet->cap_len);
	if (frame && frame->interface) {
		buf_lit(j->out, ",\"interface_name\":");
		buf_json(j->out, frame->interface, strlen(frame->interface));
	}
	if (frame && frame->comment) {
		buf_lit(j->out, ",\"comment\":");
		buf_json(j->out, frame->comment, frame->comment_len);
	}
	buf_char(j->out, '}');
	j->first = false;
}

static void json_say_fault(struct json *j, const char *name, const struct json_fault *f)
{
	if (!f->is)
		return;
	json_name(j, name);
	buf_lit(j->out, "{\"layer\":\"");
	buf_str(j->out, protocols[f->proto]->name);
	buf_lit(j->out, "\",\"offset\":");
	buf_u64(j->out, f->off);
	buf_char(j->out, '}');
}

static void json_say_faults(struct json *j)
{
	json_say_fault(j, "truncated", &j->truncated);
	json_say_fault(j, "malformed", &j->malformed);
	j->truncated.is = j->malformed.is = false;
}

/* The layers of @p, and what its walk found wrong. */
static void json_packet(struct json *j, const struct packet *p)
{
	const struct packet_fault *f = &p->fault;

	j->packet = p;
	if (f->err)
		json_take(f->err == -E_TRUNCATED ? &j->truncated : &j->malformed, p, f->layer,
			  f->off);
	json_layers(j);
}

/* Whether the layers of @more can stand beside those of @p without a name coming twice. */
static bool json_beside(const struct packet *p, const struct packet *more)
{
	return !(p->seen & more->seen) && json_level_end(more, 0) == more->n_layers;
}

/* What the packet completed, each an object. */
static void json_more(struct json *j, const struct packet *more)
{
	bool first = true;

	json_name(j, "more");
	buf_char(j->out, '[');
	for (; more; more = more->more) {
		if (!first)
			buf_char(j->out, ',');
		first = false;
		buf_char(j->out, '{');
		j->first = true;
		json_packet(j, more);
		json_say_faults(j);
		buf_char(j->out, '}');
	}
	buf_char(j->out, ']');
}

void print_json(struct buf *b, const struct packet *p, const struct json_config *config)
{
	const struct packet *more = p->more;
	struct json j = {
		.sink.item = json_item,
		.sink.light = !config || !config->payload,
		.out = b,
		.packet = p,
		.first = true,
	};

	buf_char(b, '{');
	json_frame(&j);
	json_packet(&j, p);
	if (more && json_beside(p, more)) {
		json_packet(&j, more);
		more = more->more;
	}
	json_say_faults(&j);
	if (more)
		json_more(&j, more);
	buf_char(b, '}');
}
