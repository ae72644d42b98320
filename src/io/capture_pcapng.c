/*
 * pcapng files, as draft-ietf-opsawg-pcapng describes them: blocks of a type and a length, the
 * length repeated at the end. A section header block tells the byte order of its section and starts
 * the numbering of interfaces anew; here they are numbered through. Section numbers are the
 * draft's.
 *
 * A block that is of use must fit in the window (1 MiB); others are passed over, whatever their
 * length.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "io/capture_reader_private.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a, /* 4.1; the same in both byte orders */
	BLOCK_INTERFACE = 1,	    /* 4.2 */
	BLOCK_OLD_PACKET = 2,	    /* appendix A */
	BLOCK_SIMPLE_PACKET = 3,    /* 4.4 */
	BLOCK_STATISTICS = 5,	    /* 4.6 */
	BLOCK_PACKET = 6,	    /* 4.3 */
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
};

enum {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	PACKET_FLAGS = 2,
	INTERFACE_NAME = 2,
	INTERFACE_DESCRIPTION = 3,
	INTERFACE_RESOLUTION = 9,
	INTERFACE_FILTER = 11,
	INTERFACE_FCS_LEN = 13,
	INTERFACE_OFFSET = 14,
	STATISTICS_RECEIVED = 4,
	STATISTICS_DROPPED = 5,
};

#define BLOCK_MIN    12 /* type, length, length again */
#define TRAILER	     4
#define TEXT_MAX     255
#define DECIMAL_MAX  19 /* finest resolutions: 10^-19 s and 2^-63 s */
#define BINARY_MAX   63
#define BINARY_FLAG  0x80
#define PACKET_FIXED 28 /* an enhanced or old packet block up to its data */
#define SIMPLE_FIXED 12
#define NOT_A_PACKET 2 /* next_block() goes on */

struct option {
	uint16_t code, len;
	const uint8_t *value;
};

static uint64_t load64(const struct capture_reader *r, const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return r->swap ? __builtin_bswap64(v) : v;
}

/* Section 3.5. Return: 1, 0 at the end, -E_MALFORMED when they do not fit in the block. */
static int next_option(const struct capture_reader *r, struct cursor *c, struct option *ret_option)
{
	const uint8_t *p;

	if (!cursor_left(c))
		return 0;
	p = cursor_bytes(c, 4);
	if (!p)
		return -E_MALFORMED;
	*ret_option = (struct option){ .code = load16(r, p), .len = load16(r, p + 2) };
	if (ret_option->code == OPTION_END)
		return 0;
	ret_option->value = cursor_bytes(c, ((size_t)ret_option->len + 3) & ~(size_t)3);
	return ret_option->value ? 1 : -E_MALFORMED;
}

static int bad_options(struct capture_reader *r, const char *of)
{
	return capture_reader_fail(r, -E_MALFORMED, "the options of %s exceed their block", of);
}

/* Keeps a copy of an option's text: @which of the slot's texts. */
static int take_text(struct capture_reader *r, struct interface_slot *slot, int which,
		     const struct option *o, const char **ret_text)
{
	size_t len = MIN((size_t)o->len, (size_t)TEXT_MAX);
	char *text = strndup((const char *)o->value, len);

	if (!text)
		return capture_reader_fail(r, -ENOMEM, "no memory for the name of an interface");
	free(slot->texts[which]);
	*ret_text = slot->texts[which] = text;
	return 0;
}

static int take_resolution(struct capture_reader *r, struct interface_slot *slot, uint8_t value)
{
	unsigned n = value & ~BINARY_FLAG;

	slot->multiplier = NS_PER_S;
	slot->divisor = 1;
	slot->shown.resolution = value;
	if (n > (value & BINARY_FLAG ? BINARY_MAX : DECIMAL_MAX))
		return capture_reader_fail(r, -E_UNSUPPORTED,
					   "an interface's time stamps have the resolution %s^-%u",
					   value & BINARY_FLAG ? "2" : "10", n);
	if (value & BINARY_FLAG) {
		slot->divisor = 1ULL << n;
		return 0;
	}
	for (; n; n--) {
		if (slot->multiplier > 1)
			slot->multiplier /= 10;
		else
			slot->divisor *= 10;
	}
	return 0;
}

