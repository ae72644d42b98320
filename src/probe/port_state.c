#include "probe/port_state.h"

#include <errno.h>

#include "probe/reason.h"
#include "wire/numbers.h"

/* Codes of 'unreachable': RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1. */
enum {
	UNREACHABLE4_PROTOCOL = 2,
	UNREACHABLE4_PORT = 3,
	UNREACHABLE4_NET_PROHIBITED = 9,
	UNREACHABLE4_HOST_PROHIBITED = 10,
	UNREACHABLE4_PROHIBITED = 13,
	UNREACHABLE4_PRECEDENCE = 14,
	UNREACHABLE4_PRECEDENCE_CUT = 15,
};

/* RFC 4443 section 3.1; the last two are kinds of the first. */
enum {
	UNREACHABLE6_PROHIBITED = 1,
	UNREACHABLE6_PORT = 4,
	UNREACHABLE6_SOURCE_POLICY = 5,
	UNREACHABLE6_ROUTE_REJECTED = 6,
};

static enum port_state state_of_port_unreachable(const struct probe_module *module,
						 const struct probe_event *event)
{
	bool own_word = addr_eq(&event->responder, &event->target);

	return module->via == PROBE_VIA_UDP && own_word ? PORT_CLOSED : PORT_FILTERED;
}

static enum port_state state_of_unreachable4(const struct probe_module *module,
					     const struct probe_event *event)
{
	switch (event->icmp_code) {
	case UNREACHABLE4_PORT:
		return state_of_port_unreachable(module, event);
	case UNREACHABLE4_PROTOCOL:
	case UNREACHABLE4_NET_PROHIBITED:
	case UNREACHABLE4_HOST_PROHIBITED:
	case UNREACHABLE4_PROHIBITED:
	case UNREACHABLE4_PRECEDENCE:
	case UNREACHABLE4_PRECEDENCE_CUT:
		return PORT_FILTERED;
	}
	return PORT_UNREACHABLE;
}

static enum port_state state_of_unreachable6(const struct probe_module *module,
					     const struct probe_event *event)
{
	switch (event->icmp_code) {
	case UNREACHABLE6_PORT:
		return state_of_port_unreachable(module, event);
	case UNREACHABLE6_PROHIBITED:
	case UNREACHABLE6_SOURCE_POLICY:
	case UNREACHABLE6_ROUTE_REJECTED:
		return PORT_FILTERED;
	}
	return PORT_UNREACHABLE;
}

/* Of an errno: a connection's, or of what could not be sent. */
static enum port_state state_of_error(int error)
{
	switch (error) {
	case EACCES: /* what the kernel makes of 'prohibited'; its own firewall's EPERM */
	case EPERM:
	case ENOPROTOOPT: /* protocol unreachable */
	case EPROTO:	  /* parameter problem */
		return PORT_FILTERED;
	}
	return PORT_UNREACHABLE;
}

static enum port_state state_of_answer(const struct probe_module *module,
				       const struct probe_event *event)
{
	switch (event->kind) {
	case PROBE_REPLY:
		return event->error ? PORT_CLOSED : PORT_OPEN;
	case PROBE_UNREACHABLE:
		if (event->error)
			return state_of_error(event->error);
		return event->target.family == AF_INET ? state_of_unreachable4(module, event)
						       : state_of_unreachable6(module, event);
	case PROBE_OTHER_ERROR:
		return PORT_FILTERED;
	case PROBE_EXCEEDED:
	case PROBE_TOO_BIG:
		break;
	}
	return PORT_UNREACHABLE;
}

enum port_state port_state_of(const struct probe_module *module, const struct probe_event *event)
{
	switch (event->outcome) {
	case PROBE_SILENT:
		return module->via == PROBE_VIA_UDP ? PORT_OPEN_FILTERED : PORT_FILTERED;
	case PROBE_FAILED:
		return state_of_error(-event->error);
	case PROBE_ANSWERED:
	case PROBE_LATE:
	case PROBE_DUPLICATE:
		break;
	}
	return state_of_answer(module, event);
}

const char *port_state_name(enum port_state state)
{
	static const char *const names[PORT_N_STATES] = {
		[PORT_OPEN] = "open",
		[PORT_CLOSED] = "closed",
		[PORT_FILTERED] = "filtered",
		[PORT_OPEN_FILTERED] = "open|filtered",
		[PORT_UNREACHABLE] = "unreachable",
	};

	return names[state];
}

static const char *error_reason(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "refused";
	case ECONNRESET:
		return "reset";
	case ENETUNREACH:
		return "no route";
	case EHOSTUNREACH:
		return "host unreachable";
	case EACCES:
	case EPERM:
		return "not permitted";
	}
	return err_text(error);
}

static void reply_reason(const struct probe_module *module, const struct probe_event *event,
			 struct buf *text)
{
	if (module->via == PROBE_VIA_CONNECT) {
		buf_str(text, event->error ? error_reason(event->error) : "connected");
		return;
	}
	if (module->via == PROBE_VIA_UDP)
		buf_lit(text, "udp answer");
	else
		buf_str(text, event->error ? "rst" : "syn-ack");
	if (event->ttl >= 0)
		buf_printf(text, " ttl %d", event->ttl);
}

/* What reason.c says, as one word. */
static void icmp_reason(const struct probe_event *event, struct buf *text)
{
	buf_lit(text, "icmp ");
	for (const char *p = probe_reason(event); *p; p++)
		buf_char(text, *p == ' ' ? '-' : *p);
	if (!addr_eq(&event->responder, &event->target)) {
		buf_lit(text, " from ");
		buf_addr(text, &event->responder);
	}
}

void port_state_reason(const struct probe_module *module, const struct probe_event *event,
		       unsigned n_tries, struct buf *text)
{
	if (event->outcome == PROBE_SILENT)
		buf_printf(text, "no answer to %u %s", n_tries, n_tries == 1 ? "try" : "tries");
	else if (event->outcome == PROBE_FAILED)
		buf_str(text, error_reason(-event->error));
	else if (event->kind == PROBE_REPLY)
		reply_reason(module, event, text);
	else if (event->error)
		buf_str(text, error_reason(event->error));
	else
		icmp_reason(event, text);
}
