/*
 * Capturing from an interface: a ring of blocks that the kernel fills and that we read in place
 * (packet(7), TPACKET_V3). One ring is one interface, or "any" for all of them.
 *
 * What the kernel keeps beside a packet is put back into it: the VLAN tag into the Ethernet header,
 * the link's address into a cooked header (LINKTYPE_LINUX_SLL2) for "any" and for odd links. Links
 * that carry bare IP packets (tun, ppp, ip tunnels) give LINKTYPE_RAW.
 *
 * Filters see what the file will hold, with one exception that libpcap shares: one without the word
 * `vlan` sees a packet without its outermost tag, so that "port 53" finds it on a trunk as well.
 * For "any" and filters with `vlan` the last word is spoken here, not in the kernel: it sorts out
 * only what it can.
 */
#ifndef SONDE_IO_CAPTURE_RING_H
#define SONDE_IO_CAPTURE_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "io/capture_packet.h"

#define CAPTURE_RING_BYTES     (64U << 20)
#define CAPTURE_RING_BLOCK     (1U << 20)
#define CAPTURE_RING_RETIRE_MS 10U

struct capture_ring;

struct capture_ring_config {
	const char *iface;     /* a name, or "any" */
	const char *filter;    /* libpcap's language; NULL: everything */
	uint32_t interface;    /* given back in every packet */
	uint32_t snap_len;     /* bytes kept of a packet; 0: CAPTURE_PACKET_MAX */
	uint64_t buffer_bytes; /* of the whole ring; 0: CAPTURE_RING_BYTES */
	uint32_t block_bytes;  /* a power of two from 64 KiB on, larger than a packet kept; many
				  small ones last longer while little comes; 0: CAPTURE_RING_BLOCK */
	unsigned retire_ms;    /* a block is given at the latest after this; 0: 10 ms */
	bool promiscuous;
	uint16_t protocol; /* only packets of this Ethernet type that come in, from their network
			      header on (LINKTYPE_RAW); 0: all, with their link's header */
};

/* Packets that passed the filter since the ring was opened. */
struct capture_counts {
	uint64_t received; /* with those dropped */
	uint64_t dropped;  /* the ring was full */
	uint64_t frozen;   /* how many times it became full */
};

/* The packets that the kernel handed over together. All fields are the ring's own. */
struct capture_block {
	void *block;
	const uint8_t *next;
	uint32_t left;
};

/**
 * capture_ring_open() - begin to capture; needs CAP_NET_RAW
 * @fault: always filled on failure: what was asked, what is wrong, what to do
 * Return: 0; -E_SYNTAX (the filter; @fault has the place), -ENODEV (no such interface), -ENETDOWN
 * (it is down), -EPERM, -ENOMEM (the ring is too large), -E_RANGE (a size), other -errno. The
 * filter is in place before the first packet is let in.
 */
MUST_CHECK int capture_ring_open(const struct capture_ring_config *config,
				 struct capture_ring **ret_ring, struct fault *fault);
struct capture_ring *capture_ring_free(struct capture_ring *ring);

/* To poll for reading. */
int capture_ring_fd(const struct capture_ring *ring);

/* LINKTYPE_ number of all its packets. */
uint32_t capture_ring_link_type(const struct capture_ring *ring);

/* Bytes kept of a packet, as files note it. */
uint32_t capture_ring_snap_len(const struct capture_ring *ring);

/* As configured. */
const char *capture_ring_iface(const struct capture_ring *ring);

/**
 * capture_ring_next_block() - take a block that the kernel has filled, without waiting
 * Return: 1; 0 when there is none at the moment; when there will be none: -ENETDOWN (the interface
 * went down), -ENXIO (it is gone), other -errno, given only after the last packets.
 */
MUST_CHECK int capture_ring_next_block(struct capture_ring *ring, struct capture_block *ret_block);

/**
 * capture_ring_next() - the next packet of a block
 * @ret_packet: bytes are valid until the block is released
 * Return: false at the end of the block.
 */
MUST_CHECK bool capture_ring_next(struct capture_ring *ring, struct capture_block *block,
				  struct capture_packet *ret_packet);

/* Gives the block back to the kernel. Blocks are released in the order in which they were taken. */
void capture_ring_release(struct capture_ring *ring, struct capture_block *block);

/* Lets no further packet in; those that are in can be taken for retire_ms more. */
void capture_ring_close_door(struct capture_ring *ring);

/* Milliseconds in which the kernel hands over the last block. */
unsigned capture_ring_retire_ms(const struct capture_ring *ring);

/* The account so far. Not while another thread works with the ring. */
void capture_ring_counts(struct capture_ring *ring, struct capture_counts *ret_counts);

#endif
