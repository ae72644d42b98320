/*
 * Where HTTP messages end in a stream (RFC 9112 section 6.3), however the stream is cut into
 * pieces. What a connection remembers:
 *
 * memory: the requests that wait for their response (dialogue.h), because the one to HEAD has no
 * body and the one to CONNECT no end.
 *
 * phase, count: a body that is longer than what is ever kept is given in parts of PART_LEN bytes:
 * where in it the next byte is.
 *
 * scanned: what was found out of the message in hand, so that nothing is read twice: a stage, and
 * an offset from which to go on.
 *
 * Bytes that are no message (a length was wrong, something was not captured) are given in parts,
 * too, up to where a first line begins.
 */
#include "base/err.h"
#include "wire/dialogue.h"
#include "wire/http.h"

#define PART_LEN   65536 /* a header is not longer */
#define LOOK_AHEAD 8192u /* a first line that is longer is not found among other bytes */

_Static_assert(PART_LEN <= HTTP_HEAD_MAX, "a part can be given of what is no header");

enum stage {
	STAGE_HEAD,
	STAGE_LENGTH, /* the message is so long */
	STAGE_CLOSE,
	STAGE_SIZE, /* the offset is where a line with a chunk's size begins; and so on */
	STAGE_END,
	STAGE_TRAILER,
	STAGE_LOST,
};

#define STAGE_BIT 29
#define MAX_OFF	  ((1u << STAGE_BIT) - 1)

static void remember(struct dialogue *d, bool reply, enum stage stage, uint64_t off)
{
	d->scanned[reply] = (uint32_t)stage << STAGE_BIT | (uint32_t)MIN(off, (uint64_t)MAX_OFF);
}

enum http_asked http_next_asked(const struct dialogue *d)
{
	return (enum http_asked)dialogue_asked(d);
}

static enum http_asked asked_by(const struct http_head *head)
{
	return text_is(head->method, "HEAD")	  ? HTTP_ASKED_HEAD
	       : text_is(head->method, "CONNECT") ? HTTP_ASKED_CONNECT
						  : HTTP_ASKED_OTHER;
}

/* What a message that is over changes. */
static void message_over(struct dialogue *d, const struct http_head *head)
{
	if (head->kind == HTTP_BODY_TUNNEL) {
		*d = (struct dialogue){ .proto = PROTOCOL_NONE };
	} else if (!head->reply) {
		dialogue_ask(d, asked_by(head));
	} else if (head->code / 100 != 1) {
		dialogue_answered(d);
	}
}

static uint8_t phase_of(const struct http_body *b)
{
	return (uint8_t)(1 + b->kind * 8 + b->state);
}

bool http_goes_on(const struct dialogue *d, bool reply)
{
	return d && d->phase[reply];
}

/* The rest of the body does not belong to this message. */
static void split_body(struct dialogue *d, bool reply, const struct http_body *b)
{
	d->phase[reply] = http_body_is_done(b) ? 0 : phase_of(b);
	d->count[reply] = b->left;
}

static struct http_body resume_body(const struct dialogue *d, bool reply)
{
	uint8_t phase = (uint8_t)(d->phase[reply] - 1);

	return (struct http_body){ .kind = phase / 8, .state = phase % 8, .left = d->count[reply] };
}

/*
 * Goes on with @b from *@at on, and leaves both where a line or run of data ended for the last
 * time;
 * @in_data: also amidst data. Return: 0 or -E_MALFORMED.
 */
static int advance(struct http_body *b, const uint8_t *bytes, uint32_t *at, uint32_t len,
		   bool in_data)
{
	struct http_body fresh = *b;
	uint32_t pos = *at;
	int64_t n = 1;

	while (n > 0 && pos < len && !http_body_is_done(b)) {
		bool data = b->state == HTTP_IN_DATA;
		const uint8_t *piece;
		size_t piece_len;

		n = http_body_take(b, bytes + pos, len - pos, &piece, &piece_len);
		pos += n > 0 ? (uint32_t)n : 0;
		if (n > 0 && (data || bytes[pos - 1] == '\n') &&
		    (in_data || b->state != HTTP_IN_DATA)) {
			fresh = *b;
			*at = pos;
		}
	}
	*b = fresh;
	return n < 0 ? (int)n : 0;
}

static enum stage stage_of(const struct http_body *b)
{
	return b->state == HTTP_IN_TRAILER ? STAGE_TRAILER
	       : b->state == HTTP_IN_END   ? STAGE_END
					   : STAGE_SIZE;
}

