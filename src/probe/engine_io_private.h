/* What the files that join the engine to sockets share. */
#ifndef SONDE_PROBE_ENGINE_IO_PRIVATE_H
#define SONDE_PROBE_ENGINE_IO_PRIVATE_H

#include "probe/carriers_io.h"
#include "probe/engine_io.h"
#include "probe/routes_io.h"

struct probe_run {
	struct probe_run *next;
	struct probe_io *io;
	struct probe_engine *engine;
	struct probe_run_callbacks callbacks;
	uint64_t timeout_ns;
	uint64_t sent_ns; /* when something left last */
	uint64_t softnet; /* what the kernel had lost when it began */
	bool ended;
};

struct probe_io {
	struct carriers carriers;
	struct routes *routes;
	struct neighbours *neighbours; /* NULL: no IP packets were to be sent so far */
	struct probe_run *runs;
	uint64_t armed_ns, drops_ns, drained_ns;
};

/* An event to the run's owner. */
void engine_io_tell(struct probe_run *run, const struct probe_event *event);

/* Sends a batch of what the engine has. Return: how many there were; 0 also when there is no room
 * at the moment, and then *@ret_full is set: a descriptor of the pump or the connector tells when
 * there is. */
size_t engine_io_send(struct probe_run *run, bool *ret_full);

/* Takes what one of the carriers has brought, a bounded part of it at a time. */
void engine_io_receive(struct probe_io *io, struct carrier *c);

#endif
