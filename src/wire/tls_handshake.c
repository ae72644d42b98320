/*
 * TLS handshake messages as they are before anything is encrypted (RFC 8446 section 4, RFC 5246
 * section 7.4, RFC 8422 section 5, RFC 4279, RFC 5489, RFC 5077, RFC 6066 section 8). What a key
 * exchange holds depends on the cipher suite: when that was not seen, it is given as bytes.
 */
#include "wire/ocsp.h"
#include "wire/tls_internal.h"
#include "wire/x509.h"

/* RFC 8446 section 4.1.3: the random of a server hello that is a Hello Retry Request. */
static const uint8_t retry_random[TLS_RANDOM_LEN] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

/* Server hellos of 1.3 had neither session nor compression before draft 22. */
static bool is_early_draft(uint16_t version)
{
	return version >= 0x7f00 && version < 0x7f16;
}

void tls_read_server_hello(const uint8_t *bytes, size_t len, struct tls_server_hello *ret_hello)
{
	struct cursor c = cursor_of(bytes, len), list;
	uint16_t version = cursor_be16(&c);
	const uint8_t *random = cursor_bytes(&c, TLS_RANDOM_LEN);

	*ret_hello = (struct tls_server_hello){ 0 };
	ret_hello->retry = random && !memcmp(random, retry_random, TLS_RANDOM_LEN);
	if (!is_early_draft(version))
		cursor_skip(&c, cursor_u8(&c));
	ret_hello->cipher = cursor_be16(&c);
	if (c.err)
		return;
	ret_hello->version = version;
	if (!is_early_draft(version))
		cursor_skip(&c, 1);
	list = cursor_sub(&c, MIN((size_t)cursor_be16(&c), cursor_left(&c)));
	while (cursor_left(&list)) {
		uint16_t type = cursor_be16(&list);
		struct cursor one = cursor_sub(&list, cursor_be16(&list));

		if (list.err)
			return;
		if (type == 43 && cursor_left(&one) == 2)
			ret_hello->version = cursor_be16(&one);
		if (type != 16)
			continue;
		cursor_skip(&one, 2);
		ret_hello->alpn_len = cursor_u8(&one);
		ret_hello->alpn = cursor_bytes(&one, ret_hello->alpn_len);
	}
}

void tls_state_hello(struct tls_state *state, const struct tls_server_hello *hello)
{
	if (!hello->version)
		return;
	state->cipher = hello->cipher;
	/* Drafts of 1.3 have numbers of their own. */
	state->v1_3 = hello->version >= 0x0304;
	if (state->v1_3)
		state->encrypted = false;
}

/* @time: it may begin with one. */
static void walk_random(struct tls_part *p, bool time)
{
	uint32_t at = p->at;

	tls_bytes(p, TLS_ROW_RANDOM, TLS_RANDOM_LEN);
	if (p->w->over || !time)
		return;
	walk_number(p->w, &tls_rows[TLS_ROW_RANDOM_TIME], at, 4,
		    load_be32(p->w->packet->bytes + at) * NS_PER_S, p->depth);
	walk_field(p->w, &tls_rows[TLS_ROW_RANDOM_BYTES], at + 4, TLS_RANDOM_LEN - 4, p->depth);
}

static void walk_client_hello(struct tls_part *p, const struct tls_state *state)
{
	const struct tls_part hello = *p;

	tls_number(p, TLS_ROW_HELLO_VERSION, 2);
	walk_random(p, !state->v1_3);
	tls_vector_bytes(p, TLS_ROW_SESSION_ID_LEN, 1, TLS_ROW_SESSION_ID);
	tls_vector_numbers(p, TLS_ROW_CIPHERS_LEN, 2, TLS_ROW_CIPHERS, 2);
	tls_vector_numbers(p, TLS_ROW_COMPRESSIONS_LEN, 1, TLS_ROW_COMPRESSIONS, 1);
	tls_walk_extensions(p, TLS_CLIENT_HELLO, false);
	if (!p->w->over)
		tls_walk_ja3(&hello, false);
}

/* The bytes of the part that are there. */
static const uint8_t *part_bytes(const struct tls_part *p, size_t *ret_len)
{
	uint32_t have = MIN(MIN(p->end, p->w->end), p->w->packet->cap_len), at = MIN(p->at, have);

	*ret_len = have - at;
	return p->w->packet->bytes + at;
}

