#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/passive_names.h"
#include "cli/capture_pool.h"
#include "cli/capture_time.h"
#include "wire/columns.h"
#include "wire/ek.h"
#include "wire/print.h"

#define THREADS_MAX 4U

/* What one thread needs to make text. */
struct printing {
	const struct capture_printer *printer;
	struct capture_clock clock;
	struct ek *ek; /* of CAPTURE_EK */
};

struct capture_printer {
	struct command *cmd;
	enum capture_mode mode;
	const struct columns *columns;
	bool hex, each;		     /* bytes, too; every packet is written at once */
	bool ascii, number;	     /* data as text; numbers in front */
	struct passive_names *names; /* learnt while printing; NULL: addresses stay numbers */
	struct capture_pool *pool;
	int64_t previous_ns;			   /* of the packet shown last */
	struct printing printing[THREADS_MAX + 1]; /* the last is of who hands packets over */
};

/* The captured bytes, then those of what the packet completed. */
static void put_all_bytes(struct buf *b, const struct packet *packet)
{
	buf_hexdump(b, packet->bytes, packet->cap_len, 0, 4, 4);
	for (const struct packet *more = packet->more; more; more = more->more) {
		buf_printf(b, "    %s, %u bytes\n",
			   more->config->stream ? "Message in the stream" : "Whole datagram",
			   more->cap_len);
		buf_hexdump(b, more->bytes, more->cap_len, 0, 4, 4);
	}
}

/* What TCP or UDP carries in this packet, else what no protocol claims: printable ASCII and line
 * ends, a dot for all else. */
static void put_ascii(struct buf *b, const struct packet *packet)
{
	const struct layer *l = packet_layer(packet, PROTOCOL_TCP) ?: packet_layer(packet, PROTOCOL_UDP)
				?: packet_layer(packet, PROTOCOL_DATA);
	const uint8_t *bytes;
	uint32_t len;
	bool start = true;

	if (!l)
		return;
	bytes = packet_payload(packet, l, &len);
	if (l->proto == PROTOCOL_DATA) {
		len = packet->cap_len - MIN(l->off, packet->cap_len);
		bytes = packet->bytes + packet->cap_len - len;
		len = MIN(len, l->header_len + l->payload_len);
	}
	for (uint32_t i = 0; i < len; i++) {
		bool end = bytes[i] == '\n';

		if (bytes[i] == '\r' && i + 1 < len && bytes[i + 1] == '\n')
			continue;
		if (start)
			buf_lit(b, "    ");
		start = end;
		buf_char(b, end || (bytes[i] >= ' ' && bytes[i] < 127) ? (char)bytes[i] : '.');
	}
	if (!start)
		buf_char(b, '\n');
}

/* "    7 " */
static void put_number(struct buf *b, uint64_t number)
{
	for (uint64_t least = 10000; least > 1 && number < least; least /= 10)
		buf_char(b, ' ');
	buf_u64(b, number);
	buf_char(b, ' ');
}

static void put_line(struct printing *p, struct buf *b, const struct packet *packet)
{
	bool colour = p->printer->cmd->colour;

	if (colour)
		buf_lit(b, "\033[2m");
	if (p->printer->number)
		put_number(b, packet->frame->number);
	capture_clock_write(&p->clock, b, packet->frame);
	if (colour)
		buf_lit(b, "\033[0m");
	print_line(b, packet);
	buf_char(b, '\n');
}

/* One packet as the mode says. */
static void print_packet(void *state, struct buf *b, const struct pool_packet *item)
{
	static const struct json_config whole = { .payload = true };
	struct printing *p = state;
	const struct capture_printer *printer = p->printer;
	const struct packet *packet = item->packet;

	p->clock.shown_ns = item->previous_ns;
	if (printer->names)
		passive_names_learn(printer->names, packet);
	switch (printer->mode) {
	case CAPTURE_NOTHING:
		return;
	case CAPTURE_EK:
		ek_put(b, p->ek, packet);
		return;
	case CAPTURE_FIELDS:
		columns_put(b, printer->columns, packet);
		buf_char(b, '\n');
		return;
	case CAPTURE_LINES:
		put_line(p, b, packet);
		break;
	case CAPTURE_TREE:
		put_line(p, b, packet);
		print_tree(b, packet);
		break;
	case CAPTURE_JSON:
		print_json(b, packet, printer->hex ? &whole : NULL);
		buf_char(b, '\n');
		return;
	}
	if (printer->hex)
		put_all_bytes(b, packet);
	if (printer->ascii)
		put_ascii(b, packet);
	if (printer->hex || printer->ascii || printer->mode == CAPTURE_TREE)
		buf_char(b, '\n');
}

