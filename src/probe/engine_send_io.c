/* From the engine's batches to the carriers. */
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "io/clock.h"
#include "probe/engine_io_private.h"
#include "wire/checksum.h"
#include "wire/numbers.h"

#define DEFAULT_TTL   64
#define DONT_FRAGMENT 0x4000

/* Gives a socket some of a batch: those at the places in @which. As icmp_socket_send(). */
static size_t give(struct carrier *c, const struct probe_send *sends, const uint8_t *which,
		   size_t n, int *ret_err)
{
	struct packet_out packets[PACKET_BATCH];

	for (size_t i = 0; i < n; i++) {
		const struct probe_send *s = &sends[which[i]];

		packets[i] = (struct packet_out){ s->target, s->ttl, s->link ? s->link->ifindex : 0,
						  s->data, s->len };
	}
	if (c->kind == CARRIER_ICMP4 || c->kind == CARRIER_ICMP6)
		return icmp_socket_send(c->icmp, packets, n, ret_err);
	return link_socket_send(c->link, packets, n, ret_err);
}

static size_t give_udp(struct carrier *c, const struct probe_send *sends, const uint8_t *which,
		       size_t n, int *ret_err)
{
	struct udp_out datagrams[PACKET_BATCH];

	for (size_t i = 0; i < n; i++) {
		const struct probe_send *s = &sends[which[i]];

		datagrams[i] = (struct udp_out){ { s->target, s->port }, s->ttl, s->data, s->len };
	}
	return udp_socket_send(c->udp, datagrams, n, ret_err);
}

/* Sends what goes by one socket; @which: their places in @sends. */
static void send_packets(struct probe_run *run, uint64_t now_ns, struct carrier *c,
			 const struct probe_send *sends, const uint8_t *which, size_t n)
{
	bool udp = c->kind == CARRIER_UDP4 || c->kind == CARRIER_UDP6;
	size_t done = 0;

	while (done < n) {
		int err = 0;

		done += udp ? give_udp(c, sends, which + done, n - done, &err)
			    : give(c, sends, which + done, n - done, &err);
		if (done == n)
			break;
		/* Full queues stay full for the rest of the batch; other errors are the packet's.
		 */
		do
			probe_engine_unsent(run->engine, now_ns, sends[which[done++]].id, err);
		while (done < n && (err == -ENOBUFS || err == -EAGAIN || err == -ENOMEM));
	}
}

static void write_ethernet(const struct probe_link *link, int family, uint8_t *frame)
{
	memcpy(frame, link->next_hop.bytes, 6);
	memcpy(frame + 6, link->mac.bytes, 6);
	store_be16(frame + 12, family == AF_INET ? ETH_TYPE_IP4 : ETH_TYPE_IP6);
}

/* An IP packet: in an Ethernet frame, bare into a tunnel, or as the kernel routes it. */
static int pump_packet(struct probe_run *run, const struct probe_send *s)
{
	struct frame_pump *pump = run->io->carriers.of[CARRIER_PUMP].pump;
	const struct probe_link *link = s->link;
	bool ip4 = s->target.family == AF_INET, ether = !mac_is_zero(&link->next_hop);
	size_t header_len = ether ? ETH_HEADER_LEN : 0;
	enum frame_kind kind = ether || link->bare_ip ? FRAME_LINK : ip4 ? FRAME_IP4 : FRAME_IP6;
	unsigned ifindex = kind == FRAME_LINK ? link->ifindex : s->target.scope;
	uint8_t *frame;

	if (header_len + s->len > FRAME_PUMP_FRAME_MAX)
		return -EMSGSIZE;
	frame = frame_pump_add(pump, kind, ifindex, header_len + s->len, run, s->id);
	if (ether)
		write_ethernet(link, s->target.family, frame);
	memcpy(frame + header_len, s->data, s->len);
	return 0;
}

static void write_icmp4(const struct probe_send *s, const struct probe_link *link, uint8_t ttl,
			uint8_t *ip)
{
	memset(ip, 0, IP4_HEADER_LEN);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(IP4_HEADER_LEN + s->len));
	store_be16(ip + 6, DONT_FRAGMENT);
	ip[8] = ttl;
	ip[9] = IPPROTO_ICMP;
	memcpy(ip + 12, link->source.bytes, 4);
	memcpy(ip + 16, s->target.bytes, 4);
	store_be16(ip + 10, checksum_of(ip, IP4_HEADER_LEN));
	memcpy(ip + IP4_HEADER_LEN, s->data, s->len);
}

