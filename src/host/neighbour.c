#include "host/neighbour.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "host/array.h"

static void read_attr(const struct netlink_attr *a, struct host_neighbour *n)
{
	struct nda_cacheinfo info;

	switch (a->type) {
	case NDA_DST:
		n->addr = netlink_attr_addr(a);
		break;
	case NDA_LLADDR:
		n->address.len =
			(uint8_t)netlink_attr_copy(a, n->address.bytes, sizeof(n->address.bytes));
		break;
	case NDA_PROBES:
		n->probes = netlink_attr_u32(a);
		break;
	case NDA_CACHEINFO: /* in clock ticks of 1/100 s */
		netlink_attr_copy(a, &info, sizeof(info));
		n->used_s = info.ndm_used / 100;
		n->confirmed_s = info.ndm_confirmed / 100;
		n->updated_s = info.ndm_updated / 100;
		break;
	}
}

int host_neighbour_parse(const struct netlink_msg *msg, struct host_neighbour *ret_neighbour)
{
	struct host_neighbour n = { 0 };
	struct ndmsg head;
	struct cursor c = netlink_head(msg, &head, sizeof(head));
	struct netlink_attr a;

	if (c.err)
		return c.err;
	if (head.ndm_family != AF_INET && head.ndm_family != AF_INET6)
		return 0;
	n.ifindex = (uint32_t)head.ndm_ifindex;
	n.state = head.ndm_state;
	n.flags = head.ndm_flags;
	n.router = head.ndm_flags & NTF_ROUTER;
	while (netlink_attr_next(&c, &a))
		read_attr(&a, &n);
	if (c.err)
		return c.err;
	if (n.addr.family != head.ndm_family)
		return -E_MALFORMED;
	*ret_neighbour = n;
	return 1;
}

static int take_neighbour(const struct netlink_msg *msg, void *arg)
{
	struct host_neighbours *list = arg;
	int added;

	if (!msg) {
		list->n = 0;
		return 0;
	}
	if (msg->type != RTM_NEWNEIGH)
		return 0;
	added = array_room(&list->items, &list->cap, list->n, sizeof(*list->items),
			   HOST_MAX_NEIGHBOURS);
	if (!added)
		added = host_neighbour_parse(msg, &list->items[list->n]);
	if (added > 0)
		list->n++;
	return MIN(added, 0);
}

int host_neighbours_list(struct netlink *nl, uint32_t ifindex, struct host_neighbours *ret)
{
	char memory[64];
	struct buf req = buf_in(memory, sizeof(memory));
	struct ndmsg head = { .ndm_family = AF_UNSPEC };

	netlink_begin(&req, RTM_GETNEIGH, 0, &head, sizeof(head));
	if (ifindex)
		netlink_put_u32(&req, NDA_IFINDEX, ifindex);
	return netlink_dump(nl, &req, take_neighbour, ret);
}

void host_neighbours_done(struct host_neighbours *neighbours)
{
	free(neighbours->items);
	*neighbours = (struct host_neighbours){ 0 };
}

struct neighbour_answer {
	struct host_neighbour neighbour;
	bool found;
};

static int take_one(const struct netlink_msg *msg, void *arg)
{
	struct neighbour_answer *answer = arg;
	int found = 0;

	if (msg->type == RTM_NEWNEIGH)
		found = host_neighbour_parse(msg, &answer->neighbour);
	answer->found |= found > 0;
	return MIN(found, 0);
}

int host_neighbour_get(struct netlink *nl, const struct addr *addr, uint32_t ifindex,
		       struct host_neighbour *ret_neighbour)
{
	char memory[128];
	struct buf req = buf_in(memory, sizeof(memory));
	struct ndmsg head = { .ndm_family = (uint8_t)addr->family, .ndm_ifindex = (int)ifindex };
	struct neighbour_answer answer = { 0 };
	int err;

	if (!addr_len(addr))
		return -E_RANGE;
	netlink_begin(&req, RTM_GETNEIGH, 0, &head, sizeof(head));
	netlink_put_addr(&req, NDA_DST, addr);
	err = netlink_request(nl, &req, take_one, &answer);
	if (!err && !answer.found)
		err = -ENOENT;
	if (!err)
		*ret_neighbour = answer.neighbour;
	return err;
}

int host_neighbour_resolve(struct netlink *nl, const struct addr *addr, uint32_t ifindex)
{
	char memory[128];
	struct buf req = buf_in(memory, sizeof(memory));
	struct ndmsg head = { .ndm_family = (uint8_t)addr->family,
			      .ndm_ifindex = (int)ifindex,
			      .ndm_state = NUD_NONE,
			      .ndm_flags = NTF_USE };

	if (!addr_len(addr))
		return -E_RANGE;
	netlink_begin(&req, RTM_NEWNEIGH, NLM_F_CREATE, &head, sizeof(head));
	netlink_put_addr(&req, NDA_DST, addr);
	return netlink_request(nl, &req, NULL, NULL);
}

const char *host_neighbour_state_name(uint16_t state)
{
	switch (state) {
	case NUD_INCOMPLETE:
		return "incomplete";
	case NUD_REACHABLE:
		return "reachable";
	case NUD_STALE:
		return "stale";
	case NUD_DELAY:
		return "delay";
	case NUD_PROBE:
		return "probe";
	case NUD_FAILED:
		return "failed";
	case NUD_NOARP:
		return "noarp";
	case NUD_PERMANENT:
		return "permanent";
	default:
		return "none";
	}
}
