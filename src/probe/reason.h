/* What became of a probe, in words. */
#ifndef SONDE_PROBE_REASON_H
#define SONDE_PROBE_REASON_H

#include "probe/engine.h"

/**
 * probe_reason() - why an event is no plain answer
 * Return: static text: "host unreachable" (ICMP by RFC 792, 1812, 4443), "connection refused", an
 * error's text; NULL for a plain answer and for silence.
 */
const char *probe_reason(const struct probe_event *event);

#endif
