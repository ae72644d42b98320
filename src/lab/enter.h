/* Getting into a lab that is up: running commands on its hosts, pulling and plugging its cables. */
#ifndef SONDE_LAB_ENTER_H
#define SONDE_LAB_ENTER_H

#include "lab/state.h"

/* The host's place in @state, or -E_NOT_FOUND. */
MUST_CHECK int lab_find_host(const struct lab_state *state, const char *name);

/**
 * lab_become() - make this process, alone in its own, one of a host's
 * It gets the host's network, its name as hostname, and a /sys that shows its interfaces.
 * Return: 0 or -errno.
 */
MUST_CHECK int lab_become(int netns_fd, const char *name);

/* A command to run on a host. */
struct lab_command {
	char *const *argv;     /* NULL-terminated; looked up in PATH */
	const int *listen_fds; /* passed as descriptors 3, 4, ... with LISTEN_FDS and LISTEN_PID */
	unsigned n_listen_fds;
};

/**
 * lab_exec() - run a command on host number @host and wait for it
 *
 * The command has this process's terminal, environment and folder, and gets the signals sent to it.
 * @ret_status: as a shell tells it: what it exits with, 128 + signal, 127 not found, 126 not to be
 * run Return: 0, or -errno with @fault filled when it could not be started; 126 and 127 fill @fault
 * too.
 */
MUST_CHECK int lab_exec(const struct lab_state *state, unsigned host,
			const struct lab_command *command, int *ret_status, struct fault *fault);

enum lab_cable { LAB_CABLE_LOOK, LAB_CABLE_CUT, LAB_CABLE_JOIN };

/**
 * lab_cables() - look after the cables of one host, or of all when @host is -1
 * @ret_cut: by link, hosts in order: is it pulled (now)?
 * Return: 0, or -errno with @fault filled.
 */
MUST_CHECK int lab_cables(const struct lab_state *state, int host, enum lab_cable what,
			  bool *ret_cut, struct fault *fault);

#endif
