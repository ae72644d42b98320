/*
 * Three numbers run around the ring, each behind the one before: @head (added by the caller),
 * @sent (by the thread), @reaped (failures taken by the caller). They only grow; a cell is a number
 * modulo FRAME_PUMP_CELLS.
 *
 * Who goes to sleep says so first and then looks once more; who adds looks after adding whether
 * somebody sleeps. Both orders are sequentially consistent, so one of the two always sees the
 * other.
 */
#include "io/frame_pump.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "io/packet.h"
#include "io/thread.h"
#include "io/xdp_sender.h"

#define SOCKETS	     16
#define BUFFER_BYTES (4 << 20)
#define WAIT_NS	     (100 * NS_PER_US)
#define WAITS_MAX    50

static const struct timespec moment = { .tv_nsec = WAIT_NS };

struct cell {
	void *owner;
	uint64_t id;
	uint32_t ifindex;
	int err;
	uint16_t len;
	uint8_t kind;
	uint8_t bytes[FRAME_PUMP_FRAME_MAX];
};

/* A socket of the thread: bound to an interface, or of raw IP. Or an AF_XDP ring. */
struct outlet {
	int fd;
	struct xdp_sender *xdp; /* NULL: the socket */
	unsigned ifindex;
	uint8_t kind;
};

struct frame_pump {
	pthread_t thread;
	bool runs;
	int work, news; /* eventfds: to the thread, to the caller */
	_Alignas(64) atomic_uint head;
	atomic_bool sleeps, quits;
	_Alignas(64) atomic_uint sent;
	atomic_uint failures;
	atomic_bool wants_room;
	bool xdp; /* wanted */
	atomic_bool used_xdp;

	/* The caller's */
	unsigned adding, reaped, failures_seen;

	/* The thread's */
	struct outlet outlets[SOCKETS];
	unsigned n_outlets, oldest;
	struct mmsghdr headers[PACKET_BATCH];
	struct iovec parts[PACKET_BATCH];
	union {
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	} names[PACKET_BATCH];

	_Alignas(64) struct cell cells[FRAME_PUMP_CELLS];
};

static struct cell *cell_at(struct frame_pump *p, unsigned number)
{
	return &p->cells[number % FRAME_PUMP_CELLS];
}

static void signal_event(int fd)
{
	uint64_t one = 1;

	/* It cannot be full: a reader sets it to zero. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

/* The thread */

static int open_link(unsigned ifindex)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_ifindex = (int)ifindex };
	/* Of protocol 0: no packet is delivered to it. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int open_outlet(enum frame_kind kind, unsigned ifindex)
{
	int fd = kind == FRAME_LINK ? open_link(ifindex)
				    : socket(kind == FRAME_IP4 ? AF_INET : AF_INET6,
					     SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

	if (fd < 0)
		return kind == FRAME_LINK ? fd : -errno;
	packet_socket_buffers(fd, BUFFER_BYTES);
	return fd;
}

static bool is_ethernet(int fd, unsigned ifindex)
{
	struct ifreq request = { .ifr_ifindex = (int)ifindex };

	return !ioctl(fd, SIOCGIFNAME, &request) && !ioctl(fd, SIOCGIFHWADDR, &request) &&
	       request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
}

static void close_outlet(struct outlet *outlet)
{
	xdp_sender_free(outlet->xdp);
	close(outlet->fd);
}

/*
 * The way out for a cell, opened when it is the first of its kind. A ring is a matter of speed
 * only: without it the socket serves. Return: 0 or -errno.
 */
static int outlet_of(struct frame_pump *p, const struct cell *cell, struct outlet **ret_outlet)
{
	unsigned ifindex = cell->kind == FRAME_LINK ? cell->ifindex : 0;
	struct outlet new = { .ifindex = ifindex, .kind = cell->kind };

	for (unsigned i = 0; i < p->n_outlets; i++) {
		*ret_outlet = &p->outlets[i];
		if (p->outlets[i].kind == cell->kind && p->outlets[i].ifindex == ifindex)
			return 0;
	}
	new.fd = open_outlet(cell->kind, ifindex);
	if (new.fd < 0)
		return new.fd;
	if (p->xdp && cell->kind == FRAME_LINK && is_ethernet(new.fd, ifindex) &&
	    !xdp_sender_open(ifindex, &new.xdp))
		atomic_store(&p->used_xdp, true);
	if (p->n_outlets < SOCKETS) {
		*ret_outlet = &p->outlets[p->n_outlets++];
	} else {
		*ret_outlet = &p->outlets[p->oldest++ % SOCKETS];
		close_outlet(*ret_outlet);
	}
	**ret_outlet = new;
	return 0;
}

