/*
 * DNS (RFC 1035; update RFC 2136, EDNS RFC 6891, stateful operations RFC 8490), and what speaks
 * nearly the same on the link: mDNS (RFC 6762: the top bit of classes is a flag) and LLMNR
 * (RFC 4795: two flags mean something else). A header of 12 bytes counts the questions and the
 * records of three sections, which follow; names may point back to earlier ones. In streams each
 * message comes after its length in two bytes.
 *
 * Work per message is bounded by its length: a record takes at least 11 bytes and has a few names,
 * a name costs at most a few hundred steps.
 */
#include "wire/dns.h"

#include "wire/dns_name.h"
#include "wire/exchange.h"

#define HEADER_LEN	12
#define OPCODE_UPDATE	5
#define OPCODE_STATEFUL 6

#define SECTION_ROW(n, text)                                            \
	{                                                               \
		AS_GROUP("dns." n, 0), .repeats = true, .title = (text) \
	}

/* Of records the places count from behind the name. */
const struct field dns_message_fields[] = {
	[DNS_ROW_LENGTH] = { AS_UINT("dns.length", 0, 16), .title = "Length",
			     .about = "Of the message that follows, in a stream" },
	[DNS_ROW_SECTION] = SECTION_ROW("queries", "Question"),
	SECTION_ROW("answers", "Answer"),
	SECTION_ROW("authorities", "Authority"),
	SECTION_ROW("additionals", "Additional record"),
	[DNS_ROW_UPDATE_SECTION] = SECTION_ROW("zones", "Zone"),
	SECTION_ROW("prerequisites", "Prerequisite"),
	SECTION_ROW("updates", "Update"),
	[DNS_ROW_QRY_NAME] = { AS_NAME("dns.qry.name", 0), .title = "Name" },
	[DNS_ROW_QRY_NAME_LEN] = { AS_COUNT("dns.qry.name.len"), .title = "Name length" },
	[DNS_ROW_QRY_LABELS] = { AS_COUNT("dns.count.labels"), .title = "Labels" },
	[DNS_ROW_QRY_TYPE] = { AS_UINT("dns.qry.type", 0, 16), .title = "Type",
			       .values = dns_type_names },
	[DNS_ROW_QRY_CLASS] = { AS_HEX("dns.qry.class", BYTE(2), 16, 4), .title = "Class",
				.values = dns_class_names },
	[DNS_ROW_QRY_CLASS_LINK] = { AS_HEX("dns.qry.class", BYTE(2) + 1, 15, 4), .title = "Class",
				     .values = dns_class_names },
	[DNS_ROW_QRY_QU] = { AS_FLAG("dns.qry.qu", BYTE(2)), .title = "Unicast answer wanted" },
	[DNS_ROW_NAME] = { AS_NAME("dns.resp.name", 0), .title = "Name" },
	[DNS_ROW_SRV_SERVICE] = { AS_TEXT("dns.srv.service", 0, 0), .title = "Service" },
	[DNS_ROW_SRV_PROTO] = { AS_TEXT("dns.srv.proto", 0, 0), .title = "Protocol" },
	[DNS_ROW_SRV_NAME] = { AS_NAME("dns.srv.name", 0), .title = "Domain" },
	[DNS_ROW_TYPE] = { AS_UINT("dns.resp.type", 0, 16), .title = "Type",
			   .values = dns_type_names },
	[DNS_ROW_CLASS] = { AS_HEX("dns.resp.class", BYTE(2), 16, 4), .title = "Class",
			    .values = dns_class_names },
	[DNS_ROW_CLASS_LINK] = { AS_HEX("dns.resp.class", BYTE(2) + 1, 15, 4), .title = "Class",
				 .values = dns_class_names },
	[DNS_ROW_CACHE_FLUSH] = { AS_FLAG("dns.resp.cache_flush", BYTE(2)), .title = "Cache flush",
				  .about = "Replaces what is known of this name and type" },
	[DNS_ROW_TTL] = { AS_UINT("dns.resp.ttl", BYTE(4), 32), .title = "Time to live",
			  .about = "Seconds" },
	[DNS_ROW_DATA_LEN] = { AS_UINT("dns.resp.len", BYTE(8), 16), .title = "Data length" },
	[DNS_ROW_PAYLOAD_SIZE] = { AS_UINT("dns.rr.udp_payload_size", BYTE(2), 16),
				   .title = "UDP payload size",
				   .about = "What the sender can take in one datagram" },
	[DNS_ROW_PAYLOAD_SIZE_LINK] = { AS_HEX("dns.rr.udp_payload_size", BYTE(2) + 1, 15, 4),
					.title = "UDP payload size" },
	[DNS_ROW_EXT_RCODE] = { AS_HEX("dns.resp.ext_rcode", BYTE(4), 8, 2),
				.title = "Higher bits of the response code" },
	{ AS_UINT("dns.resp.edns0_version", BYTE(5), 8), .title = "EDNS version" },
	{ AS_HEX("dns.resp.z", BYTE(6), 16, 4), .title = "EDNS flags" },
	{ AS_FLAG("dns.resp.z.do", BYTE(6)), .depth = 1, .title = "DNSSEC records wanted" },
	{ AS_HEX("dns.resp.z.reserved", BYTE(6) + 1, 15, 4), .depth = 1, .title = "Reserved" },
	[DNS_ROW_EXTRANEOUS] = { AS_BYTES("dns.extraneous.data", 0, 0),
				 .title = "Bytes behind the message" },
	[DNS_ROW_EXTRANEOUS_LEN] = { AS_COUNT("dns.extraneous.length"),
				     .title = "Number of bytes behind the message" },
};
_Static_assert(ARRAY_LEN(dns_message_fields) == N_DNS_MESSAGE_FIELDS, "as the header says");

