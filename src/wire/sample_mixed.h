/*
 * Packets as a busy link has them, for measurements: connections that open, exchange messages (web,
 * TLS, bulk data) and close, with a lost segment now and then; names asked and answered; datagrams,
 * echoes, ARP, neighbour discovery. The same seed gives the same packets.
 */
#ifndef SONDE_WIRE_SAMPLE_MIXED_H
#define SONDE_WIRE_SAMPLE_MIXED_H

#include "base/random.h"
#include "wire/craft.h"

struct sample_mixed;

struct sample_mixed *sample_mixed_new(uint64_t seed);
struct sample_mixed *sample_mixed_free(struct sample_mixed *m);

/* Builds the next packet in @craft, not finished. Return: 0, or an error of crafting. */
MUST_CHECK int sample_mixed_next(struct sample_mixed *m, struct craft *craft);

#endif
