#include "cli/capture_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/verb.h"
#include "io/thread.h"
#include "wire/packet_copy.h"

/* A few small batches for each thread: together they fit into the caches of its processor. */
#define BATCH_PACKETS 256
#define BATCH_BYTES   (192U << 10)
#define TEXT_MAX      (256U << 20)
#define THREADS_MAX   16
#define BATCHES_MAX   (2 * THREADS_MAX + 2)

/* One packet can be larger than a batch: 256 KiB, and all the messages that it completed. */
#define PACKET_ROOM (64U << 20)

enum stage { FREE, FILLED, TAKEN, PRINTED };

struct batch {
	enum stage stage;
	struct pool_packet packets[BATCH_PACKETS];
	size_t n;
	uint8_t *memory;
	size_t cap, used;
	struct buf text; /* from capture_pool_text(), then the packets' */
};

struct worker {
	struct capture_pool *pool;
	pthread_t thread;
	void *state;
};

struct capture_pool {
	struct capture_pool_config config;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct batch batches[BATCHES_MAX];
	size_t n_batches;
	uint64_t n_filled, n_taken,
		n_written; /* batches since the start; of n, the slot is n % n_batches */
	bool open;	   /* a batch is being filled */
	bool writing;	   /* by one of the threads */
	bool ending;
	int err;
	size_t n_workers;
	struct worker workers[THREADS_MAX];
};

/* Writes what is printed and has its turn, unless another one does. With the lock, which is given
 * up meanwhile. */
static void write_batches(struct capture_pool *p)
{
	while (!p->writing && p->batches[p->n_written % p->n_batches].stage == PRINTED) {
		struct batch *batch = &p->batches[p->n_written % p->n_batches];
		int err = p->err;

		p->writing = true;
		pthread_mutex_unlock(&p->lock);
		if (!err)
			err = command_write(p->config.fd, &batch->text);
		pthread_mutex_lock(&p->lock);
		p->writing = false;
		p->err = err;
		p->n_written++;
		batch->stage = FREE;
		batch->n = batch->used = 0;
		buf_reset(&batch->text);
		pthread_cond_broadcast(&p->changed);
	}
}

/* Takes the next batch, makes text of it at the same time as others, writes what has its turn. With
 * the lock, likewise. */
static void serve(struct capture_pool *p, void *state)
{
	struct batch *batch = &p->batches[p->n_taken++ % p->n_batches];

	batch->stage = TAKEN;
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < batch->n; i++)
		p->config.print(state, &batch->text, &batch->packets[i]);
	pthread_mutex_lock(&p->lock);
	batch->stage = PRINTED;
	write_batches(p);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct capture_pool *p = w->pool;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (p->n_taken == p->n_filled && !p->ending)
			pthread_cond_wait(&p->changed, &p->lock);
		if (p->n_taken == p->n_filled)
			break;
		serve(p, w->state);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Who fills batches has to wait, with the lock: he makes text himself if he may. */
static void wait_or_help(struct capture_pool *p)
{
	if (p->config.own_state && p->n_taken < p->n_filled)
		serve(p, p->config.own_state);
	else
		pthread_cond_wait(&p->changed, &p->lock);
}

static int start_worker(struct capture_pool *p, void *state)
{
	struct worker *w = &p->workers[p->n_workers];
	int err;

	*w = (struct worker){ .pool = p, .state = state };
	err = thread_start(work, w, &w->thread);
	if (!err)
		p->n_workers++;
	return err;
}

int capture_pool_new(const struct capture_pool_config *config, struct capture_pool **ret_pool)
{
	struct capture_pool *p = calloc(1, sizeof(*p));
	size_t n_threads = MIN(config->n_threads, (unsigned)THREADS_MAX);
	int err = p ? 0 : -ENOMEM;

	if (!p)
		return err;
	p->config = *config;
	p->n_batches = 2 * n_threads + 2;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	for (size_t i = 0; i < p->n_batches && !err; i++) {
		p->batches[i].cap = BATCH_BYTES;
		p->batches[i].memory = malloc(BATCH_BYTES);
		p->batches[i].text = buf_of(TEXT_MAX);
		err = p->batches[i].memory ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < n_threads && !err; i++)
		err = start_worker(p, config->states[i]);
	if (err)
		capture_pool_free(p);
	else
		*ret_pool = p;
	return err;
}

struct capture_pool *capture_pool_free(struct capture_pool *p)
{
	if (!p)
		return NULL;
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->n_workers; i++)
		pthread_join(p->workers[i].thread, NULL);
	for (size_t i = 0; i < p->n_batches; i++) {
		free(p->batches[i].memory);
		buf_done(&p->batches[i].text);
	}
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}

/* The batch that is being filled; waits until there is one. NULL after an error of writing. */
static struct batch *open_batch(struct capture_pool *p)
{
	struct batch *batch = &p->batches[p->n_filled % p->n_batches];
	int err;

	/* Only this thread fills: a batch that it has begun needs no lock. */
	if (p->open)
		return batch;
	pthread_mutex_lock(&p->lock);
	while (batch->stage != FREE && !p->err)
		wait_or_help(p);
	err = p->err;
	p->open = !err;
	pthread_mutex_unlock(&p->lock);
	return err ? NULL : batch;
}

int capture_pool_push(struct capture_pool *p)
{
	struct batch *batch = &p->batches[p->n_filled % p->n_batches];
	int err;

	pthread_mutex_lock(&p->lock);
	if (p->open && (batch->n || batch->text.len)) {
		batch->stage = FILLED;
		p->open = false;
		p->n_filled++;
		pthread_cond_broadcast(&p->changed);
	}
	err = p->err;
	pthread_mutex_unlock(&p->lock);
	return err;
}

/* Copies the packet into an empty batch, which is made larger for it. */
static const struct packet *copy_large(struct batch *batch, const struct packet *packet,
				       size_t *ret_used)
{
	const struct packet *copy = NULL;

	while (!copy && batch->cap < PACKET_ROOM) {
		uint8_t *memory = realloc(batch->memory, batch->cap * 2);

		if (!memory)
			return NULL;
		batch->memory = memory;
		batch->cap *= 2;
		copy = packet_copy(packet, memory, batch->cap, ret_used);
	}
	return copy;
}

int capture_pool_packet(struct capture_pool *p, const struct pool_packet *packet)
{
	struct batch *batch = open_batch(p);
	const struct packet *copy;
	size_t used = 0;
	int err;

	if (!batch)
		return p->err;
	copy = packet_copy(packet->packet, batch->memory + batch->used, batch->cap - batch->used,
			   &used);
	if (!copy && batch->used) {
		err = capture_pool_push(p);
		return err ? err : capture_pool_packet(p, packet);
	}
	if (!copy)
		copy = copy_large(batch, packet->packet, &used);
	if (!copy)
		return -ENOMEM;
	batch->packets[batch->n++] = (struct pool_packet){ copy, packet->previous_ns };
	batch->used += used;
	return batch->n == BATCH_PACKETS ? capture_pool_push(p) : 0;
}

int capture_pool_text(struct capture_pool *p, const char *text, size_t len)
{
	int err = capture_pool_push(p);
	struct batch *batch = err ? NULL : open_batch(p);

	if (!batch)
		return err ? err : p->err;
	buf_bytes(&batch->text, text, len);
	return 0;
}

int capture_pool_finish(struct capture_pool *p)
{
	int err;

	(void)capture_pool_push(p);
	pthread_mutex_lock(&p->lock);
	while (p->n_written < p->n_filled)
		wait_or_help(p);
	err = p->err;
	pthread_mutex_unlock(&p->lock);
	return err;
}
