/* HTTP/1.x: requests, responses, header fields, bodies. */
#ifndef SONDE_WIRE_HTTP_H
#define SONDE_WIRE_HTTP_H

#include "wire/http_head.h"
#include "wire/protocol.h"

extern const struct protocol protocol_http;

/* For HTTP's own files. */

/* struct protocol's message(). */
int64_t http_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t size, bool end);

/* What the next response answers; @d may be NULL. */
enum http_asked http_next_asked(const struct dialogue *d);

/* Whether the next bytes of this side go on with a body whose start is behind; @d may be NULL. */
bool http_goes_on(const struct dialogue *d, bool reply);

/**
 * http_measure() - where a message ends, of which nothing is known from before
 * @head: parsed and framed, whole
 * @ret_len: all of it, or what is there of it
 * Return: whether the end is there.
 */
bool http_measure(const struct http_head *head, const uint8_t *bytes, uint32_t len,
		  uint32_t *ret_len);

/* Field rows of the headers that have one of their own, and the header's name of each. */
#define N_HTTP_HEADERS 29
extern const struct field http_header_rows[N_HTTP_HEADERS];

/* Rows among them that matter by themselves. */
enum {
	HTTP_ROW_HOST,
	HTTP_ROW_CONTENT_TYPE,
	HTTP_ROW_CONTENT_LENGTH,
	HTTP_ROW_CONTENT_ENCODING,
	HTTP_ROW_AUTHORIZATION,
	HTTP_ROW_PROXY_AUTHORIZATION,
	HTTP_ROW_COOKIE,
};

/* The row of the header called @name, or -1. */
int http_header_find(struct text name);

/* Methods that are enough to know HTTP by, each with what it means; status codes. */
extern const struct value_name http_method_names[], http_status_names[];

#endif
