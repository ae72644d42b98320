#include "io/udp_socket.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"

#define BUFFER_BYTES   (16 << 20)
#define DATAGRAM_MAX   2048
#define COMPLAINTS_MAX 16 /* in a row */
#define CONTROL_MAX    256

/* Control messages beside a datagram, aligned as they must be. */
union control {
	char bytes[CONTROL_MAX];
	struct cmsghdr align;
};

struct udp_socket {
	int fd, family;
	uint32_t seen_drops;
	struct mmsghdr headers[PACKET_BATCH];
	struct iovec parts[PACKET_BATCH];
	struct sockaddr_storage names[PACKET_BATCH];
	union control controls[PACKET_BATCH];
	uint8_t datagrams[PACKET_BATCH][DATAGRAM_MAX];
};

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int configure(struct udp_socket *s, const char *iface)
{
	bool ip4 = s->family == AF_INET;
	int level = ip4 ? SOL_IP : SOL_IPV6, err;

	err = set_int(s->fd, level, ip4 ? IP_RECVERR : IPV6_RECVERR, 1);
	if (!err)
		err = set_int(s->fd, level, ip4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1);
	/* A trace must be told when a datagram is too large, instead of having it cut up. */
	if (!err)
		err = ip4 ? set_int(s->fd, level, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
			  : set_int(s->fd, level, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	if (!err && !ip4)
		err = set_int(s->fd, level, IPV6_V6ONLY, 1);
	if (!err)
		err = set_int(s->fd, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1);
	if (!err)
		err = set_int(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	if (!err && iface &&
	    setsockopt(s->fd, SOL_SOCKET, SO_BINDTODEVICE, iface, (socklen_t)strlen(iface)) < 0)
		err = -errno;
	packet_socket_buffers(s->fd, BUFFER_BYTES);
	return err;
}

/* Bound before anything is sent, so that all leaves from one port. */
static int bind_any(const struct udp_socket *s)
{
	struct sockaddr_storage name = { .ss_family = (sa_family_t)s->family };
	socklen_t len = s->family == AF_INET ? sizeof(struct sockaddr_in)
					     : sizeof(struct sockaddr_in6);

	return bind(s->fd, (struct sockaddr *)&name, len) < 0 ? -errno : 0;
}

int udp_socket_open(int family, const char *iface, struct udp_socket **ret_socket)
{
	struct udp_socket *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->family = family;
	s->fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	err = s->fd < 0 ? -errno : configure(s, iface);
	if (!err)
		err = bind_any(s);
	if (err) {
		udp_socket_free(s);
		return err;
	}
	for (size_t i = 0; i < PACKET_BATCH; i++) {
		s->parts[i] = (struct iovec){ s->datagrams[i], DATAGRAM_MAX };
		s->headers[i].msg_hdr.msg_iov = &s->parts[i];
		s->headers[i].msg_hdr.msg_iovlen = 1;
		s->headers[i].msg_hdr.msg_name = &s->names[i];
	}
	*ret_socket = s;
	return 0;
}

struct udp_socket *udp_socket_free(struct udp_socket *s)
{
	if (!s)
		return NULL;
	if (s->fd >= 0)
		close(s->fd);
	free(s);
	return NULL;
}

int udp_socket_fd(const struct udp_socket *s)
{
	return s->fd;
}

/* Sending */

size_t udp_socket_send(struct udp_socket *s, const struct udp_out *datagrams, size_t n,
		       int *ret_err)
{
	struct mmsghdr headers[PACKET_BATCH];
	struct iovec parts[PACKET_BATCH];
	struct sockaddr_storage names[PACKET_BATCH];
	struct packet_ttl ttls[PACKET_BATCH];
	unsigned complaints = 0;
	size_t sent = 0;

	for (size_t i = 0; i < n; i++) {
		struct msghdr *h = &headers[i].msg_hdr;

		parts[i] = (struct iovec){ (void *)datagrams[i].data, datagrams[i].len };
		*h = (struct msghdr){ .msg_name = &names[i],
				      .msg_namelen =
					      endpoint_to_sockaddr(&datagrams[i].to, &names[i]),
				      .msg_iov = &parts[i],
				      .msg_iovlen = 1 };
		packet_set_ttl(h, s->family, datagrams[i].ttl, &ttls[i]);
	}
	while (sent < n) {
		int done = sendmmsg(s->fd, headers + sent, (unsigned)(n - sent), 0);

		if (done > 0) {
			sent += (size_t)done;
			complaints = 0;
			continue;
		}
		*ret_err = -errno;
		/*
		 * What it says may be about an earlier datagram, which is in the queue of errors,
		 * too; and while it is said, the next such error comes in.
		 */
		if (++complaints == COMPLAINTS_MAX)
			break;
	}
	return sent;
}

/* Receiving */

static int read_batch(struct udp_socket *s, int flags)
{
	for (size_t i = 0; i < PACKET_BATCH; i++) {
		struct msghdr *h = &s->headers[i].msg_hdr;

		h->msg_namelen = sizeof(s->names[i]);
		h->msg_control = &s->controls[i];
		h->msg_controllen = sizeof(s->controls[i]);
	}
	return recvmmsg(s->fd, s->headers, PACKET_BATCH, MSG_DONTWAIT | flags, NULL);
}

/* What an answer and an error have in common. */
static bool describe(struct udp_socket *s, size_t i, uint64_t now_ns, int64_t wall_ns,
		     struct udp_in *ret)
{
	struct mmsghdr *h = &s->headers[i];

	*ret = (struct udp_in){
		.data = s->datagrams[i],
		.len = MIN((size_t)h->msg_len, (size_t)DATAGRAM_MAX),
		.wire_len = h->msg_len,
		.ttl = packet_received_ttl(&h->msg_hdr),
		.rx_ns = packet_rx_time(&h->msg_hdr, now_ns, wall_ns),
	};
	return endpoint_from_sockaddr((struct sockaddr *)&s->names[i], &ret->from) == 0;
}

/* An error of the network; those of this machine alone (a full queue) sendmmsg() has told. */
static bool describe_error(struct msghdr *msg, struct udp_in *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct sock_extended_err error;
		struct endpoint offender;

		if ((c->cmsg_level != SOL_IP || c->cmsg_type != IP_RECVERR) &&
		    (c->cmsg_level != SOL_IPV6 || c->cmsg_type != IPV6_RECVERR))
			continue;
		memcpy(&error, CMSG_DATA(c), sizeof(error));
		if ((error.ee_origin != SO_EE_ORIGIN_ICMP &&
		     error.ee_origin != SO_EE_ORIGIN_ICMP6) ||
		    endpoint_from_sockaddr(SO_EE_OFFENDER((struct sock_extended_err *)CMSG_DATA(c)),
					   &offender) < 0)
			return false;
		ret->reporter = offender.addr;
		ret->icmp_type = error.ee_type;
		ret->icmp_code = error.ee_code;
		ret->mtu = error.ee_errno == EMSGSIZE ? error.ee_info : 0;
		return true;
	}
	return false;
}

size_t udp_socket_receive(struct udp_socket *s, struct udp_in *ret_datagrams)
{
	uint64_t now_ns = clock_monotonic_ns();
	int64_t wall_ns = clock_wall_ns();
	size_t count = 0;
	int n = read_batch(s, MSG_ERRQUEUE);

	for (int i = 0; i < n; i++)
		count += describe(s, (size_t)i, now_ns, wall_ns, &ret_datagrams[count]) &&
			 describe_error(&s->headers[i].msg_hdr, &ret_datagrams[count]);
	if (count)
		return count;
	n = read_batch(s, MSG_TRUNC);
	for (int i = 0; i < n; i++)
		count += describe(s, (size_t)i, now_ns, wall_ns, &ret_datagrams[count]);
	return count;
}

uint64_t udp_socket_drops(struct udp_socket *s)
{
	return packet_socket_drops(s->fd, &s->seen_drops);
}
