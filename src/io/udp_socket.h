/*
 * Datagrams to anybody from one UDP port, the answers to it, and the ICMP errors about them, which
 * the kernel keeps in a queue of their own (ip(7), IP_RECVERR). Needs no privileges.
 */
#ifndef SONDE_IO_UDP_SOCKET_H
#define SONDE_IO_UDP_SOCKET_H

#include "io/packet.h"

struct udp_socket;

struct udp_out {
	struct endpoint to;
	uint8_t ttl; /* or hop limit; 0: the system's */
	const void *data;
	size_t len;
};

struct udp_in {
	struct endpoint from; /* who answers; of an error: where the datagram went */
	struct addr reporter; /* who sent the ICMP error; none: it is an answer */
	uint8_t icmp_type, icmp_code;
	uint32_t mtu;	     /* of an error that tells it */
	const uint8_t *data; /* the socket's, valid until its next receive; of an error: the
				datagram's own */
	size_t len;	     /* bytes kept */
	size_t wire_len;     /* bytes that came */
	int ttl;	     /* or hop limit; -1: unknown */
	uint64_t rx_ns;	     /* monotonic, by the kernel's stamp */
};

/**
 * udp_socket_open() - from a port that the kernel chooses
 * @iface: only through this interface; NULL: any
 * Return: 0, -EAFNOSUPPORT, -EPERM (of @iface), other -errno.
 */
MUST_CHECK int udp_socket_open(int family, const char *iface, struct udp_socket **ret_socket);
struct udp_socket *udp_socket_free(struct udp_socket *s);

/* To poll for reading and for priority events (queued errors). */
int udp_socket_fd(const struct udp_socket *s);

/* @n: at most PACKET_BATCH. Return: how many left, from the first on; when fewer, @ret_err is the
 * negative reason for the next. */
size_t udp_socket_send(struct udp_socket *s, const struct udp_out *datagrams, size_t n,
		       int *ret_err);

/* What came in, errors first, at most PACKET_BATCH at a time. Return: number, 0 when no more. */
size_t udp_socket_receive(struct udp_socket *s, struct udp_in *ret_datagrams);

/* How many datagrams found the socket's queue full since the last call. */
uint64_t udp_socket_drops(struct udp_socket *s);

#endif