static const struct field *const rows = dns_message_fields;

static const struct field fields[] = {
	{ AS_HEX("dns.id", 0, 16, 4), .title = "ID", .about = "The same in the answer" },
	{ AS_HEX("dns.flags", BYTE(2), 16, 4), .title = "Flags" },
	{ AS_FLAG("dns.flags.response", BYTE(2)), .depth = 1, .title = "Response", .label = "QR" },
	{ AS_UINT("dns.flags.opcode", BYTE(2) + 1, 4), .depth = 1, .title = "Operation",
	  .label = "Opcode", .values = dns_opcode_names },
};

#define FLAG(n, place, text, short)                                                      \
	{                                                                                \
		AS_FLAG("dns.flags." n, BYTE(2) + (place)), .depth = 1, .title = (text), \
							    .label = (short)             \
	}
#define FLAG_AA	       FLAG("authoritative", 5, "Authoritative answer", "AA")
#define FLAG_TC	       FLAG("truncated", 6, "Truncated", "TC")
#define FLAG_RD	       FLAG("recdesired", 7, "Recursion desired", "RD")
#define FLAG_RA	       FLAG("recavail", 8, "Recursion available", "RA")
#define FLAG_Z	       FLAG("z", 9, "Reserved", "Z")
#define FLAG_AD	       FLAG("authenticated", 10, "Authenticated", "AD")
#define FLAG_CD	       FLAG("checkdisable", 11, "Unauthenticated wanted", "CD")
#define FLAG_CONFLICT  FLAG("conflict", 5, "Conflict", "C")
#define FLAG_TENTATIVE FLAG("tentative", 7, "Tentative", "T")
#define ANSWER_CODE                                                                                \
	{                                                                                          \
		AS_UINT("dns.flags.rcode", BYTE(2) + 12, 4), .depth = 1, .title = "Response code", \
							     .label = "RCODE",                     \
							     .values = dns_rcode_names             \
	}
#define COUNT(n, place, text)                                             \
	{                                                                 \
		AS_UINT("dns.count." n, BYTE(place), 16), .title = (text) \
	}
#define COUNTS                                                            \
	COUNT("queries", 4, "Questions"), COUNT("answers", 6, "Answers"), \
		COUNT("auth_rr", 8, "Authorities"), COUNT("add_rr", 10, "Additional records")
#define UPDATE_COUNTS                                                           \
	COUNT("zones", 4, "Zones"), COUNT("prerequisites", 6, "Prerequisites"), \
		COUNT("updates", 8, "Updates"), COUNT("add_rr", 10, "Additional records")
