#include "base/targets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX_BYTES 65536

/* A run of addresses of one family and scope, both ends within. */
struct range {
	uint128_t first, last;
	uint128_t before; /* addresses in all ranges ahead; of a sealed set */
	uint32_t scope;
	uint16_t family;
};

struct targets {
	struct range *ranges;
	size_t n, cap;
	char **names;
	size_t n_names, cap_names;
	struct addr *singles;
	size_t n_singles, cap_singles;
	uint128_t count;
	bool sealed;
};

struct targets *targets_new(void)
{
	return calloc(1, sizeof(struct targets));
}

struct targets *targets_free(struct targets *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i < t->n_names; i++)
		free(t->names[i]);
	free(t->names);
	free(t->singles);
	free(t->ranges);
	free(t);
	return NULL;
}

static int add_range(struct targets *t, int family, uint32_t scope, uint128_t first, uint128_t last)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 16;
		struct range *ranges;

		if (cap > TARGETS_MAX_RANGES)
			return -E_FULL;
		ranges = reallocarray(t->ranges, cap, sizeof(*ranges));
		if (!ranges)
			return -ENOMEM;
		t->ranges = ranges;
		t->cap = cap;
	}
	t->sealed = false;
	t->ranges[t->n++] = (struct range){
		.first = first, .last = last, .scope = scope, .family = (uint16_t)family
	};
	return 0;
}

int targets_add_prefix(struct targets *t, const struct prefix *p)
{
	struct addr first = prefix_first(p), last = prefix_last(p);

	return add_range(t, first.family, first.scope, addr_number(&first), addr_number(&last));
}

int targets_add_addr(struct targets *t, const struct addr *a)
{
	if (t->n_singles == t->cap_singles) {
		size_t cap = t->cap_singles ? 2 * t->cap_singles : 16;
		struct addr *singles;

		if (cap > TARGETS_MAX_RANGES)
			return -E_FULL;
		singles = reallocarray(t->singles, cap, sizeof(*singles));
		if (!singles)
			return -ENOMEM;
		t->singles = singles;
		t->cap_singles = cap;
	}
	t->singles[t->n_singles++] = *a;
	return add_range(t, a->family, a->scope, addr_number(a), addr_number(a));
}

int targets_add_range(struct targets *t, const struct addr *first, const struct addr *last)
{
	if (!addr_len(first) || first->family != last->family || first->scope != last->scope ||
	    addr_cmp(first, last) > 0)
		return -E_RANGE;
	return add_range(t, first->family, first->scope, addr_number(first), addr_number(last));
}

static int add_name(struct targets *t, const char *name, size_t len)
{
	if (t->n_names == t->cap_names) {
		size_t cap = t->cap_names ? 2 * t->cap_names : 16;
		char **names;

		if (cap > TARGETS_MAX_NAMES)
			return -E_FULL;
		names = reallocarray(t->names, cap, sizeof(*names));
		if (!names)
			return -ENOMEM;
		t->names = names;
		t->cap_names = cap;
	}
	t->names[t->n_names] = strndup(name, len);
	if (!t->names[t->n_names])
		return -ENOMEM;
	t->n_names++;
	return 0;
}

/* Reads up to three digits, 0 to 255, at *@at; moves behind them. */
static int parse_octet(const char *text, size_t len, size_t *at, struct fault *fault)
{
	size_t start = *at;
	int value = 0;

	while (*at < len && text[*at] >= '0' && text[*at] <= '9' && *at - start < 3)
		value = value * 10 + (text[(*at)++] - '0');
	if (*at == start)
		return fault_set(fault, start, "expected a number from 0 to 255 here");
	if (value > 255 || (*at < len && text[*at] >= '0' && text[*at] <= '9'))
		return fault_set(fault, start, "an octet goes from 0 to 255");
	return value;
}

struct octets {
	uint8_t low[4], high[4];
};

