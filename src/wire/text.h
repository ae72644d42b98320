/*
 * What protocols made of lines have in common: lines, words, numbers in decimal, base64. Lines end
 * in LF, with or without CR before it; what is read never goes beyond what is given.
 */
#ifndef SONDE_WIRE_TEXT_H
#define SONDE_WIRE_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* A piece of text, borrowed. */
struct text {
	const uint8_t *at;
	uint32_t len;
};

struct text_line {
	struct text text; /* without its end */
	uint32_t span;	  /* with it */
	bool ended;	  /* false: the bytes end before the line does */
};

static inline struct text text_of(const void *at, uint32_t len)
{
	return (struct text){ .at = at, .len = len };
}

/* The line at the start of @bytes; no bytes are a line that has not ended. */
struct text_line text_line(const uint8_t *bytes, uint32_t len);

/* Takes the first word off @t, and the blanks (space, tab) before and after it. */
struct text text_word(struct text *t);

/* Without blanks at both ends. */
struct text text_trim(struct text t);

/* Whether @t is @word, whatever the case. */
static inline bool text_is(struct text t, const char *word)
{
	return strlen(word) == t.len && !strncasecmp((const char *)t.at, word, t.len);
}

/* Whether @t begins with @word, whatever the case. */
static inline bool text_begins(struct text t, const char *word)
{
	size_t n = strlen(word);

	return n <= t.len && !strncasecmp((const char *)t.at, word, n);
}

/* Where @c is first in @t, @t.len if it is not. */
uint32_t text_find(struct text t, char c);

/* The first @n bytes, and what follows them. */
static inline struct text text_head(struct text t, uint32_t n)
{
	return text_of(t.at, n < t.len ? n : t.len);
}

static inline struct text text_tail(struct text t, uint32_t n)
{
	n = n < t.len ? n : t.len;
	return text_of(n ? t.at + n : t.at, t.len - n);
}

/* A number of decimal digits and nothing else. Return: false also when it exceeds 2^63 - 1. */
bool text_number(struct text t, uint64_t *ret_value);

/**
 * text_base64() - decode base64 (RFC 4648 section 4), padded or not
 * @out: room for @cap bytes; what is decoded is cut there
 * Return: bytes written, or -1 when @t is not base64.
 */
int text_base64(struct text t, uint8_t *out, uint32_t cap);

/* Characters of a token (RFC 9110 section 5.6.2). */
bool text_is_token(uint8_t c);

#endif
