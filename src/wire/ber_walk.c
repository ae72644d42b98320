#include "wire/ber_walk.h"

bool ber_walk(struct walk *w, uint32_t *off, uint32_t end, struct ber_part *ret_part)
{
	uint32_t have = MIN(MIN(end, w->end), w->packet->cap_len), at = MIN(*off, have), len;
	struct cursor c = cursor_of(w->packet->bytes + at, have - at);
	uint8_t tag;

	if (w->over)
		return false;
	if (ber_head(&c, &tag, &len) == -E_TRUNCATED) {
		walk_fits(w, *off, have - at + 1, end);
		return false;
	}
	at += (uint32_t)cursor_pos(&c);
	if (c.err || len > end - at) {
		walk_fault(w, -E_MALFORMED, *off);
		return false;
	}
	*ret_part = (struct ber_part){ .tag = tag, .off = *off, .at = at, .end = at + len };
	*off = at + len;
	return true;
}

bool ber_walk_tag(struct walk *w, uint32_t *off, uint32_t end, uint8_t tag,
		  struct ber_part *ret_part)
{
	struct ber_part part;

	if (!ber_walk(w, off, end, &part))
		return false;
	if (part.tag != tag) {
		walk_fault(w, -E_MALFORMED, part.off);
		return false;
	}
	*ret_part = part;
	return true;
}

bool ber_walk_give(struct walk *w, const struct ber_part *part, const struct field *f,
		   uint8_t depth)
{
	const uint8_t *bytes = w->packet->bytes + part->at;
	uint32_t len = part->end - part->at;
	uint64_t value = 0;
	int err;

	if (!walk_fits(w, part->at, len, part->end))
		return false;
	if (!field_is_number(f))
		return walk_field(w, f, part->at, len, depth);
	err = f->type == FIELD_INT ? ber_int_of(bytes, len, (int64_t *)&value)
				   : ber_uint_of(bytes, len, &value);
	if (err < 0) {
		walk_fault(w, -E_MALFORMED, part->at);
		return false;
	}
	return walk_number(w, f, part->at, len, value, depth);
}
