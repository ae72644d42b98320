/* sonde ifaces: the interfaces and their addresses, as a list and one in full. */
#include <linux/if_addr.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/ifaces.h"
#include "host/route.h"

/* An interface has hardly more; the rest is in the address records. */
#define ADDRESSES_SHOWN 64
#define NAMES_SHOWN	32

enum {
	NAME,
	KIND,
	UP,
	CARRIER,
	OPERSTATE,
	MAC,
	MTU,
	RX_BYTES,
	TX_BYTES,
	ADDRESSES,
	INDEX,
	ALT_NAMES,
	ALIAS,
	LINK_ADDRESS,
	PERMANENT_MAC,
	MASTER,
	PORT_KIND,
	PEER,
	PEER_INDEX,
	PEER_NETNS,
	VLAN,
	TUN_MODE,
	QDISC,
	TX_QUEUE_LEN,
	RX_PACKETS,
	RX_ERRORS,
	RX_DROPPED,
	TX_PACKETS,
	TX_ERRORS,
	TX_DROPPED,
	N_INTERFACE,
};

static const struct out_column interface_columns[] = {
	[NAME] = { "name", OUT_TEXT, .about = "name" },
	[KIND] = { "kind", OUT_TEXT, .about = "veth, bridge, wireguard, ...; ethernet, loopback" },
	[UP] = { "up", OUT_BOOL, .about = "the administrator wants it up" },
	[CARRIER] = { "carrier", OUT_BOOL, .minor = 1,
		      .about = "the cable is in; absent while it is not up" },
	[OPERSTATE] = { "operstate", OUT_TEXT, .title = "STATE",
			.about = "what it says of itself (RFC 2863)" },
	[MAC] = { "mac", OUT_MAC, .about = "MAC address" },
	[MTU] = { "mtu", OUT_UINT, .minor = 2, .about = "largest packet, in bytes" },
	[RX_BYTES] = { "rx_bytes", OUT_BYTES, .title = "RECEIVED", .minor = 3,
		       .about = "bytes received since the interface exists" },
	[TX_BYTES] = { "tx_bytes", OUT_BYTES, .title = "SENT", .minor = 3, .about = "bytes sent" },
	[ADDRESSES] = { "addresses", OUT_PREFIX, .repeated = true, .width = 28,
			.about = "IP addresses" },
	[INDEX] = { "index", OUT_UINT, .extra = true, .about = "the kernel's number for it" },
	[ALT_NAMES] = { "alt_names", OUT_TEXT, .repeated = true, .extra = true,
			.about = "alternative names" },
	[ALIAS] = { "alias", OUT_TEXT, .extra = true, .about = "the administrator's description" },
	[LINK_ADDRESS] = { "link_address", OUT_TEXT, .extra = true,
			   .about = "link-layer address of any length, in hexadecimal" },
	[PERMANENT_MAC] = { "permanent_mac", OUT_MAC, .extra = true,
			    .about = "the MAC address burned in" },
	[MASTER] = { "master", OUT_TEXT, .extra = true,
		     .about = "the bridge, bond or VRF it belongs to" },
	[PORT_KIND] = { "port_kind", OUT_TEXT, .extra = true, .about = "the kind of that master" },
	[PEER] = { "peer", OUT_TEXT, .extra = true,
		   .about =
			   "a veth's other end, or the interface beneath, when in this namespace" },
	[PEER_INDEX] = { "peer_index", OUT_UINT, .extra = true, .about = "the index of the peer" },
	[PEER_NETNS] = { "peer_netns", OUT_INT, .extra = true,
			 .about = "id of the network namespace that the peer is in" },
	[VLAN] = { "vlan", OUT_UINT, .extra = true, .about = "VLAN id" },
	[TUN_MODE] = { "tun_mode", OUT_TEXT, .extra = true,
		       .about = "tun (packets) or tap (frames)" },
	[QDISC] = { "qdisc", OUT_TEXT, .extra = true, .about = "queueing discipline" },
	[TX_QUEUE_LEN] = { "tx_queue_len", OUT_UINT, .extra = true,
			   .about = "packets that may wait to be sent" },
	[RX_PACKETS] = { "rx_packets", OUT_UINT, .extra = true, .about = "packets received" },
	[RX_ERRORS] = { "rx_errors", OUT_UINT, .extra = true, .about = "bad packets received" },
	[RX_DROPPED] = { "rx_dropped", OUT_UINT, .extra = true,
			 .about = "good packets received and dropped" },
	[TX_PACKETS] = { "tx_packets", OUT_UINT, .extra = true, .about = "packets sent" },
	[TX_ERRORS] = { "tx_errors", OUT_UINT, .extra = true,
			.about = "packets not sent, by error" },
	[TX_DROPPED] = { "tx_dropped", OUT_UINT, .extra = true,
			 .about = "packets not sent, dropped" },
};

