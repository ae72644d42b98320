/*
 * The parts of `sonde capture`: packets come from a file or from interfaces (capture_source), are
 * taken apart, chosen and counted (capture_run), and leave as text (capture_print), as a file
 * (capture_write), or as tables and streams made of all of them (capture_tables, capture_follow).
 */
#ifndef SONDE_CLI_CAPTURE_H
#define SONDE_CLI_CAPTURE_H

#include "cli/verb.h"
#include "io/capture_packet.h"
#include "wire/packet.h"

struct capture_options {
	struct texts ifaces, fields, format, stop, ring, decode;
	const char *read, *write, *filter, *display, *mode, *user;
	const char *size, *period, *files; /* -C -G -W */
	const char *follow, *extract;
	uint64_t snap_len, buffer_kib;
	unsigned times;
	bool tree, hex, ascii, number, print, unbuffered, line_buffered, nanoseconds, promiscuous;
	bool talkers, flows, protocols, list_fields;
};

enum capture_mode {
	CAPTURE_NOTHING, /* only written, or only counted in tables */
	CAPTURE_LINES,
	CAPTURE_TREE,
	CAPTURE_JSON,
	CAPTURE_FIELDS,
	CAPTURE_EK,
};

enum capture_times {
	TIMES_CLOCK,	/* 12:34:56.123456 */
	TIMES_NONE,	/* -t */
	TIMES_EPOCH,	/* -tt: seconds since 1970 */
	TIMES_DELTA,	/* -ttt: since the line before */
	TIMES_DATE,	/* -tttt: date and clock */
	TIMES_RELATIVE, /* -ttttt: since the first */
};

/* One run of the verb. */
struct capture {
	struct command *cmd;
	const struct capture_options *o;
	enum capture_mode mode;
	const char *filter; /* libpcap's language, from -f or the operands; NULL: none */
	struct port_map *ports;
	struct filter *display;
	struct dissect *dissect;
	struct columns *columns; /* of CAPTURE_FIELDS */
	struct capture_printer *printer;
	struct capture_follow *follow; /* NULL: neither --follow nor --extract */
	struct capture_tables *tables; /* NULL: none was asked for */
	struct passive_names *names;   /* NULL: addresses stay numbers */
	struct capture_writer *writer; /* NULL: nothing is written */
	uint64_t max_packets, max_bytes, max_files, duration_ns; /* when to stop; 0: never */
	uint64_t seen, shown;
};

/*
 * Takes apart, chooses, shows, counts. Return: whether it passed the display filter, or negative
 * when nobody takes the output any more (-EPIPE or another error of writing).
 */
int capture_packet(struct capture *c, const struct capture_packet *packet, const char *interface);

/* @n packets were captured, but not given to capture_packet(). */
void capture_skipped(struct capture *c, uint64_t n);

/*
 * All that was given to capture_packet() is out, and nothing refers to interfaces' names any more:
 * before their owner is freed.
 */
void capture_let_go(struct capture *c);

/* Nothing comes at the moment: what is known is shown. Return: 0 or negative as above. */
int capture_settle(struct capture *c);

/* Time to show tables anew, and how often in ns; 0: only at the end. */
void capture_refresh(struct capture *c);
uint64_t capture_refresh_ns(const struct capture *c);

/* Whether -c or -a packets: is reached. */
static inline bool capture_enough(const struct capture *c)
{
	return c->max_packets && c->shown >= c->max_packets;
}

/* Whether packets are taken apart at all, or only written. */
static inline bool capture_shows(const struct capture *c)
{
	return c->mode != CAPTURE_NOTHING || c->tables || c->follow;
}

/* Says what is wrong with the capture filter, and whether it is one of the other language. Return:
 * EXIT_USAGE. */
int capture_filter_fault(const struct capture *c, struct fault *fault);

/* Where packets come from: a file, or interfaces. Both give the exit status. */
int capture_read(struct capture *c);
int capture_listen(struct capture *c);

/*
 * What -w, -C, -G, -W, -b and -U say: opens it as c->writer. @first_ns: time of the first packet,
 * since 1970. Return: an exit status.
 */
int capture_write_open(struct capture *c, int64_t first_ns);

/* Return: 0; 1 when that was all that was asked for; negative: see capture_write_complain(). */
int capture_write(struct capture *c, const struct capture_packet *packet);

/* Says what went wrong with the file, and gives the exit status. */
int capture_write_complain(const struct capture *c);

/* Packets as text. */

struct capture_printer;

/**
 * capture_printer_new() - what the options ask for, onto the command's output
 * @c: whose command, options, mode, columns and names outlive the printer; the names learn from
 * what is printed
 * Return: 0, -ENOMEM, -EAGAIN.
 */
MUST_CHECK int capture_printer_new(const struct capture *c, struct capture_printer **ret_printer);
struct capture_printer *capture_printer_free(struct capture_printer *p);

/* Return: 0, or -errno of the first write that failed. */
int capture_printer_packet(struct capture_printer *p, const struct packet *packet);

/* Text between packets: "--- 12 packets not shown". Only for people. */
void capture_printer_note(struct capture_printer *p, const char *format, ...) PRINTF(2, 3);

/* What was printed goes out without waiting for more; at the end: and is out. Return: likewise. */
int capture_printer_push(struct capture_printer *p);
int capture_printer_finish(struct capture_printer *p);

#endif
