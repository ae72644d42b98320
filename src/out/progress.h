/*
 * The progress line of long work: one line on a terminal's standard error, drawn at most five times
 * a second, erased at the end. Not a terminal: nothing. The caller passes the clock.
 */
#ifndef SONDE_OUT_PROGRESS_H
#define SONDE_OUT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct progress {
	const char *what; /* "probes" */
	uint64_t total;	  /* 0: unknown */
	uint64_t start_ns, drawn_ns;
	bool enabled, drawn;
};

/* @enabled: standard error is a terminal and nobody asked for -q */
struct progress progress_of(const char *what, uint64_t total, uint64_t now_ns, bool enabled);

/* @extra: a few words more, for instance "12 alive"; may be NULL. */
void progress_show(struct progress *p, uint64_t now_ns, uint64_t done, const char *extra);

/* Erases the line, so that something else can be written. */
void progress_clear(struct progress *p);

#endif
