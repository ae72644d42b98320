/* The end of a round: what was heard becomes states and events. presence.h tells the design. */
#include <stdlib.h>

#include "monitor/presence_private.h"

/* Flapping: changes among the last rounds, as 30 % and 25 % of the 19 that are possible. */
#define FLAP_ENTER 6
#define FLAP_LEAVE 5

/* Rounds after which two MACs in turn are no conflict any more, and a conflict may be told again.
 */
#define CONFLICT_ROUNDS 20

/* As many active hosts at least must fall silent together for the fault to be ours. */
#define GUARD_MIN_HOSTS 3

/* Texts of one sentence live in these. */
struct sentence {
	char text[200];
};

static const char *say_host(struct sentence *s, const struct host *h)
{
	struct buf b = buf_in(s->text, sizeof(s->text));

	buf_host(&b, h);
	return buf_cstr(&b);
}

static const char *say_evidence(struct sentence *s, unsigned evidence)
{
	struct buf b = buf_in(s->text, sizeof(s->text));

	buf_evidence(&b, evidence);
	return buf_cstr(&b);
}

static const char *say_span(struct sentence *s, int64_t ms)
{
	struct buf b = buf_in(s->text, sizeof(s->text));

	buf_span(&b, (uint64_t)MAX(ms, (int64_t)0));
	return buf_cstr(&b);
}

static const char *say_mac(struct sentence *s, const struct mac *mac)
{
	struct buf b = buf_in(s->text, sizeof(s->text));

	buf_mac(&b, mac->bytes);
	return buf_cstr(&b);
}

static const char *say_addr(struct sentence *s, const struct addr *addr)
{
	struct buf b = buf_in(s->text, sizeof(s->text));

	buf_addr(&b, addr);
	return buf_cstr(&b);
}

static void tell_macs(struct presence *p, struct presence_now now, enum presence_kind kind,
		      const struct host *h, unsigned i, const struct mac *old,
		      const struct mac *mac)
{
	struct sentence who, from, to;
	const char *format = kind == PRESENCE_EVENT_CONFLICT
				     ? "%s is used by two machines: %s and %s"
				     : "%s changed its MAC from %s to %s";
	struct presence_event *event = presence_tell(
		p, now, kind, h, format, i ? say_addr(&who, &h->pub.addrs[i]) : say_host(&who, h),
		say_mac(&from, old), say_mac(&to, mac));

	if (!event)
		return;
	event->addr = h->pub.addrs[i];
	event->mac = *mac;
	event->old_mac = *old;
}

/* What the MACs heard for address @i in this round mean. */
static void judge_macs(struct presence *p, struct presence_now now, struct host *h, unsigned i)
{
	struct host_addr *a = &h->addrs[i];
	struct mac old = a->mac, other;
	bool quiet = !a->conflict;

	a->since_change += a->since_change < 255;
	a->conflict -= a->conflict > 0;
	if (!a->n_heard)
		return;
	if (a->n_heard == 2) {
		other = memcmp(&a->heard[0], &old, sizeof(old)) ? a->heard[0] : a->heard[1];
		a->conflict = CONFLICT_ROUNDS;
		if (quiet)
			tell_macs(p, now, PRESENCE_EVENT_CONFLICT, h, i, &old, &other);
	} else if (memcmp(&a->heard[0], &old, sizeof(old))) {
		other = a->heard[0];
		if (!memcmp(&other, &a->previous, sizeof(other)) &&
		    a->since_change < CONFLICT_ROUNDS)
			a->conflict = CONFLICT_ROUNDS; /* there and back: two machines in turn */
		presence_learn_mac(p, h, i, &other);
		if (quiet)
			tell_macs(p, now,
				  a->conflict ? PRESENCE_EVENT_CONFLICT
					      : PRESENCE_EVENT_MAC_CHANGED,
				  h, i, &old, &other);
		h->changed = true;
	}
	a->n_heard = 0;
}

