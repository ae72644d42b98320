/*
 * SNMP messages as they are written: versions 1 and 2c with a community, and version 3 with the
 * user-based security model (RFC 3412 section 6, RFC 3414 section 2.4), without authentication, or
 * with it by a key or a password (RFC 3414 sections 6 and 7, RFC 7860). Encrypted bodies can be
 * given as bytes.
 *
 * BER is written from its end, because lengths come before what they measure.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "wire/compose.h"
#include "wire/snmp_internal.h"

#define TRAP_PORT     162
#define MAX_SIZE      65507 /* of a message over UDP */
#define NUMBER_MAX    INT32_MAX
#define PASSWORD_SPAN (1 << 20) /* of a password, repeated (RFC 3414 appendix A.2) */

enum { FLAG_AUTH = 1, FLAG_CRYPT = 2, FLAG_REPORT = 4 };

static const struct value_name protocol_names[] = {
	{ 1, "MD5" },	  { 2, "SHA" }, { 3, "SHA-224" }, { 4, "SHA-256" }, { 5, "SHA-384" },
	{ 6, "SHA-512" }, { 0 },
};
/* OpenSSL's names, and bytes of the digest that are sent. */
static const struct {
	const char *name;
	size_t len;
} digests[] = {
	{ "MD5", 12 },	  { "SHA1", 12 },   { "SHA224", 16 },
	{ "SHA256", 24 }, { "SHA384", 32 }, { "SHA512", 48 },
};

const struct field snmp_key_rows[N_SNMP_KEY_ROWS] = {
	[SNMP_AUTH_PROTOCOL] = { AS_UINT("snmp.auth_protocol", 0, 8),
				 .title = "Authentication protocol", .values = protocol_names },
	[SNMP_AUTH_PASSWORD] = { AS_TEXT("snmp.auth_password", 0, 0), .title = "Password",
				 .about = "The key is made of it for the engine" },
	[SNMP_AUTH_KEY] = { AS_BYTES("snmp.auth_key", 0, 0), .title = "Key",
			    .about = "As it is, made for the engine" },
};

/* The element of a value, by its row. */
static void put_value(struct ber_out *o, const struct compose_setting *s)
{
	static const uint8_t tags[] = {
		[SNMP_ROW_VALUE_OCTETS] = BER_OCTET_STRING,
		[SNMP_ROW_VALUE_NULL] = BER_NULL,
		[SNMP_ROW_VALUE_OID] = BER_OID,
		[SNMP_ROW_VALUE_IP4] = SNMP_IP_ADDRESS,
		[SNMP_ROW_VALUE_IP6] = SNMP_IP_ADDRESS,
		[SNMP_ROW_VALUE_ADDR] = SNMP_IP_ADDRESS,
		[SNMP_ROW_VALUE_GAUGE] = SNMP_GAUGE32,
		[SNMP_ROW_VALUE_TICKS] = SNMP_TIME_TICKS,
		[SNMP_ROW_VALUE_OPAQUE] = SNMP_OPAQUE,
		[SNMP_ROW_VALUE_NSAP] = SNMP_NSAP,
		[SNMP_ROW_VALUE_UINT] = SNMP_UINTEGER32,
		[SNMP_ROW_NO_SUCH_OBJECT] = SNMP_NO_SUCH_OBJECT,
		[SNMP_ROW_NO_SUCH_INSTANCE] = SNMP_NO_SUCH_INSTANCE,
		[SNMP_ROW_END_OF_MIB_VIEW] = SNMP_END_OF_MIB_VIEW,
	};
	enum snmp_row row = (enum snmp_row)(s->field - snmp_rows);

	if (row == SNMP_ROW_VALUE_INT)
		ber_put_int(o, BER_INTEGER, (int64_t)s->number);
	else if (row == SNMP_ROW_VALUE_COUNTER)
		ber_put_uint(o, s->number > UINT32_MAX ? SNMP_COUNTER64 : SNMP_COUNTER32,
			     s->number);
	else if (s->field->type == FIELD_FLAG)
		ber_put_octets(o, tags[row], NULL, 0);
	else if (field_is_number(s->field))
		ber_put_uint(o, tags[row], s->number);
	else
		ber_put_octets(o, tags[row], s->bytes, s->len);
}

