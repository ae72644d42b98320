/*
 * DHCP for IPv4 (RFC 2131, options RFC 2132), which is BOOTP (RFC 951) with a magic cookie and
 * options. Options may go on in the fields for file and server name (overload, RFC 2131
 * section 4.1), and a long one may be spread over several with the same code: what it means is then
 * told at the last of them, from all together (RFC 3396).
 */
#include "wire/dhcp.h"

#include "wire/compose.h"

#define SERVER_PORT 67
#define CLIENT_PORT 68

#define FIXED_LEN	240 /* the cookie included */
#define OFF_SNAME	44
#define OFF_FILE	108
#define OFF_COOKIE	236
#define COOKIE		0x63825363
#define OPTION_OVERLOAD 52
#define OPTION_TYPE	53
#define OPTION_END	255

const struct value_name dhcp_hw_names[] = {
	{ 1, "Ethernet" },	{ 6, "IEEE 802" },    { 7, "ARCNET" },
	{ 11, "LocalTalk" },	{ 14, "SMDS" },	      { 15, "frame relay" },
	{ 16, "ATM" },		{ 17, "HDLC" },	      { 18, "Fibre Channel" },
	{ 20, "serial line" },	{ 24, "IEEE 1394" },  { 27, "EUI-64" },
	{ 31, "IPsec tunnel" }, { 32, "InfiniBand" }, { 0 },
};

static const struct value_name op_names[] = { { 1, "request" }, { 2, "reply" }, { 0 } };

static const struct field fields[] = {
	{ AS_UINT("dhcp.type", 0, 8), .title = "Message", .label = "op", .preset = 1,
	  .values = op_names },
	{ AS_HEX("dhcp.hw.type", BYTE(1), 8, 2), .title = "Hardware type", .label = "htype",
	  .preset = 1, .values = dhcp_hw_names },
	{ AS_UINT("dhcp.hw.len", BYTE(2), 8), .title = "Hardware address length", .label = "hlen",
	  .preset = 6 },
	{ AS_UINT("dhcp.hops", BYTE(3), 8), .title = "Hops", .about = "Counted by relays" },
	{ AS_HEX("dhcp.id", BYTE(4), 32, 8), .title = "Transaction ID" },
	{ AS_UINT("dhcp.secs", BYTE(8), 16), .title = "Seconds",
	  .about = "Since the client began to ask" },
	{ AS_HEX("dhcp.flags", BYTE(10), 16, 4), .title = "Flags" },
	{ AS_FLAG("dhcp.flags.bc", BYTE(10)), .depth = 1, .title = "Broadcast", .label = "B",
	  .about = "The answer is to be broadcast" },
	{ AS_HEX("dhcp.flags.reserved", BYTE(10) + 1, 15, 4), .depth = 1, .title = "Reserved" },
	{ AS_IP4("dhcp.ip.client", BYTE(12)), .title = "Client's address", .label = "ciaddr",
	  .about = "The one that it uses already" },
	{ AS_IP4("dhcp.ip.your", BYTE(16)), .title = "Your address", .label = "yiaddr",
	  .about = "The one that the client is given" },
	{ AS_IP4("dhcp.ip.server", BYTE(20)), .title = "Next server", .label = "siaddr",
	  .about = "To boot from" },
	{ AS_IP4("dhcp.ip.relay", BYTE(24)), .title = "Relay's address", .label = "giaddr" },
};

#define REST_ROWS                                                                            \
	{ AS_TEXT("dhcp.server", BYTE(OFF_SNAME), 512), .title = "Server name",              \
	  .label = "sname" },                                                                \
		{ AS_TEXT("dhcp.file", BYTE(OFF_FILE), 1024), .title = "Boot file",          \
		  .label = "file" },                                                         \
	{                                                                                    \
		AS_IP4("dhcp.cookie", BYTE(OFF_COOKIE)),                                     \
			.title = "Magic cookie", .preset = COOKIE, .about = "Options follow" \
	}
