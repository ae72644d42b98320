/* The API's answers (docs/api.md). */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "web/private.h"

#define HOUR_MS	    3600000LL
#define MAX_TIME_MS 7258118400000LL /* the year 2200 */
#define MAX_ID	    INT32_MAX
#define MAX_EVENT   (1LL << 52)

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

unsigned api_error(struct request *r, unsigned status, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_reset(&r->out);
	buf_lit(&r->out, "{\"error\":");
	json_text(&r->out, text);
	buf_lit(&r->out, "}\n");
	return status;
}

/* The store could not: what it says is for the administrator, not for a stranger. */
static unsigned store_error_status(struct request *r, int err)
{
	if (err == -E_NOT_FOUND)
		return api_error(r, 404, "there is no such host; ask /api/v1/hosts");
	if (err == -E_RANGE)
		return api_error(r, 400, "the span is empty or too long: from must be before to");
	return api_error(r, 500, "the history cannot be read: %s", err_text(err));
}

struct reading {
	const struct param *table;
	size_t n;
	void *values;
	struct fault fault;
	int err;
};

static enum MHD_Result read_one(void *user, enum MHD_ValueKind kind, const char *name,
				size_t name_len, const char *value, size_t value_len)
{
	struct reading *reading = user;

	(void)kind;
	reading->err = param_read(reading->table, reading->n, name, name_len, value, value_len,
				  reading->values, &reading->fault);
	return reading->err < 0 ? MHD_NO : MHD_YES;
}

unsigned api_params(struct request *r, const struct param *table, size_t n, void *values)
{
	struct reading reading = { table, n, values };

	MHD_get_connection_values_n(r->connection, MHD_GET_ARGUMENT_KIND, read_one, &reading);
	return reading.err < 0 ? api_error(r, 400, "%s", reading.fault.text) : 0;
}

unsigned api_summary(struct request *r)
{
	struct monitor *m = r->server->monitor;
	struct monitor_summary s;
	struct buf *b = &r->out;
	unsigned status = api_params(r, NULL, 0, NULL);

	if (status)
		return status;
	monitor_summary(m, &s);
	buf_lit(b, "{\"now\":");
	buf_i64(b, s.now_ms);
	buf_lit(b, ",\"monitor\":");
	json_text(b, s.name);
	buf_lit(b, ",\"version\":\"" SONDE_VERSION "\",\"started\":");
	json_time(b, s.started_ms);
	buf_lit(b, ",\"interval_s\":");
	buf_f64(b, s.interval_s);
	buf_lit(b, ",\"self\":");
	json_text(b, s.self_up ? "up" : "down");
	buf_lit(b, ",\"counts\":");
	json_counts(b, &s);
	buf_lit(b, ",\"networks\":[");
	for (unsigned i = 0; i < s.n_networks; i++) {
		struct monitor_network net = monitor_network(m, i);

		if (i)
			buf_char(b, ',');
		buf_lit(b, "{\"name\":");
		json_text(b, net.name);
		buf_lit(b, ",\"prefix\":\"");
		buf_prefix(b, &net.prefix);
		buf_lit(b, "\",\"iface\":");
		json_text(b, net.iface);
		buf_char(b, '}');
	}
	buf_lit(b, "],\"last_event\":");
	buf_i64(b, s.last_event);
	buf_lit(b, "}\n");
	return 200;
}

/* Is the answer within its bound? Else what came after @before is taken back. */
static bool fits(struct buf *b, size_t before)
{
	if (!b->err && b->len <= WEB_MAX_ANSWER - 64) /* room for the end */
		return true;
	b->len = before;
	b->err = 0;
	return false;
}

/* In the order of enum presence_state. */
static const char *const state_words[] = { "unknown", "active", "degraded", "inactive", NULL };
static const char *const fields_words[] = { "all", "brief", NULL };

struct hosts_params {
	int64_t state, offset, limit, brief;
};

