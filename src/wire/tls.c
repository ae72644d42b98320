/*
 * TLS 1.0 to 1.3 and SSL 3.0 (RFC 8446, RFC 5246, RFC 6101): records, and in them alerts and
 * handshake messages until they are encrypted. What is encrypted is named as such; from which
 * record on that is so is known from the dialogue, or, for single segments, from their bytes.
 *
 * A handshake message may go over several records. It is then put together, and its fields are
 * given below the first of them.
 */
#include "wire/tls.h"

#include "wire/ocsp.h"
#include "wire/tls_internal.h"
#include "wire/x509.h"

/* Gives fields of bytes that were put together the places that they have in the packet. */
struct mapping {
	struct sink sink;
	struct sink *to;
	const struct tls_gathered *gathered;
};

static void map_item(struct sink *sink, const struct item *item)
{
	struct mapping *m = container_of(sink, struct mapping, sink);
	const struct tls_gathered *g = m->gathered;
	struct item mapped = *item;
	uint32_t i = g->n_pieces - 1;

	while (i && g->pieces[i].at > item->off)
		i--;
	mapped.off = g->pieces[i].off + item->off - g->pieces[i].at;
	m->to->item(m->to, &mapped);
}

/* One handshake message at the part's start. */
static void walk_message(struct tls_part *p, struct tls_state *state)
{
	struct tls_part in = { p->w, p->at, p->end, p->depth + 1 }, body;
	uint8_t type;

	if (!walk_fits(p->w, p->at, 1, p->end))
		return;
	walk_group(p->w, &tls_rows[TLS_ROW_HANDSHAKE], p->at, 1, p->depth, NULL);
	type = (uint8_t)tls_number(&in, TLS_ROW_TYPE, 1);
	body = tls_vector(&in, TLS_ROW_HANDSHAKE_LENGTH, 3);
	if (!p->w->over)
		tls_walk_handshake(&body, type, state);
	p->at = in.at;
}

/* Return: where the message ends in the packet. Not inlined: its buffer is large. */
static __attribute__((noinline)) uint32_t
walk_gathered(struct walk *w, uint32_t at, const struct tls_record *record, struct tls_state *state)
{
	struct tls_gathered g;
	struct mapping map = { .sink.item = map_item, .to = w->sink, .gathered = &g };
	struct packet p = *w->packet;
	struct walk in = { .packet = &p, .layer = w->layer, .proto = w->proto, .sink = &map.sink };
	struct tls_part message = { &in, 0, 0, 1 };

	tls_gather(w->packet, MIN(w->end, w->packet->cap_len), at, record, &g);
	p.bytes = g.bytes;
	p.cap_len = g.len;
	in.end = message.end = g.total;
	walk_message(&message, state);
	w->over = in.over;
	return g.next;
}

static void walk_encrypted(struct tls_part *p)
{
	walk_group(p->w, &tls_rows[TLS_ROW_HANDSHAKE], p->at, 0, p->depth, NULL);
	p->depth++;
	tls_bytes(p, TLS_ROW_HANDSHAKE_ENCRYPTED, p->end - p->at);
}

/* @resume: where a message ended that began in a record before. */
static void walk_handshakes(struct tls_part *p, const struct tls_record *record,
			    struct tls_state *state, uint32_t *resume)
{
	uint32_t have = MIN(p->w->end, p->w->packet->cap_len);

	if (*resume > p->at) {
		p->at = MIN(*resume, p->end);
	} else if (p->at < have &&
		   !tls_is_plain(p->w->packet->bytes + p->at, MIN(p->end, have) - p->at,
				 p->end - p->at, state)) {
		walk_encrypted(p);
		return;
	}
	while (tls_more(p)) {
		const uint8_t *header = p->w->packet->bytes + p->at;
		uint32_t len = p->end - p->at, have_len = have - MIN(p->at, have);
		uint32_t total = have_len < TLS_HANDSHAKE_HEADER
					 ? UINT32_MAX
					 : TLS_HANDSHAKE_HEADER + (load_be32(header) & 0xffffff);

		if (len < TLS_HANDSHAKE_HEADER || total > len) {
			if (p->end < have) {
				*resume = walk_gathered(p->w, p->at, record, state);
				return;
			}
			/* The rest is not here: as far as it goes. */
			p->end = have_len < TLS_HANDSHAKE_HEADER ? UINT32_MAX : p->at + total;
		}
		walk_message(p, state);
	}
}

static void walk_heartbeat(struct tls_part *p)
{
	uint32_t len;

	tls_number(p, TLS_ROW_HEARTBEAT_TYPE, 1);
	len = tls_number(p, TLS_ROW_HEARTBEAT_LEN, 2);
	if (len <= p->end - p->at)
		tls_bytes(p, TLS_ROW_HEARTBEAT_PAYLOAD, len);
	if (tls_more(p))
		tls_bytes(p, TLS_ROW_HEARTBEAT_PADDING, p->end - p->at);
}

static void walk_contents(struct tls_part *p, const struct tls_record *record,
			  struct tls_state *state, uint32_t *resume)
{
	uint32_t len = p->end - p->at;

