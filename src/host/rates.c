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

	if (again && rate->first) {
		rate->total = *now;
		return;
	}
	for (size_t i = 0; i < N_COUNTERS; i++)
		reset |= new.v[i] < old.v[i];
	for (size_t i = 0; i < N_COUNTERS; i++)
		delta.v[i] = (again ? delta.v[i] : 0) + new.v[i] - (reset ? 0 : old.v[i]);
	rate->delta = delta.named;
	rate->total = *now;
	rate->reset = reset || (again && rate->reset);
	rate->first = false;
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

int host_rates_parse(const struct netlink_msg *msg, struct host_rates *rates)
{
	struct host_counters now = { 0 };
	struct if_stats_msg head;
	struct netlink_attr a;
	struct host_rate *rate;
	struct cursor c = netlink_head(msg, &head, sizeof(head));
	int err;

	while (netlink_attr_next(&c, &a))
		if (a.type == IFLA_STATS_LINK_64)
			host_counters_parse(&a, &now);
	if (c.err)
		return c.err;
	rate = head.ifindex > rates->highest ? NULL : find(rates, head.ifindex);
	if (rate) {
		advance(rate, &now, rates->tick);
		return 0;
	}
	err = array_room(&rates->items, &rates->cap, rates->n, sizeof(*rates->items),
			 HOST_MAX_LINKS);
	if (err)
		return err;
	rates->items[rates->n++] = (struct host_rate){
		.ifindex = head.ifindex, .first = true, .tick = rates->tick, .total = now
	};
	rates->highest = MAX(rates->highest, head.ifindex);
	return 0;
}

void host_rates_end(struct host_rates *rates)
{
	size_t kept = 0;

	for (size_t i = 0; i < rates->n; i++) {
		if (rates->items[i].tick != rates->tick)
			continue;
		if (kept != i)
			rates->items[kept] = rates->items[i];
		kept++;
	}
	rates->n = kept;
	rates->at = 0;
	rates->tick++;
}

static int take_stats(const struct netlink_msg *msg, void *arg)
{
	struct host_rates *rates = arg;

	if (msg)
		return msg->type == RTM_NEWSTATS ? host_rates_parse(msg, rates) : 0;
	rates->at = 0;
	return 0;
}

int host_rates_tick(struct netlink *nl, struct host_rates *rates)
{
	char memory[64];
	struct buf req = buf_in(memory, sizeof(memory));
	struct if_stats_msg head = { .filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64) };
	int err;

	netlink_begin(&req, RTM_GETSTATS, 0, &head, sizeof(head));
	err = netlink_dump(nl, &req, take_stats, rates);
	if (!err)
		host_rates_end(rates);
	return err;
}

void host_rates_done(struct host_rates *rates)
{
	free(rates->items);
	*rates = (struct host_rates){ 0 };
}
