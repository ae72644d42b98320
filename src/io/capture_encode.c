#include "io/capture_encode.h"

#define TEXT_MAX 255

static void put16(struct buf *b, uint16_t v)
{
	buf_bytes(b, &v, sizeof(v));
}

static void put32(struct buf *b, uint32_t v)
{
	buf_bytes(b, &v, sizeof(v));
}

static void put64(struct buf *b, uint64_t v)
{
	buf_bytes(b, &v, sizeof(v));
}

static void pad(struct buf *b, size_t len)
{
	buf_fill(b, 0, (4 - len % 4) % 4);
}

static void put_option(struct buf *b, uint16_t code, const void *value, size_t len)
{
	put16(b, code);
	put16(b, (uint16_t)len);
	buf_bytes(b, value, len);
	pad(b, len);
}

static void put_text(struct buf *b, uint16_t code, const char *text)
{
	if (text && *text)
		put_option(b, code, text, strnlen(text, TEXT_MAX));
}

static size_t block_begin(struct buf *b, uint32_t type)
{
	size_t at = b->len;

	put32(b, type);
	put32(b, 0);
	return at;
}

/* Now that the length is known, it is written twice. */
static void block_end(struct buf *b, size_t at)
{
	uint32_t len = (uint32_t)(b->len - at + 4);

	put32(b, len);
	if (!b->err)
		memcpy(b->data + at + 4, &len, sizeof(len));
}

void capture_encode_section(struct buf *b, const struct capture_writer_config *config)
{
	size_t at = block_begin(b, 0x0a0d0d0a);

	put32(b, 0x1a2b3c4d);
	put16(b, 1);
	put16(b, 0);
	put64(b, UINT64_MAX); /* length unknown */
	put_text(b, 2, config->hardware);
	put_text(b, 3, config->os);
	put_text(b, 4, config->application);
	put32(b, 0);
	block_end(b, at);
}

void capture_encode_interface(struct buf *b, const struct capture_writer_interface *interface)
{
	size_t at = block_begin(b, 1);
	const char *filter = interface->filter;

	put16(b, (uint16_t)interface->link_type);
	put16(b, 0);
	put32(b, interface->snap_len);
	put_text(b, 2, interface->name);
	put_text(b, 3, interface->description);
	put_option(b, 9, &(uint8_t){ 9 }, 1);
	if (filter && *filter) { /* a zero byte in front: as text */
		size_t len = strnlen(filter, TEXT_MAX);

		put16(b, 11);
		put16(b, (uint16_t)(len + 1));
		buf_char(b, 0);
		buf_bytes(b, filter, len);
		pad(b, len + 1);
	}
	if (interface->fcs_len)
		put_option(b, 13, &interface->fcs_len, 1);
	put32(b, 0);
	block_end(b, at);
}

static uint64_t stamp_of(int64_t time_ns)
{
	return time_ns > 0 ? (uint64_t)time_ns : 0;
}

void capture_encode_packet(struct buf *b, const struct capture_packet *p)
{
	uint64_t stamp = stamp_of(p->time_ns);
	uint32_t fixed[7] = {
		6,	    0,		p->interface, (uint32_t)(stamp >> 32), (uint32_t)stamp,
		p->cap_len, p->wire_len
	};
	size_t at = b->len;

	buf_bytes(b, fixed, sizeof(fixed));
	buf_bytes(b, p->bytes, p->cap_len);
	pad(b, p->cap_len);
	if (p->comment)
		put_option(b, 1, p->comment, MIN(p->comment_len, (uint32_t)UINT16_MAX));
	if (p->flags)
		put_option(b, 2, &p->flags, sizeof(p->flags));
	if (p->comment || p->flags)
		put32(b, 0);
	block_end(b, at);
}

/* Section 4.6: this one option of time has its halves the other way round than a number. */
static void put_stamp(struct buf *b, uint16_t code, int64_t time_ns)
{
	uint64_t stamp = stamp_of(time_ns);

	put_option(b, code, (uint32_t[]){ (uint32_t)(stamp >> 32), (uint32_t)stamp }, 8);
}

void capture_encode_statistics(struct buf *b, uint32_t interface,
			       const struct capture_statistics *s)
{
	size_t at = block_begin(b, 5);
	uint64_t stamp = stamp_of(s->to_ns);

	put32(b, interface);
	put32(b, (uint32_t)(stamp >> 32));
	put32(b, (uint32_t)stamp);
	put_stamp(b, 2, s->from_ns);
	put_stamp(b, 3, s->to_ns);
	if (s->received != UINT64_MAX)
		put_option(b, 4, &s->received, sizeof(s->received));
	if (s->dropped != UINT64_MAX)
		put_option(b, 5, &s->dropped, sizeof(s->dropped));
	put32(b, 0);
	block_end(b, at);
}

void capture_encode_pcap_header(struct buf *b, enum capture_format format, uint32_t link_type,
				uint32_t snap_len, uint8_t fcs_len)
{
	uint32_t link = link_type & 0xffff;

	if (fcs_len)
		link |= 0x04000000 | (uint32_t)(fcs_len / 2) << 28;
	put32(b, format == CAPTURE_PCAP_NS ? 0xa1b23c4d : 0xa1b2c3d4);
	put16(b, 2);
	put16(b, 4);
	put32(b, 0);
	put32(b, 0);
	put32(b, snap_len ? snap_len : CAPTURE_PACKET_MAX);
	put32(b, link);
}

void capture_encode_pcap_packet(struct buf *b, enum capture_format format,
				const struct capture_packet *p)
{
	uint64_t stamp = stamp_of(p->time_ns);
	uint32_t fixed[4] = { (uint32_t)(stamp / NS_PER_S), (uint32_t)(stamp % NS_PER_S),
			      p->cap_len, p->wire_len };

	if (format == CAPTURE_PCAP)
		fixed[1] /= NS_PER_US;
	buf_bytes(b, fixed, sizeof(fixed));
	buf_bytes(b, p->bytes, p->cap_len);
}
