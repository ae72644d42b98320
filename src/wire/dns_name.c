#include "wire/dns_name.h"

/* A name of one-byte labels has fewer pointers than this; more are a trick. */
#define POINTERS_MAX 127

int dns_name_read(const uint8_t *msg, size_t len, size_t at, struct dns_name *ret_name)
{
	struct dns_name name = { 0 };
	size_t pos = at, part = at, taken = 0;
	unsigned pointers = 0;

	for (;;) {
		uint8_t c = pos < len ? msg[pos] : 0;

		if (pos >= len)
			return -E_MALFORMED;
		if (c >= 0xc0) {
			size_t target;

			if (len - pos < 2)
				return -E_MALFORMED;
			target = load_be16(msg + pos) & 0x3fff;
			if (target >= part || pointers++ == POINTERS_MAX)
				return -E_MALFORMED;
			if (!taken)
				taken = pos + 2 - at;
			pos = part = target;
			continue;
		}
		if (c > 63 || len - pos <= c || name.len + 1u + c > DNS_NAME_MAX)
			return -E_MALFORMED;
		memcpy(name.bytes + name.len, msg + pos, 1u + c);
		name.len = (uint8_t)(name.len + 1 + c);
		pos += 1u + c;
		if (!c)
			break;
	}
	*ret_name = name;
	return (int)(taken ? taken : pos - at);
}

unsigned dns_name_labels(const struct dns_name *name)
{
	unsigned n = 0;

	for (size_t at = 0; name->bytes[at]; at += 1u + name->bytes[at])
		n++;
	return n;
}

unsigned dns_name_text_len(const struct dns_name *name)
{
	return name->len == 1 ? 6 : name->len - 2u;
}

uint32_t walk_name(struct walk *w, const struct field *f, uint32_t start, uint32_t off,
		   uint32_t end, uint8_t depth)
{
	uint32_t cap = MIN(end, w->packet->cap_len);
	struct dns_name name;
	int taken = -E_MALFORMED;

	if (off < cap)
		taken = dns_name_read(w->packet->bytes + start, cap - start, off - start, &name);
	if (taken < 0) {
		walk_fault(w, -E_MALFORMED, off);
		return 0;
	}
	if (!walk_decoded(w, f, off, (uint32_t)taken, name.bytes, name.len, depth))
		return 0;
	return off + (uint32_t)taken;
}
