/*
 * Display filters: Wireshark's language (wireshark-filter(4)), compiled once, asked of every
 * packet.
 *
 *   tcp.port in {80, 443, 8000..8100} && ip.addr == 10.0.0.0/8 && !(tcp.flags & 0x06)
 *   http.host matches r"\.example$" or any ip.src#2 != 10.0.0.1 or len(dns.qry.name) > 60
 *
 * Fields and protocols have the names of the registry. == < <= > >= contains matches hold if they
 * do for any occurrence of the field, != and === only if for all; "any" and "all" in front decide
 * it by hand. A comparison with a field that is not there is false. The bytes of a protocol are
 * its header and all that it carries. Beyond Wireshark 4.0 there are xor (^^), numbers and times
 * with units ("10ms"), and parentheses around calculations.
 */
#ifndef SONDE_WIRE_FILTER_H
#define SONDE_WIRE_FILTER_H

#include "wire/packet.h"

/* What must be known of packets for a filter or a column to see all it asks for. */
enum filter_needs {
	FILTER_NEEDS_FRAGMENTS = 1 << 0, /* datagrams put together of fragments */
	FILTER_NEEDS_ANALYSIS = 1 << 1,	 /* facts of TCP segments */
	FILTER_NEEDS_STREAMS = 1 << 2,	 /* messages in streams */
	FILTER_NEEDS_DATAGRAMS = 1 << 4, /* numbers of UDP conversations */
	FILTER_NEEDS_EXCHANGES = 1 << 3, /* which answer belongs to which question */
};

struct filter;
struct registry_name;

/**
 * filter_new() - compile a filter
 * @text: @len bytes, at most 64 KiB
 * @fault: says what is wrong and where
 * Return: 0, -E_SYNTAX with @fault filled, -ENOMEM.
 */
MUST_CHECK int filter_new(const char *text, size_t len, struct filter **ret_filter,
			  struct fault *fault);
struct filter *filter_free(struct filter *f);

/**
 * filter_matches() - ask one packet
 * Allocates nothing, and its time is bounded whatever the packet is: regular expressions that take
 * too long do not match. Not for two threads at once.
 */
bool filter_matches(struct filter *f, const struct packet *p);

/* enum filter_needs, joined. */
uint32_t filter_needs(const struct filter *f);

/* The same of one field or protocol. */
uint32_t filter_name_needs(const struct registry_name *name);

#endif
