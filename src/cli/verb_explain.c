/* sonde explain: what headers look like, and what pasted bytes mean. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "cli/verbs.h"
#include "wire/explain.h"
#include "wire/hexdump.h"
#include "wire/near.h"
#include "wire/registry.h"

#define FEW_PARTS 40
#define TEXT_MAX  (4 << 20)
#define BYTES_MAX 65549 /* the longest IP packet in an Ethernet frame */

/* How wide text is where there is no terminal, and at most. */
enum { PLAIN_COLUMNS = 100, MOST_COLUMNS = 120 };

struct explain_options {
	bool list;
	const char *hex, *as;
};

static const struct verb_option options[] = {
	{ 0, "list", NULL, "the protocols that can be explained", OPTION_FLAG,
	  offsetof(struct explain_options, list) },
	{ 'x', "hex", "BYTES", "explain these bytes; - reads them from standard input", OPTION_TEXT,
	  offsetof(struct explain_options, hex) },
	{ 0, "as", "PROTOCOL", "what the bytes start with, where the guess is wrong", OPTION_TEXT,
	  offsetof(struct explain_options, as) },
};

enum { NAME, TITLE, RFC, FLOOR, ABOUT, N_PROTOCOL };
static const struct out_column protocol_columns[] = {
	[NAME] = { "protocol", OUT_TEXT, .about = "its name, as in field names" },
	[TITLE] = { "title", OUT_TEXT, .about = "its name in full" },
	[RFC] = { "rfc", OUT_TEXT, .title = "DEFINED IN", .about = "where its header is defined" },
	[FLOOR] = { "floor", OUT_TEXT, .extra = true,
		    .about = "where it is: link, network, transport or application" },
	[ABOUT] = { "about", OUT_TEXT, .extra = true, .about = "what it is for" },
};
static const struct out_type protocol_type = { "protocol", protocol_columns, N_PROTOCOL };

enum { F_NAME, F_BIT, F_BITS, F_TITLE, F_ABOUT, N_FIELD };
static const struct out_column field_columns[] = {
	[F_NAME] = { "field", OUT_TEXT, .about = "the field's name, as in Wireshark" },
	[F_BIT] = { "bit", OUT_UINT, .about = "where it begins, in bits from the header's start" },
	[F_BITS] = { "bits", OUT_UINT, .about = "how wide it is; absent: all that is left" },
	[F_TITLE] = { "title", OUT_TEXT, .about = "what it is called" },
	[F_ABOUT] = { "about", OUT_TEXT, .about = "what it means" },
};
static const struct out_type field_type = { "field", field_columns, N_FIELD };

enum { B_OFFSET, B_LENGTH, B_BYTES, B_PROTOCOL, B_FIELD, B_VALUE, B_MEANING, N_BYTES };
static const struct out_column bytes_columns[] = {
	[B_OFFSET] = { "offset", OUT_UINT, .about = "of the first byte that holds the field" },
	[B_LENGTH] = { "length", OUT_UINT, .about = "bytes that hold it" },
	[B_BYTES] = { "bytes", OUT_TEXT, .about = "these bytes in hexadecimal" },
	[B_PROTOCOL] = { "protocol", OUT_TEXT, .about = "the header that it is in" },
	[B_FIELD] = { "field", OUT_TEXT, .about = "the field's name, as in Wireshark" },
	[B_VALUE] = { "value", OUT_TEXT, .about = "its value" },
	[B_MEANING] = { "meaning", OUT_TEXT, .about = "what it is, and the name of the value" },
};
static const struct out_type bytes_type = { "bytes", bytes_columns, N_BYTES };

static const struct out_type *const records[] = { &protocol_type, &field_type, &bytes_type, NULL };

static bool wants_records(const struct command *cmd)
{
	return cmd->common.json || cmd->common.csv || cmd->common.fields;
}

static struct explain_style style_of(const struct command *cmd)
{
	unsigned columns = cmd->columns ? cmd->columns : PLAIN_COLUMNS;

