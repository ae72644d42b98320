/* The options that mean the same everywhere, and how their arguments are read. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

#define COMMON(member) offsetof(struct common, member)
#define DAY_NS	       (86400 * NS_PER_S)

static const struct {
	uint32_t bit;
	struct verb_option option;
} common_options[] = {
	{ COMMON_IFACE,
	  { 'i', "interface", "IFACE", "use this network interface", OPTION_TEXT, COMMON(iface),
	    .completes = COMPLETE_IFACE } },
	{ COMMON_FAMILY, { '4', "ipv4", NULL, "IPv4 only", OPTION_FLAG, COMMON(ip4) } },
	{ COMMON_FAMILY, { '6', "ipv6", NULL, "IPv6 only", OPTION_FLAG, COMMON(ip6) } },
	{ COMMON_NAMES,
	  { 'n', "numeric", NULL, "do not look up names of addresses", OPTION_FLAG,
	    COMMON(no_names) } },
	{ COMMON_EXCLUDE,
	  { 0, "exclude", "TARGETS", "leave these out", OPTION_TEXTS, COMMON(exclude) } },
	{ COMMON_EXCLUDE,
	  { 0, "authorized", NULL,
	    "I may probe these: needed for more than 256 public addresses in one run", OPTION_FLAG,
	    COMMON(authorized) } },
	{ COMMON_COUNT,
	  { 'c', "count", "N", "stop after so many", OPTION_UINT, COMMON(count), 1, 1ull << 48 } },
	{ COMMON_TIMEOUT,
	  { 'W', "timeout", "SECONDS", "how long to wait for an answer", OPTION_SECONDS,
	    COMMON(timeout_ns), NS_PER_MS, 3600 * NS_PER_S } },
	{ COMMON_RATE,
	  { 0, "rate", "N", "at most so many packets a second: 1000, 50k, 1M or max", OPTION_RATE,
	    COMMON(rate), 1, UINT64_MAX } },
	{ COMMON_RETRIES,
	  { 0, "retries", "N", "ask a silent target so many times more", OPTION_UINT,
	    COMMON(retries), 0, 100 } },
	{ COMMON_EVERY,
	  { 0, "every", "SECONDS", "repeat at this interval", OPTION_SECONDS, COMMON(every_ns),
	    10 * NS_PER_MS, DAY_NS } },
	{ COMMON_FOR,
	  { 0, "for", "DURATION", "stop after this time: 30, 10m, 2h", OPTION_SECONDS,
	    COMMON(for_ns), NS_PER_MS, 36500 * DAY_NS } },
	{ COMMON_OUTPUT,
	  { 0, "json", NULL, "results as one JSON object a line", OPTION_FLAG, COMMON(json) } },
	{ COMMON_OUTPUT, { 0, "csv", NULL, "results as CSV", OPTION_FLAG, COMMON(csv) } },
	{ COMMON_OUTPUT,
	  { 0, "fields", "A,B", "only these fields of the results, in this order", OPTION_TEXT,
	    COMMON(fields) } },
	{ COMMON_OUTPUT,
	  { 'o', "output", "FILE", "write the results to FILE", OPTION_TEXT, COMMON(output),
	    .completes = COMPLETE_FILE } },
	{ COMMON_OUTPUT,
	  { 'q', "quiet", NULL, "no remarks and no progress line", OPTION_FLAG, COMMON(quiet) } },
	{ COMMON_OUTPUT,
	  { 'v', "verbose", NULL, "say more; twice: still more", OPTION_COUNTER,
	    COMMON(verbose) } },
};

static const struct verb_option help_option = { 'h', "help", NULL, "this help", OPTION_FLAG, 0 };

void option_set_of(const struct verb *verb, struct option_set *ret_set)
{
	struct option_set *set = ret_set;

	*set = (struct option_set){ 0 };
	for (size_t i = 0; i < verb->n_options && set->n + 1 < COMMAND_MAX_OPTIONS; i++)
		set->items[set->n++] = &verb->options[i];
	for (size_t i = 0; i < ARRAY_LEN(common_options); i++) {
		if (!(verb->common & common_options[i].bit) || set->n + 1 >= COMMAND_MAX_OPTIONS)
			continue;
		set->common[set->n] = true;
		set->items[set->n++] = &common_options[i].option;
	}
	set->items[set->n++] = &help_option;
}

uint32_t option_common_bit(const struct verb_option *option)
{
	for (size_t i = 0; i < ARRAY_LEN(common_options); i++) {
		if (option == &common_options[i].option)
			return common_options[i].bit;
	}
	return 0;
}

static int range_fault(const struct verb_option *option, const char *arg, struct fault *fault)
{
	uint64_t unit = option->kind == OPTION_SECONDS ? NS_PER_S : 1;
	const char *what = option->kind == OPTION_SECONDS ? " seconds" : "";

	if (option->max == UINT64_MAX)
		fault_set(fault, 0, "%s is too small: at least %g%s", arg,
			  (double)option->min / (double)unit, what);
	else
		fault_set(fault, 0, "%s is out of range: %.15g to %.15g%s", arg,
			  (double)option->min / (double)unit, (double)option->max / (double)unit,
			  what);
	return -E_RANGE;
}

/* A decimal number, perhaps with a fraction: 0 and the rest of the text, or -E_SYNTAX. */
static int parse_number(const char *arg, double *ret_value, const char **ret_rest)
{
	char *end;

	/* strtod() takes more than we promise: hexadecimal, "inf", blanks, signs. */
	if ((*arg < '0' || *arg > '9') && *arg != '.')
		return -E_SYNTAX;
	if (arg[0] == '0' && (arg[1] | 0x20) == 'x')
		return -E_SYNTAX;
	*ret_value = strtod(arg, &end);
	*ret_rest = end;
	return end == arg || !isfinite(*ret_value) ? -E_SYNTAX : 0;
}