static const struct field ethernet_rest[] = {
	{ AS_MAC("dhcp.hw.mac_addr", BYTE(28)), .title = "Client's MAC address",
	  .label = "chaddr" },
	{ AS_BYTES("dhcp.hw.addr_padding", BYTE(34), 80), .title = "Padding" },
	REST_ROWS,
};
/* The address has the length that the header says. */
static const struct field other_rest[] = {
	{ AS_BYTES("dhcp.hw.addr", BYTE(28), 128), .title = "Client's address", .label = "chaddr" },
	{ AS_BYTES("dhcp.hw.addr_padding", BYTE(28), 0), .title = "Padding" },
	REST_ROWS,
};
enum { REST_HW, REST_HW_PADDING, REST_SNAME, REST_FILE, REST_COOKIE };

#define MESSAGE(n, t, rows, op)                                                     \
	{                                                                           \
		.name = (n), .title = (t), .rfc = "RFC 2131 section 2", ROWS(rows), \
		.has_options = true, .min_len = FIXED_LEN, .code = (op)             \
	}
static const struct block bodies[] = {
	MESSAGE("request", "Request", ethernet_rest, 1),
	MESSAGE("reply", "Reply", ethernet_rest, 2),
};

static const struct field more[] = {
	{ AS_BYTES("dhcp.option.value", BYTE(2), 0), .title = "Value" },
	{ AS_BYTES("dhcp.option.padding", 0, 0), .title = "Padding" },
	{ AS_BYTES("dhcp.vendor_specific_options", 0, 0), .title = "Vendor's area" },
	{ AS_FLAG("dhcp.bad_length", 0), .computed = true, .title = "Length does not fit" },
};
enum { MORE_VALUE, MORE_PADDING, MORE_VENDOR, MORE_BAD_LENGTH };

static const struct rows more_rows[] = {
	{ other_rest, ARRAY_LEN(other_rest) },
	{ more, ARRAY_LEN(more) },
	{ dhcp_special_fields, N_DHCP_SPECIAL_FIELDS },
};

/* A place where options are. */
struct area {
	uint32_t at, end;
};

/* While walking the options of one message. */
struct parse {
	struct walk *w;
	struct area areas[3]; /* options, file, server name */
	uint16_t count[256];  /* options with each code */
	uint16_t seen[256];   /* those that were given */
};

struct option {
	uint32_t off, value, len; /* of code and value; padding: of the run of zeros */
	uint8_t code;
};

/* The option at a->at, which is moved behind it. Return: 0, 1 or -E_MALFORMED. */
static int next_option(const uint8_t *p, struct area *a, struct option *ret)
{
	uint32_t at = a->at, end = a->end;

	if (at >= end)
		return 0;
	*ret = (struct option){ .off = at, .value = at + 1, .code = p[at] };
	if (!p[at]) {
		while (at < end && !p[at])
			at++;
		ret->len = at - ret->off;
		a->at = at;
		return 1;
	}
	if (p[at] == OPTION_END) {
		a->at = end;
		return 1;
	}
	if (end - at < 2 || p[at + 1] > end - at - 2)
		return -E_MALFORMED;
	ret->value = at + 2;
	ret->len = p[at + 1];
	a->at = ret->value + ret->len;
	return 1;
}

/* Counts the codes of one area. Return: what option 52 says, if it is there. */
static unsigned count_options(struct parse *parse, struct area a)
{
	const uint8_t *p = parse->w->packet->bytes;
	unsigned overload = 0;
	struct option o;

	while (next_option(p, &a, &o) > 0) {
		parse->count[o.code] = (uint16_t)MIN(parse->count[o.code] + 1, UINT16_MAX);
		if (o.code == OPTION_OVERLOAD && o.len == 1)
			overload = p[o.value];
	}
	return overload;
}

/*
 * Puts the values of all options with @code into @memory. Return: false when they are too long, or
 * too many.
 */