/* One thread for each processor, with the one that hands packets over. Names are learnt in the
 * order of the packets: by one thread. */
static unsigned threads_for(const struct capture_printer *p)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return p->names || n < 3 ? 1 : MIN((unsigned)n - 1, THREADS_MAX);
}

/* The line above all others. */
static int put_header(struct capture_printer *p)
{
	struct buf b = buf_of(1 << 20);
	int err;

	columns_header(&b, p->columns);
	err = b.err ? b.err : capture_pool_text(p->pool, b.data, b.len);
	buf_done(&b);
	return err;
}

int capture_printer_new(const struct capture *c, struct capture_printer **ret_printer)
{
	const struct capture_options *o = c->o;
	struct capture_printer *p = calloc(1, sizeof(*p));
	void *states[THREADS_MAX + 1];
	struct capture_pool_config config = {
		.fd = c->cmd->fd,
		.print = print_packet,
		.states = states,
	};
	int err;

	if (!p)
		return -ENOMEM;
	p->cmd = c->cmd;
	p->mode = c->mode;
	p->names = c->names;
	p->columns = c->columns;
	p->hex = o->hex;
	p->ascii = o->ascii;
	p->number = o->number;
	p->each = o->line_buffered;
	p->previous_ns = INT64_MIN;
	config.n_threads = threads_for(p);
	err = 0;
	for (size_t i = 0; i < ARRAY_LEN(p->printing) && !err; i++) {
		p->printing[i].printer = p;
		capture_clock_init(&p->printing[i].clock,
				   (enum capture_times)MIN(o->times, (unsigned)TIMES_RELATIVE),
				   o->nanoseconds);
		states[i] = &p->printing[i];
		if (p->mode == CAPTURE_EK)
			err = ek_new(p->hex, &p->printing[i].ek);
	}
	if (!p->names)
		config.own_state = &p->printing[THREADS_MAX];
	if (!err)
		err = capture_pool_new(&config, &p->pool);
	if (!err && p->mode == CAPTURE_FIELDS && p->columns->config.header)
		err = put_header(p);
	if (err < 0)
		capture_printer_free(p);
	else
		*ret_printer = p;
	return err;
}

struct capture_printer *capture_printer_free(struct capture_printer *p)
{
	if (!p)
		return NULL;
	capture_pool_free(p->pool);
	for (size_t i = 0; i < ARRAY_LEN(p->printing); i++)
		ek_free(p->printing[i].ek);
	free(p);
	return NULL;
}

int capture_printer_packet(struct capture_printer *p, const struct packet *packet)
{
	const struct pool_packet item = { packet, p->previous_ns };
	int err = capture_pool_packet(p->pool, &item);

	p->previous_ns = packet->frame->time_ns;
	return !err && p->each ? capture_pool_push(p->pool) : err;
}

void capture_printer_note(struct capture_printer *p, const char *format, ...)
{
	char text[160];
	va_list args;
	int len;

	if (p->mode != CAPTURE_LINES && p->mode != CAPTURE_TREE)
		return;
	va_start(args, format);
	len = vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	len = MIN(len, (int)sizeof(text) - 2);
	text[len++] = '\n';
	(void)capture_pool_text(p->pool, text, (size_t)len);
}

int capture_printer_push(struct capture_printer *p)
{
	return capture_pool_push(p->pool);
}

int capture_printer_finish(struct capture_printer *p)
{
	return capture_pool_finish(p->pool);
}
