/* From the engine's batches to the carriers. */
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "io/clock.h"
#include "probe/engine_io_private.h"
#include "wire/numbers.h"

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
			probe_engine_unsent(run->engine, now_ns, sends[which[done++]].slot, err);
		while (done < n && (err == -ENOBUFS || err == -EAGAIN || err == -ENOMEM));
	}
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
	frame = frame_pump_add(pump, kind, ifindex, header_len + s->len, run, s->slot);
	if (ether) {
		memcpy(frame, link->next_hop.bytes, 6);
		memcpy(frame + 6, link->mac.bytes, 6);
		store_be16(frame + 12, ip4 ? ETH_TYPE_IP4 : ETH_TYPE_IP6);
	}
	memcpy(frame + header_len, s->data, s->len);
	return 0;
}

/* Return: as connector_start(). */
static int start_connection(struct probe_run *run, uint64_t now_ns, const struct probe_send *s,
			    struct connector_result *ret_result)
{
	struct endpoint to = { s->target, s->port };

	return connector_start(run->io->carriers.of[CARRIER_CONNECT].connector, &to, run, s->slot,
			       s->token, now_ns + run->timeout_ns, ret_result);
}

/* How many probes the pump has room for. */
static size_t room(struct probe_io *io)
{
	struct carrier *c = carrier_if_open(&io->carriers, CARRIER_PUMP);

	return c ? MIN(frame_pump_room(c->pump), (size_t)PACKET_BATCH) : PACKET_BATCH;
}

size_t engine_io_send(struct probe_run *run, bool *ret_full)
{
	struct probe_io *io = run->io;
	struct carrier *pump = carrier_if_open(&io->carriers, CARRIER_PUMP);
	struct probe_send sends[PACKET_BATCH];
	uint8_t which[CARRIER_N][PACKET_BATCH];
	size_t counts[CARRIER_N] = { 0 }, max = room(io), n, n_ended = 0;
	struct connector_result ended[PACKET_BATCH];
	uint64_t now_ns = clock_monotonic_ns();

	if (!max) {
		*ret_full = true;
		frame_pump_await_room(pump->pump);
		return 0;
	}
	n = probe_engine_output(run->engine, now_ns, sends, max);
	for (size_t i = 0; i < n; i++) {
		enum carrier_kind kind = carrier_for(sends[i].via, sends[i].target.family);
		int err = 0;

		if (kind == CARRIER_CONNECT)
			err = start_connection(run, now_ns, &sends[i], &ended[n_ended]);
		else if (kind == CARRIER_PUMP)
			err = pump_packet(run, &sends[i]);
		else
			which[kind][counts[kind]++] = (uint8_t)i;
		if (err > 0)
			n_ended++;
		if (err < 0)
			probe_engine_unsent(run->engine, now_ns, sends[i].slot, err);
	}
	for (size_t i = 0; i < n_ended; i++)
		engine_io_hear_connection(&ended[i]);
	if (pump)
		frame_pump_push(pump->pump);
	for (unsigned kind = 0; kind < CARRIER_N; kind++)
		if (counts[kind])
			send_packets(run, now_ns, &io->carriers.of[kind], sends, which[kind],
				     counts[kind]);
	return n;
}
