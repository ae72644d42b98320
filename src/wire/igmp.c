/*
 * IGMP (version 1 RFC 1112, 2 RFC 2236, 3 RFC 3376): hosts tell routers which groups they want to
 * hear. The versions share the number of the query: without a response time it is of version 1,
 * longer than 8 bytes of version 3.
 */
#include "wire/igmp.h"

#include "wire/compose.h"
#include "wire/multicast.h"

#define HEADER_LEN 4
#define IGMP_LEN   8 /* of all messages whose contents are known */
#define QUERY3_LEN 12

enum {
	IGMP_QUERY = 0x11,
	IGMP_REPORT1 = 0x12,
	IGMP_REPORT2 = 0x16,
	IGMP_LEAVE = 0x17,
	IGMP_REPORT3 = 0x22,
};

static const struct value_name type_names[] = {
	{ IGMP_QUERY, "membership query" },
	{ IGMP_REPORT1, "membership report, version 1" },
	{ 0x13, "DVMRP" },
	{ 0x14, "PIM version 1" },
	{ IGMP_REPORT2, "membership report, version 2" },
	{ IGMP_LEAVE, "leave group" },
	{ 0x1e, "multicast traceroute response" },
	{ 0x1f, "multicast traceroute" },
	{ IGMP_REPORT3, "membership report, version 3" },
	{ 0x30, "multicast router advertisement" },
	{ 0x31, "multicast router solicitation" },
	{ 0x32, "multicast router termination" },
	{ 0 },
};

static const struct field fields[] = {
	{ AS_HEX("igmp.type", 0, 8, 2), .title = "Type", .preset = IGMP_QUERY,
	  .values = type_names },
	{ AS_HEX("igmp.checksum", BYTE(2), 16, 4), .title = "Checksum",
	  .about = "Ones' complement sum of the message (RFC 1071)" },
};
enum { ROW_TYPE, ROW_CHECKSUM };

#define RESERVED_ROW                                                       \
	{                                                                  \
		AS_BYTES("igmp.reserved", BYTE(1), 8), .title = "Reserved" \
	}
#define RESPONSE_ROW                                                                      \
	{                                                                                 \
		AS_UINT("igmp.max_resp", BYTE(1), 8), .title = "Most time to respond",    \
						      .label = "Max resp", .preset = 100, \
						      .about = "Tenths of a second"       \
	}
#define GROUP_ROW                                                                             \
	{                                                                                     \
		AS_IP4("igmp.maddr", BYTE(4)), .title = "Group address",                      \
					       .about = "0.0.0.0 in a query about all groups" \
	}

static const struct field version1[] = { RESERVED_ROW, GROUP_ROW };
static const struct field version2[] = { RESPONSE_ROW, GROUP_ROW };
static const struct field query3[] = {
	RESPONSE_ROW,
	GROUP_ROW,
	{ AS_FLAG("igmp.s", BYTE(8) + 4), .title = "Suppress", .label = "S",
	  .about = "Routers shall not restart their timers" },
	{ AS_UINT("igmp.qrv", BYTE(8) + 5, 3), .title = "Robustness", .label = "QRV",
	  .about = "How many losses in a row the querier wants to survive, plus one" },
	{ AS_UINT("igmp.qqic", BYTE(9), 8), .title = "Query interval", .label = "QQIC",
	  .about = "Seconds; from 128 on an exponent of three bits and a mantissa" },
	{ AS_UINT("igmp.num_src", BYTE(10), 16), .title = "Number of sources" },
	{ AS_IP4("igmp.saddr", BYTE(12)), .repeats = true, .title = "Source address" },
};
enum { ROW_RESPONSE, ROW_SOURCES = 6 };
static const struct field report3[] = {
	RESERVED_ROW,
	{ AS_UINT("igmp.num_grp_recs", BYTE(6), 16), .title = "Number of records" },
};
static const struct field other[] = {
	{ AS_BYTES("igmp.data", BYTE(4), 0), .title = "Data" },
};

static const struct field version_row[] = {
	{ AS_COUNT("igmp.version"), .title = "Version" },
};
static const struct field long_response[] = {
	{ AS_HEX("igmp.max_resp.exp", BYTE(1) + 1, 3, 2), .depth = 1, .title = "Exponent" },
	{ AS_HEX("igmp.max_resp.mant", BYTE(1) + 4, 4, 2), .depth = 1, .title = "Mantissa" },
};

#define BODY(n, t, r, rows, len, type)                                               \
	{                                                                            \
		.name = (n), .title = (t), .rfc = (r), ROWS(rows), .min_len = (len), \
		.code = (type)                                                       \
	}

