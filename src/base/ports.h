/*
 * Sets of transport ports as people type them, the same in every verb: "22,80,8000-8100",
 * "http,https", "-" for all. Names are those of /etc/services.
 */
#ifndef SONDE_BASE_PORTS_H
#define SONDE_BASE_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Ports 1 to 65535, a bit each: port p is bit p % 64 of word p / 64. */
struct ports {
	uint64_t words[1024];
	uint32_t n; /* how many */
};

/**
 * ports_parse() - read a list of ports
 * @protocol: "tcp" or "udp": whose names count
 * @ret_ports: set only on success; ports named twice count once
 * Return: 0, or -E_SYNTAX with @fault filled.
 */
MUST_CHECK int ports_parse(const char *text, const char *protocol, struct ports *ret_ports,
			   struct fault *fault);

/**
 * ports_parse_both() - read a list for TCP and UDP, as nmap takes it: "22,T:80,8080,U:53,161"
 * What stands behind T: or U: is for that protocol alone, up to the next such letter; what stands
 * before is for both, a name for those that have such a service.
 * @ret_tcp, @ret_udp: set only on success; one of them may be empty
 * Return: as ports_parse().
 */
MUST_CHECK int ports_parse_both(const char *text, struct ports *ret_tcp, struct ports *ret_udp,
				struct fault *fault);

bool ports_have(const struct ports *ports, uint16_t port);

/**
 * ports_top() - the most usual ports
 * @n: how many; with more than are known (over 1000 of TCP, 200 of UDP) it is all of those
 * @protocol: "tcp" or "udp"
 */
void ports_top(unsigned n, const char *protocol, struct ports *ret_ports);

/* The next port above @port, 0 to begin with; 0 at the end. */
uint16_t ports_next(const struct ports *ports, uint16_t port);

#endif
