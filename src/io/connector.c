/*
 * A socket that was refused is as good as new, so a scan of closed ports needs two system calls for
 * each: connect() to begin, and connect() once more, which tells how it ended. Sockets stay with
 * the epoll, edge-triggered, from their first connection to the one that is accepted; an event may
 * so be of the connection before, and only connect() knows.
 *
 * Nearly all of the time goes into the kernel's part of connect(), so that two threads get through
 * twice as many. Requests and results lie in two rings under one lock, which a thread holds only to
 * exchange a few of them. It takes no more requests than it has sockets free.
 */
#include "io/connector.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/random.h"
#include "io/clock.h"
#include "io/thread.h"

#define THREADS	    2
#define A_THREAD_OF 64 /* sockets that are worth one more */
#define BATCH	    16 /* begun before a thread looks for what has ended */
#define EVENTS	    128
#define LOWEST_PORT 32768

struct request {
	struct connector_result result;
	struct endpoint to;
	uint64_t deadline_ns;
};

/* A socket, or the place for one. Those under way are in a list in order of age. */
struct attempt {
	struct attempt *next, *previous;
	int fd; /* -1: none yet */
	bool under_way;
	struct request request;
};

/* Attempts that are not under way, by their sockets. */
enum idle { IDLE_IP4, IDLE_IP6, IDLE_BARE, N_IDLE };

/* A thread and what is its own. */
struct worker {
	struct connector *connector;
	pthread_t thread;
	bool runs;
	int epoll, work; /* eventfd to the thread */
	struct attempt *attempts, *oldest, *newest, *idle[N_IDLE];
	unsigned max, n_idle, n_ports;
	struct connector_result ended[BATCH + EVENTS];
	unsigned n_ended;

	/* Under the lock. */
	unsigned n_under_way;
	bool sleeps;
	const void *forget; /* owner whose attempts the thread shall give up */
};

struct connector {
	const char *iface;
	int news; /* eventfd to the caller */
	struct worker workers[THREADS];
	unsigned n_workers;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t forgotten;
	struct request requests[CONNECTOR_QUEUE];
	struct connector_result *results;
	unsigned first_request, n_requests, first_result, n_results, cap_results;
	bool wants_room, told, quits;
};

static void signal_event(int fd)
{
	uint64_t one = 1;

	/* It cannot be full: a reader sets it to zero. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

/* The thread: sockets */

/* With a reset, which leaves no TIME_WAIT behind. */
static void close_now(struct attempt *a)
{
	struct linger reset = { .l_onoff = 1 };

	if (a->fd < 0)
		return;
	(void)setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(a->fd);
	a->fd = -1;
}

static enum idle idle_of(const struct attempt *a)
{
	if (a->fd < 0)
		return IDLE_BARE;
	return a->request.to.addr.family == AF_INET ? IDLE_IP4 : IDLE_IP6;
}

static void put_idle(struct worker *w, struct attempt *a)
{
	enum idle kind = idle_of(a);

	a->under_way = false;
	a->next = w->idle[kind];
	w->idle[kind] = a;
	w->n_idle++;
}

/* One whose socket is of that family, or none. There must be some idle. */
static struct attempt *take_idle(struct worker *w, int family)
{
	enum idle kind = family == AF_INET ? IDLE_IP4 : IDLE_IP6;
	enum idle other = kind == IDLE_IP4 ? IDLE_IP6 : IDLE_IP4;
	struct attempt *a;

	if (!w->idle[kind])
		kind = w->idle[IDLE_BARE] ? IDLE_BARE : other;
	a = w->idle[kind];
	w->idle[kind] = a->next;
	w->n_idle--;
	if (kind == other)
		close_now(a);
	return a;
}

static void keep(struct worker *w, struct attempt *a)
{
	a->under_way = true;
	a->next = NULL;
	a->previous = w->newest;
	if (w->newest)
		w->newest->next = a;
	else
		w->oldest = a;
	w->newest = a;
}

/* No longer under way. */
static void let_go(struct worker *w, struct attempt *a)
{
	if (a->previous)
		a->previous->next = a->next;
	else
		w->oldest = a->next;
	if (a->next)
		a->next->previous = a->previous;
	else
		w->newest = a->previous;
	put_idle(w, a);
}

/*
 * A port that the socket keeps, so that the kernel need not look for one at each connection; it
 * does when this one is taken.
 */
static void bind_port(struct worker *w, int fd, int family)
{
	struct endpoint own = { { .family = (uint16_t)family }, 0 };
	struct sockaddr_storage name;
	socklen_t len;

	own.port = (uint16_t)(LOWEST_PORT + w->n_ports++ % (65536 - LOWEST_PORT));
	len = endpoint_to_sockaddr(&own, &name);
	(void)!bind(fd, (struct sockaddr *)&name, len);
}

/* Return: 0 or -errno. */
static int open_socket(struct worker *w, struct attempt *a, int family)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET, .data.ptr = a };
	const char *iface = w->connector->iface;

	a->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (a->fd < 0)
		return -errno;
	bind_port(w, a->fd, family);
	if ((iface &&
	     setsockopt(a->fd, SOL_SOCKET, SO_BINDTODEVICE, iface, (socklen_t)strlen(iface)) < 0) ||
	    epoll_ctl(w->epoll, EPOLL_CTL_ADD, a->fd, &event) < 0) {
		int err = -errno;

		close(a->fd);
		a->fd = -1;
		return err;
	}
	return 0;
}

