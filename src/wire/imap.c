/*
 * IMAP (RFC 9051, RFC 3501; literals without waiting RFC 7888, IDLE RFC 2177). Everything is lines;
 * a line that ends in {n} is followed by n bytes, the literal, after which the line goes on. Each
 * line, each literal and each rest of a line is a message, because a client waits between them.
 *
 * phase, count: a literal of so many bytes comes next, or the rest of a line. memory: the hash of
 * the tag of STARTTLS, until it is answered.
 */
#include "wire/imap.h"

#include "wire/compose.h"
#include "wire/dialogue.h"

enum { AT_LINE, IN_LITERAL, AFTER_LITERAL };

static const struct field rows[] = {
	{ AS_FLAG("imap.isrequest", 0), .computed = true, .title = "Request" },
	{ AS_TEXT("imap.line", 0, 0), .title = "Line" },
	{ AS_TEXT("imap.request", 0, 0), .depth = 1, .title = "Request" },
	{ AS_TEXT("imap.request_tag", 0, 0), .depth = 1, .title = "Tag of the request" },
	{ AS_TEXT("imap.response", 0, 0), .depth = 1, .title = "Response" },
	{ AS_TEXT("imap.response_tag", 0, 0), .depth = 1, .title = "Tag of the response" },
	{ AS_TEXT("imap.tag", 0, 0), .depth = 1, .title = "Tag" },
	{ AS_FLAG("imap.request.command.uid", 0), .computed = true, .depth = 1,
	  .title = "Messages are named by UID" },
	{ AS_TEXT("imap.request.command", 0, 0), .depth = 1, .title = "Command" },
	{ AS_TEXT("imap.response.status", 0, 0), .depth = 1, .title = "Status" },
	{ AS_TEXT("imap.response.command", 0, 0), .depth = 1, .title = "Command answered" },
	{ AS_TEXT("imap.command", 0, 0), .depth = 1, .title = "Command" },
	{ AS_TEXT("imap.request.username", 0, 0), .depth = 1, .title = "User name" },
	{ AS_TEXT("imap.request.password", 0, 0), .depth = 1, .title = "Password" },
	{ AS_TEXT("imap.request.folder", 0, 0), .depth = 1, .title = "Folder" },
	{ AS_COUNT("imap.literal_len"), .title = "Length of the literal",
	  .about = "As far as it is here" },
	{ AS_TEXT("imap.literal", 0, 0), .bulk = true, .title = "Literal" },
};

enum {
	ROW_IS_REQUEST,
	ROW_LINE,
	ROW_REQUEST,
	ROW_REQUEST_TAG,
	ROW_RESPONSE,
	ROW_RESPONSE_TAG,
	ROW_TAG,
	ROW_UID,
	ROW_REQUEST_COMMAND,
	ROW_STATUS,
	ROW_RESPONSE_COMMAND,
	ROW_COMMAND,
	ROW_USERNAME,
	ROW_PASSWORD,
	ROW_FOLDER,
	ROW_LITERAL_LEN,
	ROW_LITERAL,
};

static const struct rows more_rows = { rows, ARRAY_LEN(rows) };

/* The length of the literal that follows a line, "{12}" or "{12+}" at its end; 0: none. */
static uint64_t literal_len(struct text line)
{
	struct text t = line;
	uint64_t len;
	uint32_t n;

	if (t.len < 3 || t.at[t.len - 1] != '}')
		return 0;
	t.len--;
	t.len -= t.at[t.len - 1] == '+' || t.at[t.len - 1] == '-';
	for (n = t.len; n && t.at[n - 1] >= '0' && t.at[n - 1] <= '9';)
		n--;
	if (!n || t.at[n - 1] != '{' || !text_number(text_tail(t, n), &len))
		return 0;
	return len;
}

/* FNV-1a; never 0. */
static uint32_t tag_hash(struct text tag)
{
	uint32_t h = 2166136261u;

	for (uint32_t i = 0; i < tag.len; i++)
		h = (h ^ tag.at[i]) * 16777619u;
	return h ?: 1;
}

static void heed(struct dialogue *d, bool reply, struct text line)
{
	struct text rest = line, tag = text_word(&rest), word = text_word(&rest);

	if (d->phase[reply] == AFTER_LITERAL)
		return;
	if (!reply && text_is(word, "STARTTLS"))
		d->memory = tag_hash(tag);
	if (!reply || !d->memory || d->memory != tag_hash(tag))
		return;
	d->memory = 0;
	if (text_is(word, "OK"))
		*d = (struct dialogue){ .proto = PROTOCOL_TLS };
}

static int64_t imap_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len,
			    bool end)
{
	struct text line;
	int64_t n;

	if (d->phase[reply] == IN_LITERAL) {
		n = counted_message(d->count[reply], len, end);
		d->count[reply] -= (uint64_t)n;
		if (!d->count[reply])
			d->phase[reply] = AFTER_LITERAL;
		return n;
	}
	n = line_message(bytes, len, end);
	if (n <= 0)
		return n;
	line = text_line(bytes, (uint32_t)n).text;
	heed(d, reply, line);
	if (d->proto != PROTOCOL_IMAP)
		return n;
	d->count[reply] = literal_len(line);
	d->phase[reply] = d->count[reply] ? IN_LITERAL : AT_LINE;
	return n;
}

/* The next word or quoted string of a command's arguments, without its quotes. */
static struct text argument(struct text *t)
{
	struct text quoted;
	uint32_t n;

