/* Messages of syslog. */
#ifndef SONDE_WIRE_SYSLOG_H
#define SONDE_WIRE_SYSLOG_H

#include "wire/protocol.h"

extern const struct protocol protocol_syslog;

#endif