/* The thread: connections */

static void tell(struct worker *w, const struct request *r, int error)
{
	struct connector_result *result = &w->ended[w->n_ended++];

	*result = r->result;
	result->error = error;
}

/* What passes when others let go of theirs. */
static int soften(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -EADDRNOTAVAIL || err == -ENOBUFS ||
			       err == -ENOMEM || err == -ENOSPC
		       ? -EAGAIN
		       : err;
}

static int call_connect(const struct attempt *a)
{
	struct sockaddr_storage name;
	socklen_t len = endpoint_to_sockaddr(&a->request.to, &name);

	return connect(a->fd, (struct sockaddr *)&name, len) < 0 ? errno : 0;
}

/* TCP may connect a socket to itself when its own port is the one asked (RFC 9293 section 3.5). */
static bool met_itself(const struct attempt *a)
{
	struct sockaddr_storage name = { 0 };
	socklen_t len = sizeof(name);
	struct endpoint own;

	return !getsockname(a->fd, (struct sockaddr *)&name, &len) &&
	       !endpoint_from_sockaddr((struct sockaddr *)&name, &own) &&
	       own.port == a->request.to.port && addr_eq(&own.addr, &a->request.to.addr);
}

/* How the connection ended: 0 or errno. Only a socket that was refused serves again. */
static int outcome_of(struct attempt *a, int error)
{
	if (error == EISCONN)
		error = 0;
	if (error != ECONNREFUSED) {
		bool itself = !error && met_itself(a);

		close_now(a);
		return itself ? ECONNREFUSED : error;
	}
	return error;
}

static void begin(struct worker *w, const struct request *r)
{
	struct attempt *a = take_idle(w, r->to.addr.family);
	int err = a->fd < 0 ? open_socket(w, a, r->to.addr.family) : 0;
	int error = 0;

	a->request = *r;
	if (!err)
		error = call_connect(a);
	if (!err && error == EINPROGRESS) {
		keep(w, a);
		return;
	}
	/* Whatever else is said at once was said by this machine. */
	if (!err)
		error = outcome_of(a, error);
	if (!err && error && error != ECONNREFUSED)
		err = -error;
	tell(w, r, err ? soften(err) : error);
	put_idle(w, a);
}

/* Takes what has ended. @wait_ms: for so long nothing may come. */
static void collect(struct worker *w, int wait_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(w->epoll, events, EVENTS, wait_ms);

	for (int i = 0; i < n; i++) {
		struct attempt *a = events[i].data.ptr;
		uint64_t count;
		int error;

		if (!a) {
			if (read(w->work, &count, sizeof(count)) < 0)
				continue;
		} else if (a->under_way) {
			error = call_connect(a);
			if (error == EALREADY || error == EINPROGRESS)
				continue;
			tell(w, &a->request, outcome_of(a, error));
			let_go(w, a);
		}
	}
}

static void give_up(struct worker *w, struct attempt *a)
{
	close_now(a);
	let_go(w, a);
}

static void expire(struct worker *w)
{
	uint64_t now_ns = clock_monotonic_ns();

	while (w->oldest && w->oldest->request.deadline_ns <= now_ns)
		give_up(w, w->oldest);
}

