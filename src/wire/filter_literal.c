/*
 * What is typed in a filter becomes a value of the type that it is compared with: numbers in every
 * base, names of the field's registry, times, addresses with prefix, bytes, text.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "wire/filter_internal.h"
#include "wire/near.h"

/* Why a literal cannot be of a type, for the message; the place is the literal's. */
struct wish {
	struct parser *p;
	struct node *literal;
	unsigned type;
	const struct registry_name *field; /* NULL: not one field's value */
};

const char *value_type_title(unsigned type)
{
	static const char *const titles[] = {
		[VALUE_NONE] = "a value",	 [VALUE_UINT] = "a number",
		[VALUE_INT] = "a signed number", [VALUE_FLAG] = "a flag",
		[VALUE_TIME] = "a time",	 [VALUE_DURATION] = "a duration",
		[VALUE_BYTES] = "bytes",	 [VALUE_MAC] = "a MAC address",
		[VALUE_IP4] = "an IPv4 address", [VALUE_IP6] = "an IPv6 address",
		[VALUE_TEXT] = "text",
	};

	return titles[type];
}

static const char *type_examples(unsigned type)
{
	static const char *const examples[] = {
		[VALUE_NONE] = "",
		[VALUE_UINT] = "80, 0x50, 0120 or 'P'",
		[VALUE_INT] = "-1, 80 or 0x50",
		[VALUE_FLAG] = "1, 0, True or False",
		[VALUE_TIME] = "\"2024-07-04 12:34:56.5Z\"",
		[VALUE_DURATION] = "0.25, 10ms or 2h",
		[VALUE_BYTES] = "0a:ff, 0aff, 0x0a or \"text\"",
		[VALUE_MAC] = "00:00:5e:00:53:01",
		[VALUE_IP4] = "192.0.2.1 or 192.0.2.0/24",
		[VALUE_IP6] = "2001:db8::1 or 2001:db8::/32",
		[VALUE_TEXT] = "\"text\"",
	};

	return examples[type];
}

static int wish_fails(const struct wish *w)
{
	const struct node *n = w->literal;

	return filter_fails(w->p, n->at, "%.*s is not %s: %s is written as %s",
			    (int)MIN(n->len, 60u), n->bytes, value_type_title(w->type),
			    w->field ? w->field->name : "that", type_examples(w->type));
}

static void set_number(struct node *n, unsigned type, number_t number)
{
	n->kind = NODE_CONST;
	n->type = (uint8_t)type;
	n->number = number;
}

static int set_bytes(const struct wish *w, const void *bytes, size_t len)
{
	w->literal->kind = NODE_CONST;
	w->literal->type = (uint8_t)w->type;
	w->literal->bytes = filter_keep(w->p, bytes, len);
	w->literal->len = (uint32_t)len;
	return w->p->err;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* A whole number with sign; @ret_wide: it does not fit in 64 bits. */
static bool read_integer(const char *text, size_t len, number_t *ret, bool *ret_wide)
{
	bool negative = len && *text == '-';
	unsigned base = 10;
	number_t v = 0;

	*ret_wide = false;
	if (negative || (len && *text == '+')) {
		text++;
		len--;
	}
	if (len > 2 && text[0] == '0' && (text[1] | 0x20) == 'x')
		base = 16;
	else if (len > 2 && text[0] == '0' && (text[1] | 0x20) == 'b')
		base = 2;
	else if (len > 1 && text[0] == '0')
		base = 8;
	if (base == 16 || base == 2) {
		text += 2;
		len -= 2;
	}
	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (digit_of(text[i]) >= (int)base)
			return false;
		v = v * base + digit_of(text[i]);
		*ret_wide = *ret_wide || v > UINT64_MAX;
		v = MIN(v, (number_t)UINT64_MAX + 1);
	}
	*ret = negative ? -v : v;
	return true;
}

