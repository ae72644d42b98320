#include "wire/packet.h"

#include "wire/packet_usual.h"
#include "wire/ports.h"

uint8_t packet_fails(struct packet *p, struct layer *l, int err, uint32_t off)
{
	l->flags |= err == -E_TRUNCATED ? LAYER_TRUNCATED : LAYER_MALFORMED;
	if (!p->fault.err && !(p->quoted && err == -E_TRUNCATED))
		p->fault = (struct packet_fault){ err, (uint32_t)(l - p->layers), off };
	return PROTOCOL_NONE;
}

int packet_announce(struct packet *p, const struct layer *l, uint64_t total)
{
	if (total < l->header_len)
		return -E_MALFORMED;
	p->have = MIN(p->have, p->end);
	p->end = (uint32_t)MIN(l->off + total, (uint64_t)UINT32_MAX);
	p->have = MIN(p->have, p->end);
	return 0;
}

/* The length of a header with options, if it makes sense and is there. */
static int measure_header(struct packet *p, struct layer *l, const struct protocol *proto)
{
	const struct field *f = proto->header_len;
	uint64_t len = field_load(f, p->bytes + l->off + f->bit / 8) * proto->header_unit +
		       proto->header_add;

	if (len < proto->min_len)
		return -E_MALFORMED;
	l->header_len = (uint32_t)len;
	return 0;
}

/* Whether the header is there as far as its protocol wants it to be. */
static int check_header(const struct packet *p, struct layer *l)
{
	uint32_t have = p->have - MIN(l->off, p->have);

	if (l->header_len <= have)
		return 0;
	int err = l->header_len > p->end - l->off ? -E_MALFORMED : -E_TRUNCATED;

	l->header_len = have;
	l->flags |= LAYER_CUT;
	return err;
}

/* Messages of several types: the body that the type selects belongs to the header. */
static void measure_body(struct packet *p, struct layer *l, const struct protocol *proto,
			 uint8_t *ret_next)
{
	const struct block *body = protocol_body(proto, p->bytes + l->off, p->have - l->off);

	if (!body)
		return;
	l->header_len = body->has_options ? MAX((uint32_t)body->min_len, p->end - l->off)
					  : body->min_len;
	if (body->quotes)
		*ret_next = l->off + l->header_len < p->have
				    ? packet_guess_ip(p->bytes + l->off + l->header_len, 1)
				    : PROTOCOL_NONE;
	if (body->quotes && *ret_next != PROTOCOL_DATA)
		p->quoted = true;
}

/* A message has all that is left, or what its prefix says: then another one may follow. */
static int measure_whole(struct packet *p, struct layer *l, const struct protocol *proto,
			 uint8_t *ret_next)
{
	uint32_t prefix = layer_prefix(l);

	if (!prefix) {
		l->header_len = p->end - l->off;
		return 0;
	}
	l->header_len = (uint32_t)field_load(proto->prefix, p->bytes + l->off - prefix);
	p->end = MAX(p->end, l->off + l->header_len);
	*ret_next = l->proto;
	return l->header_len < proto->min_len ? -E_MALFORMED : 0;
}

/* Finds the extent of one layer whose fixed part is there. */
static int measure(struct packet *p, struct layer *l, const struct protocol *proto,
		   uint8_t *ret_next)
{
	const struct field *f = proto->total_len;
	int err = proto->header_len ? measure_header(p, l, proto) : 0;

	if (!err && f && !proto->step_measures)
		err = packet_announce(
			p, l, field_load(f, p->bytes + l->off + f->bit / 8) + proto->total_add);
	if (err)
		return err;
	if (proto->select && !proto->bodies_fit && !proto->header_len)
		measure_body(p, l, proto, ret_next);
	if (proto->whole)
		err = measure_whole(p, l, proto, ret_next);
	if (err)
		return err;
	return l->header_len > proto->min_len ? check_header(p, l) : 0;
}

