/*
 * Crafted packets out of an interface. What was not given is the kernel's knowledge: the route
 * tells the source and the next hop, the neighbour table its MAC address. Care for others: global
 * destinations only with --authorized, and no source addresses of others where somebody else would
 * see them.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <time.h>

#include "cli/craft.h"
#include "host/address.h"
#include "host/link.h"
#include "host/neighbour.h"
#include "host/route.h"
#include "io/frame_socket.h"
#include "io/privileges.h"

#define NEIGHBOUR_WAITS	  100
#define NEIGHBOUR_WAIT_NS (10 * NS_PER_MS)
#define SOURCES_MAX	  4096 /* that are checked one by one */

struct craft_sender {
	struct command *cmd;
	struct netlink *netlink;
	struct host_link link;
	struct host_addresses addresses;
	struct frame_socket *socket;
	bool private;	/* nobody else is on this link */
	bool ethernet;	/* it has Ethernet's header */
	bool prepended; /* which the expression does not */
	const struct craft_text *text;

	/* The last ones asked for: packets often go to the same host. */
	struct addr to, hop;
	struct host_path path;
	int path_err;
	struct mac mac;
};

static bool is_ours(const struct craft_sender *s, const struct addr *a)
{
	for (size_t i = 0; i < s->addresses.n; i++)
		if (addr_eq(&s->addresses.items[i].prefix.addr, a))
			return true;
	return false;
}

static bool is_nobody(const struct addr *a)
{
	static const uint8_t zero[16];

	return !memcmp(a->bytes, zero, addr_len(a));
}

/* Source addresses that were given are this machine's own, or none. */
static int check_sources(const struct craft_sender *s, uint8_t protocol, const char *name)
{
	const struct targets *t;
	char text[64];

	for (size_t i = 0; (t = craft_text_addresses(s->text, protocol, name, i)); i++) {
		uint128_t n = targets_count(t);

		for (uint128_t k = 0; k < MIN(n, (uint128_t)SOURCES_MAX + 1); k++) {
			struct addr a = targets_get(t, k);
			struct buf b = buf_in(text, sizeof(text));

			if (k < SOURCES_MAX && (is_ours(s, &a) || is_nobody(&a)))
				continue;
			buf_addr(&b, &a);
			return command_fails(s->cmd, EXIT_USAGE,
					     "%s is not this machine's address, and others on %s "
					     "would be misled: send from an address of its own, on "
					     "a virtual cable (veth, tun), or write to a file "
					     "with -w",
					     buf_cstr(&b), s->link.name);
		}
	}
	return 0;
}

static int check_destinations(const struct craft_sender *s, uint8_t protocol)
{
	const struct targets *t;

	for (size_t i = 0; (t = craft_text_addresses(s->text, protocol, "dst", i)); i++)
		if (!s->cmd->common.authorized && targets_global_exceed(t, 0))
			return command_fails(s->cmd, EXIT_USAGE,
					     "these packets go to public addresses. If those who "
					     "own them have agreed, say so: --authorized");
	return 0;
}

static int check(const struct craft_sender *s)
{
	int status = check_destinations(s, PROTOCOL_IPV4);

	if (!status)
		status = check_destinations(s, PROTOCOL_IPV6);
	if (!status && !s->private)
		status = check_sources(s, PROTOCOL_IPV4, "src");
	if (!status && !s->private)
		status = check_sources(s, PROTOCOL_IPV6, "src");
	if (!status && !s->private)
		status = check_sources(s, PROTOCOL_ARP, "src.proto_ipv4");
	return status;
}

/* Interfaces that lead into this machine. */
static bool is_private(const struct host_link *link)
{
	static const char *const kinds[] = { "veth", "tun", "dummy", "nlmon", "vcan" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(link->kind, kinds[i]))
			return true;
	return link->type == ARPHRD_LOOPBACK;
}

