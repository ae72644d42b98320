/*
 * Lists of type, length and value in DNS: options of OPT records (RFC 6891 section 6.1.2;
 * understood algorithms RFC 6975, client subnet RFC 7871, keepalive RFC 7828, cookie RFC 7873,
 * padding RFC 7830, chain RFC 7901, extended errors RFC 8914), and those of stateful operations
 * (RFC 8490).
 */
#include "wire/compose.h"
#include "wire/dns.h"
#include "wire/dns_name.h"

enum {
	OPT_GROUP,
	OPT_CODE,
	OPT_LEN,
	OPT_DATA,
	OPT_DAU,
	OPT_DHU,
	OPT_N3U,
	OPT_FAMILY,
	OPT_NETMASK,
	OPT_SCOPE,
	OPT_ADDR,
	OPT_ADDR4,
	OPT_ADDR6,
	OPT_COOKIE_CLIENT,
	OPT_COOKIE_SERVER,
	OPT_KEEPALIVE,
	OPT_PADDING,
	OPT_CHAIN,
	OPT_ERROR,
	OPT_ERROR_TEXT,
	DSO_GROUP,
	DSO_TYPE,
	DSO_LENGTH,
	DSO_INACTIVITY,
	DSO_INTERVAL,
	DSO_RETRY,
	DSO_PADDING,
	DSO_DATA,
	N_FIELDS,
};

const struct field dns_option_fields[] = {
	[OPT_GROUP] = { AS_GROUP("dns.opt", 0), .repeats = true, .title = "Option" },
	[OPT_CODE] = { AS_UINT("dns.opt.code", 0, 16), .depth = 1, .title = "Code",
		       .values = dns_option_names },
	[OPT_LEN] = { AS_UINT("dns.opt.len", BYTE(2), 16), .depth = 1, .title = "Length" },
	[OPT_DATA] = { AS_BYTES("dns.opt.data", BYTE(4), 0), .depth = 1, .title = "Data" },
	[OPT_DAU] = { AS_UINT("dns.opt.dau", BYTE(4), 8), .depth = 1, .repeats = true,
		      .title = "Algorithm", .values = dns_algorithm_names },
	[OPT_DHU] = { AS_UINT("dns.opt.dhu", BYTE(4), 8), .depth = 1, .repeats = true,
		      .title = "Digest type", .values = dns_digest_names },
	[OPT_N3U] = { AS_UINT("dns.opt.n3u", BYTE(4), 8), .depth = 1, .repeats = true,
		      .title = "Hash algorithm", .values = dns_nsec3_names },
	[OPT_FAMILY] = { AS_UINT("dns.opt.client.family", BYTE(4), 16), .depth = 1,
			 .title = "Family", .values = dns_family_names },
	[OPT_NETMASK] = { AS_UINT("dns.opt.client.netmask", BYTE(6), 8), .depth = 1,
			  .title = "Source prefix length" },
	[OPT_SCOPE] = { AS_UINT("dns.opt.client.scope", BYTE(7), 8), .depth = 1,
			.title = "Scope prefix length",
			.about = "The clients that the answer is good for" },
	[OPT_ADDR] = { AS_BYTES("dns.opt.client.addr", BYTE(8), 0), .depth = 1,
		       .title = "Client subnet" },
	[OPT_ADDR4] = { AS_IP4("dns.opt.client.addr4", BYTE(8)), .depth = 1,
			.title = "Client subnet" },
	[OPT_ADDR6] = { AS_IP6("dns.opt.client.addr6", BYTE(8)), .depth = 1,
			.title = "Client subnet" },
	[OPT_COOKIE_CLIENT] = { AS_BYTES("dns.opt.cookie.client", BYTE(4), 64), .depth = 1,
				.title = "Client cookie" },
	[OPT_COOKIE_SERVER] = { AS_BYTES("dns.opt.cookie.server", BYTE(12), 0), .depth = 1,
				.title = "Server cookie" },
	[OPT_KEEPALIVE] = { AS_UINT("dns.opt.edns_tcp_keepalive.timeout", BYTE(4), 16), .depth = 1,
			    .title = "Time-out", .about = "In units of 100 ms" },
	[OPT_PADDING] = { AS_BYTES("dns.opt.padding", BYTE(4), 0), .depth = 1, .title = "Padding" },
	[OPT_CHAIN] = { AS_NAME("dns.opt.chain.fqdn", BYTE(4)), .depth = 1,
			.title = "Closest trust point" },
	[OPT_ERROR] = { AS_UINT("dns.opt.ext_error.info_code", BYTE(4), 16), .depth = 1,
			.title = "Error", .values = dns_error_names },
	[OPT_ERROR_TEXT] = { AS_TEXT("dns.opt.ext_error.extra_text", BYTE(6), 0), .depth = 1,
			     .title = "Text" },
	[DSO_GROUP] = { AS_GROUP("dns.dso.tlv", 0), .repeats = true, .title = "Operation" },
	[DSO_TYPE] = { AS_UINT("dns.dso.tlv.type", 0, 16), .depth = 1, .title = "Type",
		       .values = dns_dso_names },
	[DSO_LENGTH] = { AS_UINT("dns.dso.tlv.length", BYTE(2), 16), .depth = 1,
			 .title = "Length" },
	[DSO_INACTIVITY] = { AS_UINT("dns.dso.tlv.keepalive.inactivity", BYTE(4), 32), .depth = 1,
			     .title = "Inactivity time-out", .about = "Milliseconds" },
	[DSO_INTERVAL] = { AS_UINT("dns.dso.tlv.keepalive.interval", BYTE(8), 32), .depth = 1,
			   .title = "Keepalive interval", .about = "Milliseconds" },
	[DSO_RETRY] = { AS_UINT("dns.dso.tlv.retrydelay.retrydelay", BYTE(4), 32), .depth = 1,
			.title = "Retry delay", .about = "Milliseconds" },
	[DSO_PADDING] = { AS_BYTES("dns.dso.tlv.encpad.padding", BYTE(4), 0), .depth = 1,
			  .title = "Padding" },
	[DSO_DATA] = { AS_BYTES("dns.dso.tlv.data", BYTE(4), 0), .depth = 1, .title = "Data" },
};
_Static_assert(N_FIELDS == N_DNS_OPTION_FIELDS, "the header counts them");

