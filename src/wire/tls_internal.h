/* Shared by the files of TLS; nobody else's. */
#ifndef SONDE_WIRE_TLS_INTERNAL_H
#define SONDE_WIRE_TLS_INTERNAL_H

#include "wire/packet.h"
#include "wire/tls_names.h"

enum tls_content {
	TLS_CHANGE_CIPHER_SPEC = 20,
	TLS_ALERT = 21,
	TLS_HANDSHAKE = 22,
	TLS_APPLICATION_DATA = 23,
	TLS_HEARTBEAT = 24,
};

enum tls_handshake {
	TLS_HELLO_REQUEST = 0,
	TLS_CLIENT_HELLO = 1,
	TLS_SERVER_HELLO = 2,
	TLS_NEW_SESSION_TICKET = 4,
	TLS_CERTIFICATE = 11,
	TLS_SERVER_KEY_EXCHANGE = 12,
	TLS_CERTIFICATE_REQUEST = 13,
	TLS_CERTIFICATE_VERIFY = 15,
	TLS_CLIENT_KEY_EXCHANGE = 16,
	TLS_CERTIFICATE_STATUS = 22,
};

enum {
	TLS_RECORD_HEADER = 5,
	TLS_HANDSHAKE_HEADER = 4,
	/* RFC 5246 section 6.2.3 allows 2048 bytes for what encryption adds. */
	TLS_RECORD_MAX = 16384 + 2048,
	TLS_RANDOM_LEN = 32,
};

/* struct dialogue's phase[] of each side, */
enum tls_phase {
	TLS_ENCRYPTED = 1 << 0, /* after the side's Change Cipher Spec */
	TLS_1_3 = 1 << 1,	/* in [0] only: where that message means nothing */
};
/* and its count[]: [0] the bytes that are missing in a handshake message, [1] the cipher suite. */

/* What the messages before told. */
struct tls_state {
	uint16_t cipher;  /* 0: not known */
	uint16_t version; /* of the record in hand */
	bool v1_3;
	bool encrypted; /* this side's handshake messages */
};

