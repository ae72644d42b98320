/* SMTP: commands, replies, mail. */
#ifndef SONDE_WIRE_SMTP_H
#define SONDE_WIRE_SMTP_H

#include "wire/protocol.h"

extern const struct protocol protocol_smtp;

#endif
