/* What the kernel's messages mean: made by hand, read back, and cut at every byte. */
#include "host/host_test.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "host/address.h"
#include "host/neighbour.h"
#include "host/rates.h"
#include "host/route.h"

static int parse_link(const struct netlink_msg *msg)
{
	struct host_link link = { 0 };
	int err = host_link_parse(msg, &link);

	host_link_done(&link);
	return err;
}

static void test_link(void **state UNUSED)
{
	struct buf b = buf_of(4096);
	struct ifinfomsg head = { .ifi_index = 9, .ifi_flags = IFF_UP };
	struct rtnl_link_stats64 stats = { .rx_bytes = 1ull << 40, .tx_dropped = 5 };
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 9 };
	struct host_link link;
	struct netlink_msg msg;
	size_t outer, inner;

	netlink_begin(&b, RTM_NEWLINK, 0, &head, sizeof(head));
	netlink_put_text(&b, IFLA_IFNAME, "eth0.7");
	netlink_put(&b, IFLA_ADDRESS, mac, sizeof(mac));
	netlink_put_u32(&b, IFLA_LINK, 4);
	netlink_put_u8(&b, IFLA_CARRIER, 1);
	netlink_put_text(&b, IFLA_IFALIAS, "to the roof");
	netlink_put(&b, IFLA_STATS64, &stats, sizeof(stats));
	outer = netlink_nest_begin(&b, IFLA_PROP_LIST);
	netlink_put_text(&b, IFLA_ALT_IFNAME, "first");
	netlink_put_text(&b, IFLA_ALT_IFNAME, "second-and-quite-long-name");
	netlink_nest_end(&b, outer);
	outer = netlink_nest_begin(&b, IFLA_LINKINFO);
	netlink_put_text(&b, IFLA_INFO_KIND, "vlan");
	inner = netlink_nest_begin(&b, IFLA_INFO_DATA);
	netlink_put_u16(&b, IFLA_VLAN_ID, 7);
	netlink_nest_end(&b, inner);
	netlink_nest_end(&b, outer);
	msg = message_in(&b);

	assert_int_equal(host_link_parse(&msg, &link), 0);
	assert_string_equal(link.name, "eth0.7");
	assert_string_equal(host_link_kind(&link), "vlan");
	assert_int_equal(link.vlan, 7);
	assert_int_equal(link.peer, 4);
	assert_int_equal(link.peer_netns, -1);
	assert_string_equal(link.alias, "to the roof");
	assert_true(link.carrier && host_link_is_up(&link));
	assert_int_equal(link.counters.rx_bytes, 1ull << 40);
	assert_int_equal(link.counters.tx_dropped, 5);
	assert_memory_equal(host_hwaddr_mac(&link.address).bytes, mac, 6);
	const char *alt = host_link_alt_name(&link, NULL);
	assert_string_equal(alt, "first");
	alt = host_link_alt_name(&link, alt);
	assert_string_equal(alt, "second-and-quite-long-name");
	assert_null(host_link_alt_name(&link, alt));
	host_link_done(&link);

	cut_everywhere(&msg, parse_link);
	buf_done(&b);
}

static int parse_address(const struct netlink_msg *msg)
{
	struct host_address address;

	return host_address_parse(msg, &address);
}

static void test_address(void **state UNUSED)
{
	char memory[256];
	struct buf b = buf_in(memory, sizeof(memory));
	struct ifaddrmsg head = { .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 3 };
	struct ifa_cacheinfo info = { .ifa_valid = 60, .ifa_prefered = 30 };
	struct addr local = ADDR4(10, 0, 0, 1), peer = ADDR4(10, 0, 0, 2);
	struct host_address address;
	struct netlink_msg msg;

	netlink_begin(&b, RTM_NEWADDR, 0, &head, sizeof(head));
	netlink_put_addr(&b, IFA_ADDRESS, &peer);
	netlink_put_addr(&b, IFA_LOCAL, &local);
	netlink_put_u32(&b, IFA_FLAGS, IFA_F_NOPREFIXROUTE);
	netlink_put(&b, IFA_CACHEINFO, &info, sizeof(info));
	msg = message_in(&b);
	assert_int_equal(host_address_parse(&msg, &address), 1);
	assert_true(addr_eq(&address.prefix.addr, &local));
	assert_true(addr_eq(&address.peer, &peer));
	assert_int_equal(address.prefix.len, 32);
	assert_int_equal(address.valid_s, 60);
	assert_int_equal(address.preferred_s, 30);
	assert_int_equal(address.flags, IFA_F_NOPREFIXROUTE);
	cut_everywhere(&msg, parse_address);

	/* A length that no address has, and an address of the other family. */
	head.ifa_prefixlen = 33;
	memcpy(memory + sizeof(struct nlmsghdr), &head, sizeof(head));
	assert_int_equal(host_address_parse(&msg, &address), -E_MALFORMED);
	head = (struct ifaddrmsg){ .ifa_family = AF_INET6, .ifa_prefixlen = 32 };
	memcpy(memory + sizeof(struct nlmsghdr), &head, sizeof(head));
	assert_int_equal(host_address_parse(&msg, &address), -E_MALFORMED);
}

