#include "io/packet_batch.h"

#include <errno.h>
#include <string.h>

#define COMPLAINTS_MAX 16 /* in a row */

void packet_batch_put(struct packet_batch *b, size_t i, const void *data, size_t len,
		      socklen_t name_len)
{
	b->parts[i] = (struct iovec){ (void *)data, len };
	b->headers[i] = (struct mmsghdr){
		.msg_hdr = { .msg_name = &b->names[i],
			     .msg_namelen = name_len,
			     .msg_iov = &b->parts[i],
			     .msg_iovlen = 1 },
	};
}

void packet_batch_set_ttl(struct packet_batch *b, size_t i, int family, uint8_t ttl)
{
	struct msghdr *msg = &b->headers[i].msg_hdr;
	struct cmsghdr *c = &b->controls[i].align;
	int value = ttl;

	if (!ttl)
		return;
	msg->msg_control = c;
	msg->msg_controllen = CMSG_SPACE(sizeof(value));
	c->cmsg_level = family == AF_INET ? SOL_IP : SOL_IPV6;
	c->cmsg_type = family == AF_INET ? IP_TTL : IPV6_HOPLIMIT;
	c->cmsg_len = CMSG_LEN(sizeof(value));
	memcpy(CMSG_DATA(c), &value, sizeof(value));
}

size_t packet_batch_send(struct packet_batch *b, int fd, size_t n, bool has_errors, int *ret_err)
{
	unsigned complaints = 0, patience = has_errors ? COMPLAINTS_MAX : 1;
	size_t sent = 0;

	while (sent < n && complaints < patience) {
		int done = sendmmsg(fd, b->headers + sent, (unsigned)(n - sent), 0);

		if (done > 0) {
			sent += (size_t)done;
			complaints = 0;
			continue;
		}
		*ret_err = -errno;
		/* While it is said, the next such error comes in. */
		complaints++;
	}
	return sent;
}

int packet_batch_receive(struct packet_batch *b, int fd, int flags, uint8_t *memory, size_t len,
			 size_t offset)
{
	for (size_t i = 0; i < PACKET_BATCH; i++) {
		b->parts[i] = (struct iovec){ memory + i * len + offset, len - offset };
		b->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &b->names[i],
			.msg_namelen = sizeof(b->names[i]),
			.msg_iov = &b->parts[i],
			.msg_iovlen = 1,
			.msg_control = &b->controls[i],
			.msg_controllen = sizeof(b->controls[i]),
		};
	}
	return recvmmsg(fd, b->headers, PACKET_BATCH, MSG_DONTWAIT | flags, NULL);
}

bool packet_batch_error(struct packet_batch *b, size_t i, struct sock_extended_err *ret_error,
			struct addr *ret_reporter)
{
	struct msghdr *msg = &b->headers[i].msg_hdr;

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
		*ret_error = error;
		*ret_reporter = offender.addr;
		return true;
	}
	return false;
}
