#include "probe/gate.h"

#include "base/macros.h"

#define GAP_US	   1000000u
#define GAP_MAX_US 1100000u
#define FAR_NS	   (2 * NS_PER_S)

void gate_answered(struct gate *g)
{
	g->answers = true;
	g->gap_us = MAX(g->gap_us / 20 * 19, g->floor_us);
}

bool gate_silent(struct gate *g, uint64_t now_ns, bool through)
{
	if (!g->answers)
		return false;
	if (!g->gap_us) {
		g->gap_us = GAP_US;
		g->next_ns = now_ns + GAP_US * NS_PER_US;
		return true;
	}
	if (through) {
		g->floor_us = MIN(MAX(g->gap_us, g->floor_us) / 10 * 11, GAP_MAX_US);
		g->gap_us = MIN(MAX(g->gap_us / 10 * 13, g->floor_us), GAP_MAX_US);
	}
	return false;
}

bool gate_enter(struct gate *g, uint64_t now_ns, uint64_t *ret_when_ns)
{
	uint64_t when_ns = MAX(now_ns, g->next_ns);

	if (when_ns - now_ns > FAR_NS) {
		*ret_when_ns = now_ns + FAR_NS / 2;
		return false;
	}
	g->next_ns = when_ns + g->gap_us * NS_PER_US;
	*ret_when_ns = when_ns;
	return true;
}
