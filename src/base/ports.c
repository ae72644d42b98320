#include "base/ports.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#define PORT_MAX      65535
#define NAME_MAX_LEN  63
#define SERVICE_BYTES 1024

static const char *const protocols[] = { "tcp", "udp" };

#define N_PROTOCOLS ARRAY_LEN(protocols)

/* Those that an entry is for; NULL: not for that one. */
struct sets {
	struct ports *of[N_PROTOCOLS];
};

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

static void add(const struct sets *sets, unsigned first, unsigned last)
{
	for (size_t i = 0; i < N_PROTOCOLS; i++) {
		struct ports *ports = sets->of[i];

		for (unsigned p = first; ports && p <= last; p++) {
			ports->n += !ports_have(ports, (uint16_t)p);
			ports->words[p / 64] |= 1ull << p % 64;
		}
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

/* A service's port for each protocol that has it. Return: false when none has. */
static bool add_service(const struct sets *sets, const char *name, size_t len)
{
	bool any = false;

	for (size_t i = 0; i < N_PROTOCOLS; i++) {
		unsigned port = sets->of[i] ? service_port(name, len, protocols[i]) : 0;
		struct sets one = { 0 };

		one.of[i] = sets->of[i];
		if (port)
			add(&one, port, port);
		any |= port;
	}
	return any;
}

/* One entry of the list, @len bytes at @text + @at. */
static int parse_entry(const struct sets *sets, const char *text, size_t at, size_t len,
		       struct fault *fault)
{
	size_t end = at + len, start = at;
	unsigned first, last;

	if (len == 1 && text[at] == '-') {
		add(sets, 1, PORT_MAX);
		return 0;
	}
	if (text[at] < '0' || text[at] > '9') {
		if (add_service(sets, text + at, len))
			return 0;
		return fault_set(fault, at, "no %s service is called \"%.*s\"",
				 !sets->of[1]	? "tcp"
				 : !sets->of[0] ? "udp"
						: "tcp or udp",
				 (int)MIN(len, (size_t)80), text + at);
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
	add(sets, first, last);
	return 0;
}

/* "T:" or "U:" at @text + *@at, which is passed over. */
static int parse_letter(struct sets *sets, const struct sets *both, const char *text, size_t *at,
			struct fault *fault)
{
	char letter = text[*at];

	if (!letter || text[*at + 1] != ':')
		return 0;
	if (letter != 'T' && letter != 'U')
		return fault_set(fault, *at, "expected T: (TCP) or U: (UDP), or a port");
	sets->of[0] = letter == 'T' ? both->of[0] : NULL;
	sets->of[1] = letter == 'U' ? both->of[1] : NULL;
	*at += 2;
	return 0;
}

/* Into @all; the letters of protocols only where there are two. */
static int parse_list(const struct sets *all, const char *text, struct fault *fault)
{
	bool letters = all->of[0] && all->of[1];
	struct sets sets = *all;
	size_t at = 0;

	for (;;) {
		int err = letters ? parse_letter(&sets, all, text, &at, fault) : 0;
		size_t len = strcspn(text + at, ",");

		if (err < 0)
			return err;
		if (!len)
			return fault_set(fault, at, "expected a port or a service's name");
		err = parse_entry(&sets, text, at, len, fault);
		if (err < 0)
			return err;
		at += len;
		if (!text[at])
			return 0;
		at++;
	}
}

int ports_parse(const char *text, const char *protocol, struct ports *ret_ports,
		struct fault *fault)
{
	struct ports ports = { 0 };
	struct sets sets = { 0 };
	int err;

	sets.of[!strcmp(protocol, "udp")] = &ports;
	err = parse_list(&sets, text, fault);
	if (!err)
		*ret_ports = ports;
	return err;
}

int ports_parse_both(const char *text, struct ports *ret_tcp, struct ports *ret_udp,
		     struct fault *fault)
{
	struct ports tcp = { 0 }, udp = { 0 };
	struct sets sets = { { &tcp, &udp } };
	int err = parse_list(&sets, text, fault);

	if (err)
		return err;
	*ret_tcp = tcp;
	*ret_udp = udp;
	return 0;
}
