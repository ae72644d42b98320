#include "host/link.h"

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>

#include "host/array.h"

/* The kernel's own limit is what fits a message; nobody has more than a few. */
#define MAX_ALT_NAMES_LEN 65536

void host_counters_parse(const struct netlink_attr *a, struct host_counters *ret_counters)
{
	/* The start of struct rtnl_link_stats64, in its order: this is on the path of every tick.
	 */
	struct {
		uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
		uint64_t rx_errors, tx_errors, rx_dropped, tx_dropped;
	} s;

	netlink_attr_copy(a, &s, sizeof(s));
	*ret_counters = (struct host_counters){
		.rx_bytes = s.rx_bytes,
		.rx_packets = s.rx_packets,
		.rx_errors = s.rx_errors,
		.rx_dropped = s.rx_dropped,
		.tx_bytes = s.tx_bytes,
		.tx_packets = s.tx_packets,
		.tx_errors = s.tx_errors,
		.tx_dropped = s.tx_dropped,
	};
}

/* Appends one name with its NUL to the link's. */
static int add_alt_name(struct host_link *link, size_t *len, const struct netlink_attr *a)
{
	size_t n = strnlen((const char *)a->data, a->len);
	char *grown;

	if (!n || *len + n + 1 > MAX_ALT_NAMES_LEN)
		return n ? -E_FULL : 0;
	grown = realloc(link->alt_names, *len + n + 1);
	if (!grown)
		return -ENOMEM;
	link->alt_names = grown;
	memcpy(grown + *len, a->data, n);
	grown[*len + n] = '\0';
	*len += n + 1;
	link->n_alt_names++;
	return 0;
}

static int read_alt_names(const struct netlink_attr *list, struct host_link *link)
{
	struct cursor c = netlink_attr_nested(list);
	struct netlink_attr a;
	size_t len = 0;
	int err = 0;

	if (link->alt_names) /* a list of them once is what the kernel sends */
		return -E_MALFORMED;
	while (!err && netlink_attr_next(&c, &a))
		if (a.type == IFLA_ALT_IFNAME)
			err = add_alt_name(link, &len, &a);
	return err ? err : c.err;
}

/* IFLA_INFO_DATA, whose meaning depends on the kind, which comes before it. */
static int read_kind_data(const struct netlink_attr *data, struct host_link *link)
{
	bool vlan = !strcmp(link->kind, "vlan"), tun = !strcmp(link->kind, "tun");
	struct cursor c = netlink_attr_nested(data);
	struct netlink_attr a;

	while ((vlan || tun) && netlink_attr_next(&c, &a)) {
		if (vlan && a.type == IFLA_VLAN_ID)
			link->vlan = netlink_attr_u16(&a);
		if (tun && a.type == IFLA_TUN_TYPE)
			link->tap = netlink_attr_u8(&a) == IFF_TAP;
	}
	return c.err;
}

static int read_kind(const struct netlink_attr *info, struct host_link *link)
{
	struct cursor c = netlink_attr_nested(info);
	struct netlink_attr a;
	int err = 0;

	while (!err && netlink_attr_next(&c, &a)) {
		if (a.type == IFLA_INFO_KIND)
			netlink_attr_text(&a, link->kind, sizeof(link->kind));
		else if (a.type == IFLA_INFO_SLAVE_KIND)
			netlink_attr_text(&a, link->port_kind, sizeof(link->port_kind));
		else if (a.type == IFLA_INFO_DATA)
			err = read_kind_data(&a, link);
	}
	return err ? err : c.err;
}

static void read_hwaddr(const struct netlink_attr *a, struct host_hwaddr *ret_addr)
{
	ret_addr->len = (uint8_t)netlink_attr_copy(a, ret_addr->bytes, sizeof(ret_addr->bytes));
}

static int read_alias(const struct netlink_attr *a, struct host_link *link)
{
	free(link->alias);
	link->alias = strndup((const char *)a->data, a->len);
	return link->alias ? 0 : -ENOMEM;
}

