/* IMAP: tagged commands, responses, literals. */
#ifndef SONDE_WIRE_IMAP_H
#define SONDE_WIRE_IMAP_H

#include "wire/protocol.h"

extern const struct protocol protocol_imap;

#endif
