/*
 * What is known of running labs: a folder with two files for each, NAME.lock, which the lab's
 * keeper holds locked as long as it lives, and NAME, which tells its process and its hosts. Whether
 * a lab lives is told by the lock; whether a process is its keeper, by number and start time
 * together. The folder is /run/sonde/lab for root, else $XDG_RUNTIME_DIR/sonde/lab, else
 * /tmp/sonde-UID/lab.
 */
#ifndef SONDE_LAB_STATE_H
#define SONDE_LAB_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "lab/topology.h"

struct lab_state_link {
	char *network, *iface, *port, *mac;
	char **addresses;
	unsigned n_addresses;
};

struct lab_state_host {
	char *name;
	int netns; /* descriptor number in the keeper */
	struct lab_state_link *links;
	unsigned n_links;
};

struct lab_state {
	char *name;
	int pid;	/* the keeper's */
	uint64_t start; /* when it started, in the kernel's ticks */
	bool ready;	/* false: still being built, or torn down */
	struct lab_state_host *hosts;
	unsigned n_hosts;
	struct config *config; /* owns all of this */
};

enum { LAB_FOLDER_LEN = 256 };

/* The path of the folder. */
void lab_state_folder(char ret_path[static LAB_FOLDER_LEN]);

/**
 * lab_state_lock() - claim a name
 * Return: a locked descriptor, close-on-exec; -EBUSY when a lab of that name lives; -errno with
 * @fault filled. What a lab that died left under this name is removed.
 */
MUST_CHECK int lab_state_lock(const char *name, struct fault *fault);

/* Writes the state of a lab whose name is locked; @netns_fds NULL: not ready yet. 0 or -errno. */
MUST_CHECK int lab_state_write(const char *name, pid_t pid, const struct topology *t,
			       const int *netns_fds);

/* Removes both files; the caller holds the lock, or the lab is dead. */
void lab_state_remove(const char *name);

/**
 * lab_state_read() - the state of the lab of that name, or of the only one there is when @name is
 * NULL Return: 0; -E_NOT_FOUND when it does not live; -errno, -E_SYNTAX. @fault is filled for all.
 */
MUST_CHECK int lab_state_read(const char *name, struct lab_state **ret_state, struct fault *fault);

/**
 * lab_state_names() - the names of the labs that live, sorted
 * Files of those that died are removed on the way. Return: their number, or -errno.
 */
MUST_CHECK int lab_state_names(char (**ret_names)[LAB_NAME_MAX + 1]);

/* A descriptor of the keeper's process; -ESRCH when that process is another one or gone. */
MUST_CHECK int lab_state_keeper(const struct lab_state *state);

struct lab_state *lab_state_free(struct lab_state *state);

#endif
