/*
 * Asks filters of the packets of a capture (pcap) and writes their columns, for tests. Segments are
 * taken apart one by one.
 *
 *   wire-match FILE                 reads filters from standard input, a line each, and writes for
 *                                   each a line: the numbers of the packets that it chose, or
 *                                   "! OFFSET MESSAGE" where it is refused
 *   wire-match FILE OPTION… -- NAME…  columns of all packets
 *   wire-match FILE ek              all packets as documents
 */
#include <stdio.h>
#include <stdlib.h>

#include "wire/columns.h"
#include "wire/ek.h"
#include "wire/filter.h"
#include "wire/link_types.h"

struct capture {
	uint8_t *bytes;
	size_t len;
	uint32_t link_type;
	bool swapped; /* big-endian */
	uint64_t fraction_ns;
	/* Of the packet in hand. */
	size_t at;
	int64_t first_ns;
	struct frame frame;
	struct packet packet;
};

static uint32_t number_at(const struct capture *c, size_t at)
{
	uint32_t v = load_be32(c->bytes + at);

	return c->swapped ? v : __builtin_bswap32(v);
}

static int open_capture(const char *path, struct capture *ret)
{
	FILE *f = fopen(path, "rb");
	struct capture c = { .at = 24 };
	uint32_t magic;
	size_t n;

	if (!f || fseek(f, 0, SEEK_END) < 0)
		return -1;
	c.len = (size_t)ftell(f);
	rewind(f);
	c.bytes = c.len < 24 ? NULL : malloc(c.len);
	if (!c.bytes)
		return -1;
	n = fread(c.bytes, 1, c.len, f);
	fclose(f);
	c.swapped = c.bytes[0] == 0xa1;
	magic = number_at(&c, 0);
	if (n != c.len || (magic != 0xa1b2c3d4 && magic != 0xa1b23c4d)) {
		free(c.bytes);
		return -1;
	}
	c.fraction_ns = magic == 0xa1b2c3d4 ? 1000 : 1;
	c.link_type = number_at(&c, 20);
	*ret = c;
	return 0;
}

/* Walks the next packet. Returns false at the end. */
static bool next_packet(struct capture *c)
{
	struct frame *f = &c->frame;
	uint32_t len;
	int64_t time;

	if (c->len - c->at < 16)
		return false;
	len = number_at(c, c->at + 8);
	if (len > c->len - c->at - 16)
		return false;
	time = number_at(c, c->at) * (int64_t)NS_PER_S +
	       number_at(c, c->at + 4) * (int64_t)c->fraction_ns;
	if (!f->number)
		c->first_ns = time;
	f->since_previous_ns = f->number ? time - f->time_ns : 0;
	f->since_first_ns = time - c->first_ns;
	f->time_ns = time;
	f->number++;
	f->link_type = c->link_type;
	packet_walk(&c->packet, link_type_protocol(c->link_type, c->bytes + c->at + 16, len),
		    c->bytes + c->at + 16, len, number_at(c, c->at + 12));
	c->packet.frame = f;
	c->at += 16 + len;
	return true;
}

static void match(const struct capture *capture, const char *text, size_t len)
{
	struct capture c = *capture;
	struct filter *filter;
	struct fault fault;

	if (filter_new(text, len, &filter, &fault) < 0) {
		printf("! %zu %s\n", fault.offset, fault.text);
		return;
	}
	while (next_packet(&c))
		if (filter_matches(filter, &c.packet))
			printf("%llu ", (unsigned long long)c.frame.number);
	putchar('\n');
	filter_free(filter);
}

/* @words: options of columns, "--", names. */
static int put_columns(struct capture *c, char **words)
{
	struct buf out = buf_of(1 << 24);
	struct columns columns;
	struct fault fault = { 0 };
	int err = 0;

	columns_init(&columns);
	for (; *words && strcmp(*words, "--") != 0 && !err; words++)
		err = columns_option(&columns, *words, &fault);
	for (words += *words ? 1 : 0; *words && !err; words++)
		err = columns_add(&columns, *words, &fault);
	if (err) {
		fprintf(stderr, "%s\n", fault.text);
		return 2;
	}
	columns_header(&out, &columns);
	while (next_packet(c)) {
		columns_put(&out, &columns, &c->packet);
		buf_char(&out, '\n');
		fwrite(out.data, 1, out.len, stdout);
		buf_reset(&out);
	}
	buf_done(&out);
	return 0;
}

static int put_documents(struct capture *c)
{
	struct buf out = buf_of(1 << 24);
	struct ek *e;

	if (ek_new(true, &e) < 0)
		return 3;
	while (next_packet(c)) {
		ek_put(&out, e, &c->packet);
		fwrite(out.data, 1, out.len, stdout);
		buf_reset(&out);
	}
	buf_done(&out);
	ek_free(e);
	return 0;
}

static int match_all(const struct capture *c)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0)
		match(c, line, (size_t)n - (line[n - 1] == '\n'));
	free(line);
	return 0;
}

int main(int argc, char **argv)
{
	struct capture c;
	int status;

	if (argc < 2 || open_capture(argv[1], &c) < 0) {
		fprintf(stderr, "usage: wire-match FILE [ek | OPTION… -- NAME…] (pcap)\n");
		return 2;
	}
	if (argc == 2)
		status = match_all(&c);
	else if (argc == 3 && !strcmp(argv[2], "ek"))
		status = put_documents(&c);
	else
		status = put_columns(&c, argv + 2);
	free(c.bytes);
	return status;
}
