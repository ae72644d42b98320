/*
 * Packets printed by several threads. Whoever takes packets apart hands over copies in batches;
 * threads make text of them, and write it in the order of the packets. When they are behind, he
 * makes text of a batch himself.
 */
#ifndef SONDE_CLI_CAPTURE_POOL_H
#define SONDE_CLI_CAPTURE_POOL_H

#include "wire/packet.h"

struct capture_pool;

/* A packet, and what its line needs of the one before. */
struct pool_packet {
	const struct packet *packet;
	int64_t previous_ns; /* time of the packet shown before it; INT64_MIN: none */
};

struct capture_pool_config {
	int fd;
	unsigned n_threads;
	/* Appends the packet's text. Called by several threads at a time, each with a @state of its
	 * own. */
	void (*print)(void *state, struct buf *text, const struct pool_packet *packet);
	void **states;	 /* @n_threads of them */
	void *own_state; /* of who hands packets over, who helps when he would wait; NULL: he waits
			  */
};

/* Return: 0, -ENOMEM, -EAGAIN. All signals are blocked in the threads. */
MUST_CHECK int capture_pool_new(const struct capture_pool_config *config,
				struct capture_pool **ret_pool);

/* Without writing what is not yet written: capture_pool_finish() does that. */
struct capture_pool *capture_pool_free(struct capture_pool *p);

/* Return: 0, or -errno of the first write that failed. Waits while the threads are behind. */
int capture_pool_packet(struct capture_pool *p, const struct pool_packet *packet);

/* Text between packets. */
int capture_pool_text(struct capture_pool *p, const char *text, size_t len);

/* What was handed over will be written without waiting for more. Return: as above. */
int capture_pool_push(struct capture_pool *p);

/* Waits until all is written. Return: as above. */
int capture_pool_finish(struct capture_pool *p);

#endif
