#include "cli/scan_results.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define DETAILS_OF_CLOSED 64 /* of a host; open ports have theirs always */

struct key {
	uint8_t bytes[16];
	uint32_t family, scope;
};

/* What makes an answer different from another; without padding. */
struct answer_key {
	uint8_t lane, outcome, kind, icmp_type, icmp_code, zero;
	uint16_t family;
	int32_t ttl, error;
	struct key responder; /* zero: the target itself */
};

struct scan_results {
	const struct scan_plan *plan;
	uint32_t n_units;
	struct hash *by_addr, *by_answer;
	struct scan_host **hosts;
	size_t n, cap, n_quiet;
	struct scan_answer *answers; /* the first is 1 */
	size_t n_answers, cap_answers;
	uint64_t n_cells, n_details, n_open;
};

struct scan_results *scan_results_new(const struct scan_plan *plan)
{
	struct scan_results *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->plan = plan;
	r->n_units = scan_plan_n_units(plan);
	r->by_addr = hash_new(sizeof(struct key), sizeof(struct scan_host *), SCAN_MAX_HOSTS);
	r->by_answer = hash_new(sizeof(struct answer_key), sizeof(uint16_t), SCAN_MAX_ANSWERS);
	return r->by_addr && r->by_answer ? r : scan_results_free(r);
}

static void free_host(struct scan_host *host)
{
	for (uint32_t i = 0; i < host->n_details; i++)
		free(host->details[i].banner);
	free(host->details);
	free(host->answers);
	free(host);
}

struct scan_results *scan_results_free(struct scan_results *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < r->n; i++)
		free_host(r->hosts[i]);
	free(r->hosts);
	free(r->answers);
	hash_free(r->by_addr);
	hash_free(r->by_answer);
	free(r);
	return NULL;
}

/* Answers */

static struct key key_of(const struct addr *a)
{
	struct key key = { .family = a->family, .scope = a->scope };

	memcpy(key.bytes, a->bytes, sizeof(key.bytes));
	return key;
}

static struct answer_key answer_key_of(const struct probe_event *event)
{
	bool failed = event->outcome == PROBE_FAILED;
	struct answer_key key = {
		.lane = event->lane,
		.outcome = failed ? PROBE_FAILED : PROBE_ANSWERED,
		.kind = failed ? 0 : event->kind,
		.icmp_type = event->icmp_type,
		.icmp_code = event->icmp_code,
		.ttl = event->ttl,
		.error = event->error,
		.family = event->target.family,
	};

	if (addr_len(&event->responder) && !addr_eq(&event->responder, &event->target))
		key.responder = key_of(&event->responder);
	return key;
}

/* What is open stays open; whoever speaks for itself is believed before others. */
static unsigned rank_of(const struct scan_answer *answer)
{
	if (answer->event.outcome == PROBE_FAILED)
		return 1;
	return answer->state == PORT_OPEN ? 4 : answer->state == PORT_CLOSED ? 3 : 2;
}

static int grow_answers(struct scan_results *r)
{
	size_t cap = r->cap_answers ? 2 * r->cap_answers : 16;
	struct scan_answer *answers;

	if (r->n_answers < r->cap_answers)
		return 0;
	answers = reallocarray(r->answers, cap, sizeof(*answers));
	if (!answers)
		return -ENOMEM;
	r->answers = answers;
	r->cap_answers = cap;
	return 0;
}

uint16_t scan_results_number(struct scan_results *r, const struct probe_event *event)
{
	struct answer_key key = answer_key_of(event);
	struct scan_answer *answer;
	uint16_t *number;
	void *place;
	int added;

	if (event->lane >= r->plan->n_lanes || grow_answers(r) < 0)
		return 0;
	number = hash_get(r->by_answer, &key);
	if (number)
		return *number;
	added = hash_put(r->by_answer, &key, &place);
	if (added < 0)
		return 0;
	*(uint16_t *)place = (uint16_t)(r->n_answers + 1);
	answer = &r->answers[r->n_answers++];
	*answer = (struct scan_answer){ .event = *event };
	answer->event.outcome = key.outcome;
	answer->event.target = (struct addr){ .family = event->target.family };
	if (!key.responder.family)
		answer->event.responder = (struct addr){ 0 };
	answer->state = port_state_of(r->plan->lanes[event->lane].module, event);
	answer->rank = rank_of(answer);
	return (uint16_t)r->n_answers;
}

