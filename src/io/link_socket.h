/*
 * Ethernet frames of one protocol in and out, on all interfaces or one (packet(7)): ARP and
 * neighbour discovery. What is sent goes past the queueing discipline.
 */
#ifndef SONDE_IO_LINK_SOCKET_H
#define SONDE_IO_LINK_SOCKET_H

#include "io/packet.h"

struct link_socket;

enum link_protocol {
	LINK_ARP,
	LINK_ND, /* IPv6, but only ICMPv6 of neighbour discovery (types 133 to 137) comes in */
};

/**
 * link_socket_open() - needs CAP_NET_RAW
 * @ifindex: only of this interface; 0: of all
 * Return: 0, -EPERM, other -errno.
 */
MUST_CHECK int link_socket_open(enum link_protocol protocol, unsigned ifindex,
				struct link_socket **ret_socket);
struct link_socket *link_socket_free(struct link_socket *s);

/* To poll for reading. */
int link_socket_fd(const struct link_socket *s);

/* As icmp_socket_send(); the packets name their interface. */
size_t link_socket_send(struct link_socket *s, const struct packet_out *packets, size_t n,
			int *ret_err);

/* Frames that came in, whole; without what this machine sent itself. As icmp_socket_receive(). */
size_t link_socket_receive(struct link_socket *s, struct packet_in *ret_packets);

/* How many frames found the socket's queue full since the last call. */
uint64_t link_socket_drops(struct link_socket *s);

#endif
