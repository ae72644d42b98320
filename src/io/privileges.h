/*
 * Giving up privileges once sockets are open: the bytes of strangers are then read by a process
 * that can do nothing more with the machine than the person who started it, or nobody, could.
 *
 * - Root becomes the user that was asked for, else the one who called sudo, else `nobody`, with
 * that user's groups. Root of a user namespace in which that user does not exist stays, without
 *   capabilities.
 * - Another user who had capabilities (setcap on the binary) loses them.
 * - In all cases: no capability left in any set, none to be gained by executing something, and the
 *   result is looked at before it is believed.
 */
#ifndef SONDE_IO_PRIVILEGES_H
#define SONDE_IO_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define PRIVILEGES_GROUPS_MAX 256

/* Who to become. */
struct privileges {
	char name[64];
	uid_t uid;
	gid_t gid;
	gid_t groups[PRIVILEGES_GROUPS_MAX];
	int n_groups;
	bool change; /* else: stay who we are, only capabilities go */
	bool asked;  /* by name: to fail is then an error */
};

/**
 * privileges_find() - whom to become, looked up while names can still be looked up
 * @user: a name or a number, as typed (-Z); NULL: the rule above
 * @fault: no such user; or only root can become another
 * Return: 0, -E_NOT_FOUND, -EPERM.
 */
MUST_CHECK int privileges_find(const char *user, struct privileges *ret_privileges,
			       struct fault *fault);

/**
 * privileges_drop() - become that user, for good
 * To be called before a second thread runs: capabilities belong to threads. What is opened later is
 * opened with the new user's rights, also in a folder whose descriptor is held.
 * Return: 0, -errno with @fault. After an error the process must not go on.
 */
MUST_CHECK int privileges_drop(const struct privileges *privileges, struct fault *fault);

/* What to do where sockets are not permitted, as a sentence that names this program's file. */
const char *privileges_advice(void);

#endif
