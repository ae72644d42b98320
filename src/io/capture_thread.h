/*
 * A thread that does nothing but empty capture rings. Every packet goes first to the writer, in the
 * thread itself, then into a bounded queue for whoever prints or analyses, on another thread, with
 * a descriptor to poll.
 *
 * When the consumer falls behind and the queue is full, it depends on whether there is a writer.
 * With one, packets pass by the queue and are counted as skipped: what is printed is a sample, what
 * is written is not. Without one the thread waits, the ring fills, and what does not fit is counted
 * as dropped by the kernel.
 *
 * With several rings, packets of different interfaces may be out of order by the time in which a
 * block retires.
 */
#ifndef SONDE_IO_CAPTURE_THREAD_H
#define SONDE_IO_CAPTURE_THREAD_H

#include "io/capture_ring.h"

#define CAPTURE_QUEUE_BYTES (32U << 20)
#define CAPTURE_RINGS_MAX   64

struct capture_thread;

struct capture_thread_config {
	struct capture_ring *
		*rings;	    /* the array is copied; the rings are used until the thread ends */
	size_t n_rings;	    /* 1 to CAPTURE_RINGS_MAX */
	size_t queue_bytes; /* bytes of packets under way to the consumer; 0: there is no consumer
			     */

	/* Runs in the thread. 0; 1: the capture ends before this packet; below 0: an error ends it.
	 * NULL: nothing is written. */
	int (*write)(void *user, const struct capture_packet *packet);
	/* Runs in the thread after some packets, at the latest each 200 ms, and at the end: to put
	 * out what is buffered, to end a file whose time has come. Returns as above; may be NULL.
	 */
	int (*settle)(void *user);
	void *user;

	uint64_t max_packets; /* ends after exactly so many; 0: no end */
	uint64_t duration_ns; /* ends after so long; 0: no end */
};

/* Some 200 ms old while capturing, exact after the end. */
struct capture_account {
	struct capture_counts counts; /* of all rings */
	uint64_t taken;	  /* from the rings: received - dropped at the end, unless it ended after a
			     number */
	uint64_t written; /* by the writer */
	uint64_t queued;  /* for the consumer */
	uint64_t skipped; /* not, because it was behind */
};

/* Packets for the consumer, in the order in which they came. */
struct capture_batch {
	const uint8_t *start, *next, *end; /* the queue's own */
	uint64_t skipped; /* how many passed by the queue just before the first of these */
};

/**
 * capture_thread_start() - begin
 * The thread blocks all signals. Return: 0, -EINVAL, -ENOMEM, -EAGAIN.
 */
MUST_CHECK int capture_thread_start(const struct capture_thread_config *config,
				    struct capture_thread **ret_thread);

/* Stops, waits for the thread to end and frees. The rings are the caller's. */
struct capture_thread *capture_thread_free(struct capture_thread *t);

/*
 * Asks it to end: what has been captured by now still comes, until capture_thread_take() says that
 * this was all. From any thread or signal handler.
 */
void capture_thread_stop(struct capture_thread *t);

/* To poll for reading: there is a batch, or the end. */
int capture_thread_fd(const struct capture_thread *t);

/**
 * capture_thread_take() - take packets that wait, about 1 MiB of them
 * Return: 1; 0 when there are none at the moment; -E_CLOSED when there will be none any more.
 */
MUST_CHECK int capture_thread_take(struct capture_thread *t, struct capture_batch *ret_batch);

/* The next packet, valid until the batch is given back. Return: false at the end of the batch. */
MUST_CHECK bool capture_batch_next(struct capture_batch *batch, struct capture_packet *ret_packet);

/* Makes room for others, before the next batch is taken. What was not looked at comes again. */
void capture_thread_give_back(struct capture_thread *t, struct capture_batch *batch);

/**
 * capture_thread_wait() - until there is a batch or the end, for programs without a loop
 * Return: 0, -E_TIMEOUT, -EINTR.
 */
MUST_CHECK int capture_thread_wait(struct capture_thread *t, unsigned timeout_ms);

/**
 * capture_thread_result() - how it ended
 * @ret_ring: index of the ring at fault, -1: none; may be NULL
 * Return: 0 (stopped, or count or duration reached), -EBUSY (it still runs), what
 * capture_ring_next_block() or the writer gave.
 */
MUST_CHECK int capture_thread_result(struct capture_thread *t, int *ret_ring);

/* The account so far. */
void capture_thread_account(struct capture_thread *t, struct capture_account *ret_account);

#endif
