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

/* The names of all layers of the packet and of what it completed. */
static void put_protocols(struct buf *b, const struct packet *p)
{
	for (; p; p = p->more) {
		for (size_t i = 0; i < p->n_layers; i++) {
			if (b->len)
				buf_char(b, ':');
			buf_str(b, protocols[p->layers[i].proto]->name);
		}
	}
}

/* Sets the text of an item. Returns whether there is one. */
static bool set_text(struct item *item, const char *text, size_t len)
{
	item->bytes = (const uint8_t *)text;
	item->len = (uint32_t)len;
	return text;
}

/* Sets the number of an item. Returns true. */
static bool set_number(struct item *item, uint64_t value)
{
	item->value = value;
	return true;
}

/* What only those know who read the packet. */
static bool frame_item(const struct frame *f, size_t row, struct item *item)
{
	if (row == ROW_COMMENT)
		return set_text(item, f->comment, f->comment_len);
	if (!f->number)
		return false;
	switch (row) {
	case ROW_NUMBER:
		return set_number(item, f->number);
	case ROW_INTERFACE_ID:
		return set_number(item, f->interface_id);
	case ROW_INTERFACE_NAME:
		return set_text(item, f->interface, f->interface ? strlen(f->interface) : 0);
	case ROW_ENCAP_TYPE:
		return set_number(item, link_type_encap(f->link_type));
	case ROW_TIME:
	case ROW_TIME_EPOCH:
		return set_number(item, (uint64_t)f->time_ns);
	case ROW_TIME_DELTA:
		return set_number(item, (uint64_t)f->since_previous_ns);
	case ROW_TIME_RELATIVE:
		return set_number(item, (uint64_t)f->since_first_ns);
	default:
		return false;
	}
}

bool packet_frame_item(const struct packet *p, const struct field *row, struct buf *text,
		       struct item *ret_item)
{
	struct item item = { .field = row };
	size_t i = (size_t)(row - fields);
	bool known;

	switch (i) {
	case ROW_LEN:
		known = set_number(&item, p->wire_len);
		break;
	case ROW_CAP_LEN:
		known = set_number(&item, p->cap_len);
		break;
	case ROW_PROTOCOLS:
		put_protocols(text, p);
		known = set_text(&item, text->data, text->len);
		break;
	default:
		known = p->frame && frame_item(p->frame, i, &item);
	}
	if (known)
		*ret_item = item;
	return known;
}

void packet_frame_items(const struct packet *p, struct sink *sink)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		char memory[512];
		struct buf text = buf_in(memory, sizeof(memory));
		struct item item;

		if (packet_frame_item(p, &fields[i], &text, &item))
			sink->item(sink, &item);
	}
}

const struct protocol protocol_frame = {
	PROTOCOL_NAME("frame"),
	.short_name = "frame",
	.title = "Frame",
	.about = "What the capture knows of a packet beside its bytes.",
	.more_rows = &(const struct rows){ fields, ARRAY_LEN(fields) },
	.n_more_rows = 1,
};