/* Where the kernel shall route it, which the packet says. */
static void name_target(struct frame_pump *p, unsigned i, const struct cell *cell)
{
	struct msghdr *h = &p->headers[i].msg_hdr;

	if (cell->kind == FRAME_LINK) {
		h->msg_namelen = 0;
	} else if (cell->kind == FRAME_IP4) {
		p->names[i].ip4 = (struct sockaddr_in){ .sin_family = AF_INET };
		memcpy(&p->names[i].ip4.sin_addr, cell->bytes + 16, 4);
		h->msg_namelen = sizeof(p->names[i].ip4);
	} else {
		p->names[i].ip6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
							 .sin6_scope_id = cell->ifindex };
		memcpy(&p->names[i].ip6.sin6_addr, cell->bytes + 24, 16);
		h->msg_namelen = sizeof(p->names[i].ip6);
	}
	h->msg_name = h->msg_namelen ? &p->names[i] : NULL;
}

/* Makes a batch of the cells from @first on that leave by the same socket. Return: how many. */
static unsigned gather(struct frame_pump *p, unsigned first, unsigned n)
{
	const struct cell *like = cell_at(p, first);
	unsigned i = 0;

	for (; i < MIN(n, (unsigned)PACKET_BATCH); i++) {
		struct cell *cell = cell_at(p, first + i);

		if (cell->kind != like->kind || cell->ifindex != like->ifindex)
			break;
		p->parts[i] = (struct iovec){ cell->bytes, cell->len };
		name_target(p, i, cell);
	}
	return i;
}

static void fail_cells(struct frame_pump *p, unsigned first, unsigned n, int err)
{
	for (unsigned i = 0; i < n; i++)
		cell_at(p, first + i)->err = err;
	atomic_fetch_add_explicit(&p->failures, n, memory_order_release);
}

static bool is_full_queue(int err)
{
	return err == -ENOBUFS || err == -EAGAIN || err == -ENOMEM;
}

/* Of what gather() made, from @done on. Return: how many left, or -errno if none did. */
static int send_some(struct frame_pump *p, const struct outlet *outlet, unsigned done, unsigned n)
{
	struct packet_out packets[PACKET_BATCH];
	int sent, err = 0;

	if (!outlet->xdp) {
		sent = sendmmsg(outlet->fd, p->headers + done, n - done, 0);
		return sent > 0 ? sent : -errno;
	}
	for (unsigned i = done; i < n; i++)
		packets[i - done] = (struct packet_out){ .data = p->parts[i].iov_base,
							 .len = p->parts[i].iov_len };
	sent = (int)xdp_sender_send(outlet->xdp, packets, n - done, &err);
	return sent ? sent : err;
}

/* Sends what gather() made. @first: number of its first cell. */
static void send_batch(struct frame_pump *p, const struct outlet *outlet, unsigned first,
		       unsigned n)
{
	unsigned done = 0, waits = 0;

	while (done < n) {
		int sent = send_some(p, outlet, done, n);

		if (sent > 0) {
			done += (unsigned)sent;
			waits = 0;
		} else if (!is_full_queue(sent)) {
			fail_cells(p, first + done++, 1, sent);
		} else if (waits++ < WAITS_MAX && !atomic_load(&p->quits)) {
			nanosleep(&moment, NULL);
		} else {
			fail_cells(p, first + done, n - done, -ENOBUFS);
			done = n;
		}
	}
}

static bool rings_are_empty(struct frame_pump *p)
{
	bool empty = true;

	for (unsigned i = 0; i < p->n_outlets; i++)
		empty &= !p->outlets[i].xdp || xdp_sender_flush(p->outlets[i].xdp);
	return empty;
}

static void sleep_until_work(struct frame_pump *p, unsigned sent)
{
	uint64_t count;

	if (!rings_are_empty(p)) {
		nanosleep(&moment, NULL);
		return;
	}
	atomic_store(&p->sleeps, true);
	if (atomic_load(&p->head) != sent || atomic_load(&p->quits) ||
	    read(p->work, &count, sizeof(count)) < 0)
		atomic_store(&p->sleeps, false);
}

static void tell_caller(struct frame_pump *p, unsigned sent, bool failed)
{
	/* What was reaped is not known here, but nearly all that was sent is. */
	bool room = atomic_load(&p->wants_room) &&
		    atomic_load(&p->head) - sent <= FRAME_PUMP_CELLS / 2 &&
		    atomic_exchange(&p->wants_room, false);

	if (failed || room)
		signal_event(p->news);
}

