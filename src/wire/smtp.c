/*
 * SMTP (RFC 5321; STARTTLS RFC 3207, AUTH RFC 4954, CHUNKING RFC 3030, LMTP RFC 2033). A command
 * is a line, a reply one or more lines with a code. After the reply 354 to DATA the mail follows,
 * up to a line that is a dot alone; BDAT says how many bytes follow it. What the client sends next
 * is its phase.
 *
 * Kinds of commands that wait for their reply: DATA, STARTTLS, AUTH, others.
 */
#include "wire/smtp.h"

#include "wire/compose.h"
#include "wire/dialogue.h"

enum { ASKED_OTHER, ASKED_DATA, ASKED_STARTTLS, ASKED_AUTH };

/* What comes from the client. */
enum {
	IN_COMMANDS,
	IN_DATA_ASKED, /* commands, unless no server is heard at all */
	IN_DATA,
	IN_BDAT, /* dialogue.count bytes */
	IN_AUTH_PLAIN,
	IN_AUTH_USER,
	IN_AUTH_PASSWORD,
	IN_AUTH, /* some mechanism */
};

/* Of the server: whether it was heard. */
enum { SILENT, HEARD };

static const struct value_name reply_names[] = {
	{ 211, "system status" },
	{ 214, "help" },
	{ 220, "ready" },
	{ 221, "closing" },
	{ 235, "authenticated" },
	{ 250, "okay" },
	{ 251, "not local, will forward" },
	{ 252, "cannot verify, will try" },
	{ 334, "authentication goes on" },
	{ 354, "start mail input" },
	{ 421, "service not available" },
	{ 432, "password transition needed" },
	{ 450, "mailbox unavailable" },
	{ 451, "local error" },
	{ 452, "insufficient storage" },
	{ 454, "temporary authentication failure" },
	{ 455, "parameters not accommodated" },
	{ 500, "syntax error" },
	{ 501, "syntax error in parameters" },
	{ 502, "not implemented" },
	{ 503, "bad sequence" },
	{ 504, "parameter not implemented" },
	{ 521, "no mail accepted" },
	{ 523, "encryption needed" },
	{ 530, "authentication required" },
	{ 534, "mechanism too weak" },
	{ 535, "credentials invalid" },
	{ 538, "encryption required" },
	{ 550, "mailbox unavailable" },
	{ 551, "not local" },
	{ 552, "storage exceeded" },
	{ 553, "mailbox name not allowed" },
	{ 554, "transaction failed" },
	{ 555, "parameters not recognized" },
	{ 556, "domain takes no mail" },
	{ 0 },
};

static const struct field rows[] = {
	{ AS_FLAG("smtp.req", 0), .computed = true, .title = "Request" },
	{ AS_FLAG("smtp.rsp", 0), .computed = true, .title = "Response" },
	{ AS_TEXT("smtp.command_line", 0, 0), .title = "Command line" },
	{ AS_TEXT("smtp.req.command", 0, 0), .depth = 1, .title = "Command" },
	{ AS_TEXT("smtp.req.parameter", 0, 0), .depth = 1, .title = "Parameter" },
	{ AS_TEXT("smtp.auth.username", 0, 0), .depth = 1, .title = "User name",
	  .about = "Decoded" },
	{ AS_TEXT("smtp.auth.password", 0, 0), .depth = 1, .title = "Password",
	  .about = "Decoded" },
	{ AS_TEXT("smtp.response", 0, 0), .title = "Response" },
	{ AS_UINT("smtp.response.code", 0, 24), .depth = 1, .title = "Code",
	  .values = reply_names },
	{ AS_TEXT("smtp.rsp.parameter", 0, 0), .depth = 1, .repeats = true, .title = "Text",
	  .about = "Of each line" },
	{ AS_COUNT("smtp.data_len"), .title = "Length of mail data" },
	{ AS_TEXT("smtp.message", 0, 0), .bulk = true, .title = "Mail data" },
	{ AS_FLAG("smtp.eom", 0), .computed = true, .title = "End of mail" },
};

