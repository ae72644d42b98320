/* The kernel's clocks. Protocol code does not read them: it is told the time. */
#ifndef SONDE_IO_CLOCK_H
#define SONDE_IO_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since boot; never jumps. For everything that is scheduled or measured. */
static inline uint64_t clock_monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Nanoseconds since 1970; jumps when somebody sets the clock. For stamps that people read. */
static inline int64_t clock_wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

#endif
