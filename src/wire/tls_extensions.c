/*
 * Extensions of TLS hellos (RFC 8446 section 4.2, RFC 6066, RFC 7301, RFC 8422, RFC 8449, RFC 8879,
 * RFC 5746). What is not known is given as bytes.
 */
#include "wire/tls_internal.h"

/* A list of strings with a length of one byte each: first all lengths, then all strings. */
static void walk_names(struct tls_part *p, enum tls_row list_row, enum tls_row len_row,
		       enum tls_row row)
{
	struct tls_part list = tls_vector(p, list_row, 2), again = list;

	while (tls_more(&list)) {
		uint32_t len = tls_number(&list, len_row, 1);

		if (list.w->over || !walk_fits(list.w, list.at, len, list.end))
			return;
		list.at += len;
	}
	while (tls_more(&again)) {
		uint32_t len = again.w->packet->bytes[again.at++];

		tls_bytes(&again, row, len);
	}
}

/* RFC 6066 section 3. Hosts are the only kind of name there is. */
static void walk_server_names(struct tls_part *p)
{
	static const enum tls_row rows[] = { TLS_ROW_SNI_TYPE, TLS_ROW_SNI_LEN, TLS_ROW_SNI };
	struct tls_part list = tls_vector(p, TLS_ROW_SNI_LIST_LEN, 2);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_part names = list;

		while (tls_more(&names)) {
			const uint8_t *name = names.w->packet->bytes + names.at;
			uint32_t len;

			if (!walk_fits(names.w, names.at, 3, names.end))
				return;
			len = load_be16(name + 1);
			if (!walk_fits(names.w, names.at + 3, len, names.end))
				return;
			if (i == 0)
				walk_number(names.w, &tls_rows[rows[i]], names.at, 1, name[0],
					    names.depth);
			else if (i == 1)
				walk_number(names.w, &tls_rows[rows[i]], names.at + 1, 2, len,
					    names.depth);
			else
				walk_field(names.w, &tls_rows[rows[i]], names.at + 3, len,
					   names.depth);
			names.at += 3 + len;
		}
	}
}

static void walk_signatures(struct tls_part *p)
{
	struct tls_part list = tls_vector(p, TLS_ROW_SIGNATURES_LEN, 2);

	tls_walk_signatures(&list);
}

void tls_walk_signatures(struct tls_part *list)
{
	while (tls_more(list)) {
		struct tls_part one = { list->w, list->at, list->end, list->depth + 1 };

		if (!walk_fits(list->w, list->at, 2, list->end))
			return;
		walk_group(list->w, &tls_rows[TLS_ROW_SIGNATURES], list->at, 2, list->depth, NULL);
		tls_walk_signature(&one);
		list->at = one.at;
	}
}

void tls_walk_signature(struct tls_part *p)
{
	uint32_t at = p->at, v = tls_number(p, TLS_ROW_SIG_ALG, 2);

	if (p->w->over)
		return;
	walk_number(p->w, &tls_rows[TLS_ROW_SIG_HASH], at, 1, v >> 8, p->depth);
	walk_number(p->w, &tls_rows[TLS_ROW_SIG_SIG], at + 1, 1, v & 0xff, p->depth);
}

static void walk_key_share(struct tls_part *p)
{
	struct tls_part entry = { p->w, p->at, p->end, p->depth + 1 };

	if (!walk_fits(p->w, p->at, 4, p->end)) {
		p->at = p->end;
		return;
	}
	walk_group(p->w, &tls_rows[TLS_ROW_KEY_SHARE], p->at, 4, p->depth, NULL);
	tls_number(&entry, TLS_ROW_KEY_SHARE_GROUP, 2);
	tls_vector_bytes(&entry, TLS_ROW_KEY_SHARE_LEN, 2, TLS_ROW_KEY_SHARE_KEY);
	p->at = entry.at;
}

/* RFC 8446 section 4.2.8: many of the client, one of the server, or only a wish. */
static void walk_key_shares(struct tls_part *p, uint8_t type, bool retry)
{
	struct tls_part list;

	if (retry) {
		tls_number(p, TLS_ROW_KEY_SHARE_SELECTED, 2);
	} else if (type == TLS_SERVER_HELLO) {
		walk_key_share(p);
	} else {
		list = tls_vector(p, TLS_ROW_KEY_SHARES_LEN, 2);
		while (tls_more(&list))
			walk_key_share(&list);
	}
}

/* RFC 8446 section 4.2.11 */
static void walk_psk(struct tls_part *p, uint8_t type)
{
	struct tls_part list;

	if (type == TLS_SERVER_HELLO) {
		tls_number(p, TLS_ROW_PSK_SELECTED, 2);
		return;
	}
	list = tls_vector(p, TLS_ROW_PSK_IDENTITIES_LEN, 2);
	while (tls_more(&list)) {
		struct tls_part one = { p->w, list.at, list.end, list.depth + 1 };

		if (!walk_fits(p->w, list.at, 2, list.end))
			return;
		walk_group(p->w, &tls_rows[TLS_ROW_PSK_IDENTITY_GROUP], list.at, 2, list.depth,
			   NULL);
		tls_vector_bytes(&one, TLS_ROW_PSK_IDENTITY_LEN, 2, TLS_ROW_PSK_IDENTITY);
		tls_number(&one, TLS_ROW_PSK_AGE, 4);
		list.at = one.at;
	}
	tls_vector(p, TLS_ROW_PSK_BINDERS_LEN, 2);
}

