/* Banners of many ports at once, on a libuv loop. */
#ifndef SONDE_PROBE_BANNER_IO_H
#define SONDE_PROBE_BANNER_IO_H

#include <uv.h>

#include "base/addr.h"
#include "probe/banner.h"

struct banner_io;

/*
 * Once for each port that was asked. @owner: as given; @finding: valid during the call, never NULL;
 * @error: 0, or the errno of a connection that could not be opened. The callback may ask more.
 */
typedef void (*banner_io_fn)(void *ctx, void *owner, const struct banner_finding *finding,
			     int error);

/**
 * banner_io_new() - nothing is connected yet
 * @max: connections at a time; fewer when there are no more descriptors
 * @timeout_ns: for each port in all; what is known by then is its result
 * Return: 0, -ENOMEM or -E_UNSUPPORTED (OpenSSL cannot start).
 */
MUST_CHECK int banner_io_new(uv_loop_t *loop, unsigned max, uint64_t timeout_ns, banner_io_fn done,
			     void *ctx, struct banner_io **ret_io);

/* Ends all without callbacks. The loop must still run for its handles to close. */
struct banner_io *banner_io_free(struct banner_io *io);

/**
 * banner_io_ask() - who speaks there?
 * @name: of the host, for web servers of several, copied; NULL: none
 * Return: 0 or -ENOMEM. The answer comes from the loop.
 */
MUST_CHECK int banner_io_ask(struct banner_io *io, const struct endpoint *to, const char *name,
			     void *owner);

/* Ports that were asked and have no answer yet. */
size_t banner_io_left(const struct banner_io *io);

#endif
