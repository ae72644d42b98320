#include "io/capture_rotation.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NAME_BYTES (NAME_MAX + 1)

/* Digits at the start of @text. Return: how many, 0 also when the value exceeds @max. */
static size_t read_number(const char *text, size_t len, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;
	size_t n = 0;

	for (; n < len && text[n] >= '0' && text[n] <= '9'; n++) {
		unsigned digit = (unsigned)(text[n] - '0');

		if (value > (max - digit) / 10)
			return 0;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return n;
}

/* A whole number from 1 to @max and nothing behind it. */
static int read_count(const char *text, size_t len, uint64_t max, uint64_t *ret_value,
		      struct fault *fault)
{
	uint64_t value = 0;

	if (read_number(text, len, max, &value) != len || !len || !value)
		return fault_set(fault, 0, "'%.*s' is not a number from 1 to %llu", (int)len, text,
				 (unsigned long long)max);
	*ret_value = value;
	return 0;
}

static int read_size(const char *text, size_t len, uint64_t *ret_bytes, struct fault *fault)
{
	static const char letters[] = "kmg";
	uint64_t unit = 1000000, value = 0;
	size_t n = read_number(text, len, UINT32_MAX, &value);

	if (n && n + 1 == len) {
		const char *at = strchr(letters, text[n] | 0x20);

		if (at)
			unit = 1ULL << (10 * (at - letters + 1));
		n += at != NULL;
	}
	if (n != len || !value)
		return fault_set(fault, n == len ? 0 : n,
				 "'%.*s' is not a file's size: millions of bytes, or a number with "
				 "k, M or G for KiB, MiB or GiB",
				 (int)len, text);
	*ret_bytes = value * unit;
	return 0;
}

/* "90", "0.5": at most nine decimals, and 136 years. */
static int read_seconds(const char *text, size_t len, int64_t *ret_ns, struct fault *fault)
{
	uint64_t whole = 0, part = 0, unit = NS_PER_S;
	size_t n = read_number(text, len, UINT32_MAX, &whole), decimals = 0;

	if (n && n + 1 < len && text[n] == '.') {
		decimals = read_number(text + n + 1, len - n - 1, NS_PER_S - 1, &part);
		n = decimals && decimals <= 9 ? n + 1 + decimals : n;
	}
	for (; decimals && decimals <= 9; decimals--)
		unit /= 10;
	if (!n || n != len || whole + part == 0)
		return fault_set(fault, 0, "'%.*s' is not a number of seconds above 0", (int)len,
				 text);
	*ret_ns = (int64_t)(whole * NS_PER_S + part * unit);
	return 0;
}

static int read_criterion(struct capture_rotation *r, const char *text, size_t len,
			  struct fault *fault)
{
	const char *colon = memchr(text, ':', len);
	size_t word = colon ? (size_t)(colon - text) : 0, rest = colon ? len - word - 1 : 0;
	uint64_t number;
	int err;

#define IS(name) (word == sizeof(name) - 1 && !memcmp(text, name, word))
	if (IS("duration")) {
		err = read_seconds(colon + 1, rest, &r->period_ns, fault);
	} else if (IS("interval")) {
		err = read_seconds(colon + 1, rest, &r->interval_ns, fault);
	} else if (IS("packets")) {
		err = read_count(colon + 1, rest, UINT32_MAX, &r->max_packets, fault);
	} else if (IS("filesize")) {
		err = read_count(colon + 1, rest, UINT32_MAX, &number, fault);
		if (!err)
			r->max_bytes = number * 1000;
	} else if (IS("files")) {
		err = read_count(colon + 1, rest, CAPTURE_FILES_MAX, &number, fault);
		if (!err)
			r->n_files = (uint32_t)number;
	} else {
		return fault_set(fault, 0,
				 "'%.*s' is none of duration:SECONDS, interval:SECONDS, "
				 "filesize:KB, packets:N and files:N",
				 (int)len, text);
	}
#undef IS
	if (err < 0 && fault)
		fault->offset += word + 1;
	r->dated = true;
	return err;
}

int capture_rotation_parse(struct capture_rotation *r, char letter, const char *text, size_t len,
			   struct fault *fault)
{
	uint64_t number;
	int err;

	switch (letter) {
	case 'C':
		return read_size(text, len, &r->max_bytes, fault);
	case 'G':
		err = read_count(text, len, UINT32_MAX, &number, fault);
		if (!err)
			r->period_ns = (int64_t)(number * NS_PER_S);
		return err;
	case 'W':
		err = read_count(text, len, CAPTURE_FILES_MAX, &number, fault);
		if (!err)
			r->n_files = (uint32_t)number;
		return err;
	default:
		return read_criterion(r, text, len, fault);
	}
}

int capture_rotation_check(const struct capture_rotation *r, const char *path, struct fault *fault)
{
	const char *slash = strrchr(path, '/');
	const char *percent = strchr(path, '%');

	if (!capture_rotation_any(r)) {
		if (!r->n_files)
			return 0;
		return fault_set(fault, 0,
				 "a number of files needs a size or a time after which the next "
				 "one begins");
	}
	if (!strcmp(path, "-"))
		return fault_set(fault, 0, "standard output cannot be several files");
	if (!strlen(slash ? slash + 1 : path))
		return fault_set(fault, 0, "'%s' is a folder: several files need a name", path);
	if (r->period_ns && !r->dated && percent && slash && percent < slash)
		return fault_set(fault, 0,
				 "'%s': only the file's name can hold a time, not the "
				 "folder's",
				 path);
	return 0;
}

int capture_series_init(struct capture_series *s, const struct capture_rotation *rotation,
			const char *name, int64_t now_ns)
{
	*s = (struct capture_series){
		.rotation = *rotation,
		.name = name,
		.opened_ns = now_ns,
		.period_from = now_ns,
		.number = rotation->dated,
	};
	if (!rotation->dated || !rotation->n_files)
		return 0;
	s->opened = calloc(rotation->n_files, sizeof(*s->opened));
	if (!s->opened)
		return -ENOMEM;
	s->opened[s->number % rotation->n_files] = now_ns;
	return 0;
}

void capture_series_done(struct capture_series *s)
{
	free(s->opened);
	s->opened = NULL;
}

static bool time_is_over(const struct capture_series *s, int64_t now_ns)
{
	const struct capture_rotation *r = &s->rotation;

	if (now_ns <= s->period_from) /* also when the clock was set back */
		return false;
	return (r->period_ns && now_ns - s->period_from >= r->period_ns) ||
	       (r->interval_ns && now_ns / r->interval_ns > s->period_from / r->interval_ns);
}

static bool file_is_full(const struct capture_rotation *r, uint64_t bytes, uint64_t packets)
{
	if (r->max_packets && packets >= r->max_packets)
		return true;
	return r->max_bytes && (bytes > r->max_bytes || (r->dated && bytes == r->max_bytes));
}

enum capture_turn capture_series_turn(struct capture_series *s, int64_t now_ns, uint64_t bytes,
				      uint64_t packets)
{
	const struct capture_rotation *r = &s->rotation;

	if (time_is_over(s, now_ns)) {
		s->n_periods++;
		if (!r->dated && !r->max_bytes && r->n_files && s->n_periods >= r->n_files)
			return CAPTURE_TURN_STOP;
		s->period_from = now_ns;
		s->number = r->dated ? s->number + 1 : 0;
	} else if (file_is_full(r, bytes, packets)) {
		if (r->dated)
			s->period_from = now_ns;
		s->number++;
		if (!r->dated && r->n_files)
			s->number %= r->n_files;
	} else {
		return CAPTURE_TURN_NONE;
	}
	s->opened_ns = now_ns;
	if (r->dated && r->n_files) {
		s->replaced_ns = s->opened[s->number % r->n_files];
		s->opened[s->number % r->n_files] = now_ns;
	}
	return CAPTURE_TURN_NEXT;
}

static int append_time(struct buf *b, const char *format, int64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / (int64_t)NS_PER_S);
	char text[NAME_BYTES];
	struct tm tm;
	size_t n;

	if (!localtime_r(&seconds, &tm))
		return -E_RANGE;
	n = strftime(text, sizeof(text), format, &tm);
	if (!n || memchr(text, '/', n))
		return -E_SYNTAX;
	buf_bytes(b, text, n);
	return 0;
}

