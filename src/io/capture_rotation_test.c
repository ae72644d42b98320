#include "io/capture_rotation.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SECOND ((int64_t)NS_PER_S)
#define START  (1700000000 * SECOND) /* 2023-11-14 22:13:20 UTC */

static struct capture_rotation parsed(const char *options)
{
	struct capture_rotation r = { 0 };
	struct fault fault = { 0 };

	/* "C10 W3": a letter and its value each */
	for (const char *at = options; *at;) {
		size_t n = strcspn(at, " ");

		assert_int_equal(capture_rotation_parse(&r, at[0], at + 1, n - 1, &fault), 0);
		at += n + (at[n] == ' ');
	}
	return r;
}

static void sizes_are_tcpdumps(void **state UNUSED)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} rows[] = {
		{ "1", 1000000 },     { "250", 250000000 }, { "1k", 1024 },
		{ "3K", 3072 },	      { "2m", 2 << 20 },    { "2M", 2 << 20 },
		{ "4g", 4ULL << 30 }, { "1G", 1ULL << 30 }, { "4294967295", 4294967295000000 }
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct capture_rotation r = { 0 };

		assert_int_equal(
			capture_rotation_parse(&r, 'C', rows[i].text, strlen(rows[i].text), NULL),
			0);
		assert_int_equal(r.max_bytes, rows[i].bytes);
	}
}

static void criteria_are_dumpcaps(void **state UNUSED)
{
	struct capture_rotation r = parsed("bduration:1.5 bfilesize:2 bfiles:7 bpackets:9");

	assert_int_equal(r.period_ns, 1500000000);
	assert_int_equal(r.max_bytes, 2000);
	assert_int_equal(r.n_files, 7);
	assert_int_equal(r.max_packets, 9);
	assert_true(r.dated);
	assert_int_equal(parsed("binterval:3600").interval_ns, 3600 * SECOND);
	assert_int_equal(parsed("bduration:0.000000001").period_ns, 1);
	assert_int_equal(parsed("bduration:4294967295.999999999").period_ns, 4294967295999999999LL);
}

