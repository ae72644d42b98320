/* Decompression of capture files as a stream: gzip (RFC 1952) and zstd (RFC 8878). */
#ifndef SONDE_IO_CAPTURE_UNPACK_H
#define SONDE_IO_CAPTURE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct capture_unpack;

/* How many bytes at the start of a file tell its compression. */
#define CAPTURE_UNPACK_MAGIC 4

/* Whether a file that begins with these bytes is compressed in a way that is read here. */
bool capture_unpack_knows(const uint8_t magic[static CAPTURE_UNPACK_MAGIC]);

/**
 * capture_unpack_new() - for a file that begins with @magic, which capture_unpack_knows()
 * Memory is bounded whatever the data claims: 32 KiB for gzip's window, 128 MiB for zstd's, which
 * is also the limit of the zstd command.
 * Return: NULL when there is no memory.
 */
struct capture_unpack *capture_unpack_new(const uint8_t magic[static CAPTURE_UNPACK_MAGIC]);
struct capture_unpack *capture_unpack_free(struct capture_unpack *u);

/**
 * capture_unpack_run() - decompress as much as fits
 * @in: compressed bytes; those that were used are taken off *@in and *@in_len
 * Several members or frames in a row are one stream.
 * Return: bytes written to @out, 0 when more input is needed; -E_MALFORMED, -ENOMEM, or
 * -E_UNSUPPORTED (zstd with a larger window).
 */
ssize_t capture_unpack_run(struct capture_unpack *u, const uint8_t **in, size_t *in_len,
			   uint8_t *out, size_t out_cap);

/* No member or frame is open: the input may end here. */
bool capture_unpack_complete(const struct capture_unpack *u);

/* "gzip", "zstd" */
const char *capture_unpack_name(const struct capture_unpack *u);

#endif
