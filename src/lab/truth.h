/*
 * What a simulated network is really like: which of its addresses are alive, and what each of their
 * ports does. A pure function of a seed and some shares, so that a billion ports cost no memory and
 * a test can ask for the truth that a scan should have found.
 */
#ifndef SONDE_LAB_TRUTH_H
#define SONDE_LAB_TRUTH_H

#include "base/addr.h"

enum truth_state {
	TRUTH_CLOSED,	   /* RST; ICMP port unreachable to UDP */
	TRUTH_OPEN,	   /* SYN+ACK; an answer to UDP */
	TRUTH_DROPPED,	   /* silence */
	TRUTH_PROHIBITED,  /* ICMP: administratively prohibited */
	TRUTH_UNREACHABLE, /* ICMP: port unreachable, also to TCP */
	TRUTH_DEAD,	   /* no such host */
	TRUTH_N_STATES,
};

/* Shares are of 1. Filled by truth_init() and truth_parse_shares(); no bytes of it are secret. */
struct truth {
	uint64_t seed;
	uint64_t alive; /* addresses whose hash is at most this are there */
	uint64_t tcp[TRUTH_N_STATES], udp[TRUTH_N_STATES]; /* likewise, added up */
};

/* All addresses alive, all ports closed. */
void truth_init(struct truth *t, uint64_t seed);

/* @percent: 0 to 100 of all addresses are there. */
void truth_set_alive(struct truth *t, double percent);

/**
 * truth_set_ports() - what ports of living hosts are
 * @protocol: IPPROTO_TCP or IPPROTO_UDP
 * @text: "open=1,dropped=20,prohibited=0.5", in percent; the rest is closed
 * Return: 0, -E_SYNTAX, -E_RANGE (more than 100 in all).
 */
MUST_CHECK int truth_set_ports(struct truth *t, int protocol, const char *text);

bool truth_is_alive(const struct truth *t, const struct addr *a);

/* What a port of @a is; TRUTH_DEAD when @a is not alive. */
enum truth_state truth_of(const struct truth *t, const struct addr *a, int protocol, uint16_t port);

/* "closed", "open", ... */
const char *truth_name(enum truth_state state);

#endif
