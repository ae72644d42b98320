/* Reading TLS' structures (RFC 8446 section 3): numbers, and vectors with their length before. */
#include "wire/tls_internal.h"

/* The next @len bytes, or 0 with a fault; @at moves in any case. */
static const uint8_t *next_bytes(struct tls_part *p, uint32_t len)
{
	uint32_t at = p->at;

	if (!walk_fits(p->w, at, len, p->end)) {
		p->at = p->end;
		return NULL;
	}
	p->at += len;
	return p->w->packet->bytes + at;
}

static uint32_t load(const uint8_t *bytes, unsigned len)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < len; i++)
		v = v << 8 | bytes[i];
	return v;
}

uint32_t tls_number(struct tls_part *p, enum tls_row row, unsigned len)
{
	uint32_t at = p->at, v;
	const uint8_t *bytes = next_bytes(p, len);

	if (!bytes)
		return 0;
	v = load(bytes, len);
	walk_number(p->w, &tls_rows[row], at, len, v, p->depth);
	return v;
}

void tls_bytes(struct tls_part *p, enum tls_row row, uint32_t len)
{
	uint32_t at = p->at;

	if (next_bytes(p, len))
		walk_field(p->w, &tls_rows[row], at, len, p->depth);
}

struct tls_part tls_vector(struct tls_part *p, enum tls_row row, unsigned len)
{
	uint32_t n = tls_number(p, row, len), at = p->at;

	if (!p->w->over && n > p->end - at)
		walk_fault(p->w, -E_MALFORMED, at - len);
	p->at = p->w->over ? p->end : at + n;
	return (struct tls_part){ p->w, at, p->at, p->depth };
}

void tls_vector_bytes(struct tls_part *p, enum tls_row len_row, unsigned len, enum tls_row row)
{
	struct tls_part v = tls_vector(p, len_row, len);

	if (tls_more(&v))
		tls_bytes(&v, row, v.end - v.at);
}

void tls_vector_numbers(struct tls_part *p, enum tls_row len_row, unsigned len, enum tls_row row,
			unsigned size)
{
	struct tls_part v = tls_vector(p, len_row, len);

	while (tls_more(&v))
		tls_number(&v, row, size);
}
