/*
 * A probe module: what one kind of probe looks like on the wire and how its answers are read. It
 * holds no state, reads no clock and sends nothing: the engine hands it a shot to write and packets
 * to read; an I/O side of the caller's choice carries them.
 */
#ifndef SONDE_PROBE_MODULE_H
#define SONDE_PROBE_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* What carries a probe. */
enum probe_via {
	PROBE_VIA_LINK,	   /* an Ethernet frame, whole */
	PROBE_VIA_ICMP,	   /* an ICMP or ICMPv6 message; the IP header is the carrier's */
	PROBE_VIA_IP,	   /* an IP packet, whole; the link-layer header is the carrier's */
	PROBE_VIA_UDP,	   /* a UDP payload; the headers are the carrier's */
	PROBE_VIA_CONNECT, /* no packet of ours: the carrier opens a connection */
	PROBE_N_VIA,
};

/* How a target is reached from this machine. A tunnel has an interface, but no MAC addresses. */
struct probe_link {
	unsigned ifindex;
	struct mac mac;	     /* our address on that interface; zero: not an Ethernet */
	struct mac next_hop; /* the neighbour's that takes it; zero: none is needed, or not known */
	struct addr source;  /* our address towards the target */
	bool on_link;	     /* a neighbour: no router in between */
	bool self;	     /* an address of this machine */
	bool bare_ip;	     /* takes IP packets without any header before them, as tun does */
};

/*
 * What a probe carries so that its answer is known: a place in the engine's table, and a tag that
 * nobody can make up who has not seen the probe. @tag is SipHash of target and the other members
 * under the run's key.
 */
struct probe_mark {
	uint32_t slot, generation;
	uint32_t try;	  /* 0 is the first */
	uint64_t sent_ns; /* on the caller's monotonic clock */
	uint64_t tag;
};

#define PROBE_MARK_LEN	28 /* bytes on the wire */
#define PROBE_MAX_FRAME 65536

/* One probe to write. */
struct probe_shot {
	struct addr target;
	uint16_t port;	      /* destination */
	uint16_t source_port; /* PROBE_VIA_IP: one of those that the run has reserved */
	uint8_t ttl;	      /* or hop limit; 0: the system's */
	uint16_t id;	      /* of ICMP: constant for a target within a run */
	uint16_t sequence;    /* of ICMP: tells lane and try; 0 is the first. On the wire, as people
				 count, one more */
	uint16_t size;	      /* payload bytes asked for */
	const struct probe_link *link;
	bool no_source; /* ARP: sender address 0.0.0.0 (RFC 5227) */

	/*
	 * Keyed from target, port and lane alone, the same in every try: what a probe without room
	 * for a mark carries (the sequence number of a SYN; the id of a DNS query, cut). The source
	 * port then tells the try.
	 */
	uint32_t cookie;
	struct probe_mark mark;
};

/* One packet that came in, as the carrier saw it. */
struct probe_packet {
	enum probe_via via;
	int family;	  /* of an ICMP message: AF_INET or AF_INET6 */
	const void *data; /* untrusted; whole frame, IP packet, ICMP message or UDP payload, as @via
			     says; NULL for a connection */
	size_t len;	  /* bytes of it */
	size_t wire_len;  /* bytes that came, when some were cut off; else 0 */
	struct addr from; /* ICMP: who sent it; UDP: the probe's target, which answers itself unless
			     @reporter is set */
	uint16_t from_port; /* UDP: the probe's destination port */
	int ttl;	    /* or hop limit; -1: unknown */
	unsigned ifindex;   /* 0: unknown */
	uint64_t rx_ns;	    /* when it arrived, monotonic */
	bool id_is_foreign; /* the kernel chose the ICMP id (datagram sockets): not checked */
	uint32_t slot;	    /* connection: whose it is */
	uint64_t token;	    /* connection: as the engine gave it */
	int error;	    /* connection: 0 when open, else errno */

	/*
	 * UDP: an ICMP error about a datagram of ours, from the socket's error queue (IP_RECVERR):
	 * who sent it, and what it says. @data and @ttl are then of no meaning.
	 */
	struct addr reporter; /* none: @data is an answer's payload */
	uint8_t icmp_type, icmp_code;
	uint32_t mtu;
};

