/*
 * Expressions: what they make against bytes put together by hand from the RFCs, every field of
 * composed messages there and back, and where faults are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/craft_text.h"
#include "wire/print.h"

static uint8_t memory[65536];

/* Packet @i of an expression that must be right. */
static size_t make(const char *text, uint64_t i)
{
	struct fault fault = { 0 };
	struct craft_text *t;
	struct craft c;
	int len;

	if (craft_text_parse(text, &t, &fault) < 0)
		fail_msg("%s: %s at %zu", text, fault.text, fault.offset);
	assert_true(i < craft_text_count(t));
	craft_init(&c, memory, sizeof(memory));
	assert_int_equal(craft_text_make(t, i, &c, &fault), 0);
	len = craft_finish(&c, &fault);
	craft_text_free(t);
	assert_true(len > 0);
	return (size_t)len;
}

static void dns_query(void **state)
{
	/* RFC 1035 section 4.1: header, question. */
	static const uint8_t udp[] = { 0xc0, 0, 0, 53, 0, 37 };
	static const uint8_t expected[] = { 0, 0,   1,	 0,   0,   1,	0,   0,	  0,   0,
					    0, 0,   7,	 'e', 'x', 'a', 'm', 'p', 'l', 'e',
					    3, 'c', 'o', 'm', 0,   0,	28,  0,	  1 };
	size_t len = make("udp/dns(qry.name=example.com,qry.type=AAAA)", 0);

	(void)state;
	assert_int_equal(len, 8 + sizeof(expected));
	assert_memory_equal(memory, udp, sizeof(udp));
	assert_memory_equal(memory + 8, expected, sizeof(expected));
}

/* Sections, names that go on, and types by their data. */
static void dns_answer(void **state)
{
	static const uint8_t expected[] = {
		0, 7,	0x80, 0x80, 0, 1,  0,  3, 0, 0, 0,    1, 1,    'a', 0, 0, 1,
		0, 1,	1,    'a',  0, 0,  1,  0, 1, 0, 0,    1, 0x2c, 0,   4, 1, 2,
		3, 4,	1,    'a',  0, 0,  1,  0, 1, 0, 0,    0, 60,   0,   4, 1, 2,
		3, 5,	1,    'b',  0, 0,  15, 0, 1, 0, 0,    1, 0x2c, 0,   5, 0, 10,
		1, 'm', 0,    0,    0, 41, 4,  0, 0, 0, 0x80, 0, 0,    0,
	};
	size_t len = make("dns(id=7,flags.response=1,flags.recavail=1,qry.name=a,a=1.2.3.4,"
			  "a=1.2.3.5,resp.ttl=60,resp.name=b,mx.preference=10,mx.mail_exchange=m,"
			  "rr.udp_payload_size=1024,resp.z.do=1)",
			  0);

	(void)state;
	assert_int_equal(len, sizeof(expected));
	assert_memory_equal(memory, expected, sizeof(expected));
}

static void dns_in_stream(void **state)
{
	(void)state;
	assert_int_equal(make("tcp/dns(qry.name=a)", 0), 20 + 2 + 12 + 7);
	assert_int_equal(load_be16(memory + 2), 53);
	assert_int_equal(load_be16(memory + 20), 19);
}

/* RFC 2131: a DISCOVER, from port 68 to 67. */
static void dhcp_discover(void **state)
{
	static const uint8_t options[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, 1,  12, 2, 'h', 'i',
					   50,	 4,    10,   0,	   0,  9, 55, 2,  1, 3,	  255 };
	size_t len = make("udp/dhcp(option.dhcp=Discover,option.hostname=hi,"
			  "option.requested_ip_address=10.0.0.9,option.request_list_item=1,"
			  "option.request_list_item=3)",
			  0);

	(void)state;
	assert_int_equal(load_be16(memory), 68);
	assert_int_equal(load_be16(memory + 2), 67);
	assert_int_equal(len, 8 + 236 + sizeof(options));
	assert_memory_equal(memory + 8 + 236, options, sizeof(options));
}

