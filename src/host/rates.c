#include "host/rates.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "host/array.h"

#define N_COUNTERS (sizeof(struct host_counters) / sizeof(uint64_t))

/* The counters as an array: all of them are treated alike. */
union counters {
	struct host_counters named;
	uint64_t v[N_COUNTERS];
};

/*
 * Moves @rate on to @now. Seen already in this tick (a dump that began again, or one that failed),
 * what it carried meanwhile adds up.
 */
static void advance(struct host_rate *rate, const struct host_counters *now, uint32_t tick)
{
	union counters new = { *now }, old = { rate->total }, delta = { rate->delta };
	bool again = rate->tick == tick, reset = false;

	for (size_t i = 0; i < N_COUNTERS; i++)
		reset |= new.v[i] < old.v[i];
	for (size_t i = 0; i < N_COUNTERS; i++)
		delta.v[i] = (again ? delta.v[i] : 0) + new.v[i] - (reset ? 0 : old.v[i]);
	rate->delta = delta.named;
	rate->total = *now;
	rate->reset = reset || (again && rate->reset);
	rate->first = again && rate->first;
	rate->tick = tick;
}

void host_counters_add(struct host_counters *sum, const struct host_counters *delta)
{
	union counters a = { *sum }, b = { *delta };

	for (size_t i = 0; i < N_COUNTERS; i++)
		a.v[i] += b.v[i];
	*sum = a.named;
}

/* The kernel keeps its order from tick to tick, so that the first look nearly always finds it. */
static struct host_rate *find(struct host_rates *r, uint32_t ifindex)
{
	for (size_t i = 0; i < r->n; i++) {
		size_t at = r->at + i < r->n ? r->at + i : r->at + i - r->n;

		if (r->items[at].ifindex == ifindex) {
			r->at = at + 1 < r->n ? at + 1 : 0;
			return &r->items[at];
		}
	}
	return NULL;
}

static int take_stats(const struct netlink_msg *msg, void *arg)
{
	struct host_counters now = { 0 };
	struct host_rates *r = arg;
	struct if_stats_msg head;
	struct netlink_attr a;
	struct host_rate *rate;
	struct cursor c;
	int err;

	if (!msg || msg->type != RTM_NEWSTATS)
		return 0;
	c = netlink_head(msg, &head, sizeof(head));
	while (netlink_attr_next(&c, &a))
		if (a.type == IFLA_STATS_LINK_64)
			host_counters_parse(&a, &now);
	if (c.err)
		return c.err;
	rate = find(r, head.ifindex);
	if (rate) {
		advance(rate, &now, r->tick);
		return 0;
	}
	err = array_room(&r->items, &r->cap, r->n, sizeof(*r->items), HOST_MAX_LINKS);
	if (!err)
		r->items[r->n++] = (struct host_rate){
			.ifindex = head.ifindex, .first = true, .tick = r->tick, .total = now
		};
	return err;
}

/* Interfaces that this tick did not see are gone. */
static void drop_gone(struct host_rates *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (r->items[i].tick != r->tick)
			continue;
		if (kept != i)
			r->items[kept] = r->items[i];
		kept++;
	}
	r->n = kept;
}

int host_rates_tick(struct netlink *nl, struct host_rates *rates)
{
	char memory[64];
	struct buf req = buf_in(memory, sizeof(memory));
	struct if_stats_msg head = { .filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64) };
	int err;

	rates->at = 0;
	netlink_begin(&req, RTM_GETSTATS, 0, &head, sizeof(head));
	err = netlink_dump(nl, &req, take_stats, rates);
	if (err)
		return err;
	drop_gone(rates);
	rates->tick++;
	return 0;
}

void host_rates_done(struct host_rates *rates)
{
	free(rates->items);
	*rates = (struct host_rates){ 0 };
}
