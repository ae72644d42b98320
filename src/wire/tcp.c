/*
 * TCP (RFC 9293; window scale and timestamps RFC 7323, SACK RFC 2018, ECN RFC 3168, fast open
 * RFC 7413, authentication RFC 5925, user time-out RFC 5482, multipath RFC 8684). Sequence numbers
 * are those on the wire.
 */
#include "wire/tcp.h"

#include "wire/numbers.h"
#include "wire/packet.h"
#include "wire/ports.h"

static const struct value_name option_names[] = {
	{ 0, "end of options" },
	{ 1, "no operation" },
	{ 2, "maximum segment size" },
	{ 3, "window scale" },
	{ 4, "SACK permitted" },
	{ 5, "SACK" },
	{ 6, "echo, obsolete" },
	{ 7, "echo reply, obsolete" },
	{ 8, "timestamps" },
	{ 9, "partial order permitted, obsolete" },
	{ 10, "partial order, obsolete" },
	{ 11, "CC, obsolete" },
	{ 12, "CC.NEW, obsolete" },
	{ 13, "CC.ECHO, obsolete" },
	{ 14, "alternate checksum request, obsolete" },
	{ 15, "alternate checksum, obsolete" },
	{ 18, "trailer checksum" },
	{ 19, "MD5 signature" },
	{ 20, "SCPS capabilities" },
	{ 21, "selective negative acknowledgements" },
	{ 22, "record boundaries" },
	{ 23, "corruption experienced" },
	{ 27, "quick start" },
	{ 28, "user time-out" },
	{ 29, "authentication" },
	{ 30, "multipath TCP" },
	{ 34, "fast open cookie" },
	{ 69, "encryption negotiation" },
	{ 172, "accurate ECN order 0" },
	{ 174, "accurate ECN order 1" },
	{ 253, "experiment" },
	{ 254, "experiment" },
	{ 0 },
};

#define FLAG_ROW(n, place, name, text)                                                        \
	{                                                                                     \
		AS_FLAG(n, BYTE(12) + (place)), .depth = 1, .title = (name), .label = (name), \
						.about = (text)                               \
	}

static const struct field fields[] = {
	{ AS_UINT("tcp.srcport", 0, 16), .title = "Source port" },
	{ AS_UINT("tcp.dstport", BYTE(2), 16), .title = "Destination port",
	  .about = "Names the service" },
	{ AS_UINT("tcp.seq_raw", BYTE(4), 32), .title = "Sequence number",
	  .about = "Of the first byte of data; in a SYN the initial number" },
	{ AS_UINT("tcp.ack_raw", BYTE(8), 32), .title = "Acknowledgement number",
	  .about = "The next byte expected, when ACK is set" },
	{ AS_UINT("tcp.hdr_len", BYTE(12), 4), .title = "Header length", .label = "Data offset",
	  .scale = 4, .preset = 5,
	  .about = "Of header and options; on the wire in words of 4 bytes" },
	{ AS_HEX("tcp.flags", BYTE(12) + 4, 12, 4), .title = "Flags" },
	{ AS_UINT("tcp.flags.res", BYTE(12) + 4, 3), .depth = 1, .title = "Reserved",
	  .label = "Rsvd", .about = "0" },
	FLAG_ROW("tcp.flags.ae", 7, "AE", "Accurate ECN (RFC 9768); formerly nonce"),
	FLAG_ROW("tcp.flags.cwr", 8, "CWR", "Congestion window reduced"),
	FLAG_ROW("tcp.flags.ece", 9, "ECE", "ECN echo: congestion was notified"),
	FLAG_ROW("tcp.flags.urg", 10, "URG", "The urgent pointer counts"),
	FLAG_ROW("tcp.flags.ack", 11, "ACK", "The acknowledgement number counts"),
	FLAG_ROW("tcp.flags.push", 12, "PSH", "Give the data to the application now"),
	FLAG_ROW("tcp.flags.reset", 13, "RST", "Abort the connection"),
	FLAG_ROW("tcp.flags.syn", 14, "SYN", "Open: synchronize sequence numbers"),
	FLAG_ROW("tcp.flags.fin", 15, "FIN", "No more data from the sender"),
	{ AS_UINT("tcp.window_size_value", BYTE(14), 16), .title = "Window", .preset = 65535,
	  .about = "Bytes that the sender can take, before scaling" },
	{ AS_HEX("tcp.checksum", BYTE(16), 16, 4), .title = "Checksum",
	  .about = "Over a pseudo header with the IP addresses, header and data" },
	{ AS_UINT("tcp.urgent_pointer", BYTE(18), 16), .title = "Urgent pointer",
	  .about = "End of the urgent data, when URG is set" },
};

