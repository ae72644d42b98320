/* sonde capture: packets from an interface or a file, as text, as a file, as tables. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/dissect.h"
#include "capture/passive_names.h"
#include "cli/capture_follow.h"
#include "cli/capture_tables.h"
#include "cli/verbs.h"
#include "io/capture_writer.h"
#include "wire/columns.h"
#include "wire/filter.h"
#include "wire/ports.h"
#include "wire/registry.h"

#define OPTION(member) offsetof(struct capture_options, member)
#define SNAP_MAX       CAPTURE_PACKET_MAX

static const struct verb_option options[] = {
	{ 'i', "interface", "IFACE", "capture on this interface; any: on all; may be repeated",
	  OPTION_TEXTS, OPTION(ifaces), .completes = COMPLETE_IFACE },
	{ 'r', "read", "FILE",
	  "read packets from a capture file: pcap or pcapng, plain, gzip or zstd; - for a pipe",
	  OPTION_TEXT, OPTION(read), .completes = COMPLETE_FILE },
	{ 'f', "filter", "FILTER", "capture filter in libpcap's language, instead of operands",
	  OPTION_TEXT, OPTION(filter) },
	{ 'Y', "display", "FILTER", "show only what this display filter matches: tcp.port == 80",
	  OPTION_TEXT, OPTION(display) },
	{ 'd', "decode-as", "RULE", "read a port's packets as a protocol: tcp.port==8080,http",
	  OPTION_TEXTS, OPTION(decode) },
	{ 't', NULL, NULL,
	  "times: -t none, -tt seconds since 1970, -ttt since the line before, -tttt with date, "
	  "-ttttt since the first",
	  OPTION_COUNTER, OPTION(times) },
	{ 0, "nano", NULL, "times with nine decimals", OPTION_FLAG, OPTION(nanoseconds) },
	{ 'V', "tree", NULL, "every field of every layer, a line each", OPTION_FLAG, OPTION(tree) },
	{ 'T', "type", "TYPE",
	  "what to print: fields (see -e), json, ek (as tshark writes it), text", OPTION_TEXT,
	  OPTION(mode) },
	{ 'e', "field", "FIELD", "this field as a column: ip.src; may be repeated", OPTION_TEXTS,
	  OPTION(fields) },
	{ 'E', "columns", "KEY=VALUE",
	  "separator=, aggregator=, quote=, occurrence=, header=y, as tshark takes them",
	  OPTION_TEXTS, OPTION(format) },
	{ 0, "list-fields", NULL, "all fields that filters and columns know", OPTION_FLAG,
	  OPTION(list_fields) },
	{ 0, "talkers", NULL, "the hosts, and the ports seen in use at them", OPTION_FLAG,
	  OPTION(talkers) },
	{ 0, "flows", NULL, "the conversations, both ways", OPTION_FLAG, OPTION(flows) },
	{ 0, "protocols", NULL, "how much of each protocol there is, inside which other",
	  OPTION_FLAG, OPTION(protocols) },
	{ 0, "follow", "KIND:N",
	  "what both sides of a connection said: tcp:N, udp:N, or http:N with its bodies decoded; "
	  "then perhaps ,hex or ,raw",
	  OPTION_TEXT, OPTION(follow) },
	{ 0, "extract", "http DIR", "the bodies of HTTP messages as files in DIR", OPTION_TEXT,
	  OPTION(extract) },
	{ 'x', "hex", NULL, "the bytes, too; with --json the data that no protocol claims",
	  OPTION_FLAG, OPTION(hex) },
	{ 'A', "ascii", NULL, "what TCP and UDP carry, as text", OPTION_FLAG, OPTION(ascii) },
	{ '#', "number", NULL, "the packet's number in front of its line: frame.number",
	  OPTION_FLAG, OPTION(number) },
	{ 'w', "write", "FILE",
	  "write the packets to a file: pcapng, or pcap when the name ends in .pcap", OPTION_TEXT,
	  OPTION(write), .completes = COMPLETE_FILE },
	{ 'P', "print", NULL, "with -w: show them as well", OPTION_FLAG, OPTION(print) },
	{ 'U', "packet-buffered", NULL, "write each packet to the file at once", OPTION_FLAG,
	  OPTION(unbuffered) },
	{ 'l', "line-buffered", NULL, "put out each line at once", OPTION_FLAG,
	  OPTION(line_buffered) },
	{ 'C', NULL, "SIZE", "go on in another file after so many million bytes, or with k, M, G",
	  OPTION_TEXT, OPTION(size) },
	{ 'G', NULL, "SECONDS",
	  "go on in another file after so long; its name may be a format of "
	  "strftime(3)",
	  OPTION_TEXT, OPTION(period) },
	{ 'W', NULL, "COUNT", "with -C keep so many files, with -G stop after so many", OPTION_TEXT,
	  OPTION(files) },
	{ 'b', "ring", "WHEN:N",
	  "another file, dated, by duration:, interval:, filesize: or "
	  "packets:; files: keeps so many",
	  OPTION_TEXTS, OPTION(ring) },
	{ 'a', "stop", "WHEN:N", "stop after duration:SECONDS, filesize:KB or packets:N",
	  OPTION_TEXTS, OPTION(stop) },
	{ 's', "snaplen", "BYTES",
	  "keep so many bytes of each packet; with -r and -w: in the file that is written",
	  OPTION_UINT, OPTION(snap_len), 0, SNAP_MAX },
	{ 'B', "buffer", "KIB", "size of the ring that the kernel fills", OPTION_UINT,
	  OPTION(buffer_kib), 1024, 4 << 20 },
	{ 0, "promiscuous", NULL, "receive frames that are for others, too", OPTION_FLAG,
	  OPTION(promiscuous) },
	{ 'Z', "user", "USER", "become this user once the interface is open", OPTION_TEXT,
	  OPTION(user) },
};

enum { L_NAME, L_TYPE, L_TITLE, N_LISTED };

static const struct out_column listed_columns[] = {
	[L_NAME] = { "name", OUT_TEXT, .about = "as filters and columns take it" },
	[L_TYPE] = { "type", OUT_TEXT, .about = "what its values are" },
	[L_TITLE] = { "title", OUT_TEXT, .about = "what it is" },
};
static const struct out_type listed_type = { "field", listed_columns, N_LISTED };

/* All fields, sorted by name. */
static int list_fields(struct command *cmd)
{
	static const char *const types[] = {
		[FIELD_UINT] = "number", [FIELD_INT] = "signed number", [FIELD_FLAG] = "flag",
		[FIELD_TIME] = "time",	 [FIELD_DURATION] = "duration", [FIELD_BYTES] = "bytes",
		[FIELD_MAC] = "MAC",	 [FIELD_IP4] = "IPv4",		[FIELD_IP6] = "IPv6",
		[FIELD_TEXT] = "text",	 [FIELD_NAME] = "domain name",	[FIELD_OID] = "OID",
		[FIELD_GROUP] = "group",
	};
	const struct registry_name *name;

	for (size_t i = 0; (name = registry_at(i)) != NULL; i++) {
		const struct field *row = registry_row(name);
		struct out_value values[N_LISTED] = {
			[L_NAME] = out_text(name->name),
			[L_TYPE] = out_text(name->protocol ? "protocol" : types[row->type]),
			[L_TITLE] = out_text(name->protocol ? protocols[name->protocol]->title
							    : row->title),
		};

		out_record(cmd->out, &listed_type, values);
	}
	return EXIT_YES;
}

