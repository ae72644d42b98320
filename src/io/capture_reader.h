/*
 * Capture files as a sequence of packets: pcap and pcapng, plain or compressed, from a file, a pipe
 * or memory. One pass, nothing sought, memory flat in the file's size: 1 MiB of window, the
 * decompressor's own, and the interfaces (at most CAPTURE_INTERFACES_MAX).
 *
 * pcap: microseconds and nanoseconds in either byte order, the Kuznetzov variant, the length of the
 * frame check sequence in the link type's field (draft-ietf-opsawg-pcap).
 * pcapng: sections in either byte order; section header, interface description, enhanced and
 * simple packet, packet (obsolete) and interface statistics blocks; all others are passed over
 * (draft-ietf-opsawg-pcapng).
 *
 * What is damaged ends the sequence with an error; everything before it has been given.
 */
#ifndef SONDE_IO_CAPTURE_READER_H
#define SONDE_IO_CAPTURE_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "io/capture_packet.h"

struct capture_reader;

#define CAPTURE_INTERFACES_MAX 65536U
#define CAPTURE_COUNT_UNKNOWN  UINT64_MAX

/* An interface, or the only one that a pcap file has. Texts are cut at 255 bytes, never NULL. */
struct capture_interface {
	const char *name, *description;
	const char *filter; /* as text; "" when there was none */
	uint32_t link_type; /* LINKTYPE_ */
	uint32_t snap_len;  /* 0: unlimited */
	uint8_t fcs_len;    /* bytes of frame check sequence behind each packet */
	uint8_t resolution; /* if_tsresol: 6 is microseconds, 9 nanoseconds; 0x80 + n is 2^-n */
	uint64_t received;  /* by statistics blocks so far, or CAPTURE_COUNT_UNKNOWN */
	uint64_t dropped;   /* by the interface or the kernel; likewise */
};

/* What to do instead of sleeping when a pipe has nothing yet. */
struct capture_wait {
	/*
	 * Called before a read that would wait: flush what was printed, sleep until @fd can be read
	 * or for a while. Return: 0 to go on, negative to end the reading with that.
	 */
	int (*wait)(void *arg, int fd);
	void *arg;
};

/**
 * capture_reader_open() - open and recognise a file
 * @path: "-" is standard input
 * @wait: for pipes; may be NULL; must outlive the reader
 * @fault: a sentence without the file's name, that names the byte where it matters
 * Return: 0, or with @fault filled: -errno (-ENOENT, -EACCES, ...), -E_FOREIGN for what is not a
 * capture file, -E_TRUNCATED, -E_MALFORMED, -E_UNSUPPORTED.
 */
MUST_CHECK int capture_reader_open(const char *path, const struct capture_wait *wait,
				   struct capture_reader **ret_reader, struct fault *fault);

/* The same from memory: @bytes must outlive the reader. */
MUST_CHECK int capture_reader_open_bytes(const uint8_t *bytes, size_t len,
					 struct capture_reader **ret_reader, struct fault *fault);
struct capture_reader *capture_reader_free(struct capture_reader *r);

/**
 * capture_reader_next() - the next packet
 * @ret_packet: borrowed from the reader until the next call. cap_len is at most CAPTURE_PACKET_MAX,
 * wire_len at least cap_len. time_ns is 0 in simple packet blocks, which have none, and is held at
 * the ends of its range (years 1677 and 2262). interface counts through all sections.
 * Return: 1, 0 at the end, or what capture_reader_fault() tells of: -E_TRUNCATED, -E_MALFORMED,
 * -E_UNSUPPORTED, -E_FULL (too many interfaces), -ENOMEM, -errno of reading. Errors stick.
 */
MUST_CHECK int capture_reader_next(struct capture_reader *r, struct capture_packet *ret_packet);

/*
 * What the last error was: a sentence without the file's name; the offset is that of the record in
 * the (decompressed) stream.
 */
const struct fault *capture_reader_fault(const struct capture_reader *r);

/*
 * The interfaces seen so far; pcapng may bring more with every call of capture_reader_next(). NULL
 * when there is no such one. Borrowed until then.
 */
size_t capture_reader_n_interfaces(const struct capture_reader *r);
const struct capture_interface *capture_reader_interface(const struct capture_reader *r, size_t i);

/* Whether @path is the file that is read: to open it for writing would empty it. */
bool capture_reader_reads(const struct capture_reader *r, const char *path);

/* Bytes of the (decompressed) stream used so far. */
uint64_t capture_reader_offset(const struct capture_reader *r);

#endif
