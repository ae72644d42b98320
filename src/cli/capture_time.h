/* Time stamps in front of lines: formatted once a second, not once a packet. */
#ifndef SONDE_CLI_CAPTURE_TIME_H
#define SONDE_CLI_CAPTURE_TIME_H

#include "cli/capture.h"

struct capture_clock {
	enum capture_times times;
	bool nanoseconds; /* nine decimals, not six */
	int64_t second;	  /* that @text says */
	int64_t shown_ns; /* of the line before; INT64_MIN: none */
	char text[32];
	size_t len;
};

void capture_clock_init(struct capture_clock *c, enum capture_times times, bool nanoseconds);

/* "12:34:56.123456 " or what the options say, with the blank behind it; nothing for TIMES_NONE. */
void capture_clock_write(struct capture_clock *c, struct buf *b, const struct frame *frame);

#endif
