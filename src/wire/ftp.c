/*
 * FTP (RFC 959; extended addresses RFC 2428, TLS RFC 4217, features RFC 2389). A command is a line,
 * a reply one or more lines with a code. Four of them announce a connection for data: PORT and EPRT
 * say where the client listens, the replies 227 and 229 where the server does. After AUTH is agreed
 * to, TLS follows.
 *
 * Kinds of commands that wait for their reply: AUTH, others.
 */
#include "wire/ftp.h"

#include "wire/compose.h"

#include <arpa/inet.h>

#include "wire/dialogue.h"

enum { ASKED_OTHER, ASKED_AUTH };

static const struct value_name reply_names[] = {
	{ 110, "restart marker" },
	{ 120, "ready later" },
	{ 125, "transfer starting" },
	{ 150, "about to open data connection" },
	{ 200, "okay" },
	{ 202, "superfluous" },
	{ 211, "system status" },
	{ 212, "directory status" },
	{ 213, "file status" },
	{ 214, "help" },
	{ 215, "system type" },
	{ 220, "ready" },
	{ 221, "closing" },
	{ 225, "data connection open" },
	{ 226, "transfer complete" },
	{ 227, "passive mode" },
	{ 228, "long passive mode" },
	{ 229, "extended passive mode" },
	{ 230, "logged in" },
	{ 232, "logged in by security exchange" },
	{ 234, "security exchange complete" },
	{ 235, "security data accepted" },
	{ 250, "file action complete" },
	{ 257, "path name" },
	{ 331, "password needed" },
	{ 332, "account needed" },
	{ 334, "security mechanism accepted" },
	{ 335, "more security data needed" },
	{ 350, "more information needed" },
	{ 421, "service not available" },
	{ 425, "cannot open data connection" },
	{ 426, "transfer aborted" },
	{ 430, "wrong user or password" },
	{ 431, "security resource unavailable" },
	{ 434, "host unavailable" },
	{ 450, "file unavailable" },
	{ 451, "local error" },
	{ 452, "no space" },
	{ 500, "syntax error" },
	{ 501, "syntax error in parameters" },
	{ 502, "not implemented" },
	{ 503, "bad sequence" },
	{ 504, "parameter not implemented" },
	{ 521, "data protection refused" },
	{ 522, "network protocol not supported" },
	{ 530, "not logged in" },
	{ 532, "account needed for storing" },
	{ 533, "protection level denied" },
	{ 534, "refused by policy" },
	{ 535, "security check failed" },
	{ 536, "protection level not supported" },
	{ 550, "file unavailable" },
	{ 551, "page type unknown" },
	{ 552, "allocation exceeded" },
	{ 553, "file name not allowed" },
	{ 0 },
};

