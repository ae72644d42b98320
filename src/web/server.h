/*
 * The monitor's page and API over HTTP (docs/api.md is the contract): libmicrohttpd on the
 * monitor's own loop and thread, so that nothing is shared between threads. Aggregates only: no
 * answer is long and none takes long.
 *
 * Who may ask: with a listening address beyond loopback, nobody without the token, and never
 * without TLS (here, or in a proxy in front that the configuration declares). The Host header must
 * name this server, so that a foreign page cannot reach it under a name of its own (DNS rebinding);
 * what writes must come from our own origin.
 */
#ifndef SONDE_WEB_SERVER_H
#define SONDE_WEB_SERVER_H

#include <uv.h>

#include "base/addr.h"
#include "base/err.h"
#include "monitor/config.h"

struct monitor;
struct web_server;

/**
 * web_server_new() - listen and serve
 * @loop, @monitor: outlive the server; the monitor's store gives the history
 * @config: read here, not kept, but for the lists of names, which outlive the server
 * @listen_fd: a socket that listens already (from who started this process), then owned by the
 * server; -1: one is made for @config->listen
 * @fault: for people: the address, what is wrong, what to do
 * Return: 0, -EADDRINUSE, -EACCES, other -errno of listening; -E_RANGE for what the configuration
 * may not ask (an address beyond loopback without token, or without TLS), -E_SYNTAX for a
 * certificate that is none, -ENOMEM.
 */
MUST_CHECK int web_server_new(uv_loop_t *loop, struct monitor *monitor,
			      const struct monitor_config_web *config, int listen_fd,
			      struct web_server **ret_server, struct fault *fault);

/*
 * Stops: streams are told to reconnect, connections are closed. Handles on the loop are closed: the
 * caller runs the loop until it is empty. To be called before monitor_free(). NULL is fine.
 */
struct web_server *web_server_free(struct web_server *s);

/* Where it listens: the port that the kernel chose for port 0. */
struct endpoint web_server_address(const struct web_server *s);

#endif
