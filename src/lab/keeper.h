/*
 * The keeper: one process for each lab, the first of a PID namespace of its own, which holds every
 * host's network namespace by a descriptor. Nothing of a lab has a name in the file system or
 * outlives its keeper: when that dies, however it dies, the kernel kills all processes of the lab
 * and drops its namespaces with all links. Everything else here follows from that.
 */
#ifndef SONDE_LAB_KEEPER_H
#define SONDE_LAB_KEEPER_H

#include "base/buf.h"
#include "lab/state.h"
#include "lab/topology.h"

/**
 * lab_start() - bring a lab up
 * @name: what it is called, may differ from the topology's name
 * @notes: sentences on what this kernel could not do, one a line
 * Return: 0 when everything is up; -EBUSY when a lab of that name is up already; -EINTR when the
 * user interrupted it, -errno; @fault is filled. Nothing of a lab that failed is left.
 */
MUST_CHECK int lab_start(const struct topology *t, const char *name, struct buf *notes,
			 struct fault *fault);

/**
 * lab_stop() - end a lab with all its processes
 * They get SIGTERM, and a second later SIGKILL. Return: 0 when nothing is left, -errno with @fault.
 */
MUST_CHECK int lab_stop(const struct lab_state *state, struct fault *fault);

#endif
