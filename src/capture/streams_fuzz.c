/*
 * Random segments of four connections, given to everything that takes packets: messages are
 * printed, flows, talkers and protocols counted. Each segment is 8 bytes and its data:
 *
 *   connection and direction, TCP flags, sequence number (2), acknowledgement (2), length, cut and
 * time
 *
 * What comes out of the streams is compared with the first copy of each byte that went in. For that
 * no connection is opened twice; with the first bit of the input set it may be, and nothing is
 * compared.
 */
#include <stdlib.h>

#include "capture/connection.h"
#include "capture/dissect.h"
#include "capture/extract.h"
#include "capture/flows.h"
#include "capture/follow.h"
#include "capture/hierarchy.h"
#include "capture/talkers.h"
#include "wire/numbers.h"
#include "wire/print.h"

#define SPACE	     65536u
#define STREAM_BYTES (1u << 20)
#define MISSING	     (-1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct harness {
	struct stream_sink sink;
	struct dissect *dissect;
	struct flows *flows;
	struct talkers *talkers;
	struct hierarchy *hierarchy;
	struct extract *extract;
	struct follow *follow;
	uint64_t n_open;
	struct buf out;
	bool checked;
	int64_t now_ns;
	bool opened[4][2];
	struct {
		bool begun;
		uint32_t next;
	} given[4][2];
	int16_t first[4][2][SPACE]; /* by sequence number */
};

static const uint16_t ports[4] = { 80, 443, 53, 25 };

static bool begin_object(void *arg, struct extract_object *o)
{
	struct harness *h = arg;

	if (!*o->name || *o->name == '.' || *o->name == '-' || strchr(o->name, '/'))
		abort();
	h->n_open++;
	return true;
}

static void object_bytes(void *arg UNUSED, struct extract_object *o, const uint8_t *bytes,
			 size_t len)
{
	if (o->complete || !len || !bytes)
		abort();
}

static void object_gap(void *arg UNUSED, struct extract_object *o UNUSED, uint64_t len UNUSED)
{
}

static void object_end(void *arg, struct extract_object *o)
{
	struct harness *h = arg;

	h->n_open--;
	if (o->complete && o->gapped)
		abort();
}

static void follow_piece(void *arg UNUSED, const struct follow_piece *piece)
{
	if (!piece->len && !piece->gap)
		abort();
}

static void check_piece(struct harness *h, const struct stream_piece *piece)
{
	const struct connection *c = piece->connection;
	unsigned side = piece->reply ? !c->caller : c->caller;
	uint32_t seq = c->stream.side[side].bytes.next - (uint32_t)piece->len;
	unsigned n = 0, way = c->ends[side].port < 1024;

	while (ports[n] != MIN(c->ends[0].port, c->ends[1].port))
		n++;
	if (!h->checked || !piece->len)
		return;
	if (h->given[n][way].begun && (int32_t)(seq - h->given[n][way].next) < 0)
		abort();
	h->given[n][way].begun = true;
	h->given[n][way].next = seq + (uint32_t)piece->len;
	for (size_t i = 0; i < piece->len; i++)
		if (h->first[n][way][(seq + i) % SPACE] != piece->bytes[i])
			abort();
}

static void take_piece(struct stream_sink *sink, const struct stream_piece *piece)
{
	struct harness *h = container_of(sink, struct harness, sink);
	struct stream_sink *extract = extract_sink(h->extract), *follow = follow_sink(h->follow);

	check_piece(h, piece);
	extract->piece(extract, piece);
	follow->piece(follow, piece);
}

static void take_over(struct stream_sink *sink, void *state)
{
	struct harness *h = container_of(sink, struct harness, sink);

	extract_sink(h->extract)->over(extract_sink(h->extract), state);
}

/* Writes the headers of a segment; returns their length. */
static uint32_t write_headers(uint8_t *at, unsigned n, unsigned way, uint32_t seq, uint32_t ack,
			      uint8_t flags, uint32_t len)
{
	uint8_t *tcp = at + ETH_HEADER_LEN + IP4_HEADER_LEN;
	uint8_t *ip = at + ETH_HEADER_LEN;

	memset(at, 0, ETH_HEADER_LEN + IP4_HEADER_LEN + TCP_HEADER_LEN);
	store_be16(at + 12, 0x0800);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(IP4_HEADER_LEN + TCP_HEADER_LEN + len));
	ip[8] = 64;
	ip[9] = 6;
	store_be32(ip + 12, 0x0a000001 + way);
	store_be32(ip + 16, 0x0a000002 - way);
	store_be16(tcp, way ? ports[n] : (uint16_t)(40000 + n));
	store_be16(tcp + 2, way ? (uint16_t)(40000 + n) : ports[n]);
	store_be32(tcp + 4, seq);
	store_be32(tcp + 8, ack);
	tcp[12] = 0x50;
	tcp[13] = flags;
	store_be16(tcp + 14, 1000);
	return ETH_HEADER_LEN + IP4_HEADER_LEN + TCP_HEADER_LEN;
}

