#include "capture/http_stream.h"

#include <stdlib.h>
#define ZLIB_CONST /* what is read is not changed */
#include <zlib.h>

#include "base/macros.h"
#include "wire/http.h"

#define HEAD_FIRST 1024u

enum place { IN_HEAD, IN_BODY, LOST };

/* A request that was not answered yet. */
struct pending {
	enum http_asked asked;
	uint32_t uri_len;
	uint8_t uri[HTTP_URI_MAX];
};

/* One direction. */
struct way {
	enum place place;
	uint8_t *head; /* the beginning of a header that is not whole, @head_len bytes */
	uint32_t head_len, head_cap;
	struct http_body body;
	z_stream *z;	  /* NULL: the body is not coded */
	bool deflate;	  /* perhaps without zlib's header */
	bool z_done;	  /* the coding's end was reached */
	bool flawed;	  /* the body cannot be given whole */
	uint64_t decoded; /* bytes so far */
};

struct http_stream {
	struct http_user *user;
	uint64_t max_body;
	struct way ways[2];
	struct pending pending[HTTP_PENDING];
	uint32_t first_pending, n_pending;
};

struct http_stream *http_stream_new(struct http_user *user, uint64_t max_body)
{
	struct http_stream *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->user = user;
	h->max_body = max_body;
	return h;
}

static void end_decoder(struct way *w)
{
	if (!w->z)
		return;
	inflateEnd(w->z);
	free(w->z);
	w->z = NULL;
}

static void drop_head(struct way *w)
{
	free(w->head);
	w->head = NULL;
	w->head_len = w->head_cap = 0;
}

/* A body is over. */
static void end_body(struct http_stream *h, bool reply, bool complete)
{
	struct way *w = &h->ways[reply];

	if (w->z && !w->z_done)
		complete = false;
	end_decoder(w);
	h->user->end(h->user, reply, complete && !w->flawed);
	w->place = w->body.kind == HTTP_BODY_TUNNEL ? LOST : IN_HEAD;
}

static void other(struct http_stream *h, bool reply, const uint8_t *bytes, size_t len, uint64_t gap)
{
	if (h->user->other)
		h->user->other(h->user, reply, bytes, len, gap);
}

/* The messages of one direction are not in step any more: nor are requests and responses. */
static void lose(struct http_stream *h, bool reply)
{
	struct way *w = &h->ways[reply];

	if (w->place == IN_BODY)
		end_body(h, reply, false);
	if (w->head_len)
		other(h, reply, w->head, w->head_len, 0);
	drop_head(w);
	w->place = LOST;
	h->n_pending = 0;
}

struct http_stream *http_stream_free(struct http_stream *h)
{
	if (!h)
		return NULL;
	lose(h, false);
	lose(h, true);
	free(h);
	return NULL;
}

/* The value of a header field, the first one; empty: none. */
static struct text field_value(const struct http_head *head, const uint8_t *bytes, const char *name)
{
	struct http_field f;

	for (uint32_t at = head->fields; http_field_next(head, bytes, &at, &f);)
		if (text_is(f.name, name))
			return f.value;
	return text_of(bytes, 0);
}

static void begin_decoder(struct way *w, const struct http_head *head, const uint8_t *bytes)
{
	struct text coding = field_value(head, bytes, "content-encoding");
	bool gzip = text_is(coding, "gzip") || text_is(coding, "x-gzip");

	w->deflate = text_is(coding, "deflate");
	w->z_done = w->flawed = false;
	w->decoded = 0;
	if (!gzip && !w->deflate) {
		w->flawed = coding.len && !text_is(coding, "identity");
		return;
	}
	w->z = calloc(1, sizeof(*w->z));
	if (w->z && inflateInit2(w->z, MAX_WBITS + 32) == Z_OK)
		return;
	free(w->z);
	w->z = NULL;
	w->flawed = true;
}

