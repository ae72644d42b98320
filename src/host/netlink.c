#include "host/netlink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The kernel fills at most 32 KiB a message of a dump; single larger ones exist (many SR-IOV
 * functions). */
#define RECEIVE_START (32 * 1024)
#define RECEIVE_MAX   (4 * 1024 * 1024)

/* Room for bursts of notifications: a link that comes up with a full table makes thousands. */
#define SOCKET_BUFFER (8 * 1024 * 1024)

#define DUMP_PASSES	 20
#define ANSWER_TIMEOUT_S 10

struct netlink {
	int fd;
	uint32_t seq;
	uint8_t *rx;
	size_t rx_cap;
	char error[256];
};

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

int netlink_new(struct netlink **ret_nl)
{
	struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	struct netlink *nl = calloc(1, sizeof(*nl));
	int err = -ENOMEM;

	if (!nl)
		return err;
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (nl->fd < 0) {
		err = -errno;
		goto out;
	}
	/* Without an address, a socket that never sends is never told of changes. */
	if (bind(nl->fd, (struct sockaddr *)&any, sizeof(any)) < 0) {
		err = -errno;
		goto out;
	}
	nl->rx_cap = RECEIVE_START;
	nl->rx = malloc(nl->rx_cap);
	if (!nl->rx)
		goto out;
	/* More than rmem_max needs privilege; without it the largest allowed is fine. */
	if (set_option(nl->fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER) < 0)
		(void)set_option(nl->fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	if (setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0) {
		err = -errno;
		goto out;
	}
	err = set_option(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
	if (!err)
		err = set_option(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
	if (!err)
		err = set_option(nl->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
	if (err)
		goto out;
	*ret_nl = nl;
	return 0;
out:
	netlink_free(nl);
	return err;
}

struct netlink *netlink_free(struct netlink *nl)
{
	if (!nl)
		return NULL;
	if (nl->fd >= 0)
		close(nl->fd);
	free(nl->rx);
	free(nl);
	return NULL;
}

int netlink_fd(const struct netlink *nl)
{
	return nl->fd;
}

const char *netlink_error(const struct netlink *nl)
{
	return nl->error;
}

/* Keeps @code's text, for netlink_error(), and returns it. */
static int failed(struct netlink *nl, int code)
{
	snprintf(nl->error, sizeof(nl->error), "%s", err_text(code));
	return code;
}

static size_t padding(size_t len)
{
	return NLMSG_ALIGN(len) - len;
}

void netlink_begin(struct buf *b, uint16_t type, uint16_t flags, const void *head, size_t head_len)
{
	struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = flags };

	buf_reset(b);
	buf_bytes(b, &h, sizeof(h));
	buf_bytes(b, head, head_len);
	buf_fill(b, 0, padding(head_len));
}

/* Writes the length of the attribute that starts at @start, now that its end is known. */
static void close_attr(struct buf *b, size_t start)
{
	size_t len = b->len - start;
	uint16_t len16 = (uint16_t)len;

	if (b->err)
		return;
	if (len > UINT16_MAX) {
		b->err = -E_FULL;
		return;
	}
	memcpy(b->data + start, &len16, sizeof(len16));
	buf_fill(b, 0, padding(len));
}

static size_t open_attr(struct buf *b, uint16_t type)
{
	struct nlattr a = { .nla_type = type };
	size_t start = b->len;

	buf_bytes(b, &a, sizeof(a));
	return start;
}

void netlink_put(struct buf *b, uint16_t type, const void *data, size_t len)
{
	size_t start = open_attr(b, type);

	buf_bytes(b, data, len);
	close_attr(b, start);
}

void netlink_put_u8(struct buf *b, uint16_t type, uint8_t v)
{
	netlink_put(b, type, &v, sizeof(v));
}

void netlink_put_u16(struct buf *b, uint16_t type, uint16_t v)
{
	netlink_put(b, type, &v, sizeof(v));
}

void netlink_put_u32(struct buf *b, uint16_t type, uint32_t v)
{
	netlink_put(b, type, &v, sizeof(v));
}

void netlink_put_u64(struct buf *b, uint16_t type, uint64_t v)
{
	netlink_put(b, type, &v, sizeof(v));
}

void netlink_put_text(struct buf *b, uint16_t type, const char *text)
{
	netlink_put(b, type, text, strlen(text) + 1);
}

void netlink_put_addr(struct buf *b, uint16_t type, const struct addr *a)
{
	netlink_put(b, type, a->bytes, addr_len(a));
}

size_t netlink_nest_begin(struct buf *b, uint16_t type)
{
	return open_attr(b, type | NLA_F_NESTED);
}

void netlink_nest_end(struct buf *b, size_t start)
{
	close_attr(b, start);
}

bool netlink_msg_next(struct cursor *c, struct netlink_msg *ret_msg)
{
	struct nlmsghdr h;
	const uint8_t *data;

	if (c->err || !cursor_left(c))
		return false;
	data = cursor_bytes(c, sizeof(h));
	if (!data)
		return false;
	memcpy(&h, data, sizeof(h));
	if (h.nlmsg_len < sizeof(h) || h.nlmsg_len - sizeof(h) > cursor_left(c)) {
		cursor_fail(c, -E_MALFORMED);
		return false;
	}
	*ret_msg = (struct netlink_msg){
		.type = h.nlmsg_type,
		.flags = h.nlmsg_flags,
		.seq = h.nlmsg_seq,
		.data = cursor_bytes(c, h.nlmsg_len - sizeof(h)),
		.len = h.nlmsg_len - sizeof(h),
	};
	cursor_skip(c, MIN(padding(h.nlmsg_len), cursor_left(c)));
	return true;
}

bool netlink_attr_next(struct cursor *c, struct netlink_attr *ret_attr)
{
	struct nlattr a;
	const uint8_t *data;

	if (c->err || !cursor_left(c))
		return false;
	data = cursor_bytes(c, sizeof(a));
	if (!data)
		return false;
	memcpy(&a, data, sizeof(a));
	if (a.nla_len < sizeof(a) || a.nla_len - sizeof(a) > cursor_left(c)) {
		cursor_fail(c, -E_MALFORMED);
		return false;
	}
	*ret_attr = (struct netlink_attr){
		.type = a.nla_type & NLA_TYPE_MASK,
		.len = (uint16_t)(a.nla_len - sizeof(a)),
		.data = cursor_bytes(c, a.nla_len - sizeof(a)),
	};
	cursor_skip(c, MIN(padding(a.nla_len), cursor_left(c)));
	return true;
}

struct cursor netlink_head(const struct netlink_msg *msg, void *ret_head, size_t head_len)
{
	struct cursor c = cursor_of(msg->data, msg->len);
	const uint8_t *head = cursor_bytes(&c, head_len);

	if (head) {
		memcpy(ret_head, head, head_len);
		cursor_skip(&c, MIN(padding(head_len), cursor_left(&c)));
	} else {
		memset(ret_head, 0, head_len);
	}
	return c;
}

#define READ_ATTR(bits)                                                   \
	uint##bits##_t netlink_attr_u##bits(const struct netlink_attr *a) \
	{                                                                 \
		uint##bits##_t v = 0;                                     \
                                                                          \
		if (a->len == sizeof(v))                                  \
			memcpy(&v, a->data, sizeof(v));                   \
		return v;                                                 \
	}
READ_ATTR(8)
READ_ATTR(16)
READ_ATTR(32)
READ_ATTR(64)

struct addr netlink_attr_addr(const struct netlink_attr *a)
{
	if (a->len == 4)
		return addr_ip4(a->data);
	if (a->len == 16)
		return addr_ip6(a->data);
	return (struct addr){ 0 };
}

void netlink_attr_text(const struct netlink_attr *a, char *ret_text, size_t cap)
{
	size_t n = MIN(strnlen((const char *)a->data, a->len), cap - 1);

	memcpy(ret_text, a->data, n);
	ret_text[n] = '\0';
}

size_t netlink_attr_copy(const struct netlink_attr *a, void *ret, size_t cap)
{
	size_t n = MIN((size_t)a->len, cap);

	memset(ret, 0, cap);
	memcpy(ret, a->data, n);
	return n;
}

static int send_request(struct netlink *nl, struct buf *req, uint16_t flags)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr h;
	ssize_t n;

	if (req->err)
		return failed(nl, req->err);
	if (!++nl->seq) /* 0 is what notifications carry */
		++nl->seq;
	memcpy(&h, req->data, sizeof(h));
	h.nlmsg_len = (uint32_t)req->len;
	h.nlmsg_flags |= flags;
	h.nlmsg_seq = nl->seq;
	memcpy(req->data, &h, sizeof(h));
	do {
		n = sendto(nl->fd, req->data, req->len, 0, (struct sockaddr *)&kernel,
			   sizeof(kernel));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? failed(nl, -errno) : 0;
}

/* A larger buffer for the next datagram. Return: -EAGAIN (ask again), -E_FULL, -ENOMEM. */
static int grow_receive(struct netlink *nl)
{
	size_t cap = nl->rx_cap * 2;
	uint8_t *rx = cap <= RECEIVE_MAX ? realloc(nl->rx, cap) : NULL;

	if (!rx)
		return cap > RECEIVE_MAX ? -E_FULL : -ENOMEM;
	nl->rx = rx;
	nl->rx_cap = cap;
	return -EAGAIN;
}

/*
 * Takes one datagram from the kernel. Return: 1, 0 when none is waiting (MSG_DONTWAIT), -EAGAIN
 * when it was cut and the buffer has grown, -E_TIMEOUT, -errno.
 */
static int receive(struct netlink *nl, int flags, struct cursor *ret_datagram)
{
	for (;;) {
		struct sockaddr_nl from = { 0 };
		struct iovec iov = { nl->rx, nl->rx_cap };
		struct msghdr m = { .msg_name = &from,
				    .msg_namelen = sizeof(from),
				    .msg_iov = &iov,
				    .msg_iovlen = 1 };
		ssize_t n = recvmsg(nl->fd, &m, flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return flags & MSG_DONTWAIT ? 0 : -E_TIMEOUT;
		if (n < 0)
			return -errno;
		if (from.nl_pid) /* another process, not the kernel */
			continue;
		if (m.msg_flags & MSG_TRUNC)
			return grow_receive(nl);
		*ret_datagram = cursor_of(nl->rx, (size_t)n);
		return 1;
	}
}

/*
 * The status in NLMSG_ERROR and NLMSG_DONE: an int, in an error followed by the header of the
 * request, then attributes of which one is the kernel's sentence.
 */
static int read_status(struct netlink *nl, const struct netlink_msg *msg)
{
	struct netlink_attr a;
	struct cursor c;
	int32_t code;

	c = netlink_head(msg, &code, sizeof(code));
	if (c.err)
		return failed(nl, -E_MALFORMED);
	if (code >= 0)
		return 0;
	failed(nl, code);
	if (!(msg->flags & NLM_F_ACK_TLVS))
		return code;
	if (msg->type == NLMSG_ERROR)
		cursor_skip(&c, sizeof(struct nlmsghdr));
	while (netlink_attr_next(&c, &a))
		if (a.type == NLMSGERR_ATTR_MSG)
			netlink_attr_text(&a, nl->error, sizeof(nl->error));
	return code;
}

/* One exchange under way. */
struct exchange {
	netlink_fn *fn;
	void *arg;
	int err;	   /* what @fn returned; the rest is then only drained */
	bool ended;	   /* acknowledged or done */
	bool inconsistent; /* must be begun again */
};

/* Goes through one datagram. Return: 0, or the kernel's refusal. */
static int take_datagram(struct netlink *nl, struct exchange *x, struct cursor *c)
{
	struct netlink_msg msg;
	int err = 0;

	while (!x->ended && netlink_msg_next(c, &msg)) {
		if (msg.seq != nl->seq)
			continue;
		if (msg.flags & NLM_F_DUMP_INTR)
			x->inconsistent = true;
		if (msg.type == NLMSG_ERROR || msg.type == NLMSG_DONE) {
			x->ended = true;
			err = read_status(nl, &msg);
		} else if (x->fn && !x->err) {
			x->err = x->fn(&msg, x->arg);
			if (x->err < 0)
				failed(nl, x->err);
		}
	}
	return c->err ? failed(nl, c->err) : err;
}

static int take_answer(struct netlink *nl, struct exchange *x)
{
	while (!x->ended) {
		struct cursor c;
		int err = receive(nl, 0, &c);

		if (err == -EAGAIN) {
			x->inconsistent = true;
			continue;
		}
		if (err < 0)
			return failed(nl, err);
		err = take_datagram(nl, x, &c);
		if (err < 0)
			return err;
	}
	return x->err < 0 ? x->err : 0;
}

int netlink_request(struct netlink *nl, struct buf *req, netlink_fn *fn, void *arg)
{
	struct exchange x = { .fn = fn, .arg = arg };
	int err = send_request(nl, req, NLM_F_REQUEST | NLM_F_ACK);

	if (!err)
		err = take_answer(nl, &x);
	if (!err && x.inconsistent) /* the one answer did not fit: now it does */
		return netlink_request(nl, req, fn, arg);
	return err;
}

int netlink_dump(struct netlink *nl, struct buf *req, netlink_fn *fn, void *arg)
{
	for (int pass = 0; pass < DUMP_PASSES; pass++) {
		struct exchange x = { .fn = fn, .arg = arg };
		int err = fn(NULL, arg);

		if (!err)
			err = send_request(nl, req, NLM_F_REQUEST | NLM_F_DUMP);
		if (!err)
			err = take_answer(nl, &x);
		if (err < 0 || !x.inconsistent)
			return err;
	}
	return failed(nl, -EAGAIN);
}

int netlink_join(struct netlink *nl, unsigned group)
{
	return set_option(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, (int)group);
}

int netlink_dispatch(struct netlink *nl, netlink_fn *fn, void *arg)
{
	int n = 0;

	for (;;) {
		struct netlink_msg msg;
		struct cursor c;
		int err = receive(nl, MSG_DONTWAIT, &c);

		if (err == -EAGAIN) /* it was cut: something is lost */
			return -ENOBUFS;
		if (err <= 0)
			return err < 0 ? err : n;
		while (netlink_msg_next(&c, &msg)) {
			err = fn(&msg, arg);
			if (err < 0)
				return err;
			n++;
		}
		if (c.err)
			return c.err;
	}
}
