/*
 * STUN (RFC 8489; the first version RFC 3489, TURN RFC 8656 and 6062, ICE RFC 8445, behaviour
 * RFC 5780). A message is known by the magic cookie; without it, it is of the first version, whose
 * transaction ID is longer. On the same port TURN sends channel data, known by their first two
 * bits. Streams need no framing: the header says how long a message is.
 */
#include "wire/stun.h"

#include "wire/compose.h"
#include "wire/exchange.h"
#include "wire/packet.h"

#define HEADER_LEN  20
#define CHANNEL_LEN 4
#define COOKIE	    0x2112a442

#define CHANGE_REQUEST	   0x0003
#define ERROR_CODE	   0x0009
#define XOR_MAPPED_ADDRESS 0x0020
#define FINGERPRINT	   0x8028

static const struct value_name method_names[] = {
	{ 1, "Binding" },
	{ 2, "Shared Secret" },
	{ 3, "Allocate" },
	{ 4, "Refresh" },
	{ 6, "Send" },
	{ 7, "Data" },
	{ 8, "Create Permission" },
	{ 9, "Channel Bind" },
	{ 10, "Connect" },
	{ 11, "Connection Bind" },
	{ 12, "Connection Attempt" },
	{ 0x80, "GOOG Ping" },
	{ 0 },
};
static const struct value_name class_names[] = {
	{ 0x00, "request" }, { 0x01, "indication" }, { 0x10, "success" }, { 0x11, "error" }, { 0 },
};
static const struct value_name attribute_names[] = {
	{ 0x0001, "MAPPED-ADDRESS" },
	{ 0x0002, "RESPONSE-ADDRESS" },
	{ 0x0003, "CHANGE-REQUEST" },
	{ 0x0004, "SOURCE-ADDRESS" },
	{ 0x0005, "CHANGED-ADDRESS" },
	{ 0x0006, "USERNAME" },
	{ 0x0007, "PASSWORD" },
	{ 0x0008, "MESSAGE-INTEGRITY" },
	{ 0x0009, "ERROR-CODE" },
	{ 0x000a, "UNKNOWN-ATTRIBUTES" },
	{ 0x000b, "REFLECTED-FROM" },
	{ 0x000c, "CHANNEL-NUMBER" },
	{ 0x000d, "LIFETIME" },
	{ 0x0010, "BANDWIDTH" },
	{ 0x0012, "XOR-PEER-ADDRESS" },
	{ 0x0013, "DATA" },
	{ 0x0014, "REALM" },
	{ 0x0015, "NONCE" },
	{ 0x0016, "XOR-RELAYED-ADDRESS" },
	{ 0x0017, "REQUESTED-ADDRESS-FAMILY" },
	{ 0x0018, "EVEN-PORT" },
	{ 0x0019, "REQUESTED-TRANSPORT" },
	{ 0x001a, "DONT-FRAGMENT" },
	{ 0x001b, "ACCESS-TOKEN" },
	{ 0x001c, "MESSAGE-INTEGRITY-SHA256" },
	{ 0x001d, "PASSWORD-ALGORITHM" },
	{ 0x001e, "USERHASH" },
	{ 0x0020, "XOR-MAPPED-ADDRESS" },
	{ 0x0022, "RESERVATION-TOKEN" },
	{ 0x0024, "PRIORITY" },
	{ 0x0025, "USE-CANDIDATE" },
	{ 0x0026, "PADDING" },
	{ 0x0027, "RESPONSE-PORT" },
	{ 0x002a, "CONNECTION-ID" },
	{ 0x8000, "ADDITIONAL-ADDRESS-FAMILY" },
	{ 0x8001, "ADDRESS-ERROR-CODE" },
	{ 0x8002, "PASSWORD-ALGORITHMS" },
	{ 0x8003, "ALTERNATE-DOMAIN" },
	{ 0x8004, "ICMP" },
	{ 0x8022, "SOFTWARE" },
	{ 0x8023, "ALTERNATE-SERVER" },
	{ 0x8025, "TRANSACTION-TRANSMIT-COUNTER" },
	{ 0x8027, "CACHE-TIMEOUT" },
	{ 0x8028, "FINGERPRINT" },
	{ 0x8029, "ICE-CONTROLLED" },
	{ 0x802a, "ICE-CONTROLLING" },
	{ 0x802b, "RESPONSE-ORIGIN" },
	{ 0x802c, "OTHER-ADDRESS" },
	{ 0x802d, "ECN-CHECK" },
	{ 0x802e, "THIRD-PARTY-AUTHORIZATION" },
	{ 0x8030, "MOBILITY-TICKET" },
	{ 0xc057, "GOOG-NETWORK-INFO" },
	{ 0 },
};
static const struct value_name family_names[] = { { 1, "IPv4" }, { 2, "IPv6" }, { 0 } };
static const struct value_name transport_names[] = { { 6, "TCP" }, { 17, "UDP" }, { 0 } };