static void decode(struct http_stream *h, bool reply, const uint8_t *bytes, size_t len)
{
	struct way *w = &h->ways[reply];
	uint8_t out[16384];
	int result = Z_OK;

	w->z->next_in = bytes;
	w->z->avail_in = (uInt)len;
	while (result == Z_OK && !w->flawed && (w->z->avail_in || !w->z->avail_out)) {
		w->z->next_out = out;
		w->z->avail_out = sizeof(out);
		result = inflate(w->z, Z_NO_FLUSH);
		if (result == Z_DATA_ERROR && w->deflate && !w->z->total_out &&
		    w->z->total_in <= 2 && inflateReset2(w->z, -MAX_WBITS) == Z_OK) {
			/* Some servers send it bare. */
			w->deflate = false;
			w->z->next_in = bytes;
			w->z->avail_in = (uInt)len;
			result = Z_OK;
			continue;
		}
		if (result == Z_OK || result == Z_STREAM_END) {
			size_t n = (size_t)(w->z->next_out - out);

			w->decoded += n;
			w->flawed |= w->decoded > h->max_body;
			if (!w->flawed && n)
				h->user->body(h->user, reply, out, n);
		}
	}
	w->z_done |= result == Z_STREAM_END;
	w->flawed |= result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
}

static void give_body(struct http_stream *h, bool reply, const uint8_t *bytes, size_t len)
{
	struct way *w = &h->ways[reply];

	if (!len)
		return;
	if (!w->z)
		h->user->body(h->user, reply, bytes, len);
	else if (!w->z_done && !w->flawed)
		decode(h, reply, bytes, len);
}

/* Keeps the end of the path, without the query: it has the name. */
static void remember_request(struct http_stream *h, const struct http_head *head)
{
	struct text uri = text_head(head->uri, text_find(head->uri, '?'));
	struct pending *p;

	if (h->n_pending == HTTP_PENDING) {
		h->first_pending++;
		h->n_pending--;
	}
	p = &h->pending[(h->first_pending + h->n_pending++) % HTTP_PENDING];
	if (uri.len > HTTP_URI_MAX)
		uri = text_tail(uri, uri.len - HTTP_URI_MAX);
	p->asked = text_is(head->method, "HEAD")      ? HTTP_ASKED_HEAD
		   : text_is(head->method, "CONNECT") ? HTTP_ASKED_CONNECT
						      : HTTP_ASKED_OTHER;
	p->uri_len = uri.len;
	if (uri.len)
		memcpy(p->uri, uri.at, uri.len);
}

/* A header is whole: @bytes are exactly it. Returns false when it is none. */
static bool start_message(struct http_stream *h, bool reply, const uint8_t *bytes, uint32_t len)
{
	struct way *w = &h->ways[reply];
	struct pending *p = &h->pending[h->first_pending % HTTP_PENDING];
	struct http_head head;
	struct http_start start = { .head = &head, .bytes = bytes };

	if (http_head_parse(bytes, len, &head) < 0)
		return false;
	http_head_framing(&head, bytes, head.reply && h->n_pending ? p->asked : HTTP_ASKED_OTHER);
	if (!head.reply) {
		remember_request(h, &head);
		p = &h->pending[(h->first_pending + h->n_pending - 1) % HTTP_PENDING];
	}
	if (h->n_pending)
		start.uri = text_of(p->uri, p->uri_len);
	start.has_body = head.kind != HTTP_BODY_NONE && head.kind != HTTP_BODY_TUNNEL;
	h->user->start(h->user, reply, &start);
	if (head.reply && h->n_pending && (head.code >= 200 || head.code == 101)) {
		h->first_pending++;
		h->n_pending--;
	}
	begin_decoder(w, &head, bytes);
	http_body_init(&w->body, head.kind, head.length);
	w->place = IN_BODY;
	if (!start.has_body || http_body_is_done(&w->body)) {
		w->flawed = false;
		end_decoder(w);
		end_body(h, reply, true);
	}
	return true;
}

/* Room for @len more bytes of a header. */
static bool grow_head(struct way *w, uint32_t len)
{
	uint32_t cap = w->head_cap ?: HEAD_FIRST;
	uint8_t *head;

	while (cap < w->head_len + len)
		cap *= 2;
	if (cap == w->head_cap)
		return true;
	head = realloc(w->head, cap);
	if (!head)
		return false;
	w->head = head;
	w->head_cap = cap;
	return true;
}