/* The operands, joined by blanks, are the capture filter. */
static int join_filter(struct capture *c, struct buf *text)
{
	size_t first = c->o->extract ? 1 : 0; /* an operand is its folder */

	for (size_t i = first; i < c->cmd->n_operands; i++) {
		if (i > first)
			buf_char(text, ' ');
		buf_str(text, c->cmd->operands[i]);
	}
	if (text->len && c->o->filter)
		return command_fails(c->cmd, EXIT_USAGE,
				     "the capture filter is given twice: with -f and as operands");
	c->filter = text->len ? buf_cstr(text) : c->o->filter;
	return text->err ? command_fails(c->cmd, EXIT_USAGE, "the filter is too long") : EXIT_YES;
}

/* A number after @prefix, as -a has it. Return: whether @text begins with it. */
static bool stop_after(const char *text, const char *prefix, double *ret_n, bool *ret_fine)
{
	size_t len = strlen(prefix);
	char *end;

	if (strncmp(text, prefix, len) != 0)
		return false;
	*ret_n = strtod(text + len, &end);
	*ret_fine = end > text + len && !*end && *ret_n > 0 && *ret_n < 1e12;
	return true;
}

static int read_stops(struct capture *c)
{
	c->max_packets = c->cmd->common.count;
	c->duration_ns = c->cmd->common.for_ns;
	for (size_t i = 0; i < c->o->stop.n; i++) {
		const char *text = c->o->stop.items[i];
		bool fine = false;
		double n;

		if (stop_after(text, "duration:", &n, &fine))
			c->duration_ns = (uint64_t)(n * 1e9);
		else if (stop_after(text, "filesize:", &n, &fine))
			c->max_bytes = (uint64_t)(n * 1000);
		else if (stop_after(text, "packets:", &n, &fine))
			c->max_packets = (uint64_t)n;
		if (!fine)
			return command_fault(c->cmd, text,
					     &(struct fault){ 0, "expected duration:SECONDS, "
								 "filesize:KB or packets:N" });
	}
	return EXIT_YES;
}

