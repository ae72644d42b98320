/*
 * TCP ports that no other program of this machine gets while packets of our own making leave from
 * them: bound sockets that do not listen. To the kernel they are closed ports: it answers a SYN+ACK
 * that comes for one with a RST, which ends the half-open connection at the other side.
 */
#ifndef SONDE_IO_PORT_RESERVE_H
#define SONDE_IO_PORT_RESERVE_H

#include <stdint.h>

#include "base/err.h"

#define PORT_RESERVE_MAX 16

struct port_reserve {
	int fds[PORT_RESERVE_MAX];
	uint16_t n, first; /* ports first to first + n - 1, of both families */
};

/**
 * port_reserve_take() - a run of neighbouring ports, at a random place beyond 32767
 * @n: 1 to PORT_RESERVE_MAX; as many descriptors are in use until port_reserve_done()
 * Return: 0, -EADDRINUSE (no such run was found), -EMFILE, other -errno.
 */
MUST_CHECK int port_reserve_take(uint16_t n, struct port_reserve *ret_reserve);
void port_reserve_done(struct port_reserve *r);

#endif
