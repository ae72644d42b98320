#include "cli/scan_resume.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

#define FILE_MAX  (1u << 30)
#define FIRST	  "sonde scan 1\n"
#define LAST	  "check "
#define LAST_LEN  (sizeof(LAST) - 1 + 16 + 1)
#define PER_LINE  64
#define WORDS_MAX (PER_LINE + 8)

static uint64_t checksum(const char *text, size_t len)
{
	static const uint64_t key[2] = { 0 };

	return siphash(key, text, len);
}

static const char *module_name(const struct probe_module *module)
{
	return module == &probe_udp ? "udp" : module == &probe_syn ? "syn" : "connect";
}

/* Writing */

static void put_ranges(struct buf *b, const char *name, const struct targets *t)
{
	struct addr first, last;

	for (size_t i = 0; i < targets_n_ranges(t); i++) {
		targets_range(t, i, &first, &last);
		buf_printf(b, "%s ", name);
		buf_addr(b, &first);
		buf_char(b, ' ');
		buf_addr(b, &last);
		buf_char(b, '\n');
	}
}

static void put_plan(struct buf *b, const struct scan_plan *plan)
{
	for (size_t i = 0; i < plan->n_lanes; i++) {
		buf_printf(b, "lane %s ", module_name(plan->lanes[i].module));
		scan_write_ports(b, plan->ports[i], plan->lanes[i].n_ports);
		buf_char(b, '\n');
	}
	buf_printf(b, "seed %" PRIu64 "\nshard %" PRIu64 " %" PRIu64 "\n", plan->seed, plan->shard,
		   plan->n_shards);
}

static void put_answers(struct buf *b, const struct scan_results *r)
{
	const struct scan_answer *a;

	for (unsigned i = 1; (a = scan_results_answer(r, (uint16_t)i)); i++) {
		const struct probe_event *e = &a->event;

		buf_printf(b, "answer %u %u %u %u %u %u %d %d ", e->lane, e->target.family,
			   e->outcome, e->kind, e->icmp_type, e->icmp_code, e->ttl, e->error);
		if (addr_len(&e->responder))
			buf_addr(b, &e->responder);
		else
			buf_char(b, '-');
		buf_char(b, '\n');
		if (i == SCAN_MAX_ANSWERS)
			break;
	}
}

/* Which units answered what: "FIRST LAST ANSWER". */
static void put_units(struct buf *b, const struct scan_host *host, uint32_t n_units)
{
	for (uint32_t unit = 0, end; host->answers && unit < n_units; unit = end) {
		for (end = unit + 1; end < n_units && host->answers[end] == host->answers[unit];
		     end++)
			;
		if (host->answers[unit])
			buf_printf(b, "ports %u %u %u\n", unit, end - 1, host->answers[unit]);
	}
	for (uint32_t i = 0; i < host->n_details; i++)
		buf_printf(b, "detail %u %u %" PRIi64 "\n", host->details[i].unit,
			   host->details[i].try, host->details[i].rtt_ns);
}

static void put_hosts(struct buf *b, const struct scan_saved *saved)
{
	uint32_t n_units = scan_plan_n_units(&saved->plan);

	for (size_t i = 0; i < scan_results_n(saved->results); i++) {
		const struct scan_host *host = scan_results_at(saved->results, i);
		const struct found_host *found = found_get(saved->found, &host->addr);
		const struct mac none = { 0 };

		buf_lit(b, "host ");
		buf_addr(b, &host->addr);
		buf_printf(b, " %u %u %u %" PRIi64 " ", host->alive, host->listed,
			   found ? found->evidence : 0, found ? found->rtt_ns : -1);
		buf_mac(b, found ? found->mac.bytes : none.bytes);
		buf_char(b, '\n');
		put_units(b, host, n_units);
	}
}

static void put_all(struct buf *b, const struct scan_saved *saved)
{
	buf_lit(b, FIRST);
	put_plan(b, &saved->plan);
	put_ranges(b, "asked", saved->asked);
	if (!saved->in_discovery)
		put_ranges(b, "target", saved->plan.targets);
	buf_printf(b, "place %" PRIu64 "\n", saved->place);
	for (size_t i = 0; i < saved->n_again; i++)
		buf_printf(b, "%s%" PRIu64 "%s", i % PER_LINE ? " " : "again ", saved->again[i],
			   i % PER_LINE == PER_LINE - 1 || i + 1 == saved->n_again ? "\n" : "");
	put_answers(b, saved->results);
	put_hosts(b, saved);
	if (!b->err)
		buf_printf(b, LAST "%016" PRIx64 "\n", checksum(b->data, b->len));
}

