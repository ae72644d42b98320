/*
 * Names and addresses through the system's resolver configuration (c-ares: /etc/hosts and DNS), on
 * a libuv loop, or blocking for a verb that has nothing else to do.
 */
#ifndef SONDE_IO_RESOLVE_H
#define SONDE_IO_RESOLVE_H

#include <uv.h>

#include "base/addr.h"
#include "base/targets.h"

#define RESOLVE_NAME_MAX 254 /* with the NUL */

struct resolver;

/* @name is NULL when there is none, or no server answered. It comes from the network: not to be
 * trusted. */
typedef void (*resolver_name_fn)(void *user, const struct addr *addr, const char *name);

/**
 * resolver_new() - a resolver on @loop
 * @timeout_ns: how long one server is waited for; each is asked twice
 * Return: 0, -ENOMEM, or -E_UNSUPPORTED when c-ares cannot start.
 */
MUST_CHECK int resolver_new(uv_loop_t *loop, uint64_t timeout_ns, struct resolver **ret_resolver);

/* Gives up what is under way: every callback still due is called, with no name. The memory goes
 * when the loop has closed the handles. NULL is fine. */
struct resolver *resolver_free(struct resolver *r);

/* Asks for the name of @addr; @done is called exactly once, perhaps before this returns. */
void resolver_name_of(struct resolver *r, const struct addr *addr, resolver_name_fn done,
		      void *user);

/**
 * resolve_targets() - look up the names in @t and add their addresses; blocks
 * @family: AF_INET, AF_INET6 or AF_UNSPEC (all that the name has)
 * @fault: which name, and why
 * Return: 0, -E_SYNTAX when a name has no address (filled @fault), -ENOMEM, -E_FULL.
 */
MUST_CHECK int resolve_targets(struct targets *t, int family, struct fault *fault);

/**
 * resolve_names() - look up the names of many addresses; blocks, several hundred under way at once
 * @timeout_ns: for each server, as above
 * @ret_names: @n names, "" where there is none
 * Return: 0, -ENOMEM, -E_UNSUPPORTED.
 */
MUST_CHECK int resolve_names(const struct addr *addrs, size_t n, uint64_t timeout_ns,
			     char (*ret_names)[RESOLVE_NAME_MAX]);

#endif
