/*
 * OCSP (RFC 6960 section 4). Requests, asked by HTTP, name certificates by digests of their issuer.
 * Responses, to requests or stapled by servers to their certificates in TLS, say of each whether it
 * is still good, since when and until when that is known, signed by the responder, whose
 * certificates may be there, too.
 */
#include "wire/ocsp.h"

#include "wire/ber_walk.h"
#include "wire/x509.h"

enum row {
	RESPONSE_STATUS,
	RESPONSE_TYPE,
	DATA,
	RESPONDER_TEXT,
	RESPONDER,
	RESPONDER_KEY,
	PRODUCED_AT,
	SINGLE,
	CERT_ID,
	HASH_ALGORITHM,
	NAME_HASH,
	KEY_HASH,
	SERIAL,
	STATUS,
	REVOKED_AT,
	REASON,
	THIS_UPDATE,
	NEXT_UPDATE,
	SINGLE_EXTENSIONS,
	EXTENSIONS,
	SIGNED_WITH,
	SIGNATURE,
	CERTIFICATE,
	VERSION,
	RESPONSES,
	CERTIFICATES,
	REQUESTS,
	REQUEST,
};

static const struct value_name response_names[] = {
	{ 0, "successful" },
	{ 1, "malformed request" },
	{ 2, "internal error" },
	{ 3, "try later" },
	{ 5, "signature required" },
	{ 6, "unauthorized" },
	{ 0 },
};
static const struct value_name status_names[] = {
	{ 0, "good" },
	{ 1, "revoked" },
	{ 2, "unknown" },
	{ 0 },
};
/* RFC 5280 section 5.3.1 */
static const struct value_name reason_names[] = {
	{ 0, "unspecified" },
	{ 1, "key compromised" },
	{ 2, "authority compromised" },
	{ 3, "affiliation changed" },
	{ 4, "superseded" },
	{ 5, "cessation of operation" },
	{ 6, "on hold" },
	{ 8, "removed from the list" },
	{ 9, "privilege withdrawn" },
	{ 10, "attribute authority compromised" },
	{ 0 },
};

_Static_assert(REQUEST + 1 == N_OCSP_ROWS, "the header says how many there are");

#define GROUP_ROW(n, text)                                       \
	{                                                        \
		AS_GROUP(n, 0), .repeats = true, .title = (text) \
	}
const struct field ocsp_rows[N_OCSP_ROWS] = {
	[RESPONSE_STATUS] = { AS_UINT("ocsp.responseStatus", 0, 0), .title = "OCSP response",
			      .values = response_names },
	[RESPONSE_TYPE] = { AS_OID("ocsp.responseType.id"), .title = "Type of the response" },
	[DATA] = GROUP_ROW("ocsp.tbsResponseData_element", "What is signed"),
	[RESPONDER_TEXT] = { AS_TEXT("ocsp.responder", 0, 0), .computed = true,
			     .title = "Responder", .about = "Who says it" },
	[RESPONDER] = GROUP_ROW("ocsp.byName", "Responder"),
	[RESPONDER_KEY] = { AS_BYTES("ocsp.byKey", 0, 0), .title = "Responder's key",
			    .about = "Its SHA-1" },
	[PRODUCED_AT] = { AS_TIME("ocsp.producedAt"), .title = "Signed at" },
	[SINGLE] = GROUP_ROW("ocsp.SingleResponse_element", "Certificate"),
	[CERT_ID] = GROUP_ROW("ocsp.certID_element", "Which"),
	[HASH_ALGORITHM] = GROUP_ROW("ocsp.hashAlgorithm_element", "Digest of what identifies it"),
	[NAME_HASH] = { AS_BYTES("ocsp.issuerNameHash", 0, 0), .title = "Issuer's name, digest" },
	[KEY_HASH] = { AS_BYTES("ocsp.issuerKeyHash", 0, 0), .title = "Issuer's key, digest" },
	[SERIAL] = { AS_BYTES("ocsp.serialNumber", 0, 0), .title = "Serial number" },
	[STATUS] = { AS_UINT("ocsp.certStatus", 0, 0), .title = "Status", .values = status_names },
	[REVOKED_AT] = { AS_TIME("ocsp.revocationTime"), .title = "Revoked at" },
	[REASON] = { AS_UINT("ocsp.revocationReason", 0, 0), .title = "Reason",
		     .values = reason_names },
	[THIS_UPDATE] = { AS_TIME("ocsp.thisUpdate"), .title = "Known at" },
	[NEXT_UPDATE] = { AS_TIME("ocsp.nextUpdate"), .title = "Newer information by" },
	[SINGLE_EXTENSIONS] = GROUP_ROW("ocsp.singleExtensions", "Extensions"),
	[EXTENSIONS] = GROUP_ROW("ocsp.responseExtensions", "Extensions"),
	[SIGNED_WITH] = GROUP_ROW("ocsp.signatureAlgorithm_element", "Signed with"),
	[SIGNATURE] = { AS_BYTES("ocsp.signature", 0, 0), .title = "Signature" },
	[CERTIFICATE] = GROUP_ROW("ocsp.Certificate_element", "Responder's certificate"),
	[VERSION] = { AS_INT("ocsp.version", 0, 0), .title = "Version" },
	[RESPONSES] = { AS_UINT("ocsp.responses", 0, 0), .title = "Certificates" },
	[CERTIFICATES] = { AS_UINT("ocsp.certs", 0, 0), .title = "Certificates of the responder" },
	[REQUESTS] = { AS_UINT("ocsp.requestList", 0, 0), .title = "Certificates asked about" },
	[REQUEST] = GROUP_ROW("ocsp.Request_element", "Certificate"),
};

