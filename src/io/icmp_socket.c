/*
 * A raw socket for IPv4 gives packets with their IP header, one for IPv6 without; datagram sockets
 * give messages, and errors through a queue of their own (ip(7), IP_RECVERR). Errors from that
 * queue are made into the ICMP messages that they once were, so that one parser reads them all.
 */
#include "io/icmp_socket.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "io/clock.h"

#define BUFFER_BYTES (16 << 20)
#define MESSAGE_MAX  2048
#define CONTROL_MAX  256
#define ERROR_PREFIX 8 /* header of an ICMP error */
#define IP4_HEADER   20
#define IP6_HEADER   40

struct icmp_socket {
	int fd, family;
	bool raw;
	uint32_t seen_drops;
	uint8_t (*messages)[MESSAGE_MAX];
	struct mmsghdr headers[PACKET_BATCH];
	struct iovec parts[PACKET_BATCH];
	struct sockaddr_storage names[PACKET_BATCH];
	union {
		char bytes[CONTROL_MAX];
		struct cmsghdr align;
	} controls[PACKET_BATCH];
};

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

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
		return set_int(s->fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	err = set_int(s->fd, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	return err ? err : set_int(s->fd, SOL_IPV6, IPV6_DONTFRAG, 1);
}

static int configure(struct icmp_socket *s, const struct icmp_socket_config *config)
{
	bool ip4 = s->family == AF_INET;
	int err = filter(s);

	if (!err && config->ttl)
		err = ip4 ? set_int(s->fd, SOL_IP, IP_TTL, config->ttl)
			  : set_int(s->fd, SOL_IPV6, IPV6_UNICAST_HOPS, config->ttl);
	if (!err)
		err = ip4 ? set_int(s->fd, SOL_IP, IP_RECVTTL, 1)
			  : set_int(s->fd, SOL_IPV6, IPV6_RECVHOPLIMIT, 1);
	if (!err && config->whole)
		err = forbid_fragments(s);
	if (!err && !s->raw)
		err = ip4 ? set_int(s->fd, SOL_IP, IP_RECVERR, 1)
			  : set_int(s->fd, SOL_IPV6, IPV6_RECVERR, 1);
	if (!err && !s->raw)
		err = set_int(s->fd, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1);
	if (!err)
		err = set_int(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	if (!err && config->iface &&
	    setsockopt(s->fd, SOL_SOCKET, SO_BINDTODEVICE, config->iface,
		       (socklen_t)strlen(config->iface)) < 0)
		err = -errno;
	packet_socket_buffers(s->fd, BUFFER_BYTES);
	return err;
}

static void prepare_buffers(struct icmp_socket *s)
{
	for (size_t i = 0; i < PACKET_BATCH; i++) {
		s->parts[i].iov_base = s->messages[i];
		s->headers[i].msg_hdr.msg_iov = &s->parts[i];
		s->headers[i].msg_hdr.msg_iovlen = 1;
		s->headers[i].msg_hdr.msg_name = &s->names[i];
	}
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
	if (s->fd < 0) {
		s->raw = false;
		s->fd = socket(config->family, SOCK_DGRAM | flags, protocol);
	}
	err = s->fd < 0 ? -errno : !s->messages ? -ENOMEM : configure(s, config);
	if (err) {
		icmp_socket_free(s);
		return err;
	}
	prepare_buffers(s);
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
	struct mmsghdr headers[PACKET_BATCH];
	struct iovec parts[PACKET_BATCH];
	struct sockaddr_storage names[PACKET_BATCH];
	struct packet_ttl ttls[PACKET_BATCH];
	size_t sent = 0;
	bool again = true;

	for (size_t i = 0; i < n; i++) {
		struct endpoint to = { .addr = packets[i].to };

		parts[i] = (struct iovec){ (void *)packets[i].data, packets[i].len };
		headers[i] = (struct mmsghdr){
			.msg_hdr = { .msg_name = &names[i],
				     .msg_namelen = endpoint_to_sockaddr(&to, &names[i]),
				     .msg_iov = &parts[i],
				     .msg_iovlen = 1 },
		};
		packet_set_ttl(&headers[i].msg_hdr, s->family, packets[i].ttl, &ttls[i]);
	}
	while (sent < n) {
		int done = sendmmsg(s->fd, headers + sent, (unsigned)(n - sent), 0);

		if (done > 0) {
			sent += (size_t)done;
			again = true;
			continue;
		}
		*ret_err = -errno;
		/* What a datagram socket says first may be about an earlier message: it is queued
		 * too. */
		if (s->raw || !again)
			break;
		again = false;
	}
	return sent;
}

static int read_batch(struct icmp_socket *s, int flags, size_t offset)
{
	for (size_t i = 0; i < PACKET_BATCH; i++) {
		struct msghdr *h = &s->headers[i].msg_hdr;

		s->parts[i].iov_base = s->messages[i] + offset;
		s->parts[i].iov_len = MESSAGE_MAX - offset;
		h->msg_namelen = sizeof(s->names[i]);
		h->msg_control = &s->controls[i];
		h->msg_controllen = sizeof(s->controls[i]);
		h->msg_flags = 0;
	}
	return recvmmsg(s->fd, s->headers, PACKET_BATCH, MSG_DONTWAIT | flags, NULL);
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
	struct mmsghdr *h = &s->headers[i];
	struct endpoint from;

	if (endpoint_from_sockaddr((struct sockaddr *)&s->names[i], &from) < 0)
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
	struct mmsghdr *h = &s->headers[i];
	uint8_t *m = s->messages[i];
	struct sock_extended_err error = { 0 };
	struct endpoint to, offender = { 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h->msg_hdr); c; c = CMSG_NXTHDR(&h->msg_hdr, c)) {
		if ((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR)) {
			memcpy(&error, CMSG_DATA(c), sizeof(error));
			if (endpoint_from_sockaddr(
				    SO_EE_OFFENDER((struct sock_extended_err *)CMSG_DATA(c)),
				    &offender) < 0)
				return false;
		}
	}
	if ((error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) ||
	    endpoint_from_sockaddr((struct sockaddr *)&s->names[i], &to) < 0)
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
		.from = offender.addr,
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