#define TYPE_ROW                                                            \
	{                                                                   \
		AS_HEX("stun.type", 0, 16, 4), .title = "Type", .preset = 1 \
	}
#define LENGTH_ROW                                                                      \
	{                                                                               \
		AS_UINT("stun.length", BYTE(2), 16), .title = "Length",                 \
						     .about = "Bytes behind the header" \
	}
static const struct field message[] = {
	TYPE_ROW,
	LENGTH_ROW,
	{ AS_BYTES("stun.cookie", BYTE(4), 32), .title = "Magic cookie", .preset = COOKIE },
	{ AS_BYTES("stun.id", BYTE(8), 96), .title = "Transaction ID" },
};
static const struct field classic[] = {
	TYPE_ROW,
	LENGTH_ROW,
	{ AS_BYTES("stun.id", BYTE(4), 128), .title = "Transaction ID" },
};
static const struct field channel[] = {
	{ AS_HEX("stun.channel", 0, 16, 4), .title = "Channel" },
	LENGTH_ROW,
};
static const struct block bodies[] = {
	{ .name = "message",
	  .title = "Message",
	  .rfc = "RFC 8489 section 5",
	  ROWS(message),
	  .min_len = HEADER_LEN },
	{ .name = "classic",
	  .title = "Message of the first version",
	  .rfc = "RFC 3489 section 11.1",
	  ROWS(classic),
	  .min_len = HEADER_LEN },
	{ .name = "channel",
	  .title = "Channel data",
	  .rfc = "RFC 8656 section 12.4",
	  ROWS(channel),
	  .min_len = CHANNEL_LEN },
};

static const struct block *stun_body(const uint8_t *header, size_t len)
{
	if (!len)
		return NULL;
	if (header[0] >> 6 == 1)
		return &bodies[2];
	return len >= 8 && load_be32(header + 4) != COOKIE ? &bodies[1] : &bodies[0];
}

enum {
	CLASS,
	METHOD,
	ASSIGNMENT,
	ATTRIBUTE,
	ATT_TYPE,
	ATT_COMPREHENSION,
	ATT_ASSIGNMENT,
	ATT_LENGTH,
	ATT_PADDING,
	RESERVED,
	FAMILY,
	XOR_PORT,
	PORT,
	XOR_IP4,
	IP4,
	XOR_IP6,
	IP6,
	CHANGE_IP,
	CHANGE_PORT,
	USERNAME,
	PASSWORD,
	HMAC,
	ERROR_CLASS,
	ERROR_NUMBER,
	ERROR_REASON,
	UNKNOWN,
	REALM,
	NONCE,
	CHANNEL,
	LIFETIME,
	BANDWIDTH,
	EVEN_PORT,
	TRANSPORT,
	TOKEN,
	PRIORITY,
	TIE_BREAKER,
	SOFTWARE,
	CRC32,
	CACHE_TIMEOUT,
	VALUE,
};