static int compare_u64(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/*
 * What the figures of a round tell of: the echo requests, or the question for the link-layer
 * address where echo requests were never answered. Nothing where the host only spoke by itself.
 */
static void choose_figures(struct host *h)
{
	if (h->echoes)
		return;
	h->n_echo = h->n_others && (h->link_rtt_ns || !h->evidence);
	h->n_rtts = h->n_echo && h->link_rtt_ns;
	h->rtts_ns[0] = h->link_rtt_ns;
}

/* Median and jitter of this round's figures, which join those of the last minute. */
static void judge_figures(const struct presence *p, struct host *h)
{
	uint64_t sorted[PRESENCE_MAX_BURST], differences = 0;
	unsigned n;

	h->n_echo =
		MIN(h->n_echo, (uint16_t)PRESENCE_MAX_BURST); /* a round may have been cut short */
	choose_figures(h);
	n = h->n_rtts;
	h->pub.n_sent = h->n_echo;
	h->pub.n_rtts = (uint16_t)MIN(n, (unsigned)h->n_echo);
	memcpy(h->pub.rtts_ns, h->rtts_ns, sizeof(h->rtts_ns));
	if (n) {
		memcpy(sorted, h->rtts_ns, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), compare_u64);
		h->pub.rtt_ns = (int64_t)((sorted[(n - 1) / 2] + sorted[n / 2]) / 2);
		for (unsigned i = 1; i < n; i++)
			differences += h->rtts_ns[i] > h->rtts_ns[i - 1]
					       ? h->rtts_ns[i] - h->rtts_ns[i - 1]
					       : h->rtts_ns[i - 1] - h->rtts_ns[i];
		h->pub.jitter_ns = n > 1 ? (int64_t)(differences / (n - 1)) : -1;
	}
	if (h->n_echo) {
		h->minute_sent[h->minute_at] = (uint8_t)h->n_echo;
		h->minute_got[h->minute_at] = (uint8_t)MIN(n, (unsigned)h->n_echo);
		h->minute_at = (uint8_t)((h->minute_at + 1) % p->minute_rounds);
		h->n_minute = (uint8_t)MIN(h->n_minute + 1u, p->minute_rounds);
	}
}

/* Of the rounds remembered. -1 when nothing was sent. */
static double minute_loss(const struct host *h)
{
	unsigned sent = 0, got = 0;

	for (unsigned i = 0; i < h->n_minute; i++) {
		sent += h->minute_sent[i];
		got += h->minute_got[i];
	}
	return sent ? (double)(sent - got) / sent : -1;
}

/*
 * Why a host that answers is not well. What is entered is left only well below the threshold.
 * Rounds without any answer wait for the next: they may be the beginning of the end.
 */
static void judge_degraded(const struct presence *p, struct host *h)
{
	double loss = p->config.degraded_loss;
	uint64_t limit_ns = p->config.degraded_rtt_ns;
	unsigned enough = MIN(p->minute_rounds, MAX(p->minute_rounds / 2, 3u));

	if (loss <= 0 || h->pub.loss < 0 || !h->echoes) /* one question a round is no measure */
		h->lossy = false;
	else if (h->n_minute >= enough)
		h->lossy = h->pub.loss >= (h->lossy ? loss / 2 : loss);

	if (h->n_rtts) {
		uint64_t rtt_ns = (uint64_t)h->pub.rtt_ns;
		bool slow = limit_ns && rtt_ns >= limit_ns;
		bool fast = !limit_ns || rtt_ns < limit_ns / 5 * 4;

		h->streak_slow = slow ? (uint16_t)MIN(h->streak_slow + 1u, 65535u) : 0;
		h->streak_fast = fast ? (uint16_t)MIN(h->streak_fast + 1u, 65535u) : 0;
		if (h->streak_slow >= p->config.down)
			h->slow = true;
		else if (h->streak_fast >= p->config.up)
			h->slow = false;
	}
}

/* Changes between answered and silent among the rounds remembered. */
static unsigned flap_changes(const struct host *h)
{
	uint32_t changes = h->history ^ h->history >> 1;
	unsigned n = h->n_history > 1 ? h->n_history - 1u : 0;

	return (unsigned)__builtin_popcount(changes & ((1u << n) - 1));
}

static void judge_streaks(const struct presence *p, struct host *h, bool answered)
{
	unsigned changes;

	h->history = (h->history << 1 | answered) & ((1u << PRESENCE_FLAP_ROUNDS) - 1);
	h->n_history = (uint8_t)MIN(h->n_history + 1, PRESENCE_FLAP_ROUNDS);
	h->streak_up = answered ? (uint16_t)MIN(h->streak_up + 1u, 65535u) : 0;
	h->streak_down = answered ? 0 : (uint16_t)MIN(h->streak_down + 1u, 65535u);
	changes = flap_changes(h);
	h->flapping = changes >= (h->flapping ? FLAP_LEAVE : FLAP_ENTER);
	if (h->flapping) /* it does answer now and then */
		h->up = true;
	else if (h->streak_up >= p->config.up || (answered && h->pub.state == PRESENCE_UNKNOWN))
		h->up = true;
	else if (h->streak_down >= p->config.down)
		h->up = false;
}

