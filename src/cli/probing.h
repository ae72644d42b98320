/* What the verbs that probe share: targets as typed, a loop with probes on it, Ctrl-C and --for. */
#ifndef SONDE_CLI_PROBING_H
#define SONDE_CLI_PROBING_H

#include <uv.h>

#include "base/targets.h"
#include "cli/verb.h"
#include "probe/engine_io.h"

/* More public addresses than this in one run need --authorized. */
#define PROBING_GLOBAL_MAX 256

#define PROBING_TIMEOUT_NS NS_PER_S /* without -W */

/**
 * probing_targets() - what the operands from @first on say, with names resolved, --exclude, -4 and
 * -6 applied, sealed Return: 0, or an exit status after a message.
 */
int probing_targets(struct command *cmd, size_t first, struct targets **ret_targets);

/* One address as an operand; of a name the first that fits. Return: as above. */
int probing_addr(struct command *cmd, const char *text, int family, struct addr *ret_addr);

/* A loop with probes on it. */
struct probing {
	struct command *cmd;
	uv_loop_t loop;
	struct probe_io *io;
	void (*interrupted)(struct probing *p); /* Ctrl-C, or --for is over; NULL: the loop stops */
	bool stopping;				/* it was called */
	/* To be set before probing_begin(). */
	bool xdp;   /* IP packets leave by AF_XDP rings where there are any */
	bool whole; /* ICMP probes are never sent in fragments */
	uv_signal_t interrupt, terminate;
	uv_timer_t end;
};

/**
 * probing_begin() - the loop, its signals and the probe_io
 * @ttl: of ICMP probes, 0: the system's
 * Return: 0, or an exit status after a message; then nothing is left to end.
 */
int probing_begin(struct probing *p, struct command *cmd, const char *iface, int ttl);

/* Starts a run. Return: 0, or an exit status after a message. */
int probing_run(struct probing *p, const struct probe_config *config,
		const struct probe_run_callbacks *callbacks, struct probe_run **ret_run);

/* Runs the loop until probing_stop(). */
void probing_loop(struct probing *p);
void probing_stop(struct probing *p);
void probing_end(struct probing *p);

/* The rate, or the default ceiling. */
uint64_t probing_rate(const struct command *cmd);

/* Probes that nothing came back for in time: with those answered and the errors, all sent. */
uint64_t probing_unanswered(const struct probe_account *account);

/* Two lines for people with the closing account; what could be wrong with it goes to standard
 * error. */
void probing_account(struct command *cmd, const struct probe_account *account,
		     const char *carriers);

#endif
