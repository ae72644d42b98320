/*
 * Replays the scenarios in tests/scenarios in virtual time: a small world of devices answers,
 * and everything that presence tells is compared with what the scenario says, as a whole.
 *
 *   every 10s | up 2 | down 3 | forget 100s | max_hosts 4 | network lan 10.77.0.0/24
 *   0s watch ADDRESS [NAME]          a host of the configuration
 *   0s device ADDRESS WORDS...       on, silent, mac MAC [MAC], rtt MS, lose N (of 5 echoes),
 *                                    arp, icmp, ns, tcp (what it answers from now on), speaks
 *   25s link NETWORK[,NETWORK] down WHY... | up
 *   25s unsent on | off              nothing leaves this machine
 *   25s clock SECONDS                the wall clock is set by so much
 *   25s restart                      all is forgotten but what a store would keep
 *   25s expect ADDRESS STATE | gone  also "hosts N", "self up", "loss ADDRESS PERCENT"
 *   until 100s
 *   events                           the rest of the file: TIME KIND TEXT
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "monitor/presence.h"

#define MAX_DEVICES 2000
#define MAX_LINES   200
#define BURST	    5
#define WALL_START  1700000000000

struct device {
	struct addr addr;
	struct mac macs[2];
	unsigned n_macs, lose;
	unsigned answers; /* presence_evidence bits */
	uint64_t rtt_ns;
	bool on;
};

struct world {
	const char *file;
	unsigned line;
	struct presence *presence;
	struct presence_config config;
	struct presence_network networks[4];
	struct device devices[MAX_DEVICES];
	unsigned n_devices;
	uint64_t now_s;
	int64_t wall_offset_ms;
	bool unsent;
	struct buf told;
};

static void PRINTF(2, 3) bad(const struct world *w, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%u: ", w->file, w->line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	fail();
}

static struct presence_now now_of(const struct world *w, uint64_t extra_ns)
{
	uint64_t mono_ns = 1000 * NS_PER_S + w->now_s * NS_PER_S + extra_ns;

	return (struct presence_now){ mono_ns,
				      WALL_START + w->wall_offset_ms +
					      (int64_t)(w->now_s * 1000 + extra_ns / NS_PER_MS) };
}

static struct addr read_addr(const struct world *w, const char *text)
{
	struct addr a;

	if (!text || addr_parse(text, strlen(text), &a, NULL) < 0)
		bad(w, "expected an address, not '%s'", text ? text : "");
	return a;
}

static struct device *device_of(struct world *w, const struct addr *a)
{
	for (unsigned i = 0; i < w->n_devices; i++) {
		if (addr_eq(&w->devices[i].addr, a))
			return &w->devices[i];
	}
	if (w->n_devices == MAX_DEVICES)
		bad(w, "too many devices");
	w->devices[w->n_devices] = (struct device){ .addr = *a, .rtt_ns = NS_PER_MS };
	return &w->devices[w->n_devices++];
}

static void take_events(struct world *w)
{
	struct presence_event event;

	while (presence_next_event(w->presence, &event) > 0) {
		buf_printf(&w->told, "%us %s ", (unsigned)w->now_s, presence_kind_text(event.kind));
		buf_safe(&w->told, event.text, strlen(event.text));
		buf_char(&w->told, '\n');
		w->config.last_id = MAX(w->config.last_id, event.host); /* for a restart */
	}
}

static void device_speaks(struct world *w, const struct device *d)
{
	struct mac none = { 0 };
	unsigned n_echo = BURST - MIN(d->lose, (unsigned)BURST);

	for (unsigned bit = PRESENCE_ARP; bit <= PRESENCE_TCP; bit <<= 1) {
		unsigned times = bit == PRESENCE_ICMP  ? n_echo
				 : bit < PRESENCE_ICMP ? d->n_macs
						       : 1;

		if (!(d->answers & bit))
			continue;
		for (unsigned i = 0; i < times; i++)
			presence_heard(w->presence, now_of(w, d->rtt_ns), &d->addr,
				       bit < PRESENCE_ICMP ? &d->macs[i] : &none,
				       (enum presence_evidence)bit,
				       bit == PRESENCE_ICMP ? d->rtt_ns + i * 1000 : 0);
	}
}

