#include "wire/data.h"

#include "wire/compose.h"
#include "wire/packet.h"

static const struct field field_len = {
	AS_COUNT("data.len"),
	.title = "Length",
};
static const struct field field_data = {
	AS_BYTES("data.data", 0, 0),
	.title = "Data",
	.bulk = true,
};

static void data_walk(struct walk *w)
{
	uint32_t len;

	(void)packet_payload(w->packet, w->layer, &len);
	walk_computed(w, &field_len, w->layer->payload_len);
	w->end = w->at + len;
	if (len)
		walk_field(w, &field_data, w->at, len, 0);
}

/* A length alone makes zeros; with data, these are repeated as often as fits. */
static int data_compose(struct compose *m, struct fault *fault)
{
	const struct compose_setting *len = compose_find(m, &field_len);

	if (!len)
		return 0;
	if (len->number < m->header_len || len->number > UINT16_MAX)
		return compose_fails(m, len, fault,
				     "data.len is from %u, what there is already, to %u",
				     m->header_len, UINT16_MAX);
	for (uint64_t i = m->header_len; i < len->number; i++)
		buf_u8(&m->out, m->header_len ? m->header[i % m->header_len] : 0);
	return 0;
}

const struct protocol protocol_data = {
	PROTOCOL_NAME("data"), .short_name = "data",
	.title = "Data",       .about = "Bytes that no other protocol claims.",
	.fields = &field_data, .n_fields = 1,
	.walk = data_walk,     .more_rows = &(const struct rows){ &field_len, 1 },
	.n_more_rows = 1,      .compose = data_compose,
};
