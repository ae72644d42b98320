#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <locale.h>
#include <sys/mman.h>

#include "out/out.h"

enum { HOST, NAME, RTT, SIZE, PORTS, MAC_COLUMN, SEEN, N_COLUMNS };

static const struct out_column columns[N_COLUMNS] = {
	[HOST] = { "host", OUT_ADDR },
	[NAME] = { "name", OUT_TEXT },
	[RTT] = { "rtt_ms", OUT_MS },
	[SIZE] = { "size", OUT_BYTES },
	[PORTS] = { "ports", OUT_UINT, .repeated = true },
	[MAC_COLUMN] = { "mac", OUT_MAC, .extra = true },
	[SEEN] = { "seen", OUT_TIME, .extra = true },
};
static const struct out_type host_type = { "host", columns, N_COLUMNS };
static const struct out_type live_type = { "reply", columns, 3, .live = true };
static const struct out_type *const types[] = { &host_type, &live_type };

/* Writes two rows in the given form and returns the text, NUL-terminated. */
static char *written(struct out_config config, const struct out_type *type)
{
	int fd = memfd_create("out", 0);
	static char text[4096];
	struct out_value ports[] = { out_uint(22), out_uint(80) };
	struct out *out;
	struct fault fault;
	ssize_t n;

	config.fd = fd;
	assert_int_equal(out_new(&config, types, 2, &out, &fault), 0);
	struct out_value row[N_COLUMNS] = {
		[HOST] = out_addr(&(struct addr){ { 10, 0, 0, 1 }, AF_INET, 0 }),
		[NAME] = out_text("a,\"b\"\33[2J"),
		[RTT] = out_ns(1234567),
		[SIZE] = out_uint(1536),
		[PORTS] = out_list(ports, 2),
		[MAC_COLUMN] = out_mac(&(struct mac){ { 2, 0, 0, 0, 0, 1 } }),
		[SEEN] = out_ns(1700000000123456789),
	};
	out_record(out, type, row);
	out_record(out, type, (struct out_value[N_COLUMNS]){ [HOST] = row[HOST] });
	out_free(out);
	n = pread(fd, text, sizeof(text) - 1, 0);
	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void test_json(void **state)
{
	(void)state;
	assert_string_equal(
		written((struct out_config){ .format = OUT_JSON }, &host_type),
		"{\"record\":\"host\",\"host\":\"10.0.0.1\",\"name\":\"a,\\\"b\\\"\\u001b[2J\","
		"\"rtt_ms\":1.234567,\"size\":1536,\"ports\":[22,80],\"mac\":\"02:00:00:00:00:01\","
		"\"seen\":\"2023-11-14T22:13:20.123456Z\"}\n"
		"{\"record\":\"host\",\"host\":\"10.0.0.1\",\"name\":null,\"rtt_ms\":null,"
		"\"size\":null,\"ports\":null,\"mac\":null,\"seen\":null}\n");
}

static void test_csv(void **state)
{
	(void)state;
	assert_string_equal(
		written((struct out_config){ .format = OUT_CSV, .fields = "name,ports" },
			&host_type),
		"name,ports\n\"a,\"\"b\"\"\33[2J\",22 80\n,\n");
	/* Only the main type goes to CSV. */
	assert_string_equal(written((struct out_config){ .format = OUT_CSV }, &live_type), "");
}

static void test_table(void **state)
{
	(void)state;
	assert_string_equal(written((struct out_config){ .format = OUT_TABLE }, &host_type),
			    "HOST      NAME               RTT     SIZE  PORTS\n"
			    "10.0.0.1  a,\"b\"\\x1b[2J  1.235 ms  1.5 KiB  22 80\n"
			    "10.0.0.1  -                    -        -  -\n");
}

static void test_table_fits(void **state)
{
	char *text, *line;

	(void)state;
	text = written((struct out_config){ .format = OUT_TABLE, .columns = 46 }, &host_type);
	assert_non_null(strstr(text, "…"));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 46 + 2); /* the mark of a cut has two bytes more */
}

