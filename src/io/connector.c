/*
 * A connection to a port near by is refused before connect() has returned, though it says
 * EINPROGRESS; asked a second time, it tells. Its socket is then as good as new: most of a scan of
 * closed ports so needs two system calls for each.
 */
#include "io/connector.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* One connection; a list in order of age, and one of those that are free. */
struct attempt {
	struct attempt *next, *previous;
	int fd;
	void *owner;
	uint32_t id;
	uint64_t token, deadline_ns;
};

struct connector {
	int epoll;
	const char *iface;
	struct attempt *attempts, *oldest, *newest, *free;
	int spare4, spare6; /* sockets for the next attempt, or -1 */
};

int connector_new(unsigned max, const char *iface, struct connector **ret_connector)
{
	struct connector *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->iface = iface;
	c->spare4 = c->spare6 = -1;
	c->attempts = calloc(max, sizeof(*c->attempts));
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!c->attempts || c->epoll < 0) {
		int err = c->attempts ? -errno : -ENOMEM;

		connector_free(c);
		return err;
	}
	for (unsigned i = 0; i < max; i++) {
		c->attempts[i].next = c->free;
		c->free = &c->attempts[i];
	}
	*ret_connector = c;
	return 0;
}

/* With a reset, which leaves no TIME_WAIT behind. */
static void close_now(int fd)
{
	struct linger reset = { .l_onoff = 1 };

	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

static void end(struct connector *c, struct attempt *a)
{
	close_now(a->fd);
	if (a->previous)
		a->previous->next = a->next;
	else
		c->oldest = a->next;
	if (a->next)
		a->next->previous = a->previous;
	else
		c->newest = a->previous;
	a->next = c->free;
	c->free = a;
}

struct connector *connector_free(struct connector *c)
{
	if (!c)
		return NULL;
	while (c->oldest)
		end(c, c->oldest);
	close_now(c->spare4);
	close_now(c->spare6);
	if (c->epoll >= 0)
		close(c->epoll);
	free(c->attempts);
	free(c);
	return NULL;
}

int connector_fd(const struct connector *c)
{
	return c->epoll;
}

/* The socket for the next attempt. Return: 0 or -errno. */
static int prepare(const struct connector *c, int family, int *spare)
{
	int fd, err;

	if (*spare >= 0)
		return 0;
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0)
		return -errno;
	if (c->iface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, c->iface,
				   (socklen_t)strlen(c->iface)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	*spare = fd;
	return 0;
}

/* Return: 1 when it ended at once, with @ret_error 0 or errno; 0: under way; -errno: not begun. */
static int try_connect(int fd, const struct endpoint *to, int *ret_error)
{
	struct sockaddr_storage name;
	socklen_t len = endpoint_to_sockaddr(to, &name);
	int error = connect(fd, (struct sockaddr *)&name, len) < 0 ? errno : 0;

	if (error == EINPROGRESS)
		error = connect(fd, (struct sockaddr *)&name, len) < 0 ? errno : 0;
	else if (error && error != ECONNREFUSED)
		return -error;
	if (error == EALREADY || error == EINPROGRESS)
		return 0;
	*ret_error = error;
	return 1;
}

/* To be waited for. */
static void keep(struct connector *c, int fd, const struct connector_result *what,
		 uint64_t deadline_ns)
{
	struct attempt *a = c->free;

	c->free = a->next;
	*a = (struct attempt){ .fd = fd,
			       .owner = what->owner,
			       .id = what->id,
			       .token = what->token,
			       .deadline_ns = deadline_ns,
			       .previous = c->newest };
	if (c->newest)
		c->newest->next = a;
	else
		c->oldest = a;
	c->newest = a;
}

/* What passes when others let go of theirs. */
static int soften(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -EADDRNOTAVAIL || err == -ENOBUFS
		       ? -EAGAIN
		       : err;
}

int connector_start(struct connector *c, const struct endpoint *to, void *owner, uint32_t id,
		    uint64_t token, uint64_t deadline_ns, struct connector_result *ret_result)
{
	int *spare = to->addr.family == AF_INET ? &c->spare4 : &c->spare6, ended;
	struct connector_result result = { .owner = owner, .id = id, .token = token };
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = c->free };

	ended = c->free ? prepare(c, to->addr.family, spare) : -EAGAIN;
	if (!ended)
		ended = try_connect(*spare, to, &result.error);
	if (ended < 0)
		return soften(ended);
	if (ended && result.error == ECONNREFUSED) {
		*ret_result = result;
		return 1;
	}
	/* Only one that was refused serves again. */
	if (ended) {
		close_now(*spare);
		*ret_result = result;
	} else if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, *spare, &event) < 0) {
		close_now(*spare);
		ended = -EAGAIN;
	} else {
		keep(c, *spare, &result, deadline_ns);
	}
	*spare = -1;
	return ended;
}

int connector_next(struct connector *c, struct connector_result *ret_result)
{
	struct epoll_event event;
	struct attempt *a;
	int error = 0;
	socklen_t len = sizeof(error);

	if (epoll_wait(c->epoll, &event, 1, 0) != 1)
		return 0;
	a = event.data.ptr;
	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	*ret_result = (struct connector_result){
		.owner = a->owner,
		.id = a->id,
		.token = a->token,
		.error = error,
	};
	end(c, a);
	return 1;
}

void connector_forget(struct connector *c, const void *owner)
{
	for (struct attempt *a = c->oldest, *next; a; a = next) {
		next = a->next;
		if (a->owner == owner)
			end(c, a);
	}
}

void connector_expire(struct connector *c, uint64_t now_ns)
{
	while (c->oldest && c->oldest->deadline_ns <= now_ns)
		end(c, c->oldest);
}