enum {
	ROW_REQ,
	ROW_RSP,
	ROW_COMMAND_LINE,
	ROW_COMMAND,
	ROW_PARAMETER,
	ROW_USER,
	ROW_PASSWORD,
	ROW_RESPONSE,
	ROW_CODE,
	ROW_TEXT,
	ROW_DATA_LEN,
	ROW_MESSAGE,
	ROW_EOM,
};

static const struct rows more_rows = { rows, ARRAY_LEN(rows) };

static const char *const commands[] = {
	"EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT",	    "RSET", "NOOP",    "QUIT",
	"VRFY", "EXPN", "HELP", "AUTH", "ETRN", "ATRN", "STARTTLS", "BURL", "XCLIENT", "XFORWARD",
};

static bool is_command(struct text word)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (text_is(word, commands[i]))
			return true;
	return false;
}

/*
 * What @line from the client is. Without a dialogue there are only the words: what is no command is
 * mail.
 */
static uint8_t client_phase(const struct dialogue *d, struct text line)
{
	struct text rest = line;

	if (!d)
		return is_command(text_word(&rest)) ? IN_COMMANDS : IN_DATA;
	if (d->phase[0] != IN_DATA_ASKED)
		return d->phase[0];
	return d->phase[1] == SILENT ? IN_DATA : IN_COMMANDS;
}

/* Bytes that follow a BDAT command; what is wrong is refused, and nothing follows. */
static bool read_bdat(struct text arg, uint64_t *ret_len)
{
	struct text number = text_word(&arg);

	return (!arg.len || text_is(arg, "LAST")) && text_number(number, ret_len);
}

static uint8_t auth_phase(struct text arg)
{
	struct text mechanism = text_word(&arg);

	if (text_is(mechanism, "PLAIN"))
		return arg.len ? IN_COMMANDS : IN_AUTH_PLAIN;
	if (text_is(mechanism, "LOGIN"))
		return arg.len ? IN_AUTH_PASSWORD : IN_AUTH_USER;
	return IN_AUTH;
}

/* What a command makes of what follows. */
static void heed_command(struct dialogue *d, struct text line)
{
	struct text arg = line, command = text_word(&arg);
	unsigned kind = ASKED_OTHER;
	uint64_t len;

	d->phase[0] = IN_COMMANDS;
	if (text_is(command, "DATA")) {
		d->phase[0] = IN_DATA_ASKED;
		kind = ASKED_DATA;
	} else if (text_is(command, "BDAT") && read_bdat(arg, &len)) {
		d->phase[0] = len ? IN_BDAT : IN_COMMANDS;
		d->count[0] = len;
	} else if (text_is(command, "STARTTLS")) {
		kind = ASKED_STARTTLS;
	} else if (text_is(command, "AUTH")) {
		d->phase[0] = auth_phase(arg);
		kind = ASKED_AUTH;
	}
	if (command.len)
		dialogue_ask(d, kind);
}

static void heed_reply(struct dialogue *d, unsigned code)
{
	unsigned asked = dialogue_asked(d);
	bool greets = code == 220 && d->phase[1] == SILENT;

	d->phase[1] = HEARD;
	if (!code || code == 334 || greets)
		return;
	if (asked == ASKED_STARTTLS && code == 220) {
		*d = (struct dialogue){ .proto = PROTOCOL_TLS };
		return;
	}
	if (code == 354)
		d->phase[0] = IN_DATA;
	else if ((asked == ASKED_DATA && d->phase[0] == IN_DATA_ASKED) ||
		 (asked == ASKED_AUTH && d->phase[0] >= IN_AUTH_PLAIN))
		d->phase[0] = IN_COMMANDS;
	dialogue_answered(d);
}

static int64_t client_message(struct dialogue *d, uint8_t phase, const uint8_t *bytes, size_t len,
			      bool end)
{
	bool over = false;
	int64_t n;

	if (phase == IN_DATA) {
		n = dotted_message(d, false, bytes, len, end, &over);
		if (n > 0)
			d->phase[0] = over ? IN_COMMANDS : IN_DATA;
		if (over)
			dialogue_ask(d, ASKED_OTHER);
		return n;
	}
	if (phase == IN_BDAT) {
		n = counted_message(d->count[0], len, end);
		d->count[0] -= (uint64_t)n;
		if (!d->count[0])
			d->phase[0] = IN_COMMANDS;
		return n;
	}
	n = line_message(bytes, len, end);
	if (n > 0 && phase == IN_AUTH_USER)
		d->phase[0] = IN_AUTH_PASSWORD;
	else if (n > 0 && phase >= IN_AUTH_PLAIN)
		d->phase[0] = phase == IN_AUTH ? IN_AUTH : IN_COMMANDS;
	else if (n > 0)
		heed_command(d, text_line(bytes, (uint32_t)n).text);
	return n;
}