static void run_round(struct world *w)
{
	presence_round_begin(w->presence, now_of(w, 0));
	for (unsigned i = 0; i < presence_n_hosts(w->presence) && !w->unsent; i++) {
		const struct presence_host *h = presence_host(w->presence, i);

		for (unsigned k = 0; k < h->n_addrs; k++)
			presence_sent(w->presence, &h->addrs[k], k ? 0 : BURST, 1);
	}
	for (unsigned i = 0; i < w->n_devices && !w->unsent; i++) {
		if (w->devices[i].on)
			device_speaks(w, &w->devices[i]);
	}
	presence_round_end(w->presence, now_of(w, 2 * NS_PER_S));
	take_events(w);
}

static void do_device(struct world *w, char **save)
{
	struct addr addr = read_addr(w, strtok_r(NULL, " \n", save));
	struct device *d = device_of(w, &addr);
	const char *word;

	while ((word = strtok_r(NULL, " \n", save))) {
		if (!strcmp(word, "on") || !strcmp(word, "silent")) {
			d->on = word[0] == 'o';
		} else if (!strcmp(word, "mac")) {
			d->n_macs = 0;
		} else if (strchr(word, ':')) {
			assert_int_equal(mac_parse(word, strlen(word), &d->macs[d->n_macs++], NULL),
					 0);
		} else if (!strcmp(word, "rtt")) {
			d->rtt_ns = strtoull(strtok_r(NULL, " \n", save), NULL, 10) * NS_PER_MS;
		} else if (!strcmp(word, "lose")) {
			d->lose = (unsigned)strtoul(strtok_r(NULL, " \n", save), NULL, 10);
		} else if (!strcmp(word, "answers")) {
			d->answers = 0;
		} else if (!strcmp(word, "speaks")) {
			device_speaks(w, d);
		} else {
			unsigned bit = PRESENCE_ARP;

			while (bit <= PRESENCE_TCP &&
			       strcmp(word, presence_evidence_text((enum presence_evidence)bit)) !=
				       0)
				bit <<= 1;
			if (bit > PRESENCE_TCP)
				bad(w, "unknown word '%s'", word);
			d->answers |= bit;
		}
	}
}

static void do_expect(struct world *w, char **save)
{
	const char *what = strtok_r(NULL, " \n", save), *value = strtok_r(NULL, " \n", save);
	const struct presence_host *h;
	struct addr addr;

	if (!strcmp(what, "hosts")) {
		if (presence_n_hosts(w->presence) != strtoul(value, NULL, 10))
			bad(w, "there are %u hosts", presence_n_hosts(w->presence));
		return;
	}
	if (!strcmp(what, "self")) {
		if (presence_connected(w->presence, w->config.n_networks) != !strcmp(value, "up"))
			bad(w, "self is not %s", value);
		return;
	}
	if (!strcmp(what, "loss")) {
		addr = read_addr(w, value);
		h = presence_by_addr(w->presence, &addr);
		value = strtok_r(NULL, " \n", save);
		if (!h || lround(h->loss * 100) != strtol(value, NULL, 10))
			bad(w, "the loss is %f", h ? h->loss : -2);
		return;
	}
	addr = read_addr(w, what);
	h = presence_by_addr(w->presence, &addr);
	if (strcmp(h ? presence_state_text(h->state) : "gone", value) != 0)
		bad(w, "%s is %s", what, h ? presence_state_text(h->state) : "gone");
}

static void do_link(struct world *w, char **save)
{
	char *names = strtok_r(NULL, " \n", save), *how = strtok_r(NULL, " \n", save);
	const char *why = strtok_r(NULL, "\n", save);
	uint64_t networks = 0;

	for (const char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		unsigned i = 0;

		while (i < w->config.n_networks && strcmp(w->networks[i].name, name) != 0)
			i++;
		networks |= 1ULL << i;
	}
	presence_link(w->presence, now_of(w, 0), networks, !strcmp(how, "up"), why);
}

static void do_restart(struct world *w)
{
	struct presence *old = w->presence;

	w->presence = presence_new(&w->config);
	assert_non_null(w->presence);
	for (unsigned i = 0; i < presence_n_hosts(old); i++)
		assert_int_equal(presence_restore(w->presence, presence_host(old, i)), 0);
	presence_free(old);
}

