#include "host/border.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_addrlabel.h>
#include <linux/rtnetlink.h>

#include "host/array.h"

/*
 * What is asked for. The prefix's address is attribute 1 of all of them, and its length is in the
 * head.
 */
static const struct kind {
	uint16_t request, answer;
	uint8_t head_len, len_at;
	bool ip6_only, each_bit;
} kinds[] = {
	{ RTM_GETROUTE, RTM_NEWROUTE, sizeof(struct rtmsg), offsetof(struct rtmsg, rtm_dst_len),
	  false, false },
	{ RTM_GETRULE, RTM_NEWRULE, sizeof(struct fib_rule_hdr),
	  offsetof(struct fib_rule_hdr, dst_len), false, false },
	{ RTM_GETADDRLABEL, RTM_NEWADDRLABEL, sizeof(struct ifaddrlblmsg),
	  offsetof(struct ifaddrlblmsg, ifal_prefixlen), true, false },
	{ RTM_GETADDR, RTM_NEWADDR, sizeof(struct ifaddrmsg),
	  offsetof(struct ifaddrmsg, ifa_prefixlen), true, true },
};

/* Known without asking: broadcast, multicast; link-local and loopback have scopes of their own. */
static const struct {
	struct addr addr;
	uint8_t len;
} always[] = {
	{ { { 224 }, AF_INET, 0 }, 4 },		 { { { 255, 255, 255, 255 }, AF_INET, 0 }, 32 },
	{ { { 0 }, AF_INET, 0 }, 32 },		 { { { 0xff }, AF_INET6, 0 }, 8 },
	{ { { 0xfe, 0x80 }, AF_INET6, 0 }, 10 }, { { { [15] = 1 }, AF_INET6, 0 }, 128 },
};

struct listing {
	struct host_borders *borders;
	const struct kind *kind;
	int family;
	size_t n;
};

static int add_border(struct host_borders *b, uint128_t number)
{
	int err = array_room(&b->items, &b->cap, b->n, sizeof(*b->items), HOST_MAX_BORDERS);

	if (!err)
		b->items[b->n++] = number;
	return err;
}

/* Where the prefix begins, and where it has ended; the latter is 0 behind the last address. */
static int add_prefix(struct host_borders *b, const struct prefix *p)
{
	struct addr first = prefix_first(p), last = prefix_last(p), after;
	int err = add_border(b, addr_number(&first));

	after = addr_from_number(p->addr.family, addr_number(&last) + 1);
	return err ? err : add_border(b, addr_number(&after));
}

/* All prefixes that hold it, up to its own length: that many bits count as common. */
static int add_each_bit(struct host_borders *b, struct prefix p)
{
	int err = 0;

	for (; p.len && !err; p.len--)
		err = add_prefix(b, &p);
	return err;
}

static int take(const struct netlink_msg *msg, void *arg)
{
	struct listing *l = arg;
	uint8_t head[32];
	struct prefix p = { { .family = (uint16_t)l->family }, 0 };
	struct netlink_attr a;
	struct cursor c;

	if (!msg) {
		l->borders->n = l->n;
		return 0;
	}
	if (msg->type != l->kind->answer)
		return 0;
	c = netlink_head(msg, head, l->kind->head_len);
	if (c.err)
		return c.err;
	/* A kernel without IPv6 answers with the objects of all families. */
	if (head[0] != l->family)
		return 0;
	p.len = head[l->kind->len_at];
	while (netlink_attr_next(&c, &a))
		if (a.type == RTA_DST || (l->kind->each_bit && a.type == IFA_LOCAL))
			p.addr = netlink_attr_addr(&a);
	if (c.err)
		return c.err;
	if (p.addr.family != l->family || p.len > addr_bits(&p.addr))
		return -E_MALFORMED;
	return l->kind->each_bit ? add_each_bit(l->borders, p) : add_prefix(l->borders, &p);
}

static int compare(const void *a, const void *b)
{
	uint128_t x = *(const uint128_t *)a, y = *(const uint128_t *)b;

	return x < y ? -1 : x > y;
}

static void sort(struct host_borders *b)
{
	size_t n = 0;

	qsort(b->items, b->n, sizeof(*b->items), compare);
	for (size_t i = 0; i < b->n; i++)
		if (!n || b->items[n - 1] != b->items[i])
			b->items[n++] = b->items[i];
	b->n = n;
}

int host_borders_list(struct netlink *nl, int family, struct host_borders *ret)
{
	char memory[64];
	struct buf req = buf_in(memory, sizeof(memory));
	int err;

	ret->n = 0;
	err = add_border(ret, 0);
	for (size_t i = 0; i < ARRAY_LEN(always) && !err; i++) {
		struct prefix p = { always[i].addr, always[i].len };

		if (p.addr.family == family)
			err = add_prefix(ret, &p);
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds) && !err; i++) {
		struct listing l = { ret, &kinds[i], family, ret->n };
		uint8_t head[32] = { (uint8_t)family };

		if (kinds[i].ip6_only && family != AF_INET6)
			continue;
		netlink_begin(&req, kinds[i].request, 0, head, kinds[i].head_len);
		err = netlink_dump(nl, &req, take, &l);
		/* Kernels may be built without rules and without IPv6. */
		if (err == -EOPNOTSUPP || err == -EAFNOSUPPORT)
			err = 0;
	}
	if (err)
		return err;
	sort(ret);
	return 0;
}

void host_borders_done(struct host_borders *borders)
{
	free(borders->items);
	*borders = (struct host_borders){ 0 };
}

size_t host_borders_find(const struct host_borders *borders, uint128_t number)
{
	size_t low = 0, n = borders->n;

	/* The last one that is not above @number. */
	while (n > 1) {
		size_t half = n / 2;

		low += borders->items[low + half] <= number ? half : 0;
		n -= half;
	}
	return low;
}
