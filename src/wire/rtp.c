/*
 * RTP (RFC 3550 section 5; header extensions RFC 8285, payload types RFC 3551). Nothing in a header
 * proves that it is one, so it is never guessed: the ports are said by hand.
 */
#include "wire/rtp.h"

#include "wire/packet.h"

#define HEADER_LEN 12

static const struct value_name payload_names[] = {
	{ 0, "PCMU" },
	{ 3, "GSM" },
	{ 4, "G723" },
	{ 5, "DVI4 8 kHz" },
	{ 6, "DVI4 16 kHz" },
	{ 7, "LPC" },
	{ 8, "PCMA" },
	{ 9, "G722" },
	{ 10, "L16 stereo" },
	{ 11, "L16 mono" },
	{ 12, "QCELP" },
	{ 13, "comfort noise" },
	{ 14, "MPEG audio" },
	{ 15, "G728" },
	{ 16, "DVI4 11 kHz" },
	{ 17, "DVI4 22 kHz" },
	{ 18, "G729" },
	{ 25, "CelB" },
	{ 26, "JPEG" },
	{ 28, "nv" },
	{ 31, "H261" },
	{ 32, "MPEG video" },
	{ 33, "MPEG-2 transport" },
	{ 34, "H263" },
	{ 0 },
};

static const struct field fields[] = {
	{ AS_UINT("rtp.version", 0, 2), .title = "Version", .label = "V", .preset = 2 },
	{ AS_FLAG("rtp.padding", 2), .title = "Padding", .label = "P" },
	{ AS_FLAG("rtp.ext", 3), .title = "Extension", .label = "X" },
	{ AS_UINT("rtp.cc", 4, 4), .title = "Contributing sources", .label = "CC" },
	{ AS_FLAG("rtp.marker", 8), .title = "Marker", .label = "M",
	  .about = "Begins a frame, or a talk after silence" },
	{ AS_UINT("rtp.p_type", 9, 7), .title = "Payload type", .label = "PT",
	  .values = payload_names, .about = "From 96: agreed on elsewhere" },
	{ AS_UINT("rtp.seq", BYTE(2), 16), .title = "Sequence number" },
	{ AS_UINT("rtp.timestamp", BYTE(4), 32), .title = "Timestamp",
	  .about = "In units of the payload's clock" },
	{ AS_HEX("rtp.ssrc", BYTE(8), 32, 8), .title = "Source" },
};

static const struct field more[] = {
	{ AS_HEX("rtp.csrc.item", 0, 32, 8), .repeats = true, .title = "Contributing source" },
	{ AS_HEX("rtp.ext.profile", 0, 16, 4), .title = "Extension profile" },
	{ AS_UINT("rtp.ext.len", BYTE(2), 16), .title = "Extension length",
	  .about = "In words of 4 bytes" },
	{ AS_HEX("rtp.hdr_ext", 0, 32, 8), .repeats = true, .title = "Extension" },
	{ AS_GROUP("rtp.ext.rfc5285", 0), .repeats = true, .title = "Extension" },
	{ AS_UINT("rtp.ext.rfc5285.id", 0, 8), .depth = 1, .title = "ID" },
	{ AS_UINT("rtp.ext.rfc5285.len", 0, 8), .depth = 1, .title = "Length" },
	{ AS_BYTES("rtp.ext.rfc5285.data", 0, 0), .depth = 1, .title = "Data" },
	{ AS_BYTES("rtp.payload", 0, 0), .title = "Payload" },
	{ AS_BYTES("rtp.padding.data", 0, 0), .title = "Padding" },
	{ AS_UINT("rtp.padding.count", 0, 8), .title = "Padding length" },
};
enum {
	CSRC,
	EXT_PROFILE,
	EXT_LEN,
	EXT_WORD,
	EXT_GROUP,
	EXT_ID,
	EXT_ITEM_LEN,
	EXT_DATA,
	PAYLOAD,
	PADDING,
	PADDING_COUNT,
};
static const struct rows more_rows[] = { { more, ARRAY_LEN(more) } };

