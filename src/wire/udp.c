/*
 * UDP (RFC 768). Length 0 means "to the end" in jumbograms (RFC 2675 section 4), otherwise less
 * than 8 is wrong. A checksum of 0 says that there is none; a computed 0 is sent as 0xffff.
 */
#include "wire/udp.h"

#include "wire/numbers.h"
#include "wire/packet.h"
#include "wire/ports.h"

static const struct field fields[] = {
	{ AS_UINT("udp.srcport", 0, 16), .title = "Source port" },
	{ AS_UINT("udp.dstport", BYTE(2), 16), .title = "Destination port",
	  .about = "Names the service" },
	{ AS_UINT("udp.length", BYTE(4), 16), .title = "Length",
	  .about = "Bytes of header and data" },
	{ AS_HEX("udp.checksum", BYTE(6), 16, 4), .title = "Checksum",
	  .about = "Over a pseudo header with the IP addresses, header and data; 0: none" },
};

/* The protocol of the payload: by the ports, else by content. */
static uint8_t inside(struct packet *p, struct layer *l, uint8_t next)
{
	const uint8_t *header = p->bytes + l->off;
	bool reply;
	uint8_t id = port_map_find(p->config->ports->udp, load_be16(header), load_be16(header + 2),
				   &reply);

	p->side = reply ? LAYER_REPLY : 0;
	if (!id && !p->quoted && p->have > l->off + UDP_HEADER_LEN)
		id = protocol_guess(header + UDP_HEADER_LEN, p->have - l->off - UDP_HEADER_LEN,
				    false);
	return id ? id : next;
}

static uint8_t udp_step(struct packet *p, struct layer *l, uint8_t next)
{
	uint16_t len = load_be16(p->bytes + l->off + 4);

	bool fragment = l > p->layers && l[-1].flags & LAYER_MORE;

	if (!len)
		return inside(p, l, next);
	if (len < UDP_HEADER_LEN)
		return packet_fails(p, l, -E_MALFORMED, l->off + 4);
	/* In a first fragment the datagram goes on elsewhere. Otherwise what is there is shown. */
	if (len > p->end - l->off && !fragment)
		packet_fails(p, l, -E_MALFORMED, l->off + 4);
	p->end = MIN(p->end, l->off + len);
	p->have = MIN(p->have, p->end);
	return fragment ? next : inside(p, l, next);
}

static const struct field facts_rows[] = {
	{ AS_COUNT("udp.stream"), .title = "Stream",
	  .about = "Number of the conversation in this capture" },
};

bool udp_row_is_fact(const struct field *f)
{
	return f == facts_rows;
}

static void udp_walk(struct walk *w)
{
	const struct udp_facts *facts = w->packet->udp;

	if (facts && w->layer == &w->packet->layers[facts->layer])
		walk_computed(w, facts_rows, facts->stream);
}

static void udp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];

	if (packet_says_more(p, layer))
		return;
	buf_lit(b, "UDP");
	if (l->header_len < UDP_HEADER_LEN)
		return;
	buf_lit(b, " len ");
	buf_u64(b, l->payload_len);
}

const struct protocol protocol_udp = {
	PROTOCOL_NAME("udp"),
	.short_name = "UDP",
	.title = "User Datagram Protocol",
	.rfc = "RFC 768",
	.about = "Datagrams between ports: no connection, no order, no repair.",
	ROWS(fields),
	.min_len = UDP_HEADER_LEN,
	.ports = true,
	.total_len = &fields[2],
	.step_measures = true,
	.checksum = &fields[3],
	.checksum_kind = CHECKSUM_PSEUDO_UDP,
	.step = udp_step,
	.walk = udp_walk,
	.more_rows = &(const struct rows){ facts_rows, ARRAY_LEN(facts_rows) },
	.n_more_rows = 1,
	.line = udp_line,
};
