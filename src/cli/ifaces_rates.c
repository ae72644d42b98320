/* sonde ifaces --rates: what the interfaces carry, tick by tick. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ifaces.h"
#include "cli/live.h"
#include "host/rates.h"
#include "host/watch.h"
#include "io/clock.h"

enum {
	TIME,
	INTERFACE,
	RX_BYTES,
	TX_BYTES,
	RX_PACKETS,
	TX_PACKETS,
	RX_ERRORS,
	RX_DROPPED,
	TX_ERRORS,
	TX_DROPPED,
	MACHINE,
	RESET,
	INTERVAL,
	N_RATE,
};

static const struct out_column rate_columns[] = {
	[TIME] = { "time", OUT_TIME, .about = "end of the interval" },
	[INTERFACE] = { "interface", OUT_TEXT, .width = 15,
			.about = "the interface, or \"whole machine\"" },
	[RX_BYTES] = { "rx_bytes_per_s", OUT_BYTES, .title = "RECEIVED/S", .width = 10,
		       .about = "bytes received a second" },
	[TX_BYTES] = { "tx_bytes_per_s", OUT_BYTES, .title = "SENT/S", .width = 10,
		       .about = "bytes sent a second" },
	[RX_PACKETS] = { "rx_packets_per_s", OUT_UINT, .title = "PACKETS IN/S", .width = 12,
			 .about = "packets received a second" },
	[TX_PACKETS] = { "tx_packets_per_s", OUT_UINT, .title = "PACKETS OUT/S", .width = 12,
			 .about = "packets sent a second" },
	[RX_ERRORS] = { "rx_errors", OUT_UINT, .extra = true,
			.about = "bad packets received in the interval" },
	[RX_DROPPED] = { "rx_dropped", OUT_UINT, .extra = true,
			 .about = "good packets received and dropped in the interval" },
	[TX_ERRORS] = { "tx_errors", OUT_UINT, .extra = true,
			.about = "packets not sent, by error, in the interval" },
	[TX_DROPPED] = { "tx_dropped", OUT_UINT, .extra = true,
			 .about = "packets not sent, dropped, in the interval" },
	[MACHINE] = { "machine", OUT_BOOL, .extra = true,
		      .about = "the sum for the whole machine" },
	[RESET] = { "reset", OUT_BOOL, .extra = true,
		    .about = "a counter began anew in the interval: the figures are too low" },
	[INTERVAL] = { "interval_s", OUT_SECONDS, .extra = true, .about = "measured length of it" },
};

const struct out_type ifaces_rate_type = { "rate", rate_columns, N_RATE, .live = true };

/* A name no interface can have: blanks are not allowed in them. */
#define WHOLE_MACHINE "whole machine"

struct rates_run {
	struct live live;
	struct ifaces *x;
	struct host_watch *watch;
	struct host_rates rates;
	bool *counted; /* for each link of x->links: part of the machine's sum */
	uint64_t last_ns, n_ticks;
	bool stale; /* interfaces came, went or were renamed since they were listed */
};

static bool is_hardware(const struct host_link *link)
{
	return !link->kind[0] && !(link->flags & IFF_LOOPBACK);
}

/*
 * Chooses the interfaces whose sum is the machine's: hardware or, where there is none, whatever is
 * not built upon another: not a bridge with ports, a VLAN, or a veth of which both ends are here.
 * Else traffic counts twice.
 */
static int choose_counted(struct rates_run *r)
{
	const struct host_links *links = &r->x->links;
	bool *counted = reallocarray(r->counted, links->n + 1, sizeof(*counted)), hardware = false;

	if (!counted)
		return -ENOMEM;
	r->counted = counted;
	for (size_t i = 0; i < links->n; i++)
		hardware |= is_hardware(&links->items[i]);
	for (size_t i = 0; i < links->n; i++) {
		const struct host_link *link = &links->items[i];
		bool stacked = link->peer && link->peer_netns < 0;

		counted[i] = hardware ? is_hardware(link)
				      : !stacked && !(link->flags & IFF_LOOPBACK);
	}
	for (size_t i = 0; i < links->n && !hardware; i++) {
		const struct host_link *master = host_links_at(links, links->items[i].master);

		if (master)
			counted[master - links->items] = false;
	}
	return 0;
}

static uint64_t a_second(uint64_t count, uint64_t interval_ns)
{
	return (uint64_t)((unsigned __int128)count * NS_PER_S / interval_ns);
}

