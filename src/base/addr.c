#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "base/cursor.h"

struct addr addr_ip4(const uint8_t bytes[static 4])
{
	struct addr a = { .family = AF_INET };

	memcpy(a.bytes, bytes, 4);
	return a;
}

struct addr addr_ip6(const uint8_t bytes[static 16])
{
	struct addr a = { .family = AF_INET6 };

	memcpy(a.bytes, bytes, 16);
	return a;
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
	int order;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	order = memcmp(a->bytes, b->bytes, sizeof(a->bytes));
	if (order)
		return order;
	return (a->scope > b->scope) - (a->scope < b->scope);
}

uint128_t addr_number(const struct addr *a)
{
	if (a->family == AF_INET)
		return load_be32(a->bytes);
	return (uint128_t)load_be64(a->bytes) << 64 | load_be64(a->bytes + 8);
}

struct addr addr_from_number(int family, uint128_t number)
{
	struct addr a = { .family = (uint16_t)family };

	if (family == AF_INET) {
		store_be32(a.bytes, (uint32_t)number);
	} else {
		store_be64(a.bytes, (uint64_t)(number >> 64));
		store_be64(a.bytes + 8, (uint64_t)number);
	}
	return a;
}

bool addr_is_loopback(const struct addr *a)
{
	if (a->family == AF_INET)
		return a->bytes[0] == 127;
	return a->family == AF_INET6 && addr_number(a) == 1;
}

bool addr_is_multicast(const struct addr *a)
{
	if (a->family == AF_INET)
		return a->bytes[0] >= 224 && a->bytes[0] < 240;
	return a->family == AF_INET6 && a->bytes[0] == 0xff;
}

