/*
 * TCP connections as probes (RFC 9293): the carrier opens one and says how it went. Both an open
 * and a refused port are answers of the target; what the kernel reports as unreachable is an ICMP
 * error, or a neighbour that did not answer.
 */
#include <errno.h>

#include "probe/module.h"

static int tcp_read(const struct probe_packet *packet, struct probe_answer *ret_answer)
{
	struct probe_answer a = { .match = PROBE_BY_SLOT, .error = packet->error };

	switch (packet->error) {
	case 0:
	case ECONNREFUSED:
	case ECONNRESET:
		a.kind = PROBE_REPLY;
		break;
	case ETIMEDOUT: /* silence, which the engine notices itself */
		return 0;
	default:
		a.kind = PROBE_UNREACHABLE;
	}
	*ret_answer = a;
	return 1;
}

static bool tcp_applies(const struct addr *target, const struct probe_link *link)
{
	(void)link;
	return !addr_is_multicast(target);
}

const struct probe_module probe_tcp = {
	.name = "tcp",
	.via = PROBE_VIA_CONNECT,
	.applies = tcp_applies,
	.read = tcp_read,
};
