#include "probe/scan_world_test.h"

#include <errno.h>

#include "base/cursor.h"

static size_t fake_write(const struct probe_shot *shot, uint8_t *buf, size_t cap)
{
	struct wire w = { .port = shot->port,
			  .source_port = shot->source_port,
			  .cookie = shot->cookie };

	memcpy(&w.target, shot->target.bytes, 4);
	if (cap < sizeof(w))
		return 0;
	memcpy(buf, &w, sizeof(w));
	return sizeof(w);
}

static int syn_read(const struct probe_packet *packet, struct probe_answer *ret_answer)
{
	struct wire w;

	if (packet->len != sizeof(w))
		return 0;
	memcpy(&w, packet->data, sizeof(w));
	*ret_answer = (struct probe_answer){ .kind = w.prohibited ? PROBE_UNREACHABLE : PROBE_REPLY,
					     .match = PROBE_BY_COOKIE,
					     .target = addr_ip4((const uint8_t *)&w.target),
					     .port = w.port,
					     .source_port = w.source_port,
					     .cookie = w.cookie };
	return 1;
}

static int udp_read(const struct probe_packet *packet, struct probe_answer *ret_answer)
{
	*ret_answer = (struct probe_answer){ .kind = packet->reporter.family ? PROBE_UNREACHABLE
									     : PROBE_REPLY,
					     .match = PROBE_BY_TARGET,
					     .target = packet->from,
					     .responder = packet->reporter,
					     .port = packet->from_port };
	return 1;
}

const struct probe_module fake_syn = {
	.name = "syn", .via = PROBE_VIA_IP, .write = fake_write, .read = syn_read
};
const struct probe_module fake_udp = {
	.name = "udp", .via = PROBE_VIA_UDP, .write = fake_write, .read = udp_read
};

static uint32_t number_of(const struct addr *a)
{
	return (uint32_t)addr_number(a);
}

struct truth *world_truth(struct world *w, const struct addr *target, uint16_t port)
{
	uint32_t t = number_of(target) - w->first, p = port - w->first_port;

	assert_true(t < w->n_targets && p < w->n_ports);
	return &w->truths[t * w->n_ports + p];
}

struct world *world_new(const char *first, uint32_t n_targets, uint32_t n_ports)
{
	struct world *w = calloc(1, sizeof(*w));
	struct addr a;

	assert_non_null(w);
	assert_int_equal(addr_parse(first, strlen(first), &a, NULL), 0);
	assert_true(n_targets * n_ports <= MAX_PAIRS);
	*w = (struct world){ .random = random_of(7),
			     .now_ns = START_NS,
			     .first = number_of(&a),
			     .n_targets = n_targets,
			     .first_port = 1,
			     .n_ports = n_ports,
			     .truths = calloc(n_targets * n_ports, sizeof(*w->truths)),
			     .ring = calloc(RING, sizeof(*w->ring)),
			     .tokens = calloc(n_targets, sizeof(*w->tokens)),
			     .tokens_ns = calloc(n_targets, sizeof(*w->tokens_ns)),
			     .stop_after = NEVER };
	assert_true(w->truths && w->ring && w->tokens && w->tokens_ns);
	return w;
}

void world_free(struct world *w)
{
	free(w->truths);
	free(w->ring);
	free(w->tokens);
	free(w->tokens_ns);
	free(w);
}

/* Linux's limit of ICMP errors to one peer. */
static bool token(struct world *w, uint32_t target)
{
	double *tokens = &w->tokens[target];

	if (!w->tokens_ns[target])
		*tokens = 6;
	else
		*tokens += (double)(w->now_ns - w->tokens_ns[target]) / NS_PER_S;
	*tokens = MIN(*tokens, 6.0);
	w->tokens_ns[target] = w->now_ns;
	if (*tokens < 1)
		return false;
	*tokens -= 1;
	return true;
}

/* Return: when it has gone through where the network is narrow; NEVER: its queue is full. */
static uint64_t through(struct world *w, bool is_narrow)
{
	uint64_t each_ns;

	if (!w->bears || !is_narrow)
		return w->now_ns;
	each_ns = NS_PER_S / w->bears;
	w->narrow_ns = MAX(w->narrow_ns, w->now_ns);
	if (w->narrow_ns - w->now_ns > w->queue * each_ns) {
		w->n_dropped++;
		return NEVER;
	}
	return w->narrow_ns += each_ns;
}

bool world_is_there(const struct world *w, uint32_t target)
{
	return w->there_every && target % w->there_every == 0 &&
	       (!w->dead_every || target / 256 % w->dead_every);
}

static void world_takes(struct world *w, const struct probe_send *send)
{
	uint32_t target = number_of(&send->target) - w->first;
	struct truth *truth = world_truth(w, &send->target, send->port);
	bool is_narrow = !w->narrow_prefix || target / 256 == w->narrow_prefix - 1;
	uint64_t at_ns = through(w, is_narrow);
	struct answer a = { .via = send->via };
	bool closed = send->via == PROBE_VIA_UDP && w->udp_closed;

	truth->n_sent++;
	if (at_ns == NEVER || !world_is_there(w, target) || random_unit(&w->random) < w->loss ||
	    (w->own_loss > 0 && is_narrow && random_unit(&w->random) < w->own_loss) ||
	    (closed && !token(w, target)))
		return;
	if (w->block_ns && w->now_ns >= w->block_ns && target / 2 % 2)
		return;
	memcpy(&a.wire, send->data, sizeof(a.wire));
	a.wire.prohibited = w->prohibited_every && target % w->prohibited_every == 0;
	a.at_ns = at_ns + DELAY_NS;
	if (a.at_ns >= w->still_ns)
		a.at_ns = MAX(a.at_ns, w->still_until_ns);
	truth->n_delivered++;
	assert_true(w->tail - w->head < RING);
	w->ring[w->tail++ % RING] = a;
}

