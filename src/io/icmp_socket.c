/*
 * A raw socket for IPv4 gives packets with their IP header, one for IPv6 without; datagram sockets
 * give messages, and errors through a queue of their own (ip(7), IP_RECVERR). Errors from that
 * queue are made into the ICMP messages that they once were, so that one parser reads them all.
 */
#include "io/icmp_socket.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "io/clock.h"
#include "io/packet_batch.h"

#define BUFFER_BYTES (16 << 20)
#define MESSAGE_MAX  2048
#define ERROR_PREFIX 8 /* header of an ICMP error */
#define IP4_HEADER   20
#define IP6_HEADER   40

struct icmp_socket {
	int fd, family;
	bool raw;
	uint32_t seen_drops;
	uint8_t (*messages)[MESSAGE_MAX];
	struct packet_batch in, out;
};

/* Only replies and errors come up. */
static int filter(const struct icmp_socket *s)
{
	struct icmp6_filter filter6;
	struct icmp_filter filter4 = {
		.data = ~(1u << ICMP_ECHOREPLY | 1u << ICMP_DEST_UNREACH |
			  1u << ICMP_TIME_EXCEEDED | 1u << ICMP_PARAMETERPROB),
	};

	if (!s->raw)
		return 0;
	if (s->family == AF_INET)
		return setsockopt(s->fd, SOL_RAW, ICMP_FILTER, &filter4, sizeof(filter4)) < 0
			       ? -errno
			       : 0;
	ICMP6_FILTER_SETBLOCKALL(&filter6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter6);
	ICMP6_FILTER_SETPASS(ICMP6_DST_UNREACH, &filter6);
	ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &filter6);
	ICMP6_FILTER_SETPASS(ICMP6_TIME_EXCEEDED, &filter6);
	ICMP6_FILTER_SETPASS(ICMP6_PARAM_PROB, &filter6);
	return setsockopt(s->fd, SOL_ICMPV6, ICMP6_FILTER, &filter6, sizeof(filter6)) < 0 ? -errno
											  : 0;
}

