/* The hops on the way to a target: who answered there, how fast, and how that is shown. */
#ifndef SONDE_CLI_TRACE_PATH_H
#define SONDE_CLI_TRACE_PATH_H

#include "cli/verb.h"
#include "io/resolve.h"
#include "probe/engine.h"

#define TRACE_MAX_HOPS	     PROBE_MAX_LANES
#define TRACE_HOP_RESPONDERS 8

struct trace;

/* A router, or the target. */
struct trace_responder {
	struct trace *trace; /* of the name that is being looked up */
	struct addr addr;
	uint64_t n;
	struct probe_labels labels;  /* in its last answer */
	char name[RESOLVE_NAME_MAX]; /* from the network; "": none, or not asked for */
};

struct trace_hop {
	struct trace_responder responders[TRACE_HOP_RESPONDERS]; /* of several ways to go on */
	unsigned n_responders;
	uint64_t sent, received;
	uint64_t n_times; /* of those received, how many have a time */
	int64_t best_ns, worst_ns, last_ns;
	double sum_ns;
	uint32_t mtu;	    /* of the largest packet that came as far as here; 0: not known */
	const char *reason; /* why it ends here, or why nothing was sent; static; or NULL */
};

struct trace_path {
	struct addr target;
	struct trace_hop hops[TRACE_MAX_HOPS];
	unsigned first, max; /* hops asked for, counted from 1 */
	unsigned end;	     /* the hop where it ends; 0: not known yet */
	bool reached;	     /* the target itself answered there */
};

/**
 * trace_path_add() - what became of one probe
 * @ttl: it left with
 * Return: the responder when it is new at that hop, whose name may be looked up; else NULL.
 */
struct trace_responder *trace_path_add(struct trace_path *p, unsigned ttl,
				       const struct probe_event *event);

/* The last hop worth showing. */
unsigned trace_path_last(const struct trace_path *p);

/* Writes a row for each hop, and what it comes to; @method in words. */
void trace_path_show(const struct trace_path *p, struct command *cmd, const char *method);

extern const struct out_type trace_hop_type, trace_result_type;

#endif