	return (struct explain_style){
		.colour = cmd->colour,
		.columns = MIN(columns, (unsigned)MOST_COLUMNS),
	};
}

/* Hands over text for people, whose last newline out_line() adds. */
static int put_text(struct command *cmd, struct buf *b)
{
	int err = b->err;

	if (b->len && b->data[b->len - 1] == '\n')
		b->len--;
	if (!err)
		out_line(cmd->out, "%s", buf_cstr(b));
	buf_done(b);
	return err ? command_fails(cmd, EXIT_CANNOT, "%s", err_text(err)) : EXIT_YES;
}

static const char *floor_of(uint8_t id)
{
	const struct protocol *p = protocols[id];

	return p->application || id == PROTOCOL_DATA ? "application"
	       : p->ports			     ? "transport"
	       : id < PROTOCOL_ARP		     ? "link"
						     : "network";
}

/* People see a heading for each floor. */
static int run_list(struct command *cmd)
{
	static const struct {
		const char *floor, *heading;
	} floors[] = { { "link", "Links" },
		       { "network", "Network" },
		       { "transport", "Transport" },
		       { "application", "Applications" } };

	for (size_t f = 0; f < ARRAY_LEN(floors); f++) {
		if (!wants_records(cmd))
			out_line(cmd->out, "%s%s", f ? "\n" : "", floors[f].heading);
		for (unsigned i = PROTOCOL_NONE + 1; i < N_PROTOCOLS; i++) {
			const struct protocol *p = protocols[i];
			struct out_value row[N_PROTOCOL] = {
				[NAME] = out_text(p->name),   [TITLE] = out_text(p->title),
				[RFC] = out_text(p->rfc),     [FLOOR] = out_text(floors[f].floor),
				[ABOUT] = out_text(p->about),
			};

			if (strcmp(floor_of((uint8_t)i), floors[f].floor) != 0)
				continue;
			if (wants_records(cmd))
				out_record(cmd->out, &protocol_type, row);
			else
				out_line(cmd->out, p->rfc ? "  %-13s %-51s %s" : "  %-13s %s",
					 p->name, p->title, p->rfc);
		}
	}
	return EXIT_YES;
}

static void record_fields(struct command *cmd, const struct field *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &rows[i];
		struct out_value row[N_FIELD] = {
			[F_NAME] = out_text(f->name),
			[F_BIT] = out_uint(f->bit),
			[F_TITLE] = out_text(f->title),
			[F_ABOUT] = out_text(f->about),
		};

		if (f->bits)
			row[F_BITS] = out_uint(f->bits);
		out_record(cmd->out, &field_type, row);
	}
}

static int explain_to(struct command *cmd, const struct protocol *p, const struct block *part)
{
	const struct explain_style style = style_of(cmd);
	struct buf b = buf_of(TEXT_MAX);

	if (wants_records(cmd) && part) {
		record_fields(cmd, part->fields, part->n_fields);
		return EXIT_YES;
	}
	if (wants_records(cmd)) {
		record_fields(cmd, p->fields, p->n_fields);
		for (size_t i = 0; i < p->n_more_rows; i++)
			record_fields(cmd, p->more_rows[i].fields, p->more_rows[i].n);
		if (p->craft_rows)
			record_fields(cmd, p->craft_rows->fields, p->craft_rows->n);
		return EXIT_YES;
	}
	if (part)
		explain_part(&b, p, part, &style);
	else
		explain_protocol(&b, p, &style);
	return put_text(cmd, &b);
}

static void add_near(struct buf *b, const char *name)
{
	if (b->len)
		buf_lit(b, ", ");
	buf_str(b, name);
}

static int unknown_protocol(struct command *cmd, const char *name)
{
	char text[512];
	struct buf near = buf_in(text, sizeof(text));

	for (unsigned i = PROTOCOL_NONE + 1; i < N_PROTOCOLS; i++)
		if (near_enough(name, protocols[i]->name))
			add_near(&near, protocols[i]->name);
	if (near.len)
		return command_fails(cmd, EXIT_USAGE, "no protocol is called '%s'. Near it: %s",
				     name, buf_cstr(&near));
	return command_fails(cmd, EXIT_USAGE,
			     "no protocol is called '%s'. These are known: sonde explain --list",
			     name);
}