/* "10.0.0-3.1-254": each octet a number or a range. */
static int parse_octets(const char *text, size_t len, struct octets *ret_octets,
			struct fault *fault)
{
	struct octets o;
	size_t at = 0;

	for (int i = 0; i < 4; i++) {
		if (i && (at >= len || text[at++] != '.'))
			return fault_set(fault, at, "an IPv4 address has four octets");
		int low = parse_octet(text, len, &at, fault), high = low;

		if (low >= 0 && at < len && text[at] == '-') {
			at++;
			high = parse_octet(text, len, &at, fault);
		}
		if (low < 0 || high < 0)
			return -E_SYNTAX;
		if (high < low)
			return fault_set(fault, at - 1, "the range %d-%d runs backwards", low,
					 high);
		o.low[i] = (uint8_t)low;
		o.high[i] = (uint8_t)high;
	}
	if (at < len)
		return fault_set(fault, at, "unexpected \"%.*s\" behind the address",
				 (int)(len - at), text + at);
	*ret_octets = o;
	return 0;
}

/* Adds every combination: one range for each choice of the octets before the last that varies. */
static int add_octets(struct targets *t, const struct octets *o)
{
	int full = 3; /* from octet @full + 1 on, all are 0-255 */
	uint32_t tail = 0;

	while (full > 0 && o->low[full] == 0 && o->high[full] == 255) {
		tail = tail << 8 | 255;
		full--;
	}
	uint8_t at[4] = { o->low[0], o->low[1], o->low[2], o->low[3] };
	unsigned shift = 8 * (unsigned)(3 - full);

	for (;;) {
		uint32_t base = 0;
		int err, i;

		for (i = 0; i < full; i++)
			base = base << 8 | at[i];
		err = add_range(t, AF_INET, 0, (uint32_t)(base << 8 | o->low[full]) << shift,
				(uint32_t)(base << 8 | o->high[full]) << shift | tail);
		if (err < 0)
			return err;
		for (i = full - 1; i >= 0 && at[i] == o->high[i]; i--)
			at[i] = o->low[i];
		if (i < 0)
			return 0;
		at[i]++;
	}
}

static int add_two_ends(struct targets *t, const struct addr *first, const struct addr *last,
			size_t offset, struct fault *fault)
{
	if (first->family != last->family || first->scope != last->scope)
		return fault_set(fault, offset, "the two ends of a range are of one kind");
	if (addr_cmp(first, last) > 0)
		return fault_set(fault, offset, "the range runs backwards");
	return targets_add_range(t, first, last);
}

/* The end of "2001:db8::1-ff": the last 16 bits of @first replaced. */
static int parse_last_group(const char *text, size_t len, const struct addr *first,
			    struct addr *ret_last)
{
	char digits[5] = "";
	unsigned long group;

	if (!len || len > 4)
		return -E_SYNTAX;
	memcpy(digits, text, len);
	if (strspn(digits, "0123456789abcdefABCDEF") != len)
		return -E_SYNTAX;
	group = strtoul(digits, NULL, 16);
	*ret_last = *first;
	ret_last->bytes[14] = (uint8_t)(group >> 8);
	ret_last->bytes[15] = (uint8_t)group;
	return 0;
}

/* Both families: "A-B" with whole addresses, and IPv6 "A-GROUP". */
static int parse_range(struct targets *t, const char *text, size_t len, const char *dash,
		       struct fault *fault)
{
	size_t first_len = (size_t)(dash - text), last_at = first_len + 1;
	struct addr first, last;
	int err = addr_parse(text, first_len, &first, fault);

	if (err < 0)
		return err;
	if (first.family == AF_INET6 &&
	    !parse_last_group(text + last_at, len - last_at, &first, &last))
		return add_two_ends(t, &first, &last, last_at, fault);
	err = addr_parse(text + last_at, len - last_at, &last, fault);
	if (err < 0) {
		if (fault)
			fault->offset += last_at;
		return err;
	}
	return add_two_ends(t, &first, &last, last_at, fault);
}

