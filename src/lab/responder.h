/*
 * A network that is simulated behind one link, for tests and measurements of probing: packets in,
 * answers out, as the truth says. Hosts answer echo requests (RFC 792, RFC 4443), ARP (RFC 826) and
 * neighbour solicitations (RFC 4861), TCP as RFC 9293 section 3.10.7 says of ports in LISTEN and
 * CLOSED, UDP with what they were sent. Connections are not kept: what an open port gets behind the
 * SYN is answered so that a client can close. Probes with wrong checksums are dropped, as hosts do.
 */
#ifndef SONDE_LAB_RESPONDER_H
#define SONDE_LAB_RESPONDER_H

#include "lab/truth.h"

#define RESPONDER_REPLY_MAX 2048 /* bytes of an answer */

struct responder_config {
	struct truth truth;
	bool ethernet;	    /* frames; else IP packets, as of a TUN device */
	struct mac mac;	    /* of every host */
	struct addr router; /* always there, all its ports are closed; also who says 'prohibited';
			       none: the target itself says it */
	struct addr router6;
	size_t quote_len;	    /* bytes that ICMP errors quote behind the IP header */
	uint64_t error_interval_ns; /* between ICMP errors of one host; 0: no limit */
	unsigned error_burst;	    /* so many at once, before */
};

struct responder_account {
	uint64_t packets, answers;
	uint64_t malformed; /* or with a wrong checksum */
	uint64_t withheld;  /* ICMP errors beyond the limit */
};

struct responder;

/* Return: NULL when out of memory. */
struct responder *responder_new(const struct responder_config *config);
struct responder *responder_free(struct responder *r);

/**
 * responder_answer() - what the network says to one frame or packet
 * @bytes: untrusted
 * @checked: its transport checksum is not filled in yet, because it comes from this kernel
 * @ret_reply: RESPONDER_REPLY_MAX bytes
 * Return: bytes of the answer; 0: silence.
 */
size_t responder_answer(struct responder *r, uint64_t now_ns, const void *bytes, size_t len,
			bool checked, uint8_t *ret_reply);

struct responder_account responder_account(const struct responder *r);

#endif
