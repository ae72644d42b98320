/*
 * The memory of all frames is registered with the kernel (UMEM). A frame's place is in one of three
 * states: free, in the ring to be sent, or under way until the kernel gives it back in the ring of
 * completions. In copy mode the kernel takes frames from the ring only while it is asked to, at
 * most 32 at a time, and says so with EAGAIN; EBUSY means that the interface dropped the one taken
 * last.
 */
#include "io/xdp_sender.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "io/clock.h"

#define PLACES	     2048U /* a power of two; also of each ring */
#define MEMORY_LEN   ((size_t)PLACES * XDP_SENDER_FRAME_MAX)
#define FLUSH_NS     (100 * NS_PER_MS)
#define TURNS_A_CALL 64 /* a batch and what was left takes fewer, if anything moves */

/* One ring as mapped. */
struct ring {
	void *map;
	size_t map_len;
	uint32_t *producer, *consumer;
	void *entries;
};

struct xdp_sender {
	int fd;
	uint8_t *memory;
	struct ring send, done;
	uint32_t produced; /* of the ring to send; its entries are ours from here on */
	uint32_t n_free;
	uint64_t free[PLACES]; /* addresses within the memory */
};

static int map_ring(int fd, const struct xdp_ring_offset *at, size_t entry_len, off_t which,
		    struct ring *ret_ring)
{
	size_t len = at->desc + PLACES * entry_len;
	uint8_t *map =
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, which);

	if (map == MAP_FAILED)
		return -errno;
	*ret_ring = (struct ring){
		.map = map,
		.map_len = len,
		.producer = (uint32_t *)(map + at->producer),
		.consumer = (uint32_t *)(map + at->consumer),
		.entries = map + at->desc,
	};
	return 0;
}

static int set_size(int fd, int option)
{
	int n = PLACES;

	return setsockopt(fd, SOL_XDP, option, &n, sizeof(n)) < 0 ? -errno : 0;
}

static int make_rings(struct xdp_sender *s)
{
	struct xdp_umem_reg memory = {
		.addr = (uint64_t)(uintptr_t)s->memory,
		.len = MEMORY_LEN,
		.chunk_size = XDP_SENDER_FRAME_MAX,
	};
	struct xdp_mmap_offsets at;
	socklen_t len = sizeof(at);
	int err = 0;

	if (setsockopt(s->fd, SOL_XDP, XDP_UMEM_REG, &memory, sizeof(memory)) < 0)
		return -errno;
	/* A ring to receive into must be there, though nothing comes in. */
	err = set_size(s->fd, XDP_UMEM_FILL_RING);
	if (!err)
		err = set_size(s->fd, XDP_UMEM_COMPLETION_RING);
	if (!err)
		err = set_size(s->fd, XDP_TX_RING);
	if (!err && getsockopt(s->fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len) < 0)
		err = -errno;
	if (!err)
		err = map_ring(s->fd, &at.tx, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING, &s->send);
	if (!err)
		err = map_ring(s->fd, &at.cr, sizeof(uint64_t), XDP_UMEM_PGOFF_COMPLETION_RING,
			       &s->done);
	return err;
}