static int parse_route(const struct netlink_msg *msg)
{
	struct host_routes routes = { 0 };
	int added = host_route_parse(msg, &routes);

	/* What failed has left nothing. */
	assert_int_equal(routes.n, added > 0);
	assert_true(added > 0 || !routes.n_hops);
	host_routes_done(&routes);
	return added;
}

static void put_hop(struct buf *b, int ifindex, unsigned weight, const struct addr *gateway)
{
	size_t start = b->len;
	struct rtnexthop nh = { .rtnh_hops = (uint8_t)(weight - 1), .rtnh_ifindex = ifindex };

	buf_bytes(b, &nh, sizeof(nh));
	netlink_put_addr(b, RTA_GATEWAY, gateway);
	nh.rtnh_len = (unsigned short)(b->len - start);
	memcpy(b->data + start, &nh, sizeof(nh));
}

static void test_multipath_route(void **state UNUSED)
{
	struct buf b = buf_of(1024);
	struct rtmsg head = { .rtm_family = AF_INET,
			      .rtm_dst_len = 8,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_type = RTN_UNICAST };
	struct addr to = ADDR4(10, 0, 0, 0), one = ADDR4(192, 0, 2, 1), two = ADDR4(192, 0, 2, 2);
	struct host_routes routes = { 0 };
	struct netlink_msg msg;
	size_t multipath;

	netlink_begin(&b, RTM_NEWROUTE, 0, &head, sizeof(head));
	netlink_put_addr(&b, RTA_DST, &to);
	netlink_put_u32(&b, RTA_TABLE, 1000);
	multipath = netlink_nest_begin(&b, RTA_MULTIPATH);
	put_hop(&b, 5, 1, &one);
	put_hop(&b, 6, 256, &two);
	netlink_nest_end(&b, multipath);
	msg = message_in(&b);
	assert_int_equal(host_route_parse(&msg, &routes), 1);
	assert_int_equal(host_route_parse(&msg, &routes), 1);
	assert_int_equal(routes.n_hops, 4);
	assert_int_equal(routes.items[1].first_hop, 2);
	assert_int_equal(routes.items[1].n_hops, 2);
	assert_int_equal(routes.items[1].table, 1000);
	assert_int_equal(routes.hops[3].ifindex, 6);
	assert_int_equal(routes.hops[3].weight, 256);
	assert_true(addr_eq(&routes.hops[3].gateway, &two));
	host_routes_done(&routes);
	cut_everywhere(&msg, parse_route);
	buf_done(&b);
}

static void test_route_via_other_family(void **state UNUSED)
{
	char memory[128];
	struct buf b = buf_in(memory, sizeof(memory));
	struct rtmsg head = { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST };
	uint8_t via[2 + 16] = { AF_INET6, 0, 0xfe, 0x80, [17] = 9 };
	struct addr gateway = ADDR6(0xfe80, 9);
	struct host_routes routes = { 0 };
	struct netlink_msg msg;

	netlink_begin(&b, RTM_NEWROUTE, 0, &head, sizeof(head));
	netlink_put(&b, RTA_VIA, via, sizeof(via));
	netlink_put_u32(&b, RTA_OIF, 2);
	msg = message_in(&b);
	assert_int_equal(host_route_parse(&msg, &routes), 1);
	assert_true(addr_eq(&routes.hops[0].gateway, &gateway));
	assert_int_equal(routes.items[0].to.len, 0);
	assert_int_equal(routes.items[0].to.addr.family, AF_INET);
	host_routes_done(&routes);
	cut_everywhere(&msg, parse_route);
}

static int parse_neighbour(const struct netlink_msg *msg)
{
	struct host_neighbour n;

	return host_neighbour_parse(msg, &n);
}

