/*
 * The content codings of HTTP (RFC 9110 section 8.4.1), gzip and deflate, taken off in pieces. What
 * comes out is bounded: a few bytes can stand for gigabytes.
 */
#ifndef SONDE_WIRE_HTTP_CODING_H
#define SONDE_WIRE_HTTP_CODING_H

#include <zlib.h>

#include "base/err.h"
#include "wire/text.h"

enum http_coding {
	HTTP_IDENTITY,
	HTTP_GZIP,
	HTTP_DEFLATE, /* as zlib has it (RFC 1950), or bare */
	HTTP_CODING_UNKNOWN,
};

/* Of a Content-Encoding field; several codings are unknown. No text: identity. */
enum http_coding http_coding_of(struct text value);

/* Not to be copied; owns nothing, allocates nothing. */
struct http_decoder {
	z_stream z;
	uint8_t coding; /* enum http_coding */
	bool begun, over;
	uint64_t left; /* bytes that may still come out */
	uint32_t used; /* of @memory */
	_Alignas(16) uint8_t memory[49152];
};

/* @max: bytes that may come out. HTTP_GZIP and HTTP_DEFLATE only. */
void http_decoder_init(struct http_decoder *d, enum http_coding coding, uint64_t max);

/**
 * http_decoder_take() - go on by some bytes
 * @in, @in_len: moved behind what was used
 * Return: bytes written to @out (at most @cap); 0: all of @in is used, or what was coded is at its
 * end; -E_MALFORMED: this is not the coding; -E_FULL: more than @max would come out.
 */
MUST_CHECK int64_t http_decoder_take(struct http_decoder *d, const uint8_t **in, size_t *in_len,
				     uint8_t *out, size_t cap);

/**
 * http_decode() - a whole body, or its start
 * Return: bytes written to @out, cut at @cap; -E_MALFORMED: nothing could be decoded.
 */
int64_t http_decode(enum http_coding coding, const uint8_t *in, size_t in_len, uint8_t *out,
		    size_t cap);

#endif
