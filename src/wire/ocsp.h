/* Questions about certificates to an OCSP responder, and its answers, inside other protocols'
 * messages. */
#ifndef SONDE_WIRE_OCSP_H
#define SONDE_WIRE_OCSP_H

#include "wire/packet.h"

/**
 * ocsp_walk() - give the fields of a response
 * @off, @end: where it is, as announced
 * Faults of a response whose bytes are all there do not end the walk of what it is in.
 */
void ocsp_walk(struct walk *w, uint32_t off, uint32_t end, uint8_t depth);

/* The same of a request. */
void ocsp_walk_request(struct walk *w, uint32_t off, uint32_t end, uint8_t depth);

enum { N_OCSP_ROWS = 28 };
extern const struct field ocsp_rows[N_OCSP_ROWS];

#endif
