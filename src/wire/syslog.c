/*
 * Syslog: <PRIORITY>, then either a version and words (RFC 5424) or a date and words (RFC 3164). In
 * streams each message comes behind its length in decimal digits, or ends with a newline
 * (RFC 6587). Of the words the header's are told; the rest is the message's text.
 */
#include "wire/syslog.h"

#include <ctype.h>
#include <stdlib.h>
#include <time.h>

#include "wire/compose.h"
#include "wire/packet.h"

static const struct value_name facility_names[] = {
	{ 0, "kern" },	    { 1, "user" },    { 2, "mail" },	{ 3, "daemon" },  { 4, "auth" },
	{ 5, "syslog" },    { 6, "lpr" },     { 7, "news" },	{ 8, "uucp" },	  { 9, "cron" },
	{ 10, "authpriv" }, { 11, "ftp" },    { 12, "ntp" },	{ 13, "audit" },  { 14, "alert" },
	{ 15, "clock" },    { 16, "local0" }, { 17, "local1" }, { 18, "local2" }, { 19, "local3" },
	{ 20, "local4" },   { 21, "local5" }, { 22, "local6" }, { 23, "local7" }, { 0 },
};
static const struct value_name level_names[] = {
	{ 0, "emerg" },	 { 1, "alert" }, { 2, "crit" },	 { 3, "err" }, { 4, "warning" },
	{ 5, "notice" }, { 6, "info" },	 { 7, "debug" }, { 0 },
};

static const struct field rows[] = {
	{ AS_COUNT("syslog.facility"), .title = "Facility", .values = facility_names },
	{ AS_COUNT("syslog.level"), .title = "Level", .values = level_names },
	{ AS_TEXT("syslog.msg", 0, 0), .title = "Message" },
	{ AS_TEXT("syslog.version", 0, 0), .depth = 1, .title = "Version" },
	{ AS_TIME("syslog.timestamp"), .depth = 1, .title = "Time" },
	{ AS_TEXT("syslog.hostname", 0, 0), .depth = 1, .title = "Host" },
	{ AS_TEXT("syslog.appname", 0, 0), .depth = 1, .title = "Application" },
	{ AS_TEXT("syslog.procid", 0, 0), .depth = 1, .title = "Process" },
	{ AS_TEXT("syslog.msgid", 0, 0), .depth = 1, .title = "Message ID" },
	{ AS_TEXT("syslog.timestamp_rfc3164", 0, 0), .depth = 1, .title = "Time" },
};
enum { FACILITY, LEVEL, MSG, VERSION, TIMESTAMP, HOSTNAME, APPNAME, PROCID, MSGID, OLD_TIME };

static const struct rows more_rows[] = { { rows, ARRAY_LEN(rows) } };

/* Text that is read from left to right. */
struct text {
	const char *start, *at, *end;
};

/* Digits at t->at, at most @max of them; -1: none. */
static int read_number(struct text *t, int max)
{
	int v = 0, n = 0;

	for (; n < max && t->at < t->end && isdigit((unsigned char)*t->at); n++)
		v = v * 10 + (*t->at++ - '0');
	return n ? v : -1;
}

static bool skip(struct text *t, char c)
{
	if (t->at == t->end || *t->at != c)
		return false;
	t->at++;
	return true;
}

/* "<34>": the priority behind an octet count, if there is one in a stream; -1: none. */
static int read_priority(struct text *t, bool stream)
{
	struct text start = *t;
	int priority;

	if (stream && read_number(t, 7) >= 0)
		skip(t, ' ');
	if (skip(t, '<') && (priority = read_number(t, 3)) >= 0 && skip(t, '>'))
		return priority;
	*t = start;
	return -1;
}

/* Nanoseconds of ".003", at most 9 digits. */
static int64_t read_fraction(struct text *t)
{
	int64_t ns = 0, unit = 100000000;

	if (!skip(t, '.'))
		return 0;
	for (; t->at < t->end && isdigit((unsigned char)*t->at); t->at++, unit /= 10)
		ns += (*t->at - '0') * unit;
	return ns;
}

