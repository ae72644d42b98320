/*
 * HTTP/1.x (RFC 9110, RFC 9112; 0.9 as far as its requests). A message is one layer: first line,
 * header fields, body without its codings. A header that comes once is a value by itself;
 * those that usually come more than once (Set-Cookie and the like) are lists; when another one
 * comes again, which RFC 9110 section 5.3 does not allow, its later values are in the list
 * http.repeated, under the same names. All header lines, known or not, are in http.request.line and
 * http.response.line.
 *
 * Where nobody puts streams together, a segment may hold several messages: each is a layer.
 */
#include "wire/http.h"

#include "base/err.h"
#include "wire/compose.h"
#include "wire/dialogue.h"
#include "wire/exchange.h"
#include "wire/http_coding.h"
#include "wire/ocsp.h"
#include "wire/x509.h"

static const struct field first_rows[] = {
	{ AS_FLAG("http.request", 0), .computed = true, .title = "Request" },
	{ AS_FLAG("http.response", 0), .computed = true, .title = "Response" },
	{ AS_FLAG("http.leading_crlf", 0), .computed = true, .title = "Empty lines before it" },
	{ AS_TEXT("http.request.method", 0, 0), .title = "Method", .values = http_method_names },
	{ AS_TEXT("http.request.uri", 0, 0), .title = "Target", .about = "What is asked for" },
	{ AS_TEXT("http.request.uri.path", 0, 0), .depth = 1, .title = "Path" },
	{ AS_TEXT("http.request.uri.query", 0, 0), .depth = 1, .title = "Query" },
	{ AS_TEXT("http.request.uri.query.parameter", 0, 0), .depth = 2, .repeats = true,
	  .title = "Parameter" },
	{ AS_TEXT("http.request.version", 0, 0), .title = "Version" },
	{ AS_TEXT("http.response.version", 0, 0), .title = "Version" },
	{ AS_UINT("http.response.code", 0, 24), .title = "Status code",
	  .values = http_status_names },
	{ AS_TEXT("http.response.code.desc", 0, 0), .computed = true, .depth = 1,
	  .title = "Registered phrase" },
	{ AS_TEXT("http.response.phrase", 0, 0), .title = "Phrase" },
	{ AS_TEXT("http.request.line", 0, 0), .repeats = true, .title = "Header line" },
	{ AS_TEXT("http.response.line", 0, 0), .repeats = true, .title = "Header line" },
};

enum {
	ROW_REQUEST,
	ROW_RESPONSE,
	ROW_LEADING_CRLF,
	ROW_METHOD,
	ROW_URI,
	ROW_PATH,
	ROW_QUERY,
	ROW_PARAMETER,
	ROW_REQUEST_VERSION,
	ROW_RESPONSE_VERSION,
	ROW_CODE,
	ROW_DESC,
	ROW_PHRASE,
	ROW_REQUEST_LINE,
	ROW_RESPONSE_LINE,
};

static const struct field later_rows[] = {
	{ AS_COUNT("http.content_length"), .depth = 1, .title = "Length of the body" },
	{ AS_TEXT("http.authbasic", 0, 0), .depth = 1, .repeats = true, .title = "Credentials" },
	{ AS_TEXT("http.cookie_pair", 0, 0), .depth = 1, .repeats = true, .title = "Cookie" },
	{ AS_GROUP("http.repeated", 0), .repeats = true, .title = "Header that comes again" },
	{ AS_TEXT("http.request.full_uri", 0, 0), .computed = true, .title = "Full URI",
	  .about = "Target and host together" },
	{ AS_FLAG("http.bad_header_name", 0), .computed = true,
	  .title = "A line has no field's name",
	  .about = "Recipients read such lines differently" },
	{ AS_FLAG("http.te_and_length", 0), .computed = true,
	  .title = "Transfer-Encoding and Content-Length both",
	  .about = "The first decides; request smuggling looks like this" },
	{ AS_FLAG("http.te_unknown", 0), .computed = true, .title = "Unknown transfer coding" },
	{ AS_FLAG("http.content_length.invalid", 0), .computed = true,
	  .title = "Content-Length is no number, or several that differ" },
};

