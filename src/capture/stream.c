#include "capture/stream.h"

#include <stdlib.h>

#include "capture/connection.h"
#include "wire/numbers.h"
#include "wire/ports.h"

/* Connections that were announced and not yet seen; the oldest goes for a new one. */
#define EXPECTED_MAX 256

struct expected {
	struct endpoint to; /* port 0: none */
	uint8_t proto;
};

struct streams {
	struct reassembly_pool pool;
	struct streams_config config;
	struct expected expected[EXPECTED_MAX];
	uint32_t n_expected, next_expected; /* entries in use; where the next one goes */

	/* The packet in hand. */
	struct connection *connection;
	const struct segment *segment; /* NULL: none, what is shown belongs to no packet */
	const struct stream_side *sender;
	struct stream_news news;
};

static struct streams *streams_of(struct reassembly_pool *pool)
{
	return container_of(pool, struct streams, pool);
}

static struct stream_side *side_of(struct reassembly *r)
{
	return container_of(r, struct stream_side, bytes);
}

static bool is_reply(const struct connection *c, const struct stream_side *side)
{
	return side != &c->stream.side[c->caller];
}

/* To the sink. */
static void give(struct streams *t, const struct stream_side *side, const uint8_t *bytes,
		 size_t len, uint64_t gap, bool end)
{
	const struct segment *s = t->segment;

	if (!t->config.sink || (!len && !gap && !end))
		return;
	t->config.sink->piece(t->config.sink, &(struct stream_piece){
						      .connection = t->connection,
						      .state = &t->connection->stream.state,
						      .frame = s ? s->frame : 0,
						      .time_ns = s ? s->time_ns : 0,
						      .reply = is_reply(t->connection, side),
						      .end = end,
						      .gap = gap,
						      .bytes = bytes,
						      .len = len,
					      });
}

static void expect(struct streams *t, const struct dialogue *d, const struct endpoint *from)
{
	struct expected *e = &t->expected[t->next_expected];

	*e = (struct expected){
		.to = { .addr = d->addr.family ? d->addr : from->addr, .port = d->port },
		.proto = d->announces,
	};
	t->next_expected = (t->next_expected + 1) % EXPECTED_MAX;
	t->n_expected = MAX(t->n_expected, t->next_expected ?: EXPECTED_MAX);
}

/* The protocol that was announced for a connection to @to; said once. */
static uint8_t take_expected(struct streams *t, const struct endpoint *to)
{
	for (uint32_t i = 0; i < t->n_expected; i++) {
		struct expected *e = &t->expected[i];

		if (e->to.port == to->port && e->to.port && addr_eq(&e->to.addr, &to->addr)) {
			e->to.port = 0;
			return e->proto;
		}
	}
	return PROTOCOL_NONE;
}

/* The protocol by announcement or port. Who called may follow from it. */
static uint8_t ask_ports(struct streams *t, struct connection *c)
{
	const uint8_t *ports = t->config.ports->tcp;
	const struct endpoint *caller = &c->ends[c->caller], *called = &c->ends[!c->caller];
	uint8_t id = take_expected(t, called);
	bool reply;

	if (!id && !c->caller_known)
		id = take_expected(t, caller);
	if (id)
		return id;
	if (c->caller_known && ports[called->port])
		return ports[called->port];
	id = port_map_find(ports, c->ends[0].port, c->ends[1].port, &reply);
	if (id && !c->caller_known)
		c->caller = reply;
	return id;
}

static void speak(struct stream *stream, uint8_t proto)
{
	stream->proto = proto;
	stream->dialogue.proto = proto;
	for (unsigned i = 0; i < 2; i++) {
		stream->side[i].data = stream->side[i].lost = false;
		stream->dialogue.scanned[i] = 0;
		if (!proto)
			stream->side[i].guessed = false;
	}
}

static void decide(struct streams *t, struct stream_side *side, const uint8_t *bytes, size_t len)
{
	struct connection *c = t->connection;
	uint8_t id;

	if (!c->stream.asked) {
		c->stream.asked = true;
		id = ask_ports(t, c);
		/* Decided by hand: no protocol, whatever the bytes look like. */
		if (id == PROTOCOL_DATA)
			c->stream.side[0].guessed = c->stream.side[1].guessed = true;
		else if (id) {
			speak(&c->stream, id);
			return;
		}
	}
	if (side->guessed)
		return;
	side->guessed = true;
	id = protocol_guess(bytes, len, true);
	if (id != PROTOCOL_DATA)
		speak(&c->stream, id);
}

