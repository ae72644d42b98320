/* The machine's network interfaces: what they are, how they are joined, and their counters. */
#ifndef SONDE_HOST_LINK_H
#define SONDE_HOST_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "host/netlink.h"

#define HOST_MAX_LINKS (1u << 20)

/* A link-layer address: 6 bytes on Ethernet, 4 or 16 on tunnels (then an IP address), 20 on
 * InfiniBand. */
struct host_hwaddr {
	uint8_t len; /* 0: none */
	uint8_t bytes[32];
};

/* Since the interface exists; 64 bits. */
struct host_counters {
	uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
	uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
};

struct host_link {
	uint32_t index;
	uint32_t flags;	 /* IFF_*: IFF_UP is what the administrator wants */
	uint32_t mtu;	 /* bytes */
	uint32_t master; /* index of the bridge, bond or VRF it belongs to, or 0 */
	uint32_t
		peer; /* index of a veth's other end, or of the interface beneath a VLAN; 0: none */
	int32_t peer_netns;    /* id of the namespace @peer is in; -1: this one */
	uint32_t tx_queue_len; /* packets */
	uint32_t n_alt_names;
	uint16_t type;	   /* ARPHRD_* */
	uint16_t vlan;	   /* VLAN id of kind "vlan", else 0 */
	uint8_t operstate; /* IF_OPER_* (RFC 2863): what the interface itself says */
	bool carrier;	   /* the cable is in */
	bool tap;	   /* kind "tun" that carries Ethernet frames */
	char name[IFNAMSIZ];
	char kind[24];	    /* "veth", "bridge", "wireguard", ...; "" for hardware and loopback */
	char port_kind[24]; /* as port of its master: "bridge", "bond", "vrf"; "" */
	char qdisc[IFNAMSIZ];
	char *alt_names; /* @n_alt_names texts, one behind the other, each with its NUL; owned */
	char *alias;	 /* the administrator's description, or NULL; owned */
	struct host_hwaddr address, broadcast, permanent;
	struct host_counters counters;
};

/* Ascending by index. */
struct host_links {
	struct host_link *items;
	size_t n, cap;
};

/**
 * host_links_list() - all interfaces, with counters
 * @ret: zeroed by the caller or of an earlier call, whose memory is used again. Free with
 *       host_links_done().
 * Return: 0, -E_FULL beyond HOST_MAX_LINKS, -ENOMEM, or an error of netlink_dump().
 */
MUST_CHECK int host_links_list(struct netlink *nl, struct host_links *ret);
void host_links_done(struct host_links *links);

/* One interface by name or alternative name. Return: 0, -ENODEV, or an error of netlink_request().
 */
MUST_CHECK int host_link_by_name(struct netlink *nl, const char *name, struct host_link *ret_link);
MUST_CHECK int host_link_by_index(struct netlink *nl, uint32_t index, struct host_link *ret_link);
void host_link_done(struct host_link *link);

/* In a list, borrowed; NULL when there is none. O(log n), and O(n). */
struct host_link *host_links_at(const struct host_links *links, uint32_t index);
struct host_link *host_links_named(const struct host_links *links, const char *name);

/**
 * host_link_parse() - read one RTM_NEWLINK or RTM_DELLINK message
 * @ret_link: free with host_link_done(); set only on success
 * Return: 0, -E_MALFORMED, -E_TRUNCATED, -ENOMEM.
 */
MUST_CHECK int host_link_parse(const struct netlink_msg *msg, struct host_link *ret_link);

/* The alternative name behind @previous (NULL: the first), borrowed; NULL at the end. */
const char *host_link_alt_name(const struct host_link *link, const char *previous);

static inline bool host_link_is_up(const struct host_link *link)
{
	return link->flags & IFF_UP;
}

/* The address as a MAC; all zero when it is not one of 6 bytes. */
struct mac host_hwaddr_mac(const struct host_hwaddr *a);

/* "up", "down", "dormant", ... (RFC 2863 ifOperStatus, in iproute2's words). */
const char *host_operstate_name(uint8_t operstate);

/* The kind, or for hardware what it speaks: "ethernet", "loopback", "infiniband", "ppp"; never
 * NULL. */
const char *host_link_kind(const struct host_link *link);

/* Reads a struct rtnl_link_stats64, however long this kernel's is. */
void host_counters_parse(const struct netlink_attr *a, struct host_counters *ret_counters);

#endif