static void walk_server_hello(struct tls_part *p, struct tls_state *state)
{
	const struct tls_part start = *p;
	struct tls_server_hello hello;
	size_t len;
	bool early;
	const uint8_t *bytes = part_bytes(p, &len);

	tls_read_server_hello(bytes, len, &hello);
	tls_state_hello(state, &hello);
	early = is_early_draft((uint16_t)tls_number(p, TLS_ROW_HELLO_VERSION, 2));
	walk_random(p, hello.version < 0x0304);
	if (!early)
		tls_vector_bytes(p, TLS_ROW_SESSION_ID_LEN, 1, TLS_ROW_SESSION_ID);
	tls_number(p, TLS_ROW_CIPHER, 2);
	if (!early)
		tls_number(p, TLS_ROW_COMPRESSION, 1);
	tls_walk_extensions(p, TLS_SERVER_HELLO, hello.retry);
	if (!p->w->over && !early)
		tls_walk_ja3(&start, true);
}

static void walk_certificates(struct tls_part *p)
{
	struct tls_part list = tls_vector(p, TLS_ROW_CERTIFICATES_LEN, 3);

	while (tls_more(&list)) {
		struct tls_part one = { p->w, list.at, list.end, list.depth + 1 }, certificate;

		if (!walk_fits(p->w, list.at, 3, list.end))
			return;
		walk_group(p->w, &tls_rows[TLS_ROW_CERTIFICATES], list.at, 3, list.depth, NULL);
		certificate = tls_vector(&one, TLS_ROW_CERTIFICATE_LEN, 3);
		list.at = one.at;
		if (!tls_more(&certificate))
			continue;
		x509_walk(p->w, certificate.at, certificate.end, certificate.depth);
		tls_bytes(&certificate, TLS_ROW_CERTIFICATE, certificate.end - certificate.at);
	}
}

enum key_exchange {
	KX_UNKNOWN,
	KX_RSA,
	KX_DHE,
	KX_ECDHE,
	KX_PSK,
	KX_DHE_PSK,
	KX_ECDHE_PSK,
	KX_RSA_PSK
};

/* The name of a cipher suite begins with its key exchange. */
static enum key_exchange key_exchange_of(uint16_t cipher)
{
	static const struct {
		const char *prefix;
		enum key_exchange kx;
	} kinds[] = {
		{ "TLS_ECDHE_PSK_", KX_ECDHE_PSK },
		{ "TLS_ECDHE_", KX_ECDHE },
		{ "TLS_ECDH_anon_", KX_ECDHE },
		{ "TLS_DHE_PSK_", KX_DHE_PSK },
		{ "TLS_DHE_", KX_DHE },
		{ "TLS_DH_anon_", KX_DHE },
		{ "TLS_RSA_PSK_", KX_RSA_PSK },
		{ "TLS_PSK_DHE_", KX_DHE_PSK },
		{ "TLS_PSK_", KX_PSK },
		{ "TLS_RSA_", KX_RSA },
	};
	const char *name = cipher ? tls_name(tls_cipher_names, cipher) : NULL;

	for (size_t i = 0; name && i < ARRAY_LEN(kinds); i++)
		if (!strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)))
			return kinds[i].kx;
	return KX_UNKNOWN;
}

/* The signature to the end, before 1.2 without its algorithm. */
static void walk_signed(struct tls_part *p, const struct tls_state *state, enum tls_row len_row,
			enum tls_row row)
{
	if (!tls_more(p))
		return;
	if (state->version >= 0x0303)
		tls_walk_signature(p);
	tls_vector_bytes(p, len_row, 2, row);
}

static void walk_curve(struct tls_part *p)
{
	if (tls_number(p, TLS_ROW_CURVE_TYPE, 1) != 3) {
		p->at = p->end; /* a curve written out: nobody does */
		return;
	}
	tls_number(p, TLS_ROW_CURVE, 2);
	tls_vector_bytes(p, TLS_ROW_SERVER_POINT_LEN, 1, TLS_ROW_SERVER_POINT);
}

static void walk_server_key_exchange(struct tls_part *p, const struct tls_state *state)
{
	enum key_exchange kx = key_exchange_of(state->cipher);

	if (kx == KX_PSK || kx == KX_RSA_PSK || kx == KX_DHE_PSK || kx == KX_ECDHE_PSK)
		tls_vector_bytes(p, TLS_ROW_HINT_LEN, 2, TLS_ROW_HINT);
	if (kx == KX_DHE || kx == KX_DHE_PSK) {
		tls_vector_bytes(p, TLS_ROW_P_LEN, 2, TLS_ROW_P);
		tls_vector_bytes(p, TLS_ROW_G_LEN, 2, TLS_ROW_G);
		tls_vector_bytes(p, TLS_ROW_YS_LEN, 2, TLS_ROW_YS);
	} else if (kx == KX_ECDHE || kx == KX_ECDHE_PSK) {
		walk_curve(p);
	}
	if (kx == KX_DHE || kx == KX_ECDHE)
		walk_signed(p, state, TLS_ROW_SIG_LEN, TLS_ROW_SIG);
	else if (kx == KX_UNKNOWN && tls_more(p))
		tls_bytes(p, TLS_ROW_HANDSHAKE_DATA, p->end - p->at);
}

