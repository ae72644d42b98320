/*
 * NTP (RFC 5905; version 3 RFC 1305, extension fields RFC 7822, control messages RFC 9327). The
 * mode in the first byte decides: time is told in modes 1 to 5; mode 6 asks for variables, mode 7
 * is each implementation's own. Behind the times come extension fields, and perhaps a key and a
 * digest over all before, which are told from extensions by their length.
 */
#include "wire/ntp.h"

#include "wire/exchange.h"
#include "wire/ntp_time.h"
#include "wire/packet.h"

#define TIMES_LEN 48

enum { MODE_CLIENT = 3, MODE_SERVER = 4, MODE_CONTROL = 6 };

/* Key identifier and the longest digest: what is longer begins with an extension. */
#define MAC_MAX 24

static const struct value_name leap_names[] = {
	{ 0, "no warning" },
	{ 1, "last minute has 61 seconds" },
	{ 2, "last minute has 59 seconds" },
	{ 3, "clock not synchronized" },
	{ 0 },
};
static const struct value_name mode_names[] = {
	{ 0, "reserved" }, { 1, "symmetric active" }, { 2, "symmetric passive" },
	{ 3, "client" },   { 4, "server" },	      { 5, "broadcast" },
	{ 6, "control" },  { 7, "private" },	      { 0 },
};
static const struct value_name opcode_names[] = {
	{ 1, "read status" },
	{ 2, "read variables" },
	{ 3, "write variables" },
	{ 4, "read clock" },
	{ 5, "write clock" },
	{ 6, "set trap" },
	{ 7, "trap" },
	{ 8, "configure" },
	{ 9, "save configuration" },
	{ 10, "read recent hosts" },
	{ 11, "read ordered list" },
	{ 12, "request nonce" },
	{ 31, "unset trap" },
	{ 0 },
};
static const struct value_name extension_names[] = {
	{ 0x0104, "unique identifier" },      { 0x0204, "NTS cookie" },
	{ 0x0304, "NTS cookie placeholder" }, { 0x0404, "NTS authenticator" },
	{ 0x2005, "checksum complement" },    { 0 },
};

static const struct field fields[] = {
	{ AS_HEX("ntp.flags", 0, 8, 2), .title = "Flags" },
};

#define VERSION_ROWS                                                                       \
	{ AS_UINT("ntp.flags.vn", 2, 3), .depth = 1, .title = "Version", .label = "VN",    \
	  .preset = 4 },                                                                   \
	{                                                                                  \
		AS_UINT("ntp.flags.mode", 5, 3), .depth = 1, .title = "Mode", .preset = 3, \
						 .values = mode_names                      \
	}
#define LEAP_ROW                                                                      \
	{                                                                             \
		AS_UINT("ntp.flags.li", 0, 2), .depth = 1, .title = "Leap indicator", \
					       .label = "LI", .values = leap_names    \
	}
#define STAMP(n, place, text, words)                                                          \
	{                                                                                     \
		AS_("ntp." n, BYTE(place), 64, FIELD_TIME), .title = (text), .about = (words) \
	}

