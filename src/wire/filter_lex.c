/*
 * Words, strings and signs of a filter. A word is whatever could be a name, a number, an address or
 * bytes: what it means depends on what it is compared with, so it is decided later.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "wire/filter_internal.h"

static const struct {
	char text[12];
	uint8_t sign;
} words[] = {
	{ "and", SIGN_AND },
	{ "or", SIGN_OR },
	{ "xor", SIGN_XOR },
	{ "not", SIGN_NOT },
	{ "eq", SIGN_ANY_EQ },
	{ "any_eq", SIGN_ANY_EQ },
	{ "all_eq", SIGN_ALL_EQ },
	{ "ne", SIGN_ALL_NE },
	{ "all_ne", SIGN_ALL_NE },
	{ "any_ne", SIGN_ANY_NE },
	{ "lt", SIGN_LT },
	{ "le", SIGN_LE },
	{ "gt", SIGN_GT },
	{ "ge", SIGN_GE },
	{ "contains", SIGN_CONTAINS },
	{ "matches", SIGN_MATCHES },
	{ "in", SIGN_IN },
	{ "any", SIGN_ANY },
	{ "all", SIGN_ALL },
	{ "bitwise_and", SIGN_BITAND },
};

/* Longer ones before those that they begin with. */
static const struct {
	char text[4];
	uint8_t sign;
} signs[] = {
	{ "===", SIGN_ALL_EQ }, { "!==", SIGN_ANY_NE },	  { "==", SIGN_ANY_EQ },
	{ "!=", SIGN_ALL_NE },	{ "~=", SIGN_ANY_NE },	  { "<=", SIGN_LE },
	{ ">=", SIGN_GE },	{ "<", SIGN_LT },	  { ">", SIGN_GT },
	{ "&&", SIGN_AND },	{ "||", SIGN_OR },	  { "^^", SIGN_XOR },
	{ "!", SIGN_NOT },	{ "~", SIGN_MATCHES },	  { "&", SIGN_BITAND },
	{ "+", SIGN_PLUS },	{ "-", SIGN_MINUS },	  { "*", SIGN_TIMES },
	{ "/", SIGN_DIVIDE },	{ "%", SIGN_MODULO },	  { "(", SIGN_OPEN },
	{ ")", SIGN_CLOSE },	{ "{", SIGN_OPEN_BRACE }, { "}", SIGN_CLOSE_BRACE },
	{ "[", SIGN_BRACKET },	{ "#", SIGN_HASH },	  { ",", SIGN_COMMA },
	{ "..", SIGN_DOTS },
};

int filter_fails(struct parser *p, uint32_t at, const char *format, ...)
{
	char text[sizeof(p->fault->text)];
	va_list args;

	if (p->err)
		return p->err;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return p->err = fault_set(p->fault, at, "%s", text);
}

static bool in_word(const struct parser *p, uint32_t at)
{
	unsigned char c = (unsigned char)p->text[at];

	if (c == '.')
		return at + 1 >= p->len || p->text[at + 1] != '.';
	return isalnum(c) || c == '_' || c == ':' || c == '/' || c == '-' || c >= 0x80;
}

static bool starts_word(const struct parser *p, uint32_t at)
{
	return in_word(p, at) && p->text[at] != '-' && p->text[at] != '/';
}

static int take_quoted(struct parser *p, uint32_t from, char quote)
{
	uint32_t at = from + 1;

	while (at < p->len && p->text[at] != quote)
		at += p->text[at] == '\\' ? 2 : 1;
	if (at >= p->len)
		return filter_fails(p, p->token.at, "this has no end: %c is missing", quote);
	p->at = at + 1;
	p->token.kind = quote == '"' ? TOKEN_STRING : TOKEN_CHAR;
	p->token.len = p->at - p->token.at;
	return 0;
}

static int take_word(struct parser *p)
{
	while (p->at < p->len && in_word(p, p->at))
		p->at++;
	p->token.kind = TOKEN_WORD;
	p->token.len = p->at - p->token.at;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i].text) == p->token.len &&
		    !strncasecmp(words[i].text, p->text + p->token.at, p->token.len))
			p->token.sign = words[i].sign;
	return 0;
}

static int take_sign(struct parser *p)
{
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		size_t n = strlen(signs[i].text);

		if (n > p->len - p->at || memcmp(signs[i].text, p->text + p->at, n) != 0)
			continue;
		p->token.kind = TOKEN_SIGN;
		p->token.sign = signs[i].sign;
		p->token.len = (uint32_t)n;
		p->at += (uint32_t)n;
		return 0;
	}
	if (p->text[p->at] == '=')
		return filter_fails(p, p->at, "'=' alone is no operator: == compares");
	if (p->text[p->at] == '|')
		return filter_fails(p, p->at, "'|' alone is no operator: || is 'or'");
	return filter_fails(p, p->at, "'%c' means nothing here",
			    isprint((unsigned char)p->text[p->at]) ? p->text[p->at] : '?');
}

