/*
 * Many TCP connections at a time, tried and closed again: who accepts, who refuses? A thread of the
 * connector's own does nothing else; the caller's queues what is to be tried and takes results. For
 * one caller's thread.
 */
#ifndef SONDE_IO_CONNECTOR_H
#define SONDE_IO_CONNECTOR_H

#include "base/addr.h"

#define CONNECTOR_QUEUE 128 /* that wait for their turn at most */

struct connector;

struct connector_result {
	void *owner; /* the first three as given */
	uint32_t id;
	uint64_t token;

	/*
	 * 0: accepted; errno: what was answered; negative: it could not be begun, with -EAGAIN
	 * because no descriptor, port or memory was left at the moment.
	 */
	int error;
};

/**
 * connector_new() - at most @max connections at a time
 * @iface: only through this interface, or NULL; borrowed
 * Return: 0, -ENOMEM, -errno of the descriptors or of the thread.
 */
MUST_CHECK int connector_new(unsigned max, const char *iface, struct connector **ret_connector);
struct connector *connector_free(struct connector *c);

/* To poll for reading: connector_next() has something to tell, or there is room again. */
int connector_fd(const struct connector *c);

/* How many connections can be queued now. */
size_t connector_room(struct connector *c);

/* Lets the descriptor tell when there is room; at once if there is some. */
void connector_await_room(struct connector *c);

/**
 * connector_start() - queue a connection, only while there is room
 * @owner: not NULL; it, @id and @token are given back with the result
 * @deadline_ns: when it is given up without a result, on the monotonic clock
 */
void connector_start(struct connector *c, const struct endpoint *to, void *owner, uint32_t id,
		     uint64_t token, uint64_t deadline_ns);

/*
 * Takes a result; its connection is closed (with a reset, leaving nothing behind). To be called
 * until it returns false, once the descriptor can be read.
 */
bool connector_next(struct connector *c, struct connector_result *ret_result);

/* Gives up all of an owner, without results. */
void connector_forget(struct connector *c, const void *owner);

#endif