static int open_link(struct craft_sender *s)
{
	const char *name = s->cmd->common.iface;
	uint8_t first = craft_text_first(s->text);
	int err = netlink_new(&s->netlink);

	if (!err)
		err = host_link_by_name(s->netlink, name, &s->link);
	if (err == -ENODEV)
		return command_fails(s->cmd, EXIT_USAGE, "no interface is called '%s'", name);
	if (!err)
		err = host_addresses_list(s->netlink, 0, &s->addresses);
	if (err)
		return command_fails(s->cmd, EXIT_CANNOT, "cannot ask the kernel about %s: %s",
				     name, err_text(err));
	if (!host_link_is_up(&s->link))
		return command_fails(s->cmd, EXIT_CANNOT, "%s is down", name);
	s->private = is_private(&s->link);
	s->ethernet = s->link.type == ARPHRD_ETHER || s->link.type == ARPHRD_LOOPBACK;
	s->prepended = s->ethernet && (first == PROTOCOL_IPV4 || first == PROTOCOL_IPV6);
	if (s->ethernet ? first != PROTOCOL_ETHERNET && !s->prepended
			: first != PROTOCOL_IPV4 && first != PROTOCOL_IPV6)
		return command_fails(s->cmd, EXIT_USAGE,
				     "what leaves through %s begins with %sip or ipv6", name,
				     s->ethernet ? "eth, " : "");
	return 0;
}

int craft_sender_new(struct command *cmd, const struct craft_text *text,
		     struct craft_sender **ret_sender)
{
	struct craft_sender *s = calloc(1, sizeof(*s));
	int status, err;

	if (!s)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	s->cmd = cmd;
	s->text = text;
	status = open_link(s);
	if (!status)
		status = check(s);
	if (!status) {
		err = frame_socket_open(s->link.index, &s->socket);
		if (err)
			status = err == -EPERM
					 ? command_fails(cmd, EXIT_CANNOT,
							 "cannot send frames: not permitted. %s",
							 privileges_advice())
					 : command_fails(cmd, EXIT_CANNOT, "cannot send frames: %s",
							 err_text(err));
	}
	if (status) {
		craft_sender_free(s);
		return status;
	}
	*ret_sender = s;
	return 0;
}

struct craft_sender *craft_sender_free(struct craft_sender *s)
{
	if (!s)
		return NULL;
	frame_socket_free(s->socket);
	host_addresses_done(&s->addresses);
	host_link_done(&s->link);
	if (s->netlink)
		netlink_free(s->netlink);
	free(s);
	return NULL;
}

bool craft_sender_is_frame(const struct craft_sender *s)
{
	return s->ethernet;
}

int craft_sender_begin(const struct craft_sender *s, struct craft *craft)
{
	return s->prepended ? craft_layer(craft, "eth", NULL) : 0;
}

/* The route to an address, of the last one without asking again. */
static int find_path(struct craft_sender *s, const struct addr *to)
{
	if (!addr_eq(&s->to, to)) {
		s->path_err = host_route_get(s->netlink, to, s->link.index, &s->path);
		s->to = *to;
	}
	return s->path_err;
}

/* Waits for what the kernel finds out of a neighbour. */
static int find_mac(struct craft_sender *s, const struct addr *hop, struct mac *ret_mac)
{
	struct timespec pause = { .tv_nsec = NEIGHBOUR_WAIT_NS };
	struct host_neighbour n;
	int err;

	if (addr_eq(&s->hop, hop)) {
		*ret_mac = s->mac;
		return 0;
	}
	for (unsigned i = 0; i < NEIGHBOUR_WAITS; i++) {
		err = host_neighbour_get(s->netlink, hop, s->link.index, &n);
		if (!err && n.address.len == 6 && !(n.state & (NUD_FAILED | NUD_INCOMPLETE))) {
			s->hop = *hop;
			s->mac = *ret_mac = host_hwaddr_mac(&n.address);
			return 0;
		}
		if (!i && (err == -ENOENT || !err))
			err = host_neighbour_resolve(s->netlink, hop, s->link.index);
		if (err && err != -ENOENT)
			return err;
		nanosleep(&pause, NULL);
	}
	return -EHOSTUNREACH;
}

/* RFC 1112 section 6.4, RFC 2464 section 7. */
static struct mac group_mac(const struct addr *to)
{
	struct mac m = { .bytes = { 0x01, 0x00, 0x5e, to->bytes[1] & 0x7f, to->bytes[2],
				    to->bytes[3] } };