const struct out_type ifaces_interface_type = { "interface", interface_columns, N_INTERFACE };

enum {
	A_INTERFACE,
	A_ADDRESS,
	A_SCOPE,
	A_VALID,
	A_PREFERRED,
	A_FLAGS,
	A_BROADCAST,
	A_PEER,
	A_LABEL,
	N_ADDRESS,
};

static const struct out_column address_columns[] = {
	[A_INTERFACE] = { "interface", OUT_TEXT, .about = "the interface that has it" },
	[A_ADDRESS] = { "address", OUT_PREFIX, .about = "address and length of its prefix" },
	[A_SCOPE] = { "scope", OUT_TEXT, .about = "how far it is valid: global, link, host" },
	[A_VALID] = { "valid_s", OUT_UINT, .title = "VALID",
		      .about = "seconds until it is taken away; absent: forever" },
	[A_PREFERRED] = { "preferred_s", OUT_UINT, .title = "PREFERRED",
			  .about = "seconds until nothing new uses it; absent: forever" },
	[A_FLAGS] = { "flags", OUT_TEXT, .repeated = true,
		      .about = "permanent, temporary, tentative, deprecated, ..." },
	[A_BROADCAST] = { "broadcast", OUT_ADDR, .extra = true, .about = "broadcast address" },
	[A_PEER] = { "peer", OUT_ADDR, .extra = true,
		     .about = "the other end of a point-to-point link" },
	[A_LABEL] = { "label", OUT_TEXT, .extra = true, .about = "label of an IPv4 address" },
};

const struct out_type ifaces_address_type = { "address", address_columns, N_ADDRESS };

static void put_counters(struct out_value *row, const struct host_counters *c)
{
	row[RX_BYTES] = out_uint(c->rx_bytes);
	row[RX_PACKETS] = out_uint(c->rx_packets);
	row[RX_ERRORS] = out_uint(c->rx_errors);
	row[RX_DROPPED] = out_uint(c->rx_dropped);
	row[TX_BYTES] = out_uint(c->tx_bytes);
	row[TX_PACKETS] = out_uint(c->tx_packets);
	row[TX_ERRORS] = out_uint(c->tx_errors);
	row[TX_DROPPED] = out_uint(c->tx_dropped);
}

/* What an interface is joined to. @spare: 16 bytes that live as long as @row. */
static void put_relations(struct out_value *row, const struct host_links *links,
			  const struct host_link *link, char *spare)
{
	bool here = link->peer && link->peer_netns < 0;
	const struct host_link *peer = here ? host_links_at(links, link->peer) : NULL;

	row[MASTER] = out_text(ifaces_name(links, link->master, spare));
	if (link->port_kind[0])
		row[PORT_KIND] = out_text(link->port_kind);
	if (peer)
		row[PEER] = out_text(peer->name);
	if (link->peer)
		row[PEER_INDEX] = out_uint(link->peer);
	if (link->peer && !here)
		row[PEER_NETNS] = out_int(link->peer_netns);
	if (link->vlan)
		row[VLAN] = out_uint(link->vlan);
	if (!strcmp(link->kind, "tun"))
		row[TUN_MODE] = out_text(link->tap ? "tap" : "tun");
}

