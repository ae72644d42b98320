#include "io/port_reserve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"

#define LOWEST 32768
#define TRIES  64

/* For both families where the machine has both. Return: descriptor or -errno. */
static int take(uint16_t port)
{
	struct sockaddr_in6 both = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in ip4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int no = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd >= 0) {
		err = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) < 0 ||
		      bind(fd, (struct sockaddr *)&both, sizeof(both)) < 0;
	} else {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		err = fd < 0 || bind(fd, (struct sockaddr *)&ip4, sizeof(ip4)) < 0;
	}
	if (!err)
		return fd;
	err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static int take_run(uint16_t first, uint16_t n, struct port_reserve *r)
{
	*r = (struct port_reserve){ .first = first };
	while (r->n < n) {
		int fd = take((uint16_t)(first + r->n));

		if (fd < 0) {
			port_reserve_done(r);
			return fd;
		}
		r->fds[r->n++] = fd;
	}
	return 0;
}

int port_reserve_take(uint16_t n, struct port_reserve *ret_reserve)
{
	struct port_reserve r;
	int err = -EADDRINUSE;

	for (unsigned i = 0; i < TRIES && err == -EADDRINUSE; i++) {
		uint16_t at;

		random_secret(&at, sizeof(at));
		err = take_run((uint16_t)(LOWEST + at % (65536 - LOWEST - n)), n, &r);
	}
	if (!err)
		*ret_reserve = r;
	return err;
}

void port_reserve_done(struct port_reserve *r)
{
	for (unsigned i = 0; i < r->n; i++)
		close(r->fds[i]);
	r->n = 0;
}