static void snmp_get(void **state)
{
	/* snmpget -v2c -c public 1.3.6.1.2.1.1.3.0, request 1 (RFC 3416 section 3). */
	static const uint8_t expected[] = { 0x30, 0x26, 2,   1,	   1,	 4,    6,    'p',  'u', 'b',
					    'l',  'i',	'c', 0xa0, 0x19, 2,    1,    1,	   2,	1,
					    0,	  2,	1,   0,	   0x30, 0x0e, 0x30, 0x0c, 6,	8,
					    0x2b, 6,	1,   2,	   1,	 1,    3,    0,	   5,	0 };
	size_t len = make("snmp(name=1.3.6.1.2.1.1.3.0)", 0);

	(void)state;
	assert_int_equal(len, sizeof(expected));
	assert_memory_equal(memory, expected, sizeof(expected));
}

/* A password makes the keys of RFC 3414 appendix A.3 for the engine there. */
static void snmp_keys(void **state)
{
	static const struct {
		const char *protocol, *key;
	} vectors[] = {
		{ "MD5", "526f5eed9fcce26f8964c2930787d82b" },
		{ "SHA", "6695febc9288e36282235fc7151f128497b38f3f" },
	};
	uint8_t first[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		char text[256];
		size_t len, again;

		snprintf(text, sizeof(text),
			 "snmp(msgAuthoritativeEngineID=000000000000000000000002,name=1.3.6.1,"
			 "auth_password=maplesyrup,auth_protocol=%s)",
			 vectors[i].protocol);
		len = make(text, 0);
		assert_true(len && len <= sizeof(first));
		memcpy(first, memory, len);
		snprintf(text, sizeof(text),
			 "snmp(msgAuthoritativeEngineID=000000000000000000000002,name=1.3.6.1,"
			 "auth_key=%s,auth_protocol=%s)",
			 vectors[i].key, vectors[i].protocol);
		again = make(text, 0);
		assert_int_equal(again, len);
		assert_memory_equal(memory, first, len);
	}
}

static void text_is(const char *expression, const char *expected)
{
	size_t len = make(expression, 0);

	if (len != strlen(expected) || memcmp(memory, expected, len))
		fail_msg("%s: %.*s", expression, (int)len, memory);
}

