/*
 * Any text as a filter, asked of any bytes as a packet: the input is the filter, a newline, and the
 * packet (Ethernet). Refusals point into the text; the first word is tried as a column, too, and
 * the packet is written as a document.
 */
#include <stdlib.h>

#include "wire/columns.h"
#include "wire/ek.h"
#include "wire/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_column(const char *text, size_t len, const struct packet *p)
{
	struct buf b = buf_of(1 << 24);
	struct columns columns;
	char name[64];

	len = MIN(len, sizeof(name) - 1);
	memcpy(name, text, len);
	name[len] = '\0';
	name[strcspn(name, " =[#")] = '\0';
	columns_init(&columns);
	if (columns_add(&columns, name, NULL) == 0) {
		columns_header(&b, &columns);
		columns_put(&b, &columns, p);
	}
	if (b.err)
		abort();
	buf_done(&b);
}

static void put_document(const struct packet *p)
{
	static struct ek *ek;
	struct buf b = buf_of(1 << 26);

	if (!ek && ek_new(true, &ek) < 0)
		abort();
	ek_put(&b, ek, p);
	if (b.err || b.data[b.len - 1] != '\n')
		abort();
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct frame frame = { .number = 1, .time_ns = 1, .interface = "eth0" };
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t len = end ? (size_t)(end - data) : size;
	struct packet packet, more;
	struct filter *filter;
	struct fault fault = { 0 };
	int err = filter_new((const char *)data, len, &filter, &fault);

	if (err < 0) {
		if (err == -E_SYNTAX && (fault.offset > len || !*fault.text))
			abort();
		return 0;
	}
	size -= end ? len + 1 : len;
	packet_walk(&packet, PROTOCOL_ETHERNET, data + len + (end != NULL), (uint32_t)size, 0);
	packet_walk(&more, PROTOCOL_IPV4, data + len + (end != NULL), (uint32_t)size, 0);
	packet.frame = &frame;
	(void)filter_matches(filter, &packet);
	packet.more = &more;
	(void)filter_matches(filter, &packet);
	(void)filter_needs(filter);
	put_column((const char *)data, len, &packet);
	put_document(&packet);
	filter_free(filter);
	return 0;
}
