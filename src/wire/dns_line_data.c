/*
 * The data of a record in a line of text, as zone files write them: RFC 1035 section 5, RFC 1876
 * section 3 (LOC), 3403 (NAPTR), 6698 section 2.2 (TLSA), 8659 section 4.1.1 (CAA), 9460 section
 * 2.1 (SVCB, HTTPS).
 */
#include "wire/dns.h"
#include "wire/dns_name.h"

/* Bytes of a digest that a line shows. */
#define DIGEST_SHOWN 8

/* Texts of a record that it shows. */
#define TEXTS_SHOWN 4

/* The data of the record in hand. */
struct data {
	const uint8_t *msg;
	size_t at, end; /* of the message */
};

void dns_line_name(struct buf *b, const struct dns_name *name)
{
	static const struct field f = { .type = FIELD_NAME };

	if (name->len == 1)
		buf_char(b, '.');
	else
		field_text(b, &f, 0, name->bytes, name->len);
}

/* The name behind what was taken so far. Return: whether it is one. */
static bool say_name(struct buf *b, struct data *d)
{
	struct dns_name name;
	int taken = d->at < d->end ? dns_name_read(d->msg, d->end, d->at, &name) : -1;

	if (taken < 0)
		return false;
	d->at += (size_t)taken;
	buf_char(b, ' ');
	dns_line_name(b, &name);
	return true;
}

/* A number of @len bytes. Likewise. */
static bool say_number(struct buf *b, struct data *d, size_t len)
{
	uint64_t value = 0;

	if (d->end - d->at < len)
		return false;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | d->msg[d->at++];
	buf_char(b, ' ');
	buf_u64(b, value);
	return true;
}

static void say_quoted(struct buf *b, const uint8_t *text, size_t len)
{
	buf_lit(b, " \"");
	buf_safe(b, (const char *)text, len);
	buf_char(b, '"');
}

/* A text with its length before it. Likewise. */
static bool say_text(struct buf *b, struct data *d)
{
	size_t len = d->at < d->end ? d->msg[d->at] : SIZE_MAX;

	if (len >= d->end - d->at)
		return false;
	say_quoted(b, d->msg + d->at + 1, len);
	d->at += 1 + len;
	return true;
}

static void say_caa(struct buf *b, struct data *d)
{
	size_t len;

	if (d->end - d->at < 2 || !say_number(b, d, 1))
		return;
	len = d->msg[d->at++];
	if (len > d->end - d->at)
		return;
	buf_char(b, ' ');
	buf_safe(b, (const char *)d->msg + d->at, len);
	say_quoted(b, d->msg + d->at + len, d->end - d->at - len);
}

static void say_tlsa(struct buf *b, struct data *d)
{
	size_t len;

	for (int i = 0; i < 3; i++)
		if (!say_number(b, d, 1))
			return;
	len = d->end - d->at;
	buf_char(b, ' ');
	buf_hex(b, d->msg + d->at, MIN(len, (size_t)DIGEST_SHOWN), 0);
	if (len > DIGEST_SHOWN)
		buf_lit(b, "...");
}

static void say_naptr(struct buf *b, struct data *d)
{
	if (say_number(b, d, 2) && say_number(b, d, 2) && say_text(b, d) && say_text(b, d) &&
	    say_text(b, d))
		say_name(b, d);
}

/* 51 30 12.748 N, from thousandths of a second of arc with the zero at 2^31. */
static void say_angle(struct buf *b, uint32_t value, const char *sides)
{
	const uint32_t zero = 1u << 31;
	uint32_t arc = value >= zero ? value - zero : zero - value;

	buf_printf(b, " %u %u %u.%03u %c", arc / 3600000, arc / 60000 % 60, arc / 1000 % 60,
		   arc % 1000, sides[value < zero]);
}