/* -e and -E; --csv is the same with commas, quotes and a header. */
static int read_columns(struct capture *c)
{
	const struct capture_options *o = c->o;
	struct fault fault = { 0 };

	if (!o->fields.n)
		return command_fails(
			c->cmd, EXIT_USAGE,
			"which fields? Name each with -e, as in -e ip.src -e tcp.dstport; "
			"sonde capture --list-fields lists them");
	c->columns = malloc(sizeof(*c->columns));
	if (!c->columns)
		return command_fails(c->cmd, EXIT_CANNOT, "out of memory");
	columns_init(c->columns);
	if (c->cmd->common.csv) {
		c->columns->config.separator = ',';
		c->columns->config.aggregator = ' ';
		c->columns->config.quote = '"';
		c->columns->config.header = true;
	}
	for (size_t i = 0; i < o->format.n; i++)
		if (columns_option(c->columns, o->format.items[i], &fault) < 0)
			return command_fault(c->cmd, o->format.items[i], &fault);
	for (size_t i = 0; i < o->fields.n; i++)
		if (columns_add(c->columns, o->fields.items[i], &fault) < 0)
			return command_fault(c->cmd, o->fields.items[i], &fault);
	return EXIT_YES;
}

/* -T, which nobody needs who gives -e, -V or --json. */
static int read_type(struct capture *c)
{
	static const struct {
		const char *name;
		enum capture_mode mode;
	} types[] = { { "fields", CAPTURE_FIELDS },
		      { "json", CAPTURE_JSON },
		      { "ek", CAPTURE_EK },
		      { "text", CAPTURE_LINES } };
	const char *type = c->o->mode;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!strcmp(type, types[i].name)) {
			c->mode = types[i].mode;
			return EXIT_YES;
		}
	}
	return command_fails(c->cmd, EXIT_USAGE, "-T takes fields, json, ek or text, not '%s'",
			     type);
}

static int read_mode(struct capture *c)
{
	const struct capture_options *o = c->o;
	bool csv = c->cmd->common.csv, tables = o->talkers || o->flows || o->protocols;

	if (o->mode) {
		int status = read_type(c);

		if (status != EXIT_YES)
			return status;
		if (c->mode == CAPTURE_LINES && o->tree)
			c->mode = CAPTURE_TREE;
		return c->mode == CAPTURE_FIELDS ? read_columns(c) : EXIT_YES;
	}
	if (tables || o->follow || o->extract) {
		c->mode = CAPTURE_NOTHING;
		return EXIT_YES;
	}
	c->mode = c->cmd->common.json  ? CAPTURE_JSON
		  : o->fields.n || csv ? CAPTURE_FIELDS
		  : o->tree	       ? CAPTURE_TREE
				       : CAPTURE_LINES;
	if (c->mode == CAPTURE_FIELDS)
		return read_columns(c);
	if (c->mode == CAPTURE_LINES && o->write && !o->print && !o->hex && !o->ascii)
		c->mode = CAPTURE_NOTHING;
	return EXIT_YES;
}

