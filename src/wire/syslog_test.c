/* The examples of RFC 5424 section 6.5 and RFC 3164 section 5.4, and the framing of RFC 6587. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/packet.h"
#include "wire/ports.h"
#include "wire/print.h"

#include "wire/syslog.h"

static const char old[] = "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on "
			  "/dev/pts/8";
static const char new[] = "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% "
			  "It's time to make the do-nuts.";

struct finder {
	struct sink sink;
	const char *name;
	char text[300];
};

static void find_item(struct sink *sink, const struct item *item)
{
	struct finder *f = container_of(sink, struct finder, sink);
	struct buf b = buf_in(f->text, sizeof(f->text));

	if (strcmp(item->field->name, f->name) != 0)
		return;
	field_text(&b, item->field, item->value, item->bytes, item->len);
	assert_non_null(buf_cstr(&b));
}

static void check(const char *message, const char *name, const char *expected)
{
	struct finder f = { .sink.item = find_item, .name = name };
	struct packet p;

	packet_walk(&p, PROTOCOL_SYSLOG, message, (uint32_t)strlen(message),
		    (uint32_t)strlen(message));
	packet_items(&p, 0, &f.sink);
	assert_string_equal(f.text, expected);
}

static void fields(void **state)
{
	(void)state;
	check(old, "syslog.facility", "4");
	check(old, "syslog.level", "2");
	check(old, "syslog.timestamp_rfc3164", "Oct 11 22:14:15");
	check(old, "syslog.hostname", "mymachine");
	check(old, "syslog.procid", "su");
	check(new, "syslog.facility", "20");
	check(new, "syslog.level", "5");
	check(new, "syslog.timestamp", "2003-08-24T12:14:15.000003000Z");
	check(new, "syslog.appname", "myproc");
	check(new, "syslog.procid", "8710");
	check("<34>1 2003-13-24T05:14:15Z h", "syslog.timestamp", "");
	check("<34>1 2003-02-24T05:14:15Z h", "syslog.hostname", "h");
	check("no priority", "syslog.msg", "no priority");
	check("<1", "syslog.msg", "<1");
}

static void framing(void **state)
{
	struct dialogue d = { 0 };
	const uint8_t *counted = (const uint8_t *)"5 <1>abmore",
		      *lines = (const uint8_t *)"<1>a\n<1>b";

	(void)state;
	assert_int_equal(protocol_syslog.message(&d, false, counted, 3, false), 0);
	assert_int_equal(protocol_syslog.message(&d, false, counted, 11, false), 7);
	assert_int_equal(protocol_syslog.message(&d, false, (const uint8_t *)"5x", 2, false),
			 -E_MALFORMED);
	assert_int_equal(protocol_syslog.message(&d, false, lines, 4, false), 0);
	assert_int_equal(protocol_syslog.message(&d, false, lines, 9, false), 5);
	d.scanned[0] = 0;
	assert_int_equal(protocol_syslog.message(&d, false, lines + 5, 4, true), 4);
}

static void line(void **state)
{
	struct buf b = buf_of(1 << 12);
	struct packet p;

	(void)state;
	packet_walk(&p, PROTOCOL_SYSLOG, old, sizeof(old) - 1, sizeof(old) - 1);
	print_line(&b, &p);
	assert_string_equal(buf_cstr(&b),
			    "syslog auth.crit Oct 11 22:14:15 mymachine su: 'su root' "
			    "failed for lonvick on /dev/pts/8");
	assert_int_equal(protocol_guess((const uint8_t *)old, sizeof(old) - 1, false),
			 PROTOCOL_SYSLOG);
	assert_int_equal(protocol_guess((const uint8_t *)"<192>Oct 11", 11, false), PROTOCOL_DATA);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(framing),
		cmocka_unit_test(line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
