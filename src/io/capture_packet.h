/* A captured packet, as a file or the kernel's ring gives it, and as a file takes it. */
#ifndef SONDE_IO_CAPTURE_PACKET_H
#define SONDE_IO_CAPTURE_PACKET_H

#include <stdint.h>

/*
 * The longest packet that is read or written, as in libpcap: a record that claims more is taken
 * for damage.
 */
#define CAPTURE_PACKET_MAX 262144U

/* Direction, bits 0 and 1 of @flags; further bits: pcapng, section 4.3.1, option epb_flags. */
#define CAPTURE_DIRECTION 3U
#define CAPTURE_INBOUND	  1U
#define CAPTURE_OUTBOUND  2U

/* Of @flags: checksums of TCP and UDP are left to the hardware, not there yet; or known good. */
#define CAPTURE_CHECKSUM_NOT_READY (1U << 9)
#define CAPTURE_CHECKSUM_VALID	   (1U << 10)

/* Formats of files. */
enum capture_format {
	CAPTURE_PCAPNG,
	CAPTURE_PCAP,	 /* microseconds */
	CAPTURE_PCAP_NS, /* nanoseconds */
};

struct capture_packet {
	const uint8_t *bytes; /* borrowed until the next packet is asked for */
	uint32_t cap_len;     /* bytes there are, at most CAPTURE_PACKET_MAX */
	uint32_t wire_len;    /* bytes there were on the wire */
	int64_t time_ns;      /* since 1970, UTC */
	uint32_t interface;   /* index of its interface in the file or ring, from 0 */
	uint32_t link_type;   /* LINKTYPE_ number, as in files: 1 is Ethernet */
	uint32_t flags;	      /* epb_flags of pcapng; 0: unknown */
	const char *comment;  /* not NUL-terminated, borrowed like @bytes; NULL: none */
	uint32_t comment_len;
};

#endif
