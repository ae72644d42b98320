/* What the kernel lost before any socket saw it: its queues of packets that came in were full. */
#ifndef SONDE_IO_SOFTNET_H
#define SONDE_IO_SOFTNET_H

#include <stdint.h>

/*
 * Packets lost so far in the backlogs of all processors (/proc/net/softnet_stat): of every
 * interface and every network namespace, whoever they were for. 0 where the kernel does not tell.
 */
uint64_t softnet_dropped(void);

#endif