/* As a whole or not at all. */
static int write_file(const char *path, const struct buf *text)
{
	char *temporary;
	int fd, err;

	if (text->err)
		return text->err;
	if (asprintf(&temporary, "%s.new", path) < 0)
		return -ENOMEM;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	err = fd < 0 ? -errno : command_write(fd, text);
	if (!err && fsync(fd) < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (!err && rename(temporary, path) < 0)
		err = -errno;
	if (err && fd >= 0)
		(void)unlink(temporary);
	free(temporary);
	return err;
}

int scan_resume_try(struct command *cmd, const char *path)
{
	char *temporary;
	int fd, err = 0;

	if (asprintf(&temporary, "%s.new", path) < 0)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	fd = open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		err = -errno;
	else
		close(fd);
	if (!err)
		(void)unlink(temporary);
	free(temporary);
	return err ? command_fails(cmd, EXIT_CANNOT, "cannot write %s: %s", path, err_text(err))
		   : 0;
}

int scan_resume_write(struct command *cmd, const char *path, const struct scan_saved *saved)
{
	struct buf b = buf_of(FILE_MAX);
	int err;

	put_all(&b, saved);
	err = write_file(path, &b);
	buf_done(&b);
	if (err)
		return command_fails(cmd, EXIT_CANNOT, "cannot write %s: %s", path, err_text(err));
	command_notes(cmd, "broken off; to go on: sonde scan --resume %s", path);
	return 0;
}

/* Reading */

struct reader {
	struct scan_saved *saved;
	struct scan_host *host; /* whose lines these are */
	uint16_t *numbers;	/* of the file's answers, ours */
	size_t n_answers, cap_again;
	char *words[WORDS_MAX];
	size_t n;
	bool has_place, has_seed, has_shard;
};

static bool number(const char *word, uint64_t max, uint64_t *ret)
{
	char *end;

	if (*word < '0' || *word > '9')
		return false;
	errno = 0;
	*ret = strtoull(word, &end, 10);
	return !*end && !errno && *ret <= max;
}

static bool whole(const char *word, int64_t min, int64_t max, int64_t *ret)
{
	char *end;

	if (*word != '-' && (*word < '0' || *word > '9'))
		return false;
	errno = 0;
	*ret = strtoll(word, &end, 10);
	return !*end && !errno && *ret >= min && *ret <= max;
}

static bool address(const char *word, struct addr *ret)
{
	return !addr_parse(word, strlen(word), ret, NULL);
}

static int read_lane(struct reader *r)
{
	static const struct probe_module *const modules[] = { &probe_syn, &probe_tcp, &probe_udp };
	struct scan_plan *plan = &r->saved->plan;
	struct ports ports;

	if (r->n != 3 || plan->n_lanes == SCAN_MAX_LANES || r->saved->results)
		return -E_MALFORMED;
	for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
		if (strcmp(r->words[1], module_name(modules[i])))
			continue;
		if (ports_parse(r->words[2], "tcp", &ports, NULL) < 0)
			return -E_MALFORMED;
		return scan_plan_add(plan, modules[i], &ports);
	}
	return -E_MALFORMED;
}

static int read_shard(struct reader *r)
{
	struct scan_plan *plan = &r->saved->plan;

	if (r->n != 3 || !number(r->words[2], UINT32_MAX, &plan->n_shards) || !plan->n_shards ||
	    !number(r->words[1], plan->n_shards - 1, &plan->shard))
		return -E_MALFORMED;
	r->has_shard = true;
	return 0;
}

static int read_seed(struct reader *r)
{
	r->has_seed = r->n == 2 && number(r->words[1], UINT64_MAX, &r->saved->plan.seed);
	return r->has_seed ? 0 : -E_MALFORMED;
}

