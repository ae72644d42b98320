/* What `sonde monitor` shows: events, hosts, and the monitor itself, as records. */
#ifndef SONDE_CLI_MONITOR_SHOW_H
#define SONDE_CLI_MONITOR_SHOW_H

#include "monitor/monitor.h"
#include "out/out.h"

struct status;

extern const struct out_type monitor_event_type, monitor_host_type, monitor_self_type;

void monitor_show_event(struct out *out, const struct monitor_event *event);

/* All hosts, worst first; @with_self: and the monitor's own record; for people the counts. */
void monitor_show_status(struct out *out, const struct status *status, bool with_self);

/* "8 active, 1 inactive of 9 hosts" */
void buf_counts(struct buf *b, const struct monitor_summary *summary);

#endif
