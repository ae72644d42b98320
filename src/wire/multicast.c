#include "wire/multicast.h"

/* Type, auxiliary length and number of sources; the address follows. */
#define RECORD_LEN 4

const struct value_name multicast_record_names[] = {
	{ 1, "mode is include" },
	{ 2, "mode is exclude" },
	{ 3, "change to include" },
	{ 4, "change to exclude" },
	{ 5, "allow new sources" },
	{ 6, "block old sources" },
	{ 0 },
};

/* One record; @left bytes are there by what the layer says. Return: its length, 0 after a fault. */
static uint32_t walk_record(struct walk *w, const struct multicast_record *r, uint32_t off,
			    uint32_t left)
{
	const uint8_t *record = w->packet->bytes + off;
	uint32_t head_len = RECORD_LEN + r->address_len, sources, auxiliary, fit;

	if (!walk_field(w, r->group, off, head_len, 0) ||
	    !walk_rows(w, r->head, r->n_head, off, w->end, 1))
		return 0;
	left -= head_len;
	sources = load_be16(record + 2) * r->address_len;
	auxiliary = record[1] * 4u;
	fit = MIN(sources, left / r->address_len * r->address_len);
	if (!walk_rows(w, r->source, 1, off, off + head_len + fit, 1))
		return 0;
	if (fit < sources || auxiliary > left - sources) {
		walk_fault(w, -E_MALFORMED, off);
		return 0;
	}
	if (auxiliary && !walk_field(w, r->auxiliary, off + head_len + sources, auxiliary, 1))
		return 0;
	return head_len + sources + auxiliary;
}

void multicast_walk_records(struct walk *w, const struct multicast_record *r, uint32_t off)
{
	uint32_t len;

	for (; off < w->end; off += len) {
		len = walk_record(w, r, off, w->end - off);
		if (!len)
			return;
	}
}