static void group(struct walk *w, const struct ber_part *part, enum row row, uint8_t depth)
{
	walk_group(w, &ocsp_rows[row], part->off, part->at - part->off, depth, NULL);
}

static bool give(struct walk *w, uint32_t *at, uint32_t end, uint8_t tag, enum row row,
		 uint8_t depth)
{
	struct ber_part part;

	return ber_walk_tag(w, at, end, tag, &part) &&
	       ber_walk_give(w, &part, &ocsp_rows[row], depth);
}

/* Whether an element of @tag is next. */
static bool is_next(const struct walk *w, uint32_t at, uint32_t end, uint8_t tag)
{
	return !w->over && at < MIN(MIN(end, w->end), w->packet->cap_len) &&
	       w->packet->bytes[at] == tag;
}

static bool walk_time(struct walk *w, uint32_t *at, uint32_t end, enum row row, uint8_t depth)
{
	struct ber_part part;
	uint32_t len;
	int64_t ns;

	if (!ber_walk(w, at, end, &part))
		return false;
	len = part.end - part.at;
	if (!walk_fits(w, part.at, len, part.end))
		return false;
	if (!x509_read_time(part.tag, w->packet->bytes + part.at, len, &ns)) {
		walk_fault(w, -E_MALFORMED, part.off);
		return false;
	}
	return walk_number(w, &ocsp_rows[row], part.at, len, (uint64_t)ns, depth);
}

/* Extensions in an element of their own. */
static void walk_extensions(struct walk *w, uint32_t *at, uint32_t end, enum row row, uint8_t depth)
{
	struct ber_part part, list;
	uint32_t in;

	if (!is_next(w, *at, end, BER_CONSTRUCTED(1)) || !ber_walk(w, at, end, &part))
		return;
	group(w, &part, row, depth);
	in = part.at;
	if (ber_walk_tag(w, &in, part.end, BER_SEQUENCE, &list))
		x509_walk_extensions(w, list.at, list.end, depth + 1);
}

static bool walk_id(struct walk *w, uint32_t *at, uint32_t end, uint8_t depth)
{
	struct ber_part id, algorithm;
	uint32_t in;

	if (!ber_walk_tag(w, at, end, BER_SEQUENCE, &id))
		return false;
	group(w, &id, CERT_ID, depth);
	in = id.at;
	return x509_walk_algorithm(w, &in, id.end, &ocsp_rows[HASH_ALGORITHM], depth + 1,
				   &algorithm) &&
	       give(w, &in, id.end, BER_OCTET_STRING, NAME_HASH, depth + 1) &&
	       give(w, &in, id.end, BER_OCTET_STRING, KEY_HASH, depth + 1) &&
	       give(w, &in, id.end, BER_INTEGER, SERIAL, depth + 1);
}