static void tell_degraded(struct presence *p, struct presence_now now, const struct host *h)
{
	struct sentence who;

	say_host(&who, h);
	if (h->flapping)
		presence_tell(p, now, PRESENCE_EVENT_DEGRADED, h,
			      "%s comes and goes: %u changes in the last %u rounds", who.text,
			      flap_changes(h), h->n_history);
	else if (h->lossy)
		presence_tell(p, now, PRESENCE_EVENT_DEGRADED, h, "%s loses %.0f %% of its packets",
			      who.text, h->pub.loss * 100);
	else
		presence_tell(p, now, PRESENCE_EVENT_DEGRADED, h, "%s is slow: %.1f ms", who.text,
			      (double)h->pub.rtt_ns / (double)NS_PER_MS);
}

static void tell_active(struct presence *p, struct presence_now now, const struct host *h,
			enum presence_state before, int64_t since_ms)
{
	struct sentence who, by, span;

	say_host(&who, h);
	say_evidence(&by, h->pub.evidence);
	if (before == PRESENCE_INACTIVE)
		presence_tell(p, now, PRESENCE_EVENT_ACTIVE, h, "%s answers %s again after %s",
			      who.text, by.text, say_span(&span, now.wall_ms - since_ms));
	else if (before == PRESENCE_DEGRADED)
		presence_tell(p, now, PRESENCE_EVENT_ACTIVE, h, "%s is well again after %s",
			      who.text, say_span(&span, now.wall_ms - since_ms));
	else
		presence_tell(p, now, PRESENCE_EVENT_ACTIVE, h, "%s answers %s", who.text, by.text);
}

static void judge_state(struct presence *p, struct presence_now now, struct host *h)
{
	enum presence_state before = h->pub.state, state;
	int64_t since_ms = h->pub.last_change_ms;
	struct sentence who, by;

	if (before == PRESENCE_UNKNOWN && !h->up && h->streak_down < p->config.down)
		return; /* too early to say */
	state = !h->up				     ? PRESENCE_INACTIVE
		: h->flapping || h->lossy || h->slow ? PRESENCE_DEGRADED
						     : PRESENCE_ACTIVE;
	if (state == before)
		return;
	presence_set_state(p, h, state, now);
	if (state == PRESENCE_ACTIVE)
		tell_active(p, now, h, before, since_ms);
	else if (state == PRESENCE_DEGRADED)
		tell_degraded(p, now, h);
	else if (before == PRESENCE_UNKNOWN)
		presence_tell(p, now, PRESENCE_EVENT_INACTIVE, h, "%s does not answer",
			      say_host(&who, h));
	else
		presence_tell(p, now, PRESENCE_EVENT_INACTIVE, h, "%s stopped answering %s",
			      say_host(&who, h), say_evidence(&by, h->pub.evidence));
}

/* Did the figures move enough to be told again? */
static bool figures_moved(const struct host *h)
{
	int64_t rtt = h->pub.rtt_ns, told = h->told_rtt_ns;

	if (h->pub.loss - h->told_loss > 0.005 || h->told_loss - h->pub.loss > 0.005)
		return true;
	return rtt != told && llabs(rtt - told) * 10 > told;
}

static void judge_host(struct presence *p, struct presence_now now, struct host *h)
{
	bool answered = h->evidence, was_up = h->up;

	if (answered)
		h->pub.evidence = h->evidence;
	else
		h->pub.silent_ms += (int64_t)(p->config.every_ns / NS_PER_MS);
	judge_streaks(p, h, answered);
	if (h->up && !was_up)
		h->n_minute = h->minute_at =
			0; /* what was lost while it was away says nothing now */
	judge_figures(p, h);
	h->pub.loss = minute_loss(h);
	if (h->up && answered)
		judge_degraded(p, h);
	else if (!h->up)
		h->lossy = h->slow = false;
	judge_state(p, now, h);
	if (!figures_moved(h))
		return;
	h->told_loss = h->pub.loss;
	h->told_rtt_ns = h->pub.rtt_ns;
	h->changed = true;
}

/* What a network's hosts did in this round. */
struct tally {
	unsigned up, heard;
};

/* "lan, lan6 and dmz"; only how many when the names do not fit. */
static const char *say_networks(struct sentence *s, const struct presence *p, uint64_t networks)
{
	struct buf b = buf_in(s->text, sizeof(s->text));
	unsigned n = (unsigned)__builtin_popcountll(networks), left = n;

	for (unsigned i = 0; i < p->config.n_networks; i++) {
		if (!(networks & 1ULL << i))
			continue;
		buf_str(&b, p->networks[i].name);
		left--;
		buf_str(&b, left > 1 ? ", " : left ? " and " : "");
	}
	if (b.err) {
		buf_reset(&b);
		buf_printf(&b, "%u networks", n);
	}
	return buf_cstr(&b);
}

