/* TLS in a line of text: messages by name, with what distinguishes them. */
#include <time.h>

#include "wire/tls_internal.h"
#include "wire/x509.h"

static void put_version(struct buf *b, uint16_t version)
{
	const char *name = tls_name(tls_version_names, version);

	if (name)
		buf_printf(b, " %s", name);
	else
		buf_printf(b, " version 0x%04x", version);
}

/* The names of an ALPN list joined by commas. */
static void put_alpn(struct buf *b, struct cursor list)
{
	const char *before = " ";

	while (cursor_left(&list)) {
		size_t n = cursor_u8(&list);
		const uint8_t *name = cursor_bytes(&list, n);

		if (!name)
			return;
		buf_str(b, before);
		buf_safe(b, (const char *)name, n);
		before = ",";
	}
}

/* The highest version in a list that is none of chance. */
static uint16_t best_version(struct cursor list)
{
	uint16_t best = 0;

	while (cursor_left(&list)) {
		uint16_t v = cursor_be16(&list);

		/* Drafts have high numbers, but are older than 1.3. */
		if (!tls_is_grease(v) && v > best && (v < 0x0400 || best < 0x0304))
			best = v;
	}
	return best;
}

/* A list that its length precedes, as far as it is there. */
static struct cursor sub_list(struct cursor *c, size_t len)
{
	return cursor_sub(c, MIN(len, cursor_left(c)));
}

static void line_client_hello(struct buf *b, struct cursor *c)
{
	uint16_t version = cursor_be16(c);
	struct cursor extensions, name = { 0 }, alpn = { 0 };

	cursor_skip(c, TLS_RANDOM_LEN);
	cursor_skip(c, cursor_u8(c));
	cursor_skip(c, cursor_be16(c));
	cursor_skip(c, cursor_u8(c));
	extensions = sub_list(c, cursor_be16(c));
	while (cursor_left(&extensions)) {
		uint16_t type = cursor_be16(&extensions);
		struct cursor one = cursor_sub(&extensions, cursor_be16(&extensions));

		if (type == 0) {
			cursor_skip(&one, 3);
			name = cursor_sub(&one, cursor_be16(&one));
		} else if (type == 16) {
			alpn = cursor_sub(&one, cursor_be16(&one));
		} else if (type == 43) {
			version = best_version(cursor_sub(&one, cursor_u8(&one))) ?: version;
		}
	}
	if (cursor_left(&name)) {
		buf_char(b, ' ');
		buf_safe(b, (const char *)name.at, cursor_left(&name));
	}
	if (version)
		put_version(b, version);
	put_alpn(b, alpn);
}

static void line_server_hello(struct buf *b, const struct tls_server_hello *hello)
{
	const char *cipher = tls_name(tls_cipher_names, hello->cipher);

	if (!hello->version)
		return;
	if (cipher)
		buf_printf(b, " %s", cipher);
	else
		buf_printf(b, " cipher 0x%04x", hello->cipher);
	put_version(b, hello->version);
	if (hello->alpn) {
		buf_char(b, ' ');
		buf_safe(b, (const char *)hello->alpn, hello->alpn_len);
	}
}

/* The first certificate: the one who speaks. */
static void line_certificate(struct buf *b, struct cursor *c)
{
	struct x509_summary summary;
	const uint8_t *bytes;
	char text[256];
	struct buf name = buf_in(text, sizeof(text));
	size_t n;
	struct tm tm;
	time_t until;

	if (cursor_left(c) == 3) {
		buf_lit(b, " none");
		return;
	}
	cursor_skip(c, 3);
	n = cursor_be24(c);
	if (c->err)
		return;
	n = MIN(n, cursor_left(c));
	bytes = cursor_bytes(c, n);
	if (x509_read_summary(bytes, n, &summary) < 0)
		return;
	x509_common_name_text(&name, summary.subject, summary.subject_len);
	buf_str(b, name.len ? " CN=" : " ");
	if (!name.len)
		x509_name_text(&name, summary.subject, summary.subject_len);
	buf_safe(b, name.data, name.len);
	until = (time_t)summary.not_after_s;
	if (gmtime_r(&until, &tm) && strftime(text, sizeof(text), " (until %Y-%m-%d)", &tm))
		buf_str(b, text);
}

