/*
 * RTCP (RFC 3550 section 6; feedback RFC 4585 and 5104, extended reports RFC 3611). Several packets
 * in a datagram, each a layer: their type says what the five bits behind the version count. A
 * datagram is known by its content: it begins with a report whose blocks fit, and the lengths of
 * all packets in it add up to its own.
 */
#include "wire/ntp_time.h"
#include "wire/packet.h"
#include "wire/rtp.h"

enum {
	TYPE_SR = 200,
	TYPE_RR = 201,
	TYPE_SDES = 202,
	TYPE_BYE = 203,
	TYPE_APP = 204,
	TYPE_RTPFB = 205,
	TYPE_PSFB = 206,
	TYPE_XR = 207,
};

#define BLOCK_LEN 24

static const struct value_name type_names[] = {
	{ TYPE_SR, "sender report" },
	{ TYPE_RR, "receiver report" },
	{ TYPE_SDES, "description" },
	{ TYPE_BYE, "goodbye" },
	{ TYPE_APP, "application" },
	{ TYPE_RTPFB, "transport feedback" },
	{ TYPE_PSFB, "payload feedback" },
	{ TYPE_XR, "extended report" },
	{ 208, "AVB" },
	{ 209, "receiver summary" },
	{ 210, "port mapping" },
	{ 211, "identifiers" },
	{ 212, "summary reports" },
	{ 0 },
};
static const struct value_name item_names[] = {
	{ 0, "end" },	{ 1, "canonical name" }, { 2, "name" }, { 3, "e-mail" },  { 4, "phone" },
	{ 5, "place" }, { 6, "tool" },		 { 7, "note" }, { 8, "private" }, { 0 },
};
static const struct value_name transport_names[] = {
	{ 1, "lost packets" },
	{ 3, "bit rate request" },
	{ 4, "bit rate notification" },
	{ 15, "congestion control" },
	{ 0 },
};
static const struct value_name payload_names[] = {
	{ 1, "picture lost" },	       { 2, "slice lost" },   { 3, "reference picture" },
	{ 4, "full picture request" }, { 15, "application" }, { 0 },
};

static const struct field fields[] = {
	{ AS_UINT("rtcp.version", 0, 2), .title = "Version", .label = "V", .preset = 2 },
	{ AS_FLAG("rtcp.padding", 2), .title = "Padding", .label = "P" },
	{ AS_UINT("rtcp.pt", BYTE(1), 8), .title = "Packet type", .label = "PT", .preset = TYPE_RR,
	  .values = type_names },
	{ AS_UINT("rtcp.length", BYTE(2), 16), .title = "Length",
	  .about = "In words of 4 bytes, less 1" },
};

#define SENDER_ROW                                                           \
	{                                                                    \
		AS_HEX("rtcp.senderssrc", BYTE(4), 32, 8), .title = "Sender" \
	}
#define MEDIA_ROW                                                                 \
	{                                                                         \
		AS_HEX("rtcp.mediassrc", BYTE(8), 32, 8), .title = "Media source" \
	}

static const struct field sr[] = {
	{ AS_UINT("rtcp.rc", 3, 5), .title = "Report blocks", .label = "RC" },
	SENDER_ROW,
	{ AS_UINT("rtcp.timestamp.ntp.msw", BYTE(8), 32), .title = "Time, seconds since 1900" },
	{ AS_UINT("rtcp.timestamp.ntp.lsw", BYTE(12), 32), .title = "Time, fraction" },
	{ AS_UINT("rtcp.timestamp.rtp", BYTE(16), 32), .title = "RTP timestamp" },
	{ AS_UINT("rtcp.sender.packetcount", BYTE(20), 32), .title = "Packets sent" },
	{ AS_UINT("rtcp.sender.octetcount", BYTE(24), 32), .title = "Bytes sent" },
};
static const struct field rr[] = {
	{ AS_UINT("rtcp.rc", 3, 5), .title = "Report blocks", .label = "RC" },
	SENDER_ROW,
};
static const struct field counted[] = {
	{ AS_UINT("rtcp.sc", 3, 5), .title = "Sources", .label = "SC" },
};
static const struct field app[] = {
	{ AS_UINT("rtcp.app.subtype", 3, 5), .title = "Subtype" },
	{ AS_HEX("rtcp.ssrc.identifier", BYTE(4), 32, 8), .title = "Source" },
	{ AS_TEXT("rtcp.app.name", BYTE(8), 32), .title = "Name" },
	{ AS_BYTES("rtcp.app.data", BYTE(12), 0), .title = "Data" },
};
static const struct field transport[] = {
	{ AS_UINT("rtcp.rtpfb.fmt", 3, 5), .title = "Feedback", .values = transport_names },
	SENDER_ROW,
	MEDIA_ROW,
};
static const struct field payload[] = {
	{ AS_UINT("rtcp.psfb.fmt", 3, 5), .title = "Feedback", .values = payload_names },
	SENDER_ROW,
	MEDIA_ROW,
};
static const struct field xr[] = { SENDER_ROW };

