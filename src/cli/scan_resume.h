/*
 * The file that a scan goes on from: its plan, the place in it, the pairs that were under way, and
 * what was found so far. Lines of text, the last of which is a checksum of those before.
 */
#ifndef SONDE_CLI_SCAN_RESUME_H
#define SONDE_CLI_SCAN_RESUME_H

#include "cli/found.h"
#include "cli/scan_results.h"

/* Where a scan was broken off. */
struct scan_saved {
	bool begun;	   /* there is something to go on from */
	bool in_discovery; /* no port was asked yet: all of @asked are targets, and what was heard
			      is in @found */
	uint64_t place;
	uint64_t *again; /* pairs without a result before that place */
	size_t n_again;
	struct scan_plan plan;
	struct targets *asked; /* before discovery */
	struct scan_results *results;
	struct found *found;
};

/**
 * scan_resume_read() - read the file
 * Return: 0; 0 with begun false when there is no such file; or an exit status after a message.
 * Free with scan_saved_done().
 */
int scan_resume_read(struct command *cmd, const char *path, struct scan_saved *ret_saved);
void scan_saved_done(struct scan_saved *saved);

/* Is @plan, with the targets before discovery, the one that was saved? Return: 0, or an exit status
 * after a message. */
int scan_resume_check(struct command *cmd, const char *path, const struct scan_saved *saved,
		      const struct scan_plan *plan, bool tcp_chosen, bool seed_chosen);

/* Can the file be written? Better known before a long scan. Return: 0, or an exit status after a
 * message. */
int scan_resume_try(struct command *cmd, const char *path);

/* Writes the file, as a whole or not at all. @saved holds all but results and found by reference.
 * Return: 0, or an exit status after a message. */
int scan_resume_write(struct command *cmd, const char *path, const struct scan_saved *saved);

#endif
