#include "capture/dissect.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/ports.h"

struct dissect {
	struct walk_config walk;
	struct frame frame;
	struct packet packet;
	int64_t first_ns, previous_ns;
	struct dissect_counts counts;
};

int dissect_new(const struct dissect_config *config, struct dissect **ret_dissect)
{
	struct dissect *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->walk.ports = config->ports ?: &port_map_default;
	*ret_dissect = d;
	return 0;
}

struct dissect *dissect_free(struct dissect *d)
{
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

const struct packet *dissect_packet(struct dissect *d, const struct dissect_input *in)
{
	number_frame(d, in);
	packet_walk_as(&d->packet, &d->walk, PROTOCOL_ETHERNET, in->bytes, in->cap_len,
		       in->wire_len);
	d->packet.frame = &d->frame;
	return &d->packet;
}

struct dissect_counts dissect_counts(const struct dissect *d)
{
	return d->counts;
}