static const struct field report[] = {
	{ AS_GROUP("rtcp.report", 0), .repeats = true, .title = "Report" },
	{ AS_HEX("rtcp.ssrc.identifier", 0, 32, 8), .depth = 1, .title = "Source" },
	{ AS_UINT("rtcp.ssrc.fraction", BYTE(4), 8), .depth = 1, .title = "Fraction lost",
	  .about = "Of 256" },
	{ AS_INT("rtcp.ssrc.cum_nr", BYTE(5), 24), .depth = 1, .title = "Packets lost" },
	{ AS_UINT("rtcp.ssrc.ext_high", BYTE(8), 32), .depth = 1,
	  .title = "Highest sequence number" },
	{ AS_UINT("rtcp.ssrc.high_cycles", BYTE(8), 16), .depth = 2, .title = "Cycles" },
	{ AS_UINT("rtcp.ssrc.high_seq", BYTE(10), 16), .depth = 2, .title = "Sequence number" },
	{ AS_UINT("rtcp.ssrc.jitter", BYTE(12), 32), .depth = 1, .title = "Jitter",
	  .about = "In units of the timestamp" },
	{ AS_UINT("rtcp.ssrc.lsr", BYTE(16), 32), .depth = 1, .title = "Last sender report" },
	{ AS_UINT("rtcp.ssrc.dlsr", BYTE(20), 32), .depth = 1, .title = "Delay since then",
	  .about = "In units of 1/65536 second" },
};
static const struct field more[] = {
	{ AS_TIME("rtcp.timestamp.ntp"), .title = "Time" },
	{ AS_BYTES("rtcp.profile-specific-extension", 0, 0), .title = "Profile's extension" },
	{ AS_GROUP("rtcp.chunk", 0), .repeats = true, .title = "Source" },
	{ AS_HEX("rtcp.ssrc.identifier", 0, 32, 8), .depth = 1, .title = "Source" },
	{ AS_GROUP("rtcp.sdes", 0), .depth = 1, .repeats = true, .title = "Item" },
	{ AS_UINT("rtcp.sdes.type", 0, 8), .depth = 2, .title = "Type", .values = item_names },
	{ AS_UINT("rtcp.sdes.length", BYTE(1), 8), .depth = 2, .title = "Length" },
	{ AS_TEXT("rtcp.sdes.text", BYTE(2), 0), .depth = 2, .title = "Text" },
	{ AS_HEX("rtcp.ssrc.identifier", 0, 32, 8), .repeats = true, .title = "Source" },
	{ AS_UINT("rtcp.sdes.length", 0, 8), .title = "Length of the reason" },
	{ AS_TEXT("rtcp.sdes.text", BYTE(1), 0), .title = "Reason" },
	{ AS_BYTES("rtcp.fci", 0, 0), .title = "Feedback's data" },
	{ AS_GROUP("rtcp.rtpfb.nack", 0), .repeats = true, .title = "Lost packets" },
	{ AS_UINT("rtcp.rtpfb.nack_pid", 0, 16), .depth = 1, .title = "First" },
	{ AS_HEX("rtcp.rtpfb.nack_blp", BYTE(2), 16, 4), .depth = 1,
	  .title = "Map of those after" },
	{ AS_GROUP("rtcp.psfb.fir", 0), .repeats = true, .title = "Request" },
	{ AS_HEX("rtcp.psfb.fir.fci.ssrc", 0, 32, 8), .depth = 1, .title = "Source" },
	{ AS_UINT("rtcp.psfb.fir.fci.csn", BYTE(4), 8), .depth = 1, .title = "Sequence number" },
	{ AS_UINT("rtcp.psfb.fir.fci.reserved", BYTE(5), 24), .depth = 1, .title = "Reserved" },
	{ AS_GROUP("rtcp.psfb.sli", 0), .repeats = true, .title = "Slice" },
	{ AS_UINT("rtcp.psfb.fir.sli.first", 0, 13), .depth = 1, .title = "First" },
	{ AS_UINT("rtcp.psfb.fir.sli.number", 13, 13), .depth = 1, .title = "Number" },
	{ AS_UINT("rtcp.psfb.fir.sli.picture_id", 26, 6), .depth = 1, .title = "Picture" },
	{ AS_GROUP("rtcp.xr", 0), .repeats = true, .title = "Block" },
	{ AS_UINT("rtcp.xr.bt", 0, 8), .depth = 1, .title = "Type" },
	{ AS_UINT("rtcp.xr.bs", BYTE(1), 8), .depth = 1, .title = "Type-specific" },
	{ AS_UINT("rtcp.xr.bl", BYTE(2), 16), .depth = 1, .title = "Length" },
	{ AS_BYTES("rtcp.xr.data", BYTE(4), 0), .depth = 1, .title = "Data" },
	{ AS_BYTES("rtcp.padding.data", 0, 0), .title = "Padding" },
	{ AS_UINT("rtcp.padding.count", 0, 8), .title = "Padding length" },
};
enum {
	NTP_TIME,
	EXTENSION,
	CHUNK_GROUP,
	CHUNK_SOURCE,
	ITEM_GROUP,
	ITEM_TYPE,
	ITEM_LENGTH,
	ITEM_TEXT,
	BYE_SOURCE,
	BYE_LENGTH,
	BYE_TEXT,
	FCI,
	NACK_GROUP,
	FIR_GROUP = NACK_GROUP + 3,
	SLI_GROUP = FIR_GROUP + 4,
	XR_GROUP = SLI_GROUP + 4,
	PADDING = XR_GROUP + 5,
	PADDING_COUNT,
};
static const struct rows more_rows[] = {
	{ report, ARRAY_LEN(report) },
	{ more, ARRAY_LEN(more) },
};