/* What can be missed goes before what remains is cut; columns that were asked for stay. */
static void test_table_leaves_out(void **state)
{
	static const struct out_column some[] = {
		{ "host", OUT_ADDR },
		{ "empty", OUT_TEXT },
		{ "low", OUT_TEXT, .minor = 1 },
		{ "lowest", OUT_TEXT, .minor = 2 },
		{ "text", OUT_TEXT },
	};
	static const struct out_type narrow = { "narrow", some, ARRAY_LEN(some) };
	static const struct out_type *const narrow_types[] = { &narrow };
	const struct {
		unsigned columns;
		const char *fields, *expected;
	} cases[] = {
		{ 60, NULL,
		  "HOST      EMPTY  LOW      LOWEST   TEXT\n"
		  "10.0.0.1  -      seven 7  seven 7  some text here\n" },
		{ 44, NULL,
		  "HOST      LOW      LOWEST   TEXT\n"
		  "10.0.0.1  seven 7  seven 7  some text here\n" },
		{ 40, NULL,
		  "HOST      LOW      LOWEST   TEXT\n"
		  "10.0.0.1  seven 7  seven 7  some text h…\n" },
		{ 30, NULL,
		  "HOST      LOW      TEXT\n"
		  "10.0.0.1  seven 7  some text …\n"
		  "(--fields or a wider terminal for: LOWEST)\n" },
		{ 20, NULL,
		  "HOST      TEXT\n"
		  "10.0.0.1  some text…\n"
		  "(--fields or a wider terminal for: LOW LOWEST)\n" },
		{ 20, "host,low,lowest",
		  "HOST      LOW      LOWEST\n"
		  "10.0.0.1  seven 7  seven 7\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct out_config config = { .format = OUT_TABLE,
					     .fd = memfd_create("out", 0),
					     .columns = cases[i].columns,
					     .fields = cases[i].fields };
		struct out_value row[] = {
			out_addr(&(struct addr){ { 10, 0, 0, 1 }, AF_INET, 0 }),
			{ 0 },
			out_text("seven 7"),
			out_text("seven 7"),
			out_text("some text here"),
		};
		char text[512] = "";
		struct out *out;
		struct fault fault;

		assert_int_equal(out_new(&config, narrow_types, 1, &out, &fault), 0);
		out_record(out, &narrow, row);
		out_free(out);
		assert_true(pread(config.fd, text, sizeof(text) - 1, 0) > 0);
		close(config.fd);
		assert_string_equal(text, cases[i].expected);
	}
}

static unsigned resized(int fd)
{
	(void)fd;
	return 46;
}

/* A terminal may become narrower while a program runs. */
/* Set apart from what came before, but not from the table below; without the column that is empty
 * in all of its rows. */
static void test_headings(void **state)
{
	static const struct out_column some[] = {
		{ "port", OUT_UINT },
		{ "banner", OUT_TEXT, .rare = true },
	};
	static const struct out_type type = { "port", some, ARRAY_LEN(some) };
	static const struct out_type *const all[] = { &type };
	int fd = memfd_create("out", 0);
	struct out *out;
	char text[200];
	ssize_t n;

	(void)state;
	assert_int_equal(out_new(&(struct out_config){ .fd = fd }, all, 1, &out, NULL), 0);
	out_heading(out, "first");
	out_record(out, &type, (struct out_value[]){ out_uint(22), { 0 } });
	out_record(out, &type, (struct out_value[]){ out_uint(80), { 0 } });
	out_heading(out, "second");
	out_record(out, &type, (struct out_value[]){ out_uint(22), { 0 } });
	out_record(out, &type, (struct out_value[]){ out_uint(80), out_text("x") });
	out_line(out, "end");
	out_free(out);
	n = pread(fd, text, sizeof(text) - 1, 0);
	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, "first\nPORT\n  22\n  80\n"
				  "\nsecond\nPORT  BANNER\n  22  -\n  80  x\nend\n");
}

static void test_table_after_resize(void **state)
{
	struct out_config at_once = { .format = OUT_TABLE, .columns = 46 };
	struct out_config later = { .format = OUT_TABLE, .columns = 200, .columns_of = resized };
	char *expected = strdup(written(at_once, &host_type));

	(void)state;
	assert_string_equal(written(later, &host_type), expected);
	free(expected);
}

static void test_live_table(void **state)
{
	(void)state;
	assert_string_equal(written((struct out_config){ .format = OUT_TABLE }, &live_type),
			    "HOST             NAME              RTT\n"
			    "10.0.0.1         a,\"b\"\\x1b[2J     1.235 ms\n"
			    "10.0.0.1         -                   -\n");
	/* Text that comes as it happens is never cut. */
	assert_non_null(strstr(
		written((struct out_config){ .format = OUT_TABLE, .columns = 20 }, &live_type),
		"a,\"b\"\\x1b[2J"));
}

static void test_unknown_field(void **state)
{
	struct out_config config = { .format = OUT_JSON, .fields = "host,nane" };
	struct out *out = NULL;
	struct fault fault;

	(void)state;
	assert_int_equal(out_new(&config, types, 2, &out, &fault), -E_SYNTAX);
	assert_int_equal(fault.offset, 5);
	assert_non_null(strstr(fault.text, "no field \"nane\""));
	assert_null(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_fits),
		cmocka_unit_test(test_table_leaves_out),
		cmocka_unit_test(test_headings),
		cmocka_unit_test(test_table_after_resize),
		cmocka_unit_test(test_live_table),
		cmocka_unit_test(test_unknown_field),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
