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
#include "io/packet_batch.h"

#define BUFFER_BYTES (8 << 20)
#define FRAME_MAX    256 /* ARP and neighbour discovery are smaller; the rest of a frame is cut */

struct link_socket {
	int fd;
	uint16_t protocol;
	uint8_t frames[PACKET_BATCH][FRAME_MAX];
	struct packet_batch in, out;
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
	int err = protocol == LINK_ND ? attach_filter(s->fd) : 0;

	if (err)
		return err;
	s->protocol = htons(protocol == LINK_ARP ? ETH_P_ARP : ETH_P_IPV6);
	name.sll_protocol = s->protocol;
	packet_socket_buffers(s->fd, BUFFER_BYTES);
	err = packet_socket_set(s->fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
	if (!err)
		err = packet_socket_set(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	if (!err && bind(s->fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		err = -errno;
	return err;
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
	for (size_t i = 0; i < n; i++) {
		struct sockaddr_ll *name = &s->out.names[i].link;

		*name = (struct sockaddr_ll){
			.sll_family = AF_PACKET,
			.sll_protocol = s->protocol,
			.sll_ifindex = (int)packets[i].ifindex,
			.sll_halen = ETH_ALEN,
		};
		memcpy(name->sll_addr, packets[i].data, ETH_ALEN);
		packet_batch_put(&s->out, i, packets[i].data, packets[i].len, sizeof(*name));
	}
	return packet_batch_send(&s->out, s->fd, n, false, ret_err);
}

size_t link_socket_receive(struct link_socket *s, struct packet_in *ret_packets)
{
	uint64_t now_ns = clock_monotonic_ns();
	int64_t wall_ns = clock_wall_ns();
	size_t count = 0;
	int n = packet_batch_receive(&s->in, s->fd, MSG_TRUNC, s->frames[0], FRAME_MAX, 0);

	for (int i = 0; i < n; i++) {
		const struct mmsghdr *h = &s->in.headers[i];
		const struct sockaddr_ll *name = &s->in.names[i].link;

		if (name->sll_pkttype == PACKET_OUTGOING)
			continue;
		ret_packets[count++] = (struct packet_in){
			.data = s->frames[i],
			.len = MIN((size_t)h->msg_len, (size_t)FRAME_MAX),
			.wire_len = h->msg_len,
			.ttl = -1,
			.ifindex = (unsigned)name->sll_ifindex,
			.rx_ns = packet_rx_time(&h->msg_hdr, now_ns, wall_ns),
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
