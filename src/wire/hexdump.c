#include "wire/hexdump.h"

#include <stdbool.h>
#include <string.h>

#include "wire/checksum.h"
#include "wire/packet.h"

/* Bytes that tools print on one line at most; what follows is the same as characters. */
#define LINE_BYTES 32

struct reader {
	const char *text;
	uint8_t *bytes;
	size_t cap, n;
	struct fault *fault;
};

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t digits(const char *at, const char *end)
{
	size_t n = 0;

	while (at + n < end && digit(at[n]) >= 0)
		n++;
	return n;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

/*
 * The offset that a line begins with: "0x0010:", "00000010:" or four and more digits before two
 * blanks that count what was read so far. Returns where the bytes begin, or NULL when there is
 * none.
 */
static const char *after_offset(const char *at, const char *end, size_t read)
{
	uint64_t offset = 0;
	size_t n;

	at = skip_blanks(at, end);
	if (end - at > 2 && at[0] == '0' && at[1] == 'x')
		at += 2;
	n = digits(at, end);
	for (size_t i = 0; i < n && i < 16; i++)
		offset = offset << 4 | (unsigned)digit(at[i]);
	if (n < 3 || n > 16)
		return NULL;
	if (at + n < end && at[n] == ':' &&
	    (at + n + 1 == end || at[n + 1] == ' ' || at[n + 1] == '\t'))
		return at + n + 1;
	if (n >= 4 && offset == read &&
	    (at + n == end || (end - at - n >= 2 && !strncmp(at + n, "  ", 2))))
		return at + n;
	return NULL;
}

static const char *line_end(const char *at, const char *end)
{
	const char *nl = memchr(at, '\n', (size_t)(end - at));

	return nl ? nl : end;
}

static bool has_offsets(const char *text, const char *end)
{
	for (const char *at = text; at < end; at = line_end(at, end) + 1)
		if (after_offset(at, line_end(at, end), 0))
			return true;
	return false;
}

static int put(struct reader *r, const char *at, size_t n)
{
	for (size_t i = 0; i < n; i += 2) {
		if (r->n == r->cap)
			return fault_set(r->fault, (size_t)(at - r->text), "more than %zu bytes",
					 r->cap);
		r->bytes[r->n++] =
			(uint8_t)((unsigned)digit(at[i]) << 4 | (unsigned)digit(at[i + 1]));
	}
	return 0;
}

/* The part of a line of a dump that holds bytes: blanks, then something else, end it. */
static int read_dump_line(struct reader *r, const char *at, const char *end)
{
	size_t start = r->n;

	while (at < end) {
		const char *word = skip_blanks(at, end);
		size_t n = digits(word, end);
		bool gap = word - at >= 2 && r->n > start;
		bool whole = word + n == end || word[n] == ' ' || word[n] == '\r' ||
			     word[n] == '\t';

		/* In the middle of its 16 bytes hexdump -C leaves a gap, too. */
		if (gap && !(r->n - start == 8 && word - at == 2 && n == 2 && whole))
			return 0;
		if (!n || n % 2 || !whole || r->n - start >= LINE_BYTES)
			return 0;
		int err = put(r, word, n);

		if (err)
			return err;
		at = word + n;
	}
	return 0;
}

static int read_dump(struct reader *r, const char *end)
{
	for (const char *at = r->text; at < end; at = line_end(at, end) + 1) {
		const char *bytes = after_offset(at, line_end(at, end), r->n);
		const char *number;
		int err;

		if (!bytes)
			continue;
		/* Where offsets begin anew, the next packet does. */
		number = skip_blanks(at, end);
		if (r->n && !strncmp(number, "0x0000:", 7))
			return 0;
		err = read_dump_line(r, bytes, line_end(at, end));
		if (err)
			return err;
	}
	return 0;
}

static bool is_between(char c)
{
	return c && strchr(" \t\r\n:,-;{}()[]\"'.\\", c);
}

/* Digits with anything usual between them. */
static int read_plain(struct reader *r, const char *end)
{
	for (const char *at = r->text; at < end;) {
		size_t n;
		int err;

		if (end - at > 2 && (*at == '0' || *at == '\\') && (at[1] == 'x' || at[1] == 'X')) {
			at += 2;
		} else if (is_between(*at)) {
			at++;
			continue;
		}
		n = digits(at, end);
		if (!n || (n % 2 && at + n < end && !is_between(at[n])))
			return fault_set(r->fault, (size_t)(at + n - r->text),
					 "this is not hexadecimal");
		if (n % 2)
			return fault_set(r->fault, (size_t)(at - r->text),
					 "half a byte: every byte is two hex digits");
		err = put(r, at, n);
		if (err)
			return err;
		at += n;
	}
	return 0;
}

int hexdump_parse(const char *text, size_t len, uint8_t *bytes, size_t cap, size_t *ret_len,
		  struct fault *fault)
{
	struct reader r = { .text = text, .cap = cap, .fault = fault };
	int err;

	r.bytes = bytes;
	err = has_offsets(text, text + len) ? read_dump(&r, text + len)
					    : read_plain(&r, text + len);

	if (err)
		return err;
	if (!r.n)
		return fault_set(fault, 0, "no bytes are given");
	*ret_len = r.n;
	return 0;
}

/* How well bytes fit an IPv4 or IPv6 header: 0 not at all, 2 beyond doubt. */
static int fits_ip(const uint8_t *p, size_t len)
{
	size_t header;

	if (len < 20)
		return 0;
	if (p[0] >> 4 == 6)
		return p[0] == 0x60 && len >= 40 && load_be16(p + 4) + 40u >= len - 18 &&
				       load_be16(p + 4) + 40u <= len
			       ? 2
			       : 1;
	header = (p[0] & 15) * 4u;
	if (p[0] >> 4 != 4 || header < 20 || header > len || load_be16(p + 2) < header)
		return 0;
	return !checksum_of(p, header) || load_be16(p + 2) == len ? 2 : 1;
}

uint8_t hexdump_guess(const uint8_t *bytes, size_t len)
{
	uint8_t ip = packet_guess_ip(bytes, len);
	uint16_t type = len >= 14 ? load_be16(bytes + 12) : 0;
	uint8_t inner = len >= 14 ? demux_find(&demux_ethertype, type) : PROTOCOL_DATA;

	if (ip != PROTOCOL_DATA && fits_ip(bytes, len) == 2)
		return ip;
	if (inner == PROTOCOL_ARP ||
	    (inner != PROTOCOL_DATA && (len == 14 || inner == packet_guess_ip(bytes + 14, 1))))
		return PROTOCOL_ETHERNET;
	if (ip != PROTOCOL_DATA && fits_ip(bytes, len))
		return ip;
	if (len >= 17 && type &&
	    (type <= len - 14 || field_value_name(
					 &(struct field){
						 .values = ethertype_names,
					 },
					 type)))
		return PROTOCOL_ETHERNET;
	return ip != PROTOCOL_DATA ? ip : PROTOCOL_NONE;
}
