/* ICMP errors about probes: what they say, and the packet that they quote. */
#ifndef SONDE_PROBE_QUOTE_H
#define SONDE_PROBE_QUOTE_H

#include "base/cursor.h"
#include "probe/module.h"

struct quote {
	enum probe_kind kind; /* not PROBE_REPLY */
	uint8_t type, code;   /* of the error */
	uint32_t mtu;	      /* PROBE_TOO_BIG: what fits */
	struct addr target;   /* whom the quoted packet was sent to */
	uint8_t protocol;     /* of its payload: IPPROTO_* */
	struct probe_labels labels;
};

/**
 * quote_kind() - what an ICMP (RFC 792) or ICMPv6 (RFC 4443) error means for a probe
 * @family: AF_INET or AF_INET6
 * Return: whether it is such an error; only then @ret_kind is set.
 */
bool quote_kind(int family, uint8_t type, uint8_t code, enum probe_kind *ret_kind);

/**
 * quote_read() - read an ICMP or ICMPv6 error up to the transport header that it quotes
 * @family: AF_INET or AF_INET6
 * @c: at the ICMP type, untrusted; afterwards behind the quoted IP header, of which IPv6's has no
 * extension headers, as our probes have none
 * Return: whether it is such an error; only then @ret_quote is set.
 */
bool quote_read(int family, struct cursor *c, struct quote *ret_quote);

#endif
