/* The page: files that the build has gzipped and assets.S holds; and packing of answers. */
#include <errno.h>
#include <zlib.h>

#include "base/hash.h"
#include "web/private.h"

#define MAX_ASSET (8 << 20)

#define EMBEDDED(name)                                                                     \
	extern const uint8_t asset_##name##_start[] __attribute__((visibility("hidden"))); \
	extern const uint8_t asset_##name##_end[] __attribute__((visibility("hidden")))

#ifdef WITH_PAGE
EMBEDDED(index_html);
EMBEDDED(app_js);
EMBEDDED(app_css);
EMBEDDED(icon_svg);

static const struct {
	const char *path, *type;
	const uint8_t *start, *end;
} embedded[] = {
	{ "/", "text/html; charset=utf-8", asset_index_html_start, asset_index_html_end },
	{ "/app.js", "text/javascript; charset=utf-8", asset_app_js_start, asset_app_js_end },
	{ "/app.css", "text/css; charset=utf-8", asset_app_css_start, asset_app_css_end },
	{ "/icon.svg", "image/svg+xml", asset_icon_svg_start, asset_icon_svg_end },
};
#else
EMBEDDED(without_txt);

static const struct {
	const char *path, *type;
	const uint8_t *start, *end;
} embedded[] = {
	{ "/", "text/plain; charset=utf-8", asset_without_txt_start, asset_without_txt_end },
};
#endif

const struct asset *asset_find(const char *path)
{
	static const uint64_t key[2] = { 0 }; /* a checksum, no secret */
	static struct asset assets[ARRAY_LEN(embedded)];

	for (size_t i = 0; i < ARRAY_LEN(embedded); i++) {
		struct asset *a = &assets[i];

		if (strcmp(embedded[i].path, path) != 0)
			continue;
		if (!a->path) {
			struct buf b = buf_in(a->etag, sizeof(a->etag) - 1);
			size_t len = (size_t)(embedded[i].end - embedded[i].start);

			buf_char(&b, '"');
			buf_hex_u64(&b, siphash(key, embedded[i].start, len), 16);
			buf_char(&b, '"');
			a->path = embedded[i].path;
			a->type = embedded[i].type;
			a->bytes = embedded[i].start;
			a->len = len;
		}
		return a;
	}
	return NULL;
}

int asset_unpack(const struct asset *a, struct buf *b)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)a->bytes, .avail_in = (uInt)a->len };
	int rc = Z_OK;

	b->max = MAX_ASSET;
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return -ENOMEM;
	while (rc == Z_OK) {
		char *room = buf_room(b, 65536);

		if (!room)
			break;
		z.next_out = (Bytef *)room;
		z.avail_out = 65536;
		rc = inflate(&z, Z_NO_FLUSH);
		b->len += 65536 - z.avail_out;
	}
	inflateEnd(&z);
	return b->err ? b->err : rc == Z_STREAM_END ? 0 : -E_MALFORMED;
}

bool gzip_pack(const struct buf *from, struct buf *to)
{
	z_stream z = { .next_in = (Bytef *)from->data, .avail_in = (uInt)from->len };
	char *room;
	int rc;

	/* Level 1: three quarters of the best ratio in a fifth of its time, on the monitor's own
	 * loop. */
	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	*to = buf_of(from->len);
	room = buf_room(to, from->len);
	if (!room) {
		deflateEnd(&z);
		return false;
	}
	z.next_out = (Bytef *)room;
	z.avail_out = (uInt)from->len;
	rc = deflate(&z, Z_FINISH);
	to->len = from->len - z.avail_out;
	deflateEnd(&z);
	if (rc == Z_STREAM_END)
		return true;
	buf_done(to);
	return false;
}