/* Rows [@first, @last] of the element at [@at, @end). */
static void give_rows(struct walk *w, unsigned first, unsigned last, uint32_t at, uint32_t end)
{
	walk_rows(w, &dns_option_fields[first], last - first + 1, at, end, 1);
}

/* RFC 7871 section 6: as many bytes of the address as the prefix needs. */
static void walk_subnet(struct walk *w, uint32_t at, uint32_t end)
{
	unsigned family = end - at < 6 ? 0 : load_be16(w->packet->bytes + at + 4);
	unsigned row = family == 1 ? OPT_ADDR4 : family == 2 ? OPT_ADDR6 : OPT_ADDR;
	size_t max = family == 1 ? 4 : family == 2 ? 16 : UINT16_MAX;
	uint8_t address[16] = { 0 };

	give_rows(w, OPT_FAMILY, OPT_SCOPE, at, end);
	if (w->over || end - at == 8)
		return;
	if (end - at - 8 > max) {
		walk_fault(w, -E_MALFORMED, at);
		return;
	}
	if (row == OPT_ADDR) {
		give_rows(w, row, row, at, end);
		return;
	}
	memcpy(address, w->packet->bytes + at + 8, end - at - 8);
	walk_decoded(w, &dns_option_fields[row], at + 8, end - at - 8, address, max, 1);
}

