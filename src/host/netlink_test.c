/* Building and walking messages; requests to the kernel that this test runs on. */
#include "host/host_test.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "host/link.h"
#include "host/route.h"

static void test_attributes(void **state UNUSED)
{
	char memory[256];
	struct buf b = buf_in(memory, sizeof(memory));
	struct ifinfomsg head = { .ifi_index = 7 }, back;
	struct netlink_attr a;
	struct netlink_msg msg;
	struct cursor c, inner;
	char text[4];
	size_t outer;

	netlink_begin(&b, RTM_NEWLINK, NLM_F_CREATE, &head, sizeof(head));
	netlink_put_u8(&b, 1, 0xab);
	netlink_put_u16(&b, 2, 0xabcd);
	netlink_put_u32(&b, 3, 0xabcdef01);
	netlink_put_u64(&b, 4, 0x123456789abcdef0);
	outer = netlink_nest_begin(&b, 5);
	netlink_put_text(&b, 6, "veth0");
	netlink_nest_end(&b, outer);
	msg = message_in(&b);
	assert_int_equal(msg.type, RTM_NEWLINK);
	assert_int_equal(b.len % 4, 0);

	c = netlink_head(&msg, &back, sizeof(back));
	assert_memory_equal(&back, &head, sizeof(head));
	assert_true(netlink_attr_next(&c, &a));
	assert_int_equal(netlink_attr_u8(&a), 0xab);
	assert_int_equal(netlink_attr_u32(&a), 0); /* of another length */
	assert_true(netlink_attr_next(&c, &a));
	assert_int_equal(netlink_attr_u16(&a), 0xabcd);
	assert_true(netlink_attr_next(&c, &a));
	assert_int_equal(netlink_attr_u32(&a), 0xabcdef01);
	assert_true(netlink_attr_next(&c, &a));
	assert_int_equal(netlink_attr_u64(&a), 0x123456789abcdef0);
	assert_true(netlink_attr_next(&c, &a));
	assert_int_equal(a.type, 5);
	inner = netlink_attr_nested(&a);
	assert_true(netlink_attr_next(&inner, &a));
	netlink_attr_text(&a, text, sizeof(text));
	assert_string_equal(text, "vet"); /* cut to fit */
	assert_false(netlink_attr_next(&inner, &a));
	assert_false(netlink_attr_next(&c, &a));
	assert_int_equal(c.err, 0);
}

static void test_too_large(void **state UNUSED)
{
	struct buf b = buf_of(200000);
	static char large[70000];
	struct ifinfomsg head = { 0 };

	netlink_begin(&b, RTM_NEWLINK, 0, &head, sizeof(head));
	netlink_put(&b, 1, large, sizeof(large));
	assert_int_equal(b.err, -E_FULL);
	buf_done(&b);
}

static void test_impossible_lengths(void **state UNUSED)
{
	static const uint16_t lengths[] = { 0, 3, 9, 0xffff };

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		uint8_t bytes[8] = { 0 };
		struct netlink_attr a;
		struct cursor c = cursor_of(bytes, sizeof(bytes));

		memcpy(bytes, &lengths[i], 2);
		assert_false(netlink_attr_next(&c, &a));
		assert_int_equal(c.err, -E_MALFORMED);
	}
	for (uint32_t len = 0; len < 40; len++) {
		uint8_t bytes[32] = { 0 };
		struct netlink_msg msg;
		struct cursor c = cursor_of(bytes, sizeof(bytes));

		memcpy(bytes, &len, 4);
		assert_int_equal(netlink_msg_next(&c, &msg), len >= 16 && len <= 32);
		assert_int_equal(c.err, len >= 16 && len <= 32 ? 0 : -E_MALFORMED);
	}
}

static void test_refusal_says_why(void **state UNUSED)
{
	struct netlink *nl;
	struct host_link link;
	char memory[64];
	struct buf b = buf_in(memory, sizeof(memory));
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC };

	assert_int_equal(netlink_new(&nl), 0);
	assert_int_equal(host_link_by_name(nl, "no-such-link", &link), -ENODEV);
	assert_string_equal(netlink_error(nl), err_text(-ENODEV));
	assert_int_equal(host_link_by_name(nl, "", &link), -ENODEV);

	/* Strict checking: a dump with an index is refused, in the kernel's own words. */
	head.ifi_index = 1;
	netlink_begin(&b, RTM_GETLINK, NLM_F_DUMP, &head, sizeof(head));
	assert_int_equal(netlink_request(nl, &b, NULL, NULL), -EINVAL);
	assert_string_not_equal(netlink_error(nl), err_text(-EINVAL));

	/* The socket is as good as before. */
	assert_int_equal(host_link_by_name(nl, "lo", &link), 0);
	host_link_done(&link);
	netlink_free(nl);
	assert_null(netlink_free(NULL));
}

static void test_request_that_did_not_fit(void **state UNUSED)
{
	struct netlink *nl;
	char memory[20];
	struct buf b = buf_in(memory, sizeof(memory));
	struct ifinfomsg head = { 0 };

	assert_int_equal(netlink_new(&nl), 0);
	netlink_begin(&b, RTM_GETLINK, 0, &head, sizeof(head));
	assert_int_equal(netlink_request(nl, &b, NULL, NULL), -E_FULL);
	netlink_free(nl);
}

static void test_loopback(void **state UNUSED)
{
	struct addr loopback = ADDR4(127, 0, 0, 1);
	struct host_links links = { 0 };
	struct host_link link;
	struct host_path path;
	struct netlink *nl;

	assert_int_equal(netlink_new(&nl), 0);
	assert_int_equal(host_link_by_name(nl, "lo", &link), 0);
	assert_string_equal(host_link_kind(&link), "loopback");
	assert_int_equal(link.index, if_nametoindex("lo"));
	assert_int_equal(host_links_list(nl, &links), 0);
	assert_ptr_equal(host_links_named(&links, "lo"), host_links_at(&links, link.index));
	assert_null(host_links_named(&links, "no-such-link"));
	assert_null(host_links_at(&links, 0));
	if (host_link_is_up(&link)) {
		assert_int_equal(host_route_get(nl, &loopback, 0, &path), 0);
		assert_int_equal(path.ifindex, link.index);
		assert_true(addr_eq(&path.source, &loopback));
		assert_int_equal(path.type, RTN_LOCAL);
	}
	host_link_done(&link);
	host_links_done(&links);
	netlink_free(nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_impossible_lengths),
		cmocka_unit_test(test_refusal_says_why),
		cmocka_unit_test(test_request_that_did_not_fit),
		cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