static const struct block bodies[] = {
	BODY("query", "Query, version 2", "RFC 2236 section 2", version2, 8, IGMP_QUERY),
	BODY("query1", "Query, version 1", "RFC 1112 appendix I", version1, 8, IGMP_QUERY),
	BODY("query3", "Query, version 3", "RFC 3376 section 4.1", query3, 12, IGMP_QUERY),
	BODY("report1", "Report, version 1", "RFC 1112 appendix I", version1, 8, IGMP_REPORT1),
	BODY("report", "Report, version 2", "RFC 2236 section 2", version2, 8, IGMP_REPORT2),
	BODY("leave", "Leave group", "RFC 2236 section 2", version2, 8, IGMP_LEAVE),
	BODY("report3", "Report, version 3", "RFC 3376 section 4.2", report3, 8, IGMP_REPORT3),
	BODY("other", "Other message", "RFC 3228", other, 4, 0),
};
enum { BODY_QUERY2, BODY_QUERY1, BODY_QUERY3, BODY_REPORT3 = 6, BODY_OTHER };
static const uint8_t versions[ARRAY_LEN(bodies)] = { 2, 1, 3, 1, 2, 2, 3, 0 };

static const struct block *igmp_body(const uint8_t *header, size_t len)
{
	if (len < HEADER_LEN)
		return NULL;
	if (header[0] == IGMP_QUERY)
		return &bodies[len >= QUERY3_LEN ? BODY_QUERY3
			       : header[1]	 ? BODY_QUERY2
						 : BODY_QUERY1];
	for (size_t i = BODY_QUERY3 + 1; i < BODY_OTHER; i++)
		if (bodies[i].code == header[0])
			return &bodies[i];
	return &bodies[BODY_OTHER];
}

static const struct field record_group = {
	AS_GROUP("igmp.record", 0),
	.repeats = true,
	.title = "Record",
};
static const struct field record_head[] = {
	{ AS_UINT("igmp.record_type", 0, 8), .title = "Type", .values = multicast_record_names },
	{ AS_UINT("igmp.aux_data_len", BYTE(1), 8), .title = "Auxiliary data length",
	  .about = "In words of 4 bytes" },
	{ AS_UINT("igmp.num_src", BYTE(2), 16), .title = "Number of sources" },
	{ AS_IP4("igmp.maddr", BYTE(4)), .title = "Group address" },
};
static const struct field record_source = {
	AS_IP4("igmp.saddr", BYTE(8)),
	.repeats = true,
	.title = "Source address",
};
static const struct field record_auxiliary = {
	AS_BYTES("igmp.aux_data", 0, 0),
	.title = "Auxiliary data",
};
static const struct multicast_record record = {
	.group = &record_group,
	.head = record_head,
	.n_head = ARRAY_LEN(record_head),
	.source = &record_source,
	.auxiliary = &record_auxiliary,
	.address_len = 4,
};

/* The response time of version 3: from 128 on a floating point number (RFC 3376 section 4.1.1). */
static uint32_t response_time(uint8_t code)
{
	return code < 128 ? code : ((code & 0xfu) | 0x10u) << ((code >> 4 & 7) + 3);
}

static void walk_query3(struct walk *w)
{
	const uint8_t *header = w->packet->bytes + w->layer->off;
	uint32_t off = w->layer->off, n = load_be16(header + 10) * 4u;

	if (!walk_number(w, &query3[ROW_RESPONSE], off + 1, 1, response_time(header[1]), 0))
		return;
	if (header[1] >= 128)
		walk_rows(w, long_response, ARRAY_LEN(long_response), off, w->end, 0);
	walk_rows(w, query3 + 1, ROW_SOURCES - 1, off, w->end, 0);
	walk_rows(w, query3 + ROW_SOURCES, 1, off,
		  off + QUERY3_LEN + MIN(n, (w->end - off - QUERY3_LEN) & ~3u), 0);
	if (n > w->end - off - QUERY3_LEN)
		walk_fault(w, -E_MALFORMED, off + 10);
}

static void igmp_walk(struct walk *w)
{
	uint32_t off = w->layer->off;
	const struct block *body = igmp_body(w->packet->bytes + off, w->end - off);

	if (!body)
		return;
	if (versions[body - bodies])
		walk_computed(w, version_row, versions[body - bodies]);
	if (body == &bodies[BODY_QUERY3])
		walk_query3(w);
	else if (walk_rows(w, body->fields, body->n_fields, off, w->end, 0) &&
		 body->code == IGMP_REPORT3)
		multicast_walk_records(w, &record, off + IGMP_LEN);
}

/* " 239.1.2.3 change to exclude" of each record, and how many sources; at most @MAX_TOLD. */
#define MAX_TOLD 8