static const struct field times[] = {
	LEAP_ROW,
	VERSION_ROWS,
	{ AS_UINT("ntp.stratum", BYTE(1), 8), .title = "Stratum",
	  .about = "1: has a clock of its own; each server between adds 1" },
	{ AS_UINT("ntp.ppoll", BYTE(2), 8), .title = "Poll interval",
	  .about = "Seconds as a power of 2" },
	{ AS_UINT("ntp.precision", BYTE(3), 8), .title = "Precision",
	  .about = "Seconds as a power of 2, negative ones from 128" },
	{ AS_UINT("ntp.rootdelay", BYTE(4), 32), .title = "Root delay",
	  .about = "In units of 2^-16 seconds" },
	{ AS_UINT("ntp.rootdispersion", BYTE(8), 32), .title = "Root dispersion",
	  .about = "Likewise" },
	{ AS_BYTES("ntp.refid", BYTE(12), 32), .title = "Reference",
	  .about = "The server asked, or letters for a clock" },
	STAMP("reftime", 16, "Reference time", "When the clock was last set"),
	STAMP("org", 24, "Origin time", "When the client asked"),
	STAMP("rec", 32, "Receive time", "When the question arrived"),
	STAMP("xmt", 40, "Transmit time", "When this was sent"),
};
static const struct field control[] = {
	LEAP_ROW,
	VERSION_ROWS,
	{ AS_HEX("ntp.ctrl.flags2", BYTE(1), 8, 2), .title = "Control" },
	{ AS_UINT("ntp.ctrl.flags2.r", BYTE(1), 1), .depth = 1, .title = "Response" },
	{ AS_UINT("ntp.ctrl.flags2.error", BYTE(1) + 1, 1), .depth = 1, .title = "Error" },
	{ AS_UINT("ntp.ctrl.flags2.more", BYTE(1) + 2, 1), .depth = 1, .title = "More follows" },
	{ AS_UINT("ntp.ctrl.flags2.opcode", BYTE(1) + 3, 5), .depth = 1, .title = "Operation",
	  .values = opcode_names },
	{ AS_UINT("ntp.ctrl.sequence", BYTE(2), 16), .title = "Sequence" },
	{ AS_HEX("ntp.ctrl.status", BYTE(4), 16, 4), .title = "Status" },
	{ AS_UINT("ntp.ctrl.associd", BYTE(6), 16), .title = "Association" },
	{ AS_UINT("ntp.ctrl.offset", BYTE(8), 16), .title = "Offset" },
	{ AS_UINT("ntp.ctrl.count", BYTE(10), 16), .title = "Data length" },
};
static const struct field private[] = {
	{ AS_UINT("ntp.priv.flags.r", 0, 1), .depth = 1, .title = "Response" },
	{ AS_UINT("ntp.priv.flags.more", 1, 1), .depth = 1, .title = "More follows" },
	VERSION_ROWS,
	{ AS_UINT("ntp.priv.auth_seq", BYTE(1), 8), .title = "Authentication and sequence" },
	{ AS_UINT("ntp.priv.auth", BYTE(1), 1), .depth = 1, .title = "Authenticated" },
	{ AS_UINT("ntp.priv.seq", BYTE(1) + 1, 7), .depth = 1, .title = "Sequence" },
	{ AS_UINT("ntp.priv.impl", BYTE(2), 8), .title = "Implementation" },
	{ AS_UINT("ntp.priv.reqcode", BYTE(3), 8), .title = "Request" },
	{ AS_HEX("ntp.priv.err", BYTE(4), 4, 2), .title = "Error" },
	{ AS_UINT("ntp.priv.numitems", BYTE(4) + 4, 12), .title = "Items" },
	{ AS_HEX("ntp.priv.reserved", BYTE(6), 4, 2), .title = "Reserved" },
	{ AS_UINT("ntp.priv.itemsize", BYTE(6) + 4, 12), .title = "Size of each" },
};

static const struct field more[] = {
	{ AS_GROUP("ntp.ext", 0), .repeats = true, .title = "Extension" },
	{ AS_HEX("ntp.ext.type", 0, 16, 4), .depth = 1, .title = "Type",
	  .values = extension_names },
	{ AS_UINT("ntp.ext.length", BYTE(2), 16), .depth = 1, .title = "Length" },
	{ AS_BYTES("ntp.ext.value", BYTE(4), 0), .depth = 1, .title = "Value" },
	{ AS_BYTES("ntp.keyid", 0, 32), .title = "Key ID" },
	{ AS_BYTES("ntp.mac", BYTE(4), 0), .title = "Digest" },
	{ AS_BYTES("ntp.ctrl.bytes", 0, 0), .title = "Data" },
};
enum { EXT_GROUP, EXT_TYPE, KEY_ID = 4, DATA = 6 };

static const struct rows more_rows[] = { { more, ARRAY_LEN(more) } };

#define BODY(n, t, rows, length, mode)                                                \
	{                                                                             \
		.name = (n), .title = (t), .rfc = "RFC 5905 section 7.3", ROWS(rows), \
		.min_len = (length), .code = (mode)                                   \
	}
static const struct block bodies[] = {
	BODY("client", "Question of a client", times, TIMES_LEN, 3),
	BODY("server", "Answer of a server", times, TIMES_LEN, 4),
	BODY("active", "Symmetric, active", times, TIMES_LEN, 1),
	BODY("passive", "Symmetric, passive", times, TIMES_LEN, 2),
	BODY("broadcast", "Broadcast", times, TIMES_LEN, 5),
	BODY("control", "Control message", control, 12, 6),
	BODY("private", "Private message", private, 8, 7),
	BODY("reserved", "Reserved", times, TIMES_LEN, 0),
};

static const struct block *ntp_body(const uint8_t *header, size_t len)
{
	for (size_t i = 0; len && i < ARRAY_LEN(bodies); i++)
		if (bodies[i].code == (header[0] & 7))
			return &bodies[i];
	return NULL;
}