/* Whether the message asks or answers. */
static void relate(struct streams *t, const struct stream_side *side, struct message *m)
{
	struct stream *stream = &t->connection->stream;
	const struct segment *s = t->segment;
	const struct ends back = {
		.addr_len = s->ends.addr_len,
		.src_port = s->ends.dst_port,
		.dst_port = s->ends.src_port,
	};
	struct ends ends = s->ends;

	if (side != t->sender) {
		ends = back;
		memcpy(ends.src, s->ends.dst, sizeof(ends.src));
		memcpy(ends.dst, s->ends.src, sizeof(ends.dst));
	}
	if (exchanges_see(t->config.exchanges,
			  &(struct exchange_place){
				  .ends = &ends,
				  .frame = s->frame,
				  .time_ns = s->time_ns,
				  .connection = t->connection->number,
				  .turns = &stream->turns,
			  },
			  &m->packet, 0, &m->exchange))
		m->packet.exchange = &m->exchange;
}

/* A message for the packet in hand. @missing: bytes of it that are not there. */
static void say(struct streams *t, const struct stream_side *side, uint8_t proto,
		const struct dialogue *dialogue, const uint8_t *bytes, size_t len, uint32_t missing)
{
	struct message *m = &t->news.messages[t->news.n_messages];

	if (!len || t->news.n_messages == t->config.max_messages)
		return;
	m->dialogue = *dialogue;
	m->config = (struct walk_config){
		.ports = t->config.ports,
		.stream = true,
		.reply = is_reply(t->connection, side),
		.dialogue = &m->dialogue,
	};
	packet_walk_as(&m->packet, &m->config, proto, bytes, (uint32_t)len,
		       (uint32_t)len + missing);
	if (t->config.exchanges && m->packet.n_layers &&
	    protocols[m->packet.layers[0].proto]->exchange)
		relate(t, side, m);
	if (t->news.n_messages++)
		m[-1].packet.more = &m->packet;
}

/* Bytes that no protocol explains. */
static void say_data(struct streams *t, const struct stream_side *side, const uint8_t *bytes,
		     size_t len)
{
	if (bytes == t->segment->bytes)
		t->news.data = true;
	else
		say(t, side, PROTOCOL_DATA, &t->connection->stream.dialogue, bytes, len, 0);
}

/* What a message said about connections and protocols to come. */
static void heed(struct streams *t, const struct stream_side *side)
{
	struct stream *stream = &t->connection->stream;
	struct dialogue *d = &stream->dialogue;

	stream->spoke = true;
	if (d->announces) {
		expect(t, d, &t->connection->ends[side - stream->side]);
		d->announces = PROTOCOL_NONE;
	}
	if (d->proto != stream->proto)
		speak(stream, d->proto); /* PROTOCOL_NONE: what the next bytes prove */
}

/* These are not the protocol's. Another one's, if nothing was said so far? */
static bool reconsider(struct streams *t, const uint8_t *bytes, size_t len)
{
	struct stream *stream = &t->connection->stream;
	uint8_t id = stream->spoke ? PROTOCOL_DATA : protocol_guess(bytes, len, true);

	if (id == PROTOCOL_DATA || id == stream->proto)
		return false;
	stream->dialogue = (struct dialogue){ 0 };
	speak(stream, id);
	return true;
}

/* After a hole nothing is known of the message in hand. */
static void forget_message(struct streams *t, const struct stream_side *side)
{
	struct dialogue *d = &t->connection->stream.dialogue;
	bool reply = is_reply(t->connection, side);

	d->phase[reply] = 0;
	d->count[reply] = 0;
	d->scanned[reply] = 0;
	t->connection->stream.turns.loose = true;
	d->memory = 0; /* what waits for an answer may have been answered */
}

/* The length of the message that begins at @bytes, as protocol.message() has it. */
static int64_t measure(struct streams *t, const struct stream_side *side, const uint8_t *bytes,
		       size_t len, bool end)
{
	struct stream *stream = &t->connection->stream;
	const struct protocol *proto = protocols[stream->proto];
	int64_t n;

	if (!proto->message)
		return (int64_t)len;
	n = proto->message(&stream->dialogue, is_reply(t->connection, side), bytes, len, end);
	return MIN(n, (int64_t)len);
}