static const struct field more[] = {
	[CLASS] = { AS_HEX("stun.type.class", 0, 16, 4), .depth = 1, .title = "Class",
		    .values = class_names },
	[METHOD] = { AS_HEX("stun.type.method", 0, 16, 4), .depth = 1, .title = "Method",
		     .values = method_names },
	[ASSIGNMENT] = { AS_HEX("stun.type.method-assignment", 2, 1, 4), .depth = 1,
			 .title = "Designated expert's" },
	[ATTRIBUTE] = { AS_GROUP("stun.attributes", 0), .repeats = true, .title = "Attribute" },
	[ATT_TYPE] = { AS_HEX("stun.att.type", 0, 16, 4), .depth = 1, .title = "Type",
		       .values = attribute_names },
	[ATT_COMPREHENSION] = { AS_HEX("stun.att.type.comprehension", 0, 1, 4), .depth = 2,
				.title = "May be passed over" },
	[ATT_ASSIGNMENT] = { AS_HEX("stun.att.type.assignment", 1, 1, 4), .depth = 2,
			     .title = "Designated expert's" },
	[ATT_LENGTH] = { AS_UINT("stun.att.length", BYTE(2), 16), .depth = 1, .title = "Length" },
	[ATT_PADDING] = { AS_UINT("stun.att.padding", 0, 8), .depth = 1, .title = "Padding" },
	[RESERVED] = { AS_BYTES("stun.att.reserved", 0, 0), .depth = 1, .title = "Reserved" },
	[FAMILY] = { AS_HEX("stun.att.family", 0, 8, 2), .depth = 1, .title = "Family",
		     .values = family_names },
	[XOR_PORT] = { AS_BYTES("stun.att.port-xord", 0, 16), .depth = 1,
		       .title = "Port, disguised" },
	[PORT] = { AS_UINT("stun.att.port", 0, 16), .depth = 1, .title = "Port" },
	[XOR_IP4] = { AS_BYTES("stun.att.ipv4-xord", 0, 32), .depth = 1,
		      .title = "Address, disguised" },
	[IP4] = { AS_IP4("stun.att.ipv4", 0), .depth = 1, .title = "Address" },
	[XOR_IP6] = { AS_BYTES("stun.att.ipv6-xord", 0, 128), .depth = 1,
		      .title = "Address, disguised" },
	[IP6] = { AS_IP6("stun.att.ipv6", 0), .depth = 1, .title = "Address" },
	[CHANGE_IP] = { AS_FLAG("stun.att.change-ip", BYTE(3) + 5), .depth = 1,
			.title = "From another address" },
	[CHANGE_PORT] = { AS_FLAG("stun.att.change-port", BYTE(3) + 6), .depth = 1,
			  .title = "From another port" },
	[USERNAME] = { AS_TEXT("stun.att.username", 0, 0), .depth = 1, .title = "User name" },
	[PASSWORD] = { AS_BYTES("stun.att.password", 0, 0), .depth = 1, .title = "Password" },
	[HMAC] = { AS_BYTES("stun.att.hmac", 0, 0), .depth = 1, .title = "HMAC" },
	[ERROR_CLASS] = { AS_UINT("stun.att.error.class", 5, 3), .depth = 1,
			  .title = "Hundreds of the code" },
	[ERROR_NUMBER] = { AS_UINT("stun.att.error", 0, 8), .depth = 1,
			   .title = "Rest of the code" },
	[ERROR_REASON] = { AS_TEXT("stun.att.error.reason", 0, 0), .depth = 1, .title = "Reason" },
	[UNKNOWN] = { AS_HEX("stun.att.unknown", 0, 16, 4), .depth = 1, .repeats = true,
		      .title = "Unknown attribute", .values = attribute_names },
	[REALM] = { AS_TEXT("stun.att.realm", 0, 0), .depth = 1, .title = "Realm" },
	[NONCE] = { AS_TEXT("stun.att.nonce", 0, 0), .depth = 1, .title = "Nonce" },
	[CHANNEL] = { AS_HEX("stun.att.channelnum", 0, 16, 4), .depth = 1, .title = "Channel" },
	[LIFETIME] = { AS_UINT("stun.att.lifetime", 0, 32), .depth = 1, .title = "Lifetime",
		       .about = "Seconds" },
	[BANDWIDTH] = { AS_UINT("stun.port.bandwidth", 0, 32), .depth = 1, .title = "Bandwidth" },
	[EVEN_PORT] = { AS_UINT("stun.att.even-port.reserve-next", 0, 1), .depth = 1,
			.title = "Reserve the next port too" },
	[TRANSPORT] = { AS_HEX("stun.att.transp", 0, 8, 2), .depth = 1, .title = "Transport",
			.values = transport_names },
	[TOKEN] = { AS_BYTES("stun.att.token", 0, 64), .depth = 1, .title = "Token" },
	[PRIORITY] = { AS_UINT("stun.att.priority", 0, 32), .depth = 1, .title = "Priority" },
	[TIE_BREAKER] = { AS_BYTES("stun.att.tie-breaker", 0, 64), .depth = 1,
			  .title = "Tie breaker" },
	[SOFTWARE] = { AS_TEXT("stun.att.software", 0, 0), .depth = 1, .title = "Software" },
	[CRC32] = { AS_HEX("stun.att.crc32", 0, 32, 8), .depth = 1, .title = "CRC-32" },
	[CACHE_TIMEOUT] = { AS_UINT("stun.att.cache-timeout", 0, 32), .depth = 1,
			    .title = "Cache time-out" },
	[VALUE] = { AS_BYTES("stun.value", 0, 0), .depth = 1, .title = "Value" },
};
static const struct rows more_rows[] = { { more, ARRAY_LEN(more) } };

