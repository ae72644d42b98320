/* From the carriers to the engines of all runs. */
#include "io/clock.h"
#include "probe/engine_io_private.h"
#include "wire/numbers.h"

#define RECEIVES_A_TURN 32
#define BLOCKS_A_TURN	16

static void hear(struct probe_io *io, uint64_t now_ns, const struct probe_packet *packet)
{
	struct probe_event event;

	for (struct probe_run *run = io->runs; run; run = run->next)
		if (!run->ended && probe_engine_input(run->engine, now_ns, packet, &event))
			engine_io_tell(run, &event);
}

static bool is_icmp(const struct carrier *c)
{
	return c->kind == CARRIER_ICMP4 || c->kind == CARRIER_ICMP6;
}

static bool is_ip4(const struct carrier *c)
{
	return c->kind == CARRIER_ICMP4 || c->kind == CARRIER_ARP || c->kind == CARRIER_RING4;
}

static void receive_packets(struct probe_io *io, struct carrier *c)
{
	struct packet_in packets[PACKET_BATCH];
	size_t n = PACKET_BATCH;

	for (unsigned turn = 0; turn < RECEIVES_A_TURN && n == PACKET_BATCH; turn++) {
		uint64_t now_ns = clock_monotonic_ns();

		n = is_icmp(c) ? icmp_socket_receive(c->icmp, packets)
			       : link_socket_receive(c->link, packets);
		for (size_t i = 0; i < n; i++) {
			struct probe_packet packet = {
				.via = is_icmp(c) ? PROBE_VIA_ICMP : PROBE_VIA_LINK,
				.family = is_ip4(c) ? AF_INET : AF_INET6,
				.data = packets[i].data,
				.len = packets[i].len,
				.wire_len = packets[i].wire_len,
				.from = packets[i].from,
				.ttl = packets[i].ttl,
				.ifindex = packets[i].ifindex,
				.rx_ns = packets[i].rx_ns,
				.id_is_foreign = is_icmp(c) && !icmp_socket_is_raw(c->icmp),
			};

			if (!is_icmp(c) && io->neighbours)
				neighbours_hear(io->neighbours, now_ns, &packet);
			hear(io, now_ns, &packet);
		}
	}
}

static void hear_captured(struct probe_io *io, bool ip4, uint64_t now_ns, int64_t wall_ns,
			  const struct capture_packet *captured)
{
	const uint8_t *ip = captured->bytes;
	struct probe_packet packet = {
		.via = PROBE_VIA_IP,
		.family = ip4 ? AF_INET : AF_INET6,
		.data = ip,
		.len = captured->cap_len,
		.wire_len = captured->wire_len > captured->cap_len ? captured->wire_len : 0,
		.rx_ns = packet_monotonic(captured->time_ns, now_ns, wall_ns),
	};

	if (captured->cap_len < (ip4 ? IP4_HEADER_LEN : IP6_HEADER_LEN))
		return;
	packet.ttl = ip4 ? ip[8] : ip[7];
	hear(io, now_ns, &packet);
}

/* An interface that is gone brings no more; the ring of all interfaces never ends. */
static void receive_ring(struct probe_io *io, struct carrier *c)
{
	struct capture_block block;

	for (unsigned i = 0; i < BLOCKS_A_TURN; i++) {
		uint64_t now_ns = clock_monotonic_ns();
		int64_t wall_ns = clock_wall_ns();
		struct capture_packet packet;
		int taken = capture_ring_next_block(c->ring, &block);

		if (taken < 0)
			uv_poll_stop(&c->poll);
		if (taken <= 0)
			return;
		while (capture_ring_next(c->ring, &block, &packet))
			hear_captured(io, is_ip4(c), now_ns, wall_ns, &packet);
		capture_ring_release(c->ring, &block);
	}
}

static void receive_udp(struct probe_io *io, struct carrier *c)
{
	struct udp_in datagrams[PACKET_BATCH];
	size_t n = 1;

	/* Errors and answers come in batches of their own. */
	for (unsigned turn = 0; turn < RECEIVES_A_TURN && n; turn++) {
		uint64_t now_ns = clock_monotonic_ns();

		n = udp_socket_receive(c->udp, datagrams);
		for (size_t i = 0; i < n; i++) {
			const struct udp_in *in = &datagrams[i];
			struct probe_packet packet = {
				.via = PROBE_VIA_UDP,
				.family = in->from.addr.family,
				.data = in->data,
				.len = in->len,
				.wire_len = in->wire_len,
				.from = in->from.addr,
				.from_port = in->from.port,
				.ttl = in->ttl,
				.rx_ns = in->rx_ns,
				.reporter = in->reporter,
				.icmp_type = in->icmp_type,
				.icmp_code = in->icmp_code,
				.mtu = in->mtu,
			};

			hear(io, now_ns, &packet);
		}
	}
}

static void hear_connection(uint64_t now_ns, const struct connector_result *result)
{
	struct probe_run *run = result->owner;
	struct probe_packet packet = { .via = PROBE_VIA_CONNECT,
				       .ttl = -1,
				       .rx_ns = now_ns,
				       .slot = result->id,
				       .token = result->token,
				       .error = result->error };
	struct probe_event event;

	if (run->ended)
		return;
	if (result->error < 0)
		probe_engine_unsent(run->engine, now_ns, result->id, result->error);
	else if (probe_engine_input(run->engine, now_ns, &packet, &event))
		engine_io_tell(run, &event);
}

static void receive_connections(struct carrier *c)
{
	struct connector_result result;

	while (connector_next(c->connector, &result))
		hear_connection(clock_monotonic_ns(), &result);
}

static void receive_failures(struct carrier *c)
{
	struct frame_failure failure;

	frame_pump_heard(c->pump);
	while (frame_pump_failed(c->pump, &failure)) {
		struct probe_run *run = failure.owner;

		if (run && !run->ended)
			probe_engine_unsent(run->engine, clock_monotonic_ns(), failure.id,
					    failure.err);
	}
}

void engine_io_receive(struct probe_io *io, struct carrier *c)
{
	switch (c->kind) {
	case CARRIER_CONNECT:
		receive_connections(c);
		break;
	case CARRIER_RING4:
	case CARRIER_RING6:
		receive_ring(io, c);
		break;
	case CARRIER_UDP4:
	case CARRIER_UDP6:
		receive_udp(io, c);
		break;
	case CARRIER_PUMP:
		receive_failures(c);
		break;
	default:
		receive_packets(io, c);
	}
}