/* An escape behind the backslash at text[*at - 1]; moves *@at behind it. */
static bool read_escape(const char *text, size_t len, size_t *at, struct buf *b)
{
	static const char plain[] = "'\"\\abfnrtv", codes[] = "'\"\\\a\b\f\n\r\t\v";
	char c = text[(*at)++];
	const char *known = strchr(plain, c);
	unsigned v = 0, base = 16, max = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0, n = 0;

	if (c && known) {
		buf_char(b, codes[known - plain]);
		return true;
	}
	if (c >= '0' && c <= '7') {
		base = 8;
		max = 3;
		--*at;
	}
	for (; n < max && *at < len && digit_of(text[*at]) < (int)base; n++)
		v = v * base + (unsigned)digit_of(text[(*at)++]);
	if (!n || ((c == 'u' || c == 'U') && n < max))
		return false;
	if (c != 'u' && c != 'U') {
		buf_char(b, (char)v);
		return v <= 255;
	}
	if (v > 0x10ffff)
		return false;
	if (v < 0x80) {
		buf_char(b, (char)v);
		return true;
	}
	unsigned more = v < 0x800 ? 1 : v < 0x10000 ? 2 : 3;

	buf_char(b, (char)((more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0) | v >> (6 * more)));
	while (more-- > 0)
		buf_char(b, (char)(0x80 | (v >> (6 * more) & 0x3f)));
	return true;
}

int filter_unquote(struct parser *p, const struct node *literal, struct buf *b)
{
	const char *text = (const char *)literal->bytes;
	bool raw = *text == 'r' || *text == 'R';
	size_t end = literal->len - 1;

	for (size_t at = raw ? 2 : 1; at < end;) {
		size_t from = at;

		if (text[at++] != '\\' || raw)
			buf_char(b, text[at - 1]);
		else if (at >= end || !read_escape(text, end, &at, b))
			return filter_fails(
				p, literal->at + (uint32_t)from,
				"no such escape; a backslash itself is \\\\, and r\"…\" "
				"takes them as they are");
	}
	return b->err ? filter_fails(p, literal->at, "this is too long") : 0;
}

/* The one byte of a character in quotes. */
static int read_char(const struct wish *w, uint8_t *ret)
{
	char memory[8];
	struct buf b = buf_in(memory, sizeof(memory));

	if (filter_unquote(w->p, w->literal, &b) < 0)
		return w->p->err;
	if (b.len != 1)
		return filter_fails(w->p, w->literal->at,
				    "between single quotes is one character, as in 'a'");
	*ret = (uint8_t)memory[0];
	return 0;
}

/* Text without its quotes, in @b. */
static int read_text(const struct wish *w, struct buf *b)
{
	if (w->literal->form != LITERAL_WORD)
		return filter_unquote(w->p, w->literal, b);
	buf_bytes(b, w->literal->bytes, w->literal->len);
	return 0;
}

/* The value that the registry calls @name, by any of the field's rows. */
static bool find_named(const struct registry_name *field, const char *name, uint64_t *ret)
{
	for (size_t i = 0; field && i < field->n_parts; i++) {
		for (size_t k = 0; k < field->parts[i].n_rows; k++) {
			const struct value_name *v = field->parts[i].rows[k]->values;

			for (; v && v->name; v++) {
				if (strcasecmp(v->name, name) != 0)
					continue;
				*ret = v->value;
				return true;
			}
		}
	}
	return false;
}

static void suggest_named(const struct registry_name *field, const char *name, struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; field && i < field->n_parts; i++) {
		const struct value_name *v =
			field->parts[i].n_rows ? field->parts[i].rows[0]->values : NULL;

		for (; v && v->name && n < 3; v++) {
			if (!near_enough(name, v->name))
				continue;
			buf_str(b, n++ ? ", \"" : "; perhaps \"");
			buf_str(b, v->name);
			buf_char(b, '"');
		}
	}
}

/* A number that was given by name. */
static int resolve_named(const struct wish *w)
{
	char name[128], near[128];
	struct buf b = buf_in(name, sizeof(name) - 1), hint = buf_in(near, sizeof(near) - 1);
	bool has_names = w->field && registry_row(w->field)->values;
	uint64_t value;

	if (!has_names || read_text(w, &b) < 0)
		return wish_fails(w);
	name[b.len] = '\0';
	if (find_named(w->field, name, &value)) {
		set_number(w->literal, w->type, value);
		return 0;
	}
	suggest_named(w->field, name, &hint);
	near[hint.len] = '\0';
	return filter_fails(w->p, w->literal->at, "%.*s is neither a number nor a name of %s%s",
			    (int)MIN(w->literal->len, 60u), w->literal->bytes, w->field->name,
			    near);
}