/* What changes of its own accord: green is carrying, yellow up without carrier, grey down. */
static void put_state(struct out_value *row, const struct host_link *link)
{
	bool up = host_link_is_up(link);
	enum out_style style = !up ? OUT_DIM : link->carrier ? OUT_GOOD : OUT_WARN;

	row[UP] = out_styled(out_bool(up), style);
	if (up)
		row[CARRIER] = out_styled(out_bool(link->carrier), style);
	row[OPERSTATE] = out_styled(out_text(host_operstate_name(link->operstate)), style);
}

static void record_interface(struct ifaces *x, const struct host_link *link,
			     const struct host_addresses *addresses)
{
	struct out_value row[N_INTERFACE] = { 0 };
	struct out_value prefixes[ADDRESSES_SHOWN], names[NAMES_SHOWN];
	char hex[3 * sizeof(link->address.bytes)], spare[16];
	struct buf b = buf_in(hex, sizeof(hex));
	struct mac mac = host_hwaddr_mac(&link->address),
		   burned = host_hwaddr_mac(&link->permanent);
	size_t n, n_names = 0, n_prefixes = 0;
	const struct host_address *a = host_addresses_of(addresses, link->index, &n);

	for (size_t i = 0; i < n && n_prefixes < ADDRESSES_SHOWN; i++)
		if (ifaces_wants_family(x, a[i].prefix.addr.family))
			prefixes[n_prefixes++] = out_prefix(&a[i].prefix);
	for (const char *alt = NULL;
	     n_names < NAMES_SHOWN && (alt = host_link_alt_name(link, alt));)
		names[n_names++] = out_text(alt);
	buf_hex(&b, link->address.bytes, link->address.len, ':');
	row[NAME] = out_text(link->name);
	row[KIND] = out_text(host_link_kind(link));
	put_state(row, link);
	row[MAC] = out_mac(&mac);
	row[MTU] = out_uint(link->mtu);
	row[ADDRESSES] = out_list(prefixes, n_prefixes);
	row[INDEX] = out_uint(link->index);
	row[ALT_NAMES] = out_list(names, n_names);
	row[ALIAS] = out_text(link->alias);
	row[LINK_ADDRESS] = out_text_n(b.len ? hex : NULL, b.len);
	row[PERMANENT_MAC] = out_mac(&burned);
	row[QDISC] = out_text(link->qdisc[0] ? link->qdisc : NULL);
	row[TX_QUEUE_LEN] = out_uint(link->tx_queue_len);
	put_relations(row, &x->links, link, spare);
	put_counters(row, &link->counters);
	out_record(x->cmd->out, &ifaces_interface_type, row);
}

