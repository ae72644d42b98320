#include "probe/pace.h"

#include <math.h>

#include "base/macros.h"

#define FRACTION_BITS 8

/* What was not used for so long is lost: a stall is not followed by a flood. */
#define BURST_NS (5 * NS_PER_MS)

#define SLOW_NS	    (500 * NS_PER_MS) /* between two reasons to halve */
#define RATE_MIN    100
#define RATE_START  20000 /* what any network bears */
#define RATE_FAST   (UINT64_C(1) << 32)
#define TRIAL_NS    (20 * NS_PER_MS)
#define LONG_NS	    (100 * NS_PER_MS) /* a trial that is to notice small losses */
#define TRIAL_N	    500		      /* probes, at least */
#define WAIT_MIN_NS (5 * NS_PER_MS)
#define WAIT_MAX_NS (500 * NS_PER_MS)
#define NO_RTT_NS   (100 * NS_PER_MS)
#define STALL_NS    (100 * NS_PER_MS) /* so long this machine may be busy with something else */
#define KNOWN_MIN   200		      /* answers to know from what rate on too many are lost */
#define KNOWN_MAX   (1u << 20)	      /* first tries remembered; older ones fade */

static void begin_trial(struct pace *p, uint64_t start_ns)
{
	uint64_t len_ns = p->doubles ? TRIAL_NS : LONG_NS;

	if (p->rate < TRIAL_N * (NS_PER_S / len_ns))
		len_ns = TRIAL_N * NS_PER_S / p->rate;
	p->trial = (struct pace_trial){ .start_ns = start_ns, .end_ns = start_ns + len_ns };
}

struct pace pace_of(uint64_t ceiling, bool searches, uint64_t now_ns)
{
	struct pace p = {
		.ceiling = MAX(ceiling, (uint64_t)1),
		.soft = UINT64_MAX,
		.start_ns = now_ns,
		.counted_ns = now_ns,
		.searches = searches,
		.doubles = true,
	};

	p.rate = searches ? MIN(p.ceiling, (uint64_t)RATE_START) : p.ceiling;
	if (p.rate < p.ceiling)
		p.start_ns -= MIN(now_ns, (uint64_t)BURST_NS);
	begin_trial(&p, now_ns);
	return p;
}

static uint64_t units(const struct pace *p, uint64_t ns)
{
	return ns > p->start_ns ? (ns - p->start_ns) << FRACTION_BITS : 0;
}

static uint64_t interval(const struct pace *p)
{
	uint64_t rate = p->held ? MIN(p->held, p->rate) : p->rate;

	return MAX((NS_PER_S << FRACTION_BITS) / rate, (uint64_t)1);
}

uint64_t pace_budget(struct pace *p, uint64_t now_ns)
{
	uint64_t now = units(p, now_ns), burst = BURST_NS << FRACTION_BITS;

	if (p->rate == UINT64_MAX)
		return UINT64_MAX;
	if (now > burst && p->next < now - burst)
		p->next = now - burst;
	if (now < p->next)
		return 0;
	return (now - p->next) / interval(p) + 1;
}

void pace_spend(struct pace *p, uint64_t n)
{
	p->n_sent += n;
	p->trial.n_sent += n;
	if (p->rate != UINT64_MAX)
		p->next += n * interval(p);
}

static bool is_in(const struct pace_trial *t, uint64_t sent_ns)
{
	return sent_ns >= t->start_ns && sent_ns < t->end_ns;
}

/* What was missing came late, because this machine or the network stood still: no setback. */
static void forgive(struct pace *p, uint64_t now_ns)
{
	p->rate = p->before;
	p->soft = UINT64_MAX;
	p->doubles = true;
	p->setback = false;
	p->bad.end_ns = 0;
	p->n_setbacks--;
	begin_trial(p, now_ns);
}

void pace_found(struct pace *p, uint64_t sent_ns, uint64_t rtt_ns)
{
	uint64_t off_ns = rtt_ns > p->rtt_ns ? rtt_ns - p->rtt_ns : p->rtt_ns - rtt_ns;

	if (!p->rtt_ns) {
		p->rtt_ns = MAX(rtt_ns, (uint64_t)1);
		p->rtt_var_ns = rtt_ns / 2;
	} else {
		p->rtt_var_ns += off_ns / 16 - p->rtt_var_ns / 16;
		p->rtt_ns += rtt_ns / 16 - p->rtt_ns / 16;
	}
	p->trial.n_found += is_in(&p->trial, sent_ns);
	if (!is_in(&p->bad, sent_ns))
		return;
	p->bad.n_found++;
	if ((double)p->bad.n_found >= p->bad_needs)
		forgive(p, sent_ns + rtt_ns);
}

/* How long answers are waited for behind a trial. */
static uint64_t wait_ns(const struct pace *p)
{
	uint64_t wait = p->rtt_ns ? p->rtt_ns + 4 * p->rtt_var_ns : NO_RTT_NS;

	return MIN(MAX(wait, (uint64_t)WAIT_MIN_NS), (uint64_t)WAIT_MAX_NS);
}

/* What really left since the trial began, a second. */
static uint64_t trial_rate(const struct pace *p, uint64_t now_ns)
{
	uint64_t took_ns = now_ns - p->trial.start_ns;

	return (uint64_t)((double)p->trial.n_sent * NS_PER_S / (double)took_ns);
}

