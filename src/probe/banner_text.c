#include <time.h>

#include "probe/banner.h"

static void part(struct buf *text, size_t start, const char *of)
{
	if (!*of)
		return;
	if (text->len > start)
		buf_lit(text, ", ");
	buf_str(text, of);
}

void banner_finding_text(const struct banner_finding *f, struct buf *text)
{
	size_t start = text->len;
	time_t until = (time_t)f->not_after_s;
	char day[32];
	struct tm tm;

	part(text, start, f->product);
	if (f->status) {
		buf_str(text, text->len > start ? " (" : "(");
		buf_u64(text, f->status);
		if (*f->title)
			buf_printf(text, ", \"%s\"", f->title);
		buf_char(text, ')');
	}
	part(text, start, f->tls_version);
	part(text, start, *f->names ? f->names : f->subject);
	if (f->not_after_s && gmtime_r(&until, &tm) &&
	    strftime(day, sizeof(day), "until %Y-%m-%d", &tm))
		part(text, start, day);
}