/* RFC 3339; false leaves @t somewhere. */
static bool read_time(struct text *t, int64_t *ret_ns)
{
	struct tm tm = { 0 };
	int64_t ns, offset = 0;
	int hours, minutes, sign;

	tm.tm_year = read_number(t, 4) - 1900;
	tm.tm_mon = skip(t, '-') ? read_number(t, 2) - 1 : -1;
	tm.tm_mday = skip(t, '-') ? read_number(t, 2) : -1;
	tm.tm_hour = skip(t, 'T') ? read_number(t, 2) : -1;
	tm.tm_min = skip(t, ':') ? read_number(t, 2) : -1;
	tm.tm_sec = skip(t, ':') ? read_number(t, 2) : -1;
	/* Until 2262 nanoseconds fit. */
	if (tm.tm_year < 0 || tm.tm_year > 361 || tm.tm_mon < 0 || tm.tm_mon > 11 ||
	    tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 || tm.tm_hour > 23 ||
	    tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
		return false;
	ns = read_fraction(t);
	if (!skip(t, 'Z')) {
		sign = skip(t, '+') ? 1 : skip(t, '-') ? -1 : 0;
		hours = read_number(t, 2);
		minutes = skip(t, ':') ? read_number(t, 2) : -1;
		if (!sign || hours < 0 || minutes < 0)
			return false;
		offset = sign * (hours * 3600 + minutes * 60);
	}
	*ret_ns = ((int64_t)timegm(&tm) - offset) * (int64_t)NS_PER_S + ns;
	return true;
}

/* Gives the text from @from to @to, which are in @t. */
static void give(struct walk *w, const struct field *f, const struct text *t, const char *from,
		 const char *to)
{
	walk_field(w, f, w->layer->off + (uint32_t)(from - t->start), (uint32_t)(to - from), 0);
}

/* The word at t->at, given under the row unless it is "-" for none. False: there is none. */
static bool give_word(struct walk *w, const struct field *f, struct text *t)
{
	const char *from = t->at;

	while (t->at < t->end && *t->at != ' ')
		t->at++;
	if (t->at == from)
		return false;
	give(w, f, t, from, t->at);
	return skip(t, ' ');
}

/* RFC 5424 section 6.2, behind the priority. */
static void walk_new(struct walk *w, struct text t)
{
	const char *from;
	int64_t ns;

	give_word(w, &rows[VERSION], &t);
	from = t.at;
	if (!skip(&t, '-')) {
		if (!read_time(&t, &ns))
			return;
		walk_number(w, &rows[TIMESTAMP], w->layer->off + (uint32_t)(from - t.start),
			    (uint32_t)(t.at - from), (uint64_t)ns, 0);
	}
	if (!skip(&t, ' '))
		return;
	for (unsigned row = HOSTNAME; row <= MSGID; row++)
		if (!give_word(w, &rows[row], &t))
			return;
}

/* "Oct 11 22:14:15 host tag: text" (RFC 3164 section 4.1). */
static void walk_old(struct walk *w, struct text t)
{
	static const char form[] = "Aaa 99 99:99:99 ";
	const char *from = t.at;

	for (const char *f = form; *f; f++, t.at++) {
		unsigned char c = t.at < t.end ? (unsigned char)*t.at : 0;

		if (*f == '9'			 ? !isdigit(c) && !(c == ' ' && f == form + 4)
		    : isalpha((unsigned char)*f) ? !isalpha(c)
						 : c != (unsigned char)*f)
			return;
	}
	give(w, &rows[OLD_TIME], &t, from, t.at - 1);
	if (!give_word(w, &rows[HOSTNAME], &t))
		return;
	from = t.at;
	while (t.at < t.end && (isalnum((unsigned char)*t.at) || (*t.at && strchr("-_./", *t.at))))
		t.at++;
	if (t.at > from)
		give(w, &rows[PROCID], &t, from, t.at);
}

static struct text text_of(const struct packet *p, const struct layer *l)
{
	const char *start = (const char *)p->bytes + l->off;

	return (struct text){ start, start, start + l->header_len };
}

static void syslog_walk(struct walk *w)
{
	struct text t = text_of(w->packet, w->layer);
	int priority = read_priority(&t, w->layer->flags & LAYER_STREAM);
	uint32_t skipped = (uint32_t)(t.at - t.start);

	if (priority >= 0) {
		walk_number(w, &rows[FACILITY], w->layer->off, skipped, (unsigned)priority >> 3, 0);
		walk_number(w, &rows[LEVEL], w->layer->off, skipped, priority & 7, 0);
	}
	give(w, &rows[MSG], &t, t.at, t.end);
	if (t.end - t.at >= 2 && isdigit((unsigned char)t.at[0]) && t.at[1] == ' ')
		walk_new(w, t);
	else
		walk_old(w, t);
}

/* A syslog line has room for one of ours. */
#define SHOWN 160

static void syslog_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	struct text t = text_of(p, l);
	int priority = read_priority(&t, l->flags & LAYER_STREAM);
	size_t len;

	buf_lit(b, "syslog ");
	if (priority >= 0) {
		buf_str(b, field_value_name(&rows[FACILITY], (unsigned)priority >> 3) ?: "unknown");
		buf_char(b, '.');
		buf_str(b, field_value_name(&rows[LEVEL], priority & 7));
		buf_char(b, ' ');
	}
	while (t.end > t.at && t.end[-1] == '\n')
		t.end--;
	len = (size_t)(t.end - t.at);
	buf_safe(b, t.at, MIN(len, (size_t)SHOWN));
	if (len > SHOWN)
		buf_lit(b, "…");
}