/* What a value is: one row over all of it, or code of its own. @reserved: bytes that follow. */
enum kind { KIND_ROW, KIND_ADDRESS, KIND_XOR, KIND_ERROR, KIND_CHANGE };

static const struct attribute {
	uint16_t type;
	uint8_t kind, row, reserved;
} attributes[] = {
	{ 0x0001, KIND_ADDRESS },
	{ 0x0002, KIND_ADDRESS },
	{ 0x0003, KIND_CHANGE },
	{ 0x0004, KIND_ADDRESS },
	{ 0x0005, KIND_ADDRESS },
	{ 0x0006, KIND_ROW, USERNAME },
	{ 0x0007, KIND_ROW, PASSWORD },
	{ 0x0008, KIND_ROW, HMAC },
	{ 0x0009, KIND_ERROR },
	{ 0x000a, KIND_ROW, UNKNOWN },
	{ 0x000b, KIND_ADDRESS },
	{ 0x000c, KIND_ROW, CHANNEL, 2 },
	{ 0x000d, KIND_ROW, LIFETIME },
	{ 0x0010, KIND_ROW, BANDWIDTH },
	{ 0x0012, KIND_XOR },
	{ 0x0014, KIND_ROW, REALM },
	{ 0x0015, KIND_ROW, NONCE },
	{ 0x0016, KIND_XOR },
	{ 0x0017, KIND_ROW, FAMILY, 3 },
	{ 0x0018, KIND_ROW, EVEN_PORT },
	{ 0x0019, KIND_ROW, TRANSPORT, 3 },
	{ 0x001c, KIND_ROW, HMAC },
	{ 0x0020, KIND_XOR },
	{ 0x0022, KIND_ROW, TOKEN },
	{ 0x0024, KIND_ROW, PRIORITY },
	{ 0x8022, KIND_ROW, SOFTWARE },
	{ 0x8023, KIND_ADDRESS },
	{ 0x8027, KIND_ROW, CACHE_TIMEOUT },
	{ 0x8028, KIND_ROW, CRC32 },
	{ 0x8029, KIND_ROW, TIE_BREAKER },
	{ 0x802a, KIND_ROW, TIE_BREAKER },
	{ 0x802b, KIND_ADDRESS },
	{ 0x802c, KIND_ADDRESS },
};

static const struct attribute *find_attribute(unsigned type)
{
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		if (attributes[i].type == type)
			return &attributes[i];
	return NULL;
}

/* Undoes what hides an address from those who rewrite addresses (RFC 8489 section 14.2). */
static void unmask(uint8_t *out, const uint8_t *in, size_t len, const uint8_t *header)
{
	for (size_t i = 0; i < len; i++)
		out[i] = in[i] ^ header[4 + i];
}

