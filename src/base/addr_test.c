/* Addresses against inet_pton() and regular expressions; prefixes bit by bit. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/random.h"

#define ROUNDS 20000

static struct addr random_addr(struct random *r)
{
	uint8_t bytes[16];

	random_bytes(r, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (random_below(r, 3) == 0)
			bytes[i] = random_below(r, 2) ? 0 : 0xff;
	}
	return random_below(r, 2) ? addr_ip4(bytes) : addr_ip6(bytes);
}

static bool bit(const struct addr *a, unsigned i)
{
	return a->bytes[i / 8] >> (7 - i % 8) & 1;
}

static struct addr parsed(const char *text)
{
	struct addr a;
	struct fault fault = { 0 };

	if (addr_parse(text, strlen(text), &a, &fault))
		fail_msg("%s: %s", text, fault.text);
	return a;
}

static struct prefix parsed_prefix(const char *text)
{
	struct prefix p;
	struct fault fault = { 0 };

	if (prefix_parse(text, strlen(text), &p, &fault))
		fail_msg("%s: %s", text, fault.text);
	return p;
}

/* Changes, drops or doubles one character, now and then. */
static void damage(struct random *r, char *text)
{
	static const char others[] = "0123456789abcdefG:./%- ";
	size_t len = strlen(text), at = random_below(r, len + 1);

	switch (random_below(r, 4)) {
	case 0:
		if (at < len)
			text[at] = others[random_below(r, sizeof(others) - 1)];
		break;
	case 1:
		memmove(text + at, text + at + (at < len), len - at + 1);
		break;
	case 2:
		memmove(text + at + 1, text + at, len - at + 1);
		text[at] = at < len ? text[at + 1] : '0';
		break;
	default:
		break;
	}
}

static void parse_accepts_what_inet_pton_does(void **state)
{
	struct random r = random_of(1);
	int n_refused = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct addr a = random_addr(&r), got = { 0 };
		char text[INET6_ADDRSTRLEN + 2];
		struct fault fault = { 0 };
		uint8_t want[16] = { 0 };
		int family = 0;

		inet_ntop(a.family, a.bytes, text, INET6_ADDRSTRLEN);
		damage(&r, text);
		if (inet_pton(AF_INET, text, want) == 1)
			family = AF_INET;
		else if (inet_pton(AF_INET6, text, want) == 1)
			family = AF_INET6;
		/* What follows the text does not matter. */
		size_t len = strlen(text);

		text[len] = '7';
		if (!family) {
			assert_int_equal(addr_parse(text, len, &got, &fault), -E_SYNTAX);
			assert_true(fault.text[0] && fault.offset <= len);
			assert_int_equal(got.family, AF_UNSPEC);
			n_refused++;
			continue;
		}
		assert_int_equal(addr_parse(text, len, &got, &fault), 0);
		assert_int_equal(got.family, family);
		assert_memory_equal(got.bytes, want, sizeof(want));
	}
	assert_in_range(n_refused, ROUNDS / 20, ROUNDS);
}

static void strange_addresses_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"10.0.0",
		"10.0.0.256",
		"010.0.0.1",
		"10.0.0.1 ",
		"0x0a.1.1.1",
		"1",
		":::",
		"1:2:3:4:5:6:7",
		"::1%lo",
		"10.0.0.1%lo",
		"fe80::1%",
		"fe80::1%-1",
		"fe80::1% 1",
		"fe80::1%4294967297",
		"fe80::1%nosuchlink0",
		"2001:db8::1%lo",
		"fe80::1%0",
	};
	struct addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct fault fault = { 0 };

		if (!addr_parse(texts[i], strlen(texts[i]), &a, &fault))
			fail_msg("\"%s\" was accepted", texts[i]);
		assert_true(fault.text[0]);
	}
	assert_int_equal(addr_parse("10.0.0.1\0002", 10, &a, NULL), -E_SYNTAX);
}

static void scope_is_an_interface(void **state)
{
	struct addr a = parsed("fe80::1%lo");
	struct buf b = buf_of(100);

	(void)state;
	assert_int_equal(a.scope, if_nametoindex("lo"));
	buf_addr(&b, &a);
	assert_string_equal(buf_cstr(&b), "fe80::1%lo");
	buf_reset(&b);
	a = parsed("ff02::fb%999999999");
	assert_int_equal(a.scope, 999999999);
	buf_addr(&b, &a);
	assert_string_equal(buf_cstr(&b), "ff02::fb%999999999");
	buf_done(&b);
}