/* Bytes of a header. Returns how many were used, 0 when they are none. */
static uint32_t take_head(struct http_stream *h, bool reply, const uint8_t *bytes, uint32_t len)
{
	struct way *w = &h->ways[reply];
	uint32_t from = w->head_len > 3 ? w->head_len - 3 : 0, old = w->head_len, end;
	struct http_head head;
	bool good;

	if (!old && (*bytes == '\r' || *bytes == '\n'))
		return 1; /* an empty line before the message (RFC 9112 section 2.2) */
	if (!old) {
		int err = http_head_parse(bytes, len, &head);

		if (!err)
			return start_message(h, reply, bytes, head.len) ? head.len : 0;
		if (err != -E_TRUNCATED)
			return 0;
	}
	if (old == HTTP_HEAD_MAX)
		return 0;
	len = MIN(len, HTTP_HEAD_MAX - old);
	if (!grow_head(w, len))
		return 0;
	memcpy(w->head + old, bytes, len);
	w->head_len += len;
	end = http_head_end(w->head, w->head_len, from);
	if (!end)
		return len;
	good = start_message(h, reply, w->head, end);
	drop_head(w);
	return good ? end - old : 0;
}

/* Bytes of a body. Returns how many were used, 0 when they are none. */
static size_t take_body(struct http_stream *h, bool reply, const uint8_t *bytes, size_t len)
{
	struct way *w = &h->ways[reply];
	const uint8_t *body;
	size_t body_len;
	int64_t n = http_body_take(&w->body, bytes, len, &body, &body_len);

	if (n <= 0)
		return 0;
	give_body(h, reply, body, body_len);
	if (http_body_is_done(&w->body))
		end_body(h, reply, true);
	return (size_t)n;
}

/* Where the first message begins: at the start, or any response; @len where none does. */
static size_t find_message(const uint8_t *bytes, size_t len)
{
	const uint8_t *at = bytes, *end = bytes + len;

	if (http_head_is_sure(bytes, (uint32_t)len))
		return 0;
	while ((at = memmem(at, (size_t)(end - at), "HTTP/1.", 7))) {
		if (http_head_is_sure(at, (uint32_t)(end - at)))
			return (size_t)(at - bytes);
		at++;
	}
	return len;
}

static void take_bytes(struct http_stream *h, bool reply, const uint8_t *bytes, size_t len)
{
	struct way *w = &h->ways[reply];

	if (w->place == LOST) {
		size_t n = find_message(bytes, len);

		if (n)
			other(h, reply, bytes, n, 0);
		if (n == len)
			return;
		w->place = IN_HEAD;
		bytes += n;
		len -= n;
	}
	while (len) {
		size_t n = 0;

		if (w->place == IN_HEAD)
			n = take_head(h, reply, bytes, (uint32_t)len);
		else if (w->place == IN_BODY)
			n = take_body(h, reply, bytes, len);
		if (!n) {
			lose(h, reply);
			other(h, reply, bytes, len, 0);
			return;
		}
		bytes += n;
		len -= n;
	}
}

static void take_gap(struct http_stream *h, bool reply, uint64_t len)
{
	struct way *w = &h->ways[reply];
	struct http_body *b = &w->body;
	bool inside = w->place == IN_BODY && b->state == HTTP_IN_DATA &&
		      (b->kind == HTTP_BODY_CLOSE || len < b->left);

	if (!inside || w->z) {
		lose(h, reply);
		other(h, reply, NULL, 0, len);
		return;
	}
	if (b->kind != HTTP_BODY_CLOSE)
		b->left -= len;
	w->flawed = true;
	if (h->user->gap)
		h->user->gap(h->user, reply, len);
}

void http_stream_piece(struct http_stream *h, const struct stream_piece *piece)
{
	bool reply = piece->reply;
	struct way *w = &h->ways[reply];

	if (piece->gap)
		take_gap(h, reply, piece->gap);
	if (piece->len)
		take_bytes(h, reply, piece->bytes, piece->len);
	if (piece->end && w->place == IN_BODY)
		end_body(h, reply, w->body.kind == HTTP_BODY_CLOSE);
	else if (piece->end)
		lose(h, reply);
}