/* What the data of the option at [@at, @end) say, beyond the bytes. */
static void walk_option(struct walk *w, unsigned code, uint32_t at, uint32_t end)
{
	uint32_t len = end - at - 4;

	switch (code) {
	case 5:
		give_rows(w, OPT_DAU, OPT_DAU, at, end);
		break;
	case 6:
		give_rows(w, OPT_DHU, OPT_DHU, at, end);
		break;
	case 7:
		give_rows(w, OPT_N3U, OPT_N3U, at, end);
		break;
	case 8:
		walk_subnet(w, at, end);
		break;
	case 10:
		/* RFC 7873 section 4: 8 bytes, or 16 to 40. */
		if (len == 8 || (len >= 16 && len <= 40))
			give_rows(w, OPT_COOKIE_CLIENT,
				  len > 8 ? OPT_COOKIE_SERVER : OPT_COOKIE_CLIENT, at, end);
		break;
	case 11:
		if (len)
			give_rows(w, OPT_KEEPALIVE, OPT_KEEPALIVE, at, end);
		break;
	case 12:
		give_rows(w, OPT_PADDING, OPT_PADDING, at, end);
		break;
	case 13:
		walk_name(w, &dns_option_fields[OPT_CHAIN], at + 4, at + 4, end, 1);
		break;
	case 15:
		give_rows(w, OPT_ERROR, OPT_ERROR_TEXT, at, end);
		break;
	}
}

/* Whether type, length and value at @at are inside @end; a fault where not. */
static bool check_element(struct walk *w, uint32_t at, uint32_t end, uint32_t *ret_end)
{
	if (end - at < 4 || load_be16(w->packet->bytes + at + 2) > end - at - 4) {
		walk_fault(w, -E_MALFORMED, at);
		return false;
	}
	*ret_end = at + 4 + load_be16(w->packet->bytes + at + 2);
	return true;
}

void dns_walk_options(struct walk *w, uint32_t at, uint32_t end)
{
	for (uint32_t next; at < end && !w->over; at = next) {
		if (!check_element(w, at, end, &next))
			return;
		walk_group(w, &dns_option_fields[OPT_GROUP], at, next - at, 1, NULL);
		give_rows(w, OPT_CODE, OPT_DATA, at, next);
		walk_option(w, load_be16(w->packet->bytes + at), at, next);
	}
}

void dns_walk_stateful(struct walk *w, uint32_t at, uint32_t end)
{
	for (uint32_t next; at < end && !w->over; at = next) {
		if (!check_element(w, at, end, &next))
			return;
		walk_group(w, &dns_option_fields[DSO_GROUP], at, next - at, 0, NULL);
		walk_rows(w, &dns_option_fields[DSO_TYPE], 2, at, next, 0);
		switch (load_be16(w->packet->bytes + at)) {
		case 1:
			walk_rows(w, &dns_option_fields[DSO_INACTIVITY], 2, at, next, 0);
			break;
		case 2:
			walk_rows(w, &dns_option_fields[DSO_RETRY], 1, at, next, 0);
			break;
		case 3:
			walk_rows(w, &dns_option_fields[DSO_PADDING], 1, at, next, 0);
			break;
		default:
			walk_rows(w, &dns_option_fields[DSO_DATA], 1, at, next, 0);
		}
	}
}

/* The option that a row is of, by its code; 0: any. */
static unsigned code_of(const struct field *f)
{
	return f == &dns_option_fields[OPT_COOKIE_CLIENT] ||
			       f == &dns_option_fields[OPT_COOKIE_SERVER]
		       ? 10
	       : f == &dns_option_fields[OPT_PADDING] ? 12
						      : 0;
}

void dns_compose_options(struct compose *m, size_t first, size_t end)
{
	struct buf *b = &m->out;
	size_t start = b->len;

	for (size_t i = first; i < end; i++) {
		struct compose_setting *s = &m->settings[i];
		const struct field *f = s->field;
		unsigned code = f == &dns_option_fields[OPT_CODE] ? (unsigned)s->number
								  : code_of(f);

		if (!code && f != &dns_option_fields[OPT_DATA])
			continue;
		s->used = true;
		if (code && f != &dns_option_fields[OPT_COOKIE_SERVER]) {
			start = b->len;
			buf_be16(b, (uint16_t)code);
			buf_be16(b, 0);
		}
		if (!field_is_number(f))
			buf_bytes(b, s->bytes, s->len);
		if (!b->err && b->len >= start + 4)
			store_be16((uint8_t *)b->data + start + 2, (uint16_t)(b->len - start - 4));
	}
}
