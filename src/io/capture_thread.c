/*
 * The queue is one piece of memory that two positions run around: the thread alone moves the head,
 * the consumer alone the tail, and both only ever grow. A record is a header and the packet's
 * bytes, and never lies across the end: what is left there is skipped by an empty header.
 */
#include "io/capture_thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/thread.h"

#define TURN_MS		200 /* how long the thread sleeps at most */
#define BLOCKS_AT_ONCE	16  /* of one ring, before the others have their turn */
#define BATCH_BYTES	(1U << 20)
#define PUBLISH_BYTES	(64U << 10) /* the consumer sees packets at the latest after so many */
#define RECORD_ALIGN	16U
#define QUEUE_BYTES_MIN (2 * (CAPTURE_PACKET_MAX + 4096U))
#define DRAIN_MORE_MS	20 /* the kernel's timers are late by some of its ticks */

struct record {
	uint32_t len; /* with this header, aligned; 0: the next one is at the start of the queue */
	uint32_t skipped;
	struct capture_packet packet; /* bytes follow */
};

_Static_assert(sizeof(struct record) % RECORD_ALIGN == 0, "bytes begin aligned");

enum order { RUN, STOP, ABANDON };

struct capture_thread {
	struct capture_thread_config config;
	struct capture_ring *rings[CAPTURE_RINGS_MAX];
	pthread_t thread;
	int ready_fd;	/* the consumer's: packets, or the end */
	int control_fd; /* the thread's: an order, or room in the queue */
	uint8_t *queue;
	size_t queue_len;

	/* The thread's own. */
	uint64_t written_to; /* as head, but not yet published */
	uint64_t tail_seen;
	uint32_t skipped; /* since the last that was queued */
	struct capture_account mine;
	int err;
	int err_ring;

	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) _Atomic uint64_t tail;
	_Alignas(64) _Atomic int order;
	_Atomic bool wants_room;
	_Atomic bool ended; /* err and err_ring are readable */
	pthread_mutex_t lock;
	struct capture_account account; /* under the lock */
};

static void signal_fd(int fd)
{
	uint64_t one = 1;

	/* It fails only when it is signalled already, 2^64 - 1 times. */
	(void)!write(fd, &one, sizeof(one));
}

static void clear_fd(int fd)
{
	uint64_t value;

	(void)!read(fd, &value, sizeof(value));
}

static enum order order_of(struct capture_thread *t)
{
	return (enum order)atomic_load_explicit(&t->order, memory_order_acquire);
}

static void publish(struct capture_thread *t)
{
	if (t->written_to == atomic_load_explicit(&t->head, memory_order_relaxed))
		return;
	atomic_store_explicit(&t->head, t->written_to, memory_order_release);
	signal_fd(t->ready_fd);
}

/* Is there room for @need bytes in all? The consumer's position is read only when it must be. */
static bool has_room(struct capture_thread *t, uint64_t need)
{
	if (t->queue_len - (t->written_to - t->tail_seen) >= need)
		return true;
	t->tail_seen = atomic_load(&t->tail);
	return t->queue_len - (t->written_to - t->tail_seen) >= need;
}

/* Without a writer, the kernel's ring is the better place to wait. Return: false: give it up. */
static bool wait_for_room(struct capture_thread *t, uint64_t need)
{
	struct pollfd control = { .fd = t->control_fd, .events = POLLIN };

	publish(t);
	while (order_of(t) != ABANDON) {
		atomic_store(&t->wants_room, true);
		if (has_room(t, need)) {
			atomic_store(&t->wants_room, false);
			return true;
		}
		if (poll(&control, 1, -1) > 0)
			clear_fd(t->control_fd);
	}
	return false;
}

static void enqueue(struct capture_thread *t, const struct capture_packet *packet)
{
	uint32_t len = (uint32_t)(sizeof(struct record) + packet->cap_len + RECORD_ALIGN - 1) &
		       ~(RECORD_ALIGN - 1);
	size_t at = t->written_to % t->queue_len, to_end = t->queue_len - at;
	uint64_t need = len <= to_end ? len : to_end + len;
	struct record *record;

	if (!has_room(t, need) && (t->config.write || !wait_for_room(t, need))) {
		t->mine.skipped++;
		t->skipped += t->skipped < UINT32_MAX;
		return;
	}
	if (len > to_end) {
		((struct record *)(t->queue + at))->len = 0;
		t->written_to += to_end;
		at = 0;
	}
	record = (struct record *)(t->queue + at);
	record->len = len;
	record->skipped = t->skipped;
	record->packet = *packet;
	memcpy(record + 1, packet->bytes, packet->cap_len);
	t->written_to += len;
	t->skipped = 0;
	t->mine.queued++;
	if (t->written_to - atomic_load_explicit(&t->head, memory_order_relaxed) >= PUBLISH_BYTES)
		publish(t);
}

