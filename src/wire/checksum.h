/*
 * The Internet checksum (RFC 1071), with the pseudo headers of IPv4 (RFC 9293 section 3.1) and IPv6
 * (RFC 8200 section 8.1), and its incremental update (RFC 1624). Parts are summed one after another
 * and finished once:
 *
 *   uint64_t sum = checksum_pseudo_ip4(src, dst, IPPROTO_UDP, len);
 *   store_be16(udp + 6, checksum_finish(checksum_add(sum, udp, len)));
 */
#ifndef SONDE_WIRE_CHECKSUM_H
#define SONDE_WIRE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/**
 * checksum_add() - sum @n bytes more
 * @sum: 0, or the sum of what precedes, which must be of even length
 * Return: a sum to pass on or to finish; its form is nobody's business. Sums up to 2^32 bytes in
 * all.
 */
uint64_t checksum_add(uint64_t sum, const void *bytes, size_t n);

/* The checksum of what was summed, in host order: store_be16() puts it into the packet. */
uint16_t checksum_finish(uint64_t sum);

/* The sum of a pseudo header. @len: bytes of the transport header and its data. */
uint64_t checksum_pseudo_ip4(const uint8_t src[static 4], const uint8_t dst[static 4],
			     uint8_t protocol, uint16_t len);
uint64_t checksum_pseudo_ip6(const uint8_t src[static 16], const uint8_t dst[static 16],
			     uint8_t protocol, uint32_t len);

/* Of one piece. Over bytes that contain their own correct checksum the result is 0. */
static inline uint16_t checksum_of(const void *bytes, size_t n)
{
	return checksum_finish(checksum_add(0, bytes, n));
}

/*
 * The checksum after a 16-bit word at an even offset changed from @from to @to, without summing
 * again (RFC 1624 equation 3). All in host order.
 */
uint16_t checksum_update(uint16_t checksum, uint16_t from, uint16_t to);

#endif