/* RFC 959, 775 (X...), 1639, 2228, 2389, 2428, 2640, 3659, 7151. */
static const struct value_name command_names[] = {
	{ 1, "USER who logs in" },
	{ 2, "PASS the password" },
	{ 3, "ACCT the account" },
	{ 4, "REIN log in anew" },
	{ 5, "QUIT end" },
	{ 6, "HOST which of the names of the server" },
	{ 7, "LANG the language of replies" },
	{ 8, "FEAT which extensions there are" },
	{ 9, "OPTS options of a command" },
	{ 10, "HELP explain commands" },
	{ 11, "STAT status of the transfer, or of a file" },
	{ 12, "SYST the operating system" },
	{ 13, "SITE what only this server can" },
	{ 14, "NOOP nothing" },
	{ 15, "CWD change the folder" },
	{ 16, "XCWD CWD of old servers" },
	{ 17, "CDUP to the folder above" },
	{ 18, "XCUP CDUP of old servers" },
	{ 19, "PWD which folder" },
	{ 20, "XPWD PWD of old servers" },
	{ 21, "SMNT mount another file system" },
	{ 22, "LIST list a folder for people" },
	{ 23, "NLST list names only" },
	{ 24, "MLST facts about one file" },
	{ 25, "MLSD facts about each file of a folder" },
	{ 26, "SIZE bytes of a file" },
	{ 27, "MDTM when a file was changed" },
	{ 28, "MKD make a folder" },
	{ 29, "XMKD MKD of old servers" },
	{ 30, "RMD remove a folder" },
	{ 31, "XRMD RMD of old servers" },
	{ 32, "DELE delete a file" },
	{ 33, "RNFR rename from" },
	{ 34, "RNTO rename to" },
	{ 35, "RETR fetch a file" },
	{ 36, "STOR store a file" },
	{ 37, "STOU store under a new name" },
	{ 38, "APPE append to a file" },
	{ 39, "ALLO reserve space" },
	{ 40, "REST go on from a position" },
	{ 41, "ABOR abort the transfer" },
	{ 42, "TYPE text or bytes" },
	{ 43, "STRU structure of files" },
	{ 44, "MODE stream, blocks or compressed" },
	{ 45, "PORT the client listens here" },
	{ 46, "PASV the server shall listen" },
	{ 47, "EPRT PORT with either version of IP" },
	{ 48, "EPSV PASV with either version of IP" },
	{ 49, "LPRT long PORT" },
	{ 50, "LPSV long PASV" },
	{ 51, "AUTH a security mechanism, such as TLS" },
	{ 52, "ADAT security data" },
	{ 53, "PBSZ buffer of protection" },
	{ 54, "PROT protection of data connections" },
	{ 55, "CCC commands in clear again" },
	{ 56, "MIC a command with integrity" },
	{ 57, "CONF a confidential command" },
	{ 58, "ENC a command with both" },
	{ 0 },
};

static const struct value_name family_names[] = { { 1, "IPv4" }, { 2, "IPv6" }, { 0 } };

static const struct field rows[] = {
	{ AS_FLAG("ftp.request", 0), .computed = true, .title = "Request" },
	{ AS_FLAG("ftp.response", 0), .computed = true, .title = "Response" },
	{ AS_TEXT("ftp.request.command", 0, 0), .title = "Command", .values = command_names },
	{ AS_TEXT("ftp.request.arg", 0, 0), .title = "Argument" },
	{ AS_UINT("ftp.response.code", 0, 24), .title = "Code", .values = reply_names },
	{ AS_TEXT("ftp.response.arg", 0, 0), .title = "Text" },
	{ AS_TEXT("ftp.response.line", 0, 0), .repeats = true, .title = "Further line" },
	{ AS_("ftp.passive.ip", 0, 0, FIELD_IP4), .title = "Passive address",
	  .about = "Where the server listens for the data connection" },
	{ AS_("ftp.passive.port", 0, 0, FIELD_UINT), .title = "Passive port" },
	{ AS_("ftp.active.cip", 0, 0, FIELD_IP4), .title = "Active address",
	  .about = "Where the client listens for the data connection" },
	{ AS_("ftp.active.port", 0, 0, FIELD_UINT), .title = "Active port" },
	{ AS_("ftp.eprt.af", 0, 0, FIELD_UINT), .title = "Address family", .values = family_names },
	{ AS_("ftp.eprt.ip", 0, 0, FIELD_IP4), .title = "Extended active address" },
	{ AS_("ftp.eprt.ipv6", 0, 0, FIELD_IP6), .title = "Extended active address" },
	{ AS_("ftp.eprt.port", 0, 0, FIELD_UINT), .title = "Extended active port" },
	{ AS_("ftp.epsv.port", 0, 0, FIELD_UINT), .title = "Extended passive port",
	  .about = "At the address that the server has already" },
};