/* The greatest value that fits in the bytes of the field, or that scaling makes of its bits. */
static uint64_t greatest(const struct wish *w)
{
	uint64_t max = 0;

	for (size_t i = 0; w->field && i < w->field->n_parts; i++) {
		for (size_t k = 0; k < w->field->parts[i].n_rows; k++) {
			const struct field *f = w->field->parts[i].rows[k];
			unsigned round = (f->bits + 7u) / 8 * 8;

			if (!f->bits || f->computed || round >= 64)
				return UINT64_MAX;
			max = MAX(max, (1ULL << round) - 1);
			max = MAX(max, field_max(f));
		}
	}
	return max ? max : UINT64_MAX;
}

static int resolve_integer(const struct wish *w)
{
	struct node *n = w->literal;
	bool is_signed = w->type == VALUE_INT, wide;
	number_t v;
	uint8_t c;

	if (n->form == LITERAL_CHAR) {
		if (read_char(w, &c) < 0)
			return w->p->err;
		set_number(n, w->type, c);
		return 0;
	}
	if (n->form == LITERAL_STRING || !read_integer((const char *)n->bytes, n->len, &v, &wide))
		return resolve_named(w);
	if (wide || (is_signed && (v < INT64_MIN || v > UINT64_MAX)))
		return filter_fails(w->p, n->at, "%.*s is too great for any field",
				    (int)MIN(n->len, 60u), n->bytes);
	if (!is_signed && v < 0)
		return filter_fails(w->p, n->at, "%.*s is negative, and %s never is",
				    (int)MIN(n->len, 60u), n->bytes,
				    w->field ? w->field->name : "this");
	if (!is_signed && v > greatest(w))
		return filter_fails(w->p, n->at, "%.*s is too great for %s: at most %llu",
				    (int)MIN(n->len, 60u), n->bytes, w->field->name,
				    (unsigned long long)greatest(w));
	set_number(n, w->type, v);
	return 0;
}

static int resolve_flag(const struct wish *w)
{
	static const char *const yes[] = { "true", "set" }, *const no[] = { "false", "not set" };
	struct node *n = w->literal;
	char text[16];
	struct buf b = buf_in(text, sizeof(text) - 1);
	number_t v;
	bool wide;

	if (n->form == LITERAL_WORD && read_integer((const char *)n->bytes, n->len, &v, &wide)) {
		set_number(n, w->type, v != 0);
		return 0;
	}
	if (n->len >= sizeof(text) || read_text(w, &b) < 0)
		return wish_fails(w);
	text[b.len] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (!strcasecmp(text, yes[i]) || !strcasecmp(text, no[i])) {
			set_number(n, w->type, !strcasecmp(text, yes[i]));
			return 0;
		}
	}
	return wish_fails(w);
}

/* Seconds with up to nine decimals, perhaps with a unit. */
static bool read_seconds(const char *text, size_t len, bool units, number_t *ret_ns)
{
	static const struct {
		char unit[3];
		uint64_t ns;
	} known[] = { { "ns", 1 },
		      { "us", NS_PER_US },
		      { "ms", NS_PER_MS },
		      { "s", NS_PER_S },
		      { "m", 60 * NS_PER_S },
		      { "h", 3600 * NS_PER_S },
		      { "d", 86400 * NS_PER_S } };
	bool negative = len && *text == '-', some = false;
	size_t at = negative || (len && *text == '+');
	number_t v = 0, part = 0, scale = 1;

	for (; at < len && isdigit((unsigned char)text[at]); at++, some = true)
		v = MIN(v * 10 + (text[at] - '0'), (number_t)INT64_MAX);
	if (at < len && text[at] == '.')
		for (at++; at < len && isdigit((unsigned char)text[at]) && scale < 1000000000;
		     at++, some = true, scale *= 10)
			part = part * 10 + (text[at] - '0');
	if (!some)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		bool plain = at == len && known[i].ns == NS_PER_S;

		if (!plain && (!units || strlen(known[i].unit) != len - at ||
			       strncasecmp(known[i].unit, text + at, len - at) != 0))
			continue;
		v = v * known[i].ns + part * known[i].ns / scale;
		*ret_ns = negative ? -v : v;
		return true;
	}
	return false;
}

static int resolve_duration(const struct wish *w)
{
	number_t ns;

	if (w->literal->form != LITERAL_WORD ||
	    !read_seconds((const char *)w->literal->bytes, w->literal->len, true, &ns))
		return wish_fails(w);
	/* A number alone is meant in the unit that the field is written in. */
	if (w->field && registry_row(w->field)->milli &&
	    !isalpha((unsigned char)w->literal->bytes[w->literal->len - 1]))
		ns /= 1000;
	set_number(w->literal, w->type, ns);
	return 0;
}

