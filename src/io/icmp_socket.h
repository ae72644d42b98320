/*
 * ICMP and ICMPv6 messages in and out: a raw socket where that is permitted, else the kernel's
 * datagram sockets for echo requests (net.ipv4.ping_group_range). Both look the same from outside:
 * whole ICMP messages, errors included.
 */
#ifndef SONDE_IO_ICMP_SOCKET_H
#define SONDE_IO_ICMP_SOCKET_H

#include <stdbool.h>

#include "io/packet.h"

struct icmp_socket;

struct icmp_socket_config {
	int family;	   /* AF_INET or AF_INET6 */
	const char *iface; /* only through this interface; NULL: any */
	int ttl;	   /* of what is sent; 0: the system's default */
	bool whole; /* nothing is sent in fragments (RFC 1191, RFC 8201): what is too long for
		       the first link fails with -EMSGSIZE, for a later one draws an error */
};

/**
 * icmp_socket_open() - raw if permitted, else datagram
 * Return: 0; -EPERM or -EACCES when neither is permitted; other -errno.
 */
MUST_CHECK int icmp_socket_open(const struct icmp_socket_config *config,
				struct icmp_socket **ret_socket);
struct icmp_socket *icmp_socket_free(struct icmp_socket *s);

/* To poll for reading and for priority events (queued errors). */
int icmp_socket_fd(const struct icmp_socket *s);

/* False: the kernel replaces the id of echo requests by its own, and gives only what answers them.
 */
bool icmp_socket_is_raw(const struct icmp_socket *s);

/**
 * icmp_socket_send() - send messages; the checksum of ICMPv6 is the kernel's
 * @n: at most PACKET_BATCH
 * Return: how many left, from the first on; when fewer, @ret_err is the negative reason for the
 * next.
 */
size_t icmp_socket_send(struct icmp_socket *s, const struct packet_out *packets, size_t n,
			int *ret_err);

/* What came in, at most PACKET_BATCH at a time. Return: number, 0 when there is no more. */
size_t icmp_socket_receive(struct icmp_socket *s, struct packet_in *ret_packets);

/* How many packets found the socket's queue full since the last call. */
uint64_t icmp_socket_drops(struct icmp_socket *s);

#endif