/* Everything but the value of the length is a matter of form, which an expression can tell. */
static void prefix_parse_is_the_form(void **state)
{
	struct random r = random_of(2);
	regex_t form;

	(void)state;
	assert_int_equal(regcomp(&form, "^([^/]*)(/([0-9]{1,3}))?$", REG_EXTENDED), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct addr a = random_addr(&r), want;
		char text[80], shown[INET6_ADDRSTRLEN];
		struct prefix p = { 0 };
		regmatch_t part[4];
		bool ok;

		inet_ntop(a.family, a.bytes, shown, sizeof(shown));
		if (random_below(&r, 6))
			snprintf(text, sizeof(text), "%s/%u", shown,
				 (unsigned)random_below(&r, 140));
		else
			snprintf(text, sizeof(text), "%s", shown);
		damage(&r, text);
		ok = !regexec(&form, text, 4, part, 0) &&
		     !addr_parse(text, (size_t)part[1].rm_eo, &want, NULL);
		unsigned len = ok && part[3].rm_so >= 0 ? (unsigned)atoi(text + part[3].rm_so)
			       : ok			? addr_bits(&want)
							: 0;

		ok = ok && len <= addr_bits(&want);
		assert_int_equal(prefix_parse(text, strlen(text), &p, NULL), ok ? 0 : -E_SYNTAX);
		if (ok) {
			assert_true(addr_eq(&p.addr, &want));
			assert_int_equal(p.len, len);
		}
	}
	regfree(&form);
}

static void prefix_faults_name_the_place(void **state)
{
	struct prefix p;
	struct fault fault;

	(void)state;
	assert_int_equal(prefix_parse("10.0.0.0/33", 11, &p, &fault), -E_SYNTAX);
	assert_int_equal(fault.offset, 9);
	assert_int_equal(prefix_parse("2001:db8::/129", 14, &p, &fault), -E_SYNTAX);
	assert_int_equal(fault.offset, 11);
	assert_int_equal(prefix_parse("10.0.0.0/", 9, &p, &fault), -E_SYNTAX);
	assert_int_equal(prefix_parse("10.0.0.0/8/8", 12, &p, &fault), -E_SYNTAX);
}

static void prefixes_equal_bits(void **state)
{
	struct random r = random_of(3);

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct prefix p = { .addr = random_addr(&r) };
		unsigned bits = addr_bits(&p.addr);
		struct addr first, last, mask, inside = random_addr(&r);
		bool contained = inside.family == p.addr.family;

		p.len = (uint8_t)random_below(&r, bits + 1);
		first = prefix_first(&p);
		last = prefix_last(&p);
		mask = addr_mask(p.addr.family, p.len);
		/* Share the prefix's start, so that it is often inside. */
		memcpy(inside.bytes, p.addr.bytes, random_below(&r, addr_len(&inside) + 1));
		for (unsigned k = 0; k < bits; k++) {
			assert_int_equal(bit(&first, k), k < p.len ? bit(&p.addr, k) : 0);
			assert_int_equal(bit(&last, k), k < p.len ? bit(&p.addr, k) : 1);
			assert_int_equal(bit(&mask, k), k < p.len);
			contained = contained && (k >= p.len || bit(&p.addr, k) == bit(&inside, k));
		}
		assert_int_equal(prefix_contains(&p, &inside), contained);
		assert_int_equal(first.family, p.addr.family);
		assert_int_equal(last.family, p.addr.family);
	}
}

static void numbers_and_order(void **state)
{
	struct random r = random_of(4);

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct addr a = random_addr(&r), b = random_below(&r, 4) ? random_addr(&r) : a,
			    again;
		uint128_t number = 0;
		int want = (a.family > b.family) - (a.family < b.family);

		for (size_t k = 0; k < addr_len(&a); k++)
			number = number * 256 + a.bytes[k];
		assert_true(addr_number(&a) == number);
		again = addr_from_number(a.family, number);
		assert_true(addr_eq(&a, &again));
		a.scope = (uint32_t)random_below(&r, 3);
		for (size_t k = 0; k < 16 && !want; k++)
			want = (a.bytes[k] > b.bytes[k]) - (a.bytes[k] < b.bytes[k]);
		if (!want)
			want = a.scope > 0;
		assert_int_equal((addr_cmp(&a, &b) > 0) - (addr_cmp(&a, &b) < 0), want);
		assert_int_equal((addr_cmp(&b, &a) > 0) - (addr_cmp(&b, &a) < 0), -want);
		assert_int_equal(addr_eq(&a, &b), !want);
	}
}