	if (to->family == AF_INET6)
		m = (struct mac){ .bytes = { 0x33, 0x33, to->bytes[12], to->bytes[13],
					     to->bytes[14], to->bytes[15] } };
	return m;
}

/* The frame's destination: by the packet's, through the route. */
static int destination(struct craft_sender *s, const struct addr *to, struct mac *ret_mac)
{
	static const struct mac all = { .bytes = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	int err = 0;

	*ret_mac = (struct mac){ 0 };
	if (s->link.type == ARPHRD_LOOPBACK)
		return 0;
	if (to->family == AF_INET && load_be32(to->bytes) == UINT32_MAX) {
		*ret_mac = all;
		return 0;
	}
	if (addr_is_multicast(to)) {
		*ret_mac = group_mac(to);
		return 0;
	}
	err = find_path(s, to);
	if (!err && s->path.type == RTN_BROADCAST)
		*ret_mac = all;
	else if (!err)
		err = find_mac(s, s->path.gateway.family ? &s->path.gateway : to, ret_mac);
	return err;
}

/* The source that the kernel would take. */
static int source(struct craft_sender *s, uint8_t protocol, const struct addr *to, uint8_t *ip)
{
	int err;

	if (craft_text_sets(s->text, protocol, "src"))
		return 0;
	err = find_path(s, to);
	if (!err)
		memcpy(ip + (protocol == PROTOCOL_IPV4 ? 12 : 8), s->path.source.bytes,
		       addr_len(&s->path.source));
	return err;
}

static const struct craft_layer *find_layer(const struct craft *c, uint8_t id)
{
	for (uint32_t i = 0; i < c->n_layers; i++)
		if (c->layers[i].id == id)
			return &c->layers[i];
	return NULL;
}

int craft_sender_complete(struct craft_sender *s, struct craft *craft)
{
	const struct craft_layer *v4 = find_layer(craft, PROTOCOL_IPV4),
				 *v6 = find_layer(craft, PROTOCOL_IPV6);
	const struct craft_layer *ip = !v6 || (v4 && v4 < v6) ? v4 : v6;
	bool frame = s->ethernet, dst_given = craft_text_sets(s->text, PROTOCOL_ETHERNET, "dst");
	struct mac own = host_hwaddr_mac(&s->link.address), mac = { 0 };
	struct addr to = { 0 };
	char text[64];
	struct buf b = buf_in(text, sizeof(text) - 1);
	int err = 0;

	if (ip) {
		const uint8_t *header = craft->bytes + ip->off;

		to = ip == v4 ? addr_ip4(header + 16) : addr_ip6(header + 24);
		if (!craft_text_sets(s->text, ip->id, "dst"))
			return command_fails(s->cmd, EXIT_USAGE, "%s.dst says where to: set it",
					     ip->proto->name);
		err = source(s, ip->id, &to, craft->bytes + ip->off);
		if (!err && frame && !dst_given)
			err = destination(s, &to, &mac);
	} else if (frame && find_layer(craft, PROTOCOL_ARP)) {
		memset(mac.bytes, 0xff, sizeof(mac.bytes));
	}
	if (err) {
		buf_addr(&b, &to);
		return command_fails(s->cmd, EXIT_CANNOT, "%s cannot be reached through %s: %s",
				     buf_cstr(&b), s->link.name, err_text(err));
	}
	if (frame && !dst_given)
		memcpy(craft->bytes, mac.bytes, sizeof(mac.bytes));
	if (frame && !craft_text_sets(s->text, PROTOCOL_ETHERNET, "src"))
		memcpy(craft->bytes + 6, own.bytes, sizeof(own.bytes));
	return 0;
}

int craft_sender_send(struct craft_sender *s, const uint8_t *bytes, size_t len)
{
	uint16_t type = len && bytes[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
	int err = frame_socket_send(s->socket, bytes, len, type);

	if (err == -EMSGSIZE)
		return command_fails(s->cmd, EXIT_CANNOT,
				     "a packet of %zu bytes is too long for %s, which takes %u",
				     len, s->link.name, s->link.mtu);
	return err ? command_fails(s->cmd, EXIT_CANNOT, "cannot send through %s: %s", s->link.name,
				   err_text(err))
		   : 0;
}
