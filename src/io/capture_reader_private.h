/* The parts of the capture reader among themselves. */
#ifndef SONDE_IO_CAPTURE_READER_PRIVATE_H
#define SONDE_IO_CAPTURE_READER_PRIVATE_H

#include <string.h>

#include "io/capture_input.h"
#include "io/capture_reader.h"

/* An interface and how its time stamps become ns: stamp * multiplier / divisor + offset. */
struct interface_slot {
	struct capture_interface shown;
	char *texts[3]; /* what shown points to */
	uint64_t multiplier, divisor;
	int64_t offset_s;
};

struct capture_reader {
	struct capture_input in;
	int (*next)(struct capture_reader *r, struct capture_packet *ret_packet);
	int err; /* sticks */
	struct fault fault;
	enum capture_format format;
	bool swap; /* the file, or the section, has the other byte order */

	/* pcap */
	uint32_t header_len; /* of a packet */
	uint32_t unit_ns;
	bool swapped_lengths; /* may be, before version 2.4 */

	/* pcapng */
	size_t section_start; /* index of the section's first interface */

	struct interface_slot *interfaces;
	size_t n_interfaces, interfaces_cap;
};

static inline uint16_t load16(const struct capture_reader *r, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return r->swap ? __builtin_bswap16(v) : v;
}

static inline uint32_t load32(const struct capture_reader *r, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return r->swap ? __builtin_bswap32(v) : v;
}

/* Reads the file's header when its first four bytes, which are there, are right. Return: 1 when it
 * is of this format, 0 when not, or what capture_reader_fail() returns. */
MUST_CHECK int pcap_begin(struct capture_reader *r);
MUST_CHECK int pcapng_begin(struct capture_reader *r);

/**
 * capture_reader_fail() - describe what is wrong with the record at in.at; sticks
 * @format: goes on behind "byte N: "
 * Return: @err
 */
int capture_reader_fail(struct capture_reader *r, int err, const char *format, ...) PRINTF(3, 4);

/**
 * capture_reader_short() - capture_input_need() failed with @err
 * @needed: bytes that @what has, or 0 when the file may end here
 * Return: 0 for such an end, else the error, described.
 */
int capture_reader_short(struct capture_reader *r, int err, const char *what, size_t needed);

/* A new interface, zeroed but for unknown counts. NULL and *@ret_err when there are too many. */
struct interface_slot *capture_reader_add_interface(struct capture_reader *r, int *ret_err);

#endif
