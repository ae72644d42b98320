/*
 * Frames as they are, out of one interface (packet(7)), through its queueing discipline, so that
 * captures on this machine see them, too. Nothing comes in.
 */
#ifndef SONDE_IO_FRAME_SOCKET_H
#define SONDE_IO_FRAME_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct frame_socket;

/* Needs CAP_NET_RAW. Return: 0, -EPERM, other -errno. */
MUST_CHECK int frame_socket_open(unsigned ifindex, struct frame_socket **ret_socket);
struct frame_socket *frame_socket_free(struct frame_socket *s);

/**
 * frame_socket_send() - waits while the interface takes no more
 * @frame: from the link-layer header on; on interfaces without one, from the network header on
 * @ethertype: what is inside, for interfaces without a link-layer header
 * Return: 0, or -errno: -EMSGSIZE when it is longer than the interface allows, -ENETDOWN.
 */
MUST_CHECK int frame_socket_send(struct frame_socket *s, const void *frame, size_t len,
				 uint16_t ethertype);

#endif