const struct scan_answer *scan_results_answer(const struct scan_results *r, uint16_t number)
{
	return number && number <= r->n_answers ? &r->answers[number - 1] : NULL;
}

/* Hosts */

static struct scan_host *find(const struct scan_results *r, const struct addr *addr)
{
	struct key key = key_of(addr);
	struct scan_host **place = hash_get(r->by_addr, &key);

	return place ? *place : NULL;
}

static struct scan_host *add_host(struct scan_results *r, const struct addr *addr)
{
	struct key key = key_of(addr);
	struct scan_host *host;
	void *place;

	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 64;
		struct scan_host **hosts = reallocarray(r->hosts, cap, sizeof(struct scan_host *));

		if (!hosts)
			return NULL;
		r->hosts = hosts;
		r->cap = cap;
	}
	host = calloc(1, sizeof(*host));
	if (!host || hash_put(r->by_addr, &key, &place) < 0) {
		free(host);
		return NULL;
	}
	host->addr = *addr;
	if (r->n_cells + r->n_units <= SCAN_MAX_CELLS)
		host->answers = calloc(MAX(r->n_units, 1u), sizeof(*host->answers));
	if (host->answers)
		r->n_cells += r->n_units;
	*(struct scan_host **)place = host;
	r->hosts[r->n++] = host;
	return host;
}

struct scan_host *scan_results_host(struct scan_results *r, const struct addr *addr)
{
	struct scan_host *host = find(r, addr);

	if (!host)
		host = add_host(r, addr);
	if (host)
		host->listed = true;
	return host;
}

static int add_detail(struct scan_results *r, struct scan_host *host,
		      const struct scan_detail *detail, bool open)
{
	uint32_t i;

	for (i = host->n_details; i-- > 0 && host->n_details <= DETAILS_OF_CLOSED;) {
		if (host->details[i].unit == detail->unit) {
			host->details[i] = *detail;
			return 0;
		}
	}
	if (!open && host->n_details >= DETAILS_OF_CLOSED)
		return 0;
	if (r->n_details >= SCAN_MAX_DETAILS)
		return -E_FULL;
	if (host->n_details == host->cap_details) {
		uint32_t cap = host->cap_details ? 2 * host->cap_details : 4;
		struct scan_detail *details = reallocarray(host->details, cap, sizeof(*details));

		if (!details)
			return -ENOMEM;
		host->details = details;
		host->cap_details = cap;
	}
	host->details[host->n_details++] = *detail;
	r->n_details++;
	return 0;
}

/* Ports */

static int set(struct scan_results *r, struct scan_host *host, uint32_t unit, uint16_t number,
	       const struct scan_detail *detail)
{
	const struct scan_answer *answer = scan_results_answer(r, number), *old = NULL;
	unsigned lane = answer->event.lane;
	bool open = answer->state == PORT_OPEN;
	int err = 0;

	if (host->answers) {
		old = scan_results_answer(r, host->answers[unit]);
		if (old && old->rank >= answer->rank)
			return 0;
		host->answers[unit] = number;
	}
	if (old)
		host->counts[lane][old->state]--;
	host->counts[lane][answer->state]++;
	if (detail && (open || host->answers))
		err = add_detail(r, host, detail, open);
	if (!host->answers && !open && !err)
		err = -E_FULL;
	r->n_open += open;
	return err < 0 ? err : open;
}

