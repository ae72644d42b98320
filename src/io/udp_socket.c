#include "io/udp_socket.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/packet_batch.h"

#define BUFFER_BYTES (16 << 20)
#define DATAGRAM_MAX 2048

struct udp_socket {
	int fd, family;
	uint32_t seen_drops;
	struct packet_batch in, out;
	uint8_t datagrams[PACKET_BATCH][DATAGRAM_MAX];
};

static int configure(struct udp_socket *s, const char *iface)
{
	bool ip4 = s->family == AF_INET;
	int level = ip4 ? SOL_IP : SOL_IPV6, err;

	err = packet_socket_set(s->fd, level, ip4 ? IP_RECVERR : IPV6_RECVERR, 1);
	if (!err)
		err = packet_socket_set(s->fd, level, ip4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1);
	/* A trace must be told when a datagram is too large, instead of having it cut up. */
	if (!err)
		err = ip4 ? packet_socket_set(s->fd, level, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
			  : packet_socket_set(s->fd, level, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	if (!err && !ip4)
		err = packet_socket_set(s->fd, level, IPV6_V6ONLY, 1);
	if (!err)
		err = packet_socket_set(s->fd, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1);
	if (!err)
		err = packet_socket_set(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
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
	for (size_t i = 0; i < n; i++) {
		socklen_t len = endpoint_to_sockaddr(&datagrams[i].to, &s->out.names[i].storage);

		packet_batch_put(&s->out, i, datagrams[i].data, datagrams[i].len, len);
		packet_batch_set_ttl(&s->out, i, s->family, datagrams[i].ttl);
	}
	return packet_batch_send(&s->out, s->fd, n, true, ret_err);
}

/* Receiving */

static int read_batch(struct udp_socket *s, int flags)
{
	return packet_batch_receive(&s->in, s->fd, flags, s->datagrams[0], DATAGRAM_MAX, 0);
}

/* What an answer and an error have in common. */
static bool describe(struct udp_socket *s, size_t i, uint64_t now_ns, int64_t wall_ns,
		     struct udp_in *ret)
{
	const struct mmsghdr *h = &s->in.headers[i];

	*ret = (struct udp_in){
		.data = s->datagrams[i],
		.len = MIN((size_t)h->msg_len, (size_t)DATAGRAM_MAX),
		.wire_len = h->msg_len,
		.ttl = packet_received_ttl(&h->msg_hdr),
		.rx_ns = packet_rx_time(&h->msg_hdr, now_ns, wall_ns),
	};
	return endpoint_from_sockaddr(&s->in.names[i].any, &ret->from) == 0;
}

static bool describe_error(struct udp_socket *s, size_t i, struct udp_in *ret)
{
	struct sock_extended_err error;

	if (!packet_batch_error(&s->in, i, &error, &ret->reporter))
		return false;
	ret->icmp_type = error.ee_type;
	ret->icmp_code = error.ee_code;
	ret->mtu = error.ee_errno == EMSGSIZE ? error.ee_info : 0;
	return true;
}

size_t udp_socket_receive(struct udp_socket *s, struct udp_in *ret_datagrams)
{
	uint64_t now_ns = clock_monotonic_ns();
	int64_t wall_ns = clock_wall_ns();
	size_t count = 0;
	int n = read_batch(s, MSG_ERRQUEUE);

	for (int i = 0; i < n; i++)
		count += describe(s, (size_t)i, now_ns, wall_ns, &ret_datagrams[count]) &&
			 describe_error(s, (size_t)i, &ret_datagrams[count]);
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
