/* Hosts that were found: who, by which evidence, since when, and how that is shown. */
#ifndef SONDE_CLI_FOUND_H
#define SONDE_CLI_FOUND_H

#include "cli/verb.h"

#define FOUND_MAX (1u << 20)

enum evidence {
	EVIDENCE_SELF,
	EVIDENCE_ARP,
	EVIDENCE_NS,
	EVIDENCE_ICMP,
	EVIDENCE_TCP,
	EVIDENCE_UDP,
	N_EVIDENCE,
};

enum found_change { FOUND_SAME, FOUND_NEW, FOUND_BACK, FOUND_GONE, FOUND_NEW_MAC };

struct found_host {
	struct addr addr;
	struct mac mac;	   /* zero: unknown */
	unsigned evidence; /* of this round, a bit each; none: silent */
	int64_t rtt_ns;	   /* -1: unknown */
	bool listed;	   /* asked for by name or address: inactive even when never heard */
	bool known;	   /* was judged in an earlier round */
	bool active;	   /* as judged last */
	bool mac_changed;
	enum found_change change;
	bool named; /* was looked up */
	char *name; /* from the network; NULL: none */
};

struct found;

/* Return: NULL when out of memory. */
struct found *found_new(void);
struct found *found_free(struct found *f);

/* The host with that address, made when it is new. NULL: out of memory or FOUND_MAX. */
struct found_host *found_host(struct found *f, const struct addr *addr);

/* NULL: there is none. */
const struct found_host *found_get(const struct found *f, const struct addr *addr);

/* Heard of in this round. @mac zero and @rtt_ns -1: not known. Return: 0, -E_FULL. */
int found_heard(struct found *f, const struct addr *addr, enum evidence by, const struct mac *mac,
		int64_t rtt_ns);

/* Its evidence in words. Return: how many. */
size_t found_evidence(const struct found_host *host, struct out_value ret_words[static N_EVIDENCE]);

size_t found_n_alive(const struct found *f);

/* A round begins: evidence is forgotten. */
void found_begin(struct found *f);

struct found_counts {
	size_t alive, inactive, changes;
};

/* Judges: who was heard is active, who was not, but was once or is listed, is inactive. */
struct found_counts found_judge(struct found *f);

/* Looks up the names of those alive that were not looked up yet; blocks. */
void found_look_up(struct found *f);

/* Writes the hosts, in order of address: those alive, and with @all also inactive ones. */
void found_show(struct found *f, struct command *cmd, bool all);

/* Every host, in the order of found_show(), once that or found_sort() was called. */
void found_sort(struct found *f);
size_t found_n(const struct found *f);
const struct found_host *found_at(const struct found *f, size_t i);

/* Writes what changed, as records of their own. */
void found_show_changes(struct found *f, struct command *cmd);

extern const struct out_type found_host_type, found_change_type;

#endif