enum { ROW_HDR_LEN = 4, ROW_CHECKSUM = 17 };

static const struct field option_group = {
	AS_GROUP("tcp.options", 0),
	.title = "Option",
	.repeats = true,
};
static const struct field option_head[] = {
	{ AS_UINT("tcp.option_kind", 0, 8), .title = "Kind", .values = option_names },
	{ AS_UINT("tcp.option_len", BYTE(1), 8), .title = "Length",
	  .about = "Bytes of the option, kind and length included" },
};

static const struct field mss[] = {
	{ AS_UINT("tcp.options.mss_val", BYTE(2), 16), .title = "Maximum segment size",
	  .about = "The most data in one segment that the sender takes" },
};
static const struct field wscale[] = {
	{ AS_UINT("tcp.options.wscale.shift", BYTE(2), 8), .title = "Shift count",
	  .about = "Windows are to be shifted left by this" },
};
static const struct field sack_block_fields[] = {
	{ AS_UINT("tcp.options.sack_le", 0, 32), .title = "Left edge",
	  .about = "First byte received" },
	{ AS_UINT("tcp.options.sack_re", BYTE(4), 32), .title = "Right edge",
	  .about = "The byte after the last" },
};
static const struct block sack_block = {
	.name = "sack-block",
	.title = "Block",
	.rfc = "RFC 2018 section 3",
	ROWS(sack_block_fields),
	.min_len = 8,
};
#define OPTION_SACK 5

static const struct field sack[] = {
	{ AS_GROUP("tcp.options.sack", BYTE(2)), .repeats = true, .title = "Block",
	  .about = "Data received beyond a gap", .block = &sack_block },
};
static const struct field echo[] = {
	{ AS_UINT("tcp.options.echo_value", BYTE(2), 32), .title = "Echo value" },
};
static const struct field timestamps[] = {
	{ AS_UINT("tcp.options.timestamp.tsval", BYTE(2), 32), .title = "Timestamp value",
	  .about = "The sender's clock" },
	{ AS_UINT("tcp.options.timestamp.tsecr", BYTE(6), 32), .title = "Timestamp echo reply",
	  .about = "The value last heard from the other side" },
};
static const struct field md5[] = {
	{ AS_BYTES("tcp.options.md5.digest", BYTE(2), 128), .title = "Digest" },
};
static const struct field user_timeout[] = {
	{ AS_FLAG("tcp.options.user_to_granularity", BYTE(2)), .title = "Granularity", .label = "G",
	  .about = "1: minutes, 0: seconds" },
	{ AS_UINT("tcp.options.user_to_val", BYTE(2) + 1, 15), .title = "User time-out" },
};
static const struct field authentication[] = {
	{ AS_UINT("tcp.options.ao.keyid", BYTE(2), 8), .title = "Key ID" },
	{ AS_UINT("tcp.options.ao.rnextkeyid", BYTE(3), 8), .title = "Next key ID wanted" },
	{ AS_BYTES("tcp.options.ao.mac", BYTE(4), 0), .title = "MAC" },
};
static const struct field fast_open[] = {
	{ AS_BYTES("tcp.options.tfo.cookie", BYTE(2), 0), .title = "Fast open cookie",
	  .about = "None: a request for one" },
};
static const struct field opaque[] = {
	{ AS_BYTES("tcp.options.unknown.payload", BYTE(2), 0), .title = "Data" },
};

