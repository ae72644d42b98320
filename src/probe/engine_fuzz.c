/*
 * Packets of a stranger against an engine with probes of all kinds in flight. The input is a
 * script: a byte that says what, a byte of length, bytes. Packets are delivered as they are, or as
 * what was sent last with these bytes written over it, so that matching ones are reached, too.
 * Whatever comes, every probe is resolved exactly once in the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "probe/engine.h"

#define START_NS  NS_PER_S
#define N_TARGETS 6
#define FRAME_MAX 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct fuzz {
	struct probe_engine *engine;
	uint64_t now_ns, n_resolved;
	struct probe_send last;
	uint8_t frame[FRAME_MAX];
};

static int route(void *ctx, const struct addr *target, enum probe_via via,
		 struct probe_link *ret_link)
{
	struct fuzz *f = ctx;

	*ret_link = (struct probe_link){ .ifindex = 1,
					 .mac = { { 2, 0, 0, 0, 0, 1 } },
					 .source = *target,
					 .on_link = target->bytes[0] == 10 ||
						    target->bytes[0] == 0xfe };
	if (via == PROBE_VIA_IP && target->bytes[3] == 2 && f->now_ns < START_NS + 30 * NS_PER_MS)
		return -EAGAIN;
	return target->bytes[3] == 9 ? -EHOSTUNREACH : 0;
}

static void note(struct fuzz *f, const struct probe_event *event)
{
	switch (event->outcome) {
	case PROBE_ANSWERED:
	case PROBE_SILENT:
	case PROBE_FAILED:
		f->n_resolved++;
		break;
	case PROBE_LATE:
	case PROBE_DUPLICATE:
		break;
	}
}

static void turn(struct fuzz *f)
{
	struct probe_send sends[4];
	struct probe_event event;
	size_t n;

	while (probe_engine_next_event(f->engine, f->now_ns, &event))
		note(f, &event);
	n = probe_engine_output(f->engine, f->now_ns, sends, ARRAY_LEN(sends));
	for (size_t i = 0; i < n; i++) {
		f->last = sends[i];
		if (sends[i].len > FRAME_MAX)
			abort();
		if (sends[i].len)
			memcpy(f->frame, sends[i].data, sends[i].len);
	}
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

/* A SYN becomes the SYN+ACK that answers it. */
static void answer_syn(struct fuzz *f)
{
	bool ip4 = f->last.target.family == AF_INET;
	uint8_t *ip = f->frame, *tcp = ip + (ip4 ? 20 : 40);

	swap(ip + (ip4 ? 12 : 8), ip + (ip4 ? 16 : 24), ip4 ? 4 : 16);
	swap(tcp, tcp + 2, 2);
	store_be32(tcp + 8, load_be32(tcp + 4) + 1);
	tcp[13] = 0x12;
}

/* What was sent last as its target would answer it. */
static struct probe_packet answer_of(struct fuzz *f)
{
	if (f->last.via == PROBE_VIA_ICMP)
		f->frame[0] = f->last.target.family == AF_INET ? 0 : 129;
	if (f->last.via == PROBE_VIA_LINK && f->last.target.family == AF_INET) {
		f->frame[21] = 2;
		memcpy(f->frame + 28, f->last.target.bytes, 4);
	}
	if (f->last.via == PROBE_VIA_IP)
		answer_syn(f);
	return (struct probe_packet){ .via = f->last.via,
				      .family = f->last.target.family,
				      .data = f->frame,
				      .len = f->last.len,
				      .from = f->last.target,
				      .from_port = f->last.port,
				      .slot = f->last.slot,
				      .token = f->last.token };
}

static void deliver(struct fuzz *f, uint8_t what, const uint8_t *bytes, size_t n)
{
	struct probe_packet packet = { .via = (what >> 2) % PROBE_N_VIA,
				       .family = what & 0x20 ? AF_INET6 : AF_INET,
				       .data = bytes,
				       .len = n,
				       .id_is_foreign = what & 0x40 };
	struct probe_event event;

	if (what & 2 && f->last.target.family) {
		/* Written over at the place that the first byte says. */
		packet = answer_of(f);
		if (n && bytes[0] + n - 1 <= FRAME_MAX)
			memcpy(f->frame + bytes[0], bytes + 1, n - 1);
	}
	packet.error = n && bytes[0] & 1 ? ECONNREFUSED : 0;
	if (packet.via == PROBE_VIA_UDP && n && bytes[0] & 2) {
		packet.reporter = packet.from;
		packet.icmp_type = bytes[0];
		packet.icmp_code = bytes[n - 1];
	}
	packet.rx_ns = f->now_ns;
	packet.ttl = -1;
	if (probe_engine_input(f->engine, f->now_ns, &packet, &event))
		note(f, &event);
}