static void walk_address(struct walk *w, uint32_t at, uint32_t end, bool masked)
{
	const uint8_t *p = w->packet->bytes, *header = p + w->layer->off;
	bool six = end - at == 20;
	uint8_t plain[16];

	if ((end - at != 8 || p[at + 1] != 1) && (end - at != 20 || p[at + 1] != 2)) {
		walk_fault(w, -E_MALFORMED, at);
		return;
	}
	walk_field(w, &more[RESERVED], at, 1, 0);
	walk_field(w, &more[FAMILY], at + 1, 1, 0);
	if (!masked) {
		walk_field(w, &more[PORT], at + 2, 2, 0);
		walk_field(w, &more[six ? IP6 : IP4], at + 4, six ? 16 : 4, 0);
		return;
	}
	walk_field(w, &more[XOR_PORT], at + 2, 2, 0);
	walk_number(w, &more[PORT], at + 2, 2, load_be16(p + at + 2) ^ load_be16(header + 4), 0);
	walk_field(w, &more[six ? XOR_IP6 : XOR_IP4], at + 4, six ? 16 : 4, 0);
	unmask(plain, p + at + 4, six ? 16 : 4, header);
	walk_decoded(w, &more[six ? IP6 : IP4], at + 4, six ? 16 : 4, plain, six ? 16 : 4, 0);
}

static void walk_error(struct walk *w, uint32_t at, uint32_t end)
{
	if (end - at < 4) {
		walk_fault(w, -E_MALFORMED, at);
		return;
	}
	walk_field(w, &more[RESERVED], at, 2, 0);
	walk_field(w, &more[ERROR_CLASS], at + 2, 1, 0);
	walk_field(w, &more[ERROR_NUMBER], at + 3, 1, 0);
	walk_field(w, &more[ERROR_REASON], at + 4, end - at - 4, 0);
}

static void walk_row(struct walk *w, const struct attribute *a, uint32_t at, uint32_t end)
{
	const struct field *f = &more[a->row];

	if (f->bits && !f->repeats && end - at < field_span(f) + a->reserved) {
		walk_fault(w, -E_MALFORMED, at);
		return;
	}
	if (f->bits || at < end)
		walk_rows(w, f, 1, at, end, 0);
	if (a->reserved)
		walk_field(w, &more[RESERVED], at + field_span(f), a->reserved, 0);
}

static void walk_value(struct walk *w, unsigned type, uint32_t at, uint32_t end)
{
	const struct attribute *a = find_attribute(type);

	if (!a && at < end)
		walk_field(w, &more[VALUE], at, end - at, 0);
	if (!a)
		return;
	switch (a->kind) {
	case KIND_ADDRESS:
	case KIND_XOR:
		walk_address(w, at, end, a->kind == KIND_XOR);
		break;
	case KIND_ERROR:
		walk_error(w, at, end);
		break;
	case KIND_CHANGE:
		walk_rows(w, &more[CHANGE_IP], 2, at, end, 0);
		break;
	default:
		walk_row(w, a, at, end);
	}
}

static void walk_attributes(struct walk *w, uint32_t at)
{
	const uint8_t *p = w->packet->bytes;

	while (at < w->end && !w->over) {
		uint32_t end, pad;

		if (w->end - at < 4 || load_be16(p + at + 2) > w->end - at - 4) {
			walk_fault(w, -E_MALFORMED, at);
			return;
		}
		end = at + 4 + load_be16(p + at + 2);
		walk_group(w, &more[ATTRIBUTE], at, end - at, 0, NULL);
		walk_rows(w, &more[ATT_TYPE], 4, at, end, 0);
		walk_value(w, load_be16(p + at), at + 4, end);
		pad = MIN((0u - (end - at)) & 3, w->end - end);
		if (pad && !w->over)
			walk_number(w, &more[ATT_PADDING], end, pad, pad, 0);
		at = end + pad;
	}
}