static bool join(const struct parse *parse, unsigned code, struct dhcp_value *v,
		 uint8_t memory[static DHCP_VALUE_MAX])
{
	const uint8_t *p = parse->w->packet->bytes;
	struct option o;

	v->bytes = memory;
	v->len = v->n_pieces = 0;
	for (size_t i = 0; i < ARRAY_LEN(parse->areas); i++) {
		struct area a = parse->areas[i];

		while (next_option(p, &a, &o) > 0) {
			if (o.code != code)
				continue;
			if (v->n_pieces == DHCP_PIECES || o.len > DHCP_VALUE_MAX - v->len)
				return false;
			v->pieces[v->n_pieces++] = (struct dhcp_piece){ v->len, o.value };
			memcpy(memory + v->len, p + o.value, o.len);
			v->len += o.len;
		}
	}
	return true;
}

void dhcp_bad_length(const struct dhcp_value *v, uint8_t depth)
{
	walk_number(v->w, &more[MORE_BAD_LENGTH], v->pieces[0].off, 0, 1, depth);
}

/* Where byte @at of the value is in the packet, and how many of @len bytes are there together. */
static uint32_t place(const struct dhcp_value *v, uint32_t at, uint32_t *len)
{
	uint32_t i = v->n_pieces - 1;

	while (i && v->pieces[i].at > at)
		i--;
	if (i + 1 < v->n_pieces)
		*len = MIN(*len, v->pieces[i + 1].at - at);
	return v->pieces[i].off + at - v->pieces[i].at;
}

void dhcp_give_decoded(const struct dhcp_value *v, const struct field *f, uint32_t at, uint32_t len,
		       const void *bytes, size_t bytes_len)
{
	uint32_t off = place(v, at, &len);

	walk_decoded(v->w, f, off, len, bytes, bytes_len, 1);
}

void dhcp_give(const struct dhcp_value *v, const struct field *f, uint32_t at, uint32_t len,
	       uint8_t depth)
{
	uint32_t span = len, off = place(v, at, &span);

	if (f->type == FIELD_GROUP)
		walk_group(v->w, f, off, span, depth, f->block);
	else if (f->type == FIELD_TIME)
		walk_number(v->w, f, off, span, load_be32(v->bytes + at) * NS_PER_S, depth);
	else if (field_is_number(f))
		walk_number(v->w, f, off, span, field_load(f, v->bytes + at), depth);
	else
		walk_decoded(v->w, f, off, span, v->bytes + at, len, depth);
}

/* A list of equal values, or of groups of rows. */
static void walk_list(const struct dhcp_value *v, const struct field *f)
{
	uint32_t each = f->block ? f->block->min_len : field_span(f);

	if (!v->len || v->len % each)
		dhcp_bad_length(v, 1);
	for (uint32_t at = 0; v->len - at >= each; at += each) {
		dhcp_give(v, f, at, each, 1);
		for (size_t i = 0; f->block && i < f->block->n_fields; i++) {
			const struct field *row = &f->block->fields[i];

			dhcp_give(v, row, at + row->bit / 8, field_span(row), 2);
		}
	}
}

/* What a value means, by the option's row. */
static void walk_value(const struct dhcp_value *v, const struct block *block)
{
	const struct field *f = block->fields;

	if (!block->n_fields || block == dhcp_options.unknown)
		return;
	if (f->repeats)
		walk_list(v, f);
	else if (!f->bits)
		dhcp_give(v, f, 0, v->len, 1);
	else if (v->len != field_span(f))
		dhcp_bad_length(v, 1);
	else
		dhcp_give(v, f, 0, v->len, 1);
}