unsigned api_hosts(struct request *r)
{
	static const struct param table[] = {
		{ "state", .choices = state_words, .offset = offsetof(struct hosts_params, state) },
		{ "offset", 0, 1 << 20, .offset = offsetof(struct hosts_params, offset) },
		{ "limit", 1, 1000, .offset = offsetof(struct hosts_params, limit) },
		{ "fields", .choices = fields_words,
		  .offset = offsetof(struct hosts_params, brief) },
	};
	struct hosts_params p = { .state = -1, .limit = 1000 };
	const struct monitor_host *hosts;
	struct monitor_summary summary;
	struct buf *b = &r->out;
	unsigned status = api_params(r, table, ARRAY_LEN(table), &p);
	int64_t at = 0, shown = 0;
	size_t n;

	if (status)
		return status;
	n = monitor_hosts(r->server->monitor, &hosts);
	monitor_summary(r->server->monitor, &summary);
	buf_lit(b, "{\"now\":");
	buf_i64(b, summary.now_ms);
	buf_lit(b, ",\"last_event\":");
	buf_i64(b, summary.last_event);
	buf_lit(b, ",\"hosts\":[");
	for (size_t i = 0; i < n; i++) {
		size_t before = b->len;

		if (p.state >= 0 && hosts[i].host->state != (enum presence_state)p.state)
			continue;
		/* After the last one shown the walk goes on only to count. */
		if (at++ != p.offset + shown || shown == p.limit)
			continue;
		if (shown)
			buf_char(b, ',');
		json_host(b, &hosts[i], p.brief);
		if (fits(b, before))
			shown++;
		else
			p.limit = shown;
	}
	buf_lit(b, "],\"total\":");
	buf_i64(b, at);
	buf_lit(b, ",\"next\":");
	if (p.offset + shown < at)
		buf_i64(b, p.offset + shown);
	else
		buf_lit(b, "null");
	buf_lit(b, "}\n");
	return 200;
}

unsigned api_host(struct request *r, int64_t id)
{
	struct monitor_host host;
	unsigned status = api_params(r, NULL, 0, NULL);

	if (status)
		return status;
	if (monitor_host(r->server->monitor, id, &host) < 0)
		return store_error_status(r, -E_NOT_FOUND);
	json_host(&r->out, &host, false);
	buf_char(&r->out, '\n');
	return 200;
}

struct span_params {
	int64_t from, to, points, offset;
};

/* What was not given: up to now, and @default_ms long. */
static void default_span(struct span_params *p, int64_t default_ms)
{
	if (p->to < 0)
		p->to = now_ms();
	if (p->from < 0)
		p->from = p->to > default_ms ? p->to - default_ms : 0;
}

static void write_column(struct buf *b, const char *name, const struct store_series *series,
			 size_t offset)
{
	buf_lit(b, ",\"");
	buf_str(b, name);
	buf_lit(b, "\":[");
	for (size_t i = 0; i < series->n; i++) {
		const struct store_stats *s = &series->buckets[i];
		uint64_t ns;

		memcpy(&ns, (const char *)s + offset, sizeof(ns));
		if (i)
			buf_char(b, ',');
		json_ms(b, s->sent > s->lost ? (int64_t)ns : -1);
	}
	buf_char(b, ']');
}