static int read_ports(struct capture *c)
{
	struct fault fault = { 0 };

	if (!c->o->decode.n)
		return EXIT_YES;
	c->ports = malloc(sizeof(*c->ports));
	if (!c->ports)
		return command_fails(c->cmd, EXIT_CANNOT, "out of memory");
	*c->ports = port_map_default;
	for (size_t i = 0; i < c->o->decode.n; i++) {
		const char *text = c->o->decode.items[i];

		if (port_map_decode_as(c->ports, text, &fault) < 0)
			return command_fault(c->cmd, text, &fault);
	}
	return EXIT_YES;
}

/* What the administrator calls addresses. */
static void read_hosts(struct passive_names *names)
{
	FILE *f = fopen("/etc/hosts", "re");
	char line[1024], *rest, *addr_text, *name;
	struct addr addr;

	while (f && fgets(line, sizeof(line), f)) {
		addr_text = strtok_r(line, " \t\n", &rest);
		name = addr_text ? strtok_r(NULL, " \t\n", &rest) : NULL;
		if (name && *name != '#' && !addr_parse(addr_text, strlen(addr_text), &addr, NULL))
			passive_names_add(names, &addr, name, strlen(name));
	}
	if (f)
		fclose(f);
}

static int make_filter(struct capture *c)
{
	const char *text = c->o->display;
	struct fault fault = { 0 };
	int err = text ? filter_new(text, strlen(text), &c->display, &fault) : 0;

	if (err == -E_SYNTAX)
		return command_fault(c->cmd, text, &fault);
	return err < 0 ? command_fails(c->cmd, EXIT_CANNOT, "%s", err_text(err)) : EXIT_YES;
}

int capture_filter_fault(const struct capture *c, struct fault *fault)
{
	struct filter *display;
	int status = command_fault(c->cmd, c->filter, fault);

	if (filter_new(c->filter, strlen(c->filter), &display, NULL) == 0) {
		filter_free(display);
		command_notes(c->cmd, "as a display filter it is good: -Y '%s'", c->filter);
	}
	return status;
}

static int make_follow(struct capture *c)
{
	const struct capture_options *o = c->o;

	if (o->follow && o->extract)
		return command_fails(c->cmd, EXIT_USAGE,
				     "--follow and --extract exclude each other");
	if (o->extract && strcmp(o->extract, "http") != 0)
		return command_fails(c->cmd, EXIT_USAGE, "--extract takes http, not '%s'",
				     o->extract);
	if (o->extract && !c->cmd->n_operands)
		return command_fails(c->cmd, EXIT_USAGE,
				     "into which folder? As in --extract http DIR");
	return capture_follow_new(c->cmd, o, c->cmd->operands[0], &c->follow);
}

/* What has to be known of packets for what is shown and for the display filter. */
static uint32_t dissect_needs(const struct capture *c)
{
	uint32_t filter = c->display ? filter_needs(c->display) : 0, needs = 0;

	if (c->mode == CAPTURE_FIELDS)
		filter |= c->columns->needs;
	else if (c->mode == CAPTURE_LINES || c->o->talkers || c->o->flows || c->o->protocols)
		needs = DISSECT_ALL & ~(DISSECT_EXCHANGES | DISSECT_DATAGRAMS); /* not shown */
	else if (c->mode != CAPTURE_NOTHING)
		return DISSECT_ALL;
	if (filter & FILTER_NEEDS_FRAGMENTS)
		needs |= DISSECT_FRAGMENTS;
	if (filter & FILTER_NEEDS_ANALYSIS)
		needs |= DISSECT_ANALYSIS;
	if (filter & FILTER_NEEDS_STREAMS)
		needs |= DISSECT_STREAMS;
	if (filter & FILTER_NEEDS_DATAGRAMS || c->o->flows)
		needs |= DISSECT_DATAGRAMS;
	if (filter & FILTER_NEEDS_EXCHANGES)
		needs |= DISSECT_EXCHANGES;
	return needs;
}