#define QUERY_FLAGS  FLAG_TC, FLAG_RD, FLAG_Z, FLAG_AD, FLAG_CD
#define ANSWER_FLAGS FLAG_AA, FLAG_TC, FLAG_RD, FLAG_RA, FLAG_Z, FLAG_AD, FLAG_CD, ANSWER_CODE

static const struct field query[] = { QUERY_FLAGS, COUNTS };
static const struct field answer[] = { ANSWER_FLAGS, COUNTS };
static const struct field update[] = { QUERY_FLAGS, UPDATE_COUNTS };
static const struct field update_answer[] = { ANSWER_FLAGS, UPDATE_COUNTS };
static const struct field link_query[] = { FLAG_CONFLICT, FLAG_TC, FLAG_TENTATIVE, COUNTS };
static const struct field link_answer[] = { FLAG_CONFLICT, FLAG_TC, FLAG_TENTATIVE, ANSWER_CODE,
					    COUNTS };

#define BODY(n, t, r, f, response, operation)                                          \
	{                                                                              \
		.name = (n), .title = (t), .rfc = (r), ROWS(f), .min_len = HEADER_LEN, \
		.code = (response), .subcode = (operation)                             \
	}
static const struct block bodies[] = {
	BODY("query", "Query", "RFC 1035 section 4.1.1", query, 0, 0),
	BODY("response", "Response", "RFC 1035 section 4.1.1", answer, 1, 0),
	BODY("update", "Update", "RFC 2136 section 2.2", update, 0, OPCODE_UPDATE),
	BODY("update-response", "Response to an update", "RFC 2136 section 3.8", update_answer, 1,
	     OPCODE_UPDATE),
};
static const struct block link_bodies[] = {
	BODY("query", "Query", "RFC 4795 section 2.1.1", link_query, 0, 0),
	BODY("response", "Response", "RFC 4795 section 2.1.1", link_answer, 1, 0),
};

static unsigned opcode_of(const uint8_t *header)
{
	return header[2] >> 3 & 15;
}

static const struct block *dns_body(const uint8_t *header, size_t len)
{
	if (len < 4)
		return NULL;
	return &bodies[header[2] >> 7 | (opcode_of(header) == OPCODE_UPDATE ? 2 : 0)];
}

static const struct block *llmnr_body(const uint8_t *header, size_t len)
{
	return len < 4 ? NULL : &link_bodies[header[2] >> 7];
}

static bool is_mdns(const struct walk *w)
{
	return w->layer->proto == PROTOCOL_MDNS;
}

/* Reads the name at *@at, which is moved behind it; false with a fault. */
static bool take_name(struct walk *w, uint32_t *at, struct dns_name *ret_name, uint32_t *ret_len)
{
	uint32_t start = w->layer->off;
	int taken = -E_MALFORMED;

	if (*at < w->end)
		taken = dns_name_read(w->packet->bytes + start, w->end - start, *at - start,
				      ret_name);
	if (taken < 0) {
		walk_fault(w, -E_MALFORMED, *at);
		return false;
	}
	*ret_len = (uint32_t)taken;
	*at += *ret_len;
	return true;
}

static void walk_question(struct walk *w, const struct field *group, uint32_t *at)
{
	uint32_t start = *at, len;
	struct dns_name name;

	if (!take_name(w, at, &name, &len))
		return;
	walk_group(w, group, start, MIN(len + 4, w->end - start), 0, NULL);
	walk_decoded(w, &rows[DNS_ROW_QRY_NAME], start, len, name.bytes, name.len, 1);
	walk_number(w, &rows[DNS_ROW_QRY_NAME_LEN], start, len, dns_name_text_len(&name), 1);
	walk_number(w, &rows[DNS_ROW_QRY_LABELS], start, len, dns_name_labels(&name), 1);
	walk_rows(w, &rows[DNS_ROW_QRY_TYPE], 1, *at, w->end, 1);
	if (is_mdns(w))
		walk_rows(w, &rows[DNS_ROW_QRY_CLASS_LINK], 2, *at, w->end, 1);
	else
		walk_rows(w, &rows[DNS_ROW_QRY_CLASS], 1, *at, w->end, 1);
	*at += 4;
}

