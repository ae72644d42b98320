/*
 * From the first bytes of a server to its name. Greetings: SSH (RFC 4253 section 4.2), SMTP (RFC
 * 5321), FTP (RFC 959), POP3 (RFC 1939), IMAP (RFC 9051), NNTP (RFC 3977), RFB (RFC 6143), Telnet
 * (RFC 854), MySQL's handshake, rsync. Answers: HTTP (RFC 9112), RTSP (RFC 7826), Redis,
 * PostgreSQL, memcached, MQTT. All else is shown as its first line.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "probe/banner_private.h"

#define TAKE_MAX 256 /* more than any field's size */

void banner_take(char *ret_text, size_t cap, const void *text, size_t len)
{
	char memory[TAKE_MAX * 4 + 1];
	struct buf safe = buf_in(memory, sizeof(memory));
	const uint8_t *p = text;
	size_t n;

	for (; len && *p <= ' '; p++, len--)
		;
	len = MIN(len, (size_t)TAKE_MAX);
	for (; len && p[len - 1] <= ' '; len--)
		;
	buf_safe(&safe, (const char *)p, len);
	n = MIN(safe.len, cap - 1);
	/* not in the middle of a character */
	while (n < safe.len && n && ((uint8_t)memory[n] & 0xc0) == 0x80)
		n--;
	memcpy(ret_text, memory, n);
	ret_text[n] = '\0';
}

static void name_service(struct banner_finding *f, const char *service)
{
	snprintf(f->service, sizeof(f->service), "%s", service);
}

/* Where a line ends, without its end; @len when it has none. */
static size_t line_len(const uint8_t *bytes, size_t len)
{
	const uint8_t *end = len ? memchr(bytes, '\n', len) : NULL;
	size_t n = end ? (size_t)(end - bytes) : len;

	return n && bytes[n - 1] == '\r' ? n - 1 : n;
}

static bool has_line(const uint8_t *bytes, size_t len)
{
	return len && memchr(bytes, '\n', len);
}

static bool starts(const uint8_t *bytes, size_t len, const char *text)
{
	return len >= strlen(text) && !memcmp(bytes, text, strlen(text));
}

/* Without regard to case. Return: offset behind @text, 0 when it is not there. */
static size_t find(const uint8_t *bytes, size_t len, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i + n <= len; i++) {
		if (!strncasecmp((const char *)bytes + i, text, n))
			return i + n;
	}
	return 0;
}

/* A line of the form "Name: value" among @len bytes of header. */
static void take_header(const uint8_t *bytes, size_t len, const char *name, char *ret_text,
			size_t cap)
{
	size_t at = find(bytes, len, name);

	if (at)
		banner_take(ret_text, cap, bytes + at, line_len(bytes + at, len - at));
}

/* Bytes up to behind the empty line, 0 when it is not there. */
static size_t header_len(const uint8_t *bytes, size_t len)
{
	size_t crlf = find(bytes, len, "\r\n\r\n"), lf = find(bytes, len, "\n\n");

	return crlf && (!lf || crlf < lf) ? crlf : lf;
}

static bool take_title(const uint8_t *body, size_t len, struct banner_finding *f)
{
	size_t at = find(body, len, "<title"), end;
	const uint8_t *open = at ? memchr(body + at, '>', len - at) : NULL;

	if (!open)
		return false;
	at = (size_t)(open + 1 - body);
	end = find(body + at, len - at, "</title");
	if (!end)
		return false;
	banner_take(f->title, sizeof(f->title), body + at, end - strlen("</title"));
	return true;
}

/* The announced body is there, or none is. */
static bool body_is_whole(const uint8_t *bytes, size_t head, size_t len)
{
	char length[24] = "";
	unsigned long long n;

	take_header(bytes, head, "\ncontent-length:", length, sizeof(length));
	return sscanf(length, "%20llu", &n) == 1 && len - head >= n;
}

/* HTTP and RTSP alike: "HTTP/1.1 200 OK". */
static enum banner_verdict read_response(const uint8_t *bytes, size_t len, const char *service,
					 struct banner_finding *f)
{
	size_t line = line_len(bytes, len), head = header_len(bytes, len);
	char status[4] = "";
	bool whole;