static void walk_time(struct walk *w, const struct field *f)
{
	uint32_t off = w->layer->off + f->bit / 8;
	const uint8_t *at = w->packet->bytes + off;

	if (w->end - w->layer->off < f->bit / 8 + 8u)
		walk_fault(w, -E_MALFORMED, MIN(off, w->end));
	else if (load_be64(at))
		walk_number(w, f, off, 8, (uint64_t)ntp_time_ns(at), 0);
}

/* Extensions, then key and digest. */
static void walk_extensions(struct walk *w, uint32_t at)
{
	while (!w->over && w->end - at > MAC_MAX) {
		uint32_t len = load_be16(w->packet->bytes + at + 2);

		if (len < 4 || len > w->end - at) {
			walk_fault(w, -E_MALFORMED, at + 2);
			return;
		}
		walk_group(w, &more[EXT_GROUP], at, len, 0, NULL);
		walk_rows(w, &more[EXT_TYPE], 3, at, at + len, 0);
		at += len;
	}
	if (at < w->end)
		walk_rows(w, &more[KEY_ID], 2, at, w->end, 0);
}

static void ntp_walk(struct walk *w)
{
	uint32_t off = w->layer->off;
	const struct block *body = ntp_body(w->packet->bytes + off, 1);

	for (size_t i = 0; i < body->n_fields && !w->over; i++) {
		if (body->fields[i].type == FIELD_TIME)
			walk_time(w, &body->fields[i]);
		else
			walk_rows(w, &body->fields[i], 1, off, w->end, 0);
	}
	if (w->over)
		return;
	if (body->fields == times)
		walk_extensions(w, off + TIMES_LEN);
	else if (w->end - off > body->min_len)
		walk_field(w, &more[DATA], off + body->min_len, w->end - off - body->min_len, 0);
}

static void ntp_line(struct buf *b, const struct packet *p, size_t layer)
{
	static const struct field modes = { .values = mode_names };
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;

	buf_lit(b, "NTP");
	if (!l->header_len)
		return;
	buf_lit(b, "v");
	buf_u64(b, header[0] >> 3 & 7);
	buf_char(b, ' ');
	buf_str(b, field_value_name(&modes, header[0] & 7));
	if (l->header_len < TIMES_LEN || (header[0] & 7) > 5 || (header[0] & 7) == 3)
		return;
	buf_lit(b, " stratum ");
	buf_u64(b, header[1]);
	if (header[0] >> 6 == 3)
		buf_lit(b, ", not synchronized");
}

static const struct field exchange_rows[] = {
	{ AS_COUNT("ntp.request_in"), .title = "Answer to packet" },
	{ AS_DURATION("ntp.delta_time"), .title = "Time since the request" },
};

/*
 * A server gives back the time at which the client says that it asked, control messages have a
 * number.
 */
static bool ntp_tell(const struct packet *p, const struct layer *l, struct exchange *ret_exchange)
{
	const uint8_t *header = p->bytes + l->off;
	unsigned mode = header[0] & 7;

	if (mode == MODE_CONTROL && l->header_len >= 12) {
		*ret_exchange = (struct exchange){ .answer = header[1] >> 7, .id_len = 2 };
		memcpy(ret_exchange->id, header + 2, 2);
		return true;
	}
	if ((mode != MODE_CLIENT && mode != MODE_SERVER) || l->header_len < TIMES_LEN)
		return false;
	*ret_exchange = (struct exchange){ .answer = mode == MODE_SERVER, .id_len = 8 };
	memcpy(ret_exchange->id, header + (mode == MODE_SERVER ? 24 : 40), 8);
	return true;
}

static const struct exchange_table exchange = { .tell = ntp_tell, ROWS(exchange_rows) };

const struct protocol protocol_ntp = {
	PROTOCOL_NAME("ntp"),
	.short_name = "NTP",
	.title = "Network Time Protocol",
	.rfc = "RFC 5905 section 7.3",
	.about = "Tells what time it is, and how long the telling took.",
	ROWS(fields),
	.min_len = 1,
	.whole = true,
	.application = true,
	.more_rows = more_rows,
	.n_more_rows = ARRAY_LEN(more_rows),
	.select = &times[2],
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.bodies_fit = true,
	.body = ntp_body,
	.walk = ntp_walk,
	.exchange = &exchange,
	.line = ntp_line,
};