static void walk_client_key_exchange(struct tls_part *p, const struct tls_state *state)
{
	enum key_exchange kx = key_exchange_of(state->cipher);

	if (kx == KX_PSK || kx == KX_RSA_PSK || kx == KX_DHE_PSK || kx == KX_ECDHE_PSK)
		tls_vector_bytes(p, TLS_ROW_IDENTITY_LEN, 2, TLS_ROW_IDENTITY);
	if (kx == KX_ECDHE || kx == KX_ECDHE_PSK)
		tls_vector_bytes(p, TLS_ROW_CLIENT_POINT_LEN, 1, TLS_ROW_CLIENT_POINT);
	else if (kx == KX_DHE || kx == KX_DHE_PSK)
		tls_vector_bytes(p, TLS_ROW_YC_LEN, 2, TLS_ROW_YC);
	else if ((kx == KX_RSA && state->version > 0x0300) || kx == KX_RSA_PSK)
		tls_vector_bytes(p, TLS_ROW_EPMS_LEN, 2, TLS_ROW_EPMS);
	else if (kx == KX_RSA && tls_more(p)) /* SSL 3.0 has no length here */
		tls_bytes(p, TLS_ROW_EPMS, p->end - p->at);
	else if (kx == KX_UNKNOWN && tls_more(p))
		tls_bytes(p, TLS_ROW_HANDSHAKE_DATA, p->end - p->at);
}

/* RFC 5246 section 7.4.4 */
static void walk_certificate_request(struct tls_part *p, const struct tls_state *state)
{
	struct tls_part names;

	tls_vector_numbers(p, TLS_ROW_CERT_TYPES_LEN, 1, TLS_ROW_CERT_TYPE, 1);
	if (state->version >= 0x0303) {
		struct tls_part list = tls_vector(p, TLS_ROW_SIGNATURES_LEN, 2);

		tls_walk_signatures(&list);
	}
	names = tls_vector(p, TLS_ROW_DNAMES_LEN, 2);
	while (tls_more(&names)) {
		struct tls_part one = { p->w, names.at, names.end, names.depth + 1 }, name;

		if (!walk_fits(p->w, names.at, 2, names.end))
			return;
		walk_group(p->w, &tls_rows[TLS_ROW_DNAME], names.at, 2, names.depth, NULL);
		name = tls_vector(&one, TLS_ROW_DNAME_LEN, 2);
		if (tls_more(&name))
			x509_walk_name(p->w, name.at, name.end, name.depth,
				       &tls_rows[TLS_ROW_DNAME_TEXT]);
		names.at = one.at;
	}
}

/* RFC 6066 section 8 */
static void walk_status(struct tls_part *p)
{
	uint32_t type = tls_number(p, TLS_ROW_STATUS_TYPE, 1);
	struct tls_part response = tls_vector(p, TLS_ROW_OCSP_LEN, 3);

	if (!tls_more(&response))
		return;
	if (type == 1)
		ocsp_walk(p->w, response.at, response.end, response.depth);
	tls_bytes(&response, TLS_ROW_OCSP, response.end - response.at);
}

void tls_walk_handshake(struct tls_part *p, uint8_t type, struct tls_state *state)
{
	switch (type) {
	case TLS_CLIENT_HELLO:
		walk_client_hello(p, state);
		break;
	case TLS_SERVER_HELLO:
		walk_server_hello(p, state);
		break;
	case TLS_NEW_SESSION_TICKET:
		tls_number(p, TLS_ROW_TICKET_LIFETIME, 4);
		tls_vector_bytes(p, TLS_ROW_TICKET_LEN, 2, TLS_ROW_TICKET);
		break;
	case TLS_CERTIFICATE:
		walk_certificates(p);
		break;
	case TLS_SERVER_KEY_EXCHANGE:
		walk_server_key_exchange(p, state);
		break;
	case TLS_CERTIFICATE_REQUEST:
		walk_certificate_request(p, state);
		break;
	case TLS_CERTIFICATE_VERIFY:
		walk_signed(p, state, TLS_ROW_VERIFY_LEN, TLS_ROW_VERIFY);
		break;
	case TLS_CLIENT_KEY_EXCHANGE:
		walk_client_key_exchange(p, state);
		break;
	case TLS_CERTIFICATE_STATUS:
		walk_status(p);
		break;
	default:
		if (tls_more(p))
			tls_bytes(p, TLS_ROW_HANDSHAKE_DATA, p->end - p->at);
	}
}