enum {
	ROW_CONTENT_LENGTH,
	ROW_AUTHBASIC,
	ROW_COOKIE_PAIR,
	ROW_REPEATED,
	ROW_FULL_URI,
	ROW_BAD_NAME,
	ROW_TE_AND_LENGTH,
	ROW_TE_UNKNOWN,
	ROW_LENGTH_INVALID,
};

static const struct field body_rows[] = {
	{ AS_GROUP("http.chunk", 0), .repeats = true, .title = "Chunk" },
	{ AS_UINT("http.chunk_size", 0, 32), .depth = 1, .title = "Size" },
	{ AS_BYTES("http.chunk_data", 0, 0), .depth = 1, .bulk = true, .title = "Data" },
	{ AS_BYTES("http.chunk_boundary", 0, 0), .depth = 1, .title = "Boundary" },
	{ AS_TEXT("http.chunked_trailer_part", 0, 0), .repeats = true, .title = "Trailer" },
	{ AS_COUNT("http.body_len"), .title = "Length of the body",
	  .about = "Without transfer coding, as far as it is here" },
	{ AS_TEXT("http.file_data", 0, 0), .bulk = true, .title = "Body" },
};

enum {
	ROW_CHUNK,
	ROW_CHUNK_SIZE,
	ROW_CHUNK_DATA,
	ROW_CHUNK_BOUNDARY,
	ROW_TRAILER,
	ROW_BODY_LEN,
	ROW_FILE_DATA,
};

static const struct rows more_rows[] = {
	{ first_rows, ARRAY_LEN(first_rows) },
	{ http_header_rows, N_HTTP_HEADERS },
	{ later_rows, ARRAY_LEN(later_rows) },
	{ body_rows, ARRAY_LEN(body_rows) },
	{ ocsp_rows, N_OCSP_ROWS },
	{ x509_rows, N_X509_ROWS },
	{ x509_extension_rows, N_X509_EXTENSION_ROWS },
};

/* What is not in one piece in the packet: bodies in chunks, full URIs. Valid during one call. */
static _Thread_local uint8_t scratch[1 << 20], decoded[1 << 20];

static bool is_reply(const struct layer *l)
{
	return l->flags & LAYER_REPLY;
}

static uint32_t off_of(const struct walk *w, const uint8_t *at)
{
	return (uint32_t)(at - w->packet->bytes);
}

static void give_flag(struct walk *w, const struct field *f, bool is)
{
	if (is)
		walk_computed(w, f, 1);
}

/* Items of a list in text: "a=b; c=d". */
static void give_list(struct walk *w, const struct field *f, struct text t, char separator)
{
	while (t.len) {
		struct text one = text_head(t, text_find(t, separator));

		t = text_tail(t, one.len + 1);
		one = text_trim(one);
		if (one.len)
			walk_text(w, f, one);
	}
}

static void walk_request_line(struct walk *w, const struct http_head *h)
{
	uint32_t path = text_find(h->uri, '?');

	walk_computed(w, &first_rows[ROW_REQUEST], 1);
	give_flag(w, &first_rows[ROW_LEADING_CRLF], h->start);
	walk_text(w, &first_rows[ROW_METHOD], h->method);
	walk_text(w, &first_rows[ROW_URI], h->uri);
	if (path < h->uri.len) {
		struct text query = text_tail(h->uri, path + 1);

		walk_text(w, &first_rows[ROW_PATH], text_head(h->uri, path));
		walk_text(w, &first_rows[ROW_QUERY], query);
		give_list(w, &first_rows[ROW_PARAMETER], query, '&');
	}
	if (h->version.len)
		walk_text(w, &first_rows[ROW_REQUEST_VERSION], h->version);
}

static void walk_status_line(struct walk *w, const struct http_head *h)
{
	const char *desc = field_value_name(&first_rows[ROW_CODE], h->code);
	uint32_t code = off_of(w, h->status.at);

	walk_computed(w, &first_rows[ROW_RESPONSE], 1);
	give_flag(w, &first_rows[ROW_LEADING_CRLF], h->start);
	walk_text(w, &first_rows[ROW_RESPONSE_VERSION], h->version);
	walk_number(w, &first_rows[ROW_CODE], code, 3, h->code, 0);
	if (desc)
		walk_decoded(w, &first_rows[ROW_DESC], code, 3, desc, strlen(desc), 0);
	if (h->phrase.len)
		walk_text(w, &first_rows[ROW_PHRASE], h->phrase);
}

