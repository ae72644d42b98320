#include "cli/probing.h"

#include <signal.h>
#include <stdio.h>

#include "io/resolve.h"

/* Targets */

static int family_of(const struct command *cmd)
{
	return cmd->common.ip4 ? AF_INET : cmd->common.ip6 ? AF_INET6 : AF_UNSPEC;
}

/* Takes out what @text says, which may hold names. */
static int exclude(struct command *cmd, struct targets *t, const char *text)
{
	struct targets *without = targets_new();
	struct fault fault = { 0 };
	int status = 0, err;

	if (!without)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	err = targets_parse(without, text, &fault);
	if (err)
		status = command_fault(cmd, text, &fault);
	if (!status && targets_n_names(without) && resolve_targets(without, AF_UNSPEC, &fault) < 0)
		status = command_fails(cmd, EXIT_USAGE, "%s", fault.text);
	if (!status && targets_exclude(t, without) < 0)
		status = command_fails(cmd, EXIT_CANNOT, "out of memory");
	targets_free(without);
	return status;
}

static int exclude_family(struct command *cmd, struct targets *t)
{
	if (cmd->common.ip4)
		return exclude(cmd, t, "::/0");
	return cmd->common.ip6 ? exclude(cmd, t, "0.0.0.0/0") : 0;
}

static int collect(struct command *cmd, size_t first, struct targets *t)
{
	struct fault fault = { 0 };
	int status = 0;

	for (size_t i = first; i < cmd->n_operands; i++)
		if (targets_parse(t, cmd->operands[i], &fault))
			return command_fault(cmd, cmd->operands[i], &fault);
	if (targets_n_names(t) && resolve_targets(t, family_of(cmd), &fault) < 0)
		return command_fails(cmd, EXIT_USAGE, "%s", fault.text);
	if (targets_seal(t) < 0)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	if (!targets_count(t))
		return command_fails(cmd, EXIT_USAGE, "no targets are given: nothing to read");
	status = exclude_family(cmd, t);
	for (size_t i = 0; !status && i < cmd->common.exclude.n; i++)
		status = exclude(cmd, t, cmd->common.exclude.items[i]);
	if (status)
		return status;
	if (targets_seal(t) < 0)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	if (!targets_count(t))
		return command_fails(cmd, EXIT_USAGE, "no targets are left: %s",
				     cmd->common.ip4   ? "-4 takes IPv4 addresses only"
				     : cmd->common.ip6 ? "-6 takes IPv6 addresses only"
						       : "--exclude takes all of them out");
	if (!cmd->common.authorized && targets_global_exceed(t, PROBING_GLOBAL_MAX))
		return command_fails(cmd, EXIT_USAGE,
				     "more than %d public addresses in one run; add --authorized "
				     "if their owners agree",
				     PROBING_GLOBAL_MAX);
	return 0;
}

int probing_targets(struct command *cmd, size_t first, struct targets **ret_targets)
{
	struct targets *t = targets_new();
	int status = t ? collect(cmd, first, t) : command_fails(cmd, EXIT_CANNOT, "out of memory");

	if (status) {
		targets_free(t);
		return status;
	}
	*ret_targets = t;
	return 0;
}

int probing_addr(struct command *cmd, const char *text, int family, struct addr *ret_addr)
{
	struct targets *t = targets_new();
	struct fault fault = { 0 };
	int status = 0;

	if (!t)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	if (targets_parse(t, text, &fault))
		status = command_fault(cmd, text, &fault);
	else if (targets_n_names(t) && resolve_targets(t, family, &fault) < 0)
		status = command_fails(cmd, EXIT_USAGE, "%s", fault.text);
	else if (targets_seal(t) < 0)
		status = command_fails(cmd, EXIT_CANNOT, "out of memory");
	else if (targets_count(t) != 1 && !targets_n_names(t))
		status = command_fails(cmd, EXIT_USAGE, "expected one address, not \"%s\"", text);
	if (!status) {
		*ret_addr = targets_get(t, 0);
		if (family != AF_UNSPEC && ret_addr->family != family)
			status = command_fails(cmd, EXIT_USAGE, "\"%s\" is not an IPv%d address",
					       text, family == AF_INET ? 4 : 6);
	}
	targets_free(t);
	return status;
}

