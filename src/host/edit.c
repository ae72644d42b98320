#include "host/edit.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <math.h>
#include <net/if.h>

enum {
	REQUEST_MAX = 1024,
	ADD = NLM_F_CREATE | NLM_F_EXCL,
};

struct found_link {
	int index;
	unsigned flags;
};

static int take_link(const struct netlink_msg *msg, void *arg)
{
	struct found_link *found = arg;
	struct ifinfomsg head;

	if (msg->type != RTM_NEWLINK)
		return 0;
	netlink_head(msg, &head, sizeof(head));
	found->index = head.ifi_index;
	found->flags = head.ifi_flags;
	return 0;
}

static int link_get(struct netlink *nl, const char *name, struct found_link *found)
{
	char memory[REQUEST_MAX];
	struct buf req = buf_in(memory, sizeof(memory));
	struct ifinfomsg head = { 0 };

	*found = (struct found_link){ 0 };
	netlink_begin(&req, RTM_GETLINK, 0, &head, sizeof(head));
	netlink_put_text(&req, IFLA_IFNAME, name);
	return netlink_request(nl, &req, take_link, found);
}

int edit_link_find(struct netlink *nl, const char *name)
{
	struct found_link found;
	int err = link_get(nl, name, &found);

	return err < 0 ? err : found.index;
}

int edit_link_flags(struct netlink *nl, const char *name, unsigned *ret_flags)
{
	struct found_link found;
	int err = link_get(nl, name, &found);

	if (err < 0)
		return err;
	*ret_flags = found.flags;
	return 0;
}

int edit_bridge_add(struct netlink *nl, const char *name)
{
	char memory[REQUEST_MAX];
	struct buf req = buf_in(memory, sizeof(memory));
	struct ifinfomsg head = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	size_t info, data;

	netlink_begin(&req, RTM_NEWLINK, ADD, &head, sizeof(head));
	netlink_put_text(&req, IFLA_IFNAME, name);
	info = netlink_nest_begin(&req, IFLA_LINKINFO);
	netlink_put_text(&req, IFLA_INFO_KIND, "bridge");
	data = netlink_nest_begin(&req, IFLA_INFO_DATA);
	netlink_put_u32(&req, IFLA_BR_STP_STATE, 0);
	netlink_put_u8(&req, IFLA_BR_MCAST_SNOOPING, 0);
	netlink_nest_end(&req, data);
	netlink_nest_end(&req, info);
	return netlink_request(nl, &req, NULL, NULL);
}

static void put_veth_end(struct buf *req, const struct edit_veth *end)
{
	netlink_put_text(req, IFLA_IFNAME, end->name);
	if (end->mac)
		netlink_put(req, IFLA_ADDRESS, end->mac->bytes, sizeof(end->mac->bytes));
	if (end->master)
		netlink_put_u32(req, IFLA_MASTER, (uint32_t)end->master);
	if (end->netns_fd >= 0)
		netlink_put_u32(req, IFLA_NET_NS_FD, (uint32_t)end->netns_fd);
}

int edit_veth_add(struct netlink *nl, const struct edit_veth *near, const struct edit_veth *far)
{
	char memory[REQUEST_MAX];
	struct buf req = buf_in(memory, sizeof(memory));
	struct ifinfomsg head = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct ifinfomsg peer_head = { 0 }; /* it cannot go up before both exist */
	size_t info, data, peer;

	netlink_begin(&req, RTM_NEWLINK, ADD, &head, sizeof(head));
	put_veth_end(&req, near);
	info = netlink_nest_begin(&req, IFLA_LINKINFO);
	netlink_put_text(&req, IFLA_INFO_KIND, "veth");
	data = netlink_nest_begin(&req, IFLA_INFO_DATA);
	peer = netlink_nest_begin(&req, VETH_INFO_PEER);
	buf_bytes(&req, &peer_head, sizeof(peer_head));
	put_veth_end(&req, far);
	netlink_nest_end(&req, peer);
	netlink_nest_end(&req, data);
	netlink_nest_end(&req, info);
	return netlink_request(nl, &req, NULL, NULL);
}

int edit_link_up(struct netlink *nl, const char *name, bool up)
{
	char memory[REQUEST_MAX];
	struct buf req = buf_in(memory, sizeof(memory));
	struct ifinfomsg head = { .ifi_flags = up ? IFF_UP : 0, .ifi_change = IFF_UP };

	netlink_begin(&req, RTM_NEWLINK, 0, &head, sizeof(head));
	netlink_put_text(&req, IFLA_IFNAME, name);
	return netlink_request(nl, &req, NULL, NULL);
}