static void do_line(struct world *w, const char *line)
{
	char text[256], *save;
	const char *what;
	struct addr addr;

	snprintf(text, sizeof(text), "%s", line);
	strtok_r(text, " \n", &save);
	what = strtok_r(NULL, " \n", &save);
	if (!strcmp(what, "device")) {
		do_device(w, &save);
	} else if (!strcmp(what, "expect")) {
		do_expect(w, &save);
	} else if (!strcmp(what, "link")) {
		do_link(w, &save);
	} else if (!strcmp(what, "unsent")) {
		w->unsent = !strcmp(strtok_r(NULL, " \n", &save), "on");
	} else if (!strcmp(what, "clock")) {
		w->wall_offset_ms += strtoll(strtok_r(NULL, " \n", &save), NULL, 10) * 1000;
	} else if (!strcmp(what, "restart")) {
		do_restart(w);
	} else if (!strcmp(what, "watch")) {
		addr = read_addr(w, strtok_r(NULL, " \n", &save));
		assert_int_equal(presence_watch(w->presence, now_of(w, 0), &addr,
						strtok_r(NULL, " \n", &save)),
				 0);
	} else {
		bad(w, "unknown command '%s'", what);
	}
	take_events(w);
}

/* "every", "up", "down", "network", "until" at the head. Return: false when it is no such line. */
static bool read_setting(struct world *w, const char *line, uint64_t *until_s)
{
	static char names[4][32];
	unsigned long long n;
	char prefix[64];
	unsigned at = w->config.n_networks;

	if (sscanf(line, "every %llus", &n) == 1) {
		w->config.every_ns = n * NS_PER_S;
	} else if (sscanf(line, "up %llu", &n) == 1) {
		w->config.up = (unsigned)n;
	} else if (sscanf(line, "down %llu", &n) == 1) {
		w->config.down = (unsigned)n;
	} else if (sscanf(line, "forget %llus", &n) == 1) {
		w->config.forget_ns = n * NS_PER_S;
	} else if (sscanf(line, "max_hosts %llu", &n) == 1) {
		w->config.max_hosts = (unsigned)n;
	} else if (sscanf(line, "until %llus", &n) == 1) {
		*until_s = n;
	} else if (sscanf(line, "network %31s %63s", names[at & 3], prefix) == 2) {
		w->networks[at].name = names[at];
		assert_int_equal(
			prefix_parse(prefix, strlen(prefix), &w->networks[at].prefix, NULL), 0);
		w->config.n_networks++;
	} else {
		return false;
	}
	return true;
}

static void replay(const char *path)
{
	static char lines[MAX_LINES][256], expected[16384];
	static struct world w;
	unsigned n_lines = 0, next = 0, line_of[MAX_LINES];
	uint64_t until_s = 0;
	FILE *f = fopen(path, "r");
	char line[256];

	w = (struct world){ .file = path, .told = buf_of(1 << 20) };
	w.config = (struct presence_config){ .networks = w.networks,
					     .every_ns = 10 * NS_PER_S,
					     .up = 2,
					     .down = 3,
					     .degraded_loss = 0.1,
					     .degraded_rtt_ns = 500 * NS_PER_MS,
					     .max_hosts = 1000 };
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) && strcmp(line, "events\n") != 0) {
		w.line++;
		if (line[0] == '#' || line[0] == '\n' || read_setting(&w, line, &until_s))
			continue;
		assert_true(n_lines < MAX_LINES);
		line_of[n_lines] = w.line;
		strcpy(lines[n_lines++], line);
	}
	expected[fread(expected, 1, sizeof(expected) - 1, f)] = '\0';
	fclose(f);
	w.presence = presence_new(&w.config);
	assert_non_null(w.presence);
	for (w.now_s = 0; w.now_s <= until_s; w.now_s++) {
		for (; next < n_lines && strtoull(lines[next], NULL, 10) <= w.now_s; next++) {
			w.line = line_of[next];
			do_line(&w, lines[next]);
		}
		if (!(w.now_s % (w.config.every_ns / NS_PER_S)))
			run_round(&w);
	}
	assert_int_equal(next, n_lines); /* nothing stands behind the end */
	if (strcmp(buf_cstr(&w.told), expected) != 0) {
		fprintf(stderr, "%s: told:\n%sexpected:\n%s", path, buf_cstr(&w.told), expected);
		fail();
	}
	buf_done(&w.told);
	presence_free(w.presence);
}