static void walk_meaning(struct parse *parse, const struct option *o, const struct block *block)
{
	struct dhcp_value v = { .w = parse->w,
				.bytes = parse->w->packet->bytes + o->value,
				.len = o->len,
				.n_pieces = 1,
				.pieces = { { 0, o->value } } };
	uint8_t memory[DHCP_VALUE_MAX];

	parse->seen[o->code] = (uint16_t)MIN(parse->seen[o->code] + 1, UINT16_MAX);
	if (parse->seen[o->code] < parse->count[o->code])
		return;
	if (parse->count[o->code] > 1 && !join(parse, o->code, &v, memory))
		dhcp_bad_length(&v, 1);
	else if (!dhcp_walk_special(&v, o->code))
		walk_value(&v, block);
}

static void walk_option(struct parse *parse, const struct option *o)
{
	const struct block *block = options_block(&dhcp_options, o->code);
	uint32_t end = o->value + o->len;
	struct walk *w = parse->w;

	if (!o->code) {
		walk_group(w, dhcp_options.group, o->off, o->len, 0, block);
		walk_rows(w, dhcp_options.head, 1, o->off, end, 1);
		walk_field(w, &more[MORE_PADDING], o->off, o->len, 1);
		return;
	}
	walk_group(w, dhcp_options.group, o->off, end - o->off, 0, block);
	walk_rows(w, dhcp_options.head, block->bare ? 1 : 2, o->off, end, 1);
	if (block->bare) {
		walk_rows(w, block->fields, block->n_fields, o->off, end, 1);
		return;
	}
	if (o->len)
		walk_field(w, &more[MORE_VALUE], o->value, o->len, 1);
	walk_meaning(parse, o, block);
}

/* Return: where the end option was, or the area's end. */
static uint32_t walk_area(struct parse *parse, struct area a)
{
	struct option o;
	int is;

	while (!parse->w->over && (is = next_option(parse->w->packet->bytes, &a, &o))) {
		if (is < 0) {
			walk_fault(parse->w, is, a.at);
			return a.end;
		}
		walk_option(parse, &o);
		if (o.code == OPTION_END)
			return o.off + 1;
	}
	return a.end;
}

static void walk_rest(struct walk *w, const struct parse *parse)
{
	const uint8_t *header = w->packet->bytes + w->layer->off;
	bool ethernet = header[1] == 1 && header[2] == 6;
	const struct field *rows = ethernet ? ethernet_rest : other_rest;
	uint32_t off = w->layer->off, hw_len = MIN(header[2], 16u);

	if (ethernet) {
		walk_rows(w, &rows[REST_HW], 2, off, w->end, 0);
	} else {
		if (hw_len)
			walk_field(w, &rows[REST_HW], off + 28, hw_len, 0);
		if (hw_len < 16)
			walk_field(w, &rows[REST_HW_PADDING], off + 28 + hw_len, 16 - hw_len, 0);
	}
	if (!parse->areas[2].at)
		walk_rows(w, &rows[REST_SNAME], 1, off, w->end, 0);
	if (!parse->areas[1].at)
		walk_rows(w, &rows[REST_FILE], 1, off, w->end, 0);
	walk_rows(w, &rows[REST_COOKIE], 1, off, w->end, 0);
}

static void dhcp_walk(struct walk *w)
{
	const uint8_t *p = w->packet->bytes;
	uint32_t off = w->layer->off, end;
	struct parse parse = { .w = w };
	unsigned overload;

	if (w->end - off >= FIXED_LEN) {
		parse.areas[0] = (struct area){ off + FIXED_LEN, w->end };
		overload = count_options(&parse, parse.areas[0]);
		if (overload & 1)
			parse.areas[1] = (struct area){ off + OFF_FILE, off + OFF_COOKIE };
		if (overload & 2)
			parse.areas[2] = (struct area){ off + OFF_SNAME, off + OFF_FILE };
		count_options(&parse, parse.areas[1]);
		count_options(&parse, parse.areas[2]);
	}
	walk_rest(w, &parse);
	if (w->over)
		return;
	if (load_be32(p + off + OFF_COOKIE) != COOKIE) {
		if (w->end - off > FIXED_LEN)
			walk_field(w, &more[MORE_VENDOR], off + FIXED_LEN, w->end - off - FIXED_LEN,
				   0);
		return;
	}
	end = walk_area(&parse, parse.areas[0]);
	walk_area(&parse, parse.areas[1]);
	walk_area(&parse, parse.areas[2]);
	if (!w->over && end < w->end)
		walk_field(w, &more[MORE_PADDING], end, w->end - end, 0);
}