/* The body at the offset that is remembered; @b as it begins when nothing is. */
static uint32_t resume_scan(const struct dialogue *d, bool reply, struct http_body *b, uint32_t at)
{
	static const uint8_t states[] = { [STAGE_SIZE] = HTTP_IN_SIZE,
					  [STAGE_END] = HTTP_IN_END,
					  [STAGE_TRAILER] = HTTP_IN_TRAILER };
	uint32_t stage = d->scanned[reply] >> STAGE_BIT;

	if (stage < STAGE_SIZE || stage > STAGE_TRAILER)
		return at;
	*b = (struct http_body){ .kind = HTTP_BODY_CHUNKED, .state = states[stage] };
	return d->scanned[reply] & MAX_OFF;
}

/*
 * Chunks from @at on, up to the end of the body, of a part, or of what there will be (@last).
 * Return: as message(); @b is then as it is there.
 */
static int64_t chunks(struct dialogue *d, bool reply, struct http_body *b, const uint8_t *bytes,
		      uint32_t at, uint32_t len, bool last)
{
	uint32_t pos = resume_scan(d, reply, b, at);
	int err = advance(b, bytes, &pos, len, false);

	if (http_body_is_done(b))
		return pos;
	if (err < 0) {
		/* What follows is no body any more. */
		b->state = HTTP_DONE;
		return pos ? pos : 1;
	}
	if (!last) {
		if (pos) /* else @b says it */
			remember(d, reply, stage_of(b), pos);
		return 0;
	}
	(void)advance(b, bytes, &pos, len, true);
	return pos ? pos : len;
}

/* A part of a body whose start was given before. */
static int64_t part_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len,
			    bool end)
{
	struct http_body b = resume_body(d, reply);
	uint32_t part = (uint32_t)MIN(len, (size_t)PART_LEN);
	int64_t n;

	if (b.kind == HTTP_BODY_CHUNKED) {
		n = chunks(d, reply, &b, bytes, 0, part, end || part == PART_LEN);
	} else {
		part = (uint32_t)MIN((uint64_t)PART_LEN, b.left);
		if (len < part && !end)
			return 0;
		n = MIN((int64_t)part, (int64_t)len);
		b.left -= b.kind == HTTP_BODY_LENGTH ? (uint64_t)n : 0;
		b.state = b.left ? HTTP_IN_DATA : HTTP_DONE;
	}
	if (n > 0)
		split_body(d, reply, &b);
	return n;
}

/* Whether a status line begins at @at: "HTTP/1.1 200". */
static bool is_status_line(const uint8_t *at, size_t len)
{
	return len >= 12 && !memcmp(at, "HTTP/1.", 7) && at[8] == ' ' && at[9] >= '1' &&
	       at[9] <= '9' && at[10] >= '0' && at[10] <= '9' && at[11] >= '0' && at[11] <= '9';
}

/* The next place from *@from on where a response begins, 0: none; *@from: where to go on. */
static uint32_t find_response(const uint8_t *bytes, uint32_t len, uint32_t *from)
{
	const uint8_t *at = bytes + *from, *end = bytes + len;

	while (at < end && (at = memmem(at, (size_t)(end - at), "HTTP/1.", 7))) {
		if (is_status_line(at, (size_t)(end - at)))
			return (uint32_t)(at - bytes);
		at++;
	}
	*from = MAX(*from, len - MIN(len, 12u));
	return 0;
}

/* The same for a request: somewhere in a line that ends in " HTTP/1.1". One pass over each line. */
static uint32_t find_request(const uint8_t *bytes, uint32_t len, uint32_t *from)
{
	struct text_line line;

	for (uint32_t at = *from;; at += line.span) {
		uint32_t end, first;

		line = text_line(bytes + at, len - at);
		end = at + line.text.len;
		first = MAX(at, end - MIN(end, LOOK_AHEAD));
		if (!line.ended) {
			*from = first;
			return 0;
		}
		if (line.text.len < 10 || memcmp(bytes + end - 9, " HTTP/1.", 8) != 0)
			continue;
		for (; first < end - 9; first++)
			if (http_method_len(text_of(bytes + first, end - first)))
				return first;
	}
}

