/*
 * Many small packets out of this machine, as fast as one thread can: the caller writes them into a
 * ring, a thread of the pump's own sends them in batches, past the queueing discipline. It sleeps
 * while there is nothing to send. For one caller's thread.
 *
 *   if (frame_pump_room(p)) {
 *           memcpy(frame_pump_add(p, FRAME_LINK, ifindex, len, owner, id), frame, len);
 *           frame_pump_push(p);
 *   }
 */
#ifndef SONDE_IO_FRAME_PUMP_H
#define SONDE_IO_FRAME_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FRAME_PUMP_CELLS     1024 /* packets that wait at most; a power of two */
#define FRAME_PUMP_FRAME_MAX 224  /* bytes of one */

enum frame_kind {
	FRAME_LINK, /* out of an interface: from its link-layer header on, or IP where it has none
		     */
	FRAME_IP4,  /* an IP packet that the kernel routes: to this machine, through odd links */
	FRAME_IP6,
};

/* A packet that could not leave. */
struct frame_failure {
	void *owner; /* as given; NULL: forgotten meanwhile */
	uint64_t id;
	int err; /* -ENOBUFS: queues were full for some milliseconds; other -errno: it never will */
};

struct frame_pump;

/**
 * frame_pump_new() - needs CAP_NET_RAW
 * @xdp: out of Ethernet interfaces by AF_XDP rings, where the kernel lets us; else by packet
 * sockets Return: 0, -EPERM, -ENOMEM, other -errno.
 */
MUST_CHECK int frame_pump_new(bool xdp, struct frame_pump **ret_pump);

/* What waits is not sent any more. */
struct frame_pump *frame_pump_free(struct frame_pump *p);

/* To poll for reading, then frame_pump_heard(): a failure can be taken, or there is room again. */
int frame_pump_fd(const struct frame_pump *p);
void frame_pump_heard(struct frame_pump *p);

/* How many packets can be added now, once all failures are taken. */
size_t frame_pump_room(struct frame_pump *p);

/* Lets the descriptor tell when half of the ring is free; nothing when it is already. */
void frame_pump_await_room(struct frame_pump *p);

/**
 * frame_pump_add() - the place for one more packet; only while there is room
 * @ifindex: FRAME_LINK; FRAME_IP6 to a link-local address; else 0
 * @len: at most FRAME_PUMP_FRAME_MAX
 * Return: where the caller writes @len bytes before frame_pump_push().
 */
uint8_t *frame_pump_add(struct frame_pump *p, enum frame_kind kind, unsigned ifindex, size_t len,
			void *owner, uint64_t id);

/* What was added leaves. */
void frame_pump_push(struct frame_pump *p);

/* Takes a failure. Return: false when there is no more. */
bool frame_pump_failed(struct frame_pump *p, struct frame_failure *ret_failure);

/* An owner that is going away: its packets still leave, its failures name nobody. */
void frame_pump_forget(struct frame_pump *p, const void *owner);

/* Whether something left by an AF_XDP ring. */
bool frame_pump_used_xdp(const struct frame_pump *p);

#endif