/* The registries as text, compared bit by bit, at and around every edge. */
static const char *const not_global[] = {
	"0.0.0.0/8",	   "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8",	"169.254.0.0/16",
	"172.16.0.0/12",   "192.0.0.0/24",   "192.0.2.0/24",  "192.168.0.0/16", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",   "240.0.0.0/4",	"::/128",
	"::1/128",	   "64:ff9b:1::/48", "100::/64",      "2001:2::/48",	"2001:db8::/32",
	"3fff::/20",	   "5f00::/16",	     "fc00::/7",      "fe80::/10",	"ff00::/8",
};

static bool naive_is_global(const struct addr *a)
{
	for (size_t i = 0; i < ARRAY_LEN(not_global); i++) {
		struct prefix p = parsed_prefix(not_global[i]);
		unsigned k = 0;

		while (p.addr.family == a->family && k < p.len && bit(&p.addr, k) == bit(a, k))
			k++;
		if (p.addr.family == a->family && k == p.len)
			return false;
	}
	return true;
}

static void global_is_what_no_registry_reserves(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(not_global); i++) {
		struct prefix p = parsed_prefix(not_global[i]);
		struct addr first = prefix_first(&p), last = prefix_last(&p);
		struct addr around[] = {
			first,
			last,
			addr_from_number(first.family, addr_number(&first) - 1),
			addr_from_number(last.family, addr_number(&last) + 1),
		};

		for (size_t k = 0; k < ARRAY_LEN(around); k++) {
			/* What is left of ::/8 belongs to nobody, which the naive list does not
			 * say. */
			bool nobodys = around[k].family == AF_INET6 && !around[k].bytes[0];

			assert_int_equal(addr_is_global(&around[k]),
					 !nobodys && naive_is_global(&around[k]));
		}
	}
	assert_false(addr_is_global(&(struct addr){ 0 }));
}

static void ip4_inside_ip6_is_judged_as_ip4(void **state)
{
	struct random r = random_of(5);

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct addr a = random_addr(&r), mapped = parsed("::ffff:0:0");
		struct addr nat64 = parsed("64:ff9b::");

		memcpy(mapped.bytes + 12, a.bytes, 4);
		memcpy(nat64.bytes + 12, a.bytes, 4);
		a = addr_ip4(a.bytes);
		assert_int_equal(addr_is_global(&mapped), naive_is_global(&a));
		assert_int_equal(addr_is_global(&nat64), naive_is_global(&a));
	}
}

static void kinds_are_prefixes(void **state)
{
	static const struct {
		bool (*is)(const struct addr *a);
		const char *ip4, *ip6;
	} kinds[] = {
		{ addr_is_loopback, "127.0.0.0/8", "::1/128" },
		{ addr_is_multicast, "224.0.0.0/4", "ff00::/8" },
		{ addr_is_link_local, "169.254.0.0/16", "fe80::/10" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const char *const texts[] = { kinds[i].ip4, kinds[i].ip6 };

		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			struct prefix p = parsed_prefix(texts[k]);
			struct addr first = prefix_first(&p), last = prefix_last(&p);
			struct addr below = addr_from_number(first.family, addr_number(&first) - 1);
			struct addr above = addr_from_number(last.family, addr_number(&last) + 1);

			assert_true(kinds[i].is(&first) && kinds[i].is(&last));
			assert_false(kinds[i].is(&below));
			assert_false(kinds[i].is(&above) && addr_number(&above) != 0);
		}
		assert_false(kinds[i].is(&(struct addr){ 0 }));
	}
}

