/*
 * Packets as text: one line, a tree, or a JSON object. All three are appended to a buffer of the
 * caller's and print what the tables say; none allocates.
 */
#ifndef SONDE_WIRE_PRINT_H
#define SONDE_WIRE_PRINT_H

#include "wire/packet.h"

/* One line without newline: addresses with ports, protocol, what it says. */
void print_line(struct buf *b, const struct packet *p);

/*
 * All fields of all layers, indented, a line each:
 *
 *   Internet Protocol Version 4, 20 bytes
 *       Version: 4
 *       Flags: 0x02
 *           .1.. .... = Don't fragment: set
 */
void print_tree(struct buf *b, const struct packet *p);

struct json_config {
	bool payload; /* also what is transported (data.data, http.file_data), not only its length
		       */
};

/**
 * print_json() - one JSON object, without newline *
 * {"frame":{"number":1,"time_epoch":1.5,"len":74,"cap_len":74},
 *  "eth":{"dst":"…",…},"ip":{"ttl":64,"flags.df":true,…},
 *  "tcp":{"srcport":80,"options":[{"option_kind":2,"option_len":4,"options.mss_val":1460}]},
 *  "truncated":{"layer":"tcp","offset":54}}
 *
 * A layer is an object under its protocol's name; fields in it have Wireshark's names without that
 * name in front. Keys are unique, values of a key always of one type: what can be there more than
 * once is always an array. When a protocol comes again inside itself, it and what follows is in an
 * object "inner"; a packet that an error message quotes is in "quoted". A datagram put together of
 * fragments, or the first message that a segment completed, is beside the other layers; further
 * messages are in the array "more". What is wrong is said by "truncated" and "malformed" with layer
 * and offset in bytes.
 */
void print_json(struct buf *b, const struct packet *p, const struct json_config *config);

#endif
