/* The verbs, each in its own file. */
#ifndef SONDE_CLI_VERBS_H
#define SONDE_CLI_VERBS_H

#include "cli/verb.h"

extern const struct verb verb_arp;
extern const struct verb verb_capture;
extern const struct verb verb_craft;
extern const struct verb verb_explain;
extern const struct verb verb_help;
extern const struct verb verb_hosts;
extern const struct verb verb_ifaces;
extern const struct verb verb_lab;
extern const struct verb verb_ping;
extern const struct verb verb_monitor;
extern const struct verb verb_scan;
extern const struct verb verb_trace;

#endif
