/* POP3: commands, responses, mails. */
#ifndef SONDE_WIRE_POP_H
#define SONDE_WIRE_POP_H

#include "wire/protocol.h"

extern const struct protocol protocol_pop;

#endif
