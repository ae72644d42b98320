/*
 * Who on a link has which MAC address: as the kernel knows it at first, then by ARP requests and
 * neighbour solicitations of our own, because the kernel's table is small (1,024 by default) and
 * its queue for each unresolved neighbour smaller. Nothing waits: who asks too early comes again.
 */
#ifndef SONDE_PROBE_NEIGHBOURS_IO_H
#define SONDE_PROBE_NEIGHBOURS_IO_H

#include "io/link_socket.h"
#include "probe/module.h"

/* When so many are known, all are forgotten and asked again as they are needed. */
#define NEIGHBOURS_MAX (1u << 18)

struct neighbours;

/* @now_ns: monotonic, as in all of these. Return: 0, -ENOMEM, or an error of netlink. */
MUST_CHECK int neighbours_new(uint64_t now_ns, struct neighbours **ret_neighbours);
struct neighbours *neighbours_free(struct neighbours *n);

/* The sockets to ask through, borrowed; NULL: this protocol is not spoken. */
void neighbours_use(struct neighbours *n, struct link_socket *arp, struct link_socket *nd);

/**
 * neighbours_get() - the MAC address of a neighbour
 * @link: the interface, and our addresses on it; of the neighbour's family
 * Return: 0; -EAGAIN: it has been asked, come again; -EHOSTUNREACH: it did not answer;
 * -ENOMEM.
 */
MUST_CHECK int neighbours_get(struct neighbours *n, uint64_t now_ns, const struct probe_link *link,
			      const struct addr *neighbour, struct mac *ret_mac);

/* The same of one that was heard already; nobody is asked. */
bool neighbours_peek(const struct neighbours *n, uint64_t now_ns, unsigned ifindex,
		     const struct addr *neighbour, struct mac *ret_mac);

/* Sends what neighbours_get() left to be asked. */
void neighbours_flush(struct neighbours *n);

/* A frame that came in by one of the sockets: who answers, whoever asked, is known from then on. */
void neighbours_hear(struct neighbours *n, uint64_t now_ns, const struct probe_packet *packet);

#endif
