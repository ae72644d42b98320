/*
 * HTTP/1.x of one connection, out of the bytes of its streams as they come: headers, and bodies
 * without their transfer and content codings, in pieces. Nothing but a header (at most
 * HTTP_HEAD_MAX bytes) and the decoder's window (at most 48 KiB) is kept of either direction.
 *
 * A hole in a body of known length, or inside a chunk, is told and passed over. After any other
 * one, the next message is looked for: a request where a piece begins, a response everywhere.
 */
#ifndef SONDE_CAPTURE_HTTP_STREAM_H
#define SONDE_CAPTURE_HTTP_STREAM_H

#include "capture/stream.h"
#include "wire/http_head.h"

/* What is remembered of requests until they are answered. */
#define HTTP_PENDING 32
#define HTTP_URI_MAX 200

struct http_start {
	const struct http_head *head;
	const uint8_t *bytes; /* the header, @head->len of them */
	struct text uri;      /* of the request, of a response that of what it answers; the last
				 HTTP_URI_MAX bytes of its path */
	bool has_body;
};

struct http_user {
	/* A header is whole; @body and @end follow. */
	void (*start)(struct http_user *u, bool reply, const struct http_start *start);
	void (*body)(struct http_user *u, bool reply, const uint8_t *bytes, size_t len);
	/* Bytes of the body are missing here, as they were on the wire. */
	void (*gap)(struct http_user *u, bool reply, uint64_t len);
	/* @complete: all of the body was there, and could be decoded. */
	void (*end)(struct http_user *u, bool reply, bool complete);
	/* Bytes that are not HTTP, or of which the start is missing. May be NULL, like @gap. */
	void (*other)(struct http_user *u, bool reply, const uint8_t *bytes, size_t len,
		      uint64_t gap);
};

struct http_stream;

/**
 * http_stream_new() - at the start of a connection
 * @user: must outlive it
 * @max_body: a body that grows larger when it is decoded is given only so far
 * Return: NULL when out of memory.
 */
struct http_stream *http_stream_new(struct http_user *user, uint64_t max_body);

/* Ends what is not ended, as incomplete. */
struct http_stream *http_stream_free(struct http_stream *h);

void http_stream_piece(struct http_stream *h, const struct stream_piece *piece);

#endif
