/*
 * When a capture goes on in another file, what that is called, and which one it replaces. Nothing
 * is opened or deleted here. Two ways, as people know them:
 *
 * - tcpdump's -C, -G and -W. By size, the name gets a number: x, x1, x2, ...; with a count the
 *   numbers have as many digits as it needs and begin anew: x0, x1, x2, x0. By time, the name is a
 *   format of strftime(3), in local time; with a count the capture ends after as many. With both,
 *   every period numbers from the beginning. A name that comes again replaces the file.
 * - dumpcap's -b: x.pcapng becomes x_00001_20240131235959.pcapng, in local time; with files: only
 *   as many are kept, and the oldest is deleted before the next is made.
 */
#ifndef SONDE_IO_CAPTURE_ROTATION_H
#define SONDE_IO_CAPTURE_ROTATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* What was asked; all zero: one file. */
struct capture_rotation {
	uint64_t max_bytes;   /* tcpdump's way: on when the file is larger; dumpcap's: as large */
	uint64_t max_packets; /* only dumpcap's way, as @interval_ns */
	int64_t period_ns;    /* on when the file is as old */
	int64_t interval_ns;  /* on when the clock passes a multiple of it since 1970 (UTC) */
	uint32_t n_files;     /* -W or files: */
	bool dated;	      /* dumpcap's way */
};

#define CAPTURE_FILES_MAX 99999U

/**
 * capture_rotation_parse() - one option
 * @letter: 'C': millions of bytes, or with k, M or G behind it KiB, MiB or GiB. 'G': seconds.
 * 'W': a count. 'b': "duration:SECONDS", "interval:SECONDS", "filesize:KB" (of 1000 bytes),
 * "packets:N" or "files:N"; seconds may have decimals.
 * Return: 0, or -E_SYNTAX with @fault filled.
 */
MUST_CHECK int capture_rotation_parse(struct capture_rotation *r, char letter, const char *text,
				      size_t len, struct fault *fault);

/**
 * capture_rotation_check() - after all options: do they go together?
 * @path: what -w names
 * Return: 0, or -E_SYNTAX with @fault filled (its offset is then meaningless).
 */
MUST_CHECK int capture_rotation_check(const struct capture_rotation *r, const char *path,
				      struct fault *fault);

/* Whether there can be more than one file. */
static inline bool capture_rotation_any(const struct capture_rotation *r)
{
	return r->max_bytes || r->max_packets || r->period_ns || r->interval_ns;
}

enum capture_turn {
	CAPTURE_TURN_NONE,
	CAPTURE_TURN_NEXT, /* on to the next file */
	CAPTURE_TURN_STOP, /* that was the last one */
};

/* Where in the row of files we are. */
struct capture_series {
	struct capture_rotation rotation;
	const char *name;    /* without folder; borrowed */
	int64_t opened_ns;   /* the current file: since 1970 */
	int64_t period_from; /* when the current period began */
	uint32_t number;     /* of the file; dated: from 1, else from 0 in each period */
	uint32_t n_periods;  /* complete */
	int64_t *opened;     /* dated with a count: of the last n_files, by number */
	int64_t replaced_ns; /* when the file was opened whose place the current one takes */
};

/* At the first file. @name: without folder, outlives the series. Return: 0 or -ENOMEM. */
MUST_CHECK int capture_series_init(struct capture_series *s,
				   const struct capture_rotation *rotation, const char *name,
				   int64_t now_ns);
void capture_series_done(struct capture_series *s);

/**
 * capture_series_turn() - before a packet: does it belong to another file?
 * @now_ns: its time, or the clock; since 1970
 * @bytes: size of the current file, @packets: in it
 * Then the series is at the next file.
 */
enum capture_turn capture_series_turn(struct capture_series *s, int64_t now_ns, uint64_t bytes,
				      uint64_t packets);

/**
 * capture_series_name() - the current file's name
 * Return: 0; -ENAMETOOLONG; -E_SYNTAX when strftime() gives a slash or nothing.
 */
MUST_CHECK int capture_series_name(const struct capture_series *s, struct buf *ret_name);

/* The name of the file to delete before the current one is made. Return: whether there is one. */
bool capture_series_replaced(const struct capture_series *s, struct buf *ret_name);

#endif
