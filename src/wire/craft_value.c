#include "wire/craft_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/addr.h"
#include "wire/ber.h"
#include "wire/ntp_time.h"

static int hex_digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch = (char)tolower((unsigned char)ch);
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* Bytes in hex; ':' and blanks between them are skipped. */
static int parse_hex(const char *text, struct craft_value *v, struct fault *fault)
{
	const char *at = text;

	if (!strncmp(at, "0x", 2))
		at += 2;
	for (v->len = 0; *at;) {
		if (*at == ':' || *at == ' ') {
			at++;
			continue;
		}
		if (hex_digit(at[0]) < 0 || hex_digit(at[1]) < 0)
			return fault_set(fault, (size_t)(at - text),
					 "bytes are pairs of hex digits");
		if (v->len == sizeof(v->memory))
			return fault_set(fault, (size_t)(at - text), "at most %d bytes",
					 CRAFT_VALUE_MAX);
		v->memory[v->len++] =
			(uint8_t)((unsigned)hex_digit(at[0]) << 4 | (unsigned)hex_digit(at[1]));
		at += 2;
	}
	return 0;
}

static int parse_number(const struct field *f, const char *text, struct craft_value *v,
			struct fault *fault)
{
	bool minus = f->type == FIELD_INT && *text == '-';
	char *end;

	for (const struct value_name *n = f->values; n && n->name; n++) {
		if (!strcasecmp(n->name, text)) {
			v->number = n->value;
			return 0;
		}
	}
	if (f->type == FIELD_FLAG && (!strcasecmp(text, "true") || !strcasecmp(text, "false"))) {
		v->number = !strcasecmp(text, "true");
		return 0;
	}
	errno = 0;
	v->number = strtoull(text + minus, &end, 0);
	if (!isdigit((unsigned char)text[minus]) || *end || errno)
		return fault_set(fault, 0,
				 f->type == FIELD_FLAG ? "%s is a flag: 0, 1, true or false"
						       : "%s is a number: decimal or 0x…",
				 f->name);
	if (minus)
		v->number = -v->number;
	return 0;
}

static int parse_address(const struct field *f, const char *text, struct craft_value *v,
			 struct fault *fault)
{
	struct addr a;
	struct mac m;
	int err;

	if (f->type == FIELD_MAC) {
		err = mac_parse(text, strlen(text), &m, fault);
		if (err)
			return err;
		memcpy(v->memory, m.bytes, v->len = 6);
		return 0;
	}
	err = addr_parse(text, strlen(text), &a, fault);
	if (err)
		return err;
	if (a.family != (f->type == FIELD_IP4 ? AF_INET : AF_INET6))
		return fault_set(fault, 0, "%s is an IPv%d address", f->name,
				 f->type == FIELD_IP4 ? 4 : 6);
	v->len = addr_len(&a);
	if (f->bits && f->bits / 8u < v->len)
		v->len = f->bits / 8u;
	memcpy(v->memory, a.bytes, v->len);
	return 0;
}

/* "example.com" in labels, ended by the root. */
static int parse_name(const char *text, struct craft_value *v, struct fault *fault)
{
	const char *at = text;

	v->len = 0;
	if (!strcmp(text, "."))
		at++;
	while (*at) {
		size_t n = strcspn(at, ".");

		if (!n || n > 63 || v->len + n + 2 > 255)
			return fault_set(fault, (size_t)(at - text), "labels have 1 to 63 letters");
		v->memory[v->len++] = (uint8_t)n;
		memcpy(v->memory + v->len, at, n);
		v->len += n;
		at += n;
		if (*at == '.')
			at++;
	}
	v->memory[v->len++] = 0;
	return 0;
}

/* Seconds, with a fraction or without. */
static int parse_time(const struct field *f, const char *text, struct craft_value *v,
		      struct fault *fault)
{
	uint64_t whole = 0, part = 0, unit = NS_PER_S;
	const char *at = text;

	for (; isdigit((unsigned char)*at) && whole <= INT64_MAX / NS_PER_S / 10; at++)
		whole = whole * 10 + (unsigned)(*at - '0');
	if (*at == '.')
		for (at++; isdigit((unsigned char)*at) && unit > 1; at++) {
			unit /= 10;
			part += (unsigned)(*at - '0') * unit;
		}
	if (at == text || *at || whole >= INT64_MAX / NS_PER_S)
		return fault_set(fault, (size_t)(at - text), "%s is a number of seconds%s", f->name,
				 f->type == FIELD_TIME ? " since 1970" : "");
	v->number = whole * NS_PER_S + part;
	return 0;
}

/* "1.3.6.1.2.1.1.1.0" */
static int parse_oid(const char *text, size_t len, struct craft_value *v, struct fault *fault)
{
	_Static_assert(CRAFT_VALUE_MAX >= BER_OID_MAX, "identifiers fit");
	return ber_oid_parse(text, len, v->memory, &v->len, fault);
}

int craft_value_parse(const struct field *f, const char *text, size_t len, bool quoted,
		      struct craft_value *v, struct fault *fault)
{
	v->number = 0;
	v->bytes = v->memory;
	switch (f->type) {
	case FIELD_UINT:
	case FIELD_INT:
	case FIELD_FLAG:
		return parse_number(f, text, v, fault);
	case FIELD_TIME:
	case FIELD_DURATION:
		return parse_time(f, text, v, fault);
	case FIELD_MAC:
	case FIELD_IP4:
	case FIELD_IP6:
		return parse_address(f, text, v, fault);
	case FIELD_NAME:
		return parse_name(text, v, fault);
	case FIELD_OID:
		return parse_oid(text, len, v, fault);
	case FIELD_TEXT:
		break;
	default:
		if (!quoted)
			return parse_hex(text, v, fault);
	}
	v->bytes = (const uint8_t *)text;
	v->len = len;
	return 0;
}

uint64_t craft_value_wire(const struct field *f, uint64_t number)
{
	if (f->type != FIELD_TIME)
		return number / MAX(f->scale, 1u);
	return f->bits < 64 ? number / NS_PER_S : ntp_time_wire(number);
}