static int64_t smtp_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len,
			    bool end)
{
	int64_t n;

	if (!reply)
		return client_message(d, client_phase(d, (struct text){ 0 }), bytes, len, end);
	n = reply_message(d, reply, bytes, len, end);
	if (n > 0)
		heed_reply(d, reply_code(text_line(bytes, (uint32_t)n).text));
	return n;
}

/* Gives the decoded text of @t, up to a NUL, from the @nth of its parts on. */
static void walk_decoded_part(struct walk *w, unsigned row, struct text t, unsigned nth)
{
	uint8_t plain[1024];
	int len = text_base64(t, plain, sizeof(plain));
	const uint8_t *at = plain, *end = plain + MAX(len, 0);

	for (; nth && at < end; nth--) {
		at = memchr(at, 0, (size_t)(end - at));
		if (!at)
			return;
		at++;
	}
	if (at < end)
		walk_decoded(w, &rows[row], (uint32_t)(t.at - w->packet->bytes), t.len, at,
			     strnlen((const char *)at, (size_t)(end - at)), 0);
}

/* PLAIN: authorization, user, password, each with a NUL after it (RFC 4616). */
static void walk_plain(struct walk *w, struct text t)
{
	walk_decoded_part(w, ROW_USER, t, 1);
	walk_decoded_part(w, ROW_PASSWORD, t, 2);
}

static void walk_command(struct walk *w, struct text all)
{
	struct text arg = text_line(all.at, all.len).text, command = text_word(&arg), mechanism;

	walk_text(w, &rows[ROW_COMMAND_LINE], all);
	if (command.len)
		walk_text(w, &rows[ROW_COMMAND], command);
	if (!arg.len)
		return;
	walk_text(w, &rows[ROW_PARAMETER], arg);
	mechanism = text_word(&arg);
	if (!text_is(command, "AUTH") || !arg.len)
		return;
	if (text_is(mechanism, "PLAIN"))
		walk_plain(w, arg);
	else if (text_is(mechanism, "LOGIN"))
		walk_decoded_part(w, ROW_USER, arg, 0);
}

static bool ends_mail(const struct dialogue *d, struct text t)
{
	struct text tail = text_tail(t, t.len - MIN(t.len, 5u));

	if (!t.len || t.at[t.len - 1] != '\n')
		return false;
	if (t.len <= 3 && t.at[0] == '.' && text_line(t.at, t.len).text.len == 1)
		return d; /* at the start of a message only a dialogue knows that it is a line's */
	return (tail.len == 5 && !memcmp(tail.at, "\r\n.\r\n", 5)) ||
	       (tail.len >= 3 && !memcmp(tail.at + tail.len - 3, "\n.\n", 3));
}

static void walk_mail(struct walk *w, struct text t, bool dotted)
{
	walk_computed(w, &rows[ROW_DATA_LEN], t.len);
	if (!w->sink->light)
		walk_text(w, &rows[ROW_MESSAGE], t);
	if (dotted && ends_mail(w->packet->config->dialogue, t))
		walk_computed(w, &rows[ROW_EOM], 1);
}

static void walk_reply(struct walk *w, struct text all)
{
	struct text_line line = text_line(all.at, all.len);
	unsigned code = reply_code(line.text);

	walk_computed(w, &rows[ROW_RSP], 1);
	walk_text(w, &rows[ROW_RESPONSE], text_head(all, line.span));
	if (code)
		walk_number(w, &rows[ROW_CODE], (uint32_t)(all.at - w->packet->bytes), 3, code, 0);
	for (; all.len; line = text_line(all.at, all.len)) {
		struct text t = reply_code(line.text) ? text_tail(line.text, 4) : line.text;

		if (t.len)
			walk_text(w, &rows[ROW_TEXT], t);
		all = text_tail(all, line.span);
	}
}