static void note(struct world *w, const struct probe_event *event)
{
	struct truth *truth = world_truth(w, &event->target, event->port);

	truth->n_answered += event->outcome == PROBE_ANSWERED;
	truth->n_silent += event->outcome == PROBE_SILENT;
	truth->n_late += event->outcome == PROBE_LATE;
	truth->n_failed += event->outcome == PROBE_FAILED;
}

static void world_answers(struct world *w, struct probe_engine *e)
{
	const struct answer *a = &w->ring[w->head++ % RING];
	struct probe_packet packet = { .via = a->via,
				       .data = &a->wire,
				       .len = sizeof(a->wire),
				       .from = addr_ip4((const uint8_t *)&a->wire.target),
				       .from_port = a->wire.port,
				       .rx_ns = a->at_ns };
	struct probe_event event;

	if (a->via == PROBE_VIA_UDP && w->udp_closed)
		packet.reporter = packet.from;
	if (number_of(&packet.from) / 256 - w->first / 256 + 1 != w->narrow_prefix)
		w->others_ns = w->now_ns;
	if (probe_engine_input(e, w->now_ns, &packet, &event))
		note(w, &event);
}

static void send_all(struct world *w, struct probe_engine *e)
{
	struct probe_send sends[64];
	size_t n;

	while ((n = probe_engine_output(e, w->now_ns, sends, 64)) > 0) {
		for (size_t i = 0; i < n; i++) {
			if (++w->n_sends % MAX(w->unsent_every, 1u) == 0 && w->unsent_every)
				probe_engine_unsent(e, w->now_ns, sends[i].id, w->unsent_err);
			else
				world_takes(w, &sends[i]);
		}
	}
}

void world_run(struct world *w, struct probe_engine *e)
{
	struct probe_event event;

	while (!probe_engine_done(e)) {
		uint64_t deadline_ns;

		while (probe_engine_next_event(e, w->now_ns, &event))
			note(w, &event);
		send_all(w, e);
		if (w->n_sends >= w->stop_after)
			probe_engine_stop(e);
		deadline_ns = probe_engine_deadline(e);
		if (w->head != w->tail && w->ring[w->head % RING].at_ns <= deadline_ns) {
			w->now_ns = MAX(w->now_ns, w->ring[w->head % RING].at_ns);
			world_answers(w, e);
			continue;
		}
		if (deadline_ns != UINT64_MAX)
			w->now_ns = MAX(w->now_ns + 1, deadline_ns);
	}
}

static int route(void *ctx, const struct addr *target, enum probe_via via,
		 struct probe_link *ret_link)
{
	struct world *w = ctx;

	assert_int_equal(via, PROBE_VIA_IP);
	*ret_link = (struct probe_link){ .ifindex = 7, .on_link = true };
	if (w->no_hop_every && number_of(target) % w->no_hop_every == 0 &&
	    w->now_ns < START_NS + w->hop_after_ns)
		return -EAGAIN;
	return w->now_ns >= w->gone_ns && w->now_ns < w->back_ns ? -EAGAIN : 0;
}

struct scan scan_of(struct world *w, const struct probe_module *module)
{
	struct scan s = { .world = w, .targets = targets_new() };

	s.ports = calloc(w->n_ports, sizeof(*s.ports));
	assert_true(s.targets && s.ports);
	for (uint32_t i = 0; i < w->n_targets; i++) {
		struct addr a = addr_from_number(AF_INET, w->first + i);

		assert_int_equal(targets_add_addr(s.targets, &a), 0);
	}
	assert_int_equal(targets_seal(s.targets), 0);
	for (uint32_t i = 0; i < w->n_ports; i++)
		s.ports[i] = (uint16_t)(w->first_port + i);
	s.lanes[0] =
		(struct probe_lane){ .module = module, .ports = s.ports, .n_ports = w->n_ports };
	s.config = (struct probe_config){ .targets = s.targets,
					  .n_lanes = 1,
					  .timeout_ns = NS_PER_S,
					  .retries = 2,
					  .rate = 100000,
					  .source_port = BASE_PORT,
					  .n_source_ports = 8,
					  .seed = 3,
					  .key = { 1, 2 },
					  .route = route,
					  .route_ctx = w };
	return s;
}

struct probe_engine *scan_engine(struct scan *s)
{
	struct probe_engine *e = NULL;

	s->config.lanes = s->lanes;
	assert_int_equal(probe_engine_new(&s->config, s->world->now_ns, &e), 0);
	return e;
}

void scan_done(struct scan *s)
{
	targets_free(s->targets);
	free(s->ports);
	world_free(s->world);
}