static void mac_parse_is_the_form(void **state)
{
	static const char *const forms[] = { "%02x:%02x:%02x:%02x:%02x:%02x",
					     "%02X-%02x-%02X-%02x-%02x-%02x",
					     "%02x%02x.%02x%02x.%02X%02x",
					     "%02x.%02x.%02x.%02x.%02x.%02x" };
	struct random r = random_of(6);
	regex_t form;

	(void)state;
	assert_int_equal(regcomp(&form,
				 "^([0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{2}(-[0-9a-f]{2}){5}|"
				 "[0-9a-f]{4}(\\.[0-9a-f]{4}){2})$",
				 REG_EXTENDED | REG_ICASE),
			 0);
	for (int i = 0; i < ROUNDS; i++) {
		char text[32], digits[13] = "", want[13];
		uint8_t b[6];
		struct mac m;
		struct fault fault = { 0 };
		bool ok;

		random_bytes(&r, b, sizeof(b));
		snprintf(text, sizeof(text), forms[random_below(&r, ARRAY_LEN(forms))], b[0], b[1],
			 b[2], b[3], b[4], b[5]);
		damage(&r, text);
		ok = !regexec(&form, text, 0, NULL, 0);
		assert_int_equal(mac_parse(text, strlen(text), &m, &fault), ok ? 0 : -E_SYNTAX);
		if (!ok) {
			assert_true(fault.text[0] && fault.offset <= strlen(text));
			continue;
		}
		for (size_t k = 0, n = 0; text[k]; k++) {
			if (!strchr(":-.", text[k]))
				digits[n++] = (char)tolower(text[k]);
		}
		snprintf(want, sizeof(want), "%02x%02x%02x%02x%02x%02x", m.bytes[0], m.bytes[1],
			 m.bytes[2], m.bytes[3], m.bytes[4], m.bytes[5]);
		assert_string_equal(digits, want);
	}
	regfree(&form);
}

static void endpoints_go_to_the_kernel_and_back(void **state)
{
	struct random r = random_of(7);
	struct sockaddr unix_address = { .sa_family = AF_UNIX };
	struct sockaddr_storage sa;
	struct endpoint again;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct endpoint e = { random_addr(&r), (uint16_t)random_u64(&r) };
		char text[INET6_ADDRSTRLEN], want[INET6_ADDRSTRLEN + 10];
		struct buf b = buf_of(100);
		socklen_t len = endpoint_to_sockaddr(&e, &sa);

		assert_int_equal(len, e.addr.family == AF_INET ? sizeof(struct sockaddr_in)
							       : sizeof(struct sockaddr_in6));
		assert_int_equal(endpoint_from_sockaddr((struct sockaddr *)&sa, &again), 0);
		assert_true(addr_eq(&e.addr, &again.addr));
		assert_int_equal(e.port, again.port);
		buf_addr(&b, &e.addr);
		snprintf(text, sizeof(text), "%s", buf_cstr(&b));
		snprintf(want, sizeof(want), e.addr.family == AF_INET ? "%s:%u" : "[%s]:%u", text,
			 e.port);
		buf_reset(&b);
		buf_endpoint(&b, &e);
		assert_string_equal(buf_cstr(&b), want);
		buf_done(&b);
	}
	assert_int_equal(endpoint_to_sockaddr(&(struct endpoint){ 0 }, &sa), 0);
	assert_int_equal(endpoint_from_sockaddr(&unix_address, &again), -EAFNOSUPPORT);
}

static void scope_survives_for_link_local_only(void **state)
{
	struct endpoint e = { parsed("fe80::7%3"), 53 }, again;
	struct sockaddr_storage sa;

	(void)state;
	endpoint_to_sockaddr(&e, &sa);
	assert_int_equal(endpoint_from_sockaddr((struct sockaddr *)&sa, &again), 0);
	assert_int_equal(again.addr.scope, 3);
	e.addr = parsed("2001:db8::7");
	endpoint_to_sockaddr(&e, &sa);
	((struct sockaddr_in6 *)&sa)->sin6_scope_id = 3;
	assert_int_equal(endpoint_from_sockaddr((struct sockaddr *)&sa, &again), 0);
	assert_int_equal(again.addr.scope, 0);
}

static void zero_mac(void **state)
{
	(void)state;
	assert_true(mac_is_zero(&(struct mac){ 0 }));
	for (size_t i = 0; i < 6; i++) {
		struct mac m = { 0 };

		m.bytes[i] = 1;
		assert_false(mac_is_zero(&m));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_accepts_what_inet_pton_does),
		cmocka_unit_test(strange_addresses_are_refused),
		cmocka_unit_test(scope_is_an_interface),
		cmocka_unit_test(prefix_parse_is_the_form),
		cmocka_unit_test(prefix_faults_name_the_place),
		cmocka_unit_test(prefixes_equal_bits),
		cmocka_unit_test(numbers_and_order),
		cmocka_unit_test(global_is_what_no_registry_reserves),
		cmocka_unit_test(ip4_inside_ip6_is_judged_as_ip4),
		cmocka_unit_test(kinds_are_prefixes),
		cmocka_unit_test(mac_parse_is_the_form),
		cmocka_unit_test(endpoints_go_to_the_kernel_and_back),
		cmocka_unit_test(scope_survives_for_link_local_only),
		cmocka_unit_test(zero_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