/* RFC 6587 section 3.4. */
static int64_t syslog_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len,
			      bool end)
{
	struct text t = { (const char *)bytes, (const char *)bytes, (const char *)bytes + len };
	const uint8_t *newline;
	int octets = read_number(&t, 7);

	if (octets > 0 && t.at < t.end) {
		size_t whole = (size_t)(t.at + 1 - t.start) + (size_t)octets;

		if (!skip(&t, ' '))
			return -E_MALFORMED;
		return whole <= len ? (int64_t)whole : end ? (int64_t)len : 0;
	}
	newline = memchr(bytes + d->scanned[reply], '\n', len - d->scanned[reply]);
	d->scanned[reply] = (uint32_t)len;
	return newline ? newline + 1 - bytes : end ? (int64_t)len : 0;
}

/* A priority that exists, then a version or a month. */
static bool syslog_guess(const uint8_t *bytes, size_t len, bool stream)
{
	struct text t = { (const char *)bytes, (const char *)bytes, (const char *)bytes + len };
	int priority = read_priority(&t, stream);

	if (priority < 0 || priority > 191 || t.end - t.at < 4)
		return false;
	return !memcmp(t.at, "1 ", 2) ||
	       (isupper((unsigned char)t.at[0]) && islower((unsigned char)t.at[1]) &&
		islower((unsigned char)t.at[2]) && t.at[3] == ' ');
}

/* The word of a row, or "-" for none. */
static void compose_word(struct compose *m, const struct field *row)
{
	compose_text(m, compose_find(m, row), "-");
	buf_char(&m->out, ' ');
}

static bool has_words(const struct compose *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->settings[i].field >= &rows[VERSION] && m->settings[i].field <= &rows[MSGID])
			return true;
	return false;
}

/* As RFC 5424 has it when one of its words is set, else as RFC 3164 has it. */
static int syslog_compose(struct compose *m, struct fault *fault)
{
	const struct compose_setting *facility = compose_find(m, &rows[FACILITY]);
	const struct compose_setting *level = compose_find(m, &rows[LEVEL]);
	const struct compose_setting *text = compose_find(m, &rows[MSG]);
	const struct compose_setting *old = compose_find(m, &rows[OLD_TIME]);
	const struct compose_setting *time;

	if (facility && facility->number > 23)
		return compose_fails(m, facility, fault, "syslog.facility must be at most 23");
	if (level && level->number > 7)
		return compose_fails(m, level, fault, "syslog.level must be at most 7");
	buf_printf(&m->out, "<%u>",
		   (unsigned)(compose_number(facility, 1) * 8 + compose_number(level, 5)));
	if (old) {
		compose_text(m, old, "");
		buf_char(&m->out, ' ');
		for (unsigned row = HOSTNAME; row <= PROCID; row++) {
			const struct compose_setting *s = compose_find(m, &rows[row]);

			compose_text(m, s, "");
			buf_str(&m->out, !s ? "" : row == PROCID ? ": " : " ");
		}
	} else if (has_words(m)) {
		compose_text(m, compose_find(m, &rows[VERSION]), "1");
		buf_char(&m->out, ' ');
		time = compose_find(m, &rows[TIMESTAMP]);
		if (time)
			field_text(&m->out, time->field, time->number, NULL, 0);
		else
			buf_char(&m->out, '-');
		buf_char(&m->out, ' ');
		for (unsigned row = HOSTNAME; row <= MSGID; row++)
			compose_word(m, &rows[row]);
		buf_lit(&m->out, "- "); /* no structured data */
	}
	compose_text(m, text, "");
	return 0;
}

const struct protocol protocol_syslog = {
	PROTOCOL_NAME("syslog"),
	.short_name = "syslog",
	.title = "Syslog",
	.rfc = "RFC 5424 section 6",
	.about = "What programs have to report, with its origin and its weight.",
	.whole = true,
	.application = true,
	.more_rows = more_rows,
	.n_more_rows = ARRAY_LEN(more_rows),
	.walk = syslog_walk,
	.compose = syslog_compose,
	.line = syslog_line,
	.guess = syslog_guess,
	.message = syslog_message,
};