static void say_loc(struct buf *b, const struct data *d)
{
	const uint8_t *at = d->msg + d->at;
	int64_t cm;

	if (d->end - d->at != 16 || at[0])
		return;
	say_angle(b, load_be32(at + 4), "NS");
	say_angle(b, load_be32(at + 8), "EW");
	cm = (int64_t)load_be32(at + 12) - 10000000;
	buf_printf(b, " %s%lld.%02lldm", cm < 0 ? "-" : "", (long long)(cm < 0 ? -cm : cm) / 100,
		   (long long)(cm < 0 ? -cm : cm) % 100);
}

/* Values of a parameter with commas between them; those of others are for machines. */
static void say_param_value(struct buf *b, unsigned key, const uint8_t *at, size_t len)
{
	char before = '=';

	if (key == DNS_SVCB_PORT && len == 2) {
		buf_char(b, '=');
		buf_u64(b, load_be16(at));
	}
	for (; key == DNS_SVCB_ALPN && len && *at < len; len -= 1u + *at, at += 1u + *at) {
		buf_char(b, before);
		buf_safe(b, (const char *)at + 1, *at);
		before = ',';
	}
	for (; key == DNS_SVCB_IPV4HINT && len >= 4; len -= 4, at += 4) {
		buf_char(b, before);
		buf_ip4(b, at);
		before = ',';
	}
	for (; key == DNS_SVCB_IPV6HINT && len >= 16; len -= 16, at += 16) {
		buf_char(b, before);
		buf_ip6(b, at);
		before = ',';
	}
}

static void say_svcb(struct buf *b, struct data *d)
{
	static const struct field keys = { .values = dns_svcb_names };

	if (!say_number(b, d, 2) || !say_name(b, d))
		return;
	while (d->end - d->at >= 4) {
		unsigned key = load_be16(d->msg + d->at);
		size_t len = load_be16(d->msg + d->at + 2);
		const char *name = field_value_name(&keys, key);

		d->at += 4;
		if (len > d->end - d->at)
			return;
		buf_char(b, ' ');
		if (name)
			buf_str(b, name);
		else
			buf_printf(b, "key%u", key);
		say_param_value(b, key, d->msg + d->at, len);
		d->at += len;
	}
}

void dns_line_data(struct buf *b, const uint8_t *msg, size_t at, size_t end, unsigned type)
{
	struct data d = { msg, at, end };
	size_t len = end - at;

	switch (type) {
	case DNS_TYPE_A:
		if (len != 4)
			return;
		buf_char(b, ' ');
		buf_ip4(b, msg + at);
		break;
	case DNS_TYPE_AAAA:
		if (len != 16)
			return;
		buf_char(b, ' ');
		buf_ip6(b, msg + at);
		break;
	case DNS_TYPE_NS:
	case DNS_TYPE_CNAME:
	case DNS_TYPE_PTR:
	case DNS_TYPE_SOA:
		say_name(b, &d);
		break;
	case DNS_TYPE_MX:
		if (say_number(b, &d, 2))
			say_name(b, &d);
		break;
	case DNS_TYPE_SRV:
		if (len < 6)
			return;
		d.at += 6;
		say_name(b, &d);
		buf_lit(b, " port ");
		buf_u64(b, load_be16(msg + at + 4));
		break;
	case DNS_TYPE_TXT:
	case DNS_TYPE_SPF:
		for (int i = 0; i < TEXTS_SHOWN && say_text(b, &d); i++)
			continue;
		if (d.at < d.end)
			buf_lit(b, " ...");
		break;
	case DNS_TYPE_CAA:
		say_caa(b, &d);
		break;
	case DNS_TYPE_LOC:
		say_loc(b, &d);
		break;
	case DNS_TYPE_NAPTR:
		say_naptr(b, &d);
		break;
	case DNS_TYPE_TLSA:
		say_tlsa(b, &d);
		break;
	case DNS_TYPE_SVCB:
	case DNS_TYPE_HTTPS:
		say_svcb(b, &d);
		break;
	}
}
