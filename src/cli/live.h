/* A verb that goes on until it is told to end: ticks, a descriptor, --for, Ctrl-C. */
#ifndef SONDE_CLI_LIVE_H
#define SONDE_CLI_LIVE_H

#include <uv.h>

#include "cli/verb.h"

struct live {
	const struct command *cmd;
	int fd; /* polled for reading */
	void (*readable)(struct live *live);
	uint64_t every_ns; /* 0: no ticks */
	void (*tick)(struct live *live);
	int status; /* to return, see live_stop() */
	uv_loop_t loop;
	uv_timer_t ticks, end;
	uv_signal_t interrupt, terminate;
	uv_poll_t poll;
};

/**
 * live_run() - call the functions until live_stop(), --for is over, or a signal asks to end
 * @live: filled in down to @tick; inside a larger structure of the verb's
 * Return: the exit status given to live_stop(), else EXIT_YES; EXIT_CANNOT with a message.
 */
int live_run(struct live *live);

/* Ends after the current function. */
void live_stop(struct live *live, int status);

#endif