enum {
	ROW_REQUEST,
	ROW_RESPONSE,
	ROW_COMMAND,
	ROW_ARG,
	ROW_CODE,
	ROW_RESPONSE_ARG,
	ROW_RESPONSE_LINE,
	ROW_PASSIVE_IP,
	ROW_PASSIVE_PORT,
	ROW_ACTIVE_IP,
	ROW_ACTIVE_PORT,
	ROW_EPRT_AF,
	ROW_EPRT_IP,
	ROW_EPRT_IP6,
	ROW_EPRT_PORT,
	ROW_EPSV_PORT,
};

static const struct rows more_rows = { rows, ARRAY_LEN(rows) };

/* Where a data connection is awaited. */
struct place {
	struct text text; /* that says it */
	struct addr addr; /* family 0: that of the side that says it */
	uint16_t port;
	uint8_t family; /* of EPRT: 1 or 2 */
};

/* "10,0,0,1,4,1" at the start of @t (RFC 959 section 3.2.1.2): address and port, a byte each. */
static bool read_host_port(struct text t, struct place *ret_place)
{
	uint8_t bytes[6];
	uint32_t at = 0;

	for (unsigned i = 0; i < 6; i++) {
		unsigned v = 0, digits = 0;

		if (i && (at >= t.len || t.at[at++] != ','))
			return false;
		for (; at < t.len && t.at[at] >= '0' && t.at[at] <= '9' && digits < 4; digits++)
			v = v * 10 + t.at[at++] - '0';
		if (!digits || v > UINT8_MAX)
			return false;
		bytes[i] = (uint8_t)v;
	}
	*ret_place = (struct place){ .text = text_head(t, at),
				     .addr = addr_ip4(bytes),
				     .port = load_be16(bytes + 4) };
	return true;
}

/* Somewhere in the text of a 227 reply: servers differ in what is around it. */
static bool read_passive(struct text t, struct place *ret_place)
{
	for (uint32_t i = 0; i < t.len; i++) {
		bool begins = t.at[i] >= '0' && t.at[i] <= '9' &&
			      (!i || t.at[i - 1] < '0' || t.at[i - 1] > '9');

		if (begins && read_host_port(text_tail(t, i), ret_place))
			return true;
	}
	return false;
}

/* The address of EPRT as text. */
static bool read_address(struct text t, uint64_t family, struct addr *ret_addr)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16];

	if (t.len >= sizeof(text))
		return false;
	memcpy(text, t.at, t.len);
	text[t.len] = '\0';
	if (inet_pton(family == 1 ? AF_INET : AF_INET6, text, bytes) != 1)
		return false;
	*ret_addr = family == 1 ? addr_ip4(bytes) : addr_ip6(bytes);
	return true;
}

/* "|1|10.0.0.1|5000|", "|||5000|" (RFC 2428 sections 2 and 3); the delimiter is the first. */
static bool read_extended(struct text t, struct place *ret_place)
{
	struct text parts[3], rest = text_tail(t, 1);
	struct place p = { .text = t };
	uint64_t family = 0, port;

	for (int i = 0; i < 3; i++) {
		parts[i] = text_head(rest, text_find(rest, (char)t.at[0]));
		if (parts[i].len == rest.len)
			return false;
		rest = text_tail(rest, parts[i].len + 1);
	}
	if (!text_number(parts[2], &port) || port > UINT16_MAX)
		return false;
	if (parts[0].len && (!text_number(parts[0], &family) || (family != 1 && family != 2) ||
			     !read_address(parts[1], family, &p.addr)))
		return false;
	p.family = (uint8_t)family;
	p.port = (uint16_t)port;
	*ret_place = p;
	return true;
}

/* One message, as far as it is there. */
struct message {
	bool reply;
	unsigned code;
	struct text first;	  /* line */
	struct text command, arg; /* or the text of a reply's first line */
	struct text rest;	  /* lines of a reply after the first */
	uint8_t says;		  /* row that the place is for; 0: none */
	struct place place;
};

