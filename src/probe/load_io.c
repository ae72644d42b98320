/*
 * For tests and measurements: SYN, UDP, ICMP or connect probes as fast as asked, without the scan's
 * command around them. Only into networks that lead nowhere.
 *
 *	probe-load syn|udp|icmp|tcp TARGETS PORTS RATE [RETRIES [TIMEOUT_MS]]	rate 0: no limit
 *
 * Prints each answer ("10.0.0.2 80 syn-ack ttl 64") with -v as the first word, and the account.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ports.h"
#include "io/clock.h"
#include "probe/engine_io.h"
#include "probe/port_state.h"

struct load {
	bool verbose;
	const struct probe_module *module;
	struct probe_io *io;
	uint64_t start_ns;
	uint64_t outcomes[PROBE_DUPLICATE + 1];
};

static void on_event(void *ctx, const struct probe_event *event)
{
	struct load *l = ctx;
	char memory[256];
	struct buf b = buf_in(memory, sizeof(memory));

	l->outcomes[event->outcome]++;
	if (!l->verbose)
		return;
	buf_addr(&b, &event->target);
	buf_printf(&b, " %u ", event->port);
	port_state_reason(l->module, event, event->try + 1, &b);
	puts(buf_cstr(&b));
}

static void on_done(void *ctx, const struct probe_account *a)
{
	struct load *l = ctx;
	double seconds = (double)(clock_monotonic_ns() - l->start_ns) / 1e9;

	printf("sent %" PRIu64 " answered %" PRIu64 " errors %" PRIu64 " silent %" PRIu64
	       " failed %" PRIu64 " late %" PRIu64 " held %" PRIu64 " dropped %" PRIu64
	       " seconds %.3f rate %.0f\n",
	       a->sent, a->answered, a->errors, a->silent, a->failed, a->late, a->held, a->dropped,
	       seconds, (double)a->sent / seconds);
	probe_io_free(l->io);
}

static const struct probe_module *module_named(const char *name)
{
	const struct probe_module *const modules[] = { &probe_syn, &probe_icmp, &probe_tcp,
						       &probe_udp };
	const char *const names[] = { "syn", "icmp", "tcp", "udp" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i]))
			return modules[i];
	return NULL;
}

static int run(struct load *l, struct targets *targets, const uint16_t *ports, size_t n_ports,
	       char **argv, int argc)
{
	uint64_t rate = strtoull(argv[0], NULL, 10);
	struct probe_lane lane = { .module = l->module,
				   .ports = l->module == &probe_icmp ? NULL : ports,
				   .n_ports = (uint32_t)n_ports };
	struct probe_config config = {
		.targets = targets,
		.lanes = &lane,
		.n_lanes = 1,
		.rate = rate ? rate : PROBE_RATE_MAX,
		.retries = argc > 1 ? (uint32_t)atoi(argv[1]) : 1,
		.timeout_ns = (argc > 2 ? strtoull(argv[2], NULL, 10) : 500) * NS_PER_MS,
		.payload_len = l->module == &probe_icmp ? PROBE_MARK_LEN : 0,
		.max_connects = 4096,
		.seed = clock_monotonic_ns(),
	};
	struct probe_run_callbacks callbacks = { on_event, on_done, l };
	struct probe_io_config io_config = { 0 };
	struct probe_run *started;
	uv_loop_t loop;
	int err;

	uv_loop_init(&loop);
	err = probe_io_new(&loop, &io_config, &l->io);
	if (err)
		return err;
	l->start_ns = clock_monotonic_ns();
	err = probe_io_run(l->io, &config, &callbacks, &started);
	if (err) {
		fprintf(stderr, "probe-load: %s (%s)\n", probe_io_why(l->io), err_text(err));
		return err;
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

int main(int argc, char **argv)
{
	struct load l = { 0 };
	struct targets *targets = targets_new();
	struct ports ports = { 0 };
	struct fault fault;
	uint16_t *list;
	size_t n = 0;
	int err;

	if (argc > 1 && !strcmp(argv[1], "-v")) {
		l.verbose = true;
		argv++;
		argc--;
	}
	if (argc < 5 || !(l.module = module_named(argv[1])) || !targets ||
	    targets_parse(targets, argv[2], &fault) || targets_seal(targets) ||
	    ports_parse(argv[3], "tcp", &ports, &fault)) {
		fprintf(stderr, "probe-load syn|udp|icmp|tcp TARGETS PORTS RATE [RETRIES "
				"[TIMEOUT_MS]]\n");
		return 2;
	}
	list = calloc(65536, sizeof(*list));
	for (uint16_t port = 0; (port = ports_next(&ports, port));)
		list[n++] = port;
	err = run(&l, targets, list, n, argv + 4, argc - 4);
	free(list);
	targets_free(targets);
	return err ? 3 : 0;
}
