/*
 * POP3 (RFC 1939; STLS RFC 2595, CAPA RFC 2449, AUTH RFC 5034). A command is a line, a response a
 * line that begins with +OK or -ERR; after +OK to some commands more lines follow, up to one that
 * is a dot alone. They are a message of their own, so that the response is shown when it comes.
 *
 * Kinds of commands that wait for their response: those with more lines, STLS, others. count[1]:
 * the server was heard.
 */
#include "wire/pop.h"

#include "wire/compose.h"
#include "wire/dialogue.h"

enum { ASKED_OTHER, ASKED_LINES, ASKED_STLS };

/* Of both sides: what comes next. */
enum { IN_LINES, IN_DATA, IN_AUTH };

static const struct field rows[] = {
	{ AS_TEXT("pop.request", 0, 0), .title = "Request" },
	{ AS_TEXT("pop.request.command", 0, 0), .depth = 1, .title = "Command" },
	{ AS_TEXT("pop.request.parameter", 0, 0), .depth = 1, .title = "Parameter" },
	{ AS_TEXT("pop.request.data", 0, 0), .title = "Data of an authentication" },
	{ AS_TEXT("pop.response", 0, 0), .title = "Response" },
	{ AS_TEXT("pop.response.indicator", 0, 0), .depth = 1, .title = "Indicator" },
	{ AS_TEXT("pop.response.description", 0, 0), .depth = 1, .title = "Description" },
	{ AS_COUNT("pop.data_len"), .title = "Length of the lines that follow a response" },
	{ AS_TEXT("pop.response.data", 0, 0), .bulk = true, .repeats = true, .title = "Line" },
};

enum {
	ROW_REQUEST,
	ROW_COMMAND,
	ROW_PARAMETER,
	ROW_REQUEST_DATA,
	ROW_RESPONSE,
	ROW_INDICATOR,
	ROW_DESCRIPTION,
	ROW_DATA_LEN,
	ROW_RESPONSE_DATA,
};

static const struct rows more_rows = { rows, ARRAY_LEN(rows) };

/* What sort of response a command has. */
static unsigned kind_of(struct text line)
{
	struct text arg = line, command = text_word(&arg);

	if (text_is(command, "STLS"))
		return ASKED_STLS;
	if (text_is(command, "RETR") || text_is(command, "TOP") || text_is(command, "CAPA"))
		return ASKED_LINES;
	if (!arg.len &&
	    (text_is(command, "LIST") || text_is(command, "UIDL") || text_is(command, "AUTH")))
		return ASKED_LINES;
	return ASKED_OTHER;
}

static bool is_response(struct text line)
{
	return text_begins(line, "+OK") || text_begins(line, "-ERR") || text_begins(line, "+ ");
}

/* Whether @line is something that follows a response or command. */
static bool is_data(const struct dialogue *d, bool reply, struct text line)
{
	if (d)
		return d->phase[reply] != IN_LINES;
	return reply && !is_response(line);
}

static void heed_command(struct dialogue *d, struct text line)
{
	struct text arg = line, command = text_word(&arg);

	if (text_is(command, "AUTH") && arg.len)
		d->phase[0] = IN_AUTH;
	if (command.len)
		dialogue_ask(d, kind_of(line));
}

static void heed_response(struct dialogue *d, struct text line)
{
	unsigned asked = dialogue_asked(d);
	bool ok = text_begins(line, "+OK"), first = !d->count[1];

	if (!ok && !text_begins(line, "-ERR"))
		return;
	d->count[1] = 1;
	d->phase[0] = IN_LINES;
	/* A client that does not wait for the greeting is answered after it. */
	if (ok && first && asked == ASKED_STLS)
		return;
	if (ok && asked == ASKED_STLS) {
		*d = (struct dialogue){ .proto = PROTOCOL_TLS };
		return;
	}
	if (ok && asked == ASKED_LINES)
		d->phase[1] = IN_DATA;
	dialogue_answered(d);
}

