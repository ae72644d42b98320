/* Blocks and headers of capture files, into a buffer. Internal to the capture writer. */
#ifndef SONDE_IO_CAPTURE_ENCODE_H
#define SONDE_IO_CAPTURE_ENCODE_H

#include "base/buf.h"
#include "io/capture_packet.h"
#include "io/capture_writer.h"

/* The most that one of these writes: a packet with a comment of 65,535 bytes. */
#define CAPTURE_ENCODED_MAX (CAPTURE_PACKET_MAX + 65536 + 128)

/* pcapng: draft-ietf-opsawg-pcapng sections 4.1, 4.2, 4.3 and 4.6, in this machine's byte order.
 * Time stamps are in ns. */
void capture_encode_section(struct buf *b, const struct capture_writer_config *config);
void capture_encode_interface(struct buf *b, const struct capture_writer_interface *interface);
void capture_encode_packet(struct buf *b, const struct capture_packet *p);

struct capture_statistics {
	int64_t from_ns, to_ns;	    /* of the file */
	uint64_t received, dropped; /* UINT64_MAX: unknown */
};
void capture_encode_statistics(struct buf *b, uint32_t interface,
			       const struct capture_statistics *s);

/* pcap: draft-ietf-opsawg-pcap sections 4 and 5. */
void capture_encode_pcap_header(struct buf *b, enum capture_format format, uint32_t link_type,
				uint32_t snap_len, uint8_t fcs_len);
void capture_encode_pcap_packet(struct buf *b, enum capture_format format,
				const struct capture_packet *p);

#endif
