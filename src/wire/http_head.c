/*
 * What is strict and what is tolerant here: a message must begin with a method's token and a blank,
 * or with "HTTP/"; beyond that everything that is seen in the wild is read as a recipient would
 * (RFC 9112 sections 2.2 and 5): LF alone, empty lines before, blanks before a colon, folded lines,
 * lines without colon.
 */
#include "wire/http_head.h"

#include <ctype.h>

#include "base/err.h"
#include "wire/http.h"

#define EMPTY_MAX  256u /* bytes of empty lines before a message */
#define METHOD_MAX 32	/* the longest registered has 17 characters */

/* "HTTP/1.1 200 OK". What is after the code is free. */
static bool parse_status_line(struct text line, struct http_head *h)
{
	struct text rest = line, version, code;
	uint64_t value;

	if (!text_begins(line, "HTTP/"))
		return false;
	version = text_word(&rest);
	code = text_word(&rest);
	if (code.len != 3 || !text_number(code, &value))
		return false;
	h->reply = true;
	h->version = version;
	h->status = code;
	h->code = (uint16_t)value;
	h->phrase = rest;
	return true;
}

/* "GET /index.html HTTP/1.1"; without version: HTTP/0.9. A target with blanks ends at the last. */
static bool parse_request_line(struct text line, struct http_head *h)
{
	uint32_t n;

	if (text_begins(line, "HTTP/"))
		return false;
	h->method = text_head(line, text_find(line, ' '));
	line = text_trim(text_tail(line, h->method.len));
	for (n = line.len; n && line.at[n - 1] != ' ';)
		n--;
	if (text_begins(text_tail(line, n), "HTTP/")) {
		h->version = text_tail(line, n);
		line = text_trim(text_head(line, n));
	} else if (!text_is(h->method, "GET") || !line.len || line.at[0] != '/') {
		return false;
	}
	h->uri = line;
	return true;
}

/* Whether a first line can begin with what is there of it. */
static bool can_begin(struct text line)
{
	for (uint32_t i = 0; i < line.len && i <= METHOD_MAX; i++) {
		if (line.at[i] == ' ')
			return i;
		if (i == METHOD_MAX || (!text_is_token(line.at[i]) && line.at[i] != '/'))
			return false;
		/* A response's version is longer than a token. */
		if (line.at[i] == '/')
			return i == 4 && !memcmp(line.at, "HTTP", 4);
	}
	return true;
}

uint32_t http_head_end(const uint8_t *bytes, uint32_t len, uint32_t from)
{
	const uint8_t *lf;

	while (from < len && (lf = memchr(bytes + from, '\n', len - from))) {
		uint32_t next = (uint32_t)(lf - bytes) + 1;

		if (next < len && bytes[next] == '\n')
			return next + 1;
		if (next + 1 < len && bytes[next] == '\r' && bytes[next + 1] == '\n')
			return next + 2;
		from = next;
	}
	return 0;
}

int http_head_parse(const uint8_t *bytes, uint32_t len, struct http_head *ret_head)
{
	struct http_head *h = ret_head;
	struct text_line line;
	uint32_t end;

	*h = (struct http_head){ 0 };
	while (h->start < MIN(len, EMPTY_MAX) &&
	       (bytes[h->start] == '\r' || bytes[h->start] == '\n'))
		h->start++;
	h->fields = h->len = len;
	line = text_line(bytes + h->start, len - h->start);
	if (!can_begin(line.text))
		return -E_MALFORMED;
	if (!line.ended)
		return -E_TRUNCATED;
	h->fields = h->start + line.span;
	if (!parse_status_line(line.text, h) && !parse_request_line(line.text, h))
		return -E_MALFORMED;
	if (!h->reply && !h->version.len) { /* HTTP/0.9 has one line */
		h->len = h->fields;
		h->whole = true;
		return 0;
	}
	end = http_head_end(bytes, len, h->fields - 1);
	if (!end)
		return -E_TRUNCATED;
	h->len = end;
	h->whole = true;
	return 0;
}

/* Length of the line at @at and of those that continue it. */
static uint32_t folded_span(const uint8_t *bytes, uint32_t at, uint32_t end)
{
	uint32_t next = at + text_line(bytes + at, end - at).span;

	while (next < end && (bytes[next] == ' ' || bytes[next] == '\t'))
		next += text_line(bytes + next, end - next).span;
	return next - at;
}

static struct text without_end(struct text t)
{
	while (t.len && (t.at[t.len - 1] == '\n' || t.at[t.len - 1] == '\r'))
		t.len--;
	return t;
}

bool http_field_next(const struct http_head *head, const uint8_t *bytes, uint32_t *at,
		     struct http_field *ret_field)
{
	struct http_field *f = ret_field;
	uint32_t n;

	if (*at >= head->len || bytes[*at] == '\n' ||
	    (bytes[*at] == '\r' && *at + 1 < head->len && bytes[*at + 1] == '\n'))
		return false;
	*f = (struct http_field){ 0 };
	f->line = text_of(bytes + *at, folded_span(bytes, *at, head->len));
	*at += f->line.len;
	f->value = without_end(f->line);
	n = text_find(f->value, ':');
	f->has_colon = n < f->value.len;
	if (!f->has_colon)
		return true;
	f->name = text_trim(text_head(f->value, n));
	f->good_name = n && f->name.len == n;
	for (uint32_t i = 0; i < n; i++)
		f->good_name = f->good_name && text_is_token(f->line.at[i]);
	f->value = text_tail(f->value, n + 1);
	while (f->value.len && strchr(" \t\r\n", f->value.at[0]) && f->value.at[0])
		f->value = text_tail(f->value, 1);
	return true;
}

