/* A datagram as the kernel sends them, read by every parser of this folder. */
#include <assert.h>
#include <linux/rtnetlink.h>

#include "host/address.h"
#include "host/neighbour.h"
#include "host/rates.h"
#include "host/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_link(const struct netlink_msg *msg)
{
	struct host_link link;

	if (host_link_parse(msg, &link) < 0)
		return;
	uint32_t n = 0;

	for (const char *alt = NULL; (alt = host_link_alt_name(&link, alt)); n++)
		assert(*alt);
	assert(n == link.n_alt_names);
	assert(memchr(link.name, 0, sizeof(link.name)));
	host_link_done(&link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_of(data, size);
	struct host_routes routes = { 0 };
	struct host_rates rates = { 0 };
	struct host_address address;
	struct host_neighbour neighbour;
	struct netlink_msg msg;

	while (netlink_msg_next(&c, &msg)) {
		read_link(&msg);
		if (host_address_parse(&msg, &address) == 1)
			assert(address.prefix.len <= addr_bits(&address.prefix.addr));
		if (host_neighbour_parse(&msg, &neighbour) == 1)
			assert(addr_len(&neighbour.addr));
		if (host_route_parse(&msg, &routes) == 1) {
			const struct host_route *r = &routes.items[routes.n - 1];

			assert(r->first_hop + r->n_hops == routes.n_hops);
			assert(r->to.len <= addr_bits(&r->to.addr));
		}
		if (host_rates_parse(&msg, &rates) == 0)
			assert(rates.n);
	}
	host_rates_end(&rates);
	host_routes_done(&routes);
	host_rates_done(&rates);
	return 0;
}