/* Only digits, dots, dashes and slashes, and a digit first: meant as IPv4. */
static bool looks_ip4(const char *text, size_t len)
{
	if (text[0] < '0' || text[0] > '9')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!strchr("0123456789.-/", text[i]))
			return false;
	}
	return true;
}

static int parse_ip4(struct targets *t, const char *text, size_t len, struct fault *fault)
{
	const char *dash = memchr(text, '-', len);
	struct octets octets = { 0 };
	struct addr addr;
	int err;

	if (!dash && !addr_parse(text, len, &addr, NULL))
		return targets_add_addr(t, &addr);

	/* 10.0.0.1-10.0.0.9: dots on both sides, more than four octets in all */
	if (dash) {
		size_t n_dots = 0;

		for (size_t i = 0; i < len; i++)
			n_dots += text[i] == '.';
		if (n_dots == 6)
			return parse_range(t, text, len, dash, fault);
	}
	err = parse_octets(text, len, &octets, fault);
	return err < 0 ? err : add_octets(t, &octets);
}

/* Letters, digits, '-', '_' and dots, as a name in the DNS or in /etc/hosts has them. */
static bool looks_name(const char *text, size_t len)
{
	if (len > 253 || text[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		bool alnum = (text[i] >= '0' && text[i] <= '9') ||
			     ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z');

		if (!alnum && text[i] != '-' && text[i] != '_' && text[i] != '.')
			return false;
	}
	return true;
}

/* One target that is not a file. */
static int parse_word(struct targets *t, const char *text, size_t len, struct fault *fault)
{
	const char *slash = memchr(text, '/', len), *colon = memchr(text, ':', len), *dash;
	struct prefix prefix;
	int err;

	if (slash && (colon || looks_ip4(text, len))) {
		err = prefix_parse(text, len, &prefix, fault);
		return err < 0 ? err : targets_add_prefix(t, &prefix);
	}
	if (colon) {
		dash = memrchr(text, '-', len);
		if (dash && !memchr(text, '%', len))
			return parse_range(t, text, len, dash, fault);
		err = addr_parse(text, len, &prefix.addr, fault);
		return err < 0 ? err : targets_add_addr(t, &prefix.addr);
	}
	if (looks_ip4(text, len))
		return parse_ip4(t, text, len, fault);
	if (!looks_name(text, len))
		return fault_set(fault, 0,
				 "\"%.*s\" is neither an address, a prefix, a range nor a name",
				 (int)MIN(len, (size_t)80), text);
	return add_name(t, text, len);
}

static const char separators[] = " \t\r\n,";

/* The words of one line. Faults count from the start of @line. */
static int parse_line(struct targets *t, const char *line, bool files, struct fault *fault);

/*
 * The next line without its end. Unlike getline() it ends where no text would go on: /dev/zero is
 * one line that fills the memory. Return: 1, 0 at the end, -E_SYNTAX.
 */
static int read_line(FILE *file, char line[static LINE_MAX_BYTES + 1])
{
	size_t len = 0;
	int c;

	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		if (!c || len == LINE_MAX_BYTES)
			return -E_SYNTAX;
		line[len++] = (char)c;
	}
	line[len] = '\0';
	return c != EOF || len;
}

static int parse_stream(struct targets *t, FILE *file, const char *name, struct fault *fault)
{
	char *line = malloc(LINE_MAX_BYTES + 1);
	size_t number = 0;
	int err = line ? 0 : -ENOMEM, more;

	while (!err && (more = read_line(file, line))) {
		struct fault inner = { 0 };

		number++;
		if (more < 0) {
			err = fault_set(fault, 0, "%s:%zu: not a line of targets", name, number);
			break;
		}
		line[strcspn(line, "#")] = '\0';
		err = parse_line(t, line, false, &inner);
		if (err == -E_SYNTAX)
			fault_set(fault, 0, "%s:%zu: %s", name, number, inner.text);
	}
	if (!err && ferror(file))
		err = fault_set(fault, 0, "cannot read %s: %s", name, err_text(errno));
	free(line);
	return err;
}