static const char *folder;

static void test_scenarios(void **state)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort), n_replayed = 0;
	char path[512];

	(void)state;
	for (int i = 0; i < n; i++) {
		const char *end = strrchr(entries[i]->d_name, '.');

		if (end && !strcmp(end, ".txt")) {
			snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
			replay(path);
			n_replayed++;
		}
		free(entries[i]);
	}
	assert_true(n_replayed >= 10);
	free(entries);
}

/*
 * Random hearing, judging and forgetting, beyond the bound, against the counts that a walk gives,
 * and against who came and who went.
 */
static void test_table(void **state)
{
	struct presence_network network = { "n", { .len = 0 } };
	struct presence_config config = { .networks = &network,
					  .n_networks = 1,
					  .every_ns = NS_PER_S,
					  .up = 1,
					  .down = 5,
					  .forget_ns = 7 * NS_PER_S,
					  .max_hosts = 50 };
	struct presence *p;
	struct presence_event event;
	uint64_t mono_ns = 0;
	int64_t n_full = 0, n_met = 0, n_gone = 0;

	(void)state;
	srandom(1);
	network.prefix.addr = addr_from_number(AF_INET6, 0);
	p = presence_new(&config);
	for (int i = 0; i < 20000; i++) {
		struct presence_now now = { mono_ns += NS_PER_MS,
					    1 + (int64_t)(mono_ns / NS_PER_MS) };
		struct addr a = addr_from_number(AF_INET6, (uint128_t)random() % 300);
		struct mac mac = { { 2, 0, 0, 0, 0, (uint8_t)(random() % 40) } };
		const struct presence_host *h = presence_by_addr(p, &a);
		unsigned counts[PRESENCE_N_STATES] = { 0 };
		const struct presence_gone *gone;
		int err;

		if (random() % 20 == 0) {
			for (unsigned k = 0; k < presence_n_hosts(p); k++)
				presence_sent(p, &presence_host(p, k)->addrs[0], 1, 1);
			presence_round_end(p, now);
		} else {
			err = presence_heard(p, now, &a, &mac, PRESENCE_NS, 0);
			n_full += err == -E_FULL;
			n_met += err == 1;
			h = presence_by_addr(p, &a);
			assert_true(err == -E_FULL ? !h : h && h == presence_by_id(p, h->id));
		}
		for (unsigned k = 0; k < presence_n_hosts(p); k++)
			counts[presence_host(p, k)->state]++;
		for (unsigned k = 0; k < PRESENCE_N_STATES; k++)
			assert_int_equal(counts[k], presence_count(p, k));
		for (size_t k = presence_gone(p, &gone); k-- > 0; n_gone++)
			assert_true(gone[k].forgotten && !presence_by_id(p, gone[k].id));
		presence_gone_clear(p);
		assert_int_equal(n_met - n_gone, presence_n_hosts(p));
		while (presence_next_event(p, &event))
			;
	}
	assert_true(n_full > 0 && n_gone > 0);
	assert_true(presence_n_hosts(p) <= 50);
	presence_free(p);
}