static void record_rate(struct rates_run *r, const char *name, const struct host_counters *delta,
			bool reset, uint64_t interval_ns)
{
	struct out_value row[N_RATE] = {
		[TIME] = out_ns(clock_wall_ns()),
		[INTERFACE] = out_text(name),
		[RX_BYTES] = out_uint(a_second(delta->rx_bytes, interval_ns)),
		[TX_BYTES] = out_uint(a_second(delta->tx_bytes, interval_ns)),
		[RX_PACKETS] = out_uint(a_second(delta->rx_packets, interval_ns)),
		[TX_PACKETS] = out_uint(a_second(delta->tx_packets, interval_ns)),
		[RX_ERRORS] = out_uint(delta->rx_errors),
		[RX_DROPPED] = out_uint(delta->rx_dropped),
		[TX_ERRORS] = out_uint(delta->tx_errors),
		[TX_DROPPED] = out_uint(delta->tx_dropped),
		[MACHINE] = out_bool(name[0] == WHOLE_MACHINE[0] && !strcmp(name, WHOLE_MACHINE)),
		[RESET] = out_bool(reset),
		[INTERVAL] = out_ns((int64_t)interval_ns),
	};

	out_record(r->x->cmd->out, &ifaces_rate_type, row);
}

/* The rows of one tick, and the sum if nothing was named. */
static void record_tick(struct rates_run *r, uint64_t interval_ns)
{
	const struct host_links *links = &r->x->links;
	bool reset = false;
	struct host_counters sum = { 0 };

	for (size_t i = 0; i < r->rates.n; i++) {
		const struct host_rate *rate = &r->rates.items[i];
		const struct host_link *link = host_links_at(links, rate->ifindex);

		if (!link || rate->first)
			continue;
		if (r->counted[link - links->items]) {
			host_counters_add(&sum, &rate->delta);
			reset |= rate->reset;
		}
		if (ifaces_wants(r->x, rate->ifindex))
			record_rate(r, link->name, &rate->delta, rate->reset, interval_ns);
	}
	if (!r->x->n_named)
		record_rate(r, WHOLE_MACHINE, &sum, reset, interval_ns);
}

/* Lists the interfaces again when one may have another name, or be new. */
static int refresh(struct rates_run *r)
{
	int err = r->stale ? host_links_list(r->x->nl, &r->x->links) : 0;

	for (size_t i = 0; !err && r->stale && i < r->x->n_named; i++)
		if (!host_links_at(&r->x->links, r->x->named[i]))
			err = -ENODEV;
	if (!err && r->stale)
		err = choose_counted(r);
	r->stale = r->stale && err;
	return err;
}

static void on_tick(struct live *live)
{
	struct rates_run *r = container_of(live, struct rates_run, live);
	uint64_t now_ns = clock_monotonic_ns(), interval_ns = now_ns - r->last_ns;
	int err = host_rates_tick(r->x->nl, &r->rates);

	if (!err)
		err = refresh(r);
	if (err == -ENODEV) {
		live_stop(live, command_fails(live->cmd, EXIT_CANNOT, "the interface is gone"));
		return;
	}
	if (err) {
		live_stop(live, ifaces_cannot(r->x, "counters", err));
		return;
	}
	r->last_ns = now_ns;
	record_tick(r, MAX(interval_ns, (uint64_t)1));
	if (out_flush(live->cmd->out) < 0 || ++r->n_ticks == live->cmd->common.count)
		live_stop(live, EXIT_YES);
}

static void on_link(const struct host_change *change UNUSED, void *arg)
{
	struct rates_run *r = arg;

	r->stale = true;
}

static void on_readable(struct live *live)
{
	struct rates_run *r = container_of(live, struct rates_run, live);

	if (host_watch_dispatch(r->watch) < 0)
		r->stale = true;
}

int ifaces_rates(struct ifaces *x)
{
	uint64_t every_ns = x->cmd->common.every_ns;
	struct rates_run r = { .x = x };
	int err = host_watch_new(HOST_WATCH_LINKS, on_link, &r, &r.watch), status;

	r.stale = true; /* one may have come between listing and watching */
	r.last_ns = clock_monotonic_ns();
	if (!err)
		err = host_rates_tick(x->nl, &r.rates);
	if (err) {
		status = ifaces_cannot(x, "counters", err);
	} else {
		r.live = (struct live){ .cmd = x->cmd,
					.fd = host_watch_fd(r.watch),
					.readable = on_readable,
					.every_ns = every_ns ? every_ns : NS_PER_S,
					.tick = on_tick };
		status = live_run(&r.live);
	}
	free(r.counted);
	host_rates_done(&r.rates);
	host_watch_free(r.watch);
	return status;
}
