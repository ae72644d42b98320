/*
 * The body of an HTTP message out of the bytes of a stream, in pieces: transfer codings and lengths
 * (RFC 9112 sections 6 and 7); http_coding.h takes off content codings:
 *
 *   struct http_body body;
 *   size_t head = http_body_begin(&body, bytes, len, asked);
 *   while ((n = http_body_take(&body, at, left, &piece, &piece_len)) > 0) {
 *           use(piece, piece_len);
 *           at += n, left -= n;
 *   }
 */
#ifndef SONDE_WIRE_HTTP_BODY_H
#define SONDE_WIRE_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Where a body ends. */
enum http_body_kind {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,  /* after so many bytes */
	HTTP_BODY_CHUNKED, /* after the chunk of length 0 and the trailer */
	HTTP_BODY_CLOSE,   /* with the connection */
	HTTP_BODY_TUNNEL,  /* never: what follows is not HTTP (CONNECT, 101) */
};

enum http_body_state {
	HTTP_IN_DATA,	 /* @left bytes to go */
	HTTP_IN_END,	 /* the line end after a chunk's bytes */
	HTTP_IN_SIZE,	 /* the line with a chunk's size */
	HTTP_IN_TRAILER, /* fields after the last chunk */
	HTTP_DONE,
};

/* Copied freely; owns nothing. */
struct http_body {
	uint8_t kind;	   /* enum http_body_kind */
	uint8_t state;	   /* enum http_body_state */
	uint16_t line_len; /* of the line in hand: what was seen of it, for its bound */
	uint64_t left;	   /* of the body or chunk */
	uint64_t size;	   /* of the chunk in hand; as far as its line was read */
	bool digits;	   /* it has some, */
	bool extension;	   /* and they have ended */
};

/* Lines of chunk sizes and trailers that are longer are not HTTP. */
#define HTTP_CHUNK_LINE_MAX 4096

/**
 * http_body_init() - the start of a body
 * @length: of HTTP_BODY_LENGTH
 */
void http_body_init(struct http_body *b, enum http_body_kind kind, uint64_t length);

/**
 * http_body_take() - go on by some bytes of the stream
 * @bytes: @len bytes, from where the last call ended
 * @ret_body: body bytes among them, inside @bytes; @ret_body_len may be 0
 * Return: how many of @bytes were used, at most one line or one run of body bytes; 0 when the body
 * is done (http_body_is_done()) or @len is 0; -E_MALFORMED: the chunks are wrong.
 */
int64_t http_body_take(struct http_body *b, const uint8_t *bytes, size_t len,
		       const uint8_t **ret_body, size_t *ret_body_len);

/* A body that ends with the connection is never done. */
static inline bool http_body_is_done(const struct http_body *b)
{
	return b->state == HTTP_DONE;
}

/* What the request was that a response answers, as far as it matters for the body. */
enum http_asked { HTTP_ASKED_OTHER, HTTP_ASKED_HEAD, HTTP_ASKED_CONNECT };

/**
 * http_body_begin() - find the body of a message
 * @bytes: the message from its start, a header of at most 64 KiB
 * @asked: for a response
 * @ret_body: ready for what follows the header
 * Return: length of the header; -E_TRUNCATED: it is not all there; -E_MALFORMED: not HTTP.
 */
int64_t http_body_begin(struct http_body *ret_body, const uint8_t *bytes, size_t len,
			enum http_asked asked);

#endif
