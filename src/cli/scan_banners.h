/* Asks what speaks on the open TCP ports of a scan. */
#ifndef SONDE_CLI_SCAN_BANNERS_H
#define SONDE_CLI_SCAN_BANNERS_H

#include <uv.h>

#include "cli/scan_results.h"

struct scan_banners;

/**
 * scan_banners_new() - begin to ask; on @loop
 * @results: sorted, and not changed by others meanwhile; takes what is found
 * @done: once, from the loop, when all is known
 * Return: 0, 1 when there is nothing to ask (and @done is not called), -ENOMEM, -E_UNSUPPORTED.
 */
MUST_CHECK int scan_banners_new(uv_loop_t *loop, const struct scan_plan *plan,
				struct scan_results *results, void (*done)(void *ctx), void *ctx,
				struct scan_banners **ret_banners);

/* Also before it is done. The loop must still run for its handles to close. NULL is fine. */
struct scan_banners *scan_banners_free(struct scan_banners *b);

/* How many ports are through. */
uint64_t scan_banners_n_done(const struct scan_banners *b);

#endif