/* The parts of a service's name (RFC 2782): two labels and the domain. */
static void give_service(struct walk *w, const struct dns_name *name, uint32_t off, uint32_t len)
{
	const uint8_t *service = name->bytes, *proto = service + 1 + service[0];
	const uint8_t *rest = proto + 1 + proto[0];

	if (dns_name_labels(name) < 3)
		return;
	walk_decoded(w, &rows[DNS_ROW_SRV_SERVICE], off, len, service + 1, service[0], 1);
	walk_decoded(w, &rows[DNS_ROW_SRV_PROTO], off, len, proto + 1, proto[0], 1);
	walk_decoded(w, &rows[DNS_ROW_SRV_NAME], off, len, rest,
		     (size_t)(name->bytes + name->len - rest), 1);
}

/* The fixed part of a record, at @at behind the name. */
static void give_head(struct walk *w, unsigned type, uint32_t at)
{
	bool link = is_mdns(w);

	walk_rows(w, &rows[DNS_ROW_TYPE], 1, at, w->end, 1);
	if (type == DNS_TYPE_OPT) {
		walk_rows(w, &rows[link ? DNS_ROW_PAYLOAD_SIZE_LINK : DNS_ROW_PAYLOAD_SIZE], 1, at,
			  w->end, 1);
		if (link)
			walk_rows(w, &rows[DNS_ROW_CACHE_FLUSH], 1, at, w->end, 1);
		walk_rows(w, &rows[DNS_ROW_EXT_RCODE], DNS_ROW_EXTRANEOUS - DNS_ROW_EXT_RCODE, at,
			  w->end, 1);
	} else {
		walk_rows(w, &rows[link ? DNS_ROW_CLASS_LINK : DNS_ROW_CLASS], 1, at, w->end, 1);
		if (link)
			walk_rows(w, &rows[DNS_ROW_CACHE_FLUSH], 1, at, w->end, 1);
		walk_rows(w, &rows[DNS_ROW_TTL], 1, at, w->end, 1);
	}
	walk_rows(w, &rows[DNS_ROW_DATA_LEN], 1, at, w->end, 1);
}

static void walk_record(struct walk *w, const struct field *group, uint32_t *at)
{
	const uint8_t *p = w->packet->bytes;
	struct dns_record r = { 0 };
	uint32_t start = *at, len;
	struct dns_name name;

	if (!take_name(w, at, &name, &len))
		return;
	if (w->end - *at >= 10) {
		r.type = load_be16(p + *at);
		r.at = *at + 10;
		r.end = r.at + load_be16(p + *at + 8);
	}
	walk_group(w, group, start, MIN(r.end, w->end) - MIN(start, r.end), 0, NULL);
	walk_decoded(w, &rows[DNS_ROW_NAME], start, len, name.bytes, name.len, 1);
	if (r.type == DNS_TYPE_SRV)
		give_service(w, &name, start, len);
	give_head(w, r.type, *at);
	if (!w->over && r.end > w->end)
		walk_fault(w, -E_MALFORMED, r.at);
	if (w->over)
		return;
	if (r.type == DNS_TYPE_OPT)
		dns_walk_options(w, r.at, r.end);
	else
		dns_walk_data(w, &r);
	*at = r.end;
}

static void walk_section(struct walk *w, unsigned section, unsigned n, uint32_t *at)
{
	const uint8_t *header = w->packet->bytes + w->layer->off;
	bool is_update = opcode_of(header) == OPCODE_UPDATE && section < 3;
	const struct field *group =
		&rows[(is_update ? DNS_ROW_UPDATE_SECTION : DNS_ROW_SECTION) + section];

	for (; n && !w->over; n--) {
		if (section)
			walk_record(w, group, at);
		else
			walk_question(w, group, at);
	}
}

