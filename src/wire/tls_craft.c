/*
 * TLS as it is written: one record, around an alert, a client hello, data, or the layers behind.
 *
 * A hello has the extensions of which a field is set, in the order in which they were; fields of
 * one extension may be anywhere. An extension without fields of its own here, or an empty one, is
 * begun by its type. Nothing is put into a hello that was not asked for but cipher suites, without
 * which it is none.
 */
#include "wire/compose.h"
#include "wire/tls_internal.h"

/* What records say whatever version is spoken, those of hellos an older one (RFC 8446 section 5.1).
 */
enum { RECORD_VERSION = 0x0303, HELLO_RECORD_VERSION = 0x0301, HELLO_VERSION = 0x0303 };

/* Cipher suites of a hello that names none: those that every server of 1.3 or 1.2 has one of. */
static const uint16_t usual_ciphers[] = { 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f };

/* Extensions that are a list of items, or one item. */
static const struct extension {
	uint16_t type;
	uint8_t row, type_row; /* type_row: of a number before each item, 0 when it is not set */
	uint8_t list_len;      /* bytes of the length of all, */
	uint8_t item_len;      /* and of each */
	bool typed;
} extensions[] = {
	{ 0, TLS_ROW_SNI, TLS_ROW_SNI_TYPE, 2, 2, true },
	{ 1, TLS_ROW_MAX_FRAGMENT },
	{ 10, TLS_ROW_GROUP, .list_len = 2 },
	{ 11, TLS_ROW_POINT, .list_len = 1 },
	{ 13, TLS_ROW_SIGNATURE_ALG, .list_len = 2 },
	{ 15, TLS_ROW_HEARTBEAT_MODE },
	{ 16, TLS_ROW_ALPN, .list_len = 2, .item_len = 1 },
	{ 21, TLS_ROW_PADDING },
	{ 27, TLS_ROW_COMPRESSOR, .list_len = 1 },
	{ 28, TLS_ROW_RECORD_LIMIT },
	{ 43, TLS_ROW_SUPPORTED_VERSION, .list_len = 1 },
	{ 44, TLS_ROW_COOKIE, .item_len = 2 },
	{ 45, TLS_ROW_PSK_MODE, .list_len = 1 },
	{ 51, TLS_ROW_KEY_SHARE_KEY, TLS_ROW_KEY_SHARE_GROUP, 2, 2, true },
	{ 17513, TLS_ROW_ALPS, .list_len = 2, .item_len = 1 },
	{ 65281, TLS_ROW_RENEGOTIATION, .item_len = 1 },
};

/* A hello being written. The first thing that is too long for its length stays. */
struct hello {
	struct compose *m;
	const char *too_long;
};

static const struct field *row_of(uint8_t row)
{
	return &tls_rows[row];
}

