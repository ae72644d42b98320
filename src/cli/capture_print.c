#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/capture_time.h"
#include "wire/print.h"

/* Text is written in pieces of this size when nobody waits for single lines. */
#define PIECE	 (256U << 10)
#define TEXT_MAX (64U << 20)

struct capture_printer {
	struct command *cmd;
	enum capture_mode mode;
	struct capture_clock clock;
	struct buf text;
	bool hex, each; /* bytes, too; every packet is written at once */
	int err;
};

struct capture_printer *capture_printer_new(struct command *cmd, const struct capture_options *o,
					    enum capture_mode mode, int *ret_status)
{
	struct capture_printer *p = calloc(1, sizeof(*p));

	if (!p) {
		*ret_status = command_fails(cmd, EXIT_CANNOT, "out of memory");
		return NULL;
	}
	p->cmd = cmd;
	p->mode = mode;
	p->text = buf_of(TEXT_MAX);
	p->hex = o->hex;
	p->each = o->line_buffered;
	capture_clock_init(&p->clock, (enum capture_times)MIN(o->times, (unsigned)TIMES_RELATIVE),
			   o->nanoseconds);
	return p;
}

struct capture_printer *capture_printer_free(struct capture_printer *p)
{
	if (!p)
		return NULL;
	buf_done(&p->text);
	free(p);
	return NULL;
}

/* Sixteen bytes a line: offset, hexadecimal, characters. */
static void put_bytes(struct buf *b, const uint8_t *bytes, uint32_t len)
{
	for (uint32_t at = 0; at < len; at += 16) {
		uint32_t n = MIN(len - at, 16u);

		buf_lit(b, "    ");
		buf_hex_u64(b, at, 4);
		buf_lit(b, "  ");
		for (uint32_t i = 0; i < 16; i++) {
			if (i == 8)
				buf_char(b, ' ');
			if (i < n)
				buf_hex_u64(b, bytes[at + i], 2);
			else
				buf_lit(b, "  ");
			buf_char(b, ' ');
		}
		buf_char(b, ' ');
		for (uint32_t i = 0; i < n; i++)
			buf_char(b, bytes[at + i] >= ' ' && bytes[at + i] < 127
					    ? (char)bytes[at + i]
					    : '.');
		buf_char(b, '\n');
	}
}

/* The captured bytes, then those of what the packet completed. */
static void put_all_bytes(struct buf *b, const struct packet *packet)
{
	put_bytes(b, packet->bytes, packet->cap_len);
	for (const struct packet *more = packet->more; more; more = more->more) {
		buf_printf(b, "    %s, %u bytes\n",
			   more->config->stream ? "Message in the stream" : "Whole datagram",
			   more->cap_len);
		put_bytes(b, more->bytes, more->cap_len);
	}
}

static void put_line(struct capture_printer *p, const struct packet *packet)
{
	struct buf *b = &p->text;

	if (p->cmd->colour)
		buf_lit(b, "\033[2m");
	capture_clock_write(&p->clock, b, packet->frame);
	if (p->cmd->colour)
		buf_lit(b, "\033[0m");
	print_line(b, packet);
	buf_char(b, '\n');
}

/* One packet as the mode says. */
static void put_packet(struct capture_printer *p, const struct packet *packet)
{
	static const struct json_config whole = { .payload = true };

	switch (p->mode) {
	case CAPTURE_NOTHING:
	case CAPTURE_FIELDS:
	case CAPTURE_EK:
		return;
	case CAPTURE_LINES:
		put_line(p, packet);
		break;
	case CAPTURE_TREE:
		put_line(p, packet);
		print_tree(&p->text, packet);
		break;
	case CAPTURE_JSON:
		print_json(&p->text, packet, p->hex ? &whole : NULL);
		buf_char(&p->text, '\n');
		return;
	}
	if (p->hex)
		put_all_bytes(&p->text, packet);
	if (p->hex || p->mode == CAPTURE_TREE)
		buf_char(&p->text, '\n');
}

int capture_printer_packet(struct capture_printer *p, const struct packet *packet)
{
	put_packet(p, packet);
	if (unlikely(p->text.err) && !p->err)
		p->err = p->text.err;
	return p->text.len >= PIECE || p->each ? capture_printer_flush(p) : p->err;
}

void capture_printer_note(struct capture_printer *p, const char *format, ...)
{
	char text[160];
	va_list args;

	if (p->mode != CAPTURE_LINES && p->mode != CAPTURE_TREE)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_str(&p->text, text);
	buf_char(&p->text, '\n');
}

int capture_printer_flush(struct capture_printer *p)
{
	const char *at = p->text.data;
	size_t left = p->text.len;

	while (left && !p->err) {
		ssize_t n = write(p->cmd->fd, at, left);

		if (n < 0 && errno != EINTR) {
			p->err = -errno;
		} else if (n > 0) {
			at += n;
			left -= (size_t)n;
		}
	}
	buf_reset(&p->text);
	return p->err;
}
