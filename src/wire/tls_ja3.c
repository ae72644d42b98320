/*
 * JA3 and JA3S (Salesforce, 2017): what a client offers in its hello, or a server takes, as a line
 * of decimal numbers, and the MD5 of that line. The same program on another host has the same one.
 *
 *   version,cipher suites,extensions,groups,point formats		of a client
 *   version,cipher suite,extensions					of a server
 *
 * Lists are joined by '-', values of GREASE (RFC 8701) are left out.
 */
#include <openssl/evp.h>

#include "wire/tls_internal.h"

enum { GROUPS = 10, POINTS = 11 };

/* Hellos that make a longer line are not told of. */
#define LINE_MAX_LEN 8192

static void put_number(struct buf *b, uint16_t number, bool *first)
{
	if (tls_is_grease(number))
		return;
	if (!*first)
		buf_char(b, '-');
	*first = false;
	buf_u64(b, number);
}

/* Numbers of @size bytes after a length of @size bytes, if the extension was there. */
static void put_list(struct buf *b, struct cursor c, unsigned size)
{
	bool first = true;

	cursor_skip(&c, size);
	while (cursor_left(&c) >= size)
		put_number(b, size == 2 ? cursor_be16(&c) : cursor_u8(&c), &first);
}

/* @ret_groups, @ret_points: contents of these extensions. */
static void put_extensions(struct buf *b, struct cursor *hello, struct cursor *ret_groups,
			   struct cursor *ret_points)
{
	struct cursor list;
	bool first = true;

	if (!cursor_left(hello))
		return;
	list = cursor_sub(hello, cursor_be16(hello));
	while (cursor_left(&list) && !list.err) {
		uint16_t type = cursor_be16(&list);
		struct cursor contents = cursor_sub(&list, cursor_be16(&list));

		put_number(b, type, &first);
		if (type == GROUPS)
			*ret_groups = contents;
		if (type == POINTS)
			*ret_points = contents;
	}
	hello->err = hello->err ?: list.err;
}

static void put_client(struct buf *b, struct cursor *hello)
{
	struct cursor groups = { 0 }, points = { 0 }, ciphers;
	bool first = true;

	ciphers = cursor_sub(hello, cursor_be16(hello));
	while (cursor_left(&ciphers) >= 2)
		put_number(b, cursor_be16(&ciphers), &first);
	cursor_skip(hello, cursor_u8(hello));
	buf_char(b, ',');
	put_extensions(b, hello, &groups, &points);
	buf_char(b, ',');
	put_list(b, groups, 2);
	buf_char(b, ',');
	put_list(b, points, 1);
}

static void put_server(struct buf *b, struct cursor *hello)
{
	struct cursor unused;

	buf_u64(b, cursor_be16(hello));
	cursor_skip(hello, 1);
	buf_char(b, ',');
	put_extensions(b, hello, &unused, &unused);
}

void tls_walk_ja3(const struct tls_part *p, bool server)
{
	uint32_t have = MIN(MIN(p->end, p->w->end), p->w->packet->cap_len);
	struct cursor hello = cursor_of(p->w->packet->bytes + p->at, have - MIN(p->at, have));
	enum tls_row row = server ? TLS_ROW_JA3S_FULL : TLS_ROW_JA3_FULL;
	uint8_t digest[EVP_MAX_MD_SIZE];
	char line[LINE_MAX_LEN], hex[2 * EVP_MAX_MD_SIZE];
	struct buf b = buf_in(line, sizeof(line)), text = buf_in(hex, sizeof(hex));
	size_t len;

	buf_u64(&b, cursor_be16(&hello));
	buf_char(&b, ',');
	cursor_skip(&hello, TLS_RANDOM_LEN);
	cursor_skip(&hello, cursor_u8(&hello));
	if (server)
		put_server(&b, &hello);
	else
		put_client(&b, &hello);
	if (hello.err || b.err || !EVP_Q_digest(NULL, "MD5", NULL, b.data, b.len, digest, &len))
		return;
	buf_hex(&text, digest, len, 0);
	walk_decoded(p->w, &tls_rows[row], p->at, 0, b.data, b.len, p->depth);
	walk_decoded(p->w, &tls_rows[row + 1], p->at, 0, text.data, text.len, p->depth);
}