static int parse_file(struct targets *t, const char *text, size_t len, struct fault *fault)
{
	char path[4096];
	FILE *file;
	int err;

	if (len == 1 && *text == '-')
		return parse_stream(t, stdin, "standard input", fault);
	if (len < 2 || len > sizeof(path))
		return fault_set(fault, 0, "expected a file's name behind @");
	memcpy(path, text + 1, len - 1);
	path[len - 1] = '\0';
	file = fopen(path, "re");
	if (!file)
		return fault_set(fault, 0, "cannot read %s: %s", path, err_text(errno));
	err = parse_stream(t, file, path, fault);
	fclose(file);
	return err;
}

static int parse_line(struct targets *t, const char *line, bool files, struct fault *fault)
{
	const char *at = line + strspn(line, separators);

	while (*at) {
		size_t len = strcspn(at, separators);
		bool file = *at == '@' || (len == 1 && *at == '-');
		int err;

		if (file && !files)
			err = fault_set(fault, 0, "a file of targets cannot name another");
		else if (file)
			err = parse_file(t, at, len, fault);
		else
			err = parse_word(t, at, len, fault);
		if (err < 0) {
			if (fault && err == -E_SYNTAX)
				fault->offset += (size_t)(at - line);
			return err;
		}
		at += len;
		at += strspn(at, separators);
	}
	return 0;
}

int targets_parse(struct targets *t, const char *text, struct fault *fault)
{
	if (!text[strspn(text, separators)])
		return fault_set(fault, 0, "expected a target, for instance 10.0.0.0/24");
	return parse_line(t, text, true, fault);
}

size_t targets_n_single(const struct targets *t)
{
	return t->n_singles;
}

struct addr targets_single(const struct targets *t, size_t i)
{
	return t->singles[i];
}

size_t targets_n_names(const struct targets *t)
{
	return t->n_names;
}

const char *targets_name(const struct targets *t, size_t i)
{
	return t->names[i];
}

/* IPv4 first, then by scope, then by address. */
static int compare_ranges(const void *a_, const void *b_)
{
	const struct range *a = a_, *b = b_;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->scope != b->scope)
		return a->scope < b->scope ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return (a->last > b->last) - (a->last < b->last);
}

static bool same_space(const struct range *a, const struct range *b)
{
	return a->family == b->family && a->scope == b->scope;
}

/* Counts the addresses ahead of each range. */
static void count_up(struct targets *t)
{
	t->count = 0;
	for (size_t i = 0; i < t->n; i++) {
		uint128_t size = t->ranges[i].last - t->ranges[i].first + 1;

		t->ranges[i].before = t->count;
		/* ::/0 has 2^128 addresses, one more than can be counted. */
		if (!size || __builtin_add_overflow(t->count, size, &t->count))
			t->count = ~(uint128_t)0;
	}
}

int targets_seal(struct targets *t)
{
	size_t n = 0;

	if (t->sealed)
		return 0;
	if (t->n)
		qsort(t->ranges, t->n, sizeof(*t->ranges), compare_ranges);
	for (size_t i = 0; i < t->n; i++) {
		struct range *last = n ? &t->ranges[n - 1] : NULL;

		if (last && same_space(last, &t->ranges[i]) &&
		    (last->last == ~(uint128_t)0 || t->ranges[i].first <= last->last + 1))
			last->last = MAX(last->last, t->ranges[i].last);
		else
			t->ranges[n++] = t->ranges[i];
	}
	t->n = n;
	count_up(t);
	t->sealed = true;
	return 0;
}