static int interface_option(struct capture_reader *r, struct interface_slot *slot,
			    const struct option *o)
{
	struct capture_interface *shown = &slot->shown;

	switch (o->code) {
	case INTERFACE_NAME:
		return take_text(r, slot, 0, o, &shown->name);
	case INTERFACE_DESCRIPTION:
		return take_text(r, slot, 1, o, &shown->description);
	case INTERFACE_RESOLUTION:
		return o->len == 1 ? take_resolution(r, slot, o->value[0]) : 0;
	case INTERFACE_FILTER: /* a byte says of what kind: 0 is text */
		if (o->len < 2 || o->value[0])
			return 0;
		return take_text(
			r, slot, 2,
			&(struct option){ .len = (uint16_t)(o->len - 1), .value = o->value + 1 },
			&shown->filter);
	case INTERFACE_FCS_LEN:
		if (o->len == 1)
			shown->fcs_len = o->value[0];
		return 0;
	case INTERFACE_OFFSET:
		if (o->len == 8)
			slot->offset_s = (int64_t)load64(r, o->value);
		return 0;
	default:
		return 0;
	}
}

static int interface_block(struct capture_reader *r, const uint8_t *block, uint32_t len)
{
	struct cursor options;
	struct interface_slot *slot;
	struct option o;
	int err;

	if (len < 20)
		return capture_reader_fail(r, -E_MALFORMED, "an interface's block of %u bytes",
					   len);
	slot = capture_reader_add_interface(r, &err);
	if (!slot)
		return err;
	slot->shown.link_type = load16(r, block + 8);
	slot->shown.snap_len = load32(r, block + 12);
	err = take_resolution(r, slot, 6);
	options = cursor_of(block + 16, len - 16 - TRAILER);
	while (!err && (err = next_option(r, &options, &o)) > 0)
		err = interface_option(r, slot, &o);
	if (err == -E_MALFORMED && !r->err)
		return bad_options(r, "an interface");
	return err < 0 ? err : NOT_A_PACKET;
}

/* The interface that @id of this section is, or NULL with the error set. */
static struct interface_slot *interface_of(struct capture_reader *r, uint32_t id)
{
	if (likely(id < r->n_interfaces - r->section_start))
		return &r->interfaces[r->section_start + id];
	capture_reader_fail(r, -E_MALFORMED, "interface %u, but the section describes %zu", id,
			    r->n_interfaces - r->section_start);
	return NULL;
}

static int statistics_block(struct capture_reader *r, const uint8_t *block, uint32_t len)
{
	struct interface_slot *slot;
	struct cursor options;
	struct option o;
	int err;

	if (len < 24)
		return capture_reader_fail(r, -E_MALFORMED, "a statistics block of %u bytes", len);
	slot = interface_of(r, load32(r, block + 8));
	if (!slot)
		return r->err;
	options = cursor_of(block + 20, len - 20 - TRAILER);
	while ((err = next_option(r, &options, &o)) > 0) {
		if (o.len == 8 && o.code == STATISTICS_RECEIVED)
			slot->shown.received = load64(r, o.value);
		else if (o.len == 8 && o.code == STATISTICS_DROPPED)
			slot->shown.dropped = load64(r, o.value);
	}
	return err < 0 ? bad_options(r, "statistics") : NOT_A_PACKET;
}

/* Any resolution and offset; held at the ends of what fits. */
static int64_t odd_stamp_to_ns(const struct interface_slot *slot, uint64_t stamp)
{
	unsigned __int128 scaled = (unsigned __int128)stamp * slot->multiplier;
	__int128 ns;

	if (slot->divisor > 1)
		scaled /= slot->divisor;
	ns = (__int128)scaled + (__int128)slot->offset_s * (int64_t)NS_PER_S;
	return ns > INT64_MAX ? INT64_MAX : ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}

static inline int64_t stamp_to_ns(const struct interface_slot *slot, uint64_t stamp)
{
	uint64_t ns;

	if (likely(slot->divisor == 1 && !slot->offset_s &&
		   !__builtin_mul_overflow(stamp, slot->multiplier, &ns) && ns <= INT64_MAX))
		return (int64_t)ns;
	return odd_stamp_to_ns(slot, stamp);
}

