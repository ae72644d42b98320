/*
 * TLS records in a run of bytes (RFC 8446 section 5.1): where they are, where handshake messages
 * end that go over several of them, and from where on a side's messages are encrypted.
 */
#include "wire/tls_internal.h"

bool tls_is_ssl2(const uint8_t *bytes, size_t len)
{
	uint16_t version;

	if (len < 5 || !(bytes[0] & 0x80) || bytes[2] != TLS_CLIENT_HELLO)
		return false;
	version = load_be16(bytes + 3);
	return version == 2 || (version >= 0x0300 && version <= 0x0303);
}

bool tls_is_record(const uint8_t *bytes, size_t len)
{
	return (len < 1 || (bytes[0] >= TLS_CHANGE_CIPHER_SPEC && bytes[0] <= TLS_HEARTBEAT)) &&
	       (len < 2 || bytes[1] == 3) && (len < 3 || bytes[2] <= 4) &&
	       (len < 5 || load_be16(bytes + 3) <= TLS_RECORD_MAX);
}

bool tls_record_at(const struct packet *p, uint32_t off, uint32_t have,
		   struct tls_record *ret_record)
{
	const uint8_t *bytes = p->bytes + off;

	if (have - off < TLS_RECORD_HEADER || !tls_is_record(bytes, TLS_RECORD_HEADER))
		return false;
	*ret_record = (struct tls_record){
		.type = bytes[0],
		.version = load_be16(bytes + 1),
		.at = off + TLS_RECORD_HEADER,
		.end = off + TLS_RECORD_HEADER + load_be16(bytes + 3),
	};
	return true;
}

static uint32_t load_be24(const uint8_t *bytes)
{
	return load_be32(bytes) & 0xffffff;
}

/* Length of a handshake message, its header included. */
static uint32_t message_len(const uint8_t *header)
{
	return TLS_HANDSHAKE_HEADER + load_be24(header);
}

/* Whether a handshake message can begin so. */
static bool is_message(const uint8_t *header)
{
	return tls_name(tls_handshake_names, header[0]) && message_len(header) <= 1 << 18;
}

bool tls_is_plain(const uint8_t *bytes, uint32_t have, uint32_t len, const struct tls_state *state)
{
	uint32_t at = 0;

	/* After a Hello Retry Request the client changes nothing, but says so before it says hello
	 * again (RFC 8446 appendix D.4). */
	if (state->encrypted)
		return have >= TLS_HANDSHAKE_HEADER && bytes[0] == TLS_CLIENT_HELLO &&
		       message_len(bytes) == len;
	/* The server's hello was seen, but no change: whatever follows is as wrong as it looks. */
	if (state->cipher && have && tls_name(tls_handshake_names, bytes[0]))
		return true;
	for (int i = 0; i < 16 && have - at >= TLS_HANDSHAKE_HEADER; i++) {
		uint32_t n = message_len(bytes + at);

		if (!is_message(bytes + at))
			return false;
		/* The number of a record in AES-GCM looks like this. */
		if (bytes[at] == TLS_HELLO_REQUEST && (n != TLS_HANDSHAKE_HEADER || n != len))
			return false;
		if (n >= have - at)
			break;
		at += n;
	}
	return true;
}

static void add_piece(struct tls_gathered *g, const struct packet *p, uint32_t off, uint32_t len)
{
	len = MIN(len, TLS_GATHER_MAX - g->len);
	if (!len || g->n_pieces == TLS_GATHER_PIECES)
		return;
	g->pieces[g->n_pieces].at = g->len;
	g->pieces[g->n_pieces++].off = off;
	memcpy(g->bytes + g->len, p->bytes + off, len);
	g->len += len;
	g->next = off + len;
}

void tls_gather(const struct packet *p, uint32_t have, uint32_t at, const struct tls_record *record,
		struct tls_gathered *ret_gathered)
{
	struct tls_gathered *g = ret_gathered;
	struct tls_record r = *record;

	g->len = g->n_pieces = 0;
	g->total = TLS_HANDSHAKE_HEADER;
	g->next = at;
	while (true) {
		uint32_t end = MIN(r.end, have), before = g->len;

		/* The header first: it may be cut, too. */
		if (g->len < TLS_HANDSHAKE_HEADER) {
			add_piece(g, p, at, MIN(end - at, TLS_HANDSHAKE_HEADER - g->len));
			at += g->len - before;
			if (g->len == TLS_HANDSHAKE_HEADER)
				g->total = message_len(g->bytes);
		}
		if (g->len >= TLS_HANDSHAKE_HEADER && at < end)
			add_piece(g, p, at, MIN(end - at, g->total - g->len));
		if (g->len >= g->total || g->len == before || r.end >= have)
			return;
		if (!tls_record_at(p, r.end, have, &r) || r.type != TLS_HANDSHAKE)
			return;
		at = r.at;
	}
}