	switch (record->type) {
	case TLS_CHANGE_CIPHER_SPEC:
		if (walk_fits(p->w, p->at, len, p->end))
			walk_number(p->w, &tls_rows[TLS_ROW_CCS], p->at, len, 1, p->depth);
		state->encrypted = !state->v1_3;
		break;
	case TLS_ALERT:
		if (len == 2) {
			tls_number(p, TLS_ROW_ALERT_LEVEL, 1);
			tls_number(p, TLS_ROW_ALERT_DESC, 1);
		} else {
			tls_bytes(p, TLS_ROW_ALERT_ENCRYPTED, len);
		}
		break;
	case TLS_HANDSHAKE:
		walk_handshakes(p, record, state, resume);
		break;
	case TLS_HEARTBEAT:
		if (!state->encrypted)
			walk_heartbeat(p);
		break;
	default:
		tls_bytes(p, TLS_ROW_APP_DATA, len);
	}
}

/* The record at @off. Return: where it ends. */
static uint32_t walk_record(struct walk *w, uint32_t off, struct tls_state *state, uint32_t *resume)
{
	struct tls_part head = { w, off, off + TLS_RECORD_HEADER, 1 }, contents;
	struct tls_record record = { .end = UINT32_MAX };
	bool opaque;

	walk_group(w, &tls_rows[TLS_ROW_RECORD], off, 1, 0, NULL);
	opaque = state->v1_3 && w->packet->bytes[off] == TLS_APPLICATION_DATA;
	tls_number(&head, opaque ? TLS_ROW_OPAQUE_TYPE : TLS_ROW_CONTENT_TYPE, 1);
	tls_number(&head, TLS_ROW_VERSION, 2);
	tls_number(&head, TLS_ROW_LENGTH, 2);
	if (w->over || !tls_record_at(w->packet, off, MIN(w->end, w->packet->cap_len), &record))
		return UINT32_MAX;
	state->version = record.version;
	contents = (struct tls_part){ w, record.at, record.end, 1 };
	if (record.end > record.at)
		walk_contents(&contents, &record, state, resume);
	return record.end;
}

/* RFC 6101 appendix E: a hello of SSL 2.0, by which others were offered. */
static void walk_ssl2(struct walk *w)
{
	struct tls_part p = { w, w->layer->off, UINT32_MAX, 1 }, hello = p, specs;
	uint32_t len = load_be16(w->packet->bytes + p.at) & 0x7fff;

	walk_group(w, &tls_rows[TLS_ROW_RECORD], p.at, 2, 0, NULL);
	walk_number(w, &tls_rows[TLS_ROW_SSL2_VERSION], p.at, 2, 2, 1);
	walk_number(w, &tls_rows[TLS_ROW_LENGTH], p.at, 2, len, 1);
	hello.at = p.at + 2;
	hello.end = hello.at + len;
	walk_group(w, &tls_rows[TLS_ROW_HANDSHAKE], hello.at, 1, 1, NULL);
	hello.depth = 2;
	tls_number(&hello, TLS_ROW_TYPE, 1);
	tls_number(&hello, TLS_ROW_HELLO_VERSION, 2);
	specs = hello;
	uint32_t n_specs = tls_number(&hello, TLS_ROW_CIPHER_SPECS_LEN, 2);
	uint32_t n_id = tls_number(&hello, TLS_ROW_SESSION_ID_LEN, 2);
	uint32_t n_challenge = tls_number(&hello, TLS_ROW_CHALLENGE_LEN, 2);

	if (w->over || !walk_fits(w, hello.at, n_specs, hello.end))
		return;
	specs.at = hello.at;
	specs.end = hello.at + n_specs;
	while (tls_more(&specs))
		tls_number(&specs, TLS_ROW_CIPHER_SPEC, 3);
	hello.at += n_specs;
	if (n_id)
		tls_bytes(&hello, TLS_ROW_SESSION_ID, n_id);
	tls_bytes(&hello, TLS_ROW_CHALLENGE, n_challenge);
}

static void tls_walk(struct walk *w)
{
	uint32_t off = w->layer->off, have = MIN(w->end, w->packet->cap_len), resume = 0;
	struct tls_state state = tls_state_of(w->packet, w->layer);
	const uint8_t *bytes = w->packet->bytes;

	if (tls_is_ssl2(bytes + off, have - off)) {
		walk_ssl2(w);
		return;
	}
	/* A segment that begins in the middle of a record: nothing can be said of it. */
	if (!tls_is_record(bytes + off, have - off))
		return;
	while (off < have && !w->over) {
		if (!tls_is_record(bytes + off, have - off)) {
			walk_fault(w, -E_MALFORMED, off);
			return;
		}
		off = walk_record(w, off, &state, &resume);
	}
	/* Announced, but in another segment or not captured. */
	if (off > w->end && !w->over)
		walk_fits(w, off, 0, off);
}

static const struct rows more_rows[] = {
	{ tls_rows, N_TLS_ROWS },
	{ x509_rows, N_X509_ROWS },
	{ x509_extension_rows, N_X509_EXTENSION_ROWS },
	{ ocsp_rows, N_OCSP_ROWS },
};

const struct protocol protocol_tls = {
	PROTOCOL_NAME("tls"),
	.short_name = "TLS",
	.title = "Transport Layer Security",
	.rfc = "RFC 8446, RFC 5246",
	.about = "Encrypts what is inside, and proves with certificates who speaks.",
	.min_len = 1,
	.whole = true,
	.application = true,
	.more_rows = more_rows,
	.n_more_rows = ARRAY_LEN(more_rows),
	.walk = tls_walk,
	.compose = tls_compose,
	.line = tls_line,
	.guess = tls_guess,
	.message = tls_message,
};