static int make_parts(struct capture *c)
{
	struct dissect_config config = { .ports = c->ports, .needs = dissect_needs(c) };
	int err;

	if (c->mode == CAPTURE_LINES && !c->cmd->common.no_names) {
		c->names = passive_names_new();
		if (!c->names)
			return command_fails(c->cmd, EXIT_CANNOT, "out of memory");
		read_hosts(c->names);
		config.names = passive_names_source(c->names);
	}

	if (c->o->follow || c->o->extract) {
		int status = make_follow(c);

		if (status != EXIT_YES)
			return status;
		config.sink = capture_follow_sink(c->follow);
		if (!config.sink)
			config.needs |= DISSECT_FRAGMENTS | DISSECT_DATAGRAMS;
	}
	err = dissect_new(&config, &c->dissect);
	if (!err && (c->o->talkers || c->o->flows || c->o->protocols))
		err = capture_tables_new(c, &c->tables);
	if (!err && c->mode != CAPTURE_NOTHING)
		err = capture_printer_new(c, &c->printer);
	return err < 0 ? command_fails(c->cmd, EXIT_CANNOT, "cannot begin: %s", err_text(err))
		       : EXIT_YES;
}

/* What did not fit into the bounds of memory. */
static void tell_forgotten(const struct capture *c)
{
	struct dissect_counts n = dissect_counts(c->dissect);

	if (n.forgotten)
		command_notes(c->cmd,
			      "%lu connections that were silent longest were forgotten, to keep "
			      "within bounds",
			      n.forgotten);
	if (n.dropped_bytes)
		command_notes(c->cmd,
			      "%lu bytes of streams were passed over, to keep within bounds",
			      n.dropped_bytes);
	if (n.datagrams)
		command_notes(c->cmd,
			      "%lu datagrams in fragments were forgotten, to keep within bounds",
			      n.datagrams);
}

static int go(struct capture *c)
{
	int status = c->o->read ? capture_read(c) : capture_listen(c);
	int err = c->printer ? capture_printer_finish(c->printer) : 0;

	if (c->tables)
		capture_tables_finish(c->tables);

	if (err < 0 && err != -EPIPE && status == EXIT_YES)
		status = command_fails(c->cmd, EXIT_CANNOT, "cannot write the results: %s",
				       err_text(err));
	dissect_end(c->dissect);
	tell_forgotten(c);
	c->dissect = dissect_free(c->dissect);
	if (c->follow && status == EXIT_YES)
		status = capture_follow_finish(c->follow);
	if (c->writer && capture_writer_finish(c->writer) < 0 && status == EXIT_YES)
		status = capture_write_complain(c);
	return status;
}

/* One kind of table, or all that were asked for; --csv has room for one. */
static int read_tables(struct capture *c)
{
	const struct capture_options *o = c->o;
	const struct out_type *main_type = o->talkers ? &talker_type
					   : o->flows ? &flow_type
						      : &protocol_type;
	struct fault fault = { 0 };

	if (o->extract)
		main_type = &object_type;
	else if (!o->talkers && !o->flows && !o->protocols)
		return EXIT_YES;
	if (c->cmd->common.csv && o->talkers + o->flows + o->protocols > 1)
		return command_fails(c->cmd, EXIT_USAGE,
				     "--csv holds one table: --talkers, --flows or --protocols");
	if (out_main(c->cmd->out, main_type, &fault) < 0)
		return command_fault(c->cmd, c->cmd->common.fields, &fault);
	return EXIT_YES;
}

static int run(struct command *cmd, void *opaque)
{
	struct capture c = { .cmd = cmd, .o = opaque };
	struct buf filter = buf_of(64 << 10);
	int status;

	if (c.o->list_fields)
		return list_fields(cmd);
	if (c.o->read && c.o->ifaces.n)
		return command_fails(cmd, EXIT_USAGE,
				     "-r reads a file, -i captures: one or the other");
	status = join_filter(&c, &filter);
	if (status == EXIT_YES)
		status = read_tables(&c);
	if (status == EXIT_YES)
		status = read_stops(&c);
	if (status == EXIT_YES)
		status = read_mode(&c);
	if (status == EXIT_YES)
		status = read_ports(&c);
	if (status == EXIT_YES)
		status = make_filter(&c);
	if (status == EXIT_YES)
		status = make_parts(&c);
	if (status == EXIT_YES)
		status = go(&c);
	capture_writer_free(c.writer);
	capture_printer_free(c.printer);
	capture_tables_free(c.tables);
	filter_free(c.display);
	dissect_free(c.dissect);
	capture_follow_free(c.follow);
	passive_names_free(c.names);
	free(c.columns);
	free(c.ports);
	buf_done(&filter);
	return status;
}

