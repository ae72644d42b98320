/* A mark on the wire: PROBE_MARK_LEN bytes in network order. */
#ifndef SONDE_PROBE_MARK_H
#define SONDE_PROBE_MARK_H

#include "base/cursor.h"
#include "probe/module.h"

static inline void mark_write(const struct probe_mark *mark, uint8_t *buf)
{
	store_be32(buf, mark->slot);
	store_be32(buf + 4, mark->generation);
	store_be32(buf + 8, mark->try);
	store_be64(buf + 12, mark->sent_ns);
	store_be64(buf + 20, mark->tag);
}

static inline struct probe_mark mark_read(struct cursor *c)
{
	struct probe_mark mark = { .slot = cursor_be32(c) };

	mark.generation = cursor_be32(c);
	mark.try = cursor_be32(c);
	mark.sent_ns = cursor_be64(c);
	mark.tag = cursor_be64(c);
	return mark;
}

#endif