/* The names of the bits that are set. Return: how many. */
static size_t address_flags(uint32_t flags, struct out_value names[static 16])
{
	static const struct {
		uint32_t bit;
		const char *name;
	} known[] = {
		{ IFA_F_SECONDARY, "secondary" },	{ IFA_F_NODAD, "nodad" },
		{ IFA_F_OPTIMISTIC, "optimistic" },	{ IFA_F_DADFAILED, "dadfailed" },
		{ IFA_F_HOMEADDRESS, "home" },		{ IFA_F_DEPRECATED, "deprecated" },
		{ IFA_F_TENTATIVE, "tentative" },	{ IFA_F_PERMANENT, "permanent" },
		{ IFA_F_MANAGETEMPADDR, "mngtmpaddr" }, { IFA_F_NOPREFIXROUTE, "noprefixroute" },
		{ IFA_F_MCAUTOJOIN, "autojoin" },	{ IFA_F_STABLE_PRIVACY, "stable-privacy" },
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (flags & known[i].bit)
			names[n++] = out_text(known[i].name);
	return n;
}

static void record_address(struct ifaces *x, const struct host_address *a)
{
	struct out_value row[N_ADDRESS] = { 0 }, flags[16];
	char spare[16], scope[16];

	row[A_INTERFACE] = out_text(ifaces_name(&x->links, a->ifindex, spare));
	row[A_ADDRESS] = out_prefix(&a->prefix);
	row[A_SCOPE] = out_text(ifaces_number_name(host_scope_name(a->scope), a->scope, scope));
	if (a->valid_s != HOST_FOREVER)
		row[A_VALID] = out_uint(a->valid_s);
	if (a->preferred_s != HOST_FOREVER)
		row[A_PREFERRED] = out_uint(a->preferred_s);
	row[A_FLAGS] = out_list(flags, address_flags(a->flags, flags));
	row[A_BROADCAST] = out_addr(&a->broadcast);
	row[A_PEER] = out_addr(&a->peer);
	row[A_LABEL] = out_text(a->label[0] ? a->label : NULL);
	out_record(x->cmd->out, &ifaces_address_type, row);
}

/* Records of the addresses that were asked for. Return: how many. */
static size_t record_addresses(struct ifaces *x, const struct host_addresses *addresses)
{
	size_t n = 0;

	for (size_t i = 0; i < addresses->n; i++) {
		const struct host_address *a = &addresses->items[i];

		if (!ifaces_wants(x, a->ifindex) || !ifaces_wants_family(x, a->prefix.addr.family))
			continue;
		record_address(x, a);
		n++;
	}
	return n;
}

static void line_names(struct out *out, const struct host_link *link)
{
	for (const char *alt = NULL; (alt = host_link_alt_name(link, alt));)
		out_line(out, "  also named  %s", alt);
	if (link->alias) {
		char text[1024];
		struct buf b = buf_in(text, sizeof(text));

		buf_safe(&b, link->alias, strlen(link->alias));
		out_line(out, "  described   %.*s", (int)b.len, text);
	}
}

static void line_relations(struct out *out, const struct host_links *links,
			   const struct host_link *link)
{
	const struct host_link *master = host_links_at(links, link->master);
	const struct host_link *peer = host_links_at(links, link->peer);

	if (master)
		out_line(out, "  belongs to  %s (%s)", master->name, host_link_kind(master));
	if (link->vlan)
		out_line(out, "  VLAN        %u", link->vlan);
	if (link->peer && link->peer_netns >= 0)
		out_line(out, "  peer        index %u in network namespace %d", link->peer,
			 link->peer_netns);
	else if (peer)
		out_line(out, "  %s %s", strcmp(link->kind, "veth") ? "built upon " : "peer       ",
			 peer->name);
}

static void line_counters(struct out *out, const char *way, uint64_t bytes, uint64_t packets,
			  uint64_t errors, uint64_t dropped)
{
	out_line(out, "  %-11s %lu bytes, %lu packets, %lu errors, %lu dropped", way,
		 (unsigned long)bytes, (unsigned long)packets, (unsigned long)errors,
		 (unsigned long)dropped);
}

/* One interface in full, for people; its addresses follow as a table. */
static void line_detail(struct ifaces *x, const struct host_link *link)
{
	const struct host_counters *c = &link->counters;
	struct out *out = x->cmd->out;
	char hex[3 * sizeof(link->address.bytes)];
	struct buf b = buf_in(hex, sizeof(hex));
	bool up = host_link_is_up(link);

	buf_hex(&b, link->address.bytes, link->address.len, ':');
	out_line(out, "%s: %s%s, index %u", link->name, host_link_kind(link),
		 link->tap ? " (tap)" : "", link->index);
	out_line(out, "  state       %s%s, operstate %s", up ? "up" : "down",
		 !up		 ? ""
		 : link->carrier ? ", carrier"
				 : ", no carrier",
		 host_operstate_name(link->operstate));
	line_names(out, link);
	if (b.len)
		out_line(out, "  %-11s %.*s", link->address.len == 6 ? "MAC" : "address",
			 (int)b.len, hex);
	out_line(out, "  MTU         %u bytes", link->mtu);
	line_relations(out, &x->links, link);
	if (link->qdisc[0])
		out_line(out, "  queue       %s, %u packets", link->qdisc, link->tx_queue_len);
	line_counters(out, "received", c->rx_bytes, c->rx_packets, c->rx_errors, c->rx_dropped);
	line_counters(out, "sent", c->tx_bytes, c->tx_packets, c->tx_errors, c->tx_dropped);
}

/*
 * All: a record each, and in JSON those of the addresses behind, which have more to tell than fits
 * a table. Named ones: in a table the detail is lines, and what --fields chooses is the record.
 */
int ifaces_show(struct ifaces *x)
{
	const struct common *common = &x->cmd->common;
	struct host_addresses CLEANUP(host_addresses_done) addresses = { 0 };
	bool lines = x->n_named && !common->json && !common->csv && !common->fields;
	int err = host_addresses_list(x->nl, x->n_named == 1 ? x->named[0] : 0, &addresses);

	if (err)
		return ifaces_cannot(x, "addresses", err);
	for (size_t i = 0; i < x->links.n; i++) {
		const struct host_link *link = &x->links.items[i];

		if (!ifaces_wants(x, link->index))
			continue;
		if (lines)
			line_detail(x, link);
		else
			record_interface(x, link, &addresses);
	}
	if (lines || common->json)
		record_addresses(x, &addresses);
	return EXIT_YES;
}

int ifaces_addresses(struct ifaces *x)
{
	const struct common *common = &x->cmd->common;
	struct host_addresses CLEANUP(host_addresses_done) addresses = { 0 };
	bool lines = x->n_named && !common->json && !common->csv && !common->fields;
	int err = host_addresses_list(x->nl, x->n_named == 1 ? x->named[0] : 0, &addresses);
	size_t n = 0;

	if (err)
		return ifaces_cannot(x, "addresses", err);
	if (!lines)
		return record_addresses(x, &addresses) ? EXIT_YES : EXIT_NO;
	for (size_t i = 0; i < addresses.n; i++) {
		const struct host_address *a = &addresses.items[i];
		char text[64];
		struct buf b = buf_in(text, sizeof(text));

		if (!ifaces_wants(x, a->ifindex) || !ifaces_wants_family(x, a->prefix.addr.family))
			continue;
		buf_addr(&b, &a->prefix.addr);
		out_line(x->cmd->out, "%s", buf_cstr(&b));
		n++;
	}
	return n ? EXIT_YES : EXIT_NO;
}

static int record_one(struct ifaces *x, const struct host_link *link)
{
	struct host_addresses CLEANUP(host_addresses_done) addresses = { 0 };
	int err = host_addresses_list(x->nl, link->index, &addresses);

	if (err)
		return ifaces_cannot(x, "addresses", err);
	record_interface(x, link, &addresses);
	return EXIT_YES;
}

int ifaces_up(struct ifaces *x)
{
	const struct host_link *link = host_links_at(&x->links, x->named[0]);
	const struct common *common = &x->cmd->common;
	bool up = host_link_is_up(link);

	if (common->json || common->csv || common->fields) {
		int status = record_one(x, link);

		if (status)
			return status;
	} else if (!common->quiet) {
		out_line(x->cmd->out, "%s is %s", link->name,
			 !up		 ? "down"
			 : link->carrier ? "up"
					 : "up, without carrier");
	}
	return up ? EXIT_YES : EXIT_NO;
}

int ifaces_mac(struct ifaces *x)
{
	const struct host_link *link = host_links_at(&x->links, x->named[0]);
	const struct common *common = &x->cmd->common;
	struct mac mac = host_hwaddr_mac(&link->address);
	char text[20];
	struct buf b = buf_in(text, sizeof(text));

	buf_mac(&b, mac.bytes);
	if (common->json || common->csv || common->fields) {
		int status = record_one(x, link);

		if (status)
			return status;
	} else if (!mac_is_zero(&mac)) {
		out_line(x->cmd->out, "%s", buf_cstr(&b));
	}
	if (!mac_is_zero(&mac))
		return EXIT_YES;
	return command_fails(x->cmd, EXIT_NO, "%s has no MAC address", link->name);
}
