/*
 * PPPoE (RFC 2516; maximum payload RFC 4638; credits and metrics RFC 5578). Discovery and session
 * have types of their own in Ethernet and the same header of 6 bytes. What follows it in discovery
 * are tags, type and length of two bytes each; in a session a PPP packet.
 */
#include "wire/pppoe.h"

#include "wire/compose.h"
#include "wire/packet.h"

#define PPPOE_LEN 6
#define TAG_LEN	  4

enum {
	TAG_END = 0x0000,
	TAG_SERVICE = 0x0101,
	TAG_CONCENTRATOR = 0x0102,
	TAG_SERVICE_ERROR = 0x0201,
	TAG_SYSTEM_ERROR = 0x0202,
	TAG_ERROR = 0x0203,
};

static const struct value_name code_names[] = {
	{ 0x00, "session" }, { 0x07, "PADO" }, { 0x09, "PADI" }, { 0x0a, "PADG" },
	{ 0x0b, "PADC" },    { 0x0c, "PADQ" }, { 0x19, "PADR" }, { 0x65, "PADS" },
	{ 0xa7, "PADT" },    { 0xd3, "PADM" }, { 0xd4, "PADN" }, { 0 },
};

static const struct value_name tag_names[] = {
	{ TAG_END, "end of list" },
	{ TAG_SERVICE, "service name" },
	{ TAG_CONCENTRATOR, "concentrator's name" },
	{ 0x0103, "host's number" },
	{ 0x0104, "concentrator's cookie" },
	{ 0x0105, "vendor-specific" },
	{ 0x0106, "credits" },
	{ 0x0107, "metrics" },
	{ 0x0108, "sequence number" },
	{ 0x0109, "credit scale factor" },
	{ 0x0110, "relay's session" },
	{ 0x0111, "URL for the host" },
	{ 0x0112, "message of the minute" },
	{ 0x0120, "maximum PPP payload" },
	{ 0x0121, "route to add" },
	{ TAG_SERVICE_ERROR, "service name error" },
	{ TAG_SYSTEM_ERROR, "concentrator's error" },
	{ TAG_ERROR, "error" },
	{ 0 },
};

static const struct field fields[] = {
	{ AS_UINT("pppoe.version", 0, 4), .title = "Version", .preset = 1, .about = "1" },
	{ AS_UINT("pppoe.type", 4, 4), .title = "Type", .preset = 1, .about = "1" },
	{ AS_HEX("pppoe.code", BYTE(1), 8, 2), .title = "Code",
	  .about = "Which message of the discovery; 0 in a session", .values = code_names },
	{ AS_HEX("pppoe.session_id", BYTE(2), 16, 4), .title = "Session",
	  .about = "Number that the concentrator gave; 0 until then" },
	{ AS_UINT("pppoe.payload_length", BYTE(4), 16), .title = "Payload length",
	  .about = "Bytes that follow" },
};
enum { ROW_CODE = 2, ROW_LEN = 4 };

static const struct field tag_group = {
	AS_GROUP("pppoed.tags", 0),
	.title = "Tag",
	.repeats = true,
};
static const struct field tag_head[] = {
	{ AS_HEX("pppoed.tag", 0, 16, 4), .title = "Type", .values = tag_names },
	{ AS_UINT("pppoed.tag_length", BYTE(2), 16), .title = "Length" },
};