int xdp_sender_open(unsigned ifindex, struct xdp_sender **ret_sender)
{
	struct sockaddr_xdp name = {
		.sxdp_family = AF_XDP,
		.sxdp_ifindex = ifindex,
		.sxdp_flags = XDP_COPY,
	};
	struct xdp_sender *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->memory = mmap(NULL, MEMORY_LEN, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	s->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (s->memory == MAP_FAILED || s->fd < 0)
		err = -errno;
	else
		err = make_rings(s);
	if (!err && bind(s->fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		err = -errno;
	if (err) {
		xdp_sender_free(s);
		return err;
	}
	for (; s->n_free < PLACES; s->n_free++)
		s->free[s->n_free] = (uint64_t)s->n_free * XDP_SENDER_FRAME_MAX;
	*ret_sender = s;
	return 0;
}

/* Places that the kernel is through with are free again. */
static void collect(struct xdp_sender *s)
{
	const uint64_t *done = s->done.entries;
	uint32_t end = __atomic_load_n(s->done.producer, __ATOMIC_ACQUIRE), at = *s->done.consumer;

	for (; at != end && s->n_free < PLACES; at++)
		s->free[s->n_free++] = done[at % PLACES];
	__atomic_store_n(s->done.consumer, at, __ATOMIC_RELEASE);
}

static uint32_t n_waiting(const struct xdp_sender *s)
{
	return s->produced - __atomic_load_n(s->send.consumer, __ATOMIC_ACQUIRE);
}

/* Return: false when no place is free. */
static bool put(struct xdp_sender *s, const void *data, size_t len)
{
	struct xdp_desc *entries = s->send.entries;
	uint64_t place;

	if (!s->n_free || n_waiting(s) == PLACES)
		return false;
	place = s->free[--s->n_free];
	memcpy(s->memory + place, data, len);
	entries[s->produced++ % PLACES] = (struct xdp_desc){ .addr = place, .len = (uint32_t)len };
	__atomic_store_n(s->send.producer, s->produced, __ATOMIC_RELEASE);
	return true;
}

/* The interface dropped what the kernel took last. There is a place for it: it has left the ring.
 */
static void put_again(struct xdp_sender *s)
{
	const struct xdp_desc *entries = s->send.entries;
	uint32_t last = __atomic_load_n(s->send.consumer, __ATOMIC_ACQUIRE) - 1;
	struct xdp_desc dropped = entries[last % PLACES];

	collect(s);
	(void)put(s, s->memory + dropped.addr, dropped.len);
}

/* Lets the kernel take what waits, as far as the interface takes it. */
static int push(struct xdp_sender *s)
{
	for (unsigned turn = 0; turn < TURNS_A_CALL; turn++) {
		uint32_t before = n_waiting(s);

		if (!before)
			return 0;
		if (sendto(s->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0)
			continue;
		if (errno == EBUSY) {
			put_again(s);
			return -ENOBUFS;
		}
		if (errno != EAGAIN && errno != ENOBUFS)
			return -errno;
		if (n_waiting(s) == before)
			return -ENOBUFS;
	}
	return -ENOBUFS;
}

size_t xdp_sender_send(struct xdp_sender *s, const struct packet_out *packets, size_t n,
		       int *ret_err)
{
	size_t taken = 0;
	int err = push(s);

	if (err && err != -ENOBUFS) {
		*ret_err = err;
		return 0;
	}
	collect(s);
	while (taken < n && packets[taken].len <= XDP_SENDER_FRAME_MAX &&
	       put(s, packets[taken].data, packets[taken].len))
		taken++;
	if (taken < n)
		*ret_err = packets[taken].len > XDP_SENDER_FRAME_MAX ? -EMSGSIZE : -ENOBUFS;
	/* What does not leave now leaves with the next call, which also says why it did not. */
	(void)push(s);
	return taken;
}

bool xdp_sender_flush(struct xdp_sender *s)
{
	collect(s);
	return !push(s);
}

static void flush(struct xdp_sender *s)
{
	uint64_t until_ns = clock_monotonic_ns() + FLUSH_NS;

	while (n_waiting(s) && clock_monotonic_ns() < until_ns) {
		int err = push(s);

		if (err && err != -ENOBUFS)
			break;
		if (err)
			usleep(100);
	}
}

struct xdp_sender *xdp_sender_free(struct xdp_sender *s)
{
	if (!s)
		return NULL;
	if (s->send.map)
		flush(s);
	for (unsigned i = 0; i < 2; i++) {
		const struct ring *ring = i ? &s->done : &s->send;

		if (ring->map)
			munmap(ring->map, ring->map_len);
	}
	if (s->fd >= 0)
		close(s->fd);
	if (s->memory != MAP_FAILED)
		munmap(s->memory, MEMORY_LEN);
	free(s);
	return NULL;
}