static void stun_walk(struct walk *w)
{
	uint32_t off = w->layer->off;
	const uint8_t *header = w->packet->bytes + off;
	const struct block *body = stun_body(header, w->end - off);
	unsigned type;

	if (!body)
		walk_fault(w, -E_TRUNCATED, off);
	if (!body || !walk_rows(w, body->fields, 1, off, w->end, 0))
		return;
	type = load_be16(header);
	if (body->fields != channel) {
		walk_number(w, &more[CLASS], off, 2, (type & 0x110) >> 4, 0);
		walk_number(w, &more[METHOD], off, 2, type & 0x3eef, 0);
		walk_rows(w, &more[ASSIGNMENT], 1, off, w->end, 0);
	}
	if (!walk_rows(w, body->fields + 1, body->n_fields - 1u, off, w->end, 0))
		return;
	if (body->fields != channel)
		walk_attributes(w, off + HEADER_LEN);
	else if (w->end - off > CHANNEL_LEN)
		walk_field(w, &more[VALUE], off + CHANNEL_LEN, w->end - off - CHANNEL_LEN, 0);
}

/* Bytes of the message, from its first four; in streams channel data are padded. */
static uint32_t message_len(const uint8_t *header, bool stream)
{
	uint32_t len = load_be16(header + 2);

	if (header[0] >> 6 != 1)
		return HEADER_LEN + len;
	return CHANNEL_LEN + (stream ? (len + 3) & ~3u : len);
}

static uint8_t stun_step(struct packet *p, struct layer *l, uint8_t next)
{
	bool stream = l->flags & LAYER_STREAM;
	uint32_t len = message_len(p->bytes + l->off, stream);

	if (len > l->header_len) {
		if (stream)
			p->end = l->off + len;
		l->flags |= LAYER_CUT;
		return packet_fails(p, l, stream ? -E_TRUNCATED : -E_MALFORMED, p->have);
	}
	l->header_len = len;
	return stream ? PROTOCOL_STUN : next;
}

static int64_t stun_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len,
			    bool end)
{
	size_t whole;

	(void)d;
	(void)reply;
	if (len && bytes[0] >> 6 > 1)
		return -E_MALFORMED;
	whole = len < 4 ? 4 : message_len(bytes, true);
	return whole <= len ? (int64_t)whole : end ? (int64_t)len : 0;
}

/* What the line says of an answer: the address, or what is wrong. */
static void say_attribute(struct buf *b, const uint8_t *header, const uint8_t *at, size_t len)
{
	unsigned type = load_be16(at);
	const uint8_t *value = at + 4;
	uint8_t plain[16];

	if (type == 9 && len >= 4) {
		buf_char(b, ' ');
		buf_u64(b, (value[2] & 7) * 100u + value[3]);
		buf_char(b, ' ');
		buf_safe(b, (const char *)value + 4, len - 4);
	} else if ((type == 0x20 || type == 0x16) && len == 8) {
		unmask(plain, value + 4, 4, header);
		buf_char(b, ' ');
		buf_ip4(b, plain);
		buf_char(b, ':');
		buf_u64(b, load_be16(value + 2) ^ load_be16(header + 4));
	} else if ((type == 0x20 || type == 0x16) && len == 20) {
		unmask(plain, value + 4, 16, header);
		buf_lit(b, " [");
		buf_ip6(b, plain);
		buf_lit(b, "]:");
		buf_u64(b, load_be16(value + 2) ^ load_be16(header + 4));
	}
}

static void stun_line(struct buf *b, const struct packet *p, size_t layer)
{
	static const struct field classes = { .values = class_names };
	static const struct field methods = { .values = method_names };
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off, *at, *end = header + l->header_len;
	unsigned type;

	buf_str(b, layer && l[-1].proto == l->proto ? " | STUN" : "STUN");
	if (l->header_len < 4)
		return;
	type = load_be16(header);
	if (header[0] >> 6 == 1) {
		buf_printf(b, " channel 0x%04x len %u", type, load_be16(header + 2));
		return;
	}
	buf_char(b, ' ');
	buf_str(b, field_value_name(&methods, type & 0x3eef) ?: "unknown method");
	buf_char(b, ' ');
	buf_str(b, field_value_name(&classes, (type & 0x110) >> 4));
	for (at = header + HEADER_LEN; end - at >= 4 && load_be16(at + 2) <= end - at - 4;) {
		size_t len = load_be16(at + 2), step = 4 + ((len + 3) & ~(size_t)3);

		say_attribute(b, header, at, len);
		if (step > (size_t)(end - at))
			return;
		at += step;
	}
}

