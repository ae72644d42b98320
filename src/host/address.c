#include "host/address.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "host/array.h"

#ifndef IFA_PROTO /* since Linux 5.18, later than Debian 12's headers */
#define IFA_PROTO 11
#endif

static void read_attr(const struct netlink_attr *a, struct host_address *address,
		      struct addr *local)
{
	struct ifa_cacheinfo info;

	switch (a->type) {
	case IFA_LOCAL:
		*local = netlink_attr_addr(a);
		break;
	case IFA_ADDRESS:
		address->prefix.addr = netlink_attr_addr(a);
		break;
	case IFA_BROADCAST:
		address->broadcast = netlink_attr_addr(a);
		break;
	case IFA_LABEL:
		netlink_attr_text(a, address->label, sizeof(address->label));
		break;
	case IFA_FLAGS: /* the head has only the lowest 8 */
		address->flags = netlink_attr_u32(a);
		break;
	case IFA_PROTO:
		address->protocol = netlink_attr_u8(a);
		break;
	case IFA_CACHEINFO:
		netlink_attr_copy(a, &info, sizeof(info));
		address->valid_s = info.ifa_valid;
		address->preferred_s = info.ifa_prefered;
		break;
	}
}

int host_address_parse(const struct netlink_msg *msg, struct host_address *ret_address)
{
	struct host_address address = { .valid_s = HOST_FOREVER, .preferred_s = HOST_FOREVER };
	struct addr local = { 0 };
	struct ifaddrmsg head;
	struct cursor c = netlink_head(msg, &head, sizeof(head));
	struct netlink_attr a;

	if (c.err)
		return c.err;
	if (head.ifa_family != AF_INET && head.ifa_family != AF_INET6)
		return 0;
	address.ifindex = head.ifa_index;
	address.scope = head.ifa_scope;
	address.flags = head.ifa_flags;
	while (netlink_attr_next(&c, &a))
		read_attr(&a, &address, &local);
	if (c.err)
		return c.err;
	/* IFA_ADDRESS is the far end where IFA_LOCAL says another one. */
	if (local.family) {
		if (!addr_eq(&local, &address.prefix.addr))
			address.peer = address.prefix.addr;
		address.prefix.addr = local;
	}
	address.prefix.len = head.ifa_prefixlen;
	if (address.prefix.addr.family != head.ifa_family ||
	    address.prefix.len > addr_bits(&address.prefix.addr))
		return -E_MALFORMED;
	*ret_address = address;
	return 1;
}

static int take_address(const struct netlink_msg *msg, void *arg)
{
	struct host_addresses *addresses = arg;
	int added;

	if (!msg) {
		addresses->n = 0;
		return 0;
	}
	if (msg->type != RTM_NEWADDR)
		return 0;
	added = array_room(&addresses->items, &addresses->cap, addresses->n,
			   sizeof(*addresses->items), HOST_MAX_ADDRESSES);
	if (!added)
		added = host_address_parse(msg, &addresses->items[addresses->n]);
	if (added > 0) {
		addresses->items[addresses->n].order = (uint32_t)addresses->n;
		addresses->n++;
	}
	return MIN(added, 0);
}

/* The kernel lists one family after the other, IPv4 first. */
static int by_interface(const void *a, const void *b)
{
	const struct host_address *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

int host_addresses_list(struct netlink *nl, uint32_t ifindex, struct host_addresses *ret)
{
	char memory[64];
	struct buf req = buf_in(memory, sizeof(memory));
	struct ifaddrmsg head = { .ifa_family = AF_UNSPEC, .ifa_index = ifindex };
	int err;

	netlink_begin(&req, RTM_GETADDR, 0, &head, sizeof(head));
	err = netlink_dump(nl, &req, take_address, ret);
	if (!err && ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), by_interface);
	return err;
}

void host_addresses_done(struct host_addresses *addresses)
{
	free(addresses->items);
	*addresses = (struct host_addresses){ 0 };
}

const struct host_address *host_addresses_of(const struct host_addresses *addresses,
					     uint32_t ifindex, size_t *ret_n)
{
	size_t low = 0, high = addresses->n, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (addresses->items[middle].ifindex < ifindex)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < addresses->n && addresses->items[end].ifindex == ifindex;)
		end++;
	*ret_n = end - low;
	return end > low ? &addresses->items[low] : NULL;
}