static const struct field service[] = {
	{ AS_TEXT("pppoed.tags.service_name", BYTE(4), 0), .title = "Service name",
	  .about = "What the host wants or the concentrator offers; empty: any" },
};
static const struct field concentrator[] = {
	{ AS_TEXT("pppoed.tags.ac_name", BYTE(4), 0), .title = "Concentrator's name" },
};
static const struct field host_uniq[] = {
	{ AS_BYTES("pppoed.tags.host_uniq", BYTE(4), 0), .title = "Host's number",
	  .about = "Comes back in the answer, so that the host knows to what" },
};
static const struct field cookie[] = {
	{ AS_BYTES("pppoed.tags.ac_cookie", BYTE(4), 0), .title = "Concentrator's cookie" },
};
static const struct field vendor[] = {
	{ AS_UINT("pppoed.tags.vendor_id", BYTE(4), 32), .title = "Vendor",
	  .about = "Enterprise number of IANA's" },
	{ AS_BYTES("pppoed.tags.vendor_unspecified", BYTE(8), 0), .title = "Vendor's data" },
};
static const struct field credits[] = {
	{ AS_UINT("pppoed.tags.credits.fcn", BYTE(4), 16), .title = "Forward credits" },
	{ AS_UINT("pppoed.tags.credits.bcn", BYTE(6), 16), .title = "Backward credits" },
};
static const struct field metrics[] = {
	{ AS_FLAG("pppoed.tags.metrics.r", BYTE(5) + 7), .title = "Receive only" },
	{ AS_UINT("pppoed.tags.metrics.rlq", BYTE(6), 8), .title = "Relative link quality" },
	{ AS_UINT("pppoed.tags.metrics.resource", BYTE(7), 8), .title = "Resources left" },
	{ AS_UINT("pppoed.tags.metrics.latency", BYTE(8), 16), .title = "Latency",
	  .about = "Milliseconds" },
	{ AS_UINT("pppoed.tags.metrics.curr_drate", BYTE(10), 16), .title = "Current data rate" },
	{ AS_UINT("pppoed.tags.metrics.max_drate", BYTE(12), 16), .title = "Maximum data rate" },
};
static const struct field sequence[] = {
	{ AS_HEX("pppoed.tags.seq_num", BYTE(4), 16, 4), .title = "Sequence number" },
};
static const struct field scale[] = {
	{ AS_UINT("pppoed.tags.credit_scale", BYTE(4), 16), .title = "Credit scale factor",
	  .about = "Bytes that one credit stands for" },
};
static const struct field relay[] = {
	{ AS_BYTES("pppoed.tags.relay_session_id", BYTE(4), 0), .title = "Relay's session" },
};
static const struct field hurl[] = {
	{ AS_BYTES("pppoed.tags.hurl", BYTE(4), 0), .title = "URL for the host" },
};
static const struct field motm[] = {
	{ AS_BYTES("pppoed.tags.motm", BYTE(4), 0), .title = "Message of the minute" },
};
static const struct field max_payload[] = {
	{ AS_BYTES("pppoed.tags.max_payload", BYTE(4), 0), .title = "Maximum PPP payload",
	  .about = "Bytes: more than 1,492 on links with large frames" },
};
static const struct field route[] = {
	{ AS_BYTES("pppoed.tags.ip_route_add", BYTE(4), 0), .title = "Route to add" },
};
static const struct field service_error[] = {
	{ AS_TEXT("pppoed.tags.service_name_error", BYTE(4), 0), .title = "Service name error" },
};
static const struct field system_error[] = {
	{ AS_TEXT("pppoed.tags.ac_system_error", BYTE(4), 0), .title = "Concentrator's error" },
};
static const struct field error[] = {
	{ AS_TEXT("pppoed.tags.generic_error", BYTE(4), 0), .title = "Error" },
};
static const struct field opaque[] = {
	{ AS_BYTES("pppoed.tag.unknown_data", BYTE(4), 0), .title = "Data" },
};

#define TAG(type, n, t, rows, len)                                                   \
	{                                                                            \
		.name = (n), .title = (t), .rfc = "RFC 2516 appendix A", ROWS(rows), \
		.min_len = (len), .code = (type)                                     \
	}
static const struct block tags[] = {
	TAG(TAG_SERVICE, "service", "Service name", service, 4),
	TAG(TAG_CONCENTRATOR, "ac-name", "Concentrator's name", concentrator, 4),
	TAG(0x0103, "host-uniq", "Host's number", host_uniq, 4),
	TAG(0x0104, "cookie", "Concentrator's cookie", cookie, 4),
	TAG(0x0105, "vendor", "Vendor-specific", vendor, 8),
	TAG(0x0106, "credits", "Credits", credits, 8),
	TAG(0x0107, "metrics", "Metrics", metrics, 14),
	TAG(0x0108, "sequence", "Sequence number", sequence, 6),
	TAG(0x0109, "scale", "Credit scale factor", scale, 6),
	TAG(0x0110, "relay", "Relay's session", relay, 4),
	TAG(0x0111, "hurl", "URL for the host", hurl, 4),
	TAG(0x0112, "motm", "Message of the minute", motm, 4),
	TAG(0x0120, "max-payload", "Maximum PPP payload", max_payload, 6),
	TAG(0x0121, "route", "Route to add", route, 4),
	TAG(TAG_SERVICE_ERROR, "service-error", "Service name error", service_error, 4),
	TAG(TAG_SYSTEM_ERROR, "system-error", "Concentrator's error", system_error, 4),
	TAG(TAG_ERROR, "error", "Error", error, 4),
};
static const struct block tag_unknown = TAG(0, "tag", "Tag", opaque, 4);

static const struct block *find_tag(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (tags[i].code == type)
			return &tags[i];
	return &tag_unknown;
}

static void pppoed_walk(struct walk *w)
{
	uint32_t off = w->at;

	while (off < w->end && !w->over) {
		const uint8_t *tag = w->packet->bytes + off;
		const struct block *block;
		uint32_t len;

		if (!walk_field(w, &tag_group, off, TAG_LEN, 0))
			return;
		block = find_tag(load_be16(tag));
		len = TAG_LEN + load_be16(tag + 2);
		if (!walk_rows(w, tag_head, ARRAY_LEN(tag_head), off, w->end, 1))
			return;
		if (len > w->end - off || len < block->min_len) {
			walk_fault(w, -E_MALFORMED, off);
			return;
		}
		if (load_be16(tag) == TAG_END)
			return;
		walk_rows(w, block->fields, block->n_fields, off, off + len, 1);
		off += len;
	}
}