/* "Basic dXNlcjpwYXNz": user and password (RFC 7617). */
static void walk_basic(struct walk *w, struct text value)
{
	struct text word = text_word(&value);
	uint8_t plain[1024];
	int len;

	value = text_trim(value);
	len = text_is(word, "basic") ? text_base64(value, plain, sizeof(plain)) : -1;
	if (len > 0)
		walk_decoded(w, &later_rows[ROW_AUTHBASIC], off_of(w, value.at), value.len, plain,
			     (size_t)len, 0);
}

/* What was seen of a header: its first value, and how often. */
struct seen {
	struct text value;
	uint32_t n;
};

/* All lines as they are. Return: some header that may come once came again. */
static bool walk_lines(struct walk *w, const struct http_head *h, const uint8_t *bytes,
		       struct seen *seen, struct text *ret_host, bool *ret_bad)
{
	const struct field *line = &first_rows[h->reply ? ROW_RESPONSE_LINE : ROW_REQUEST_LINE];
	struct http_field f;
	uint32_t at = h->fields;
	bool again = false;

	while (http_field_next(h, bytes, &at, &f)) {
		int row = f.has_colon ? http_header_find(f.name) : -1;

		walk_text(w, line, f.line);
		*ret_bad = *ret_bad || !f.good_name;
		if (row < 0)
			continue;
		if (!seen[row].n++)
			seen[row].value = f.value;
		else
			again = again || !http_header_rows[row].repeats;
		if (row == HTTP_ROW_HOST)
			*ret_host = f.value;
	}
	return again;
}

/* All values of a header that is a list. */
static void walk_values(struct walk *w, const struct http_head *h, const uint8_t *bytes, int row)
{
	struct http_field f;
	uint32_t at = h->fields;

	while (http_field_next(h, bytes, &at, &f))
		if (f.has_colon && http_header_find(f.name) == row)
			walk_text(w, &http_header_rows[row], f.value);
}

/* The values of headers that came before. */
static void walk_repeated(struct walk *w, const struct http_head *h, const uint8_t *bytes)
{
	uint32_t n[N_HTTP_HEADERS] = { 0 }, at = h->fields;
	struct http_field f;

	while (http_field_next(h, bytes, &at, &f)) {
		int row = f.has_colon ? http_header_find(f.name) : -1;

		if (row < 0 || http_header_rows[row].repeats || !n[row]++)
			continue;
		walk_group(w, &later_rows[ROW_REPEATED], off_of(w, f.line.at), f.line.len, 0, NULL);
		walk_field(w, &http_header_rows[row], off_of(w, f.value.at), f.value.len, 1);
	}
}

static void walk_cookies(struct walk *w, const struct http_head *h, const uint8_t *bytes)
{
	struct http_field f;
	uint32_t at = h->fields;

	while (http_field_next(h, bytes, &at, &f))
		if (f.has_colon && http_header_find(f.name) == HTTP_ROW_COOKIE)
			give_list(w, &later_rows[ROW_COOKIE_PAIR], f.value, ';');
}

/* What the target is a part of (RFC 9110 section 7.1), in parts; all empty when not known. */
static void full_uri(const struct http_head *h, struct text host, struct text parts[static 3])
{
	bool whole = text_begins(h->uri, "http://") || text_begins(h->uri, "https://") ||
		     text_is(h->method, "CONNECT");

	if (h->reply || !host.len)
		return;
	if (!whole) {
		parts[0] = text_of("http://", 7);
		parts[1] = host;
	}
	if (!text_is(h->uri, "*"))
		parts[2] = h->uri;
}

static void walk_full_uri(struct walk *w, const struct http_head *h, struct text host)
{
	struct buf b = buf_in(scratch, sizeof(scratch));
	struct text parts[3] = { 0 };

	full_uri(h, host, parts);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		buf_bytes(&b, parts[i].at, parts[i].len);
	if (h->reply || !host.len)
		return;
	walk_decoded(w, &later_rows[ROW_FULL_URI], off_of(w, h->uri.at), h->uri.len, b.data, b.len,
		     0);
}