/* Cuts messages out of bytes of a known protocol. Returns the bytes used. */
static size_t read_messages(struct streams *t, struct stream_side *side, const uint8_t *bytes,
			    size_t len, bool end)
{
	struct stream *stream = &t->connection->stream;
	size_t at = 0;

	while (at < len && !side->data) {
		struct dialogue known;
		uint8_t proto;
		int64_t n;

		if (!stream->proto)
			decide(t, side, bytes + at, len - at);
		proto = stream->proto;
		if (!proto)
			break;
		if (t->news.n_messages == t->config.max_messages && !end) {
			side->full = true;
			return at;
		}
		if (side->lost)
			forget_message(t, side);
		known = stream->dialogue;
		n = measure(t, side, bytes + at, len - at, end);
		if (n > 0) {
			side->lost = false;
			/* Not before: deciding on the protocol may turn the connection round. */
			stream->dialogue.scanned[is_reply(t->connection, side)] = 0;
			say(t, side, proto, &known, bytes + at, (size_t)n, 0);
			at += (size_t)n;
			heed(t, side);
		} else if (!n && !end) {
			return at;
		} else if (!n) {
			say(t, side, proto, &known, bytes + at, len - at, 1);
			side->lost = true;
			return len;
		} else if (side->lost) {
			break;
		} else if (!reconsider(t, bytes + at, len - at)) {
			side->data = true;
		}
	}
	/* Of unknown protocols each segment shows its own data. */
	if (at < len && (at || stream->proto))
		say_data(t, side, bytes + at, len - at);
	return len;
}

static size_t stream_take(struct reassembly_pool *pool, struct reassembly *r, const uint8_t *bytes,
			  size_t len, size_t old, bool end)
{
	struct streams *t = streams_of(pool);
	struct stream_side *side = side_of(r);

	side->full = false;
	give(t, side, len > old ? bytes + old : NULL, len - old, 0, end && r->ended);
	if (!t->segment)
		return len;
	return read_messages(t, side, bytes, len, end);
}

static void stream_gap(struct reassembly_pool *pool, struct reassembly *r, uint64_t len)
{
	struct stream_side *side = side_of(r);

	side->lost = true;
	give(streams_of(pool), side, NULL, 0, len, false);
}

static void stream_lose(struct reassembly_pool *pool UNUSED, struct reassembly *r)
{
	side_of(r)->lost = true;
}

static const struct reassembly_user user = { stream_take, stream_gap, stream_lose };

struct streams *streams_new(const struct streams_config *config)
{
	struct streams *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->config = *config;
	t->pool.user = &user;
	t->pool.max = config->max_bytes;
	t->news.messages = malloc(config->max_messages * sizeof(*t->news.messages));
	return t->news.messages ? t : streams_free(t);
}

struct streams *streams_free(struct streams *t)
{
	if (!t)
		return NULL;
	reassembly_settle(&t->pool);
	free(t->news.messages);
	free(t);
	return NULL;
}

/*
 * Where the segment's direction begins, if it is the first one or a SYN that changes its numbers: a
 * SYN that comes once more changes nothing. What begins in the middle is like what follows a hole.
 */
static void start(struct streams *t, struct stream_side *side, const struct segment *s)
{
	struct reassembly *r = &side->bytes;
	uint32_t seq = s->flags & TCP_FLAG_SYN ? s->seq + 1 : s->seq;

	if (r->started &&
	    (t->connection->reused_by != s->frame || r->next == seq || r->ready || r->n_ranges))
		return;
	if (s->flags & TCP_FLAG_RST)
		return;
	reassembly_done(&t->pool, r);
	reassembly_start(r, seq);
	side->lost = !(s->flags & TCP_FLAG_SYN);
}