/* Parts that may have been meant; else all of them, if they are few. */
static int unknown_part(struct command *cmd, const struct protocol *p, const char *name)
{
	const struct options *o = p->options;
	size_t n_options = o ? o->n_blocks : 0, n = p->n_bodies + n_options;
	char text[1024];
	struct buf all = buf_in(text, sizeof(text) - 1), near = buf_of(1024);
	int status;

	for (size_t i = 0; i < n; i++) {
		const char *part = i < p->n_bodies ? p->bodies[i].name
						   : o->blocks[i - p->n_bodies].name;

		add_near(&all, part);
		if (near_enough(name, part))
			add_near(&near, part);
	}
	if (near.len || (all.len && n <= FEW_PARTS))
		status = command_fails(cmd, EXIT_USAGE, "%s has no part '%s', but: %s", p->title,
				       name, buf_cstr(near.len ? &near : &all));
	else
		status = command_fails(cmd, EXIT_USAGE,
				       "%s has no part and no value '%s': see sonde explain %s",
				       p->title, name, p->name);
	buf_done(&near);
	return status;
}

static bool has_field(const struct field *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(rows[i].name, name) ||
		    (rows[i].block &&
		     has_field(rows[i].block->fields, rows[i].block->n_fields, name)))
			return true;
	return false;
}

/* The protocol and, if it is not in the header, the part that has a field of this name. */
static const struct protocol *find_field(const char *name, const struct block **ret_part)
{
	for (unsigned i = PROTOCOL_NONE + 1; i < N_PROTOCOLS; i++) {
		const struct protocol *p = protocols[i];
		const struct options *o = p->options;

		*ret_part = NULL;
		if (has_field(p->fields, p->n_fields, name))
			return p;
		for (size_t k = 0; k < p->n_bodies; k++) {
			*ret_part = &p->bodies[k];
			if (has_field((*ret_part)->fields, (*ret_part)->n_fields, name))
				return p;
		}
		for (size_t k = 0; o && k < o->n_blocks; k++) {
			*ret_part = &o->blocks[k];
			if (has_field((*ret_part)->fields, (*ret_part)->n_fields, name))
				return p;
		}
	}
	return NULL;
}

/* A field: what it is, then the header or part that it is in. */
static int run_field(struct command *cmd, const char *name)
{
	const struct explain_style style = style_of(cmd);
	const struct block *part = NULL;
	const struct protocol *p = find_field(name, &part);
	struct buf b = buf_of(TEXT_MAX);

	if (!explain_field(&b, name, &style)) {
		buf_done(&b);
		return unknown_protocol(cmd, name);
	}
	if (p) {
		buf_char(&b, '\n');
		if (part)
			explain_part(&b, p, part, &style);
		else
			explain_protocol(&b, p, &style);
	}
	return put_text(cmd, &b);
}

static int run_part(struct command *cmd, const struct protocol *p, const char *name)
{
	const struct explain_style style = style_of(cmd);
	const struct block *part = explain_find_part(p, name);
	struct buf b = buf_of(TEXT_MAX);

	if (part)
		return explain_to(cmd, p, part);
	if (!explain_values(&b, p, name, &style)) {
		buf_done(&b);
		return unknown_part(cmd, p, name);
	}
	return put_text(cmd, &b);
}

static void record_named(struct command *cmd, const struct registry_name *n)
{
	for (size_t i = 0; i < n->n_parts; i++)
		for (size_t k = 0; k < n->parts[i].n_rows; k++)
			record_fields(cmd, n->parts[i].rows[k], 1);
}