int scan_results_set(struct scan_results *r, struct scan_host *host, uint32_t unit, uint16_t number)
{
	const struct scan_answer *answer = scan_results_answer(r, number);
	uint16_t port;
	int done;

	if (!answer || unit >= r->n_units ||
	    scan_plan_unit_lane(r->plan, unit, &port) != answer->event.lane)
		return -E_RANGE;
	done = set(r, host, unit, number, NULL);
	return done == -ENOMEM ? done : 0;
}

int scan_results_detail(struct scan_results *r, struct scan_host *host,
			const struct scan_detail *detail)
{
	const struct scan_answer *answer;

	if (detail->unit >= r->n_units)
		return -E_RANGE;
	answer = host->answers ? scan_results_answer(r, host->answers[detail->unit]) : NULL;
	return add_detail(r, host, detail, !answer || answer->state == PORT_OPEN);
}

/* An answer of the host itself, not of a router on the way or of our own kernel. */
static bool is_its_own(const struct scan_answer *answer, const struct probe_module *module)
{
	if (answer->state == PORT_OPEN || answer->state == PORT_CLOSED)
		return true;
	return answer->event.outcome == PROBE_ANSWERED && module->via != PROBE_VIA_CONNECT &&
	       !addr_len(&answer->event.responder);
}

int scan_results_take(struct scan_results *r, const struct probe_event *event)
{
	int64_t unit = -1;
	const struct scan_answer *answer;
	struct scan_detail detail;
	struct scan_host *host;
	uint16_t number;
	bool own;

	if (event->outcome == PROBE_SILENT || event->outcome == PROBE_DUPLICATE)
		return 0;
	if (event->lane < r->plan->n_lanes)
		unit = scan_plan_unit(r->plan, event->lane, event->port);
	if (unit < 0)
		return 0;
	number = scan_results_number(r, event);
	answer = scan_results_answer(r, number);
	if (!answer)
		return -E_FULL;
	own = is_its_own(answer, r->plan->lanes[event->lane].module);
	host = find(r, &event->target);
	if (!host && !own && r->n_quiet >= SCAN_MAX_SILENT)
		return 0;
	if (!host) {
		host = add_host(r, &event->target);
		r->n_quiet += host && !own;
	}
	if (!host)
		return -E_FULL;
	host->alive |= own;
	detail = (struct scan_detail){ (uint32_t)unit, event->try, event->rtt_ns, NULL };
	return set(r, host, (uint32_t)unit, number, &detail);
}

static int by_address(const void *a, const void *b)
{
	const struct scan_host *const *x = a, *const *y = b;

	return addr_cmp(&(*x)->addr, &(*y)->addr);
}

static int by_unit(const void *a, const void *b)
{
	const struct scan_detail *x = a, *y = b;

	return (x->unit > y->unit) - (x->unit < y->unit);
}

void scan_results_sort(struct scan_results *r)
{
	if (r->n)
		qsort(r->hosts, r->n, sizeof(*r->hosts), by_address);
	for (size_t i = 0; i < r->n; i++)
		if (r->hosts[i]->n_details)
			qsort(r->hosts[i]->details, r->hosts[i]->n_details,
			      sizeof(*r->hosts[i]->details), by_unit);
}

size_t scan_results_n(const struct scan_results *r)
{
	return r->n;
}

struct scan_host *scan_results_at(const struct scan_results *r, size_t i)
{
	return r->hosts[i];
}

uint64_t scan_results_n_open(const struct scan_results *r)
{
	return r->n_open;
}

/* Views */

enum port_state scan_results_silence(const struct scan_results *r, unsigned lane)
{
	struct probe_event silence = { .outcome = PROBE_SILENT, .lane = (uint8_t)lane, .ttl = -1 };

	return port_state_of(r->plan->lanes[lane].module, &silence);
}

