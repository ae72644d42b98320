#include "capture/extract.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "capture/connection.h"
#include "capture/http_stream.h"

#define MAX_OPEN	 256u
#define MAX_OBJECT_BYTES (1ULL << 30)
#define MAX_STREAMS	 4096u /* that have bodies at a time */
#define TYPE_MAX	 64

struct name_key {
	char name[EXTRACT_NAME_MAX + 4];
};

/* What is known of one connection: the object that each direction has in hand. */
struct conversation {
	struct http_user user;
	struct extract *extract;
	struct http_stream *http;
	uint32_t stream;
	struct slot {
		bool open;
		struct extract_object object;
		char name[EXTRACT_NAME_MAX + 24];
		char type[TYPE_MAX];
	} slots[2];
};

struct extract {
	struct stream_sink sink;
	struct extract_config config;
	struct extract_counts counts;
	struct hash *names; /* of uint32_t, how often */
	uint32_t n_open, n_conversations;
	const struct stream_piece *piece;
};

/* Endings by type. */
static const struct {
	const char *type, *ending;
} endings[] = {
	{ "text/html", ".html" },
	{ "text/plain", ".txt" },
	{ "text/css", ".css" },
	{ "text/csv", ".csv" },
	{ "text/xml", ".xml" },
	{ "text/javascript", ".js" },
	{ "application/javascript", ".js" },
	{ "application/x-javascript", ".js" },
	{ "application/json", ".json" },
	{ "application/xml", ".xml" },
	{ "application/pdf", ".pdf" },
	{ "application/zip", ".zip" },
	{ "application/gzip", ".gz" },
	{ "application/x-www-form-urlencoded", ".form" },
	{ "application/ocsp-request", ".ocsp" },
	{ "application/ocsp-response", ".ocsp" },
	{ "image/gif", ".gif" },
	{ "image/jpeg", ".jpg" },
	{ "image/png", ".png" },
	{ "image/svg+xml", ".svg" },
	{ "image/webp", ".webp" },
	{ "image/x-icon", ".ico" },
	{ "audio/mpeg", ".mp3" },
	{ "video/mp4", ".mp4" },
};

static const char *ending_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (!strcmp(endings[i].type, type))
			return endings[i].ending;
	return ".bin";
}

static bool is_plain(uint8_t c)
{
	return c < 0x80 && (isalnum(c) || (c && strchr("-_.+=@,()~", c)));
}

