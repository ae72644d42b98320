#include "base/ports.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#define PORT_MAX      65535
#define NAME_MAX_LEN  63
#define SERVICE_BYTES 1024

bool ports_have(const struct ports *ports, uint16_t port)
{
	return ports->words[port / 64] >> port % 64 & 1;
}

uint16_t ports_next(const struct ports *ports, uint16_t port)
{
	for (unsigned p = port + 1u; p <= PORT_MAX; p++) {
		if (ports_have(ports, (uint16_t)p))
			return (uint16_t)p;
	}
	return 0;
}

static void add(struct ports *ports, unsigned first, unsigned last)
{
	for (unsigned p = first; p <= last; p++) {
		ports->n += !ports_have(ports, (uint16_t)p);
		ports->words[p / 64] |= 1ull << p % 64;
	}
}

/* Digits at @text as a port, moving *@at behind them; 0 when it is none. */
static unsigned parse_number(const char *text, size_t *at)
{
	unsigned value = 0;
	size_t start = *at;

	while (text[*at] >= '0' && text[*at] <= '9' && *at - start < 6)
		value = value * 10 + (unsigned)(text[(*at)++] - '0');
	return value <= PORT_MAX ? value : 0;
}

/* A service's port, or 0. */
static unsigned service_port(const char *name, size_t len, const char *protocol)
{
	char copy[NAME_MAX_LEN + 1], memory[SERVICE_BYTES];
	struct servent service, *found = NULL;

	if (len > NAME_MAX_LEN)
		return 0;
	memcpy(copy, name, len);
	copy[len] = '\0';
	if (getservbyname_r(copy, protocol, &service, memory, sizeof(memory), &found) || !found)
		return 0;
	return ntohs((uint16_t)found->s_port);
}

/* One entry of the list, @len bytes at @text + @at. */
static int parse_entry(struct ports *ports, const char *text, size_t at, size_t len,
		       const char *protocol, struct fault *fault)
{
	size_t end = at + len, start = at;
	unsigned first, last;

	if (len == 1 && text[at] == '-') {
		add(ports, 1, PORT_MAX);
		return 0;
	}
	if (text[at] < '0' || text[at] > '9') {
		first = last = service_port(text + at, len, protocol);
		if (!first)
			return fault_set(fault, at, "no %s service is called \"%.*s\"", protocol,
					 (int)MIN(len, (size_t)80), text + at);
		add(ports, first, last);
		return 0;
	}
	first = last = parse_number(text, &at);
	if (at < end && text[at] == '-') {
		at++;
		last = parse_number(text, &at);
	}
	if (!first || !last || at != end)
		return fault_set(fault, start,
				 "expected a port from 1 to 65535, or a range of them");
	if (last < first)
		return fault_set(fault, start, "the range %u-%u runs backwards", first, last);
	add(ports, first, last);
	return 0;
}

int ports_parse(const char *text, const char *protocol, struct ports *ret_ports,
		struct fault *fault)
{
	struct ports ports = { 0 };
	size_t at = 0;

	for (;;) {
		size_t len = strcspn(text + at, ",");
		int err;

		if (!len)
			return fault_set(fault, at, "expected a port or a service's name");
		err = parse_entry(&ports, text, at, len, protocol, fault);
		if (err < 0)
			return err;
		at += len;
		if (!text[at])
			break;
		at++;
	}
	*ret_ports = ports;
	return 0;
}