/* A configuration that changes: who is in no network any more and not named is forgotten. */
static void test_configure(void **state)
{
	struct presence_network networks[] = { { "a", { .len = 24 } }, { "b", { .len = 24 } } };
	struct presence_config config = { .networks = networks,
					  .n_networks = 2,
					  .every_ns = NS_PER_S,
					  .up = 1,
					  .down = 1,
					  .max_hosts = 50 };
	struct addr in_a = addr_ip4((uint8_t[]){ 10, 0, 0, 1 });
	struct addr in_b = addr_ip4((uint8_t[]){ 10, 0, 1, 1 });
	struct addr named = addr_ip4((uint8_t[]){ 10, 0, 1, 2 });
	struct mac mac = { { 2, 0, 0, 0, 0, 1 } };
	struct presence_now now = { 1, 1 };
	const struct presence_gone *gone;
	const struct presence_host *h;
	struct presence *p;
	int64_t id;

	(void)state;
	networks[0].prefix.addr = in_a;
	networks[1].prefix.addr = in_b;
	p = presence_new(&config);
	assert_int_equal(presence_heard(p, now, &in_a, &mac, PRESENCE_ARP, 0), 1);
	assert_int_equal(presence_heard(p, now, &in_b, &mac, PRESENCE_ARP, 0), 1);
	assert_int_equal(presence_watch(p, now, &named, "printer"), 0);
	h = presence_by_addr(p, &named);
	assert_int_equal(presence_set_name(p, h->id, 1, "printer"), 0);
	assert_null(h->names[1]); /* the same as the configuration's */
	assert_int_equal(presence_set_name(p, h->id, 1, "brother"), 0);
	assert_string_equal(h->names[1], "brother");

	config.n_networks = 1;
	presence_configure(p, &config);
	presence_unwatch(p);
	assert_null(h->names[0]);
	assert_int_equal(presence_watch(p, now, &named, "brother"), 0);
	assert_null(h->names[1]);
	id = presence_by_addr(p, &in_b)->id;
	presence_prune(p);
	assert_int_equal(presence_n_hosts(p), 2);
	assert_int_equal(presence_gone(p, &gone), 1);
	assert_true(gone[0].id == id && !gone[0].forgotten); /* its history stays */
	assert_null(presence_by_addr(p, &in_b));
	assert_int_equal(presence_count(p, PRESENCE_ACTIVE), 1);
	assert_int_equal(presence_heard(p, now, &in_b, &mac, PRESENCE_ARP, 0), -E_NOT_FOUND);
	presence_unwatch(p);
	presence_prune(p);
	assert_int_equal(presence_n_hosts(p), 1);
	presence_free(p);
}

/* One round in which @n_echo echoes and one ARP request go to @a, answered as said (0: silence). */
static void one_round(struct presence *p, struct presence_now now, const struct addr *a,
		      unsigned n_echo, uint64_t arp_rtt_ns, uint64_t echo_rtt_ns)
{
	struct mac mac = { { 2, 0, 0, 0, 0, 1 } };

	presence_round_begin(p, now);
	presence_sent(p, a, n_echo, 1);
	if (arp_rtt_ns)
		assert_true(presence_heard(p, now, a, &mac, PRESENCE_ARP, arp_rtt_ns) >= 0);
	for (unsigned i = 0; echo_rtt_ns && i < n_echo; i++)
		assert_true(presence_heard(p, now, a, &mac, PRESENCE_ICMP, echo_rtt_ns) >= 0);
	presence_round_end(p, now);
}

/* Figures are those of ARP until the host answers an echo request, and then of these. */
static void test_figures_without_echo(void **state)
{
	struct presence_network network = { "a", { .len = 24 } };
	struct presence_config config = { .networks = &network,
					  .n_networks = 1,
					  .every_ns = NS_PER_S,
					  .up = 1,
					  .down = 3,
					  .degraded_loss = 0.1,
					  .max_hosts = 50 };
	struct addr a = addr_ip4((uint8_t[]){ 10, 0, 0, 1 });
	struct presence_now now = { 1, 1 };
	const struct presence_host *h;
	struct presence *p;

	(void)state;
	network.prefix.addr = a;
	p = presence_new(&config);
	assert_int_equal(presence_watch(p, now, &a, NULL), 0);
	h = presence_by_addr(p, &a);
	one_round(p, now, &a, 5, 700, 0);
	assert_int_equal(h->n_sent, 1);
	assert_int_equal(h->n_rtts, 1);
	assert_true(h->rtts_ns[0] == 700 && h->rtt_ns == 700 && h->loss == 0);
	one_round(p, now, &a, 5, 0, 0);
	assert_int_equal(h->n_sent, 1);
	assert_int_equal(h->n_rtts, 0);
	assert_true(h->loss == 0.5);
	/* One question a round says nothing about loss: not degraded. */
	for (int i = 0; i < 10; i++)
		one_round(p, now, &a, 5, i % 5 ? 700 : 0, 0);
	assert_int_equal(h->state, PRESENCE_ACTIVE);
	one_round(p, now, &a, 5, 700, 900);
	assert_int_equal(h->n_sent, 5);
	assert_int_equal(h->n_rtts, 5);
	assert_int_equal(h->rtt_ns, 900);
	presence_free(p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_configure),
		cmocka_unit_test(test_figures_without_echo),
	};

	folder = argc > 1 ? argv[1] : "tests/scenarios";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
