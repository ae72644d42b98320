/*
 * IPv6 networks are too large to be swept. Instead everybody on the link is asked at once, by an
 * echo request to all nodes (ff02::1, RFC 4291 section 2.7.1), from our address in that network so
 * that the answers come from theirs. Who answers is checked like anybody who speaks by himself.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/icmpv6.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/random.h"
#include "host/route.h"
#include "monitor/monitor_private.h"

#define ANSWERS_A_CALL 256

struct invite {
	struct monitor *m;
	struct netlink *netlink;
	uv_poll_t *poll;
	int fd;
	uint16_t id, sequence;
	uint64_t next_ns[PRESENCE_MAX_NETWORKS];
};

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

void invite_free(struct invite *i)
{
	if (!i)
		return;
	if (i->poll)
		uv_close((uv_handle_t *)i->poll, on_closed);
	if (i->fd >= 0)
		close(i->fd);
	netlink_free(i->netlink);
	free(i);
}

/* Only echo replies with our id: those of the bursts are not for this socket. */
static int filter_answers(int fd, uint16_t id)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), /* type */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMPV6_ECHO_REPLY, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4), /* id */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, id, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { ARRAY_LEN(code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct invite *i = poll->data;
	struct sockaddr_in6 from;
	struct endpoint who;
	uint8_t bytes[64];

	(void)status;
	(void)events;
	for (unsigned n = 0; n < ANSWERS_A_CALL; n++) {
		socklen_t len = sizeof(from);
		const struct presence_host *host;

		if (recvfrom(i->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len) < 0)
			return;
		if (endpoint_from_sockaddr((struct sockaddr *)&from, &who) < 0)
			continue;
		host = presence_by_addr(i->m->presence, &who.addr);
		if (!host || host->state == PRESENCE_INACTIVE || host->state == PRESENCE_UNKNOWN)
			rounds_hint(i->m->rounds, &who.addr);
	}
}

static int open_invite(struct invite *i)
{
	int err;

	random_secret(&i->id, sizeof(i->id));
	i->fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	err = i->fd < 0 ? -errno : filter_answers(i->fd, i->id);
	if (!err)
		err = netlink_new(&i->netlink);
	if (err < 0)
		return err;
	i->poll = malloc(sizeof(*i->poll));
	if (!i->poll)
		return -ENOMEM;
	err = uv_poll_init(i->m->loop, i->poll, i->fd);
	if (err < 0) {
		free(i->poll);
		i->poll = NULL;
		return err;
	}
	i->poll->data = i;
	return uv_poll_start(i->poll, UV_READABLE, on_readable);
}

struct invite *invite_new(struct monitor *m)
{
	struct invite *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->m = m;
	i->fd = -1;
	if (open_invite(i) == 0)
		return i;
	invite_free(i);
	return NULL;
}

static void send_invite(struct invite *i, const struct host_path *path)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = path->ifindex };
	uint8_t bytes[8] = { ICMPV6_ECHO_REQUEST }; /* the kernel writes the checksum */
	struct iovec data = { bytes, sizeof(bytes) };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { 0 };
	struct in6_pktinfo source = { .ipi6_ifindex = path->ifindex };
	struct msghdr msg = { .msg_name = &to,
			      .msg_namelen = sizeof(to),
			      .msg_iov = &data,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };

	to.sin6_addr.s6_addr[0] = 0xff;
	to.sin6_addr.s6_addr[1] = 0x02;
	to.sin6_addr.s6_addr[15] = 1;
	store_be16(bytes + 4, i->id);
	store_be16(bytes + 6, i->sequence++);
	memcpy(&source.ipi6_addr, path->source.bytes, sizeof(source.ipi6_addr));
	control.head.cmsg_level = IPPROTO_IPV6;
	control.head.cmsg_type = IPV6_PKTINFO;
	control.head.cmsg_len = CMSG_LEN(sizeof(source));
	memcpy(CMSG_DATA(&control.head), &source, sizeof(source));
	/* What is lost is sent again when the network is due again. */
	(void)!sendmsg(i->fd, &msg, MSG_DONTWAIT);
}

void invite_look(struct invite *i, uint64_t now_ns)
{
	for (unsigned n = 0; n < i->m->config->n_networks; n++) {
		const struct monitor_config_network *network = &i->m->config->networks[n];
		struct addr first = prefix_first(&network->prefix);
		struct host_path path;

		if (first.family != AF_INET6 || network->targets || !network->discover_ns ||
		    now_ns < i->next_ns[n] || !links_up(i->m->links, n))
			continue;
		i->next_ns[n] = now_ns + network->discover_ns;
		first = addr_from_number(AF_INET6, addr_number(&first) + 1);
		if (host_route_get(i->netlink, &first, links_index(i->m->links, n), &path) == 0 &&
		    path.gateway.family == AF_UNSPEC && path.type == RTN_UNICAST)
			send_invite(i, &path);
	}
}