int filter_next(struct parser *p)
{
	if (p->err)
		return p->err;
	while (p->at < p->len && isspace((unsigned char)p->text[p->at]))
		p->at++;
	p->token = (struct token){ .at = p->at };
	if (p->at == p->len)
		return 0;
	char c = p->text[p->at], after = p->at + 1 < p->len ? p->text[p->at + 1] : '\0';

	if (c == '"' || c == '\'')
		return take_quoted(p, p->at, c);
	if ((c == 'r' || c == 'R') && after == '"')
		return take_quoted(p, p->at + 1, '"');
	return starts_word(p, p->at) ? take_word(p) : take_sign(p);
}

/* A number at @p->at, perhaps negative. Returns whether there is one. */
static bool take_int(struct parser *p, int32_t *ret)
{
	bool negative = p->at < p->len && p->text[p->at] == '-';
	uint32_t at = p->at + negative;
	int32_t v = 0;

	if (at >= p->len || !isdigit((unsigned char)p->text[at]))
		return false;
	for (; at < p->len && isdigit((unsigned char)p->text[at]); at++)
		v = MIN(v * 10 + (p->text[at] - '0'), 10000000);
	p->at = at;
	*ret = negative ? -v : v;
	return true;
}

static bool take_char(struct parser *p, char c)
{
	if (p->at >= p->len || p->text[p->at] != c)
		return false;
	p->at++;
	return true;
}

static void skip_blanks(struct parser *p)
{
	while (p->at < p->len && isspace((unsigned char)p->text[p->at]))
		p->at++;
}

/* "i:j", "i-j", "i", ":j", "i:". */
static int take_part(struct parser *p, struct slice_part *ret)
{
	uint32_t at = p->at;
	int32_t first = 0, second = 0;
	bool has_first = take_int(p, &first);
	struct slice_part part = { first, 1 };

	if (take_char(p, ':')) {
		bool has_len = take_int(p, &second);

		if (has_len && second <= 0)
			return filter_fails(p, at, "a slice's length is 1 or more");
		if (!has_len && !has_first)
			return filter_fails(p, at, "a slice needs a start or a length");
		part.len = has_len ? second : 0;
	} else if (has_first && take_char(p, '-')) {
		if (!take_int(p, &second))
			return filter_fails(p, p->at, "the slice's last place is missing");
		if ((first < 0) != (second < 0))
			return filter_fails(p, at, "first and last place count from the same end");
		if (second < first)
			return filter_fails(p, at, "the slice ends before it begins");
		part.len = second - first + 1;
	} else if (!has_first) {
		return filter_fails(p, at, "a slice is [start:length], [first-last] or [place]");
	}
	*ret = part;
	return 0;
}

int filter_parse_slice(struct parser *p, struct node *n)
{
	struct slice_part parts[FILTER_PARTS_MAX];
	uint8_t n_parts = 0;

	do {
		skip_blanks(p);
		if (n_parts == FILTER_PARTS_MAX)
			return filter_fails(p, p->at, "a slice has at most %d parts",
					    FILTER_PARTS_MAX);
		if (take_part(p, &parts[n_parts++]) < 0)
			return p->err;
		skip_blanks(p);
	} while (take_char(p, ','));
	if (!take_char(p, ']'))
		return filter_fails(p, p->at,
				    "']' is missing: a slice is [start:length], "
				    "[first-last] or [place]");
	n->n_parts = n_parts;
	n->slice = filter_keep(p, parts, n_parts * sizeof(parts[0]));
	return filter_next(p);
}

/* "2", "-1", "1-2", "2:1", "2:". */
static int take_layer(struct parser *p, struct layer_range *ret)
{
	struct slice_part part;
	uint32_t at = p->at;

	if (take_part(p, &part) < 0)
		return p->err;
	if (!part.first || part.first > INT16_MAX || part.first < INT16_MIN || part.len > INT16_MAX)
		return filter_fails(p, at, "layers are counted from 1, from the last one as -1");
	int last = part.len ? part.first + part.len - 1 : part.first > 0 ? INT16_MAX : -1;

	ret->first = (int16_t)part.first;
	ret->last = (int16_t)MIN(last, INT16_MAX);
	return 0;
}

int filter_parse_layers(struct parser *p, struct node *n)
{
	struct layer_range ranges[FILTER_PARTS_MAX];
	uint8_t n_ranges = 0;
	int32_t one;

	if (!take_char(p, '[')) {
		uint32_t at = p->at;

		if (!take_int(p, &one) || one <= 0 || one > INT16_MAX)
			return filter_fails(p, at, "behind # is a layer's number, from 1");
		ranges[n_ranges++] = (struct layer_range){ (int16_t)one, (int16_t)one };
	} else {
		do {
			skip_blanks(p);
			if (n_ranges == FILTER_PARTS_MAX)
				return filter_fails(p, p->at, "at most %d ranges of layers",
						    FILTER_PARTS_MAX);
			if (take_layer(p, &ranges[n_ranges++]) < 0)
				return p->err;
			skip_blanks(p);
		} while (take_char(p, ','));
		if (!take_char(p, ']'))
			return filter_fails(p, p->at, "']' is missing behind the layers");
	}
	n->n_parts = n_ranges;
	n->layers = filter_keep(p, ranges, n_ranges * sizeof(ranges[0]));
	return filter_next(p);
}
