#include "probe/pace.h"

#include "base/macros.h"

#define FRACTION_BITS 8

/* What was not used for so long is lost: a stall is not followed by a flood. */
#define BURST_NS (5 * NS_PER_MS)

#define WINDOW_NS	 (100 * NS_PER_MS)
#define RATE_MIN	 100
#define RECOVERY_PERCENT 10 /* a window */

struct pace pace_of(uint64_t ceiling, uint64_t now_ns)
{
	ceiling = MAX(ceiling, (uint64_t)1);
	return (struct pace){
		.ceiling = ceiling, .rate = ceiling, .start_ns = now_ns, .window_ns = now_ns
	};
}

static uint64_t units(const struct pace *p, uint64_t ns)
{
	return ns > p->start_ns ? (ns - p->start_ns) << FRACTION_BITS : 0;
}

/* A new window: after one without trouble the rate rises again. */
static void turn_window(struct pace *p, uint64_t now_ns)
{
	if (now_ns < p->window_ns + WINDOW_NS)
		return;
	if (p->rate < p->ceiling && now_ns > p->slowed_ns + WINDOW_NS) {
		uint64_t rise = p->rate / (100 / RECOVERY_PERCENT) + 1;

		p->rate = rise < p->ceiling - p->rate ? p->rate + rise : p->ceiling;
	}
	p->window_ns = now_ns;
	p->n_window = 0;
}

uint64_t pace_budget(struct pace *p, uint64_t now_ns)
{
	uint64_t now = units(p, now_ns), burst = BURST_NS << FRACTION_BITS;

	turn_window(p, now_ns);
	if (p->rate == UINT64_MAX)
		return UINT64_MAX;
	if (now > burst && p->next < now - burst)
		p->next = now - burst;
	if (now < p->next)
		return 0;
	return (now - p->next) / MAX((NS_PER_S << FRACTION_BITS) / p->rate, 1ull) + 1;
}

void pace_spend(struct pace *p, uint64_t n)
{
	p->n_window += n;
	if (p->rate != UINT64_MAX)
		p->next += n * MAX((NS_PER_S << FRACTION_BITS) / p->rate, 1ull);
}

bool pace_slow(struct pace *p, uint64_t now_ns)
{
	uint64_t elapsed_ns = MAX(now_ns - p->window_ns, NS_PER_MS), rate = p->rate;

	if (p->slowed_ns && now_ns < p->slowed_ns + WINDOW_NS)
		return false;
	/* Without a limit the rate that went wrong is the one that was reached. */
	if (rate == UINT64_MAX)
		rate = (uint64_t)((unsigned __int128)p->n_window * NS_PER_S / elapsed_ns);
	if (p->rate == UINT64_MAX)
		p->next = units(p, now_ns);
	p->rate = MIN(MAX(rate / 2, (uint64_t)RATE_MIN), p->ceiling);
	p->slowed_ns = now_ns;
	return true;
}

void pace_end(struct pace *p)
{
	if (p->rate != UINT64_MAX)
		p->ceiling = p->rate = MAX(p->rate / 2, (uint64_t)1);
}

uint64_t pace_deadline(const struct pace *p)
{
	if (p->rate == UINT64_MAX)
		return 0;
	return p->start_ns + ((p->next + (1 << FRACTION_BITS) - 1) >> FRACTION_BITS);
}
