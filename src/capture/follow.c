#include "capture/follow.h"

#include <errno.h>
#include <stdlib.h>

#include "capture/connection.h"
#include "capture/http_stream.h"

/* A decoded body is given no farther: what made it so large is not meant to be read. */
#define BODY_MAX (1ULL << 30)

struct follow {
	struct stream_sink sink;
	struct http_user user;
	struct follow_config config;
	struct http_stream *http;
	struct endpoint ends[2];
	bool seen;
	const struct stream_piece *piece; /* in hand, NULL: the end */
};

static void give(struct follow *f, bool reply, bool decoded, const uint8_t *bytes, size_t len,
		 uint64_t gap)
{
	if (len || gap)
		f->config.give(f->config.arg, &(struct follow_piece){
						      .reply = reply,
						      .decoded = decoded,
						      .gap = gap,
						      .frame = f->piece ? f->piece->frame : 0,
						      .time_ns = f->piece ? f->piece->time_ns : 0,
						      .bytes = bytes,
						      .len = len,
					      });
}

static struct follow *follow_of(struct http_user *u)
{
	return container_of(u, struct follow, user);
}

static void http_start(struct http_user *u, bool reply, const struct http_start *start)
{
	give(follow_of(u), reply, false, start->bytes, start->head->len, 0);
}

static void http_body(struct http_user *u, bool reply, const uint8_t *bytes, size_t len)
{
	give(follow_of(u), reply, true, bytes, len, 0);
}

static void http_gap(struct http_user *u, bool reply, uint64_t len)
{
	give(follow_of(u), reply, true, NULL, 0, len);
}

static void http_end(struct http_user *u UNUSED, bool reply UNUSED, bool complete UNUSED)
{
}

static void http_other(struct http_user *u, bool reply, const uint8_t *bytes, size_t len,
		       uint64_t gap)
{
	give(follow_of(u), reply, false, bytes, len, gap);
}

static void take_piece(struct stream_sink *sink, const struct stream_piece *piece)
{
	struct follow *f = container_of(sink, struct follow, sink);
	const struct connection *c = piece->connection;

	if (c->number != f->config.stream)
		return;
	f->seen = true;
	f->ends[0] = c->ends[c->caller];
	f->ends[1] = c->ends[!c->caller];
	f->piece = piece;
	if (f->http)
		http_stream_piece(f->http, piece);
	else
		give(f, piece->reply, false, piece->bytes, piece->len, piece->gap);
	f->piece = NULL;
}

int follow_new(const struct follow_config *config, struct follow **ret_follow)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->config = *config;
	f->sink.piece = take_piece;
	f->user = (struct http_user){ http_start, http_body, http_gap, http_end, http_other };
	if (config->http)
		f->http = http_stream_new(&f->user, BODY_MAX);
	if (config->http && !f->http) {
		free(f);
		return -ENOMEM;
	}
	*ret_follow = f;
	return 0;
}

struct follow *follow_free(struct follow *f)
{
	if (!f)
		return NULL;
	http_stream_free(f->http);
	free(f);
	return NULL;
}

struct stream_sink *follow_sink(struct follow *f)
{
	return &f->sink;
}

const struct endpoint *follow_ends(const struct follow *f)
{
	return f->seen ? f->ends : NULL;
}