static int64_t pop_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len,
			   bool end)
{
	struct text line;
	bool over;
	int64_t n;

	if (reply && d->phase[1] == IN_DATA) {
		n = dotted_message(d, reply, bytes, len, end, &over);
		if (n > 0 && over)
			d->phase[1] = IN_LINES;
		return n;
	}
	n = line_message(bytes, len, end);
	if (n <= 0)
		return n;
	line = text_line(bytes, (uint32_t)n).text;
	if (reply)
		heed_response(d, line);
	else if (d->phase[0] == IN_LINES)
		heed_command(d, line);
	return n;
}

static void walk_data(struct walk *w, struct text all)
{
	walk_computed(w, &rows[ROW_DATA_LEN], all.len);
	while (all.len && !w->sink->light) {
		struct text_line line = text_line(all.at, all.len);

		walk_text(w, &rows[ROW_RESPONSE_DATA], line.text);
		all = text_tail(all, line.span);
	}
}

static void pop_walk(struct walk *w)
{
	struct cursor c = walk_cursor(w);
	struct text all = text_of(c.at, (uint32_t)cursor_left(&c)), line, word;
	bool reply = w->layer->flags & LAYER_REPLY;

	if (!all.len)
		return;
	line = text_line(all.at, all.len).text;
	if (is_data(w->packet->config->dialogue, reply, line)) {
		if (reply)
			walk_data(w, all);
		else
			walk_text(w, &rows[ROW_REQUEST_DATA], line);
		return;
	}
	walk_text(w, &rows[reply ? ROW_RESPONSE : ROW_REQUEST], line);
	word = text_word(&line);
	if (word.len)
		walk_text(w, &rows[reply ? ROW_INDICATOR : ROW_COMMAND], word);
	if (line.len)
		walk_text(w, &rows[reply ? ROW_DESCRIPTION : ROW_PARAMETER], line);
}

/* Without a stream: lines one by one, as far as they are commands or responses. */
static uint8_t pop_step(struct packet *p, struct layer *l, uint8_t next UNUSED)
{
	const uint8_t *bytes = p->bytes + l->off;
	struct text_line line = text_line(bytes, p->have - l->off);

	if (is_data(NULL, l->flags & LAYER_REPLY, line.text))
		return PROTOCOL_NONE;
	return line_step(p, l, line.span, PROTOCOL_POP);
}

static void pop_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	struct text all = layer_text(p, l), line = text_line(all.at, all.len).text;

	if (layer && p->layers[layer - 1].proto == PROTOCOL_POP)
		buf_lit(b, " | ");
	buf_lit(b, "POP");
	if (is_data(p->config->dialogue, l->flags & LAYER_REPLY, line)) {
		buf_lit(b, " data");
		line_put_bytes(b, all.len);
	} else {
		line_put(b, line);
	}
}

static bool pop_guess(const uint8_t *bytes, size_t len, bool stream)
{
	return stream && len > 4 && (!memcmp(bytes, "+OK ", 4) || !memcmp(bytes, "+OK\r\n", 5));
}

static int pop_compose(struct compose *m, struct fault *fault)
{
	(void)fault;
	compose_lines(m, rows,
		      1 << ROW_REQUEST | 1 << ROW_COMMAND | 1 << ROW_RESPONSE | 1 << ROW_INDICATOR,
		      1 << ROW_PARAMETER,
		      1 << ROW_RESPONSE | 1 << ROW_INDICATOR | 1 << ROW_DESCRIPTION, NULL);
	return 0;
}

const struct protocol protocol_pop = {
	PROTOCOL_NAME("pop"),
	.short_name = "POP",
	.title = "Post Office Protocol",
	.rfc = "RFC 1939",
	.about = "Mail fetched from a server: commands, and responses that begin with +OK or -ERR.",
	.whole = true,
	.application = true,
	.more_rows = &more_rows,
	.n_more_rows = 1,
	.step = pop_step,
	.walk = pop_walk,
	.compose = pop_compose,
	.line = pop_line,
	.guess = pop_guess,
	.message = pop_message,
};