/* What the message announces. */
static void find_place(struct message *m)
{
	bool found = false;

	if (m->reply && m->code == 227) {
		m->says = ROW_PASSIVE_IP;
		found = read_passive(m->arg, &m->place);
	} else if (m->reply && m->code == 229) {
		struct text t = text_tail(m->arg, text_find(m->arg, '(') + 1);

		m->says = ROW_EPSV_PORT;
		found = t.len && read_extended(t, &m->place) && !m->place.family;
	} else if (!m->reply && text_is(m->command, "PORT")) {
		m->says = ROW_ACTIVE_IP;
		found = read_host_port(m->arg, &m->place);
	} else if (!m->reply && text_is(m->command, "EPRT")) {
		m->says = ROW_EPRT_AF;
		found = m->arg.len && read_extended(m->arg, &m->place) && m->place.family;
	}
	if (!found)
		m->says = 0;
}

static void parse(struct text t, bool reply, struct message *ret_message)
{
	struct text_line line = text_line(t.at, t.len);
	struct message *m = ret_message;

	*m = (struct message){ .reply = reply, .first = line.text, .arg = line.text };
	m->code = reply ? reply_code(line.text) : 0;
	if (m->code) {
		m->arg = text_tail(line.text, 4);
	} else if (!reply) {
		m->command = text_word(&m->arg);
	}
	if (reply)
		m->rest = text_tail(t, line.span);
	find_place(m);
}

/* Ports without name have several rows for a place: address, then port. */
static void walk_place(struct walk *w, const struct message *m)
{
	const struct place *p = &m->place;
	uint32_t off = (uint32_t)(p->text.at - w->packet->bytes), len = p->text.len;
	unsigned row = m->says;

	if (row == ROW_EPRT_AF) {
		walk_number(w, &rows[row], off, len, p->family, 0);
		row = p->family == 1 ? ROW_EPRT_IP : ROW_EPRT_IP6;
	}
	if (row != ROW_EPSV_PORT)
		walk_decoded(w, &rows[row], off, len, p->addr.bytes, addr_len(&p->addr), 0);
	row = row == ROW_PASSIVE_IP    ? ROW_PASSIVE_PORT
	      : row == ROW_ACTIVE_IP   ? ROW_ACTIVE_PORT
	      : m->says == ROW_EPRT_AF ? ROW_EPRT_PORT
				       : row;
	walk_number(w, &rows[row], off, len, p->port, 0);
}

static void ftp_walk(struct walk *w)
{
	struct cursor c = walk_cursor(w);
	struct message m;

	parse(text_of(c.at, (uint32_t)cursor_left(&c)), w->layer->flags & LAYER_REPLY, &m);
	walk_computed(w, &rows[ROW_REQUEST], !m.reply);
	walk_computed(w, &rows[ROW_RESPONSE], m.reply);
	if (m.command.len)
		walk_text(w, &rows[ROW_COMMAND], m.command);
	if (m.code)
		walk_number(w, &rows[ROW_CODE], (uint32_t)(m.first.at - w->packet->bytes), 3,
			    m.code, 0);
	if (m.arg.len)
		walk_text(w, &rows[m.reply ? ROW_RESPONSE_ARG : ROW_ARG], m.arg);
	while (m.rest.len) {
		struct text_line line = text_line(m.rest.at, m.rest.len);

		walk_text(w, &rows[ROW_RESPONSE_LINE], line.text);
		m.rest = text_tail(m.rest, line.span);
	}
	if (m.says)
		walk_place(w, &m);
}

static int64_t ftp_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len,
			   bool end)
{
	int64_t n = reply ? reply_message(d, reply, bytes, len, end)
			  : line_message(bytes, len, end);
	struct message m;

	if (n <= 0)
		return n;
	parse(text_of(bytes, (uint32_t)n), reply, &m);
	if (m.says) {
		d->announces = PROTOCOL_FTP_DATA;
		d->port = m.place.port;
		d->addr = m.place.addr;
	}
	if (!reply && m.command.len)
		dialogue_ask(d, text_is(m.command, "AUTH") ? ASKED_AUTH : ASKED_OTHER);
	if (m.code == 234 && dialogue_asked(d) == ASKED_AUTH)
		*d = (struct dialogue){ .proto = PROTOCOL_TLS };
	else if (m.code >= 200 && m.code != 220) /* which greets */
		dialogue_answered(d);
	return n;
}