	if (!t->len || t->at[0] != '"')
		return text_word(t);
	quoted = text_tail(*t, 1);
	for (n = 0; n < quoted.len && quoted.at[n] != '"'; n++)
		n += quoted.at[n] == '\\';
	*t = text_trim(text_tail(quoted, n + 1));
	return text_head(quoted, n);
}

static void walk_word(struct walk *w, unsigned row, struct text word)
{
	if (word.len)
		walk_text(w, &rows[row], word);
}

static bool names_folder(struct text command)
{
	static const char *const names[] = { "SELECT",	  "EXAMINE",	 "CREATE", "DELETE",
					     "SUBSCRIBE", "UNSUBSCRIBE", "STATUS", "APPEND" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (text_is(command, names[i]))
			return true;
	return false;
}

static void walk_request(struct walk *w, struct text line)
{
	struct text rest = line, tag = text_word(&rest), word = text_word(&rest), command = word;

	walk_word(w, ROW_REQUEST, line);
	walk_word(w, ROW_REQUEST_TAG, tag);
	walk_word(w, ROW_TAG, tag);
	if (text_is(word, "UID")) {
		walk_computed(w, &rows[ROW_UID], 1);
		command = text_word(&rest);
	}
	walk_word(w, ROW_REQUEST_COMMAND, command);
	walk_word(w, ROW_COMMAND, word);
	if (text_is(command, "LOGIN")) {
		walk_word(w, ROW_USERNAME, argument(&rest));
		walk_word(w, ROW_PASSWORD, argument(&rest));
	} else if (names_folder(command)) {
		walk_word(w, ROW_FOLDER, argument(&rest));
	}
}

static void walk_response(struct walk *w, struct text line)
{
	struct text rest = line, tag = text_word(&rest), status = text_word(&rest);
	struct text command = text_word(&rest);

	if (text_is(tag, "*"))
		return;
	walk_word(w, ROW_RESPONSE, line);
	walk_word(w, ROW_RESPONSE_TAG, tag);
	walk_word(w, ROW_TAG, tag);
	walk_word(w, ROW_STATUS, status);
	walk_word(w, ROW_RESPONSE_COMMAND, command);
	walk_word(w, ROW_COMMAND, command);
}

static uint8_t phase_of(const struct packet *p, bool reply)
{
	return p->config->dialogue ? p->config->dialogue->phase[reply] : AT_LINE;
}

static void imap_walk(struct walk *w)
{
	struct cursor c = walk_cursor(w);
	struct text all = text_of(c.at, (uint32_t)cursor_left(&c));
	bool reply = w->layer->flags & LAYER_REPLY;
	uint8_t phase = phase_of(w->packet, reply);
	struct text line;

	if (!all.len)
		return;
	walk_computed(w, &rows[ROW_IS_REQUEST], !reply);
	if (phase == IN_LITERAL) {
		walk_computed(w, &rows[ROW_LITERAL_LEN], all.len);
		if (!w->sink->light)
			walk_text(w, &rows[ROW_LITERAL], all);
		return;
	}
	walk_text(w, &rows[ROW_LINE], all);
	line = text_line(all.at, all.len).text;
	if (phase == AFTER_LITERAL)
		return;
	if (reply)
		walk_response(w, line);
	else
		walk_request(w, line);
}

/* Without a stream: lines one by one; literals are lines like others. */
static uint8_t imap_step(struct packet *p, struct layer *l, uint8_t next UNUSED)
{
	struct text_line line = text_line(p->bytes + l->off, p->have - l->off);

	return line_step(p, l, line.span, PROTOCOL_IMAP);
}

static void imap_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	struct text all = layer_text(p, l);

	if (layer && p->layers[layer - 1].proto == PROTOCOL_IMAP)
		buf_lit(b, " | ");
	buf_lit(b, "IMAP");
	if (phase_of(p, l->flags & LAYER_REPLY) == IN_LITERAL) {
		buf_lit(b, " literal");
		line_put_bytes(b, all.len);
	} else {
		line_put(b, text_line(all.at, all.len).text);
	}
}

static bool imap_guess(const uint8_t *bytes, size_t len, bool stream)
{
	struct text t = text_of(bytes, (uint32_t)MIN(len, (size_t)LINE_MAX_LEN));

	return stream && (text_begins(t, "* OK ") || text_begins(t, "* PREAUTH "));
}

static int imap_compose(struct compose *m, struct fault *fault)
{
	const uint32_t words = 1 << ROW_REQUEST_COMMAND | 1 << ROW_USERNAME | 1 << ROW_PASSWORD |
			       1 << ROW_FOLDER;
	const uint32_t replies = 1 << ROW_RESPONSE | 1 << ROW_RESPONSE_TAG | 1 << ROW_STATUS |
				 1 << ROW_RESPONSE_COMMAND;

	(void)fault;
	compose_lines(m, rows,
		      1 << ROW_LINE | 1 << ROW_REQUEST | 1 << ROW_REQUEST_TAG | 1 << ROW_RESPONSE |
			      1 << ROW_RESPONSE_TAG,
		      words, replies, NULL);
	return 0;
}

const struct protocol protocol_imap = {
	PROTOCOL_NAME("imap"),
	.short_name = "IMAP",
	.title = "Internet Message Access Protocol",
	.rfc = "RFC 9051",
	.about = "Mail kept on a server: tagged commands and their responses, in lines; bytes of "
		 "any kind come as literals, with their length before them.",
	.whole = true,
	.application = true,
	.more_rows = &more_rows,
	.n_more_rows = 1,
	.step = imap_step,
	.walk = imap_walk,
	.compose = imap_compose,
	.line = imap_line,
	.guess = imap_guess,
	.message = imap_message,
};