static void walk_headers(struct walk *w, const struct http_head *h, const uint8_t *bytes)
{
	struct seen seen[N_HTTP_HEADERS] = { 0 };
	struct text host = { 0 };
	bool bad = false, again = walk_lines(w, h, bytes, seen, &host, &bad);
	uint64_t length;

	for (int row = 0; row < N_HTTP_HEADERS; row++) {
		if (http_header_rows[row].repeats && seen[row].n > 1)
			walk_values(w, h, bytes, row);
		else if (seen[row].n)
			walk_text(w, &http_header_rows[row], seen[row].value);
		if (row == HTTP_ROW_CONTENT_LENGTH &&
		    text_number(text_trim(seen[row].value), &length))
			walk_computed(w, &later_rows[ROW_CONTENT_LENGTH], length);
	}
	walk_basic(w, seen[HTTP_ROW_AUTHORIZATION].value);
	walk_basic(w, seen[HTTP_ROW_PROXY_AUTHORIZATION].value);
	if (seen[HTTP_ROW_COOKIE].n)
		walk_cookies(w, h, bytes);
	if (again)
		walk_repeated(w, h, bytes);
	walk_full_uri(w, h, text_trim(host));
	give_flag(w, &later_rows[ROW_BAD_NAME], bad);
	give_flag(w, &later_rows[ROW_TE_AND_LENGTH], h->coding_and_length);
	give_flag(w, &later_rows[ROW_TE_UNKNOWN], h->coding_unknown);
	give_flag(w, &later_rows[ROW_LENGTH_INVALID], h->length_wrong);
}

/* The header called @name, or no text. */
static struct text find_header(const struct http_head *h, const uint8_t *bytes, const char *name)
{
	struct http_field f;
	uint32_t at = h->fields;

	for (;;) {
		http_field_seek(h, bytes, &at, name, name);
		if (!http_field_next(h, bytes, &at, &f))
			return (struct text){ 0 };
		if (f.has_colon && text_is(f.name, name))
			return text_trim(f.value);
	}
}

/*
 * The @len bytes of a body, which @span bytes at @at stand for. tshark, too, takes off the content
 * coding; what cannot be decoded is given as it is.
 */
static void walk_file_data(struct walk *w, const struct http_head *h, uint32_t at, uint32_t span,
			   const uint8_t *bytes, uint32_t len)
{
	enum http_coding coding = HTTP_IDENTITY;
	int64_t n = 0;

	walk_computed(w, &body_rows[ROW_BODY_LEN], len);
	if (!len || w->sink->light)
		return;
	if (h)
		coding = http_coding_of(
			find_header(h, w->packet->bytes + w->layer->off, "content-encoding"));
	if (coding == HTTP_GZIP || coding == HTTP_DEFLATE)
		n = http_decode(coding, bytes, len, decoded, sizeof(decoded));
	if (n > 0)
		walk_decoded(w, &body_rows[ROW_FILE_DATA], at, span, decoded, (size_t)n, 0);
	else
		walk_decoded(w, &body_rows[ROW_FILE_DATA], at, span, bytes, len, 0);
}

/* One line of the chunked coding. */
static void walk_chunk_line(struct walk *w, const struct http_body *b, uint8_t before, uint32_t at,
			    uint32_t n)
{
	if (before == HTTP_IN_SIZE) {
		walk_group(w, &body_rows[ROW_CHUNK], at, n, 0, NULL);
		walk_number(w, &body_rows[ROW_CHUNK_SIZE], at, n,
			    b->state == HTTP_IN_DATA ? b->left : 0, 0);
	} else if (before == HTTP_IN_END) {
		walk_field(w, &body_rows[ROW_CHUNK_BOUNDARY], at, n, 0);
	} else if (b->state == HTTP_IN_TRAILER) {
		walk_field(w, &body_rows[ROW_TRAILER], at, n, 0);
	}
}

