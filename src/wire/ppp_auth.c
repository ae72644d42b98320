/*
 * PAP (RFC 1334 section 2) sends name and password as they are; CHAP (RFC 1994) answers a challenge
 * with a digest. Both have the header of PPP's control protocols, then strings with their length in
 * front; in CHAP what comes last goes on to the end.
 */
#include "wire/ppp_auth.h"

#include "wire/compose.h"
#include "wire/packet.h"

#define AUTH_LEN 4

enum { PAP_REQUEST = 1, PAP_ACK = 2, PAP_NAK = 3 };
enum { CHAP_CHALLENGE = 1, CHAP_RESPONSE = 2, CHAP_SUCCESS = 3, CHAP_FAILURE = 4 };

static const struct value_name pap_codes[] = {
	{ PAP_REQUEST, "request" },
	{ PAP_ACK, "ack" },
	{ PAP_NAK, "nak" },
	{ 0 },
};
static const struct value_name chap_codes[] = {
	{ CHAP_CHALLENGE, "challenge" },
	{ CHAP_RESPONSE, "response" },
	{ CHAP_SUCCESS, "success" },
	{ CHAP_FAILURE, "failure" },
	{ 0 },
};

#define HEADER_ROWS(n, names)                                                               \
	{ AS_UINT(n ".code", 0, 8), .title = "Code", .preset = 1, .values = (names) },      \
		{ AS_UINT(n ".identifier", BYTE(1), 8), .title = "Identifier",              \
		  .about = "Matches an answer to its request" },                            \
	{                                                                                   \
		AS_UINT(n ".length", BYTE(2), 16),                                          \
			.title = "Length", .about = "Bytes of the message, header included" \
	}

static const struct field pap_fields[] = { HEADER_ROWS("pap", pap_codes) };
static const struct field chap_fields[] = { HEADER_ROWS("chap", chap_codes) };
enum { ROW_CODE, ROW_IDENTIFIER, ROW_LENGTH };

/* Length and text, as many pairs as the message has. */
static const struct field pap_strings[] = {
	{ AS_UINT("pap.peer_id.length", 0, 8), .title = "Length of the name" },
	{ AS_TEXT("pap.peer_id", 0, 0), .title = "Name" },
	{ AS_UINT("pap.password.length", 0, 8), .title = "Length of the password" },
	{ AS_TEXT("pap.password", 0, 0), .title = "Password" },
};
static const struct field pap_message[] = {
	{ AS_UINT("pap.message.length", 0, 8), .title = "Length of the message" },
	{ AS_TEXT("pap.message", 0, 0), .title = "Message" },
};
static const struct field pap_other[] = { { AS_BYTES("pap.stuff", 0, 0), .title = "Data" } };

static const struct field chap_value[] = {
	{ AS_UINT("chap.value_size", 0, 8), .title = "Length of the value" },
	{ AS_BYTES("chap.value", 0, 0), .title = "Value",
	  .about = "Random in a challenge, a digest of it and the secret in a response" },
};
static const struct field chap_name[] = {
	{ AS_TEXT("chap.name", 0, 0), .title = "Name", .about = "Of who sends it" },
};
static const struct field chap_message[] = {
	{ AS_TEXT("chap.message", 0, 0), .title = "Message" },
};
static const struct field chap_other[] = { { AS_BYTES("chap.stuff", 0, 0), .title = "Data" } };

/* Strings with a length in front: @n rows, two a string. Returns where they end; 0 after a fault.
 */
static uint32_t walk_strings(struct walk *w, const struct field *rows, size_t n, uint32_t off)
{
	for (size_t i = 0; i < n; i += 2) {
		uint32_t len;

		if (!walk_field(w, &rows[i], off, 1, 0))
			return 0;
		len = w->packet->bytes[off++];
		if (len && !walk_field(w, &rows[i + 1], off, len, 0))
			return 0;
		off += len;
	}
	return off;
}

static void walk_rest(struct walk *w, const struct field *f, uint32_t off)
{
	if (off && off < w->end)
		walk_field(w, f, off, w->end - off, 0);
}

/* Messages without anything in them are answers of some implementations. */
static void pap_walk(struct walk *w)
{
	uint8_t code = w->packet->bytes[w->layer->off];

	if (w->at >= w->end)
		return;
	if (code == PAP_REQUEST)
		walk_strings(w, pap_strings, ARRAY_LEN(pap_strings), w->at);
	else if (code == PAP_ACK || code == PAP_NAK)
		walk_strings(w, pap_message, ARRAY_LEN(pap_message), w->at);
	else
		walk_rest(w, pap_other, w->at);
}