/* The first comment and the flags; the two kinds of packet blocks agree on both codes. */
static int packet_options(struct capture_reader *r, const uint8_t *at, size_t len,
			  struct capture_packet *p)
{
	struct cursor options = cursor_of(at, len);
	struct option o;
	int err;

	while ((err = next_option(r, &options, &o)) > 0) {
		if (o.code == OPTION_COMMENT && !p->comment) {
			p->comment = (const char *)o.value;
			p->comment_len = (uint32_t)strnlen(p->comment, o.len);
		} else if (o.code == PACKET_FLAGS && o.len == 4) {
			p->flags = load32(r, o.value);
		}
	}
	return err < 0 ? bad_options(r, "a packet") : 0;
}

static int packet_too_long(struct capture_reader *r, uint32_t cap_len, uint32_t len)
{
	return capture_reader_fail(r, -E_MALFORMED,
				   "a packet claims %u bytes in a block of %u; at most %u are "
				   "possible: the file is damaged",
				   cap_len, len, CAPTURE_PACKET_MAX);
}

/* Enhanced (section 4.3) and old packet blocks differ in the width of the interface's number. */
static int packet_block(struct capture_reader *r, const uint8_t *block, uint32_t len,
			struct capture_packet *ret_packet)
{
	bool old = load32(r, block) == BLOCK_OLD_PACKET;
	struct interface_slot *slot;
	struct capture_packet p;
	uint32_t id, cap_len, wire_len, data_end;

	if (unlikely(len < PACKET_FIXED + TRAILER))
		return capture_reader_fail(r, -E_MALFORMED, "a packet's block of %u bytes", len);
	id = old ? load16(r, block + 8) : load32(r, block + 8);
	slot = interface_of(r, id);
	if (unlikely(!slot))
		return r->err;
	cap_len = load32(r, block + 20);
	wire_len = load32(r, block + 24);
	if (unlikely(cap_len > CAPTURE_PACKET_MAX || cap_len > len - PACKET_FIXED - TRAILER))
		return packet_too_long(r, cap_len, len);
	p = (struct capture_packet){
		.bytes = block + PACKET_FIXED,
		.cap_len = cap_len,
		.wire_len = MAX(cap_len, wire_len),
		.time_ns = stamp_to_ns(slot, (uint64_t)load32(r, block + 12) << 32 |
						     load32(r, block + 16)),
		.interface = (uint32_t)r->section_start + id,
		.link_type = slot->shown.link_type,
	};
	data_end = PACKET_FIXED + ((cap_len + 3) & ~3U);
	if (unlikely(data_end + TRAILER < len)) {
		struct capture_packet full = p;
		int err = packet_options(r, block + data_end, len - data_end - TRAILER, &full);

		if (!err)
			*ret_packet = full;
		return err < 0 ? err : 1;
	}
	*ret_packet = p;
	return 1;
}

/* Section 4.4: of the section's first interface, without time. */
static int simple_packet_block(struct capture_reader *r, const uint8_t *block, uint32_t len,
			       struct capture_packet *ret_packet)
{
	struct interface_slot *slot;
	uint32_t cap_len, wire_len;

	if (len < SIMPLE_FIXED + TRAILER)
		return capture_reader_fail(r, -E_MALFORMED, "a packet's block of %u bytes", len);
	slot = interface_of(r, 0);
	if (!slot)
		return r->err;
	wire_len = load32(r, block + 8);
	cap_len = slot->shown.snap_len ? MIN(wire_len, slot->shown.snap_len) : wire_len;
	if (cap_len > CAPTURE_PACKET_MAX || cap_len > len - SIMPLE_FIXED - TRAILER)
		return packet_too_long(r, cap_len, len);
	*ret_packet = (struct capture_packet){
		.bytes = block + SIMPLE_FIXED,
		.cap_len = cap_len,
		.wire_len = wire_len,
		.interface = (uint32_t)(slot - r->interfaces),
		.link_type = slot->shown.link_type,
	};
	return 1;
}

static int wrong_trailer(struct capture_reader *r, uint32_t len, const uint8_t *trailer)
{
	return capture_reader_fail(r, -E_MALFORMED,
				   "a block of %u bytes ends with the length %u: the file is "
				   "damaged",
				   len, load32(r, trailer));
}