static void walk_chunks(struct walk *w, const struct http_head *h, const uint8_t *bytes,
			uint32_t len)
{
	struct http_body b;
	uint32_t pos = h->len, joined = 0, base = w->layer->off;
	int64_t n = 1;

	http_body_init(&b, HTTP_BODY_CHUNKED, 0);
	while (n > 0 && pos < len) {
		uint8_t before = b.state;
		const uint8_t *piece;
		size_t piece_len;

		n = http_body_take(&b, bytes + pos, len - pos, &piece, &piece_len);
		if (n <= 0 || b.line_len)
			break;
		if (before == HTTP_IN_DATA)
			walk_field(w, &body_rows[ROW_CHUNK_DATA], base + pos, (uint32_t)n, 0);
		else
			walk_chunk_line(w, &b, before, base + pos, (uint32_t)n);
		piece_len = MIN(piece_len, sizeof(scratch) - joined);
		if (!w->sink->light)
			memcpy(scratch + joined, piece, piece_len);
		joined += (uint32_t)piece_len;
		pos += (uint32_t)n;
	}
	walk_file_data(w, h, base + h->len, pos - h->len, scratch, joined);
	if (!http_body_is_done(&b))
		walk_fault(w, n < 0 ? -E_MALFORMED : -E_TRUNCATED, base + pos);
}

/* Bodies whose type says that they are of a protocol which is read here. */
static void walk_typed(struct walk *w, struct text type, uint32_t at, uint32_t len)
{
	if (text_is(type, "application/ocsp-response"))
		ocsp_walk(w, at, at + len, 0);
	else if (text_is(type, "application/ocsp-request"))
		ocsp_walk_request(w, at, at + len, 0);
}

static void walk_body(struct walk *w, const struct http_head *h, const uint8_t *bytes, uint32_t len)
{
	uint32_t left = len - h->len;

	if (h->kind == HTTP_BODY_NONE || h->kind == HTTP_BODY_TUNNEL)
		return;
	if (h->kind == HTTP_BODY_CHUNKED) {
		walk_chunks(w, h, bytes, len);
		return;
	}
	if (h->kind == HTTP_BODY_LENGTH)
		left = (uint32_t)MIN((uint64_t)left, h->length);
	if (left)
		walk_typed(w, find_header(h, bytes, "content-type"), w->layer->off + h->len, left);
	walk_file_data(w, h, w->layer->off + h->len, left, bytes + h->len, left);
	if (h->kind == HTTP_BODY_LENGTH && left < h->length)
		walk_fault(w, -E_TRUNCATED, w->layer->off + len);
}

static void http_walk(struct walk *w)
{
	const struct dialogue *d = w->packet->config->dialogue;
	struct cursor c = walk_cursor(w);
	uint32_t len = (uint32_t)cursor_left(&c);
	struct http_head h;
	int err = http_head_parse(c.at, MIN(len, (uint32_t)HTTP_HEAD_MAX), &h);

	/* The rest of a body, or something else. */
	if (http_goes_on(d, is_reply(w->layer)) || err == -E_MALFORMED ||
	    (!h.reply && !h.method.len)) {
		walk_file_data(w, NULL, w->layer->off, len, c.at, len);
		return;
	}
	http_head_framing(&h, c.at, http_next_asked(d));
	if (h.reply)
		walk_status_line(w, &h);
	else
		walk_request_line(w, &h);
	walk_headers(w, &h, c.at);
	if (h.whole)
		walk_body(w, &h, c.at, len);
	else
		walk_fault(w, -E_TRUNCATED, w->layer->off + len);
}

/* How much of the payload is the first message; the next one follows. */
static uint8_t http_step(struct packet *p, struct layer *l, uint8_t next)
{
	const struct dialogue *d = p->config->dialogue;
	const uint8_t *bytes = p->bytes + l->off;
	uint32_t len = p->have - l->off, n;
	struct http_head h;
	int err;

	(void)next;
	if (http_goes_on(d, is_reply(l)))
		return PROTOCOL_NONE;
	err = http_head_parse(bytes, MIN(len, (uint32_t)HTTP_HEAD_MAX), &h);
	if (err == -E_TRUNCATED)
		packet_fails(p, l, err, l->off + len);
	if (err)
		return PROTOCOL_NONE;
	http_head_framing(&h, bytes, http_next_asked(d));
	if (!http_measure(&h, bytes, len, &n))
		packet_fails(p, l, -E_TRUNCATED, l->off + len);
	if (n == len || p->config->stream || p->n_layers >= SEGMENT_LAYERS)
		return PROTOCOL_NONE;
	l->header_len = n;
	return h.kind == HTTP_BODY_TUNNEL ? PROTOCOL_DATA : PROTOCOL_HTTP;
}

