/*
 * sonde arp watch: listens to the ARP that is broadcast or comes to this machine, and tells what is
 * new. An address that changes its MAC address and soon changes it again has two owners.
 */
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "cli/arp.h"
#include "cli/live.h"
#include "host/address.h"
#include "host/link.h"
#include "io/clock.h"
#include "io/link_socket.h"
#include "io/privileges.h"
#include "probe/arp.h"
#include "wire/vendor.h"

#define PAIRS_MAX (1u << 16)

/* Two MAC addresses within this time are two machines, not one that got a new card. */
#define CONFLICT_NS (60 * NS_PER_S)

enum { TIME, EVENT, HOST, MAC, OLD_MAC, VENDOR, INTERFACE, N_EVENT };

static const struct out_column event_columns[] = {
	[TIME] = { "time", OUT_TIME, .about = "when it was heard" },
	[EVENT] = { "event", OUT_TEXT, .width = 8,
		    .about =
			    "new, changed, conflict (two MAC addresses within a minute, or another "
			    "machine uses an address of this one)" },
	[HOST] = { "host", OUT_ADDR, .about = "the IPv4 address", .width = 15 },
	[MAC] = { "mac", OUT_MAC, .about = "who claims it now" },
	[OLD_MAC] = { "old_mac", OUT_MAC, .about = "who claimed it before" },
	[VENDOR] = { "vendor", OUT_TEXT, .about = "to whom the MAC address is registered",
		     .width = 20, .minor = 2 },
	[INTERFACE] = { "interface", OUT_TEXT, .about = "where it was heard", .minor = 1 },
};

static const struct out_type event_type = { "event", event_columns, N_EVENT, .live = true };

/* A struct addr without padding, and the link: the same address may be used on two. */
struct key {
	uint8_t bytes[4];
	uint32_t ifindex;
};

struct claim {
	struct mac mac, before;
	uint64_t heard_ns, before_ns; /* when each of them was heard last */
	bool ours;
};

struct watch {
	struct live live; /* first */
	struct link_socket *socket;
	struct hash *claims;
	uint64_t n_events;
	bool full;
};

static void tell(struct watch *w, const char *event, const struct arp_packet *arp,
		 const struct mac *before, unsigned ifindex)
{
	const struct command *cmd = w->live.cmd;
	char name[IF_NAMESIZE];
	struct out_value row[N_EVENT] = {
		[TIME] = out_ns(clock_wall_ns()),
		[EVENT] = out_styled(out_text(event), event[0] == 'n' ? OUT_PLAIN : OUT_WARN),
		[HOST] = out_addr(&arp->sender),
		[MAC] = out_mac(&arp->sender_mac),
		[OLD_MAC] = out_mac(before),
		[VENDOR] = out_text(vendor_of_mac(&arp->sender_mac)),
		[INTERFACE] = out_text(if_indextoname(ifindex, name)),
	};

	out_record(cmd->out, &event_type, row);
	if (out_flush(cmd->out) < 0 ||
	    (cmd->common.given & COMMON_COUNT && ++w->n_events >= cmd->common.count))
		live_stop(&w->live, EXIT_YES);
}

