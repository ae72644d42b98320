/*
 * What an answer, or none, says of a port: the states as people know them, each with its reason.
 */
#ifndef SONDE_PROBE_PORT_STATE_H
#define SONDE_PROBE_PORT_STATE_H

#include "base/buf.h"
#include "probe/engine.h"

enum port_state {
	PORT_OPEN,	    /* SYN+ACK, a connection, a UDP answer */
	PORT_CLOSED,	    /* RST, or ICMP port unreachable from the target itself to UDP */
	PORT_FILTERED,	    /* no answer to TCP; ICMP 'prohibited', or 'port unreachable' to TCP */
	PORT_OPEN_FILTERED, /* no answer to UDP: nobody can tell the two apart */
	PORT_UNREACHABLE,   /* ICMP network or host unreachable, no route, no neighbour */
	PORT_N_STATES,
};

/**
 * port_state_of() - what an event means for its port
 * @module: of the event's lane
 * LATE events are judged like those in time; not for PROBE_DUPLICATE.
 */
enum port_state port_state_of(const struct probe_module *module, const struct probe_event *event);

/* "open", "closed", "filtered", "open|filtered", "unreachable" */
const char *port_state_name(enum port_state state);

/**
 * port_state_reason() - why, in a few words
 * @n_tries: how often it was asked in all, for silence
 * Writes e.g. "syn-ack ttl 63", "rst ttl 64", "icmp port-unreachable from 10.0.0.1", "connected",
 * "refused", "no answer to 3 tries", "udp answer ttl 64", "no route".
 */
void port_state_reason(const struct probe_module *module, const struct probe_event *event,
		       unsigned n_tries, struct buf *text);

#endif