static uint8_t ftp_step(struct packet *p, struct layer *l, uint8_t next UNUSED)
{
	struct dialogue d = { .proto = PROTOCOL_FTP };

	return line_step(
		p, l,
		ftp_message(&d, l->flags & LAYER_REPLY, p->bytes + l->off, p->have - l->off, true),
		PROTOCOL_FTP);
}

static void ftp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	struct text all = layer_text(p, l);

	if (layer && p->layers[layer - 1].proto == PROTOCOL_FTP)
		buf_lit(b, " | ");
	buf_lit(b, "FTP");
	if (l->flags & LAYER_REPLY)
		line_put_reply(b, all);
	else
		line_put(b, text_line(all.at, all.len).text);
}

/* A server speaks first, and most say what they are. */
static bool ftp_guess(const uint8_t *bytes, size_t len, bool stream)
{
	struct text line;

	if (!stream || !len || bytes[0] != '2')
		return false;
	line = text_line(bytes, (uint32_t)MIN(len, (size_t)LINE_MAX_LEN)).text;
	return reply_code(line) == 220 && memmem(line.at, line.len, "FTP", 3);
}

static int ftp_compose(struct compose *m, struct fault *fault)
{
	(void)fault;
	compose_lines(m, rows, 1 << ROW_COMMAND | 1 << ROW_CODE, 1 << ROW_ARG,
		      1 << ROW_CODE | 1 << ROW_RESPONSE_ARG, &rows[ROW_CODE]);
	return 0;
}

const struct protocol protocol_ftp = {
	PROTOCOL_NAME("ftp"),
	.short_name = "FTP",
	.title = "File Transfer Protocol",
	.rfc = "RFC 959",
	.about = "Commands and replies in lines of text; files go over connections of their own, "
		 "which PORT, EPRT and the replies to PASV and EPSV announce.",
	.whole = true,
	.application = true,
	.more_rows = &more_rows,
	.n_more_rows = 1,
	.step = ftp_step,
	.walk = ftp_walk,
	.compose = ftp_compose,
	.line = ftp_line,
	.guess = ftp_guess,
	.message = ftp_message,
};

static const struct field data_rows[] = {
	{ AS_COUNT("ftp-data.len"), .title = "Length" },
	{ AS_BYTES("ftp-data.data", 0, 0), .bulk = true, .title = "Data" },
};

static const struct rows data_more = { data_rows, ARRAY_LEN(data_rows) };

static void data_walk(struct walk *w)
{
	struct cursor c = walk_cursor(w);
	uint32_t len = (uint32_t)cursor_left(&c);

	walk_computed(w, &data_rows[0], len);
	if (len && !w->sink->light)
		walk_text(w, &data_rows[1], text_of(c.at, len));
}

static void data_line(struct buf *b, const struct packet *p, size_t layer)
{
	buf_lit(b, "FTP-DATA");
	line_put_bytes(b, layer_text(p, &p->layers[layer]).len);
}

/* Bytes that are not in a layer of data behind it. */
static int data_compose(struct compose *m, struct fault *fault)
{
	const struct compose_setting *s = compose_find(m, &data_rows[1]);

	(void)fault;
	compose_text(m, s, "");
	return 0;
}

const struct protocol protocol_ftp_data = {
	PROTOCOL_NAME("ftp-data"),
	.short_name = "FTP-DATA",
	.title = "FTP data",
	.rfc = "RFC 959 section 3.2",
	.about = "The bytes of one file or listing; the connection is announced in another one.",
	.whole = true,
	.application = true,
	.more_rows = &data_more,
	.n_more_rows = 1,
	.walk = data_walk,
	.compose = data_compose,
	.line = data_line,
};