static bool stun_guess(const uint8_t *bytes, size_t len, bool stream)
{
	return len >= HEADER_LEN && !(bytes[0] >> 6) && load_be32(bytes + 4) == COOKIE &&
	       !(bytes[3] & 3) && (stream || len == HEADER_LEN + (size_t)load_be16(bytes + 2));
}

/* An attribute in hand, when crafting: its type, and what was set of it. */
struct crafted {
	bool open;
	uint16_t type;
	const struct compose_setting *set[ARRAY_LEN(more)];
};

/* The type that a row is in when none is given; 0: it needs one. */
static uint16_t type_with(int row)
{
	if (row == IP4 || row == IP6 || row == PORT)
		return XOR_MAPPED_ADDRESS;
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		if (attributes[i].kind == KIND_ROW && attributes[i].row == row)
			return attributes[i].type;
	return row >= ERROR_CLASS && row <= ERROR_REASON ? ERROR_CODE
	       : row == CHANGE_IP || row == CHANGE_PORT	 ? CHANGE_REQUEST
							 : 0;
}

static bool takes(uint16_t type, int row)
{
	const struct attribute *a = find_attribute(type);

	switch (a ? a->kind : KIND_ROW) {
	case KIND_ADDRESS:
	case KIND_XOR:
		return row == IP4 || row == IP6 || row == PORT;
	case KIND_ERROR:
		return row >= ERROR_CLASS && row <= ERROR_REASON;
	case KIND_CHANGE:
		return row == CHANGE_IP || row == CHANGE_PORT;
	default:
		return a ? a->row == row : row == VALUE;
	}
}

static void put_address(struct compose *m, const struct crafted *c, bool masked)
{
	const struct compose_setting *ip = c->set[IP4] ?: c->set[IP6];
	uint16_t port = (uint16_t)compose_number(c->set[PORT], 0);
	uint32_t len = c->set[IP6] && !c->set[IP4] ? 16 : 4;
	uint8_t bytes[16] = { 0 };

	if (ip)
		memcpy(bytes, ip->bytes, len);
	if (masked)
		unmask(bytes, bytes, len, m->header);
	buf_be16(&m->out, len == 16 ? 2 : 1);
	buf_be16(&m->out, masked ? port ^ load_be16(m->header + 4) : port);
	buf_bytes(&m->out, bytes, len);
}

/* Over the message up to here, whose length counts this attribute already (RFC 8489 section 14.7).
 */