static void line_records(struct buf *b, const uint8_t *at, const uint8_t *end)
{
	for (int told = 0; end - at >= IGMP_LEN; told++) {
		uint32_t n = load_be16(at + 2);
		uint32_t len = IGMP_LEN + n * 4 + at[1] * 4u;

		if (told == MAX_TOLD) {
			buf_lit(b, ", ...");
			return;
		}
		buf_str(b, told ? ", " : " ");
		buf_ip4(b, at + 4);
		buf_char(b, ' ');
		buf_str(b, field_value_name(&record_head[0], at[0]) ?: "record");
		if (n) {
			buf_char(b, ' ');
			buf_u64(b, n);
			buf_str(b, n == 1 ? " source" : " sources");
		}
		if (len > (size_t)(end - at))
			return;
		at += len;
	}
}

static void igmp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;
	const struct block *body = l->flags & LAYER_CUT ? NULL : igmp_body(header, l->header_len);
	const char *name;

	buf_lit(b, "IGMP");
	if (!body)
		return;
	if (versions[body - bodies]) {
		buf_char(b, 'v');
		buf_u64(b, versions[body - bodies]);
	}
	name = body->code == IGMP_QUERY	  ? "query"
	       : body->code == IGMP_LEAVE ? "leave"
	       : body->code		  ? "report"
					  : field_value_name(&fields[ROW_TYPE], header[0]);
	buf_char(b, ' ');
	buf_str(b, name ?: "message");
	if (body->code == IGMP_REPORT3 && l->header_len >= IGMP_LEN) {
		line_records(b, header + IGMP_LEN, header + l->header_len);
	} else if (body->code && l->header_len >= IGMP_LEN && load_be32(header + 4)) {
		buf_char(b, ' ');
		buf_ip4(b, header + 4);
	}
}

static const struct rows rows[] = {
	{ version_row, ARRAY_LEN(version_row) },
	{ long_response, ARRAY_LEN(long_response) },
	{ &record_group, 1 },
	{ record_head, ARRAY_LEN(record_head) },
	{ &record_source, 1 },
	{ &record_auxiliary, 1 },
};

/* Records of a report, and how many sources and records there are. */
static int igmp_compose(struct compose *m, struct fault *fault)
{
	uint8_t *count = NULL;
	uint16_t n_records = 0, n_sources;
	bool counted = false;

	(void)fault;
	for (size_t i = 0; m->body == &bodies[BODY_REPORT3] && i < m->n; i++) {
		struct compose_setting *s = &m->settings[i];
		size_t start = m->out.len;

		s->used = s->field == &record_head[0] || s->field == &record_head[3] ||
			  s->field == &record_source;
		if (s->field == &record_source && count) {
			buf_bytes(&m->out, s->bytes, 4);
			store_be16(count, (uint16_t)(load_be16(count) + 1));
		} else if (s->field == &record_head[3]) {
			/* The group belongs to the type before it, or begins a record. */
			if (!counted)
				buf_fill(&m->out, 0, IGMP_LEN);
			start = counted ? start - IGMP_LEN : start;
			n_records += !counted;
			if (m->out.err)
				return 0;
			count = (uint8_t *)m->out.data + start + 2;
			memcpy(m->out.data + start + 4, s->bytes, 4);
			if (!counted)
				m->out.data[start] = 1;
			counted = false;
		} else if (s->field == &record_head[0]) {
			buf_u8(&m->out, (uint8_t)s->number);
			buf_fill(&m->out, 0, IGMP_LEN - 1);
			counted = true;
			n_records++;
		}
	}
	if (m->body == &bodies[BODY_REPORT3] && !compose_given(m, "igmp.num_grp_recs"))
		store_be16(m->header + 6, n_records);
	n_sources = (uint16_t)((m->header_len - MIN(m->header_len, (uint32_t)QUERY3_LEN)) / 4);
	if (m->body == &bodies[BODY_QUERY3] && !compose_given(m, "igmp.num_src"))
		store_be16(m->header + 10, n_sources);
	return 0;
}

const struct protocol protocol_igmp = {
	PROTOCOL_NAME("igmp"),
	.short_name = "IGMP",
	.title = "Internet Group Management Protocol",
	.rfc = "RFC 3376 section 4",
	.about = "Hosts tell routers which IPv4 multicast groups they want to hear.",
	ROWS(fields),
	.min_len = HEADER_LEN,
	.whole = true,
	.checksum = &fields[ROW_CHECKSUM],
	.checksum_kind = CHECKSUM_MESSAGE,
	.select = &fields[ROW_TYPE],
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.body = igmp_body,
	.more_rows = rows,
	.n_more_rows = ARRAY_LEN(rows),
	.walk = igmp_walk,
	.compose = igmp_compose,
	.line = igmp_line,
};