static const struct block option_blocks[] = {
	{ .name = "eol", .title = "End of options", .rfc = "RFC 9293 section 3.2", .bare = true },
	{ .name = "nop",
	  .title = "No operation",
	  .rfc = "RFC 9293 section 3.2",
	  .bare = true,
	  .code = 1 },
	{ .name = "mss",
	  .title = "Maximum segment size",
	  .rfc = "RFC 9293 section 3.7.1",
	  ROWS(mss),
	  .min_len = 4,
	  .code = 2 },
	{ .name = "wscale",
	  .title = "Window scale",
	  .rfc = "RFC 7323 section 2",
	  ROWS(wscale),
	  .min_len = 3,
	  .code = 3 },
	{ .name = "sack_perm",
	  .title = "SACK permitted",
	  .rfc = "RFC 2018 section 2",
	  .min_len = 2,
	  .code = 4 },
	{ .name = "sack",
	  .title = "Selective acknowledgement",
	  .rfc = "RFC 2018 section 3",
	  ROWS(sack),
	  .min_len = 2,
	  .code = 5 },
	{ .name = "echo",
	  .title = "Echo (obsolete)",
	  .rfc = "RFC 1072",
	  ROWS(echo),
	  .min_len = 6,
	  .code = 6 },
	{ .name = "echo-reply",
	  .title = "Echo reply (obsolete)",
	  .rfc = "RFC 1072",
	  ROWS(echo),
	  .min_len = 6,
	  .code = 7 },
	{ .name = "timestamp",
	  .title = "Timestamps",
	  .rfc = "RFC 7323 section 3",
	  ROWS(timestamps),
	  .min_len = 10,
	  .code = 8 },
	{ .name = "md5",
	  .title = "MD5 signature",
	  .rfc = "RFC 2385",
	  ROWS(md5),
	  .min_len = 18,
	  .code = 19 },
	{ .name = "user_to",
	  .title = "User time-out",
	  .rfc = "RFC 5482",
	  ROWS(user_timeout),
	  .min_len = 4,
	  .code = 28 },
	{ .name = "ao",
	  .title = "Authentication",
	  .rfc = "RFC 5925",
	  ROWS(authentication),
	  .min_len = 4,
	  .code = 29 },
	{ .name = "tfo",
	  .title = "Fast open cookie",
	  .rfc = "RFC 7413",
	  ROWS(fast_open),
	  .min_len = 2,
	  .code = 34 },
};
static const struct block option_unknown = {
	.name = "opt",
	.title = "Option",
	.rfc = "RFC 9293 section 3.2",
	ROWS(opaque),
	.min_len = 2,
};
static const struct options options = {
	.group = &option_group,
	.head = option_head,
	.n_head = ARRAY_LEN(option_head),
	.blocks = option_blocks,
	.n_blocks = ARRAY_LEN(option_blocks),
	.unknown = &option_unknown,
	.unit = 1,
	.align = 4,
	.end = 0,
	.pad = 0,
};

/* What segments before this one tell of it. */
static const struct field fact_rows[] = {
	{ AS_COUNT("tcp.stream"), .title = "Stream", .about = "Number of the connection, from 0" },
	{ AS_COUNT("tcp.len"), .title = "Data length", .about = "Bytes of data in this segment" },
	{ AS_COUNT("tcp.seq"), .title = "Relative sequence number",
	  .about = "From 0 at the first segment" },
	{ AS_COUNT("tcp.nxtseq"), .title = "Next sequence number" },
	{ AS_COUNT("tcp.ack"), .title = "Relative acknowledgement number" },
	{ AS_COUNT("tcp.window_size"), .title = "Window in bytes", .about = "Scaled" },
	{ AS_INT("tcp.window_size_scalefactor", 0, 0), .computed = true, .title = "Window factor",
	  .about = "-1: unknown, -2: not used" },
	{ AS_COUNT("tcp.completeness"), .title = "Completeness",
	  .about = "What of the connection was seen: 1 SYN, 2 SYN-ACK, 4 ACK, 8 data, 16 FIN, 32 "
		   "RST" },
	{ AS_DURATION("tcp.time_relative"), .title = "Time in the connection" },
	{ AS_DURATION("tcp.time_delta"), .title = "Time since its previous segment" },
	{ AS_GROUP("tcp.analysis", 0), .computed = true, .title = "Analysis" },
	{ AS_COUNT("tcp.analysis.acks_frame"), .depth = 1, .title = "Acknowledges the segment in" },
	{ AS_DURATION("tcp.analysis.ack_rtt"), .depth = 1, .title = "Time until acknowledged" },
	{ AS_DURATION("tcp.analysis.initial_rtt"), .depth = 1, .title = "Time of the handshake" },
	{ AS_COUNT("tcp.analysis.bytes_in_flight"), .depth = 1, .title = "Bytes in flight" },
	{ AS_COUNT("tcp.analysis.duplicate_ack_num"), .depth = 1, .title = "Duplicate number" },
	{ AS_COUNT("tcp.analysis.duplicate_ack_frame"), .depth = 1, .title = "Duplicate of" },
	{ AS_COUNT("tcp.analysis.rto_frame"), .depth = 1, .title = "Time-out of the segment in" },
	{ AS_DURATION("tcp.analysis.rto"), .depth = 1, .title = "Time-out" },
	{ AS_FLAG("tcp.connection.syn", 0), .computed = true, .title = "Asks for a connection" },
	{ AS_FLAG("tcp.connection.synack", 0), .computed = true, .title = "Accepts a connection" },
	{ AS_FLAG("tcp.connection.fin", 0), .computed = true, .title = "Ends its direction" },
	{ AS_FLAG("tcp.connection.rst", 0), .computed = true, .title = "Aborts the connection" },
};

