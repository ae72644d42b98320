/*
 * `sonde monitor status`: a running monitor answers on a UNIX socket beside its database, inside
 * and outside of network namespaces, with the page or without it. An answer is one descriptor of
 * memory that holds the whole state, so that nobody who reads slowly holds the monitor up. Both
 * sides are the same version of this program, which is checked.
 */
#ifndef SONDE_CLI_MONITOR_STATUS_H
#define SONDE_CLI_MONITOR_STATUS_H

#include <uv.h>

#include "monitor/monitor.h"

#define STATUS_TEXT 64 /* bytes of a name, with the NUL; longer ones are cut */

struct status_host {
	struct presence_host host; /* the names' pointers mean nothing */
	char names[2][STATUS_TEXT], network[STATUS_TEXT], vendor[STATUS_TEXT];
};

struct status {
	char version[16];
	uint32_t host_size; /* sizeof(struct status_host) */
	uint32_t n_hosts;
	struct monitor_summary summary; /* its name's pointer means nothing */
	char name[STATUS_TEXT];
	struct status_host hosts[]; /* worst first */
};

struct status_server;

/**
 * status_serve() - answer at @path from now on
 * What stands there from an earlier run is replaced: the caller holds the database.
 * Return: 0, -ENAMETOOLONG (some 100 bytes), -errno.
 */
MUST_CHECK int status_serve(uv_loop_t *loop, struct monitor *m, const char *path,
			    struct status_server **ret_server);

/* Its handle closes while the loop runs on. NULL is fine. */
void status_server_free(struct status_server *s);

/**
 * status_ask() - the state of the monitor that answers at @path
 * @ret_status: to be ended with status_free()
 * Return: 0, -ENOENT or -ECONNREFUSED (nobody), -E_FOREIGN (another version), -E_TIMEOUT, -errno.
 */
MUST_CHECK int status_ask(const char *path, const struct status **ret_status);
void status_free(const struct status *status);

/* Where the monitor with that database answers: "PATH.sock". @ret_path: @size bytes. */
void status_path(const char *store_path, char *ret_path, size_t size);

#endif