#define BODY(n, t, r, rows, length, type)                                               \
	{                                                                               \
		.name = (n), .title = (t), .rfc = (r), ROWS(rows), .min_len = (length), \
		.code = (type)                                                          \
	}
static const struct block bodies[] = {
	BODY("sr", "Sender report", "RFC 3550 section 6.4.1", sr, 28, TYPE_SR),
	BODY("rr", "Receiver report", "RFC 3550 section 6.4.2", rr, 8, TYPE_RR),
	BODY("sdes", "Source description", "RFC 3550 section 6.5", counted, 4, TYPE_SDES),
	BODY("bye", "Goodbye", "RFC 3550 section 6.6", counted, 4, TYPE_BYE),
	BODY("app", "Application", "RFC 3550 section 6.7", app, 12, TYPE_APP),
	BODY("rtpfb", "Transport feedback", "RFC 4585 section 6.2", transport, 12, TYPE_RTPFB),
	BODY("psfb", "Payload feedback", "RFC 4585 section 6.3", payload, 12, TYPE_PSFB),
	BODY("xr", "Extended report", "RFC 3611 section 2", xr, 8, TYPE_XR),
};

/* Groups of fixed size from @at to the end; the group's row is at @group, its rows behind it. */
static void walk_groups(struct walk *w, unsigned group, unsigned n_rows, uint32_t each, uint32_t at)
{
	for (; !w->over && at < w->end; at += each) {
		if (!walk_group(w, &more[group], at, MIN(each, w->end - at), 0, NULL))
			return;
		walk_rows(w, &more[group + 1], n_rows, at, w->end, 0);
	}
}