	if (!has_line(bytes, len))
		return BANNER_MORE;
	name_service(f, service);
	if (line >= 12)
		memcpy(status, bytes + 9, 3);
	f->status = (uint16_t)(isdigit((uint8_t)status[0]) ? atoi(status) : 0);
	take_header(bytes, head ? head : len, "\nserver:", f->product, sizeof(f->product));
	if (!head)
		return BANNER_MORE;
	if (find(bytes + head, len - head, "plain HTTP request") ||
	    find(bytes + head, len - head, "HTTP request to an HTTPS server"))
		return BANNER_WANTS_TLS;
	whole = take_title(bytes + head, len - head, f) || body_is_whole(bytes, head, len);
	return whole || !strcmp(service, "rtsp") ? BANNER_CLEAR : BANNER_MORE;
}

/* Lines that begin with a code, as FTP's and SMTP's: who says neither is known by his port. */
static enum banner_verdict read_220(const uint8_t *bytes, size_t len, uint16_t port,
				    struct banner_finding *f)
{
	size_t line = line_len(bytes, len);
	bool mail = port == 25 || port == 465 || port == 587 || port == 2525;

	if (find(bytes, line, "smtp") || (mail && !find(bytes, line, "ftp")))
		name_service(f, "smtp");
	else if (find(bytes, line, "ftp") || port == 21 || port == 990)
		name_service(f, "ftp");
	banner_take(f->product, sizeof(f->product), bytes + 4, line - MIN(line, (size_t)4));
	return has_line(bytes, len) ? BANNER_CLEAR : BANNER_MORE;
}

/* Protocol 10 of MySQL and MariaDB: a packet of number 0 with the version, or an error. */
static bool read_mysql(const uint8_t *bytes, size_t len, struct banner_finding *f)
{
	size_t payload = len >= 5 ? (size_t)(bytes[0] | bytes[1] << 8 | bytes[2] << 16) : 0;
	const uint8_t *end;

	if (payload < 8 || len < payload + 4 || bytes[3])
		return false;
	if (bytes[4] == 0xff) {
		banner_take(f->product, sizeof(f->product), bytes + 7, payload - 3);
	} else if (bytes[4] == 10) {
		end = memchr(bytes + 5, '\0', payload - 1);
		if (!end)
			return false;
		banner_take(f->product, sizeof(f->product), bytes + 5, (size_t)(end - bytes - 5));
	} else {
		return false;
	}
	name_service(f, "mysql");
	return true;
}

/* Options are three bytes from 255 (RFC 854); what follows them is text. */
static enum banner_verdict read_telnet(const uint8_t *bytes, size_t len, struct banner_finding *f)
{
	size_t at = 0;

	name_service(f, "telnet");
	while (at + 3 <= len && bytes[at] == 255)
		at += 3;
	for (; at < len && bytes[at] <= ' '; at++)
		;
	banner_take(f->product, sizeof(f->product), bytes + at, line_len(bytes + at, len - at));
	return has_line(bytes + at, len - at) ? BANNER_CLEAR : BANNER_MORE;
}

static enum banner_verdict read_redis(const uint8_t *bytes, size_t len, struct banner_finding *f)
{
	size_t line = line_len(bytes, len);

	if (!has_line(bytes, len))
		return BANNER_MORE;
	if (!starts(bytes, len, "+PONG") && !starts(bytes, len, "-"))
		return BANNER_MORE;
	name_service(f, "redis");
	if (*bytes == '-') {
		banner_take(f->product, sizeof(f->product), bytes + 1, line - 1);
		return BANNER_CLEAR;
	}
	take_header(bytes, len, "redis_version:", f->product, sizeof(f->product));
	return *f->product && has_line(bytes + find(bytes, len, "redis_version:"),
				       len - find(bytes, len, "redis_version:"))
		       ? BANNER_CLEAR
		       : BANNER_MORE;
}

