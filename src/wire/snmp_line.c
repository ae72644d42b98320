/* SNMP messages in a line of text: who asks, for what, and what comes back. */
#include "wire/packet.h"
#include "wire/snmp.h"

/* Strings that people can read in quotes, others in hexadecimal, both shortened. */
#define LINE_TEXT 64
#define LINE_HEX  16

static void line_octets(struct buf *b, const uint8_t *bytes, size_t len)
{
	bool readable = true;

	for (size_t i = 0; i < len && readable; i++)
		readable = bytes[i] >= ' ' && bytes[i] != 0x7f;
	if (readable) {
		buf_char(b, '"');
		buf_safe(b, (const char *)bytes, MIN(len, (size_t)LINE_TEXT));
		buf_str(b, len > LINE_TEXT ? "…\"" : "\"");
		return;
	}
	buf_lit(b, "0x");
	buf_hex(b, bytes, MIN(len, (size_t)LINE_HEX), 0);
	if (len > LINE_HEX)
		buf_lit(b, "…");
}

static void line_value(struct buf *b, uint8_t tag, const uint8_t *bytes, size_t len)
{
	static const char *const exceptions[] = { "noSuchObject", "noSuchInstance",
						  "endOfMibView" };
	int64_t i;
	uint64_t u;

	if (tag == BER_INTEGER && ber_int_of(bytes, len, &i) == 0)
		buf_i64(b, i);
	else if (tag == BER_OID)
		ber_oid_text(b, bytes, len);
	else if (tag == SNMP_IP_ADDRESS && len == 4)
		buf_ip4(b, bytes);
	else if (tag >= SNMP_COUNTER32 && tag <= SNMP_UINTEGER32 && tag != SNMP_OPAQUE &&
		 ber_uint_of(bytes, len, &u) == 0)
		buf_u64(b, u);
	else if (tag == BER_NULL)
		buf_lit(b, "null");
	else if (tag >= SNMP_NO_SUCH_OBJECT && tag <= SNMP_END_OF_MIB_VIEW)
		buf_str(b, exceptions[tag - SNMP_NO_SUCH_OBJECT]);
	else
		line_octets(b, bytes, len);
}

/* Like ber_enter(), but what is cut is read as far as it goes. */
static struct cursor line_enter(struct cursor *c, uint8_t tag)
{
	uint8_t found = tag;
	uint32_t len = 0;

	if (ber_head(c, &found, &len) == 0 && found != tag)
		cursor_fail(c, -E_MALFORMED);
	return cursor_sub(c, MIN((size_t)len, cursor_left(c)));
}

/* What a report says is a counter of errors (RFC 3414 section 5, RFC 3412 section 5). */
static const char *report_reason(const uint8_t *name, size_t len)
{
	static const uint8_t user_stats[] = { 0x2b, 6, 1, 6, 3, 15, 1, 1 };
	static const char *const user_reasons[] = { "unsupportedSecLevels", "notInTimeWindows",
						    "unknownUserNames",	    "unknownEngineIDs",
						    "wrongDigests",	    "decryptionErrors" };
	static const uint8_t message_stats[] = { 0x2b, 6, 1, 6, 3, 11, 2, 1 };
	static const char *const message_reasons[] = { "unknownSecurityModels", "invalidMsgs",
						       "unknownPDUHandlers" };

	if (len != sizeof(user_stats) + 2 || !name[8])
		return NULL;
	if (!memcmp(name, user_stats, sizeof(user_stats)) && name[8] <= ARRAY_LEN(user_reasons))
		return user_reasons[name[8] - 1];
	if (!memcmp(name, message_stats, sizeof(message_stats)) &&
	    name[8] <= ARRAY_LEN(message_reasons))
		return message_reasons[name[8] - 1];
	return NULL;
}

/* Bindings in a line; the number of the others follows. */
#define LINE_BINDINGS 3

static void line_binding(struct buf *b, uint8_t pdu, const uint8_t *name, size_t name_len,
			 uint8_t tag, struct cursor value)
{
	const char *reason = pdu == SNMP_REPORT ? report_reason(name, name_len) : NULL;

	buf_char(b, ' ');
	if (reason)
		buf_str(b, reason);
	else
		ber_oid_text(b, name, name_len);
	/* What is asked for has no value. */
	if (pdu == SNMP_GET || pdu == SNMP_GET_NEXT || pdu == SNMP_GET_BULK)
		return;
	buf_char(b, '=');
	line_value(b, tag, value.at, cursor_left(&value));
}