int edit_addr_add(struct netlink *nl, int ifindex, const struct prefix *p)
{
	char memory[REQUEST_MAX];
	struct buf req = buf_in(memory, sizeof(memory));
	struct ifaddrmsg head = { .ifa_family = (uint8_t)p->addr.family,
				  .ifa_prefixlen = p->len,
				  .ifa_index = (uint32_t)ifindex };

	netlink_begin(&req, RTM_NEWADDR, ADD, &head, sizeof(head));
	netlink_put(&req, IFA_LOCAL, p->addr.bytes, addr_len(&p->addr));
	netlink_put(&req, IFA_ADDRESS, p->addr.bytes, addr_len(&p->addr));
	if (p->addr.family == AF_INET && p->len < 31) {
		struct addr broadcast = prefix_last(p);

		netlink_put(&req, IFA_BROADCAST, broadcast.bytes, 4);
	}
	netlink_put_u32(&req, IFA_FLAGS, IFA_F_NODAD);
	return netlink_request(nl, &req, NULL, NULL);
}

int edit_route_add(struct netlink *nl, const struct prefix *to, const struct addr *gateway)
{
	char memory[REQUEST_MAX];
	struct buf req = buf_in(memory, sizeof(memory));
	struct addr network = prefix_first(to);
	struct rtmsg head = { .rtm_family = (uint8_t)to->addr.family,
			      .rtm_dst_len = to->len,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = RTPROT_STATIC,
			      .rtm_type = RTN_UNICAST };

	netlink_begin(&req, RTM_NEWROUTE, ADD, &head, sizeof(head));
	if (to->len)
		netlink_put(&req, RTA_DST, network.bytes, addr_len(&network));
	netlink_put(&req, RTA_GATEWAY, gateway->bytes, addr_len(gateway));
	return netlink_request(nl, &req, NULL, NULL);
}

static void begin_qdisc(struct buf *req, int ifindex, const char *kind)
{
	struct tcmsg head = { .tcm_ifindex = ifindex, .tcm_parent = TC_H_ROOT };

	netlink_begin(req, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	netlink_put_text(req, TCA_KIND, kind);
}

/* The bucket holds 10 ms of the rate, at least two full frames with their headers. */
static int set_tbf(struct netlink *nl, int ifindex, uint64_t rate)
{
	char memory[REQUEST_MAX];
	struct buf req = buf_in(memory, sizeof(memory));
	uint64_t burst = MIN(MAX(rate / 100, 2 * 1600ULL), UINT32_MAX / 16);
	struct tc_tbf_qopt opt = {
		.rate = { .rate = (uint32_t)MIN(rate, UINT32_MAX),
			  .linklayer = TC_LINKLAYER_ETHERNET },
		.limit = (uint32_t)(burst + MIN(rate / 5, UINT32_MAX / 2)), /* 200 ms of queue */
	};
	size_t options;

	begin_qdisc(&req, ifindex, "tbf");
	options = netlink_nest_begin(&req, TCA_OPTIONS);
	netlink_put(&req, TCA_TBF_PARMS, &opt, sizeof(opt));
	netlink_put_u32(&req, TCA_TBF_BURST, (uint32_t)burst);
	if (rate > UINT32_MAX)
		netlink_put_u64(&req, TCA_TBF_RATE64, rate);
	netlink_nest_end(&req, options);
	return netlink_request(nl, &req, NULL, NULL);
}

static int set_netem(struct netlink *nl, int ifindex, const struct edit_shape *shape)
{
	char memory[REQUEST_MAX];
	struct buf req = buf_in(memory, sizeof(memory));
	uint64_t rate = shape->rate_bits / 8;
	struct tc_netem_qopt opt = {
		.limit = 1000, /* packets */
		.loss = (uint32_t)llround(shape->loss * UINT32_MAX),
	};
	struct tc_netem_rate netem_rate = { .rate = (uint32_t)MIN(rate, UINT32_MAX) };
	size_t options;
	int err;

	begin_qdisc(&req, ifindex, "netem");
	options = netlink_nest_begin(&req, TCA_OPTIONS);
	buf_bytes(&req, &opt, sizeof(opt));
	netlink_put_u64(&req, TCA_NETEM_LATENCY64, shape->delay_ns);
	if (rate)
		netlink_put(&req, TCA_NETEM_RATE, &netem_rate, sizeof(netem_rate));
	if (rate > UINT32_MAX)
		netlink_put_u64(&req, TCA_NETEM_RATE64, rate);
	netlink_nest_end(&req, options);
	err = netlink_request(nl, &req, NULL, NULL);
	return err == -ENOENT ? -E_UNSUPPORTED : err; /* no such kind of discipline */
}

int edit_shape_set(struct netlink *nl, int ifindex, const struct edit_shape *shape)
{
	if (shape->delay_ns || shape->loss > 0)
		return set_netem(nl, ifindex, shape);
	return shape->rate_bits ? set_tbf(nl, ifindex, shape->rate_bits / 8) : 0;
}