/* Bytes of @side that wait for others: has the receiver got them long ago? */
static void press(struct streams *t, struct stream_side *side, const struct stream_side *receiver)
{
	struct reassembly *r = &side->bytes;
	struct reassembly_ack a = {
		.ack = receiver->ack,
		.since_ns = receiver->ack_ns,
		.age = receiver->ack_age,
		.patience = REASSEMBLY_PATIENCE,
		.wait_ns = REASSEMBLY_WAIT_NS,
	};

	if (!receiver->acked) {
		a = (struct reassembly_ack){
			.ack = r->ranges[0].start,
			.since_ns = t->segment->time_ns,
			.patience = UINT32_MAX,
			.wait_ns = REASSEMBLY_BLIND_NS,
		};
	} else if (r->has_fin && a.ack == r->fin + 1) {
		a.patience = REASSEMBLY_HASTE;
	}
	reassembly_acked(&t->pool, r, &a, t->segment->time_ns);
}

/* Which bytes of the other side the sender of @s has. */
static void note_ack(struct stream_side *own, struct stream_side *other, const struct segment *s)
{
	other->ack_age++;
	if (!(s->flags & TCP_FLAG_ACK) || (own->acked && (int32_t)(s->ack - own->ack) <= 0)) {
		own->ack_age++;
		return;
	}
	own->acked = true;
	own->ack = s->ack;
	own->ack_ns = s->time_ns;
	own->ack_age = 0;
}

/*
 * An RST ends the direction of its sender, if it can be one of this connection. What the other side
 * sent before the RST reached it (RFC 9293 section 3.5.3) is still to come.
 */
static void reset(struct streams *t, struct stream *stream, unsigned side, const struct segment *s)
{
	struct reassembly *r = &stream->side[side].bytes;

	if (r->started && s->seq - r->next + REASSEMBLY_MAX > 2 * REASSEMBLY_MAX)
		return;
	reassembly_end(&t->pool, r);
}

static void take_data(struct streams *t, struct stream_side *own, const struct stream_side *other,
		      const struct segment *s)
{
	const struct reassembly_segment segment = {
		.seq = s->flags & TCP_FLAG_SYN ? s->seq + 1 : s->seq,
		.len = MIN(s->len, 1u << 30),
		.cap_len = MIN(s->cap_len, REASSEMBLY_MAX),
		.bytes = s->bytes,
		.fin = s->flags & TCP_FLAG_FIN,
		.acked = other->acked,
		.ack = other->ack,
	};

	t->news.result = reassembly_segment(&t->pool, &own->bytes, &segment);
	if (!t->connection->stream.proto && t->news.result & REASSEMBLY_NEW)
		t->news.data = true;
}

void streams_segment(struct streams *t, struct connection *c, unsigned side,
		     const struct segment *s, struct stream_news *ret_news)
{
	struct stream *stream = &c->stream;
	struct stream_side *own = &stream->side[side], *other = &stream->side[!side];

	if (unlikely(t->pool.retired))
		reassembly_settle(&t->pool);
	t->connection = c;
	t->segment = s;
	t->sender = own;
	t->news.n_messages = 0;
	t->news.data = false;
	t->news.result = 0;
	if (unlikely(!own->bytes.started || s->flags & TCP_FLAG_SYN))
		start(t, own, s);
	for (unsigned i = 0; i < 2; i++) {
		if (unlikely(reassembly_waits(&stream->side[i].bytes)))
			press(t, &stream->side[i], &stream->side[!i]);
		if (unlikely(stream->side[i].full))
			reassembly_resume(&t->pool, &stream->side[i].bytes);
	}
	note_ack(own, other, s);
	if (s->flags & TCP_FLAG_RST)
		reset(t, stream, side, s);
	else if (s->len || s->flags & TCP_FLAG_FIN)
		take_data(t, own, other, s);
	/* A new hole: what is missing may have been acknowledged long ago. */
	if (unlikely(reassembly_waits(&own->bytes) && !own->bytes.patience))
		press(t, own, other);
	*ret_news = t->news;
}

void streams_end(struct streams *t, struct connection *c)
{
	t->connection = c;
	t->segment = NULL;
	for (unsigned i = 0; i < 2; i++)
		reassembly_end(&t->pool, &c->stream.side[i].bytes);
	if (c->stream.state && t->config.sink->over)
		t->config.sink->over(t->config.sink, c->stream.state);
	c->stream.state = NULL;
}

struct reassembly_counts streams_counts(const struct streams *t)
{
	return t->pool.counts;
}

size_t streams_held(const struct streams *t)
{
	return t->pool.used;
}