static void write_series(struct buf *b, const struct store_series *series)
{
	static const struct {
		const char *name;
		size_t offset;
	} columns[] = {
		{ "min", offsetof(struct store_stats, min_ns) },
		{ "p10", offsetof(struct store_stats, p10_ns) },
		{ "p25", offsetof(struct store_stats, p25_ns) },
		{ "median", offsetof(struct store_stats, median_ns) },
		{ "p75", offsetof(struct store_stats, p75_ns) },
		{ "p90", offsetof(struct store_stats, p90_ns) },
		{ "max", offsetof(struct store_stats, max_ns) },
	};

	buf_lit(b, ",\"t\":[");
	for (size_t i = 0; i < series->n; i++) {
		if (i)
			buf_char(b, ',');
		buf_i64(b, series->from_ms + (int64_t)i * series->step_ms);
	}
	buf_lit(b, "],\"sent\":[");
	for (size_t i = 0; i < series->n; i++) {
		if (i)
			buf_char(b, ',');
		buf_u64(b, series->buckets[i].sent);
	}
	buf_lit(b, "],\"loss\":[");
	for (size_t i = 0; i < series->n; i++) {
		const struct store_stats *s = &series->buckets[i];

		if (i)
			buf_char(b, ',');
		json_fraction(b, s->sent ? (double)s->lost / s->sent : -1);
	}
	buf_char(b, ']');
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		write_column(b, columns[i].name, series, columns[i].offset);
}

unsigned api_latency(struct request *r, int64_t id)
{
	static const struct param table[] = {
		{ "from", 0, MAX_TIME_MS, .offset = offsetof(struct span_params, from) },
		{ "to", 0, MAX_TIME_MS, .offset = offsetof(struct span_params, to) },
		{ "points", 1, STORE_MAX_POINTS, .offset = offsetof(struct span_params, points) },
	};
	static const char *const sources[] = { "samples", "minutes", "hours" };
	struct span_params p = { -1, -1, 600, 0 };
	unsigned status = api_params(r, table, ARRAY_LEN(table), &p);
	struct store_series series;
	struct buf *b = &r->out;
	int err;

	if (status)
		return status;
	default_span(&p, HOUR_MS);
	err = store_series(r->server->store, id, p.from, p.to, (unsigned)p.points, &series);
	if (err < 0)
		return store_error_status(r, err);
	buf_lit(b, "{\"id\":");
	buf_i64(b, id);
	buf_lit(b, ",\"from\":");
	buf_i64(b, series.from_ms);
	buf_lit(b, ",\"to\":");
	buf_i64(b, series.from_ms + (int64_t)series.n * series.step_ms);
	buf_lit(b, ",\"step_ms\":");
	buf_i64(b, series.step_ms);
	buf_lit(b, ",\"source\":");
	json_text(b, sources[series.source]);
	write_series(b, &series);
	buf_lit(b, "}\n");
	store_series_done(&series);
	return 200;
}

/* '0' is no loss at all, '1' up to 10 %, … '9' more than 80 % but not everything. */
static char loss_letter(const struct store_heat_cell *c)
{
	uint64_t tenths;

	if (!c->sent)
		return '.';
	if (c->lost == c->sent)
		return 'x';
	tenths = ((uint64_t)c->lost * 10 + c->sent - 1) / c->sent;
	return (char)('0' + MIN(tenths, 9u));
}

/* 'a' 0.1 ms and below, 'z' 1 s and above, logarithmic between. */
static char latency_letter(const struct store_heat_cell *c)
{
	double decades;

	if (c->sent == c->lost)
		return '.';
	decades = log10(fmax((double)c->median_ns, 1e5) / 1e5);
	return (char)('a' + (int)lround(fmin(decades, 4) * 25 / 4));
}

static void write_rows(struct buf *b, const char *name, const struct store_heat *heat,
		       char (*letter)(const struct store_heat_cell *c))
{
	buf_lit(b, ",\"");
	buf_str(b, name);
	buf_lit(b, "\":[");
	for (size_t i = 0; i < heat->n_hosts; i++) {
		if (i)
			buf_char(b, ',');
		buf_char(b, '"');
		for (size_t j = 0; j < heat->n_buckets; j++)
			buf_char(b, letter(&heat->cells[i * heat->n_buckets + j]));
		buf_char(b, '"');
	}
	buf_char(b, ']');
}

