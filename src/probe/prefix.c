#include "probe/prefix.h"

#include <math.h>
#include <stdlib.h>

#include "base/macros.h"

#define FAR_NS	    (100 * NS_PER_MS) /* turns are given so long ahead */
#define ASK_MAX_NS  NS_PER_S
#define GAP_MAX_NS  (100 * NS_PER_MS)
#define OPEN_MAX    256	 /* answers; then they are counted anew */
#define SHUT_N	    64	 /* answers to judge a shut gate by */
#define ELSEWHERE_N 64	 /* answers of others to compare with */
#define MARGIN	    0.15 /* share lost that may be the line's own */

struct prefix_gates *prefixes_new(uint64_t settle_ns)
{
	struct prefix_gates *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->settle_ns = settle_ns;
	for (size_t i = 0; i < 1u << PREFIX_BITS; i++)
		all->places[i].elsewhere = -1;
	all->line.expected = MARGIN;
	return all;
}

bool prefix_enter(struct prefix_gate *p, uint64_t now_ns, uint64_t asked_ns, bool lost,
		  uint64_t *ret_when_ns)
{
	uint64_t when_ns = MAX(now_ns, p->next_ns), waited_ns = now_ns - MIN(now_ns, asked_ns);

	if (lost) {
		*ret_when_ns = MAX(now_ns, p->lost_ns);
		p->lost_ns = *ret_when_ns + p->gap_ns;
		p->next_ns = when_ns + p->gap_ns;
		return true;
	}
	/*
	 * The longer the queue, the more seldom each asks: often enough that no turn is left, and
	 * not all of those at the same time that came at the same time.
	 */
	if (when_ns - now_ns > FAR_NS) {
		uint64_t wait_ns = MIN(MAX(waited_ns / 4, FAR_NS / 2), ASK_MAX_NS);

		*ret_when_ns = now_ns + wait_ns / 2 + wait_ns / 64 * (p->n_denied++ % 64);
		return false;
	}
	p->next_ns = when_ns + p->gap_ns;
	*ret_when_ns = when_ns;
	return true;
}

static void count_from(struct prefix_gate *p, uint64_t since_ns)
{
	p->since_ns = since_ns;
	p->n_sent = 0;
	p->here = (struct prefix_answers){ 0 };
}

/* Whether more are lost here than at other prefixes in the same time, but for chance. */
static bool loses_more(const struct prefix_gates *all, struct prefix_gate *p, double deviations,
		       double margin)
{
	double n = p->here.n_found, expected, n_others, n_lost;

	/* Seldom is there more to ask than this. */
	if (p->here.n_lost <= deviations + n * margin)
		return false;
	if (p == &all->line)
		return p->here.n_lost > n * p->expected + deviations * sqrt(n * p->expected + 1);
	n_others = all->all.n_found - p->before.n_found - p->here.n_found;
	n_lost = all->all.n_lost - p->before.n_lost - p->here.n_lost;
	if (n_others >= ELSEWHERE_N)
		p->elsewhere = (float)(n_lost / n_others);
	if (p->elsewhere < 0)
		return false;
	expected = n * MAX(p->elsewhere, p->expected);
	return p->here.n_lost > expected + deviations * sqrt(expected + 1) + n * margin;
}

static bool judge_open(const struct prefix_gates *all, struct prefix_gate *p, uint64_t now_ns)
{
	uint64_t took_ns = MAX(now_ns - p->since_ns, NS_PER_MS);
	uint32_t through;

	if (!loses_more(all, p, 5, 0.1)) {
		if (p->here.n_found >= OPEN_MAX &&
		    (p != &all->line || took_ns >= all->settle_ns / 2))
			count_from(p, now_ns);
		return false;
	}
	through = MAX(p->n_sent / 4, p->here.n_found);
	p->gap_ns = MIN(took_ns / through + 1, GAP_MAX_NS);
	p->next_ns = p->lost_ns = now_ns;
	p->slowed_ns = now_ns;
	p->n_slowed++;
	p->bad = 0;
	count_from(p, now_ns + all->settle_ns);
	return true;
}

static void slow(struct prefix_gate *p, uint64_t now_ns, float share)
{
	if (!(p->bad > 0) || share <= 0.7f * p->bad) {
		p->bad = share;
		p->bad_ns = p->gap_ns;
	}
	p->soft_ns = (uint64_t)((float)p->gap_ns / (1 - MIN(share, 0.75f)) * 1.1f);
	p->gap_ns = MIN(p->soft_ns / 5 * 6, GAP_MAX_NS);
	p->slowed_ns = now_ns;
	p->n_slowed++;
}

/* So much slower than with the same losses before that these cannot be due to the rate. */
static bool is_slow(const struct prefix_gates *all, const struct prefix_gate *p)
{
	return p->gap_ns == GAP_MAX_NS || p->gap_ns >= (p == &all->line ? 3 : 4) * p->bad_ns;
}

static void judge_shut(const struct prefix_gates *all, struct prefix_gate *p, uint64_t now_ns)
{
	float share = (float)p->here.n_lost / (float)p->here.n_found;

	if (p->here.n_found < SHUT_N)
		return;
	if (!loses_more(all, p, p == &all->line ? 3 : 2, 0.05)) {
		/* The first that is known to be the line's own. */
		if (p == &all->line && p->too_fast_ns != p->slowed_ns)
			p->expected = MAX(p->expected, share * 1.2f);
		p->gap_ns -= p->gap_ns / (p->gap_ns > p->soft_ns ? 5 : p == &all->line ? 16 : 64);
		p->too_fast_ns = p->slowed_ns;
		p->bad = 0;
	} else if (p->bad > 0 && share > 0.7f * p->bad && is_slow(all, p)) {
		p->expected = MAX(share, p->bad);
		p->gap_ns = 0;
		p->soft_ns = 0;
	} else {
		slow(p, now_ns, share);
	}
	count_from(p, now_ns + all->settle_ns);
}

bool prefix_answered(struct prefix_gates *all, struct prefix_gate *p, uint64_t now_ns, bool retried,
		     bool lost)
{
	bool counts = p->gap_ns ? lost : retried;

	if (p != &all->line) {
		if (!p->here.n_found)
			p->before = all->all;
		all->all.n_found++;
		all->all.n_lost += counts;
	}
	if (now_ns < p->since_ns)
		return false;
	p->here.n_found++;
	p->here.n_lost += counts;
	if (!p->gap_ns)
		return judge_open(all, p, now_ns);
	judge_shut(all, p, now_ns);
	return false;
}