/* "Z", "UTC", "+01:00" or nothing, which is local time. Returns false on anything else. */
static bool read_zone(const char *text, bool *ret_utc, int *ret_offset_s)
{
	unsigned h, m;
	int n = 0;

	*ret_utc = *text;
	*ret_offset_s = 0;
	while (*text == ' ')
		text++;
	if (!*text || !strcmp(text, "Z") || !strcmp(text, "UTC"))
		return true;
	if ((*text != '+' && *text != '-') ||
	    (sscanf(text + 1, "%2u:%2u%n", &h, &m, &n) != 2 &&
	     sscanf(text + 1, "%2u%2u%n", &h, &m, &n) != 2) ||
	    text[1 + n])
		return false;
	*ret_offset_s = (int)(h * 3600 + m * 60) * (*text == '-' ? -1 : 1);
	return true;
}

static bool read_time(const char *text, number_t *ret_ns)
{
	static const char *const forms[] = {
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M",
		"%Y-%m-%dT%H",	     "%Y-%m-%d %H",	  "%Y-%m-%d",	    "%b %d, %Y %H:%M:%S",
	};

	if (read_seconds(text, strlen(text), false, ret_ns))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *rest = strptime(text, forms[i], &tm);
		number_t ns = 0;
		int offset;
		bool utc;

		if (!rest)
			continue;
		if (*rest == '.') {
			size_t n = 1 + strspn(rest + 1, "0123456789");

			if (n == 1 || n > 10)
				continue;
			(void)read_seconds(rest, n, false, &ns);
			rest += n;
		}
		if (!read_zone(rest, &utc, &offset))
			continue;
		*ret_ns = (number_t)((utc ? timegm(&tm) : mktime(&tm)) - offset) * NS_PER_S + ns;
		return true;
	}
	return false;
}

static int resolve_time(const struct wish *w)
{
	char text[64];
	struct buf b = buf_in(text, sizeof(text) - 1);
	number_t ns;

	if (w->literal->len >= sizeof(text) || read_text(w, &b) < 0)
		return wish_fails(w);
	text[b.len] = '\0';
	if (!read_time(text, &ns))
		return wish_fails(w);
	set_number(w->literal, w->type, ns);
	return 0;
}

/* Digits in pairs with ':', '-' or '.' between, or in a row. Returns the bytes, or -1. */
static int64_t read_hex(const char *text, size_t len, uint8_t *out)
{
	bool separated = memchr(text, ':', len) || memchr(text, '-', len) || memchr(text, '.', len);
	int64_t n = 0;

	for (size_t at = 0; at < len;) {
		size_t digits = 0;

		while (at + digits < len && digit_of(text[at + digits]) < 16)
			digits++;
		/* One digit is a byte, as in 1:2:3. */
		if (digits == 1)
			out[n++] = (uint8_t)digit_of(text[at]);
		for (size_t i = 0; digits > 1 && i < digits; i += 2)
			out[n++] = (uint8_t)(digit_of(text[at + i]) << 4 |
					     digit_of(text[at + i + (i + 1 < digits)]));
		if (!digits || (digits > 1 && digits % 2) || (!separated && at))
			return -1;
		at += digits;
		if (at < len && (!strchr(":-.", text[at++]) || at == len))
			return -1;
	}
	return n;
}

static int resolve_bytes(const struct wish *w)
{
	struct node *n = w->literal;
	struct buf b = buf_of(FILTER_TEXT_MAX);
	const char *text = (const char *)n->bytes;
	size_t len = n->len;
	int64_t n_bytes = -1;
	uint8_t c;

	if (n->form == LITERAL_CHAR)
		return read_char(w, &c) < 0 ? w->p->err : set_bytes(w, &c, 1);
	if (n->form == LITERAL_STRING) {
		if (filter_unquote(w->p, n, &b) == 0)
			set_bytes(w, b.data, b.len);
		buf_done(&b);
		return w->p->err;
	}
	if (*text == ':') {
		text++;
		len--;
	} else if (len > 2 && len <= 4 && text[0] == '0' && (text[1] | 0x20) == 'x') {
		text += 2;
		len -= 2;
	}
	char *out = len ? buf_room(&b, len) : NULL;

	if (out)
		n_bytes = read_hex(text, len, (uint8_t *)out);
	if (n_bytes > 0)
		set_bytes(w, out, (size_t)n_bytes);
	else
		wish_fails(w);
	buf_done(&b);
	return w->p->err;
}