static void smtp_walk(struct walk *w)
{
	struct cursor c = walk_cursor(w);
	struct text all = text_of(c.at, (uint32_t)cursor_left(&c));
	struct text line = text_line(all.at, all.len).text;
	uint8_t phase = client_phase(w->packet->config->dialogue, line);

	if (!all.len)
		return;
	if (w->layer->flags & LAYER_REPLY) {
		walk_reply(w, all);
		return;
	}
	if (phase == IN_DATA || phase == IN_BDAT) {
		walk_mail(w, all, phase == IN_DATA);
		return;
	}
	walk_computed(w, &rows[ROW_REQ], 1);
	if (phase == IN_AUTH_PLAIN)
		walk_plain(w, line);
	else if (phase == IN_AUTH_USER || phase == IN_AUTH_PASSWORD)
		walk_decoded_part(w, phase == IN_AUTH_USER ? ROW_USER : ROW_PASSWORD, line, 0);
	else
		walk_command(w, all);
}

/* Without a stream: commands and replies one by one, mail as it is. */
static uint8_t smtp_step(struct packet *p, struct layer *l, uint8_t next UNUSED)
{
	const uint8_t *bytes = p->bytes + l->off;
	uint32_t len = p->have - l->off;
	struct dialogue d = { .proto = PROTOCOL_SMTP };
	uint8_t phase = client_phase(NULL, text_line(bytes, len).text);
	bool reply = l->flags & LAYER_REPLY;

	return line_step(p, l,
			 reply ? reply_message(&d, reply, bytes, len, true)
			       : client_message(&d, phase, bytes, len, true),
			 PROTOCOL_SMTP);
}

static void smtp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	struct text all = layer_text(p, l), line = text_line(all.at, all.len).text;
	uint8_t phase = client_phase(p->config->dialogue, line);

	if (layer && p->layers[layer - 1].proto == PROTOCOL_SMTP)
		buf_lit(b, " | ");
	buf_lit(b, "SMTP");
	if (l->flags & LAYER_REPLY) {
		line_put_reply(b, all);
	} else if (phase <= IN_DATA_ASKED) {
		line_put(b, line);
	} else if (phase == IN_DATA || phase == IN_BDAT) {
		buf_lit(b, " mail");
		line_put_bytes(b, all.len);
	} else {
		buf_lit(b, " authentication");
	}
}

/* Servers say what they speak, clients greet. */
static bool smtp_guess(const uint8_t *bytes, size_t len, bool stream)
{
	struct text line, arg, word;

	/* Most bytes are told by the first of them. */
	if (!stream || !len || !memchr("2EHLehl", bytes[0], 7))
		return false;
	line = text_line(bytes, (uint32_t)MIN(len, (size_t)LINE_MAX_LEN)).text;
	arg = line;
	word = text_word(&arg);
	if (reply_code(line) == 220)
		return memmem(line.at, line.len, "SMTP", 4) || memmem(line.at, line.len, "LMTP", 4);
	return arg.len && (text_is(word, "EHLO") || text_is(word, "HELO") || text_is(word, "LHLO"));
}

static int smtp_compose(struct compose *m, struct fault *fault)
{
	(void)fault;
	compose_lines(m, rows,
		      1 << ROW_COMMAND_LINE | 1 << ROW_COMMAND | 1 << ROW_RESPONSE | 1 << ROW_CODE,
		      1 << ROW_PARAMETER, 1 << ROW_RESPONSE | 1 << ROW_CODE | 1 << ROW_TEXT,
		      &rows[ROW_CODE]);
	return 0;
}

const struct protocol protocol_smtp = {
	PROTOCOL_NAME("smtp"),
	.short_name = "SMTP",
	.title = "Simple Mail Transfer Protocol",
	.rfc = "RFC 5321",
	.about = "Commands and replies in lines of text; a mail follows DATA or BDAT.",
	.whole = true,
	.application = true,
	.more_rows = &more_rows,
	.n_more_rows = 1,
	.step = smtp_step,
	.walk = smtp_walk,
	.compose = smtp_compose,
	.line = smtp_line,
	.guess = smtp_guess,
	.message = smtp_message,
};