/* Milliseconds until the next is due; -1: none is under way. */
static int time_left(const struct worker *w)
{
	uint64_t now_ns = clock_monotonic_ns(), due_ns;

	if (!w->oldest)
		return -1;
	due_ns = MAX(w->oldest->request.deadline_ns, now_ns);
	return (int)MIN((due_ns - now_ns) / NS_PER_MS + 1, NS_PER_S);
}

/* The thread: the rings, under the lock */

static void forget(struct worker *w)
{
	for (struct attempt *a = w->oldest, *next; a; a = next) {
		next = a->next;
		if (a->request.result.owner == w->forget)
			give_up(w, a);
	}
	w->forget = NULL;
	pthread_cond_signal(&w->connector->forgotten);
}

static void put_results(struct worker *w)
{
	struct connector *c = w->connector;

	for (unsigned i = 0; i < w->n_ended; i++)
		c->results[(c->first_result + c->n_results++) % c->cap_results] = w->ended[i];
	w->n_ended = 0;
	w->n_under_way = w->max - w->n_idle;
}

static unsigned take_requests(struct worker *w, struct request *ret_requests)
{
	struct connector *c = w->connector;
	unsigned n = 0;

	while (c->n_requests && n < MIN((unsigned)BATCH, w->n_idle)) {
		const struct request *r = &c->requests[c->first_request];

		if (r->result.owner)
			ret_requests[n++] = *r;
		c->first_request = (c->first_request + 1) % CONNECTOR_QUEUE;
		c->n_requests--;
	}
	w->n_under_way += n;
	return n;
}

/* Whether the caller is to be told of something that it was not told of yet. */
static bool has_news(struct connector *c)
{
	bool room = c->wants_room && c->n_requests <= CONNECTOR_QUEUE / 2;

	if (c->told || (!room && !c->n_results))
		return false;
	c->wants_room &= !room;
	c->told = true;
	return true;
}

static void *run(void *arg)
{
	struct worker *w = arg;
	struct connector *c = w->connector;
	struct request requests[BATCH];

	for (;;) {
		bool news;
		unsigned n;

		expire(w);
		pthread_mutex_lock(&c->lock);
		put_results(w);
		if (w->forget)
			forget(w);
		if (c->quits)
			break;
		n = take_requests(w, requests);
		w->sleeps = !n;
		news = has_news(c);
		pthread_mutex_unlock(&c->lock);
		if (news)
			signal_event(c->news);
		for (unsigned i = 0; i < n; i++)
			begin(w, &requests[i]);
		collect(w, n ? 0 : time_left(w));
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* The caller */

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

static int start(struct worker *w)
{
	int err = thread_start(run, w, &w->thread);

	w->runs = !err;
	return err;
}

static int make_worker(struct connector *c, struct worker *w, unsigned max)
{
	struct epoll_event event = { .events = EPOLLIN };

	w->connector = c;
	random_secret(&w->n_ports, sizeof(w->n_ports));
	w->attempts = calloc(max, sizeof(*w->attempts));
	if (!w->attempts)
		return -ENOMEM;
	for (; w->max < max; w->max++) {
		w->attempts[w->max].fd = -1;
		put_idle(w, &w->attempts[w->max]);
	}
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->work = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epoll < 0 || w->work < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->work, &event) < 0)
		return -errno;
	return start(w);
}

static int make(struct connector *c, unsigned max)
{
	unsigned n = MIN(max / A_THREAD_OF + 1, (unsigned)THREADS);
	int err = 0;

	c->cap_results = 2 * max + CONNECTOR_QUEUE;
	c->results = calloc(c->cap_results, sizeof(*c->results));
	if (!c->results)
		return -ENOMEM;
	c->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->news < 0)
		return -errno;
	for (unsigned i = 0; i < n && !err; i++) {
		err = make_worker(c, &c->workers[i], (max + i) / n);
		/* One is enough. */
		if (err && i)
			return 0;
		c->n_workers += !err;
	}
	return err;
}

