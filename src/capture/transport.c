#include "capture/transport.h"

#include "wire/numbers.h"
#include "wire/ports.h"

/* The first layer that IP carries, extension headers and tunnels passed; NULL: none. */
static const struct layer *carried(const struct packet *p)
{
	const struct layer *last = NULL;

	for (uint32_t i = 0; i < p->n_layers; i++) {
		const struct layer *l = &p->layers[i];

		if (l->flags & LAYER_QUOTED || protocols[l->proto]->application)
			break;
		last = l;
		if (protocols[l->proto]->ports || l->proto == PROTOCOL_ICMP ||
		    l->proto == PROTOCOL_ICMPV6)
			break;
	}
	return last;
}

static const struct layer *application_of(const struct packet *p)
{
	for (; p; p = p->more)
		for (uint32_t i = 0; i < p->n_layers; i++)
			if (protocols[p->layers[i].proto]->application)
				return &p->layers[i];
	return NULL;
}

bool transport_of(const struct packet *p, struct transport *ret_transport)
{
	const struct packet *outer = NULL;
	const struct layer *l, *application;
	struct transport *t = ret_transport;

	while (p->more && p->fragments) {
		outer = p;
		p = p->more;
	}
	l = carried(p);
	if (!l || !ends_of(p, l, outer, &t->ends))
		return false;
	application = application_of(p);
	t->proto = l->proto;
	t->application = application ? application->proto : PROTOCOL_NONE;
	t->ends.src_port = t->ends.dst_port = 0;
	t->tcp_flags = 0;
	t->tcp_seq = 0;
	if (protocols[l->proto]->ports && l->header_len >= 4) {
		t->ends.src_port = load_be16(p->bytes + l->off);
		t->ends.dst_port = load_be16(p->bytes + l->off + 2);
	}
	if (l->proto == PROTOCOL_TCP && l->header_len >= TCP_HEADER_LEN) {
		t->tcp_flags = p->bytes[l->off + 13];
		t->tcp_seq = load_be32(p->bytes + l->off + 4);
	}
	return true;
}

bool transport_is_reply(const struct packet *p, const struct transport *t)
{
	const struct layer *application = application_of(p);
	const struct port_map *ports = p->config->ports;
	bool reply;

	if (t->tcp_flags & TCP_FLAG_SYN)
		return t->tcp_flags & TCP_FLAG_ACK;
	if (application)
		return application->flags & LAYER_REPLY;
	if (port_map_find(t->proto == PROTOCOL_UDP ? ports->udp : ports->tcp, t->ends.src_port,
			  t->ends.dst_port, &reply))
		return reply;
	return t->ends.src_port < t->ends.dst_port;
}
