/* Times of NTP (RFC 5905 section 6). */
#ifndef SONDE_WIRE_NTP_TIME_H
#define SONDE_WIRE_NTP_TIME_H

#include "base/cursor.h"
#include "base/macros.h"

/* Seconds from 1900 to 1970, and from 1970 to 2036, where they begin again. */
#define NTP_SECONDS_TO_1970 2208988800LL
#define NTP_SECONDS_TO_2036 2085978496LL

/* Nanoseconds since 1970 of the 8 bytes at @at; before 1968 the second round is meant (RFC 4330
 * section 3). */
static inline int64_t ntp_time_ns(const uint8_t *at)
{
	uint32_t s = load_be32(at);
	int64_t part = (int64_t)((uint64_t)load_be32(at + 4) * NS_PER_S >> 32);
	int64_t unix_s = s >> 31 ? (int64_t)s - NTP_SECONDS_TO_1970
				 : (int64_t)s + NTP_SECONDS_TO_2036;

	return unix_s * (int64_t)NS_PER_S + part;
}

/* The 8 bytes, as a number, for nanoseconds since 1970; rounded up, as reading
 * cuts off. */
static inline uint64_t ntp_time_wire(uint64_t ns)
{
	uint64_t s = ns / NS_PER_S + (uint64_t)NTP_SECONDS_TO_1970;

	return s << 32 | ((ns % NS_PER_S << 32) + NS_PER_S - 1) / NS_PER_S;
}

#endif