enum tls_row {
	TLS_ROW_RECORD,
	TLS_ROW_CONTENT_TYPE,
	TLS_ROW_OPAQUE_TYPE,
	TLS_ROW_VERSION,
	TLS_ROW_LENGTH,
	TLS_ROW_APP_DATA,
	TLS_ROW_CCS,
	TLS_ROW_ALERT_LEVEL,
	TLS_ROW_ALERT_DESC,
	TLS_ROW_ALERT_ENCRYPTED,
	TLS_ROW_HEARTBEAT_TYPE,
	TLS_ROW_HEARTBEAT_LEN,
	TLS_ROW_HEARTBEAT_PAYLOAD,
	TLS_ROW_HEARTBEAT_PADDING,
	TLS_ROW_HANDSHAKE,
	TLS_ROW_HANDSHAKE_ENCRYPTED,
	TLS_ROW_TYPE,
	TLS_ROW_HANDSHAKE_LENGTH,
	TLS_ROW_HANDSHAKE_DATA,
	TLS_ROW_HELLO_VERSION,
	TLS_ROW_RANDOM,
	TLS_ROW_RANDOM_TIME,
	TLS_ROW_RANDOM_BYTES,
	TLS_ROW_SESSION_ID_LEN,
	TLS_ROW_SESSION_ID,
	TLS_ROW_CIPHERS_LEN,
	TLS_ROW_CIPHERS,
	TLS_ROW_CIPHER,
	TLS_ROW_COMPRESSIONS_LEN,
	TLS_ROW_COMPRESSIONS,
	TLS_ROW_COMPRESSION,
	TLS_ROW_EXTENSIONS_LEN,
	TLS_ROW_EXTENSION,
	TLS_ROW_EXTENSION_TYPE,
	TLS_ROW_EXTENSION_LEN,
	TLS_ROW_EXTENSION_DATA,
	TLS_ROW_SNI_LIST_LEN,
	TLS_ROW_SNI_TYPE,
	TLS_ROW_SNI_LEN,
	TLS_ROW_SNI,
	TLS_ROW_MAX_FRAGMENT,
	TLS_ROW_STATUS_TYPE,
	TLS_ROW_STATUS_IDS_LEN,
	TLS_ROW_STATUS_EXTS_LEN,
	TLS_ROW_GROUPS_LEN,
	TLS_ROW_GROUP,
	TLS_ROW_POINTS_LEN,
	TLS_ROW_POINT,
	TLS_ROW_SIGNATURES_LEN,
	TLS_ROW_SIGNATURES,
	TLS_ROW_SIGNATURE_ALG,
	TLS_ROW_HEARTBEAT_MODE,
	TLS_ROW_ALPN_LEN,
	TLS_ROW_ALPN_STR_LEN,
	TLS_ROW_ALPN,
	TLS_ROW_PADDING,
	TLS_ROW_COMPRESSORS_LEN,
	TLS_ROW_COMPRESSOR,
	TLS_ROW_RECORD_LIMIT,
	TLS_ROW_PSK_IDENTITIES_LEN,
	TLS_ROW_PSK_IDENTITY_GROUP,
	TLS_ROW_PSK_IDENTITY_LEN,
	TLS_ROW_PSK_IDENTITY,
	TLS_ROW_PSK_AGE,
	TLS_ROW_PSK_BINDERS_LEN,
	TLS_ROW_PSK_SELECTED,
	TLS_ROW_VERSIONS_LEN,
	TLS_ROW_SUPPORTED_VERSION,
	TLS_ROW_COOKIE_LEN,
	TLS_ROW_COOKIE,
	TLS_ROW_PSK_MODES_LEN,
	TLS_ROW_PSK_MODE,
	TLS_ROW_KEY_SHARES_LEN,
	TLS_ROW_KEY_SHARE,
	TLS_ROW_KEY_SHARE_GROUP,
	TLS_ROW_KEY_SHARE_LEN,
	TLS_ROW_KEY_SHARE_KEY,
	TLS_ROW_KEY_SHARE_SELECTED,
	TLS_ROW_RENEGOTIATION_LEN,
	TLS_ROW_RENEGOTIATION,
	TLS_ROW_ALPS_LEN,
	TLS_ROW_ALPS_STR_LEN,
	TLS_ROW_ALPS,
	TLS_ROW_CERTIFICATES_LEN,
	TLS_ROW_CERTIFICATES,
	TLS_ROW_CERTIFICATE_LEN,
	TLS_ROW_CERTIFICATE,
	TLS_ROW_OCSP_LEN,
	TLS_ROW_OCSP,
	TLS_ROW_CURVE_TYPE,
	TLS_ROW_CURVE,
	TLS_ROW_SERVER_POINT_LEN,
	TLS_ROW_SERVER_POINT,
	TLS_ROW_P_LEN,
	TLS_ROW_P,
	TLS_ROW_G_LEN,
	TLS_ROW_G,
	TLS_ROW_YS_LEN,
	TLS_ROW_YS,
	TLS_ROW_HINT_LEN,
	TLS_ROW_HINT,
	TLS_ROW_SIG_ALG,
	TLS_ROW_SIG_HASH,
	TLS_ROW_SIG_SIG,
	TLS_ROW_SIG_LEN,
	TLS_ROW_SIG,
	TLS_ROW_CLIENT_POINT_LEN,
	TLS_ROW_CLIENT_POINT,
	TLS_ROW_YC_LEN,
	TLS_ROW_YC,
	TLS_ROW_EPMS_LEN,
	TLS_ROW_EPMS,
	TLS_ROW_IDENTITY_LEN,
	TLS_ROW_IDENTITY,
	TLS_ROW_VERIFY_LEN,
	TLS_ROW_VERIFY,
	TLS_ROW_CERT_TYPES_LEN,
	TLS_ROW_CERT_TYPE,
	TLS_ROW_DNAMES_LEN,
	TLS_ROW_DNAME,
	TLS_ROW_DNAME_LEN,
	TLS_ROW_DNAME_TEXT,
	TLS_ROW_TICKET_LIFETIME,
	TLS_ROW_TICKET_LEN,
	TLS_ROW_TICKET,
	TLS_ROW_SSL2_VERSION,
	TLS_ROW_CIPHER_SPECS_LEN,
	TLS_ROW_CHALLENGE_LEN,
	TLS_ROW_CIPHER_SPEC,
	TLS_ROW_CHALLENGE,
	TLS_ROW_JA3_FULL,
	TLS_ROW_JA3,
	TLS_ROW_JA3S_FULL,
	TLS_ROW_JA3S,
	N_TLS_ROWS,
};
extern const struct field tls_rows[N_TLS_ROWS];

/*
 * A run of bytes being walked: what is read moves @at. Beyond @end, which what it is in announced,
 * is a fault; then nothing more is given and everything is 0.
 */