static bool same_mac(const struct mac *a, const struct mac *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Another MAC address than the one known. */
static void change_claim(struct watch *w, struct claim *claim, const struct arp_packet *arp,
			 unsigned ifindex, uint64_t now_ns)
{
	bool back_soon = same_mac(&claim->before, &arp->sender_mac) &&
			 now_ns - claim->before_ns < CONFLICT_NS;
	struct mac before = claim->mac;

	if (claim->ours) {
		tell(w, "conflict", arp, &before, ifindex);
		return;
	}
	claim->before = claim->mac;
	claim->before_ns = claim->heard_ns;
	claim->mac = arp->sender_mac;
	tell(w, back_soon ? "conflict" : "changed", arp, &before, ifindex);
}

static void hear(struct watch *w, const struct packet_in *packet)
{
	uint64_t now_ns = clock_monotonic_ns();
	struct arp_packet arp;
	struct key key = { .ifindex = packet->ifindex };
	struct claim *claim;
	void *value;
	int added;

	/* Without a sender address it is only a question (RFC 5227). */
	if (arp_parse(packet->data, packet->len, &arp) || !addr_number(&arp.sender) ||
	    mac_is_zero(&arp.sender_mac))
		return;
	memcpy(key.bytes, arp.sender.bytes, sizeof(key.bytes));
	added = hash_put(w->claims, &key, &value);
	if (added < 0) {
		if (!w->full)
			command_notes(w->live.cmd, "more than %u pairs: new ones are not told",
				      PAIRS_MAX);
		w->full = true;
		return;
	}
	claim = value;
	if (added) {
		claim->mac = arp.sender_mac;
		tell(w, "new", &arp, &(struct mac){ 0 }, packet->ifindex);
	} else if (!same_mac(&claim->mac, &arp.sender_mac)) {
		change_claim(w, claim, &arp, packet->ifindex, now_ns);
	}
	claim->heard_ns = now_ns;
}

static void on_readable(struct live *live)
{
	struct watch *w = container_of(live, struct watch, live);
	struct packet_in packets[PACKET_BATCH];
	size_t n = link_socket_receive(w->socket, packets);

	for (size_t i = 0; i < n; i++)
		hear(w, &packets[i]);
}

/* Our own addresses are claimed already: whoever uses one is in conflict with us. */
static int claim_ours(struct watch *w, unsigned ifindex)
{
	struct host_addresses ours = { 0 };
	struct netlink *nl = NULL;
	int err = netlink_new(&nl);

	if (!err)
		err = host_addresses_list(nl, ifindex, &ours);
	for (size_t i = 0; !err && i < ours.n; i++) {
		struct key key = { .ifindex = ours.items[i].ifindex };
		void *claim;

		if (ours.items[i].prefix.addr.family != AF_INET)
			continue;
		memcpy(key.bytes, ours.items[i].prefix.addr.bytes, sizeof(key.bytes));
		err = hash_put(w->claims, &key, &claim);
		if (err >= 0) {
			((struct claim *)claim)->ours = true;
			err = 0;
		}
	}
	host_addresses_done(&ours);
	netlink_free(nl);
	return err;
}

static int cannot_listen(struct command *cmd, int err)
{
	if (err == -EPERM)
		return command_fails(cmd, EXIT_CANNOT, "cannot listen to ARP: not permitted. %s",
				     privileges_advice());
	return command_fails(cmd, EXIT_CANNOT, "cannot listen to ARP: %s", err_text(err));
}

/* Return: 0, or an exit status after saying why nothing would ever be heard. */
static int check_link(struct command *cmd, unsigned ifindex)
{
	struct netlink *nl = NULL;
	struct host_link link;
	int status = 0, err = netlink_new(&nl);

	if (!err)
		err = host_link_by_index(nl, ifindex, &link);
	if (err) {
		status = command_fails(cmd, EXIT_CANNOT, "cannot read the interface: %s",
				       err_text(err));
	} else {
		if (link.type != ARPHRD_ETHER)
			status = command_fails(cmd, EXIT_USAGE, "\"%s\" is not an Ethernet",
					       cmd->common.iface);
		else if (!host_link_is_up(&link))
			command_notes(cmd, "%s is down; nothing is heard before it is up",
				      cmd->common.iface);
		host_link_done(&link);
	}
	netlink_free(nl);
	return status;
}

static int run(struct command *cmd, void *opaque UNUSED)
{
	unsigned ifindex = cmd->common.iface ? if_nametoindex(cmd->common.iface) : 0;
	struct watch w = { .live = { .cmd = cmd, .readable = on_readable } };
	int status = 0, err;

	if (cmd->common.iface && !ifindex)
		return command_fails(cmd, EXIT_USAGE, "no interface \"%s\"; see: sonde ifaces",
				     cmd->common.iface);
	if (ifindex)
		status = check_link(cmd, ifindex);
	if (status)
		return status;
	w.claims = hash_new(sizeof(struct key), sizeof(struct claim), PAIRS_MAX);
	if (!w.claims)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	err = claim_ours(&w, ifindex);
	if (!err)
		err = link_socket_open(LINK_ARP, ifindex, &w.socket);
	if (err) {
		status = cannot_listen(cmd, err);
	} else {
		w.live.fd = link_socket_fd(w.socket);
		status = live_run(&w.live);
		if (link_socket_drops(w.socket))
			command_notes(cmd, "incomplete: this machine lost incoming packets");
	}
	link_socket_free(w.socket);
	hash_free(w.claims);
	return status;
}

static const struct out_type *const records[] = { &event_type, NULL };

static const struct example examples[] = {
	{ "sonde arp watch -i eth0", "who shows up, until Ctrl-C" },
	{ "sonde arp watch --for 10m --json", "ten minutes of it, for a program" },
};

const struct verb verb_arp_watch = {
	.name = "watch",
	.summary = "listen: new pairs of IPv4 and MAC address, changed ones, conflicts",
	.about = "Sends nothing. Ends after -c events, --for a time, or Ctrl-C.",
	.common = COMMON_OUTPUT | COMMON_IFACE | COMMON_COUNT | COMMON_FOR,
	.records = records,
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.run = run,
};