bool addr_is_link_local(const struct addr *a)
{
	if (a->family == AF_INET)
		return a->bytes[0] == 169 && a->bytes[1] == 254;
	return a->family == AF_INET6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

/*
 * Not globally reachable by IANA's IPv4 and IPv6 special-purpose address registries. The IPv6 ones
 * are told by their first 64 bits: of ::/8 nothing is routed but NAT64, which is handled apart.
 */
#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))
#define IP6(a, b, c)	((uint64_t)(a) << 48 | (uint64_t)(b) << 32 | (uint64_t)(c) << 16)

static const struct {
	uint32_t first;
	unsigned len;
} special_ip4[] = {
	{ IP4(0, 0, 0, 0), 8 },	      /* this host on this network, RFC 1122 */
	{ IP4(10, 0, 0, 0), 8 },      /* private, RFC 1918 */
	{ IP4(100, 64, 0, 0), 10 },   /* shared by providers, RFC 6598 */
	{ IP4(127, 0, 0, 0), 8 },     /* loopback, RFC 1122 */
	{ IP4(169, 254, 0, 0), 16 },  /* link-local, RFC 3927 */
	{ IP4(172, 16, 0, 0), 12 },   /* private */
	{ IP4(192, 0, 0, 0), 24 },    /* protocol assignments, RFC 6890 */
	{ IP4(192, 0, 2, 0), 24 },    /* documentation, RFC 5737 */
	{ IP4(192, 168, 0, 0), 16 },  /* private */
	{ IP4(198, 18, 0, 0), 15 },   /* benchmarking, RFC 2544 */
	{ IP4(198, 51, 100, 0), 24 }, /* documentation */
	{ IP4(203, 0, 113, 0), 24 },  /* documentation */
	{ IP4(224, 0, 0, 0), 3 },     /* multicast, reserved, broadcast, RFC 1112 */
};

static const struct {
	uint64_t first;
	unsigned len;
} special_ip6[] = {
	{ IP6(0, 0, 0), 8 },	       /* unspecified, loopback, reserved, RFC 4291 */
	{ IP6(0x100, 0, 0), 64 },      /* discard-only, RFC 6666 */
	{ IP6(0x2001, 0x2, 0), 48 },   /* benchmarking, RFC 5180 */
	{ IP6(0x2001, 0xdb8, 0), 32 }, /* documentation, RFC 3849 */
	{ IP6(0x3fff, 0, 0), 20 },     /* documentation, RFC 9637 */
	{ IP6(0x5f00, 0, 0), 16 },     /* segment routing, RFC 9602 */
	{ IP6(0xfc00, 0, 0), 7 },      /* unique local, RFC 4193 */
	{ IP6(0xfe80, 0, 0), 10 },     /* link-local, RFC 4291 */
	{ IP6(0xff00, 0, 0), 8 },      /* multicast, RFC 4291 */
};

static unsigned ip4_special_len(uint32_t ip)
{
	for (size_t i = 0; i < ARRAY_LEN(special_ip4); i++) {
		if (!((ip ^ special_ip4[i].first) >> (32 - special_ip4[i].len)))
			return special_ip4[i].len;
	}
	return 0;
}

/* Packets to these leave as IPv4: mapped, RFC 4291 section 2.5.5.2; NAT64, RFC 6052 section 2.1. */
static bool carries_ip4(const struct addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

	return !memcmp(a->bytes, mapped, 12) || !memcmp(a->bytes, nat64, 12);
}

unsigned addr_special_len(const struct addr *a)
{
	uint64_t high;
	unsigned len;

	if (a->family == AF_INET)
		return ip4_special_len(load_be32(a->bytes));
	if (carries_ip4(a)) {
		len = ip4_special_len(load_be32(a->bytes + 12));
		return len ? 96 + len : 0;
	}
	high = load_be64(a->bytes);
	for (size_t i = 0; i < ARRAY_LEN(special_ip6); i++) {
		if (!((high ^ special_ip6[i].first) >> (64 - special_ip6[i].len)))
			return special_ip6[i].len;
	}
	return 0;
}

bool addr_is_global(const struct addr *a)
{
	return a->family != AF_UNSPEC && !addr_special_len(a);
}

/* The interface that @zone names, or its number (RFC 4007 section 11.2). Return: 0 when none. */
static uint32_t zone_index(const char *zone)
{
	unsigned index = if_nametoindex(zone);
	unsigned long long number;

	if (index)
		return index;
	/* strtoull() alone would take blanks and signs. */
	if (zone[strspn(zone, "0123456789")])
		return 0;
	number = strtoull(zone, NULL, 10);
	return number <= UINT32_MAX ? (uint32_t)number : 0;
}

/* Addresses that mean nothing without an interface: link-local ones, unicast and multicast. */
static bool takes_zone(const struct addr *a)
{
	return addr_is_link_local(a) ||
	       (a->family == AF_INET6 && a->bytes[0] == 0xff && (a->bytes[1] & 0xf) == 2);
}

int addr_parse(const char *text, size_t len, struct addr *ret_addr, struct fault *fault)
{
	char copy[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	struct addr a = { 0 };
	char *percent;

	if (!len || len >= sizeof(copy) || memchr(text, '\0', len))
		return fault_set(fault, 0, "expected an IPv4 or IPv6 address");
	memcpy(copy, text, len);
	copy[len] = '\0';
	percent = strchr(copy, '%');
	if (percent)
		*percent = '\0';
	if (!percent && inet_pton(AF_INET, copy, a.bytes) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, copy, a.bytes) == 1)
		a.family = AF_INET6;
	else
		return fault_set(fault, 0, "\"%.*s\" is not an IPv4 or IPv6 address", (int)len,
				 text);
	if (percent) {
		size_t at = (size_t)(percent - copy) + 1;

		if (!takes_zone(&a))
			return fault_set(fault, at, "only link-local addresses take an interface");
		a.scope = zone_index(percent + 1);
		if (!a.scope)
			return fault_set(fault, at, "no interface \"%s\" here", percent + 1);
	}
	*ret_addr = a;
	return 0;
}

int prefix_parse(const char *text, size_t len, struct prefix *ret_prefix, struct fault *fault)
{
	const char *slash = memchr(text, '/', len);
	size_t addr_text_len = slash ? (size_t)(slash - text) : len;
	struct prefix p = { 0 };
	unsigned bits = 0;
	int err;

	err = addr_parse(text, addr_text_len, &p.addr, fault);
	if (err < 0)
		return err;
	p.len = (uint8_t)addr_bits(&p.addr);
	if (!slash) {
		*ret_prefix = p;
		return 0;
	}
	size_t n_digits = len - addr_text_len - 1;

	for (size_t i = 0; i < n_digits && i < 3; i++) {
		if (slash[1 + i] < '0' || slash[1 + i] > '9')
			n_digits = 0;
		else
			bits = bits * 10 + (unsigned)(slash[1 + i] - '0');
	}
	if (!n_digits || n_digits > 3 || bits > p.len)
		return fault_set(fault, addr_text_len + 1,
				 "the prefix length is a number from 0 to %u", p.len);
	p.len = (uint8_t)bits;
	*ret_prefix = p;
	return 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int mac_parse(const char *text, size_t len, struct mac *ret_mac, struct fault *fault)
{
	/* Separators stand after each @step digits: aa:bb:.. (also with '-') or aabb.ccdd.eeff. */
	size_t step = len == 14 ? 4 : 2, n_digits = 0;
	char separator = len == 14 ? '.' : len == 17 ? text[2] : '\0';
	struct mac m = { 0 };

	if (len != 14 && separator != ':' && separator != '-')
		return fault_set(fault, 0, "expected a MAC address like 02:00:5e:10:00:01");
	for (size_t i = 0; i < len; i++) {
		int digit = hex_value(text[i]);

		if (i % (step + 1) == step) {
			if (text[i] != separator)
				return fault_set(fault, i, "expected '%c' here", separator);
			continue;
		}
		if (digit < 0)
			return fault_set(fault, i, "expected a hexadecimal digit here");
		m.bytes[n_digits / 2] = (uint8_t)(m.bytes[n_digits / 2] << 4 | digit);
		n_digits++;
	}
	*ret_mac = m;
	return 0;
}

void buf_addr(struct buf *b, const struct addr *a)
{
	char name[IF_NAMESIZE];

	if (a->family == AF_INET)
		buf_ip4(b, a->bytes);
	else if (a->family == AF_INET6)
		buf_ip6(b, a->bytes);
	if (!a->scope)
		return;
	buf_char(b, '%');
	if (if_indextoname(a->scope, name))
		buf_str(b, name);
	else
		buf_u64(b, a->scope);
}

void buf_prefix(struct buf *b, const struct prefix *p)
{
	buf_addr(b, &p->addr);
	buf_char(b, '/');
	buf_u64(b, p->len);
}

void buf_endpoint(struct buf *b, const struct endpoint *e)
{
	if (e->addr.family == AF_INET6)
		buf_char(b, '[');
	buf_addr(b, &e->addr);
	if (e->addr.family == AF_INET6)
		buf_char(b, ']');
	buf_char(b, ':');
	buf_u64(b, e->port);
}

/* The low @bits bits set. */
static uint128_t low_bits(unsigned bits)
{
	return bits >= 128 ? ~(uint128_t)0 : ((uint128_t)1 << bits) - 1;
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	unsigned host_bits = addr_bits(&p->addr) - p->len;

	if (a->family != p->addr.family)
		return false;
	return !((addr_number(a) ^ addr_number(&p->addr)) & ~low_bits(host_bits));
}

struct addr prefix_first(const struct prefix *p)
{
	unsigned host_bits = addr_bits(&p->addr) - p->len;
	struct addr a =
		addr_from_number(p->addr.family, addr_number(&p->addr) & ~low_bits(host_bits));

	a.scope = p->addr.scope;
	return a;
}

struct addr prefix_last(const struct prefix *p)
{
	unsigned host_bits = addr_bits(&p->addr) - p->len;
	struct addr a =
		addr_from_number(p->addr.family, addr_number(&p->addr) | low_bits(host_bits));

	a.scope = p->addr.scope;
	return a;
}

struct addr addr_mask(int family, unsigned len)
{
	unsigned bits = family == AF_INET ? 32 : 128;

	return addr_from_number(family, ~low_bits(bits - MIN(len, bits)));
}

socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *ret_sa)
{
	memset(ret_sa, 0, sizeof(*ret_sa));
	if (e->addr.family == AF_INET) {
		struct sockaddr_in *sin = (struct sockaddr_in *)ret_sa;

		sin->sin_family = AF_INET;
		sin->sin_port = htons(e->port);
		memcpy(&sin->sin_addr, e->addr.bytes, 4);
		return sizeof(*sin);
	}
	if (e->addr.family == AF_INET6) {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ret_sa;

		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(e->port);
		sin6->sin6_scope_id = e->addr.scope;
		memcpy(&sin6->sin6_addr, e->addr.bytes, 16);
		return sizeof(*sin6);
	}
	return 0;
}

int endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *ret_endpoint)
{
	struct endpoint e = { 0 };

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *sin = (const struct sockaddr_in *)sa;

		e.addr = addr_ip4((const uint8_t *)&sin->sin_addr);
		e.port = ntohs(sin->sin_port);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)sa;

		e.addr = addr_ip6((const uint8_t *)&sin6->sin6_addr);
		e.addr.scope = takes_zone(&e.addr) ? sin6->sin6_scope_id : 0;
		e.port = ntohs(sin6->sin6_port);
	} else {
		return -EAFNOSUPPORT;
	}
	*ret_endpoint = e;
	return 0;
}

bool mac_is_zero(const struct mac *m)
{
	static const struct mac zero;

	return !memcmp(m, &zero, sizeof(zero));
}
