/*
 * Frames out of one interface through a ring that the kernel reads in place (AF_XDP in copy mode):
 * some 10 to 60 % more of them a second than packet sockets take, in one thread. What comes in is
 * left alone. Like PACKET_QDISC_BYPASS it goes past the queueing discipline, and captures on this
 * machine do not see it.
 */
#ifndef SONDE_IO_XDP_SENDER_H
#define SONDE_IO_XDP_SENDER_H

#include <stdbool.h>

#include "io/packet.h"

/* Longer frames do not fit. */
#define XDP_SENDER_FRAME_MAX 2048

struct xdp_sender;

/**
 * xdp_sender_open() - needs CAP_NET_RAW; one of them for an interface at a time
 * Return: 0; -EPERM, -EBUSY (another program has the queue), -EAFNOSUPPORT (kernel without AF_XDP),
 * -ENOMEM, -ENODEV, other -errno.
 */
MUST_CHECK int xdp_sender_open(unsigned ifindex, struct xdp_sender **ret_sender);

/* What was taken has left, or 100 ms were over. */
struct xdp_sender *xdp_sender_free(struct xdp_sender *s);

/**
 * xdp_sender_send() - take frames; does not wait
 * @packets: whole frames, none longer than the interface's MTU allows; the interface is the
 * sender's own
 * @ret_err: set when fewer than @n were taken: -ENOBUFS (the interface is behind: come again),
 * -EMSGSIZE (the next one is longer than XDP_SENDER_FRAME_MAX), -ENETDOWN, other -errno
 * Return: how many were taken. They leave in order; only one that the interface dropped is sent
 * again later.
 */
size_t xdp_sender_send(struct xdp_sender *s, const struct packet_out *packets, size_t n,
		       int *ret_err);

/* Pushes on what was taken. Return: whether all of it has left. */
bool xdp_sender_flush(struct xdp_sender *s);

#endif