/* Adds to @t what is left of @range without the ranges of @without from *@at on. */
static int add_rest(struct targets *t, struct range range, const struct targets *without,
		    size_t *at)
{
	const struct range *cut;
	int err;

	while (*at < without->n) {
		cut = &without->ranges[*at];
		if (same_space(cut, &range) ? cut->last >= range.first
					    : compare_ranges(cut, &range) > 0)
			break;
		++*at;
	}
	for (size_t i = *at; i < without->n; i++) {
		cut = &without->ranges[i];
		if (!same_space(cut, &range) || cut->first > range.last)
			break;
		if (cut->first > range.first) {
			err = add_range(t, range.family, range.scope, range.first, cut->first - 1);
			if (err < 0)
				return err;
		}
		if (cut->last >= range.last)
			return 0;
		range.first = cut->last + 1;
	}
	return add_range(t, range.family, range.scope, range.first, range.last);
}

int targets_exclude(struct targets *t, struct targets *without)
{
	struct targets rest = { 0 };
	size_t at = 0;
	int err;

	err = targets_seal(t);
	if (!err)
		err = targets_seal(without);
	for (size_t i = 0; i < t->n && !err; i++)
		err = add_rest(&rest, t->ranges[i], without, &at);
	if (err < 0) {
		free(rest.ranges);
		return err;
	}
	free(t->ranges);
	t->ranges = rest.ranges;
	t->n = rest.n;
	t->cap = rest.cap;
	count_up(t);
	t->sealed = true;
	return 0;
}

uint128_t targets_count(const struct targets *t)
{
	return t->count;
}

bool targets_global_exceed(const struct targets *t, uint64_t limit)
{
	uint128_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct range *range = &t->ranges[i];
		uint128_t at = range->first, end;

		/* From block to block: a special prefix as a whole, else 256 addresses. */
		for (;; at = end + 1) {
			struct addr a = addr_from_number(range->family, at);
			unsigned len = addr_special_len(&a);
			unsigned host_bits = addr_bits(&a) - (len ? len : addr_bits(&a) - 8);

			end = at | (((uint128_t)1 << host_bits) - 1);
			end = MIN(end, range->last);
			if (!len)
				n += end - at + 1;
			if (n > limit)
				return true;
			if (end == range->last)
				break;
		}
	}
	return false;
}

struct addr targets_get(const struct targets *t, uint128_t i)
{
	size_t low = 0, high = t->n;
	struct addr a;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (t->ranges[middle].before <= i)
			low = middle;
		else
			high = middle;
	}
	a = addr_from_number(t->ranges[low].family,
			     t->ranges[low].first + (i - t->ranges[low].before));
	a.scope = t->ranges[low].scope;
	return a;
}

/* The range that has @a; NULL: none has. */
static const struct range *range_of(const struct targets *t, const struct addr *a)
{
	struct range key = { .first = addr_number(a), .scope = a->scope, .family = a->family };
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct range *range = &t->ranges[middle];

		if (same_space(range, &key) && range->first <= key.first) {
			if (key.first <= range->last)
				return range;
			low = middle + 1;
		} else if (compare_ranges(range, &key) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

bool targets_contains(const struct targets *t, const struct addr *a)
{
	return range_of(t, a);
}

bool targets_index(const struct targets *t, const struct addr *a, uint128_t *ret_index)
{
	const struct range *range = range_of(t, a);

	if (!range)
		return false;
	*ret_index = range->before + (addr_number(a) - range->first);
	return true;
}

size_t targets_n_ranges(const struct targets *t)
{
	return t->n;
}

void targets_range(const struct targets *t, size_t i, struct addr *ret_first, struct addr *ret_last)
{
	const struct range *range = &t->ranges[i];

	*ret_first = addr_from_number(range->family, range->first);
	*ret_last = addr_from_number(range->family, range->last);
	ret_first->scope = ret_last->scope = range->scope;
}
