#include "capture/segment.h"

#include "wire/numbers.h"

enum { OPTION_NOP = 1, OPTION_SCALE = 3, OPTION_SACK = 5 };

static bool take_ends(const struct packet *p, const struct layer *l, struct ends *ret_ends)
{
	const uint8_t *header = p->bytes + l->off;

	if (l->flags & LAYER_CUT)
		return false;
	if (l->proto == PROTOCOL_IPV4) {
		ret_ends->addr_len = 4;
		memcpy(ret_ends->src, header + 12, 4);
		memcpy(ret_ends->dst, header + 16, 4);
	} else {
		ret_ends->addr_len = 16;
		memcpy(ret_ends->src, header + 8, 16);
		memcpy(ret_ends->dst, header + 24, 16);
	}
	return true;
}

/* The last IP layer among the first @n, not farther out than a fragment when @fragment. */
static const struct layer *ip_before(const struct packet *p, size_t n)
{
	while (n--)
		if (p->layers[n].proto == PROTOCOL_IPV4 || p->layers[n].proto == PROTOCOL_IPV6)
			return &p->layers[n];
	return NULL;
}

/* Layers up to the first fragment, itself included: what is around the datagram. */
static size_t around_fragment(const struct packet *p)
{
	for (size_t i = 0; i < p->n_layers; i++)
		if (p->layers[i].flags & (LAYER_FRAGMENT | LAYER_MORE))
			return i + 1;
	return p->n_layers;
}

bool ends_of(const struct packet *p, const struct layer *l, const struct packet *outer,
	     struct ends *ret_ends)
{
	const struct layer *ip = ip_before(p, (size_t)(l - p->layers));

	if (!ip && outer) {
		p = outer;
		ip = ip_before(p, around_fragment(p));
	}
	return ip && take_ends(p, ip, ret_ends);
}

/* Those of the options that matter here. */
static void read_options(struct segment *s, const uint8_t *at, const uint8_t *end)
{
	while (at < end && *at) {
		size_t len = *at == OPTION_NOP ? 1 : end - at < 2 ? 0 : at[1];

		if (!len || len > (size_t)(end - at) || (*at != OPTION_NOP && len < 2))
			return;
		if (*at == OPTION_SCALE && len == 3) {
			s->scale = at[2];
		} else if (*at == OPTION_SACK && len >= 10) {
			s->sacks = at + 2;
			s->n_sacks = (uint32_t)(len - 2) / 8;
		}
		at += len;
	}
}

bool segment_of(const struct packet *p, const struct packet *outer, struct segment *ret_segment)
{
	const struct layer *l = packet_layer(p, PROTOCOL_TCP);
	struct segment *s = ret_segment;
	const uint8_t *header;

	if (!l || l->flags & (LAYER_CUT | LAYER_MALFORMED | LAYER_QUOTED))
		return false;
	for (const struct layer *before = p->layers; before < l; before++)
		if (unlikely(before->flags & LAYER_MORE))
			return false; /* the beginning of something that other fragments complete */
	if (!ends_of(p, l, outer, &s->ends))
		return false;
	header = p->bytes + l->off;
	s->ends.src_port = load_be16(header);
	s->ends.dst_port = load_be16(header + 2);
	s->seq = load_be32(header + 4);
	s->ack = load_be32(header + 8);
	s->flags = header[13];
	s->window = load_be16(header + 14);
	s->len = l->payload_len;
	s->bytes = packet_payload(p, l, &s->cap_len);
	s->scale = SEGMENT_NO_SCALE;
	s->n_sacks = 0;
	if (l->header_len > TCP_HEADER_LEN)
		read_options(s, header + TCP_HEADER_LEN, header + l->header_len);
	return true;
}