static void speed_up(struct pace *p, uint64_t now_ns)
{
	uint64_t rise = p->rate / 20 + 1;

	/* Faster than this machine can: no use in allowing more. */
	if (trial_rate(p, now_ns) < p->rate / 4 * 3)
		return;
	if (p->doubles)
		rise = p->rate;
	else if (p->rate >= p->soft)
		rise = p->rate / 1000 * MIN(1u << MIN(p->n_above++, 6u), 20u) + 1;
	else
		rise = MIN(rise, p->soft - p->rate);
	p->rate = rise < p->ceiling - p->rate ? p->rate + rise : p->ceiling;
	p->rate = MIN(p->rate, (uint64_t)RATE_FAST);
}

/* A good trial: its share is added to what is known. */
static void learn(struct pace *p)
{
	p->known_n += (double)p->trial.n_first;
	p->known_found += (double)p->trial.n_found;
	if (p->known_n > KNOWN_MAX) {
		p->known_n /= 2;
		p->known_found /= 2;
	}
}

static void set_back(struct pace *p, uint64_t now_ns, double known)
{
	double share = (double)p->trial.n_found / (double)p->trial.n_first;
	double bears = (double)trial_rate(p, now_ns) * share / known;

	p->before = p->rate;
	p->bad = p->trial;
	p->n_setbacks++;
	p->setback = true;
	p->doubles = false;
	/* Not by more than that at once: this machine may have stood still for a while. */
	p->rate = MAX(MIN((uint64_t)(bears * 0.85), p->rate), p->rate / 4);
	p->rate = MIN(MAX(p->rate, (uint64_t)RATE_MIN), p->ceiling);
	p->soft = MAX((uint64_t)(bears * 0.95), p->rate);
	p->n_above = 0;
}

void pace_judge(struct pace *p, uint64_t now_ns)
{
	const struct pace_trial *t = &p->trial;
	double n = (double)t->n_first, found = (double)t->n_found, known, expected;
	double needs;
	bool slowed = false;

	if (!p->searches || p->held || now_ns < t->end_ns + wait_ns(p))
		return;
	known = p->known_n > 0 ? p->known_found / p->known_n : 0;
	expected = n * known;
	/* Less is less by more than three standard deviations, and than what does not matter. */
	needs = expected < 10 ? 0
			      : expected - expected / 50 -
					3 * sqrt(expected * (1 - known) * (1 + n / p->known_n));
	if (!t->n_first) {
		p->setback = false; /* retries alone tell nothing */
	} else if (found >= needs) {
		p->setback = false;
		learn(p);
		speed_up(p, now_ns);
	} else if (now_ns < t->end_ns + wait_ns(p) + STALL_NS) {
		return;
	} else if (p->setback && found / n < 1.1 * p->bad_share) {
		p->known_n = n;
		p->known_found = found;
		p->setback = false;
		p->soft = UINT64_MAX;
		p->rate = p->before;
	} else {
		p->bad_needs = needs;
		p->bad_share = found / n;
		set_back(p, now_ns, known);
		slowed = true;
	}
	/* After a setback the queues empty first. */
	begin_trial(p, slowed ? now_ns + wait_ns(p) : now_ns);
}

bool pace_slow(struct pace *p, uint64_t now_ns)
{
	uint64_t rate = p->rate;

	if (p->slowed_ns && now_ns < p->slowed_ns + SLOW_NS)
		return false;
	/* Without a limit the rate that went wrong is the one that was reached. */
	if (rate >= RATE_FAST) {
		rate = (uint64_t)((double)p->n_sent * NS_PER_S /
				  (double)MAX(now_ns - p->counted_ns, NS_PER_MS));
		p->next = units(p, now_ns);
	}
	p->soft = MAX(rate / 10 * 9, (uint64_t)RATE_MIN);
	p->rate = MIN(MAX(rate / 2, (uint64_t)RATE_MIN), p->ceiling);
	p->doubles = false;
	p->n_above = 0;
	p->slowed_ns = now_ns;
	p->counted_ns = now_ns;
	p->n_sent = 0;
	begin_trial(p, now_ns);
	return true;
}

bool pace_knows(const struct pace *p)
{
	return p->rate > RATE_START && p->known_found >= KNOWN_MIN;
}

void pace_hold(struct pace *p, uint64_t now_ns, uint64_t gap_ns)
{
	bool was_held = p->held;

	p->held = gap_ns ? MAX(NS_PER_S / gap_ns, (uint64_t)1) : 0;
	if (p->held && p->held < p->rate)
		return;
	p->held = 0;
	if (!was_held)
		return;
	/* What was seen before was not what the line bears. */
	p->known_n = p->known_found = 0;
	begin_trial(p, now_ns);
}

void pace_end(struct pace *p, double share)
{
	if (p->rate != UINT64_MAX)
		p->ceiling = p->rate = MAX((uint64_t)((double)p->rate * share / 2), (uint64_t)1);
	p->searches = false;
}

uint64_t pace_deadline(const struct pace *p)
{
	if (p->rate == UINT64_MAX)
		return 0;
	return p->start_ns + ((p->next + (1 << FRACTION_BITS) - 1) >> FRACTION_BITS);
}
