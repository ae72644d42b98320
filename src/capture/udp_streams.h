/*
 * Numbers for the conversations of UDP, in the order in which they appear: all datagrams between
 * the same two ends have one, as Wireshark's udp.stream. A bounded number of them is known; the one
 * that was silent longest is forgotten for a new one, and would get another number.
 */
#ifndef SONDE_CAPTURE_UDP_STREAMS_H
#define SONDE_CAPTURE_UDP_STREAMS_H

#include "capture/segment.h"
#include "wire/udp.h"

struct udp_streams;

/* Return: NULL when out of memory. */
struct udp_streams *udp_streams_new(uint32_t max);
struct udp_streams *udp_streams_free(struct udp_streams *t);

/**
 * udp_streams_number() - the conversation of the first datagram in a packet
 * @outer: as in ends_of()
 * Return: whether there is one that is not quoted in an error message and whose ports are there.
 */
bool udp_streams_number(struct udp_streams *t, const struct packet *p, const struct packet *outer,
			struct udp_facts *ret_facts);

#endif
