/*
 * Beyond the table: pairs that are asked without a slot, because all are in use. More are then in
 * flight than the table holds, and the pace is not held back by it.
 *
 * Of such a pair a bit is kept: asked, and without an answer so far. The answer is known by its
 * cookie alone, which proves target and port, and its port tells the try; when it left is not
 * known. Nobody notices that a single one stays silent. But when the plan is through, and the last
 * of them has had its time, all that are marked are asked again, in the order of the plan: a round,
 * as many as there are retries. Who comes to a free slot in a round goes on with it; the others go
 * without once more. What is marked after the last round is silent. So a pair has as many tries as
 * with a slot, only farther apart. The last pass goes the same way.
 *
 * Without a slot there is nothing to wait with: neither for a next hop nor for the turn at a gate.
 * A pair whose next hop is being asked for waits for a slot, and the plan with it. One before a
 * prefix's gate is left for a later round, for there may be many; it begins there with its first
 * try, and in the last round waits for a slot.
 *
 * Only TCP SYN probes go this way: others' answers carry no cookie, or are not worth it.
 */
#include <errno.h>

#include "probe/engine_private.h"

/* The answer must tell the pair: by a port that is found, an address whose number is. */
static bool may_go_untracked(const struct probe_engine *e, unsigned i)
{
	const struct probe_lane *lane = &e->lanes[i];

	if (lane->module->via != PROBE_VIA_IP || lane->each || lane->after || e->then[i])
		return false;
	for (uint32_t p = 1; lane->ports && p < lane->n_ports; p++)
		if (lane->ports[p - 1] >= lane->ports[p])
			return false;
	return true;
}

int engine_make_untracked(struct probe_engine *e)
{
	uint32_t lanes = 0;

	e->untracked.at = e->n_pairs;
	for (unsigned i = 0; i < e->config.n_lanes; i++)
		lanes |= (uint32_t)may_go_untracked(e, i) << i;
	if (!lanes || !e->config.targets || e->n_to_do <= e->slots.n || e->n_pairs > MARKS_MAX)
		return 0;
	e->untracked.lanes = lanes;
	e->untracked.open = marks_new(e->n_pairs);
	return e->untracked.open ? 0 : -ENOMEM;
}

void engine_sent_untracked(struct probe_engine *e, uint64_t now_ns, uint64_t pair)
{
	marks_set(e->untracked.open, pair);
	e->untracked.until_ns = now_ns + e->config.timeout_ns;
	e->account.untracked++;
}

void engine_return_untracked(struct probe_engine *e, uint64_t pair)
{
	if (e->untracked.n_returned < UNTRACKED_RETURNED)
		e->untracked.returned[e->untracked.n_returned++] = pair;
}

/* Whether it is time alone that a round, or the end of the last, waits for. */
static bool waits(const struct probe_engine *e)
{
	return engine_n_untracked(e) && engine_all_begun(e) && !engine_in_round(e) &&
	       !engine_asks_again(e) && !e->stopped && !e->untracked.n_returned;
}

uint64_t engine_untracked_deadline(const struct probe_engine *e)
{
	return waits(e) ? e->untracked.until_ns : UINT64_MAX;
}

void engine_turn_untracked(struct probe_engine *e, uint64_t now_ns)
{
	struct last_pass *last = &e->last_pass;

	if (!waits(e) || now_ns < e->untracked.until_ns)
		return;
	if (e->untracked.try < e->config.retries) {
		e->untracked.try++;
		e->untracked.at = e->config.shard;
	} else if (last->silent) {
		marks_move(last->silent, e->untracked.open);
	} else {
		last->silent = e->untracked.open;
		last->began = true;
		e->untracked.open = NULL;
	}
}

/* Of a lane's ports, which ascend. Return: the place, or n_ports. */
static uint32_t find_port(const struct probe_lane *lane, uint16_t port)
{
	uint32_t low = 0, high = lane->n_ports;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (lane->ports[middle] < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low < lane->n_ports && lane->ports[low] == port ? low : lane->n_ports;
}

bool engine_find_pair(const struct probe_engine *e, const struct addr *target, uint8_t lane,
		      uint16_t port, uint64_t *ret_pair)
{
	const struct probe_lane *l = &e->lanes[lane];
	uint32_t at = l->ports ? find_port(l, port) : 0;
	uint128_t index;

	if ((l->ports && at == l->n_ports) || !e->config.targets ||
	    !targets_index(e->config.targets, target, &index))
		return false;
	*ret_pair = (e->first_units[lane] + at) * e->n_targets + (uint64_t)index;
	return true;
}
