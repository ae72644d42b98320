/* IP addresses and prefixes of both families, MAC addresses, transport end points. */
#ifndef SONDE_BASE_ADDR_H
#define SONDE_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"

typedef unsigned __int128 uint128_t;

/* An address. All zero is 'none'; IPv4 uses the first four bytes, the others are then zero. */
struct addr {
	uint8_t bytes[16]; /* network order */
	uint16_t family;   /* AF_UNSPEC (none), AF_INET or AF_INET6 */
	uint32_t scope;	   /* interface index of a link-local IPv6 address, else 0 */
};

struct prefix {
	struct addr addr; /* host bits may be set: 10.0.0.7/24 */
	uint8_t len;	  /* bits */
};

struct mac {
	uint8_t bytes[6];
};

struct endpoint {
	struct addr addr;
	uint16_t port; /* host order */
};

/* From bytes in network order; without scope. */
struct addr addr_ip4(const uint8_t bytes[static 4]);
struct addr addr_ip6(const uint8_t bytes[static 16]);

/* 4 or 16 bytes by family, 0 for none. */
static inline size_t addr_len(const struct addr *a)
{
	return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

static inline unsigned addr_bits(const struct addr *a)
{
	return (unsigned)addr_len(a) * 8;
}

static inline bool addr_eq(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->scope == b->scope &&
	       !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* Order: none, IPv4, IPv6; then by value; then by scope. Return: <0, 0, >0. */
int addr_cmp(const struct addr *a, const struct addr *b);

/* The value as a number; IPv4 is below 2^32. And back: @family says which, excess bits are cut. */
uint128_t addr_number(const struct addr *a);
struct addr addr_from_number(int family, uint128_t number);

/* 127.0.0.0/8, ::1; 224.0.0.0/4, ff00::/8; 169.254.0.0/16, fe80::/10. */
bool addr_is_loopback(const struct addr *a);
bool addr_is_multicast(const struct addr *a);
bool addr_is_link_local(const struct addr *a);

/*
 * Routed on the public Internet: neither private, shared, loopback, link-local, documentation,
 * benchmarking, multicast nor reserved (the IANA special-purpose registries, RFC 6890). An IPv6
 * address that stands for an IPv4 one (mapped, NAT64) is what that one is.
 */
bool addr_is_global(const struct addr *a);

/* The length of the special-purpose prefix that holds @a, so that a range can be judged in steps; 0
 * for a globally routed address. */
unsigned addr_special_len(const struct addr *a);

/**
 * addr_parse() - read one address as people type it: "10.0.0.1", "fe80::1%eth0", "2001:db8::1"
 * @text: @len bytes, need not end in NUL
 * Return: 0, or -E_SYNTAX with @fault filled. IPv4 needs four decimal octets without leading zeros.
 */
MUST_CHECK int addr_parse(const char *text, size_t len, struct addr *ret_addr, struct fault *fault);

/* "10.0.0.0/8"; an address alone is a prefix of full length. Like addr_parse(). */
MUST_CHECK int prefix_parse(const char *text, size_t len, struct prefix *ret_prefix,
			    struct fault *fault);

/* "aa:bb:cc:dd:ee:ff", also with '-' or "aabb.ccdd.eeff". Like addr_parse(). */
MUST_CHECK int mac_parse(const char *text, size_t len, struct mac *ret_mac, struct fault *fault);

/* Text, with "%eth0" behind a scoped address ("%7" when that interface is gone). */
void buf_addr(struct buf *b, const struct addr *a);
void buf_prefix(struct buf *b, const struct prefix *p);

/* "10.0.0.1:80", "[2001:db8::1]:80" */
void buf_endpoint(struct buf *b, const struct endpoint *e);

/* False where the families differ. */
bool prefix_contains(const struct prefix *p, const struct addr *a);

/* The prefix's first and last address (IPv4: network and broadcast address). */
struct addr prefix_first(const struct prefix *p);
struct addr prefix_last(const struct prefix *p);

/* A mask of @len one bits, for instance 255.255.255.0 for AF_INET and 24. */
struct addr addr_mask(int family, unsigned len);

/* To and from the kernel's form. Return of the first: length for bind() and sendto(), 0 for none.
 */
socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *ret_sa);
MUST_CHECK int endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *ret_endpoint);

bool mac_is_zero(const struct mac *m);

#endif
