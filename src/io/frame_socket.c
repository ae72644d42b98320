#include "io/frame_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS	  1
#define WAITS_MAX 1000

struct frame_socket {
	int fd;
	unsigned ifindex;
};

int frame_socket_open(unsigned ifindex, struct frame_socket **ret_socket)
{
	struct frame_socket *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	/* Of protocol 0: no packet is delivered to it. */
	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	s->ifindex = ifindex;
	if (s->fd < 0) {
		int err = -errno;

		frame_socket_free(s);
		return err;
	}
	*ret_socket = s;
	return 0;
}

struct frame_socket *frame_socket_free(struct frame_socket *s)
{
	if (!s)
		return NULL;
	if (s->fd >= 0)
		close(s->fd);
	free(s);
	return NULL;
}

int frame_socket_send(struct frame_socket *s, const void *frame, size_t len, uint16_t ethertype)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ethertype),
				  .sll_ifindex = (int)s->ifindex };

	for (unsigned i = 0; i < WAITS_MAX; i++) {
		struct pollfd wait = { .fd = s->fd, .events = POLLOUT };

		if (sendto(s->fd, frame, len, 0, (struct sockaddr *)&to, sizeof(to)) >= 0)
			return 0;
		if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			return -errno;
		/* A device's full queue does not make the socket unwritable: a moment passes. */
		poll(errno == ENOBUFS ? NULL : &wait, errno == ENOBUFS ? 0 : 1, WAIT_MS);
	}
	return -ENOBUFS;
}
