#include "io/capture_unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#define ZLIB_CONST /* what is read is not changed */
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define GZIP_ONLY    16 /* added to windowBits of inflateInit2() */
#define ZSTD_LOG_MAX 27 /* a window of 128 MiB */
#define ZSTD_FIRST   5	/* bytes that begin a frame */

struct capture_unpack {
	bool gzip;
	bool open; /* within a member or frame */
	z_stream z;
	ZSTD_DStream *zstd;
	size_t hint; /* bytes that zstd wants next */
};

static bool is_gzip(const uint8_t *magic)
{
	return magic[0] == 0x1f && magic[1] == 0x8b;
}

/* A frame, or a skippable frame in front of one. */
static bool is_zstd(const uint8_t *magic)
{
	return !memcmp(magic, "\x28\xb5\x2f\xfd", 4) ||
	       (magic[0] >> 4 == 5 && !memcmp(magic + 1, "\x2a\x4d\x18", 3));
}

bool capture_unpack_knows(const uint8_t magic[static CAPTURE_UNPACK_MAGIC])
{
	return is_gzip(magic) || is_zstd(magic);
}

struct capture_unpack *capture_unpack_new(const uint8_t magic[static CAPTURE_UNPACK_MAGIC])
{
	struct capture_unpack *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->gzip = is_gzip(magic);
	if (u->gzip) {
		if (inflateInit2(&u->z, MAX_WBITS + GZIP_ONLY) == Z_OK)
			return u;
	} else {
		u->hint = ZSTD_FIRST;
		u->zstd = ZSTD_createDStream();
		if (u->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax,
								    ZSTD_LOG_MAX)))
			return u;
		ZSTD_freeDStream(u->zstd);
	}
	free(u);
	return NULL;
}

struct capture_unpack *capture_unpack_free(struct capture_unpack *u)
{
	if (!u)
		return NULL;
	if (u->gzip)
		inflateEnd(&u->z);
	else
		ZSTD_freeDStream(u->zstd);
	free(u);
	return NULL;
}

static ssize_t run_gzip(struct capture_unpack *u, const uint8_t **in, size_t *in_len, uint8_t *out,
			size_t out_cap)
{
	z_stream *z = &u->z;
	int result;

	if (!u->open)
		inflateReset(z);
	z->next_in = *in;
	z->avail_in = (unsigned)*in_len;
	z->next_out = out;
	z->avail_out = (unsigned)out_cap;
	result = inflate(z, Z_SYNC_FLUSH);
	*in = z->next_in;
	*in_len = z->avail_in;
	u->open = result != Z_STREAM_END;
	if (z->avail_out < out_cap) /* an error comes again, after what was before it */
		return (ssize_t)(out_cap - z->avail_out);
	if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
		return result == Z_MEM_ERROR ? -ENOMEM : -E_MALFORMED;
	return 0;
}

static int zstd_error(size_t result)
{
	switch (ZSTD_getErrorCode(result)) {
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	case ZSTD_error_frameParameter_windowTooLarge:
		return -E_UNSUPPORTED;
	default:
		return -E_MALFORMED;
	}
}

static ssize_t run_zstd(struct capture_unpack *u, const uint8_t **in, size_t *in_len, uint8_t *out,
			size_t out_cap)
{
	/* As much as it asked for is one block: an error then loses nothing before it. */
	ZSTD_inBuffer from = { .src = *in, .size = MIN(*in_len, u->hint) };
	ZSTD_outBuffer to = { .dst = out, .size = out_cap };
	size_t result = ZSTD_decompressStream(u->zstd, &to, &from);

	*in += from.pos;
	*in_len -= from.pos;
	if (ZSTD_isError(result))
		return zstd_error(result);
	u->open = result != 0;
	u->hint = result ? result : ZSTD_FIRST;
	return (ssize_t)to.pos;
}

ssize_t capture_unpack_run(struct capture_unpack *u, const uint8_t **in, size_t *in_len,
			   uint8_t *out, size_t out_cap)
{
	/* A frame may give nothing, and the end of one stand before the next. */
	while (u->open || *in_len) {
		size_t before = *in_len;
		ssize_t n = u->gzip ? run_gzip(u, in, in_len, out, out_cap)
				    : run_zstd(u, in, in_len, out, out_cap);

		if (n)
			return n;
		if (!*in_len)
			break;
		if (*in_len == before)
			return -E_MALFORMED;
	}
	return 0;
}

bool capture_unpack_complete(const struct capture_unpack *u)
{
	return !u->open;
}

const char *capture_unpack_name(const struct capture_unpack *u)
{
	return u->gzip ? "gzip" : "zstd";
}