/* No message begins here: up to where one does. */
static int64_t lost_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len,
			    bool end)
{
	uint32_t window = (uint32_t)MIN(len, (size_t)(PART_LEN + LOOK_AHEAD)), from = 1, found;

	if (d->scanned[reply] >> STAGE_BIT == STAGE_LOST)
		from = d->scanned[reply] & MAX_OFF;
	found = reply ? find_response(bytes, window, &from) : find_request(bytes, window, &from);
	if (found && found < PART_LEN)
		return found;
	if (end || window == PART_LEN + LOOK_AHEAD)
		return MIN((int64_t)len, (int64_t)PART_LEN);
	remember(d, reply, STAGE_LOST, from);
	return 0;
}

/* The header is whole: the rest of the message. */
static int64_t body_message(struct dialogue *d, bool reply, const struct http_head *head,
			    const uint8_t *bytes, uint32_t len, bool end)
{
	struct http_body b;
	int64_t n = head->len;

	http_body_init(&b, head->kind, head->length);
	if (head->kind == HTTP_BODY_CHUNKED) {
		n = chunks(d, reply, &b, bytes, head->len, len, end);
	} else if (head->kind == HTTP_BODY_CLOSE) {
		n = end ? len : 0;
		if (!end)
			remember(d, reply, STAGE_CLOSE, 0);
	} else if (head->kind == HTTP_BODY_LENGTH) {
		uint64_t left = len - head->len;

		if (left < b.left && !end) {
			remember(d, reply, STAGE_LENGTH,
				 MIN(b.left, (uint64_t)MAX_OFF) + head->len);
			return 0;
		}
		left = MIN(left, b.left);
		b.left -= left;
		b.state = b.left ? HTTP_IN_DATA : HTTP_DONE;
		n += (int64_t)left;
	}
	if (n <= 0)
		return n;
	if (head->kind != HTTP_BODY_TUNNEL)
		split_body(d, reply, &b);
	message_over(d, head);
	return n;
}

/* Whether it is known that more bytes are needed, from the last time. */
static bool must_wait(struct dialogue *d, bool reply, const uint8_t *bytes, uint32_t len)
{
	uint32_t off = d->scanned[reply] & MAX_OFF;
	struct http_body b = { 0 };

	switch (d->scanned[reply] >> STAGE_BIT) {
	case STAGE_HEAD:
		if (!off || len >= HTTP_HEAD_MAX || http_head_end(bytes, len, off))
			return false;
		remember(d, reply, STAGE_HEAD, MAX(off, len - MIN(len, 3u)));
		return true;
	case STAGE_LENGTH:
		return len < off;
	case STAGE_CLOSE:
		return true;
	default:
		return chunks(d, reply, &b, bytes, off, len, false) == 0;
	}
}

int64_t http_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t size, bool end)
{
	uint32_t len = (uint32_t)MIN(size, (size_t)MAX_OFF);
	struct http_head head;
	int err;

	if (!len)
		return 0;
	if (d->phase[reply])
		return part_message(d, reply, bytes, len, end);
	if (d->scanned[reply] >> STAGE_BIT == STAGE_LOST)
		return lost_message(d, reply, bytes, len, end);
	if (bytes[0] == 0x16 && len == 1 && !end)
		return 0;
	if (bytes[0] == 0x16 && len > 1 && bytes[1] == 3) /* a TLS handshake */
		return -E_MALFORMED;
	if (!end && must_wait(d, reply, bytes, len))
		return 0;
	err = http_head_parse(bytes, MIN(len, (uint32_t)HTTP_HEAD_MAX), &head);
	if (err == -E_TRUNCATED && len < HTTP_HEAD_MAX) {
		if (!end)
			remember(d, reply, STAGE_HEAD,
				 head.method.len || head.reply ? head.fields - 1 : 0);
		return end ? len : 0;
	}
	/* Among so many lines no other message is looked for: each might go on as long. */
	if (err == -E_TRUNCATED)
		return PART_LEN;
	if (err < 0)
		return lost_message(d, reply, bytes, len, end);
	http_head_framing(&head, bytes, http_next_asked(d));
	return body_message(d, reply, &head, bytes, len, end);
}

bool http_measure(const struct http_head *head, const uint8_t *bytes, uint32_t len,
		  uint32_t *ret_len)
{
	struct http_body b;
	uint32_t at = head->len;

	http_body_init(&b, head->kind, head->length);
	if (head->kind != HTTP_BODY_TUNNEL && advance(&b, bytes, &at, len, true) < 0)
		b.state = HTTP_DONE; /* what follows is something else */
	*ret_len = http_body_is_done(&b) || head->kind == HTTP_BODY_TUNNEL ? at : len;
	return *ret_len == at && (http_body_is_done(&b) || head->kind >= HTTP_BODY_CLOSE);
}