static void nonsense_is_refused(void **state UNUSED)
{
	static const struct {
		char letter;
		const char *text;
		size_t offset;
	} rows[] = {
		{ 'C', "", 0 },
		{ 'C', "0", 0 },
		{ 'C', "x", 0 },
		{ 'C', "1kb", 1 },
		{ 'C', "1.5", 1 },
		{ 'C', "-1", 0 },
		{ 'C', "4294967296", 0 },
		{ 'C', "0k", 0 },
		{ 'G', "0", 0 },
		{ 'G', "1.5", 0 },
		{ 'G', "99999999999999999999", 0 },
		{ 'W', "100000", 0 },
		{ 'W', "", 0 },
		{ 'b', "", 0 },
		{ 'b', "files", 0 },
		{ 'b', "files:", 6 },
		{ 'b', "files:100000", 6 },
		{ 'b', "duration:0", 9 },
		{ 'b', "duration:0.0", 9 },
		{ 'b', "duration:1.", 9 },
		{ 'b', "duration:.5", 9 },
		{ 'b', "duration:1.2345678901", 9 },
		{ 'b', "duration:1x", 9 },
		{ 'b', "filesize:1k", 9 },
		{ 'b', "file:1", 0 },
		{ 'b', ":1", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct capture_rotation r = { 0 };
		struct fault fault = { 0 };

		assert_int_equal(capture_rotation_parse(&r, rows[i].letter, rows[i].text,
							strlen(rows[i].text), &fault),
				 -E_SYNTAX);
		assert_true(fault.text[0]);
		assert_int_equal(fault.offset, rows[i].offset);
	}
}

static void options_must_go_together(void **state UNUSED)
{
	static const struct {
		const char *options, *path;
		bool good;
	} rows[] = {
		{ "", "x", true },
		{ "", "-", true },
		{ "C1", "x", true },
		{ "C1", "-", false },
		{ "W3", "x", false },
		{ "bfiles:3", "x", false },
		{ "C1", "a/", false },
		{ "C1 W3", "a/x", true },
		{ "G1", "%H/x", false },
		{ "G1", "a/x%H", true },
		{ "C1", "%H/x", true },
		{ "bduration:1", "%H/x", true },
		{ "bfiles:3 bpackets:1", "x", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct capture_rotation r = parsed(rows[i].options);

		assert_int_equal(capture_rotation_check(&r, rows[i].path, NULL),
				 rows[i].good ? 0 : -E_SYNTAX);
	}
}

/* One step: at a second after START, with so many bytes and packets in the file, what happens. */
struct step {
	int second;
	uint64_t bytes, packets;
	enum capture_turn turn;
	const char *name, *replaced;
};

static void check_name(struct capture_series *s, const char *name, const char *replaced)
{
	char memory[NAME_MAX + 2];
	struct buf b = buf_in(memory, sizeof(memory));

	assert_int_equal(capture_series_name(s, &b), 0);
	assert_string_equal(buf_cstr(&b), name);
	assert_int_equal(capture_series_replaced(s, &b), replaced != NULL);
	if (replaced)
		assert_string_equal(buf_cstr(&b), replaced);
}

static void run(const char *options, const char *path, const char *first, const struct step *steps,
		size_t n)
{
	struct capture_rotation r = parsed(options);
	struct capture_series s;

	assert_int_equal(capture_series_init(&s, &r, path, START), 0);
	check_name(&s, first, NULL);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(capture_series_turn(&s, START + steps[i].second * SECOND,
						     steps[i].bytes, steps[i].packets),
				 steps[i].turn);
		if (steps[i].name)
			check_name(&s, steps[i].name, steps[i].replaced);
	}
	capture_series_done(&s);
}

#define RUN(options, path, first, ...)                              \
	do {                                                        \
		const struct step steps[] = { __VA_ARGS__ };        \
		run(options, path, first, steps, ARRAY_LEN(steps)); \
	} while (0)

static void by_size_as_tcpdump(void **state UNUSED)
{
	RUN("C1", "x.pcap", "x.pcap", { 0, 1000000, 1, CAPTURE_TURN_NONE, "x.pcap" },
	    { 0, 1000001, 2, CAPTURE_TURN_NEXT, "x.pcap1" },
	    { 9, 1000001, 2, CAPTURE_TURN_NEXT, "x.pcap2" });
	RUN("C1 W3", "x%H", "x%H0", { 0, 2000000, 1, CAPTURE_TURN_NEXT, "x%H1" },
	    { 0, 2000000, 1, CAPTURE_TURN_NEXT, "x%H2" },
	    { 0, 2000000, 1, CAPTURE_TURN_NEXT, "x%H0" });
	RUN("C1 W10", "x", "x0", { 0, 2000000, 1, CAPTURE_TURN_NEXT, "x1" });
	RUN("C1 W11", "x", "x00", { 0, 2000000, 1, CAPTURE_TURN_NEXT, "x01" });
	RUN("C1 W1", "x", "x0", { 0, 2000000, 1, CAPTURE_TURN_NEXT, "x0" });
}

static void by_time_as_tcpdump(void **state UNUSED)
{
	RUN("G60", "x-%H%M%S", "x-221320", { 59, 9, 1, CAPTURE_TURN_NONE, "x-221320" },
	    { -99, 9, 1, CAPTURE_TURN_NONE, "x-221320" },
	    { 60, 9, 1, CAPTURE_TURN_NEXT, "x-221420" },
	    { 119, 9, 1, CAPTURE_TURN_NONE, "x-221420" },
	    { 500, 9, 1, CAPTURE_TURN_NEXT, "x-222140" });
	RUN("G60", "x", "x", { 60, 9, 1, CAPTURE_TURN_NEXT, "x" });
	RUN("G60 W2", "x-%S", "x-20", { 70, 9, 1, CAPTURE_TURN_NEXT, "x-30" },
	    { 129, 9, 1, CAPTURE_TURN_NONE, "x-30" }, { 130, 9, 1, CAPTURE_TURN_STOP, NULL });
}

static void by_both_as_tcpdump(void **state UNUSED)
{
	RUN("C1 G60", "x-%M", "x-13", { 1, 2000000, 1, CAPTURE_TURN_NEXT, "x-131" },
	    { 59, 2000000, 1, CAPTURE_TURN_NEXT, "x-132" },
	    { 60, 2000000, 1, CAPTURE_TURN_NEXT, "x-14" },
	    { 61, 2000000, 1, CAPTURE_TURN_NEXT, "x-141" });
	RUN("C1 G60 W2", "x-%M", "x-130", { 1, 2000000, 1, CAPTURE_TURN_NEXT, "x-131" },
	    { 2, 2000000, 1, CAPTURE_TURN_NEXT, "x-130" }, { 60, 0, 1, CAPTURE_TURN_NEXT, "x-140" },
	    { 120, 0, 1, CAPTURE_TURN_NEXT, "x-150" });
}

static void as_dumpcap(void **state UNUSED)
{
	RUN("bfilesize:1 bfiles:2", "a.b.pcapng", "a.b_00001_20231114221320.pcapng",
	    { 0, 999, 1, CAPTURE_TURN_NONE, "a.b_00001_20231114221320.pcapng" },
	    { 1, 1000, 1, CAPTURE_TURN_NEXT, "a.b_00002_20231114221321.pcapng" },
	    { 5, 1000, 1, CAPTURE_TURN_NEXT, "a.b_00003_20231114221325.pcapng",
	      "a.b_00001_20231114221320.pcapng" },
	    { 6, 1000, 1, CAPTURE_TURN_NEXT, "a.b_00004_20231114221326.pcapng",
	      "a.b_00002_20231114221321.pcapng" });
	RUN("bpackets:3", "x", "x_00001_20231114221320",
	    { 0, 99999, 2, CAPTURE_TURN_NONE, "x_00001_20231114221320" },
	    { 2, 99999, 3, CAPTURE_TURN_NEXT, "x_00002_20231114221322" });
	RUN("bduration:10 bpackets:2", "x", "x_00001_20231114221320",
	    { 8, 1, 2, CAPTURE_TURN_NEXT, "x_00002_20231114221328" },
	    { 17, 1, 1, CAPTURE_TURN_NONE, "x_00002_20231114221328" },
	    { 18, 1, 1, CAPTURE_TURN_NEXT, "x_00003_20231114221338" });
	/* START is 20 seconds after a multiple of a minute. */
	RUN("binterval:60", "x", "x_00001_20231114221320",
	    { 39, 1, 1, CAPTURE_TURN_NONE, "x_00001_20231114221320" },
	    { 40, 1, 1, CAPTURE_TURN_NEXT, "x_00002_20231114221400" },
	    { 99, 1, 1, CAPTURE_TURN_NONE, "x_00002_20231114221400" },
	    { 105, 1, 1, CAPTURE_TURN_NEXT, "x_00003_20231114221505" });
}

static void impossible_names(void **state UNUSED)
{
	static const char *const names[] = { "%D", "%t%%%n/%H" };
	struct capture_rotation r = parsed("G1");
	char memory[NAME_MAX + 2], name[NAME_MAX + 9];
	struct buf b = buf_in(memory, sizeof(memory));
	struct capture_series s;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(capture_series_init(&s, &r, names[i], START), 0);
		assert_int_equal(capture_series_name(&s, &b), -E_SYNTAX);
	}
	r = parsed("C1 W2");
	memset(name, 'x', sizeof(name));
	name[NAME_MAX] = '\0';
	assert_int_equal(capture_series_init(&s, &r, name, START), 0);
	assert_int_equal(capture_series_name(&s, &b), -ENAMETOOLONG);
	name[NAME_MAX - 1] = '\0';
	assert_int_equal(capture_series_name(&s, &b), 0);
	assert_int_equal(b.len, NAME_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_tcpdumps),  cmocka_unit_test(criteria_are_dumpcaps),
		cmocka_unit_test(nonsense_is_refused), cmocka_unit_test(options_must_go_together),
		cmocka_unit_test(by_size_as_tcpdump),  cmocka_unit_test(by_time_as_tcpdump),
		cmocka_unit_test(by_both_as_tcpdump),  cmocka_unit_test(as_dumpcap),
		cmocka_unit_test(impossible_names),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