static void line_message(struct buf *b, const uint8_t *bytes, size_t len, struct tls_state *state)
{
	struct cursor c = cursor_of(bytes, len);
	uint8_t type = cursor_u8(&c);
	const char *name = tls_name(tls_handshake_names, type);
	struct tls_server_hello hello;
	uint32_t n = cursor_be24(&c);

	c = sub_list(&c, n);
	if (type == TLS_SERVER_HELLO) {
		tls_read_server_hello(c.at, cursor_left(&c), &hello);
		tls_state_hello(state, &hello);
		buf_str(b, hello.retry ? "Hello Retry Request" : name);
		line_server_hello(b, &hello);
		return;
	}
	if (name)
		buf_str(b, name);
	else
		buf_printf(b, "Handshake %u", type);
	if (type == TLS_CLIENT_HELLO)
		line_client_hello(b, &c);
	else if (type == TLS_CERTIFICATE)
		line_certificate(b, &c);
}

/* Return: where the message ends in the packet. Not inlined: its buffer is large. */
static __attribute__((noinline)) uint32_t line_gathered(struct buf *b, const struct packet *p,
							uint32_t have, uint32_t at,
							const struct tls_record *record,
							struct tls_state *state)
{
	struct tls_gathered g;

	tls_gather(p, have, at, record, &g);
	line_message(b, g.bytes, g.len, state);
	return g.next;
}

/* What the records before in the layer left to say. */
struct line {
	const char *before; /* the next message */
	struct tls_state state;
	uint32_t resume;
	uint64_t data_len; /* application data so far, not yet said */
};

static void put_before(struct buf *b, struct line *line)
{
	buf_str(b, line->before);
	line->before = ", ";
}

static void say_data(struct buf *b, struct line *line)
{
	if (!line->data_len)
		return;
	put_before(b, line);
	buf_lit(b, "Application Data ");
	buf_u64(b, line->data_len);
	buf_lit(b, " bytes");
	line->data_len = 0;
}

static void line_handshakes(struct buf *b, const struct packet *p, const struct tls_record *record,
			    uint32_t have, struct line *line)
{
	uint32_t at = record->at, end = MIN(record->end, have);

	if (line->resume > at) {
		at = MIN(line->resume, end);
	} else if (!tls_is_plain(p->bytes + at, end - at, record->end - record->at, &line->state)) {
		put_before(b, line);
		buf_lit(b, "Encrypted Handshake Message");
		return;
	}
	while (at < end) {
		uint32_t n = end - at;

		put_before(b, line);
		if (n >= TLS_HANDSHAKE_HEADER)
			n = TLS_HANDSHAKE_HEADER + (load_be32(p->bytes + at) & 0xffffff);
		if (n >= TLS_HANDSHAKE_HEADER && n <= end - at) {
			line_message(b, p->bytes + at, n, &line->state);
			at += n;
		} else {
			line->resume = line_gathered(b, p, have, at, record, &line->state);
			return;
		}
	}
}

static void line_alert(struct buf *b, const struct packet *p, const struct tls_record *record,
		       uint32_t have)
{
	const uint8_t *alert = p->bytes + record->at;
	const char *level, *name;

	if (record->end - record->at != 2 || record->end > have) {
		buf_lit(b, "Encrypted Alert");
		return;
	}
	level = tls_name(tls_level_names, alert[0]);
	name = tls_name(tls_alert_names, alert[1]);
	buf_printf(b, "Alert %s ", level ? level : "of unknown level");
	if (name)
		buf_str(b, name);
	else
		buf_u64(b, alert[1]);
}

static void line_record(struct buf *b, const struct packet *p, const struct tls_record *record,
			uint32_t have, struct line *line)
{
	if (record->type == TLS_APPLICATION_DATA) {
		line->data_len += record->end - record->at;
		return;
	}
	say_data(b, line);
	if (record->type == TLS_HANDSHAKE) {
		line_handshakes(b, p, record, have, line);
		return;
	}
	put_before(b, line);
	if (record->type == TLS_ALERT) {
		line_alert(b, p, record, have);
		return;
	}
	buf_str(b, tls_name(tls_content_names, record->type));
	if (record->type == TLS_CHANGE_CIPHER_SPEC)
		line->state.encrypted = !line->state.v1_3;
}

void tls_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	uint32_t off = l->off, have = MIN(off + l->header_len, p->cap_len);
	struct line line = { .before = " ", .state = tls_state_of(p, l) };
	struct tls_record record;

	buf_lit(b, "TLS");
	if (tls_is_ssl2(p->bytes + off, have - off)) {
		buf_lit(b, " Client Hello in SSL 2.0,");
		put_version(b, load_be16(p->bytes + off + 3));
		return;
	}
	if (!tls_is_record(p->bytes + off, have - off)) {
		buf_printf(b, " continuation %u bytes", l->header_len);
		return;
	}
	while (off < have && tls_record_at(p, off, have, &record)) {
		line_record(b, p, &record, have, &line);
		off = record.end;
	}
	say_data(b, &line);
}