/* Good and unknown are empty; revoked says when, and perhaps why. */
static bool walk_status(struct walk *w, uint32_t *at, uint32_t end, uint8_t depth)
{
	struct ber_part status, reason;
	uint32_t in;

	if (!ber_walk(w, at, end, &status))
		return false;
	walk_number(w, &ocsp_rows[STATUS], status.off, 1, status.tag & 0x1f, depth);
	if (status.tag != BER_CONSTRUCTED(1))
		return !w->over;
	in = status.at;
	if (!walk_time(w, &in, status.end, REVOKED_AT, depth))
		return false;
	if (!is_next(w, in, status.end, BER_CONSTRUCTED(0)))
		return true;
	if (!ber_walk(w, &in, status.end, &reason))
		return false;
	in = reason.at;
	return give(w, &in, reason.end, BER_ENUMERATED, REASON, depth);
}

static void walk_single(struct walk *w, const struct ber_part *single, uint8_t depth)
{
	struct ber_part next;
	uint32_t at = single->at, in;

	group(w, single, SINGLE, depth++);
	if (!walk_id(w, &at, single->end, depth) || !walk_status(w, &at, single->end, depth) ||
	    !walk_time(w, &at, single->end, THIS_UPDATE, depth))
		return;
	if (is_next(w, at, single->end, BER_CONSTRUCTED(0)) &&
	    ber_walk(w, &at, single->end, &next)) {
		in = next.at;
		walk_time(w, &in, next.end, NEXT_UPDATE, depth);
	}
	walk_extensions(w, &at, single->end, SINGLE_EXTENSIONS, depth);
}

static bool walk_responder(struct walk *w, uint32_t *at, uint32_t end, uint8_t depth)
{
	struct ber_part id;
	uint32_t in;

	if (!ber_walk(w, at, end, &id))
		return false;
	in = id.at;
	if (id.tag == BER_CONSTRUCTED(2))
		return give(w, &in, id.end, BER_OCTET_STRING, RESPONDER_KEY, depth);
	if (id.tag == BER_CONSTRUCTED(1)) {
		group(w, &id, RESPONDER, depth);
		x509_walk_name(w, id.at, id.end, depth + 1, &ocsp_rows[RESPONDER_TEXT]);
	}
	return !w->over;
}

/* How many elements a list has, and each of them. */
static void walk_list(struct walk *w, const struct ber_part *list, enum row count_row,
		      void (*walk_one)(struct walk *w, const struct ber_part *one, uint8_t depth),
		      uint8_t depth)
{
	struct ber_part one;
	struct cursor c;
	uint64_t n = 0;

	if (!walk_fits(w, list->at, list->end - list->at, list->end))
		return;
	c = cursor_of(w->packet->bytes + list->at, list->end - list->at);
	for (; cursor_left(&c); n++)
		ber_skip(&c);
	walk_number(w, &ocsp_rows[count_row], list->off, list->at - list->off, n, depth);
	for (uint32_t at = list->at; at < list->end && !w->over;)
		if (ber_walk_tag(w, &at, list->end, BER_SEQUENCE, &one))
			walk_one(w, &one, depth);
}

static void walk_data(struct walk *w, const struct ber_part *data, uint8_t depth)
{
	struct ber_part part;
	uint32_t at = data->at, in;

	group(w, data, DATA, depth++);
	if (is_next(w, at, data->end, BER_CONSTRUCTED(0)) && ber_walk(w, &at, data->end, &part)) {
		in = part.at;
		give(w, &in, part.end, BER_INTEGER, VERSION, depth);
	}
	if (!walk_responder(w, &at, data->end, depth) ||
	    !walk_time(w, &at, data->end, PRODUCED_AT, depth) ||
	    !ber_walk_tag(w, &at, data->end, BER_SEQUENCE, &part))
		return;
	walk_list(w, &part, RESPONSES, walk_single, depth);
	walk_extensions(w, &at, data->end, EXTENSIONS, depth);
}

