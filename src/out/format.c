#include "out/format.h"

#include <ctype.h>
#include <math.h>
#include <time.h>

#include "base/macros.h"

#define CELL_MAX 65536

bool format_is_number(enum out_kind kind)
{
	switch (kind) {
	case OUT_UINT:
	case OUT_INT:
	case OUT_REAL:
	case OUT_MS:
	case OUT_SECONDS:
	case OUT_BYTES:
		return true;
	default:
		return false;
	}
}

/* RFC 3339 in UTC with microseconds. */
static void put_time_utc(struct buf *b, int64_t ns)
{
	int64_t seconds = ns / (int64_t)NS_PER_S, rest = ns % (int64_t)NS_PER_S;
	char text[32];
	struct tm tm;

	if (rest < 0) {
		rest += NS_PER_S;
		seconds--;
	}
	gmtime_r(&(time_t){ seconds }, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_str(b, text);
	buf_char(b, '.');
	buf_u64_pad(b, (uint64_t)rest / NS_PER_US, 6);
	buf_char(b, 'Z');
}

/* The time of another day than today would mislead without its date. */
static void put_time_local(struct buf *b, int64_t ns)
{
	time_t then = ns / (int64_t)NS_PER_S, now = time(NULL);
	char text[24];
	struct tm tm, today;

	localtime_r(&then, &tm);
	localtime_r(&now, &today);
	strftime(text, sizeof(text),
		 tm.tm_year != today.tm_year   ? "%Y-%m-%d %H:%M"
		 : tm.tm_yday != today.tm_yday ? "%m-%d %H:%M"
					       : "%H:%M:%S",
		 &tm);
	buf_str(b, text);
}

/* The kinds whose text is the same in JSON (quoted there) and CSV. */
static void put_plain(struct buf *b, enum out_kind kind, const struct out_value *v)
{
	switch (kind) {
	case OUT_TEXT:
		buf_bytes(b, v->text, v->len);
		break;
	case OUT_UINT:
	case OUT_BYTES:
		buf_u64(b, v->u);
		break;
	case OUT_INT:
		buf_i64(b, v->i);
		break;
	case OUT_REAL:
		buf_f64(b, v->f);
		break;
	case OUT_BOOL:
		buf_str(b, v->u ? "true" : "false");
		break;
	case OUT_ADDR:
		buf_addr(b, &v->addr);
		break;
	case OUT_PREFIX:
		buf_prefix(b, &v->prefix);
		break;
	case OUT_ENDPOINT:
		buf_endpoint(b, &v->endpoint);
		break;
	case OUT_MAC:
		buf_mac(b, v->mac.bytes);
		break;
	case OUT_MS:
		buf_fixed(b, v->i, 6);
		break;
	case OUT_SECONDS:
		buf_fixed(b, v->i, 9);
		break;
	case OUT_TIME:
		put_time_utc(b, v->i);
		break;
	}
}

static void json_one(struct buf *b, enum out_kind kind, const struct out_value *v)
{
	bool quoted = !format_is_number(kind) && kind != OUT_BOOL;

	if (!v->set) {
		buf_lit(b, "null");
	} else if (kind == OUT_TEXT) {
		buf_json(b, v->text, v->len);
	} else {
		if (quoted)
			buf_char(b, '"');
		put_plain(b, kind, v);
		if (quoted)
			buf_char(b, '"');
	}
}

void format_json(struct buf *b, const struct out_column *column, const struct out_value *v)
{
	if (!column->repeated || !v->set) {
		json_one(b, column->kind, v);
		return;
	}
	buf_char(b, '[');
	for (uint32_t i = 0; i < v->len; i++) {
		if (i)
			buf_char(b, ',');
		json_one(b, column->kind, &v->list[i]);
	}
	buf_char(b, ']');
}

/* Writes @text as one CSV field. */
static void csv_quote(struct buf *b, const char *text, size_t len)
{
	bool quotes = false;

	for (size_t i = 0; i < len; i++)
		quotes |= text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
	if (!quotes) {
		buf_bytes(b, text, len);
		return;
	}
	buf_char(b, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			buf_char(b, '"');
		buf_char(b, text[i]);
	}
	buf_char(b, '"');
}

void format_csv(struct buf *b, const struct out_column *column, const struct out_value *v)
{
	struct buf cell = buf_of(CELL_MAX);

	if (!v->set)
		return;
	if (!column->repeated) {
		put_plain(&cell, column->kind, v);
	} else {
		for (uint32_t i = 0; i < v->len; i++) {
			if (i)
				buf_char(&cell, ' ');
			put_plain(&cell, column->kind, &v->list[i]);
		}
	}
	csv_quote(b, cell.data, cell.len);
	buf_done(&cell);
}

/* 1536 as "1.5 KiB". */
static void put_bytes(struct buf *b, uint64_t v)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double scaled = (double)v;
	size_t unit = 0;

	while (scaled >= 999.5 && unit + 1 < ARRAY_LEN(units)) {
		scaled /= 1024;
		unit++;
	}
	buf_printf(b, unit && scaled < 99.95 ? "%.1f %s" : "%.0f %s", scaled, units[unit]);
}

static void table_one(struct buf *b, enum out_kind kind, const struct out_value *v)
{
	if (!v->set) {
		buf_char(b, '-');
		return;
	}
	switch (kind) {
	case OUT_TEXT:
		buf_safe(b, v->text, v->len);
		break;
	case OUT_REAL:
		buf_printf(b, "%.4g", v->f);
		break;
	case OUT_BOOL:
		buf_str(b, v->u ? "yes" : "no");
		break;
	case OUT_MS:
		buf_fixed(b, (v->i + (v->i < 0 ? -500 : 500)) / 1000, 3);
		buf_lit(b, " ms");
		break;
	case OUT_SECONDS:
		buf_fixed(b, (v->i + (v->i < 0 ? -500000 : 500000)) / 1000000, 3);
		buf_lit(b, " s");
		break;
	case OUT_TIME:
		put_time_local(b, v->i);
		break;
	case OUT_BYTES:
		put_bytes(b, v->u);
		break;
	default:
		put_plain(b, kind, v);
	}
}

void format_table(struct buf *b, const struct out_column *column, const struct out_value *v)
{
	if (!column->repeated || !v->set) {
		table_one(b, column->kind, v);
		return;
	}
	if (!v->len)
		buf_char(b, '-');
	for (uint32_t i = 0; i < v->len; i++) {
		if (i)
			buf_char(b, ' ');
		table_one(b, column->kind, &v->list[i]);
	}
}

/* Length of @name without a unit at its end that the values carry themselves. */
static size_t length_without_unit(const char *name, enum out_kind kind)
{
	const char *unit = kind == OUT_MS ? "_ms" : kind == OUT_SECONDS ? "_s" : NULL;
	size_t len = strlen(name), unit_len = unit ? strlen(unit) : 0;

	if (unit && len > unit_len && !strcmp(name + len - unit_len, unit))
		return len - unit_len;
	return len;
}

void format_title(struct buf *b, const struct out_column *column)
{
	size_t len = length_without_unit(column->name, column->kind);

	if (column->title) {
		buf_str(b, column->title);
		return;
	}
	for (size_t i = 0; i < len; i++)
		buf_char(b, column->name[i] == '_' ? ' ' : (char)toupper(column->name[i]));
}