static int read_range(struct reader *r)
{
	struct targets *t = *r->words[0] == 'a' ? r->saved->asked : r->saved->plan.targets;
	struct addr first, last;

	if (r->n != 3 || !address(r->words[1], &first) || !address(r->words[2], &last))
		return -E_MALFORMED;
	return targets_add_range(t, &first, &last);
}

/* Without targets discovery was not through yet. */
static int target_all(struct scan_saved *s)
{
	struct addr first, last;
	int err = s->place ? -E_MALFORMED : 0;

	s->in_discovery = true;
	for (size_t i = 0; !err && i < targets_n_ranges(s->asked); i++) {
		targets_range(s->asked, i, &first, &last);
		err = targets_add_range(s->plan.targets, &first, &last);
	}
	return err;
}

/* The plan is whole; from here on it is used. */
static int read_place(struct reader *r)
{
	struct scan_saved *s = r->saved;
	uint128_t units;
	int err = 0;

	if (r->n != 2 || r->has_place || !number(r->words[1], UINT64_MAX, &s->place))
		return -E_MALFORMED;
	r->has_place = true;
	if (!targets_n_ranges(s->plan.targets))
		err = target_all(s);
	if (err)
		return err;
	if (targets_seal(s->asked) < 0 || targets_seal(s->plan.targets) < 0)
		return -ENOMEM;
	units = scan_plan_n_units(&s->plan);
	if (!units || !targets_count(s->plan.targets) || !targets_count(s->asked) ||
	    targets_count(s->plan.targets) > UINT64_MAX / units)
		return -E_MALFORMED;
	s->results = scan_results_new(&s->plan);
	s->found = found_new();
	return s->results && s->found ? 0 : -ENOMEM;
}

static int read_again(struct reader *r)
{
	struct scan_saved *s = r->saved;
	uint64_t n_pairs = (uint64_t)targets_count(s->plan.targets) * scan_plan_n_units(&s->plan);

	if (s->n_again + r->n > r->cap_again) {
		size_t cap = 2 * (r->cap_again + PER_LINE);
		uint64_t *again = reallocarray(s->again, cap, sizeof(*again));

		if (!again)
			return -ENOMEM;
		s->again = again;
		r->cap_again = cap;
	}
	for (size_t i = 1; i < r->n; i++)
		if (!number(r->words[i], n_pairs - 1, &s->again[s->n_again++]))
			return -E_MALFORMED;
	return 0;
}

static int read_answer(struct reader *r)
{
	int64_t v[8];
	struct probe_event e = { 0 };

	if (r->n != 10 || r->n_answers == SCAN_MAX_ANSWERS)
		return -E_MALFORMED;
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		if (!whole(r->words[i + 1], i < 6 ? 0 : INT32_MIN, i < 6 ? 255 : INT32_MAX, &v[i]))
			return -E_MALFORMED;
	if ((v[1] != AF_INET && v[1] != AF_INET6) || v[0] >= (int64_t)r->saved->plan.n_lanes ||
	    (v[2] != PROBE_ANSWERED && v[2] != PROBE_FAILED) || v[3] > PROBE_OTHER_ERROR)
		return -E_MALFORMED;
	e.lane = (uint8_t)v[0];
	e.target.family = (uint16_t)v[1];
	e.outcome = (enum probe_outcome)v[2];
	e.kind = (enum probe_kind)v[3];
	e.icmp_type = (uint8_t)v[4];
	e.icmp_code = (uint8_t)v[5];
	e.ttl = (int)v[6];
	e.error = (int)v[7];
	e.rtt_ns = -1;
	if (strcmp(r->words[9], "-") && !address(r->words[9], &e.responder))
		return -E_MALFORMED;
	r->numbers[++r->n_answers] = scan_results_number(r->saved->results, &e);
	return r->numbers[r->n_answers] ? 0 : -ENOMEM;
}

static int read_host(struct reader *r)
{
	uint64_t alive, listed, evidence;
	int64_t rtt_ns;
	struct addr addr;
	struct mac mac;

	if (r->n != 7 || !address(r->words[1], &addr) || !number(r->words[2], 1, &alive) ||
	    !number(r->words[3], 1, &listed) ||
	    !number(r->words[4], (1u << N_EVIDENCE) - 1, &evidence) ||
	    !whole(r->words[5], -1, INT64_MAX, &rtt_ns) ||
	    mac_parse(r->words[6], strlen(r->words[6]), &mac, NULL) < 0)
		return -E_MALFORMED;
	r->host = scan_results_host(r->saved->results, &addr);
	if (!r->host)
		return -ENOMEM;
	r->host->alive = alive;
	r->host->listed = listed;
	for (unsigned i = 0; i < N_EVIDENCE; i++)
		if (evidence & 1u << i &&
		    found_heard(r->saved->found, &addr, (enum evidence)i, &mac, rtt_ns) < 0)
			return -ENOMEM;
	return 0;
}