/* Return: false at the end of the whole capture. */
static bool take_packet(struct capture_thread *t, const struct capture_packet *packet)
{
	t->mine.taken++;
	if (t->config.write) {
		t->err = t->config.write(t->config.user, packet);
		if (t->err)
			return false;
		t->mine.written++;
	}
	if (t->queue)
		enqueue(t, packet);
	return t->mine.taken != t->config.max_packets;
}

/* Some blocks of one ring. Return: false at the end of the whole capture. */
static bool empty_ring(struct capture_thread *t, size_t index)
{
	struct capture_ring *ring = t->rings[index];
	struct capture_block block;
	struct capture_packet packet;
	bool on = true;
	int got = 0;

	for (int i = 0; on && i < BLOCKS_AT_ONCE; i++) {
		got = capture_ring_next_block(ring, &block);
		if (got <= 0)
			break;
		while (on && capture_ring_next(ring, &block, &packet))
			on = take_packet(t, &packet);
		capture_ring_release(ring, &block);
		publish(t);
	}
	if (got < 0) {
		t->err = got;
		t->err_ring = (int)index;
	}
	return on && got >= 0;
}

static bool empty_rings(struct capture_thread *t)
{
	bool on = true;

	for (size_t i = 0; on && i < t->config.n_rings; i++)
		on = empty_ring(t, i);
	return on;
}

/* What may wait until the packets are safe. Return: false at the end of the whole capture. */
static bool settle(struct capture_thread *t)
{
	struct capture_counts counts, *sum = &t->mine.counts;
	int err = t->config.settle ? t->config.settle(t->config.user) : 0;

	*sum = (struct capture_counts){ 0 };
	for (size_t i = 0; i < t->config.n_rings; i++) {
		capture_ring_counts(t->rings[i], &counts);
		sum->received += counts.received;
		sum->dropped += counts.dropped;
		sum->frozen += counts.frozen;
	}
	pthread_mutex_lock(&t->lock);
	t->account = t->mine;
	pthread_mutex_unlock(&t->lock);
	if (!t->err)
		t->err = err;
	return !err;
}

static void sleep_until_packets(struct capture_thread *t, int timeout_ms)
{
	struct pollfd fds[CAPTURE_RINGS_MAX + 1];
	nfds_t n = t->config.n_rings;

	for (nfds_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ capture_ring_fd(t->rings[i]), POLLIN, 0 };
	fds[n] = (struct pollfd){ t->control_fd, POLLIN, 0 };
	if (poll(fds, n + 1, timeout_ms) > 0 && fds[n].revents)
		clear_fd(t->control_fd);
}

/* Nothing more is let in; what is in comes out when the kernel hands over its last blocks. */
static void drain(struct capture_thread *t)
{
	uint64_t end_ns;
	unsigned retire_ms = 0;

	for (size_t i = 0; i < t->config.n_rings; i++) {
		capture_ring_close_door(t->rings[i]);
		retire_ms = MAX(retire_ms, capture_ring_retire_ms(t->rings[i]));
	}
	end_ns = clock_monotonic_ns() + (2 * retire_ms + DRAIN_MORE_MS) * NS_PER_MS;
	while (clock_monotonic_ns() < end_ns && order_of(t) != ABANDON) {
		sleep_until_packets(t, DRAIN_MORE_MS);
		if (!empty_rings(t))
			return;
	}
}

static void *run(void *arg)
{
	struct capture_thread *t = arg;
	uint64_t start_ns = clock_monotonic_ns(), duration_ns = t->config.duration_ns;
	bool on = true;

	while (on && order_of(t) == RUN) {
		uint64_t past_ns = clock_monotonic_ns() - start_ns;
		uint64_t sleep_ns = TURN_MS * NS_PER_MS;

		if (duration_ns && past_ns >= duration_ns)
			break;
		if (duration_ns)
			sleep_ns = MIN(sleep_ns, duration_ns - past_ns);
		sleep_until_packets(t, (int)((sleep_ns + NS_PER_MS - 1) / NS_PER_MS));
		on = empty_rings(t) && settle(t);
	}
	if (on)
		drain(t);
	(void)settle(t);
	publish(t);
	atomic_store_explicit(&t->ended, true, memory_order_release);
	signal_fd(t->ready_fd);
	return NULL;
}

static int start(struct capture_thread *t)
{
	t->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->control_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->ready_fd < 0 || t->control_fd < 0)
		return -errno;
	if (t->config.queue_bytes) {
		t->queue_len = MAX(t->config.queue_bytes, (size_t)QUEUE_BYTES_MIN) &
			       ~(size_t)(RECORD_ALIGN - 1);
		t->queue = aligned_alloc(RECORD_ALIGN, t->queue_len);
		if (!t->queue)
			return -ENOMEM;
	}
	return thread_start(run, t, &t->thread);
}