int connector_new(unsigned max, const char *iface, struct connector **ret_connector)
{
	struct connector *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->iface = iface;
	c->news = -1;
	for (unsigned i = 0; i < THREADS; i++)
		c->workers[i].epoll = c->workers[i].work = -1;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->forgotten, NULL);
	err = make(c, max);
	if (err) {
		connector_free(c);
		return err;
	}
	*ret_connector = c;
	return 0;
}

/* The lock is held. */
static void wake(struct worker *w)
{
	if (w->sleeps)
		signal_event(w->work);
	w->sleeps = false;
}

static void free_worker(struct worker *w)
{
	if (w->runs)
		pthread_join(w->thread, NULL);
	for (unsigned i = 0; i < w->max; i++)
		close_now(&w->attempts[i]);
	close_if_open(w->epoll);
	close_if_open(w->work);
	free(w->attempts);
}

struct connector *connector_free(struct connector *c)
{
	if (!c)
		return NULL;
	pthread_mutex_lock(&c->lock);
	c->quits = true;
	for (unsigned i = 0; i < c->n_workers; i++)
		wake(&c->workers[i]);
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < THREADS; i++)
		free_worker(&c->workers[i]);
	close_if_open(c->news);
	pthread_cond_destroy(&c->forgotten);
	pthread_mutex_destroy(&c->lock);
	free(c->results);
	free(c);
	return NULL;
}

int connector_fd(const struct connector *c)
{
	return c->news;
}

/* As many as there is room for in the queue, and later for their results. */
static unsigned room(const struct connector *c)
{
	unsigned later = c->cap_results - c->n_results - c->n_requests;

	for (unsigned i = 0; i < c->n_workers; i++)
		later -= c->workers[i].n_under_way;
	return MIN(CONNECTOR_QUEUE - c->n_requests, later);
}

size_t connector_room(struct connector *c)
{
	unsigned n;

	pthread_mutex_lock(&c->lock);
	n = room(c);
	pthread_mutex_unlock(&c->lock);
	return n;
}

void connector_await_room(struct connector *c)
{
	pthread_mutex_lock(&c->lock);
	c->wants_room = true;
	if (has_news(c))
		signal_event(c->news);
	pthread_mutex_unlock(&c->lock);
}

/* Would take it when it were woken. */
static bool could_take(const struct worker *w)
{
	return w->sleeps && w->n_under_way < w->max;
}

void connector_start(struct connector *c, const struct endpoint *to, void *owner, uint32_t id,
		     uint64_t token, uint64_t deadline_ns)
{
	struct request *r;
	unsigned i = 0;

	pthread_mutex_lock(&c->lock);
	r = &c->requests[(c->first_request + c->n_requests++) % CONNECTOR_QUEUE];
	*r = (struct request){ { owner, id, token, 0 }, *to, deadline_ns };
	while (i + 1 < c->n_workers && !could_take(&c->workers[i]))
		i++;
	wake(&c->workers[i]);
	pthread_mutex_unlock(&c->lock);
}

bool connector_next(struct connector *c, struct connector_result *ret_result)
{
	uint64_t count;
	bool any = false;

	pthread_mutex_lock(&c->lock);
	while (c->n_results && !any) {
		const struct connector_result *result = &c->results[c->first_result];

		any = result->owner;
		if (any)
			*ret_result = *result;
		c->first_result = (c->first_result + 1) % c->cap_results;
		c->n_results--;
	}
	/* What comes from now on is told anew. */
	if (!any && c->told && read(c->news, &count, sizeof(count)) > 0)
		c->told = false;
	pthread_mutex_unlock(&c->lock);
	return any;
}

void connector_forget(struct connector *c, const void *owner)
{
	pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; i < c->n_requests; i++) {
		struct request *r = &c->requests[(c->first_request + i) % CONNECTOR_QUEUE];

		if (r->result.owner == owner)
			r->result.owner = NULL;
	}
	for (unsigned i = 0; i < c->n_workers; i++) {
		c->workers[i].forget = owner;
		wake(&c->workers[i]);
	}
	for (unsigned i = 0; i < c->n_workers; i++)
		while (c->workers[i].forget)
			pthread_cond_wait(&c->forgotten, &c->lock);
	for (unsigned i = 0; i < c->n_results; i++) {
		struct connector_result *result =
			&c->results[(c->first_result + i) % c->cap_results];

		if (result->owner == owner)
			result->owner = NULL;
	}
	pthread_mutex_unlock(&c->lock);
}