static void walk_status_request(struct tls_part *p)
{
	if (!tls_more(p) || tls_number(p, TLS_ROW_STATUS_TYPE, 1) != 1)
		return;
	tls_vector(p, TLS_ROW_STATUS_IDS_LEN, 2);
	tls_vector(p, TLS_ROW_STATUS_EXTS_LEN, 2);
}

static void walk_versions(struct tls_part *p, uint8_t type)
{
	if (type == TLS_SERVER_HELLO)
		tls_number(p, TLS_ROW_SUPPORTED_VERSION, 2);
	else
		tls_vector_numbers(p, TLS_ROW_VERSIONS_LEN, 1, TLS_ROW_SUPPORTED_VERSION, 2);
}

enum extension {
	MAX_FRAGMENT_LENGTH = 1,
	SERVER_NAME = 0,
	STATUS_REQUEST = 5,
	SUPPORTED_GROUPS = 10,
	EC_POINT_FORMATS = 11,
	SIGNATURE_ALGORITHMS = 13,
	HEARTBEAT = 15,
	ALPN = 16,
	PADDING = 21,
	COMPRESS_CERTIFICATE = 27,
	RECORD_SIZE_LIMIT = 28,
	PRE_SHARED_KEY = 41,
	SUPPORTED_VERSIONS = 43,
	COOKIE = 44,
	PSK_KEY_EXCHANGE_MODES = 45,
	SIGNATURE_ALGORITHMS_CERT = 50,
	KEY_SHARE_DRAFT = 40, /* until draft 22 */
	KEY_SHARE = 51,
	APPLICATION_SETTINGS = 17513,
	RENEGOTIATION_INFO = 65281,
};

/* The contents, none of which are empty. */
static void walk_extension(struct tls_part *p, uint32_t extension, uint8_t type, bool retry)
{
	switch (extension) {
	case SERVER_NAME:
		walk_server_names(p);
		break;
	case MAX_FRAGMENT_LENGTH:
		tls_number(p, TLS_ROW_MAX_FRAGMENT, 1);
		break;
	case STATUS_REQUEST:
		walk_status_request(p);
		break;
	case SUPPORTED_GROUPS:
		tls_vector_numbers(p, TLS_ROW_GROUPS_LEN, 2, TLS_ROW_GROUP, 2);
		break;
	case EC_POINT_FORMATS:
		tls_vector_numbers(p, TLS_ROW_POINTS_LEN, 1, TLS_ROW_POINT, 1);
		break;
	case SIGNATURE_ALGORITHMS:
	case SIGNATURE_ALGORITHMS_CERT:
		walk_signatures(p);
		break;
	case HEARTBEAT:
		tls_number(p, TLS_ROW_HEARTBEAT_MODE, 1);
		break;
	case ALPN:
		walk_names(p, TLS_ROW_ALPN_LEN, TLS_ROW_ALPN_STR_LEN, TLS_ROW_ALPN);
		break;
	case PADDING:
		tls_bytes(p, TLS_ROW_PADDING, p->end - p->at);
		break;
	case COMPRESS_CERTIFICATE:
		tls_vector_numbers(p, TLS_ROW_COMPRESSORS_LEN, 1, TLS_ROW_COMPRESSOR, 2);
		break;
	case RECORD_SIZE_LIMIT:
		tls_number(p, TLS_ROW_RECORD_LIMIT, 2);
		break;
	case PRE_SHARED_KEY:
		walk_psk(p, type);
		break;
	case SUPPORTED_VERSIONS:
		walk_versions(p, type);
		break;
	case COOKIE:
		tls_vector_bytes(p, TLS_ROW_COOKIE_LEN, 2, TLS_ROW_COOKIE);
		break;
	case PSK_KEY_EXCHANGE_MODES:
		tls_vector_numbers(p, TLS_ROW_PSK_MODES_LEN, 1, TLS_ROW_PSK_MODE, 1);
		break;
	case KEY_SHARE:
	case KEY_SHARE_DRAFT:
		walk_key_shares(p, type, retry);
		break;
	case APPLICATION_SETTINGS:
		walk_names(p, TLS_ROW_ALPS_LEN, TLS_ROW_ALPS_STR_LEN, TLS_ROW_ALPS);
		break;
	case RENEGOTIATION_INFO:
		tls_vector_bytes(p, TLS_ROW_RENEGOTIATION_LEN, 1, TLS_ROW_RENEGOTIATION);
		break;
	default:
		tls_bytes(p, TLS_ROW_EXTENSION_DATA, p->end - p->at);
	}
}

void tls_walk_extensions(struct tls_part *p, uint8_t type, bool retry)
{
	struct tls_part list;

	if (!tls_more(p))
		return;
	list = tls_vector(p, TLS_ROW_EXTENSIONS_LEN, 2);
	while (tls_more(&list)) {
		struct tls_part one = { p->w, list.at, list.end, list.depth + 1 }, contents;
		uint32_t extension;

		if (!walk_fits(p->w, list.at, 4, list.end))
			return;
		walk_group(p->w, &tls_rows[TLS_ROW_EXTENSION], list.at, 4, list.depth, NULL);
		extension = tls_number(&one, TLS_ROW_EXTENSION_TYPE, 2);
		contents = tls_vector(&one, TLS_ROW_EXTENSION_LEN, 2);
		if (tls_more(&contents))
			walk_extension(&contents, extension, type, retry);
		list.at = one.at;
	}
}
