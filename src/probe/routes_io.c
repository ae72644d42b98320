#include "probe/routes_io.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "host/link.h"
#include "host/route.h"

#define PLACES	   4096 /* a power of two */
#define KEEP_NS	   (5 * NS_PER_S)
#define INTERFACES 64

struct known_route {
	struct addr target;
	uint64_t until_ns;
	int err;
	struct probe_link link;
};

struct known_mac {
	unsigned ifindex;
	uint64_t until_ns;
	struct mac mac; /* zero: not an Ethernet */
};

/* Both caches have one place for each key: another that comes to the same place takes it over. */
struct routes {
	struct netlink *netlink;
	unsigned ifindex;
	struct known_route routes[PLACES];
	struct known_mac macs[INTERFACES];
};

int routes_new(unsigned ifindex, struct routes **ret_routes)
{
	struct routes *r = calloc(1, sizeof(*r));
	int err = r ? netlink_new(&r->netlink) : -ENOMEM;

	if (err) {
		free(r);
		return err;
	}
	r->ifindex = ifindex;
	*ret_routes = r;
	return 0;
}

struct routes *routes_free(struct routes *r)
{
	if (!r)
		return NULL;
	netlink_free(r->netlink);
	free(r);
	return NULL;
}

static struct mac mac_of(struct routes *r, uint64_t now_ns, unsigned ifindex)
{
	struct known_mac *known = &r->macs[ifindex % INTERFACES];
	struct host_link link;

	if (known->ifindex == ifindex && now_ns < known->until_ns)
		return known->mac;
	*known = (struct known_mac){ .ifindex = ifindex, .until_ns = now_ns + KEEP_NS };
	if (!host_link_by_index(r->netlink, ifindex, &link)) {
		if (link.type == ARPHRD_ETHER)
			known->mac = host_hwaddr_mac(&link.address);
		host_link_done(&link);
	}
	return known->mac;
}

static int ask(struct routes *r, uint64_t now_ns, const struct addr *target,
	       struct probe_link *ret_link)
{
	struct host_path path;
	int err = host_route_get(r->netlink, target, r->ifindex, &path);

	if (err)
		return err;
	*ret_link = (struct probe_link){
		.ifindex = path.ifindex,
		.source = path.source,
		.self = path.type == RTN_LOCAL,
		.on_link = path.type == RTN_UNICAST && !path.gateway.family,
	};
	ret_link->mac = mac_of(r, now_ns, path.ifindex);
	return 0;
}

int routes_get(struct routes *r, uint64_t now_ns, const struct addr *target,
	       struct probe_link *ret_link)
{
	static const uint64_t key[2];
	struct known_route *known =
		&r->routes[siphash(key, target->bytes, sizeof(target->bytes)) % PLACES];

	if (!addr_eq(&known->target, target) || now_ns >= known->until_ns) {
		known->link = (struct probe_link){ 0 };
		known->err = ask(r, now_ns, target, &known->link);
		known->target = *target;
		known->until_ns = now_ns + KEEP_NS;
	}
	if (!known->err)
		*ret_link = known->link;
	return known->err;
}