static void walk_reports(struct walk *w, unsigned n, uint32_t at)
{
	for (; n && !w->over; n--, at += BLOCK_LEN) {
		if (w->end - at < BLOCK_LEN) {
			walk_fault(w, -E_MALFORMED, at);
			return;
		}
		walk_group(w, &report[0], at, BLOCK_LEN, 0, NULL);
		walk_rows(w, &report[1], ARRAY_LEN(report) - 1, at, w->end, 0);
	}
	if (!w->over && at < w->end)
		walk_field(w, &more[EXTENSION], at, w->end - at, 0);
}

/* Items up to the end or one of type 0; then zeros up to a multiple of 4. Return: where they end.
 */
static uint32_t walk_items(struct walk *w, uint32_t at)
{
	const uint8_t *p = w->packet->bytes;

	while (at < w->end && p[at] && !w->over) {
		uint32_t len;

		if (w->end - at < 2 || p[at + 1] > w->end - at - 2) {
			walk_fault(w, -E_MALFORMED, at);
			return w->end;
		}
		len = p[at + 1];
		walk_group(w, &more[ITEM_GROUP], at, 2 + len, 0, NULL);
		walk_rows(w, &more[ITEM_TYPE], 2, at, w->end, 0);
		walk_field(w, &more[ITEM_TEXT], at + 2, len, 0);
		at += 2 + len;
	}
	if (at < w->end && !w->over) {
		walk_group(w, &more[ITEM_GROUP], at, 1, 0, NULL);
		walk_field(w, &more[ITEM_TYPE], at, 1, 0);
	}
	return at + 4 - (at - w->layer->off) % 4;
}

static void walk_chunks(struct walk *w, unsigned n, uint32_t at)
{
	for (; n && !w->over; n--) {
		if (at > w->end || w->end - at < 4) {
			walk_fault(w, -E_MALFORMED, MIN(at, w->end));
			return;
		}
		walk_group(w, &more[CHUNK_GROUP], at, 4, 0, NULL);
		walk_field(w, &more[CHUNK_SOURCE], at, 4, 0);
		at = walk_items(w, at + 4);
	}
}

static void walk_bye(struct walk *w, unsigned n, uint32_t at)
{
	for (; n && walk_field(w, &more[BYE_SOURCE], at, 4, 0); n--)
		at += 4;
	if (w->over || at >= w->end)
		return;
	walk_field(w, &more[BYE_LENGTH], at, 1, 0);
	walk_field(w, &more[BYE_TEXT], at + 1, w->packet->bytes[at], 0);
}

static void walk_blocks(struct walk *w, uint32_t at)
{
	while (!w->over && at < w->end) {
		uint32_t len;

		if (w->end - at < 4 ||
		    load_be16(w->packet->bytes + at + 2) > (w->end - at - 4) / 4) {
			walk_fault(w, -E_MALFORMED, at);
			return;
		}
		len = 4 + 4u * load_be16(w->packet->bytes + at + 2);
		walk_group(w, &more[XR_GROUP], at, len, 0, NULL);
		walk_rows(w, &more[XR_GROUP + 1], 4, at, at + len, 0);
		at += len;
	}
}

static void walk_feedback(struct walk *w, unsigned type, unsigned format, uint32_t at)
{
	if (type == TYPE_RTPFB && format == 1)
		walk_groups(w, NACK_GROUP, 2, 4, at);
	else if (type == TYPE_PSFB && format == 4)
		walk_groups(w, FIR_GROUP, 3, 8, at);
	else if (type == TYPE_PSFB && format == 2)
		walk_groups(w, SLI_GROUP, 3, 4, at);
	else if (at < w->end)
		walk_field(w, &more[FCI], at, w->end - at, 0);
}