static int pppoed_compose(struct compose *m, struct fault *fault)
{
	static const struct compose_tlvs list = { .head = tag_head,
						  .blocks = tags,
						  .n_blocks = ARRAY_LEN(tags),
						  .unknown = &tag_unknown,
						  .uncounted = TAG_LEN };

	(void)fault;
	compose_list(m, &list);
	return 0;
}

/* " ac-name 'x'" of the first tag of @type that has a value. */
static void line_tag(struct buf *b, const uint8_t *at, const uint8_t *end, uint16_t type)
{
	while (end - at >= TAG_LEN) {
		size_t len = load_be16(at + 2);

		if (len > (size_t)(end - at) - TAG_LEN)
			return;
		if (load_be16(at) == type && len) {
			buf_char(b, ' ');
			buf_str(b, find_tag(type)->name);
			buf_lit(b, " '");
			buf_safe(b, (const char *)at + TAG_LEN, len);
			buf_char(b, '\'');
			return;
		}
		at += TAG_LEN + len;
	}
}

static void pppoed_line(struct buf *b, const struct packet *p, size_t layer)
{
	static const uint16_t told[] = { TAG_SERVICE, TAG_CONCENTRATOR, TAG_SERVICE_ERROR,
					 TAG_SYSTEM_ERROR, TAG_ERROR };
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;

	buf_lit(b, "PPPoE");
	if (l->header_len < PPPOE_LEN)
		return;
	buf_char(b, ' ');
	buf_str(b, field_value_name(&fields[ROW_CODE], header[1]) ?: "discovery");
	if (load_be16(header + 2)) {
		buf_lit(b, " session 0x");
		buf_hex_u64(b, load_be16(header + 2), 4);
	}
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		line_tag(b, header + PPPOE_LEN, header + l->header_len, told[i]);
}

static uint8_t pppoes_step(struct packet *p, struct layer *l, uint8_t next)
{
	(void)p;
	(void)l;
	(void)next;
	return PROTOCOL_PPP;
}

static void pppoes_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];

	buf_lit(b, "pppoe");
	if (l->header_len < PPPOE_LEN)
		return;
	buf_lit(b, " 0x");
	buf_hex_u64(b, load_be16(p->bytes + l->off + 2), 4);
	if (layer + 1 < p->n_layers)
		buf_char(b, ' ');
}

static const struct rows rows[] = {
	{ &tag_group, 1 },
	{ tag_head, ARRAY_LEN(tag_head) },
	{ service, ARRAY_LEN(service) },
	{ concentrator, ARRAY_LEN(concentrator) },
	{ host_uniq, ARRAY_LEN(host_uniq) },
	{ cookie, ARRAY_LEN(cookie) },
	{ vendor, ARRAY_LEN(vendor) },
	{ credits, ARRAY_LEN(credits) },
	{ metrics, ARRAY_LEN(metrics) },
	{ sequence, ARRAY_LEN(sequence) },
	{ scale, ARRAY_LEN(scale) },
	{ relay, ARRAY_LEN(relay) },
	{ hurl, ARRAY_LEN(hurl) },
	{ motm, ARRAY_LEN(motm) },
	{ max_payload, ARRAY_LEN(max_payload) },
	{ route, ARRAY_LEN(route) },
	{ service_error, ARRAY_LEN(service_error) },
	{ system_error, ARRAY_LEN(system_error) },
	{ error, ARRAY_LEN(error) },
	{ opaque, ARRAY_LEN(opaque) },
};

const struct protocol protocol_pppoed = {
	PROTOCOL_NAME("pppoed"),
	.short_name = "PPPoE",
	.title = "PPP-over-Ethernet Discovery",
	.rfc = "RFC 2516 section 4",
	.about = "How a host finds an access concentrator and gets a session: it asks (PADI), is "
		 "offered one (PADO), requests it (PADR), is confirmed (PADS).",
	ROWS(fields),
	.min_len = PPPOE_LEN,
	.whole = true,
	.total_len = &fields[ROW_LEN],
	.total_add = PPPOE_LEN,
	.more_rows = rows,
	.n_more_rows = ARRAY_LEN(rows),
	.walk = pppoed_walk,
	.compose = pppoed_compose,
	.line = pppoed_line,
};

const struct protocol protocol_pppoes = {
	PROTOCOL_NAME("pppoes"),
	.short_name = "pppoe",
	.title = "PPP-over-Ethernet Session",
	.rfc = "RFC 2516 section 4",
	.about = "Carries PPP's packets in Ethernet frames, numbered by session.",
	ROWS(fields),
	.min_len = PPPOE_LEN,
	.total_len = &fields[ROW_LEN],
	.total_add = PPPOE_LEN,
	.step = pppoes_step,
	.line = pppoes_line,
};