struct tls_part {
	struct walk *w;
	uint32_t at, end;
	uint8_t depth;
};

static inline bool tls_more(const struct tls_part *p)
{
	return !p->w->over && p->at < p->end;
}

/* The next @len bytes (1 to 4) as a number. */
uint32_t tls_number(struct tls_part *p, enum tls_row row, unsigned len);

/* The next @len bytes as they are. */
void tls_bytes(struct tls_part *p, enum tls_row row, uint32_t len);

/* A length of @len bytes, and the part that it measures, stepped over. */
struct tls_part tls_vector(struct tls_part *p, enum tls_row row, unsigned len);

/* A length, and the bytes that it measures, unless they are none. */
void tls_vector_bytes(struct tls_part *p, enum tls_row len_row, unsigned len, enum tls_row row);

/* A length, and the numbers of @size bytes that it measures. */
void tls_vector_numbers(struct tls_part *p, enum tls_row len_row, unsigned len, enum tls_row row,
			unsigned size);

/* The body of a handshake message; what it tells for those after it is put into @state. */
void tls_walk_handshake(struct tls_part *p, uint8_t type, struct tls_state *state);

/* Writes a record from settings. */
struct compose;
int tls_compose(struct compose *m, struct fault *fault);

/* The fingerprint of the hello whose body the part is. */
void tls_walk_ja3(const struct tls_part *p, bool server);

/* Extensions of a hello, up to the part's end. @retry: of a Hello Retry Request. */
void tls_walk_extensions(struct tls_part *p, uint8_t type, bool retry);

/* Signature algorithms: up to the part's end, and one. */
void tls_walk_signatures(struct tls_part *list);
void tls_walk_signature(struct tls_part *p);

/* What a server hello decides. */
struct tls_server_hello {
	uint16_t version, cipher;
	bool retry;
	const uint8_t *alpn; /* NULL: none */
	size_t alpn_len;
};

/**
 * tls_read_server_hello() - the choices in a server hello's body
 * @ret_hello: as far as the bytes go; its version is 0 when they end before the cipher suite
 */
void tls_read_server_hello(const uint8_t *bytes, size_t len, struct tls_server_hello *ret_hello);

/* One record of those in a run of bytes. */
struct tls_record {
	uint8_t type;
	uint16_t version;
	uint32_t at, end; /* of its contents, as announced */
};

/* Whether the bytes can begin a record, as far as they go (those before @len). */
bool tls_is_record(const uint8_t *bytes, size_t len);

/* The record at @off of a packet whose bytes end at @have; false when its header is not there. */
bool tls_record_at(const struct packet *p, uint32_t off, uint32_t have,
		   struct tls_record *ret_record);

/* Whether the contents of a handshake record (@have of @len bytes) are what their header says, not
 * encrypted. */
bool tls_is_plain(const uint8_t *bytes, uint32_t have, uint32_t len, const struct tls_state *state);

#define TLS_GATHER_MAX	  65536 /* bytes of a handshake message that is put together */
#define TLS_GATHER_PIECES 64	/* and the records that hold them */

/* A handshake message from several records. */
struct tls_gathered {
	uint8_t bytes[TLS_GATHER_MAX];
	uint32_t len;	/* of @bytes: perhaps less than the message */
	uint32_t total; /* of the message, as announced */
	uint32_t next;	/* where in the packet it ends */
	uint32_t n_pieces;
	struct {
		uint32_t at, off; /* in @bytes, in the packet */
	} pieces[TLS_GATHER_PIECES];
};

/* Puts together the message at @at of @record from it and the records that follow. */
void tls_gather(const struct packet *p, uint32_t have, uint32_t at, const struct tls_record *record,
		struct tls_gathered *ret_gathered);

bool tls_guess(const uint8_t *bytes, size_t len, bool stream);
int64_t tls_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len, bool end);

/* The protocol's share of a line of text. */
void tls_line(struct buf *b, const struct packet *p, size_t layer);

/* What is known before the layer's first byte. */
struct tls_state tls_state_of(const struct packet *p, const struct layer *l);

/* Goes on after the server hello in @bytes, which is a handshake message's body. */
void tls_state_hello(struct tls_state *state, const struct tls_server_hello *hello);

/* Whether the bytes begin with a client hello of SSL 2.0, which other versions were offered in, too
 * (RFC 5246 appendix E.2). */
bool tls_is_ssl2(const uint8_t *bytes, size_t len);

#endif