static void take_packet(struct harness *h, const uint8_t *bytes, uint32_t cap_len, uint32_t len)
{
	const struct dissect_input in = {
		.bytes = bytes,
		.cap_len = cap_len,
		.wire_len = len,
		.time_ns = h->now_ns,
		.link_type = 1,
	};
	const struct json_config config = { .payload = true };
	const struct packet *p = dissect_packet(h->dissect, &in);

	if (flows_add(h->flows, p) < 0 || talkers_add(h->talkers, p) < 0)
		abort();
	hierarchy_add(h->hierarchy, p);
	print_line(&h->out, p);
	print_json(&h->out, p, &config);
	if (h->out.err || dissect_counts(h->dissect).held_bytes > STREAM_BYTES)
		abort();
	buf_reset(&h->out);
}

static size_t take_segment(struct harness *h, const uint8_t *data, size_t size)
{
	uint8_t packet[512], flags = data[1];
	unsigned n = data[0] & 3, way = data[0] >> 2 & 1;
	uint32_t base = n == 3 ? -3000u : 5, len = (uint32_t)MIN(data[6], size - 8), at, cut;
	uint32_t seq = base + (load_be16(data + 2) & 0x3fff);

	cut = data[7] & 1 ? MIN(len, (uint32_t)data[7] >> 4) : 0;
	/* A SYN may come late, but only one that does not open another connection. */
	if (h->checked && (h->opened[n][way] || (h->opened[n][!way] && !(flags & TCP_FLAG_ACK))))
		flags &= (uint8_t)~TCP_FLAG_SYN;
	h->opened[n][way] = true;
	h->now_ns += (int64_t)(data[7] & 0xe) * 100 * (int64_t)NS_PER_MS;
	at = write_headers(packet, n, way, seq, base + (load_be16(data + 4) & 0x3fff), flags, len);
	memcpy(packet + at, data + 8, len);
	seq += flags & TCP_FLAG_SYN ? 1 : 0;
	/* What an RST carries is not the stream's. */
	for (uint32_t i = 0; i < len - cut && !(flags & TCP_FLAG_RST); i++)
		if (h->first[n][way][(seq + i) % SPACE] == MISSING)
			h->first[n][way][(seq + i) % SPACE] = data[8 + i];
	take_packet(h, packet, at + len - cut, at + len);
	return 8 + len;
}

static void finish(struct harness *h)
{
	const struct flow **flows;
	const struct talker **talkers;
	struct hierarchy_node *nodes;

	dissect_end(h->dissect);
	if (dissect_counts(h->dissect).held_bytes || h->n_open)
		abort();
	if (flows_sorted(h->flows, &flows) < 0 || talkers_sorted(h->talkers, &talkers) < 0 ||
	    hierarchy_sorted(h->hierarchy, &nodes) < 0)
		abort();
	free(flows);
	free(talkers);
	free(nodes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct harness h;
	const struct dissect_config config = {
		.needs = DISSECT_ALL,
		.stream_bytes = STREAM_BYTES,
		.max_streams = 8,
		.sink = &h.sink,
	};
	const struct extract_config extract = {
		.max_open = 3,
		.max_object_bytes = 1 << 16,
		.begin = begin_object,
		.bytes = object_bytes,
		.gap = object_gap,
		.end = object_end,
		.arg = &h,
	};
	const struct follow_config follow = { .http = true, .give = follow_piece };
	size_t at = 1;

	if (!size)
		return 0;
	memset(&h, 0, sizeof(h));
	memset(h.first, 0xff, sizeof(h.first));
	h.sink = (struct stream_sink){ take_piece, take_over };
	h.checked = !(data[0] & 1);
	h.out = buf_of(1 << 24);
	h.flows = flows_new(3);
	h.talkers = talkers_new(5);
	h.hierarchy = hierarchy_new();
	if (!h.flows || !h.talkers || !h.hierarchy || extract_new(&extract, &h.extract) < 0 ||
	    follow_new(&follow, &h.follow) < 0 || dissect_new(&config, &h.dissect) < 0)
		abort();
	while (size - at >= 8)
		at += take_segment(&h, data + at, size - at);
	finish(&h);
	dissect_free(h.dissect);
	extract_free(h.extract);
	follow_free(h.follow);
	flows_free(h.flows);
	talkers_free(h.talkers);
	hierarchy_free(h.hierarchy);
	buf_done(&h.out);
	return 0;
}
