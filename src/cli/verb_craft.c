/* sonde craft: packets from an expression, shown, written to a file, or sent. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/craft.h"
#include "cli/probing.h"
#include "cli/verbs.h"
#include "io/capture_writer.h"
#include "io/clock.h"
#include "probe/pace.h"
#include "wire/link_types.h"
#include "wire/print.h"

#define PACKET_MAX 65535
#define TEXT_MAX   (4 << 20)
#define TEXT_PIECE (1 << 16) /* written at once */
#define LINK_TYPES 300	     /* numbers in use are below */
#define LINK_RAW   101

struct craft_options {
	bool hex;
	const char *write;
	uint64_t times, limit;
};

static const struct verb_option options[] = {
	{ 'x', "hex", NULL, "only the bytes, in hexadecimal, a packet a line", OPTION_FLAG,
	  offsetof(struct craft_options, hex) },
	{ 'w', "write", "FILE", "write a capture file: pcapng, or pcap by its name's end",
	  OPTION_TEXT, offsetof(struct craft_options, write), .completes = COMPLETE_FILE },
	{ 0, "times", "N", "everything so often", OPTION_UINT,
	  offsetof(struct craft_options, times), 1, UINT32_MAX },
	{ 0, "limit", "N", "no more packets than that, of all combinations", OPTION_UINT,
	  offsetof(struct craft_options, limit), 1, UINT64_MAX },
};

static const struct craft_options defaults = { .times = 1, .limit = UINT64_MAX };

enum { PACKETS, BYTES, INTERFACE, FILE_NAME, N_ACCOUNT };
static const struct out_column account_columns[] = {
	[PACKETS] = { "packets", OUT_UINT, .about = "made, and sent or written" },
	[BYTES] = { "bytes", OUT_UINT, .about = "in all of them" },
	[INTERFACE] = { "interface", OUT_TEXT, .about = "that they were sent through" },
	[FILE_NAME] = { "file", OUT_TEXT, .about = "that they were written to" },
};
static const struct out_type account_type = { "crafted", account_columns, N_ACCOUNT };
static const struct out_type *const records[] = { &account_type, NULL };