/* Whether @name has an ending of one to five letters and digits. */
static bool has_ending(const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t len = dot ? strlen(dot + 1) : 0;

	return dot && dot > name && len && len <= 5 &&
	       strspn(dot + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
		       len;
}

void extract_name(const uint8_t *wanted, size_t len, const char *type,
		  char ret_name[static EXTRACT_NAME_MAX + 1])
{
	const char *ending = ending_of(type);
	size_t n = 0, start = len, room = EXTRACT_NAME_MAX - strlen(ending);

	while (start && wanted[start - 1] != '/' && wanted[start - 1] != '\\')
		start--;
	for (size_t i = start; i < len && n < room; i++) {
		uint8_t c = is_plain(wanted[i]) ? wanted[i] : '_';

		if (n || (c != '.' && c != '-'))
			ret_name[n++] = (char)c;
	}
	ret_name[n] = 0;
	if (!n)
		strcpy(ret_name, "index");
	if (!has_ending(ret_name))
		strcat(ret_name, ending);
}

/* The media type without parameters, in small letters; "" when it is none. */
static void read_type(struct text value, char ret_type[static TYPE_MAX])
{
	size_t n = 0;

	value = text_trim(text_head(value, text_find(value, ';')));
	if (value.len >= TYPE_MAX)
		value.len = 0;
	for (; n < value.len; n++) {
		uint8_t c = value.at[n];

		if (c >= 0x80 || (!isalnum(c) && !strchr("/-+._", c)) || !c) {
			n = 0;
			break;
		}
		ret_type[n] = (char)tolower(c);
	}
	ret_type[n] = 0;
}

/* The value of filename= in Content-Disposition (RFC 6266), quotes taken off; empty: none. */
static struct text read_filename(struct text value)
{
	while (value.len) {
		uint32_t end = text_find(value, ';');
		struct text part = text_trim(text_head(value, end));

		if (text_begins(part, "filename=")) {
			part = text_tail(part, 9);
			if (part.len >= 2 && *part.at == '"')
				part = text_of(part.at + 1, part.len - 2);
			return part;
		}
		value = text_tail(value, end + 1);
	}
	return value;
}

static struct text header(const struct http_start *start, const char *name)
{
	struct http_field f;

	for (uint32_t at = start->head->fields;
	     http_field_next(start->head, start->bytes, &at, &f);)
		if (text_is(f.name, name))
			return f.value;
	return text_of(start->bytes, 0);
}

/* Puts a number into a name that came before: "a-2.html". */
static void tell_apart(struct extract *e, char name[static EXTRACT_NAME_MAX + 24])
{
	struct name_key key = { "" };
	char *dot, ending[EXTRACT_NAME_MAX + 1];
	void *value;
	uint32_t *n;

	memcpy(key.name, name, strlen(name));
	if (hash_put(e->names, &key, &value) < 0) {
		hash_clear(e->names); /* from here on whoever writes files tells them apart */
		return;
	}
	n = value;
	if (++*n == 1)
		return;
	dot = strrchr(name, '.');
	strcpy(ending, dot);
	snprintf(dot, 24 + strlen(ending), "-%u%s", *n, ending);
}

static struct conversation *conversation_of(struct http_user *u)
{
	return container_of(u, struct conversation, user);
}

static void http_start(struct http_user *u, bool reply, const struct http_start *start)
{
	struct conversation *c = conversation_of(u);
	struct extract *e = c->extract;
	struct slot *s = &c->slots[reply];
	struct text wanted;

	if (!start->has_body)
		return;
	if (e->n_open >= e->config.max_open) {
		e->counts.passed_over++;
		return;
	}
	read_type(header(start, "content-type"), s->type);
	wanted = read_filename(header(start, "content-disposition"));
	if (!wanted.len)
		wanted = start->uri;
	extract_name(wanted.at, wanted.len, s->type, s->name);
	tell_apart(e, s->name);
	s->object = (struct extract_object){
		.id = e->counts.objects + 1,
		.name = s->name,
		.type = s->type,
		.reply = reply,
		.stream = c->stream,
		.frame = e->piece ? e->piece->frame : 0,
	};
	s->open = e->config.begin(e->config.arg, &s->object);
	e->counts.objects += s->open;
	e->n_open += s->open;
}

static void http_body(struct http_user *u, bool reply, const uint8_t *bytes, size_t len)
{
	struct conversation *c = conversation_of(u);
	struct slot *s = &c->slots[reply];

	if (!s->open)
		return;
	c->extract->config.bytes(c->extract->config.arg, &s->object, bytes, len);
	s->object.len += len;
}

static void http_gap(struct http_user *u, bool reply, uint64_t len)
{
	struct conversation *c = conversation_of(u);
	struct slot *s = &c->slots[reply];

	if (!s->open)
		return;
	s->object.gapped = true;
	c->extract->config.gap(c->extract->config.arg, &s->object, len);
	s->object.len += len;
}

static void http_end(struct http_user *u, bool reply, bool complete)
{
	struct conversation *c = conversation_of(u);
	struct slot *s = &c->slots[reply];

	if (!s->open)
		return;
	s->open = false;
	s->object.complete = complete;
	c->extract->counts.complete += complete;
	c->extract->n_open--;
	c->extract->config.end(c->extract->config.arg, &s->object);
}

static struct conversation *conversation_new(struct extract *e, uint32_t stream)
{
	struct conversation *c = e->n_conversations < MAX_STREAMS ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	c->user = (struct http_user){ http_start, http_body, http_gap, http_end, NULL };
	c->extract = e;
	c->stream = stream;
	c->http = http_stream_new(&c->user, e->config.max_object_bytes);
	if (!c->http) {
		free(c);
		return NULL;
	}
	e->n_conversations++;
	return c;
}

static void take_piece(struct stream_sink *sink, const struct stream_piece *piece)
{
	struct extract *e = container_of(sink, struct extract, sink);
	struct conversation *c = *piece->state;

	if (!c && piece->connection->stream.proto != PROTOCOL_HTTP)
		return;
	if (!c && piece->len) {
		c = *piece->state = conversation_new(e, piece->connection->number);
		e->counts.passed_over += !c;
	}
	if (!c)
		return;
	e->piece = piece;
	http_stream_piece(c->http, piece);
	e->piece = NULL;
}

static void take_over(struct stream_sink *sink, void *state)
{
	struct extract *e = container_of(sink, struct extract, sink);
	struct conversation *c = state;

	http_stream_free(c->http);
	free(c);
	e->n_conversations--;
}

int extract_new(const struct extract_config *config, struct extract **ret_extract)
{
	struct extract *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->config = *config;
	e->config.max_open = config->max_open ?: MAX_OPEN;
	e->config.max_object_bytes = config->max_object_bytes ?: MAX_OBJECT_BYTES;
	e->sink = (struct stream_sink){ take_piece, take_over };
	e->names = hash_new(sizeof(struct name_key), sizeof(uint32_t), EXTRACT_NAMES_MAX);
	if (!e->names) {
		free(e);
		return -ENOMEM;
	}
	*ret_extract = e;
	return 0;
}

struct extract *extract_free(struct extract *e)
{
	if (!e)
		return NULL;
	hash_free(e->names);
	free(e);
	return NULL;
}

struct stream_sink *extract_sink(struct extract *e)
{
	return &e->sink;
}

struct extract_counts extract_counts(const struct extract *e)
{
	return e->counts;
}