static void chap_walk(struct walk *w)
{
	uint8_t code = w->packet->bytes[w->layer->off];
	const struct field *rest = code == CHAP_SUCCESS || code == CHAP_FAILURE ? chap_message
										: chap_other;
	uint32_t off = w->at;

	if (off < w->end && (code == CHAP_CHALLENGE || code == CHAP_RESPONSE)) {
		off = walk_strings(w, chap_value, ARRAY_LEN(chap_value), off);
		rest = chap_name;
	}
	walk_rest(w, rest, off);
}

/* Strings with their lengths before them; @n rows, two a string. What is not set is empty. */
static void compose_strings(struct compose *m, const struct field *rows, size_t n)
{
	for (size_t i = 0; i < n; i += 2) {
		const struct compose_setting *len = compose_find(m, &rows[i]);
		const struct compose_setting *s = compose_find(m, &rows[i + 1]);

		buf_u8(&m->out, (uint8_t)compose_number(len, s ? s->len : 0));
		compose_text(m, s, "");
	}
}

static int pap_compose(struct compose *m, struct fault *fault)
{
	uint8_t code = m->header[ROW_CODE];

	(void)fault;
	if (code == PAP_REQUEST)
		compose_strings(m, pap_strings, ARRAY_LEN(pap_strings));
	else if (code == PAP_ACK || code == PAP_NAK)
		compose_strings(m, pap_message, ARRAY_LEN(pap_message));
	else
		compose_text(m, compose_find(m, pap_other), "");
	return 0;
}

static int chap_compose(struct compose *m, struct fault *fault)
{
	uint8_t code = m->header[ROW_CODE];
	bool verdict = code == CHAP_SUCCESS || code == CHAP_FAILURE;

	(void)fault;
	if (code == CHAP_CHALLENGE || code == CHAP_RESPONSE) {
		compose_strings(m, chap_value, ARRAY_LEN(chap_value));
		compose_text(m, compose_find(m, chap_name), "");
	} else {
		compose_text(m, compose_find(m, verdict ? chap_message : chap_other), "");
	}
	return 0;
}

static void auth_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const struct protocol *proto = protocols[l->proto];
	const uint8_t *header = p->bytes + l->off, *text = header + AUTH_LEN;
	const char *name;
	size_t left, len;

	buf_str(b, proto->short_name);
	if (l->header_len < AUTH_LEN)
		return;
	name = field_value_name(&proto->fields[ROW_CODE], header[0]);
	buf_char(b, ' ');
	buf_str(b, name ?: "message");
	buf_lit(b, " id ");
	buf_u64(b, header[1]);
	left = l->header_len - AUTH_LEN;
	if (!left || !name)
		return;
	len = left;
	if (l->proto == PROTOCOL_PAP) {
		len = MIN((size_t)*text++, left - 1);
	} else if (header[0] <= CHAP_RESPONSE) {
		size_t skip = MIN(1u + (size_t)*text, left);

		text += skip;
		len -= skip;
	}
	buf_lit(b, " '");
	buf_safe(b, (const char *)text, len);
	buf_char(b, '\'');
}

static const struct rows pap_rows[] = {
	{ pap_strings, ARRAY_LEN(pap_strings) },
	{ pap_message, ARRAY_LEN(pap_message) },
	{ pap_other, ARRAY_LEN(pap_other) },
};

const struct protocol protocol_pap = {
	PROTOCOL_NAME("pap"),
	.short_name = "PAP",
	.title = "PPP Password Authentication Protocol",
	.rfc = "RFC 1334 section 2",
	.about = "Name and password, readable by everybody on the way.",
	ROWS(pap_fields),
	.min_len = AUTH_LEN,
	.whole = true,
	.total_len = &pap_fields[ROW_LENGTH],
	.more_rows = pap_rows,
	.n_more_rows = ARRAY_LEN(pap_rows),
	.walk = pap_walk,
	.compose = pap_compose,
	.line = auth_line,
};

static const struct rows chap_rows[] = {
	{ chap_value, ARRAY_LEN(chap_value) },
	{ chap_name, ARRAY_LEN(chap_name) },
	{ chap_message, ARRAY_LEN(chap_message) },
	{ chap_other, ARRAY_LEN(chap_other) },
};

const struct protocol protocol_chap = {
	PROTOCOL_NAME("chap"),
	.short_name = "CHAP",
	.title = "PPP Challenge Handshake Authentication Protocol",
	.rfc = "RFC 1994 section 4",
	.about = "One side sends a random value, the other proves with a digest that it knows the "
		 "secret.",
	ROWS(chap_fields),
	.min_len = AUTH_LEN,
	.whole = true,
	.total_len = &chap_fields[ROW_LENGTH],
	.more_rows = chap_rows,
	.n_more_rows = ARRAY_LEN(chap_rows),
	.walk = chap_walk,
	.compose = chap_compose,
	.line = auth_line,
};
