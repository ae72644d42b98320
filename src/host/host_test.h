/* Hand-made kernel messages for the tests of this folder. */
#ifndef SONDE_HOST_HOST_TEST_H
#define SONDE_HOST_HOST_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/netlink.h"

#define ADDR4(a, b, c, d) addr_ip4((const uint8_t[]){ a, b, c, d })
#define ADDR6(first, last)                                                                         \
	addr_ip6((const uint8_t[]){ (first) >> 8, (first)&255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
				    0, last })

/* The message in a buffer that netlink_begin() and netlink_put() have filled. */
static inline struct netlink_msg message_in(const struct buf *b)
{
	struct nlmsghdr h;

	assert_int_equal(b->err, 0);
	memcpy(&h, b->data, sizeof(h));
	return (struct netlink_msg){ .type = h.nlmsg_type,
				     .data = (const uint8_t *)b->data + sizeof(h),
				     .len = b->len - sizeof(h) };
}

/*
 * Gives @parse the message cut at every byte, each time in memory of exactly that size, so that the
 * address sanitizer sees a read beyond it. It frees what it got.
 */
static inline void cut_everywhere(const struct netlink_msg *msg,
				  int (*parse)(const struct netlink_msg *msg))
{
	for (size_t len = 0; len < msg->len; len++) {
		uint8_t *copy = malloc(len ? len : 1);
		struct netlink_msg cut = { .type = msg->type, .data = copy, .len = len };

		assert_non_null(copy);
		memcpy(copy, msg->data, len);
		(void)parse(&cut);
		free(copy);
	}
	assert_true(parse(msg) >= 0);
}

#endif