/* What the line says of options. */
struct told {
	unsigned type;
	const uint8_t *requested, *lease, *server, *name;
	size_t name_len;
};

static void read_told(const uint8_t *p, struct area a, struct told *t)
{
	struct option o;

	while (next_option(p, &a, &o) > 0) {
		const uint8_t *value = p + o.value;

		if (o.code == OPTION_TYPE && o.len == 1)
			t->type = *value;
		else if (o.code == 50 && o.len == 4)
			t->requested = value;
		else if (o.code == 51 && o.len == 4)
			t->lease = value;
		else if (o.code == 54 && o.len == 4)
			t->server = value;
		else if (o.code == 12 && o.len)
			t->name = value, t->name_len = o.len;
	}
}

static void say_address(struct buf *b, const char *word, const uint8_t *address)
{
	if (!address || !load_be32(address))
		return;
	buf_str(b, word);
	buf_ip4(b, address);
}

static void dhcp_line(struct buf *b, const struct packet *p, size_t layer)
{
	static const struct field types = { .values = dhcp_type_names };
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;
	struct told t = { 0 };
	const char *type;

	if (l->header_len < FIXED_LEN) {
		buf_lit(b, "DHCP");
		return;
	}
	if (load_be32(header + OFF_COOKIE) == COOKIE)
		read_told(header, (struct area){ FIXED_LEN, l->header_len }, &t);
	type = field_value_name(&types, t.type);
	if (type)
		buf_lit(b, "DHCP "), buf_str(b, type);
	else
		buf_str(b, header[0] == 2 ? "BOOTP reply" : "BOOTP request");
	say_address(b, " ", header + 16);
	if (header[1] == 1 && header[2] == 6) {
		buf_str(b, header[0] == 2 ? " to " : " from ");
		buf_mac(b, header + 28);
	}
	if (t.name) {
		buf_lit(b, " (");
		buf_safe(b, (const char *)t.name, t.name_len);
		buf_char(b, ')');
	}
	say_address(b, " has ", header + 12);
	say_address(b, " wants ", t.requested);
	say_address(b, " server ", t.server);
	if (t.lease) {
		buf_lit(b, " lease ");
		buf_u64(b, load_be32(t.lease));
		buf_lit(b, " s");
	}
	say_address(b, " relay ", header + 24);
}

static bool dhcp_guess(const uint8_t *bytes, size_t len, bool stream)
{
	return !stream && len > FIXED_LEN && (bytes[0] == 1 || bytes[0] == 2) &&
	       load_be32(bytes + OFF_COOKIE) == COOKIE;
}

/* The tables say all; only the ports are not as usual (RFC 2131 section 4.1). */
static int dhcp_compose(struct compose *m, struct fault *fault)
{
	(void)fault;
	m->reply = m->header[0] == 2;
	m->port = SERVER_PORT;
	m->other_port = CLIENT_PORT;
	return 0;
}

const struct protocol protocol_dhcp = {
	PROTOCOL_NAME("dhcp"),
	.short_name = "DHCP",
	.title = "Dynamic Host Configuration Protocol",
	.rfc = "RFC 2131 section 2",
	.about = "Gives hosts their address for a time, and the rest of their configuration.",
	ROWS(fields),
	.min_len = FIXED_LEN,
	.whole = true,
	.application = true,
	.more_rows = more_rows,
	.n_more_rows = ARRAY_LEN(more_rows),
	.select = &fields[0],
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.bodies_fit = true,
	.options = &dhcp_options,
	.walk = dhcp_walk,
	.compose = dhcp_compose,
	.line = dhcp_line,
	.guess = dhcp_guess,
};
