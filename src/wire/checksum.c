#include "wire/checksum.h"

#include "base/cursor.h"

/*
 * Ones' complement addition does not care for byte order (RFC 1071 section 2 B), so words are added
 * as this machine loads them, eight bytes at a time with the carries kept, and swapped once at the
 * end.
 */
static uint64_t add_carry(uint64_t sum, uint64_t word)
{
	return __builtin_add_overflow(sum, word, &sum) ? sum + 1 : sum;
}

uint64_t checksum_add(uint64_t sum, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint64_t word = 0;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&word, p, 8);
		sum = add_carry(sum, word);
	}
	if (n) {
		word = 0;
		memcpy(&word, p, n);
		sum = add_carry(sum, word);
	}
	return sum;
}

uint16_t checksum_finish(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return __builtin_bswap16((uint16_t)~sum);
}

uint64_t checksum_pseudo_ip4(const uint8_t src[static 4], const uint8_t dst[static 4],
			     uint8_t protocol, uint16_t len)
{
	uint8_t pseudo[12] = { [9] = protocol };

	memcpy(pseudo, src, 4);
	memcpy(pseudo + 4, dst, 4);
	store_be16(pseudo + 10, len);
	return checksum_add(0, pseudo, sizeof(pseudo));
}

uint64_t checksum_pseudo_ip6(const uint8_t src[static 16], const uint8_t dst[static 16],
			     uint8_t protocol, uint32_t len)
{
	uint8_t pseudo[40] = { [39] = protocol };

	memcpy(pseudo, src, 16);
	memcpy(pseudo + 16, dst, 16);
	store_be32(pseudo + 32, len);
	return checksum_add(0, pseudo, sizeof(pseudo));
}

uint16_t checksum_update(uint16_t checksum, uint16_t from, uint16_t to)
{
	uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~from + to;

	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~sum;
}
