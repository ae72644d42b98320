/*
 * What a scan found: hosts with what each port answered. Addresses that say nothing cost nothing;
 * of those that answer, each port has two bytes, and open ports a little more.
 */
#ifndef SONDE_CLI_SCAN_RESULTS_H
#define SONDE_CLI_SCAN_RESULTS_H

#include "cli/scan_plan.h"
#include "probe/port_state.h"

#define SCAN_MAX_HOSTS	 (1u << 20)
#define SCAN_MAX_SILENT	 65536	      /* hosts kept that others spoke for, but not they */
#define SCAN_MAX_CELLS	 (128u << 20) /* ports of hosts; beyond, only open ports are kept */
#define SCAN_MAX_DETAILS (8u << 20)
#define SCAN_MAX_ANSWERS 65535
#define SCAN_FOLD	 25 /* more ports of a host in one state, but open, are counted together */
#define SCAN_MAX_FOLDS	 8

/* One of the different answers that came, which many ports may have given. */
struct scan_answer {
	struct probe_event event; /* what all of them have in common */
	enum port_state state;
	unsigned rank; /* a port's greater one holds */
};

/* What speaks on a port; text from the network, made safe. */
struct scan_banner {
	char service[16]; /* "": not known */
	char text[];
};

/* What is told of a port beyond its answer. */
struct scan_detail {
	uint32_t unit;
	uint32_t try;
	int64_t rtt_ns;		    /* -1: unknown */
	struct scan_banner *banner; /* NULL: none */
};

struct scan_host {
	struct addr addr;
	bool alive;		     /* it spoke itself */
	bool listed;		     /* shown even when it says nothing */
	uint16_t *answers;	     /* of each unit, 0: none so far; NULL: SCAN_MAX_CELLS */
	struct scan_detail *details; /* ascending by unit after scan_results_sort() */
	uint32_t n_details, cap_details;
	uint32_t counts[SCAN_MAX_LANES][PORT_N_STATES]; /* of answers */
};

struct scan_results;

/* @plan is borrowed. Return: NULL when out of memory. */
struct scan_results *scan_results_new(const struct scan_plan *plan);
struct scan_results *scan_results_free(struct scan_results *r);

/* Takes an event of the engine. Return: 1 when a port was not known to be open before, 0, -E_FULL
 * (a bound was reached: something is not kept), -ENOMEM. */
int scan_results_take(struct scan_results *r, const struct probe_event *event);

/* Lists a host, whether or not it answers. NULL: no room. */
struct scan_host *scan_results_host(struct scan_results *r, const struct addr *addr);

/* Puts hosts and details in order; before those below. */
void scan_results_sort(struct scan_results *r);
size_t scan_results_n(const struct scan_results *r);
struct scan_host *scan_results_at(const struct scan_results *r, size_t i);

/* Open ports of all hosts so far. */
uint64_t scan_results_n_open(const struct scan_results *r);

/* The answer with that number (of scan_host.answers), from 1; NULL: there is none. */
const struct scan_answer *scan_results_answer(const struct scan_results *r, uint16_t number);

/* The number of the answer that @event is, made when it is new; 0: no room. */
uint16_t scan_results_number(struct scan_results *r, const struct probe_event *event);

/* Sets what a unit answered, or is told of it, as an earlier run saw it. Return: 0, -E_RANGE,
 * -E_FULL, -ENOMEM. */
int scan_results_set(struct scan_results *r, struct scan_host *host, uint32_t unit,
		     uint16_t number);
int scan_results_detail(struct scan_results *r, struct scan_host *host,
			const struct scan_detail *detail);

struct scan_row {
	unsigned lane;
	uint32_t unit;
	uint16_t port;
	enum port_state state;
	const struct scan_answer *answer; /* NULL: silence */
	const struct scan_detail *detail; /* NULL: none kept */
};

/* Ports counted together. */
struct scan_fold {
	unsigned lane;
	enum port_state state;
	const struct scan_answer *answer; /* NULL: silence */
	uint32_t n;
};

struct scan_view {
	struct scan_row *rows;
	size_t n_rows, cap_rows;
	struct scan_fold folds[SCAN_MAX_FOLDS + 1]; /* the last one: all others, of any answer */
	size_t n_folds;
	uint32_t n_silent;
	uint32_t counts[PORT_N_STATES]; /* silence included when @complete */
};

/**
 * scan_results_view() - a host as it is shown: rows for ports worth one, the rest counted
 * @complete: every port was asked to the end, so that one without answer is silent; else these
 * are in n_silent alone
 * @fold: the usual; otherwise every port is a row
 * @ret_view: zeroed, or of an earlier call; free its rows. Return: 0 or -ENOMEM.
 */
MUST_CHECK int scan_results_view(const struct scan_results *r, const struct scan_host *host,
				 bool complete, bool fold, struct scan_view *ret_view);

/* The state of ports of a lane that give no answer. */
enum port_state scan_results_silence(const struct scan_results *r, unsigned lane);

/* Why, in words: of an answer, or of silence to @n_tries. */
void scan_results_reason(const struct scan_results *r, const struct scan_host *host, unsigned lane,
			 const struct scan_answer *answer, unsigned n_tries, struct buf *text);

#endif