/* The loop */

static void stop_or_tell(struct probing *p)
{
	/* Who asks twice will not wait. */
	if (p->interrupted && !p->stopping) {
		p->stopping = true;
		p->interrupted(p);
		return;
	}
	probing_stop(p);
}

static void on_signal(uv_signal_t *handle, int signum UNUSED)
{
	stop_or_tell(handle->data);
}

static void on_end(uv_timer_t *timer)
{
	stop_or_tell(timer->data);
}

int probing_begin(struct probing *p, struct command *cmd, const char *iface, int ttl)
{
	struct probe_io_config config = {
		.iface = iface, .ttl = ttl, .whole = p->whole, .xdp = p->xdp
	};
	int err = uv_loop_init(&p->loop);

	p->cmd = cmd;
	if (err)
		return command_fails(cmd, EXIT_CANNOT, "cannot wait: %s", err_text(err));
	uv_signal_init(&p->loop, &p->interrupt);
	uv_signal_init(&p->loop, &p->terminate);
	uv_timer_init(&p->loop, &p->end);
	p->interrupt.data = p->terminate.data = p->end.data = p;
	uv_signal_start(&p->interrupt, on_signal, SIGINT);
	uv_signal_start(&p->terminate, on_signal, SIGTERM);
	if (cmd->common.for_ns)
		uv_timer_start(&p->end, on_end, MAX(cmd->common.for_ns / NS_PER_MS, 1ull), 0);
	err = probe_io_new(&p->loop, &config, &p->io);
	if (!err)
		return 0;
	probing_end(p);
	if (err == -E_NOT_FOUND)
		return command_fails(cmd, EXIT_USAGE, "no interface \"%s\"; see: sonde ifaces",
				     iface);
	return command_fails(cmd, EXIT_CANNOT, "cannot probe: %s", err_text(err));
}

int probing_run(struct probing *p, const struct probe_config *config,
		const struct probe_run_callbacks *callbacks, struct probe_run **ret_run)
{
	int err = probe_io_run(p->io, config, callbacks, ret_run);

	if (!err)
		return 0;
	if (err == -E_RANGE)
		return command_fails(p->cmd, EXIT_USAGE,
				     "too many targets for one run: give a smaller network");
	if (probe_io_why(p->io)[0])
		return command_fails(p->cmd, EXIT_CANNOT, "%s", probe_io_why(p->io));
	return command_fails(p->cmd, EXIT_CANNOT, "cannot probe: %s", err_text(err));
}

void probing_loop(struct probing *p)
{
	uv_run(&p->loop, UV_RUN_DEFAULT);
}

void probing_stop(struct probing *p)
{
	uv_stop(&p->loop);
}

void probing_end(struct probing *p)
{
	probe_io_free(p->io);
	uv_close((uv_handle_t *)&p->interrupt, NULL);
	uv_close((uv_handle_t *)&p->terminate, NULL);
	uv_close((uv_handle_t *)&p->end, NULL);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	uv_loop_close(&p->loop);
}

uint64_t probing_rate(const struct command *cmd)
{
	return cmd->common.given & COMMON_RATE ? cmd->common.rate : PROBE_RATE_DEFAULT;
}

/* The account */

/* Probes that nothing came back for in time: with those answered and the errors, all sent. */
static uint64_t unanswered(const struct probe_account *a)
{
	return a->sent - MIN(a->sent, a->answered + a->errors);
}