static uint8_t walk_layer(struct packet *p, uint8_t id, uint32_t off)
{
	const struct protocol *proto = protocols[id];
	struct layer *l = &p->layers[p->n_layers++];
	uint8_t next = PROTOCOL_DATA;
	int err;

	*l = (struct layer){ .proto = id,
			     .flags = (uint8_t)(p->side | (p->quoted ? LAYER_QUOTED : 0)),
			     .off = off,
			     .header_len = proto->min_len,
			     .payload_len = p->end - off };
	p->seen |= 1ULL << id;
	if (id == PROTOCOL_DATA)
		return PROTOCOL_NONE;
	if (layer_prefix(l)) {
		off = l->off += layer_prefix(l);
		p->end = MAX(p->end, off + proto->min_len);
	}
	err = check_header(p, l);
	if (err)
		return packet_fails(p, l, err, off + l->header_len);
	if (proto->next)
		next = demux_find(proto->demux,
				  field_load(proto->next, p->bytes + off + proto->next->bit / 8));
	err = measure(p, l, proto, &next);
	if (err)
		return packet_fails(p, l, err, off + l->header_len);
	if (proto->step)
		next = proto->step(p, l, next);
	l->payload_len = p->end - off - MIN(l->header_len, p->end - off);
	return l->payload_len ? next : PROTOCOL_NONE;
}

/* From the layer @id at @off to the last. */
static void walk_on(struct packet *p, uint8_t id, uint32_t off)
{
	while (id) {
		if (p->n_layers == PACKET_LAYERS) {
			packet_fails(p, &p->layers[p->n_layers - 1], -E_MALFORMED, off);
			return;
		}
		id = walk_layer(p, id, off);
		off = p->layers[p->n_layers - 1].off + p->layers[p->n_layers - 1].header_len;
	}
	if (p->end > p->have && !p->fault.err)
		packet_fails(p, &p->layers[p->n_layers - 1], -E_TRUNCATED, p->have);
}

void packet_walk_payload(struct packet *p, uint8_t proto)
{
	const struct layer *l = &p->layers[p->n_layers - 1];

	if (!(l->flags & (LAYER_CUT | LAYER_MALFORMED)) && l->payload_len)
		walk_on(p, proto, l->off + l->header_len);
}

void packet_walk(struct packet *ret_packet, uint8_t first, const void *bytes, uint32_t cap_len,
		 uint32_t wire_len)
{
	static const struct walk_config config = { .ports = &port_map_default };

	packet_walk_as(ret_packet, &config, first, bytes, cap_len, wire_len);
}

static void begin(struct packet *p, const struct walk_config *config, const void *bytes,
		  uint32_t cap_len, uint32_t wire_len)
{
	p->config = config;
	p->frame = NULL;
	p->tcp = NULL;
	p->udp = NULL;
	p->fragments = NULL;
	p->exchange = NULL;
	p->more = NULL;
	p->side =
		(uint8_t)((config->stream ? LAYER_STREAM : 0) | (config->reply ? LAYER_REPLY : 0));
	p->bytes = bytes;
	p->cap_len = p->have = cap_len;
	p->wire_len = p->end = MAX(wire_len, cap_len);
	p->seen = 0;
	p->fault.err = 0;
	p->quoted = false;
	p->n_layers = 0;
}

void packet_walk_as(struct packet *ret_packet, const struct walk_config *config, uint8_t first,
		    const void *bytes, uint32_t cap_len, uint32_t wire_len)
{
	uint32_t off = 0;

	begin(ret_packet, config, bytes, cap_len, wire_len);
	if (first == PROTOCOL_ETHERNET)
		first = packet_usual(ret_packet, &off);
	walk_on(ret_packet, first, off);
}

void packet_walk_tables(struct packet *ret_packet, const struct walk_config *config, uint8_t first,
			const void *bytes, uint32_t cap_len, uint32_t wire_len)
{
	begin(ret_packet, config, bytes, cap_len, wire_len);
	walk_on(ret_packet, first, 0);
}

bool packet_says_more(const struct packet *p, size_t layer)
{
	if (layer + 1 < p->n_layers)
		return protocols[p->layers[layer + 1].proto]->application;
	return p->more && p->more->n_layers && protocols[p->more->layers[0].proto]->application;
}

uint8_t packet_guess_ip(const uint8_t *bytes, size_t len)
{
	if (len && bytes[0] >> 4 == 4)
		return PROTOCOL_IPV4;
	if (len && bytes[0] >> 4 == 6)
		return PROTOCOL_IPV6;
	return PROTOCOL_DATA;
}

const struct layer *packet_layer(const struct packet *p, uint8_t proto)
{
	if (!(p->seen >> proto & 1))
		return NULL;
	for (uint32_t i = 0; i < p->n_layers; i++)
		if (p->layers[i].proto == proto)
			return &p->layers[i];
	return NULL;
}
