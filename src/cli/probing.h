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
 * probing_targets() - what the operands from @first on say, sealed
 * Names are resolved, --exclude, -4 and -6 applied.
 * Return: 0, or an exit status after a message.
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

/* Of a record with an account: its last columns, from @first on. */
enum {
	PROBING_SENT,
	PROBING_UNTRACKED,
	PROBING_ANSWERED,
	PROBING_ERRORS,
	PROBING_SILENT,
	PROBING_UNSENT,
	PROBING_LATE,
	PROBING_DUPLICATES,
	PROBING_STATELESS,
	PROBING_DROPPED,
	PROBING_BACKLOG,
	PROBING_RATE,
	PROBING_RECALL,
	PROBING_INCOMPLETE,
	PROBING_CARRIERS,
	PROBING_N_COLUMNS,
};

/* clang-format off */
#define PROBING_COLUMNS(first) \
	[(first) + PROBING_SENT] = { "sent", OUT_UINT, .about = "probes sent" }, \
	[(first) + PROBING_UNTRACKED] = { "untracked", OUT_UINT, .about = \
		"of them, sent without memory of each, because more were in " \
		"flight than there is memory for" }, \
	[(first) + PROBING_ANSWERED] = { "answered", OUT_UINT, .about = \
		"probes answered in time" }, \
	[(first) + PROBING_ERRORS] = { "errors", OUT_UINT, .about = \
		"probes answered by an ICMP error" }, \
	[(first) + PROBING_SILENT] = { "silent", OUT_UINT, .about = \
		"probes not answered in time" }, \
	[(first) + PROBING_UNSENT] = { "unsent", OUT_UINT, .about = \
		"probes that could not be sent" }, \
	[(first) + PROBING_LATE] = { "late", OUT_UINT, .about = \
		"of the silent ones, answered after the time-out" }, \
	[(first) + PROBING_DUPLICATES] = { "duplicates", OUT_UINT, .about = \
		"answers beyond the first" }, \
	[(first) + PROBING_STATELESS] = { "stateless", OUT_UINT, .about = \
		"answers known by what they carried alone, " \
		"without memory of their probes" }, \
	[(first) + PROBING_DROPPED] = { "dropped", OUT_UINT, .about = \
		"incoming packets that this machine lost" }, \
	[(first) + PROBING_BACKLOG] = { "backlog", OUT_UINT, .about = \
		"packets that the kernel lost meanwhile because its backlog was " \
		"full, whoever they were for" }, \
	[(first) + PROBING_RATE] = { "rate", OUT_UINT, .about = \
		"probes a second, from the first to the last" }, \
	[(first) + PROBING_RECALL] = { "recall", OUT_REAL, .about = \
		"estimated share of those there that were found, " \
		"by the losses seen" }, \
	[(first) + PROBING_INCOMPLETE] = { "incomplete", OUT_BOOL, .about = \
		"answers were lost on this machine" }, \
	[(first) + PROBING_CARRIERS] = { "carriers", OUT_TEXT, .about = "sockets used" }
/* clang-format on */

/* Their values: sets PROBING_N_COLUMNS of @row. @carriers is borrowed while the row is. */
void probing_values(const struct probe_account *account, const char *carriers,
		    struct out_value *row);

/*
 * The closing account in a few lines for people. What could be wrong with it goes to standard
 * error; @error: why a probe could not be sent, if one could not.
 */
void probing_account(struct command *cmd, const struct probe_account *account, const char *carriers,
		     int error);

#endif
