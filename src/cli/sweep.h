/*
 * One look at who is there: all targets by ARP or neighbour solicitation where they are on a link
 * of this machine, and by ICMP; then those that stayed silent and are not on-link by TCP
 * connections. An on-link host that does not answer ARP cannot answer anything else.
 */
#ifndef SONDE_CLI_SWEEP_H
#define SONDE_CLI_SWEEP_H

#include "cli/found.h"
#include "cli/probing.h"
#include "out/progress.h"

#define SWEEP_MAX_PORTS 16

struct sweep {
	/* The caller's. */
	struct probing *probing;
	struct targets *targets;
	struct found *found; /* takes what is heard */
	bool by_link, by_icmp, by_tcp;
	uint16_t ports[SWEEP_MAX_PORTS]; /* to connect to */
	unsigned n_ports;
	void (*done)(struct sweep *sweep); /* also when there was nothing to do, or it failed */

	/* Of the last look, when it is done. */
	struct probe_account account;
	int error;  /* why a probe could not be sent */
	bool full;  /* memory or FOUND_MAX */
	int status; /* an exit status after a message */

	/* Its own. */
	struct probe_run *run;
	struct probe_lane lanes[3];
	enum evidence evidence[3]; /* of each lane */
	size_t n_lanes;
	struct addr *silent; /* targets of the second phase */
	bool in_tcp_phase;
	size_t n_answers;
	struct progress progress;
};

/**
 * sweep_permit() - leave out what is not permitted, and say so
 * Return: 0, or an exit status after a message when nothing is left.
 */
int sweep_permit(struct sweep *s);

/**
 * sweep_ourselves() - our own addresses among the targets are alive, whether or not they answer
 * @exclude_ends: also takes the networks' and broadcast addresses of our networks out
 * Return: 0, or an exit status after a message.
 */
int sweep_ourselves(struct sweep *s, bool exclude_ends);

/* Starts a look. */
void sweep_start(struct sweep *s);

/* Ctrl-C: sends no more; done() comes from the loop. */
void sweep_stop(struct sweep *s);

/* Draws the progress line anew, for a timer. */
void sweep_redraw(struct sweep *s);

/* Adds @a to the account @sum of what was sent before. */
void sweep_add_account(struct probe_account *sum, const struct probe_account *a);

#endif
