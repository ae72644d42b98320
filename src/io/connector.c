#include "io/connector.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* One connection; a list in order of age, and one of those that are free. */
struct attempt {
	struct attempt *next, *previous;
	int fd, error; /* what connect() said at once, or 0 */
	void *owner;
	uint32_t id;
	uint64_t token, deadline_ns;
};

struct connector {
	int epoll;
	const char *iface;
	struct attempt *attempts, *oldest, *newest, *free;
};

int connector_new(unsigned max, const char *iface, struct connector **ret_connector)
{
	struct connector *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->iface = iface;
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

static void end(struct connector *c, struct attempt *a)
{
	close(a->fd);
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

/* A socket that leaves no TIME_WAIT behind and whose connection is under way. */
static int begin(struct connector *c, const struct endpoint *to, struct attempt *a)
{
	struct linger reset = { .l_onoff = 1 };
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = a };
	struct sockaddr_storage name;
	socklen_t len = endpoint_to_sockaddr(to, &name);
	int fd = socket(to->addr.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int err;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0 ||
	    (c->iface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, c->iface,
				    (socklen_t)strlen(c->iface)) < 0) ||
	    ((a->error = connect(fd, (struct sockaddr *)&name, len) < 0 ? errno : 0) &&
	     a->error != EINPROGRESS && a->error != ECONNREFUSED) ||
	    epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	a->fd = fd;
	return 0;
}

int connector_start(struct connector *c, const struct endpoint *to, void *owner, uint32_t id,
		    uint64_t token, uint64_t deadline_ns)
{
	struct attempt *a = c->free;
	int err = a ? begin(c, to, a) : -EAGAIN;

	if (err == -EMFILE || err == -ENFILE || err == -EADDRNOTAVAIL || err == -ENOBUFS)
		return -EAGAIN;
	if (err)
		return err;
	c->free = a->next;
	a->owner = owner;
	a->id = id;
	a->token = token;
	a->deadline_ns = deadline_ns;
	a->next = NULL;
	a->previous = c->newest;
	if (c->newest)
		c->newest->next = a;
	else
		c->oldest = a;
	c->newest = a;
	return 0;
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
	if (a->error == ECONNREFUSED || getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = ECONNREFUSED;
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