void probing_values(const struct probe_account *a, const char *carriers, struct out_value *row)
{
	row[PROBING_SENT] = out_uint(a->sent);
	row[PROBING_UNTRACKED] = out_uint(a->untracked);
	row[PROBING_ANSWERED] = out_uint(a->answered);
	row[PROBING_ERRORS] = out_uint(a->errors);
	row[PROBING_SILENT] = out_uint(unanswered(a));
	row[PROBING_UNSENT] = out_uint(a->failed);
	row[PROBING_LATE] = out_uint(a->late);
	row[PROBING_DUPLICATES] = out_uint(a->duplicate);
	row[PROBING_STATELESS] = out_uint(a->stateless);
	row[PROBING_DROPPED] = out_uint(a->dropped);
	row[PROBING_BACKLOG] = out_uint(a->backlog);
	row[PROBING_RATE] = out_uint(a->rate);
	if (a->recall >= 0)
		row[PROBING_RECALL] = out_real(a->recall);
	row[PROBING_INCOMPLETE] = out_bool(a->incomplete);
	row[PROBING_CARRIERS] = out_text(carriers);
}

/* Why it did not go as fast as it might have. */
static void tell_brakes(struct command *cmd, const struct probe_account *a)
{
	static const char *const why[PROBE_N_BRAKES] = {
		[PROBE_BRAKE_LOCAL] = "this machine's queues",
		[PROBE_BRAKE_LOSS] = "answers lost at a higher rate",
		[PROBE_BRAKE_PREFIX] = "networks that bear less than others",
		[PROBE_BRAKE_ICMP] = "hosts that limit their ICMP errors",
		[PROBE_BRAKE_TABLE] = "the number of probes in flight",
	};
	char text[200] = "";
	size_t at = 0;

	for (unsigned i = 0; i < PROBE_N_BRAKES; i++)
		if (a->brakes[i] && at < sizeof(text))
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", at ? ", " : "",
					       why[i]);
	if (at)
		out_line(cmd->out, "slowed by %s", text);
	if (a->again)
		out_line(cmd->out, "asked once more in the end: %lu, found %lu", a->again,
			 a->again_found);
}

/* How fast it went, and how much of what is there was found. */
static void tell_share(struct command *cmd, const struct probe_account *a)
{
	if (a->rate && a->recall >= 0)
		out_line(cmd->out, "about %.4g %% found, at %lu probes a second", a->recall * 100,
			 a->rate);
	else if (a->rate)
		out_line(cmd->out, "%lu probes a second", a->rate);
	if (a->untracked)
		out_line(cmd->out, "%lu sent without memory of each: too many in flight",
			 a->untracked);
	if (a->stateless)
		out_line(cmd->out, "%lu answers known without memory of their probes",
			 a->stateless);
}

/* What could be wrong with it. */
static void warn(struct command *cmd, const struct probe_account *a, int error)
{
	if (a->recall >= 0 && a->recall < 0.9995)
		command_notes(cmd,
			      "packets were lost; about %.1f %% of those there were found. "
			      "More tries: --retries; slower: --rate",
			      a->recall * 100);
	if (a->incomplete && a->dropped)
		command_notes(cmd,
			      "incomplete: this machine lost %lu incoming packets; slower: --rate",
			      a->dropped);
	else if (a->incomplete)
		command_notes(cmd,
			      "perhaps incomplete: this machine's backlog lost %lu packets, which "
			      "may have been other programs'; slower: --rate",
			      a->backlog);
	if (a->failed)
		command_notes(cmd, "%lu probe%s could not be sent: %s", a->failed,
			      a->failed == 1 ? "" : "s", err_text(error));
}

void probing_account(struct command *cmd, const struct probe_account *a, const char *carriers,
		     int error)
{
	out_line(cmd->out, "sent %lu: answered %lu, errors %lu, silent %lu; unsent %lu", a->sent,
		 a->answered, a->errors, unanswered(a), a->failed);
	out_line(cmd->out, "late %lu, duplicate %lu, dropped here %lu; by %s", a->late,
		 a->duplicate, a->dropped, carriers);
	tell_brakes(cmd, a);
	tell_share(cmd, a);
	warn(cmd, a, error);
}