static bool is_value(const struct field *f)
{
	return f >= &snmp_rows[SNMP_ROW_VALUE_INT] && f < &snmp_rows[SNMP_ROW_VALUE_UNKNOWN];
}

/* A name begins a variable, the value after it is its own, null when there is none. */
static void put_bindings(struct ber_out *o, struct compose *m)
{
	const uint8_t *list = o->at, *variable;
	struct compose_setting *value = NULL;

	for (size_t i = m->n; i-- > 0;) {
		struct compose_setting *s = &m->settings[i];

		if (s->field == &snmp_rows[SNMP_ROW_BINDING])
			s->used = true;
		if (is_value(s->field) && !value) {
			s->used = true;
			value = s;
		}
		if (s->field != &snmp_rows[SNMP_ROW_NAME])
			continue;
		s->used = true;
		variable = o->at;
		if (value)
			put_value(o, value);
		else
			ber_put_octets(o, BER_NULL, NULL, 0);
		ber_put_octets(o, BER_OID, s->bytes, s->len);
		ber_put_head(o, BER_SEQUENCE, (size_t)(variable - o->at));
		value = NULL;
	}
	if (value) /* without a name before it */
		value->used = false;
	ber_put_head(o, BER_SEQUENCE, (size_t)(list - o->at));
}

static void put_int(struct ber_out *o, struct compose *m, enum snmp_row row, int64_t otherwise)
{
	const struct compose_setting *s = compose_find(m, &snmp_rows[row]);

	ber_put_int(o, BER_INTEGER, s ? (int64_t)s->number : otherwise);
}

/* RFC 1157 section 4.1.6. */
static void put_trap(struct ber_out *o, struct compose *m)
{
	static const uint8_t nobody[4], snmp[] = { 0x2b, 6, 1, 6, 3, 1, 1, 5 }; /* snmpTraps */
	const struct compose_setting *enterprise = compose_find(m, &snmp_rows[SNMP_ROW_ENTERPRISE]);
	const struct compose_setting *agent = compose_find(m, &snmp_rows[SNMP_ROW_AGENT_ADDR]);
	const struct compose_setting *stamp = compose_find(m, &snmp_rows[SNMP_ROW_TIME_STAMP]);

	ber_put_uint(o, SNMP_TIME_TICKS, compose_number(stamp, 0));
	put_int(o, m, SNMP_ROW_SPECIFIC_TRAP, 0);
	put_int(o, m, SNMP_ROW_GENERIC_TRAP, 0);
	ber_put_octets(o, SNMP_IP_ADDRESS, agent ? agent->bytes : nobody, 4);
	ber_put_octets(o, BER_OID, enterprise ? enterprise->bytes : snmp,
		       enterprise ? enterprise->len : sizeof(snmp));
}

/* The body, with what it has before its variables. */
static void put_pdu(struct ber_out *o, struct compose *m, uint8_t pdu)
{
	const uint8_t *end = o->at;
	bool bulk = pdu == SNMP_GET_BULK;

	put_bindings(o, m);
	if (pdu == SNMP_TRAP_V1) {
		put_trap(o, m);
	} else {
		put_int(o, m, bulk ? SNMP_ROW_MAX_REPETITIONS : SNMP_ROW_ERROR_INDEX,
			bulk ? 10 : 0);
		put_int(o, m, bulk ? SNMP_ROW_NON_REPEATERS : SNMP_ROW_ERROR_STATUS, 0);
		put_int(o, m, SNMP_ROW_REQUEST_ID, 1);
	}
	ber_put_head(o, pdu, (size_t)(end - o->at));
}