static struct capture_thread *release(struct capture_thread *t)
{
	if (t->ready_fd >= 0)
		close(t->ready_fd);
	if (t->control_fd >= 0)
		close(t->control_fd);
	pthread_mutex_destroy(&t->lock);
	free(t->queue);
	free(t);
	return NULL;
}

int capture_thread_start(const struct capture_thread_config *config,
			 struct capture_thread **ret_thread)
{
	struct capture_thread *t;
	int err;

	if (!config->n_rings || config->n_rings > CAPTURE_RINGS_MAX)
		return -EINVAL;
	t = aligned_alloc(_Alignof(struct capture_thread), sizeof(*t));
	if (!t)
		return -ENOMEM;
	*t = (struct capture_thread){
		.config = *config, .ready_fd = -1, .control_fd = -1, .err_ring = -1
	};
	memcpy(t->rings, config->rings, config->n_rings * sizeof(*config->rings));
	t->config.rings = t->rings;
	pthread_mutex_init(&t->lock, NULL);
	err = start(t);
	if (err) {
		release(t);
		return err;
	}
	*ret_thread = t;
	return 0;
}

static void give_order(struct capture_thread *t, int order)
{
	atomic_store(&t->order, order);
	signal_fd(t->control_fd);
}

struct capture_thread *capture_thread_free(struct capture_thread *t)
{
	if (!t)
		return NULL;
	give_order(t, ABANDON);
	pthread_join(t->thread, NULL);
	return release(t);
}

void capture_thread_stop(struct capture_thread *t)
{
	give_order(t, STOP);
}

int capture_thread_fd(const struct capture_thread *t)
{
	return t->ready_fd;
}

/* What has been published lies in one piece up to the head or the end of the queue. */
static bool look(struct capture_thread *t, struct capture_batch *ret_batch)
{
	uint64_t head = atomic_load_explicit(&t->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&t->tail, memory_order_relaxed);
	size_t at;

	if (head == tail)
		return false;
	at = tail % t->queue_len;
	if (!((const struct record *)(t->queue + at))->len) {
		tail += t->queue_len - at;
		at = 0;
		atomic_store(&t->tail, tail);
	}
	*ret_batch = (struct capture_batch){
		.start = t->queue + at,
		.next = t->queue + at,
		.end = t->queue + MIN(at + (head - tail), (uint64_t)t->queue_len),
		.skipped = ((const struct record *)(t->queue + at))->skipped,
	};
	return true;
}

int capture_thread_take(struct capture_thread *t, struct capture_batch *ret_batch)
{
	bool ended;

	if (look(t, ret_batch))
		return 1;
	clear_fd(t->ready_fd);
	ended = atomic_load_explicit(&t->ended, memory_order_acquire);
	if (look(t, ret_batch))
		return 1;
	return ended ? -E_CLOSED : 0;
}

bool capture_batch_next(struct capture_batch *b, struct capture_packet *ret_packet)
{
	const struct record *record = (const struct record *)b->next;

	if (b->next == b->end || (size_t)(b->next - b->start) >= BATCH_BYTES || !record->len)
		return false;
	if (record->skipped && b->next != b->start)
		return false; /* another batch tells of it */
	*ret_packet = record->packet;
	ret_packet->bytes = (const uint8_t *)(record + 1);
	b->next += record->len;
	return true;
}

void capture_thread_give_back(struct capture_thread *t, struct capture_batch *b)
{
	atomic_fetch_add(&t->tail, (uint64_t)(b->next - b->start));
	if (atomic_exchange(&t->wants_room, false))
		signal_fd(t->control_fd);
	*b = (struct capture_batch){ 0 };
}

int capture_thread_wait(struct capture_thread *t, unsigned timeout_ms)
{
	struct pollfd ready = { .fd = t->ready_fd, .events = POLLIN };
	int n = poll(&ready, 1, (int)MIN(timeout_ms, 3600000U));

	if (n < 0)
		return -errno;
	return n ? 0 : -E_TIMEOUT;
}

int capture_thread_result(struct capture_thread *t, int *ret_ring)
{
	if (!atomic_load_explicit(&t->ended, memory_order_acquire))
		return -EBUSY;
	if (ret_ring)
		*ret_ring = t->err_ring;
	return MIN(t->err, 0);
}

void capture_thread_account(struct capture_thread *t, struct capture_account *ret_account)
{
	pthread_mutex_lock(&t->lock);
	*ret_account = t->account;
	pthread_mutex_unlock(&t->lock);
}
