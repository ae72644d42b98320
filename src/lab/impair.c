#include "lab/impair.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/timer.h"

#define TICK_NS (20 * NS_PER_US)

struct held {
	struct timer timer;
	struct held *next; /* of the free ones */
	size_t len;
	uint8_t bytes[];
};

struct impair {
	struct impair_config config;
	struct impair_account account;
	struct random random;
	struct timers *timers;
	uint8_t *memory; /* held_max of struct held */
	struct held *unused;
	uint64_t line_free_ns; /* the bottleneck has sent what waits before it */
};

struct impair *impair_new(const struct impair_config *config, uint64_t now_ns)
{
	size_t size = (sizeof(struct held) + config->len_max + 15) & ~(size_t)15;
	struct impair *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->config = *config;
	m->random = random_of(config->seed);
	m->timers = timers_new(TICK_NS, now_ns);
	m->memory = calloc(config->held_max, size);
	if (!m->timers || !m->memory)
		return impair_free(m);
	for (uint32_t i = 0; i < config->held_max; i++) {
		struct held *h = (struct held *)(m->memory + i * size);

		h->next = m->unused;
		m->unused = h;
	}
	return m;
}

struct impair *impair_free(struct impair *m)
{
	if (!m)
		return NULL;
	timers_free(m->timers);
	free(m->memory);
	free(m);
	return NULL;
}

/* Return: false when the queue before the bottleneck is full. */
static bool pass_bottleneck(struct impair *m, uint64_t now_ns, uint64_t *due_ns)
{
	uint64_t step_ns = NS_PER_S / m->config.bottleneck;

	if (m->line_free_ns < now_ns)
		m->line_free_ns = now_ns;
	if (m->line_free_ns - now_ns > m->config.queue * step_ns)
		return false;
	m->line_free_ns += step_ns;
	*due_ns = m->line_free_ns;
	return true;
}

bool impair_pass(struct impair *m, uint64_t now_ns, uint64_t *ret_due_ns, unsigned *ret_copies)
{
	const struct impair_config *c = &m->config;
	uint64_t due_ns = now_ns;

	if (c->bottleneck && !pass_bottleneck(m, now_ns, &due_ns)) {
		m->account.overrun++;
		return false;
	}
	if (c->loss > 0 && random_unit(&m->random) < c->loss) {
		m->account.lost++;
		return false;
	}
	*ret_copies = 1;
	if (c->duplicate > 0 && random_unit(&m->random) < c->duplicate) {
		m->account.duplicated++;
		*ret_copies = 2;
	}
	if (c->delay_max_ns)
		due_ns += c->delay_min_ns +
			  random_below(&m->random, c->delay_max_ns - c->delay_min_ns + 1);
	*ret_due_ns = due_ns;
	return true;
}

void impair_hold(struct impair *m, uint64_t due_ns, const void *bytes, size_t len)
{
	struct held *h = m->unused;

	if (!h || len > m->config.len_max) {
		m->account.overheld++;
		return;
	}
	m->unused = h->next;
	memcpy(h->bytes, bytes, len);
	h->len = len;
	timer_set(m->timers, &h->timer, due_ns);
}

const uint8_t *impair_release(struct impair *m, uint64_t now_ns, size_t *ret_len)
{
	struct timer *timer = timers_expire(m->timers, now_ns);
	struct held *h;

	if (!timer)
		return NULL;
	h = container_of(timer, struct held, timer);
	h->next = m->unused;
	m->unused = h;
	*ret_len = h->len;
	return h->bytes;
}

uint64_t impair_deadline(const struct impair *m)
{
	return timers_deadline(m->timers);
}

struct impair_account impair_account(const struct impair *m)
{
	return m->account;
}