static uint32_t fingerprint(struct compose *m, size_t start)
{
	const uint8_t *end = (uint8_t *)m->out.data + start;
	uint32_t crc = UINT32_MAX;

	store_be16(m->header + 2, (uint16_t)(start + 8));
	for (const uint8_t *at = m->header; at < end; at++) {
		crc ^= *at;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc ^ 0x5354554e;
}

static void put_row(struct compose *m, const struct attribute *a, const struct crafted *c,
		    size_t start)
{
	const struct field *f = &more[a->row];
	const struct compose_setting *s = c->set[a->row];

	if (c->type == FINGERPRINT && !s && !m->out.err)
		buf_be32(&m->out, fingerprint(m, start));
	else if (f->bits)
		compose_put(m, f, s, m->out.len);
	else
		compose_text(m, s, "");
	buf_fill(&m->out, 0, a->reserved);
}

static void close_attribute(struct compose *m, struct crafted *c)
{
	const struct attribute *a = find_attribute(c->type);
	size_t start = m->out.len, len;

	if (!c->open)
		return;
	buf_be16(&m->out, c->type);
	buf_be16(&m->out, 0);
	switch (a ? a->kind : KIND_ROW) {
	case KIND_ADDRESS:
	case KIND_XOR:
		put_address(m, c, a->kind == KIND_XOR);
		break;
	case KIND_ERROR:
		buf_be16(&m->out, 0);
		buf_u8(&m->out, (uint8_t)compose_number(c->set[ERROR_CLASS], 4));
		buf_u8(&m->out, (uint8_t)compose_number(c->set[ERROR_NUMBER], 0));
		compose_text(m, c->set[ERROR_REASON], "");
		break;
	case KIND_CHANGE:
		compose_put(m, &more[CHANGE_IP], c->set[CHANGE_IP], m->out.len);
		compose_put(m, &more[CHANGE_PORT], c->set[CHANGE_PORT], m->out.len - 4);
		break;
	default:
		if (a)
			put_row(m, a, c, start);
		else
			compose_text(m, c->set[VALUE], "");
	}
	len = m->out.len - start - 4;
	if (!m->out.err)
		store_be16((uint8_t *)m->out.data + start + 2, (uint16_t)len);
	buf_fill(&m->out, 0, (0 - len) & 3);
	*c = (struct crafted){ 0 };
}

/* A type begins an attribute, and so does a field that the one in hand has no place for. */
static void compose_attribute(struct compose *m, struct crafted *c, struct compose_setting *s)
{
	int row = (int)(s->field - more);
	uint16_t type = row == ATT_TYPE ? (uint16_t)s->number : type_with(row);

	if (row == ATT_TYPE || !c->open || !takes(c->type, row) || c->set[row]) {
		if (row != ATT_TYPE && !type)
			return;
		close_attribute(m, c);
		c->open = true;
		c->type = type;
	}
	s->used = true;
	c->set[row] = s;
}

static int stun_compose(struct compose *m, struct fault *fault)
{
	const struct compose_setting *class = compose_find(m, &more[CLASS]);
	const struct compose_setting *method = compose_find(m, &more[METHOD]);
	struct crafted c = { 0 };
	uint64_t type = compose_number(class, 0) << 4 | compose_number(method, 1);

	(void)fault;
	if (m->body->fields == channel) {
		compose_text(m, compose_find(m, &more[VALUE]), "");
	} else {
		if (!compose_given(m, "stun.type"))
			store_be16(m->header, (uint16_t)type);
		for (size_t i = 0; i < m->n; i++)
			if (!m->settings[i].used)
				compose_attribute(m, &c, &m->settings[i]);
		close_attribute(m, &c);
	}
	if (!compose_given(m, "stun.length"))
		store_be16(m->header + 2, (uint16_t)(m->out.len + m->payload_len));
	m->reply = m->header[0] & 1; /* success or error */
	return 0;
}

static const struct field exchange_rows[] = {
	{ AS_COUNT("stun.response-to"), .title = "Answer to packet" },
	{ AS_DURATION("stun.time"), .title = "Time since the request" },
};

/* By the class (RFC 8489 section 5): indications are not answered, data of a channel is neither. */
static bool stun_tell(const struct packet *p, const struct layer *l, struct exchange *ret_exchange)
{
	const uint8_t *header = p->bytes + l->off;
	unsigned class = load_be16(header) & 0x110;

	if (l->header_len < HEADER_LEN || header[0] >> 6 || class == 0x010)
		return false;
	*ret_exchange = (struct exchange){ .answer = class, .id_len = 16 };
	memcpy(ret_exchange->id, header + 4, 16);
	return true;
}

static const struct exchange_table exchange = { .tell = stun_tell, ROWS(exchange_rows) };

const struct protocol protocol_stun = {
	PROTOCOL_NAME("stun"),
	.short_name = "STUN",
	.title = "Session Traversal Utilities for NAT",
	.rfc = "RFC 8489 section 5",
	.about = "Finds out by which address others see a host, and asks for relays.",
	.min_len = CHANNEL_LEN,
	.whole = true,
	.application = true,
	.more_rows = more_rows,
	.n_more_rows = ARRAY_LEN(more_rows),
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.bodies_fit = true,
	.body = stun_body,
	.step = stun_step,
	.walk = stun_walk,
	.compose = stun_compose,
	.line = stun_line,
	.exchange = &exchange,
	.guess = stun_guess,
	.message = stun_message,
};