static void line_bindings(struct buf *b, struct cursor *c, uint8_t pdu)
{
	struct cursor list = line_enter(c, BER_SEQUENCE);
	unsigned n = 0;

	for (; cursor_left(&list); n++) {
		struct cursor one = ber_enter(&list, BER_SEQUENCE);
		size_t name_len;
		const uint8_t *name = ber_octets(&one, BER_OID, &name_len);
		uint8_t tag = ber_peek(&one);
		struct cursor value = ber_enter(&one, tag);

		if (one.err)
			return;
		if (n < LINE_BINDINGS)
			line_binding(b, pdu, name, name_len, tag, value);
	}
	if (n > LINE_BINDINGS)
		buf_printf(b, " +%u", n - LINE_BINDINGS);
}

static void line_trap_v1(struct buf *b, struct cursor *c)
{
	size_t len;
	const uint8_t *enterprise = ber_octets(c, BER_OID, &len), *agent;
	size_t agent_len;
	int64_t generic, specific;
	const char *name;

	agent = ber_octets(c, SNMP_IP_ADDRESS, &agent_len);
	generic = ber_int(c, BER_INTEGER);
	specific = ber_int(c, BER_INTEGER);
	(void)ber_uint(c, SNMP_TIME_TICKS);
	if (c->err || agent_len != 4)
		return;
	name = snmp_trap_name(generic);
	buf_char(b, ' ');
	ber_oid_text(b, enterprise, len);
	buf_char(b, ' ');
	if (name && generic != 6)
		buf_str(b, name);
	else
		buf_i64(b, specific);
	buf_lit(b, " from ");
	buf_ip4(b, agent);
}

static void line_status(struct buf *b, int64_t status, int64_t index)
{
	const char *name = snmp_error_name(status);

	if (name)
		buf_printf(b, " %s", name);
	else
		buf_printf(b, " error %lld", (long long)status);
	if (index)
		buf_printf(b, " at %lld", (long long)index);
}

/* The body; @who asks: the community or the user. */
static void line_pdu(struct buf *b, struct cursor *c, const uint8_t *who, size_t who_len)
{
	uint8_t tag = ber_peek(c);
	struct cursor pdu = line_enter(c, tag);
	bool answer = tag == SNMP_RESPONSE || tag == SNMP_REPORT;
	int64_t first, second;

	if (!snmp_pdu_name(tag))
		return;
	buf_printf(b, " %s", snmp_pdu_name(tag));
	if (!answer && who_len) {
		buf_char(b, ' ');
		buf_safe(b, (const char *)who, who_len);
	}
	if (tag == SNMP_TRAP_V1) {
		line_trap_v1(b, &pdu);
		line_bindings(b, &pdu, tag);
		return;
	}
	(void)ber_int(&pdu, BER_INTEGER);
	first = ber_int(&pdu, BER_INTEGER);
	second = ber_int(&pdu, BER_INTEGER);
	if (pdu.err)
		return;
	if (tag == SNMP_GET_BULK)
		buf_printf(b, " %lld+%lld", (long long)first, (long long)second);
	else if (first)
		line_status(b, first, second);
	line_bindings(b, &pdu, tag);
}

static void line_v3(struct buf *b, struct cursor *c)
{
	struct cursor octets, user, scoped;
	const uint8_t *name;
	size_t len, encrypted_len;

	ber_skip(c);
	octets = ber_enter(c, BER_OCTET_STRING);
	user = ber_enter(&octets, BER_SEQUENCE);
	for (int i = 0; i < 3; i++) /* engine, boots, time */
		ber_skip(&user);
	name = ber_octets(&user, BER_OCTET_STRING, &len);
	if (ber_peek(c) == BER_OCTET_STRING) {
		buf_lit(b, " encrypted");
		if (len) {
			buf_char(b, ' ');
			buf_safe(b, (const char *)name, len);
		}
		(void)ber_octets(c, BER_OCTET_STRING, &encrypted_len);
		if (!c->err)
			buf_printf(b, " %zu bytes", encrypted_len);
		return;
	}
	scoped = line_enter(c, BER_SEQUENCE);
	ber_skip(&scoped);
	ber_skip(&scoped);
	if (!scoped.err)
		line_pdu(b, &scoped, name, len);
}

void snmp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	struct cursor c = cursor_of(p->bytes + l->off, MIN(l->header_len, p->cap_len - l->off));
	struct cursor message = line_enter(&c, BER_SEQUENCE);
	int64_t version = ber_int(&message, BER_INTEGER);
	const uint8_t *community;
	size_t len;

	buf_lit(b, "SNMP");
	if (message.err)
		return;
	if (version == SNMP_V3) {
		buf_lit(b, " v3");
		line_v3(b, &message);
	} else if (version == SNMP_V1 || version == SNMP_V2C) {
		buf_str(b, version == SNMP_V1 ? " v1" : " v2c");
		community = ber_octets(&message, BER_OCTET_STRING, &len);
		line_pdu(b, &message, community, len);
	} else {
		buf_printf(b, " version %lld", (long long)version);
	}
}
