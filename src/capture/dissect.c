#include "capture/dissect.h"

#include <errno.h>
#include <stdlib.h>

#include "capture/connection.h"
#include "capture/exchanges.h"
#include "capture/fragments.h"
#include "capture/udp_streams.h"
#include "wire/link_types.h"
#include "wire/numbers.h"
#include "wire/ports.h"

#define STREAM_BYTES (64u << 20)
#define MAX_STREAMS  65536u

/* Questions that are remembered for their answers, and bytes of what they are about. */
#define MAX_QUESTIONS  65536u
#define QUESTION_BYTES (16u << 20)

struct dissect {
	struct walk_config walk;
	uint32_t needs;
	struct connections *connections; /* NULL: not needed */
	struct streams *streams;	 /* likewise */
	struct fragments *fragments;	 /* likewise */
	struct exchanges *exchanges;	 /* likewise */
	struct udp_streams *udp_streams; /* likewise */
	uint64_t asking;		 /* protocols that ask and answer, a bit for each */
	struct tcp_budget budget;
	int64_t first_ns, previous_ns;
	struct dissect_counts counts;

	/* The packet in hand. */
	struct frame frame;
	struct packet packet;
	struct datagram datagrams[FRAGMENTS_NESTED];
	struct packet whole[FRAGMENTS_NESTED]; /* what these are */
	struct tcp_facts facts;
	struct exchange_facts exchange;
	struct udp_facts udp;
};

static void forget(void *arg, struct connection *c)
{
	struct dissect *d = arg;

	if (d->streams)
		streams_end(d->streams, c);
	tcp_history_done(&c->history, &d->budget);
}

static int new_streams(struct dissect *d, const struct dissect_config *config)
{
	size_t bytes = config->stream_bytes ?: STREAM_BYTES;
	const struct connections_config connections = {
		.max = config->max_streams ?: MAX_STREAMS,
		.forget = forget,
		.arg = d,
	};
	const struct streams_config streams = {
		.ports = d->walk.ports,
		.max_bytes = bytes,
		.max_messages = DISSECT_MESSAGES,
		.sink = config->sink,
		.exchanges = d->exchanges,
	};

	d->budget.max = bytes / 4;
	d->connections = connections_new(&connections);
	if (d->needs & DISSECT_STREAMS)
		d->streams = streams_new(&streams);
	return d->connections && (d->streams || !(d->needs & DISSECT_STREAMS)) ? 0 : -ENOMEM;
}

int dissect_new(const struct dissect_config *config, struct dissect **ret_dissect)
{
	struct dissect *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->needs = config->needs | (config->sink ? DISSECT_STREAMS : 0);
	d->walk.ports = config->ports ?: &port_map_default;
	d->walk.names = config->names;
	d->walk.streams = d->needs & DISSECT_STREAMS;
	if (d->needs & DISSECT_FRAGMENTS) {
		d->fragments = fragments_new(NULL);
		if (!d->fragments)
			goto fail;
	}
	if (d->needs & DISSECT_EXCHANGES) {
		d->asking = exchange_protocols();
		d->exchanges = exchanges_new(MAX_QUESTIONS, QUESTION_BYTES);
		if (!d->exchanges)
			goto fail;
	}
	if (d->needs & DISSECT_DATAGRAMS) {
		d->udp_streams = udp_streams_new(config->max_streams ?: MAX_STREAMS);
		if (!d->udp_streams)
			goto fail;
	}
	if (d->needs & (DISSECT_STREAMS | DISSECT_ANALYSIS) && new_streams(d, config) < 0)
		goto fail;
	*ret_dissect = d;
	return 0;
fail:
	dissect_free(d);
	return -ENOMEM;
}

struct dissect *dissect_free(struct dissect *d)
{
	if (!d)
		return NULL;
	connections_free(d->connections);
	streams_free(d->streams);
	fragments_free(d->fragments);
	exchanges_free(d->exchanges);
	udp_streams_free(d->udp_streams);
	free(d);
	return NULL;
}

static void number_frame(struct dissect *d, const struct dissect_input *in)
{
	if (!d->counts.packets++)
		d->first_ns = d->previous_ns = in->time_ns;
	d->frame = (struct frame){
		.number = d->counts.packets,
		.time_ns = in->time_ns,
		.since_first_ns = (int64_t)((uint64_t)in->time_ns - (uint64_t)d->first_ns),
		.since_previous_ns = (int64_t)((uint64_t)in->time_ns - (uint64_t)d->previous_ns),
		.interface = in->interface,
		.comment = in->comment,
		.comment_len = in->comment_len,
		.interface_id = in->interface_id,
		.link_type = in->link_type,
	};
	d->previous_ns = in->time_ns;
}

/* Links the messages that a segment completed behind @p, the last of its packets. */
static void link_messages(struct dissect *d, struct packet *p, const struct stream_news *news)
{
	for (size_t i = 0; i < news->n_messages; i++)
		news->messages[i].packet.frame = &d->frame;
	if (news->n_messages)
		p->more = &news->messages[0].packet;
	if (news->data)
		packet_walk_payload(p, PROTOCOL_DATA);
}

static uint32_t handshake_notes(const struct segment *s)
{
	uint32_t notes = s->flags & TCP_FLAG_FIN ? TCP_CONNECTION_FIN : 0;

	if (s->flags & TCP_FLAG_SYN)
		notes |= s->flags & TCP_FLAG_ACK ? TCP_CONNECTION_SYNACK : TCP_CONNECTION_SYN;
	if (s->flags & TCP_FLAG_RST)
		notes |= TCP_CONNECTION_RST;
	return notes;
}