/* Elements of RFC 8285: an ID of 4 bits and a length less 1, or a byte for each. */
static void walk_elements(struct walk *w, uint32_t at, uint32_t end, bool two_bytes)
{
	const uint8_t *p = w->packet->bytes;
	uint32_t head_len = two_bytes ? 2 : 1;

	while (at < end && !w->over) {
		uint32_t len;

		if (!p[at]) {
			at++;
			continue;
		}
		if (!two_bytes && p[at] >> 4 == 15)
			return;
		if (end - at < head_len) {
			walk_fault(w, -E_MALFORMED, at);
			return;
		}
		len = two_bytes ? p[at + 1] : (p[at] & 15u) + 1;
		if (len > end - at - head_len) {
			walk_fault(w, -E_MALFORMED, at);
			return;
		}
		walk_group(w, &more[EXT_GROUP], at, head_len + len, 0, NULL);
		walk_number(w, &more[EXT_ID], at, 1, two_bytes ? p[at] : p[at] >> 4, 0);
		walk_number(w, &more[EXT_ITEM_LEN], at + head_len - 1, 1, len, 0);
		if (len)
			walk_field(w, &more[EXT_DATA], at + head_len, len, 0);
		at += head_len + len;
	}
}

/* Return: where the extension ends. */
static uint32_t walk_extension(struct walk *w, uint32_t at)
{
	unsigned profile;
	uint32_t end;

	if (!walk_rows(w, &more[EXT_PROFILE], 2, at, w->end, 0))
		return w->end;
	profile = load_be16(w->packet->bytes + at);
	end = at + 4 + 4u * load_be16(w->packet->bytes + at + 2);
	if (end > w->end) {
		walk_fault(w, -E_MALFORMED, at + 2);
		return w->end;
	}
	if (profile == 0xbede || profile >> 4 == 0x100) {
		walk_elements(w, at + 4, end, profile != 0xbede);
		return end;
	}
	for (at += 4; at < end; at += 4)
		walk_field(w, &more[EXT_WORD], at, 4, 0);
	return end;
}

static void rtp_walk(struct walk *w)
{
	const uint8_t *header = w->packet->bytes + w->layer->off;
	uint32_t at = w->at, end = w->end, pad = 0;

	for (unsigned i = header[0] & 15; i && walk_field(w, &more[CSRC], at, 4, 0); i--)
		at += 4;
	if (w->over)
		return;
	if (header[0] & 0x10)
		at = walk_extension(w, at);
	if (w->over)
		return;
	if (header[0] & 0x20 && at < end)
		pad = w->packet->bytes[end - 1];
	if (pad > end - at) {
		walk_fault(w, -E_MALFORMED, end - 1);
		return;
	}
	if (at < end - pad)
		walk_field(w, &more[PAYLOAD], at, end - pad - at, 0);
	if (pad > 1)
		walk_field(w, &more[PADDING], end - pad, pad - 1, 0);
	if (pad)
		walk_field(w, &more[PADDING_COUNT], end - 1, 1, 0);
}

static void rtp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;
	const char *name;

	buf_lit(b, "RTP");
	if (l->header_len < HEADER_LEN)
		return;
	name = field_value_name(&fields[5], header[1] & 0x7f);
	buf_char(b, ' ');
	if (name)
		buf_str(b, name);
	else
		buf_printf(b, "type %u", header[1] & 0x7f);
	buf_lit(b, " seq ");
	buf_u64(b, load_be16(header + 2));
	buf_lit(b, " time ");
	buf_u64(b, load_be32(header + 4));
	buf_lit(b, " source 0x");
	buf_hex_u64(b, load_be32(header + 8), 8);
	if (header[1] & 0x80)
		buf_lit(b, ", marked");
}

const struct protocol protocol_rtp = {
	PROTOCOL_NAME("rtp"),
	.short_name = "RTP",
	.title = "Real-time Transport Protocol",
	.rfc = "RFC 3550 section 5.1",
	.about = "Carries sound and pictures as they happen, with their place in time.",
	ROWS(fields),
	.min_len = HEADER_LEN,
	.whole = true,
	.application = true,
	.more_rows = more_rows,
	.n_more_rows = ARRAY_LEN(more_rows),
	.walk = rtp_walk,
	.line = rtp_line,
};