/* name_00001_20240131235959.ext: the extension begins at the last dot. */
static int append_dated(const struct capture_series *s, uint32_t number, int64_t opened_ns,
			struct buf *b)
{
	const char *dot = strrchr(s->name, '.');
	size_t stem = dot ? (size_t)(dot - s->name) : strlen(s->name);
	int err;

	buf_bytes(b, s->name, stem);
	buf_char(b, '_');
	buf_u64_pad(b, number, 5);
	buf_char(b, '_');
	err = append_time(b, "%Y%m%d%H%M%S", opened_ns);
	if (dot)
		buf_str(b, dot);
	return err;
}

static unsigned digits_of(uint32_t n)
{
	unsigned digits = 1;

	for (; n > 9; n /= 10)
		digits++;
	return digits;
}

int capture_series_name(const struct capture_series *s, struct buf *ret_name)
{
	const struct capture_rotation *r = &s->rotation;
	int err = 0;

	buf_reset(ret_name);
	if (r->dated) {
		err = append_dated(s, s->number, s->opened_ns, ret_name);
	} else {
		if (r->period_ns)
			err = append_time(ret_name, s->name, s->period_from);
		else
			buf_str(ret_name, s->name);
		if (r->max_bytes && r->n_files)
			buf_u64_pad(ret_name, s->number, digits_of(r->n_files - 1));
		else if (s->number)
			buf_u64(ret_name, s->number);
	}
	if (err < 0)
		return err;
	return ret_name->err || ret_name->len > NAME_MAX ? -ENAMETOOLONG : 0;
}

bool capture_series_replaced(const struct capture_series *s, struct buf *ret_name)
{
	buf_reset(ret_name);
	if (!s->opened || s->number <= s->rotation.n_files)
		return false;
	return !append_dated(s, s->number - s->rotation.n_files, s->replaced_ns, ret_name) &&
	       !ret_name->err;
}