static int run_protocol(struct command *cmd)
{
	const char *name = cmd->operands[0];
	uint8_t id = protocol_find(name, strlen(name));
	const struct registry_name *n = registry_find(name, strlen(name));

	if (!id && n && wants_records(cmd)) {
		record_named(cmd, n);
		return EXIT_YES;
	}
	if (!id)
		return run_field(cmd, name);
	return cmd->n_operands < 2 ? explain_to(cmd, protocols[id], NULL)
				   : run_part(cmd, protocols[id], cmd->operands[1]);
}

struct recorder {
	struct sink sink;
	struct command *cmd;
	const struct packet *packet;
	size_t layer;
};

static void record_item(struct sink *sink, const struct item *item)
{
	struct recorder *r = container_of(sink, struct recorder, sink);
	const struct field *f = item->field;
	struct buf hex = buf_of(TEXT_MAX), value = buf_of(TEXT_MAX), meaning = buf_of(1024);
	const char *name = field_value_name(f, item->value);

	if (f->computed)
		return;
	buf_hex(&hex, item->bytes, item->len, ' ');
	field_text(&value, f, item->value, item->bytes, item->len);
	buf_str(&meaning, f->title);
	if (f->type == FIELD_GROUP && item->block)
		buf_printf(&meaning, ": %s", item->block->title);
	if (f->type == FIELD_UINT && name)
		buf_printf(&meaning, ": %s", name);
	struct out_value row[N_BYTES] = {
		[B_OFFSET] = out_uint(item->off),
		[B_LENGTH] = out_uint(item->len),
		[B_BYTES] = out_text_n(buf_cstr(&hex), hex.len),
		[B_PROTOCOL] = out_text(protocols[r->packet->layers[r->layer].proto]->name),
		[B_FIELD] = out_text(f->name),
		[B_VALUE] = out_text_n(buf_cstr(&value), value.len),
		[B_MEANING] = out_text_n(buf_cstr(&meaning), meaning.len),
	};
	out_record(r->cmd->out, &bytes_type, row);
	buf_done(&hex);
	buf_done(&value);
	buf_done(&meaning);
}

static int explain_bytes(struct command *cmd, const struct packet *p)
{
	const struct explain_style style = style_of(cmd);
	struct recorder r = { .sink.item = record_item, .cmd = cmd, .packet = p };
	struct buf b = buf_of(TEXT_MAX);

	if (!wants_records(cmd)) {
		explain_packet(&b, p, &style);
		return put_text(cmd, &b);
	}
	for (r.layer = 0; r.layer < p->n_layers; r.layer++)
		packet_items(p, r.layer, &r.sink);
	return EXIT_YES;
}

/* The bytes typed: --hex's argument, "-" for standard input, and operands that followed it. */
static int read_text(struct command *cmd, const char *hex, struct buf *text)
{
	char piece[4096];
	size_t n;

	if (!strcmp(hex, "-")) {
		while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
			buf_bytes(text, piece, n);
		if (ferror(stdin))
			return command_fails(cmd, EXIT_CANNOT, "cannot read standard input: %s",
					     err_text(errno));
	} else {
		buf_str(text, hex);
	}
	for (size_t i = 0; i < cmd->n_operands; i++) {
		buf_char(text, ' ');
		buf_str(text, cmd->operands[i]);
	}
	if (text->err)
		return command_fails(cmd, EXIT_USAGE, "the text has more than %d bytes", TEXT_MAX);
	return EXIT_YES;
}

static int first_protocol(struct command *cmd, const struct explain_options *o,
			  const uint8_t *bytes, size_t len, uint8_t *ret_first)
{
	*ret_first = o->as ? protocol_find(o->as, strlen(o->as)) : hexdump_guess(bytes, len);
	if (*ret_first)
		return EXIT_YES;
	if (o->as)
		return unknown_protocol(cmd, o->as);
	return command_fails(
		cmd, EXIT_USAGE,
		"these %zu bytes look neither like Ethernet nor like IP. Say what they "
		"start with: --as eth, --as ip, --as udp, ...",
		len);
}