enum {
	FACT_STREAM,
	FACT_LEN,
	FACT_SEQ,
	FACT_NXTSEQ,
	FACT_ACK,
	FACT_WINDOW,
	FACT_SCALE,
	FACT_COMPLETENESS,
	FACT_TIME_RELATIVE,
	FACT_TIME_DELTA,
	FACT_ANALYSIS,
	FACT_ACKS_FRAME,
	FACT_ACK_RTT,
	FACT_INITIAL_RTT,
	FACT_BYTES_IN_FLIGHT,
	FACT_DUPLICATE_NUM,
	FACT_DUPLICATE_FRAME,
	FACT_RTO_FRAME,
	FACT_RTO,
	FACT_SYN,
	FACT_SYNACK,
	FACT_FIN,
	FACT_RST,
};

/* Notes of the analysis, in the order of their bits. */
static const struct {
	struct field field;
	const char *note; /* in a line of text; NULL: not worth a word */
} notes[] = {
	{ { AS_FLAG("tcp.analysis.retransmission", 0), .computed = true, .depth = 1,
	    .title = "Retransmission" },
	  "retransmission" },
	{ { AS_FLAG("tcp.analysis.fast_retransmission", 0), .computed = true, .depth = 1,
	    .title = "Fast retransmission" },
	  "fast retransmission" },
	{ { AS_FLAG("tcp.analysis.spurious_retransmission", 0), .computed = true, .depth = 1,
	    .title = "Spurious retransmission" },
	  "spurious retransmission" },
	{ { AS_FLAG("tcp.analysis.out_of_order", 0), .computed = true, .depth = 1,
	    .title = "Out of order" },
	  "out of order" },
	{ { AS_FLAG("tcp.analysis.lost_segment", 0), .computed = true, .depth = 1,
	    .title = "A segment before it was not captured" },
	  "previous segment not captured" },
	{ { AS_FLAG("tcp.analysis.ack_lost_segment", 0), .computed = true, .depth = 1,
	    .title = "Acknowledges a segment that was not captured" },
	  "acks unseen segment" },
	{ { AS_FLAG("tcp.analysis.duplicate_ack", 0), .computed = true, .depth = 1,
	    .title = "Duplicate ACK" },
	  "duplicate ack" },
	{ { AS_FLAG("tcp.analysis.window_update", 0), .computed = true, .depth = 1,
	    .title = "Window update" },
	  "window update" },
	{ { AS_FLAG("tcp.analysis.window_full", 0), .computed = true, .depth = 1,
	    .title = "Fills the window" },
	  "window full" },
	{ { AS_FLAG("tcp.analysis.zero_window", 0), .computed = true, .depth = 1,
	    .title = "Zero window" },
	  "zero window" },
	{ { AS_FLAG("tcp.analysis.zero_window_probe", 0), .computed = true, .depth = 1,
	    .title = "Zero window probe" },
	  "zero window probe" },
	{ { AS_FLAG("tcp.analysis.zero_window_probe_ack", 0), .computed = true, .depth = 1,
	    .title = "Answer to a zero window probe" },
	  "zero window probe ack" },
	{ { AS_FLAG("tcp.analysis.keep_alive", 0), .computed = true, .depth = 1,
	    .title = "Keep-alive" },
	  "keep-alive" },
	{ { AS_FLAG("tcp.analysis.keep_alive_ack", 0), .computed = true, .depth = 1,
	    .title = "Answer to a keep-alive" },
	  "keep-alive ack" },
	{ { AS_FLAG("tcp.analysis.reused_ports", 0), .computed = true, .depth = 1,
	    .title = "Ports used again" },
	  "ports reused" },
	{ { AS_FLAG("tcp.segment.overlap", 0), .computed = true, .depth = 1, .title = "Overlap" },
	  NULL },
	{ { AS_FLAG("tcp.segment.overlap.conflict", 0), .computed = true, .depth = 1,
	    .title = "Overlap with other bytes" },
	  "overlap with different bytes" },
};