void scan_results_reason(const struct scan_results *r, const struct scan_host *host, unsigned lane,
			 const struct scan_answer *answer, unsigned n_tries, struct buf *text)
{
	struct probe_event event = { .outcome = PROBE_SILENT, .lane = (uint8_t)lane, .ttl = -1 };

	if (answer)
		event = answer->event;
	event.target = host->addr;
	if (!addr_len(&event.responder))
		event.responder = host->addr;
	port_state_reason(r->plan->lanes[lane].module, &event, n_tries, text);
}

static void fold(struct scan_view *view, unsigned lane, enum port_state state,
		 const struct scan_answer *answer)
{
	struct scan_fold *f = view->folds;

	while (f < view->folds + view->n_folds &&
	       (f->lane != lane || f->state != state || f->answer != answer))
		f++;
	if (f == view->folds + view->n_folds) {
		if (view->n_folds <= SCAN_MAX_FOLDS)
			*f = (struct scan_fold){ lane, state, answer, 0 };
		view->n_folds = MIN(view->n_folds + 1, (size_t)SCAN_MAX_FOLDS + 1);
		f = &view->folds[MIN((size_t)(f - view->folds), (size_t)SCAN_MAX_FOLDS)];
	}
	f->n++;
}

static struct scan_row *add_row(struct scan_view *view)
{
	if (view->n_rows == view->cap_rows) {
		size_t cap = view->cap_rows ? 2 * view->cap_rows : 64;
		struct scan_row *rows = reallocarray(view->rows, cap, sizeof(*rows));

		if (!rows)
			return NULL;
		view->rows = rows;
		view->cap_rows = cap;
	}
	return &view->rows[view->n_rows++];
}

/* How often each state is there, by lane. */
static void count_states(const struct scan_results *r, const struct scan_host *host, bool complete,
			 uint32_t counts[SCAN_MAX_LANES][PORT_N_STATES], struct scan_view *view)
{
	memset(view->counts, 0, sizeof(view->counts));
	view->n_silent = 0;
	for (unsigned lane = 0; lane < r->plan->n_lanes; lane++) {
		uint32_t silent = r->plan->lanes[lane].n_ports;

		memcpy(counts[lane], host->counts[lane], sizeof(host->counts[lane]));
		for (unsigned s = 0; s < PORT_N_STATES; s++)
			silent -= MIN(silent, counts[lane][s]);
		view->n_silent += silent;
		if (complete)
			counts[lane][scan_results_silence(r, lane)] += silent;
		for (unsigned s = 0; s < PORT_N_STATES; s++)
			view->counts[s] += counts[lane][s];
	}
}

int scan_results_view(const struct scan_results *r, const struct scan_host *host, bool complete,
		      bool folded, struct scan_view *view)
{
	uint32_t counts[SCAN_MAX_LANES][PORT_N_STATES], at = 0;

	count_states(r, host, complete, counts, view);
	view->n_rows = view->n_folds = 0;
	for (uint32_t unit = 0; unit < r->n_units; unit++) {
		struct scan_row row = { .unit = unit };
		struct scan_row *place;

		while (at < host->n_details && host->details[at].unit < unit)
			at++;
		if (at < host->n_details && host->details[at].unit == unit)
			row.detail = &host->details[at];
		row.answer = host->answers ? scan_results_answer(r, host->answers[unit]) : NULL;
		row.lane = scan_plan_unit_lane(r->plan, unit, &row.port);
		/* Of a host that is only counted, open ports alone are known. */
		if (!row.answer && (host->answers ? !complete : !row.detail))
			continue;
		row.state = row.answer	    ? row.answer->state
			    : host->answers ? scan_results_silence(r, row.lane)
					    : PORT_OPEN;
		if (folded && row.state != PORT_OPEN && counts[row.lane][row.state] > SCAN_FOLD) {
			fold(view, row.lane, row.state, row.answer);
			continue;
		}
		place = add_row(view);
		if (!place)
			return -ENOMEM;
		*place = row;
	}
	return 0;
}