static void *run(void *arg)
{
	struct frame_pump *p = arg;
	unsigned sent = 0;

	while (!atomic_load(&p->quits)) {
		unsigned waiting = atomic_load_explicit(&p->head, memory_order_acquire) - sent, n;
		unsigned failures = atomic_load(&p->failures);
		struct outlet *outlet;
		int err;

		if (!waiting) {
			sleep_until_work(p, sent);
			continue;
		}
		n = gather(p, sent, waiting);
		err = outlet_of(p, cell_at(p, sent), &outlet);
		if (err)
			fail_cells(p, sent, n, err);
		else
			send_batch(p, outlet, sent, n);
		sent += n;
		atomic_store(&p->sent, sent);
		tell_caller(p, sent, failures != atomic_load(&p->failures));
	}
	return NULL;
}

/* The caller */

static int start(struct frame_pump *p)
{
	int err = thread_start(run, p, &p->thread);

	p->runs = !err;
	return err;
}

/* Whether it is permitted at all is better known now than packet by packet. */
static int try_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int frame_pump_new(bool xdp, struct frame_pump **ret_pump)
{
	struct frame_pump *p = aligned_alloc(64, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	memset(p, 0, sizeof(*p));
	p->xdp = xdp;
	for (size_t i = 0; i < PACKET_BATCH; i++) {
		p->headers[i].msg_hdr.msg_iov = &p->parts[i];
		p->headers[i].msg_hdr.msg_iovlen = 1;
	}
	p->work = eventfd(0, EFD_CLOEXEC);
	p->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = p->work < 0 || p->news < 0 ? -errno : try_socket();
	if (!err)
		err = start(p);
	if (err) {
		frame_pump_free(p);
		return err;
	}
	*ret_pump = p;
	return 0;
}

struct frame_pump *frame_pump_free(struct frame_pump *p)
{
	if (!p)
		return NULL;
	if (p->runs) {
		atomic_store(&p->quits, true);
		signal_event(p->work);
		pthread_join(p->thread, NULL);
	}
	for (unsigned i = 0; i < p->n_outlets; i++)
		close_outlet(&p->outlets[i]);
	if (p->work >= 0)
		close(p->work);
	if (p->news >= 0)
		close(p->news);
	free(p);
	return NULL;
}

int frame_pump_fd(const struct frame_pump *p)
{
	return p->news;
}

void frame_pump_heard(struct frame_pump *p)
{
	uint64_t count;

	if (read(p->news, &count, sizeof(count)) < 0)
		return; /* somebody was faster */
}

size_t frame_pump_room(struct frame_pump *p)
{
	/* In this order: failures of what is seen as sent are seen as well. */
	unsigned sent = atomic_load_explicit(&p->sent, memory_order_acquire);

	if (atomic_load_explicit(&p->failures, memory_order_acquire) == p->failures_seen)
		p->reaped = sent;
	return FRAME_PUMP_CELLS - (p->adding - p->reaped);
}

void frame_pump_await_room(struct frame_pump *p)
{
	atomic_store(&p->wants_room, true);
	if (frame_pump_room(p) >= FRAME_PUMP_CELLS / 2 && atomic_exchange(&p->wants_room, false))
		signal_event(p->news);
}

uint8_t *frame_pump_add(struct frame_pump *p, enum frame_kind kind, unsigned ifindex, size_t len,
			void *owner, uint64_t id)
{
	struct cell *cell = cell_at(p, p->adding++);

	cell->owner = owner;
	cell->id = id;
	cell->ifindex = ifindex;
	cell->err = 0;
	cell->len = (uint16_t)len;
	cell->kind = (uint8_t)kind;
	return cell->bytes;
}

void frame_pump_push(struct frame_pump *p)
{
	if (p->adding == atomic_load_explicit(&p->head, memory_order_relaxed))
		return;
	atomic_store(&p->head, p->adding);
	if (atomic_load(&p->sleeps) && atomic_exchange(&p->sleeps, false))
		signal_event(p->work);
}

bool frame_pump_failed(struct frame_pump *p, struct frame_failure *ret_failure)
{
	unsigned sent = atomic_load_explicit(&p->sent, memory_order_acquire);

	if (atomic_load_explicit(&p->failures, memory_order_acquire) == p->failures_seen)
		p->reaped = sent;
	while (p->reaped != sent) {
		const struct cell *cell = cell_at(p, p->reaped++);

		if (!cell->err)
			continue;
		p->failures_seen++;
		*ret_failure = (struct frame_failure){ cell->owner, cell->id, cell->err };
		return true;
	}
	return false;
}

void frame_pump_forget(struct frame_pump *p, const void *owner)
{
	for (unsigned at = p->reaped; at != p->adding; at++)
		if (cell_at(p, at)->owner == owner)
			cell_at(p, at)->owner = NULL;
}

bool frame_pump_used_xdp(const struct frame_pump *p)
{
	return atomic_load(&p->used_xdp);
}
