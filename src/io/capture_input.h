/*
 * The bytes of a capture file in order, through a window: a file, a pipe or memory, decompressed
 * when they are gzip or zstd. Nothing is sought, so that a pipe does; what has arrived is given
 * without waiting for more. Internal to the capture reader.
 */
#ifndef SONDE_IO_CAPTURE_INPUT_H
#define SONDE_IO_CAPTURE_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct capture_unpack;
struct capture_wait;

/* The most that capture_input_need() can ask for. */
#define CAPTURE_WINDOW (1U << 20)

struct capture_input {
	const uint8_t *at, *end; /* in the window, not yet used */
	uint64_t end_offset;	 /* of @end in the decompressed stream */
	uint8_t *window;	 /* NULL: plain bytes in the caller's memory */
	int fd;			 /* -1: memory */
	bool may_wait;		 /* a pipe, a terminal or a socket */
	const struct capture_wait *wait;
	struct capture_unpack *unpack;
	const uint8_t *packed, *packed_end; /* compressed, not yet used */
	uint8_t *packed_window;		    /* NULL: in the caller's memory */
	bool ended;
	int err; /* what ended it, 0: the end */
};

/**
 * capture_input_open() - a file by its path, "-" for standard input
 * @wait: may be NULL; must outlive @in
 * Return: 0, -ENOMEM or the -errno of opening or reading; then nothing needs to be freed. At most
 * CAPTURE_UNPACK_MAGIC bytes have been waited for.
 */
MUST_CHECK int capture_input_open(const char *path, const struct capture_wait *wait,
				  struct capture_input *ret_in);

/* The same over @bytes, which must outlive it. Plain ones are never copied. */
MUST_CHECK int capture_input_open_bytes(const uint8_t *bytes, size_t len,
					struct capture_input *ret_in);
void capture_input_done(struct capture_input *in);

/* Reads until @n bytes (at most CAPTURE_WINDOW) are there. As capture_input_need(). */
MUST_CHECK int capture_input_fill(struct capture_input *in, size_t n);

/**
 * capture_input_need() - at least @n bytes at in->at
 * Bytes borrowed before are gone. Return: 0, or -E_TRUNCATED when fewer are left, or what ended the
 * stream early: -errno, an error of capture_unpack_run(), or what the wait function returned. What
 * is left stays at in->at.
 */
MUST_CHECK static inline int capture_input_need(struct capture_input *in, size_t n)
{
	return likely((size_t)(in->end - in->at) >= n) ? 0 : capture_input_fill(in, n);
}

/* Passes over @n bytes, through the window. As capture_input_need(). */
MUST_CHECK int capture_input_skip(struct capture_input *in, uint64_t n);

/* Where in->at is in the decompressed stream. */
static inline uint64_t capture_input_offset(const struct capture_input *in)
{
	return in->end_offset - (uint64_t)(in->end - in->at);
}

/* "gzip", "zstd" or NULL. */
const char *capture_input_packing(const struct capture_input *in);

#endif
