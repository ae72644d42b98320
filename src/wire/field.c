#include "wire/field.h"

#include <string.h>
#include <time.h>

#include "wire/ber.h"

uint64_t field_load_bits(const struct field *f, const uint8_t *at)
{
	unsigned skip = f->bit & 7u, span = field_span(f);
	uint64_t v = 0, scale = f->scale ? f->scale : 1;

	if (skip + f->bits < 8 && f->type != FIELD_INT)
		return (uint64_t)(*at >> (8 - skip - f->bits) & ((1u << f->bits) - 1)) * scale;
	for (unsigned i = 0; i < span; i++)
		v = v << 8 | at[i];
	v >>= span * 8 - skip - f->bits;
	if (f->bits < 64)
		v &= (1ULL << f->bits) - 1;
	if (f->type == FIELD_INT && f->bits < 64 && v >> (f->bits - 1))
		v |= UINT64_MAX << f->bits;
	return v * scale;
}

void field_store(const struct field *f, uint8_t *at, uint64_t wire)
{
	unsigned span = field_span(f), below = span * 8 - (f->bit & 7u) - f->bits;
	uint64_t mask = f->bits < 64 ? (1ULL << f->bits) - 1 : UINT64_MAX;

	wire = (wire & mask) << below;
	mask <<= below;
	for (unsigned i = span; i-- > 0; wire >>= 8, mask >>= 8)
		at[i] = (uint8_t)((at[i] & ~mask) | wire);
}

const char *field_value_name(const struct field *f, uint64_t value)
{
	for (const struct value_name *v = f->values; v && v->name; v++)
		if (v->value == value)
			return v->name;
	return NULL;
}

/*
 * Labels joined by dots, each made safe for terminals; the root alone is "<Root>". Stops at the
 * root, at the end, and at what is not a plain label.
 */
static void name_text(struct buf *b, const uint8_t *bytes, size_t len)
{
	size_t at = 0;

	if (len && !bytes[0])
		buf_lit(b, "<Root>");

	while (at < len && bytes[at] && bytes[at] < 64 && bytes[at] < len - at) {
		if (at)
			buf_char(b, '.');
		buf_safe(b, (const char *)bytes + at + 1, bytes[at]);
		at += 1 + bytes[at];
	}
}

/* Text up to its end or a NUL; line ends and tabs as C writes them, all else safe for terminals. */
static void plain_text(struct buf *b, const char *text, size_t len)
{
	static const char names[] = "\t\n\r", letters[] = "tnr";
	const char *end = text + strnlen(text, len);

	while (text < end) {
		const char *name = *text ? strchr(names, *text) : NULL;
		size_t n = 0;

		if (name) {
			buf_char(b, '\\');
			buf_char(b, letters[name - names]);
			text++;
			continue;
		}
		while (text + n < end && !strchr(names, text[n]))
			n++;
		buf_safe(b, text, n);
		text += n;
	}
}

/* As in RFC 3339, with nanoseconds, in UTC. */
static void time_text(struct buf *b, int64_t ns)
{
	int64_t part = ns % (int64_t)NS_PER_S;
	time_t s = (time_t)(ns / (int64_t)NS_PER_S);
	char text[48];
	struct tm tm;

	if (part < 0) {
		part += (int64_t)NS_PER_S;
		s--;
	}
	if (!gmtime_r(&s, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	buf_str(b, text);
	buf_char(b, '.');
	buf_u64_pad(b, (uint64_t)part, 9);
	buf_char(b, 'Z');
}

static void number_text(struct buf *b, const struct field *f, uint64_t value)
{
	if (!f->hex) {
		buf_u64(b, value);
		return;
	}
	buf_lit(b, "0x");
	buf_hex_u64(b, value, f->hex);
}

/* Prefixes may be shorter than an address: the rest is zero. */
static void ip6_text(struct buf *b, const uint8_t *bytes, size_t len)
{
	uint8_t whole[16] = { 0 };

	if (len >= sizeof(whole)) {
		buf_ip6(b, bytes);
		return;
	}
	memcpy(whole, bytes, len);
	buf_ip6(b, whole);
}

void field_text(struct buf *b, const struct field *f, uint64_t value, const uint8_t *bytes,
		size_t len)
{
	switch (f->type) {
	case FIELD_UINT:
		number_text(b, f, value);
		break;
	case FIELD_INT:
		buf_i64(b, (int64_t)value);
		break;
	case FIELD_TIME:
		time_text(b, (int64_t)value);
		break;
	case FIELD_DURATION:
		buf_fixed(b, (int64_t)value, f->milli ? 6 : 9);
		break;
	case FIELD_OID:
		ber_oid_text(b, bytes, len);
		break;
	case FIELD_FLAG:
		buf_char(b, value ? '1' : '0');
		break;
	case FIELD_BYTES:
		buf_hex(b, bytes, len, 0);
		break;
	case FIELD_MAC:
		buf_mac(b, bytes);
		break;
	case FIELD_IP4:
		buf_ip4(b, bytes);
		break;
	case FIELD_IP6:
		ip6_text(b, bytes, len);
		break;
	case FIELD_TEXT:
		plain_text(b, (const char *)bytes, len);
		break;
	case FIELD_NAME:
		name_text(b, bytes, len);
		break;
	}
}

static void name_json(struct buf *b, const uint8_t *bytes, size_t len)
{
	char text[1024];
	struct buf plain = buf_in(text, sizeof(text));

	name_text(&plain, bytes, MIN(len, (size_t)255));
	buf_json(b, text, plain.len);
}

void field_json(struct buf *b, const struct field *f, uint64_t value, const uint8_t *bytes,
		size_t len)
{
	switch (f->type) {
	case FIELD_UINT:
		buf_u64(b, value);
		break;
	case FIELD_INT:
		buf_i64(b, (int64_t)value);
		break;
	case FIELD_DURATION:
		buf_fixed(b, (int64_t)value, f->milli ? 6 : 9);
		break;
	case FIELD_FLAG:
		if (value)
			buf_lit(b, "true");
		else
			buf_lit(b, "false");
		break;
	case FIELD_TEXT:
		buf_json(b, (const char *)bytes, strnlen((const char *)bytes, len));
		break;
	case FIELD_NAME:
		name_json(b, bytes, len);
		break;
	default:
		buf_char(b, '"');
		field_text(b, f, value, bytes, len);
		buf_char(b, '"');
	}
}

/* Bytes of a long value that people are shown. */
#define SHOWN_BYTES 24
#define SHOWN_TEXT  240

void field_show(struct buf *b, const struct field *f, uint64_t value, const uint8_t *bytes,
		size_t len)
{
	const char *name = field_value_name(f, value);

	if (f->type == FIELD_FLAG) {
		buf_str(b, value ? "set" : "not set");
	} else if (f->type == FIELD_BYTES && len > SHOWN_BYTES) {
		buf_hex(b, bytes, SHOWN_BYTES, 0);
		buf_printf(b, "… (%zu bytes)", len);
	} else if (f->bulk && f->type == FIELD_TEXT && len > SHOWN_TEXT) {
		plain_text(b, (const char *)bytes, SHOWN_TEXT);
		buf_printf(b, "… (%zu bytes)", len);
	} else {
		field_text(b, f, value, bytes, len);
	}
	if (f->type <= FIELD_INT && name)
		buf_printf(b, " (%s)", name);
}