static int read_units(struct reader *r)
{
	uint64_t first, last, answer;
	int err = 0;

	if (r->n != 4 || !r->host || !number(r->words[1], UINT32_MAX, &first) ||
	    !number(r->words[2], scan_plan_n_units(&r->saved->plan) - 1, &last) ||
	    !number(r->words[3], r->n_answers, &answer) || !answer)
		return -E_MALFORMED;
	for (uint64_t unit = first; !err && unit <= last; unit++)
		err = scan_results_set(r->saved->results, r->host, (uint32_t)unit,
				       r->numbers[answer]);
	return err;
}

static int read_detail(struct reader *r)
{
	uint64_t unit, try;
	int64_t rtt_ns;

	if (r->n != 4 || !r->host || !number(r->words[1], UINT32_MAX, &unit) ||
	    !number(r->words[2], UINT32_MAX, &try) || !whole(r->words[3], -1, INT64_MAX, &rtt_ns))
		return -E_MALFORMED;
	return scan_results_detail(
		r->saved->results, r->host,
		&(struct scan_detail){ (uint32_t)unit, (uint32_t)try, rtt_ns, NULL });
}

static const struct {
	const char *word;
	int (*read)(struct reader *r);
	bool after_place;
} lines[] = {
	{ "lane", read_lane, false },	 { "seed", read_seed, false },
	{ "shard", read_shard, false },	 { "asked", read_range, false },
	{ "target", read_range, false }, { "place", read_place, false },
	{ "again", read_again, true },	 { "answer", read_answer, true },
	{ "host", read_host, true },	 { "ports", read_units, true },
	{ "detail", read_detail, true },
};

static int read_line(struct reader *r, char *line)
{
	char *at;

	r->n = 0;
	for (char *word = strtok_r(line, " ", &at); word; word = strtok_r(NULL, " ", &at)) {
		if (r->n == WORDS_MAX)
			return -E_MALFORMED;
		r->words[r->n++] = word;
	}
	for (size_t i = 0; r->n && i < ARRAY_LEN(lines); i++) {
		if (strcmp(r->words[0], lines[i].word))
			continue;
		return lines[i].after_place == r->has_place ? lines[i].read(r) : -E_MALFORMED;
	}
	return -E_MALFORMED;
}

static int read_lines(struct scan_saved *saved, char *text)
{
	struct reader r = { .saved = saved,
			    .numbers = calloc(SCAN_MAX_ANSWERS + 1, sizeof(*r.numbers)) };
	char *at;
	int err = 0;

	saved->asked = targets_new();
	saved->plan.targets = targets_new();
	if (!r.numbers || !saved->asked || !saved->plan.targets)
		err = -ENOMEM;
	for (char *line = strtok_r(text, "\n", &at); line && !err; line = strtok_r(NULL, "\n", &at))
		err = read_line(&r, line);
	if (!err && (!r.has_place || !r.has_seed || !r.has_shard))
		err = -E_MALFORMED;
	free(r.numbers);
	return err;
}

/* The whole file with a NUL behind it. */
static int read_file(const char *path, char **ret_text, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), err = 0;
	struct stat st;
	size_t len = 0;
	char *text;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		close(fd);
		return -E_MALFORMED;
	}
	text = malloc((size_t)st.st_size + 1);
	while (text && len < (size_t)st.st_size && !err) {
		ssize_t n = read(fd, text + len, (size_t)st.st_size - len);

		if (n <= 0)
			err = n ? -errno : -E_TRUNCATED;
		else
			len += (size_t)n;
	}
	close(fd);
	if (!text || err) {
		free(text);
		return text ? err : -ENOMEM;
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return 0;
}