static int explain_text(struct command *cmd, const struct explain_options *o, struct buf *text,
			uint8_t *bytes)
{
	struct fault fault = { 0 };
	struct packet p;
	uint8_t first;
	size_t len;
	int status = read_text(cmd, o->hex, text);

	if (status != EXIT_YES)
		return status;
	buf_cstr(text); /* there is memory now, even if nothing was read */
	if (hexdump_parse(text->data, text->len, bytes, BYTES_MAX, &len, &fault) < 0)
		return memchr(text->data, '\n', text->len) || text->len > 60
			       ? command_fails(cmd, EXIT_USAGE, "%s, at character %zu", fault.text,
					       fault.offset + 1)
			       : command_fault(cmd, buf_cstr(text), &fault);
	status = first_protocol(cmd, o, bytes, len, &first);
	if (status != EXIT_YES)
		return status;
	packet_walk(&p, first, bytes, (uint32_t)len, (uint32_t)len);
	/* Where a header does not fit, it is more likely that bytes were left out than wrong. */
	if (p.fault.err && p.layers[p.fault.layer].flags & LAYER_CUT)
		packet_walk(&p, first, bytes, (uint32_t)len, (uint32_t)len + UINT16_MAX);
	return explain_bytes(cmd, &p);
}

static int run_hex(struct command *cmd, const struct explain_options *o)
{
	struct buf text = buf_of(TEXT_MAX);
	uint8_t *bytes = malloc(BYTES_MAX);
	int status = bytes ? explain_text(cmd, o, &text, bytes)
			   : command_fails(cmd, EXIT_CANNOT, "out of memory");

	buf_done(&text);
	free(bytes);
	return status;
}

static int run(struct command *cmd, void *opaque)
{
	const struct explain_options *o = opaque;

	if (o->hex)
		return run_hex(cmd, o);
	if (o->as)
		return command_fails(cmd, EXIT_USAGE,
				     "--as says what the bytes of --hex start with");
	if (o->list)
		return run_list(cmd);
	if (!cmd->n_operands)
		return command_fails(
			cmd, EXIT_USAGE,
			"what shall be explained? A protocol (sonde explain tcp), bytes "
			"(--hex '45 00 …'), or the list of protocols (--list)");
	if (cmd->n_operands > 2)
		return command_fails(
			cmd, EXIT_USAGE,
			"one protocol at a time, and one part of it: sonde explain tcp mss");
	return run_protocol(cmd);
}

static const struct example examples[] = {
	{ "sonde explain tcp", "the header, drawn, and the meaning of its fields" },
	{ "sonde explain tcp mss", "one of its options" },
	{ "sonde explain icmpv6 ra", "one of its messages" },
	{ "sonde explain http 404", "a value, by number or name" },
	{ "sonde explain dns MX", "likewise, and the fields that belong to it" },
	{ "sonde explain tcp.flags.syn", "a field, and the header that has it" },
	{ "sonde explain --hex '45 00 00 1c 00 01 00 00 40 11 …'", "bytes, field by field" },
	{ "sonde explain --hex - < dump.txt", "bytes as tcpdump -x, xxd or Wireshark print them" },
};

const struct verb verb_explain = {
	.name = "explain",
	.operands = "[PROTOCOL [PART]]",
	.summary = "what a protocol's header looks like, and what pasted bytes mean",
	.about =
		"Draws the header of a protocol as the RFCs do, with each field's name, width and "
		"meaning. PART is a message or an option of it, or a value that one of its fields can "
		"have, by name or number. A field's name instead explains the field, with all its "
		"values.\n\n"
		"With --hex it takes bytes apart: which of them are which field, and what they say. "
		"Bytes may be pasted in any usual form: '45 00', 45:00, 4500, 0x45, or a dump with "
		"offsets. It guesses whether they start with Ethernet or IP; --as decides.",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.options_size = sizeof(struct explain_options),
	.common = COMMON_OUTPUT,
	.min_operands = 0,
	.max_operands = 0,
	.records = records,
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.run = run,
};