/* Bytes of a body in chunks, as far as they are here. */
static uint64_t chunked_len(const uint8_t *bytes, uint32_t len)
{
	struct http_body b;
	uint64_t sum = 0;
	int64_t n = 1;

	http_body_init(&b, HTTP_BODY_CHUNKED, 0);
	for (uint32_t pos = 0; n > 0 && pos < len; pos += (uint32_t)n) {
		const uint8_t *piece;
		size_t piece_len;

		n = http_body_take(&b, bytes + pos, len - pos, &piece, &piece_len);
		if (n <= 0)
			break;
		sum += piece_len;
	}
	return sum;
}

static void line_body(struct buf *b, const struct http_head *h, const uint8_t *bytes, uint32_t len)
{
	struct text type = find_header(h, bytes, "content-type");

	if (h->kind == HTTP_BODY_NONE || h->kind == HTTP_BODY_TUNNEL)
		return;
	line_put(b, text_trim(text_head(type, text_find(type, ';'))));
	if (h->kind == HTTP_BODY_LENGTH)
		line_put_bytes(b, h->length);
	else if (h->kind == HTTP_BODY_CHUNKED)
		line_put_bytes(b, chunked_len(bytes + h->len, len - h->len));
	else
		line_put_bytes(b, len - h->len);
}

static void http_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const struct dialogue *d = p->config->dialogue;
	struct text text = layer_text(p, l);
	const uint8_t *bytes = text.at;
	uint32_t len = text.len;
	struct http_head h;
	int err = http_head_parse(bytes, MIN(len, (uint32_t)HTTP_HEAD_MAX), &h);

	if (layer && p->layers[layer - 1].proto == PROTOCOL_HTTP)
		buf_lit(b, " | ");
	buf_lit(b, "HTTP");
	if (http_goes_on(d, is_reply(l)) || err == -E_MALFORMED || (!h.reply && !h.method.len)) {
		buf_lit(b, " continuation");
		line_put_bytes(b, len);
		return;
	}
	if (h.reply) {
		buf_char(b, ' ');
		buf_u64_pad(b, h.code, 3);
		line_put(b, h.phrase);
	} else {
		line_put(b, h.method);
		line_put(b, h.uri);
		line_put(b, find_header(&h, bytes, "host"));
	}
	http_head_framing(&h, bytes, http_next_asked(d));
	if (h.whole)
		line_body(b, &h, bytes, len);
}

static const struct field exchange_rows[] = {
	[EXCHANGE_QUESTION] = { AS_COUNT("http.request_in"), .title = "Answer to packet" },
	[EXCHANGE_TIME] = { AS_DURATION("http.time"), .title = "Time since the request" },
	[EXCHANGE_ABOUT] = { AS_TEXT("http.response_for.uri", 0, 0), .computed = true,
			     .title = "URI of the request" },
};

/* Interim responses (RFC 9110 section 15.2) answer nothing yet. */
static bool http_tell(const struct packet *p, const struct layer *l, struct exchange *ret_exchange)
{
	const uint8_t *bytes = p->bytes + l->off;
	struct http_head h;
	struct text host;
	int err;

	if (http_goes_on(p->config->dialogue, is_reply(l)))
		return false;
	err = http_head_parse(bytes, MIN(l->header_len, (uint32_t)HTTP_HEAD_MAX), &h);
	if (err == -E_MALFORMED || (!h.reply && !h.method.len) || (h.reply && h.code / 100 == 1))
		return false;
	*ret_exchange = (struct exchange){ .answer = h.reply, .in_turn = true };
	host = find_header(&h, bytes, "host");
	if (h.reply)
		return true;
	if (host.len)
		full_uri(&h, host, ret_exchange->about);
	else
		ret_exchange->about[0] = h.uri;
	return true;
}

