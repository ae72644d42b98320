#include "wire/frame.h"

#include "wire/link_types.h"
#include "wire/packet.h"

static const struct field fields[] = {
	{ AS_COUNT("frame.number"), .title = "Number", .about = "Of the packet, from 1" },
	{ AS_COUNT("frame.interface_id"), .title = "Interface",
	  .about = "The how manieth of the capture, from 0" },
	{ AS_TEXT("frame.interface_name", 0, 0), .computed = true, .title = "Interface name" },
	{ AS_COUNT("frame.encap_type"), .title = "Link type",
	  .about = "What the packet begins with, as Wireshark numbers it" },
	{ AS_TIME("frame.time"), .title = "Time" },
	{ AS_DURATION("frame.time_epoch"), .title = "Time since 1970" },
	{ AS_DURATION("frame.time_delta"), .title = "Time since the previous packet" },
	{ AS_DURATION("frame.time_relative"), .title = "Time since the first packet" },
	{ AS_COUNT("frame.len"), .title = "Length", .about = "On the wire" },
	{ AS_COUNT("frame.cap_len"), .title = "Captured length" },
	{ AS_TEXT("frame.protocols", 0, 0), .computed = true, .title = "Protocols",
	  .about = "Of all layers, with colons between them" },
	{ AS_TEXT("frame.comment", 0, 0), .computed = true, .title = "Comment" },
};

enum {
	ROW_NUMBER,
	ROW_INTERFACE_ID,
	ROW_INTERFACE_NAME,
	ROW_ENCAP_TYPE,
	ROW_TIME,
	ROW_TIME_EPOCH,
	ROW_TIME_DELTA,
	ROW_TIME_RELATIVE,
	ROW_LEN,
	ROW_CAP_LEN,
	ROW_PROTOCOLS,
	ROW_COMMENT,
};

static void give_number(struct sink *sink, unsigned row, uint64_t value)
{
	sink->item(sink, &(struct item){ .field = &fields[row], .value = value });
}

static void give_text(struct sink *sink, unsigned row, const char *text, size_t len)
{
	sink->item(sink, &(struct item){ .field = &fields[row],
					 .bytes = (const uint8_t *)text,
					 .len = (uint32_t)len });
}

static void give_protocols(const struct packet *p, struct sink *sink)
{
	char memory[512];
	struct buf b = buf_in(memory, sizeof(memory));

	for (; p; p = p->more) {
		for (size_t i = 0; i < p->n_layers; i++) {
			if (b.len)
				buf_char(&b, ':');
			buf_str(&b, protocols[p->layers[i].proto]->name);
		}
	}
	give_text(sink, ROW_PROTOCOLS, memory, b.len);
}

void packet_frame_items(const struct packet *p, struct sink *sink)
{
	const struct frame *f = p->frame;

	if (f && f->number) {
		give_number(sink, ROW_NUMBER, f->number);
		give_number(sink, ROW_INTERFACE_ID, f->interface_id);
		if (f->interface)
			give_text(sink, ROW_INTERFACE_NAME, f->interface, strlen(f->interface));
		give_number(sink, ROW_ENCAP_TYPE, link_type_encap(f->link_type));
		give_number(sink, ROW_TIME, (uint64_t)f->time_ns);
		give_number(sink, ROW_TIME_EPOCH, (uint64_t)f->time_ns);
		give_number(sink, ROW_TIME_DELTA, (uint64_t)f->since_previous_ns);
		give_number(sink, ROW_TIME_RELATIVE, (uint64_t)f->since_first_ns);
	}
	give_number(sink, ROW_LEN, p->wire_len);
	give_number(sink, ROW_CAP_LEN, p->cap_len);
	give_protocols(p, sink);
	if (f && f->comment)
		give_text(sink, ROW_COMMENT, f->comment, f->comment_len);
}

const struct protocol protocol_frame = {
	PROTOCOL_NAME("frame"),
	.short_name = "frame",
	.title = "Frame",
	.about = "What the capture knows of a packet beside its bytes.",
	.more_rows = &(const struct rows){ fields, ARRAY_LEN(fields) },
	.n_more_rows = 1,
};
