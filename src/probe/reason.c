#include "probe/reason.h"

#include <errno.h>

#include "wire/numbers.h"

/* RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1 */
static const char *const unreachable4[] = {
	"network unreachable",
	"host unreachable",
	"protocol unreachable",
	"port unreachable",
	"fragmentation needed",
	"source route failed",
	"network unknown",
	"host unknown",
	"host isolated",
	"network prohibited",
	"host prohibited",
	"network unreachable for this type of service",
	"host unreachable for this type of service",
	"administratively prohibited",
	"host precedence violation",
	"precedence cut off",
};

/* RFC 4443 section 3.1 */
static const char *const unreachable6[] = {
	"no route",
	"administratively prohibited",
	"beyond scope of source address",
	"address unreachable",
	"port unreachable",
	"source address failed policy",
	"route rejected",
};

static const char *unreachable(const struct probe_event *event)
{
	unsigned code = event->icmp_code;

	if (event->error > 0)
		return err_text(event->error);
	if (event->target.family == AF_INET)
		return code < ARRAY_LEN(unreachable4) ? unreachable4[code] : "unreachable";
	return code < ARRAY_LEN(unreachable6) ? unreachable6[code] : "unreachable";
}

const char *probe_reason(const struct probe_event *event)
{
	/* This is what the kernel says of broadcast addresses. */
	if (event->outcome == PROBE_FAILED && event->error == -EACCES)
		return "not permitted: a broadcast address, or a firewall";
	if (event->outcome == PROBE_FAILED)
		return err_text(event->error);
	if (event->outcome == PROBE_SILENT)
		return NULL;
	switch (event->kind) {
	case PROBE_REPLY:
		return event->error ? err_text(event->error) : NULL;
	case PROBE_UNREACHABLE:
		return unreachable(event);
	case PROBE_EXCEEDED:
		return event->icmp_code ? "fragment reassembly time exceeded"
					: (event->target.family == AF_INET ? "TTL exceeded"
									   : "hop limit exceeded");
	case PROBE_TOO_BIG:
		return "packet too big";
	case PROBE_OTHER_ERROR:
		return "parameter problem";
	}
	return NULL;
}