static void lines_of_text(void **state)
{
	(void)state;
	text_is("http(host=a,request.uri=/x)", "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	text_is("http(response.code=404,server=\"a, b\")/data(data=\"no\")",
		"HTTP/1.1 404 Not Found\r\nServer: a, b\r\nContent-Length: 2\r\n\r\nno");
	text_is("http(request.method=POST,request.line=\"X-Y: z\",file_data=abc)",
		"POST / HTTP/1.1\r\nX-Y: z\r\nContent-Length: 3\r\n\r\nabc");
	text_is("ftp(request.command=USER,request.arg=me)", "USER me\r\n");
	text_is("smtp(req.command=EHLO,req.parameter=x,req.command=QUIT)", "EHLO x\r\nQUIT\r\n");
	text_is("smtp(response.code=250,rsp.parameter=a,rsp.parameter=b)", "250-a\r\n250 b\r\n");
	text_is("pop(response.indicator=+OK,response.description=hi)", "+OK hi\r\n");
	text_is("imap(request_tag=a1,request.command=SELECT,request.folder=INBOX)",
		"a1 SELECT INBOX\r\n");
	text_is("data(data=\"ab\\x43\\n\")", "abC\n");
	text_is("data(data=616263,len=5)", "abcab");
}

static void combinations(void **state)
{
	static const struct {
		uint8_t ttl, last;
	} expected[] = { { 1, 1 }, { 1, 2 }, { 1, 9 }, { 2, 1 }, { 2, 2 }, { 2, 9 } };
	struct craft_text *t;
	struct fault fault;

	(void)state;
	for (uint64_t i = 0; i < ARRAY_LEN(expected); i++) {
		make("ip(ttl=1-2,dst={10.0.0.1-2,10.0.0.9})", i);
		assert_int_equal(memory[8], expected[i].ttl);
		assert_int_equal(memory[19], expected[i].last);
	}
	assert_int_equal(craft_text_parse("ip(dst=10.0.0.0/8,ttl=0-255)", &t, &fault), 0);
	assert_true(craft_text_count(t) == 1ULL << 32);
	craft_text_free(t);
}

static void faults(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *message;
	} cases[] = {
		{ "", 0, "expected the name of a protocol" },
		{ "eth/ipp", 4, "no protocol is called 'ipp'" },
		{ "eth/ip(tll=3)", 7, "ip has no field 'tll'. Did you mean 'ttl'?" },
		{ "eth/ip(ttl=300)", 11, "ip.ttl must be at most 255" },
		{ "eth/ip(ttl={3,300})", 14, "ip.ttl must be at most 255" },
		{ "eth/ip(ttl=1-300)", 11, "ip.ttl must be at most 255" },
		{ "eth/ip(ttl=5-1)", 11, "the range ends before it begins" },
		{ "eth/ip(dst=10.0.0)", 17, "an IPv4 address has four octets" },
		{ "eth/ip(dst=@/etc/passwd)", 11, "'@/etc/passwd' is not an address" },
		{ "ip(ttl=3", 8, "expected a comma or )" },
		{ "ip)", 2, "expected / and another layer" },
		{ "ip(ttl={1,2)", 11, "expected a comma or }" },
		{ "data(data=\"abc)", 10, "the quotes are not closed" },
		{ "data(data=0g)", 10, "bytes are pairs of hex digits" },
		{ "udp/arp", 4, "udp carries applications and data, not arp" },
		{ "eth/dns", 4, "eth has no number for dns: give eth.type first, if it shall be" },
		{ "arp/ip", 4, "arp cannot carry ip" },
		{ "frame", 0,
		  "frame is what is known beside a packet's bytes: it cannot be crafted" },
		{ "ip/udp/dns(qry.name=a,qry.name.len=3)", 22,
		  "dns.qry.name.len follows from other fields, or does not go with them: it cannot "
		  "be set here" },
		{ "ip(dst=10.0.0.0/8,ttl=0-255,id=1-2)", 28,
		  "with this field there are more than 2^32 packets" },
		{ "tcp(nop=1)", 8, "nop takes no value" },
		{ "data(len=4,data=0102030405)", 5,
		  "data.len is from 5, what there is already, to 65535" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fault fault = { 0 };
		struct craft_text *t;

		if (craft_text_parse(cases[i].text, &t, &fault) != -E_SYNTAX)
			fail_msg("%s is taken", cases[i].text);
		if (strcmp(fault.text, cases[i].message) || fault.offset != cases[i].offset)
			fail_msg("%s: %s at %zu", cases[i].text, fault.text, fault.offset);
	}
}

/* The item with the field's name that a packet is looked through for. */
struct search {
	struct sink sink;
	const char *name;
	struct craft_value wanted;
	bool number, found;
};

static void search_item(struct sink *sink, const struct item *item)
{
	struct search *s = container_of(sink, struct search, sink);

	if (strcmp(item->field->name, s->name) != 0)
		return;
	if (s->number)
		s->found |= item->value == s->wanted.number;
	else /* lines are read with their ends */
		s->found |= (item->len == s->wanted.len ||
			     (item->field->type == FIELD_TEXT && item->len > s->wanted.len)) &&
			    !memcmp(item->bytes, s->wanted.bytes, s->wanted.len);
}

/* Fields that take only some values. */
static const struct {
	const char *name, *value;
} samples[] = {
	{ "tls.record.content_type", "21" },
	{ "tls.record.version", "0x0303" },
	{ "tls.handshake.random",
	  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" },
	{ "snmp.msgVersion", "3" },
	{ "http.request.version", "HTTP/1.0" },
	{ "http.response.version", "HTTP/1.0" },
	{ "http.request.line", "X: y\r\n" },
	{ "http.response.line", "X: y\r\n" },
	{ "smtp.command_line", "EHLO x" },
	{ "smtp.req.command", "EHLO" },
	{ "smtp.response", "250 ok" },
	{ "pop.response", "+OK hi" },
	{ "pop.response.indicator", "+OK" },
	{ "imap.line", "a1 NOOP" },
	{ "dns.opt.cookie.server", "1122334455667788" },
	{ "dns.loc.version", "0" },
	{ "syslog.version", "1" },
	{ "syslog.timestamp_rfc3164", "Oct 11 22:14:15" },
};

/* A value of the row, as somebody would type it. */
static const char *sample_of(const struct field *f)
{
	static const char hex[] = "112233445566778811223344556677881122334455667788";
	static char text[64];

	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		if (!strcmp(samples[i].name, f->name))
			return samples[i].value;
	switch (f->type) {
	case FIELD_IP4:
		return "10.1.2.3";
	case FIELD_IP6:
		return "2001:db8::1:2";
	case FIELD_MAC:
		return "02:00:00:00:00:07";
	case FIELD_NAME:
		return "a.example";
	case FIELD_OID:
		return "1.3.6.1.2.1";
	case FIELD_TEXT:
		return "abc";
	case FIELD_BYTES:
		snprintf(text, sizeof(text), "%.*s", f->bits ? MIN(f->bits / 4, 48) : 12, hex);
		return text;
	case FIELD_TIME:
		return "1700000000";
	default:
		return f->scale > 1 ? "40" : f->bits == 24 ? "250" : "1";
	}
}

/* What else must be said so that a field is possible. */
static const struct {
	const char *prefix, *before;
} contexts[] = {
	{ "dns.resp.", "resp.name=b.c" },
	{ "dns.opt.data", "opt.code=9" },
	{ "dns.data", "resp.type=999" },
	{ "dns.opt.cookie.server", "opt.cookie.client=0102030405060708" },
	{ "dhcp.option.value", "option.type=82" },
	{ "imap.request.username", "request_tag=a1,request.command=LOGIN" },
	{ "imap.request.password", "request_tag=a1,request.command=LOGIN,request.username=u" },
	{ "imap.request.folder", "request_tag=a1,request.command=SELECT" },
	{ "imap.response.command", "response_tag=a1,response.status=OK" },
	{ "snmp.value.", "name=1.3.6.1" },
	{ "snmp.noSuch", "name=1.3.6.1" },
	{ "snmp.endOf", "name=1.3.6.1" },
	{ "snmp.enterprise", "data=4" },
	{ "snmp.agent", "data=4" },
	{ "snmp.generic", "data=4" },
	{ "snmp.specific", "data=4" },
	{ "snmp.time_stamp", "data=4" },
	{ "snmp.non_", "data=5" },
	{ "snmp.max_", "data=5" },
	{ "stun.value", "att.type=0x7777" },
	{ "http.response.line", "response.code=200" },
	{ "http.file_data", "request.method=POST" },
	{ "smtp.req.parameter", "req.command=EHLO" },
	{ "smtp.rsp.parameter", "response.code=250" },
	{ "ftp.request.arg", "request.command=USER" },
	{ "ftp.response.arg", "response.code=220" },
	{ "pop.request.parameter", "request.command=USER" },
	{ "pop.response.description", "response.indicator=+OK" },
	{ "imap.request.", "request_tag=a1" },
	{ "imap.response.", "response_tag=a1" },
	{ "igmp.saddr", "type=0x22,maddr=239.1.1.1" },
	{ "igmp.", "type=0x22" },
	{ "pap.message", "code=2" },
	{ "pap.stuff", "code=9" },
	{ "chap.message", "code=3" },
	{ "chap.stuff", "code=9" },
	{ "dhcpv6.option.data", "option.type=999" },
	{ "pppoed.tag.unknown", "pppoed.tag=0x7777" },
};

/* Whether the row can be set in a message, and is then read as it was. */
static bool there_and_back(uint8_t id, const struct field *f)
{
	struct search s = { .sink.item = search_item, .name = f->name };
	struct walk_config config = { .ports = NULL };
	struct fault fault = { 0 };
	char text[320], before[64] = "";
	struct craft_text *t;
	struct packet p;
	struct craft c;

	for (size_t i = 0; i < ARRAY_LEN(contexts); i++)
		if (!*before && !strncmp(f->name, contexts[i].prefix, strlen(contexts[i].prefix)))
			snprintf(before, sizeof(before), "%s,", contexts[i].before);
	snprintf(text, sizeof(text), "%s(%s%s=%s)", protocols[id]->name, before, f->name,
		 sample_of(f));
	if (craft_text_parse(text, &t, &fault) < 0)
		return false;
	craft_init(&c, memory, sizeof(memory));
	assert_int_equal(craft_text_make(t, 0, &c, &fault), 0);
	assert_true(craft_finish(&c, &fault) > 0);
	craft_text_free(t);
	config.reply = c.layers[0].reply;
	s.number = field_is_number(f);
	assert_int_equal(
		craft_value_parse(f, sample_of(f), strlen(sample_of(f)), false, &s.wanted, NULL),
		0);
	packet_walk_as(&p, &config, id, memory, c.len, c.len);
	for (uint32_t i = 0; i < p.n_layers; i++)
		packet_items(&p, i, &s.sink);
	if (!s.found)
		fail_msg("%s: set, but not read so", text);
	return true;
}

/* How many rows of messages that code writes can be set; the others follow from them, or are of
 * parts that are given as bytes: most handshake messages of TLS, some options of DHCP. */
static const struct {
	const char *protocol;
	unsigned n;
} craftable[] = {
	{ "lldp", 51 },	  { "pppoed", 26 }, { "pap", 7 },     { "chap", 5 },  { "igmp", 3 },
	{ "snmp", 47 },	  { "tls", 37 },    { "http", 38 },   { "ftp", 4 },   { "ftp-data", 1 },
	{ "smtp", 6 },	  { "pop", 6 },	    { "imap", 11 },   { "dns", 210 }, { "mdns", 212 },
	{ "llmnr", 210 }, { "dhcp", 4 },    { "dhcpv6", 52 }, { "stun", 30 }, { "syslog", 7 },
	{ "data", 0 },
};

/* Rows of one of two protocols that share them. */
static bool is_of_another(const struct protocol *p, const struct field *f)
{
	return !strcmp(f->name, "tls.record.opaque_type") ||
	       (strcmp(p->name, "mdns") != 0 &&
		(!strcmp(f->name, "dns.qry.qu") || !strcmp(f->name, "dns.resp.cache_flush")));
}

static void composed_fields(void **state)
{
	(void)state;
	for (unsigned id = PROTOCOL_FRAME + 1; id < N_PROTOCOLS; id++) {
		const struct protocol *p = protocols[id];
		unsigned n = 0, wanted = 0;

		for (size_t i = 0; p->compose && i < p->n_more_rows; i++)
			for (size_t k = 0; k < p->more_rows[i].n; k++) {
				const struct field *f = &p->more_rows[i].fields[k];

				if (!f->computed && f->type != FIELD_GROUP && !is_of_another(p, f))
					n += there_and_back((uint8_t)id, f);
			}
		for (size_t i = 0; i < ARRAY_LEN(craftable); i++)
			if (!strcmp(craftable[i].protocol, p->name))
				wanted = craftable[i].n;
		if (n != wanted)
			fail_msg("of %s %u fields can be crafted, not %u", p->name, n, wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(composed_fields), cmocka_unit_test(dns_query),
		cmocka_unit_test(dns_answer),	   cmocka_unit_test(dns_in_stream),
		cmocka_unit_test(dhcp_discover),   cmocka_unit_test(snmp_get),
		cmocka_unit_test(snmp_keys),	   cmocka_unit_test(lines_of_text),
		cmocka_unit_test(combinations),	   cmocka_unit_test(faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