unsigned api_heat(struct request *r)
{
	static const struct param table[] = {
		{ "from", 0, MAX_TIME_MS, .offset = offsetof(struct span_params, from) },
		{ "to", 0, MAX_TIME_MS, .offset = offsetof(struct span_params, to) },
		{ "buckets", 1, STORE_MAX_BUCKETS, .offset = offsetof(struct span_params, points) },
		{ "offset", 0, 1 << 20, .offset = offsetof(struct span_params, offset) },
	};
	struct span_params p = { -1, -1, 48, 0 };
	unsigned status = api_params(r, table, ARRAY_LEN(table), &p);
	struct store_heat_query query;
	struct store_heat heat;
	struct buf *b = &r->out;
	size_t end;
	int err;

	if (status)
		return status;
	default_span(&p, 24 * HOUR_MS);
	/* An id of up to 10 digits, two strings of letters, quotes and commas a host. */
	query = (struct store_heat_query){ p.from, p.to, (unsigned)p.points, (size_t)p.offset,
					   (WEB_MAX_ANSWER - 400) /
						   (2 * ((size_t)p.points + 3) + 11) };
	err = store_heat(r->server->store, &query, &heat);
	if (err < 0)
		return store_error_status(r, err);
	buf_lit(b, "{\"from\":");
	buf_i64(b, heat.from_ms);
	buf_lit(b, ",\"to\":");
	buf_i64(b, heat.from_ms + (int64_t)heat.n_buckets * heat.step_ms);
	buf_lit(b, ",\"step_ms\":");
	buf_i64(b, heat.step_ms);
	buf_lit(b, ",\"total\":");
	buf_u64(b, heat.n_total);
	buf_lit(b, ",\"next\":");
	end = (size_t)p.offset + heat.n_hosts;
	if (end < heat.n_total)
		buf_u64(b, end);
	else
		buf_lit(b, "null");
	buf_lit(b, ",\"hosts\":[");
	for (size_t i = 0; i < heat.n_hosts; i++) {
		if (i)
			buf_char(b, ',');
		buf_i64(b, heat.hosts[i]);
	}
	buf_char(b, ']');
	write_rows(b, "cells", &heat, loss_letter);
	write_rows(b, "latency", &heat, latency_letter);
	buf_lit(b, "}\n");
	store_heat_done(&heat);
	return 200;
}

struct events_params {
	int64_t before, after, limit, host;
};

struct events_page {
	struct buf *b;
	int64_t n, limit;
	bool more;
};

static int add_event(void *arg, const struct store_event *event)
{
	struct events_page *page = arg;
	size_t before = page->b->len;

	if (page->n)
		buf_char(page->b, ',');
	json_event(page->b, event);
	page->more = !fits(page->b, before) || page->n == page->limit;
	if (page->more) {
		page->b->len = before;
		return -E_FULL; /* ends the walk */
	}
	page->n++;
	return 0;
}

unsigned api_events(struct request *r)
{
	static const struct param table[] = {
		{ "before", 1, MAX_EVENT, .offset = offsetof(struct events_params, before) },
		{ "after", 0, MAX_EVENT, .offset = offsetof(struct events_params, after) },
		{ "limit", 1, 200, .offset = offsetof(struct events_params, limit) },
		{ "host", 1, MAX_ID, .offset = offsetof(struct events_params, host) },
	};
	struct events_params p = { .limit = 50 };
	unsigned status = api_params(r, table, ARRAY_LEN(table), &p);
	struct events_page page = { &r->out };
	struct store_event_query query;
	int err;

	if (status)
		return status;
	page.limit = p.limit;
	query = (struct store_event_query){ p.before, p.after, p.host, (unsigned)p.limit + 1,
					    false };
	buf_lit(&r->out, "{\"events\":[");
	err = store_events(r->server->store, &query, add_event, &page);
	if (err < 0 && !page.more)
		return store_error_status(r, err);
	buf_lit(&r->out, "],\"more\":");
	buf_str(&r->out, page.more ? "true" : "false");
	buf_lit(&r->out, "}\n");
	return 200;
}
