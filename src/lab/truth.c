#include "lab/truth.h"

#include <stdlib.h>

static const char *const names[TRUTH_N_STATES] = {
	[TRUTH_CLOSED] = "closed",   [TRUTH_OPEN] = "open",
	[TRUTH_DROPPED] = "dropped", [TRUTH_PROHIBITED] = "prohibited",
	[TRUTH_DEAD] = "dead",	     [TRUTH_UNREACHABLE] = "unreachable",
};

const char *truth_name(enum truth_state state)
{
	return names[state];
}

/* The finish of splitmix64: every bit of the result depends on every bit of @v. */
static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	return v ^ v >> 31;
}

/* What @percent of all hashes do not exceed. */
static uint64_t threshold(double percent)
{
	return percent >= 100 ? UINT64_MAX : (uint64_t)(percent / 100 * 0x1p64);
}

void truth_init(struct truth *t, uint64_t seed)
{
	*t = (struct truth){ .seed = seed, .alive = UINT64_MAX };
}

void truth_set_alive(struct truth *t, double percent)
{
	t->alive = threshold(percent);
}

static int state_by_name(const char *name, size_t len)
{
	for (int i = TRUTH_OPEN; i < TRUTH_DEAD; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], name, len))
			return i;
	return -1;
}

int truth_set_ports(struct truth *t, int protocol, const char *text)
{
	double percent[TRUTH_N_STATES] = { 0 }, sum = 0;
	uint64_t *to = protocol == IPPROTO_UDP ? t->udp : t->tcp;

	for (;;) {
		size_t len = strcspn(text, "=");
		int state = state_by_name(text, len);
		char *end;

		if (state < 0 || !text[len])
			return -E_SYNTAX;
		text += len + 1;
		percent[state] = strtod(text, &end);
		if (end == text || (*end && *end != ','))
			return -E_SYNTAX;
		if (!(percent[state] >= 0 && percent[state] <= 100))
			return -E_RANGE;
		if (!*end)
			break;
		text = end + 1;
	}
	for (int i = TRUTH_OPEN; i < TRUTH_DEAD; i++) {
		sum += percent[i];
		to[i] = threshold(sum);
	}
	return sum > 100.000001 ? -E_RANGE : 0;
}

static uint64_t hash_of(const struct truth *t, const struct addr *a)
{
	uint64_t high, low;

	memcpy(&high, a->bytes, 8);
	memcpy(&low, a->bytes + 8, 8);
	return mix(mix(mix(t->seed + 1) ^ high) ^ low);
}

bool truth_is_alive(const struct truth *t, const struct addr *a)
{
	return hash_of(t, a) <= t->alive && t->alive;
}

enum truth_state truth_of(const struct truth *t, const struct addr *a, int protocol, uint16_t port)
{
	uint64_t host = hash_of(t, a), hash;
	const uint64_t *shares = protocol == IPPROTO_UDP ? t->udp : t->tcp;

	if (host > t->alive || !t->alive)
		return TRUTH_DEAD;
	hash = mix(host + ((uint64_t)protocol << 16 | port));
	for (enum truth_state state = TRUTH_OPEN; state < TRUTH_DEAD; state++)
		if (hash < shares[state])
			return state;
	return TRUTH_CLOSED;
}
