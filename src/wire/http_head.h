/*
 * The header of an HTTP/1.x message (RFC 9112): its first line, its fields one by one, and what
 * they say of the body. Line ends may be LF alone; fields may be folded (obs-fold, section 5.2).
 */
#ifndef SONDE_WIRE_HTTP_HEAD_H
#define SONDE_WIRE_HTTP_HEAD_H

#include "wire/http_body.h"
#include "wire/text.h"

/* A longer header is not HTTP. */
#define HTTP_HEAD_MAX 65536

struct http_head {
	bool reply;					  /* a response */
	bool whole;					  /* the empty line is there */
	struct text method, uri, version, status, phrase; /* those that it has */
	uint16_t code;					  /* @status as a number */
	uint32_t start;	 /* of the first line: empty ones may come before (section 2.2) */
	uint32_t fields; /* where they begin */
	uint32_t len;	 /* of the header with its empty line; of what is there when not @whole */

	/* Filled by http_head_framing(). */
	enum http_body_kind kind;
	uint64_t length;	/* of HTTP_BODY_LENGTH */
	bool coding_and_length; /* both are given: the coding wins (section 6.3) */
	bool coding_unknown;	/* a transfer coding that is not in the registry */
	bool length_wrong;	/* no number, or several that differ */
};

/* A field, without the blanks around its value. */
struct http_field {
	struct text name, value;
	struct text line; /* whole, with its end */
	bool has_colon;	  /* else the line is no field: @value is all of it */
	bool good_name;	  /* it has one, a token, and the colon is next to it */
};

/**
 * http_head_parse() - read the first line, find the end of the header
 * @ret_head: also set as far as it goes when truncated; points into @bytes
 * Return: 0; -E_TRUNCATED: more bytes are needed; -E_MALFORMED: this is not HTTP, whatever follows.
 */
int http_head_parse(const uint8_t *bytes, uint32_t len, struct http_head *ret_head);

/* Where the header ends, its empty line included, from @from on; 0: not in these bytes. */
uint32_t http_head_end(const uint8_t *bytes, uint32_t len, uint32_t from);

/**
 * http_field_next() - the field at *@at
 * @at: offset from @bytes, @head->fields to begin with; moved behind the field
 * Return: false at the end of the header.
 */
bool http_field_next(const struct http_head *head, const uint8_t *bytes, uint32_t *at,
		     struct http_field *ret_field);

/* Passes over fields that are called neither @name nor @other, both in lower case. */
void http_field_seek(const struct http_head *head, const uint8_t *bytes, uint32_t *at,
		     const char *name, const char *other);

/* Finds where the body ends (RFC 9112 section 6.3). @asked: what a response answers. */
void http_head_framing(struct http_head *head, const uint8_t *bytes, enum http_asked asked);

/* Length of the registered method that @t begins with, a blank after it; 0: none. */
uint32_t http_method_len(struct text t);

/* Whether @bytes begin with a first line that can only be of HTTP/1.x. */
bool http_head_is_sure(const uint8_t *bytes, uint32_t len);

#endif