static struct text trim_value(struct text t)
{
	while (t.len && strchr(" \t\r\n", t.at[t.len - 1]) && t.at[t.len - 1])
		t.len--;
	return t;
}

/* Content-Length may be a list of equal numbers (RFC 9110 section 8.6). */
static void take_length(struct http_head *h, struct text value, bool *given)
{
	struct text rest = trim_value(value);
	uint64_t v;

	do {
		struct text one = text_head(rest, text_find(rest, ','));

		rest = text_tail(rest, one.len + 1);
		if (!text_number(text_trim(one), &v) || (*given && v != h->length)) {
			h->length_wrong = true;
			return;
		}
		h->length = v;
		*given = true;
	} while (rest.len);
}

/* The last coding decides. */
static void take_coding(struct http_head *h, struct text value, bool *given, bool *chunked)
{
	static const char *const known[] = { "chunked",	 "gzip",       "x-gzip",  "deflate",
					     "compress", "x-compress", "trailers" };
	struct text rest = trim_value(value);

	while (rest.len) {
		struct text one = text_head(rest, text_find(rest, ','));
		bool found = false;

		rest = text_tail(rest, one.len + 1);
		one = text_trim(text_head(one, text_find(one, ';')));
		if (!one.len || text_is(one, "identity"))
			continue;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found = found || text_is(one, known[i]);
		h->coding_unknown = h->coding_unknown || !found;
		*given = true;
		*chunked = text_is(one, "chunked");
	}
}

static bool has_no_body(const struct http_head *h, enum http_asked asked)
{
	return h->reply &&
	       (asked == HTTP_ASKED_HEAD || h->code / 100 == 1 || h->code == 204 || h->code == 304);
}

/* Whether the field that begins @t may be called @name. Most may not, and need no more than a look;
 * what begins oddly is left to http_field_next(). */
static bool may_be(struct text t, const char *name)
{
	return !isalpha(t.at[0]) || ((t.at[0] | 0x20) == name[0] && text_begins(t, name));
}

void http_field_seek(const struct http_head *head, const uint8_t *bytes, uint32_t *at,
		     const char *name, const char *other)
{
	while (*at < head->len && !may_be(text_of(bytes + *at, head->len - *at), name) &&
	       !may_be(text_of(bytes + *at, head->len - *at), other))
		*at += folded_span(bytes, *at, head->len);
}

void http_head_framing(struct http_head *head, const uint8_t *bytes, enum http_asked asked)
{
	bool length = false, coding = false, chunked = false;
	struct http_field f;
	uint32_t at = head->fields;

	for (;;) {
		http_field_seek(head, bytes, &at, "content-length", "transfer-encoding");
		if (!http_field_next(head, bytes, &at, &f))
			break;
		if (text_is(f.name, "content-length"))
			take_length(head, f.value, &length);
		else if (text_is(f.name, "transfer-encoding"))
			take_coding(head, f.value, &coding, &chunked);
	}
	head->coding_and_length = coding && (length || head->length_wrong);
	head->kind = head->reply ? HTTP_BODY_CLOSE : HTTP_BODY_NONE;
	if (head->reply &&
	    (head->code == 101 || (asked == HTTP_ASKED_CONNECT && head->code / 100 == 2)))
		head->kind = HTTP_BODY_TUNNEL;
	else if (!head->reply && text_is(head->method, "PRI"))
		head->kind = HTTP_BODY_TUNNEL; /* HTTP/2 begins (RFC 9113 section 3.4) */
	else if (has_no_body(head, asked) || (!head->reply && !head->version.len))
		head->kind = HTTP_BODY_NONE;
	else if (chunked)
		head->kind = HTTP_BODY_CHUNKED;
	else if (coding)
		head->kind = HTTP_BODY_CLOSE;
	else if (length && !head->length_wrong)
		head->kind = HTTP_BODY_LENGTH;
}

uint32_t http_method_len(struct text t)
{
	for (const struct value_name *m = http_method_names; m->name && t.len; m++) {
		uint32_t n;

		if (t.at[0] != (uint8_t)*m->name)
			continue;
		n = (uint32_t)strcspn(m->name, " ");
		if (n < t.len && t.at[n] == ' ' && !memcmp(t.at, m->name, n))
			return n;
	}
	return 0;
}

bool http_head_is_sure(const uint8_t *bytes, uint32_t len)
{
	struct http_head h;

	/* Methods and versions begin with a capital letter: most of what is no HTTP does not. */
	if (!len || bytes[0] < 'A' || bytes[0] > 'Z' ||
	    http_head_parse(bytes, len, &h) == -E_MALFORMED || h.version.len != 8 ||
	    !text_begins(h.version, "HTTP/1."))
		return false;
	return h.reply || http_method_len(text_of(h.method.at, h.method.len + 1));
}