/* A block that is of no use. */
static int skip_block(struct capture_reader *r, uint32_t len)
{
	int err = capture_input_skip(&r->in, len - TRAILER);

	if (!err)
		err = capture_input_need(&r->in, TRAILER);
	if (err < 0)
		return capture_reader_short(r, err, "a block", len);
	if (load32(r, r->in.at) != len)
		return wrong_trailer(r, len, r->in.at);
	r->in.at += TRAILER;
	return NOT_A_PACKET;
}

static int use_block(struct capture_reader *r, const uint8_t *block, uint32_t len,
		     struct capture_packet *ret_packet)
{
	switch (load32(r, block)) {
	case BLOCK_INTERFACE:
		return interface_block(r, block, len);
	case BLOCK_STATISTICS:
		return statistics_block(r, block, len);
	case BLOCK_SIMPLE_PACKET:
		return simple_packet_block(r, block, len, ret_packet);
	default:
		return packet_block(r, block, len, ret_packet);
	}
}

/* Section 4.1: learns the byte order, then the block has no more to tell. */
static int section_block(struct capture_reader *r)
{
	uint16_t major, minor;
	uint32_t len;
	int err = capture_input_need(&r->in, 28);

	if (err < 0)
		return capture_reader_short(r, err, "the header of a section", 28);
	if (load32(r, r->in.at + 8) != BYTE_ORDER_MAGIC) {
		r->swap = !r->swap;
		if (load32(r, r->in.at + 8) != BYTE_ORDER_MAGIC)
			return capture_reader_fail(r, -E_MALFORMED,
						   "the header of a section has no byte order");
	}
	len = load32(r, r->in.at + 4);
	if (len < 28 || len % 4)
		return capture_reader_fail(r, -E_MALFORMED, "a section's header of %u bytes", len);
	major = load16(r, r->in.at + 12);
	minor = load16(r, r->in.at + 14);
	if (major != 1)
		return capture_reader_fail(r, -E_UNSUPPORTED,
					   "version %u.%u of pcapng; 1.0 is known", major, minor);
	r->section_start = r->n_interfaces;
	return skip_block(r, len);
}

/* Return: 1 with a packet, NOT_A_PACKET, 0 at the end, or an error. */
static int next_block(struct capture_reader *r, struct capture_packet *ret_packet)
{
	uint32_t type, len;
	const uint8_t *block;
	int err = capture_input_need(&r->in, BLOCK_MIN);

	if (unlikely(err < 0))
		return capture_reader_short(r, err, "the header of a block", 0);
	type = load32(r, r->in.at);
	if (type == BLOCK_SECTION)
		return section_block(r);
	len = load32(r, r->in.at + 4);
	if (unlikely(len < BLOCK_MIN || len % 4))
		return capture_reader_fail(r, -E_MALFORMED, "a block of %u bytes", len);
	if (type != BLOCK_PACKET && type != BLOCK_INTERFACE && type != BLOCK_STATISTICS &&
	    type != BLOCK_SIMPLE_PACKET && type != BLOCK_OLD_PACKET)
		return skip_block(r, len);
	if (unlikely(len > CAPTURE_WINDOW))
		return capture_reader_fail(r, -E_MALFORMED,
					   "a block of type %u claims %u bytes, more than the %u "
					   "that are possible: the file is damaged",
					   type, len, CAPTURE_WINDOW);
	err = capture_input_need(&r->in, len);
	if (unlikely(err < 0))
		return capture_reader_short(r, err, "a block", len);
	block = r->in.at;
	if (unlikely(load32(r, block + len - TRAILER) != len))
		return wrong_trailer(r, len, block + len - TRAILER);
	err = use_block(r, block, len, ret_packet);
	if (likely(err > 0))
		r->in.at += len; /* not earlier: faults name the block's start */
	return err;
}

static int pcapng_next(struct capture_reader *r, struct capture_packet *ret_packet)
{
	int result;

	do
		result = next_block(r, ret_packet);
	while (result == NOT_A_PACKET);
	return result;
}

int pcapng_begin(struct capture_reader *r)
{
	int err;

	if (load32(r, r->in.at) != BLOCK_SECTION)
		return 0;
	r->format = CAPTURE_PCAPNG;
	r->next = pcapng_next;
	err = section_block(r);
	return err < 0 ? err : 1;
}
