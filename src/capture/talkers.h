/*
 * Who talks: hosts and the ports seen in use at them, with what went in and out. Each packet counts
 * for both of its hosts, at the port of the side that serves: for the server as a service that it
 * gives, for the client as one that it uses. The number of rows is bounded; the one that was silent
 * longest goes for a new one, and is counted.
 */
#ifndef SONDE_CAPTURE_TALKERS_H
#define SONDE_CAPTURE_TALKERS_H

#include "capture/segment.h"

struct talker {
	struct addr addr;
	uint16_t port;	     /* of the service; 0: the protocol has none */
	uint8_t proto;	     /* enum protocol_id: TCP, UDP, ICMP, ... */
	uint8_t application; /* the last one recognised; 0: none */
	bool serves;	     /* gives the service, else uses it */
	int64_t first_ns, last_ns;
	uint64_t packets_in, packets_out;
	uint64_t bytes_in, bytes_out; /* as on the wire */
};

struct talkers;

/* Return: NULL when out of memory. */
struct talkers *talkers_new(uint32_t max);
struct talkers *talkers_free(struct talkers *t);

/* Counts a packet with its frame, as dissect_packet() gives it. Return: 0 or -ENOMEM. */
MUST_CHECK int talkers_add(struct talkers *t, const struct packet *p);

/* Rows forgotten for the bound, and packets that belong to none: no IP. */
uint64_t talkers_evicted(const struct talkers *t);
uint64_t talkers_others(const struct talkers *t);

/**
 * talkers_sorted() - all, those with the most bytes first
 * @ret_talkers: borrowed until the next talkers_add(); free() the array
 * Return: their number, or -ENOMEM.
 */
MUST_CHECK int64_t talkers_sorted(const struct talkers *t, const struct talker ***ret_talkers);

#endif
