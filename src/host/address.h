/* The addresses of this machine's interfaces. */
#ifndef SONDE_HOST_ADDRESS_H
#define SONDE_HOST_ADDRESS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "host/netlink.h"

#define HOST_MAX_ADDRESSES (1u << 20)
#define HOST_FOREVER	   UINT32_MAX

struct host_address {
	struct prefix prefix;  /* the address itself with its prefix's length; scope always 0 */
	struct addr peer;      /* the other end of a point-to-point link, or none */
	struct addr broadcast; /* or none */
	uint32_t ifindex;
	uint32_t order;	  /* place in the kernel's list */
	uint32_t flags;	  /* IFA_F_*: tentative, deprecated, temporary, ... */
	uint32_t valid_s; /* seconds from now, HOST_FOREVER */
	uint32_t preferred_s;
	uint8_t scope;	      /* RT_SCOPE_*; host_scope_name() */
	uint8_t protocol;     /* IFAPROT_*: who made it, 0: not told */
	char label[IFNAMSIZ]; /* IPv4: "eth0", "eth0:1" */
};

/* By interface and, within one, as they were added, IPv4 first. */
struct host_addresses {
	struct host_address *items;
	size_t n, cap;
};

/**
 * host_addresses_list() - addresses of both families
 * @ifindex: only this interface's; 0: all
 * @ret: zeroed by the caller or of an earlier call, whose memory is used again. Sorted by
 * interface. Free with host_addresses_done(). Return: 0, -ENODEV, -E_FULL beyond
 * HOST_MAX_ADDRESSES, -ENOMEM, or an error of netlink_dump().
 */
MUST_CHECK int host_addresses_list(struct netlink *nl, uint32_t ifindex,
				   struct host_addresses *ret);
void host_addresses_done(struct host_addresses *addresses);

/* Those of one interface in a list: the first of them and, in @ret_n, how many. NULL and 0 for
 * none. */
const struct host_address *host_addresses_of(const struct host_addresses *addresses,
					     uint32_t ifindex, size_t *ret_n);

/**
 * host_address_parse() - read one RTM_NEWADDR or RTM_DELADDR message
 * Return: 1, 0 when it is not an address of IPv4 or IPv6, -E_MALFORMED, -E_TRUNCATED. @ret_address
 * is set only when 1.
 */
MUST_CHECK int host_address_parse(const struct netlink_msg *msg, struct host_address *ret_address);

#endif