/* The checksum, which a socket would have filled in, is 0 so far. */
static void write_icmp6(const struct probe_send *s, const struct probe_link *link, uint8_t ttl,
			uint8_t *ip)
{
	uint8_t *icmp = ip + IP6_HEADER_LEN;
	uint64_t sum;

	memset(ip, 0, IP6_HEADER_LEN);
	ip[0] = 0x60;
	store_be16(ip + 4, (uint16_t)s->len);
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = ttl;
	memcpy(ip + 8, link->source.bytes, 16);
	memcpy(ip + 24, s->target.bytes, 16);
	memcpy(icmp, s->data, s->len);
	sum = checksum_pseudo_ip6(ip + 8, ip + 24, IPPROTO_ICMPV6, (uint32_t)s->len);
	store_be16(icmp + 2, checksum_finish(checksum_add(sum, icmp, s->len)));
}

/*
 * An ICMP message as a whole frame, where the next hop is known: faster than its socket, and
 * without the kernel's table of neighbours, which is small. Return: false when it is the socket's.
 */
static bool pump_icmp(struct probe_run *run, uint64_t now_ns, const struct carrier *c,
		      const struct probe_send *s)
{
	struct probe_io *io = run->io;
	bool ip4 = s->target.family == AF_INET;
	size_t header_len = ETH_HEADER_LEN + (ip4 ? IP4_HEADER_LEN : IP6_HEADER_LEN);
	uint8_t ttl = s->ttl ? s->ttl : io->carriers.ttl ? (uint8_t)io->carriers.ttl : DEFAULT_TTL;
	struct probe_link link;
	uint8_t *frame;

	if (!io->neighbours || !io->carriers.of[CARRIER_PUMP].open ||
	    !icmp_socket_is_raw(c->icmp) || header_len + s->len > FRAME_PUMP_FRAME_MAX ||
	    !routes_ready(io->routes, io->neighbours, now_ns, &s->target, &link))
		return false;
	frame = frame_pump_add(io->carriers.of[CARRIER_PUMP].pump, FRAME_LINK, link.ifindex,
			       header_len + s->len, run, s->id);
	write_ethernet(&link, s->target.family, frame);
	if (ip4)
		write_icmp4(s, &link, ttl, frame + ETH_HEADER_LEN);
	else
		write_icmp6(s, &link, ttl, frame + ETH_HEADER_LEN);
	return true;
}

static void start_connection(struct probe_run *run, uint64_t now_ns, const struct probe_send *s)
{
	struct endpoint to = { s->target, s->port };

	connector_start(run->io->carriers.of[CARRIER_CONNECT].connector, &to, run, s->slot,
			s->token, now_ns + run->timeout_ns);
}

/* How many probes the pump and the connector have room for; when none, they will say so later. */
static size_t room(struct probe_io *io)
{
	struct carrier *pump = carrier_if_open(&io->carriers, CARRIER_PUMP);
	struct carrier *connect = carrier_if_open(&io->carriers, CARRIER_CONNECT);
	size_t pump_room = pump ? frame_pump_room(pump->pump) : PACKET_BATCH;
	size_t connect_room = connect ? connector_room(connect->connector) : PACKET_BATCH;

	if (!pump_room)
		frame_pump_await_room(pump->pump);
	if (!connect_room)
		connector_await_room(connect->connector);
	return MIN(MIN(pump_room, connect_room), (size_t)PACKET_BATCH);
}

size_t engine_io_send(struct probe_run *run, bool *ret_full)
{
	struct probe_io *io = run->io;
	struct carrier *pump = carrier_if_open(&io->carriers, CARRIER_PUMP);
	struct probe_send sends[PACKET_BATCH];
	uint8_t which[CARRIER_N][PACKET_BATCH];
	size_t counts[CARRIER_N] = { 0 }, max = room(io), n;
	uint64_t now_ns = clock_monotonic_ns();

	if (!max) {
		*ret_full = true;
		return 0;
	}
	n = probe_engine_output(run->engine, now_ns, sends, max);
	for (size_t i = 0; i < n; i++) {
		enum carrier_kind kind = carrier_for(sends[i].via, sends[i].target.family);
		int err = 0;

		if (kind == CARRIER_CONNECT)
			start_connection(run, now_ns, &sends[i]);
		else if (kind == CARRIER_PUMP)
			err = pump_packet(run, &sends[i]);
		else if (sends[i].via != PROBE_VIA_ICMP ||
			 !pump_icmp(run, now_ns, &io->carriers.of[kind], &sends[i]))
			which[kind][counts[kind]++] = (uint8_t)i;
		if (err)
			probe_engine_unsent(run->engine, now_ns, sends[i].id, err);
	}
	if (pump)
		frame_pump_push(pump->pump);
	for (unsigned kind = 0; kind < CARRIER_N; kind++)
		if (counts[kind])
			send_packets(run, now_ns, &io->carriers.of[kind], sends, which[kind],
				     counts[kind]);
	return n;
}
