/* The data of one resource record, by the rows of its type. */
#include "wire/dns.h"
#include "wire/dns_name.h"

/* Seconds since 1970 of any width; what nanoseconds cannot hold is no time. */
static bool give_time(struct walk *w, const struct field *f, uint32_t off)
{
	uint64_t s = 0;

	for (uint32_t i = 0; i < f->bits / 8u; i++)
		s = s << 8 | w->packet->bytes[off + i];
	if (s > INT64_MAX / NS_PER_S) {
		walk_fault(w, -E_MALFORMED, off);
		return false;
	}
	return walk_number(w, f, off, f->bits / 8u, s * NS_PER_S, 1);
}

/* Gives the rows of @d, as far as they are in the record; where they end. */
static uint32_t walk_data(struct walk *w, const struct dns_data *d, const struct dns_record *r)
{
	uint32_t at = r->at, base = r->at, len = 0;

	for (size_t i = 0; i < d->n_fields && !w->over; i++) {
		const struct field *f = &d->fields[i];
		uint32_t off = f->bits ? base + f->bit / 8 : at;

		if (f->type == FIELD_NAME) {
			at = base = walk_name(w, f, w->layer->off, at, r->end, 1);
			continue;
		}
		if (f->bits)
			len = field_span(f);
		else if (d->counted >> i & 1)
			len = (uint32_t)field_load(f - 1,
						   w->packet->bytes + at - field_span(f - 1));
		else
			len = r->end - at;
		if (off > r->end || len > r->end - off) {
			walk_fault(w, -E_MALFORMED, off);
			break;
		}
		if (f->type == FIELD_TIME)
			give_time(w, f, off);
		else if (f->bits || len || f->type == FIELD_TEXT)
			walk_field(w, f, off, len, 1);
		at = MAX(at, off + len);
		if (!f->bits)
			base = at;
	}
	return at;
}

/* RFC 4034 appendix B. */
static void give_key_tag(struct walk *w, const struct field *f, const struct dns_record *r)
{
	const uint8_t *p = w->packet->bytes;
	uint32_t sum = 0;

	for (uint32_t i = r->at; i < r->end; i++)
		sum += (i - r->at) & 1 ? p[i] : (uint32_t)p[i] << 8;
	sum += sum >> 16;
	walk_number(w, f, r->at, r->end - r->at, sum & 0xffff, 1);
}

void dns_walk_data(struct walk *w, const struct dns_record *r)
{
	const struct dns_data *d = dns_data_of(r->type);
	uint32_t at = r->at;

	if (r->at == r->end || w->over)
		return;
	if (d && d->type == DNS_TYPE_LOC && w->packet->bytes[at])
		d = &(const struct dns_data){ ROWS(dns_loc_version) };
	if (d)
		at = walk_data(w, d, r);
	if (d && d->walk && !w->over)
		at = d->walk(w, at, r->end);
	if (d && (d->type == DNS_TYPE_DNSKEY || d->type == DNS_TYPE_CDNSKEY) && !w->over)
		give_key_tag(w, &dns_key_tags[DNS_KEY_TAG_DNSKEY], r);
	if (d && d->type == DNS_TYPE_KEY && !w->over)
		give_key_tag(w, &dns_key_tags[DNS_KEY_TAG_KEY], r);
	if (at < r->end && !w->over)
		walk_field(w, &dns_other_data, at, r->end - at, 1);
}