enum probe_kind {
	PROBE_REPLY,	   /* the target itself answered: echo reply, ARP reply, RST, SYN+ACK */
	PROBE_UNREACHABLE, /* somebody says that it cannot be reached */
	PROBE_EXCEEDED,	   /* TTL or hop limit was used up on the way */
	PROBE_TOO_BIG,	   /* a link on the way has a smaller MTU */
	PROBE_OTHER_ERROR, /* other ICMP errors */
};

/* How an answer names its probe. */
enum probe_match {
	PROBE_BY_MARK,	 /* carries the whole mark */
	PROBE_BY_TARGET, /* address and port alone (ARP, ND: port 0) */
	PROBE_BY_ID,   /* address, ICMP id and sequence: a quotation of 8 bytes, or a small probe */
	PROBE_BY_SLOT, /* said by the carrier, trusted (connections) */

	/*
	 * Address, port and cookie: a SYN+ACK's or RST's acknowledgment number - 1, the sequence
	 * number in a quotation. @source_port tells the try. Known also when its slot serves
	 * another probe by now.
	 */
	PROBE_BY_COOKIE,
};

#define PROBE_MAX_LABELS 6

/* MPLS label stack entries (RFC 3032 section 2.1) that a packet had where an error was made of it:
 * label 20 bits, traffic class 3, bottom of stack 1, TTL 8. */
struct probe_labels {
	uint32_t entries[PROBE_MAX_LABELS];
	uint8_t n;
};

/* What a module read in a packet. */
struct probe_answer {
	enum probe_kind kind;
	enum probe_match match;
	struct addr target;    /* whom the probe was sent to, as far as the packet says */
	uint16_t port;	       /* and to which port; 0: the protocol has none */
	struct addr responder; /* who answers; may be another */
	struct mac mac;	       /* of the responder; zero: unknown */
	struct probe_mark mark;
	uint32_t cookie;	      /* as the shot's */
	uint16_t source_port;	      /* of the probe: where the answer went */
	uint16_t id, sequence;	      /* as the shot's */
	uint8_t icmp_type, icmp_code; /* of errors */
	int error;		      /* of connections: errno, else 0 */
	uint32_t mtu;		      /* PROBE_TOO_BIG: what fits */
	uint16_t size;		      /* payload bytes of an echo reply */
	struct probe_labels labels;   /* of errors */
};

struct probe_module {
	const char *name; /* of the evidence: "arp", "ns", "icmp", "tcp" */
	enum probe_via via;

	/* Can this module probe @target, reached by @link (NULL when the lane needs none)? */
	bool (*applies)(const struct addr *target, const struct probe_link *link);

	/*
	 * Whether the probe to @port carries our own address, though the lane needs no link: it is
	 * then given one where the way is known. NULL: none does.
	 */
	bool (*names_us)(uint16_t port);

	/*
	 * Writes the probe. Return: bytes, at most @cap; 0 when it does not fit. NULL for modules
	 * without packets.
	 */
	size_t (*write)(const struct probe_shot *shot, uint8_t *buf, size_t cap);

	/* Reads an untrusted packet. Return: 1 when it answers such a probe, else 0. */
	int (*read)(const struct probe_packet *packet, struct probe_answer *ret_answer);
};

/* ICMP echo (RFC 792) and ICMPv6 echo (RFC 4443 section 4), by the target's family. */
extern const struct probe_module probe_icmp;

/* ARP requests on Ethernet (RFC 826). IPv4 targets that are on-link only. */
extern const struct probe_module probe_arp;

/* Neighbour solicitations (RFC 4861 section 7.2.2). IPv6 targets that are on-link only. */
extern const struct probe_module probe_ns;

/* TCP SYN segments in IP packets (RFC 9293), answered by SYN+ACK or RST: by the run's ports. */
extern const struct probe_module probe_syn;

/* UDP datagrams (RFC 768) with a payload that makes the port's usual service answer. */
extern const struct probe_module probe_udp;

/* TCP connections: both 'open' and 'refused' are answers. */
extern const struct probe_module probe_tcp;

#endif
