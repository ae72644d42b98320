/* Packets on their way through the sockets of this folder, in batches. */
#ifndef SONDE_IO_PACKET_H
#define SONDE_IO_PACKET_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/addr.h"

#define PACKET_BATCH 64

/* One to send. */
struct packet_out {
	struct addr to;	  /* ICMP */
	uint8_t ttl;	  /* ICMP: or hop limit; 0: the socket's */
	unsigned ifindex; /* frames */
	const void *data;
	size_t len;
};

/* One that came in; the bytes are the socket's, valid until its next receive. */
struct packet_in {
	const uint8_t *data;
	size_t len;	 /* bytes kept */
	size_t wire_len; /* bytes that came */
	struct addr from;
	int ttl;	  /* or hop limit; -1: unknown */
	unsigned ifindex; /* 0: unknown */
	uint64_t rx_ns;	  /* monotonic, by the kernel's stamp */
};

/*
 * The kernel stamps packets with the wall clock; this makes it monotonic time, using the distance
 * of the two clocks now. What a jump of the wall clock made absurd (the future, or more than a
 * second ago) becomes @now_ns.
 */
uint64_t packet_monotonic(int64_t stamp_ns, uint64_t now_ns, int64_t wall_ns);

/* The same with the stamp that came with a message; @now_ns when there is none. */
uint64_t packet_rx_time(const struct msghdr *msg, uint64_t now_ns, int64_t wall_ns);

/* TTL or hop limit of a message that came (IP_RECVTTL, IPV6_RECVHOPLIMIT); -1: the kernel did not
 * say. */
int packet_received_ttl(const struct msghdr *msg);

/* How many packets found a socket's queue full since @seen, which goes up to now. Not for packet
 * sockets. */
uint64_t packet_socket_drops(int fd, uint32_t *seen);

/* setsockopt() with a number. Return: 0 or -errno. */
int packet_socket_set(int fd, int level, int option, int value);

/* As large as the kernel lets us: with privileges beyond net.core.rmem_max. */
void packet_socket_buffers(int fd, int bytes);

#endif