/* Octets that are set, or @len others. */
static void put_octets(struct ber_out *o, const struct compose_setting *s, const void *otherwise,
		       size_t len)
{
	ber_put_octets(o, BER_OCTET_STRING, s ? s->bytes : otherwise, s ? s->len : len);
}

static const struct compose_setting *find(struct compose *m, enum snmp_row row)
{
	return compose_find(m, &snmp_rows[row]);
}

/* How a message is authenticated. */
struct auth {
	const struct compose_setting *given; /* the digest itself; NULL: it is computed */
	const struct compose_setting *password, *key;
	unsigned protocol; /* place in digests[] */
	const uint8_t *engine;
	size_t engine_len;
	size_t from_end; /* of the message to the digest's first byte */
};

/* RFC 3414 appendix A.2: the password's key, and that made for one engine. */
static bool make_key(const struct auth *a, uint8_t key[static EVP_MAX_MD_SIZE], size_t *ret_len)
{
	const struct compose_setting *p = a->password;
	const EVP_MD *md = EVP_get_digestbyname(digests[a->protocol].name);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned len = 0;
	bool fine = ctx && md && EVP_DigestInit_ex(ctx, md, NULL);

	for (size_t n = 0, part; fine && n < PASSWORD_SPAN; n += part) {
		part = MIN((size_t)p->len, PASSWORD_SPAN - n);
		fine = EVP_DigestUpdate(ctx, p->bytes, part);
	}
	fine = fine && EVP_DigestFinal_ex(ctx, key, &len) && EVP_DigestInit_ex(ctx, md, NULL) &&
	       EVP_DigestUpdate(ctx, key, len) && EVP_DigestUpdate(ctx, a->engine, a->engine_len) &&
	       EVP_DigestUpdate(ctx, key, len) && EVP_DigestFinal_ex(ctx, key, &len);
	EVP_MD_CTX_free(ctx);
	*ret_len = len;
	return fine;
}

/* Puts the digest over the message into its place, where zeros are. */
static bool sign(const struct auth *a, struct ber_out *o)
{
	const EVP_MD *md = EVP_get_digestbyname(digests[a->protocol].name);
	uint8_t key[EVP_MAX_MD_SIZE], mac[EVP_MAX_MD_SIZE];
	size_t len = a->key ? a->key->len : 0;
	unsigned mac_len;

	if (a->key)
		memcpy(key, a->key->bytes, len);
	else if (!make_key(a, key, &len))
		return false;
	if (!md || !HMAC(md, key, (int)len, o->at, ber_out_len(o), mac, &mac_len))
		return false;
	memcpy(o->end - a->from_end, mac, digests[a->protocol].len);
	return true;
}

/* The parameters of the user-based model, in a string of octets. */
static void put_user(struct ber_out *o, struct compose *m, struct auth *a)
{
	static const uint8_t zeros[EVP_MAX_MD_SIZE];
	const uint8_t *end = o->at;
	bool signs = a->password || a->key;

	put_octets(o, find(m, SNMP_ROW_PRIV_PARAMETERS), NULL, 0);
	a->from_end = (size_t)(o->end - o->at) + digests[a->protocol].len;
	put_octets(o, a->given, zeros, signs ? digests[a->protocol].len : 0);
	put_octets(o, find(m, SNMP_ROW_USER_NAME), NULL, 0);
	put_int(o, m, SNMP_ROW_ENGINE_TIME, 0);
	put_int(o, m, SNMP_ROW_ENGINE_BOOTS, 0);
	ber_put_octets(o, BER_OCTET_STRING, a->engine, a->engine_len);
	ber_put_head(o, BER_SEQUENCE, (size_t)(end - o->at));
	ber_put_head(o, BER_OCTET_STRING, (size_t)(end - o->at));
}