static int read_attr(const struct netlink_attr *a, struct host_link *link)
{
	switch (a->type) {
	case IFLA_IFNAME:
		netlink_attr_text(a, link->name, sizeof(link->name));
		break;
	case IFLA_PROP_LIST:
		return read_alt_names(a, link);
	case IFLA_LINKINFO:
		return read_kind(a, link);
	case IFLA_IFALIAS:
		return read_alias(a, link);
	case IFLA_ADDRESS:
		read_hwaddr(a, &link->address);
		break;
	case IFLA_BROADCAST:
		read_hwaddr(a, &link->broadcast);
		break;
	case IFLA_PERM_ADDRESS:
		read_hwaddr(a, &link->permanent);
		break;
	case IFLA_MTU:
		link->mtu = netlink_attr_u32(a);
		break;
	case IFLA_MASTER:
		link->master = netlink_attr_u32(a);
		break;
	case IFLA_LINK:
		link->peer = netlink_attr_u32(a);
		break;
	case IFLA_LINK_NETNSID:
		link->peer_netns = (int32_t)netlink_attr_u32(a);
		break;
	case IFLA_TXQLEN:
		link->tx_queue_len = netlink_attr_u32(a);
		break;
	case IFLA_QDISC:
		netlink_attr_text(a, link->qdisc, sizeof(link->qdisc));
		break;
	case IFLA_OPERSTATE:
		link->operstate = netlink_attr_u8(a);
		break;
	case IFLA_CARRIER:
		link->carrier = netlink_attr_u8(a);
		break;
	case IFLA_STATS64:
		host_counters_parse(a, &link->counters);
		break;
	}
	return 0;
}

int host_link_parse(const struct netlink_msg *msg, struct host_link *ret_link)
{
	struct host_link link = { .peer_netns = -1 };
	struct ifinfomsg head;
	struct cursor c = netlink_head(msg, &head, sizeof(head));
	struct netlink_attr a;
	int err = c.err;

	link.index = (uint32_t)head.ifi_index;
	link.flags = head.ifi_flags;
	link.type = head.ifi_type;
	while (!err && netlink_attr_next(&c, &a))
		err = read_attr(&a, &link);
	if (!err)
		err = c.err;
	if (err)
		host_link_done(&link);
	else
		*ret_link = link;
	return err;
}

void host_link_done(struct host_link *link)
{
	free(link->alt_names);
	free(link->alias);
	*link = (struct host_link){ 0 };
}

static void forget_links(struct host_links *links)
{
	for (size_t i = 0; i < links->n; i++)
		host_link_done(&links->items[i]);
	links->n = 0;
}

void host_links_done(struct host_links *links)
{
	forget_links(links);
	free(links->items);
	*links = (struct host_links){ 0 };
}

static int take_link(const struct netlink_msg *msg, void *arg)
{
	struct host_links *links = arg;
	int err;

	if (!msg) {
		forget_links(links);
		return 0;
	}
	if (msg->type != RTM_NEWLINK)
		return 0;
	err = array_room(&links->items, &links->cap, links->n, sizeof(*links->items),
			 HOST_MAX_LINKS);
	if (!err)
		err = host_link_parse(msg, &links->items[links->n]);
	if (!err)
		links->n++;
	return err;
}

static int by_index(const void *a, const void *b)
{
	uint32_t x = ((const struct host_link *)a)->index, y = ((const struct host_link *)b)->index;

	return (x > y) - (x < y);
}

int host_links_list(struct netlink *nl, struct host_links *ret)
{
	char memory[64];
	struct buf req = buf_in(memory, sizeof(memory));
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	int err;

	netlink_begin(&req, RTM_GETLINK, 0, &head, sizeof(head));
	err = netlink_dump(nl, &req, take_link, ret);
	if (!err && ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), by_index);
	return err;
}

struct host_link *host_links_at(const struct host_links *links, uint32_t index)
{
	struct host_link key = { .index = index };