static const struct exchange_table exchange = { .tell = http_tell,
						ROWS(exchange_rows),
						.about = true };

static bool http_guess(const uint8_t *bytes, size_t len, bool stream)
{
	return stream && http_head_is_sure(bytes, (uint32_t)MIN(len, (size_t)HTTP_HEAD_MAX));
}

/*
 * A request, or a response when a field of one is set, then header fields in the order in which
 * they were. The body is http.file_data, or the layer behind; its length is told unless something
 * was said of it.
 */
static void compose_first_line(struct compose *m)
{
	const struct compose_setting *code = compose_find(m, &first_rows[ROW_CODE]);
	const struct compose_setting *phrase = compose_find(m, &first_rows[ROW_PHRASE]);
	const struct compose_setting *version = compose_find(m, &first_rows[ROW_RESPONSE_VERSION]);
	uint64_t status = compose_number(code, 200);
	const char *name = field_value_name(&first_rows[ROW_CODE], status);

	m->reply = code || phrase || version;
	if (m->reply) {
		compose_text(m, version, "HTTP/1.1");
		buf_char(&m->out, ' ');
		buf_u64_pad(&m->out, status, 3);
		buf_char(&m->out, ' ');
		compose_text(m, phrase, name ? name : "");
	} else {
		compose_text(m, compose_find(m, &first_rows[ROW_METHOD]), "GET");
		buf_char(&m->out, ' ');
		compose_text(m, compose_find(m, &first_rows[ROW_URI]), "/");
		buf_char(&m->out, ' ');
		compose_text(m, compose_find(m, &first_rows[ROW_REQUEST_VERSION]), "HTTP/1.1");
	}
	buf_lit(&m->out, "\r\n");
}

/* A header field, or a whole line as it is. */
static void compose_header(struct compose *m, struct compose_setting *s)
{
	const struct field *f = s->field;
	uint32_t len = s->len;

	if (f >= http_header_rows && f < http_header_rows + N_HTTP_HEADERS) {
		buf_str(&m->out, f->title);
		buf_lit(&m->out, ": ");
	} else if (f == &first_rows[ROW_REQUEST_LINE] || f == &first_rows[ROW_RESPONSE_LINE]) {
		while (len && (s->bytes[len - 1] == '\n' || s->bytes[len - 1] == '\r'))
			len--;
	} else {
		return;
	}
	s->used = true;
	buf_bytes(&m->out, s->bytes, len);
	buf_lit(&m->out, "\r\n");
}

static bool says_length(const struct compose *m)
{
	for (size_t i = 0; i < m->n; i++) {
		const char *name = m->settings[i].field->name;

		if (!strcmp(name, "http.transfer_encoding") ||
		    !strcmp(name, "http.content_length_header"))
			return true;
	}
	return false;
}

static int http_compose(struct compose *m, struct fault *fault)
{
	const struct compose_setting *body = compose_find(m, &body_rows[ROW_FILE_DATA]);
	uint64_t len = m->payload_len + (body ? body->len : 0);

	(void)fault;
	compose_first_line(m);
	for (size_t i = 0; i < m->n; i++)
		compose_header(m, &m->settings[i]);
	if ((len || m->reply) && !says_length(m)) {
		buf_lit(&m->out, "Content-Length: ");
		buf_u64(&m->out, len);
		buf_lit(&m->out, "\r\n");
	}
	buf_lit(&m->out, "\r\n");
	compose_text(m, body, "");
	return 0;
}

const struct protocol protocol_http = {
	PROTOCOL_NAME("http"),
	.short_name = "HTTP",
	.title = "Hypertext Transfer Protocol",
	.rfc = "RFC 9112",
	.about = "Requests and responses in lines of text: a first line, header fields, an empty "
		 "line, then perhaps a body.",
	.whole = true,
	.application = true,
	.more_rows = more_rows,
	.n_more_rows = ARRAY_LEN(more_rows),
	.step = http_step,
	.walk = http_walk,
	.compose = http_compose,
	.line = http_line,
	.exchange = &exchange,
	.guess = http_guess,
	.message = http_message,
};
