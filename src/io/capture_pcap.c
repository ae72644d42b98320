/*
 * pcap files, as draft-ietf-opsawg-pcap describes them: a header of 24 bytes, then packets with a
 * header of 16 bytes each. The magic number tells the byte order and the unit of the time stamps;
 * one variant (Alexey Kuznetzov's libpcap) has 8 bytes more in each packet's header. Versions
 * before 2.4 may have the two lengths of a packet the other way round.
 */
#include "io/capture_reader_private.h"

#define MAGIC_US	0xa1b2c3d4
#define MAGIC_NS	0xa1b23c4d
#define MAGIC_KUZNETZOV 0xa1b2cd34
#define FILE_HEADER	24

/* The link type's field: draft section 4. */
#define LINK_TYPE_MASK	0xffff
#define FCS_GIVEN	0x04000000
#define FCS_WORDS_SHIFT 28

static int pcap_next(struct capture_reader *r, struct capture_packet *ret_packet)
{
	uint32_t header_len = r->header_len, cap_len, wire_len;
	const uint8_t *p;
	int err = capture_input_need(&r->in, header_len);

	if (unlikely(err < 0))
		return capture_reader_short(r, err, "the header of a packet", 0);
	cap_len = load32(r, r->in.at + 8);
	wire_len = load32(r, r->in.at + 12);
	if (unlikely(r->swapped_lengths) && cap_len > wire_len) {
		uint32_t swap = cap_len;

		cap_len = wire_len;
		wire_len = swap;
	}
	if (unlikely(cap_len > CAPTURE_PACKET_MAX))
		return capture_reader_fail(r, -E_MALFORMED,
					   "a packet claims %u bytes, more than the %u that are "
					   "possible: the file is damaged",
					   cap_len, CAPTURE_PACKET_MAX);
	err = capture_input_need(&r->in, header_len + cap_len);
	if (unlikely(err < 0))
		return capture_reader_short(r, err, "a packet", header_len + cap_len);
	p = r->in.at;
	r->in.at += header_len + cap_len;
	*ret_packet = (struct capture_packet){
		.bytes = p + header_len,
		.cap_len = cap_len,
		.wire_len = MAX(wire_len, cap_len),
		.time_ns = (int64_t)load32(r, p) * (int64_t)NS_PER_S +
			   (int64_t)load32(r, p + 4) * r->unit_ns,
		.link_type = r->interfaces[0].shown.link_type,
	};
	return 1;
}

/* What the magic number says. Return: whether it is one. */
static bool take_magic(struct capture_reader *r, uint32_t magic)
{
	switch (magic) {
	case MAGIC_US:
	case MAGIC_KUZNETZOV:
		r->format = CAPTURE_PCAP;
		r->unit_ns = NS_PER_US;
		r->header_len = magic == MAGIC_US ? 16 : 24;
		return true;
	case MAGIC_NS:
		r->format = CAPTURE_PCAP_NS;
		r->unit_ns = 1;
		r->header_len = 16;
		return true;
	default:
		return false;
	}
}

int pcap_begin(struct capture_reader *r)
{
	struct interface_slot *slot;
	uint16_t major, minor;
	uint32_t link;
	int err;

	if (!take_magic(r, load32(r, r->in.at))) {
		r->swap = true;
		if (!take_magic(r, load32(r, r->in.at))) {
			r->swap = false;
			return 0;
		}
	}
	err = capture_input_need(&r->in, FILE_HEADER);
	if (err < 0)
		return capture_reader_short(r, err, "the header of a pcap file", FILE_HEADER);
	major = load16(r, r->in.at + 4);
	minor = load16(r, r->in.at + 6);
	if (major != 2)
		return capture_reader_fail(r, -E_UNSUPPORTED, "version %u.%u of pcap; 2.4 is known",
					   major, minor);
	r->swapped_lengths = minor < 4;
	slot = capture_reader_add_interface(r, &err);
	if (!slot)
		return err;
	link = load32(r, r->in.at + 20);
	slot->shown.link_type = link & LINK_TYPE_MASK;
	if (link & FCS_GIVEN)
		slot->shown.fcs_len = (uint8_t)(2 * (link >> FCS_WORDS_SHIFT));
	slot->shown.snap_len = load32(r, r->in.at + 16);
	slot->shown.resolution = r->format == CAPTURE_PCAP ? 6 : 9;
	r->in.at += FILE_HEADER;
	r->next = pcap_next;
	return 1;
}