struct suffix {
	const char *text;
	double factor;
};

/* @arg as a number with one of the suffixes, in units. -E_RANGE above 2^63. */
static int parse_scaled(const char *arg, const struct suffix *suffixes, size_t n,
			uint64_t *ret_value)
{
	const char *rest;
	double value;

	if (parse_number(arg, &value, &rest) < 0)
		return -E_SYNTAX;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rest, suffixes[i].text))
			continue;
		value *= suffixes[i].factor;
		if (value >= 9.2e18)
			return -E_RANGE;
		*ret_value = (uint64_t)llround(value);
		return 0;
	}
	return -E_SYNTAX;
}

static int parse_uint(const char *arg, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!*arg)
		return -E_SYNTAX;
	for (; *arg; arg++) {
		if (*arg < '0' || *arg > '9')
			return -E_SYNTAX;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*arg - '0'), &value))
			return -E_RANGE;
	}
	*ret_value = value;
	return 0;
}

static int parse_value(const struct verb_option *option, const char *arg, uint64_t *ret_value)
{
	static const struct suffix durations[] = {
		{ "", 1e9 },   { "s", 1e9 },	{ "ms", 1e6 },	 { "us", 1e3 },
		{ "m", 60e9 }, { "min", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 },
	};
	static const struct suffix rates[] = {
		{ "", 1 }, { "k", 1e3 }, { "K", 1e3 }, { "M", 1e6 }
	};

	if (option->kind == OPTION_SECONDS)
		return parse_scaled(arg, durations, ARRAY_LEN(durations), ret_value);
	if (option->kind == OPTION_UINT)
		return parse_uint(arg, ret_value);
	if (!strcmp(arg, "max")) {
		*ret_value = UINT64_MAX;
		return 0;
	}
	return parse_scaled(arg, rates, ARRAY_LEN(rates), ret_value);
}

static int store_number(const struct verb_option *option, uint64_t *place, const char *arg,
			struct fault *fault)
{
	static const char *const expected[] = {
		[OPTION_UINT] = "a whole number",
		[OPTION_SECONDS] = "seconds, or a time like 500ms, 10m, 2h",
		[OPTION_RATE] = "a rate like 1000, 50k, 1M or max",
	};
	uint64_t value;
	int err = parse_value(option, arg, &value);

	if (err == -E_SYNTAX)
		return fault_set(fault, 0, "\"%s\" is not %s", arg, expected[option->kind]);
	if (err < 0 || (option->max && (value < option->min || value > option->max)))
		return range_fault(option, arg, fault);
	*place = value;
	return 0;
}

static int store_text(struct texts *texts, const char *arg)
{
	const char **items = reallocarray(texts->items, texts->n + 1, sizeof(*items));

	if (!items)
		return -E_FULL;
	items[texts->n++] = arg;
	texts->items = items;
	return 0;
}

int option_store(const struct verb_option *option, void *base, const char *arg, struct fault *fault)
{
	void *place = (char *)base + option->offset;

	switch (option->kind) {
	case OPTION_FLAG:
		*(bool *)place = true;
		return 0;
	case OPTION_COUNTER:
		++*(unsigned *)place;
		return 0;
	case OPTION_TEXT:
		*(const char **)place = arg;
		return 0;
	case OPTION_TEXTS:
		return store_text(place, arg);
	default:
		return store_number(option, place, arg, fault);
	}
}

void option_usage(struct buf *b, const struct verb_option *option)
{
	if (option->letter)
		buf_printf(b, "-%c", option->letter);
	else if (option->one_dash)
		buf_printf(b, "-%s", option->name);
	else if (option->name)
		buf_lit(b, "   ");
	if (option->letter && option->name)
		buf_lit(b, ",");
	if (option->name && !option->one_dash)
		buf_printf(b, " --%s", option->name);
	if (option->arg)
		buf_printf(b, " %s", option->arg);
}