/* RFC 3412 section 6.4: what was not set follows from the message. */
static uint8_t flags_of(struct compose *m, const struct auth *a, uint8_t pdu, bool encrypted)
{
	static const struct {
		enum snmp_row row;
		uint8_t flag;
	} rows[] = { { SNMP_ROW_FLAG_AUTH, FLAG_AUTH },
		     { SNMP_ROW_FLAG_CRYPT, FLAG_CRYPT },
		     { SNMP_ROW_FLAG_REPORT, FLAG_REPORT } };
	bool asks = pdu != SNMP_RESPONSE && pdu != SNMP_REPORT && pdu != SNMP_TRAP;
	uint8_t flags = (uint8_t)((a->password || a->key || a->given ? FLAG_AUTH : 0) |
				  (encrypted ? FLAG_CRYPT : 0) | (asks ? FLAG_REPORT : 0));

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct compose_setting *s = find(m, rows[i].row);

		if (s)
			flags = (uint8_t)(s->number ? flags | rows[i].flag : flags & ~rows[i].flag);
	}
	return flags;
}

/* What the message as a whole says, before security parameters and body. */
static void put_global(struct ber_out *o, struct compose *m, uint8_t flags)
{
	const uint8_t *end = o->at;

	put_int(o, m, SNMP_ROW_SECURITY_MODEL, SNMP_V3);
	put_octets(o, find(m, SNMP_ROW_MSG_FLAGS), &flags, 1);
	put_int(o, m, SNMP_ROW_MSG_MAX_SIZE, MAX_SIZE);
	put_int(o, m, SNMP_ROW_MSG_ID, 1);
	ber_put_head(o, BER_SEQUENCE, (size_t)(end - o->at));
}

static int read_auth(struct compose *m, struct auth *a, struct fault *fault)
{
	const struct compose_setting *protocol =
		compose_find(m, &snmp_key_rows[SNMP_AUTH_PROTOCOL]);
	const struct compose_setting *engine = find(m, SNMP_ROW_ENGINE_ID);

	*a = (struct auth){
		.given = find(m, SNMP_ROW_AUTH_PARAMETERS),
		.password = compose_find(m, &snmp_key_rows[SNMP_AUTH_PASSWORD]),
		.key = compose_find(m, &snmp_key_rows[SNMP_AUTH_KEY]),
		.engine = engine ? engine->bytes : NULL,
		.engine_len = engine ? engine->len : 0,
	};
	if (protocol && (!protocol->number || protocol->number > ARRAY_LEN(digests)))
		return compose_fails(m, protocol, fault,
				     "snmp.auth_protocol is MD5, SHA, SHA-224, SHA-256, SHA-384 or "
				     "SHA-512");
	a->protocol = (unsigned)compose_number(protocol, 2) - 1;
	if (!!a->password + !!a->key + !!a->given > 1)
		return compose_fails(m, a->given ?: a->key, fault,
				     "a password, a key or the digest itself: one of them");
	if (a->password && !a->password->len)
		return compose_fails(m, a->password, fault, "the password is empty");
	if (a->password && !engine)
		return compose_fails(m, a->password, fault,
				     "a password's key is made for an engine: give "
				     "msgAuthoritativeEngineID");
	if (a->key && a->key->len > EVP_MAX_MD_SIZE)
		return compose_fails(m, a->key, fault, "a key has at most %d bytes",
				     EVP_MAX_MD_SIZE);
	return 0;
}

/* Numbers of version 3 are of 31 bits (RFC 3412 section 6). */
static int check_numbers(struct compose *m, struct fault *fault)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct compose_setting *s = &m->settings[i];
		ptrdiff_t row = s->field - snmp_rows;

		if ((row == SNMP_ROW_MSG_ID || row == SNMP_ROW_MSG_MAX_SIZE ||
		     row == SNMP_ROW_SECURITY_MODEL || row == SNMP_ROW_ENGINE_BOOTS ||
		     row == SNMP_ROW_ENGINE_TIME) &&
		    s->number > NUMBER_MAX)
			return compose_fails(m, s, fault, "%s is at most %d", s->field->name,
					     NUMBER_MAX);
	}
	return 0;
}

