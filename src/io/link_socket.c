#include "io/link_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"

#define BUFFER_BYTES (8 << 20)
#define FRAME_MAX    256 /* ARP and neighbour discovery are smaller; the rest of a frame is cut */
#define CONTROL_MAX  128

struct link_socket {
	int fd;
	uint16_t protocol;
	uint8_t frames[PACKET_BATCH][FRAME_MAX];
	struct mmsghdr headers[PACKET_BATCH];
	struct iovec parts[PACKET_BATCH];
	struct sockaddr_ll names[PACKET_BATCH];
	union {
		char bytes[CONTROL_MAX];
		struct cmsghdr align;
	} controls[PACKET_BATCH];
};

/* Next header ICMPv6 and type 133 to 137, else nothing of the frame. */
static struct sock_filter nd_program[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 6),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 3),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 40),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 133, 0, 1),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 137, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, FRAME_MAX),
};

static int attach_filter(int fd)
{
	struct sock_fprog program = { .len = ARRAY_LEN(nd_program), .filter = nd_program };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

/* The filter is there before the protocol is, so that nothing slips in between. */
static int configure(struct link_socket *s, enum link_protocol protocol, unsigned ifindex)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_ifindex = (int)ifindex };
	int one = 1, err = protocol == LINK_ND ? attach_filter(s->fd) : 0;

	if (err)
		return err;
	s->protocol = htons(protocol == LINK_ARP ? ETH_P_ARP : ETH_P_IPV6);
	name.sll_protocol = s->protocol;
	packet_socket_buffers(s->fd, BUFFER_BYTES);
	if (setsockopt(s->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0 ||
	    setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) < 0 ||
	    bind(s->fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	return 0;
}

int link_socket_open(enum link_protocol protocol, unsigned ifindex, struct link_socket **ret_socket)
{
	struct link_socket *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = s->fd < 0 ? -errno : configure(s, protocol, ifindex);
	if (err) {
		link_socket_free(s);
		return err;
	}
	for (size_t i = 0; i < PACKET_BATCH; i++) {
		s->parts[i] = (struct iovec){ s->frames[i], FRAME_MAX };
		s->headers[i].msg_hdr.msg_iov = &s->parts[i];
		s->headers[i].msg_hdr.msg_iovlen = 1;
		s->headers[i].msg_hdr.msg_name = &s->names[i];
	}
	*ret_socket = s;
	return 0;
}

struct link_socket *link_socket_free(struct link_socket *s)
{
	if (!s)
		return NULL;
	if (s->fd >= 0)
		close(s->fd);
	free(s);
	return NULL;
}

int link_socket_fd(const struct link_socket *s)
{
	return s->fd;
}

size_t link_socket_send(struct link_socket *s, const struct packet_out *packets, size_t n,
			int *ret_err)
{
	struct mmsghdr headers[PACKET_BATCH];
	struct iovec parts[PACKET_BATCH];
	struct sockaddr_ll names[PACKET_BATCH];
	size_t sent = 0;

	for (size_t i = 0; i < n; i++) {
		names[i] = (struct sockaddr_ll){
			.sll_family = AF_PACKET,
			.sll_protocol = s->protocol,
			.sll_ifindex = (int)packets[i].ifindex,
			.sll_halen = ETH_ALEN,
		};
		memcpy(names[i].sll_addr, packets[i].data, ETH_ALEN);
		parts[i] = (struct iovec){ (void *)packets[i].data, packets[i].len };
		headers[i] = (struct mmsghdr){
			.msg_hdr = { .msg_name = &names[i],
				     .msg_namelen = sizeof(names[i]),
				     .msg_iov = &parts[i],
				     .msg_iovlen = 1 },
		};
	}
	while (sent < n) {
		int done = sendmmsg(s->fd, headers + sent, (unsigned)(n - sent), 0);

		if (done <= 0) {
			*ret_err = -errno;
			break;
		}
		sent += (size_t)done;
	}
	return sent;
}

size_t link_socket_receive(struct link_socket *s, struct packet_in *ret_packets)
{
	uint64_t now_ns = clock_monotonic_ns();
	int64_t wall_ns = clock_wall_ns();
	size_t count = 0;
	int n;

	for (size_t i = 0; i < PACKET_BATCH; i++) {
		struct msghdr *h = &s->headers[i].msg_hdr;

		h->msg_namelen = sizeof(s->names[i]);
		h->msg_control = &s->controls[i];
		h->msg_controllen = sizeof(s->controls[i]);
	}
	n = recvmmsg(s->fd, s->headers, PACKET_BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
	for (int i = 0; i < n; i++) {
		if (s->names[i].sll_pkttype == PACKET_OUTGOING)
			continue;
		ret_packets[count++] = (struct packet_in){
			.data = s->frames[i],
			.len = MIN((size_t)s->headers[i].msg_len, (size_t)FRAME_MAX),
			.wire_len = s->headers[i].msg_len,
			.ttl = -1,
			.ifindex = (unsigned)s->names[i].sll_ifindex,
			.rx_ns = packet_rx_time(&s->headers[i].msg_hdr, now_ns, wall_ns),
		};
	}
	return count;
}

uint64_t link_socket_drops(struct link_socket *s)
{
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);

	/* Reading resets the counter. */
	if (getsockopt(s->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) < 0)
		return 0;
	return stats.tp_drops;
}
