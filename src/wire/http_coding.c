#include "wire/http_coding.h"

enum http_coding http_coding_of(struct text value)
{
	value = text_trim(value);
	if (!value.len || text_is(value, "identity"))
		return HTTP_IDENTITY;
	if (text_is(value, "gzip") || text_is(value, "x-gzip"))
		return HTTP_GZIP;
	return text_is(value, "deflate") ? HTTP_DEFLATE : HTTP_CODING_UNKNOWN;
}

/* zlib asks for its state and window once. */
static voidpf arena_alloc(voidpf opaque, uInt items, uInt size)
{
	struct http_decoder *d = opaque;
	uint64_t n = ((uint64_t)items * size + 15) & ~15ULL;
	voidpf at = d->memory + d->used;

	if (n > sizeof(d->memory) - d->used)
		return NULL;
	d->used += (uint32_t)n;
	return at;
}

static void arena_free(voidpf opaque UNUSED, voidpf at UNUSED)
{
}

void http_decoder_init(struct http_decoder *d, enum http_coding coding, uint64_t max)
{
	d->z = (z_stream){ .zalloc = arena_alloc, .zfree = arena_free, .opaque = d };
	d->coding = (uint8_t)coding;
	d->begun = d->over = false;
	d->left = max;
	d->used = 0;
}

/* The wrapping shows in the first byte: zlib's names the method and a window of at most 32 KiB. */
static int begin(struct http_decoder *d, uint8_t first)
{
	bool wrapped = (first & 0x0f) == 8 && first >> 4 <= 7;
	int bits = d->coding == HTTP_GZIP ? 15 + 16 : wrapped ? 15 : -15;

	d->begun = true;
	return inflateInit2(&d->z, bits) == Z_OK ? 0 : -E_MALFORMED;
}

int64_t http_decoder_take(struct http_decoder *d, const uint8_t **in, size_t *in_len, uint8_t *out,
			  size_t cap)
{
	size_t room = (size_t)MIN(MIN((uint64_t)cap, d->left), (uint64_t)INT32_MAX), written;
	int err = Z_OK;

	if (!*in_len || d->over)
		return 0;
	if (!d->begun && begin(d, **in) < 0)
		return -E_MALFORMED;
	d->z.next_out = out;
	d->z.avail_out = (uInt)room;
	while (*in_len && d->z.avail_out && err == Z_OK) {
		size_t n = MIN(*in_len, (size_t)INT32_MAX);

		d->z.next_in = (Bytef *)*in;
		d->z.avail_in = (uInt)n;
		err = inflate(&d->z, Z_NO_FLUSH);
		*in += n - d->z.avail_in;
		*in_len -= n - d->z.avail_in;
		/* gzip: members one after another (RFC 1952 section 2.2). */
		if (err == Z_STREAM_END && d->coding == HTTP_GZIP && *in_len && **in == 0x1f)
			err = inflateReset(&d->z);
	}
	written = room - d->z.avail_out;
	d->left -= written;
	d->over = err == Z_STREAM_END;
	if (written || d->over)
		return (int64_t)written;
	if (err != Z_OK && err != Z_BUF_ERROR)
		return -E_MALFORMED;
	return *in_len && !d->left ? -E_FULL : 0;
}

int64_t http_decode(enum http_coding coding, const uint8_t *in, size_t in_len, uint8_t *out,
		    size_t cap)
{
	struct http_decoder d;
	size_t at = 0;
	int64_t n;

	http_decoder_init(&d, coding, cap);
	while ((n = http_decoder_take(&d, &in, &in_len, out + at, cap - at)) > 0)
		at += (size_t)n;
	return at || n == 0 ? (int64_t)at : -E_MALFORMED;
}