static void walk_certificate(struct walk *w, const struct ber_part *certificate, uint8_t depth)
{
	group(w, certificate, CERTIFICATE, depth);
	x509_walk(w, certificate->off, certificate->end, depth + 1);
}

static void walk_basic(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part basic, data, part;
	uint32_t in;

	if (!ber_walk_tag(w, &at, end, BER_SEQUENCE, &basic))
		return;
	at = basic.at;
	if (!ber_walk_tag(w, &at, basic.end, BER_SEQUENCE, &data))
		return;
	walk_data(w, &data, depth);
	if (!x509_walk_algorithm(w, &at, basic.end, &ocsp_rows[SIGNED_WITH], depth, &part) ||
	    !ber_walk_tag(w, &at, basic.end, BER_BIT_STRING, &part))
		return;
	if (part.end > part.at)
		walk_field(w, &ocsp_rows[SIGNATURE], part.at + 1, part.end - part.at - 1, depth);
	if (!is_next(w, at, basic.end, BER_CONSTRUCTED(0)) || !ber_walk(w, &at, basic.end, &part))
		return;
	in = part.at;
	if (ber_walk_tag(w, &in, part.end, BER_SEQUENCE, &part))
		walk_list(w, &part, CERTIFICATES, walk_certificate, depth);
}

static void walk_response(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	/* id-pkix-ocsp-basic, the only type there is. */
	static const uint8_t basic[] = { 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1 };
	struct ber_part response, bytes, type, contents;

	if (!ber_walk_tag(w, &at, end, BER_SEQUENCE, &response))
		return;
	at = response.at;
	if (!give(w, &at, response.end, BER_ENUMERATED, RESPONSE_STATUS, depth) ||
	    !is_next(w, at, response.end, BER_CONSTRUCTED(0)) ||
	    !ber_walk(w, &at, response.end, &bytes))
		return;
	at = bytes.at;
	if (!ber_walk_tag(w, &at, bytes.end, BER_SEQUENCE, &bytes))
		return;
	at = bytes.at;
	if (ber_walk_tag(w, &at, bytes.end, BER_OID, &type) &&
	    ber_walk_give(w, &type, &ocsp_rows[RESPONSE_TYPE], depth) &&
	    type.end - type.at == sizeof(basic) &&
	    !memcmp(w->packet->bytes + type.at, basic, sizeof(basic)) &&
	    ber_walk_tag(w, &at, bytes.end, BER_OCTET_STRING, &contents))
		walk_basic(w, contents.at, contents.end, depth);
}

void ocsp_walk(struct walk *w, uint32_t off, uint32_t end, uint8_t depth)
{
	bool whole = end <= MIN(w->end, w->packet->cap_len);

	walk_response(w, off, end, depth);
	if (whole)
		w->over = false;
}

static void walk_asked(struct walk *w, const struct ber_part *request, uint8_t depth)
{
	uint32_t at = request->at;

	group(w, request, REQUEST, depth);
	walk_id(w, &at, request->end, depth + 1);
}

/* The optional elements before and after the list are stepped over. */
static void walk_question(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part request, part;

	if (!ber_walk_tag(w, &at, end, BER_SEQUENCE, &request))
		return;
	at = request.at;
	if (!ber_walk_tag(w, &at, request.end, BER_SEQUENCE, &request))
		return;
	at = request.at;
	do {
		if (!ber_walk(w, &at, request.end, &part))
			return;
	} while (part.tag != BER_SEQUENCE);
	walk_list(w, &part, REQUESTS, walk_asked, depth);
}

void ocsp_walk_request(struct walk *w, uint32_t off, uint32_t end, uint8_t depth)
{
	bool whole = end <= MIN(w->end, w->packet->cap_len);

	walk_question(w, off, end, depth);
	if (whole)
		w->over = false;
}