static int resolve_mac(const struct wish *w)
{
	uint8_t mac[256];
	struct node *n = w->literal;
	const char *text = (const char *)n->bytes;
	bool colon = *text == ':';

	if (n->form != LITERAL_WORD || n->len - colon > 17 ||
	    read_hex(text + colon, n->len - colon, mac) != 6)
		return wish_fails(w);
	return set_bytes(w, mac, 6);
}

static int resolve_address(const struct wish *w)
{
	struct node *n = w->literal;
	int family = w->type == VALUE_IP4 ? AF_INET : AF_INET6;
	struct prefix prefix;

	if (n->form != LITERAL_WORD ||
	    prefix_parse((const char *)n->bytes, n->len, &prefix, NULL) < 0 ||
	    prefix.addr.family != family)
		return wish_fails(w);
	n->prefix = prefix.len;
	return set_bytes(w, prefix.addr.bytes, addr_len(&prefix.addr));
}

static int resolve_text(const struct wish *w)
{
	struct buf b = buf_of(FILTER_TEXT_MAX);

	if (read_text(w, &b) == 0)
		set_bytes(w, b.len ? b.data : "", b.len);
	buf_done(&b);
	return w->p->err;
}

static int resolve_literal(const struct wish *w)
{
	switch (w->type) {
	case VALUE_UINT:
	case VALUE_INT:
		return resolve_integer(w);
	case VALUE_FLAG:
		return resolve_flag(w);
	case VALUE_TIME:
		return resolve_time(w);
	case VALUE_DURATION:
		return resolve_duration(w);
	case VALUE_BYTES:
		return resolve_bytes(w);
	case VALUE_MAC:
		return resolve_mac(w);
	case VALUE_IP4:
	case VALUE_IP6:
		return resolve_address(w);
	default:
		return resolve_text(w);
	}
}

int filter_resolve(struct parser *p, uint16_t node, uint16_t to)
{
	struct node *nodes = p->filter->nodes, *n = &nodes[node];
	const struct node *field = &nodes[to];

	if (n->kind == NODE_LITERAL) {
		return resolve_literal(&(struct wish){
			.p = p,
			.literal = n,
			.type = field->type,
			.field = field->kind == NODE_FIELD ? field->name : NULL,
		});
	}
	for (uint16_t i = n->first; i && !p->err; i = nodes[i].next)
		if (nodes[i].type == VALUE_NONE)
			filter_resolve(p, i, to);
	n->type = field->type;
	if (!p->err && !filter_can_calculate(n->type, n->op))
		filter_fails(p, n->at, "there is no such calculation with %s",
			     value_type_title(n->type));
	return p->err;
}

int filter_compile_pattern(struct parser *p, struct node *n, const struct node *literal)
{
	struct buf b = buf_of(FILTER_TEXT_MAX);
	struct pattern *made = calloc(1, sizeof(*made));
	PCRE2_SIZE offset;
	PCRE2_UCHAR text[120];
	int err = 0;

	if (!made || filter_unquote(p, literal, &b) < 0) {
		free(made);
		buf_done(&b);
		return p->err = p->err ?: -ENOMEM;
	}
	made->next = p->filter->patterns;
	p->filter->patterns = made;
	made->code = pcre2_compile((PCRE2_SPTR)(b.len ? b.data : ""), b.len,
				   PCRE2_CASELESS | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C, &err,
				   &offset, NULL);
	buf_done(&b);
	if (!made->code) {
		pcre2_get_error_message(err, text, sizeof(text));
		return filter_fails(p, literal->at + MIN((uint32_t)offset + 1, literal->len - 1),
				    "the regular expression is wrong here: %s", (char *)text);
	}
	pcre2_jit_compile(made->code, PCRE2_JIT_COMPLETE);
	made->data = pcre2_match_data_create(1, NULL);
	made->limits = pcre2_match_context_create(NULL);
	if (!made->data || !made->limits)
		return p->err = -ENOMEM;
	pcre2_set_match_limit(made->limits, FILTER_MATCH_LIMIT);
	pcre2_set_heap_limit(made->limits, FILTER_MATCH_KIB);
	n->pattern = made;
	return 0;
}