static void analyse(struct dissect *d, struct packet *p, struct connection *c, unsigned side,
		    const struct segment *s)
{
	struct tcp_facts *facts = &d->facts;

	tcp_analyse(&c->history, &d->budget, s, side, facts);
	facts->analysis |= handshake_notes(s);
	if (c->reused_by == s->frame)
		facts->analysis |= TCP_REUSED_PORTS;
	facts->stream = c->number;
	facts->completeness = c->completeness;
	facts->seq = s->seq - c->base[side];
	facts->ack = s->flags & TCP_FLAG_ACK ? s->ack - c->base[!side] : s->ack;
	p->tcp = facts;
}

/* What is known of the segment in @p. @outer: the packet that @p was put together of, or NULL. */
static void track(struct dissect *d, struct packet *p, const struct packet *outer)
{
	struct segment s;
	struct stream_news news = { 0 };
	struct connection *c;
	unsigned side;

	if (!segment_of(p, outer, &s))
		return;
	s.frame = d->frame.number;
	s.time_ns = d->frame.time_ns;
	c = connections_find(d->connections, &s, &side);
	if (!c)
		return;
	if (d->needs & DISSECT_ANALYSIS)
		analyse(d, p, c, side, &s);
	connection_see(c, &s);
	if (d->streams) {
		streams_segment(d->streams, c, side, &s, &news);
		d->facts.analysis |= news.result & REASSEMBLY_OVERLAP ? TCP_OVERLAP : 0;
		d->facts.analysis |= news.result & REASSEMBLY_CONFLICT ? TCP_OVERLAP_CONFLICT : 0;
		link_messages(d, p, &news);
	}
}

/*
 * What the packet completed, if it is a fragment, and perhaps a fragment again. Returns the last of
 * them and what that was put together of, NULL for the captured packet itself.
 */
static struct packet *put_together(struct dissect *d, const struct packet **ret_outer)
{
	struct packet *p = &d->packet;

	*ret_outer = NULL;
	if (!d->fragments)
		return p;
	for (unsigned i = 0; i < FRAGMENTS_NESTED && fragments_wants(p); i++) {
		const struct datagram *whole = &d->datagrams[i];

		if (fragments_add(d->fragments, p, &d->datagrams[i]) <= 0)
			break;
		packet_walk_as(&d->whole[i], &d->walk, whole->proto, whole->bytes, whole->len,
			       whole->len);
		d->whole[i].frame = &d->frame;
		p->fragments = &whole->facts;
		p->more = &d->whole[i];
		*ret_outer = p;
		p = &d->whole[i];
	}
	return p;
}

/* Whether a message in the datagram @p asks or answers. @outer: as in track(). */
static void relate(struct dissect *d, struct packet *p, const struct packet *outer)
{
	struct ends ends = { 0 };
	uint32_t i = 0;

	for (; !(d->asking >> p->layers[i].proto & 1); i++)
		if (p->layers[i].flags & LAYER_MORE)
			return; /* the beginning of something that other fragments complete */
	if (p->layers[i].flags & LAYER_QUOTED || !ends_of(p, &p->layers[i], outer, &ends))
		return;
	if (i && protocols[p->layers[i - 1].proto]->ports) {
		const uint8_t *ports = p->bytes + p->layers[i - 1].off;

		ends.src_port = load_be16(ports);
		ends.dst_port = load_be16(ports + 2);
	}
	if (exchanges_see(d->exchanges,
			  &(struct exchange_place){
				  .ends = &ends,
				  .frame = d->frame.number,
				  .time_ns = d->frame.time_ns,
			  },
			  p, i, &d->exchange))
		p->exchange = &d->exchange;
}

const struct packet *dissect_packet(struct dissect *d, const struct dissect_input *in)
{
	const struct packet *outer;
	struct packet *p;

	number_frame(d, in);
	packet_walk_as(&d->packet, &d->walk,
		       link_type_protocol(in->link_type, in->bytes, in->cap_len), in->bytes,
		       in->cap_len, in->wire_len);
	d->packet.frame = &d->frame;
	p = put_together(d, &outer);
	if (d->exchanges) {
		exchanges_next(d->exchanges);
		if (p->seen & d->asking)
			relate(d, p, outer);
	}
	if (d->udp_streams && p->seen >> PROTOCOL_UDP & 1 &&
	    udp_streams_number(d->udp_streams, p, outer, &d->udp))
		p->udp = &d->udp;
	if (d->connections && p->seen >> PROTOCOL_TCP & 1)
		track(d, p, outer);
	return &d->packet;
}

void dissect_end(struct dissect *d)
{
	struct connection *c = NULL;

	if (!d->streams)
		return;
	while ((c = connections_next(d->connections, c)))
		streams_end(d->streams, c);
}

struct dissect_counts dissect_counts(const struct dissect *d)
{
	struct dissect_counts counts = d->counts;
	struct reassembly_counts r = { 0 };

	if (d->streams)
		r = streams_counts(d->streams);
	if (d->connections) {
		counts.streams = connections_seen(d->connections);
		counts.forgotten = connections_forgotten(d->connections);
	}
	counts.gaps = r.gaps;
	counts.gap_bytes = r.gap_bytes;
	counts.dropped_bytes = r.dropped_bytes;
	counts.conflicts = r.conflicts;
	counts.held_bytes = d->streams ? streams_held(d->streams) : 0;
	counts.datagrams = d->fragments ? fragments_counts(d->fragments).evicted : 0;
	return counts;
}