struct crafting {
	struct command *cmd;
	const struct craft_options *o;
	struct craft_text *text;
	struct craft_sender *sender;
	struct capture_writer *writer;
	struct pace pace;
	uint32_t link_type;
	uint8_t first; /* what packets begin with */
	uint64_t packets, bytes;
	struct buf out;
	uint8_t memory[PACKET_MAX];
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static int cannot_make(const struct crafting *x, int err, const struct fault *fault)
{
	if (err == -E_SYNTAX)
		return command_fault(x->cmd, x->cmd->operands[0], fault);
	return command_fails(x->cmd, err == -E_FULL ? EXIT_USAGE : EXIT_CANNOT, "%s",
			     err == -E_FULL ? "this is too long: a packet has at most 65,535 bytes "
					      "and 16 layers, an expression 256 fields"
					    : err_text(err));
}

/* The number that files have for packets that begin so; 0: none. */
static uint32_t find_link_type(uint8_t first)
{
	static const uint8_t v4[] = { 0x45 }, v6[] = { 0x60 };

	if (first == PROTOCOL_IPV4 || first == PROTOCOL_IPV6)
		return LINK_RAW;
	for (uint32_t i = 1; i < LINK_TYPES; i++)
		if (link_type_protocol(i, v4, 1) == first && link_type_protocol(i, v6, 1) == first)
			return i;
	return 0;
}

static int cannot_write(struct crafting *x)
{
	if (capture_writer_error(x->writer) == -EPIPE) { /* whoever reads has enough */
		interrupted = 1;
		return 0;
	}
	return command_fails(x->cmd, EXIT_CANNOT, "%s", capture_writer_fault(x->writer)->text);
}

static int open_file(struct crafting *x)
{
	const char *path = x->o->write;
	size_t len = strlen(path);
	struct capture_writer_config config = {
		.folder_fd = AT_FDCWD,
		.path = path,
		.format = len > 5 && !strcmp(path + len - 5, ".pcap") ? CAPTURE_PCAP_NS
								      : CAPTURE_PCAPNG,
		.application = "sonde " SONDE_VERSION,
		.now_ns = clock_wall_ns(),
	};
	struct capture_writer_interface interface = { .name = "crafted" };
	struct fault fault = { 0 };

	x->link_type = interface.link_type = find_link_type(x->first);
	if (!x->link_type)
		return command_fails(x->cmd, EXIT_USAGE,
				     "files hold packets that begin with a link's header or with "
				     "ip, not with %s",
				     protocols[x->first]->name);
	if (capture_writer_new(&config, &x->writer, &fault) < 0)
		return command_fails(x->cmd, EXIT_CANNOT, "%s", fault.text);
	if (capture_writer_add_interface(x->writer, &interface) < 0 ||
	    capture_writer_begin(x->writer) < 0)
		return cannot_write(x);
	return 0;
}

static int write_packet(struct crafting *x, const uint8_t *bytes, uint32_t len)
{
	struct capture_packet p = { .bytes = bytes,
				    .cap_len = len,
				    .wire_len = len,
				    .time_ns = clock_wall_ns(),
				    .link_type = x->link_type };

	return capture_writer_packet(x->writer, &p) < 0 ? cannot_write(x) : 0;
}

/* Sixteen bytes a line, with offsets, as `sonde explain --hex` takes them back. */
static void put_bytes(struct buf *b, const uint8_t *bytes, uint32_t len)
{
	for (uint32_t at = 0; at < len; at += 16) {
		buf_lit(b, "  ");
		buf_hex_u64(b, at, 4);
		buf_lit(b, "  ");
		buf_hex(b, bytes + at, MIN(len - at, 16u), ' ');
		buf_char(b, '\n');
	}
}

static int write_text(struct crafting *x)
{
	int err = command_write(x->cmd->fd, &x->out);

	buf_reset(&x->out);
	if (err == -EPIPE) { /* whoever reads has enough */
		interrupted = 1;
		return 0;
	}
	return err ? command_fails(x->cmd, EXIT_CANNOT, "cannot write the results: %s",
				   err_text(err))
		   : 0;
}

static int show_packet(struct crafting *x, const uint8_t *bytes, uint32_t len)
{
	struct buf *b = &x->out;
	struct packet p;

	packet_walk(&p, x->first, bytes, len, len);
	if (x->o->hex) {
		buf_hex(b, bytes, len, 0);
	} else if (x->cmd->common.json) {
		print_json(b, &p, &(struct json_config){ .payload = true });
	} else {
		print_line(b, &p);
	}
	buf_char(b, '\n');
	if (!x->o->hex && !x->cmd->common.json)
		put_bytes(b, bytes, len);
	return b->len > TEXT_PIECE || x->sender ? write_text(x) : 0;
}

/* Waits for the next packet's turn. */
static void wait_turn(struct crafting *x)
{
	uint64_t now = clock_monotonic_ns(), due;

	while (!interrupted && !pace_budget(&x->pace, now)) {
		struct timespec until;

		due = pace_deadline(&x->pace);
		until = (struct timespec){ .tv_sec = (time_t)(due / NS_PER_S),
					   .tv_nsec = (long)(due % NS_PER_S) };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		now = clock_monotonic_ns();
	}
	pace_spend(&x->pace, 1);
}

static void wait_every(struct crafting *x, uint64_t start_ns)
{
	uint64_t due = start_ns + x->packets * x->cmd->common.every_ns;
	struct timespec until = { .tv_sec = (time_t)(due / NS_PER_S),
				  .tv_nsec = (long)(due % NS_PER_S) };

	while (!interrupted && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL))
		;
}

static int make_packet(struct crafting *x, uint64_t i)
{
	struct fault fault = { 0 };
	struct craft c;
	int err, status;

	craft_init(&c, x->memory, sizeof(x->memory));
	err = x->sender ? craft_sender_begin(x->sender, &c) : 0;
	if (!err)
		err = craft_text_make(x->text, i, &c, &fault);
	if (err)
		return cannot_make(x, err, &fault);
	status = x->sender ? craft_sender_complete(x->sender, &c) : 0;
	if (status)
		return status;
	err = craft_finish(&c, &fault);
	if (err < 0)
		return cannot_make(x, err, &fault);
	status = x->writer ? write_packet(x, c.bytes, c.len) : 0;
	if (!status && x->sender)
		status = craft_sender_send(x->sender, c.bytes, c.len);
	if (!status && (x->o->hex || x->cmd->common.json || (!x->writer && !x->sender)))
		status = show_packet(x, c.bytes, c.len);
	x->packets += !status;
	x->bytes += status ? 0 : c.len;
	return status;
}

static int make_all(struct crafting *x)
{
	uint64_t n = craft_text_count(x->text), start_ns = clock_monotonic_ns();
	bool spaced = x->cmd->common.given & COMMON_EVERY;
	int status = 0;

	x->pace = pace_of(probing_rate(x->cmd), false, start_ns);
	for (uint64_t k = 0; !status && k < x->o->times; k++) {
		for (uint64_t i = 0; !status && i < n && x->packets < x->o->limit; i++) {
			if (x->sender && spaced)
				wait_every(x, start_ns);
			else if (x->sender)
				wait_turn(x);
			if (interrupted)
				return 0;
			status = make_packet(x, i);
		}
	}
	return status;
}