/* One letter answers the question for TLS: S or N; E begins an error of old ones. */
static enum banner_verdict read_postgresql(const uint8_t *bytes, size_t len,
					   struct banner_finding *f)
{
	if (!(len == 1 && (*bytes == 'S' || *bytes == 'N')) && !(len > 5 && *bytes == 'E'))
		return BANNER_MORE;
	name_service(f, "postgresql");
	if (*bytes == 'S')
		banner_take(f->product, sizeof(f->product), "TLS offered", 11);
	return BANNER_CLEAR;
}

static enum banner_verdict read_mqtt(const uint8_t *bytes, size_t len, struct banner_finding *f)
{
	static const char *const codes[] = { "accepts all", "protocol refused", "client id refused",
					     "unavailable", "password wanted",	"not authorised" };

	if (len < 4 || bytes[0] != 0x20 || bytes[1] != 2)
		return BANNER_MORE;
	name_service(f, "mqtt");
	if (bytes[3] < ARRAY_LEN(codes))
		banner_take(f->product, sizeof(f->product), codes[bytes[3]],
			    strlen(codes[bytes[3]]));
	return BANNER_CLEAR;
}

/* Greetings that are known by how they begin, and what of the line is not the software's name. */
static const struct greeting {
	const char *begins;
	const char *service;
	uint8_t skip;
} greetings[] = {
	{ "SSH-2.0-", "ssh", 8 },    { "SSH-", "ssh", 4 },	     { "+OK", "pop3", 3 },
	{ "* OK", "imap", 4 },	     { "* PREAUTH", "imap", 9 },     { "* BYE", "imap", 5 },
	{ "RFB 00", "rfb", 4 },	     { "200 ", "nntp", 4 },	     { "201 ", "nntp", 4 },
	{ "@RSYNCD: ", "rsync", 9 }, { "VERSION ", "memcached", 8 }, { "AMQP", "amqp", 8 },
	{ ":", "irc", 1 },	     { "NOTICE ", "irc", 7 },
};

static enum banner_verdict read_greeting(const uint8_t *bytes, size_t len, uint16_t port,
					 struct banner_finding *f)
{
	size_t line = line_len(bytes, len);

	for (size_t i = 0; i < ARRAY_LEN(greetings); i++) {
		const struct greeting *g = &greetings[i];

		if (!starts(bytes, len, g->begins))
			continue;
		if (!strcmp(g->service, "irc") && !find(bytes, line, "NOTICE"))
			continue;
		name_service(f, g->service);
		banner_take(f->product, sizeof(f->product), bytes + g->skip,
			    line - MIN(line, (size_t)g->skip));
		return has_line(bytes, len) ? BANNER_CLEAR : BANNER_MORE;
	}
	if (starts(bytes, len, "220"))
		return read_220(bytes, len, port, f);
	if (len >= 3 && bytes[0] == 255 && bytes[1] >= 250)
		return read_telnet(bytes, len, f);
	if (read_mysql(bytes, len, f))
		return BANNER_CLEAR;
	banner_take(f->product, sizeof(f->product), bytes, line);
	return BANNER_MORE;
}

enum banner_verdict banner_read(const uint8_t *bytes, size_t len, enum banner_request request,
				uint16_t port, struct banner_finding *f)
{
	enum banner_verdict verdict = BANNER_MORE;

	if (!len)
		return BANNER_MORE;
	if (len >= 3 && (bytes[0] == 0x15 || bytes[0] == 0x16) && bytes[1] == 3 && bytes[2] <= 4)
		return BANNER_WANTS_TLS;
	if (starts(bytes, len, "HTTP/"))
		return read_response(bytes, len, "http", f);
	if (starts(bytes, len, "RTSP/"))
		return read_response(bytes, len, "rtsp", f);
	if (request == BANNER_REDIS)
		verdict = read_redis(bytes, len, f);
	else if (request == BANNER_POSTGRESQL)
		verdict = read_postgresql(bytes, len, f);
	else if (request == BANNER_MQTT)
		verdict = read_mqtt(bytes, len, f);
	return *f->service ? verdict : read_greeting(bytes, len, port, f);
}