/* Notes with a word in the line of text. */
#define NOTED (((1u << ARRAY_LEN(notes)) - 1) & ~(unsigned)TCP_OVERLAP)

/* The rows of notes[] alone are found through these. */
#define NOTE_ROW(n)                \
	{                          \
		&notes[n].field, 1 \
	}
static const struct rows more_rows[] = {
	{ fact_rows, ARRAY_LEN(fact_rows) },
	NOTE_ROW(0),
	NOTE_ROW(1),
	NOTE_ROW(2),
	NOTE_ROW(3),
	NOTE_ROW(4),
	NOTE_ROW(5),
	NOTE_ROW(6),
	NOTE_ROW(7),
	NOTE_ROW(8),
	NOTE_ROW(9),
	NOTE_ROW(10),
	NOTE_ROW(11),
	NOTE_ROW(12),
	NOTE_ROW(13),
	NOTE_ROW(14),
	NOTE_ROW(15),
	NOTE_ROW(16),
};

void tcp_analysis_text(struct buf *b, const struct tcp_facts *facts)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
		if (!(facts->analysis >> i & 1) || !notes[i].note)
			continue;
		if (!first)
			buf_lit(b, ", ");
		buf_str(b, notes[i].note);
		first = false;
	}
	if (facts->duplicate_ack) {
		buf_lit(b, " #");
		buf_u64(b, facts->duplicate_ack);
	}
}

/* Numbers that are left out when zero. */
static void give_known(struct walk *w, unsigned row, uint64_t value)
{
	if (value)
		walk_computed(w, &fact_rows[row], value);
}

static void walk_analysis(struct walk *w, const struct tcp_facts *f)
{
	bool some = f->acks_frame || f->initial_rtt_ns || f->bytes_in_flight || f->rto_frame ||
		    f->analysis & ((1u << ARRAY_LEN(notes)) - 1);

	if (!some)
		return;
	walk_computed(w, &fact_rows[FACT_ANALYSIS], 0);
	give_known(w, FACT_ACKS_FRAME, f->acks_frame);
	give_known(w, FACT_ACK_RTT, (uint64_t)f->ack_rtt_ns);
	give_known(w, FACT_INITIAL_RTT, (uint64_t)f->initial_rtt_ns);
	give_known(w, FACT_BYTES_IN_FLIGHT, f->bytes_in_flight);
	for (size_t i = 0; i < ARRAY_LEN(notes); i++)
		if (f->analysis >> i & 1)
			walk_computed(w, &notes[i].field, 1);
	give_known(w, FACT_DUPLICATE_NUM, f->duplicate_ack);
	give_known(w, FACT_DUPLICATE_FRAME, f->duplicate_of);
	if (f->rto_ns)
		give_known(w, FACT_RTO_FRAME, f->rto_frame);
	give_known(w, FACT_RTO, (uint64_t)f->rto_ns);
}