/* For those of @networks of which self-down was told. */
static void tell_self_up(struct presence *p, struct presence_now now, uint64_t networks)
{
	struct sentence names, span;
	uint64_t back = 0, since_ns = now.mono_ns;

	for (unsigned i = 0; i < p->config.n_networks; i++) {
		if (!(networks & 1ULL << i) || !p->guards[i].told)
			continue;
		p->guards[i].told = false;
		since_ns = MIN(since_ns, p->guards[i].since_ns);
		back |= 1ULL << i;
	}
	if (back)
		presence_tell(p, now, PRESENCE_EVENT_SELF_UP, NULL,
			      "the connection to %s is back after %s",
			      say_networks(&names, p, back),
			      say_span(&span, (int64_t)((now.mono_ns - since_ns) / NS_PER_MS)));
}

/* Silence is counted from zero when the connection is back. */
static void forget_silence(struct presence *p, unsigned network)
{
	for (unsigned i = 0; i < p->n_hosts; i++) {
		if (p->hosts[i]->pub.network == network)
			p->hosts[i]->streak_down = 0;
	}
}

/* Return: true when the hosts of this network are not to be judged now. */
static bool guard_holds(struct presence *p, struct presence_now now, unsigned network,
			const struct tally *tally)
{
	struct guard *g = &p->guards[network];

	if (network == p->config.n_networks)
		return false;
	if (g->link_down)
		return true;
	if (tally->heard || (!g->silent && tally->up < GUARD_MIN_HOSTS)) {
		if (g->silent)
			forget_silence(p, network);
		g->silent = 0;
		tell_self_up(p, now, 1ULL << network);
		return false;
	}
	if (!g->silent++)
		g->since_ns = now.mono_ns;
	if (!g->told && g->silent >= p->config.down) {
		g->told = true;
		presence_tell(p, now, PRESENCE_EVENT_SELF_DOWN, NULL,
			      "all %u hosts of %s fell silent at once: taken as the monitor's own "
			      "connection, and none is called inactive",
			      tally->up, p->networks[network].name);
	}
	return true;
}

static void host_round_over(struct host *h)
{
	h->evidence = 0;
	h->n_echo = h->n_others = h->n_rtts = 0;
	h->link_rtt_ns = 0;
}

void presence_round_begin(struct presence *p, struct presence_now now)
{
	presence_clock(p, now);
}

void presence_round_end(struct presence *p, struct presence_now now)
{
	struct tally tallies[PRESENCE_MAX_NETWORKS + 1] = { 0 };
	bool held[PRESENCE_MAX_NETWORKS + 1];

	presence_clock(p, now);
	for (unsigned i = 0; i < p->n_hosts; i++) {
		struct host *h = p->hosts[i];
		struct tally *tally = &tallies[h->pub.network];

		tally->heard += h->evidence != 0;
		tally->up += h->up && h->pub.state != PRESENCE_UNKNOWN && h->n_echo + h->n_others;
	}
	for (unsigned i = 0; i <= p->config.n_networks; i++)
		held[i] = guard_holds(p, now, i, &tallies[i]);
	for (unsigned i = 0; i < p->n_hosts; i++) {
		struct host *h = p->hosts[i];

		for (unsigned k = 0; k < h->pub.n_addrs; k++)
			judge_macs(p, now, h, k);
		h->pub.n_sent = h->pub.n_rtts = 0;
		if (!held[h->pub.network] && (h->evidence || h->n_echo + h->n_others))
			judge_host(p, now, h);
		host_round_over(h);
	}
	presence_forget(p);
}

bool presence_link(struct presence *p, struct presence_now now, uint64_t networks, bool up,
		   const char *why)
{
	uint64_t changed = 0, untold = 0;
	struct sentence names;

	presence_clock(p, now);
	for (unsigned i = 0; i < p->config.n_networks; i++) {
		struct guard *g = &p->guards[i];

		if (!(networks & 1ULL << i) || g->link_down == !up)
			continue;
		changed |= 1ULL << i;
		g->link_down = !up;
		if (up) {
			g->silent = 0;
			forget_silence(p, i);
		} else {
			g->since_ns = now.mono_ns;
			untold |= g->told ? 0 : 1ULL << i;
			g->told = true;
		}
	}
	if (up)
		tell_self_up(p, now, changed);
	else if (untold)
		presence_tell(p, now, PRESENCE_EVENT_SELF_DOWN, NULL,
			      "%s: hosts of %s are not judged until it is back", why,
			      say_networks(&names, p, untold));
	return changed;
}