struct tls_state tls_state_of(const struct packet *p, const struct layer *l)
{
	const struct dialogue *d = p->config->dialogue;
	struct tls_state state = { 0 };

	if (!d || !(l->flags & LAYER_STREAM))
		return state;
	state.v1_3 = d->phase[0] & TLS_1_3;
	state.cipher = (uint16_t)d->count[1];
	state.encrypted = d->phase[l->flags & LAYER_REPLY ? 1 : 0] & TLS_ENCRYPTED;
	return state;
}

bool tls_guess(const uint8_t *bytes, size_t len, bool stream)
{
	uint16_t record_len;

	if (!stream || len < 11 || bytes[0] != TLS_HANDSHAKE || !tls_is_record(bytes, len))
		return false;
	record_len = load_be16(bytes + 3);
	return (bytes[5] == TLS_CLIENT_HELLO || bytes[5] == TLS_SERVER_HELLO) &&
	       record_len > TLS_HANDSHAKE_HEADER && message_len(bytes + 5) < 1 << 17 &&
	       bytes[9] == 3 && bytes[10] <= 4;
}

/* A side's stream while its messages are being found. */
struct scan {
	struct tls_state state;
	uint8_t header[TLS_HANDSHAKE_HEADER]; /* of the handshake message in hand, */
	uint32_t n_header;
	uint32_t missing; /* and what of it is still to come */
};

/* Contents of a handshake record: messages that begin, go on and end in it. What is none ends
 * there, too. */
static void scan_handshake(struct scan *s, const uint8_t *bytes, uint32_t len)
{
	while (len) {
		uint32_t n = MIN(len, s->missing);

		if (!s->missing) {
			s->header[s->n_header++] = *bytes++;
			len--;
			if (s->n_header < TLS_HANDSHAKE_HEADER)
				continue;
			s->n_header = 0;
			s->missing = load_be24(s->header);
			if (!is_message(s->header)) {
				s->missing = 0;
				return;
			}
			if (s->header[0] == TLS_SERVER_HELLO) {
				struct tls_server_hello hello;

				tls_read_server_hello(bytes, MIN(len, s->missing), &hello);
				tls_state_hello(&s->state, &hello);
			}
			continue;
		}
		bytes += n;
		len -= n;
		s->missing -= n;
	}
}

/* One whole record. Return: whether a message can end behind it. */
static bool scan_record(struct scan *s, const uint8_t *record)
{
	uint32_t len = load_be16(record + 3);
	const uint8_t *contents = record + TLS_RECORD_HEADER;
	bool inside = s->missing || s->n_header;

	if (record[0] == TLS_HANDSHAKE && (inside || tls_is_plain(contents, len, len, &s->state))) {
		scan_handshake(s, contents, len);
		return !s->missing && !s->n_header;
	}
	if (record[0] == TLS_CHANGE_CIPHER_SPEC && !s->state.v1_3)
		s->state.encrypted = true;
	s->missing = s->n_header = 0;
	return true;
}

static void scan_store(const struct scan *s, struct dialogue *d, bool reply)
{
	d->count[1] = s->state.cipher;
	d->phase[reply] = (uint8_t)((d->phase[reply] & ~TLS_ENCRYPTED) |
				    (s->state.encrypted ? TLS_ENCRYPTED : 0));
	d->phase[0] = (uint8_t)((d->phase[0] & ~TLS_1_3) | (s->state.v1_3 ? TLS_1_3 : 0));
}

static int64_t ssl2_message(const uint8_t *bytes, size_t len, bool end)
{
	size_t total = 2u + (load_be16(bytes) & 0x7fffu);

	if (total <= len)
		return (int64_t)total;
	return end ? (int64_t)len : 0;
}

/* A record, or as many as a handshake message needs that goes over several. */
int64_t tls_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len, bool end)
{
	struct scan s = { .state = { .cipher = (uint16_t)d->count[1],
				     .v1_3 = d->phase[0] & TLS_1_3,
				     .encrypted = d->phase[reply] & TLS_ENCRYPTED } };
	size_t at = 0;

	if (!reply && tls_is_ssl2(bytes, len))
		return ssl2_message(bytes, len, end);
	if (!reply && len < 5 && bytes[0] & 0x80)
		return end ? (int64_t)len : 0;
	while (at < len) {
		size_t left = len - at, n;

		if (!tls_is_record(bytes + at, MIN(left, (size_t)TLS_RECORD_HEADER)))
			return at ? (int64_t)at : -E_MALFORMED;
		if (left < TLS_RECORD_HEADER)
			break;
		n = TLS_RECORD_HEADER + load_be16(bytes + at + 3);
		if (n > left)
			break;
		at += n;
		if (scan_record(&s, bytes + at - n) || at >= TLS_GATHER_MAX) {
			scan_store(&s, d, reply);
			return (int64_t)at;
		}
	}
	return end ? (int64_t)len : 0;
}
