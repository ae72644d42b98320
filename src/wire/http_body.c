#include "wire/http_body.h"

#include <ctype.h>

#include "base/err.h"
#include "wire/http_head.h"

void http_body_init(struct http_body *b, enum http_body_kind kind, uint64_t length)
{
	*b = (struct http_body){ .kind = (uint8_t)kind, .left = length };
	if (kind == HTTP_BODY_CHUNKED)
		b->state = HTTP_IN_SIZE;
	else if (kind == HTTP_BODY_NONE || (kind == HTTP_BODY_LENGTH && !length))
		b->state = HTTP_DONE;
	else if (kind != HTTP_BODY_LENGTH)
		b->left = UINT64_MAX;
}

/* One character of a line with a chunk's size. Return: false when it cannot be. */
static bool size_digit(struct http_body *b, uint8_t c)
{
	if (b->extension || c == '\r')
		return true;
	if (c == ';' || c == ' ' || c == '\t') {
		b->extension = b->digits;
		return c != ';' || b->digits;
	}
	if (!isxdigit(c) || b->size >> 59)
		return false;
	b->size = b->size << 4 | (uint64_t)(isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
	b->digits = true;
	return true;
}

/* A line end: what comes next. Return: false when the line was wrong. */
static bool line_ends(struct http_body *b)
{
	if (b->state == HTTP_IN_SIZE) {
		if (!b->digits)
			return false;
		b->state = b->size ? HTTP_IN_DATA : HTTP_IN_TRAILER;
		b->left = b->size;
		b->size = 0;
		b->digits = b->extension = false;
	} else if (b->state == HTTP_IN_END) {
		b->state = HTTP_IN_SIZE;
	} else if (!b->line_len) {
		b->state = HTTP_DONE;
	}
	b->line_len = 0;
	return true;
}

/* A character of a line that has not ended. Return: false when it cannot be. */
static bool line_goes_on(struct http_body *b, uint8_t c)
{
	/* An empty line may have a CR; a CR in other places counts as any character. */
	if (c == '\r' && !b->line_len && b->state != HTTP_IN_SIZE)
		return true;
	if (++b->line_len > HTTP_CHUNK_LINE_MAX || b->state == HTTP_IN_END)
		return false;
	return b->state != HTTP_IN_SIZE || size_digit(b, c);
}

int64_t http_body_take(struct http_body *b, const uint8_t *bytes, size_t len,
		       const uint8_t **ret_body, size_t *ret_body_len)
{
	*ret_body = bytes;
	*ret_body_len = 0;
	if (b->state == HTTP_IN_DATA) {
		*ret_body_len = (size_t)MIN(b->left, (uint64_t)len);
		if (b->kind == HTTP_BODY_LENGTH || b->kind == HTTP_BODY_CHUNKED)
			b->left -= *ret_body_len;
		if (!b->left)
			b->state = b->kind == HTTP_BODY_CHUNKED ? HTTP_IN_END : HTTP_DONE;
		return (int64_t)*ret_body_len;
	}
	for (size_t n = 0; n < len && b->state != HTTP_DONE; n++) {
		if (bytes[n] == '\n')
			return line_ends(b) ? (int64_t)n + 1 : -E_MALFORMED;
		if (!line_goes_on(b, bytes[n]))
			return -E_MALFORMED;
	}
	return b->state == HTTP_DONE ? 0 : (int64_t)len;
}

int64_t http_body_begin(struct http_body *ret_body, const uint8_t *bytes, size_t len,
			enum http_asked asked)
{
	struct http_head head;
	int err = http_head_parse(bytes, (uint32_t)MIN(len, (size_t)HTTP_HEAD_MAX), &head);

	if (err < 0)
		return len > HTTP_HEAD_MAX && err == -E_TRUNCATED ? -E_MALFORMED : err;
	http_head_framing(&head, bytes, asked);
	http_body_init(ret_body, head.kind, head.length);
	return head.len;
}