/* A number in the @len bytes at @at. */
static void store(struct hello *h, size_t at, unsigned len, uint64_t value)
{
	uint8_t *bytes = (uint8_t *)h->m->out.data + at;

	if (h->m->out.err)
		return;
	for (unsigned i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

static void put(struct hello *h, unsigned len, uint64_t value)
{
	size_t at = h->m->out.len;

	buf_fill(&h->m->out, 0, len);
	store(h, at, len, value);
}

/* Room for a length of what follows. */
static size_t open_len(struct hello *h, unsigned len)
{
	size_t at = h->m->out.len;

	buf_fill(&h->m->out, 0, len);
	return at;
}

static void close_len(struct hello *h, size_t at, unsigned len, const char *what)
{
	size_t n = h->m->out.len - at - len;

	if (len && n >> 8 * len && !h->too_long)
		h->too_long = what;
	if (len)
		store(h, at, len, n);
}

static void put_item(struct hello *h, const struct extension *e, const struct compose_setting *type,
		     const struct compose_setting *s)
{
	size_t at;

	if (e->typed)
		put(h, row_of(e->type_row)->bits / 8, compose_number(type, 0));
	at = open_len(h, e->item_len);
	if (s && field_is_number(s->field))
		put(h, s->field->bits / 8, s->number);
	else if (s)
		buf_bytes(&h->m->out, s->bytes, s->len);
	close_len(h, at, e->item_len, row_of(e->row)->title);
}

/* All settings of the extension from @first on. A type goes with the item behind it. */
static void put_extension(struct hello *h, const struct extension *e, size_t first)
{
	struct compose *m = h->m;
	const struct compose_setting *type = NULL;
	size_t at, list;

	put(h, 2, e->type);
	at = open_len(h, 2);
	list = open_len(h, e->list_len);
	for (size_t i = first; i < m->n; i++) {
		struct compose_setting *s = &m->settings[i];

		if (s->field == row_of(e->row)) {
			put_item(h, e, type, s);
			type = NULL;
		} else if (e->typed && s->field == row_of(e->type_row)) {
			if (type)
				put_item(h, e, type, NULL);
			type = s;
		} else {
			continue;
		}
		s->used = true;
	}
	if (type)
		put_item(h, e, type, NULL);
	close_len(h, list, e->list_len, row_of(e->row)->title);
	close_len(h, at, 2, row_of(e->row)->title);
}

/* By its type, with the data that follow before the next one. */
static void put_other(struct hello *h, size_t first)
{
	struct compose *m = h->m;
	struct compose_setting *data = NULL;
	size_t at;

	m->settings[first].used = true;
	put(h, 2, m->settings[first].number);
	at = open_len(h, 2);
	for (size_t i = first + 1; i < m->n && !data; i++) {
		if (m->settings[i].field == row_of(TLS_ROW_EXTENSION_TYPE))
			break;
		if (m->settings[i].field == row_of(TLS_ROW_EXTENSION_DATA))
			data = &m->settings[i];
	}
	if (data) {
		data->used = true;
		buf_bytes(&m->out, data->bytes, data->len);
	}
	close_len(h, at, 2, row_of(TLS_ROW_EXTENSION_DATA)->title);
}

/* RFC 6066 section 8: no responders, no extensions of the question. */
static void put_status_request(struct hello *h, struct compose_setting *s)
{
	s->used = true;
	put(h, 2, 5);
	put(h, 2, 5);
	put(h, 1, s->number);
	put(h, 4, 0);
}

static const struct extension *extension_with(const struct field *f)
{
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
		if (f == row_of(extensions[i].row) ||
		    (extensions[i].typed && f == row_of(extensions[i].type_row)))
			return &extensions[i];
	return NULL;
}

static bool is_extension(const struct field *f)
{
	return extension_with(f) || f == row_of(TLS_ROW_EXTENSION_TYPE) ||
	       f == row_of(TLS_ROW_STATUS_TYPE);
}

static void put_extensions(struct hello *h)
{
	struct compose *m = h->m;
	size_t at = 0;
	bool some = false;

	for (size_t i = 0; i < m->n; i++) {
		struct compose_setting *s = &m->settings[i];
		const struct extension *e = extension_with(s->field);

		if (s->used || !is_extension(s->field))
			continue;
		if (!some)
			at = open_len(h, 2);
		some = true;
		if (e)
			put_extension(h, e, i);
		else if (s->field == row_of(TLS_ROW_STATUS_TYPE))
			put_status_request(h, s);
		else
			put_other(h, i);
	}
	if (some)
		close_len(h, at, 2, "list of extensions");
}

/* All settings of a row, or the usual numbers. */
static void put_numbers(struct hello *h, enum tls_row row, unsigned len, const uint16_t *usual,
			size_t n_usual)
{
	struct compose *m = h->m;
	unsigned size = row_of(row)->bits / 8;
	size_t at = open_len(h, len);
	bool some = false;

	for (size_t i = 0; i < m->n; i++) {
		if (m->settings[i].field != row_of(row))
			continue;
		m->settings[i].used = some = true;
		put(h, size, m->settings[i].number);
	}
	for (size_t i = 0; i < n_usual && !some; i++)
		put(h, size, usual[i]);
	close_len(h, at, len, row_of(row)->title);
}

static int put_hello(struct compose *m, struct fault *fault)
{
	static const uint8_t random[TLS_RANDOM_LEN];
	static const uint16_t no_compression = 0;
	const struct compose_setting *type = compose_find(m, row_of(TLS_ROW_TYPE));
	const struct compose_setting *len = compose_find(m, row_of(TLS_ROW_HANDSHAKE_LENGTH));
	const struct compose_setting *own = compose_find(m, row_of(TLS_ROW_RANDOM));
	const struct compose_setting *session = compose_find(m, row_of(TLS_ROW_SESSION_ID));
	struct hello h = { .m = m };
	size_t at, id;

	if (type && type->number != TLS_CLIENT_HELLO)
		return compose_fails(
			m, type, fault,
			"of handshake messages only client hellos (1) are written; others "
			"as bytes: tls(record.content_type=22)/data(data=…)");
	if (own && own->len != TLS_RANDOM_LEN)
		return compose_fails(m, own, fault, "the random has %u bytes, not %u",
				     TLS_RANDOM_LEN, own->len);
	put(&h, 1, TLS_CLIENT_HELLO);
	at = open_len(&h, 3);
	put(&h, 2, compose_number(compose_find(m, row_of(TLS_ROW_HELLO_VERSION)), HELLO_VERSION));
	buf_bytes(&m->out, own ? own->bytes : random, TLS_RANDOM_LEN);
	id = open_len(&h, 1);
	compose_text(m, session, "");
	close_len(&h, id, 1, row_of(TLS_ROW_SESSION_ID)->title);
	put_numbers(&h, TLS_ROW_CIPHERS, 2, usual_ciphers, ARRAY_LEN(usual_ciphers));
	put_numbers(&h, TLS_ROW_COMPRESSIONS, 1, &no_compression, 1);
	put_extensions(&h);
	close_len(&h, at, 3, "message");
	if (len)
		store(&h, at, 3, len->number);
	if (h.too_long)
		return compose_fails(m, NULL, fault, "%s: longer than its length can say",
				     h.too_long);
	return 0;
}

/* Whether fields of a handshake message are set. */
static bool has_handshake(const struct compose *m)
{
	static const uint8_t rows[] = { TLS_ROW_TYPE,	      TLS_ROW_HANDSHAKE_LENGTH,
					TLS_ROW_RANDOM,	      TLS_ROW_SESSION_ID,
					TLS_ROW_CIPHERS,      TLS_ROW_COMPRESSIONS,
					TLS_ROW_HELLO_VERSION };

	for (size_t i = 0; i < m->n; i++) {
		if (is_extension(m->settings[i].field))
			return true;
		for (size_t k = 0; k < ARRAY_LEN(rows); k++)
			if (m->settings[i].field == row_of(rows[k]))
				return true;
	}
	return false;
}

int tls_compose(struct compose *m, struct fault *fault)
{
	const struct compose_setting *type = compose_find(m, row_of(TLS_ROW_CONTENT_TYPE));
	const struct compose_setting *opaque = compose_find(m, row_of(TLS_ROW_OPAQUE_TYPE));
	const struct compose_setting *version = compose_find(m, row_of(TLS_ROW_VERSION));
	const struct compose_setting *len = compose_find(m, row_of(TLS_ROW_LENGTH));
	const struct compose_setting *level = compose_find(m, row_of(TLS_ROW_ALERT_LEVEL));
	const struct compose_setting *desc = compose_find(m, row_of(TLS_ROW_ALERT_DESC));
	const struct compose_setting *data = compose_find(m, row_of(TLS_ROW_APP_DATA));
	bool alert = level || desc, hello = has_handshake(m);
	uint64_t usual = alert ? TLS_ALERT : data ? TLS_APPLICATION_DATA : TLS_HANDSHAKE;
	struct hello h = { .m = m };
	size_t body;
	int err = 0;

	if (hello && (alert || data))
		return compose_fails(m, desc ?: level ?: data, fault,
				     "a record holds a handshake message, an alert or data; write a "
				     "record for each");
	put(&h, 1, compose_number(type ? type : opaque, usual));
	put(&h, 2, compose_number(version, hello ? HELLO_RECORD_VERSION : RECORD_VERSION));
	body = open_len(&h, 2);
	if (hello)
		err = put_hello(m, fault);
	if (err)
		return err;
	if (alert) {
		put(&h, 1, compose_number(level, 2));
		put(&h, 1, compose_number(desc, 0));
	}
	compose_text(m, data, "");
	store(&h, body, 2, compose_number(len, m->out.len - body - 2 + m->payload_len));
	return 0;
}
