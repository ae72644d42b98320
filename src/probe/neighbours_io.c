#include "probe/neighbours_io.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "host/neighbour.h"

#define ASKS_MAX	  3
#define ASK_EVERY_NS	  (100 * NS_PER_MS) /* the second waits twice as long, and so on */
#define KEEP_NS		  (60 * NS_PER_S)
#define KEEP_SILENT_NS	  (5 * NS_PER_S)
#define FRAME_LEN	  96
#define KNOWN_FOR_CERTAIN (NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP)

struct key {
	uint8_t addr[16];
	uint32_t ifindex, family;
};

enum state { ASKING, KNOWN, SILENT };

struct neighbour {
	uint64_t due_ns; /* when to ask again */
	struct mac mac;	 /* zero: not known; may be known from earlier while ASKING */
	uint8_t state, asked;
};

/* Requests of one protocol that have not left yet. */
struct outbox {
	struct link_socket *socket;
	size_t n;
	struct packet_out packets[PACKET_BATCH];
	uint8_t frames[PACKET_BATCH][FRAME_LEN];
};

struct neighbours {
	struct hash *table;
	struct outbox arp, nd;
};

static struct key key_of(const struct addr *a, unsigned ifindex)
{
	struct key key = { .ifindex = ifindex, .family = a->family };

	memcpy(key.addr, a->bytes, sizeof(key.addr));
	return key;
}

/* Return: 1 when it is new, 0, -ENOMEM. */
static int find_or_add(struct neighbours *n, const struct key *key, struct neighbour **ret)
{
	void *value;
	int err = hash_put(n->table, key, &value);

	if (err == -E_FULL) {
		hash_clear(n->table);
		err = hash_put(n->table, key, &value);
	}
	if (err < 0)
		return -ENOMEM;
	*ret = value;
	return err;
}

static void learn(struct neighbour *neighbour, uint64_t now_ns, const struct mac *mac)
{
	*neighbour = (struct neighbour){ now_ns + KEEP_NS, *mac, KNOWN, 0 };
}

/* What the kernel is sure of; the others are asked when they are needed. */
static int load(struct neighbours *n, uint64_t now_ns)
{
	struct host_neighbours CLEANUP(host_neighbours_done) list = { 0 };
	struct netlink *nl;
	int err = netlink_new(&nl);

	if (err)
		return err;
	err = host_neighbours_list(nl, 0, &list);
	netlink_free(nl);
	for (size_t i = 0; i < list.n && err >= 0; i++) {
		const struct host_neighbour *known = &list.items[i];
		struct mac mac = host_hwaddr_mac(&known->address);
		struct key key = key_of(&known->addr, known->ifindex);
		struct neighbour *neighbour;

		if (!(known->state & KNOWN_FOR_CERTAIN) || mac_is_zero(&mac))
			continue;
		err = find_or_add(n, &key, &neighbour);
		if (err >= 0)
			learn(neighbour, now_ns, &mac);
	}
	return MIN(err, 0);
}

int neighbours_new(uint64_t now_ns, struct neighbours **ret_neighbours)
{
	struct neighbours *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	n->table = hash_new(sizeof(struct key), sizeof(struct neighbour), NEIGHBOURS_MAX);
	err = n->table ? load(n, now_ns) : -ENOMEM;
	if (err) {
		neighbours_free(n);
		return err;
	}
	*ret_neighbours = n;
	return 0;
}

struct neighbours *neighbours_free(struct neighbours *n)
{
	if (!n)
		return NULL;
	hash_free(n->table);
	free(n);
	return NULL;
}

void neighbours_use(struct neighbours *n, struct link_socket *arp, struct link_socket *nd)
{
	n->arp.socket = arp;
	n->nd.socket = nd;
}

/* What does not leave now is asked again later, as if it had been lost. */
static void flush(struct outbox *box)
{
	size_t done = 0;
	int err = 0;

	while (box->socket && done < box->n && err != -ENOBUFS && err != -EAGAIN) {
		done += link_socket_send(box->socket, box->packets + done, box->n - done, &err);
		done++; /* the one that it failed at, if any */
	}
	box->n = 0;
}

void neighbours_flush(struct neighbours *n)
{
	flush(&n->arp);
	flush(&n->nd);
}

static void ask(struct neighbours *n, const struct probe_link *link, const struct addr *neighbour)
{
	bool ip4 = neighbour->family == AF_INET;
	const struct probe_module *module = ip4 ? &probe_arp : &probe_ns;
	struct outbox *box = ip4 ? &n->arp : &n->nd;
	struct probe_shot shot = { .target = *neighbour, .link = link };
	size_t len;

	if (box->n == PACKET_BATCH)
		flush(box);
	len = module->write(&shot, box->frames[box->n], FRAME_LEN);
	box->packets[box->n] = (struct packet_out){ .ifindex = link->ifindex,
						    .data = box->frames[box->n],
						    .len = len };
	box->n += len != 0;
}

/* It is time for the next request, or to give up. */
static void go_on(struct neighbours *n, uint64_t now_ns, const struct probe_link *link,
		  const struct addr *addr, struct neighbour *neighbour)
{
	if (neighbour->state != ASKING)
		neighbour->asked = 0;
	if (neighbour->asked == ASKS_MAX) {
		*neighbour =
			(struct neighbour){ .due_ns = now_ns + KEEP_SILENT_NS, .state = SILENT };
		return;
	}
	neighbour->state = ASKING;
	neighbour->asked++;
	neighbour->due_ns = now_ns + neighbour->asked * ASK_EVERY_NS;
	ask(n, link, addr);
}

int neighbours_get(struct neighbours *n, uint64_t now_ns, const struct probe_link *link,
		   const struct addr *addr, struct mac *ret_mac)
{
	struct key key = key_of(addr, link->ifindex);
	struct neighbour *neighbour;
	int err = find_or_add(n, &key, &neighbour);

	if (err < 0)
		return err;
	if (now_ns >= neighbour->due_ns)
		go_on(n, now_ns, link, addr, neighbour);
	if (mac_is_zero(&neighbour->mac))
		return neighbour->state == SILENT ? -EHOSTUNREACH : -EAGAIN;
	*ret_mac = neighbour->mac;
	return 0;
}

bool neighbours_peek(const struct neighbours *n, uint64_t now_ns, unsigned ifindex,
		     const struct addr *addr, struct mac *ret_mac)
{
	struct key key = key_of(addr, ifindex);
	const struct neighbour *neighbour = hash_get(n->table, &key);

	if (!neighbour || neighbour->state != KNOWN || now_ns >= neighbour->due_ns)
		return false;
	*ret_mac = neighbour->mac;
	return true;
}

void neighbours_hear(struct neighbours *n, uint64_t now_ns, const struct probe_packet *packet)
{
	const struct probe_module *module = packet->family == AF_INET ? &probe_arp : &probe_ns;
	struct probe_answer answer = { 0 };
	struct neighbour *neighbour;
	struct key key;

	if (!module->read(packet, &answer) || mac_is_zero(&answer.mac))
		return;
	key = key_of(&answer.target, packet->ifindex);
	if (find_or_add(n, &key, &neighbour) >= 0)
		learn(neighbour, now_ns, &answer.mac);
}