static void test_neighbour(void **state UNUSED)
{
	char memory[256];
	struct buf b = buf_in(memory, sizeof(memory));
	struct ndmsg head = { .ndm_family = AF_INET6,
			      .ndm_ifindex = 3,
			      .ndm_state = NUD_STALE,
			      .ndm_flags = NTF_ROUTER };
	struct nda_cacheinfo info = { .ndm_used = 500, .ndm_confirmed = 1200 };
	struct addr addr = ADDR6(0x2001, 7);
	static const uint8_t lladdr[20] = { 1, 2, 3, [19] = 4 }; /* InfiniBand */
	struct host_neighbour n;
	struct netlink_msg msg;

	netlink_begin(&b, RTM_NEWNEIGH, 0, &head, sizeof(head));
	netlink_put_addr(&b, NDA_DST, &addr);
	netlink_put(&b, NDA_LLADDR, lladdr, sizeof(lladdr));
	netlink_put(&b, NDA_CACHEINFO, &info, sizeof(info));
	msg = message_in(&b);
	assert_int_equal(host_neighbour_parse(&msg, &n), 1);
	assert_true(addr_eq(&n.addr, &addr) && n.router);
	assert_int_equal(n.address.len, 20);
	assert_memory_equal(n.address.bytes, lladdr, 20);
	assert_true(mac_is_zero(&(struct mac){ { 0 } }));
	assert_int_equal(n.used_s, 5);
	assert_int_equal(n.confirmed_s, 12);
	assert_string_equal(host_neighbour_state_name(n.state), "stale");
	cut_everywhere(&msg, parse_neighbour);

	head.ndm_family = AF_BRIDGE;
	memcpy(memory + sizeof(struct nlmsghdr), &head, sizeof(head));
	assert_int_equal(host_neighbour_parse(&msg, &n), 0);
}

/* One interface's counters in this tick. */
static int take_stats(struct host_rates *rates, uint32_t ifindex, uint64_t rx_bytes,
		      uint64_t tx_packets)
{
	char memory[512];
	struct buf b = buf_in(memory, sizeof(memory));
	struct if_stats_msg head = { .ifindex = ifindex };
	struct rtnl_link_stats64 stats = { .rx_bytes = rx_bytes, .tx_packets = tx_packets };
	struct netlink_msg msg;

	netlink_begin(&b, RTM_NEWSTATS, 0, &head, sizeof(head));
	netlink_put(&b, IFLA_STATS_LINK_64, &stats, sizeof(stats));
	msg = message_in(&b);
	return host_rates_parse(&msg, rates);
}

static void test_rates(void **state UNUSED)
{
	struct host_rates r = { 0 };

	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(take_stats(&r, i, 1000 * i, 10), 0);
	host_rates_end(&r);
	assert_true(r.n == 3 && r.items[0].first && !r.items[0].delta.rx_bytes);

	/* The second is gone, a fourth is new; the third's driver began anew; the dump began again.
	 */
	assert_int_equal(take_stats(&r, 1, 1100, 15), 0);
	r.at = 0;
	assert_int_equal(take_stats(&r, 1, 1150, 16), 0);
	assert_int_equal(take_stats(&r, 3, 70, 11), 0);
	assert_int_equal(take_stats(&r, 4, 5, 5), 0);
	host_rates_end(&r);
	assert_int_equal(r.n, 3);
	assert_int_equal(r.items[0].delta.rx_bytes, 150);
	assert_int_equal(r.items[0].delta.tx_packets, 6);
	assert_true(!r.items[0].first && !r.items[0].reset);
	assert_int_equal(r.items[1].ifindex, 3);
	assert_true(r.items[1].reset);
	assert_int_equal(r.items[1].delta.rx_bytes, 70);
	assert_true(r.items[2].first);

	/* In another order than before, and one comes back. */
	assert_int_equal(take_stats(&r, 4, 25, 5), 0);
	assert_int_equal(take_stats(&r, 2, 9, 9), 0);
	assert_int_equal(take_stats(&r, 3, 80, 11), 0);
	assert_int_equal(take_stats(&r, 1, 1150, 17), 0);
	host_rates_end(&r);
	assert_int_equal(r.n, 4);
	assert_int_equal(r.items[0].delta.rx_bytes, 0);
	assert_int_equal(r.items[0].delta.tx_packets, 1);
	assert_int_equal(r.items[1].delta.rx_bytes, 10);
	assert_false(r.items[1].reset);
	assert_int_equal(r.items[2].delta.rx_bytes, 20);
	assert_true(r.items[3].ifindex == 2 && r.items[3].first);
	host_rates_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_multipath_route),
		cmocka_unit_test(test_route_via_other_family),
		cmocka_unit_test(test_neighbour),
		cmocka_unit_test(test_rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