/* A message of version 3, body included. */
static int put_v3(struct ber_out *o, struct compose *m, uint8_t pdu, struct fault *fault)
{
	const struct compose_setting *encrypted = find(m, SNMP_ROW_ENCRYPTED_PDU);
	struct auth a;
	int err = read_auth(m, &a, fault) ?: check_numbers(m, fault);
	const uint8_t *end = o->at;
	uint8_t flags;

	if (err)
		return err;
	flags = flags_of(m, &a, pdu, encrypted);
	if (encrypted) {
		put_octets(o, encrypted, NULL, 0);
	} else {
		put_pdu(o, m, pdu);
		put_octets(o, find(m, SNMP_ROW_CONTEXT_NAME), NULL, 0);
		put_octets(o, find(m, SNMP_ROW_CONTEXT_ENGINE_ID), a.engine, a.engine_len);
		ber_put_head(o, BER_SEQUENCE, (size_t)(end - o->at));
	}
	put_user(o, m, &a);
	put_global(o, m, flags);
	ber_put_int(o, BER_INTEGER, SNMP_V3);
	ber_put_head(o, BER_SEQUENCE, (size_t)(end - o->at));
	if (!o->err && (a.password || a.key) && !sign(&a, o))
		return compose_fails(m, a.password ?: a.key, fault,
				     "OpenSSL does not offer %s here", digests[a.protocol].name);
	return 0;
}

/* Versions 1 and 2c: version, community, body. */
static void put_community(struct ber_out *o, struct compose *m, uint8_t pdu,
			  const struct compose_setting *version)
{
	const uint8_t *end = o->at;

	put_pdu(o, m, pdu);
	put_octets(o, find(m, SNMP_ROW_COMMUNITY), "public", strlen("public"));
	ber_put_int(o, BER_INTEGER,
		    version		  ? (int64_t)version->number
		    : pdu == SNMP_TRAP_V1 ? SNMP_V1
					  : SNMP_V2C);
	ber_put_head(o, BER_SEQUENCE, (size_t)(end - o->at));
}

/* Whether a field is set that only version 3 has. */
static bool is_v3(const struct compose *m, const struct compose_setting *version)
{
	if (version)
		return version->number == SNMP_V3;
	for (size_t i = 0; i < m->n; i++) {
		const struct field *f = m->settings[i].field;
		ptrdiff_t row = f - snmp_rows;

		if ((row >= SNMP_ROW_MSG_VERSION && row <= SNMP_ROW_CONTEXT_NAME) ||
		    (f >= snmp_key_rows && f < snmp_key_rows + N_SNMP_KEY_ROWS))
			return true;
	}
	return false;
}

int snmp_compose(struct compose *m, struct fault *fault)
{
	struct ber_out o = ber_out_in(m->out.data, m->out.cap);
	const struct compose_setting *version = find(m, SNMP_ROW_VERSION);
	const struct compose_setting *msg_version = find(m, SNMP_ROW_MSG_VERSION);
	const struct compose_setting *data = find(m, SNMP_ROW_DATA);
	uint8_t pdu = (uint8_t)BER_CONSTRUCTED(compose_number(data, 0) & 0x1f);
	int err = 0;

	if (data && data->number > 8)
		return compose_fails(m, data, fault, "snmp.data is from 0, get, to 8, report");
	if (msg_version && msg_version->number != SNMP_V3)
		return compose_fails(m, msg_version, fault,
				     "snmp.msgVersion is 3; of others it is snmp.version");
	if (is_v3(m, msg_version ?: version))
		err = put_v3(&o, m, pdu, fault);
	else
		put_community(&o, m, pdu, version);
	if (err || o.err)
		return err ?: o.err;
	memmove(m->out.data, o.at, ber_out_len(&o));
	m->out.len = ber_out_len(&o);
	m->reply = pdu == SNMP_RESPONSE || pdu == SNMP_REPORT;
	if (pdu == SNMP_TRAP_V1 || pdu == SNMP_TRAP || pdu == SNMP_INFORM)
		m->port = TRAP_PORT;
	return 0;
}