/* What the kernel has learnt of a path's MTU is not used: it is to be found. */
static int forbid_fragments(const struct icmp_socket *s)
{
	int err;

	if (s->family == AF_INET)
		return packet_socket_set(s->fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	err = packet_socket_set(s->fd, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	return err ? err : packet_socket_set(s->fd, SOL_IPV6, IPV6_DONTFRAG, 1);
}

static int configure(struct icmp_socket *s, const struct icmp_socket_config *config)
{
	bool ip4 = s->family == AF_INET;
	int err = filter(s);

	if (!err && config->ttl)
		err = ip4 ? packet_socket_set(s->fd, SOL_IP, IP_TTL, config->ttl)
			  : packet_socket_set(s->fd, SOL_IPV6, IPV6_UNICAST_HOPS, config->ttl);
	if (!err)
		err = ip4 ? packet_socket_set(s->fd, SOL_IP, IP_RECVTTL, 1)
			  : packet_socket_set(s->fd, SOL_IPV6, IPV6_RECVHOPLIMIT, 1);
	if (!err && config->whole)
		err = forbid_fragments(s);
	if (!err && !s->raw)
		err = ip4 ? packet_socket_set(s->fd, SOL_IP, IP_RECVERR, 1)
			  : packet_socket_set(s->fd, SOL_IPV6, IPV6_RECVERR, 1);
	if (!err && !s->raw)
		err = packet_socket_set(s->fd, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1);
	if (!err)
		err = packet_socket_set(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	if (!err && config->iface &&
	    setsockopt(s->fd, SOL_SOCKET, SO_BINDTODEVICE, config->iface,
		       (socklen_t)strlen(config->iface)) < 0)
		err = -errno;
	packet_socket_buffers(s->fd, BUFFER_BYTES);
	return err;
}

int icmp_socket_open(const struct icmp_socket_config *config, struct icmp_socket **ret_socket)
{
	int protocol = config->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	int flags = SOCK_CLOEXEC | SOCK_NONBLOCK, err;
	struct icmp_socket *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->family = config->family;
	s->raw = true;
	s->messages = calloc(PACKET_BATCH, sizeof(*s->messages));
	s->fd = socket(config->family, SOCK_RAW | flags, protocol);
	if (s->fd < 0 && (errno == EPERM || errno == EACCES)) {
		s->raw = false;
		s->fd = socket(config->family, SOCK_DGRAM | flags, protocol);
	}
	err = s->fd < 0 ? -errno : !s->messages ? -ENOMEM : configure(s, config);
	if (err) {
		icmp_socket_free(s);
		return err;
	}
	*ret_socket = s;
	return 0;
}

struct icmp_socket *icmp_socket_free(struct icmp_socket *s)
{
	if (!s)
		return NULL;
	if (s->fd >= 0)
		close(s->fd);
	free(s->messages);
	free(s);
	return NULL;
}

int icmp_socket_fd(const struct icmp_socket *s)
{
	return s->fd;
}

bool icmp_socket_is_raw(const struct icmp_socket *s)
{
	return s->raw;
}

size_t icmp_socket_send(struct icmp_socket *s, const struct packet_out *packets, size_t n,
			int *ret_err)
{
	for (size_t i = 0; i < n; i++) {
		struct endpoint to = { .addr = packets[i].to };
		socklen_t len = endpoint_to_sockaddr(&to, &s->out.names[i].storage);

		packet_batch_put(&s->out, i, packets[i].data, packets[i].len, len);
		packet_batch_set_ttl(&s->out, i, s->family, packets[i].ttl);
	}
	return packet_batch_send(&s->out, s->fd, n, !s->raw, ret_err);
}

static int read_batch(struct icmp_socket *s, int flags, size_t offset)
{
	return packet_batch_receive(&s->in, s->fd, flags, s->messages[0], MESSAGE_MAX, offset);
}

/* A raw IPv4 packet loses its IP header. Return: false when that is broken. */
static bool strip_ip4(struct packet_in *p)
{
	size_t header_len = p->len >= IP4_HEADER ? (size_t)(p->data[0] & 0xf) * 4 : 0;

	if (header_len < IP4_HEADER || header_len > p->len)
		return false;
	p->ttl = p->data[8];
	p->data += header_len;
	p->len -= header_len;
	p->wire_len -= header_len;
	return true;
}

static bool fill_message(struct icmp_socket *s, size_t i, uint64_t now_ns, int64_t wall_ns,
			 struct packet_in *ret)
{
	const struct mmsghdr *h = &s->in.headers[i];
	struct endpoint from;

	if (endpoint_from_sockaddr(&s->in.names[i].any, &from) < 0)
		return false;
	*ret = (struct packet_in){
		.data = s->messages[i],
		.len = MIN((size_t)h->msg_len, sizeof(s->messages[i])),
		.wire_len = h->msg_len,
		.from = from.addr,
		.ttl = packet_received_ttl(&h->msg_hdr),
		.rx_ns = packet_rx_time(&h->msg_hdr, now_ns, wall_ns),
	};
	return !s->raw || s->family != AF_INET || strip_ip4(ret);
}

/* The ICMP error as it came, made from what the kernel kept of it: header, and a quoted packet. */
static bool fill_error(struct icmp_socket *s, size_t i, size_t offset, uint64_t now_ns,
		       int64_t wall_ns, struct packet_in *ret)
{
	const struct mmsghdr *h = &s->in.headers[i];
	uint8_t *m = s->messages[i];
	struct sock_extended_err error;
	struct addr reporter;
	struct endpoint to;

	if (!packet_batch_error(&s->in, i, &error, &reporter) ||
	    endpoint_from_sockaddr(&s->in.names[i].any, &to) < 0)
		return false;
	memset(m, 0, offset);
	m[0] = error.ee_type;
	m[1] = error.ee_code;
	store_be32(m + 4, error.ee_info); /* the MTU, where the error has one */
	if (s->family == AF_INET) {
		m[8] = 0x45;
		m[8 + 9] = IPPROTO_ICMP;
		memcpy(m + 8 + 16, to.addr.bytes, 4);
	} else {
		m[8] = 0x60;
		m[8 + 6] = IPPROTO_ICMPV6;
		memcpy(m + 8 + 24, to.addr.bytes, 16);
	}
	*ret = (struct packet_in){
		.data = m,
		.len = MIN(offset + h->msg_len, sizeof(s->messages[i])),
		.wire_len = offset + h->msg_len,
		.from = reporter,
		.ttl = -1,
		.rx_ns = packet_rx_time(&h->msg_hdr, now_ns, wall_ns),
	};
	return true;
}

static size_t receive_errors(struct icmp_socket *s, uint64_t now_ns, int64_t wall_ns,
			     struct packet_in *ret_packets)
{
	size_t offset = ERROR_PREFIX + (s->family == AF_INET ? IP4_HEADER : IP6_HEADER), count = 0;
	int n = read_batch(s, MSG_ERRQUEUE, offset);

	for (int i = 0; i < n; i++)
		count += fill_error(s, (size_t)i, offset, now_ns, wall_ns, &ret_packets[count]);
	return count;
}

size_t icmp_socket_receive(struct icmp_socket *s, struct packet_in *ret_packets)
{
	uint64_t now_ns = clock_monotonic_ns();
	int64_t wall_ns = clock_wall_ns();
	size_t count = 0;
	int n;

	if (!s->raw) {
		count = receive_errors(s, now_ns, wall_ns, ret_packets);
		if (count)
			return count;
	}
	/* MSG_TRUNC: the length of the packet, not of what fitted. */
	n = read_batch(s, MSG_TRUNC, 0);
	for (int i = 0; i < n; i++)
		count += fill_message(s, (size_t)i, now_ns, wall_ns, &ret_packets[count]);
	return count;
}

uint64_t icmp_socket_drops(struct icmp_socket *s)
{
	return packet_socket_drops(s->fd, &s->seen_drops);
}