static void walk_facts(struct walk *w, const struct tcp_facts *f)
{
	const uint8_t *header = w->packet->bytes + w->layer->off;
	uint32_t ends = header[13] & (TCP_FLAG_SYN | TCP_FLAG_FIN) ? 1 : 0;

	walk_computed(w, &fact_rows[FACT_STREAM], f->stream);
	walk_computed(w, &fact_rows[FACT_SEQ], f->seq);
	walk_computed(w, &fact_rows[FACT_NXTSEQ], f->seq + w->layer->payload_len + ends);
	walk_computed(w, &fact_rows[FACT_ACK], f->ack);
	walk_computed(w, &fact_rows[FACT_WINDOW], f->window);
	if (!(header[13] & TCP_FLAG_SYN))
		walk_computed(w, &fact_rows[FACT_SCALE],
			      f->scale < 0 ? (uint64_t)(int64_t)f->scale : 1ULL << f->scale);
	walk_computed(w, &fact_rows[FACT_COMPLETENESS], f->completeness);
	walk_computed(w, &fact_rows[FACT_TIME_RELATIVE], (uint64_t)f->since_first_ns);
	walk_computed(w, &fact_rows[FACT_TIME_DELTA], (uint64_t)f->since_previous_ns);
	give_known(w, FACT_SYN, f->analysis & TCP_CONNECTION_SYN ? 1 : 0);
	give_known(w, FACT_SYNACK, f->analysis & TCP_CONNECTION_SYNACK ? 1 : 0);
	give_known(w, FACT_FIN, f->analysis & TCP_CONNECTION_FIN ? 1 : 0);
	give_known(w, FACT_RST, f->analysis & TCP_CONNECTION_RST ? 1 : 0);
	walk_analysis(w, f);
}

bool tcp_row_is_relative(const struct field *f)
{
	return f == &sack_block_fields[0] || f == &sack_block_fields[1];
}

/* What is known of the layer in hand; NULL: nothing. */
static const struct tcp_facts *facts_of(const struct packet *p, const struct layer *l)
{
	bool fits = p->tcp && !(l->flags & (LAYER_CUT | LAYER_QUOTED)) &&
		    packet_layer(p, PROTOCOL_TCP) == l;

	return fits ? p->tcp : NULL;
}

/* Where the other direction's numbers begin. */
static uint32_t other_start(const struct tcp_facts *facts, const uint8_t *header)
{
	return load_be32(header + 8) - facts->ack;
}

/* Between the options and who wants them. */
struct relative {
	struct sink sink, *to;
	uint32_t start;
};

static void give_relative(struct sink *sink, const struct item *item)
{
	struct relative *r = container_of(sink, struct relative, sink);
	struct item edge = *item;

	if (tcp_row_is_relative(item->field))
		edge.value = (uint32_t)(item->value - r->start);
	r->to->item(r->to, &edge);
}

/* Edges of SACK blocks count like tcp.ack. */
static void walk_tcp_options(struct walk *w, const struct tcp_facts *facts)
{
	const uint8_t *header = w->packet->bytes + w->layer->off;
	struct relative relative;

	if (!facts ||
	    !memchr(header + TCP_HEADER_LEN, OPTION_SACK, w->layer->header_len - TCP_HEADER_LEN)) {
		walk_options(w, &options, w->at, w->end);
		return;
	}
	relative = (struct relative){
		.sink = { .item = give_relative, .light = w->sink->light },
		.to = w->sink,
		.start = other_start(facts, header),
	};
	w->sink = &relative.sink;
	walk_options(w, &options, w->at, w->end);
	w->sink = relative.to;
}

static void tcp_walk(struct walk *w)
{
	const struct packet *p = w->packet;
	const struct tcp_facts *facts = facts_of(p, w->layer);

	if (!(w->layer->flags & LAYER_CUT))
		walk_computed(w, &fact_rows[FACT_LEN], w->layer->payload_len);
	walk_tcp_options(w, facts);
	if (facts)
		walk_facts(w, facts);
}

static uint8_t tcp_step(struct packet *p, struct layer *l, uint8_t next)
{
	const uint8_t *header = p->bytes + l->off;
	bool reply;
	uint8_t id;

	if (p->config->streams && !p->quoted)
		return PROTOCOL_NONE;
	id = port_map_find(p->config->ports->tcp, load_be16(header), load_be16(header + 2), &reply);
	p->side = (uint8_t)(LAYER_STREAM | (reply ? LAYER_REPLY : 0));
	if (!id && !p->quoted) {
		uint32_t len;
		const uint8_t *payload;

		l->payload_len = p->end - l->off - l->header_len;
		payload = packet_payload(p, l, &len);
		id = protocol_guess(payload, len, true);
	}
	return id ? id : next;
}