/* Whole, ours, and as it was written. @text loses its first and last line. */
static int check_file(char **text, size_t len)
{
	char last[LAST_LEN + 1];
	size_t body = len - LAST_LEN;

	if (len < sizeof(FIRST) - 1 || memcmp(*text, FIRST, sizeof(FIRST) - 1))
		return -E_FOREIGN;
	if (len < sizeof(FIRST) - 1 + LAST_LEN || memchr(*text, '\0', len))
		return -E_TRUNCATED;
	snprintf(last, sizeof(last), LAST "%016" PRIx64 "\n", checksum(*text, body));
	if (memcmp(*text + body, last, LAST_LEN))
		return -E_TRUNCATED;
	(*text)[body] = '\0';
	*text += sizeof(FIRST) - 1;
	return 0;
}

int scan_resume_read(struct command *cmd, const char *path, struct scan_saved *saved)
{
	char *text = NULL, *lines_at;
	size_t len = 0;
	int err = read_file(path, &text, &len);

	*saved = (struct scan_saved){ 0 };
	if (err == -ENOENT)
		return 0;
	if (err && err != -E_TRUNCATED && err != -E_MALFORMED)
		return command_fails(cmd, EXIT_CANNOT, "cannot read %s: %s", path, err_text(err));
	lines_at = text;
	if (!err)
		err = check_file(&lines_at, len);
	if (!err)
		err = read_lines(saved, lines_at);
	free(text);
	saved->begun = !err;
	if (err == -E_FOREIGN)
		return command_fails(cmd, EXIT_USAGE, "%s is no scan that was broken off", path);
	if (err == -ENOMEM || err == -E_FULL)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	if (err)
		return command_fails(cmd, EXIT_USAGE,
				     "%s is torn or was changed: it cannot be gone on from", path);
	return 0;
}

void scan_saved_done(struct scan_saved *saved)
{
	free(saved->again);
	scan_plan_done(&saved->plan);
	targets_free(saved->asked);
	scan_results_free(saved->results);
	found_free(saved->found);
	*saved = (struct scan_saved){ 0 };
}

static bool same_targets(const struct targets *a, const struct targets *b)
{
	struct addr first[2], last[2];

	if (targets_n_ranges(a) != targets_n_ranges(b))
		return false;
	for (size_t i = 0; i < targets_n_ranges(a); i++) {
		targets_range(a, i, &first[0], &last[0]);
		targets_range(b, i, &first[1], &last[1]);
		if (!addr_eq(&first[0], &first[1]) || !addr_eq(&last[0], &last[1]))
			return false;
	}
	return true;
}

static bool same_ports(const struct scan_plan *a, const struct scan_plan *b)
{
	if (a->n_lanes != b->n_lanes)
		return false;
	for (size_t i = 0; i < a->n_lanes; i++)
		if (a->lanes[i].n_ports != b->lanes[i].n_ports ||
		    memcmp(a->ports[i], b->ports[i], a->lanes[i].n_ports * sizeof(*a->ports[i])))
			return false;
	return true;
}

static bool same_lanes(const struct scan_plan *a, const struct scan_plan *b, bool tcp_chosen)
{
	for (size_t i = 0; i < a->n_lanes; i++)
		if (a->lanes[i].module != b->lanes[i].module &&
		    (tcp_chosen || a->lanes[i].module == &probe_udp ||
		     b->lanes[i].module == &probe_udp))
			return false;
	return true;
}

int scan_resume_check(struct command *cmd, const char *path, const struct scan_saved *saved,
		      const struct scan_plan *plan, bool tcp_chosen, bool seed_chosen)
{
	const char *what = NULL;

	if (!same_targets(saved->asked, plan->targets))
		what = "targets";
	else if (!same_ports(&saved->plan, plan))
		what = "ports";
	else if (!same_lanes(&saved->plan, plan, tcp_chosen))
		what = "kinds of probes";
	else if (saved->plan.shard != plan->shard || saved->plan.n_shards != plan->n_shards)
		what = "--shard";
	else if (seed_chosen && saved->plan.seed != plan->seed)
		what = "--seed";
	if (!what)
		return 0;
	return command_fails(
		cmd, EXIT_USAGE,
		"%s is of another scan: its %s are not those given here. To go on with "
		"it: sonde scan --resume %s",
		path, what, path);
}
