#include "cli/capture_time.h"

#include <time.h>

void capture_clock_init(struct capture_clock *c, enum capture_times times, bool nanoseconds)
{
	*c = (struct capture_clock){
		.times = times,
		.nanoseconds = nanoseconds,
		.second = INT64_MIN,
		.shown_ns = INT64_MIN,
	};
}

/* The whole seconds of @ns since 1970, before it for negative ones. */
static int64_t seconds_of(int64_t ns)
{
	int64_t s = ns / (int64_t)NS_PER_S;

	return ns % (int64_t)NS_PER_S < 0 ? s - 1 : s;
}

static void put_duration(const struct capture_clock *c, struct buf *b, int64_t ns)
{
	if (c->nanoseconds)
		buf_fixed(b, ns, 9);
	else
		buf_fixed(b, ns / (int64_t)NS_PER_US, 6);
}

/* The time zone's rules are asked once a second. */
static void format_second(struct capture_clock *c, int64_t second)
{
	time_t t = (time_t)second;
	struct tm tm = { 0 };

	c->second = second;
	localtime_r(&t, &tm);
	c->len = strftime(c->text, sizeof(c->text),
			  c->times == TIMES_DATE ? "%Y-%m-%d %H:%M:%S." : "%H:%M:%S.", &tm);
}

static void put_clock(struct capture_clock *c, struct buf *b, int64_t ns)
{
	int64_t second = seconds_of(ns);
	uint64_t part = (uint64_t)(ns - second * (int64_t)NS_PER_S);

	if (unlikely(second != c->second))
		format_second(c, second);
	buf_bytes(b, c->text, c->len);
	if (c->nanoseconds)
		buf_u64_pad(b, part, 9);
	else
		buf_u64_pad(b, part / NS_PER_US, 6);
}

void capture_clock_write(struct capture_clock *c, struct buf *b, const struct frame *frame)
{
	int64_t shown_ns = c->shown_ns;

	switch (c->times) {
	case TIMES_NONE:
		return;
	case TIMES_CLOCK:
	case TIMES_DATE:
		put_clock(c, b, frame->time_ns);
		break;
	case TIMES_EPOCH:
		put_duration(c, b, frame->time_ns);
		break;
	case TIMES_DELTA:
		put_duration(c, b, shown_ns == INT64_MIN ? 0 : frame->time_ns - shown_ns);
		c->shown_ns = frame->time_ns;
		break;
	case TIMES_RELATIVE:
		put_duration(c, b, frame->since_first_ns);
		break;
	}
	buf_char(b, ' ');
}