static void dns_walk(struct walk *w)
{
	const uint8_t *header = w->packet->bytes + w->layer->off;
	const struct block *body;
	uint32_t at = w->layer->off + HEADER_LEN;

	if (w->over)
		return;
	body = w->proto->body(header, w->end - w->layer->off);
	if (!walk_rows(w, body->fields, body->n_fields, w->layer->off, w->end, 0))
		return;
	if (opcode_of(header) == OPCODE_STATEFUL && !load_be32(header + 4) &&
	    !load_be32(header + 8)) {
		dns_walk_stateful(w, at, w->end);
		return;
	}
	for (unsigned i = 0; i < 4; i++)
		walk_section(w, i, load_be16(header + 4 + 2 * (size_t)i), &at);
	if (w->over || at == w->end)
		return;
	walk_field(w, &rows[DNS_ROW_EXTRANEOUS], at, w->end - at, 0);
	walk_number(w, &rows[DNS_ROW_EXTRANEOUS_LEN], at, w->end - at, w->end - at, 0);
}

/* RFC 1035 section 4.2.2. */
static int64_t dns_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len,
			   bool end)
{
	size_t whole = len < 2 ? 2 : 2u + load_be16(bytes);

	(void)d;
	(void)reply;
	if (whole > 2 && whole < 2 + HEADER_LEN)
		return -E_MALFORMED;
	if (whole > len)
		return end && len ? (int64_t)len : 0;
	return (int64_t)whole;
}

static const struct field exchange_rows[] = {
	[EXCHANGE_QUESTION] = { AS_COUNT("dns.response_to"), .title = "Answer to packet" },
	[EXCHANGE_TIME] = { AS_DURATION("dns.time"), .title = "Time since the question" },
	[EXCHANGE_AGAIN] = { AS_("dns.retransmission", 0, 0, FIELD_FLAG), .computed = true,
			     .title = "Sent again" },
	[EXCHANGE_QUESTION_AGAIN] = { AS_COUNT("dns.retransmit_request_in"), .depth = 1,
				      .title = "First asked in packet" },
	[EXCHANGE_ANSWER_AGAIN] = { AS_COUNT("dns.retransmit_response_in"), .depth = 1,
				    .title = "First answered in packet" },
};

static bool dns_tell(const struct packet *p, const struct layer *l, struct exchange *ret_exchange)
{
	const uint8_t *header = p->bytes + l->off;

	*ret_exchange = (struct exchange){ .answer = header[2] >> 7, .id_len = 2 };
	memcpy(ret_exchange->id, header, 2);
	return true;
}

/* Not of mDNS, whose messages answer nobody in particular. */
static const struct exchange_table exchange = { .tell = dns_tell, ROWS(exchange_rows) };

#define DNS_COMMON                                                                          \
	ROWS(fields), .min_len = HEADER_LEN, .whole = true, .application = true,            \
		      .prefix = &dns_message_fields[DNS_ROW_LENGTH], .select = &fields[2],  \
		      .bodies_fit = true, .more_rows = dns_rows, .n_more_rows = N_DNS_ROWS, \
		      .walk = dns_walk, .compose = dns_compose, .line = dns_line,           \
		      .message = dns_message

const struct protocol protocol_dns = {
	PROTOCOL_NAME("dns"),
	.short_name = "DNS",
	.title = "Domain Name System",
	.rfc = "RFC 1035 section 4",
	.about = "Asks for what belongs to a name, and answers: addresses, mail servers, keys.",
	DNS_COMMON,
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.body = dns_body,
	.exchange = &exchange,
};

const struct protocol protocol_mdns = {
	PROTOCOL_NAME("mdns"),
	.short_name = "mDNS",
	.title = "Multicast DNS",
	.rfc = "RFC 6762",
	.about = "DNS among the hosts of a link, without a server: names in .local, services.",
	DNS_COMMON,
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.body = dns_body,
};

const struct protocol protocol_llmnr = {
	PROTOCOL_NAME("llmnr"),
	.short_name = "LLMNR",
	.title = "Link-local Multicast Name Resolution",
	.rfc = "RFC 4795",
	.about = "Asks the hosts of a link for the address of a name.",
	DNS_COMMON,
	.bodies = link_bodies,
	.n_bodies = ARRAY_LEN(link_bodies),
	.body = llmnr_body,
	.exchange = &exchange,
};