/* "mss 1460 sack_perm ts 1/0 wscale 7": those that are seen every day, by name; the others by kind.
 */
static void line_options(struct buf *b, const uint8_t *at, const uint8_t *end, uint32_t start)
{
	while (at < end && *at) {
		size_t len = *at == 1 ? 1 : end - at < 2 ? 0 : at[1];
		const struct block *block = options_block(&options, *at);

		if (!len || (*at != 1 && len < MAX(block->min_len, 2)) ||
		    len > (size_t)(end - at)) {
			buf_lit(b, " options malformed");
			return;
		}
		if (*at == 2) {
			buf_lit(b, " mss ");
			buf_u64(b, load_be16(at + 2));
		} else if (*at == 3) {
			buf_lit(b, " wscale ");
			buf_u64(b, at[2]);
		} else if (*at == 8) {
			buf_lit(b, " ts ");
			buf_u64(b, load_be32(at + 2));
			buf_char(b, '/');
			buf_u64(b, load_be32(at + 6));
		} else if (*at == 5) {
			for (size_t i = 2; i + 8 <= len; i += 8) {
				buf_lit(b, " sack ");
				buf_u64(b, (uint32_t)(load_be32(at + i) - start));
				buf_char(b, '-');
				buf_u64(b, (uint32_t)(load_be32(at + i + 4) - start));
			}
		} else if (*at != 1) {
			buf_char(b, ' ');
			buf_str(b, block->name);
			if (block == options.unknown)
				buf_u64(b, *at);
		}
		at += len;
	}
}

static void line_flags(struct buf *b, uint8_t flags)
{
	static const char names[][4] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR" };
	/* In the order in which people say them: SYN,ACK and FIN,ACK. */
	static const uint8_t order[] = { 1, 0, 2, 3, 4, 5, 6, 7 };
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		if (!(flags >> order[i] & 1))
			continue;
		if (!first)
			buf_char(b, ',');
		buf_bytes(b, names[order[i]], 3);
		first = false;
	}
	if (first)
		buf_lit(b, "no flags");
}

static void tcp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;
	const struct tcp_facts *facts = p->tcp && !(l->flags & LAYER_QUOTED) ? p->tcp : NULL;

	if (facts && facts->analysis & NOTED) {
		buf_char(b, '[');
		tcp_analysis_text(b, facts);
		buf_lit(b, "] ");
	}
	if (packet_says_more(p, layer)) {
		if (l->header_len >= TCP_HEADER_LEN && header[13] & TCP_FLAG_RST)
			buf_lit(b, "[reset] ");
		return;
	}
	buf_lit(b, "TCP");
	if (l->header_len < TCP_HEADER_LEN)
		return;
	buf_char(b, ' ');
	line_flags(b, header[13]);
	buf_lit(b, " seq ");
	buf_u64(b, facts ? facts->seq : load_be32(header + 4));
	if (header[13] & TCP_FLAG_ACK) {
		buf_lit(b, " ack ");
		buf_u64(b, facts ? facts->ack : load_be32(header + 8));
	}
	buf_lit(b, " win ");
	buf_u64(b, facts ? facts->window : load_be16(header + 14));
	line_options(b, header + TCP_HEADER_LEN, header + l->header_len,
		     facts ? other_start(facts, header) : 0);
	if (l->payload_len) {
		buf_lit(b, " len ");
		buf_u64(b, l->payload_len);
	}
}

const struct protocol protocol_tcp = {
	PROTOCOL_NAME("tcp"),
	.short_name = "TCP",
	.title = "Transmission Control Protocol",
	.rfc = "RFC 9293 section 3.1",
	.about = "Two reliable streams of bytes between two ports, in order and without loss.",
	ROWS(fields),
	.min_len = TCP_HEADER_LEN,
	.ports = true,
	.header_len = &fields[ROW_HDR_LEN],
	.header_unit = 1,
	.checksum = &fields[ROW_CHECKSUM],
	.checksum_kind = CHECKSUM_PSEUDO,
	.options = &options,
	.more_rows = more_rows,
	.n_more_rows = ARRAY_LEN(more_rows),
	.step = tcp_step,
	.walk = tcp_walk,
	.line = tcp_line,
};
