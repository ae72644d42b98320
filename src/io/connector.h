/*
 * Many TCP connections at a time, tried and closed again: who accepts, who refuses? One descriptor
 * to poll for all of them.
 */
#ifndef SONDE_IO_CONNECTOR_H
#define SONDE_IO_CONNECTOR_H

#include "base/addr.h"

struct connector;

struct connector_result {
	void *owner; /* the first three as given */
	uint32_t id;
	uint64_t token;
	int error; /* 0: accepted, else errno */
};

/**
 * connector_new() - at most @max connections at a time
 * @iface: only through this interface, or NULL. Return: 0, -ENOMEM, -errno of epoll.
 */
MUST_CHECK int connector_new(unsigned max, const char *iface, struct connector **ret_connector);
struct connector *connector_free(struct connector *c);

/* To poll for reading: connector_next() has something to tell. */
int connector_fd(const struct connector *c);

/**
 * connector_start() - begin a connection
 * @owner, @id, @token: given back with the result
 * @deadline_ns: when connector_expire() closes it without a result
 * @ret_result: how it ended, when that is known at once, as it is on this machine and often near it
 * Return: 0: under way; 1: @ret_result is set, and connector_next() says nothing of it; -EAGAIN: no
 * descriptor, port or memory left at the moment; other -errno.
 */
MUST_CHECK int connector_start(struct connector *c, const struct endpoint *to, void *owner,
			       uint32_t id, uint64_t token, uint64_t deadline_ns,
			       struct connector_result *ret_result);

/* Takes a result; its connection is closed (with a reset, leaving nothing behind). Return: 1 or 0.
 */
int connector_next(struct connector *c, struct connector_result *ret_result);

/* Closes all of an owner, without results. */
void connector_forget(struct connector *c, const void *owner);

/* Closes what is due, without results. */
void connector_expire(struct connector *c, uint64_t now_ns);

#endif
