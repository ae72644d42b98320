#include "out/progress.h"

#include <stdio.h>

#define DRAW_EVERY_NS (NS_PER_S / 5)

struct progress progress_of(const char *what, uint64_t total, uint64_t now_ns, bool enabled)
{
	return (struct progress){
		.what = what, .total = total, .start_ns = now_ns, .enabled = enabled
	};
}

/* "1:05:09", "5:09" */
static void put_clock(char *text, size_t size, uint64_t seconds)
{
	if (seconds >= 3600)
		snprintf(text, size, "%llu:%02u:%02u", (unsigned long long)(seconds / 3600),
			 (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
	else
		snprintf(text, size, "%u:%02u", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
}

void progress_show(struct progress *p, uint64_t now_ns, uint64_t done, const char *extra)
{
	uint64_t elapsed_ns = now_ns - p->start_ns;
	double rate = elapsed_ns ? (double)done * 1e9 / (double)elapsed_ns : 0;
	char left[32] = "";

	if (!p->enabled || (p->drawn && now_ns - p->drawn_ns < DRAW_EVERY_NS))
		return;
	p->drawn_ns = now_ns;
	p->drawn = true;
	fprintf(stderr, "\r\33[K%llu", (unsigned long long)done);
	if (p->total) {
		fprintf(stderr, " of %llu %s (%.0f %%)", (unsigned long long)p->total, p->what,
			100.0 * (double)done / (double)p->total);
		if (rate > 0 && done < p->total) {
			put_clock(left, sizeof(left), (uint64_t)((double)(p->total - done) / rate));
			fprintf(stderr, ", %s left", left);
		}
	} else {
		fprintf(stderr, " %s", p->what);
	}
	fprintf(stderr, ", %.0f/s", rate);
	if (extra)
		fprintf(stderr, ", %s", extra);
	fflush(stderr);
}

void progress_clear(struct progress *p)
{
	if (!p->drawn)
		return;
	fputs("\r\33[K", stderr);
	fflush(stderr);
	p->drawn = false;
}
