/* What usually listens on a port, by name. */
#ifndef SONDE_BASE_SERVICES_H
#define SONDE_BASE_SERVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct services;

/**
 * services_new() - names from a file like /etc/services, and our own for ports that it lacks
 * @path: at most 65536 lines are read; when it is not there, our own are all
 * Return: 0 or -ENOMEM.
 */
MUST_CHECK int services_new(const char *path, struct services **ret_services);
struct services *services_free(struct services *s);

/* @protocol: "tcp" or "udp". Return: borrowed, or NULL when nothing is known. */
const char *services_name(const struct services *s, uint16_t port, const char *protocol);

#endif