static void tell_account(struct crafting *x)
{
	struct command *cmd = x->cmd;
	struct out_value row[N_ACCOUNT] = {
		[PACKETS] = out_uint(x->packets),
		[BYTES] = out_uint(x->bytes),
	};

	if (x->sender)
		row[INTERFACE] = out_text(cmd->common.iface);
	if (x->writer)
		row[FILE_NAME] = out_text(x->o->write);
	if (cmd->common.csv || cmd->common.fields)
		out_record(cmd->out, &account_type, row);
	else
		command_notes(cmd, "%llu packet%s of %llu bytes %s%s%s%s",
			      (unsigned long long)x->packets, x->packets == 1 ? "" : "s",
			      (unsigned long long)x->bytes, x->sender ? "sent through " : "",
			      x->sender ? cmd->common.iface : "",
			      x->sender && x->writer ? ", written to "
			      : x->writer	     ? "written to "
						     : "",
			      x->writer ? capture_writer_name(x->writer) : "");
}

static int run_crafting(struct crafting *x)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct fault fault = { 0 };
	int err = craft_text_parse(x->cmd->operands[0], &x->text, &fault), status = 0;

	if (err)
		return cannot_make(x, err, &fault);
	if (x->cmd->common.iface)
		status = craft_sender_new(x->cmd, x->text, &x->sender);
	if (status)
		return status;
	x->first = x->sender && craft_sender_is_frame(x->sender) ? PROTOCOL_ETHERNET
								 : craft_text_first(x->text);
	status = x->o->write ? open_file(x) : 0;
	if (status)
		return status;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	status = make_all(x);
	if (!status)
		status = write_text(x);
	if (x->writer && capture_writer_finish(x->writer) < 0 && !status)
		status = cannot_write(x);
	if (x->sender || (x->writer && !capture_writer_error(x->writer)))
		tell_account(x);
	return status;
}

static int run(struct command *cmd, void *opaque)
{
	struct crafting *x = calloc(1, sizeof(*x));
	int status;

	if (!x)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	x->cmd = cmd;
	x->o = opaque;
	x->out = buf_of(TEXT_MAX);
	status = run_crafting(x);
	craft_sender_free(x->sender);
	capture_writer_free(x->writer);
	craft_text_free(x->text);
	buf_done(&x->out);
	free(x);
	return status;
}

static const struct example examples[] = {
	{ "sonde craft 'eth/ip(dst=10.77.0.5,ttl=3)/udp/dns(qry.name=example.com)'",
	  "a query, in one line and as bytes" },
	{ "sonde craft -i eth0 'ip(dst=10.77.0.1)/icmp(type=8)/data(len=56)'",
	  "an echo request, sent; the route tells the rest" },
	{ "sonde craft -w syn.pcapng 'ip(dst=10.0.0.1-10)/tcp(dstport={80,443},flags.syn=1)'",
	  "twenty packets into a file" },
	{ "sonde craft 'udp/dhcp(option.dhcp=Discover,option.hostname=x)' --json",
	  "all fields of what was made" },
	{ "sonde craft 'tcp/tls(handshake.extensions_server_name=www.example.com)'",
	  "a client hello" },
	{ "sonde craft 'tcp/http(response.code=404)/data(data=\"nothing here\")' --hex",
	  "a response, its length computed" },
};

const struct verb verb_craft = {
	.name = "craft",
	.operands = "PACKETS",
	.summary = "packets from an expression: shown, written to a file, or sent",
	.about =
		"PACKETS are layers from the outside in, with a slash between, each with its fields in "
		"parentheses: 'eth/ip(dst=10.77.0.5,ttl=3)/udp(dstport=53)'. Names are Wireshark's, with "
		"or without the protocol's in front; sonde explain PROTOCOL lists them. What is not set "
		"is computed: types, lengths, checksums, ports, counts. What is set stays, even if it is "
		"wrong.\n\n"
		"Several values of a field make several packets, every combination in order: ttl=1-5, "
		"dst=10.0.0.0/28, dstport={80,443}. Values with commas or brackets stand in double "
		"quotes; \\n, \\r, \\t, \\xHH are as in C. In lists of options and records, fields go "
		"into the one before them until it has them already; the name of a group begins "
		"another.\n\n"
		"With -i packets are sent, 1,000 a second or as --rate or --every say. An expression "
		"that begins with ip or ipv6 gets its Ethernet header and source address from the "
		"kernel's routes and neighbours. Public destinations need --authorized. Source addresses "
		"that are not this machine's are sent only through interfaces that lead nowhere else "
		"(loopback, veth, tun).",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.options_size = sizeof(struct craft_options),
	.defaults = &defaults,
	.common = COMMON_OUTPUT | COMMON_IFACE | COMMON_RATE | COMMON_EVERY | COMMON_EXCLUDE,
	.min_operands = 1,
	.max_operands = 1,
	.records = records,
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.run = run,
};