	if (!links->n)
		return NULL;
	return bsearch(&key, links->items, links->n, sizeof(key), by_index);
}

struct host_link *host_links_named(const struct host_links *links, const char *name)
{
	for (size_t i = 0; i < links->n; i++) {
		struct host_link *link = &links->items[i];

		if (!strcmp(link->name, name))
			return link;
		for (const char *alt = NULL; (alt = host_link_alt_name(link, alt));)
			if (!strcmp(alt, name))
				return link;
	}
	return NULL;
}

struct link_answer {
	struct host_link link;
	bool found;
};

static int take_one(const struct netlink_msg *msg, void *arg)
{
	struct link_answer *answer = arg;
	int err;

	if (msg->type != RTM_NEWLINK || answer->found)
		return 0;
	err = host_link_parse(msg, &answer->link);
	answer->found = !err;
	return err;
}

static int request_link(struct netlink *nl, struct buf *req, struct host_link *ret_link)
{
	struct link_answer answer = { 0 };
	int err = netlink_request(nl, req, take_one, &answer);

	if (!err && !answer.found)
		err = -ENODEV;
	if (!err)
		*ret_link = answer.link;
	else if (answer.found)
		host_link_done(&answer.link);
	return err;
}

int host_link_by_name(struct netlink *nl, const char *name, struct host_link *ret_link)
{
	char memory[256];
	struct buf req = buf_in(memory, sizeof(memory));
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	size_t len = strlen(name);

	if (!len || len >= ALTIFNAMSIZ)
		return -ENODEV;
	netlink_begin(&req, RTM_GETLINK, 0, &head, sizeof(head));
	netlink_put_text(&req, len < IFNAMSIZ ? IFLA_IFNAME : IFLA_ALT_IFNAME, name);
	return request_link(nl, &req, ret_link);
}

int host_link_by_index(struct netlink *nl, uint32_t index, struct host_link *ret_link)
{
	char memory[64];
	struct buf req = buf_in(memory, sizeof(memory));
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };

	if (!index || index > INT32_MAX)
		return -ENODEV;
	netlink_begin(&req, RTM_GETLINK, 0, &head, sizeof(head));
	return request_link(nl, &req, ret_link);
}

const char *host_link_alt_name(const struct host_link *link, const char *previous)
{
	const char *name = link->alt_names;

	if (!previous)
		return link->n_alt_names ? name : NULL;
	for (uint32_t i = 0; i + 1 < link->n_alt_names; i++) {
		bool was = name == previous;

		name += strlen(name) + 1;
		if (was)
			return name;
	}
	return NULL;
}

struct mac host_hwaddr_mac(const struct host_hwaddr *a)
{
	struct mac mac = { { 0 } };

	if (a->len == sizeof(mac.bytes))
		memcpy(mac.bytes, a->bytes, sizeof(mac.bytes));
	return mac;
}

const char *host_operstate_name(uint8_t operstate)
{
	static const char *const names[] = {
		[IF_OPER_UNKNOWN] = "unknown", [IF_OPER_NOTPRESENT] = "notpresent",
		[IF_OPER_DOWN] = "down",       [IF_OPER_LOWERLAYERDOWN] = "lowerlayerdown",
		[IF_OPER_TESTING] = "testing", [IF_OPER_DORMANT] = "dormant",
		[IF_OPER_UP] = "up",
	};

	return operstate < ARRAY_LEN(names) ? names[operstate] : "unknown";
}

const char *host_link_kind(const struct host_link *link)
{
	if (link->kind[0])
		return link->kind;
	switch (link->type) {
	case ARPHRD_ETHER:
		return "ethernet";
	case ARPHRD_LOOPBACK:
		return "loopback";
	case ARPHRD_INFINIBAND:
		return "infiniband";
	case ARPHRD_PPP:
		return "ppp";
	case ARPHRD_CAN:
		return "can";
	case ARPHRD_IEEE80211:
	case ARPHRD_IEEE80211_RADIOTAP:
		return "wlan";
	default:
		return "other";
	}
}