/* What is between the first four bytes and the padding. */
static void walk_contents(struct walk *w)
{
	uint32_t off = w->layer->off;
	const uint8_t *header = w->packet->bytes + off;
	const struct block *body = protocol_body(w->proto, header, w->end - off);
	unsigned count = header[0] & 31;

	if (!body) {
		if (w->at < w->end)
			walk_field(w, &more[FCI], w->at, w->end - w->at, 0);
		return;
	}
	if (!walk_rows(w, body->fields, body->n_fields, off, w->end, 0))
		return;
	switch (body->code) {
	case TYPE_SR:
		walk_number(w, &more[NTP_TIME], off + 8, 8, (uint64_t)ntp_time_ns(header + 8), 0);
		walk_reports(w, count, off + body->min_len);
		break;
	case TYPE_RR:
		walk_reports(w, count, off + body->min_len);
		break;
	case TYPE_SDES:
		walk_chunks(w, count, off + body->min_len);
		break;
	case TYPE_BYE:
		walk_bye(w, count, off + body->min_len);
		break;
	case TYPE_RTPFB:
	case TYPE_PSFB:
		walk_feedback(w, body->code, count, off + body->min_len);
		break;
	case TYPE_XR:
		walk_blocks(w, off + body->min_len);
		break;
	}
}

static void rtcp_walk(struct walk *w)
{
	const uint8_t *p = w->packet->bytes;
	uint32_t end = w->end, pad = 0;

	if (p[w->layer->off] & 0x20 && !(w->layer->flags & LAYER_CUT) && w->at < end)
		pad = p[end - 1];
	if (pad > end - w->at) {
		walk_fault(w, -E_MALFORMED, end - 1);
		return;
	}
	w->end -= pad;
	walk_contents(w);
	w->end = end;
	if (pad > 1 && !w->over)
		walk_field(w, &more[PADDING], end - pad, pad - 1, 0);
	if (pad && !w->over)
		walk_field(w, &more[PADDING_COUNT], end - 1, 1, 0);
}

static uint8_t rtcp_step(struct packet *p, struct layer *l, uint8_t next)
{
	uint32_t at = l->off + l->header_len;

	return p->have - at >= 4 && p->bytes[at] >> 6 == 2 ? PROTOCOL_RTCP : next;
}

static void rtcp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;

	buf_str(b, layer && l[-1].proto == l->proto ? ", " : "RTCP ");
	if (l->header_len < 4)
		return;
	buf_str(b, field_value_name(&fields[2], header[1]) ?: "unknown packet");
	if (l->header_len < 8)
		return;
	buf_lit(b, " from 0x");
	buf_hex_u64(b, load_be32(header + 4), 8);
}

static bool rtcp_guess(const uint8_t *bytes, size_t len, bool stream)
{
	size_t least;

	if (stream || len < 8 || (bytes[1] != TYPE_SR && bytes[1] != TYPE_RR))
		return false;
	least = (bytes[1] == TYPE_SR ? 28u : 8u) + BLOCK_LEN * (bytes[0] & 31u);
	if (4u * load_be16(bytes + 2) + 4 < least)
		return false;
	for (size_t at = 0; at < len; at += 4u * load_be16(bytes + at + 2) + 4)
		if (len - at < 4 || bytes[at] >> 6 != 2 || bytes[at + 1] < 192 ||
		    bytes[at + 1] > 223 || 4u * load_be16(bytes + at + 2) + 4 > len - at)
			return false;
	return true;
}

const struct protocol protocol_rtcp = {
	PROTOCOL_NAME("rtcp"),
	.short_name = "RTCP",
	.title = "RTP Control Protocol",
	.rfc = "RFC 3550 section 6",
	.about = "Tells senders of RTP how well they are received, and who takes part.",
	ROWS(fields),
	.min_len = 4,
	.repeats = true,
	.application = true,
	.header_len = &fields[3],
	.header_unit = 4,
	.header_add = 4,
	.more_rows = more_rows,
	.n_more_rows = ARRAY_LEN(more_rows),
	.select = &fields[2],
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.step = rtcp_step,
	.walk = rtcp_walk,
	.line = rtcp_line,
	.guess = rtcp_guess,
};