static void play(struct fuzz *f, const uint8_t *data, size_t len)
{
	struct cursor c = cursor_of(data, len);

	while (!c.err && cursor_left(&c) >= 2) {
		uint8_t what = cursor_u8(&c);
		size_t n = cursor_u8(&c);
		const uint8_t *bytes;

		n = MIN(n, cursor_left(&c));
		bytes = cursor_bytes(&c, n);
		if (what & 1) {
			f->now_ns += n * NS_PER_MS;
			turn(f);
		} else if (what & 0x80) {
			probe_engine_unsent(f->engine, f->now_ns, f->last.id,
					    what & 0x40 ? -ENOBUFS : -EACCES);
			f->last.id = UINT64_MAX; /* said once of each */
		} else {
			deliver(f, what, bytes, n);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint16_t ports[] = { 80, 443 };
	static const struct probe_lane lanes[] = {
		{ .module = &probe_arp },
		{ .module = &probe_ns },
		{ .module = &probe_icmp, .after = 3 },
		{ .module = &probe_tcp, .ports = ports, .n_ports = ARRAY_LEN(ports) },
		{ .module = &probe_icmp, .each = true },
		{ .module = &probe_syn, .ports = ports, .n_ports = ARRAY_LEN(ports) },
		{ .module = &probe_udp, .ports = ports, .n_ports = ARRAY_LEN(ports) },
	};
	static const char *const texts[N_TARGETS] = { "10.0.0.1", "10.0.0.9",	 "192.0.2.1",
						      "fe80::1",  "2001:db8::1", "192.0.2.2" };
	struct addr targets[N_TARGETS];
	struct fuzz f = { .now_ns = START_NS };
	struct probe_config config = {
		.list = targets,
		.n_list = N_TARGETS,
		.lanes = lanes,
		.n_lanes = ARRAY_LEN(lanes),
		.timeout_ns = 50 * NS_PER_MS,
		.retries = 1,
		.spacing_ns = 5 * NS_PER_MS,
		.count = 3,
		.interval_ns = 20 * NS_PER_MS,
		.rate = 1000,
		.max_slots = 20,
		.max_connects = 2,
		.payload_len = len && data[0] & 1 ? 56 : 8,
		.source_port = 65535,
		.n_source_ports = 2,
		.last_pass = len && data[0] & 2,
		.key = { 1, 2 },
		.route = route,
		.route_ctx = &f,
	};
	struct targets *set = targets_new();
	struct probe_account a;

	for (size_t i = 0; i < N_TARGETS; i++)
		if (!set || addr_parse(texts[i], strlen(texts[i]), &targets[i], NULL) ||
		    targets_add_addr(set, &targets[i]))
			abort();
	/* Only of a set are pairs asked without a slot. */
	if (len && data[0] & 4) {
		if (targets_seal(set))
			abort();
		config.list = NULL;
		config.targets = set;
		config.max_slots = 5;
	}
	if (probe_engine_new(&config, START_NS, &f.engine))
		abort();
	play(&f, data, len);
	for (unsigned i = 0; i < 100000 && !probe_engine_done(f.engine); i++) {
		f.now_ns = MAX(f.now_ns + 1, probe_engine_deadline(f.engine));
		turn(&f);
	}
	a = probe_engine_account(f.engine);
	/* Each pair that is not skipped once, and those of the lane of pings three times. */
	if (!probe_engine_done(f.engine) || f.n_resolved != a.total - a.skipped + 2 * N_TARGETS ||
	    f.n_resolved != a.answered + a.errors + a.silent + a.failed)
		abort();
	probe_engine_free(f.engine);
	targets_free(set);
	return 0;
}