static const struct out_type *const records[] = { &talker_type, &flow_type,   &protocol_type,
						  &object_type, &listed_type, NULL };

static const struct example examples[] = {
	{ "sonde capture -i eth0 port 53", "who asks for which name" },
	{ "sonde capture -r trace.pcapng.zst -Y 'http.response.code >= 400' -V",
	  "every field of failed requests" },
	{ "sonde capture -i eth0 --talkers", "who talks, at which ports, until Ctrl-C" },
	{ "sonde capture -r trace.pcap -Y tls -e ip.src -e tls.handshake.extensions_server_name",
	  "which names TLS clients ask for" },
	{ "sonde capture -i eth0 -w day.pcapng -b duration:3600 -b files:24",
	  "the last 24 hours, a file an hour" },
};

/* Letters of tcpdump and tshark. */
static const struct option_hint hints[] = {
	{ 'D', "sonde ifaces lists the interfaces" },
	{ 'F', "capture filters are operands or with -f, display filters with -Y" },
	{ 'H', "names are those of /etc/hosts and of the capture's own answers of DNS" },
	{ 'I', "there is no monitor mode of wireless interfaces" },
	{ 'J', "--json has all fields; -e names some" },
	{ 'K', "checksums are not verified; the fields have them as they are" },
	{ 'N', "-n shows addresses as numbers" },
	{ 'O', "-V shows all layers; -Y chooses packets, -e fields" },
	{ 'R', "display filters are with -Y" },
	{ 'S', "sequence numbers as they are on the wire: -e tcp.seq_raw -e tcp.ack_raw" },
	{ 'X', "-x shows the bytes, in hex and as text; -A as text alone" },
	{ 'j', "--json has all fields; -e names some" },
	{ 'p', "promiscuous only when asked: --promiscuous" },
	{ 'z', "--flows, --talkers, --protocols and --follow sum up what was captured" },
	{ '2', "packets are read once: answers refer to questions, not the other way" },
};

const struct verb verb_capture = {
	.name = "capture",
	.operands = "[FILTER...]",
	.summary = "packets from an interface or a file, explained, filtered, written",
	.about =
		"Captures packets on an interface (-i) or reads them from a file (-r), takes them "
		"apart up to HTTP, TLS, DNS and others, puts streams and fragments together, and "
		"shows a line for each; -V shows every field, --json gives them as one object a "
		"line, -e as columns.\n\n"
		"Two languages choose packets: the operands (or -f) are a capture filter in "
		"libpcap's (pcap-filter(7)), which the kernel applies; -Y is a display filter in "
		"Wireshark's, which knows every field. When capturing with -w and -Y, all goes to "
		"the file, and what is shown is chosen; when reading, both are.\n\n"
		"Names of addresses are those that the capture itself tells (answers of DNS) and "
		"those of /etc/hosts: nobody is asked. -n leaves them out.\n\n"
		"Packets are read once, in their order. So an answer tells which packet asked and "
		"how long ago (http.request_in, http.time, dns.response_to, icmp.resptime and "
		"others), the last fragment which ones it completes (ip.fragment); a question does "
		"not know its answer, nor a fragment where it is needed: Wireshark's response_in "
		"and reassembled_in, which need a second pass, are not here.\n\n"
		"A thread of its own empties the kernel's ring. When printing is slower than the "
		"network, the file still gets every packet, lines are left out, and how many is "
		"said. Privileges are given up once the interface is open: root becomes the user "
		"who called sudo, or nobody, or who -Z says; a file that is written must be in a "
		"folder where that user may make files only if there is a row of them (-C, -G, "
		"-b).",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.options_size = sizeof(struct capture_options),
	.common = COMMON_OUTPUT | COMMON_COUNT | COMMON_FOR | COMMON_NAMES | COMMON_EVERY,
	.records = records,
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.hints = hints,
	.n_hints = ARRAY_LEN(hints),
	.run = run,
};
